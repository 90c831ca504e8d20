//! A file as text with positions, and its JSON as nodes that know where they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use assize_model::SourceSpan;
use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{
    Diagnostic, DiagnosticCode, DiagnosticLevel, DocumentText, Origin, SourceAnchor, tree_text,
};

/// Longest file that is imported: positions are 32 bits wide.
pub const MAX_IMPORT_BYTES: usize = u32::MAX as usize;

/// Bytes between two counts of characters.
const CHECKPOINT_BYTES: usize = 4_096;

/// A file on its way in.
#[derive(Debug)]
pub(crate) struct SourceFile<'a> {
    pub(crate) name: Arc<str>,
    /// The text; one that was cut off is closed behind its last whole record.
    pub(crate) text: Cow<'a, str>,
    positions: Positions,
}

impl<'a> SourceFile<'a> {
    pub(crate) fn new(name: &str, text: &'a str) -> Self {
        Self { name: name.into(), text: Cow::Borrowed(text), positions: Positions::new(text) }
    }

    /// The text behind a byte order mark.
    fn json(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }

    /// Checks that the text is one JSON value. A text that breaks off or goes wrong is closed
    /// behind its last whole record, so that what stands before is not lost; the diagnostic says
    /// where it went wrong.
    pub(crate) fn repair(&mut self) -> Option<Diagnostic> {
        let error = serde_json::from_str::<&RawValue>(self.json()).err()?;
        let start = self.text.len() - self.json().len();
        let at = start + error_offset(self.json(), &error);
        let message = if error.is_eof() {
            format!("the file breaks off here: {}", reason(&error))
        } else {
            format!("the file is not JSON: {}", reason(&error))
        };
        let diagnostic = Diagnostic {
            file: Some(Arc::clone(&self.name)),
            span: Some(self.span(at, at)),
            ..Diagnostic::new(DiagnosticLevel::Error, DiagnosticCode::InvalidJson, message)
        };
        let repaired = close_after_last_record(&self.text[..at]).unwrap_or_default();
        self.text = Cow::Owned(repaired);
        Some(diagnostic)
    }

    /// The value of the file; none when nothing in it is whole.
    pub(crate) fn root(&self) -> Option<Node<'_>> {
        Some(Node { file: self, raw: serde_json::from_str(self.json()).ok()?, pointer: None })
    }

    /// The values of a file of one value a line, and the lines that are none.
    pub(crate) fn lines(&self) -> (Vec<Node<'_>>, Vec<Diagnostic>) {
        let (mut nodes, mut diagnostics) = (Vec::new(), Vec::new());
        let mut at = self.text.len() - self.json().len();
        for (index, line) in self.json().split_inclusive('\n').enumerate() {
            let start = at;
            at += line.len();
            if line.trim().is_empty() {
                continue;
            }
            let step = Rc::new(Pointer { parent: None, step: Step::Index(index) });
            match serde_json::from_str(line.trim_end()) {
                Ok(raw) => nodes.push(Node { file: self, raw, pointer: Some(step) }),
                Err(error) => {
                    let at = start + error_offset(line.trim_end(), &error);
                    let message = format_args!("the line is not JSON: {}", reason(&error));
                    diagnostics.push(Diagnostic {
                        file: Some(Arc::clone(&self.name)),
                        pointer: Some(step.to_string().into()),
                        span: Some(self.span(at, at)),
                        ..Diagnostic::new(
                            DiagnosticLevel::Error,
                            DiagnosticCode::InvalidJson,
                            message,
                        )
                    });
                }
            }
        }
        (nodes, diagnostics)
    }

    fn span(&self, start: usize, end: usize) -> SourceSpan {
        let (line, column) = self.positions.of(&self.text, start);
        let (end_line, end_column) = self.positions.of(&self.text, end);
        SourceSpan { start: small(start), end: small(end), line, column, end_line, end_column }
    }
}

