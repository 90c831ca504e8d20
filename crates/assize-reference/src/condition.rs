//! The condition part of a statement (language, section 6).

pub(crate) mod value;
pub(crate) mod variable;

use std::cmp::Ordering;

use assize_model::{ContextValue, RequestContext};
use assize_policy::ir::{Condition, ConditionOperator as Op, Operand, Piece, SetQualifier};

use crate::wildcard::{self, Symbol};
use value::{
    compare_numbers, is_inside, parse_address, parse_binary, parse_bool, parse_instant,
    parse_number,
};

/// A truth value. The combinators are those of Kleene, so that the unknown of partial context
/// (evaluation, section 10) can join without a change elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// F.
    False,
    /// T.
    True,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }

    /// ∧ over all; T of none.
    fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().min().unwrap_or(Self::True)
    }

    /// ∨ over all; F of none.
    fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::False)
    }

    /// Whether a statement of this truth applies.
    pub(crate) fn holds(self) -> bool {
        self == Self::True
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// L-601, L-602: the condition part is the conjunction of its tests.
pub(crate) fn condition_part(conditions: &[Condition], context: &RequestContext) -> Truth {
    Truth::all(conditions.iter().map(|condition| test(condition, context)))
}

/// One test: an operator, a key and its values.
fn test(condition: &Condition, context: &RequestContext) -> Truth {
    let found = context.get(condition.key.folded()).map(|entry| &entry.value);
    match (condition.qualifier, condition.operator) {
        (None, Op::Null) => null_test(condition, found.is_some()),
        (None, _) => plain_test(condition, found, context),
        (Some(SetQualifier::ForAllValues), Op::Null) => Truth::True,
        (Some(SetQualifier::ForAnyValue), Op::Null) => Truth::False,
        (Some(qualifier), _) => set_test(condition, qualifier, found, context),
    }
}

/// L-611, the rows of `Null`; L-621.
fn null_test(condition: &Condition, is_present: bool) -> Truth {
    let Operand::Bool(values) = &condition.operand else { return Truth::False };
    values.contains(&Some(!is_present)).into()
}

/// L-611: without a set prefix. L-606 decides the last column.
fn plain_test(
    condition: &Condition,
    found: Option<&ContextValue>,
    context: &RequestContext,
) -> Truth {
    let negated = condition.operator.is_negated();
    match found {
        None => (negated || condition.if_exists).into(),
        Some(ContextValue::Single(text)) => polarity(condition, text, context),
        Some(ContextValue::List(_)) => Truth::False,
        Some(ContextValue::Colliding) => negated.into(),
    }
}

/// L-612: with a set prefix, under which `IfExists` changes nothing. L-606 for colliding keys.
fn set_test(
    condition: &Condition,
    qualifier: SetQualifier,
    found: Option<&ContextValue>,
    context: &RequestContext,
) -> Truth {
    let members: Vec<&str> = match found {
        None => Vec::new(),
        Some(ContextValue::Single(text)) => vec![text],
        Some(ContextValue::List(texts)) => texts.iter().map(|text| &**text).collect(),
        Some(ContextValue::Colliding) => return condition.operator.is_negated().into(),
    };
    let is_void = members.iter().all(|member| member.is_empty());
    match qualifier {
        SetQualifier::ForAllValues if is_void => Truth::True,
        SetQualifier::ForAnyValue if is_void => Truth::False,
        SetQualifier::ForAllValues => {
            Truth::all(members.iter().map(|member| polarity(condition, member, context)))
        }
        SetQualifier::ForAnyValue => {
            Truth::any(members.iter().map(|member| polarity(condition, member, context)))
        }
    }
}

/// m(v), or ¬m(v) for a negated operator.
fn polarity(condition: &Condition, value: &str, context: &RequestContext) -> Truth {
    let satisfied = satisfies_some(condition, value, context);
    if condition.operator.is_negated() { satisfied.not() } else { satisfied }
}

/// m(v) of section 6.2: some policy value satisfies the positive predicate of the operator with
/// the request value. What cannot be read satisfies nothing (L-622, L-623).
fn satisfies_some(condition: &Condition, value: &str, context: &RequestContext) -> Truth {
    let op = condition.operator;
    match &condition.operand {
        Operand::Text(texts) => {
            let texts = texts.iter().flatten();
            Truth::any(texts.map(|text| text_predicate(op, value, text, context)))
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

/// The predicates of the String and Arn operators. L-509: an unresolved variable makes the value
/// equal to nothing.
fn text_predicate(operator: Op, value: &str, pieces: &[Piece], context: &RequestContext) -> Truth {
    let Some(pattern) = variable::substitute(pieces, context) else { return Truth::False };
    let satisfied = match operator {
        Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase => {
            let folded = pattern.into_iter().map(|symbol| match symbol {
                Symbol::Char(character) => Symbol::Char(fold(character)),
                other => other,
            });
            let value: String = value.chars().map(fold).collect();
            wildcard::matches(&folded.collect::<Vec<_>>(), &value)
        }
        Op::ArnEquals | Op::ArnNotEquals | Op::ArnLike | Op::ArnNotLike => {
            arn_predicate(value, &pattern)
        }
        _ => wildcard::matches(&pattern, value),
    };
    satisfied.into()
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
