//! From who, what and where to the frame of a check: which policy sets stand in which layers,
//! and which fixed rules apply (sections 2, 3 and 5).

use assize_catalog::ResourceTypeId;
use assize_compiler::{EndpointLayer, Frame, SetRef};
use assize_model::{AccountId, PrincipalKind, ReasonCode};

use super::Resolver;
use super::action::{ActionRule, ResolvedAction};
use super::organizations::Right;
use super::principal::ResolvedPrincipal;
use super::resource::{ResolvedResource, Shape};

/// The parties of a check, by their positions in the dictionaries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parties {
    pub(super) principal: u32,
    pub(super) action: u32,
    /// Which of the action's resource types the resource is (E-7).
    pub(super) fit: Option<ResourceTypeId>,
    /// The resource's owner, as far as known (E-8, E-9).
    pub(super) account: Option<AccountId>,
    /// The owner of the bucket, whoever owns the object (E-84, E-86).
    pub(super) bucket_account: Option<AccountId>,
    pub(super) endpoint: EndpointLayer,
    /// The object has another owner than its bucket (E-84).
    pub(super) is_foreign_object: bool,
    /// The bucket behind an access point is not known (E-85).
    pub(super) is_unknown_bucket: bool,
    /// An access point takes requests from another network only (E-85).
    pub(super) is_wrong_network: bool,
    /// The AssumeRoot call names a task policy (E-94).
    pub(super) names_task_policy: bool,
    /// The credentials are temporary, and carry MFA (E-71, E-72).
    pub(super) temporary: bool,
    pub(super) mfa_present: bool,
}

