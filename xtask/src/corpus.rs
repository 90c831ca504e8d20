//! `cargo xtask corpus`: the rules, what is their function and what shows them.
//!
//! The work is done by a binary of `assize-tests`: it needs the bundled data, which other tasks
//! build.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write into SEMANTICS.md which cases and tests there are
    #[arg(long)]
    bless: bool,
}

/// Checks the table of rules, or writes its last column.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let bless: &[&str] = if args.bless { &["--bless"] } else { &[] };
    binary(root, &["--bin", "corpus"], bless)
}

/// Runs a binary of `assize-tests`.
pub(crate) fn binary(root: &Path, which: &[&str], args: &[&str]) -> Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--locked", "--package", "assize-tests"])
        .args(which)
        .arg("--")
        .args(args)
        .current_dir(root)
        .status()
        .context("`cargo` does not run")?;
    if !status.success() {
        bail!("`{}` failed", which.join(" "));
    }
    Ok(())
}
