//! Keys that would make a test hold, or fail.

use std::borrow::Cow;

use assize_catalog::Catalog;
use assize_compiler::ConditionDetail;
use assize_model::{
    ActionId, ContextInput, ContextScalar, KeyType, MfaState, Principal, PrincipalKind, Request,
    Target, is_claim, is_never_carried,
};
use assize_policy::ir::{Condition, ConditionOperator};
use assize_policy::value::parse_date;
use assize_store::Tag;

use super::Edit;
use crate::resolve::iso8601;

/// A key that a request should have with a value, or should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyEdit {
    key: Box<str>,
    value: Option<Box<str>>,
}

impl From<KeyEdit> for Edit {
    fn from(edit: KeyEdit) -> Self {
        let KeyEdit { key, value } = edit;
        match value {
            Some(value) => Self::GiveKey { key, value },
            None => Self::OmitKey { key },
        }
    }
}

/// What makes a test hold.
pub(super) fn satisfying(
    catalog: &Catalog,
    condition: &Condition,
    detail: &ConditionDetail,
) -> Option<KeyEdit> {
    edit(catalog, condition, detail, true)
}

/// What makes a test fail.
pub(super) fn falsifying(
    catalog: &Catalog,
    condition: &Condition,
    detail: &ConditionDetail,
) -> Option<KeyEdit> {
    edit(catalog, condition, detail, false)
}

/// What makes a test hold or fail; none if nothing is known to, or if no request carries the key.
/// Whether it does is for the decision to say.
fn edit(
    catalog: &Catalog,
    condition: &Condition,
    detail: &ConditionDetail,
    wanted: bool,
) -> Option<KeyEdit> {
    use ConditionOperator as Op;
    if is_never_carried(condition.key.folded()) {
        return None;
    }
    let operator = condition.operator;
    let values: Vec<&str> =
        detail.expected.iter().filter_map(|expected| expected.compared.as_deref()).collect();
    let key: Box<str> = condition.key.spelling().into();
    let is_present = detail.actual.is_some();
    let give = |value: Option<String>| {
        value.map(|value| KeyEdit { key: key.clone(), value: Some(value.into()) })
    };
    let omit = || is_present.then(|| KeyEdit { key: key.clone(), value: None });
    if operator == Op::Null {
        let asks_for_absence = values.contains(&"true");
        return if asks_for_absence == wanted {
            omit()
        } else {
            give(Some(any_value(catalog, &key).into())).filter(|_| !is_present)
        };
    }
    let wants_match = wanted != operator.is_negated();
    if wants_match {
        return give(values.iter().find_map(|value| matching(operator, value)));
    }
    let other = match (operator, &values[..]) {
        (Op::Bool, ["true"]) => Some("false".to_owned()),
        (Op::Bool, ["false"]) => Some("true".to_owned()),
        (_, [value]) => opposite(operator).and_then(|operator| matching(operator, value)),
        _ => None,
    };
    give(other).or_else(omit)
}

/// Some text.
const ANYTHING: &str = "x";

/// A value that a request may carry under a key, of the type that AWS documents for it.
fn any_value(catalog: &Catalog, key: &str) -> &'static str {
    match catalog.condition_key(key).map(|declared| declared.key_type()) {
        Some(KeyType::Arn) => "arn:aws:sns:us-east-1:123456789012:example",
        Some(KeyType::Bool) => "true",
        Some(KeyType::Numeric) => "1",
        Some(KeyType::Date) => "2025-01-01T00:00:00Z",
        Some(KeyType::IpAddress) => "192.0.2.1",
        _ => ANYTHING,
    }
}

/// The operator that holds of what another one does not hold of.
fn opposite(operator: ConditionOperator) -> Option<ConditionOperator> {
    use ConditionOperator as Op;
    Some(match operator {
        Op::NumericLessThan => Op::NumericGreaterThanEquals,
        Op::NumericLessThanEquals => Op::NumericGreaterThan,
        Op::NumericGreaterThan => Op::NumericLessThanEquals,
        Op::NumericGreaterThanEquals => Op::NumericLessThan,
        Op::DateLessThan => Op::DateGreaterThanEquals,
        Op::DateLessThanEquals => Op::DateGreaterThan,
        Op::DateGreaterThan => Op::DateLessThanEquals,
        Op::DateGreaterThanEquals => Op::DateLessThan,
        _ => return None,
    })
}

