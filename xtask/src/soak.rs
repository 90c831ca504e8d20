//! `cargo xtask soak`: a long run of the reference against the tables on generated worlds.
//!
//! It runs a copy of the workspace in which the code of each rule of SEMANTICS.md is counted when
//! it is reached, so that the report says how much of the rules the generated requests meet, and
//! nothing counts in the product.

mod marks;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use self::marks::Marks;
use crate::copy;
use crate::corpus::binary;

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// The seed of the first world; another each time when not given
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads; all that there are when not given
    #[arg(long)]
    threads: Option<usize>,
}

/// Requests of `cargo xtask ci --full`.
const REQUESTS: &str = "1000000";
/// The first seed of `cargo xtask ci --full`: none of the seeds of the suite.
const SEED: &str = "1000000";

/// Runs for so many minutes, and says how often the code of each rule was reached.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut words = vec!["--minutes".to_owned(), args.minutes.to_string()];
    if let Some(seed) = args.seed {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if let Some(threads) = args.threads {
        words.extend(["--threads".to_owned(), threads.to_string()]);
    }
    let marks = Marks::read(root)?;
    let tree = copy::workspace(root, "soak", marks.changed())?;
    let counts = tree.join("reached");
    fs::write(&counts, "")?;
    println!("soak: building with {} places of rules counted", marks.n_places());
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--locked", "--release", "--package", "assize-tests"])
        .args(["--example", "soak", "--manifest-path"])
        .arg(tree.join("Cargo.toml"))
        .arg("--")
        .args(words)
        .env("CARGO_TARGET_DIR", tree.join("target"))
        .env(marks::VARIABLE, &counts)
        .current_dir(root)
        .status()
        .context("`cargo` does not run")?;
    let counts = fs::read_to_string(&counts)?;
    let counts: Vec<u64> = counts.lines().map(str::parse).collect::<Result<_, _>>()?;
    print!("{}", marks.report(&counts));
    if !status.success() {
        bail!("the soak failed");
    }
    Ok(())
}

/// Decides a million requests, the same ones each time.
pub(crate) fn million(root: &Path) -> Result<()> {
    binary(root, &["--release", "--example", "soak"], &["--requests", REQUESTS, "--seed", SEED])
}
