//! Rows of a world that is not: documents replaced in the policy sets of single rows, or added to
//! them, to see what a change would do. The shared tables stay as they are.

use std::collections::BTreeMap;

use assize_compiler::{DocumentRef, DocumentSource, StatementPlace};
use assize_model::{Layer, PolicyId, RequestError};
use assize_policy::ir::Policy;

use super::{DocumentHandle, Resolver, Run};
use crate::batch::document;

/// A document, whichever sets it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DocumentKey {
    /// One of the snapshot.
    Stored(PolicyId),
    /// One that came with a request.
    Given(u32),
}

/// What is other than in the snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChangedPolicies {
    /// Documents with what they say instead.
    pub(crate) replaced: BTreeMap<DocumentKey, Policy>,
    /// Documents beside those of a layer.
    pub(crate) added: Vec<AddedPolicy>,
}

/// A document that a layer of one row has beside its own.
#[derive(Debug, Clone)]
pub(crate) struct AddedPolicy {
    pub(crate) layer: Layer,
    /// The node of a path.
    pub(crate) node: u16,
    /// The check it is for, and with it those on the same resource by the same principal.
    pub(crate) check: u32,
    pub(crate) policy: Policy,
}

/// The layers that have documents.
const LAYERS: [Layer; 7] = [
    Layer::ResourceControl,
    Layer::ServiceControl,
    Layer::VpcEndpoint,
    Layer::Resource,
    Layer::Identity,
    Layer::Boundary,
    Layer::Session,
];

impl Resolver<'_> {
    /// The document behind a handle, the same for all handles of it.
    pub(crate) fn document_key(&self, handle: DocumentHandle) -> DocumentKey {
        match handle {
            DocumentHandle::Stored { policy, .. } => DocumentKey::Stored(policy),
            DocumentHandle::Given(index) => {
                self.given_id(index).map_or(DocumentKey::Given(index), DocumentKey::Stored)
            }
        }
    }

    /// Puts changed documents into the sets of the rows of a request.
    pub(crate) fn change_rows(
        &mut self,
        run: Run,
        changes: &ChangedPolicies,
    ) -> Result<(), RequestError> {
        let mut replaced = BTreeMap::new();
        for (key, policy) in &changes.replaced {
            replaced.insert(*key, self.changed_document(policy)?);
        }
        let mut added = Vec::with_capacity(changes.added.len());
        for policy in &changes.added {
            added.push((policy, self.changed_document(&policy.policy)?));
        }
        for row in run.range() {
            self.change_row(run, row, &replaced, &added)?;
        }
        Ok(())
    }

    fn changed_document(&mut self, policy: &Policy) -> Result<DocumentRef, RequestError> {
        self.overlay_document(DocumentSource::Policy(policy.clone().into()))
    }

    fn change_row(
        &mut self,
        run: Run,
        row: usize,
        replaced: &BTreeMap<DocumentKey, DocumentRef>,
        added: &[(&AddedPolicy, DocumentRef)],
    ) -> Result<(), RequestError> {
        let mut frame = self.frame_of(row).clone();
        let engine = self.engine;
        for layer in LAYERS {
            let set = frame.policy_set(layer);
            let n_documents =
                set.map_or(0, |set| engine.tables.n_documents_of(Some(&self.overlay), set));
            let places = (0..n_documents).filter_map(|at| u16::try_from(at).ok());
            let own: Vec<(u16, DocumentRef)> = places
                .filter_map(|at| {
                    let place = StatementPlace { in_grants: false, document: at, statement: None };
                    let handle = document(self, row, layer, place)?;
                    Some((at, *replaced.get(&self.document_key(handle))?))
                })
                .collect();
            let more: Vec<(DocumentRef, u16)> = added
                .iter()
                .filter(|(policy, _)| policy.layer == layer && self.concerns(policy, run, row))
                .map(|(policy, document)| (*document, policy.node))
                .collect();
            if !own.is_empty() || !more.is_empty() {
                let changed = self.overlay.add_changed_set(&engine.tables, set, &own, &more);
                frame.put_policy_set(layer, changed.map_err(super::policies::over_limit)?);
            }
        }
        self.rows.frame[row] = self.intern_frame(frame)?;
        Ok(())
    }

    /// Whether an added document is one of a row: it stands on one side of one check.
    fn concerns(&self, added: &AddedPolicy, run: Run, row: usize) -> bool {
        let of = run.start as usize + added.check as usize;
        let is_same_principal = self.rows.principal.get(of) == self.rows.principal.get(row);
        let is_same_resource = self.resource_text_of(of) == self.resource_text_of(row);
        match added.layer {
            Layer::Resource | Layer::ResourceControl => is_same_resource,
            Layer::VpcEndpoint => true,
            _ => is_same_principal,
        }
    }
}
