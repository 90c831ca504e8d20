//! The catalog for programs.

use anyhow::Result;
use assize_catalog::{
    ActionReference, Catalog, ConditionKeyReference, ResourceType, ServiceReference, WildcardForm,
};
use assize_model::{ActionId, Id, KeyShape};
use serde::Serialize;

use super::find::Found;
use super::text::key_type;

#[derive(Serialize)]
struct Page<'c> {
    catalog: &'c str,
    services: Vec<Service<'c>>,
    actions: Vec<Action<'c>>,
    #[serde(rename = "resourceTypes")]
    resource_types: Vec<Type<'c>>,
    #[serde(rename = "conditionKeys")]
    condition_keys: Vec<Key<'c>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'c> {
    prefix: &'c str,
    name: &'c str,
    actions: usize,
    supports_rcp: bool,
    supports_endpoint_policy: bool,
    global: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Action<'c> {
    #[serde(rename = "action")]
    name: String,
    access_level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wildcard_form: Option<&'c str>,
    resources: Vec<On<'c>>,
    condition_keys: Vec<&'c str>,
    dependent_actions: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct On<'c> {
    #[serde(rename = "type")]
    name: &'c str,
    required: bool,
    arns: Vec<&'c str>,
    condition_keys: Vec<&'c str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Type<'c> {
    service: &'c str,
    name: &'c str,
    arns: Vec<&'c str>,
    condition_keys: Vec<&'c str>,
}

#[derive(Serialize)]
struct Key<'c> {
    name: &'c str,
    #[serde(rename = "type")]
    values: &'static str,
    multivalued: Option<bool>,
    global: bool,
}

/// What was found, as one JSON document.
pub(super) fn json(catalog: &Catalog, found: &[Found<'_>]) -> Result<String> {
    let mut page = Page {
        catalog: catalog.date(),
        services: Vec::new(),
        actions: Vec::new(),
        resource_types: Vec::new(),
        condition_keys: Vec::new(),
    };
    for found in found {
        match found {
            Found::Services(services) => {
                page.services.extend(services.iter().map(|at| service(*at)));
            }
            Found::Service(found) => {
                page.services.push(service(*found));
                let ids = found.actions().positions().filter_map(ActionId::try_from_index);
                page.actions.extend(ids.map(|id| action(catalog, catalog.action_ref(id))));
                page.resource_types.extend(found.resource_types().map(resource_type));
                page.condition_keys.extend(found.condition_keys().map(condition_key));
            }
            Found::Action(found) => page.actions.push(action(catalog, *found)),
            Found::Actions(_, actions) => {
                page.actions.extend(actions.iter().map(|found| action(catalog, *found)));
            }
            Found::ResourceType(found) => page.resource_types.push(resource_type(*found)),
            Found::ConditionKey(found) => page.condition_keys.push(condition_key(*found)),
            Found::Arn(_, types) => {
                page.resource_types.extend(types.iter().map(|found| resource_type(*found)));
            }
        }
    }
    let mut text = serde_json::to_string_pretty(&page)?;
    text.push('\n');
    Ok(text)
}

fn service(service: ServiceReference<'_>) -> Service<'_> {
    Service {
        prefix: service.prefix(),
        name: service.name(),
        actions: service.actions().positions().len(),
        supports_rcp: service.supports_rcp(),
        supports_endpoint_policy: service.supports_endpoint_policy(),
        global: service.is_global(),
    }
}

fn action<'c>(catalog: &'c Catalog, action: ActionReference<'c>) -> Action<'c> {
    let wildcard_form =
        action.is_wildcard_only().then(|| match catalog.wildcard_form(action.id()) {
            WildcardForm::Star => "*",
            WildcardForm::Template(form) => form,
        });
    let resources = action.resource_types().map(|on| {
        let found = on.resource_type();
        On {
            name: found.name(),
            required: on.is_required(),
            arns: found.formats().map(|format| format.text()).collect(),
            condition_keys: on.condition_keys().map(|key| key.name()).collect(),
        }
    });
    Action {
        name: action.full_name(),
        access_level: action.access_level().as_str(),
        wildcard_form,
        resources: resources.collect(),
        condition_keys: action.condition_keys().map(|key| key.name()).collect(),
        dependent_actions: action
            .dependent_actions()
            .map(|id| catalog.action_ref(id).full_name())
            .collect(),
    }
}

fn resource_type(found: ResourceType<'_>) -> Type<'_> {
    Type {
        service: found.service().prefix(),
        name: found.name(),
        arns: found.formats().map(|format| format.text()).collect(),
        condition_keys: found.condition_keys().map(|key| key.name()).collect(),
    }
}

fn condition_key(key: ConditionKeyReference<'_>) -> Key<'_> {
    Key {
        name: key.name(),
        values: key_type(key.key_type()),
        multivalued: key.shape().map(|shape| shape != KeyShape::Single),
        global: key.is_global(),
    }
}
