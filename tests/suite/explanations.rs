//! What is said beside a decision (C-2): why each statement applies or does not, and the nearest
//! change that flips the answer. Both on the whole corpus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize::formats::{Cell, ChangeSet, NoFiles, RequestRecord, Scenario, parse_time};
use assize::{Change, Edit, Engine};
use assize_model::{
    CheckDecision, ContextInput, ContextScalar, EffectiveDecision, EngineOptions, Layer, PolicyId,
    Principal, PrincipalKind, ReasonCode, Request, Session, StatedPrincipal, StatementRef, Target,
};
use assize_policy::{LibraryBuilder, PolicyLibrary};
use assize_reference::{World, evaluate};
use assize_store::StoreSnapshot;
use assize_tests::answer::{Answer, engine};
use assize_tests::corpus::{catalog, corpus, managed_policies};
use assize_tests::generate::{self, Source};
use serde_json::{Value, json};

/// Calls with every request of the corpus that can be read, and the engine that decides it.
fn each_request(mut call: impl FnMut(&str, &Scenario, &Engine, &Request<'_>)) {
    for scenario in corpus() {
        let mut engines: Vec<(&EngineOptions, Engine)> = Vec::new();
        for test in &scenario.tests {
            let known = engines.iter().position(|(options, _)| *options == &test.options);
            let at = known.unwrap_or_else(|| {
                engines.push((&test.options, engine(&scenario.snapshot, &test.options)));
                engines.len() - 1
            });
            for cell in &test.cells {
                let Ok(record) = Cell::record(cell) else { continue };
                let place = format!("{} `{}`", scenario.file, test.name);
                call(&place, &scenario, &engines[at].1, &record.request);
            }
        }
    }
}

/// What names a statement in a layer.
fn key(statement: &StatementRef) -> (Box<str>, Option<u32>, Option<Box<str>>) {
    (statement.policy.clone(), statement.statement, statement.node.clone())
}

/// How many statements were explained.
#[derive(Debug, Default)]
struct Explained {
    applying: usize,
    others: usize,
    ignored: usize,
}

impl Explained {
    /// The explanation's decision is the batch's, and a statement whose parts all hold is one
    /// that the decision lists.
    fn check(&mut self, place: &str, engine: &Engine, request: &Request<'_>) {
        let Ok(explained) = engine.explain_statements(request) else {
            assert!(engine.explain(request).is_err(), "{place}");
            return;
        };
        let found = explained.decision;
        let batch = engine.decide_batch(std::slice::from_ref(request));
        let of_explanation = Answer::of_decision(&Ok(found.clone()));
        assert_eq!(of_explanation, Answer::of_outcome(&batch[0]), "{place}");
        assert_eq!(found.checks.len(), explained.statements.len(), "{place}");
        for (check, statements) in found.checks.iter().zip(&explained.statements) {
            for layer in &check.layers {
                let listed = layer.allows.iter().chain(&layer.denies);
                let mut listed: Vec<_> =
                    listed.filter(|named| named.effect.is_some()).map(key).collect();
                let mut applying = Vec::new();
                for statement in statements.iter().filter(|s| s.layer == layer.layer) {
                    let holds = statement.detail.holds();
                    if statement.unknown_keys.is_empty() {
                        assert_eq!(holds && !statement.ignored, statement.applies, "{place}");
                    } else {
                        assert!(!holds, "{place}");
                    }
                    self.ignored += usize::from(statement.ignored);
                    if statement.applies {
                        applying.push(key(&statement.statement));
                        self.applying += 1;
                    } else {
                        self.others += 1;
                    }
                }
                listed.sort();
                applying.sort();
                assert_eq!(listed, applying, "{place}: {}", layer.layer);
            }
        }
    }

    fn assert_many(&self) {
        let counts = [self.applying, self.others, self.ignored];
        assert!(counts.iter().all(|n| *n > 2), "{self:?}");
    }
}

/// How many changes were found, and of how many the reference says the same.
#[derive(Debug, Default)]
struct Changed {
    n_asked: usize,
    n_flipped: usize,
    n_verified: usize,
    /// Changes that were made to the store.
    n_stored: usize,
    kinds: BTreeMap<&'static str, usize>,
}

impl Changed {
    /// Every change flips the answer, deterministically, and the reference says so too when the
    /// same is done to the texts of the policies.
    fn check(&mut self, place: &str, scenario: &Scenario, engine: &Engine, request: &Request<'_>) {
        let Ok(outcome) = engine.decide(request) else { return };
        self.n_asked += 1;
        let changes = engine.nearest_changes(request).expect("a decision");
        assert_eq!(Ok(&changes), engine.nearest_changes(request).as_ref(), "{place}");
        self.n_flipped += usize::from(!changes.is_empty());
        for change in &changes {
            let was = outcome.decision.is_allowed();
            assert_ne!(change.decision.is_allowed(), was, "{place}");
            assert_eq!(change.edits.len(), changes[0].edits.len(), "{place}");
            for edit in &change.edits {
                *self.kinds.entry(kind(edit)).or_default() += 1;
            }
            if let Some(found) = with_reference(scenario, engine, request, change) {
                self.n_verified += 1;
                assert_eq!(found.decision, change.decision, "{place}: {:?}", change.edits);
            }
            if let Some(found) = with_store(scenario, engine, request, change) {
                self.n_stored += 1;
                assert_eq!(found.decision, change.decision, "{place}: {:?}", change.edits);
            }
        }
    }

    /// Most answers can be flipped, by every kind of edit, and half of the changes are verified.
    fn assert_many(&self, n_kinds: usize) {
        assert!(self.n_flipped * 10 > self.n_asked * 8, "{self:?}");
        assert!(self.n_verified > self.n_asked / 2, "{self:?}");
        assert!(self.n_stored > 100, "{self:?}");
        assert!(self.kinds.len() >= n_kinds, "{self:?}");
    }
}

/// C-2.
#[test]
fn statements_are_explained_as_they_are_decided() {
    let mut explained = Explained::default();
    each_request(|place, _, engine, request| explained.check(place, engine, request));
    explained.assert_many();
}

/// C-2.
#[test]
fn nearest_changes_flip_the_answer() {
    let mut changed = Changed::default();
    each_request(|place, scenario, engine, request| {
        changed.check(place, scenario, engine, request);
    });
    changed.assert_many(11);
}

/// C-2: of what the service refuses, some hangs on what the request says: where it comes from
/// (E-85), whether with MFA (E-72), and for which task a root is assumed (E-94).
#[test]
fn what_a_service_asks_of_a_request_is_told() {
    let mut told = BTreeMap::new();
    each_request(|_, _, engine, request| {
        let Ok(outcome) = engine.decide(request) else { return };
        if !matches!(
            outcome.reason,
            ReasonCode::NetworkOrigin | ReasonCode::SessionKind | ReasonCode::AssumeRoot
        ) {
            return;
        }
        let changes = engine.nearest_changes(request).expect("a decision");
        for edit in changes.iter().flat_map(|change| &change.edits) {
            if let Edit::GiveKey { key, value } = edit {
                told.insert(key.clone(), value.clone());
            }
        }
    });
    let told: Vec<(&str, &str)> = told.iter().map(|(key, value)| (&**key, &**value)).collect();
    let task = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials";
    let mfa = ("aws:MultiFactorAuthPresent", "true");
    assert_eq!(told, [mfa, ("aws:SourceVpc", "vpc-1"), ("sts:TaskPolicyArn", task)]);
}

/// C-2: a policy may be written for a resource that nothing is on record of.
#[test]
fn a_resource_without_a_record_is_offered_a_policy() {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let all = json!({"Version": "2012-10-17", "Statement": [all]});
    let world = json!({"assize": 1, "accounts": {
        "111111111111": {},
        "222222222222": {"users": {"v": {"inline": {"p": all}}}},
    }});
    let scenario = generate::World { scenario: world }.read().expect("a world");
    let request = json!({
        "principal": "arn:aws:iam::222222222222:user/v",
        "action": "sns:Publish",
        "resource": "arn:aws:sns:eu-west-1:111111111111:t",
    });
    let request = request.to_string();
    let record = RequestRecord::parse(&request).expect("a request");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let changes = engine.nearest_changes(&record.request).expect("a decision");
    let edits: Vec<&str> = changes.iter().flat_map(|change| &change.edits).map(kind).collect();
    assert_eq!(edits, ["add statement"]);
}

/// What a world of one account with a role `R`, a queue and a key says of a request, and the keys
/// that the smallest change gives; the reference says that the request is then allowed.
#[track_caller]
fn check_given(parts: &Value, request: &Value, given: &[(&str, &str)]) {
    let mut world = json!({"assize": 1, "accounts": {"111111111111": {}}});
    for (name, part) in parts.as_object().expect("parts") {
        let at = match &**name {
            "roles" => &mut world["accounts"]["111111111111"]["roles"],
            other => &mut world[other],
        };
        *at = part.clone();
    }
    let scenario = generate::World { scenario: world }.read().expect("a world");
    let request = request.to_string();
    let record = RequestRecord::parse(&request).expect("a request");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let changes = engine.nearest_changes(&record.request).expect("a decision");
    let keys = |change: &Change| -> Vec<(String, String)> {
        let edits = change.edits.iter();
        edits
            .filter_map(|edit| match edit {
                Edit::GiveKey { key, value } => Some((key.to_string(), value.to_string())),
                _ => None,
            })
            .collect()
    };
    let wanted: Vec<(String, String)> =
        given.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let change = changes.iter().find(|change| keys(change) == wanted);
    assert!(change.is_some(), "{request}: {changes:?}");
    let Some(change) = change else { return };
    let found = with_reference(&scenario, &engine, &record.request, change).expect("the reference");
    assert_eq!(found.decision, change.decision, "{request}");
}

/// C-2: keys that have fields of their own: claims of a token, what STS sealed in a session, for
/// whom a service acts.
#[test]
fn keys_with_fields_of_their_own_are_given() {
    let role = "arn:aws:iam::111111111111:role/R";
    let policy = |principal: Value, action: &str, condition: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": action, "Condition": condition});
        if !action.starts_with("sts:") {
            statement["Resource"] = "*".into();
        }
        if !principal.is_null() {
            statement["Principal"] = principal;
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    for (provider, action, condition, given) in [
        (
            "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com",
            "AssumeRoleWithWebIdentity",
            json!({
                "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                "StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"},
            }),
            &[
                ("token.actions.githubusercontent.com:aud", "sts.amazonaws.com"),
                ("token.actions.githubusercontent.com:sub", "repo:o/r:x"),
            ][..],
        ),
        (
            "accounts.google.com",
            "AssumeRoleWithWebIdentity",
            json!({"StringEquals": {"accounts.google.com:aud": "app"}}),
            &[("accounts.google.com:aud", "app")],
        ),
        (
            "arn:aws:iam::111111111111:saml-provider/adfs",
            "AssumeRoleWithSAML",
            json!({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}),
            &[("SAML:aud", "https://signin.aws.amazon.com/saml")],
        ),
    ] {
        let action = format!("sts:{action}");
        let trust = policy(json!({"Federated": provider}), &action, condition);
        for claims in [json!(null), json!({"accounts.google.com:aud": "other"})] {
            let mut caller = json!({"type": "federated", "provider": provider});
            if !claims.is_null() && provider == "accounts.google.com" {
                caller["session"] = json!({"claims": claims});
            }
            let request = json!({"principal": caller, "action": action, "resource": role});
            check_given(&json!({"roles": {"R": {"trust": trust}}}), &request, given);
        }
    }
    let session = json!({"type": "roleSession", "role": role, "session": {"name": "s"}});
    for (key, operator, value) in [
        ("aws:SourceIdentity", "StringEquals", "ana"),
        ("aws:FederatedProvider", "StringEquals", "accounts.google.com"),
        ("aws:TokenIssueTime", "DateEquals", "2024-05-01T12:00:00Z"),
    ] {
        let inline = policy(json!(null), "sqs:ListQueues", json!({operator: {key: value}}));
        let world = json!({"roles": {"R": {"inline": {"p": inline}}}});
        for caller in [session.clone(), json!(role)] {
            let request = json!({"principal": caller, "action": "sqs:ListQueues"});
            check_given(&world, &request, &[(key, value)]);
        }
    }
    let queue = "arn:aws:sqs:eu-west-1:111111111111:q";
    let topic = "arn:aws:sns:eu-west-1:111111111111:t";
    let condition = json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111111111111:t"},
        "StringEquals": {"aws:SourceAccount": "111111111111"}});
    let policy = policy(json!({"Service": "sns.amazonaws.com"}), "sqs:SendMessage", condition);
    let world = json!({"resources": [{"arn": queue, "policy": policy}]});
    let account = ("aws:SourceAccount", "111111111111");
    for (source, given) in [
        (json!({}), &[("aws:SourceArn", "arn:aws:sns:x:111111111111:t"), account][..]),
        (json!({"arn": topic, "account": "222222222222"}), &[account]),
    ] {
        let request = json!({"principal": "sns.amazonaws.com", "action": "sqs:SendMessage",
            "resource": queue, "source": source});
        check_given(&world, &request, given);
    }
}

