//! What is not the same in two snapshots, object by object (I-48).

use std::collections::BTreeMap;

use super::{Export, Json};
use crate::StoreSnapshot;

/// The objects that one snapshot has and another lacks or holds otherwise, each list in byte order.
///
/// Whatever has an ARN is named by it, and the others by what they are: `account 111111111111`
/// for the account's own facts, `organization node ou-…`, `VPC endpoint vpce-…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotDifference {
    /// Only the later snapshot has them.
    pub added: Vec<Box<str>>,
    /// Only the earlier snapshot has them.
    pub removed: Vec<Box<str>>,
    /// Both have them, with other facts or documents.
    pub changed: Vec<Box<str>>,
}

impl SnapshotDifference {
    /// Whether the snapshots hold the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl StoreSnapshot {
    /// What `after` has, lacks, or holds otherwise than this snapshot (I-48). What the canonical
    /// export shows counts and nothing else: documents by their text, not by their number or by
    /// the file they came from. Reads both snapshots whole.
    ///
    /// ```
    /// let empty = assize_store::StoreSnapshot::empty();
    /// assert!(empty.difference(&empty).is_empty());
    /// ```
    pub fn difference(&self, after: &Self) -> SnapshotDifference {
        let (mut before, after) = (objects(self), objects(after));
        let mut difference = SnapshotDifference::default();
        for (name, facts) in after {
            match before.remove(&name) {
                None => difference.added.push(name),
                Some(known) if known != facts => difference.changed.push(name),
                Some(_) => {}
            }
        }
        difference.removed = before.into_keys().collect();
        difference
    }
}

type Objects = BTreeMap<Box<str>, Json>;

fn objects(snapshot: &StoreSnapshot) -> Objects {
    let mut objects = Objects::new();
    for account in snapshot.accounts() {
        const LISTS: [&str; 7] = [
            "users",
            "groups",
            "roles",
            "policies",
            "instanceProfiles",
            "samlProviders",
            "oidcProviders",
        ];
        let name = format!("account {}", account.id.as_str());
        take_apart(&mut objects, &name, account.export(snapshot), &LISTS);
    }
    for organization in snapshot.organizations() {
        let name = format!("organization {}", organization.id);
        take_apart(&mut objects, &name, organization.export(snapshot), &["nodes", "policies"]);
    }
    for policy in snapshot.aws_managed_policies() {
        objects.insert(policy.arn.as_ref().into(), policy.export(snapshot));
    }
    for resource in snapshot.resources() {
        objects.insert(format!("resource {}", resource.arn).into(), resource.export(snapshot));
    }
    for endpoint in snapshot.endpoints() {
        objects.insert(format!("VPC endpoint {}", endpoint.id).into(), endpoint.export(snapshot));
    }
    objects
}

/// The objects that an object lists, and the object without them.
fn take_apart(objects: &mut Objects, name: &str, facts: Json, lists: &[&str]) {
    let Json::Object(mut own) = facts else { return };
    for list in lists {
        let Some(Json::Object(members)) = own.remove(*list) else { continue };
        for (key, facts) in members {
            objects.insert(name_of(name, list, &key, &facts), facts);
        }
    }
    objects.insert(name.into(), Json::Object(own));
}

/// The ARN of an object, or what it is in what.
fn name_of(owner: &str, list: &str, key: &str, facts: &Json) -> Box<str> {
    if let Json::Object(members) = facts
        && let Some(Json::Text(arn)) = members.get("arn")
    {
        return arn.clone();
    }
    match list {
        "nodes" => format!("organization node {key}"),
        "policies" => format!("organization policy {key}"),
        _ => format!("{owner} {list} {key}"),
    }
    .into()
}
