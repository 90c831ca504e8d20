//! CloudTrail records: the corpus of records, and all real events.

use std::collections::{BTreeMap, BTreeSet};

use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::{
    Converted, Converter, Directory, LogReader, NoDirectory, Note, Record, SessionBook, SkipReason,
    Surroundings, is_secret_of,
};
use assize_formats::RequestRecord;
use assize_formats::json::Cursor;
use assize_model::{AccountId, Check, ContextMode, Target};
use assize_tests::corpus::package_folder;
use assize_tests::fixtures;
use serde_json::{Value, json};

/// Two entities whose unique ids are known, four that have paths, and a secret.
struct Known;

impl Directory for Known {
    fn entity_arn(&self, unique_id: &str) -> Option<&str> {
        match unique_id {
            "AIDAKNOWN" => Some("arn:aws:iam::111111111111:user/known"),
            "AROAKNOWN" => Some("arn:aws:iam::111111111111:role/known"),
            _ => None,
        }
    }

    fn named_arn(&self, account: AccountId, kind: &str, name: &str) -> Option<&str> {
        match (account.as_str(), kind, name) {
            ("111111111111", "role", "known") => Some("arn:aws:iam::111111111111:role/p/known"),
            ("111111111111", "user", "known") => Some("arn:aws:iam::111111111111:user/p/known"),
            ("111111111111", "group", "known") => Some("arn:aws:iam::111111111111:group/p/known"),
            ("111111111111", "instance-profile", "known") => {
                Some("arn:aws:iam::111111111111:instance-profile/p/known")
            }
            _ => None,
        }
    }

    fn secret_arn(&self, start: &str) -> Option<&str> {
        let known = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:known-AbCdEf";
        is_secret_of(known, start).then_some(known)
    }
}

fn cases() -> Vec<Value> {
    let path = package_folder().join("corpus/cloudtrail-records.json");
    let text = std::fs::read_to_string(path).expect("the corpus can be read");
    serde_json::from_str(&text).expect("the corpus is JSON")
}

/// The whole record of a case that states some members only.
fn record_of(case: &Value) -> Value {
    if let Some(record) = case.get("record") {
        return record.clone();
    }
    let mut record = json!({
        "eventType": "AwsApiCall", "eventID": "e", "awsRegion": "eu-west-1",
        "recipientAccountId": "111111111111", "eventTime": "2024-05-01T12:00:00Z",
        "userIdentity": {
            "type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/ana",
            "accountId": "111111111111", "accessKeyId": "AKIAEXAMPLE", "userName": "ana"
        }
    });
    for (name, value) in case["call"].as_object().expect("a case has a record or a call") {
        record[name] = value.clone();
    }
    record
}

fn read(text: &str) -> Record<'_> {
    Record::read(&mut Cursor::new(text))
        .map_err(|fault| fault.message().to_owned())
        .expect("a record is JSON")
}

/// The sessions that the records before the case's made.
fn sessions(case: &Value) -> SessionBook {
    let mut book = SessionBook::default();
    for before in case["before"].as_array().into_iter().flatten() {
        let text = before.to_string();
        // Of a session that is not read whole, nothing is known.
        if let Some((key, facts)) = SessionBook::facts(&read(&text)) {
            book.insert(key, facts);
        }
    }
    book
}

/// F-50 – F-60, and every row of the table of F-57.
#[test]
fn records_become_the_requests_of_the_corpus() {
    let (catalog, map) = (Catalog::bundled().unwrap(), ApiMap::bundled().unwrap());
    let mut converter = Converter::new(&catalog, &map, ContextMode::Partial);
    let mut names = BTreeSet::new();
    let mut rules = BTreeSet::new();
    for case in cases() {
        let name = case["name"].as_str().expect("a case has a name");
        assert!(names.insert(name.to_owned()), "two cases are named `{name}`");
        let ids = case["rules"].as_array().expect("a case has rules").iter();
        rules.extend(ids.filter_map(Value::as_str).map(str::to_owned));
        let text = record_of(&case).to_string();
        let sessions = sessions(&case);
        let surroundings = Surroundings { sessions: &sessions, directory: &Known };
        let found = converter.convert(&read(&text), surroundings);
        check(name, &case, found);
    }
    let wanted =
        ["F-50", "F-51", "F-52", "F-53", "F-54", "F-55", "F-56", "F-57", "F-58", "F-59", "F-60"];
    assert!(wanted.iter().all(|rule| rules.contains(*rule)), "{rules:?}");
}

