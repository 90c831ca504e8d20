//! Random small worlds: every way to decide gives the answer of the trace (E-110).

use std::collections::BTreeMap;

use assize_model::ReasonCode;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use super::cases::{in_overlay_too, line, variants};
use super::*;

const ACTIONS: &[&str] =
    &["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "custom:DoIt", "s3:GetFrobnicated"];
const ACTION_PATTERNS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:?etObject",
    "s3:PutObject",
    "sqs:*",
    "custom:Do*",
    "custom:*It",
    "S3:getfrob*",
    "nothing:*",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/ana/x",
    "arn:aws:s3:::b/ana",
    "arn:aws:s3:::b/pay:1/k",
    "arn:aws:sqs:us-east-1:111111111111:q",
    "arn:aws:sqs:us-east-1:999999999999:x:111111111111:q",
];
const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::*/x",
    "arn:aws:s3:::b/${aws:username}*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team}/?",
    "arn:aws:s3:::b/${k:absent, 'ana'}/x",
    "arn:aws:s3:::b/${k:many}",
    "arn:aws:sqs:*:111111111111:q",
    "arn:aws:sqs:*-1:*:q",
    "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:q",
    "arn:aws:sqs:*${k:absent, ''}:111111111111:q",
    "arn:aws:sqs:us-????-1:*:*",
    "arn:aws:sqs:u*${k:s}:111111111111:*",
    "arn:*:s3:::b/a?a*",
];
const MORE_PATTERNS: &[&str] = &[
    "arn:aws:s3:::b/?",
    "arn:aws:s3:::c*/x",
    "arn:aws:s3:::*:1/k",
    "arn:aws:sqs:eu-*:*:*",
    "arn:aws:sqs:*:*:p",
    "arn:aws:s3:::d",
    "arn:aws:s3:::e/*",
    "arn:aws:s3:::f/*/g",
    "arn:aws:s3:::b/anb/*",
    "arn:aws:*:::*/an?",
    "arn:aws:s3:::*z*",
    "arn:aws:s3:::b/x*",
];
const CONDITIONS: &[&str] = &[
    r#""StringEquals":{"k:s":["a","b"]}"#,
    r#""StringNotEquals":{"k:s":"a"}"#,
    r#""StringEqualsIfExists":{"k:s":"a"}"#,
    r#""StringLike":{"k:s":["a*","?"]}"#,
    r#""StringNotLike":{"k:s":["a*","${aws:username}"]}"#,
    r#""StringEqualsIgnoreCase":{"k:s":["A","${aws:username}"]}"#,
    r#""StringEquals":{"k:s":"${aws:PrincipalTag/team}"}"#,
    r#""ForAllValues:StringEquals":{"k:many":["a","b"]}"#,
    r#""ForAllValues:StringNotLike":{"k:many":["a*"]}"#,
    r#""ForAnyValue:StringLike":{"k:many":["a*"]}"#,
    r#""ForAnyValue:StringNotEquals":{"k:many":["a","b"]}"#,
    r#""ForAllValues:Null":{"k:many":"true"}"#,
    r#""ForAnyValue:Null":{"k:many":"true"}"#,
    r#""Null":{"k:s":"true"}"#,
    r#""Null":{"k:many":["false"]}"#,
    r#""Bool":{"k:b":"true"}"#,
    r#""BoolIfExists":{"k:b":"false"}"#,
    r#""NumericLessThanEquals":{"k:s":["5"]}"#,
    r#""NumericNotEquals":{"k:s":["5","x"]}"#,
    r#""DateGreaterThan":{"k:s":"2024-01-01"}"#,
    r#""IpAddress":{"k:i":["10.0.0.0/8","::1"]}"#,
    r#""NotIpAddress":{"k:i":["10.0.0.0/8"]}"#,
    r#""ArnLike":{"aws:PrincipalArn":["arn:aws:iam::*:user/a*","arn:aws:iam::*:role/*"]}"#,
    r#""ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:user/ana"}"#,
    r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#,
    r#""StringEquals":{"k:s":[]}"#,
];
const PRINCIPALS: &[&str] = &[
    r#""*""#,
    r#"{"AWS":"111111111111"}"#,
    r#"{"AWS":"arn:aws:iam::111111111111:root"}"#,
    r#"{"AWS":"arn:aws-cn:iam::111111111111:root"}"#,
    r#"{"AWS":["arn:aws:iam::111111111111:user/ana","arn:aws:iam::111111111111:role/R"]}"#,
    r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/R/s"}"#,
    r#"{"AWS":"arn:aws:sts::111111111111:federated-user/F"}"#,
    r#"{"AWS":["AIDAEXAMPLE","111111111111"]}"#,
    r#"{"Service":"lambda.amazonaws.com"}"#,
    r#"{"AWS":"999999999999"}"#,
];
const NOT_PRINCIPALS: &[&str] = &[
    r#"{"AWS":["111111111111","arn:aws:iam::111111111111:user/ana"]}"#,
    r#"{"AWS":["111111111111","arn:aws:iam::111111111111:role/R","arn:aws:sts::111111111111:assumed-role/R/s"]}"#,
    r#"{"AWS":"arn:aws:iam::111111111111:user/ana"}"#,
    r#"{"Service":"lambda.amazonaws.com"}"#,
];

