//! The documents of each layer, as files or as AWS-managed policies.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use assize::BundledPolicies;
use assize_catalog::ManagedPolicies;
use assize_formats::did_you_mean;
use assize_model::AccountId;
use assize_store::{
    DocumentText, MAX_NAME, ManagedPolicySource, Origin, SourceAnchor, builtin_organization_policy,
};

use crate::args::PolicyArgs;
use crate::files;

/// The documents that are given, layer by layer.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) identity: Vec<Document>,
    pub(super) boundary: Vec<Document>,
    pub(super) scp: Vec<Document>,
    pub(super) rcp: Vec<Document>,
    pub(super) session: Vec<Document>,
    pub(super) resource: Vec<Document>,
    pub(super) trust: Vec<Document>,
}

/// One document.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// A name for a policy that holds it, unique where names are.
    pub(super) name: String,
    /// The ARN it was given by, of an AWS-managed policy.
    pub(super) arn: Option<Arc<str>>,
    text: Arc<str>,
    file: Option<Arc<str>>,
}

impl Layers {
    pub(super) fn read(args: &PolicyArgs, managed: &BundledPolicies) -> Result<Self> {
        // Managed policies of one account, and policies of one organization, share their names.
        let [mut inline, mut account, mut organization, mut others] =
            [const { BTreeSet::new() }; 4];
        let layer = |given: &[String], names: &mut BTreeSet<String>| -> Result<Vec<Document>> {
            given.iter().map(|given| Document::read(given, managed, names)).collect()
        };
        Ok(Self {
            identity: layer(&args.identity, &mut inline)?,
            boundary: layer(&args.boundary, &mut account)?,
            scp: layer(&args.scp, &mut organization)?,
            rcp: layer(&args.rcp, &mut organization)?,
            session: layer(&args.session_policy, &mut account)?,
            resource: layer(&args.resource_policy, &mut others)?,
            trust: layer(&args.trust, &mut others)?,
        })
    }
}

impl Document {
    fn read(given: &str, managed: &BundledPolicies, names: &mut BTreeSet<String>) -> Result<Self> {
        if given.starts_with("arn:") {
            let text = managed_text(given, managed)?;
            let name = given.rsplit('/').next().unwrap_or(given);
            let name = unique(name, names);
            return Ok(Self { name, arn: Some(given.into()), text, file: None });
        }
        let path = Path::new(given);
        let text = files::read_text(path)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: unique(&stem, names),
            arn: None,
            text: text.into(),
            file: Some(files::display_name(path).into()),
        })
    }

    /// An empty document of a name.
    #[cfg(test)]
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), arn: None, text: "{}".into(), file: None }
    }

    /// The document on its way into the store.
    pub(super) fn text(&self) -> DocumentText {
        let origin = self.file.as_ref().map(|file| {
            let start = SourceAnchor { text: 0, file: 0, line: 1, column: 1 };
            Arc::new(Origin { file: Arc::clone(file), anchors: [start].into(), verbatim: true })
        });
        DocumentText { text: Arc::clone(&self.text), origin }
    }

    /// The ARN of the managed policy that the document is, or is made to be, in an account.
    pub(super) fn managed_arn(&self, partition: &str, account: AccountId) -> String {
        match &self.arn {
            Some(arn) => arn.to_string(),
            None => format!("arn:{partition}:iam::{account}:policy/{}", self.name),
        }
    }
}

fn managed_text(arn: &str, managed: &BundledPolicies) -> Result<Arc<str>> {
    if let Some((text, _)) = managed.document(arn) {
        return Ok(text);
    }
    let id = arn.rsplit('/').next().unwrap_or_default();
    let builtin =
        builtin_organization_policy(id).filter(|policy| policy.arn.as_deref() == Some(arn));
    if let Some(policy) = builtin {
        return Ok(policy.document.text);
    }
    let known = ManagedPolicies::bundled()?;
    let hint = did_you_mean(managed.nearest(arn));
    let date = known.date();
    bail!(
        "`{arn}` is not among the bundled AWS-managed policies, which are of {date}: give its \
         document as a file{hint}"
    )
}

/// A name for a policy, of the characters that names of policies have, that is not taken yet.
fn unique(text: &str, names: &mut BTreeSet<String>) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "+=,.@_-".contains(c) { c } else { '-' };
    let mut name: String = text.chars().map(fits).take(MAX_NAME - 8).collect();
    if name.is_empty() || name == "-" {
        "policy".clone_into(&mut name);
    }
    let mut candidate = name.clone();
    let mut n = 1;
    // Names are compared without case (I-12).
    while !names.insert(candidate.to_ascii_lowercase()) {
        n += 1;
        candidate = format!("{name}-{n}");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_unique() {
        let mut names = BTreeSet::new();
        let mut make = |text| unique(text, &mut names);
        assert_eq!(
            [make("a b"), make("A-b"), make("-"), make("")],
            ["a-b", "A-b-2", "policy", "policy-2"]
        );
    }
}
