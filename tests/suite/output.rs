//! What is written: decisions as their schema has them, ids, what was observed, provenance.

use assize::formats::DECISION_SCHEMA;
use assize::{Engine, StreamFormat, StreamOptions};
use assize_model::EngineOptions;
use assize_policy::json::{self, ValueKind};
use assize_store::StoreSnapshot;
use assize_tests::answer::engine;
use assize_tests::corpus::corpus;
use assize_tests::generate::World;
use serde_json::{Value, json};

/// Levels that schema and records may have.
const MAX_DEPTH: u8 = 64;

fn parse(text: &str) -> json::Value<'_> {
    json::parse(text, MAX_DEPTH).expect("JSON")
}

fn member<'v, 'a>(value: &'v json::Value<'a>, name: &str) -> Option<&'v json::Value<'a>> {
    let ValueKind::Object(members) = &value.kind else { return None };
    members.iter().find(|member| member.name == name).map(|member| &member.value)
}

fn text<'v>(value: &'v json::Value<'_>) -> &'v str {
    let ValueKind::String(text) = &value.kind else { return "" };
    text
}

/// What a schema names by `$ref`, or the schema.
fn resolved<'v, 'a>(
    whole: &'v json::Value<'a>,
    schema: &'v json::Value<'a>,
) -> &'v json::Value<'a> {
    let Some(reference) = member(schema, "$ref") else { return schema };
    let name = text(reference).strip_prefix("#/$defs/").expect("a definition of the schema");
    member(member(whole, "$defs").expect("definitions"), name).expect("a definition")
}

/// Checks that the members of every object are those of the schema, in its order, and that those
/// it requires are there. Counts the members.
fn check(
    whole: &json::Value<'_>,
    schema: &json::Value<'_>,
    value: &json::Value<'_>,
    n: &mut usize,
) {
    let schema = resolved(whole, schema);
    if let ValueKind::Array(items) = &value.kind {
        let of_items = member(schema, "items").expect("the schema of a list");
        for item in items {
            check(whole, of_items, item, n);
        }
    }
    let (ValueKind::Object(members), Some(properties)) =
        (&value.kind, member(schema, "properties"))
    else {
        return;
    };
    let ValueKind::Object(properties) = &properties.kind else { return };
    let mut last = 0;
    for found in members.iter().filter(|found| !found.name.starts_with("x-")) {
        let at = properties.iter().position(|property| property.name == found.name);
        assert!(at.is_some(), "the schema has no `{}`", found.name);
        let at = at.unwrap_or_default();
        assert!(last <= at, "`{}` stands too late: {members:?}", found.name);
        last = at;
        *n += 1;
        check(whole, &properties[at].value, &found.value, n);
    }
    if let Some(ValueKind::Array(required)) = member(schema, "required").map(|r| &r.kind) {
        for name in required {
            assert!(member(value, text(name)).is_some(), "{members:?} lacks {name:?}");
        }
    }
}

/// The lines that are written of requests.
fn lines(
    snapshot: &StoreSnapshot,
    options: &EngineOptions,
    input: &str,
    format: StreamFormat,
) -> Vec<String> {
    let options = &EngineOptions { time: Some(0), ..options.clone() };
    lines_of(&engine(snapshot, options), input, format)
}

fn lines_of(engine: &Engine, input: &str, format: StreamFormat) -> Vec<String> {
    let stream = StreamOptions { format, threads: Some(1), ..StreamOptions::default() };
    let mut output = Vec::new();
    engine
        .decide_stream(&mut input.as_bytes(), &mut output, &stream, &mut |_| true)
        .expect("the stream is decided");
    String::from_utf8(output).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn world() -> StoreSnapshot {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    ]});
    let scenario = json!({"assize": 1,
        "accounts": {"111111111111": {"users": {"u": {"inline": {"p": policy}}}}},
        "resources": [{"arn": "arn:aws:s3:::b", "account": "111111111111"}]});
    World { scenario }.read().expect("a world").snapshot
}

/// A request of the user with other members.
fn asks(action: &str, members: &Value) -> String {
    let mut request = json!({"principal": "arn:aws:iam::111111111111:user/u", "action": action,
        "resource": "arn:aws:s3:::b/k"});
    for (name, value) in members.as_object().expect("members") {
        request[name] = value.clone();
    }
    request.to_string()
}

