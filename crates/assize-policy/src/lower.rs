//! Lowering: the syntax tree to the IR, for a policy type, with every finding that depends on the
//! document alone (language, sections 1 to 6).
//!
//! Lowering goes on after a finding that rejects, so that one pass names everything. What it
//! leaves out then never matters.
//! INVARIANT: wherever lowering drops a part of a document, a finding rejects the document, so a
//! policy that loads is never less than its text (test `a_policy_that_loads_is_whole`).

mod condition;
mod element;
mod key;
mod principal;
mod statement;

use std::collections::HashMap;

use assize_model::PolicyType;

use crate::ast::{DocumentElement, Element, List, PolicyDocument, Shape, Statement, Text};
use crate::finding::{Findings, Problem, quoted};
use crate::path::Path;
use crate::variable::Variables;
use crate::{FindingCode, LoadMode, LoadOptions, Reject, ScpLanguage, Span, ir};

/// The most statements of a document (L-1002).
pub const MAX_STATEMENTS: usize = 1_000;

/// The most values of one list: actions, resources, principals under one key, values of one test
/// (L-1002).
pub const MAX_VALUES: usize = 10_000;

/// The longest pattern in an action, a resource, or a test by a Like or Arn operator, in
/// characters (L-1002).
pub const MAX_PATTERN_CHARS: usize = 4_096;

/// Lowers a document. The result stands only if no finding rejects.
pub(crate) fn policy(
    document: &PolicyDocument<'_>,
    options: &LoadOptions,
    findings: &mut Findings,
) -> ir::Policy {
    let mut lowering =
        Lowering { options, variables: Variables::Replaced, rcp_full_access: false, findings };
    let elements = DocumentElements::of(document);
    lowering.version(document, &elements);
    lowering.id(&elements);
    lowering.rcp_full_access = is_rcp_full_access(options, &elements);
    let statements = lowering.statements(document, &elements);
    ir::Policy { policy_type: options.policy_type, statements }
}

/// The spans of the statements of a document, in order.
pub(crate) fn statement_spans(document: &PolicyDocument<'_>) -> Vec<Span> {
    let statements = DocumentElements::of(document).statement;
    let list = statements.and_then(|element| element.value.expected());
    list.map_or_else(Vec::new, |list| list.iter().map(|(_, s)| s.span).collect())
}

/// The elements of a document, the first of each name; a second one rejects (L-106).
#[derive(Default)]
struct DocumentElements<'t, 'a> {
    version: Option<&'t Element<'a, Text<'a>>>,
    id: Option<&'t Element<'a, Text<'a>>>,
    statement: Option<&'t Element<'a, List<'a, Statement<'a>>>>,
}

impl<'t, 'a> DocumentElements<'t, 'a> {
    fn of(document: &'t PolicyDocument<'a>) -> Self {
        let mut found = Self::default();
        for element in document.elements.expected().into_iter().flatten() {
            match element {
                DocumentElement::Version(version) => {
                    found.version = found.version.or(Some(version));
                }
                DocumentElement::Id(id) => found.id = found.id.or(Some(id)),
                DocumentElement::Statement(list) => {
                    found.statement = found.statement.or(Some(list));
                }
                DocumentElement::Unknown(_) => {}
            }
        }
        found
    }
}

/// What lowering one document needs at hand.
struct Lowering<'o> {
    options: &'o LoadOptions,
    /// Whether `${…}` is a variable (L-502).
    variables: Variables,
    /// The document is `RCPFullAWSAccess` as AWS stores it (L-212).
    rcp_full_access: bool,
    findings: &'o mut Findings,
}

