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
mod elsewhere;
mod environment;
mod frame;
pub(crate) mod gaps;
mod key;
mod note;
mod organizations;
mod plain;
mod policies;
mod principal;
mod public;
mod recent;
mod resource;
mod rows;
mod said;
mod target;
mod time;
mod told;

use assize_catalog::ResourceTypeId;
use assize_compiler::{
    BoundRows, DecisionRow, Frame, Frames, KeyId, Overlay, PartialColumns, PrincipalEntry,
    Principals, Relevant, RequestColumns, Resources, Scratch, ValueId, Values,
};
use assize_model::{
    AccountId, ConditionKey, ContextMode, ContextValue, Request, RequestError, RequestErrorKind,
    SharedText,
};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::engine::Inner;
use action::{ActionRule, ResolvedAction};
pub(crate) use edit::{AddedPolicy, ChangedWorld, DocumentKey, PRINCIPAL_TAG};
use gaps::PartialRows;
use key::{KeyFacts, N_OWN_KEYS, OwnKey};
pub(crate) use note::{FLAG_NAMES, Notes};
pub(crate) use policies::DocumentHandle;
pub(crate) use principal::ResolvedPrincipal;
use resource::ResolvedResource;
pub(crate) use resource::Shape;
use rows::Rows;
pub(crate) use rows::Run;
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

fn limit(what: &str) -> RequestError {
    RequestError::new(RequestErrorKind::Limit, format!("too many {what} in one batch"))
}

/// The position behind the last item.
fn next_index(len: usize, what: &str) -> Result<u32, RequestError> {
    u32::try_from(len).map_err(|_| limit(what))
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
            partial: PartialRows::new(&engine.snapshot),
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

    /// Says that one request is to come: its values are not looked for among those that came with
    /// others. Until [`Resolver::begin`].
    pub(crate) fn expect_one(&mut self) {
        self.values.keep_apart();
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

    /// The documents of the set of the resource layer, for an action.
    pub(crate) fn resource_documents<'s>(
        &'s self,
        action: &ResolvedAction,
        resource: &'s ResolvedResource,
    ) -> &'s [DocumentHandle] {
        if resource.is_assumed_by(action.rule) {
            &resource.attached().trust_documents
        } else if action.rule == ActionRule::ReplacesPolicy {
            self.policies_above(resource).map(|sets| &sets.documents[..]).unwrap_or_default()
        } else {
            &resource.attached().documents
        }
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
                if action.rule == ActionRule::ReplacesPolicy {
                    let above = self.policies_above(resource);
                    names.extend(above.iter().flat_map(|sets| engine.references(&sets.skipped)));
                } else {
                    let of = if trusts { &attached.trust_skipped } else { &attached.skipped };
                    names.extend(of.iter().cloned());
                }
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
                organizations: &self.partial.organizations,
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
