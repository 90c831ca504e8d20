//! The policy grammar: JSON to the syntax tree, one function for each production of AWS's
//! grammar page, with every finding of form.

use std::borrow::Cow;

use crate::ast::{
    ActionElement, ConditionBlock, ConditionValue, ConditionValueKind, DocumentElement, Element,
    KeyEntry, List, OperatorEntry, PolicyDocument, PrincipalElement, PrincipalEntry,
    PrincipalValue, ResourceElement, Shape, Statement, StatementElement, Text,
};
use crate::finding::{Findings, quoted};
use crate::json::{self, Member, Value, ValueKind};
use crate::nearest::did_you_mean;
use crate::path::Path;
use crate::{Finding, FindingCode, LoadMode, Reject, Span};

/// The deepest nesting of arrays and objects in a policy document (L-105).
pub const MAX_NESTING: u8 = 16;

/// The syntax tree of a text and what is wrong with its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parse<'a> {
    /// The tree, when the text is JSON.
    pub document: Option<PolicyDocument<'a>>,
    /// What is wrong with the form, in the order of L-902. Every one of them rejects.
    pub findings: Vec<Finding>,
}

/// Parses a policy document, whatever its type.
///
/// # Examples
/// ```
/// let parse = assize_policy::parse(r#"{"Version": "2012-10-17", "statement": []}"#);
/// assert!(parse.document.is_some());
/// assert_eq!(parse.findings[0].code.as_str(), "INVALID_POLICY_ELEMENT");
/// assert_eq!(&*parse.findings[0].path, "$.statement");
/// ```
pub fn parse(text: &str) -> Parse<'_> {
    // The findings of form reject in both modes, so the mode does not matter here.
    let mut findings = Findings::new(LoadMode::Author);
    let document = policy_text(text, &mut findings);
    Parse { document, findings: findings.finish() }
}

/// The tree of a text, if it is JSON, adding to the findings what is wrong with it.
pub(crate) fn policy_text<'a>(
    text: &'a str,
    findings: &mut Findings,
) -> Option<PolicyDocument<'a>> {
    match json::parse(text, MAX_NESTING) {
        Ok(value) => Some(policy(value, findings)),
        Err(errors) => {
            for error in errors {
                findings.syntax_error(&error);
            }
            None
        }
    }
}

/// policy = { <version_block?>, <id_block?>, <statement_block> }
fn policy<'a>(value: Value<'a>, findings: &mut Findings) -> PolicyDocument<'a> {
    let span = value.span;
    let elements =
        object(value, &Path::ROOT, findings, |member, path, findings| match &*member.name {
            "Version" => DocumentElement::Version(string_element(member, path, findings)),
            "Id" => DocumentElement::Id(string_element(member, path, findings)),
            "Statement" => DocumentElement::Statement(statement_block(member, path, findings)),
            _ => DocumentElement::Unknown(unknown(member, path, findings, &DOCUMENT_ELEMENTS)),
        });
    PolicyDocument { span, elements }
}

/// The elements of a document (L-108).
const DOCUMENT_ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];

/// The elements of a statement (L-108).
const STATEMENT_ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// The keys of a principal map (L-108).
const PRINCIPAL_KEYS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

/// statement_block = "Statement" : [ <statement>, <statement>, ... ]
fn statement_block<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Element<'a, List<'a, Statement<'a>>> {
    element(member, |value| list(value, path, findings, "an object", statement))
}

/// statement = { <sid_block?>, <principal_block?>, <effect_block>, <action_block>,
/// <resource_block>, <condition_block?> }
fn statement<'a>(
    value: Value<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Result<Statement<'a>, Value<'a>> {
    let span = value.span;
    let elements = members(value, path, findings, |member, path, findings| {
        let negated = member.name.starts_with("Not");
        match &*member.name {
            "Sid" => StatementElement::Sid(string_element(member, path, findings)),
            "Effect" => StatementElement::Effect(string_element(member, path, findings)),
            "Principal" | "NotPrincipal" => {
                let element = principal_block(member, path, findings);
                StatementElement::Principal(PrincipalElement { negated, element })
            }
            "Action" | "NotAction" => {
                let element = string_list_element(member, path, findings);
                StatementElement::Action(ActionElement { negated, element })
            }
            "Resource" | "NotResource" => {
                let element = string_list_element(member, path, findings);
                StatementElement::Resource(ResourceElement { negated, element })
            }
            "Condition" => StatementElement::Condition(condition_block(member, path, findings)),
            _ => StatementElement::Unknown(unknown(member, path, findings, &STATEMENT_ELEMENTS)),
        }
    })?;
    Ok(Statement { span, elements })
}

