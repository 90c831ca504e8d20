//! The engine: a snapshot, its policies compiled, and the options.

use std::sync::{Arc, OnceLock};

use assize_catalog::{Catalog, ManagedPolicies};
use assize_compiler::{
    CompileInput, CompileOptions, CompileReport, DecisionTables, compile, recompile,
};
use assize_formats::{nearest, source_span};
use assize_model::{
    Authorizer, EffectiveDecision, EngineOptions, PolicyId, PolicyType, Request, RequestError,
    StatementRef,
};
use assize_policy::{EndpointKind, LibraryBuilder, LoadMode, LoadOptions, PolicyLibrary};
use assize_store::{Document, ManagedPolicySource, StoreSnapshot};

use crate::batch::{Decider, NamedStatement, Outcome, decide_batch};
use crate::error::{Error, ErrorKind};
use crate::explain::{Change, Explanation, explain, explain_statements, nearest_changes};
use crate::sets::{SetPlan, Sets};

/// Decides requests against one snapshot.
///
/// Immutable and cheap to clone; a change of the store makes a new engine, and whoever holds the
/// old one goes on with it.
///
/// # Examples
/// ```
/// use assize::{Engine, model::{EngineOptions, Request, Target}, store::StoreSnapshot};
///
/// let engine = Engine::new(StoreSnapshot::empty(), EngineOptions::default())?;
/// let request = Request {
///     principal: assize::model::Principal::Text("lambda.amazonaws.com".into()),
///     target: Target::Action {
///         action: "s3:GetObject".into(),
///         resource: Some("arn:aws:s3:::reports/2024.csv".into()),
///         resources: Vec::new(),
///     },
///     ..Request::default()
/// };
/// let outcome = engine.decide(&request)?;
/// assert!(!outcome.decision.is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What an engine holds.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) snapshot: StoreSnapshot,
    pub(crate) library: PolicyLibrary,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) managed: BundledPolicies,
    pub(crate) options: EngineOptions,
    pub(crate) tables: DecisionTables,
    pub(crate) sets: Sets,
    report: CompileReport,
    /// Made when it is first asked for: it reads the whole snapshot.
    digest: OnceLock<Box<str>>,
}

/// The AWS-managed policies that come with the library, as a source for importers and scenario
/// files (I-44).
#[derive(Debug, Clone, Default)]
pub struct BundledPolicies {
    policies: Option<Arc<ManagedPolicies>>,
}

impl BundledPolicies {
    /// The bundled policies.
    ///
    /// # Errors
    /// When the bundled data is damaged.
    #[cfg(feature = "bundled-catalog")]
    pub fn new() -> Result<Self, Error> {
        let policies = ManagedPolicies::bundled().map_err(|source| {
            Error::caused(ErrorKind::Catalog, "the bundled managed policies do not load", source)
        })?;
        Ok(Self { policies: Some(policies) })
    }

    /// No policies at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Others than the bundled ones.
    pub fn from_policies(policies: Arc<ManagedPolicies>) -> Self {
        Self { policies: Some(policies) }
    }
}

impl ManagedPolicySource for BundledPolicies {
    fn document(&self, arn: &str) -> Option<(Arc<str>, Box<str>)> {
        let policy = self.policies.as_ref()?.by_arn(arn)?;
        Some((policy.document().into(), format!("v{}", policy.version()).into()))
    }

    fn nearest(&self, arn: &str) -> Option<Box<str>> {
        let (_, path) = arn.split_once(":iam::aws:policy/")?;
        let policies = self.policies.as_ref()?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let near = nearest(name, policies.iter().map(|policy| policy.name()))?;
        policies.by_name(near)?.arn().map(Into::into)
    }
}

impl Engine {
    /// An engine over a snapshot, with the bundled catalog.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    #[cfg(feature = "bundled-catalog")]
    pub fn new(snapshot: StoreSnapshot, options: EngineOptions) -> Result<Self, Error> {
        let catalog = Catalog::bundled().map_err(|source| {
            Error::caused(ErrorKind::Catalog, "the bundled catalog does not load", source)
        })?;
        Self::build(snapshot, options, catalog, BundledPolicies::new()?, &CompileOptions::default())
    }