fn check(name: &str, case: &Value, found: Result<Converted<'_>, SkipReason>) {
    let skipped = found.as_ref().err().map(|reason| reason.as_str());
    assert_eq!(skipped, case["skip"].as_str(), "{name}");
    let Ok(converted) = found else { return };
    if let Some(request) = case.get("request") {
        let text = request.to_string();
        assert_eq!(Ok(&converted.record), RequestRecord::parse(&text).as_ref(), "{name}");
    }
    if let Some(checks) = case["checks"].as_array() {
        assert_eq!(checks_of(&converted), texts(checks), "{name}");
    }
    if let Some(notes) = case["notes"].as_array() {
        let found: Vec<_> = converted.notes.iter().map(|note| note.as_str()).collect();
        assert_eq!(found, texts(notes), "{name}");
    }
    if let Some(part) = case["part"].as_object() {
        check_part(name, part, &converted);
    }
    for key in case["open"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(leaves_open(&converted.record.request, key), "{name}: `{key}` is told");
    }
}

/// Whether a request says nothing of a key, so that it is unknown.
fn leaves_open(request: &assize_model::Request<'_>, key: &str) -> bool {
    let is_key = |name: &str| name.eq_ignore_ascii_case(key);
    let begins = |prefix: &str| {
        key.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    !request.context.iter().any(|(name, _)| is_key(name))
        && !request.absent.iter().any(|name| is_key(name))
        && !request.complete.iter().any(|prefix| begins(prefix))
}

fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value.as_str().unwrap_or_default()).collect()
}

/// Each check as `action`, `action ARN` or `action ARN owner`.
fn checks_of(converted: &Converted<'_>) -> Vec<String> {
    let line = |action: &str, arn: Option<&str>, data: Option<&assize_model::ResourceData<'_>>| {
        let owner = data.and_then(|data| data.account).map(|account| account.to_string());
        let parts = [Some(action.to_owned()), arn.map(str::to_owned), owner];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    match &converted.record.request.target {
        Target::Action { action, resources, .. } if resources.is_empty() => {
            vec![line(action, None, None)]
        }
        Target::Action { action, resources, .. } => resources
            .iter()
            .map(|resource| line(action, Some(&resource.arn), resource.data.as_deref()))
            .collect(),
        Target::Checks(checks) => checks
            .iter()
            .map(|Check { action, resource, data, .. }| {
                line(action, resource.as_deref(), data.as_deref())
            })
            .collect(),
    }
}

/// Members of the request that a case states, alone.
fn check_part(name: &str, part: &serde_json::Map<String, Value>, converted: &Converted<'_>) {
    let mut stated = json!({"principal": "anonymous", "action": "a:B"});
    for (member, value) in part {
        stated[member] = value.clone();
    }
    let text = stated.to_string();
    let wanted = RequestRecord::parse(&text).expect("a case states members of a request");
    let (found, wanted_request) = (&converted.record.request, &wanted.request);
    for member in part.keys() {
        let equal = match member.as_str() {
            "principal" => found.principal == wanted_request.principal,
            "context" => {
                let all = wanted_request.context.iter().all(|pair| found.context.contains(pair));
                all && found.context.len() == wanted_request.context.len()
            }
            "absent" => wanted_request.absent.iter().all(|key| found.absent.contains(key)),
            "complete" => found.complete == wanted_request.complete,
            "unknown" => found.unknown == wanted_request.unknown,
            "via" => found.via == wanted_request.via,
            "network" => found.network == wanted_request.network,
            "requestTags" => found.request_tags == wanted_request.request_tags,
            "source" => found.source == wanted_request.source,
            "observed" => converted.record.observed == wanted.observed,
            _ => false,
        };
        assert!(equal, "{name}: `{member}` is not as stated in {:#?}", converted.record);
    }
}

/// Every real event, as a log of CloudTrail would hold it.
fn real_log() -> String {
    let events = fixtures::records("cloudtrail-events.ndjson.gz");
    let records: Vec<Value> = events.into_iter().map(|line| line["event"].clone()).collect();
    json!({"Records": records}).to_string()
}

