#![doc = include_str!("../README.md")]

mod alike;
mod answer;
mod assume;
mod checkpoint;
mod decide;
mod error;
mod filter;
mod group;
mod html;
mod report;
mod row;
mod run;
mod source;
mod used;
mod world;

pub use assume::Assumption;
pub use error::{Error, ErrorKind};
pub use filter::Filter;
pub use group::{Group, GroupSide};
pub use report::{Report, Totals};
pub use row::Row;
pub use run::{Progress, Replay, ReplayOptions};
pub use source::{LogProblem, LogSource, begins_as_log};
pub use used::{PrincipalUsage, Usage};
