//! Pass: equal parts of statements are one part.
//!
//! Numbers are handed out in the order in which parts first come, so the same input gives the
//! same numbers; the hash tables are only asked, never walked.

mod sets;

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use assize_catalog::Catalog;
use assize_model::{ConditionKey, PolicyType};
use assize_policy::LibraryEntry;
use assize_policy::ir::{
    ArnPattern, Condition, Operand, Piece, Policy, PrincipalElement, PrincipalPattern,
    ResourceElement, ResourcePattern, Statement,
};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

pub(crate) use self::sets::join;
use crate::budget::{CompileOptions, Error, ErrorKind, MAX_STATEMENTS};
use crate::columns::KeyScope;
use crate::conditions::{self, Lowered};
use crate::program::condition::Test;
use crate::program::template::TemplatePiece;
use crate::program::{
    ArnTemplate, Atom, Body, MAX_TARGETS, Part, PatternList, PrincipalProgram, PrincipalTest,
    Program, ResourceTest,
};
use crate::{partition, resources};

/// A policy document, as tables and overlays hold it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DocumentSource {
    /// A document of a library; poison if it did not load.
    Entry(Arc<LibraryEntry>),
    /// A policy that was made by other means.
    Policy(Arc<Policy>),
    /// A document that does not load, or a reference that cannot be resolved (E-112).
    Poison,
}

impl From<Arc<LibraryEntry>> for DocumentSource {
    fn from(entry: Arc<LibraryEntry>) -> Self {
        Self::Entry(entry)
    }
}

impl From<Arc<Policy>> for DocumentSource {
    fn from(policy: Arc<Policy>) -> Self {
        Self::Policy(policy)
    }
}

impl DocumentSource {
    /// What the document says; nothing if it does not load.
    pub fn policy(&self) -> Option<&Policy> {
        match self {
            Self::Entry(entry) => entry.policy.as_ref(),
            Self::Policy(policy) => Some(policy),
            Self::Poison => None,
        }
    }
}

/// A distinct document and its statements.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) source: DocumentSource,
    /// Its statements: the part of [`Program::bodies`].
    pub(crate) bodies: Part,
}

/// Numbers of keys by folded name.
pub(crate) type KeyMap = HashMap<Box<str>, u32>;

/// Which parts a program has already: their numbers, by what they hash to. Tables keep them, so
/// that compiling again goes on where it ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Maps {
    pub(crate) keys: KeyMap,
    atoms: HashMap<Arc<Condition>, u32>,
    /// Patterns by what the policy says, which is found faster than it is built anew.
    arns: HashMap<Arc<ArnPattern>, u32>,
    patterns: HashTable<u32>,
    templates: HashTable<u32>,
    lists: HashTable<u32>,
    principals: HashTable<u32>,
    pub(crate) hasher: DefaultHashBuilder,
}

/// The number of a part in its arena, which holds equal ones once.
fn number<T: Hash + Eq>(
    arena: &mut Vec<T>,
    known: &mut HashTable<u32>,
    hasher: &DefaultHashBuilder,
    part: T,
) -> u32 {
    let hash = hasher.hash_one(&part);
    if let Some(&at) = known.find(hash, |&at| arena[at as usize] == part) {
        return at;
    }
    let at = position(arena.len());
    arena.push(part);
    known.insert_unique(hash, at, |&at| hasher.hash_one(&arena[at as usize]));
    at
}

/// Puts statements into a program.
#[derive(Debug)]
pub(crate) struct Interner<'a> {
    pub(crate) program: &'a mut Program,
    pub(crate) maps: &'a mut Maps,
    /// The keys of the shared tables, when the program is that of an overlay.
    pub(crate) shared_keys: Option<&'a KeyMap>,
    pub(crate) options: &'a CompileOptions,
}

