//! Equal documents are one document, equal sets one set.

use assize_model::PolicyId;
use assize_policy::ir::{Operand, Piece, Policy, ResourceElement, ResourcePattern};
use hashbrown::HashMap;

use super::{Document, DocumentSource, Interner, position};
use crate::budget::{Error, ErrorKind, MAX_DOCUMENTS, MAX_SETS};
use crate::columns::PolicySetId;
use crate::program::Part;
use crate::tables::{PolicySet, SetMember};
use crate::{CompileInput, PolicySetSpec, SetDocument};

/// Documents and sets, each distinct one once, in the order in which they first come.
#[derive(Debug, Default)]
pub(crate) struct JoinedSets {
    pub(crate) documents: Vec<Document>,
    /// The documents by their ids in the library, sorted.
    pub(crate) policies: Vec<(PolicyId, u32)>,
    pub(crate) sets: Vec<PolicySet>,
    pub(crate) members: Vec<SetMember>,
}

/// What is known already.
#[derive(Debug, Default)]
struct Known<'a> {
    /// Documents by id.
    policies: HashMap<PolicyId, u32>,
    /// Documents by what they say and how they spell their keys, which explanations repeat; those
    /// that do not load are one.
    contents: HashMap<(Option<&'a Policy>, Vec<&'a str>), u32>,
    sets: HashMap<(Vec<SetMember>, u16), u32>,
}

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

impl JoinedSets {
    /// Lowers the documents of an input and joins its sets. Gives the set of each spec.
    pub(crate) fn join(
        &mut self,
        input: CompileInput<'_>,
        mut interner: Interner<'_>,
    ) -> Result<Vec<PolicySetId>, Error> {
        let mut known = Known::default();
        let specs = input.sets.iter();
        let ids = specs.map(|spec| self.set(input, spec, &mut known, &mut interner));
        let ids = ids.collect::<Result<_, _>>()?;
        self.policies.sort_unstable();
        Ok(ids)
    }

    fn set<'a>(
        &mut self,
        input: CompileInput<'a>,
        spec: &PolicySetSpec,
        known: &mut Known<'a>,
        interner: &mut Interner<'_>,
    ) -> Result<PolicySetId, Error> {
        if spec.documents.len() > MAX_DOCUMENTS {
            return Err(Error::new(ErrorKind::TooManyDocuments { limit: MAX_DOCUMENTS }));
        }
        let n_nodes = spec.n_nodes.max(1);
        let mut members = Vec::with_capacity(spec.documents.len());
        for &SetDocument { policy, node } in &spec.documents {
            let document = self.document(input, policy, known, interner)?;
            members.push(SetMember { document, node: if n_nodes == 1 { 0 } else { node } });
        }
        let key = (members, n_nodes);
        if let Some(&set) = known.sets.get(&key).filter(|_| interner.options.interning) {
            return Ok(PolicySetId(set));
        }
        if self.sets.len() >= MAX_SETS {
            return Err(Error::new(ErrorKind::TooManySets { limit: MAX_SETS }));
        }
        let set = position(self.sets.len());
        self.push_set(&key.0, n_nodes);
        known.sets.insert(key, set);
        Ok(PolicySetId(set))
    }

    fn document<'a>(
        &mut self,
        input: CompileInput<'a>,
        policy: PolicyId,
        known: &mut Known<'a>,
        interner: &mut Interner<'_>,
    ) -> Result<u32, Error> {
        if let Some(&document) = known.policies.get(&policy) {
            return Ok(document);
        }
        let entry = input.library.get(policy);
        let content = entry.and_then(|entry| entry.policy.as_ref());
        let content = (content, content.map(spellings).unwrap_or_default());
        let equal = known.contents.get(&content).copied().filter(|_| interner.options.interning);
        let document = if let Some(document) = equal {
            document
        } else {
            let source = entry.cloned().map_or(DocumentSource::Poison, DocumentSource::Entry);
            let document = position(self.documents.len());
            self.documents.push(interner.document(source, input.catalog)?);
            known.contents.insert(content, document);
            document
        };
        known.policies.insert(policy, document);
        self.policies.push((policy, document));
        Ok(document)
    }

    fn push_set(&mut self, members: &[SetMember], n_nodes: u16) {
        let is_poison =
            |member: &SetMember| self.documents[member.document as usize].source.policy().is_none();
        let poison = members.iter().zip(0..).find(|(member, _)| is_poison(member));
        let poison = poison.map(|(_, at)| at);
        let start = position(self.members.len());
        self.members.extend_from_slice(members);
        let members = Part { start, end: position(self.members.len()) };
        self.sets.push(PolicySet { members, n_nodes, poison, places: None });
    }
}
