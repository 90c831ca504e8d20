#![doc = include_str!("../README.md")]

mod change;
mod decision;
mod difference;
mod digest;
mod error;
mod file;
pub mod json;
mod nearest;
mod number;
mod options;
mod poison;
mod request;
mod scenario;
mod schema;
mod stream;
mod time;
mod usage;
mod yaml;

pub use change::{ChangeSet, Changed};
pub use decision::{
    Agreement, Compared, DecisionLine, Envelope, FastStatement, agreement, write_compact,
    write_compact_error, write_compact_head, write_compact_tail, write_error, write_explanation,
    write_fast, write_fast_head, write_fast_tail,
};
pub use difference::{
    DifferenceEffect, DifferenceRecord, DifferenceSummary, EffectCounts, EventsByEffect,
    ObservedCounts, Side, write_difference, write_difference_header,
};
pub use digest::Provenance;
pub use error::{Error, ErrorKind, Place};
pub use file::{FileSource, MAX_FILE_BYTES, NoFiles, SourceFile};
pub use nearest::{did_you_mean, nearest};
pub use number::{count, grouped};
pub use options::StatedOptions;
pub use poison::{invalid_policies, source_span};
pub use request::{
    Defaults, MAX_CHECKS, MAX_CONTEXT_KEYS, MAX_CONTEXT_VALUES, MAX_LINE_BYTES, MAX_RESOURCE_BYTES,
    MAX_SESSION_POLICY_ARNS, Observed, ObservedDecision, PlainKey, PlainLine, PlainReader,
    RecordId, RequestRecord, id_of_line, text_of_line,
};
pub use scenario::{
    Cell, Coordinates, DocumentCase, DocumentExpectation, Expectation, ExpectedDecision,
    ExpectedFinding, FORMAT_VERSION, MAX_INCLUDE_DEPTH, Mismatch, ReadOptions, Scenario, TestCase,
};
pub use schema::{
    CHANGES_SCHEMA, DECISION_SCHEMA, DIFFERENCE_SCHEMA, REQUEST_SCHEMA, SCENARIO_SCHEMA,
};
pub use stream::{
    CHUNK_BYTES, Chunk, Line, RequestStream, StreamError, StreamErrorKind, StreamHeader,
    StreamMode, Summary, write_stream_header,
};
pub use time::{format_time, parse_time};
pub use usage::{ActionUse, UsageRecord, UsageSummary, write_usage, write_usage_header};
pub use yaml::{MAX_ALIAS_EXPANSIONS, MAX_ALIAS_VALUES};
