//! The rules of `SEMANTICS.md` and what proves them: a function that is the rule, and a case of
//! the corpus or a test whose documentation names it.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assize::formats::Scenario;

use crate::corpus::{corpus, package_folder};
pub use source::Sources;

/// The numbers of all rules that the table must have: of the policy language, and of evaluation.
const LANGUAGE: &[(u16, u16)] = &[
    (1, 6),
    (101, 116),
    (121, 128),
    (131, 135),
    (201, 208),
    (211, 217),
    (221, 226),
    (231, 238),
    (241, 242),
    (301, 319),
    (321, 326),
    (331, 334),
    (401, 404),
    (411, 415),
    (501, 514),
    (601, 625),
    (701, 710),
    (801, 806),
    (1001, 1002),
];
const EVALUATION: &[(u16, u16)] = &[(1, 26), (30, 48), (50, 75), (80, 112), (120, 132)];

/// How many tests are named where no case of the corpus shows a rule.
const MAX_TESTS_NAMED: usize = 3;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id, such as `E-53`.
    pub id: String,
    /// What it says, in one sentence.
    pub says: String,
    /// The page and heading it comes from, or whose decision it is and why.
    pub source: String,
    /// The functions that are the rule, by path.
    pub functions: Vec<String>,
    /// Topics of the corpus, and tests in backticks.
    pub evidence: Vec<String>,
    /// The line of the row, from 0.
    line: usize,
}

/// Where the table stands.
pub fn semantics_file() -> PathBuf {
    workspace().join("crates/assize-reference/SEMANTICS.md")
}

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    package_folder().parent().expect("the package lies in the workspace")
}

/// The rows of the table.
pub fn rules(text: &str) -> Vec<Rule> {
    text.lines().enumerate().filter_map(|(line, row)| rule(line, row)).collect()
}

fn rule(line: usize, row: &str) -> Option<Rule> {
    let cells: Vec<&str> =
        row.strip_prefix("| ")?.strip_suffix('|')?.split(" |").map(str::trim).collect();
    let [id, says, source, functions, evidence] = cells[..] else { return None };
    let (letter, number) = id.split_once('-')?;
    if letter.len() != 1 || number.parse::<u16>().is_err() {
        return None;
    }
    let list = |cell: &str| -> Vec<String> {
        cell.split(", ").filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    Some(Rule {
        id: id.to_owned(),
        says: says.to_owned(),
        source: source.to_owned(),
        functions: list(functions).iter().map(|path| path.replace('`', "")).collect(),
        evidence: list(evidence),
        line,
    })
}

/// The ids of the rules that must have a row.
fn required() -> impl Iterator<Item = String> {
    let numbered = |letter: char, ranges: &'static [(u16, u16)]| {
        let numbers = ranges.iter().flat_map(|(first, last)| *first..=*last);
        numbers.map(move |number| match number {
            n if n < 10 && letter == 'L' => format!("{letter}-{n:03}"),
            n => format!("{letter}-{n}"),
        })
    };
    numbered('L', LANGUAGE).chain(numbered('E', EVALUATION))
}

/// What the corpus shows: the topics that name each rule.
fn topics(corpus: &[Scenario]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut topics: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for scenario in corpus {
        let topic = topic(scenario);
        let tests = scenario.tests.iter().map(|test| &test.rules);
        let documents = scenario.documents.iter().map(|case| &case.rules);
        for rule in tests.chain(documents).flatten() {
            topics.entry(rule).or_default().insert(topic);
        }
    }
    topics
}

/// The topic of a file of the corpus.
fn topic(scenario: &Scenario) -> &str {
    scenario.file.split('.').next().unwrap_or_default()
}

/// What is known of the corpus and the sources.
#[derive(Debug)]
pub struct Evidence {
    text: String,
    corpus: Vec<Scenario>,
    sources: Sources,
}

impl Evidence {
    /// Reads the table, the corpus and the sources.
    ///
    /// # Panics
    /// When one of them cannot be read.
    pub fn read() -> Self {
        let text = std::fs::read_to_string(semantics_file()).expect("the table can be read");
        Self { text, corpus: corpus(), sources: Sources::read(workspace()) }
    }

