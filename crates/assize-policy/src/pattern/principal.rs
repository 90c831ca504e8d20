//! Principal entries (language, section 3.1).

use assize_model::{ArnParts, PolicyType, PrincipalForm};

use crate::finding::{FindingCode, Problem, Reject, quoted};
use crate::ir::PrincipalPattern;

/// Whom an account under `AWS` means (L-216, L-312).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountEntries {
    /// Every principal of the account.
    WholeAccount,
    /// Its root user alone: the policies of gateway endpoints.
    RootUser,
}

/// The domains in which services have their names (L-316): those of the partitions, and the one
/// of services that AWS calls internally.
const SERVICE_DOMAINS: [&str; 8] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".aws.internal",
    ".c2s.ic.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
    ".sc2s.sgov.gov",
];

/// The identity providers that AWS knows by name (P12).
const BUILT_IN_PROVIDERS: [&str; 4] = [
    "accounts.google.com",
    "graph.facebook.com",
    "www.amazon.com",
    "cognito-identity.amazonaws.com",
];

/// The longest unique id, in characters.
const MAX_UNIQUE_ID_CHARS: usize = 128;

/// The number of hex digits of a canonical user id (P13).
const CANONICAL_USER_DIGITS: usize = 64;

/// Reads an entry under `AWS`: P1 to P9.
pub(crate) fn aws_principal(
    text: &str,
    accounts: AccountEntries,
    problems: &mut Vec<Problem>,
) -> Option<PrincipalPattern> {
    if text == "*" {
        return Some(PrincipalPattern::Everyone);
    }
    check_plain(text, problems)?;
    let pattern = if let Ok(account) = text.parse() {
        Some(account_pattern(None, account, accounts))
    } else if is_unique_id(text) {
        report_unique_id(text, problems);
        Some(PrincipalPattern::UniqueId(text.into()))
    } else {
        PrincipalForm::parse(text).ok().and_then(|form| form_pattern(text, form, accounts))
    };
    if pattern.is_none() {
        let message = format!("principal {} {}", quoted(text), format_reason(text));
        problems.push(Problem::new(FindingCode::InvalidPrincipalFormat, Reject::Always, message));
    }
    pattern
}

/// P3 – P7 and P9; services and anonymous callers have no entry under `AWS`.
fn form_pattern(
    text: &str,
    form: PrincipalForm<'_>,
    accounts: AccountEntries,
) -> Option<PrincipalPattern> {
    let arn = Box::from(text);
    match form {
        PrincipalForm::Root { partition, account } => {
            Some(account_pattern(Some(partition.into()), account, accounts))
        }
        PrincipalForm::User { .. } => Some(PrincipalPattern::User(arn)),
        PrincipalForm::Role { .. } => Some(PrincipalPattern::Role(arn)),
        PrincipalForm::AssumedRole { .. } => Some(PrincipalPattern::RoleSession(arn)),
        PrincipalForm::FederatedUser { .. } => Some(PrincipalPattern::FederatedUser(arn)),
        PrincipalForm::Oai(_) => Some(PrincipalPattern::Oai(arn)),
        _ => None,
    }
}

fn account_pattern(
    partition: Option<Box<str>>,
    account: assize_model::AccountId,
    accounts: AccountEntries,
) -> PrincipalPattern {
    match accounts {
        AccountEntries::WholeAccount => PrincipalPattern::Account { partition, account },
        AccountEntries::RootUser => PrincipalPattern::AccountRoot { partition, account },
    }
}

/// P8: the prefix of a user or role and upper-case letters and digits (I-16).
fn is_unique_id(text: &str) -> bool {
    let has_prefix = text.starts_with("AIDA") || text.starts_with("AROA");
    has_prefix
        && text.len() > "AIDA".len()
        && text.len() <= MAX_UNIQUE_ID_CHARS
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// AWS shows a unique id where the user or role of an entry was deleted.
fn report_unique_id(text: &str, problems: &mut Vec<Problem>) {
    let (code, what) = if text.starts_with("AIDA") {
        (FindingCode::InvalidUserReference, "user")
    } else {
        (FindingCode::InvalidRoleReference, "role")
    };
    let message = format!(
        "principal {} is the unique id of a {what}, which may no longer exist; name its ARN",
        quoted(text)
    );
    problems.push(Problem::new(code, Reject::Never, message));
}

/// What is wrong with an entry under `AWS` (L-304, L-309).
fn format_reason(text: &str) -> &'static str {
    let Some(arn) = ArnParts::split(text) else {
        return "is neither an account id of 12 digits, nor a unique id, nor an ARN";
    };
    match (arn.service, arn.resource.split('/').next()) {
        ("iam", Some("group")) => "is a group; a group is not a principal, name its users",
        ("iam", Some("instance-profile")) => {
            "is an instance profile; a profile is not a principal, name its role"
        }
        ("iam", Some("saml-provider" | "oidc-provider")) => {
            "is an identity provider, which stands under `Federated`"
        }
        ("iam" | "sts", _) if arn.account_id().is_none() => {
            "names no account: expected an id of 12 digits after the fourth colon"
        }
        ("iam" | "sts", _) => {
            "is no ARN of a principal: expected a root user, user, role, role session or \
             federated user"
        }
        _ => "is the ARN of another service, not of a principal",
    }
}

