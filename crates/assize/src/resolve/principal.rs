//! From the principal of a request to what is attached to it: E-10 – E-17, E-26, F-11, F-16.

use assize_catalog::managed::ROOT_TASK_POLICY_ARNS;
use assize_compiler::{IdentityLayer, PrincipalEntry, SessionLayer, SetRef};
use assize_model::{
    AccountId, ArnParts, MfaState, Principal, PrincipalForm, PrincipalKind, Request, RequestError,
    RequestErrorKind, Session, StatedPrincipal,
};
use assize_store::{ExternalAccount, Tag, unique_id};

use super::Resolver;
use super::derive::{self, Derived};
use super::frame::is_task_policy;
use super::gaps::{self, Gap, GapSet};
use super::policies::DocumentHandle;
use super::said;

/// What the keys of services that roles are passed to begin with: those of principals that requests
/// state begin with the number of a form, of which there are two.
const PASSED: usize = usize::MAX;

/// A principal of the batch: everything that follows from it alone.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedPrincipal {
    pub(crate) kind: PrincipalKind,
    /// None for principals without an ARN.
    pub(crate) partition: Option<Box<str>>,
    pub(crate) account: Option<AccountId>,
    pub(crate) identity: IdentityLayer,
    pub(crate) boundary: Option<SetRef>,
    /// The entity has a boundary, even if its document was dropped (E-43, E-112).
    pub(crate) has_boundary: bool,
    pub(crate) session: SessionLayer,
    pub(crate) scp: Option<SetRef>,
    pub(crate) identity_documents: Vec<DocumentHandle>,
    pub(crate) boundary_documents: Vec<DocumentHandle>,
    pub(crate) session_documents: Vec<DocumentHandle>,
    pub(crate) service_linked: bool,
    pub(crate) temporary: bool,
    pub(crate) console: bool,
    pub(crate) mfa: Option<MfaState>,
    /// Without a session the context may state MFA (E-23).
    pub(crate) has_session: bool,
    /// Tags an assumed role takes over (E-91).
    pub(crate) transitive_tags: Vec<Tag>,
    pub(crate) source_identity: Option<Box<str>>,
    /// The AssumeRoot session runs under the SQS task policy (E-83).
    pub(crate) queue_task: bool,
    /// Its account is not in the snapshot, or called external (E-26).
    pub(crate) outside: bool,
    /// Whether nobody says the path of its role, which is taken to have none (E-11).
    pub(crate) is_path_assumed: bool,
    /// Which keys of E-15 – E-17 partial context leaves unknown (E-121).
    pub(crate) gaps: GapSet,
    /// The keys of E-15 – E-17 but MFA, which depends on the check.
    pub(crate) derived: Derived,
    /// Documents that option `skipInvalidPolicies` dropped (E-112).
    pub(crate) skipped: Vec<Box<str>>,
}

/// Who a principal is, before its layers are looked up.
#[derive(Debug)]
pub(super) struct Who<'s> {
    pub(super) kind: PrincipalKind,
    pub(super) partition: Box<str>,
    pub(super) account: Option<AccountId>,
    /// The request principal (E 1.1).
    pub(super) arn: Option<Box<str>>,
    /// The role of a session, the issuing user, the user itself.
    pub(super) entity_arn: Option<Box<str>>,
    /// The name in `aws:username`.
    pub(super) user_name: Option<Box<str>>,
    pub(super) unique_id: Option<Box<str>>,
    pub(super) session_name: Option<Box<str>>,
    /// The one name of a calling service, and all of them (E-16).
    pub(super) service_name: Option<Box<str>>,
    pub(super) service_names: Vec<Box<str>>,
    pub(super) provider: Option<Box<str>>,
    /// The entity's tags in the store.
    pub(super) stored_tags: &'s [Tag],
    pub(super) service_linked: bool,
    /// Whether nobody says the path of the role, which is taken to have none (E-11).
    pub(super) is_path_assumed: bool,
}

