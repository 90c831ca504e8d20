//! Scenarios (F-40 – F-49): a world, tests of requests, and cases about loading documents.

mod account;
mod case;
mod cell;
mod document;
mod expect;
pub(crate) mod field;
mod import;
mod organization;
pub(crate) mod policy;
mod resource;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use assize_model::{ArnParts, EngineOptions, ReasonCode, SourceSpan};
use assize_store::{
    Diagnostic, DiagnosticCode, DocumentText, ManagedPolicySource, StoreEditor, StoreSnapshot,
    fold_name,
};

pub(crate) use account::managed_policy;
pub use case::TestCase;
pub use cell::{Cell, Coordinates};
pub use document::{DocumentCase, DocumentExpectation, ExpectedFinding};
pub use expect::{Expectation, ExpectedDecision, Mismatch};

use crate::file::File;
use crate::json::Node;
use crate::nearest::{did_you_mean, nearest};
use crate::{Error, ErrorKind, FileSource, StatedOptions, poison};
use field::Fields;

/// The version of the formats that this crate reads and writes (F-5).
pub const FORMAT_VERSION: u32 = 1;
/// Deepest chain of scenarios including each other.
pub const MAX_INCLUDE_DEPTH: usize = 16;

/// What reading a scenario needs from outside.
pub struct ReadOptions<'o> {
    /// The files it names.
    pub files: &'o mut dyn FileSource,
    /// The AWS-managed policies it refers to (I-44).
    pub managed_policies: &'o dyn ManagedPolicySource,
    /// Whether a request of an action can be about several resources of different types (E-68),
    /// so that a list of resources is one request and no matrix (schema `scenario`, text below).
    pub takes_several_resources: &'o dyn Fn(&str) -> bool,
}

impl fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOptions").finish_non_exhaustive()
    }
}

/// A scenario: one file with everything it includes and imports.
///
/// # Examples
/// ```
/// use assize_formats::{NoFiles, ReadOptions, Scenario};
///
/// # struct NoPolicies;
/// # impl assize_store::ManagedPolicySource for NoPolicies {
/// #     fn document(&self, _: &str) -> Option<(std::sync::Arc<str>, Box<str>)> { None }
/// # }
/// let text = r#"
/// assize: 1
/// accounts: {"111111111111": {users: {ana: {}}}}
/// tests:
///   - principal: arn:aws:iam::111111111111:user/ana
///     action: s3:GetObject
///     resource: arn:aws:s3:::reports/k
///     expect: ImplicitDeny
/// "#;
/// let options = ReadOptions {
///     files: &mut NoFiles,
///     managed_policies: &NoPolicies,
///     takes_several_resources: &|_| false,
/// };
/// let scenario = Scenario::read("a.assize.yaml", text.into(), options).unwrap();
/// assert_eq!(scenario.snapshot.accounts().count(), 1);
/// let record = scenario.tests[0].cells[0].record()?;
/// assert_eq!(record.request.region, None);
/// # Ok::<(), assize_model::RequestError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file's name.
    pub file: Arc<str>,
    /// `name`.
    pub name: Option<Box<str>>,
    /// The world, committed.
    pub snapshot: StoreSnapshot,
    /// What importers and the commit had to say.
    pub diagnostics: Vec<Diagnostic>,
    /// The options that the file states.
    pub stated_options: StatedOptions,
    /// The same over the defaults of the specification.
    pub options: EngineOptions,
    /// `tests`, in file order.
    pub tests: Vec<TestCase>,
    /// `documents`, in file order (F-46a).
    pub documents: Vec<DocumentCase>,
}

impl Scenario {
    /// Reads a scenario from the bytes of its file; the ending of the name tells JSON from YAML.
    ///
    /// # Errors
    /// Everything that is wrong with the file, as far as one error does not hide another. A
    /// request that is malformed is no error when its test expects one, and a policy that does
    /// not load is none when the option `skipInvalidPolicies` is set or a test expects reason
    /// `invalid_policy` (F-41).
    pub fn read(name: &str, bytes: Vec<u8>, options: ReadOptions<'_>) -> Result<Self, Vec<Error>> {
        Self::read_over(EngineOptions::default(), name, bytes, options)
    }

    /// The same, where other options than those of the specification hold as long as the file
    /// does not state them: `assumeFullAccess` changes what is read (I-46).
    ///
    /// # Errors
    /// As [`Scenario::read`].
    pub fn read_over(
        defaults: EngineOptions,
        name: &str,
        bytes: Vec<u8>,
        options: ReadOptions<'_>,
    ) -> Result<Self, Vec<Error>> {
        let file = Arc::new(File::new(name.into(), bytes).map_err(|error| vec![error])?);
        let mut reader = Reader { engine_options: defaults, ..Reader::new(options) };
        let scenario = reader.scenario(&file);
        match scenario {
            Some(scenario) if reader.errors.is_empty() => Ok(scenario),
            _ => Err(reader.errors),
        }
    }

    /// The test of a name.
    pub fn test(&self, name: &str) -> Option<&TestCase> {
        self.tests.iter().find(|test| &*test.name == name)
    }
}

/// The members of a scenario, in the order of the schema.
const FIELDS: [&str; 12] = [
    "assize",
    "name",
    "options",
    "include",
    "imports",
    "policies",
    "organization",
    "accounts",
    "resources",
    "endpoints",
    "tests",
    "documents",
];

