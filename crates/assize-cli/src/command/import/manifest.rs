//! `world.assize.yaml` of an imported world: a scenario whose `imports` name the files.
//!
//! It is written one import a line, each in JSON, which YAML reads alike; so it can be read back
//! without a second reader of scenarios, and what someone added by hand is noticed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};
use assize_store::ImportKind;
use serde::{Deserialize, Serialize};

use crate::args::ImportArgs;
use crate::files;

const HEAD: &str = "\
# An imported world: `assize import … -o` this folder again replaces what the new files bring.
assize: 1
imports:
";

/// One file of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(rename = "type")]
    kind: String,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    child_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_id: Option<String>,
    /// What the file is about, in a comment behind its line.
    #[serde(skip)]
    subjects: BTreeSet<String>,
}

impl Entry {
    pub(super) fn new(kind: ImportKind, subjects: BTreeSet<String>, args: &ImportArgs) -> Self {
        Self {
            kind: kind.as_str().to_owned(),
            file: String::new(),
            account: args.account.map(|account| account.to_string()),
            arn: args.arn.clone(),
            parent_id: args.parent_id.clone(),
            child_id: args.child_id.clone(),
            policy_id: args.policy_id.clone(),
            target_id: args.target_id.clone(),
            subjects,
        }
    }

    pub(super) fn set_file(&mut self, file: String) {
        self.file = file;
    }

    /// Whether another file of the same kind brings all that this one brings. A file that is
    /// about nothing in particular is replaced by the next of its kind.
    fn is_replaced_by(&self, others: &[Self]) -> bool {
        let mut same_kind = others.iter().filter(|other| other.kind == self.kind).peekable();
        if same_kind.peek().is_none() {
            return false;
        }
        let brought: BTreeSet<&String> = same_kind.flat_map(|other| &other.subjects).collect();
        self.subjects.iter().all(|subject| brought.contains(subject))
    }
}

/// The files of a world, in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    entries: Vec<Entry>,
}

impl Manifest {
    /// The manifest of a world that is there; an empty one where there is none.
    ///
    /// # Errors
    /// A manifest that was changed by hand: importing would lose the change.
    pub(super) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = files::read_text(path)?;
        match Self::parse(&text) {
            Some(manifest) => Ok(manifest),
            None => bail!(
                "`{}` was changed by hand, and importing into it would lose that: import into \
                 another folder, and `include` it",
                path.display()
            ),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(HEAD)?;
        let mut entries = Vec::new();
        for line in body.lines() {
            let (json, subjects) = line.strip_prefix("  - ")?.split_once(" # ")?;
            let mut entry: Entry = serde_json::from_str(json).ok()?;
            entry.subjects = serde_json::from_str(subjects).ok()?;
            entries.push(entry);
        }
        Some(Self { entries })
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for entry in &self.entries {
            // Both are plain data of strings, which JSON always has a form for.
            let json = serde_json::to_string(entry).unwrap_or_default();
            let subjects = serde_json::to_string(&entry.subjects).unwrap_or_default();
            let _ = writeln!(text, "  - {json} # {subjects}");
        }
        text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn has_file(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.file == name)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes out what new files replace, and gives the names of those files.
    pub(super) fn remove_replaced(&mut self, new: &[Entry]) -> Vec<String> {
        let (replaced, kept) =
            std::mem::take(&mut self.entries).into_iter().partition(|old| old.is_replaced_by(new));
        self.entries = kept;
        let replaced: Vec<Entry> = replaced;
        replaced.into_iter().map(|entry| entry.file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: ImportKind, file: &str, subjects: &[&str]) -> Entry {
        Entry {
            kind: kind.as_str().into(),
            file: file.into(),
            account: None,
            arn: Some("a\"b # c".into()),
            parent_id: None,
            child_id: None,
            policy_id: None,
            target_id: None,
            subjects: subjects.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let mut manifest = Manifest::default();
        manifest.push(entry(ImportKind::Roots, "r.json", &[]));
        let mut plain = entry(ImportKind::ResourcePolicy, "p.json", &["arn:aws:s3:::b"]);
        plain.arn = None;
        manifest.push(plain);
        let text = manifest.to_text();
        assert_eq!(Manifest::parse(&text.replace("\\\"b # c", "")).unwrap().entries.len(), 2);
        assert!(Manifest::parse(&format!("{text}tests: []\n")).is_none());
    }

    /// I-48.
    #[test]
    fn new_files_replace_what_they_bring() {
        let mut manifest = Manifest::default();
        for (file, subject) in [("a.json", "1"), ("b.json", "2")] {
            manifest.push(entry(ImportKind::AccountAuthorizationDetails, file, &[subject]));
        }
        manifest.push(entry(ImportKind::Roots, "r.json", &[]));
        let new = [entry(ImportKind::AccountAuthorizationDetails, "", &["1", "3"])];
        assert_eq!(manifest.remove_replaced(&new), ["a.json"]);
        assert_eq!(manifest.entries.len(), 2);
        assert_eq!(manifest.remove_replaced(&[entry(ImportKind::Roots, "", &[])]), ["r.json"]);
    }
}
