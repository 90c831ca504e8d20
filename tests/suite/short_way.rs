//! The short way of plain requests beside what it must leave alone: whatever stands among the
//! lines of a stream, each is decided as the reference decides it.

use std::collections::BTreeMap;

use assize::formats::{CHUNK_BYTES, RequestRecord};
use assize::{StreamFormat, StreamOptions};
use assize_model::{Decision, Request};
use assize_tests::answer::{Answer, Oracle, engine};
use assize_tests::corpus::catalog;
use assize_tests::generate::World;
use serde_json::{Value, json};

/// Options that change what requests entail.
const OPTIONS: [&str; 4] = [
    r#"{"time": "2024-05-01T12:00:00Z"}"#,
    r#"{"time": "2024-05-01T12:00:00Z", "includeDependent": true}"#,
    r#"{"time": "2024-05-01T12:00:00Z", "includeTrust": false}"#,
    r#"{"time": "2024-05-01T12:00:00Z", "context": "partial"}"#,
];

/// What is asked; the first are of resources that the world knows, so that the long way comes
/// first.
const ASKED: [(&str, &str); 29] = [
    ("sts:AssumeRole", "arn:aws:iam::111111111111:role/ops"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:111111111111:table/tagged"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:111111111111:table/other"),
    ("iam:DeleteRole", "arn:aws:iam::111111111111:role/elsewhere"),
    ("s3:ListBucket", "arn:aws:s3:::tagged"),
    ("s3:GetObject", "arn:aws:s3:::elsewhere/key"),
    ("s3:ListBucket", "arn:aws:s3:::elsewhere"),
    ("s3:GetObject", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap/object/key"),
    ("s3:ListBucket", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap"),
    ("s3:GetAccessPoint", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap"),
    ("iam:GetPolicy", "arn:aws:iam::111111111111:policy/known"),
    ("iam:GetPolicy", "arn:aws:iam::111111111111:policy/unknown"),
    ("iam:GetRole", "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/R"),
    ("iam:DeleteRole", "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/R"),
    ("iam:DeleteRole", "arn:aws:iam::111111111111:role/aws-reserved/R"),
    ("iam:DeleteRole", "arn:aws:iam::111111111111:role/nowhere"),
    ("iam:GetRole", "arn:aws-cn:iam::111111111111:role/elsewhere"),
    ("iam:TagRole", "arn:aws:iam::222222222222:role/other"),
    ("iam:PassRole", "arn:aws:iam::111111111111:role/nobody"),
    ("iam:PassRole", "arn:aws:iam::111111111111:role/ops"),
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/other"),
    (
        "kms:CreateAlias",
        "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111",
    ),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111"),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:alias/a"),
    ("ec2:StartInstances", "arn:aws:ec2:eu-west-1:111111111111:instance/i-1"),
    ("ec2:RunInstances", "arn:aws:ec2:eu-west-1:111111111111:instance/*"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q"),
    ("iam:ListUsers", "*"),
    ("s3:ListAllMyBuckets", "*"),
];

/// Tags by which a resource is told from others.
const N_TAGS: u32 = 300;

const PRINCIPALS: [&str; 5] = [
    "arn:aws:iam::111111111111:user/ana",
    "arn:aws:sts::111111111111:assumed-role/ops/s",
    "arn:aws:iam::999999999999:user/outside",
    "lambda.amazonaws.com",
    "anonymous",
];

/// Members of the request besides principal, action and resource.
fn contexts() -> Vec<Value> {
    vec![
        json!({}),
        json!({"context": {"aws:ResourceTag/team": "red"}}),
        json!({"context": {"iam:ResourceTag/team": "red"}}),
        json!({"context": {"ec2:ResourceTag/team": "red"}}),
        json!({"context": {"aws:RequestTag/team": "red"}}),
        json!({"context": {"aws:CurrentTime": "2025-06-01T02:00:00+02:00"}}),
        json!({"context": {"aws:CurrentTime": "1748736000"}}),
        json!({"context": {"aws:CurrentTime": "2025-06-01T00:00:00Z"},
            "time": "2025-06-01T00:00:00Z"}),
        json!({"context": {"aws:CurrentTime": "2025-06-01T00:00:00Z"},
            "time": "2024-06-01T00:00:00Z"}),
        json!({"context": {"aws:RequestedRegion": "eu-west-1"}}),
        json!({"context": {"aws:MultiFactorAuthPresent": "FALSE"}}),
        json!({"context": {"aws:MultiFactorAuthPresent": "false"}}),
        json!({"context": {"iam:PassedToService": "ec2.amazonaws.com"}}),
    ]
}

fn world(options: &str) -> World {
    let conditions = [
        ("StringEquals", "aws:ResourceTag/team", "red"),
        ("StringEquals", "iam:ResourceTag/team", "red"),
        ("StringEquals", "ec2:ResourceTag/team", "red"),
        ("StringEquals", "aws:RequestTag/team", "red"),
        ("StringLike", "aws:CurrentTime", "2025-06-01T0*"),
        ("StringEquals", "aws:CurrentTime", "2024-05-01T12:00:00Z"),
        ("StringEquals", "s3:DataAccessPointAccount", "111111111111"),
        ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
        ("StringEquals", "aws:RequestedRegion", "us-east-1"),
        ("StringEquals", "aws:RequestedRegion", "cn-north-1"),
        ("Null", "aws:ResourceAccount", "true"),
    ];
    let statements = conditions.map(|(operator, key, value)| {
        json!({"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {operator: {key: value}}})
    });
    let mut statements = statements.to_vec();
    statements.push(json!({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*",
        "Condition": {"StringEquals": {"iam:ResourceTag/team": "red"}}}));
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let options: Value = serde_json::from_str(options).expect("options");
    World {
        scenario: json!({"assize": 1, "options": options,
            "policies": {"services": {"Version": "2012-10-17", "Statement": {"Effect": "Deny",
                "Principal": "*", "Action": ["sqs:*", "s3:*"], "Resource": "*",
                "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}}}},
            "organization": {"id": "o-w1aaaaaaaa", "managementAccount": "100000000001",
                "policyTypes": ["SCP", "RCP"], "root": {"id": "r-1aaa",
                    "rcps": [{"ref": "services"}],
                    "accounts": ["100000000001", "111111111111"]}},
            "accounts": {"111111111111": {
                "policies": {"known": &policy},
                "users": {"ana": {"inline": {"p": &policy}}},
                "roles": {"ops": {"tags": {"team": "red"}, "inline": {"p": &policy},
                    "trust": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
                        "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}}},
            }},
            "resources": [
                {"arn": "arn:aws:dynamodb:eu-west-1:111111111111:table/tagged",
                    "tags": {"team": "red"}},
                {"arn": "arn:aws:s3:::tagged", "account": "111111111111", "tags": {"team": "red"}},
            ],
        }),
    }
}

fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for principal in PRINCIPALS {
        for (action, resource) in ASKED {
            for more in contexts() {
                let mut line =
                    json!({"principal": principal, "action": action, "resource": resource});
                let members = line.as_object_mut().expect("an object");
                members.extend(more.as_object().expect("an object").clone());
                lines.push(line.to_string());
            }
        }
    }
    lines
}

/// Each line is decided as if it came alone, and as the reference decides it, notes included.
#[test]
fn what_is_out_of_the_ordinary_takes_the_long_way() {
    let lines = lines();
    let records: Vec<_> =
        lines.iter().map(|line| RequestRecord::parse(line).expect("a request")).collect();
    let requests: Vec<Request<'_>> = records.iter().map(|record| record.request.clone()).collect();
    let mut n_allowed = 0;
    for options in OPTIONS {
        let scenario = world(options).read().expect("a world");
        let engine = engine(&scenario.snapshot, &scenario.options);
        let oracle = Oracle::new(&scenario.snapshot, &scenario.options);
        let expected: Vec<_> = requests.iter().map(|request| oracle.evaluate(request)).collect();
        let mut decider = engine.decider();
        for _ in 0..3 {
            let found = decider.decide_all(&requests);
            for ((found, expected), line) in found.iter().zip(&expected).zip(&lines) {
                let found = Answer::of_outcome(found);
                assert_eq!(found, Answer::of_decision(expected), "{options}: {line}");
                n_allowed += usize::from(found.decision() == Some(Decision::Allowed));
            }
        }
        let (records, _) = streamed_twice(&engine, &lines, StreamFormat::Fast);
        for ((record, expected), line) in
            records.iter().zip(expected.iter().cycle()).zip(lines.iter().cycle())
        {
            let expected = expected.as_ref().map_or("Error", |found| found.decision.as_str());
            assert_eq!(record["decision"].as_str().unwrap_or("Error"), expected, "{line}");
        }
        let some: Vec<String> = lines.iter().step_by(7).cloned().collect();
        let (_, together) = streamed_twice(&engine, &some, StreamFormat::Fast);
        let mut notes = BTreeMap::<String, u64>::new();
        for line in &some {
            let (_, summary) =
                streamed_twice(&engine, std::slice::from_ref(line), StreamFormat::Fast);
            for (note, n) in summary["notes"].as_object().into_iter().flatten() {
                *notes.entry(note.clone()).or_default() += n.as_u64().expect("a count");
            }
        }
        assert_eq!(together["notes"], json!(notes), "{options}");
        let (records, _) = streamed_twice(&engine, &some, StreamFormat::Explain);
        let (first, second) = records.split_at(some.len());
        for ((first, second), line) in first.iter().zip(second).zip(&some) {
            assert_eq!(first, second, "{options}: {line}");
        }
    }
    assert!(n_allowed > 1_000, "only {n_allowed} are allowed");
}

/// E-19: which region a request has that gives none hangs on the service of its action.
#[test]
fn each_service_keeps_its_region() {
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline": {"p": {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
    }}}}}}});
    let scenario = World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let actions = catalog().actions().step_by(8);
    let lines: Vec<String> = actions
        .map(|action| {
            json!({"principal": PRINCIPALS[0], "action": action.full_name(), "resource": "*"})
                .to_string()
        })
        .collect();
    let records: Vec<_> =
        lines.iter().map(|line| RequestRecord::parse(line).expect("a request")).collect();
    let requests: Vec<Request<'_>> = records.iter().map(|record| record.request.clone()).collect();
    let mut decider = engine.decider();
    let mut answers = |_| decider.decide_all(&requests).iter().map(Answer::of_outcome).collect();
    let [first, second, third]: [Vec<Answer>; 3] = [0, 1, 2].map(&mut answers);
    let of = |decision| first.iter().filter(|a| a.decision() == Some(decision)).count();
    let (n_allowed, n_denied) = (of(Decision::Allowed), of(Decision::ImplicitDeny));
    assert!(n_allowed > 20 && n_denied > 1_000, "{n_allowed} allowed, {n_denied} denied");
    for (at, line) in lines.iter().enumerate() {
        assert_eq!((&second[at], &third[at]), (&first[at], &first[at]), "{line}");
    }
}

/// E-19: which region that is hangs on the partition of the resource too.
#[test]
fn each_partition_keeps_its_region() {
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline": {"p": {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
    }}}}}}});
    let asked = [
        ("iam:ListUsers", "*"),
        ("iam:GetGroup", "arn:aws:iam::111111111111:group/g"),
        ("iam:GetGroup", "arn:aws-cn:iam::111111111111:group/g"),
        ("iam:GetGroup", "arn:aws:iam::111111111111:group/h"),
        ("iam:DeleteGroup", "arn:aws-cn:iam::111111111111:group/g"),
        ("iam:DeleteGroup", "arn:aws:iam::111111111111:group/g"),
    ];
    let lines = asked.map(|(action, resource)| {
        json!({"principal": PRINCIPALS[0], "action": action, "resource": resource}).to_string()
    });
    let allowed = [true, true, false, true, false, true];
    assert_eq!(allowed_by_both(scenario, &lines), allowed);
}