/// Offsets of a file whose length has been checked against [`MAX_IMPORT_BYTES`].
fn small(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// `serde_json` says what it expected and then where; the place is said by ours.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// The byte an error is at. `serde_json` gives the line, and the column in bytes.
fn error_offset(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let before = error.line().saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let mut at = (start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text up to its last whole record, and the brackets that were open there. A record is an
/// element of a list of the top object, or of the objects in a top list (pages).
fn close_after_last_record(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut last: Option<(usize, Vec<u8>)> = None;
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => open.push(byte),
            b'}' | b']' => {
                open.pop();
                if open.is_empty() || matches!(&open[..], [b'{', b'['] | [b'[', b'{', b'[']) {
                    last = Some((at + 1, open.clone()));
                }
            }
            _ => {}
        }
    }
    let (end, open) = last?;
    let mut closed = text.get(..end)?.to_owned();
    closed.extend(open.iter().rev().map(|&bracket| if bracket == b'{' { '}' } else { ']' }));
    Some(closed)
}

/// Lines and columns of byte offsets, without counting from the start of a long line.
#[derive(Debug)]
struct Positions {
    line_starts: Vec<u32>,
    /// Characters before every [`CHECKPOINT_BYTES`]th byte.
    checkpoints: Vec<u32>,
}

impl Positions {
    fn new(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let line_starts = std::iter::once(0).chain(starts.map(|(at, _)| small(at + 1))).collect();
        let mut chars = 0;
        let mut checkpoints = Vec::with_capacity(text.len() / CHECKPOINT_BYTES + 1);
        for chunk in text.as_bytes().chunks(CHECKPOINT_BYTES) {
            checkpoints.push(chars);
            chars += small(n_chars(chunk));
        }
        Self { line_starts, checkpoints }
    }

    fn chars_before(&self, text: &str, offset: usize) -> u32 {
        // An offset at the very end may be one past the last checkpoint.
        let checkpoint = (offset / CHECKPOINT_BYTES).min(self.checkpoints.len().saturating_sub(1));
        let before = self.checkpoints.get(checkpoint).copied().unwrap_or(0);
        let rest = text.as_bytes().get(checkpoint * CHECKPOINT_BYTES..offset);
        before + small(rest.map_or(0, n_chars))
    }

    /// Line and column of an offset, from 1.
    fn of(&self, text: &str, offset: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|&start| start as usize <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0) as usize;
        let column = self.chars_before(text, offset) - self.chars_before(text, start) + 1;
        (small(line), column)
    }
}

/// The characters that begin in these bytes of a UTF-8 text.
fn n_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// The way from the root to a value.
#[derive(Debug)]
struct Pointer {
    parent: Option<Rc<Pointer>>,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Member(Box<str>),
    Index(usize),
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = &self.parent {
            parent.fmt(f)?;
        }
        match &self.step {
            Step::Member(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => write!(f, "/{index}"),
        }
    }
}

/// A JSON value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    file: &'a SourceFile<'a>,
    raw: &'a RawValue,
    pointer: Option<Rc<Pointer>>,
}

/// Where something stands: all that a diagnostic or a later message needs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: Arc<str>,
    pointer: Box<str>,
    span: SourceSpan,
}

impl Place {
    pub(crate) fn put(self, diagnostic: Diagnostic) -> Diagnostic {
        let Self { file, pointer, span } = self;
        Diagnostic { file: Some(file), pointer: Some(pointer), span: Some(span), ..diagnostic }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.span.line, self.span.column)
    }
}

/// What is wrong with a record, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    code: DiagnosticCode,
    place: Place,
    message: String,
}

impl Problem {
    pub(crate) fn into_diagnostic(self) -> Diagnostic {
        let diagnostic = Diagnostic::new(DiagnosticLevel::Error, self.code, self.message);
        self.place.put(diagnostic)
    }
}

