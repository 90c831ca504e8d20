//! What is decided: checks in columns of ids, and the tables those ids point into.
//!
//! Everything about a check except its action, its resource, its context and who asks is a
//! [`Frame`]: which policy set stands in which layer, and which fixed rules apply. Frames are
//! few, so a row is a handful of `u32`s.

use assize_model::{
    AccountId, ActionId, AllowedBy, Decision, Id, Layer, PrincipalKind, ReasonCode,
};

pub use self::frames::Frames;
pub use self::principals::Principals;
pub(crate) use self::values::SameTexts;
pub use self::values::{ValueId, ValueView, Values, position_in};

mod frames;
mod principals;
mod values;

/// The bit that tells the ids of an overlay from those of the shared tables.
pub(crate) const OVERLAY_BIT: u32 = 1 << 31;

/// A distinct policy set of the compiled tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicySetId(pub(crate) u32);

impl PolicySetId {
    /// The position.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A policy set of the tables or of an overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetRef(pub(crate) u32);

impl From<PolicySetId> for SetRef {
    fn from(set: PolicySetId) -> Self {
        Self(set.0)
    }
}

/// An action of the catalog, or one of an overlay that the catalog lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionRef(pub(crate) u32);

impl From<ActionId> for ActionRef {
    fn from(action: ActionId) -> Self {
        Self(action.get())
    }
}

impl ActionRef {
    /// The action of the catalog, unless it is one of an overlay.
    pub fn action(self) -> Option<ActionId> {
        (self.0 & OVERLAY_BIT == 0).then(|| ActionId::from_index(self.0 as usize))
    }

    /// The position among the actions of an overlay, if it is one.
    pub(crate) fn overlay_index(self) -> Option<usize> {
        (self.0 & OVERLAY_BIT != 0).then_some((self.0 & !OVERLAY_BIT) as usize)
    }
}

impl SetRef {
    /// The position among the sets of an overlay, if it is one.
    pub(crate) fn overlay_index(self) -> Option<usize> {
        (self.0 & OVERLAY_BIT != 0).then_some((self.0 & !OVERLAY_BIT) as usize)
    }
}

/// A condition key that the policies ask about, in conditions or as a variable.
///
/// The keys of the tables come first, those that only an overlay knows behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(crate) u32);

impl KeyId {
    /// The position: the index into [`RequestColumns::keys`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where the value of a key comes from when no column has one for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScope {
    /// The principal and its session: [`PrincipalEntry::constants`].
    Principal,
    /// The resource: [`Resources::constants`].
    Resource,
    /// The request: nowhere else.
    Request,
}

/// Keys whose values hang on the principal and its session (E-15, E-17), besides
/// `aws:Principal…`; folded. MFA keys vary with the call and are not among them.
const PRINCIPAL_KEYS: [&str; 18] = [
    "aws:assumedroot",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:federatedprovider",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:tokenissuetime",
    "aws:userid",
    "aws:username",
    "ec2:roledelivery",
    "ec2:sourceinstancearn",
    "glue:credentialissuingservice",
    "glue:roleassumedby",
    "lambda:sourcefunctionarn",
    "ssm:sourceinstancearn",
];

impl KeyScope {
    /// The scope of a key by its folded name.
    pub fn of(folded: &str) -> Self {
        // Keys of identity providers have a host, or `saml`, before the first colon.
        let of_provider = folded
            .split_once(':')
            .is_some_and(|(prefix, _)| prefix == "saml" || prefix.contains('.'));
        if of_provider
            || folded.starts_with("aws:principal")
            || PRINCIPAL_KEYS.binary_search(&folded).is_ok()
        {
            Self::Principal
        } else if folded.starts_with("aws:resource") || is_resource_tag(folded) {
            Self::Resource
        } else {
            Self::Request
        }
    }
}

/// Whether a key, by its folded name, may carry a tag of the resource (E-20): `…:ResourceTag/K`,
/// `…:ExistingObjectTag/K`, and the forms by kind of resource, such as `rds:db-tag/K` or
/// `s3:BucketTag/K`. `rds:req-tag/K` is a tag of the request.
fn is_resource_tag(folded: &str) -> bool {
    let kind = folded.split_once(':').and_then(|(_, rest)| rest.split_once('/'));
    kind.is_some_and(|(kind, _)| {
        let is_of_other =
            matches!(kind, "principaltag" | "requesttag" | "req-tag" | "requestobjecttag");
        kind.ends_with("tag") && !is_of_other
    })
}

/// One principal of a batch: what principal elements compare (L-310), and the values of its
/// keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalEntry {
    /// Its kind.
    pub kind: PrincipalKind,
    /// Its partition; empty for principals without an ARN.
    pub partition: Box<str>,
    /// Its account.
    pub account: Option<AccountId>,
    /// The ARN of the request principal (E 1.1).
    pub arn: Option<Box<str>>,
    /// The ARN of the entity: the role of a session, the user behind a federated session, the
    /// user itself.
    pub entity_arn: Option<Box<str>>,
    /// Whether nobody says the path of the role, which the ARN of the entity then lacks (E-11).
    pub is_path_assumed: bool,
    /// The unique id of the entity (`AIDA…`, `AROA…`), without a session name.
    pub unique_id: Option<Box<str>>,
    /// All names of a calling service (L-316).
    pub service_names: Vec<Box<str>>,
    /// The identity provider of a federated caller.
    pub provider: Option<Box<str>>,
    /// The canonical id of the account, or of the origin access identity (L-318).
    pub canonical_id: Option<Box<str>>,
    /// Whether the entity has a permissions boundary (E-43).
    pub has_boundary: bool,
    /// The values of keys that are the same in all its requests, in order of the keys.
    pub constants: Vec<(KeyId, ValueId)>,
}