impl Resolver<'_> {
    /// The frame of a check.
    pub(super) fn frame(&self, parties: &Parties, resource: &ResolvedResource) -> Frame {
        let principal = &self.principals[parties.principal as usize];
        let action = &self.actions[parties.action as usize];
        let same_account = match self.organization_right(parties, resource) {
            Right::Usual => principal.account.is_some() && principal.account == parties.account,
            Right::Own => true,
            Right::Delegated => false,
        };
        let gated = is_gated(action, resource);
        let mut frame = Frame {
            same_account,
            gated,
            builtin_allow: builtin_allow(principal, action, parties.temporary),
            builtin_refusal: builtin_refusal(parties, principal, action, resource),
            refusal: self.refusal(parties, principal, action, resource),
            rcp: self.rcp(parties, principal, action, resource),
            scp: principal.scp,
            endpoint: if action.endpoint_covered {
                parties.endpoint
            } else {
                EndpointLayer::NotApplicable
            },
            resource: self.resource_layer(parties, action, resource, gated),
            ignore_resource_denies: cancels_denies(principal, action, resource, same_account),
            ignore_resource_allows: parties.is_foreign_object
                || action.identity_only
                || (action.own_account_only && !same_account && is_somebody(principal.kind)),
            grants: if gated && action.rule.is_kms() { resource.attached().grants } else { None },
            identity: principal.identity,
            boundary: principal.boundary,
            session: principal.session,
            ..Frame::new(principal.kind)
        };
        if action.rule == ActionRule::AssumeRoot {
            // Decided as a check within the caller's account (E-94).
            frame.same_account = true;
        }
        if action.needs_both_sides {
            frame.same_account = false;
        }
        frame
    }

    /// E-30, E-36.
    fn rcp(
        &self,
        parties: &Parties,
        principal: &ResolvedPrincipal,
        action: &ResolvedAction,
        resource: &ResolvedResource,
    ) -> Option<SetRef> {
        let aws_managed_key = resource.managed_by_aws && resource.shape == Shape::KmsKey;
        // A service that assumes its service-linked role (E-93).
        let own_role = principal.kind == PrincipalKind::Service
            && resource.is_assumed_by(action.rule)
            && resource.text.contains(":role/aws-service-role/");
        if !action.rcp_covered || principal.service_linked || aws_managed_key || own_role {
            return None;
        }
        self.engine.sets.rcp(parties.account?)
    }

    /// E-33, E-80, E-88, E-94, E-95.
    fn resource_layer(
        &self,
        parties: &Parties,
        action: &ResolvedAction,
        resource: &ResolvedResource,
        gated: bool,
    ) -> Option<SetRef> {
        if action.rule.takes_no_policy() || parties.is_unknown_bucket {
            return None;
        }
        if resource.is_assumed_by(action.rule) {
            return resource.attached().trust;
        }
        if action.rule == ActionRule::ReplacesPolicy {
            return self.policies_above(resource).map(|sets| sets.set);
        }
        // A key without a policy has an empty one (E-80).
        let policies = resource.attached().policies;
        if gated { policies.or(self.engine.sets.empty) } else { policies }
    }

    /// The first refusal of step 2 behind the guardrails.
    fn refusal(
        &self,
        parties: &Parties,
        principal: &ResolvedPrincipal,
        action: &ResolvedAction,
        resource: &ResolvedResource,
    ) -> Option<ReasonCode> {
        let is_arn = resource.shape != Shape::Star;
        if is_arn && principal.partition.as_ref().is_some_and(|own| **own != *resource.partition())
        {
            return Some(ReasonCode::PartitionMismatch);
        }
        if parties.account.is_none() {
            return Some(ReasonCode::UnknownResourceAccount);
        }
        let is_root = has_own_credentials(parties, principal, action, resource);
        if is_arn && !is_root && self.mismatches(parties, action) {
            return Some(ReasonCode::ResourceTypeMismatch);
        }
        if parties.is_wrong_network {
            return Some(ReasonCode::NetworkOrigin);
        }
        if resource.blocks_public
            && action.rule.is_s3()
            && is_outsider(principal, [parties.bucket_account, resource.attached().bucket_owner])
        {
            return Some(ReasonCode::BlockPublicAccess);
        }
        match action.rule {
            ActionRule::AssumeRoot if !self.may_assume_root(parties, principal, resource) => {
                Some(ReasonCode::AssumeRoot)
            }
            ActionRule::PassRole if principal.account != parties.account => {
                Some(ReasonCode::CrossAccountPassRole)
            }
            _ => None,
        }
    }

    /// E-7.
    fn mismatches(&self, parties: &Parties, action: &ResolvedAction) -> bool {
        self.engine.options.check_resource_types
            && action.id.is_some()
            && !action.wildcard_only
            && parties.fit.is_none()
    }

    /// E-94.
    fn may_assume_root(
        &self,
        parties: &Parties,
        principal: &ResolvedPrincipal,
        resource: &ResolvedResource,
    ) -> bool {
        let snapshot = &self.engine.snapshot;
        let caller = matches!(principal.kind, PrincipalKind::User | PrincipalKind::RoleSession);
        let organization = principal.account.and_then(|account| snapshot.organization_of(account));
        let (true, Some(organization), Some(account)) = (caller, organization, principal.account)
        else {
            return false;
        };
        let administers = account == organization.management_account
            || organization
                .delegated_administrators
                .get("iam.amazonaws.com")
                .is_some_and(|accounts| accounts.contains(&account));
        let member = resource.text.split(':').nth(4).and_then(|text| text.parse().ok());
        let is_member = member.is_some_and(|member: AccountId| {
            member != organization.management_account
                && organization.nodes.contains_key(member.as_str())
        });
        administers && is_member && resource.shape == Shape::IamRoot && parties.names_task_policy
    }
}

/// E-71 – E-74, E-92.
fn builtin_refusal(
    parties: &Parties,
    principal: &ResolvedPrincipal,
    action: &ResolvedAction,
    resource: &ResolvedResource,
) -> Option<ReasonCode> {
    use PrincipalKind as K;
    let rule = action.rule;
    if matches!(rule, ActionRule::GetSessionToken | ActionRule::GetFederationToken)
        && parties.temporary
    {
        return Some(ReasonCode::TemporaryCredentials);
    }
    if refused_session(principal, rule, parties) {
        return Some(ReasonCode::SessionKind);
    }
    let assumes = match rule {
        ActionRule::AssumeRole => {
            matches!(principal.kind, K::User | K::RoleSession | K::Service)
        }
        ActionRule::AssumeRoleFederated => principal.kind == K::Federated,
        _ => true,
    };
    if !assumes {
        return Some(ReasonCode::PrincipalKind);
    }
    is_unmodifiable(action, resource).then_some(ReasonCode::Unmodifiable)
}

