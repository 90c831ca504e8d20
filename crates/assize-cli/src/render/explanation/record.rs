//! Explanations as members of a decision record: `x-statements` and `x-changes`, which F-4 leaves
//! to whoever writes records.

use assize::compiler::{ConditionDetail, EntryDetail, Expected, PartDetail};
use assize::{Change, Edit, StatementExplanation};
use assize_model::{ConditionKey, ContextValue, Effect, StatementRef};
use serde_json::{Map, Value, json};

use super::void_text;

/// `x-statements`: for each check its statements, part by part.
pub(crate) fn statements_json(checks: &[Vec<StatementExplanation>]) -> String {
    let checks: Vec<Value> =
        checks.iter().map(|statements| statements.iter().map(statement).collect()).collect();
    Value::Array(checks).to_string()
}

fn statement(explained: &StatementExplanation) -> Value {
    let detail = &explained.detail;
    let mut object = reference(&explained.statement);
    object.insert("layer".into(), json!(explained.layer.as_str()));
    object.insert("applies".into(), json!(explained.applies));
    if explained.ignored {
        object.insert("ignored".into(), json!(true));
    }
    if !explained.unknown_keys.is_empty() {
        let keys: Vec<&str> = explained.unknown_keys.iter().map(ConditionKey::spelling).collect();
        object.insert("dependsOn".into(), json!(keys));
    }
    if let Some(strength) = detail.strength {
        object.insert("strength".into(), json!(strength.as_str()));
    }
    let parts = [
        ("principal", detail.principal.as_ref()),
        ("action", Some(&detail.action)),
        ("resource", detail.resource.as_ref()),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            object.insert(name.into(), element(part));
        }
    }
    let conditions: Vec<Value> = detail.conditions.iter().map(condition).collect();
    object.insert("conditions".into(), conditions.into());
    object.into()
}

fn element(part: &PartDetail) -> Value {
    let entry = |entry: &EntryDetail| {
        let mut object = one_expected(&entry.pattern);
        object.insert("matches".into(), json!(entry.matches));
        Value::Object(object)
    };
    let entries: Vec<Value> = part.entries.iter().map(entry).collect();
    json!({"negated": part.negated, "holds": part.holds, "entries": entries})
}

fn one_expected(expected: &Expected) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("written".into(), json!(&*expected.written));
    object.insert("compared".into(), json!(expected.compared));
    if let Some(void) = &expected.void {
        object.insert("why".into(), json!(void_text(void)));
    }
    object
}

fn all_expected(expected: &[Expected]) -> Vec<Value> {
    expected.iter().map(|one| Value::Object(one_expected(one))).collect()
}

fn condition(detail: &ConditionDetail) -> Value {
    let actual = match &detail.actual {
        None if detail.is_unknown => json!({"state": "unknown"}),
        None => json!({"state": "absent"}),
        Some(ContextValue::Single(text)) => json!({"state": "present", "value": &**text}),
        Some(ContextValue::List(texts)) => json!({"state": "present", "value": texts}),
        Some(ContextValue::Colliding) => json!({"state": "colliding"}),
    };
    json!({
        "operator": &*detail.operator,
        "key": detail.key.spelling(),
        "expected": all_expected(&detail.expected),
        "actual": actual,
        // Neither true nor false where it depends on what is unknown.
        "holds": (!detail.is_open).then_some(detail.holds),
    })
}

/// The members of a reference by E-101.
fn reference(named: &StatementRef) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("policyId".into(), json!(&*named.policy));
    if let Some(at) = named.statement {
        object.insert("statement".into(), json!(at));
    }
    let texts = [("sid", &named.sid), ("node", &named.node), ("source", &named.source)];
    for (name, text) in texts {
        if let Some(text) = text {
            object.insert(name.into(), json!(&**text));
        }
    }
    if let Some(effect) = named.effect {
        let word = if effect == Effect::Allow { "Allow" } else { "Deny" };
        object.insert("effect".into(), json!(word));
    }
    if let Some(span) = &named.span {
        object.insert("line".into(), json!(span.line));
        object.insert("column".into(), json!(span.column));
    }
    object
}

/// `x-changes`: what flips the answer, the smallest first.
pub(crate) fn changes_json(changes: &[Change]) -> String {
    let change = |change: &Change| {
        let edits: Vec<Value> = change.edits.iter().map(edit).collect();
        json!({"decision": change.decision.as_str(), "edits": edits})
    };
    changes.iter().map(change).collect::<Value>().to_string()
}

fn edit(edit: &Edit) -> Value {
    let of = |kind: &str, named: &StatementRef, members: &[(&str, &str)]| {
        let mut object = reference(named);
        object.insert("edit".into(), json!(kind));
        for (name, text) in members {
            object.insert((*name).into(), json!(text));
        }
        Value::Object(object)
    };
    match edit {
        Edit::RemoveStatement { statement } => of("removeStatement", statement, &[]),
        Edit::DetachPolicy { layer, policy } => {
            json!({"edit": "detachPolicy", "layer": layer.as_str(), "policyId": &**policy})
        }
        Edit::AddAction { statement, action } => of("addAction", statement, &[("action", action)]),
        Edit::AddResource { statement, resource } => {
            of("addResource", statement, &[("resource", resource)])
        }
        Edit::AddPrincipal { statement, principal } => {
            of("addPrincipal", statement, &[("principal", principal)])
        }
        Edit::AddStatement { layer, policy, node, principal, action, resource } => json!({
            "edit": "addStatement",
            "layer": layer.as_str(),
            "policyId": policy,
            "node": node,
            "principal": principal,
            "action": &**action,
            "resource": resource,
        }),
        Edit::GiveKey { key, value } => {
            json!({"edit": "giveKey", "key": &**key, "value": &**value})
        }
        Edit::OmitKey { key } => json!({"edit": "omitKey", "key": &**key}),
        Edit::TagPrincipal { tag, value } => {
            json!({"edit": "tagPrincipal", "tag": &**tag, "value": value})
        }
        Edit::TagResource { resource, tag, value } => json!({
            "edit": "tagResource", "resource": &**resource, "tag": &**tag, "value": value,
        }),
        Edit::StateOwner { resource, account } => {
            json!({"edit": "stateOwner", "resource": &**resource, "account": account.as_str()})
        }
        _ => json!({"edit": "other"}),
    }
}
