//! The part of the algorithm that looks at no statement: how the verdicts of the layers make a
//! decision (E-52 – E-58, F-21).

use assize_model::{AllowedBy, Layer, PrincipalKind, ReasonCode};

use crate::columns::{DecisionRow, Frame};

/// What step 3 of the algorithm looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    /// I: the identity layer allows.
    pub(crate) identity: bool,
    /// B: the boundary allows or does not apply.
    pub(crate) boundary: bool,
    /// S: the session policies allow or do not apply.
    pub(crate) session: bool,
    /// Rd: some resource-based Allow names the principal itself, or everyone.
    pub(crate) direct: bool,
    /// Re: some names its role or issuing user.
    pub(crate) entity: bool,
    /// Ra: some names its account.
    pub(crate) account: bool,
}

/// How a check without denies and refusals ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Allowed, without a statement yet.
    Allowed {
        /// F-21.
        layer: Layer,
        /// F-21.
        by: AllowedBy,
        /// Whether Allow statements at strength Entity took part (E-102).
        entity_took_part: bool,
    },
    /// Denied for want of an Allow in this layer (E-58).
    Denied(Layer),
}

impl Ending {
    /// The row of the answer, without a statement.
    pub(crate) fn row(self) -> DecisionRow {
        match self {
            Self::Allowed { layer, by, .. } => {
                let root = layer == Layer::Root;
                let reason = if root { ReasonCode::Root } else { ReasonCode::Allow };
                DecisionRow::allowed(layer, reason, by)
            }
            Self::Denied(layer) => DecisionRow::implicit(layer, ReasonCode::NoAllow),
        }
    }
}

/// Which of the powers of a check's principal come from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// E-52: only a Direct grant counts.
    Outsider,
    /// Users and sessions, which identity policies can allow.
    Entity,
    /// Root users and their sessions (E-39).
    Root,
}

fn family(kind: PrincipalKind) -> Family {
    match kind {
        PrincipalKind::User | PrincipalKind::RoleSession | PrincipalKind::FederatedUser => {
            Family::Entity
        }
        PrincipalKind::Root | PrincipalKind::AssumedRoot | PrincipalKind::FederatedRoot => {
            Family::Root
        }
        PrincipalKind::Service
        | PrincipalKind::Federated
        | PrincipalKind::Oai
        | PrincipalKind::Anonymous => Family::Outsider,
    }
}

/// Step 3 of the algorithm.
pub(crate) fn conclude(frame: &Frame, grants: Grants) -> Ending {
    let by_resource = |entity_took_part| Ending::Allowed {
        layer: Layer::Resource,
        by: AllowedBy::Resource,
        entity_took_part,
    };
    match family(frame.kind) {
        Family::Outsider if grants.direct => by_resource(false),
        Family::Outsider => Ending::Denied(Layer::Resource),
        Family::Root => conclude_root(frame, grants).unwrap_or_else(|| blame(frame, grants)),
        Family::Entity => conclude_entity(frame, grants).unwrap_or_else(|| blame(frame, grants)),
    }
}

/// Root users and their sessions: E-53 – E-55.
fn conclude_root(frame: &Frame, grants: Grants) -> Option<Ending> {
    let Grants { session, direct, entity, .. } = grants;
    let by_root =
        Ending::Allowed { layer: Layer::Root, by: AllowedBy::Root, entity_took_part: false };
    let by_resource = |entity_took_part| Ending::Allowed {
        layer: Layer::Resource,
        by: AllowedBy::Resource,
        entity_took_part,
    };
    let must_be_granted = frame.gated || !frame.same_account;
    match (frame.kind, must_be_granted) {
        (PrincipalKind::Root, false) => Some(by_root),
        (PrincipalKind::Root, true) => direct.then(|| by_resource(false)),
        (PrincipalKind::AssumedRoot, false) => session.then_some(by_root),
        (PrincipalKind::AssumedRoot, true) => (direct && session).then(|| by_resource(false)),
        (_, false) if session => Some(by_root),
        (_, false) => direct.then(|| by_resource(false)),
        (_, true) if frame.same_account => {
            (direct || (entity && session)).then(|| by_resource(entity && session))
        }
        (_, true) => ((direct || entity) && session).then(|| by_resource(entity)),
    }
}

/// Users, role sessions and federated users: E-53 – E-55.
fn conclude_entity(frame: &Frame, grants: Grants) -> Option<Ending> {
    let Grants { identity, boundary, session, direct, entity, account } = grants;
    let own_side = identity && boundary && session;
    let by_identity = |by| Ending::Allowed { layer: Layer::Identity, by, entity_took_part: true };
    if !frame.same_account {
        let named = direct || entity || account;
        return (named && own_side).then(|| by_identity(AllowedBy::IdentityAndResource));
    }
    let by_entity = entity && boundary && session;
    let resource_path = direct || by_entity;
    let identity_path = own_side && (!frame.gated || account);
    match (identity_path, resource_path) {
        (true, true) => Some(by_identity(AllowedBy::IdentityAndResource)),
        (true, false) if frame.gated => Some(by_identity(AllowedBy::IdentityAndResource)),
        (true, false) => Some(by_identity(AllowedBy::Identity)),
        (false, true) => Some(Ending::Allowed {
            layer: Layer::Resource,
            by: AllowedBy::Resource,
            entity_took_part: by_entity,
        }),
        (false, false) => None,
    }
}

/// E-58: the first layer to blame.
fn blame(frame: &Frame, grants: Grants) -> Ending {
    let layer = causes(frame, grants).find_map(|(applies, layer)| applies.then_some(layer));
    Ending::Denied(layer.unwrap_or(Layer::Resource))
}

/// E-58: every layer to blame, in order.
pub(crate) fn blamed(frame: &Frame, grants: Grants) -> Vec<Layer> {
    if is_outsider(frame.kind) {
        return vec![Layer::Resource];
    }
    causes(frame, grants).filter_map(|(applies, layer)| applies.then_some(layer)).collect()
}

/// What E-58 looks at, in its order, for principals with an account.
fn causes(frame: &Frame, grants: Grants) -> impl Iterator<Item = (bool, Layer)> {
    let Grants { identity, boundary, session, direct, entity, account } = grants;
    let named = direct || entity || account;
    let root = matches!(frame.kind, PrincipalKind::Root | PrincipalKind::AssumedRoot);
    let resource =
        if frame.same_account { frame.gated && !named } else { !named || (root && !direct) };
    let own = [
        (!(identity || (frame.same_account && entity)), Layer::Identity),
        (!boundary, Layer::Boundary),
        (!session, Layer::Session),
    ];
    let before = frame.same_account.then_some((resource, Layer::Resource));
    let behind = (!frame.same_account).then_some((resource, Layer::Resource));
    before.into_iter().chain(own).chain(behind)
}

/// Whether B and S can matter when identity does not allow and no resource-based statement
/// names principal or entity: for users and sessions they do not, neither for the decision nor
/// for the blame.
pub(crate) fn identity_settles(kind: PrincipalKind) -> bool {
    family(kind) == Family::Entity
}

/// Whether only Direct grants count, and nothing else of the principal's side.
pub(crate) fn is_outsider(kind: PrincipalKind) -> bool {
    family(kind) == Family::Outsider
}
