//! `assize demo`: what can this do for me? (C-14)

mod bundled;
mod denial;
mod vary;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use assize::{Decider, Engine, Outcome};
use assize_formats::{DecisionLine, RequestRecord, count, grouped};
use assize_model::{Decision, EffectiveDecision, Layer, Request, RequestError};
use assize_policy::PolicyLibrary;
use assize_reference::{World, evaluate};
use rayon::prelude::*;

use self::vary::Variation;
use crate::args::{DemoArgs, Global};
use crate::interrupt;
use crate::output::Output;
use crate::render::decision::decision_word;
use crate::render::progress::{Progress, Unit};
use crate::render::style::Style;
use crate::status::Status;
use crate::world::{self, Located, Reader, UndeclaredOwner};

/// Requests that are made, decided and sampled together.
const ROUND: usize = 50_000;
/// Requests that one thread decides together.
const BATCH: usize = 4_096;
/// Requests whose decision the reference interpreter checks.
const N_CHECKED: usize = 10_000;
/// Characters of a bar that stands for all requests.
const BAR_CHARS: f64 = 30.0;

pub(super) fn run(args: &DemoArgs, global: &Global, output: &Output) -> Result<Status> {
    interrupt::end_gracefully();
    let begun = Instant::now();
    let reader = Reader::new()?;
    let read = bundled::world(&reader)?;
    let loaded = begun.elapsed();
    let settings = Located::find(global)?.settings;
    let options = world::engine_options(Some(&read), &settings, global, UndeclaredOwner::Nobody)?;
    let engine = Engine::new(read.snapshot, options)?;
    let compiled = begun.elapsed().saturating_sub(loaded);
    let text = bundled::requests()?;
    let records: Vec<RequestRecord<'_>> =
        text.lines().map(RequestRecord::parse).collect::<Result<_, _>>()?;
    let requests: Vec<Request<'_>> = records.into_iter().map(|record| record.request).collect();
    if requests.is_empty() {
        bail!("the bundled requests are empty");
    }
    let style = output.style();
    let mut head = introduction(&engine, requests.len(), loaded, compiled, style);
    head.push('\n');
    output.write(&head)?;

    let tally = decide(args, &engine, &requests, output);
    let mut text = tally.text(style);
    if tally.interrupted {
        text.push_str("interrupted\n");
    }
    let shown = denial::shown(&engine, &requests, args.seed, style);
    text.push_str(&shown.text);
    text.push_str(&next(&shown.command, style));
    output.write(&text)?;
    let whole = !tally.interrupted && tally.n_disagree == 0;
    Ok(if whole { Status::Yes } else { Status::NoAnswer })
}

fn introduction(
    engine: &Engine,
    n_requests: usize,
    loaded: Duration,
    compiled: Duration,
    style: Style,
) -> String {
    let snapshot = engine.snapshot();
    let n_principals: usize =
        snapshot.accounts().map(|account| account.users.len() + account.roles.len()).sum();
    let library: &PolicyLibrary = engine.library();
    let statements = library.iter().filter_map(|(_, entry)| entry.policy.as_ref());
    let n_statements: usize = statements.map(|policy| policy.statements.len()).sum();
    format!(
        "{} of real parts: {}, {}, {} with {}.\nRead in {} ms, compiled in {} ms. {} from CloudTrail \
         are varied in resource, address and time.\n",
        style.bold("A world"),
        count(snapshot.accounts().count(), "account"),
        count(n_principals, "user and role").replace("user and roles", "users and roles"),
        count(library.len(), "policy document"),
        count(n_statements, "statement"),
        loaded.as_millis(),
        compiled.as_millis(),
        count(n_requests, "request"),
    )
}

/// What came of all requests.
#[derive(Debug, Default)]
struct Tally {
    decided: BTreeMap<(Decision, Layer), usize>,
    n_errors: usize,
    n_requests: usize,
    n_checked: usize,
    n_disagree: usize,
    /// The first request on which tables and reference disagree.
    disagreement: Option<String>,
    making: Duration,
    deciding: Duration,
    checking: Duration,
    interrupted: bool,
}