impl<'a> Node<'a> {
    /// The text as it stands in the file.
    pub(crate) fn text(&self) -> &'a str {
        self.raw.get()
    }

    fn offset(&self) -> usize {
        // The raw value borrows from the file's text; the distance is its offset.
        self.text().as_ptr().addr().saturating_sub(self.file.text.as_ptr().addr())
    }

    pub(crate) fn place(&self) -> Place {
        let start = self.offset();
        Place {
            file: Arc::clone(&self.file.name),
            pointer: self.pointer.as_ref().map(ToString::to_string).unwrap_or_default().into(),
            span: self.file.span(start, start + self.text().len()),
        }
    }

    pub(crate) fn problem(&self, message: impl fmt::Display) -> Problem {
        self.problem_of(DiagnosticCode::InvalidRecord, message)
    }

    pub(crate) fn problem_of(&self, code: DiagnosticCode, message: impl fmt::Display) -> Problem {
        Problem { code, place: self.place(), message: message.to_string() }
    }

    fn is(&self, first: u8) -> bool {
        self.text().as_bytes().first() == Some(&first)
    }

    pub(crate) fn is_object(&self) -> bool {
        self.is(b'{')
    }

    pub(crate) fn is_array(&self) -> bool {
        self.is(b'[')
    }

    pub(crate) fn is_string(&self) -> bool {
        self.is(b'"')
    }

    pub(crate) fn is_null(&self) -> bool {
        self.text() == "null"
    }

    fn child(&self, step: Step, raw: &'a RawValue) -> Self {
        let pointer = Pointer { parent: self.pointer.clone(), step };
        Self { file: self.file, raw, pointer: Some(Rc::new(pointer)) }
    }

    /// The members of an object.
    pub(crate) fn record(&self) -> Result<Record<'a>, Problem> {
        let mut read = serde_json::Deserializer::from_str(self.text());
        let Ok(pairs) = read.deserialize_map(Members) else {
            return Err(self.problem("expected an object"));
        };
        let mut members = BTreeMap::new();
        for (name, raw) in pairs {
            let node = self.child(Step::Member(name.as_str().into()), raw);
            if members.contains_key(name.as_str()) {
                return Err(node.problem(format_args!("member `{name}` is there twice")));
            }
            members.insert(name, node);
        }
        Ok(Record { node: self.clone(), members })
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Result<Vec<Self>, Problem> {
        let mut read = serde_json::Deserializer::from_str(self.text());
        let Ok(elements) = read.deserialize_seq(Elements) else {
            return Err(self.problem("expected a list"));
        };
        let child = |(index, raw)| self.child(Step::Index(index), raw);
        Ok(elements.into_iter().enumerate().map(child).collect())
    }

    /// A string.
    pub(crate) fn string(&self) -> Result<String, Problem> {
        serde_json::from_str(self.text()).map_err(|_| self.problem("expected a string"))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Result<bool, Problem> {
        serde_json::from_str(self.text()).map_err(|_| self.problem("expected `true` or `false`"))
    }

    /// A whole number.
    pub(crate) fn number(&self) -> Result<u32, Problem> {
        serde_json::from_str(self.text()).map_err(|_| self.problem("expected a whole number"))
    }

    /// A policy document (I-42): an object as it stands, but for escapes; a string decoded, and percent-decoded
    /// when it does not begin with `{`. What is neither is kept as it is: no policy, but poison
    /// where it is attached (L-005), rather than nothing at all.
    pub(crate) fn document(&self) -> Result<DocumentText, Problem> {
        if !self.is_string() {
            let (text, points) = tree_text(self.text());
            let behind = points.into_iter().map(|(text, inside)| self.anchor(text, inside));
            let anchors = std::iter::once(self.anchor(0, 0)).chain(behind).collect();
            return Ok(self.origin(text.into(), anchors, true));
        }
        let text = self.string()?;
        if !text.trim_start().starts_with('{') {
            let decoded = percent_decode(&text).filter(|text| text.trim_start().starts_with('{'));
            if let Some(decoded) = decoded {
                return Ok(self.origin(decoded.into(), vec![self.anchor(0, 1)], false));
            }
        }
        let anchors = self.string_anchors();
        Ok(self.origin(text.into(), anchors, true))
    }

    /// The policy of a resource. API Gateway prints it with its quotation marks escaped once more
    /// than JSON needs; no policy begins so.
    pub(crate) fn resource_document(&self) -> Result<DocumentText, Problem> {
        let document = self.document()?;
        let behind = document.text.trim_start().strip_prefix('{');
        if !behind.is_some_and(|rest| rest.trim_start().starts_with('\\')) {
            return Ok(document);
        }
        match serde_json::from_str::<String>(&format!("\"{}\"", document.text)) {
            Ok(text) => Ok(self.origin(text.into(), vec![self.anchor(0, 1)], false)),
            Err(_) => Ok(document),
        }
    }

    fn origin(&self, text: Arc<str>, anchors: Vec<SourceAnchor>, verbatim: bool) -> DocumentText {
        let file = Arc::clone(&self.file.name);
        let origin = Origin { file, anchors: anchors.into(), verbatim };
        DocumentText { text, origin: Some(Arc::new(origin)) }
    }

    /// The point of a document's text that stands so many bytes into this value.
    fn anchor(&self, text: usize, inside: usize) -> SourceAnchor {
        let offset = self.offset() + inside;
        let (line, column) = self.file.positions.of(&self.file.text, offset);
        SourceAnchor { text: small(text), file: small(offset), line, column }
    }

    /// The anchors of a string's decoded text: its start, each escape, and what follows it.
    fn string_anchors(&self) -> Vec<SourceAnchor> {
        let quoted = self.text();
        let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        let mut anchors = vec![self.anchor(0, 1)];
        let (mut at, mut n_decoded) = (0, 0);
        while let Some(run) = inside.get(at..).and_then(|rest| rest.find('\\')) {
            at += run;
            n_decoded += run;
            let (escape_len, decoded_len) = escape_lengths(inside.get(at..).unwrap_or_default());
            at += escape_len;
            n_decoded += decoded_len;
            anchors.push(self.anchor(n_decoded, 1 + at));
        }
        anchors
    }
}

