//! What is checked: actions, resources, and the checks that one request makes (E-4 – E-7, E-25,
//! E-67 – E-69, E-82, E-85, E-90, E-96).

use assize_catalog::ActionResource;
use assize_model::{
    AccountId, ActionId, ContextMode, ContextValue, MfaState, PrincipalKind, Request, RequestError,
    RequestErrorKind, ResourceData, ResourceInput, Target, fold_key, split_action,
};

use super::given::{Given, Inputs};
use super::knowledge::{Lists, State};
use super::{Caller, Remarks, World, context, resource};
use crate::condition::Truth;
use crate::service_rules::{iam, kms, organizations, s3, sts};

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

/// E-25: what is said of the resource of a check, field by field over what all checks share.
fn merge<'a>(
    own: Option<&ResourceData<'a>>,
    shared: Option<&ResourceData<'a>>,
) -> ResourceData<'a> {
    let mut data = own.cloned().unwrap_or_default();
    if let Some(shared) = shared.cloned() {
        data.account = data.account.or(shared.account);
        data.object_owner = data.object_owner.or(shared.object_owner);
        data.tags = data.tags.or(shared.tags);
        data.policy = data.policy.or(shared.policy);
        data.managed_by_aws = data.managed_by_aws.or(shared.managed_by_aws);
        data.kms_grants = data.kms_grants.or(shared.kms_grants);
        data.public_access_block = data.public_access_block.or(shared.public_access_block);
    }
    data
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
    pub(crate) data: ResourceData<'a>,
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
    /// E-126: the unknown key on which it depends whether the check is made at all.
    pub(crate) made_if: Option<&'static str>,
}

/// The keys that E-90 looks at.
const SOURCE_IDENTITY: &str = "aws:SourceIdentity";
const PASSED_IDENTITY: &str = "sts:SourceIdentity";
const TAG_KEYS: &str = "aws:TagKeys";

/// The key that E-96 looks at with option `includeTrust`.
const PASSED_TO: &str = "iam:PassedToService";

/// What a request says of a check before anything is looked up.
#[derive(Clone, Copy)]
struct Stated<'a> {
    action: &'a str,
    resource: Option<&'a str>,
    data: Option<&'a ResourceData<'a>>,
    context: &'a Inputs<'a>,
}

/// What making checks looks at, and what it has made.
struct Maker<'a, 'r> {
    world: &'a World<'a>,
    caller: &'r Caller<'a>,
    request: &'a Request<'a>,
    remarks: &'r mut Remarks,
    stated: Vec<Check<'a>>,
    checks: Vec<Check<'a>>,
}

type Result<T> = std::result::Result<T, RequestError>;

/// All checks of a request, in order: each stated one, followed by those it entails.
pub(crate) fn expand<'a>(
    world: &'a World<'a>,
    caller: &Caller<'a>,
    request: &'a Request<'a>,
    remarks: &mut Remarks,
) -> Result<Vec<Check<'a>>> {
    let (stated, checks) = (Vec::new(), Vec::new());
    let mut maker = Maker { world, caller, request, remarks, stated, checks };
    maker.stated()?;
    for check in maker.stated.clone() {
        maker.checks.push(check.clone());
        maker.alias_key(&check)?;
        maker.role_session_checks(&check)?;
        maker.dependent_checks(&check)?;
        maker.trust_check(&check)?;
    }
    let mut checks = maker.checks;
    if checks.is_empty() {
        let message = "the request checks nothing: state `action` or `checks`";
        return Err(RequestError::new(RequestErrorKind::InvalidField, message));
    }
    for check in &mut checks {
        let own = check.caller.clone();
        resource::set_owner(world, own.as_ref().unwrap_or(caller), check, remarks)?;
        if let Some(boundary) = iam::target_boundary(world, check) {
            let said = Lists::new(request, &check.given).says(&fold_key(iam::BOUNDARY));
            if !matches!(said, Some(State::Unknown)) {
                check.given.complete(iam::BOUNDARY, boundary.as_deref());
            }
        }
    }
    Ok(checks)
}

