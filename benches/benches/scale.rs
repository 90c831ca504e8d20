//! How cost grows: loading and compiling, compiling again after a change, statements and patterns
//! a policy set, session policies a batch, partial context, hostile policies and requests; and what
//! each pass of the compiler buys. Tables of the record, as Markdown, beside their targets; answers
//! are checked against the reference interpreter before anything is timed.
//!
//! `-- --test` makes it small.

#![expect(clippy::print_stdout, reason = "the tables are the result")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use assize::catalog::Catalog;
use assize::compiler::CompileOptions;
use assize::model::{PolicyText, Principal, PrincipalKind, Request, Session, StatedPrincipal};
use assize::store::StoreChange;
use assize::{BundledPolicies, Engine};
use assize_benches::measure::{N_WARM_UPS, median, quantile, rate, shown_rate, time};
use assize_benches::setup::{Ready, managed_source, request_of, scenario, workloads};
use assize_benches::workload::{
    self, Hostile, ManagedSource, Workload, WorkloadRequest, statements_of, wildcards_of,
};

/// What is measured how often.
struct Size {
    n_runs: usize,
    n_requests: usize,
    n_edits: usize,
    n_statements: &'static [usize],
    n_patterns: &'static [usize],
    /// Hostile sizes are this part of the largest, and a quarter of it.
    hostile_part: usize,
}

const FULL: Size = Size {
    n_runs: 7,
    n_requests: 32_768,
    n_edits: 60,
    n_statements: &[10, 100, 1_000, 10_000],
    n_patterns: &[50, 500, 5_000],
    hostile_part: 1,
};
const SMALL: Size = Size {
    n_runs: 1,
    n_requests: 512,
    n_edits: 3,
    n_statements: &[10, 100],
    n_patterns: &[50, 100],
    hostile_part: 64,
};

fn main() -> Result<(), Box<dyn Error>> {
    let size = if std::env::args().any(|arg| arg == "--test") { SMALL } else { FULL };
    let managed = managed_source()?;
    load_and_compile(&size, &managed)?;
    compile_again(&size, &managed)?;
    let ready = |n: usize| Ready::new("statements", statements_of(&managed, n));
    growth("statements of AWS-managed policies", "1.5", size.n_statements, &size, &ready)?;
    let ready = |n: usize| Ready::new("patterns", wildcards_of(n));
    growth("patterns of W3's shape", "4", size.n_patterns, &size, &ready)?;
    session_policies(&size, &managed)?;
    partial_context(&size)?;
    hostile(&size)?;
    passes(&size)
}

/// From the text of a world to an engine that decides. Catalog and managed policies are there.
fn load_and_compile(size: &Size, managed: &ManagedSource) -> Result<(), Box<dyn Error>> {
    println!("| load and compile | target | load | compile | together | heap, most | heap, kept |");
    println!("|---|---|---|---|---|---|---|");
    let mut worlds = workloads()?;
    worlds.push(("10,000 principals in 100 accounts", workload::organization(managed)));
    let targets = ["20 ms", "50 ms, 30 MB", "20 ms", "2 s, 200 MB"];
    for ((label, workload), target) in worlds.into_iter().zip(targets) {
        let text = workload.world.to_scenario();
        let (mut loads, mut compiles, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..size.n_runs {
            let (load, compile, engine) = made(&text)?;
            drop(engine);
            loads.push(load);
            compiles.push(compile);
            sums.push(load + compile);
        }
        let mut kept = None;
        let heap = allocation_counter::measure(|| kept = made(&text).ok());
        println!(
            "| {label} | {target} | {:.1?} | {:.1?} | {:.1?} | {} | {} |",
            median(&mut loads),
            median(&mut compiles),
            median(&mut sums),
            megabytes(heap.bytes_max),
            megabytes(u64::try_from(heap.bytes_current).unwrap_or_default()),
        );
    }
    println!();
    Ok(())
}

fn made(text: &str) -> Result<(Duration, Duration, Engine), Box<dyn Error>> {
    let text = text.to_owned();
    let (load, scenario) = time(|| scenario("world.assize.json", text));
    let scenario = scenario?;
    let (compile, engine) = time(|| Engine::new(scenario.snapshot, scenario.options));
    Ok((load, compile, engine?))
}

fn megabytes(n_bytes: u64) -> String {
    format!("{}.{} MB", n_bytes / 1_000_000, n_bytes / 100_000 % 10)
}

/// One AWS-managed policy of W2 after the other gets a statement more; the engine after each edit
/// is made from the one before.
fn compile_again(size: &Size, managed: &ManagedSource) -> Result<(), Box<dyn Error>> {
    let workload = workload::account(managed);
    let read = scenario("account.assize.json", workload.world.to_scenario())?;
    let engine = Engine::new(read.snapshot, read.options)?;
    let n_policies = engine.snapshot().aws_managed_policies().count();
    let (mut durations, mut n_compiled) = (Vec::new(), Vec::new());
    for at in (0..n_policies).step_by((n_policies / size.n_edits).max(1)) {
        let Some(snapshot) = edited(&engine, at) else { continue };
        let (duration, after) = time(|| engine.with_snapshot(snapshot.clone()));
        let after = after?;
        n_compiled.push(after.compile_report().n_compiled_sets);
        durations.push(duration);
        let anew = Engine::new(snapshot, engine.options().clone())?;
        if after.tables().canonical_dump() != anew.tables().canonical_dump() {
            return Err(format!("policy {at}: compiling again is not compiling anew").into());
        }
    }
    durations.sort_unstable();
    n_compiled.sort_unstable();
    println!("| compile again, W2 | target | median | p90 | longest | sets made, median | most |");
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| {} edits, same tables as made anew | 5 ms | {:.2?} | {:.2?} | {:.2?} | {} | {} |",
        durations.len(),
        quantile(&durations, 0.5),
        quantile(&durations, 0.9),
        quantile(&durations, 1.0),
        n_compiled.get(n_compiled.len() / 2).copied().unwrap_or_default(),
        n_compiled.last().copied().unwrap_or_default(),
    );
    println!();
    Ok(())
}

