//! The copy of the workspace, its build, and the runs of its tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::place::{Fault, Faulty};
use super::record::Record;
use crate::copy::{self, write_changed};

/// The variable that turns a fault on.
const VARIABLE: &str = "ASSIZE_MUTANT";

/// The variable that names a file to which the numbers of the faults that a test comes by go.
const REACHED_VARIABLE: &str = "ASSIZE_MUTANTS_REACHED";

/// What asks for them, put into each crate that has faults.
const SWITCH: &str = r#"
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "only in copies with faults")]
pub mod mutant_switch {
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    static ACTIVE: OnceLock<u32> = OnceLock::new();
    static SEEN: [AtomicBool; 1 << 16] = [const { AtomicBool::new(false) }; 1 << 16];

    pub fn on(number: u32) -> bool {
        let active = *ACTIVE.get_or_init(active);
        if active == u32::MAX && !SEEN[number as usize].swap(true, Ordering::Relaxed) {
            reach(number);
        }
        active == number
    }

    fn active() -> u32 {
        let read = || std::env::var("ASSIZE_MUTANT").ok()?.parse().ok();
        let is_recording = std::env::var_os("ASSIZE_MUTANTS_REACHED").is_some();
        if is_recording { u32::MAX } else { read().unwrap_or(0) }
    }

    fn reach(number: u32) {
        let path = std::env::var_os("ASSIZE_MUTANTS_REACHED").unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
}
"#;

/// The names of faults that did not compile, kept in the copy: the next build leaves them out at
/// once.
const DROPPED: &str = "dropped";

/// How much longer than without a fault a run may take before it counts as endless.
const PATIENCE: u32 = 10;
/// The least that this is.
const LEAST_PATIENCE: Duration = Duration::from_secs(20);
/// How often a build may fail on a fault before it is given up.
const MAX_BUILDS: usize = 30;
/// After how many faults a line says how far the work is.
const PROGRESS: usize = 100;
/// How often a run is looked at.
const TICK: Duration = Duration::from_millis(10);

/// What became of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A test failed.
    Killed,
    /// A test did not end.
    Endless,
    /// No test noticed.
    Survived,
    /// No test came by.
    Unreached,
}

impl Verdict {
    /// By the name that a record has.
    pub(super) fn of(name: &str) -> Option<Self> {
        let all = [Self::Killed, Self::Endless, Self::Survived, Self::Unreached];
        all.into_iter().find(|verdict| format!("{verdict:?}") == name)
    }

    /// Whether the fault would go unnoticed.
    pub(super) fn is_survival(self) -> bool {
        matches!(self, Self::Survived | Self::Unreached)
    }
}

/// What is known of a test.
#[derive(Debug)]
struct Known {
    /// How long it may take.
    limit: Duration,
    /// The faults that it comes by.
    reached: BTreeSet<u32>,
}

/// A file and bytes of it.
type Position = (PathBuf, Range<usize>);

/// The place of the work.
#[derive(Debug)]
pub(super) struct Bench {
    root: PathBuf,
    tree: PathBuf,
    tests: PathBuf,
}

impl Bench {
    /// Copies the workspace.
    pub(super) fn new(root: &Path) -> Result<Self> {
        let tree = copy::workspace(root, "mutants", &BTreeMap::new())?;
        Ok(Self { root: root.to_owned(), tree, tests: PathBuf::new() })
    }