/// Bytes of the escape that a text begins with, and of what it stands for.
fn escape_lengths(text: &str) -> (usize, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match (text.as_bytes().get(1), unit(2)) {
        (Some(b'u'), Some(unit)) => match char::from_u32(unit) {
            Some(c) => (6, c.len_utf8()),
            // Two halves of a character beyond the first plane.
            None => (12, 4),
        },
        _ => (2, 1),
    }
}

/// RFC 3986, once; `+` stays `+` (I-42). None when what comes out is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let hex = hex.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let hex = hex.filter(|_| first == b'%');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..)?;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The members of one object.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) node: Node<'a>,
    members: BTreeMap<String, Node<'a>>,
}

impl<'a> Record<'a> {
    /// A member; `null` is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members.get(name).filter(|node| !node.is_null())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<String, Problem> {
        self.text_if(name)?.ok_or_else(|| self.missing(name))
    }

    /// A text that may be missing.
    pub(crate) fn text_if(&self, name: &str) -> Result<Option<String>, Problem> {
        self.get(name).map(Node::string).transpose()
    }

    /// A list; a missing one is empty (I, section 5.1), and one object stands for itself, as
    /// AWS's own documentation prints it.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Node<'a>>, Problem> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(node) if node.is_object() => Ok(vec![node.clone()]),
            Some(node) => node.elements(),
        }
    }

    /// The members by name.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Node<'a>)> {
        self.members.iter().map(|(name, node)| (name.as_str(), node))
    }

    pub(crate) fn missing(&self, name: &str) -> Problem {
        self.node.problem(format_args!("member `{name}` is missing"))
    }

    /// The names that are not among those an importer knows (I-40).
    pub(crate) fn unknown(&self, known: &[&str]) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str).filter(move |name| !known.contains(name))
    }
}