/// The engine's snapshot with a statement more in one AWS-managed policy.
fn edited(engine: &Engine, at: usize) -> Option<assize::store::StoreSnapshot> {
    let snapshot = engine.snapshot();
    let policy = snapshot.aws_managed_policies().nth(at)?;
    let document = snapshot.document(*policy.default_document()?)?;
    let more = r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"},"#;
    let mut text = document.text.as_deref()?.to_owned();
    let place = text.find('[').filter(|at| text[..*at].trim_end().ends_with(':'))?;
    if !text[..place].contains(r#""Statement""#) {
        return None;
    }
    text.insert_str(place + 1, more);
    let version = assize::store::PolicyVersion {
        id: "v99".into(),
        document: assize::store::DocumentText::new(text),
        created: None,
    };
    let policy = assize::store::ManagedPolicy {
        arn: policy.arn.clone(),
        name: policy.name.clone(),
        path: policy.path.clone(),
        unique_id: None,
        versions: vec![version],
        default_version: 0,
        created: None,
        description: None,
        tags: Vec::new(),
    };
    let mut editor = snapshot.edit();
    editor.apply(StoreChange::PutAwsManagedPolicy(policy)).ok()?;
    Some(editor.commit().0)
}

/// Nanoseconds a decision of columns in memory.
fn decide(ready: &Ready, requests: &[WorkloadRequest], size: &Size) -> Result<f64, Box<dyn Error>> {
    let typed: Vec<_> = requests.iter().map(request_of).collect();
    let mut decider = ready.engine.decider();
    let sample = requests.len().min(64);
    let outcomes = decider.decide_all(&typed[..sample]);
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    ready.check(&requests[..sample], &outcomes, 8)?;
    Ok(cost(&ready.engine, requests, size))
}

fn cost(engine: &Engine, requests: &[WorkloadRequest], size: &Size) -> f64 {
    let typed: Vec<_> = requests.iter().map(request_of).collect();
    cost_of(engine, &typed, size)
}

