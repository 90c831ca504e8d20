//! Where the code of each rule is, and the sources with a counter at each of these places.
//!
//! A place is the beginning of a function that SEMANTICS.md names for a rule or, in the reference
//! and in the crate of policies, of one whose documentation names the rule; and a statement or an
//! arm of theirs that stands behind a comment which names it.

mod find;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::find::insertions;

/// The variable that names the file to which the counts go.
pub(super) const VARIABLE: &str = "ASSIZE_RULES_REACHED";

const TABLE: &str = "crates/assize-reference/SEMANTICS.md";
/// The crates whose comments are read; what others say of a rule is how they follow it.
const COMMENTED: [&str; 2] = ["assize_reference", "assize_policy"];
/// The crate of a function of the table that names none.
const DEFAULT_CRATE: &str = "assize_reference";
/// The crate that all others use, so that all count in it.
const COUNTING: &str = "crates/assize-model/src/lib.rs";
/// The program that tells the counts when it ends.
const PROGRAM: &str = "tests/examples/soak.rs";

/// What counts, put into the crate that all others use; `PLACES` stands for how many places there
/// are. Each thread has counters of its own, as long as there are not too many threads.
const COUNTERS: &str = r#"
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "only in copies that count")]
pub mod rule_marks {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    const N_ROWS: usize = 64;
    static COUNTS: [[AtomicU64; PLACES]; N_ROWS] =
        [const { [const { AtomicU64::new(0) }; PLACES] }; N_ROWS];
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    std::thread_local! {
        static ROW: usize = NEXT.fetch_add(1, Ordering::Relaxed) % N_ROWS;
    }

    pub fn reach(place: usize) {
        let row = ROW.try_with(|row| *row).unwrap_or_default();
        COUNTS[row][place].fetch_add(1, Ordering::Relaxed);
    }

    #[derive(Debug)]
    pub struct Report;

    impl Drop for Report {
        fn drop(&mut self) {
            let Some(path) = std::env::var_os("ASSIZE_RULES_REACHED") else { return };
            let count = |place: usize| -> u64 {
                COUNTS.iter().map(|row| row[place].load(Ordering::Relaxed)).sum()
            };
            let lines: String = (0..PLACES).map(|place| format!("{}\n", count(place))).collect();
            if let Err(error) = std::fs::write(path, lines) {
                eprintln!("the counts are lost: {error}");
            }
        }
    }
}
"#;

/// The places of all rules.
#[derive(Debug)]
pub(super) struct Marks {
    /// The rules of the table with their functions, in its order.
    rules: Vec<(String, BTreeSet<String>)>,
    /// The places, by number: where each is, and the rules whose code it is.
    places: Vec<(String, BTreeSet<String>)>,
    changed: BTreeMap<PathBuf, String>,
}

