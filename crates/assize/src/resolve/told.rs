//! Derived keys whose inputs nobody states, in requests that say all there is to say of them.
//!
//! Partial context leaves a key unknown where an input of its derivation may be missing (E-121).
//! A request that lists the key under `complete` says that nothing is missing, so the key has the
//! value that complete context derives; under `absent` it contradicts that value (E-122). Such
//! requests are few: the value joins what the request gives.

use std::borrow::Cow;

use assize_model::{
    ContextInput, ContextScalar, ContextValue, Principal, PrincipalKind, Request, RequestError,
    fold_key, is_never_carried,
};

use super::Resolver;
use super::check::CheckSpec;
use super::context::{GivenValue, derived_conflict, normalize};
use super::derive::OLDEST_ISSUE_TIME;
use super::gaps::{Gap, Lists, is_empty, lists};
use super::key::OwnKey;
use super::resource::Shape;
use super::time;
use crate::resolve::action::{ActionRule, ResolvedAction};

/// The context of a check.
type Context<'r> = Vec<(Cow<'r, str>, ContextInput<'r>)>;
/// Names and values of derived keys.
type Pairs = Vec<(String, Box<str>)>;

/// The keys of E-22.
const CALL_CHAIN_KEYS: [&str; 4] =
    ["aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast"];

/// The keys of E-21: the list of the request's tags, and what the key of one begins with.
const TAG_KEYS: &str = "aws:tagkeys";
const REQUEST_TAG: &str = "aws:requesttag/";

impl Resolver<'_> {
    /// The whole context of a check, with the derived keys that its request tells; none if it
    /// tells none.
    ///
    /// # Errors
    /// When the request gives one of them otherwise (E-23).
    pub(super) fn told_context<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) -> Result<Option<Context<'r>>, RequestError> {
        if !self.is_partial || !tells_any(request, check.context) {
            return Ok(None);
        }
        let lists = lists(request, check.context);
        let is_replaced =
            |name: &str| check.context.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let shared = request.context.iter().filter(|(name, _)| !is_replaced(name));
        let mut context: Context<'r> = check.context.iter().chain(shared).cloned().collect();
        let mut derived = self.told_by_principal(request, principal, check)?;
        // E-17: a request that says so itself is believed.
        if lists.has_absent("aws:tokenissuetime") {
            derived.retain(|(name, _)| name != "aws:TokenIssueTime");
        }
        derived.extend(self.told_tags(principal, check)?);
        if request.via.is_none() && !gives_any(&context, &CALL_CHAIN_KEYS) {
            derived.push(("aws:ViaAWSService".to_owned(), "false".into()));
        }
        let n_given = context.len();
        if request.request_tags.is_none() && lists.tells(TAG_KEYS) {
            context.extend(tag_keys(&context, &self.actions[check.action as usize]));
        }
        for (name, value) in derived {
            let folded = fold_key(&name);
            if !is_never_carried(&folded)
                && lists.tells(&folded)
                && !self.is_given_so(&context[..n_given], check, &name, &value)?
            {
                let value = ContextInput::Scalar(ContextScalar::String(String::from(value).into()));
                context.push((name.into(), value));
            }
        }
        Ok((context.len() > n_given).then_some(context))
    }

    /// Tags, issue time and MFA of the caller.
    fn told_by_principal(
        &self,
        request: &Request<'_>,
        principal: u32,
        check: &CheckSpec<'_>,
    ) -> Result<Pairs, RequestError> {
        let caller = &self.principals[principal as usize];
        let mut pairs = Pairs::new();
        if caller.gaps.has(Gap::PrincipalTags) {
            let tags = match &request.principal {
                Principal::Text(text) => self.tags_of(&self.stated_from_text(text)?)?,
                Principal::Stated(stated) => self.tags_of(stated)?,
            };
            pairs.extend(
                tags.into_iter().map(|tag| (format!("aws:PrincipalTag/{}", tag.key), tag.value)),
            );
        }
        if caller.gaps.has(Gap::MfaPresent) && caller.temporary {
            pairs.push(("aws:MultiFactorAuthPresent".to_owned(), "false".into()));
        }
        if caller.gaps.has(Gap::TokenIssueTime) && caller.temporary {
            pairs.push(("aws:TokenIssueTime".to_owned(), time::iso8601(OLDEST_ISSUE_TIME).into()));
        }
        let rule = self.actions[check.action as usize].rule;
        let is_call = rule.is_role_assuming() && rule != ActionRule::AssumeRoleFederated;
        let is_undated = caller.gaps.has(Gap::MfaAge) && !caller.gaps.has(Gap::MfaPresent);
        if is_undated && is_call && !caller.temporary && caller.kind == PrincipalKind::User {
            pairs.push(("aws:MultiFactorAuthAge".to_owned(), "0".into()));
        }
        Ok(pairs)
    }

    /// Tags of a role that a session assumes whose own tags nobody states (E-91).
    fn told_tags(
        &mut self,
        principal: u32,
        check: &mut CheckSpec<'_>,
    ) -> Result<Pairs, RequestError> {
        let text = self.resource_text(principal, check);
        let resource = self.resource(&text, check.data.as_deref(), check.action)?;
        if !self.replaces_unknown_tags(principal, check.action, resource) {
            return Ok(Pairs::new());
        }
        let fit = self.fit(check.action, resource);
        let is_role = self.resources[resource as usize].shape == Shape::IamRole;
        let profile = self.tag_profile(check.action, is_role, fit);
        let tags = self.resources[resource as usize].attached().tags.iter().flatten();
        let passed = &self.principals[principal as usize].transitive_tags;
        let mut pairs = Pairs::new();
        for tag in tags {
            let passed = passed.iter().rev().find(|own| own.key.eq_ignore_ascii_case(&tag.key));
            let value = &passed.unwrap_or(tag).value;
            let prefixes = self.tag_profiles[profile as usize].iter();
            pairs.extend(prefixes.map(|prefix| (format!("{prefix}{}", tag.key), value.clone())));
        }
        Ok(pairs)
    }

    /// Whether the request gives a derived key itself: as derived, or as it may where an option
    /// lets it (E-23).
    fn is_given_so(
        &mut self,
        given: &[(Cow<'_, str>, ContextInput<'_>)],
        check: &mut CheckSpec<'_>,
        name: &str,
        value: &str,
    ) -> Result<bool, RequestError> {
        let mut found: Option<(&str, GivenValue<'_>)> = None;
        for (own, input) in given.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
            let key = self.key(own);
            let Some(value) = normalize(self.keys[key as usize].shape, own, input)? else {
                continue;
            };
            found = Some(match found {
                None => (own, value),
                Some((first, _)) => (first, GivenValue::Colliding),
            });
        }
        let Some((own, given)) = found else { return Ok(false) };
        let derived = ContextValue::Single(value.into());
        if !given.is(&derived) {
            if !self.engine.options.allow_context_override {
                return Err(derived_conflict(own, &given, &derived));
            }
            check.notes.overridden.push(own.into());
        }
        Ok(true)
    }
}

