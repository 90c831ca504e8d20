//! Why a statement applies or does not: each part with what it wants and what it found.

use assize_model::{ConditionKey, ContextValue, Effect, PolicyType, Strength};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, Operand, Piece, PrincipalElement,
    PrincipalPattern, ResourceElement, ResourcePattern, Statement,
};

use super::matching::{Check, PrincipalPart, RESOURCE_SEGMENT};
use crate::columns::{SetRef, StatementPlace, ValueView};
use crate::program::PrincipalProgram;
use crate::truth::Truth;

/// What each part of one statement says of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementDetail {
    /// `Principal` or `NotPrincipal`; none where the policy type has none.
    pub principal: Option<PartDetail>,
    /// How closely it names the principal, where that is asked (E-40).
    pub strength: Option<Strength>,
    /// `Action` or `NotAction`.
    pub action: PartDetail,
    /// `Resource` or `NotResource`; none where the statement has none.
    pub resource: Option<PartDetail>,
    /// The tests of `Condition`, in the order of the text.
    pub conditions: Vec<ConditionDetail>,
}

/// One element that lists patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartDetail {
    /// Whether it is the `Not…` form.
    pub negated: bool,
    /// Whether it is true of the row.
    pub holds: bool,
    /// Its entries.
    pub entries: Vec<EntryDetail>,
}

/// One entry of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryDetail {
    /// The pattern.
    pub pattern: Expected,
    /// Whether it matches by itself.
    pub matches: bool,
}

/// A pattern or value of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// As it stands in the statement, variables and all.
    pub written: Box<str>,
    /// As it is compared, variables replaced (L-507). None if it equals nothing: it cannot be
    /// read, or a variable has no value (L-508).
    pub compared: Option<Box<str>>,
}

/// One test of a condition block.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionDetail {
    /// The operator with its prefix and suffix.
    pub operator: Box<str>,
    /// The key.
    pub key: ConditionKey,
    /// The values, of which one must match; of a negated operator none.
    pub expected: Vec<Expected>,
    /// What the context has under the key; none if the key is absent or unknown.
    pub actual: Option<ContextValue>,
    /// Whether the test is true of the row.
    pub holds: bool,
    /// Whether the key is unknown in partial context (E-121).
    pub is_unknown: bool,
}

impl StatementDetail {
    /// Whether every part is true.
    pub fn holds(&self) -> bool {
        let part = |part: &Option<PartDetail>| part.as_ref().is_none_or(|part| part.holds);
        part(&self.principal)
            && self.action.holds
            && part(&self.resource)
            && self.conditions.iter().all(|condition| condition.holds)
    }
}

