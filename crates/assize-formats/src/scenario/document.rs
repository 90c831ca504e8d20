//! Cases about loading documents (F-46a).

use std::sync::Arc;

use assize_model::PolicyType;
use assize_policy::{Finding, FindingCode, LoadMode, LoadOptions};
use assize_store::DocumentText;

use super::Reader;
use super::expect::Mismatch;
use crate::file::File;
use crate::json::{Node, shorten};
use crate::{ErrorKind, Place};

/// A case about loading one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentCase {
    /// `name`, unique among the file's document cases.
    pub name: Box<str>,
    /// Where the case stands.
    pub place: Place,
    /// `type`.
    pub policy_type: PolicyType,
    /// `service`, of a resource-based policy.
    pub service: Option<Box<str>>,
    /// `mode`.
    pub mode: LoadMode,
    /// The document: `text` as it is, or that of `policy` or `file`.
    pub document: DocumentText,
    /// `expect`.
    pub expect: DocumentExpectation,
    /// `rules` it shows.
    pub rules: Vec<Box<str>>,
    /// `source`: where the expectation comes from.
    pub source: Option<Box<str>>,
    /// `pending`, with the reason.
    pub pending: Option<Box<str>>,
}

/// What loading is expected to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentExpectation {
    /// `loads`.
    pub loads: bool,
    /// `findings`: exactly these, in any order.
    pub findings: Option<Vec<ExpectedFinding>>,
    /// `findingsInclude`: these among others.
    pub findings_include: Vec<ExpectedFinding>,
}

/// A finding that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedFinding {
    /// `code`.
    pub code: FindingCode,
    /// `path`; any when not given.
    pub path: Option<Box<str>>,
}

impl ExpectedFinding {
    fn fits(&self, finding: &Finding) -> bool {
        self.code == finding.code && self.path.as_ref().is_none_or(|path| *path == finding.path)
    }

    fn text(&self) -> String {
        match &self.path {
            Some(path) => format!("{} at {path}", self.code.as_str()),
            None => self.code.as_str().to_owned(),
        }
    }
}

impl DocumentCase {
    /// How the document is to be loaded.
    pub fn load_options(&self) -> LoadOptions {
        let options = LoadOptions::new(self.policy_type, self.mode);
        match &self.service {
            Some(service) => options.with_service(service),
            None => options,
        }
    }

    /// Everything in which loading gave not what is expected; nothing when it did.
    pub fn check(&self, loads: bool, findings: &[Finding]) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        if loads != self.expect.loads {
            mismatches.push(Mismatch {
                field: "loads".into(),
                expected: self.expect.loads.to_string().into(),
                found: loads.to_string().into(),
            });
        }
        let mismatch = |field: &str, expected: &[ExpectedFinding]| Mismatch {
            field: field.into(),
            expected: texts(expected.iter().map(ExpectedFinding::text)).into(),
            found: texts(findings.iter().map(|f| format!("{} at {}", f.code.as_str(), f.path)))
                .into(),
        };
        if let Some(expected) = &self.expect.findings
            && !(expected.len() == findings.len() && each_has_its_own(expected, findings))
        {
            mismatches.push(mismatch("findings", expected));
        }
        if !each_has_its_own(&self.expect.findings_include, findings) {
            mismatches.push(mismatch("findingsInclude", &self.expect.findings_include));
        }
        mismatches
    }
}

/// Whether every expected finding can be given a finding of its own. Those with a path choose
/// first: what they leave serves those without.
fn each_has_its_own(expected: &[ExpectedFinding], findings: &[Finding]) -> bool {
    let mut left: Vec<&Finding> = findings.iter().collect();
    let (exact, any): (Vec<_>, Vec<_>) = expected.iter().partition(|e| e.path.is_some());
    exact.into_iter().chain(any).all(|expected| {
        let at = left.iter().position(|finding| expected.fits(finding));
        at.map(|at| left.swap_remove(at)).is_some()
    })
}

fn texts(texts: impl Iterator<Item = String>) -> String {
    let list = texts.collect::<Vec<_>>().join(", ");
    if list.is_empty() { "none".to_owned() } else { list }
}

const CASE_FIELDS: [&str; 11] = [
    "name", "type", "service", "mode", "text", "policy", "file", "rules", "source", "pending",
    "expect",
];

