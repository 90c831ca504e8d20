//! `cargo xtask tidy`: what no compiler checks.

mod publish;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Lines of a source file, at most.
const MAX_FILE_LINES: usize = 1_000;
/// Lines of code of a crate's `src`, tests and documentation comments apart.
const CRATE_BUDGETS: [(&str, usize); 2] = [("assize-reference", 5_560), ("assize", 11_460)];
/// Corpus cases that are known to be wrong. The number may only fall.
const MAX_PENDING: usize = 0;
/// Licences that dependencies may have, as they write them.
const LICENSES: [&str; 19] = [
    "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
    "MIT",
    "Apache-2.0",
    "MIT OR Apache-2.0",
    "Apache-2.0 OR MIT",
    "MIT/Apache-2.0",
    "Apache-2.0/MIT",
    "Apache-2.0 / MIT",
    "Unlicense OR MIT",
    "Unlicense/MIT",
    "0BSD OR MIT OR Apache-2.0",
    "MIT OR Zlib OR Apache-2.0",
    "MIT OR Apache-2.0 OR Zlib",
    "Zlib OR Apache-2.0 OR MIT",
    "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
    "(MIT OR Apache-2.0) AND Unicode-3.0",
    "BSD-2-Clause OR Apache-2.0 OR MIT",
    "BSD-3-Clause",
    "Zlib",
];
/// Crates that stand in the lock file in two versions, each with its reason.
const DUPLICATES: &[(&str, &str)] =
    &[("syn", "clap and serde derive with 3, others still with 2; neither is in a binary")];
/// What must not stand in the tree: unfinished work.
const UNFINISHED: [&str; 3] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("unimple", "mented!(")];

/// One complaint.
type Complaints = Vec<String>;

/// Runs every check and fails with all complaints.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = metadata(root)?;
    let files = tracked_files(root)?;
    let mut complaints = arrows(root, &metadata)?;
    complaints.extend(licenses(&metadata)?);
    complaints.extend(duplicates(&metadata)?);
    complaints.extend(binaries(&metadata)?);
    complaints.extend(file_budgets(root, &files)?);
    complaints.extend(crate_budgets(root, &files)?);
    complaints.extend(invariants(root, &files)?);
    complaints.extend(unfinished(root, &files)?);
    complaints.extend(corpus(root, &files)?);
    complaints.extend(publish::check(root, &metadata, &files)?);
    if !complaints.is_empty() {
        bail!("{} complaints:\n  {}", complaints.len(), complaints.join("\n  "));
    }
    println!(
        "tidy: {} files, arrows, budgets, licences, invariants, corpus and packages are in order",
        files.len()
    );
    Ok(())
}

fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("cargo metadata does not run")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    }
    let names = String::from_utf8(output.stdout)?;
    Ok(names
        .split('\0')
        .filter(|n| !n.is_empty())
        .map(PathBuf::from)
        .filter(|p| root.join(p).is_file())
        .collect())
}

/// The rows of the table of crates in ARCHITECTURE.md: crate and what it may use.
fn architecture_table(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let section =
        text.split("## Crates and arrows").nth(1).context("no section `Crates and arrows`")?;
    let rows = section.lines().take_while(|line| !line.starts_with("## ")).filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, name, _, uses] = cells[..] else { return None };
        let name = name.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let uses = uses.split(", ").filter(|u| *u != "none");
        Some((name, uses.map(full_name).collect()))
    });
    Ok(rows.collect())
}

fn full_name(short: &str) -> String {
    if short.starts_with("assize") { short.to_owned() } else { format!("assize-{short}") }
}

fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"].as_array().context("metadata has packages")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Internal dependencies are those of the table.
fn arrows(root: &Path, metadata: &Value) -> Result<Complaints> {
    let table = architecture_table(root)?;
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    for package in packages(metadata)? {
        let name = text(package, "name");
        let Some(may_use) = table.get(name) else { continue };
        seen.insert(name.to_owned());
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = text(dependency, "name");
            let normal = dependency["kind"].is_null();
            if normal && table.contains_key(other) && !may_use.contains(other) {
                complaints.push(format!(
                    "`{name}` uses `{other}`, which the table in ARCHITECTURE.md does not allow"
                ));
            }
        }
    }
    for crate_folder in std::fs::read_dir(root.join("crates"))? {
        let name = crate_folder?.file_name().to_string_lossy().into_owned();
        if !table.contains_key(&name) {
            complaints.push(format!("`{name}` is not in the table in ARCHITECTURE.md"));
        }
    }
    for name in table.keys().filter(|name| !seen.contains(*name)) {
        complaints
            .push(format!("`{name}` is in the table in ARCHITECTURE.md and not in the workspace"));
    }
    Ok(complaints)
}

