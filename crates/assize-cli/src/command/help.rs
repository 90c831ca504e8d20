//! `assize help`: help of a command, and the rules of the specification (C-15).

use anyhow::{Result, bail};
use assize_formats::{did_you_mean, nearest};
use clap::CommandFactory;
use std::fmt::Write as _;

use crate::args::{Cli, HelpArgs};
use crate::output::Output;
use crate::status::Status;

pub(super) fn run(args: &HelpArgs, output: &Output) -> Result<Status> {
    if let [first, rest @ ..] = &*args.words
        && first == "rule"
    {
        return rule(rest, output);
    }
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for word in &args.words {
        let known: Vec<String> =
            found.get_subcommands().map(|below| below.get_name().to_owned()).collect();
        let Some(below) = found.find_subcommand_mut(word) else {
            let hint = did_you_mean(nearest(word, known.iter().map(String::as_str)));
            bail!("no command is called `{word}`{hint}");
        };
        found = below;
    }
    let help = found.render_long_help();
    let text = if output.style().has_color() { help.ansi().to_string() } else { help.to_string() };
    output.write(&text)?;
    Ok(Status::Yes)
}

/// The columns of a row behind the id.
const COLUMNS: [&str; 4] = ["says", "source", "function", "corpus"];

fn rule(ids: &[String], output: &Output) -> Result<Status> {
    if ids.is_empty() {
        bail!("which rule? give its id, such as E-53");
    }
    let style = output.style();
    let mut text = String::new();
    for wanted in ids {
        let rows: Vec<Vec<&str>> =
            rows().filter(|row| row[0].eq_ignore_ascii_case(wanted)).collect();
        if rows.is_empty() {
            let hint = did_you_mean(nearest(wanted, rows_ids()));
            bail!("there is no rule `{wanted}`{hint}");
        }
        for row in rows {
            let _ = writeln!(text, "{}", style.bold(row[0]));
            for (name, cell) in COLUMNS.iter().zip(&row[1..]).filter(|(_, cell)| !cell.is_empty()) {
                let name = format!("{name}:");
                let _ = writeln!(text, "  {} {cell}", style.dim(format_args!("{name:<9}")));
            }
        }
    }
    output.write(&text)?;
    Ok(Status::Yes)
}

/// The cells of the rows of the tables whose first cell is the id of a rule.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    assize_reference::SEMANTICS.lines().filter_map(|line| {
        let inner = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        is_rule(cells[0]).then_some(cells)
    })
}

fn rows_ids() -> Vec<&'static str> {
    rows().map(|row| row[0]).collect()
}

/// Whether a text is the id of a rule: a letter, a dash, and a number with perhaps a letter.
fn is_rule(text: &str) -> bool {
    text.split_once('-').is_some_and(|(letter, number)| {
        matches!(letter, "L" | "E" | "I" | "A" | "F" | "C" | "D")
            && number.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_by_their_ids() {
        assert!(rows().any(|row| row[0] == "E-53" && row.len() > COLUMNS.len()));
        assert!(!is_rule("Rule"));
    }
}
