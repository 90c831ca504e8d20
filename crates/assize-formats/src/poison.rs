//! Documents that do not load, and where in their files they went wrong (L-005).

use std::collections::{BTreeSet, HashMap};

use assize_model::{PolicyId, SourceSpan};
use assize_policy::{
    EndpointKind, Finding, FindingCode, LineIndex, LoadMode, LoadOptions, Span, load,
};
use assize_store::{
    Diagnostic, DiagnosticCode, DiagnosticLevel, Document, ManagedPolicy, Origin, StoreSnapshot,
};

/// The documents from files of a snapshot that may be evaluated and do not load, each with why and
/// where: one denies everything where it is attached (E-112). In order of their ids.
pub fn invalid_policies(snapshot: &StoreSnapshot) -> Vec<Diagnostic> {
    faults(snapshot).map(|fault| fault.diagnostic()).collect()
}

/// A document that does not load.
pub(crate) struct Fault<'s> {
    document: &'s Document,
    text: &'s str,
    /// The file it stands in.
    origin: &'s Origin,
    /// The part of the text, and what is wrong with it.
    found: (Span, Box<str>),
}

impl Fault<'_> {
    /// Whether the document stands in this file.
    pub(crate) fn is_of(&self, file: &str) -> bool {
        *self.origin.file == *file
    }

    pub(crate) fn message(&self) -> String {
        format!("`{}` does not load: {}", self.document.reference, self.found.1)
    }

    /// Where it went wrong, in the file the document came from.
    pub(crate) fn span(&self) -> SourceSpan {
        source_span(self.text, self.found.0, Some(self.origin))
    }

    pub(crate) fn diagnostic(&self) -> Diagnostic {
        Diagnostic {
            level: DiagnosticLevel::Warning,
            code: DiagnosticCode::InvalidPolicy,
            message: format!("{}; where it applies everything is denied", self.message()).into(),
            subject: Some(self.document.reference.clone()),
            file: Some(self.origin.file.clone()),
            pointer: None,
            span: Some(self.span()),
        }
    }
}

/// The same as what is known of each. A document without a text is a reference that nothing
/// resolves, which commits and importers tell. One without a file is of a source of managed
/// policies, whose engine tells: reading them all again would take longer than reading the world.
pub(crate) fn faults(snapshot: &StoreSnapshot) -> impl Iterator<Item = Fault<'_>> {
    let idle = idle_versions(snapshot);
    // Equal texts are shared, and most accounts hold the same policies many times.
    let mut known = HashMap::new();
    snapshot.documents().filter(move |(id, _)| !idle.contains(id)).filter_map(
        move |(_, document)| {
            let (text, origin) = (document.text.as_deref()?, document.origin.as_deref()?);
            let service = document.service.as_deref();
            let place = (text.as_ptr().addr(), text.len());
            let owner = (service, document.api.as_deref());
            let key = (place, document.policy_type, owner, document.gateway);
            let found = known.entry(key).or_insert_with(|| fault_of(text, document)).clone()?;
            Some(Fault { document, text, origin, found })
        },
    )
}

/// Versions of managed policies that are not the default one: nobody evaluates them (I-18).
fn idle_versions(snapshot: &StoreSnapshot) -> BTreeSet<PolicyId> {
    let customers = snapshot.accounts().flat_map(|account| account.policies.values());
    let policies = customers.map(|policy| &**policy).chain(snapshot.aws_managed_policies());
    let idle = |policy: &ManagedPolicy<PolicyId>| {
        let versions = policy.versions.iter().enumerate();
        let idle = versions.filter(|(at, _)| *at != policy.default_version);
        idle.map(|(_, version)| version.document).collect::<Vec<_>>()
    };
    policies.flat_map(idle).collect()
}

fn fault_of(text: &str, document: &Document) -> Option<(Span, Box<str>)> {
    let loaded = load(text, &load_options(document));
    if loaded.policy.is_some() {
        return None;
    }
    // The poison finding says no more than that; the others say why, best the one that knows the
    // word that was meant.
    let why = |finding: &&Finding| finding.rejects && finding.code != FindingCode::XInvalidPolicy;
    let mut rejecting = loaded.findings.iter().filter(why);
    let with_hint = |finding: &&Finding| finding.message.contains("did you mean");
    let best = rejecting.clone().find(with_hint).or_else(|| rejecting.next());
    Some(best.map_or((Span::new(0, 0), "it is no policy".into()), |finding| {
        (finding.span, reason(finding).into())
    }))
}

/// The message of a finding. That of a syntax error says where, in the document: it stands
/// elsewhere in its file.
fn reason(finding: &Finding) -> &str {
    let place = finding.message.rsplit_once(" at line ");
    match place.filter(|_| finding.code == FindingCode::JsonSyntaxError) {
        Some((reason, _)) => reason,
        None => &finding.message,
    }
}

/// How a document of a world is loaded (F-41).
fn load_options(document: &Document) -> LoadOptions {
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
    options
}

/// The place of a part of a document in the file the document came from, or in the document itself.
/// Of a document that was rewritten on the way in, the element that the part is in is known.
pub fn source_span(text: &str, span: Span, origin: Option<&Origin>) -> SourceSpan {
    let lines = LineIndex::new(text);
    let (line, column) = lines.line_column(text, span.start);
    let (end_line, end_column) = lines.line_column(text, span.end);
    let own = SourceSpan { start: span.start, end: span.end, line, column, end_line, end_column };
    let Some(origin) = origin else { return own };
    let anchor_of = |offset: u32| {
        let behind = origin.anchors.partition_point(|anchor| anchor.text <= offset);
        behind.checked_sub(1).and_then(|at| origin.anchors.get(at))
    };
    let place = |offset: u32| {
        let anchor = anchor_of(offset)?;
        if !origin.verbatim {
            return Some((anchor.file, anchor.line, anchor.column));
        }
        let (from_line, from_column) = lines.line_column(text, anchor.text);
        let (line, column) = lines.line_column(text, offset);
        let column = if line == from_line { anchor.column + column - from_column } else { column };
        Some((anchor.file + offset - anchor.text, anchor.line + line - from_line, column))
    };
    match (place(span.start), place(span.end)) {
        (Some((start, line, column)), Some((end, end_line, end_column))) => {
            SourceSpan { start, end, line, column, end_line, end_column }
        }
        _ => own,
    }
}
