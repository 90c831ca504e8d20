//! From facts to a data file.

use std::collections::{BTreeMap, BTreeSet};

use assize_model::{KeyShape, KeyType};

use super::codec::{Writer, seal};
use super::{
    CATALOG_VERSION, CatalogSource, MAGIC, SourceAction, SourceActionResource, SourceKey,
    SourceResourceType, SourceService,
};
use crate::tables::{ActionRow, ServiceRow};
use crate::{AccessLevel, Catalog, Error};

/// Builds a catalog data file. Equal facts give equal bytes, in whatever order they are listed.
///
/// # Errors
/// When the facts contradict each other: a name stands twice, or something names a resource type,
/// a condition key or an action that is not there.
pub fn write(source: &CatalogSource) -> Result<Vec<u8>, Error> {
    let plan = Plan::new(source)?;
    let mut body = Writer::default();
    write_strings(&mut body, plan.strings.keys().copied())?;
    plan.string(&mut body, &source.date)?;
    plan.string(&mut body, &source.origin)?;
    body.count(source.global_regions.len())?;
    for (partition, region) in &source.global_regions {
        plan.string(&mut body, partition)?;
        plan.string(&mut body, region)?;
    }
    plan.write_keys(&mut body)?;
    let tables = plan.tables()?;
    write_lists(&mut body, &tables.key_lists)?;
    write_lists(&mut body, &tables.action_lists)?;
    for table in [tables.services, tables.types, tables.actions, tables.action_resources] {
        body.count(table.rows)?;
        body.bytes(&table.body.finish());
    }
    let file = seal(MAGIC, CATALOG_VERSION, &body.finish())?;
    // What was written must read back: the reader checks the rest.
    Catalog::from_bytes(&file)?;
    Ok(file)
}

/// Writes a table of strings: all lengths, then all texts.
pub(crate) fn write_strings<'a>(
    body: &mut Writer,
    strings: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Result<(), Error> {
    body.count(strings.len())?;
    for text in strings.clone() {
        body.count(text.len())?;
    }
    for text in strings {
        body.text(text);
    }
    Ok(())
}

/// The facts in the order of the file, with their positions.
struct Plan<'a> {
    strings: BTreeMap<&'a str, u32>,
    keys: BTreeMap<String, &'a SourceKey>,
    key_positions: BTreeMap<String, u32>,
    action_positions: BTreeMap<String, u32>,
    services: Vec<SortedService<'a>>,
    global: BTreeSet<String>,
}

struct SortedService<'a> {
    service: &'a SourceService,
    types: BTreeMap<&'a str, &'a SourceResourceType>,
    actions: BTreeMap<String, &'a SourceAction>,
}

#[derive(Default)]
struct Table {
    rows: usize,
    body: Writer,
}

/// Lists met so far and their positions; the empty one is first.
#[derive(Default)]
struct Pool {
    lists: Vec<Vec<u32>>,
    positions: BTreeMap<Vec<u32>, u32>,
}

impl Pool {
    fn position(&mut self, list: Vec<u32>) -> Result<u32, Error> {
        if self.lists.is_empty() {
            self.lists.push(Vec::new());
            self.positions.insert(Vec::new(), 0);
        }
        if let Some(&position) = self.positions.get(&list) {
            return Ok(position);
        }
        let position = position_of(self.lists.len())?;
        self.lists.push(list.clone());
        self.positions.insert(list, position);
        Ok(position)
    }
}

#[derive(Default)]
struct PlannedTables {
    key_lists: Pool,
    action_lists: Pool,
    services: Table,
    types: Table,
    actions: Table,
    action_resources: Table,
}

