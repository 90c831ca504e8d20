//! Exports that hold records as texts or as columns, made into records one a line (F-50): what
//! `aws cloudtrail lookup-events` and `get-query-results` print, and the CSV files of CloudTrail
//! Lake.

mod columns;
mod csv;
mod printed;

use std::str;

use assize_formats::json::Cursor;

use crate::log::{LogFault, MAX_RECORD_BYTES, Malformed, is_file};
use crate::record::Record;

use self::columns::Columns;
use self::printed::Printed;

/// Makes records of the text of an export, in parts of any size.
#[derive(Debug, Clone)]
pub struct Export {
    form: Form,
    is_broken: bool,
    malformed: Malformed,
}

#[derive(Debug, Clone)]
enum Form {
    /// The JSON that a command prints.
    Printed(Printed),
    /// A CSV file, by its columns.
    Csv(Columns),
}

/// What the beginning of a log is.
#[derive(Debug)]
pub enum Recognized {
    /// Records, for [`crate::LogReader`].
    Records,
    /// An export, and how much of its text is done with.
    Export(Export, usize),
    /// More text is needed to tell.
    More,
}

/// The next piece of an export.
#[derive(Debug)]
enum Piece {
    /// A record, written to the output; the text is done with up to here.
    Record(usize),
    /// Nothing that is a record.
    Passed(usize),
    /// A piece that is none, from one place to another.
    Faulty(usize, usize, String),
    /// Nothing behind this place can be read.
    Broken(usize, String),
    /// More text is needed.
    More,
}

impl Export {
    /// Tells an export by its beginning. With `is_last`, there is no more text.
    pub fn recognize(text: &[u8], is_last: bool) -> Recognized {
        let trimmed = text.trim_ascii_start();
        match trimmed.first() {
            None if is_last => Recognized::Records,
            None => Recognized::More,
            Some(b'{') => match Printed::recognize(trimmed) {
                Some(true) => {
                    let form = Form::Printed(Printed::default());
                    let n_space = text.len() - trimmed.len();
                    Recognized::Export(Self::new(form), n_space)
                }
                None if !is_last => Recognized::More,
                _ => Recognized::Records,
            },
            Some(b'[') => Recognized::Records,
            Some(_) => match csv::row(text, is_last) {
                csv::Next::Row(cells, end) => match Columns::of(&cells) {
                    Some(columns) => {
                        let form = Form::Csv(columns);
                        Recognized::Export(Self::new(form), end)
                    }
                    None => Recognized::Records,
                },
                csv::Next::More if !is_last && text.len() < MAX_RECORD_BYTES => Recognized::More,
                _ => Recognized::Records,
            },
        }
    }

    fn new(form: Form) -> Self {
        Self { form, is_broken: false, malformed: Malformed::default() }
    }

    /// What was no record, since this was asked for last.
    pub fn take_malformed(&mut self) -> Malformed {
        std::mem::take(&mut self.malformed)
    }

    /// Writes the records of a part of the export, a line each, and gives how much of the part is
    /// done with; what is left is to be given again at the beginning of the next.
    pub fn read(
        &mut self,
        part: &[u8],
        is_last: bool,
        records: &mut Vec<u8>,
        faults: &mut Vec<LogFault>,
    ) -> usize {
        let mut at = 0;
        // A value may end before bytes that are no text, or are cut off.
        let valid = match &self.form {
            Form::Printed(_) => valid_text(part),
            Form::Csv(_) => "",
        };
        while !self.is_broken {
            let rest = &part[at..];
            let piece = match &mut self.form {
                Form::Printed(printed) => {
                    printed.next(rest, valid.get(at..).unwrap_or_default(), is_last, records)
                }
                Form::Csv(columns) => columns.next(rest, is_last, records),
            };
            let mut break_off = |offset: usize, message: String| {
                faults.push(LogFault { offset: at + offset, message, is_final: true });
            };
            match piece {
                Piece::Record(end) => {
                    records.push(b'\n');
                    at += end;
                }
                Piece::Passed(end) => at += end,
                Piece::Faulty(offset, end, message) => {
                    if self.malformed.count(faults.len()) {
                        faults.push(LogFault { offset: at + offset, message, is_final: false });
                    }
                    at += end;
                }
                Piece::Broken(offset, message) => {
                    break_off(offset, message);
                    self.is_broken = true;
                }
                Piece::More if is_last => {
                    if !rest.trim_ascii().is_empty() || self.is_inside() {
                        break_off(rest.len(), "the log ends in the middle".to_owned());
                    }
                    self.is_broken = true;
                }
                Piece::More if rest.len() > 2 * MAX_RECORD_BYTES => {
                    break_off(0, "a record that is too long".to_owned());
                    self.is_broken = true;
                }
                Piece::More => return at,
            }
        }
        part.len()
    }

    fn is_inside(&self) -> bool {
        match &self.form {
            Form::Printed(printed) => printed.is_inside(),
            Form::Csv(_) => false,
        }
    }
}

/// Writes the text of a record behind others, if it is one.
fn put_record(text: &str, records: &mut Vec<u8>) -> Result<(), String> {
    if is_file(text) {
        return Err("a file of records".to_owned());
    }
    let mut cursor = Cursor::new(text);
    let read = Record::read(&mut cursor).and_then(|_| cursor.end());
    match read {
        Ok(()) => {
            records.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Err(fault) => Err(format!("at byte {}: {}", fault.offset(), fault.message())),
    }
}

/// The beginning of some bytes that is UTF-8.
fn valid_text(bytes: &[u8]) -> &str {
    let end = str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    str::from_utf8(&bytes[..end]).unwrap_or_default()
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    str::from_utf8(bytes).map_err(|_| "a byte that is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
