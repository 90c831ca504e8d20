//! The run: files in rounds, each round read, joined and decided on all cores.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use assize::BundledPolicies;
use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::{
    Directory, LogFault, Record, SeenEvents, SessionBook, SessionFacts, Surroundings, names_caller,
};
use assize_formats::ChangeSet;
use assize_model::{AccountId, EngineOptions};
use assize_store::StoreSnapshot;
use rayon::prelude::*;

use crate::checkpoint::{self, Identity};
use crate::decide::{Tally, Worker};
use crate::source::{LogProblem, LogSource, OpenLog};
use crate::world::{Start, Worlds};
use crate::{Error, ErrorKind, Filter, Report, Usage};

/// Text that is at hand at once, in bytes. What is joined within a log (copies of an event,
/// sessions and the calls that made them) is joined whatever the order within such a window.
const WINDOW_BYTES: usize = 64 << 20;
/// Files that are read at once.
const MAX_OPEN_FILES: usize = 64;
/// Least text that is read of a file at once, in bytes.
const MIN_READ_BYTES: usize = 1 << 20;
/// Records that one thread decides together.
const N_TASK_RECORDS: usize = 1_024;

/// How a log is replayed.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    /// Which events are asked about.
    pub filter: Filter,
    /// Nothing is assumed of what the world lacks (C-29).
    pub strict_world: bool,
    /// The management account of the organization that is assumed (C-29).
    pub management_account: Option<AccountId>,
    /// Groups that do not change are kept too (F-74).
    pub all: bool,
    /// What was granted is compared with what was used (F-59).
    pub used: bool,
}

/// A log against a world and changes of it.
#[derive(Debug)]
pub struct Replay {
    worlds: Worlds,
    map: Arc<ApiMap>,
    changes: Vec<String>,
    options: ReplayOptions,
    identity: Identity,
}

/// How far a replay has come.
#[derive(Clone, Copy)]
pub struct Progress<'r> {
    /// Records read.
    pub records: u64,
    /// Bytes of the files that a checkpoint says are done, as far as their lengths are known.
    pub resumed_bytes: u64,
    replay: &'r Replay,
    run: &'r Run,
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("records", &self.records).finish_non_exhaustive()
    }
}

impl Progress<'_> {
    /// All that [`Replay::resume`] needs to go on from here. It may be large: up to some tens of
    /// bytes for each of the last two million events.
    pub fn checkpoint(&self) -> Vec<u8> {
        checkpoint::write(self.replay, self.run)
    }

    /// Whether there is nothing left to go on with.
    pub fn is_at_end(&self) -> bool {
        self.run.is_at_end()
    }
}

/// A run between two rounds: all that a checkpoint holds.
#[derive(Default)]
pub(crate) struct Run {
    /// How many files there are in all.
    pub(crate) n_sources: usize,
    pub(crate) waiting: VecDeque<LogSource>,
    pub(crate) open: Vec<OpenLog>,
    /// Files that were read: place among all, name, length.
    pub(crate) done: Vec<(usize, String, Option<u64>)>,
    pub(crate) known: Known,
    pub(crate) tally: Tally,
    pub(crate) problems: Vec<LogProblem>,
    pub(crate) n_records: u64,
}

impl Run {
    fn is_at_end(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty()
    }

    /// Opens as many files as may be open at once.
    fn open_files(&mut self) {
        while self.open.len() < MAX_OPEN_FILES
            && let Some(source) = self.waiting.pop_front()
        {
            let position = self.n_sources - self.waiting.len() - 1;
            self.open.push(OpenLog::open(source, position));
        }
    }

    /// Ends a round: what was used of the text at hand is forgotten, files at their end are done.
    fn end_round(&mut self, used: Vec<usize>) {
        for (log, used) in self.open.iter_mut().zip(used) {
            log.consume(used);
            self.problems.extend(log.faults.drain(..).chain(log.problem.take()));
        }
        for log in self.open.extract_if(.., |log| log.is_at_end) {
            self.done.push((log.position, log.name, log.n_bytes));
        }
    }
}

