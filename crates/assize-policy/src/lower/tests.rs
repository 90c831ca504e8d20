use assize_model::PolicyType as Type;
use proptest::prelude::*;

use crate::ir::{
    ActionPattern, Operand, PrincipalElement, PrincipalPattern, ResourceElement, ResourcePattern,
};
use crate::{EndpointKind, LoadMode, LoadOptions, Loaded, ScpLanguage, ir, load};

fn author(policy_type: Type) -> LoadOptions {
    LoadOptions::new(policy_type, LoadMode::Author)
}

fn import(policy_type: Type) -> LoadOptions {
    LoadOptions::new(policy_type, LoadMode::Import)
}

fn legacy() -> LoadOptions {
    LoadOptions { scp_language: ScpLanguage::Legacy, ..author(Type::ServiceControl) }
}

fn gateway() -> LoadOptions {
    LoadOptions { endpoint: EndpointKind::Gateway, ..import(Type::VpcEndpoint) }
}

/// What loading gave, in a line each: code and path, `!` before what rejects.
fn show(loaded: &Loaded) -> String {
    let findings = loaded.findings.iter().map(|finding| {
        let mark = if finding.rejects { "!" } else { "" };
        format!("{mark}{} {}", finding.code, finding.path)
    });
    findings.collect::<Vec<_>>().join("\n")
}

fn check_text(options: &LoadOptions, text: &str, expected: &str) {
    let loaded = load(text, options);
    assert_eq!(show(&loaded), expected, "{} {:?}: {text}", options.policy_type, options.mode);
    assert_eq!(loaded.policy.is_some(), !expected.contains('!'), "{text}");
}

/// A document of version 2012-10-17 with one statement of the given members.
fn document(members: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{{members}}}}}"#)
}

/// Checks a statement: `members` beside Effect, Action, Resource and Principal as far as the type
/// wants them and `members` does not name them.
fn check(options: &LoadOptions, members: &str, expected: &str) {
    check_text(options, &document(&completed(options.policy_type, members)), expected);
}

