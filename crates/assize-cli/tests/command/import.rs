//! Exports that become worlds, and what is said of those that are not whole (C-11).

use std::path::Path;

use super::{Files, SRE, check, repository};

/// C-11.
#[test]
fn exports_become_a_world() {
    let files = Files::new();
    let world = files.path("world");
    let export = "examples/world/accounts.json";
    check(&["import", export, "-o", &world], 0, &["account 200611803367"], &[]);
    let stored = std::fs::read(Path::new(&world).join("accounts.json")).expect("the file as read");
    assert_eq!(stored, std::fs::read(repository().join(export)).expect("the export"));
    check(
        &["import", "account-authorization-details", export, "-o", &world],
        0,
        &["nothing has changed"],
        &[],
    );
    assert_eq!(std::fs::read_dir(&world).expect("a folder").count(), 2);
    check(&["world", "info", &world], 0, &["41 users"], &[]);
    let simulate = ["simulate", "--world", &world, "-p", SRE, "-a", "iam:CreateUser", "-q"];
    check(&simulate, 0, &["privesc-sre-admin-policy"], &[]);
    let mut cut = stored;
    cut.truncate(200_000);
    let cut = files.write("cut.json", cut);
    check(&["import", &cut, "-o", &files.path("other")], 2, &[], &["breaks off", "cut.json"]);
    let other = files.path("other");
    let simulate = ["simulate", "--world", &other, "-p", SRE, "-a", "iam:ListUsers", "-q"];
    check(&simulate, 2, &[], &["breaks off", "not all of"]);
    let batch = ["batch", "--world", &other, "examples/requests.ndjson.gz", "--allow-errors"];
    check(&[&batch[..], &["-o", "/dev/null"]].concat(), 2, &[], &["breaks off", "not all of"]);
    let test = files.write(
        "other.assize.yaml",
        "assize: 1\nimports: [{type: account-authorization-details, file: cut.json}]\ntests:\n  \
         - {principal: anonymous, action: iam:ListUsers, expect: Denied}\n",
    );
    check(&["test", &test], 2, &["1 passed"], &["breaks off"]);
    check(&["test", &test, "--format", "junit"], 2, &["errors=\"1\"", "breaks off"], &[]);
    check(&["test", &test, "--format", "tap"], 2, &["1..2", "not ok 2"], &[]);
    check(&["test", &test, "--format", "json"], 2, &["\"errors\"", "breaks off"], &[]);
    check(&["import", &files.write("x.json", "{}"), "-o", &world], 2, &[], &["nothing in"]);
    let broken = files.write("x.json", "{\n  \"UserDetailList\": [}");
    check(&["import", &broken, "-o", &world], 2, &[], &["x.json:2:"]);
    check(&["import", "polices", "-o", &world], 2, &[], &["did you mean `policies`?"]);
}

