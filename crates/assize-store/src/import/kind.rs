//! What a file is, by its content.

use serde_json::value::RawValue;

use crate::import::source::{Node, Record, SourceFile};

macro_rules! import_kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        /// A kind of file that can be imported, named as scenario files name it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ImportKind { $($(#[$doc])* $variant,)+ }

        impl ImportKind {
            /// All kinds, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name of the kind.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The kind of a name.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

import_kinds! {
    /// `iam get-account-authorization-details` (I-41).
    AccountAuthorizationDetails = "account-authorization-details",
    /// `organizations describe-organization` (I-45).
    Organization = "organization",
    /// `organizations list-roots` (I-45).
    Roots = "roots",
    /// `organizations list-organizational-units-for-parent` (I-45).
    OrganizationalUnits = "organizational-units",
    /// `organizations list-accounts-for-parent` (I-45).
    AccountsForParent = "accounts-for-parent",
    /// `organizations list-parents` (I-45).
    Parents = "parents",
    /// `organizations list-policies` (I-45).
    Policies = "policies",
    /// `organizations describe-policy` (I-45).
    Policy = "policy",
    /// `organizations list-targets-for-policy` (I-45).
    Targets = "targets",
    /// `organizations list-policies-for-target` (I-45).
    PoliciesForTarget = "policies-for-target",
    /// `organizations list-delegated-administrators` (I-45).
    DelegatedAdministrators = "delegated-administrators",
    /// The plain output of a service that gives the policy of a resource (I-47).
    ResourcePolicy = "resource-policy",
    /// `ec2 describe-vpc-endpoints` (I-47).
    VpcEndpoints = "vpc-endpoints",
    /// Resource records, one a line, or one value (F-43, I-47).
    ResourcesNdjson = "resources-ndjson",
}

impl ImportKind {
    /// What a file is, by the members of its value or of its first line; none when they do not
    /// tell.
    pub fn recognize(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut file = SourceFile::new("", text);
        let first_line = text.trim_start().lines().next().unwrap_or_default();
        if serde_json::from_str::<&RawValue>(text.trim_start_matches('\u{feff}')).is_err()
            && serde_json::from_str::<&RawValue>(first_line).is_ok()
        {
            file = SourceFile::new("", first_line);
        }
        let _ = file.repair();
        Self::of(&file.root()?)
    }

    /// What a value is.
    pub(crate) fn of(root: &Node<'_>) -> Option<Self> {
        if root.is_array() {
            return root.elements().ok()?.first().and_then(Self::of_object);
        }
        Self::of_object(root)
    }

    fn of_object(node: &Node<'_>) -> Option<Self> {
        let record = node.record().ok()?;
        let has = |names: &[&str]| names.iter().any(|name| record.has(name));
        if has(&["UserDetailList", "GroupDetailList", "RoleDetailList"]) {
            return Some(Self::AccountAuthorizationDetails);
        }
        let kinds = [
            ("Organization", Self::Organization),
            ("Roots", Self::Roots),
            ("OrganizationalUnits", Self::OrganizationalUnits),
            ("Accounts", Self::AccountsForParent),
            ("Parents", Self::Parents),
            ("Targets", Self::Targets),
            ("DelegatedAdministrators", Self::DelegatedAdministrators),
            ("VpcEndpoints", Self::VpcEndpoints),
            ("Attributes", Self::ResourcePolicy),
            ("ResourcePolicy", Self::ResourcePolicy),
            ("policyText", Self::ResourcePolicy),
            ("PolicyInJson", Self::ResourcePolicy),
            ("GetResourcePoliciesResponseList", Self::ResourcePolicy),
            ("DomainStatus", Self::ResourcePolicy),
            ("DomainStatusList", Self::ResourcePolicy),
            ("DomainConfig", Self::ResourcePolicy),
            ("resourcePolicy", Self::ResourcePolicy),
            ("resourcePolicies", Self::ResourcePolicy),
            ("ResourcePolicies", Self::ResourcePolicy),
            ("arn", Self::ResourcesNdjson),
        ];
        let named = kinds.into_iter().find(|(name, _)| record.has(name)).map(|(_, kind)| kind);
        named.or_else(|| Self::of_policies(&record)).or_else(|| {
            // Of an API, a vault, a repository of packages and others: a document, or an object
            // with one.
            let policy = record.get("policy")?;
            let is_document = policy.string().is_ok_and(|text| text.trim_start().starts_with('{'));
            let has_one = policy.record().is_ok_and(|policy| {
                ["document", "Policy", "Statement"].iter().any(|name| policy.has(name))
            });
            (is_document || has_one).then_some(Self::ResourcePolicy)
        })
    }

    /// `Policies` and `Policy` are members of several outputs.
    fn of_policies(record: &Record<'_>) -> Option<Self> {
        if let Some(policy) = record.get("Policy") {
            let is_summary = policy.record().is_ok_and(|policy| policy.has("PolicySummary"));
            return Some(if is_summary { Self::Policy } else { Self::ResourcePolicy });
        }
        let first = record.get("Policies")?.elements().ok()?.into_iter().next();
        let first = first.and_then(|first| first.record().ok());
        Some(match first {
            Some(first) if first.has("PolicyVersionList") => Self::AccountAuthorizationDetails,
            _ if record.has("TargetId") => Self::PoliciesForTarget,
            _ => Self::Policies,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: Option<&str>) {
        assert_eq!(ImportKind::recognize(text.as_bytes()).map(ImportKind::as_str), kind, "{text}");
    }

    #[test]
    fn files_are_known_by_their_members() {
        check(r#"{"UserDetailList":[]}"#, Some("account-authorization-details"));
        check(
            r#"[{"Policies":[{"PolicyVersionList":[]}]}]"#,
            Some("account-authorization-details"),
        );
        check(r#"{"RoleDetailList":[{"a":1},{"#, Some("account-authorization-details"));
        check(r#"{"Organization":{}}"#, Some("organization"));
        check(r#"{"Policies":[{"Id":"p-x"}]}"#, Some("policies"));
        check(r#"{"Policies":[],"TargetId":"r-x"}"#, Some("policies-for-target"));
        check(r#"{"Policy":{"PolicySummary":{}}}"#, Some("policy"));
        check(r#"{"Policy":"{}"}"#, Some("resource-policy"));
        check(r#"{"PolicyInJson":"{}"}"#, Some("resource-policy"));
        check(r#"{"DomainStatus":{}}"#, Some("resource-policy"));
        check(r#"{"resourcePolicies":[]}"#, Some("resource-policy"));
        check(r#"{"id":"a","policy":"{}"}"#, Some("resource-policy"));
        check(r#"{"policy":{"document":"{}"}}"#, Some("resource-policy"));
        check(r#"{"policy":"strict"}"#, None);
        check("{\"arn\":\"a\"}\n{\"arn\":\"b\"}\n", Some("resources-ndjson"));
        check("{}", None);
        check("[[[[", None);
        assert_eq!(ImportKind::recognize(b"\xff"), None);
    }

    #[test]
    fn names_round_trip() {
        for kind in ImportKind::ALL {
            assert_eq!(ImportKind::from_word(kind.as_str()), Some(*kind));
        }
    }
}
