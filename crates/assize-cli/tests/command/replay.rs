//! Logs against worlds and changes: what is told, and the exit code (C-4).

use super::{DENY_REGIONS, Files, answer, check};

/// C-4, C-28, C-29, F-82: a log and one SCP are enough to start.
#[test]
fn a_log_is_replayed_against_a_change() {
    let log = "examples/cloudtrail";
    let change = format!("scp={DENY_REGIONS}");
    let shown = [
        "assumed: every account stands under one root with full access",
        "Newly denied: 272 events",
        "`DenyUnapprovedRegionsExceptGlobalAndBedrockCRIS` at examples/policies/deny-regions.json:4:5",
        "2,442 records: 2,358 decided, 84 skipped",
    ];
    check(&["replay", log, "--change", &change], 1, &shown, &[]);
    let filtered = ["replay", log, "--change", &change, "--service", "iam", "--format", "ndjson"];
    let out = check(&filtered, 0, &["\"stream\":\"differences\"", "{\"summary\":"], &["Unchanged"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    let csv = ["replay", log, "--change", &change, "--format", "csv", "-q"];
    let out = check(&csv, 1, &["effect,account,principal,action,resource"], &[]);
    assert!(out.lines().nth(1).is_some_and(|line| line.starts_with("newly_denied,")), "{out}");
}

/// F-72: what is doubtful about the policy of a change is told where it stands, and judges nothing.
#[test]
fn warnings_of_a_change_are_told() {
    let files = Files::new();
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
        "Action": ["s3:DeleteBucket", "glacier:DeleteVault"], "Resource": "arn:aws:s3:::nobody"}]}"#;
    let rcp = files.write("rcp.json", policy);
    let change = format!("rcp={rcp}");
    let replay = ["replay", "examples/cloudtrail", "--change", &change];
    let told = ["X_RCP_SERVICE", "rcp.json:2:39", "`glacier:DeleteVault`"];
    check(&replay, 0, &["2,442 records"], &told);
    let quiet = [&replay[..], &["-q"]].concat();
    assert!(!answer(&quiet).2.contains("X_RCP_SERVICE"));
    let set = files.write(
        "changes.yaml",
        "assize: 1\nchanges:\n  - op: attach\n    kind: rcp\n    target: r-none\n    policy: \
         {Version: \"2012-10-17\", Statement: [{Effect: Deny, Principal: \"*\", Action: \
         \"glacier:DeleteVault\", Resource: \"*\"}]}\n",
    );
    let replay = ["replay", "examples/cloudtrail", "--change", &set];
    check(&replay, 2, &[], &["X_RCP_SERVICE", "changes.yaml:6:", "r-none"]);
}

/// L-225: an action that nobody knows matches nothing, so that nothing would break: it is told.
#[test]
fn mistyped_actions_of_a_change_are_told() {
    let files = Files::new();
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
        "Action": ["s3:GetObjct", "s3:GetObject", "ec2:Describ*s"], "Resource": "arn:aws:s3:::x"}]}"#;
    let scp = files.write("scp.json", policy);
    let change = format!("scp={scp}");
    let replay = ["replay", "examples/cloudtrail", "--change", &change];
    let told = ["scp.json`: `s3:getobjct` matches no action known on 20"];
    check(&replay, 0, &["2,442 records"], &told);
    let said = answer(&replay).2;
    assert!(!said.contains("s3:getobject`") && !said.contains("ec2:"), "{said}");
    let quiet = [&replay[..], &["-q"]].concat();
    assert!(!answer(&quiet).2.contains("matches no action"));
}

/// F-59: what was used, from the same pass.
#[test]
fn a_log_tells_what_was_used() {
    let log = "examples/cloudtrail";
    let shown =
        ["What was used: 2,417 calls", "note: iam:PassRole", "kms:Decrypt", "2,442 records"];
    check(&["replay", log, "--used"], 0, &shown, &[]);
    let by_service = ["by service", "kms.amazonaws.com"];
    check(&["replay", log, "--used", "-v"], 0, &by_service, &[]);
    let csv = ["replay", log, "--used", "--format", "csv", "-q"];
    let out = check(&csv, 0, &["status,account,principal,action,count,first,last"], &[]);
    assert!(out.lines().nth(1).is_some_and(|line| line.starts_with("used,")), "{out}");
    let change = format!("scp={DENY_REGIONS}");
    let both = ["replay", log, "--used", "--change", &change];
    check(&both, 1, &["Newly denied: 272 events", "What was used: 2,417 calls"], &[]);
    let table = ["replay", log, "--used", "--change", &change, "--format", "csv"];
    check(&table, 2, &[], &["a CSV file holds one table"]);
}

