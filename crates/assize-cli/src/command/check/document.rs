//! The policies of a file, checked.

use anyhow::Result;
use assize_policy::{Finding, LoadMode, LoadOptions, Span, load};

use super::recognize::{self, Kind};
use crate::args::CheckArgs;
use crate::files::{self, Found};
use crate::render::BadInput;
use crate::render::source::Excerpt;

/// A file and its policies.
#[derive(Debug)]
pub(super) struct CheckedFile {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) is_scenario: bool,
    pub(super) documents: Vec<Checked>,
}

/// A policy and what is to be said about it.
#[derive(Debug)]
pub(super) struct Checked {
    /// Its name in its scenario (E-101).
    pub(super) reference: Option<Box<str>>,
    pub(super) options: LoadOptions,
    pub(super) loads: bool,
    pub(super) findings: Vec<Finding>,
}

impl Checked {
    /// The bytes of the file for a span of the policy.
    pub(super) fn span_in_file(&self, _file: &CheckedFile, span: Span) -> Span {
        span
    }

    /// The part of the file that a finding is about.
    pub(super) fn excerpt<'f>(&self, file: &'f CheckedFile, finding: &Finding) -> Excerpt<'f> {
        Excerpt::new(&file.name, &file.text, self.span_in_file(file, finding.span))
    }
}

/// Checks a file. None for a file of a directory that is nothing to check.
///
/// # Errors
/// A file that cannot be read, and one that was named and is nothing to check.
pub(super) fn check(found: &Found, args: &CheckArgs) -> Result<Option<CheckedFile>> {
    let name = found.name();
    let text = files::read_text(&found.path)?;
    if args.policy_type.is_none() {
        match recognize::kind(&text) {
            Kind::Policy | Kind::Scenario => {}
            Kind::Broken if found.is_named => {}
            Kind::Broken => return Ok(None),
            Kind::Other if !found.is_named => return Ok(None),
            Kind::Other => {
                let message = "this is neither a policy nor a scenario: expected an object with \
                               `Statement`, or with `assize`";
                return Err(BadInput::at(&name, &text, Span::new(0, 1), message).into());
            }
        }
    }
    Ok(Some(policy(name, text, args)))
}

fn policy(name: String, text: String, args: &CheckArgs) -> CheckedFile {
    let mode = if args.import { LoadMode::Import } else { LoadMode::Author };
    let recognized = recognize::policy_type(&text);
    let policy_type = args.policy_type.unwrap_or(recognized.policy_type);
    let mut options = LoadOptions::new(policy_type, mode);
    let service = args.service.as_deref().or(recognized.service.as_deref());
    if let Some(service) =
        service.filter(|_| policy_type == assize_model::PolicyType::ResourceBased)
    {
        options = options.with_service(service);
    }
    let loaded = load(&text, &options);
    let checked = Checked {
        reference: None,
        options,
        loads: loaded.policy.is_some(),
        findings: loaded.findings,
    };
    CheckedFile { name, text, is_scenario: false, documents: vec![checked] }
}
