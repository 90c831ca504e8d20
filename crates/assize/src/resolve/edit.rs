//! Rows of a world that is not: documents replaced in the policy sets of single rows, or added to
//! them, to see what a change would do. The shared tables stay as they are.

use std::collections::BTreeMap;

use assize_compiler::{DocumentRef, DocumentSource, Frame, StatementPlace};
use assize_model::{ArnParts, ConditionKey, ContextValue, Layer, PolicyId, RequestError};
use assize_policy::ir::Policy;

use super::action::ActionRule;
use super::{DocumentHandle, Resolver, Run, Shape};
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
pub(crate) struct ChangedWorld {
    /// Documents with what they say instead.
    pub(crate) replaced: BTreeMap<DocumentKey, Policy>,
    /// Documents beside those of a layer.
    pub(crate) added: Vec<AddedPolicy>,
    /// Tags of the caller: the name, and the value if it has one.
    pub(crate) principal_tags: Vec<(Box<str>, Option<Box<str>>)>,
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

/// What the keys of the caller's tags begin with (E-15).
pub(crate) const PRINCIPAL_TAG: &str = "aws:PrincipalTag/";

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

    /// Whether the resource of a row can have policies that the action hears: what has no ARN, or
    /// stands for many, has none, and IAM's own resources have none but the trust policy of a role (E-95).
    pub(crate) fn may_have_policies(&self, row: usize) -> bool {
        let action = &self.actions[self.rows.resolved_action[row] as usize];
        let resource = &self.resources[self.rows.resolved_resource[row] as usize];
        let is_of_iam = ArnParts::split(&resource.text).is_some_and(|arn| arn.service == "iam");
        let is_heard = action.rule != ActionRule::SearchDomain
            && (!is_of_iam || resource.is_assumed_by(action.rule));
        // An object has the policies of its bucket.
        let is_one = resource.shape == Shape::S3Object || !resource.text.contains(['*', '?']);
        resource.shape != Shape::Star && !action.rule.is_iam() && is_heard && is_one
    }

    /// Puts changed documents into the sets of the rows of a request, and tags on its caller.
    pub(crate) fn change_rows(
        &mut self,
        run: Run,
        changes: &ChangedWorld,
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
        for (tag, value) in &changes.principal_tags {
            self.tag_caller(run, tag, value.as_deref())?;
        }
        Ok(())
    }

    /// The rows of a request with a tag of its caller set or taken away.
    fn tag_caller(&mut self, run: Run, tag: &str, value: Option<&str>) -> Result<(), RequestError> {
        let key = ConditionKey::new(&format!("{PRINCIPAL_TAG}{tag}"));
        let value = value.map(|value| ContextValue::Single(value.into()));
        let caller = self.rows.principal[run.start as usize] as usize;
        let mut tagged = self.principals[caller].clone();
        let mut entry = self.principal_entries.get(caller).cloned().expect(super::NUMBERED);
        tagged.derived = tagged.derived.with(key, value);
        let keys: Vec<_> = tagged.derived.iter().cloned().collect();
        entry.constants = self.constants(&keys);
        let index = super::next_index(self.principals.len(), "principals")?;
        self.principals.push(tagged);
        self.principal_entries.push(entry);
        for row in run.range() {
            // A check of a service that a role is passed to has another caller (E-96).
            if self.rows.principal[row] as usize == caller {
                self.rows.principal[row] = index;
            }
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
        if self.is_partial {
            let best = self.best_frame_of(row);
            let (builtin_refusal, refusal) = (best.builtin_refusal, best.refusal);
            let best = Frame { builtin_refusal, refusal, ..frame.clone() };
            self.partial.best_frame[row] = self.intern_frame(best)?;
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