impl Who<'_> {
    fn new(kind: PrincipalKind) -> Self {
        Self {
            kind,
            partition: "aws".into(),
            account: None,
            arn: None,
            entity_arn: None,
            user_name: None,
            unique_id: None,
            session_name: None,
            service_name: None,
            service_names: Vec::new(),
            provider: None,
            stored_tags: &[],
            service_linked: false,
            is_path_assumed: false,
        }
    }
}

impl Who<'_> {
    /// F-49: whether nobody stated the unique id of an entity of the snapshot.
    fn is_made_up(&self, own: &str) -> bool {
        let prefix = if self.kind == PrincipalKind::RoleSession { "AROA" } else { "AIDA" };
        *unique_id(prefix, self.entity_arn.as_deref().unwrap_or_default()) == *own
    }
}

impl ResolvedPrincipal {
    /// Whether all tags of the principal are known (E-121).
    pub(crate) fn knows_tags(&self) -> bool {
        !self.gaps.has(Gap::PrincipalTags)
    }
}

fn wrong(message: impl Into<Box<str>>) -> RequestError {
    RequestError::new(RequestErrorKind::InvalidPrincipal, message).at("/principal")
}

fn unknown(message: impl Into<Box<str>>) -> RequestError {
    RequestError::new(RequestErrorKind::UnknownPrincipal, message).at("/principal")
}

impl<'e> Resolver<'e> {
    /// The position of the request's principal in the dictionary, resolving it when it is new.
    pub(super) fn principal(&mut self, request: &Request<'_>) -> Result<u32, RequestError> {
        if let Principal::Text(text) = &request.principal
            && request.source.is_none()
        {
            if let Some(index) = self.principal_index.get(text.as_ref()) {
                return Ok(*index);
            }
            let index = self.new_principal(request)?;
            self.principal_index.insert(text.as_ref().into(), index);
            return Ok(index);
        }
        let mut key = std::mem::take(&mut self.key_buffer);
        said::write((&request.principal, &request.source), &mut key);
        let index = match self.stated_index.get(key.as_slice()) {
            Some(index) => Ok(*index),
            None => self.new_principal(request).inspect(|index| {
                self.stated_index.insert(key.as_slice().into(), *index);
            }),
        };
        self.key_buffer = key;
        index
    }

    /// The service that a role is passed to, under the name the context gives (E-96).
    pub(super) fn passed_service(
        &mut self,
        name: &str,
        request: &Request<'_>,
    ) -> Result<u32, RequestError> {
        let mut key = Vec::new();
        said::write((PASSED, name, &request.source), &mut key);
        if let Some(index) = self.stated_index.get(key.as_slice()) {
            return Ok(*index);
        }
        let stated = StatedPrincipal::new(PrincipalKind::Service);
        let who = Who {
            service_name: Some(name.into()),
            service_names: vec![name.into()],
            ..Who::new(PrincipalKind::Service)
        };
        let resolved = self.layers(&stated, &who, request)?;
        let entry = self.entry(&who, &stated, &resolved);
        let index = self.add_principal(entry, resolved)?;
        self.stated_index.insert(key.into_boxed_slice(), index);
        Ok(index)
    }

    fn new_principal(&mut self, request: &Request<'_>) -> Result<u32, RequestError> {
        let from_text;
        let stated = match &request.principal {
            Principal::Text(text) => {
                from_text = self.stated_from_text(text)?;
                &from_text
            }
            Principal::Stated(stated) => {
                check_fields(stated)?;
                stated
            }
        };
        let who = self.who(stated)?;
        let resolved = self.layers(stated, &who, request)?;
        let entry = self.entry(&who, stated, &resolved);
        self.add_principal(entry, resolved)
    }

