use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::{
    AccountId, Bound, ContextInput, ContextScalar, Decision, InlinePrincipal, Layer, PolicyText,
    PrincipalKind, ReasonCode, Session, StatedPrincipal, Target, Verdict,
};
use assize_policy::{LibraryBuilder, LoadMode, LoadOptions};
use assize_store::{
    Account, DocumentText, InlinePolicy, Organization, OrganizationNode, Resource,
    ResourceAttributes, Role, StoreChange, StoreEditor, User,
};

use super::*;

const A: &str = "111111111111";
const U: &str = "arn:aws:iam::111111111111:user/u";
const R: &str = "arn:aws:iam::111111111111:role/R";
const OBJECT: &str = "arn:aws:s3:::b/k";

/// A small world: account A with user `u` and role `R`, bucket `b`.
struct Small {
    editor: StoreEditor,
    options: EngineOptions,
}

fn account() -> AccountId {
    A.parse().unwrap()
}

fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn allow(action: &str, resource: &str) -> String {
    policy(&format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#))
}

fn user(identity: &[&str], boundary: Option<&str>) -> User<DocumentText> {
    let inline = identity.iter().enumerate().map(|(n, text)| InlinePolicy {
        name: format!("p{n}").into(),
        document: DocumentText::new(*text),
    });
    User {
        name: "u".into(),
        path: "/".into(),
        arn: U.into(),
        unique_id: "AIDAAAAAAAAAAAAAAAAAA".into(),
        created: None,
        inline: inline.collect(),
        attached: Vec::new(),
        groups: Vec::new(),
        boundary: boundary.map(Arc::from),
        tags: Vec::new(),
    }
}

fn role(trust: &str) -> Role<DocumentText> {
    Role {
        name: "R".into(),
        path: "/".into(),
        arn: R.into(),
        unique_id: "AROAAAAAAAAAAAAAAAAAA".into(),
        created: None,
        trust: Some(DocumentText::new(trust)),
        description: None,
        max_session_seconds: 3_600,
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
    }
}

impl Small {
    fn new(user: User<DocumentText>) -> Self {
        let mut editor = assize_store::StoreSnapshot::empty().edit();
        let trust =
            r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"111111111111"}}"#;
        for change in [
            StoreChange::PutAccount(Box::new(Account::new(account()))),
            StoreChange::PutUser(account(), user),
            StoreChange::PutRole(account(), role(&policy(trust))),
        ] {
            editor.apply(change).unwrap();
        }
        let mut small = Self { editor, options: EngineOptions::default() };
        small.bucket(&[]);
        small
    }

    fn bucket(&mut self, policies: &[&str]) -> &mut Self {
        let resource = Resource {
            arn: "arn:aws:s3:::b".into(),
            account: account(),
            tags: None,
            policies: policies.iter().map(|text| DocumentText::new(*text)).collect(),
            attributes: ResourceAttributes::default(),
        };
        self.editor.apply(StoreChange::PutResource(resource)).unwrap();
        self
    }

    fn decide(self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError> {
        let (snapshot, _) = self.editor.commit();
        let mut library = LibraryBuilder::new();
        for (id, document) in snapshot.documents() {
            let mut options = LoadOptions::new(document.policy_type, LoadMode::Import);
            options.service.clone_from(&document.service);
            match &document.text {
                Some(text) => library.insert(id, text, &options),
                None => library.insert_missing(id),
            };
        }
        let catalog = Catalog::bundled().unwrap();
        let world = World {
            snapshot: &snapshot,
            library: &library.build(),
            catalog: &catalog,
            options: &self.options,
            now: 1_700_000_000,
        };
        evaluate(&world, request)
    }
}

fn request<'a>(principal: &'a str, action: &'a str, resource: &'a str) -> Request<'a> {
    Request {
        principal: assize_model::Principal::Text(principal.into()),
        target: Target::Action {
            action: action.into(),
            resource: Some(resource.into()),
            resources: Vec::new(),
        },
        ..Request::default()
    }
}

fn given(key: &str, value: &str) -> Vec<(std::borrow::Cow<'static, str>, ContextInput<'static>)> {
    let value = ContextInput::Scalar(ContextScalar::String(value.to_owned().into()));
    vec![(key.to_owned().into(), value)]
}

