//! What a test expects, and whether an answer is that (F-44).

use std::fmt;

use assize_model::{
    Decision, EffectiveDecision, Layer, ReasonCode, RequestError, StatementRef, Verdict, fold_key,
};

use super::Reader;
use crate::ErrorKind;
use crate::file::File;
use crate::json::Node;

/// A decision as tests name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpectedDecision {
    /// `Allowed`.
    Allowed,
    /// `Denied`: either deny.
    Denied,
    /// `ExplicitDeny`.
    ExplicitDeny,
    /// `ImplicitDeny`.
    ImplicitDeny,
    /// `Indeterminate`.
    Indeterminate,
    /// `error`: the request is malformed.
    Error,
}

impl ExpectedDecision {
    /// All values, in the order of the schema.
    pub const ALL: [Self; 6] = [
        Self::Allowed,
        Self::Denied,
        Self::ExplicitDeny,
        Self::ImplicitDeny,
        Self::Indeterminate,
        Self::Error,
    ];

    /// The word of the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::Denied => "Denied",
            Self::ExplicitDeny => "ExplicitDeny",
            Self::ImplicitDeny => "ImplicitDeny",
            Self::Indeterminate => "Indeterminate",
            Self::Error => "error",
        }
    }

    /// The value of a word of the format.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == word)
    }

    /// Whether a decision is this one; `None` is a malformed request.
    pub fn fits(self, decision: Option<Decision>) -> bool {
        match self {
            Self::Allowed => decision == Some(Decision::Allowed),
            Self::Denied => {
                matches!(decision, Some(Decision::ExplicitDeny | Decision::ImplicitDeny))
            }
            Self::ExplicitDeny => decision == Some(Decision::ExplicitDeny),
            Self::ImplicitDeny => decision == Some(Decision::ImplicitDeny),
            Self::Indeterminate => decision == Some(Decision::Indeterminate),
            Self::Error => decision.is_none(),
        }
    }
}

impl fmt::Display for ExpectedDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a test expects of an answer. What is not stated may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// `decision`.
    pub decision: Option<ExpectedDecision>,
    /// `layer`: the decisive one.
    pub layer: Option<Layer>,
    /// `reason`.
    pub reason: Option<ReasonCode>,
    /// `sid`: some decisive statement has it.
    pub sid: Option<Box<str>>,
    /// `policy`: the policy of some decisive statement is this or ends so.
    pub policy: Option<Box<str>>,
    /// `statement`: the first decisive one, as `POLICYID#INDEX`.
    pub statement: Option<Box<str>>,
    /// `missing`: exactly these keys are missing.
    pub missing: Option<Vec<Box<str>>>,
    /// `dependsOn`: exactly these keys decide (E-129).
    pub depends_on: Option<Vec<Box<str>>>,
    /// `layers`: verdicts of layers of the decisive check.
    pub layers: Vec<(Layer, Verdict)>,
    /// `error`: the code of a malformed request.
    pub error: Option<Box<str>>,
    /// `rule`: for readers only.
    pub rule: Option<Box<str>>,
}

/// One point in which an answer is not what a test expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The field of the expectation, such as `decision`, or `layers.scp`.
    pub field: Box<str>,
    /// What it wants.
    pub expected: Box<str>,
    /// What the answer has.
    pub found: Box<str>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected `{}`, found `{}`", self.field, self.expected, self.found)
    }
}

impl Expectation {
    /// Whether a malformed request is what is expected.
    pub fn is_error(&self) -> bool {
        self.decision == Some(ExpectedDecision::Error) || self.error.is_some()
    }

    /// Everything in which an answer is not what is expected; nothing when it is.
    pub fn check(&self, answer: Result<&EffectiveDecision, &RequestError>) -> Vec<Mismatch> {
        let mut mismatches = Mismatches(Vec::new());
        match answer {
            Ok(decision) => self.check_decision(decision, &mut mismatches),
            Err(error) => self.check_error(error, &mut mismatches),
        }
        mismatches.0
    }

    fn check_error(&self, error: &RequestError, mismatches: &mut Mismatches) {
        let code = error.kind().as_str();
        if !self.is_error() {
            let expected = self.decision.map_or("a decision", ExpectedDecision::as_str);
            mismatches.add("decision", expected, format!("error {code}: {error}"));
        } else if let Some(expected) = &self.error {
            mismatches.compare("error", expected, code);
        }
    }

    fn check_decision(&self, found: &EffectiveDecision, mismatches: &mut Mismatches) {
        if let Some(expected) =
            self.decision.or(self.error.is_some().then_some(ExpectedDecision::Error))
            && !expected.fits(Some(found.decision))
        {
            mismatches.add("decision", expected.as_str(), found.decision.as_str());
        }
        if let Some(layer) = self.layer {
            mismatches.compare("layer", layer.as_str(), found.decisive.layer.as_str());
        }
        if let Some(reason) = self.reason {
            mismatches.compare("reason", reason.as_str(), found.decisive.reason.as_str());
        }
        self.check_statements(found, mismatches);
        if let Some(keys) = &self.missing {
            mismatches.compare_keys("missing", keys, &found.missing_context_keys);
        }
        if let Some(keys) = &self.depends_on {
            mismatches.compare_keys("dependsOn", keys, &found.depends_on);
        }
        let check = found.checks.get(found.decisive.check as usize);
        for (layer, verdict) in &self.layers {
            let result = check.and_then(|check| check.layers.iter().find(|r| r.layer == *layer));
            let found = result.map_or("no such layer", |result| result.verdict.as_str());
            mismatches.compare(&format!("layers.{layer}"), verdict.as_str(), found);
        }
    }

