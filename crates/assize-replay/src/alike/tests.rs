//! Requests that share an answer are decided as each would be alone: worlds whose policies look at
//! all that a policy can see, and requests that differ in one or two members of all there are.

use assize::BundledPolicies;
use assize_catalog::{ApiMap, Catalog};
use assize_cloudtrail::Converted;
use assize_formats::{ChangeSet, NoFiles, ReadOptions, RequestRecord, Scenario};
use assize_model::{ContextMode, EngineOptions, UnknownResourceAccount};
use assize_store::StoreSnapshot;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::ReplayOptions;
use crate::answer::SharedAnswers;
use crate::decide::{Tally, Worker};
use crate::world::{Named, Start, Worlds};

/// Requests that are varied in each world.
const N_BASES: usize = 4;

/// Statements, each of which looks at something else.
fn statements() -> Vec<Value> {
    let when = |condition: Value| json!({"Action": "*", "Resource": "*", "Condition": condition});
    let like = |key: &str, value: &str| when(json!({"StringLike": {key: value}}));
    let mut all = vec![
        json!({"Action": "s3:*", "Resource": "arn:aws:s3:::own/a*"}),
        json!({"Action": ["s3:GetObject", "kms:*"], "NotResource": "arn:aws:s3:::own/*"}),
        json!({"Action": "*", "Resource": "arn:aws:s3:::*/${aws:PrincipalAccount}/*"}),
        json!({"Action": "*", "Resource": "arn:aws:s3:::*/${aws:username}"}),
        json!({"Action": "*", "Resource": "arn:aws:s3:::*/${aws:userid}"}),
        json!({"Action": "*", "Resource": "arn:aws:s3:::own/\u{17f}*"}),
        json!({"Action": "*", "Resource": "arn:aws:iam::*:role/R*"}),
        json!({"NotAction": ["s3:GetObject", "sts:*"], "Resource": "*"}),
        like("s3:prefix", "a*"),
        like("aws:userid", "AROA1:*"),
        like("kms:EncryptionContext:k", "a"),
        like("aws:PrincipalTag/t", "${aws:ResourceTag/t}"),
        when(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}})),
        when(json!({"ArnNotLike": {"aws:PrincipalArn": ["*role/R", "*user/\u{17f}am"]}})),
        when(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
        when(json!({"NotIpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}})),
        when(json!({"DateLessThan": {"aws:CurrentTime": "2024-05-02T00:00:00Z"}})),
        when(json!({"NumericLessThan": {"aws:EpochTime": "1714600000"}})),
        when(json!({"DateLessThan": {"aws:TokenIssueTime": "2024-05-01T00:00:00Z"}})),
        when(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}})),
        when(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        when(json!({"Bool": {"aws:ViaAWSService": "true"}})),
        when(json!({"Bool": {"aws:SecureTransport": "false"}})),
        when(json!({"Null": {"aws:SourceVpce": "false"}})),
        when(json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "t"}})),
        when(json!({"StringEquals": {"aws:ResourceAccount": "222222222222"}})),
    ];
    let texts = [
        ("aws:userid", "*:s1"),
        ("aws:username", "ana"),
        ("aws:UserAgent", "aws-cli*"),
        ("aws:Referer", "a*"),
        ("aws:RequestedRegion", "eu-*"),
        ("aws:SourceVpc", "vpc-1"),
        ("aws:SourceAccount", "111111111111"),
        ("aws:SourceArn", "*:bucket-a"),
        ("aws:SourceIdentity", "ana"),
        ("aws:CalledViaLast", "athena.amazonaws.com"),
        ("aws:RequestTag/t", "a"),
        ("aws:PrincipalType", "User"),
        ("aws:PrincipalServiceName", "logs.amazonaws.com"),
        ("aws:FederatedProvider", "*p1"),
        ("aws:Ec2InstanceSourceVpc", "vpc-1"),
        ("lambda:SourceFunctionArn", "*:f1"),
        ("ec2:RoleDelivery", "1.0"),
        ("sts:ExternalId", "x"),
        ("saml:sub", "ana"),
    ];
    all.extend(texts.map(|(key, value)| like(key, value)));
    all
}

