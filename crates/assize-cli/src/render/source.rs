//! Text of a file with the part underlined that something is about (C-25).

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use assize_policy::{Span, line_column};
use assize_store::{Origin, SourceAnchor};

use crate::render::style::Style;

/// How many characters of a line are handed to the renderer before and behind the underlined
/// part; it shows as many of them as fit. Policies are often written on one line of thousands.
const MAX_CONTEXT_CHARS: usize = 1_000_000;
/// Longest part that is underlined as a whole, in characters; of a longer one, such as a whole
/// record, only the beginning is marked.
const MAX_UNDERLINED_CHARS: usize = 60;
/// The width of what is shown.
const TERM_WIDTH: usize = 120;

/// How grave something is that is shown with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// Wrong.
    Error,
    /// May allow more than was meant.
    Security,
    /// Doubtful.
    Warning,
    /// Could be better.
    Suggestion,
    /// Worth knowing.
    Note,
}

impl Gravity {
    fn level(self) -> Level<'static> {
        match self {
            Self::Error => Level::ERROR,
            Self::Security => Level::WARNING.with_name("security warning"),
            Self::Warning => Level::WARNING,
            Self::Suggestion => Level::HELP.with_name("suggestion"),
            Self::Note => Level::NOTE,
        }
    }
}

/// A part of a file.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt<'a> {
    /// The file, with the column when the beginning of the line is cut off: the renderer counts
    /// columns in what it is given.
    path: Cow<'a, str>,
    line: u32,
    /// The line, or as much of it as is shown.
    shown: String,
    /// The underlined bytes of `shown`.
    underlined: std::ops::Range<usize>,
}

impl<'a> Excerpt<'a> {
    /// The part of a text that a span covers.
    pub(crate) fn new(file: &'a str, text: &str, span: Span) -> Self {
        let (line, column) = line_column(text, span.start);
        Self::at(file, text, span, line, column)
    }

    /// The same, when line and column are known.
    pub(crate) fn at(file: &'a str, text: &str, span: Span, line: u32, column: u32) -> Self {
        let start = text.floor_char_boundary(span.start as usize);
        let end = text.ceil_char_boundary(span.end as usize).max(start);
        let before = &text[text[..start].rfind('\n').map_or(0, |feed| feed + 1)..start];
        let line_end = text[start..].find('\n').map_or(text.len(), |feed| start + feed);
        let rest = text[start..line_end].trim_end_matches('\r');
        let n_underlined = end.min(start + rest.len()) - start;
        let whole = &rest[..n_underlined];
        let part = match whole.chars().nth(MAX_UNDERLINED_CHARS) {
            None => whole,
            Some(_) => &whole[..whole.chars().next().map_or(0, char::len_utf8)],
        };
        let behind = &rest[part.len()..];
        let is_cut = before.chars().nth(MAX_CONTEXT_CHARS).is_some();
        let path = if is_cut {
            Cow::Owned(format!("{file} (column {column})"))
        } else {
            Cow::Borrowed(file)
        };
        let mut shown = String::new();
        shown.push_str(&last_chars(before, MAX_CONTEXT_CHARS));
        let from = shown.len();
        shown.push_str(part);
        let to = shown.len();
        shown.push_str(&first_chars(behind, MAX_CONTEXT_CHARS));
        Self { path, line, shown, underlined: from..to }
    }
}

/// The line and the column, in its file, of a point of a document.
pub(crate) fn place_in_file(text: &str, offset: u32, origin: &Origin) -> (u32, u32) {
    let Some(anchor) = anchor_before(offset, origin) else { return line_column(text, offset) };
    if !origin.verbatim {
        return (anchor.line, anchor.column);
    }
    let (from_line, from_column) = line_column(text, anchor.text);
    let (line, column) = line_column(text, offset);
    if line == from_line {
        (anchor.line, anchor.column + column - from_column)
    } else {
        (anchor.line + line - from_line, column)
    }
}

/// The bytes, in its file, of a part of a document. Of one that was rewritten on the way in, the
/// element around the part is known, and where it begins.
pub(crate) fn span_in_file(span: Span, origin: &Origin) -> Span {
    let offset = |at: u32| {
        anchor_before(at, origin).map_or(at, |anchor| {
            if origin.verbatim { anchor.file + (at - anchor.text) } else { anchor.file }
        })
    };
    let start = offset(span.start);
    let end = if origin.verbatim { offset(span.end) } else { start };
    Span::new(start, end.max(start))
}

fn anchor_before(offset: u32, origin: &Origin) -> Option<&SourceAnchor> {
    let behind = origin.anchors.partition_point(|anchor| anchor.text <= offset);
    origin.anchors.get(behind.checked_sub(1)?)
}

