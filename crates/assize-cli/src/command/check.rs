//! `assize check`: is this policy valid? (C-6)

mod document;
mod recognize;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use assize_formats::count;
use assize_policy::{LineIndex, Severity};
use serde::Serialize;

use self::document::{Checked, CheckedFile, Checker};
use crate::args::{CheckArgs, DenyLevel, TextOrJson};
use crate::files;
use crate::output::Output;
use crate::render::finding;
use crate::render::style::Style;
use crate::status::Status;

/// Most findings of one code in one file that are shown without `-v`, errors apart.
const MAX_OF_CODE: usize = 5;
/// The files of a directory that are looked at.
const EXTENSIONS: [&str; 3] = [".json", ".yaml", ".yml"];

pub(super) fn run(args: &CheckArgs, output: &Output) -> Result<Status> {
    let mut status = Status::Yes;
    let mut files = Vec::new();
    let mut n_skipped = 0;
    let mut checker = Checker::new(args);
    for found in files::walk(&args.paths, &EXTENSIONS)? {
        match checker.check(&found) {
            Ok(Some(checked)) => add(&mut files, checked),
            Ok(None) => n_skipped += 1,
            Err(error) => status = status.and(output.failure(&error)),
        }
    }
    if n_skipped > 0 {
        let files = count(n_skipped, "file");
        output.note(format_args!("{files} skipped: neither policy nor scenario"));
    }
    let deny = severity(args.deny);
    let documents = || files.iter().flat_map(|file| &file.documents);
    // What does not load is not valid, whatever the severity of the finding that rejects it.
    if documents()
        .any(|checked| !checked.loads || checked.findings.iter().any(|f| f.severity >= deny))
    {
        status = status.and(Status::No);
    }
    let text = match args.format {
        TextOrJson::Human => human(&files, output),
        TextOrJson::Json => json(&files)?,
    };
    output.write(&text)?;
    Ok(status)
}

/// Adds the files of a scenario but those that another scenario brought already.
fn add(files: &mut Vec<CheckedFile>, checked: Vec<CheckedFile>) {
    for file in checked {
        if !file.is_scenario || !files.iter().any(|known| known.name == file.name) {
            files.push(file);
        }
    }
}

fn severity(level: DenyLevel) -> Severity {
    match level {
        DenyLevel::Error => Severity::Error,
        DenyLevel::SecurityWarning => Severity::SecurityWarning,
        DenyLevel::Warning => Severity::Warning,
        DenyLevel::Suggestion => Severity::Suggestion,
    }
}

/// The severities, the gravest first, with their words.
const SEVERITIES: [(Severity, &str); 4] = [
    (Severity::Error, "error"),
    (Severity::SecurityWarning, "security warning"),
    (Severity::Warning, "warning"),
    (Severity::Suggestion, "suggestion"),
];

fn n_findings(files: &[CheckedFile], severity: Severity) -> usize {
    let documents = files.iter().flat_map(|file| &file.documents);
    documents.flat_map(|checked| &checked.findings).filter(|f| f.severity == severity).count()
}

