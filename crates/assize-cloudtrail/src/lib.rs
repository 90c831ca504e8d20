#![doc = include_str!("../README.md")]

mod call;
mod context;
mod convert;
mod coverage;
mod duplicate;
mod environment;
mod export;
mod form;
mod log;
mod observed;
mod parameters;
mod place;
mod principal;
pub mod record;
mod resource;
mod session;
mod shown;
mod skip;
mod tagged;
mod template;

pub use convert::{Converted, Converter, Surroundings};
pub use coverage::{Counts, Coverage, MAX_SOURCES, OTHER_SOURCES};
pub use duplicate::{EventIds, REMEMBERED_EVENTS, SeenEvents};
pub use export::{Export, Recognized};
pub use log::{LogFault, LogReader, MAX_RECORD_BYTES, Malformed};
pub use place::named_owner;
pub use principal::{Directory, NoDirectory, is_secret_of};
pub use record::Record;
pub use session::{MAX_SESSION_BYTES, MAX_SESSIONS, SessionBook, SessionFacts};
pub use shown::ShownActions;
pub use skip::{Note, SkipReason};
