//! `assize help`: help of a command, and the rules of the specification (C-15).

use anyhow::{Result, bail};
use clap::CommandFactory;

use crate::args::{Cli, HelpArgs};
use crate::output::Output;
use crate::status::Status;

pub(super) fn run(args: &HelpArgs, output: &Output) -> Result<Status> {
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for word in &args.words {
        let known: Vec<String> =
            found.get_subcommands().map(|below| below.get_name().to_owned()).collect();
        let Some(below) = found.find_subcommand_mut(word) else {
            let hint = assize_formats::nearest(word, known.iter().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            bail!("no command is called `{word}`{hint}");
        };
        found = below;
    }
    let help = found.render_long_help();
    let text = if output.style().has_color() { help.ansi().to_string() } else { help.to_string() };
    output.write(&text)?;
    Ok(Status::Yes)
}
