//! From the text of a log to its records.

use std::str;

use assize_formats::json::{Cursor, Fault, Kind};
use memchr::memmem;

use crate::record::Record;

/// Longest record, in bytes. CloudTrail cuts records at 256 KiB, CloudTrail Lake at 1 MiB.
pub const MAX_RECORD_BYTES: usize = 2 << 20;
/// Most faults that are told of a part; what else is faulty is counted.
const MAX_FAULTS: usize = 1_000;

/// Cuts the text of one log into records: a file of CloudTrail (`{"Records":[…]}`), a list of
/// records, or records one behind the other, a line each or not (F-50).
///
/// The text comes in parts of any size; what stands at the end of a part and is no whole record
/// yet is to be given again at the beginning of the next.
#[derive(Debug, Clone, Default)]
pub struct LogReader {
    state: State,
    malformed: Malformed,
}

/// Lines and elements of lists that were no records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Malformed {
    /// How many.
    pub n: u64,
    /// Of how many, beside them, no fault is told: of many in one part only the first are.
    pub n_untold: u64,
}

impl Malformed {
    /// Counts one; gives whether its fault is told beside so many.
    pub(crate) fn count(&mut self, n_told: usize) -> bool {
        let is_told = n_told < MAX_FAULTS;
        self.n += 1;
        self.n_untold += u64::from(!is_told);
        is_told
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.n += other.n;
        self.n_untold += other.n_untold;
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Between values of the log.
    #[default]
    Top,
    /// In the list of a file of CloudTrail.
    Records,
    /// Behind that list.
    RecordsEnd,
    /// In a list of records.
    List,
    /// The rest cannot be read.
    Broken,
    /// Between values of the log, behind a line that is none: more such lines are passed over, for
    /// a file of another kind is told once.
    Skipping,
    /// Within a line that is none.
    Line,
}

/// Something in a log that is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFault {
    /// Where it is, in bytes from the beginning of the part.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// Whether the rest of the log is lost with it. If not, only a line is, or an element of a list.
    pub is_final: bool,
}

/// What the end of a part of a log meets.
enum Next {
    /// Nothing but punctuation, and a record that was read, stands before this offset.
    Passed(usize),
    Faulty(usize, String),
    /// More text is needed.
    More,
}

impl LogReader {
    /// Where in the log the reader is, as a number that another reader can go on from.
    pub fn place(&self) -> u8 {
        self.state as u8
    }

    /// A reader that goes on from a place.
    pub fn at_place(place: u8) -> Option<Self> {
        let all = [
            State::Top,
            State::Records,
            State::RecordsEnd,
            State::List,
            State::Broken,
            State::Skipping,
            State::Line,
        ];
        let state = all.into_iter().find(|state| *state as u8 == place)?;
        Some(Self { state, malformed: Malformed::default() })
    }

    /// What was no record, since this was asked for last.
    pub fn take_malformed(&mut self) -> Malformed {
        std::mem::take(&mut self.malformed)
    }

