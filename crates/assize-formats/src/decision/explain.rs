//! Explanations: everything about a decision (E-100).

use assize_model::{
    CheckDecision, ContextValue, EffectiveDecision, LayerResult, NodeVerdict, RequestContext,
    SourceSpan, StatementRef,
};

use super::fast::effect_word;
use super::{Envelope, Reasons, write_uncertainty};
use crate::json::{Object, write_list, write_string, write_strings};

/// Writes a full record, without a line end. `echo_context` adds the effective context of the
/// decisive check (option `echoContext`).
pub fn write_explanation(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    decision: &EffectiveDecision,
    echo_context: bool,
) {
    let mut object = Object::open(out);
    envelope.id.write(object.key("id"));
    object.word("decision", decision.decision.as_str());
    let Reasons { check, layer, reason, allowed_by } = Reasons::of(decision);
    let mut decisive = Object::open(object.key("decisive"));
    decisive.number("check", u64::from(check));
    decisive.word("layer", layer.as_str());
    decisive.word("reason", reason.as_str());
    if let Some(allowed_by) = allowed_by {
        decisive.word("allowedBy", allowed_by.as_str());
    }
    write_list(decisive.key("statements"), &decision.decisive.statements, write_statement);
    decisive.close();
    write_uncertainty(&mut object, decision.bounds, &decision.depends_on);
    if !decision.message.is_empty() {
        object.string("message", &decision.message);
    }
    write_list(object.key("checks"), &decision.checks, write_check);
    write_strings(object.key("missingContextKeys"), &decision.missing_context_keys);
    write_strings(object.key("assumptions"), &decision.assumptions);
    write_strings(object.key("notes"), &decision.notes);
    let decisive_check = decision.checks.get(check as usize).filter(|_| echo_context);
    if let Some(check) = decisive_check {
        write_context(object.key("context"), &check.context);
    }
    envelope.write_tail(&mut object);
    object.close();
}

fn write_check(out: &mut Vec<u8>, check: &CheckDecision) {
    let mut object = Object::open(out);
    object.string("action", &check.action);
    object.string("resource", &check.resource);
    let accounts = [
        ("principalAccount", check.principal_account),
        ("resourceAccount", check.resource_account),
    ];
    for (name, account) in accounts {
        match account {
            Some(account) => object.string(name, account.as_str()),
            None => object.raw(name, "null"),
        }
    }
    object.boolean("crossAccount", check.cross_account);
    object.boolean("gated", check.gated);
    object.word("decision", check.decision.as_str());
    object.word("layer", check.layer.as_str());
    object.word("reason", check.reason.as_str());
    write_uncertainty(&mut object, check.bounds, &check.depends_on);
    let mut grant = Object::open(object.key("grant"));
    grant.boolean("direct", check.grant.direct);
    grant.boolean("entity", check.grant.entity);
    grant.boolean("account", check.grant.account);
    grant.close();
    write_list(object.key("layers"), &check.layers, write_layer);
    write_strings(object.key("wouldAllow"), check.would_allow.iter().map(|layer| layer.as_str()));
    write_strings(object.key("missingContextKeys"), &check.missing_context_keys);
    object.close();
}

fn write_layer(out: &mut Vec<u8>, result: &LayerResult) {
    let mut object = Object::open(out);
    object.word("layer", result.layer.as_str());
    object.word("verdict", result.verdict.as_str());
    if !result.allows.is_empty() {
        write_list(object.key("allows"), &result.allows, write_statement);
    }
    if !result.denies.is_empty() {
        write_list(object.key("denies"), &result.denies, write_statement);
    }
    if !result.nodes.is_empty() {
        write_list(object.key("nodes"), &result.nodes, write_node);
    }
    if result.bypassed {
        object.boolean("bypassed", true);
    }
    object.close();
}

fn write_node(out: &mut Vec<u8>, node: &NodeVerdict) {
    let mut object = Object::open(out);
    object.string("node", &node.node);
    object.word("verdict", node.verdict.as_str());
    object.close();
}

pub(crate) fn write_statement(out: &mut Vec<u8>, statement: &StatementRef) {
    let mut object = Object::open(out);
    object.string("policyId", &statement.policy);
    if let Some(index) = statement.statement {
        object.number("statement", u64::from(index));
    }
    object.string_if("sid", statement.sid.as_deref());
    if let Some(effect) = statement.effect {
        object.word("effect", effect_word(effect));
    }
    object.string_if("node", statement.node.as_deref());
    if let Some(strength) = statement.strength {
        object.word("strength", strength.as_str());
    }
    object.string_if("source", statement.source.as_deref());
    if let Some(span) = &statement.span {
        write_span(object.key("span"), span);
    }
    object.close();
}

fn write_span(out: &mut Vec<u8>, span: &SourceSpan) {
    let SourceSpan { start, end, line, column, end_line, end_column } = *span;
    let mut object = Object::open(out);
    for (name, value) in [
        ("start", start),
        ("end", end),
        ("line", line),
        ("column", column),
        ("endLine", end_line),
        ("endColumn", end_column),
    ] {
        object.number(name, u64::from(value));
    }
    object.close();
}

/// The effective context, in order of the folded names. A key that several entries collided on is
/// there without a value: `null`.
fn write_context(out: &mut Vec<u8>, context: &RequestContext) {
    let mut object = Object::open(out);
    for entry in context.iter() {
        let out = object.key(entry.key.spelling());
        match &entry.value {
            ContextValue::Single(text) => write_string(out, text),
            ContextValue::List(texts) => write_strings(out, texts),
            ContextValue::Colliding => out.extend_from_slice(b"null"),
        }
    }
    object.close();
}
