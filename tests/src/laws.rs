//! Changes to generated worlds and requests of which a law says what they do to decisions.

use serde_json::{Map, Value, json};

use crate::generate::{self, Source, World};

/// Calls `visit` for each policy document of a world, with its type (L section 0) and where it
/// stands: a reference is no document.
pub fn each_policy(world: &mut World, mut visit: impl FnMut(&'static str, &mut Value)) {
    walk(&mut world.scenario, "", &mut visit);
}

/// The type of the policies under a member, given that of the members around it.
fn type_under(member: &str, around: &'static str) -> &'static str {
    match member {
        "inline" | "attached" | "policies" => "IM",
        "boundary" => "PB",
        "trust" => "TP",
        "resources" => "RP",
        "endpoints" => "VE",
        "scps" => "SCP",
        "rcps" => "RCP",
        _ => around,
    }
}

fn walk(
    value: &mut Value,
    policy_type: &'static str,
    visit: &mut impl FnMut(&'static str, &mut Value),
) {
    if value.get("Statement").is_some() {
        visit(policy_type, value);
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, type_under(name, policy_type), visit);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, policy_type, visit)),
        _ => {}
    }
}

/// The statements of a document, as a list.
fn statements(document: &mut Value) -> &mut Vec<Value> {
    let list = document["Statement"].take();
    document["Statement"] = match list {
        Value::Array(list) => Value::Array(list),
        single => Value::Array(vec![single]),
    };
    document["Statement"].as_array_mut().expect("it was just made one")
}

/// Changes one document of the world, chosen by the source.
fn change_one(
    world: &mut World,
    source: &mut Source<'_>,
    mut change: impl FnMut(&'static str, &mut Value, &mut Source<'_>),
) {
    let mut n_documents = 0;
    each_policy(world, |_, _| n_documents += 1);
    let chosen = source.below(n_documents);
    let mut at = 0;
    each_policy(world, |policy_type, document| {
        if at == chosen {
            change(policy_type, document, source);
        }
        at += 1;
    });
}

/// Adds a Deny statement to one document.
pub fn add_deny(world: &mut World, source: &mut Source<'_>) {
    change_one(world, source, |policy_type, document, source| {
        let mut other = generate::policy(source, policy_type);
        let mut added = statements(&mut other).swap_remove(0);
        added["Effect"] = json!("Deny");
        added.as_object_mut().map(|statement| statement.remove("Sid"));
        statements(document).push(added);
    });
}

/// Makes one document unreadable.
pub fn break_one(world: &mut World, source: &mut Source<'_>) {
    world.scenario["options"]["skipInvalidPolicies"] = json!(false);
    change_one(world, source, |_, document, source| {
        *document = match source.below(3) {
            0 => json!({"Version": "2012-10-17", "Statement": []}),
            1 => json!({"Version": "tomorrow", "Statement": document["Statement"]}),
            _ => {
                let mut broken = document.clone();
                statements(&mut broken).push(json!({"Effect": "Allow", "Action": "*:*"}));
                broken
            }
        };
    });
}

/// Gives a first boundary to some users and roles.
pub fn add_boundaries(world: &mut World, source: &mut Source<'_>) {
    let accounts = world.scenario["accounts"].as_object_mut().into_iter().flatten();
    for (_, account) in accounts {
        for kind in ["users", "roles"] {
            let whoever = account[kind].as_object_mut().into_iter().flatten();
            for (_, who) in whoever {
                if who.get("boundary").is_none() && source.percent(50) {
                    who["boundary"] = generate::policy(source, "PB");
                }
            }
        }
    }
}

/// Gives a first session policy to the session of a role.
pub fn add_session_policy(request: &mut Value, source: &mut Source<'_>) {
    let principal = &mut request["principal"];
    if principal["type"] != "roleSession" {
        return;
    }
    let session = &mut principal["session"];
    if session.get("policy").is_none() && session.get("policyArns").is_none() {
        session["policy"] = generate::policy(source, "SP");
    }
}