/// Requests of every kind of caller, about one resource, several, and none.
fn requests() -> Vec<Value> {
    let base = |principal: Value, target: Value| {
        let mut request = json!({"principal": principal, "region": "eu-west-1",
            "time": "2024-05-01T12:00:00Z", "via": [],
            "network": {"sourceIp": "192.0.2.1", "userAgent": "aws-cli/2"}});
        for (name, value) in target.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        request
    };
    let user = json!({"type": "user", "arn": "arn:aws:iam::111111111111:user/ana",
        "uniqueId": "AIDA1", "session": {"temporary": false}});
    let role = json!({"type": "roleSession", "role": "arn:aws:iam::111111111111:role/R",
        "arn": "arn:aws:sts::111111111111:assumed-role/R/s1", "uniqueId": "AROA1",
        "session": {"issuedAt": "2024-05-01T11:00:00Z"}});
    let stranger = json!({"type": "user", "arn": "arn:aws:iam::333333333333:user/ana"});
    let service = json!({"type": "service", "service": "logs.amazonaws.com"});
    let root = json!({"type": "root", "account": "111111111111"});
    let web = json!({"type": "federated", "provider": "accounts.google.com"});
    let federated = json!({"type": "federatedUser", "session": {"name": "f"},
        "user": "arn:aws:iam::111111111111:user/ana"});
    let unlocking = json!({"type": "assumedRoot", "account": "111111111111"});
    let get = json!({"action": "s3:GetObject", "resources": ["arn:aws:s3:::own/a"]});
    let unlock = json!({"action": "s3:GetBucketPolicy", "resources": ["arn:aws:s3:::own"]});
    let delete = json!({"action": "iam:DeleteRole",
        "resources": ["arn:aws:iam::111111111111:role/R"]});
    let other =
        json!({"action": "s3:GetObject", "resources": ["arn:aws:s3:::bucket-a/111111111111/k"]});
    let list = json!({"action": "s3:ListBucket", "resources": ["arn:aws:s3:::bucket-a"],
        "context": {"s3:prefix": "a"}});
    let key = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111";
    let decrypt = json!({"action": "kms:Decrypt", "resources": [key],
        "context": {"kms:EncryptionContext:k": "a", "kms:EncryptionContextKeys": ["k"]}});
    let assume = json!({"action": "sts:AssumeRole",
        "resources": ["arn:aws:iam::111111111111:role/R"], "requestTags": {"t": "a"}});
    let describe = json!({"action": "ec2:DescribeInstances"});
    let several = json!({"checks": [
        {"action": "s3:PutObject", "resource": "arn:aws:s3:::own/a"},
        {"action": "s3:GetObject", "resource": "arn:aws:s3:::bucket-a/b"}]});
    let mut all = Vec::new();
    for principal in [&user, &role, &stranger] {
        for target in [&get, &other, &list, &decrypt, &assume, &describe, &several] {
            all.push(base(principal.clone(), target.clone()));
        }
    }
    all.extend([base(service, get.clone()), base(root, decrypt), base(web, assume)]);
    all.push(base(json!("anonymous"), get.clone()));
    all.extend([base(federated, get.clone()), base(unlocking, unlock), base(user, delete)]);
    let mut named = role;
    named["session"]["name"] = "s1".into();
    all.push(base(named, get));
    all
}