/// A value that an operator, or its positive twin, matches with a value of a policy.
fn matching(operator: ConditionOperator, value: &str) -> Option<String> {
    use ConditionOperator as Op;
    Some(match operator {
        Op::StringLike
        | Op::StringNotLike
        | Op::ArnEquals
        | Op::ArnNotEquals
        | Op::ArnLike
        | Op::ArnNotLike => plain(value),
        Op::NumericLessThan => value.parse::<i64>().ok()?.checked_sub(1)?.to_string(),
        Op::NumericGreaterThan => value.parse::<i64>().ok()?.checked_add(1)?.to_string(),
        // A year alone would be read as a number of seconds (L-616).
        Op::DateLessThan => iso8601(parse_date(value)?.checked_sub(1)?),
        Op::DateGreaterThan => iso8601(parse_date(value)?.checked_add(1)?),
        Op::DateEquals | Op::DateNotEquals | Op::DateLessThanEquals | Op::DateGreaterThanEquals => {
            iso8601(parse_date(value)?)
        }
        Op::IpAddress | Op::NotIpAddress => {
            value.split_once('/').map_or(value, |(address, _)| address).to_owned()
        }
        _ => value.to_owned(),
    })
}

/// A text that a pattern matches: something for each wildcard.
fn plain(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escaped = ["${*}", "${?}", "${$}"].into_iter().find(|e| rest.starts_with(e));
        let taken = match (escaped, first) {
            (Some(escaped), _) => {
                text.push_str(&escaped[2..3]);
                escaped.len()
            }
            (None, '*' | '?') => {
                text.push_str(ANYTHING);
                1
            }
            (None, other) => {
                text.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    text
}

/// Whether an entry of a context is about tags of the request (E-21).
fn names_tags((name, _): &(Cow<'_, str>, ContextInput<'_>)) -> bool {
    let folded = name.to_ascii_lowercase();
    folded == "aws:tagkeys"
        || folded.ends_with(":requestobjecttagkeys")
        || REQUEST_TAGS.iter().any(|stem| folded.contains(stem))
}

/// What stands in the names of keys that carry tags of the request, in lower case.
const REQUEST_TAGS: [&str; 3] = [":requesttag/", ":req-tag/", ":requestobjecttag/"];

/// What the keys of a resource's tags begin with, in lower case, beside `PREFIX:ResourceTag/`.
const OBJECT_TAG: &str = "s3:existingobjecttag/";

impl KeyEdit {
    pub(super) fn give(key: &str, value: &str) -> Self {
        Self { key: key.into(), value: Some(value.into()) }
    }

    pub(super) fn omit(key: &str) -> Self {
        Self { key: key.into(), value: None }
    }

    /// Whether a request for an action can be as the edit says. With a key of a service it can if
    /// the catalog lists the key for the action or its resource types. The calls that assume a role
    /// share their keys (E-91).
    pub(super) fn is_possible(&self, catalog: &Catalog, action: Option<ActionId>) -> bool {
        let Some(action) = action.filter(|_| self.value.is_some()) else { return true };
        let action = catalog.action_ref(action);
        let is_of = |service| self.after(service).is_some();
        let of_sts = action.service().prefix() == "sts";
        let Some(key) = catalog.condition_key(&self.key) else {
            // The catalog names claims of few providers.
            return is_of("aws:") || of_sts && is_claim(&self.key.to_ascii_lowercase());
        };
        let types = action.resource_types();
        let of_types =
            types.flat_map(|l| l.condition_keys().chain(l.resource_type().condition_keys()));
        let mut listed = action.condition_keys().chain(of_types);
        let is_of_call = of_sts && is_of("sts:");
        key.is_global() || is_of_call || listed.any(|listed| listed.name() == key.name())
    }

    /// The value it should have.
    pub(super) fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What of the key's name follows a prefix.
    pub(super) fn after(&self, prefix: &str) -> Option<Box<str>> {
        let (head, rest) = self.key.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| rest.into())
    }

    /// The tag of the resource that the key is about (E-20).
    pub(super) fn resource_tag(&self) -> Option<Box<str>> {
        self.after(OBJECT_TAG).or_else(|| {
            let (service, rest) = self.key.split_once(':')?;
            let prefix = format!("{service}:resourcetag/");
            self.after(&prefix).filter(|_| !rest.is_empty())
        })
    }

    /// Puts the tag into what the request says of its resource, over the tags on record. In partial
    /// context the other tags stay unknown if nobody knows them.
    pub(super) fn tag_resource(
        &self,
        request: &mut Request<'_>,
        tag: &str,
        on_record: Option<&[Tag]>,
        is_partial: bool,
    ) {
        self.leave(request);
        let data = request.resource_data.get_or_insert_default();
        if is_partial && data.tags.is_none() && on_record.is_none() {
            self.put(request);
            return;
        }
        let tags = data.tags.get_or_insert_with(|| {
            let tags = on_record.unwrap_or_default().iter();
            tags.map(|tag| (owned(&tag.key), owned(&tag.value))).collect()
        });
        tags.retain(|(key, _)| !key.eq_ignore_ascii_case(tag));
        tags.extend(self.value.as_deref().map(|value| (owned(tag), owned(value))));
    }

    /// Puts the key where the request has it, or into its context. What contradicts the rest of
    /// the request is found when it is resolved (E-23).
    pub(super) fn apply(&self, request: &mut Request<'_>, is_partial: bool) {
        self.leave(request);
        if !self.apply_to_field(request, is_partial) {
            self.put(request);
        }
    }

    /// Puts the key into the context, if it is to have a value.
    fn put(&self, request: &mut Request<'_>) {
        if let Some(value) = self.value.as_deref() {
            request.context.push((owned(&self.key), single(value)));
        }
    }

    /// Takes the key out of the context.
    fn leave(&self, request: &mut Request<'_>) {
        let is_own = |name: &str| name.eq_ignore_ascii_case(&self.key);
        request.context.retain(|(name, _)| !is_own(name));
        let targets = match &mut request.target {
            Target::Checks(checks) => {
                checks.iter_mut().map(|check| &mut check.context).collect::<Vec<_>>()
            }
            Target::Action { resources, .. } => {
                resources.iter_mut().map(|resource| &mut resource.context).collect()
            }
        };
        for context in targets {
            context.retain(|(name, _)| !is_own(name));
        }
    }

    /// Keys that have a field of their own where the request uses it; whether it does. A field that
    /// holds all tags or claims would tell of the others in partial context (E-121).
    fn apply_to_field(&self, request: &mut Request<'_>, is_partial: bool) -> bool {
        let folded = self.key.to_ascii_lowercase();
        let value = self.value.as_deref();
        let stem = REQUEST_TAGS.iter().find_map(|stem| Some(folded.find(stem)? + stem.len()));
        if let Some(name) = stem.and_then(|len| folded.get(len..)) {
            // Tags that the context gives one by one have no field (E-23).
            if request.request_tags.is_none()
                && (is_partial || request.context.iter().any(names_tags))
            {
                return false;
            }
            // The spelling of the tag's name is the policy's.
            let name = &self.key[self.key.len() - name.len()..];
            let tags = request.request_tags.get_or_insert_default();
            tags.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
            tags.extend(value.map(|value| (owned(name), owned(value))));
            return true;
        }
        match &*folded {
            "aws:currenttime" | "aws:epochtime" => {
                request.time = None;
                false
            }
            "aws:requestedregion" => {
                request.region = value.map(owned);
                true
            }
            "aws:multifactorauthpresent" => match &mut request.principal {
                Principal::Stated(stated) => match &mut stated.session {
                    Some(session) => {
                        let present = |value| MfaState { present: value == "true", at: None };
                        session.mfa = value.map(present);
                        true
                    }
                    None => false,
                },
                Principal::Text(_) => false,
            },
            "aws:sourcearn" | "aws:sourceaccount" if is_partial && request.source.is_none() => {
                false
            }
            "aws:sourcearn" => {
                request.source.get_or_insert_default().arn = value.map(owned);
                true
            }
            "aws:sourceaccount" => {
                let account = value.and_then(|value| value.parse().ok());
                request.source.get_or_insert_default().account = account;
                true
            }
            _ => {
                self.apply_to_session(request, &folded, is_partial)
                    || apply_to_network(request, &folded, value)
            }
        }
    }

    /// The same for what STS sealed in a session, and what an identity provider says of a caller
    /// (E-17).
    fn apply_to_session(&self, request: &mut Request<'_>, folded: &str, is_partial: bool) -> bool {
        let Principal::Stated(stated) = &mut request.principal else { return false };
        if !matches!(stated.kind, PrincipalKind::RoleSession | PrincipalKind::Federated) {
            return false;
        }
        let session = stated.session.get_or_insert_default();
        let value = self.value.as_deref();
        match folded {
            "aws:sourceidentity" => session.source_identity = value.map(owned),
            "aws:federatedprovider" => session.federated_provider = value.map(owned),
            "aws:tokenissuetime" => session.issued_at = value.and_then(parse_date),
            _ if is_claim(folded) && (session.claims.is_some() || !is_partial) => {
                let claims = session.claims.get_or_insert_default();
                claims.retain(|(name, _)| !name.eq_ignore_ascii_case(folded));
                claims.extend(value.map(|value| (owned(&self.key), single(value))));
            }
            _ => return false,
        }
        true
    }
}

/// A value of a context.
fn single<'r>(value: &str) -> ContextInput<'r> {
    ContextInput::Scalar(ContextScalar::String(owned(value)))
}

/// The same for keys of the network.
fn apply_to_network(request: &mut Request<'_>, folded: &str, value: Option<&str>) -> bool {
    let Some(network) = &mut request.network else { return false };
    let field = match folded {
        "aws:sourceip" => &mut network.source_ip,
        "aws:vpcsourceip" => &mut network.vpc_source_ip,
        "aws:sourcevpce" => &mut network.vpce,
        "aws:sourcevpc" => &mut network.vpc,
        "aws:useragent" => &mut network.user_agent,
        "aws:referer" => &mut network.referer,
        "aws:securetransport" => {
            network.secure_transport = value.map(|value| value == "true");
            return true;
        }
        _ => return false,
    };
    *field = value.map(owned);
    true
}

fn owned<'r>(text: &str) -> Cow<'r, str> {
    Cow::Owned(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_something() {
        let check = |pattern: &str, expected: &str| assert_eq!(plain(pattern), expected);
        check("vpc-*", "vpc-x");
        check("a?c", "axc");
        check("${*}${?}${$}{*}", "*?${x}");
        check("ü*", "üx");
        check("", "");
    }

    /// C-2: no key is offered that no request for the action carries.
    #[test]
    fn keys_are_offered_to_requests_that_may_carry_them() {
        let catalog = Catalog::bundled().expect("the catalog");
        let check = |action: &str, key: &str, expected: bool| {
            let id = catalog.action_by_full_name(action);
            let possible = KeyEdit::give(key, "x").is_possible(&catalog, id);
            assert_eq!(possible, expected, "{action} {key}");
            assert!(KeyEdit::omit(key).is_possible(&catalog, id));
        };
        check("s3:GetObject", "ec2:Owner", false);
        check("s3:GetObject", "EC2:ResourceTag/team", false);
        check("s3:GetObject", "s3:ExistingObjectTag/team", true);
        check("s3:GetObject", "aws:SourceIp", true);
        check("s3:GetObject", "AWS:RequestTag/team", true);
        check("s3:GetObject", "sts:ExternalId", false);
        check("s3:GetObject", "saml:sub", false);
        check("s3:GetObject", "nobody:Knows", false);
        check("nobody:Knows", "nobody:Key", true);
        // Of the resource type of an image, and of any call that assumes a role.
        check("ec2:RunInstances", "ec2:Owner", true);
        check("sts:TagSession", "sts:ExternalId", true);
        check("sts:AssumeRoleWithSAML", "saml:sub", true);
    }

    #[test]
    fn values_match_by_their_operator() {
        use ConditionOperator as Op;
        let check = |operator, value: &str, expected: Option<&str>| {
            assert_eq!(matching(operator, value).as_deref(), expected);
        };
        check(Op::NumericLessThan, "3600", Some("3599"));
        check(Op::NumericGreaterThan, "1.5", None);
        check(Op::NumericLessThanEquals, "1.5", Some("1.5"));
        check(Op::DateGreaterThan, "1970-01-01T00:00:09Z", Some("1970-01-01T00:00:10Z"));
        check(Op::DateLessThan, "2030", Some("1970-01-01T00:33:49Z"));
        check(Op::DateEquals, "1717200000", Some("2024-06-01T00:00:00Z"));
        check(Op::DateEquals, "soon", None);
        check(Op::IpAddress, "203.0.113.0/24", Some("203.0.113.0"));
        check(Op::StringEquals, "a*", Some("a*"));
    }
}
