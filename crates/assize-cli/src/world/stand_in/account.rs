//! The accounts of a made-up world, with the principals and roles that requests name.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use assize_model::AccountId;
use assize_store::{
    Account, DEFAULT_MAX_SESSION_SECONDS, DocumentText, ExternalAccount, InlinePolicy,
    ManagedPolicy, PolicyVersion, Role, StoreChange, Tag, User, fold_name, unique_id,
};

use super::Named;
use super::layers::{Document, Layers};

/// The inline policy of a principal whose own side allows everything.
const ALLOW_ALL_NAME: &str = "everything";
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The accounts while they are made.
pub(super) struct Accounts<'l> {
    layers: &'l Layers,
    tags: &'l [Tag],
    trusts_identity: bool,
    made: BTreeMap<AccountId, Account<DocumentText>>,
    aws_managed: Vec<StoreChange>,
}

/// Path and name of `/path/name`.
fn split(path_and_name: &str) -> (&str, &str) {
    let at = path_and_name.rfind('/').map_or(0, |slash| slash + 1);
    path_and_name.split_at(at)
}

impl<'l> Accounts<'l> {
    pub(super) fn new(layers: &'l Layers, tags: &'l [Tag], trusts_identity: bool) -> Self {
        Self { layers, tags, trusts_identity, made: BTreeMap::new(), aws_managed: Vec::new() }
    }

    /// Adds a principal with the identity policies, the boundary and what it may pass as session
    /// policies.
    pub(super) fn add(&mut self, named: &Named) {
        let external = self.trusts_identity.then_some(ExternalAccount::TrustIdentity);
        self.account(named.account()).external = external;
        if self.trusts_identity {
            return;
        }
        match named {
            Named::Account(account) => self.add_managed("aws", *account),
            Named::User { partition, account, path_and_name } => {
                self.add_managed(partition, *account);
                let user = self.user(partition, *account, path_and_name);
                self.account(*account).users.insert(fold_name(&user.name).into(), Arc::new(user));
            }
            Named::Role { partition, account, path_and_name } => {
                self.add_managed(partition, *account);
                let role = self.role(partition, *account, path_and_name);
                let key = fold_name(&role.name).into();
                let roles = &mut self.account(*account).roles;
                roles.entry(key).or_insert_with(|| Arc::new(role));
            }
        }
    }

    /// Gives a role the trust policy; the role is added when no principal is a session of it.
    pub(super) fn add_trust(
        &mut self,
        partition: &str,
        account: AccountId,
        path_and_name: &str,
    ) -> Result<()> {
        let trust = match &*self.layers.trust {
            [trust] => trust.text(),
            _ => anyhow::bail!("a role has one trust policy: give `--trust` once"),
        };
        let mut bare = bare_role(partition, account, path_and_name);
        bare.trust = Some(trust.clone());
        let roles = &mut self.account(account).roles;
        let role = roles.entry(fold_name(&bare.name).into()).or_insert_with(|| Arc::new(bare));
        Arc::make_mut(role).trust = Some(trust);
        Ok(())
    }

    /// The changes that make the accounts.
    pub(super) fn into_changes(self) -> Vec<StoreChange> {
        let accounts = self.made.into_values();
        let accounts = accounts.map(|account| StoreChange::PutAccount(Box::new(account)));
        self.aws_managed.into_iter().chain(accounts).collect()
    }

    fn account(&mut self, id: AccountId) -> &mut Account<DocumentText> {
        self.made.entry(id).or_insert_with(|| Account::new(id))
    }

    /// The boundary and the session policies as managed policies: a boundary and several session
    /// policies can be nothing else.
    fn add_managed(&mut self, partition: &str, account: AccountId) {
        let layers = self.layers;
        for document in layers.boundary.iter().chain(&layers.session) {
            let policy = managed_policy(document, &document.managed_arn(partition, account));
            if document.arn.is_some() {
                self.aws_managed.push(StoreChange::PutAwsManagedPolicy(policy));
            } else {
                let policies = &mut self.account(account).policies;
                policies.insert(fold_name(&policy.name).into(), Arc::new(policy));
            }
        }
    }

    fn inline(&self) -> Vec<InlinePolicy<DocumentText>> {
        let given = self.layers.identity.iter().filter(|document| document.arn.is_none());
        let mut policies: Vec<_> = given
            .map(|document| InlinePolicy {
                name: document.name.as_str().into(),
                document: document.text(),
            })
            .collect();
        if self.layers.identity.is_empty() {
            let document = DocumentText::new(ALLOW_ALL);
            policies.push(InlinePolicy { name: ALLOW_ALL_NAME.into(), document });
        }
        policies
    }

    fn attached(&self) -> Vec<Arc<str>> {
        self.layers.identity.iter().filter_map(|document| document.arn.clone()).collect()
    }

    fn boundary(&self, partition: &str, account: AccountId) -> Option<Arc<str>> {
        let document = self.layers.boundary.first()?;
        Some(document.managed_arn(partition, account).into())
    }

    fn user(&self, partition: &str, account: AccountId, path_and_name: &str) -> User<DocumentText> {
        let (path, name) = split(path_and_name);
        let arn: Arc<str> = format!("arn:{partition}:iam::{account}:user{path_and_name}").into();
        User {
            name: name.into(),
            path: path.into(),
            unique_id: unique_id("AIDA", &arn),
            arn,
            created: None,
            inline: self.inline(),
            attached: self.attached(),
            groups: Vec::new(),
            boundary: self.boundary(partition, account),
            tags: self.tags.to_vec(),
        }
    }

    fn role(&self, partition: &str, account: AccountId, path_and_name: &str) -> Role<DocumentText> {
        Role {
            inline: self.inline(),
            attached: self.attached(),
            boundary: self.boundary(partition, account),
            tags: self.tags.to_vec(),
            ..bare_role(partition, account, path_and_name)
        }
    }
}

/// A role without policies.
fn bare_role(partition: &str, account: AccountId, path_and_name: &str) -> Role<DocumentText> {
    let (path, name) = split(path_and_name);
    let arn: Arc<str> = format!("arn:{partition}:iam::{account}:role{path_and_name}").into();
    Role {
        name: name.into(),
        path: path.into(),
        unique_id: unique_id("AROA", &arn),
        arn,
        created: None,
        trust: None,
        description: None,
        max_session_seconds: DEFAULT_MAX_SESSION_SECONDS,
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
    }
}

fn managed_policy(document: &Document, arn: &str) -> ManagedPolicy<DocumentText> {
    let resource = arn.split_once(":policy").map_or("/", |(_, resource)| resource);
    let (path, name) = split(resource);
    let version = PolicyVersion { id: "v1".into(), document: document.text(), created: None };
    ManagedPolicy {
        arn: arn.into(),
        name: name.into(),
        path: path.into(),
        unique_id: None,
        versions: vec![version],
        default_version: 0,
        created: None,
        description: None,
        tags: Vec::new(),
    }
}
