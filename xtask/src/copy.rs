//! A copy of the workspace, in which a task puts code that the workspace does not have.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Copies the workspace, but for the files that say something else there, to a folder of this name
/// beside what is built. What is built of it goes below it: shared with the workspace, changed
/// crates would be taken for those that they are copies of.
pub(crate) fn workspace(
    root: &Path,
    name: &str,
    changed: &BTreeMap<PathBuf, String>,
) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let tree = target.map_or_else(|| root.join("target"), PathBuf::from).join(name);
    let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let files = Command::new("git").args(listed).current_dir(root).output()?;
    for name in String::from_utf8(files.stdout)?.split('\0').filter(|name| !name.is_empty()) {
        let to = tree.join(name);
        if let Some(text) = changed.get(Path::new(name)) {
            write_changed(&to, text.as_bytes())?;
        } else if let Ok(bytes) = fs::read(root.join(name)) {
            write_changed(&to, &bytes)?;
        }
    }
    Ok(tree)
}

/// Writes a file when it says something else, so that nothing is built again without need.
pub(crate) fn write_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
    fs::write(path, bytes).with_context(|| path.display().to_string())
}
