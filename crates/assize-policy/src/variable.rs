//! Policy variables: `${key}`, `${key, 'default'}` and the escapes `${*}`, `${?}`, `${$}` in
//! resources and condition values (L-501 – L-514).
//!
//! A text is read into pieces once; what a variable stands for is a matter of the request. Both
//! the scan for pieces and the split of an ARN at its colons take a variable to end at the first
//! `}`, which no part of its syntax may contain (L-503).

use std::ops::Range;

use assize_model::ConditionKey;

use crate::finding::{FindingCode, Problem, Reject, quoted};
use crate::ir::{Piece, PolicyVariable};

/// Whether `${…}` is a variable: only in documents of version 2012-10-17 (L-502).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    /// `Version` is `2012-10-17`: variables are replaced.
    Replaced,
    /// Any other document: `$`, `{` and `}` are characters like others.
    Literal,
}

/// Whether `*` and `?` are wildcards in a text (L-404).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wildcards {
    /// They match other characters.
    Active,
    /// They match themselves.
    Literal,
}

/// Reads a text in which variables are replaced (L-501), into pieces.
///
/// `None` when a malformed variable makes the text unresolved for good (L-504, L-509). Problems
/// are those of L-502 and L-504; their ranges are bytes of `text`.
pub(crate) fn read_text(
    text: &str,
    variables: Variables,
    wildcards: Wildcards,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Piece>> {
    report_version(text, variables, problems);
    read_part(text, 0..text.len(), variables, wildcards, problems)
}

/// Reads a part of a text, such as a segment of an ARN, as [`read_text`] does the whole; it
/// leaves the version (L-502) to [`report_version`].
pub(crate) fn read_part(
    text: &str,
    part: Range<usize>,
    variables: Variables,
    wildcards: Wildcards,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Piece>> {
    let mut pieces = PieceBuilder::default();
    let mut is_resolved = true;
    let mut at = part.start;
    while at < part.end {
        let rest = &text[at..part.end];
        let plain = rest.find(['$', '*', '?']).unwrap_or(rest.len());
        pieces.literal.push_str(&rest[..plain]);
        at += plain;
        let rest = &rest[plain..];
        if rest.starts_with("${") && variables == Variables::Replaced {
            let length = variable_len(rest).unwrap_or(rest.len());
            match parse_variable(&rest[..length]) {
                Ok(token) => pieces.push_token(token),
                Err(malformed) => {
                    problems.push(malformed.problem(&rest[..length]).at(at..at + length));
                    is_resolved = false;
                }
            }
            at += length;
        } else if let Some(special) = rest.chars().next() {
            match (special, wildcards) {
                ('*', Wildcards::Active) => pieces.push_star(),
                ('?', Wildcards::Active) => pieces.push(Piece::One),
                _ => pieces.literal.push(special),
            }
            at += special.len_utf8();
        }
    }
    is_resolved.then(|| pieces.finish())
}

/// Reports a `${…}` in a document whose version has no variables (L-502).
pub(crate) fn report_version(text: &str, variables: Variables, problems: &mut Vec<Problem>) {
    if variables == Variables::Literal
        && let Some(range) = find_variable(text)
    {
        let message = format!(
            "{} is literal text: variables need `\"Version\": \"2012-10-17\"`",
            quoted(&text[range.clone()])
        );
        let code = FindingCode::VariableUnsupportedInVersion;
        problems.push(Problem::new(code, Reject::Never, message).at(range));
    }
}

/// The bytes of the first `${…}` of a text, well-formed or not.
pub(crate) fn find_variable(text: &str) -> Option<Range<usize>> {
    let start = text.find("${")?;
    let length = variable_len(&text[start..])?;
    Some(start..start + length)
}

/// The length of the `${…}` at the beginning of a text, braces included; `None` when the text
/// does not begin with one or does not close it.
pub(crate) fn variable_len(text: &str) -> Option<usize> {
    text.strip_prefix("${")?.find('}').map(|inner| inner + "${}".len())
}

/// What a well-formed `${…}` stands for.
enum Token {
    /// One of the escapes of L-506.
    Escape(char),
    /// A variable.
    Variable(PolicyVariable),
}

/// Why a `${…}` is malformed (L-504).
struct Malformed {
    code: FindingCode,
    reason: &'static str,
}

impl Malformed {
    /// The problem of a variable, given with its braces.
    fn problem(&self, text: &str) -> Problem {
        let message = format!("variable {} {}", quoted(text), self.reason);
        Problem::new(self.code, Reject::Author, message)
    }
}

const NO_BRACE: Malformed = Malformed {
    code: FindingCode::MissingBraceInVariable,
    reason: "has no closing `}`; write a literal `$` before a brace as `${$}`",
};
const EMPTY: Malformed =
    Malformed { code: FindingCode::EmptyVariable, reason: "names no condition key" };
const SPACE: Malformed = Malformed {
    code: FindingCode::UnsupportedSpaceInVariable,
    reason: "has a space where none may be; the form is `${key}` or `${key, 'default'}`",
};
const NO_QUOTE: Malformed = Malformed {
    code: FindingCode::MissingQuoteInVariable,
    reason: "has a default that is not in single quotes; the form is `${key, 'default'}`",
};
const NESTED: Malformed = Malformed {
    code: FindingCode::UnsupportedSymbolInVariable,
    reason: "has another variable inside; variables do not nest",
};
const NAME_SYMBOL: Malformed = Malformed {
    code: FindingCode::UnsupportedSymbolInVariable,
    reason: "has a character in its name that no variable may have: one of `$ { * ? '`",
};
const NO_COLON: Malformed = Malformed {
    code: FindingCode::UnsupportedSymbolInVariable,
    reason: "names no condition key: a key is `prefix:name`",
};
const SEPARATOR: Malformed = Malformed {
    code: FindingCode::UnsupportedSymbolInVariable,
    reason: "has a comma that one space and a default must follow, as in `${key, 'default'}`",
};
const DEFAULT_SYMBOL: Malformed = Malformed {
    code: FindingCode::UnsupportedSymbolInVariable,
    reason: "has a quote or a line break inside its default",
};

/// Reads a variable, given with its braces (L-503, L-506).
fn parse_variable(text: &str) -> Result<Token, Malformed> {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).ok_or(NO_BRACE)?;
    match inner {
        "" => return Err(EMPTY),
        "*" => return Ok(Token::Escape('*')),
        "?" => return Ok(Token::Escape('?')),
        "$" => return Ok(Token::Escape('$')),
        _ => {}
    }
    let (name, default) = match inner.split_once(',') {
        Some((name, rest)) => (name, Some(rest)),
        None => (inner, None),
    };
    check_name(name)?;
    let default = default.map(parse_default).transpose()?.map(Into::into);
    Ok(Token::Variable(PolicyVariable { key: ConditionKey::new(name), default }))
}

/// The name is a condition key without the characters that the syntax needs (L-503).
fn check_name(name: &str) -> Result<(), Malformed> {
    if name.contains("${") {
        Err(NESTED)
    } else if name.contains(' ') {
        Err(SPACE)
    } else if name.contains(['$', '{', '*', '?', '\'']) {
        Err(NAME_SYMBOL)
    } else if name.find(':').is_none_or(|at| at == 0) {
        Err(NO_COLON)
    } else {
        Ok(())
    }
}

/// Reads what follows the comma: one space and a text in single quotes (L-503).
fn parse_default(text: &str) -> Result<&str, Malformed> {
    let text = text.strip_prefix(' ').ok_or(SEPARATOR)?;
    match unquote(text) {
        Some(default) if default.contains(['\'', '\n']) => Err(DEFAULT_SYMBOL),
        Some(default) => Ok(default),
        None if unquote(text.trim_matches(' ')).is_some() => Err(SPACE),
        None if text.contains("${") => Err(NESTED),
        None => Err(NO_QUOTE),
    }
}

fn unquote(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

/// Gathers pieces so that no two literals and no two stars stand side by side.
#[derive(Default)]
struct PieceBuilder {
    pieces: Vec<Piece>,
    literal: String,
}

impl PieceBuilder {
    fn push(&mut self, piece: Piece) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(std::mem::take(&mut self.literal).into()));
        }
        self.pieces.push(piece);
    }

    /// A run of stars is one star (L-402).
    fn push_star(&mut self) {
        if !self.literal.is_empty() || self.pieces.last() != Some(&Piece::Star) {
            self.push(Piece::Star);
        }
    }

    fn push_token(&mut self, token: Token) {
        match token {
            Token::Escape(c) => self.literal.push(c),
            Token::Variable(variable) => self.push(Piece::Variable(variable)),
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(self.literal.into()));
        }
        self.pieces
    }
}

#[cfg(test)]
mod tests;
