//! Change sets laid over a snapshot: each change ends in changes of the store.

use std::sync::Arc;

use assize_model::{AccountId, ArnParts, PolicyId};
use assize_store::{
    Account, DocumentText, InlinePolicy, ManagedPolicy, ManagedPolicySource, Organization,
    OrganizationPolicy, PolicyVersion, RCP_FULL_AWS_ACCESS_ID, Resource, ResourceAttributes, Role,
    StoreChange, StoreSnapshot, User,
};

use super::{Change, ChangeSet, Kind, NewPolicy, Op};
use crate::json::shorten;
use crate::nearest::{did_you_mean, nearest};
use crate::{Error, ErrorKind};

/// Most SCPs, and most RCPs, that AWS lets be attached to a node (L-1001).
const MAX_NODE_POLICIES: usize = 5;
/// Most managed policies that AWS lets be attached to an entity without a raised quota (L-1001).
const MAX_ATTACHED: usize = 10;

/// A snapshot with changes laid over it.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The snapshot.
    pub snapshot: StoreSnapshot,
    /// The ARNs of users, groups and roles that were taken away (F-73).
    pub removed: Vec<Box<str>>,
    /// What AWS would not let be done, though it can be answered (L-1001).
    pub warnings: Vec<String>,
}

/// Why a change does not fit.
type Outcome<T> = Result<T, (ErrorKind, String)>;

fn unfit<T>(message: impl Into<String>) -> Outcome<T> {
    Err((ErrorKind::Reference, message.into()))
}

/// The end of a message about a name that is not there: the one that may have been meant.
fn meant<'c>(name: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    did_you_mean(nearest(name, known))
}

/// The same for ARNs, which are told apart by what is behind the last slash or colon.
fn meant_arn<'c>(arn: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    let split = |arn: &str| arn.rfind(['/', ':']).map_or(0, |at| at + 1);
    let (head, name) = arn.split_at(split(arn));
    let known = known.into_iter().filter_map(|arn| arn.strip_prefix(head));
    did_you_mean(nearest(name, known).map(|near| format!("{head}{near}")))
}

impl ChangeSet {
    /// Lays the changes over a snapshot, which stays as it is.
    ///
    /// # Errors
    /// The first change that does not fit: its target or name is not there, or what it attaches
    /// is attached (F-72).
    pub fn apply(
        &self,
        snapshot: &StoreSnapshot,
        managed: &dyn ManagedPolicySource,
    ) -> Result<Changed, Error> {
        let mut changed =
            Changed { snapshot: snapshot.clone(), removed: Vec::new(), warnings: Vec::new() };
        for (at, change) in self.changes.iter().enumerate() {
            let laid = Layer { snapshot: &changed.snapshot, managed, change, number: at + 1 };
            let mut warnings = Vec::new();
            let fault = |(kind, message): (ErrorKind, String)| {
                Error::new(kind, message).at(change.place.clone())
            };
            let changes = laid.store_changes(&mut warnings).map_err(fault)?;
            let mut editor = changed.snapshot.edit();
            for change in changes {
                let refused = |error: assize_store::Error| (ErrorKind::Store, error.to_string());
                editor.apply(change).map_err(|error| fault(refused(error)))?;
            }
            editor.resolve_managed(managed);
            changed.snapshot = editor.commit().0;
            changed.warnings.extend(warnings);
            if change.kind == Kind::Entity {
                changed.removed.extend(change.target.clone());
            }
        }
        Ok(changed)
    }
}

/// One change over one snapshot.
struct Layer<'c> {
    snapshot: &'c StoreSnapshot,
    managed: &'c dyn ManagedPolicySource,
    change: &'c Change,
    /// The number of the change, for default names.
    number: usize,
}

