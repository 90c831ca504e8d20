//! `cargo xtask fuzz`: every fuzz target for a short while.
//!
//! The suite runs the bodies of the targets over their seeds on stable, so this is no part of the
//! usual checks; it looks for what nobody has thought of yet.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::corpus::binary;

/// Longest time for one input, in seconds: what takes longer is a finding.
const MAX_INPUT_SECONDS: u32 = 25;
/// Most memory of a target, in MiB: what takes more is a finding.
const MAX_MEMORY_MIB: u32 = 4_096;
/// How often a running target says how far it is.
const PROGRESS: Duration = Duration::from_secs(30);
/// Most lines that are kept of what a target says, for when it finds something.
const MAX_KEPT_LINES: usize = 1_000;

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
    /// Build with a sanitizer: `address` looks at the unsafe code of dependencies and makes
    /// everything slower
    #[arg(long, default_value = "none", value_name = "NAME")]
    sanitizer: String,
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// What came of one target.
#[derive(Debug, Default)]
struct Run {
    status: Status,
    seconds: u64,
    found_something: bool,
}

/// How far a target is.
#[derive(Debug, Default, Clone, Copy)]
struct Status {
    n_runs: u64,
    coverage: u64,
    n_inputs: u64,
}

/// Builds the targets, then runs one after another; fails in the end if one found something.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    if let Some(missing) = missing() {
        bail!("{missing}");
    }
    let known = targets(root)?;
    if let Some(unknown) = args.targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target `{unknown}`; there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    write_seeds(root, chosen)?;
    build(root, chosen, args)?;
    let mut runs = Vec::new();
    for target in chosen {
        runs.push((target, run_target(root, target, args)?));
    }
    println!("target                  seconds        runs  runs/s  coverage  inputs  findings");
    for (target, run) in &runs {
        let Run { status, seconds, found_something } = run;
        let Status { n_runs, coverage, n_inputs } = status;
        let (rate, n_findings) = (n_runs / seconds.max(&1), u8::from(*found_something));
        println!(
            "{target:<22} {seconds:>8} {n_runs:>11} {rate:>7} {coverage:>9} {n_inputs:>7} {n_findings:>9}"
        );
    }
    let with_findings = runs.iter().filter(|(_, run)| run.found_something);
    let with_findings: Vec<&str> = with_findings.map(|(target, _)| target.as_str()).collect();
    if !with_findings.is_empty() {
        bail!("found something: {}; see `fuzz/artifacts`", with_findings.join(", "));
    }
    Ok(())
}

/// Each target for as long as a thorough check can spare, or a word why not.
pub(crate) fn run_shortly(root: &Path) -> Result<()> {
    if let Some(missing) = missing() {
        println!("fuzz: left out: {missing}");
        return Ok(());
    }
    run(root, &Args { seconds: 10, targets: Vec::new(), sanitizer: "none".to_owned() })
}

/// What fuzzing needs and this machine lacks.
fn missing() -> Option<&'static str> {
    let answers = |program: &str, args: &[&str]| {
        let output =
            Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        output.is_ok_and(|status| status.success())
    };
    if !answers("rustup", &["run", "nightly", "rustc", "--version"]) {
        return Some("a nightly is missing: `rustup toolchain install nightly`");
    }
    if !answers("rustup", &["run", "nightly", "cargo", "fuzz", "--version"]) {
        return Some("cargo-fuzz is missing: `cargo install cargo-fuzz`");
    }
    None
}

/// The targets: the files of `fuzz/fuzz_targets`, by name.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a target has a name")?;
        targets.push(name.to_string_lossy().into_owned());
    }
    targets.sort_unstable();
    Ok(targets)
}

/// Puts the seeds where new inputs go too: folders that are not kept in the repository.
fn write_seeds(root: &Path, targets: &[String]) -> Result<()> {
    let folder = root.join("fuzz/corpus");
    let folder = folder.to_string_lossy();
    let words: Vec<&str> =
        [&*folder].into_iter().chain(targets.iter().map(String::as_str)).collect();
    binary(root, &["--example", "seeds"], &words)
}

/// `cargo fuzz` with a command and the flags that decide how targets are built.
fn cargo_fuzz(root: &Path, command: &str, args: &Args) -> Command {
    let mut cargo = Command::new("rustup");
    cargo.args(["run", "nightly", "cargo", "fuzz", command, "--sanitizer", &args.sanitizer]);
    cargo.current_dir(root);
    cargo
}

