#![doc = include_str!("../README.md")]

pub mod ast;
mod condition;
mod finding;
pub mod ir;
pub mod json;
mod load;
mod nearest;
mod parse;
mod path;
mod pattern;
mod print;
mod span;
pub mod value;
mod variable;

pub use finding::{Finding, FindingCode, Reject, Severity};
pub use load::{EndpointKind, LoadMode, LoadOptions, ScpLanguage};
pub use parse::{MAX_NESTING, Parse, parse};
pub use print::{Style, print};
pub use span::{LineIndex, Span, line_column};
