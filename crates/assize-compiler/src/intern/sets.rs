//! Equal documents are one document, equal sets one set, each in the order in which they first
//! come.

use std::hash::BuildHasher;
use std::sync::Arc;

use assize_model::PolicyId;
use assize_policy::LibraryEntry;
use assize_policy::ir::{Operand, Piece, Policy, ResourceElement, ResourcePattern};
use hashbrown::{HashMap, HashTable};

use super::{DocumentSource, Interner, position};
use crate::budget::{Error, ErrorKind, MAX_DOCUMENTS, MAX_SETS};
use crate::columns::PolicySetId;
use crate::program::Part;
use crate::tables::{CellPlaces, DecisionTables, PolicySet, SetMember};
use crate::{CompileInput, PolicySetSpec, SetDocument};

/// The keys of a policy as they are spelled: equality of keys is without case (L-605).
fn spellings(policy: &Policy) -> Vec<&str> {
    fn variable(piece: &Piece) -> Option<&str> {
        match piece {
            Piece::Variable(variable) => Some(variable.key.spelling()),
            _ => None,
        }
    }
    let mut keys = Vec::new();
    for statement in &policy.statements {
        if let ResourceElement::Resource(entries) | ResourceElement::NotResource(entries) =
            &statement.resource
        {
            for entry in entries {
                if let ResourcePattern::Arn(arn) = entry {
                    keys.extend(arn.segments.iter().flatten().filter_map(variable));
                }
            }
        }
        for condition in &statement.conditions {
            keys.push(condition.key.spelling());
            if let Operand::Text(values) = &condition.operand {
                keys.extend(values.iter().flatten().flatten().filter_map(variable));
            }
        }
    }
    keys
}

/// Lowers the documents of an input that the tables lack, and joins its sets. Gives the set of
/// each spec. What the tables of before say of equal sets is taken over.
pub(crate) fn join(
    tables: &mut DecisionTables,
    before: Option<&DecisionTables>,
    input: CompileInput<'_>,
) -> Result<Vec<PolicySetId>, Error> {
    let mut joiner = Joiner::new(tables, before, input);
    let specs = input.sets.iter();
    let ids = specs.map(|spec| joiner.set(spec)).collect();
    joiner.tables.policies.sort_unstable();
    ids
}

/// Tables whose documents and sets are being joined, and what is known of them.
#[derive(Debug)]
struct Joiner<'a> {
    tables: &'a mut DecisionTables,
    input: CompileInput<'a>,
    /// Documents by id, as far as a set has asked for them.
    policies: HashMap<PolicyId, u32>,
    /// Documents of the tables of before by id, as far as they still say the same.
    kept: HashMap<PolicyId, u32>,
    /// Documents by what they say and how they spell their keys, which explanations repeat; those
    /// that do not load are one.
    contents: HashTable<u32>,
    sets: HashMap<(Vec<SetMember>, u16), u32>,
    /// Where the cells of the sets of before are.
    places: HashMap<(&'a [SetMember], u16), Option<CellPlaces>>,
}

impl<'a> Joiner<'a> {
    fn new(
        tables: &'a mut DecisionTables,
        before: Option<&'a DecisionTables>,
        input: CompileInput<'a>,
    ) -> Self {
        let mut contents = HashTable::new();
        let hashes = &tables.document_hashes;
        for (&hash, at) in hashes.iter().zip(0..) {
            contents.insert_unique(hash, at, |&at| hashes[at as usize]);
        }
        let documents = &tables.documents;
        let still = |(policy, document): &(PolicyId, u32)| {
            is_same(&documents[*document as usize].source, input.library.get(*policy))
        };
        let before = before.filter(|tables| tables.options.interning);
        let kept = before.iter().flat_map(|tables| &tables.policies).filter(|known| still(known));
        let kept = kept.copied().collect();
        let places = before.iter().flat_map(|tables| {
            let of = |set: &PolicySet| ((set.members.of(&tables.members), set.n_nodes), set.places);
            tables.sets.iter().map(of)
        });
        let places = places.collect();
        let (policies, sets) = (HashMap::new(), HashMap::new());
        Self { tables, input, policies, kept, contents, sets, places }
    }

