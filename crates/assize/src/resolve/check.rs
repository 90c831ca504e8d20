//! From a request to its checks: E-25, E-67 – E-69, E-82, E-85, E-90, E-96.

use std::borrow::Cow;

use assize_catalog::ActionResource;
use assize_model::{
    ArnParts, ContextInput, KeyShape, PrincipalKind, Request, RequestError, RequestErrorKind,
    ResourceData, ResourceInput, Target, fold_key,
};
use assize_store::ResourceAttributes;

use super::action::ActionRule;
use super::gaps::{is_empty, lists};
use super::note::Notes;
use super::organizations::is_policy_of_aws;
use super::resource::Shape;
use super::{Resolver, resource};

/// Checks that one request states, at most (F-6). Each entails a few at most.
pub(crate) const MAX_CHECKS: usize = 100;

/// One check on its way to a row.
#[derive(Debug, Clone)]
pub(super) struct CheckSpec<'r> {
    pub(super) action: u32,
    /// The resource as given; none for the action's wildcard form.
    pub(super) resource: Option<Cow<'r, str>>,
    pub(super) data: Option<Cow<'r, ResourceData<'r>>>,
    /// Overrides the request's context key by key (E-25).
    pub(super) context: &'r [(Cow<'r, str>, ContextInput<'r>)],
    pub(super) notes: Notes,
    /// Keys that rules of a service add.
    pub(super) added: Vec<(&'static str, Added)>,
    pub(super) part: Part,
    /// Who asks instead of the principal of the request (E-96, option `includeTrust`). Of what the
    /// request says, its context is not its own.
    pub(super) trusted: Option<Trusted>,
    /// It is made only if what nobody knows is so (E-126).
    pub(super) made_if: Option<MadeIf>,
}

impl CheckSpec<'_> {
    /// The same check with another context.
    pub(super) fn with_context<'c>(
        &'c self,
        context: &'c [(Cow<'c, str>, ContextInput<'c>)],
    ) -> CheckSpec<'c> {
        CheckSpec {
            action: self.action,
            resource: self.resource.as_deref().map(Cow::Borrowed),
            data: self.data.as_deref().map(Cow::Borrowed),
            context,
            notes: self.notes.clone(),
            added: self.added.clone(),
            part: self.part.clone(),
            trusted: self.trusted.clone(),
            made_if: self.made_if,
        }
    }
}

/// To whom a role is passed (E-96).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trusted {
    Service(Box<str>),
    /// A service that nobody knows, of which no trust is certain (E-126).
    Someone,
}

/// On what it hangs whether a check is made at all, where nobody knows (E-126).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeIf {
    /// The session of the caller has a source identity, which the call inherits (E-90).
    IdentityIsInherited,
    /// The call sets a source identity (E-90).
    IdentityIsPassed,
    /// The call passes tags (E-90).
    TagsArePassed,
    /// The role is passed to a service (E-96).
    ServiceIsKnown,
}

impl MadeIf {
    /// The unknown key.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::IdentityIsInherited => "aws:SourceIdentity",
            Self::IdentityIsPassed => "sts:SourceIdentity",
            Self::TagsArePassed => "aws:TagKeys",
            Self::ServiceIsKnown => PASSED_TO,
        }
    }
}

/// The key that says which service a role is passed to.
const PASSED_TO: &str = "iam:PassedToService";

/// A value that a service rule adds to the context.
#[derive(Debug, Clone)]
pub(super) enum Added {
    Single(Box<str>),
    List(Vec<Box<str>>),
}

/// Which of the sub-checks of a request through an access point a check is (E-85).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// No access point is involved.
    #[default]
    Whole,
    /// The access point, and whom it admits.
    AccessPoint(Admission),
    /// The bucket or object behind it.
    Bucket,
    /// The bucket behind it, when nobody knows which that is.
    UnknownBucket,
}

impl Part {
    /// Whether it is an access point that takes requests from VPCs only.
    pub(super) fn is_for_vpcs(&self) -> bool {
        matches!(self, Self::AccessPoint(Admission::AnyVpc | Admission::Vpc(_)))
    }
}

