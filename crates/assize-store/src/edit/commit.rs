//! Commit: references and groups are resolved for what was touched, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use assize_model::{AccountId, PolicyId};

use crate::applicable::{AccountPolicies, Resolved, in_order};
use crate::document::Slot;
use crate::edit::{StoreEditor, Touched};
use crate::resource::before_wildcard;
use crate::snapshot::{Placeholder, State};
use crate::{Account, Diagnostic, DiagnosticCode, DiagnosticLevel, EntityPolicies, StoreSnapshot};

impl StoreEditor {
    /// Makes the next snapshot. The cost is that of what was touched, plus one walk over the
    /// accounts.
    ///
    /// The diagnostics name every managed policy that this commit leaves without a document:
    /// what has it is denied everything until it is put (I-44, E-112). They also name the resources
    /// that were put under ARNs which end in a wildcard, as those of no resource do.
    pub fn commit(mut self) -> (StoreSnapshot, Vec<Diagnostic>) {
        self.touch_users_of_aws_policies();
        let touched = std::mem::take(&mut self.accounts);
        for &account in touched.keys() {
            self.find_unresolved(account);
        }
        let mut diagnostics = self.update_placeholders();
        diagnostics.extend(self.doubts());
        for (account, mut touched) in touched {
            spread(&self.state, account, &mut touched);
            self.resolve_entities(account, &touched);
        }
        self.state.number += 1;
        (StoreSnapshot::new(self.state), diagnostics)
    }

    /// AWS-managed policies that were put change every account that references them.
    fn touch_users_of_aws_policies(&mut self) {
        if self.aws_managed.is_empty() {
            return;
        }
        for entry in self.state.accounts.iter() {
            for arn in &self.aws_managed {
                if entry.references.contains_key(arn) {
                    let touched = self.accounts.entry(entry.facts.id).or_default();
                    touched.policies.insert(Arc::clone(arn));
                }
            }
        }
    }

    /// What may be wrong with the resources that were put.
    fn doubts(&self) -> Vec<Diagnostic> {
        let records = || self.state.resources.iter().map(|entry| &entry.0.0);
        let vaults = records().filter_map(|record| record.attributes.backup_vault.as_deref());
        let used: BTreeSet<&str> =
            if self.doubtful.is_empty() { BTreeSet::new() } else { vaults.collect() };
        let mut doubts = Vec::new();
        for arn in &self.doubtful {
            let Some(entry) = self.state.resources.get(&**arn) else { continue };
            let record = &entry.0.0;
            if before_wildcard(arn).is_some() {
                doubts.push(pattern(arn));
            }
            if let Some(vault) = &record.attributes.backup_vault
                && self.state.resources.get(&**vault).is_none()
            {
                let message = format_args!(
                    "recovery point `{arn}` is in `{vault}`, of which there is no record, so that no \
                     policy of the vault is known"
                );
                doubts.push(unheard(arn, message));
            }
            if record.is_vault_with_policy() && !used.contains(&**arn) {
                let message = format_args!(
                    "no recovery point has `{arn}` as its `backupVault`: what the policy of the vault \
                     says of recovery points, whose ARNs do not name it, is said of none"
                );
                doubts.push(unheard(arn, message));
            }
            if record.is_network_with_policy() {
                let message = format_args!(
                    "which services are in the service network `{arn}` is not known: requests to them \
                     are decided without its policy"
                );
                doubts.push(unheard(arn, message));
            }
        }
        doubts
    }

    fn find_unresolved(&mut self, account: AccountId) {
        let Some(entry) = self.state.accounts.get(&account) else { return };
        let unresolved: Vec<_> = entry
            .references
            .keys()
            .filter(|arn| self.state.resolved_document(arn).is_none())
            .cloned()
            .collect();
        if unresolved == entry.policies.unresolved {
            return;
        }
        if let Some(entry) = self.state.accounts.get_mut(&account) {
            Arc::make_mut(&mut entry.policies).unresolved = unresolved;
        }
    }

    /// One placeholder for each reference that nothing resolves, in any account.
    fn update_placeholders(&mut self) -> Vec<Diagnostic> {
        let wanted: BTreeSet<Arc<str>> = self
            .state
            .accounts
            .iter()
            .flat_map(|entry| entry.policies.unresolved.iter().cloned())
            .collect();
        let gone: Vec<Placeholder> = self
            .state
            .placeholders
            .iter()
            .filter(|placeholder| !wanted.contains(&placeholder.arn))
            .cloned()
            .collect();
        for placeholder in gone {
            self.state.placeholders.remove(&placeholder.arn);
            self.state.documents.remove(placeholder.document);
        }
        let mut diagnostics = Vec::new();
        for arn in wanted {
            if self.state.placeholders.get(&arn).is_none() {
                diagnostics.push(unresolved(&arn));
                let document = Slot::Managed { arn: &arn }.document(None);
                let document = self.state.documents.push(Arc::new(document));
                self.state.placeholders.insert(Placeholder { arn, document });
            }
        }
        diagnostics
    }

