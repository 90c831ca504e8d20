use assize_model::{ContextInput, ContextScalar, Delivery, Principal, RequestErrorKind, Target};

use super::*;

/// The error of a line as `kind: message at pointer`, or `ok`.
fn check(line: &str, expected: &str) {
    let found = match RequestRecord::parse(line) {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{}: {error}", error.kind().as_str()),
    };
    assert_eq!(found, expected, "{line}");
}

/// A minimal request with further members.
fn with(members: &str) -> String {
    format!(r#"{{"principal":"anonymous","action":"s3:GetObject"{members}}}"#)
}

/// F-10.
#[test]
fn the_minimal_request_is_read() {
    let line = r#"{"principal":"arn:aws:iam::111111111111:user/u","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;
    let record = RequestRecord::parse(line).unwrap();
    assert_eq!(
        record.request.principal,
        Principal::Text("arn:aws:iam::111111111111:user/u".into())
    );
    let Target::Action { action, resource, resources } = &record.request.target else {
        panic!("{record:?}");
    };
    assert_eq!((&**action, resource.as_deref()), ("s3:GetObject", Some("arn:aws:s3:::b/k")));
    assert!(resources.is_empty());
    assert_eq!(record.id, None);
}

const FULL: &str = r#"{
    "id": "e-1", "x-note": {"a": [1]},
    "principal": {"type": "roleSession", "role": "arn:aws:iam::111111111111:role/R",
      "session": {"name": "s", "policy": {"Statement": []}, "policyArns": ["arn:a"], "tags": {"k": "v"},
        "transitiveTagKeys": ["k"], "inheritedTags": {}, "sourceIdentity": "ana",
        "issuedAt": "2024-05-01T12:00:00Z", "expiresAt": 1714564801, "mfa": {"present": true, "at": 5},
        "temporary": true, "console": false, "chained": true, "federatedProvider": "p",
        "claims": {"idp:sub": "x"},
        "delivery": {"roleDelivery": "2.0", "kind": "ec2", "instanceArn": "arn:i"}}},
    "checks": [{"action": "s3:GetObject", "resource": "*", "context": {"a:b": 1},
      "data": {"account": "000000000001", "policy": [{}, {}], "tags": {"t": ""},
        "managedByAws": true, "publicAccessBlock": {"restrictPublicBuckets": true},
        "kmsGrants": [{"grantee": "g", "operations": ["Decrypt"], "encryptionContextSubset": {"a": "b"}},
          {"GranteePrincipal": "h", "Operations": [], "GrantId": "1",
           "Constraints": {"EncryptionContextEquals": {"c": "d"}}}]}}],
    "requestTags": {"team": "pay"},
    "context": {"aws:MultiFactorAuthAge": 1.50e2, "s3:x": true, "k:list": ["a", 2, false], "k:none": []},
    "absent": ["aws:SourceIp"], "complete": ["aws:RequestTag/", "*"], "unknown": ["s3:"],
    "network": {"sourceIp": "203.0.113.7", "vpceAccount": "111111111111", "secureTransport": false},
    "via": ["s3.amazonaws.com"], "region": "eu-west-1", "time": -1,
    "source": {"arn": "arn:x", "account": "222222222222"},
    "observed": {"decision": "Denied", "errorCode": "AccessDenied"}
}"#;

