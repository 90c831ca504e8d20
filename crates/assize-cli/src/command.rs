//! The commands, one file each.

mod answer;
mod batch;
mod catalog;
mod check;
mod completions;
mod demo;
mod explain;
mod help;
mod import;
mod replay;
mod simulate;
mod test;
mod world_info;

use anyhow::Result;

pub(crate) use self::answer::Answered;
use crate::args::{Cli, Command};
use crate::output::Output;
use crate::status::Status;

/// Runs the command that the command line names.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<Status> {
    let global = &cli.global;
    if let Some(jobs) = global.jobs {
        // Fails only when the threads are there already, which nothing has asked for yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs)).build_global();
    }
    match cli.command {
        Command::Simulate(args) => simulate::run(&args, global, output),
        Command::Explain(args) => explain::run(&args, global, output),
        Command::Batch(args) => batch::run(&args, global, output),
        Command::Replay(args) => replay::run(&args, global, output),
        Command::Test(args) => test::run(&args, global, output),
        Command::Check(args) => check::run(&args, output),
        Command::Import(args) => import::run(&args, global, output),
        Command::World(args) => world_info::run(&args, global, output),
        Command::Catalog(args) => catalog::run(&args, output),
        Command::Demo(args) => demo::run(&args, global, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Help(args) => help::run(&args, output),
    }
}