/// Reads one scenario and what it includes, or another file of ours.
pub(crate) struct Reader<'o> {
    options: ReadOptions<'o>,
    pub(crate) errors: Vec<Error>,
    diagnostics: Vec<Diagnostic>,
    editor: StoreEditor,
    /// The files that are being read, the outermost first.
    including: Vec<Arc<str>>,
    /// The options of the outermost file.
    engine_options: EngineOptions,
    /// `policies` of the files read so far, by name.
    refs: BTreeMap<Box<str>, DocumentText>,
    /// Where each managed policy is named by its ARN first.
    references: BTreeMap<Arc<str>, (Arc<str>, SourceSpan)>,
}

impl<'o> Reader<'o> {
    pub(crate) fn new(options: ReadOptions<'o>) -> Self {
        Self {
            options,
            errors: Vec::new(),
            diagnostics: Vec::new(),
            editor: StoreSnapshot::empty().edit(),
            including: Vec::new(),
            engine_options: EngineOptions::default(),
            refs: BTreeMap::new(),
            references: BTreeMap::new(),
        }
    }
}

impl Reader<'_> {
    fn scenario(&mut self, file: &Arc<File>) -> Option<Scenario> {
        let tree = self.tree(file)?;
        let fields = self.top(file, &tree, &FIELDS)?;
        let stated = fields.get("options").map(|node| self.stated_options(file, node));
        let stated_options = stated.unwrap_or_default();
        stated_options.apply(&mut self.engine_options);
        self.world(file, &fields);
        let name = fields.get("name").and_then(|node| self.text(file, node));
        let tests = self.tests(file, fields.get("tests"));
        let documents = self.documents(file, fields.get("documents"));
        let snapshot = self.commit()?;
        if !tolerates_invalid_policies(&self.engine_options, &tests) {
            self.check_documents(file, &snapshot);
        }
        Some(Scenario {
            file: Arc::clone(&file.name),
            name,
            snapshot,
            diagnostics: std::mem::take(&mut self.diagnostics),
            stated_options,
            options: self.engine_options.clone(),
            tests,
            documents,
        })
    }

    pub(crate) fn tree<'f>(&mut self, file: &'f File) -> Option<Node<'f>> {
        file.tree().map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// The members of a file, whose version is checked (F-5).
    pub(crate) fn top<'n>(
        &mut self,
        file: &File,
        tree: &'n Node<'n>,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let fields = self.fields(file, tree, known)?;
        let version = fields.get("assize");
        match version.map(|node| (node, node.as_number())) {
            Some((_, Some("1"))) => Some(fields),
            Some((node, found)) => {
                let found = found.unwrap_or_else(|| node.phrase());
                let message =
                    format!("version {found} of the format; this program reads {FORMAT_VERSION}");
                self.error(file, ErrorKind::Version, node, message);
                None
            }
            None => {
                let message = "`assize: 1`, the version of the format, is missing";
                self.error(file, ErrorKind::MissingField, tree, message);
                None
            }
        }
    }

    pub(crate) fn error(
        &mut self,
        file: &File,
        kind: ErrorKind,
        node: &Node<'_>,
        message: impl Into<Box<str>>,
    ) {
        self.errors.push(file.error(kind, node.span, message));
    }

    fn stated_options(&mut self, file: &File, node: &Node<'_>) -> StatedOptions {
        self.through_text(file, node, StatedOptions::read).unwrap_or_default()
    }

    fn commit(&mut self) -> Option<StoreSnapshot> {
        if !self.errors.is_empty() {
            return None;
        }
        self.editor.resolve_managed(self.options.managed_policies);
        let editor = std::mem::replace(&mut self.editor, StoreSnapshot::empty().edit());
        let (snapshot, mut diagnostics) = editor.commit();
        for found in &mut diagnostics {
            self.tell_more(found, &snapshot);
        }
        self.diagnostics.extend(diagnostics);
        Some(snapshot)
    }

    /// Of a reference that nothing resolves (I-44): where the scenario names it, and what was
    /// probably meant.
    fn tell_more(&self, found: &mut Diagnostic, snapshot: &StoreSnapshot) {
        let Some(arn) = found.subject.as_deref() else { return };
        let Some((file, span)) = self.references.get(arn) else { return };
        if found.code != DiagnosticCode::UnresolvedPolicy {
            return;
        }
        (found.file, found.span) = (Some(Arc::clone(file)), Some(*span));
        let near = self.options.managed_policies.nearest(arn);
        let hint = did_you_mean(near.or_else(|| nearest_of_customer(arn, snapshot)));
        found.message = format!("{}{hint}", found.message).into();
    }

    /// F-41: a document written in the file itself must load. One that stands in another file is
    /// told about, with its place.
    fn check_documents(&mut self, file: &File, snapshot: &StoreSnapshot) {
        for fault in poison::faults(snapshot) {
            if fault.is_of(&file.name) {
                let at = fault.span().start;
                let span = assize_policy::Span::new(at, at);
                self.errors.push(file.error(ErrorKind::InvalidField, span, fault.message()));
            } else {
                self.diagnostics.push(fault.diagnostic());
            }
        }
    }
}

/// The managed policy of the account of an ARN whose name is nearest.
fn nearest_of_customer(arn: &str, snapshot: &StoreSnapshot) -> Option<Box<str>> {
    let account = snapshot.account(ArnParts::split(arn)?.account_id()?)?;
    let names = account.policies.values().map(|policy| &*policy.name);
    let near = nearest(arn.rsplit('/').next()?, names)?;
    let found = account.policies.get(&*fold_name(near))?;
    Some((&*found.arn).into())
}

fn tolerates_invalid_policies(options: &EngineOptions, tests: &[TestCase]) -> bool {
    let expected = |cell: &Cell| cell.expect.reason == Some(ReasonCode::InvalidPolicy);
    options.skip_invalid_policies
        || tests
            .iter()
            .any(|test| test.options.skip_invalid_policies || test.cells.iter().any(expected))
}

#[cfg(test)]
mod tests;