impl PrincipalEntry {
    /// A principal of a kind with nothing else known.
    pub fn new(kind: PrincipalKind) -> Self {
        Self {
            kind,
            partition: Box::default(),
            account: None,
            arn: None,
            entity_arn: None,
            is_path_assumed: false,
            unique_id: None,
            service_names: Vec::new(),
            provider: None,
            canonical_id: None,
            has_boundary: false,
            constants: Vec::new(),
        }
    }
}

/// The resources of a batch. The caller owns texts and values, so that a batch of them can be one
/// buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources<'a> {
    /// Where the texts stand as evaluated (E-6), ARNs or `*`: in the first, and in the second,
    /// whose positions count on from the end of the first.
    pub texts: [&'a str; 2],
    /// Where the text of each resource is, and what else hangs on it.
    pub places: &'a [ResourcePlace],
    /// Lists of the values of keys that hang on the resource alone, in order of the keys.
    pub constants: &'a [Vec<(KeyId, ValueId)>],
}

/// Where one resource of a batch stands in [`Resources`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResourcePlace {
    /// Where its text begins.
    pub start: u32,
    /// How long its text is.
    pub len: u32,
    /// The position of its values.
    pub constants: u32,
}

impl ResourcePlace {
    /// The text in the texts of its [`Resources`]; empty when it is not there.
    #[inline]
    pub fn text<'a>(&self, [first, second]: [&'a str; 2]) -> &'a str {
        let start = self.start as usize;
        let (text, start) =
            if start < first.len() { (first, start) } else { (second, start - first.len()) };
        text.get(start..start + self.len as usize).unwrap_or_default()
    }
}

impl<'a> Resources<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// A resource, if its text and its values are there.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<ResourceEntry<'a>> {
        let place = *self.places.get(at)?;
        let constants = self.constants.get(place.constants as usize)?;
        let end = place.start as usize + place.len as usize;
        let len = self.texts[0].len() + self.texts[1].len();
        (end <= len).then_some(ResourceEntry { texts: self.texts, place, constants })
    }
}

/// One resource of a batch. Its text is read when it is asked for: most rows need none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceEntry<'a> {
    texts: [&'a str; 2],
    pub(crate) place: ResourcePlace,
    pub(crate) constants: &'a [(KeyId, ValueId)],
}

