use assize_model::PolicyType;
use proptest::prelude::*;

use super::*;
use crate::finding::{Problem, Reject};
use crate::ir::{ActionPattern, Piece, PrincipalPattern, ResourcePattern};
use crate::variable::Variables;

/// The codes of problems, each with the mode it rejects in: `!` both, `+` author, none otherwise.
fn codes(problems: &[Problem]) -> String {
    let words = problems.iter().map(|problem| match problem.rejects {
        Reject::Always => format!("{}!", problem.code),
        Reject::Author => format!("{}+", problem.code),
        Reject::Never => problem.code.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn check_action(text: &str, expected: Option<&str>, expected_codes: &str) {
    let mut problems = Vec::new();
    let pattern = action(text, &mut problems).map(|pattern| match pattern {
        ActionPattern::Any => "*".to_owned(),
        ActionPattern::Named { vendor, name } => format!("{vendor}:{name}"),
    });
    assert_eq!((pattern.as_deref(), &*codes(&problems)), (expected, expected_codes), "{text}");
}

/// L-221, L-222.
#[test]
fn actions_are_a_star_or_a_service_and_a_name() {
    check_action("*", Some("*"), "");
    check_action("S3:GetObject", Some("s3:getobject"), "");
    check_action("s3:Get?bject", Some("s3:get?bject"), "");
    check_action("execute-api:*", Some("execute-api:*"), "");
}

/// L-221; worked example 20.
#[test]
fn malformed_actions_reject() {
    check_action("*:*", None, "INVALID_SERVICE_IN_ACTION!");
    check_action("s3*:Get*", None, "INVALID_SERVICE_IN_ACTION!");
    check_action("s?:x:y", None, "INVALID_SERVICE_IN_ACTION!");
    for text in ["", "**", "GetObject", "s3", ":", ":Get", "s3:Get:x", "s 3:Get", "s3_:Get", "é:a"]
    {
        check_action(text, None, "INVALID_ACTION!");
    }
}

/// L-223; worked example 30.
#[test]
fn names_that_no_action_has_load_as_written() {
    check_action("s3:", Some("s3:"), "INVALID_ACTION");
    check_action("s3: GetObject", Some("s3: getobject"), "INVALID_ACTION");
    check_action("s3:Get_Object", Some("s3:get_object"), "INVALID_ACTION");
    check_action("s3:É*", Some("s3:É*"), "INVALID_ACTION");
    check_action("s3:${", Some("s3:${"), "INVALID_ACTION");
}

/// L-223, L-514.
#[test]
fn actions_have_no_variables() {
    check_action("s3:${aws:username}", None, "VARIABLE_UNSUPPORTED_IN_ELEMENT!");
    check_action("s3:Get${*}", None, "VARIABLE_UNSUPPORTED_IN_ELEMENT!");
}

/// Prints a pattern: its segments, `/` between them, variables by their text.
fn show(pattern: &ResourcePattern) -> String {
    let ResourcePattern::Arn(arn) = pattern else {
        return if *pattern == ResourcePattern::Any { "any" } else { "nothing" }.to_owned();
    };
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.to_string(),
        Piece::Star => "<*>".to_owned(),
        Piece::One => "<?>".to_owned(),
        Piece::Variable(variable) => format!("<{}>", variable.key),
    };
    let segment = |pieces: &Vec<Piece>| pieces.iter().map(piece).collect::<String>();
    arn.segments.iter().map(segment).collect::<Vec<_>>().join(" | ")
}

fn check_resource_of(
    policy_type: PolicyType,
    variables: Variables,
    text: &str,
    expected: Option<&str>,
    expected_codes: &str,
) {
    let mut problems = Vec::new();
    let pattern = resource(text, policy_type, variables, &mut problems);
    let pattern = pattern.as_ref().map(show);
    assert_eq!(
        (pattern.as_deref(), &*codes(&problems)),
        (expected, expected_codes),
        "{policy_type} {text}"
    );
}

/// A managed identity policy of version 2012-10-17.
fn check_resource(text: &str, expected: Option<&str>, expected_codes: &str) {
    let policy_type = PolicyType::ManagedIdentity;
    check_resource_of(policy_type, Variables::Replaced, text, expected, expected_codes);
}

/// L-231, L-234.
#[test]
fn resources_split_at_five_colons() {
    check_resource("*", Some("any"), "");
    check_resource("arn:aws:s3:::b/*", Some("aws | s3 |  |  | b/<*>"), "");
    check_resource("arn:*:ec2:*:*:*/*", Some("<*> | ec2 | <*> | <*> | <*>/<*>"), "");
    check_resource(
        "arn:aws:logs:us-*-1:111122223333:log-group:a?:*",
        Some("aws | logs | us-<*>-1 | 111122223333 | log-group:a<?>:<*>"),
        "",
    );
    check_resource(
        "arn:aws:kms:*:${aws:PrincipalAccount}:key/${a:b, 'x:y'}:z",
        Some("aws | kms | <*> | <aws:PrincipalAccount> | key/<a:b>:z"),
        "",
    );
    check_resource("arn:aws:s3:::b/a${*}c", Some("aws | s3 |  |  | b/a*c"), "");
}

/// L-231; worked example 21.
#[test]
fn other_resources_reject() {
    for text in ["", "mybucket", "**", "a*", "*arn:aws:s3:::b", "ARN:aws:s3:::b", "arn", " *"] {
        check_resource(text, None, "INVALID_ARN_PREFIX!");
    }
}

/// L-232.
#[test]
fn segments_may_be_empty_but_service_and_resource() {
    check_resource("arn:aws::::b", None, "INVALID_ARN_PREFIX!");
    check_resource("arn:aws:", None, "INVALID_ARN_PREFIX!");
    check_resource("arn::s3:::b", Some(" | s3 |  |  | b"), "");
    check_resource("arn:aws:s3:::", Some("nothing"), "INVALID_ARN_RESOURCE");
}

/// L-233.
#[test]
fn wildcards_in_the_service_reject_authors_of_the_iam_family() {
    let text = "arn:aws:s?:::b";
    check_resource(text, Some("aws | s<?> |  |  | b"), "WILDCARD_IN_SERVICE_NAME+");
    for policy_type in [PolicyType::ResourceBased, PolicyType::ServiceControl] {
        let (variables, expected) = (Variables::Replaced, Some("aws | s<?> |  |  | b"));
        check_resource_of(policy_type, variables, text, expected, "WILDCARD_IN_SERVICE_NAME");
    }
}

/// L-412; worked example 35.
#[test]
fn services_in_upper_case_are_reported() {
    check_resource("arn:aws:S3:::b", Some("aws | S3 |  |  | b"), "INVALID_ARN_SERVICE_CASE");
}

/// L-235, the table; worked examples 44 and 45.
#[test]
fn short_patterns_are_padded_by_policy_type() {
    use PolicyType as Type;
    let identity =
        [Type::ManagedIdentity, Type::InlineIdentity, Type::PermissionsBoundary, Type::Session];
    let check = |types: &[Type], text: &str, expected: Option<&str>, codes: &str| {
        for policy_type in types {
            check_resource_of(*policy_type, Variables::Replaced, text, expected, codes);
        }
    };
    let resource = [Type::ResourceBased, Type::VpcEndpoint];
    let (scp, rcp) = ([Type::ServiceControl], [Type::ResourceControl]);
    let (never, author) = ("MISSING_ARN_FIELD", "MISSING_ARN_FIELD+");
    let always = "MISSING_ARN_FIELD!";

    let text = "arn:aws:sqs:*";
    let padded = Some("aws | sqs | <*> | <*> | <*>");
    check(&identity, text, padded, never);
    check(&resource, text, padded, never);
    check(&scp, text, padded, never);
    check(&rcp, text, None, always);

    let text = "arn:aws:sqs:us-*-1";
    let padded = Some("aws | sqs | us-<*>-1 | <*> | <*>");
    check(&identity, text, padded, author);
    check(&resource, text, padded, author);
    check(&scp, text, None, always);
    check(&rcp, text, None, always);

    let text = "arn:aws:sqs:us-east-1";
    let padded = Some("aws | sqs | us-east-1 | <*> | <*>");
    check(&identity, text, padded, author);
    check(&resource, text, Some("nothing"), author);
    check(&scp, text, None, always);
    check(&rcp, text, None, always);

    // An escaped star and a question mark are no stars.
    check(&resource, "arn:aws:sqs:us-east-?:${*}", Some("nothing"), author);
    // A missing service is a wildcard service.
    let codes = "WILDCARD_IN_SERVICE_NAME+ MISSING_ARN_FIELD";
    check(&identity, "arn:*", Some("<*> | <*> | <*> | <*> | <*>"), codes);
}

/// L-236.
#[test]
fn resources_of_iam_have_no_region_and_a_known_type() {
    for resource in ["*", "root", "user/bob", "role/*", "oidc-provider/x", "report/${a:b}"] {
        let text = format!("arn:aws:iam::111122223333:{resource}");
        let mut problems = Vec::new();
        assert!(
            super::resource(&text, PolicyType::InlineIdentity, Variables::Replaced, &mut problems)
                .is_some()
        );
        assert_eq!(codes(&problems), "", "{text}");
    }
    check_resource("arn:aws:iam::1:u*", Some("aws | iam |  | 1 | u<*>"), "INVALID_ARN_RESOURCE+");
    check_resource(
        "arn:aws:iam:*::role/x",
        Some("aws | iam | <*> |  | role/x"),
        "ARN_REGION_NOT_ALLOWED+",
    );
    check_resource("arn:aws:iam:::", Some("nothing"), "INVALID_ARN_RESOURCE+");
    check_resource_of(
        PolicyType::ServiceControl,
        Variables::Replaced,
        "arn:aws:iam::*:*/x",
        Some("aws | iam |  | <*> | <*>/x"),
        "INVALID_ARN_RESOURCE",
    );
}

/// L-501, L-504, L-509.
#[test]
fn variables_stand_in_region_account_and_resource() {
    for text in
        ["arn:${aws:x}:s3:::b", "arn:aws:${aws:x}:::b", "arn:aws:s${*}:::b", "arn:aws:${:::b"]
    {
        check_resource(text, None, "VARIABLE_UNSUPPORTED_IN_ELEMENT!");
    }
    check_resource("arn:aws:s3:::b/${aws}", Some("nothing"), "UNSUPPORTED_SYMBOL_IN_VARIABLE+");
    check_resource("arn:aws:s3:${a:b:c:d", Some("nothing"), "MISSING_BRACE_IN_VARIABLE+");
}

/// L-502.
#[test]
fn colons_split_variables_of_other_versions() {
    check_resource_of(
        PolicyType::ManagedIdentity,
        Variables::Literal,
        "arn:aws:kms:*:${aws:PrincipalAccount}:key/*",
        Some("aws | kms | <*> | ${aws | PrincipalAccount}:key/<*>"),
        "VARIABLE_UNSUPPORTED_IN_VERSION",
    );
}

/// What a character of a pattern matches, in the naive reading of L-411.
#[derive(Clone, Copy)]
enum Token {
    Char(char),
    /// A run of any characters, or of any but colons.
    Run {
        wide: bool,
    },
    /// One character, or one other than a colon.
    One {
        wide: bool,
    },
}

/// The naive reading of L-411: join the segments with colons, then try everything.
fn matches(pattern: &ResourcePattern, arn: &str) -> bool {
    let ResourcePattern::Arn(pattern) = pattern else {
        return *pattern == ResourcePattern::Any;
    };
    let mut tokens: Vec<Token> = "arn".chars().map(Token::Char).collect();
    for (index, pieces) in pattern.segments.iter().enumerate() {
        tokens.push(Token::Char(':'));
        let in_resource = index == 4;
        for (at, piece) in pieces.iter().enumerate() {
            let is_last = at + 1 == pieces.len();
            match piece {
                Piece::Literal(text) => tokens.extend(text.chars().map(Token::Char)),
                Piece::Star => tokens.push(Token::Run { wide: in_resource || is_last }),
                Piece::One => tokens.push(Token::One { wide: in_resource }),
                Piece::Variable(_) => return false,
            }
        }
    }
    matches_tokens(&tokens, &arn.chars().collect::<Vec<_>>())
}

fn matches_tokens(tokens: &[Token], text: &[char]) -> bool {
    let Some((token, tokens)) = tokens.split_first() else { return text.is_empty() };
    let next = |fits: bool| fits && matches_tokens(tokens, &text[1..]);
    match token {
        Token::Char(c) => next(text.first() == Some(c)),
        Token::One { wide } => next(text.first().is_some_and(|c| *wide || *c != ':')),
        Token::Run { wide } => (0..=text.len())
            .take_while(|n| *wide || !text[..*n].contains(&':'))
            .any(|n| matches_tokens(tokens, &text[n..])),
    }
}

/// Worked examples 32 – 47 (those with one policy and one ARN).
#[test]
fn patterns_mean_what_the_worked_examples_say() {
    let q = "arn:aws:sqs:us-east-1:111122223333:q";
    for (pattern, arn, expected) in [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
        ("arn:aws:s3:::b/*/t/*", "arn:aws:s3:::b/1/2/t/x", true),
        ("arn:aws:s3:::b/*/t", "arn:aws:s3:::b/t", false),
        ("arn:aws:S3:::b", "arn:aws:s3:::b", false),
        ("arn:aws:iam::111111111111:user/bob", "arn:aws:iam::111111111111:user/Bob", false),
        (
            "arn:aws:sqs:*:111122223333:q",
            "arn:aws:sqs:us-east-1:999999999999:x:111122223333:q",
            true,
        ),
        ("arn:aws:sqs:us-*-1:111122223333:q", q, true),
        ("arn:aws:sqs:*-1:111122223333:q", "arn:aws:sqs:us-east:x-1:111122223333:q", false),
        (
            "arn:aws:lambda:*:*:function:f",
            "arn:aws:lambda:us-east-1:111122223333:function:f:PROD",
            false,
        ),
        ("arn:aws:ec2:*:*:*/*", "arn:aws:ec2:us-east-1:111122223333:instance/i-1", true),
        ("arn:aws:sqs:*", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:sqs:us-east-1", q, true),
        ("arn:aws:s3:::b/a${*}c", "arn:aws:s3:::b/a*c", true),
        ("arn:aws:s3:::b/a${*}c", "arn:aws:s3:::b/abc", false),
        ("arn:aws:s3:::b/a*c", "arn:aws:s3:::b/a*c", true),
    ] {
        let mut problems = Vec::new();
        let read =
            resource(pattern, PolicyType::ManagedIdentity, Variables::Replaced, &mut problems);
        assert_eq!(matches(&read.unwrap(), arn), expected, "{pattern} {arn}");
    }
}

fn check_aws(text: &str, expected: Option<PrincipalPattern>, expected_codes: &str) {
    let mut problems = Vec::new();
    let pattern = aws_principal(text, AccountEntries::WholeAccount, &mut problems);
    assert_eq!((pattern, &*codes(&problems)), (expected, expected_codes), "{text}");
}

/// P1 – P9.
#[test]
fn entries_under_aws_are_accounts_and_principals() {
    use PrincipalPattern as P;
    let account = "111122223333".parse().unwrap();
    check_aws("*", Some(P::Everyone), "");
    check_aws("111122223333", Some(P::Account { partition: None, account }), "");
    check_aws(
        "arn:aws-cn:iam::111122223333:root",
        Some(P::Account { partition: Some("aws-cn".into()), account }),
        "",
    );
    for (text, form) in [
        ("arn:aws:iam::111122223333:user/a/b/bob", P::User as fn(Box<str>) -> P),
        ("arn:aws:iam::111122223333:role/R", P::Role),
        ("arn:aws:sts::111122223333:assumed-role/R/s", P::RoleSession),
        ("arn:aws:sts::111122223333:federated-user/f", P::FederatedUser),
        ("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1", P::Oai),
    ] {
        check_aws(text, Some(form(text.into())), "");
    }
    let id = "AIDACKCEVSQ6C2EXAMPLE";
    check_aws(id, Some(P::UniqueId(id.into())), "INVALID_USER_REFERENCE");
    let id = "AROACKCEVSQ6C2EXAMPLE";
    check_aws(id, Some(P::UniqueId(id.into())), "INVALID_ROLE_REFERENCE");
}

/// L-216; worked example 116.
#[test]
fn accounts_are_their_root_user_at_gateway_endpoints() {
    for (text, partition) in
        [("111122223333", None), ("arn:aws:iam::111122223333:root", Some("aws".into()))]
    {
        let pattern = aws_principal(text, AccountEntries::RootUser, &mut Vec::new());
        let account = "111122223333".parse().unwrap();
        assert_eq!(pattern, Some(PrincipalPattern::AccountRoot { partition, account }));
    }
}

/// L-303, L-304, L-308, L-309; worked example 17.
#[test]
fn other_entries_under_aws_reject() {
    for text in [
        "",
        "11112222333",
        "1111-2222-3333",
        "bob",
        "anonymous",
        "lambda.amazonaws.com",
        "AGPACKCEVSQ6C2EXAMPLE",
        "AIDA",
        "AIDAabc",
        "ARN:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:group/g",
        "arn:aws:iam::111122223333:instance-profile/p",
        "arn:aws:iam::111122223333:saml-provider/p",
        "arn:aws:iam::111122223333:user",
        "arn:aws:iam::1:root",
        "arn:aws:iam:us-east-1:111122223333:root",
        "arn:aws:s3:::b",
        "arn:aws:sts::111122223333:assumed-role/R",
    ] {
        check_aws(text, None, "INVALID_PRINCIPAL_FORMAT!");
    }
    for text in
        ["**", "arn:aws:iam::111122223333:role/*", "arn:aws:sts::111122223333:assumed-role/R/?"]
    {
        check_aws(text, None, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL!");
    }
    check_aws(
        "arn:aws:iam::111122223333:user/${aws:username}",
        None,
        "VARIABLE_UNSUPPORTED_IN_ELEMENT!",
    );
}

/// P10, L-303, L-316.
#[test]
fn entries_under_service_are_names() {
    let check = |text: &str, loads: bool, expected_codes: &str| {
        let mut problems = Vec::new();
        let pattern = service_principal(text, &mut problems);
        let expected = loads.then(|| PrincipalPattern::Service(text.into()));
        assert_eq!((pattern, &*codes(&problems)), (expected, expected_codes), "{text}");
    };
    for text in [
        "lambda.amazonaws.com",
        "logs.us-east-1.amazonaws.com",
        "ec2.amazonaws.com.cn",
        "states.c2s.ic.gov",
    ] {
        check(text, true, "");
    }
    for text in ["lambda", "Lambda.amazonaws.com", "lambda.example.com", ".amazonaws.com", "a..aws"]
    {
        check(text, true, "INVALID_SERVICE_PRINCIPAL_FORMAT");
    }
    check("*", false, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL!");
    check("*.amazonaws.com", false, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL!");
    check("${a:b}", false, "VARIABLE_UNSUPPORTED_IN_ELEMENT!");
    check("", false, "INVALID_PRINCIPAL_FORMAT!");
}

/// P11, P12, L-317; worked example 111.
#[test]
fn entries_under_federated_are_providers_in_trust_policies() {
    let check = |policy_type, text: &str, expected, expected_codes: &str| {
        let mut problems = Vec::new();
        let pattern = federated_principal(text, policy_type, &mut problems);
        assert_eq!((pattern, &*codes(&problems)), (expected, expected_codes), "{text}");
    };
    let trust = PolicyType::RoleTrust;
    for text in [
        "arn:aws:iam::111122223333:saml-provider/P",
        "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
        "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
        "accounts.google.com",
        "cognito-identity.amazonaws.com",
    ] {
        let nobody = Some(PrincipalPattern::Nobody);
        check(trust, text, Some(PrincipalPattern::Provider(text.into())), "");
        check(PolicyType::ResourceBased, text, nobody, "FEDERATED_PRINCIPAL_NOT_SUPPORTED");
    }
    for text in ["example.com", "arn:aws:iam::1:saml-provider/P", "arn:aws:iam::111122223333:root"]
    {
        let code = "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY";
        check(trust, text, Some(PrincipalPattern::Provider(text.into())), code);
    }
    check(trust, "*", None, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL!");
    check(PolicyType::ResourceBased, "*", None, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL!");
}

/// P13, L-303.
#[test]
fn entries_under_canonical_user_are_ids() {
    let check = |text: &str, loads: bool, expected_codes: &str| {
        let mut problems = Vec::new();
        let pattern = canonical_user(text, &mut problems);
        let expected = loads.then(|| PrincipalPattern::CanonicalUser(text.into()));
        assert_eq!((pattern, &*codes(&problems)), (expected, expected_codes), "{text}");
    };
    check(&"0a".repeat(32), true, "");
    check("abc", true, "INVALID_PRINCIPAL_FORMAT");
    check("*", false, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL!");
}

proptest! {
    #[test]
    fn no_text_panics(
        text in r"\PC{0,30}|arn:[$\{}*?:,/ 'aéiam0-9]{0,40}|[$\{}*?:,/ 'aé]{0,20}",
        policy_type in prop::sample::select(&PolicyType::ALL),
        variables in prop::sample::select(&[Variables::Replaced, Variables::Literal]),
    ) {
        let mut problems = Vec::new();
        let loads = [
            action(&text, &mut problems).is_some(),
            resource(&text, policy_type, variables, &mut problems).is_some(),
            aws_principal(&text, AccountEntries::WholeAccount, &mut problems).is_some(),
            service_principal(&text, &mut problems).is_some(),
            federated_principal(&text, policy_type, &mut problems).is_some(),
            canonical_user(&text, &mut problems).is_some(),
        ];
        for problem in &problems {
            let range = problem.range.clone().unwrap_or(0..0);
            prop_assert!(text.get(range).is_some());
        }
        let n_rejecting = problems.iter().filter(|p| p.rejects == Reject::Always).count();
        prop_assert_eq!(n_rejecting, loads.iter().filter(|loads| !**loads).count());
    }
}
