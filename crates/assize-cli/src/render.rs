//! How things look to a person.

pub(crate) mod finding;
pub(crate) mod source;
pub(crate) mod style;
pub(crate) mod table;

pub(crate) use source::BadInput;
