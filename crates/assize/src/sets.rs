//! Which policy sets there are in a snapshot, and whose they are.

use std::borrow::Cow;

use assize_compiler::{PolicySetId, PolicySetSpec, SetDocument, SetRef};
use assize_model::{AccountId, ApplicablePolicies, AppliedPolicy, ArnParts, PolicyId};
use assize_policy::PolicyLibrary;
use assize_store::{Entity, StoreSnapshot, parent};
use hashbrown::{HashMap, HashSet};

use crate::resolve::DocumentHandle;

/// The sets of a user or role.
#[derive(Debug)]
pub(crate) struct EntitySets {
    pub(crate) identity: SetRef,
    pub(crate) identity_documents: Vec<DocumentHandle>,
    pub(crate) boundary: Option<SetRef>,
    pub(crate) boundary_document: Option<DocumentHandle>,
    pub(crate) trust: Option<SetRef>,
    pub(crate) trust_document: Option<DocumentHandle>,
    /// Dropped by option `skipInvalidPolicies`.
    pub(crate) skipped: Vec<PolicyId>,
    pub(crate) boundary_skipped: Vec<PolicyId>,
    pub(crate) trust_skipped: Vec<PolicyId>,
}

/// The set of a resource or path, and its documents.
#[derive(Debug)]
pub(crate) struct LayerSets {
    pub(crate) set: SetRef,
    pub(crate) documents: Vec<DocumentHandle>,
    /// Dropped by option `skipInvalidPolicies`.
    pub(crate) skipped: Vec<PolicyId>,
}

/// The sets of a snapshot by whom they belong to.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    entities: HashMap<Box<str>, EntitySets>,
    scp: HashMap<AccountId, LayerSets>,
    rcp: HashMap<AccountId, LayerSets>,
    resources: HashMap<Box<str>, LayerSets>,
    endpoints: HashMap<Box<str>, (SetRef, DocumentHandle)>,
    aliases: HashMap<Box<str>, Box<str>>,
    /// The ARNs of all resource records, and what stands before the resource in them.
    records: HashSet<Box<str>>,
    record_headers: HashSet<Box<str>>,
    /// A set without policies; none until it is compiled.
    pub(crate) empty: Option<SetRef>,
}

/// The specifications of all sets, in a fixed order, and the work of naming them.
#[derive(Debug)]
pub(crate) struct SetPlan<'s> {
    snapshot: &'s StoreSnapshot,
    library: &'s PolicyLibrary,
    skips_invalid: bool,
    pub(crate) specs: Vec<PolicySetSpec>,
    owners: Vec<(Owner<'s>, Vec<PolicyId>)>,
}

