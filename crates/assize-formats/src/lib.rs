#![doc = include_str!("../README.md")]

pub mod json;
mod nearest;
mod request;
mod time;

pub use nearest::nearest;
pub use request::{
    Defaults, MAX_CHECKS, MAX_CONTEXT_KEYS, MAX_CONTEXT_VALUES, MAX_LINE_BYTES, MAX_RESOURCE_BYTES,
    MAX_SESSION_POLICY_ARNS, Observed, ObservedDecision, RecordId, RequestRecord, id_of_line,
    text_of_line,
};
pub use time::{format_time, parse_time};