/// Makes, decides and samples the requests, round by round.
fn decide(args: &DemoArgs, engine: &Engine, bases: &[Request<'_>], output: &Output) -> Tally {
    let total = args.requests;
    let progress = Progress::new(Some(total as u64), Unit::Requests, output.is_quiet());
    let mut tally = Tally::default();
    let mut random = fastrand::Rng::with_seed(args.seed);
    let mut deciders: Vec<Decider<'_>> =
        (0..rayon::current_num_threads()).map(|_| engine.decider()).collect();
    while tally.n_requests < total && !tally.interrupted {
        let n = ROUND.min(total - tally.n_requests);
        let begun = Instant::now();
        let first = tally.n_requests as u64;
        let requests: Vec<Request<'_>> = (first..first + n as u64)
            .into_par_iter()
            .map(|at| Variation::of(args.seed, at).request(bases))
            .collect();
        tally.making += begun.elapsed();

        let begun = Instant::now();
        let decided = decide_all(&mut deciders, &requests);
        tally.deciding += begun.elapsed();

        let begun = Instant::now();
        let done = tally.n_requests + n;
        let wanted = (done * N_CHECKED.min(total) / total).saturating_sub(tally.n_checked);
        let sample: Vec<usize> = (0..wanted).map(|_| random.usize(0..n)).collect();
        tally.check(engine, &requests, &decided, &sample);
        tally.checking += begun.elapsed();

        tally.count(&decided);
        progress.set(tally.n_requests as u64, "");
        tally.interrupted = interrupt::is_interrupted();
    }
    progress.finish();
    tally
}

/// The answer to a request: decision and decisive layer; none for one that is malformed.
type Decided = Option<(Decision, Layer)>;

/// Decides requests on all threads, each with dictionaries of its own that stay warm.
fn decide_all(deciders: &mut [Decider<'_>], requests: &[Request<'_>]) -> Vec<Decided> {
    let share = requests.len().div_ceil(deciders.len()).max(1);
    deciders
        .par_iter_mut()
        .zip(requests.par_chunks(share))
        .flat_map_iter(|(decider, requests)| {
            requests
                .chunks(BATCH)
                .flat_map(|batch| decide_batch(decider, batch))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn decide_batch(decider: &mut Decider<'_>, requests: &[Request<'_>]) -> Vec<Decided> {
    let prepared = decider.prepare(requests);
    let rows = decider.decide_prepared();
    let decided = prepared.into_iter().map(|prepared| {
        // E-67: a request is what all of its checks come to.
        let rows = rows.get(prepared.ok()?)?;
        let denied = rows.iter().find(|row| row.decision == Decision::ExplicitDeny);
        let refused = || rows.iter().find(|row| row.decision != Decision::Allowed);
        let decisive = denied.or_else(refused).or(rows.first())?;
        Some((decisive.decision, decisive.layer))
    });
    decided.collect()
}

impl Tally {
    fn count(&mut self, decided: &[Decided]) {
        self.n_requests += decided.len();
        for decided in decided {
            match decided {
                Some(decided) => *self.decided.entry(*decided).or_insert(0) += 1,
                None => self.n_errors += 1,
            }
        }
    }

    /// Asks the reference interpreter about a sample.
    fn check(
        &mut self,
        engine: &Engine,
        requests: &[Request<'_>],
        decided: &[Decided],
        sample: &[usize],
    ) {
        let world = World {
            snapshot: engine.snapshot(),
            library: engine.library(),
            catalog: engine.catalog(),
            options: engine.options(),
            now: 0,
        };
        let differing: Vec<usize> = sample
            .par_iter()
            .copied()
            .filter(|at| {
                let (request, decided) = (&requests[*at], decided[*at]);
                let outcome = engine.decide(request);
                let named = outcome.as_ref().ok().map(|named| (named.decision, named.layer));
                named != decided || !agree(&outcome, &evaluate(&world, request))
            })
            .collect();
        self.n_checked += sample.len();
        self.n_disagree += differing.len();
        if let (None, Some(at)) = (&self.disagreement, differing.first()) {
            self.disagreement = Some(format!("{:?}", requests[*at]));
        }
    }

    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        #[expect(clippy::cast_precision_loss, reason = "shares and rates for people")]
        let share = |n: usize| n as f64 / self.n_requests.max(1) as f64;
        for ((decision, layer), n) in &self.decided {
            text.push_str(&row(*decision, layer.as_str(), *n, share(*n), style));
        }
        if self.n_errors > 0 {
            let _ = writeln!(text, "  {} malformed", count(self.n_errors, "request"));
        }
        let seconds = self.deciding.as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        let rate = (self.n_requests as f64 / seconds.max(1e-9)) as usize;
        let threads = rayon::current_num_threads();
        let _ = write!(
            text,
            "\n{} decided in {seconds:.2} s on {}: {} a second (made in {:.2} s).\n",
            style.bold(count(self.n_requests, "request")),
            count(threads, "thread"),
            style.bold(grouped(rate)),
            self.making.as_secs_f64()
        );
        let agreed = self.n_checked - self.n_disagree;
        let verdict = format!("{} agree", grouped(agreed));
        let verdict =
            if self.n_disagree == 0 { style.good(verdict) } else { style.bad(verdict) }.to_string();
        let _ = writeln!(
            text,
            "The reference interpreter decided {} of them, picked at random, in {:.2} s: {verdict}.",
            grouped(self.n_checked),
            self.checking.as_secs_f64()
        );
        if let Some(request) = &self.disagreement {
            let _ = writeln!(text, "They disagree on {request}");
        }
        text
    }
}

fn row(decision: Decision, layer: &str, n: usize, share: f64, style: Style) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 1"
    )]
    let bar = "#".repeat((share * BAR_CHARS).ceil() as usize);
    let word = decision_word(decision, style);
    let padding = " ".repeat(13_usize.saturating_sub(decision.as_str().len()));
    let (n, percent) = (grouped(n), share * 100.0);
    format!("  {word}{padding}{layer:<9} {n:>9} {percent:>5.1} % {}\n", style.dim(bar))
}