impl Lowering<'_> {
    fn policy_type(&self) -> PolicyType {
        self.options.policy_type
    }

    fn is_legacy_scp(&self) -> bool {
        self.policy_type() == PolicyType::ServiceControl
            && self.options.scp_language == ScpLanguage::Legacy
    }

    fn add(
        &mut self,
        code: FindingCode,
        rejects: Reject,
        span: Span,
        path: &Path<'_>,
        message: impl Into<Box<str>>,
    ) {
        self.findings.add(code, rejects, span, path, message);
    }

    fn problems(&mut self, problems: &mut Vec<Problem>, text: &Text<'_>, path: &Path<'_>) {
        for problem in problems.drain(..) {
            self.findings.problem(problem, text, path);
        }
    }

    /// Version (L-121 – L-124).
    fn version(&mut self, document: &PolicyDocument<'_>, elements: &DocumentElements<'_, '_>) {
        if document.elements.expected().is_none() {
            return;
        }
        let Some(element) = elements.version else {
            self.missing_version(document.span);
            return;
        };
        let Shape::Expected(version) = &element.value else { return };
        let path = Path::ROOT.member("Version");
        match &*version.value {
            CURRENT_VERSION => {}
            "2008-10-17" => {
                self.variables = Variables::Literal;
                self.old_version(element.span, &path);
            }
            other => {
                let message = format!(
                    "{} is no version of the policy language, expected `2012-10-17` or \
                     `2008-10-17`",
                    quoted(other)
                );
                self.add(FindingCode::InvalidVersion, Reject::Always, element.span, &path, message);
            }
        }
    }

    fn missing_version(&mut self, document: Span) {
        self.variables = Variables::Literal;
        let message = "no `Version`: the policy is read as version `2008-10-17`, without variables";
        let place = opening(document);
        self.add(FindingCode::MissingVersion, Reject::Never, place, &Path::ROOT, message);
        self.old_version(place, &Path::ROOT);
    }

    /// Types whose documents must be of the current version (L-122, L-124).
    fn old_version(&mut self, span: Span, path: &Path<'_>) {
        use PolicyType as Type;
        let (what, rejects) = match self.policy_type() {
            Type::ManagedIdentity => ("a managed policy", Reject::Author),
            Type::PermissionsBoundary => ("a permissions boundary", Reject::Author),
            Type::ServiceControl => ("a service control policy", Reject::Always),
            Type::ResourceControl => ("a resource control policy", Reject::Always),
            _ => return,
        };
        let message = format!("{what} must have `Version` `{CURRENT_VERSION}`");
        self.add(FindingCode::InvalidVersion, rejects, span, path, message);
    }

    /// Id (L-126).
    fn id(&mut self, elements: &DocumentElements<'_, '_>) {
        let Some(id) = elements.id else { return };
        if self.policy_type().is_identity_like() || self.policy_type().is_org_family() {
            let path = Path::ROOT.member("Id");
            let message = "`Id` belongs to trust and resource-based policies only";
            let code = FindingCode::InvalidPolicyElement;
            self.add(code, Reject::Author, id.name_span, &path, message);
        }
    }

    /// Statement (L-125, L-1002).
    fn statements(
        &mut self,
        document: &PolicyDocument<'_>,
        elements: &DocumentElements<'_, '_>,
    ) -> Vec<ir::Statement> {
        let path = Path::ROOT.member("Statement");
        let Some(element) = elements.statement else {
            if document.elements.expected().is_some() {
                let code = FindingCode::MissingStatement;
                let place = opening(document.span);
                self.add(code, Reject::Always, place, &Path::ROOT, "no `Statement`");
            }
            return Vec::new();
        };
        let Shape::Expected(list) = &element.value else { return Vec::new() };
        if list.is_empty() {
            let code = FindingCode::MissingStatement;
            self.add(code, Reject::Always, element.span, &path, "`Statement` is empty");
        }
        if list.len() > MAX_STATEMENTS {
            let message = format!("{} statements, the limit is {MAX_STATEMENTS}", list.len());
            self.add(FindingCode::XInvalidPolicy, Reject::Always, element.span, &path, message);
            return Vec::new();
        }
        let mut sids = HashMap::new();
        let lowered = list.iter().filter_map(|(index, statement)| {
            let place = index.map_or(path, |index| path.index(index));
            self.sid_is_unique(statement, &place, &mut sids);
            self.statement(statement, &place)
        });
        lowered.collect()
    }
}

/// The version of the language that has variables (L-502).
const CURRENT_VERSION: &str = "2012-10-17";

/// The opening bracket of an object: where what is missing in it is reported.
fn opening(object: Span) -> Span {
    Span::new(object.start, object.end.min(object.start.saturating_add(1)))
}

/// Whether an imported document is `RCPFullAWSAccess`, by its content (L-212). Customers cannot
/// write it, so for authors it is an RCP like others.
fn is_rcp_full_access(options: &LoadOptions, elements: &DocumentElements<'_, '_>) -> bool {
    options.policy_type == PolicyType::ResourceControl
        && options.mode == LoadMode::Import
        && elements
            .statement
            .and_then(|element| element.value.expected())
            .filter(|list| list.len() == 1)
            .and_then(|list| list.iter().next())
            .is_some_and(|(_, statement)| element::allows_everything(statement))
}

#[cfg(test)]
mod tests;