/// F-82, C-24: what cannot be read or followed is no answer.
#[test]
fn a_replay_without_an_answer_says_why() {
    let files = Files::new();
    let broken = files.write("broken.json", "{\"Records\":[{\"eventName\":\"A\"},");
    check(&["replay", &broken], 2, &["1 record"], &["broken.json`, byte", "ends in the middle"]);
    let missing = files.path("missing.json");
    check(
        &["replay", &missing],
        2,
        &[],
        &["missing.json`, byte 0: the file cannot be read: No such"],
    );
    let log = "examples/cloudtrail";
    check(&["replay", log, "--change", "spc=x.json"], 2, &[], &["x.json"]);
    let policy = files.write("p.json", "{\"Statement\":[{\"Effect\":\"Perhaps\"}]}");
    check(
        &["replay", log, "--change", &format!("scp={policy}")],
        2,
        &[],
        &["does not load", "p.json"],
    );
    check(&["replay", "-", "-"], 2, &[], &["standard input is named twice"]);
    let strict = ["replay", log, "--strict-world", "--change", &format!("scp={DENY_REGIONS}")];
    check(&strict, 2, &[], &["has no organization"]);
}

/// C-21: logs are told by how they begin, in a directory as on the command line. What is none is
/// named.
#[test]
fn logs_of_any_name_are_found_in_a_directory() {
    let files = Files::new();
    let event = |id: u32| {
        format!(
            r#"{{"eventID":"{id}","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana"}}}}"#
        )
    };
    for (id, name) in [(1, "delivery"), (2, "a.log"), (3, "b.JSON"), (4, "c.txt")] {
        files.write(name, format!("{}\n", event(id)));
    }
    files.write("notes.txt", "these are notes\n");
    files.write("photo", [0xff, 0xd8, 0xff, 0xe0]);
    let folder = files.path(".");
    let note = "2 files passed over that begin as no log does";
    check(&["replay", &folder], 0, &["4 records: 4 decided"], &[note]);
    let named = ["notes.txt` is no log", "photo` is no log"];
    check(&["replay", &folder, "-v"], 0, &["4 records"], &named);
}

/// A log of one call, with what its record has beside the caller.
fn log_of(files: &Files, more: &str) -> String {
    files.write(
        "log.json",
        format!(
            r#"{{"eventID":"1","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/ana"}}{more}}}"#
        ),
    )
}

/// F-82: 3 when all that may be denied depends on what the log does not tell.
#[test]
fn what_only_depends_has_an_exit_code_of_its_own() {
    let files = Files::new();
    let scp = |name: &str, condition: &str| {
        let statement = format!(
            r#"{{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{condition}}}"#
        );
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        format!("scp={}", files.write(name, text))
    };
    let by_tag = scp("tag.json", r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#);
    let by_address = scp("address.json", r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#);
    let log = log_of(&files, r#","sourceIPAddress":"203.0.113.9""#);
    let told = ["May be denied", "depends on aws:PrincipalTag/team"];
    check(&["replay", &log, "--change", &by_tag], 3, &told, &[]);
    // What is denied for certain outweighs it.
    let both = ["replay", &log, "--change", &by_tag, "--change", &by_address];
    check(&both, 1, &["Newly denied: 1 event"], &[]);
    let elsewhere = log_of(&files, r#","sourceIPAddress":"198.51.100.7""#);
    check(&["replay", &elsewhere, "--change", &by_address], 0, &[], &[]);
    check(&["replay", &elsewhere, "--change", &by_tag, "--format", "ndjson"], 3, &[], &[]);
    // Without a change, when the world itself depends on it.
    let world = files.write(
        "w.assize.json",
        r#"{"assize":1,"accounts":{"111122223333":{"users":{"ana":{"inline":{"p":
            {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*",
            "Condition":{"StringEquals":{"aws:Referer":"x"}}}]}}}}}}}"#,
    );
    check(&["replay", &elsewhere, "--world", &world], 3, &["1 decided"], &[]);
}

/// F-72: a change that changes nothing does not fit, and says where it stands and what is near.
#[test]
fn a_change_that_does_not_fit_is_no_answer() {
    let files = Files::new();
    let log = log_of(&files, "");
    let world = files.write(
        "w.assize.json",
        r#"{"assize":1,"accounts":{"111122223333":{"users":{"ana":{}}}},
            "organization":{"id":"o-exampleorg0","managementAccount":"999999999999",
                "root":{"id":"r-exam","accounts":["111122223333"]}}}"#,
    );
    for (change, told) in [
        (
            "op: detach, kind: rcp, target: r-exam, name: RCPFullAWSAccess",
            "`RCPFullAWSAccess` is attached to every node and stays so",
        ),
        (
            "op: remove, kind: boundary, target: 'arn:aws:iam::111122223333:user/ana'",
            "`arn:aws:iam::111122223333:user/ana` has no permissions boundary",
        ),
        (
            "op: remove, kind: entity, target: 'arn:aws:iam::111122223333:user/anna'",
            "did you mean `arn:aws:iam::111122223333:user/ana`?",
        ),
        (
            "op: detach, kind: scp, target: r-exam, name: FullAWSAcces",
            "did you mean `FullAWSAccess`?",
        ),
    ] {
        let set = files.write("set.yaml", format!("assize: 1\nchanges:\n  - {{{change}}}\n"));
        let replay = ["replay", &log, "--world", &world, "--change", &set];
        check(&replay, 2, &[], &[told, "set.yaml:3:5"]);
    }
}