    /// Builds the tests with all faults in, leaving out those that do not compile.
    pub(super) fn build(&mut self, files: &mut [(Faulty, &[&str])]) -> Result<()> {
        let crates: BTreeSet<PathBuf> =
            files.iter().filter_map(|(file, _)| folder(&file.path)).collect();
        for folder in crates {
            let library = folder.join("src/lib.rs");
            let text = fs::read_to_string(self.root.join(&library))? + SWITCH;
            write_changed(&self.tree.join(library), text.as_bytes())?;
        }
        let list = self.tree.join(DROPPED);
        let known = fs::read_to_string(&list).unwrap_or_default();
        let known: BTreeSet<&str> = known.lines().collect();
        for fault in files.iter_mut().flat_map(|(file, _)| &mut file.faults) {
            fault.is_dropped = known.contains(&*fault.name());
        }
        for _ in 0..MAX_BUILDS {
            let mut marks = Vec::new();
            for (file, _) in &*files {
                let (text, places) = file.text();
                write_changed(&self.tree.join(&file.path), text.as_bytes())?;
                marks.push(places);
            }
            // Checking finds nearly all that does not compile, in a part of the time.
            let (_, mut errors) = self.compile(&["check", "--keep-going"])?;
            if errors.is_empty() {
                let (tests, late) = self.compile(&["test", "--no-run"])?;
                if let Some(tests) = tests {
                    self.tests = tests;
                    return Ok(());
                }
                errors = late;
            }
            let n_dropped = drop_faults(files, &marks, &errors);
            println!("mutants: {n_dropped} faults do not compile");
            if n_dropped == 0 {
                bail!("the copy in `{}` does not compile: {errors:?}", self.tree.display());
            }
            let faults = files.iter().flat_map(|(file, _)| &file.faults);
            let dropped = faults.filter(|fault| fault.is_dropped).map(Fault::name);
            fs::write(&list, dropped.collect::<Vec<_>>().join("\n"))?;
        }
        bail!("the copy does not compile after {MAX_BUILDS} builds")
    }

    /// Checks or builds; gives the binary of the tests, or the errors: file and positions.
    fn compile(&self, how: &[&str]) -> Result<(Option<PathBuf>, Vec<Position>)> {
        println!("mutants: cargo {}", how.join(" "));
        let output = Command::new("cargo")
            .args(how)
            .args(["--package", "assize-tests", "--test", "suite", "--locked"])
            .arg("--message-format=json")
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", self.tree.join("target"))
            .stderr(Stdio::null())
            .output()
            .context("`cargo` does not run")?;
        let (mut tests, mut errors) = (None, Vec::new());
        for line in output.stdout.split(|byte| *byte == b'\n') {
            let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
            let is_suite = message["target"]["name"] == "suite";
            if let Some(found) = message["executable"].as_str().filter(|_| is_suite) {
                tests = Some(PathBuf::from(found));
            }
            if message["message"]["level"] == "error" {
                spans(&message["message"], &mut errors);
            }
        }
        Ok((tests.filter(|_| output.status.success()), errors))
    }