impl<'a> ResourceEntry<'a> {
    /// The text as evaluated (E-6): an ARN, or `*`.
    #[inline]
    pub(crate) fn text(&self) -> &'a str {
        self.place.text(self.texts)
    }

    /// Whether the action takes no resource: only the pattern `*` matches (L-238).
    #[inline]
    pub(crate) fn is_star(&self) -> bool {
        self.place.len == 1 && self.text() == "*"
    }
}

/// The endpoint layer of a frame (E-32).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EndpointLayer {
    /// The request did not pass an endpoint.
    #[default]
    NotApplicable,
    /// The endpoint has no policy.
    AllowAll,
    /// The policy of the endpoint.
    Set(SetRef),
}

/// The identity layer of a frame (E-33, E-39).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum IdentityLayer {
    /// No identity policies: `ImplicitDeny`.
    #[default]
    None,
    /// Root users: `Allow`, without statements.
    AllowAll,
    /// The identity policies.
    Set(SetRef),
}

/// The session layer of a frame (E-38).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SessionLayer {
    /// No session policies restrict the principal.
    #[default]
    NotApplicable,
    /// Session policies would be needed, none were passed: `ImplicitDeny`.
    Empty,
    /// The session policies.
    Set(SetRef),
    /// The task policy of an AssumeRoot session: only its denies count.
    Task(SetRef),
}

/// Everything about a check but action, resource, context and principal: the policy sets of its
/// layers and the fixed rules that apply to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The kind of the principal.
    pub kind: PrincipalKind,
    /// Whether principal and resource belong to one account (E-53 against E-55).
    pub same_account: bool,
    /// Whether the resource's own policy must speak (E-57).
    pub gated: bool,
    /// E-70, E-71: allowed unless the endpoint's policy objects.
    pub builtin_allow: bool,
    /// A refusal of E-71 – E-74, reported behind explicit denies.
    pub builtin_refusal: Option<ReasonCode>,
    /// The first refusal of step 2 behind the guardrails: partition, unknown owner, resource
    /// type, sections 5.3 – 5.5.
    pub refusal: Option<ReasonCode>,
    /// Layer `rcp`; `None` is not applicable.
    pub rcp: Option<SetRef>,
    /// Layer `scp`; `None` is not applicable.
    pub scp: Option<SetRef>,
    /// Layer `vpce`.
    pub endpoint: EndpointLayer,
    /// Layer `resource`; `None` is not applicable.
    pub resource: Option<SetRef>,
    /// E-83: the Deny statements of the resource's policy do not apply.
    pub ignore_resource_denies: bool,
    /// E-84: the Allow statements of the resource's policy do not apply.
    pub ignore_resource_allows: bool,
    /// KMS grants as Allow statements of layer `resource` (E-81); they stand before the
    /// resource's own policies (E-102: `grant:` sorts before `resource:`).
    pub grants: Option<SetRef>,
    /// Layer `identity`.
    pub identity: IdentityLayer,
    /// Layer `boundary`; `None` is not applicable.
    pub boundary: Option<SetRef>,
    /// Layer `session`.
    pub session: SessionLayer,
}

impl Frame {
    /// A frame of one account in which no layer holds anything.
    pub fn new(kind: PrincipalKind) -> Self {
        Self {
            kind,
            same_account: true,
            gated: false,
            builtin_allow: false,
            builtin_refusal: None,
            refusal: None,
            rcp: None,
            scp: None,
            endpoint: EndpointLayer::NotApplicable,
            resource: None,
            ignore_resource_denies: false,
            ignore_resource_allows: false,
            grants: None,
            identity: IdentityLayer::None,
            boundary: None,
            session: SessionLayer::NotApplicable,
        }
    }