#[test]
fn every_field_is_read() {
    assert_eq!(crate::schema::tests::violations(crate::REQUEST_SCHEMA, FULL), [""; 0]);
    let record = RequestRecord::parse(FULL).unwrap();
    let request = &record.request;
    assert_eq!(record.id.as_ref().map(RecordId::as_str), Some("e-1"));
    assert_eq!(record.extra, [("x-note".into(), r#"{"a": [1]}"#)]);
    let Principal::Stated(stated) = &request.principal else { panic!("{request:?}") };
    let session = stated.session.as_ref().unwrap();
    assert_eq!(session.policy.as_ref().unwrap().0, r#"{"Statement": []}"#);
    assert_eq!((session.issued_at, session.expires_at), (Some(1_714_564_800), Some(1_714_564_801)));
    assert_eq!(session.mfa.unwrap().at, Some(5));
    let Some(Delivery::Ec2 { role_delivery, vpc: None, .. }) = &session.delivery else {
        panic!("{session:?}");
    };
    assert_eq!(role_delivery.as_deref(), Some("2.0"));
    let Target::Checks(checks) = &request.target else { panic!("{request:?}") };
    let data = checks[0].data.as_ref().unwrap();
    assert_eq!(data.account.unwrap().as_str(), "000000000001");
    assert_eq!(data.policy.as_ref().unwrap().len(), 2);
    let grants = data.kms_grants.as_ref().unwrap();
    assert_eq!(grants[0].encryption_context_subset, Some(vec![("a".into(), "b".into())]));
    assert_eq!(grants[1].encryption_context_equals, Some(vec![("c".into(), "d".into())]));
    assert_eq!(grants[1].grantee, "h");
    assert_eq!(request.context[0].1, ContextInput::Scalar(ContextScalar::Number("1.50e2".into())));
    let ContextInput::List(values) = &request.context[2].1 else { panic!("{request:?}") };
    assert_eq!(values[2], ContextScalar::Bool(false));
    assert_eq!(request.context[3].1, ContextInput::List(Vec::new()));
    assert_eq!(request.complete, ["aws:RequestTag/", "*"]);
    assert_eq!(request.time, Some(-1));
    assert_eq!(record.observed.unwrap().decision, Some(ObservedDecision::Denied));
}

#[test]
fn strings_are_borrowed() {
    let record = RequestRecord::parse(FULL).unwrap();
    assert!(matches!(record.request.context[0].0, Cow::Borrowed(_)));
    let line = with(r#","region":"a\u0062""#);
    let record = RequestRecord::parse(&line).unwrap();
    assert_eq!(record.request.region, Some(Cow::Owned("ab".to_owned())));
}

/// F-10, F-16 in form.
#[test]
fn what_does_not_fit_together_is_refused() {
    check(r#"{"action":"s3:GetObject"}"#, "invalid_field: `principal` is missing");
    check(
        r#"{"principal":"p"}"#,
        "invalid_field: neither `action` nor `checks` is given; a request has one of them",
    );
    check(
        &with(r#","checks":[{"action":"a:b"}]"#),
        "invalid_field: `action` and `checks` are both given; a request has one of them",
    );
    check(&with(r#","checks":[]"#), "invalid_field: the list is empty at `/checks`");
    check(
        r#"{"principal":{"arn":"a"},"action":"s3:GetObject"}"#,
        "invalid_field: `type` is missing at `/principal`",
    );
    check(
        r#"{"principal":{"type":"roleSesion"},"action":"s3:GetObject"}"#,
        "invalid_field: `roleSesion` is none of `user`, `roleSession`, `federatedUser`, \
         `federatedRoot`, `root`, `assumedRoot`, `service`, `federated`, `oai`, `anonymous`; did \
         you mean `roleSession`? at `/principal/type`",
    );
    check(
        &with(r#","time":"yesterday""#),
        "invalid_field: `yesterday` is not a time: expected RFC 3339 with an offset, for example \
         `2024-05-01T12:00:00Z`, or whole seconds since 1970 at `/time`",
    );
    check(
        &with(r#","time":1.5"#),
        "invalid_field: `1.5` is not whole seconds since 1970 at `/time`",
    );
    check(&with(r#","id":1.5"#), "invalid_field: `1.5` is not a whole number at `/id`");
    check(
        &with(r#","absent":["x"]"#),
        "invalid_field: `x` is not the name of a context key at `/absent`",
    );
    check(&with(r#","absent":["a:b","a:b"]"#), "invalid_field: `a:b` is listed twice at `/absent`");
    check(
        &with(r#","complete":["aws"]"#),
        "invalid_field: `aws` is not `*` or a prefix ending in `:` or `/` at `/complete`",
    );
}

/// F-12.
#[test]
fn context_values_are_scalars_or_lists_of_them() {
    for (value, pointer) in [("null", ""), ("{}", ""), ("[[1]]", "/0"), ("[null]", "/0")] {
        let line = with(&format!(r#","context":{{"a:b/c":{value}}}"#));
        let error = RequestRecord::parse(&line).unwrap_err();
        assert_eq!(error.kind(), RequestErrorKind::InvalidField);
        assert_eq!(error.pointer(), Some(&*format!("/context/a:b~1c{pointer}")));
    }
}

/// F-4.
#[test]
fn unknown_fields_are_refused_with_the_nearest_right_one() {
    check(
        &with(r#","resourse":"*""#),
        "unknown_field: unknown field `resourse`; did you mean `resource`? at `/resourse`",
    );
    check(
        &with(r#","network":{"sourceip":"1.2.3.4"}"#),
        "unknown_field: unknown field `sourceip`; did you mean `sourceIp`? at `/network/sourceip`",
    );
    check(&with(r#","network":{"x-y":1}"#), "ok");
    check(
        r#"{"principal":{"type":"user","session":{"delivery":{"kind":"ssm","vpc":"v"}}},"action":"s3:a"}"#,
        "unknown_field: unknown field `vpc` at `/principal/session/delivery`",
    );
}

/// F-1.
#[test]
fn broken_lines_are_syntax_errors_with_a_column() {
    check("", "json_syntax: expected a value, found the end at column 1");
    check("[]", "invalid_field: expected an object, found a list");
    check(
        "\u{feff}{}",
        "json_syntax: expected a value, found a byte-order mark; the text is UTF-8 without one at \
         column 1",
    );
    check(&with(","), "json_syntax: expected a member name in quotes, found `}` at column 50");
    check(&format!("{} x", with("")), "json_syntax: expected the end, found `x` at column 51");
    check(
        &with(r#","region":"a","region":"b""#),
        "invalid_field: `region` is given twice at `/region`",
    );
    let error = RequestRecord::parse_bytes(b"{\"id\":\"\xff\"}").unwrap_err();
    assert_eq!(error.message(), "the line is not UTF-8: a wrong byte at position 8");
}

/// What is wrong in front of the break is not what is wrong with the line.
#[test]
fn a_line_that_is_no_json_is_that_first_of_all() {
    check("not json", "json_syntax: expected a value, found `n` at column 1");
    check("\"text", "json_syntax: a string without its closing quote at column 1");
    check("7up", "json_syntax: expected the end, found `u` at column 2");
    check(
        r#"{"principal":5,"action":"#,
        "json_syntax: expected a value, found the end at column 25",
    );
    check(r#"{"principl":"a"} }"#, "json_syntax: expected the end, found `}` at column 18");
    check(r#"{"id":1,"id":2"#, "json_syntax: expected `,` or `}`, found the end at column 15");
}

/// F-6.
#[test]
fn limits_are_errors_that_say_which() {
    let numbers = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let keys = |n: usize| (0..n).map(|n| format!("\"k:{n}\":1")).collect::<Vec<_>>().join(",");
    let limit = |members: String| {
        let line = with(&members);
        let error = RequestRecord::parse(&line).err();
        error.map(|error| (error.kind(), error.message().to_owned()))
    };
    let over = |text: &str| Some((RequestErrorKind::Limit, text.to_owned()));
    assert_eq!(limit(format!(r#","context":{{{}}}"#, keys(1_000))), None);
    assert_eq!(
        limit(format!(r#","context":{{{}}}"#, keys(1_001))),
        over("a context has more than 1000 keys")
    );
    assert_eq!(
        limit(format!(r#","context":{{"a:b":[{}]}}"#, numbers(1_001))),
        over("a key has more than 1000 values")
    );
    assert_eq!(
        limit(format!(r#","resource":"{}""#, "x".repeat(MAX_RESOURCE_BYTES + 1))),
        over("a resource ARN is longer than 65536 bytes")
    );
    let deep = "[".repeat(70) + &"]".repeat(70);
    assert_eq!(limit(format!(r#","x-a":{deep}"#)), over("nested deeper than 64 levels"));
    assert_eq!(
        limit(format!(r#","region":"{}""#, "x".repeat(MAX_LINE_BYTES))),
        over("a request line is longer than 1048576 bytes")
    );
}

/// F-33.
#[test]
fn the_id_of_a_malformed_line_is_found_when_it_can_be() {
    let id = |line: &str| id_of_line(line.as_bytes()).map(|id| id.to_string());
    assert_eq!(id(r#"{"action":5,"id":7}"#).as_deref(), Some("7"));
    assert_eq!(id(r#"{"id":"a","action":"#).as_deref(), Some("a"));
    assert_eq!(id(r#"{"id":[],"action":1}"#), None);
    assert_eq!(id("garbage"), None);
    assert_eq!(id_of_line(b"\xff"), None);
}

#[test]
fn memory_is_used_again_and_nothing_else() {
    let mut record = RequestRecord::parse(FULL).unwrap();
    let capacity = record.request.context.capacity();
    let line = with("");
    record.parse_into(&line).unwrap();
    assert_eq!(record.request.context.capacity(), capacity);
    assert_eq!(record, RequestRecord::parse(&line).unwrap());
}

/// Whatever a line is, reading it ends with a record or an error.
#[test]
fn no_line_is_too_broken() {
    for cut in 0..FULL.len() {
        assert!(RequestRecord::parse(&FULL[..cut]).is_err(), "{cut}");
        for byte in *b"{}[],:\"\\ 0x\x00" {
            let mut line = FULL.as_bytes().to_vec();
            line[cut] = byte;
            let text = std::str::from_utf8(&line).unwrap();
            if let Ok(record) = RequestRecord::parse(text) {
                assert!(record.request.context.len() <= 4);
            }
            let _ = id_of_line(&line);
        }
    }
}
