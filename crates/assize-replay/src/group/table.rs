//! All groups of a run, of which there are never more than memory is meant for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use assize_formats::{DifferenceEffect, grouped};
use assize_store::parent;
use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;

use super::{Event, Group, GroupKey, order};

/// Parts that groups are kept in, by their hashes: what threads counted is joined part by part.
const N_PARTS: usize = 16;

/// Most groups of which each has its own resource.
pub(crate) const MAX_EXACT_GROUPS: usize = 1 << 17;
/// How many more there are of each width, but for what one round adds, before new events are
/// grouped still more widely.
const N_WIDER_GROUPS: usize = 1 << 15;

/// How closely new events are grouped: the more groups there are, the less closely, so that memory
/// stays bounded whatever the log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    /// Each resource has groups of its own.
    #[default]
    Exact,
    /// The objects of a bucket, the streams of a table and the like are one.
    Parent,
    /// All resources are one.
    AnyResource,
    /// The users and roles of an account are one too.
    AnyCaller,
    /// New groups are not made: other events are counted by their effect alone.
    Full,
}

impl Width {
    /// All but the first, in order.
    pub(crate) const WIDER: [Self; 4] =
        [Self::Parent, Self::AnyResource, Self::AnyCaller, Self::Full];

    /// The width at a number of groups.
    fn at(n_groups: usize) -> Self {
        let Some(n_more) = n_groups.checked_sub(MAX_EXACT_GROUPS) else { return Self::Exact };
        Self::WIDER.get(n_more / N_WIDER_GROUPS).copied().unwrap_or(Self::Full)
    }

    /// Names the resource and the principal of an event as widely; gives what was done to it.
    fn widen(self, event: &mut Event<'_>) -> Self {
        if self == Self::Parent {
            let parent = parent(&event.resource).map(|parent| parent.arn);
            let parent = parent.filter(|parent| event.resource.starts_with(&**parent));
            let Some(wider) = parent.map(|parent| format!("{parent}/*")) else {
                return Self::Exact;
            };
            event.resource = Cow::Owned(wider);
            return Self::Parent;
        }
        let mut done = Self::Exact;
        if self >= Self::AnyResource && event.resource != "*" {
            event.resource = Cow::Borrowed("*");
            done = Self::AnyResource;
        }
        if self >= Self::AnyCaller
            && let Some(account) = event.decided.account
        {
            event.principal = Cow::Owned(format!("arn:aws:iam::{account}:*"));
            done = Self::AnyCaller;
        }
        done
    }
}

/// Groups by what makes them one.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    parts: [Part; N_PARTS],
    hasher: DefaultHashBuilder,
    /// How closely new events are grouped.
    pub(crate) width: Width,
    /// Events of which less than everything is told, by how much less.
    pub(crate) widened: BTreeMap<Width, u64>,
    /// Events that are in no group, by effect.
    pub(crate) ungrouped: BTreeMap<DifferenceEffect, u64>,
}

/// Some of the groups.
#[derive(Debug, Default)]
struct Part {
    groups: Vec<(u64, Group)>,
    /// Hashes, and where the groups stand.
    places: HashTable<(u64, usize)>,
}

impl Part {
    fn find(&mut self, hash: u64, key: &GroupKey<'_>) -> Option<&mut Group> {
        let Self { groups, places } = self;
        let is_it = |(known, at): &(u64, usize)| *known == hash && groups[*at].1.key().is_of(key);
        let (_, at) = places.find(hash, is_it)?;
        groups.get_mut(*at).map(|(_, group)| group)
    }

    fn insert(&mut self, hash: u64, group: Group) {
        self.places.insert_unique(hash, (hash, self.groups.len()), |(hash, _)| *hash);
        self.groups.push((hash, group));
    }

    /// Adds a group, or the events of it to the same group. Gives it back where it would be one
    /// more than there may be.
    fn add(&mut self, hash: u64, group: Group, is_full: bool) -> Option<Group> {
        match self.find(hash, &group.key()) {
            Some(known) => known.join(group),
            None if is_full => return Some(group),
            None => self.insert(hash, group),
        }
        None
    }
}

