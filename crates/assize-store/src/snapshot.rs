//! Immutable snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::{AccountId, ApplicablePolicies, ArnParts, PolicyId};

use crate::applicable::{AccountPolicies, Member};
use crate::document::{DocumentTable, TextTable};
use crate::edit::slots::Documents as _;
use crate::sorted::{Keyed, Sorted};
use crate::unique::UniqueIds;
use crate::{
    Account, AccountPath, Document, DocumentText, EntityPolicies, ManagedPolicy, Organization,
    Resource, Role, StoreEditor, Tag, User, VpcEndpoint, fold_name,
};

/// Everything the store knows at one moment.
///
/// A clone is one reference count; a change makes a new snapshot that shares what did not change
/// (see [`StoreSnapshot::edit`]), and whoever holds the old one goes on with it (I-30).
#[derive(Debug, Clone, Default)]
pub struct StoreSnapshot {
    state: Arc<State>,
}

/// What a snapshot holds and an editor changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) number: u64,
    pub(crate) accounts: Sorted<AccountEntry>,
    pub(crate) organizations: Sorted<OrganizationEntry>,
    pub(crate) resources: Sorted<ResourceEntry>,
    pub(crate) endpoints: Sorted<EndpointEntry>,
    pub(crate) aws_managed: Sorted<PolicyEntry>,
    /// Documents without text, for references that nothing resolves (E-112).
    pub(crate) placeholders: Sorted<Placeholder>,
    pub(crate) unique_ids: UniqueIds,
    pub(crate) documents: DocumentTable,
    pub(crate) texts: TextTable,
}

#[derive(Debug, Clone)]
pub(crate) struct AccountEntry {
    pub(crate) facts: Arc<Account<PolicyId>>,
    /// How many entities reference each managed policy, as attachment or boundary.
    pub(crate) references: Arc<BTreeMap<Arc<str>, u32>>,
    pub(crate) policies: Arc<AccountPolicies>,
}

#[derive(Debug, Clone)]
pub(crate) struct OrganizationEntry {
    pub(crate) facts: Arc<Organization<PolicyId>>,
    pub(crate) members: Arc<BTreeMap<AccountId, Member>>,
}

#[derive(Debug, Clone)]
pub(crate) struct ResourceEntry(pub(crate) Arc<(Resource<PolicyId>, ApplicablePolicies)>);

#[derive(Debug, Clone)]
pub(crate) struct EndpointEntry(pub(crate) Arc<VpcEndpoint<PolicyId>>);

#[derive(Debug, Clone)]
pub(crate) struct PolicyEntry(pub(crate) Arc<ManagedPolicy<PolicyId>>);

#[derive(Debug, Clone)]
pub(crate) struct Placeholder {
    pub(crate) arn: Arc<str>,
    pub(crate) document: PolicyId,
}

impl Keyed for AccountEntry {
    type Key = AccountId;

    fn key(&self) -> &AccountId {
        &self.facts.id
    }
}

impl Keyed for OrganizationEntry {
    type Key = str;

    fn key(&self) -> &str {
        &self.facts.id
    }
}

impl Keyed for ResourceEntry {
    type Key = str;

    fn key(&self) -> &str {
        &self.0.0.arn
    }
}

impl Keyed for EndpointEntry {
    type Key = str;

    fn key(&self) -> &str {
        &self.0.id
    }
}

impl Keyed for PolicyEntry {
    type Key = str;

    fn key(&self) -> &str {
        &self.0.arn
    }
}

impl Keyed for Placeholder {
    type Key = str;

    fn key(&self) -> &str {
        &self.arn
    }
}

/// A user or role of a snapshot: what identity policies and boundaries belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity<'a> {
    /// A user of an account.
    User(AccountId, &'a User<PolicyId>),
    /// A role of an account.
    Role(AccountId, &'a Role<PolicyId>),
}

impl<'a> Entity<'a> {
    /// The account.
    pub fn account(self) -> AccountId {
        match self {
            Self::User(account, _) | Self::Role(account, _) => account,
        }
    }

    /// The name.
    pub fn name(self) -> &'a str {
        match self {
            Self::User(_, user) => &user.name,
            Self::Role(_, role) => &role.name,
        }
    }

    /// The ARN, path included.
    pub fn arn(self) -> &'a str {
        match self {
            Self::User(_, user) => &user.arn,
            Self::Role(_, role) => &role.arn,
        }
    }

    /// `AIDA…` or `AROA…` (I-16).
    pub fn unique_id(self) -> &'a str {
        match self {
            Self::User(_, user) => &user.unique_id,
            Self::Role(_, role) => &role.unique_id,
        }
    }

    /// The tags.
    pub fn tags(self) -> &'a [Tag] {
        match self {
            Self::User(_, user) => &user.tags,
            Self::Role(_, role) => &role.tags,
        }
    }

    /// The ARN of the permissions boundary.
    pub fn boundary(self) -> Option<&'a str> {
        match self {
            Self::User(_, user) => user.boundary.as_deref(),
            Self::Role(_, role) => role.boundary.as_deref(),
        }
    }
}

