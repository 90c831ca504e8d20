//! From a data file to the tables of a map. Everything is checked here.

use std::ops::Range;

use super::{
    API_MAP_VERSION, ActionRow, ApiMap, ApiTest, ConditionRow, MAGIC, OperationRow, ServiceRow,
    TemplateRow, WHOLE_ARN,
};
use crate::Error;
use crate::snapshot::{Reader, open, read_strings};
use crate::tables::{StrId, Strings};

pub(super) fn read(file: &[u8]) -> Result<ApiMap, Error> {
    let body = open(MAGIC, API_MAP_VERSION, file)?;
    let mut reader = Reader::new(&body);
    let strings = read_strings(&mut reader)?;
    let mut decoder = Decoder { reader, n_strings: strings.len(), ..Decoder::default() };
    let date = decoder.string()?;
    let origin = decoder.string()?;
    let conditions = conditions(&mut decoder)?;
    let templates = decoder.rows(template)?;
    decoder.n_conditions = conditions.len();
    decoder.n_templates = templates.len();
    let services = decoder.rows(service)?;
    let operations = decoder.rows(operation)?;
    let actions = decoder.rows(action)?;
    ends_at(decoder.n_operations, operations.len())?;
    ends_at(decoder.n_actions, actions.len())?;
    let Decoder { reader, prefixes, template_lists, .. } = decoder;
    reader.finish()?;
    check_order(&strings, &services, &operations)?;
    check_actions(&strings, &actions)?;
    let by_source = by_source(&strings, &services)?;
    let map = ApiMap {
        strings,
        date,
        origin,
        conditions,
        templates,
        services,
        operations,
        actions,
        template_lists,
        prefixes,
        by_source,
    };
    Ok(map)
}

struct Decoder<'a> {
    reader: Reader<'a>,
    n_strings: usize,
    n_conditions: usize,
    n_templates: usize,
    n_operations: u32,
    n_actions: u32,
    prefixes: Vec<StrId>,
    template_lists: Vec<u32>,
}

impl Default for Decoder<'_> {
    fn default() -> Self {
        Self {
            reader: Reader::new(&[]),
            n_strings: 0,
            n_conditions: 0,
            n_templates: 0,
            n_operations: 0,
            n_actions: 0,
            prefixes: Vec::new(),
            template_lists: Vec::new(),
        }
    }
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
        self.reader.below(self.n_strings).map(StrId)
    }
}

/// A condition needs only one that stands before it, so a chain of them ends.
fn conditions(decoder: &mut Decoder<'_>) -> Result<Vec<ConditionRow>, Error> {
    let mut at = 0;
    decoder.rows(|decoder| {
        let parameter = decoder.string()?;
        let test = ApiTest::ALL[decoder.reader.below(ApiTest::ALL.len())? as usize];
        let operand = decoder.string()?;
        let also = decoder.reader.below(at + 1)?.checked_sub(1);
        at += 1;
        Ok(ConditionRow { parameter, test, operand, also })
    })
}

fn template(decoder: &mut Decoder<'_>) -> Result<TemplateRow, Error> {
    let kind = decoder.reader.byte()?;
    if kind > WHOLE_ARN {
        return Err(Error::damaged("a template is of an unknown kind"));
    }
    Ok(TemplateRow { kind, name: decoder.string()?, text: decoder.string()? })
}

fn service(decoder: &mut Decoder<'_>) -> Result<ServiceRow, Error> {
    let name = decoder.string()?;
    let event_source = decoder.string()?;
    let start = position(decoder.prefixes.len())?;
    for _ in 0..decoder.reader.count()? {
        let prefix = decoder.string()?;
        decoder.prefixes.push(prefix);
    }
    let prefixes = start..position(decoder.prefixes.len())?;
    let operations = follow(&mut decoder.n_operations, decoder.reader.number()?)?;
    Ok(ServiceRow { name, event_source, prefixes, operations })
}

fn operation(decoder: &mut Decoder<'_>) -> Result<OperationRow, Error> {
    let name = decoder.string()?;
    let actions = follow(&mut decoder.n_actions, decoder.reader.number()?)?;
    Ok(OperationRow { name, actions })
}

fn action(decoder: &mut Decoder<'_>) -> Result<ActionRow, Error> {
    let name = decoder.string()?;
    let condition = decoder.reader.below(decoder.n_conditions + 1)?.checked_sub(1);
    let start = position(decoder.template_lists.len())?;
    for _ in 0..decoder.reader.count()? {
        let template = decoder.reader.below(decoder.n_templates)?;
        decoder.template_lists.push(template);
    }
    let templates = start..position(decoder.template_lists.len())?;
    Ok(ActionRow { name, condition, templates })
}

/// The next `n` rows of a table, of which `end` were given out before.
fn follow(end: &mut u32, n: u32) -> Result<Range<u32>, Error> {
    let start = *end;
    *end = start.checked_add(n).ok_or(Error::damaged("too many rows"))?;
    Ok(start..*end)
}

fn ends_at(given: u32, n_rows: usize) -> Result<(), Error> {
    if given as usize == n_rows {
        Ok(())
    } else {
        Err(Error::damaged("a table has another number of rows than its lists"))
    }
}

fn check_order(
    strings: &Strings,
    services: &[ServiceRow],
    operations: &[OperationRow],
) -> Result<(), Error> {
    let ascending = services.is_sorted_by(|a, b| strings.get(a.name) < strings.get(b.name))
        && services.iter().all(|service| {
            super::rows(operations, &service.operations)
                .is_sorted_by(|a, b| strings.get(a.name) < strings.get(b.name))
        });
    if ascending { Ok(()) } else { Err(Error::damaged("names are not in order")) }
}

fn check_actions(strings: &Strings, actions: &[ActionRow]) -> Result<(), Error> {
    if actions.iter().all(|action| strings.get(action.name).contains(':')) {
        Ok(())
    } else {
        Err(Error::damaged("an action has no service"))
    }
}

fn by_source(strings: &Strings, services: &[ServiceRow]) -> Result<Vec<u32>, Error> {
    let mut by_source: Vec<u32> = (0..position(services.len())?).collect();
    // Services ascend by name already, and the sort is stable.
    by_source.sort_by_key(|&at| strings.get(services[at as usize].event_source));
    Ok(by_source)
}

fn position(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| Error::damaged("too many rows"))
}
