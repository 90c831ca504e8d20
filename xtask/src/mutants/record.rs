//! The file of verdicts: a line each, so that a run that is stopped loses nothing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::trial::Verdict;

/// Where verdicts go, and the names of the faults: numbers change with the code.
#[derive(Debug)]
pub(super) struct Record {
    names: BTreeMap<u32, String>,
    file: Option<(PathBuf, File)>,
}

impl Record {
    /// Opens the file, if there is to be one.
    pub(super) fn open(path: Option<&Path>, names: BTreeMap<u32, String>) -> Result<Self> {
        let open = |path: &Path| -> Result<_> {
            let file = OpenOptions::new().append(true).create(true).open(path);
            Ok((path.to_owned(), file.with_context(|| path.display().to_string())?))
        };
        Ok(Self { names, file: path.map(open).transpose()? })
    }

    /// What the file has of the faults there are; the last verdict counts.
    pub(super) fn known(&self) -> Result<BTreeMap<u32, Verdict>> {
        let Some((path, _)) = &self.file else { return Ok(BTreeMap::new()) };
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut known = BTreeMap::new();
        for line in text.lines() {
            let found = line.split_once(' ');
            let Some((verdict, name)) = found.and_then(|(v, name)| Some((Verdict::of(v)?, name)))
            else {
                bail!("{}: no verdict: `{line}`", path.display());
            };
            known.insert(name, verdict);
        }
        let of = |(number, name): (&u32, &String)| Some((*number, *known.get(&**name)?));
        Ok(self.names.iter().filter_map(of).collect())
    }

    /// Writes a verdict.
    pub(super) fn write(&mut self, number: u32, verdict: Verdict) -> Result<()> {
        if let Some((_, file)) = &mut self.file {
            let name = self.names.get(&number).context("a fault has a name")?;
            file.write_all(format!("{verdict:?} {name}\n").as_bytes())?;
        }
        Ok(())
    }
}
