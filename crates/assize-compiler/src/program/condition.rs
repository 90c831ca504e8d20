//! Atoms: the distinct tests of condition blocks (language, section 6).

use assize_automata::{Pattern, PatternSet};
use assize_policy::ir::{Decimal, IpBlock};
use std::cmp::Ordering;
use std::sync::Arc;

use super::template::TextTemplate;

/// One test: a key, how its values count, and what a value must satisfy.
#[derive(Debug, Clone)]
pub(crate) struct Atom {
    pub(crate) key: u32,
    pub(crate) quantifier: Quantifier,
    pub(crate) test: Test,
    /// Whether the answer for a value is worth remembering: it depends on the value alone and
    /// takes longer than looking it up.
    pub(crate) memoize: bool,
}

impl Atom {
    /// Whether the answer hangs on the value of the key alone.
    pub(crate) fn hangs_on_its_value(&self) -> bool {
        match &self.test {
            Test::Equal(texts) | Test::EqualIgnoringCase(texts) | Test::Like(texts) => {
                texts.templates.is_empty()
            }
            Test::Presence
            | Test::Bool { .. }
            | Test::Number(..)
            | Test::Date(..)
            | Test::Ip(_) => true,
        }
    }
}

/// How absence, lists and negation count (L-611, L-612).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Quantifier {
    /// No set prefix.
    One {
        /// `…Not…`
        negated: bool,
        /// `…IfExists`
        if_exists: bool,
    },
    /// `ForAllValues:`
    All {
        /// `…Not…`
        negated: bool,
    },
    /// `ForAnyValue:`
    Any {
        /// `…Not…`
        negated: bool,
    },
    /// `Null`: true of an absent key, true of a present one.
    Null {
        /// The values hold `true`.
        absent: bool,
        /// The values hold `false`.
        present: bool,
    },
}

impl Quantifier {
    /// Whether a test holds when the key is absent (L-611, L-612).
    #[inline]
    pub(crate) fn of_absence(self) -> bool {
        match self {
            Self::One { negated, if_exists } => negated || if_exists,
            Self::All { .. } => true,
            Self::Any { .. } => false,
            Self::Null { absent, .. } => absent,
        }
    }
}

/// What one request value must satisfy: p of section 6.3 for some policy value.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// Nothing: the answer is in the quantifier.
    Presence,
    /// `Bool`: the values that match.
    Bool {
        /// `true` does.
        yes: bool,
        /// `false` does.
        no: bool,
    },
    /// Text equality; also `BinaryEquals`, since canonical base64 is one text for one value
    /// (L-618).
    Equal(Texts),
    /// Text equality without regard to case; literals are folded.
    EqualIgnoringCase(Texts),
    /// `StringLike` and the Arn operators.
    Like(Texts),
    /// Numeric operators.
    Number(Comparison, Box<[Decimal]>),
    /// Date operators.
    Date(Comparison, Box<[i64]>),
    /// IP operators.
    Ip(Box<[IpBlock]>),
}

impl Test {
    /// The patterns that are searched together, if they are.
    pub(crate) fn pattern_set(&self) -> Option<&PatternSet> {
        match self {
            Self::Equal(texts) | Self::EqualIgnoringCase(texts) | Self::Like(texts) => {
                texts.set.as_deref()
            }
            _ => None,
        }
    }
}

/// The policy values of a test of text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    /// Values without wildcards and variables, sorted.
    pub(crate) literals: Box<[Box<str>]>,
    /// Values with wildcards.
    pub(crate) patterns: Box<[Pattern]>,
    /// The same, to be searched together when they are many.
    pub(crate) set: Option<Arc<PatternSet>>,
    /// Values with variables.
    pub(crate) templates: Box<[TextTemplate]>,
}

/// The order that a comparing operator asks for between request value and policy value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `≤`
    LessOrEqual,
    /// `>`
    Greater,
    /// `≥`
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
