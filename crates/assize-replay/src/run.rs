//! The run: files in rounds, each round read, joined and decided on all cores, the next one being
//! read meanwhile.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use assize::BundledPolicies;
use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::{
    Directory, EventIds, LogFault, Malformed, Record, SeenEvents, SessionBook, SessionFacts,
    Surroundings, is_secret_of, named_owner,
};
use assize_formats::ChangeSet;
use assize_model::{AccountId, ArnParts, EngineOptions};
use assize_store::{StoreSnapshot, fold_name};
use rayon::prelude::*;

use crate::alike::Sight;
use crate::answer::SharedAnswers;
use crate::checkpoint::{self, FileMark, Identity};
use crate::decide::{Tally, Worker};
use crate::source::{LogProblem, LogSource, OpenLog, Problems, Seal};
use crate::world::{Named, Start, Worlds};
use crate::{Error, ErrorKind, Filter, Report, Usage};

/// Text that is at hand at once, in bytes. What is joined within a log (copies of an event,
/// sessions and the calls that made them) is joined whatever the order within such a window.
const WINDOW_BYTES: usize = 32 << 20;
/// Files that are read at once.
const MAX_OPEN_FILES: usize = 64;
/// Least text that is read of a file at once, in bytes.
const MIN_READ_BYTES: usize = 512 << 10;
/// Bytes of a record, more or less: what memory is set aside by.
const N_RECORD_BYTES: usize = 1_000;
/// What the ids of VPC endpoints begin with.
const ENDPOINT: &str = "vpce-";
/// Records that one thread decides together.
const N_TASK_RECORDS: usize = 1_024;

/// How a log is replayed.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    /// Which events are asked about.
    pub filter: Filter,
    /// Nothing is assumed of what the world lacks, nor of sessions whose making the log lacks
    /// (C-29).
    pub strict_world: bool,
    /// The management account of the organization that is assumed (C-29).
    pub management_account: Option<AccountId>,
    /// Groups that do not change are kept too (F-74).
    pub all: bool,
    /// What was granted is compared with what was used (F-59).
    pub used: bool,
    /// Checkpoints can be made of the run ([`Progress::checkpoint`]), for which all text is summed
    /// up.
    pub resumable: bool,
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
    /// None of a run that is not [`ReplayOptions::resumable`].
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        let is_resumable = self.replay.options.resumable;
        is_resumable.then(|| checkpoint::write(self.replay, self.run))
    }

    /// Whether there is nothing left to go on with.
    pub fn is_at_end(&self) -> bool {
        self.run.is_at_end()
    }
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct DoneLog {
    /// Its place among the files.
    pub(crate) position: usize,
    pub(crate) name: String,
    pub(crate) n_bytes: Option<u64>,
    pub(crate) seal: Seal,
}

/// A run between two rounds: all that a checkpoint holds.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) files: Files,
    pub(crate) known: Known,
    pub(crate) tally: Tally,
    pub(crate) problems: Problems,
    pub(crate) n_records: u64,
}

impl Run {
    fn is_at_end(&self) -> bool {
        self.files.waiting.is_empty() && self.files.marks.is_empty()
    }
}

/// The files of a run.
#[derive(Default)]
pub(crate) struct Files {
    /// How many there are in all.
    pub(crate) n_sources: usize,
    pub(crate) waiting: VecDeque<LogSource>,
    /// Those that are read, where nobody is reading.
    pub(crate) open: Vec<OpenLog>,
    /// Where those were that are read, before they are read on: what a checkpoint says of them.
    pub(crate) marks: Vec<(usize, FileMark)>,
    pub(crate) done: Vec<DoneLog>,
    /// The memory of text and records that are done with.
    spare: Vec<Vec<u8>>,
    spare_records: Vec<Vec<Record<'static>>>,
}

/// Files that are read on, while what was read before is decided.
struct Reading {
    open: Vec<OpenLog>,
    /// Files that are opened, with their places among all and memory for them.
    next: Vec<(LogSource, usize, Vec<u8>)>,
    /// Whether what is read is summed up, for a checkpoint.
    is_resumable: bool,
}

