//! From a data file to tables. Everything is checked here, so that look-ups need not.

use assize_model::KeyShape;

use super::codec::{Reader, open};
use super::write::KEY_TYPES;
use super::{CATALOG_VERSION, MAGIC};
use crate::arn_format::Formats;
use crate::tables::{
    ActionResourceRow, ActionRow, KeyRow, ListId, Lists, ServiceRow, Span, StrId, Strings, Tables,
    TypeRow,
};
use crate::{AccessLevel, Error};

/// The tables of a data file.
pub(crate) fn read(file: &[u8]) -> Result<Tables, Error> {
    let body = open(MAGIC, CATALOG_VERSION, file)?;
    let mut reader = Reader::new(&body);
    let strings = read_strings(&mut reader)?;
    let mut decoder = Decoder { reader, strings, n_keys: 0, n_key_lists: 0, n_action_lists: 0 };
    let date = decoder.string()?;
    let origin = decoder.string()?;
    let regions = decoder.rows(|d| Ok((d.string()?, d.string()?)))?;
    let keys = decoder.rows(Decoder::key)?;
    decoder.n_keys = keys.len();
    check_ascending(&keys, |row| decoder.strings.lower(row.name))?;
    let key_lists = decoder.lists(keys.len())?;
    decoder.n_key_lists = key_lists.len();
    // Whether the actions named are there can only be checked when the actions are known.
    let action_lists = decoder.lists(usize::MAX)?;
    decoder.n_action_lists = action_lists.len();
    let mut services = decoder.rows(Decoder::service)?;
    check_ascending(&services, |row| decoder.strings.get(row.prefix))?;
    let mut formats = Formats::default();
    let mut types = decoder.rows(|d| d.resource_type(&mut formats))?;
    let mut actions = decoder.rows(Decoder::action)?;
    let mut action_resources = decoder.rows(Decoder::action_resource)?;
    check_list_items(&action_lists, actions.len())?;
    place_services(&mut services, &mut types, &mut actions)?;
    place_resources(&services, &mut actions, &mut action_resources)?;
    check_order_in_services(&decoder.strings, &services, &types, &actions)?;
    let Decoder { reader, strings, .. } = decoder;
    reader.finish()?;
    let tables = Tables {
        strings,
        date,
        origin,
        regions,
        services,
        actions,
        action_resources,
        types,
        formats,
        keys,
        key_lists,
        action_lists,
    };
    Ok(tables)
}

/// Reads a table of strings: all lengths, then all texts.
pub(crate) fn read_strings(reader: &mut Reader<'_>) -> Result<Strings, Error> {
    let n = reader.count()?;
    let mut starts = Vec::with_capacity(n + 1);
    let mut end: u32 = 0;
    starts.push(end);
    for _ in 0..n {
        end = end.checked_add(reader.number()?).ok_or(Error::damaged("a text is too long"))?;
        starts.push(end);
    }
    let bytes = reader.take(end as usize)?;
    if !bytes.iter().all(|b| (b' '..=b'~').contains(b)) {
        return Err(Error::damaged("a text is not printable ASCII"));
    }
    let text = str::from_utf8(bytes).map_err(|_| Error::damaged("a text is not ASCII"))?;
    Ok(Strings::new(text.to_owned(), starts))
}

struct Decoder<'a> {
    reader: Reader<'a>,
    strings: Strings,
    n_keys: usize,
    n_key_lists: usize,
    n_action_lists: usize,
}