/// Whose set a specification is.
#[derive(Debug, Clone)]
enum Owner<'s> {
    Empty,
    Identity(&'s str),
    Boundary(&'s str),
    Trust(&'s str),
    Scp(AccountId),
    Rcp(AccountId),
    Resource(&'s str),
    Endpoint(&'s str),
}

impl<'s> SetPlan<'s> {
    /// Every set of the snapshot.
    pub(crate) fn new(
        snapshot: &'s StoreSnapshot,
        library: &'s PolicyLibrary,
        skips_invalid: bool,
    ) -> Self {
        let mut plan =
            Self { snapshot, library, skips_invalid, specs: Vec::new(), owners: Vec::new() };
        plan.add(Owner::Empty, &[], 1);
        for account in snapshot.accounts() {
            for user in account.users.values() {
                plan.entity(Entity::User(account.id, user));
            }
            for role in account.roles.values() {
                plan.entity(Entity::Role(account.id, role));
                if let Some(trust) = role.trust {
                    plan.add(Owner::Trust(&role.arn), &[applied(trust)], 1);
                }
            }
        }
        for organization in snapshot.organizations() {
            for node in organization.nodes.keys() {
                if let Ok(account) = node.parse::<AccountId>() {
                    plan.path(Owner::Scp(account), snapshot.scp(account));
                    plan.path(Owner::Rcp(account), snapshot.rcp(account));
                }
            }
        }
        for resource in snapshot.resources() {
            if let Some(policies) = snapshot.resource_policies(&resource.arn) {
                let above = above_object(snapshot, &resource.arn);
                let policies = match above {
                    [] => Cow::Borrowed(&policies.policies[..]),
                    _ => Cow::Owned([above, &policies.policies].concat()),
                };
                plan.add(Owner::Resource(&resource.arn), &policies, 1);
            }
        }
        for endpoint in snapshot.endpoints() {
            if let Some(policy) = endpoint.policy {
                plan.add(Owner::Endpoint(&endpoint.id), &[applied(policy)], 1);
            }
        }
        plan
    }

    fn entity(&mut self, entity: Entity<'s>) {
        let Some(policies) = self.snapshot.entity_policies(entity.account(), entity) else {
            return;
        };
        self.add(Owner::Identity(entity.arn()), &policies.identity.policies, 1);
        if let Some(boundary) = policies.boundary {
            self.add(Owner::Boundary(entity.arn()), &[applied(boundary)], 1);
        }
    }

    fn path(&mut self, owner: Owner<'s>, policies: Option<&'s ApplicablePolicies>) {
        if let Some(policies) = policies {
            self.add(owner, &policies.policies, policies.n_nodes);
        }
    }

    /// Whether option `skipInvalidPolicies` drops a document (E-112).
    fn is_dropped(&self, policy: PolicyId) -> bool {
        self.skips_invalid && self.library.get(policy).is_none_or(|entry| entry.is_poison())
    }

    fn add(&mut self, owner: Owner<'s>, policies: &[AppliedPolicy], n_nodes: u16) {
        let (dropped, kept): (Vec<&AppliedPolicy>, Vec<&AppliedPolicy>) =
            policies.iter().partition(|applied| self.is_dropped(applied.policy));
        let documents = kept
            .into_iter()
            .map(|applied| SetDocument { policy: applied.policy, node: applied.node })
            .collect();
        self.specs.push(PolicySetSpec { documents, n_nodes });
        self.owners.push((owner, dropped.into_iter().map(|applied| applied.policy).collect()));
    }

    /// Names the sets once they are compiled: one id for each specification, in order.
    pub(crate) fn finish(self, ids: &[PolicySetId]) -> Sets {
        let mut sets = Sets::default();
        for (((owner, skipped), spec), id) in self.owners.iter().zip(&self.specs).zip(ids) {
            let set = SetRef::from(*id);
            let documents: Vec<DocumentHandle> = spec
                .documents
                .iter()
                .map(|d| DocumentHandle::Stored { policy: d.policy, node: d.node })
                .collect();
            sets.name(owner, set, documents, skipped.clone());
        }
        for resource in self.snapshot.resources() {
            sets.records.insert(resource.arn.clone());
            sets.record_headers.insert(header(&resource.arn).into());
            for alias in &resource.attributes.aliases {
                if let Some(arn) = ArnParts::split(&resource.arn) {
                    let ArnParts { partition, service, region, account, .. } = arn;
                    let alias = format!("arn:{partition}:{service}:{region}:{account}:{alias}");
                    sets.aliases.insert(alias.into(), resource.arn.clone());
                }
            }
        }
        sets
    }
}

/// What stands beside the policies that something in a bucket has on record: those of its bucket
/// or access point (E-48), whose references come first.
fn above_object<'s>(snapshot: &'s StoreSnapshot, arn: &str) -> &'s [AppliedPolicy] {
    let above = parent(arn).filter(|parent| parent.is_beside);
    let policies = above.and_then(|parent| snapshot.resource_policies(&parent.arn));
    policies.map(|policies| &policies.policies[..]).unwrap_or_default()
}

/// Everything of an ARN before the resource.
fn header(arn: &str) -> &str {
    let resource = ArnParts::split(arn).map_or(arn.len(), |parts| parts.resource.len());
    &arn[..arn.len() - resource]
}

fn applied(policy: PolicyId) -> AppliedPolicy {
    AppliedPolicy { policy, node: 0 }
}

impl Sets {
    fn name(
        &mut self,
        owner: &Owner<'_>,
        set: SetRef,
        documents: Vec<DocumentHandle>,
        skipped: Vec<PolicyId>,
    ) {
        let first = documents.first().copied();
        match owner {
            Owner::Empty => self.empty = Some(set),
            Owner::Identity(arn) => {
                let sets = EntitySets {
                    identity: set,
                    identity_documents: documents,
                    boundary: None,
                    boundary_document: None,
                    trust: None,
                    trust_document: None,
                    skipped,
                    boundary_skipped: Vec::new(),
                    trust_skipped: Vec::new(),
                };
                self.entities.insert((*arn).into(), sets);
            }
            Owner::Boundary(arn) => {
                // A boundary that was dropped is none (E-112).
                if let Some(sets) = self.entities.get_mut(*arn) {
                    sets.boundary = first.map(|_| set);
                    sets.boundary_document = first;
                    sets.boundary_skipped = skipped;
                }
            }
            Owner::Trust(arn) => {
                // So is a trust policy.
                if let Some(sets) = self.entities.get_mut(*arn) {
                    sets.trust = first.map(|_| set);
                    sets.trust_document = first;
                    sets.trust_skipped = skipped;
                }
            }
            Owner::Scp(account) => {
                self.scp.insert(*account, LayerSets { set, documents, skipped });
            }
            Owner::Rcp(account) => {
                self.rcp.insert(*account, LayerSets { set, documents, skipped });
            }
            Owner::Resource(arn) => {
                self.resources.insert((*arn).into(), LayerSets { set, documents, skipped });
            }
            Owner::Endpoint(id) => {
                if let Some(document) = first {
                    self.endpoints.insert((*id).into(), (set, document));
                }
            }
        }
    }

    /// The sets of a user or role.
    pub(crate) fn entity(&self, arn: &str) -> Option<&EntitySets> {
        self.entities.get(arn)
    }

    /// Layer `scp` of a principal of an account (E-35).
    pub(crate) fn scp(&self, account: Option<AccountId>, service_linked: bool) -> Option<SetRef> {
        if service_linked {
            return None;
        }
        self.scp.get(&account?).map(|sets| sets.set)
    }

    /// Layer `rcp` of the resources of an account (E-36).
    pub(crate) fn rcp(&self, account: AccountId) -> Option<SetRef> {
        self.rcp.get(&account).map(|sets| sets.set)
    }

    /// Documents that were dropped from layer `scp` of an account.
    pub(crate) fn scp_skipped(&self, account: AccountId) -> &[PolicyId] {
        self.scp.get(&account).map(|sets| &sets.skipped[..]).unwrap_or_default()
    }

    /// Documents that were dropped from layer `rcp` of an account.
    pub(crate) fn rcp_skipped(&self, account: AccountId) -> &[PolicyId] {
        self.rcp.get(&account).map(|sets| &sets.skipped[..]).unwrap_or_default()
    }

    /// A document of layer `scp` of an account.
    pub(crate) fn scp_document(&self, account: AccountId, at: usize) -> Option<DocumentHandle> {
        self.scp.get(&account)?.documents.get(at).copied()
    }

    /// A document of layer `rcp` of an account.
    pub(crate) fn rcp_document(&self, account: AccountId, at: usize) -> Option<DocumentHandle> {
        self.rcp.get(&account)?.documents.get(at).copied()
    }

    /// The policies of exactly this resource; an object's stand beside those of its bucket.
    pub(crate) fn resource(&self, arn: &str) -> Option<&LayerSets> {
        self.resources.get(arn)
    }

    /// Whether the snapshot has a record of exactly this resource.
    pub(crate) fn is_recorded(&self, arn: &str) -> bool {
        self.records.contains(arn)
    }

    /// Whether it has records of resources whose ARNs begin with these five segments.
    pub(crate) fn has_records(&self, header: &str) -> bool {
        self.record_headers.contains(header)
    }

    /// The policy of an endpoint.
    pub(crate) fn endpoint(&self, id: &str) -> Option<(SetRef, DocumentHandle)> {
        self.endpoints.get(id).copied()
    }

    /// The key an alias stands for (E-82).
    pub(crate) fn key_of_alias(&self, alias_arn: &str) -> Option<&str> {
        self.aliases.get(alias_arn).map(AsRef::as_ref)
    }
}
