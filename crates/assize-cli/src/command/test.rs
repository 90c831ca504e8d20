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

/// What the names of scenario files end in.
const EXTENSIONS: [&str; 3] = [".assize.yaml", ".assize.yml", ".assize.json"];

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
    let mut runs = Vec::new();
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
                runs.push(run);
            }
            Err(error) => status = status.and(output.failure(&error)),
        }
    }
    progress.finish();
    let text = match args.format {
        TestFormat::Human => human::report(&runs, args, output),
        TestFormat::Json => json::report(&runs)?,
        TestFormat::Junit => junit::report(&runs, args.ci),
        TestFormat::Tap => tap::report(&runs, args.ci),
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
    let cannot_run = run.cells().any(|cell| matches!(cell.outcome, Outcome::CannotRun(_)));
    match (cannot_run, fails) {
        (true, _) => Status::NoAnswer,
        (false, true) => Status::No,
        (false, false) => Status::Yes,
    }
}