    /// E-10.
    pub(crate) fn stated_from_text<'a>(
        &self,
        text: &'a str,
    ) -> Result<StatedPrincipal<'a>, RequestError> {
        let form = PrincipalForm::parse(text).map_err(|error| wrong(error.to_string()))?;
        let mut stated = StatedPrincipal::new(PrincipalKind::Anonymous);
        match form {
            PrincipalForm::User { .. } => {
                stated.kind = PrincipalKind::User;
                stated.arn = Some(text.into());
            }
            PrincipalForm::Role { .. } => {
                stated.kind = PrincipalKind::RoleSession;
                stated.role = Some(text.into());
                let name = self.engine.options.default_session_name.to_string();
                stated.session = Some(Session { name: Some(name.into()), ..Session::default() });
            }
            PrincipalForm::AssumedRole { .. } => {
                stated.kind = PrincipalKind::RoleSession;
                stated.arn = Some(text.into());
            }
            PrincipalForm::FederatedUser { .. } => {
                stated.kind = PrincipalKind::FederatedUser;
                stated.arn = Some(text.into());
            }
            PrincipalForm::Root { account, .. } => {
                stated.kind = PrincipalKind::Root;
                stated.account = Some(account);
                stated.arn = Some(text.into());
            }
            PrincipalForm::Service(name) => {
                stated.kind = PrincipalKind::Service;
                stated.service = Some(name.into());
            }
            PrincipalForm::Oai(_) => {
                stated.kind = PrincipalKind::Oai;
                stated.arn = Some(text.into());
            }
            PrincipalForm::Anonymous => {}
            _ => return Err(wrong(format!("`{text}` is a form of principal not known here"))),
        }
        Ok(stated)
    }

    /// The tags of a principal, as far as its session and the snapshot say.
    pub(super) fn tags_of(&self, stated: &StatedPrincipal<'_>) -> Result<Vec<Tag>, RequestError> {
        Ok(derive::effective_tags(stated, &self.who(stated)?))
    }

    /// Looks a principal up (E-3, E-10, E-11).
    fn who(&self, stated: &StatedPrincipal<'_>) -> Result<Who<'e>, RequestError> {
        let mut who = match stated.kind {
            PrincipalKind::User => self.user(stated)?,
            PrincipalKind::RoleSession => self.role_session(stated)?,
            PrincipalKind::FederatedUser => self.federated_user(stated)?,
            PrincipalKind::FederatedRoot | PrincipalKind::Root | PrincipalKind::AssumedRoot => {
                root_like(stated)?
            }
            PrincipalKind::Service => service(stated)?,
            PrincipalKind::Federated => federated(stated)?,
            PrincipalKind::Oai => oai(stated)?,
            PrincipalKind::Anonymous => Who::new(PrincipalKind::Anonymous),
        };
        let stated_name = stated.session.as_ref().and_then(|s| s.name.as_deref());
        if let (Some(own), Some(stated)) = (who.session_name.as_deref(), stated_name)
            && own != stated
        {
            return Err(wrong(format!("`session.name` `{stated}` contradicts `arn`")));
        }
        if let Some(id) = &stated.unique_id
            && who.kind != PrincipalKind::Oai
        {
            match &who.unique_id {
                None => who.unique_id = Some(id.as_ref().into()),
                Some(own) if **own != **id && !who.is_made_up(own) => {
                    let message = format!("`uniqueId` `{id}` is not that of the world, `{own}`");
                    return Err(wrong(message));
                }
                Some(_) => {}
            }
        }
        Ok(who)
    }

    /// Whether the snapshot holds the account and does not call it external (E-26, F-48).
    fn inside(&self, account: AccountId) -> bool {
        self.engine.snapshot.account(account).is_some_and(|a| a.external.is_none())
    }

    fn user(&self, stated: &StatedPrincipal<'_>) -> Result<Who<'e>, RequestError> {
        let arn = required(stated.arn.as_deref(), "arn", stated.kind)?;
        let Ok(PrincipalForm::User { partition, account, path_and_name }) =
            PrincipalForm::parse(arn)
        else {
            return Err(wrong(format!("`{arn}` is not the ARN of a user")));
        };
        let mut who = Who::new(PrincipalKind::User);
        who.partition = partition.into();
        who.account = Some(account);
        who.arn = Some(arn.into());
        who.entity_arn = Some(arn.into());
        who.user_name = path_and_name.rsplit('/').next().map(Into::into);
        match self.engine.snapshot.user_by_arn(arn) {
            Some(user) => {
                who.unique_id = Some(user.unique_id.clone());
                who.stored_tags = &user.tags;
            }
            None if self.inside(account) && stated.inline.is_none() => {
                return Err(unknown(format!("there is no user `{arn}` in the world")));
            }
            None => {}
        }
        Ok(who)
    }

    fn role_session(&self, stated: &StatedPrincipal<'_>) -> Result<Who<'e>, RequestError> {
        let (partition, account, name, session_name, role_arn) = role_parts(stated)?;
        let mut who = Who::new(PrincipalKind::RoleSession);
        let role = match role_arn {
            Some(arn) => self.engine.snapshot.role_by_arn(arn),
            None => self.engine.snapshot.role(account, name),
        };
        let name = match role {
            Some(role) => {
                who.entity_arn = Some(role.arn.as_ref().into());
                who.unique_id = Some(role.unique_id.clone());
                who.stored_tags = &role.tags;
                who.service_linked = role.is_service_linked();
                &*role.name
            }
            None if self.inside(account) && stated.inline.is_none() => {
                let name = role_arn.unwrap_or(name);
                return Err(unknown(format!("there is no role `{name}` in account `{account}`")));
            }
            None => {
                let arn: Box<str> = match role_arn {
                    Some(arn) => arn.into(),
                    None => format!("arn:{partition}:iam::{account}:role/{name}").into(),
                };
                who.service_linked = arn.contains(":role/aws-service-role/");
                who.is_path_assumed = role_arn.is_none();
                who.entity_arn = Some(arn);
                name
            }
        };
        let arn = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}");
        if let Some(given) = &stated.arn
            && !given.eq_ignore_ascii_case(&arn)
        {
            return Err(wrong("`role` contradicts `arn`"));
        }
        who.arn = Some(arn.into());
        who.partition = partition.into();
        who.account = Some(account);
        who.session_name = Some(session_name.into());
        Ok(who)
    }

    fn federated_user(&self, stated: &StatedPrincipal<'_>) -> Result<Who<'e>, RequestError> {
        let mut who = Who::new(PrincipalKind::FederatedUser);
        if let Some(arn) = stated.arn.as_deref() {
            // The text form does not name the issuing user, so it does for outsiders alone, whose
            // users have no policies here anyway (E-10).
            let Ok(PrincipalForm::FederatedUser { partition, account, name }) =
                PrincipalForm::parse(arn)
            else {
                return Err(wrong(format!("`{arn}` is not the ARN of a federated user")));
            };
            if self.inside(account) {
                return Err(wrong(format!(
                    "`{arn}` does not name the issuing user: use the object form with `user`"
                )));
            }
            who.partition = partition.into();
            who.account = Some(account);
            who.arn = Some(arn.into());
            who.session_name = Some(name.into());
            return Ok(who);
        }
        let user_arn = required(stated.user.as_deref(), "user", stated.kind)?;
        let name = session_name(stated)?;
        let user = self.user(&StatedPrincipal {
            arn: Some(user_arn.into()),
            inline: stated.inline.clone(),
            ..StatedPrincipal::new(PrincipalKind::User)
        })?;
        who.partition = user.partition;
        who.account = user.account;
        who.unique_id = user.unique_id;
        who.entity_arn = user.entity_arn;
        who.stored_tags = user.stored_tags;
        if let Some(account) = who.account {
            let partition = &who.partition;
            who.arn = Some(format!("arn:{partition}:sts::{account}:federated-user/{name}").into());
        }
        who.session_name = Some(name.into());
        Ok(who)
    }

    /// What section 2 takes for the layers of the principal's side (E-31, E-33, E-38, E-39).
    fn layers(
        &mut self,
        stated: &StatedPrincipal<'_>,
        who: &Who<'_>,
        request: &Request<'_>,
    ) -> Result<ResolvedPrincipal, RequestError> {
        let engine = self.engine;
        let external = who
            .account
            .and_then(|id| engine.snapshot.account(id))
            .and_then(|account| account.external);
        let session = stated.session.as_ref();
        let outside = who.account.is_some_and(|account| !self.inside(account));
        let temporary = is_temporary(stated);
        let gaps = if self.is_partial {
            let is_outside = outside && stated.inline.is_none();
            let about = (is_outside, request.source.is_some());
            gaps::of_principal(stated, who.kind, temporary, about)
        } else {
            GapSet::default()
        };
        let gaps = self.untold(gaps, who, request);
        let derived = derive::principal_keys(
            (&engine.snapshot, &engine.catalog),
            stated,
            who,
            request,
            (gaps, temporary),
        )?;
        let task = session.and_then(|s| s.task_policy_arn.as_deref());
        let mut resolved = ResolvedPrincipal {
            kind: who.kind,
            partition: who.arn.is_some().then(|| who.partition.clone()),
            account: who.account,
            identity: IdentityLayer::None,
            boundary: None,
            has_boundary: false,
            session: SessionLayer::NotApplicable,
            scp: engine.sets.scp(who.account, who.service_linked),
            identity_documents: Vec::new(),
            boundary_documents: Vec::new(),
            session_documents: Vec::new(),
            service_linked: who.service_linked,
            temporary,
            gaps,
            console: session.and_then(|s| s.console).unwrap_or(false),
            mfa: session.and_then(|s| s.mfa),
            has_session: session.is_some(),
            transitive_tags: derive::transitive_tags(session),
            source_identity: session.and_then(|s| s.source_identity.as_deref()).map(Into::into),
            queue_task: task.is_some_and(|arn| arn.ends_with("/SQSUnlockQueuePolicy")),
            outside,
            is_path_assumed: who.is_path_assumed,
            derived,
            skipped: Vec::new(),
        };
        match who.kind {
            PrincipalKind::User
            | PrincipalKind::RoleSession
            | PrincipalKind::FederatedUser
            | PrincipalKind::FederatedRoot
            | PrincipalKind::AssumedRoot
                if external == Some(ExternalAccount::TrustIdentity) =>
            {
                // F-48.
                resolved.identity = IdentityLayer::AllowAll;
                return Ok(resolved);
            }
            PrincipalKind::Root | PrincipalKind::FederatedRoot | PrincipalKind::AssumedRoot => {
                resolved.identity = IdentityLayer::AllowAll;
            }
            _ => self.entity_layers(stated, who, &mut resolved)?,
        }
        self.session_layer(stated, who, &mut resolved)?;
        resolved.skipped.append(&mut self.given.skipped);
        Ok(resolved)
    }

    /// E-15, E-121: which keys of a principal elsewhere the snapshot does not tell: its unique id and
    /// its organization. The request may give them in complete context too.
    fn untold(&self, mut gaps: GapSet, who: &Who<'_>, request: &Request<'_>) -> GapSet {
        let has_id = matches!(who.kind, PrincipalKind::User | PrincipalKind::RoleSession);
        gaps.add_if(Gap::UserId, has_id && who.unique_id.is_none());
        let is_elsewhere = |id: AccountId| !self.engine.snapshot.knows_organization_of(id);
        gaps.add_if(Gap::PrincipalOrganization, who.account.is_some_and(is_elsewhere));
        if let (PrincipalKind::Service, Some(source)) = (who.kind, &request.source) {
            let account = derive::account_of_source(source);
            gaps.add_if(Gap::SourceOrganization, account.is_some_and(is_elsewhere));
        }
        gaps
    }

    fn entity_layers(
        &mut self,
        stated: &StatedPrincipal<'_>,
        who: &Who<'_>,
        resolved: &mut ResolvedPrincipal,
    ) -> Result<(), RequestError> {
        if let Some(inline) = &stated.inline {
            return self.inline_layers(inline, resolved);
        }
        let engine = self.engine;
        let Some(sets) = who.entity_arn.as_deref().and_then(|arn| engine.sets.entity(arn)) else {
            return Ok(());
        };
        resolved.identity = IdentityLayer::Set(sets.identity);
        resolved.identity_documents = sets.identity_documents.clone();
        resolved.boundary = sets.boundary;
        resolved.has_boundary = sets.boundary.is_some() || !sets.boundary_skipped.is_empty();
        resolved.boundary_documents = sets.boundary_document.into_iter().collect();
        resolved.skipped = engine.references(&sets.skipped);
        let boundaries = engine.references(&sets.boundary_skipped);
        let named = boundaries.iter().map(|reference| format!("boundary:{reference}").into());
        resolved.skipped.extend(named);
        Ok(())
    }

    fn entry(
        &self,
        who: &Who<'_>,
        stated: &StatedPrincipal<'_>,
        resolved: &ResolvedPrincipal,
    ) -> PrincipalEntry {
        let canonical = who
            .account
            .and_then(|id| self.engine.snapshot.account(id))
            .and_then(|account| account.canonical_id.clone());
        PrincipalEntry {
            kind: who.kind,
            partition: if who.arn.is_some() { who.partition.clone() } else { Box::default() },
            account: who.account,
            arn: who.arn.clone(),
            entity_arn: who.entity_arn.clone(),
            is_path_assumed: who.is_path_assumed,
            unique_id: who.unique_id.clone(),
            service_names: who.service_names.clone(),
            provider: who.provider.clone(),
            canonical_id: match who.kind {
                PrincipalKind::Oai => stated.unique_id.as_deref().map(Into::into),
                _ => canonical,
            },
            has_boundary: resolved.has_boundary,
            constants: Vec::new(),
        }
    }
}

fn required<'a>(
    field: Option<&'a str>,
    name: &str,
    kind: PrincipalKind,
) -> Result<&'a str, RequestError> {
    field.ok_or_else(|| wrong(format!("a principal of type `{kind}` needs `{name}`")))
}

