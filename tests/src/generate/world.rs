//! Organizations, accounts, resources and endpoints.

use serde_json::{Map, Value, json};

use super::text::{
    ACCOUNTS, APART, INSIDE, MANAGEMENT, ORGANIZATION, OUTSIDE, ROLES, TAG_KEYS, TAG_VALUES, USERS,
};
use super::{Source, policy};

/// The time of every world.
const TIME: &str = "2024-05-01T12:00:00Z";

/// A scenario without tests.
pub(super) fn scenario(source: &mut Source<'_>) -> Value {
    let mut scenario = json!({"assize": 1, "options": options(source)});
    if source.percent(85) {
        scenario["organization"] = organization(source);
    }
    let mut accounts = Map::new();
    for id in ACCOUNTS {
        // The fewer bytes of a fuzzer, the fewer accounts that say nothing.
        if id == INSIDE[0] || !source.has_ended() {
            accounts.insert(id.to_owned(), account(source, id));
        }
    }
    scenario["accounts"] = Value::Object(accounts);
    if source.percent(30) {
        let external = source.pick(&["none", "trustIdentity"]);
        scenario["accounts"][OUTSIDE] = json!({"external": external});
    }
    scenario["resources"] = resources(source);
    scenario["endpoints"] = endpoints(source);
    scenario
}

fn options(source: &mut Source<'_>) -> Value {
    let mut options = json!({"time": TIME});
    if source.percent(15) {
        options["unknownResourceAccount"] = json!("principal");
    }
    if source.percent(15) {
        options["skipInvalidPolicies"] = json!(true);
    }
    if source.percent(15) {
        options["checkResourceTypes"] = json!(false);
    }
    if source.percent(10) {
        options["rcpServices"] = json!(["s3", "sns"]);
    }
    for (name, percent) in [
        ("includeDependent", 10),
        ("includeTrust", 10),
        ("allowContextOverride", 25),
        ("requireAllResources", 5),
        ("strictActions", 3),
    ] {
        if source.percent(percent) {
            options[name] = json!(true);
        }
    }
    if source.percent(15) {
        options["includeTrust"] = json!(true);
    }
    if source.percent(30) {
        options["context"] = json!("partial");
        options["absentByCatalog"] = json!(source.percent(20));
    }
    options
}

fn organization(source: &mut Source<'_>) -> Value {
    // Four levels of OUs below the root; the second account stands in any of the lower three.
    let depth = source.below(3);
    let mut inner: Option<Value> = None;
    for (level, id) in
        ["ou-1aaa-aaaaaaa4", "ou-1aaa-aaaaaaa3", "ou-1aaa-aaaaaaa2"].iter().enumerate()
    {
        let mut ou = node(source, id);
        if level == depth {
            ou["accounts"] = json!([account_node(source, INSIDE[1])]);
        }
        if let Some(inner) = inner {
            ou["ous"] = json!([inner]);
        }
        inner = Some(ou);
    }
    let mut outer = node(source, "ou-1aaa-aaaaaaa1");
    outer["ous"] = json!(inner.into_iter().collect::<Vec<_>>());
    outer["accounts"] = json!([account_node(source, INSIDE[0])]);
    let mut root = node(source, "r-1aaa");
    root["ous"] = json!([outer]);
    root["accounts"] = json!([MANAGEMENT]);
    let types: Value = match source.below(10) {
        0 => json!(["SCP"]),
        1 => json!(["RCP"]),
        2 => json!([]),
        _ => json!(["SCP", "RCP"]),
    };
    let mut organization = json!({
        "id": "o-w1aaaaaaaa", "managementAccount": MANAGEMENT, "policyTypes": types, "root": root,
    });
    if source.percent(30) {
        let service = source.pick(&["iam.amazonaws.com", "access-analyzer.amazonaws.com"]);
        organization["delegatedAdministrators"] = json!({service: [source.pick(&INSIDE)]});
    }
    organization
}

fn node(source: &mut Source<'_>, id: &str) -> Value {
    let mut node = json!({"id": id});
    if source.percent(25) {
        let mut scps = source.list(0, 2, policy::service_control);
        if source.percent(85) {
            scps.insert(0, json!("FullAWSAccess"));
        }
        node["scps"] = json!(scps);
    }
    if source.percent(15) {
        node["rcps"] = json!(source.list(1, 2, policy::resource_control));
    }
    node
}

fn account_node(source: &mut Source<'_>, id: &str) -> Value {
    node(source, id)
}

