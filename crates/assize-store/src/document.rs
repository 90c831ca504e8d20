//! The documents of a snapshot by their ids.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Weak};

use assize_model::{ArnParts, Id, PolicyId, PolicyType};

use crate::{Document, DocumentText, Error, ErrorKind};

/// The kinds of identity that have inline policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    User,
    Group,
    Role,
}

impl IdentityKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

/// The place a document is held at: it decides the document's reference and type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'a> {
    Inline { kind: IdentityKind, name: &'a str, policy: &'a str },
    Trust { role_arn: &'a str },
    Managed { arn: &'a str },
    Organization { id: &'a str, resource_control: bool },
    Resource { arn: &'a str, position: usize },
    Endpoint { id: &'a str, gateway: bool },
}

impl Slot<'_> {
    /// The statement reference (E-101).
    fn reference(self) -> Box<str> {
        match self {
            Self::Inline { kind, name, policy } => {
                format!("inline:{}/{name}/{policy}", kind.word()).into()
            }
            Self::Trust { role_arn } => format!("trust:{role_arn}").into(),
            Self::Managed { arn } => arn.into(),
            Self::Organization { id, resource_control: false } => format!("scp:{id}").into(),
            Self::Organization { id, resource_control: true } => format!("rcp:{id}").into(),
            Self::Resource { arn, position } => format!("resource:{arn}#{position}").into(),
            Self::Endpoint { id, .. } => format!("vpce:{id}").into(),
        }
    }

    fn policy_type(self) -> PolicyType {
        match self {
            Self::Inline { .. } => PolicyType::InlineIdentity,
            Self::Trust { .. } => PolicyType::RoleTrust,
            Self::Managed { .. } => PolicyType::ManagedIdentity,
            Self::Organization { resource_control: false, .. } => PolicyType::ServiceControl,
            Self::Organization { resource_control: true, .. } => PolicyType::ResourceControl,
            Self::Resource { .. } => PolicyType::ResourceBased,
            Self::Endpoint { .. } => PolicyType::VpcEndpoint,
        }
    }

    /// The document at this place; without a text, the placeholder of an unresolved reference.
    pub(crate) fn document(self, text: Option<DocumentText>) -> Document {
        let resource = match self {
            Self::Resource { arn, .. } => ArnParts::split(arn).map(|parts| (arn, parts.service)),
            _ => None,
        };
        let api = resource.filter(|(_, service)| *service == "execute-api");
        let (text, origin) = text.map_or((None, None), |text| (Some(text.text), text.origin));
        Document {
            reference: self.reference(),
            policy_type: self.policy_type(),
            service: resource.map(|(_, service)| service.into()),
            api: api.map(|(arn, _)| arn.into()),
            gateway: matches!(self, Self::Endpoint { gateway: true, .. }),
            text,
            origin,
        }
    }
}

/// Ids of one chunk of a [`DocumentTable`].
const CHUNK_IDS: usize = 1_024;

#[derive(Debug, Clone, Default)]
struct Chunk {
    documents: Vec<Option<Arc<Document>>>,
    n_live: usize,
}

/// Documents by id, in chunks that snapshots share. Ids are handed out in order and never again
/// (invariant of a lineage), so the id of a document that is gone finds nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct DocumentTable {
    chunks: Vec<Arc<Chunk>>,
    n_ids: usize,
}

impl DocumentTable {
    pub(crate) fn get(&self, id: PolicyId) -> Option<&Arc<Document>> {
        let chunk = self.chunks.get(id.index() / CHUNK_IDS)?;
        chunk.documents.get(id.index() % CHUNK_IDS)?.as_ref()
    }

    pub(crate) fn reference(&self, id: PolicyId) -> &str {
        self.get(id).map_or("", |document| &document.reference)
    }

    /// Checks that so many more documents have ids.
    pub(crate) fn check_room(&self, n_documents: usize) -> Result<(), Error> {
        match PolicyId::try_from_index(self.n_ids.saturating_add(n_documents)) {
            Some(_) => Ok(()),
            None => {
                Err(Error::new(ErrorKind::TooManyDocuments, "the store has run out of policy ids"))
            }
        }
    }

    /// Adds a document. The caller has asked [`DocumentTable::check_room`].
    pub(crate) fn push(&mut self, document: Arc<Document>) -> PolicyId {
        let id = PolicyId::from_index(self.n_ids);
        if self.n_ids.is_multiple_of(CHUNK_IDS) {
            self.chunks.push(Arc::default());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            let chunk = Arc::make_mut(chunk);
            // A chunk whose documents are all gone has given its slots back.
            chunk.documents.resize(self.n_ids % CHUNK_IDS, None);
            chunk.documents.push(Some(document));
            chunk.n_live += 1;
        }
        self.n_ids += 1;
        id
    }

    pub(crate) fn remove(&mut self, id: PolicyId) -> Option<Arc<Document>> {
        self.get(id)?;
        let chunk = Arc::make_mut(self.chunks.get_mut(id.index() / CHUNK_IDS)?);
        let document = chunk.documents.get_mut(id.index() % CHUNK_IDS)?.take();
        chunk.n_live -= 1;
        if chunk.n_live == 0 {
            *chunk = Chunk::default();
        }
        document
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PolicyId, &Document)> {
        self.chunks.iter().enumerate().flat_map(|(at, chunk)| {
            chunk.documents.iter().enumerate().filter_map(move |(offset, document)| {
                let id = PolicyId::try_from_index(at * CHUNK_IDS + offset)?;
                Some((id, document.as_deref()?))
            })
        })
    }
}

/// Shards of a [`TextTable`].
const N_SHARDS: usize = 1_024;

/// `DefaultHasher` without random keys, so that runs are repeatable.
type TextShard = HashMap<u64, Weak<str>, BuildHasherDefault<DefaultHasher>>;

/// Finds the shared text of equal documents. Two texts of one hash are not shared; that costs
/// memory and nothing else.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextTable {
    shards: Vec<Arc<TextShard>>,
}

impl TextTable {
    /// The text that equal documents already have, or this one.
    pub(crate) fn share(&mut self, text: Arc<str>) -> Arc<str> {
        let mut hasher = DefaultHasher::default();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if self.shards.is_empty() {
            self.shards.resize_with(N_SHARDS, Arc::default);
        }
        let at = usize::try_from(hash % N_SHARDS as u64).unwrap_or_default();
        let Some(shard) = self.shards.get_mut(at) else { return text };
        if let Some(shared) = shard.get(&hash).and_then(Weak::upgrade) {
            return if shared == text { shared } else { text };
        }
        let shard = Arc::make_mut(shard);
        if shard.len() == shard.capacity() {
            shard.retain(|_, text| text.strong_count() > 0);
        }
        shard.insert(hash, Arc::downgrade(&text));
        text
    }
}

/// The documents of what a change replaces, to go on under their ids where they stay.
#[derive(Debug, Default)]
pub(crate) struct Replaced {
    documents: Vec<(Arc<Document>, Option<PolicyId>)>,
}

impl Replaced {
    pub(crate) fn new(table: &DocumentTable, ids: impl IntoIterator<Item = PolicyId>) -> Self {
        let mut documents: Vec<_> =
            ids.into_iter().filter_map(|id| Some((Arc::clone(table.get(id)?), Some(id)))).collect();
        documents.sort_by(|a, b| a.0.reference.cmp(&b.0.reference));
        Self { documents }
    }

    /// The id of an equal document that no other one has taken yet.
    pub(crate) fn take(&mut self, document: &Document) -> Option<PolicyId> {
        let first = self.documents.partition_point(|(old, _)| old.reference < document.reference);
        self.documents
            .get_mut(first..)?
            .iter_mut()
            .take_while(|(old, _)| old.reference == document.reference)
            .find(|(old, id)| id.is_some() && **old == *document)?
            .1
            .take()
    }

    /// The ids nobody took.
    pub(crate) fn into_rest(self) -> impl Iterator<Item = PolicyId> {
        self.documents.into_iter().filter_map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(n: usize) -> Arc<Document> {
        let arn = format!("arn:aws:s3:::b{n}");
        let slot = Slot::Resource { arn: &arn, position: 0 };
        Arc::new(slot.document(Some(DocumentText::new("{}"))))
    }

    #[test]
    fn ids_are_never_reused() {
        let mut table = DocumentTable::default();
        let ids: Vec<_> = (0..3 * CHUNK_IDS + 7).map(|n| table.push(document(n))).collect();
        for &id in &ids {
            assert!(table.remove(id).is_some());
        }
        assert_eq!(table.iter().count(), 0);
        let next = table.push(document(9));
        assert_eq!(next.index(), ids.len());
        assert_eq!(table.iter().map(|(id, _)| id).collect::<Vec<_>>(), [next]);
        assert!(ids.iter().all(|&id| table.get(id).is_none()));
    }

    #[test]
    fn equal_texts_are_one() {
        let mut table = TextTable::default();
        let first = table.share("{}".into());
        let second = table.share("{}".into());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(&*table.share("[]".into()), "[]");
    }

    #[test]
    fn references_are_those_of_e_101() {
        let text = |slot: Slot<'_>| slot.reference().into_string();
        let inline = Slot::Inline { kind: IdentityKind::Role, name: "R", policy: "p" };
        assert_eq!(text(inline), "inline:role/R/p");
        assert_eq!(text(Slot::Organization { id: "p-x", resource_control: true }), "rcp:p-x");
        let slot = Slot::Resource { arn: "arn:aws:s3:::b", position: 1 };
        assert_eq!(text(slot), "resource:arn:aws:s3:::b#1");
        assert_eq!(slot.document(None).service.as_deref(), Some("s3"));
    }
}
