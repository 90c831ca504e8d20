//! The API-to-action map from its source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use assize_catalog::api_map::{
    ApiMapSource, ApiTest, SourceApiAction, SourceApiService, SourceCondition, SourceOperation,
    SourceTemplate, Template,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What the supplement says about the map.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MapSupplement {
    date: String,
    origin: String,
    /// Templates of the source that say something else than they mean, and what they mean; an
    /// empty text drops the template.
    corrections: BTreeMap<String, String>,
    /// Variables of single operations, `service.Operation`: variable and template, in place of
    /// those of the source; an empty text drops the variable. `*` is the whole ARN. Of several
    /// entries of the action the first is meant: the others are for some calls only.
    operations: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Map {
    schema: u32,
    #[serde(rename = "unpairedMapServices")]
    _unpaired_map_services: IgnoredAny,
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Service {
    #[serde(rename = "serviceId")]
    _service_id: IgnoredAny,
    event_source: String,
    #[serde(default, rename = "signingName")]
    _signing_name: Option<IgnoredAny>,
    #[serde(default, rename = "mapName")]
    _map_name: Option<IgnoredAny>,
    iam_prefixes: Vec<String>,
    operations: BTreeMap<String, Operation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Operation {
    #[serde(rename = "origin")]
    _origin: IgnoredAny,
    actions: Vec<Action>,
    #[serde(default, rename = "permissionless")]
    _permissionless: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Action {
    #[serde(rename = "action")]
    name: String,
    #[serde(default)]
    arn_variables: BTreeMap<String, String>,
    #[serde(default)]
    resource_arns: BTreeMap<String, String>,
    arn_override: Option<String>,
    when: Option<Condition>,
    #[serde(default, rename = "notInReference")]
    _not_in_reference: Option<IgnoredAny>,
    #[serde(default, rename = "undocumented")]
    _undocumented: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Condition {
    lhs: String,
    op: String,
    #[serde(default)]
    rhs: String,
    #[serde(rename = "andCondition")]
    also: Option<Box<Condition>>,
}

/// The facts of the map.
pub(super) fn source(data: &Path, supplement: &MapSupplement) -> Result<ApiMapSource> {
    let text = super::read_gzip(&data.join("source/api-action-map.json.gz"))?;
    let map: Map = serde_json::from_str(&text)?;
    ensure!(map.schema == 1, "the source of the API map has schema {}", map.schema);
    let mut corrections = Corrections { supplement, used: BTreeSet::new() };
    let services = map.services.into_iter().map(|(name, service)| {
        source_service(name.clone(), service, &mut corrections)
            .with_context(|| format!("service `{name}` of the API map"))
    });
    let services = services.collect::<Result<_>>()?;
    for text in supplement.corrections.keys().chain(supplement.operations.keys()) {
        ensure!(corrections.used.contains(text), "no template or operation is `{text}`");
    }
    let (date, origin) = (supplement.date.clone(), supplement.origin.clone());
    Ok(ApiMapSource { date, origin, services })
}

struct Corrections<'s> {
    supplement: &'s MapSupplement,
    used: BTreeSet<String>,
}

/// Puts the variables that the supplement has for an operation in place of those of the source.
fn apply(
    variables: &BTreeMap<String, String>,
    operation: &str,
    actions: &mut [Action],
) -> Result<()> {
    // Of several actions the one named like the operation is meant.
    let mut named = actions.iter_mut();
    let Some(action) = named.find(|action| action.name.split(':').nth(1) == Some(operation)) else {
        bail!("`{operation}` has no action of its name");
    };
    for (name, text) in variables {
        Template::parse(text)?;
        let text = Some(text.clone()).filter(|text| !text.is_empty());
        match (&**name, text) {
            ("*", text) => action.arn_override = text,
            (name, Some(text)) => {
                action.arn_variables.insert(name.to_owned(), text);
            }
            (name, None) => {
                let dropped = action.arn_variables.remove(name);
                ensure!(dropped.is_some(), "`{operation}` has no variable `{name}`");
            }
        }
    }
    Ok(())
}

impl Corrections<'_> {
    /// The template that is meant, if any.
    fn correct(&mut self, text: String) -> Result<Option<String>> {
        let text = match self.supplement.corrections.get(&text) {
            Some(meant) => {
                self.used.insert(text);
                meant.clone()
            }
            // Escapes of the source that were escaped once more, and a list marked outside of its
            // path.
            None => text.replace(r"\\", r"\").replace("}[]", "[]}"),
        };
        if text.is_empty() {
            return Ok(None);
        }
        Template::parse(&text)?;
        Ok(Some(text))
    }
}

fn source_service(
    name: String,
    service: Service,
    corrections: &mut Corrections<'_>,
) -> Result<SourceApiService> {
    let operations = service.operations.into_iter().map(|(operation_name, mut operation)| {
        let full_name = format!("{name}.{operation_name}");
        let stated = corrections.supplement.operations.get(&full_name);
        if let Some(variables) = stated {
            corrections.used.insert(full_name.clone());
            apply(variables, &operation_name, &mut operation.actions)?;
        }
        let actions = operation.actions.into_iter().map(|action| {
            source_action(action, corrections).with_context(|| format!("operation `{full_name}`"))
        });
        let actions = actions.collect::<Result<_>>()?;
        Ok(SourceOperation { name: operation_name, actions })
    });
    let operations = operations.collect::<Result<_>>()?;
    Ok(SourceApiService {
        operations,
        name,
        event_source: service.event_source,
        iam_prefixes: service.iam_prefixes,
    })
}

fn source_action(action: Action, corrections: &mut Corrections<'_>) -> Result<SourceApiAction> {
    let mut templates = Vec::new();
    for (name, text) in action.arn_variables {
        let text = corrections.correct(text)?;
        templates.extend(text.map(|text| SourceTemplate::Variable(name, text)));
    }
    for (name, text) in action.resource_arns {
        let text = corrections.correct(text)?;
        templates.extend(text.map(|text| SourceTemplate::ResourceType(name, text)));
    }
    if let Some(text) = action.arn_override {
        templates.extend(corrections.correct(text)?.map(SourceTemplate::WholeArn));
    }
    let condition = action.when.map(source_condition).transpose()?;
    Ok(SourceApiAction { name: action.name, condition, templates })
}

fn source_condition(condition: Condition) -> Result<SourceCondition> {
    let Some(test) = ApiTest::from_word(&condition.op) else {
        bail!("`{}` is no test", condition.op);
    };
    let also = condition.also.map(|also| source_condition(*also)).transpose()?;
    Ok(SourceCondition {
        parameter: condition.lhs,
        test,
        operand: condition.rhs,
        also: also.map(Box::new),
    })
}
