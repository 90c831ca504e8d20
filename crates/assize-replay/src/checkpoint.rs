//! A run that was stopped goes on where it was: everything it knew, in one compact text of bytes.
//!
//! The bytes are the line [`MAGIC`], the version of the format, and a frame of zstd with a check
//! sum, in which stand: what the run was (engine, world, changes, options), how far each file was
//! read, and all that was remembered and counted. Equal runs give equal bytes.

mod bytes;
mod records;

use std::collections::BTreeSet;
use std::io::Read as _;

use assize_cloudtrail::{SeenEvents, SessionBook};
use assize_formats::Provenance;
use assize_model::AccountId;
use rayon::prelude::*;

use self::bytes::{Broken, Persist, Reader, persist_fields, put_text};
use crate::run::{DoneLog, Known, Replay, Run};
use crate::source::{LogSource, OpenLog, Place, Seal};
use crate::world::Named;
use crate::{Error, ErrorKind};

/// What a checkpoint begins with.
const MAGIC: &[u8] = b"assize checkpoint\n";
/// The version of the format; another is refused.
const VERSION: u8 = 4;
/// How hard the bytes are pressed: little, for a run waits for it.
const LEVEL: i32 = 1;
/// Most bytes of a checkpoint once they are decompressed, and how many times more they may be than
/// before: what a run writes is pressed to a tenth or so.
const MAX_BYTES: u64 = 4 << 30;
const MAX_GROWTH: u64 = 1 << 10;
/// What says of which run a checkpoint is stands within so many bytes.
const MAX_IDENTITY_BYTES: u64 = 16 << 20;

/// What a run was: a checkpoint of another does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    engine: Box<str>,
    catalog: Box<str>,
    world: Box<str>,
    changes: Vec<Box<str>>,
    options: Box<str>,
}

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileMark {
    name: String,
    n_bytes: Option<u64>,
    place: FilePlace,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum FilePlace {
    Waiting,
    /// What the bytes of the file were.
    Done(Seal),
    Open(Place),
}

impl FileMark {
    /// Of a file that was not read yet.
    pub(crate) fn waiting(source: &LogSource) -> Self {
        let (name, n_bytes) = (source.name.clone(), source.n_bytes);
        Self { name, n_bytes, place: FilePlace::Waiting }
    }

    /// Of a file that is read.
    pub(crate) fn of(log: &OpenLog) -> Self {
        let place = FilePlace::Open(log.place());
        Self { name: log.name.clone(), n_bytes: log.n_bytes, place }
    }
}

persist_fields!(Identity { engine, catalog, world, changes, options });
persist_fields!(FileMark { name, n_bytes, place });
persist_fields!(Seal { n_bytes, sum });
persist_fields!(Place { n_read, text_sum, offset, n_at_hand, reader });

impl Persist for FilePlace {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Waiting => out.push(0),
            Self::Done(seal) => {
                out.push(1);
                seal.put(out);
            }
            Self::Open(place) => {
                out.push(2);
                place.put(out);
            }
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        match u8::take(from)? {
            0 => Ok(Self::Waiting),
            1 => Persist::take(from).map(Self::Done),
            2 => Persist::take(from).map(Self::Open),
            _ => Err(Broken),
        }
    }
}

impl Persist for SeenEvents {
    fn put(&self, out: &mut Vec<u8>) {
        let (recent, older) = self.fingerprints();
        recent.put(out);
        older.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let (recent, older): (Vec<u128>, Vec<u128>) = Persist::take(from)?;
        Ok(Self::from_fingerprints(recent, older))
    }
}

impl Persist for SessionBook {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().len().put(out);
        for (key, facts) in self.iter() {
            put_text(out, key);
            facts.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let mut book = Self::default();
        for (key, facts) in Vec::take(from)? {
            book.insert(key, facts);
        }
        Ok(book)
    }
}

persist_fields!(Known { seen, sessions });

/// The bytes of a run that can go on.
pub(crate) fn write(replay: &Replay, run: &Run) -> Vec<u8> {
    let mut body = Vec::new();
    replay.identity().put(&mut body);
    marks(run).put(&mut body);
    let Named { accounts, endpoints, .. } = replay.assumed();
    accounts.into_iter().collect::<Vec<_>>().put(&mut body);
    endpoints.into_iter().collect::<Vec<_>>().put(&mut body);
    run.known.put(&mut body);
    run.tally.put(&mut body);
    run.problems.put(&mut body);
    run.n_records.put(&mut body);
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    // Writing to memory does not fail; bytes without a frame would be refused when read.
    out.extend(pressed(&body).unwrap_or_default());
    out
}