impl Layer<'_> {
    fn store_changes(&self, warnings: &mut Vec<String>) -> Outcome<Vec<StoreChange>> {
        match self.change.kind {
            Kind::Scp | Kind::Rcp => self.organization(warnings).map(|change| vec![change]),
            Kind::Identity | Kind::Boundary | Kind::Trust | Kind::Entity => self.entity(warnings),
            Kind::Managed => self.managed().map(|change| vec![change]),
            Kind::Resource => self.resource().map(|change| vec![change]),
            Kind::Endpoint => self.endpoint().map(|change| vec![change]),
        }
    }

    fn target(&self) -> &str {
        self.change.target.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.change.name.as_deref().unwrap_or_default()
    }

    fn text(&self, id: PolicyId) -> DocumentText {
        let document = self.snapshot.document(id);
        DocumentText {
            text: document.and_then(|d| d.text.clone()).unwrap_or_default(),
            origin: document.and_then(|d| d.origin.clone()),
        }
    }

    /// The document of the change; kinds whose policy is always one of their own refuse a name.
    fn document(&self) -> Outcome<DocumentText> {
        match &self.change.policy {
            Some(NewPolicy::Document(document, _)) => Ok(document.clone()),
            Some(NewPolicy::Existing(name)) => {
                unfit(format!("`{}` is no policy document", shorten(name)))
            }
            None => unfit("the change has no policy"),
        }
    }

    // ---- Organizations ----

    /// The organization of the target with its documents as texts, and the id of the node.
    fn tree(&self) -> Outcome<(Organization<DocumentText>, Box<str>)> {
        let mut organizations = self.snapshot.organizations();
        let (organization, node) = if let Some(target) = &self.change.target {
            let found = organizations.find(|organization| organization.nodes.contains_key(target));
            let Some(found) = found else {
                let nodes = self.snapshot.organizations().flat_map(|known| known.nodes.keys());
                let hint = meant(target, nodes.map(AsRef::as_ref));
                let target = shorten(target);
                return unfit(format!("no organization of the world has a node `{target}`{hint}"));
            };
            (found, target.clone())
        } else {
            let Some(found) = organizations.next() else {
                return unfit("the world has no organization to attach the policy to");
            };
            if organizations.next().is_some() {
                return unfit("the world has several organizations: name the target of the policy");
            }
            (found, found.root_id.clone())
        };
        let policies = organization.policies.iter().map(|(id, policy)| {
            let document = self.text(policy.document);
            let OrganizationPolicy { id: own, name, arn, resource_control, aws_managed, .. } =
                &**policy;
            let policy = OrganizationPolicy {
                id: own.clone(),
                name: name.clone(),
                arn: arn.clone(),
                resource_control: *resource_control,
                aws_managed: *aws_managed,
                document,
            };
            (id.clone(), Arc::new(policy))
        });
        let owned = Organization {
            id: organization.id.clone(),
            management_account: organization.management_account,
            root_id: organization.root_id.clone(),
            scp_enabled: organization.scp_enabled,
            rcp_enabled: organization.rcp_enabled,
            delegated_administrators: organization.delegated_administrators.clone(),
            policies: policies.collect(),
            nodes: organization.nodes.clone(),
        };
        Ok((owned, node))
    }

    fn organization(&self, warnings: &mut Vec<String>) -> Outcome<StoreChange> {
        let (mut tree, node_id) = self.tree()?;
        let resource_control = self.change.kind == Kind::Rcp;
        let named = match self.change.op {
            Op::Attach => None,
            _ => Some(self.attached(&tree, &node_id, self.name())?),
        };
        let new = match self.change.op {
            Op::Detach => None,
            _ => Some(self.organization_policy(&mut tree, resource_control)?),
        };
        if resource_control {
            tree.rcp_enabled = true;
        } else {
            tree.scp_enabled = true;
        }
        let Some(node) = tree.nodes.get_mut(&node_id) else {
            return unfit("the node is not in the tree");
        };
        let list = if resource_control { &mut node.rcps } else { &mut node.scps };
        if let Some(new) = &new
            && list.contains(new)
        {
            return unfit(format!("`{new}` is attached to `{node_id}` already"));
        }
        match (named, new) {
            (Some(old), Some(new)) => {
                for id in list.iter_mut().filter(|id| **id == old) {
                    id.clone_from(&new);
                }
            }
            (Some(old), None) => list.retain(|id| *id != old),
            (None, Some(new)) => list.push(new),
            (None, None) => {}
        }
        if list.len() > MAX_NODE_POLICIES {
            let kind = self.change.kind.word();
            warnings.push(format!(
                "`{node_id}` has {} policies of kind {kind}; AWS attaches at most \
                 {MAX_NODE_POLICIES}",
                list.len()
            ));
        }
        Ok(StoreChange::PutOrganization(tree))
    }

    /// The id of a policy of a node by name, id or ARN.
    fn attached(
        &self,
        tree: &Organization<DocumentText>,
        node_id: &str,
        name: &str,
    ) -> Outcome<Box<str>> {
        let node = tree.nodes.get(node_id);
        let resource_control = self.change.kind == Kind::Rcp;
        let list = node.map(|node| if resource_control { &node.rcps } else { &node.scps });
        let mut ids = list.into_iter().flatten();
        let found = ids.find(|id| tree.policies.get(*id).is_some_and(|p| is_called(p, name)));
        match found {
            // E-36: AWS attaches it everywhere, and takes it away nowhere.
            Some(id) if **id == *RCP_FULL_AWS_ACCESS_ID => {
                unfit(format!("`{}` is attached to every node and stays so", shorten(name)))
            }
            Some(id) => Ok(id.clone()),
            None => {
                let attached = list.into_iter().flatten().filter_map(|id| tree.policies.get(id));
                let hint = meant(name, names(attached));
                unfit(format!("no policy `{}` is attached to `{node_id}`{hint}", shorten(name)))
            }
        }
    }

    /// The id of the policy of the change, put among the organization's if it is new.
    fn organization_policy(
        &self,
        tree: &mut Organization<DocumentText>,
        resource_control: bool,
    ) -> Outcome<Box<str>> {
        let (document, name) = match &self.change.policy {
            Some(NewPolicy::Existing(name)) => {
                let mut all = tree.policies.values();
                let fits = |p: &Arc<OrganizationPolicy<_>>| {
                    p.resource_control == resource_control && is_called(p, name)
                };
                return if let Some(policy) = all.find(|policy| fits(policy)) {
                    Ok(policy.id.clone())
                } else {
                    let all = tree.policies.values();
                    let hint =
                        meant(name, names(all.filter(|p| p.resource_control == resource_control)));
                    unfit(format!("the organization has no policy `{}`{hint}", shorten(name)))
                };
            }
            Some(NewPolicy::Document(document, name)) => (document.clone(), name.as_deref()),
            None => return unfit("the change has no policy"),
        };
        let default = format!("change-{}", self.number);
        let name = name.unwrap_or(&default);
        let plain: Box<str> = format!("p-{name}").into();
        let mut id = plain.clone();
        let mut number = 2;
        while tree.policies.contains_key(&id) {
            id = format!("{plain}-{number}").into();
            number += 1;
        }
        let policy = OrganizationPolicy {
            id: id.clone(),
            name: name.into(),
            arn: None,
            resource_control,
            aws_managed: false,
            document,
        };
        tree.policies.insert(id.clone(), Arc::new(policy));
        Ok(id)
    }

    // ---- Users, groups and roles ----

    fn entity(&self, warnings: &mut Vec<String>) -> Outcome<Vec<StoreChange>> {
        let target = self.target();
        let id = ArnParts::split(target).and_then(|arn| arn.account_id());
        let account = id.and_then(|id| self.snapshot.account_with_texts(id));
        let (Some(id), Some(account)) = (id, account) else { return self.no_entity("") };
        let mut changes = Vec::new();
        if let Some(user) = account.users.values().find(|user| *user.arn == *target) {
            let mut user = User::clone(user);
            if self.change.kind == Kind::Entity {
                return Ok(vec![StoreChange::RemoveUser(id, user.name)]);
            }
            let held = Held::new(&mut user.inline, &mut user.attached, Some(&mut user.boundary));
            self.change_held(id, held, &mut changes, warnings)?;
            changes.push(StoreChange::PutUser(id, user));
        } else if let Some(role) = account.roles.values().find(|role| *role.arn == *target) {
            let mut role = Role::clone(role);
            match self.change.kind {
                Kind::Entity => return Ok(vec![StoreChange::RemoveRole(id, role.name)]),
                Kind::Trust => role.trust = Some(self.document()?),
                _ => {
                    let boundary = Some(&mut role.boundary);
                    let held = Held::new(&mut role.inline, &mut role.attached, boundary);
                    self.change_held(id, held, &mut changes, warnings)?;
                }
            }
            changes.push(StoreChange::PutRole(id, role));
        } else if let Some(group) = account.groups.values().find(|group| *group.arn == *target) {
            let mut group = assize_store::Group::clone(group);
            if self.change.kind == Kind::Entity {
                return Ok(without_group(id, &account, &group.name));
            }
            let held = Held::new(&mut group.inline, &mut group.attached, None);
            self.change_held(id, held, &mut changes, warnings)?;
            changes.push(StoreChange::PutGroup(id, group));
        } else {
            return self.no_entity(&meant_arn(target, entity_arns(&account)));
        }
        Ok(changes)
    }

    fn no_entity<T>(&self, hint: &str) -> Outcome<T> {
        unfit(format!("the world has no user, group or role `{}`{hint}", shorten(self.target())))
    }

    fn change_held(
        &self,
        account: AccountId,
        mut held: Held<'_>,
        changes: &mut Vec<StoreChange>,
        warnings: &mut Vec<String>,
    ) -> Outcome<()> {
        match (self.change.kind, self.change.op) {
            (Kind::Identity, Op::Attach) => {
                self.attach_identity(account, &mut held, changes, warnings)
            }
            (Kind::Identity, Op::Detach) => held.detach(self.name(), self.target()),
            (Kind::Identity, _) => {
                let document = self.document()?;
                let mut inline = held.inline.iter_mut();
                let name = self.name();
                if let Some(found) = inline.find(|policy| *policy.name == *name) {
                    found.document = document;
                    return Ok(());
                }
                // A managed policy in this one place: detached, and the document put inline.
                if !held.attached.iter().any(|arn| is_managed_called(arn, name)) {
                    return held.holds_none(name, self.target());
                }
                held.attached.retain(|arn| !is_managed_called(arn, name));
                held.put_inline(self.default_name(), document, self.target())
            }
            (Kind::Boundary, op) => {
                let Some(boundary) = held.boundary else {
                    return unfit("a group has no permissions boundary");
                };
                *boundary = match op {
                    Op::Remove if boundary.is_none() => {
                        return unfit(format!("`{}` has no permissions boundary", self.target()));
                    }
                    Op::Remove => None,
                    _ => Some(self.managed_arn(account, changes)?),
                };
                Ok(())
            }
            _ => unfit(format!("`{}` is no role", shorten(self.target()))),
        }
    }

    fn attach_identity(
        &self,
        account: AccountId,
        held: &mut Held<'_>,
        changes: &mut Vec<StoreChange>,
        warnings: &mut Vec<String>,
    ) -> Outcome<()> {
        if let Some(NewPolicy::Document(document, None)) = &self.change.policy {
            let name = self.change.name.clone().unwrap_or_else(|| self.default_name());
            return held.put_inline(name, document.clone(), self.target());
        }
        if let Some(name) = &self.change.name {
            return unfit(format!(
                "`{}` names no inline policy: a managed one is attached",
                shorten(name)
            ));
        }
        let arn = self.managed_arn(account, changes)?;
        if held.attached.contains(&arn) {
            return unfit(format!("`{arn}` is attached to `{}` already", self.target()));
        }
        held.attached.push(arn);
        if held.attached.len() > MAX_ATTACHED {
            let target = self.target();
            let n = held.attached.len();
            warnings.push(format!(
                "`{target}` has {n} managed policies; AWS attaches {MAX_ATTACHED} unless a \
                 quota was raised"
            ));
        }
        Ok(())
    }

    fn default_name(&self) -> Box<str> {
        format!("change-{}", self.number).into()
    }

    /// The ARN of the managed policy of the change; one of a document is made in the account.
    fn managed_arn(&self, account: AccountId, changes: &mut Vec<StoreChange>) -> Outcome<Arc<str>> {
        match &self.change.policy {
            Some(NewPolicy::Existing(arn)) if arn.starts_with("arn:") => self.existing_arn(arn),
            Some(NewPolicy::Existing(name)) => {
                unfit(format!("`{}` is not the ARN of a managed policy", shorten(name)))
            }
            Some(NewPolicy::Document(document, name)) => {
                let name = name.clone().unwrap_or_else(|| self.default_name());
                let policy = crate::scenario::managed_policy(account, &name, document.clone());
                let arn = Arc::clone(&policy.arn);
                let known = self.snapshot.managed_document(&arn).map(|id| self.text(id));
                match known {
                    Some(known) if known.text != document.text => {
                        return unfit(format!("the world has another policy `{arn}` already"));
                    }
                    Some(_) => {}
                    None => changes.push(StoreChange::PutPolicy(account, policy)),
                }
                Ok(arn)
            }
            None => unfit("the change has no policy"),
        }
    }

    /// The ARN of a managed policy that is there. One of none would deny whatever is asked, and is
    /// a slip.
    fn existing_arn(&self, arn: &str) -> Outcome<Arc<str>> {
        let owner = ArnParts::split(arn).and_then(|parts| parts.account_id());
        let account = owner.and_then(|id| self.snapshot.account_with_texts(id));
        let of_account = account.iter().flat_map(|account| account.policies.values());
        let arns: Vec<&str> = of_account.map(|policy| &*policy.arn).collect();
        let is_there = arns.contains(&arn)
            || self.snapshot.aws_managed_policy(arn).is_some()
            || self.managed.document(arn).is_some();
        if is_there {
            return Ok(arn.into());
        }
        let hint = match self.managed.nearest(arn) {
            None => meant_arn(arn, arns),
            near => did_you_mean(near),
        };
        unfit(format!("there is no managed policy `{}`{hint}", shorten(arn)))
    }

    // ---- Managed policies, resources, endpoints ----

    fn managed(&self) -> Outcome<StoreChange> {
        let target = self.target();
        let document = self.document()?;
        let owner = ArnParts::split(target).and_then(|arn| arn.account_id());
        if let Some(id) = owner {
            let account = self.snapshot.account_with_texts(id);
            let policies = account.iter().flat_map(|account| account.policies.values());
            let mut found = policies.filter(|policy| *policy.arn == *target);
            if let Some(policy) = found.next() {
                return Ok(StoreChange::PutPolicy(id, next_version(policy, document)));
            }
            let policies = account.iter().flat_map(|account| account.policies.values());
            let hint = meant_arn(target, policies.map(|policy| &*policy.arn));
            return unfit(format!("the world has no managed policy `{}`{hint}", shorten(target)));
        }
        let Some(policy) = self.snapshot.aws_managed_policy(target) else {
            let used = self.snapshot.aws_managed_policies();
            let hint = meant_arn(target, used.map(|policy| &*policy.arn));
            return unfit(format!("the world uses no managed policy `{}`{hint}", shorten(target)));
        };
        let versions = policy.versions.iter().map(|version| PolicyVersion {
            id: version.id.clone(),
            document: self.text(version.document),
            created: version.created.clone(),
        });
        let policy = ManagedPolicy {
            arn: Arc::clone(&policy.arn),
            name: policy.name.clone(),
            path: policy.path.clone(),
            unique_id: policy.unique_id.clone(),
            versions: versions.collect(),
            default_version: policy.default_version,
            created: policy.created.clone(),
            description: policy.description.clone(),
            tags: policy.tags.clone(),
        };
        Ok(StoreChange::PutAwsManagedPolicy(next_version(&policy, document)))
    }

    fn resource(&self) -> Outcome<StoreChange> {
        let target = self.target();
        let known = self.snapshot.resource(target);
        let policies = match self.change.op {
            Op::Remove => Vec::new(),
            _ => vec![self.document()?],
        };
        let in_arn = ArnParts::split(target).and_then(|arn| arn.account_id());
        let owner = known.map(|known| known.account).or(in_arn);
        if let (Some(owner), Some(stated)) = (owner, self.change.account)
            && owner != stated
        {
            return unfit(format!("`{}` is of account {owner}, not {stated}", shorten(target)));
        }
        if let Some(known) = known {
            if self.change.op == Op::Remove && known.policies.is_empty() {
                return unfit(format!("`{}` has no policy", shorten(target)));
            }
            return Ok(StoreChange::PutResource(Resource {
                arn: known.arn.clone(),
                account: known.account,
                tags: known.tags.clone(),
                policies,
                attributes: known.attributes.clone(),
            }));
        }
        match (self.change.op, owner.or(self.change.account)) {
            (Op::Remove, _) => {
                let known = self.snapshot.resources().map(|resource| &*resource.arn);
                let hint = meant_arn(target, known);
                unfit(format!("the world has no resource `{}`{hint}", shorten(target)))
            }
            (_, Some(account)) => Ok(StoreChange::PutResource(Resource {
                arn: target.into(),
                account,
                tags: None,
                policies,
                attributes: ResourceAttributes::default(),
            })),
            (_, None) => unfit(format!("`{}` names no account: add `account`", shorten(target))),
        }
    }

    fn endpoint(&self) -> Outcome<StoreChange> {
        let target = self.target();
        let Some(known) = self.snapshot.endpoint(target) else {
            let hint = meant(target, self.snapshot.endpoints().map(|endpoint| &*endpoint.id));
            return unfit(format!("the world has no VPC endpoint `{}`{hint}", shorten(target)));
        };
        let policy = match self.change.op {
            Op::Remove if known.policy.is_none() => {
                return unfit(format!("`{}` has no policy", shorten(target)));
            }
            Op::Remove => None,
            _ => Some(self.document()?),
        };
        Ok(StoreChange::PutEndpoint(assize_store::VpcEndpoint {
            id: known.id.clone(),
            account: known.account,
            vpc: known.vpc.clone(),
            vpc_arn: known.vpc_arn.clone(),
            endpoint_type: known.endpoint_type,
            service: known.service.clone(),
            policy,
        }))
    }
}

