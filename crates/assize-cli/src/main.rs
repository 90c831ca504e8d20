#![doc = include_str!("../README.md")]

mod args;
mod command;
mod files;
mod interrupt;
mod output;
mod render;
mod request;
mod status;
mod world;

use std::process::ExitCode;

/// Logs and streams are read into many short-lived values on all cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match args::Cli::from_command_line() {
        Ok(cli) => cli,
        Err(error) => return args::report(&error).into(),
    };
    interrupt::listen();
    let output = output::Output::new(&cli.global);
    match command::run(cli, &output) {
        Ok(status) => status.into(),
        Err(error) => output.failure(&error).into(),
    }
}
