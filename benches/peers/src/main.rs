//! Other evaluators of AWS policies on W1, W2 and W3, with their wrong answers counted.

mod aspen;
mod iam_rs;
mod simulate;

use std::error::Error;
use std::time::{Duration, Instant};

use assize_benches::measure::{rate, shown_rate};
use assize_benches::ruler::Answer;
use assize_benches::setup::{Ready, request_of};
use assize_benches::workload::{PolicyDocument, WorkloadRequest, World};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Requests at most: peers are slow.
const N_REQUESTS: usize = 10_000;
/// What organizations attach everywhere.
const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The verdict of one layer.
enum Verdict {
    Allow,
    Deny,
    Neither,
}

/// What a peer did.
struct Measured {
    n: usize,
    n_wrong: usize,
    n_errors: usize,
    duration: Duration,
}

fn main() -> Result<()> {
    let seconds = std::env::args().skip_while(|arg| arg != "--seconds").nth(1);
    let limit = Duration::from_secs(seconds.map_or(Ok(3), |text| text.parse())?);
    println!(
        "| workload | peer | decisions a second | asked | wrong | errors | policies not loaded | Assize, typed requests |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for ready in Ready::all()? {
        let requests: Vec<_> = ready.workload.requests().take(N_REQUESTS).collect();
        let own = own_rate(&ready, &requests);
        let row = |peer: &str, measured: &Measured, n_refused: usize| {
            println!(
                "| {} | {peer} | {} | {} | {} | {} | {n_refused} | {} |",
                ready.label,
                shown_rate(rate(measured.n, measured.duration)),
                measured.n,
                measured.n_wrong,
                measured.n_errors,
                shown_rate(own),
            );
        };
        let mut wanted = Vec::new();
        for request in &requests {
            wanted.push(ready.of_three_layers(request)?);
        }
        let (measured, n_refused) = iam_rs::run(&ready, &requests, &wanted, limit);
        row("iam-rs", &measured, n_refused);
        let (measured, n_refused) = aspen::run(&ready, &requests, &wanted, limit);
        row("scratchstack-aspen", &measured, n_refused);
        if let Some([unchecked, checked]) = simulate::run(&ready, &requests, limit)? {
            row("iam-simulate, unchecked", &unchecked, 0);
            row("iam-simulate, checked", &checked, 0);
        }
    }
    Ok(())
}

/// Typed requests a second of Assize, for the ratio in the same run.
fn own_rate(ready: &Ready, requests: &[WorkloadRequest]) -> f64 {
    let typed: Vec<_> = requests.iter().map(request_of).collect();
    let mut decider = ready.engine.decider();
    decider.decide_all(&typed);
    let started = Instant::now();
    let n = decider.decide_all(&typed).len();
    rate(n, started.elapsed())
}

/// Asks a peer until time is over. A request that AWS allows unasked is not asked.
fn measure(
    wanted: &[Option<Answer>],
    limit: Duration,
    mut ask: impl FnMut(usize) -> Option<Answer>,
) -> Measured {
    let mut measured = Measured { n: 0, n_wrong: 0, n_errors: 0, duration: Duration::ZERO };
    let started = Instant::now();
    for (at, wanted) in wanted.iter().enumerate() {
        let Some(wanted) = wanted else { continue };
        let answer = ask(at);
        measured.n += 1;
        measured.n_errors += usize::from(answer.is_none());
        measured.n_wrong += usize::from(answer.as_ref() != Some(wanted));
        measured.duration = started.elapsed();
        if measured.duration >= limit {
            break;
        }
    }
    measured
}

/// The layers of an entity: identity, boundary, service control policies.
fn layers<'w>(world: &'w World, entity: usize) -> [Option<Vec<&'w str>>; 3] {
    let entity = &world.entities[entity];
    let text = |policy: &'w PolicyDocument| policy.document.as_str();
    let scps = std::iter::once(FULL_ACCESS).chain(world.scps.iter().map(text));
    [
        Some(entity.identity.iter().map(text).collect()),
        entity.boundary.as_ref().map(|boundary| vec![text(boundary)]),
        (!world.scps.is_empty()).then(|| scps.collect()),
    ]
}

/// A deny of any layer denies, and every layer must allow. None if a layer has failed.
fn together(verdicts: impl Iterator<Item = Option<Verdict>>) -> Option<Answer> {
    let mut answer = Answer::Allowed;
    for verdict in verdicts {
        match verdict? {
            Verdict::Deny => return Some(Answer::Denied),
            Verdict::Neither => answer = Answer::NotAllowed,
            Verdict::Allow => {}
        }
    }
    Some(answer)
}
