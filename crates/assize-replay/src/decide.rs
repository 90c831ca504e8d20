//! One thread's part: records to requests, decided before and after, and grouped.

use std::collections::BTreeMap;

use assize::{Decider, Engine, Outcome};
use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::{Converted, Converter, Coverage, Record, SkipReason, Surroundings};
use assize_formats::{Agreement, Compared, DifferenceEffect, ObservedDecision, agreement};
use assize_model::{
    ContextMode, Decision, PrincipalKind, Request, RequestError, StatementRef, Target,
};

use crate::ReplayOptions;
use crate::assume::{Assumption, Caller, assume_resources, caller};
use crate::group::{Group, GroupSide, Groups, effect, observed};
use crate::used::Uses;
use crate::world::Worlds;

/// What one thread makes of its records.
pub(crate) struct Worker<'w> {
    worlds: &'w Worlds,
    before: Decider<'w>,
    after: Option<Decider<'w>>,
    converter: Converter<'w>,
    keeps_all: bool,
    counts_uses: bool,
    pub(crate) tally: Tally,
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
    /// Events by day and effect, for the timeline.
    pub(crate) days: BTreeMap<i64, BTreeMap<DifferenceEffect, u64>>,
    /// Calls by principal and action, if they are asked for.
    pub(crate) uses: Uses,
}

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Tally {
    /// Takes in another thread's.
    pub(crate) fn add(&mut self, other: Self) {
        for group in other.groups.into_groups() {
            self.groups.add(group);
        }
        self.coverage.add(&other.coverage);
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
        self.uses.join(other.uses);
    }
}

impl<'w> Worker<'w> {
    pub(crate) fn new(
        worlds: &'w Worlds,
        catalog: &'w Catalog,
        map: &'w ApiMap,
        options: &ReplayOptions,
    ) -> Self {
        Self {
            worlds,
            before: worlds.before.decider(),
            after: worlds.after.as_ref().map(Engine::decider),
            converter: Converter::new(catalog, map, worlds.mode()),
            keeps_all: options.all,
            counts_uses: options.used,
            tally: Tally::default(),
        }
    }

    pub(crate) fn finish(mut self) -> Tally {
        self.tally.coverage = self.converter.coverage().clone();
        self.tally
    }

    pub(crate) fn count_duplicate(&mut self, record: &Record<'_>) {
        self.converter.count_duplicate(record);
    }

    /// Decides one record.
    pub(crate) fn take<'a>(&mut self, record: &Record<'a>, surroundings: Surroundings<'a>)
    where
        'w: 'a,
    {
        let mut converted = match self.converter.convert(record, surroundings) {
            Ok(converted) => converted,
            Err(SkipReason::ResourceUnknown) if self.counts_uses => {
                return self.count_without_resources(record, surroundings);
            }
            Err(_) => return,
        };
        self.tally.events += 1;
        if self.worlds.assumes() && assume_resources(&mut converted, self.worlds.base()) {
            *self.tally.assumptions.entry(Assumption::Resource).or_default() += 1;
        }
        let caller = caller(&converted.record.request);
        self.count_assumptions(&caller);
        if self.counts_uses {
            self.tally.uses.count(&converted, &caller, is_data_event(record));
        }
        match self.decide(&converted, &caller) {
            Ok(group) => self.keep(group, &converted),
            Err(error) => {
                self.tally.errors += 1;
                *self.tally.error_codes.entry(error.kind().as_str().into()).or_default() += 1;
            }
        }
    }

    /// A call whose resource cannot be told was a use of its action all the same.
    fn count_without_resources<'a>(&mut self, record: &Record<'a>, surroundings: Surroundings<'a>)
    where
        'w: 'a,
    {
        if let Some(converted) = self.converter.without_resources(record, surroundings) {
            let caller = caller(&converted.record.request);
            self.tally.uses.count(&converted, &caller, is_data_event(record));
        }
    }

    fn count_assumptions(&mut self, caller: &Caller<'_>) {
        if !self.worlds.assumes() {
            return;
        }
        let is_assumed =
            caller.account.is_some_and(|account| self.worlds.base().account(account).is_none());
        if is_assumed && caller.kind != PrincipalKind::Root {
            *self.tally.assumptions.entry(Assumption::Identity).or_default() += 1;
        }
        if self.worlds.assumes_organization() {
            *self.tally.assumptions.entry(Assumption::Organization).or_default() += 1;
        }
    }

