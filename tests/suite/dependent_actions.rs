//! E-69 on a catalog whose actions depend on others, which the bundled one's do not: the reference
//! and the tables make the same further checks, with option `includeDependent` and without.

use std::sync::Arc;

use assize::{BundledPolicies, Engine};
use assize_catalog::snapshot::{
    CatalogSource, SourceAction, SourceActionResource, SourceResourceType, SourceService, write,
};
use assize_catalog::{AccessLevel, Catalog};
use assize_compiler::CompileOptions;
use assize_formats::RequestRecord;
use assize_model::{Decision, EffectiveDecision, EngineOptions};
use assize_reference::{World, evaluate};
use assize_tests::corpus::read_scenario;
use serde_json::{Value, json};

fn action(name: &str, resources: Vec<SourceActionResource>, dependents: &[&str]) -> SourceAction {
    SourceAction {
        name: name.to_owned(),
        level: AccessLevel::Write,
        resource_account_absent: false,
        own_account_only: false,
        identity_only: false,
        types_are_alternatives: false,
        creates_with_tags: false,
        wildcard_form: None,
        resources,
        keys: Vec::new(),
        dependents: dependents.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn on(resource_type: &str, dependents: &[&str]) -> SourceActionResource {
    SourceActionResource {
        resource_type: resource_type.to_owned(),
        dependents: dependents.iter().map(|&name| name.to_owned()).collect(),
        ..SourceActionResource::default()
    }
}

/// To feed an animal is to open its cage and, of a lion, to call the keepers; nobody needs a role
/// for it, whatever the catalog says.
fn zoo() -> Arc<Catalog> {
    let resource_type = |name: &str| SourceResourceType {
        name: name.to_owned(),
        formats: vec![format!("arn:${{Partition}}:zoo:${{Region}}:${{Account}}:{name}/${{Name}}")],
        keys: Vec::new(),
    };
    let zoo = SourceService {
        prefix: "zoo".to_owned(),
        resource_types: vec![resource_type("cage"), resource_type("lion")],
        actions: vec![
            action(
                "Feed",
                vec![on("cage", &[]), on("lion", &["zoo:CallKeepers"])],
                &["zoo:OpenCage", "iam:PassRole"],
            ),
            action("OpenCage", vec![on("cage", &[]), on("lion", &[])], &["zoo:Unlock"]),
            action("Unlock", Vec::new(), &[]),
            action("CallKeepers", Vec::new(), &[]),
        ],
        ..SourceService::default()
    };
    let iam = SourceService {
        prefix: "iam".to_owned(),
        actions: vec![action("PassRole", Vec::new(), &[])],
        ..SourceService::default()
    };
    let source = CatalogSource {
        date: "2026-01-02".to_owned(),
        services: vec![iam, zoo],
        ..CatalogSource::default()
    };
    let bytes = write(&source).expect("the facts agree");
    Arc::new(Catalog::from_bytes(&bytes).expect("what was written reads"))
}

/// The answer of the tables' explanation to a keeper who may do some actions, which is the
/// reference's.
fn decide(allowed: &[&str], request: &Value, include_dependent: bool) -> EffectiveDecision {
    let user = json!({"inline": {"p": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": allowed, "Resource": "*"}]}}});
    let world = json!({"assize": 1, "accounts": {"111111111111": {"users": {"keeper": user}}}});
    let scenario = read_scenario("zoo.assize.json", world.to_string().as_bytes()).expect("a world");
    let options = EngineOptions { include_dependent, time: Some(0), ..EngineOptions::default() };
    let mut request = request.clone();
    request["principal"] = json!("arn:aws:iam::111111111111:user/keeper");
    let text = request.to_string();
    let record = RequestRecord::parse(&text).expect("a request");
    let catalog = zoo();
    let library = assize::library(&scenario.snapshot);
    let world = World {
        snapshot: &scenario.snapshot,
        library: &library,
        catalog: &catalog,
        options: &options,
        now: 0,
    };
    let expected = evaluate(&world, &record.request).expect("a decision");
    let (snapshot, none) = (scenario.snapshot.clone(), BundledPolicies::none());
    let engine =
        Engine::build(snapshot, options.clone(), catalog.clone(), none, &CompileOptions::default())
            .expect("the world compiles");
    let found = engine.explain(&record.request).expect("a decision");
    let outcome = engine.decide(&record.request).expect("a decision");
    assert_eq!(outcome.decision, found.decision);
    assert_eq!(checks_of(&found), checks_of(&expected));
    let decisions =
        |found: &EffectiveDecision| found.checks.iter().map(|c| c.decision).collect::<Vec<_>>();
    assert_eq!(decisions(&found), decisions(&expected));
    assert_eq!(found.decisive.check, expected.decisive.check);
    found
}

fn checks_of(found: &EffectiveDecision) -> Vec<String> {
    found.checks.iter().map(|check| format!("{} {}", check.action, check.resource)).collect()
}

const CAGE: &str = "arn:aws:zoo:eu-west-1:111111111111:cage/7";
const LION: &str = "arn:aws:zoo:eu-west-1:111111111111:lion/leo";

/// E-69.
#[test]
fn dependent_actions_are_checked_on_demand() {
    let feed = |resource: &str| json!({"action": "zoo:Feed", "resource": resource});
    let found = decide(&["zoo:Feed"], &feed(CAGE), false);
    assert_eq!(found.decision, Decision::Allowed);
    assert_eq!(found.checks.len(), 1);

    // Where they take the resource, on it; else on their wildcard form. A dependent action of a
    // dependent action is not asked about, and a role to pass never is.
    let found = decide(&["zoo:Feed"], &feed(CAGE), true);
    assert_eq!(found.decision, Decision::ImplicitDeny);
    assert_eq!(checks_of(&found), [format!("zoo:Feed {CAGE}"), format!("zoo:OpenCage {CAGE}")]);
    let found = decide(&["zoo:Feed", "zoo:OpenCage"], &feed(CAGE), true);
    assert_eq!(found.decision, Decision::Allowed);
    let found = decide(&["zoo:Feed", "zoo:OpenCage"], &feed(LION), true);
    assert_eq!(found.decision, Decision::ImplicitDeny);
    let wanted = ["zoo:Feed", "zoo:CallKeepers", "zoo:OpenCage"];
    let resources = [LION, "*", LION];
    let pairs: Vec<String> =
        wanted.iter().zip(resources).map(|(action, on)| format!("{action} {on}")).collect();
    assert_eq!(checks_of(&found), pairs);
}

/// E-69: what the request asks about itself is not asked about again.
#[test]
fn stated_dependent_actions_are_not_repeated() {
    let checks = json!([
        {"action": "zoo:Feed", "resource": LION},
        {"action": "ZOO:callkeepers", "resource": "*"},
        {"action": "zoo:OpenCage", "resource": LION},
    ]);
    let found = decide(&["zoo:*"], &json!({"checks": checks}), true);
    assert_eq!(found.decision, Decision::Allowed);
    // The cage of a check of its own needs the lock.
    let pairs: Vec<String> = ["zoo:Feed", "zoo:CallKeepers", "zoo:OpenCage", "zoo:Unlock"]
        .iter()
        .zip([LION, "*", LION, "*"])
        .map(|(action, on)| format!("{action} {on}"))
        .collect();
    assert_eq!(checks_of(&found), pairs);
}