/// What becomes of the real events: 98 % and 90 % are promised, and what fails is known one by
/// one. The console alone makes the call to S3 that no map and no reference has. A model that is
/// invoked may be of several types, and its id does not say of which. `ssm:PutParameter` and `ssm:DeleteParameter` here were throttled: CloudTrail logs no
/// parameters then. Descriptions in RDS and CloudWatch name nothing when they are about all. What
/// is made without a name (an address, a cluster of CloudHSM) has none to log. The record of
/// `GetStorageLensConfiguration` does not hold the configuration's id.
#[test]
fn real_events_are_covered() {
    let (catalog, map) = (Catalog::bundled().unwrap(), ApiMap::bundled().unwrap());
    let mut converter = Converter::new(&catalog, &map, ContextMode::Partial);
    let log = real_log();
    let (mut records, mut faults) = (Vec::new(), Vec::new());
    let end = LogReader::default().read(log.as_bytes(), true, &mut records, &mut faults);
    assert_eq!((end, records.len(), faults), (log.len(), 2_442, Vec::new()));
    let sessions = SessionBook::default();
    let surroundings = Surroundings { sessions: &sessions, directory: &NoDirectory };
    let (mut lost, mut unknown) = (BTreeMap::new(), BTreeMap::new());
    for record in &records {
        let which = match converter.convert(record, surroundings) {
            Err(SkipReason::ResourceUnknown) => &mut lost,
            Ok(converted) if converted.notes.contains(&Note::UnknownOperation) => &mut unknown,
            _ => continue,
        };
        let service = record.event_source.as_deref().unwrap_or_default();
        let name = record.event_name.as_deref().unwrap_or_default();
        let call = format!("{} {name}", service.trim_end_matches(".amazonaws.com"));
        *which.entry(call).or_insert(0_u64) += 1;
    }
    let total = converter.coverage().total;
    assert_eq!((total.records, total.calls, total.with_action), (2_442, 2_421, 2_417));
    assert_eq!((total.take_resource, total.with_resource, total.requests), (1_451, 1_392, 2_358));
    assert!(total.action_share().unwrap() >= 0.98);
    assert!(total.resource_share().unwrap() >= 0.90);
    assert_eq!(unknown, BTreeMap::from([("s3 GetStorageLensDashboardDataInternal".to_owned(), 4)]));
    let lost: Vec<String> = lost.iter().map(|(call, n)| format!("{n} {call}")).collect();
    assert_eq!(
        lost,
        [
            "1 cloudhsm CreateCluster",
            "3 ec2 AllocateAddress",
            "3 monitoring DescribeAlarms",
            "1 rds DescribeBlueGreenDeployments",
            "1 rds DescribeDBClusterParameterGroups",
            "1 rds DescribeDBClusterSnapshots",
            "1 rds DescribeDBClusters",
            "6 rds DescribeDBInstances",
            "1 rds DescribeDBParameterGroups",
            "1 rds DescribeDBSnapshots",
            "1 rds DescribeEventSubscriptions",
            "1 rds DescribeGlobalClusters",
            "1 rds DescribeOptionGroups",
            "1 rds DescribePendingMaintenanceActions",
            "2 s3 GetStorageLensConfiguration",
            "19 ssm DeleteParameter",
            "15 ssm PutParameter",
        ]
    );
    let by_source = &converter.coverage().by_source;
    assert_eq!(by_source.len(), 32);
    assert_eq!(by_source["kms.amazonaws.com"].with_resource, 158);
}

/// The records of a log are the same whatever parts it comes in.
#[test]
fn parts_of_a_log_do_not_matter() {
    let log = real_log();
    let mut reader = LogReader::default();
    let (mut start, mut end, mut n_records) = (0, 0, 0);
    while end < log.len() {
        end = (end + 70_001).min(log.len());
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        let part = &log.as_bytes()[start..end];
        start += reader.read(part, end == log.len(), &mut records, &mut faults);
        n_records += records.len();
        assert!(faults.is_empty(), "{faults:?}");
    }
    assert_eq!((n_records, start), (2_442, log.len()));
}