impl<'a> Plan<'a> {
    fn new(source: &'a CatalogSource) -> Result<Self, Error> {
        let services = sort_services(source)?;
        let mut keys = BTreeMap::new();
        for key in &source.global_keys {
            insert_new(&mut keys, key.name.to_ascii_lowercase(), key)?;
        }
        let global = keys.keys().cloned().collect();
        for key in services.iter().flat_map(|sorted| &sorted.service.keys) {
            // The spelling and type of a global key win; among services the first does.
            keys.entry(key.name.to_ascii_lowercase()).or_insert(key);
        }
        let key_positions = number(keys.keys().cloned())?;
        let full_names = services.iter().flat_map(|sorted| {
            sorted.actions.keys().map(|name| format!("{}:{name}", sorted.service.prefix))
        });
        let action_positions = number(full_names)?;
        let strings = number(all_strings(source, &keys))?;
        Ok(Self { strings, keys, key_positions, action_positions, services, global })
    }

    fn string(&self, body: &mut Writer, text: &str) -> Result<(), Error> {
        body.number(find(&self.strings, text, "text")?);
        Ok(())
    }

    fn write_keys(&self, body: &mut Writer) -> Result<(), Error> {
        body.count(self.keys.len())?;
        for (folded, key) in &self.keys {
            self.string(body, &key.name)?;
            body.byte(type_code(key.key_type)?);
            body.byte(match key.shape {
                None => 0,
                Some(KeyShape::Single) => 1,
                Some(KeyShape::Multivalued) => 2,
                Some(KeyShape::OneOrMany) => 3,
            });
            body.byte(u8::from(self.global.contains(folded)));
        }
        Ok(())
    }

    /// The tables of services, resource types, actions and resource types of actions.
    fn tables(&self) -> Result<PlannedTables, Error> {
        let mut tables = PlannedTables::default();
        for sorted in &self.services {
            self.write_service(&mut tables, sorted)?;
            for resource_type in sorted.types.values() {
                self.write_type(&mut tables, resource_type)?;
            }
            for action in sorted.actions.values() {
                self.write_action(&mut tables, sorted, action)?;
            }
        }
        Ok(tables)
    }

    fn write_service(
        &self,
        tables: &mut PlannedTables,
        sorted: &SortedService<'a>,
    ) -> Result<(), Error> {
        let service = sorted.service;
        let keys = self.key_list(tables, service.keys.iter().map(|key| &key.name))?;
        let flag = |set, flag| if set { flag } else { 0 };
        let body = tables.services.row();
        self.string(body, &service.prefix)?;
        self.string(body, &service.name)?;
        body.byte(
            flag(service.rcp, ServiceRow::RCP)
                | flag(service.endpoint_policy, ServiceRow::ENDPOINT_POLICY)
                | flag(service.global, ServiceRow::GLOBAL),
        );
        body.number(keys);
        body.count(sorted.types.len())?;
        body.count(sorted.actions.len())
    }

    fn write_type(
        &self,
        tables: &mut PlannedTables,
        resource_type: &SourceResourceType,
    ) -> Result<(), Error> {
        let keys = self.key_list(tables, &resource_type.keys)?;
        let tag_keys = self.tag_list(tables, &resource_type.keys, Some(&resource_type.name))?;
        let body = tables.types.row();
        self.string(body, &resource_type.name)?;
        body.number(keys);
        body.number(tag_keys);
        body.count(resource_type.formats.len())?;
        resource_type.formats.iter().try_for_each(|format| self.string(body, format))
    }