/// E-74.
fn is_unmodifiable(action: &ResolvedAction, resource: &ResolvedResource) -> bool {
    let in_path = |path: &str| {
        let parts = resource.text.split(':').nth(5).unwrap_or_default();
        parts.strip_prefix("role").is_some_and(|rest| rest.starts_with(path))
    };
    match action.rule {
        ActionRule::ChangesManagedPolicy => resource.shape == Shape::AwsManagedPolicy,
        ActionRule::KmsAlias => {
            resource.shape == Shape::KmsAlias && resource.text.contains(":alias/aws/")
        }
        rule if rule.is_iam() && resource.shape == Shape::IamRole => {
            let reads = action.reads;
            (rule == ActionRule::ChangesServiceLinkedRole && in_path("/aws-service-role/"))
                || (!reads && in_path("/aws-reserved/"))
        }
        _ => false,
    }
}

/// Whether block public access keeps a caller off what these accounts own (E-86).
fn is_outsider(principal: &ResolvedPrincipal, owners: [Option<AccountId>; 2]) -> bool {
    let is_owner = principal.account.is_some() && owners.contains(&principal.account);
    principal.kind != PrincipalKind::Service && !is_owner
}

/// E-7: the root user, or a session of it, stands for a user where the credentials are its own.
fn has_own_credentials(
    parties: &Parties,
    principal: &ResolvedPrincipal,
    action: &ResolvedAction,
    resource: &ResolvedResource,
) -> bool {
    let is_root = matches!(principal.kind, PrincipalKind::Root | PrincipalKind::AssumedRoot);
    let is_about_root =
        action.rule == ActionRule::UserCredentials && resource.shape == Shape::IamRoot;
    is_root && is_about_root && principal.account == parties.account
}

/// Whether a principal is an identity of an account, or nobody: not a service, and not on the way
/// to a session.
fn is_somebody(kind: PrincipalKind) -> bool {
    !matches!(kind, PrincipalKind::Service | PrincipalKind::Federated | PrincipalKind::Oai)
}

/// E-57.
fn is_gated(action: &ResolvedAction, resource: &ResolvedResource) -> bool {
    (action.rule.is_kms() && resource.shape == Shape::KmsKey) || resource.is_assumed_by(action.rule)
}

/// E-70, E-71.
fn builtin_allow(principal: &ResolvedPrincipal, action: &ResolvedAction, temporary: bool) -> bool {
    use PrincipalKind as K;
    match action.rule {
        ActionRule::GetCallerIdentity => {
            !matches!(principal.kind, K::Anonymous | K::Federated | K::Oai)
        }
        ActionRule::GetSessionToken => matches!(principal.kind, K::User | K::Root) && !temporary,
        _ => false,
    }
}

/// E-72: what sessions of GetSessionToken and GetFederationToken may not call.
fn refused_session(principal: &ResolvedPrincipal, rule: ActionRule, parties: &Parties) -> bool {
    use PrincipalKind as K;
    match principal.kind {
        K::User | K::Root if parties.temporary && !principal.console => {
            let allowed_sts = matches!(
                rule,
                ActionRule::AssumeRole | ActionRule::GetCallerIdentity | ActionRule::SessionExtra
            );
            (rule.is_iam() && !parties.mfa_present) || (rule.is_sts() && !allowed_sts)
        }
        K::FederatedUser | K::FederatedRoot => {
            (rule.is_iam() && !principal.console)
                || (rule.is_sts() && rule != ActionRule::GetCallerIdentity)
        }
        _ => false,
    }
}

/// E-83: root frees a bucket, or a queue, from its own policy's denies.
fn cancels_denies(
    principal: &ResolvedPrincipal,
    action: &ResolvedAction,
    resource: &ResolvedResource,
    same_account: bool,
) -> bool {
    let root = matches!(principal.kind, PrincipalKind::Root | PrincipalKind::AssumedRoot);
    // The policy of an access point is no bucket policy.
    let is_bucket = matches!(resource.shape, Shape::S3Bucket | Shape::S3Object);
    let bucket = is_bucket && action.rule == ActionRule::BucketPolicy;
    let queue = action.rule == ActionRule::QueueAttributes
        && principal.kind == PrincipalKind::AssumedRoot
        && principal.queue_task;
    same_account && ((root && bucket) || queue)
}

/// Whether an ARN is one of the task policies of AssumeRoot.
pub(super) fn is_task_policy(arn: &str) -> bool {
    assize_catalog::managed::ROOT_TASK_POLICY_ARNS.contains(&arn)
}