/// F-73: memberships go with a group.
fn without_group(
    id: AccountId,
    account: &assize_store::Account<DocumentText>,
    name: &str,
) -> Vec<StoreChange> {
    let is_it = |group: &str| group.eq_ignore_ascii_case(name);
    let members = account.users.values().filter(|user| user.groups.iter().any(|g| is_it(g)));
    let mut changes: Vec<StoreChange> = members
        .map(|user| {
            let mut user = User::clone(user);
            user.groups.retain(|group| !is_it(group));
            StoreChange::PutUser(id, user)
        })
        .collect();
    changes.push(StoreChange::RemoveGroup(id, name.into()));
    changes
}

/// What policies of an organization may be called.
fn names<'p, P: 'p>(
    policies: impl Iterator<Item = &'p Arc<OrganizationPolicy<P>>>,
) -> impl Iterator<Item = &'p str> {
    policies.flat_map(|policy| [&*policy.name, &*policy.id])
}

/// The ARNs of the users, roles and groups of an account.
fn entity_arns(account: &Account<DocumentText>) -> impl Iterator<Item = &str> {
    let users = account.users.values().map(|user| &*user.arn);
    let roles = account.roles.values().map(|role| &*role.arn);
    users.chain(roles).chain(account.groups.values().map(|group| &*group.arn))
}