    fn decide(
        &mut self,
        converted: &Converted<'_>,
        caller: &Caller<'_>,
    ) -> Result<Group, RequestError> {
        let request = &converted.record.request;
        let seen = converted.record.observed.as_ref().and_then(|observed| observed.decision);
        let before = self.before.decide(request)?;
        let mut decisive = before.check;
        let is_removed = self.worlds.removed.iter().any(|arn| **arn == *caller.entity);
        let after = match &mut self.after {
            None => None,
            Some(_) if is_removed => Some(GroupSide::removed()),
            Some(after) => {
                let outcome = after.decide(request)?;
                decisive = outcome.check;
                Some(GroupSide::of(outcome))
            }
        };
        if before.decision == Decision::Indeterminate {
            self.tally.indeterminate += 1;
        }
        let agreement = self.agreement(request, &before, seen)?;
        let before = GroupSide::of(before);
        let effect = match &after {
            Some(after) => effect(&before, after),
            None if agreement == Some(Agreement::Disagrees) => DifferenceEffect::Disagrees,
            None => DifferenceEffect::Same,
        };
        let (action, resource) = self.subject(request, decisive)?;
        let time = request.time.unwrap_or_default();
        Ok(Group {
            effect,
            principal: caller.entity.as_ref().into(),
            account: caller.account,
            action,
            resource,
            count: 1,
            first: time,
            last: time,
            before,
            after,
            observed: observed(seen),
            example: converted.record.id.as_ref().map(|id| id.as_str().into()),
        })
    }

    /// F-35.
    fn agreement(
        &mut self,
        request: &Request<'_>,
        before: &Outcome,
        seen: Option<ObservedDecision>,
    ) -> Result<Option<Agreement>, RequestError> {
        let Some(seen) = seen else { return Ok(None) };
        let mut compared = Compared {
            decision: Some(before.decision),
            kind_is_uncertain: false,
            context_may_be_incomplete: false,
        };
        let mut found = agreement(seen, compared, false);
        if found == Agreement::Disagrees && self.worlds.mode() == ContextMode::Complete {
            let explained = self.worlds.before.explain(request)?;
            compared.context_may_be_incomplete = !explained.missing_context_keys.is_empty();
            found = agreement(seen, compared, false);
        }
        match found {
            Agreement::Agrees => self.tally.agree += 1,
            Agreement::Disagrees => self.tally.disagree += 1,
            Agreement::Unknown => self.tally.unknown += 1,
        }
        Ok(Some(found))
    }

    /// The action and the resource of a check.
    fn subject(
        &self,
        request: &Request<'_>,
        check: u32,
    ) -> Result<(Box<str>, Box<str>), RequestError> {
        let at = check as usize;
        match &request.target {
            Target::Action { action, resources, .. } if resources.is_empty() && at == 0 => {
                Ok((action.as_ref().into(), "*".into()))
            }
            Target::Action { action, resources, .. } if at < resources.len() => {
                Ok((action.as_ref().into(), resources[at].arn.as_ref().into()))
            }
            Target::Checks(checks) if at < checks.len() => {
                let resource = checks[at].resource.as_deref().unwrap_or("*");
                Ok((checks[at].action.as_ref().into(), resource.into()))
            }
            // A check that the service adds (E-68, E-90).
            _ => {
                let engine = self.worlds.after.as_ref().unwrap_or(&self.worlds.before);
                let explained = engine.explain(request)?;
                Ok(match explained.checks.get(at) {
                    Some(check) => (check.action.clone(), check.resource.clone()),
                    None => (Box::default(), Box::default()),
                })
            }
        }
    }

    fn keep(&mut self, group: Group, converted: &Converted<'_>) {
        let day = group.first.div_euclid(DAY);
        *self.tally.days.entry(day).or_default().entry(group.effect).or_default() += 1;
        if group.effect.is_unchanged() && !self.keeps_all {
            *self.tally.unkept.entry(group.effect).or_default() += 1;
            return;
        }
        let found = group.clone();
        if !self.tally.groups.add(group) {
            return;
        }
        // The statements of a new group are looked up in their files, once.
        let request = &converted.record.request;
        let before = located(&self.worlds.before, request, &found.before);
        let after = self.worlds.after.as_ref().zip(found.after.as_ref());
        let after = after.and_then(|(engine, side)| located(engine, request, side));
        if let Some(group) = self.tally.groups.get_mut(&found) {
            if before.is_some() {
                group.before.statement = before;
            }
            if let Some(side) = &mut group.after
                && after.is_some()
            {
                side.statement = after;
            }
        }
    }
}

fn is_data_event(record: &Record<'_>) -> bool {
    record.event_category.as_deref() == Some("Data")
}

/// The statement of a side with the file it stands in.
fn located(engine: &Engine, request: &Request<'_>, side: &GroupSide) -> Option<StatementRef> {
    let wanted = side.statement.as_ref()?;
    let explained = engine.explain(request).ok()?;
    let mut all = explained.checks.into_iter().flat_map(|check| check.layers);
    let is_it =
        |found: &StatementRef| found.policy == wanted.policy && found.statement == wanted.statement;
    all.find_map(|layer| layer.allows.into_iter().chain(layer.denies).find(is_it))
}
