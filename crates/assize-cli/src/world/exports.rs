//! The exports among the files and directories that are named (C-11, C-21).
//!
//! A file that is lost may have held a deny. So what a directory holds is read as what is named
//! itself is: a file of JSON that is not whole is an error, and what is passed over is told.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use assize_store::ImportKind;
use serde::de::IgnoredAny;

use crate::files::{self, EVERY_FILE, Found};

/// Endings of the files of a directory that are read.
const EXTENSIONS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
/// What a file begins with that `gzip` made.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    pub(crate) files: Vec<Export>,
    pub(crate) skipped: Vec<Skipped>,
}

/// A file that is an export, or that should be one.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) found: Found,
    pub(crate) bytes: Vec<u8>,
    /// None when nothing in it tells, as in a file that is no JSON.
    pub(crate) kind: Option<ImportKind>,
}

/// A file of a directory that is passed over.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) why: Why,
}

/// Why a file is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is whole, and no export.
    Other,
    /// It is an export, and its name says something else.
    Ending,
    /// It is compressed.
    Compressed,
}

impl Why {
    /// The rest of a sentence about the file; none where nothing is wrong with it.
    pub(crate) fn warning(self) -> Option<&'static str> {
        match self {
            Self::Other => None,
            Self::Ending => Some(
                "is an export and was passed over: of a directory only files named `*.json`, \
                 `*.ndjson` or `*.jsonl` are read",
            ),
            Self::Compressed => Some("is compressed and was passed over: unpack it"),
        }
    }
}

impl Exports {
    /// Reads what is at some paths, in the order of [`files::walk`].
    pub(crate) fn find(paths: &[PathBuf], kind: Option<ImportKind>) -> Result<Self> {
        let mut exports = Self::default();
        for found in files::walk(paths, &EVERY_FILE)? {
            if found.is_named || files::has_extension(&found.path, &EXTENSIONS) {
                exports.add(found, kind)?;
            } else if let Some(why) = why_skipped(&found.path) {
                exports.skipped.push(Skipped { name: found.name(), why });
            }
        }
        Ok(exports)
    }

    fn add(&mut self, found: Found, kind: Option<ImportKind>) -> Result<()> {
        let bytes = files::read(&found.path)?;
        let kind = kind.or_else(|| ImportKind::recognize(&bytes));
        if kind.is_none() && !found.is_named && is_json(&bytes) {
            self.skipped.push(Skipped { name: found.name(), why: Why::Other });
        } else {
            self.files.push(Export { found, bytes, kind });
        }
        Ok(())
    }
}

/// Whether a file is one or more whole JSON values.
fn is_json(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    !text.trim().is_empty() && values.into_iter().all(|value| value.is_ok())
}

/// Whether a file whose name does not say so looks like an export. What cannot be read is none.
fn why_skipped(path: &Path) -> Option<Why> {
    if !std::fs::metadata(path).is_ok_and(|data| data.is_file()) {
        return None;
    }
    let mut head = [0; 64];
    let n_read = files::open(path).ok()?.read(&mut head).ok()?;
    let head = head[..n_read].trim_ascii_start();
    if head.starts_with(&GZIP) {
        return Some(Why::Compressed);
    }
    let is_text = head.starts_with(b"{") || head.starts_with(b"[");
    let kind = || ImportKind::recognize(&files::read(path).ok()?);
    (is_text && kind().is_some()).then_some(Why::Ending)
}
