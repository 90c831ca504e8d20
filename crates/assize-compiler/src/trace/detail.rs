//! Why a statement applies or does not: each part with what it wants and what it found.

use assize_model::{ConditionKey, ContextValue, Effect, PolicyType, Strength};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, MatchesNothing, Operand, Piece,
    PrincipalElement, PrincipalPattern, ResourceElement, ResourcePattern, Statement,
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
    /// As it is compared, variables replaced (L-507). None if it equals nothing.
    pub compared: Option<Box<str>>,
    /// Why it equals nothing, where it does.
    pub void: Option<Void>,
}

/// Why a pattern or value equals nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Void {
    /// A value that is none of what the operator compares (L-622), or holds a variable that
    /// cannot be read (L-504).
    Unreadable,
    /// An entry of `Resource` or `NotResource` that matches nothing.
    Pattern(MatchesNothing),
    /// A variable whose key is absent, or empty, and that has no default (L-508, L-509).
    NoValue(ConditionKey),
    /// A variable whose key is a list, which is not substituted (L-508).
    List(ConditionKey),
    /// A variable whose key stands under several spellings (L-606).
    Colliding(ConditionKey),
    /// A colon in what a variable puts into the header of an ARN (L-510).
    Colon(ConditionKey),
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
    /// Whether it may be true or not: it depends on what partial context leaves unknown (E-124).
    pub is_open: bool,
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
            pattern: Expected::new(
                entry.to_string(),
                match entry {
                    ResourcePattern::Any => Ok("*".into()),
                    ResourcePattern::Nothing(_, why) => Err(Void::Pattern(*why)),
                    ResourcePattern::Arn(pattern) => self.filled_arn(pattern),
                },
            ),
            matches: self.entry_matches(entry) == Truth::True,
        };
        let entries = entries.iter().map(entry).collect();
        Some(PartDetail { negated, holds: self.resource_part(element) == Truth::True, entries })
    }

    /// An ARN pattern with its variables replaced (L-509, L-510).
    fn filled_arn(&self, pattern: &ArnPattern) -> Result<String, Void> {
        let mut text = String::from("arn");
        for (at, segment) in pattern.segments.iter().enumerate() {
            text.push(':');
            if at < RESOURCE_SEGMENT {
                self.no_colons(segment)?;
            }
            text.push_str(&self.filled(segment)?);
        }
        Ok(text)
    }

    /// L-510.
    fn no_colons(&self, segment: &[Piece]) -> Result<(), Void> {
        for piece in segment {
            if let Piece::Variable(variable) = piece
                && !self.is_unknown(&variable.key)
                && self.resolve(variable).is_some_and(|text| text.contains(':'))
            {
                return Err(Void::Colon(variable.key.clone()));
            }
        }
        Ok(())
    }

    /// Pieces with their variables replaced (L-508).
    fn filled(&self, pieces: &[Piece]) -> Result<String, Void> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Variable(variable) if self.is_unknown(&variable.key) => text.push('*'),
                Piece::Variable(variable) => match self.resolve(variable) {
                    Some(value) => text.push_str(value),
                    None => return Err(self.unresolved(&variable.key)),
                },
                other => text.push_str(&other.to_string()),
            }
        }
        Ok(text)
    }

    /// Why a variable has no value (L-508).
    fn unresolved(&self, key: &ConditionKey) -> Void {
        match self.value(key) {
            ValueView::Absent | ValueView::Single(_) => Void::NoValue(key.clone()),
            ValueView::List(_) => Void::List(key.clone()),
            ValueView::Colliding => Void::Colliding(key.clone()),
        }
    }

    fn condition(&self, condition: &Condition) -> ConditionDetail {
        let written = condition.value_texts();
        let compared: Vec<Result<String, Void>> = match &condition.operand {
            Operand::Text(values) => {
                let filled = |value: &Option<Vec<Piece>>| match value {
                    Some(pieces) => self.filled(pieces),
                    None => Err(Void::Unreadable),
                };
                values.iter().map(filled).collect()
            }
            operand => {
                let readable = operand.are_readable().into_iter().zip(&written);
                let same = |(is_readable, text): (bool, &String)| {
                    if is_readable { Ok(text.clone()) } else { Err(Void::Unreadable) }
                };
                readable.map(same).collect()
            }
        };
        let expected = written.into_iter().zip(compared);
        let expected = expected.map(|(written, compared)| Expected::new(written, compared));
        let test = self.test(condition);
        ConditionDetail {
            operator: condition.operator_name().into(),
            key: condition.key.clone(),
            expected: expected.collect(),
            actual: self.actual(&condition.key),
            is_unknown: self.is_unknown(&condition.key),
            holds: test == Truth::True,
            is_open: test == Truth::Unknown,
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
    Expected::new(text.clone(), Ok(text))
}

impl Expected {
    fn new(written: String, compared: Result<String, Void>) -> Self {
        let written = written.into();
        match compared {
            Ok(compared) => Self { written, compared: Some(compared.into()), void: None },
            Err(void) => Self { written, compared: None, void: Some(void) },
        }
    }
}