impl Reading {
    /// Opens what is to be opened, and reads on in all files, on all cores.
    fn read_on(&mut self) {
        let Self { open, next, is_resumable } = self;
        let opened = next.drain(..);
        open.extend(opened.map(|(source, position, room)| OpenLog::open(source, position, room)));
        let n_bytes = (WINDOW_BYTES / open.len().max(1)).max(MIN_READ_BYTES);
        open.par_iter_mut().for_each(|log| log.fill(n_bytes, *is_resumable));
    }
}

impl Files {
    /// Begins to read on: in as many files as may be open at once.
    fn set_out(&mut self, is_resumable: bool) -> Reading {
        let open = std::mem::take(&mut self.open);
        self.marks = open.iter().map(|log| (log.position, FileMark::of(log))).collect();
        let mut next = Vec::new();
        while self.marks.len() < MAX_OPEN_FILES
            && let Some(source) = self.waiting.pop_front()
        {
            let position = self.n_sources - self.waiting.len() - 1;
            self.marks.push((position, FileMark::waiting(&source)));
            next.push((source, position, self.spare.pop().unwrap_or_default()));
        }
        Reading { open, next, is_resumable }
    }

    /// The text at hand of each open file, which makes room for more.
    fn take_texts(&mut self) -> Vec<Vec<u8>> {
        let Self { open, spare, .. } = self;
        let room = || spare.pop().unwrap_or_default();
        open.iter_mut().zip(std::iter::repeat_with(room)).map(|(log, r)| log.take_text(r)).collect()
    }

    /// Files at their end are done; a checkpoint names them.
    fn close(&mut self, is_resumable: bool) {
        for log in self.open.extract_if(.., |log| log.is_at_end) {
            let seal = log.seal();
            let OpenLog { position, name, n_bytes, mut text, .. } = log;
            if is_resumable {
                self.done.push(DoneLog { position, name, n_bytes, seal });
            }
            text.clear();
            self.spare.push(text);
        }
    }

