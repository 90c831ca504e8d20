//! The rows of a chunk, and how a check becomes one: what stands for its resource, its context, its
//! frame, and what is not known of it.

use std::borrow::Cow;
use std::ops::Range;

use assize_compiler::{ActionRef, EndpointLayer, Frame, ResourcePlace, position_in};
use assize_model::{
    AccountId, ActionId, ConditionKey, ContextInput, ContextValue, Principal, Request,
    RequestError, RequestErrorKind, SharedText,
};

use super::action::ActionRule;
use super::check::{Admission, CheckSpec, Part, Trusted};
use super::columns::KeyColumns;
use super::context::RowContext;
use super::environment::Environment;
use super::frame::{self, Parties};
use super::gaps::Asked;
use super::key::OwnKey;
use super::note::Notes;
use super::resource::Shape;
use super::{NUMBERED, Resolver, limit, next_index};

/// The columns of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Rows<'t> {
    pub(crate) principal: Vec<u32>,
    pub(super) action: Vec<ActionRef>,
    pub(super) resource: Vec<ResourcePlace>,
    /// The column of resources: each row has its own, so that this counts the rows.
    pub(super) numbers: Vec<u32>,
    /// Texts of resources: those that stand in what was lent are not copied.
    pub(super) lent: Option<SharedText<'t>>,
    pub(super) texts: String,
    pub(crate) frame: Vec<u32>,
    pub(super) keys: KeyColumns,
    /// Positions in `actions` and `resources` of the resolver.
    pub(crate) resolved_action: Vec<u32>,
    pub(crate) resolved_resource: Vec<u32>,
    pub(crate) account: Vec<Option<AccountId>>,
    /// Rows of which there is something to say.
    pub(crate) notes: Vec<(u32, Notes)>,
    pub(crate) contexts: Vec<Vec<(ConditionKey, ContextValue)>>,
    pub(crate) endpoints: Vec<Option<Box<str>>>,
}

/// The rows of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Run {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        self.frame.len()
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.principal.truncate(len);
        self.action.truncate(len);
        self.resource.truncate(len);
        self.frame.truncate(len);
        self.resolved_action.truncate(len);
        self.resolved_resource.truncate(len);
        self.account.truncate(len);
        self.contexts.truncate(len);
        self.endpoints.truncate(len);
        if len == 0 {
            self.lent = None;
            self.texts.clear();
        }
        self.keys.truncate(len);
        while self.notes.last().is_some_and(|(row, _)| *row as usize >= len) {
            self.notes.pop();
        }
    }

    pub(super) fn lent(&self) -> &str {
        self.lent.as_deref().unwrap_or_default()
    }

    /// Where the texts of resources stand.
    pub(super) fn texts(&self) -> [&str; 2] {
        [self.lent(), &self.texts]
    }

    /// Takes in the text of a resource whose keys are in a list; none past 2³² bytes.
    pub(super) fn place(&mut self, text: &str, keys: u32) -> Option<ResourcePlace> {
        let len = u32::try_from(text.len()).ok()?;
        let lent = self.lent();
        if let Some(start) = position_in(lent, text) {
            return Some(ResourcePlace { start, len, constants: keys });
        }
        let start = u32::try_from(lent.len() + self.texts.len()).ok()?;
        start.checked_add(len)?;
        self.texts.push_str(text);
        Some(ResourcePlace { start, len, constants: keys })
    }

    /// Fills every column up to the number of rows.
    pub(super) fn complete(&mut self) {
        let len = self.len();
        let known = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.extend(known..u32::try_from(len).unwrap_or(u32::MAX));
        self.numbers.truncate(len);
        self.keys.complete(len);
    }
}

impl<'e> Resolver<'e> {
    /// E-96: the row of a service that asks for a role instead of the request's principal, with a
    /// context of its own.
    pub(super) fn push_trust_row(
        &mut self,
        request: &Request<'_>,
        trusted: &Trusted,
        check: &CheckSpec<'_>,
    ) -> Result<(), RequestError> {
        let mut own = Request { context: Vec::new(), ..request.clone() };
        let principal = match trusted {
            Trusted::Service(name) => self.passed_service(name, &own)?,
            Trusted::Someone => {
                (own.principal, own.source) = (Principal::Text("anonymous".into()), None);
                self.principal(&own)?
            }
        };
        let mut check = check.with_context(&[]);
        check.trusted = None;
        self.push_row(&own, principal, &mut check)
    }