    /// Reads the records of a part of the log, and gives the number of bytes that are done with.
    /// With `is_last`, the log ends behind it.
    pub fn read<'t>(
        &mut self,
        part: &'t [u8],
        is_last: bool,
        records: &mut Vec<Record<'t>>,
        faults: &mut Vec<LogFault>,
    ) -> usize {
        let whole = simdutf8::basic::from_utf8(part);
        let mut at = 0;
        loop {
            let rest = &part[at..];
            let (text, is_cut) = match whole {
                Ok(text) => (text.get(at..).unwrap_or_default(), false),
                Err(_) => valid_part(rest, is_last),
            };
            let segment = Segment { text, rest, is_cut, is_last, start: at };
            let used = self.read_segment(&segment, records, faults);
            at += used;
            // Behind a byte that is no text there may be more.
            if !(is_cut && used > text.len()) {
                break;
            }
        }
        if self.state == State::Broken {
            return part.len();
        }
        if is_last && !self.is_between() {
            faults.push(LogFault { offset: at, message: CUT_OFF.to_owned(), is_final: true });
        }
        at
    }

    /// Reads the records of some text, and passes over what is none; gives how much is done with.
    fn read_segment<'t>(
        &mut self,
        segment: &Segment<'t>,
        records: &mut Vec<Record<'t>>,
        faults: &mut Vec<LogFault>,
    ) -> usize {
        let Segment { text, rest, is_cut, is_last, start } = *segment;
        let mut at = 0;
        while self.state != State::Broken {
            if self.state == State::Line {
                at = self.pass_line(rest, at);
            }
            at += space(&rest[at..]);
            let next = match text.as_bytes().get(at) {
                Some(&byte) => self.step(text, at, byte, is_last || is_cut, records),
                None if is_cut && at == text.len() => Next::Faulty(at, CUT_OFF.to_owned()),
                None => break,
            };
            match next {
                Next::Passed(end) => at = end,
                Next::More => break,
                Next::Faulty(offset, message) => {
                    let next = self.next_behind(rest, at);
                    // The rest of an element may come with a later part.
                    if next.is_none() && !is_last && self.is_in_list() && is_short(rest, at) {
                        break;
                    }
                    let is_no_text = is_cut && message == CUT_OFF;
                    let offset = start + if is_no_text { text.len() } else { offset };
                    let message = if is_no_text { NO_TEXT.to_owned() } else { message };
                    if next.is_none() || self.malformed.count(faults.len()) {
                        faults.push(LogFault { offset, message, is_final: next.is_none() });
                    }
                    match next {
                        Some(next) => at = next,
                        None => self.state = State::Broken,
                    }
                }
            }
        }
        at
    }

    /// Takes the next value, which begins with `byte`.
    fn step<'t>(
        &mut self,
        text: &'t str,
        at: usize,
        byte: u8,
        is_last: bool,
        records: &mut Vec<Record<'t>>,
    ) -> Next {
        match (self.state, byte) {
            (State::Top | State::Skipping, b'{') => match list_start(&text[at..]) {
                Start::List(length) => {
                    self.state = State::Records;
                    Next::Passed(at + length)
                }
                Start::Cut if !is_last => Next::More,
                Start::Cut | Start::Other => self.object(text, at, is_last, records),
            },
            (State::Records | State::List, b'{') => record(text, at, is_last, records),
            (State::Top | State::Skipping, b'[') => self.enter(State::List, at),
            (State::Records, b']') => self.enter(State::RecordsEnd, at),
            (State::List, b']') | (State::RecordsEnd, b'}') => self.enter(State::Top, at),
            (State::Records | State::List, b',') => Next::Passed(at + 1),
            (State::RecordsEnd, b',') => member_behind_list(text, at + 1, is_last),
            (State::Top, _) => Next::Faulty(at, "expected a record".to_owned()),
            (State::Skipping, _) => {
                self.malformed.n += 1;
                Next::Passed(self.pass_line(text.as_bytes(), at))
            }
            _ => Next::Faulty(at, "expected a record or the end of the list".to_owned()),
        }
    }

    /// Takes an object between others: a record, or one in which a list of records stands behind
    /// other members (F-4).
    fn object<'t>(
        &mut self,
        text: &'t str,
        at: usize,
        is_last: bool,
        records: &mut Vec<Record<'t>>,
    ) -> Next {
        let n_before = records.len();
        let next = record(text, at, is_last, records);
        let is_whole = matches!(next, Next::Passed(_));
        if let Next::Passed(end) = next
            && records.last().is_some_and(|record| record.event_name.is_some())
            && memmem::find(&text.as_bytes()[at..end], RECORDS.as_bytes()).is_none()
        {
            self.state = State::Top;
            return next;
        }
        match list_inside(&text[at..]) {
            Inside::List(RECORDS, offset) => {
                records.truncate(n_before);
                self.enter(State::Records, at + offset)
            }
            Inside::List(name, offset)
                if records.get(n_before).is_some_and(|record| record.event_name.is_none()) =>
            {
                records.truncate(n_before);
                Next::Faulty(at + offset, format!("`{name}` of an export within a log of records"))
            }
            _ => {
                if is_whole {
                    self.state = State::Top;
                }
                next
            }
        }
    }

    fn enter(&mut self, state: State, at: usize) -> Next {
        self.state = state;
        Next::Passed(at + 1)
    }

    /// Whether the reader is between values of the log, where one that is faulty costs only itself.
    fn is_between(&self) -> bool {
        matches!(self.state, State::Top | State::Skipping | State::Line)
    }

    fn is_in_list(&self) -> bool {
        matches!(self.state, State::Records | State::List)
    }

    /// Where to go on behind a fault that stands at a place: between values with the next line, in
    /// a list with the next element.
    fn next_behind(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        if self.is_between() {
            return Some(self.pass_line(bytes, at));
        }
        element_end(bytes, at).filter(|end| self.is_in_list() && *end > at)
    }

    /// Goes to the next line, which may come with a later part.
    fn pass_line(&mut self, bytes: &[u8], at: usize) -> usize {
        if let Some(feed) = memchr::memchr(b'\n', &bytes[at..]) {
            self.state = State::Skipping;
            return at + feed + 1;
        }
        self.state = State::Line;
        bytes.len()
    }
}

