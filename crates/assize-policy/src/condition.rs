//! Conditions: operators, keys and the values of a test (language, section 6).
//!
//! As in [`pattern`](crate::pattern), texts go in, entries of the IR and problems come out, and
//! where they stand is the caller's matter.

use std::fmt;

use crate::finding::{FindingCode, Problem, Reject, quoted};
use crate::ir::{ConditionOperator, Operand, SetQualifier};
use crate::nearest::did_you_mean;
use crate::value::{DateForm, parse_binary, parse_bool, parse_decimal, read_date, read_ip_block};
use crate::variable::{Variables, Wildcards, find_variable, read_text, report_version};

/// The name of an operator, taken apart (L-603). It prints in canonical spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub(crate) qualifier: Option<SetQualifier>,
    /// The base.
    pub(crate) base: ConditionOperator,
    /// `…IfExists`.
    pub(crate) if_exists: bool,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.if_exists { IF_EXISTS } else { "" };
        match self.qualifier {
            Some(qualifier) => write!(f, "{}:{}{suffix}", qualifier.as_str(), self.base.as_str()),
            None => write!(f, "{}{suffix}", self.base.as_str()),
        }
    }
}

impl SetQualifier {
    /// The word before the colon, in canonical spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForAllValues => "ForAllValues",
            Self::ForAnyValue => "ForAnyValue",
        }
    }
}

const IF_EXISTS: &str = "IfExists";

const QUALIFIERS: [SetQualifier; 2] = [SetQualifier::ForAllValues, SetQualifier::ForAnyValue];

/// Reads the name of an operator in any ASCII case (L-603, L-604). `None`: the document is
/// rejected for it.
pub(crate) fn operator(text: &str, problems: &mut Vec<Problem>) -> Option<Operator> {
    let Some(operator) = parse_operator(text) else {
        let message = format!("{} is not a condition operator{}", quoted(text), hint(text));
        problems.push(Problem::new(FindingCode::InvalidConditionOperator, Reject::Always, message));
        return None;
    };
    if operator.base == ConditionOperator::Null && operator.if_exists {
        let message = format!(
            "{}: `Null` asks whether the key exists, so it takes no `IfExists`",
            quoted(text)
        );
        problems.push(Problem::new(FindingCode::NullWithIfExists, Reject::Always, message));
        return None;
    }
    let canonical = operator.to_string();
    if canonical != text {
        let message = format!("operator {} is spelled `{canonical}`", quoted(text));
        problems.push(Problem::new(FindingCode::XOperatorCase, Reject::Never, message));
    }
    Some(operator)
}

fn parse_operator(text: &str) -> Option<Operator> {
    let (qualifier, rest) = match text.split_once(':') {
        Some((prefix, rest)) => (Some(parse_qualifier(prefix)?), rest),
        None => (None, text),
    };
    let (base, if_exists) = match strip_suffix_ignore_case(rest, IF_EXISTS) {
        Some(base) => (base, true),
        None => (rest, false),
    };
    let base = ConditionOperator::ALL
        .iter()
        .copied()
        .find(|operator| operator.as_str().eq_ignore_ascii_case(base))?;
    Some(Operator { qualifier, base, if_exists })
}

fn parse_qualifier(text: &str) -> Option<SetQualifier> {
    QUALIFIERS.into_iter().find(|qualifier| qualifier.as_str().eq_ignore_ascii_case(text))
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}

/// The end of the message about an operator that is none: the word that was probably meant.
fn hint(text: &str) -> String {
    let (prefix, rest) = text.rsplit_once(':').unwrap_or(("", text));
    if !prefix.is_empty() && parse_qualifier(prefix).is_none() {
        return did_you_mean(prefix, QUALIFIERS.map(SetQualifier::as_str));
    }
    let base = strip_suffix_ignore_case(rest, IF_EXISTS).unwrap_or(rest);
    did_you_mean(base, ConditionOperator::ALL.iter().map(|operator| operator.as_str()))
}

/// Checks the name of a condition key (L-605, L-710). It is a key either way: one that no
/// request carries.
pub(crate) fn check_key(name: &str, problems: &mut Vec<Problem>) {
    if !assize_model::is_key_form(name) {
        let message = format!("condition key {} is not of the form `prefix:name`", quoted(name));
        let code = FindingCode::InvalidConditionKeyFormat;
        problems.push(Problem::new(code, Reject::Author, message));
    } else if assize_model::lacks_tag_key(&assize_model::fold_key(name)) {
        let message = format!(
            "condition key {} does not say which tag: no request carries it without one",
            quoted(name)
        );
        let code = FindingCode::MissingTagKeyInCondition;
        problems.push(Problem::new(code, Reject::Never, message));
    }
}

