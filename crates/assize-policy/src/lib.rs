#![doc = include_str!("../README.md")]

pub mod ast;
mod bind;
mod condition;
mod finding;
pub mod ir;
pub mod json;
mod library;
mod limit;
mod load;
mod lower;
mod nearest;
mod parse;
mod path;
mod pattern;
mod print;
mod span;
pub mod value;
mod variable;

pub use bind::{Binding, bind_principals, show_principals};
pub(crate) use finding::Reject;
pub use finding::{Finding, FindingCode, MAX_FINDINGS, Severity};
pub use library::{LibraryBuilder, LibraryEntry, PolicyLibrary};
pub use limit::{Counted, DOCUMENT_LIMITS, DocumentLimit, Owner};
pub use load::{EndpointKind, LoadMode, LoadOptions, Loaded, ScpLanguage, load};
pub use lower::{MAX_PATTERN_CHARS, MAX_STATEMENTS, MAX_VALUES};
pub use parse::{MAX_NESTING, Parse, parse};
pub use print::{Style, print};
pub use span::{LineIndex, Span, line_column};