/// Reads an entry under `Service`: P10. A name of unusual shape is reported and kept (L-316).
pub(crate) fn service_principal(
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<PrincipalPattern> {
    check_plain(text, problems)?;
    if !is_service_name(text) {
        let message = format!(
            "principal {} is no service name: expected one such as `lambda.amazonaws.com`",
            quoted(text)
        );
        let code = FindingCode::InvalidServicePrincipalFormat;
        problems.push(Problem::new(code, Reject::Never, message));
    }
    Some(PrincipalPattern::Service(text.into()))
}

/// Labels of lower-case letters, digits and `-` in one of the domains of AWS.
fn is_service_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    SERVICE_DOMAINS
        .iter()
        .filter_map(|domain| text.strip_suffix(domain))
        .any(|name| name.split('.').all(is_label))
}

/// Reads an entry under `Federated`: P11 and P12 in trust policies, nobody elsewhere (L-317).
pub(crate) fn federated_principal(
    text: &str,
    policy_type: PolicyType,
    problems: &mut Vec<Problem>,
) -> Option<PrincipalPattern> {
    check_plain(text, problems)?;
    if policy_type != PolicyType::RoleTrust {
        let message = format!(
            "identity provider {} matches nobody here: only trust policies see the caller of a \
             provider; name the role it assumes",
            quoted(text)
        );
        let code = FindingCode::FederatedPrincipalNotSupported;
        problems.push(Problem::new(code, Reject::Never, message));
        return Some(PrincipalPattern::Nobody);
    }
    if !is_provider(text) {
        let message = format!(
            "identity provider {} is neither the ARN of a SAML or OIDC provider nor a built-in \
             name such as `accounts.google.com`",
            quoted(text)
        );
        let code = FindingCode::InvalidFederatedPrincipalSyntaxInRoleTrustPolicy;
        problems.push(Problem::new(code, Reject::Never, message));
    }
    Some(PrincipalPattern::Provider(text.into()))
}

fn is_provider(text: &str) -> bool {
    if BUILT_IN_PROVIDERS.contains(&text) {
        return true;
    }
    ArnParts::split(text).is_some_and(|arn| {
        let name = arn
            .resource
            .strip_prefix("saml-provider/")
            .or_else(|| arn.resource.strip_prefix("oidc-provider/"));
        !arn.partition.is_empty()
            && arn.service == "iam"
            && arn.region.is_empty()
            && arn.account_id().is_some()
            && name.is_some_and(|name| !name.is_empty())
    })
}

/// Reads an entry under `CanonicalUser`: P13. An id of unusual shape is reported and kept.
pub(crate) fn canonical_user(text: &str, problems: &mut Vec<Problem>) -> Option<PrincipalPattern> {
    check_plain(text, problems)?;
    if text.len() != CANONICAL_USER_DIGITS || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message = format!("canonical user id {} is not 64 hexadecimal digits", quoted(text));
        problems.push(Problem::new(FindingCode::InvalidPrincipalFormat, Reject::Never, message));
    }
    Some(PrincipalPattern::CanonicalUser(text.into()))
}

/// No entry is empty (L-116), holds a variable (L-308) or a wildcard (L-303).
fn check_plain(text: &str, problems: &mut Vec<Problem>) -> Option<()> {
    let problem = if text.is_empty() {
        let message = "a principal is the empty string";
        Problem::new(FindingCode::InvalidPrincipalFormat, Reject::Always, message)
    } else if let Some(at) = text.find("${") {
        let message = format!("principal {} holds a variable; principals have none", quoted(text));
        Problem::new(FindingCode::VariableUnsupportedInElement, Reject::Always, message)
            .at(at..text.len())
    } else if let Some(at) = text.find(['*', '?']) {
        let message = format!(
            "principal {} has a wildcard; only `*` as the whole value under `AWS` is one",
            quoted(text)
        );
        Problem::new(FindingCode::UnsupportedWildcardInPrincipal, Reject::Always, message)
            .at(at..at + 1)
    } else {
        return Some(());
    };
    problems.push(problem);
    None
}
