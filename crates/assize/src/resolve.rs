//! Joining requests to a snapshot and a catalog: text becomes ids.
//!
//! Whatever can be wrong with a request is found here and makes its row an error (E-3); from
//! here on there are only decisions. What was resolved once is found again in dictionaries, so
//! the cost of a batch follows its distinct principals, resources and actions.

pub(crate) mod action;
mod check;
mod columns;
mod context;
mod derive;
mod edit;
mod environment;
mod frame;
pub(crate) mod gaps;
mod key;
mod note;
mod plain;
mod policies;
mod principal;
mod public;
mod resource;
mod said;
mod target;
mod time;
mod told;

use std::borrow::Cow;
use std::ops::Range;

use assize_catalog::ResourceTypeId;
use assize_compiler::{
    ActionRef, BoundRows, DecisionRow, EndpointLayer, Frame, Frames, KeyId, Overlay,
    PartialColumns, PrincipalEntry, Principals, Relevant, RequestColumns, ResourcePlace, Resources,
    Scratch, ValueId, Values, position_in,
};
use assize_model::{
    AccountId, ActionId, ConditionKey, ContextInput, ContextMode, ContextValue, Principal, Request,
    RequestError, RequestErrorKind, SharedText, split_action,
};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::engine::Inner;
use action::{ActionRule, ResolvedAction};
use check::{Admission, CheckSpec, Part, Trusted};
use columns::KeyColumns;
use context::RowContext;
pub(crate) use edit::{AddedPolicy, ChangedWorld, DocumentKey, PRINCIPAL_TAG};
use environment::Environment;
use frame::Parties;
use gaps::{Asked, PartialRows};
use key::{KeyFacts, N_OWN_KEYS, OwnKey};
pub(crate) use note::{FLAG_NAMES, Notes};
pub(crate) use policies::DocumentHandle;
pub(crate) use principal::ResolvedPrincipal;
use resource::ResolvedResource;
pub(crate) use resource::Shape;
pub(crate) use time::iso8601;

/// INVARIANT: rows name frames by the numbers they were given.
const NUMBERED: &str = "the principals and frames of rows are kept";
/// Distinct values of principals and resources that a resolver keeps before it starts over: what
/// bounds its memory (F-34).
const MAX_VALUES: usize = 1 << 20;
/// Distinct resources a resolver keeps before it starts over.
const MAX_RESOURCES: usize = 1 << 19;
/// Distinct principals a resolver keeps before it starts over.
const MAX_PRINCIPALS: usize = 1 << 18;
/// Spellings of actions a resolver keeps before it starts over: far fewer than an overlay takes of
/// actions that the catalog lacks.
const MAX_ACTIONS: usize = 1 << 18;
/// Distinct frames a resolver keeps before it starts over.
const MAX_FRAMES: usize = 1 << 18;
/// Spellings of condition keys, and tags under a profile, that a resolver keeps before it starts
/// over.
const MAX_KEYS: usize = 1 << 17;
/// Bytes of context values after which a part of a batch is decided.
const N_PART_BYTES: usize = 1 << 26;
/// Bytes of the context values that one batch can hold; ids of values number no more.
const MAX_BATCH_BYTES: usize = 1 << 30;
/// Distinct policies of requests a resolver keeps before it starts over.
const MAX_GIVEN_DOCUMENTS: usize = 1 << 16;

