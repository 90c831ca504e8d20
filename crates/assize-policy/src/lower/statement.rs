//! One statement: which elements its policy type wants, and what they say (language, section 2).

use std::collections::HashMap;

use assize_model::{Effect, PolicyType};

use super::element::{Elements, Pair};
use super::{Lowering, MAX_PATTERN_CHARS, MAX_VALUES, opening};
use crate::ast::{Element, List, ResourceElement, Statement, Text};
use crate::finding::{Problem, quoted};
use crate::ir::{self, ActionPattern, ResourcePattern};
use crate::nearest::did_you_mean;
use crate::path::Path;
use crate::{FindingCode, Reject, Span, pattern};

/// Services whose resource-based policies must name resources (L-205).
const SERVICES_THAT_NEED_A_RESOURCE: [&str; 1] = ["s3"];

/// Services whose resource-based policies must not repeat a `Sid` (L-127).
const SERVICES_WITH_UNIQUE_SIDS: [&str; 2] = ["sns", "sqs"];

/// Services of actions on resources whose ARNs name another service, and which (L-217).
const SERVICES_OF_ACTIONS: [(&str, &str); 2] =
    [("kafka-cluster", "kafka"), ("vpc-lattice-svcs", "vpc-lattice")];

/// A statement that is being lowered: where it is and what it does.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) path: &'p Path<'p>,
    pub(super) span: Span,
    pub(super) effect: Option<Effect>,
}

