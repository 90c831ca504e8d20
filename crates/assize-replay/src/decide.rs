//! One thread's part: records to requests, decided before and after, and grouped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use assize::{Decider, Engine};
use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::{Converted, Converter, Coverage, Record, SkipReason, Surroundings};
use assize_formats::{Agreement, DifferenceEffect, ObservedDecision, RecordId};
use assize_model::{ContextMode, PrincipalKind, Request, RequestError};
use assize_store::StoreSnapshot;

use crate::ReplayOptions;
use crate::alike::{Keys, Likeness, Sight};
use crate::answer::{Answer, Decided, SharedAnswers, Sides, Subject, located, stated_subject};
use crate::assume::{Assumption, Caller, assume_resources, assume_session, caller};
use crate::group::table::{Groups, Width};
use crate::group::{Event, GroupSide};
use crate::used::Uses;
use crate::world::{TOO_MANY_ACCOUNTS, Worlds};

/// Most requests that deciders answer; then new ones take their place. A decider keeps what it
/// resolved, which is worth its memory only while the same things come again.
const MAX_DECIDER_REQUESTS: u32 = 1 << 14;

/// What one thread makes of its records. It lasts as long as both worlds do, so that what was
/// resolved and decided once is found again.
pub(crate) struct Worker<'w> {
    worlds: &'w Worlds,
    before: Decider<'w>,
    after: Option<Decider<'w>>,
    /// Requests that both have answered.
    n_answered: u32,
    converter: Converter<'w>,
    keys: Keys<'w>,
    answers: &'w SharedAnswers,
    sides: Sides,
    keeps_all: bool,
    counts_uses: bool,
    tally: Tally,
}

/// What was counted and grouped.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) groups: Groups,
    pub(crate) coverage: Coverage,
    pub(crate) events: u64,
    pub(crate) errors: u64,
    /// Errors by code.
    pub(crate) error_codes: BTreeMap<Box<str>, u64>,
    pub(crate) indeterminate: u64,
    pub(crate) assumptions: BTreeMap<Assumption, u64>,
    /// Events of groups that are not kept, by effect.
    pub(crate) unkept: BTreeMap<DifferenceEffect, u64>,
    pub(crate) agree: u64,
    pub(crate) disagree: u64,
    pub(crate) unknown: u64,
    /// Events by day and effect, for the timeline: those of [`TIMELINE_DAYS`].
    pub(crate) days: BTreeMap<i64, BTreeMap<DifferenceEffect, u64>>,
    /// Calls by principal and action, if they are asked for.
    pub(crate) uses: Uses,
    /// Records without a time, where only some times are asked about.
    pub(crate) untimed: u64,
}

/// Seconds of a day.
const DAY: i64 = 86_400;
/// The days that may be on a timeline, from the epoch: those of 2000 to 2099. CloudTrail is of 2013.
const TIMELINE_DAYS: Range<i64> = 10_957..47_482;

impl Tally {
    /// Another one, whose groups are quickly taken in.
    pub(crate) fn beside(&self) -> Self {
        Self { groups: self.groups.beside(), ..Self::default() }
    }

    /// Takes in those of all threads, which were made beside it. What there may be too much of is
    /// bounded from one time to the next, so that it does not matter who counted what.
    pub(crate) fn add_all(&mut self, mut others: Vec<Self>, world: &StoreSnapshot) {
        let groups = others.iter_mut().map(|other| std::mem::take(&mut other.groups));
        self.groups.join(groups.collect());
        let uses = others.iter_mut().map(|other| std::mem::take(&mut other.uses));
        self.uses.join(uses.collect(), world);
        let is_full = self.coverage.is_full();
        for other in others {
            self.add(other, is_full);
        }
    }

