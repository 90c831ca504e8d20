//! From facts to a data file.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    API_MAP_VERSION, ApiMap, ApiMapSource, ApiTest, MAGIC, RESOURCE_TYPE, SourceApiAction,
    SourceApiService, SourceCondition, SourceOperation, SourceTemplate, Template, VARIABLE,
    WHOLE_ARN,
};
use crate::Error;
use crate::snapshot::{Writer, seal, write_strings};

/// Builds a data file of an API-to-action map. Equal facts give equal bytes, in whatever order
/// services and operations are listed.
///
/// # Errors
/// When a name stands twice or a text is no template.
pub fn write(source: &ApiMapSource) -> Result<Vec<u8>, Error> {
    let services = sort(&source.services, |service| &service.name)?;
    let strings = numbered(all_strings(source))?;
    let mut plan = Plan { strings, conditions: Writer::default(), n_conditions: 0 };
    let templates = numbered(all_templates(source))?;
    let mut service_rows = Writer::default();
    let mut operation_rows = Writer::default();
    let mut action_rows = Writer::default();
    let (mut n_operations, mut n_actions) = (0, 0);
    for service in services.values() {
        let operations = sort(&service.operations, |operation| &operation.name)?;
        plan.service(&mut service_rows, service, operations.len())?;
        n_operations += operations.len();
        for operation in operations.values() {
            plan.operation(&mut operation_rows, operation)?;
            n_actions += operation.actions.len();
            for action in &operation.actions {
                plan.action(&mut action_rows, action, &templates)?;
            }
        }
    }
    let mut body = Writer::default();
    write_strings(&mut body, plan.strings.keys().copied())?;
    plan.string(&mut body, &source.date)?;
    plan.string(&mut body, &source.origin)?;
    body.count(plan.n_conditions)?;
    let conditions = std::mem::take(&mut plan.conditions);
    body.bytes(&conditions.finish());
    body.count(templates.len())?;
    for template in templates.keys() {
        plan.template(&mut body, template)?;
    }
    body.count(services.len())?;
    body.bytes(&service_rows.finish());
    body.count(n_operations)?;
    body.bytes(&operation_rows.finish());
    body.count(n_actions)?;
    body.bytes(&action_rows.finish());
    let file = seal(MAGIC, API_MAP_VERSION, &body.finish())?;
    ApiMap::from_bytes(&file)?;
    Ok(file)
}

struct Plan<'a> {
    strings: BTreeMap<&'a str, u32>,
    conditions: Writer,
    n_conditions: usize,
}

impl Plan<'_> {
    fn string(&self, body: &mut Writer, text: &str) -> Result<(), Error> {
        let found = self.strings.get(text).copied();
        body.number(found.ok_or_else(|| Error::source(format!("there is no text `{text}`")))?);
        Ok(())
    }

    fn service(
        &self,
        body: &mut Writer,
        service: &SourceApiService,
        n_operations: usize,
    ) -> Result<(), Error> {
        self.string(body, &service.name)?;
        self.string(body, &service.event_source)?;
        body.count(service.iam_prefixes.len())?;
        for prefix in &service.iam_prefixes {
            self.string(body, prefix)?;
        }
        body.count(n_operations)
    }

    fn operation(&self, body: &mut Writer, operation: &SourceOperation) -> Result<(), Error> {
        self.string(body, &operation.name)?;
        body.count(operation.actions.len())
    }

    fn action(
        &mut self,
        body: &mut Writer,
        action: &SourceApiAction,
        templates: &BTreeMap<&SourceTemplate, u32>,
    ) -> Result<(), Error> {
        if !action.name.contains(':') {
            return Err(Error::source(format!("`{}` is no action", action.name)));
        }
        self.string(body, &action.name)?;
        let condition = match &action.condition {
            Some(condition) => self.condition(condition)? + 1,
            None => 0,
        };
        body.count(condition)?;
        body.count(action.templates.len())?;
        for template in &action.templates {
            let found = templates.get(template).copied();
            body.number(found.ok_or_else(|| Error::source("a template is lost".to_owned()))?);
        }
        Ok(())
    }

    /// Writes a condition behind the one it needs, and gives its row.
    fn condition(&mut self, condition: &SourceCondition) -> Result<usize, Error> {
        let also = match &condition.also {
            Some(also) => self.condition(also)? + 1,
            None => 0,
        };
        let mut row = Writer::default();
        self.string(&mut row, &condition.parameter)?;
        let test = ApiTest::ALL.iter().position(|test| *test == condition.test);
        row.count(test.unwrap_or_default())?;
        self.string(&mut row, &condition.operand)?;
        row.count(also)?;
        self.conditions.bytes(&row.finish());
        self.n_conditions += 1;
        Ok(self.n_conditions - 1)
    }

    fn template(&self, body: &mut Writer, template: &SourceTemplate) -> Result<(), Error> {
        let (kind, name, text) = parts(template);
        Template::parse(text)?;
        body.byte(kind);
        self.string(body, name)?;
        self.string(body, text)
    }
}

fn parts(template: &SourceTemplate) -> (u8, &str, &str) {
    match template {
        SourceTemplate::Variable(name, text) => (VARIABLE, name, text),
        SourceTemplate::ResourceType(name, text) => (RESOURCE_TYPE, name, text),
        SourceTemplate::WholeArn(text) => (WHOLE_ARN, "", text),
    }
}

fn sort<T>(rows: &[T], name_of: impl Fn(&T) -> &String) -> Result<BTreeMap<&str, &T>, Error> {
    let mut sorted = BTreeMap::new();
    for row in rows {
        if sorted.insert(name_of(row).as_str(), row).is_some() {
            return Err(Error::source(format!("`{}` stands twice", name_of(row))));
        }
    }
    Ok(sorted)
}

fn numbered<K: Ord>(sorted: BTreeSet<K>) -> Result<BTreeMap<K, u32>, Error> {
    let number = |at| u32::try_from(at).map_err(|_| Error::source("too many rows".to_owned()));
    sorted.into_iter().enumerate().map(|(at, key)| Ok((key, number(at)?))).collect()
}

fn all_actions(source: &ApiMapSource) -> impl Iterator<Item = &SourceApiAction> {
    let operations = source.services.iter().flat_map(|service| &service.operations);
    operations.flat_map(|operation| &operation.actions)
}

fn all_templates(source: &ApiMapSource) -> BTreeSet<&SourceTemplate> {
    all_actions(source).flat_map(|action| &action.templates).collect()
}

fn all_strings(source: &ApiMapSource) -> BTreeSet<&str> {
    let mut strings = BTreeSet::from(["", source.date.as_str(), source.origin.as_str()]);
    for service in &source.services {
        strings.extend([service.name.as_str(), service.event_source.as_str()]);
        strings.extend(service.iam_prefixes.iter().map(String::as_str));
        strings.extend(service.operations.iter().map(|operation| operation.name.as_str()));
    }
    for action in all_actions(source) {
        strings.insert(&action.name);
        for template in &action.templates {
            let (_, name, text) = parts(template);
            strings.extend([name, text]);
        }
        let mut condition = action.condition.as_ref();
        while let Some(row) = condition {
            strings.extend([row.parameter.as_str(), row.operand.as_str()]);
            condition = row.also.as_deref();
        }
    }
    strings
}
