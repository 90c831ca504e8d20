//! What `aws cloudtrail lookup-events` and `get-query-results` print: an object with a list, each
//! of whose items holds a record as text.

use assize_formats::json::{Cursor, Node};

use super::columns::Columns;
use super::{Piece, put_record, valid_text};
use crate::log::{Inside, RECORDS, is_cut, list_inside};

/// The members that such an object begins with, most often.
const MEMBERS: [&str; 5] =
    ["Events", "NextToken", "QueryStatus", "QueryStatistics", "QueryResultRows"];

/// How far the list is looked for behind other members (F-4).
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Where in the text the next piece is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Printed {
    /// Between objects.
    #[default]
    Top,
    /// Between members.
    Members,
    /// In the list of events.
    Events,
    /// In the list of rows.
    Rows,
}

impl Printed {
    /// Whether a text that begins with `{` is such an object; none when it is too short to tell.
    pub(super) fn recognize(text: &[u8]) -> Option<bool> {
        let key = text[1..].trim_ascii_start();
        let mut is_cut = key.is_empty();
        for member in MEMBERS {
            let quoted = format!("\"{member}\"");
            if key.starts_with(quoted.as_bytes()) {
                return Some(true);
            }
            is_cut |= quoted.as_bytes().starts_with(key);
        }
        if is_cut {
            return None;
        }
        let head = &text[..text.len().min(MAX_HEAD_BYTES)];
        match list_inside(valid_text(head)) {
            Inside::List(name, _) => Some(name != RECORDS),
            Inside::Cut if head.len() < MAX_HEAD_BYTES => None,
            Inside::Cut | Inside::Nothing => Some(false),
        }
    }

    pub(super) fn is_inside(self) -> bool {
        self != Self::Top
    }

    /// The next piece of a text, of which `valid` is the beginning that is UTF-8: whoever reads on
    /// knows it, so that no byte is looked at again for every piece before it.
    pub(super) fn next(
        &mut self,
        text: &[u8],
        valid: &str,
        is_last: bool,
        records: &mut Vec<u8>,
    ) -> Piece {
        let n_space = text.len() - text.trim_ascii_start().len();
        let Some(&byte) = text.get(n_space) else { return Piece::More };
        match (*self, byte) {
            (Self::Top, b'{') => self.object(text, n_space, is_last),
            (Self::Events | Self::Rows, b']') => self.enter(Self::Members, n_space),
            (Self::Members, b'}') => self.enter(Self::Top, n_space),
            (Self::Members | Self::Events | Self::Rows, b',') => Piece::Passed(n_space + 1),
            (Self::Members, b'"') => self.member(text, valid, n_space, is_last),
            (Self::Events | Self::Rows, b'{' | b'[') => self.item(valid, n_space, is_last, records),
            (Self::Top, _) => Piece::Broken(n_space, "expected an object".to_owned()),
            _ => Piece::Broken(n_space, "expected an event or the end of the list".to_owned()),
        }
    }

    /// An object between others: one like them, for what another holds would be passed over.
    fn object(&mut self, text: &[u8], start: usize, is_last: bool) -> Piece {
        match Self::recognize(&text[start..]) {
            Some(true) => self.enter(Self::Members, start),
            None if !is_last => Piece::More,
            _ => {
                let members = MEMBERS.map(|member| format!("`{member}`")).join(", ");
                Piece::Broken(start, format!("expected an object with one of {members}"))
            }
        }
    }

    fn enter(&mut self, next: Self, n_space: usize) -> Piece {
        *self = next;
        Piece::Passed(n_space + 1)
    }

    /// A member: the list is entered, another is passed over.
    fn member(&mut self, text: &[u8], valid: &str, start: usize, is_last: bool) -> Piece {
        let Some(name_end) = text[start + 1..].iter().position(|byte| *byte == b'"') else {
            return Piece::More;
        };
        let name = &text[start + 1..start + 1 + name_end];
        let list = match name {
            b"Events" => Some(Self::Events),
            b"QueryResultRows" => Some(Self::Rows),
            _ => None,
        };
        let mut at = start + name_end + 2;
        for sign in [b':', b'['].into_iter().take(if list.is_some() { 2 } else { 1 }) {
            at += text[at..].len() - text[at..].trim_ascii_start().len();
            match text.get(at) {
                Some(byte) if *byte == sign => at += 1,
                Some(_) => return Piece::Broken(at, format!("expected `{}`", char::from(sign))),
                None => return Piece::More,
            }
        }
        if let Some(list) = list {
            *self = list;
            return Piece::Passed(at);
        }
        match value(valid, at, is_last) {
            Ok(Some((_, end))) => Piece::Passed(at + end),
            Ok(None) => Piece::More,
            Err((offset, message)) => Piece::Broken(at + offset, message),
        }
    }

    fn item(self, valid: &str, start: usize, is_last: bool, records: &mut Vec<u8>) -> Piece {
        let (item, end) = match value(valid, start, is_last) {
            Ok(Some((item, end))) => (item, start + end),
            Ok(None) => return Piece::More,
            Err((offset, message)) => return Piece::Broken(start + offset, message),
        };
        let put = Node::parse(item).map_err(|fault| fault.message().to_owned()).and_then(|node| {
            if self == Self::Rows { put_row(&node, records) } else { put_event(&node, records) }
        });
        match put {
            Ok(()) => Piece::Record(end),
            Err(message) => Piece::Faulty(start, end, message),
        }
    }
}

/// The value that begins at a place of a text, and how long it is; none when the text ends before
/// it.
fn value(
    valid: &str,
    start: usize,
    is_last: bool,
) -> Result<Option<(&str, usize)>, (usize, String)> {
    let text = valid.get(start..).unwrap_or_default();
    let mut cursor = Cursor::new(text);
    match cursor.raw() {
        Ok(raw) => Ok(Some((raw, cursor.offset()))),
        Err(_) if !is_last => Ok(None),
        Err(fault) if fault.offset() >= text.len() || is_cut(text, &fault) => Ok(None),
        Err(fault) => Err((fault.offset(), fault.message().to_owned())),
    }
}

fn put_event(event: &Node<'_>, records: &mut Vec<u8>) -> Result<(), String> {
    let text = event.get("CloudTrailEvent").and_then(Node::as_str);
    let text = text.ok_or_else(|| "an event without `CloudTrailEvent`".to_owned())?;
    put_record(text, records).map_err(|why| format!("`CloudTrailEvent` is no record: {why}"))
}

/// A row: a list of objects, each a column and its value.
fn put_row(row: &Node<'_>, records: &mut Vec<u8>) -> Result<(), String> {
    let members = row.as_array().into_iter().flatten().filter_map(Node::as_object).flatten();
    let (names, cells): (Vec<_>, Vec<_>) = members
        .map(|member| (member.key.clone(), member.value.as_str().unwrap_or_default()))
        .unzip();
    let columns = Columns::of(&names)
        .ok_or_else(|| "a row without `eventJson`, or `eventSource` and `eventName`".to_owned())?;
    columns.put(&cells, records)
}
