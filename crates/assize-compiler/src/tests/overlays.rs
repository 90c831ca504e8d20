//! Session policies of several overlays, and several of one overlay.

use assize_model::Decision;

use super::cases::in_overlay_too;
use super::*;

/// Session policies that say different things in a different order.
const SESSIONS: [[&str; 2]; 2] = [
    [
        r#""Effect":"Allow","Action":["s3:GetObject","custom:Read"],"Resource":"arn:aws:s3:::a/*""#,
        r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"k:s":"x*"}}"#,
    ],
    [
        r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"k:s":"y*"}}"#,
        r#""Effect":"Allow","Action":["s3:Get*","custom:Write"],"Resource":"arn:aws:s3:::b/*""#,
    ],
];

/// An action that the catalog has and one that it lacks; the first of `A` is the first of each
/// overlay.
const ACTIONS: [[&str; 2]; 2] = [["s3:GetObject", "custom:Read"], ["s3:GetObject", "custom:Write"]];

/// What is decided of each action: of both buckets with no value that is denied, with that of the
/// first session policy, and with that of the second. `+` allowed, `.` not, `-` denied.
const EXPECTED: [&str; 2] = ["+.--+.", ".+.+--"];

fn tables() -> (DecisionTables, Vec<PolicySetId>) {
    let mut input = Input::default();
    let everything = policy(&[r#""Effect":"Allow","Action":"*","Resource":"*""#]);
    input.set(PolicyType::ManagedIdentity, 1, &[(everything, 0)]);
    for session in SESSIONS {
        input.set(PolicyType::Session, 1, &[(policy(&session), 0)]);
    }
    let (tables, ids, _) = input.compile(&CompileOptions::default());
    (tables, ids)
}

fn frame(identity: PolicySetId, session: SetRef) -> Frame {
    Frame {
        identity: IdentityLayer::Set(identity.into()),
        session: SessionLayer::Set(session),
        ..Frame::new(PrincipalKind::RoleSession)
    }
}

fn requests(frame: u32, actions: [&'static str; 2]) -> Vec<Request> {
    let mut requests = Vec::new();
    for action in actions {
        for value in ["m", "x1", "y1"] {
            for resource in ["arn:aws:s3:::a/k", "arn:aws:s3:::b/k"] {
                let context = vec![("k:s", Value::Single(value))];
                requests.push(Request { frame, principal: 0, action, resource, context });
            }
        }
    }
    requests
}

fn signs(rows: &[DecisionRow]) -> String {
    let sign = |row: &DecisionRow| match row.decision {
        Decision::Allowed => '+',
        Decision::ImplicitDeny => '.',
        Decision::ExplicitDeny => '-',
        Decision::Indeterminate => '?',
    };
    rows.iter().map(sign).collect()
}

fn role_session() -> Vec<(PrincipalEntry, Vec<(&'static str, &'static str)>)> {
    vec![(principal(PrincipalKind::RoleSession), Vec::new())]
}

/// What is worked out for one overlay is forgotten when the same working memory is given another,
/// in which the same numbers stand for other sets, conditions and actions.
#[test]
fn overlays_one_after_another_are_decided_apart() {
    let (tables, ids) = tables();
    let mut of_both = Vec::new();
    for (session, actions) in [(ids[1], ACTIONS[0]), (ids[2], ACTIONS[1])] {
        let mut overlay = Overlay::new();
        let set = in_overlay_too(&tables, &mut overlay, session);
        let frames = vec![frame(ids[0], set)];
        let requests = requests(0, actions);
        let batch = Batch::new(&tables, &mut overlay, frames, role_session(), &requests);
        of_both.push((overlay, batch));
    }
    // Nothing but the overlay tells them apart.
    let frames = of_both[0].1.frames.clone();
    of_both[1].1.frames = frames;
    assert_eq!(of_both[0].1.action, of_both[1].1.action, "one number for two actions");
    assert_eq!(of_both[0].1.frame, of_both[1].1.frame, "one number for two sets");
    let mut scratch = Scratch::new();
    for turn in 0..3 {
        for ((overlay, batch), expected) in of_both.iter().zip(EXPECTED) {
            let mut out = vec![DecisionRow::default(); batch.frame.len()];
            batch.with(|columns| {
                tables.decide(Some(overlay), columns, 0..out.len(), &mut scratch, &mut out);
            });
            assert_eq!(signs(&out), expected.repeat(2), "turn {turn}");
        }
    }
}

/// Two session policies of one overlay, row by row in turn.
#[test]
fn session_policies_beside_each_other_are_decided_apart() {
    let (tables, ids) = tables();
    let mut overlay = Overlay::new();
    let sets = [ids[1], ids[2]].map(|id| in_overlay_too(&tables, &mut overlay, id));
    let frames = sets.map(|set| frame(ids[0], set)).into();
    let both = requests(0, ACTIONS[0]).into_iter().zip(requests(1, ACTIONS[1]));
    let requests: Vec<Request> = both.flat_map(|(first, second)| [first, second]).collect();
    let batch = Batch::new(&tables, &mut overlay, frames, role_session(), &requests);
    let answers = batch.decide(&tables, &overlay);
    let of = |frame: usize| answers.iter().skip(frame).step_by(2).copied().collect::<Vec<_>>();
    assert_eq!([signs(&of(0)), signs(&of(1))], EXPECTED.map(|expected| expected.repeat(2)));
}
