//! The catalog as a whole.

#[cfg(feature = "bundled")]
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::index::Index;
use crate::snapshot;
use crate::tables::Tables;

/// The service authorization reference of AWS: which services, actions, resource types and
/// condition keys there are (E-5).
///
/// Immutable, `Send + Sync`, and shared by `Arc`. Ids are dense and belong to one catalog: the
/// same action may have another id in a catalog of another date.
#[derive(Debug)]
pub struct Catalog {
    pub(crate) tables: Tables,
    pub(crate) index: Index,
}

#[cfg(feature = "bundled")]
static BUNDLED_DATA: &[u8] = include_bytes!("../data/catalog.bin");

impl Catalog {
    /// Reads a catalog from a data file, as [`snapshot`] describes it.
    ///
    /// # Errors
    /// When the bytes are no such file, are of another version, damaged, or over a limit.
    /// Whatever they are, this neither panics nor takes more memory than the limits allow.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let tables = snapshot::read(bytes)?;
        let index = Index::new(&tables)?;
        Ok(Self { tables, index })
    }

    /// The catalog inside this library, read on first use and shared afterwards.
    ///
    /// # Errors
    /// Never in a library whose tests passed; the error is handed on all the same.
    #[cfg(feature = "bundled")]
    pub fn bundled() -> Result<Arc<Self>, Error> {
        static CATALOG: OnceLock<Result<Arc<Catalog>, Error>> = OnceLock::new();
        CATALOG.get_or_init(|| Self::from_bytes(BUNDLED_DATA).map(Arc::new)).clone()
    }

    /// The date of the data, `YYYY-MM-DD`: what provenance names (F-85).
    pub fn date(&self) -> &str {
        self.tables.strings.get(self.tables.date)
    }

    /// The name and version of the source the data were taken from.
    pub fn origin(&self) -> &str {
        self.tables.strings.get(self.tables.origin)
    }
}

#[cfg(test)]
#[cfg(feature = "bundled")]
mod tests;