/// C-2, E-81: a grant allows what is asked with the pairs of its constraint; it cannot be edited.
#[test]
fn pairs_that_a_grant_asks_for_are_given() {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/1";
    let role = "arn:aws:iam::111111111111:role/R";
    let pair = ("kms:EncryptionContext:dept", "pay");
    for constraint in ["encryptionContextEquals", "encryptionContextSubset"] {
        let grant =
            json!({"grantee": role, "operations": ["Decrypt"], constraint: {"dept": "pay"}});
        let world = json!({"roles": {"R": {}},
            "resources": [{"arn": key, "attributes": {"kmsGrants": [grant]}}]});
        let ask = |action: &str| json!({"principal": role, "action": action, "resource": key});
        check_given(&world, &ask("kms:Decrypt"), &[pair]);
        let scenario = json!({"assize": 1, "accounts": {"111111111111": {"roles": {"R": {}}}},
            "resources": world["resources"]});
        let scenario = generate::World { scenario }.read().expect("a world");
        let request = ask("kms:Encrypt").to_string();
        let record = RequestRecord::parse(&request).expect("a request");
        let engine = engine(&scenario.snapshot, &scenario.options);
        for change in engine.nearest_changes(&record.request).expect("a decision") {
            assert!(!format!("{change:?}").contains("grant:"), "{change:?}");
        }
    }
}