    fn write_action(
        &self,
        tables: &mut PlannedTables,
        sorted: &SortedService<'a>,
        action: &SourceAction,
    ) -> Result<(), Error> {
        let keys = self.key_list(tables, &action.keys)?;
        let tag_keys = self.tag_list(tables, &action.keys, None)?;
        let dependents = self.action_list(tables, &action.dependents)?;
        let resources = merge_resources(&action.resources);
        let body = tables.actions.row();
        self.string(body, &action.name)?;
        body.byte(level_code(action.level)?);
        let flag = |set, flag| if set { flag } else { 0 };
        body.byte(
            flag(action.resource_account_absent, ActionRow::RESOURCE_ACCOUNT_ABSENT)
                | flag(action.own_account_only, ActionRow::OWN_ACCOUNT_ONLY)
                | flag(action.identity_only, ActionRow::IDENTITY_ONLY)
                | flag(action.creates_with_tags, ActionRow::CREATES_WITH_TAGS)
                | flag(action.types_are_alternatives, ActionRow::ALTERNATIVES),
        );
        body.number(keys);
        body.number(dependents);
        body.number(tag_keys);
        match &action.wildcard_form {
            None => body.number(0),
            Some(form) => body.number(find(&self.strings, form.as_str(), "text")? + 1),
        }
        body.count(resources.len())?;
        for resource in resources.values() {
            self.write_resource(tables, sorted, action, resource)?;
        }
        Ok(())
    }

    fn write_resource(
        &self,
        tables: &mut PlannedTables,
        sorted: &SortedService<'a>,
        action: &SourceAction,
        resource: &SourceActionResource,
    ) -> Result<(), Error> {
        let name = resource.resource_type.as_str();
        let Some(position) = sorted.types.keys().position(|other| *other == name) else {
            let action = format!("{}:{}", sorted.service.prefix, action.name);
            return Err(Error::source(format!("`{action}` names no resource type `{name}`")));
        };
        let of_type = sorted.types.get(name).map_or(&[][..], |found| &found.keys[..]);
        let keys = self.key_list(tables, &resource.keys)?;
        let dependents = self.action_list(tables, &resource.dependents)?;
        let all = action.keys.iter().chain(&resource.keys).chain(of_type);
        let tag_keys = self.tag_list(tables, all, Some(name))?;
        let body = tables.action_resources.row();
        body.count(position)?;
        body.byte(u8::from(resource.required));
        body.number(keys);
        body.number(dependents);
        body.number(tag_keys);
        Ok(())
    }

    fn key_list<'k>(
        &self,
        tables: &mut PlannedTables,
        names: impl IntoIterator<Item = &'k String>,
    ) -> Result<u32, Error> {
        let list = self.key_set(names, |_| true)?;
        tables.key_lists.position(list)
    }

    fn tag_list<'k>(
        &self,
        tables: &mut PlannedTables,
        names: impl IntoIterator<Item = &'k String>,
        of: Option<&str>,
    ) -> Result<u32, Error> {
        let carries =
            |key: &SourceKey| key.resource_tag && (key.tags_of.is_none() || key.tags_of == of);
        let list = self.key_set(names, carries)?;
        tables.key_lists.position(list)
    }

    fn key_set<'k>(
        &self,
        names: impl IntoIterator<Item = &'k String>,
        wanted: impl Fn(&SourceKey) -> bool,
    ) -> Result<Vec<u32>, Error> {
        let mut set = BTreeSet::new();
        for name in names {
            let folded = name.to_ascii_lowercase();
            let position = find(&self.key_positions, folded.as_str(), "condition key")?;
            if self.keys.get(&folded).is_some_and(|key| wanted(key)) {
                set.insert(position);
            }
        }
        Ok(set.into_iter().collect())
    }

    fn action_list(&self, tables: &mut PlannedTables, names: &[String]) -> Result<u32, Error> {
        let mut set = BTreeSet::new();
        for name in names {
            let folded = name.to_ascii_lowercase();
            set.insert(find(&self.action_positions, folded.as_str(), "action")?);
        }
        tables.action_lists.position(set.into_iter().collect())
    }
}

impl Table {
    /// The place for one more row.
    fn row(&mut self) -> &mut Writer {
        self.rows += 1;
        &mut self.body
    }
}

fn write_lists(body: &mut Writer, pool: &Pool) -> Result<(), Error> {
    let empty = [Vec::new()];
    let lists = if pool.lists.is_empty() { &empty[..] } else { &pool.lists[..] };
    body.count(lists.len())?;
    for list in lists {
        body.count(list.len())?;
        for &position in list {
            body.number(position);
        }
    }
    Ok(())
}

