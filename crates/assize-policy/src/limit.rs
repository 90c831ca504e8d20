//! How long AWS lets a document be (L-131 – L-135, L-1001).
//!
//! The sizes are checked when a document is written, and a finding on them never keeps a policy
//! from loading: whoever performs the write refuses it. Evaluation never looks at them.

use assize_model::PolicyType;

use crate::ast::{DocumentElement, List, PolicyDocument, PrincipalValue, StatementElement};
use crate::finding::Findings;
use crate::path::Path;
use crate::{FindingCode, LoadMode, LoadOptions, Reject, Span};

/// How a size is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Characters, without the white space between JSON tokens (L-131, L-132).
    CharactersWithoutWhiteSpace,
    /// All characters (L-133, L-134).
    Characters,
    /// Bytes of UTF-8 (L-134).
    Bytes,
}

/// Whose documents a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A policy type, whatever the service.
    Type(PolicyType),
    /// The resource-based policies of a service.
    Service(&'static str),
}

/// A row of the table of sizes (L-1001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DocumentLimit {
    /// Whose documents.
    pub owner: Owner,
    /// The longest document without an increase.
    pub default: usize,
    /// The longest document after an increase, where AWS grants one.
    pub max: Option<usize>,
    /// The month of the fact, `YYYY-MM`.
    pub as_of: &'static str,
    /// How the size is counted.
    pub counted: Counted,
}

const fn row(owner: Owner, default: usize, counted: Counted) -> DocumentLimit {
    DocumentLimit { owner, default, max: None, as_of: BASELINE, counted }
}

/// The date of rows without one of their own.
const BASELINE: &str = "2023-05";

/// The sizes of documents. Of an inline policy the entity it belongs to is not known here, so the
/// row is that of roles, the largest: what exceeds it exceeds the others. Resource-based policies
/// of services without a row have that of their type.
pub const DOCUMENT_LIMITS: &[DocumentLimit] = &[
    row(Owner::Type(PolicyType::ManagedIdentity), 6_144, Counted::CharactersWithoutWhiteSpace),
    row(Owner::Type(PolicyType::PermissionsBoundary), 6_144, Counted::CharactersWithoutWhiteSpace),
    row(Owner::Type(PolicyType::InlineIdentity), 10_240, Counted::CharactersWithoutWhiteSpace),
    row(Owner::Type(PolicyType::Session), 2_048, Counted::Characters),
    DocumentLimit {
        owner: Owner::Type(PolicyType::RoleTrust),
        default: 2_048,
        max: Some(4_096),
        as_of: BASELINE,
        counted: Counted::CharactersWithoutWhiteSpace,
    },
    DocumentLimit {
        owner: Owner::Type(PolicyType::ServiceControl),
        default: 5_120,
        max: None,
        as_of: "2025-10",
        counted: Counted::Characters,
    },
    DocumentLimit {
        owner: Owner::Type(PolicyType::ResourceControl),
        default: 5_120,
        max: None,
        as_of: "2025-10",
        counted: Counted::Characters,
    },
    row(Owner::Type(PolicyType::VpcEndpoint), 20_480, Counted::Characters),
    row(Owner::Service("s3"), 20 * KIB, Counted::Bytes),
    row(Owner::Service("kms"), 32 * KIB, Counted::Bytes),
    row(Owner::Service("sns"), 30_720, Counted::Bytes),
    row(Owner::Service("sqs"), 8_192, Counted::Bytes),
    row(Owner::Service("lambda"), 20 * KIB, Counted::Bytes),
    row(Owner::Service("secretsmanager"), 20_480, Counted::Characters),
    row(Owner::Service("ecr"), 10_240, Counted::Bytes),
    row(Owner::Service("events"), 10_240, Counted::Characters),
    row(Owner::Service("apigateway"), 8_192, Counted::Bytes),
    row(Owner::Service("execute-api"), 8_192, Counted::Bytes),
    row(Owner::Service("logs"), 5_120, Counted::Characters),
    row(Owner::Type(PolicyType::ResourceBased), 20_480, Counted::Characters),
];

const KIB: usize = 1_024;

/// How many of their parts the resource-based policies of a service may have (L-1001).
struct PartLimit {
    service: &'static str,
    part: Part,
    default: usize,
}

#[derive(Clone, Copy)]
enum Part {
    Statements,
    Principals,
    Conditions,
}

const PART_LIMITS: [PartLimit; 4] = [
    PartLimit { service: "sns", part: Part::Statements, default: 100 },
    PartLimit { service: "sqs", part: Part::Statements, default: 20 },
    PartLimit { service: "sqs", part: Part::Principals, default: 50 },
    PartLimit { service: "sqs", part: Part::Conditions, default: 10 },
];

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Statements => "statements",
            Self::Principals => "principals",
            Self::Conditions => "conditions",
        }
    }
}

impl Counted {
    /// The size of a document that is JSON.
    pub fn size(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Characters => text.chars().count(),
            Self::CharactersWithoutWhiteSpace => characters_without_white_space(text),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Characters => "characters",
            Self::CharactersWithoutWhiteSpace => "characters without white space",
        }
    }
}

