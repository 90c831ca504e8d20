//! What a query means.

use assize_catalog::{
    ActionReference, Catalog, ConditionKeyReference, ResourceType, ServiceReference,
};
use assize_model::{ActionId, ArnParts, Id};

/// Something of the catalog.
#[derive(Debug)]
pub(super) enum Found<'c> {
    /// All services.
    Services(Vec<ServiceReference<'c>>),
    /// One service with everything it has.
    Service(ServiceReference<'c>),
    /// One action.
    Action(ActionReference<'c>),
    /// Several actions.
    Actions(String, Vec<ActionReference<'c>>),
    /// One resource type.
    ResourceType(ResourceType<'c>),
    /// One condition key.
    ConditionKey(ConditionKeyReference<'c>),
    /// The types of which an ARN is.
    Arn(String, Vec<ResourceType<'c>>),
}

/// Fewest letters of a word that is looked for inside of names.
const MIN_SEARCHED_CHARS: usize = 3;

/// Everything that a query names.
pub(super) fn find<'c>(catalog: &'c Catalog, query: &str) -> Vec<Found<'c>> {
    if ArnParts::split(query).is_some() {
        let types: Vec<_> = types_of(catalog, query).collect();
        return if types.is_empty() {
            Vec::new()
        } else {
            vec![Found::Arn(query.to_owned(), types)]
        };
    }
    match query.split_once(':') {
        Some((vendor, name)) if is_pattern(query) => expand(catalog, query, vendor, name),
        Some((vendor, name)) => named(catalog, query, vendor, name),
        None => match catalog.service(query) {
            Some(service) => vec![Found::Service(service)],
            None if is_pattern(query) => expand(catalog, query, "*", query),
            None => search(catalog, query),
        },
    }
}

fn is_pattern(query: &str) -> bool {
    query.contains(['*', '?'])
}

/// The types of which an ARN is, of any service.
fn types_of<'c>(catalog: &'c Catalog, arn: &str) -> impl Iterator<Item = ResourceType<'c>> {
    let services = catalog.services();
    let ids = services.filter_map(move |service| catalog.resource_type_of(service.prefix(), arn));
    ids.map(|id| catalog.resource_type_ref(id))
}

/// The actions of a pattern.
fn expand<'c>(catalog: &'c Catalog, query: &str, vendor: &str, name: &str) -> Vec<Found<'c>> {
    let services: Vec<&str> = catalog
        .services()
        .map(|service| service.prefix())
        .filter(|prefix| vendor == "*" || prefix.eq_ignore_ascii_case(vendor))
        .collect();
    let services = if services.is_empty() { vec![vendor] } else { services };
    let actions: Vec<_> = services
        .iter()
        .flat_map(|service| catalog.expand(service, name))
        .flat_map(|range| range.positions())
        .filter_map(ActionId::try_from_index)
        .map(|id| catalog.action_ref(id))
        .collect();
    if actions.is_empty() { Vec::new() } else { vec![Found::Actions(query.to_owned(), actions)] }
}

/// What is called exactly so: an action, a resource type, a condition key, or all three.
fn named<'c>(catalog: &'c Catalog, query: &str, vendor: &str, name: &str) -> Vec<Found<'c>> {
    let mut found = Vec::new();
    if let Some(id) = catalog.action(vendor, name) {
        found.push(Found::Action(catalog.action_ref(id)));
    }
    if let Some(id) = catalog.resource_type(vendor, name) {
        found.push(Found::ResourceType(catalog.resource_type_ref(id)));
    }
    if let Some(key) = catalog.condition_key(query) {
        found.push(Found::ConditionKey(key));
    }
    found
}

/// What has a word in its name.
fn search<'c>(catalog: &'c Catalog, word: &str) -> Vec<Found<'c>> {
    if word.chars().count() < MIN_SEARCHED_CHARS {
        return Vec::new();
    }
    let lower = word.to_ascii_lowercase();
    let has = |text: &str| text.to_ascii_lowercase().contains(&lower);
    let mut found = Vec::new();
    let services: Vec<_> = catalog.services().filter(|service| has(service.name())).collect();
    if !services.is_empty() {
        found.push(Found::Services(services));
    }
    let actions: Vec<_> = catalog.actions().filter(|action| has(action.name())).collect();
    if !actions.is_empty() {
        found.push(Found::Actions(word.to_owned(), actions));
    }
    let keys = catalog.condition_keys().filter(|key| has(key.name()));
    found.extend(keys.map(Found::ConditionKey));
    found
}

/// What may have been meant by a query that names nothing.
pub(super) fn nearest(catalog: &Catalog, query: &str) -> Option<String> {
    let Some((vendor, name)) = query.split_once(':') else {
        return catalog.nearest_service(query).map(|service| service.prefix().to_owned());
    };
    let keys = catalog.condition_keys().map(|key| key.name());
    match catalog.service(vendor) {
        Some(_) => catalog
            .nearest_action(vendor, name)
            .map(|id| catalog.action_ref(id).full_name())
            .or_else(|| assize_formats::nearest(query, keys).map(str::to_owned)),
        None if vendor.eq_ignore_ascii_case("aws") => {
            assize_formats::nearest(query, keys).map(str::to_owned)
        }
        None => {
            let service = catalog.nearest_service(vendor)?.prefix();
            let id =
                catalog.action(service, name).or_else(|| catalog.nearest_action(service, name));
            id.map_or_else(
                || Some(service.to_owned()),
                |id| Some(catalog.action_ref(id).full_name()),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &[&str]) {
        let catalog = Catalog::bundled().unwrap();
        let found: Vec<&str> = find(&catalog, query)
            .iter()
            .map(|found| match found {
                Found::Services(_) => "services",
                Found::Service(_) => "service",
                Found::Action(_) => "action",
                Found::Actions(..) => "actions",
                Found::ResourceType(_) => "type",
                Found::ConditionKey(_) => "key",
                Found::Arn(..) => "arn",
            })
            .collect();
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn queries_name_what_the_catalog_has() {
        check("s3", &["service"]);
        check("S3:getobject", &["action"]);
        check("s3:Get*", &["actions"]);
        check("*:GetObject", &["actions"]);
        check("s3:bucket", &["type"]);
        check("aws:sourceip", &["key"]);
        check("arn:aws:s3:::b", &["arn"]);
        check("nothing-like-this", &[]);
        check("s3:NoSuchThing", &[]);
    }

    #[test]
    fn misspelled_queries_have_a_right_word() {
        let catalog = Catalog::bundled().unwrap();
        let near = |query| nearest(&catalog, query);
        assert_eq!(near("s3:GetObjct").as_deref(), Some("s3:GetObject"));
        assert_eq!(near("aws:SurceIp").as_deref(), Some("aws:SourceIp"));
        assert_eq!(near("dynamdb").as_deref(), Some("dynamodb"));
        assert_eq!(near("dynamdb:GetItem").as_deref(), Some("dynamodb:GetItem"));
    }
}
