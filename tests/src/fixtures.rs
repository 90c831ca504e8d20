//! The fixtures: real policies, exports and events of others, compressed.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::corpus::package_folder;

/// The bytes of a fixture, decompressed.
///
/// # Panics
/// When it is not there or damaged.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = package_folder().join("fixtures").join(name);
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    GzDecoder::new(&*packed).read_to_end(&mut bytes).expect("a fixture is gzip");
    bytes
}

/// The records of a fixture of one JSON object a line.
///
/// # Panics
/// When it is not there or damaged.
pub fn records(name: &str) -> Vec<Value> {
    let bytes = bytes(name);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a record is JSON")).collect()
}

/// A member that is a string, or nothing.
pub fn text<'v>(record: &'v Value, member: &str) -> &'v str {
    record[member].as_str().unwrap_or_default()
}
