//! What the log says happened (F-58).

use std::borrow::Cow;

use assize_formats::{Observed, ObservedDecision};

use crate::record::Record;

/// Error codes of calls that authorization refused. State of November 2026.
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "Client.UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedAccess",
    "NotAuthorized",
    "NotAuthorizedException",
];

/// Error codes of calls that authorization let through, and that were only tried.
const DRY_RUN: [&str; 2] = ["DryRunOperation", "Client.DryRunOperation"];

/// The words of a message for a kind of policy, and the layer it decides (E-106).
const LAYERS: [(&str, &str); 10] = [
    ("identity-based policy", "identity"),
    ("resource-based policy", "resource"),
    ("role trust policy", "resource"),
    ("permissions boundary", "boundary"),
    ("session policy", "session"),
    ("service control policy", "scp"),
    ("resource control policy", "rcp"),
    ("VPC endpoint policy", "vpce"),
    ("VPC Endpoint policy", "vpce"),
    ("trust policy", "resource"),
];

/// The observed answer of a record.
pub(crate) fn observed<'a>(record: &Record<'a>) -> Observed<'a> {
    let code = record.error_code.as_deref();
    let message = record.error_message.as_deref().unwrap_or_default();
    let (decision, layer) = match code {
        None => (ObservedDecision::Allowed, None),
        Some(code) if DRY_RUN.contains(&code) => (ObservedDecision::Allowed, None),
        Some("VpceAccessDenied") => (ObservedDecision::Denied, Some("vpce")),
        Some(code) if is_denied(code, record.event_source.as_deref()) => refined(message),
        Some(_) => (ObservedDecision::Unknown, None),
    };
    Observed {
        decision: Some(decision),
        layer: layer.map(Cow::Borrowed),
        error_code: record.error_code.clone(),
        error_message: record.error_message.clone(),
        event_id: record.event_id.clone(),
    }
}

fn is_denied(code: &str, source: Option<&str>) -> bool {
    // Cognito says so of wrong passwords.
    let is_password = code == "NotAuthorizedException"
        && source.is_some_and(|source| source.starts_with("cognito-idp."));
    (DENIED.contains(&code) && !is_password) || code.starts_with("KMSAccessDenied")
}

/// The kind of deny and its layer, as far as the message tells.
fn refined(message: &str) -> (ObservedDecision, Option<&'static str>) {
    let layer = |text: &str| {
        let text = ["a ", "an ", "the "].iter().find_map(|a| text.strip_prefix(a)).unwrap_or(text);
        LAYERS.iter().find(|(words, _)| text.starts_with(words)).map(|(_, layer)| *layer)
    };
    if let Some((_, rest)) = message.split_once("with an explicit deny") {
        let layer = rest.strip_prefix(" in ").and_then(layer);
        return (ObservedDecision::ExplicitDeny, layer);
    }
    if let Some((_, rest)) = message.split_once("because no ") {
        let layer = layer(rest);
        let says_so = layer.is_some_and(|_| rest.contains(" allows "));
        if says_so {
            return (ObservedDecision::ImplicitDeny, layer);
        }
    }
    (ObservedDecision::Denied, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ObservedDecision::{Allowed, Denied, ExplicitDeny, ImplicitDeny, Unknown};

    fn check(source: &str, code: &str, message: &str, expected: (ObservedDecision, Option<&str>)) {
        let text = |text: &str| (!text.is_empty()).then(|| Cow::Owned(text.to_owned()));
        let record = Record {
            event_source: text(source),
            error_code: text(code),
            error_message: text(message),
            ..Record::default()
        };
        let found = observed(&record);
        assert_eq!((found.decision.unwrap(), found.layer.as_deref()), expected, "{code} {message}");
    }

    /// F-58.
    #[test]
    fn error_codes_tell_denials_from_failures() {
        check("s3.amazonaws.com", "", "", (Allowed, None));
        check("ec2.amazonaws.com", "Client.DryRunOperation", "", (Allowed, None));
        check("ec2.amazonaws.com", "Client.UnauthorizedOperation", "", (Denied, None));
        check("s3.amazonaws.com", "AccessDenied", "Access Denied", (Denied, None));
        check("kms.amazonaws.com", "KMSAccessDeniedException", "", (Denied, None));
        check("cognito-idp.amazonaws.com", "NotAuthorizedException", "", (Unknown, None));
        check("iot.amazonaws.com", "NotAuthorizedException", "", (Denied, None));
        check("s3.amazonaws.com", "VpceAccessDenied", "", (Denied, Some("vpce")));
        check("s3.amazonaws.com", "NoSuchBucket", "", (Unknown, None));
        check("s3.amazonaws.com", "ThrottlingException", "", (Unknown, None));
        check("s3.amazonaws.com", "InvalidClientTokenId", "", (Unknown, None));
    }

    /// F-58, wording of E-106.
    #[test]
    fn messages_tell_kind_and_layer() {
        let deny =
            |kind: &str| format!("User: u is not authorized with an explicit deny in {kind}");
        let no = |kind: &str| format!("… because no {kind} allows the s3:GetObject action");
        for (message, expected) in [
            (deny("a service control policy"), (ExplicitDeny, Some("scp"))),
            (deny("an identity-based policy: arn:aws:x"), (ExplicitDeny, Some("identity"))),
            (deny("the role trust policy"), (ExplicitDeny, Some("resource"))),
            (deny("a permissions boundary"), (ExplicitDeny, Some("boundary"))),
            ("it is so with an explicit deny".to_owned(), (ExplicitDeny, None)),
            (no("identity-based policy"), (ImplicitDeny, Some("identity"))),
            (no("session policy"), (ImplicitDeny, Some("session"))),
            (no("resource control policy"), (ImplicitDeny, Some("rcp"))),
            (no("VPC endpoint policy"), (ImplicitDeny, Some("vpce"))),
            (no("luck"), (Denied, None)),
        ] {
            check("s3.amazonaws.com", "AccessDenied", &message, expected);
        }
    }
}