    fn set(&mut self, spec: &PolicySetSpec) -> Result<PolicySetId, Error> {
        if spec.documents.len() > MAX_DOCUMENTS {
            return Err(Error::new(ErrorKind::TooManyDocuments { limit: MAX_DOCUMENTS }));
        }
        let n_nodes = spec.n_nodes.max(1);
        let mut members = Vec::with_capacity(spec.documents.len());
        for &SetDocument { policy, node } in &spec.documents {
            let document = self.document(policy)?;
            members.push(SetMember { document, node: if n_nodes == 1 { 0 } else { node } });
        }
        let key = (members, n_nodes);
        if let Some(&set) = self.sets.get(&key).filter(|_| self.tables.options.interning) {
            return Ok(PolicySetId(set));
        }
        if self.tables.sets.len() >= MAX_SETS {
            return Err(Error::new(ErrorKind::TooManySets { limit: MAX_SETS }));
        }
        let set = position(self.tables.sets.len());
        self.push_set(&key.0, n_nodes);
        self.sets.insert(key, set);
        Ok(PolicySetId(set))
    }

    fn document(&mut self, policy: PolicyId) -> Result<u32, Error> {
        if let Some(&document) = self.policies.get(&policy) {
            return Ok(document);
        }
        let document = match self.kept.get(&policy) {
            Some(&document) => document,
            None => self.lower(policy)?,
        };
        self.policies.insert(policy, document);
        self.tables.policies.push((policy, document));
        Ok(document)
    }

    /// The document that says what the library has under an id.
    fn lower(&mut self, policy: PolicyId) -> Result<u32, Error> {
        let entry = self.input.library.get(policy);
        let content = entry.and_then(|entry| entry.policy.as_ref());
        let spelled = content.map(spellings).unwrap_or_default();
        let hash = self.tables.maps.hasher.hash_one((content, &spelled));
        let documents = &self.tables.documents;
        let same = |&at: &u32| {
            let known = documents[at as usize].source.policy();
            known == content && known.map(spellings).unwrap_or_default() == spelled
        };
        let equal = self.contents.find(hash, same).filter(|_| self.tables.options.interning);
        if let Some(&document) = equal {
            return Ok(document);
        }
        let source = entry.cloned().map_or(DocumentSource::Poison, DocumentSource::Entry);
        let at = position(self.tables.documents.len());
        let DecisionTables { program, maps, options, .. } = &mut *self.tables;
        let mut interner = Interner { program, maps, shared_keys: None, options };
        let document = interner.document(source, self.input.catalog)?;
        self.tables.documents.push(document);
        self.tables.document_hashes.push(hash);
        let hashes = &self.tables.document_hashes;
        self.contents.insert_unique(hash, at, |&at| hashes[at as usize]);
        Ok(at)
    }

    fn push_set(&mut self, members: &[SetMember], n_nodes: u16) {
        let tables = &mut *self.tables;
        let is_poison = |member: &SetMember| {
            tables.documents[member.document as usize].source.policy().is_none()
        };
        let poison = members.iter().zip(0..).find(|(member, _)| is_poison(member));
        let poison = poison.map(|(_, at)| at);
        let places = self.places.get(&(members, n_nodes)).copied().flatten();
        let start = position(tables.members.len());
        tables.members.extend_from_slice(members);
        let members = Part { start, end: position(tables.members.len()) };
        tables.sets.push(PolicySet { members, n_nodes, poison, places });
    }
}

/// Whether a document is still what the library has under its id. Equal contents in another
/// entry are found by their hash.
fn is_same(source: &DocumentSource, entry: Option<&Arc<LibraryEntry>>) -> bool {
    match (source, entry) {
        (DocumentSource::Entry(known), Some(entry)) => Arc::ptr_eq(known, entry),
        (DocumentSource::Poison, None) => true,
        _ => false,
    }
}
