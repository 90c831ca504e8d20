//! The world before and after, grown by the accounts that the log names (C-29).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize::{BundledPolicies, Engine};
use assize_catalog::Catalog;
use assize_compiler::CompileOptions;
use assize_formats::{ChangeSet, Changed};
use assize_model::{AccountId, ContextMode, EngineOptions};
use assize_store::{
    Account, EndpointType, ExternalAccount, FULL_AWS_ACCESS_ID, Organization, OrganizationNode,
    RCP_FULL_AWS_ACCESS_ID, StoreChange, StoreSnapshot, VpcEndpoint, builtin_organization_policy,
};

use crate::alike::Sight;
use crate::{Error, ErrorKind};

/// The organization that stands above the accounts of a log whose world has none.
const ASSUMED_ORGANIZATION: &str = "o-assumed000";
const ASSUMED_ROOT: &str = "r-assumed";
/// Its management account, unless one is named: an account that nobody has.
const ASSUMED_MANAGEMENT: &str = "000000000000";
/// The service whose delegated administrators assume the root of other accounts (E-94).
const ROOT_ACCESS: &str = "iam.amazonaws.com";

/// Most accounts of a log that are taken into the worlds: an organization has some thousands, and
/// callers from elsewhere come on top.
pub(crate) const MAX_ASSUMED_ACCOUNTS: usize = 1 << 16;
/// Most VPC endpoints of a log that are taken in. Calls through others are errors where their
/// accounts are in the worlds.
const MAX_ASSUMED_ENDPOINTS: usize = 1 << 14;
/// The code of events whose caller or log is of an account beyond these.
pub(crate) const TOO_MANY_ACCOUNTS: &str = "too_many_accounts";

/// What records name that the world may lack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named {
    /// Accounts: of callers, and of logs.
    pub(crate) accounts: BTreeSet<AccountId>,
    /// Accounts that own the resources of events.
    pub(crate) owners: BTreeSet<AccountId>,
    /// VPC endpoints with their owners.
    pub(crate) endpoints: BTreeSet<(Box<str>, AccountId)>,
}

impl Named {
    pub(crate) fn extend(&mut self, other: Self) {
        self.accounts.extend(other.accounts);
        self.owners.extend(other.owners);
        self.endpoints.extend(other.endpoints);
    }
}

/// What worlds are made of.
#[derive(Debug)]
pub(crate) struct Worlds {
    /// The world as it was given.
    base: StoreSnapshot,
    changes: Vec<ChangeSet>,
    options: EngineOptions,
    catalog: Arc<Catalog>,
    managed: BundledPolicies,
    is_strict: bool,
    management_account: Option<AccountId>,
    /// The id of the organization, where it is made up.
    organization_id: Box<str>,
    /// Accounts of the log that the world lacks.
    assumed: BTreeSet<AccountId>,
    /// Most of these.
    max_assumed: usize,
    /// VPC endpoints of the log that the world lacks, with their owners.
    endpoints: BTreeMap<Box<str>, AccountId>,
    pub(crate) before: Engine,
    pub(crate) after: Option<Engine>,
    /// Whether a change gives a policy to a resource without a record.
    adds_resources: bool,
    /// Users and roles that a change takes away (F-73).
    pub(crate) removed: Vec<Box<str>>,
    pub(crate) warnings: Vec<String>,
}

/// What a [`Worlds`] is made from.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) base: StoreSnapshot,
    pub(crate) changes: Vec<ChangeSet>,
    pub(crate) options: EngineOptions,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) managed: BundledPolicies,
    pub(crate) is_strict: bool,
    pub(crate) management_account: Option<AccountId>,
}

impl Worlds {
    pub(crate) fn new(start: Start) -> Result<Self, Error> {
        let Start { base, changes, options, catalog, managed, is_strict, management_account } =
            start;
        let before = engine(StoreSnapshot::empty(), &options, &catalog, &managed)?;
        let held = base.documents().filter_map(|(_, document)| document.text.as_deref());
        let new =
            changes.iter().flat_map(ChangeSet::documents).map(|(document, _)| &*document.text);
        let organization_id = named_organization(held.chain(new)).unwrap_or(ASSUMED_ORGANIZATION);
        let organization_id = organization_id.into();
        let mut worlds = Self {
            base,
            changes,
            options,
            catalog,
            managed,
            is_strict,
            management_account,
            organization_id,
            assumed: BTreeSet::new(),
            max_assumed: MAX_ASSUMED_ACCOUNTS,
            endpoints: BTreeMap::new(),
            before,
            after: None,
            adds_resources: false,
            removed: Vec::new(),
            warnings: Vec::new(),
        };
        worlds.build()?;
        Ok(worlds)
    }

