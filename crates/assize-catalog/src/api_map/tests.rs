//! Tests on the bundled map.

use super::*;
use crate::{Catalog, ErrorKind};

static DATA: &[u8] = include_bytes!("../../data/api-map.bin");

fn map() -> Arc<ApiMap> {
    ApiMap::bundled().unwrap()
}

fn operation<'m>(map: &'m ApiMap, source: &str, name: &str) -> ApiOperation<'m> {
    map.services_of(source).find_map(|service| service.operation(name)).unwrap()
}

fn actions<'m>(map: &'m ApiMap, source: &str, name: &str) -> Vec<&'m str> {
    operation(map, source, name).actions().map(|action| action.full_name()).collect()
}

#[test]
fn the_map_is_dated_and_whole() {
    let map = map();
    assert_eq!(map.date(), "2026-09-26");
    assert!(map.origin().contains("iamlive"));
    assert_eq!((map.services().len(), map.n_operations()), (439, 19_930));
    for service in map.services() {
        assert!(service.event_source().ends_with(".amazonaws.com"), "{}", service.name());
        let mut found = map.services_of(service.event_source());
        assert!(found.any(|other| other.name() == service.name()));
        for operation in service.operations() {
            let found = service.operation(operation.name()).unwrap();
            assert_eq!(found.name(), operation.name());
        }
    }
}

#[test]
fn services_of_one_event_source_come_in_byte_order() {
    let map = map();
    let names = |source| map.services_of(source).map(|s| s.name()).collect::<Vec<_>>();
    assert_eq!(names("rds.amazonaws.com"), ["docdb", "neptune", "rds"]);
    assert_eq!(names("elasticloadbalancing.amazonaws.com"), ["elb", "elbv2"]);
    assert_eq!(names("nothing.amazonaws.com"), [""; 0]);
    let prefixes = |name: &str| {
        let service = map.services().find(|s| s.name() == name).unwrap();
        service.iam_prefixes().collect::<Vec<_>>()
    };
    assert_eq!(prefixes("amp"), ["aps"]);
}

#[test]
fn a_call_needs_the_actions_of_the_source() {
    let map = map();
    assert_eq!(
        actions(&map, "lambda.amazonaws.com", "CreateFunction"),
        ["lambda:CreateFunction", "iam:PassRole"]
    );
    assert_eq!(actions(&map, "apigateway.amazonaws.com", "GetRestApi"), ["apigateway:GET"]);
    // Known, and not authorized by any action.
    assert_eq!(actions(&map, "dynamodb.amazonaws.com", "DescribeEndpoints"), [""; 0]);
}

#[test]
fn templates_name_variables_types_and_whole_arns() {
    let map = map();
    let templates = |source, name: &str| {
        let action = operation(&map, source, name).actions().next().unwrap();
        action.templates().collect::<Vec<_>>()
    };
    let variable = |name, text| ResourceTemplate { target: TemplateTarget::Variable(name), text };
    assert_eq!(
        templates("s3.amazonaws.com", "GetObject"),
        [variable("BucketName", "${Bucket}"), variable("ObjectName", "${Key}")]
    );
    assert_eq!(
        templates("sts.amazonaws.com", "AssumeRole"),
        [ResourceTemplate { target: TemplateTarget::ResourceType("role"), text: "${RoleArn}" }]
    );
    assert_eq!(
        templates("apigateway.amazonaws.com", "CreateApiKey"),
        [ResourceTemplate {
            target: TemplateTarget::WholeArn,
            text: "arn:${Partition}:apigateway:${Region}::/apikeys"
        }]
    );
}

#[test]
fn conditions_are_kept_with_what_must_hold_too() {
    let map = map();
    let query = operation(&map, "query.timestream.amazonaws.com", "Query");
    let select = query.actions().find(|action| action.full_name() == "timestream:Select").unwrap();
    let condition = select.condition().unwrap();
    assert_eq!(
        (condition.parameter(), condition.test(), condition.operand()),
        ("QueryString", ApiTest::Contains, "SELECT ")
    );
    let also = condition.also().unwrap();
    assert_eq!((also.test(), also.operand()), (ApiTest::NotContains, " FROM "));
    assert!(also.also().is_none());
}

#[test]
fn every_template_is_one() {
    for service in map().services() {
        for action in service.operations().flat_map(|operation| operation.actions()) {
            assert!(action.templates().all(|template| Template::parse(template.text).is_ok()));
        }
    }
}

/// Map and catalog are of one date: what the map names and the catalog lacks was retired.
#[test]
fn the_catalog_knows_nearly_all_actions_of_the_map() {
    let (map, catalog) = (map(), Catalog::bundled().unwrap());
    let mut unknown = std::collections::BTreeSet::new();
    for service in map.services() {
        for action in service.operations().flat_map(|operation| operation.actions()) {
            if catalog.action_by_full_name(action.full_name()).is_none() {
                unknown.insert(action.full_name());
            }
        }
    }
    assert!((1..80).contains(&unknown.len()), "{unknown:?}");
}

#[test]
fn loading_takes_little_memory() {
    let measured = allocation_counter::measure(|| {
        ApiMap::from_bytes(DATA).unwrap();
    });
    assert!(measured.bytes_max < 12_000_000, "{measured:?}");
}

#[test]
fn truncated_data_is_an_error() {
    for cut in (0..DATA.len()).step_by(1_997).chain(0..40) {
        let error = ApiMap::from_bytes(&DATA[..cut]).unwrap_err();
        let expected = if cut < 16 { ErrorKind::NotData } else { ErrorKind::Damaged };
        assert_eq!(error.kind(), expected, "{cut}: {error}");
    }
}

#[test]
fn changed_data_is_an_error() {
    for at in (0..DATA.len()).step_by(2_999).chain(0..40) {
        let mut changed = DATA.to_vec();
        changed[at] ^= 1 << (at % 8);
        assert!(ApiMap::from_bytes(&changed).is_err(), "{at}");
    }
}

#[test]
fn contradictory_facts_are_errors() {
    let service = |name: &str| SourceApiService {
        name: name.to_owned(),
        event_source: "a.amazonaws.com".to_owned(),
        ..SourceApiService::default()
    };
    let with_action = |name: &str, template: &str| {
        let template = SourceTemplate::WholeArn(template.to_owned());
        let action =
            SourceApiAction { name: name.to_owned(), condition: None, templates: vec![template] };
        let operation = SourceOperation { name: "Do".to_owned(), actions: vec![action] };
        SourceApiService { operations: vec![operation], ..service("a") }
    };
    let kind = |services| {
        let source = ApiMapSource { services, ..ApiMapSource::default() };
        write(&source).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(kind(vec![with_action("a:Do", "arn:${X}")]), Ok(()));
    assert_eq!(kind(vec![service("a"), service("a")]), Err(ErrorKind::Source));
    assert_eq!(kind(vec![with_action("Do", "*")]), Err(ErrorKind::Source));
    assert_eq!(kind(vec![with_action("a:Do", "${X")]), Err(ErrorKind::Source));
}