/// A part of a log up to where it is no text.
struct Segment<'t> {
    text: &'t str,
    /// The text and everything behind it.
    rest: &'t [u8],
    /// Behind the text stands what is none.
    is_cut: bool,
    is_last: bool,
    /// Where it begins in the part.
    start: usize,
}

/// What is wrong where a log ends within a record.
const CUT_OFF: &str = "the log ends in the middle";
/// What is wrong where it is no text.
const NO_TEXT: &str = "a byte that is not UTF-8";

/// The beginning of a part that is text, and whether what follows is none.
#[cold]
fn valid_part(part: &[u8], is_last: bool) -> (&str, bool) {
    match str::from_utf8(part) {
        Ok(text) => (text, false),
        Err(error) => {
            let valid = &part[..error.valid_up_to()];
            let cut_off = error.error_len().is_none() && !is_last;
            (str::from_utf8(valid).unwrap_or_default(), !cut_off)
        }
    }
}

/// How many bytes of white space begin a text.
fn space(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// Whether what stands behind a place may be the beginning of a record.
fn is_short(bytes: &[u8], at: usize) -> bool {
    bytes.len() - at < MAX_RECORD_BYTES
}

/// Where an element of a list ends that need not be JSON, told by its strings and brackets: at the
/// comma behind it or the end of the list; also where it breaks off, at a line that ends in a
/// string or before an object. None where the text ends before.
fn element_end(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut depth, mut is_string, mut is_escape) = (0_usize, false, false);
    for (offset, byte) in bytes.iter().copied().enumerate().skip(at) {
        match byte {
            b'\n' if is_string || depth > 0 && bytes.get(offset + 1) == Some(&b'{') => {
                return Some(offset);
            }
            _ if is_escape => is_escape = false,
            b'\\' if is_string => is_escape = true,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'{' | b'[' => depth += 1,
            b',' | b'}' | b']' if depth == 0 => return Some(offset),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn record<'t>(text: &'t str, at: usize, is_last: bool, records: &mut Vec<Record<'t>>) -> Next {
    let rest = &text[at..];
    let mut cursor = Cursor::new(rest);
    records.push(Record::default());
    let read = records.last_mut().map_or(Ok(()), |record| record.fill(&mut cursor));
    if read.is_err() {
        records.pop();
    }
    match read {
        Ok(()) => Next::Passed(at + cursor.offset()),
        // A record that is not whole yet cannot be told from one that is wrong; it is read again
        // with more text, until it would be too long.
        Err(_) if !is_last && is_short(text.as_bytes(), at) => Next::More,
        Err(fault) => {
            let offset = at + fault.offset();
            let message = if rest.len() == fault.offset() || is_cut(rest, &fault) {
                CUT_OFF.to_owned()
            } else {
                fault.message().to_owned()
            };
            Next::Faulty(offset, message)
        }
    }
}

/// Whether a fault is a string that the end of the text cuts off.
pub(crate) fn is_cut(rest: &str, fault: &assize_formats::json::Fault) -> bool {
    let tail = rest.as_bytes().get(fault.offset() + 1..).unwrap_or_default();
    fault.message().contains("closing quote") && memchr::memchr(b'\n', tail).is_none()
}

/// The member of a file of CloudTrail that its records are in.
pub(crate) const RECORDS: &str = "Records";
/// The members of all kinds of object whose list is what a log is made of.
const LISTS: [&str; 3] = [RECORDS, "Events", "QueryResultRows"];

/// What an object holds beside other members.
pub(crate) enum Inside {
    /// One of [`LISTS`], and where it begins.
    List(&'static str, usize),
    /// The text ends before that can be told.
    Cut,
    Nothing,
}

/// Looks among the members of the object that a text begins with. With a name of a call or a list,
/// neither of which is null, it stops: what is behind may be long.
pub(crate) fn list_inside(text: &str) -> Inside {
    let (mut list, mut is_call) = (None, false);
    let read = Cursor::new(text).object(|cursor, key| {
        if key == "eventName" {
            is_call = true;
            return cursor.null();
        }
        let name = LISTS.into_iter().find(|name| **name == *key);
        if let Some(name) = name
            && cursor.peek()? == Kind::Array
        {
            list = Some((name, cursor.offset()));
            return cursor.null();
        }
        cursor.skip()
    });
    match (list, read) {
        _ if is_call => Inside::Nothing,
        (Some((name, offset)), _) => Inside::List(name, offset),
        (None, Err(fault)) if is_at_end(text, &fault) => Inside::Cut,
        (None, _) => Inside::Nothing,
    }
}

/// Whether nothing is wrong with a text but that it ends.
fn is_at_end(text: &str, fault: &Fault) -> bool {
    fault.offset() >= text.len() || is_cut(text, fault)
}

/// Passes over a member that stands behind the records of a file.
fn member_behind_list(text: &str, at: usize, is_last: bool) -> Next {
    let mut name = Cursor::new(&text[at..]);
    let key = name.string();
    let colon = at + name.offset();
    let colon = colon + space(&text.as_bytes()[colon..]);
    let mut value = Cursor::new(text.get(colon + 1..).unwrap_or_default());
    let read = key.and_then(|key| {
        let is_list = key == RECORDS && value.peek()? == Kind::Array;
        value.skip().map(|()| is_list)
    });
    match (read, text.as_bytes().get(colon)) {
        (Ok(false), Some(b':')) => Next::Passed(colon + 1 + value.offset()),
        (Ok(true), _) => Next::Faulty(at, format!("`{RECORDS}` is given twice")),
        _ if !is_last && is_short(text.as_bytes(), at) => Next::More,
        _ => Next::Faulty(at, "expected a member or the end of the object".to_owned()),
    }
}

enum Start {
    /// A list of records begins behind so many bytes.
    List(usize),
    /// The text ends before that can be told.
    Cut,
    Other,
}

/// Whether a text is a file of records, not a record.
pub(crate) fn is_file(text: &str) -> bool {
    matches!(list_start(text.trim_ascii_start()), Start::List(_))
}

/// Whether an object begins `{"Records":[`.
fn list_start(text: &str) -> Start {
    let bytes = text.as_bytes();
    let mut at = 0;
    for token in ["{", "\"Records\"", ":", "["] {
        at += space(&bytes[at..]);
        let rest = &bytes[at..];
        if rest.starts_with(token.as_bytes()) {
            at += token.len();
        } else if token.as_bytes().starts_with(rest) {
            return Start::Cut;
        } else {
            return Start::Other;
        }
    }
    Start::List(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the records of a log and the messages of its faults, read in parts of a size.
    fn read(log: &str, size: usize) -> (Vec<String>, Vec<String>) {
        let mut reader = LogReader::default();
        let (mut names, mut messages) = (Vec::new(), Vec::new());
        let (mut start, mut end) = (0, 0);
        loop {
            end = (end + size).min(log.len());
            let is_last = end == log.len();
            let (mut records, mut faults) = (Vec::new(), Vec::new());
            let part = &log.as_bytes()[start..end];
            start += reader.read(part, is_last, &mut records, &mut faults);
            names.extend(records.iter().map(|r| r.event_name.as_deref().unwrap_or("-").to_owned()));
            messages.extend(faults.into_iter().map(|fault| fault.message));
            if is_last {
                return (names, messages);
            }
        }
    }

    fn check(log: &str, expected: &[&str], faults: &[&str]) {
        for size in [1, 2, 7, 1_000] {
            let (names, messages) = read(log, size);
            assert_eq!(
                (names.as_slice(), messages.as_slice()),
                (
                    expected.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(),
                    faults.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()
                ),
                "{log} in parts of {size}"
            );
        }
    }

    /// F-50.
    #[test]
    fn all_forms_of_logs_are_read() {
        let all = &["A", "B"];
        check(r#"{"Records":[{"eventName":"A"},{"eventName":"B"}]}"#, all, &[]);
        check(
            " { \"Records\" : [ {\"eventName\":\"A\"} ,\n {\"eventName\":\"B\"} ] } \n",
            all,
            &[],
        );
        check("{\"eventName\":\"A\"}\n{\"eventName\":\"B\"}\n", all, &[]);
        check(r#"[{"eventName":"A"},{"eventName":"B"}]"#, all, &[]);
        check(r#"{"Records":[{"eventName":"A"}]}{"Records":[{"eventName":"B"}]}"#, all, &[]);
        check(
            r#"{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"A"},"id":"1"}
            {"eventName":"B","detail":"é"}"#,
            all,
            &[],
        );
        check(r#"{"Records":[]}"#, &[], &[]);
        check("", &[], &[]);
    }

    #[test]
    fn a_faulty_line_costs_only_itself() {
        let (names, messages) =
            read("{\"eventName\":\"A\"}\nnonsense\n{\"eventName\":\"B\"}\n", 999);
        assert_eq!((names.len(), &messages[..]), (2, &["expected a record".to_owned()][..]));
    }

    /// What is wrong with one record of a file costs no other (C-25).
    #[test]
    fn a_faulty_element_costs_only_itself() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        for bad in [
            "null",
            "5",
            r#""x""#,
            "[]",
            "{bad}",
            r#"{"eventName":"x","eventName":"y"}"#,
            r#"{"a":"\q"}"#,
            r#"{"a":"\ud800, } ] {"}"#,
            r#"{"a":"\"]}" x}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1,}"#,
            deep.as_str(),
        ] {
            let log = format!(r#"[{{"eventName":"A"}},{bad},{{"eventName":"B"}}]"#);
            for log in [log.clone(), format!(r#"{{"Records":{log}}}"#)] {
                for size in [1, 7, 1_000] {
                    let (names, messages) = read(&log, size);
                    assert_eq!((names.join(""), messages.len()), ("AB".to_owned(), 1), "{log}");
                }
            }
        }
        // What breaks off ends with its line.
        for bad in [r#"{"eventName":"x"#, r#"{"a":{"b":1"#, "[1"] {
            let log = format!("[{{\"eventName\":\"A\"}}\n{bad}\n{{\"eventName\":\"B\"}}]");
            check(&log, &["A", "B"], &[read(&log, 999).1[0].as_str()]);
        }
        // What closes nothing ends the list.
        check(
            r#"[{"eventName":"A"}},{"eventName":"B"}]"#,
            &["A"],
            &["expected a record or the end of the list"],
        );
    }

    #[test]
    fn everything_that_is_no_record_is_counted() {
        let count = |log: &str| {
            let (mut reader, mut records, mut faults) = (LogReader::default(), vec![], vec![]);
            reader.read(log.as_bytes(), true, &mut records, &mut faults);
            let Malformed { n, n_untold } = reader.take_malformed();
            (n, n_untold, faults.len(), records.len())
        };
        assert_eq!(count("{}\n5\n\"x\"\n\nnull\n{}\n[]\n"), (3, 0, 1, 2));
        assert_eq!(count("[{},5,null,{},{bad}]"), (3, 0, 3, 2));
        assert_eq!(count(&format!("[{}0]", "0,".repeat(2_000))), (2_001, 1_001, 1_000, 0));
        assert_eq!(count("[{},{\"a"), (0, 0, 1, 1));
    }

    /// What holds no records at all is told once, not line by line; what follows is read.
    #[test]
    fn lines_of_another_kind_are_told_once() {
        let table = "bucket,size\nb1,1\nb2,2\n\n\"b3\",3\n";
        check(table, &[], &["expected a record"]);
        let record = r#"{"eventName":"A"}"#;
        check(
            &format!("{table}{record}\n{table}[{record}]{table}{{\"Records\":[{record}]}}\n"),
            &["A", "A", "A"],
            &["expected a record"; 3],
        );
    }

    #[test]
    fn a_log_that_breaks_off_is_told() {
        check(
            r#"{"Records":[{"eventName":"A"},{"eventNa"#,
            &["A"],
            &["the log ends in the middle"],
        );
        check(r#"{"Records":[{"eventName":"A"}"#, &["A"], &["the log ends in the middle"]);
        check(r#"{"eventName":"A"}{"eventName""#, &["A"], &["the log ends in the middle"]);
    }

    /// F-4, F-50.
    #[test]
    fn records_are_found_behind_other_members() {
        let list = r#""Records":[{"eventName":"A"},{"eventName":"B"}]"#;
        let big = "x".repeat(5_000);
        for before in
            ["", r#""x":1,"#, r#""Marker":"m{[","a":{"Records":1},"#, r#""M":[{"b":[]}], "#]
        {
            for after in ["", r#","Marker":"]}""#, r#" , "a" : {"Records":[{}]} ,"b":null"#] {
                let log = format!("{{{before}{list}{after}}}");
                check(&log, &["A", "B"], &[]);
                check(&format!("{log}\n{log}"), &["A", "B", "A", "B"], &[]);
            }
        }
        check(&format!(r#"{{"x":"{big}",{list}}}"#), &["A", "B"], &[]);
        let twice = format!("{{{list},{list}}}");
        check(&twice, &["A", "B"], &["`Records` is given twice"]);
        check(
            &format!(r#"{{{list},"a"}}"#),
            &["A", "B"],
            &["expected a member or the end of the object"],
        );
        // A call with a member of that name is a call.
        check(&format!(r#"{{"eventName":"C",{list}}}"#), &["C"], &[]);
        let events = r#"{"eventName":"C"}{"x":1,"Events":[{"CloudTrailEvent":"{}"}]}"#;
        check(events, &["C"], &["`Events` of an export within a log of records"]);
    }

    #[test]
    fn bytes_that_are_no_text_cost_only_their_record() {
        let [a, b] = [br#"{"eventName":"A"}"#, br#"{"eventName":"B"}"#];
        let logs: [(&[&[u8]], usize); 6] = [
            (&[a, b"\n\xff", b, b"\n", b], 18),
            (&[a, b"\n{\"agent\":\"caf\xe9\"}\n", b, b"\n"], 31),
            (&[a, b"\n\xe9\n", b], 18),
            (&[b"[", a, b",{\"agent\":\"caf\xe9, ]\"},", b, b"]"], 32),
            (&[b"{\"Records\":[", a, b",\xff\xfe,", b, b"]}"], 30),
            (&[a, b"\n{\"agent\":\"\xe9\xe9\n\",\"x\":\"\xe9\"}\n", b], 28),
        ];
        for (parts, offset) in logs {
            let log = parts.concat();
            let (mut reader, mut records, mut faults) =
                (LogReader::default(), Vec::new(), Vec::new());
            assert_eq!(reader.read(&log, true, &mut records, &mut faults), log.len());
            let names: Vec<_> = records.iter().filter_map(|r| r.event_name.as_deref()).collect();
            let shown = String::from_utf8_lossy(&log);
            assert_eq!(names, ["A", "B"], "{shown}");
            let first = &faults[0];
            assert_eq!((&*first.message, first.offset), (NO_TEXT, offset), "{shown}");
            assert!(!first.is_final && reader.take_malformed().n > 0, "{shown}");
        }
        // A character may be cut off by the end of a part.
        check("{\"eventName\":\"A\",\"agent\":\"é\"}", &["A"], &[]);
    }
}
