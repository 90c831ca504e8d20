//! The actions that the policies of a user or role grant.

use std::collections::{BTreeMap, BTreeSet};

use assize::policy::ir::{
    ActionElement, ActionPattern, Policy, ResourceElement, ResourcePattern, Statement,
};
use assize_automata::Pattern;
use assize_catalog::{ApiMap, Catalog};
use assize_model::{AccountId, Effect, PolicyId};
use assize_store::{Entity, StoreSnapshot};

use super::ActionSet;
use crate::Filter;
use crate::world::Worlds;

/// The grants of a world.
pub(super) struct Grants<'w> {
    worlds: &'w Worlds,
    catalog: &'w Catalog,
    /// The users and roles that are asked about, by ARN.
    entities: BTreeMap<&'w str, Entity<'w>>,
    /// The services that are asked about, by prefix; none for all.
    services: Option<BTreeSet<&'w str>>,
}

impl<'w> Grants<'w> {
    pub(super) fn new(worlds: &'w Worlds, map: &'w ApiMap, filter: &'w Filter) -> Self {
        let entities = entities(worlds.base(), filter);
        let services = (!filter.services.is_empty()).then(|| {
            let asked = map.services().filter(|service| {
                let source = service.event_source().split('.').next();
                source.is_some_and(|source| filter.services.contains(source))
            });
            let prefixes = asked.flat_map(|service| service.iam_prefixes());
            prefixes.chain(filter.services.iter().map(|name| &**name)).collect()
        });
        Self { worlds, catalog: worlds.catalog(), entities, services }
    }

    /// The users and roles that are asked about.
    pub(super) fn entities(&self) -> impl Iterator<Item = &'w str> {
        self.entities.keys().copied()
    }

    /// The account of a user or role, and the actions that its policies grant.
    pub(super) fn of(&self, arn: &str) -> Option<(AccountId, ActionSet)> {
        let entity = *self.entities.get(arn)?;
        let mut granted = self.granted(entity).unwrap_or_else(|| self.none());
        if let Some(services) = &self.services {
            for service in self.catalog.services() {
                if !services.contains(service.prefix()) {
                    granted[service.actions().positions()].fill(false);
                }
            }
        }
        Some((entity.account(), granted))
    }

    /// Whether the policies of a user or role grant an action that no catalog knows, by its name
    /// (`service:name`).
    pub(super) fn name_unknown(&self, arn: &str, action: &str) -> bool {
        let lower = action.to_ascii_lowercase();
        let Some((service, name)) = lower.split_once(':') else { return false };
        let entity = self.entities.get(arn).copied();
        let granted = entity.and_then(|entity| {
            let (own, boundary) = self.policies(entity)?;
            let is_within = boundary.is_none_or(|policy| allows_name(&[policy], service, name));
            Some(is_within && allows_name(&own, service, name))
        });
        granted.unwrap_or_default()
    }

    fn none(&self) -> ActionSet {
        vec![false; self.catalog.n_actions()]
    }

    /// What the identity policies allow and do not take away again, within the boundary. None
    /// where a policy does not load: then everything is denied (E-112).
    fn granted(&self, entity: Entity<'w>) -> Option<ActionSet> {
        let (own, boundary) = self.policies(entity)?;
        let mut granted = self.allowed(&own);
        if let Some(boundary) = boundary {
            let within = self.allowed(&[boundary]);
            granted.iter_mut().zip(within).for_each(|(own, within)| *own &= within);
        }
        Some(granted)
    }

    /// The identity policies and the boundary; none where one does not load (E-112).
    fn policies(&self, entity: Entity<'w>) -> Option<(Vec<&'w Policy>, Option<&'w Policy>)> {
        let policies = self.worlds.base().entity_policies(entity.account(), entity)?;
        let skips_invalid = self.worlds.before.options().skip_invalid_policies;
        let mut own = Vec::new();
        for applied in &policies.identity.policies {
            match self.policy(applied.policy) {
                Some(policy) => own.push(policy),
                None if skips_invalid => {}
                None => return None,
            }
        }
        let boundary = match policies.boundary {
            // A boundary that does not load allows nothing.
            Some(id) => Some(self.policy(id)?),
            None => None,
        };
        Some((own, boundary))
    }

    fn policy(&self, id: PolicyId) -> Option<&'w Policy> {
        self.worlds.before.library().get(id).and_then(|entry| entry.policy.as_ref())
    }

    /// What some statement of the policies allows, and none denies whatever the resource and the
    /// conditions.
    fn allowed(&self, policies: &[&Policy]) -> ActionSet {
        let statements = || policies.iter().flat_map(|policy| &policy.statements);
        let mut allowed = self.none();
        for statement in statements().filter(|statement| statement.effect == Effect::Allow) {
            self.put(&statement.action, &mut allowed, true);
        }
        for statement in statements().filter(|statement| denies_everywhere(statement)) {
            self.put(&statement.action, &mut allowed, false);
        }
        allowed
    }

    /// Puts the actions of an element into a set, or takes them out.
    fn put(&self, element: &ActionElement, set: &mut ActionSet, is_in: bool) {
        let mut named = self.none();
        for pattern in &element.patterns {
            match pattern {
                ActionPattern::Any => named.fill(true),
                ActionPattern::Named { vendor, name } => {
                    for range in self.catalog.expand(vendor, name) {
                        named[range.positions()].fill(true);
                    }
                }
            }
        }
        for (own, named) in set.iter_mut().zip(named) {
            if named != element.negated {
                *own = is_in;
            }
        }
    }
}

/// Whether a statement denies its actions whatever the resource and the conditions.
fn denies_everywhere(statement: &Statement) -> bool {
    statement.effect == Effect::Deny
        && statement.conditions.is_empty()
        && matches!(&statement.resource, ResourceElement::Resource(list)
            if list.contains(&ResourcePattern::Any))
}

/// [`Grants::allowed`] of an action that is in no catalog, by its name in lower case.
fn allows_name(policies: &[&Policy], service: &str, name: &str) -> bool {
    let is_about = |statement: &Statement| {
        let patterns = &statement.action.patterns;
        let matched = patterns.iter().any(|pattern| match pattern {
            ActionPattern::Any => true,
            ActionPattern::Named { vendor, name: pattern } => {
                **vendor == *service && Pattern::glob(pattern).is_match(name.as_bytes())
            }
        });
        matched != statement.action.negated
    };
    let about = || {
        let all = policies.iter().flat_map(|policy| &policy.statements);
        all.filter(|statement| is_about(statement))
    };
    about().any(|statement| statement.effect == Effect::Allow) && !about().any(denies_everywhere)
}

/// The users and roles of the accounts that are asked about. Service-linked roles are AWS's.
fn entities<'w>(world: &'w StoreSnapshot, filter: &Filter) -> BTreeMap<&'w str, Entity<'w>> {
    let is_asked = |id: AccountId| filter.accounts.is_empty() || filter.accounts.contains(&id);
    let mut entities = BTreeMap::new();
    for account in world.accounts().filter(|account| is_asked(account.id)) {
        let users = account.users.values().map(|user| Entity::User(account.id, user));
        let own = account.roles.values().filter(|role| !role.is_service_linked());
        let roles = own.map(|role| Entity::Role(account.id, role));
        entities.extend(users.chain(roles).map(|entity| (entity.arn(), entity)));
    }
    entities
}