/// Whose requests an access point takes (E-85).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// Everyone's.
    Internet,
    /// Those of some VPC; the record does not say which.
    AnyVpc,
    /// Those of this VPC.
    Vpc(Box<str>),
}

/// What a request says of a check before anything is looked up.
#[derive(Clone, Copy)]
struct Stated<'r> {
    action: &'r str,
    resource: Option<&'r str>,
    data: Option<&'r ResourceData<'r>>,
    context: &'r [(Cow<'r, str>, ContextInput<'r>)],
}

impl Resolver<'_> {
    /// The checks of a request, in the order in which E-67 looks at them: each stated one,
    /// followed by those it entails.
    pub(super) fn checks<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        checks.clear();
        limit(&request.target)?;
        self.stated(request, checks)?;
        if let [check] = &checks[..]
            && self.entails_nothing(check.action)
        {
            return Ok(());
        }
        let stated = std::mem::take(checks);
        for at in 0..stated.len() {
            checks.push(stated[at].clone());
            self.alias_key(&stated, at, checks)?;
            self.session_checks(request, principal, &stated, at, checks)?;
            self.dependent_checks(principal, &stated, at, checks)?;
            self.trust_check(request, &stated[at], checks)?;
        }
        Ok(())
    }

    /// Whether no other check follows from one of an action, whatever the request says.
    pub(super) fn entails_nothing(&self, action: u32) -> bool {
        match self.actions[action as usize].rule {
            ActionRule::KmsAlias
            | ActionRule::AssumeRole
            | ActionRule::AssumeRoleFederated
            | ActionRule::GetFederationToken => false,
            ActionRule::PassRole => !self.engine.options.include_trust && !self.entails_more(),
            _ => !self.entails_more(),
        }
    }

    /// Whether checks entail those of dependent actions (E-69).
    pub(super) fn entails_more(&self) -> bool {
        self.engine.options.include_dependent
    }

    /// F-10, E-68.
    fn stated<'r>(
        &mut self,
        request: &'r Request<'r>,
        stated: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let shared = request.resource_data.as_deref();
        match &request.target {
            Target::Checks(given) => {
                for check in given {
                    let one = Stated {
                        action: &check.action,
                        resource: check.resource.as_deref(),
                        data: check.data.as_deref(),
                        context: &check.context,
                    };
                    self.add(one, shared, stated)?;
                }
                Ok(())
            }
            Target::Action { action, resource, resources } if resources.is_empty() => {
                let resource = resource.as_deref();
                let one = Stated { action, resource, data: None, context: &[] };
                self.add(one, shared, stated)
            }
            Target::Action { action, resources, .. } => {
                self.expand(action, resources, shared, stated)
            }
        }
    }

    /// E-68: a check for each resource, and one with `*` for each required type without any. A call
    /// whose types are alternatives needs no more than it names.
    fn expand<'r>(
        &mut self,
        action: &'r str,
        resources: &'r [ResourceInput<'r>],
        shared: Option<&'r ResourceData<'r>>,
        stated: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let splits = action.eq_ignore_ascii_case(RE_ENCRYPT) && resources.len() == 2;
        for (at, input) in resources.iter().enumerate() {
            let one = Stated {
                action: if splits { RE_ENCRYPT_PARTS[at] } else { action },
                resource: Some(&input.arn),
                data: input.data.as_deref(),
                context: &input.context,
            };
            self.add(one, shared, stated)?;
        }
        let first = stated.first().map(|check| check.action);
        let Some(id) = first.and_then(|first| self.actions[first as usize].id) else {
            return Ok(());
        };
        let engine = self.engine;
        let required = engine.catalog.action_ref(id);
        if engine.catalog.types_are_alternatives(id) {
            return Ok(());
        }
        for listed in required.resource_types().filter(ActionResource::is_required) {
            let resource_type = listed.resource_type();
            let name = resource_type.name();
            let covers = |check: &CheckSpec<'_>| {
                let rule = self.actions[check.action as usize].rule;
                is_about(check, rule, check.resource.as_deref().unwrap_or("*"), &listed)
            };
            if stated.iter().any(covers) {
                continue;
            }
            self.may_miss(action, name)?;
            let one = Stated { action, resource: Some("*"), data: None, context: &[] };
            self.add(one, shared, stated)?;
            if let Some(last) = stated.last_mut() {
                last.notes.missing_resource = Some(name.into());
            }
        }
        Ok(())
    }

    /// E-68, option `requireAllResources`.
    fn may_miss(&self, action: &str, name: &str) -> Result<(), RequestError> {
        if self.engine.options.require_all_resources {
            return Err(RequestError::new(
                RequestErrorKind::MissingResource,
                format!("`{action}` also needs a resource of type `{name}`"),
            )
            .at("/resources"));
        }
        Ok(())
    }

    /// One stated check, split where a rule splits it: E-82 (ReEncrypt), E-85 (access points).
    fn add<'r>(
        &mut self,
        one: Stated<'r>,
        shared: Option<&'r ResourceData<'r>>,
        stated: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        if one.action.eq_ignore_ascii_case(RE_ENCRYPT) {
            for action in RE_ENCRYPT_PARTS {
                self.add(Stated { action, ..one }, shared, stated)?;
            }
            return Ok(());
        }
        let action = self.action(one.action)?;
        // Also what is replaced must be one (E-3, E-6).
        if let Some(given) = one.resource.filter(|text| *text != "*") {
            resource::parse_arn(given)?;
        }
        let mut check = CheckSpec {
            action,
            resource: one.resource.map(Cow::Borrowed),
            data: merged(shared, one.data),
            context: one.context,
            notes: Notes::default(),
            added: Vec::new(),
            part: Part::Whole,
            trusted: None,
            made_if: None,
        };
        let rule = self.actions[check.action as usize].rule;
        if rule.is_kms() && rule != ActionRule::KmsAlias {
            self.resolve_alias(&mut check);
        }
        let behind = if rule.is_s3() { self.behind_access_point(&mut check) } else { None };
        stated.push(check);
        stated.extend(behind);
        Ok(())
    }

    /// The same check for another action, unless the request makes it anyway.
    fn entailed<'r>(
        &mut self,
        check: &CheckSpec<'r>,
        action: &str,
        resource: Option<Cow<'r, str>>,
        stated: &[CheckSpec<'r>],
    ) -> Result<Option<CheckSpec<'r>>, RequestError> {
        let action = self.action(action)?;
        let same = |other: &CheckSpec<'_>| {
            self.is_same_action(action, other.action) && other.resource == resource
        };
        if stated.iter().any(same) {
            return Ok(None);
        }
        let notes = Notes::default();
        Ok(Some(CheckSpec { action, resource, notes, ..check.clone() }))
    }

    /// E-82: an action on an alias is also one on its key, and one on a key also one on an alias.
    fn alias_key<'r>(
        &mut self,
        stated: &[CheckSpec<'r>],
        at: usize,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let check = &stated[at];
        let facts = &self.actions[check.action as usize];
        let shape = |check: &CheckSpec<'_>| match check.resource.as_deref() {
            None | Some("*") => Shape::Star,
            Some(arn) => Shape::of(ArnParts::split(arn)),
        };
        // What it lacks, and by what a request may state that itself.
        let (missing, others) = match (facts.rule, shape(check)) {
            (ActionRule::KmsAlias, Shape::KmsAlias) => ("key", &[Shape::KmsKey][..]),
            (ActionRule::KmsAlias, Shape::KmsKey) => ("alias", &[Shape::KmsAlias, Shape::Star][..]),
            _ => return Ok(()),
        };
        let text = facts.text.clone();
        let is_other = |other: &CheckSpec<'_>| {
            self.is_same_action(check.action, other.action) && others.contains(&shape(other))
        };
        if stated.iter().any(is_other) {
            return Ok(());
        }
        let alias = check.resource.as_deref().filter(|_| missing == "key");
        let key = alias.and_then(|alias| self.engine.sets.key_of_alias(alias)).map(str::to_owned);
        let is_missing = key.is_none();
        if is_missing {
            self.may_miss(&text, missing)?;
        }
        let resource = Cow::Owned(key.unwrap_or_else(|| "*".to_owned()));
        let data = check.data.as_ref().map(|data| {
            Cow::Owned(ResourceData { account: None, policy: None, ..data.as_ref().clone() })
        });
        let other = CheckSpec { data, ..check.clone() };
        if let Some(mut entailed) = self.entailed(&other, &text, Some(resource), stated)? {
            entailed.notes.missing_resource = is_missing.then(|| missing.into());
            checks.push(entailed);
        }
        Ok(())
    }

    /// E-90, E-92: what a call that assumes a role also checks.
    fn session_checks<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        stated: &[CheckSpec<'r>],
        at: usize,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let check = &stated[at];
        let rule = self.actions[check.action as usize].rule;
        let federates = rule == ActionRule::GetFederationToken;
        if !federates && !matches!(rule, ActionRule::AssumeRole | ActionRule::AssumeRoleFederated) {
            return Ok(());
        }
        let gives = |wanted: &str, whole: bool| {
            check.context.iter().chain(&request.context).any(|(key, value)| {
                let is_longer = key.len() > wanted.len();
                let head = if whole { Some(key.as_ref()) } else { key.get(..wanted.len()) };
                let head = head.filter(|_| whole || is_longer);
                head.is_some_and(|head| head.eq_ignore_ascii_case(wanted)) && !is_empty(value)
            })
        };
        let sends_tags = request.request_tags.as_ref().is_some_and(|tags| !tags.is_empty())
            || gives("aws:RequestTag/", false)
            || gives("aws:TagKeys", true);
        let caller = &self.principals[principal as usize];
        let inherits = rule == ActionRule::AssumeRole && caller.kind == PrincipalKind::RoleSession;
        let has_identity = caller.source_identity.is_some();
        let inherited = if inherits {
            self.inherits_source_identity(request, check.context, has_identity)
        } else {
            Some(false)
        };
        let sets_identity = inherited == Some(true) || gives("sts:SourceIdentity", true);
        let inherits = inherited.is_none().then_some(MadeIf::IdentityIsInherited);
        let lists = lists(request, check.context);
        let passed = lists.leaves_open("sts:sourceidentity").then_some(MadeIf::IdentityIsPassed);
        let is_tagged = lists.leaves_open("aws:tagkeys") || lists.leaves_open("aws:requesttag/");
        let tagged = is_tagged.then_some(MadeIf::TagsArePassed);
        let both = [
            ("sts:TagSession", sends_tags, tagged),
            ("sts:SetSourceIdentity", sets_identity, inherits.or(passed)),
        ];
        // A federated user has no source identity.
        let extra = if federates { &both[..1] } else { &both };
        for &(action, is_made, may_be_made) in extra {
            let made_if = may_be_made.filter(|_| !is_made);
            if is_made || made_if.is_some() {
                let resource = check.resource.clone();
                let entailed = self.entailed(check, action, resource, stated)?;
                checks.extend(entailed.map(|check| CheckSpec { made_if, ..check }));
            }
        }
        Ok(())
    }

    /// E-69: the actions that the catalog says depend on the checked one, on the same resource
    /// where they take it, else on their wildcard form. `iam:PassRole` is never implied.
    fn dependent_checks<'r>(
        &mut self,
        principal: u32,
        stated: &[CheckSpec<'r>],
        at: usize,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let (check, engine) = (&stated[at], self.engine);
        let id = self.actions[check.action as usize].id;
        let Some(id) = id.filter(|_| engine.options.include_dependent) else { return Ok(()) };
        let text = self.resource_text(principal, &mut check.clone()).into_owned();
        let action = engine.catalog.action_ref(id);
        let rule = self.actions[check.action as usize].rule;
        let types = action.resource_types().filter(|listed| is_about(check, rule, &text, listed));
        let of_types = types.flat_map(|listed| listed.dependent_actions());
        let mut dependents: Vec<_> = action.dependent_actions().chain(of_types).collect();
        dependents.sort_unstable();
        dependents.dedup();
        for dependent in dependents {
            let name = engine.catalog.action_ref(dependent).full_name();
            if name == PASS_ROLE {
                continue;
            }
            let takes_it = engine.catalog.fits(dependent, &text).is_some();
            let mut entailed = CheckSpec {
                action: self.action(&name)?,
                resource: takes_it.then(|| Cow::Owned(text.clone())),
                data: check.data.clone().filter(|_| takes_it),
                notes: Notes::default(),
                ..check.clone()
            };
            let own = self.resource_text(principal, &mut entailed).into_owned();
            let is_stated = stated.iter().any(|other| {
                self.is_same_action(entailed.action, other.action)
                    && self.resource_text(principal, &mut other.clone()) == own
            });
            if !is_stated {
                checks.push(entailed);
            }
        }
        Ok(())
    }

    /// Whether two actions are one, which the caller may have spelled in two ways.
    fn is_same_action(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.actions[a as usize], &self.actions[b as usize]);
        a.service == b.service && a.name == b.name
    }

    /// E-96, option `includeTrust`: whether the service may assume the role that is passed to it.
    fn trust_check<'r>(
        &mut self,
        request: &'r Request<'r>,
        check: &CheckSpec<'r>,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let rule = self.actions[check.action as usize].rule;
        if rule != ActionRule::PassRole || !self.engine.options.include_trust {
            return Ok(());
        }
        let passed_to = self.passed_to(request, check);
        if passed_to.is_none() {
            if let Some(last) = checks.last_mut() {
                last.notes.passed_to_service_unknown = true;
            }
            if !self.may_be_passed(request, check) {
                return Ok(());
            }
        }
        let action = self.action("sts:AssumeRole")?;
        let (trusted, made_if) = match passed_to {
            Some(name) => (Trusted::Service(name), None),
            None => (Trusted::Someone, Some(MadeIf::ServiceIsKnown)),
        };
        // What the request itself states is asked about its caller, and stands for none of this.
        let (notes, trusted) = (Notes::default(), Some(trusted));
        checks.push(CheckSpec { action, context: &[], notes, trusted, made_if, ..check.clone() });
        Ok(())
    }

    /// E-126: whether a role may be passed to a service that nobody names.
    fn may_be_passed(&self, request: &Request<'_>, check: &CheckSpec<'_>) -> bool {
        let given = check.context.iter().chain(&request.context);
        let names_one = given
            .filter(|(key, _)| key.eq_ignore_ascii_case(PASSED_TO))
            .any(|(_, value)| !is_empty(value));
        let said = lists(request, check.context).says_unknown(&fold_key(PASSED_TO));
        self.is_partial && !names_one && said != Some(false)
    }

    /// The one service under `iam:PassedToService`, as the context of a check reads (E-25, L-609).
    fn passed_to(&self, request: &Request<'_>, check: &CheckSpec<'_>) -> Option<Box<str>> {
        const KEY: &str = PASSED_TO;
        let named = |inputs: &'_ [(Cow<'_, str>, ContextInput<'_>)]| {
            inputs.iter().any(|(key, _)| key.eq_ignore_ascii_case(KEY))
        };
        let context = if named(check.context) { check.context } else { &request.context[..] };
        let mut given = context
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(KEY))
            .filter(|(_, value)| !matches!(value, ContextInput::List(items) if items.is_empty()));
        let (Some((_, value)), None) = (given.next(), given.next()) else { return None };
        let shape = self.engine.catalog.condition_key(KEY).and_then(|key| key.shape());
        let scalar = match (value, shape) {
            (ContextInput::Scalar(scalar), None | Some(KeyShape::Single)) => scalar,
            (ContextInput::List(scalars), Some(KeyShape::Single)) => match &scalars[..] {
                [scalar] => scalar,
                _ => return None,
            },
            _ => return None,
        };
        scalar.to_text().map(|text| text.as_ref().into())
    }

    /// E-82: a key named by an alias is checked by its ARN; the alias and all aliases of the key
    /// are in the context.
    fn resolve_alias(&self, check: &mut CheckSpec<'_>) {
        let Some(given) = check.resource.as_deref() else { return };
        if let Some(alias) = kms_resource(given, "alias/") {
            let Some(key) = self.engine.sets.key_of_alias(given) else { return };
            let alias = Added::Single(alias.into());
            check.resource = Some(Cow::Owned(key.to_owned()));
            check.added.push(("kms:RequestAlias", alias));
        }
        let record = check.resource.as_deref().and_then(|arn| {
            kms_resource(arn, "key/")?;
            self.engine.snapshot.resource(arn)
        });
        if let Some(record) = record.filter(|record| !record.attributes.aliases.is_empty()) {
            let aliases = Added::List(record.attributes.aliases.clone());
            check.added.push(("kms:ResourceAliases", aliases));
        }
    }

    /// The VPC whose requests alone the access point of a row takes (E-85).
    pub(crate) fn admitted_vpc(&self, row: usize) -> Option<&str> {
        let point = AccessPointArn::parse(self.resource_text_of(row))?;
        let record = self.engine.snapshot.resource(&point.arn)?;
        record.attributes.network_origin_vpc.as_ref()?.as_deref()
    }

    /// E-85: a check through an access point is two: the access point, and what is behind it.
    fn behind_access_point<'r>(&self, check: &mut CheckSpec<'r>) -> Option<CheckSpec<'r>> {
        let point = AccessPointArn::parse(check.resource.as_deref()?)?;
        let engine = self.engine;
        let action = engine.catalog.action_ref(self.actions[check.action as usize].id?);
        let is_about_data = action
            .resource_types()
            .any(|listed| matches!(listed.resource_type().name(), "bucket" | "object"));
        if !is_about_data {
            return None;
        }
        let attributes = engine.snapshot.resource(&point.arn).map(|record| &record.attributes);
        let admits = match attributes.and_then(|a| a.network_origin_vpc.as_ref()) {
            None => Admission::Internet,
            Some(None) => Admission::AnyVpc,
            Some(Some(vpc)) => Admission::Vpc(vpc.clone()),
        };
        let bucket = attributes.and_then(|attributes| point.bucket(attributes));
        let is_recorded = |arn: &str| engine.snapshot.resource(arn).is_some();
        let known = bucket.as_deref().is_some_and(is_recorded) && point.behind != Behind::Unknown;
        let behind = match (bucket, &point.behind) {
            (Some(bucket), Behind::Object(key)) => Cow::Owned(format!("{bucket}/{key}")),
            (Some(bucket), Behind::Bucket) => Cow::Owned(bucket),
            // Nobody knows: the check is refused, under the text it was given.
            (None, _) | (_, Behind::Unknown) => check.resource.clone()?,
        };
        let origin = if admits == Admission::Internet { "Internet" } else { "VPC" };
        check.added.extend([
            ("s3:DataAccessPointArn", Added::Single(point.arn)),
            ("s3:DataAccessPointAccount", Added::Single(point.account)),
            ("s3:AccessPointNetworkOrigin", Added::Single(origin.into())),
        ]);
        let data = check.data.clone();
        let with = |change: fn(&mut ResourceData<'r>)| {
            data.clone().map(|data| {
                let mut data = data.into_owned();
                change(&mut data);
                Cow::Owned(data)
            })
        };
        check.part = Part::AccessPoint(admits);
        check.data = with(|data| data.object_owner = None);
        Some(CheckSpec {
            resource: Some(behind),
            part: if known { Part::Bucket } else { Part::UnknownBucket },
            data: with(|data| {
                data.account = None;
                data.policy = None;
            }),
            ..check.clone()
        })
    }
}

