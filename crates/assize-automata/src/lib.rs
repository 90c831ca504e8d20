#![doc = include_str!("../README.md")]

pub mod algebra;
pub mod budget;
mod matcher;
pub mod pattern;
pub mod set;

pub use crate::{
    budget::{Budget, BuildReport, Error, ErrorKind, Fallback},
    pattern::{Class, Pattern, PatternBuilder, Piece},
    set::{PatternSet, SetScratch},
};
