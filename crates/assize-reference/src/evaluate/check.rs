//! What is checked: actions, resources, and the checks that one request makes (E-4 – E-7, E-25,
//! E-67 – E-69, E-82, E-85, E-90, E-96).

use std::borrow::Cow;

use assize_catalog::ActionResource;
use assize_model::{
    AccountId, ActionId, ContextValue, KmsGrant, MfaState, PolicyText, PrincipalKind,
    PublicAccessBlock, Request, RequestError, RequestErrorKind, ResourceData, ResourceInput, Tags,
    Target, split_action,
};

use super::given::{Given, Inputs};
use super::{Caller, Remarks, World, context, resource};
use crate::service_rules::{kms, s3, sts};

/// An action of a request.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    /// The catalog's spelling when the action is known, else the caller's (E-4).
    pub(crate) text: String,
    /// The service prefix in lower case.
    pub(crate) service: String,
    /// The name in lower case.
    pub(crate) name: String,
    /// The action in the catalog.
    pub(crate) id: Option<ActionId>,
}

impl Action {
    /// Whether this is one of the named actions of a service; names in lower case.
    pub(crate) fn is(&self, service: &str, names: &[&str]) -> bool {
        self.service == service && names.contains(&&*self.name)
    }
}

/// What is said of the resource of a check, its own data over the shared ones (E-25).
#[derive(Debug, Clone, Default)]
pub(crate) struct Data<'a> {
    pub(crate) account: Option<AccountId>,
    pub(crate) object_owner: Option<AccountId>,
    pub(crate) tags: Option<&'a Tags<'a>>,
    pub(crate) policy: Option<&'a [PolicyText<'a>]>,
    pub(crate) managed_by_aws: Option<bool>,
    pub(crate) kms_grants: Option<&'a [KmsGrant<'a>]>,
    pub(crate) public_access_block: Option<PublicAccessBlock>,
}

impl<'a> Data<'a> {
    fn merge(own: Option<&'a ResourceData<'a>>, shared: Option<&'a ResourceData<'a>>) -> Self {
        let mut merged = Self::default();
        for data in [own, shared].into_iter().flatten() {
            merged.account = merged.account.or(data.account);
            merged.object_owner = merged.object_owner.or(data.object_owner);
            merged.tags = merged.tags.or(data.tags.as_ref());
            merged.policy = merged.policy.or(data.policy.as_deref());
            merged.managed_by_aws = merged.managed_by_aws.or(data.managed_by_aws);
            merged.kms_grants = merged.kms_grants.or(data.kms_grants.as_deref());
            merged.public_access_block = merged.public_access_block.or(data.public_access_block);
        }
        merged
    }
}

/// Which of the sub-checks of an access point request a check is (E-85).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// No access point is involved.
    Whole,
    /// The access point.
    AccessPoint,
    /// The bucket or object behind it.
    Bucket,
    /// The bucket behind it, when nobody knows which that is.
    UnknownBucket,
}

/// One check, ready to be decided.
#[derive(Debug, Clone)]
pub(crate) struct Check<'a> {
    pub(crate) action: Action,
    pub(crate) resource: String,
    /// Whether the resource is the wildcard form of the action (E-6).
    pub(crate) is_wildcard_form: bool,
    pub(crate) data: Data<'a>,
    pub(crate) given: Given,
    /// Keys that rules of a service add (E-82, E-85).
    pub(crate) service_keys: Vec<(&'static str, ContextValue)>,
    pub(crate) part: Part,
    /// The owner of the resource (E-8).
    pub(crate) account: Option<AccountId>,
    /// The owner of the bucket, when an object has another owner (E-84).
    pub(crate) bucket_account: Option<AccountId>,
    /// An object that belongs to another account than its bucket (E-84).
    pub(crate) is_foreign_object: bool,
    /// Who asks, when it is not the caller of the request as stated: with the MFA state that this
    /// check gives (E-23), or the service a role is passed to (E-96, `includeTrust`).
    pub(crate) caller: Option<Caller<'a>>,
}

