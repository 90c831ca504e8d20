//! Several threads on one stream: whoever is free takes the next chunk, and the caller writes what
//! came of the chunks in their order.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use assize_formats::{Chunk, RequestStream};

use super::{Ended, Job, Part, Worker};
use crate::error::{Error, ErrorKind};

/// How many chunks for each thread may be read before the first of them is written: what bounds
/// the memory of a stream of which some chunks take their time (F-34).
const MAX_CHUNKS_AHEAD: u64 = 4;

/// What the threads share.
struct Shared<'s, 't, R: Read> {
    source: Mutex<Source<'s, 't, R>>,
    /// Told when a chunk was written, and at the end.
    news: Condvar,
    /// How many chunks may be read and not written.
    window: u64,
}

struct Source<'s, 't, R: Read> {
    stream: &'s mut RequestStream<'t, R>,
    n_read: u64,
    n_written: u64,
    /// What was written: its memory serves again. Memory that one thread takes and another gives
    /// back is slow to come by.
    written: Vec<Part>,
    is_over: bool,
    broken: Option<Box<str>>,
}

/// Decides a stream with all workers. `take` is given what came of each chunk, in order, and ends
/// the run by giving false.
pub(super) fn run<'t, R: Read + Send>(
    stream: &mut RequestStream<'t, R>,
    workers: &mut [Worker<'t>],
    job: &Job<'_>,
    take: &mut dyn FnMut(&Part) -> Result<bool, Error>,
) -> Result<Ended, Error> {
    let (written, is_over) = (Vec::new(), false);
    let source = Source { stream, n_read: 0, n_written: 0, written, is_over, broken: None };
    let window = MAX_CHUNKS_AHEAD.saturating_mul(u64::try_from(workers.len()).unwrap_or(u64::MAX));
    let shared = Shared { source: Mutex::new(source), news: Condvar::new(), window };
    let (sender, parts) = mpsc::channel();
    let interrupted = thread::scope(|scope| {
        // Whatever happens here, the threads end.
        let _end = EndOfReading(&shared);
        for worker in workers {
            let (shared, sender) = (&shared, sender.clone());
            let work = move || shared.work(worker, job, &sender);
            thread::Builder::new().spawn_scoped(scope, work).map_err(|source| {
                Error::caused(ErrorKind::Stream, "a thread cannot be started", source)
            })?;
        }
        drop(sender);
        shared.write(&parts, take)
    })?;
    let broken = shared.lock().broken.take();
    Ok(Ended { interrupted, broken })
}

/// Lets nobody read any more when it is dropped.
struct EndOfReading<'h, 's, 't, R: Read>(&'h Shared<'s, 't, R>);

impl<R: Read> Drop for EndOfReading<'_, '_, '_, R> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.news.notify_all();
    }
}

impl<'s, 't, R: Read> Shared<'s, 't, R> {
    fn lock(&self) -> MutexGuard<'_, Source<'s, 't, R>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one thread does. Who finds the end, or breaks off, ends the reading for all, lest the
    /// others wait for a chunk that nobody writes.
    fn work(&self, worker: &mut Worker<'t>, job: &Job<'_>, sender: &Sender<(u64, Part)>) {
        let _end = EndOfReading(self);
        while let Some((number, part)) = self.read(&mut worker.chunk) {
            worker.part = part;
            worker.decide(job);
            let part = std::mem::take(&mut worker.part);
            if sender.send((number, part)).is_err() {
                break;
            }
        }
    }

    /// Reads the next chunk. Gives its number, and room for what comes of it.
    fn read(&self, chunk: &mut Chunk<'t>) -> Option<(u64, Part)> {
        let mut source = self.lock();
        while !source.is_over && source.n_read >= source.n_written + self.window {
            source = self.news.wait(source).unwrap_or_else(PoisonError::into_inner);
        }
        if source.is_over {
            return None;
        }
        match source.stream.read(chunk) {
            Ok(true) => {
                source.n_read += 1;
                Some((source.n_read - 1, source.written.pop().unwrap_or_default()))
            }
            Ok(false) => None,
            Err(error) => {
                source.broken = Some(error.to_string().into());
                None
            }
        }
    }

    /// Hands on what came of the chunks. Says whether the run was ended before the stream was.
    fn write(
        &self,
        parts: &Receiver<(u64, Part)>,
        take: &mut dyn FnMut(&Part) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, part) in parts {
            waiting.insert(number, part);
            while let Some(part) = waiting.remove(&next) {
                if !take(&part)? {
                    return Ok(true);
                }
                next += 1;
                let mut source = self.lock();
                source.n_written = next;
                source.written.push(part);
                drop(source);
                self.news.notify_all();
            }
        }
        Ok(false)
    }
}