fn human(files: &[CheckedFile], output: &Output) -> String {
    let style = output.style();
    let mut text = String::new();
    for file in files {
        text.push_str(&findings(file, output));
        if !output.is_quiet() {
            text.push_str(&verdict(file, style));
        }
    }
    let documents: usize = files.iter().map(|file| file.documents.len()).sum();
    let found: Vec<String> = SEVERITIES
        .iter()
        .map(|(severity, word)| (n_findings(files, *severity), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| count(n, word))
        .collect();
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    if !files.is_empty() && (files.len() != 1 || documents != 1) {
        let (documents, files) =
            (counted(documents, "policy", "policies"), count(files.len(), "file"));
        let _ = writeln!(text, "{documents} in {files}: {found}");
    }
    text
}

/// The findings of a file; of one code that is no error only the first, unless `-v`.
fn findings(file: &CheckedFile, output: &Output) -> String {
    let style = output.style();
    let mut text = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut hidden: BTreeMap<&str, usize> = BTreeMap::new();
    for checked in &file.documents {
        for found in &checked.findings {
            let n_of_code = counts.entry(found.code.as_str()).or_insert(0);
            *n_of_code += 1;
            let is_shown = found.severity == Severity::Error
                || *n_of_code <= MAX_OF_CODE
                || output.is_verbose();
            if is_shown {
                let excerpt = checked.excerpt(file, found);
                let policy = checked.reference.as_deref();
                text.push_str(&finding::finding(found, policy, &excerpt, style));
                text.push('\n');
            } else {
                *hidden.entry(found.code.as_str()).or_insert(0) += 1;
            }
        }
    }
    for (code, n) in hidden {
        let _ = write!(text, "{} {n} more of {code}; -v shows them\n\n", style.note("note:"));
    }
    text
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Why a policy was taken for an inline one.
const ASSUMED_INLINE: &str = "  taken for an inline policy, since a managed one must have `Version` \
                              `2012-10-17`; --type tells otherwise\n";

/// One line for a file: what it was taken for, and whether that loads.
fn verdict(file: &CheckedFile, style: Style) -> String {
    let name = style.bold(&file.name);
    match &*file.documents {
        [checked] if !file.is_scenario => {
            let what = describe(checked);
            let word = match (checked.loads, checked.n_errors()) {
                (true, 0) => style.good("valid"),
                // As AWS may have stored it, though nobody could write it today (L-005).
                (true, _) => style.bad("faulty"),
                (false, _) => style.bad("invalid"),
            };
            let findings = match checked.findings.len() {
                0 => "no findings".to_owned(),
                n => count(n, "finding"),
            };
            let assumed = if checked.is_type_assumed { ASSUMED_INLINE } else { "" };
            format!("{name}: {word} {what}, {findings}\n{assumed}")
        }
        documents => {
            let invalid = documents.iter().filter(|checked| !checked.loads).count();
            let n_errors: usize = documents.iter().map(Checked::n_errors).sum();
            let documents = counted(documents.len(), "policy", "policies");
            let rest = match (invalid, n_errors) {
                (0, 0) => style.good("all valid".to_owned()),
                (0, n) => style.bad(format!("all load, {}", count(n, "error"))),
                (invalid, _) => style.bad(format!("{invalid} invalid")),
            };
            format!("{name}: {documents}, {rest}\n")
        }
    }
}

fn describe(checked: &Checked) -> String {
    use assize_model::PolicyType as Type;
    let what = match checked.options.policy_type {
        Type::ManagedIdentity => "managed identity policy",
        Type::InlineIdentity => "inline identity policy",
        Type::PermissionsBoundary => "permissions boundary",
        Type::Session => "session policy",
        Type::RoleTrust => "role trust policy",
        Type::ResourceBased => "resource-based policy",
        Type::VpcEndpoint => "VPC endpoint policy",
        Type::ServiceControl => "service control policy",
        Type::ResourceControl => "resource control policy",
        _ => "policy",
    };
    match &checked.options.service {
        Some(service) => format!("{what} of {service}"),
        None => what.to_owned(),
    }
}

#[derive(Serialize)]
struct Report<'a> {
    files: Vec<FileReport<'a>>,
    summary: Summary,
    provenance: Provenance<'a>,
}

#[derive(Serialize)]
struct FileReport<'a> {
    file: &'a str,
    /// The digest of the snapshot of a scenario's world (F-86).
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'a str>,
    policies: Vec<PolicyReport<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyReport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_id: Option<&'a str>,
    #[serde(rename = "type")]
    policy_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    loads: bool,
    findings: Vec<FindingReport<'a>>,
}

#[derive(Serialize)]
struct FindingReport<'a> {
    code: &'static str,
    severity: &'static str,
    path: &'a str,
    message: &'a str,
    rejects: bool,
    span: SpanReport,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanReport {
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    files: usize,
    policies: usize,
    error: usize,
    security_warning: usize,
    warning: usize,
    suggestion: usize,
}

#[derive(Serialize)]
struct Provenance<'a> {
    assize: u8,
    engine: &'a str,
    catalog: &'a str,
    snapshot: &'a str,
}

fn json(files: &[CheckedFile]) -> Result<String> {
    let catalog = assize_catalog::Catalog::bundled()?;
    // Policies are checked by themselves: no store takes part.
    let empty = assize_store::StoreSnapshot::empty().digest();
    let report = Report {
        files: files.iter().map(file_report).collect(),
        summary: Summary {
            files: files.len(),
            policies: files.iter().map(|file| file.documents.len()).sum(),
            error: n_findings(files, Severity::Error),
            security_warning: n_findings(files, Severity::SecurityWarning),
            warning: n_findings(files, Severity::Warning),
            suggestion: n_findings(files, Severity::Suggestion),
        },
        provenance: Provenance {
            assize: 1,
            engine: env!("CARGO_PKG_VERSION"),
            catalog: catalog.date(),
            snapshot: &empty,
        },
    };
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    Ok(text)
}

fn file_report(file: &CheckedFile) -> FileReport<'_> {
    let lines = LineIndex::new(&file.text);
    let policy = |checked: &'_ Checked| -> Vec<SpanReport> {
        let spans = checked.findings.iter().map(|finding| {
            let span = checked.span_in_file(finding.span);
            let (line, column) = lines.line_column(&file.text, span.start);
            let (end_line, end_column) = lines.line_column(&file.text, span.end);
            SpanReport { start: span.start, end: span.end, line, column, end_line, end_column }
        });
        spans.collect()
    };
    let policies = file.documents.iter().map(|checked| PolicyReport {
        policy_id: checked.reference.as_deref(),
        policy_type: checked.options.policy_type.abbreviation(),
        service: checked.options.service.as_deref(),
        loads: checked.loads,
        findings: checked
            .findings
            .iter()
            .zip(policy(checked))
            .map(|(finding, span)| FindingReport {
                code: finding.code.as_str(),
                severity: finding.severity.as_str(),
                path: &finding.path,
                message: &finding.message,
                rejects: finding.rejects,
                span,
            })
            .collect(),
    });
    FileReport {
        file: &file.name,
        snapshot: file.snapshot.as_deref(),
        policies: policies.collect(),
    }
}
