//! `cargo xtask ci`: everything continuous integration checks beside `cargo test`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{catalog, corpus, demo_data, fuzz, soak, tidy};

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also check every feature alone, run every benchmark once, and decide a million
    /// generated requests
    #[arg(long)]
    full: bool,
}

/// Crates with features, and their features one by one.
const FEATURES: [(&str, &[&str]); 3] = [
    ("assize-catalog", &["bundled"]),
    ("assize-store", &["import"]),
    ("assize", &["parallel", "bundled-catalog"]),
];

/// Runs the steps in order and stops at the first that fails.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    step(root, "format", "cargo", &["fmt", "--all", "--check"], &[])?;
    let lint = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step(root, "lint", "cargo", &lint, &[])?;
    let docs = ["doc", "--workspace", "--no-deps", "--locked"];
    step(root, "docs", "cargo", &docs, &[("RUSTDOCFLAGS", "-D warnings")])?;
    println!("ci: tidy");
    tidy::run(root)?;
    catalog::check(root)?;
    demo_data::check(root)?;
    if args.full {
        full(root)?;
    }
    Ok(())
}

fn full(root: &Path) -> Result<()> {
    for (package, features) in FEATURES {
        let bare = ["check", "-p", package, "--no-default-features"];
        step(root, "features", "cargo", &bare, &[])?;
        for feature in features {
            let one = ["check", "-p", package, "--no-default-features", "--features", feature];
            step(root, "features", "cargo", &one, &[])?;
        }
    }
    step(root, "all features", "cargo", &["check", "--workspace", "--all-features"], &[])?;
    step(root, "benches", "cargo", &["bench", "-p", "assize-benches", "--", "--test"], &[])?;
    println!("ci: real policies");
    corpus::binary(root, &["--release", "--example", "real"], &[])?;
    println!("ci: soak");
    soak::million(root)?;
    fuzz::run_shortly(root)
}

fn step(root: &Path, name: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    println!("ci: {name}: {program} {}", args.join(" "));
    let started = Instant::now();
    let status = Command::new(program)
        .args(args)
        .envs(env.iter().copied())
        .current_dir(root)
        .status()
        .with_context(|| format!("`{program}` does not run"))?;
    if !status.success() {
        bail!("{name} failed");
    }
    println!("ci: {name}: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