/// Reads an object as its members in order, duplicates kept.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// Reads an array as its elements.
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_breaks_off_is_closed_behind_its_last_record() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(close_after_last_record(text).as_deref(), expected, "{text}");
        };
        check(r#"{"A": [{"x": [1]}, {"y": "}"#, Some(r#"{"A": [{"x": [1]}]}"#));
        check(r#"[{"A": [{"x": "\"}"}, {"#, Some(r#"[{"A": [{"x": "\"}"}]}]"#));
        check(r#"{"A": [{"x": {"#, None);
        check("{}x", Some("{}"));
        check("[[[[", None);
        check("", None);
    }

    #[test]
    fn columns_are_counted_in_characters() {
        let line = "é".repeat(CHECKPOINT_BYTES);
        let text = format!("{line}\n{line}x");
        let positions = Positions::new(&text);
        assert_eq!(positions.of(&text, 0), (1, 1));
        assert_eq!(positions.of(&text, 2 * CHECKPOINT_BYTES), (1, 4_097));
        assert_eq!(positions.of(&text, 2 * CHECKPOINT_BYTES + 1), (2, 1));
        assert_eq!(positions.of(&text, text.len() - 1), (2, 4_097));
        assert_eq!(positions.of(&text, text.len()), (2, 4_098));
        assert_eq!(Positions::new("").of("", 0), (1, 1));
    }

    fn document(text: &str) -> DocumentText {
        let file = SourceFile::new("f.json", text);
        file.root().expect("JSON").document().expect("a document")
    }

    #[test]
    fn a_document_is_an_object_or_a_string_plain_or_encoded() {
        assert_eq!(&*document("{ \"Version\" : 1 }").text, "{ \"Version\" : 1 }");
        assert_eq!(&*document(r#"" {\"a\":\"+%20\"}""#).text, r#" {"a":"+%20"}"#);
        assert_eq!(&*document(r#""%7B%22a%22%3A%22+%C3%A9%2520%22%7d""#).text, r#"{"a":"+é%20"}"#);
        assert_eq!(&*document(r#"{"a":"é中😀"}"#).text, r#"{"a":"é\u4e2d\ud83d\ude00"}"#);
        // A string is what IAM holds: the character is a mistake there.
        assert_eq!(&*document(r#""{\"a\":\"中\"}""#).text, r#"{"a":"中"}"#);
        // No policy, and kept for what it is.
        assert_eq!(&*document("17").text, "17");
        assert_eq!(&*document(r#""nonsense%2""#).text, "nonsense%2");
    }

    #[test]
    fn what_stands_behind_a_wide_character_is_found_again() {
        let file = "{\"é中😀 b\":\n\"中c\"}";
        let document = document(file);
        let origin = document.origin.expect("an origin");
        assert!(origin.verbatim);
        for needle in [" b", "c\""] {
            let at = document.text.find(needle).expect("in the text");
            let before = |anchor: &&SourceAnchor| anchor.text as usize <= at;
            let anchor = origin.anchors.iter().rev().find(before).expect("the start has an anchor");
            let in_file = anchor.file as usize + at - anchor.text as usize;
            assert_eq!(in_file, file.find(needle).expect("in the file"), "{needle}");
        }
    }

    #[test]
    fn every_character_of_a_string_is_found_again() {
        let file = r#""{\"a\":\"\u00e9\ud83d\ude00 b\",\n\"c\":1}""#;
        let document = document(file);
        let origin = document.origin.expect("an origin");
        assert!(origin.verbatim);
        for (needle, escaped) in [("a", "a"), (" b", " b"), ("c", "c"), ("1}", "1}")] {
            let at = document.text.find(needle).expect("in the text");
            let anchor = origin
                .anchors
                .iter()
                .rev()
                .find(|anchor| anchor.text as usize <= at)
                .expect("the start has an anchor");
            let in_file = anchor.file as usize + at - anchor.text as usize;
            assert_eq!(in_file, file.find(escaped).expect("in the file"), "{needle}");
            assert_eq!(anchor.column, anchor.file + 1);
        }
    }
}
