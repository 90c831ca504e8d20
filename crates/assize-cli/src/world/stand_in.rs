//! Policies without a world (C-27): a made-up world of the accounts that requests name, in which
//! the given documents are the layers.

mod account;
mod layers;
mod organization;
mod session;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use assize_model::{
    AccountId, ArnParts, Principal, PrincipalForm, PrincipalKind, Request, ResourceData,
    StatedPrincipal, Target,
};
use assize_store::{Resource, ResourceAttributes, StoreChange, StoreSnapshot, Tag, parent};

use self::account::Accounts;
use self::layers::Layers;
pub(crate) use self::session::SessionPolicies;
use super::Reader;
use crate::args::{ContextPair, PolicyArgs};
use crate::render::BadInput;
use crate::render::source::{FaultPlace, InputFault};
use crate::request::{Asked, brings_tags, is_principal_tag, principal_tags};

/// The account of the world when no principal names one.
const DEFAULT_ACCOUNT: &str = "111111111111";
/// The user who asks when nobody is named.
pub(crate) const DEFAULT_PRINCIPAL: &str = "arn:aws:iam::111111111111:user/user";

/// The documents, and what the requests name that the world must have.
#[derive(Debug)]
pub(crate) struct StandIn {
    layers: Layers,
    principals: BTreeSet<Named>,
    /// ARN to the account of the principal who first named it.
    resources: BTreeMap<String, AccountId>,
    tags: Vec<Tag>,
    organization: Option<organization::Said>,
    /// Whether someone asks who may have policies of their own.
    has_identity: bool,
    assumptions: Vec<String>,
}

/// A principal that the world must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Account(AccountId),
    User { partition: String, account: AccountId, path_and_name: String },
    Role { partition: String, account: AccountId, path_and_name: String },
}

impl Named {
    fn account(&self) -> AccountId {
        match self {
            Self::Account(account) | Self::User { account, .. } | Self::Role { account, .. } => {
                *account
            }
        }
    }

    fn partition(&self) -> &str {
        match self {
            Self::Account(_) => "aws",
            Self::User { partition, .. } | Self::Role { partition, .. } => partition,
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        let owned =
            |partition: &str, path_and_name: &str| (partition.to_owned(), path_and_name.to_owned());
        Some(match PrincipalForm::parse(text).ok()? {
            PrincipalForm::User { partition, account, path_and_name } => {
                let (partition, path_and_name) = owned(partition, path_and_name);
                Self::User { partition, account, path_and_name }
            }
            PrincipalForm::Role { partition, account, path_and_name } => {
                let (partition, path_and_name) = owned(partition, path_and_name);
                Self::Role { partition, account, path_and_name }
            }
            PrincipalForm::AssumedRole { partition, account, role_name, .. } => {
                let (partition, path_and_name) = owned(partition, &format!("/{role_name}"));
                Self::Role { partition, account, path_and_name }
            }
            PrincipalForm::FederatedUser { account, .. } | PrincipalForm::Root { account, .. } => {
                Self::Account(account)
            }
            _ => return None,
        })
    }

    fn of_stated(stated: &StatedPrincipal<'_>) -> Option<Self> {
        let entity = match stated.kind {
            PrincipalKind::RoleSession => stated.role.as_ref().or(stated.arn.as_ref()),
            PrincipalKind::FederatedUser => stated.user.as_ref(),
            _ => stated.arn.as_ref(),
        };
        let account = || stated.account.map(Self::Account);
        entity.and_then(|text| Self::of_text(text)).or_else(account)
    }
}

/// What the made-up world is, and what had to be assumed for it.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) snapshot: StoreSnapshot,
    pub(crate) assumptions: Vec<String>,
}

impl StandIn {
    /// Reads the documents.
    ///
    /// # Errors
    /// A document that cannot be read, or an ARN that no AWS-managed policy has.
    pub(crate) fn read(args: &PolicyArgs, reader: &Reader) -> Result<Self> {
        let layers = Layers::read(args, reader.managed())?;
        if layers.boundary.len() > 1 {
            bail!("a user or role has one permissions boundary: give `--boundary` once");
        }
        Ok(Self {
            layers,
            principals: BTreeSet::new(),
            resources: BTreeMap::new(),
            tags: Vec::new(),
            organization: None,
            has_identity: false,
            assumptions: Vec::new(),
        })
    }

