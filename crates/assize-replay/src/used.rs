//! Which granted actions were used, and which never in the window of the log (F-59).

mod grants;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::{Converted, MAX_SOURCES, OTHER_SOURCES, ShownActions};
use assize_formats::{
    ActionUse, ObservedCounts, ObservedDecision, UsageRecord, UsageSummary, grouped, write_usage,
    write_usage_header,
};
use assize_model::{AccountId, ActionId, Id as _, Target};
use assize_store::StoreSnapshot;
use hashbrown::HashMap;

use self::grants::Grants;
use crate::Filter;
use crate::assume::Caller;
use crate::report::{PIECE_BYTES, Report};
use crate::row::earlier;
use crate::world::Worlds;

/// What no log of CloudTrail shows.
const LIMITS: [&str; 6] = [
    "what was used before or after the log is not in it",
    "what trails leave out, such as read calls of a trail of write calls, and what accounts and \
     regions whose logs were not given did, is not in it: such actions count as never used",
    "calls on objects, items, messages, functions and the like are data events: they are in a log \
     only of resources that a trail is told to record, and count as never used otherwise",
    "iam:PassRole and other actions that a service checks beside the one called have no record \
     of their own",
    "conditions and resources of a grant are not looked at: an action counts as granted where any \
     statement of the principal's own policies allows it",
    "what service control, resource and session policies grant or take away is not looked at",
];
/// What a log without data events says of them.
const NO_DATA_EVENTS: &str = "this log holds no data events";

/// Most pairs of a principal and an action that are listed, but for what one round adds. Those of
/// principals that the world holds always are.
const MAX_USES: usize = 1 << 18;

/// The calls of a log, by who made them and the action they needed.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    table: HashMap<(Box<str>, Box<str>), Use>,
    /// Calls that were counted.
    pub(crate) events: u64,
    /// Uses that are not listed, for there would be too many.
    pub(crate) unlisted: u64,
    /// Of these, data events, by event source.
    pub(crate) data_events: BTreeMap<Box<str>, u64>,
}

/// The calls of one principal that needed one action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) account: Option<AccountId>,
    pub(crate) observed: ObservedCounts,
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
}

/// A pair of texts that finds an equal pair of boxed ones.
#[derive(Hash)]
struct Pair<'p>(&'p str, &'p str);

impl hashbrown::Equivalent<(Box<str>, Box<str>)> for Pair<'_> {
    fn equivalent(&self, key: &(Box<str>, Box<str>)) -> bool {
        self.0 == &*key.0 && self.1 == &*key.1
    }
}

impl Uses {
    /// Counts a call: once for each action that it needed. `data_source` is the service whose
    /// data event it is, if it is one.
    pub(crate) fn count(
        &mut self,
        converted: &Converted<'_>,
        caller: &Caller<'_>,
        data_source: Option<&str>,
    ) {
        self.events += 1;
        if let Some(source) = data_source {
            self.add_data_events(source, 1);
        }
        let record = &converted.record;
        let seen = record.observed.as_ref().and_then(|observed| observed.decision);
        let mut observed = ObservedCounts::default();
        observed.count(seen.unwrap_or(ObservedDecision::Unknown));
        let time = record.request.time;
        let one = Use { account: caller.account, observed, first: time, last: time };
        match &record.request.target {
            Target::Action { action, .. } => self.add(&caller.entity, action, one),
            Target::Checks(checks) => {
                let actions: BTreeSet<&str> = checks.iter().map(|check| &*check.action).collect();
                for action in actions {
                    self.add(&caller.entity, action, one);
                }
            }
        }
    }

    /// Takes in those of all threads.
    pub(crate) fn join(&mut self, others: Vec<Self>, world: &StoreSnapshot) {
        let is_full = self.table.len() >= MAX_USES;
        let names_source = self.data_events.len() < MAX_SOURCES;
        for other in others {
            self.events += other.events;
            for (source, n) in &other.data_events {
                let is_named = names_source || self.data_events.contains_key(source);
                self.add_data_events(if is_named { source } else { OTHER_SOURCES }, *n);
            }
            for ((principal, action), one) in other.table {
                let is_listed = !is_full
                    || self.table.contains_key(&Pair(&principal, &action))
                    || world.user_by_arn(&principal).is_some()
                    || world.role_by_arn(&principal).is_some();
                if is_listed {
                    self.add(&principal, &action, one);
                } else {
                    let ObservedCounts { allowed, denied, unknown } = one.observed;
                    self.unlisted += allowed + denied + unknown;
                }
            }
        }
    }

