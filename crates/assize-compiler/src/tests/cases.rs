//! Single rules, one request each.

use assize_model::Layer;

use super::*;

/// The answer of `decide` in one line, after checking it against `trace` and against every pass
/// switched off and every set in an overlay.
struct Case {
    kind: PrincipalKind,
    action: &'static str,
    resource: &'static str,
    context: Vec<(&'static str, Value)>,
    layers: Vec<CaseLayer>,
    adjust: fn(&mut Frame),
}

/// A layer: the type its documents are loaded as, the documents with their nodes, and how many
/// nodes there are.
type CaseLayer = (Layer, PolicyType, Vec<(String, u16)>, u16);

impl Case {
    fn new(kind: PrincipalKind) -> Self {
        Self {
            kind,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/k",
            context: Vec::new(),
            layers: Vec::new(),
            adjust: |_| {},
        }
    }

    fn on(mut self, action: &'static str, resource: &'static str) -> Self {
        (self.action, self.resource) = (action, resource);
        self
    }

    fn with(mut self, key: &'static str, value: Value) -> Self {
        self.context.push((key, value));
        self
    }

    fn layer(mut self, layer: Layer, documents: &[&str]) -> Self {
        let policy_type = match layer {
            Layer::ResourceControl => PolicyType::ResourceControl,
            Layer::ServiceControl => PolicyType::ServiceControl,
            Layer::VpcEndpoint => PolicyType::VpcEndpoint,
            Layer::Resource => PolicyType::ResourceBased,
            Layer::Boundary => PolicyType::PermissionsBoundary,
            Layer::Session => PolicyType::Session,
            _ => PolicyType::ManagedIdentity,
        };
        let documents = documents.iter().map(|text| (policy(&[text]), 0)).collect();
        self.layers.push((layer, policy_type, documents, 1));
        self
    }

    fn text(mut self, layer: Layer, text: &str) -> Self {
        self.layers.push((layer, PolicyType::ManagedIdentity, vec![(text.to_owned(), 0)], 1));
        self
    }

    fn nodes(mut self, documents: &[(&str, u16)], n_nodes: u16) -> Self {
        let documents = documents.iter().map(|&(text, node)| (policy(&[text]), node)).collect();
        self.layers.push((Layer::ServiceControl, PolicyType::ServiceControl, documents, n_nodes));
        self
    }

    fn frame(mut self, adjust: fn(&mut Frame)) -> Self {
        self.adjust = adjust;
        self
    }

