//! Explanations: every layer, every statement that took part, every condition with what it
//! wanted and what it found (C-2).

mod conditions;
mod probe;

use std::fmt::Write as _;

use assize::Engine;
use assize_model::{
    AccountId, CheckDecision, ContextValue, Effect, EffectiveDecision, Layer, LayerResult,
    StatementRef, Verdict,
};

use self::conditions::{Condition, Documents};
use self::probe::{Idle, Missed, Probe};
use crate::render::decision::{decision, decision_word, policies_of, statement_name};
use crate::render::style::Style;
use crate::render::table::count;
use crate::request::Asked;

/// A decision with everything that led to it.
pub(crate) fn explanation(
    engine: &Engine,
    asked: &Asked,
    found: &EffectiveDecision,
    hidden: &[&str],
    style: Style,
) -> String {
    let documents = Documents::new(engine);
    let probe = Probe::new(engine, &asked.request);
    let mut text = decision(asked, found, hidden, style);
    if !found.message.is_empty() {
        let _ = writeln!(text, "  AWS would say: {}", found.message);
    }
    for (at, check) in found.checks.iter().enumerate() {
        text.push('\n');
        if found.checks.len() > 1 {
            let word = decision_word(check.decision, style);
            let (action, resource) = (style.bold(&check.action), &check.resource);
            let _ = writeln!(text, "Check {at}: {word} {action} {resource}");
        }
        text.push_str(&accounts(check));
        for layer in &check.layers {
            text.push_str(&layer_text(&documents, check, layer, style));
            let idle = probe.idle_statements(at, check, layer);
            text.push_str(&idle_text(&documents, check, &idle, style));
        }
    }
    text
}

fn accounts(check: &CheckDecision) -> String {
    let name = |account: Option<AccountId>| match account {
        Some(account) => account.to_string(),
        None => "none".to_owned(),
    };
    let (principal, resource) = (name(check.principal_account), name(check.resource_account));
    let mut text = if check.cross_account {
        format!("Across accounts: principal in {principal}, resource in {resource}")
    } else {
        format!("Within one account: {principal}")
    };
    if check.gated {
        text.push_str("; the resource's own policy must allow it too");
    }
    text.push('\n');
    text
}

fn verdict_word(result: &LayerResult, style: Style) -> String {
    match result.verdict {
        Verdict::NotApplicable => style.dim("not applicable").to_string(),
        Verdict::Allow => style.good("allows").to_string(),
        Verdict::ImplicitDeny if result.bypassed => {
            style.dim("does not allow, and need not").to_string()
        }
        Verdict::ImplicitDeny => style.doubtful("does not allow").to_string(),
        Verdict::ExplicitDeny => style.bad("denies").to_string(),
    }
}

fn layer_text(
    documents: &Documents<'_>,
    check: &CheckDecision,
    result: &LayerResult,
    style: Style,
) -> String {
    let name = format!("{:<9}", result.layer.as_str());
    let mut text = format!(
        "  {} {}{}\n",
        style.bold(name),
        verdict_word(result, style),
        kind_of(result.layer, style)
    );
    if result.nodes.len() > 1 || result.nodes.iter().any(|node| node.verdict != Verdict::Allow) {
        for node in result.nodes.iter().filter(|node| node.verdict != Verdict::Allow) {
            let _ = writeln!(text, "            at {}: {}", node.node, node.verdict);
        }
    }
    for statement in &result.denies {
        text.push_str(&statement_text(documents, check, "denied by", statement, style));
    }
    for statement in &result.allows {
        text.push_str(&statement_text(documents, check, "allowed by", statement, style));
    }
    text
}

fn kind_of(layer: Layer, style: Style) -> String {
    match layer {
        Layer::ResourceControl | Layer::ServiceControl | Layer::VpcEndpoint => {
            style.dim(format_args!("  ({})", policies_of(layer))).to_string()
        }
        _ => String::new(),
    }
}

