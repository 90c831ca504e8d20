//! What the files of an organization say, put together: its tree, and what is attached where
//! (I-45, I-46).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize_model::{AccountId, did_you_mean};

use super::{Draft, PolicyDraft, Stated, Type};
use crate::builtin::{FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS_ID, builtin_organization_policy};
use crate::edit::{tree, unresolved};
use crate::identifier::is_id;
use crate::import::source::Place;
use crate::import::{ImportOptions, Log, quota};
use crate::{
    Diagnostic, DiagnosticCode, DiagnosticLevel, DocumentText, Organization, OrganizationNode,
    OrganizationPolicy, OrganizationalUnit, StoreChange,
};

/// Characters that two letters in wrong order make different.
const MAX_SLIPS: usize = 2;

impl Draft {
    /// The organization, when the files make one. It is one record: an account that was left out
    /// of the tree would be free of its SCPs.
    pub(in crate::import) fn finish(
        mut self,
        options: &ImportOptions<'_>,
        log: &mut Log,
    ) -> Option<StoreChange> {
        let place = self.place.take()?;
        let (Some(id), Some(management_account), Some(root_id)) =
            (self.id.clone(), self.management_account, self.root_id.clone())
        else {
            let message = "the files do not make an organization: the outputs of \
                           `describe-organization` and `list-roots` are needed";
            incomplete(&place, message, log);
            return None;
        };
        self.lists.values().flatten().for_each(|token| log.push_truncated(token));
        let under_root = || Stated { value: root_id.clone(), place: place.clone() };
        self.parents.entry(management_account.as_str().into()).or_insert_with(under_root);
        self.accounts.insert(management_account);
        let is_enabled = |policy_type| {
            self.consolidated_billing != Some(true) && self.enabled.contains(&policy_type)
        };
        let (scp_enabled, rcp_enabled) =
            (is_enabled(Type::ServiceControl), is_enabled(Type::ResourceControl));
        let nodes = self.nodes(&root_id, options, &place, log);
        self.report_missing(&nodes, log);
        self.report_conflicts(log);
        let mut organization = Organization {
            id,
            management_account,
            root_id,
            scp_enabled,
            rcp_enabled,
            delegated_administrators: std::mem::take(&mut self.delegated),
            policies: self.documents(&place, log),
            nodes,
        };
        tree::complete(&mut organization);
        if let Err(error) = tree::check(&organization) {
            incomplete(&place, &error.to_string(), log);
            return None;
        }
        for message in quota::organization(&organization) {
            log.push(&place, DiagnosticLevel::Warning, DiagnosticCode::QuotaExceeded, message);
        }
        Some(StoreChange::PutOrganization(organization))
    }

    fn nodes(
        &self,
        root_id: &str,
        options: &ImportOptions<'_>,
        place: &Place,
        log: &mut Log,
    ) -> BTreeMap<Box<str>, OrganizationNode> {
        let accounts = self.accounts.iter().map(|account| Box::from(account.as_str()));
        let ids = std::iter::once(Box::from(root_id)).chain(self.units.keys().cloned());
        let mut nodes = BTreeMap::new();
        let mut n_without_rcp = 0_usize;
        for id in ids.chain(accounts) {
            let scps = self.scps(&id, options, place, log);
            let rcps = self.attached_to(&id, Type::ResourceControl);
            let is_listed = self.is_listed(&id, Type::ResourceControl);
            let is_missing = !rcps.iter().any(|rcp| **rcp == *RCP_FULL_AWS_ACCESS_ID);
            n_without_rcp += usize::from(is_listed && is_missing);
            let node = OrganizationNode {
                parent: self.parents.get(&id).map(|parent| parent.value.clone()),
                unit: self.units.get(&id).map(|name| OrganizationalUnit { name: name.clone() }),
                scps,
                rcps,
            };
            nodes.insert(id, node);
        }
        if n_without_rcp > 0 && self.enabled.contains(&Type::ResourceControl) {
            log.push(
                place,
                DiagnosticLevel::Note,
                DiagnosticCode::RcpFullAccessAdded,
                format_args!("`RCPFullAWSAccess` was attached to {n_without_rcp} nodes without it"),
            );
        }
        nodes
    }

    /// A node that policies are on and that the tree does not hold: what is attached to it and
    /// above it would be lost, denies included.
    fn report_missing(&self, nodes: &BTreeMap<Box<str>, OrganizationNode>, log: &mut Log) {
        for (id, place) in self.named.iter().filter(|(id, _)| !nodes.contains_key(*id)) {
            let needed = if id.parse::<AccountId>().is_ok() {
                "the output of `list-accounts-for-parent` that lists it, or of `list-parents` for \
                 it, is needed"
            } else if is_id(id, "ou-", &[4..=32, 8..=32]) {
                "the output of `list-organizational-units-for-parent` that lists it is needed"
            } else {
                "it is no id of a root, OU or account of the organization"
            };
            let near = nodes.keys().find(|known| is_near(id, known));
            let hint = did_you_mean(near);
            let message = format!("`{id}` stands nowhere in the tree: {needed}{hint}");
            let error =
                Diagnostic::new(DiagnosticLevel::Error, DiagnosticCode::MissingNode, message);
            log.diagnostics.push(place.clone().put(error.about(id)));
        }
    }