/// `"Key":["a","b"]`, with `Not` before the key sometimes.
fn listed(
    key: &'static str,
    items: &'static [&'static str],
    n: usize,
) -> impl Strategy<Value = String> {
    let items = prop::collection::vec(select(items), 1..=n);
    (prop::bool::weighted(0.2), items).prop_map(move |(not, items)| {
        let not = if not { "Not" } else { "" };
        format!("\"{not}{key}\":{items:?}")
    })
}

fn statement(with_principal: bool) -> impl Strategy<Value = String> {
    let resources = prop_oneof![
        5 => Just(r#""Resource":"*""#.to_owned()),
        5 => listed("Resource", RESOURCE_PATTERNS, 3),
        2 => (listed("Resource", RESOURCE_PATTERNS, 3), 5..12_usize).prop_map(|(list, n)| {
            // Enough entries without variables to be searched together.
            let more = MORE_PATTERNS.iter().take(n).map(|entry| format!(",{entry:?}"));
            format!("{}{}]", list.trim_end_matches(']'), more.collect::<String>())
        }),
    ];
    let conditions = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec(select(CONDITIONS), 1..=2),
    ];
    let principals = prop_oneof![
        5 => select(PRINCIPALS).prop_map(|p| format!("\"Principal\":{p},")),
        1 => select(NOT_PRINCIPALS).prop_map(|p| format!("\"NotPrincipal\":{p},")),
    ];
    let deny = prop::bool::weighted(0.25);
    (deny, listed("Action", ACTION_PATTERNS, 2), resources, conditions, principals).prop_map(
        move |(deny, actions, resources, conditions, principal)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let principal = if with_principal { &*principal } else { "" };
            // Equal operators in one block would be one JSON key; take the first of each.
            let mut block: Vec<&str> = conditions;
            block.dedup_by_key(|test| test.split(':').next());
            let conditions = match &*block {
                [] => String::new(),
                block => format!(",\"Condition\":{{{}}}", block.join(",")),
            };
            format!("\"Effect\":\"{effect}\",{principal}{actions},{resources}{conditions}")
        },
    )
}

#[derive(Debug, Clone)]
pub(super) struct SetPlan {
    pub(super) policy_type: PolicyType,
    n_nodes: u16,
    pub(super) documents: Vec<(String, u16)>,
}