/// What members of a request may be instead: the object they are in, their name, and texts that
/// policies tell apart and others. Null takes them away.
fn mutations() -> Vec<(&'static str, &'static str, Value)> {
    let long = |n: usize| format!("arn:aws:s3:::bucket-a/{}", "k".repeat(n));
    let longer = |n: usize| format!("arn:aws:s3:::bucket-a/{}/a", "k/".repeat(n));
    let caller = |name: &str| format!("arn:aws:iam::333333333333:user/{name}");
    let session = |name: &str| format!("arn:aws:sts::111111111111:assumed-role/R/{name}");
    let role = |name: &str| format!("arn:aws:iam::111111111111:role/{name}");
    let times =
        json!([null, "2024-04-01T00:00:00Z", "2024-05-01T11:59:00Z", "2024-06-01T00:00:00Z"]);
    vec![
        (
            "",
            "action",
            json!([
                "s3:GetObject",
                "s3:getobject",
                "s3:DeleteObject",
                "s3:PutObject",
                "s3:GetBucketPolicy"
            ]),
        ),
        (
            "",
            "resources",
            json!([
                ["arn:aws:s3:::own/a"],
                ["arn:aws:s3:::own/b"],
                ["arn:aws:s3:::own/A"],
                ["arn:aws:s3:::own"],
                ["arn:aws:s3:::own/\u{17f}x"],
                ["arn:aws:s3:::bucket-a/k"],
                ["arn:aws:s3:::bucket-a/ana"],
                ["arn:aws:s3:::bucket-a/111111111111/k"],
                ["arn:aws:s3:::bucket-a/AIDA1"],
                ["arn:aws:s3:::bucket-b/k"],
                ["arn:aws-cn:s3:::bucket-a/k"],
                [long(2_000)],
                [long(2_048)],
                [long(5_000)],
                [longer(2_000)],
                [longer(40_000)]
            ]),
        ),
        ("", "region", json!([null, "eu-west-1", "us-east-1"])),
        ("", "time", times.clone()),
        ("", "via", json!([null, [], ["athena.amazonaws.com"], ["kms.amazonaws.com"]])),
        ("", "requestTags", json!([null, {}, {"t": "a"}, {"t": "b"}, {"u": "a"}])),
        (
            "",
            "context",
            json!([
                null, {"s3:prefix": "a"}, {"s3:prefix": "b"}, {"s3:prefix": ["a"]}, {"S3:Prefix": "a"},
                {"kms:EncryptionContext:k": "a"}, {"kms:EncryptionContext:k": "b"},
                {"sts:ExternalId": "x"}, {"sts:ExternalId": "y"}
            ]),
        ),
        ("", "absent", json!([null, ["s3:prefix"], ["sts:ExternalId"]])),
        ("", "complete", json!([null, ["kms:EncryptionContext:"]])),
        ("", "unknown", json!([null, ["aws:CalledVia", "aws:CalledViaFirst"]])),
        (
            "",
            "source",
            json!([
                null, {"arn": "arn:aws:s3:::bucket-a"}, {"arn": "arn:aws:s3:::bucket-b"},
                {"account": "111111111111"}, {"account": "222222222222"}
            ]),
        ),
        ("/network", "sourceIp", json!([null, "10.0.0.1", "192.0.2.1", "192.0.2.2"])),
        ("/network", "vpcSourceIp", json!([null, "10.0.0.1", "192.0.2.1"])),
        ("/network", "vpce", json!([null, "vpce-1", "vpce-2"])),
        ("/network", "vpc", json!([null, "vpc-1", "vpc-2"])),
        ("/network", "vpceAccount", json!([null, "111111111111"])),
        ("/network", "secureTransport", json!([null, true, false])),
        ("/network", "userAgent", json!([null, "aws-cli/2", "boto"])),
        ("/network", "referer", json!([null, "a", "b"])),
        (
            "/principal",
            "arn",
            json!([
                "arn:aws:iam::111111111111:user/ana",
                "arn:aws:iam::111111111111:user/bob",
                caller("ana"),
                caller("Ana"),
                caller("bob"),
                caller("\u{17f}am"),
                caller("sam"),
                caller("x/y"),
                session("s1"),
                session("s2"),
                session("S1")
            ]),
        ),
        (
            "/principal",
            "role",
            json!([
                null,
                role("R"),
                role("S"),
                role("p/R"),
                role("aws-service-role/x.amazonaws.com/R"),
                "arn:aws:iam::333333333333:role/R",
                "arn:aws:iam::333333333333:role/Other"
            ]),
        ),
        ("/principal", "uniqueId", json!([null, "AIDA1", "AIDA2", "AROA1"])),
        ("/principal", "account", json!([null, "111111111111", "222222222222"])),
        ("/principal", "service", json!([null, "logs.amazonaws.com", "sns.amazonaws.com"])),
        ("/principal", "provider", json!([null, "accounts.google.com", "www.amazon.com"])),
        ("/principal/session", "name", json!([null, "s1", "s2"])),
        ("/principal/session", "policyArns", json!([null, []])),
        ("/principal/session", "tags", json!([null, {}, {"t": "a"}, {"t": "b"}])),
        ("/principal/session", "transitiveTagKeys", json!([null, [], ["t"]])),
        ("/principal/session", "inheritedTags", json!([null, {}, {"t": "a"}])),
        ("/principal/session", "sourceIdentity", json!([null, "ana", "bob"])),
        ("/principal/session", "issuedAt", times.clone()),
        ("/principal/session", "expiresAt", times.clone()),
        (
            "/principal/session",
            "mfa",
            json!([
                null, {"present": true}, {"present": false}, {"present": true, "at": times[1]},
                {"present": true, "at": times[2]}
            ]),
        ),
        ("/principal/session", "temporary", json!([null, true, false])),
        ("/principal/session", "console", json!([null, true, false])),
        ("/principal/session", "chained", json!([null, true, false])),
        (
            "/principal/session",
            "federatedProvider",
            json!([null, "arn:aws:iam::111111111111:saml-provider/p1", "accounts.google.com"]),
        ),
        (
            "/principal/session",
            "claims",
            json!([null, {}, {"saml:sub": "ana"}, {"saml:sub": "bob"}]),
        ),
        (
            "/principal/session",
            "delivery",
            json!([
                null, {"kind": "lambda", "functionArn": "arn:aws:lambda:eu-west-1:111111111111:function:f1"},
                {"kind": "lambda", "functionArn": "arn:aws:lambda:eu-west-1:111111111111:function:f2"},
                {"kind": "ec2", "vpc": "vpc-1"}, {"kind": "ec2", "vpc": "vpc-2"},
                {"kind": "ec2", "roleDelivery": "1.0"}, {"kind": "ec2", "roleDelivery": "2.0"}
            ]),
        ),
    ]
}

