//! Groups that differ in their resource alone, as one row: what people read.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use assize_formats::{DifferenceEffect, ObservedCounts};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::group::{Group, GroupSide};
use crate::report::Report;

/// Groups of one principal and action that the same statement decides, whatever the resource.
#[derive(Debug, Clone)]
pub struct Row<'r> {
    /// The group with the most events.
    pub group: &'r Group,
    /// Events of all groups.
    pub count: u64,
    /// How many groups there are: resources, or resources in a bucket and the like.
    pub n_resources: usize,
    /// What the names of all resources begin with.
    pub prefix: &'r str,
    /// The time of the first event, in seconds since the epoch; none where no event has one.
    pub first: Option<i64>,
    /// The time of the last.
    pub last: Option<i64>,
    /// What the log says happened.
    pub observed: ObservedCounts,
}

impl<'r> Row<'r> {
    /// The row of one group alone.
    fn of(group: &'r Group) -> Self {
        Self {
            group,
            count: group.count,
            n_resources: 1,
            prefix: &group.resource,
            first: group.first,
            last: group.last,
            observed: group.observed,
        }
    }

    /// Takes in a group that differs in its resource alone.
    fn add(&mut self, group: &Group) {
        self.count += group.count;
        self.n_resources += 1;
        self.prefix = common(self.prefix, &group.resource);
        self.first = earlier(self.first, group.first);
        self.last = self.last.max(group.last);
        self.observed.add(group.observed);
    }

    /// The resource, or the pattern that all resources fit.
    pub fn resource(&self) -> String {
        match self.n_resources {
            1 => self.group.resource.to_string(),
            _ => format!("{}*", self.prefix),
        }
    }

    /// The side that says why: the decision after the changes, else the one before.
    pub fn side(&self) -> &GroupSide {
        self.group.decisive_side()
    }
}

impl Report {
    /// The groups of an effect as rows, most events first.
    pub fn rows(&self, effect: DifferenceEffect) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut places: HashTable<(u64, usize)> = HashTable::new();
        let hasher = DefaultHashBuilder::default();
        for group in self.groups.iter().filter(|group| group.effect == effect) {
            let hash = row_hash(group, &hasher);
            let is_it =
                |(known, at): &(u64, usize)| *known == hash && is_one_row(rows[*at].group, group);
            let place = places.find(hash, is_it).map(|(_, at)| *at);
            if let Some(row) = place.and_then(|at| rows.get_mut(at)) {
                row.add(group);
            } else {
                places.insert_unique(hash, (hash, rows.len()), |(hash, _)| *hash);
                rows.push(Row::of(group));
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }
}

/// A hash of what makes groups one row.
fn row_hash(group: &Group, hasher: &DefaultHashBuilder) -> u64 {
    let mut hasher = hasher.build_hasher();
    (&group.principal, &group.action).hash(&mut hasher);
    group.before.hash_into(&mut hasher);
    if let Some(after) = &group.after {
        after.hash_into(&mut hasher);
    }
    hasher.finish()
}

/// Whether groups of one effect differ in their resource alone.
fn is_one_row(one: &Group, other: &Group) -> bool {
    let says_the_same = match (&one.after, &other.after) {
        (Some(one), Some(other)) => one.says_the_same(other),
        (None, None) => true,
        _ => false,
    };
    one.principal == other.principal
        && one.action == other.action
        && one.before.says_the_same(&other.before)
        && says_the_same
}

/// The earlier of two times, as far as they are known.
pub(crate) fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

/// What two texts begin with.
fn common<'t>(a: &'t str, b: &str) -> &'t str {
    let n_same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    &a[..a.floor_char_boundary(n_same)]
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn common_beginnings() {
        assert_eq!(common("abc", "abd"), "ab");
        assert_eq!(common("abc", "abcd"), "abc");
        assert_eq!(common("äx", "äy"), "ä");
        // Letters of which the first byte is the same.
        assert_eq!(common("aä", "aö"), "a");
        assert_eq!(common("", "x"), "");
    }
}