/// principal_block = ("Principal" | "NotPrincipal") : ("*" | <principal_map>)
fn principal_block<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Element<'a, PrincipalValue<'a>> {
    element(member, |value| match string(value) {
        Ok(text) => Shape::Expected(PrincipalValue::Text(text)),
        Err(value) if matches!(value.kind, ValueKind::Array(_)) => {
            let message = "a list of principals stands in a map, as in `{\"AWS\": […]}`";
            let code = FindingCode::InvalidPrincipalFormat;
            findings.add(code, Reject::Always, value.span, path, message);
            Shape::Other(value)
        }
        Err(value) => match members(value, path, findings, principal_map_entry) {
            Ok(entries) => Shape::Expected(PrincipalValue::Map(entries)),
            Err(value) => mismatch(value, path, findings, "`\"*\"` or an object"),
        },
    })
}

/// principal_map_entry = ("AWS" | "Federated" | "Service" | "CanonicalUser") :
/// [<principal_id_string>, <principal_id_string>, ...]
fn principal_map_entry<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> PrincipalEntry<'a> {
    let Member { name, name_span, value } = member;
    if !PRINCIPAL_KEYS.contains(&&*name) {
        let hint = did_you_mean(&name, PRINCIPAL_KEYS);
        let message = format!("{} is no kind of principal{hint}", quoted(&name));
        findings.add(FindingCode::InvalidPrincipalKey, Reject::Always, name_span, path, message);
    }
    let span = value.span;
    let values = list(value, path, findings, "a string", text_item);
    PrincipalEntry { key: Text { value: name, span: name_span }, span, values }
}

/// condition_block = "Condition" : { <condition_map> }
fn condition_block<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Element<'a, ConditionBlock<'a>> {
    element(member, |value| match object(value, path, findings, condition_type) {
        Shape::Expected(operators) => Shape::Expected(ConditionBlock { operators }),
        Shape::Other(value) => Shape::Other(value),
    })
}

/// condition_map = { <condition_type_string> : { <condition_key_string> :
/// <condition_value_list> }, ... }
fn condition_type<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> OperatorEntry<'a> {
    let Member { name, name_span, value } = member;
    let span = value.span;
    let keys = object(value, path, findings, condition_key);
    OperatorEntry { operator: Text { value: name, span: name_span }, span, keys }
}

/// <condition_key_string> : <condition_value_list>
fn condition_key<'a>(member: Member<'a>, path: &Path<'_>, findings: &mut Findings) -> KeyEntry<'a> {
    let Member { name, name_span, value } = member;
    let span = value.span;
    let values = list(value, path, findings, "a string, number or boolean", condition_value);
    KeyEntry { key: Text { value: name, span: name_span }, span, values }
}

/// condition_value = (<condition_value_string> | <condition_value_number> | "true" | "false")
fn condition_value<'a>(
    value: Value<'a>,
    _: &Path<'_>,
    _: &mut Findings,
) -> Result<ConditionValue<'a>, Value<'a>> {
    let span = value.span;
    let (kind, text) = match value.kind {
        ValueKind::String(text) => (ConditionValueKind::String, text),
        ValueKind::Number(text) => (ConditionValueKind::Number, Cow::Borrowed(text)),
        ValueKind::Bool(true) => (ConditionValueKind::Boolean, Cow::Borrowed("true")),
        ValueKind::Bool(false) => (ConditionValueKind::Boolean, Cow::Borrowed("false")),
        kind => return Err(Value { span, kind }),
    };
    Ok(ConditionValue { kind, text: Text { value: text, span } })
}

/// An element that takes a string: version_block, id_block, sid_block, effect_block.
fn string_element<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Element<'a, Text<'a>> {
    element(member, |value| match string(value) {
        Ok(text) => Shape::Expected(text),
        Err(value) => mismatch(value, path, findings, "a string"),
    })
}

/// An element that takes a string or an array of strings: action_block, resource_block.
fn string_list_element<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Element<'a, List<'a, Text<'a>>> {
    element(member, |value| list(value, path, findings, "a string", text_item))
}

fn text_item<'a>(value: Value<'a>, _: &Path<'_>, _: &mut Findings) -> Result<Text<'a>, Value<'a>> {
    string(value)
}

fn string(value: Value<'_>) -> Result<Text<'_>, Value<'_>> {
    let span = value.span;
    match value.kind {
        ValueKind::String(value) => Ok(Text { value, span }),
        kind => Err(Value { span, kind }),
    }
}