/// Characters but for white space outside strings (L-132).
fn characters_without_white_space(text: &str) -> usize {
    let mut count = 0;
    let mut in_string = false;
    let mut escaped = false;
    for c in text.chars() {
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        count += 1;
    }
    count
}

/// Reports a document that is longer than AWS stores, when it is written (L-135).
pub(crate) fn document(
    text: &str,
    document: &PolicyDocument<'_>,
    options: &LoadOptions,
    findings: &mut Findings,
) {
    if options.mode != LoadMode::Author {
        return;
    }
    let Some(limit) = limit_of(options) else { return };
    let size = limit.counted.size(text);
    let mut report = |message: String| {
        let span = Span::new(document.span.start, document.span.start.saturating_add(1));
        findings.add(code(options.policy_type), Reject::Never, span, &Path::ROOT, message);
    };
    if size > limit.default {
        let unit = limit.counted.unit();
        let raised =
            limit.max.map_or_else(String::new, |max| format!(", at most {max} on request"));
        report(format!("the policy has {size} {unit}, the limit is {}{raised}", limit.default));
    }
    for PartLimit { service, part, default } in &PART_LIMITS {
        if options.policy_type == PolicyType::ResourceBased
            && options.service.as_deref().is_some_and(|owner| owner.eq_ignore_ascii_case(service))
        {
            let count = count(document, *part);
            if count > *default {
                let name = part.name();
                report(format!(
                    "the policy has {count} {name}, the limit of `{service}` is {default}"
                ));
            }
        }
    }
}

/// The row of a document: the service's, else the type's.
fn limit_of(options: &LoadOptions) -> Option<&'static DocumentLimit> {
    let by_service = options
        .service
        .as_deref()
        .filter(|_| options.policy_type == PolicyType::ResourceBased)
        .and_then(|owner| {
            row_of(
                |row| matches!(row, Owner::Service(service) if service.eq_ignore_ascii_case(owner)),
            )
        });
    by_service.or_else(|| row_of(|row| row == Owner::Type(options.policy_type)))
}

fn row_of(owned: impl Fn(Owner) -> bool) -> Option<&'static DocumentLimit> {
    DOCUMENT_LIMITS.iter().find(|row| owned(row.owner))
}

fn code(policy_type: PolicyType) -> FindingCode {
    match policy_type {
        PolicyType::RoleTrust => FindingCode::PolicySizeExceedsRoleTrustPolicyQuota,
        PolicyType::ServiceControl | PolicyType::ResourceControl => {
            FindingCode::PolicySizeExceedsScpQuota
        }
        PolicyType::ResourceBased | PolicyType::VpcEndpoint => {
            FindingCode::PolicySizeExceedsResourcePolicyQuota
        }
        _ => FindingCode::PolicySizeExceedsIdentityPolicyQuota,
    }
}

/// The number of statements, principals or tests of a document.
fn count(document: &PolicyDocument<'_>, part: Part) -> usize {
    let elements = document.elements.expected().into_iter().flatten();
    let statements = elements.filter_map(|element| match element {
        DocumentElement::Statement(statements) => statements.value.expected(),
        _ => None,
    });
    let statements = statements.flat_map(|list| list.iter().map(|(_, statement)| statement));
    let in_element = |element: &StatementElement<'_>| match (part, element) {
        (Part::Principals, StatementElement::Principal(principal)) => {
            match principal.element.value.expected() {
                Some(PrincipalValue::Map(entries)) => {
                    entries.iter().filter_map(|e| e.values.expected()).map(List::len).sum()
                }
                _ => 1,
            }
        }
        (Part::Conditions, StatementElement::Condition(block)) => {
            let operators = block.value.expected().map_or(&[][..], |block| &block.operators);
            operators.iter().filter_map(|o| o.keys.expected()).map(Vec::len).sum()
        }
        _ => 0,
    };
    match part {
        Part::Statements => statements.count(),
        Part::Principals | Part::Conditions => {
            statements.flat_map(|statement| &statement.elements).map(in_element).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, counted: Counted, expected: usize) {
        assert_eq!(counted.size(text), expected, "{text}");
    }

    /// L-131, L-132, L-133, L-134.
    #[test]
    fn sizes_are_counted_by_rule() {
        let text = "{ \"a \\\" b\" :\t\"\u{e9}\\u00e9\" }\n";
        check(text, Counted::CharactersWithoutWhiteSpace, 20);
        check(text, Counted::Characters, 25);
        check(text, Counted::Bytes, 26);
        check(r#"{ "a\\" : 1 }"#, Counted::CharactersWithoutWhiteSpace, 9);
        let counted = |policy_type| {
            let options = LoadOptions::new(policy_type, LoadMode::Author);
            limit_of(&options).map(|limit| limit.counted)
        };
        assert_eq!(counted(PolicyType::Session), Some(Counted::Characters));
        assert_eq!(
            counted(PolicyType::InlineIdentity).or(counted(PolicyType::ManagedIdentity)),
            Some(Counted::CharactersWithoutWhiteSpace)
        );
    }
}
