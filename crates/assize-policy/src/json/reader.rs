//! The productions of RFC 8259, and how to go on after a mistake.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::combinator::{opt, recognize, value};
use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Parser};

use super::input::Text;
use super::{MAX_SYNTAX_ERRORS, Member, SyntaxError, Value, ValueKind};
use crate::finding::quoted;
use crate::path::Path;
use crate::{LineIndex, Span};

/// Why a production did not succeed. An `Error` leaves it to the caller what was expected; a
/// `Failure` has been reported and ends the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault;

impl ParseError<Text<'_>> for Fault {
    fn from_error_kind(_: Text<'_>, _: ErrorKind) -> Self {
        Self
    }

    fn append(_: Text<'_>, _: ErrorKind, _: Self) -> Self {
        Self
    }
}

type Read<'a, T> = IResult<Text<'a>, T, Fault>;

/// What the productions share: the limit and the mistakes so far.
struct Reader {
    max_depth: u8,
    errors: Vec<Mistake>,
}

struct Mistake {
    span: Span,
    path: Box<str>,
    message: Box<str>,
}

/// A place of the document and how deep it is nested.
#[derive(Clone, Copy)]
struct Place<'p> {
    path: &'p Path<'p>,
    depth: u8,
}

/// JSON-text = ws value ws
pub(super) fn document(text: &str, max_depth: u8) -> Result<Value<'_>, Vec<SyntaxError>> {
    let mut reader = Reader { max_depth, errors: Vec::new() };
    let value = if u32::try_from(text.len()).is_err() {
        reader.report(Span::default(), &Path::ROOT, "text of 4 GiB or more".into());
        None
    } else {
        reader.text(Text::new(text)).ok().map(|(_, value)| value)
    };
    match value {
        Some(value) if reader.errors.is_empty() => Ok(value),
        _ => Err(reader.into_errors(text)),
    }
}

impl Reader {
    fn into_errors(self, text: &str) -> Vec<SyntaxError> {
        let lines = LineIndex::new(text);
        let located = self.errors.into_iter().map(|Mistake { span, path, message }| {
            let (line, column) = lines.line_column(text, span.start);
            SyntaxError { span, line, column, path, message }
        });
        located.collect()
    }

    fn report(&mut self, span: Span, path: &Path<'_>, message: Cow<'_, str>) {
        self.errors.push(Mistake { span, path: path.to_string().into(), message: message.into() });
    }

    /// Reports a mistake that can be read over, unless there are too many already.
    fn mistake(
        &mut self,
        span: Span,
        path: &Path<'_>,
        message: impl Into<Cow<'static, str>>,
    ) -> Result<(), Err<Fault>> {
        self.report(span, path, message.into());
        if self.errors.len() < MAX_SYNTAX_ERRORS { Ok(()) } else { Err(Err::Failure(Fault)) }
    }

