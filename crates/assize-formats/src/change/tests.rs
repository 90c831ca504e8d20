//! Every row of the table of F-71, and what does not fit.

use assize_store::{ManagedPolicySource, StoreSnapshot};

use super::*;
use crate::schema::tests::violations;
use crate::{CHANGES_SCHEMA, NoFiles, Scenario};

const WORLD: &str = r#"{
  "assize": 1,
  "organization": {"id": "o-exampleorg0", "managementAccount": "999999999999",
    "root": {"id": "r-exam", "scps": ["FullAWSAccess", {"ref": "guard"}],
      "accounts": ["111111111111"], "ous": [{"id": "ou-exam-prod0001"}]}},
  "policies": {"guard": {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]}},
  "accounts": {"111111111111": {
    "users": {"ana": {"inline": {"office": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}},
      "attached": ["arn:aws:iam::111111111111:policy/own"], "groups": ["dev"]}},
    "groups": {"dev": {}},
    "roles": {"Reader": {"trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}]}}},
    "policies": {"own": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}}}},
  "resources": [{"arn": "arn:aws:s3:::b", "account": "111111111111"}],
  "endpoints": {"vpce-0123456789abcdef0": {"account": "111111111111"}}
}"#;

const DOC: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"New","Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}"#;
const RESOURCE_DOC: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"New","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"}]}"#;
const TRUST_DOC: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"New","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const RCP_DOC: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"New","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;

struct NoPolicies;

impl ManagedPolicySource for NoPolicies {
    fn document(&self, _: &str) -> Option<(Arc<str>, Box<str>)> {
        None
    }
}

fn world() -> StoreSnapshot {
    let options = ReadOptions {
        files: &mut NoFiles,
        managed_policies: &NoPolicies,
        takes_several_resources: &|_| false,
    };
    Scenario::read("w.json", WORLD.into(), options).unwrap().snapshot
}

