//! Streams of requests to streams of decisions (F-30 – F-35), in bounded memory.

#[cfg(feature = "parallel")]
mod threads;

use std::borrow::Cow;
use std::io::{Read, Write};

use assize_formats::{
    Agreement, Chunk, Compared, DecisionLine, Defaults, Envelope, Observed, ObservedDecision,
    PlainLine, PlainReader, RecordId, RequestRecord, RequestStream, StreamError, StreamMode,
    Summary, agreement, write_compact, write_compact_error, write_compact_head, write_compact_tail,
    write_error, write_explanation, write_fast, write_fast_head, write_fast_tail,
    write_stream_header,
};
use assize_model::{Decision, Layer, RequestError};

use super::tails::{TailKey, Tails};
use super::{Answer, Decider, answer};
use crate::engine::{Engine, Inner};
use crate::error::{Error, ErrorKind};
use crate::resolve::{FLAG_NAMES, Resolver, Run};

/// The form of the decisions of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StreamFormat {
    /// One JSON record a line, fast part (F-31).
    #[default]
    Fast,
    /// One JSON record a line, with everything (F-31).
    Explain,
    /// Tab-separated, one short line a decision (F-32).
    Compact,
}

/// How a stream is decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// The form of the decisions.
    pub format: StreamFormat,
    /// An observed deny must be of the same kind (F-35).
    pub strict_observed: bool,
    /// Threads to decide with; none is one for each core.
    pub threads: Option<usize>,
}

/// How far a stream has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Requests decided or refused so far.
    pub requests: u64,
}

/// What a stream came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamSummary {
    /// The counters of F-31.
    pub counters: Summary,
    /// Decisions by decision and decisive layer, both in their order; only those that occurred.
    pub by_layer: Vec<(Decision, Layer, u64)>,
    /// How often a resource that nobody declared was taken to be of the principal's account (E-9).
    pub assumed_owners: u64,
    /// The run was ended before the stream was.
    pub interrupted: bool,
    /// Why the stream could not be read to its end, if it could not. Everything before it was
    /// decided.
    pub broken: Option<Box<str>>,
}

/// Decisions by decision and layer.
#[derive(Debug, Clone, Copy, Default)]
struct LayerCounts([[u64; Layer::ALL.len()]; Decision::ALL.len()]);

/// What came of one chunk.
#[derive(Debug, Default)]
struct Part {
    out: Vec<u8>,
    counters: Summary,
    layers: LayerCounts,
    n_assumed_owners: u64,
}

/// How the chunks of a stream came to their end.
#[derive(Debug, Default)]
struct Ended {
    interrupted: bool,
    broken: Option<Box<str>>,
}

/// What one thread works with: its dictionaries, a chunk and what comes of it.
#[derive(Debug)]
struct Worker<'e> {
    decider: Decider<'e>,
    chunk: Chunk<'e>,
    part: Part,
    tails: Tails,
    reader: PlainReader,
    /// A buffer of what is written.
    name: String,
}

/// A line that was read. It is small: all of a chunk wait until they are decided.
#[derive(Clone, Copy)]
struct Pending<'c> {
    number: u64,
    /// Its id, with whether it is a number.
    id: Option<(&'c str, bool)>,
    /// The row of a request of one check of which nothing else is to be written. None where
    /// [`Other`] says more.
    row: Option<u32>,
}

/// What was read in a line that is not of the plain form.
struct Other<'c> {
    /// None where the line has none.
    id: Option<RecordId<'c>>,
    rare: Option<Box<Rare<'c>>>,
    outcome: Result<Run, Box<RequestError>>,
}

/// What few records say.
#[derive(Default)]
struct Rare<'c> {
    observed: Option<Observed<'c>>,
    extra: Vec<(Cow<'c, str>, &'c str)>,
    /// Whether the record declares its context complete (E-122).
    is_complete: bool,
}

impl Other<'_> {
    fn seen(&self) -> Option<ObservedDecision> {
        self.rare.as_ref()?.observed.as_ref()?.decision
    }

    fn is_complete(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.is_complete)
    }
}

/// What all workers share.
struct Job<'j> {
    options: StreamOptions,
    defaults: Option<&'j Defaults>,
    echo_context: bool,
}