/// In partial context a key that is given says nothing of the others: what would need two of them
/// is no change of one.
#[test]
fn what_is_given_leaves_the_rest_unknown() {
    let queue = "arn:aws:sqs:eu-west-1:111111111111:q";
    for stem in ["aws:RequestTag/", "aws:ResourceTag/"] {
        let statements = json!([
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*",
                "Condition": {"StringEquals": {(format!("{stem}a")): "1"}}},
            {"Effect": "Deny", "Action": "sqs:*", "Resource": "*",
                "Condition": {"StringEquals": {(format!("{stem}b")): "1"}}},
        ]);
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let world = json!({"assize": 1, "options": {"context": "partial"}, "accounts":
            {"111111111111": {"users": {"u": {"inline": {"p": policy}}}}}});
        let scenario = generate::World { scenario: world }.read().expect("a world");
        let request = json!({"principal": "arn:aws:iam::111111111111:user/u",
            "action": "sqs:TagQueue", "resource": queue});
        let request = request.to_string();
        let record = RequestRecord::parse(&request).expect("a request");
        let engine = engine(&scenario.snapshot, &scenario.options);
        let changes = engine.nearest_changes(&record.request).expect("a decision");
        assert!(!changes.is_empty(), "{stem}");
        for change in &changes {
            assert!(format!("{:?}", change.edits).contains("statement"), "{stem}: {change:?}");
        }
    }
}