    /// Reports a mistake after which it cannot be told what was meant.
    fn fail<'a, T>(
        &mut self,
        at: Text<'a>,
        path: &Path<'_>,
        message: impl Into<Cow<'static, str>>,
    ) -> Read<'a, T> {
        let width = at.rest.chars().next().map_or(0, char::len_utf8);
        self.report(at.span(width), path, message.into());
        Err(Err::Failure(Fault))
    }

    /// Reports that something else was expected than what stands here.
    fn unexpected<'a, T>(&mut self, at: Text<'a>, path: &Path<'_>, expected: &str) -> Read<'a, T> {
        let message = match at.rest.chars().next() {
            None => format!("unexpected end of text, expected {expected}"),
            Some(c) => format!("unexpected {}, expected {expected}", Shown(c)),
        };
        self.fail(at, path, message)
    }

    fn text<'a>(&mut self, input: Text<'a>) -> Read<'a, Value<'a>> {
        let place = Place { path: &Path::ROOT, depth: 0 };
        let mut input = input;
        if input.rest.starts_with('\u{feff}') {
            self.mistake(input.span(3), place.path, "byte-order mark before the JSON text")?;
            input = input.skip(3);
        }
        let (input, ()) = self.white_space(input, place.path)?;
        let (input, value) = self.value(input, place)?;
        let (input, ()) = self.white_space(input, place.path)?;
        if input.rest.is_empty() {
            Ok((input, value))
        } else {
            self.unexpected(input, place.path, "nothing after the JSON text")
        }
    }

    /// ws, and what people write for comments.
    fn white_space<'a>(&mut self, input: Text<'a>, path: &Path<'_>) -> Read<'a, ()> {
        let (mut input, _) = take_while(is_white_space).parse(input)?;
        while input.peek() == Some(b'/') {
            let length = if input.rest.starts_with("//") {
                input.rest.find('\n').unwrap_or(input.rest.len())
            } else if let Some(end) = input.rest.strip_prefix("/*").and_then(|r| r.find("*/")) {
                end + "/**/".len()
            } else {
                break;
            };
            self.mistake(input.span(length), path, "comment, which JSON does not have")?;
            input = take_while(is_white_space).parse(input.skip(length))?.0;
        }
        Ok((input, ()))
    }

    /// value = false / null / true / object / array / number / string
    fn value<'a>(&mut self, input: Text<'a>, place: Place<'_>) -> Read<'a, Value<'a>> {
        let (rest, kind) = match input.peek() {
            Some(b'{') => self.object(input, place)?,
            Some(b'[') => self.array(input, place)?,
            Some(b'"') => {
                let (rest, text) = self.string(input, place.path)?;
                (rest, ValueKind::String(text))
            }
            _ => match scalar(input) {
                Ok((rest, kind)) if !continues_word(rest) => (rest, kind),
                _ => self.bad_scalar(input, place.path)?,
            },
        };
        Ok((rest, Value { span: input.span_to(rest), kind }))
    }

    /// Reads over a word or number that is no JSON value, or a string in single quotes.
    fn bad_scalar<'a>(&mut self, input: Text<'a>, path: &Path<'_>) -> Read<'a, ValueKind<'a>> {
        if input.peek() == Some(b'\'') {
            let (rest, text) = self.single_quoted(input, path)?;
            return Ok((rest, ValueKind::String(text.into())));
        }
        let Ok((rest, word)) = take_while1::<_, _, Fault>(is_word).parse(input) else {
            return self.unexpected(input, path, "a JSON value");
        };
        let word = word.rest;
        let message = if word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
            format!("{} is not a JSON number", quoted(word))
        } else {
            format!("{} is not a JSON value; a string stands in double quotes", quoted(word))
        };
        self.mistake(input.span_to(rest), path, message)?;
        Ok((rest, ValueKind::Null))
    }

    /// Reads over a string in single quotes that ends on the same line.
    fn single_quoted<'a>(&mut self, input: Text<'a>, path: &Path<'_>) -> Read<'a, &'a str> {
        let body = &input.rest[1..];
        let Some(length) = body.find(['\'', '\n']).filter(|at| body[*at..].starts_with('\''))
        else {
            return self.unexpected(input, path, "a string in double quotes");
        };
        let rest = input.skip(length + 2);
        self.mistake(input.span_to(rest), path, "string in single quotes, expected double quotes")?;
        Ok((rest, &body[..length]))
    }

    /// Checks that one more level of nesting is within the limit (L-105).
    fn enter<'a>(&mut self, input: Text<'a>, place: Place<'_>) -> Read<'a, u8> {
        if place.depth >= self.max_depth {
            let message = format!("arrays and objects nested deeper than {}", self.max_depth);
            return self.fail(input, place.path, message);
        }
        Ok((input.skip(1), place.depth + 1))
    }

    /// array = begin-array [ value *( value-separator value ) ] end-array
    fn array<'a>(&mut self, input: Text<'a>, place: Place<'_>) -> Read<'a, ValueKind<'a>> {
        let (input, depth) = self.enter(input, place)?;
        let mut items = Vec::new();
        let (mut input, mut more) = self.first(input, place.path, b']')?;
        while more {
            let path = place.path.index(items.len());
            let (rest, item) = self.value(input, Place { path: &path, depth })?;
            items.push(item);
            (input, more) = self.next(rest, place.path, b']')?;
        }
        Ok((input, ValueKind::Array(items)))
    }

    /// object = begin-object [ member *( value-separator member ) ] end-object
    fn object<'a>(&mut self, input: Text<'a>, place: Place<'_>) -> Read<'a, ValueKind<'a>> {
        let (input, depth) = self.enter(input, place)?;
        let mut members = Vec::new();
        let (mut input, mut more) = self.first(input, place.path, b'}')?;
        while more {
            let (rest, member) = self.member(input, Place { path: place.path, depth })?;
            members.push(member);
            (input, more) = self.next(rest, place.path, b'}')?;
        }
        Ok((input, ValueKind::Object(members)))
    }

    /// member = string name-separator value
    fn member<'a>(&mut self, input: Text<'a>, place: Place<'_>) -> Read<'a, Member<'a>> {
        let (after_name, name) = self.name(input, place.path)?;
        let name_span = input.span_to(after_name);
        let (rest, ()) = self.white_space(after_name, place.path)?;
        let path = place.path.member(&name);
        let rest = match rest.peek() {
            Some(b':') => rest.skip(1),
            Some(next) if starts_value(next) => {
                self.mistake(rest.span(1), &path, "missing `:` after the name of a member")?;
                rest
            }
            _ => return self.unexpected(rest, &path, "`:` after the name of a member"),
        };
        let (rest, ()) = self.white_space(rest, &path)?;
        let (rest, value) = match rest.peek() {
            Some(b',' | b'}') => {
                self.mistake(rest.span(1), &path, "missing value of a member")?;
                (rest, Value { span: rest.span(0), kind: ValueKind::Null })
            }
            _ => self.value(rest, Place { path: &path, depth: place.depth })?,
        };
        Ok((rest, Member { name, name_span, value }))
    }

    /// The name of a member, or a word that stands for one.
    fn name<'a>(&mut self, input: Text<'a>, path: &Path<'_>) -> Read<'a, Cow<'a, str>> {
        match input.peek() {
            Some(b'"') => self.string(input, path),
            Some(b'\'') => {
                let (rest, name) = self.single_quoted(input, path)?;
                Ok((rest, name.into()))
            }
            _ => {
                let Ok((rest, word)) = take_while1::<_, _, Fault>(is_word).parse(input) else {
                    return self.unexpected(input, path, "a name in double quotes or `}`");
                };
                let name = word.rest;
                let message = format!("{} is not in double quotes", quoted(name));
                self.mistake(input.span_to(rest), path, message)?;
                Ok((rest, name.into()))
            }
        }
    }

    /// After the opening bracket: whether there is a first member or element.
    fn first<'a>(&mut self, input: Text<'a>, path: &Path<'_>, close: u8) -> Read<'a, bool> {
        let (input, ()) = self.white_space(input, path)?;
        match input.peek() {
            Some(next) if next == close => Ok((input.skip(1), false)),
            Some(b',') => self.separator(input, path, close),
            _ => Ok((input, true)),
        }
    }

    /// After a member or element: whether another follows.
    fn next<'a>(&mut self, input: Text<'a>, path: &Path<'_>, close: u8) -> Read<'a, bool> {
        let (input, ()) = self.white_space(input, path)?;
        match input.peek() {
            Some(b',') => {
                let (input, ()) = self.white_space(input.skip(1), path)?;
                self.separator(input, path, close)
            }
            Some(next) if next == close => Ok((input.skip(1), false)),
            Some(next) if starts_value(next) => {
                self.mistake(input.span(1), path, "missing `,` between values")?;
                Ok((input, true))
            }
            Some(b'}' | b']') => {
                let message = format!("missing `{}`", char::from(close));
                self.mistake(input.span(1), path, message)?;
                Ok((input, false))
            }
            _ => self.unexpected(input, path, &format!("`,` or `{}`", char::from(close))),
        }
    }

    /// Where a member or element must follow: reads over commas too many.
    fn separator<'a>(&mut self, input: Text<'a>, path: &Path<'_>, close: u8) -> Read<'a, bool> {
        let mut input = input;
        while input.peek() == Some(b',') {
            self.mistake(input.span(1), path, "nothing before `,`")?;
            input = self.white_space(input.skip(1), path)?.0;
        }
        if input.peek() == Some(close) {
            let message = format!("trailing comma before `{}`", char::from(close));
            self.mistake(input.span(1), path, message)?;
            return Ok((input.skip(1), false));
        }
        Ok((input, true))
    }

    /// string = quotation-mark *char quotation-mark
    fn string<'a>(&mut self, input: Text<'a>, path: &Path<'_>) -> Read<'a, Cow<'a, str>> {
        let (mut rest, first) = take_while(is_unescaped).parse(input.skip(1))?;
        if rest.peek() == Some(b'"') {
            return Ok((rest.skip(1), Cow::Borrowed(first.rest)));
        }
        let mut text = String::from(first.rest);
        loop {
            rest = match rest.peek() {
                Some(b'"') => return Ok((rest.skip(1), Cow::Owned(text))),
                Some(b'\\') => self.escape(rest, path, &mut text)?.0,
                Some(b'\n' | b'\r') | None => {
                    return self.fail(input, path, "string without a closing quote on its line");
                }
                Some(control) => {
                    let message =
                        format!("{} in a string, write it as an escape", Shown(control.into()));
                    self.mistake(rest.span(1), path, message)?;
                    rest.skip(1)
                }
            };
            let (after, chunk) = take_while(is_unescaped).parse(rest)?;
            text.push_str(chunk.rest);
            rest = after;
        }
    }

    /// escape %x22 / %x5C / … / %x75 4HEXDIG (L-104)
    fn escape<'a>(&mut self, input: Text<'a>, path: &Path<'_>, text: &mut String) -> Read<'a, ()> {
        let after = input.skip(1);
        let plain = match after.peek() {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(input, path, text),
            None => return self.unexpected(after, path, "an escaped character"),
            Some(_) => {
                let rest = after.skip_char();
                self.mistake(input.span_to(rest), path, "escape that JSON does not have")?;
                return Ok((rest, ()));
            }
        };
        text.push(plain);
        Ok((after.skip(1), ()))
    }

    /// `\uXXXX`, or two of them for a surrogate pair.
    fn unicode_escape<'a>(
        &mut self,
        input: Text<'a>,
        path: &Path<'_>,
        text: &mut String,
    ) -> Read<'a, ()> {
        let Some(unit) = hex_escape(input) else {
            let rest = input.skip(2);
            self.mistake(input.span_to(rest), path, "`\\u` without four hexadecimal digits")?;
            return Ok((rest, ()));
        };
        let low = hex_escape(input.skip(ESCAPE_LEN)).filter(|_| is_high_surrogate(unit));
        let (length, decoded) = match low {
            Some(low) => (2 * ESCAPE_LEN, char::decode_utf16([unit, low]).next()),
            None => (ESCAPE_LEN, char::decode_utf16([unit]).next()),
        };
        match decoded {
            Some(Ok('\0')) => {
                self.mistake(input.span(ESCAPE_LEN), path, "`\\u0000` is not accepted")?;
            }
            Some(Ok(c)) => {
                text.push(c);
                return Ok((input.skip(length), ()));
            }
            _ => self.mistake(input.span(ESCAPE_LEN), path, "surrogate without its pair")?,
        }
        Ok((input.skip(ESCAPE_LEN), ()))
    }
}

