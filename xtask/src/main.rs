//! `cargo xtask`: the tasks of the Assize workspace, one module each.

#![expect(clippy::print_stdout, reason = "tasks report on standard output")]

mod bench;
mod catalog;
mod ci;
mod copy;
mod corpus;
mod demo_data;
mod fuzz;
mod instructions;
mod mutants;
mod report_look;
mod soak;
mod tidy;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The tasks of the Assize workspace")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure the workloads beside the rulers, and record the table
    Bench(bench::Args),
    /// Rebuild the bundled catalog and managed policies from their source files
    Catalog(catalog::Args),
    /// Check format, lints, documentation and the rules of the workspace
    Ci(ci::Args),
    /// Hold every rule against its function and its evidence, or write the cases for others
    Corpus(corpus::Args),
    /// Rebuild the generated files of the examples from their source files
    DemoData(demo_data::Args),
    /// Count the instructions of a decision under valgrind, against the recorded counts
    Instructions(instructions::Args),
    /// Make pictures of the HTML reports in a browser, and measure that they fit
    ReportLook(report_look::Args),
    /// Decide generated requests by the reference and by the tables, until something differs
    Soak(soak::Args),
    /// Put small faults into the code that decides, and see which the tests notice
    Mutants(mutants::Args),
    /// Run every fuzz target for a short while
    Fuzz(fuzz::Args),
    /// Check the rules of the workspace: crate arrows, budgets, licenses, invariants
    Tidy,
}

fn main() -> Result<()> {
    let root = workspace_root()?;
    match Args::parse().task {
        Task::Bench(args) => bench::run(&root, &args),
        Task::Catalog(args) => catalog::run(&root, &args),
        Task::Ci(args) => ci::run(&root, &args),
        Task::Corpus(args) => corpus::run(&root, &args),
        Task::DemoData(args) => demo_data::run(&root, &args),
        Task::Instructions(args) => instructions::run(&root, &args),
        Task::ReportLook(args) => report_look::run(&root, &args),
        Task::Soak(args) => soak::run(&root, &args),
        Task::Mutants(args) => mutants::run(&root, &args),
        Task::Fuzz(args) => fuzz::run(&root, &args),
        Task::Tidy => tidy::run(&root),
    }
}

/// The folder of the workspace.
fn workspace_root() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(folder.context("xtask lies in the workspace")?.to_owned())
}
