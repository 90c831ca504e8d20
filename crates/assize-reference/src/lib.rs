#![doc = include_str!("../README.md")]

mod applicable;
mod condition;
mod evaluate;
mod layer;
mod listing;
mod service_rules;
mod statement;
mod wildcard;

pub use evaluate::{World, evaluate};
pub use listing::{ListedCheck, ListedDocument, documents};

/// The rules that this crate implements, as a Markdown text: what each says, where it comes from,
/// the function, and what shows it.
pub const SEMANTICS: &str = include_str!("../SEMANTICS.md");