    fn check(self, expected: &str) {
        let mut input = Input::default();
        for (_, policy_type, documents, n_nodes) in &self.layers {
            input.set(*policy_type, *n_nodes, documents);
        }
        for (options, in_overlay) in
            variants().into_iter().flat_map(|o| [(o.clone(), false), (o, true)])
        {
            let (tables, ids, _) = input.compile(&options);
            let mut overlay = Overlay::new();
            let mut frame = Frame::new(self.kind);
            for ((layer, ..), id) in self.layers.iter().zip(&ids) {
                let set = if in_overlay {
                    in_overlay_too(&tables, &mut overlay, *id)
                } else {
                    (*id).into()
                };
                place(&mut frame, *layer, set);
            }
            (self.adjust)(&mut frame);
            let request = Request {
                frame: 0,
                principal: 0,
                action: self.action,
                resource: self.resource,
                context: self.context.clone(),
            };
            let mut entry = principal(self.kind);
            entry.has_boundary = frame.boundary.is_some();
            let constants = vec![("aws:username", "ana"), ("aws:PrincipalTag/team", "pay")];
            let principals = vec![(entry, constants)];
            let batch = Batch::new(&tables, &mut overlay, vec![frame], principals, &[request]);
            let answer = batch.decide(&tables, &overlay)[0];
            let trace = batch.trace(&tables, &overlay, 0);
            assert_eq!(line(answer), expected, "{options:?} overlay {in_overlay}\n{trace:#?}");
            assert_eq!(line(trace.answer), expected, "trace {options:?}\n{trace:#?}");
        }
    }
}

/// The options with each pass off, and with no budget.
pub(super) fn variants() -> Vec<CompileOptions> {
    let all = CompileOptions::default();
    vec![
        all.clone(),
        CompileOptions { action_partition: false, ..all.clone() },
        CompileOptions { static_verdicts: false, ..all.clone() },
        CompileOptions { shared_atoms: false, ..all.clone() },
        CompileOptions { joint_cells: false, ..all.clone() },
        CompileOptions { row_facts: false, ..all.clone() },
        CompileOptions { pattern_sets: false, ..all.clone() },
        CompileOptions { interning: false, ..all.clone() },
        CompileOptions { shared_pages: false, ..all.clone() },
        CompileOptions { max_rules: 0, ..all.clone() },
        CompileOptions { max_rules_per_set: 1, ..all.clone() },
        CompileOptions { max_indexed_patterns: 0, ..all },
    ]
}

/// A set of the tables once more, made of documents of the overlay.
pub(super) fn in_overlay_too(
    tables: &DecisionTables,
    overlay: &mut Overlay,
    id: PolicySetId,
) -> SetRef {
    let set = tables.sets[id.index()];
    let members: Vec<(DocumentRef, u16)> = set
        .members
        .of(&tables.members)
        .iter()
        .map(|member| {
            let source = tables.documents[member.document as usize].source.clone();
            let document = overlay.add_policy(tables, &catalog(), source).expect("small");
            (document, member.node)
        })
        .collect();
    overlay.add_set_of_nodes(tables, members, set.n_nodes).expect("few sets")
}

pub(super) fn place(frame: &mut Frame, layer: Layer, set: SetRef) {
    match layer {
        Layer::ResourceControl => frame.rcp = Some(set),
        Layer::ServiceControl => frame.scp = Some(set),
        Layer::VpcEndpoint => frame.endpoint = EndpointLayer::Set(set),
        Layer::Resource => frame.resource = Some(set),
        Layer::Boundary => frame.boundary = Some(set),
        Layer::Session => frame.session = SessionLayer::Set(set),
        _ => frame.identity = IdentityLayer::Set(set),
    }
}

/// `Allowed identity identity 0.1`.
pub(super) fn line(row: DecisionRow) -> String {
    let by = row.allowed_by.map_or(row.reason.as_str(), assize_model::AllowedBy::as_str);
    let place = row.place().map_or(String::new(), |place| {
        let grants = if place.in_grants { "grant:" } else { "" };
        match place.statement {
            Some(statement) => format!(" {grants}{}.{statement}", place.document),
            None => format!(" {grants}{}", place.document),
        }
    });
    format!("{} {} {by}{place}", row.decision, row.layer)
}

const ALLOW_ALL: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;
const ALLOW_S3: &str = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
const DENY_S3: &str = r#""Effect":"Deny","Action":"s3:*","Resource":"*""#;

fn resource_allow(principal: &str) -> String {
    format!(r#""Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*""#)
}

fn user() -> Case {
    Case::new(PrincipalKind::User)
}

fn session() -> Case {
    Case::new(PrincipalKind::RoleSession)
}

#[test]
fn identity_policies_allow() {
    user().layer(Layer::Identity, &[ALLOW_S3]).check("Allowed identity identity 0.0");
    user()
        .layer(Layer::Identity, &[ALLOW_S3])
        .on("sqs:SendMessage", "*")
        .check("ImplicitDeny identity no_allow");
    user().check("ImplicitDeny identity no_allow");
}

#[test]
fn an_explicit_deny_beats_an_allow() {
    user()
        .layer(Layer::Identity, &[ALLOW_S3, DENY_S3])
        .check("ExplicitDeny identity explicit_deny 1.0");
    user()
        .layer(Layer::Identity, &[DENY_S3])
        .layer(Layer::ServiceControl, &[ALLOW_ALL, DENY_S3])
        .check("ExplicitDeny scp explicit_deny 1.0");
}

/// L-222, L-225: unknown actions are decided by their text.
#[test]
fn unknown_actions_match_by_text() {
    let custom = r#""Effect":"Allow","Action":"custom:Do*","Resource":"*""#;
    user()
        .on("custom:DoIt", "*")
        .layer(Layer::Identity, &[custom])
        .check("Allowed identity identity 0.0");
    user()
        .on("CUSTOM:doit", "*")
        .layer(Layer::Identity, &[custom])
        .check("Allowed identity identity 0.0");
    user()
        .on("custom:Undo", "*")
        .layer(Layer::Identity, &[custom])
        .check("ImplicitDeny identity no_allow");
    let not = r#""Effect":"Allow","NotAction":"custom:Do*","Resource":"*""#;
    user()
        .on("custom:Undo", "*")
        .layer(Layer::Identity, &[not])
        .check("Allowed identity identity 0.0");
    user()
        .on("custom:DoIt", "*")
        .layer(Layer::Identity, &[not])
        .check("ImplicitDeny identity no_allow");
}

fn resource_case(pattern: &str, action: &'static str, resource: &'static str, matches: bool) {
    let statement = format!(r#""Effect":"Allow","Action":"*","Resource":"{pattern}""#);
    let expected =
        if matches { "Allowed identity identity 0.0" } else { "ImplicitDeny identity no_allow" };
    user().on(action, resource).layer(Layer::Identity, &[&statement]).check(expected);
}

/// L-238, L-411, L-235.
#[test]
fn resource_patterns_match_whole_arns() {
    resource_case("arn:aws:s3:::b/*", "s3:GetObject", "arn:aws:s3:::b", false);
    resource_case("arn:aws:s3:::b/*/t", "s3:GetObject", "arn:aws:s3:::b//t", true);
    resource_case("arn:aws:s3:::*", "s3:ListAllMyBuckets", "*", false);
    resource_case("*", "s3:ListAllMyBuckets", "*", true);
    let crossing = "arn:aws:sqs:us-east-1:999999999999:x:111122223333:q";
    resource_case("arn:aws:sqs:*:111122223333:q", "sqs:SendMessage", crossing, true);
    resource_case("arn:aws:sqs:*-1:*:q", "sqs:SendMessage", "arn:aws:sqs:us-east:x-1:1:q", false);
    resource_case("arn:aws:sqs:*", "sqs:SendMessage", crossing, true);
    resource_case("arn:aws:S3:::b", "s3:ListBucket", "arn:aws:s3:::b", false);
    resource_case(
        "arn:aws:sqs:us-????-1:1:q",
        "sqs:SendMessage",
        "arn:aws:sqs:us-eaßt-1:1:q",
        true,
    );
}

/// L-411, L-508 – L-510.
#[test]
fn variables_are_replaced_in_resources() {
    resource_case("arn:aws:s3:::b/${aws:username}", "s3:GetObject", "arn:aws:s3:::b/ana", true);
    resource_case("arn:aws:s3:::b/${aws:username}*", "s3:GetObject", "arn:aws:s3:::b/ana/x", true);
    resource_case("arn:aws:s3:::b/${aws:absent}", "s3:GetObject", "arn:aws:s3:::b/", false);
    resource_case(
        "arn:aws:s3:::b/${aws:absent, 'all'}",
        "s3:GetObject",
        "arn:aws:s3:::b/all",
        true,
    );
    resource_case("arn:aws:s3:::b/a${*}c", "s3:GetObject", "arn:aws:s3:::b/abc", false);
    // A star becomes the last of its segment when the default behind it is empty.
    let wide = "arn:aws:sqs:*${aws:absent, ''}:111122223333:q";
    let crossing = "arn:aws:sqs:us-east-1:999999999999:x:111122223333:q";
    resource_case(wide, "sqs:SendMessage", crossing, true);
    let narrow = "arn:aws:sqs:*${aws:absent, '1'}:111122223333:q";
    resource_case(narrow, "sqs:SendMessage", "arn:aws:sqs:us-1:111122223333:q", true);
    resource_case(narrow, "sqs:SendMessage", "arn:aws:sqs:us:x-1:111122223333:q", false);
}

#[test]
fn a_value_with_a_colon_in_the_account_matches_nothing() {
    let statement = r#""Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:us-east-1:${k:v}:q""#;
    let case = |value, resource| {
        user()
            .on("sqs:SendMessage", resource)
            .with("k:v", Value::Single(value))
            .layer(Layer::Identity, &[statement])
    };
    case("1", "arn:aws:sqs:us-east-1:1:q").check("Allowed identity identity 0.0");
    case("1:2", "arn:aws:sqs:us-east-1:1:2:q").check("ImplicitDeny identity no_allow");
}

/// L-509: an unresolved entry excludes nothing; L-238: nor does an ARN pattern exclude `*`.
#[test]
fn not_resource_excludes_what_matches() {
    let not = |entry: &str| format!(r#""Effect":"Deny","Action":"s3:*","NotResource":"{entry}""#);
    let (absent, star, own) =
        (not("arn:aws:s3:::b/${k:absent}"), not("arn:aws:s3:::*"), not("arn:aws:s3:::b/k"));
    user().layer(Layer::Identity, &[&absent]).check("ExplicitDeny identity explicit_deny 0.0");
    user()
        .on("s3:ListAllMyBuckets", "*")
        .layer(Layer::Identity, &[&star])
        .check("ExplicitDeny identity explicit_deny 0.0");
    user().layer(Layer::Identity, &[ALLOW_ALL, &own]).check("Allowed identity identity 0.0");
}

fn condition(block: &str, key: &'static str, value: Option<Value>, holds: bool) {
    let statement = format!(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{block}"#);
    let expected =
        if holds { "Allowed identity identity 0.0" } else { "ImplicitDeny identity no_allow" };
    let case = user().layer(Layer::Identity, &[&statement]);
    match value {
        Some(value) => case.with(key, value).check(expected),
        None => case.check(expected),
    }
}

/// The worked examples of language, section 11.4, and the tables L-611 and L-612.
#[test]
fn conditions_hold_as_the_tables_say() {
    use Value::{Colliding, List, Single};
    let one = |text| Some(Single(text));
    let list = |texts: &[&'static str]| Some(List(texts.to_vec()));
    let check = |block: &str, key, value, holds| condition(block, key, value, holds);
    check(r#"{"Bool":{"k:b":"false"}}"#, "k:b", None, false);
    check(r#"{"BoolIfExists":{"k:b":"false"}}"#, "k:b", None, true);
    check(r#"{"StringNotEquals":{"k:s":"a"}}"#, "k:s", None, true);
    check(r#"{"StringNotEquals":{"k:s":["a","b"]}}"#, "k:s", one("a"), false);
    check(r#"{"StringNotEquals":{"k:s":["a","b"]}}"#, "k:s", one("c"), true);
    check(r#"{"StringEquals":{"k:s":"a"}}"#, "k:s", list(&["a"]), false);
    check(r#"{"StringNotEquals":{"k:s":"a"}}"#, "k:s", list(&["b"]), false);
    check(r#"{"StringEquals":{"k:s":"a"}}"#, "k:s", Some(Colliding), false);
    check(r#"{"StringNotEquals":{"k:s":"a"}}"#, "k:s", Some(Colliding), true);
    check(r#"{"StringEqualsIfExists":{"k:s":"a"}}"#, "k:s", Some(Colliding), false);
    check(r#"{"Null":{"k:s":"true"}}"#, "k:s", None, true);
    check(r#"{"Null":{"k:s":"false"}}"#, "k:s", one(""), true);
    check(r#"{"Null":{"k:s":"false"}}"#, "k:s", Some(Colliding), true);
    check(r#"{"Null":{"k:s":["true","false"]}}"#, "k:s", None, true);
    check(r#"{"ForAllValues:StringEquals":{"k:s":["a","b"]}}"#, "k:s", None, true);
    check(r#"{"ForAllValues:StringEquals":{"k:s":["a","b"]}}"#, "k:s", list(&["a", "c"]), false);
    check(r#"{"ForAllValues:StringLike":{"k:s":["a*"]}}"#, "k:s", list(&[""]), true);
    check(r#"{"ForAllValues:StringNotEquals":{"k:s":["a"]}}"#, "k:s", list(&["b", "c"]), true);
    check(r#"{"ForAllValues:StringNotEquals":{"k:s":["a"]}}"#, "k:s", Some(Colliding), true);
    check(r#"{"ForAnyValue:StringEquals":{"k:s":["a"]}}"#, "k:s", None, false);
    check(r#"{"ForAnyValue:StringEquals":{"k:s":["a"]}}"#, "k:s", list(&["a", "c"]), true);
    check(r#"{"ForAnyValue:StringNotEquals":{"k:s":["a"]}}"#, "k:s", list(&["a"]), false);
    check(r#"{"ForAnyValue:StringNotEquals":{"k:s":["a"]}}"#, "k:s", Some(Colliding), true);
    check(r#"{"ForAnyValue:StringLikeIfExists":{"k:s":["a*"]}}"#, "k:s", None, false);
    check(r#"{"StringEquals":{"k:s":[]}}"#, "k:s", one("a"), false);
    check(r#"{"StringNotEquals":{"k:s":[]}}"#, "k:s", one("a"), true);
    check(r#"{"StringEquals":{"K:S":"a"}}"#, "k:s", one("a"), true);
    check(r#"{"StringEquals":{"k:s":"a*"}}"#, "k:s", one("abc"), false);
    check(r#"{"StringEqualsIgnoreCase":{"k:s":"straße"}}"#, "k:s", one("STRASSE"), false);
    check(r#"{"StringEqualsIgnoreCase":{"k:s":"École"}}"#, "k:s", one("éCOLE"), true);
    check(r#"{"ArnEquals":{"k:a":"arn:aws:sns:*:1:t"}}"#, "k:a", one("arn:aws:sns:eu:1:t"), true);
    check(
        r#"{"ArnLike":{"k:a":"arn:aws:x:*:1:f/*"}}"#,
        "k:a",
        one("arn:aws:x:r:9:s/a:1:f/d"),
        false,
    );
    check(r#"{"ArnLike":{"k:a":"*"}}"#, "k:a", one("arn:aws:x:r:9:s"), false);
    check(r#"{"ArnNotLike":{"k:a":"arn:aws:x"}}"#, "k:a", one("arn:aws:x"), true);
    check(r#"{"IpAddress":{"k:i":"203.0.113.7/24"}}"#, "k:i", one("203.0.113.200"), true);
    check(r#"{"IpAddress":{"k:i":"203.0.113.0/24"}}"#, "k:i", one("::ffff:203.0.113.9"), true);
    check(
        r#"{"NotIpAddress":{"k:i":["203.0.113.0/24","2001:db8::/32"]}}"#,
        "k:i",
        one("2001:db8::1"),
        false,
    );
    check(r#"{"NotIpAddress":{"k:i":"10.0.0.0/8"}}"#, "k:i", one("no address"), true);
    check(r#"{"NumericEquals":{"k:n":"10"}}"#, "k:n", one("10.0"), true);
    check(r#"{"NumericLessThan":{"k:n":["5","20"]}}"#, "k:n", one("10"), true);
    check(r#"{"NumericNotEquals":{"k:n":"x"}}"#, "k:n", one("5"), true);
    for (operator, below, equal, above) in [
        ("LessThan", true, false, false),
        ("LessThanEquals", true, true, false),
        ("GreaterThan", false, false, true),
        ("GreaterThanEquals", false, true, true),
        ("Equals", false, true, false),
        ("NotEquals", true, false, true),
    ] {
        let number = format!(r#"{{"Numeric{operator}":{{"k:n":"5"}}}}"#);
        check(&number, "k:n", one("4.9"), below);
        check(&number, "k:n", one("5.0"), equal);
        check(&number, "k:n", one("5.1"), above);
        let date = format!(r#"{{"Date{operator}":{{"k:d":"2024-01-01T00:00:05Z"}}}}"#);
        check(&date, "k:d", one("2024-01-01T00:00:04Z"), below);
        check(&date, "k:d", one("2024-01-01T00:00:05.9Z"), equal);
        check(&date, "k:d", one("2024-01-01T00:00:06Z"), above);
    }
    check(r#"{"DateLessThan":{"k:d":"2024-07-01"}}"#, "k:d", one("2024-06-30T23:59:59Z"), true);
    check(r#"{"DateGreaterThan":{"k:d":"2024"}}"#, "k:d", one("2025-01-01T00:00:00Z"), true);
    check(r#"{"Bool":{"k:b":"TRUE"}}"#, "k:b", one("true"), true);
    check(r#"{"BinaryEquals":{"k:y":"Zm9v"}}"#, "k:y", one("Zm9v"), true);
    check(r#"{"BinaryEquals":{"k:y":"Zm9v"}}"#, "k:y", one("Zm9w"), false);
    check(r#"{"StringLike":{"k:s":"${aws:username}-*"}}"#, "k:s", one("ana-1"), true);
    check(r#"{"StringEquals":{"k:s":"${aws:absent}"}}"#, "k:s", one(""), false);
    check(r#"{"StringNotEquals":{"k:s":"${aws:absent}"}}"#, "k:s", one("a"), true);
    check(r#"{"StringEqualsIgnoreCase":{"k:s":"x${aws:username}"}}"#, "k:s", one("XANA"), true);
    check(r#"{"ArnLike":{"k:a":"${k:a}"}}"#, "k:a", one("arn:aws:x:r:9:s"), true);
    check(r#"{"ForAllValues:Null":{"k:s":"true"}}"#, "k:s", one("a"), true);
    check(r#"{"ForAnyValue:Null":{"k:s":"true"}}"#, "k:s", None, false);
}

/// E-40, E-53, E-54, E-55, F-21.
#[test]
fn resource_policies_grant_by_strength() {
    let account = resource_allow(r#"{"AWS":"111111111111"}"#);
    let role = resource_allow(r#"{"AWS":"arn:aws:iam::111111111111:role/R"}"#);
    let own = resource_allow(r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/R/s"}"#);
    let everyone = resource_allow(r#""*""#);
    session().layer(Layer::Resource, &[&own]).check("Allowed resource resource 0.0");
    session().layer(Layer::Resource, &[&account]).check("ImplicitDeny identity no_allow");
    session().layer(Layer::Resource, &[&account, &role]).check("Allowed resource resource 1.0");
    session().layer(Layer::Resource, &[&role, &own]).check("Allowed resource resource 0.0");
    session().layer(Layer::Resource, &[&own, &role]).check("Allowed resource resource 0.0");
    session()
        .layer(Layer::Resource, &[&role, &own])
        .layer(Layer::Boundary, &[r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#])
        .check("Allowed resource resource 1.0");
    session()
        .layer(Layer::Resource, &[&role])
        .layer(Layer::Boundary, &[r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#])
        .check("ImplicitDeny boundary no_allow");
    session()
        .layer(Layer::Resource, &[&everyone])
        .layer(Layer::Identity, &[ALLOW_S3])
        .check("Allowed identity identity+resource 0.0");
    let gated: fn(&mut Frame) = |frame| frame.gated = true;
    session()
        .layer(Layer::Resource, &[&account])
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(gated)
        .check("Allowed identity identity+resource 0.0");
    session()
        .layer(Layer::Resource, &[&own])
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(gated)
        .check("Allowed resource resource 0.0");
    session()
        .layer(Layer::Resource, &[&own, &account])
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(gated)
        .check("Allowed identity identity+resource 0.0");
    session()
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(gated)
        .check("ImplicitDeny resource no_allow");
    let cross: fn(&mut Frame) = |frame| frame.same_account = false;
    session().layer(Layer::Resource, &[&own]).frame(cross).check("ImplicitDeny identity no_allow");
    session()
        .layer(Layer::Resource, &[&account])
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(cross)
        .check("Allowed identity identity+resource 0.0");
    session()
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(cross)
        .check("ImplicitDeny resource no_allow");
    Case::new(PrincipalKind::Anonymous)
        .layer(Layer::Resource, &[&everyone])
        .check("Allowed resource resource 0.0");
    Case::new(PrincipalKind::Anonymous)
        .layer(Layer::Resource, &[&account])
        .check("ImplicitDeny resource no_allow");
    Case::new(PrincipalKind::Root).check("Allowed root root");
    Case::new(PrincipalKind::Root)
        .layer(Layer::Resource, &[&account])
        .frame(gated)
        .check("Allowed resource resource 0.0");
}

/// L-332 – L-334, E-43.
#[test]
fn not_principal_spares_whole_chains_only() {
    let deny = |entries: &str| {
        format!(
            r#""Effect":"Deny","NotPrincipal":{{"AWS":[{entries}]}},"Action":"s3:*","Resource":"*""#
        )
    };
    let both = deny(r#""arn:aws:iam::111111111111:user/ana","arn:aws:iam::111111111111:root""#);
    let user_only = deny(r#""arn:aws:iam::111111111111:user/ana""#);
    let allow = ALLOW_S3;
    user()
        .layer(Layer::Resource, &[&both])
        .layer(Layer::Identity, &[allow])
        .check("Allowed identity identity 0.0");
    user()
        .layer(Layer::Resource, &[&user_only])
        .layer(Layer::Identity, &[allow])
        .check("ExplicitDeny resource explicit_deny 0.0");
    user()
        .layer(Layer::Resource, &[&both])
        .layer(Layer::Identity, &[allow])
        .layer(Layer::Boundary, &[ALLOW_ALL])
        .check("ExplicitDeny resource explicit_deny 0.0");
}

/// E-35.
#[test]
fn every_node_must_allow() {
    let case =
        |documents: &[(&str, u16)]| user().layer(Layer::Identity, &[ALLOW_S3]).nodes(documents, 3);
    case(&[(ALLOW_ALL, 0), (ALLOW_S3, 1), (ALLOW_ALL, 2)]).check("Allowed identity identity 0.0");
    case(&[(ALLOW_ALL, 0), (ALLOW_ALL, 2)]).check("ImplicitDeny scp no_allow");
    case(&[(ALLOW_ALL, 2), (ALLOW_S3, 0), (ALLOW_ALL, 1)]).check("Allowed identity identity 0.0");
    let conditional =
        r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"k:b":"true"}}"#;
    case(&[(ALLOW_ALL, 0), (conditional, 1), (ALLOW_ALL, 2)]).check("ImplicitDeny scp no_allow");
    case(&[(ALLOW_ALL, 0), (conditional, 1), (ALLOW_ALL, 2)])
        .with("k:b", Value::Single("true"))
        .check("Allowed identity identity 0.0");
}

/// E-112.
#[test]
fn poison_denies_wherever_its_layer_applies() {
    user()
        .layer(Layer::Identity, &[ALLOW_S3])
        .text(Layer::Boundary, "not a policy")
        .check("ExplicitDeny boundary invalid_policy 0");
    user()
        .layer(Layer::ServiceControl, &[DENY_S3])
        .text(Layer::Identity, "not a policy")
        .check("ExplicitDeny scp explicit_deny 0.0");
    user()
        .text(Layer::Resource, "not a policy")
        .frame(|frame| frame.ignore_resource_denies = true)
        .check("ExplicitDeny resource invalid_policy 0");
}

/// E-70, E-75, E-51, E-83, E-84.
#[test]
fn fixed_rules_stand_where_the_algorithm_puts_them() {
    use assize_model::ReasonCode;
    user()
        .layer(Layer::Identity, &[DENY_S3])
        .frame(|frame| frame.builtin_allow = true)
        .check("Allowed builtin builtin");
    user()
        .layer(Layer::VpcEndpoint, &[&resource_allow(r#"{"AWS":"999999999999"}"#)])
        .frame(|frame| frame.builtin_allow = true)
        .check("ImplicitDeny vpce no_allow");
    user()
        .layer(Layer::Identity, &[DENY_S3])
        .frame(|frame| frame.builtin_refusal = Some(ReasonCode::SessionKind))
        .check("ExplicitDeny identity explicit_deny 0.0");
    user()
        .layer(Layer::ServiceControl, &[r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#])
        .frame(|frame| frame.builtin_refusal = Some(ReasonCode::SessionKind))
        .check("ImplicitDeny builtin session_kind");
    user()
        .layer(Layer::ServiceControl, &[r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#])
        .frame(|frame| frame.refusal = Some(ReasonCode::PartitionMismatch))
        .check("ImplicitDeny scp no_allow");
    user()
        .layer(Layer::Identity, &[ALLOW_S3])
        .frame(|frame| frame.refusal = Some(ReasonCode::PartitionMismatch))
        .check("ImplicitDeny service partition_mismatch");
    let deny = r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#;
    Case::new(PrincipalKind::Root)
        .layer(Layer::Resource, &[deny])
        .frame(|frame| frame.ignore_resource_denies = true)
        .check("Allowed root root");
    user()
        .layer(Layer::Resource, &[&resource_allow(r#""*""#)])
        .frame(|frame| frame.ignore_resource_allows = true)
        .check("ImplicitDeny identity no_allow");
    // The exceptions are about the resource's own policy; grants stand beside it.
    let as_grants: fn(&mut Frame) = |frame| {
        frame.grants = frame.resource.take();
        frame.ignore_resource_denies = true;
        frame.ignore_resource_allows = true;
    };
    user()
        .layer(Layer::Resource, &[deny])
        .frame(as_grants)
        .check("ExplicitDeny resource explicit_deny grant:0.0");
    user()
        .layer(Layer::Resource, &[&resource_allow(r#""*""#)])
        .frame(as_grants)
        .check("Allowed resource resource grant:0.0");
}

/// E-38.
#[test]
fn sessions_restrict() {
    session()
        .layer(Layer::Identity, &[ALLOW_ALL])
        .layer(Layer::Session, &[r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#])
        .check("ImplicitDeny session no_allow");
    Case::new(PrincipalKind::FederatedUser)
        .layer(Layer::Identity, &[ALLOW_ALL])
        .frame(|frame| frame.session = SessionLayer::Empty)
        .check("ImplicitDeny session no_allow");
    let task: fn(&mut Frame) = |frame| {
        frame.identity = IdentityLayer::AllowAll;
        if let SessionLayer::Set(set) = frame.session {
            frame.session = SessionLayer::Task(set);
        }
    };
    let root = || Case::new(PrincipalKind::AssumedRoot);
    root()
        .layer(Layer::Session, &[DENY_S3])
        .frame(task)
        .check("ExplicitDeny session explicit_deny 0.0");
    root()
        .on("sqs:SendMessage", "*")
        .layer(Layer::Session, &[DENY_S3])
        .frame(task)
        .check("Allowed root root");
}

/// Cells with many patterns are searched, and report the first statement all the same.
#[test]
fn many_patterns_report_the_first_statement() {
    let statements: Vec<String> = (0..40)
        .map(|n| {
            let effect = if n == 30 { "Deny" } else { "Allow" };
            format!(r#""Effect":"{effect}","Action":"s3:Get*","Resource":["arn:aws:s3:::b{n}/*","arn:aws:s3:::*-{n}/x"]"#)
        })
        .collect();
    let text = policy(&statements);
    let case = |resource| user().on("s3:GetObject", resource).text(Layer::Identity, &text);
    case("arn:aws:s3:::b7/k").check("Allowed identity identity 0.7");
    case("arn:aws:s3:::b7-3/x").check("Allowed identity identity 0.3");
    case("arn:aws:s3:::b9-3/x").check("Allowed identity identity 0.3");
    case("arn:aws:s3:::b30/k").check("ExplicitDeny identity explicit_deny 0.30");
    case("arn:aws:s3:::c/k").check("ImplicitDeny identity no_allow");
}

/// Statements that no pattern finds stay candidates, in their place.
#[test]
fn indexes_keep_the_order_of_statements() {
    let mut statements: Vec<String> = (0..20)
        .map(|n| format!(r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::*{n}/*""#))
        .collect();
    let other = r#""Effect":"Allow","Action":"s3:Get*","NotResource":"arn:aws:s3:::b17/*""#;
    statements.insert(3, other.to_owned());
    let template =
        r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::*/${aws:username}""#;
    statements.insert(0, template.to_owned());
    let text = policy(&statements);
    let case = |resource| user().on("s3:GetObject", resource).text(Layer::Identity, &text);
    case("arn:aws:s3:::b17/k").check("Allowed identity identity 0.9");
    case("arn:aws:s3:::b17/ana").check("Allowed identity identity 0.0");
    case("arn:aws:s3:::b12/k").check("Allowed identity identity 0.3");
    case("arn:aws:s3:::b5/k").check("Allowed identity identity 0.4");
    case("arn:aws:s3:::b1/k").check("Allowed identity identity 0.2");
}

/// Indexes of several documents are joined, and every statement keeps its place.
#[test]
fn joined_indexes_keep_documents_apart() {
    let many = |bucket: &str, more: &str| {
        let statements = (0..12).map(|n| {
            format!(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{bucket}{n}/*""#)
        });
        let statements: Vec<String> = statements.chain([more.to_owned()]).collect();
        policy(&statements)
    };
    let deny =
        |resource: &str| format!(r#""Effect":"Deny","Action":"s3:*","Resource":"{resource}""#);
    let one = policy(&[r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::*/k""#]);
    let template =
        r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::t/${aws:username}""#;
    let documents = [
        many("b", template),
        one,
        many("c", &deny("arn:aws:s3:::c3/secret")),
        many("d", r#""Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::e/*""#),
    ];
    let case = |resource| {
        let mut case = user().on("s3:GetObject", resource);
        let documents = documents.iter().map(|text| (text.clone(), 0)).collect();
        case.layers.push((Layer::Identity, PolicyType::ManagedIdentity, documents, 1));
        case
    };
    case("arn:aws:s3:::b7/x").check("Allowed identity identity 0.7");
    case("arn:aws:s3:::t/ana").check("Allowed identity identity 0.12");
    case("arn:aws:s3:::c7/k").check("Allowed identity identity 1.0");
    case("arn:aws:s3:::c7/x").check("Allowed identity identity 2.7");
    case("arn:aws:s3:::c3/secret").check("ExplicitDeny identity explicit_deny 2.12");
    case("arn:aws:s3:::d11/x").check("Allowed identity identity 3.11");
    case("arn:aws:s3:::f/x").check("Allowed identity identity 3.12");
    case("arn:aws:s3:::e/x").check("ImplicitDeny identity no_allow");

    let mut input = Input::default();
    let documents: Vec<(String, u16)> = documents.into_iter().map(|text| (text, 0)).collect();
    input.set(PolicyType::ManagedIdentity, 1, &documents);
    let (tables, ..) = input.compile(&CompileOptions::default());
    assert!(tables.program.indexes.iter().any(|index| index.documents.contains(&3)));
}

/// What denies and what allows is searched at once, and each finds its own statements.
#[test]
fn denies_and_allows_share_a_search() {
    let statement = |effect: &str, resource: &str| {
        format!(r#""Effect":"{effect}","Action":"s3:*","Resource":"{resource}""#)
    };
    let mut statements: Vec<String> = Vec::new();
    for n in 10..30 {
        statements.push(statement("Allow", &format!("arn:aws:s3:::b{n}-*/k")));
        statements.push(statement("Deny", &format!("arn:aws:s3:::*-{n}/*")));
    }
    statements.push(statement("Deny", "arn:aws:s3:::${aws:username}/*"));
    let text = policy(&statements);
    let case = |resource| user().on("s3:GetObject", resource).text(Layer::Identity, &text);
    case("arn:aws:s3:::b11-x/k").check("Allowed identity identity 0.2");
    case("arn:aws:s3:::b11-12/k").check("ExplicitDeny identity explicit_deny 0.5");
    case("arn:aws:s3:::x-29/k").check("ExplicitDeny identity explicit_deny 0.39");
    case("arn:aws:s3:::ana/k").check("ExplicitDeny identity explicit_deny 0.40");
    case("arn:aws:s3:::b11-x/l").check("ImplicitDeny identity no_allow");

    let indexes_of = |limit: usize| -> Vec<(u32, usize)> {
        let mut input = Input::default();
        input.set(PolicyType::ManagedIdentity, 1, &[(text.clone(), 0)]);
        let options = CompileOptions { max_indexed_patterns: limit, ..CompileOptions::default() };
        let (tables, ..) = input.compile(&options);
        tables.program.indexes.iter().map(|index| (index.first, index.set.len())).collect()
    };
    assert_eq!(indexes_of(80), [(0, 40), (20, 40)]);
    // What shares a set takes half of the room at most.
    assert_eq!(indexes_of(79), [(0, 20), (0, 20)]);
}

/// What was found in a search of one layer is not taken for that of another.
#[test]
fn searches_of_layers_are_told_apart() {
    let statement = |effect: &str, resource: &str, more: &str| {
        format!(r#""Effect":"{effect}","Action":"s3:*","Resource":"arn:aws:s3:::{resource}"{more}"#)
    };
    let is_bob = r#","Condition":{"StringEquals":{"aws:username":"bob"}}"#;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for n in 10..30 {
        // Of what denies, what matches the resource applies only in the other layer.
        first.push(statement("Deny", &format!("*-{n}/k"), is_bob));
        first.push(statement("Allow", &format!("b{n}-*/k"), ""));
        second.push(statement("Deny", &format!("b{n}-*/l"), ""));
        second.push(statement("Allow", &format!("*-{n}/k"), ""));
    }
    let (first, second) = (policy(&first), policy(&second));
    let layers = |of_identity: &str, of_boundary: &str| {
        user()
            .on("s3:GetObject", "arn:aws:s3:::b11-12/k")
            .text(Layer::Identity, of_identity)
            .text(Layer::Boundary, of_boundary)
    };
    layers(&first, &second).check("Allowed identity identity 0.3");
    layers(&second, &first).check("Allowed identity identity 0.5");
}

/// Atoms of tables and of overlays are remembered apart.
#[test]
fn conditions_of_overlays_are_their_own() {
    let allow = |pattern: &str| {
        policy(&[format!(
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"k:s":"{pattern}"}}}}"#
        )])
    };
    let mut input = Input::default();
    input.set(PolicyType::ManagedIdentity, 1, &[(allow("a*"), 0)]);
    input.set(PolicyType::PermissionsBoundary, 1, &[(allow("b*"), 0)]);
    let (tables, ids, _) = input.compile(&CompileOptions::default());
    let mut overlay = Overlay::new();
    let boundary = in_overlay_too(&tables, &mut overlay, ids[1]);
    let mut frame = Frame::new(PrincipalKind::User);
    frame.identity = IdentityLayer::Set(ids[0].into());
    frame.boundary = Some(boundary);
    let request = Request {
        frame: 0,
        principal: 0,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        context: vec![("k:s", Value::Single("a"))],
    };
    let principals = vec![(principal(PrincipalKind::User), Vec::new())];
    let batch = Batch::new(&tables, &mut overlay, vec![frame], principals, &[request]);
    assert_eq!(line(batch.decide(&tables, &overlay)[0]), "ImplicitDeny boundary no_allow");
}

/// E-104.
#[test]
fn missing_keys_are_those_of_statements_that_match_in_all_else() {
    let texts = [
        r#""Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"k:other":"true"}}"#,
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${k:Variable}""#,
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::c/${k:elsewhere}""#,
        r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"k:Test":"${k:value}"},"Bool":{"k:there":"false"}}"#,
    ];
    let mut input = Input::default();
    input.set(PolicyType::ManagedIdentity, 1, &[(policy(&texts), 0)]);
    let (tables, ids, _) = input.compile(&CompileOptions::default());
    let mut overlay = Overlay::new();
    let mut frame = Frame::new(PrincipalKind::User);
    frame.identity = IdentityLayer::Set(ids[0].into());
    let request = Request {
        frame: 0,
        principal: 0,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        context: vec![("k:there", Value::Single("true"))],
    };
    let principals = vec![(principal(PrincipalKind::User), Vec::new())];
    let batch = Batch::new(&tables, &mut overlay, vec![frame], principals, &[request]);
    let trace = batch.trace(&tables, &overlay, 0);
    let statements = &trace.layers[4].statements;
    let missing = |at: usize| -> Vec<&str> {
        statements[at].missing_keys.iter().map(assize_model::ConditionKey::spelling).collect()
    };
    let failed: Vec<_> = statements.iter().map(|statement| statement.failed).collect();
    let (action, resource) = (Some(FailedPart::Action), Some(FailedPart::Resource));
    assert_eq!(failed, [action, resource, resource, Some(FailedPart::Condition(0))]);
    assert_eq!(missing(0), [""; 0]);
    assert_eq!(missing(1), ["k:Variable"]);
    assert_eq!(missing(2), [""; 0]);
    assert_eq!(missing(3), ["k:Test", "k:value"]);
}