/// What a request says of a check before anything is looked up.
#[derive(Clone, Copy)]
struct Stated<'a> {
    action: &'a str,
    resource: Option<&'a str>,
    data: Option<&'a ResourceData<'a>>,
    context: &'a Inputs<'a>,
}

/// What making a check looks at.
struct Maker<'a, 'r> {
    world: &'a World<'a>,
    caller: &'r Caller<'a>,
    request: &'a Request<'a>,
    remarks: &'r mut Remarks,
}

/// All checks of a request, in order: each stated one, followed by those it entails.
pub(crate) fn expand<'a>(
    world: &'a World<'a>,
    caller: &Caller<'a>,
    request: &'a Request<'a>,
    remarks: &mut Remarks,
) -> Result<Vec<Check<'a>>, RequestError> {
    let mut maker = Maker { world, caller, request, remarks };
    let stated = maker.stated()?;
    let mut checks = Vec::new();
    for check in &stated {
        maker.alias_key(check, &stated, &mut checks)?;
        maker.role_session_checks(check, &stated, &mut checks)?;
        maker.dependent_checks(check, &stated, &mut checks)?;
        maker.trust_check(check, &mut checks)?;
    }
    if checks.is_empty() {
        let message = "the request checks nothing: state `action` or `checks`";
        return Err(RequestError::new(RequestErrorKind::InvalidField, message));
    }
    for check in &mut checks {
        let caller = check.caller.clone();
        resource::set_owner(world, caller.as_ref().unwrap_or(maker.caller), check, maker.remarks)?;
    }
    Ok(checks)
}