fn set_plan(policy_type: PolicyType) -> impl Strategy<Value = SetPlan> {
    let with_principal = matches!(policy_type, PolicyType::ResourceBased | PolicyType::VpcEndpoint);
    let document = prop_oneof![
        30 => prop::collection::vec(statement(with_principal), 1..=4).prop_map(|s| policy(&s)),
        1 => Just("poison".to_owned()),
    ];
    let document = prop_oneof![
        4 => document,
        1 => Just(policy(&[if with_principal {
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#
        } else {
            r#""Effect":"Allow","Action":"*","Resource":"*""#
        }])),
    ];
    let several = matches!(policy_type, PolicyType::ServiceControl);
    let n_nodes = if several { 1..=3_u16 } else { 1..=1 };
    n_nodes.prop_flat_map(move |n_nodes| {
        prop::collection::vec((document.clone(), 0..n_nodes), 0..=4)
            .prop_map(move |documents| SetPlan { policy_type, n_nodes, documents })
    })
}

/// The policy types of the layers in the order of E-50; there are two sets of each. RCPs are
/// loaded as SCPs, whose language is wider.
const LAYERS: [PolicyType; 7] = [
    PolicyType::ServiceControl,
    PolicyType::ServiceControl,
    PolicyType::VpcEndpoint,
    PolicyType::ResourceBased,
    PolicyType::ManagedIdentity,
    PolicyType::PermissionsBoundary,
    PolicyType::Session,
];

#[derive(Debug, Clone)]
struct FramePlan {
    kind: PrincipalKind,
    same_account: bool,
    gated: bool,
    /// For each layer: a set, or what stands in for one.
    layers: [u8; 7],
    fixed: u8,
}

fn frame_plan() -> impl Strategy<Value = FramePlan> {
    let kind = prop_oneof![4 => Just(PrincipalKind::User), 4 => Just(PrincipalKind::RoleSession), 8 => select(&PrincipalKind::ALL[..])];
    let layer = || prop_oneof![1 => Just(0_u8), 1 => Just(1), 3 => Just(2), 3 => Just(3)];
    // Guardrails close most checks; leave them out of most frames.
    let rare = || prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    let guardrails = [rare(), rare(), rare()];
    let (own, other) = ([layer(), layer()], [rare(), rare()]);
    let layers = (guardrails, own, other);
    (kind, prop::bool::weighted(0.75), prop::bool::weighted(0.25), layers, 0..24_u8).prop_map(
        |(
            kind,
            same_account,
            gated,
            ([rcp, scp, vpce], [resource, identity], [boundary, session]),
            fixed,
        )| FramePlan {
            kind,
            same_account,
            gated,
            layers: [rcp, scp, vpce, resource, identity, boundary, session],
            fixed,
        },
    )
}

impl FramePlan {
    /// The frame over `sets`: two for each layer.
    fn frame(&self, sets: &[SetRef]) -> Frame {
        let set = |layer: usize| match self.layers[layer] {
            0 | 1 => None,
            n => Some(sets[layer * 2 + usize::from(n) - 2]),
        };
        let mut frame = Frame::new(self.kind);
        frame.same_account = self.same_account;
        frame.gated = self.gated;
        frame.rcp = set(0);
        frame.scp = set(1);
        frame.endpoint = match (set(2), self.layers[2]) {
            (Some(set), _) => EndpointLayer::Set(set),
            (None, 1) => EndpointLayer::AllowAll,
            _ => EndpointLayer::NotApplicable,
        };
        frame.resource = set(3);
        let root = matches!(
            self.kind,
            PrincipalKind::Root | PrincipalKind::AssumedRoot | PrincipalKind::FederatedRoot
        );
        frame.identity = match set(4) {
            _ if root => IdentityLayer::AllowAll,
            Some(set) => IdentityLayer::Set(set),
            None => IdentityLayer::None,
        };
        frame.boundary = set(5);
        frame.session = match (set(6), self.layers[6]) {
            (Some(set), _) if self.kind == PrincipalKind::AssumedRoot => SessionLayer::Task(set),
            (Some(set), _) => SessionLayer::Set(set),
            (None, 1) => SessionLayer::Empty,
            _ => SessionLayer::NotApplicable,
        };
        match self.fixed {
            0 => frame.builtin_allow = true,
            1 => frame.builtin_refusal = Some(ReasonCode::SessionKind),
            2..=4 => frame.refusal = Some(ReasonCode::UnknownResourceAccount),
            _ => {}
        }
        frame.ignore_resource_denies = self.fixed.is_multiple_of(5);
        frame.ignore_resource_allows = self.fixed.is_multiple_of(7);
        frame.grants = (self.fixed.is_multiple_of(6)).then_some(sets[6]);
        frame
    }
}