impl Reader<'_> {
    /// `documents`.
    pub(super) fn documents(&mut self, file: &File, node: Option<&Node<'_>>) -> Vec<DocumentCase> {
        let mut cases: Vec<DocumentCase> = Vec::new();
        for item in node.map(|node| self.items(file, node)).unwrap_or_default() {
            let Some(case) = self.document_case(file, item) else { continue };
            if cases.iter().any(|other| other.name == case.name) {
                let message = format!("two document cases are named `{}`", shorten(&case.name));
                self.error(file, ErrorKind::Repeated, item, message);
            }
            cases.push(case);
        }
        cases
    }

    fn document_case(&mut self, file: &File, node: &Node<'_>) -> Option<DocumentCase> {
        let fields = self.fields(file, node, &CASE_FIELDS)?;
        let name = match fields.get("name") {
            Some(node) => self.text(file, node),
            None => self.missing(file, node, "name"),
        };
        let types = PolicyType::ALL.map(|policy_type| (policy_type.abbreviation(), policy_type));
        let policy_type = match fields.get("type") {
            Some(node) => self.word(file, node, &types),
            None => self.missing(file, node, "type"),
        };
        let modes = [("author", LoadMode::Author), ("import", LoadMode::Import)];
        let mode = fields.get("mode").and_then(|node| self.word(file, node, &modes));
        let expect = match fields.get("expect") {
            Some(node) => self.document_expectation(file, node),
            None => self.missing(file, node, "expect"),
        };
        let given = [fields.get("text"), fields.get("policy"), fields.get("file")];
        let document = match given {
            [Some(text), None, None] => self.string(file, text).map(DocumentText::new),
            [None, Some(policy), None] => match policy.as_object() {
                Some(_) => Some(self.inline_document(file, policy)),
                None => self.expected(file, policy, "an object"),
            },
            [None, None, Some(path)] => {
                let opened = self.string(file, path).and_then(|text| self.open(file, path, text));
                opened.map(|opened| DocumentText::new(Arc::clone(&opened.text)))
            }
            _ => {
                let message = "exactly one of `text`, `policy` and `file` is needed";
                self.error(file, ErrorKind::InvalidField, node, message);
                None
            }
        };
        Some(DocumentCase {
            service: self.text_of(file, &fields, "service"),
            rules: self.strings_of(file, &fields, "rules"),
            source: self.text_of(file, &fields, "source"),
            pending: self.text_of(file, &fields, "pending"),
            name: name?,
            place: file.place(node.span),
            policy_type: policy_type?,
            mode: mode.unwrap_or(LoadMode::Author),
            document: document?,
            expect: expect?,
        })
    }

    fn document_expectation(
        &mut self,
        file: &File,
        node: &Node<'_>,
    ) -> Option<DocumentExpectation> {
        let fields = self.fields(file, node, &["loads", "findings", "findingsInclude"])?;
        let loads = match fields.get("loads") {
            Some(node) => self.boolean(file, node),
            None => self.missing(file, node, "loads"),
        };
        let include = fields.get("findingsInclude").map(|node| self.expected_findings(file, node));
        Some(DocumentExpectation {
            findings: fields.get("findings").map(|node| self.expected_findings(file, node)),
            findings_include: include.unwrap_or_default(),
            loads: loads?,
        })
    }

    fn expected_findings(&mut self, file: &File, node: &Node<'_>) -> Vec<ExpectedFinding> {
        let items = self.items(file, node);
        items.iter().filter_map(|item| self.expected_finding(file, item)).collect()
    }

    fn expected_finding(&mut self, file: &File, node: &Node<'_>) -> Option<ExpectedFinding> {
        if node.as_str().is_some() {
            return Some(ExpectedFinding { code: self.finding_code(file, node)?, path: None });
        }
        let fields = self.fields(file, node, &["code", "path"])?;
        let path = self.text_of(file, &fields, "path");
        let code = match fields.get("code") {
            Some(node) => self.finding_code(file, node),
            None => self.missing(file, node, "code"),
        };
        Some(ExpectedFinding { code: code?, path })
    }

    fn finding_code(&mut self, file: &File, node: &Node<'_>) -> Option<FindingCode> {
        let word = self.string(file, node)?;
        let code = FindingCode::from_word(word);
        if code.is_none() {
            let message = format!("`{}` is no code of a finding", shorten(word));
            self.error(file, ErrorKind::InvalidField, node, message);
        }
        code
    }
}