impl Groups {
    /// No groups yet, in such parts as these are in.
    pub(crate) fn beside(&self) -> Self {
        Self { hasher: self.hasher.clone(), width: self.width, ..Self::default() }
    }

    /// Counts an event in its group.
    pub(crate) fn count(&mut self, mut event: Event<'_>) {
        let done = self.width.widen(&mut event);
        if done != Width::Exact {
            *self.widened.entry(done).or_default() += 1;
        }
        let hash = event.key().hash(&self.hasher);
        let part = self.part(hash);
        match part.find(hash, &event.key()) {
            Some(known) => known.take(&event),
            None => part.insert(hash, event.to_group()),
        }
    }

    /// Adds a group, or the events of it to the same group.
    pub(crate) fn add(&mut self, group: Group) {
        let hash = group.key().hash(&self.hasher);
        self.part(hash).add(hash, group, false);
    }

    /// Takes in groups that were made beside these, on all cores.
    pub(crate) fn join(&mut self, others: Vec<Self>) {
        let mut by_part: [Vec<Part>; N_PARTS] = Default::default();
        for other in others {
            by_part.iter_mut().zip(other.parts).for_each(|(all, part)| all.push(part));
            for (width, n) in other.widened {
                *self.widened.entry(width).or_default() += n;
            }
        }
        let is_full = self.width == Width::Full;
        let left = self.parts.par_iter_mut().zip(by_part).flat_map_iter(|(own, others)| {
            let groups = others.into_iter().flat_map(|part| part.groups);
            groups.filter_map(|(hash, group)| own.add(hash, group, is_full)).collect::<Vec<_>>()
        });
        for group in left.collect::<Vec<_>>() {
            *self.ungrouped.entry(group.effect).or_default() += group.count;
        }
    }

