//! Changes and the editor that applies them.

pub(crate) mod check;
mod commit;
pub(crate) mod slots;
pub(crate) mod tree;

#[cfg(feature = "import")]
pub(crate) use commit::unresolved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize_model::{AccountId, ArnParts, PolicyId};

use crate::document::{Replaced, Slot};
use crate::edit::check::refuse;
use crate::edit::slots::Documents;
use crate::resource::known_arn;
use crate::snapshot::{
    AccountEntry, EndpointEntry, OrganizationEntry, PolicyEntry, ResourceEntry, State,
};
use crate::unique::EntityRecord;
use crate::{
    Account, Document, DocumentText, Error, ErrorKind, Group, InstanceProfile, ManagedPolicy,
    Organization, PolicyVersion, Resource, Role, User, VpcEndpoint, applicable, fold_name,
};

/// One checked fact to write (a closed set): what importers, scenario files, change sets and the
/// operations of IAM all end in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChange {
    /// Adds or replaces an organization with its tree and policies. What AWS puts there itself
    /// is added where it is missing: `RCPFullAWSAccess` on every node (E-36), the management
    /// account under the root, the built-in policies.
    PutOrganization(Organization<DocumentText>),
    /// Takes an organization away.
    RemoveOrganization(Box<str>),
    /// Adds or replaces an account as a whole.
    PutAccount(Box<Account<DocumentText>>),
    /// Takes an account away.
    RemoveAccount(AccountId),
    /// Adds or replaces a user.
    PutUser(AccountId, User<DocumentText>),
    /// Takes a user away, with inline policies, memberships and attachments.
    RemoveUser(AccountId, Box<str>),
    /// Adds or replaces a group.
    PutGroup(AccountId, Group<DocumentText>),
    /// Takes a group away. It must have no members.
    RemoveGroup(AccountId, Box<str>),
    /// Adds or replaces a role.
    PutRole(AccountId, Role<DocumentText>),
    /// Takes a role away. It must not be in an instance profile.
    RemoveRole(AccountId, Box<str>),
    /// Adds or replaces a customer-managed policy.
    PutPolicy(AccountId, ManagedPolicy<DocumentText>),
    /// Takes a customer-managed policy away. Where it stays attached, it is poison (E-112).
    RemovePolicy(AccountId, Box<str>),
    /// Adds or replaces an AWS-managed policy, by its ARN.
    PutAwsManagedPolicy(ManagedPolicy<DocumentText>),
    /// Adds or replaces an instance profile.
    PutInstanceProfile(AccountId, InstanceProfile),
    /// Takes an instance profile away.
    RemoveInstanceProfile(AccountId, Box<str>),
    /// Adds or replaces a resource, by its ARN.
    PutResource(Resource<DocumentText>),
    /// Takes a resource away.
    RemoveResource(Box<str>),
    /// Adds or replaces a VPC endpoint.
    PutEndpoint(VpcEndpoint<DocumentText>),
    /// Takes a VPC endpoint away.
    RemoveEndpoint(Box<str>),
}

/// A library of AWS-managed policies, from which those that are referenced are taken into the
/// store (I-44).
pub trait ManagedPolicySource {
    /// The text of a policy's default version and that version's id.
    fn document(&self, arn: &str) -> Option<(Arc<str>, Box<str>)>;

    /// The ARN of the policy that an ARN of none was probably meant to be, for messages.
    fn nearest(&self, _arn: &str) -> Option<Box<str>> {
        None
    }
}

/// Applies changes on top of a snapshot and makes the next one.
///
/// A change is applied as a whole or refused as a whole. An editor that is dropped has changed
/// nothing.
#[derive(Debug)]
pub struct StoreEditor {
    state: State,
    accounts: BTreeMap<AccountId, Touched>,
    /// AWS-managed policies that were put.
    aws_managed: BTreeSet<Arc<str>>,
    /// ARNs of resources that were put and of which something may have to be said at the commit.
    doubtful: BTreeSet<Box<str>>,
    /// At most so many placeholders may have to be numbered at the commit.
    n_placeholders: usize,
}