fn read(changes: &str) -> Result<ChangeSet, Vec<Error>> {
    let text = format!(r#"{{"assize":1,"changes":[{changes}]}}"#);
    ChangeSet::read("c.json", text.into_bytes(), &mut NoFiles, &NoPolicies)
}

/// The references of the documents that hold the new statement after the changes, and whether the
/// schema knows the change set.
fn after(changes: &str) -> Vec<String> {
    let text = format!(r#"{{"assize":1,"changes":[{changes}]}}"#);
    assert_eq!(violations(CHANGES_SCHEMA, &text), [""; 0], "{changes}");
    let changed = read(changes).unwrap().apply(&world(), &NoPolicies).unwrap();
    let documents = changed.snapshot.documents();
    let mut found: Vec<String> = documents
        .filter(|(_, d)| d.text.as_deref().is_some_and(|text| text.contains("\"New\"")))
        .map(|(_, document)| document.reference.to_string())
        .collect();
    found.sort();
    found
}

fn fails(changes: &str, expected: &str) {
    let error = match read(changes) {
        Err(errors) => errors[0].to_string(),
        Ok(set) => set.apply(&world(), &NoPolicies).unwrap_err().to_string(),
    };
    assert!(error.contains(expected), "{changes}: {error}");
}

#[test]
fn organization_policies_are_attached_detached_and_replaced() {
    let scp =
        format!(r#"{{"op":"attach","kind":"scp","target":"ou-exam-prod0001","policy":{DOC}}}"#);
    assert_eq!(after(&scp), ["scp:p-change-1"]);
    let rcp =
        format!(r#"{{"op":"attach","kind":"rcp","target":"111111111111","policy":{RCP_DOC}}}"#);
    assert_eq!(after(&rcp), ["rcp:p-change-1"]);
    let set = read(&rcp).unwrap().apply(&world(), &NoPolicies).unwrap().snapshot;
    let organization = set.organizations().next().unwrap();
    assert!(organization.rcp_enabled);
    assert_eq!(organization.nodes["111111111111"].rcps.len(), 2);
    let replace = format!(
        r#"{{"op":"replace","kind":"scp","target":"r-exam","name":"guard","policy":{DOC}}}"#
    );
    assert_eq!(after(&replace), ["scp:p-change-1"]);
    let detach = r#"{"op":"detach","kind":"scp","target":"r-exam","name":"p-guard"}"#;
    let set = read(detach).unwrap().apply(&world(), &NoPolicies).unwrap().snapshot;
    let organization = set.organizations().next().unwrap();
    assert_eq!(organization.nodes["r-exam"].scps, ["p-FullAWSAccess".into()]);
}

#[test]
fn identity_policies_are_attached_detached_and_replaced() {
    let user = r#""kind":"identity","target":"arn:aws:iam::111111111111:user/ana""#;
    assert_eq!(
        after(&format!(r#"{{"op":"attach",{user},"policy":{DOC}}}"#)),
        ["inline:user/ana/change-1"]
    );
    assert_eq!(
        after(&format!(r#"{{"op":"attach",{user},"name":"n","policy":{DOC}}}"#)),
        ["inline:user/ana/n"]
    );
    assert_eq!(
        after(&format!(r#"{{"op":"replace",{user},"name":"office","policy":{DOC}}}"#)),
        ["inline:user/ana/office"]
    );
    assert_eq!(
        after(&format!(r#"{{"op":"replace",{user},"name":"own","policy":{DOC}}}"#)),
        ["inline:user/ana/change-1"]
    );
    let group = r#""kind":"identity","target":"arn:aws:iam::111111111111:group/dev""#;
    assert_eq!(
        after(&format!(r#"{{"op":"attach",{group},"policy":{DOC}}}"#)),
        ["inline:group/dev/change-1"]
    );
    let twice = format!(
        r#"{{"op":"detach",{user},"name":"office"}},{{"op":"detach",{user},"name":"office"}}"#
    );
    fails(&twice, "no policy `office` is attached");
    let arn = "arn:aws:iam::111111111111:policy/own";
    fails(&format!(r#"{{"op":"attach",{user},"policy":"{arn}"}}"#), "is attached to");
    let meant = format!("there is no managed policy `{arn}s`; did you mean `{arn}`?");
    fails(&format!(r#"{{"op":"attach",{user},"policy":"{arn}s"}}"#), &meant);
    let aws = "arn:aws:iam::aws:policy/Nothing";
    let boundary = r#""kind":"boundary","target":"arn:aws:iam::111111111111:user/ana""#;
    fails(&format!(r#"{{"op":"replace",{boundary},"policy":"{aws}"}}"#), aws);
    let set = read(&format!(r#"{{"op":"detach",{user},"name":"{arn}"}}"#)).unwrap();
    let snapshot = set.apply(&world(), &NoPolicies).unwrap().snapshot;
    let ana = snapshot.user_by_arn("arn:aws:iam::111111111111:user/ana").unwrap();
    assert!(ana.attached.is_empty());
}

#[test]
fn the_other_kinds_put_their_policy_in_place() {
    let own = "arn:aws:iam::111111111111:policy/own";
    let managed = format!(r#"{{"op":"replace","kind":"managed","target":"{own}","policy":{DOC}}}"#);
    assert_eq!(after(&managed), [own]);
    let reader = "arn:aws:iam::111111111111:role/Reader";
    let trust =
        format!(r#"{{"op":"replace","kind":"trust","target":"{reader}","policy":{TRUST_DOC}}}"#);
    assert_eq!(after(&trust), [format!("trust:{reader}")]);
    let boundary =
        format!(r#"{{"op":"replace","kind":"boundary","target":"{reader}","policy":{DOC}}}"#);
    assert_eq!(after(&boundary), ["arn:aws:iam::111111111111:policy/change-1"]);
    let bucket = format!(
        r#"{{"op":"replace","kind":"resource","target":"arn:aws:s3:::b","policy":{RESOURCE_DOC}}}"#
    );
    assert_eq!(after(&bucket), ["resource:arn:aws:s3:::b#0"]);
    let other = format!(
        r#"{{"op":"replace","kind":"resource","target":"arn:aws:s3:::c","account":"111111111111","policy":{RESOURCE_DOC}}}"#
    );
    assert_eq!(after(&other), ["resource:arn:aws:s3:::c#0"]);
    let endpoint = format!(
        r#"{{"op":"replace","kind":"endpoint","target":"vpce-0123456789abcdef0","policy":{RCP_DOC}}}"#
    );
    assert_eq!(after(&endpoint), ["vpce:vpce-0123456789abcdef0"]);
}

/// F-73.
#[test]
fn entities_are_taken_away_with_what_they_hold() {
    for (target, kind) in [("user/ana", 0), ("group/dev", 1), ("role/Reader", 2)] {
        let arn = format!("arn:aws:iam::111111111111:{target}");
        let set = read(&format!(r#"{{"op":"remove","kind":"entity","target":"{arn}"}}"#)).unwrap();
        let changed = set.apply(&world(), &NoPolicies).unwrap();
        let account = changed.snapshot.accounts().next().unwrap();
        let left = [account.users.len(), account.groups.len(), account.roles.len()];
        assert_eq!(left[kind], 0, "{target}");
        assert_eq!(changed.removed, [Box::from(arn)]);
    }
    // The world itself is as it was.
    assert_eq!(world().accounts().next().unwrap().users.len(), 1);
}

/// F-72.
#[test]
fn what_does_not_fit_is_an_error() {
    let scp = |target: &str, policy: &str| {
        format!(r#"{{"op":"attach","kind":"scp","target":"{target}","policy":{policy}}}"#)
    };
    fails(&scp("ou-none-00000000", DOC), "has a node `ou-none-00000000`");
    fails(&scp("r-exam", "\"guard\""), "is attached to `r-exam` already");
    fails(&scp("r-exam", "\"nothing\""), "has no policy `nothing`");
    fails(&scp("r-exam", r#"{"Statement":[{"Effect":"Perhaps"}]}"#), "does not load");
    fails(r#"{"op":"remove","kind":"scp","target":"r-exam"}"#, "has no op `remove`");
    fails(r#"{"op":"detach","kind":"scp","target":"r-exam"}"#, "`name` is missing");
    fails(r#"{"op":"attach","kind":"scp","target":"r-exam"}"#, "`policy` is missing");
    fails(
        r#"{"op":"remove","kind":"entity","target":"arn:aws:iam::111111111111:user/bob"}"#,
        "has no user, group or role",
    );
    fails(r#"{"op":"remove","kind":"endpoint","target":"vpce-1"}"#, "no VPC endpoint");
    fails(
        &format!(
            r#"{{"op":"replace","kind":"resource","target":"arn:aws:s3:::c","policy":{RESOURCE_DOC}}}"#
        ),
        "names no account",
    );
    fails(r#"{"op":"attach","kind":"scp","target":"r-exam","polcy":{}}"#, "did you mean `policy`?");
}

/// F-72: what would change nothing does not fit either.
#[test]
fn what_is_not_there_is_not_taken_away() {
    let full = |op: &str, rest: &str| {
        format!(r#"{{"op":"{op}","kind":"rcp","target":"r-exam","name":"RCPFullAWSAccess"{rest}}}"#)
    };
    fails(&full("detach", ""), "`RCPFullAWSAccess` is attached to every node and stays so");
    fails(&full("replace", &format!(r#","policy":{RCP_DOC}"#)), "and stays so");
    for (kind, target, expected) in [
        ("boundary", "arn:aws:iam::111111111111:user/ana", "has no permissions boundary"),
        ("boundary", "arn:aws:iam::111111111111:role/Reader", "has no permissions boundary"),
        ("boundary", "arn:aws:iam::111111111111:group/dev", "has no permissions boundary"),
        ("resource", "arn:aws:s3:::b", "`arn:aws:s3:::b` has no policy"),
        ("endpoint", "vpce-0123456789abcdef0", "`vpce-0123456789abcdef0` has no policy"),
    ] {
        let remove = format!(r#"{{"op":"remove","kind":"{kind}","target":"{target}"}}"#);
        fails(&remove, expected);
    }
}

/// F-71: what has an owner or a name of its own is not given another.
#[test]
fn owners_and_names_are_not_contradicted() {
    let replace = |arn: &str, account: &str| {
        format!(
            r#"{{"op":"replace","kind":"resource","target":"{arn}","account":"{account}","policy":{RESOURCE_DOC}}}"#
        )
    };
    fails(&replace("arn:aws:s3:::b", "222222222222"), "is of account 111111111111, not 2222");
    assert_eq!(after(&replace("arn:aws:s3:::b", "111111111111")), ["resource:arn:aws:s3:::b#0"]);
    let queue = "arn:aws:sqs:eu-west-1:111111111111:q";
    fails(&replace(queue, "222222222222"), "is of account 111111111111, not 2222");
    assert_eq!(after(&replace(queue, "111111111111")), [format!("resource:{queue}#0")]);
    fails(
        r#"{"op":"attach","kind":"identity","target":"arn:aws:iam::111111111111:group/dev","name":"n","policy":"arn:aws:iam::111111111111:policy/own"}"#,
        "a managed one is attached",
    );
}

/// F-72: a name that is not there is told with the one that is near to it, and its place.
#[test]
fn names_that_are_not_there_are_told_with_the_nearest() {
    let user = "arn:aws:iam::111111111111:user/ana";
    let remove = |kind: &str, target: &str| {
        format!(r#"{{"op":"remove","kind":"{kind}","target":"{target}"}}"#)
    };
    let detach = |kind: &str, target: &str, name: &str| {
        format!(r#"{{"op":"detach","kind":"{kind}","target":"{target}","name":"{name}"}}"#)
    };
    for (change, near) in [
        (detach("scp", "r-exam", "gard"), "guard"),
        (detach("scp", "r-exma", "guard"), "r-exam"),
        (detach("identity", user, "ofice"), "office"),
        (
            detach("identity", user, "arn:aws:iam::111111111111:policy/ow"),
            "arn:aws:iam::111111111111:policy/own",
        ),
        (remove("entity", "arn:aws:iam::111111111111:user/anna"), user),
        (remove("resource", "arn:aws:s3:::bb"), "arn:aws:s3:::b"),
        (remove("endpoint", "vpce-0123456789abcdef1"), "vpce-0123456789abcdef0"),
        (
            format!(
                r#"{{"op":"replace","kind":"managed","target":"arn:aws:iam::111111111111:policy/ow","policy":{DOC}}}"#
            ),
            "arn:aws:iam::111111111111:policy/own",
        ),
        (
            r#"{"op":"attach","kind":"scp","target":"ou-exam-prod0001","policy":"guart"}"#
                .to_owned(),
            "guard",
        ),
    ] {
        fails(&change, &format!("did you mean `{near}`?"));
        fails(&change, "c.json:1:24: ");
    }
    // Nobody is near.
    let error = read(&remove("entity", "arn:aws:iam::111111111111:user/zebedee")).unwrap();
    let error = error.apply(&world(), &NoPolicies).unwrap_err().to_string();
    assert!(error.ends_with("user/zebedee`"), "{error}");
}

/// F-70, C-28.
#[test]
fn short_forms_attach_or_put_in_place() {
    let short = |words: &str, doc: &str| {
        let set = ChangeSet::short(words, "policies/deny-all.json", doc.as_bytes().to_vec());
        set.unwrap().apply(&world(), &NoPolicies).unwrap().snapshot
    };
    let references = |snapshot: &StoreSnapshot| -> Vec<String> {
        let documents = snapshot.documents();
        let new = documents
            .filter(|(_, d)| d.text.as_deref().is_some_and(|text| text.contains("\"New\"")));
        new.map(|(_, document)| document.reference.to_string()).collect()
    };
    assert_eq!(references(&short("scp", DOC)), ["scp:p-deny-all"]);
    assert_eq!(references(&short("rcp:111111111111", RCP_DOC)), ["rcp:p-deny-all"]);
    assert_eq!(
        references(&short("identity:arn:aws:iam::111111111111:user/ana", DOC)),
        ["inline:user/ana/deny-all"]
    );
    assert_eq!(
        references(&short("resource:arn:aws:s3:::b", RESOURCE_DOC)),
        ["resource:arn:aws:s3:::b#0"]
    );
    let error =
        |words: &str| ChangeSet::short(words, "p.json", DOC.into()).unwrap_err()[0].to_string();
    assert!(error("spc").contains("is none of `scp`"));
    assert!(error("resource").contains("names its target"));
    assert!(error("entity:x").contains("needs a file of changes"));
    assert!(error("trust:arn:aws:iam::111111111111:role/r").contains("does not load"));
}
