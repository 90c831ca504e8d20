//! How things look to a person.

pub(crate) mod aws;
pub(crate) mod decision;
pub(crate) mod explanation;
pub(crate) mod finding;
pub(crate) mod plain;
pub(crate) mod progress;
pub(crate) mod source;
pub(crate) mod style;
pub(crate) mod table;

pub(crate) use source::BadInput;