impl StoreSnapshot {
    /// The store before the first change: number 0, nothing in it.
    pub fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn new(state: State) -> Self {
        Self { state: Arc::new(state) }
    }

    /// How many commits have led here (I-30).
    pub fn number(&self) -> u64 {
        self.state.number
    }

    /// An editor over this snapshot. Its changes are seen by nobody until
    /// [`StoreEditor::commit`].
    pub fn edit(&self) -> StoreEditor {
        StoreEditor::new(State::clone(&self.state))
    }

    // ---- Facts ----

    /// An account that the snapshot holds.
    pub fn account(&self, id: AccountId) -> Option<&Account<PolicyId>> {
        self.state.account(id)
    }

    /// The accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account<PolicyId>> {
        self.state.accounts.iter().map(|entry| &*entry.facts)
    }

    /// The organizations, by id.
    pub fn organizations(&self) -> impl Iterator<Item = &Organization<PolicyId>> {
        self.state.organizations.iter().map(|entry| &*entry.facts)
    }

    /// The organization an account is a member of: whose tree has it as a node. The snapshot
    /// need not hold the account itself (E-26).
    pub fn organization_of(&self, account: AccountId) -> Option<&Organization<PolicyId>> {
        self.state.organization_of(account).map(|entry| &*entry.facts)
    }

    /// Whether the snapshot says which organization an account is in, or that it is in none. Of an
    /// account that it does not hold, or holds as an external one, all it says is that it is in none
    /// of its own (E-15, E-26).
    pub fn knows_organization_of(&self, account: AccountId) -> bool {
        let is_held = self.account(account).is_some_and(|account| account.external.is_none());
        is_held || self.organization_of(account).is_some()
    }

    /// The record of exactly this ARN.
    pub fn resource(&self, arn: &str) -> Option<&Resource<PolicyId>> {
        self.state.resources.get(arn).map(|entry| &entry.0.0)
    }

    /// The resource records, by ARN.
    pub fn resources(&self) -> impl Iterator<Item = &Resource<PolicyId>> {
        self.state.resources.iter().map(|entry| &entry.0.0)
    }

    /// A VPC endpoint.
    pub fn endpoint(&self, id: &str) -> Option<&VpcEndpoint<PolicyId>> {
        self.state.endpoints.get(id).map(|entry| &*entry.0)
    }

    /// The VPC endpoints, by id.
    pub fn endpoints(&self) -> impl Iterator<Item = &VpcEndpoint<PolicyId>> {
        self.state.endpoints.iter().map(|entry| &*entry.0)
    }

    /// An AWS-managed policy that the snapshot holds.
    pub fn aws_managed_policy(&self, arn: &str) -> Option<&ManagedPolicy<PolicyId>> {
        self.state.aws_managed.get(arn).map(|entry| &*entry.0)
    }

    /// The AWS-managed policies that the snapshot holds, by ARN.
    pub fn aws_managed_policies(&self) -> impl Iterator<Item = &ManagedPolicy<PolicyId>> {
        self.state.aws_managed.iter().map(|entry| &*entry.0)
    }

    /// A user by name, in any case (I-12).
    pub fn user(&self, account: AccountId, name: &str) -> Option<&User<PolicyId>> {
        self.account(account)?.users.get(&*fold_name(name)).map(|user| &**user)
    }

    /// A role by name, in any case (I-12).
    pub fn role(&self, account: AccountId, name: &str) -> Option<&Role<PolicyId>> {
        self.account(account)?.roles.get(&*fold_name(name)).map(|role| &**role)
    }

    /// The user of exactly this ARN.
    pub fn user_by_arn(&self, arn: &str) -> Option<&User<PolicyId>> {
        let (account, name) = iam_name(arn, "user/")?;
        self.user(account, name).filter(|user| *user.arn == *arn)
    }

    /// The role of exactly this ARN, path included (E-11).
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role<PolicyId>> {
        let (account, name) = iam_name(arn, "role/")?;
        self.role(account, name).filter(|role| *role.arn == *arn)
    }

    /// The user or role of a unique id (I-16).
    pub fn by_unique_id(&self, unique_id: &str) -> Option<Entity<'_>> {
        self.state.unique_ids.get(unique_id)
    }

    /// An account with its documents as texts, as a change takes it: for replacing an account
    /// with some of its facts changed.
    pub fn account_with_texts(&self, id: AccountId) -> Option<Account<DocumentText>> {
        self.state.account_with_texts(id)
    }

    // ---- Documents ----

    /// A document. The id of one that is gone finds nothing: ids are not used again among the
    /// snapshots that descend from one another.
    pub fn document(&self, id: PolicyId) -> Option<&Document> {
        self.state.documents.get(id).map(|document| &**document)
    }

    /// The documents of this snapshot in order of their ids, placeholders included.
    pub fn documents(&self) -> impl Iterator<Item = (PolicyId, &Document)> {
        self.state.documents.iter()
    }

    /// The document that a managed policy's ARN stands for: the default version of the customer-
    /// or AWS-managed policy of that ARN (I-18); for an ARN that some entity references and
    /// nothing resolves, a placeholder without text (I-44, E-112). None for any other ARN.
    pub fn managed_document(&self, arn: &str) -> Option<PolicyId> {
        self.state.managed_document(arn)
    }

    // ---- Resolved at commit ----

    /// The policies of a user or role. None for an entity of another snapshot that this one does
    /// not hold.
    pub fn entity_policies(
        &self,
        account: AccountId,
        entity: Entity<'_>,
    ) -> Option<&EntityPolicies> {
        let policies = &self.state.accounts.get(&account)?.policies;
        match entity {
            Entity::User(_, user) => policies.users.get(&user.name).map(|found| &*found.policies),
            Entity::Role(_, role) => policies.roles.get(&role.name).map(|found| &*found.policies),
        }
    }

    /// The SCPs on an account's path; none where the layer does not apply: no organization, SCPs
    /// disabled, the management account (E-31). Service-linked roles are the caller's to exempt.
    pub fn scp(&self, account: AccountId) -> Option<&ApplicablePolicies> {
        self.state.member(account)?.scp.as_ref()
    }

    /// The RCPs on an account's path; none where the layer does not apply (E-30).
    pub fn rcp(&self, account: AccountId) -> Option<&ApplicablePolicies> {
        self.state.member(account)?.rcp.as_ref()
    }

    /// An account's place in its organization.
    pub fn path(&self, account: AccountId) -> Option<&AccountPath> {
        self.state.member(account).map(|member| &member.path)
    }

    /// The resource-based policies of exactly this ARN, of a recovery point without any those of
    /// its vault; none where there are none and the layer does not apply (E-33). The trust policy of
    /// a role is [`Role::trust`].
    pub fn resource_policies(&self, arn: &str) -> Option<&ApplicablePolicies> {
        let (record, own) = &*self.state.resources.get(arn)?.0;
        let of_vault = || {
            let vault = self.state.resources.get(record.attributes.backup_vault.as_deref()?)?;
            Some(&vault.0.1)
        };
        let policies = if own.policies.is_empty() { of_vault()? } else { own };
        (!policies.policies.is_empty()).then_some(policies)
    }
}