/// Worlds and requests to each that are generated.
const N_WORLDS: u64 = 60;
const N_REQUESTS: usize = 8;

/// C-2: both on generated worlds.
#[test]
fn generated_answers_are_explained_and_flipped() {
    let (mut explained, mut changed) = (Explained::default(), Changed::default());
    for seed in 0..N_WORLDS {
        let mut source = Source::seeded(seed);
        let world = generate::world(&mut source);
        let scenario = world.read().expect("a world");
        let engine = engine(&scenario.snapshot, &scenario.options);
        for _ in 0..N_REQUESTS {
            let text = generate::request(&mut source).to_string();
            let Ok(record) = RequestRecord::parse(&text) else { continue };
            let place = format!("seed {seed}, {text}");
            explained.check(&place, &engine, &record.request);
            changed.check(&place, &scenario, &engine, &record.request);
        }
    }
    // Statements that are ignored are too rare here; the corpus has them.
    assert!(explained.applying > 100 && explained.others > 100, "{explained:?}");
    // What the service itself refuses no change of policies flips.
    assert!(changed.n_flipped * 5 > changed.n_asked * 2, "{changed:?}");
    assert!(changed.n_verified > 20, "{changed:?}");
}

fn kind(edit: &Edit) -> &'static str {
    match edit {
        Edit::RemoveStatement { .. } => "remove statement",
        Edit::DetachPolicy { .. } => "detach",
        Edit::AddAction { .. } => "action",
        Edit::AddResource { .. } => "resource",
        Edit::AddPrincipal { .. } => "principal",
        Edit::AddStatement { .. } => "add statement",
        Edit::GiveKey { .. } => "give",
        Edit::OmitKey { .. } => "omit",
        Edit::StateOwner { .. } => "owner",
        Edit::TagPrincipal { .. } => "tag principal",
        Edit::TagResource { .. } => "tag resource",
        _ => "unknown",
    }
}