    fn resolve_entities(&mut self, account: AccountId, touched: &Touched) {
        let Some(entry) = self.state.accounts.get(&account) else { return };
        let facts = Arc::clone(&entry.facts);
        let mut policies = Arc::clone(&entry.policies);
        let resolved = Arc::make_mut(&mut policies);
        for name in &touched.users {
            resolve_user(&self.state, &facts, name, resolved);
        }
        for name in &touched.roles {
            resolve_role(&self.state, &facts, name, resolved);
        }
        if let Some(entry) = self.state.accounts.get_mut(&account) {
            entry.policies = policies;
        }
    }
}

/// A policy that is said of nothing it is meant for.
fn unheard(arn: &str, message: std::fmt::Arguments<'_>) -> Diagnostic {
    Diagnostic::new(DiagnosticLevel::Warning, DiagnosticCode::UnheardPolicy, message).about(arn)
}

/// A resource whose ARN ends in a wildcard.
fn pattern(arn: &str) -> Diagnostic {
    let own = before_wildcard(arn).unwrap_or(arn);
    let message = format_args!(
        "`{arn}` is a pattern and the ARN of no resource: what is said of it is said of nothing; \
         did you mean `{own}`?"
    );
    Diagnostic::new(DiagnosticLevel::Warning, DiagnosticCode::WildcardResource, message).about(arn)
}

/// A managed policy, or an organization's, without a document.
pub(crate) fn unresolved(id: &str) -> Diagnostic {
    let message = format_args!(
        "policy `{id}` is referenced and nowhere to be found: whoever has it is denied \
         everything"
    );
    Diagnostic::new(DiagnosticLevel::Warning, DiagnosticCode::UnresolvedPolicy, message).about(id)
}

/// From touched policies to groups and entities, and from touched groups to their members.
fn spread(state: &State, account: AccountId, touched: &mut Touched) {
    if touched.policies.is_empty() && touched.groups.is_empty() {
        return;
    }
    let Some(facts) = state.account(account) else { return };
    let has =
        |policies: &BTreeSet<Arc<str>>, attached: &[Arc<str>], boundary: Option<&Arc<str>>| {
            attached.iter().chain(boundary).any(|arn| policies.contains(arn))
        };
    for (name, group) in &facts.groups {
        if has(&touched.policies, &group.attached, None) {
            touched.groups.insert(name.clone());
        }
    }
    for (name, user) in &facts.users {
        if user.groups.iter().any(|group| touched.groups.contains(group))
            || has(&touched.policies, &user.attached, user.boundary.as_ref())
        {
            touched.users.insert(name.clone());
        }
    }
    for (name, role) in &facts.roles {
        if has(&touched.policies, &role.attached, role.boundary.as_ref()) {
            touched.roles.insert(name.clone());
        }
    }
}

fn resolve_user(
    state: &State,
    facts: &Account<PolicyId>,
    name: &str,
    resolved: &mut AccountPolicies,
) {
    let Some(user) = facts.users.get(name) else { return };
    let groups = || user.groups.iter().filter_map(|group| facts.groups.get(group));
    let inline = user.inline.iter().chain(groups().flat_map(|group| &group.inline));
    let attached = user.attached.iter().chain(groups().flat_map(|group| &group.attached));
    let identity = inline
        .map(|policy| policy.document)
        .chain(attached.filter_map(|arn| state.managed_document(arn)))
        .collect();
    let policies = entity_policies(state, identity, user.boundary.as_deref());
    resolved.users.insert(Resolved { entity: Arc::clone(user), policies });
}

fn resolve_role(
    state: &State,
    facts: &Account<PolicyId>,
    name: &str,
    resolved: &mut AccountPolicies,
) {
    let Some(role) = facts.roles.get(name) else { return };
    let identity = role
        .inline
        .iter()
        .map(|policy| policy.document)
        .chain(role.attached.iter().filter_map(|arn| state.managed_document(arn)))
        .collect();
    let policies = entity_policies(state, identity, role.boundary.as_deref());
    resolved.roles.insert(Resolved { entity: Arc::clone(role), policies });
}

fn entity_policies(
    state: &State,
    identity: Vec<PolicyId>,
    boundary: Option<&str>,
) -> Arc<EntityPolicies> {
    let identity = in_order(&state.documents, identity);
    let boundary = boundary.and_then(|arn| state.managed_document(arn));
    Arc::new(EntityPolicies { identity, boundary })
}