    /// The context mode that events are decided in.
    pub(crate) fn mode(&self) -> ContextMode {
        self.options.context
    }

    pub(crate) fn base(&self) -> &StoreSnapshot {
        &self.base
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Whether what the world lacks is taken as the log shows it.
    pub(crate) fn assumes(&self) -> bool {
        !self.is_strict
    }

    /// Whether the organization is made up.
    pub(crate) fn assumes_organization(&self) -> bool {
        self.assumes() && self.base.organizations().next().is_none()
    }

    /// What of the log the world lacks.
    pub(crate) fn assumed(&self) -> Named {
        let endpoints = self.endpoints.iter().map(|(id, owner)| (id.clone(), *owner));
        Named {
            accounts: self.assumed.clone(),
            owners: BTreeSet::new(),
            endpoints: endpoints.collect(),
        }
    }

    /// The accounts that are to be in both worlds. Owners of resources are among them where the
    /// organization is made up: its policies are about their resources too.
    fn accounts_of<'n>(&self, named: &'n Named) -> impl Iterator<Item = AccountId> + use<'n> {
        let owners = self.assumes_organization().then_some(&named.owners);
        named.accounts.iter().chain(owners.into_iter().flatten()).copied()
    }

    /// Whether a VPC endpoint is there because the log names it.
    pub(crate) fn assumes_endpoint(&self, id: &str) -> bool {
        self.endpoints.contains_key(id)
    }

    /// The world after the change, where it has resources that the one before has not, of which
    /// something is assumed.
    pub(crate) fn changed_resources(&self) -> Option<&'_ StoreSnapshot> {
        let after = self.after.as_ref().filter(|_| self.assumes() && self.adds_resources);
        after.map(Engine::snapshot)
    }

    /// What the policies of both worlds see of requests.
    pub(crate) fn sight(&self) -> Sight {
        let engines = [Some(&self.before), self.after.as_ref()];
        Sight::of(&engines.into_iter().flatten().collect::<Vec<_>>())
    }

    /// Whether something of the log is to be taken into both worlds.
    pub(crate) fn lacks_any(&self, named: &Named) -> bool {
        let lacks_account = || !self.is_full() && self.accounts_of(named).any(|id| !self.has(id));
        let mut endpoints = named.endpoints.iter();
        !self.is_strict
            && (lacks_account() || endpoints.any(|(id, owner)| self.lacks_endpoint(id, *owner)))
    }

    /// Whether a VPC endpoint is to be taken in: nothing is asked of one whose account is in no
    /// world.
    fn lacks_endpoint(&self, id: &str, owner: AccountId) -> bool {
        self.endpoints.len() < MAX_ASSUMED_ENDPOINTS
            && self.has(owner)
            && self.base.endpoint(id).is_none()
            && !self.endpoints.contains_key(id)
    }

    /// Whether no more accounts of the log are taken in.
    pub(crate) fn is_full(&self) -> bool {
        self.assumed.len() >= self.max_assumed
    }

    /// Whether an account is in both worlds.
    pub(crate) fn has(&self, account: AccountId) -> bool {
        self.assumed.contains(&account) || self.base.account(account).is_some()
    }

    /// Takes accounts and VPC endpoints of the log into both worlds, as long as there is room.
    pub(crate) fn take_in(&mut self, named: &Named) -> Result<(), Error> {
        let room = self.max_assumed.saturating_sub(self.assumed.len());
        let lacking = self.accounts_of(named).filter(|id| !self.has(*id));
        let lacking: Vec<AccountId> = lacking.take(room).collect();
        self.assumed.extend(lacking);
        for (id, owner) in &named.endpoints {
            if self.lacks_endpoint(id, *owner) {
                self.endpoints.insert(id.clone(), *owner);
            }
        }
        self.build()
    }

    fn build(&mut self) -> Result<(), Error> {
        let snapshot = self.assumed_snapshot()?;
        let mut changed =
            Changed { snapshot: snapshot.clone(), removed: Vec::new(), warnings: Vec::new() };
        for set in &self.changes {
            let next = set
                .apply(&changed.snapshot, &self.managed)
                .map_err(|error| Error::caused(ErrorKind::Change, error))?;
            changed.snapshot = next.snapshot;
            changed.removed.extend(next.removed);
            changed.warnings.extend(next.warnings);
        }
        self.before = engine(snapshot, &self.options, &self.catalog, &self.managed)?;
        let is_new = |arn: &str| self.base.resource(arn).is_none();
        self.adds_resources = changed.snapshot.resources().any(|resource| is_new(&resource.arn));
        self.after = if self.changes.is_empty() {
            None
        } else {
            Some(engine(changed.snapshot, &self.options, &self.catalog, &self.managed)?)
        };
        self.removed = changed.removed;
        self.warnings = changed.warnings;
        Ok(())
    }

    /// The world as it was given, with the accounts it lacks, and an organization if it has none.
    fn assumed_snapshot(&self) -> Result<StoreSnapshot, Error> {
        if self.is_strict {
            return Ok(self.base.clone());
        }
        let mut editor = self.base.edit();
        let mut apply =
            |change| editor.apply(change).map_err(|error| Error::caused(ErrorKind::World, error));
        for id in &self.assumed {
            let mut account = Account::new(*id);
            account.external = Some(ExternalAccount::TrustIdentity);
            apply(StoreChange::PutAccount(Box::new(account)))?;
        }
        for (id, owner) in &self.endpoints {
            let endpoint = VpcEndpoint {
                id: id.clone(),
                account: Some(*owner),
                vpc: None,
                vpc_arn: None,
                endpoint_type: EndpointType::default(),
                service: None,
                policy: None,
            };
            apply(StoreChange::PutEndpoint(endpoint))?;
        }
        if self.assumes_organization() {
            apply(StoreChange::PutOrganization(self.assumed_organization()?))?;
        }
        Ok(editor.commit().0)
    }

    /// Every account under one root with full access. Each may be the one that administers root
    /// access: the log shows which is.
    fn assumed_organization(&self) -> Result<Organization<assize_store::DocumentText>, Error> {
        let management_account = match self.management_account {
            Some(account) => account,
            None => ASSUMED_MANAGEMENT
                .parse()
                .map_err(|error| Error::caused(ErrorKind::World, error))?,
        };
        let node = |parent: Option<&str>| OrganizationNode {
            parent: parent.map(Into::into),
            unit: None,
            scps: vec![FULL_AWS_ACCESS_ID.into()],
            rcps: vec![RCP_FULL_AWS_ACCESS_ID.into()],
        };
        let mut nodes = BTreeMap::from([(Box::from(ASSUMED_ROOT), node(None))]);
        let known = self.base.accounts().map(|account| account.id);
        let members: Vec<AccountId> = known.chain(self.assumed.iter().copied()).collect();
        for id in &members {
            nodes.insert(id.as_str().into(), node(Some(ASSUMED_ROOT)));
        }
        let builtin = [FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS_ID].into_iter();
        let policies = builtin
            .filter_map(|id| Some((Box::from(id), Arc::new(builtin_organization_policy(id)?))));
        Ok(Organization {
            id: self.organization_id.clone(),
            management_account,
            root_id: ASSUMED_ROOT.into(),
            scp_enabled: true,
            rcp_enabled: true,
            delegated_administrators: BTreeMap::from([(ROOT_ACCESS.into(), members)]),
            policies: policies.collect(),
            nodes,
        })
    }
}