/// The statements of a layer that are about the action and do not apply, each with the part that
/// keeps it from applying.
fn idle_text(
    documents: &Documents<'_>,
    check: &CheckDecision,
    idle: &Idle,
    style: Style,
) -> String {
    let mut text = String::new();
    for statement in &idle.statements {
        let effect = match statement.named.effect {
            Some(Effect::Deny) => "deny",
            _ => "allow",
        };
        let name = statement_name(&statement.named, style);
        let _ = writeln!(text, "    would {effect}: {name}");
        match &statement.missed {
            Missed::Principal => text.push_str("      but names another principal\n"),
            Missed::Resource(patterns) => {
                let _ = writeln!(text, "      but is about {}", expected(patterns));
            }
            Missed::Conditions(failed) => {
                let conditions = documents.conditions(&statement.named);
                let fails = |condition: &&Condition| {
                    failed.iter().any(|(operator, key)| {
                        *operator == condition.operator && *key == condition.key
                    })
                };
                for condition in conditions.iter().filter(fails) {
                    let condition = condition_text(check, condition, style);
                    let _ = writeln!(text, "      but {condition}");
                }
            }
        }
    }
    if idle.n_other_actions > 0 {
        let n = count(idle.n_other_actions, "statement");
        let _ = writeln!(text, "    {}", style.dim(format_args!("{n} about other actions")));
    }
    if idle.n_unseen > 0 {
        let n = count(idle.n_unseen, "more statement");
        let _ = writeln!(text, "    {}", style.dim(format_args!("{n} not looked at")));
    }
    text
}

/// The conditions of the statements that decide, each with what it found.
pub(crate) fn decisive_conditions(
    engine: &Engine,
    found: &EffectiveDecision,
    style: Style,
) -> Vec<String> {
    let documents = Documents::new(engine);
    let Some(check) = found.checks.get(found.decisive.check as usize) else { return Vec::new() };
    let statements = &found.decisive.statements;
    let conditions = statements.iter().flat_map(|statement| documents.conditions(statement));
    conditions.map(|condition| condition_text(check, &condition, style)).collect()
}

fn statement_text(
    documents: &Documents<'_>,
    check: &CheckDecision,
    verb: &str,
    statement: &StatementRef,
    style: Style,
) -> String {
    let mut text = format!("    {verb} {}\n", statement_name(statement, style));
    if let Some(strength) = statement.strength {
        let _ = writeln!(text, "      names the principal by its {strength} match");
    }
    for condition in documents.conditions(statement) {
        let _ = writeln!(text, "      {}", condition_text(check, &condition, style));
    }
    text
}

fn condition_text(check: &CheckDecision, condition: &Condition, style: Style) -> String {
    format!(
        "{} {} {} {}",
        condition.operator,
        style.name(&condition.key),
        expected(&condition.values),
        style.dim(format_args!("— found {}", actual(check, &condition.key))),
    )
}

/// Most values of a condition that are shown.
const MAX_VALUES: usize = 8;

fn expected(values: &[String]) -> String {
    let mut shown: Vec<String> =
        values.iter().take(MAX_VALUES).map(|value| format!("`{value}`")).collect();
    if values.len() > MAX_VALUES {
        shown.push(format!("{} more", values.len() - MAX_VALUES));
    }
    match &*shown {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        many => format!("one of {}", many.join(", ")),
    }
}

/// The value that a key has in a check.
fn actual(check: &CheckDecision, key: &str) -> String {
    match check.context.get(&key.to_ascii_lowercase()).map(|entry| &entry.value) {
        None => "nothing: the key is absent".to_owned(),
        Some(ContextValue::Single(value)) => format!("`{value}`"),
        Some(ContextValue::List(values)) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("[{}]", values.join(", "))
        }
        Some(ContextValue::Colliding) => "several values under one name".to_owned(),
    }
}