fn session_name<'a>(stated: &'a StatedPrincipal<'_>) -> Result<&'a str, RequestError> {
    let name = stated.session.as_ref().and_then(|s| s.name.as_deref());
    required(name, "session.name", stated.kind)
}

/// Partition, account, role name, session name and, when given, the ARN of the role. The ARN of the
/// role says more than that of a session, which has no path, so where both are given it comes
/// first, and the other is held against it.
type RoleParts<'a> = (&'a str, AccountId, &'a str, &'a str, Option<&'a str>);

fn role_parts<'a>(stated: &'a StatedPrincipal<'_>) -> Result<RoleParts<'a>, RequestError> {
    let of_session = stated.arn.as_deref().map(session_parts).transpose()?;
    let Some(role) = stated.role.as_deref() else {
        let kind = stated.kind;
        return of_session
            .ok_or_else(|| wrong(format!("a principal of type `{kind}` needs `arn` or `role`")));
    };
    let Ok(PrincipalForm::Role { partition, account, path_and_name }) = PrincipalForm::parse(role)
    else {
        return Err(wrong(format!("`{role}` is not the ARN of a role")));
    };
    let name = path_and_name.rsplit('/').next().unwrap_or(path_and_name);
    let session_name = match of_session {
        Some((_, _, _, session_name, _)) => session_name,
        None => session_name(stated)?,
    };
    Ok((partition, account, name, session_name, Some(role)))
}