/// What has to be resolved again in an account.
#[derive(Debug, Default)]
struct Touched {
    /// Folded names of users.
    users: BTreeSet<Box<str>>,
    /// Folded names of roles.
    roles: BTreeSet<Box<str>>,
    /// Folded names of groups: all their members.
    groups: BTreeSet<Box<str>>,
    /// ARNs of managed policies: everybody who has them.
    policies: BTreeSet<Arc<str>>,
}

impl StoreEditor {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state,
            accounts: BTreeMap::new(),
            aws_managed: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            n_placeholders: 0,
        }
    }

    /// Checks a change and applies it.
    ///
    /// # Errors
    /// The invariant the change would break; nothing has changed then.
    pub fn apply(&mut self, change: StoreChange) -> Result<(), Error> {
        match change {
            StoreChange::PutOrganization(organization) => self.put_organization(organization),
            StoreChange::RemoveOrganization(id) => self.remove_organization(&id),
            StoreChange::PutAccount(account) => self.put_account(*account),
            StoreChange::RemoveAccount(id) => self.remove_account(id),
            StoreChange::PutUser(account, user) => self.put_user(account, user),
            StoreChange::RemoveUser(account, name) => self.remove_user(account, &name),
            StoreChange::PutGroup(account, group) => self.put_group(account, group),
            StoreChange::RemoveGroup(account, name) => self.remove_group(account, &name),
            StoreChange::PutRole(account, role) => self.put_role(account, role),
            StoreChange::RemoveRole(account, name) => self.remove_role(account, &name),
            StoreChange::PutPolicy(account, policy) => self.put_policy(account, policy),
            StoreChange::RemovePolicy(account, name) => self.remove_policy(account, &name),
            StoreChange::PutAwsManagedPolicy(policy) => self.put_aws_managed_policy(policy),
            StoreChange::PutInstanceProfile(account, profile) => {
                self.put_instance_profile(account, profile)
            }
            StoreChange::RemoveInstanceProfile(account, name) => {
                self.remove_instance_profile(account, &name)
            }
            StoreChange::PutResource(resource) => self.put_resource(resource),
            StoreChange::RemoveResource(arn) => self.remove_resource(&arn),
            StoreChange::PutEndpoint(endpoint) => self.put_endpoint(endpoint),
            StoreChange::RemoveEndpoint(id) => self.remove_endpoint(&id),
        }
    }

    /// An account as it stands now, changes applied. Managed references are resolved only at the
    /// commit.
    pub fn account(&self, id: AccountId) -> Option<&Account<PolicyId>> {
        self.state.account(id)
    }

    /// An account as it stands now with its documents as texts, for putting it back changed.
    pub fn account_with_texts(&self, id: AccountId) -> Option<Account<DocumentText>> {
        self.state.account_with_texts(id)
    }

    /// Takes the AWS-managed policies that are referenced and missing out of a library into the
    /// store (I-44), and gives their ARNs.
    pub fn resolve_managed(&mut self, source: &dyn ManagedPolicySource) -> Vec<Arc<str>> {
        let referenced: BTreeSet<Arc<str>> = self
            .state
            .accounts
            .iter()
            .flat_map(|entry| entry.references.keys())
            .filter(|arn| self.state.resolved_document(arn).is_none())
            .cloned()
            .collect();
        let take = |editor: &mut Self, arn: &Arc<str>| {
            let policy = bundled_policy(source, arn)?;
            editor.put_aws_managed_policy(policy).ok()
        };
        referenced.into_iter().filter(|arn| take(self, arn).is_some()).collect()
    }

    // ---- Organizations ----

    fn put_organization(
        &mut self,
        mut organization: Organization<DocumentText>,
    ) -> Result<(), Error> {
        tree::complete(&mut organization);
        tree::check(&organization)?;
        let others = || self.state.organizations.iter().filter(|o| o.facts.id != organization.id);
        for account in organization.nodes.keys().filter_map(|id| id.parse::<AccountId>().ok()) {
            if let Some(other) = others().find(|other| other.members.contains_key(&account)) {
                return refuse(
                    ErrorKind::AccountTaken,
                    format_args!(
                        "account {account} is a member of organization `{}` already",
                        other.facts.id
                    ),
                );
            }
        }
        self.check_room(organization.policies.len(), 0)?;
        let old = self.state.organizations.get(&organization.id).map(|old| Arc::clone(&old.facts));
        let old = old.iter().flat_map(|old| old.policies.values().map(|policy| policy.document));
        let organization = self.number(organization, old.collect());
        let members = Arc::new(applicable::members(&organization, &self.state.documents));
        self.state
            .organizations
            .insert(OrganizationEntry { facts: Arc::new(organization), members });
        Ok(())
    }

    fn remove_organization(&mut self, id: &str) -> Result<(), Error> {
        let Some(old) = self.state.organizations.remove(id) else {
            return missing("organization", id);
        };
        self.forget(old.facts.policies.values().map(|policy| policy.document));
        Ok(())
    }

    // ---- Accounts ----

    fn put_account(&mut self, account: Account<DocumentText>) -> Result<(), Error> {
        check::account(&account)?;
        self.check_alias(&account)?;
        self.check_unique_ids(&account)?;
        self.check_room(account_documents(&account).count(), account_references(&account).count())?;
        let id = account.id;
        let old = self.state.accounts.get(&id).map(|entry| Arc::clone(&entry.facts));
        let old_documents = old.iter().flat_map(|old| account_documents(old).copied()).collect();
        if let Some(old) = &old {
            self.release_entities(old);
        }
        let facts = self.number(account, old_documents);
        for user in facts.users.values() {
            self.state.unique_ids.insert(EntityRecord::User(id, Arc::clone(user)));
        }
        for role in facts.roles.values() {
            self.state.unique_ids.insert(EntityRecord::Role(id, Arc::clone(role)));
        }
        let touched = self.accounts.entry(id).or_default();
        touched.users.extend(facts.users.keys().cloned());
        touched.roles.extend(facts.roles.keys().cloned());
        let mut references = BTreeMap::new();
        for arn in account_references(&facts) {
            *references.entry(Arc::clone(arn)).or_insert(0) += 1;
        }
        let (facts, references) = (Arc::new(facts), Arc::new(references));
        self.state.accounts.insert(AccountEntry { facts, references, policies: Arc::default() });
        Ok(())
    }

    fn remove_account(&mut self, id: AccountId) -> Result<(), Error> {
        let Some(old) = self.state.accounts.remove(&id) else {
            return missing("account", id.as_str());
        };
        self.release_entities(&old.facts);
        self.forget(account_documents(&old.facts).copied());
        self.accounts.remove(&id);
        Ok(())
    }

    /// Takes the unique ids of an account's entities away.
    fn release_entities(&mut self, account: &Account<PolicyId>) {
        for user in account.users.values() {
            self.state.unique_ids.remove(&user.unique_id);
        }
        for role in account.roles.values() {
            self.state.unique_ids.remove(&role.unique_id);
        }
    }

    /// An alias belongs to one account (I-15).
    fn check_alias(&self, account: &Account<DocumentText>) -> Result<(), Error> {
        let Some(alias) = &account.alias else { return Ok(()) };
        let taken = |other: &&AccountEntry| {
            other.facts.id != account.id && other.facts.alias.as_ref() == Some(alias)
        };
        match self.state.accounts.iter().find(taken) {
            None => Ok(()),
            Some(other) => refuse(
                ErrorKind::AliasTaken,
                format_args!("`{alias}` is the alias of account {} already", other.facts.id),
            ),
        }
    }

    /// No two users or roles have one unique id (I-16).
    fn check_unique_ids(&self, account: &Account<DocumentText>) -> Result<(), Error> {
        let users = account.users.values().map(|user| (&user.unique_id, &user.arn));
        let roles = account.roles.values().map(|role| (&role.unique_id, &role.arn));
        let mut seen = BTreeSet::new();
        for (unique_id, arn) in users.chain(roles) {
            let other = self.state.unique_ids.get(unique_id);
            let taken = other.is_some_and(|other| other.account() != account.id);
            if taken || !seen.insert(unique_id) {
                return unique_id_taken(unique_id, arn);
            }
        }
        Ok(())
    }

    fn check_unique_id(&self, unique_id: &str, arn: &str) -> Result<(), Error> {
        match self.state.unique_ids.get(unique_id) {
            // The name is compared without regard to case elsewhere, and the path may change.
            Some(other) if !same_entity(other.arn(), arn) => unique_id_taken(unique_id, arn),
            _ => Ok(()),
        }
    }

    /// Checks that the documents and, should none of the references be resolved, a placeholder
    /// for each of them have ids, so that a commit never lacks one.
    fn check_room(&mut self, n_documents: usize, n_references: usize) -> Result<(), Error> {
        self.n_placeholders = self.n_placeholders.saturating_add(n_references);
        self.state.documents.check_room(n_documents.saturating_add(self.n_placeholders))
    }

    fn entry(&self, account: AccountId) -> Result<&AccountEntry, Error> {
        self.state.accounts.get(&account).ok_or_else(|| no_such_account(account))
    }

    /// The account's entry for changing; copies its lists once an edit.
    fn change<T>(
        &mut self,
        account: AccountId,
        change: impl FnOnce(&mut Account<PolicyId>, &mut Touched) -> T,
    ) -> Result<T, Error> {
        let entry =
            self.state.accounts.get_mut(&account).ok_or_else(|| no_such_account(account))?;
        let touched = self.accounts.entry(account).or_default();
        Ok(change(Arc::make_mut(&mut entry.facts), touched))
    }

    /// Counts references that come and go.
    fn recount<'a>(
        &mut self,
        account: AccountId,
        gone: impl Iterator<Item = &'a Arc<str>>,
        come: impl Iterator<Item = &'a Arc<str>>,
    ) {
        let Some(entry) = self.state.accounts.get_mut(&account) else { return };
        let references = Arc::make_mut(&mut entry.references);
        for arn in come {
            *references.entry(Arc::clone(arn)).or_insert(0) += 1;
        }
        for arn in gone {
            if let Some(count) = references.get_mut(arn) {
                *count -= 1;
                if *count == 0 {
                    references.remove(arn);
                }
            }
        }
    }

    // ---- Users ----

    fn put_user(&mut self, account: AccountId, user: User<DocumentText>) -> Result<(), Error> {
        let entry = self.entry(account)?;
        let name: Box<str> = fold_name(&user.name).into();
        let old = entry.facts.users.get(&name).map(Arc::clone);
        check::user(account, &user)?;
        check::membership(&user, &entry.facts)?;
        check_spelling("user", old.as_deref().map(|old| &*old.name), &user.name)?;
        self.check_unique_id(&user.unique_id, &user.arn)?;
        self.check_room(user.inline.len(), user.attached.len() + 1)?;
        let old_documents = old.iter().flat_map(|old| old.inline.iter().map(|p| p.document));
        let user = Arc::new(self.number(user, old_documents.collect()));
        let gone = old.iter().flat_map(|old| old.attached.iter().chain(&old.boundary));
        self.recount(account, gone, user.attached.iter().chain(&user.boundary));
        if let Some(old) = &old {
            self.state.unique_ids.remove(&old.unique_id);
        }
        self.state.unique_ids.insert(EntityRecord::User(account, Arc::clone(&user)));
        self.change(account, |facts, touched| {
            touched.users.insert(name.clone());
            facts.users.insert(name, user);
        })
    }

    fn remove_user(&mut self, account: AccountId, name: &str) -> Result<(), Error> {
        let name: Box<str> = fold_name(name).into();
        let Some(old) = self.entry(account)?.facts.users.get(&name).map(Arc::clone) else {
            return missing("user", &name);
        };
        self.recount(account, old.attached.iter().chain(&old.boundary), [].iter());
        self.state.unique_ids.remove(&old.unique_id);
        self.forget(old.inline.iter().map(|policy| policy.document));
        if let Some(entry) = self.state.accounts.get_mut(&account) {
            Arc::make_mut(&mut entry.policies).users.remove(&old.name);
        }
        self.change(account, |facts, _| {
            facts.users.remove(&name);
        })
    }

    // ---- Groups ----

    fn put_group(&mut self, account: AccountId, group: Group<DocumentText>) -> Result<(), Error> {
        let name: Box<str> = fold_name(&group.name).into();
        let old = self.entry(account)?.facts.groups.get(&name).map(Arc::clone);
        check::group(account, &group)?;
        check_spelling("group", old.as_deref().map(|old| &*old.name), &group.name)?;
        self.check_room(group.inline.len(), group.attached.len())?;
        let old_documents = old.iter().flat_map(|old| old.inline.iter().map(|p| p.document));
        let group = Arc::new(self.number(group, old_documents.collect()));
        let gone = old.iter().flat_map(|old| &old.attached);
        self.recount(account, gone, group.attached.iter());
        self.change(account, |facts, touched| {
            touched.groups.insert(name.clone());
            facts.groups.insert(name, group);
        })
    }

    fn remove_group(&mut self, account: AccountId, name: &str) -> Result<(), Error> {
        let name: Box<str> = fold_name(name).into();
        let facts = &self.entry(account)?.facts;
        let Some(old) = facts.groups.get(&name).map(Arc::clone) else {
            return missing("group", &name);
        };
        if let Some(member) = facts.users.values().find(|user| user.groups.contains(&name)) {
            return refuse(
                ErrorKind::InUse,
                format_args!("user `{}` is in group `{}`", member.name, old.name),
            );
        }
        self.recount(account, old.attached.iter(), [].iter());
        self.forget(old.inline.iter().map(|policy| policy.document));
        self.change(account, |facts, _| {
            facts.groups.remove(&name);
        })
    }

    // ---- Roles ----

    fn put_role(&mut self, account: AccountId, role: Role<DocumentText>) -> Result<(), Error> {
        let name: Box<str> = fold_name(&role.name).into();
        let old = self.entry(account)?.facts.roles.get(&name).map(Arc::clone);
        check::role(account, &role)?;
        check_spelling("role", old.as_deref().map(|old| &*old.name), &role.name)?;
        self.check_unique_id(&role.unique_id, &role.arn)?;
        self.check_room(role.inline.len() + 1, role.attached.len() + 1)?;
        let old_documents = old.iter().flat_map(|old| role_documents(old).copied());
        let role = Arc::new(self.number(role, old_documents.collect()));
        let gone = old.iter().flat_map(|old| old.attached.iter().chain(&old.boundary));
        self.recount(account, gone, role.attached.iter().chain(&role.boundary));
        if let Some(old) = &old {
            self.state.unique_ids.remove(&old.unique_id);
        }
        self.state.unique_ids.insert(EntityRecord::Role(account, Arc::clone(&role)));
        self.change(account, |facts, touched| {
            touched.roles.insert(name.clone());
            facts.roles.insert(name, role);
        })
    }

    fn remove_role(&mut self, account: AccountId, name: &str) -> Result<(), Error> {
        let name: Box<str> = fold_name(name).into();
        let facts = &self.entry(account)?.facts;
        let Some(old) = facts.roles.get(&name).map(Arc::clone) else {
            return missing("role", &name);
        };
        let mut profiles = facts.instance_profiles.values();
        if let Some(profile) = profiles.find(|profile| profile.role.as_ref() == Some(&name)) {
            return refuse(
                ErrorKind::InUse,
                format_args!("role `{}` is in instance profile `{}`", old.name, profile.name),
            );
        }
        self.recount(account, old.attached.iter().chain(&old.boundary), [].iter());
        self.state.unique_ids.remove(&old.unique_id);
        self.forget(role_documents(&old).copied());
        if let Some(entry) = self.state.accounts.get_mut(&account) {
            Arc::make_mut(&mut entry.policies).roles.remove(&old.name);
        }
        self.change(account, |facts, _| {
            facts.roles.remove(&name);
        })
    }

    // ---- Managed policies and instance profiles ----

    fn put_policy(
        &mut self,
        account: AccountId,
        policy: ManagedPolicy<DocumentText>,
    ) -> Result<(), Error> {
        let name: Box<str> = fold_name(&policy.name).into();
        let old = self.entry(account)?.facts.policies.get(&name).map(Arc::clone);
        check::policy(account.as_str(), &policy)?;
        check_spelling("policy", old.as_deref().map(|old| &*old.name), &policy.name)?;
        self.check_room(policy.versions.len(), 1)?;
        let old_documents = old.iter().flat_map(|old| old.versions.iter().map(|v| v.document));
        let policy = Arc::new(self.number(policy, old_documents.collect()));
        self.change(account, |facts, touched| {
            touched.policies.extend(old.iter().map(|old| Arc::clone(&old.arn)));
            touched.policies.insert(Arc::clone(&policy.arn));
            facts.policies.insert(name, policy);
        })
    }

    fn remove_policy(&mut self, account: AccountId, name: &str) -> Result<(), Error> {
        let name: Box<str> = fold_name(name).into();
        let Some(old) = self.entry(account)?.facts.policies.get(&name).map(Arc::clone) else {
            return missing("policy", &name);
        };
        self.check_room(0, 1)?;
        self.forget(old.versions.iter().map(|version| version.document));
        self.change(account, |facts, touched| {
            facts.policies.remove(&name);
            touched.policies.insert(Arc::clone(&old.arn));
        })
    }

    fn put_aws_managed_policy(&mut self, policy: ManagedPolicy<DocumentText>) -> Result<(), Error> {
        check::policy(check::AWS, &policy)?;
        self.check_room(policy.versions.len(), 1)?;
        let old = self.state.aws_managed.get(&policy.arn).map(|old| Arc::clone(&old.0));
        let old_documents = old.iter().flat_map(|old| old.versions.iter().map(|v| v.document));
        let policy = Arc::new(self.number(policy, old_documents.collect()));
        self.aws_managed.insert(Arc::clone(&policy.arn));
        self.state.aws_managed.insert(PolicyEntry(policy));
        Ok(())
    }

    fn put_instance_profile(
        &mut self,
        account: AccountId,
        profile: InstanceProfile,
    ) -> Result<(), Error> {
        let facts = &self.entry(account)?.facts;
        let name: Box<str> = fold_name(&profile.name).into();
        check::instance_profile(account, &profile)?;
        check::profile_role(&profile, facts)?;
        let old = facts.instance_profiles.get(&name).map(|old| &*old.name);
        check_spelling("instance profile", old, &profile.name)?;
        self.change(account, |facts, _| {
            facts.instance_profiles.insert(name, Arc::new(profile));
        })
    }

    fn remove_instance_profile(&mut self, account: AccountId, name: &str) -> Result<(), Error> {
        let name = fold_name(name);
        if !self.entry(account)?.facts.instance_profiles.contains_key(&*name) {
            return missing("instance profile", &name);
        }
        self.change(account, |facts, _| {
            facts.instance_profiles.remove(&*name);
        })
    }

    // ---- Resources and endpoints ----

    fn put_resource(&mut self, mut resource: Resource<DocumentText>) -> Result<(), Error> {
        check::resource(&resource)?;
        resource.arn = known_arn(&resource.arn).into();
        self.check_room(resource.policies.len(), 0)?;
        let old = self.state.resources.get(&resource.arn).map(|old| Arc::clone(&old.0));
        let old = old.iter().flat_map(|old| old.0.policies.iter().copied());
        let resource = self.number(resource, old.collect());
        if resource.is_doubtful() {
            self.doubtful.insert(resource.arn.clone());
        }
        let policies = applicable::in_order(&self.state.documents, resource.policies.clone());
        self.state.resources.insert(ResourceEntry(Arc::new((resource, policies))));
        Ok(())
    }

    fn remove_resource(&mut self, arn: &str) -> Result<(), Error> {
        let arn = &*known_arn(arn);
        let Some(old) = self.state.resources.remove(arn) else {
            return missing("resource", arn);
        };
        self.doubtful.remove(arn);
        self.forget(old.0.0.policies.iter().copied());
        Ok(())
    }

    fn put_endpoint(&mut self, endpoint: VpcEndpoint<DocumentText>) -> Result<(), Error> {
        check::endpoint(&endpoint)?;
        self.check_room(1, 0)?;
        let old = self.state.endpoints.get(&endpoint.id).and_then(|old| old.0.policy);
        let endpoint = self.number(endpoint, old.into_iter().collect());
        self.state.endpoints.insert(EndpointEntry(Arc::new(endpoint)));
        Ok(())
    }

    fn remove_endpoint(&mut self, id: &str) -> Result<(), Error> {
        let Some(old) = self.state.endpoints.remove(id) else {
            return missing("VPC endpoint", id);
        };
        self.forget(old.0.policy);
        Ok(())
    }

    // ---- Documents ----

    /// Gives the documents of new facts their ids: an unchanged document of the facts they
    /// replace keeps its id, the rest of the old ones go.
    fn number<T: Documents<DocumentText>>(
        &mut self,
        facts: T,
        old: Vec<PolicyId>,
    ) -> T::Mapped<PolicyId> {
        let mut replaced = Replaced::new(&self.state.documents, old);
        let state = &mut self.state;
        let mapped = facts.map_documents(&mut |slot: Slot<'_>, text: DocumentText| {
            let text = DocumentText { text: state.texts.share(text.text), ..text };
            let document: Document = slot.document(Some(text));
            match replaced.take(&document) {
                Some(id) => id,
                None => state.documents.push(Arc::new(document)),
            }
        });
        self.forget(replaced.into_rest());
        mapped
    }

    fn forget(&mut self, documents: impl IntoIterator<Item = PolicyId>) {
        for id in documents {
            self.state.documents.remove(id);
        }
    }
}

