//! What a file is, and which type of policy, from its content (C-21).

use assize_model::PolicyType;
use assize_policy::ast::{DocumentElement, PolicyDocument, Statement, StatementElement};
use assize_policy::json::{self, ValueKind};
use assize_policy::{MAX_NESTING, parse};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A policy, or a text so broken that it is best explained as one.
    Policy,
    /// A world with tests.
    Scenario,
    /// Not JSON at all.
    Broken,
    /// Something else.
    Other,
}

/// What a text is.
pub(super) fn kind(text: &str) -> Kind {
    match json::parse(text, MAX_NESTING) {
        Ok(value) => match &value.kind {
            ValueKind::Object(members) => {
                let has = |name: &str| members.iter().any(|member| member.name == name);
                if has("assize") {
                    Kind::Scenario
                } else if has("Statement") || has("Version") {
                    Kind::Policy
                } else {
                    Kind::Other
                }
            }
            _ => Kind::Other,
        },
        Err(_) if has_top_level_key(text, "assize") => Kind::Scenario,
        Err(_) if text.trim_start().starts_with(['{', '[']) => Kind::Policy,
        Err(_) => Kind::Broken,
    }
}

/// Whether a line of a YAML text, or of a JSON text that is nested deeper than a policy, begins
/// with a key.
fn has_top_level_key(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(['{', ' ']).trim_start_matches(['"', '\'']);
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    })
}

/// The type of policy that a document looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recognized {
    pub(super) policy_type: PolicyType,
    /// For a resource-based policy, the one service whose actions it names.
    pub(super) service: Option<String>,
}

/// What a policy looks like: with a principal it belongs to a resource, or to a role when it
/// names no resource and actions of STS; without, to an identity. One of the older version stands
/// in its identity, for no managed policy has it (L-122).
pub(super) fn policy_type(text: &str) -> Recognized {
    let parse = parse(text);
    let Some(document) = &parse.document else {
        return Recognized { policy_type: PolicyType::ManagedIdentity, service: None };
    };
    let elements: Vec<&StatementElement<'_>> =
        statements(document).into_iter().flat_map(|statement| &statement.elements).collect();
    if !elements.iter().any(|element| matches!(element, StatementElement::Principal(_))) {
        let policy_type = if is_of_older_version(document) {
            PolicyType::InlineIdentity
        } else {
            PolicyType::ManagedIdentity
        };
        return Recognized { policy_type, service: None };
    }
    let services = services(&elements);
    let has_resource =
        elements.iter().any(|element| matches!(element, StatementElement::Resource(_)));
    if !has_resource && services.iter().any(|service| service == "sts") {
        return Recognized { policy_type: PolicyType::RoleTrust, service: None };
    }
    let only = match &*services {
        [only] if !only.contains(['*', '?']) => Some(only.clone()),
        _ => None,
    };
    Recognized { policy_type: PolicyType::ResourceBased, service: only }
}

/// Whether a document has version `2008-10-17`, as one without a version does (L-122).
fn is_of_older_version(document: &PolicyDocument<'_>) -> bool {
    let mut elements = document.elements.expected().into_iter().flatten();
    let version = elements.find_map(|element| match element {
        DocumentElement::Version(element) => Some(element.value.expected()),
        _ => None,
    });
    version.is_none_or(|version| version.is_some_and(|version| version.value == "2008-10-17"))
}

fn statements<'d, 'a>(document: &'d PolicyDocument<'a>) -> Vec<&'d Statement<'a>> {
    let elements = document.elements.expected().into_iter().flatten();
    let lists = elements.filter_map(|element| match element {
        DocumentElement::Statement(element) => element.value.expected(),
        _ => None,
    });
    lists.flat_map(|list| list.iter().map(|(_, statement)| statement)).collect()
}

/// The service prefixes of all actions, without repetitions; those with wildcards count too.
fn services(elements: &[&StatementElement<'_>]) -> Vec<String> {
    let mut services = Vec::new();
    for element in elements {
        let StatementElement::Action(element) = element else { continue };
        for (_, action) in
            element.element.value.expected().into_iter().flat_map(assize_policy::ast::List::iter)
        {
            let prefix = action.value.split_once(':').map_or(&*action.value, |(prefix, _)| prefix);
            let prefix = prefix.to_ascii_lowercase();
            if !services.contains(&prefix) {
                services.push(prefix);
            }
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognized_by_their_content() {
        for (text, expected) in [
            (r#"{"Version":"2012-10-17","Statement":[]}"#, Kind::Policy),
            (r#"{"assize":1}"#, Kind::Scenario),
            ("assize: 1\nname: x\n", Kind::Scenario),
            (r#"{"Statement": ["#, Kind::Policy),
            (r#"{"a":1}"#, Kind::Other),
            ("[1,2]", Kind::Other),
            ("hello", Kind::Broken),
            ("", Kind::Broken),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn policy_types_are_recognized_by_principals_and_resources() {
        let check = |statement: &str, expected: PolicyType, service: Option<&str>| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
            let found = policy_type(&text);
            assert_eq!(
                (found.policy_type, found.service.as_deref()),
                (expected, service),
                "{statement}"
            );
        };
        check(r#"{"Action":"s3:*","Resource":"*"}"#, PolicyType::ManagedIdentity, None);
        check(
            r#"{"Principal":"*","Action":["s3:*","S3:Get*"],"Resource":"*"}"#,
            PolicyType::ResourceBased,
            Some("s3"),
        );
        check(r#"{"Principal":"*","Action":"sts:AssumeRole"}"#, PolicyType::RoleTrust, None);
        check(r#"{"NotPrincipal":"*","Action":["s3:*","sqs:*"]}"#, PolicyType::ResourceBased, None);
        check(r#"{"Principal":"*","Action":"*","Resource":"*"}"#, PolicyType::ResourceBased, None);
        // Nothing but a trust policy speaks of STS without a resource; the other action is wrong.
        check(
            r#"{"Principal":"*","Action":["sts:AssumeRole","s3:GetObject"]}"#,
            PolicyType::RoleTrust,
            None,
        );
    }

    /// L-122: whoever has a principal may be of any version.
    #[test]
    fn identity_policies_are_told_apart_by_their_version() {
        let check = |version: &str, principal: &str, expected: PolicyType| {
            let text = format!(
                r#"{{{version}"Statement":{{{principal}"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}}}"#
            );
            assert_eq!(policy_type(&text).policy_type, expected, "{text}");
        };
        let (older, newer) = (r#""Version":"2008-10-17","#, r#""Version":"2012-10-17","#);
        check("", "", PolicyType::InlineIdentity);
        check(older, "", PolicyType::InlineIdentity);
        check(newer, "", PolicyType::ManagedIdentity);
        // Wrong for any type.
        check(r#""Version":"2012","#, "", PolicyType::ManagedIdentity);
        check(r#""Version":2008,"#, "", PolicyType::ManagedIdentity);
        for version in ["", older, newer] {
            check(version, r#""Principal":"*","#, PolicyType::ResourceBased);
        }
    }
}
