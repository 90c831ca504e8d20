//! Pass: condition blocks to numbered atoms (language, section 6).
//!
//! What the text alone decides is decided here: values that can match nothing go, tests that are
//! always true go, and a test that never is takes the statement with it. Equal tests of
//! different statements share one atom.

use std::sync::Arc;

use assize_automata::{Budget, Pattern, PatternSet};
use assize_policy::ir::{Condition, ConditionOperator, Operand, Piece, SetQualifier};
use assize_policy::value::fold_unicode;

use crate::intern::Interner;
use crate::program::condition::{Atom, Comparison, Quantifier, Test, Texts};
use crate::program::template::{ARN_COLONS, TemplatePiece, TextMode, TextTemplate};

/// Tests with more patterns than this are searched by a set.
const MAX_PATTERNS_ONE_BY_ONE: usize = 8;

/// What became of one test.
#[derive(Debug)]
pub(crate) enum Lowered {
    /// It is always true.
    True,
    /// It is never true.
    False,
    /// It depends on the request.
    Atom(u32),
}

/// Lowers one test.
pub(crate) fn lower(condition: &Condition, interner: &mut Interner<'_>) -> Lowered {
    let quantifier = match quantifier(condition) {
        Ok(quantifier) => quantifier,
        Err(constant) => return if constant { Lowered::True } else { Lowered::False },
    };
    let key = interner.key(&condition.key);
    let test = lower_test(condition, interner);
    let memoize = is_worth_remembering(&test);
    Lowered::Atom(interner.atom(Atom { key, quantifier, test, memoize }))
}

/// How the answer of a test follows from its values, or its constant value.
fn quantifier(condition: &Condition) -> Result<Quantifier, bool> {
    let negated = condition.operator.is_negated();
    if condition.operator == ConditionOperator::Null {
        return match condition.qualifier {
            Some(SetQualifier::ForAllValues) => Err(true),
            Some(SetQualifier::ForAnyValue) => Err(false),
            None => null_quantifier(&condition.operand),
        };
    }
    Ok(match condition.qualifier {
        None => Quantifier::One { negated, if_exists: condition.if_exists },
        Some(SetQualifier::ForAllValues) => Quantifier::All { negated },
        Some(SetQualifier::ForAnyValue) => Quantifier::Any { negated },
    })
}

/// L-621: values are ORed.
fn null_quantifier(operand: &Operand) -> Result<Quantifier, bool> {
    let Operand::Bool(values) = operand else { return Err(false) };
    let (absent, present) = (values.contains(&Some(true)), values.contains(&Some(false)));
    if absent == present { Err(absent) } else { Ok(Quantifier::Null { absent, present }) }
}

/// Direct comparison of typed values and of one text is as fast as remembering; variables
/// make the answer depend on more than the value.
fn is_worth_remembering(test: &Test) -> bool {
    match test {
        Test::Equal(texts) => texts.templates.is_empty() && texts.literals.len() > 1,
        Test::EqualIgnoringCase(texts) | Test::Like(texts) => {
            let any = texts.literals.len() + texts.patterns.len() > 0 || texts.set.is_some();
            texts.templates.is_empty() && any
        }
        Test::Number(..) | Test::Date(..) | Test::Ip(_) => true,
        Test::Presence | Test::Bool { .. } => false,
    }
}

fn lower_test(condition: &Condition, interner: &mut Interner<'_>) -> Test {
    match &condition.operand {
        Operand::Text(values) => lower_text(condition.operator, values, interner),
        Operand::Bool(_) if condition.operator == ConditionOperator::Null => Test::Presence,
        Operand::Bool(values) => {
            Test::Bool { yes: values.contains(&Some(true)), no: values.contains(&Some(false)) }
        }
        Operand::Number(values) => {
            Test::Number(comparison(condition.operator), values.iter().flatten().cloned().collect())
        }
        Operand::Date(values) => {
            Test::Date(comparison(condition.operator), values.iter().flatten().copied().collect())
        }
        Operand::Ip(values) => Test::Ip(values.iter().flatten().copied().collect()),
        Operand::Binary(values) => {
            let texts = values.iter().flatten().map(|bytes| base64(bytes).into_boxed_str());
            Test::Equal(Texts { literals: sorted(texts.collect()), ..Texts::default() })
        }
    }
}