/// An AWS-managed policy of a library as a fact; none when the library lacks it or the ARN is
/// another account's.
pub(crate) fn bundled_policy(
    source: &dyn ManagedPolicySource,
    arn: &Arc<str>,
) -> Option<ManagedPolicy<DocumentText>> {
    let parts = ArnParts::split(arn).filter(|parts| parts.account == check::AWS)?;
    let path_and_name = parts.resource.strip_prefix("policy")?;
    let (path, name) = path_and_name.split_at(path_and_name.rfind('/')? + 1);
    let (text, version) = source.document(arn)?;
    Some(ManagedPolicy {
        arn: Arc::clone(arn),
        name: name.into(),
        path: path.into(),
        unique_id: None,
        versions: vec![PolicyVersion {
            id: version,
            document: DocumentText::new(text),
            created: None,
        }],
        default_version: 0,
        created: None,
        description: None,
        tags: Vec::new(),
    })
}

fn role_documents<P>(role: &Role<P>) -> impl Iterator<Item = &P> {
    role.trust.iter().chain(role.inline.iter().map(|policy| &policy.document))
}

/// Every document an account holds.
fn account_documents<P>(account: &Account<P>) -> impl Iterator<Item = &P> {
    let users = account.users.values().flat_map(|user| &user.inline);
    let groups = account.groups.values().flat_map(|group| &group.inline);
    let roles = account.roles.values().flat_map(|role| role_documents(role));
    let versions = account.policies.values().flat_map(|policy| &policy.versions);
    let inline = users.chain(groups).map(|policy| &policy.document);
    inline.chain(roles).chain(versions.map(|version| &version.document))
}