/// The length of `\uXXXX`.
const ESCAPE_LEN: usize = 6;

fn hex_escape(input: Text<'_>) -> Option<u16> {
    let digits = input.rest.strip_prefix("\\u")?.get(..4)?;
    // `from_str_radix` alone would take a sign.
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

fn is_high_surrogate(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

/// false / null / true / number
fn scalar(input: Text<'_>) -> Read<'_, ValueKind<'_>> {
    alt((
        value(ValueKind::Bool(true), tag("true")),
        value(ValueKind::Bool(false), tag("false")),
        value(ValueKind::Null, tag("null")),
        number.map(ValueKind::Number),
    ))
    .parse(input)
}

/// number = [ minus ] int [ frac ] [ exp ]
fn number(input: Text<'_>) -> Read<'_, &str> {
    let exponent = (alt((tag("e"), tag("E"))), opt(alt((tag("+"), tag("-")))), digits);
    let parts = (opt(tag("-")), int, opt((tag("."), digits)), opt(exponent));
    recognize(parts).map(|text: Text<'_>| text.rest).parse(input)
}

/// int = zero / ( digit1-9 *DIGIT )
fn int(input: Text<'_>) -> Read<'_, Text<'_>> {
    alt((tag("0"), digits)).parse(input)
}

/// 1*DIGIT
fn digits(input: Text<'_>) -> Read<'_, Text<'_>> {
    take_while1(|byte: u8| byte.is_ascii_digit()).parse(input)
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a byte stands for itself in a string. Bytes of characters beyond ASCII do.
fn is_unescaped(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Whether a byte can be part of an unquoted word or number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+-.$*".contains(&byte)
}

/// Whether a word goes on where a literal or number ended, as in `nullx` and `01`.
fn continues_word(input: Text<'_>) -> bool {
    input.peek().is_some_and(is_word)
}

/// Whether a value, or something that people write for one, starts with a byte.
fn starts_value(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'{' | b'[') || is_word(byte)
}

/// A character for a message: itself, or its number when it cannot be seen.
struct Shown(char);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            c if c.is_control() || c == '\u{feff}' => write!(f, "U+{:04X}", u32::from(c)),
            c => write!(f, "`{c}`"),
        }
    }
}