fn licenses(metadata: &Value) -> Result<Complaints> {
    let bad = packages(metadata)?.iter().filter(|p| !LICENSES.contains(&text(p, "license")));
    Ok(bad.map(|p| format!("`{}` has licence `{}`", text(p, "name"), text(p, "license"))).collect())
}

/// The README says `cargo run`, which knows what to run only while there is one binary.
fn binaries(metadata: &Value) -> Result<Complaints> {
    let defaults: Vec<&Value> =
        metadata["workspace_default_members"].as_array().into_iter().flatten().collect();
    let mut names = BTreeSet::new();
    for package in packages(metadata)?.iter().filter(|package| defaults.contains(&&package["id"])) {
        for target in package["targets"].as_array().into_iter().flatten() {
            let kinds = target["kind"].as_array().into_iter().flatten();
            if kinds.into_iter().any(|kind| kind == "bin") {
                names.insert(text(target, "name"));
            }
        }
    }
    let is_one = names.iter().eq(["assize"].iter());
    let complaint = format!("the default members have the binaries {names:?}, not `assize` alone");
    Ok(if is_one { Vec::new() } else { vec![complaint] })
}

fn duplicates(metadata: &Value) -> Result<Complaints> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages(metadata)? {
        versions.entry(text(package, "name")).or_default().insert(text(package, "version"));
    }
    let twice = versions
        .iter()
        .filter(|(name, v)| v.len() > 1 && !DUPLICATES.iter().any(|(known, _)| known == *name));
    let complaints = twice.map(|(name, v)| {
        format!(
            "`{name}` stands in the lock file in {} versions: {}",
            v.len(),
            v.iter().copied().collect::<Vec<_>>().join(", ")
        )
    });
    Ok(complaints.collect())
}

fn rust_files(files: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    files.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"))
}

fn file_budgets(root: &Path, files: &[PathBuf]) -> Result<Complaints> {
    let mut complaints = Vec::new();
    for path in rust_files(files) {
        let lines = std::fs::read_to_string(root.join(path))?.lines().count();
        if lines > MAX_FILE_LINES {
            complaints
                .push(format!("{} has {lines} lines, above {MAX_FILE_LINES}", path.display()));
        }
    }
    Ok(complaints)
}

/// Lines of code: not blank, not documentation, not in a test module or test file.
fn code_lines(source: &str) -> usize {
    source
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

fn crate_budgets(root: &Path, files: &[PathBuf]) -> Result<Complaints> {
    let mut complaints = Vec::new();
    for (name, budget) in CRATE_BUDGETS {
        let folder = Path::new("crates").join(name).join("src");
        let mut lines = 0;
        for path in rust_files(files).filter(|p| p.starts_with(&folder) && !p.ends_with("tests.rs"))
        {
            lines += code_lines(&std::fs::read_to_string(root.join(path))?);
        }
        if lines > budget {
            complaints.push(format!("`{name}` has {lines} lines of code, above {budget}"));
        }
    }
    Ok(complaints)
}

/// Each test that an invariant of ARCHITECTURE.md names exists.
fn invariants(root: &Path, files: &[PathBuf]) -> Result<Complaints> {
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let section = text.split("## Invariants").nth(1).context("no section `Invariants`")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let names: Vec<&str> =
        section.split("Test `").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    let mut sources = String::new();
    for path in rust_files(files) {
        sources.push_str(&std::fs::read_to_string(root.join(path))?);
    }
    let missing = names.iter().filter(|name| !sources.contains(&format!("fn {name}(")));
    Ok(missing
        .map(|name| format!("ARCHITECTURE.md names a test `{name}` that does not exist"))
        .collect())
}

fn unfinished(root: &Path, files: &[PathBuf]) -> Result<Complaints> {
    let mut complaints = Vec::new();
    for path in rust_files(files) {
        let source = std::fs::read_to_string(root.join(path))?;
        for (number, line) in source.lines().enumerate() {
            if UNFINISHED.iter().any(|word| line.contains(word)) {
                complaints.push(format!(
                    "{}:{}: unfinished: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    Ok(complaints)
}

/// Every case of the corpus has rules and a source; pending cases only become fewer.
fn corpus(root: &Path, files: &[PathBuf]) -> Result<Complaints> {
    let mut complaints = Vec::new();
    let mut pending = 0;
    for path in files.iter().filter(|p| p.starts_with("tests/corpus")) {
        let text = std::fs::read_to_string(root.join(path))?;
        pending += text.lines().filter(|line| line.trim_start().starts_with("pending:")).count();
        if text.lines().any(|line| line.trim_start().starts_with("skip:")) {
            complaints.push(format!("{}: the corpus skips nothing", path.display()));
        }
    }
    if pending > MAX_PENDING {
        complaints.push(format!("{pending} corpus cases are pending, above {MAX_PENDING}"));
    }
    Ok(complaints)
}