    /// Gives the principals of requests the tags of `-c aws:PrincipalTag/K`: the made-up user or
    /// role has them, and the context need not state them.
    ///
    /// # Errors
    /// A tag with several values.
    pub(crate) fn set_principal_tags(
        &mut self,
        asked: &mut [Asked],
        pairs: &[ContextPair],
    ) -> Result<()> {
        // Those of a session are no tags of the world.
        for asked in asked.iter_mut().filter(|asked| !brings_tags(&asked.request.principal)) {
            let n_keys = asked.request.context.len();
            asked.request.context.retain(|(key, _)| !is_principal_tag(key));
            if asked.request.context.len() < n_keys {
                self.tags = principal_tags(pairs)?;
            }
        }
        Ok(())
    }

    /// Takes the organization of the world from `-c aws:PrincipalOrgID`, `aws:PrincipalOrgPaths` or
    /// those of the resource: the principals' accounts are its members.
    ///
    /// # Errors
    /// What is no path of an organization.
    pub(crate) fn set_organization(&mut self, pairs: &[ContextPair]) -> Result<()> {
        self.organization = organization::Said::of(pairs)?;
        Ok(())
    }

    /// The session policies, which requests are given before they are decided.
    pub(crate) fn session_policies(&self) -> Option<SessionPolicies> {
        SessionPolicies::new(&self.layers.session)
    }

