//! YAML files (F-1): YAML 1.2, core schema, one document, read to the same tree as JSON.
//!
//! What a person meant as text must stay text: a plain scalar that YAML reads as a number or that
//! looks like a date is refused where it would silently become something else, with the advice
//! to quote it.

mod scalar;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use assize_policy::Span;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use crate::file::File;
use crate::json::{MAX_NESTING, MAX_STRING_BYTES, Member, Node, Value, shorten};
use crate::{Error, ErrorKind};
use scalar::Plain;

/// How often aliases of one file may be expanded, those inside expanded ones included (F-1).
pub const MAX_ALIAS_EXPANSIONS: usize = 1_000;
/// How many values the aliases of one file may copy in all.
pub const MAX_ALIAS_VALUES: usize = 1_000_000;

/// What the parser says of lists and objects nested deeper than it goes.
const TOO_DEEP: &str = "recursion limit exceeded";

/// Members whose value is a time, which may stand there plain.
const TIME_FIELDS: [&str; 4] = ["time", "issuedAt", "expiresAt", "at"];

/// Reads a YAML file to a tree.
pub(crate) fn read(file: &File) -> Result<Node<'_>, Vec<Error>> {
    let mut reader = Reader {
        file,
        parser: Parser::new_from_str(&file.text),
        anchors: BTreeMap::new(),
        expansions: 0,
        copied: 0,
        errors: Vec::new(),
    };
    match reader.document() {
        Ok(node) if reader.errors.is_empty() => Ok(node),
        Ok(_) => Err(reader.errors),
        Err(error) => {
            reader.errors.push(error);
            Err(reader.errors)
        }
    }
}

/// A value that an alias can name.
struct Anchored<'t> {
    node: Node<'t>,
    /// Aliases expanded inside it.
    expansions: usize,
    n_values: usize,
}

