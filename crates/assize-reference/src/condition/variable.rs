//! Policy variables (language, section 5).

use assize_model::{ConditionKey, ContextValue, RequestContext};
use assize_policy::ir::{Piece, PolicyVariable};

use crate::wildcard::{Reach, Symbol, literal};

/// L-508: the text a variable stands for; none when it is unresolved.
pub(crate) fn resolve<'a>(
    variable: &'a PolicyVariable,
    context: &'a RequestContext,
) -> Option<&'a str> {
    match context.get(variable.key.folded()).map(|entry| &entry.value) {
        Some(ContextValue::Single(value)) if !value.is_empty() => Some(value),
        Some(ContextValue::Single(_)) | None => variable.default.as_deref(),
        Some(ContextValue::List(_) | ContextValue::Colliding) => None,
    }
}

/// L-507, L-509: pieces with their variables replaced by literal text; none when one of them is
/// unresolved. Wildcards are wide.
pub(crate) fn substitute(pieces: &[Piece], context: &RequestContext) -> Option<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => symbols.extend(literal(text)),
            Piece::Star => symbols.push(Symbol::Star(Reach::Anything)),
            Piece::One => symbols.push(Symbol::One(Reach::Anything)),
            Piece::Variable(variable) => symbols.extend(literal(resolve(variable, context)?)),
        }
    }
    Some(symbols)
}

/// The keys of variables that the context lacks (E-104).
pub(crate) fn absent_keys<'a>(
    pieces: &'a [Piece],
    context: &'a RequestContext,
) -> impl Iterator<Item = &'a ConditionKey> {
    let keys = pieces.iter().filter_map(|piece| match piece {
        Piece::Variable(variable) => Some(&variable.key),
        Piece::Literal(_) | Piece::Star | Piece::One => None,
    });
    keys.filter(|key| context.get(key.folded()).is_none())
}