impl Lists {
    /// Whether all there is to say is said of a key.
    fn tells(&self, folded: &str) -> bool {
        self.says_unknown(folded) == Some(false)
    }
}

/// Whether all there is to say may be said of any key that is derived here. Records of logs list
/// keys as absent that are not.
fn tells_any(request: &Request<'_>, context: &[(Cow<'_, str>, ContextInput<'_>)]) -> bool {
    let given = context.iter().chain(&request.context);
    let mut empty = given.filter(|(_, input)| is_empty(input));
    !request.complete.is_empty()
        || request.absent.iter().any(|name| may_be_told(name))
        || empty.any(|(name, _)| may_be_told(name))
}

/// `aws:TagKeys` of the tags that a context gives, unless it gives the list itself (E-21).
fn tag_keys<'r>(
    context: &Context<'r>,
    action: &ResolvedAction,
) -> Option<(Cow<'r, str>, ContextInput<'r>)> {
    let lists: Vec<&str> = action.tag_lists.iter().map(|name| &**name).collect();
    if gives_any(context, &[TAG_KEYS]) || gives_any(context, &lists) {
        return None;
    }
    let mut names: Vec<ContextScalar<'r>> = Vec::new();
    for (name, _) in context.iter().filter(|(_, input)| !is_empty(input)) {
        let Some(len) = name.find('/').map(|at| at + 1) else { continue };
        let (stem, tag) = name.split_at(len);
        let is_of_request =
            stem.eq_ignore_ascii_case(REQUEST_TAG) || action.names_request_tags(stem);
        let tag_key = ContextScalar::String(Cow::Owned(tag.to_owned()));
        if is_of_request && !tag.is_empty() && !names.contains(&tag_key) {
            names.push(tag_key);
        }
    }
    (!names.is_empty()).then(|| (OwnKey::TagKeys.name().into(), ContextInput::List(names)))
}

/// Whether a key is one of those: the first of E-22, one of MFA, one that names a tag, or the list
/// of the tags of the request.
fn may_be_told(name: &str) -> bool {
    const MFA: &str = "aws:multifactorauth";
    const TAG: &str = "tag";
    let head = name.split_once('/').map_or("", |(head, _)| head);
    let ends_in = |text: &str| {
        let at = head.len().checked_sub(text.len());
        at.and_then(|at| head.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(text))
    };
    let begins_with = name.get(..MFA.len()).is_some_and(|head| head.eq_ignore_ascii_case(MFA));
    let is_named = [CALL_CHAIN_KEYS[0], TAG_KEYS].iter().any(|key| name.eq_ignore_ascii_case(key));
    is_named || begins_with || ends_in(TAG)
}

fn gives_any(context: &[(Cow<'_, str>, ContextInput<'_>)], names: &[&str]) -> bool {
    context.iter().any(|(name, input)| {
        !is_empty(input) && names.iter().any(|own| own.eq_ignore_ascii_case(name))
    })
}
