//! What is worked out for principals is kept from batch to batch, and forgotten when they change.

use super::*;

const ANA_ONLY: &str = r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:username":"ana"}}"#;
const ALL: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;

#[test]
fn other_values_of_a_principal_are_other_answers() {
    let mut input = Input::default();
    input.set(PolicyType::ManagedIdentity, 1, &[(policy(&[ALL, ANA_ONLY]), 0)]);
    let (tables, ids, _) = input.compile(&CompileOptions::default());
    let mut overlay = Overlay::new();
    let frame =
        Frame { identity: IdentityLayer::Set(ids[0].into()), ..Frame::new(PrincipalKind::User) };
    let request = Request {
        frame: 0,
        principal: 0,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        context: Vec::new(),
    };
    let requests = vec![request; 2 * MIN_FACT_ROWS];
    let principals = vec![(principal(PrincipalKind::User), vec![("aws:username", "ana")])];
    let mut batch = Batch::new(&tables, &mut overlay, vec![frame], principals, &requests);
    let ana = batch.principals.get(0).unwrap().constants.clone();
    let bob = vec![(ana[0].0, batch.values.intern_single("bob"))];
    let mut scratch = Scratch::new();
    let mut is_allowed = |batch: &Batch| {
        let mut out = vec![DecisionRow::default(); requests.len()];
        batch.with(|columns| {
            tables.decide(Some(&overlay), columns, 0..out.len(), &mut scratch, &mut out);
        });
        assert!(out.iter().all(|row| *row == out[0]));
        out[0].decision.is_allowed()
    };
    for _ in 0..3 {
        assert!(is_allowed(&batch));
    }
    for _ in 0..2 {
        batch.principals.set_constants(0, bob.clone());
        assert!(!is_allowed(&batch));
        assert!(!is_allowed(&batch));
        batch.principals.set_constants(0, ana.clone());
        assert!(is_allowed(&batch));
    }
    // Another list of principals with the same numbers.
    let mut other = principal(PrincipalKind::User);
    other.constants = bob;
    batch.principals = Principals::from_iter([other.clone()]);
    assert!(!is_allowed(&batch));
    // One that joins.
    batch.principals.push(PrincipalEntry { constants: ana, ..other });
    assert!(!is_allowed(&batch));
    batch.principal.fill(1);
    assert!(is_allowed(&batch));
}
