//! The commands, one file each.

mod catalog;
mod check;
mod completions;
mod help;

use anyhow::Result;

use crate::args::{Cli, Command};
use crate::output::Output;
use crate::status::Status;

/// Runs the command that the command line names.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<Status> {
    match cli.command {
        Command::Check(args) => check::run(&args, output),
        Command::Catalog(args) => catalog::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Help(args) => help::run(&args, output),
    }
}
