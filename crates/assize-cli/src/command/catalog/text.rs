//! The catalog for people.

use std::fmt::Write as _;

use assize_catalog::{
    ActionReference, Catalog, ConditionKeyReference, ResourceType, ServiceReference, WildcardForm,
};
use assize_formats::count;
use assize_model::{ActionId, Id, KeyShape, KeyType};

use super::find::Found;
use crate::render::style::Style;
use crate::render::table::columns;

/// Most condition keys that are named on one line of a table.
const MAX_KEYS_OF_ACTION: usize = 60;

/// What was found.
pub(super) fn text(catalog: &Catalog, found: &Found<'_>, style: Style) -> String {
    match found {
        Found::Services(services) => services_table(services, style),
        Found::Service(service) => service_page(catalog, *service, style),
        Found::Action(action) => action_page(catalog, *action, style),
        Found::Actions(query, actions) => {
            let n = count(actions.len(), "action");
            format!("{} {n}\n{}", style.bold(query), actions_table(actions, style))
        }
        Found::ResourceType(resource_type) => type_page(catalog, *resource_type, style),
        Found::ConditionKey(key) => key_line(*key, style),
        Found::Arn(arn, types) => arn_page(arn, types, style),
    }
}

fn services_table(services: &[ServiceReference<'_>], style: Style) -> String {
    let rows: Vec<_> = services
        .iter()
        .map(|service| {
            let n_actions = service.actions().positions().len();
            [service.prefix().to_owned(), count(n_actions, "action"), service.name().to_owned()]
        })
        .collect();
    format!("{}\n{}", style.bold(count(services.len(), "service")), columns(&rows, 2))
}

fn service_page(catalog: &Catalog, service: ServiceReference<'_>, style: Style) -> String {
    let actions: Vec<_> = service
        .actions()
        .positions()
        .filter_map(ActionId::try_from_index)
        .map(|id| catalog.action_ref(id))
        .collect();
    let mut text = format!("{} {}\n", style.bold(service.prefix()), service.name());
    let traits = [
        (service.supports_rcp(), "resource control policies apply"),
        (!service.supports_endpoint_policy(), "VPC endpoint policies do not apply"),
        (service.is_global(), "one region serves the whole partition"),
    ];
    for (_, what) in traits.iter().filter(|(holds, _)| *holds) {
        let _ = writeln!(text, "  {what}");
    }
    let _ =
        write!(text, "\n{}\n{}", count(actions.len(), "action"), actions_table(&actions, style));
    let types: Vec<_> = service.resource_types().collect();
    if !types.is_empty() {
        let _ = write!(text, "\n{}\n{}", count(types.len(), "resource type"), types_table(&types));
    }
    let keys: Vec<_> = service.condition_keys().collect();
    if !keys.is_empty() {
        let _ = write!(text, "\n{}\n{}", count(keys.len(), "condition key"), keys_table(&keys));
    }
    text
}

fn actions_table(actions: &[ActionReference<'_>], _style: Style) -> String {
    let rows: Vec<_> = actions
        .iter()
        .map(|action| {
            let types = action.resource_types().map(|on| {
                let name = on.resource_type().name();
                if on.is_required() { format!("{name}*") } else { name.to_owned() }
            });
            let types: Vec<String> = types.collect();
            let on = if types.is_empty() { "-".to_owned() } else { types.join(", ") };
            [action.full_name(), action.access_level().as_str().to_owned(), on]
        })
        .collect();
    columns(&rows, 2)
}

fn action_page(catalog: &Catalog, action: ActionReference<'_>, style: Style) -> String {
    let mut text = format!(
        "{} {} ({})\n",
        style.bold(action.full_name()),
        action.access_level().as_str(),
        action.service().name()
    );
    let types: Vec<_> = action.resource_types().collect();
    if types.is_empty() {
        let form = match catalog.wildcard_form(action.id()) {
            WildcardForm::Star => "*",
            WildcardForm::Template(form) => form,
        };
        let _ = writeln!(text, "  takes no resource: write {}", style.name(form));
    }
    for on in types {
        let required = if on.is_required() { "required" } else { "optional" };
        let resource_type = on.resource_type();
        let _ = writeln!(text, "  on {} ({required})", style.bold(resource_type.name()));
        for format in resource_type.formats() {
            let _ = writeln!(text, "     {}", style.name(format.text()));
        }
        key_list(&mut text, "     keys: ", on.condition_keys());
    }
    key_list(&mut text, "  keys: ", action.condition_keys());
    let dependent: Vec<_> =
        action.dependent_actions().map(|id| catalog.action_ref(id).full_name()).collect();
    if !dependent.is_empty() {
        let _ = writeln!(text, "  may also need: {}", dependent.join(", "));
    }
    if let Some(note) = service_note(action.service()) {
        let _ = writeln!(text, "  {note}");
    }
    text
}

fn service_note(service: ServiceReference<'_>) -> Option<String> {
    service
        .supports_rcp()
        .then(|| format!("resource control policies apply to {}", service.prefix()))
}

fn key_list<'c>(
    text: &mut String,
    head: &str,
    keys: impl Iterator<Item = ConditionKeyReference<'c>>,
) {
    let mut names: Vec<&str> = keys.map(|key| key.name()).collect();
    if names.is_empty() {
        return;
    }
    let more = names.len().saturating_sub(MAX_KEYS_OF_ACTION);
    names.truncate(MAX_KEYS_OF_ACTION);
    let _ = write!(text, "{head}{}", names.join(", "));
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text.push('\n');
}

fn types_table(types: &[ResourceType<'_>]) -> String {
    let rows: Vec<_> = types
        .iter()
        .flat_map(|resource_type| {
            let formats = resource_type.formats().enumerate();
            formats.map(|(at, format)| {
                let name = if at == 0 { resource_type.name() } else { "" };
                [name.to_owned(), format.text().to_owned()]
            })
        })
        .collect();
    columns(&rows, 2)
}

fn keys_table(keys: &[ConditionKeyReference<'_>]) -> String {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| [key.name().to_owned(), format!("{}{}", shape(*key), key_type(key.key_type()))])
        .collect();
    columns(&rows, 2)
}

fn shape(key: ConditionKeyReference<'_>) -> &'static str {
    match key.shape() {
        Some(KeyShape::Multivalued) => "list of ",
        Some(KeyShape::Single) => "",
        Some(KeyShape::OneOrMany) | None => "one or a list of ",
    }
}

/// The word for a type of values.
pub(super) fn key_type(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::Arn => "ARN",
        KeyType::Bool => "boolean",
        KeyType::Numeric => "number",
        KeyType::Date => "date",
        KeyType::IpAddress => "IP address",
        KeyType::Binary => "binary",
        _ => "string",
    }
}

fn type_page(catalog: &Catalog, resource_type: ResourceType<'_>, style: Style) -> String {
    let service = resource_type.service();
    let name = format!("{}:{}", service.prefix(), resource_type.name());
    let mut text = format!("{} resource type of {}\n", style.bold(name), service.name());
    for format in resource_type.formats() {
        let _ = writeln!(text, "  {}", style.name(format.text()));
    }
    key_list(&mut text, "  keys: ", resource_type.condition_keys());
    let actions: Vec<_> = catalog
        .actions()
        .filter(|action| {
            action.resource_types().any(|on| on.resource_type().id() == resource_type.id())
        })
        .collect();
    let _ =
        write!(text, "\n{}\n{}", count(actions.len(), "action"), actions_table(&actions, style));
    text
}

fn key_line(key: ConditionKeyReference<'_>, style: Style) -> String {
    let reach = if key.is_global() { "global condition key" } else { "condition key" };
    let (shape, values) = (shape(key), key_type(key.key_type()));
    format!("{} {reach}: {shape}{values}\n", style.bold(key.name()))
}

fn arn_page(arn: &str, types: &[ResourceType<'_>], style: Style) -> String {
    let mut text = format!("{}\n", style.bold(arn));
    for resource_type in types {
        let service = resource_type.service();
        let name = format!("{}:{}", service.prefix(), resource_type.name());
        let _ = writeln!(text, "  is {} ({})", style.name(name), service.name());
    }
    text
}