fn check(answer: &EffectiveDecision, decision: Decision, layer: Layer, reason: ReasonCode) {
    let found = Bound {
        decision: answer.decision,
        layer: answer.decisive.layer,
        reason: answer.decisive.reason,
    };
    assert_eq!(found, Bound { decision, layer, reason }, "{}", answer.message);
}

fn kind_of(answer: Result<EffectiveDecision, RequestError>) -> RequestErrorKind {
    answer.expect_err("the request is malformed").kind()
}

/// E-102: what took part, by the names of policies; E-106: no message when allowed.
#[test]
fn an_allow_names_the_statements_that_took_part() {
    let mut small = Small::new(user(&[&allow("s3:*", "*"), &allow("ec2:*", "*")], None));
    let direct = format!(
        r#"{{"Sid":"D","Effect":"Allow","Action":"s3:*","Resource":"{OBJECT}","Principal":{{"AWS":"{U}"}}}}"#
    );
    small.bucket(&[&policy(&direct)]);
    let answer = small.decide(&request(U, "S3:getobject", OBJECT)).unwrap();
    check(&answer, Decision::Allowed, Layer::Identity, ReasonCode::Allow);
    let policies: Vec<_> = answer.decisive.statements.iter().map(|s| &*s.policy).collect();
    assert_eq!(policies, ["inline:user/u/p0", "resource:arn:aws:s3:::b#0"]);
    assert_eq!(&*answer.checks[0].action, "s3:GetObject");
    assert_eq!(&*answer.message, "");
}

/// E-58, E-104, E-106.
#[test]
fn an_implicit_deny_says_what_is_missing() {
    let statement = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/t}*",
        "Condition":{"StringEquals":{"s3:prefix":"x"}}},
        {"Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{"Bool":{"AWS:viaawsservice":"true"},
        "StringLike":{"aws:UserAgent":"${aws:referer}"}}}"#;
    let small = Small::new(user(&[&policy(statement)], None));
    let answer = small.decide(&request(U, "s3:GetObject", OBJECT)).unwrap();
    check(&answer, Decision::ImplicitDeny, Layer::Identity, ReasonCode::NoAllow);
    let keys: Vec<&str> = answer.missing_context_keys.iter().map(|key| &**key).collect();
    assert_eq!(keys, ["aws:PrincipalTag/t", "aws:referer", "aws:UserAgent"]);
    assert_eq!(answer.checks[0].would_allow, [Layer::Identity]);
    assert_eq!(
        &*answer.message,
        "User: arn:aws:iam::111111111111:user/u is not authorized to perform: s3:GetObject on \
         resource: arn:aws:s3:::b/k because no identity-based policy allows the s3:GetObject action"
    );
}

/// E-112: poison in the boundary; dropped, it is as if not attached.
#[test]
fn poison_denies_and_can_be_dropped() {
    let boundary = Some("arn:aws:iam::111111111111:policy/nobody");
    let identity = allow("s3:*", "*");
    let small = || Small::new(user(&[&identity], boundary));
    let answer = small().decide(&request(U, "s3:GetObject", OBJECT)).unwrap();
    check(&answer, Decision::ExplicitDeny, Layer::Boundary, ReasonCode::InvalidPolicy);
    let [reference] = &*answer.decisive.statements else { panic!("one reference") };
    assert_eq!(&*reference.policy, "boundary:arn:aws:iam::111111111111:policy/nobody");
    assert_eq!(reference.statement, None);
    let mut small = small();
    small.options.skip_invalid_policies = true;
    let answer = small.decide(&request(U, "s3:GetObject", OBJECT)).unwrap();
    check(&answer, Decision::Allowed, Layer::Identity, ReasonCode::Allow);
    assert_eq!(answer.checks[0].layers[5].verdict, Verdict::NotApplicable);
    let note = "skipped_invalid_policy:boundary:arn:aws:iam::111111111111:policy/nobody";
    assert!(answer.notes.iter().any(|own| **own == *note));
}

/// E-67, E-90: tags in the call are a second check.
#[test]
fn tags_in_a_call_are_checked_too() {
    let small = Small::new(user(&[&allow("sts:*", "*")], None));
    let mut request = request(U, "sts:AssumeRole", R);
    request.request_tags = Some(vec![("k".into(), "v".into())]);
    let answer = small.decide(&request).unwrap();
    check(&answer, Decision::ImplicitDeny, Layer::Resource, ReasonCode::NoAllow);
    assert_eq!(answer.decisive.check, 1);
    assert_eq!(&*answer.checks[1].action, "sts:TagSession");
    assert_eq!(answer.checks[0].decision, Decision::Allowed);
    assert!(answer.message.contains("because no role trust policy allows"));
}

