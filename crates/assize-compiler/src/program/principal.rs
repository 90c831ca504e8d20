//! Principal elements against the principal of a request (language, section 3; E-40 – E-44).

use assize_model::{Effect, PrincipalKind, Strength};
use assize_policy::ir::PrincipalPattern;

use crate::columns::PrincipalEntry;

/// A principal element that is not decided at load.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PrincipalProgram {
    pub(crate) effect: Effect,
    /// `NotPrincipal`.
    pub(crate) negated: bool,
    pub(crate) entries: Box<[PrincipalPattern]>,
}

impl PrincipalProgram {
    /// How closely the element names the principal; `None` if it does not.
    pub(crate) fn strength(&self, principal: &PrincipalEntry) -> Option<Strength> {
        if !self.negated {
            return self.entries.iter().filter_map(|entry| entry_strength(entry, principal)).max();
        }
        let applies = match self.effect {
            Effect::Deny => principal.has_boundary || !self.lists_every_link(principal),
            Effect::Allow => !self.lists_a_link(principal),
        };
        applies.then_some(Strength::Direct)
    }

    /// L-332: the caller is exempt from a Deny only when its whole chain is listed; a caller
    /// without a chain never is (L-334).
    fn lists_every_link(&self, principal: &PrincipalEntry) -> bool {
        let links = links(principal.kind);
        !links.is_empty() && links.iter().all(|link| self.lists(*link, principal))
    }

    /// L-333.
    fn lists_a_link(&self, principal: &PrincipalEntry) -> bool {
        links(principal.kind).iter().any(|link| self.lists(*link, principal))
    }

    fn lists(&self, link: Link, principal: &PrincipalEntry) -> bool {
        self.entries.iter().any(|entry| link_of(entry, principal) == Some(link))
    }
}

/// A link of the chain of a principal (L-310).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Account,
    /// The user, the issuing user, or the role.
    Entity,
    Session,
    Service,
    Provider,
}

/// The chain of a kind, outermost first (L-310).
fn links(kind: PrincipalKind) -> &'static [Link] {
    match kind {
        PrincipalKind::Root | PrincipalKind::AssumedRoot => &[Link::Account],
        PrincipalKind::User => &[Link::Account, Link::Entity],
        PrincipalKind::RoleSession | PrincipalKind::FederatedUser => {
            &[Link::Account, Link::Entity, Link::Session]
        }
        PrincipalKind::FederatedRoot => &[Link::Account, Link::Session],
        PrincipalKind::Service => &[Link::Service],
        PrincipalKind::Federated => &[Link::Provider],
        PrincipalKind::Oai | PrincipalKind::Anonymous => &[],
    }
}

/// The link of the principal's chain that an entry names, if it names one.
fn link_of(entry: &PrincipalPattern, principal: &PrincipalEntry) -> Option<Link> {
    use PrincipalKind as Kind;
    use PrincipalPattern as Entry;
    let kind = principal.kind;
    let is = |field: &Option<Box<str>>, text: &str| field.as_deref() == Some(text);
    match entry {
        Entry::Account { partition, account } => {
            is_account(partition.as_deref(), *account, principal).then_some(Link::Account)
        }
        Entry::AccountRoot { partition, account } => {
            let root = matches!(kind, Kind::Root | Kind::AssumedRoot);
            (root && is_account(partition.as_deref(), *account, principal)).then_some(Link::Account)
        }
        Entry::User(arn) => match kind {
            Kind::User => is(&principal.arn, arn).then_some(Link::Entity),
            Kind::FederatedUser => is(&principal.entity_arn, arn).then_some(Link::Entity),
            _ => None,
        },
        Entry::Role(arn) => {
            (kind == Kind::RoleSession && is_role(principal, arn)).then_some(Link::Entity)
        }
        Entry::RoleSession(arn) => {
            (kind == Kind::RoleSession && is(&principal.arn, arn)).then_some(Link::Session)
        }
        Entry::FederatedUser(arn) => {
            let session = matches!(kind, Kind::FederatedUser | Kind::FederatedRoot);
            (session && is(&principal.arn, arn)).then_some(Link::Session)
        }
        Entry::UniqueId(id) => {
            let entity = matches!(kind, Kind::User | Kind::RoleSession | Kind::FederatedUser);
            (entity && is(&principal.unique_id, id)).then_some(Link::Entity)
        }
        Entry::Service(name) => {
            let named = principal.service_names.contains(name);
            (kind == Kind::Service && named).then_some(Link::Service)
        }
        Entry::Provider(name) => {
            (kind == Kind::Federated && is(&principal.provider, name)).then_some(Link::Provider)
        }
        Entry::CanonicalUser(id) => {
            (kind.has_account() && is(&principal.canonical_id, id)).then_some(Link::Account)
        }
        // Everyone names no link: `NotPrincipal` cannot hold it (L-331). An origin access
        // identity has no chain (L-310).
        _ => None,
    }
}

/// L-315. The path of the caller's role may be unknown: then account and name tell, since a name is
/// unique in its account whatever the path (E-11).
fn is_role(principal: &PrincipalEntry, arn: &str) -> bool {
    let Some(own) = principal.entity_arn.as_deref() else { return false };
    let without_path = || {
        let (account, path_and_name) = arn.split_once(":role/")?;
        let name = path_and_name.rsplit('/').next()?;
        let rest = own.strip_prefix(account)?.strip_prefix(":role/")?;
        (rest == name).then_some(())
    };
    own == arn || principal.is_path_assumed && without_path().is_some()
}

fn is_account(
    partition: Option<&str>,
    account: assize_model::AccountId,
    principal: &PrincipalEntry,
) -> bool {
    principal.kind.has_account()
        && principal.account == Some(account)
        && partition.is_none_or(|partition| *principal.partition == *partition)
}

/// The strength of one entry: the table of E-40.
fn entry_strength(entry: &PrincipalPattern, principal: &PrincipalEntry) -> Option<Strength> {
    let kind = principal.kind;
    match entry {
        PrincipalPattern::Everyone => return Some(Strength::Direct),
        PrincipalPattern::Oai(arn) => {
            let named = kind == PrincipalKind::Oai && principal.arn.as_ref() == Some(arn);
            return named.then_some(Strength::Direct);
        }
        PrincipalPattern::CanonicalUser(id) if kind == PrincipalKind::Oai => {
            return (principal.canonical_id.as_ref() == Some(id)).then_some(Strength::Direct);
        }
        _ => {}
    }
    Some(match link_of(entry, principal)? {
        Link::Account => match kind {
            PrincipalKind::Root | PrincipalKind::AssumedRoot => Strength::Direct,
            PrincipalKind::FederatedRoot => Strength::Entity,
            _ => Strength::Account,
        },
        Link::Entity if kind == PrincipalKind::User => Strength::Direct,
        Link::Entity => Strength::Entity,
        Link::Session | Link::Service | Link::Provider => Strength::Direct,
    })
}