fn first_chars(text: &str, n: usize) -> String {
    match text.char_indices().nth(n) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn last_chars(text: &str, n: usize) -> String {
    match text.char_indices().rev().nth(n) {
        None => text.to_owned(),
        Some((at, skipped)) => format!("…{}", &text[at + skipped.len_utf8()..]),
    }
}

/// One message, with the part of the file it is about when it is about one.
pub(crate) fn report(
    gravity: Gravity,
    code: Option<&str>,
    message: &str,
    excerpt: Option<&Excerpt<'_>>,
    notes: &[String],
    style: Style,
) -> String {
    let mut title = gravity.level().primary_title(message);
    if let Some(code) = code {
        title = title.id(code);
    }
    let mut group = Group::with_title(title);
    if let Some(excerpt) = excerpt {
        group = group.element(
            Snippet::source(&*excerpt.shown)
                .path(&*excerpt.path)
                .line_start(excerpt.line as usize)
                .annotation(AnnotationKind::Primary.span(excerpt.underlined.clone())),
        );
    }
    for note in notes {
        group = group.element(Level::NOTE.no_name().message(note));
    }
    let renderer = if style.has_color() { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(TERM_WIDTH);
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// Why input cannot be used: what is wrong with files, each with its place.
#[derive(Debug)]
pub(crate) struct BadInput {
    faults: Vec<InputFault>,
}

/// One thing wrong with a file.
#[derive(Debug, Clone)]
pub(crate) struct InputFault {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) place: Option<FaultPlace>,
}

impl InputFault {
    /// What faults are sorted by, and what tells two of them apart.
    pub(crate) fn order(&self) -> (Option<(&str, Span)>, Option<&str>, &str) {
        let place = self.place.as_ref().map(|place| (&*place.file, place.span));
        (place, self.code.as_deref(), &self.message)
    }
}

/// Where it is wrong.
#[derive(Debug, Clone)]
pub(crate) struct FaultPlace {
    pub(crate) file: String,
    pub(crate) text: std::sync::Arc<str>,
    pub(crate) span: Span,
}

/// Most faults that are shown of one input; the rest is counted.
const MAX_SHOWN_FAULTS: usize = 20;

impl BadInput {
    /// Several faults.
    pub(crate) fn new(faults: Vec<InputFault>) -> Self {
        Self { faults }
    }

    /// One fault at a place of a text.
    pub(crate) fn at(file: &str, text: &str, span: Span, message: impl Into<String>) -> Self {
        let place = FaultPlace { file: file.to_owned(), text: text.into(), span };
        Self::new(vec![InputFault { code: None, message: message.into(), place: Some(place) }])
    }

    /// All of it, for a person.
    pub(crate) fn render(&self, style: Style) -> String {
        let mut text = String::new();
        for fault in self.faults.iter().take(MAX_SHOWN_FAULTS) {
            let excerpt = fault
                .place
                .as_ref()
                .map(|place| Excerpt::new(&place.file, &place.text, place.span));
            let code = fault.code.as_deref();
            text.push_str(&report(
                Gravity::Error,
                code,
                &fault.message,
                excerpt.as_ref(),
                &[],
                style,
            ));
        }
        let more = self.faults.len().saturating_sub(MAX_SHOWN_FAULTS);
        if more > 0 {
            let _ = writeln!(text, "{} {more} more", style.error("error:"));
        }
        text
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::new(false)))
    }
}

impl std::error::Error for BadInput {}

impl From<Vec<assize_formats::Error>> for BadInput {
    fn from(errors: Vec<assize_formats::Error>) -> Self {
        let fault = |error: &assize_formats::Error| InputFault {
            code: Some(error.kind().as_str().to_owned()),
            message: error.message().to_owned(),
            place: error.place().map(|place| FaultPlace {
                file: place.file.to_string(),
                text: std::sync::Arc::clone(&place.text),
                span: place.span,
            }),
        };
        Self::new(errors.iter().map(fault).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, span: Span, shown: &str, underlined: &str) {
        let excerpt = Excerpt::new("f", text, span);
        assert_eq!(excerpt.shown, shown);
        assert_eq!(&excerpt.shown[excerpt.underlined], underlined);
    }

    #[test]
    fn an_excerpt_is_one_line() {
        check("ab\ncde\nf", Span::new(4, 5), "cde", "d");
        check("ab\r\ncd", Span::new(0, 6), "ab", "ab");
        check("ab", Span::new(9, 9), "ab", "");
        check("", Span::new(0, 0), "", "");
        check("äöü", Span::new(1, 3), "äöü", "äö");
    }

    #[test]
    fn long_lines_are_cut_on_both_sides() {
        let n = MAX_CONTEXT_CHARS;
        let text = format!("{}HERE{}", "x".repeat(n + 9), "y".repeat(n + 9));
        let shown = format!("…{}HERE{}…", "x".repeat(n), "y".repeat(n));
        let start = u32::try_from(n + 9).unwrap();
        check(&text, Span::new(start, start + 4), &shown, "HERE");
        let excerpt = Excerpt::new("f", &text, Span::new(start, start + 4));
        assert_eq!(excerpt.path, format!("f (column {})", n + 10));
    }

    #[test]
    fn a_report_underlines_its_part() {
        let text = "{\n  \"Efect\": \"Allow\"\n}\n";
        let excerpt = Excerpt::new("p.json", text, Span::new(4, 11));
        let note = ["at `$.Efect`".to_owned()];
        let report =
            report(Gravity::Error, Some("CODE"), "no", Some(&excerpt), &note, Style::PLAIN);
        let expected = "\
error[CODE]: no
 --> p.json:2:3
  |
2 |   \"Efect\": \"Allow\"
  |   ^^^^^^^
  |
  = at `$.Efect`
";
        assert_eq!(report, expected);
    }
}