/// E-21: where a policy asks for the list of the request's tags, a tag in the context makes it,
/// whether or not any policy asks for that tag.
#[test]
fn a_tag_in_the_context_makes_the_list_of_tags() {
    let statement = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*",
        "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "owner"}}});
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline":
        {"p": {"Version": "2012-10-17", "Statement": statement}}}}}}});
    let contexts =
        [json!({}), json!({"aws:RequestTag/owner": "x"}), json!({"aws:RequestTag/a": "x"})];
    let lines = contexts.map(|context| {
        json!({"principal": PRINCIPALS[0], "action": "sqs:SendMessage",
            "resource": "arn:aws:sqs:eu-west-1:111111111111:q", "context": context})
        .to_string()
    });
    assert_eq!(allowed_by_both(scenario, &lines), [false, true, false]);
}

/// Which of the lines the reference allows. The tables answer all of them alike, three times over.
fn allowed_by_both(scenario: Value, lines: &[String]) -> Vec<bool> {
    let scenario = World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let oracle = Oracle::new(&scenario.snapshot, &scenario.options);
    let records: Vec<_> =
        lines.iter().map(|line| RequestRecord::parse(line).expect("a request")).collect();
    let requests: Vec<Request<'_>> = records.iter().map(|record| record.request.clone()).collect();
    let expected: Vec<Answer> =
        requests.iter().map(|request| Answer::of_decision(&oracle.evaluate(request))).collect();
    let mut decider = engine.decider();
    for _ in 0..3 {
        let found: Vec<_> = decider.decide_all(&requests).iter().map(Answer::of_outcome).collect();
        assert_eq!(found, expected);
    }
    expected.iter().map(|answer| answer.decision() == Some(Decision::Allowed)).collect()
}

