//! Laws: what a change of a policy, a world or a request can do to decisions.

use assize::formats::RequestRecord;
use assize_model::{Decision, EngineOptions, Layer, ReasonCode, Request, RequestErrorKind};
use assize_store::{StoreChange, StoreSnapshot};
use assize_tests::answer::{Answer, engine, engine_with};
use assize_tests::differential::reduced_passes;
use assize_tests::generate::{self, Source, World};
use assize_tests::laws;
use serde_json::{Value, json};

/// Worlds of each law.
const N_WORLDS: u64 = 60;
/// Requests to each.
const N_REQUESTS: usize = 60;

/// The answers of the tables to requests.
fn answers(world: &World, requests: &[Value]) -> Vec<Answer> {
    let scenario = world.read().expect("a generated world can be read");
    let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
    let requests: Vec<Request<'_>> =
        texts.iter().map(|text| RequestRecord::parse(text).expect("a request").request).collect();
    let engine = engine(&scenario.snapshot, &scenario.options);
    engine.decide_batch(&requests).iter().map(Answer::of_outcome).collect()
}

fn generated(seed: u64) -> (World, Vec<Value>, Source<'static>) {
    let mut source = Source::seeded(seed);
    let world = generate::world(&mut source);
    // The laws are about what is decided.
    let requests = (0..N_REQUESTS).map(|_| generate::request(&mut source));
    let requests = requests.filter(|r| RequestRecord::parse(&r.to_string()).is_ok()).collect();
    (world, requests, source)
}

fn is_allowed(answer: &Answer) -> bool {
    answer.decision() == Some(Decision::Allowed)
}

