//! `cargo xtask mutants`: small faults put into the code that decides, one at a time, to see which
//! of them the tests notice.
//!
//! Building anew for each fault would take days. Here all faults are built in at once, each behind
//! a switch, in a copy of the workspace; a variable of the environment turns one of them on. So
//! there is one build, and each fault costs one run of the tests it is held against.

mod fault;
mod place;
mod record;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub(crate) use self::fault::is_of_tests;
use self::place::Faulty;
use self::record::Record;
use self::trial::{Bench, Verdict};

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these files, or those below these folders, in this order
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only every N-th fault from the K-th on, counted from 1
    #[arg(long, value_name = "K/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// Only the faults of these numbers, as `--list` has them
    #[arg(long, value_name = "N", value_delimiter = ',')]
    only: Vec<u32>,
    /// How many tests run at a time; as many as there are processors when not given
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Write each verdict to this file as soon as it is known; those that it has are not tried again
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Say which faults there are, and try none
    #[arg(long)]
    list: bool,
}

/// What is tried: paths, and the tests that each fault is held against, in this order.
pub(crate) struct Group {
    paths: &'static [&'static str],
    tests: &'static [&'static str],
}

/// The corpus by both, then by the reference in full, then what a scenario cannot say, then 2,000
/// generated requests by both.
const DECISIONS: &[&str] = &[
    "corpus::oracle_and_tables_agree",
    "corpus::reference_decides_the_corpus",
    "corpus::explanations_are_those_of_the_reference",
    "dependent_actions::",
    "several_resources::",
    "differential::tables_agree_on_a_sample",
];

/// The same, and what the short way must leave alone.
const REQUESTS: &[&str] = &[
    "corpus::oracle_and_tables_agree",
    "corpus::explanations_are_those_of_the_reference",
    "dependent_actions::",
    "several_resources::",
    "differential::tables_agree_on_a_sample",
    "limits::",
    "output::assumed_owners_are_counted",
    "short_way::",
];

/// Everything that is tried.
const GROUPS: [Group; 4] = [
    Group {
        paths: &[
            "crates/assize-reference/src/applicable.rs",
            "crates/assize-reference/src/condition.rs",
            "crates/assize-reference/src/condition",
            "crates/assize-reference/src/evaluate.rs",
            "crates/assize-reference/src/evaluate",
            "crates/assize-reference/src/layer.rs",
            "crates/assize-reference/src/layer",
            "crates/assize-reference/src/service_rules.rs",
            "crates/assize-reference/src/service_rules",
            "crates/assize-reference/src/statement.rs",
            "crates/assize-reference/src/wildcard.rs",
        ],
        tests: DECISIONS,
    },
    Group {
        paths: &[
            "crates/assize-compiler/src/conditions.rs",
            "crates/assize-compiler/src/decide.rs",
            "crates/assize-compiler/src/decide",
            "crates/assize-compiler/src/partition.rs",
            "crates/assize-compiler/src/program.rs",
            "crates/assize-compiler/src/program",
            "crates/assize-compiler/src/service_rules.rs",
            "crates/assize-compiler/src/simplify.rs",
        ],
        tests: DECISIONS,
    },
    Group {
        paths: &[
            "crates/assize/src/resolve.rs",
            "crates/assize/src/resolve/action.rs",
            "crates/assize/src/resolve/check.rs",
            "crates/assize/src/resolve/context.rs",
            "crates/assize/src/resolve/derive.rs",
            "crates/assize/src/resolve/elsewhere.rs",
            "crates/assize/src/resolve/environment.rs",
            "crates/assize/src/resolve/frame.rs",
            "crates/assize/src/resolve/gaps.rs",
            "crates/assize/src/resolve/key.rs",
            "crates/assize/src/resolve/organizations.rs",
            "crates/assize/src/resolve/policies.rs",
            "crates/assize/src/resolve/principal.rs",
            "crates/assize/src/resolve/public.rs",
            "crates/assize/src/resolve/resource.rs",
            "crates/assize/src/resolve/rows.rs",
            "crates/assize/src/resolve/target.rs",
            "crates/assize/src/resolve/time.rs",
            "crates/assize/src/resolve/told.rs",
            "crates/assize/src/sets.rs",
        ],
        tests: REQUESTS,
    },
    Group {
        paths: &[
            "crates/assize/src/resolve/plain.rs",
            "crates/assize/src/resolve/plain",
            "crates/assize-formats/src/request/plain.rs",
        ],
        tests: &[
            "short_way::",
            "sameness::the_short_way_knows_every_key_it_takes",
            "sameness::the_short_way_knows_mfa",
            "sameness::plain_lines_are_decided_as_the_reference_does",
            "sameness::the_short_way_is_the_long_way",
            "rows::",
            "output::assumed_owners_are_counted",
        ],
    },
];

/// Where survivors are explained.
const EXPLAINED: &str = "tests/mutants.md";