    pub(super) fn push_row_as_given<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) -> Result<(), RequestError> {
        match self.told_context(request, principal, check)? {
            None => self.push_row_as_told(request, principal, check),
            Some(context) => {
                let mut check = check.with_context(&context);
                self.push_row_as_told(request, principal, &mut check)
            }
        }
    }

    pub(super) fn push_row_as_told<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) -> Result<(), RequestError> {
        let row = self.rows.len();
        let text = self.resource_text(principal, check);
        let resource = self.resource_of_check(request, (principal, check), &text)?;
        let fit = self.fit(check.action, resource);
        self.refresh_keys();
        let mut seen = RowContext::new(self, request, principal, fit);
        seen.read(self, request, check, (principal, resource))?;
        let is_unknown_bucket = check.part == Part::UnknownBucket;
        let (bucket_account, assumed) = self.resource_account(
            &self.resources[resource as usize],
            &self.principals[principal as usize],
            &self.actions[check.action as usize],
        );
        let bucket_account = bucket_account.filter(|_| !is_unknown_bucket);
        let foreign_owner = if is_unknown_bucket {
            None
        } else {
            self.foreign_owner(resource, check.action, bucket_account)
        };
        let account = foreign_owner.or(bucket_account);
        check.notes.resource_account = assumed && !is_unknown_bucket;
        check.notes.is_undeclared = check.notes.resource_account && self.is_undeclared(resource);
        check.notes.unknown_action = self.actions[check.action as usize].id.is_none();
        check.notes.outside_principal = self.principals[principal as usize].outside;
        check.notes.role_path = self.principals[principal as usize].is_path_assumed;
        let keys = self.resource_key_list(resource, account, check.action, (principal, fit));
        seen.region(self, request, (principal, resource), check);
        let endpoint = self.endpoint(&seen.environment);
        let is_wrong_network = match &check.part {
            Part::AccessPoint(Admission::AnyVpc) => {
                seen.environment.get(OwnKey::SourceVpc).is_none()
            }
            Part::AccessPoint(Admission::Vpc(vpc)) => {
                seen.environment.text(OwnKey::SourceVpc) != Some(&**vpc)
            }
            _ => false,
        };
        let mut parties = Parties {
            principal,
            action: check.action,
            fit,
            account,
            bucket_account,
            endpoint,
            is_foreign_object: foreign_owner.is_some(),
            is_unknown_bucket,
            is_wrong_network,
            names_task_policy: self.actions[check.action as usize].rule == ActionRule::AssumeRoot
                && names_task_policy(request, check),
            temporary: seen.temporary,
            mfa_present: seen.mfa_present,
        };
        if self.is_partial {
            self.push_gaps(request, check, &seen, (resource, keys, &mut parties))?;
        }
        let frame = self.frame(&parties, &self.resources[resource as usize]);
        let frame = self.intern_frame(frame)?;
        let place = self.rows.place(&self.resources[resource as usize].text, keys);
        let place = place.ok_or_else(|| limit("bytes of resources"))?;
        self.rows.principal.push(principal);
        self.rows.action.push(self.actions[check.action as usize].column);
        self.rows.resource.push(place);
        self.rows.frame.push(frame);
        self.rows.resolved_action.push(check.action);
        self.rows.resolved_resource.push(resource);
        self.rows.account.push(account);
        let vpce = seen.environment.text(OwnKey::SourceVpce).map(Into::into);
        if endpoint != EndpointLayer::NotApplicable || self.keeps_context {
            self.rows.endpoints.resize(row, None);
            self.rows.endpoints.push(vpce);
        }
        seen.write(self, request, check, keys, row)?;
        if !check.notes.is_empty() {
            let notes = std::mem::take(&mut check.notes);
            self.rows.notes.push((next_index(row, "rows")?, notes));
        }
        Ok(())
    }

    /// What a row leaves unknown, and its frame on the best side: there a refusal that looks at
    /// an unknown key does not refuse (E-126). On the worst side, that of `parties`, it does, also
    /// where the key could be derived (E-122).
    pub(super) fn push_gaps(
        &mut self,
        request: &Request<'_>,
        check: &mut CheckSpec<'_>,
        seen: &RowContext<'_>,
        (resource, keys, parties): (u32, u32, &mut Parties),
    ) -> Result<(), RequestError> {
        let Parties { principal, action, fit, account, .. } = *parties;
        let hides_tags = self.replaces_unknown_tags(principal, action, resource);
        let is_role = self.resources[resource as usize].shape == Shape::IamRole;
        let asked = Asked {
            principal,
            action,
            tags: self.tag_profile(action, is_role, fit),
            knows_owner: account.is_some(),
            keys,
            knows_tags: self.resources[resource as usize].attached().tags.is_some() && !hides_tags,
            known_holders: self.resources[resource as usize].known_holders(),
            stated_mfa: seen.stated_mfa,
        };
        let gap = self.gap_of(request, check, &seen.environment, asked)?;
        let environment = &seen.environment;
        let has = |key| environment.get(key).is_some();
        let is_open = |folded, is_present| self.is_unknown(gap, folded, is_present);
        let gives_task = names_key(request, check, "sts:TaskPolicyArn");
        let is_vpc_open = is_open("aws:sourcevpc", has(OwnKey::SourceVpc));
        let is_mfa_open = is_open("aws:multifactorauthpresent", seen.has_mfa(self));
        let best = Parties {
            is_wrong_network: parties.is_wrong_network && !is_vpc_open,
            mfa_present: parties.mfa_present || is_mfa_open,
            names_task_policy: parties.names_task_policy
                || self.actions[action as usize].rule == ActionRule::AssumeRoot
                    && is_open("sts:taskpolicyarn", gives_task),
            ..*parties
        };
        parties.is_wrong_network |= is_vpc_open && check.part.is_for_vpcs();
        parties.mfa_present &= !is_mfa_open;
        if self.keeps_context {
            let network = request.network.as_ref();
            let states_transport = network.is_some_and(|n| n.secure_transport.is_some())
                || names_key(request, check, "aws:SecureTransport");
            check.notes.no_endpoint = is_open("aws:sourcevpce", has(OwnKey::SourceVpce));
            check.notes.secure_transport = !states_transport;
        }
        let frame = self.frame(&best, &self.resources[resource as usize]);
        let frame = self.intern_frame(frame)?;
        self.partial.gap.push(gap);
        self.partial.best_frame.push(frame);
        self.partial.made_if.push(check.made_if);
        Ok(())
    }

    /// E-122: in complete context `unknown` is an error, `absent` and `complete` change nothing.
    pub(super) fn check_lists(&self, request: &Request<'_>) -> Result<(), RequestError> {
        if !request.unknown.is_empty() && !self.is_partial {
            return Err(RequestError::new(
                RequestErrorKind::ContextMode,
                "`unknown` needs partial context (option `context`)",
            )
            .at("/unknown"));
        }
        Ok(())
    }

    /// E-6: the text that stands for the resource.
    pub(super) fn resource_text<'r>(
        &self,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) -> Cow<'r, str> {
        let action = &self.actions[check.action as usize];
        let given = check.resource.clone();
        let (Some(id), true) = (action.id, action.wildcard_only) else {
            return given.unwrap_or("*".into());
        };
        let form = self.wildcard_form(principal, id);
        match given {
            // A path prefix in the call is appended to the form.
            Some(text) if *form != *"*" && text.starts_with(&*form) => text,
            Some(text) if text != "*" => {
                check.notes.resource_ignored = true;
                form.into_owned().into()
            }
            _ => form.into_owned().into(),
        }
    }

    /// What stands for the resource of an action that takes none (E-6).
    pub(super) fn wildcard_form(&self, principal: u32, action: ActionId) -> Cow<'e, str> {
        let entry = self.principal_entries.get(principal as usize).expect(NUMBERED);
        let partition = if entry.partition.is_empty() { "aws" } else { &entry.partition };
        let account = entry.account.as_ref().map(AccountId::as_str).unwrap_or_default();
        self.engine.catalog.wildcard_form(action).render(partition, account)
    }

    /// E-32: the layer of the endpoint that the request came through.
    pub(super) fn endpoint(&self, environment: &Environment<'_>) -> EndpointLayer {
        if environment.get(OwnKey::SourceVpce).is_none() {
            return EndpointLayer::NotApplicable;
        }
        let Some(id) = environment.text(OwnKey::SourceVpce) else {
            return EndpointLayer::AllowAll;
        };
        match self.engine.sets.endpoint(id) {
            Some((set, _)) => EndpointLayer::Set(set),
            None => EndpointLayer::AllowAll,
        }
    }

    pub(super) fn intern_frame(&mut self, frame: Frame) -> Result<u32, RequestError> {
        self.frames.intern(frame).ok_or_else(|| limit("frames"))
    }
}

/// Whether an AssumeRoot call names a task policy (E-94).
fn names_task_policy(request: &Request<'_>, check: &CheckSpec<'_>) -> bool {
    check.context.iter().chain(&request.context).any(|(key, value)| {
        key.eq_ignore_ascii_case("sts:TaskPolicyArn")
            && matches!(value, ContextInput::Scalar(scalar)
                if scalar.to_text().is_some_and(|arn| frame::is_task_policy(&arn)))
    })
}

/// Whether `context` carries a key.
fn names_key(request: &Request<'_>, check: &CheckSpec<'_>, name: &str) -> bool {
    let is_named = |(key, value): &&(std::borrow::Cow<'_, str>, ContextInput<'_>)| {
        key.eq_ignore_ascii_case(name)
            && !matches!(value, ContextInput::List(items) if items.is_empty())
    };
    let own = check.context.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    match own {
        Some(own) => is_named(&own),
        None => request.context.iter().any(|entry| is_named(&entry)),
    }
}