impl<'a> Maker<'a, '_> {
    /// F-10, E-68: the checks that the request states.
    fn stated(&mut self) -> Result<Vec<Check<'a>>, RequestError> {
        let mut checks = Vec::new();
        match &self.request.target {
            Target::Checks(stated) => {
                for check in stated {
                    let data = check.data.as_deref();
                    let resource = check.resource.as_deref();
                    let context = &check.context;
                    self.push(
                        Stated { action: &check.action, resource, data, context },
                        &mut checks,
                    )?;
                }
            }
            Target::Action { action, resource, resources } if resources.is_empty() => {
                let resource = resource.as_deref();
                self.push(Stated { action, resource, data: None, context: &[] }, &mut checks)?;
            }
            Target::Action { action, resources, .. } => {
                self.push_resources(action, resources, &mut checks)?;
            }
        }
        Ok(checks)
    }

    /// E-68: one check a resource, and one on `*` for each required type without any.
    fn push_resources(
        &mut self,
        action: &'a str,
        resources: &'a [ResourceInput<'a>],
        checks: &mut Vec<Check<'a>>,
    ) -> Result<(), RequestError> {
        let re_encrypt = action.eq_ignore_ascii_case(kms::RE_ENCRYPT) && resources.len() == 2;
        for (at, input) in resources.iter().enumerate() {
            let action = if re_encrypt { kms::RE_ENCRYPT_PARTS[at] } else { action };
            let (resource, context) = (Some(&*input.arn), &*input.context);
            self.push(Stated { action, resource, data: input.data.as_deref(), context }, checks)?;
        }
        let Some(id) = checks.first().and_then(|check| check.action.id) else { return Ok(()) };
        let required: Vec<ActionResource<'_>> = self
            .world
            .catalog
            .action_ref(id)
            .resource_types()
            .filter(ActionResource::is_required)
            .collect();
        for listed in required {
            let name = listed.resource_type().name();
            if checks.iter().any(|check| covers(check, &listed)) {
                continue;
            }
            self.missing_resource(action, name)?;
            self.push(Stated { action, resource: Some("*"), data: None, context: &[] }, checks)?;
        }
        Ok(())
    }

    /// E-68: a resource type that the call must have and the request does not name.
    fn missing_resource(&mut self, action: &str, name: &str) -> Result<(), RequestError> {
        if self.world.options.require_all_resources {
            let message = format!("`{action}` also needs a resource of type `{name}`");
            return Err(RequestError::new(RequestErrorKind::MissingResource, message));
        }
        self.remarks.note(format!("missing_resource:{name}"));
        Ok(())
    }

    /// One stated check, split where a rule splits it: E-82 (ReEncrypt), E-85 (access points).
    fn push(
        &mut self,
        stated: Stated<'a>,
        checks: &mut Vec<Check<'a>>,
    ) -> Result<(), RequestError> {
        if stated.action.eq_ignore_ascii_case(kms::RE_ENCRYPT) {
            for action in kms::RE_ENCRYPT_PARTS {
                self.push(Stated { action, ..stated }, checks)?;
            }
            return Ok(());
        }
        let check = self.check(stated)?;
        match s3::access_point(self.world, &check) {
            Some((point, bucket)) => checks.extend([point, bucket]),
            None => checks.push(check),
        }
        Ok(())
    }

    /// One check.
    fn check(&mut self, stated: Stated<'a>) -> Result<Check<'a>, RequestError> {
        let action = self.action(stated.action)?;
        if let Some(text) = stated.resource {
            resource::check_text(text)?;
        }
        let shared = self.request.resource_data.as_deref();
        let mut check = Check {
            resource: stated.resource.unwrap_or("*").into(),
            is_wildcard_form: false,
            data: Data::merge(stated.data, shared),
            given: Given::merge(self.world.catalog, &self.request.context, stated.context)?,
            service_keys: Vec::new(),
            part: Part::Whole,
            account: None,
            bucket_account: None,
            is_foreign_object: false,
            caller: None,
            action,
        };
        let wildcard_only =
            check.action.id.filter(|id| self.world.catalog.action_ref(*id).is_wildcard_only());
        if let Some(id) = wildcard_only {
            let (given, remarks) = (stated.resource, &mut *self.remarks);
            let form = resource::wildcard_form(self.world, self.caller, id, given, remarks);
            check.resource = form.into_owned();
            check.is_wildcard_form = true;
        }
        if let Some(present) = context::take_stated_mfa(self.caller, &mut check.given)? {
            let mut caller = self.caller.clone();
            caller.session.mfa = Some(MfaState { present, at: None });
            check.caller = Some(caller);
        }
        kms::resolve_alias(self.world.snapshot, &mut check);
        Ok(check)
    }

    /// E-3, E-4, E-5.
    fn action(&mut self, text: &str) -> Result<Action, RequestError> {
        let Some((service, name)) = split_action(text) else {
            let message = format!("`{text}` is not an action: expected `service:Name`");
            return Err(RequestError::new(RequestErrorKind::InvalidAction, message));
        };
        let id = self.world.catalog.action(service, name);
        if id.is_none() && self.world.options.strict_actions {
            let message = format!("the catalog knows no action `{text}`");
            return Err(RequestError::new(RequestErrorKind::UnknownAction, message));
        }
        if id.is_none() {
            self.remarks.note("unknown_action");
        }
        Ok(Action {
            text: id.map_or(text.into(), |id| self.world.catalog.action_ref(id).full_name()),
            service: service.to_ascii_lowercase(),
            name: name.to_ascii_lowercase(),
            id,
        })
    }

    /// The same check for another action, where the request does not make it anyway.
    fn entailed(
        &mut self,
        check: &Check<'a>,
        action: &str,
        resource: &str,
        stated: &[Check<'a>],
    ) -> Result<Option<Check<'a>>, RequestError> {
        let action = self.action(action)?;
        let same = |other: &&Check<'_>| {
            other.action.service == action.service
                && other.action.name == action.name
                && other.resource == resource
        };
        if stated.iter().any(|other| same(&other)) {
            return Ok(None);
        }
        Ok(Some(Check { action, resource: resource.into(), ..check.clone() }))
    }

    /// The check itself and, for the alias actions of KMS, the check on the key (E-82).
    fn alias_key(
        &mut self,
        check: &Check<'a>,
        stated: &[Check<'a>],
        checks: &mut Vec<Check<'a>>,
    ) -> Result<(), RequestError> {
        checks.push(check.clone());
        if !kms::is_alias_action(&check.action) || !kms::is_alias(&check.resource) {
            return Ok(());
        }
        let has_key = |other: &Check<'_>| {
            other.action.name == check.action.name && kms::is_key(&other.resource)
        };
        if stated.iter().any(has_key) {
            return Ok(());
        }
        let key = kms::key_of_alias(self.world.snapshot, &check.resource);
        if key.is_none() {
            self.missing_resource(&check.action.text, "key")?;
        }
        let data = Data { account: None, policy: None, ..check.data.clone() };
        let key_check = Check { data, ..check.clone() };
        let resource = key.unwrap_or("*");
        checks.extend(self.entailed(&key_check, &check.action.text, resource, stated)?);
        Ok(())
    }

    /// E-90, E-92: the extra checks of a call that assumes a role.
    fn role_session_checks(
        &mut self,
        check: &Check<'a>,
        stated: &[Check<'a>],
        checks: &mut Vec<Check<'a>>,
    ) -> Result<(), RequestError> {
        if !check.action.is("sts", &sts::ASSUME_ROLE) {
            return Ok(());
        }
        let sends_tags = self.request.request_tags.as_ref().is_some_and(|tags| !tags.is_empty())
            || check.given.has_prefix("aws:RequestTag/")
            || check.given.get("aws:TagKeys").is_some();
        let inherits = check.action.name == "assumerole"
            && self.caller.kind == PrincipalKind::RoleSession
            && self.caller.session.source_identity.is_some();
        let sets_identity = inherits || check.given.get("sts:SourceIdentity").is_some();
        if sends_tags {
            checks.extend(self.entailed(check, "sts:TagSession", &check.resource, stated)?);
        }
        if sets_identity {
            checks.extend(self.entailed(
                check,
                "sts:SetSourceIdentity",
                &check.resource,
                stated,
            )?);
        }
        Ok(())
    }

    /// E-69: dependent actions, on the same resource where they take it, else on their wildcard
    /// form. `iam:PassRole` is never implied.
    fn dependent_checks(
        &mut self,
        check: &Check<'a>,
        stated: &[Check<'a>],
        checks: &mut Vec<Check<'a>>,
    ) -> Result<(), RequestError> {
        let Some(id) = check.action.id.filter(|_| self.world.options.include_dependent) else {
            return Ok(());
        };
        let catalog = self.world.catalog;
        let reference = catalog.action_ref(id);
        let mut dependents: Vec<ActionId> = reference.dependent_actions().collect();
        for listed in reference.resource_types().filter(|listed| covers(check, listed)) {
            dependents.extend(listed.dependent_actions());
        }
        dependents.sort_unstable();
        dependents.dedup();
        for dependent in dependents {
            let action = catalog.action_ref(dependent).full_name();
            if action == "iam:PassRole" {
                continue;
            }
            let fits = catalog.fits(dependent, &check.resource).is_some();
            let (world, caller) = (self.world, self.caller);
            let resource = if fits {
                Cow::Borrowed(&*check.resource)
            } else {
                resource::wildcard_form(world, caller, dependent, None, self.remarks)
            };
            let data = if fits { check.data.clone() } else { Data::default() };
            let check = Check { data, is_wildcard_form: !fits, ..check.clone() };
            checks.extend(self.entailed(&check, &action, &resource, stated)?);
        }
        Ok(())
    }

    /// E-96: with option `includeTrust`, whether the service may assume the passed role.
    fn trust_check(
        &mut self,
        check: &Check<'a>,
        checks: &mut Vec<Check<'a>>,
    ) -> Result<(), RequestError> {
        if !self.world.options.include_trust || !check.action.is("iam", &["passrole"]) {
            return Ok(());
        }
        let Some(ContextValue::Single(service)) = check.given.get("iam:PassedToService") else {
            self.remarks.note("passed_to_service_unknown");
            return Ok(());
        };
        let caller = Some(super::principal::service(service));
        let trust = Check { caller, given: Given::default(), ..check.clone() };
        checks.extend(self.entailed(&trust, "sts:AssumeRole", &check.resource, &[])?);
        Ok(())
    }
}

/// Whether a check is about a resource of a type. An access point stands for what is behind it.
fn covers(check: &Check<'_>, listed: &ActionResource<'_>) -> bool {
    let resource_type = listed.resource_type();
    check.part == Part::AccessPoint && matches!(resource_type.name(), "bucket" | "object")
        || resource_type.formats().any(|format| format.matches(&check.resource))
}