impl Replay {
    /// A replay against a world, with changes laid over it in order. The engine options' context
    /// mode is the one that events are decided in.
    ///
    /// # Errors
    /// When a change does not fit the world, or the world cannot be decided with.
    pub fn new(
        world: StoreSnapshot,
        changes: Vec<ChangeSet>,
        engine_options: EngineOptions,
        options: ReplayOptions,
    ) -> Result<Self, Error> {
        let catalog =
            Catalog::bundled().map_err(|error| Error::caused(ErrorKind::Catalog, error))?;
        let map = ApiMap::bundled().map_err(|error| Error::caused(ErrorKind::Catalog, error))?;
        let managed =
            BundledPolicies::new().map_err(|error| Error::caused(ErrorKind::Catalog, error))?;
        let names: Vec<String> = changes.iter().map(|set| set.name().to_owned()).collect();
        let asked = format!("{engine_options:?} {options:?}");
        let worlds = Worlds::new(Start {
            base: world,
            changes,
            options: engine_options,
            catalog,
            managed,
            is_strict: options.strict_world,
            management_account: options.management_account,
        })?;
        let mut provenance = worlds.before.provenance();
        provenance.after = worlds.after.as_ref().map(|after| after.provenance().snapshot);
        let identity = Identity::new(provenance, &names, asked);
        Ok(Self { worlds, map, changes: names, options, identity })
    }