/// Account and name of the ARN of an IAM entity.
fn iam_name<'a>(arn: &'a str, kind: &str) -> Option<(AccountId, &'a str)> {
    let parts = ArnParts::split(arn).filter(|parts| parts.service == "iam")?;
    let path_and_name = parts.resource.strip_prefix(kind)?;
    let name = path_and_name.rsplit_once('/').map_or(path_and_name, |(_, name)| name);
    Some((parts.account_id()?, name))
}

impl State {
    pub(crate) fn account(&self, id: AccountId) -> Option<&Account<PolicyId>> {
        self.accounts.get(&id).map(|entry| &*entry.facts)
    }

    pub(crate) fn organization_of(&self, account: AccountId) -> Option<&OrganizationEntry> {
        self.organizations.iter().find(|entry| entry.members.contains_key(&account))
    }

    fn member(&self, account: AccountId) -> Option<&Member> {
        self.organizations.iter().find_map(|entry| entry.members.get(&account))
    }

    pub(crate) fn managed_document(&self, arn: &str) -> Option<PolicyId> {
        let placeholder = || self.placeholders.get(arn).map(|placeholder| placeholder.document);
        self.resolved_document(arn).or_else(placeholder)
    }

    /// The default version's document of the managed policy of exactly this ARN.
    pub(crate) fn resolved_document(&self, arn: &str) -> Option<PolicyId> {
        let policy = match iam_name(arn, "policy/") {
            Some((account, name)) => self.account(account)?.policies.get(&*fold_name(name)),
            None => self.aws_managed.get(arn).map(|entry| &entry.0),
        };
        policy.filter(|policy| *policy.arn == *arn)?.default_document().copied()
    }

    pub(crate) fn account_with_texts(&self, id: AccountId) -> Option<Account<DocumentText>> {
        let account = self.account(id)?.clone();
        Some(account.map_documents(&mut |_, id| self.document_text(id)))
    }

    /// The text of a held document. Placeholders are held by nobody.
    pub(crate) fn document_text(&self, id: PolicyId) -> DocumentText {
        let document = self.documents.get(id);
        DocumentText {
            text: document.and_then(|document| document.text.clone()).unwrap_or_default(),
            origin: document.and_then(|document| document.origin.clone()),
        }
    }
}