fn session_parts(arn: &str) -> Result<RoleParts<'_>, RequestError> {
    match PrincipalForm::parse(arn) {
        Ok(PrincipalForm::AssumedRole { partition, account, role_name, session_name }) => {
            Ok((partition, account, role_name, session_name, None))
        }
        _ => Err(wrong(format!("`{arn}` is not the ARN of a role session"))),
    }
}

fn root_like<'s>(stated: &StatedPrincipal<'_>) -> Result<Who<'s>, RequestError> {
    let kind = stated.kind;
    let account = stated
        .account
        .ok_or_else(|| wrong(format!("a principal of type `{kind}` needs `account`")))?;
    let mut who = Who::new(kind);
    if let Some(partition) = stated.arn.as_deref().and_then(|arn| arn.split(':').nth(1)) {
        who.partition = partition.into();
    }
    let partition = &who.partition;
    let root = format!("arn:{partition}:iam::{account}:root");
    who.account = Some(account);
    who.unique_id = Some(account.as_str().into());
    if kind == PrincipalKind::FederatedRoot {
        let name = session_name(stated)?;
        who.arn = Some(format!("arn:{partition}:sts::{account}:federated-user/{name}").into());
        who.entity_arn = Some(root.into());
        who.session_name = Some(name.into());
    } else {
        who.arn = Some(root.clone().into());
        who.entity_arn = Some(root.into());
    }
    Ok(who)
}

