//! From a request to its checks: E-6, E-25, E-67 – E-69, E-82, E-85, E-90.

use std::borrow::Cow;

use assize_model::{
    ArnParts, Check, ContextInput, Request, RequestError, RequestErrorKind, ResourceData,
    ResourceInput, Target,
};

use super::Resolver;
use super::action::ActionRule;
use super::note::Notes;

/// One check on its way to a row.
#[derive(Debug)]
pub(super) struct CheckSpec<'r> {
    pub(super) action: u32,
    /// The resource as given; none for the action's wildcard form.
    pub(super) resource: Option<Cow<'r, str>>,
    pub(super) data: Option<Cow<'r, ResourceData<'r>>>,
    /// Overrides the request's context key by key (E-25).
    pub(super) context: &'r [(Cow<'r, str>, ContextInput<'r>)],
    pub(super) notes: Notes,
    /// Keys the rules of a service add.
    pub(super) added: Vec<(&'static str, Added)>,
    pub(super) access_point: Option<AccessPoint>,
}

/// A value that a service rule adds to the context.
#[derive(Debug, Clone)]
pub(super) enum Added {
    Single(Box<str>),
    List(Vec<Box<str>>),
}

/// What a check through an access point has to heed (E-85).
#[derive(Debug, Clone, Default)]
pub(super) struct AccessPoint {
    /// The VPC it is for; `Some(None)` is any.
    pub(super) vpc: Option<Option<Box<str>>>,
    /// The bucket behind it is not known.
    pub(super) bucket_unknown: bool,
}

impl<'r> CheckSpec<'r> {
    fn new(action: u32, resource: Option<Cow<'r, str>>) -> Self {
        Self {
            action,
            resource,
            data: None,
            context: &[],
            notes: Notes::default(),
            added: Vec::new(),
            access_point: None,
        }
    }
}