fn request() -> impl Strategy<Value = Request> {
    let text = || {
        prop_oneof![
            4 => Just(None),
            12 => select(&["a", "b", "", "ana", "5", "6.0", "2025-01-01", "pay"][..]).prop_map(Some),
        ]
    };
    let list = prop_oneof![
        2 => Just(None),
        3 => prop::collection::vec(select(&["a", "ab", "c", ""][..]), 1..=3).prop_map(Some),
    ];
    let address =
        prop_oneof![Just(None), select(&["10.1.2.3", "::1", "11.0.0.1", "x"][..]).prop_map(Some)];
    let flag = prop_oneof![Just(None), select(&["true", "FALSE", "yes"][..]).prop_map(Some)];
    let odd = 0..20_u8;
    (0..4_u32, select(ACTIONS), select(RESOURCES), text(), list, address, flag, odd).prop_map(
        |(frame, action, resource, text, list, address, flag, odd)| {
            let mut context = Vec::new();
            let singles = [("k:s", text), ("k:i", address), ("k:b", flag)];
            for (key, value) in singles {
                if let Some(value) = value {
                    context.push((key, Value::Single(value)));
                }
            }
            if let Some(list) = list {
                context.push(("k:many", Value::List(list)));
            }
            match odd {
                0 => context.push(("k:s", Value::Colliding)),
                1 => context.push(("k:s", Value::List(vec!["a"]))),
                2 => context.push(("k:many", Value::Single("a"))),
                3 => context.push(("aws:username", Value::Single("pay:1"))),
                _ => {}
            }
            Request { frame, principal: frame, action, resource, context }
        },
    )
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) sets: Vec<SetPlan>,
    frames: Vec<FramePlan>,
    requests: Vec<Request>,
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let sets =
        LAYERS.iter().flat_map(|&policy_type| [set_plan(policy_type), set_plan(policy_type)]);
    let sets: Vec<_> = sets.collect();
    let frames = prop::collection::vec(frame_plan(), 4);
    let requests = prop::collection::vec(request(), 24);
    (sets, frames, requests).prop_map(|(sets, frames, requests)| World { sets, frames, requests })
}

impl World {
    pub(super) fn input(&self) -> Input {
        let mut input = Input::default();
        for set in &self.sets {
            input.set(set.policy_type, set.n_nodes, &set.documents);
        }
        input
    }

    pub(super) fn batch(
        &self,
        tables: &DecisionTables,
        overlay: &mut Overlay,
        sets: &[SetRef],
    ) -> Batch {
        let frames: Vec<Frame> = self.frames.iter().map(|frame| frame.frame(sets)).collect();
        let principals = self.frames.iter().map(|frame| {
            let mut entry = principal(frame.kind);
            entry.has_boundary = frame.layers[5] > 1;
            let mut constants = Vec::new();
            if frame.kind.has_account() {
                constants.push(("aws:PrincipalAccount", ACCOUNT));
                constants.push(("aws:PrincipalArn", "arn:aws:iam::111111111111:user/ana"));
                constants.push(("aws:PrincipalTag/team", "pay"));
            }
            if frame.kind == PrincipalKind::User {
                constants.push(("aws:username", "ana"));
            }
            (entry, constants)
        });
        Batch::new(tables, overlay, frames, principals.collect(), &self.requests)
    }