    /// Takes what a request names into the world.
    pub(crate) fn note(&mut self, request: &Request<'_>) -> Result<()> {
        let named = match &request.principal {
            Principal::Text(text) => Named::of_text(text),
            Principal::Stated(stated) => Named::of_stated(stated),
        };
        self.has_identity |= has_identity(&request.principal);
        let owner = match &named {
            Some(named) => named.account(),
            None => DEFAULT_ACCOUNT.parse()?,
        };
        self.principals.insert(named.unwrap_or(Named::Account(owner)));
        // What the request says of the owner is what the world has on record (E-8).
        let stated = |data: &Option<Box<ResourceData<'_>>>| data.as_ref().and_then(|d| d.account);
        let shared = stated(&request.resource_data);
        let mut note = |arn: &str, own: Option<AccountId>| {
            if ArnParts::split(arn).is_some() {
                let owner = own.or(shared).unwrap_or(owner);
                self.resources.entry(arn.to_owned()).or_insert(owner);
            }
        };
        match &request.target {
            Target::Action { resource, resources, .. } => {
                if let Some(arn) = resource {
                    note(arn, None);
                }
                for resource in resources {
                    note(&resource.arn, stated(&resource.data));
                }
            }
            Target::Checks(checks) => {
                for check in checks {
                    if let Some(arn) = &check.resource {
                        note(arn, stated(&check.data));
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives the session of a request the session policies.
    ///
    /// # Errors
    /// A principal of a kind that has no session policies.
    pub(crate) fn adapt(&mut self, request: &mut Request<'_>) -> Result<()> {
        let Some(policies) = self.session_policies() else { return Ok(()) };
        if let Some(assumption) = policies.put_into(&mut request.principal)? {
            self.assume(assumption);
        }
        Ok(())
    }

    fn assume(&mut self, assumption: &str) {
        if !self.assumptions.iter().any(|known| known == assumption) {
            self.assumptions.push(assumption.to_owned());
        }
    }

    /// Makes the world.
    ///
    /// # Errors
    /// A document that does not load, a trust policy without a role, or names that the store does
    /// not take.
    pub(crate) fn build(mut self, reader: &Reader, skip_invalid: bool) -> Result<Built> {
        let trusts_identity = self.trusts_identity();
        if self.layers.identity.is_empty() && self.has_identity {
            self.assume("the principal's own policies are taken to allow everything (no --policy)");
        }
        let mut accounts = Accounts::new(&self.layers, &self.tags, trusts_identity);
        for named in &self.principals {
            accounts.add(named);
        }
        let mut changes = Vec::new();
        let mut assumptions = self.assumptions.clone();
        self.add_resources(&mut accounts, &mut changes)?;
        let members: BTreeSet<AccountId> = self.principals.iter().map(Named::account).collect();
        let said = self.organization.as_ref();
        if let Some((organization, assumption)) = organization::of(&self.layers, &members, said) {
            changes.push(StoreChange::PutOrganization(organization));
            assumptions.extend(assumption.map(str::to_owned));
        }
        let mut editor = StoreSnapshot::empty().edit();
        for change in accounts.into_changes().into_iter().chain(changes) {
            editor.apply(change)?;
        }
        editor.resolve_managed(reader.managed());
        let (snapshot, _) = editor.commit();
        if !skip_invalid {
            check_documents(&snapshot)?;
        }
        Ok(Built { snapshot, assumptions })
    }

    /// Whether the accounts are external ones whose principals may everything (F-48). A boundary,
    /// session policies and tags need a principal that is there; it has a policy that allows
    /// everything instead.
    fn trusts_identity(&self) -> bool {
        self.layers.identity.is_empty()
            && self.layers.boundary.is_empty()
            && self.layers.session.is_empty()
            && self.tags.is_empty()
    }

    fn add_resources(
        &self,
        accounts: &mut Accounts<'_>,
        changes: &mut Vec<StoreChange>,
    ) -> Result<()> {
        let mut owned = BTreeMap::new();
        let mut n_roles = 0;
        for (arn, owner) in &self.resources {
            if let (Some(Named::Role { partition, account, path_and_name }), false) =
                (role_of(arn), self.layers.trust.is_empty())
            {
                n_roles += 1;
                accounts.add_trust(&partition, account, &path_and_name)?;
                continue;
            }
            let above = parent(arn).filter(|parent| parent.governs);
            let record = above.map_or(Cow::Borrowed(&**arn), |parent| parent.arn);
            let account =
                ArnParts::split(&record).and_then(|parts| parts.account_id()).unwrap_or(*owner);
            owned.entry(record.into_owned()).or_insert(account);
        }
        if n_roles == 0 && !self.layers.trust.is_empty() {
            bail!(
                "`--trust` needs a role as resource, such as -r arn:aws:iam::{DEFAULT_ACCOUNT}:role/NAME"
            );
        }
        if owned.is_empty() && !self.layers.resource.is_empty() {
            bail!("`--resource-policy` needs a resource: give its ARN with -r");
        }
        for (arn, account) in owned {
            changes.push(StoreChange::PutResource(Resource {
                arn: arn.into(),
                account,
                tags: None,
                policies: self.layers.resource.iter().map(layers::Document::text).collect(),
                attributes: ResourceAttributes::default(),
            }));
        }
        Ok(())
    }
}

/// Whether a principal is one with identity policies: no root user, service, federated or anonymous
/// caller is.
fn has_identity(principal: &Principal<'_>) -> bool {
    match principal {
        Principal::Text(text) => matches!(
            PrincipalForm::parse(text),
            Ok(PrincipalForm::User { .. }
                | PrincipalForm::Role { .. }
                | PrincipalForm::AssumedRole { .. }
                | PrincipalForm::FederatedUser { .. })
        ),
        Principal::Stated(stated) => matches!(
            stated.kind,
            PrincipalKind::User | PrincipalKind::RoleSession | PrincipalKind::FederatedUser
        ),
    }
}

fn role_of(arn: &str) -> Option<Named> {
    Named::of_text(arn)
        .filter(|named| matches!(named, Named::Role { .. }) && arn.contains(":role/"))
}

/// Refuses documents that do not load, each with its reason underlined: given by hand, they are
/// bad input and no poison (C-25, F-41).
fn check_documents(snapshot: &StoreSnapshot) -> Result<(), BadInput> {
    let library = assize::library(snapshot);
    let mut faults = Vec::new();
    for (id, document) in snapshot.documents() {
        let (Some(entry), Some(origin)) = (library.get(id), &document.origin) else { continue };
        if !entry.is_poison() {
            continue;
        }
        let text = document.text.clone().unwrap_or_default();
        let reasons = entry.findings.iter().filter(|finding| {
            finding.rejects && finding.code != assize_policy::FindingCode::XInvalidPolicy
        });
        faults.extend(reasons.map(|finding| InputFault {
            code: Some(finding.code.as_str().to_owned()),
            message: finding.message.to_string(),
            place: Some(FaultPlace {
                file: origin.file.to_string(),
                text: text.clone(),
                span: finding.span,
            }),
        }));
    }
    // One document may stand in several places of the world.
    faults.sort_by(|a, b| a.order().cmp(&b.order()));
    faults.dedup_by(|a, b| a.order() == b.order());
    if faults.is_empty() { Ok(()) } else { Err(BadInput::new(faults)) }
}

#[cfg(test)]
mod tests;