fn build(root: &Path, targets: &[String], args: &Args) -> Result<()> {
    println!("fuzz: building {} targets, sanitizer {}", targets.len(), args.sanitizer);
    let started = Instant::now();
    // All at once or one alone is what `cargo fuzz build` knows.
    let mut command = cargo_fuzz(root, "build", args);
    if let [target] = targets {
        command.arg(target);
    }
    let status = command.status().context("rustup does not run")?;
    if !status.success() {
        bail!("the targets do not build");
    }
    println!("fuzz: built in {} s", started.elapsed().as_secs());
    Ok(())
}

fn run_target(root: &Path, target: &str, args: &Args) -> Result<Run> {
    println!("fuzz: {target} for {} s", args.seconds);
    let mut command = cargo_fuzz(root, "run", args);
    command.arg(target).arg(root.join("fuzz/corpus").join(target)).arg("--");
    command.arg(format!("-max_total_time={}", args.seconds));
    command.arg(format!("-timeout={MAX_INPUT_SECONDS}"));
    command.arg(format!("-rss_limit_mb={MAX_MEMORY_MIB}"));
    command.arg("-print_final_stats=1");
    let started = Instant::now();
    let mut child = command.stderr(Stdio::piped()).spawn().context("rustup does not run")?;
    let lines = child.stderr.take().context("what a target says can be read")?;
    let (status, kept) = follow(target, &lines_of(lines));
    let found_something = !child.wait()?.success();
    if found_something {
        for line in kept {
            println!("{line}");
        }
        println!("fuzz: {target} found something");
    }
    Ok(Run { status, seconds: started.elapsed().as_secs(), found_something })
}

/// What a target says, line by line, from a thread that waits for it.
fn lines_of(from: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        // A panic may quote bytes that are no text.
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

/// Says now and then how far a target is, until it ends. Gives its last status and its last
/// words that are no status.
fn follow(target: &str, lines: &Receiver<String>) -> (Status, VecDeque<String>) {
    let (mut status, mut kept) = (Status::default(), VecDeque::new());
    let started = Instant::now();
    let mut next = PROGRESS;
    loop {
        match lines.recv_timeout(next.saturating_sub(started.elapsed())) {
            Ok(line) => {
                if !status.read(&line) {
                    kept.push_back(line);
                }
                if kept.len() > MAX_KEPT_LINES {
                    kept.pop_front();
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return (status, kept),
        }
        if started.elapsed() >= next {
            let Status { n_runs, coverage, n_inputs } = status;
            let seconds = started.elapsed().as_secs();
            println!(
                "fuzz: {target}: {seconds} s, {n_runs} runs, coverage {coverage}, {n_inputs} inputs"
            );
            next += PROGRESS;
        }
    }
}

impl Status {
    /// Takes over a line of libFuzzer that says how far it is, such as
    /// `#1024 NEW cov: 300 ft: 900 corp: 20/3Kb exec/s: 512 rss: 80Mb`; false for another.
    fn read(&mut self, line: &str) -> bool {
        if let Some(n_runs) = line.strip_prefix("stat::number_of_executed_units:") {
            self.n_runs = n_runs.trim().parse().unwrap_or(self.n_runs);
            return true;
        }
        let mut words = line.split_whitespace();
        let n_runs = words.next().and_then(|word| word.strip_prefix('#')?.parse().ok());
        // A backtrace has numbers of that form too.
        let Some(n_runs) = n_runs.filter(|_| line.contains("exec/s:")) else { return false };
        self.n_runs = n_runs;
        while let Some(word) = words.next() {
            let number = || words.clone().next()?.split('/').next()?.parse().ok();
            match word {
                "cov:" => self.coverage = number().unwrap_or(self.coverage),
                "corp:" => self.n_inputs = number().unwrap_or(self.n_inputs),
                _ => {}
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    fn check(line: &str, expected: Option<[u64; 3]>) {
        let mut status = Status::default();
        let read = status.read(line).then_some([status.n_runs, status.coverage, status.n_inputs]);
        assert_eq!(read, expected, "{line}");
    }

    #[test]
    fn status_lines_are_told_from_other_words() {
        check(
            "#1024\tNEW    cov: 300 ft: 900 corp: 20/3Kb lim: 64 exec/s: 512 rss: 80Mb",
            Some([1024, 300, 20]),
        );
        check("#2\tINITED exec/s: 0 rss: 40Mb", Some([2, 0, 0]));
        check("stat::number_of_executed_units: 77", Some([77, 0, 0]));
        check("thread '<unnamed>' panicked at tests/src/fuzz.rs:1:1:", None);
        check("#0 0x55 in main", None);
    }
}