/// F-7, F-20: every record has the members of the schema, in the order of the schema.
#[test]
fn records_are_as_the_schema_has_them() {
    let schema = parse(DECISION_SCHEMA);
    let (mut n_records, mut n_members) = (0, 0);
    for scenario in corpus() {
        let cells = scenario.tests.iter().flat_map(|test| &test.cells);
        let mut input: Vec<&str> = cells.map(|cell| &*cell.request).collect();
        input.push("{");
        let input = input.join("\n") + "\n";
        for format in [StreamFormat::Fast, StreamFormat::Explain] {
            let lines = lines(&scenario.snapshot, &scenario.options, &input, format);
            let [_, records @ .., _] = lines.as_slice() else { panic!("{lines:?}") };
            for record in records {
                let value = parse(record);
                check(&schema, &schema, &value, &mut n_members);
                let is_error = member(&value, "error").is_some();
                assert_eq!(is_error, member(&value, "decision").is_none(), "{record}");
                n_records += 1;
            }
        }
    }
    assert!(n_records > 2_000 && n_members > 20 * n_records, "{n_records}, {n_members}");
}

/// Invariant 2: what is written of a request is what a stream of it alone writes.
#[test]
fn a_record_hangs_on_no_record_before_it() {
    let mut n_records = 0;
    for scenario in corpus() {
        let options = EngineOptions { time: Some(0), ..scenario.options.clone() };
        let engine = engine(&scenario.snapshot, &options);
        let cells = scenario.tests.iter().flat_map(|test| &test.cells);
        let requests: Vec<&str> = cells.map(|cell| &*cell.request).collect();
        let n = requests.len();
        let input = [&*requests, &*requests].concat().join("\n") + "\n";
        for (format, head, tail) in [(StreamFormat::Fast, 1, 1), (StreamFormat::Compact, 0, 0)] {
            let all = lines_of(&engine, &input, format);
            let records = &all[head..all.len() - tail];
            for (at, request) in requests.iter().enumerate() {
                let alone = lines_of(&engine, &format!("{request}\n"), format);
                for number in [at, n + at] {
                    // Lines without an id are told by their number.
                    let (own, first) = match format {
                        StreamFormat::Compact => (format!("{}\t", number + 1), "1\t"),
                        _ => (format!("{{\"id\":{},", number + 1), "{\"id\":1,"),
                    };
                    let expected = match alone[head].strip_prefix(first) {
                        Some(rest) => own + rest,
                        None => alone[head].clone(),
                    };
                    assert_eq!(records[number], expected, "{request}");
                    n_records += 1;
                }
            }
        }
    }
    assert!(n_records > 4_000, "{n_records}");
}

/// F-14: the caller's id comes back as it was, and the number of the line where there is none.
#[test]
fn ids_come_back() {
    let ids = [json!("a-1"), json!(7), json!("7"), Value::Null];
    let requests = ids.clone().map(|id| match id {
        Value::Null => asks("s3:GetObject", &json!({})),
        id => asks("s3:GetObject", &json!({"id": id})),
    });
    // A blank line has a number too.
    let input = format!("\n{}\n{{\"id\":\"bad\"}}\n", requests.join("\n"));
    let expected = [json!("a-1"), json!(7), json!("7"), json!(5), json!("bad")];
    for format in [StreamFormat::Fast, StreamFormat::Explain] {
        let lines = lines(&world(), &EngineOptions::default(), &input, format);
        let ids: Vec<Value> = lines[1..lines.len() - 1]
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone())
            .collect();
        // The last line is no request, and its id is that of its line or its own.
        assert_eq!(ids[..4], expected[..4], "{format:?}");
        assert_eq!(ids.len(), expected.len(), "{format:?}");
    }
}

/// F-15: what was observed changes no decision, and the record says whether it agrees.
#[test]
fn what_was_observed_decides_nothing() {
    let input = [
        ("s3:GetObject", true),
        ("s3:GetObject", false),
        ("s3:PutObject", true),
        ("s3:PutObject", false),
    ]
    .map(|(action, allowed)| {
        let observed = if allowed { "Allowed" } else { "Denied" };
        asks(action, &json!({"observed": {"decision": observed}}))
    })
    .join("\n");
    let lines = lines(&world(), &EngineOptions::default(), &(input + "\n"), StreamFormat::Fast);
    let found: Vec<(Value, Value)> = lines[1..5]
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|record| (record["decision"].clone(), record["agrees"].clone()))
        .collect();
    let expected =
        [("Allowed", true), ("Allowed", false), ("ImplicitDeny", false), ("ImplicitDeny", true)];
    assert_eq!(found, expected.map(|(decision, agrees)| (json!(decision), json!(agrees))));
}