/// Nothing that was not allowed is, after a change of world or requests.
fn never_allows_more(change: impl Fn(&mut World, &mut [Value], &mut Source<'_>)) {
    let (mut n_changed, mut n_allowed) = (0, 0);
    for seed in 0..N_WORLDS {
        let (world, requests, mut source) = generated(seed);
        let before = answers(&world, &requests);
        let (mut changed, mut changed_requests) = (world.clone(), requests.clone());
        change(&mut changed, &mut changed_requests, &mut source);
        let after = answers(&changed, &changed_requests);
        for ((before, after), request) in before.iter().zip(&after).zip(&changed_requests) {
            n_changed += usize::from(before != after);
            n_allowed += usize::from(is_allowed(before));
            assert!(
                !is_allowed(after) || is_allowed(before),
                "seed {seed}: {before:?} became {after:?}\n{}",
                changed.reproduce(request, json!("Denied"))
            );
        }
    }
    assert!(n_changed > 0 && n_allowed > 0, "the law was not tried");
}

/// A change leaves every decision, layer and reason as it was.
fn changes_nothing(change: impl Fn(&mut World, &mut Source<'_>)) {
    let essence = |a: &Answer| (a.decision(), a.layer(), a.reason());
    for seed in 0..N_WORLDS {
        let (world, requests, mut source) = generated(seed);
        let mut changed = world.clone();
        change(&mut changed, &mut source);
        let (before, after) = (answers(&world, &requests), answers(&changed, &requests));
        for ((before, after), request) in before.iter().zip(&after).zip(&requests) {
            assert_eq!(
                essence(before),
                essence(after),
                "seed {seed}: {before:?} became {after:?}\n{}",
                changed.reproduce(request, json!("Denied"))
            );
        }
    }
}

#[test]
fn a_deny_never_allows_more() {
    never_allows_more(|world, _, source| {
        for _ in 0..5 {
            laws::add_deny(world, source);
        }
    });
}

#[test]
fn a_first_boundary_never_allows_more() {
    never_allows_more(|world, _, source| laws::add_boundaries(world, source));
}

#[test]
fn a_first_session_policy_never_allows_more() {
    never_allows_more(|_, requests, source| {
        for request in requests {
            laws::add_session_policy(request, source);
        }
    });
}

#[test]
fn scps_in_place_of_full_access_never_allow_more() {
    never_allows_more(|world, _, source| laws::tighten_scps(world, source));
}

/// Invariant 1: what the store lacks and what does not load never allows more; whoever and
/// whatever is not known is an error or denied.
/// E-59: an error allows nothing.
#[test]
fn ignorance_never_allows() {
    let with_poison = |world: &mut World, _: &mut [Value], source: &mut Source<'_>| {
        for _ in 0..8 {
            laws::break_one(world, source);
        }
    };
    // Options that drop what does not load would make the worlds before differ, too.
    never_allows_more(|world, requests, source| {
        if world.scenario["options"]["skipInvalidPolicies"] != json!(true) {
            with_poison(world, requests, source);
        }
    });
    let (world, ..) = generated(0);
    let unknown = [
        json!({"principal": "arn:aws:iam::111111111111:user/nobody", "action": "s3:GetObject", "resource": "arn:aws:s3:::b1/k"}),
        json!({"principal": "arn:aws:sts::111111111111:assumed-role/Nobody/s", "action": "s3:GetObject", "resource": "arn:aws:s3:::b1/k"}),
        json!({"principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::b1/k", "network": {"vpce": "vpce-none", "vpceAccount": "111111111111"}}),
    ];
    for answer in answers(&world, &unknown) {
        assert_eq!(answer.decision(), None, "{answer:?}");
    }
    let mut world = world;
    world.scenario["options"] = json!({"time": "2024-05-01T12:00:00Z"});
    let nobodys = json!({"principal": {"type": "root", "account": "111111111111"}, "action": "s3:GetObject", "resource": "arn:aws:s3:::nowhere/k"});
    assert!(answers(&world, &[nobodys]).iter().all(|answer| !is_allowed(answer)));
}

/// Invariant 4: order, repetitions, Sids and the way statements are cut change no decision.
#[test]
fn order_changes_no_decision() {
    changes_nothing(laws::reorder);
    changes_nothing(|world, _| laws::remove_sids(world));
    changes_nothing(|world, _| laws::split(world));
}

/// Invariant 3: each pass of the compiler keeps every answer, on generated worlds.
#[test]
fn passes_keep_answers_on_generated_worlds() {
    for seed in 0..N_WORLDS / 2 {
        let (world, requests, _) = generated(seed);
        let scenario = world.read().expect("a world");
        let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
        let requests: Vec<Request<'_>> = texts
            .iter()
            .map(|text| RequestRecord::parse(text).expect("a request").request)
            .collect();
        let expected = engine(&scenario.snapshot, &scenario.options).decide_batch(&requests);
        for (name, passes) in reduced_passes() {
            let engine = engine_with(&scenario.snapshot, &scenario.options, &passes);
            let found = engine.decide_batch(&requests);
            for ((expected, found), text) in expected.iter().zip(&found).zip(&texts) {
                let (expected, found) = (Answer::of_outcome(expected), Answer::of_outcome(found));
                assert_eq!(found, expected, "seed {seed}, {name}: {text}");
            }
        }
    }
}

/// A snapshot that was changed step by step decides as one that was made at once.
#[test]
fn changes_step_by_step_decide_alike() {
    for seed in 0..N_WORLDS / 2 {
        let (world, requests, _) = generated(seed);
        let scenario = world.read().expect("a world");
        let whole = &scenario.snapshot;
        let mut editor = whole.edit();
        let ids: Vec<_> = whole.accounts().map(|account| account.id).collect();
        for id in &ids {
            let account = whole.account_with_texts(*id).expect("an account of the snapshot");
            editor.apply(StoreChange::RemoveAccount(*id)).expect("it is there");
            editor.apply(StoreChange::PutAccount(Box::new(account))).expect("it was there");
        }
        let (again, _): (StoreSnapshot, _) = editor.commit();
        let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
        let requests: Vec<Request<'_>> = texts
            .iter()
            .map(|text| RequestRecord::parse(text).expect("a request").request)
            .collect();
        let expected = engine(whole, &scenario.options).decide_batch(&requests);
        let found = engine(&again, &scenario.options).decide_batch(&requests);
        for ((expected, found), text) in expected.iter().zip(&found).zip(&texts) {
            let (expected, found) = (Answer::of_outcome(expected), Answer::of_outcome(found));
            assert_eq!(found, expected, "seed {seed}: {text}");
        }
    }
}

/// An empty world allows nobody anything but asking who one is.
#[test]
fn an_empty_world_allows_nothing() {
    let options = EngineOptions { time: Some(0), ..EngineOptions::default() };
    let engine = engine(&StoreSnapshot::empty(), &options);
    let mut source = Source::seeded(7);
    for _ in 0..500 {
        let text = generate::request(&mut source).to_string();
        let Ok(record) = RequestRecord::parse(&text) else { continue };
        match engine.decide(&record.request) {
            Ok(outcome) if outcome.decision.is_allowed() => {
                let is_builtin = outcome.layer == Layer::Builtin;
                let is_root = outcome.reason == ReasonCode::Root;
                let is_given = text.contains("\"policy\"")
                    || text.contains("kmsGrants")
                    || text.contains("inline");
                assert!(is_builtin || is_root || is_given, "{outcome:?}: {text}");
            }
            Ok(_) => {}
            Err(error) => assert_ne!(error.kind(), RequestErrorKind::Internal, "{text}"),
        }
    }
}