/// E-20, E-21: a tag of the request that the context gives is there under the key of the service
/// too, where the action knows one, and as a tag of what the call makes, where it makes it so.
#[test]
fn a_tag_in_the_context_has_all_names_of_its_action() {
    let deny = |key: &str| {
        json!({"Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {key: "x"}}})
    };
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let statements =
        json!([all, deny("rds:req-tag/a"), deny("aws:ResourceTag/b"), deny("aws:RequestTag/c")]);
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline":
        {"p": {"Version": "2012-10-17", "Statement": statements}}}}}}});
    let asked = [
        ("rds:CreateDBInstance", "arn:aws:rds:eu-west-1:111111111111:db:d"),
        ("rds:DeleteDBInstance", "arn:aws:rds:eu-west-1:111111111111:db:d"),
        (
            "secretsmanager:CreateSecret",
            "arn:aws:secretsmanager:eu-west-1:111111111111:secret:new-AbCdEf",
        ),
    ];
    let lines: Vec<String> = asked
        .iter()
        .flat_map(|(action, resource)| {
            ["a", "b", "c"].map(|tag| {
                json!({"principal": PRINCIPALS[0], "action": action, "resource": resource,
                    "context": {format!("aws:RequestTag/{tag}"): "x"}})
                .to_string()
            })
        })
        .collect();
    let allowed = [false, true, false, true, true, false, true, false, false];
    assert_eq!(allowed_by_both(scenario, &lines), allowed);
}

