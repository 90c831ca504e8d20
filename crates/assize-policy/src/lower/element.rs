//! The elements of a statement, gathered by name.

use crate::ast::{
    ActionElement, ConditionBlock, Element, List, PrincipalElement, PrincipalValue,
    ResourceElement, Shape, Statement, StatementElement, Text,
};

/// The elements of a statement, the first of each name; a second one rejects (L-106).
#[derive(Default)]
pub(super) struct Elements<'t, 'a> {
    pub(super) sid: Option<&'t Element<'a, Text<'a>>>,
    pub(super) effect: Option<&'t Element<'a, Text<'a>>>,
    pub(super) principal: Pair<&'t PrincipalElement<'a>>,
    pub(super) action: Pair<&'t ActionElement<'a>>,
    pub(super) resource: Pair<&'t ResourceElement<'a>>,
    pub(super) condition: Option<&'t Element<'a, ConditionBlock<'a>>>,
}

/// An element and its negation, of which a statement has at most one (L-201).
pub(super) struct Pair<T> {
    pub(super) plain: Option<T>,
    pub(super) negated: Option<T>,
}

impl<T> Default for Pair<T> {
    fn default() -> Self {
        Self { plain: None, negated: None }
    }
}

impl<T: Copy> Pair<T> {
    /// The one that is there; of two, the plain one.
    pub(super) fn any(&self) -> Option<T> {
        self.plain.or(self.negated)
    }

    /// Keeps an element, unless one of its name is there already.
    fn put(&mut self, negated: bool, element: T) {
        let place = if negated { &mut self.negated } else { &mut self.plain };
        *place = place.or(Some(element));
    }
}

impl<'t, 'a> Elements<'t, 'a> {
    pub(super) fn of(statement: &'t Statement<'a>) -> Self {
        let mut found = Self::default();
        for element in &statement.elements {
            match element {
                StatementElement::Sid(sid) => found.sid = found.sid.or(Some(sid)),
                StatementElement::Effect(effect) => found.effect = found.effect.or(Some(effect)),
                StatementElement::Principal(p) => found.principal.put(p.negated, p),
                StatementElement::Action(action) => found.action.put(action.negated, action),
                StatementElement::Resource(r) => found.resource.put(r.negated, r),
                StatementElement::Condition(block) => {
                    found.condition = found.condition.or(Some(block));
                }
                StatementElement::Unknown(_) => {}
            }
        }
        found
    }
}

/// Whether a statement is the one of `RCPFullAWSAccess`: Allow, everyone, every action, every
/// resource, and no condition (L-212). A `Sid` says nothing (L-127).
pub(super) fn allows_everything(statement: &Statement<'_>) -> bool {
    let elements = Elements::of(statement);
    let is_star = |list: &Shape<'_, List<'_, Text<'_>>>| {
        let star = |(_, text): (_, &Text<'_>)| text.value == "*";
        list.expected().is_some_and(|list| list.len() == 1 && list.iter().all(star))
    };
    let everyone = |principal: &PrincipalElement<'_>| match principal.element.value.expected() {
        Some(PrincipalValue::Text(text)) => text.value == "*",
        _ => false,
    };
    statement.elements.iter().all(|element| match element {
        StatementElement::Sid(_) => true,
        StatementElement::Effect(effect) => {
            effect.value.expected().is_some_and(|effect| effect.value == "Allow")
        }
        StatementElement::Principal(principal) => !principal.negated && everyone(principal),
        StatementElement::Action(action) => !action.negated && is_star(&action.element.value),
        StatementElement::Resource(r) => !r.negated && is_star(&r.element.value),
        StatementElement::Condition(_) | StatementElement::Unknown(_) => false,
    }) && elements.effect.is_some()
        && elements.principal.plain.is_some()
        && elements.action.plain.is_some()
        && elements.resource.plain.is_some()
}
