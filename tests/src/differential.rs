//! The reference against the tables on generated worlds.

mod tally;

use assize::Engine;
use assize::formats::{RequestRecord, Scenario};
use assize_compiler::CompileOptions;
use assize_model::{EffectiveDecision, RequestError};
use serde_json::{Value, json};

pub use self::tally::Tally;
use crate::answer::{Answer, Oracle, engine_with};
use crate::generate::{self, Source, World};

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

/// All passes, each pass switched off, and of budgets so small that nothing fits.
pub fn reduced_passes() -> Vec<(&'static str, CompileOptions)> {
    let full = CompileOptions::default;
    let with = |change: fn(&mut CompileOptions)| {
        let mut options = full();
        change(&mut options);
        options
    };
    vec![
        ("all passes", full()),
        ("no action partition", with(|options| options.action_partition = false)),
        ("no static verdicts", with(|options| options.static_verdicts = false)),
        ("no shared atoms", with(|options| options.shared_atoms = false)),
        ("no joint cells", with(|options| options.joint_cells = false)),
        ("no facts of rows", with(|options| options.row_facts = false)),
        ("no pattern sets", with(|options| options.pattern_sets = false)),
        ("no interning", with(|options| options.interning = false)),
        ("no shared pages", with(|options| options.shared_pages = false)),
        ("no rules", with(|options| options.max_rules = 0)),
        ("one rule a set", with(|options| options.max_rules_per_set = 1)),
        ("no indexed patterns", with(|options| options.max_indexed_patterns = 0)),
        (
            "nothing",
            with(|options| {
                options.action_partition = false;
                options.static_verdicts = false;
                options.shared_atoms = false;
                options.joint_cells = false;
                options.row_facts = false;
                options.pattern_sets = false;
                options.interning = false;
                options.shared_pages = false;
            }),
        ),
    ]
}

/// Decides requests to a world by both, by the tables as a batch and one by one, and compares. The
/// world of a difference is made as small as it can be and still show it.
///
/// # Errors
/// The first difference.
///
/// # Panics
/// When the generator made a world that cannot be read.
pub fn compare(world: &World, requests: &[Value]) -> Result<Tally, Box<Difference>> {
    compare_with(world, requests, &CompileOptions::default())
}

/// [`compare`] with the passes of the compiler that are asked for.
///
/// # Errors
/// The first difference.
///
/// # Panics
/// When the generator made a world that cannot be read.
pub fn compare_with(
    world: &World,
    requests: &[Value],
    passes: &CompileOptions,
) -> Result<Tally, Box<Difference>> {
    first_difference(world, requests, passes).map_err(|unlike| {
        let Unlike { at, expected, found } = *unlike;
        let (world, request) = minimize(world, &requests[at], passes);
        let (expected, found) = differ(&world, &request, passes).unwrap_or((expected, found));
        let scenario = world.reproduce(&request, expectation(&expected));
        Box::new(Difference { expected, found, scenario })
    })
}

/// Two answers to one request.
#[derive(Debug)]
pub struct Unlike {
    /// The position of the request.
    pub at: usize,
    /// What the reference says.
    pub expected: Answer,
    /// What the tables say.
    pub found: Answer,
}

/// [`compare_with`] without making the world of a difference smaller, which takes long.
///
/// # Errors
/// The first difference.
///
/// # Panics
/// When the generator made a world that cannot be read.
pub fn first_difference(
    world: &World,
    requests: &[Value],
    passes: &CompileOptions,
) -> Result<Tally, Box<Unlike>> {
    let scenario = world
        .read()
        .unwrap_or_else(|error| panic!("the generator made a world that cannot be read: {error}"));
    let texts: Vec<String> = requests.iter().map(ToString::to_string).collect();
    let engine = engine_with(&scenario.snapshot, &scenario.options, passes);
    let (decisions, found) = answers(&engine, &texts);
    let mut tally = Tally::of_world(&engine);
    for (at, (decision, found)) in decisions.into_iter().zip(found).enumerate() {
        tally.count(&requests[at], &decision);
        let expected = Answer::of_decision(&decision);
        if expected != found {
            return Err(Box::new(Unlike { at, expected, found }));
        }
    }
    Ok(tally)
}