/// E-20, E-23: a tag of the resource that the context gives is there under the keys of the service
/// too, and no other tag is, however many were asked about before.
#[test]
fn a_tag_in_the_context_is_told_from_all_others() {
    let instance = |n: u32| format!("arn:aws:ec2:eu-west-1:111111111111:instance/i-{n}");
    let statement = |n: u32| {
        json!({"Effect": "Allow", "Action": "ec2:StartInstances", "Resource": instance(n),
            "Condition": {"StringEquals": {format!("ec2:ResourceTag/t{n}"): "x"}}})
    };
    let statements: Vec<Value> = (0..N_TAGS).map(statement).collect();
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline":
        {"p": {"Version": "2012-10-17", "Statement": statements}}}}}}});
    let scenario = World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let line = |(instance_of, tag): (u32, u32)| {
        json!({"principal": PRINCIPALS[0], "action": "ec2:StartInstances",
            "resource": instance(instance_of),
            "context": {format!("aws:ResourceTag/t{tag}"): "x"}})
        .to_string()
    };
    let asked = (0..N_TAGS).flat_map(|n| [(n, n), (n, (n + 1) % N_TAGS)]);
    let lines: Vec<String> = asked.map(line).collect();
    let records: Vec<_> =
        lines.iter().map(|line| RequestRecord::parse(line).expect("a request")).collect();
    let mut decider = engine.decider();
    for _ in 0..2 {
        for (at, record) in records.iter().enumerate() {
            let found = Answer::of_outcome(&decider.decide(&record.request));
            let is_allowed = found.decision() == Some(Decision::Allowed);
            assert_eq!(is_allowed, at % 2 == 0, "{}", lines[at]);
        }
    }
}