fn engine(
    snapshot: StoreSnapshot,
    options: &EngineOptions,
    catalog: &Arc<Catalog>,
    managed: &BundledPolicies,
) -> Result<Engine, Error> {
    let (options, catalog, managed) = (options.clone(), Arc::clone(catalog), managed.clone());
    Engine::build(snapshot, options, catalog, managed, &CompileOptions::default())
        .map_err(|error| Error::caused(ErrorKind::World, error))
}

/// The organization that the values of policies name, such as those of `aws:PrincipalOrgID`, if
/// they name one alone: whoever writes such a policy means the organization of the log.
fn named_organization<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<&'t str> {
    const BEFORE: &str = "\"o-";
    const ID_LEN: std::ops::RangeInclusive<usize> = 10..=32;
    let mut named = texts.into_iter().flat_map(|text| {
        text.match_indices(BEFORE).filter_map(move |(at, _)| {
            let (start, id) = (at + 1, at + BEFORE.len());
            let is_part = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let len = text.as_bytes()[id..].iter().take_while(|b| is_part(b)).count();
            let is_whole = text[id + len..].starts_with(['"', '/']) && ID_LEN.contains(&len);
            is_whole.then(|| &text[start..id + len])
        })
    });
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use assize_catalog::ApiMap;
    use assize_cloudtrail::Converted;
    use assize_formats::RequestRecord;

    use super::*;
    use crate::ReplayOptions;
    use crate::answer::SharedAnswers;
    use crate::decide::{Tally, Worker};

    #[test]
    fn policies_name_one_organization_or_none() {
        let check = |texts: &[&str], expected: Option<&str>| {
            assert_eq!(named_organization(texts.iter().copied()), expected, "{texts:?}");
        };
        let (own, path) =
            (r#"{"aws:PrincipalOrgID":"o-exampleorg1"}"#, r#"["o-exampleorg1/r-1/*"]"#);
        check(&[], None);
        check(&["{}", own], Some("o-exampleorg1"));
        check(&[own, path, own], Some("o-exampleorg1"));
        check(&[own, r#"{"aws:PrincipalOrgID":"o-exampleorg2"}"#], None);
        check(
            &[r#""o-short" "o-exampleorg1*" "xo-exampleorg1" "o-Exampleorg1" "o-exampleorg1"#],
            None,
        );
    }

    #[test]
    fn accounts_for_which_there_is_no_room_are_counted_as_errors() {
        let start = Start {
            base: StoreSnapshot::empty(),
            changes: Vec::new(),
            options: EngineOptions { context: ContextMode::Partial, ..EngineOptions::default() },
            catalog: Catalog::bundled().expect("the catalog is bundled"),
            managed: BundledPolicies::new().expect("the policies load"),
            is_strict: false,
            management_account: None,
        };
        let mut worlds = Worlds::new(start).expect("the worlds can be decided with");
        worlds.max_assumed = 2;
        let accounts: [AccountId; 3] = ["111111111111", "222222222222", "333333333333"]
            .map(|id| id.parse().expect("an account"));
        let named = Named { accounts: accounts.into(), ..Named::default() };
        assert!(worlds.lacks_any(&named));
        worlds.take_in(&named).expect("the accounts fit");
        // The engines are not made anew for what has no room.
        assert!(!worlds.lacks_any(&named));
        assert_eq!(accounts.map(|id| worlds.has(id)), [true, true, false]);
        let (sight, answers) = (worlds.sight(), SharedAnswers::default());
        let map = ApiMap::bundled().expect("the map is bundled");
        let (catalog, options) = (Arc::clone(worlds.catalog()), ReplayOptions::default());
        let hiring = (&*catalog, &*map, &options);
        let mut worker = Worker::new((&worlds, &sight, &answers), hiring, &Tally::default());
        // Of caller and log, either may be the one.
        for (caller, log) in [(0, 1), (0, 2), (2, 0), (2, 2)] {
            let text = format!(
                r#"{{"principal":{{"type":"user","arn":"arn:aws:iam::{}:user/u"}},"action":"s3:ListAllMyBuckets"}}"#,
                accounts[caller]
            );
            let record = RequestRecord::parse(&text).expect("a request");
            let recipient = Some(accounts[log]);
            worker.take_converted(Converted { record, recipient, notes: Vec::new() });
        }
        let tally = worker.take_tally();
        assert_eq!((tally.events, tally.errors, tally.error_codes[TOO_MANY_ACCOUNTS]), (4, 3, 3));
    }
}