/// Puts other SCPs in place of `FullAWSAccess` where a node has nothing else.
pub fn tighten_scps(world: &mut World, source: &mut Source<'_>) {
    fn tighten(node: &mut Value, source: &mut Source<'_>) {
        if !node.is_object() {
            return;
        }
        if node.get("scps").is_none() && source.percent(60) {
            node["scps"] = json!(source.list(0, 2, |source| generate::policy(source, "SCP")));
        }
        for list in ["ous", "accounts"] {
            let children = node.get_mut(list).and_then(Value::as_array_mut);
            for child in children.into_iter().flatten() {
                tighten(child, source);
            }
        }
    }
    // Only types that are enabled matter, and which are must not change.
    if let Some(organization) = world.scenario.get_mut("organization") {
        tighten(&mut organization["root"], source);
    }
}

/// The lists of a statement whose order and repetitions say nothing.
fn lists(statement: &mut Value) -> Vec<&mut Vec<Value>> {
    let mut lists = Vec::new();
    let members = statement.as_object_mut().into_iter().flatten();
    for (name, value) in members {
        match name.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => {
                lists.extend(value.as_array_mut());
            }
            "Principal" | "NotPrincipal" => {
                let entries = value.as_object_mut().into_iter().flatten();
                lists.extend(entries.filter_map(|(_, values)| values.as_array_mut()));
            }
            "Condition" => {
                let operators = value.as_object_mut().into_iter().flatten();
                let keys =
                    operators.flat_map(|(_, keys)| keys.as_object_mut().into_iter().flatten());
                lists.extend(keys.filter_map(|(_, values)| values.as_array_mut()));
            }
            _ => {}
        }
    }
    lists
}

/// Changes the order of everything that has none, and repeats what may be repeated.
pub fn reorder(world: &mut World, source: &mut Source<'_>) {
    each_policy(world, |_, document| {
        let statements = statements(document);
        statements.reverse();
        for statement in statements {
            for list in lists(statement) {
                list.reverse();
                if let (Some(first), true) = (list.first().cloned(), source.percent(50)) {
                    list.push(first);
                }
            }
        }
    });
}

/// Takes the Sids away.
pub fn remove_sids(world: &mut World) {
    each_policy(world, |_, document| {
        for statement in statements(document) {
            statement.as_object_mut().map(|statement| statement.remove("Sid"));
        }
    });
}

/// Splits statements at their lists of actions, resources and principals, which are joined by
/// OR.
pub fn split(world: &mut World) {
    each_policy(world, |_, document| {
        let whole = std::mem::take(statements(document));
        let by_action = whole.iter().flat_map(|statement| split_at(statement, "Action"));
        let by_resource: Vec<Value> =
            by_action.flat_map(|statement| split_at(&statement, "Resource")).collect();
        let by_principal = by_resource.iter().flat_map(split_at_principal);
        *statements(document) = by_principal.collect();
    });
}

fn split_at(statement: &Value, member: &str) -> Vec<Value> {
    match statement[member].as_array().map(Vec::as_slice) {
        None | Some([]) => vec![statement.clone()],
        Some(values) => {
            let one = |value: &Value| {
                let mut statement = statement.clone();
                statement[member] = value.clone();
                statement.as_object_mut().map(|statement| statement.remove("Sid"));
                statement
            };
            values.iter().map(one).collect()
        }
    }
}

fn split_at_principal(statement: &Value) -> Vec<Value> {
    let Some(entries) = statement["Principal"].as_object() else { return vec![statement.clone()] };
    let mut parts = Vec::new();
    for (kind, values) in entries {
        for value in values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice) {
            let mut part = statement.clone();
            part["Principal"] = Value::Object(Map::from_iter([(kind.clone(), value.clone())]));
            part.as_object_mut().map(|statement| statement.remove("Sid"));
            parts.push(part);
        }
    }
    if parts.is_empty() { vec![statement.clone()] } else { parts }
}
