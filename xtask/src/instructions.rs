//! `cargo xtask instructions`: how many instructions a decision takes on every way to decide,
//! against the counts in the repository. Times on shared machines lie; these do not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The arguments of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the counts that are found into the repository
    #[arg(long)]
    record: bool,
}

/// The counts in the repository: a way, a workload, instructions a decision.
const RECORD: &str = "benches/record/instructions.txt";
/// By how much a count may differ from the recorded one, in percent. Hash tables have other seeds
/// in every run, which makes less than one.
const TOLERANCE_PERCENT: f64 = 3.0;
const WAYS: [&str; 4] = ["columns", "typed", "one", "lines"];
const WORKLOADS: [&str; 3] = ["W1", "W2", "W3"];

/// Counts every way and compares.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let program = build(root)?;
    let recorded = std::fs::read_to_string(root.join(RECORD)).unwrap_or_default();
    let (mut record, mut n_off) = (String::new(), 0);
    println!("| way | workload | recorded | found | of recorded |\n|---|---|---|---|---|");
    for way in WAYS {
        for workload in WORKLOADS {
            let found = count(&program, way, workload)?;
            writeln!(record, "{way} {workload} {found:.0}")?;
            let Some(known) = recorded_count(&recorded, way, workload) else {
                println!("| {way} | {workload} | none | {found:.0} | |");
                continue;
            };
            let percent = 100.0 * found / known;
            println!("| {way} | {workload} | {known:.0} | {found:.0} | {percent:.1} % |");
            n_off += usize::from((percent - 100.0).abs() > TOLERANCE_PERCENT);
        }
    }
    if args.record {
        std::fs::write(root.join(RECORD), record)?;
        return Ok(());
    }
    if n_off > 0 {
        bail!(
            "{n_off} counts differ by more than {TOLERANCE_PERCENT} %; \
             `cargo xtask instructions --record` accepts them"
        );
    }
    Ok(())
}

/// Builds the program, as benchmarks are built.
fn build(root: &Path) -> Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--profile", "bench", "-p", "assize-benches"])
        .args(["--example", "decide_path"])
        .current_dir(root)
        .status()
        .context("cargo cannot be run")?;
    ensure!(status.success(), "the program does not build");
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let target = metadata["target_directory"].as_str().context("metadata names the target")?;
    Ok(Path::new(target).join("release/examples/decide_path"))
}

/// Instructions a decision.
fn count(program: &Path, way: &str, workload: &str) -> Result<f64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*decide_path::measured*")
        .arg(program)
        .args([way, workload])
        .stdin(Stdio::null())
        .output()
        .context("`valgrind` cannot be run; it has to be installed")?;
    let told = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "{way} {workload} failed:\n{told}");
    let collected = told.lines().find_map(|line| line.split_once("Collected : "));
    let n_instructions: f64 = collected.context("callgrind collected nothing")?.1.trim().parse()?;
    let n_decisions: f64 = String::from_utf8_lossy(&run.stdout).trim().parse()?;
    ensure!(n_instructions > 0.0 && n_decisions > 0.0, "{way} {workload} counted nothing");
    Ok(n_instructions / n_decisions)
}

fn recorded_count(record: &str, way: &str, workload: &str) -> Option<f64> {
    record.lines().find_map(|line| {
        let mut words = line.split(' ');
        let is_it = words.next() == Some(way) && words.next() == Some(workload);
        words.next().filter(|_| is_it)?.parse().ok()
    })
}
