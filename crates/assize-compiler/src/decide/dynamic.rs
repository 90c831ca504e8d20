//! Cells that are made while deciding: of overlay sets, of actions the catalog lacks, and of
//! sets past a limit of the tables.
//!
//! They are kept for the rest of the call, up to a limit; past it they are made anew for each
//! group, which is matching statement by statement.

use assize_model::Effect;
use assize_policy::ir::{ActionElement, ActionPattern};
use hashbrown::HashMap;

use super::fetch::{NO_CELL, SlotCells, sets};
use super::plan::CellView;
use crate::budget::MAX_KEPT_RULES;
use crate::columns::{ActionRef, Frame, OVERLAY_BIT, SetRef};
use crate::intern::position;
use crate::overlay::{Overlay, UnknownAction};
use crate::partition::{self, finish};
use crate::program::{Part, Rule};
use crate::simplify::AllowState;
use crate::tables::{DecisionTables, SetMember, SetView};

/// Cells made while deciding.
#[derive(Debug, Clone, Default)]
pub(crate) struct DynamicCells {
    rules: Vec<Rule>,
    cells: HashMap<(SetRef, ActionRef), DynamicCell>,
    denies: Vec<Rule>,
    allows: Vec<Rule>,
}

#[derive(Debug, Clone, Copy)]
struct DynamicCell {
    denies: Part,
    allows: Part,
    allow: AllowState,
}

impl DynamicCells {
    /// Forgets all cells: what their ids stand for may have changed.
    pub(super) fn begin(&mut self) {
        self.rules.clear();
        self.cells.clear();
    }

    /// Makes the cells that the tables do not have for a group.
    pub(super) fn prepare(
        &mut self,
        tables: &DecisionTables,
        overlay: Option<&Overlay>,
        (frame, action): (&Frame, ActionRef),
        cells: &SlotCells,
    ) {
        if self.rules.len() > MAX_KEPT_RULES {
            self.begin();
        }
        let missing = sets(frame).into_iter().zip(cells).filter(|(_, cell)| **cell == NO_CELL);
        for set in missing.filter_map(|(set, _)| set) {
            if !self.cells.contains_key(&(set, action)) {
                let view = tables.set(overlay, set);
                let cell = self.make(tables, overlay, view, action);
                self.cells.insert((set, action), cell);
            }
        }
    }

    /// The cell of a set, which [`DynamicCells::prepare`] has made.
    pub(super) fn get(&self, set: SetRef, action: ActionRef, n_nodes: u16) -> CellView<'_> {
        let none = DynamicCell {
            denies: Part::default(),
            allows: Part::default(),
            allow: AllowState::Never,
        };
        let cell = self.cells.get(&(set, action)).copied().unwrap_or(none);
        CellView {
            denies: cell.denies.of(&self.rules),
            allows: cell.allows.of(&self.rules),
            allow: cell.allow,
            n_nodes,
        }
    }

    fn make(
        &mut self,
        tables: &DecisionTables,
        overlay: Option<&Overlay>,
        set: SetView<'_>,
        action: ActionRef,
    ) -> DynamicCell {
        self.denies.clear();
        self.allows.clear();
        let asked = match tables.known_action(action) {
            Some(action) => Asked::Known(action),
            None => Asked::Unknown(overlay.and_then(|overlay| overlay.action(action))),
        };
        for (&member, at) in set.members.iter().zip(0..) {
            self.gather(tables, overlay, member, at, asked);
        }
        let (denies, allows) = (&mut self.denies, &mut self.allows);
        let allow = finish(denies, allows, set.n_nodes, &tables.options);
        let mut push = |part: &[Rule]| {
            let start = position(self.rules.len());
            self.rules.extend_from_slice(part);
            Part { start, end: position(self.rules.len()) }
        };
        DynamicCell { denies: push(denies), allows: push(allows), allow }
    }

    /// Gathers the statements of a document that are about the action.
    fn gather(
        &mut self,
        tables: &DecisionTables,
        overlay: Option<&Overlay>,
        member: SetMember,
        at: u16,
        asked: Asked<'_>,
    ) {
        let Some((document, program)) = tables.member(overlay, member) else { return };
        let Some(policy) = document.source.policy() else { return };
        let bodies = document.bodies.start..document.bodies.end;
        for (body, statement) in bodies.zip(&policy.statements) {
            let matches = match asked {
                Asked::Known(action) => program.matches_action(body as usize, action),
                Asked::Unknown(Some(action)) => matches_text(&statement.action, action),
                Asked::Unknown(None) => false,
            };
            let Some((effect, rule)) = partition::rule(program, body).filter(|_| matches) else {
                continue;
            };
            let rule = rule.at(at, member.node);
            let of_overlay = member.document & OVERLAY_BIT != 0;
            let rule = if of_overlay { rule.of_overlay() } else { rule };
            match effect {
                Effect::Deny => self.denies.push(rule),
                Effect::Allow => self.allows.push(rule),
            }
        }
    }
}

/// The action of a group.
#[derive(Debug, Clone, Copy)]
enum Asked<'a> {
    Known(u32),
    /// One of the overlay; nothing matches an action that nobody added.
    Unknown(Option<&'a UnknownAction>),
}

/// L-222, L-224, L-225 from the text.
fn matches_text(element: &ActionElement, action: &UnknownAction) -> bool {
    let matched = element.patterns.iter().any(|pattern| match pattern {
        ActionPattern::Any => true,
        ActionPattern::Named { vendor, name } => {
            **vendor == *action.service && name_matches(name, &action.name)
        }
    });
    matched != element.negated
}

/// The glob of L-401 between lower-case texts. An action name is ASCII (E-3), so that a byte is
/// a character.
fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on after a mismatch: behind the last star, one character further.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, n + 1));
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after_star, from)) = retry else { return false };
                (p, n) = (after_star, from);
                retry = Some((after_star, from + 1));
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_actions_match_by_text() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(name_matches(pattern, name), expected, "{pattern} against {name}");
        };
        check("get*", "getobject", true);
        check("*object*", "getobjectacl", true);
        check("get?bject", "getobject", true);
        check("get", "getobject", false);
        check("*a*b", "aab", true);
        check("*a*b", "aba", false);
        check("", "x", false);
        check("**", "x", true);
        check("x?", "x", false);
    }
}