fn service<'s>(stated: &StatedPrincipal<'_>) -> Result<Who<'s>, RequestError> {
    let name = required(stated.service.as_deref(), "service", stated.kind)?;
    let Ok(PrincipalForm::Service(name)) = PrincipalForm::parse(name) else {
        return Err(wrong(format!("`{name}` is not the name of a service")));
    };
    let mut who = Who::new(PrincipalKind::Service);
    who.service_name = Some(name.into());
    who.service_names = match &stated.service_names {
        Some(names) => names.iter().map(|n| n.as_ref().into()).collect(),
        None => Vec::new(),
    };
    // `aws:PrincipalServiceName` is always one of the names (L-316).
    if !who.service_names.iter().any(|n| **n == *name) {
        who.service_names.insert(0, name.into());
    }
    Ok(who)
}

/// The identity providers that have no ARN (P12).
const BUILT_IN_PROVIDERS: [&str; 4] = [
    "accounts.google.com",
    "www.amazon.com",
    "graph.facebook.com",
    "cognito-identity.amazonaws.com",
];

fn federated<'s>(stated: &StatedPrincipal<'_>) -> Result<Who<'s>, RequestError> {
    let provider = required(stated.provider.as_deref(), "provider", stated.kind)?;
    let arn = ArnParts::split(provider).filter(|arn| {
        arn.service == "iam"
            && arn.account_id().is_some()
            && ["saml-provider/", "oidc-provider/"].iter().any(|p| arn.resource.starts_with(p))
    });
    if arn.is_none() && !BUILT_IN_PROVIDERS.contains(&provider) {
        return Err(wrong(format!("`{provider}` is not an identity provider")));
    }
    let mut who = Who::new(PrincipalKind::Federated);
    if let Some(arn) = arn {
        who.arn = Some(provider.into());
        who.partition = arn.partition.into();
    }
    who.provider = Some(provider.into());
    Ok(who)
}