impl Decoder<'_> {
    fn rows<T>(
        &mut self,
        mut row: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let n = self.reader.count()?;
        let mut rows = Vec::with_capacity(n);
        for _ in 0..n {
            rows.push(row(self)?);
        }
        Ok(rows)
    }

    fn string(&mut self) -> Result<StrId, Error> {
        self.reader.below(self.strings.len()).map(StrId)
    }

    fn key_list(&mut self) -> Result<ListId, Error> {
        self.reader.below(self.n_key_lists).map(ListId)
    }

    fn action_list(&mut self) -> Result<ListId, Error> {
        self.reader.below(self.n_action_lists).map(ListId)
    }

    fn flag(&mut self) -> Result<bool, Error> {
        self.flags(1).map(|flag| flag == 1)
    }

    fn flags(&mut self, known: u8) -> Result<u8, Error> {
        let flags = self.reader.byte()?;
        if flags & !known == 0 { Ok(flags) } else { Err(Error::damaged("a flag is not known")) }
    }

    fn lists(&mut self, n_items: usize) -> Result<Lists, Error> {
        let n = self.reader.count()?;
        let mut lists = Lists { starts: Vec::with_capacity(n + 1), items: Vec::new() };
        lists.starts.push(0);
        for _ in 0..n {
            for _ in 0..self.reader.count()? {
                lists.items.push(self.reader.below(n_items)?);
            }
            lists.starts.push(position(lists.items.len())?);
        }
        if lists.starts.get(1) == Some(&0) {
            Ok(lists)
        } else {
            Err(Error::damaged("the first list is not empty"))
        }
    }

    fn key(&mut self) -> Result<KeyRow, Error> {
        let name = self.string()?;
        let key_type = KEY_TYPES.get(usize::from(self.reader.byte()?));
        let shape = match self.reader.byte()? {
            0 => None,
            1 => Some(KeyShape::Single),
            2 => Some(KeyShape::Multivalued),
            3 => Some(KeyShape::OneOrMany),
            _ => return Err(Error::damaged("a condition key has an unknown shape")),
        };
        Ok(KeyRow {
            name,
            key_type: *key_type.ok_or(Error::damaged("a condition key has an unknown type"))?,
            shape,
            global: self.flag()?,
            pattern: placeholder(self.strings.get(name))?,
        })
    }

    /// The spans are numbers of rows until [`place_services`] adds them up.
    fn service(&mut self) -> Result<ServiceRow, Error> {
        let prefix = self.string()?;
        let lower = self.strings.get(prefix).bytes();
        if !lower.clone().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(Error::damaged("a service prefix is not in lower case"));
        }
        let name = self.string()?;
        let flags = self.flags(ServiceRow::ALL_FLAGS)?;
        let keys = self.key_list()?;
        let types = Span { start: 0, end: self.reader.number()? };
        let actions = Span { start: 0, end: self.reader.number()? };
        Ok(ServiceRow { prefix, name, flags, keys, actions, types })
    }

    fn resource_type(&mut self, formats: &mut Formats) -> Result<TypeRow, Error> {
        let name = self.string()?;
        let keys = self.key_list()?;
        let tag_keys = self.key_list()?;
        let start = position(formats.rows.len())?;
        for _ in 0..self.reader.count()? {
            let text = self.string()?;
            formats.push(self.strings.get(text), text)?;
        }
        let formats = Span { start, end: position(formats.rows.len())? };
        Ok(TypeRow { name, service: 0, formats, keys, tag_keys })
    }

    /// The span is a number of rows until [`place_resources`] adds them up.
    fn action(&mut self) -> Result<ActionRow, Error> {
        let name = self.string()?;
        let level = AccessLevel::ALL.get(usize::from(self.reader.byte()?));
        let level = *level.ok_or(Error::damaged("an action has an unknown access level"))?;
        let flags = self.flags(ActionRow::ALL_FLAGS)?;
        let keys = self.key_list()?;
        let dependents = self.action_list()?;
        let tag_keys = self.key_list()?;
        let form = self.reader.below(self.strings.len() + 1)?.checked_sub(1).map(StrId);
        let resources = Span { start: 0, end: self.reader.number()? };
        Ok(ActionRow {
            name,
            service: 0,
            resources,
            keys,
            dependents,
            tag_keys,
            form,
            level,
            flags,
        })
    }

    /// The resource type is a position in the service until [`place_resources`] knows which.
    fn action_resource(&mut self) -> Result<ActionResourceRow, Error> {
        Ok(ActionResourceRow {
            resource_type: self.reader.number()?,
            required: self.flag()?,
            keys: self.key_list()?,
            dependents: self.action_list()?,
            tag_keys: self.key_list()?,
        })
    }
}