struct Reader<'t> {
    file: &'t File,
    parser: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, Anchored<'t>>,
    expansions: usize,
    copied: usize,
    /// Errors behind which reading can go on.
    errors: Vec<Error>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Error> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let start = self.file.byte_of_char(span.start.index());
                let end = self.file.byte_of_char(span.end.index());
                Ok((event, Span::new(start, end.max(start))))
            }
            Some(Err(error)) => {
                let at = self.file.byte_of_char(error.marker().index());
                let span = Span::new(at, at);
                if error.info() == TOO_DEEP {
                    // The parser looks ahead, and its own limit is beyond ours.
                    return Err(self.too_deep(span));
                }
                Err(self.error(ErrorKind::Syntax, span, error.info()))
            }
            None => Ok((Event::StreamEnd, self.end())),
        }
    }

    fn end(&self) -> Span {
        let end = crate::file::saturate(self.file.text.len());
        Span::new(end, end)
    }

    fn error(&self, kind: ErrorKind, span: Span, message: impl Into<Box<str>>) -> Error {
        self.file.error(kind, span, message)
    }

    /// The one document of the stream.
    fn document(&mut self) -> Result<Node<'t>, Error> {
        let mut document = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if document.is_some() => {
                    let message = "a second document; a file holds one";
                    return Err(self.error(ErrorKind::Syntax, span, message));
                }
                Event::DocumentStart(_) => document = Some(self.value(0)?),
                _ => {}
            }
        }
        let empty = || self.error(ErrorKind::Syntax, self.end(), "the file is empty");
        document.ok_or_else(empty)
    }

    fn value(&mut self, depth: u32) -> Result<Node<'t>, Error> {
        let (event, span) = self.next()?;
        self.value_of(event, span, depth, None)
    }

    /// The value that begins with an event; `key` is the name of the member that holds it. The
    /// nesting limit bounds the recursion.
    fn value_of(
        &mut self,
        event: Event<'t>,
        span: Span,
        depth: u32,
        key: Option<&str>,
    ) -> Result<Node<'t>, Error> {
        let expansions = self.expansions;
        let (anchor, node) = match event {
            Event::Alias(id) => return self.alias(id, span, depth),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(text, style, tag.as_deref(), span, key)?)
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span)?;
                (anchor, self.sequence(span, self.deeper(depth, span)?)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span)?;
                (anchor, self.mapping(span, self.deeper(depth, span)?)?)
            }
            _ => return Err(self.error(ErrorKind::Syntax, span, "expected a value")),
        };
        if anchor != 0 {
            let expansions = self.expansions - expansions;
            let anchored = Anchored { n_values: n_values(&node), node: node.clone(), expansions };
            self.anchors.insert(anchor, anchored);
        }
        Ok(node)
    }

    fn deeper(&self, depth: u32, span: Span) -> Result<u32, Error> {
        if depth == MAX_NESTING { Err(self.too_deep(span)) } else { Ok(depth + 1) }
    }

    fn too_deep(&self, span: Span) -> Error {
        self.error(ErrorKind::Limit, span, format!("nested deeper than {MAX_NESTING} levels"))
    }

    fn alias(&mut self, id: usize, span: Span, depth: u32) -> Result<Node<'t>, Error> {
        let Some(anchored) = self.anchors.get(&id) else {
            let message = "an alias inside the value it names";
            return Err(self.error(ErrorKind::Syntax, span, message));
        };
        self.expansions += 1 + anchored.expansions;
        self.copied += anchored.n_values;
        if self.expansions > MAX_ALIAS_EXPANSIONS || self.copied > MAX_ALIAS_VALUES {
            let message = format!(
                "aliases are expanded more than {MAX_ALIAS_EXPANSIONS} times or to more than \
                 {MAX_ALIAS_VALUES} values"
            );
            return Err(self.error(ErrorKind::Limit, span, message));
        }
        if depth + nesting(&anchored.node) > MAX_NESTING {
            return Err(self.too_deep(span));
        }
        Ok(anchored.node.clone())
    }

    fn sequence(&mut self, start: Span, depth: u32) -> Result<Node<'t>, Error> {
        let mut items = Vec::new();
        let mut end = start.end;
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                end = closing(end, span);
                return Ok(Node { span: Span::new(start.start, end), value: Value::Array(items) });
            }
            let item = self.value_of(event, span, depth, None)?;
            end = end.max(span.end).max(item.span.end);
            items.push(item);
        }
    }

    fn mapping(&mut self, start: Span, depth: u32) -> Result<Node<'t>, Error> {
        let mut members: Vec<Member<'t>> = Vec::new();
        let mut names = BTreeSet::new();
        let mut end = start.end;
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                end = closing(end, span);
                let span = Span::new(start.start, end);
                return Ok(Node { span, value: Value::Object(members) });
            }
            let key = self.key(event, span)?;
            if !names.insert(key.clone()) {
                let message = format!("`{}` is given twice", shorten(&key));
                self.errors.push(self.error(ErrorKind::Repeated, span, message));
            }
            let (event, value_span) = self.next()?;
            let value = self.value_of(event, value_span, depth, Some(&key))?;
            end = end.max(value_span.end).max(value.span.end);
            members.push(Member { key, key_span: span, value });
        }
    }

    /// A member name: always text.
    fn key(&mut self, event: Event<'t>, span: Span) -> Result<Cow<'t, str>, Error> {
        let Event::Scalar(text, style, _, tag) = event else {
            let message = "a member name is a text, not a list, an object or an alias";
            return Err(self.error(ErrorKind::Syntax, span, message));
        };
        let plain = style == ScalarStyle::Plain && tag.is_none();
        if plain && !matches!(Plain::of(&text), Plain::Text) {
            let message =
                format!("`{}` is not a text to YAML; put the name in quotes", shorten(&text));
            self.errors.push(self.error(ErrorKind::Unquoted, span, message));
        }
        self.text(text, span)
    }

    fn text(&self, text: Cow<'t, str>, span: Span) -> Result<Cow<'t, str>, Error> {
        if text.len() > MAX_STRING_BYTES {
            return Err(self.error(ErrorKind::Limit, span, "a string is longer than 1 MiB"));
        }
        Ok(text)
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
        key: Option<&str>,
    ) -> Result<Node<'t>, Error> {
        let plain = match tag {
            None if style == ScalarStyle::Plain => Plain::of(&text),
            None => Plain::Text,
            Some(tag) => self.tagged(tag, &text, span)?,
        };
        let is_time_field = key.is_some_and(|key| TIME_FIELDS.contains(&key));
        let value = match plain {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Number(number) => Value::Number(Cow::Owned(number)),
            Plain::Time if is_time_field => Value::String(text),
            Plain::Text => Value::String(self.text(text, span)?),
            Plain::Time | Plain::Odd(_) => {
                let what = if let Plain::Odd(what) = plain { what } else { "a date or time" };
                let message =
                    format!("`{}` would be read as {what}; put it in quotes", shorten(&text));
                self.errors.push(self.error(ErrorKind::Unquoted, span, message));
                Value::String(text)
            }
        };
        Ok(Node { span, value })
    }

    /// A scalar with a tag of the core schema. Others are refused (F-1).
    fn tagged(&self, tag: &Tag, text: &str, span: Span) -> Result<Plain, Error> {
        if tag.handle.is_empty() && tag.suffix == "!" {
            return Ok(Plain::Text);
        }
        let name = if tag.is_yaml_core_schema() { &*tag.suffix } else { "" };
        let plain = Plain::of(text);
        match (name, &plain) {
            ("str", _) => Ok(Plain::Text),
            ("null", Plain::Null)
            | ("bool", Plain::Bool(_))
            | ("int" | "float", Plain::Number(_)) => Ok(plain),
            ("null" | "bool" | "int" | "float", _) => {
                let message = format!("`{}` is not of the type of its tag", shorten(text));
                Err(self.error(ErrorKind::Syntax, span, message))
            }
            _ => Err(self.custom_tag(tag, span)),
        }
    }

    fn collection_tag(&self, tag: Option<&Tag>, name: &str, span: Span) -> Result<(), Error> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == name) => {
                Err(self.custom_tag(tag, span))
            }
            _ => Ok(()),
        }
    }

    fn custom_tag(&self, tag: &Tag, span: Span) -> Error {
        let tag = tag.to_string();
        let message =
            format!("the tag `{}`; only those of the core schema are known", shorten(&tag));
        self.error(ErrorKind::Syntax, span, message)
    }
}

/// The end of a collection: its bracket if it has one, else the end of its last value.
fn closing(last: u32, bracket: Span) -> u32 {
    if bracket.start < bracket.end { bracket.end } else { last }
}

/// How many values a value holds, itself included.
fn n_values(node: &Node<'_>) -> usize {
    1 + match &node.value {
        Value::Array(items) => items.iter().map(n_values).sum(),
        Value::Object(members) => members.iter().map(|member| n_values(&member.value)).sum(),
        _ => 0,
    }
}

/// How many lists and objects a value is deep.
fn nesting(node: &Node<'_>) -> u32 {
    match &node.value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(members) => {
            1 + members.iter().map(|member| nesting(&member.value)).max().unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
