//! Principal and NotPrincipal by policy type (language, sections 2.1 and 3).

use assize_model::{Effect, PolicyType};

use super::Lowering;
use super::element::Elements;
use super::statement::Place;
use crate::ast::{PrincipalElement, PrincipalEntry, PrincipalValue, Text};
use crate::finding::quoted;
use crate::ir::{self, PrincipalPattern};
use crate::path::Path;
use crate::pattern::{self, AccountEntries};
use crate::{EndpointKind, FindingCode, Reject, Span};

impl Lowering<'_> {
    /// Principal and NotPrincipal (L-201, L-207).
    pub(super) fn principal(
        &mut self,
        elements: &Elements<'_, '_>,
        place: Place<'_>,
    ) -> Option<ir::PrincipalElement> {
        let pair = &elements.principal;
        self.exclusive(pair, "Principal", |p| p.element.name_span, place);
        if let Some(code) = self.principal_is_forbidden() {
            for principal in [pair.plain, pair.negated].into_iter().flatten() {
                self.forbidden_principal(code, principal, place);
            }
            return Some(ir::PrincipalElement::Unspecified);
        }
        if let Some(negated) = pair.negated {
            self.not_principal_of_type(negated, place);
        }
        let Some(principal) = pair.any() else {
            let message = "no `Principal`";
            let code = FindingCode::MissingPrincipal;
            self.add(code, Reject::Always, place.span, place.path, message);
            return None;
        };
        let name = if principal.negated { "NotPrincipal" } else { "Principal" };
        let path = place.path.member(name);
        let value = principal.element.value.expected()?;
        self.principal_of_type(value, principal, &path);
        let patterns = match value {
            PrincipalValue::Text(text) => self.principal_text(text, &path)?,
            PrincipalValue::Map(entries) => self.principal_map(entries, principal, &path),
        };
        if principal.negated {
            self.not_principal(&patterns, principal, &path, place.effect);
            return Some(ir::PrincipalElement::NotPrincipal(patterns));
        }
        Some(ir::PrincipalElement::Principal(patterns))
    }

    /// The code of a principal in a type that carries none (L-207).
    fn principal_is_forbidden(&self) -> Option<FindingCode> {
        match self.policy_type() {
            PolicyType::ServiceControl => Some(FindingCode::ScpSyntaxErrorPrincipal),
            other if other.is_identity_like() => Some(FindingCode::UnsupportedPrincipal),
            _ => None,
        }
    }

    fn forbidden_principal(
        &mut self,
        code: FindingCode,
        principal: &PrincipalElement<'_>,
        place: Place<'_>,
    ) {
        let name = if principal.negated { "NotPrincipal" } else { "Principal" };
        let message = if self.policy_type() == PolicyType::ServiceControl {
            format!("`{name}` in a service control policy, which is about whole accounts")
        } else {
            format!("`{name}` in a policy that is about the entity it is attached to")
        };
        let path = place.path.member(name);
        self.add(code, Reject::Always, principal.element.name_span, &path, message);
    }

    /// Types that take `Principal` only (L-207, L-212, L-331).
    fn not_principal_of_type(&mut self, principal: &PrincipalElement<'_>, place: Place<'_>) {
        let (code, message) = match self.policy_type() {
            PolicyType::RoleTrust => (
                FindingCode::RoleTrustPolicySyntaxErrorNotprincipal,
                "`NotPrincipal` in a trust policy, which names whom it trusts",
            ),
            PolicyType::ResourceControl => (
                FindingCode::XRcpNotElement,
                "`NotPrincipal` in a resource control policy, which takes `Principal` `\"*\"` only",
            ),
            PolicyType::VpcEndpoint => (
                FindingCode::InvalidPolicyElement,
                "`NotPrincipal` in an endpoint policy, which takes `Principal` only",
            ),
            _ => return,
        };
        let path = place.path.member("NotPrincipal");
        self.add(code, Reject::Always, principal.element.name_span, &path, message);
    }

    /// What a policy type allows of the value of `Principal` (L-212, L-215).
    fn principal_of_type(
        &mut self,
        value: &PrincipalValue<'_>,
        principal: &PrincipalElement<'_>,
        path: &Path<'_>,
    ) {
        let is_star = matches!(value, PrincipalValue::Text(text) if text.value == "*");
        let (code, message) = match self.policy_type() {
            PolicyType::RoleTrust if is_star => (
                FindingCode::RoleTrustPolicyUnsupportedWildcardInPrincipal,
                "`\"*\"` as the principal of a trust policy, write `{\"AWS\": \"*\"}`",
            ),
            PolicyType::ResourceControl if !is_star && !principal.negated => (
                FindingCode::XRcpPrincipal,
                "the principal of a resource control policy is the string `\"*\"`",
            ),
            _ => return,
        };
        self.add(code, Reject::Always, principal.element.span, path, message);
    }

    /// The string form: `"*"` alone (P1, L-302).
    fn principal_text(
        &mut self,
        text: &Text<'_>,
        path: &Path<'_>,
    ) -> Option<Vec<PrincipalPattern>> {
        if text.value == "*" {
            return Some(vec![PrincipalPattern::Everyone]);
        }
        let message = format!(
            "{} is neither `\"*\"` nor a map such as `{{\"AWS\": …}}`",
            quoted(&text.value)
        );
        self.add(FindingCode::InvalidPrincipalFormat, Reject::Always, text.span, path, message);
        None
    }

    /// The map form: the union of its entries (L-301).
    fn principal_map(
        &mut self,
        entries: &[PrincipalEntry<'_>],
        principal: &PrincipalElement<'_>,
        path: &Path<'_>,
    ) -> Vec<PrincipalPattern> {
        if entries.is_empty() {
            let code = FindingCode::EmptyObjectPrincipal;
            self.nobody(code, principal, principal.element.span, path);
        }
        let mut patterns = Vec::new();
        for entry in entries {
            let path = path.member(&entry.key.value);
            let Some(list) = entry.values.expected() else { continue };
            if list.is_empty() {
                self.nobody(FindingCode::EmptyArrayPrincipal, principal, entry.span, &path);
            }
            if !self.is_within_limit(list.len(), entry.span, &path) {
                continue;
            }
            for (index, text) in list.iter() {
                let path = index.map_or(path, |index| path.index(index));
                if self.is_short(text, &path) {
                    patterns.extend(self.principal_id(&entry.key.value, text, &path));
                }
            }
        }
        patterns
    }

    /// An empty map, or an empty list under a key, contributes nobody (L-305); as `NotPrincipal`
    /// it rejects (L-204, L-306).
    fn nobody(
        &mut self,
        code: FindingCode,
        principal: &PrincipalElement<'_>,
        span: Span,
        path: &Path<'_>,
    ) {
        if principal.negated {
            let message = "an empty `NotPrincipal` would match everyone";
            self.add(FindingCode::XNegativeEmpty, Reject::Always, span, path, message);
        } else {
            self.add(code, Reject::Never, span, path, "nobody is named");
        }
    }

    /// One value under a key of a principal map (section 3.1). Other keys reject (L-108).
    fn principal_id(
        &mut self,
        key: &str,
        text: &Text<'_>,
        path: &Path<'_>,
    ) -> Option<PrincipalPattern> {
        let mut problems = Vec::new();
        let pattern = match key {
            "AWS" => pattern::aws_principal(&text.value, self.account_entries(), &mut problems),
            "Service" => pattern::service_principal(&text.value, &mut problems),
            "Federated" => {
                pattern::federated_principal(&text.value, self.policy_type(), &mut problems)
            }
            "CanonicalUser" => pattern::canonical_user(&text.value, &mut problems),
            _ => None,
        };
        self.problems(&mut problems, text, path);
        pattern
    }

    /// Whom an account stands for (L-216, L-312).
    fn account_entries(&self) -> AccountEntries {
        let is_endpoint = self.policy_type() == PolicyType::VpcEndpoint;
        if is_endpoint && self.options.endpoint == EndpointKind::Gateway {
            AccountEntries::RootUser
        } else {
            AccountEntries::WholeAccount
        }
    }

    /// What can be said of `NotPrincipal` as a whole (L-331, L-333).
    fn not_principal(
        &mut self,
        patterns: &[PrincipalPattern],
        principal: &PrincipalElement<'_>,
        path: &Path<'_>,
        effect: Option<Effect>,
    ) {
        if patterns.contains(&PrincipalPattern::Everyone) {
            let message = "`*` as `NotPrincipal` would match nobody";
            let code = FindingCode::UnsupportedWildcardInPrincipal;
            self.add(code, Reject::Always, principal.element.span, path, message);
        }
        if effect == Some(Effect::Allow) {
            let message = "`Allow` with `NotPrincipal` allows everyone who is not named, \
                           anonymous callers included";
            let code = FindingCode::AllowWithNotPrincipal;
            self.add(code, Reject::Never, principal.element.name_span, path, message);
        }
    }
}