/// The answer of the reference with a change made to the texts of policies and to the request;
/// none if that cannot be done by such simple means.
fn with_reference(
    scenario: &Scenario,
    engine: &Engine,
    request: &Request<'_>,
    change: &Change,
) -> Option<EffectiveDecision> {
    if brings_policies(request) {
        return None;
    }
    let mut texts: BTreeMap<PolicyId, Value> = BTreeMap::new();
    let mut request = request.clone();
    for edit in &change.edits {
        match edit {
            Edit::GiveKey { key, value } => give(&mut request, key, Some(value))?,
            Edit::OmitKey { key } => give(&mut request, key, None)?,
            Edit::StateOwner { account, .. } => {
                request.resource_data.get_or_insert_default().account = Some(*account);
            }
            Edit::TagPrincipal { tag, value: Some(value) } => {
                tag_session(&mut request.principal, tag, value)?;
            }
            Edit::TagResource { resource, tag, value } => {
                let record = scenario.snapshot.resource(resource);
                let recorded = record.and_then(|record| record.tags.as_deref());
                let stated = || {
                    let tags = recorded.unwrap_or_default().iter();
                    tags.map(|tag| (tag.key.to_string().into(), tag.value.to_string().into()))
                };
                request.context.retain(|(name, _)| !name.to_ascii_lowercase().contains("tag/"));
                let data = request.resource_data.get_or_insert_default();
                let tags = data.tags.get_or_insert_with(|| stated().collect());
                tags.retain(|(name, _)| !name.eq_ignore_ascii_case(tag));
                let value = value.as_deref().map(|value| value.to_owned().into());
                tags.extend(value.map(|value| (tag.to_string().into(), value)));
            }
            Edit::RemoveStatement { statement } => {
                let statement = statement_of(&scenario.snapshot, &mut texts, statement)?;
                statement.remove("NotAction");
                // No action has this name, and every type of policy takes it.
                statement.insert("Action".into(), json!("sts:None"));
            }
            Edit::AddAction { statement, action } => {
                let statement = statement_of(&scenario.snapshot, &mut texts, statement)?;
                add(statement.get_mut("Action")?, action);
            }
            Edit::AddResource { statement, resource } => {
                let statement = statement_of(&scenario.snapshot, &mut texts, statement)?;
                // In a text these would be wildcards and variables.
                if resource.contains(['*', '?', '$']) && **resource != *"*" {
                    return None;
                }
                add(statement.get_mut("Resource")?, resource);
            }
            Edit::AddPrincipal { statement, principal }
                if principal.starts_with("arn:") && !principal.contains("-provider/") =>
            {
                let statement = statement_of(&scenario.snapshot, &mut texts, statement)?;
                let element = statement.get_mut("Principal")?.as_object_mut()?;
                add(element.entry("AWS").or_insert(json!([])), principal);
            }
            _ => return None,
        }
    }
    let library = changed_library(engine.library(), &texts);
    let world = World {
        snapshot: &scenario.snapshot,
        library: &library,
        catalog: catalog(),
        options: engine.options(),
        now: engine.options().time.unwrap_or_default(),
    };
    Some(evaluate(&world, &request).expect("a decision"))
}