/// F-6: the checks that a request states itself.
fn limit(target: &Target<'_>) -> Result<(), RequestError> {
    let n_stated = match target {
        Target::Checks(checks) => checks.len(),
        Target::Action { resources, .. } => resources.len(),
    };
    if n_stated <= MAX_CHECKS {
        return Ok(());
    }
    let message = format!("more than {MAX_CHECKS} checks in one request");
    Err(RequestError::new(RequestErrorKind::Limit, message))
}

/// Whether a check on a resource is about one of a type. An access point stands for what is
/// behind it (E-85), the root user for a user (E-7).
fn is_about(
    check: &CheckSpec<'_>,
    rule: ActionRule,
    resource: &str,
    listed: &ActionResource<'_>,
) -> bool {
    let resource_type = listed.resource_type();
    let behind = matches!(check.part, Part::AccessPoint(_));
    let is_root = || Shape::of(ArnParts::split(resource)) == Shape::IamRoot;
    let names_root = rule == ActionRule::UserCredentials && is_root();
    (behind && matches!(resource_type.name(), "bucket" | "object"))
        || (names_root && resource_type.name() == "user")
        || (resource_type.name() == "policy" && is_policy_of_aws(resource))
        || resource_type.formats().any(|format| format.matches(resource))
}

/// E-69: the dependent action that nothing implies.
const PASS_ROLE: &str = "iam:PassRole";
/// E-82: the call that is two actions.
const RE_ENCRYPT: &str = "kms:ReEncrypt";
/// E-82: the actions of [`RE_ENCRYPT`], on source and destination key.
const RE_ENCRYPT_PARTS: [&str; 2] = ["kms:ReEncryptFrom", "kms:ReEncryptTo"];

