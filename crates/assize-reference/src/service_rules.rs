//! Built-in rules and rules of single services (evaluation, section 5), and the checks of step 2
//! that look at no document.

pub(crate) mod iam;
pub(crate) mod kms;
pub(crate) mod organizations;
pub(crate) mod s3;
pub(crate) mod sts;

use assize_model::{ArnParts, ConditionKey, Layer, ReasonCode};

use crate::evaluate::check::Check;
use crate::evaluate::{Case, Side};

/// E-70, E-71: allowed whatever the policies say, the endpoint's apart.
pub(crate) fn builtin_allow(case: &Case<'_>) -> bool {
    sts::is_caller_identity(case) || sts::is_session_token(case)
}

/// E-71 – E-74: the first built-in refusal. An explicit deny goes before (E-75).
pub(crate) fn builtin_refusal(case: &Case<'_>) -> Option<ReasonCode> {
    sts::temporary_credentials(case)
        .or_else(|| sts::session_kind(case))
        .or_else(|| sts::principal_kind(case))
        .or_else(|| iam::unmodifiable(case))
        .or_else(|| kms::unmodifiable(case))
}

/// E-57: whether the resource's own policy must speak.
pub(crate) fn gated(check: &Check<'_>) -> bool {
    kms::is_gated(check) || sts::assumes_role(check)
}

/// E-55: whether identity and resource must both allow, within one account too.
pub(crate) fn needs_both_sides(check: &Check<'_>) -> bool {
    check.action.service == "vpc-lattice-svcs"
}

/// Step 2 of 3.1 behind the guardrails: the first refusal.
pub(crate) fn refusal(case: &Case<'_>) -> Option<ReasonCode> {
    partition_mismatch(case)
        .or_else(|| unknown_resource_account(case))
        .or_else(|| resource_type_mismatch(case))
        .or_else(|| s3::network_origin(case))
        .or_else(|| s3::block_public_access(case))
        .or_else(|| sts::assume_root(case))
        .or_else(|| iam::cross_account_pass_role(case))
}

/// E-126: the refusals that are U, each with its layer and the unknown key it looks at: those
/// that refuse if every unknown is against the request, and not otherwise.
pub(crate) fn open_refusals(case: &Case<'_>) -> Vec<(Layer, ConditionKey)> {
    type Rule = fn(&Case<'_>) -> Option<ReasonCode>;
    let rules: [(Rule, Layer, &str); 3] = [
        (sts::session_kind, Layer::Builtin, sts::MFA_PRESENT),
        (s3::network_origin, Layer::Service, s3::SOURCE_VPC),
        (sts::assume_root, Layer::Service, sts::TASK_POLICY_ARN),
    ];
    let worst = case.on(Side::Worst);
    let best = case.on(Side::Best);
    let is_open = |rule: Rule| rule(&worst).is_some() && rule(&best).is_none();
    let open = rules.into_iter().filter(|(rule, _, _)| is_open(*rule));
    open.map(|(_, layer, key)| (layer, ConditionKey::new(key))).collect()
}

/// 3.1: nothing crosses partitions (L-802).
fn partition_mismatch(case: &Case<'_>) -> Option<ReasonCode> {
    let own = case.caller.partition.as_deref()?;
    let other = ArnParts::split(&case.check.resource)?.partition;
    (own != other).then_some(ReasonCode::PartitionMismatch)
}

/// E-9.
fn unknown_resource_account(case: &Case<'_>) -> Option<ReasonCode> {
    case.check.account.is_none().then_some(ReasonCode::UnknownResourceAccount)
}

/// E-7. The catalog lists no type for the root user.
fn resource_type_mismatch(case: &Case<'_>) -> Option<ReasonCode> {
    let check = case.check;
    let exempt = !case.world.options.check_resource_types
        || check.is_wildcard_form
        || check.resource == "*"
        || iam::has_own_credentials(case);
    let misfit = |id| case.world.catalog.fits(id, &check.resource).is_none();
    (!exempt && check.action.id.is_some_and(misfit)).then_some(ReasonCode::ResourceTypeMismatch)
}