/// E-23, E-122: derived keys cannot be forged; what is under `absent` is not there.
#[test]
fn contradictions_are_errors() {
    let decide = |context, absent: &[&'static str]| {
        let mut request = request(U, "s3:GetObject", OBJECT);
        request.context = context;
        request.absent = absent.iter().map(|name| (*name).into()).collect();
        Small::new(user(&[], None)).decide(&request)
    };
    let conflict = RequestErrorKind::ContextConflict;
    assert_eq!(kind_of(decide(given("aws:principalARN", R), &[])), conflict);
    assert_eq!(kind_of(decide(given("aws:SourceArn", R), &[])), conflict);
    assert_eq!(kind_of(decide(given("saml:aud", "x"), &[])), conflict);
    assert_eq!(kind_of(decide(Vec::new(), &["aws:username"])), conflict);
    assert_eq!(kind_of(decide(given("s3:prefix", "x"), &["S3:prefix"])), conflict);
    assert!(decide(given("aws:PrincipalArn", U), &["s3:prefix"]).is_ok());
}

/// E-3, E-10, F-16.
#[test]
fn malformed_requests_have_no_decision() {
    let decide = |request: &Request<'_>| kind_of(Small::new(user(&[], None)).decide(request));
    let of = |principal, action, resource| decide(&request(principal, action, resource));
    assert_eq!(of(A, "s3:GetObject", OBJECT), RequestErrorKind::InvalidPrincipal);
    let nobody = "arn:aws:iam::111111111111:user/nobody";
    assert_eq!(of(nobody, "s3:GetObject", OBJECT), RequestErrorKind::UnknownPrincipal);
    assert_eq!(of(U, "s3:Get*", OBJECT), RequestErrorKind::InvalidAction);
    assert_eq!(of(U, "s3:GetObject", "b/k"), RequestErrorKind::InvalidResource);
    let federated = "arn:aws:sts::111111111111:federated-user/f";
    assert_eq!(of(federated, "s3:GetObject", OBJECT), RequestErrorKind::InvalidPrincipal);
    let mut stated = StatedPrincipal::new(PrincipalKind::User);
    stated.arn = Some(U.into());
    stated.session = Some(Session { source_identity: Some("x".into()), ..Session::default() });
    let mut request = request(U, "s3:GetObject", OBJECT);
    request.principal = assize_model::Principal::Stated(Box::new(stated));
    assert_eq!(decide(&request), RequestErrorKind::InvalidPrincipal);
    request.target = Target::Checks(Vec::new());
    request.principal = assize_model::Principal::Text(U.into());
    assert_eq!(decide(&request), RequestErrorKind::InvalidField);
}

/// E-120, E-128, E-131: what is not told is unknown in partial context, and absent in complete.
#[test]
fn partial_context_is_between_its_bounds() {
    let text = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":
            {"StringEquals":{"aws:UserAgent":"x"}}}"#,
    );
    let asked = request(U, "s3:GetObject", OBJECT);
    let absent = Small::new(user(&[&text], None)).decide(&asked).unwrap();
    check(&absent, Decision::ImplicitDeny, Layer::Identity, ReasonCode::NoAllow);
    let mut small = Small::new(user(&[&text], None));
    small.options.context = ContextMode::Partial;
    let answer = small.decide(&asked).unwrap();
    check(&answer, Decision::Indeterminate, Layer::Identity, ReasonCode::MissingContext);
    let bound = |decision, reason| Bound { decision, layer: Layer::Identity, reason };
    let bounds = answer.bounds.expect("the bounds differ");
    assert_eq!(bounds.worst, bound(Decision::ImplicitDeny, ReasonCode::NoAllow));
    assert_eq!(bounds.best, bound(Decision::Allowed, ReasonCode::Allow));
    assert_eq!(answer.depends_on, ["aws:UserAgent".into()]);
    assert!(answer.missing_context_keys.is_empty());
    assert!(answer.message.ends_with("on resource: arn:aws:s3:::b/k: it depends on aws:UserAgent"));
}

