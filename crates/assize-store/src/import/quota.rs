//! Quotas and sizes that an import reports and nothing enforces (I-24, I-26; table L-1001 as of
//! 2025-10).

use std::fmt::Display;

use crate::{Account, DocumentText, Group, InlinePolicy, ManagedPolicy, Organization, Role, User};

/// Characters of a managed policy, white space outside strings apart.
pub(super) const MANAGED_POLICY_CHARS: usize = 6_144;
/// Characters of all inline policies of a user.
pub(super) const USER_INLINE_CHARS: usize = 2_048;
/// Characters of all inline policies of a role.
pub(super) const ROLE_INLINE_CHARS: usize = 10_240;
/// Characters of all inline policies of a group.
pub(super) const GROUP_INLINE_CHARS: usize = 5_120;
/// Characters of a trust policy, at most.
pub(super) const TRUST_CHARS: usize = 4_096;
/// Characters of an SCP or RCP, white space included.
pub(super) const ORGANIZATION_POLICY_CHARS: usize = 5_120;
/// SCPs, and RCPs, on one node.
pub(super) const POLICIES_PER_NODE: usize = 5;
/// Managed policies of a user or role, at most.
pub(super) const ATTACHED: usize = 20;
/// Managed policies of a group.
pub(super) const GROUP_ATTACHED: usize = 10;
/// Groups of a user.
pub(super) const GROUPS_PER_USER: usize = 10;
/// Versions of a managed policy.
pub(super) const VERSIONS: usize = 5;
/// Tags of an entity.
pub(super) const TAGS: usize = 50;
/// Users of an account.
pub(super) const USERS: usize = 5_000;
/// Groups of an account, at most.
pub(super) const GROUPS: usize = 500;
/// Roles, customer-managed policies or instance profiles of an account, at most.
pub(super) const ROLES: usize = 5_000;

/// The messages of one thing.
struct Excess(Vec<String>);

impl Excess {
    fn check(&mut self, what: impl Display, count: usize, limit: usize) {
        if count > limit {
            self.0.push(format!("{what}: {count} are more than the {limit} that AWS allows"));
        }
    }
}

/// Unicode scalars of a text of the IAM family, white space outside strings apart (L-131,
/// L-132).
fn iam_chars(text: &str) -> usize {
    let (mut in_string, mut escaped) = (false, false);
    let counts = |c: char| {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return true;
        }
        in_string = c == '"';
        !matches!(c, ' ' | '\t' | '\r' | '\n')
    };
    text.chars().map(counts).filter(|counts| *counts).count()
}

fn inline_chars(policies: &[InlinePolicy<DocumentText>]) -> usize {
    policies.iter().map(|policy| iam_chars(&policy.document.text)).sum()
}

pub(super) fn user(user: &User<DocumentText>) -> Vec<String> {
    let mut excess = Excess(Vec::new());
    let what = |of| format!("{of} of user `{}`", user.name);
    excess.check(
        what("characters of the inline policies"),
        inline_chars(&user.inline),
        USER_INLINE_CHARS,
    );
    excess.check(what("managed policies"), user.attached.len(), ATTACHED);
    excess.check(what("groups"), user.groups.len(), GROUPS_PER_USER);
    excess.check(what("tags"), user.tags.len(), TAGS);
    excess.0
}

pub(super) fn group(group: &Group<DocumentText>) -> Vec<String> {
    let mut excess = Excess(Vec::new());
    let what = |of| format!("{of} of group `{}`", group.name);
    excess.check(
        what("characters of the inline policies"),
        inline_chars(&group.inline),
        GROUP_INLINE_CHARS,
    );
    excess.check(what("managed policies"), group.attached.len(), GROUP_ATTACHED);
    excess.0
}

pub(super) fn role(role: &Role<DocumentText>) -> Vec<String> {
    let mut excess = Excess(Vec::new());
    let what = |of| format!("{of} of role `{}`", role.name);
    let trust = role.trust.as_ref().map_or(0, |trust| iam_chars(&trust.text));
    excess.check(what("characters of the trust policy"), trust, TRUST_CHARS);
    excess.check(
        what("characters of the inline policies"),
        inline_chars(&role.inline),
        ROLE_INLINE_CHARS,
    );
    excess.check(what("managed policies"), role.attached.len(), ATTACHED);
    excess.check(what("tags"), role.tags.len(), TAGS);
    excess.0
}

pub(super) fn policy(policy: &ManagedPolicy<DocumentText>) -> Vec<String> {
    let mut excess = Excess(Vec::new());
    let what = |of| format!("{of} of policy `{}`", policy.name);
    excess.check(what("versions"), policy.versions.len(), VERSIONS);
    excess.check(what("tags"), policy.tags.len(), TAGS);
    let longest = policy.versions.iter().map(|version| iam_chars(&version.document.text)).max();
    excess.check(
        what("characters of a version"),
        longest.unwrap_or_default(),
        MANAGED_POLICY_CHARS,
    );
    excess.0
}

pub(super) fn account(account: &Account<DocumentText>) -> Vec<String> {
    let mut excess = Excess(Vec::new());
    let what = |of| format!("{of} of account {}", account.id);
    excess.check(what("users"), account.users.len(), USERS);
    excess.check(what("groups"), account.groups.len(), GROUPS);
    excess.check(what("roles"), account.roles.len(), ROLES);
    excess.check(what("customer-managed policies"), account.policies.len(), ROLES);
    excess.check(what("instance profiles"), account.instance_profiles.len(), ROLES);
    excess.0
}

pub(super) fn organization(organization: &Organization<DocumentText>) -> Vec<String> {
    let mut excess = Excess(Vec::new());
    for (id, policy) in &organization.policies {
        let what = format!("characters of organization policy `{id}`");
        let n_chars = policy.document.text.chars().count();
        excess.check(what, n_chars, ORGANIZATION_POLICY_CHARS);
    }
    for (id, node) in &organization.nodes {
        excess.check(format!("SCPs on `{id}`"), node.scps.len(), POLICIES_PER_NODE);
        excess.check(format!("RCPs on `{id}`"), node.rcps.len(), POLICIES_PER_NODE);
    }
    excess.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_counts_inside_strings_alone() {
        assert_eq!(iam_chars("{ \"a b\" :\n\t[\"\\\" \"] }"), r#"{"a b":["\" "]}"#.len());
        assert_eq!(iam_chars(""), 0);
    }
}