fn pressed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    std::io::Write::write_all(&mut encoder, body)?;
    encoder.finish()
}

/// Every file with how far it was read, in the order in which they were given.
fn marks(run: &Run) -> Vec<FileMark> {
    let done = run.files.done.iter().map(|DoneLog { position, name, n_bytes, seal }| {
        let (name, place) = (name.clone(), FilePlace::Done(*seal));
        (*position, FileMark { name, n_bytes: *n_bytes, place })
    });
    let open = run.files.marks.iter().cloned();
    let waiting = run.files.waiting.iter().map(|source| (usize::MAX, FileMark::waiting(source)));
    let mut all: Vec<(usize, FileMark)> = done.chain(open).chain(waiting).collect();
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, mark)| mark).collect()
}

/// What a checkpoint holds beside the files.
struct Saved {
    named: Named,
    run: Run,
}

/// Makes a run of a checkpoint and the files it was made with.
pub(crate) fn read(
    replay: &mut Replay,
    checkpoint: &[u8],
    sources: Vec<LogSource>,
) -> Result<Run, Error> {
    let damaged = || refused("it is damaged or cut off");
    let rest = checkpoint.strip_prefix(MAGIC).ok_or_else(|| refused("it is no checkpoint"))?;
    let (version, frame) = rest.split_first().ok_or_else(damaged)?;
    if *version != VERSION {
        return Err(refused(format!("it is of version {version}; this is {VERSION}")));
    }
    let body = body(replay.identity(), frame)?;
    let mut from = Reader::new(&body);
    Identity::take(&mut from).map_err(|Broken| damaged())?;
    let marks: Vec<FileMark> = Persist::take(&mut from).map_err(|Broken| damaged())?;
    let mut saved = saved(&mut from).map_err(|Broken| damaged())?;
    replay.take_in(&saved.named)?;
    place(&mut saved.run, &marks, sources)?;
    Ok(saved.run)
}

/// Decompresses a checkpoint. Nothing of it is kept before it is known to be of this run, and never
/// more than a run may write.
fn body(own: &Identity, frame: &[u8]) -> Result<Vec<u8>, Error> {
    let damaged = || refused("it is damaged or cut off");
    let most = MAX_BYTES.min((frame.len() as u64).saturating_mul(MAX_GROWTH));
    let decoder = zstd::stream::read::Decoder::with_buffer(frame).map_err(|_| damaged())?;
    // One byte more tells that there is more.
    let mut decoder = decoder.take(most + 1);
    let mut body = Vec::new();
    (&mut decoder).take(MAX_IDENTITY_BYTES).read_to_end(&mut body).map_err(|_| damaged())?;
    let fits = match Identity::take(&mut Reader::new(&body)) {
        Ok(identity) => own.check(&identity),
        Err(Broken) => Err(damaged()),
    };
    // The check sum stands at the end, and a damaged identity is not another.
    let read = match fits {
        Ok(()) => decoder.read_to_end(&mut body).map(drop),
        Err(_) => std::io::copy(&mut decoder, &mut std::io::sink()).map(drop),
    };
    read.map_err(|_| damaged())?;
    if decoder.limit() == 0 {
        return Err(refused("it is larger than a checkpoint can be"));
    }
    fits.map(|()| body)
}

fn saved(from: &mut Reader<'_>) -> Result<Saved, Broken> {
    let accounts: Vec<AccountId> = Persist::take(from)?;
    let endpoints: Vec<(Box<str>, AccountId)> = Persist::take(from)?;
    let named = Named {
        accounts: accounts.into_iter().collect(),
        endpoints: endpoints.into_iter().collect(),
        ..Named::default()
    };
    let run = Run {
        known: Persist::take(from)?,
        tally: Persist::take(from)?,
        problems: Persist::take(from)?,
        n_records: Persist::take(from)?,
        ..Run::default()
    };
    if from.is_at_end() { Ok(Saved { named, run }) } else { Err(Broken) }
}

/// Puts the files where they were.
fn place(run: &mut Run, marks: &[FileMark], sources: Vec<LogSource>) -> Result<(), Error> {
    run.files.n_sources = sources.len();
    let pairs = paired(marks, sources)?;
    let placed: Vec<Result<Placed, Error>> = pairs
        .into_par_iter()
        .enumerate()
        .map(|(position, (mark, source))| Placed::again(position, mark, source))
        .collect();
    for log in placed {
        match log? {
            Placed::Waiting(source) => run.files.waiting.push_back(source),
            Placed::Open(log) => run.files.open.push(*log),
            Placed::Done(log) => run.files.done.push(log),
        }
    }
    Ok(())
}