    fn check_statements(&self, found: &EffectiveDecision, mismatches: &mut Mismatches) {
        let statements = &found.decisive.statements;
        if let Some(sid) = &self.sid
            && !statements.iter().any(|statement| statement.sid.as_ref() == Some(sid))
        {
            let sids = statements.iter().map(|s| s.sid.as_deref().unwrap_or("no sid"));
            mismatches.add("sid", sid, list(sids));
        }
        if let Some(policy) = &self.policy
            && !statements.iter().any(|statement| statement.policy.ends_with(&**policy))
        {
            mismatches.add("policy", policy, list(statements.iter().map(|s| &*s.policy)));
        }
        if let Some(statement) = &self.statement {
            let first = first_statement(found).map(|first| match first.statement {
                Some(index) => format!("{}#{index}", first.policy),
                None => first.policy.to_string(),
            });
            mismatches.compare("statement", statement, first.as_deref().unwrap_or("none"));
        }
    }
}

/// The first decisive statement: of the decisive layer (E-103), where it has one.
fn first_statement(found: &EffectiveDecision) -> Option<&StatementRef> {
    let decisive = &found.decisive;
    let layers = found.checks.get(decisive.check as usize).map_or(&[][..], |check| &check.layers);
    let of_layer = layers.iter().find(|result| result.layer == decisive.layer);
    let is_of_layer = |named: &&StatementRef| {
        of_layer.is_some_and(|layer| layer.allows.contains(named) || layer.denies.contains(named))
    };
    decisive.statements.iter().find(is_of_layer).or_else(|| decisive.statements.first())
}

struct Mismatches(Vec<Mismatch>);

impl Mismatches {
    fn add(&mut self, field: &str, expected: &str, found: impl Into<Box<str>>) {
        let found = found.into();
        self.0.push(Mismatch { field: field.into(), expected: expected.into(), found });
    }

    fn compare(&mut self, field: &str, expected: &str, found: &str) {
        if expected != found {
            self.add(field, expected, found);
        }
    }

    /// Keys are the same when their folded names are (L-605); their order has no meaning.
    fn compare_keys(&mut self, field: &str, expected: &[Box<str>], found: &[Box<str>]) {
        let folded = |keys: &[Box<str>]| {
            let mut keys: Vec<String> = keys.iter().map(|key| fold_key(key).into_owned()).collect();
            keys.sort_unstable();
            keys
        };
        if folded(expected) != folded(found) {
            let expected = list(expected.iter().map(AsRef::as_ref));
            self.add(field, &expected, list(found.iter().map(AsRef::as_ref)));
        }
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let list = texts.collect::<Vec<_>>().join(", ");
    if list.is_empty() { "none".to_owned() } else { list }
}

pub(super) const EXPECT_FIELDS: [&str; 12] = [
    "when",
    "decision",
    "layer",
    "reason",
    "sid",
    "policy",
    "missing",
    "dependsOn",
    "error",
    "statement",
    "layers",
    "rule",
];

impl Reader<'_> {
    /// One expectation: a word or an object. `when` is the caller's.
    pub(super) fn expectation(&mut self, file: &File, node: &Node<'_>) -> Option<Expectation> {
        let decisions = ExpectedDecision::ALL.map(|value| (value.as_str(), value));
        if node.as_str().is_some() {
            let decision = Some(self.word(file, node, &decisions)?);
            return Some(Expectation { decision, ..Expectation::default() });
        }
        let fields = self.fields(file, node, &EXPECT_FIELDS)?;
        let says_nothing = |name: &str| ["when", "rule"].contains(&name);
        if EXPECT_FIELDS.iter().all(|name| says_nothing(name) || fields.get(name).is_none()) {
            let message = "every answer meets this: say at least a `decision`";
            self.errors.push(file.error(ErrorKind::InvalidField, node.span, message));
        }
        let layers: Vec<(&str, Layer)> = Layer::ALL.iter().map(|l| (l.as_str(), *l)).collect();
        let reasons: Vec<(&str, ReasonCode)> =
            ReasonCode::ALL.iter().map(|reason| (reason.as_str(), *reason)).collect();
        Some(Expectation {
            decision: fields.get("decision").and_then(|node| self.word(file, node, &decisions)),
            layer: fields.get("layer").and_then(|node| self.word(file, node, &layers)),
            reason: fields.get("reason").and_then(|node| self.word(file, node, &reasons)),
            sid: self.text_of(file, &fields, "sid"),
            policy: self.text_of(file, &fields, "policy"),
            statement: self.text_of(file, &fields, "statement"),
            missing: fields.get("missing").map(|node| self.strings(file, node)),
            depends_on: fields.get("dependsOn").map(|node| self.strings(file, node)),
            layers: fields
                .get("layers")
                .map(|node| self.expected_layers(file, node, &layers))
                .unwrap_or_default(),
            error: self.text_of(file, &fields, "error"),
            rule: self.text_of(file, &fields, "rule"),
        })
    }

    fn expected_layers(
        &mut self,
        file: &File,
        node: &Node<'_>,
        layers: &[(&str, Layer)],
    ) -> Vec<(Layer, Verdict)> {
        let verdicts: Vec<(&str, Verdict)> =
            Verdict::ALL.iter().map(|verdict| (verdict.as_str(), *verdict)).collect();
        let mut expected = Vec::new();
        for member in self.members(file, node).unwrap_or_default() {
            let Some((_, layer)) = layers.iter().find(|(word, _)| *word == member.key) else {
                let message = format!("`{}` is no layer", crate::json::shorten(&member.key));
                self.errors.push(file.error(ErrorKind::InvalidField, member.key_span, message));
                continue;
            };
            if let Some(verdict) = self.word(file, &member.value, &verdicts) {
                expected.push((*layer, verdict));
            }
        }
        expected
    }
}
