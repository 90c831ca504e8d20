//! Invariant 2: the same inputs give the same bytes, whatever the thread count and the rows
//! around.

use std::collections::HashSet;
use std::error::Error as _;
use std::io::Write as _;

use assize::formats::{MAX_LINE_BYTES, RequestRecord};
use assize::{Engine, Error, StreamFormat, StreamOptions, StreamSummary};
use assize_model::{Decision, EngineOptions, Request};
use assize_store::{StoreChange, StoreSnapshot};
use assize_tests::answer::{Answer, Oracle, engine};
use assize_tests::corpus::corpus;
use assize_tests::generate::{self, Source};
use serde_json::{Value, json};

/// The decisions of a stream as bytes, from an engine made for it alone. The stream is read, or
/// is in memory.
fn decide(seed: u64, format: StreamFormat, threads: usize, in_memory: bool) -> Vec<u8> {
    let mut source = Source::seeded(seed);
    let world = generate::world(&mut source);
    let scenario = world.read().expect("a world");
    let mut input = String::new();
    for _ in 0..300 {
        input.push_str(&generate::request(&mut source).to_string());
        input.push('\n');
    }
    input.push_str("{\"principal\": \n");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let options = StreamOptions { format, threads: Some(threads), ..StreamOptions::default() };
    let mut output = Vec::new();
    let (mut bytes, go_on) = (input.as_bytes(), &mut |_| true);
    let summary = if in_memory {
        engine.decide_lines(bytes, &mut output, &options, go_on)
    } else {
        engine.decide_stream(&mut bytes, &mut output, &options, go_on)
    };
    assert_eq!(summary.expect("the stream is decided").counters.requests(), 301);
    output
}

/// E-1: nothing but request, snapshot, catalog and options influences a decision.
#[test]
fn same_inputs_give_the_same_bytes() {
    for seed in 0..4 {
        for format in [StreamFormat::Fast, StreamFormat::Explain, StreamFormat::Compact] {
            let once = decide(seed, format, 1, false);
            assert!(!once.is_empty());
            for (threads, in_memory) in [(1, false), (1, true), (2, false), (2, true)] {
                let again = decide(seed, format, threads, in_memory);
                assert!(once == again, "seed {seed}, {format:?}: {threads}, {in_memory}");
            }
        }
    }
}

/// What breaks off after some bytes.
struct Torn<'t>(&'t [u8]);

impl std::io::Read for Torn<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::Error::other("the line was cut")),
            n => Ok(n),
        }
    }
}