    /// The policy set of a layer, if it has one. KMS grants are beside that of layer `resource`.
    pub fn policy_set(&self, layer: Layer) -> Option<SetRef> {
        match layer {
            Layer::ResourceControl => self.rcp,
            Layer::ServiceControl => self.scp,
            Layer::VpcEndpoint => match self.endpoint {
                EndpointLayer::Set(set) => Some(set),
                EndpointLayer::NotApplicable | EndpointLayer::AllowAll => None,
            },
            Layer::Resource => self.resource,
            Layer::Identity => match self.identity {
                IdentityLayer::Set(set) => Some(set),
                IdentityLayer::None | IdentityLayer::AllowAll => None,
            },
            Layer::Boundary => self.boundary,
            Layer::Session => match self.session {
                SessionLayer::Set(set) | SessionLayer::Task(set) => Some(set),
                SessionLayer::NotApplicable | SessionLayer::Empty => None,
            },
            Layer::Root | Layer::Service | Layer::Builtin => None,
        }
    }

    /// The policy set that a place of a layer is in.
    pub(crate) fn set_at(&self, layer: Layer, place: StatementPlace) -> Option<SetRef> {
        if place.in_grants { self.grants } else { self.policy_set(layer) }
    }

    /// Puts a policy set in place of that of a layer, for asking what another one would say. A
    /// layer that did not apply does then. Layers without documents stay as they are.
    pub fn put_policy_set(&mut self, layer: Layer, set: SetRef) {
        match layer {
            Layer::ResourceControl => self.rcp = Some(set),
            Layer::ServiceControl => self.scp = Some(set),
            Layer::VpcEndpoint => self.endpoint = EndpointLayer::Set(set),
            Layer::Resource => self.resource = Some(set),
            Layer::Identity => self.identity = IdentityLayer::Set(set),
            Layer::Boundary => self.boundary = Some(set),
            Layer::Session => {
                self.session = match self.session {
                    SessionLayer::Task(_) => SessionLayer::Task(set),
                    _ => SessionLayer::Set(set),
                }
            }
            Layer::Root | Layer::Service | Layer::Builtin => {}
        }
    }
}

/// Checks in columns: row `r` is the `r`-th item of each column.
///
/// # Layout
/// `principal`, `action`, `resource` and `frame` have one item a row. `keys` is indexed by
/// [`KeyId`] and may end early, and so may each of its columns; a key without an item, or whose
/// item is [`ValueId::ABSENT`], has the value its [`KeyScope`] gives it, if any. The caller owns
/// all bytes.
#[derive(Debug, Clone, Copy)]
pub struct RequestColumns<'a> {
    /// Positions in `principals`.
    pub principal: &'a [u32],
    /// Actions.
    pub action: &'a [ActionRef],
    /// Positions in `resources.places`.
    pub resource: &'a [u32],
    /// Positions in `frames`.
    pub frame: &'a [u32],
    /// The columns of condition keys, by [`KeyId`].
    pub keys: &'a [Vec<ValueId>],
    /// The values that columns and constants name.
    pub values: &'a Values<'a>,
    /// The principals.
    pub principals: &'a Principals,
    /// The resources.
    pub resources: Resources<'a>,
    /// The frames.
    pub frames: &'a Frames,
}

impl RequestColumns<'_> {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.frame.is_empty()
    }

    /// The value of a key in a row.
    #[inline]
    pub(crate) fn value(
        &self,
        row: usize,
        key: KeyId,
        scope: KeyScope,
        principal: &PrincipalEntry,
        resource: ResourceEntry<'_>,
    ) -> ValueId {
        if let Some(column) = self.keys.get(key.index())
            && let Some(&value) = column.get(row)
            && !value.is_absent()
        {
            return value;
        }
        match scope {
            KeyScope::Principal => constant(&principal.constants, key),
            KeyScope::Resource => constant(resource.constants, key),
            KeyScope::Request => ValueId::ABSENT,
        }
    }
}

/// The value of a key among constants sorted by key.
#[inline]
pub(crate) fn constant(constants: &[(KeyId, ValueId)], key: KeyId) -> ValueId {
    match constants.binary_search_by_key(&key, |(key, _)| *key) {
        Ok(at) => constants[at].1,
        Err(_) => ValueId::ABSENT,
    }
}

/// Where a statement stands in the policy set of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementPlace {
    /// Whether the set is that of the KMS grants instead of the layer's own (E-81).
    pub in_grants: bool,
    /// The position of the document in the set.
    pub document: u16,
    /// The position of the statement in the document; none for a document that does not load.
    pub statement: Option<u16>,
}