fn element<'a, T>(
    member: Member<'a>,
    read: impl FnOnce(Value<'a>) -> Shape<'a, T>,
) -> Element<'a, T> {
    let Member { name_span, value, .. } = member;
    Element { name_span, span: value.span, value: read(value) }
}

/// A member whose name AWS does not define (L-108).
fn unknown<'a>(
    member: Member<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
    known: &[&'static str],
) -> Member<'a> {
    let hint = did_you_mean(&member.name, known.iter().copied());
    let message = format!("{} is no element of a policy{hint}", quoted(&member.name));
    let code = FindingCode::InvalidPolicyElement;
    findings.add(code, Reject::Always, member.name_span, path, message);
    member
}

/// The value as it stands, with the finding that its type is wrong (L-110, L-112).
fn mismatch<'a, T>(
    value: Value<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
    expected: &str,
) -> Shape<'a, T> {
    let message = format!("{} where {expected} is expected", value.kind.type_name());
    findings.add(FindingCode::DataTypeMismatch, Reject::Always, value.span, path, message);
    Shape::Other(value)
}

/// A list: what `item` reads, or an array of it.
fn list<'a, T>(
    value: Value<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
    expected: &str,
    item: fn(Value<'a>, &Path<'_>, &mut Findings) -> Result<T, Value<'a>>,
) -> Shape<'a, List<'a, T>> {
    let span = value.span;
    let ValueKind::Array(items) = value.kind else {
        return match item(value, path, findings) {
            Ok(single) => Shape::Expected(List::Single(single)),
            Err(value) => mismatch(value, path, findings, &format!("{expected} or an array")),
        };
    };
    let items = items.into_iter().enumerate().map(|(index, value)| {
        let path = path.index(index);
        match item(value, &path, findings) {
            Ok(item) => Shape::Expected(item),
            Err(value) => mismatch(value, &path, findings, expected),
        }
    });
    Shape::Expected(List::Array { span, items: items.collect() })
}

/// An object, each member read by `member`.
fn object<'a, T>(
    value: Value<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
    member: impl FnMut(Member<'a>, &Path<'_>, &mut Findings) -> T,
) -> Shape<'a, Vec<T>> {
    match members(value, path, findings, member) {
        Ok(members) => Shape::Expected(members),
        Err(value) => mismatch(value, path, findings, "an object"),
    }
}

/// The members of an object, each read by `member`, or the value when it is no object.
fn members<'a, T>(
    value: Value<'a>,
    path: &Path<'_>,
    findings: &mut Findings,
    mut member: impl FnMut(Member<'a>, &Path<'_>, &mut Findings) -> T,
) -> Result<Vec<T>, Value<'a>> {
    let span = value.span;
    let members = match value.kind {
        ValueKind::Object(members) => members,
        kind => return Err(Value { span, kind }),
    };
    report_duplicates(&members, path, findings);
    let read = members.into_iter().map(|found| {
        // The name moves into the tree with the member, so the path needs its own copy when it
        // is not a part of the text.
        let name = found.name.clone();
        let path = path.member(&name);
        member(found, &path, findings)
    });
    Ok(read.collect())
}

/// Reports every name that an earlier member of the same object has (L-106).
fn report_duplicates(members: &[Member<'_>], path: &Path<'_>, findings: &mut Findings) {
    let mut report = |member: &Member<'_>, first: Span| {
        let message = format!(
            "{} occurs twice in one object; its first value starts at byte {}",
            quoted(&member.name),
            first.start
        );
        let path = path.member(&member.name);
        findings.add(
            FindingCode::XDuplicateMember,
            Reject::Always,
            member.name_span,
            &path,
            message,
        );
    };
    if members.len() <= FEW_MEMBERS {
        for (index, member) in members.iter().enumerate() {
            if let Some(first) = members[..index].iter().find(|other| other.name == member.name) {
                report(member, first.name_span);
            }
        }
        return;
    }
    let mut sorted: Vec<&Member<'_>> = members.iter().collect();
    sorted.sort_by(|a, b| (&a.name, a.name_span).cmp(&(&b.name, b.name_span)));
    let mut first = None::<&Member<'_>>;
    for member in sorted {
        match first {
            Some(earlier) if earlier.name == member.name => report(member, earlier.name_span),
            _ => first = Some(member),
        }
    }
}

/// Up to this many members names are compared pair by pair, which needs no memory; objects of
/// policies rarely have more.
const FEW_MEMBERS: usize = 16;