/// A world that knows one account, and names sessions, unique ids and users in its policies.
fn known_world() -> Value {
    let statement = |principal: Value, more: &Value| {
        let mut statement = json!({"Effect": "Allow", "Principal": {"AWS": principal},
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::own", "arn:aws:s3:::own/*"]});
        for (name, value) in more.as_object().into_iter().flatten() {
            statement[name] = value.clone();
        }
        statement
    };
    let session = json!("arn:aws:sts::111111111111:assumed-role/R/s1");
    let own = json!([
        statement(session, &json!({})),
        statement(json!("arn:aws:iam::333333333333:user/ana"), &json!({})),
        statement(json!("AIDA2"), &json!({"Effect": "Deny"})),
        statement(json!("*"), &json!({"Condition": {"StringLike": {"aws:userid": "AROA*:s2"}}})),
    ]);
    let key = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111";
    json!({"assize": 1,
        "accounts": {"111111111111": {
            "users": {"ana": {"inline": {"p": {"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": ["s3:*", "kms:*", "ec2:*"], "Resource": "*"}}}}},
            "roles": {"R": {}}}},
        "resources": [
            {"arn": "arn:aws:s3:::own", "account": "111111111111",
                "policy": {"Version": "2012-10-17", "Statement": own}},
            {"arn": key, "account": "111111111111", "policy": {"Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:List*",
                    "Resource": "*"}},
                "attributes": {"kmsGrants": [{"operations": ["Decrypt"],
                    "grantee": "arn:aws:sts::111111111111:assumed-role/R/s1"}]}}]})
}

/// A world in which no policy names a caller, and grants, which are no policies, do: one to somebody
/// of an account that the world lacks, one for an encryption context.
fn granting_world() -> Value {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111";
    let grant = |account: &str, more: &Value| {
        let mut grant = json!({"operations": ["Decrypt"],
            "grantee": format!("arn:aws:iam::{account}:user/ana")});
        for (name, value) in more.as_object().into_iter().flatten() {
            grant[name] = value.clone();
        }
        grant
    };
    let of_stranger = grant("333333333333", &json!({}));
    let of_own = grant("111111111111", &json!({"encryptionContextSubset": {"k": "a"}}));
    json!({"assize": 1,
        "accounts": {"111111111111": {"users": {"ana": {}, "bob": {}}}},
        "resources": [{"arn": key, "account": "111111111111",
            "policy": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
                "Principal": "*", "Action": "kms:List*", "Resource": "*"}},
            "attributes": {"kmsGrants": [of_stranger, of_own]}}]})
}

fn snapshot(world: &Value, managed: &BundledPolicies) -> StoreSnapshot {
    let options = ReadOptions {
        files: &mut NoFiles,
        managed_policies: managed,
        takes_several_resources: &|_| false,
    };
    let bytes = world.to_string().into_bytes();
    Scenario::read("w.json", bytes, options).expect("the world is read").snapshot
}

/// The world before and after a policy that denies what a statement says.
fn worlds(base: &StoreSnapshot, managed: &BundledPolicies, statement: &Value) -> Worlds {
    let mut statement = statement.clone();
    statement["Effect"] = "Deny".into();
    let policy = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let change = ChangeSet::short("scp", "p.json", policy.into_bytes()).expect("a change");
    let start = Start {
        base: base.clone(),
        changes: vec![change],
        options: EngineOptions {
            context: ContextMode::Partial,
            unknown_resource_account: UnknownResourceAccount::Principal,
            ..EngineOptions::default()
        },
        catalog: Catalog::bundled().expect("the catalog is bundled"),
        managed: managed.clone(),
        is_strict: false,
        management_account: None,
    };
    let mut worlds = Worlds::new(start).expect("the worlds can be decided with");
    let accounts = ["111111111111", "222222222222", "333333333333"];
    let accounts = accounts.map(|id| id.parse().expect("an account"));
    let named = Named { accounts: accounts.into(), ..Named::default() };
    worlds.take_in(&named).expect("the accounts fit");
    worlds
}

/// A request with another value of a member.
fn with(request: &Value, object: &str, name: &str, value: &Value) -> Value {
    let mut request = request.clone();
    if object == "/principal/session" && request["principal"].is_object() {
        let session = &mut request["principal"]["session"];
        if session.is_null() {
            *session = json!({});
        }
    }
    // Checks have their own.
    let is_of_check = request.get("checks").is_some() && ["action", "resources"].contains(&name);
    if let Some(object) = request.pointer_mut(object).and_then(Value::as_object_mut) {
        match value {
            Value::Null => drop(object.remove(name)),
            _ if is_of_check => {}
            value => drop(object.insert(name.to_owned(), value.clone())),
        }
    }
    request
}

/// Some requests, and each of them with every other value of every member, in any order.
fn varied(requests: &[Value], rng: &mut Rng) -> Vec<Value> {
    let mutations = mutations();
    let mut all = Vec::new();
    for request in rng.choose_multiple(requests, N_BASES) {
        all.push(request.clone());
        for (object, name, values) in &mutations {
            let values = values.as_array().into_iter().flatten();
            all.extend(values.map(|value| with(request, object, name, value)));
        }
    }
    rng.shuffle(&mut all);
    all
}

/// What is counted, told from what was counted before.
fn shown(tally: Tally) -> String {
    let Tally { groups, events, errors, error_codes, indeterminate, assumptions, .. } = tally;
    let groups = groups.into_sorted();
    format!("{events} {errors} {error_codes:?} {indeterminate} {assumptions:?} {groups:?}")
}

#[test]
fn requests_that_share_an_answer_are_decided_as_each_alone() {
    let managed = BundledPolicies::new().expect("the policies load");
    let (catalog, map) = (
        Catalog::bundled().expect("the catalog is bundled"),
        ApiMap::bundled().expect("the map is bundled"),
    );
    let bases = [json!({"assize": 1}), known_world(), granting_world()];
    let bases = bases.map(|world| snapshot(&world, &managed));
    let requests = requests();
    let options = ReplayOptions { all: true, ..ReplayOptions::default() };
    let mut rng = Rng::with_seed(5);
    let (mut n_decided, mut n_shared) = (0, 0);
    for (statement, base) in statements().iter().flat_map(|s| bases.iter().map(move |b| (s, b))) {
        let worlds = worlds(base, &managed, statement);
        let sight = worlds.sight();
        let (answers, unused) = (SharedAnswers::default(), SharedAnswers::default());
        let hiring = (&*catalog, &*map, &options);
        let mut sharing = Worker::new((&worlds, &sight, &answers), hiring, &Tally::default());
        let mut alone = Worker::new((&worlds, &sight, &unused), hiring, &Tally::default());
        for request in varied(&requests, &mut rng) {
            let text = request.to_string();
            let Ok(record) = RequestRecord::parse(&text) else { continue };
            let recipient = "111111111111".parse().ok();
            let converted = Converted { record, recipient, notes: Vec::new() };
            n_shared += usize::from(sharing.take_converted(converted.clone()));
            alone.take_alone(converted);
            n_decided += 1;
            let (shared, alone) = (shown(sharing.take_tally()), shown(alone.take_tally()));
            assert_eq!(shared, alone, "{statement}: {request:#}");
        }
    }
    // Were nothing shared, nothing would be shown.
    assert!(n_shared > n_decided / 4, "{n_shared} of {n_decided}");
}
