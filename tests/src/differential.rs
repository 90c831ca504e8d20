//! The reference against the tables on generated worlds.

use std::collections::BTreeMap;

use assize::formats::{RequestRecord, Scenario};
use assize_model::{Decision, EngineOptions, Layer, ReasonCode};
use assize_store::StoreSnapshot;
use serde_json::{Value, json};

use crate::answer::{Answer, Oracle, engine};
use crate::generate::{self, Source, World};

/// What came up, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests.
    pub n_requests: usize,
    /// By decision.
    pub decisions: BTreeMap<Decision, usize>,
    /// By decisive layer.
    pub layers: BTreeMap<Layer, usize>,
    /// By decision and decisive layer.
    pub outcomes: BTreeMap<(Decision, Layer), usize>,
    /// By reason.
    pub reasons: BTreeMap<ReasonCode, usize>,
    /// Requests that are malformed.
    pub n_errors: usize,
}

impl Tally {
    fn count(&mut self, answer: &Answer) {
        self.n_requests += 1;
        let (Some(decision), Some(layer), Some(reason)) =
            (answer.decision(), answer.layer(), answer.reason())
        else {
            self.n_errors += 1;
            return;
        };
        *self.decisions.entry(decision).or_default() += 1;
        *self.layers.entry(layer).or_default() += 1;
        *self.outcomes.entry((decision, layer)).or_default() += 1;
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        fn merge<K: Ord + Copy>(into: &mut BTreeMap<K, usize>, from: &BTreeMap<K, usize>) {
            for (key, n) in from {
                *into.entry(*key).or_default() += n;
            }
        }
        self.n_requests += other.n_requests;
        self.n_errors += other.n_errors;
        merge(&mut self.decisions, &other.decisions);
        merge(&mut self.layers, &other.layers);
        merge(&mut self.outcomes, &other.outcomes);
        merge(&mut self.reasons, &other.reasons);
    }
}

/// Two answers to one request that differ.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What the reference says.
    pub expected: Answer,
    /// What the tables say.
    pub found: Answer,
    /// The scenario file that shows it, made small.
    pub scenario: String,
}

/// Decides requests to a world by both, as a batch, and compares. The world of a difference is
/// made as small as it can be and still show it.
///
/// # Errors
/// The first difference.
///
/// # Panics
/// When the generator made a world that cannot be read.
pub fn compare(world: &World, requests: &[Value]) -> Result<Tally, Box<Difference>> {
    let scenario = world
        .read()
        .unwrap_or_else(|error| panic!("the generator made a world that cannot be read: {error}"));
    let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
    let (expected, found) = answers(&scenario.snapshot, &scenario.options, &texts);
    let mut tally = Tally::default();
    for ((expected, found), request) in expected.into_iter().zip(found).zip(requests) {
        tally.count(&expected);
        if expected != found {
            let (world, request) = minimize(world, request);
            let (expected, found) = differ(&world, &request).unwrap_or((expected, found));
            let expect = match expected.decision() {
                Some(decision) => json!({"decision": decision.as_str()}),
                None => json!("error"),
            };
            let scenario = world.reproduce(&request, expect);
            return Err(Box::new(Difference { expected, found, scenario }));
        }
    }
    Ok(tally)
}

/// The world of a seed with so many requests.
///
/// # Errors
/// The first difference.
pub fn compare_seed(seed: u64, n_requests: usize) -> Result<Tally, Box<Difference>> {
    let mut source = Source::seeded(seed);
    let world = generate::world(&mut source);
    let requests: Vec<Value> = (0..n_requests).map(|_| generate::request(&mut source)).collect();
    compare(&world, &requests)
}

fn answers(
    snapshot: &StoreSnapshot,
    options: &EngineOptions,
    texts: &[String],
) -> (Vec<Answer>, Vec<Answer>) {
    let records: Vec<_> = texts.iter().map(|text| RequestRecord::parse(text)).collect();
    let oracle = Oracle::new(snapshot, options);
    let engine = engine(snapshot, options);
    let readable: Vec<_> = records.iter().flatten().map(|record| record.request.clone()).collect();
    let mut outcomes = engine.decide_batch(&readable).into_iter();
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for record in &records {
        match record {
            Ok(record) => {
                expected.push(Answer::of_decision(&oracle.evaluate(&record.request)));
                found.extend(outcomes.next().map(|outcome| Answer::of_outcome(&outcome)));
            }
            Err(error) => {
                let answer = Answer::of_decision(&Err(error.clone()));
                expected.push(answer.clone());
                found.push(answer);
            }
        }
    }
    (expected, found)
}

/// The two answers, if they differ and the world can be read.
fn differ(world: &World, request: &Value) -> Option<(Answer, Answer)> {
    let scenario: Scenario = world.read().ok()?;
    let (expected, found) = answers(&scenario.snapshot, &scenario.options, &[request.to_string()]);
    let (expected, found) = (expected.into_iter().next()?, found.into_iter().next()?);
    (expected != found).then_some((expected, found))
}

/// Takes away what is not needed for the two answers to differ: members and items, the large
/// ones first.
fn minimize(world: &World, request: &Value) -> (World, Value) {
    let mut both = json!({"world": world.scenario, "request": request});
    let still = |both: &Value| {
        let world = World { scenario: both["world"].clone() };
        differ(&world, &both["request"]).is_some()
    };
    let mut shrunk = true;
    while shrunk {
        shrunk = false;
        let mut paths = Vec::new();
        paths_of(&both, &mut String::new(), &mut paths);
        for path in paths {
            if let Some(smaller) = without(&both, &path)
                && still(&smaller)
            {
                both = smaller;
                shrunk = true;
            }
        }
    }
    let request = both["request"].clone();
    (World { scenario: both["world"].take() }, request)
}

/// The pointers of everything in a value, outer before inner.
fn paths_of(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).rev().collect()
        }
        _ => return,
    };
    for (key, child) in children {
        let len = path.len();
        path.push('/');
        path.push_str(&key);
        paths.push(path.clone());
        paths_of(child, path, paths);
        path.truncate(len);
    }
}

/// The value without what stands at a pointer.
fn without(value: &Value, pointer: &str) -> Option<Value> {
    let mut value = value.clone();
    let (parent, key) = pointer.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent)? {
        Value::Object(members) => {
            members.remove(&key)?;
        }
        Value::Array(items) => {
            let at: usize = key.parse().ok()?;
            if at >= items.len() {
                return None;
            }
            items.remove(at);
        }
        _ => return None,
    }
    Some(value)
}
