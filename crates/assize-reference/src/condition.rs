//! The condition part of a statement (language, section 6).

pub(crate) mod value;
pub(crate) mod variable;

use std::cmp::Ordering;

use assize_model::{ConditionKey, ContextValue};
use assize_policy::ir::{Condition, ConditionOperator as Op, Operand, Piece, SetQualifier};

use crate::evaluate::knowledge::{Knowledge, State};
use crate::wildcard::{self, Symbol};
use value::{
    compare_numbers, is_inside, parse_address, parse_binary, parse_bool, parse_instant,
    parse_number,
};

/// A truth value. The combinators are those of Kleene (evaluation, section 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// F.
    False,
    /// U: it depends on keys that partial context leaves unknown.
    Unknown,
    /// T.
    True,
}

impl Truth {
    pub(crate) fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }

    /// ∧ over all; T of none.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().min().unwrap_or(Self::True)
    }

    /// ∨ over all; F of none.
    pub(crate) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::False)
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// L-601, L-602, E-126: the condition part is the conjunction of its tests.
pub(crate) fn condition_part(conditions: &[Condition], known: &Knowledge<'_>) -> Truth {
    Truth::all(conditions.iter().map(|condition| test(condition, known)))
}

/// One test: an operator, a key and its values.
fn test(condition: &Condition, known: &Knowledge<'_>) -> Truth {
    let state = known.state(condition.key.folded());
    match (condition.qualifier, condition.operator) {
        (None, Op::Null) => null_test(condition, state),
        (Some(SetQualifier::ForAllValues), Op::Null) => Truth::True,
        (Some(SetQualifier::ForAnyValue), Op::Null) => Truth::False,
        (qualifier, _) => {
            let found = match state {
                State::Present(value) => Some(value),
                State::Absent => None,
                State::Unknown => return unknown_test(condition, known),
            };
            match qualifier {
                Some(qualifier) => set_test(condition, qualifier, found, known),
                None => plain_test(condition, found, known),
            }
        }
    }
}

/// L-611, the rows of `Null`; L-621, E-124.
fn null_test(condition: &Condition, state: State<'_>) -> Truth {
    let Operand::Bool(values) = &condition.operand else { return Truth::False };
    let lists = |is_absent| Truth::from(values.contains(&Some(is_absent)));
    match state {
        State::Absent => lists(true),
        State::Present(_) => lists(false),
        State::Unknown if lists(true) == lists(false) => lists(true),
        State::Unknown => Truth::Unknown,
    }
}

/// The table of E-124: a test whose key is unknown.
fn unknown_test(condition: &Condition, known: &Knowledge<'_>) -> Truth {
    let never = never_matches(condition, known);
    let is_negated = condition.operator.is_negated();
    match (condition.qualifier, is_negated) {
        (None, false) if never && !condition.if_exists => Truth::False,
        (None, true) if never && known.is_single(&condition.key) => Truth::True,
        (Some(SetQualifier::ForAllValues), true) if never => Truth::True,
        (Some(SetQualifier::ForAnyValue), false) if never => Truth::False,
        _ => Truth::Unknown,
    }
}

/// never(W) of E-124: no value of the test can satisfy its predicate, whatever the request.
fn never_matches(condition: &Condition, known: &Knowledge<'_>) -> bool {
    match &condition.operand {
        Operand::Text(texts) => {
            texts.iter().flatten().all(|text| text_never_matches(condition, text, known))
        }
        Operand::Number(values) => values.iter().flatten().next().is_none(),
        Operand::Date(values) => values.iter().flatten().next().is_none(),
        Operand::Bool(values) => values.iter().flatten().next().is_none(),
        Operand::Binary(values) => values.iter().flatten().next().is_none(),
        Operand::Ip(values) => values.iter().flatten().next().is_none(),
    }
}