    /// The memory of text that is done with is used again.
    fn give_back(&mut self, texts: Vec<Vec<u8>>) {
        self.spare.extend(texts.into_iter().map(|mut text| {
            text.clear();
            text
        }));
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
    /// Memory is bounded by the world with so many accounts of the log, two windows of text, the
    /// groups and the names of the files, whatever the length of the log. The report does not
    /// depend on the number of threads.
    ///
    /// # Errors
    /// When the accounts of the log cannot be taken into the world. What is wrong with files and
    /// records is in the report.
    pub fn run(
        self,
        sources: Vec<LogSource>,
        progress: &mut (dyn FnMut(Progress<'_>) -> bool + Send),
    ) -> Result<Report, Error> {
        let files = Files { n_sources: sources.len(), waiting: sources.into(), ..Files::default() };
        self.go(Run { files, ..Run::default() }, progress)
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
        progress: &mut (dyn FnMut(Progress<'_>) -> bool + Send),
    ) -> Result<Report, Error> {
        let run = checkpoint::read(&mut self, checkpoint, sources)?;
        self.go(run, progress)
    }

    /// Runs to the end, and reports.
    fn go(
        mut self,
        mut run: Run,
        progress: &mut (dyn FnMut(Progress<'_>) -> bool + Send),
    ) -> Result<Report, Error> {
        let mut is_interrupted = false;
        let catalog = Arc::clone(self.worlds.catalog());
        let map = Arc::clone(&self.map);
        let mut sight = self.worlds.sight();
        let mut answers = SharedAnswers::default();
        let hiring = (&*catalog, &*map, &self.options);
        let mut crew = Crew::new((&self.worlds, &sight, &answers), hiring, &run.tally);
        let mut reading = run.files.set_out(self.options.resumable);
        reading.read_on();
        while !run.is_at_end() {
            run.files.open = reading.open;
            let texts = run.files.take_texts();
            let round = Round::read(&mut run, &texts, &self.options);
            if self.worlds.lacks_any(&round.named) {
                // What was decided stands; what was resolved has to be found anew.
                crew.dismiss();
                self.worlds.take_in(&round.named)?;
                sight = self.worlds.sight();
                answers = SharedAnswers::default();
                crew = Crew::new((&self.worlds, &sight, &answers), hiring, &run.tally);
            }
            reading = run.files.set_out(self.options.resumable);
            let decide = || {
                round.decide(&mut run, &mut crew, self.worlds.base());
                progress(Progress { records: run.n_records, replay: &self, run: &run })
            };
            let (goes_on, ()) = rayon::join(decide, || reading.read_on());
            run.files.give_back(texts);
            if !goes_on {
                is_interrupted = !run.is_at_end();
                break;
            }
        }
        let Run { mut tally, problems, files, .. } = run;
        let uses = std::mem::take(&mut tally.uses);
        let Self { worlds, map, changes, options, .. } = &self;
        let write = || {
            let changes = changes.clone();
            let mut report = Report::new(worlds, changes, tally, problems, is_interrupted);
            report.usage = options.used.then(|| Usage::new(uses, worlds, map, &options.filter));
            report
        };
        // What was worked out is much to forget.
        let forget = || {
            drop(files);
            crew.dismiss();
        };
        let (report, ()) = rayon::join(write, forget);
        answers.dismiss();
        Ok(report)
    }

    /// What the run is, whatever accounts its log will name.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What of the log the world lacks.
    pub(crate) fn assumed(&self) -> Named {
        self.worlds.assumed()
    }

    /// Takes what the world lacks of the log into the worlds.
    pub(crate) fn take_in(&mut self, named: &Named) -> Result<(), Error> {
        self.worlds.take_in(named)
    }
}

/// The text at hand of all open files, read and joined.
struct Round<'t> {
    /// The records that are asked about, by file.
    records: Vec<Vec<Record<'t>>>,
    /// What tells copies among them, in the same order.
    ids: Vec<Vec<EventIds>>,
    /// What the records name that the world may lack.
    named: Named,
}

/// Records, and which of them were read before.
type Task<'r, 't> = (&'r [Record<'t>], &'r [bool]);

impl<'t> Round<'t> {
    fn read(run: &mut Run, texts: &'t [Vec<u8>], options: &ReplayOptions) -> Self {
        let Run { files, known, problems, n_records, tally } = run;
        files.spare_records.resize_with(texts.len(), Vec::new);
        let memories = files.spare_records.par_drain(..);
        let logs = files.open.par_iter_mut().zip(texts).zip(memories);
        let mut parsed: Vec<Parsed<'t>> = logs
            .map(|((log, text), memory)| Parsed::read(log, text, emptied(memory), &options.filter))
            .collect();
        if !options.filter.accounts.is_empty() {
            keep_copies(&mut parsed, &options.filter);
        }
        let mut round = Self {
            records: Vec::with_capacity(parsed.len()),
            ids: Vec::with_capacity(parsed.len()),
            named: Named::default(),
        };
        for part in parsed {
            *n_records += part.n_records;
            tally.coverage.count_malformed(part.malformed.n);
            problems.count(part.malformed.n_untold);
            tally.untimed += part.n_untimed;
            problems.extend(part.problems);
            for (key, facts) in part.sessions {
                known.sessions.insert(key, facts);
            }
            round.named.extend(part.named);
            round.ids.push(part.ids);
            round.records.push(part.records);
        }
        for log in &mut files.open {
            problems.extend(log.faults.drain(..).chain(log.problem.take()));
        }
        files.close(options.resumable);
        round
    }

    /// The records in parts, with those that were read before.
    fn tasks<'r>(&'r self, mut copies: &'r [bool]) -> Vec<Task<'r, 't>> {
        let mut tasks = Vec::new();
        for records in self.records.iter().flat_map(|records| records.chunks(N_TASK_RECORDS)) {
            let (own, rest) = copies.split_at(records.len());
            tasks.push((records, own));
            copies = rest;
        }
        tasks
    }

    /// Decides all of it; meanwhile the text of the next round is read.
    fn decide<'w: 't>(self, run: &mut Run, crew: &mut Crew<'w>, world: &'t StoreSnapshot) {
        let Run { files, known: Known { seen, sessions }, tally, .. } = run;
        let directory = Entities::of(world);
        let surroundings = Surroundings { sessions, directory: &directory };
        // Groups are widened from round to round, so that it does not matter who counts what.
        let width = tally.groups.next_width();
        crew.workers.iter_mut().for_each(|worker| worker.widen_groups(width));
        crew.decide(&self.tasks(&copies(seen, &self.ids)), surroundings);
        files.spare_records = self.records.into_par_iter().map(emptied).collect();
        tally.add_all(crew.workers.iter_mut().map(Worker::take_tally).collect(), world);
    }
}

/// The memory of records, for others.
fn emptied<'t>(mut records: Vec<Record<'_>>) -> Vec<Record<'t>> {
    records.clear();
    // Collecting from a vector uses its memory again.
    records.into_iter().map_while(|_| None).collect()
}

/// All threads at work.
struct Crew<'w> {
    workers: Vec<Worker<'w>>,
}

impl<'w> Crew<'w> {
    fn new(
        of: (&'w Worlds, &'w Sight, &'w SharedAnswers),
        with: (&'w Catalog, &'w ApiMap, &ReplayOptions),
        tally: &Tally,
    ) -> Self {
        let n_threads = rayon::current_num_threads();
        let workers = (0..n_threads).map(|_| Worker::new(of, with, tally));
        Self { workers: workers.collect() }
    }

    /// Forgets what was worked out, which is much, on all cores.
    fn dismiss(self) {
        self.workers.into_par_iter().for_each(drop);
    }

    /// Decides records, by whoever is free.
    fn decide<'a>(&mut self, tasks: &[Task<'_, 'a>], surroundings: Surroundings<'a>)
    where
        'w: 'a,
    {
        let next = AtomicUsize::new(0);
        self.workers.par_iter_mut().for_each(|worker| {
            while let Some((records, copies)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                for (record, is_copy) in records.iter().zip(*copies) {
                    if *is_copy {
                        worker.count_duplicate(record);
                    } else {
                        worker.take(record, surroundings);
                    }
                }
            }
        });
    }
}

/// What is remembered from round to round.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) seen: SeenEvents,
    pub(crate) sessions: SessionBook,
}

/// F-51: which events are copies; of those, that is kept which tells most of its caller.
fn copies(seen: &mut SeenEvents, ids: &[Vec<EventIds>]) -> Vec<bool> {
    let mut copies = vec![false; ids.iter().map(Vec::len).sum()];
    for rank in EventIds::RANKS {
        for (ids, is_copy) in ids.iter().flatten().zip(&mut copies) {
            if ids.rank() == rank {
                *is_copy = !seen.is_new(ids);
            }
        }
    }
    copies
}

/// The records of the text at hand of one file.
struct Parsed<'t> {
    /// Those that are asked about.
    records: Vec<Record<'t>>,
    ids: Vec<EventIds>,
    named: Named,
    sessions: Vec<(Box<str>, SessionFacts)>,
    problems: Vec<LogProblem>,
    n_records: u64,
    /// What stands in the place of records and is none.
    malformed: Malformed,
    /// Records without a time, where only some times are asked about.
    n_untimed: u64,
}

