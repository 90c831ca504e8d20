//! Why a statement does not apply: found by asking the reference interpreter about the same
//! statement without its conditions, then for every resource, then for every principal.

use assize::Engine;
use assize_model::{
    CheckDecision, ContextValue, Layer, LayerResult, PolicyId, Request, SourceSpan, StatementRef,
    Verdict,
};
use assize_policy::LibraryBuilder;
use assize_reference::{World, evaluate};
use assize_store::{Entity, parent_arns};
use serde_json::{Value, json};

use crate::render::source::place_in_file;

/// Most statements of a layer that are looked at: each is a few evaluations.
const MAX_PROBED: usize = 300;

/// The statements of a layer that do not apply to a check.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Those that are about the action.
    pub(super) statements: Vec<IdleStatement>,
    /// How many are about other actions.
    pub(super) n_other_actions: usize,
    /// How many were not looked at.
    pub(super) n_unseen: usize,
}

/// A statement that is about the action and does not apply.
#[derive(Debug)]
pub(super) struct IdleStatement {
    pub(super) named: StatementRef,
    pub(super) missed: Missed,
}

/// The part that keeps a statement from applying.
#[derive(Debug)]
pub(super) enum Missed {
    /// It names other principals.
    Principal,
    /// It names other resources: these.
    Resource(Vec<String>),
    /// These tests of its conditions do not hold: operator and key of each.
    Conditions(Vec<(String, String)>),
}

/// Asks about variants of statements.
#[derive(Debug)]
pub(super) struct Probe<'e> {
    engine: &'e Engine,
    request: &'e Request<'e>,
    library: LibraryBuilder,
}

impl<'e> Probe<'e> {
    pub(super) fn new(engine: &'e Engine, request: &'e Request<'e>) -> Self {
        Self { engine, request, library: LibraryBuilder::from_library(engine.library()) }
    }

    /// The statements of a layer that do not apply to a check.
    pub(super) fn idle_statements(
        &self,
        at: usize,
        check: &CheckDecision,
        result: &LayerResult,
    ) -> Idle {
        let mut idle = Idle::default();
        if result.verdict == Verdict::NotApplicable {
            return idle;
        }
        let mut n_probed = 0;
        for id in self.documents(check, result.layer) {
            let Some(entry) = self.engine.library().get(id) else { continue };
            let n_statements = entry.policy.as_ref().map_or(0, |policy| policy.statements.len());
            for index in 0..n_statements {
                let Some(named) = self.name(id, index) else { continue };
                let applied = result.allows.iter().chain(&result.denies);
                if applied.into_iter().any(|found| is_same(found, &named)) {
                    continue;
                }
                n_probed += 1;
                if n_probed > MAX_PROBED {
                    idle.n_unseen += 1;
                    continue;
                }
                match self.missed(id, index, at, result.layer) {
                    Some(missed) => idle.statements.push(IdleStatement { named, missed }),
                    None => idle.n_other_actions += 1,
                }
            }
        }
        idle
    }