/// The answer over a store to which the statements of a change were added, the way a change set
/// puts them there; none if the change does something else, or the store has no place for it.
fn with_store(
    scenario: &Scenario,
    engine: &Engine,
    request: &Request<'_>,
    change: &Change,
) -> Option<EffectiveDecision> {
    if brings_policies(request) {
        return None;
    }
    let checks = &engine.explain(request).ok()?.checks;
    let laid: Option<Vec<Value>> =
        change.edits.iter().map(|edit| added(&scenario.snapshot, request, checks, edit)).collect();
    let laid = laid?;
    // Two that put one policy in place would each forget the other's statement.
    let places: BTreeSet<_> = laid.iter().map(|change| change["target"].to_string()).collect();
    if places.len() < laid.len() {
        return None;
    }
    let set = json!({"assize": 1, "changes": laid}).to_string().into_bytes();
    let set = ChangeSet::read("added.json", set, &mut NoFiles, managed_policies()).ok()?;
    let changed = set.apply(&scenario.snapshot, managed_policies()).ok()?;
    let engine = assize_tests::answer::engine(&changed.snapshot, engine.options());
    Some(engine.explain(request).expect("a decision"))
}

/// The change of a change set that adds a statement.
fn added(
    snapshot: &StoreSnapshot,
    request: &Request<'_>,
    checks: &[CheckDecision],
    edit: &Edit,
) -> Option<Value> {
    let Edit::AddStatement { layer, policy, node, principal, action, resource } = edit else {
        return None;
    };
    // A policy would read these as wildcards and variables.
    if resource.as_ref().is_some_and(|text| text.contains(['*', '?', '$']) && **text != *"*") {
        return None;
    }
    let is_of = |check: &&CheckDecision| resource.as_ref().is_none_or(|r| check.resource == *r);
    let check = checks.iter().find(is_of)?;
    let mut statement = json!({"Effect": "Allow", "Action": action});
    if let Some(resource) = resource {
        statement["Resource"] = json!(resource);
    }
    if let Some(principal) = principal {
        statement["Principal"] = element(principal, request);
    }
    let mut whole = json!({"Version": "2012-10-17", "Statement": [statement]});
    if let Some(policy) = policy {
        let statements = &mut whole["Statement"];
        let mut named = snapshot.documents().filter(|(_, document)| document.reference == *policy);
        let text = named.next()?.1.text.clone()?;
        let mut stored: Value = serde_json::from_str(&text).ok()?;
        add_all(&mut stored["Statement"], statements.take());
        whole = stored;
    }
    let caller = match &request.principal {
        Principal::Text(text) => Some(text.to_string()),
        Principal::Stated(stated) => stated.arn.as_ref().map(ToString::to_string),
    };
    Some(match (layer, policy) {
        (Layer::Identity, _) => {
            json!({"op": "attach", "kind": "identity", "target": caller?, "policy": whole})
        }
        (Layer::Boundary, Some(_)) => {
            json!({"op": "replace", "kind": "boundary", "target": caller?, "policy": whole})
        }
        (Layer::ServiceControl, _) => {
            json!({"op": "attach", "kind": "scp", "target": node.as_ref()?, "policy": whole})
        }
        (Layer::Resource, _) if resource.is_none() => {
            json!({"op": "replace", "kind": "trust", "target": check.resource, "policy": whole})
        }
        (Layer::Resource, _) => {
            let named = policy.as_ref().and_then(|name| name.strip_prefix("resource:"));
            let target = named.and_then(|name| Some(name.rsplit_once('#')?.0));
            let object = (*check.resource)
                .split_once('/')
                .filter(|_| check.resource.starts_with("arn:aws:s3:::"));
            let bucket = object.map_or(&*check.resource, |(bucket, _)| bucket);
            let target = target.unwrap_or(bucket);
            let has_several =
                snapshot.resource(target).is_some_and(|record| !record.policies.is_empty());
            if policy.is_none() && has_several {
                return None;
            }
            let mut laid =
                json!({"op": "replace", "kind": "resource", "target": target, "policy": whole});
            if target.split(':').nth(4) == Some("") && snapshot.resource(target).is_none() {
                laid["account"] = json!(check.resource_account?.to_string());
            }
            laid
        }
        _ => return None,
    })
}

