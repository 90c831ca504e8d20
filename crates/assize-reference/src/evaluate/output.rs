//! What is said of a request as a whole (evaluation, section 6).

use super::{Caller, Remarks, World};
use crate::layer::combine;
use assize_model::{
    Bound, Bounds, CheckDecision, ConditionKey, Decision, Decisive, EffectiveDecision, Layer,
    PrincipalKind, RequestError, RequestErrorKind,
};

/// E-67: the decision that follows from those of all checks: the first that some check has.
const BY_WEIGHT: [Decision; 3] =
    [Decision::ExplicitDeny, Decision::ImplicitDeny, Decision::Allowed];

/// E-67, E-127: one bound of a request, and the check it comes from: the first that has it.
fn bound(bounds: &[Bounds], side: fn(&Bounds) -> Bound) -> Option<(usize, Bound)> {
    let bounds: Vec<Bound> = bounds.iter().map(side).collect();
    let heaviest = BY_WEIGHT
        .into_iter()
        .find(|decision| bounds.iter().any(|bound| bound.decision == *decision))?;
    let at = bounds.iter().position(|bound| bound.decision == heaviest)?;
    Some((at, bounds[at]))
}

/// E-67, E-127 – E-129: the decision of a request from those of its checks, and the check that
/// decides it.
pub(crate) fn fold(
    world: &World<'_>,
    checks: Vec<CheckDecision>,
    bounds: &[Bounds],
    callers: &[&Caller<'_>],
    remarks: Remarks,
) -> Result<EffectiveDecision, RequestError> {
    let worst = bound(bounds, |bounds| bounds.worst);
    let (Some(worst), Some(best)) = (worst, bound(bounds, |bounds| bounds.best)) else {
        let message = "the request has no checks";
        return Err(RequestError::new(RequestErrorKind::Internal, message));
    };
    let differ = worst.1.decision != best.1.decision;
    let decision = combine(worst.1.decision, best.1.decision);
    let at = match decision {
        Decision::Allowed => worst.0,
        Decision::Indeterminate => {
            checks.iter().position(|check| check.bounds.is_some()).unwrap_or_default()
        }
        Decision::ExplicitDeny | Decision::ImplicitDeny => best.0,
    };
    let bounds = differ.then_some(Bounds { worst: worst.1, best: best.1 });
    let open = checks.iter().filter(|_| differ).flat_map(|check| &check.depends_on);
    let depends_on = unique_keys(open.map(|name| ConditionKey::new(name)));
    let caller = callers[at];
    let check = &checks[at];
    let decisive = Decisive {
        check: u32::try_from(at).unwrap_or(u32::MAX),
        layer: check.layer,
        reason: check.reason,
        allowed_by: check.allowed_by,
        statements: check.statements.clone(),
    };
    let message = message(world, caller, check, &depends_on);
    let missing = checks.iter().flat_map(|check| &check.missing_context_keys);
    let missing = unique_keys(missing.map(|name| ConditionKey::new(name)));
    let owned = |texts: std::collections::BTreeSet<String>| {
        texts.into_iter().map(String::into_boxed_str).collect()
    };
    Ok(EffectiveDecision {
        decision,
        decisive,
        bounds,
        depends_on,
        missing_context_keys: missing,
        checks,
        assumptions: owned(remarks.assumptions),
        notes: owned(remarks.notes),
        message: message.into(),
    })
}

/// E-129: each key once, by folded name, in the spelling first seen.
pub(crate) fn unique_keys(keys: impl Iterator<Item = ConditionKey>) -> Vec<Box<str>> {
    let mut unique: Vec<ConditionKey> = Vec::new();
    for key in keys {
        if !unique.contains(&key) {
            unique.push(key);
        }
    }
    sorted_keys(unique)
}

/// E-104: keys by folded name, in the spelling first seen.
pub(crate) fn sorted_keys(mut keys: Vec<ConditionKey>) -> Vec<Box<str>> {
    keys.sort();
    keys.into_iter().map(|key| key.spelling().into()).collect()
}

/// E-106, E-107: the sentence that AWS services print; nothing when allowed.
fn message(
    world: &World<'_>,
    caller: &Caller<'_>,
    check: &CheckDecision,
    depends_on: &[Box<str>],
) -> String {
    if check.decision == Decision::Allowed {
        return String::new();
    }
    if caller.kind == PrincipalKind::Anonymous || is_cross_organization(world, check) {
        return "Access Denied".into();
    }
    let CheckDecision { action, resource, .. } = check;
    let mut text = format!("User: {} is not authorized to perform: {action}", caller.name);
    if **resource != *"*" {
        text.push_str(" on resource: ");
        text.push_str(resource);
    }
    if check.decision == Decision::Indeterminate {
        return format!("{text}: it depends on {}", depends_on.join(", "));
    }
    text.push_str(&because(check));
    let named = check.decision == Decision::ExplicitDeny && world.options.message_policy_arn;
    if let Some(arn) = denying_arn(world, check).filter(|_| named) {
        text.push_str(": ");
        text.push_str(&arn);
    }
    text
}

/// Whether the caller's account and the resource's are strangers (E-107).
fn is_cross_organization(world: &World<'_>, check: &CheckDecision) -> bool {
    let (Some(caller), Some(owner)) = (check.principal_account, check.resource_account) else {
        return false;
    };
    let id = |account| world.snapshot.organization_of(account).map(|found| &found.id);
    caller != owner && (id(caller).is_none() || id(caller) != id(owner))
}

/// The table of E-106.
fn because(check: &CheckDecision) -> String {
    let is_trust = check.gated && check.action.starts_with("sts:");
    let (no_policy, a_policy) = match check.layer {
        Layer::Identity => ("identity-based policy", "an identity-based policy"),
        Layer::Resource if is_trust => ("role trust policy", "the role trust policy"),
        Layer::Resource => ("resource-based policy", "a resource-based policy"),
        Layer::Boundary => ("permissions boundary", "a permissions boundary"),
        Layer::Session => ("session policy", "a session policy"),
        Layer::ServiceControl => ("service control policy", "a service control policy"),
        Layer::ResourceControl => ("resource control policy", "a resource control policy"),
        Layer::VpcEndpoint => ("VPC endpoint policy", "a VPC endpoint policy"),
        Layer::Root | Layer::Service | Layer::Builtin => {
            return format!(" because {}", check.reason);
        }
    };
    match check.decision {
        Decision::ExplicitDeny => format!(" with an explicit deny in {a_policy}"),
        _ => format!(" because no {no_policy} allows the {} action", check.action),
    }
}

/// E-107: the ARN of the first denying policy, where its layer and the reader let it be named.
fn denying_arn(world: &World<'_>, check: &CheckDecision) -> Option<String> {
    let reference: &str = &check.statements.first()?.policy;
    let (account, id) = match check.layer {
        Layer::Identity => (None, reference),
        Layer::Boundary => (None, reference.strip_prefix("boundary:")?),
        Layer::Session => (None, reference.strip_prefix("session:")?),
        Layer::ServiceControl => (check.principal_account, reference.strip_prefix("scp:")?),
        // A reader without an account is in no organization.
        Layer::ResourceControl => {
            check.principal_account?;
            (check.resource_account, reference.strip_prefix("rcp:")?)
        }
        _ => return None,
    };
    match account {
        Some(account) => {
            let organization = world.snapshot.organization_of(account)?;
            organization.policies.get(id)?.arn.as_ref().map(ToString::to_string)
        }
        None => id.starts_with("arn:").then(|| id.into()),
    }
}