impl Lowering<'_> {
    pub(super) fn statement(
        &mut self,
        statement: &Statement<'_>,
        path: &Path<'_>,
    ) -> Option<ir::Statement> {
        let elements = Elements::of(statement);
        let sid = self.sid(&elements, path);
        let effect = self.effect(&elements, statement.span, path);
        let place = Place { path, span: opening(statement.span), effect };
        let principal = self.principal(&elements, place);
        let action = self.action(&elements, place);
        let resource = self.resource(&elements, place);
        let conditions = self.condition(&elements, place);
        Some(ir::Statement {
            sid,
            effect: effect?,
            principal: principal?,
            action: action?,
            resource: resource?,
            conditions,
        })
    }

    /// Sid (L-127, L-128).
    fn sid(&mut self, elements: &Elements<'_, '_>, path: &Path<'_>) -> Option<Box<str>> {
        let sid = elements.sid?.value.expected()?;
        let path = path.member("Sid");
        if sid.value.is_empty() {
            let code = FindingCode::EmptySidValue;
            self.add(code, Reject::Never, sid.span, &path, "`Sid` is empty, leave it out");
            return None;
        }
        let is_plain = sid.value.bytes().all(|b| b.is_ascii_alphanumeric());
        let any_text =
            matches!(self.policy_type(), PolicyType::ResourceBased | PolicyType::VpcEndpoint);
        if !is_plain && !any_text {
            let message = format!(
                "`Sid` {} has characters other than the letters A to Z and a to z and digits",
                quoted(&sid.value)
            );
            self.add(FindingCode::UnsupportedSid, Reject::Always, sid.span, &path, message);
        }
        Some(sid.value.as_ref().into())
    }

    /// Notes the Sid of a statement and reports it when another one has it (L-127).
    pub(super) fn sid_is_unique<'t>(
        &mut self,
        statement: &'t Statement<'_>,
        path: &Path<'_>,
        sids: &mut HashMap<&'t str, Span>,
    ) {
        let Some(sid) = Elements::of(statement).sid.and_then(|sid| sid.value.expected()) else {
            return;
        };
        if sid.value.is_empty() {
            return;
        }
        let Some(first) = sids.insert(&*sid.value, sid.span) else { return };
        sids.insert(&*sid.value, first);
        let (code, rejects) = if self.sids_must_be_unique() {
            (FindingCode::UniqueSidsRequired, Reject::Always)
        } else {
            (FindingCode::UniqueSidsRecommended, Reject::Never)
        };
        let message = format!("another statement has the `Sid` {}", quoted(&sid.value));
        self.add(code, rejects, sid.span, &path.member("Sid"), message);
    }

    fn sids_must_be_unique(&self) -> bool {
        match self.policy_type() {
            PolicyType::ResourceBased => self.is_owned_by(&SERVICES_WITH_UNIQUE_SIDS),
            PolicyType::VpcEndpoint => false,
            _ => true,
        }
    }

    /// Whether the owning service of a resource-based policy is known and one of these.
    fn is_owned_by(&self, services: &[&str]) -> bool {
        let service = self.options.service.as_deref();
        service.is_some_and(|owner| services.iter().any(|s| s.eq_ignore_ascii_case(owner)))
    }

    /// Effect (L-202, L-212).
    fn effect(
        &mut self,
        elements: &Elements<'_, '_>,
        statement: Span,
        path: &Path<'_>,
    ) -> Option<Effect> {
        let Some(element) = elements.effect else {
            let message = "no `Effect`, expected `Allow` or `Deny`";
            self.add(FindingCode::MissingEffect, Reject::Always, opening(statement), path, message);
            return None;
        };
        let text = element.value.expected()?;
        let path = path.member("Effect");
        let effect = match &*text.value {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            other => {
                let hint = did_you_mean(other, ["Allow", "Deny"]);
                let message =
                    format!("{} is no effect, expected `Allow` or `Deny`{hint}", quoted(other));
                self.add(FindingCode::InvalidEffect, Reject::Always, text.span, &path, message);
                return None;
            }
        };
        let is_rcp = self.policy_type() == PolicyType::ResourceControl;
        if is_rcp && effect == Effect::Allow && !self.rcp_full_access {
            let message = "a resource control policy can only deny";
            self.add(FindingCode::XRcpEffect, Reject::Always, text.span, &path, message);
        }
        Some(effect)
    }

    /// Reports an element and its negation in one statement (L-201).
    pub(super) fn exclusive<T: Copy>(
        &mut self,
        pair: &Pair<T>,
        name: &'static str,
        span: impl Fn(T) -> Span,
        place: Place<'_>,
    ) {
        if let (Some(_), Some(negated)) = (pair.plain, pair.negated) {
            let name_negated = format!("Not{name}");
            let message = format!("`{name}` and `{name_negated}` in one statement");
            let path = place.path.member(&name_negated);
            let code = FindingCode::UnsupportedElementCombination;
            self.add(code, Reject::Always, span(negated), &path, message);
        }
    }

    /// Action and NotAction (L-203, L-204, L-207, section 2.3).
    fn action(
        &mut self,
        elements: &Elements<'_, '_>,
        place: Place<'_>,
    ) -> Option<ir::ActionElement> {
        self.exclusive(&elements.action, "Action", |action| action.element.name_span, place);
        let Some(action) = elements.action.any() else {
            let message = "no `Action` or `NotAction`";
            self.add(FindingCode::MissingAction, Reject::Always, place.span, place.path, message);
            return None;
        };
        if let Some(negated) = elements.action.negated {
            self.not_action(negated.element.name_span, place);
        }
        let name = if action.negated { "NotAction" } else { "Action" };
        let path = place.path.member(name);
        let list = action.element.value.expected()?;
        self.empty_list(&action.element, action.negated, FindingCode::EmptyArrayAction, &path);
        if !self.is_within_limit(list.len(), action.element.span, &path) {
            return None;
        }
        let mut patterns = Vec::with_capacity(list.len());
        let mut problems = Vec::new();
        for (index, text) in list.iter() {
            let path = index.map_or(path, |index| path.index(index));
            if !self.is_short(text, &path) {
                continue;
            }
            let lowered = pattern::action(&text.value, &mut problems);
            self.problems(&mut problems, text, &path);
            if let Some(pattern) = lowered {
                self.action_of_type(&pattern, text, &path);
                patterns.push(pattern);
            }
        }
        Some(ir::ActionElement { negated: action.negated, patterns })
    }

    /// Types without `NotAction` (L-211, L-212).
    fn not_action(&mut self, span: Span, place: Place<'_>) {
        let path = place.path.member("NotAction");
        if self.policy_type() == PolicyType::ResourceControl {
            let message = "a resource control policy names its actions by `Action`";
            self.add(FindingCode::XRcpNotElement, Reject::Always, span, &path, message);
        } else if self.is_legacy_scp() && place.effect == Some(Effect::Allow) {
            let message = "`NotAction` with `Allow` in a service control policy";
            let code = FindingCode::ScpSyntaxErrorAllowNotaction;
            self.add(code, Reject::Always, span, &path, message);
        }
    }

    /// What a policy type allows of an action (L-211 – L-214, L-217).
    fn action_of_type(&mut self, action: &ActionPattern, text: &Text<'_>, path: &Path<'_>) {
        let vendor = match action {
            ActionPattern::Any => None,
            ActionPattern::Named { vendor, .. } => Some(&**vendor),
        };
        let shown = || quoted(&text.value);
        let (code, rejects, message) = match self.policy_type() {
            PolicyType::RoleTrust if vendor != Some("sts") => (
                FindingCode::UnsupportedActionInPolicy,
                Reject::Always,
                format!("action {} in a trust policy, which has actions of `sts` only", shown()),
            ),
            PolicyType::ResourceControl if vendor.is_none() && !self.rcp_full_access => (
                FindingCode::XRcpActionStar,
                Reject::Always,
                "`*` in a resource control policy, which must name the service of each action"
                    .into(),
            ),
            PolicyType::ResourceControl => {
                let (Some(vendor), Some(covered)) = (vendor, self.options.rcp_services.as_deref())
                else {
                    return;
                };
                if covered.iter().any(|service| vendor.eq_ignore_ascii_case(service)) {
                    return;
                }
                let message = format!(
                    "action {} of a service that resource control policies do not cover",
                    shown()
                );
                (FindingCode::XRcpService, Reject::Never, message)
            }
            PolicyType::ResourceBased => {
                let (Some(vendor), Some(owner)) = (vendor, self.options.service.as_deref()) else {
                    return;
                };
                let is_own = |vendor: &str| vendor.eq_ignore_ascii_case(owner);
                let mut services = SERVICES_OF_ACTIONS.iter();
                if is_own(vendor)
                    || services.any(|(own, of)| own.eq_ignore_ascii_case(vendor) && is_own(of))
                {
                    return;
                }
                let message = format!("action {} in a policy of a resource of `{owner}`", shown());
                (FindingCode::UnsupportedActionInPolicy, Reject::Never, message)
            }
            PolicyType::ServiceControl
                if self.is_legacy_scp() && has_inner_wildcard(&text.value) =>
            {
                let message = format!("action {} has a wildcard before its end", shown());
                (FindingCode::ScpSyntaxErrorActionWildcard, Reject::Always, message)
            }
            _ => return,
        };
        self.add(code, rejects, text.span, path, message);
    }

    /// Resource and NotResource (L-203 – L-207, section 2.4).
    fn resource(
        &mut self,
        elements: &Elements<'_, '_>,
        place: Place<'_>,
    ) -> Option<ir::ResourceElement> {
        let pair = &elements.resource;
        self.exclusive(pair, "Resource", |resource| resource.element.name_span, place);
        if self.policy_type() == PolicyType::RoleTrust {
            self.resource_in_trust_policy(pair, place);
            return Some(ir::ResourceElement::Unspecified);
        }
        let Some(resource) = pair.any() else {
            return self.missing_resource(place);
        };
        if let Some(negated) = pair.negated.filter(|_| self.is_legacy_scp()) {
            let code = FindingCode::ScpSyntaxErrorNotresource;
            let path = place.path.member("NotResource");
            let message = "`NotResource` in a service control policy";
            self.add(code, Reject::Always, negated.element.name_span, &path, message);
        }
        let name = if resource.negated { "NotResource" } else { "Resource" };
        let path = place.path.member(name);
        let list = resource.element.value.expected()?;
        let if_plain = FindingCode::EmptyArrayResource;
        self.empty_list(&resource.element, resource.negated, if_plain, &path);
        if !self.is_within_limit(list.len(), resource.element.span, &path) {
            return None;
        }
        let patterns = self.resource_patterns(list, &path, place.effect);
        Some(if resource.negated {
            ir::ResourceElement::NotResource(patterns)
        } else {
            ir::ResourceElement::Resource(patterns)
        })
    }

    /// The long form of a resource that the service lets its policies say in short (L-231).
    fn long_resource(&self, text: &str) -> Option<String> {
        if self.policy_type() != PolicyType::ResourceBased {
            return None;
        }
        match (self.options.service.as_deref(), self.options.api.as_deref()) {
            (_, Some(api)) => pattern::resource_of_api(text, api),
            (Some("vpc-lattice"), None) => pattern::resource_of_lattice(text),
            _ => None,
        }
    }

    fn resource_patterns(
        &mut self,
        list: &List<'_, Text<'_>>,
        path: &Path<'_>,
        effect: Option<Effect>,
    ) -> Vec<ResourcePattern> {
        let mut patterns = Vec::with_capacity(list.len());
        let mut problems = Vec::new();
        for (index, text) in list.iter() {
            let path = index.map_or(*path, |index| path.index(index));
            if !self.is_short(text, &path) {
                continue;
            }
            let policy_type = self.policy_type();
            let lowered = match self.long_resource(&text.value) {
                Some(long) => {
                    let lowered =
                        pattern::resource(&long, policy_type, self.variables, &mut problems);
                    // Where in the long form a problem is, is nowhere in the text.
                    problems.iter_mut().for_each(Problem::forget_range);
                    lowered
                }
                None => pattern::resource(&text.value, policy_type, self.variables, &mut problems),
            };
            self.problems(&mut problems, text, &path);
            let Some(pattern) = lowered else { continue };
            if self.is_legacy_scp()
                && effect == Some(Effect::Allow)
                && pattern != ResourcePattern::Any
            {
                let message = "`Allow` in a service control policy takes the resource `*` only";
                let code = FindingCode::ScpSyntaxErrorAllowResource;
                self.add(code, Reject::Always, text.span, &path, message);
            }
            if let ResourcePattern::Arn(arn) = &pattern {
                self.variable_keys(arn.segments.iter().flatten(), text, &path);
            }
            patterns.push(pattern);
        }
        patterns
    }

    /// L-206, L-207.
    fn resource_in_trust_policy(&mut self, pair: &Pair<&ResourceElement<'_>>, place: Place<'_>) {
        for resource in [pair.plain, pair.negated].into_iter().flatten() {
            let name = if resource.negated { "NotResource" } else { "Resource" };
            let message = format!("`{name}` in a trust policy, whose resource is the role itself");
            let path = place.path.member(name);
            let code = FindingCode::RoleTrustPolicySyntaxErrorResource;
            self.add(code, Reject::Always, resource.element.name_span, &path, message);
        }
    }

    /// L-205, L-207.
    fn missing_resource(&mut self, place: Place<'_>) -> Option<ir::ResourceElement> {
        let code = FindingCode::MissingResource;
        if self.policy_type() != PolicyType::ResourceBased {
            let message = "no `Resource` or `NotResource`";
            self.add(code, Reject::Always, place.span, place.path, message);
            return None;
        }
        if self.is_owned_by(&SERVICES_THAT_NEED_A_RESOURCE) {
            let message = "no `Resource` or `NotResource`, which the service requires";
            self.add(code, Reject::Never, place.span, place.path, message);
        }
        Some(ir::ResourceElement::Unspecified)
    }

    /// An empty array loads and matches nothing; negated it would match everything and rejects
    /// (L-203, L-204).
    fn empty_list(
        &mut self,
        element: &Element<'_, List<'_, Text<'_>>>,
        negated: bool,
        if_plain: FindingCode,
        path: &Path<'_>,
    ) {
        let Some(list) = element.value.expected() else { return };
        if !list.is_empty() {
            return;
        }
        let (code, rejects, message) = if negated {
            let message = "an empty list would match everything";
            (FindingCode::XNegativeEmpty, Reject::Always, message)
        } else {
            (if_plain, Reject::Never, "an empty list: the statement matches nothing")
        };
        self.add(code, rejects, element.span, path, message);
    }

    /// Whether a list is within the limit of the engine (L-1002); reports one that is not.
    pub(super) fn is_within_limit(&mut self, n_values: usize, span: Span, path: &Path<'_>) -> bool {
        if n_values <= MAX_VALUES {
            return true;
        }
        let message = format!("{n_values} values, the limit is {MAX_VALUES}");
        self.add(FindingCode::XInvalidPolicy, Reject::Always, span, path, message);
        false
    }

    /// Whether a pattern is within the limit of the engine (L-1002); reports one that is not.
    pub(super) fn is_short(&mut self, text: &Text<'_>, path: &Path<'_>) -> bool {
        // Counting is needed only where the bytes alone could be too many.
        if text.value.len() <= MAX_PATTERN_CHARS
            || text.value.chars().nth(MAX_PATTERN_CHARS).is_none()
        {
            return true;
        }
        let message = format!("a pattern of more than {MAX_PATTERN_CHARS} characters");
        let problem = Problem::new(FindingCode::XInvalidPolicy, Reject::Always, message);
        self.findings.problem(problem, text, path);
        false
    }
}

/// Whether a wildcard stands before the last character of an action (L-211).
fn has_inner_wildcard(action: &str) -> bool {
    action.find(['*', '?']).is_some_and(|at| at + 1 < action.len())
}