/// The order that an operator, or the positive twin of a negated one, asks for.
fn comparison(operator: ConditionOperator) -> Comparison {
    use ConditionOperator as Op;
    match operator {
        Op::NumericLessThan | Op::DateLessThan => Comparison::Less,
        Op::NumericLessThanEquals | Op::DateLessThanEquals => Comparison::LessOrEqual,
        Op::NumericGreaterThan | Op::DateGreaterThan => Comparison::Greater,
        Op::NumericGreaterThanEquals | Op::DateGreaterThanEquals => Comparison::GreaterOrEqual,
        _ => Comparison::Equal,
    }
}

fn lower_text(
    operator: ConditionOperator,
    values: &[Option<Vec<Piece>>],
    interner: &mut Interner<'_>,
) -> Test {
    use ConditionOperator as Op;
    let values = values.iter().flatten();
    match operator {
        Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase => {
            let mut texts = lower_values(values, TextMode::IgnoreCase, interner);
            let folded = texts.literals.iter().map(|text| fold_unicode(text).into());
            texts.literals = sorted(folded.collect());
            Test::EqualIgnoringCase(texts)
        }
        Op::ArnEquals | Op::ArnNotEquals | Op::ArnLike | Op::ArnNotLike => {
            Test::Like(lower_values(values, TextMode::Arn, interner))
        }
        Op::StringLike | Op::StringNotLike => {
            Test::Like(lower_values(values, TextMode::Plain, interner))
        }
        _ => Test::Equal(lower_values(values, TextMode::Plain, interner)),
    }
}

fn lower_values<'v>(
    values: impl Iterator<Item = &'v Vec<Piece>>,
    mode: TextMode,
    interner: &mut Interner<'_>,
) -> Texts {
    let (mut literals, mut patterns, mut templates) = (Vec::new(), Vec::new(), Vec::new());
    for pieces in values {
        if pieces.iter().any(|piece| matches!(piece, Piece::Variable(_))) {
            templates.push(TextTemplate { mode, pieces: interner.template(pieces) });
        } else if let Some(pattern) = static_pattern(pieces, mode) {
            match pattern.as_literal() {
                Some(text) => literals.push(text.into()),
                None => patterns.push(pattern),
            }
        }
    }
    patterns.sort_unstable();
    patterns.dedup();
    let set = (interner.options().pattern_sets && patterns.len() > MAX_PATTERNS_ONE_BY_ONE)
        .then(|| PatternSet::new(&patterns, &Budget::default()).ok())
        .flatten()
        .map(Arc::new);
    Texts {
        literals: sorted(literals),
        patterns: patterns.into(),
        set,
        templates: templates.into(),
    }
}

/// The pattern of a value without variables; `None` if it is too short an ARN to match (L-620).
fn static_pattern(pieces: &[Piece], mode: TextMode) -> Option<Pattern> {
    let mut builder = Pattern::builder();
    let mut n_colons = 0;
    for piece in pieces {
        let wide = mode != TextMode::Arn || n_colons >= ARN_COLONS;
        match piece {
            Piece::Literal(text) => {
                n_colons += text.bytes().filter(|&b| b == b':').count();
                builder.literal(text);
            }
            Piece::Star => {
                builder.star(crate::resources::class(wide));
            }
            Piece::One => {
                builder.one(crate::resources::class(wide));
            }
            // INVARIANT: the caller has set values with variables apart.
            Piece::Variable(_) => return None,
        }
    }
    let long_enough = mode != TextMode::Arn || n_colons >= ARN_COLONS;
    builder.build().ok().filter(|_| long_enough)
}

fn sorted(mut texts: Vec<Box<str>>) -> Box<[Box<str>]> {
    texts.sort_unstable();
    texts.dedup();
    texts.into()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The canonical base64 text of bytes: the only one that reads as them (L-618).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// The pieces of a template, with keys numbered.
pub(crate) fn template_pieces(
    pieces: &[Piece],
    mut key: impl FnMut(&assize_model::ConditionKey) -> u32,
) -> Box<[TemplatePiece]> {
    let lower = |piece: &Piece| match piece {
        Piece::Literal(text) => TemplatePiece::Literal(text.clone()),
        Piece::Star => TemplatePiece::Star,
        Piece::One => TemplatePiece::One,
        Piece::Variable(variable) => {
            TemplatePiece::Variable { key: key(&variable.key), default: variable.default.clone() }
        }
    };
    pieces.iter().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_text() {
        let check = |bytes: &[u8], text: &str| assert_eq!(base64(bytes), text);
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foobar", "Zm9vYmFy");
        check(&[0xff, 0xfe], "//4=");
    }
}