impl Resolver<'_> {
    /// The checks of a request, in the order in which E-67 looks at them.
    pub(super) fn checks<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        checks.clear();
        let shared = request.resource_data.as_deref();
        match &request.target {
            Target::Checks(given) => {
                for check in given {
                    let spec = self.given_check(check, shared)?;
                    checks.push(spec);
                }
            }
            Target::Action { action, resource, resources } => {
                let action = self.action(action)?;
                if resources.is_empty() {
                    let mut spec = CheckSpec::new(action, resource.as_deref().map(Cow::Borrowed));
                    spec.data = shared.map(Cow::Borrowed);
                    checks.push(spec);
                } else {
                    self.expand(action, resources, shared, checks)?;
                }
                self.service_checks(request, principal, checks)?;
            }
        }
        if checks.len() > MAX_CHECKS {
            return Err(RequestError::new(
                RequestErrorKind::Limit,
                format!("more than {MAX_CHECKS} checks in one request"),
            ));
        }
        self.access_points(checks);
        Ok(())
    }

    fn given_check<'r>(
        &mut self,
        check: &'r Check<'r>,
        shared: Option<&'r ResourceData<'r>>,
    ) -> Result<CheckSpec<'r>, RequestError> {
        let action = self.action(&check.action)?;
        let mut spec = CheckSpec::new(action, check.resource.as_deref().map(Cow::Borrowed));
        spec.data = merged(shared, check.data.as_deref());
        spec.context = &check.context;
        Ok(spec)
    }

    /// E-68: a check for each resource, and one with `*` for each required type without any.
    fn expand<'r>(
        &mut self,
        action: u32,
        resources: &'r [ResourceInput<'r>],
        shared: Option<&'r ResourceData<'r>>,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let catalog = &self.engine.catalog;
        let id = self.actions[action as usize].id;
        let mut given = Vec::new();
        for input in resources {
            let mut spec = CheckSpec::new(action, Some(Cow::Borrowed(input.arn.as_ref())));
            spec.data = merged(shared, input.data.as_deref());
            spec.context = &input.context;
            given.extend(id.and_then(|id| catalog.fits(id, &input.arn)));
            checks.push(spec);
        }
        let Some(id) = id else { return Ok(()) };
        let required = catalog.action_ref(id);
        let required: Vec<_> = required
            .resource_types()
            .filter(|listed| listed.is_required())
            .map(|listed| listed.resource_type())
            .collect();
        // With one required type, any ARN was meant as that type.
        if required.len() < 2 {
            return Ok(());
        }
        for resource_type in required {
            if given.contains(&resource_type.id()) {
                continue;
            }
            if self.engine.options.require_all_resources {
                return Err(RequestError::new(
                    RequestErrorKind::MissingResource,
                    format!("the action needs a resource of type `{}`", resource_type.name()),
                )
                .at("/resources"));
            }
            let mut spec = CheckSpec::new(action, Some(Cow::Borrowed("*")));
            spec.data = shared.map(Cow::Borrowed);
            spec.notes.missing_resource = Some(resource_type.name().into());
            checks.push(spec);
        }
        Ok(())
    }

    /// The checks that KMS and STS add to those asked for (E-82, E-90, E-92).
    fn service_checks<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let Some(first) = checks.first() else { return Ok(()) };
        let facts = &self.actions[first.action as usize];
        match facts.rule {
            ActionRule::AssumeRole | ActionRule::AssumeRoleFederated => {
                self.session_checks(request, principal, checks)
            }
            ActionRule::KmsAlias | ActionRule::OtherKms | ActionRule::KmsRetireGrant => {
                self.key_checks(checks)
            }
            _ => Ok(()),
        }
    }

    /// E-90.
    fn session_checks<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        checks: &mut Vec<CheckSpec<'r>>,
    ) -> Result<(), RequestError> {
        let tagged = request.request_tags.as_ref().is_some_and(|tags| !tags.is_empty())
            || request.context.iter().any(|(key, _)| {
                key.get(..15).is_some_and(|head| head.eq_ignore_ascii_case("aws:RequestTag/"))
            });
        let identified = self.principals[principal as usize].source_identity.is_some()
            || request.context.iter().any(|(key, _)| key.eq_ignore_ascii_case("sts:SourceIdentity"));
        for (name, needed) in [("sts:TagSession", tagged), ("sts:SetSourceIdentity", identified)] {
            if !needed {
                continue;
            }
            let action = self.action(name)?;
            let extra = CheckSpec {
                data: checks[0].data.clone(),
                context: checks[0].context,
                ..CheckSpec::new(action, checks[0].resource.clone())
            };
            checks.push(extra);
        }
        Ok(())
    }

    /// E-82.
    fn key_checks(&mut self, checks: &mut Vec<CheckSpec<'_>>) -> Result<(), RequestError> {
        let n_given = checks.len();
        for at in 0..n_given {
            let facts = &self.actions[checks[at].action as usize];
            let (rule, name) = (facts.rule, facts.name.clone());
            let alias = checks[at].resource.as_deref().and_then(alias_name).map(str::to_owned);
            let key = alias.as_ref().and(checks[at].resource.as_deref()).and_then(|arn| {
                self.engine.sets.key_of_alias(arn)
            });
            match (rule, alias, key) {
                (ActionRule::KmsAlias, Some(_), Some(key)) if n_given == 1 => {
                    let action = checks[at].action;
                    checks.push(CheckSpec::new(action, Some(Cow::Owned(key.to_string()))));
                }
                (ActionRule::KmsAlias, ..) => {}
                (_, Some(alias), Some(key)) => {
                    checks[at].resource = Some(Cow::Owned(key.to_string()));
                    checks[at].added.push(("kms:RequestAlias", Added::Single(alias.into())));
                }
                _ => {}
            }
            if &*name == "reencrypt" {
                self.reencrypt(checks, at, n_given)?;
            }
        }
        for check in checks.iter_mut() {
            self.add_aliases(check);
        }
        Ok(())
    }

    /// `kms:ReEncrypt` is `ReEncryptFrom` on the source and `ReEncryptTo` on the destination.
    fn reencrypt(
        &mut self,
        checks: &mut Vec<CheckSpec<'_>>,
        at: usize,
        n_given: usize,
    ) -> Result<(), RequestError> {
        let from = self.action("kms:ReEncryptFrom")?;
        let to = self.action("kms:ReEncryptTo")?;
        checks[at].action = if at == 0 { from } else { to };
        if n_given == 1 {
            let resource = checks[at].resource.clone();
            let data = checks[at].data.clone();
            checks.push(CheckSpec { data, ..CheckSpec::new(to, resource) });
        }
        Ok(())
    }

    /// The key's aliases supply `kms:ResourceAliases`.
    fn add_aliases(&self, check: &mut CheckSpec<'_>) {
        let record = check.resource.as_deref().and_then(|arn| self.engine.snapshot.resource(arn));
        if let Some(record) = record
            && !record.attributes.aliases.is_empty()
        {
            let aliases = record.attributes.aliases.clone();
            check.added.push(("kms:ResourceAliases", Added::List(aliases)));
        }
    }

    /// E-85: a check through an access point is two.
    fn access_points(&self, checks: &mut Vec<CheckSpec<'_>>) {
        let mut at = 0;
        while at < checks.len() {
            if let Some(behind) = self.through_access_point(&mut checks[at]) {
                checks.insert(at + 1, behind);
                at += 1;
            }
            at += 1;
        }
    }

    fn through_access_point<'r>(&self, check: &mut CheckSpec<'r>) -> Option<CheckSpec<'r>> {
        let facts = &self.actions[check.action as usize];
        if !facts.rule.is_s3() {
            return None;
        }
        let text = check.resource.as_deref()?;
        let arn = ArnParts::split(text).filter(|arn| arn.service == "s3")?;
        let rest = arn.resource.strip_prefix("accesspoint/")?;
        let (name, key) = match rest.split_once("/object/") {
            Some((name, key)) => (name, Some(key)),
            None => (rest, None),
        };
        let for_bucket = facts.id.is_some_and(|id| {
            let wanted = if key.is_some() { "object" } else { "bucket" };
            let types = self.engine.catalog.action_ref(id);
            types.resource_types().any(|listed| listed.resource_type().name() == wanted)
        });
        if !for_bucket {
            return None;
        }
        let point = format!(
            "arn:{}:s3:{}:{}:accesspoint/{name}",
            arn.partition, arn.region, arn.account
        );
        let record = self.engine.snapshot.resource(&point);
        let bucket = record.and_then(|r| r.attributes.bucket.as_deref());
        let bucket_name = bucket.map(|b| b.rsplit(':').next().unwrap_or(b).to_owned());
        let vpc = record.and_then(|r| r.attributes.network_origin_vpc.clone());
        let origin = if vpc.is_some() { "VPC" } else { "Internet" };
        let added = vec![
            ("s3:DataAccessPointArn", Added::Single(point.clone().into())),
            ("s3:DataAccessPointAccount", Added::Single(arn.account.into())),
            ("s3:AccessPointNetworkOrigin", Added::Single(origin.into())),
        ];
        let partition = arn.partition.to_owned();
        let behind_text = match (&bucket_name, key) {
            (Some(bucket), Some(key)) => format!("arn:{partition}:s3:::{bucket}/{key}"),
            (Some(bucket), None) => format!("arn:{partition}:s3:::{bucket}"),
            // Unknown: refused below, but the row needs a text.
            (None, Some(key)) => format!("arn:{partition}:s3:::{name}/{key}"),
            (None, None) => format!("arn:{partition}:s3:::{name}"),
        };
        let bucket_arn = bucket_name.map(|bucket| format!("arn:{partition}:s3:::{bucket}"));
        let known = bucket_arn.is_some_and(|arn| self.engine.snapshot.resource(&arn).is_some());
        check.added.extend(added.clone());
        check.access_point = Some(AccessPoint { vpc: vpc.clone(), bucket_unknown: false });
        Some(CheckSpec {
            context: check.context,
            added,
            access_point: Some(AccessPoint { vpc, bucket_unknown: !known }),
            ..CheckSpec::new(check.action, Some(Cow::Owned(behind_text)))
        })
    }
}

/// Checks of one request, at most (F-6).
pub(crate) const MAX_CHECKS: usize = 100;

/// `alias/name` of the ARN of a KMS alias.
fn alias_name(arn: &str) -> Option<&str> {
    let parts = ArnParts::split(arn).filter(|parts| parts.service == "kms")?;
    parts.resource.starts_with("alias/").then_some(parts.resource)
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