    /// Runs the tests against the faults, several at a time.
    pub(super) fn try_all(
        &self,
        faults: &[(u32, &'static [&'static str])],
        n_jobs: usize,
        record: &mut Record,
    ) -> Result<Vec<(u32, Verdict)>> {
        let mut known: BTreeMap<&str, Known> = BTreeMap::new();
        for test in faults.iter().flat_map(|(_, tests)| *tests) {
            if !known.contains_key(test) {
                known.insert(test, self.know(test)?);
            }
        }
        let (next, verdicts) = (AtomicUsize::new(0), Mutex::new((Vec::new(), record)));
        let work = || -> Result<()> {
            while let Some((number, tests)) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = self.try_one(*number, tests, &known)?;
                let mut known = verdicts.lock().expect("no thread panics with the lock");
                let (verdicts, record) = &mut *known;
                record.write(*number, verdict)?;
                if verdict.is_survival() {
                    println!("mutants: {number} {verdict:?}");
                }
                verdicts.push((*number, verdict));
                if verdicts.len().is_multiple_of(PROGRESS) {
                    println!("mutants: {} of {} tried", verdicts.len(), faults.len());
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..n_jobs.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no thread panics"))
        })?;
        Ok(verdicts.into_inner().expect("no thread panics with the lock").0)
    }

    /// Runs the tests against a fault until one notices. A test that does not come by the fault
    /// runs as it does without.
    fn try_one(
        &self,
        number: u32,
        tests: &[&str],
        known: &BTreeMap<&str, Known>,
    ) -> Result<Verdict> {
        let mut verdict = Verdict::Unreached;
        for test in tests {
            let Known { limit, reached } = &known[test];
            if reached.contains(&number) {
                verdict = self.run(&[(VARIABLE, number.to_string().as_ref())], test, *limit)?;
                if verdict != Verdict::Survived {
                    break;
                }
            }
        }
        Ok(verdict)
    }

    /// Runs a test without a fault, and once more to see which faults it comes by.
    fn know(&self, test: &str) -> Result<Known> {
        let started = Instant::now();
        if self.run(&[], test, Duration::MAX)? != Verdict::Survived {
            bail!("`{test}` fails without a fault");
        }
        let limit = LEAST_PATIENCE.max(started.elapsed() * PATIENCE);
        let seconds = started.elapsed().as_secs_f64();
        let path = self.tree.join("reached");
        fs::write(&path, "")?;
        self.run(&[(REACHED_VARIABLE, path.as_os_str())], test, Duration::MAX)?;
        let reached = fs::read_to_string(&path)?;
        let reached: BTreeSet<u32> = reached.lines().map(str::parse).collect::<Result<_, _>>()?;
        println!("mutants: `{test}` takes {seconds:.1} s and comes by {} faults", reached.len());
        Ok(Known { limit, reached })
    }

    /// Runs the tests of a name, or below a module, with variables.
    fn run(&self, with: &[(&str, &OsStr)], test: &str, limit: Duration) -> Result<Verdict> {
        let mut command = Command::new(&self.tests);
        command.arg(test).args(["--include-ignored", "--test-threads=1"]);
        if !test.ends_with("::") {
            command.arg("--exact");
        }
        // Nobody reads where a test failed, and finding that out takes long.
        command.env("RUST_BACKTRACE", "0");
        command.envs(with.iter().copied()).current_dir(self.tree.join("tests"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() { Verdict::Survived } else { Verdict::Killed });
            }
            if started.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Ok(Verdict::Endless);
            }
            std::thread::sleep(TICK);
        }
    }
}

/// The folder of the crate of a source file.
fn folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|folder| folder.ends_with("src"))?.parent().map(Path::to_owned)
}

/// The primary positions of an error.
fn spans(message: &Value, errors: &mut Vec<Position>) {
    for span in message["spans"].as_array().into_iter().flatten() {
        let number = |name: &str| usize::try_from(span[name].as_u64()?).ok();
        if let (Some(file), Some(start), Some(end)) =
            (span["file_name"].as_str(), number("byte_start"), number("byte_end"))
            && span["is_primary"] == true
        {
            errors.push((PathBuf::from(file), start..end));
        }
    }
}

/// Leaves out the faults that errors point at: the innermost that holds the position, else those
/// within it, else the last before it. Gives how many these are.
fn drop_faults(
    files: &mut [(Faulty, &[&str])],
    marks: &[Vec<(u32, Range<usize>)>],
    errors: &[Position],
) -> usize {
    let mut dropped = BTreeSet::new();
    for (path, at) in errors {
        let Some(n) = files.iter().position(|(file, _)| file.path == *path) else { continue };
        let marks = &marks[n];
        let holds = |mark: &&(u32, Range<usize>)| mark.1.start <= at.start && at.end <= mark.1.end;
        let inner = marks.iter().filter(holds).min_by_key(|mark| mark.1.len());
        let within = |mark: &&(u32, Range<usize>)| at.start <= mark.1.start && mark.1.end <= at.end;
        let mut found: Vec<u32> = inner.into_iter().map(|mark| mark.0).collect();
        if found.is_empty() {
            found.extend(marks.iter().filter(within).map(|mark| mark.0));
        }
        if found.is_empty() {
            found.extend(marks.iter().rfind(|mark| mark.1.start <= at.start).map(|mark| mark.0));
        }
        dropped.extend(found);
    }
    for fault in files.iter_mut().flat_map(|(file, _)| &mut file.faults) {
        fault.is_dropped |= dropped.contains(&fault.number);
    }
    dropped.len()
}
