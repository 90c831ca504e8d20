//! JSON of our own formats (F-1): a pull reader over borrowed text, values with their places, and
//! the writing of strings.
//!
//! Policy documents have a reader of their own in `assize-policy`, which keeps repeated members;
//! here a repeated member is an error, and a policy document is handed on as the text it is.

mod cursor;
mod fault;
mod node;
mod repeats;
mod scan;
mod write;

pub(crate) use cursor::shorten;
pub use cursor::{Cursor, Kind};
pub use fault::{Fault, Result};
pub(crate) use node::read;
pub use node::{Member, Node, Style, Value};
pub(crate) use write::{Object, write_list, write_string, write_strings};

/// Deepest nesting of arrays and objects (F-6).
pub const MAX_NESTING: u32 = 64;
/// Longest string, in bytes (F-6).
pub const MAX_STRING_BYTES: usize = 1 << 20;

/// What no text may begin with (F-1).
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';
/// What is wrong with a text that does.
pub(crate) const MARKED: &str = "a byte-order mark; the text is UTF-8 without one";
