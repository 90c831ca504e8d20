//! Explanations: every layer, every statement about the action, every part of it with what it
//! wants and what it found, and what would flip the answer (C-2).

mod change;
mod excerpt;
mod record;

use std::fmt::Write as _;

use assize::compiler::{ConditionDetail, Expected, PartDetail, StatementDetail, Void};
use assize::{Change, Engine, StatementExplanation};
use assize_formats::count;
use assize_model::{
    AccountId, CheckDecision, ContextValue, Decision, Effect, EffectiveDecision, Layer,
    LayerResult, Verdict,
};
use assize_policy::ir::MatchesNothing;

pub(crate) use self::excerpt::decisive_excerpt;
pub(crate) use self::record::{changes_json, statements_json};
use crate::command::Answered;
use crate::render::decision::{decision, decision_word, policies_of, statement_name};
use crate::render::style::Style;

/// How much is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling {
    /// The notes that are not told.
    pub(crate) hidden: &'static [&'static str],
    /// Statements about other actions are listed instead of counted.
    pub(crate) is_verbose: bool,
    pub(crate) style: Style,
}

/// A decision with everything that led to it, and what would flip it.
pub(crate) fn explanation(
    engine: &Engine,
    answer: &Answered<'_>,
    found: &EffectiveDecision,
    changes: &[Change],
    telling: Telling,
) -> String {
    let style = telling.style;
    let excerpt = decisive_excerpt(engine, answer, found, style);
    let mut text = decision(answer.asked, found, &excerpt, telling.hidden, style);
    // AWS, which knows all keys, is never in doubt.
    if !found.message.is_empty() && found.decision != Decision::Indeterminate {
        let _ = writeln!(text, "  AWS would say: {}", found.message);
    }
    for (at, (check, statements)) in found.checks.iter().zip(&answer.statements).enumerate() {
        text.push('\n');
        if found.checks.len() > 1 {
            let word = decision_word(check.decision, style);
            let (action, resource) = (style.bold(&check.action), &check.resource);
            let _ = writeln!(text, "Check {at}: {word} {action} {resource}");
        }
        text.push_str(&accounts(check));
        text.push_str(&dependent_actions(engine, found, check));
        for layer in &check.layers {
            text.push_str(&layer_text(layer, statements, telling));
        }
    }
    text.push('\n');
    text.push_str(&change::changes(found.decision, changes, style));
    text
}

fn accounts(check: &CheckDecision) -> String {
    let name = |account: Option<AccountId>| match account {
        Some(account) => account.to_string(),
        None => "none".to_owned(),
    };
    let (principal, resource) = (name(check.principal_account), name(check.resource_account));
    let is_one = check.principal_account == check.resource_account;
    let mut text = match (check.principal_account, check.cross_account) {
        // A service, a federated or an anonymous caller.
        (None, _) => format!("The caller is of no account, the resource in {resource}"),
        (_, true) if is_one => format!("Within one account, both sides must allow: {principal}"),
        (_, true) => format!("Across accounts: principal in {principal}, resource in {resource}"),
        (_, false) if is_one => format!("Within one account: {principal}"),
        (_, false) => {
            format!("As within one account: principal in {principal}, resource in {resource}")
        }
    };
    if check.gated {
        text.push_str("; the resource's own policy must allow it too");
    }
    text.push('\n');
    text
}

/// The actions that depend on the checked one and are not among the checks (E-69).
fn dependent_actions(engine: &Engine, found: &EffectiveDecision, check: &CheckDecision) -> String {
    let catalog = engine.catalog();
    let Some(id) = catalog.action_by_full_name(&check.action) else { return String::new() };
    let is_checked = |name: &String| found.checks.iter().any(|check| *check.action == **name);
    let names: Vec<String> = catalog
        .action_ref(id)
        .dependent_actions()
        .map(|id| catalog.action_ref(id).full_name())
        .filter(|name| !is_checked(name))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!("The call may also need: {} (option includeDependent checks them)\n", names.join(", "))
}

fn verdict_word(verdict: Verdict, is_bypassed: bool, style: Style) -> String {
    match verdict {
        Verdict::NotApplicable => style.dim("not applicable").to_string(),
        Verdict::Allow => style.good("allows").to_string(),
        Verdict::ImplicitDeny if is_bypassed => {
            style.dim("does not allow, and need not").to_string()
        }
        Verdict::ImplicitDeny => style.doubtful("does not allow").to_string(),
        Verdict::ExplicitDeny => style.bad("denies").to_string(),
    }
}

