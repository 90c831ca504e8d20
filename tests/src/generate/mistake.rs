//! Requests with one mistake. Which of several is named is nobody's business, so the rest of such
//! a request is plain.

use serde_json::{Value, json};

use super::Source;
use super::text::{INSIDE, user_arn};

/// Fields that replace those of a plain request, and what they are replaced with.
const MISTAKES: [(&str, &str); 41] = [
    ("principal", r#""arn:aws:iam::111111111111:user/nobody""#),
    ("principal", r#""arn:aws:sts::222222222222:assumed-role/Nobody/s""#),
    ("principal", r#""arn:aws:sts::111111111111:federated-user/""#),
    ("principal", r#""arn:aws:iam::111111111111:thing/ana""#),
    ("principal", r#""arn:aws:iam::1111:user/ana""#),
    ("principal", r#""arn:aws:iam::111111111111:user/*""#),
    ("principal", r#""""#),
    ("principal", r#""ana""#),
    ("principal", r#"{"type": "user"}"#),
    ("principal", r#"{"type": "user", "arn": "arn:aws:iam::111111111111:role/R"}"#),
    ("principal", r#"{"type": "root"}"#),
    ("principal", r#"{"type": "anonymous", "account": "111111111111"}"#),
    ("principal", r#"{"type": "service", "service": "lambda"}"#),
    ("principal", r#"{"type": "roleSession", "role": "arn:aws:iam::111111111111:user/ana"}"#),
    (
        "principal",
        r#"{"type": "roleSession", "arn": "arn:aws:sts::999999999999:assumed-role/R/s", "role": "arn:aws:iam::111111111111:role/R"}"#,
    ),
    (
        "principal",
        r#"{"type": "roleSession", "arn": "arn:aws:sts::111111111111:assumed-role/R/s", "role": "R"}"#,
    ),
    ("principal", r#"{"type": "federated", "provider": "arn:aws:iam::111111111111:user/ana"}"#),
    ("principal", r#"{"type": "nobody"}"#),
    (
        "principal",
        r#"{"type": "roleSession", "role": "arn:aws:iam::111111111111:role/R", "session": {"name": "s", "claims": {"aws:PrincipalTag/a:sub": "a"}}}"#,
    ),
    (
        "principal",
        r#"{"type": "roleSession", "role": "arn:aws:iam::111111111111:role/R", "session": {"name": "s", "claims": {"x:sub": "a"}}}"#,
    ),
    (
        "principal",
        r#"{"type": "roleSession", "role": "arn:aws:iam::111111111111:role/R", "session": {"name": "s", "claims": {"saml:sub": ["a", "b"]}}}"#,
    ),
    (
        "principal",
        r#"{"type": "roleSession", "role": "arn:aws:iam::111111111111:role/R", "session": {"name": "s", "claims": {"idp.example.com:email": 1e999999999}}}"#,
    ),
    (
        "principal",
        r#"{"type": "assumedRoot", "account": "111111111111", "session": {"taskPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}}"#,
    ),
    ("action", r#""s3""#),
    ("action", r#""s3:""#),
    ("action", r#"":GetObject""#),
    ("action", r#""s3:Get*""#),
    ("action", r#""s3:Get:Object""#),
    ("resource", r#""b1/k""#),
    ("resource", r#""arn:aws:s3:b1/k""#),
    ("resource", r#""arn:aws:::b1/k""#),
    ("resource", r#""""#),
    ("resourceData", r#"{"account": "999999999999"}"#),
    ("network", r#"{"vpce": "vpce-9"}"#),
    ("network", r#"{"sourceIp": "203.0.113"}"#),
    ("checks", "[]"),
    ("time", r#""yesterday""#),
    ("context", r#"{"aws:MultiFactorAuthPresent": "perhaps"}"#),
    ("context", r#"{"aws:CurrentTime": "perhaps"}"#),
    ("context", r#"{"aws:SourceVpce": ["a", "b"]}"#),
    ("unheard", r#""of""#),
];

/// A request with one mistake.
pub(super) fn request(source: &mut Source<'_>) -> Value {
    let mut request = json!({
        "principal": user_arn(source, INSIDE[0]),
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b1/k",
    });
    let (field, text) = source.pick(&MISTAKES);
    if field == "checks"
        && let Some(members) = request.as_object_mut()
    {
        members.retain(|name, _| name == "principal");
    }
    request[field] = serde_json::from_str(text).unwrap_or_default();
    request
}