/// E-124: whether a text is unresolved by what is known, too short to be an ARN (L-620), or names
/// an organization that the one of the key is not.
fn text_never_matches(condition: &Condition, pieces: &[Piece], known: &Knowledge<'_>) -> bool {
    let operator = condition.operator;
    variable::substitute(pieces, known).is_none_or(|text| {
        let colons = text.symbols.iter().filter(|symbol| **symbol == Symbol::Char(':')).count();
        is_arn_operator(operator) && !text.is_hull && colons + 1 < N_SEGMENTS
            || known.is_elsewhere(&condition.key, operator, &text.symbols)
    })
}

/// E-129: the unknown keys of a test that is U: its key, and the variables of the values that
/// are U.
pub(crate) fn unknown_keys<'a>(
    condition: &'a Condition,
    known: &'a Knowledge<'_>,
) -> Vec<&'a ConditionKey> {
    if test(condition, known) != Truth::Unknown {
        return Vec::new();
    }
    let operator = condition.operator;
    let state = known.state(condition.key.folded());
    let mut keys = Vec::new();
    let members = match state {
        State::Unknown => {
            keys.push(&condition.key);
            Vec::new()
        }
        State::Present(value) => members(value),
        State::Absent => Vec::new(),
    };
    let Operand::Text(texts) = &condition.operand else { return keys };
    for text in texts.iter().flatten() {
        let is_open = match state {
            State::Unknown => !text_never_matches(condition, text, known),
            _ => members
                .iter()
                .any(|member| text_predicate(operator, member, text, known) == Truth::Unknown),
        };
        if is_open {
            keys.extend(variable::unknown_keys(text, known));
        }
    }
    keys
}

/// L-611: without a set prefix. L-606 decides the last column.
fn plain_test(condition: &Condition, found: Option<&ContextValue>, known: &Knowledge<'_>) -> Truth {
    let negated = condition.operator.is_negated();
    match found {
        // L-608, L-702.
        None => (negated || condition.if_exists).into(),
        Some(ContextValue::Single(text)) => polarity(condition, text, known),
        Some(ContextValue::List(_)) => Truth::False,
        // L-606.
        Some(ContextValue::Colliding) => negated.into(),
    }
}

/// The members of a value; none where several collide.
fn members(value: &ContextValue) -> Vec<&str> {
    match value {
        ContextValue::Single(text) => vec![text],
        ContextValue::List(texts) => texts.iter().map(|text| &**text).collect(),
        ContextValue::Colliding => Vec::new(),
    }
}

/// L-612: with a set prefix, under which `IfExists` changes nothing. L-606 for colliding keys.
fn set_test(
    condition: &Condition,
    qualifier: SetQualifier,
    found: Option<&ContextValue>,
    known: &Knowledge<'_>,
) -> Truth {
    if found == Some(&ContextValue::Colliding) {
        return condition.operator.is_negated().into();
    }
    let members = found.map(members).unwrap_or_default();
    let is_void = members.iter().all(|member| member.is_empty());
    match qualifier {
        SetQualifier::ForAllValues if is_void => Truth::True,
        SetQualifier::ForAnyValue if is_void => Truth::False,
        SetQualifier::ForAllValues => {
            Truth::all(members.iter().map(|member| polarity(condition, member, known)))
        }
        SetQualifier::ForAnyValue => {
            Truth::any(members.iter().map(|member| polarity(condition, member, known)))
        }
    }
}

/// m(v), or ¬m(v) for a negated operator.
fn polarity(condition: &Condition, value: &str, known: &Knowledge<'_>) -> Truth {
    let satisfied = satisfies_some(condition, value, known);
    if condition.operator.is_negated() { satisfied.not() } else { satisfied }
}

