//! `assize completions`: a script that completes command lines (C-15).

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::output::Output;
use crate::status::Status;

pub(super) fn run(args: &CompletionsArgs, output: &Output) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "assize", &mut script);
    output.write(&String::from_utf8_lossy(&script))?;
    Ok(Status::Yes)
}