impl Engine {
    /// Decides a stream of requests (F-30) into a stream of decisions (F-31, F-32), in the order
    /// of the requests. Input may be compressed with gzip or zstd. A malformed line becomes an
    /// error record and the rest is decided (F-33). `progress` is told now and then how far it
    /// has come, and ends the run by giving false.
    ///
    /// Memory is bounded by the engine, a few chunks for each thread and what came of them, and the
    /// dictionaries, whatever the length of the stream (F-34).
    ///
    /// # Errors
    /// When the header of the stream cannot be followed, or the output cannot be written. A
    /// stream that breaks off is no error: see [`StreamSummary::broken`].
    pub fn decide_stream(
        &self,
        input: &mut (dyn Read + Send),
        output: &mut dyn Write,
        options: &StreamOptions,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<StreamSummary, Error> {
        self.decide_opened(RequestStream::open(input), output, options, progress)
    }

    /// [`Engine::decide_stream`] of a stream that is in memory, which is not copied unless
    /// it is compressed.
    ///
    /// # Errors
    /// As [`Engine::decide_stream`].
    ///
    /// # Examples
    /// ```
    /// # use assize::formats::{NoFiles, ReadOptions, Scenario};
    /// # use assize::{BundledPolicies, Engine, StreamFormat, StreamOptions};
    /// # let options = ReadOptions {
    /// #     files: &mut NoFiles,
    /// #     managed_policies: &BundledPolicies::new()?,
    /// #     takes_several_resources: &|_| false,
    /// # };
    /// # let text = r#"{"assize":1,"accounts":{"111111111111":{"users":{"ana":{}}}}}"#;
    /// # let world = Scenario::read("world.json", text.into(), options).map_err(|e| e[0].to_string())?;
    /// # let engine = Engine::new(world.snapshot, world.options)?;
    /// let lines = br#"{"principal":"arn:aws:iam::111111111111:user/ana","action":"sqs:ListQueues"}"#;
    /// let options = StreamOptions { format: StreamFormat::Compact, ..StreamOptions::default() };
    /// let mut decisions = Vec::new();
    /// engine.decide_lines(lines, &mut decisions, &options, &mut |_| true)?;
    /// assert!(decisions.starts_with(b"1\tI\t"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decide_lines(
        &self,
        lines: &[u8],
        output: &mut dyn Write,
        options: &StreamOptions,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<StreamSummary, Error> {
        self.decide_opened(RequestStream::of(lines), output, options, progress)
    }

    fn decide_opened<R: Read + Send>(
        &self,
        stream: Result<RequestStream<'_, R>, StreamError>,
        output: &mut dyn Write,
        options: &StreamOptions,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<StreamSummary, Error> {
        let mut stream = stream.map_err(|source| {
            Error::caused(ErrorKind::Stream, "the requests cannot be read", source)
        })?;
        let header = stream.header().cloned().unwrap_or_default();
        self.check_snapshot(header.snapshot.as_deref())?;
        let mut engine_options = self.options().clone();
        header.options.apply(&mut engine_options);
        let differs = engine_options != *self.options();
        let other = differs.then(|| self.with_options(engine_options)).transpose()?;
        let engine = other.as_ref().unwrap_or(self);
        let defaults = Some(&header.defaults).filter(|defaults| !defaults.is_empty());
        let echo_context = engine.options().echo_context;
        let job = Job { options: *options, defaults, echo_context };
        let written =
            |source| Error::caused(ErrorKind::Stream, "the decisions cannot be written", source);
        if job.options.format != StreamFormat::Compact {
            let mode = match job.options.format {
                StreamFormat::Explain => StreamMode::Explain,
                _ => StreamMode::Fast,
            };
            let mut line = Vec::new();
            let context = engine.options().context;
            write_stream_header(&mut line, mode, context, &engine.provenance());
            output.write_all(&line).map_err(written)?;
        }
        let n_threads = job.options.threads.unwrap_or_else(available_threads).max(1);
        let mut workers: Vec<Worker<'_>> =
            (0..n_threads).map(|_| Worker::new(engine.inner(), &job)).collect();
        let mut summary = StreamSummary::default();
        let mut layers = LayerCounts::default();
        let ended = decide_chunks(&mut stream, &mut workers, &job, &mut |part| {
            output.write_all(&part.out).map_err(written)?;
            summary.counters.add(&part.counters);
            layers.add(&part.layers);
            summary.assumed_owners += part.n_assumed_owners;
            Ok(progress(Progress { requests: summary.counters.requests() }))
        })?;
        summary.interrupted = ended.interrupted;
        summary.broken = ended.broken;
        summary.by_layer = layers.list();
        if job.options.format != StreamFormat::Compact {
            let mut line = Vec::new();
            summary.counters.write(&mut line);
            output.write_all(&line).map_err(written)?;
        }
        output.flush().map_err(written)?;
        Ok(summary)
    }

    fn check_snapshot(&self, wanted: Option<&str>) -> Result<(), Error> {
        let Some(wanted) = wanted else { return Ok(()) };
        let snapshot = self.provenance().snapshot;
        if *wanted == *snapshot {
            return Ok(());
        }
        let message = format!("the stream was made for snapshot `{wanted}`, this is `{snapshot}`");
        Err(Error::new(ErrorKind::Stream, message))
    }
}

fn available_threads() -> usize {
    #[cfg(feature = "parallel")]
    {
        rayon::current_num_threads()
    }
    #[cfg(not(feature = "parallel"))]
    {
        1
    }
}

/// Decides all chunks of a stream. `take` is given what came of each, in order, and ends the run
/// by giving false.
fn decide_chunks<'t, R: Read + Send>(
    stream: &mut RequestStream<'t, R>,
    workers: &mut [Worker<'t>],
    job: &Job<'_>,
    take: &mut dyn FnMut(&Part) -> Result<bool, Error>,
) -> Result<Ended, Error> {
    #[cfg(feature = "parallel")]
    if workers.len() > 1 {
        return threads::run(stream, workers, job, take);
    }
    let mut ended = Ended::default();
    let Some(worker) = workers.first_mut() else { return Ok(ended) };
    loop {
        match stream.read(&mut worker.chunk) {
            Ok(true) => worker.decide(job),
            Ok(false) => return Ok(ended),
            Err(error) => {
                ended.broken = Some(error.to_string().into());
                return Ok(ended);
            }
        }
        if !take(&worker.part)? {
            ended.interrupted = true;
            return Ok(ended);
        }
    }
}

impl Part {
    fn clear(&mut self) {
        self.out.clear();
        self.counters = Summary::default();
        self.n_assumed_owners = 0;
        self.layers = LayerCounts::default();
    }
}

impl LayerCounts {
    fn count(&mut self, decision: Decision, layer: Layer) {
        self.0[decision as usize][layer as usize] += 1;
    }

    fn add(&mut self, other: &Self) {
        let own = self.0.iter_mut().flatten();
        for (own, other) in own.zip(other.0.iter().flatten()) {
            *own += other;
        }
    }

    fn list(&self) -> Vec<(Decision, Layer, u64)> {
        let mut list = Vec::new();
        for decision in Decision::ALL {
            for layer in Layer::ALL {
                let n = self.0[*decision as usize][*layer as usize];
                if n > 0 {
                    list.push((*decision, *layer, n));
                }
            }
        }
        list
    }
}

impl<'e> Worker<'e> {
    fn new(engine: &'e Inner, job: &Job<'_>) -> Self {
        let mut decider = Decider::new(engine);
        decider.resolver.keeps_context = job.options.format == StreamFormat::Explain;
        Self {
            decider,
            chunk: Chunk::new(),
            part: Part::default(),
            tails: Tails::default(),
            reader: PlainReader::default(),
            name: String::new(),
        }
    }

    fn decide(&mut self, job: &Job<'_>) {
        self.part.clear();
        // Lines under which defaults are merged need texts of their own.
        let chunk = std::mem::take(&mut self.chunk);
        self.decider.resolver.begin();
        match job.defaults {
            None => {
                if let Some(text) = chunk.text() {
                    self.decider.resolver.lend(text.clone());
                }
                self.decide_lines(job, chunk.lines().map(|line| (line.number, line.text())));
            }
            Some(defaults) => {
                let merge = |line: &str| {
                    let mut merged = String::new();
                    defaults.merge(line, &mut merged);
                    merged
                };
                let lines = chunk.lines().map(|line| (line.number, line.text().map(merge)));
                let lines: Vec<(u64, Result<String, RequestError>)> = lines.collect();
                let texts = lines
                    .iter()
                    .map(|(number, line)| (*number, line.as_deref().map_err(Clone::clone)));
                self.decide_lines(job, texts);
            }
        }
        // Lets go of the text.
        self.decider.resolver.begin();
        self.chunk = chunk;
    }

    fn decide_lines<'c>(
        &mut self,
        job: &Job<'_>,
        lines: impl ExactSizeIterator<Item = (u64, Result<&'c str, RequestError>)>,
    ) {
        let (resolver, reader) = (&mut self.decider.resolver, &mut self.reader);
        if reader.begin() {
            resolver.forget_forms();
        }
        let mut pending = Vec::with_capacity(lines.len());
        let mut others = Vec::new();
        let mut record = RequestRecord::default();
        let mut plain = PlainLine::default();
        for (number, line) in lines {
            if let Ok(text) = &line
                && reader.read(text, &mut plain)
                && let Some(run) = resolver.push_plain_line(reader, &plain)
            {
                pending.push(Pending { number, id: plain.id, row: Some(run.start) });
                continue;
            }
            let is_unreadable = line.is_err();
            let read = line.and_then(|line| record.parse_into(line));
            let outcome = read.and_then(|()| resolver.push(&record.request)).map_err(Box::new);
            let rare = Rare {
                observed: record.observed.take(),
                extra: std::mem::take(&mut record.extra),
                is_complete: !record.request.complete.is_empty(),
            };
            let says_more = rare.observed.is_some() || !rare.extra.is_empty() || rare.is_complete;
            let rare = says_more.then(|| Box::new(rare));
            pending.push(Pending { number, id: None, row: None });
            others.push(Other { id: record.id.take(), rare, outcome });
            if is_unreadable {
                record = RequestRecord::default();
            }
        }
        resolver.decide();
        let mut others = others.iter();
        for line in &pending {
            let mut digits = itoa::Buffer::new();
            // F-14.
            let id = match line.id {
                Some((text, true)) => RecordId::Number(text.into()),
                Some((text, false)) => RecordId::Text(text.into()),
                None => RecordId::Number(digits.format(line.number).into()),
            };
            if let Some(row) = line.row {
                if self.write_again(job, row, &id).is_none() {
                    let outcome = Ok(Run { start: row, len: 1 });
                    self.write_as(job, &Other { id: None, rare: None, outcome }, &id);
                }
            } else if let Some(other) = others.next() {
                self.write_other(job, other, other.id.as_ref().unwrap_or(&id));
            }
        }
        self.count_notes();
    }

    fn write_other(&mut self, job: &Job<'_>, line: &Other<'_>, id: &RecordId<'_>) {
        let row = line.outcome.as_ref().ok().filter(|run| run.len == 1 && line.rare.is_none());
        if row.is_none_or(|run| self.write_again(job, run.start, id).is_none()) {
            self.write_as(job, line, id);
        }
    }

    /// Writes the decision of a request of one check of which nothing is written that others do not
    /// say alike. Gives none, and has written nothing, where that is not so.
    #[inline]
    fn write_again(&mut self, job: &Job<'_>, row: u32, id: &RecordId<'_>) -> Option<()> {
        let resolver = &self.decider.resolver;
        if job.options.format == StreamFormat::Explain || resolver.is_partial {
            return None;
        }
        let compact = job.options.format == StreamFormat::Compact;
        let key = TailKey::of(resolver, row as usize, !compact)?;
        let (name, run) = (&mut self.name, Run { start: row, len: 1 });
        let tail = self.tails.get(key, |out| {
            with_line(resolver, &answer(resolver, run), name, |line| {
                if compact {
                    write_compact_tail(out, line);
                } else {
                    write_fast_tail(out, &Envelope::new(id), line);
                    out.push(b'\n');
                }
            });
        });
        let decided = &resolver.decided[row as usize];
        self.part.counters.count(decided.decision, decided.reason, false);
        self.part.layers.count(decided.decision, decided.layer);
        if compact {
            write_compact_head(&mut self.part.out, id);
        } else {
            write_fast_head(&mut self.part.out, id);
        }
        self.part.out.extend_from_slice(tail);
        Some(())
    }

    fn write_as(&mut self, job: &Job<'_>, line: &Other<'_>, id: &RecordId<'_>) {
        let mut envelope = Envelope::new(id);
        let rare = line.rare.as_deref();
        envelope.extra = rare.map_or(&[], |rare| &rare.extra);
        let compact = job.options.format == StreamFormat::Compact;
        let error = match &line.outcome {
            Ok(run) => {
                let Err(error) = self.write_decision(job, line, *run, envelope) else { return };
                error
            }
            Err(error) => (**error).clone(),
        };
        self.part.counters.count_error();
        if line.seen().is_some() {
            envelope.agreement = Some(Agreement::Unknown);
            self.part.counters.count_agreement(Agreement::Unknown);
        }
        if compact {
            write_compact_error(&mut self.part.out, id, error.kind().as_str());
        } else {
            write_error(&mut self.part.out, &envelope, &error);
            self.part.out.push(b'\n');
        }
    }

    fn write_decision(
        &mut self,
        job: &Job<'_>,
        line: &Other<'_>,
        run: Run,
        mut envelope: Envelope<'_>,
    ) -> Result<(), RequestError> {
        let decided = answer(&self.decider.resolver, run);
        let seen = line.seen();
        let explained = match job.options.format {
            StreamFormat::Explain => Some(self.decider.explain_run(run)?),
            _ => None,
        };
        if let Some(seen) = seen {
            let agreement = self.agreement(job, line, run, &decided, seen)?;
            envelope.agreement = Some(agreement);
            self.part.counters.count_agreement(agreement);
        }
        self.part.counters.count(decided.decision, decided.reason, decided.is_kind_uncertain());
        self.part.layers.count(decided.decision, decided.layer);
        let resolver = &self.decider.resolver;
        if let Some(explained) = &explained {
            write_explanation(&mut self.part.out, &envelope, explained, job.echo_context);
            self.part.out.push(b'\n');
        } else {
            let compact = job.options.format == StreamFormat::Compact;
            with_line(resolver, &decided, &mut self.name, |fast| {
                if compact {
                    write_compact(&mut self.part.out, envelope.id, fast);
                } else {
                    write_fast(&mut self.part.out, &envelope, fast);
                    self.part.out.push(b'\n');
                }
            });
        }
        Ok(())
    }

    /// F-35. Whether context was missing is looked at only where it matters.
    fn agreement(
        &self,
        job: &Job<'_>,
        line: &Other<'_>,
        run: Run,
        decided: &Answer,
        seen: ObservedDecision,
    ) -> Result<Agreement, RequestError> {
        let strict = job.options.strict_observed;
        let mut compared = Compared {
            decision: Some(decided.decision),
            kind_is_uncertain: decided.is_kind_uncertain(),
            context_may_be_incomplete: false,
        };
        let first = agreement(seen, compared, strict);
        // What is missing in partial context is unknown, and the decision says so.
        let is_partial = self.decider.resolver.is_partial;
        if first != Agreement::Disagrees || line.is_complete() || is_partial {
            return Ok(first);
        }
        let explained = self.decider.explain_run(run)?;
        compared.context_may_be_incomplete = !explained.missing_context_keys.is_empty();
        Ok(agreement(seen, compared, strict))
    }

    fn count_notes(&mut self) {
        let mut counts = [0; FLAG_NAMES.len()];
        let resolver = &self.decider.resolver;
        for (_, notes) in &resolver.rows.notes {
            self.part.n_assumed_owners += u64::from(notes.is_undeclared);
            for (count, flag) in counts.iter_mut().zip(notes.flags()) {
                *count += u64::from(flag);
            }
            for name in notes.long_names() {
                self.part.counters.count_note(&name, 1);
            }
        }
        for (name, count) in FLAG_NAMES.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            self.part.counters.count_note(name, count);
        }
    }
}

/// Hands on the fast part of a decision; `buffer` holds a name that is put together.
fn with_line(
    resolver: &Resolver<'_>,
    decided: &Answer,
    buffer: &mut String,
    take: impl FnOnce(&DecisionLine<'_>),
) {
    let first = decided.statement(resolver);
    take(&DecisionLine {
        decision: decided.decision,
        check: decided.check,
        layer: decided.layer,
        reason: decided.reason,
        allowed_by: decided.allowed_by,
        statement: first.as_ref().map(|first| first.as_fast(buffer)),
        bounds: decided.bounds,
        depends_on: &decided.depends_on,
    });
}
