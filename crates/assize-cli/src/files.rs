//! Files to read: names, globs, directories and standard input (C-21).

mod counted;
mod glob;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use assize_formats::MAX_FILE_BYTES;
use assize_policy::Span;

pub(crate) use self::counted::Counted;
use crate::render::BadInput;

/// The name of standard input and output on the command line.
pub(crate) const STDIO: &str = "-";
/// What standard input is called in messages.
pub(crate) const STDIN_NAME: &str = "<stdin>";
/// Deepest directory that is walked into, so that a cycle of links ends.
const MAX_DEPTH: usize = 64;

/// A file to read, and whether it was named or found in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The path, `-` for standard input.
    pub(crate) path: PathBuf,
    /// Whether the command line names this very file: then it must be what is asked for.
    pub(crate) is_named: bool,
}

impl Found {
    /// What the file is called in messages.
    pub(crate) fn name(&self) -> String {
        display_name(&self.path)
    }
}

/// What a file is called in messages.
pub(crate) fn display_name(path: &Path) -> String {
    if path == Path::new(STDIO) { STDIN_NAME.to_owned() } else { path.display().to_string() }
}

/// Extensions for [`walk`] that every file has.
pub(crate) const EVERY_FILE: [&str; 1] = [""];

/// The files under some paths, in the order of the paths; those of a directory or glob in byte
/// order, of the directories only the files whose names end in one of `extensions`.
pub(crate) fn walk(paths: &[PathBuf], extensions: &[&str]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new(STDIO) {
            found.push(Found { path: path.clone(), is_named: true });
        } else if path.is_dir() {
            walk_directory(path, extensions, 0, &mut found)?;
        } else if !path.exists() && glob::is_glob(path) {
            let matching = glob::expand(path)
                .with_context(|| format!("cannot look for `{}`", path.display()))?;
            if matching.is_empty() {
                bail!("nothing matches `{}`", path.display());
            }
            for path in matching {
                if path.is_dir() {
                    walk_directory(&path, extensions, 0, &mut found)?;
                } else {
                    found.push(Found { path, is_named: true });
                }
            }
        } else {
            found.push(Found { path: path.clone(), is_named: true });
        }
    }
    Ok(found)
}

fn walk_directory(
    directory: &Path,
    extensions: &[&str],
    depth: usize,
    found: &mut Vec<Found>,
) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("directories are nested deeper than {MAX_DEPTH} at `{}`", directory.display());
    }
    for path in sorted_entries(directory)
        .with_context(|| format!("cannot read directory `{}`", directory.display()))?
    {
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            walk_directory(&path, extensions, depth + 1, found)?;
        } else if has_extension(&path, extensions) {
            found.push(Found { path, is_named: false });
        }
    }
    Ok(())
}

/// The entries of a directory in byte order of their names.
fn sorted_entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(entries)
}

/// Whether the name of a file ends in one of some extensions.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    extensions.iter().any(|extension| name.ends_with(extension))
}

/// A reader of a file or of standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new(STDIO) {
        return Ok(Box::new(io::stdin()));
    }
    let open = || -> io::Result<File> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        Ok(file)
    };
    Ok(Box::new(open().with_context(|| cannot_read(path))?))
}

/// The bytes of a document, not more than F-6 allows.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES as u64 + 1;
    open(path)?.take(limit).read_to_end(&mut bytes).with_context(|| cannot_read(path))?;
    if bytes.len() > MAX_FILE_BYTES {
        bail!("`{}` is longer than {} MiB", display_name(path), MAX_FILE_BYTES >> 20);
    }
    Ok(bytes)
}

/// Bytes of U+FFFD, which is shown for a wrong byte.
const REPLACEMENT_BYTES: u32 = 3;

/// The text of a document: UTF-8 (F-1, L-101).
pub(crate) fn read_text(path: &Path) -> Result<String> {
    Ok(text(path, read(path)?)?)
}

/// The text of the bytes of a file.
pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, BadInput> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let start = u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span::new(start, start.saturating_add(REPLACEMENT_BYTES));
        let shown = String::from_utf8_lossy(error.as_bytes());
        let message = format!("not UTF-8: a wrong byte at offset {at}");
        BadInput::at(&display_name(path), &shown, span, message)
    })
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read `{}`", display_name(path))
}