/// Chunks are decided by whoever is free; what came of them stands in the order of the stream, to
/// where it broke off or was ended.
#[test]
fn threads_keep_the_order_of_a_stream() {
    let mut source = Source::seeded(7);
    let scenario = generate::world(&mut source).read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let lines: Vec<String> = (0..500).map(|_| generate::request(&mut source).to_string()).collect();
    let input = lines.join("\n").repeat(3_000_000 / lines.join("\n").len());
    let run = |threads: usize, n_chunks: usize| {
        let format = StreamFormat::Compact;
        let options = StreamOptions { format, threads: Some(threads), ..StreamOptions::default() };
        let (mut output, mut n_told) = (Vec::new(), 0);
        let summary = engine
            .decide_stream(&mut Torn(input.as_bytes()), &mut output, &options, &mut |progress| {
                n_told += 1;
                assert!(progress.requests > 0);
                n_told < n_chunks
            })
            .expect("the stream is decided");
        let n_lines = std::str::from_utf8(&output).expect("text").lines().count();
        assert_eq!(summary.counters.requests(), n_lines as u64);
        assert_eq!(summary.interrupted, n_told == n_chunks);
        (output, summary)
    };
    let (whole, summary) = run(1, usize::MAX);
    assert!(summary.broken.as_deref().is_some_and(|why| why.contains("the line was cut")));
    for threads in [2, 3, 8] {
        let mut in_memory = Vec::new();
        let format = StreamFormat::Compact;
        let options = StreamOptions { format, threads: Some(threads), ..StreamOptions::default() };
        engine
            .decide_lines(input.as_bytes(), &mut in_memory, &options, &mut |_| true)
            .expect("the lines are decided");
        assert!(in_memory == whole, "{threads} threads, in memory");
        let (output, of_threads) = run(threads, usize::MAX);
        assert!(output == whole, "{threads} threads");
        assert_eq!(of_threads, summary, "{threads} threads");
        for n_chunks in [1, 5] {
            let (part, _) = run(threads, n_chunks);
            assert!(part.len() < whole.len() && whole.starts_with(&part), "{threads} threads");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

/// Streams of a few requests with every fault that a stream can have, by name, and what a run of
/// each says: that it was decided, the end of its text or the error.
fn streams(lines: &[String]) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let [first, second] = [0, 1].map(|at| lines[at].as_bytes());
    let all = lines.join("\n").into_bytes();
    let long = vec![b'x'; MAX_LINE_BYTES + 1];
    let join = |parts: &[&[u8]]| parts.join(&b'\n');
    let header = br#"{"assize":1,"stream":"requests","options":{"context":"partial"}}"#;
    let defaults = br#"{"assize":1,"defaults":{"region":"eu-west-1"}}"#;
    let other = br#"{"assize":1,"snapshot":"other"}"#;
    let cut = &second[..second.len() - 1];
    let zipped = gzip(&all);
    let mut corrupt = zipped.clone();
    corrupt[zipped.len() / 2] ^= 0x55;
    let half = zipped.len() / 2;
    vec![
        ("nothing", Vec::new(), "0 requests"),
        ("blank lines", b"\n\r\n \t\n".to_vec(), "0 requests"),
        ("requests", all.clone(), "decided"),
        ("CRLF", lines.join("\r\n").into_bytes(), "decided"),
        ("blank lines between", lines.join("\n\n \r\n").into_bytes(), "decided"),
        ("a carriage return alone", join(&[first, b"\r", second]), "decided"),
        ("an invalid byte", join(&[first, b"{\"principal\":\"\xff\"}", second]), "error"),
        ("half a character", join(&[first, b"{\"principal\":\"\xe2\x82"]), "error"),
        ("an invalid byte in front", join(&[b"\xff", first]), "error"),
        ("a mark of the byte order", [b"\xef\xbb\xbf", first].concat(), "error"),
        ("a long line", join(&[first, &long, second]), "error"),
        ("a long last line", join(&[first, &long]), "error"),
        ("a long first line", join(&[&long, first]), "error"),
        ("a line cut off", join(&[first, cut]), "error"),
        ("a header", join(&[header, first, second]), "decided"),
        ("a late header", join(&[b"\r\n", header, first]), "decided"),
        ("defaults", join(&[defaults, first, second]), "decided"),
        ("a header alone", header.to_vec(), "0 requests"),
        ("a header behind requests", join(&[first, header]), "error"),
        ("a header of another world", join(&[other, first]), "refused"),
        ("a header of another version", join(&[b"{\"assize\":2}", first]), "refused"),
        ("a header with an invalid byte", join(&[b"{\"assize\":1,\"\xff\":1}", first]), "error"),
        ("gzip", zipped.clone(), "decided"),
        ("gzip in parts", [gzip(&all), gzip(b"\n"), gzip(&all)].concat(), "decided"),
        ("gzip cut off", zipped[..half].to_vec(), "broken"),
        ("gzip with another byte", corrupt, "broken"),
        ("gzip of an invalid byte", gzip(&join(&[first, b"\xff", second])), "error"),
        ("several chunks", join(&[&all, b"\xff", &all]).repeat(4), "error"),
    ]
}

/// Lines in memory are read where they lie, which no answer shows.
#[test]
fn lines_in_memory_are_those_of_a_stream() {
    let mut source = Source::seeded(11);
    let scenario = generate::world(&mut source).read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let lines: Vec<String> = (0..200).map(|_| generate::request(&mut source).to_string()).collect();
    let lines: Vec<String> = lines.into_iter().filter(|line| is_decided(&engine, line)).collect();
    for (name, bytes, expected) in streams(&lines) {
        for format in [StreamFormat::Fast, StreamFormat::Explain, StreamFormat::Compact] {
            for threads in [1, 2] {
                let threads = Some(threads);
                let options = StreamOptions { format, threads, ..StreamOptions::default() };
                let (mut read, mut in_memory) = (Vec::new(), Vec::new());
                let go_on = &mut |_: assize::Progress| true;
                let of_stream = engine.decide_stream(&mut &*bytes, &mut read, &options, go_on);
                let of_lines = engine.decide_lines(&bytes, &mut in_memory, &options, go_on);
                let said = |result: Result<StreamSummary, Error>| {
                    result.map_err(|error| format!("{error}: {:?}", error.source()))
                };
                let (of_stream, of_lines) = (said(of_stream), said(of_lines));
                assert_eq!(of_stream, of_lines, "{name}");
                assert!(read == in_memory, "{name}, {format:?}");
                let found = match &of_stream {
                    Err(_) => "refused",
                    Ok(summary) if summary.broken.is_some() => "broken",
                    Ok(summary) if summary.counters.error > 0 => "error",
                    Ok(summary) if summary.counters.requests() == 0 => "0 requests",
                    Ok(_) => "decided",
                };
                assert_eq!(found, expected, "{name}: {of_stream:?}");
            }
        }
    }
}

fn is_decided(engine: &Engine, line: &str) -> bool {
    let options = StreamOptions { threads: Some(1), ..StreamOptions::default() };
    let summary = engine.decide_lines(line.as_bytes(), &mut Vec::new(), &options, &mut |_| true);
    summary.expect("the line is decided").counters.error == 0
}

/// What stands around a request in its batch changes nothing.
#[test]
fn rows_do_not_touch_each_other() {
    for scenario in corpus() {
        let Some(options) = scenario.tests.first().map(|test| &test.options) else { continue };
        let cells: Vec<_> = scenario
            .tests
            .iter()
            .filter(|test| test.options == *options)
            .flat_map(|test| &test.cells)
            .collect();
        let records: Vec<RequestRecord<'_>> =
            cells.iter().filter_map(|cell| cell.record().ok()).collect();
        let requests: Vec<Request<'_>> =
            records.iter().map(|record| record.request.clone()).collect();
        let engine = engine(&scenario.snapshot, options);
        let forward = engine.decide_batch(&requests);
        let reversed: Vec<Request<'_>> = requests.iter().rev().cloned().collect();
        let backward = engine.decide_batch(&reversed);
        for (at, (one, other)) in forward.iter().zip(backward.iter().rev()).enumerate() {
            let (one, other) = (Answer::of_outcome(one), Answer::of_outcome(other));
            assert_eq!(one, other, "{}: {}", scenario.file, cells[at].request);
        }
    }
}

/// E-2: a decision sees the snapshot its engine was made for, whatever became of the store since.
#[test]
fn a_decision_sees_one_snapshot() {
    let (mut n_decisions, mut n_changed) = (0, 0);
    for scenario in corpus() {
        let Some(options) = scenario.tests.first().map(|test| &test.options) else { continue };
        let cells: Vec<_> = scenario.tests.iter().flat_map(|test| &test.cells).collect();
        let records: Vec<RequestRecord<'_>> =
            cells.iter().filter_map(|cell| cell.record().ok()).collect();
        let requests: Vec<Request<'_>> =
            records.iter().map(|record| record.request.clone()).collect();
        let engine_before = engine(&scenario.snapshot, options);
        let answers = |engine: &Engine| -> Vec<Answer> {
            engine.decide_batch(&requests).iter().map(Answer::of_outcome).collect()
        };
        let before = answers(&engine_before);
        let mut editor = scenario.snapshot.edit();
        for account in scenario.snapshot.accounts() {
            editor.apply(StoreChange::RemoveAccount(account.id)).expect("an account that is there");
        }
        let (emptied, _) = editor.commit();
        n_decisions += before.len();
        n_changed += usize::from(before != answers(&engine(&emptied, options)));
        assert!(before == answers(&engine_before), "{}", scenario.file);
    }
    assert!(n_decisions > 0 && n_changed > 0, "nothing was tried");
}

/// The answers to requests, each alone: nothing is known of its principal and action yet.
fn alone(engine: &Engine, requests: &[Request<'_>]) -> Vec<Answer> {
    requests.iter().map(|request| Answer::of_outcome(&engine.decide(request))).collect()
}

/// The answers to requests when all their principals and actions are known.
fn warm(engine: &Engine, requests: &[Request<'_>]) -> Vec<Answer> {
    let mut decider = engine.decider();
    decider.decide_all(requests);
    decider.decide_all(requests).iter().map(Answer::of_outcome).collect()
}

/// The records of decisions to lines that are streamed twice, without their ids.
fn streamed_twice(engine: &Engine, lines: &[String]) -> Vec<Value> {
    let mut input = lines.join("\n");
    input.push('\n');
    input = input.repeat(2);
    let mut output = Vec::new();
    let options = StreamOptions { threads: Some(1), ..StreamOptions::default() };
    engine
        .decide_stream(&mut input.as_bytes(), &mut output, &options, &mut |_| true)
        .expect("the stream is decided");
    let output = String::from_utf8(output).expect("text");
    let records = output.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut records: Vec<Value> = records.filter(|record| record.get("id").is_some()).collect();
    for record in &mut records {
        record.as_object_mut().expect("an object").remove("id");
    }
    records
}

/// Both modes of context.
const CONTEXTS: [&str; 2] = ["complete", "partial"];

/// Requests that say little are decided on a short way of their own.
#[test]
fn the_short_way_is_the_long_way() {
    for scenario in corpus() {
        let Some(options) = scenario.tests.first().map(|test| &test.options) else { continue };
        let cells = scenario.tests.iter().filter(|test| test.options == *options);
        let cells: Vec<_> = cells.flat_map(|test| &test.cells).collect();
        let records: Vec<_> = cells.iter().filter_map(|cell| cell.record().ok()).collect();
        let requests: Vec<Request<'_>> = records.iter().map(|r| r.request.clone()).collect();
        let engine = engine(&scenario.snapshot, options);
        assert_eq!(alone(&engine, &requests), warm(&engine, &requests), "{}", scenario.file);
    }
    for seed in 0..150 {
        let mut source = Source::seeded(seed);
        let scenario = generate::world(&mut source).read().expect("a world");
        let lines: Vec<String> =
            (0..60).map(|_| generate::request(&mut source).to_string()).collect();
        let records: Vec<_> =
            lines.iter().filter_map(|line| RequestRecord::parse(line).ok()).collect();
        let requests: Vec<Request<'_>> = records.iter().map(|r| r.request.clone()).collect();
        let engine = engine(&scenario.snapshot, &scenario.options);
        assert_eq!(alone(&engine, &requests), warm(&engine, &requests), "seed {seed}");
        let records = streamed_twice(&engine, &lines);
        let (first, second) = records.split_at(records.len() / 2);
        assert_eq!(first, second, "seed {seed}");
    }
}

/// What a plain request states of MFA reaches the policies that ask for it.
#[test]
fn the_short_way_knows_mfa() {
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline": {"p": {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
    }}}}}}});
    let scenario = generate::World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let lines = ["true", "false"].map(|mfa| {
        json!({"principal": "arn:aws:iam::111111111111:user/ana", "action": "sqs:ListQueues",
            "context": {"aws:MultiFactorAuthPresent": mfa}})
        .to_string()
    });
    let records = lines.each_ref().map(|line| RequestRecord::parse(line).expect("a request"));
    let requests = records.map(|record| record.request);
    for answers in [alone(&engine, &requests), warm(&engine, &requests)] {
        let decisions: Vec<_> = answers.iter().map(Answer::decision).collect();
        assert_eq!(decisions, [Some(Decision::Allowed), Some(Decision::ImplicitDeny)]);
    }
}

