//! The data files of this crate: how a catalog and the AWS-managed policies are stored.
//!
//! # Layout
//! A file is a magic of eight bytes, the format version (`u32`, little-endian), the length of its
//! body (`u32`, little-endian) and the body as a zlib stream, whose checksum guards it. Nothing
//! follows. The body is made of unsigned numbers in LEB128 (seven bits a byte, low bits first,
//! at most five bytes), flags of one byte, and text.
//!
//! The body of a catalog (magic `ASZCATLG`) holds, in this order, each table after the number of
//! its rows:
//!
//! | table | row |
//! |---|---|
//! | strings | all lengths, then all texts: printable ASCII, ascending |
//! | date, origin | one string each |
//! | regions | partition, region of global services there |
//! | condition keys | name, type, shape, whether global; ascending by lower-case name |
//! | key lists, action lists | length, positions; the first list is empty |
//! | services | prefix, name, flags, key list, number of resource types, number of actions; ascending by prefix |
//! | resource types | name, key list, tag-key list, number of formats, formats; by service, ascending by name |
//! | actions | name, level, flags, key list, dependent actions, tag-key list, wildcard form + 1, number of resource types; by service, ascending by lower-case name |
//! | resource types of actions | position within the service, whether required, key list, dependent actions, tag-key list |
//!
//! A string is its position in the table of strings. Reading checks every position, every order
//! and every limit, so that look-ups need no checks. A reader accepts exactly one version; the
//! data are rebuilt, not migrated.
//!
//! The body of the managed policies (magic `ASZMNGPL`) is described in [`crate::managed`].

mod codec;
mod read;
mod source;
mod write;

pub(crate) use codec::{Reader, Writer, open, seal};
pub(crate) use read::{read, read_strings};
pub use source::{
    CatalogSource, SourceAction, SourceActionResource, SourceKey, SourceResourceType, SourceService,
};
pub use write::write;
pub(crate) use write::write_strings;

/// The format version of catalog data files.
pub const CATALOG_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"ASZCATLG";

/// Largest body of a data file, in bytes. The data of 2026 need 1.1 MB and 2.9 MB.
pub const MAX_BODY_BYTES: usize = 32 << 20;

/// Largest number of rows of any table of a catalog.
pub const MAX_ROWS: usize = 1 << 20;

#[cfg(test)]
mod tests;