fn account(source: &mut Source<'_>, id: &str) -> Value {
    let groups = json!({"g": identity(source, id, 1), "h": identity(source, id, 1)});
    let users = USERS.map(|name| {
        let mut user = identity(source, id, 2);
        user["groups"] = json!(source.pick(&[&[][..], &["g"], &["h"], &["g", "h"]]));
        whoever(source, &mut user, id, name, "AIDA");
        (name.to_owned(), user)
    });
    let roles = ROLES.map(|(name, path)| {
        let mut role = identity(source, id, 2);
        role["path"] = json!(path);
        role["trust"] = policy::trust(source);
        whoever(source, &mut role, id, name, "AROA");
        (name.to_owned(), role)
    });
    let mut account = json!({
        "users": Map::from_iter(users), "groups": groups, "roles": Map::from_iter(roles),
        "policies": {"p": policy::identity(source), "q": policy::identity(source)},
    });
    if id == INSIDE[0] || id == APART {
        let digits = if id == APART { "bb" } else { "aa" };
        account["canonicalId"] = json!(digits.repeat(32));
    }
    if source.percent(5) {
        account["publicAccessBlock"] = json!({"restrictPublicBuckets": true});
    }
    account
}

/// What users and roles have and groups do not.
fn whoever(source: &mut Source<'_>, who: &mut Value, id: &str, name: &str, prefix: &str) {
    if source.percent(20) {
        who["boundary"] = match source.below(8) {
            0 => json!(format!("arn:aws:iam::{id}:policy/missing")),
            1 | 2 => json!(format!("arn:aws:iam::{id}:policy/p")),
            _ => policy::identity(source),
        };
    }
    if source.percent(40) {
        // The keys of an entity's tags differ by more than case (I-23).
        let n_keys = TAG_KEYS.len() - 1;
        let key = TAG_KEYS[1 + source.below(n_keys)];
        who["tags"] = json!({key: source.pick(&TAG_VALUES)});
    }
    let unique = format!("{prefix}{:0<15}1", name.to_uppercase().replace('_', "0"));
    if source.percent(50) && id == INSIDE[0] && unique.len() == 20 {
        who["uniqueId"] = json!(unique);
    }
}

/// Inline and attached policies.
fn identity(source: &mut Source<'_>, id: &str, most: usize) -> Value {
    let inline = source.list(0, most, policy::identity);
    let inline = inline.into_iter().enumerate().map(|(at, policy)| (format!("i{at}"), policy));
    let attached = source.list(0, 1, |source| match source.below(12) {
        0 => json!("arn:aws:iam::aws:policy/IAMReadOnlyAccess"),
        1 => json!(format!("arn:aws:iam::{id}:policy/missing")),
        2..=4 => json!(format!("arn:aws:iam::{id}:policy/p")),
        5 | 6 => json!(format!("arn:aws:iam::{id}:policy/q")),
        _ => policy::identity(source),
    });
    let inline: Map<String, Value> = inline.collect();
    json!({"inline": inline, "attached": attached})
}

/// Tags. Two keys that differ in case only collide.
pub(super) fn tags(source: &mut Source<'_>) -> Value {
    let tags = source
        .list(0, 2, |source| (source.pick(&TAG_KEYS).to_owned(), json!(source.pick(&TAG_VALUES))));
    Value::Object(Map::from_iter(tags))
}

fn resources(source: &mut Source<'_>) -> Value {
    const RESOURCES: [(&str, Option<&str>); 23] = [
        ("arn:aws:s3:::b0", Some(MANAGEMENT)),
        ("arn:aws:s3:::b1", Some(INSIDE[0])),
        ("arn:aws:s3:::b2", Some(INSIDE[1])),
        ("arn:aws:s3:::b3", Some(APART)),
        ("arn:aws:s3:eu-west-1:111111111111:accesspoint/ap", None),
        ("arn:aws:s3:eu-west-1:222222222222:accesspoint/private", None),
        ("arn:aws:s3::111111111111:accesspoint/x.mrap", None),
        ("arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001", None),
        ("arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000002", None),
        ("arn:aws:sqs:eu-west-1:111111111111:q", None),
        ("arn:aws:sns:eu-west-1:222222222222:t", None),
        ("arn:aws:lambda:eu-west-1:111111111111:function:f", None),
        ("arn:aws:logs:eu-west-1:111111111111:log-group:/app", None),
        ("arn:aws:es:eu-west-1:111111111111:domain/d", None),
        ("arn:aws:dynamodb:eu-west-1:222222222222:table/t2", None),
        ("arn:aws:s3tables:eu-west-1:111111111111:bucket/b", None),
        ("arn:aws:s3tables:eu-west-1:111111111111:bucket/b/table/1", None),
        ("arn:aws:glue:eu-west-1:111111111111:catalog", None),
        ("arn:aws:events:eu-west-1:111111111111:event-bus/default", None),
        ("arn:aws:rds:eu-west-1:111111111111:db:d", None),
        ("arn:aws:backup:eu-west-1:111111111111:backup-vault:v", None),
        ("arn:aws:backup:eu-west-1:111111111111:recovery-point:p", None),
        (ORGANIZATION, None),
    ];
    let mut records = Vec::new();
    for (arn, owner) in RESOURCES {
        let mut record = json!({"arn": arn});
        if let Some(owner) = owner {
            record["account"] = json!(owner);
        }
        // What a recovery point has, its vault says.
        let most = if arn.contains(":recovery-point:") { source.below(2) } else { 2 };
        let policies = source.list(0, most, |source| policy::resource(source, arn));
        match policies.len() {
            0 => {}
            1 => record["policy"] = policies[0].clone(),
            _ => record["policy"] = json!(policies),
        }
        if source.percent(25) {
            record["tags"] = tags(source);
        }
        if let Some(attributes) = attributes(source, arn) {
            record["attributes"] = attributes;
        }
        records.push(record);
    }
    if source.percent(30) {
        records.push(object(source));
    }
    Value::Array(records)
}