impl<'t> Parsed<'t> {
    /// Reads the text that was at hand of a file; what is no whole record yet stays at hand.
    /// Where only some accounts are asked about, [`keep_copies`] has the last word.
    fn read(
        log: &mut OpenLog,
        text: &'t [u8],
        mut records: Vec<Record<'t>>,
        filter: &Filter,
    ) -> Self {
        let OpenLog { name, reader, offset, is_at_end, problem, malformed, .. } = log;
        records.reserve(text.len() / N_RECORD_BYTES);
        let mut faults = Vec::new();
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
        let mut malformed = std::mem::take(malformed);
        malformed.add(reader.take_malformed());
        log.keep_rest(text, used);
        let sessions = records.iter().filter_map(SessionBook::facts).collect();
        let n_records = records.len() as u64;
        let n_untimed = records.iter().filter(|record| filter.lacks_time(record)).count() as u64;
        records.retain(|record| filter.admits(record) || filter.admits_with_copy(record));
        let (ids, named) = (Vec::new(), Named::default());
        let mut read =
            Self { records, ids, named, sessions, problems, n_records, malformed, n_untimed };
        if filter.accounts.is_empty() {
            read.take_names();
        }
        read
    }

    /// Reads off the records that stay what tells copies and what the world may lack.
    fn take_names(&mut self) {
        self.ids = self.records.iter().map(EventIds::of).collect();
        self.named = named(&self.records);
    }
}