/// The files with how far they were read: they have to be the same, in the same order.
fn paired(
    marks: &[FileMark],
    sources: Vec<LogSource>,
) -> Result<Vec<(&FileMark, LogSource)>, Error> {
    let mut sources = sources.into_iter();
    let mut pairs = Vec::with_capacity(marks.len());
    for mark in marks {
        let name = &mark.name;
        let source = sources.next().filter(|source| source.name == *name).ok_or_else(|| {
            refused(format!("it is of other files: `{name}` is not where it was among them"))
        })?;
        pairs.push((mark, source));
    }
    let known: BTreeSet<&str> = marks.iter().map(|mark| mark.name.as_str()).collect();
    match sources.next() {
        Some(new) if !known.contains(new.name.as_str()) => {
            Err(refused(format!("it is of other files: `{}` is new", new.name)))
        }
        Some(twice) => Err(refused(format!("it is of other files: `{}` is twice", twice.name))),
        None => Ok(pairs),
    }
}

/// A file where it was.
enum Placed {
    Waiting(LogSource),
    Open(Box<OpenLog>),
    Done(DoneLog),
}

impl Placed {
    /// Reads again what was read of a file: what was counted of it holds only if it is the same.
    fn again(position: usize, mark: &FileMark, source: LogSource) -> Result<Self, Error> {
        let name = &mark.name;
        let changed = || refused(format!("`{name}` has changed since"));
        let is_read = mark.place != FilePlace::Waiting;
        if is_read && mark.n_bytes.is_some() && source.n_bytes != mark.n_bytes {
            return Err(changed());
        }
        match mark.place {
            FilePlace::Waiting => Ok(Self::Waiting(source)),
            FilePlace::Done(seal) => {
                let n_bytes = source.n_bytes;
                match source.begins_with(seal) {
                    Ok(true) => {
                        Ok(Self::Done(DoneLog { position, name: name.clone(), n_bytes, seal }))
                    }
                    Ok(false) => Err(changed()),
                    Err(error) => Err(refused(format!("`{name}` cannot be read: {error}"))),
                }
            }
            FilePlace::Open(place) => {
                let mut log = OpenLog::open(source, position, Vec::new());
                if !log.go_to(&place) {
                    return Err(changed());
                }
                Ok(Self::Open(Box::new(log)))
            }
        }
    }
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Checkpoint, format!("the checkpoint does not fit: {why}"))
}

impl Identity {
    /// A run over the worlds of a provenance, with changes of these names.
    pub(crate) fn new(provenance: Provenance, names: &[String], options: String) -> Self {
        let names = names.iter().map(|name| name.as_str().into());
        Self {
            engine: provenance.engine,
            catalog: provenance.catalog,
            world: provenance.snapshot,
            changes: provenance.after.into_iter().chain(names).collect(),
            options: options.into(),
        }
    }

    fn check(&self, other: &Self) -> Result<(), Error> {
        let Self { engine, catalog, world, changes, options } = self;
        for (what, is_equal) in [
            ("the engine was another", *engine == other.engine),
            ("the catalog was another", *catalog == other.catalog),
            ("the world was another", *world == other.world),
            ("the changes were others", *changes == other.changes),
            ("the options were others", *options == other.options),
        ] {
            if !is_equal {
                return Err(refused(format!("{what} when it was written")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few bytes cannot fill the memory.
    #[test]
    fn checkpoints_that_are_too_large_are_refused() {
        let own = Identity {
            engine: "engine".into(),
            catalog: "catalog".into(),
            world: "world".into(),
            changes: Vec::new(),
            options: "options".into(),
        };
        let other = Identity { world: "another".into(), ..own.clone() };
        let frame = |identity: &Identity, n_zeros: usize| {
            let mut body = Vec::new();
            identity.put(&mut body);
            body.resize(body.len() + n_zeros, 0);
            pressed(&body).unwrap()
        };
        let refusal = |frame: &[u8]| super::body(&own, frame).unwrap_err().to_string();
        assert_eq!(super::body(&own, &frame(&own, 1_000)).unwrap().len(), 1_030);
        for identity in [&own, &other] {
            let large = frame(identity, 64 << 20);
            assert!(large.len() < 10_000, "{}", large.len());
            let why = refusal(&large);
            assert!(why.ends_with("it is larger than a checkpoint can be"), "{why}");
        }
        let why = refusal(&frame(&other, 1_000));
        assert!(why.ends_with("the world was another when it was written"), "{why}");
        let cut = frame(&other, 1_000);
        let why = refusal(&cut[..cut.len() - 1]);
        assert!(why.ends_with("it is damaged or cut off"), "{why}");
    }
}