/// No document, no statement.
const NO_PLACE: u16 = u16::MAX;

/// The answer to one row (E-103, fast mode): twelve bytes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionRow {
    /// The decision.
    pub decision: Decision,
    /// The decisive layer.
    pub layer: Layer,
    /// The reason.
    pub reason: ReasonCode,
    /// Whose policies allow, when allowed (F-21).
    pub allowed_by: Option<AllowedBy>,
    in_grants: bool,
    document: u16,
    statement: u16,
}

impl Default for DecisionRow {
    /// What a row holds before it is decided: not allowed.
    fn default() -> Self {
        Self::implicit(Layer::Identity, ReasonCode::NoAllow)
    }
}

impl DecisionRow {
    /// The first statement by E-102 of the decisive layer, if one is to be reported.
    pub fn place(&self) -> Option<StatementPlace> {
        (self.document != NO_PLACE).then(|| StatementPlace {
            in_grants: self.in_grants,
            document: self.document,
            statement: (self.statement != NO_PLACE).then_some(self.statement),
        })
    }

    pub(crate) const fn implicit(layer: Layer, reason: ReasonCode) -> Self {
        Self {
            decision: Decision::ImplicitDeny,
            layer,
            reason,
            allowed_by: None,
            in_grants: false,
            document: NO_PLACE,
            statement: NO_PLACE,
        }
    }

    pub(crate) const fn explicit(layer: Layer, place: StatementPlace) -> Self {
        let row = Self {
            decision: Decision::ExplicitDeny,
            ..Self::implicit(layer, ReasonCode::ExplicitDeny)
        };
        row.at(place)
    }

    /// A document of the layer that does not load (E-112).
    pub(crate) const fn poison(layer: Layer, document: u16, in_grants: bool) -> Self {
        let place = StatementPlace { in_grants, document, statement: None };
        Self { reason: ReasonCode::InvalidPolicy, ..Self::explicit(layer, place) }
    }

    pub(crate) const fn allowed(layer: Layer, reason: ReasonCode, by: AllowedBy) -> Self {
        Self { decision: Decision::Allowed, allowed_by: Some(by), ..Self::implicit(layer, reason) }
    }

    pub(crate) const fn at(self, place: StatementPlace) -> Self {
        let statement = match place.statement {
            Some(statement) => statement,
            None => NO_PLACE,
        };
        Self { in_grants: place.in_grants, document: place.document, statement, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_answer_is_small() {
        assert!(size_of::<DecisionRow>() <= 12);
    }

    #[test]
    fn keys_have_a_scope_by_name() {
        assert!(PRINCIPAL_KEYS.is_sorted());
        assert_eq!(KeyScope::of("aws:principaltag/team"), KeyScope::Principal);
        assert_eq!(KeyScope::of("aws:userid"), KeyScope::Principal);
        assert_eq!(KeyScope::of("aws:resourceaccount"), KeyScope::Resource);
        assert_eq!(KeyScope::of("ec2:resourcetag/team"), KeyScope::Resource);
        assert_eq!(KeyScope::of("s3:existingobjecttag/a"), KeyScope::Resource);
        assert_eq!(KeyScope::of("rds:db-tag/a"), KeyScope::Resource);
        assert_eq!(KeyScope::of("dms:rep-tag/a:b/c"), KeyScope::Resource);
        assert_eq!(KeyScope::of("datapipeline:tag/a"), KeyScope::Resource);
        assert_eq!(KeyScope::of("s3:buckettag/a"), KeyScope::Resource);
        assert_eq!(KeyScope::of("rds:req-tag/a"), KeyScope::Request);
        assert_eq!(KeyScope::of("s3:requestobjecttag/a"), KeyScope::Request);
        assert_eq!(KeyScope::of("aws:requesttag/a"), KeyScope::Request);
        assert_eq!(KeyScope::of("aws:sourceip"), KeyScope::Request);
        assert_eq!(KeyScope::of("aws:multifactorauthpresent"), KeyScope::Request);
    }
}
