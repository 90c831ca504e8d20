#![doc = include_str!("../README.md")]

mod condition;
mod finding;
pub mod ir;
pub mod json;
mod path;
mod pattern;
mod span;
pub mod value;
mod variable;

pub use finding::{Finding, FindingCode, Reject, Severity};
pub use span::{LineIndex, Span, line_column};