/// Of the events of other accounts, keeps those of which a copy is asked about.
fn keep_copies(parsed: &mut [Parsed<'_>], filter: &Filter) {
    let all = parsed.iter().flat_map(|part| &part.records);
    let admitted = all.filter(|record| filter.admits(record));
    let shared: BTreeSet<Box<str>> =
        admitted.filter_map(|record| record.shared_event_id.as_deref()).map(Into::into).collect();
    parsed.par_iter_mut().for_each(|part| {
        part.records.retain(|record| {
            let is_shared = record.shared_event_id.as_deref().is_some_and(|id| shared.contains(id));
            is_shared || filter.admits(record)
        });
        part.take_names();
    });
}

/// What some records name that the world may lack.
fn named(records: &[Record<'_>]) -> Named {
    let mut unique: BTreeSet<&str> = BTreeSet::new();
    let mut owners: BTreeSet<&str> = BTreeSet::new();
    let mut named_owners: BTreeSet<AccountId> = BTreeSet::new();
    let mut endpoints: BTreeSet<(&str, &str)> = BTreeSet::new();
    // Records of one caller and one log stand together.
    let mut last = [""; 3];
    for record in records {
        let identity = record.identity.as_ref();
        let arn = identity.and_then(|identity| identity.arn.as_deref());
        let of_arn = arn.and_then(|arn| arn.split(':').nth(4));
        let stated = identity.and_then(|identity| identity.account.as_deref());
        let named = [of_arn, stated, record.recipient_account.as_deref()];
        for (last, named) in last.iter_mut().zip(named) {
            if let Some(named) = named.filter(|named| named != last) {
                unique.insert(named);
                *last = named;
            }
        }
        for resource in &record.resources {
            let of_arn = resource.arn.as_deref().and_then(|arn| arn.split(':').nth(4));
            let owner = resource.account.as_deref().or(of_arn);
            owners.extend(owner.filter(|owner| !owner.is_empty() && !last.contains(owner)));
        }
        named_owners.extend(named_owner(record));
        let endpoint = record.vpc_endpoint.as_deref().filter(|id| id.starts_with(ENDPOINT));
        endpoints.extend(endpoint.zip(record.vpc_endpoint_account.as_deref()));
    }
    let owned = |(id, owner): (&str, &str)| Some((Box::from(id), owner.parse().ok()?));
    Named {
        accounts: unique.into_iter().filter_map(|id| id.parse().ok()).collect(),
        owners: owners.into_iter().filter_map(|id| id.parse().ok()).chain(named_owners).collect(),
        endpoints: endpoints.into_iter().filter_map(owned).collect(),
    }
}

/// What is behind the unique ids and the names of a world: of that before any change, since both
/// worlds are asked the same.
struct Entities<'w> {
    world: &'w StoreSnapshot,
    /// The ARNs of the secrets, in order, once one is looked for.
    secrets: OnceLock<Vec<&'w str>>,
}

impl<'w> Entities<'w> {
    fn of(world: &'w StoreSnapshot) -> Self {
        Self { world, secrets: OnceLock::new() }
    }

    fn secrets(&self) -> &[&'w str] {
        self.secrets.get_or_init(|| {
            let arns = self.world.resources().map(|resource| &*resource.arn);
            let is_secret = |arn: &&str| {
                ArnParts::split(arn).is_some_and(|parts| parts.service == "secretsmanager")
            };
            let mut secrets: Vec<_> = arns.filter(is_secret).collect();
            secrets.sort_unstable();
            secrets
        })
    }
}

impl Directory for Entities<'_> {
    fn entity_arn(&self, unique_id: &str) -> Option<&str> {
        self.world.by_unique_id(unique_id).map(assize_store::Entity::arn)
    }

    fn named_arn(&self, account: AccountId, kind: &str, name: &str) -> Option<&str> {
        let world = self.world;
        match kind {
            "user" => world.user(account, name).map(|user| &*user.arn),
            "role" => world.role(account, name).map(|role| &*role.arn),
            "group" => {
                let groups = &world.account(account)?.groups;
                groups.get(&*fold_name(name)).map(|group| &*group.arn)
            }
            "instance-profile" => {
                let profiles = &world.account(account)?.instance_profiles;
                profiles.get(&*fold_name(name)).map(|profile| &*profile.arn)
            }
            _ => None,
        }
    }

    fn secret_arn(&self, start: &str) -> Option<&str> {
        let secrets = self.secrets();
        let first = secrets.partition_point(|arn| *arn < start);
        let mut longer = secrets.iter().skip(first).take_while(|arn| arn.starts_with(start));
        longer.find(|arn| is_secret_of(arn, start)).copied()
    }
}