/// Adds up numbers of rows to spans: each begins where the last one ended.
struct Placer {
    end: u32,
    n_rows: usize,
}

impl Placer {
    fn place(&mut self, span: &mut Span) -> Result<(), Error> {
        let end = self.end.checked_add(span.end).filter(|&end| end as usize <= self.n_rows);
        let end = end.ok_or(Error::damaged("a table has too few rows"))?;
        *span = Span { start: self.end, end };
        self.end = end;
        Ok(())
    }

    fn finish(&self) -> Result<(), Error> {
        if self.end as usize == self.n_rows {
            Ok(())
        } else {
            Err(Error::damaged("a table has too many rows"))
        }
    }
}

fn place_services(
    services: &mut [ServiceRow],
    types: &mut [TypeRow],
    actions: &mut [ActionRow],
) -> Result<(), Error> {
    let mut type_placer = Placer { end: 0, n_rows: types.len() };
    let mut action_placer = Placer { end: 0, n_rows: actions.len() };
    for (at, service) in services.iter_mut().enumerate() {
        type_placer.place(&mut service.types)?;
        action_placer.place(&mut service.actions)?;
        let at = position(at)?;
        types[service.types.range()].iter_mut().for_each(|row| row.service = at);
        actions[service.actions.range()].iter_mut().for_each(|row| row.service = at);
    }
    type_placer.finish()?;
    action_placer.finish()
}

fn place_resources(
    services: &[ServiceRow],
    actions: &mut [ActionRow],
    action_resources: &mut [ActionResourceRow],
) -> Result<(), Error> {
    let mut placer = Placer { end: 0, n_rows: action_resources.len() };
    for action in actions {
        placer.place(&mut action.resources)?;
        let types = services[action.service as usize].types;
        for row in &mut action_resources[action.resources.range()] {
            let placed = types.start.checked_add(row.resource_type).filter(|&at| at < types.end);
            row.resource_type = placed.ok_or(Error::damaged("an action has no such type"))?;
        }
    }
    placer.finish()
}

fn check_list_items(lists: &Lists, n_items: usize) -> Result<(), Error> {
    if lists.items.iter().all(|&item| (item as usize) < n_items) {
        Ok(())
    } else {
        Err(Error::damaged("a position is too large"))
    }
}

fn check_order_in_services(
    strings: &Strings,
    services: &[ServiceRow],
    types: &[TypeRow],
    actions: &[ActionRow],
) -> Result<(), Error> {
    for service in services {
        check_ascending(&types[service.types.range()], |row| strings.get(row.name))?;
        check_ascending(&actions[service.actions.range()], |row| strings.lower(row.name))?;
    }
    Ok(())
}

fn check_ascending<'a, T>(rows: &[T], name_of: impl Fn(&T) -> &'a str) -> Result<(), Error> {
    if rows.iter().map(name_of).is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(Error::damaged("names are not in order"))
    }
}

/// Where the placeholder of a pattern of condition keys lies: bytes before and after it.
fn placeholder(name: &str) -> Result<Option<(u32, u32)>, Error> {
    let opened = name.find("${").map(|at| (at, '}')).or(name.find('<').map(|at| (at, '>')));
    let Some((head, close)) = opened else { return Ok(None) };
    let tail = name[head..].split_once(close).map(|(_, tail)| tail);
    match tail {
        Some(tail) if !tail.contains(['$', '<']) => {
            Ok(Some((position(head)?, position(tail.len())?)))
        }
        _ => Err(Error::damaged("a condition key has a broken placeholder")),
    }
}

fn position(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| Error::damaged("too many rows"))
}
