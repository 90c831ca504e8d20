//! Groups that differ in their resource alone, as one row: what people read.

use std::collections::BTreeMap;

use assize_formats::{DifferenceEffect, ObservedCounts};

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

impl Row<'_> {
    /// The resource, or the pattern that all resources fit.
    pub fn resource(&self) -> String {
        match self.n_resources {
            1 => self.group.resource.to_string(),
            _ => format!("{}*", self.prefix),
        }
    }

    /// The side that says why: the decision after the changes, else the one before.
    pub fn side(&self) -> &GroupSide {
        self.group.after.as_ref().unwrap_or(&self.group.before)
    }
}

impl Report {
    /// The groups of an effect as rows, most events first.
    pub fn rows(&self, effect: DifferenceEffect) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut places: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
        for group in self.groups.iter().filter(|group| group.effect == effect) {
            let sides = format!("{:?}{:?}", group.before, group.after);
            let key = (&*group.principal, &*group.action, sides);
            let at = *places.entry(key).or_insert(rows.len());
            match rows.get_mut(at) {
                Some(row) => {
                    row.count += group.count;
                    row.n_resources += 1;
                    row.prefix = common(row.prefix, &group.resource);
                    row.first = earlier(row.first, group.first);
                    row.last = row.last.max(group.last);
                    row.observed.add(group.observed);
                }
                None => rows.push(Row {
                    group,
                    count: group.count,
                    n_resources: 1,
                    prefix: &group.resource,
                    first: group.first,
                    last: group.last,
                    observed: group.observed,
                }),
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }
}

/// The earlier of two times, as far as they are known.
pub(crate) fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

/// What two texts begin with.
fn common<'t>(a: &'t str, b: &str) -> &'t str {
    let same = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y);
    let end = same.map_or(a.len().min(b.len()), |((at, _), _)| at);
    a.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn common_beginnings() {
        assert_eq!(common("abc", "abd"), "ab");
        assert_eq!(common("abc", "abcd"), "abc");
        assert_eq!(common("äx", "äy"), "ä");
        assert_eq!(common("", "x"), "");
    }
}
