//! Facts: what the conditions that joints ask say of a row, one bit each.
//!
//! A condition on the value of one key is the same question for every row with that value. Such
//! atoms are numbered as joints come to ask them, and the answers of all atoms of a key stand in one
//! word for each value: a row costs one look-up a key, however many statements ask about it, and a
//! statement one comparison.
//!
//! What hangs on the principal or on the resource alone — ARN, account, organization, tags — is
//! one word for each of them (principal-constant folding): no row is asked.
//!
//! Facts are exact or there are none: an atom without a bit is evaluated with its statement.

use assize_automata::SetScratch;

use crate::columns::{
    KeyId, KeyScope, PrincipalEntry, Principals, RequestColumns, ResourceEntry, ValueId, constant,
};
use crate::program::evaluate::{Buffers, RowEvaluator, holds_of, static_test};
use crate::program::{Atom, Program};

/// Most atoms that have a bit.
const MAX_FACTS: usize = u64::BITS as usize;
/// Most atoms of one key that have a bit: a new value is asked all of them.
const MAX_KEY_FACTS: u32 = 8;
/// Words by key and value that are remembered: 64 KiB, which leaves the second cache to the tables.
const N_VALUE_WORDS: usize = 1 << 12;
/// Bits of a word's origin that name the key.
const KEY_BITS: u32 = MAX_FACTS.trailing_zeros();
/// Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbered atoms, and their answers for what came up in this run.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The atoms by bit.
    atoms: Vec<u32>,
    keys: Vec<FactKey>,
    /// The bits of atoms that hold of an absent key.
    absent: u64,
    of_principals: u64,
    of_resources: u64,
    /// The keys that have a column in the batch, by position.
    in_columns: u64,
    run: u32,
    values: Vec<Word>,
    /// The bits of principals, from batch to batch, with the run of those that were worked out
    /// since atoms joined.
    principals: Vec<(u32, u64)>,
    /// Whose bits these are.
    principals_of: u64,
    principals_run: u32,
    /// By the list of constants.
    resources: Vec<(u32, u64)>,
}

/// A key that numbered atoms ask about.
#[derive(Debug, Clone, Copy)]
struct FactKey {
    key: KeyId,
    scope: KeyScope,
    bits: u64,
}

/// The answers for a value.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    value: u32,
    /// The run, and the position of the key.
    origin: u32,
    bits: u64,
}

/// What a statement or a joint asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    /// The facts.
    pub(super) facts: u64,
    /// The positions of their keys.
    keys: u64,
}

impl Asked {
    pub(super) fn and(self, other: Self) -> Self {
        Self { facts: self.facts | other.facts, keys: self.keys | other.keys }
    }
}

impl Facts {
    /// The fact of an atom, if it has a bit or gets one.
    pub(super) fn number(&mut self, program: &Program, atom: u32) -> Option<Asked> {
        let asked = program.atoms.get(atom as usize).filter(|atom| atom.hangs_on_its_value())?;
        let key_at = self.keys.iter().position(|key| key.key.0 == asked.key);
        let known = self.atoms.iter().position(|known| *known == atom);
        let bit = match known {
            Some(bit) => bit,
            None => self.add(program, atom, asked, key_at)?,
        };
        let key_at = key_at.unwrap_or(self.keys.len() - 1);
        Some(Asked { facts: 1 << bit, keys: 1 << key_at })
    }

    fn add(
        &mut self,
        program: &Program,
        number: u32,
        atom: &Atom,
        key_at: Option<usize>,
    ) -> Option<usize> {
        let bit = self.atoms.len();
        let taken = key_at.map_or(0, |at| self.keys[at].bits.count_ones());
        if bit >= MAX_FACTS || taken >= MAX_KEY_FACTS {
            return None;
        }
        self.atoms.push(number);
        let key_at = key_at.unwrap_or_else(|| {
            let scope = program.scopes.get(atom.key as usize).copied();
            let scope = scope.unwrap_or(KeyScope::Request);
            self.keys.push(FactKey { key: KeyId(atom.key), scope, bits: 0 });
            self.keys.len() - 1
        });
        let key = &mut self.keys[key_at];
        key.bits |= 1 << bit;
        match key.scope {
            KeyScope::Principal => self.of_principals |= 1 << bit,
            KeyScope::Resource => self.of_resources |= 1 << bit,
            KeyScope::Request => {}
        }
        if atom.quantifier.of_absence() {
            self.absent |= 1 << bit;
        }
        self.forget();
        Some(bit)
    }

    /// Forgets the answers for values and resources, which may be others from here on, and for
    /// principals, if they are.
    pub(super) fn begin_run(&mut self, principals: &Principals) {
        if self.principals_of != principals.stamp() {
            self.principals_of = principals.stamp();
            self.principals.clear();
        }
        self.next_run();
    }

    /// Forgets all answers: atoms have joined.
    fn forget(&mut self) {
        self.next_run();
        self.principals_run = self.run;
    }

    fn next_run(&mut self) {
        self.run += 1;
        if self.run == 1 << (u32::BITS - KEY_BITS) {
            self.run = 1;
            self.principals_run = 1;
            self.values.fill(Word::default());
            self.principals.fill((0, 0));
            self.resources.fill((0, 0));
        }
    }