/// E-122: keys are unknown in partial context alone.
#[test]
fn unknown_keys_need_partial_context() {
    let mut unknown = request(U, "s3:GetObject", OBJECT);
    unknown.unknown = vec!["aws:SourceIp".into()];
    let answer = Small::new(user(&[], None)).decide(&unknown);
    assert_eq!(kind_of(answer), RequestErrorKind::ContextMode);
}

/// F-16: policies given on the spot replace those of the store, for users nobody knows.
#[test]
fn policies_can_be_given_on_the_spot() {
    let text = allow("s3:GetObject", OBJECT);
    let mut stated = StatedPrincipal::new(PrincipalKind::User);
    stated.arn = Some("arn:aws:iam::111111111111:user/ghost".into());
    stated.inline =
        Some(InlinePrincipal { policies: vec![PolicyText(text.into())], ..Default::default() });
    let mut request = request(U, "s3:GetObject", OBJECT);
    request.principal = assize_model::Principal::Stated(Box::new(stated));
    let answer = Small::new(user(&[], None)).decide(&request).unwrap();
    check(&answer, Decision::Allowed, Layer::Identity, ReasonCode::Allow);
    assert_eq!(&*answer.decisive.statements[0].policy, "inline:given/0");
}

/// E-35: each node must allow; the layer names the node, and a node without SCPs allows nothing.
#[test]
fn every_node_of_the_path_must_allow() {
    let mut small = Small::new(user(&[&allow("s3:*", "*")], None));
    let node = |parent: Option<&str>, scps: &[&str]| OrganizationNode {
        parent: parent.map(Into::into),
        unit: None,
        scps: scps.iter().map(|id| (*id).into()).collect(),
        rcps: Vec::new(),
    };
    let full = assize_store::FULL_AWS_ACCESS_ID;
    let management: AccountId = "100000000001".parse().unwrap();
    let organization = Organization {
        id: "o-aaaaaaaaaa".into(),
        management_account: management,
        root_id: "r-aaaa".into(),
        scp_enabled: true,
        rcp_enabled: false,
        delegated_administrators: BTreeMap::new(),
        policies: BTreeMap::new(),
        nodes: [
            ("r-aaaa".into(), node(None, &[full])),
            (management.as_str().into(), node(Some("r-aaaa"), &[full])),
            (A.into(), node(Some("r-aaaa"), &[])),
        ]
        .into_iter()
        .collect(),
    };
    small.editor.apply(StoreChange::PutOrganization(organization)).unwrap();
    let answer = small.decide(&request(U, "s3:GetObject", OBJECT)).unwrap();
    check(&answer, Decision::ImplicitDeny, Layer::ServiceControl, ReasonCode::NoAllow);
    let nodes: Vec<_> = answer.checks[0].layers[1].nodes.iter().map(|n| n.verdict).collect();
    assert_eq!(nodes, [Verdict::Allow, Verdict::ImplicitDeny]);
    let org = answer.checks[0].context.get("aws:principalorgpaths").map(|entry| &entry.value);
    let expected = assize_model::ContextValue::List(vec!["o-aaaaaaaaaa/r-aaaa/".into()]);
    assert_eq!(org, Some(&expected));
}

/// L-411, L-510: which stars cross colons.
#[test]
fn a_wide_star_crosses_colons() {
    let decide = |pattern: &str, resource: &str| {
        let small = Small::new(user(&[&allow("sqs:*", pattern)], None));
        let answer = small.decide(&request(U, "sqs:SendMessage", resource)).unwrap();
        let identity = &answer.checks[0].layers[4];
        identity.verdict == Verdict::Allow
    };
    let crossing = "arn:aws:sqs:us-east-1:999999999999:x:111122223333:q";
    assert!(decide("arn:aws:sqs:*:111122223333:q", crossing));
    let plain = "arn:aws:sqs:us-east-1:111122223333:q";
    assert!(decide("arn:aws:sqs:us-*-1:111122223333:q", plain));
    assert!(!decide("arn:aws:sqs:*-1:111122223333:q", "arn:aws:sqs:us-east:x-1:111122223333:q"));
    assert!(decide("arn:aws:sqs:*", plain));
    assert!(decide("arn:aws:sqs:${aws:none, 'us-east-1'}:111122223333:?", plain));
    assert!(!decide("arn:aws:sqs:${aws:none, 'us-east-1:111122223333'}:*:q", plain));
}

/// The interpreter is an `Authorizer`.
#[test]
fn worlds_are_authorizers() {
    fn authorizer<T: Authorizer>() {}
    authorizer::<World<'_>>();
}
