//! The policies of a file, checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use assize_catalog::Catalog;
use assize_model::PolicyType;
use assize_policy::{EndpointKind, Finding, LoadMode, LoadOptions, Severity, Span, load};
use assize_store::{Document, Origin};

use super::recognize::{self, Kind};
use crate::args::CheckArgs;
use crate::files::{self, Found};
use crate::render::BadInput;
use crate::render::source::{Excerpt, span_in_file};
use crate::world::Reader;

/// A file and its policies.
#[derive(Debug)]
pub(super) struct CheckedFile {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) is_scenario: bool,
    /// The digest of the snapshot of the scenario's world.
    pub(super) snapshot: Option<String>,
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
    /// Nothing but its version tells its type.
    pub(super) is_type_assumed: bool,
    /// Where its text stands in the file; none for a file that is the policy.
    pub(super) origin: Option<Arc<Origin>>,
}

impl Checked {
    /// How many of its findings are errors.
    pub(super) fn n_errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// The bytes of the file for a span of the policy.
    pub(super) fn span_in_file(&self, span: Span) -> Span {
        self.origin.as_ref().map_or(span, |origin| span_in_file(span, origin))
    }

    /// The part of the file that a finding is about.
    pub(super) fn excerpt<'f>(&self, file: &'f CheckedFile, finding: &Finding) -> Excerpt<'f> {
        Excerpt::new(&file.name, &file.text, self.span_in_file(finding.span))
    }
}

/// Checks files.
pub(super) struct Checker<'a> {
    args: &'a CheckArgs,
    /// Made when the first scenario is met.
    reader: Option<Reader>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(args: &'a CheckArgs) -> Self {
        Self { args, reader: None }
    }

    /// Checks a file; a scenario gives one for each file its policies stand in. None for a file
    /// of a directory that is nothing to check.
    ///
    /// # Errors
    /// A file that cannot be read, and one that was named and is nothing to check.
    pub(super) fn check(&mut self, found: &Found) -> Result<Option<Vec<CheckedFile>>> {
        let name = found.name();
        let text = files::read_text(&found.path)?;
        if self.args.policy_type.is_some() {
            return Ok(Some(vec![policy(name, text, self.args)?]));
        }
        match recognize::kind(&text) {
            Kind::Policy => Ok(Some(vec![policy(name, text, self.args)?])),
            Kind::Scenario => self.scenario(found).map(Some),
            Kind::Broken if found.is_named => Ok(Some(vec![policy(name, text, self.args)?])),
            Kind::Other if found.is_named => {
                let message = "this is neither a policy nor a scenario: expected an object with \
                               `Statement`, or with `assize`";
                Err(BadInput::at(&name, &text, Span::new(0, 1), message).into())
            }
            Kind::Broken | Kind::Other => Ok(None),
        }
    }

    /// The policies of a world, but for those that AWS manages.
    fn scenario(&mut self, found: &Found) -> Result<Vec<CheckedFile>> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::new()?,
        };
        let root = found.path.parent().unwrap_or(Path::new(""));
        let scenario = reader.scenario(&found.path, root);
        self.reader = Some(reader);
        let scenario = scenario?;
        let digest = scenario.snapshot.digest();
        let mut files: BTreeMap<String, CheckedFile> = BTreeMap::new();
        for (_, document) in scenario.snapshot.documents() {
            let (Some(text), Some(origin)) = (&document.text, &document.origin) else { continue };
            if document.reference.contains(AWS_MANAGED) {
                continue;
            }
            let file = files.entry(origin.file.to_string()).or_insert_with(|| CheckedFile {
                name: origin.file.to_string(),
                // The scenario was read from it a moment ago.
                text: files::read_text(Path::new(&*origin.file)).unwrap_or_default(),
                is_scenario: true,
                snapshot: Some(digest.clone()),
                documents: Vec::new(),
            });
            let options = load_options(document)?;
            let loaded = load(text, &options);
            file.documents.push(Checked {
                reference: Some(document.reference.clone()),
                options,
                loads: loaded.policy.is_some(),
                findings: loaded.findings,
                is_type_assumed: false,
                origin: Some(Arc::clone(origin)),
            });
        }
        Ok(files.into_values().collect())
    }
}

/// What the ARNs of AWS-managed policies have.
const AWS_MANAGED: &str = ":iam::aws:policy/";

/// How a document of a world is loaded (F-41).
fn load_options(document: &Document) -> Result<LoadOptions> {
    let mut options = LoadOptions::new(document.policy_type, LoadMode::Import);
    if let Some(service) = &document.service {
        options = options.with_service(service);
    }
    if let Some(arn) = &document.api {
        options = options.with_resource(arn);
    }
    if document.gateway {
        options.endpoint = EndpointKind::Gateway;
    }
    with_catalog(options)
}

/// The same options with what the catalog knows of services (L-213, L-903).
fn with_catalog(options: LoadOptions) -> Result<LoadOptions> {
    if options.policy_type != PolicyType::ResourceControl {
        return Ok(options);
    }
    let catalog = Catalog::bundled()?;
    Ok(options.with_rcp_services(catalog.rcp_services()))
}

fn policy(name: String, text: String, args: &CheckArgs) -> Result<CheckedFile> {
    let mode = if args.import { LoadMode::Import } else { LoadMode::Author };
    let recognized = recognize::policy_type(&text);
    let policy_type = args.policy_type.unwrap_or(recognized.policy_type);
    let mut options = LoadOptions::new(policy_type, mode);
    let service = args.service.as_deref().or(recognized.service.as_deref());
    if let Some(service) = service.filter(|_| policy_type == PolicyType::ResourceBased) {
        options = options.with_service(service);
    }
    let options = with_catalog(options)?;
    let loaded = load(&text, &options);
    let checked = Checked {
        reference: None,
        options,
        loads: loaded.policy.is_some(),
        findings: loaded.findings,
        is_type_assumed: args.policy_type.is_none() && policy_type == PolicyType::InlineIdentity,
        origin: None,
    };
    Ok(CheckedFile { name, text, is_scenario: false, snapshot: None, documents: vec![checked] })
}