/// The resource part of the ARN of a KMS resource that begins so.
fn kms_resource<'a>(arn: &'a str, prefix: &str) -> Option<&'a str> {
    let parts = ArnParts::split(arn).filter(|parts| parts.service == "kms")?;
    parts.resource.starts_with(prefix).then_some(parts.resource)
}

/// `arn:P:s3:REGION:ACCT:accesspoint/AP[/object/KEY]`, taken apart; without a region that of a
/// multi-region access point.
pub(super) struct AccessPointArn {
    pub(super) arn: Box<str>,
    partition: Box<str>,
    account: Box<str>,
    behind: Behind,
}

/// What of the bucket a request through an access point is about.
#[derive(Debug, PartialEq, Eq)]
enum Behind {
    /// The bucket itself.
    Bucket,
    /// The object with this key.
    Object(Box<str>),
    /// The ARN is of no known form.
    Unknown,
}

impl AccessPointArn {
    /// Takes apart whatever looks like an access point: an ARN of no known form is not let past
    /// the bucket behind it (E-85).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let arn = ArnParts::split(text)?;
        if Shape::of(Some(arn)) != Shape::S3AccessPoint {
            return None;
        }
        let rest = arn.resource.strip_prefix("accesspoint/")?;
        let (name, behind) = match rest.split_once('/') {
            Some((name, below)) => {
                let key = below.strip_prefix("object/");
                (name, key.map_or(Behind::Unknown, |key| Behind::Object(key.into())))
            }
            None => (rest, Behind::Bucket),
        };
        let head = text.len() - rest.len() + name.len();
        Some(Self {
            arn: text[..head].into(),
            partition: arn.partition.into(),
            account: arn.account.into(),
            behind,
        })
    }

    /// The ARN of the object that is reached through it.
    pub(super) fn object(&self, attributes: &ResourceAttributes) -> Option<String> {
        let Behind::Object(key) = &self.behind else { return None };
        Some(format!("{}/{key}", self.bucket(attributes)?))
    }

    /// The ARN of the bucket behind it.
    pub(super) fn bucket(&self, attributes: &ResourceAttributes) -> Option<String> {
        let bucket = attributes.bucket.as_deref()?;
        let is_name = !bucket.starts_with("arn:");
        Some(if is_name { format!("arn:{}:s3:::{bucket}", self.partition) } else { bucket.into() })
    }
}

/// E-25: what a check says of its resource overrides the shared data, field by field.
fn merged<'r>(
    shared: Option<&'r ResourceData<'r>>,
    own: Option<&'r ResourceData<'r>>,
) -> Option<Cow<'r, ResourceData<'r>>> {
    match (shared, own) {
        (shared, None) => shared.map(Cow::Borrowed),
        (None, Some(own)) => Some(Cow::Borrowed(own)),
        (Some(shared), Some(own)) => Some(Cow::Owned(ResourceData {
            account: own.account.or(shared.account),
            object_owner: own.object_owner.or(shared.object_owner),
            tags: own.tags.clone().or_else(|| shared.tags.clone()),
            policy: own.policy.clone().or_else(|| shared.policy.clone()),
            managed_by_aws: own.managed_by_aws.or(shared.managed_by_aws),
            kms_grants: own.kms_grants.clone().or_else(|| shared.kms_grants.clone()),
            public_access_block: own.public_access_block.or(shared.public_access_block),
        })),
    }
}