fn cost_of(engine: &Engine, requests: &[Request<'_>], size: &Size) -> f64 {
    let mut decider = engine.decider();
    decider.prepare(requests);
    for _ in 0..N_WARM_UPS {
        decider.decide_prepared();
    }
    let mut durations: Vec<Duration> =
        (0..size.n_runs).map(|_| time(|| decider.decide_prepared().len()).0).collect();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let n_requests = requests.len().max(1) as f64;
    median(&mut durations).as_secs_f64() * 1e9 / n_requests
}

/// What it costs that context may be unknown: the same requests, resolved and decided in complete
/// and in partial context.
fn partial_context(size: &Size) -> Result<(), Box<dyn Error>> {
    println!("| partial context | complete, ns a request | partial | of complete | target |");
    println!("|---|---|---|---|---|");
    for (complete, partial) in Ready::all()?.into_iter().zip(Ready::all()?) {
        let (label, partial) = (complete.label, partial.partial()?);
        let requests: Vec<_> = complete.workload.requests().take(size.n_requests).collect();
        let typed: Vec<_> = requests.iter().map(request_of).collect();
        let mut deciders = [complete.engine.decider(), partial.engine.decider()];
        for (ready, decider) in [&complete, &partial].into_iter().zip(&mut deciders) {
            let outcomes = decider.decide_all(&typed).into_iter().collect::<Result<Vec<_>, _>>()?;
            ready.check(&requests, &outcomes, 64)?;
        }
        let mut durations = [Vec::new(), Vec::new()];
        for _ in 0..size.n_runs {
            for (decider, durations) in deciders.iter_mut().zip(&mut durations) {
                durations.push(time(|| decider.decide_all(&typed).len()).0);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let n_requests = typed.len().max(1) as f64;
        let [complete, partial] =
            durations.map(|mut of_runs| median(&mut of_runs).as_secs_f64() * 1e9 / n_requests);
        println!("| {label} | {complete:.0} | {partial:.0} | {:.2} | 2 |", partial / complete);
    }
    println!();
    Ok(())
}

/// What each pass of the compiler buys: all of them, then each one switched off.
fn passes(size: &Size) -> Result<(), Box<dyn Error>> {
    let all = CompileOptions::default;
    let off = |change: fn(&mut CompileOptions)| {
        let mut options = all();
        change(&mut options);
        options
    };
    let passes = [
        ("all passes", all()),
        ("no interning", off(|options| options.interning = false)),
        ("no shared atoms", off(|options| options.shared_atoms = false)),
        ("no action partition", off(|options| options.action_partition = false)),
        ("no static verdicts", off(|options| options.static_verdicts = false)),
        ("no pattern sets", off(|options| options.pattern_sets = false)),
        ("no shared pages", off(|options| options.shared_pages = false)),
        ("no joint cells", off(|options| options.joint_cells = false)),
        ("no facts of rows", off(|options| options.row_facts = false)),
    ];
    let ready = Ready::all()?;
    let requests: Vec<Vec<WorkloadRequest>> = ready
        .iter()
        .map(|ready| ready.workload.requests().take(size.n_requests / 4).collect())
        .collect();
    println!("| passes | compile W2 | tables of W2 | W1, ns a decision | W2 | W3 |");
    println!("|---|---|---|---|---|---|");
    let (catalog, managed) = (Catalog::bundled()?, BundledPolicies::new()?);
    for (name, passes) in passes {
        let (mut costs, mut compiles, mut n_bytes) = (Vec::new(), Vec::new(), 0);
        for (ready, requests) in ready.iter().zip(&requests) {
            let (snapshot, options) = (ready.engine.snapshot(), ready.engine.options());
            let (snapshot, options) = (snapshot.clone(), options.clone());
            let (catalog, managed) = (Arc::clone(&catalog), managed.clone());
            let build = || Engine::build(snapshot, options, catalog, managed, &passes);
            let (compile, engine) = time(build);
            let engine = engine?;
            if ready.label == "W2" {
                compiles.push(compile);
                n_bytes = engine.compile_report().n_bytes;
            }
            costs.push(cost(&engine, requests, size));
        }
        let [w1, w2, w3] = costs[..] else { return Err("there are three workloads".into()) };
        println!(
            "| {name} | {:.1?} | {} | {w1:.1} | {w2:.1} | {w3:.1} |",
            median(&mut compiles),
            megabytes(u64::try_from(n_bytes)?),
        );
    }
    println!();
    Ok(())
}

/// What a decision costs as one policy set grows.
fn growth(
    what: &str,
    target: &str,
    counts: &[usize],
    size: &Size,
    ready: &dyn Fn(usize) -> assize_benches::setup::Result<Ready>,
) -> Result<(), Box<dyn Error>> {
    println!("| {what} | ns a decision | of the first | target of the last |");
    println!("|---|---|---|---|");
    let mut first = None;
    for &count in counts {
        let ready = ready(count)?;
        let requests: Vec<_> = ready.workload.requests().take(size.n_requests).collect();
        let cost = decide(&ready, &requests, size)?;
        let first = *first.get_or_insert(cost);
        let n_statements = ready.engine.compile_report().n_statements;
        println!("| {n_statements} | {cost:.1} | {:.2} | {target} |", cost / first);
    }
    println!();
    Ok(())
}

/// How many distinct session policies the requests of a batch carry.
const N_SESSION_POLICIES: [usize; 4] = [0, 1, 100, 10_000];

/// The requests of W1 by sessions of its role: without session policies, and with more and more
/// distinct ones, which take turns. A batch is decided from typed requests by an engine that has
/// seen none of them, the policies loaded and compiled on the way; then its columns once more.
fn session_policies(size: &Size, managed: &ManagedSource) -> Result<(), Box<dyn Error>> {
    let ready = Ready::new("W1", workload::principal(managed))?;
    let n_requests = size.n_requests * 4;
    let requests: Vec<_> = ready.workload.requests().take(n_requests).collect();
    println!(
        "| distinct session policies in a batch of {n_requests} | the batch, requests a second | decided again, ns a decision | of none | heap, most |"
    );
    println!("|---|---|---|---|---|");
    let mut none = None;
    for n in N_SESSION_POLICIES {
        let policies: Vec<String> = (0..n).map(workload::session_policy).collect();
        let typed: Vec<_> = requests
            .iter()
            .enumerate()
            .map(|(at, request)| of_session(request, policies.get(at % n.max(1))))
            .collect();
        let outcomes = ready.engine.decider().decide_all(&typed);
        let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
        ready.check_typed(&typed, &outcomes, 331)?;
        let all = || ready.engine.decider().decide_all(&typed).len();
        let mut durations: Vec<_> = (0..size.n_runs.min(3)).map(|_| time(all).0).collect();
        let heap = allocation_counter::measure(|| {
            all();
        });
        let again = cost_of(&ready.engine, &typed, size);
        let none = *none.get_or_insert(again);
        println!(
            "| {n} | {} | {again:.1} | {:.2} | {} |",
            shown_rate(rate(n_requests, median(&mut durations))),
            again / none,
            megabytes(heap.bytes_max),
        );
    }
    println!();
    Ok(())
}

/// A request by a session of its role, with a session policy or without.
fn of_session<'r>(request: &'r WorkloadRequest, policy: Option<&'r String>) -> Request<'r> {
    let session = Session {
        name: Some("app".into()),
        policy: policy.map(|text| PolicyText(text.as_str().into())),
        ..Session::default()
    };
    let principal = StatedPrincipal {
        role: Some(request.principal.as_str().into()),
        session: Some(session),
        ..StatedPrincipal::new(PrincipalKind::RoleSession)
    };
    Request { principal: Principal::Stated(Box::new(principal)), ..request_of(request) }
}

/// What hostile policies and requests cost at two sizes, and the slope: 1 is linear.
fn hostile(size: &Size) -> Result<(), Box<dyn Error>> {
    println!(
        "| hostile | sizes | compile | slope | tables | slope | a decision | slope | target of slopes |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for hostile in Hostile::ALL {
        let large = (hostile.largest() / size.hostile_part).max(4);
        let sizes = [large / 4, large];
        let mut found = Vec::new();
        for n in sizes {
            found.push(hostile_costs(hostile.workload(n), size)?);
        }
        let slope = |of: fn(&[f64; 3]) -> f64| {
            (of(&found[1]) / of(&found[0]).max(f64::MIN_POSITIVE)).ln() / 4_f64.ln()
        };
        let [compile, bytes, decision] = found[1];
        println!(
            "| {} | {} and {} | {:.1?} | {:.2} | {:.1} MB | {:.2} | {:.1?} | {:.2} | 1 |",
            hostile.name(),
            sizes[0],
            sizes[1],
            Duration::from_secs_f64(compile),
            slope(|costs| costs[0]),
            bytes / 1e6,
            slope(|costs| costs[1]),
            Duration::from_secs_f64(decision),
            slope(|costs| costs[2]),
        );
    }
    println!();
    Ok(())
}

/// Seconds to load and compile, bytes of the tables, seconds a decision.
fn hostile_costs(workload: Workload, size: &Size) -> Result<[f64; 3], Box<dyn Error>> {
    let text = workload.world.to_scenario();
    let mut durations = Vec::new();
    for _ in 0..size.n_runs.min(3) {
        let (load, compile, engine) = made(&text)?;
        drop(engine);
        durations.push(load + compile);
    }
    let ready = Ready::new("hostile", workload)?;
    let requests: Vec<_> = ready.workload.requests().take(256).collect();
    let fewer = Size { n_runs: size.n_runs.min(3), ..*size };
    let cost = decide(&ready, &requests, &fewer)?;
    #[expect(clippy::cast_precision_loss, reason = "tables are far below 2^52 bytes")]
    let n_bytes = ready.engine.compile_report().n_bytes as f64;
    Ok([median(&mut durations).as_secs_f64(), n_bytes, cost / 1e9])
}