    fn add_data_events(&mut self, source: &str, n: u64) {
        match self.data_events.get_mut(source) {
            Some(known) => *known += n,
            None => {
                self.data_events.insert(source.into(), n);
            }
        }
    }

    /// What a log of these calls cannot show.
    fn limits(&self) -> Vec<String> {
        let sources: Vec<&str> = self.data_events.keys().map(|source| &**source).collect();
        let held = match sources.as_slice() {
            [] => NO_DATA_EVENTS.to_owned(),
            sources => format!("this log holds data events of {} alone", sources.join(", ")),
        };
        let unlisted = (self.unlisted > 0).then(|| {
            let (n, most) = (grouped(self.unlisted), grouped(MAX_USES as u64));
            format!(
                "more than {most} pairs of a principal and an action: {n} uses by principals that \
                 the world lacks are counted and not listed"
            )
        });
        LIMITS.into_iter().map(str::to_owned).chain([held]).chain(unlisted).collect()
    }

    pub(crate) fn add(&mut self, principal: &str, action: &str, one: Use) {
        match self.table.get_mut(&Pair(principal, action)) {
            Some(known) => {
                known.observed.add(one.observed);
                known.first = earlier(known.first, one.first);
                known.last = known.last.max(one.last);
            }
            None => {
                self.table.insert((principal.into(), action.into()), one);
            }
        }
    }

    /// All uses, by principal and action.
    pub(crate) fn sorted(&self) -> Vec<(&str, &str, Use)> {
        let all =
            self.table.iter().map(|((principal, action), one)| (&**principal, &**action, *one));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by_key(|(principal, action, _)| (*principal, *action));
        all
    }

    /// All uses, by principal and action.
    fn into_sorted(self) -> Vec<(Box<str>, Box<str>, Use)> {
        let all = self.table.into_iter().map(|((principal, action), one)| (principal, action, one));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        all
    }
}

/// Which granted actions were used, and which never.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Everyone whom the log shows or the world holds, by ARN.
    pub principals: Vec<PrincipalUsage>,
    /// The times of the first and the last call, in seconds since the epoch.
    pub window: Option<(i64, i64)>,
    /// What the log cannot show.
    pub limits: Vec<String>,
    /// Calls that were counted.
    pub events: u64,
}

/// What one principal did with what it was granted.
#[derive(Debug, Clone)]
pub struct PrincipalUsage {
    /// The entity's ARN, a service's name, `anonymous`.
    pub principal: Box<str>,
    /// Its account.
    pub account: Option<AccountId>,
    /// How many actions its policies grant; none where the world does not hold it.
    pub granted: Option<u64>,
    /// The actions that the log shows, most calls first.
    pub used: Vec<ActionUse>,
    /// Granted actions that the log would show, and does not; `service:*` for all of a service.
    pub never: Vec<String>,
    /// How many actions these are.
    pub n_never: u64,
    /// Granted actions whose use no log shows.
    pub not_shown: Vec<String>,
}

impl PrincipalUsage {
    /// The record of the wire format.
    pub fn record(&self) -> UsageRecord<'_> {
        UsageRecord {
            principal: &self.principal,
            account: self.account,
            granted: self.granted,
            used: &self.used,
            never: &self.never,
            not_shown: &self.not_shown,
        }
    }
}

