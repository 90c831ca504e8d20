#![doc = include_str!("../README.md")]

mod batch;
mod engine;
mod error;
mod explain;
mod resolve;
mod sets;
mod write;

pub use batch::{
    Decider, Outcome, Progress, ResourceKind, StreamFormat, StreamOptions, StreamSummary,
};
pub use engine::{BundledPolicies, Engine, library};
pub use error::{Error, ErrorKind};
pub use explain::{Change, Edit, Explanation, StatementExplanation};
pub use write::{bind, show};

#[doc(no_inline)]
pub use {
    assize_catalog as catalog, assize_compiler as compiler, assize_formats as formats,
    assize_model as model, assize_policy as policy, assize_store as store,
};