fn oai<'s>(stated: &StatedPrincipal<'_>) -> Result<Who<'s>, RequestError> {
    let arn = required(stated.arn.as_deref(), "arn", stated.kind)?;
    let Ok(PrincipalForm::Oai(_)) = PrincipalForm::parse(arn) else {
        return Err(wrong(format!("`{arn}` is not the ARN of an origin access identity")));
    };
    let mut who = Who::new(PrincipalKind::Oai);
    who.partition = arn.split(':').nth(1).unwrap_or_default().into();
    who.arn = Some(arn.into());
    Ok(who)
}

/// Whether the credentials are temporary: F-16 for users and root, always for sessions.
fn is_temporary(stated: &StatedPrincipal<'_>) -> bool {
    let session = stated.session.as_ref();
    match stated.kind {
        PrincipalKind::User | PrincipalKind::Root => session.is_some_and(|s| {
            s.temporary.unwrap_or_else(|| {
                s.console == Some(true)
                    || s.mfa.is_some()
                    || s.issued_at.is_some()
                    || s.expires_at.is_some()
            })
        }),
        PrincipalKind::RoleSession
        | PrincipalKind::FederatedUser
        | PrincipalKind::FederatedRoot
        | PrincipalKind::AssumedRoot => true,
        PrincipalKind::Service
        | PrincipalKind::Federated
        | PrincipalKind::Oai
        | PrincipalKind::Anonymous => false,
    }
}

