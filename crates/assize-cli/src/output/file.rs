//! `-o FILE` (C-24, F-84): written under another name, and renamed when it is whole.

use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::files::STDIO;

/// What the name of a file ends in that is not whole.
const PARTIAL: &str = ".partial";

/// Where a result goes: standard output, a file, or a device or pipe.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Standard output.
    Stdout(BufWriter<StdoutLock<'static>>),
    /// Something that is no ordinary file and is written directly.
    Direct(BufWriter<File>),
    /// A file, under the name of its unfinished part.
    File { writer: BufWriter<File>, partial: PathBuf, path: PathBuf },
}

impl Sink {
    /// Opens what `-o` names.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new(STDIO)) else {
            return Ok(Self::Stdout(BufWriter::new(io::stdout().lock())));
        };
        let cannot_write = || format!("cannot write `{}`", path.display());
        if path.is_dir() {
            // Told before the work, not when the finished file is to get its name.
            bail!("cannot write `{}`: is a directory", path.display());
        }
        let is_special = path.metadata().is_ok_and(|found| !found.is_file());
        if is_special {
            let file = File::options().write(true).open(path).with_context(cannot_write)?;
            return Ok(Self::Direct(BufWriter::new(file)));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(PARTIAL);
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).with_context(cannot_write)?;
        Ok(Self::File { writer: BufWriter::new(file), partial, path: path.to_path_buf() })
    }

    /// Ends a whole result: the file gets its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        if let Self::File { writer, partial, path } = self {
            writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            std::fs::rename(&partial, &path)
                .with_context(|| format!("cannot rename `{}`", partial.display()))?;
        }
        Ok(())
    }

    /// Ends a result that is not whole: the part stays under its name, which is told.
    pub(crate) fn abandon(mut self) -> Option<PathBuf> {
        // What could not be written is not there; the run failed anyway.
        let _ = self.flush();
        match self {
            Self::File { partial, .. } => Some(partial),
            _ => None,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(writer) => writer.write(bytes),
            Self::Direct(writer) | Self::File { writer, .. } => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(writer) => writer.flush(),
            Self::Direct(writer) | Self::File { writer, .. } => writer.flush(),
        }
    }
}

/// Writes a whole file, so that nobody ever sees a part of it under its name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut sink = Sink::open(Some(path))?;
    sink.write_all(bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    sink.finish()
}
