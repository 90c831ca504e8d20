//! Deciding does not allocate once its working memory has grown.

use super::*;

#[test]
fn deciding_again_allocates_nothing() {
    let mut input = Input::default();
    let statements: Vec<String> = (0..30)
        .map(|n| {
            format!(
                r#""Effect":"Allow","Action":["s3:Get*","custom:*"],"Resource":["arn:aws:s3:::*-{n}/*","arn:aws:s3:::{n}/${{aws:username}}/*"],"Condition":{{"StringLike":{{"k:s":["a*","b{n}*"]}},"StringNotEqualsIgnoreCase":{{"k:s":"X${{aws:username}}"}},"NumericLessThan":{{"k:n":"5"}},"ForAnyValue:ArnLike":{{"k:a":"arn:aws:*:*:${{aws:username}}:*"}}}}"#
            )
        })
        .collect();
    input.set(PolicyType::ManagedIdentity, 1, &[(policy(&statements), 0)]);
    let guardrail =
        r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"k:b":"false"}}"#;
    input.set(
        PolicyType::ServiceControl,
        1,
        &[(policy(&[guardrail, r#""Effect":"Allow","Action":"*","Resource":"*""#]), 0)],
    );
    let (tables, ids, _) = input.compile(&CompileOptions::default());
    let mut overlay = Overlay::new();
    let document = tables.documents[0].source.clone();
    let document = overlay.add_policy(&tables, &catalog(), document).unwrap();
    let in_overlay = overlay.add_set(&tables, &[document]).unwrap();
    let frame = |set| Frame {
        identity: IdentityLayer::Set(set),
        scp: Some(ids[1].into()),
        ..Frame::new(PrincipalKind::User)
    };
    let frames = vec![frame(ids[0].into()), frame(in_overlay)];
    let requests: Vec<Request> = (0..200)
        .map(|n| Request {
            frame: n % 2,
            principal: 0,
            action: ["s3:GetObject", "s3:PutObject", "custom:DoIt"][n as usize % 3],
            resource: ["arn:aws:s3:::b-7/k", "arn:aws:s3:::7/ana/k", "*"][n as usize % 7 % 3],
            context: vec![
                ("k:s", Value::Single(["a1", "b7", "xana"][n as usize % 5 % 3])),
                ("k:n", Value::Single("4")),
                ("k:a", Value::List(vec!["arn:aws:x::ana:y", "z"])),
                ("k:b", Value::Single("true")),
            ],
        })
        .collect();
    let principals = vec![(principal(PrincipalKind::User), vec![("aws:username", "ana")])];
    let batch = Batch::new(&tables, &mut overlay, frames, principals, &requests);
    let mut scratch = Scratch::new();
    let mut out = vec![DecisionRow::default(); requests.len()];
    batch.with(|columns| {
        tables.decide(Some(&overlay), columns, 0..out.len(), &mut scratch, &mut out);
        let first = out.clone();
        assert!(first.iter().any(|row| row.decision.is_allowed()));
        let info = allocation_counter::measure(|| {
            tables.decide(Some(&overlay), columns, 0..out.len(), &mut scratch, &mut out);
        });
        assert_eq!(info.count_total, 0, "allocations of the second batch");
        assert_eq!(out, first);
    });
}

#[test]
fn rows_outside_the_lists_are_not_allowed() {
    let input = Input::default();
    let (tables, ..) = input.compile(&CompileOptions::default());
    let values = Values::new();
    let action = catalog().action("s3", "GetObject").unwrap().into();
    let columns = RequestColumns {
        principal: &[7],
        action: &[action],
        resource: &[9],
        frame: &[3],
        keys: &[],
        values: &values,
        principals: &Principals::new(),
        resources: Resources::default(),
        frames: &Frames::new(),
    };
    let mut out = [DecisionRow::default()];
    tables.decide(None, &columns, 0..1, &mut Scratch::new(), &mut out);
    assert!(!out[0].decision.is_allowed());
    assert!(tables.trace(&catalog(), None, &columns, 0).is_none());
    assert!(tables.trace(&catalog(), None, &columns, 1).is_none());
}

#[test]
fn rows_outside_the_lists_are_not_allowed_by_what_was_kept() {
    let mut input = Input::default();
    let all = policy(&[r#""Effect":"Allow","Action":"*","Resource":"*""#]);
    input.set(PolicyType::ManagedIdentity, 1, &[(all, 0)]);
    let (tables, ids, _) = input.compile(&CompileOptions::default());
    let mut frames = Frames::new();
    let frame =
        Frame { identity: IdentityLayer::Set(ids[0].into()), ..Frame::new(PrincipalKind::User) };
    let frame = [frames.intern(frame).unwrap()];
    let values = Values::new();
    let action = [catalog().action("s3", "GetObject").unwrap().into()];
    let principals = Principals::from_iter([PrincipalEntry::new(PrincipalKind::User)]);
    let columns = RequestColumns {
        principal: &[0],
        action: &action,
        resource: &[0],
        frame: &frame,
        keys: &[],
        values: &values,
        principals: &principals,
        resources: Resources {
            texts: ["", "*"],
            places: &[ResourcePlace { start: 0, len: 1, constants: 0 }],
            constants: &[Vec::new()],
        },
        frames: &frames,
    };
    let mut scratch = Scratch::new();
    let mut is_allowed = |columns: &RequestColumns<'_>| {
        let mut out = [DecisionRow::default()];
        tables.decide(None, columns, 0..1, &mut scratch, &mut out);
        out[0].decision.is_allowed()
    };
    for _ in 0..3 {
        assert!(is_allowed(&columns));
    }
    assert!(!is_allowed(&RequestColumns { principal: &[1], ..columns }));
    assert!(!is_allowed(&RequestColumns { resource: &[1], ..columns }));
}

#[test]
fn tables_are_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<DecisionTables>();
    check::<Overlay>();
    check::<Values<'_>>();
    check::<Scratch>();
}
