//! `cargo xtask bench`: the table of the record, and where and when it was measured.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What `cargo xtask bench` is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the record of the day into `benches/record`
    #[arg(long)]
    record: bool,
    /// Ask other evaluators too (`benches/peers`)
    #[arg(long)]
    peers: bool,
}

/// What the record holds, in order: a benchmark, or an example with its argument, that prints
/// Markdown; and what stands above its rows.
const PARTS: [(&str, &[&str]); 5] = [
    ("", &["bench", "--locked", "-p", "assize-benches", "--bench", "table"]),
    ("", &["bench", "--locked", "-p", "assize-benches", "--bench", "scale"]),
    ("| footprint | target | | | | |\n|---|---|---|---|---|---|\n", &["footprint", "estate"]),
    ("", &["footprint", "stream"]),
    ("", &["replay_memory", "1000000"]),
];

/// Runs what prints the tables, and records them.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut table = String::new();
    for (head, part) in PARTS {
        table.push_str(head);
        table.push_str(&output(root, part)?);
    }
    if args.peers {
        table.push_str("\n\n");
        // Their lock file follows the workspace, which may have moved on.
        let folder = root.join("benches/peers");
        let mut run = Command::new(env!("CARGO"));
        table.push_str(&said(run.current_dir(folder).args(["run", "--release"]))?);
    }
    let table = table.trim();
    println!("{table}");
    if !args.record {
        return Ok(());
    }
    let fact = |program: &str, args: &[&str]| -> Result<String> {
        let text = said(Command::new(program).args(args).current_dir(root))?;
        Ok(text.trim().to_owned())
    };
    let date = fact("date", &["-u", "+%F"])?;
    let commit = fact("git", &["rev-parse", "--short", "HEAD"])?;
    let compiler = fact("rustc", &["--version"])?;
    let machine = machine();
    let record = format!(
        "# {date}\n\n`cargo xtask bench --record` at commit {commit}, {compiler}, on {machine}.\n\n{table}\n"
    );
    let folder = root.join("benches/record");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{date}.md"));
    std::fs::write(&path, record).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\nwrote {}", path.display());
    Ok(())
}

/// The output of a part: rows of one table follow one another without a gap.
fn output(root: &Path, part: &[&str]) -> Result<String> {
    // The profile of benchmarks, so that nothing is built twice.
    const EXAMPLE: [&str; 7] =
        ["run", "--locked", "--profile", "bench", "-p", "assize-benches", "--example"];
    let mut run = Command::new(env!("CARGO"));
    run.current_dir(root);
    match part {
        ["bench", ..] => {
            let text = said(run.args(part))?;
            Ok(format!("{}\n\n", text.trim_end()))
        }
        [example, args @ ..] => said(run.args(EXAMPLE).arg(example).arg("--").args(args)),
        [] => Ok(String::new()),
    }
}

/// What a command prints on standard output.
fn said(command: &mut Command) -> Result<String> {
    let run = command.stderr(Stdio::inherit()).output();
    let run = run.with_context(|| format!("{command:?} cannot be run"))?;
    ensure!(run.status.success(), "{command:?} failed");
    String::from_utf8(run.stdout).context("what it printed is not text")
}

/// Processor and number of threads, as far as the system tells.
fn machine() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = facts.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim().to_owned())
    });
    let model = model.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{model}, {threads} threads")
}
