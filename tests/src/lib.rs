//! What the tests of the workspace share: the corpus and who answers it, generated worlds, the
//! bodies of the fuzz targets, and the fixtures.
//!
//! The corpus in `corpus/` is the first authority: each case says what must be decided and why.
//! Everything that decides is held against it, and against the reference interpreter on worlds
//! that [`generate`] makes up.

#![expect(clippy::panic, reason = "a test fails by panicking")]

pub mod answer;
pub mod corpus;
pub mod differential;
pub mod evidence;
pub mod fixtures;
pub mod fuzz;
pub mod generate;
pub mod laws;
pub mod neutral;
pub mod partial;
pub mod real;
pub mod seeds;
pub mod soak;

/// The examples of the README of the repository run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
