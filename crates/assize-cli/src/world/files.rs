//! The files that a scenario names (F-41).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assize_formats::{FileSource, SourceFile};

use crate::files;

/// Files under one directory.
#[derive(Debug)]
pub(crate) struct DirectoryFiles {
    root: PathBuf,
    /// Where the files stand that were read, by their names: paths are relative to them.
    directories: BTreeMap<Arc<str>, PathBuf>,
}

impl DirectoryFiles {
    /// The files under a directory, for a scenario of a name.
    pub(crate) fn new(root: &Path, name: &str, file: &Path) -> Self {
        let root =
            if root.as_os_str().is_empty() { PathBuf::from(".") } else { root.to_path_buf() };
        let directory = file.parent().unwrap_or(Path::new("")).to_path_buf();
        Self { root, directories: BTreeMap::from([(Arc::from(name), directory)]) }
    }

    fn resolve(&self, named_by: &str, path: &str) -> Result<PathBuf, Box<str>> {
        let directory = self.directories.get(named_by).cloned().unwrap_or_default();
        let wanted = directory.join(path);
        let cannot_read =
            |error: &std::io::Error| format!("`{}` cannot be read: {error}", wanted.display());
        let real = wanted.canonicalize().map_err(|error| cannot_read(&error))?;
        let root = self.root.canonicalize().map_err(|error| cannot_read(&error))?;
        let Ok(below) = real.strip_prefix(&root) else {
            return Err(format!(
                "`{path}` is not under `{}`, the directory that was given",
                self.root.display()
            )
            .into());
        };
        // One name for one file, however it was reached.
        Ok(if self.root == Path::new(".") { below.to_path_buf() } else { self.root.join(below) })
    }
}

impl FileSource for DirectoryFiles {
    fn read(&mut self, named_by: &str, path: &str) -> Result<SourceFile, Box<str>> {
        let found = self.resolve(named_by, path)?;
        let bytes = files::read(&found).map_err(|error| format!("{error:#}"))?;
        let name: Arc<str> = found.display().to_string().into();
        let directory = found.parent().unwrap_or(Path::new("")).to_path_buf();
        self.directories.insert(Arc::clone(&name), directory);
        Ok(SourceFile { name, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_outside_the_directory_are_refused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let file = root.join("world").join("x.assize.yaml");
        let mut files = DirectoryFiles::new(&root, "x", &file);
        let read = files.read("x", "files.rs").unwrap();
        assert_eq!(*read.name, *root.join("world/files.rs").display().to_string());
        assert_eq!(files.read("x", "../world/./files.rs").unwrap().name, read.name);
        assert!(files.read(&read.name, "settings.rs").is_ok());
        assert!(files.read("x", "../../Cargo.toml").unwrap_err().contains("is not under"));
        assert!(files.read("x", "nothing").unwrap_err().contains("cannot be read"));
    }
}