    /// Replays the files of a log. `progress` is told now and then how far it has come, and ends
    /// the run by giving false: the report is then of what was read so far.
    ///
    /// Memory is bounded by the world, a window of text and the groups, whatever the length of
    /// the log. The report does not depend on the number of threads.
    ///
    /// # Errors
    /// When the accounts of the log cannot be taken into the world. What is wrong with files and
    /// records is in the report.
    pub fn run(
        self,
        sources: Vec<LogSource>,
        progress: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Result<Report, Error> {
        let run = Run { n_sources: sources.len(), waiting: sources.into(), ..Run::default() };
        self.go(run, progress)
    }

    /// Goes on with a run where a checkpoint of it was made ([`Progress::checkpoint`]): no record
    /// counts twice, and the report is that of a run that was never stopped.
    ///
    /// # Errors
    /// When the checkpoint is damaged, or of another world, other changes, other options, other
    /// files or another version of this crate; else as [`Replay::run`].
    pub fn resume(
        mut self,
        checkpoint: &[u8],
        sources: Vec<LogSource>,
        progress: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Result<Report, Error> {
        let run = checkpoint::read(&mut self, checkpoint, sources)?;
        self.go(run, progress)
    }

    fn go(
        mut self,
        mut run: Run,
        progress: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Result<Report, Error> {
        let resumed_bytes = run.done.iter().filter_map(|(_, _, n_bytes)| *n_bytes).sum();
        let mut is_interrupted = false;
        while !run.is_at_end() {
            run.open_files();
            let n_bytes = (WINDOW_BYTES / run.open.len()).max(MIN_READ_BYTES);
            run.open.par_iter_mut().for_each(|log| log.fill(n_bytes));
            let Run { open, known, tally, problems, .. } = &mut run;
            let (used, n_records) = self.round(open, known, tally, problems)?;
            run.end_round(used);
            run.n_records += n_records;
            let at = Progress { records: run.n_records, resumed_bytes, replay: &self, run: &run };
            if !progress(at) {
                is_interrupted = !run.is_at_end();
                break;
            }
        }
        let uses = std::mem::take(&mut run.tally.uses);
        let usage = self
            .options
            .used
            .then(|| Usage::new(uses, &self.worlds, &self.map, &self.options.filter));
        let mut report =
            Report::new(&self.worlds, self.changes, run.tally, run.problems, is_interrupted);
        report.usage = usage;
        Ok(report)
    }

    /// What the run is, whatever accounts its log will name.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The accounts of the log that the world lacks.
    pub(crate) fn assumed_accounts(&self) -> &BTreeSet<AccountId> {
        self.worlds.assumed()
    }

    /// Takes accounts of the log into the worlds.
    pub(crate) fn take_in(&mut self, accounts: BTreeSet<AccountId>) -> Result<(), Error> {
        self.worlds.take_in(accounts)
    }

    /// Decides the text at hand; gives how much of each file is done with, and how many records
    /// there were.
    fn round(
        &mut self,
        open: &mut [OpenLog],
        known: &mut Known,
        tally: &mut Tally,
        problems: &mut Vec<LogProblem>,
    ) -> Result<(Vec<usize>, u64), Error> {
        let parsed: Vec<Parsed<'_>> = open.par_iter_mut().map(Parsed::read).collect();
        let mut taken: Vec<Taken<'_>> = Vec::new();
        let mut used = Vec::with_capacity(parsed.len());
        for part in parsed {
            used.push(part.used);
            problems.extend(part.problems);
            for (key, facts) in part.sessions {
                known.sessions.insert(key, facts);
            }
            taken.extend(part.records.into_iter().map(|record| Taken { record, is_copy: false }));
        }
        let n_records = taken.len() as u64;
        let filter = &self.options.filter;
        taken.retain(|taken| filter.admits(&taken.record));
        known.mark_copies(&mut taken);
        self.worlds.take_in(accounts(&taken))?;
        let (worlds, map, sessions) = (&self.worlds, &*self.map, &known.sessions);
        let directory = Entities(worlds.base());
        let surroundings = Surroundings { sessions, directory: &directory };
        let catalog = Arc::clone(worlds.catalog());
        let decided: Vec<Tally> = taken
            .par_chunks(N_TASK_RECORDS)
            .fold(
                || Worker::new(worlds, &catalog, map, &self.options),
                |mut worker, records| {
                    for taken in records {
                        if taken.is_copy {
                            worker.count_duplicate(&taken.record);
                        } else {
                            worker.take(&taken.record, surroundings);
                        }
                    }
                    worker
                },
            )
            .map(Worker::finish)
            .collect();
        for one in decided {
            tally.add(one);
        }
        Ok((used, n_records))
    }
}

/// A record, and whether it was read before.
struct Taken<'t> {
    record: Record<'t>,
    is_copy: bool,
}

/// What is remembered from round to round.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) seen: SeenEvents,
    pub(crate) sessions: SessionBook,
}

impl Known {
    /// F-51: of the copies of an event, that is kept which names its caller.
    fn mark_copies(&mut self, taken: &mut [Taken<'_>]) {
        for names_it in [true, false] {
            for taken in taken.iter_mut().filter(|t| names_caller(&t.record) == names_it) {
                taken.is_copy = !self.seen.is_new(&taken.record);
            }
        }
    }
}

/// The records of the text at hand of one file.
struct Parsed<'t> {
    records: Vec<Record<'t>>,
    sessions: Vec<(Box<str>, SessionFacts)>,
    problems: Vec<LogProblem>,
    used: usize,
}

impl<'t> Parsed<'t> {
    fn read(log: &'t mut OpenLog) -> Self {
        let OpenLog { name, reader, text, offset, is_at_end, problem, .. } = log;
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        let used = reader.read(text, *is_at_end, &mut records, &mut faults);
        // A file that broke off says so itself.
        if problem.is_some() {
            faults.retain(|fault: &LogFault| !fault.is_final);
        }
        let problems = faults.into_iter().map(|fault| LogProblem {
            file: name.clone(),
            offset: *offset + fault.offset as u64,
            message: fault.message,
            is_final: fault.is_final,
        });
        let problems = problems.collect();
        let sessions = records.iter().filter_map(SessionBook::facts).collect();
        Self { records, sessions, problems, used }
    }
}

/// Every account that the records name: of the caller, and of the log.
fn accounts(taken: &[Taken<'_>]) -> BTreeSet<AccountId> {
    let named = taken.iter().flat_map(|taken| {
        let identity = taken.record.identity.as_ref();
        let arn = identity.and_then(|identity| identity.arn.as_deref());
        let of_arn = arn.and_then(|arn| arn.split(':').nth(4));
        let stated = identity.and_then(|identity| identity.account.as_deref());
        [of_arn, stated, taken.record.recipient_account.as_deref()]
    });
    let unique: BTreeSet<&str> = named.flatten().collect();
    unique.into_iter().filter_map(|id| id.parse().ok()).collect()
}

/// Who is behind the unique ids of a world.
struct Entities<'w>(&'w StoreSnapshot);

impl Directory for Entities<'_> {
    fn entity_arn(&self, unique_id: &str) -> Option<&str> {
        self.0.by_unique_id(unique_id).map(assize_store::Entity::arn)
    }
}