    fn part(&mut self, hash: u64) -> &mut Part {
        // Tables look at the first and the last bits of a hash.
        &mut self.parts[(hash >> 32) as usize % N_PARTS]
    }

    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.groups.len()).sum()
    }

    /// How closely events are grouped from now on.
    pub(crate) fn next_width(&mut self) -> Width {
        self.width = Width::at(self.len());
        self.width
    }

    /// What the groups do not tell of events, because there would be too many.
    pub(crate) fn left_out(&self) -> Option<String> {
        let widened = |width| self.widened.get(&width).copied().unwrap_or_default();
        let said = [
            ("by what their resource is in", widened(Width::Parent)),
            ("without their resource", widened(Width::AnyResource)),
            ("without resource and caller", widened(Width::AnyCaller)),
            ("in no group", self.ungrouped.values().sum()),
        ];
        let said = said.into_iter().filter(|(_, n)| *n > 0);
        let said: Vec<String> = said.map(|(how, n)| format!("{how}: {}", grouped(n))).collect();
        (!said.is_empty()).then(|| {
            let most = grouped(MAX_EXACT_GROUPS as u64);
            format!("there would be more than {most} groups; events counted {}", said.join(", "))
        })
    }

    /// The groups in the order of a report.
    pub(crate) fn in_order(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> =
            self.parts.iter().flat_map(|part| &part.groups).map(|(_, group)| group).collect();
        groups.par_sort_unstable_by(|a, b| order(a, b));
        groups
    }

    /// The groups, in the order of a report.
    pub(crate) fn into_sorted(self) -> Vec<Group> {
        let mut groups = Vec::with_capacity(self.len());
        for part in self.parts {
            groups.extend(part.groups.into_iter().map(|(_, group)| group));
        }
        // No two groups are equal.
        groups.par_sort_unstable_by(order);
        groups
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use assize_model::{Decision, Layer, ReasonCode};

    use super::*;
    use crate::answer::{Decided, Subject};
    use crate::group::{GroupSide, observed};

    fn side() -> GroupSide {
        let (decision, layer, reason) = (Decision::Allowed, Layer::Identity, ReasonCode::NoAllow);
        GroupSide { decision, layer, reason, statement: None, depends_on: Vec::new() }
    }

    #[test]
    fn the_first_event_of_a_group_is_its_example() {
        let group = |first: Option<i64>, example: &str| Group {
            effect: DifferenceEffect::Same,
            principal: "p".into(),
            account: None,
            action: "a:B".into(),
            resource: "*".into(),
            count: 1,
            first,
            last: first,
            before: Arc::new(side()),
            after: None,
            observed: observed(None),
            example: Some(example.into()),
        };
        let mut groups = Groups::default();
        for one in [group(Some(5), "b"), group(None, "a"), group(Some(3), "c"), group(Some(9), "a")]
        {
            groups.add(one);
        }
        let all = groups.into_sorted();
        let one = &all[0];
        assert_eq!((all.len(), one.count, one.first, one.last), (1, 4, Some(3), Some(9)));
        assert_eq!(all[0].example.as_deref(), Some("c"));
        assert_eq!(all[0].observed.unknown, 4);
    }

    /// Counts an event of a caller and an object at a width.
    fn count(groups: &mut Groups, width: Width, caller: &str, key: &str) {
        groups.width = width;
        let decided = Decided {
            principal: None,
            account: "111122223333".parse().ok(),
            before: Arc::new(side()),
            after: None,
            subject: Subject::Check(0),
            lacks_context: false,
        };
        let mut beside = groups.beside();
        beside.count(Event {
            effect: DifferenceEffect::Same,
            decided: &decided,
            principal: format!("arn:aws:iam::111122223333:role/{caller}").into(),
            action: "s3:GetObject",
            resource: format!("arn:aws:s3:::bucket/{key}").into(),
            time: None,
            observed: None,
            id: None,
        });
        groups.join(vec![beside]);
    }

    #[test]
    fn every_event_is_counted_at_every_width() {
        let mut groups = Groups::default();
        for (width, n_groups) in [
            (Width::Exact, 4),
            (Width::Parent, 6),
            (Width::AnyResource, 8),
            (Width::AnyCaller, 9),
            (Width::Full, 9),
        ] {
            for (caller, key) in [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")] {
                count(&mut groups, width, caller, key);
            }
            assert_eq!(groups.len(), n_groups, "{width:?}");
        }
        // What comes when no groups are made is in the widest.
        assert!(groups.ungrouped.is_empty());
        assert_eq!(
            groups.left_out().as_deref(),
            Some(
                "there would be more than 131,072 groups; events counted by what their resource \
                 is in: 4, without their resource: 4, without resource and caller: 8"
            )
        );
        let all = groups.into_sorted();
        assert_eq!(all.iter().map(|group| group.count).sum::<u64>(), 20);
        let widest = &all[0];
        assert_eq!(&*widest.principal, "arn:aws:iam::111122223333:*");
        assert_eq!((&*widest.resource, widest.count), ("*", 8));
    }

    #[test]
    fn events_that_no_group_is_made_for_are_told() {
        let mut groups = Groups::default();
        assert_eq!(groups.left_out(), None);
        count(&mut groups, Width::Full, "a", "1");
        assert_eq!((groups.len(), groups.ungrouped[&DifferenceEffect::Same]), (0, 1));
        let said = groups.left_out().unwrap_or_default();
        assert!(said.ends_with("in no group: 1"), "{said}");
    }

    #[test]
    fn widths_follow_from_the_number_of_groups() {
        let at = |n| Width::at(MAX_EXACT_GROUPS + n * N_WIDER_GROUPS);
        assert_eq!([0, 1, 2, 3].map(at), Width::WIDER);
        assert_eq!(at(4), Width::Full);
        assert_eq!(Width::at(MAX_EXACT_GROUPS - 1), Width::Exact);
    }
}