fn kind_of(layer: Layer, style: Style) -> String {
    match layer {
        Layer::ResourceControl | Layer::ServiceControl | Layer::VpcEndpoint => {
            style.dim(format_args!("  ({})", policies_of(layer))).to_string()
        }
        _ => String::new(),
    }
}

/// A layer: its verdict, the statements that apply, those that would but for a part of them, and
/// the rest.
fn layer_text(
    result: &LayerResult,
    statements: &[StatementExplanation],
    telling: Telling,
) -> String {
    let style = telling.style;
    let name = format!("{:<9}", result.layer.as_str());
    let verdict = verdict_word(result.verdict, result.bypassed, style);
    let kind = kind_of(result.layer, style);
    let mut text = format!("  {} {verdict}{kind}\n", style.bold(name));
    for node in result.nodes.iter().filter(|node| node.verdict != Verdict::Allow) {
        if result.nodes.len() > 1 || matches!(result.layer, Layer::ServiceControl) {
            let verdict = verdict_word(node.verdict, result.bypassed, style);
            let _ = writeln!(text, "    at {}: {verdict}", node.node);
        }
    }
    for poison in result.denies.iter().filter(|named| named.effect.is_none()) {
        let _ = writeln!(text, "    does not load: {}", statement_name(poison, style));
    }
    let of_layer: Vec<&StatementExplanation> =
        statements.iter().filter(|statement| statement.layer == result.layer).collect();
    for effect in [Effect::Deny, Effect::Allow] {
        let is_of_effect = |s: &&&StatementExplanation| s.statement.effect == Some(effect);
        for statement in of_layer.iter().filter(is_of_effect).filter(|s| s.applies) {
            text.push_str(&applying(statement, style));
        }
    }
    let is_about_others = |statement: &StatementExplanation| !statement.detail.action.holds;
    for statement in of_layer.iter().filter(|s| !s.applies && !is_about_others(s)) {
        text.push_str(&idle(statement, style));
    }
    text.push_str(&others(of_layer.into_iter().filter(|s| is_about_others(s)), telling));
    text
}

fn applying(statement: &StatementExplanation, style: Style) -> String {
    let verb = match statement.statement.effect {
        Some(Effect::Deny) => "denied by",
        _ => "allowed by",
    };
    let mut text = format!("    {verb} {}\n", statement_name(&statement.statement, style));
    // RCPs and endpoint policies name everyone.
    let strength = statement.detail.strength.filter(|_| statement.layer == Layer::Resource);
    if let Some(strength) = strength {
        let _ = writeln!(text, "      names the principal by its {strength} match");
    }
    let resource = statement.detail.resource.iter().flat_map(|part| &part.entries);
    let with_variables = resource.map(|entry| &entry.pattern).filter(|p| p.written.contains("${"));
    for pattern in with_variables {
        let _ = writeln!(text, "      Resource {}", expected_text(pattern));
    }
    for condition in &statement.detail.conditions {
        let _ = writeln!(text, "      {}", condition_text(condition, style));
    }
    text
}

/// A statement about the action that does not apply, with everything that keeps it from it.
fn idle(statement: &StatementExplanation, style: Style) -> String {
    let effect = match statement.statement.effect {
        Some(Effect::Deny) => "deny",
        _ => "allow",
    };
    let name = statement_name(&statement.statement, style);
    let mut text = format!("    would {effect}: {name}\n");
    let StatementDetail { principal, resource, conditions, .. } = &statement.detail;
    let failing = |part: &Option<PartDetail>| part.as_ref().filter(|part| !part.holds).cloned();
    if let Some(part) = failing(principal) {
        let verb = if part.negated { "leaves out" } else { "is for" };
        let _ = writeln!(text, "      but {verb} {}", entries(&part));
    }
    if let Some(part) = failing(resource) {
        let verb = if part.negated { "leaves out" } else { "is about" };
        let _ = writeln!(text, "      but {verb} {}", entries(&part));
    }
    for condition in conditions.iter().filter(|condition| !condition.holds) {
        let _ = writeln!(text, "      but {}", condition_text(condition, style));
    }
    if statement.ignored {
        text.push_str("      but statements of this policy play no part in this check\n");
    }
    text
}

