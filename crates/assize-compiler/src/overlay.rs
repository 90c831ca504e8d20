//! What comes with requests: policies beside the tables, and actions that the catalog lacks.
//!
//! The shared tables never change. An overlay has documents and sets of its own, which may hold
//! documents of the tables too; its sets, and all sets for unknown actions, are matched by
//! cells that deciding makes when it first needs them.

use assize_catalog::Catalog;
use assize_model::{ActionName, ServicePrefix};
use hashbrown::HashMap;

use crate::budget::{
    CompileOptions, Error, ErrorKind, MAX_DOCUMENTS, MAX_OVERLAY_ACTIONS, MAX_SETS,
};
use crate::columns::{ActionRef, KeyId, KeyScope, OVERLAY_BIT, SetRef};
use crate::intern::{Document, DocumentSource, Interner, Maps, position};
use crate::program::{Part, Program};
use crate::tables::{DecisionTables, DocumentRef, PolicySet, SetMember};

/// Policies and actions beside the shared tables: session policies, policies in resource data,
/// inline principals, grants, actions that the catalog lacks.
///
/// An overlay belongs to one pair of tables and catalog, which its methods are given each time.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    pub(crate) program: Program,
    maps: Maps,
    pub(crate) documents: Vec<Document>,
    pub(crate) sets: Vec<PolicySet>,
    pub(crate) members: Vec<SetMember>,
    known_sets: HashMap<(Vec<SetMember>, u16), u32>,
    pub(crate) actions: Vec<UnknownAction>,
    known_actions: HashMap<UnknownAction, u32>,
}

/// An action that the catalog lacks, in lower case; it is decided from its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct UnknownAction {
    pub(crate) service: Box<str>,
    pub(crate) name: Box<str>,
}

impl Overlay {
    /// An empty overlay.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document. Add each distinct text once: documents are not compared.
    ///
    /// # Errors
    /// When the document has too many statements.
    pub fn add_policy(
        &mut self,
        tables: &DecisionTables,
        catalog: &Catalog,
        policy: impl Into<DocumentSource>,
    ) -> Result<DocumentRef, Error> {
        let mut interner = Interner {
            program: &mut self.program,
            maps: &mut self.maps,
            shared_keys: Some(&tables.maps.keys),
            options: &tables.options,
        };
        let document = interner.document(policy.into(), catalog)?;
        let at = position(self.documents.len());
        self.documents.push(document);
        Ok(DocumentRef(at | OVERLAY_BIT))
    }

    /// The set of some documents, in the order of E-102. Equal sets are one set.
    ///
    /// # Errors
    /// When there are too many documents or sets.
    pub fn add_set(
        &mut self,
        tables: &DecisionTables,
        documents: &[DocumentRef],
    ) -> Result<SetRef, Error> {
        self.add_set_of_nodes(tables, documents.iter().map(|&document| (document, 0)), 1)
    }

    /// The set of documents that are attached to the nodes of a path (E-35).
    ///
    /// # Errors
    /// When there are too many documents or sets.
    pub fn add_set_of_nodes(
        &mut self,
        tables: &DecisionTables,
        documents: impl IntoIterator<Item = (DocumentRef, u16)>,
        n_nodes: u16,
    ) -> Result<SetRef, Error> {
        let documents = documents.into_iter();
        let members: Vec<SetMember> =
            documents.map(|(document, node)| SetMember { document: document.0, node }).collect();
        if members.len() > MAX_DOCUMENTS {
            return Err(Error::new(ErrorKind::TooManyDocuments { limit: MAX_DOCUMENTS }));
        }
        if self.sets.len() >= MAX_SETS {
            return Err(Error::new(ErrorKind::TooManySets { limit: MAX_SETS }));
        }
        let key = (members, n_nodes.max(1));
        if let Some(&at) = self.known_sets.get(&key) {
            return Ok(SetRef(at | OVERLAY_BIT));
        }
        let is_poison = |member: &SetMember| {
            let document = tables.member(Some(self), *member);
            document.is_none_or(|(document, _)| document.source.policy().is_none())
        };
        let poison = key.0.iter().zip(0..).find(|(member, _)| is_poison(member)).map(|(_, at)| at);
        let start = position(self.members.len());
        self.members.extend_from_slice(&key.0);
        let members = Part { start, end: position(self.members.len()) };
        let at = position(self.sets.len());
        self.sets.push(PolicySet { members, n_nodes: key.1, poison, places: None });
        self.known_sets.insert(key, at);
        Ok(SetRef(at | OVERLAY_BIT))
    }

    /// A set with other documents in some of its places, and with more documents, each at a node,
    /// behind them: what the set would be after a change. Without a set, one of these documents.
    ///
    /// # Errors
    /// When there are too many documents or sets.
    pub fn add_changed_set(
        &mut self,
        tables: &DecisionTables,
        set: Option<SetRef>,
        replaced: &[(u16, DocumentRef)],
        added: &[(DocumentRef, u16)],
    ) -> Result<SetRef, Error> {
        let view = set.map(|set| tables.set(Some(self), set));
        let n_nodes = view.as_ref().map_or(1, |view| view.n_nodes);
        let members = view.map(|view| view.members).unwrap_or_default();
        let mut documents: Vec<(DocumentRef, u16)> =
            members.iter().map(|member| (DocumentRef(member.document), member.node)).collect();
        for &(at, document) in replaced {
            if let Some(place) = documents.get_mut(usize::from(at)) {
                place.0 = document;
            }
        }
        documents.extend_from_slice(added);
        self.add_set_of_nodes(tables, documents, n_nodes)
    }

    /// An action that the catalog lacks. Equal actions are one action.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add_action(
        &mut self,
        service: &ServicePrefix,
        name: &ActionName,
    ) -> Result<ActionRef, Error> {
        let action = UnknownAction { service: service.as_str().into(), name: name.as_str().into() };
        if let Some(&at) = self.known_actions.get(&action) {
            return Ok(ActionRef(at | OVERLAY_BIT));
        }
        if self.actions.len() >= MAX_OVERLAY_ACTIONS {
            return Err(Error::new(ErrorKind::TooManyActions { limit: MAX_OVERLAY_ACTIONS }));
        }
        let at = position(self.actions.len());
        self.actions.push(action.clone());
        self.known_actions.insert(action, at);
        Ok(ActionRef(at | OVERLAY_BIT))
    }

    /// The key of a folded name, if the tables or the overlay ask about it.
    pub fn key(&self, tables: &DecisionTables, folded: &str) -> Option<KeyId> {
        tables.key(folded).or_else(|| self.maps.keys.get(folded).copied().map(KeyId))
    }

    /// The keys that only the overlay asks about; their ids follow those of the tables.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (KeyId, &str, KeyScope)> {
        let keys = self.program.keys.iter().zip(&self.program.scopes);
        keys.map(|(key, scope)| {
            let id = self.maps.keys.get(key).copied().unwrap_or(u32::MAX);
            (KeyId(id), &**key, *scope)
        })
    }

    /// The number of documents.
    pub fn n_documents(&self) -> usize {
        self.documents.len()
    }

    /// Forgets everything; references into it must not be used any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn action(&self, action: ActionRef) -> Option<&UnknownAction> {
        self.actions.get(action.overlay_index()?)
    }
}

impl DecisionTables {
    /// The number of documents in a set.
    pub fn n_documents_of(&self, overlay: Option<&Overlay>, set: SetRef) -> usize {
        self.set(overlay, set).members.len()
    }

    /// The passes the tables were made with.
    pub fn options(&self) -> &CompileOptions {
        &self.options
    }
}
