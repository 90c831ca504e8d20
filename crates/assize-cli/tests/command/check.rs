//! Policies that are checked, and what they are taken for (C-6, C-21).

use super::{Files, S3_READ, WORLD, allow, check};

#[test]
fn check_finds_what_is_wrong() {
    let files = Files::new();
    let typo = files.write("typo.json", allow("*").replace("Effect", "Efect"));
    let blank = files.write("blank.json", allow("s3:*").replace("\"A\"", "\"\""));
    check(&["check", S3_READ], 0, &["valid managed identity policy, no findings"], &[]);
    check(
        &["check", &typo],
        1,
        &["error[INVALID_POLICY_ELEMENT]", "invalid managed identity"],
        &[],
    );
    check(&["check", &blank], 0, &["suggestion[EMPTY_SID_VALUE]"], &[]);
    check(&["check", &blank, "--deny", "suggestion"], 1, &[], &[]);
    // What rejects need not be an error (F-82).
    let dated = allow("s3:*").replace(
        "\"Effect\"",
        "\"Condition\": {\"DateLessThan\": {\"aws:CurrentTime\": \"2024-02-30\"}}, \"Effect\"",
    );
    let dated = files.write("dated.json", dated);
    check(&["check", &dated], 1, &["warning[", "invalid managed identity"], &[]);
    let faulty = "{\"assize\": 1, \"accounts\": {\"111111111111\": {\"users\": {\"u\": {\"inline\": \
                  {\"p\": POLICY}}}}}}";
    let faulty = faulty.replace("POLICY", &allow("s3:*").replace("\"*\"", "\"arn:aws:s3:::${x\""));
    let faulty = files.write("faulty.assize.json", faulty);
    check(&["check", &faulty], 1, &["error[", "1 policy, all load, "], &[]);
    let out = check(&["check", &typo, "--format", "json"], 1, &[], &[]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["files"][0]["policies"][0]["findings"][0]["span"]["line"], 1);
    assert_eq!(report["summary"]["policies"], 1);
    check(
        &["check", &files.write("other.json", "{}")],
        2,
        &[],
        &["neither a policy nor a scenario"],
    );
    check(&["check", S3_READ, "--type", "SCP"], 0, &["service control policy"], &[]);
    check(&["check", WORLD, "-q"], 0, &["suggestions"], &[]);
}

/// L-122: policies as AWS prints them for topics and for who publishes to them, most without a
/// version.
#[test]
fn what_a_policy_is_taken_for_hangs_on_principals_and_version() {
    let files = Files::new();
    let ask = |version: &str, principal: &str, line: &[&str], code, said: &str| {
        let policy = files.write(
            "policy.json",
            format!(
                r#"{{{version}"Statement":[{{"Effect":"Allow",{principal}"Action":["sns:Publish"],
                "Resource":"arn:aws:sns:us-east-2:444455556666:MyTopic"}}]}}"#
            ),
        );
        let out = check(&[&["check", &policy][..], line].concat(), code, &[said], &[]);
        let is_assumed = "taken for an inline policy, since a managed one must have `Version`";
        assert_eq!(out.contains(is_assumed), said.contains("inline") && line.is_empty(), "{out}");
    };
    for version in ["", r#""Version":"2008-10-17","#] {
        ask(version, "", &[], 0, "valid inline identity policy");
        ask(version, "", &["--type", "II"], 0, "valid inline identity policy");
        ask(version, "", &["--type", "IM"], 1, "invalid managed identity policy");
        let account = r#""Principal":{"AWS":"111122223333"},"#;
        ask(version, account, &[], 0, "valid resource-based policy of sns");
    }
    ask(r#""Version":"2012-10-17","#, "", &[], 0, "valid managed identity policy");
}