/// What was noted of the first checks of a request that turns out to be malformed is not noted of
/// the request behind it.
#[test]
fn a_malformed_request_leaves_no_notes() {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline":
        {"p": {"Version": "2012-10-17", "Statement": statement}}}}}}});
    let scenario = World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let ignored = json!({"action": "s3:ListAllMyBuckets", "resource": "arn:aws:s3:::b"});
    let forged = json!({"action": "sqs:SendMessage",
        "resource": "arn:aws:sqs:eu-west-1:111111111111:q",
        "context": {"aws:PrincipalAccount": "222222222222"}});
    let of = |checks: &[&Value]| json!({"principal": PRINCIPALS[0], "checks": checks}).to_string();
    let plain = json!({"principal": PRINCIPALS[0], "action": "sqs:SendMessage",
        "resource": "arn:aws:sqs:eu-west-1:111111111111:q"});
    for format in [StreamFormat::Fast, StreamFormat::Explain] {
        let lines = [of(&[&ignored]), of(&[&ignored, &forged]), plain.to_string()];
        let (_, whole) = streamed_twice(&engine, &lines, format);
        let (_, alone) = streamed_twice(&engine, &lines[..1], format);
        assert_eq!(alone["notes"]["resource_ignored"], 2);
        assert_eq!(whole["notes"]["resource_ignored"], 2);
    }
}

/// Lines of more forms than a reader remembers: with each chunk it begins anew, and what followed
/// from a form's number follows no more.
#[test]
fn forms_that_are_forgotten_mean_nothing() {
    const N_KEYS: usize = 90;
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"x:k0": "a"}}});
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline":
        {"p": {"Version": "2012-10-17", "Statement": statement}}}}}}});
    let scenario = World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let n_lines = 2 * CHUNK_BYTES / 100;
    // In each chunk the keys come up in another order, and so do the forms.
    let keys: Vec<usize> = (0..n_lines).map(|at| (at * 7 + at / 3000 * 13) % N_KEYS).collect();
    let lines: Vec<String> = keys
        .iter()
        .map(|key| {
            json!({"principal": PRINCIPALS[0], "action": "sqs:SendMessage",
                "resource": "arn:aws:sqs:eu-west-1:111111111111:q",
                "context": {format!("x:k{key}"): "a"}})
            .to_string()
        })
        .collect();
    let (records, _) = streamed_twice(&engine, &lines, StreamFormat::Fast);
    for (record, key) in records.iter().zip(keys.iter().chain(&keys)) {
        assert_eq!(record["decision"] == "Allowed", *key == 0, "{key}: {record}");
    }
}

