//! Policy variables (language, section 5).

use assize_model::{ConditionKey, ContextValue};
use assize_policy::ir::{Piece, PolicyVariable};

use crate::evaluate::knowledge::{Knowledge, State};
use crate::wildcard::{Reach, Symbol, literal};

/// What a variable stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolved<'a> {
    /// Literal text.
    Text(&'a str),
    /// Nothing: the whole text that holds the variable is unresolved (L-508).
    Nothing,
    /// Some text that is not known (E-125).
    Unknown,
}

/// L-508, E-125: what a variable stands for. A default does not help against the unknown.
pub(crate) fn resolve<'a>(variable: &'a PolicyVariable, known: &'a Knowledge<'_>) -> Resolved<'a> {
    let default = || variable.default.as_deref().map_or(Resolved::Nothing, Resolved::Text);
    match known.state(variable.key.folded()) {
        State::Present(ContextValue::Single(value)) if !value.is_empty() => Resolved::Text(value),
        State::Present(ContextValue::Single(_)) | State::Absent => default(),
        // L-508: a default does not help here.
        State::Present(ContextValue::List(_) | ContextValue::Colliding) => Resolved::Nothing,
        State::Unknown => Resolved::Unknown,
    }
}

/// A text with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Substituted {
    pub(crate) symbols: Vec<Symbol>,
    /// E-125: some variables are unknown, and the symbols are the hull.
    pub(crate) is_hull: bool,
}

/// L-507, L-509: pieces with their variables replaced by literal text; none when one of them is
/// unresolved, whatever its unknown ones (E-125). Wildcards are wide.
pub(crate) fn substitute(pieces: &[Piece], known: &Knowledge<'_>) -> Option<Substituted> {
    let mut symbols = Vec::new();
    let mut is_hull = false;
    for piece in pieces {
        match piece {
            Piece::Literal(text) => symbols.extend(literal(text)),
            Piece::Star => symbols.push(Symbol::Star(Reach::Anything)),
            Piece::One => symbols.push(Symbol::One(Reach::Anything)),
            Piece::Variable(variable) => match resolve(variable, known) {
                // L-507.
                Resolved::Text(text) => symbols.extend(literal(text)),
                // L-509.
                Resolved::Nothing => return None,
                // E-125.
                Resolved::Unknown => {
                    symbols.push(Symbol::Star(Reach::Anything));
                    is_hull = true;
                }
            },
        }
    }
    Some(Substituted { symbols, is_hull })
}

/// The keys of the variables of a text.
pub(crate) fn keys(pieces: &[Piece]) -> impl Iterator<Item = &ConditionKey> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Variable(variable) => Some(&variable.key),
        Piece::Literal(_) | Piece::Star | Piece::One => None,
    })
}

/// The keys of variables that are absent (E-104).
pub(crate) fn absent_keys<'a>(
    pieces: &'a [Piece],
    known: &'a Knowledge<'_>,
) -> impl Iterator<Item = &'a ConditionKey> {
    keys(pieces).filter(|key| matches!(known.state(key.folded()), State::Absent))
}

/// The keys of variables that are unknown (E-129).
pub(crate) fn unknown_keys<'a>(
    pieces: &'a [Piece],
    known: &'a Knowledge<'_>,
) -> impl Iterator<Item = &'a ConditionKey> {
    keys(pieces).filter(|key| known.is_unknown(key.folded()))
}