/// The world of a seed with so many requests.
///
/// # Errors
/// The first difference.
pub fn compare_seed(seed: u64, n_requests: usize) -> Result<Tally, Box<Difference>> {
    compare_seed_with(seed, n_requests, &CompileOptions::default())
}

/// [`compare_seed`] with the passes of the compiler that are asked for.
///
/// # Errors
/// The first difference.
pub fn compare_seed_with(
    seed: u64,
    n_requests: usize,
    passes: &CompileOptions,
) -> Result<Tally, Box<Difference>> {
    let mut source = Source::seeded(seed);
    let world = generate::world(&mut source);
    let requests: Vec<Value> = (0..n_requests).map(|_| generate::request(&mut source)).collect();
    compare_with(&world, &requests, passes)
}

type Decided = Result<EffectiveDecision, RequestError>;

fn answers(engine: &Engine, texts: &[String]) -> (Vec<Decided>, Vec<Answer>) {
    let records: Vec<_> = texts.iter().map(|text| RequestRecord::parse(text)).collect();
    let oracle = Oracle::of_engine(engine);
    let readable: Vec<_> = records.iter().flatten().map(|record| record.request.clone()).collect();
    let mut outcomes = engine.decide_batch(&readable).into_iter();
    let mut decider = engine.decider();
    // The third time everything is decided by what was kept of the tables.
    let mut of_kept = (0..3).map(|_| decider.decide_all(&readable)).last().into_iter().flatten();
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for record in &records {
        match record {
            Ok(record) => {
                expected.push(oracle.evaluate(&record.request));
                let of_many = outcomes.next().into_iter().chain(of_kept.next());
                let mut of_many = of_many.map(|outcome| Answer::of_outcome(&outcome));
                let alone = Answer::of_outcome(&decider.decide(&record.request));
                // Whichever is not what the reference says is what is found.
                let last = expected.last().map(Answer::of_decision);
                found.push(of_many.find(|answer| Some(answer) != last.as_ref()).unwrap_or(alone));
            }
            Err(error) => {
                let decided = Err(error.clone());
                found.push(Answer::of_decision(&decided));
                expected.push(decided);
            }
        }
    }
    (expected, found)
}

/// What a test expects that wants an answer. A file with documents that do not load must have a
/// test that expects their reason (F-41).
pub fn expectation(answer: &Answer) -> Value {
    match (answer.decision(), answer.layer(), answer.reason()) {
        (Some(decision), Some(layer), Some(reason)) => json!({
            "decision": decision.as_str(), "layer": layer.as_str(), "reason": reason.as_str(),
        }),
        _ => json!("error"),
    }
}

/// The two answers, if they differ and the world can be read.
fn differ(world: &World, request: &Value, passes: &CompileOptions) -> Option<(Answer, Answer)> {
    let scenario: Scenario = world.read().ok()?;
    let request = [request.to_string()];
    let engine = engine_with(&scenario.snapshot, &scenario.options, passes);
    let (expected, found) = answers(&engine, &request);
    let expected = Answer::of_decision(&expected.into_iter().next()?);
    let found = found.into_iter().next()?;
    (expected != found).then_some((expected, found))
}

/// Takes away what is not needed for the two answers to differ: members and items, the large
/// ones first.
fn minimize(world: &World, request: &Value, passes: &CompileOptions) -> (World, Value) {
    let mut both = json!({"world": world.scenario, "request": request});
    let still = |both: &Value| {
        let world = World { scenario: both["world"].clone() };
        differ(&world, &both["request"], passes).is_some()
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