fn completed(policy_type: Type, members: &str) -> String {
    let mut parts = vec![];
    let mut add = |names: &[&str], part: &'static str| {
        if !names.iter().any(|name| members.contains(name)) {
            parts.push(part);
        }
    };
    let is_rcp = policy_type == Type::ResourceControl;
    add(&["Effect"], if is_rcp { r#""Effect":"Deny""# } else { r#""Effect":"Allow""# });
    let wants_principal = !policy_type.is_identity_like() && policy_type != Type::ServiceControl;
    if wants_principal && !is_rcp {
        add(&["Principal"], r#""Principal":{"AWS":"111122223333"}"#);
    }
    if is_rcp {
        add(&["Principal"], r#""Principal":"*""#);
    }
    let is_trust = policy_type == Type::RoleTrust;
    add(
        &["Action\":"],
        if is_trust { r#""Action":"sts:AssumeRole""# } else { r#""Action":"s3:GetObject""# },
    );
    if !is_trust {
        add(&["Resource"], r#""Resource":"*""#);
    }
    parts.push(members);
    parts.retain(|part| !part.is_empty());
    parts.join(",")
}

const IM: Type = Type::ManagedIdentity;
const RP: Type = Type::ResourceBased;
const TP: Type = Type::RoleTrust;

/// L-125, L-106, L-104, L-108, L-202, L-121: worked examples 1 – 7.
#[test]
fn documents_have_the_elements_of_the_grammar() {
    check(&author(IM), "", "");
    check_text(
        &author(IM),
        r#"{"Version":"2012-10-17","Statement":[]}"#,
        "!MISSING_STATEMENT $.Statement",
    );
    check(
        &author(IM),
        r#""Effect":"Allow","Effect":"Deny""#,
        "!X_DUPLICATE_MEMBER $.Statement.Effect",
    );
    check(
        &author(IM),
        r#""Action":"s3:Get*","\u0041ction":"s3:Put*""#,
        "!X_DUPLICATE_MEMBER $.Statement.Action",
    );
    check(
        &author(IM),
        r#""effect":"Allow","Effect":"Allow""#,
        "!INVALID_POLICY_ELEMENT $.Statement.effect",
    );
    check(&author(IM), r#""Effect":"allow""#, "!INVALID_EFFECT $.Statement.Effect");
    check_text(
        &author(Type::InlineIdentity),
        r#"{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        "!INVALID_VERSION $.Version",
    );
    check_text(&author(IM), "[]", "!DATA_TYPE_MISMATCH $");
    check_text(&author(IM), "{}", "!INVALID_VERSION $\n!MISSING_STATEMENT $\nMISSING_VERSION $");
    check_text(&author(IM), "", "!JSON_SYNTAX_ERROR $");
    check_text(&import(IM), "{", "!X_INVALID_POLICY $\n!JSON_SYNTAX_ERROR $");
}

/// L-122, L-124, L-502: worked example 8 and the types that demand a version.
#[test]
fn the_version_decides_about_variables_and_is_demanded_by_type() {
    let resource = "arn:aws:s3:::b/${aws:username}";
    let statement =
        format!(r#""Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"{resource}"}}"#);
    let none = format!("{{{statement}}}");
    let old = format!(r#"{{"Version":"2008-10-17",{statement}}}"#);
    let literal = "VARIABLE_UNSUPPORTED_IN_VERSION $.Statement.Resource";
    check_text(&author(Type::InlineIdentity), &none, &format!("MISSING_VERSION $\n{literal}"));
    check_text(&author(Type::InlineIdentity), &old, literal);
    check_text(&author(IM), &none, &format!("!INVALID_VERSION $\nMISSING_VERSION $\n{literal}"));
    check_text(&import(IM), &none, &format!("INVALID_VERSION $\nMISSING_VERSION $\n{literal}"));
    check_text(&import(IM), &old, &format!("INVALID_VERSION $.Version\n{literal}"));
    check_text(
        &import(Type::ServiceControl),
        &old,
        &format!("!X_INVALID_POLICY $\n!INVALID_VERSION $.Version\n{literal}"),
    );
}

/// L-110, L-112: worked examples 9 and 10.
#[test]
fn values_have_the_types_of_their_elements() {
    check(&author(IM), r#""Action":5"#, "!DATA_TYPE_MISMATCH $.Statement.Action");
    check(&author(IM), r#""Action":null"#, "!DATA_TYPE_MISMATCH $.Statement.Action");
    check(&author(IM), r#""Action":["s3:*",true]"#, "!DATA_TYPE_MISMATCH $.Statement.Action[1]");
    check(&author(IM), r#""Sid":1"#, "!DATA_TYPE_MISMATCH $.Statement.Sid");
    check(&author(IM), r#""Condition":[]"#, "!DATA_TYPE_MISMATCH $.Statement.Condition");
    check(
        &author(IM),
        r#""Condition":{"Bool":{"aws:SecureTransport":[["true"]]}}"#,
        r#"!DATA_TYPE_MISMATCH $.Statement.Condition.Bool["aws:SecureTransport"][0]"#,
    );
    check(
        &author(RP),
        r#""Principal":{"AWS":{"a":1},"aws":[]}"#,
        "!DATA_TYPE_MISMATCH $.Statement.Principal.AWS\n\
         !INVALID_PRINCIPAL_KEY $.Statement.Principal.aws\n\
         EMPTY_ARRAY_PRINCIPAL $.Statement.Principal.aws",
    );
    check_text(
        &author(IM),
        r#"{"Version":"2012-10-17","Statement":[[]]}"#,
        "!DATA_TYPE_MISMATCH $.Statement[0]",
    );
}

/// L-127, L-128: worked examples 12 and 13.
#[test]
fn sids_are_restricted_by_type() {
    check(&author(IM), r#""Sid":"my-sid""#, "!UNSUPPORTED_SID $.Statement.Sid");
    check(&author(RP).with_service("s3"), r#""Sid":"my-sid""#, "");
    check(&author(IM), r#""Sid":"""#, "EMPTY_SID_VALUE $.Statement.Sid");
    let twice = |members: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":
                [{{{members},"Sid":"A"}},{{{members},"Sid":"A"}},{{{members},"Sid":"a"}}]}}"#
        )
    };
    let statement = completed(IM, "");
    check_text(&author(IM), &twice(&statement), "!UNIQUE_SIDS_REQUIRED $.Statement[1].Sid");
    let statement = twice(&completed(RP, ""));
    let s3 = author(RP).with_service("s3");
    check_text(&s3, &statement, "UNIQUE_SIDS_RECOMMENDED $.Statement[1].Sid");
    let sqs = author(RP).with_service("sqs");
    let foreign =
        |index: usize| format!("UNSUPPORTED_ACTION_IN_POLICY $.Statement[{index}].Action");
    check_text(
        &sqs,
        &statement,
        &format!(
            "{}\n{}\n!UNIQUE_SIDS_REQUIRED $.Statement[1].Sid\n{}",
            foreign(0),
            foreign(1),
            foreign(2)
        ),
    );
}

/// Table 2.1, L-201, L-206, L-207: worked example 14.
#[test]
fn each_type_has_its_elements() {
    check(&author(IM), r#""Principal":"*""#, "!UNSUPPORTED_PRINCIPAL $.Statement.Principal");
    check(
        &author(Type::Session),
        r#""NotPrincipal":"*""#,
        "!UNSUPPORTED_PRINCIPAL $.Statement.NotPrincipal",
    );
    check(
        &author(Type::ServiceControl),
        r#""Principal":"*""#,
        "!SCP_SYNTAX_ERROR_PRINCIPAL $.Statement.Principal",
    );
    check(
        &author(TP),
        r#""Resource":"*""#,
        "!ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE $.Statement.Resource",
    );
    check(
        &author(TP),
        r#""NotPrincipal":{"AWS":"111122223333"}"#,
        "ALLOW_WITH_NOT_PRINCIPAL $.Statement.NotPrincipal\n\
         !ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL $.Statement.NotPrincipal",
    );
    check(
        &author(Type::VpcEndpoint),
        r#""Effect":"Deny","NotPrincipal":{"AWS":"111122223333"}"#,
        "!INVALID_POLICY_ELEMENT $.Statement.NotPrincipal",
    );
    check_text(
        &author(IM),
        &document(r#""Effect":"Allow""#),
        "!MISSING_ACTION $.Statement\n!MISSING_RESOURCE $.Statement",
    );
    check_text(
        &author(Type::VpcEndpoint),
        &document(""),
        "!MISSING_ACTION $.Statement\n!MISSING_EFFECT $.Statement\n\
         !MISSING_PRINCIPAL $.Statement\n!MISSING_RESOURCE $.Statement",
    );
    check(
        &author(IM),
        r#""NotAction":"s3:*","Action":"s3:*""#,
        "!UNSUPPORTED_ELEMENT_COMBINATION $.Statement.NotAction",
    );
    check(
        &author(IM),
        r#""Resource":"*","NotResource":"*""#,
        "!UNSUPPORTED_ELEMENT_COMBINATION $.Statement.NotResource",
    );
}

/// L-126.
#[test]
fn an_id_belongs_to_resource_based_policies() {
    let with_id = |policy_type| {
        let statement = completed(policy_type, "");
        format!(r#"{{"Version":"2012-10-17","Id":"x","Statement":{{{statement}}}}}"#)
    };
    check_text(&author(IM), &with_id(IM), "!INVALID_POLICY_ELEMENT $.Id");
    check_text(&import(IM), &with_id(IM), "INVALID_POLICY_ELEMENT $.Id");
    check_text(&author(TP), &with_id(TP), "");
    check_text(&author(RP), &with_id(RP), "");
}

/// L-214, L-215: worked examples 15 and 16.
#[test]
fn trust_policies_name_whom_they_trust() {
    check(
        &author(TP),
        r#""Principal":"*""#,
        "!ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL $.Statement.Principal",
    );
    check(&author(TP), r#""Principal":{"AWS":"*"}"#, "");
    check(&author(TP), r#""Action":"*""#, "!UNSUPPORTED_ACTION_IN_POLICY $.Statement.Action");
    check(
        &author(TP),
        r#""NotAction":"s3:*""#,
        "!UNSUPPORTED_ACTION_IN_POLICY $.Statement.NotAction",
    );
    check(&author(TP), r#""NotAction":"STS:TagSession""#, "");
}

/// L-302, L-303, L-305, L-306, L-331: worked examples 17 and 18.
#[test]
fn principals_have_a_form() {
    check(
        &author(RP),
        r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/*"}"#,
        "!UNSUPPORTED_WILDCARD_IN_PRINCIPAL $.Statement.Principal.AWS",
    );
    check(
        &author(RP),
        r#""Principal":"111122223333""#,
        "!INVALID_PRINCIPAL_FORMAT $.Statement.Principal",
    );
    check(&author(RP), r#""Principal":["*"]"#, "!INVALID_PRINCIPAL_FORMAT $.Statement.Principal");
    check(&author(RP), r#""Principal":7"#, "!DATA_TYPE_MISMATCH $.Statement.Principal");
    check(&author(RP), r#""Principal":{}"#, "EMPTY_OBJECT_PRINCIPAL $.Statement.Principal");
    check(
        &author(RP),
        r#""Principal":{"AWS":[]}"#,
        "EMPTY_ARRAY_PRINCIPAL $.Statement.Principal.AWS",
    );
    check(
        &author(RP),
        r#""Principal":{"AWS":[""]}"#,
        "!INVALID_PRINCIPAL_FORMAT $.Statement.Principal.AWS[0]",
    );
    let deny = |value: &str| format!(r#""Effect":"Deny","NotPrincipal":{value}"#);
    check(&author(RP), &deny("{}"), "!X_NEGATIVE_EMPTY $.Statement.NotPrincipal");
    check(
        &author(RP),
        &deny(r#"{"AWS":"111122223333","Service":[]}"#),
        "!X_NEGATIVE_EMPTY $.Statement.NotPrincipal.Service",
    );
    let star = "!UNSUPPORTED_WILDCARD_IN_PRINCIPAL $.Statement.NotPrincipal";
    check(&author(RP), &deny(r#""*""#), star);
    check(&author(RP), &deny(r#"{"AWS":"*"}"#), star);
    check(
        &author(RP),
        r#""NotPrincipal":{"AWS":"111122223333"}"#,
        "ALLOW_WITH_NOT_PRINCIPAL $.Statement.NotPrincipal",
    );
    check(
        &author(RP),
        r#""Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}"#,
        "FEDERATED_PRINCIPAL_NOT_SUPPORTED $.Statement.Principal.Federated",
    );
}

/// L-203, L-204, L-116, L-221, L-231: worked examples 19 – 21.
#[test]
fn actions_and_resources_have_a_form() {
    check(&author(IM), r#""NotAction":[]"#, "!X_NEGATIVE_EMPTY $.Statement.NotAction");
    check(
        &import(IM),
        r#""NotResource":[]"#,
        "!X_INVALID_POLICY $\n!X_NEGATIVE_EMPTY $.Statement.NotResource",
    );
    check(&author(IM), r#""Action":[]"#, "EMPTY_ARRAY_ACTION $.Statement.Action");
    check(&author(IM), r#""Resource":[]"#, "EMPTY_ARRAY_RESOURCE $.Statement.Resource");
    check(&author(IM), r#""Action":"*:*""#, "!INVALID_SERVICE_IN_ACTION $.Statement.Action");
    check(&author(IM), r#""Action":"s3*:Get*""#, "!INVALID_SERVICE_IN_ACTION $.Statement.Action");
    for action in ["s3:Get:x", "GetObject", ""] {
        let member = format!(r#""Action":["{action}"]"#);
        check(&author(IM), &member, "!INVALID_ACTION $.Statement.Action[0]");
    }
    for resource in ["mybucket", "**", ""] {
        let member = format!(r#""Resource":"{resource}""#);
        check(&author(IM), &member, "!INVALID_ARN_PREFIX $.Statement.Resource");
    }
}

/// L-603 – L-605, L-107: worked examples 22 – 24.
#[test]
fn operators_and_keys_have_a_form() {
    let test =
        |operator: &str, key: &str| format!(r#""Condition":{{"{operator}":{{"{key}":"true"}}}}"#);
    let path = "$.Statement.Condition";
    check(
        &author(IM),
        &test("NullIfExists", "k:v"),
        &format!("!NULL_WITH_IF_EXISTS {path}.NullIfExists"),
    );
    check(
        &author(IM),
        &test("StringEqual", "k:v"),
        &format!("!INVALID_CONDITION_OPERATOR {path}.StringEqual"),
    );
    check(
        &author(IM),
        &test("stringequals", "k:v"),
        &format!("X_OPERATOR_CASE {path}.stringequals"),
    );
    let key = format!("INVALID_CONDITION_KEY_FORMAT {path}.StringEquals.SourceIp");
    check(&author(IM), &test("StringEquals", "SourceIp"), &format!("!{key}"));
    check(&import(IM), &test("StringEquals", "SourceIp"), &key);
    let twice = r#""Condition":{"StringEquals":{"aws:SourceVpc":"a","aws:sourcevpc":"b"}}"#;
    let case =
        r#"DUPLICATE_KEYS_WITH_DIFFERENT_CASE $.Statement.Condition.StringEquals["aws:sourcevpc"]"#;
    check(&author(IM), twice, &format!("!{case}"));
    check(&import(IM), twice, case);
    check(
        &author(IM),
        r#""Condition":{"StringEquals":{"aws:ARN":"x","aws:Nonsense":"${aws:Other}"}}"#,
        "UNSUPPORTED_GLOBAL_CONDITION_KEY $.Statement.Condition.StringEquals[\"aws:ARN\"]\n\
         INVALID_GLOBAL_CONDITION_KEY $.Statement.Condition.StringEquals[\"aws:Nonsense\"]",
    );
}

/// L-601, L-607, L-113, L-114, L-617: worked example 11.
#[test]
fn conditions_load_with_what_there_is_to_say() {
    check(&author(IM), r#""Condition":{}"#, "EMPTY_OBJECT_CONDITION $.Statement.Condition");
    check(
        &author(IM),
        r#""Condition":{"Bool":{}}"#,
        "EMPTY_OBJECT_CONDITION $.Statement.Condition.Bool",
    );
    let test = |operator: &str, values: &str| {
        let statement = format!(r#""Condition":{{"{operator}":{{"k:v":{values}}}}}"#);
        let loaded = load(&document(&completed(IM, &statement)), &import(IM));
        show(&loaded).replace("$.Statement.Condition", "$")
    };
    assert_eq!(test("Bool", "false"), "");
    assert_eq!(
        test("Bool", r#"[true,"false"]"#),
        "INVALID_CONDITION_DATA_TYPE $.Bool[\"k:v\"]\n\
         INVALID_CONDITION_MULTIPLE_BOOLEAN $.Bool[\"k:v\"]"
    );
    assert_eq!(test("StringEquals", "[]"), r#"EMPTY_ARRAY_CONDITION $.StringEquals["k:v"]"#);
    assert_eq!(
        test("NumericEquals", r#"["1","x"]"#),
        r#"TYPE_MISMATCH_NUMBER $.NumericEquals["k:v"][1]"#
    );
    assert_eq!(test("IpAddress", r#""10.0.0.1/8""#), r#"IMPROVE_IP_RANGE $.IpAddress["k:v"]"#);
    assert_eq!(test("DateLessThan", "2030"), r#"INVALID_DATE_VALUE $.DateLessThan["k:v"]"#);
    assert_eq!(
        test("DateLessThan", r#""2030-01-01T00:00:00""#),
        r#"X_DATE_WITHOUT_ZONE $.DateLessThan["k:v"]"#
    );
}

/// L-212: worked example 25.
#[test]
fn resource_control_policies_deny_everyone() {
    let rcp = author(Type::ResourceControl);
    check(&rcp, "", "");
    check(&rcp, r#""Effect":"Allow""#, "!X_RCP_EFFECT $.Statement.Effect");
    check(&rcp, r#""NotAction":"s3:*""#, "!X_RCP_NOT_ELEMENT $.Statement.NotAction");
    check(&rcp, r#""Principal":{"AWS":"*"}"#, "!X_RCP_PRINCIPAL $.Statement.Principal");
    check(&rcp, r#""Action":"*""#, "!X_RCP_ACTION_STAR $.Statement.Action");
    check(
        &rcp,
        r#""NotPrincipal":{"AWS":"111122223333"}"#,
        "!X_RCP_NOT_ELEMENT $.Statement.NotPrincipal",
    );
    let full = r#""Effect":"Allow","Principal":"*","Action":["*"],"Resource":"*""#;
    check(&import(Type::ResourceControl), full, "");
    check(&rcp, full, "!X_RCP_EFFECT $.Statement.Effect\n!X_RCP_ACTION_STAR $.Statement.Action[0]");
    let almost = format!("{full},\"Condition\":{{}}");
    assert!(load(&document(&almost), &import(Type::ResourceControl)).policy.is_none());
}

/// L-211: worked example 26.
#[test]
fn legacy_service_control_policies_are_restricted() {
    let condition = r#""Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
    check(&author(Type::ServiceControl), condition, "");
    check(&legacy(), condition, "!SCP_SYNTAX_ERROR_ALLOW_CONDITION $.Statement.Condition");
    check(&legacy(), &format!(r#""Effect":"Deny",{condition}"#), "");
    check(
        &legacy(),
        r#""NotAction":"s3:*""#,
        "!SCP_SYNTAX_ERROR_ALLOW_NOTACTION $.Statement.NotAction",
    );
    check(&legacy(), r#""Effect":"Deny","NotAction":"s3:*""#, "");
    check(&legacy(), r#""Action":["*","s3:Get*"]"#, "");
    check(
        &legacy(),
        r#""Action":"s3:*Get""#,
        "!SCP_SYNTAX_ERROR_ACTION_WILDCARD $.Statement.Action",
    );
    check(
        &legacy(),
        r#""Resource":"arn:aws:s3:::b""#,
        "!SCP_SYNTAX_ERROR_ALLOW_RESOURCE $.Statement.Resource",
    );
    check(
        &legacy(),
        r#""Effect":"Deny","NotResource":"arn:aws:s3:::b""#,
        "!SCP_SYNTAX_ERROR_NOTRESOURCE $.Statement.NotResource",
    );
}

/// L-102: worked example 27.
#[test]
fn iam_takes_latin_1_and_escapes() {
    let resource = |text: &str| format!(r#""Resource":"arn:aws:s3:::b/{text}""#);
    check(&author(IM), &resource("\u{4e2d}"), "!JSON_SYNTAX_ERROR $");
    check(&author(IM), &resource("\\u4e2d\u{ff}"), "");
    check(&author(RP), &resource("\u{4e2d}"), "");
    check(&author(Type::ServiceControl), &resource("\u{4e2d}"), "");
}

/// L-205, L-217.
#[test]
fn resource_based_policies_look_at_their_service() {
    let no_resource = r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject""#;
    check_text(&author(RP), &document(no_resource), "");
    check_text(
        &author(RP).with_service("S3"),
        &document(no_resource),
        "MISSING_RESOURCE $.Statement",
    );
    check(&author(RP).with_service("kms"), "", "UNSUPPORTED_ACTION_IN_POLICY $.Statement.Action");
    check(&author(RP).with_service("kms"), r#""Action":["*","KMS:Decrypt"]"#, "");
}

#[test]
fn policies_of_apis_may_be_short() {
    let api = "arn:aws:execute-api:eu-west-1:111122223333:a1";
    let members =
        |resource: &str| format!(r#""Action":"execute-api:Invoke","Resource":"{resource}""#);
    let short = members("execute-api:/prod/GET/pets");
    // The policy of an API may be held at the API or at a part of it.
    for arn in [api.to_owned(), format!("{api}/prod")] {
        let options = author(RP).with_resource(&arn);
        check(&options, &short, "");
        let of = |text: &str| load(&document(&completed(RP, text)), &options).policy;
        assert_eq!(of(&short), of(&members(&format!("{api}/prod/GET/pets"))));
    }
    let refused = "!INVALID_ARN_PREFIX $.Statement.Resource";
    check(&author(RP).with_service("execute-api"), &members("execute-api:/*"), refused);
    check(&author(RP), &short, refused);
    check(&author(RP).with_resource(api), &members("execute-api:prod"), refused);
}

#[test]
fn auth_policies_of_lattice_may_be_short() {
    let members =
        |resource: &str| format!(r#""Action":"vpc-lattice-svcs:Invoke","Resource":"{resource}""#);
    let options = author(RP).with_resource("arn:aws:vpc-lattice:eu-west-1:111122223333:service/s");
    for (short, long) in
        [("*/rates", "*/rates"), ("*/*", "*/*"), ("*/a:${aws:username}", "*/a:${aws:username}")]
    {
        check(&options, &members(short), "");
        let of = |text: &str| load(&document(&completed(RP, text)), &options).policy;
        assert_eq!(of(&members(short)), of(&members(&format!("arn:*:vpc-lattice:*:*:{long}"))));
    }
    let refused = "!INVALID_ARN_PREFIX $.Statement.Resource";
    for options in [author(RP), author(IM)] {
        check(&options, &members("*/rates"), refused);
    }
    check(&options, &members("*rates"), refused);
}

/// L-1001, L-135.
#[test]
fn long_documents_are_reported_to_authors() {
    let long = format!(r#""Resource":"arn:aws:s3:::{}""#, "b/".repeat(1_500));
    check(
        &author(TP),
        &format!(r#""Condition":{{"StringEquals":{{"k:v":"{}"}}}}"#, "x".repeat(2_000)),
        "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA $",
    );
    check(&author(Type::Session), &long, "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA $");
    check(&import(Type::Session), &long, "");
    let arn = format!("arn:aws:s3:::{}", "b/".repeat(1_500));
    let two = format!(r#""Resource":["{arn}","{arn}x"]"#);
    check(&author(Type::ServiceControl), &two, "POLICY_SIZE_EXCEEDS_SCP_QUOTA $");
    check(&author(RP).with_service("s3"), &two, "");
    let statements = vec![format!("{{{}}}", completed(RP, r#""Action":"sqs:*""#)); 21].join(",");
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    check_text(
        &author(RP).with_service("sqs"),
        &text,
        "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA $",
    );
}

/// L-1002.
#[test]
fn the_engine_has_limits() {
    let poison = "!X_INVALID_POLICY $";
    let long = |n: usize| format!(r#""Resource":"arn:aws:s3:::{}""#, "é".repeat(n - 13));
    check(&import(IM), &long(4_096), "");
    check(&import(IM), &long(4_097), &format!("{poison}\n!X_INVALID_POLICY $.Statement.Resource"));
    let actions = |n: usize| format!(r#""Action":[{}]"#, vec![r#""a:b""#; n].join(","));
    check(&import(IM), &actions(10_000), "");
    check(
        &import(IM),
        &actions(10_001),
        &format!("{poison}\n!X_INVALID_POLICY $.Statement.Action"),
    );
    let statements = |n: usize| {
        let statement = format!("{{{}}}", completed(IM, ""));
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![statement; n].join(","))
    };
    check_text(&import(IM), &statements(1_000), "");
    check_text(
        &import(IM),
        &statements(1_001),
        &format!("{poison}\n!X_INVALID_POLICY $.Statement"),
    );
}

fn lower_one(options: &LoadOptions, members: &str) -> ir::Statement {
    let text = document(&completed(options.policy_type, members));
    let policy = load(&text, options).policy.unwrap();
    policy.statements.into_iter().next().unwrap()
}

#[test]
fn a_statement_lowers_to_its_parts() {
    let statement = lower_one(
        &author(IM),
        r#""Sid":"A","NotAction":["S3:Get*","*"],"NotResource":["*","arn:aws:s3:::b"],
           "Condition":{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a*",1.0,true]}}"#,
    );
    assert_eq!(statement.sid.as_deref(), Some("A"));
    assert_eq!(statement.principal, PrincipalElement::Unspecified);
    assert!(statement.action.negated);
    let get = ActionPattern::Named { vendor: "s3".into(), name: "get*".into() };
    assert_eq!(statement.action.patterns, [get, ActionPattern::Any]);
    let ResourceElement::NotResource(resources) = statement.resource else { panic!("negated") };
    assert!(matches!(&resources[..], [ResourcePattern::Any, ResourcePattern::Arn(_)]));
    let [condition] = &statement.conditions[..] else { panic!("one test") };
    assert_eq!(condition.operator, ir::ConditionOperator::StringLike);
    assert_eq!(condition.qualifier, Some(ir::SetQualifier::ForAnyValue));
    assert!(condition.if_exists);
    let Operand::Text(values) = &condition.operand else { panic!("text") };
    let literal = |text: &str| Some(vec![ir::Piece::Literal(text.into())]);
    let starred = Some(vec![ir::Piece::Literal("a".into()), ir::Piece::Star]);
    assert_eq!(values, &[starred, literal("1.0"), literal("true")]);
}

/// L-216: worked example 116.
#[test]
fn accounts_in_gateway_endpoint_policies_are_root_users() {
    let account: assize_model::AccountId = "111122223333".parse().unwrap();
    let principal = |options: &LoadOptions| lower_one(options, "").principal;
    let whole = PrincipalPattern::Account { partition: None, account };
    let root = PrincipalPattern::AccountRoot { partition: None, account };
    assert_eq!(principal(&import(Type::VpcEndpoint)), PrincipalElement::Principal(vec![whole]));
    assert_eq!(principal(&gateway()), PrincipalElement::Principal(vec![root]));
}

/// L-206, L-205, L-305.
#[test]
fn parts_that_a_document_does_not_have() {
    assert_eq!(lower_one(&author(TP), "").resource, ResourceElement::Unspecified);
    let text = document(r#""Effect":"Allow","Principal":{},"Action":"s3:GetObject""#);
    let policy = load(&text, &author(RP)).policy.unwrap();
    assert_eq!(policy.statements[0].resource, ResourceElement::Unspecified);
    assert_eq!(policy.statements[0].principal, PrincipalElement::Principal(Vec::new()));
}

#[test]
fn statements_keep_their_places() {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[ {{{0}}}, {{{0}}} ]}}"#,
        completed(IM, "")
    );
    let loaded = load(&text, &author(IM));
    let spans: Vec<_> = loaded.statement_spans.iter().filter_map(|span| span.of(&text)).collect();
    let statement = format!("{{{}}}", completed(IM, ""));
    assert_eq!(spans, [&statement, &statement]);
}

/// L-902.
#[test]
fn findings_stand_in_order_and_point_at_their_text() {
    let text =
        document(&completed(IM, r#""Sid":"a-b","Action":["s3:Get:x","b",5],"Resource":"b""#));
    let loaded = load(&text, &author(IM));
    let places = loaded.findings.iter().map(|f| (f.span.of(&text).unwrap(), f.code.as_str()));
    let expected = [
        (r#""a-b""#, "UNSUPPORTED_SID"),
        (r#""s3:Get:x""#, "INVALID_ACTION"),
        (r#""b""#, "INVALID_ACTION"),
        ("5", "DATA_TYPE_MISMATCH"),
        (r#""b""#, "INVALID_ARN_PREFIX"),
    ];
    assert_eq!(places.collect::<Vec<_>>(), expected);
    assert!(loaded.findings.is_sorted_by_key(|finding| finding.span.start));
}

/// Members of statements, right and wrong.
fn members() -> impl Strategy<Value = String> {
    let list = |values: &'static [&'static str]| {
        prop::collection::vec(prop::sample::select(values), 0..3)
            .prop_map(|v| format!("[{}]", v.join(",")))
    };
    let actions =
        list(&[r#""s3:Get*""#, r#""*""#, r#""sts:AssumeRole""#, r#""s3:""#, r#""x""#, "1"]);
    let resources = list(&[
        r#""*""#,
        r#""arn:aws:s3:::b/${aws:username}""#,
        r#""arn:aws:sqs:*""#,
        r#""arn:aws:s3:::${""#,
        r#""b""#,
    ]);
    let principals = list(&[
        r#""*""#,
        r#""111122223333""#,
        r#""arn:aws:iam::111122223333:user/u""#,
        r#""x""#,
        "null",
    ]);
    let tests = prop::collection::vec(
        (
            prop::sample::select(vec![
                "StringEquals",
                "stringlike",
                "Bool",
                "NumericEquals",
                "Nonsense",
            ]),
            prop::sample::select(vec!["aws:SourceVpc", "aws:sourcevpc", "k"]),
            list(&[r#""a""#, "1", "true", r#""${aws:username}""#, "null"]),
        ),
        0..3,
    );
    let negated = || prop::sample::select(vec!["", "Not"]);
    (negated(), actions, negated(), resources, prop::option::of((negated(), principals)), tests)
        .prop_map(|(a, actions, r, resources, principal, tests)| {
            let principal = principal.map_or_else(String::new, |(p, principals)| {
                format!(r#","{p}Principal":{{"AWS":{principals}}}"#)
            });
            let tests = tests.iter().map(|(o, k, v)| format!(r#""{o}":{{"{k}":{v}}}"#));
            let tests = tests.collect::<Vec<_>>().join(",");
            [
                format!(r#""Effect":"Deny","{a}Action":{actions},"{r}Resource":{resources}"#),
                principal,
                format!(r#","Condition":{{{tests}}}"#),
            ]
            .concat()
        })
}

fn n_values(text: &str, name: &str) -> usize {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    json["Statement"][name].as_array().map_or(0, Vec::len)
}

proptest! {
    /// The invariant of the module: what a policy that loads says is all that its text says.
    #[test]
    fn a_policy_that_loads_is_whole(
        members in members(),
        policy_type in prop::sample::select(Type::ALL.to_vec()),
        mode in prop::sample::select(vec![LoadMode::Author, LoadMode::Import]),
    ) {
        let text = document(&members);
        let loaded = load(&text, &LoadOptions::new(policy_type, mode));
        prop_assert_eq!(loaded.policy.is_none(), loaded.findings.iter().any(|f| f.rejects));
        prop_assert!(loaded.findings.is_sorted_by_key(|f| (f.span.start, f.code.as_str())));
        let Some(policy) = loaded.policy else { return Ok(()) };
        let statement = &policy.statements[0];
        let not = if statement.action.negated { "NotAction" } else { "Action" };
        prop_assert_eq!(statement.action.patterns.len(), n_values(&text, not));
        let n_resources = n_values(&text, "Resource") + n_values(&text, "NotResource");
        match &statement.resource {
            ResourceElement::Unspecified => prop_assert_eq!(policy_type, Type::RoleTrust),
            ResourceElement::Resource(list) | ResourceElement::NotResource(list) => {
                prop_assert_eq!(list.len(), n_resources);
            }
        }
        let n_tests = ["\":{\"aws:", "\":{\"k\""].map(|key| members.matches(key).count());
        prop_assert_eq!(statement.conditions.len(), n_tests.iter().sum::<usize>());
        for condition in &statement.conditions {
            let n = match &condition.operand {
                Operand::Text(values) => values.len(),
                Operand::Number(values) => values.len(),
                Operand::Bool(values) => values.len(),
                _ => 0,
            };
            prop_assert!(n <= 2);
        }
    }
}