/// Requests on their way into columns, and everything that was resolved for them.
///
/// One thread's working memory. [`Resolver::begin`] starts a new chunk of rows and keeps the
/// dictionaries until they are full.
#[derive(Debug)]
pub(crate) struct Resolver<'e> {
    pub(crate) engine: &'e Inner,
    overlay: Overlay,
    pub(crate) values: Values<'e>,
    /// Lent to whoever decides; boxed, since it is large and one request is decided fast.
    scratch: Option<Box<Scratch>>,

    /// Principals that requests name by a text.
    principal_index: HashMap<Box<str>, u32>,
    /// Those they state, by everything they say.
    stated_index: HashMap<Box<[u8]>, u32>,
    pub(crate) principals: Vec<ResolvedPrincipal>,
    principal_entries: Principals,
    action_index: HashMap<Box<str>, u32>,
    pub(crate) actions: Vec<ResolvedAction>,
    action_classes: Vec<action::ActionClass>,
    /// Resources of which requests say more than the text, by everything they say.
    resource_index: HashMap<Box<[u8]>, u32>,
    /// The others, by their texts.
    plain_resources: HashTable<u32>,
    text_hasher: DefaultHashBuilder,
    pub(crate) resources: Vec<ResolvedResource>,
    /// Keys that hang on resources, and their values in columns.
    key_lists: Vec<Vec<(ConditionKey, ContextValue)>>,
    key_constants: Vec<Vec<(KeyId, ValueId)>>,
    /// The lists of resources without tags, by owner.
    owner_keys: HashMap<Option<AccountId>, u32>,
    profile_index: HashMap<(u32, Option<ResourceTypeId>, bool), u32>,
    tag_profiles: Vec<Vec<Box<str>>>,
    /// Positions in `tag_columns` of a tag under a profile.
    tag_index: HashMap<(u32, Box<str>), usize>,
    tag_columns: Vec<Vec<KeyId>>,
    frames: Frames,
    key_index: HashMap<Box<str>, u32>,
    keys: Vec<KeyFacts>,
    fold_index: HashMap<Box<str>, u32>,
    folds: Vec<Box<str>>,
    given: policies::GivenPolicies,
    own_columns: [Option<KeyId>; N_OWN_KEYS],
    /// Those of them that some policy asks about.
    asked_own: Vec<(OwnKey, KeyId)>,
    mfa_columns: [Option<KeyId>; 2],
    encryption_column: Option<KeyId>,
    /// The key that was looked up last.
    last_key: u32,
    n_known_keys: usize,
    plain: plain::PlainPaths,

    pub(crate) rows: Rows<'e>,
    pub(crate) decided: Vec<DecisionRow>,
    key_buffer: Vec<u8>,
    /// Stamps of folded keys: the row in which each was seen last (L-606).
    seen: Vec<u32>,
    stamp: u32,
    /// The time of requests that state none, read once a chunk (E-19).
    now: i64,
    /// Rows keep their whole context, for explanations.
    pub(crate) keeps_context: bool,
    /// Option `context` is `partial` (E-120).
    pub(crate) is_partial: bool,
    pub(crate) partial: PartialRows,
    /// Both bounds of the rows, in partial context.
    pub(crate) bounds: Vec<BoundRows>,
    /// What can turn the rows whose bounds differ, by row.
    relevant: Vec<(usize, Relevant)>,
}

/// The columns of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Rows<'t> {
    pub(crate) principal: Vec<u32>,
    action: Vec<ActionRef>,
    resource: Vec<ResourcePlace>,
    /// The column of resources: each row has its own, so that this counts the rows.
    numbers: Vec<u32>,
    /// Texts of resources: those that stand in what was lent are not copied.
    lent: Option<SharedText<'t>>,
    texts: String,
    pub(crate) frame: Vec<u32>,
    keys: KeyColumns,
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