/// F-16: each type takes its own fields, others are errors.
fn check_fields(stated: &StatedPrincipal<'_>) -> Result<(), RequestError> {
    use PrincipalKind as K;
    let kind = stated.kind;
    let with_session = &[
        K::User,
        K::RoleSession,
        K::FederatedUser,
        K::FederatedRoot,
        K::Root,
        K::AssumedRoot,
        K::Federated,
    ][..];
    let has_certificate = is_roles_anywhere(stated);
    let given: [(&str, bool, &[K]); 10] = [
        ("session", stated.session.is_some() && !has_certificate, with_session),
        ("arn", stated.arn.is_some(), &[K::User, K::RoleSession, K::Oai]),
        ("role", stated.role.is_some(), &[K::RoleSession]),
        ("user", stated.user.is_some(), &[K::FederatedUser]),
        ("account", stated.account.is_some(), &[K::FederatedRoot, K::Root, K::AssumedRoot]),
        ("service", stated.service.is_some(), &[K::Service]),
        ("serviceNames", stated.service_names.is_some(), &[K::Service]),
        ("provider", stated.provider.is_some(), &[K::Federated]),
        (
            "uniqueId",
            stated.unique_id.is_some(),
            &[K::User, K::RoleSession, K::FederatedUser, K::Oai],
        ),
        ("inline", stated.inline.is_some(), &[K::User, K::RoleSession, K::FederatedUser]),
    ];
    for (name, is_given, kinds) in given {
        if is_given && !kinds.contains(&kind) {
            return Err(wrong(format!("a principal of type `{kind}` does not take `{name}`")));
        }
    }
    match &stated.session {
        Some(session) => check_session_fields(kind, session, has_certificate),
        None => Ok(()),
    }
}

/// E-15: the service that assumes roles for those who show it a certificate, of which tags tell.
pub(super) fn is_roles_anywhere(stated: &StatedPrincipal<'_>) -> bool {
    stated.kind == PrincipalKind::Service
        && stated.service.as_deref() == Some("rolesanywhere.amazonaws.com")
}

fn check_session_fields(
    kind: PrincipalKind,
    session: &Session<'_>,
    has_certificate: bool,
) -> Result<(), RequestError> {
    use PrincipalKind as K;
    let sessions = &[K::RoleSession, K::FederatedUser, K::FederatedRoot][..];
    let with_policies = sessions;
    let timed =
        &[K::User, K::Root, K::RoleSession, K::FederatedUser, K::FederatedRoot, K::AssumedRoot][..];
    let given: [(&str, bool, &[K]); 16] = [
        ("name", session.name.is_some(), sessions),
        ("policy", session.policy.is_some(), with_policies),
        ("policyArns", session.policy_arns.is_some(), with_policies),
        ("tags", session.tags.is_some() && !has_certificate, sessions),
        ("transitiveTagKeys", session.transitive_tag_keys.is_some(), &[K::RoleSession]),
        ("inheritedTags", session.inherited_tags.is_some(), &[K::RoleSession]),
        ("sourceIdentity", session.source_identity.is_some(), &[K::RoleSession]),
        ("issuedAt", session.issued_at.is_some(), timed),
        ("expiresAt", session.expires_at.is_some(), timed),
        ("mfa", session.mfa.is_some(), timed),
        ("temporary", session.temporary.is_some(), &[K::User, K::Root]),
        (
            "console",
            session.console.is_some(),
            &[K::User, K::Root, K::FederatedUser, K::FederatedRoot],
        ),
        ("chained", session.chained.is_some(), &[K::RoleSession]),
        ("federatedProvider", session.federated_provider.is_some(), &[K::RoleSession]),
        ("claims", session.claims.is_some(), &[K::RoleSession, K::Federated]),
        ("taskPolicyArn", session.task_policy_arn.is_some(), &[K::AssumedRoot]),
    ];
    for (name, is_given, kinds) in given {
        if is_given && !kinds.contains(&kind) {
            return Err(wrong(format!(
                "a principal of type `{kind}` does not take `session.{name}`"
            )));
        }
    }
    if session.delivery.is_some() && kind != K::RoleSession {
        return Err(wrong(format!(
            "a principal of type `{kind}` does not take `session.delivery`"
        )));
    }
    check_task(session)
}

/// E-38: a session of AssumeRoot exists with a root-task policy of AWS alone. These hold denies
/// only and the layer allows what they do not deny, so any other document would allow too much.
fn check_task(session: &Session<'_>) -> Result<(), RequestError> {
    match session.task_policy_arn.as_deref().filter(|arn| !is_task_policy(arn)) {
        Some(arn) => {
            let tasks = ROOT_TASK_POLICY_ARNS.join("`, `");
            let message = format!("`{arn}` is none of the root-task policies: `{tasks}`");
            let error = RequestError::new(RequestErrorKind::InvalidField, message);
            Err(error.at("/principal/session/taskPolicyArn"))
        }
        None => Ok(()),
    }
}
