//! Provenance: what a result was worked out from (F-85).

use crate::FORMAT_VERSION;
use crate::json::Object;

/// What a result was worked out from: equal provenance, options and input give equal output,
/// byte for byte (F-86).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Provenance {
    /// `engine`: the version of the engine.
    pub engine: Box<str>,
    /// `catalog`: the date of the catalog's data, `YYYY-MM-DD`.
    pub catalog: Box<str>,
    /// `snapshot`: the digest of the snapshot (F-86).
    pub snapshot: Box<str>,
    /// `after`: the digest of the changed snapshot, in what-if results.
    pub after: Option<Box<str>>,
}

impl Provenance {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.number("assize", u64::from(FORMAT_VERSION));
        object.string("engine", &self.engine);
        object.string("catalog", &self.catalog);
        object.string("snapshot", &self.snapshot);
        object.string_if("after", self.after.as_deref());
        object.close();
    }
}
