//! The rulers: two plain evaluators that others are measured against.
//!
//! Both answer only Allowed, explicitly or implicitly denied, over three layers: identity,
//! boundary and service control. [`RulerA`] interprets the statements one by one. [`RulerB`] has
//! worked out at load, for each principal and action of the workload, which statements are left.
//! Both take requests that are already split. They are what a careful day's work gives, and do
//! less than Assize must: no reasons, no other layers, no other kinds of principals.

mod interpreter;
mod statement;
mod table;

pub use interpreter::RulerA;
pub use statement::{Keys, PrincipalValues, RulerRequest};
pub use table::RulerB;

use std::fmt;

/// The answer of a ruler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A: every layer allows.
    Allowed,
    /// D: some statement denies.
    Denied,
    /// N: some layer has nothing that allows.
    NotAllowed,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "A",
            Self::Denied => "D",
            Self::NotAllowed => "N",
        })
    }
}

/// Position of a layer: identity, boundary, service control.
pub(crate) const N_LAYERS: usize = 3;

/// The layers of a principal: the positions of its policies, none where the layer is not
/// applicable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers([Option<Vec<u32>>; N_LAYERS]);
