//! What came up, and how often.

use std::collections::BTreeMap;
use std::fmt;

use assize::Engine;
use assize_model::{
    CheckDecision, Decision, EffectiveDecision, Layer, ReasonCode, RequestError, StatementRef,
    Verdict,
};
use assize_policy::PolicyLibrary;
use assize_policy::ir::Statement;
use serde_json::Value;

/// What came up, and how often.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Requests.
    pub n_requests: usize,
    /// By decision.
    pub decisions: BTreeMap<Decision, usize>,
    /// By decisive layer.
    pub layers: BTreeMap<Layer, usize>,
    /// By decision and decisive layer.
    pub outcomes: BTreeMap<(Decision, Layer), usize>,
    /// By reason.
    pub reasons: BTreeMap<ReasonCode, usize>,
    /// Requests that are malformed.
    pub n_errors: usize,
    /// Kinds of principals, verdicts of layers, notes, kinds of checks and of errors, and the
    /// operators of statements that applied: how often each was met.
    pub features: BTreeMap<String, usize>,
    documents: Documents,
}

/// The documents of the world by their references.
#[derive(Debug, Clone, Default)]
struct Documents {
    library: PolicyLibrary,
    ids: BTreeMap<Box<str>, assize_model::PolicyId>,
}

/// Prefixes that references have before the name of a stored document.
const PREFIXES: [&str; 2] = ["boundary:", "session:"];

impl Documents {
    fn statement(&self, reference: &StatementRef) -> Option<&Statement> {
        let name = &*reference.policy;
        let name = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        let entry = self.library.get(*self.ids.get(name)?)?;
        entry.policy.as_ref()?.statements.get(reference.statement? as usize)
    }
}

impl Tally {
    /// A tally of answers that are given in a world.
    pub(super) fn of_world(engine: &Engine) -> Self {
        let ids =
            engine.snapshot().documents().map(|(id, document)| (document.reference.clone(), id));
        let ids = ids.map(|(reference, id)| ((*reference).into(), id)).collect();
        let documents = Documents { library: engine.library().clone(), ids };
        Self { documents, ..Self::default() }
    }

    /// Counts the answer of the reference to a request.
    pub(super) fn count(
        &mut self,
        request: &Value,
        answer: &Result<EffectiveDecision, RequestError>,
    ) {
        self.n_requests += 1;
        let kind = request["principal"]["type"].as_str().unwrap_or("text");
        self.meet(format!("principal: {kind}"));
        match answer {
            Err(error) => {
                self.n_errors += 1;
                self.meet(format!("error: {}", error.kind().as_str()));
            }
            Ok(answer) => self.count_decision(answer),
        }
    }

    fn count_decision(&mut self, answer: &EffectiveDecision) {
        let decisive = &answer.decisive;
        *self.decisions.entry(answer.decision).or_default() += 1;
        *self.layers.entry(decisive.layer).or_default() += 1;
        *self.outcomes.entry((answer.decision, decisive.layer)).or_default() += 1;
        *self.reasons.entry(decisive.reason).or_default() += 1;
        if let Some(by) = decisive.allowed_by {
            self.meet(format!("allowed by: {by}"));
        }
        if answer.checks.len() > 1 {
            self.meet("request: several checks".to_owned());
        }
        for text in answer.notes.iter().chain(&answer.assumptions) {
            let kind = text.split(':').next().unwrap_or_default();
            self.meet(format!("note: {kind}"));
        }
        for check in &answer.checks {
            self.count_check(check);
        }
    }

    fn count_check(&mut self, check: &CheckDecision) {
        let account = if check.cross_account { "another account" } else { "one account" };
        let gate = if check.gated { ", gated" } else { "" };
        self.meet(format!("check: {account}{gate}"));
        for (flag, name) in [
            (check.grant.direct, "direct"),
            (check.grant.entity, "entity"),
            (check.grant.account, "account"),
        ] {
            if flag {
                self.meet(format!("grant: {name}"));
            }
        }
        for layer in check.layers.iter().filter(|l| l.verdict != Verdict::NotApplicable) {
            self.meet(format!("layer: {} {}", layer.layer, layer.verdict.as_str()));
            for reference in layer.allows.iter().chain(&layer.denies) {
                self.count_statement(reference);
            }
        }
    }

    /// Counts the operators of a statement that applied.
    fn count_statement(&mut self, reference: &StatementRef) {
        let operators: Vec<String> =
            self.documents.statement(reference).map_or_else(Vec::new, |s| {
                let names = s.conditions.iter().map(|condition| {
                    let qualifier =
                        condition.qualifier.map(|q| format!("{q:?}:")).unwrap_or_default();
                    let suffix = if condition.if_exists { "IfExists" } else { "" };
                    format!("operator: {qualifier}{}{suffix}", condition.operator.as_str())
                });
                names.collect()
            });
        for operator in operators {
            self.meet(operator);
        }
    }

    fn meet(&mut self, feature: String) {
        *self.features.entry(feature).or_default() += 1;
    }

    /// The decisions, layers and reasons that came up less often than `fewest` times, of those
    /// that a complete request to a store can meet.
    pub fn rare(&self, fewest: usize) -> Vec<String> {
        // Those need partial context and change sets.
        let others = [ReasonCode::MissingContext, ReasonCode::PrincipalRemoved];
        let decisions = Decision::ALL.iter().filter(|d| **d != Decision::Indeterminate);
        let reasons = ReasonCode::ALL.iter().filter(|reason| !others.contains(reason));
        let counts = decisions
            .map(|decision| (decision.to_string(), self.decisions.get(decision)))
            .chain(Layer::ALL.iter().map(|layer| (layer.to_string(), self.layers.get(layer))))
            .chain(reasons.map(|reason| (reason.to_string(), self.reasons.get(reason))));
        let rare = counts.filter(|(_, n)| n.is_none_or(|n| *n < fewest));
        rare.map(|(name, _)| name).collect()
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        fn merge<K: Ord + Clone>(into: &mut BTreeMap<K, usize>, from: &BTreeMap<K, usize>) {
            for (key, n) in from {
                *into.entry(key.clone()).or_default() += n;
            }
        }
        self.n_requests += other.n_requests;
        self.n_errors += other.n_errors;
        merge(&mut self.decisions, &other.decisions);
        merge(&mut self.layers, &other.layers);
        merge(&mut self.outcomes, &other.outcomes);
        merge(&mut self.reasons, &other.reasons);
        merge(&mut self.features, &other.features);
    }
}

/// A line for each thing that came up.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>10} requests, {} of them malformed", self.n_requests, self.n_errors)?;
        for ((decision, layer), n) in &self.outcomes {
            writeln!(f, "{n:>10} {decision} by {layer}")?;
        }
        for (reason, n) in &self.reasons {
            writeln!(f, "{n:>10} reason: {reason}")?;
        }
        for (feature, n) in &self.features {
            writeln!(f, "{n:>10} {feature}")?;
        }
        Ok(())
    }
}