/// What an object has on record, beside what is on record of its bucket or access point.
fn object(source: &mut Source<'_>) -> Value {
    const POINT: &str = "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap/object/k";
    let arn = source.pick(&["arn:aws:s3:::b1/k", "arn:aws:s3:::b1/k", "arn:aws:s3:::b2/k", POINT]);
    let mut record = json!({"arn": arn});
    if arn != POINT {
        record["account"] = json!(source.pick(&[INSIDE[0], INSIDE[1], APART]));
        if source.percent(20) {
            record["attributes"] =
                json!({"publicAccessBlock": {"restrictPublicBuckets": source.percent(50)}});
        }
    }
    if source.percent(40) {
        record["policy"] = policy::resource(source, arn);
    }
    if source.percent(60) {
        record["tags"] = tags(source);
    }
    record
}

fn attributes(source: &mut Source<'_>, arn: &str) -> Option<Value> {
    if arn.ends_with("accesspoint/ap") {
        let mut attributes = json!({"bucket": source.pick(&["b1", "b1", "b2", "nowhere"])});
        if source.percent(20) {
            attributes["publicAccessBlock"] = json!({"restrictPublicBuckets": true});
        }
        return Some(attributes);
    }
    if arn.ends_with("accesspoint/x.mrap") {
        return source.percent(50).then(|| json!({"bucket": "b1"}));
    }
    if arn.ends_with("accesspoint/private") {
        return Some(json!({"bucket": "b2", "networkOrigin": "VPC"}));
    }
    if arn.contains(":recovery-point:") {
        let vault = source.pick(&["v", "v", "v", "nowhere"]);
        let vault = format!("arn:aws:backup:eu-west-1:111111111111:backup-vault:{vault}");
        return source.percent(90).then(|| json!({"backupVault": vault}));
    }
    if arn.starts_with("arn:aws:s3:::") {
        let blocks = source.percent(20);
        return blocks.then(|| json!({"publicAccessBlock": {"restrictPublicBuckets": true}}));
    }
    if arn.contains(":kms:") {
        let mut attributes = json!({});
        if arn.ends_with('1') {
            attributes["aliases"] = json!(["alias/app"]);
        }
        if source.percent(10) {
            attributes["managedByAws"] = json!(true);
        }
        if source.percent(40) {
            attributes["kmsGrants"] = json!(source.list(1, 2, grant));
        }
        return Some(attributes);
    }
    None
}

/// A grant on a key.
pub(super) fn grant(source: &mut Source<'_>) -> Value {
    let account = source.pick(&[INSIDE[0], INSIDE[1], APART]);
    let grantee = match source.below(4) {
        0 => "s3.amazonaws.com".to_owned(),
        1 => super::text::role_arn(source, account),
        _ => super::text::user_arn(source, account),
    };
    let mut grant = json!({
        "grantee": grantee,
        "operations": source.list(1, 2, |source| source.pick(&["Decrypt", "Encrypt", "RetireGrant"])),
    });
    if source.percent(30) {
        let name = source.pick(&["encryptionContextSubset", "encryptionContextEquals"]);
        grant[name] = json!({"app": source.pick(&["a", "b"])});
    }
    if source.percent(30) {
        grant["retiringPrincipal"] = json!(super::text::user_arn(source, account));
    }
    grant
}

fn endpoints(source: &mut Source<'_>) -> Value {
    let mut endpoints = Map::new();
    for (id, account, kind) in [
        ("vpce-1", INSIDE[0], "Interface"),
        ("vpce-2", INSIDE[1], "Gateway"),
        ("vpce-3", APART, "Interface"),
    ] {
        let mut endpoint = json!({"account": account, "vpc": "vpc-1", "type": kind});
        if source.percent(40) {
            endpoint["policy"] = policy::endpoint(source);
        }
        endpoints.insert(id.to_owned(), endpoint);
    }
    Value::Object(endpoints)
}