/// Whether tables and reference say the same: decision, decisive layer, reason and statement, or
/// the same kind of error (E-110).
fn agree(
    outcome: &Result<Outcome, RequestError>,
    reference: &Result<EffectiveDecision, RequestError>,
) -> bool {
    match (outcome, reference) {
        (Err(one), Err(other)) => one.kind() == other.kind(),
        (Ok(outcome), Ok(found)) => {
            let line = DecisionLine::of(found);
            let own = outcome.statement.as_ref();
            (outcome.decision, outcome.check, outcome.layer, outcome.reason, outcome.allowed_by)
                == (line.decision, line.check, line.layer, line.reason, line.allowed_by)
                && own.map(|statement| (&*statement.policy, statement.statement))
                    == line.statement.map(|statement| (statement.policy, statement.index))
        }
        _ => false,
    }
}

/// What to type next.
fn next(explain: &str, style: Style) -> String {
    // From a checkout the command is run through cargo.
    let program = match std::env::var_os("CARGO") {
        Some(_) => "cargo run --release --bin assize --",
        None => "assize",
    };
    let commands = [
        (format!("{program} {explain}"), "the same denial, layer by layer"),
        (format!("{program} test examples"), "what the world's owners wrote down"),
        (
            format!(
                "{program} simulate --policy examples/policies/s3-read.json -a s3:GetObject -r \
                 arn:aws:s3:::reports/2024.csv"
            ),
            "your own policy, without a world",
        ),
    ];
    let mut text = String::from("\nNext, from the folder of the repository:\n");
    for (command, what) in commands {
        let _ = write!(text, "  {}\n  {command}\n", style.dim(format_args!("# {what}")));
    }
    text
}
