//! Callers who come with an identity provider's token or assertion (E-92). Requests state them as
//! objects (F-16); a command line names the provider.

use std::borrow::Cow;

use assize_model::{ArnParts, Principal, PrincipalKind, StatedPrincipal, fold_key};

/// The identity providers that AWS knows by name, but for Cognito.
const BUILT_IN: [&str; 3] = ["accounts.google.com", "graph.facebook.com", "www.amazon.com"];
/// Cognito: an identity provider in federation calls, a service in all others.
const COGNITO: &str = "cognito-identity.amazonaws.com";
/// The calls of a federated caller.
const FEDERATION: [&str; 2] = ["sts:assumerolewithwebidentity", "sts:tagsession"];

/// The caller whom a provider vouches for, if that is what a text names.
pub(super) fn caller(text: &str, action: &str) -> Option<Principal<'static>> {
    let is_call = || FEDERATION.iter().any(|call| action.eq_ignore_ascii_case(call));
    let is_provider = BUILT_IN.contains(&text)
        || (text == COGNITO && is_call())
        || ArnParts::split(text).is_some_and(|arn| prefix_of(&arn).is_some());
    is_provider.then(|| {
        Principal::Stated(Box::new(StatedPrincipal {
            provider: Some(Cow::Owned(text.to_owned())),
            ..StatedPrincipal::new(PrincipalKind::Federated)
        }))
    })
}

/// Whether a key is one of the provider's claims.
pub(super) fn is_claim_of(provider: &str, folded: &str) -> bool {
    let arn = ArnParts::split(provider);
    let prefix = match &arn {
        Some(arn) => prefix_of(arn),
        None => Some(provider),
    };
    let name = prefix.and_then(|prefix| folded.strip_prefix(&*fold_key(prefix)));
    name.is_some_and(|name| name.len() > 1 && name.starts_with(':'))
}

/// What the keys of a provider's claims begin with: its URL without the scheme, or `saml`.
fn prefix_of<'a>(arn: &ArnParts<'a>) -> Option<&'a str> {
    if arn.service != "iam" {
        return None;
    }
    let url = arn.resource.strip_prefix("oidc-provider/");
    url.or_else(|| arn.resource.starts_with("saml-provider/").then_some("saml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: &str =
        "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";
    const SAML: &str = "arn:aws:iam::111111111111:saml-provider/adfs";

    #[test]
    fn providers_are_told_from_services_and_users() {
        let check = |text: &str, action: &str, expected: bool| {
            assert_eq!(caller(text, action).is_some(), expected, "{text} {action}");
        };
        let call = "sts:AssumeRoleWithWebIdentity";
        check(GITHUB, call, true);
        check(SAML, "sts:AssumeRoleWithSAML", true);
        check("accounts.google.com", call, true);
        check(COGNITO, "STS:assumerolewithwebidentity", true);
        check(COGNITO, "lambda:InvokeFunction", false);
        check("lambda.amazonaws.com", call, false);
        check("arn:aws:iam::111111111111:user/oidc-provider/x", call, false);
    }

    #[test]
    fn claims_begin_with_the_provider() {
        let check = |provider: &str, key: &str, expected: bool| {
            assert_eq!(is_claim_of(provider, &fold_key(key)), expected, "{provider} {key}");
        };
        check(GITHUB, "token.actions.githubusercontent.com:sub", true);
        check(GITHUB, "Token.Actions.GithubUserContent.com:sub", true);
        check(GITHUB, "token.actions.githubusercontent.com:", false);
        check(GITHUB, "accounts.google.com:sub", false);
        check(GITHUB, "sts:RoleSessionName", false);
        let cluster =
            "arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/E";
        check(cluster, "oidc.eks.eu-west-1.amazonaws.com/id/E:sub", true);
        check(cluster, "oidc.eks.eu-west-1.amazonaws.com/id/F:sub", false);
        check(SAML, "SAML:aud", true);
        check("accounts.google.com", "accounts.google.com:oaud", true);
    }
}