/// A problem with the values of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueProblem {
    /// The position of the value, from 0; `None` for a problem of the list.
    pub(crate) index: Option<usize>,
    /// What is wrong.
    pub(crate) problem: Problem,
}

/// Types the values of a test by the class of its operator (L-607, L-615 – L-622).
///
/// The values are the strings of L-113. One that cannot be read, or holds a malformed variable,
/// is `None` in the operand: authors are rejected for it, imports go on without it.
pub(crate) fn operand(
    operator: Operator,
    values: &[impl AsRef<str>],
    variables: Variables,
    problems: &mut Vec<ValueProblem>,
) -> Operand {
    report_count(operator, values.len(), problems);
    let mut reader = ValueReader { values, variables, problems };
    match class(operator.base) {
        Class::Text(wildcards) => Operand::Text(
            reader.read_each(|text, problems| read_text(text, variables, wildcards, problems)),
        ),
        Class::Number => Operand::Number(reader.read_typed(&NUMBER, parse_decimal)),
        Class::Date => Operand::Date(reader.read_dates()),
        Class::Bool => Operand::Bool(reader.read_typed(&BOOLEAN, parse_bool)),
        Class::Binary => Operand::Binary(reader.read_typed(&BINARY, parse_binary)),
        Class::Ip => Operand::Ip(reader.read_ip_blocks()),
    }
}

/// How the values of an operator are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Text(Wildcards),
    Number,
    Date,
    Bool,
    Binary,
    Ip,
}

fn class(operator: ConditionOperator) -> Class {
    use ConditionOperator as Op;
    match operator {
        Op::StringEquals
        | Op::StringNotEquals
        | Op::StringEqualsIgnoreCase
        | Op::StringNotEqualsIgnoreCase => Class::Text(Wildcards::Literal),
        Op::StringLike
        | Op::StringNotLike
        | Op::ArnEquals
        | Op::ArnNotEquals
        | Op::ArnLike
        | Op::ArnNotLike => Class::Text(Wildcards::Active),
        Op::NumericEquals
        | Op::NumericNotEquals
        | Op::NumericLessThan
        | Op::NumericLessThanEquals
        | Op::NumericGreaterThan
        | Op::NumericGreaterThanEquals => Class::Number,
        Op::DateEquals
        | Op::DateNotEquals
        | Op::DateLessThan
        | Op::DateLessThanEquals
        | Op::DateGreaterThan
        | Op::DateGreaterThanEquals => Class::Date,
        Op::Bool | Op::Null => Class::Bool,
        Op::BinaryEquals => Class::Binary,
        Op::IpAddress | Op::NotIpAddress => Class::Ip,
    }
}

/// Reports an empty list (L-607) and several booleans (L-617).
fn report_count(operator: Operator, n_values: usize, problems: &mut Vec<ValueProblem>) {
    let (code, message) = match n_values {
        0 => (empty_array_code(operator), "the list of values is empty, so no value matches"),
        1 => return,
        _ if operator.base == ConditionOperator::Bool => (
            FindingCode::InvalidConditionMultipleBoolean,
            "several values under `Bool`: both together are always true of a key that is there",
        ),
        _ => return,
    };
    problems
        .push(ValueProblem { index: None, problem: Problem::new(code, Reject::Never, message) });
}

fn empty_array_code(operator: Operator) -> FindingCode {
    match operator.qualifier {
        Some(SetQualifier::ForAllValues) => FindingCode::EmptyArrayConditionForallvalues,
        Some(SetQualifier::ForAnyValue) => FindingCode::EmptyArrayConditionForanyvalue,
        None if operator.if_exists => FindingCode::EmptyArrayConditionIfexists,
        None => FindingCode::EmptyArrayCondition,
    }
}

/// What a value must be, for messages, and the code when it is not (L-622).
struct Expected {
    code: FindingCode,
    what: &'static str,
}

const NUMBER: Expected =
    Expected { code: FindingCode::TypeMismatchNumber, what: "a number such as `10` or `-2.5`" };