impl<'a> Maker<'a, '_> {
    /// F-10, E-68: the checks that the request states.
    fn stated(&mut self) -> Result<()> {
        match &self.request.target {
            Target::Checks(stated) => {
                for assize_model::Check { action, resource, data, context } in stated {
                    let (resource, data) = (resource.as_deref(), data.as_deref());
                    self.push(Stated { action, resource, data, context })?;
                }
            }
            Target::Action { action, resource, resources } if resources.is_empty() => {
                let resource = resource.as_deref();
                self.push(Stated { action, resource, data: None, context: &[] })?;
            }
            Target::Action { action, resources, .. } => self.push_resources(action, resources)?,
        }
        Ok(())
    }

    /// E-68: one check a resource, and one on `*` for each required type without any, unless the
    /// types are alternatives.
    fn push_resources(&mut self, action: &'a str, all: &'a [ResourceInput<'a>]) -> Result<()> {
        let re_encrypt = action.eq_ignore_ascii_case(kms::RE_ENCRYPT) && all.len() == 2;
        for (at, input) in all.iter().enumerate() {
            let action = if re_encrypt { kms::RE_ENCRYPT_PARTS[at] } else { action };
            let (resource, data) = (Some(&*input.arn), input.data.as_deref());
            self.push(Stated { action, resource, data, context: &input.context })?;
        }
        let Some(id) = self.stated.first().and_then(|check| check.action.id) else {
            return Ok(());
        };
        if self.world.catalog.types_are_alternatives(id) {
            return Ok(());
        }
        for listed in self.world.catalog.action_ref(id).resource_types() {
            if listed.is_required() && !self.stated.iter().any(|check| covers(check, &listed)) {
                self.missing_resource(action, listed.resource_type().name())?;
                self.push(Stated { action, resource: Some("*"), data: None, context: &[] })?;
            }
        }
        Ok(())
    }

    /// E-68: a resource type that the call must have and the request does not name.
    fn missing_resource(&mut self, action: &str, name: &str) -> Result<()> {
        if self.world.options.require_all_resources {
            let message = format!("`{action}` also needs a resource of type `{name}`");
            return Err(RequestError::new(RequestErrorKind::MissingResource, message));
        }
        self.remarks.note(format!("missing_resource:{name}"));
        Ok(())
    }

    /// One stated check, split where a rule splits it: E-82 (ReEncrypt), E-85 (access points).
    fn push(&mut self, stated: Stated<'a>) -> Result<()> {
        if stated.action.eq_ignore_ascii_case(kms::RE_ENCRYPT) {
            let mut parts = kms::RE_ENCRYPT_PARTS.into_iter();
            return parts.try_for_each(|action| self.push(Stated { action, ..stated }));
        }
        let check = self.check(stated)?;
        match s3::access_point(self.world, &check) {
            Some((point, bucket)) => self.stated.extend([point, bucket]),
            None => self.stated.push(check),
        }
        Ok(())
    }

    /// One check.
    fn check(&mut self, stated: Stated<'a>) -> Result<Check<'a>> {
        let action = self.action(stated.action)?;
        if let Some(text) = stated.resource {
            resource::check_text(text)?;
        }
        let shared = self.request.resource_data.as_deref();
        let mut check = Check {
            resource: stated.resource.unwrap_or("*").into(),
            is_wildcard_form: false,
            data: merge(stated.data, shared),
            given: Given::merge(self.world.catalog, &self.request.context, stated.context)?,
            service_keys: Vec::new(),
            part: Part::Whole,
            account: None,
            bucket_account: None,
            is_foreign_object: false,
            caller: None,
            made_if: None,
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
    fn action(&mut self, text: &str) -> Result<Action> {
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

    /// Adds the same check for another action and resource, where the request does not state it.
    fn entail(&mut self, check: &Check<'a>, action: &str, resource: &str) -> Result<()> {
        let action = self.action(action)?;
        let is_same = |other: &Check<'_>| {
            other.action.is(&action.service, &[&action.name]) && other.resource == resource
        };
        if !self.stated.iter().any(is_same) {
            self.checks.push(Check { action, resource: resource.into(), ..check.clone() });
        }
        Ok(())
    }

    /// E-82: the check on the key beside that on the alias, and that on the alias beside that on
    /// the key.
    fn alias_key(&mut self, check: &Check<'a>) -> Result<()> {
        let (is_alias, is_key) = (kms::is_alias(&check.resource), kms::is_key(&check.resource));
        let is_other = |other: &Check<'_>| {
            let is_any = is_key && other.resource == "*";
            let is_its = is_alias && kms::is_key(&other.resource);
            kms::is_alias_action(&other.action)
                && other.action.name == check.action.name
                && (is_any || is_its || is_key && kms::is_alias(&other.resource))
        };
        if !kms::is_alias_action(&check.action)
            || !(is_alias || is_key)
            || self.stated.iter().any(is_other)
        {
            return Ok(());
        }
        let key = kms::key_of_alias(self.world.snapshot, &check.resource).filter(|_| is_alias);
        if key.is_none() {
            self.missing_resource(&check.action.text, if is_alias { "key" } else { "alias" })?;
        }
        let data = ResourceData { account: None, policy: None, ..check.data.clone() };
        self.entail(&Check { data, ..check.clone() }, &check.action.text, key.unwrap_or("*"))
    }

    /// E-90, E-92: the extra checks of a call that assumes a role, and of one that federates a
    /// user, whose session may have tags too.
    fn role_session_checks(&mut self, check: &Check<'a>) -> Result<()> {
        let federates = check.action.is("sts", &["getfederationtoken"]);
        if !check.action.is("sts", &sts::ASSUME_ROLE) && !federates {
            return Ok(());
        }
        let sends_tags = self.request.request_tags.as_ref().is_some_and(|tags| !tags.is_empty())
            || check.given.has_prefix("aws:RequestTag/")
            || check.given.get("aws:TagKeys").is_some();
        let inherited = self.inherits_source_identity(check);
        let passes = inherited == Truth::True || check.given.get(PASSED_IDENTITY).is_some();
        let inherits = (inherited == Truth::Unknown).then_some(SOURCE_IDENTITY);
        let passed = self.is_open(PASSED_IDENTITY).then_some(PASSED_IDENTITY);
        let tagged =
            (self.is_open(TAG_KEYS) || self.is_open("aws:RequestTag/")).then_some(TAG_KEYS);
        self.session_check(check, "sts:TagSession", sends_tags, tagged)?;
        if federates {
            // A federated user has no source identity.
            return Ok(());
        }
        self.session_check(check, "sts:SetSourceIdentity", passes, inherits.or(passed))
    }

    /// An extra check that is made, or made if what nobody knows of a key is so (E-126).
    fn session_check(
        &mut self,
        check: &Check<'a>,
        action: &str,
        is_made: bool,
        may_be_made: Option<&'static str>,
    ) -> Result<()> {
        let made_if = may_be_made.filter(|_| !is_made);
        if !is_made && made_if.is_none() {
            return Ok(());
        }
        self.entail(&Check { made_if, ..check.clone() }, action, &check.resource)
    }

    /// E-122, E-126: whether the request says that a key is unknown, or some key that begins so.
    fn is_open(&self, key: &str) -> bool {
        let folded = fold_key(key);
        let lists = Lists::new(self.request, &Given::default());
        let is_prefix = folded.ends_with('/');
        let begins = |own: &std::borrow::Cow<'_, str>| fold_key(own).starts_with(&*folded);
        lists.has_unknown(&folded) || is_prefix && self.request.unknown.iter().any(begins)
    }

    /// E-90, E-126: whether the caller's session has a source identity that the call inherits.
    fn inherits_source_identity(&self, check: &Check<'a>) -> Truth {
        let caller = self.caller;
        if check.action.name != "assumerole" || caller.kind != PrincipalKind::RoleSession {
            return Truth::False;
        }
        let is_partial = self.world.options.context == ContextMode::Partial;
        let carries = is_partial && check.given.get(SOURCE_IDENTITY).is_some();
        let is_known = caller.session.source_identity.is_some() || carries;
        let said = Lists::new(self.request, &check.given).says(&fold_key(SOURCE_IDENTITY));
        match said {
            Some(State::Unknown) if is_partial => Truth::Unknown,
            None if is_partial && !is_known => Truth::Unknown,
            _ => is_known.into(),
        }
    }

    /// E-69: dependent actions, on the same resource where they take it, else on their wildcard
    /// form. `iam:PassRole` is never implied.
    fn dependent_checks(&mut self, check: &Check<'a>) -> Result<()> {
        let Some(id) = check.action.id.filter(|_| self.world.options.include_dependent) else {
            return Ok(());
        };
        let (world, caller) = (self.world, self.caller);
        let reference = world.catalog.action_ref(id);
        let types = reference.resource_types().filter(|listed| covers(check, listed));
        let of_types = types.flat_map(|listed| listed.dependent_actions());
        let mut dependents: Vec<ActionId> = reference.dependent_actions().chain(of_types).collect();
        dependents.sort_unstable();
        dependents.dedup();
        for dependent in dependents {
            let action = world.catalog.action_ref(dependent).full_name();
            if action == "iam:PassRole" {
                continue;
            }
            if world.catalog.fits(dependent, &check.resource).is_some() {
                self.entail(check, &action, &check.resource)?;
                continue;
            }
            let form = resource::wildcard_form(world, caller, dependent, None, self.remarks);
            let data = ResourceData::default();
            self.entail(&Check { data, is_wildcard_form: true, ..check.clone() }, &action, &form)?;
        }
        Ok(())
    }

    /// E-96: with option `includeTrust`, whether the service may assume the passed role.
    fn trust_check(&mut self, check: &Check<'a>) -> Result<()> {
        if !self.world.options.include_trust || !check.action.is("iam", &["passrole"]) {
            return Ok(());
        }
        let (given, passed_to) = (Given::default(), check.given.get(PASSED_TO));
        let trust = if let Some(ContextValue::Single(service)) = passed_to {
            Check { caller: Some(super::principal::service(service)), given, ..check.clone() }
        } else {
            self.remarks.note("passed_to_service_unknown");
            let said = Lists::new(self.request, &check.given).says(&fold_key(PASSED_TO));
            let is_complete = self.world.options.context == ContextMode::Complete;
            if is_complete || passed_to.is_some() || matches!(said, Some(State::Absent)) {
                return Ok(());
            }
            // E-126: of a service that nobody knows no trust is certain.
            let caller = Some(Caller::new(PrincipalKind::Anonymous, "anonymous"));
            Check { caller, given, made_if: Some(PASSED_TO), ..check.clone() }
        };
        // What the request itself states is asked about its caller, and stands for none of this.
        let action = self.action("sts:AssumeRole")?;
        self.checks.push(Check { action, ..trust });
        Ok(())
    }
}

/// Whether a check is about a resource of a type. An access point stands for what is behind it,
/// the root user for a user, a policy of AWS for one of the organization.
fn covers(check: &Check<'_>, listed: &ActionResource<'_>) -> bool {
    let resource_type = listed.resource_type();
    check.part == Part::AccessPoint && matches!(resource_type.name(), "bucket" | "object")
        || resource_type.name() == "user" && iam::is_about_root_user(check)
        || resource_type.name() == "policy" && organizations::is_policy_of_aws(&check.resource)
        || resource_type.formats().any(|format| format.matches(&check.resource))
}