impl Interner<'_> {
    pub(crate) fn options(&self) -> &CompileOptions {
        self.options
    }

    /// Lowers a document.
    pub(crate) fn document(
        &mut self,
        source: DocumentSource,
        catalog: &Catalog,
    ) -> Result<Document, Error> {
        let start = position(self.program.bodies.len());
        if let Some(policy) = source.policy() {
            if policy.statements.len() > MAX_STATEMENTS {
                return Err(Error::new(ErrorKind::TooManyStatements { limit: MAX_STATEMENTS }));
            }
            for (statement, at) in policy.statements.iter().zip(0..) {
                self.statement(statement, at, policy.policy_type, catalog)?;
            }
        }
        let bodies = Part { start, end: position(self.program.bodies.len()) };
        Ok(Document { source, bodies })
    }

    fn statement(
        &mut self,
        statement: &Statement,
        at: u16,
        policy_type: PolicyType,
        catalog: &Catalog,
    ) -> Result<(), Error> {
        if self.program.bodies.len() >= MAX_TARGETS {
            return Err(Error::new(ErrorKind::TooManyStatementsInAll { limit: MAX_TARGETS }));
        }
        self.keys_of(statement);
        let principal = self.principal(statement, policy_type);
        let mut resource = resources::lower(&statement.resource, self);
        let atoms = self.conditions(&statement.conditions);
        let atoms = atoms.unwrap_or_else(|| {
            resource = ResourceTest::Never;
            Part::default()
        });
        let effect = statement.effect;
        self.program.bodies.push(Body { effect, statement: at, principal, resource, atoms });
        if self.program.action_starts.is_empty() {
            self.program.action_starts.push(0);
        }
        self.program.action_ranges.extend(partition::action_ranges(&statement.action, catalog));
        self.program.action_starts.push(position(self.program.action_ranges.len()));
        Ok(())
    }

    /// Numbers all keys of a statement, those too that the text alone makes irrelevant:
    /// explanations name them when they are missing (E-104).
    fn keys_of(&mut self, statement: &Statement) {
        if let ResourceElement::Resource(entries) | ResourceElement::NotResource(entries) =
            &statement.resource
        {
            for entry in entries {
                let ResourcePattern::Arn(arn) = entry else { continue };
                arn.segments.iter().for_each(|pieces| self.keys_of_pieces(pieces));
            }
        }
        for condition in &statement.conditions {
            self.key(&condition.key);
            let Operand::Text(texts) = &condition.operand else { continue };
            texts.iter().flatten().for_each(|pieces| self.keys_of_pieces(pieces));
        }
    }

    fn keys_of_pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            if let Piece::Variable(variable) = piece {
                self.key(&variable.key);
            }
        }
    }

    fn principal(&mut self, statement: &Statement, policy_type: PolicyType) -> PrincipalTest {
        let (negated, entries) = match &statement.principal {
            _ if policy_type == PolicyType::ResourceControl => return PrincipalTest::Everyone,
            PrincipalElement::Unspecified => return PrincipalTest::Everyone,
            PrincipalElement::Principal(entries) => (false, entries),
            PrincipalElement::NotPrincipal(entries) => (true, entries),
        };
        if !negated && entries.contains(&PrincipalPattern::Everyone) {
            return PrincipalTest::Everyone;
        }
        if !negated && entries.iter().all(|entry| *entry == PrincipalPattern::Nobody) {
            return PrincipalTest::Nobody;
        }
        let effect = statement.effect;
        let program = PrincipalProgram { effect, negated, entries: entries.as_slice().into() };
        let Maps { principals: known, hasher, .. } = &mut *self.maps;
        PrincipalTest::Program(number(&mut self.program.principals, known, hasher, program))
    }

    /// The atoms of a condition block, cheapest first, or `None` if it is never true.
    fn conditions(&mut self, block: &[Condition]) -> Option<Part> {
        let mut atoms = Vec::with_capacity(block.len());
        for condition in block {
            match self.condition(condition) {
                Lowered::True => {}
                Lowered::False => return None,
                Lowered::Atom(atom) => atoms.push(atom),
            }
        }
        atoms.sort_by_key(|&atom| (cost(&self.program.atoms[atom as usize]), atom));
        atoms.dedup();
        let start = position(self.program.atom_ids.len());
        self.program.atom_ids.extend(atoms);
        Some(Part { start, end: position(self.program.atom_ids.len()) })
    }

    fn condition(&mut self, condition: &Condition) -> Lowered {
        if let Some(&atom) = self.maps.atoms.get(condition) {
            return Lowered::Atom(atom);
        }
        let lowered = conditions::lower(condition, self);
        if let Lowered::Atom(atom) = lowered
            && self.options.shared_atoms
        {
            self.maps.atoms.insert(Arc::new(condition.clone()), atom);
        }
        lowered
    }

    /// Numbers an atom.
    pub(crate) fn atom(&mut self, atom: Atom) -> u32 {
        let at = position(self.program.atoms.len());
        self.program.atoms.push(atom);
        at
    }

    /// The number of a key.
    pub(crate) fn key(&mut self, key: &ConditionKey) -> u32 {
        let folded = key.folded();
        let shared = self.shared_keys;
        if let Some(&at) = shared.and_then(|keys| keys.get(folded)) {
            return at;
        }
        if let Some(&at) = self.maps.keys.get(folded) {
            return at;
        }
        let at = position(shared.map_or(0, KeyMap::len) + self.program.keys.len());
        self.maps.keys.insert(folded.into(), at);
        self.program.keys.push(folded.into());
        self.program.scopes.push(KeyScope::of(folded));
        at
    }

    /// The pieces of a template, with keys numbered.
    pub(crate) fn template(&mut self, pieces: &[Piece]) -> Box<[TemplatePiece]> {
        conditions::template_pieces(pieces, |key| self.key(key))
    }

    /// The number of the pattern of a resource entry; none if the entry has variables.
    pub(crate) fn pattern(&mut self, arn: &ArnPattern) -> Option<u32> {
        if let Some(&at) = self.maps.arns.get(arn) {
            return Some(at);
        }
        let pattern = resources::static_pattern(arn)?;
        let Maps { arns, patterns: known, hasher, .. } = &mut *self.maps;
        let at = number(&mut self.program.patterns, known, hasher, pattern);
        arns.insert(Arc::new(arn.clone()), at);
        Some(at)
    }

    /// The number of a resource pattern with variables.
    pub(crate) fn arn_template(&mut self, template: ArnTemplate) -> u32 {
        let Maps { templates: known, hasher, .. } = &mut *self.maps;
        number(&mut self.program.templates, known, hasher, template)
    }

    /// The number of a list of resource entries. Their order plays no part.
    pub(crate) fn pattern_list(&mut self, mut patterns: Vec<u32>, mut templates: Vec<u32>) -> u32 {
        for ids in [&mut patterns, &mut templates] {
            ids.sort_unstable();
            ids.dedup();
        }
        let Maps { lists: known, hasher, .. } = &mut *self.maps;
        let Program { pattern_lists: lists, pattern_ids, template_ids, .. } = &mut *self.program;
        let hash = hasher.hash_one((&*patterns, &*templates));
        let same = |&at: &u32| {
            lists[at as usize].of(pattern_ids, template_ids) == (&*patterns, &*templates)
        };
        if let Some(&at) = known.find(hash, same) {
            return at;
        }
        let list = PatternList {
            patterns: append(pattern_ids, &patterns),
            templates: append(template_ids, &templates),
        };
        let at = position(lists.len());
        lists.push(list);
        known.insert_unique(hash, at, |&at| {
            hasher.hash_one(lists[at as usize].of(pattern_ids, template_ids))
        });
        at
    }
}

fn append(arena: &mut Vec<u32>, ids: &[u32]) -> Part {
    let start = position(arena.len());
    arena.extend_from_slice(ids);
    Part { start, end: position(arena.len()) }
}

/// A rough order of what tests cost, so that cheap ones are asked first.
fn cost(atom: &Atom) -> u8 {
    match &atom.test {
        Test::Presence | Test::Bool { .. } => 0,
        Test::Number(..) | Test::Date(..) | Test::Ip(_) => 1,
        Test::Equal(texts) | Test::EqualIgnoringCase(texts) | Test::Like(texts) => {
            if texts.templates.is_empty() { 2 } else { 3 }
        }
    }
}

/// INVARIANT: policy texts are limited and so is their number, so that no arena of parts comes
/// near 2³² items; bodies and cells, which could, are counted against a limit.
pub(crate) fn position(n: usize) -> u32 {
    u32::try_from(n).expect("policies are limited far below 2³² parts")
}
