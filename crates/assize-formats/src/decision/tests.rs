use assize_model::{
    CheckDecision, ConditionKey, ContextValue, Decisive, Effect, Grant, LayerResult, NodeVerdict,
    RequestContext, RequestErrorKind, SourceSpan, StatementRef, Strength, Verdict,
};

use super::*;

fn statement() -> StatementRef {
    StatementRef {
        policy: "inline:user/ana/office".into(),
        statement: Some(0),
        sid: Some("Off\"ice".into()),
        effect: Some(Effect::Allow),
        ..StatementRef::default()
    }
}

fn decision() -> EffectiveDecision {
    let mut context = RequestContext::default();
    context.set(ConditionKey::new("aws:SourceIp"), ContextValue::Single("203.0.113.7".into()));
    context.set(ConditionKey::new("aws:CalledVia"), ContextValue::List(vec!["a".into()]));
    let layers = vec![
        LayerResult {
            layer: Layer::ServiceControl,
            verdict: Verdict::Allow,
            allows: vec![StatementRef { node: Some("r-exam".into()), ..statement() }],
            denies: Vec::new(),
            nodes: vec![NodeVerdict { node: "r-exam".into(), verdict: Verdict::Allow }],
            bypassed: false,
        },
        LayerResult {
            layer: Layer::Identity,
            verdict: Verdict::Allow,
            allows: vec![statement()],
            denies: Vec::new(),
            nodes: Vec::new(),
            bypassed: true,
        },
    ];
    let span = SourceSpan { start: 1, end: 9, line: 1, column: 2, end_line: 1, end_column: 10 };
    let first = StatementRef {
        strength: Some(Strength::Direct),
        source: Some("f.yaml".into()),
        span: Some(span),
        ..statement()
    };
    let check = CheckDecision {
        action: "s3:GetObject".into(),
        resource: "*".into(),
        principal_account: Some("111111111111".parse().unwrap()),
        resource_account: None,
        cross_account: false,
        gated: false,
        decision: Decision::Allowed,
        layer: Layer::Identity,
        reason: ReasonCode::Allow,
        allowed_by: Some(AllowedBy::Identity),
        statements: vec![first.clone()],
        bounds: None,
        depends_on: Vec::new(),
        grant: Grant::default(),
        layers,
        would_allow: Vec::new(),
        missing_context_keys: vec!["aws:SourceVpc".into()],
        context,
    };
    EffectiveDecision {
        decision: Decision::Allowed,
        decisive: Decisive {
            check: 0,
            layer: Layer::Identity,
            reason: ReasonCode::Allow,
            allowed_by: Some(AllowedBy::Identity),
            statements: vec![first],
        },
        bounds: None,
        depends_on: Vec::new(),
        checks: vec![check],
        missing_context_keys: vec!["aws:SourceVpc".into()],
        assumptions: Vec::new(),
        notes: vec!["outside_principal".into()],
        message: "".into(),
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    if text.starts_with('{') {
        let violations = crate::schema::tests::violations(crate::DECISION_SCHEMA, &text);
        assert_eq!(violations, [""; 0], "{text}");
    }
    text
}

/// E-103.
#[test]
fn a_fast_record_has_the_first_statement_of_the_decisive_layer() {
    let (id, decision) = (RecordId::line(1), decision());
    let line = DecisionLine::of(&decision);
    assert_eq!(
        text(|out| write_fast(out, &Envelope::new(&id), &line)),
        r#"{"id":1,"decision":"Allowed","decisive":{"check":0,"layer":"identity","reason":"allow","allowedBy":"identity","statements":[{"policyId":"inline:user/ana/office","statement":0,"sid":"Off\"ice","effect":"Allow"}]}}"#
    );
}

/// Formats, section 6.6: the indeterminate record.
#[test]
fn an_indeterminate_record_has_bounds_and_keys() {
    let bound = |decision, reason| Bound { decision, layer: Layer::Identity, reason };
    let bounds = Bounds {
        worst: bound(Decision::ImplicitDeny, ReasonCode::NoAllow),
        best: bound(Decision::Allowed, ReasonCode::Allow),
    };
    let line = DecisionLine {
        decision: Decision::Indeterminate,
        check: 0,
        layer: Layer::Identity,
        reason: ReasonCode::MissingContext,
        allowed_by: None,
        statement: Some(FastStatement {
            policy: "inline:user/ana/office",
            index: Some(0),
            sid: Some("Office"),
            effect: Some(Effect::Allow),
            node: None,
        }),
        bounds: Some(bounds),
        depends_on: &["aws:SourceIp".into()],
    };
    let provenance = Provenance {
        engine: "1.0.0".into(),
        catalog: "2026-09-26".into(),
        snapshot: "sha256:9f2c…".into(),
        after: None,
    };
    let id = RecordId::line(1);
    let envelope = Envelope { provenance: Some(&provenance), ..Envelope::new(&id) };
    assert_eq!(
        text(|out| write_fast(out, &envelope, &line)),
        r#"{"id":1,"decision":"Indeterminate","decisive":{"check":0,"layer":"identity","reason":"missing_context","statements":[{"policyId":"inline:user/ana/office","statement":0,"sid":"Office","effect":"Allow"}]},"bounds":{"worst":{"decision":"ImplicitDeny","layer":"identity","reason":"no_allow"},"best":{"decision":"Allowed","layer":"identity","reason":"allow"}},"dependsOn":["aws:SourceIp"],"provenance":{"assize":1,"engine":"1.0.0","catalog":"2026-09-26","snapshot":"sha256:9f2c…"}}"#
    );
    assert_eq!(text(|out| write_compact(out, &id, &line)), "1\t?\tidentity\taws:SourceIp\n");
}

#[test]
fn an_explanation_says_everything_in_the_order_of_the_schema() {
    let id = RecordId::Text("a".into());
    let observed = Observed { decision: Some(ObservedDecision::Denied), ..Observed::default() };
    let envelope = Envelope {
        observed: Some(&observed),
        agreement: Some(Agreement::Disagrees),
        extra: &[("x-a".into(), "[1]")],
        ..Envelope::new(&id)
    };
    assert_eq!(
        text(|out| write_explanation(out, &envelope, &decision(), true)),
        concat!(
            r#"{"id":"a","decision":"Allowed","decisive":{"check":0,"layer":"identity","#,
            r#""reason":"allow","allowedBy":"identity","statements":[{"policyId":"#,
            r#""inline:user/ana/office","statement":0,"sid":"Off\"ice","effect":"Allow","#,
            r#""strength":"direct","source":"f.yaml","span":{"start":1,"end":9,"line":1,"#,
            r#""column":2,"endLine":1,"endColumn":10}}]},"checks":[{"action":"s3:GetObject","#,
            r#""resource":"*","principalAccount":"111111111111","resourceAccount":null,"#,
            r#""crossAccount":false,"gated":false,"decision":"Allowed","layer":"identity","#,
            r#""reason":"allow","grant":{"direct":false,"entity":false,"account":false},"#,
            r#""layers":[{"layer":"scp","verdict":"Allow","allows":[{"policyId":"#,
            r#""inline:user/ana/office","statement":0,"sid":"Off\"ice","effect":"Allow","#,
            r#""node":"r-exam"}],"nodes":[{"node":"r-exam","verdict":"Allow"}]},"#,
            r#"{"layer":"identity","verdict":"Allow","allows":[{"policyId":"#,
            r#""inline:user/ana/office","statement":0,"sid":"Off\"ice","effect":"Allow"}],"#,
            r#""bypassed":true}],"wouldAllow":[],"missingContextKeys":["aws:SourceVpc"]}],"#,
            r#""missingContextKeys":["aws:SourceVpc"],"assumptions":[],"#,
            r#""notes":["outside_principal"],"context":{"aws:CalledVia":["a"],"#,
            r#""aws:SourceIp":"203.0.113.7"},"observed":{"decision":"Denied"},"agrees":false,"#,
            r#""x-a":[1]}"#,
        )
    );
}

/// F-32, F-33.
#[test]
fn errors_are_records_too() {
    let id = RecordId::Text("a\tb\\\n".into());
    let error = RequestError::new(RequestErrorKind::InvalidAction, "no action").at("/action");
    assert_eq!(
        text(|out| write_error(out, &Envelope::new(&id), &error)),
        r#"{"id":"a\tb\\\n","error":{"code":"invalid_action","message":"no action","pointer":"/action"}}"#
    );
    assert_eq!(
        text(|out| write_compact_error(out, &id, error.kind().as_str())),
        "a\\tb\\\\\\n\tE\t\tinvalid_action\n"
    );
}

#[test]
fn compact_lines_name_the_statement() {
    let (id, mut full) = (RecordId::line(7), decision());
    assert_eq!(
        text(|out| write_compact(out, &id, &DecisionLine::of(&full))),
        "7\tA\tidentity\tinline:user/ana/office#0\n"
    );
    full.decision = Decision::ImplicitDeny;
    full.decisive.statements.clear();
    assert_eq!(text(|out| write_compact(out, &id, &DecisionLine::of(&full))), "7\tI\tidentity\t\n");
}

/// F-35, the table.
#[test]
fn agreement_follows_the_table() {
    use Agreement::{Agrees, Disagrees, Unknown};
    use Decision::{Allowed, ExplicitDeny, ImplicitDeny, Indeterminate};
    use ObservedDecision as Seen;
    let check = |observed, decision, strict, expected| {
        let compared =
            Compared { decision, kind_is_uncertain: false, context_may_be_incomplete: false };
        assert_eq!(agreement(observed, compared, strict), expected, "{observed:?} {decision:?}");
        let uncertain = Compared { context_may_be_incomplete: true, ..compared };
        let relaxed = if expected == Disagrees { Unknown } else { expected };
        assert_eq!(agreement(observed, uncertain, strict), relaxed, "{observed:?} {decision:?}");
    };
    for decision in [Some(Indeterminate), None] {
        for observed in ObservedDecision::ALL {
            check(observed, decision, false, Unknown);
        }
    }
    check(Seen::Allowed, Some(Allowed), false, Agrees);
    for deny in [ExplicitDeny, ImplicitDeny] {
        check(Seen::Allowed, Some(deny), false, Disagrees);
        check(Seen::Denied, Some(deny), true, Agrees);
        check(Seen::ExplicitDeny, Some(deny), false, Agrees);
        check(Seen::Unknown, Some(deny), false, Unknown);
    }
    for observed in [Seen::Denied, Seen::ExplicitDeny, Seen::ImplicitDeny] {
        check(observed, Some(Allowed), true, Disagrees);
    }
    check(Seen::ExplicitDeny, Some(ImplicitDeny), true, Disagrees);
    check(Seen::ImplicitDeny, Some(ImplicitDeny), true, Agrees);
    check(Seen::Unknown, Some(Allowed), true, Unknown);
    let uncertain = Compared {
        decision: Some(ImplicitDeny),
        kind_is_uncertain: true,
        context_may_be_incomplete: false,
    };
    assert_eq!(agreement(Seen::ImplicitDeny, uncertain, true), Unknown);
    assert_eq!(agreement(Seen::ImplicitDeny, uncertain, false), Agrees);
}