impl Marks {
    /// Finds the places.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let table = fs::read_to_string(root.join(TABLE))?;
        let rules: Vec<_> = table.lines().filter_map(rule).collect();
        let mut marks = Self { rules, places: Vec::new(), changed: BTreeMap::new() };
        for package in find::sorted(&root.join("crates"))? {
            let name = package.file_name().context("a crate has a name")?;
            let name = name.to_string_lossy().replace('-', "_");
            marks.folder(root, &package.join("src"), &name)?;
        }
        let counters = COUNTERS.replace("PLACES", &marks.places.len().to_string());
        let counting = PathBuf::from(COUNTING);
        let text = match marks.changed.remove(&counting) {
            Some(text) => text,
            None => fs::read_to_string(root.join(COUNTING))?,
        };
        marks.changed.insert(counting, text + &counters);
        let text = fs::read_to_string(root.join(PROGRAM))?;
        let main = text.find("fn main()").context("a program begins in `main`")?;
        let body = main + text[main..].find('{').context("a function has a body")? + 1;
        let telling = " let _told_at_the_end = assize_model::rule_marks::Report;";
        let text = format!("{}{telling}{}", &text[..body], &text[body..]);
        marks.changed.insert(PathBuf::from(PROGRAM), text);
        Ok(marks)
    }

    /// The files that say something else in the copy.
    pub(super) fn changed(&self) -> &BTreeMap<PathBuf, String> {
        &self.changed
    }

    /// How many places there are.
    pub(super) fn n_places(&self) -> usize {
        self.places.len()
    }

    fn folder(&mut self, root: &Path, folder: &Path, module: &str) -> Result<()> {
        for path in find::sorted(folder)? {
            let stem = path.file_stem().context("a module has a name")?.to_string_lossy();
            let inner = match &*stem {
                "lib" | "main" => module.to_owned(),
                _ => format!("{module}::{stem}"),
            };
            if path.is_dir() {
                self.folder(root, &path, &inner)?;
            } else if path.extension().is_some_and(|e| e == "rs") && stem != "tests" {
                self.file(root, &path, &inner)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, root: &Path, path: &Path, module: &str) -> Result<()> {
        let text = fs::read_to_string(path)?;
        let package = module.split("::").next().unwrap_or_default();
        let reads_comments = COMMENTED.contains(&package);
        let name = path.strip_prefix(root)?.to_owned();
        let known: BTreeSet<&str> = self.rules.iter().map(|(id, _)| id.as_str()).collect();
        let counter = if package == "assize_model" { "crate" } else { "assize_model" };
        let mut found =
            find::places(&text, reads_comments).with_context(|| path.display().to_string())?;
        for place in &mut found {
            place.rules.retain(|rule| known.contains(&**rule));
            if place.is_beginning {
                place.rules.extend(self.rules_of(module, &place.function));
            }
        }
        find::keep_exact(&mut found);
        if found.is_empty() {
            return Ok(());
        }
        let first = self.places.len();
        self.places.extend(found.iter().map(|place| {
            let line = text[..place.at].matches('\n').count() + 1;
            (format!("{module}::{}, line {line}", place.function), place.rules.clone())
        }));
        self.changed.insert(
            name,
            insertions(&text, &found, |nth| {
                format!(" {counter}::rule_marks::reach({}); ", first + nth)
            }),
        );
        Ok(())
    }

    /// The rules of the table that name a function. Modules may be left out at the beginning of
    /// what it says: `kms::is_gated` is `assize_reference::service_rules::kms::is_gated`.
    fn rules_of(&self, module: &str, function: &str) -> Vec<String> {
        let whole = format!("{module}::{function}");
        let is_named = |path: &String| {
            let (package, path) = match path.split_once("::") {
                Some((package, rest)) if package.starts_with("assize") => (package, rest),
                _ => (DEFAULT_CRATE, path.as_str()),
            };
            whole.starts_with(&format!("{package}::")) && whole.ends_with(&format!("::{path}"))
        };
        let named = self.rules.iter().filter(|(_, paths)| paths.iter().any(is_named));
        named.map(|(id, _)| id.clone()).collect()
    }

    /// How often the code of each rule was reached, and what was not.
    pub(super) fn report(&self, counts: &[u64]) -> String {
        let count = |place: usize| counts.get(place).copied().unwrap_or_default();
        let (mut lines, mut never, mut without) = (String::new(), Vec::new(), Vec::new());
        for (id, functions) in &self.rules {
            let places = self.places.iter().enumerate();
            let places: Vec<_> = places.filter(|(_, (_, rules))| rules.contains(id)).collect();
            let total: u64 = places.iter().map(|(n, _)| count(*n)).sum();
            let named = functions.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            // Writing to a text cannot fail.
            if places.is_empty() {
                without.push(format!("{id} ({named})"));
            } else if total == 0 {
                never.push(format!("{id} ({named})"));
            } else {
                let _ = writeln!(lines, "{total:>12} rule {id} at {}", at(places.len()));
            }
        }
        let unreached = self.places.iter().enumerate().filter(|(n, _)| count(*n) == 0);
        let unreached: Vec<String> = unreached
            .map(|(_, (place, rules))| {
                let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
                format!("{place} ({})", rules.join(", "))
            })
            .collect();
        list(&mut lines, "rules never reached", &never);
        list(&mut lines, "rules that no code runs for: of types, constants and texts", &without);
        list(&mut lines, "places never reached", &unreached);
        lines
    }
}

fn at(n: usize) -> String {
    if n == 1 { "1 place".to_owned() } else { format!("{n} places") }
}

fn list(lines: &mut String, what: &str, items: &[String]) {
    // Writing to a text cannot fail.
    let _ = writeln!(lines, "soak: {what}: {}", items.len());
    for item in items {
        let _ = writeln!(lines, "  {item}");
    }
}

/// A row of the table: the id of a rule of the language or of evaluation, and its functions.
fn rule(row: &str) -> Option<(String, BTreeSet<String>)> {
    let cells: Vec<&str> = row.strip_prefix("| ")?.split(" |").map(str::trim).collect();
    let [id, _, _, functions, ..] = cells[..] else { return None };
    if find::rules_in(id).is_empty() {
        return None;
    }
    let functions = functions.split(", ").map(|path| path.replace('`', ""));
    Some((id.to_owned(), functions.collect()))
}