    /// The stored documents of a layer of a check, each once.
    fn documents(&self, check: &CheckDecision, layer: Layer) -> Vec<PolicyId> {
        let snapshot = self.engine.snapshot();
        let policies = |found: Option<&assize_model::ApplicablePolicies>| {
            found.map(|found| found.policies.iter().map(|applied| applied.policy).collect())
        };
        let entity = || {
            let arn = single(check, "aws:principalarn")?;
            let account = check.principal_account?;
            let user = snapshot.user_by_arn(arn).map(|user| Entity::User(account, user));
            let role = || snapshot.role_by_arn(arn).map(|role| Entity::Role(account, role));
            snapshot.entity_policies(account, user.or_else(role)?)
        };
        let found: Option<Vec<PolicyId>> = match layer {
            Layer::Identity => entity().and_then(|found| policies(Some(&found.identity))),
            Layer::Boundary => entity().map(|found| found.boundary.into_iter().collect()),
            Layer::ServiceControl => {
                policies(check.principal_account.and_then(|account| snapshot.scp(account)))
            }
            Layer::ResourceControl => {
                policies(check.resource_account.and_then(|account| snapshot.rcp(account)))
            }
            Layer::VpcEndpoint => single(check, "aws:sourcevpce")
                .and_then(|id| snapshot.endpoint(id))
                .map(|endpoint| endpoint.policy.into_iter().collect()),
            Layer::Resource => {
                if let Some(role) = snapshot.role_by_arn(&check.resource) {
                    Some(role.trust.into_iter().collect())
                } else {
                    let arns =
                        std::iter::once(&*check.resource).chain(parent_arns(&check.resource));
                    policies(arns.into_iter().find_map(|arn| snapshot.resource_policies(arn)))
                }
            }
            _ => None,
        };
        let mut found = found.unwrap_or_default();
        // One SCP may be attached to several nodes.
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|id| seen.insert(*id));
        found
    }

    fn name(&self, id: PolicyId, index: usize) -> Option<StatementRef> {
        let document = self.engine.snapshot().document(id)?;
        let entry = self.engine.library().get(id)?;
        let statement = entry.policy.as_ref()?.statements.get(index)?;
        let mut named = StatementRef {
            policy: document.reference.clone(),
            statement: u32::try_from(index).ok(),
            sid: statement.sid.clone(),
            effect: Some(statement.effect),
            source: document.origin.as_ref().map(|origin| (&*origin.file).into()),
            ..StatementRef::default()
        };
        if let (Some(origin), Some(span), Some(text)) =
            (&document.origin, entry.statement_spans.get(index), &document.text)
        {
            let (line, column) = place_in_file(text, span.start, origin);
            named.span = Some(SourceSpan { line, column, ..SourceSpan::default() });
        }
        Some(named)
    }

    /// The part that keeps a statement from applying; none when it is the action.
    fn missed(&self, id: PolicyId, index: usize, at: usize, layer: Layer) -> Option<Missed> {
        let document = self.engine.snapshot().document(id)?;
        let mut whole: Value = serde_json::from_str(document.text.as_deref()?).ok()?;
        let statement = match whole.get_mut("Statement")? {
            Value::Array(statements) => statements.get_mut(index)?.take(),
            single => single.take(),
        };
        let applies = |statement: &Value| {
            let mut whole = whole.clone();
            whole["Statement"] = Value::Array(vec![statement.clone()]);
            self.applies(id, &whole, at, layer)
        };
        let mut open = statement.clone();
        let members = open.as_object_mut()?;
        let conditions = members.remove("Condition");
        if let Some(conditions) = conditions.filter(|_| applies(&Value::Object(members.clone()))) {
            let failed = tests(&conditions).into_iter().filter(|((operator, key), values)| {
                let mut one = members.clone();
                one.insert("Condition".into(), json!({ operator: { key: values } }));
                !applies(&Value::Object(one))
            });
            return Some(Missed::Conditions(failed.map(|(test, _)| test).collect()));
        }
        let patterns = members.remove("Resource").or_else(|| members.remove("NotResource"));
        if let Some(patterns) = patterns {
            members.insert("Resource".into(), "*".into());
            if applies(&Value::Object(members.clone())) {
                let is_not = statement.get("NotResource").is_some();
                return Some(Missed::Resource(texts(&patterns, is_not)));
            }
        }
        let principal = members.remove("Principal").or_else(|| members.remove("NotPrincipal"));
        members.insert("Principal".into(), "*".into());
        (principal.is_some() && applies(&Value::Object(members.clone())))
            .then_some(Missed::Principal)
    }

    /// Whether the one statement of a document, put in place of another one, applies.
    fn applies(&self, id: PolicyId, document: &Value, at: usize, layer: Layer) -> bool {
        let Some(entry) = self.engine.library().get(id) else { return false };
        let Some(options) = &entry.options else { return false };
        let mut library = self.library.clone();
        library.insert(id, &document.to_string().into(), options);
        let library = library.build();
        let world = World {
            snapshot: self.engine.snapshot(),
            library: &library,
            catalog: self.engine.catalog(),
            options: self.engine.options(),
            now: now(),
        };
        let Ok(found) = evaluate(&world, self.request) else { return false };
        let reference = self.engine.snapshot().document(id).map(|document| &*document.reference);
        let results = found.checks.get(at).map_or(&[][..], |check| &check.layers);
        results.iter().filter(|result| result.layer == layer).any(|result| {
            result
                .allows
                .iter()
                .chain(&result.denies)
                .any(|named| Some(plain(&named.policy)) == reference && named.effect.is_some())
        })
    }
}

/// The clock, for requests that state no time (E-19).
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// The value of a single-valued key.
fn single<'c>(check: &'c CheckDecision, folded: &str) -> Option<&'c str> {
    match &check.context.get(folded)?.value {
        ContextValue::Single(value) => Some(value),
        _ => None,
    }
}

/// The name of a policy without what it is used as.
fn plain(policy: &str) -> &str {
    ["boundary:", "session:"]
        .iter()
        .find_map(|prefix| policy.strip_prefix(prefix))
        .unwrap_or(policy)
}

fn is_same(found: &StatementRef, named: &StatementRef) -> bool {
    plain(&found.policy) == &*named.policy && found.statement == named.statement
}

/// The tests of a condition block: operator, key, and the values.
fn tests(conditions: &Value) -> Vec<((String, String), &Value)> {
    let mut tests = Vec::new();
    for (operator, keys) in conditions.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            tests.push(((operator.clone(), key.clone()), values));
        }
    }
    tests
}

fn texts(patterns: &Value, is_not: bool) -> Vec<String> {
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        if is_not { format!("anything but {text}") } else { text.to_owned() }
    };
    match patterns {
        Value::Array(patterns) => patterns.iter().map(text).collect(),
        single => vec![text(single)],
    }
}