fn limit(what: &str) -> RequestError {
    RequestError::new(RequestErrorKind::Limit, format!("too many {what} in one batch"))
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

/// The position behind the last item.
fn next_index(len: usize, what: &str) -> Result<u32, RequestError> {
    u32::try_from(len).map_err(|_| limit(what))
}

impl Rows<'_> {
    fn len(&self) -> usize {
        self.frame.len()
    }

    fn truncate(&mut self, len: usize) {
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

    fn lent(&self) -> &str {
        self.lent.as_deref().unwrap_or_default()
    }

    /// Where the texts of resources stand.
    fn texts(&self) -> [&str; 2] {
        [self.lent(), &self.texts]
    }

    /// Takes in the text of a resource whose keys are in a list; none past 2³² bytes.
    fn place(&mut self, text: &str, keys: u32) -> Option<ResourcePlace> {
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

    /// Sets a key of the row that is being made, which is the last one.
    fn set(&mut self, key: KeyId, row: usize, value: ValueId) {
        self.keys.set(key, row, value);
    }

    /// The value of a key in the row that is being made.
    fn get(&self, key: KeyId, row: usize) -> ValueId {
        self.keys.get(key, row)
    }

    /// Fills every column up to the number of rows.
    fn complete(&mut self) {
        let len = self.len();
        let known = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.extend(known..u32::try_from(len).unwrap_or(u32::MAX));
        self.numbers.truncate(len);
        self.keys.complete(len);
    }
}

impl<'e> Resolver<'e> {
    /// Empty dictionaries over an engine.
    pub(crate) fn new(engine: &'e Inner) -> Self {
        let overlay = Overlay::new();
        let mut resolver = Self {
            engine,
            overlay,
            values: Values::new(),
            scratch: None,
            principal_index: HashMap::new(),
            stated_index: HashMap::new(),
            principals: Vec::new(),
            principal_entries: Principals::new(),
            action_index: HashMap::new(),
            actions: Vec::new(),
            action_classes: Vec::new(),
            resource_index: HashMap::new(),
            plain_resources: HashTable::new(),
            text_hasher: DefaultHashBuilder::default(),
            resources: Vec::new(),
            key_lists: Vec::new(),
            key_constants: Vec::new(),
            owner_keys: HashMap::new(),
            profile_index: HashMap::new(),
            // Profile 0: no tags.
            tag_profiles: vec![Vec::new()],
            tag_index: HashMap::new(),
            tag_columns: Vec::new(),
            frames: Frames::new(),
            key_index: HashMap::new(),
            keys: Vec::new(),
            fold_index: HashMap::new(),
            folds: Vec::new(),
            given: policies::GivenPolicies::default(),
            own_columns: [None; N_OWN_KEYS],
            asked_own: Vec::new(),
            mfa_columns: [None; 2],
            encryption_column: None,
            last_key: 0,
            n_known_keys: usize::MAX,
            plain: plain::PlainPaths::default(),
            rows: Rows::default(),
            decided: Vec::new(),
            key_buffer: Vec::new(),
            seen: Vec::new(),
            stamp: 0,
            now: engine.now(),
            keeps_context: false,
            is_partial: engine.options.context == ContextMode::Partial,
            partial: PartialRows::default(),
            bounds: Vec::new(),
            relevant: Vec::new(),
        };
        resolver.refresh_keys();
        resolver
    }

    /// Starts a new chunk; forgets the dictionaries when they are full.
    pub(crate) fn begin(&mut self) {
        self.rows.truncate(0);
        self.values.forget_passing();
        self.plain.begin();
        self.partial.truncate(0);
        self.now = self.engine.now();
        let full = self.values.len() > MAX_VALUES
            || self.resources.len() > MAX_RESOURCES
            || self.key_lists.len() > MAX_RESOURCES
            || self.principals.len() > MAX_PRINCIPALS
            || self.actions.len() > MAX_ACTIONS
            || self.frames.len() > MAX_FRAMES
            || self.keys.len() + self.tag_columns.len() > MAX_KEYS
            || self.given.len() > MAX_GIVEN_DOCUMENTS;
        if full {
            let keeps_context = self.keeps_context;
            *self = Self::new(self.engine);
            self.keeps_context = keeps_context;
        }
    }

    /// Lends the text that the requests of the chunk to come are parts of: what they say need not
    /// be copied then. Until [`Resolver::begin`].
    pub(crate) fn lend(&mut self, text: SharedText<'e>) {
        self.values.lend(text.clone());
        self.rows.lent = Some(text);
    }

    /// Whether the chunk has enough for a part of a batch.
    pub(crate) fn is_full(&self) -> bool {
        self.values.n_passing_bytes() > N_PART_BYTES
    }

    /// How many rows the chunk has.
    pub(crate) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Adds the rows of a request.
    ///
    /// # Errors
    /// Why the request is malformed (E-3); then it has no rows.
    pub(crate) fn push<'r>(&mut self, request: &'r Request<'r>) -> Result<Run, RequestError> {
        let start = self.rows.len();
        if self.values.n_passing_bytes() > MAX_BATCH_BYTES {
            return Err(limit("bytes of context values"));
        }
        if let Some(run) = self.push_plain(request) {
            return Ok(run);
        }
        match self.push_rows(request) {
            Ok(()) => Ok(Run {
                start: next_index(start, "rows")?,
                len: next_index(self.rows.len() - start, "rows")?,
            }),
            Err(error) => {
                self.rows.truncate(start);
                self.partial.truncate(start);
                Err(error)
            }
        }
    }

    fn push_rows<'r>(&mut self, request: &'r Request<'r>) -> Result<(), RequestError> {
        self.check_lists(request)?;
        let principal = self.principal(request)?;
        // Most requests are one check.
        let mut checks = Vec::with_capacity(1);
        self.checks(request, principal, &mut checks)?;
        if checks.is_empty() {
            return Err(RequestError::new(
                RequestErrorKind::InvalidField,
                "a request needs `action` or at least one of `checks`",
            ));
        }
        for check in &mut checks {
            match check.trusted.take() {
                None => self.push_row(request, principal, check)?,
                Some(trusted) => self.push_trust_row(request, &trusted, check)?,
            }
        }
        Ok(())
    }

    /// E-96: the row of a service that asks for a role instead of the request's principal, with a
    /// context of its own.
    fn push_trust_row(
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

    fn push_row_as_given<'r>(
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

    fn push_row_as_told<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) -> Result<(), RequestError> {
        let row = self.rows.len();
        let text = self.resource_text(principal, check);
        let resource = self.resource(&text, check.data.as_deref(), check.action)?;
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
            self.push_gaps(request, check, &seen, (resource, &mut parties))?;
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
    fn push_gaps(
        &mut self,
        request: &Request<'_>,
        check: &mut CheckSpec<'_>,
        seen: &RowContext<'_>,
        (resource, parties): (u32, &mut Parties),
    ) -> Result<(), RequestError> {
        let Parties { principal, action, fit, account, .. } = *parties;
        let hides_tags = self.replaces_unknown_tags(principal, action, resource);
        let is_role = self.resources[resource as usize].shape == Shape::IamRole;
        let has_tags = self.resources[resource as usize].attached().tags.is_some();
        let asked = Asked {
            principal,
            action,
            tags: self.tag_profile(action, is_role, fit),
            knows_owner: account.is_some(),
            knows_tags: has_tags && !hides_tags,
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
    fn check_lists(&self, request: &Request<'_>) -> Result<(), RequestError> {
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
    fn resource_text<'r>(&self, principal: u32, check: &mut CheckSpec<'r>) -> Cow<'r, str> {
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
    fn wildcard_form(&self, principal: u32, action: ActionId) -> Cow<'e, str> {
        let entry = self.principal_entries.get(principal as usize).expect(NUMBERED);
        let partition = if entry.partition.is_empty() { "aws" } else { &entry.partition };
        let account = entry.account.as_ref().map(AccountId::as_str).unwrap_or_default();
        self.engine.catalog.wildcard_form(action).render(partition, account)
    }

    /// E-32: the layer of the endpoint that the request came through.
    fn endpoint(&self, environment: &Environment<'_>) -> EndpointLayer {
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

    fn intern_frame(&mut self, frame: Frame) -> Result<u32, RequestError> {
        self.frames.intern(frame).ok_or_else(|| limit("frames"))
    }

    /// The position of an action in the dictionary.
    pub(super) fn action(&mut self, text: &str) -> Result<u32, RequestError> {
        if let Some(index) = self.action_index.get(text) {
            return Ok(*index);
        }
        let engine = self.engine;
        let halves = split_action(text).ok_or_else(|| {
            RequestError::new(
                RequestErrorKind::InvalidAction,
                format!("`{text}` is not an action: expected `service:Name`"),
            )
            .at("/action")
        })?;
        let id = engine.catalog.action(halves.0, halves.1);
        if id.is_none() && engine.options.strict_actions {
            return Err(self.unknown_action(text, halves));
        }
        let column = match id {
            Some(id) => ActionRef::from(id),
            None => self.unknown_column(text, halves)?,
        };
        let mut resolved =
            ResolvedAction::new(&engine.catalog, &engine.options, halves, column, id);
        let class = resolved.class_facts(&engine.catalog);
        let known = self.action_classes.iter().position(|known| *known == class);
        resolved.class = next_index(known.unwrap_or(self.action_classes.len()), "actions")?;
        if known.is_none() {
            self.action_classes.push(class);
        }
        let index = next_index(self.actions.len(), "actions")?;
        self.actions.push(resolved);
        self.action_index.insert(text.into(), index);
        Ok(index)
    }

    /// An action that the catalog lacks is decided from its text (E-5).
    fn unknown_column(
        &mut self,
        text: &str,
        (service, name): (&str, &str),
    ) -> Result<ActionRef, RequestError> {
        let invalid = |error: assize_model::Error| {
            RequestError::new(RequestErrorKind::InvalidAction, error.to_string()).at("/action")
        };
        let service = service.parse().map_err(invalid)?;
        let name = name.parse().map_err(invalid)?;
        self.overlay.add_action(&service, &name).map_err(|error| {
            RequestError::new(RequestErrorKind::Limit, format!("{error}: `{text}`"))
        })
    }

    fn unknown_action(&self, text: &str, (service, name): (&str, &str)) -> RequestError {
        let catalog = &self.engine.catalog;
        let nearest = catalog.nearest_action(service, name);
        let hint = nearest.map(|id| catalog.action_ref(id).full_name());
        let hint = hint.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
        RequestError::new(
            RequestErrorKind::UnknownAction,
            format!("the catalog has no action `{text}`{hint}"),
        )
        .at("/action")
    }

    fn add_principal(
        &mut self,
        mut entry: PrincipalEntry,
        resolved: ResolvedPrincipal,
    ) -> Result<u32, RequestError> {
        let index = next_index(self.principals.len(), "principals")?;
        let keys: Vec<_> = resolved.derived.iter().cloned().collect();
        entry.constants = self.constants(&keys);
        self.principals.push(resolved);
        self.principal_entries.push(entry);
        Ok(index)
    }

    fn add_resource(&mut self, resolved: ResolvedResource) -> Result<u32, RequestError> {
        let index = next_index(self.resources.len(), "resources")?;
        self.resources.push(resolved);
        Ok(index)
    }

    /// The keys that hang on the resource of a row, for explanations.
    pub(crate) fn resource_keys_of(&self, row: usize) -> &[(ConditionKey, ContextValue)] {
        &self.key_lists[self.rows.resource[row].constants as usize]
    }

    /// The references of the documents that option `skipInvalidPolicies` dropped from the layers
    /// of a request (E-112).
    pub(crate) fn skipped_documents(&self, run: Run) -> Vec<Box<str>> {
        let engine = self.engine;
        let mut names = Vec::new();
        for row in run.range() {
            let principal = &self.principals[self.rows.principal[row] as usize];
            let resource = &self.resources[self.rows.resolved_resource[row] as usize];
            let action = &self.actions[self.rows.resolved_action[row] as usize];
            let frame = self.frame_of(row);
            names.extend(principal.skipped.iter().cloned());
            let attached = resource.attached();
            if !action.rule.takes_no_policy() {
                let trusts = resource.is_assumed_by(action.rule);
                let of = if trusts { &attached.trust_skipped } else { &attached.skipped };
                names.extend(of.iter().cloned());
            }
            if let (Some(_), Some(account)) = (frame.scp, principal.account) {
                names.extend(engine.references(engine.sets.scp_skipped(account)));
            }
            if let (Some(_), Some(account)) = (frame.rcp, self.rows.account[row]) {
                names.extend(engine.references(engine.sets.rcp_skipped(account)));
            }
        }
        names.into_iter().map(|name| format!("skipped_invalid_policy:{name}").into()).collect()
    }

    /// The frame of a row.
    pub(crate) fn frame_of(&self, row: usize) -> &Frame {
        self.frames.get(self.rows.frame[row]).expect(NUMBERED)
    }

    /// The frame of a row on the best side (E-127).
    pub(crate) fn best_frame_of(&self, row: usize) -> &Frame {
        let best = self.partial.best_frame.get(row).copied().unwrap_or(self.rows.frame[row]);
        self.frames.get(best).expect(NUMBERED)
    }

    /// The text of the resource of a row, as evaluated.
    pub(crate) fn resource_text_of(&self, row: usize) -> &str {
        self.rows.resource[row].text(self.rows.texts())
    }

    /// The principal entry of a row.
    pub(crate) fn principal_entry_of(&self, row: usize) -> &PrincipalEntry {
        self.principal_entries.get(self.rows.principal[row] as usize).expect(NUMBERED)
    }

    /// The column of a key, if some policy asks about it.
    fn key_column(&self, folded: &str) -> Option<KeyId> {
        self.overlay.key(&self.engine.tables, folded)
    }

    /// The facts of a key of `context`, by its spelling.
    fn key(&mut self, spelling: &str) -> u32 {
        let guess = self.keys.get(self.last_key as usize).map_or(0, |last| last.follower);
        if self.keys.get(guess as usize).is_some_and(|facts| facts.key.spelling() == spelling) {
            self.last_key = guess;
            return guess;
        }
        let index = match self.key_index.get(spelling) {
            Some(index) => *index,
            None => self.new_key(spelling),
        };
        if let Some(last) = self.keys.get_mut(self.last_key as usize) {
            last.follower = index;
        }
        self.last_key = index;
        index
    }

    fn new_key(&mut self, spelling: &str) -> u32 {
        let folded = assize_model::fold_key(spelling);
        let next = u32::try_from(self.folds.len()).unwrap_or(u32::MAX);
        let fold = *self.fold_index.entry(folded.as_ref().into()).or_insert(next);
        if fold == next {
            self.folds.push(folded.as_ref().into());
        }
        // Keys of our own begin so, and no request may set them.
        let column = if folded.starts_with('\0') { None } else { self.key_column(&folded) };
        let columns = (column, self.asks(OwnKey::TagKeys));
        let facts = KeyFacts::new(&self.engine.catalog, spelling, fold, columns);
        let index = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(facts);
        self.key_index.insert(spelling.into(), index);
        self.seen.resize(self.folds.len(), 0);
        index
    }

    /// Whether some policy asks about a key.
    fn asks(&self, key: OwnKey) -> bool {
        self.own_columns[key as usize].is_some()
    }

    /// A stamp that no key has yet.
    fn next_stamp(&mut self) {
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.seen.fill(0);
            self.stamp = 1;
        }
    }

    /// The folded names of the keys that the context of the row at hand gives.
    fn seen_keys(&self) -> impl Iterator<Item = &str> {
        let stamped = self.seen.iter().zip(&self.folds).filter(|(seen, _)| **seen == self.stamp);
        stamped.map(|(_, folded)| folded.as_ref())
    }

    /// Looks the columns of all keys up again after the overlay has learned new ones.
    fn refresh_keys(&mut self) {
        let n_keys = self.overlay.keys().len();
        if n_keys == self.n_known_keys {
            return;
        }
        self.n_known_keys = n_keys;
        self.plain.forget_keys();
        for own in OwnKey::ALL {
            let folded = own.name().to_ascii_lowercase();
            self.own_columns[*own as usize] = self.key_column(&folded);
        }
        let asked = OwnKey::ALL.iter().zip(&self.own_columns);
        self.asked_own = asked.filter_map(|(own, column)| Some((*own, (*column)?))).collect();
        self.mfa_columns = [
            self.key_column("aws:multifactorauthpresent"),
            self.key_column("aws:multifactorauthage"),
        ];
        self.encryption_column = self.key_column(policies::N_ENCRYPTION_CONTEXT_KEYS);
        self.tag_index.clear();
        self.tag_columns.clear();
        for at in 0..self.keys.len() {
            let folded = self.keys[at].key.folded();
            let column = if folded.starts_with('\0') { None } else { self.key_column(folded) };
            let asks_tag_keys = self.asks(OwnKey::TagKeys);
            self.keys[at].set_column(column, asks_tag_keys);
        }
        for at in 0..self.principals.len() {
            let keys: Vec<_> = self.principals[at].derived.iter().cloned().collect();
            let constants = self.constants(&keys);
            self.principal_entries.set_constants(at, constants);
        }
        for at in 0..self.key_lists.len() {
            let keys = std::mem::take(&mut self.key_lists[at]);
            self.key_constants[at] = self.constants(&keys);
            self.key_lists[at] = keys;
        }
        if self.is_partial {
            self.refresh_gaps();
        }
    }

    /// Decides all rows of the chunk into [`Resolver::decided`].
    pub(crate) fn decide(&mut self) {
        self.rows.complete();
        if self.is_partial {
            self.decide_partial();
            return;
        }
        // All of it is overwritten.
        self.decided.resize(self.rows.len(), DecisionRow::default());
        let mut decided = std::mem::take(&mut self.decided);
        let mut scratch = self.scratch.take().unwrap_or_default();
        self.with_columns(|engine, overlay, columns| {
            let rows = 0..columns.len();
            engine.tables.decide(Some(overlay), columns, rows, &mut scratch, &mut decided);
        });
        self.scratch = Some(scratch);
        self.decided = decided;
    }

    /// Decides both bounds of all rows of the chunk into [`Resolver::bounds`].
    fn decide_partial(&mut self) {
        let mut bounds = std::mem::take(&mut self.bounds);
        bounds.clear();
        bounds.resize(self.rows.len(), BoundRows::default());
        let mut scratch = self.scratch.take().unwrap_or_default();
        let mut relevant = std::mem::take(&mut self.relevant);
        relevant.clear();
        self.with_partial_columns(|engine, overlay, partial| {
            let (tables, catalog) = (&engine.tables, &engine.catalog);
            tables.decide_partial(Some(overlay), partial, &mut scratch, &mut bounds);
            for (row, bounds) in bounds.iter().enumerate() {
                let BoundRows { worst, best } = bounds;
                if worst.decision != best.decision || self.partial.made_if[row].is_some() {
                    let found = tables.relevant(catalog, Some(overlay), partial, row, &mut scratch);
                    relevant.push((row, found));
                }
            }
        });
        self.scratch = Some(scratch);
        self.bounds = bounds;
        self.relevant = relevant;
    }

    /// The statements that can turn a row of the chunk that was decided (E-129).
    pub(crate) fn relevant(&self, row: usize) -> Option<&Relevant> {
        let at = self.relevant.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        Some(&self.relevant[at].1)
    }

    /// Calls with the columns of the chunk and what is not known of them.
    pub(crate) fn with_partial_columns<R>(
        &self,
        call: impl FnOnce(&Inner, &Overlay, &PartialColumns<'_>) -> R,
    ) -> R {
        self.with_columns(|engine, overlay, columns| {
            let partial = PartialColumns {
                columns,
                best_frame: &self.partial.best_frame,
                gap: &self.partial.gap,
                gaps: &self.partial.gaps,
                single: &self.partial.single,
            };
            call(engine, overlay, &partial)
        })
    }

    /// Calls with the columns of the chunk.
    pub(crate) fn with_columns<R>(
        &self,
        call: impl FnOnce(&Inner, &Overlay, &RequestColumns<'_>) -> R,
    ) -> R {
        let resources = Resources {
            texts: self.rows.texts(),
            places: &self.rows.resource,
            constants: &self.key_constants,
        };
        let columns = RequestColumns {
            principal: &self.rows.principal,
            action: &self.rows.action,
            resource: &self.rows.numbers,
            frame: &self.rows.frame,
            keys: self.rows.keys.of_rows(),
            values: &self.values,
            principals: &self.principal_entries,
            resources,
            frames: &self.frames,
        };
        call(self.engine, &self.overlay, &columns)
    }

    /// The document behind a handle, when it loads.
    pub(crate) fn policy_of(&self, handle: DocumentHandle) -> Option<&assize_policy::ir::Policy> {
        match handle {
            DocumentHandle::Stored { policy, .. } => {
                self.engine.library.get(policy)?.policy.as_ref()
            }
            DocumentHandle::Given(index) => self.given_policy(index),
        }
    }
}