/// Each key that the short way treats in a way of its own reaches the policies that ask for it,
/// given or not; tags and source identities of an assumed role are checks of their own (E-90).
#[test]
fn the_short_way_knows_every_key_it_takes() {
    let allow = |action: &str, operator: &str, key: &str, value: &str| {
        json!({"Effect": "Allow", "Action": action, "Resource": "*",
            "Condition": {operator: {key: value}}})
    };
    let statements = json!([
        allow("ec2:StartInstances", "StringEquals", "ec2:ResourceTag/team", "red"),
        allow("ec2:StopInstances", "StringEquals", "aws:ResourceTag/team", "red"),
        allow("sqs:ReceiveMessage", "Bool", "aws:SecureTransport", "true"),
        allow("sqs:SendMessage", "Bool", "aws:SecureTransport", "false"),
        allow("sns:Publish", "Bool", "aws:ViaAWSService", "true"),
        allow("sns:Subscribe", "Bool", "aws:ViaAWSService", "false"),
        allow("lambda:InvokeFunction", "StringEquals", "aws:RequestedRegion", "eu-west-1"),
        allow("dynamodb:GetItem", "DateGreaterThan", "aws:CurrentTime", "2025-01-01T00:00:00Z"),
        allow("dynamodb:PutItem", "NumericGreaterThan", "aws:EpochTime", "1735689600"),
        allow("ssm:GetParameter", "IpAddress", "aws:SourceIp", "10.0.0.0/8"),
        allow("ssm:PutParameter", "StringLike", "aws:UserAgent", "aws-cli/*"),
        allow("ssm:DeleteParameter", "StringEquals", "aws:Referer", "https://example.com/"),
        {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}},
        allow("s3:GetObject", "StringEquals", "aws:ResourceAccount", "111111111111"),
        allow("s3:PutObject", "Null", "aws:ResourceOrgID", "true"),
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceAccount": "111111111111"}}},
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        allow("ecr:PutImage", "Bool", "aws:MultiFactorAuthPresent", "true"),
        allow("ecr:BatchGetImage", "BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
        allow("ecr:GetDownloadUrlForLayer", "Null", "aws:MultiFactorAuthAge", "true"),
        allow("glue:GetTable", "Null", "aws:SourceVpc", "true"),
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
        {"Effect": "Deny", "Action": ["sts:TagSession", "sts:SetSourceIdentity"], "Resource": "*"},
    ]);
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let trust = json!({"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}});
    let mut decided = Vec::new();
    for context in CONTEXTS {
        let scenario = json!({"assize": 1,
        "options": {"time": "2024-05-01T12:00:00Z", "context": context},
        "accounts": {"111111111111": {
            "users": {"ana": {"inline": {"p": &policy}}},
            "roles": {"ops": {"trust": &trust, "inline": {"p": &policy}}},
        }}});
        let scenario = generate::World { scenario }.read().expect("a world");
        for principal in
            ["arn:aws:iam::111111111111:user/ana", "arn:aws:sts::111111111111:assumed-role/ops/s"]
        {
            decided.extend(check_keys(&scenario.snapshot, &scenario.options, principal));
        }
    }
    for (question, _) in &decided {
        let of_question = decided.iter().filter(|(other, _)| other == question);
        let decisions: HashSet<_> = of_question.map(|(_, decision)| decision).collect();
        assert!(decisions.len() > 1, "{question} is always {decisions:?}");
    }
}

/// Asks requests that give one key or none. Gives what was decided, by action and resource.
fn check_keys(
    snapshot: &StoreSnapshot,
    options: &EngineOptions,
    principal: &str,
) -> Vec<(String, Option<Decision>)> {
    let engine = engine(snapshot, options);
    let oracle = Oracle::new(snapshot, options);
    let in_region =
        |service: &str, rest: &str| format!("arn:aws:{service}:us-east-1:111111111111:{rest}");
    let asked = [
        ("ec2:StartInstances", in_region("ec2", "instance/i-1")),
        ("ec2:StopInstances", in_region("ec2", "instance/i-1")),
        ("sqs:ReceiveMessage", in_region("sqs", "q")),
        ("sqs:SendMessage", in_region("sqs", "q")),
        ("sns:Publish", in_region("sns", "t")),
        ("sns:Subscribe", in_region("sns", "t")),
        ("lambda:InvokeFunction", in_region("lambda", "function:f").replace("us-east", "eu-west")),
        ("lambda:InvokeFunction", in_region("lambda", "function:f")),
        ("dynamodb:GetItem", in_region("dynamodb", "table/t")),
        ("dynamodb:PutItem", in_region("dynamodb", "table/t")),
        ("ssm:GetParameter", in_region("ssm", "parameter/p")),
        ("ssm:PutParameter", in_region("ssm", "parameter/p")),
        ("ssm:DeleteParameter", in_region("ssm", "parameter/p")),
        ("kms:Decrypt", in_region("kms", "key/11111111-1111-1111-1111-111111111111")),
        ("sts:AssumeRole", "arn:aws:iam::222222222222:role/R".to_owned()),
        ("s3:GetObject", "arn:aws:s3:::a-bucket/key".to_owned()),
        ("s3:PutObject", "arn:aws:s3:::a-bucket/key".to_owned()),
        ("s3:DeleteObject", "arn:aws:s3:::a-bucket/key".to_owned()),
        ("ecr:PutImage", in_region("ecr", "repository/r")),
        ("ecr:BatchGetImage", in_region("ecr", "repository/r")),
        ("ecr:GetDownloadUrlForLayer", in_region("ecr", "repository/r")),
        ("glue:GetTable", in_region("glue", "table/d/t")),
    ];
    let contexts = [
        json!({}),
        json!({"aws:ResourceTag/team": "red"}),
        json!({"aws:ResourceTag/team": "blue"}),
        json!({"AWS:resourceTag/team": "red"}),
        json!({"aws:ResourceTag/Team": "red"}),
        json!({"ec2:ResourceTag/team": "red"}),
        json!({"aws:SecureTransport": "false"}),
        json!({"aws:SecureTransport": "true"}),
        json!({"aws:ViaAWSService": "true"}),
        json!({"aws:ViaAWSService": "false"}),
        json!({"aws:RequestedRegion": "us-east-1"}),
        json!({"aws:RequestedRegion": "eu-west-1"}),
        json!({"aws:CurrentTime": "2025-06-01T00:00:00Z"}),
        json!({"aws:CurrentTime": "2025-06-01T02:00:00+02:00"}),
        json!({"aws:CurrentTime": "2024-06-01T00:00:00Z"}),
        json!({"aws:EpochTime": "1750000000"}),
        json!({"aws:EpochTime": "1700000000"}),
        json!({"aws:SourceIp": "10.1.2.3"}),
        json!({"aws:SourceIp": "192.0.2.1"}),
        json!({"aws:UserAgent": "aws-cli/2"}),
        json!({"aws:Referer": "https://example.com/"}),
        json!({"kms:ViaService": "s3.eu-west-1.amazonaws.com"}),
        json!({"aws:RequestTag/team": "red"}),
        json!({"aws:TagKeys": "team"}),
        json!({"sts:SourceIdentity": "ana"}),
        json!({"sts:RoleSessionName": "s"}),
        json!({"aws:MultiFactorAuthPresent": "true"}),
        json!({"aws:MultiFactorAuthPresent": "false"}),
    ];
    let mut lines = Vec::new();
    for (action, resource) in &asked {
        for context in &contexts {
            for complete in [json!([]), json!(["*"])] {
                let line = json!({"principal": principal, "action": action,
                    "resource": resource, "context": context, "complete": complete});
                lines.push(line.to_string());
            }
        }
    }
    let records: Vec<_> =
        lines.iter().map(|line| RequestRecord::parse(line).expect("a request")).collect();
    let requests: Vec<_> = records.iter().map(|record| record.request.clone()).collect();
    let expected: Vec<Answer> =
        requests.iter().map(|request| Answer::of_decision(&oracle.evaluate(request))).collect();
    for answers in [alone(&engine, &requests), warm(&engine, &requests)] {
        for ((found, expected), line) in answers.iter().zip(&expected).zip(&lines) {
            assert_eq!(same_kind(found), same_kind(expected), "{line}");
        }
    }
    let of_asked = asked.iter().zip(expected.chunks(2 * contexts.len()));
    of_asked
        .flat_map(|((action, resource), answers)| {
            let question = format!("{action} on {resource}");
            answers.iter().map(move |answer| (question.clone(), answer.decision()))
        })
        .collect()
}

/// The decisions to lines that say little are the reference's, by a decider that knows their
/// principals and actions, by a stream, and in whatever company.
#[test]
fn plain_lines_are_decided_as_the_reference_does() {
    let (mut n_decided, mut n_allowed, mut n_open) = (0, 0, 0);
    for seed in 0..120 {
        let mut source = Source::seeded(seed);
        let mut world = generate::world(&mut source);
        world.scenario["options"]["context"] = json!(CONTEXTS[usize::from(seed % 3 == 0)]);
        let scenario = world.read().expect("a world");
        let lines: Vec<String> = (0..150).map(|_| generate::plain_line(&mut source)).collect();
        let records: Vec<_> = lines.iter().map(|line| RequestRecord::parse(line)).collect();
        let oracle = Oracle::new(&scenario.snapshot, &scenario.options);
        let expected: Vec<Answer> = records
            .iter()
            .map(|record| match record {
                Ok(record) => Answer::of_decision(&oracle.evaluate(&record.request)),
                Err(error) => Answer::of_decision(&Err(error.clone())),
            })
            .collect();
        let engine = engine(&scenario.snapshot, &scenario.options);
        let requests: Vec<Request<'_>> =
            records.iter().flatten().map(|record| record.request.clone()).collect();
        let at_hand = records.iter().zip(&expected).zip(&lines);
        let readable = at_hand.filter(|((record, _), _)| record.is_ok());
        for (found, ((_, expected), line)) in warm(&engine, &requests).iter().zip(readable) {
            assert_eq!(same_kind(found), same_kind(expected), "seed {seed}: {line}");
        }
        let streamed = streamed_twice(&engine, &lines);
        assert_eq!(streamed.len(), 2 * lines.len());
        for (at, record) in streamed.iter().enumerate() {
            let (line, expected) = (&lines[at % lines.len()], &expected[at % lines.len()]);
            let found = ["decision", "layer", "reason"].map(|name| {
                let of = if name == "decision" { record } else { &record["decisive"] };
                of[name].as_str().map(str::to_owned)
            });
            let wanted = [
                expected.decision().map(|decision| decision.as_str().to_owned()),
                expected.layer().map(|layer| layer.as_str().to_owned()),
                expected.reason().map(|reason| reason.as_str().to_owned()),
            ];
            assert_eq!(found, wanted, "seed {seed}: {line}: {record}");
            n_decided += usize::from(expected.decision().is_some());
            n_allowed += usize::from(expected.decision() == Some(Decision::Allowed));
            n_open += usize::from(expected.decision() == Some(Decision::Indeterminate));
        }
    }
    assert!(n_decided > 20_000 && n_allowed > 2_000, "{n_decided} decided, {n_allowed} allowed");
    assert!(n_open > 120, "{n_open} open");
}

/// What is found out once for a value is remembered where another value of the same key may be.
#[test]
fn values_of_a_key_are_told_apart() {
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"ana": {"inline": {"p": {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*",
            "Condition": {"StringLike": {"aws:UserAgent": "*7", "aws:Referer": "*"}}},
    }}}}}}});
    let scenario = generate::World { scenario }.read().expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let lines = (0..10_000).map(|n: u32| {
        json!({"principal": "arn:aws:iam::111111111111:user/ana", "action": "sqs:ListQueues",
            "context": {"aws:UserAgent": n.to_string(), "aws:Referer": format!("r{n}")}})
        .to_string()
    });
    let lines: Vec<String> = lines.collect();
    let records = lines.iter().map(|line| RequestRecord::parse(line).expect("a request"));
    let requests: Vec<Request<'_>> = records.map(|record| record.request).collect();
    for (n, answer) in warm(&engine, &requests).iter().enumerate() {
        let holds = n % 10 == 7;
        let expected = if holds { Decision::Allowed } else { Decision::ImplicitDeny };
        assert_eq!(answer.decision(), Some(expected), "{}", lines[n]);
    }
}

/// An answer; which of several mistakes of a request is named is nobody's business.
fn same_kind(answer: &Answer) -> Option<&Answer> {
    Some(answer).filter(|answer| answer.decision().is_some())
}
