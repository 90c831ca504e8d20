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
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write the cases as JSON for other engines; `tests/corpus/README.md` says how they are run
    Export {
        /// The file; standard output when not given
        #[arg(long)]
        out: Option<String>,
    },
}

/// Checks the table of rules, writes its last column, or writes the cases.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let words = match &args.action {
        Some(Action::Export { out: None }) => vec!["export"],
        Some(Action::Export { out: Some(file) }) => vec!["export", "--out", file],
        None if args.bless => vec!["--bless"],
        None => Vec::new(),
    };
    binary(root, &["--example", "corpus"], &words)
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