const DATE: Expected = Expected {
    code: FindingCode::TypeMismatchDate,
    what: "a date such as `2024-07-01T00:00:00Z` or `2024-07-01`",
};
const BOOLEAN: Expected =
    Expected { code: FindingCode::TypeMismatchBoolean, what: "`true` or `false`" };
const BINARY: Expected =
    Expected { code: FindingCode::TypeMismatchString, what: "base64 text with padding" };
const IP_RANGE: Expected = Expected {
    code: FindingCode::TypeMismatchIpRange,
    what: "an IP address or range such as `203.0.113.0/24`",
};

/// Reads the values of one test, one after the other.
struct ValueReader<'a, V> {
    values: &'a [V],
    variables: Variables,
    problems: &'a mut Vec<ValueProblem>,
}

impl<V: AsRef<str>> ValueReader<'_, V> {
    /// Reads each value and gives its problems its position.
    fn read_each<T>(
        &mut self,
        mut read: impl FnMut(&str, &mut Vec<Problem>) -> Option<T>,
    ) -> Vec<Option<T>> {
        let mut read_one = |(index, value): (usize, &V)| {
            let mut problems = Vec::new();
            let typed = read(value.as_ref(), &mut problems);
            let place = |problem| ValueProblem { index: Some(index), problem };
            self.problems.extend(problems.into_iter().map(place));
            typed
        };
        self.values.iter().enumerate().map(&mut read_one).collect()
    }

    /// Reads values that are not text: a variable in one is not replaced (L-513), and what
    /// cannot be read equals nothing (L-622).
    fn read_typed<T>(
        &mut self,
        expected: &Expected,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<Option<T>> {
        self.read_remarked(expected, |text, _| parse(text))
    }

    /// The same, for types that have something to say about texts they can read.
    fn read_remarked<T>(
        &mut self,
        expected: &Expected,
        parse: impl Fn(&str, &mut Vec<Problem>) -> Option<T>,
    ) -> Vec<Option<T>> {
        let variables = self.variables;
        self.read_each(|text, problems| {
            let typed = parse(text, problems);
            if typed.is_none() {
                report_unreadable(text, expected, variables, problems);
            }
            typed
        })
    }

    /// L-616; epoch seconds are usually a mistake, above all four digits, and so is a time
    /// without a zone.
    fn read_dates(&mut self) -> Vec<Option<i64>> {
        self.read_remarked(&DATE, |text, problems| {
            let reading = read_date(text)?;
            let remark = match reading.form {
                DateForm::Epoch { .. } => Some((
                    FindingCode::InvalidDateValue,
                    "is a number of seconds since 1970; write a date such as \
                     `2024-07-01T00:00:00Z`",
                )),
                DateForm::Time { has_zone: false } => Some((
                    FindingCode::XDateWithoutZone,
                    "names no time zone and is read as UTC; end it with `Z`",
                )),
                DateForm::Day | DateForm::Time { .. } => None,
            };
            if let Some((code, reason)) = remark {
                let message = format!("{} {reason}", quoted(text));
                problems.push(Problem::new(code, Reject::Never, message));
            }
            Some(reading.seconds)
        })
    }

    /// L-619; bits beyond the prefix do not count.
    fn read_ip_blocks(&mut self) -> Vec<Option<crate::ir::IpBlock>> {
        self.read_remarked(&IP_RANGE, |text, problems| {
            let reading = read_ip_block(text)?;
            if reading.has_host_bits {
                let block = reading.block;
                let message = format!(
                    "{} has bits set beyond its prefix; the range is `{}/{}`",
                    quoted(text),
                    block.address,
                    block.prefix_len
                );
                let code = FindingCode::ImproveIpRange;
                problems.push(Problem::new(code, Reject::Never, message));
            }
            Some(reading.block)
        })
    }
}

/// Reports a value that is not of the operator's type (L-513, L-622).
fn report_unreadable(
    text: &str,
    expected: &Expected,
    variables: Variables,
    problems: &mut Vec<Problem>,
) {
    if variables == Variables::Replaced
        && let Some(range) = find_variable(text)
    {
        let message = format!(
            "{} holds a variable; only String and Arn operators replace variables",
            quoted(text)
        );
        let code = FindingCode::InvalidVariableForOperator;
        problems.push(Problem::new(code, Reject::Author, message).at(range));
        return;
    }
    report_version(text, variables, problems);
    let message = format!("{} is not {}", quoted(text), expected.what);
    problems.push(Problem::new(expected.code, Reject::Author, message));
}

#[cfg(test)]
mod tests;