    /// Everything that is wrong: rules without a row, rows without a sentence, a source, a
    /// function that exists or evidence that exists, and cases without a source or of rules that
    /// the table does not have.
    pub fn complaints(&self) -> Vec<String> {
        let rules = rules(&self.text);
        let topics = topics(&self.corpus);
        let mut complaints = Vec::new();
        let known: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        if known.len() != rules.len() {
            complaints.push("a rule has two rows".to_owned());
        }
        let missing = required().filter(|id| !known.contains(id.as_str()));
        complaints.extend(missing.map(|id| format!("{id}: no row in SEMANTICS.md")));
        for rule in &rules {
            complaints.extend(self.complaints_of(rule, &topics));
        }
        complaints.extend(self.cases_without_source());
        complaints.extend(self.duplicates());
        complaints
    }

    fn complaints_of(&self, rule: &Rule, topics: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |what: String| complaints.push(format!("{}: {what}", rule.id));
        if rule.says.is_empty() || !rule.says.ends_with('.') {
            complain("no sentence".to_owned());
        }
        if rule.source.is_empty() {
            complain("no source".to_owned());
        }
        if rule.functions.is_empty() {
            complain("no function".to_owned());
        }
        for path in &rule.functions {
            if !self.sources.has(path) {
                complain(format!("there is no `{path}`"));
            }
        }
        if rule.evidence.is_empty() {
            complain("no case and no test shows it".to_owned());
        }
        for named in &rule.evidence {
            let shows = match named.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
                Some(test) => self.sources.tests_of(&rule.id).contains(test),
                None => topics.get(&*rule.id).is_some_and(|topics| topics.contains(&**named)),
            };
            if !shows {
                complain(format!("{named} does not name it"));
            }
        }
        complaints
    }

    fn cases_without_source(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for scenario in &self.corpus {
            let tests = scenario.tests.iter().map(|test| (&test.name, &test.source));
            let documents = scenario.documents.iter().map(|case| (&case.name, &case.source));
            let without = tests.chain(documents).filter(|(_, source)| {
                source.as_ref().is_none_or(|source| source.trim().is_empty())
            });
            complaints
                .extend(without.map(|(name, _)| format!("{} `{name}`: no source", scenario.file)));
        }
        complaints
    }

    /// Cases that ask what another one of the same file asks.
    fn duplicates(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for scenario in &self.corpus {
            let mut asked: BTreeMap<String, &str> = BTreeMap::new();
            for test in &scenario.tests {
                for cell in &test.cells {
                    let key = format!("{} {:?}", cell.request, test.options);
                    if let Some(other) = asked.insert(key, &test.name) {
                        let (file, name) = (&scenario.file, &test.name);
                        complaints.push(format!("{file} `{name}`: asks what `{other}` asks"));
                    }
                }
            }
        }
        complaints
    }

    /// The table with the last column made new from what there is.
    pub fn blessed(&self) -> String {
        let topics = topics(&self.corpus);
        let rules: BTreeMap<usize, Rule> =
            rules(&self.text).into_iter().map(|rule| (rule.line, rule)).collect();
        let mut text = String::new();
        for (at, line) in self.text.lines().enumerate() {
            let Some(rule) = rules.get(&at) else {
                text.push_str(line);
                text.push('\n');
                continue;
            };
            let topics = topics.get(&*rule.id).into_iter().flatten();
            let mut shown: Vec<String> = topics.map(ToString::to_string).collect();
            if shown.is_empty() {
                let tests = self.sources.tests_of(&rule.id).iter().take(MAX_TESTS_NAMED);
                shown = tests.map(|test| format!("`{test}`")).collect();
            }
            let functions: Vec<String> =
                rule.functions.iter().map(|path| format!("`{path}`")).collect();
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                rule.id,
                rule.says,
                rule.source,
                functions.join(", "),
                shown.join(", ")
            );
        }
        text
    }

    /// What there is, in numbers.
    pub fn statistics(&self) -> String {
        let n_tests: usize = self.corpus.iter().map(|scenario| scenario.tests.len()).sum();
        let cells = self.corpus.iter().flat_map(|scenario| &scenario.tests);
        let n_cells: usize = cells.map(|test| test.cells.len()).sum();
        let n_documents: usize = self.corpus.iter().map(|scenario| scenario.documents.len()).sum();
        let rules = rules(&self.text);
        let by_test = rules.iter().filter(|rule| rule.evidence.iter().all(|e| e.starts_with('`')));
        format!(
            "{} rules, {} of them shown by tests alone; {} files, {n_tests} tests with {n_cells} \
             requests, {n_documents} documents",
            rules.len(),
            by_test.count(),
            self.corpus.len(),
        )
    }
}