/// m(v) of section 6.2: some policy value satisfies the positive predicate of the operator with
/// the request value. What cannot be read satisfies nothing (L-622, L-623).
fn satisfies_some(condition: &Condition, value: &str, known: &Knowledge<'_>) -> Truth {
    let op = condition.operator;
    match &condition.operand {
        Operand::Text(texts) => {
            let texts = texts.iter().flatten();
            Truth::any(texts.map(|text| text_predicate(op, value, text, known)))
        }
        Operand::Number(numbers) => parse_number(value)
            .is_some_and(|v| numbers.iter().flatten().any(|w| in_order(op, compare_numbers(&v, w))))
            .into(),
        Operand::Date(dates) => parse_instant(value)
            .is_some_and(|v| dates.iter().flatten().any(|w| in_order(op, v.cmp(w))))
            .into(),
        Operand::Bool(booleans) => {
            parse_bool(value).is_some_and(|v| booleans.contains(&Some(v))).into()
        }
        Operand::Binary(operands) => {
            parse_binary(value).is_some_and(|v| operands.iter().flatten().any(|w| **w == *v)).into()
        }
        Operand::Ip(blocks) => parse_address(value)
            .is_some_and(|v| blocks.iter().flatten().any(|w| is_inside(v, *w)))
            .into(),
    }
}

/// L-615, L-616: the orders of the numeric and date operators, request value on the left.
fn in_order(operator: Op, order: Ordering) -> bool {
    match operator {
        Op::NumericLessThan | Op::DateLessThan => order.is_lt(),
        Op::NumericLessThanEquals | Op::DateLessThanEquals => order.is_le(),
        Op::NumericGreaterThan | Op::DateGreaterThan => order.is_gt(),
        Op::NumericGreaterThanEquals | Op::DateGreaterThanEquals => order.is_ge(),
        _ => order.is_eq(),
    }
}

fn is_arn_operator(operator: Op) -> bool {
    matches!(operator, Op::ArnEquals | Op::ArnNotEquals | Op::ArnLike | Op::ArnNotLike)
}

/// The predicates of the String and Arn operators. L-509: an unresolved variable makes the value
/// equal to nothing. E-125: a hull that matches says that the value may.
fn text_predicate(operator: Op, value: &str, pieces: &[Piece], known: &Knowledge<'_>) -> Truth {
    let Some(pattern) = variable::substitute(pieces, known) else { return Truth::False };
    let variable::Substituted { symbols, is_hull } = pattern;
    let satisfied = match operator {
        Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase => {
            let folded = symbols.into_iter().map(|symbol| match symbol {
                Symbol::Char(character) => Symbol::Char(fold(character)),
                other => other,
            });
            let value: String = value.chars().map(fold).collect();
            wildcard::matches(&folded.collect::<Vec<_>>(), &value)
        }
        _ if is_arn_operator(operator) && !is_hull => arn_predicate(value, &symbols),
        _ => wildcard::matches(&symbols, value),
    };
    if satisfied && is_hull { Truth::Unknown } else { satisfied.into() }
}

/// L-614: lower(upper(c)) where that is a single scalar, else c itself.
fn fold(character: char) -> char {
    let single = |mut mapped: Box<dyn Iterator<Item = char>>| {
        let first = mapped.next();
        if mapped.next().is_none() { first } else { None }
    };
    let upper = single(Box::new(character.to_uppercase()));
    let lower = upper.and_then(|upper| single(Box::new(upper.to_lowercase())));
    lower.unwrap_or(character)
}

/// The number of segments of an ARN.
const N_SEGMENTS: usize = 6;

/// L-620, L-511: both sides split at their first five colons, the segments matched pairwise.
fn arn_predicate(value: &str, pattern: &[Symbol]) -> bool {
    let values: Vec<&str> = value.splitn(N_SEGMENTS, ':').collect();
    let patterns: Vec<&[Symbol]> =
        pattern.splitn(N_SEGMENTS, |symbol| *symbol == Symbol::Char(':')).collect();
    values.len() == N_SEGMENTS
        && patterns.len() == N_SEGMENTS
        && patterns.iter().zip(&values).all(|(pattern, value)| wildcard::matches(pattern, value))
}

#[cfg(test)]
mod tests;