impl Check<'_> {
    /// The statement at a place of a set, part by part.
    pub(super) fn detail_at(&self, set: SetRef, place: StatementPlace) -> Option<StatementDetail> {
        let set = self.tables.set(self.overlay, set);
        let member = *set.members.get(usize::from(place.document))?;
        let (document, _) = self.tables.member(self.overlay, member)?;
        let policy = document.source.policy()?;
        let statement = policy.statements.get(usize::from(place.statement?))?;
        Some(self.detail(statement, policy.policy_type))
    }

    fn detail(&self, statement: &Statement, policy_type: PolicyType) -> StatementDetail {
        let part = self.principal_part(statement, policy_type);
        let listed = match &statement.principal {
            PrincipalElement::Unspecified => None,
            PrincipalElement::Principal(entries) => Some((false, entries)),
            PrincipalElement::NotPrincipal(entries) => Some((true, entries)),
        };
        let principal = listed.map(|(negated, entries)| PartDetail {
            negated,
            holds: part != PrincipalPart::False,
            entries: entries.iter().map(|entry| self.principal_entry(entry)).collect(),
        });
        let strength = match part {
            PrincipalPart::Named(strength) => Some(strength),
            PrincipalPart::False | PrincipalPart::True => None,
        };
        let action = &statement.action;
        let action = PartDetail {
            negated: action.negated,
            holds: self.action_part(action),
            entries: action.patterns.iter().map(|pattern| self.action_entry(pattern)).collect(),
        };
        let conditions = statement.conditions.iter().map(|test| self.condition(test)).collect();
        let resource = self.resource_detail(&statement.resource);
        StatementDetail { principal, strength, action, resource, conditions }
    }

    fn principal_entry(&self, entry: &PrincipalPattern) -> EntryDetail {
        let entries = [entry.clone()].into();
        let program = PrincipalProgram { effect: Effect::Allow, negated: false, entries };
        let matches = program.strength(self.principal).is_some();
        EntryDetail { pattern: plain(entry.to_string()), matches }
    }

    fn action_entry(&self, entry: &ActionPattern) -> EntryDetail {
        let alone = ActionElement { negated: false, patterns: vec![entry.clone()] };
        EntryDetail { pattern: plain(entry.to_string()), matches: self.action_part(&alone) }
    }

    fn resource_detail(&self, element: &ResourceElement) -> Option<PartDetail> {
        let (negated, entries) = match element {
            ResourceElement::Unspecified => return None,
            ResourceElement::Resource(entries) => (false, entries),
            ResourceElement::NotResource(entries) => (true, entries),
        };
        let entry = |entry: &ResourcePattern| EntryDetail {
            pattern: Expected {
                written: entry.to_string().into(),
                compared: match entry {
                    ResourcePattern::Any => Some("*".into()),
                    ResourcePattern::Nothing => None,
                    ResourcePattern::Arn(pattern) => self.filled_arn(pattern),
                },
            },
            matches: self.entry_matches(entry) == Truth::True,
        };
        let entries = entries.iter().map(entry).collect();
        Some(PartDetail { negated, holds: self.resource_part(element) == Truth::True, entries })
    }

    /// An ARN pattern with its variables replaced (L-509, L-510).
    fn filled_arn(&self, pattern: &ArnPattern) -> Option<Box<str>> {
        let mut text = String::from("arn");
        for (at, segment) in pattern.segments.iter().enumerate() {
            text.push(':');
            let filled = self.filled(segment)?;
            let of_variables = segment.iter().any(|piece| matches!(piece, Piece::Variable(_)));
            if at < RESOURCE_SEGMENT && of_variables && filled.contains(':') {
                return None;
            }
            text.push_str(&filled);
        }
        Some(text.into())
    }

    /// Pieces with their variables replaced (L-508).
    fn filled(&self, pieces: &[Piece]) -> Option<String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Variable(variable) if self.is_unknown(&variable.key) => text.push('*'),
                Piece::Variable(variable) => text.push_str(self.resolve(variable)?),
                other => text.push_str(&other.to_string()),
            }
        }
        Some(text)
    }

    fn condition(&self, condition: &Condition) -> ConditionDetail {
        let written = condition.operand.texts();
        let compared: Vec<Option<Box<str>>> = match &condition.operand {
            Operand::Text(values) => {
                let filled = |pieces: &Vec<Piece>| self.filled(pieces).map(Into::into);
                values.iter().map(|value| value.as_ref().and_then(filled)).collect()
            }
            _ => written.iter().map(|text| text.as_deref().map(Into::into)).collect(),
        };
        let expected = written.into_iter().zip(compared).map(|(written, compared)| Expected {
            written: written.map_or_else(|| "a value that cannot be read".into(), Into::into),
            compared,
        });
        ConditionDetail {
            operator: condition.operator_name().into(),
            key: condition.key.clone(),
            expected: expected.collect(),
            actual: self.actual(&condition.key),
            is_unknown: self.is_unknown(&condition.key),
            holds: self.test(condition) == Truth::True,
        }
    }

    /// The value of a key, as a context has it.
    fn actual(&self, key: &ConditionKey) -> Option<ContextValue> {
        let text = |member| self.columns.values.text(member).unwrap_or_default().into();
        if self.is_unknown(key) {
            return None;
        }
        match self.value(key) {
            ValueView::Absent => None,
            ValueView::Single(value) => Some(ContextValue::Single(value.into())),
            ValueView::List(members) => {
                Some(ContextValue::List(members.iter().map(|member| text(*member)).collect()))
            }
            ValueView::Colliding => Some(ContextValue::Colliding),
        }
    }
}

/// An entry that holds no variables.
fn plain(text: String) -> Expected {
    let text: Box<str> = text.into();
    Expected { written: text.clone(), compared: Some(text) }
}
