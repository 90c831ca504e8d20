//! Tests on a small catalog: what is written reads back, and nothing else does.

use assize_model::{Id, KeyShape, KeyType};

use super::*;
use crate::{AccessLevel, Catalog, ErrorKind, WildcardForm};

fn key(name: &str, key_type: KeyType, shape: Option<KeyShape>) -> SourceKey {
    SourceKey {
        name: name.to_owned(),
        key_type,
        shape,
        resource_tag: name.contains("ResourceTag"),
        tags_of: None,
    }
}

fn action(name: &str) -> SourceAction {
    SourceAction {
        name: name.to_owned(),
        level: AccessLevel::Write,
        resource_account_absent: false,
        own_account_only: false,
        identity_only: false,
        types_are_alternatives: false,
        creates_with_tags: false,
        wildcard_form: None,
        resources: Vec::new(),
        keys: Vec::new(),
        dependents: Vec::new(),
    }
}

fn entry(resource_type: &str, required: bool, keys: &[&str]) -> SourceActionResource {
    SourceActionResource {
        resource_type: resource_type.to_owned(),
        required,
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
        dependents: vec!["zoo:listanimals".to_owned()],
    }
}

/// Two services with a little of everything.
fn sample() -> CatalogSource {
    let mut feed = action("FeedAnimal");
    feed.resources = vec![entry("cage", false, &["zoo:Keeper"]), entry("cage", true, &[])];
    feed.keys = vec!["ZOO:keeper".to_owned()];
    let mut list = action("ListAnimals");
    list.level = AccessLevel::List;
    list.resource_account_absent = true;
    list.own_account_only = true;
    list.identity_only = true;
    list.types_are_alternatives = true;
    list.wildcard_form = Some("arn:${Partition}:zoo::${Account}:*".to_owned());
    let cage = SourceResourceType {
        name: "cage".to_owned(),
        formats: vec![
            "arn:${Partition}:zoo:${Region}:${Account}:cage/${Cage}".to_owned(),
            "arn:${Partition}:zoo:${Region}:${Account}:old:${Cage}".to_owned(),
        ],
        keys: vec!["zoo:ResourceTag/${TagKey}".to_owned()],
    };
    let zoo = SourceService {
        prefix: "zoo".to_owned(),
        name: "Amazon Zoo".to_owned(),
        rcp: true,
        endpoint_policy: true,
        global: true,
        keys: vec![
            key("zoo:Keeper", KeyType::Arn, Some(KeyShape::Multivalued)),
            key("zoo:ResourceTag/${TagKey}", KeyType::String, Some(KeyShape::Single)),
            key("AWS:sourceip", KeyType::String, None),
        ],
        resource_types: vec![cage],
        actions: vec![list, feed],
    };
    let bare = SourceService {
        prefix: "bare".to_owned(),
        actions: vec![action("Do")],
        ..SourceService::default()
    };
    CatalogSource {
        date: "2026-01-02".to_owned(),
        origin: "by hand".to_owned(),
        global_regions: vec![("aws/zoo".to_owned(), "us-east-1".to_owned())],
        global_keys: vec![key("aws:SourceIp", KeyType::IpAddress, Some(KeyShape::Single))],
        services: vec![zoo, bare],
    }
}

/// Looks at everything a catalog says.
fn walk(catalog: &Catalog) -> usize {
    let mut seen = catalog.date().len() + catalog.origin().len();
    for service in catalog.services() {
        seen += service.prefix().len() + service.name().len() + service.condition_keys().len();
        seen += usize::from(catalog.global_service_region(service.prefix(), "aws").is_some());
        seen += catalog.expand(service.prefix(), "*e?*").len();
        for found in service.resource_types() {
            seen += found.formats().map(|format| format.text().len()).sum::<usize>();
            seen += found.condition_keys().chain(catalog.condition_keys()).count();
            seen += found.resource_tag_keys().map(str::len).sum::<usize>();
        }
        seen += usize::from(catalog.resource_type_of(service.prefix(), "a:b:c:d:e:f/g").is_some());
    }
    for action in catalog.actions() {
        let id = action.id();
        seen += action.full_name().len() + catalog.wildcard_form(id).render("p", "a").len();
        seen += usize::from(catalog.resource_account_keys_absent(id));
        seen += usize::from(catalog.is_own_account_only(id));
        seen += usize::from(catalog.is_identity_only(id));
        seen += usize::from(catalog.types_are_alternatives(id));
        seen += action.condition_keys().map(|key| key.stem().len()).sum::<usize>();
        seen += action.dependent_actions().map(Id::index).sum::<usize>();
        for entry in action.resource_types() {
            seen += entry.dependent_actions().map(Id::index).sum::<usize>();
            seen += entry.condition_keys().map(|key| key.name().len()).sum::<usize>();
            seen += catalog.resource_tag_keys(id, Some(entry.resource_type().id())).count();
        }
        seen += usize::from(catalog.action(action.service().prefix(), action.name()).is_some());
        seen += usize::from(catalog.fits(id, "arn:aws:zoo:r:1:cage/x").is_some());
    }
    seen + usize::from(catalog.condition_key("zoo:resourcetag/a:b/c").is_some())
}