/// Statements about other actions, counted or listed.
fn others<'s>(
    statements: impl Iterator<Item = &'s StatementExplanation>,
    telling: Telling,
) -> String {
    let style = telling.style;
    let mut text = String::new();
    let mut n_others = 0;
    for statement in statements {
        n_others += 1;
        if telling.is_verbose {
            let action = &statement.detail.action;
            let verb = if action.negated { "leaves out" } else { "is about" };
            let name = statement_name(&statement.statement, style);
            let _ = writeln!(text, "    {name}\n      {verb} {}", entries(action));
        }
    }
    if n_others > 0 && !telling.is_verbose {
        let n = count(n_others, "statement");
        let _ = writeln!(text, "    {}", style.dim(format_args!("{n} about other actions")));
    }
    text
}

/// The conditions of the statements that decide, each with what it found.
pub(crate) fn decisive_conditions(
    found: &EffectiveDecision,
    statements: &[Vec<StatementExplanation>],
    style: Style,
) -> Vec<String> {
    let of_check = statements.get(found.decisive.check as usize).into_iter().flatten();
    let decisive = of_check.filter(|explained| {
        found.decisive.statements.iter().any(|named| excerpt::is_same(named, &explained.statement))
    });
    let conditions = decisive.flat_map(|explained| &explained.detail.conditions);
    conditions.map(|condition| condition_text(condition, style)).collect()
}

fn condition_text(condition: &ConditionDetail, style: Style) -> String {
    format!(
        "{} {} {} {}",
        condition.operator,
        style.name(condition.key.spelling()),
        expected(&condition.expected),
        style.dim(format_args!("— found {}", actual(condition))),
    )
}

/// Most values of a condition, or patterns of an element, that are shown.
const MAX_VALUES: usize = 8;

fn expected(values: &[Expected]) -> String {
    let mut shown: Vec<String> = values.iter().take(MAX_VALUES).map(expected_text).collect();
    if values.len() > MAX_VALUES {
        shown.push(format!("{} more", values.len() - MAX_VALUES));
    }
    match &*shown {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        many => format!("one of {}", many.join(", ")),
    }
}

/// The entries of an element: of the `Not…` form those that match, which is why it fails.
fn entries(part: &PartDetail) -> String {
    let has_match = part.entries.iter().any(|entry| entry.matches);
    let shown = part.entries.iter().filter(|entry| entry.matches || !part.negated || !has_match);
    expected(&shown.map(|entry| entry.pattern.clone()).collect::<Vec<_>>())
}

/// A pattern as it is written, and as it is compared when its variables make a difference.
fn expected_text(value: &Expected) -> String {
    let written = &value.written;
    match value.compared.as_deref() {
        Some(compared) if *compared == **written => format!("`{written}`"),
        Some(compared) => format!("`{written}` (here `{compared}`)"),
        None => match &value.void {
            Some(void) => format!("`{written}` ({})", void_text(void)),
            None => format!("`{written}`"),
        },
    }
}

/// Why a pattern or value equals nothing.
pub(super) fn void_text(void: &Void) -> String {
    match void {
        Void::Unreadable => "cannot be read, and equals nothing".to_owned(),
        Void::Pattern(why) => {
            let why = match why {
                MatchesNothing::TooShort => "too short for an ARN",
                MatchesNothing::NoResource => "it names no resource",
                MatchesNothing::Unreadable => "a variable in it cannot be read",
            };
            format!("matches nothing: {why}")
        }
        Void::NoValue(key) => format!("`{}` has no value here", key.spelling()),
        Void::List(key) => {
            format!("`{}` is a list, and a list cannot be substituted", key.spelling())
        }
        Void::Colliding(key) => format!("`{}` has several values under one name", key.spelling()),
        Void::Colon(key) => {
            format!("the value of `{}` has a colon, and only a resource may", key.spelling())
        }
        _ => "equals nothing".to_owned(),
    }
}

fn actual(detail: &ConditionDetail) -> String {
    match &detail.actual {
        None if detail.is_unknown => "what nobody knows: the key is unknown".to_owned(),
        None => "nothing: the key is absent".to_owned(),
        Some(ContextValue::Single(value)) => format!("`{value}`"),
        Some(ContextValue::List(values)) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            let needs_prefix =
                !detail.operator.contains(':') && !detail.operator.starts_with("Null");
            let why = if needs_prefix { ": a list needs ForAnyValue or ForAllValues" } else { "" };
            format!("[{}]{why}", values.join(", "))
        }
        Some(ContextValue::Colliding) => "several values under one name".to_owned(),
    }
}