/// Tries every fault, and fails when one survives that nobody has explained.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut files = Vec::new();
    let mut next = 1;
    for group in &GROUPS {
        for path in sources(root, group.paths)? {
            // All are numbered, whatever is asked for.
            let file = Faulty::read(root, &path, &mut next)?;
            if args.paths.is_empty() || place_of(&path, &args.paths).is_some() {
                files.push((file, group.tests));
            }
        }
    }
    files.sort_by_key(|(file, _)| place_of(&file.path, &args.paths));
    if args.list {
        for fault in files.iter().flat_map(|(file, _)| &file.faults) {
            println!("{fault}");
        }
        return Ok(());
    }
    let mut bench = Bench::new(root)?;
    bench.build(&mut files)?;
    let of_file = |(file, tests): &(Faulty, &'static [&'static str])| {
        let live = file.faults.iter().filter(|fault| !fault.is_dropped);
        live.map(|fault| (fault.number, *tests)).collect::<Vec<_>>()
    };
    let (first, every) = args.shard.unwrap_or((1, 1));
    let is_wanted = |(number, _): &(u32, _)| args.only.is_empty() || args.only.contains(number);
    let faults = files.iter().flat_map(of_file).filter(is_wanted);
    let mut faults: Vec<_> = faults.skip(first - 1).step_by(every).collect();
    let names = files.iter().flat_map(|(file, _)| &file.faults);
    let names = names.map(|fault| (fault.number, fault.name())).collect();
    let mut record = Record::open(args.record.as_deref(), names)?;
    let mut verdicts = record.known()?;
    faults.retain(|(number, _)| !verdicts.contains_key(number));
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    verdicts.extend(bench.try_all(&faults, jobs.unwrap_or(1), &mut record)?);
    report(root, &files, &verdicts)
}

/// Which of the paths that were asked for a file belongs to.
fn place_of(path: &Path, wanted: &[PathBuf]) -> Option<usize> {
    wanted.iter().position(|wanted| path.starts_with(wanted))
}

/// The files of paths, in order.
fn sources(root: &Path, paths: &[&str]) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in paths {
        if !root.join(path).exists() {
            bail!("there is no `{path}`: the list in `xtask/src/mutants.rs` is out of date");
        }
        add_sources(root, Path::new(path), &mut found)?;
    }
    Ok(found)
}

/// Adds a file, or what is in a folder. Unit tests are no code that decides.
fn add_sources(root: &Path, path: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let whole = root.join(path);
    if whole.is_dir() {
        for entry in fs::read_dir(&whole)? {
            add_sources(root, &path.join(entry?.file_name()), found)?;
        }
    } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
        found.insert(path.to_owned());
    }
    Ok(())
}

/// Says what became of the faults, a line a file.
fn report(
    root: &Path,
    files: &[(Faulty, &[&str])],
    verdicts: &BTreeMap<u32, Verdict>,
) -> Result<()> {
    let explained = fs::read_to_string(root.join(EXPLAINED)).unwrap_or_default();
    let mut unexplained = Vec::new();
    println!("| file | faults | no code | tried | killed | survived | not run |");
    println!("|---|---|---|---|---|---|---|");
    let mut total = [0; 6];
    for (file, _) in files {
        let tried = file.faults.iter().filter_map(|fault| verdicts.get(&fault.number));
        let tried: Vec<Verdict> = tried.copied().collect();
        let n_survived = tried.iter().filter(|verdict| verdict.is_survival()).count();
        let n_dropped = file.faults.iter().filter(|fault| fault.is_dropped).count();
        let row = [
            file.faults.len(),
            n_dropped,
            tried.len(),
            tried.len() - n_survived,
            n_survived,
            file.faults.len() - n_dropped - tried.len(),
        ];
        print_row(&file.path.display().to_string(), &row);
        for (sum, n) in total.iter_mut().zip(row) {
            *sum += n;
        }
    }
    print_row("all", &total);
    for fault in files.iter().flat_map(|(file, _)| &file.faults) {
        let verdict = verdicts.get(&fault.number);
        if let Some(verdict) = verdict.filter(|verdict| verdict.is_survival()) {
            let known = explained.contains(&format!("`{}`", fault.name()));
            let how = if *verdict == Verdict::Unreached { "unreached" } else { "survived" };
            println!("{how}{}: {fault}", if known { ", as explained" } else { "" });
            unexplained.extend((!known).then_some(()));
        }
    }
    if !unexplained.is_empty() {
        bail!("{} faults survived that `{EXPLAINED}` does not explain", unexplained.len());
    }
    Ok(())
}

fn print_row(name: &str, row: &[usize; 6]) {
    let cells = row.map(|n| n.to_string()).join(" | ");
    println!("| {name} | {cells} |");
}

fn shard(text: &str) -> Result<(usize, usize)> {
    let (first, every) = text.split_once('/').context("expected `K/N`")?;
    let (first, every) = (first.parse()?, every.parse()?);
    if first == 0 || first > every {
        bail!("K is between 1 and N");
    }
    Ok((first, every))
}
