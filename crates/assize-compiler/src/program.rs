//! What statements ask, as numbered parts: bodies, atoms, resource patterns, principals.
//!
//! A program belongs to the shared tables or to an overlay. It says nothing about actions and
//! sets; cells do, and name statements by [`Body`]. Equal parts are one part: a condition that
//! a thousand statements repeat is one [`Atom`].

pub(crate) mod condition;
pub(crate) mod evaluate;
pub(crate) mod glob;
pub(crate) mod memo;
pub(crate) mod pattern_index;
pub(crate) mod principal;
pub(crate) mod template;

use std::sync::Arc;

use assize_automata::Pattern;
use assize_model::Effect;

pub(crate) use self::condition::Atom;
pub(crate) use self::pattern_index::PatternIndex;
pub(crate) use self::principal::PrincipalProgram;
pub(crate) use self::template::ArnTemplate;
use crate::columns::KeyScope;

/// The numbered parts of many statements. Compiling again copies it, so what is large is shared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// The folded names of the keys, by id; those of an overlay continue the shared ones.
    pub(crate) keys: Vec<Box<str>>,
    /// Where each key's value comes from.
    pub(crate) scopes: Vec<KeyScope>,
    /// The statements, those of one document in a row.
    pub(crate) bodies: Vec<Body>,
    /// Parts of `action_ranges`, one more than bodies.
    pub(crate) action_starts: Vec<u32>,
    /// The actions of each statement: runs of catalog positions, ascending, not touching.
    pub(crate) action_ranges: Vec<(u32, u32)>,
    /// The tests of conditions.
    pub(crate) atoms: Vec<Atom>,
    /// Parts of this name the atoms of a statement.
    pub(crate) atom_ids: Vec<u32>,
    /// Lists of resource entries.
    pub(crate) pattern_lists: Vec<PatternList>,
    /// Parts of this name the patterns of a list.
    pub(crate) pattern_ids: Vec<u32>,
    /// Resource patterns without variables.
    pub(crate) patterns: Vec<Pattern>,
    /// Parts of this name the templates of a list.
    pub(crate) template_ids: Vec<u32>,
    /// Resource patterns with variables.
    pub(crate) templates: Vec<ArnTemplate>,
    /// Principal elements.
    pub(crate) principals: Vec<PrincipalProgram>,
    /// Statements found by the resource patterns that match.
    pub(crate) indexes: Vec<Arc<PatternIndex>>,
}

/// The part of an arena.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Part {
    pub(crate) fn of<T>(self, arena: &[T]) -> &[T] {
        arena.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }

    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// One statement without its actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) effect: Effect,
    /// Its position in the document.
    pub(crate) statement: u16,
    pub(crate) principal: PrincipalTest,
    pub(crate) resource: ResourceTest,
    /// The part of `atom_ids`: all must hold.
    pub(crate) atoms: Part,
}

impl Body {
    /// Whether it applies to every check of its actions.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.principal == PrincipalTest::Everyone
            && self.resource == ResourceTest::Always
            && self.atoms.start == self.atoms.end
    }
}

/// The principal part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PrincipalTest {
    /// Everyone, directly; also where the policy type carries no principal.
    Everyone,
    /// A program of this number.
    Program(u32),
    /// Nobody: the statement never applies.
    Nobody,
}

/// The resource part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ResourceTest {
    /// Every resource.
    Always,
    /// No resource.
    Never,
    /// Some entry of the list matches.
    Matches(u32),
    /// No entry of the list matches.
    MatchesNot(u32),
}

/// Resource entries that are not decided at load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PatternList {
    /// The part of `pattern_ids`.
    pub(crate) patterns: Part,
    /// The part of `template_ids`.
    pub(crate) templates: Part,
}

impl PatternList {
    /// The numbers of its patterns and of its templates.
    pub(crate) fn of<'a>(
        self,
        pattern_ids: &'a [u32],
        template_ids: &'a [u32],
    ) -> (&'a [u32], &'a [u32]) {
        (self.patterns.of(pattern_ids), self.templates.of(template_ids))
    }
}

impl Program {
    /// The runs of actions of a statement.
    pub(crate) fn action_ranges(&self, body: usize) -> &[(u32, u32)] {
        let (Some(&start), Some(&end)) =
            (self.action_starts.get(body), self.action_starts.get(body + 1))
        else {
            return &[];
        };
        Part { start, end }.of(&self.action_ranges)
    }

    /// Whether a statement is about an action of the catalog.
    pub(crate) fn matches_action(&self, body: usize, action: u32) -> bool {
        let ranges = self.action_ranges(body);
        let at = ranges.partition_point(|&(_, end)| end <= action);
        ranges.get(at).is_some_and(|&(start, _)| start <= action)
    }
}

/// One statement of a cell, or several behind one index, and where they stand in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rule {
    /// A body or an index, with flags.
    target: u32,
    /// The position of the document in the set.
    pub(crate) document: u16,
    /// The node the document is attached to.
    pub(crate) node: u16,
}

/// What a rule stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A statement that applies to every check of the cell.
    Unconditional(u32),
    /// A statement.
    Body(u32),
    /// The statements of an index.
    Index(u32),
}

const OVERLAY: u32 = 1 << 31;
const INDEX: u32 = 1 << 30;
const UNCONDITIONAL: u32 = 1 << 29;
const NAMED: u32 = 1 << 28;
const FLAGS: u32 = OVERLAY | INDEX | UNCONDITIONAL | NAMED;

/// Most bodies or indexes of one program: what a rule has bits for.
pub(crate) const MAX_TARGETS: usize = (1 << 28) - 1;

impl Rule {
    pub(crate) fn body(number: u32, body: &Body) -> Self {
        let unconditional = if body.is_unconditional() { UNCONDITIONAL } else { 0 };
        let named = if matches!(body.principal, PrincipalTest::Program(_)) { NAMED } else { 0 };
        Self { target: number | unconditional | named, document: 0, node: 0 }
    }

    /// The rules of an index as one. It names principals if one of them does.
    pub(crate) fn index(index: u32, rules: &[Self]) -> Self {
        let named = rules.iter().fold(0, |flags, rule| flags | rule.target & NAMED);
        Self { target: index | INDEX | named, document: 0, node: 0 }
    }

    /// The same statements at another place.
    pub(crate) fn at(self, document: u16, node: u16) -> Self {
        Self { document, node, ..self }
    }

    /// The same statement as one of an overlay's program.
    pub(crate) fn of_overlay(self) -> Self {
        Self { target: self.target | OVERLAY, ..self }
    }

    pub(crate) fn is_of_overlay(self) -> bool {
        self.target & OVERLAY != 0
    }

    pub(crate) fn is_unconditional(self) -> bool {
        self.target & UNCONDITIONAL != 0
    }

    /// Whether it names principals, so that it may apply at another strength than Direct (E-40).
    pub(crate) fn names_principals(self) -> bool {
        self.target & NAMED != 0
    }

    /// The number of the body or index.
    pub(crate) fn number(self) -> u32 {
        self.target & !FLAGS
    }

    pub(crate) fn target(self) -> Target {
        let at = self.number();
        if self.target & INDEX != 0 {
            Target::Index(at)
        } else if self.is_unconditional() {
            Target::Unconditional(at)
        } else {
            Target::Body(at)
        }
    }
}