    /// The same with all sets in an overlay, and with every second one.
    fn check_overlays(
        &self,
        tables: &DecisionTables,
        ids: &[PolicySetId],
        answers: &[DecisionRow],
    ) {
        for step in 1..=2 {
            let mut overlay = Overlay::new();
            let mut move_out = |(n, &id): (usize, &PolicySetId)| {
                if n % step == 0 { in_overlay_too(tables, &mut overlay, id) } else { id.into() }
            };
            let sets: Vec<SetRef> = ids.iter().enumerate().map(&mut move_out).collect();
            let batch = self.batch(tables, &mut overlay, &sets);
            assert_eq!(batch.decide(tables, &overlay), answers, "in an overlay");
            for (row, answer) in answers.iter().enumerate() {
                assert_eq!(batch.trace(tables, &overlay, row).answer, *answer, "overlay");
            }
        }
    }

    /// Decides in every way and compares with the trace; counts what came up.
    fn check(&self, seen: &mut BTreeMap<String, usize>) {
        let input = self.input();
        for (n, options) in variants().into_iter().enumerate() {
            let (tables, ids, _) = input.compile(&options);
            let mut overlay = Overlay::new();
            let sets: Vec<SetRef> = ids.iter().map(|&id| id.into()).collect();
            let batch = self.batch(&tables, &mut overlay, &sets);
            let answers = batch.decide(&tables, &overlay);
            if n == 0 {
                self.check_overlays(&tables, &ids, &answers);
            }
            for (row, answer) in answers.iter().enumerate() {
                let trace = batch.trace(&tables, &overlay, row);
                assert_eq!(
                    line(trace.answer),
                    line(*answer),
                    "{options:?} {:?} {trace:#?}",
                    self.requests[row]
                );
                if n == 0 {
                    let key = format!("{} {}", answer.decision, answer.layer);
                    *seen.entry(key).or_default() += 1;
                }
            }
        }
    }
}

/// E-110, and invariant 4 of ARCHITECTURE: passes, budgets, overlays and batches change nothing.
#[test]
fn tables_agree_with_the_trace() {
    let mut seen = BTreeMap::new();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) };
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let result = runner.run(&world(), |world| {
        world.check(&mut BTreeMap::new());
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // What comes up, counted over fresh worlds of the same generator.
    for _ in 0..50 {
        let tree = world().new_tree(&mut runner).expect("a world");
        tree.current().check(&mut seen);
    }
    for expected in [
        "Allowed identity",
        "Allowed resource",
        "Allowed root",
        "Allowed builtin",
        "ExplicitDeny rcp",
        "ExplicitDeny scp",
        "ExplicitDeny vpce",
        "ExplicitDeny resource",
        "ExplicitDeny identity",
        "ExplicitDeny boundary",
        "ExplicitDeny session",
        "ImplicitDeny rcp",
        "ImplicitDeny scp",
        "ImplicitDeny vpce",
        "ImplicitDeny resource",
        "ImplicitDeny identity",
        "ImplicitDeny boundary",
        "ImplicitDeny session",
        "ImplicitDeny service",
        "ImplicitDeny builtin",
    ] {
        assert!(
            seen.get(expected).is_some_and(|n| *n >= 2),
            "{expected} hardly came up: {seen:#?}"
        );
    }
}

/// The same input gives the same tables, whatever order hash tables have.
#[test]
fn equal_inputs_give_equal_tables() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..10 {
        let world = world().new_tree(&mut runner).expect("a world").current();
        let options = CompileOptions::default();
        let (a, _, first) = world.input().compile(&options);
        let (b, _, second) = world.input().compile(&options);
        assert_eq!(a.dump(), b.dump());
        assert_eq!(first, second);
    }
}