    /// The keys that numbered atoms ask about.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.keys.iter().map(|key| key.key)
    }

    /// Makes ready for rows of these columns.
    pub(super) fn begin(&mut self, columns: &RequestColumns<'_>) {
        self.values.resize(N_VALUE_WORDS, Word::default());
        if self.of_principals != 0 && self.principals.len() < columns.principals.len() {
            self.principals.resize(columns.principals.len(), (0, 0));
        }
        if self.of_resources != 0 && self.resources.len() < columns.resources.constants.len() {
            self.resources.resize(columns.resources.constants.len(), (0, 0));
        }
        let has_column = |key: &FactKey| {
            columns.keys.get(key.key.index()).is_some_and(|column| !column.is_empty())
        };
        let keys = self.keys.iter().zip(0..);
        self.in_columns =
            keys.filter(|(key, _)| has_column(key)).fold(0, |all, (_, at)| all | 1 << at);
    }

    /// Those of the asked facts that hold of a row; others of the same keys may be among them.
    #[inline]
    pub(super) fn of_row(&mut self, asked: Asked, evaluator: &mut RowEvaluator<'_>) -> u64 {
        let RowEvaluator { shared: program, columns, row, ref resource, ref mut buffers, .. } =
            *evaluator;
        let Buffers { set: scratch, same_texts, .. } = &mut **buffers;
        let mut facts = self.absent;
        if asked.facts & self.of_principals != 0 {
            let of_principal = self.of_principal((program, columns), row, scratch);
            facts = facts & !self.of_principals | of_principal;
        }
        if asked.facts & self.of_resources != 0 {
            let of_resource = self.of_resource((program, columns), resource, scratch);
            facts = facts & !self.of_resources | of_resource;
        }
        let mut keys = asked.keys & self.in_columns;
        while keys != 0 {
            let at = keys.trailing_zeros();
            keys &= keys - 1;
            let Some(key) = self.keys.get(at as usize).copied() else { continue };
            let column = columns.keys.get(key.key.index());
            let value = column.and_then(|column| column.get(row)).copied().unwrap_or_default();
            if !value.is_absent() {
                let value = same_texts.first(columns.values, value);
                let bits = self.of_value((program, columns), at, key, value, scratch);
                facts = facts & !key.bits | bits;
            }
        }
        facts
    }

    #[inline]
    fn of_value(
        &mut self,
        asked: (&Program, &RequestColumns<'_>),
        at: u32,
        key: FactKey,
        value: ValueId,
        scratch: &mut SetScratch,
    ) -> u64 {
        let origin = self.run << KEY_BITS | at;
        let hash = (u64::from(at) << 32 | u64::from(value.0)).wrapping_mul(GOLDEN);
        // The highest bits of the product are the best.
        let place = usize::try_from(hash >> (u64::BITS - N_VALUE_WORDS.trailing_zeros()));
        let place = place.unwrap_or_default();
        if let Some(word) = self.values.get(place)
            && word.value == value.0
            && word.origin == origin
        {
            return word.bits;
        }
        let bits = self.compute(asked, key.bits, value, scratch);
        if let Some(word) = self.values.get_mut(place) {
            *word = Word { value: value.0, origin, bits };
        }
        bits
    }

    /// The facts of a principal, columns apart.
    #[inline]
    fn of_principal(
        &mut self,
        (program, columns): (&Program, &RequestColumns<'_>),
        row: usize,
        scratch: &mut SetScratch,
    ) -> u64 {
        let number = columns.principal.get(row).map_or(usize::MAX, |number| *number as usize);
        match self.principals.get(number) {
            Some(&(run, bits)) if run >= self.principals_run.max(1) => return bits,
            _ => {}
        }
        let Some(principal) = columns.principals.get(number) else { return 0 };
        let bits = self.of_constants((program, columns), Of::Principal(principal), scratch);
        if let Some(word) = self.principals.get_mut(number) {
            *word = (self.run, bits);
        }
        bits
    }

    /// The facts of a resource, columns apart.
    #[inline]
    fn of_resource(
        &mut self,
        asked: (&Program, &RequestColumns<'_>),
        resource: &ResourceEntry<'_>,
        scratch: &mut SetScratch,
    ) -> u64 {
        let number = resource.place.constants as usize;
        match self.resources.get(number) {
            Some(&(run, bits)) if run == self.run => return bits,
            _ => {}
        }
        let bits = self.of_constants(asked, Of::Resource(resource), scratch);
        if let Some(word) = self.resources.get_mut(number) {
            *word = (self.run, bits);
        }
        bits
    }

    #[cold]
    fn of_constants(
        &self,
        asked: (&Program, &RequestColumns<'_>),
        of: Of<'_>,
        scratch: &mut SetScratch,
    ) -> u64 {
        let (scope, constants) = match of {
            Of::Principal(principal) => (KeyScope::Principal, &*principal.constants),
            Of::Resource(resource) => (KeyScope::Resource, resource.constants),
        };
        let keys = self.keys.iter().filter(|key| key.scope == scope);
        keys.fold(0, |bits, key| {
            let value = constant(constants, key.key);
            bits | self.compute(asked, key.bits, value, scratch)
        })
    }

    /// Asks the atoms of some bits.
    #[cold]
    fn compute(
        &self,
        (program, columns): (&Program, &RequestColumns<'_>),
        mut bits: u64,
        value: ValueId,
        scratch: &mut SetScratch,
    ) -> u64 {
        let mut found = 0;
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            let atom =
                self.atoms.get(bit as usize).and_then(|&atom| program.atoms.get(atom as usize));
            let holds = atom.is_some_and(|atom| {
                holds_of(atom.quantifier, columns.values, value, |member| {
                    let text = columns.values.text(member);
                    text.is_some_and(|text| static_test(&atom.test, text, scratch))
                })
            });
            found |= u64::from(holds) << bit;
        }
        found
    }
}

/// Whose constants.
#[derive(Debug, Clone, Copy)]
enum Of<'a> {
    Principal(&'a PrincipalEntry),
    Resource(&'a ResourceEntry<'a>),
}
