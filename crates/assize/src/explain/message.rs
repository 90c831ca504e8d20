//! The sentence that AWS services print (E-106, E-107).

use assize_model::{CheckDecision, Decision, Layer, PrincipalKind};

use super::are_strangers;
use crate::resolve::Resolver;

/// What someone without a relation to the resource's account is told (E-107).
const BARE: &str = "Access Denied";

/// The message of the decisive check; empty when it is allowed.
pub(super) fn of(
    resolver: &Resolver<'_>,
    row: usize,
    check: &CheckDecision,
    depends_on: &[Box<str>],
) -> Box<str> {
    if check.decision == Decision::Allowed {
        return "".into();
    }
    let principal = resolver.principal_entry_of(row);
    if principal.kind == PrincipalKind::Anonymous || are_strangers(resolver, row) {
        return BARE.into();
    }
    let who = match principal.kind {
        PrincipalKind::Service => principal.service_names.first().map(AsRef::as_ref),
        PrincipalKind::Federated => principal.provider.as_deref(),
        _ => principal.arn.as_deref(),
    };
    let mut text = format!(
        "User: {} is not authorized to perform: {}",
        who.unwrap_or("anonymous"),
        check.action
    );
    if &*check.resource != "*" {
        text.push_str(" on resource: ");
        text.push_str(&check.resource);
    }
    if check.decision == Decision::Indeterminate {
        return format!("{text}: it depends on {}", depends_on.join(", ")).into();
    }
    let action = &resolver.actions[resolver.rows.resolved_action[row] as usize];
    let resource = &resolver.resources[resolver.rows.resolved_resource[row] as usize];
    let trust = check.layer == Layer::Resource && resource.is_assumed_by(action.rule);
    text.push_str(&because(check, trust));
    if check.decision == Decision::ExplicitDeny && resolver.engine.options.message_policy_arn {
        text.push_str(&policy_arn(resolver, row, check));
    }
    text.into()
}

/// What kind of policy it was, with its article.
fn kind(layer: Layer, trust: bool) -> Option<(&'static str, &'static str)> {
    Some(match layer {
        Layer::Identity => ("an", "identity-based policy"),
        Layer::Resource if trust => ("the", "role trust policy"),
        Layer::Resource => ("a", "resource-based policy"),
        Layer::Boundary => ("a", "permissions boundary"),
        Layer::Session => ("a", "session policy"),
        Layer::ServiceControl => ("a", "service control policy"),
        Layer::ResourceControl => ("a", "resource control policy"),
        Layer::VpcEndpoint => ("a", "VPC endpoint policy"),
        Layer::Root | Layer::Service | Layer::Builtin => return None,
    })
}

fn because(check: &CheckDecision, trust: bool) -> String {
    match (kind(check.layer, trust), check.decision) {
        (None, _) => format!(" because {}", check.reason),
        (Some((article, kind)), Decision::ExplicitDeny) => {
            format!(" with an explicit deny in {article} {kind}")
        }
        (Some((_, kind)), _) => format!(" because no {kind} allows the {} action", check.action),
    }
}

/// `: ARN` of the denying policy, where it has one (E-107).
fn policy_arn(resolver: &Resolver<'_>, row: usize, check: &CheckDecision) -> String {
    let Some(first) = check.statements.first() else { return String::new() };
    let arn = match check.layer {
        Layer::ServiceControl | Layer::ResourceControl => {
            let account = match check.layer {
                Layer::ServiceControl => check.principal_account,
                _ => resolver.rows.account[row],
            };
            let organization = account.and_then(|id| resolver.engine.snapshot.organization_of(id));
            let id = first.policy.split_once(':').map_or(&*first.policy, |(_, id)| id);
            organization
                .and_then(|organization| organization.policies.get(id)?.arn.as_deref())
                .map(str::to_owned)
        }
        Layer::Boundary | Layer::Identity | Layer::Session => {
            let reference = &*first.policy;
            let bare = reference
                .strip_prefix("boundary:")
                .or_else(|| reference.strip_prefix("session:"))
                .unwrap_or(reference);
            bare.starts_with("arn:").then(|| bare.to_owned())
        }
        _ => None,
    };
    arn.map(|arn| format!(": {arn}")).unwrap_or_default()
}