    /// An engine with a catalog, a source of AWS-managed policies and compiler passes of the
    /// caller's choice.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub fn build(
        snapshot: StoreSnapshot,
        options: EngineOptions,
        catalog: Arc<Catalog>,
        managed: BundledPolicies,
        passes: &CompileOptions,
    ) -> Result<Self, Error> {
        let library = library(&snapshot);
        let plan = SetPlan::new(&snapshot, &library, options.skip_invalid_policies);
        let input = CompileInput { catalog: &catalog, library: &library, sets: &plan.specs };
        let (tables, ids, report) = compile(input, passes).map_err(over_limit)?;
        let sets = plan.finish(&ids);
        let digest = OnceLock::new();
        let inner =
            Inner { snapshot, library, catalog, managed, options, tables, sets, report, digest };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// An engine over another snapshot, otherwise as this one: what an edit of this engine's
    /// snapshot has left as it was is not loaded or compiled again. It answers as an engine that
    /// is built from nothing, and this one goes on as before.
    ///
    /// # Errors
    /// As [`Engine::build`].
    ///
    /// # Examples
    /// ```
    /// use assize::{Engine, model::EngineOptions, store::StoreSnapshot};
    ///
    /// let before = Engine::new(StoreSnapshot::empty(), EngineOptions::default())?;
    /// let (snapshot, _) = before.snapshot().edit().commit();
    /// let after = before.with_snapshot(snapshot)?;
    /// assert_eq!(after.compile_report().n_compiled_sets, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_snapshot(&self, snapshot: StoreSnapshot) -> Result<Self, Error> {
        let before = &*self.inner;
        let (catalog, options) = (Arc::clone(&before.catalog), before.options.clone());
        let library = library_after(before, &snapshot);
        let plan = SetPlan::new(&snapshot, &library, options.skip_invalid_policies);
        let input = CompileInput { catalog: &catalog, library: &library, sets: &plan.specs };
        let (tables, ids, report) = recompile(&before.tables, input).map_err(over_limit)?;
        let sets = plan.finish(&ids);
        let (managed, digest) = (before.managed.clone(), OnceLock::new());
        let inner =
            Inner { snapshot, library, catalog, managed, options, tables, sets, report, digest };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The same world under other options.
    ///
    /// # Errors
    /// As [`Engine::build`].
    pub fn with_options(&self, options: EngineOptions) -> Result<Self, Error> {
        let Inner { snapshot, catalog, managed, tables, .. } = &*self.inner;
        let (snapshot, catalog, managed) = (snapshot.clone(), Arc::clone(catalog), managed.clone());
        Self::build(snapshot, options, catalog, managed, tables.options())
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &StoreSnapshot {
        &self.inner.snapshot
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// What the documents of the snapshot say.
    pub fn library(&self) -> &PolicyLibrary {
        &self.inner.library
    }

    /// The options.
    pub fn options(&self) -> &EngineOptions {
        &self.inner.options
    }

    /// What the compiler chose, and what it cost.
    pub fn compile_report(&self) -> &CompileReport {
        &self.inner.report
    }

    /// What the compiler made.
    pub fn tables(&self) -> &DecisionTables {
        &self.inner.tables
    }

    /// Which data an answer rests on (F-85).
    pub fn provenance(&self) -> assize_formats::Provenance {
        assize_formats::Provenance {
            engine: env!("CARGO_PKG_VERSION").into(),
            catalog: self.inner.catalog.date().into(),
            snapshot: self.inner.digest.get_or_init(|| self.snapshot().digest().into()).clone(),
            after: None,
        }
    }

    /// The context keys that policies of the snapshot ask about, in conditions or in variables, by
    /// their folded names.
    pub fn keys_asked_about(&self) -> impl Iterator<Item = &str> {
        self.inner.tables.keys().map(|(_, key, _)| key)
    }

    /// Working memory for many decisions in a row: what was resolved once is found again.
    pub fn decider(&self) -> Decider<'_> {
        Decider::new(&self.inner)
    }

    /// Decides one request.
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    pub fn decide(&self, request: &Request<'_>) -> Result<Outcome, RequestError> {
        self.decider().decide(request)
    }

    /// Decides requests on all cores. Answers stand in the order of the requests.
    pub fn decide_batch(&self, requests: &[Request<'_>]) -> Vec<Result<Outcome, RequestError>> {
        decide_batch(&self.inner, requests)
    }

    /// Everything about one request (E-100).
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    pub fn explain(&self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError> {
        explain(&self.inner, request)
    }

    /// A decision with every statement that was looked at, and why it applies or does not (C-2).
    /// Policies that come with the request are among them.
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    pub fn explain_statements(&self, request: &Request<'_>) -> Result<Explanation, RequestError> {
        explain_statements(&self.inner, request)
    }

    /// The smallest changes of policies or request that flip the answer (C-2), each proven by
    /// deciding the request with it; none if no small change does.
    ///
    /// The engine itself does not change. Costs a few decisions for each change that is tried.
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    ///
    /// # Examples
    /// ```
    /// use assize::formats::{NoFiles, ReadOptions, RequestRecord, Scenario};
    /// use assize::{BundledPolicies, Edit, Engine};
    ///
    /// let world = br#"
    /// assize: 1
    /// accounts:
    ///   "111111111111":
    ///     users:
    ///       ana: {inline: {keys: {Version: "2012-10-17", Statement: [
    ///         {Effect: Allow, Action: "kms:*", Resource: "*"},
    ///         {Sid: Office, Effect: Deny, Action: "*", Resource: "*",
    ///          Condition: {Bool: {"aws:MultiFactorAuthPresent": "false"}}}]}}}
    /// "#;
    /// let options = ReadOptions {
    ///     files: &mut NoFiles,
    ///     managed_policies: &BundledPolicies::none(),
    ///     takes_several_resources: &|_| false,
    /// };
    /// let world = Scenario::read("world.assize.yaml", world.to_vec(), options)
    ///     .map_err(|errors| errors[0].to_string())?;
    /// let engine = Engine::new(world.snapshot, world.options)?;
    /// let line = r#"{"principal":"arn:aws:iam::111111111111:user/ana","action":"kms:ListKeys",
    ///     "context":{"aws:MultiFactorAuthPresent":false}}"#;
    /// let changes = engine.nearest_changes(&RequestRecord::parse(line)?.request)?;
    /// let Edit::GiveKey { key, value } = &changes[0].edits[0] else {
    ///     return Err("a key was missing".into());
    /// };
    /// assert_eq!((&**key, &**value), ("aws:MultiFactorAuthPresent", "true"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn nearest_changes(&self, request: &Request<'_>) -> Result<Vec<Change>, RequestError> {
        nearest_changes(&self.inner, request)
    }
}

impl Authorizer for Engine {
    fn authorize(&self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError> {
        self.explain(request)
    }
}

/// Loads every document of a snapshot.
pub fn library(snapshot: &StoreSnapshot) -> PolicyLibrary {
    let mut library = LibraryBuilder::new();
    for (id, document) in snapshot.documents() {
        match &document.text {
            Some(text) => library.insert(id, text, &load_options(document)),
            None => library.insert_missing(id),
        };
    }
    library.build()
}

/// Loads the documents of a snapshot that another one does not hold under the same ids.
fn library_after(before: &Inner, snapshot: &StoreSnapshot) -> PolicyLibrary {
    let mut library = LibraryBuilder::new();
    for (id, document) in snapshot.documents() {
        let known = before.snapshot.document(id);
        let known = known.filter(|known| std::ptr::eq(*known, document) || *known == document);
        match (known.and_then(|_| before.library.get(id)), &document.text) {
            (Some(entry), _) => library.share(id, entry),
            (None, Some(text)) => {
                library.insert(id, text, &load_options(document));
            }
            (None, None) => {
                library.insert_missing(id);
            }
        }
    }
    library.build()
}

fn over_limit(source: assize_compiler::Error) -> Error {
    Error::caused(ErrorKind::Limit, source.to_string(), source)
}

/// How a document of a snapshot is read: as AWS stores it (L-004).
fn load_options(document: &Document) -> LoadOptions {
    let mut options = LoadOptions::new(document.policy_type, LoadMode::Import);
    if document.policy_type == PolicyType::ResourceBased {
        options.service.clone_from(&document.service);
    }
    if let Some(arn) = &document.api {
        options = options.with_resource(arn);
    }
    if document.gateway {
        options.endpoint = EndpointKind::Gateway;
    }
    options
}

impl Inner {
    /// The time of requests that state none (E-19). The option freezes it; else the clock is
    /// read, once for each chunk of a batch.
    pub(crate) fn now(&self) -> i64 {
        self.options.time.unwrap_or_else(clock)
    }

    pub(crate) fn is_poison(&self, policy: PolicyId) -> bool {
        self.library.get(policy).is_none_or(|entry| entry.is_poison())
    }

    /// The references of documents (E-101).
    pub(crate) fn references(&self, policies: &[PolicyId]) -> Vec<Box<str>> {
        let documents = policies.iter().filter_map(|id| self.snapshot.document(*id));
        documents.map(|document| document.reference.clone()).collect()
    }

    /// Names a statement of a stored document (E-101).
    pub(crate) fn stored_statement<'s>(
        &'s self,
        policy: PolicyId,
        statement: Option<u16>,
        prefix: &'static str,
        node: Option<&'s str>,
    ) -> NamedStatement<'s> {
        let Some(document) = self.snapshot.document(policy) else {
            return NamedStatement::default();
        };
        let entry = self.library.get(policy);
        let facts = entry.and_then(|entry| entry.policy.as_ref()).zip(statement);
        let facts = facts.and_then(|(policy, at)| policy.statements.get(usize::from(at)));
        NamedStatement {
            prefix,
            reference: &document.reference,
            statement: statement.map(u32::from),
            sid: facts.and_then(|s| s.sid.as_deref()),
            effect: facts.map(|s| s.effect),
            node,
        }
    }

    /// Adds to the name of a statement the file it came from and where in it (E-101).
    pub(crate) fn locate(
        &self,
        policy: PolicyId,
        statement: Option<u16>,
        reference: &mut StatementRef,
    ) {
        let Some(document) = self.snapshot.document(policy) else { return };
        reference.source = document.origin.as_ref().map(|origin| origin.file.as_ref().into());
        reference.span = self.library.get(policy).zip(statement).and_then(|(entry, at)| {
            let span = entry.statement_spans.get(usize::from(at))?;
            Some(source_span(entry.text.as_deref()?, *span, document.origin.as_deref()))
        });
    }
}

/// Seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "the facade may read the clock (E-19)")]
fn clock() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