/// F-85: a stream says in its header what it was made with.
#[test]
fn streams_say_where_they_come_from() {
    let (snapshot, options) = (world(), EngineOptions::default());
    let lines = lines(&snapshot, &options, "", StreamFormat::Fast);
    let header: Value = serde_json::from_str(&lines[0]).expect("JSON");
    let provenance = &header["provenance"];
    assert_eq!(provenance["assize"], json!(1));
    assert_eq!(provenance["snapshot"], json!(snapshot.digest()));
    assert_eq!(provenance["engine"], json!(env!("CARGO_PKG_VERSION")));
    let date = provenance["catalog"].as_str().expect("a date");
    assert!(date.len() == 10 && date.chars().all(|c| c == '-' || c.is_ascii_digit()), "{date}");
}

/// F-86: the digest of a world is that of its facts: their order in sets is nothing, the text of a
/// document everything, and options take no part.
#[test]
fn the_digest_is_of_the_facts() {
    let digest = |change: &dyn Fn(&mut Value)| {
        let mut scenario = json!({"assize": 1, "accounts": {"111111111111": {
            "groups": {"g": {}, "h": {}},
            "users": {"u": {
                "groups": ["g", "h"], "tags": {"a": "1", "b": "2"},
                "inline": {"p": {"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                ]}},
            }},
        }}});
        change(&mut scenario);
        World { scenario }.read().expect("a world").snapshot.digest()
    };
    let user = "/accounts/111111111111/users/u";
    let set = |at: &str, to: Value| {
        let at = format!("{user}{at}");
        digest(&|scenario| *scenario.pointer_mut(&at).expect("a member") = to.clone())
    };
    let plain = digest(&|_| {});
    let hex = plain.strip_prefix("sha256:").expect("the name of the hash");
    assert!(hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(plain, set("/groups", json!(["h", "g"])));
    assert_eq!(plain, digest(&|scenario| scenario["options"] = json!({"strictActions": true})));
    for other in [
        set("/groups", json!(["g"])),
        set("/tags/a", json!("2")),
        set("/inline/p/Statement/0/Action", json!("s3:Get*")),
        // The same in meaning, and another text.
        set("/inline/p/Statement/0/Action", json!(["s3:*"])),
    ] {
        assert_ne!(plain, other);
    }
}

/// E-9: the summary counts the resources that were taken to be the caller's own, and not those
/// that the world has or that tell their owner.
#[test]
fn assumed_owners_are_counted() {
    let world = |unknown: &str| {
        json!({"assize": 1, "options": {"unknownResourceAccount": unknown},
        "accounts": {"111111111111": {"users": {"u": {"inline": {"p": {"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}}}},
        "resources": [{"arn": "arn:aws:s3:::declared", "account": "111111111111"}]})
    };
    let mut input = String::new();
    for resource in [
        "arn:aws:s3:::zz/a",
        "arn:aws:s3:::declared/a",
        "arn:aws:s3:::zz/b",
        "arn:aws:sqs:eu-west-1:111111111111:q",
    ] {
        let line = json!({"principal": "arn:aws:iam::111111111111:user/u",
            "action": if resource.contains("sqs") { "sqs:SendMessage" } else { "s3:GetObject" },
            "resource": resource});
        input += &line.to_string();
        input.push('\n');
    }
    let run = |unknown: &str, options: &StreamOptions| {
        let scenario = World { scenario: world(unknown) }.read().expect("a world");
        let summary = engine(&scenario.snapshot, &scenario.options)
            .decide_stream(&mut input.as_bytes(), &mut Vec::new(), options, &mut |_| true)
            .expect("a stream");
        (summary.counters.allowed, summary.assumed_owners)
    };
    for threads in [1, 2] {
        let options = StreamOptions { threads: Some(threads), ..StreamOptions::default() };
        assert_eq!(run("principal", &options), (4, 2));
        assert_eq!(run("deny", &options), (2, 0));
    }
}
