//! Requests in partial context, completed (evaluation, 10.3).

use assize_model::{Bounds, Decision};
use serde_json::{Map, Value, json};

use crate::generate::{Source, World};

/// Where a decision stands between the worst and the best.
fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::ExplicitDeny => 0,
        Decision::ImplicitDeny | Decision::Indeterminate => 1,
        Decision::Allowed => 2,
    }
}

/// Whether the bounds of one answer lie within those of another (E-131).
pub fn lies_within((worst, best): (Decision, Decision), around: (Decision, Decision)) -> bool {
    rank(around.0) <= rank(worst) && rank(best) <= rank(around.1)
}

/// Both bounds of an answer; of one that is certain, itself.
pub fn bounds_of(decision: Decision, bounds: Option<Bounds>) -> (Decision, Decision) {
    bounds.map_or((decision, decision), |bounds| (bounds.worst.decision, bounds.best.decision))
}

/// The world with another `context` option, and without what the catalog says of keys, which is
/// an assumption.
pub fn in_mode(world: &World, mode: &str) -> World {
    let mut world = world.clone();
    world.scenario["options"]["absentByCatalog"] = json!(false);
    world.scenario["options"]["context"] = json!(mode);
    world
}

/// A request without what it says of keys that it does not carry.
pub fn without_lists(request: &Value) -> Value {
    let mut request = request.clone();
    if let Some(members) = request.as_object_mut() {
        members.retain(|name, _| !["absent", "complete", "unknown"].contains(&name.as_str()));
    }
    request
}

/// Whether a rule of STS makes more checks of what is added to a request.
fn entails_more(request: &Value) -> bool {
    request.to_string().to_ascii_lowercase().contains("sts:")
}

/// Says more of a request, in fields and keys of which it says nothing: never what chooses rules
/// rather than keys (E-121).
pub fn say_more(request: &mut Value, source: &mut Source<'_>) {
    let texts = ["a", "b", "ab", "ana", "x", "10", "true", "QQ==", "203.0.113.7"];
    for key in ["x:k", "x:n", "x:t", "x:b", "s3:prefix", "kms:ViaService", "sts:ExternalId"] {
        if source.percent(50) && !carries(request, key) {
            let value = match source.below(3) {
                0 => json!(source.list(0, 2, |source| source.pick(&texts))),
                _ => json!(source.pick(&texts)),
            };
            // A key that is declared to hold one value holds no more.
            let value = if key.starts_with("x:") { value } else { json!(source.pick(&texts)) };
            context(request).insert(key.to_owned(), value);
        }
    }
    if source.percent(50) && request.get("network").is_none() {
        let address = source.pick(&["203.0.113.7", "198.51.100.1"]);
        request["network"] = json!({"sourceIp": address, "userAgent": source.pick(&texts)});
    }
    if source.percent(50) && request.get("via").is_none() {
        let services = ["athena.amazonaws.com", "cloudformation.amazonaws.com"];
        request["via"] = json!(source.list(0, 2, |source| source.pick(&services)));
    }
    if source.percent(50) && request.get("requestTags").is_none() && !entails_more(request) {
        request["requestTags"] = tags(source);
    }
    if request["principal"]["type"] == "roleSession" {
        let session = &mut request["principal"]["session"];
        if source.percent(50) && session.get("tags").is_none() {
            session["tags"] = tags(source);
        }
        if source.percent(50) && session.get("sourceIdentity").is_none() {
            session["sourceIdentity"] = json!(source.pick(&["ana", "a"]));
        }
    }
}

/// Gives a key that a decision depends on, as a member of `context`. False if it cannot be given
/// so, or what follows from it is more than its value.
pub fn give(request: &mut Value, key: &str, source: &mut Source<'_>) -> bool {
    let folded = key.to_ascii_lowercase();
    let chooses_rules = folded.starts_with("aws:sourcevpc")
        || folded.starts_with("aws:vpc")
        || folded.starts_with("aws:multifactorauth")
        || folded.starts_with("aws:calledvia");
    if chooses_rules || entails_more(request) || carries(request, key) {
        return false;
    }
    let text = match source.below(4) {
        0 => json!("a"),
        1 => json!("ana"),
        2 => json!("true"),
        _ => json!("203.0.113.7"),
    };
    context(request).insert(key.to_owned(), text);
    true
}

fn carries(request: &Value, key: &str) -> bool {
    let names = |value: &Value| {
        value.as_object().is_some_and(|map| map.keys().any(|name| name.eq_ignore_ascii_case(key)))
    };
    let of_checks = request["checks"].as_array().into_iter().flatten();
    names(&request["context"]) || of_checks.clone().any(|check| names(&check["context"]))
}

fn context(request: &mut Value) -> &mut Map<String, Value> {
    if !request["context"].is_object() {
        request["context"] = json!({});
    }
    request["context"].as_object_mut().expect("it was just made one")
}

fn tags(source: &mut Source<'_>) -> Value {
    match source.below(3) {
        0 => json!({}),
        1 => json!({"team": source.pick(&["red", "a", "ana"])}),
        _ => json!({"team": "a", "env": source.pick(&["b", "prod"])}),
    }
}