/// A `Principal` element that names the caller.
fn element(principal: &str, request: &Request<'_>) -> Value {
    let stated = match &request.principal {
        Principal::Stated(stated) => Some(stated.kind),
        Principal::Text(_) => None,
    };
    match (principal, stated) {
        ("*", _) => json!("*"),
        (_, Some(PrincipalKind::Federated)) => json!({"Federated": principal}),
        (_, Some(PrincipalKind::Service)) => json!({"Service": principal}),
        (arn, _) if arn.starts_with("arn:") => json!({"AWS": arn}),
        (service, _) => json!({"Service": service}),
    }
}

/// Adds to a list, or to what stands for a list of one.
fn add_all(element: &mut Value, more: Value) {
    let Value::Array(more) = more else { return };
    match element {
        Value::Array(entries) => entries.extend(more),
        single => {
            let first = single.take();
            *single = std::iter::once(first).chain(more).collect();
        }
    }
}

/// A session of a role with a tag, which outweighs that of the role.
fn tag_session(principal: &mut Principal<'_>, tag: &str, value: &str) -> Option<()> {
    if let Principal::Text(text) = principal {
        let is_role = text.contains(":role/");
        let mut stated = StatedPrincipal::new(PrincipalKind::RoleSession);
        stated.role = is_role.then(|| text.clone());
        stated.session = Some(Session { name: Some("assize".into()), ..Session::default() });
        *principal = Principal::Stated(is_role.then(|| Box::new(stated))?);
    }
    let Principal::Stated(stated) = principal else { return None };
    if stated.kind != PrincipalKind::RoleSession {
        return None;
    }
    let tags = stated.session.as_mut()?.tags.get_or_insert_default();
    tags.retain(|(name, _)| !name.eq_ignore_ascii_case(tag));
    tags.push((tag.to_owned().into(), value.to_owned().into()));
    Some(())
}

/// Whether policies come with a request, which may have the names of those of the snapshot.
fn brings_policies(request: &Request<'_>) -> bool {
    let of_resource = |data: &assize_model::ResourceData<'_>| data.policy.is_some();
    let of_checks = match &request.target {
        Target::Checks(checks) => {
            checks.iter().any(|check| check.data.as_deref().is_some_and(of_resource))
        }
        Target::Action { resources, .. } => {
            resources.iter().any(|resource| resource.data.as_deref().is_some_and(of_resource))
        }
    };
    of_checks
        || request.resource_data.as_deref().is_some_and(of_resource)
        || matches!(&request.principal, Principal::Stated(stated) if stated.inline.is_some())
}

/// The statement of a reference in the changed text of its document.
fn statement_of<'t>(
    snapshot: &StoreSnapshot,
    texts: &'t mut BTreeMap<PolicyId, Value>,
    statement: &StatementRef,
) -> Option<&'t mut serde_json::Map<String, Value>> {
    let name = statement.policy.strip_prefix("boundary:").unwrap_or(&statement.policy);
    let name = name.strip_prefix("session:").unwrap_or(name);
    let mut named = snapshot.documents().filter(|(_, document)| &*document.reference == name);
    // Inline policies of two accounts may have one name.
    let (Some((id, document)), None) = (named.next(), named.next()) else { return None };
    let text = document.text.as_deref()?;
    let whole = match texts.entry(id) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => {
            entry.insert(serde_json::from_str(text).ok()?)
        }
    };
    match whole.get_mut("Statement")? {
        Value::Array(statements) => {
            statements.get_mut(usize::try_from(statement.statement?).ok()?)?.as_object_mut()
        }
        single => single.as_object_mut(),
    }
}

