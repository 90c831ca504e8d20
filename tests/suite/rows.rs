//! Rows of a stream that have no decision: each gives its own error, in each format, and the rest
//! is decided (F-33).

use assize::formats::MAX_LINE_BYTES;
use assize::{StreamFormat, StreamOptions};
use assize_tests::answer::engine;
use assize_tests::corpus::read_scenario;
use serde_json::Value;

const WORLD: &str = r#"{
  "assize": 1,
  "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
  "accounts": {"111111111111": {"users": {"u": {"attached": [{"ref": "all"}]}}}},
  "resources": [{"arn": "arn:aws:s3:::b", "account": "111111111111"}]
}"#;

/// A row that is decided, so that nothing around a broken one can hide.
const GOOD: &str = r#"{"id":"good","principal":"arn:aws:iam::111111111111:user/u","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;

/// A request of the user with other members.
fn asks(members: &str) -> Vec<u8> {
    format!(r#"{{"principal":"arn:aws:iam::111111111111:user/u",{members}}}"#).into()
}

/// Rows, their error codes, and what their messages say.
fn broken_rows() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let with = |members: &str| {
        asks(&format!(r#""action":"s3:GetObject","resource":"arn:aws:s3:::b/k",{members}"#))
    };
    let long = format!(r#""x-pad":"{}""#, "x".repeat(MAX_LINE_BYTES));
    vec![
        // F-1, F-30.
        (b"not json".to_vec(), "json_syntax", "expected a value, found `n` at column 1"),
        (b"nul".to_vec(), "json_syntax", "expected a value"),
        (asks("")[..40].to_vec(), "json_syntax", "without its closing quote"),
        (asks(r#""action":5,"#), "json_syntax", "expected a member name in quotes"),
        (b"{\"principal\":5} x".to_vec(), "json_syntax", "expected the end, found `x`"),
        ([b"\xef\xbb\xbf", GOOD.as_bytes()].concat(), "json_syntax", "found a byte-order mark"),
        (b"{\"principal\":\"\xff\"}".to_vec(), "json_syntax", "a wrong byte at position 15"),
        (b"\x00\x01\x02\xf0".to_vec(), "json_syntax", "not UTF-8"),
        (b"[]".to_vec(), "invalid_field", "expected an object, found a list"),
        (with(r#""region":"a","region":"b""#), "invalid_field", "`region` is given twice"),
        // F-4, F-10, F-12.
        (b"{}".to_vec(), "invalid_field", "`principal` is missing"),
        (with(r#""regoin":"a""#), "unknown_field", "did you mean `region`?"),
        (with(r#""time":"noon""#), "invalid_field", "`noon` is not a time"),
        (with(r#""context":{"s3:prefix":null}"#), "invalid_field", "found null"),
        (with(r#""checks":[{"action":"s3:GetObject"}]"#), "invalid_field", "both given"),
        // F-6.
        (with(&long), "limit", "the line is longer than 1048576 bytes"),
        // E-3.
        (asks(r#""action":"GetObject""#), "invalid_action", "`GetObject`"),
        (asks(r#""action":"s3:GetObject","resource":"b/k""#), "invalid_resource", "`b/k`"),
        (
            br#"{"principal":"arn:aws:iam::111111111111:user/v","action":"s3:GetObject"}"#.to_vec(),
            "unknown_principal",
            "user/v",
        ),
        (
            br#"{"principal":"arn:aws:s3:::b","action":"s3:GetObject"}"#.to_vec(),
            "invalid_principal",
            "arn:aws:s3:::b",
        ),
        (
            with(r#""network":{"vpce":"vpce-1","vpceAccount":"111111111111"}"#),
            "unknown_entity",
            "vpce-1",
        ),
        (
            with(r#""resourceData":{"account":"222222222222"}"#),
            "resource_account_conflict",
            "222222222222",
        ),
        // E-23, E-122.
        (
            with(r#""context":{"aws:PrincipalArn":"arn:aws:iam::111111111111:root"}"#),
            "context_conflict",
            "aws:PrincipalArn",
        ),
        (
            with(r#""context":{"aws:PrincipalOrgID":"o-1"}"#),
            "context_conflict",
            "aws:PrincipalOrgID",
        ),
        (with(r#""unknown":["aws:SourceIp"]"#), "context_mode", ""),
    ]
}

fn decide(input: &[u8], format: StreamFormat) -> Vec<String> {
    let scenario = read_scenario("w.assize.json", WORLD.as_bytes()).expect("a world");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let options = StreamOptions { format, threads: Some(1), ..StreamOptions::default() };
    let mut output = Vec::new();
    engine
        .decide_stream(&mut &*input, &mut output, &options, &mut |_| true)
        .expect("the stream is decided");
    String::from_utf8(output).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn a_broken_row_says_what_is_wrong_and_the_rest_is_decided() {
    let rows = broken_rows();
    let mut body = Vec::new();
    for (row, ..) in &rows {
        body.extend_from_slice(row);
        body.extend_from_slice(b"\r\n\n");
        body.extend_from_slice(GOOD.as_bytes());
        body.push(b'\n');
    }
    let header = br#"{"assize":1,"stream":"requests","defaults":{"region":"eu-west-1"}}"#;
    let with_defaults = [header, &b"\n"[..], &body].concat();
    for (input, n_before) in [(&body, 0), (&with_defaults, 1)] {
        for format in [StreamFormat::Fast, StreamFormat::Explain] {
            let lines = decide(input, format);
            let parse = |line: &String| serde_json::from_str::<Value>(line).expect("JSON");
            let records: Vec<Value> = lines.iter().map(parse).collect();
            let [_, records @ .., closing] = records.as_slice() else { panic!("{lines:?}") };
            for (n, (pair, (_, code, message))) in records.chunks(2).zip(&rows).enumerate() {
                let [broken, good] = pair else { panic!("{pair:?}") };
                assert_eq!(broken["id"], n_before + 3 * n + 1, "{broken}");
                assert_eq!(broken["error"]["code"], *code, "{broken}");
                let found = broken["error"]["message"].as_str().expect("a message");
                assert!(found.contains(message), "{found} lacks {message}");
                assert_eq!((&good["id"], &good["decision"]), (&"good".into(), &"Allowed".into()));
            }
            let summary = &closing["summary"];
            assert_eq!(summary["error"], rows.len(), "{summary}");
            assert_eq!(summary["Allowed"], rows.len(), "{summary}");
            assert_eq!(summary["requests"], 2 * rows.len(), "{summary}");
        }
        let compact = decide(input, StreamFormat::Compact);
        for (pair, (_, code, _)) in compact.chunks(2).zip(&rows) {
            let fields: Vec<&str> = pair[0].split('\t').collect();
            assert_eq!((fields[1], fields.last()), ("E", Some(code)), "{pair:?}");
            assert!(pair[1].starts_with("good\tA\t"), "{pair:?}");
        }
        assert_eq!(compact.len(), 2 * rows.len());
    }
}
