//! `--change` (F-70, C-28).

use std::path::Path;

use anyhow::Result;
use assize_formats::ChangeSet;

use crate::files;
use crate::render::BadInput;
use crate::world::{DirectoryFiles, Reader};

/// Reads a change: a file of changes, or `KIND:TARGET=FILE`.
pub(super) fn read(words: &str, reader: &Reader) -> Result<ChangeSet> {
    if let Some((change, path)) = short(words) {
        let path = Path::new(path);
        let bytes = files::read(path)?;
        let name = files::display_name(path);
        return Ok(ChangeSet::short(change, &name, bytes).map_err(BadInput::from)?);
    }
    let path = Path::new(words);
    let bytes = files::read(path)?;
    let name = files::display_name(path);
    let root = path.parent().unwrap_or(Path::new(""));
    let mut files = DirectoryFiles::new(root, &name, path);
    Ok(ChangeSet::read(&name, bytes, &mut files, reader.managed()).map_err(BadInput::from)?)
}

/// The two sides of a short change. The name of a file may hold `=` too, so the words before it
/// must begin as a change does.
fn short(words: &str) -> Option<(&str, &str)> {
    let (change, path) = words.rsplit_once('=')?;
    let kind = change.split(':').next().unwrap_or(change);
    let is_word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_word && !Path::new(words).exists()).then_some((change, path))
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_changes_are_told_from_files() {
        assert_eq!(short("scp=deny.json"), Some(("scp", "deny.json")));
        let arn = "resource:arn:aws:s3:::b=p.json";
        assert_eq!(short(arn), Some(("resource:arn:aws:s3:::b", "p.json")));
        assert_eq!(short("changes.yaml"), None);
        assert_eq!(short("Jahr=2024/changes.yaml"), None);
    }
}