#[test]
fn what_is_written_reads_back() {
    let catalog = Catalog::from_bytes(&write(&sample()).unwrap()).unwrap();
    assert_eq!((catalog.date(), catalog.origin()), ("2026-01-02", "by hand"));
    let prefixes: Vec<_> = catalog.services().map(|service| service.prefix()).collect();
    assert_eq!(prefixes, ["bare", "zoo"]);
    let feed = catalog.action_ref(catalog.action("zoo", "FeedAnimal").unwrap());
    let entries: Vec<_> = feed.resource_types().collect();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].is_required());
    let list = catalog.action("zoo", "ListAnimals").unwrap();
    assert_eq!(entries[0].dependent_actions().collect::<Vec<_>>(), [list]);
    assert_eq!(feed.condition_keys().map(|key| key.name()).collect::<Vec<_>>(), ["zoo:Keeper"]);
    assert!(catalog.resource_account_keys_absent(list));
    assert!(catalog.is_own_account_only(list) && !catalog.is_own_account_only(feed.id()));
    assert!(catalog.is_identity_only(list) && !catalog.is_identity_only(feed.id()));
    assert!(catalog.types_are_alternatives(list) && !catalog.types_are_alternatives(feed.id()));
    assert!(matches!(catalog.wildcard_form(list), WildcardForm::Template(_)));
    let ip = catalog.condition_key("aws:sourceip").unwrap();
    assert_eq!((ip.name(), ip.key_type()), ("aws:SourceIp", KeyType::IpAddress));
    let cage = catalog.resource_type_of("zoo", "arn:aws:zoo:r:1:old:x").unwrap();
    assert_eq!(catalog.fits(feed.id(), "arn:aws:zoo:r:1:cage/x"), Some(cage));
    let tags: Vec<_> = catalog.resource_tag_keys(feed.id(), Some(cage)).collect();
    assert_eq!(tags, ["zoo:ResourceTag/"]);
    assert_eq!(catalog.global_service_region("zoo", "aws"), Some("us-east-1"));
    assert!(walk(&catalog) > 0);
}

#[test]
fn the_order_of_the_facts_does_not_matter() {
    let mut other = sample();
    other.services.reverse();
    for service in &mut other.services {
        service.actions.reverse();
        service.keys.reverse();
    }
    assert_eq!(write(&sample()), write(&other));
    assert!(Catalog::from_bytes(&write(&CatalogSource::default()).unwrap()).is_ok());
}

fn check_refused(change: impl Fn(&mut CatalogSource)) {
    let mut source = sample();
    change(&mut source);
    let error = write(&source).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Source | ErrorKind::Damaged), "{error}");
}

#[test]
fn contradictory_facts_are_refused() {
    check_refused(|source| source.services.push(sample().services.remove(0)));
    check_refused(|source| source.services[0].actions.push(action("FEEDAnimal")));
    check_refused(|source| source.services[0].actions[0].keys.push("zoo:None".to_owned()));
    check_refused(|source| source.services[0].actions[0].dependents.push("zoo:None".to_owned()));
    check_refused(|source| {
        source.services[0].actions[0].resources.push(entry("tank", false, &[]));
    });
    check_refused(|source| source.services[0].prefix = "Zoo".to_owned());
    check_refused(|source| source.services[0].name = "Zoo\n".to_owned());
    check_refused(|source| source.services[0].resource_types[0].formats[0] = "arn:x".to_owned());
}

/// Every byte of a body changed, with the right checksum: an error, or a catalog whose every
/// answer can be asked for.
#[test]
fn damaged_bodies_never_panic() {
    let body = open(MAGIC, CATALOG_VERSION, &write(&sample()).unwrap()).unwrap();
    let (mut read, mut refused) = (0, 0);
    for at in 0..body.len() {
        for value in [0, 1, 2, 5, b'$', b'a', b'}', 0x7f, 0x80, 0xff] {
            let mut changed = body.clone();
            changed[at] = value;
            match Catalog::from_bytes(&seal(MAGIC, CATALOG_VERSION, &changed).unwrap()) {
                Ok(catalog) => read += usize::from(walk(&catalog) > 0),
                Err(_) => refused += 1,
            }
        }
        let cut = seal(MAGIC, CATALOG_VERSION, &body[..at]).unwrap();
        assert_eq!(Catalog::from_bytes(&cut).unwrap_err().kind(), ErrorKind::Damaged, "{at}");
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}