/// Adds to an element that is a text or a list of texts.
fn add(element: &mut Value, text: &str) {
    match element {
        Value::Array(entries) => entries.push(json!(text)),
        single => *single = json!([single.take(), text]),
    }
}

fn changed_library(library: &PolicyLibrary, texts: &BTreeMap<PolicyId, Value>) -> PolicyLibrary {
    let mut builder = LibraryBuilder::from_library(library);
    for (id, text) in texts {
        let options = library.get(*id).and_then(|entry| entry.options.clone()).expect("it loads");
        let entry = builder.insert(*id, &Arc::from(in_ascii(&text.to_string())), &options);
        assert!(!entry.is_poison(), "{text}");
    }
    builder.build()
}

/// JSON with escapes for what policies must not have as it is.
fn in_ascii(json: &str) -> String {
    let mut text = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(byte) => text.push(char::from(byte)),
            None => text.extend(format!("\\u{unit:04x}").chars()),
        }
    }
    text
}

/// The same for claims, what STS sealed in a session, and for whom a service acts; none for other
/// keys.
fn give_to_caller(request: &mut Request<'_>, key: &str, value: Option<&str>) -> Option<()> {
    let text = value.map(|value| value.to_owned().into());
    match key {
        "aws:SourceArn" => {
            request.source.get_or_insert_default().arn = text;
            return Some(());
        }
        "aws:SourceAccount" => {
            let account = value.map(|id| id.parse().expect("an account"));
            request.source.get_or_insert_default().account = account;
            return Some(());
        }
        _ => {}
    }
    let host = key.split(':').next().unwrap_or_default();
    let is_claim = host.contains('.') || host.eq_ignore_ascii_case("saml");
    let is_sealed = ["aws:SourceIdentity", "aws:FederatedProvider", "aws:TokenIssueTime"];
    if !is_claim && !is_sealed.contains(&key) {
        return None;
    }
    if let Principal::Text(role) = &request.principal
        && role.contains(":role/")
    {
        request.principal = Principal::Stated(Box::new(StatedPrincipal {
            role: Some(role.clone()),
            session: Some(Session { name: Some("assize".into()), ..Session::default() }),
            ..StatedPrincipal::new(PrincipalKind::RoleSession)
        }));
    }
    if let Principal::Text(session) = &request.principal
        && session.contains(":assumed-role/")
        && !is_claim
    {
        request.principal = Principal::Stated(Box::new(StatedPrincipal {
            arn: Some(session.clone()),
            ..StatedPrincipal::new(PrincipalKind::RoleSession)
        }));
    }
    let Principal::Stated(stated) = &mut request.principal else { return None };
    if !matches!(stated.kind, PrincipalKind::RoleSession | PrincipalKind::Federated) {
        return None;
    }
    request.context.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
    let session = stated.session.get_or_insert_default();
    match key {
        "aws:SourceIdentity" => session.source_identity = text,
        "aws:FederatedProvider" => session.federated_provider = text,
        "aws:TokenIssueTime" => session.issued_at = value.and_then(parse_time),
        _ => {
            let claims = session.claims.get_or_insert_default();
            claims.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
            let scalar = |text| ContextInput::Scalar(ContextScalar::String(text));
            claims.extend(text.map(|text| (key.to_owned().into(), scalar(text))));
        }
    }
    Some(())
}

/// Gives or takes a key of the context; none where the request has a field for it.
fn give(request: &mut Request<'_>, key: &str, value: Option<&str>) -> Option<()> {
    if give_to_caller(request, key, value).is_some() {
        return Some(());
    }
    let has_session = match &request.principal {
        Principal::Stated(stated) => stated.session.is_some(),
        Principal::Text(_) => false,
    };
    let is_plain = request.network.is_none()
        && request.region.is_none()
        && request.request_tags.is_none()
        && request.time.is_none()
        && !has_session
        && !key.to_ascii_lowercase().starts_with("aws:requesttag/")
        && matches!(&request.target, Target::Action { resources, .. } if resources.is_empty());
    if !is_plain {
        return None;
    }
    request.context.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
    if let Some(value) = value {
        let scalar = ContextScalar::String(value.to_owned().into());
        request.context.push((key.to_owned().into(), ContextInput::Scalar(scalar)));
    }
    Some(())
}
