//! `cargo xtask soak`: a long run of the reference against the tables on generated worlds.

use std::path::Path;

use anyhow::Result;

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

/// Runs for so many minutes.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut words = vec!["--minutes".to_owned(), args.minutes.to_string()];
    if let Some(seed) = args.seed {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if let Some(threads) = args.threads {
        words.extend(["--threads".to_owned(), threads.to_string()]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    soak(root, &words)
}

/// Decides a million requests, the same ones each time.
pub(crate) fn million(root: &Path) -> Result<()> {
    soak(root, &["--requests", REQUESTS, "--seed", SEED])
}

fn soak(root: &Path, words: &[&str]) -> Result<()> {
    binary(root, &["--release", "--example", "soak"], words)
}
