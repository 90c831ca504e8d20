//! Invariant 7: every input has a limit, and every hit limit is an error that says which.

use assize::formats::{
    MAX_ALIAS_EXPANSIONS, MAX_CHECKS, MAX_CONTEXT_KEYS, MAX_CONTEXT_VALUES, MAX_FILE_BYTES,
    MAX_LINE_BYTES, MAX_RESOURCE_BYTES, RequestRecord,
};
use assize_model::{Decision, PolicyType, RequestErrorKind, Target};
use assize_policy::{
    LoadMode, LoadOptions, MAX_NESTING, MAX_PATTERN_CHARS, MAX_STATEMENTS, MAX_VALUES, load, parse,
};
use assize_tests::answer::engine;
use assize_tests::corpus::read_scenario;
use serde_json::json;

/// A request is refused for its size.
fn is_over(request: &str) {
    let error = RequestRecord::parse(request).expect_err("over the limit");
    assert_eq!(error.kind(), RequestErrorKind::Limit, "{error}");
    assert!(!error.message().is_empty());
}

fn request(name: &str, value: &serde_json::Value) -> String {
    let mut request = json!({
        "principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k",
    });
    request[name] = value.clone();
    request.to_string()
}

/// A document is rejected, with a finding.
fn is_rejected(text: &str) {
    for mode in [LoadMode::Author, LoadMode::Import] {
        let loaded = load(text, &LoadOptions::new(PolicyType::ManagedIdentity, mode));
        assert!(loaded.policy.is_none(), "{mode:?}");
        assert!(loaded.findings.iter().any(|finding| finding.rejects), "{mode:?}");
    }
}

fn document(statement: &serde_json::Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

#[test]
fn limits_are_errors() {
    // Requests (F-6).
    let keys: serde_json::Map<_, _> =
        (0..=MAX_CONTEXT_KEYS).map(|n| (format!("x:k{n}"), json!("v"))).collect();
    is_over(&request("context", &json!(keys)));
    is_over(&request("context", &json!({"x:k": vec!["v"; MAX_CONTEXT_VALUES + 1]})));
    let arn = format!("arn:aws:s3:::b/{}", "k".repeat(MAX_RESOURCE_BYTES));
    is_over(&request("resource", &json!(arn)));
    let checks = vec![json!({"action": "s3:GetObject"}); MAX_CHECKS + 1];
    is_over(&json!({"principal": "anonymous", "checks": checks}).to_string());
    is_over(&request("x-pad", &json!("x".repeat(MAX_LINE_BYTES))));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    is_over(&request("x-deep", &serde_json::from_str(&deep).expect("JSON")));

    // Documents (L-105, L-1002).
    let nested = "[".repeat(usize::from(MAX_NESTING) + 1);
    assert!(parse(&nested).document.is_none());
    is_rejected(&"[".repeat(1 << 20));
    let allow = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    is_rejected(&document(&json!(vec![allow; MAX_STATEMENTS + 1])));
    let actions = vec!["s3:GetObject"; MAX_VALUES + 1];
    is_rejected(&document(&json!({"Effect": "Allow", "Action": actions, "Resource": "*"})));
    let long = format!("arn:aws:s3:::b/{}", "k".repeat(MAX_PATTERN_CHARS));
    is_rejected(&document(&json!({"Effect": "Allow", "Action": "s3:*", "Resource": long})));

    // Files (F-1, F-6).
    let error = read_scenario("a.assize.json", &vec![b' '; MAX_FILE_BYTES + 1]).expect_err("long");
    assert!(error.to_string().contains("longer"), "{error}");
    let aliases =
        format!("x-a: &a 1\nx-b: [{}]\nassize: 1\n", "*a, ".repeat(MAX_ALIAS_EXPANSIONS + 1));
    assert!(read_scenario("a.assize.yaml", aliases.as_bytes()).is_err());
    let deep = format!("assize: 1\nx-deep: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert!(read_scenario("a.assize.yaml", deep.as_bytes()).is_err());
}

/// F-6: of the checks of a request those count that it states, whatever follows from them.
#[test]
fn stated_checks_are_counted() {
    let scenario = json!({"assize": 1, "accounts": {"111111111111": {"users": {"u": {}}}},
        "resources": [{"arn": "arn:aws:s3:eu-west-1:111111111111:accesspoint/p",
            "account": "111111111111", "attributes": {"bucket": "b"}}]});
    let text = scenario.to_string();
    let scenario = read_scenario("a.assize.json", text.as_bytes()).expect("a scenario");
    let engine = engine(&scenario.snapshot, &scenario.options);
    let decide = |n: usize| {
        let point = "arn:aws:s3:eu-west-1:111111111111:accesspoint/p/object/k";
        let resources: Vec<_> = (0..n).map(|n| json!({"arn": format!("{point}{n}")})).collect();
        let text = json!({"principal": "arn:aws:iam::111111111111:user/u",
            "action": "s3:GetObject", "resources": resources[..n.min(MAX_CHECKS)]})
        .to_string();
        let mut request = RequestRecord::parse(&text).expect("a request").request;
        if let Target::Action { resources, .. } = &mut request.target {
            let more = n - resources.len();
            let again = resources[0].clone();
            resources.extend(std::iter::repeat_n(again, more));
        }
        engine.decide(&request).map(|outcome| outcome.decision)
    };
    assert_eq!(decide(MAX_CHECKS), Ok(Decision::ImplicitDeny));
    let error = decide(MAX_CHECKS + 1).expect_err("over the limit");
    assert_eq!(error.kind(), RequestErrorKind::Limit, "{error}");
}
