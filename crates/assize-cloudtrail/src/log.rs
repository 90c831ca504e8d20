//! From the text of a log to its records.

use std::str;

use assize_formats::json::Cursor;

use crate::record::Record;

/// Longest record, in bytes. CloudTrail cuts records at 256 KiB, CloudTrail Lake at 1 MiB.
pub const MAX_RECORD_BYTES: usize = 2 << 20;

/// Cuts the text of one log into records: a file of CloudTrail (`{"Records":[…]}`), a list of
/// records, or records one behind the other, a line each or not (F-50).
///
/// The text comes in parts of any size; what stands at the end of a part and is no whole record
/// yet is to be given again at the beginning of the next.
#[derive(Debug, Clone, Default)]
pub struct LogReader {
    state: State,
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
    /// Whether the rest of the log is lost with it. If not, only a line is.
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
        Some(Self { state })
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
        let (text, bad) = match simdutf8::basic::from_utf8(part) {
            Ok(text) => (text, false),
            Err(_) => valid_part(part, is_last),
        };
        let mut at = 0;
        while self.state != State::Broken {
            if self.state == State::Line {
                at = self.pass_line(text, at);
            }
            at += space(&text.as_bytes()[at..]);
            let Some(&byte) = text.as_bytes().get(at) else { break };
            match self.step(text, at, byte, is_last || bad, records) {
                Next::Passed(end) => at = end,
                Next::More => break,
                Next::Faulty(offset, message) => {
                    let is_final = !self.is_between();
                    faults.push(LogFault { offset, message, is_final });
                    at = self.recover(text, at, is_final);
                }
            }
        }
        if self.state == State::Broken {
            return part.len();
        }
        if bad && at + space(&text.as_bytes()[at..]) == text.len() {
            let message = "a byte that is not UTF-8".to_owned();
            faults.push(LogFault { offset: text.len(), message, is_final: true });
            self.state = State::Broken;
            return part.len();
        }
        if is_last && !self.is_between() {
            let message = "the log ends in the middle".to_owned();
            faults.push(LogFault { offset: at, message, is_final: true });
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
                Start::Cut | Start::Other => {
                    let next = record(text, at, is_last, records);
                    if matches!(next, Next::Passed(_)) {
                        self.state = State::Top;
                    }
                    next
                }
            },
            (State::Records | State::List, b'{') => record(text, at, is_last, records),
            (State::Top | State::Skipping, b'[') => self.enter(State::List, at),
            (State::Records, b']') => self.enter(State::RecordsEnd, at),
            (State::List, b']') | (State::RecordsEnd, b'}') => self.enter(State::Top, at),
            (State::Records | State::List, b',') => Next::Passed(at + 1),
            (State::Top, _) => Next::Faulty(at, "expected a record".to_owned()),
            (State::Skipping, _) => Next::Passed(self.pass_line(text, at)),
            _ => Next::Faulty(at, "expected a record or the end of the list".to_owned()),
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

    /// Goes on behind a fault: between values with the next line, in a list not at all.
    fn recover(&mut self, text: &str, at: usize, is_final: bool) -> usize {
        if is_final {
            self.state = State::Broken;
            return text.len();
        }
        self.pass_line(text, at)
    }

    /// Goes to the next line, which may come with a later part.
    fn pass_line(&mut self, text: &str, at: usize) -> usize {
        if let Some(feed) = memchr::memchr(b'\n', &text.as_bytes()[at..]) {
            self.state = State::Skipping;
            return at + feed + 1;
        }
        self.state = State::Line;
        text.len()
    }
}

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
        Err(_) if !is_last && rest.len() < MAX_RECORD_BYTES => Next::More,
        Err(fault) => {
            let offset = at + fault.offset();
            let message = if rest.len() == fault.offset() || is_cut(rest, &fault) {
                "the log ends in the middle".to_owned()
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

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let mut reader = LogReader::default();
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        let log = b"{\"eventName\":\"A\"}\n\xff{\"eventName\":\"B\"}";
        assert_eq!(reader.read(log, true, &mut records, &mut faults), log.len());
        assert_eq!((records.len(), faults.len(), faults[0].offset), (1, 1, 18));
    }
}