/// Every managed policy that entities of an account reference.
fn account_references<P>(account: &Account<P>) -> impl Iterator<Item = &Arc<str>> {
    let users = account.users.values().flat_map(|user| user.attached.iter().chain(&user.boundary));
    let groups = account.groups.values().flat_map(|group| &group.attached);
    let roles = account.roles.values().flat_map(|role| role.attached.iter().chain(&role.boundary));
    users.chain(groups).chain(roles)
}

/// Whether two ARNs are of one kind, account and name, case apart: the path may change (I-34).
fn same_entity(a: &str, b: &str) -> bool {
    fn parts(arn: &str) -> Option<(&str, &str, &str)> {
        let parts = ArnParts::split(arn)?;
        let (kind, rest) = parts.resource.split_once('/')?;
        Some((parts.account, kind, rest.rsplit('/').next().unwrap_or(rest)))
    }
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => (a.0, a.1) == (b.0, b.1) && a.2.eq_ignore_ascii_case(b.2),
        _ => false,
    }
}

fn check_spelling(what: &str, old: Option<&str>, new: &str) -> Result<(), Error> {
    match old.filter(|old| *old != new) {
        None => Ok(()),
        Some(old) => refuse(
            ErrorKind::NameTaken,
            format_args!("{what} `{new}` differs from {what} `{old}` in case alone"),
        ),
    }
}

fn unique_id_taken<T>(unique_id: &str, arn: &str) -> Result<T, Error> {
    refuse(
        ErrorKind::UniqueIdTaken,
        format_args!("`{unique_id}` of `{arn}` is the unique id of another user or role"),
    )
}

fn no_such_account(account: AccountId) -> Error {
    Error::new(ErrorKind::NoSuchAccount, format_args!("the store does not hold account {account}"))
}

fn missing<T>(what: &str, name: &str) -> Result<T, Error> {
    refuse(ErrorKind::NoSuchEntity, format_args!("there is no {what} `{name}` to remove"))
}

#[cfg(test)]
mod tests;