/// I-17, I-45, F-80: an export from which a deny may be missing gives no answer.
#[test]
fn an_export_that_loses_a_deny_is_no_answer() {
    let files = Files::new();
    let arn = "arn:aws:organizations::100000000001";
    let organization = r#""Organization":{"Id":"o-exampleorg1","MasterAccountId":"100000000001"}"#;
    let deny = r#"{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}"#;
    let parts = [
        ("1.json", format!("{{{organization}}}")),
        (
            "2.json",
            format!(r#"{{"Roots":[{{"Id":"r-exam","Arn":"{arn}:root/o-exampleorg1/r-exam"}}]}}"#),
        ),
        (
            "3.json",
            format!(r#"{{"Policy":{{"PolicySummary":{{"Id":"p-deny0001"}},"Content":"{deny}"}}}}"#),
        ),
        (
            "4.json",
            r#"{"PolicyId":"p-deny0001","Targets":[{"TargetId":"111111111111"}]}"#.to_owned(),
        ),
    ];
    for (name, text) in parts {
        files.write(name, text);
    }
    let world = files.path("world");
    let exports = |last: &str| {
        let mut line = vec!["import".to_owned()];
        line.extend(["1", "2", "3", "4"].map(|name| files.path(&format!("{name}.json"))));
        line.extend([last.to_owned(), "-o".to_owned(), world.clone()]);
        line
    };
    let run = |line: &[String], code: i32, stderr: &[&str]| {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        check(&line, code, &[], stderr);
    };
    let none = files.write("5.json", r#"{"ParentId":"r-exam","Accounts":[]}"#);
    let lost = ["error[missing_node]", "`111111111111` stands nowhere in the tree", "4.json:1:"];
    run(&exports(&none), 2, &lost);
    let simulate =
        ["simulate", "--world", &world, "-p", "arn:aws:iam::111111111111:user/u", "-a", "s3:*"];
    check(&simulate, 2, &[], &["missing_node", "not all of"]);
    let held = files.write("5.json", r#"{"ParentId":"r-exam","Accounts":[{"Id":"111111111111"}]}"#);
    run(&exports(&held), 0, &[]);
    let cut = r#"{"NextToken":"x","ParentId":"r-exam","Accounts":[{"Id":"111111111111"}]}"#;
    run(&exports(&files.write("5.json", cut)), 2, &["error[truncated_export]", "5"]);
}

/// I-40, F-41: what denies everything is told with its place, and is a world all the same.
#[test]
fn a_policy_that_does_not_load_is_told_about() {
    let files = Files::new();
    let export = files.write(
        "poison.json",
        "{\"UserDetailList\": [{\"UserName\": \"u\", \"Path\": \"/\", \"UserId\": \
         \"AIDA1234567890EXAMPLE\",\n  \"Arn\": \"arn:aws:iam::111111111111:user/u\", \
         \"UserPolicyList\": [\n  {\"PolicyName\": \"p\", \"PolicyDocument\": {\"Statement\": \
         {\"Efect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}}}]}]}",
    );
    let told =
        ["warning[invalid_policy]", "`inline:user/u/p` does not load", "did you mean `Effect`?"];
    let world = files.path("world");
    check(&["import", &export, "-o", &world], 0, &[], &told);
    check(&["world", "info", &world], 0, &[], &[&told[..], &["poison.json:3:"]].concat());
    let exports = files.path("exports");
    std::fs::create_dir(&exports).expect("a directory");
    files.write("exports/poison.json", std::fs::read(&export).expect("the export"));
    check(&["world", "info", &exports], 0, &[], &told);

    files.write("p.json", "{\n  \"Statement\": [}\n}");
    let test = files.write(
        "f.assize.yaml",
        "assize: 1\naccounts:\n  '111111111111':\n    users:\n      u: {inline: {p: {file: \
         p.json}}}\n      v: {attached: ['arn:aws:iam::aws:policy/ReadOnlyAcces']}\ntests:\n  - \
         {principal: 'arn:aws:iam::111111111111:user/u', action: 'iam:ListUsers', expect: Allowed}\n",
    );
    let told = [
        "p.json:2:17",
        "`inline:user/u/p` does not load",
        "f.assize.yaml:6:22",
        "unresolved_policy",
        "did you mean `arn:aws:iam::aws:policy/ReadOnlyAccess`?",
    ];
    check(&["test", &test], 1, &["1 failed"], &told);
}

/// C-11, C-21, F-80: a file of a directory that cannot be read is not passed over in silence.
#[test]
fn no_file_of_a_directory_is_lost() {
    let files = Files::new();
    let (exports, world) = (files.path("exports"), files.path("world"));
    std::fs::create_dir(&exports).expect("a directory");
    let account = std::fs::read(repository().join("examples/world/accounts.json"));
    files.write("exports/a.json", account.expect("the export"));
    let arn = "arn:aws:s3:::reports";
    let deny = format!(
        r#"{{"arn":"{arn}","account":"200611803367","policy":{{"Statement":{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"{arn}/*"}}}}}}"#
    );
    let utf_16: Vec<u8> = deny.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let broken = [
        deny.as_bytes()[..deny.len() - 2].to_vec(),
        Vec::new(),
        [&b"\xff\xfe"[..], &utf_16].concat(),
        deny.replace("Deny", "Den\u{fffd}")
            .into_bytes()
            .into_iter()
            .filter(|b| *b != 0xbd)
            .collect(),
        format!("Note: a new version is available\n{deny}").into_bytes(),
    ];
    let object = format!("{arn}/k");
    let simulate =
        ["simulate", "--world", &exports, "-p", SRE, "-a", "s3:GetObject", "-r", &object];
    for bytes in broken {
        files.write("exports/b.json", bytes);
        check(&["import", &exports, "-o", &world], 2, &[], &["b.json"]);
        check(&simulate, 2, &[], &["error[invalid_json]", "b.json", "not all of"]);
    }
    assert!(!Path::new(&world).exists());

    files.write("exports/b.json", &deny);
    check(&simulate, 1, &["ExplicitDeny"], &[]);
    std::fs::rename(files.path("exports/b.json"), files.path("exports/b.txt")).expect("renamed");
    files.write("exports/c.json.gz", b"\x1f\x8b\x08\0");
    files.write("exports/package.json", "{\"name\": \"x\"}\n{}\n");
    files.write("exports/README.txt", "{ not an export");
    let told = ["b.txt", "is an export and was passed over", "c.json.gz", "is compressed"];
    check(&["world", "info", &exports], 0, &[], &told);
    check(&simulate, 0, &[], &["unknown_kind 2"]);
    let named = ["1 file passed over that are no export: `", "package.json`"];
    check(&["import", &exports, "-o", &world], 0, &[], &[&told[..], &named].concat());
}

/// C-11: the deny of a policy is not lost in a shape that nobody reads.
#[test]
fn no_policy_of_a_resource_is_lost() {
    let files = Files::new();
    let catalog = "arn:aws:glue:us-east-1:111122223333:catalog";
    let root = ["-p", "arn:aws:iam::111122223333:root", "-a", "glue:GetTable", "-r", catalog];
    let document =
        r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"glue:*","Resource":"*"}}"#;
    let escaped = document.replace('"', "\\\"");
    let outputs = [
        document.to_owned(),
        format!(r#"{{"PolicyInJson":"{escaped}","PolicyHash":"x"}}"#),
        format!(r#"{{"policy":{{"document":"{escaped}"}}}}"#),
    ];
    for (at, output) in outputs.iter().enumerate() {
        let world = files.path(&format!("world{at}"));
        let file = files.write("policy.json", output);
        let line = ["import", "resource-policy", &file, "--arn", catalog, "-o", &world];
        check(&line, 0, &["1 resource, 1 with a policy"], &[]);
        let simulate = [&["simulate", "--world", &world][..], &root].concat();
        check(&simulate, 1, &["ExplicitDeny"], &[]);
    }
    let lost = files.path("lost");
    for output in ["{}".to_owned(), format!(r#"{{"PolicyInJsn":"{escaped}"}}"#)] {
        let file = files.write("policy.json", &output);
        let line = ["import", "resource-policy", &file, "--arn", catalog, "-o", &lost];
        check(&line, 2, &[], &["error[invalid_record]", "`PolicyInJson`", ".json:1:1"]);
    } // The right output takes the place of the wrong one.
    let file = files.write("policy.json", document);
    let line = ["import", "resource-policy", &file, "--arn", catalog, "-o", &lost];
    check(&line, 0, &["1 resource, 1 with a policy"], &[]);
}