/// Lines that differ in a byte of what stands between their values, near its beginning or far
/// behind it, in the order of their members, in an id or in space: each is what it is alone.
#[test]
fn lines_that_are_nearly_alike_are_told_apart() {
    let far = "k".repeat(60);
    let allow = |key: &str| {
        json!({"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {key: "a"}}})
    };
    let allowed = ["x:a".to_owned(), format!("x:{far}a")];
    let others = ["x:b".to_owned(), format!("x:{far}b"), "x:aa".to_owned()];
    let statements = allowed.each_ref().map(|key| allow(key));
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline":
        {"p": {"Version": "2012-10-17", "Statement": statements}}}}}}});
    let scenario = World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let principal = format!(r#""principal":"{}""#, PRINCIPALS[0]);
    let action = r#""action":"sqs:SendMessage""#;
    let resource = r#""resource":"arn:aws:sqs:eu-west-1:111111111111:q""#;
    let mut lines = Vec::new();
    for key in allowed.iter().chain(&others) {
        for context in [format!(r#"{{"{key}":"a"}}"#), format!(r#"{{"x:z":"a","{key}":"a"}}"#)] {
            let context = format!(r#""context":{context}"#);
            lines.extend([
                format!("{{{principal},{action},{resource},{context}}}"),
                format!("{{{principal}, {action},{resource},{context}}}"),
                format!("{{{principal},{action},{resource},{context}}} "),
                format!("{{{action},{principal},{resource},{context}}}"),
                format!("{{{context},{principal},{action},{resource}}}"),
                format!(r#"{{"id":"1",{principal},{action},{resource},{context}}}"#),
                format!(r#"{{"id":1,{principal},{action},{resource},{context}}}"#),
                format!(r#"{{"id":10 ,{principal},{action},{resource},{context}}}"#),
                format!(r#"{{{principal},{action},{resource},{context},"id":"2"}}"#),
                format!(r#"{{{principal},{action},{resource},{context},"id":2}}"#),
                format!(
                    r#"{{{principal},{action},{resource},{context},"time":"2024-05-01T12:00:00Z"}}"#
                ),
            ]);
        }
    }
    lines.push(format!("{{{principal},{action},{resource}}}"));
    lines.push(format!("{{{principal},{action}}}"));
    let allowed = |line: &str| allowed.iter().any(|key| line.contains(&format!(r#""{key}":"#)));
    // In this order what follows a line is much like it, in the other nothing is.
    for step in [1, 37] {
        let lines: Vec<String> =
            (0..lines.len()).map(|at| lines[at * step % lines.len()].clone()).collect();
        let (records, _) = streamed_twice(&engine, &lines, StreamFormat::Fast);
        for (record, line) in records.iter().zip(lines.iter().chain(&lines)) {
            assert_eq!(record["decision"] == "Allowed", allowed(line), "{line}: {record}");
        }
    }
}

/// The records of lines that are streamed twice, without ids, and the summary.
fn streamed_twice(
    engine: &assize::Engine,
    lines: &[String],
    format: StreamFormat,
) -> (Vec<Value>, Value) {
    let mut input = lines.join("\n");
    input.push('\n');
    input = input.repeat(2);
    let mut output = Vec::new();
    let options = StreamOptions { format, threads: Some(1), ..StreamOptions::default() };
    engine
        .decide_stream(&mut input.as_bytes(), &mut output, &options, &mut |_| true)
        .expect("the stream is decided");
    let output = String::from_utf8(output).expect("text");
    let mut records: Vec<Value> =
        output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let summary = records.pop().expect("a summary")["summary"].take();
    records.retain(|record| record.get("id").is_some());
    for record in &mut records {
        record.as_object_mut().expect("an object").remove("id");
    }
    assert_eq!(records.len(), 2 * lines.len());
    (records, summary)
}