fn sort_services(source: &CatalogSource) -> Result<Vec<SortedService<'_>>, Error> {
    let mut services = BTreeMap::new();
    for service in &source.services {
        let mut types = BTreeMap::new();
        for resource_type in &service.resource_types {
            insert_new(&mut types, resource_type.name.as_str(), resource_type)?;
        }
        let mut actions = BTreeMap::new();
        for action in &service.actions {
            insert_new(&mut actions, action.name.to_ascii_lowercase(), action)?;
        }
        let sorted = SortedService { service, types, actions };
        insert_new(&mut services, service.prefix.as_str(), sorted)?;
    }
    Ok(services.into_values().collect())
}

/// The entries of an action with those of one resource type merged.
fn merge_resources(entries: &[SourceActionResource]) -> BTreeMap<&str, SourceActionResource> {
    let mut merged: BTreeMap<&str, SourceActionResource> = BTreeMap::new();
    for entry in entries {
        let name = entry.resource_type.as_str();
        let known = merged.entry(name).or_insert_with(|| SourceActionResource {
            resource_type: name.to_owned(),
            ..SourceActionResource::default()
        });
        known.required |= entry.required;
        known.keys.extend_from_slice(&entry.keys);
        known.dependents.extend_from_slice(&entry.dependents);
    }
    merged
}

fn all_strings<'a>(
    source: &'a CatalogSource,
    keys: &BTreeMap<String, &'a SourceKey>,
) -> BTreeSet<&'a str> {
    let mut strings = BTreeSet::from([source.date.as_str(), source.origin.as_str()]);
    strings.extend(source.global_regions.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]));
    strings.extend(keys.values().map(|key| key.name.as_str()));
    for service in &source.services {
        strings.extend([service.prefix.as_str(), service.name.as_str()]);
        for resource_type in &service.resource_types {
            strings.insert(&resource_type.name);
            strings.extend(resource_type.formats.iter().map(String::as_str));
        }
        for action in &service.actions {
            strings.insert(&action.name);
            strings.extend(action.wildcard_form.as_deref());
        }
    }
    strings
}

fn number<K: Ord>(names: impl IntoIterator<Item = K>) -> Result<BTreeMap<K, u32>, Error> {
    let numbered = names.into_iter().enumerate();
    numbered.map(|(at, name)| Ok((name, position_of(at)?))).collect()
}

fn position_of(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| Error::source("too many rows".to_owned()))
}

fn find<K: Ord + std::borrow::Borrow<str>>(
    positions: &BTreeMap<K, u32>,
    name: &str,
    what: &str,
) -> Result<u32, Error> {
    let found = positions.get(name).copied();
    found.ok_or_else(|| Error::source(format!("there is no {what} `{name}`")))
}

fn insert_new<K: Ord + std::fmt::Display, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
) -> Result<(), Error> {
    if map.contains_key(&key) {
        return Err(Error::source(format!("`{key}` stands twice")));
    }
    map.insert(key, value);
    Ok(())
}

/// The types of condition keys in the order of their codes.
pub(super) const KEY_TYPES: [KeyType; 7] = [
    KeyType::String,
    KeyType::Arn,
    KeyType::Bool,
    KeyType::Numeric,
    KeyType::Date,
    KeyType::IpAddress,
    KeyType::Binary,
];

fn type_code(key_type: KeyType) -> Result<u8, Error> {
    code(&KEY_TYPES, &key_type)
}

fn level_code(level: AccessLevel) -> Result<u8, Error> {
    code(&AccessLevel::ALL, &level)
}

fn code<T: PartialEq + std::fmt::Debug>(all: &[T], one: &T) -> Result<u8, Error> {
    let position = all.iter().position(|other| other == one).and_then(|at| u8::try_from(at).ok());
    position.ok_or_else(|| Error::source(format!("`{one:?}` has no code")))
}
