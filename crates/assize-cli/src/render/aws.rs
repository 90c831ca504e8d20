//! The response of AWS's policy simulator (E-108, E-109).

use anyhow::Result;
use assize_model::{CheckDecision, Decision, EffectiveDecision, Layer, StatementRef, Verdict};
use serde::Serialize;

use crate::args::AwsShape;
use crate::command::Answered;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    evaluation_results: Vec<Evaluation>,
    is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluation {
    eval_action_name: String,
    eval_resource_name: String,
    eval_decision: &'static str,
    matched_statements: Vec<Matched>,
    missing_context_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations_decision_detail: Option<OrganizationsDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
    eval_decision_details: serde_json::Map<String, serde_json::Value>,
    resource_specific_results: Vec<Specific>,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct Specific {
    eval_resource_name: String,
    eval_resource_decision: &'static str,
    matched_statements: Vec<Matched>,
    missing_context_values: Vec<String>,
    eval_decision_details: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
struct OrganizationsDetail {
    allowed_by_organizations: bool,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
struct BoundaryDetail {
    allowed_by_permissions_boundary: bool,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct Matched {
    source_policy_id: String,
    source_policy_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_position: Option<Position>,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
struct Position {
    line: u32,
    column: u32,
}

/// The response for some answers; malformed requests are not part of it.
pub(crate) fn response(answers: &[Answered<'_>], shape: AwsShape) -> Result<String> {
    let pairs: Vec<(&Answered<'_>, &EffectiveDecision)> = answers
        .iter()
        .filter_map(|answer| answer.result.as_ref().ok().map(|found| (answer, found)))
        .collect();
    let evaluation_results = match shape {
        AwsShape::Legacy => pairs.iter().copied().map(evaluation).collect(),
        AwsShape::Present => grouped(&pairs),
    };
    let mut text =
        serde_json::to_string_pretty(&Response { evaluation_results, is_truncated: false })?;
    text.push('\n');
    Ok(text)
}

/// One result for each principal and action, with the most restrictive decision and the results
/// of the resources inside (E-109).
fn grouped(pairs: &[(&Answered<'_>, &EffectiveDecision)]) -> Vec<Evaluation> {
    let mut results: Vec<(&str, &str, Evaluation)> = Vec::new();
    for &(answer, found) in pairs {
        let (principal, action) = (&*answer.asked.principal, &*answer.asked.action);
        let one = evaluation((answer, found));
        let known = results.iter_mut().find(|(p, a, _)| *p == principal && *a == action);
        match known {
            None => {
                let mut whole = one;
                whole.resource_specific_results = vec![specific(&whole)];
                results.push((principal, action, whole));
            }
            Some((_, _, whole)) => {
                let mut specifics = std::mem::take(&mut whole.resource_specific_results);
                specifics.push(specific(&one));
                if rank(one.eval_decision) > rank(whole.eval_decision) {
                    *whole = one;
                }
                whole.resource_specific_results = specifics;
            }
        }
    }
    results.into_iter().map(|(_, _, result)| result).collect()
}

/// How restrictive a decision is.
fn rank(decision: &str) -> u8 {
    match decision {
        "explicitDeny" => 2,
        "implicitDeny" => 1,
        _ => 0,
    }
}

fn specific(whole: &Evaluation) -> Specific {
    Specific {
        eval_resource_name: whole.eval_resource_name.clone(),
        eval_resource_decision: whole.eval_decision,
        matched_statements: whole.matched_statements.clone(),
        missing_context_values: whole.missing_context_values.clone(),
        eval_decision_details: whole.eval_decision_details.clone(),
        permissions_boundary_decision_detail: whole.permissions_boundary_decision_detail,
    }
}

/// What decides may be a check that follows from the action asked for: sessions are tagged by an
/// action of their own.
fn evaluation((answer, found): (&Answered<'_>, &EffectiveDecision)) -> Evaluation {
    let check = found.checks.get(found.decisive.check as usize);
    let asked = &answer.asked.action;
    let own = check.map(|check| &*check.action).filter(|own| own.eq_ignore_ascii_case(asked));
    let name = own.unwrap_or(asked);
    let verdict = |layer: Layer| {
        let results = check.map_or(&[][..], |check| &check.layers);
        results.iter().find(|result| result.layer == layer).map(|result| result.verdict)
    };
    let applicable = |layer| verdict(layer).filter(|verdict| *verdict != Verdict::NotApplicable);
    let mut missing: Vec<String> = found
        .missing_context_keys
        .iter()
        .chain(&found.depends_on)
        .map(std::string::ToString::to_string)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let statements = &found.decisive.statements;
    Evaluation {
        eval_action_name: name.to_owned(),
        eval_resource_name: check.map_or_else(|| "*".into(), |check| check.resource.to_string()),
        eval_decision: aws_decision(found.decision),
        matched_statements: statements.iter().map(matched).collect(),
        missing_context_values: missing,
        organizations_decision_detail: applicable(Layer::ServiceControl).map(|verdict| {
            OrganizationsDetail { allowed_by_organizations: verdict == Verdict::Allow }
        }),
        permissions_boundary_decision_detail: applicable(Layer::Boundary).map(|verdict| {
            BoundaryDetail { allowed_by_permissions_boundary: verdict == Verdict::Allow }
        }),
        eval_decision_details: check.map(details).unwrap_or_default(),
        resource_specific_results: Vec::new(),
    }
}

fn aws_decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::ExplicitDeny => "explicitDeny",
        Decision::ImplicitDeny | Decision::Indeterminate => "implicitDeny",
    }
}

/// `EvalDecisionDetails`: across accounts, what each side says.
fn details(check: &CheckDecision) -> serde_json::Map<String, serde_json::Value> {
    let mut details = serde_json::Map::new();
    if !check.cross_account {
        return details;
    }
    for (layer, name) in
        [(Layer::Identity, "Identity-based policy"), (Layer::Resource, "Resource-based policy")]
    {
        let result = check.layers.iter().find(|result| result.layer == layer);
        let decision = match result.map(|result| result.verdict) {
            Some(Verdict::Allow) => "allowed",
            Some(Verdict::ExplicitDeny) => "explicitDeny",
            _ => "implicitDeny",
        };
        details.insert(name.into(), decision.into());
    }
    details
}

fn matched(statement: &StatementRef) -> Matched {
    let position = |line, column| Position { line, column };
    Matched {
        source_policy_id: statement.policy.to_string(),
        source_policy_type: policy_type(&statement.policy),
        start_position: statement.span.map(|span| position(span.line, span.column)),
        end_position: statement.span.map(|span| position(span.end_line, span.end_column)),
    }
}

fn policy_type(policy: &str) -> &'static str {
    let arn = ["boundary:", "session:"].iter().find_map(|prefix| policy.strip_prefix(prefix));
    let policy = arn.unwrap_or(policy);
    match policy.split_once(':') {
        Some(("inline", rest)) if rest.starts_with("user/") => "user",
        Some(("inline", rest)) if rest.starts_with("group/") => "group",
        Some(("inline", rest)) if rest.starts_with("role/") => "role",
        Some(("resource" | "trust", _)) => "resource",
        Some(("arn", _)) if policy.contains(":iam::aws:") => "aws-managed",
        Some(("arn", _)) => "user-managed",
        _ => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restriction_has_an_order() {
        assert!(rank("explicitDeny") > rank("implicitDeny"));
        assert!(rank("implicitDeny") > rank("allowed"));
    }
}