fn is_called<P>(policy: &OrganizationPolicy<P>, name: &str) -> bool {
    *policy.id == *name || *policy.name == *name || policy.arn.as_deref() == Some(name)
}

/// Whether the ARN of a managed policy is `name`, or ends in it.
fn is_managed_called(arn: &str, name: &str) -> bool {
    *arn == *name || arn.rsplit('/').next() == Some(name)
}

/// The same policy with one more version, the default (I-18).
fn next_version(
    policy: &ManagedPolicy<DocumentText>,
    document: DocumentText,
) -> ManagedPolicy<DocumentText> {
    let mut policy = policy.clone();
    let numbers = policy.versions.iter().filter_map(|v| v.id.trim_start_matches('v').parse().ok());
    let next = numbers.max().unwrap_or(0_u32).saturating_add(1);
    policy.versions.push(PolicyVersion { id: format!("v{next}").into(), document, created: None });
    policy.default_version = policy.versions.len() - 1;
    policy
}

/// What a user, group or role holds of policies.
struct Held<'h> {
    inline: &'h mut Vec<InlinePolicy<DocumentText>>,
    attached: &'h mut Vec<Arc<str>>,
    boundary: Option<&'h mut Option<Arc<str>>>,
}

impl<'h> Held<'h> {
    fn new(
        inline: &'h mut Vec<InlinePolicy<DocumentText>>,
        attached: &'h mut Vec<Arc<str>>,
        boundary: Option<&'h mut Option<Arc<str>>>,
    ) -> Self {
        Self { inline, attached, boundary }
    }

    fn detach(self, name: &str, target: &str) -> Outcome<()> {
        let n_before = self.inline.len() + self.attached.len();
        self.inline.retain(|policy| *policy.name != *name);
        if self.inline.len() + self.attached.len() == n_before {
            self.attached.retain(|arn| **arn != *name);
        }
        if self.inline.len() + self.attached.len() == n_before {
            return self.holds_none(name, target);
        }
        Ok(())
    }

    fn put_inline(&mut self, name: Box<str>, document: DocumentText, target: &str) -> Outcome<()> {
        if self.inline.iter().any(|policy| policy.name == name) {
            return unfit(format!("`{target}` has an inline policy `{name}` already"));
        }
        self.inline.push(InlinePolicy { name, document });
        Ok(())
    }

    /// There is no policy of a name.
    fn holds_none<T>(&self, name: &str, target: &str) -> Outcome<T> {
        let mut hint = meant(name, self.inline.iter().map(|policy| &*policy.name));
        if hint.is_empty() {
            hint = meant_arn(name, self.attached.iter().map(AsRef::as_ref));
        }
        unfit(format!("no policy `{}` is attached to `{target}`{hint}", shorten(name)))
    }
}