    /// The list of a policy's targets and that of a target's policies say the same of both, but in
    /// exports of different days: one may name what was detached since, or lack what was attached.
    fn report_conflicts(&self, log: &mut Log) {
        let typed = |(node, policy): &(Box<str>, Box<str>)| {
            let of_type = self.type_of(policy)?;
            Some((node.clone(), of_type))
        };
        let by_target = self.attached.iter().filter(|(_, attached)| attached.by_target.is_some());
        // An empty list does not say of which type.
        let listed: BTreeSet<_> = by_target.filter_map(|(pair, _)| typed(pair)).collect();
        for (pair, attached) in &self.attached {
            let (node, policy) = pair;
            let (place, lacking) = match (&attached.by_policy, &attached.by_target) {
                (Some(place), None) if typed(pair).is_some_and(|of| listed.contains(&of)) => {
                    (place, "policies of the target")
                }
                (None, Some(place))
                    if self.listed_policies.contains(policy) && typed(pair).is_some() =>
                {
                    (place, "targets of the policy")
                }
                _ => continue,
            };
            let message =
                format_args!("`{policy}` is on `{node}` here and not in the list of the {lacking}");
            let code = DiagnosticCode::ConflictingRecords;
            log.push(place, DiagnosticLevel::Error, code, message);
        }
    }

    fn type_of(&self, policy: &str) -> Option<Type> {
        let stated = self.policies.get(policy).and_then(PolicyDraft::policy_type);
        stated.or_else(|| {
            let builtin = builtin_organization_policy(policy)?;
            Some(if builtin.resource_control {
                Type::ResourceControl
            } else {
                Type::ServiceControl
            })
        })
    }

    fn attached_to(&self, node: &str, policy_type: Type) -> Vec<Box<str>> {
        self.attached
            .keys()
            .filter(|(target, policy)| **target == *node && self.belongs(policy, policy_type))
            .map(|(_, policy)| policy.clone())
            .collect()
    }

    /// A policy of unknown type counts as an SCP: it has no document and denies (E-112).
    fn belongs(&self, policy: &str, policy_type: Type) -> bool {
        if self.policies.get(policy).is_some_and(PolicyDraft::is_ignored) {
            return false;
        }
        self.type_of(policy).unwrap_or(Type::ServiceControl) == policy_type
    }

    /// Whether the files give all policies of a type on a node: its own list, or the targets of
    /// every policy of the type. Every organization has the one of AWS that allows everything, so
    /// without its targets some are missing.
    fn is_listed(&self, node: &str, policy_type: Type) -> bool {
        let mut all = self.policies.keys().filter(|id| self.type_of(id) == Some(policy_type));
        self.listed_nodes.contains(&(node.into(), policy_type))
            || (self.listed_policies.contains(policy_type.full_access())
                && all.all(|id| self.listed_policies.contains(id)))
    }

    /// The SCPs on a node (I-46).
    fn scps(
        &self,
        id: &str,
        options: &ImportOptions<'_>,
        place: &Place,
        log: &mut Log,
    ) -> Vec<Box<str>> {
        let mut scps = self.attached_to(id, Type::ServiceControl);
        let is_listed = self.is_listed(id, Type::ServiceControl);
        if !self.enabled.contains(&Type::ServiceControl) || is_listed && !scps.is_empty() {
            return scps;
        }
        let has_full_access = scps.iter().any(|scp| **scp == *FULL_AWS_ACCESS_ID);
        let unlisted = |effect| format!("no file gives the list of SCPs on `{id}`: {effect}");
        let message = if is_listed {
            format!("the list of SCPs on `{id}` is empty, so everything below it is denied")
        } else if options.assume_full_access {
            if !has_full_access {
                scps.push(FULL_AWS_ACCESS_ID.into());
            }
            unlisted("`FullAWSAccess` is assumed")
        } else if scps.is_empty() {
            unlisted("it has none, so everything below it is denied")
        } else {
            unlisted("it has those that other files name")
        };
        let warning =
            Diagnostic::new(DiagnosticLevel::Warning, DiagnosticCode::MissingAttachments, message);
        log.diagnostics.push(place.clone().put(warning.about(id)));
        scps
    }

    /// The policies of the deciding types that are attached or described. One without a document
    /// is poison where it is attached.
    fn documents(
        &mut self,
        place: &Place,
        log: &mut Log,
    ) -> BTreeMap<Box<str>, Arc<OrganizationPolicy<DocumentText>>> {
        let attached: BTreeSet<Box<str>> =
            self.attached.keys().map(|(_, policy)| policy.clone()).collect();
        for id in &attached {
            self.policies.entry(id.clone()).or_default();
        }
        let mut policies = BTreeMap::new();
        for (id, draft) in std::mem::take(&mut self.policies) {
            if draft.is_ignored() {
                continue;
            }
            let builtin = builtin_organization_policy(&id);
            let is_rcp = builtin.as_ref().is_some_and(|policy| policy.resource_control);
            let policy_type = draft.policy_type();
            let stated = draft.document.map(|stated| stated.value);
            let known = stated.or_else(|| builtin.map(|policy| policy.document));
            let document = known.unwrap_or_else(|| {
                if attached.contains(&id) {
                    log.diagnostics.push(place.clone().put(unresolved(&id)));
                }
                DocumentText::new("")
            });
            let policy = OrganizationPolicy {
                name: if draft.name.is_empty() { id.clone() } else { draft.name },
                arn: draft.arn,
                resource_control: policy_type
                    .map_or(is_rcp, |found| found == Type::ResourceControl),
                aws_managed: draft.aws_managed,
                document,
                id: id.clone(),
            };
            policies.insert(id, Arc::new(policy));
        }
        policies
    }
}

/// Whether an id is another one with a slip of the keys: of one length, and no more than
/// [`MAX_SLIPS`] characters differ. Ids of one kind have one length.
fn is_near(id: &str, known: &str) -> bool {
    let slips = id.bytes().zip(known.bytes()).filter(|(a, b)| a != b).count();
    id.len() == known.len() && slips <= MAX_SLIPS
}

fn incomplete(place: &Place, message: &str, log: &mut Log) {
    log.push(place, DiagnosticLevel::Error, DiagnosticCode::IncompleteOrganization, message);
}