    /// Takes in another thread's, beside its groups and uses.
    fn add(&mut self, other: Self, names_no_source: bool) {
        self.coverage.add(&other.coverage, names_no_source);
        self.events += other.events;
        self.errors += other.errors;
        self.indeterminate += other.indeterminate;
        self.agree += other.agree;
        self.disagree += other.disagree;
        self.unknown += other.unknown;
        for (code, n) in other.error_codes {
            *self.error_codes.entry(code).or_default() += n;
        }
        for (assumption, n) in other.assumptions {
            *self.assumptions.entry(assumption).or_default() += n;
        }
        for (effect, n) in other.unkept {
            *self.unkept.entry(effect).or_default() += n;
        }
        for (day, effects) in other.days {
            let own = self.days.entry(day).or_default();
            for (effect, n) in effects {
                *own.entry(effect).or_default() += n;
            }
        }
    }
}

impl<'w> Worker<'w> {
    pub(crate) fn new(
        (worlds, sight, answers): (&'w Worlds, &'w Sight, &'w SharedAnswers),
        (catalog, map, options): (&'w Catalog, &'w ApiMap, &ReplayOptions),
        tally: &Tally,
    ) -> Self {
        Self {
            worlds,
            before: worlds.before.decider(),
            after: worlds.after.as_ref().map(Engine::decider),
            n_answered: 0,
            converter: Converter::new(catalog, map, worlds.mode()),
            keys: Keys::new(sight, worlds.base()),
            answers,
            sides: Sides::default(),
            keeps_all: options.all,
            counts_uses: options.used,
            tally: tally.beside(),
        }
    }

    /// What was counted since it was asked for last.
    pub(crate) fn take_tally(&mut self) -> Tally {
        let beside = self.tally.beside();
        let mut tally = std::mem::replace(&mut self.tally, beside);
        tally.coverage = self.converter.take_coverage();
        tally
    }

    /// How closely events are grouped from now on.
    pub(crate) fn widen_groups(&mut self, width: Width) {
        self.tally.groups.width = width;
    }

    pub(crate) fn count_duplicate(&mut self, record: &Record<'_>) {
        self.converter.count_duplicate(record);
    }

    /// Decides one record.
    pub(crate) fn take<'a>(&mut self, record: &Record<'a>, surroundings: Surroundings<'a>)
    where
        'w: 'a,
    {
        let converted = match self.converter.convert(record, surroundings) {
            Ok(converted) => converted,
            Err(SkipReason::ResourceUnknown) if self.counts_uses => {
                return self.count_without_resources(record, surroundings);
            }
            Err(_) => return,
        };
        if self.counts_uses {
            let caller = caller(&converted.record.request);
            self.tally.uses.count(&converted, &caller, data_source(record));
        }
        self.take_converted(converted);
    }

    /// Decides the request of a record; gives whether it was decided already, with one that is
    /// alike.
    pub(crate) fn take_converted(&mut self, mut converted: Converted<'_>) -> bool {
        self.tally.events += 1;
        if self.worlds.is_full() && !self.knows_accounts(&converted) {
            count_error(&mut self.tally, TOO_MANY_ACCOUNTS);
            return false;
        }
        let likeness = self.likeness(&converted);
        if likeness.is_some() {
            let Self { answers, keys, tally, keeps_all, .. } = self;
            let count = |answer: &Answer| count(tally, answer, &converted, *keeps_all);
            if answers.with(&keys.key, count).is_some() {
                return true;
            }
        }
        let mut answer = self.answer(&mut converted);
        count(&mut self.tally, &answer, &converted, self.keeps_all);
        let Some(likeness) = likeness else { return false };
        if let Ok(decided) = &mut answer.decided {
            if !likeness.same_resources && self.shows_resource(decided) {
                return false;
            }
            decided.principal = decided.principal.take().filter(|_| likeness.same_caller);
        }
        self.answers.keep(&self.keys.key, answer);
        false
    }

    /// Whether the worlds have the accounts of the caller and of the log.
    fn knows_accounts(&self, converted: &Converted<'_>) -> bool {
        let caller = caller(&converted.record.request).account;
        caller.into_iter().chain(converted.recipient).all(|account| self.worlds.has(account))
    }

    /// Decides the request of a record for itself.
    #[cfg(test)]
    pub(crate) fn take_alone(&mut self, mut converted: Converted<'_>) {
        self.tally.events += 1;
        let answer = self.answer(&mut converted);
        count(&mut self.tally, &answer, &converted, self.keeps_all);
    }

    /// A call whose resource cannot be told was a use of its action all the same.
    fn count_without_resources<'a>(&mut self, record: &Record<'a>, surroundings: Surroundings<'a>)
    where
        'w: 'a,
    {
        if let Some(converted) = self.converter.without_resources(record, surroundings) {
            let caller = caller(&converted.record.request);
            self.tally.uses.count(&converted, &caller, data_source(record));
        }
    }

    /// How far events of the same key are alike; none for those that are decided one by one.
    fn likeness(&mut self, converted: &Converted<'_>) -> Option<Likeness> {
        // In complete mode an event that disagrees is explained by itself (F-35).
        if self.worlds.mode() == ContextMode::Complete {
            return None;
        }
        let Self { keys, before, after, .. } = self;
        // Both worlds have one catalog: where a resource has a kind in both, it is the same.
        keys.write(converted, &mut |action, arn| {
            let kind = before.resource_kind(action, arn)?;
            match after {
                Some(after) => after.resource_kind(action, arn),
                None => Some(kind),
            }
        })
    }

    /// Whether an answer, as the report shows it, tells of which resource it is.
    fn shows_resource(&self, decided: &Decided) -> bool {
        let is_kept = |effect: DifferenceEffect| self.keeps_all || !effect.is_unchanged();
        let is_shown = match decided.after {
            Some(_) => is_kept(decided.effect(None)),
            None => true,
        };
        matches!(decided.subject, Subject::Added(..)) || is_shown && decided.names_resource()
    }

    /// Decides a request of which nobody asked yet.
    fn answer(&mut self, converted: &mut Converted<'_>) -> Answer {
        self.n_answered += 1;
        if self.n_answered > MAX_DECIDER_REQUESTS {
            self.before = self.worlds.before.decider();
            self.after = self.worlds.after.as_ref().map(Engine::decider);
            self.n_answered = 1;
        }
        let mut assumptions = Vec::new();
        let recipient = converted.recipient;
        let request = &mut converted.record.request;
        // Nothing is assumed of a resource that a change gives a policy to.
        let mut changed = self.worlds.changed_resources().map(|world| (request.clone(), world));
        if let Some((request, world)) = &mut changed {
            assume_resources(request, recipient, world);
        }
        if self.worlds.assumes() && assume_resources(request, recipient, self.worlds.base()) {
            assumptions.push(Assumption::Resource);
        }
        if self.worlds.assumes() && assume_session(request, self.worlds.base(), &mut self.before) {
            assumptions.push(Assumption::Session);
        }
        let request = &converted.record.request;
        let after = changed.map(|(mut after, _)| {
            after.principal.clone_from(&request.principal);
            after
        });
        let caller = caller(request);
        self.assume(request, &caller, &mut assumptions);
        let seen = converted.record.observed.as_ref().and_then(|observed| observed.decision);
        let decided = self.decide(request, after.as_ref().unwrap_or(request), &caller, seen);
        Answer { assumptions, decided: decided.map_err(|error| error.kind().as_str()) }
    }

    fn assume(
        &self,
        request: &Request<'_>,
        caller: &Caller<'_>,
        assumptions: &mut Vec<Assumption>,
    ) {
        if !self.worlds.assumes() {
            return;
        }
        let endpoint = request.network.as_ref().and_then(|network| network.vpce.as_deref());
        if endpoint.is_some_and(|id| self.worlds.assumes_endpoint(id)) {
            assumptions.push(Assumption::Endpoint);
        }
        let is_assumed =
            caller.account.is_some_and(|account| self.worlds.base().account(account).is_none());
        if is_assumed && caller.kind != PrincipalKind::Root {
            assumptions.push(Assumption::Identity);
        }
        if self.worlds.assumes_organization() {
            assumptions.push(Assumption::Organization);
        }
    }

    /// Decides a request before, and what it is after the change.
    fn decide(
        &mut self,
        request: &Request<'_>,
        changed: &Request<'_>,
        caller: &Caller<'_>,
        seen: Option<ObservedDecision>,
    ) -> Result<Decided, RequestError> {
        let before = self.before.decide(request)?;
        let mut decisive = before.check;
        let before = self.sides.shared(located(&self.before, before));
        let is_removed = self.worlds.removed.iter().any(|arn| **arn == *caller.entity);
        let after = match &mut self.after {
            None => None,
            Some(_) if is_removed => Some(self.sides.shared(GroupSide::removed())),
            Some(after) => {
                let outcome = after.decide(changed)?;
                decisive = outcome.check;
                Some(self.sides.shared(located(after, outcome)))
            }
        };
        let subject = self.subject(request, decisive)?;
        let mut decided = Decided::new(caller, before, after, subject);
        if let Some(seen) = seen
            && self.worlds.mode() == ContextMode::Complete
            && decided.agreement(seen) == Agreement::Disagrees
        {
            let explained = self.worlds.before.explain(request)?;
            decided.lacks_context = !explained.missing_context_keys.is_empty();
        }
        Ok(decided)
    }

    /// What a check is about.
    fn subject(&self, request: &Request<'_>, check: u32) -> Result<Subject, RequestError> {
        let at = check as usize;
        if stated_subject(request, at).is_some() {
            return Ok(Subject::Check(at));
        }
        // A check that the service adds (E-68, E-90).
        let engine = self.worlds.after.as_ref().unwrap_or(&self.worlds.before);
        let explained = engine.explain(request)?;
        Ok(match explained.checks.get(at) {
            Some(check) => Subject::Added(check.action.clone(), check.resource.clone()),
            None => Subject::Added(Box::default(), Box::default()),
        })
    }
}

/// The service whose data event it is, if it is one.
fn data_source<'r>(record: &'r Record<'_>) -> Option<&'r str> {
    record.event_source.as_deref().filter(|_| record.is_data_event())
}

/// Counts an event that cannot be decided.
fn count_error(tally: &mut Tally, code: &str) {
    tally.errors += 1;
    *tally.error_codes.entry(code.into()).or_default() += 1;
}

/// Counts an event by its answer.
fn count(tally: &mut Tally, answer: &Answer, converted: &Converted<'_>, keeps_all: bool) {
    for assumption in &answer.assumptions {
        *tally.assumptions.entry(*assumption).or_default() += 1;
    }
    let decided = match &answer.decided {
        Ok(decided) => decided,
        Err(code) => return count_error(tally, code),
    };
    tally.indeterminate += u64::from(decided.is_indeterminate());
    let record = &converted.record;
    let seen = record.observed.as_ref().and_then(|observed| observed.decision);
    let agreement = seen.map(|seen| decided.agreement(seen));
    match agreement {
        Some(Agreement::Agrees) => tally.agree += 1,
        Some(Agreement::Disagrees) => tally.disagree += 1,
        Some(Agreement::Unknown) => tally.unknown += 1,
        None => {}
    }
    let effect = decided.effect(agreement);
    let time = record.request.time;
    let day = time.map(|time| time.div_euclid(DAY));
    if let Some(day) = day.filter(|day| TIMELINE_DAYS.contains(day)) {
        *tally.days.entry(day).or_default().entry(effect).or_default() += 1;
    }
    if effect.is_unchanged() && !keeps_all {
        *tally.unkept.entry(effect).or_default() += 1;
        return;
    }
    let (action, resource) = decided.subject.of(&record.request);
    let principal = match &decided.principal {
        Some(principal) => Cow::Borrowed(&**principal),
        None => caller(&record.request).entity,
    };
    tally.groups.count(Event {
        effect,
        decided,
        principal,
        action,
        resource: Cow::Borrowed(resource),
        time,
        observed: seen,
        id: record.id.as_ref().map(RecordId::as_str),
    });
}
