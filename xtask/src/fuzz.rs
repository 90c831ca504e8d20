//! `cargo xtask fuzz`: every fuzz target for a short while.
//!
//! The suite runs the bodies of the targets over their seeds on stable, so this is no part of the
//! usual checks; it looks for what nobody has thought of yet.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Longest time for one input, in seconds: what takes longer is a finding.
const MAX_INPUT_SECONDS: u32 = 25;
/// Most memory of a target, in MiB: what takes more is a finding.
const MAX_MEMORY_MIB: u32 = 4_096;

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Build without the address sanitizer, which finds nothing in safe code but slows it down
    #[arg(long)]
    no_sanitizer: bool,
}

/// Runs the targets one after another; the first that finds something ends the task.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    if let Some(missing) = missing() {
        bail!("{missing}");
    }
    let known = targets(root)?;
    if let Some(unknown) = args.targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target `{unknown}`; there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    for target in chosen {
        run_target(root, target, args)?;
    }
    println!("fuzz: {} targets found nothing in {} s each", chosen.len(), args.seconds);
    Ok(())
}

/// Each target for as long as a thorough check can spare, or a word why not.
pub(crate) fn run_shortly(root: &Path) -> Result<()> {
    if let Some(missing) = missing() {
        println!("fuzz: left out: {missing}");
        return Ok(());
    }
    run(root, &Args { seconds: 10, targets: Vec::new(), no_sanitizer: false })
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

fn run_target(root: &Path, target: &str, args: &Args) -> Result<()> {
    println!("fuzz: {target} for {} s", args.seconds);
    // New inputs go to the first folder, which is not kept in the repository.
    let corpus = root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz", "run"]).current_dir(root);
    if args.no_sanitizer {
        command.args(["--sanitizer", "none"]);
    }
    command.arg(target).arg(corpus).arg(root.join("fuzz/seeds").join(target)).arg("--");
    command.arg(format!("-max_total_time={}", args.seconds));
    command.arg(format!("-timeout={MAX_INPUT_SECONDS}"));
    command.arg(format!("-rss_limit_mb={MAX_MEMORY_MIB}"));
    let status = command.status().context("rustup does not run")?;
    if !status.success() {
        bail!("`{target}` found something; the input is in `fuzz/artifacts/{target}`");
    }
    Ok(())
}
