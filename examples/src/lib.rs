//! The example world of Assize, inside a program: what `assize demo` decides.
//!
//! Data and nothing else: the files of this folder, byte for byte. Its README says what is real
//! and what is made up, and its NOTICE where the files come from.
//!
//! # Examples
//! ```
//! use assize_examples::{REQUESTS, WORLD};
//!
//! assert_eq!(WORLD.name, "world.assize.yaml");
//! assert!(assize_examples::file("world/accounts.json").is_some());
//! // A gzip file.
//! assert_eq!(REQUESTS.bytes[..2], [0x1F, 0x8B]);
//! ```

/// A file of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its path from the folder.
    pub name: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

/// The world: organization, owners of resources, what is attached where. It names the files of
/// [`PARTS`].
pub const WORLD: ExampleFile =
    ExampleFile { name: "world.assize.yaml", bytes: include_bytes!("../world.assize.yaml") };

/// The files that the world names: policies under names, and the accounts.
pub const PARTS: [ExampleFile; 2] = [
    ExampleFile {
        name: "world/policies.assize.json",
        bytes: include_bytes!("../world/policies.assize.json"),
    },
    ExampleFile { name: "world/accounts.json", bytes: include_bytes!("../world/accounts.json") },
];

/// A stream of requests of real logs, NDJSON, compressed with gzip.
pub const REQUESTS: ExampleFile =
    ExampleFile { name: "requests.ndjson.gz", bytes: include_bytes!("../requests.ndjson.gz") };

/// A part of the world by its name.
pub fn file(name: &str) -> Option<ExampleFile> {
    PARTS.into_iter().find(|part| part.name == name)
}
