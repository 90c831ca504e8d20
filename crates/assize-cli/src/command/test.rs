//! `assize test`: do the policies still do what we wrote down? (C-5)

mod coverage;
mod human;
mod json;
mod junit;
mod run;
mod tap;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use self::run::{FileRun, Outcome, Runner};
use crate::args::{Global, TestArgs, TestFormat};
use crate::files;
use crate::interrupt;
use crate::output::Output;
use crate::render::progress::{Progress, Unit};
use crate::status::Status;
use crate::world;

/// What the names of scenario files end in.
const EXTENSIONS: [&str; 3] = [".assize.yaml", ".assize.yml", ".assize.json"];

/// A file that could not be run, or not as a whole, and why: whoever reads a report instead of
/// the exit status must not take it for a file without failures.
#[derive(Debug)]
struct Broken {
    file: String,
    message: String,
}

pub(super) fn run(args: &TestArgs, global: &Global, output: &Output) -> Result<Status> {
    interrupt::end_gracefully();
    let files = scenarios(&args.paths)?;
    if files.is_empty() {
        bail!(
            "there are no scenarios under the given paths: their names end in {}",
            EXTENSIONS.join(", ")
        );
    }
    let runner = Runner::new(args, global)?;
    let progress = Progress::new(Some(files.len() as u64), Unit::Files, output.is_quiet());
    let mut status = Status::Yes;
    let (mut runs, mut broken) = (Vec::new(), Vec::new());
    for (at, (file, root)) in files.iter().enumerate() {
        if interrupt::is_interrupted() {
            output.error("interrupted");
            status = status.and(Status::NoAnswer);
            break;
        }
        progress.set(at as u64, &files::display_name(file));
        match runner.file(file, root) {
            Ok(run) => {
                status = status.and(status_of(&run, args.ci));
                world::report(&run.warnings, output);
                for error in &run.errors {
                    output.diagnostic(error);
                    broken.push(Broken { file: run.file.clone(), message: error.to_string() });
                }
                runs.push(run);
            }
            Err(error) => {
                status = status.and(output.failure(&error));
                let (file, message) = (files::display_name(file), format!("{error:#}"));
                broken.push(Broken { file, message });
            }
        }
    }
    progress.finish();
    let text = match args.format {
        TestFormat::Human => human::report(&runs, args, output),
        TestFormat::Json => json::report(&runs, &broken)?,
        TestFormat::Junit => junit::report(&runs, &broken, args.ci),
        TestFormat::Tap => tap::report(&runs, &broken, args.ci),
    };
    output.write(&text)?;
    Ok(status)
}

/// The scenarios under some paths, each with the directory that was given: what it names must
/// stay under it (F-41).
fn scenarios(paths: &[PathBuf]) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut scenarios = Vec::new();
    for path in paths {
        let found = files::walk(std::slice::from_ref(path), &EXTENSIONS)?;
        for file in found {
            let root = if path.is_dir() {
                path.clone()
            } else {
                file.path.parent().unwrap_or(Path::new("")).to_path_buf()
            };
            if !scenarios.iter().any(|(known, _)| *known == file.path) {
                scenarios.push((file.path, root));
            }
        }
    }
    Ok(scenarios)
}

fn status_of(run: &FileRun, is_ci: bool) -> Status {
    let fails = run.cells().any(|cell| cell.outcome.fails(is_ci)) || is_ci && run.has_only;
    let cannot_run = run.cells().any(|cell| matches!(cell.outcome, Outcome::CannotRun(_)))
        || !run.errors.is_empty();
    match (cannot_run, fails) {
        (true, _) => Status::NoAnswer,
        (false, true) => Status::No,
        (false, false) => Status::Yes,
    }
}
