//! Laws of partial context: what follows for certain stays (evaluation, 10.3).

use assize::formats::RequestRecord;
use assize::{Engine, Outcome};
use assize_model::{Decision, RequestError};
use assize_tests::answer::engine;
use assize_tests::generate::{self, Source, World};
use assize_tests::partial::{bounds_of, give, in_mode, lies_within, say_more, without_lists};
use serde_json::{Value, json};

/// Worlds of each law.
const N_WORLDS: u64 = 150;
/// Requests to each.
const N_REQUESTS: usize = 60;
/// Completions of each request.
const N_COMPLETIONS: usize = 3;

fn engine_of(world: &World) -> Engine {
    let scenario = world.read().expect("a generated world can be read");
    engine(&scenario.snapshot, &scenario.options)
}

/// A world in partial context and in complete context, with an engine for each.
fn in_both_modes(world: &World) -> [(Engine, World); 2] {
    ["partial", "complete"].map(|mode| {
        let world = in_mode(world, mode);
        (engine_of(&world), world)
    })
}

fn decide(engine: &Engine, request: &Value) -> Result<Outcome, RequestError> {
    let text = request.to_string();
    let record = RequestRecord::parse(&text)?;
    engine.decide(&record.request)
}

fn bounds(outcome: &Outcome) -> (Decision, Decision) {
    bounds_of(outcome.decision, outcome.bounds)
}

/// E-123, E-131: whatever the unknown keys turn out to be, the decision lies between the bounds, and is
/// theirs where they are equal; what is said more never widens them.
#[test]
fn what_is_decided_stays_decided() {
    let (mut n_definite, mut n_open, mut n_narrowed) = (0, 0, 0);
    for seed in 0..N_WORLDS {
        let mut source = Source::seeded(seed);
        let world = generate::world(&mut source);
        let [(partial, partial_world), (complete, complete_world)] = in_both_modes(&world);
        for _ in 0..N_REQUESTS {
            let request = without_lists(&generate::request(&mut source));
            let Ok(open) = decide(&partial, &request) else { continue };
            let around = bounds(&open);
            for _ in 0..N_COMPLETIONS {
                let mut more = request.clone();
                say_more(&mut more, &mut source);
                for (engine, world) in [(&partial, &partial_world), (&complete, &complete_world)] {
                    let Ok(said) = decide(engine, &more) else { continue };
                    n_definite += usize::from(around.0 == around.1);
                    n_open += usize::from(around.0 != around.1);
                    n_narrowed += usize::from(bounds(&said) != around);
                    assert!(
                        lies_within(bounds(&said), around),
                        "seed {seed}: {said:?} is not within {open:?} of\n{request}\n{}",
                        world.reproduce(&more, json!("Denied"))
                    );
                }
            }
        }
    }
    let counts = [n_definite, n_open, n_narrowed];
    assert!(counts.iter().all(|n| *n > 300), "the law was not tried: {counts:?}");
}

/// E-129: once the keys that an answer depends on are given it is no longer indeterminate.
#[test]
fn what_an_answer_depends_on_settles_it() {
    let (mut n_settled, mut n_left) = (0, 0);
    for seed in 0..4 * N_WORLDS {
        let mut source = Source::seeded(seed);
        let world = in_mode(&generate::world(&mut source), "partial");
        let engine = engine_of(&world);
        for _ in 0..N_REQUESTS {
            let request = without_lists(&generate::request(&mut source));
            let Ok(open) = decide(&engine, &request) else { continue };
            if open.decision != Decision::Indeterminate {
                continue;
            }
            assert!(!open.depends_on.is_empty(), "seed {seed}: {open:?}\n{request}");
            let mut given = request.clone();
            if !open.depends_on.iter().all(|key| give(&mut given, key, &mut source)) {
                n_left += 1;
                continue;
            }
            let Ok(settled) = decide(&engine, &given) else { continue };
            n_settled += 1;
            assert!(
                settled.decision != Decision::Indeterminate,
                "seed {seed}: {settled:?} after {open:?}\n{}",
                world.reproduce(&given, json!("Denied"))
            );
        }
    }
    assert!(n_settled > 100, "the law was not tried: {n_settled} settled, {n_left} left");
}

/// E-122: a request that says all there is to say of every key is decided as in complete context;
/// what complete context derives is derived.
#[test]
fn what_is_told_completely_is_decided_as_in_complete_context() {
    let (mut n_alike, mut n_open) = (0, 0);
    for seed in 0..4 * N_WORLDS {
        let mut source = Source::seeded(seed);
        let world = generate::world(&mut source);
        let [(partial, partial_world), (complete, _)] = in_both_modes(&world);
        for _ in 0..N_REQUESTS {
            let request = without_lists(&generate::request(&mut source));
            let Ok(expected) = decide(&complete, &request) else { continue };
            let was_open = decide(&partial, &request).is_ok_and(|open| open.bounds.is_some());
            let mut told = request.clone();
            told["complete"] = json!(["*"]);
            let found = decide(&partial, &told);
            let answer = |outcome: &Outcome| (outcome.decision, outcome.layer, outcome.reason);
            assert_eq!(
                found.as_ref().map(answer),
                Ok(answer(&expected)),
                "seed {seed}: {found:?}\n{}",
                partial_world.reproduce(&told, json!(expected.decision.as_str()))
            );
            n_alike += 1;
            n_open += usize::from(was_open);
        }
    }
    assert!(n_open > 1_000, "the law was not tried: {n_open} open of {n_alike}");
}