impl Usage {
    /// What the calls of a log say of the grants of a world.
    pub(crate) fn new(uses: Uses, worlds: &Worlds, map: &ApiMap, filter: &Filter) -> Self {
        let catalog = worlds.catalog();
        let limits = uses.limits();
        let events = uses.events;
        let uses = uses.into_sorted();
        let first = uses.iter().filter_map(|(_, _, one)| one.first).min();
        let window = first.zip(uses.iter().filter_map(|(_, _, one)| one.last).max());
        let mut by_principal: BTreeMap<Box<str>, Vec<(Box<str>, Use)>> = BTreeMap::new();
        for (principal, action, one) in uses {
            by_principal.entry(principal).or_default().push((action, one));
        }
        let grants = Grants::new(worlds, map, filter);
        for arn in grants.entities() {
            by_principal.entry(arn.into()).or_default();
        }
        let shown = ShownActions::new(catalog, map);
        let principals = by_principal
            .into_iter()
            .map(|(principal, uses)| principal_usage(principal, uses, &grants, catalog, &shown));
        Self { principals: principals.collect(), window, limits, events }
    }

    /// Writes the usage stream of a report, piece by piece.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_stream(&self, report: &Report, out: &mut impl Write) -> io::Result<()> {
        let mut piece = Vec::new();
        write_usage_header(&mut piece, self.window, &self.limits, &report.provenance);
        for principal in &self.principals {
            write_usage(&mut piece, &principal.record());
            if piece.len() >= PIECE_BYTES {
                out.write_all(&piece)?;
                piece.clear();
            }
        }
        let summary = UsageSummary {
            events: self.events,
            principals: self.principals.len() as u64,
            idle: self.principals.iter().filter(|one| one.used.is_empty()).count() as u64,
            skipped: report.summary().skipped,
            interrupted: report.is_interrupted,
        };
        summary.write(&mut piece);
        out.write_all(&piece)
    }
}

/// The actions of a catalog as a set: whether each is in it, by its position.
type ActionSet = Vec<bool>;

fn principal_usage(
    principal: Box<str>,
    uses: Vec<(Box<str>, Use)>,
    grants: &Grants<'_>,
    catalog: &Catalog,
    shown: &ShownActions,
) -> PrincipalUsage {
    let granted = grants.of(&principal);
    let is_in = |set: &ActionSet, id: ActionId| set.get(id.index()).copied().unwrap_or_default();
    let mut account = uses.iter().find_map(|(_, one)| one.account);
    let mut used: Vec<ActionUse> = Vec::with_capacity(uses.len());
    let mut seen: BTreeSet<ActionId> = BTreeSet::new();
    let mut beside: BTreeSet<ActionId> = BTreeSet::new();
    for (action, one) in uses {
        let id = catalog.action_by_full_name(&action);
        let is_granted = granted.as_ref().and_then(|(_, set)| match id {
            Some(id) => Some(is_in(set, id)),
            // The log may name the service otherwise than policies do: only a match says something.
            None => grants.name_unknown(&principal, &action).then_some(true),
        });
        if let Some(id) = id {
            seen.insert(id);
            beside.extend(shown.beside(catalog, id));
        }
        let Use { observed, first, last, .. } = one;
        used.push(ActionUse { action, is_granted, observed, first, last });
    }
    used.sort_by(|a, b| b.count().cmp(&a.count()).then_with(|| a.action.cmp(&b.action)));
    let (mut never, mut not_shown) = (Vec::new(), Vec::new());
    let (mut n_granted, mut n_never) = (None, 0);
    if let Some((owner, set)) = granted {
        account = account.or(Some(owner));
        n_granted = Some(set.iter().filter(|is_in| **is_in).count() as u64);
        for service in catalog.services() {
            let all: Vec<ActionId> = service.actions().collect();
            let idle = |id: &&ActionId| is_in(&set, **id) && !seen.contains(*id);
            let (own, other): (Vec<ActionId>, Vec<ActionId>) = all
                .iter()
                .filter(idle)
                .partition(|id| shown.is_shown(**id) && !beside.contains(*id));
            n_never += own.len() as u64;
            // One name for a service says of every action that a log would show it.
            if own.len() == all.len() && all.len() > 1 {
                never.push(format!("{}:*", service.prefix()));
                continue;
            }
            let names = |ids: Vec<ActionId>| {
                let names = ids.into_iter().map(|id| catalog.action_ref(id).full_name());
                names.collect::<Vec<_>>()
            };
            never.extend(names(own));
            not_shown.extend(names(other));
        }
    }
    PrincipalUsage { principal, account, granted: n_granted, used, never, n_never, not_shown }
}
