//! Users and roles in the principals of a policy that is written (language, section 3.3).
//!
//! AWS keeps the unique id of a user or role that a trust or resource-based policy names, and
//! shows the ARN while there is such an entity. The stored text holds the id, so that everything
//! else reads a bound entry as what it is: a principal by unique id (L-322).

use assize_model::{PolicyType, PrincipalForm};

use crate::ast::{
    DocumentElement, List, PrincipalElement, PrincipalValue, Statement, StatementElement, Text,
};
use crate::finding::{Findings, quoted};
use crate::json::Quoted;
use crate::path::Path;
use crate::{Finding, FindingCode, LoadMode, LoadOptions, Reject, Span, load, parse};

/// Whom the ARN of a user or role names when a policy is written (L-321).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// An entity of an account that the store holds: its unique id.
    Entity(Box<str>),
    /// Nobody of such an account: the write is refused.
    Nobody,
    /// Whoever bears it in an account that the store does not hold: the entry stays text (L-325).
    Text,
}

/// The text that is stored of a policy that is written: each user and role of `Principal` and
/// `NotPrincipal` replaced by its unique id, where there is one (L-321). Sessions, accounts and
/// services stay as they are (L-323), and so do conditions (L-326).
///
/// # Errors
/// The findings of a text that an author may not write (L-004), and `X_INVALID_PRINCIPAL` for
/// each entry that names nobody.
///
/// # Examples
/// ```
/// use assize_model::PolicyType;
/// use assize_policy::{Binding, LoadMode, LoadOptions, bind_principals};
///
/// let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///     "Principal": {"AWS": "arn:aws:iam::111122223333:user/ana"}, "Action": "sts:AssumeRole"}}"#;
/// let options = LoadOptions::new(PolicyType::RoleTrust, LoadMode::Author);
/// let ana = |_: &str| Binding::Entity("AIDA1234567890EXAMPLE".into());
/// let stored = bind_principals(text, &options, ana).map_err(|_| "refused")?;
/// assert!(stored.contains(r#""Principal": {"AWS": "AIDA1234567890EXAMPLE"}"#));
/// assert!(bind_principals(text, &options, |_| Binding::Nobody).is_err());
/// # Ok::<(), &str>(())
/// ```
pub fn bind_principals(
    text: &str,
    options: &LoadOptions,
    find: impl Fn(&str) -> Binding,
) -> Result<String, Vec<Finding>> {
    let options = LoadOptions { mode: LoadMode::Author, ..options.clone() };
    let loaded = load(text, &options);
    if loaded.policy.is_none() {
        return Err(loaded.findings);
    }
    let mut findings = Findings::new(LoadMode::Author);
    let mut instead = Vec::new();
    let is_bound = matches!(options.policy_type, PolicyType::RoleTrust | PolicyType::ResourceBased);
    for_each_principal(text, |entry, path| {
        if !is_bound || !names_entity(&entry.value) {
            return;
        }
        match find(&entry.value) {
            Binding::Entity(unique_id) => instead.push((entry.span, unique_id)),
            Binding::Text => {}
            Binding::Nobody => {
                let message = format!("principal {} does not exist", quoted(&entry.value));
                let code = FindingCode::XInvalidPrincipal;
                findings.add(code, Reject::Always, entry.span, path, message);
            }
        }
    });
    if findings.reject() {
        return Err(findings.finish());
    }
    Ok(replaced(text, &instead))
}

/// The text that is shown of a stored policy: each unique id as the ARN of its entity, while there
/// is one (L-321). The id of an entity that is gone stays (L-322).
pub fn show_principals(text: &str, arn_of: impl Fn(&str) -> Option<Box<str>>) -> String {
    let mut instead = Vec::new();
    for_each_principal(text, |entry, _| {
        instead.extend(arn_of(&entry.value).map(|arn| (entry.span, arn)));
    });
    replaced(text, &instead)
}

/// P4 and P5.
fn names_entity(entry: &str) -> bool {
    matches!(
        PrincipalForm::parse(entry),
        Ok(PrincipalForm::User { .. } | PrincipalForm::Role { .. })
    )
}

/// Calls `each` for every entry under `AWS`, in the order of the text.
fn for_each_principal(text: &str, mut each: impl FnMut(&Text<'_>, &Path<'_>)) {
    let Some(document) = parse(text).document else { return };
    for element in document.elements.expected().into_iter().flatten() {
        let DocumentElement::Statement(statements) = element else { continue };
        let path = Path::ROOT.member("Statement");
        for (index, statement) in statements.value.expected().into_iter().flat_map(List::iter) {
            let path = index.map_or(path, |index| path.index(index));
            in_statement(statement, &path, &mut each);
        }
    }
}

fn in_statement(
    statement: &Statement<'_>,
    path: &Path<'_>,
    each: &mut impl FnMut(&Text<'_>, &Path<'_>),
) {
    for element in &statement.elements {
        let StatementElement::Principal(PrincipalElement { negated, element }) = element else {
            continue;
        };
        let path = path.member(if *negated { "NotPrincipal" } else { "Principal" });
        let Some(PrincipalValue::Map(entries)) = element.value.expected() else { continue };
        for entry in entries.iter().filter(|entry| entry.key.value == "AWS") {
            let path = path.member("AWS");
            for (index, value) in entry.values.expected().into_iter().flat_map(List::iter) {
                each(value, &index.map_or(path, |index| path.index(index)));
            }
        }
    }
}

/// A text with other strings in some places, which rise.
fn replaced(text: &str, instead: &[(Span, Box<str>)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, value) in instead {
        let before = text.get(at..span.start as usize).unwrap_or_default();
        out.push_str(before);
        out.push_str(&Quoted(value).to_string());
        at = span.end as usize;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
