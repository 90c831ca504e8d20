//! What stands in the sources: items by module, and tests by the rules they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Items and tests of the workspace.
#[derive(Debug, Default)]
pub struct Sources {
    /// Paths of items, from the crate on: `assize_policy::lower::version`.
    items: BTreeSet<String>,
    /// The names of tests by the rules that their documentation names.
    tests: BTreeMap<String, BTreeSet<String>>,
}

/// The crate of a path that names none.
const DEFAULT_CRATE: &str = "assize_reference";

/// What begins an item that a path can end in.
const ITEMS: [&str; 7] = ["fn ", "struct ", "enum ", "trait ", "const ", "static ", "type "];

impl Sources {
    /// Reads the sources of all crates and of the suite.
    ///
    /// # Panics
    /// When a folder or file cannot be read.
    pub fn read(root: &Path) -> Self {
        let mut sources = Self::default();
        for entry in sorted(&root.join("crates")) {
            let name = entry.file_name().map(|name| name.to_string_lossy().replace('-', "_"));
            let name = name.unwrap_or_default();
            sources.folder(&entry.join("src"), &name);
            sources.folder(&entry.join("tests"), &name);
        }
        sources.folder(&root.join("tests/suite"), "suite");
        sources
    }

    /// Whether there is an item of a path. Modules may be left out at its beginning: the path
    /// `kms::is_gated` is `assize_reference::service_rules::kms::is_gated`.
    pub fn has(&self, path: &str) -> bool {
        let (package, path) = match path.split_once("::") {
            Some((package, rest)) if package.starts_with("assize") => (package, rest),
            _ => (DEFAULT_CRATE, path),
        };
        let (prefix, suffix) = (format!("{package}::"), format!("::{path}"));
        self.items.iter().any(|item| item.starts_with(&prefix) && item.ends_with(&suffix))
    }

    /// The tests whose documentation names a rule.
    pub fn tests_of(&self, rule: &str) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.tests.get(rule).unwrap_or(&NONE)
    }

    fn folder(&mut self, folder: &Path, module: &str) {
        if !folder.is_dir() {
            return;
        }
        for path in sorted(folder) {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let stem = stem.unwrap_or_default();
            let inner = match &*stem {
                "lib" | "main" => module.to_owned(),
                _ => format!("{module}::{stem}"),
            };
            if path.is_dir() {
                self.folder(&path, &inner);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file can be read");
                self.file(&text, &inner);
            }
        }
    }

    fn file(&mut self, text: &str, module: &str) {
        let (mut rules, mut is_test) = (BTreeSet::new(), false);
        for line in text.lines().map(str::trim_start) {
            if let Some(documentation) = line.strip_prefix("///") {
                rules.extend(rules_in(documentation));
            } else if line == "#[test]" {
                is_test = true;
            } else if let Some(name) = item_name(line) {
                if is_test {
                    for rule in std::mem::take(&mut rules) {
                        self.tests.entry(rule).or_default().insert(name.to_owned());
                    }
                } else {
                    self.items.insert(format!("{module}::{name}"));
                }
                (rules, is_test) = (BTreeSet::new(), false);
            } else if !line.starts_with('#') {
                rules = BTreeSet::new();
            }
        }
    }
}

/// The entries of a folder, in byte order.
fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a source folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The name of the item that a line begins.
fn item_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.trim_start();
        rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map_or(rest, |(_, rest)| rest)
    });
    let line = line.strip_prefix("const fn ").map_or(line, |_| &line["const ".len()..]);
    let rest = ITEMS.iter().find_map(|keyword| line.strip_prefix(keyword))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// The ids of rules in a text: a letter, a hyphen, a number.
fn rules_in(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter_map(|word| {
        let (letter, number) = word.split_once('-')?;
        let is_rule = matches!(letter, "L" | "E" | "F" | "A" | "I" | "C")
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit());
        is_rule.then(|| word.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_the_end_of_their_path() {
        let mut sources = Sources::default();
        sources.file("/// E-1\npub(crate) fn decide(\n", "assize_reference::layer::inner");
        sources.file("/// Shows E-1.\n#[test]\nfn shows() {}\nfn helps() {}", "assize_policy::x");
        assert!(sources.has("decide") && sources.has("inner::decide"));
        assert!(!sources.has("layer::decide") && !sources.has("cide"));
        assert!(sources.has("assize_policy::helps") && !sources.has("assize_policy::shows"));
        assert_eq!(sources.tests_of("E-1").iter().collect::<Vec<_>>(), ["shows"]);
        assert!(sources.tests_of("E-2").is_empty());
    }
}
