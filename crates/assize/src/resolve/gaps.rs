//! What partial context leaves unknown (E-120 – E-123).
//!
//! What a row does not know follows from a few facts about its request: which fields it has, what
//! it lists as absent or unknown. Equal facts are one profile, and a profile knows of every key
//! that policies ask about whether it is unknown.

use std::borrow::Cow;

use assize_catalog::ConditionKeyReference;
use assize_compiler::{Gaps, KeyId, KeySet, OrganizationKey};
use assize_model::{
    ActionId, ConditionKey, ContextInput, Delivery, KeyShape, PrincipalKind, Request, RequestError,
    RequestErrorKind, StatedPrincipal, fold_key, is_never_carried, is_session_claim,
};
use assize_store::StoreSnapshot;
use hashbrown::HashMap;

use super::Resolver;
use super::action::ResolvedAction;
use super::check::{CheckSpec, MadeIf};
use super::context::is_plain_tag_key;
use super::elsewhere::is_of_elsewhere;
use super::environment::Environment;
use super::key::{KeyRule, OwnKey};
use super::principal::is_roles_anywhere;

/// Derived keys that are unknown together, because they follow from one input (E-121).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Gap {
    PrincipalTags,
    /// Id and paths of an organization that is none of the snapshot's; so below.
    PrincipalOrganization,
    UserId,
    Source,
    SourceOrganization,
    TokenIssueTime,
    MfaPresent,
    MfaAge,
    SourceIdentity,
    FederatedProvider,
    /// Of how credentials reached the workload, each key by itself.
    Ec2Instance,
    Ec2RoleDelivery,
    Ec2Vpc,
    Ec2PrivateIp,
    LambdaFunction,
    GlueAssumedBy,
    GlueService,
    SsmInstance,
    /// Claims that outlive the federation call.
    SessionClaims,
    /// All claims.
    Claims,
    SourceIp,
    Endpoint,
    VpcSourceIp,
    SourceVpc,
    SourceVpcArn,
    VpceAccount,
    VpceOrganization,
    /// No gap by itself: the organization is none of the snapshot's.
    VpceElsewhere,
    /// What is unknown whenever it is not given: agent, referer, region.
    Unstated,
    ResourceOwner,
    ResourceOrganization,
    ResourceTags,
    RequestTags,
    CallChain,
}

/// Which of the derived keys are unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct GapSet(u64);

impl GapSet {
    pub(super) fn add_if(&mut self, gap: Gap, is_open: bool) {
        if is_open {
            self.0 |= 1 << gap as u8;
        }
    }

    pub(super) fn remove(&mut self, gap: Gap) {
        self.0 &= !(1 << gap as u8);
    }

    pub(super) fn has(self, gap: Gap) -> bool {
        self.0 >> gap as u8 & 1 != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The fields `absent`, `complete` and `unknown` of a request, and the empty arrays of its
/// context (E-122, L-609); names folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Lists {
    absent: Vec<Box<str>>,
    complete: Vec<Box<str>>,
    unknown: Vec<Box<str>>,
}

/// Everything from which follows what a row does not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Profile {
    open: GapSet,
    /// The action, if tags of its requests have names of the service (E-21).
    tagged_by: Option<ActionId>,
    /// The keys that carry tags of the resource.
    tags: u32,
    /// What known keys of tags of what holds the resource begin with.
    holders: [Option<&'static str>; 2],
    /// The position among the distinct lists.
    lists: u32,
    /// Option `absentByCatalog`: the action, if the catalog knows it.
    action: Option<ActionId>,
}

impl Profile {
    /// Whether a key of organizations is unknown but for what the snapshot says: that the account is
    /// in none of its own.
    fn is_elsewhere(&self, folded: &str) -> bool {
        let has = |gap| self.open.has(gap);
        match class(folded, &[]) {
            KeyClass::Derived(gap @ Gap::PrincipalOrganization) => has(gap),
            KeyClass::Derived(gap @ Gap::SourceOrganization) => has(gap) && !has(Gap::Source),
            KeyClass::Derived(gap @ Gap::ResourceOrganization) => {
                has(gap) && !has(Gap::ResourceOwner)
            }
            KeyClass::Derived(Gap::VpceOrganization) => has(Gap::VpceElsewhere),
            _ => false,
        }
    }
}

/// What is kept of partial context in one thread.
#[derive(Debug, Default)]
pub(crate) struct PartialRows {
    /// Positions in `gaps`, one a row.
    pub(crate) gap: Vec<u32>,
    /// The frame of each row on the best side.
    pub(crate) best_frame: Vec<u32>,
    /// Which rows are made only if what nobody knows is so (E-126).
    pub(crate) made_if: Vec<Option<MadeIf>>,
    pub(crate) gaps: Vec<Gaps>,
    /// The keys that are declared to hold one value (E-124).
    pub(crate) single: KeySet,
    /// The organizations of the snapshot.
    pub(crate) organizations: Vec<Box<str>>,
    profiles: Vec<Profile>,
    profile_index: HashMap<Profile, u32>,
    lists: Vec<Lists>,
    list_index: HashMap<Lists, u32>,
}

impl PartialRows {
    pub(super) fn new(snapshot: &StoreSnapshot) -> Self {
        let ids = snapshot.organizations().map(|organization| organization.id.clone());
        Self { organizations: ids.collect(), ..Self::default() }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.gap.truncate(len);
        self.best_frame.truncate(len);
        self.made_if.truncate(len);
    }
}

/// The actions that calls which assume a role check (E-90): all checks of a call share its keys
/// (E-91).
const OF_ROLE_CALLS: [&str; 6] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "SetContext",
    "SetSourceIdentity",
    "TagSession",
];

/// Whether a list of names and of prefixes ending in `:` or `/` holds a key.
fn covers(list: &[Box<str>], folded: &str) -> bool {
    list.iter().any(|own| {
        let is_prefix = own.ends_with([':', '/']) && own.len() < folded.len();
        **own == *"*" || **own == *folded || is_prefix && folded.starts_with(&**own)
    })
}

impl Lists {
    /// What the lists say of a key that is neither carried nor derived: whether it is unknown.
    /// `unknown` is stronger than `complete`.
    pub(super) fn says_unknown(&self, folded: &str) -> Option<bool> {
        if covers(&self.unknown, folded) {
            Some(true)
        } else if covers(&self.absent, folded) || covers(&self.complete, folded) {
            Some(false)
        } else {
            None
        }
    }

    /// Whether a key is under `absent`.
    pub(super) fn has_absent(&self, folded: &str) -> bool {
        covers(&self.absent, folded)
    }

    /// Whether they say that a key is unknown, or some key that begins so if it ends in a slash.
    pub(super) fn leaves_open(&self, folded: &str) -> bool {
        covers(&self.unknown, folded)
            || folded.ends_with('/') && self.unknown.iter().any(|own| own.starts_with(folded))
    }
}

/// What a key is to partial context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyClass {
    /// A derived key, unknown when its inputs are.
    Derived(Gap),
    /// A derived key that is always known.
    Known,
    /// A claim of an identity provider that does not outlive the call.
    Claim,
    /// Any other key: unknown when it is not carried.
    Free,
}

/// The class of a key by its folded name; `tags` are the beginnings of the keys that carry tags
/// of the resource.
fn class(folded: &str, tags: &[Box<str>]) -> KeyClass {
    let carries_tag = |prefix: &str| {
        folded.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    if tags.iter().any(|prefix| carries_tag(prefix) && folded.len() > prefix.len()) {
        return KeyClass::Derived(Gap::ResourceTags);
    }
    match KeyRule::of(folded) {
        KeyRule::Own(own) => own_class(own),
        KeyRule::RequestTag => KeyClass::Derived(Gap::RequestTags),
        KeyRule::ResourceOwner if OrganizationKey::of(folded).is_some() => {
            KeyClass::Derived(Gap::ResourceOrganization)
        }
        KeyRule::ResourceOwner => KeyClass::Derived(Gap::ResourceOwner),
        KeyRule::Mfa if folded.ends_with("age") => KeyClass::Derived(Gap::MfaAge),
        KeyRule::Mfa => KeyClass::Derived(Gap::MfaPresent),
        KeyRule::Principal => principal_class(folded),
        KeyRule::ResourceTag(_) if is_plain_tag_key(folded) => KeyClass::Derived(Gap::ResourceTags),
        KeyRule::Never => KeyClass::Known,
        KeyRule::Free
        | KeyRule::ResourceTag(_)
        | KeyRule::ServiceRequestTag(_)
        | KeyRule::ServiceTagKeys => KeyClass::Free,
    }
}

fn own_class(own: OwnKey) -> KeyClass {
    KeyClass::Derived(match own {
        OwnKey::SourceIp => Gap::SourceIp,
        OwnKey::VpcSourceIp => Gap::VpcSourceIp,
        OwnKey::SourceVpce => Gap::Endpoint,
        OwnKey::SourceVpc => Gap::SourceVpc,
        OwnKey::SourceVpcArn => Gap::SourceVpcArn,
        OwnKey::VpceAccount => Gap::VpceAccount,
        OwnKey::VpceOrgId | OwnKey::VpceOrgPaths => Gap::VpceOrganization,
        OwnKey::UserAgent | OwnKey::Referer | OwnKey::RequestedRegion => Gap::Unstated,
        OwnKey::TagKeys => Gap::RequestTags,
        OwnKey::ViaAwsService
        | OwnKey::CalledVia
        | OwnKey::CalledViaFirst
        | OwnKey::CalledViaLast => Gap::CallChain,
        OwnKey::CurrentTime | OwnKey::EpochTime | OwnKey::SecureTransport => {
            return KeyClass::Known;
        }
    })
}

fn principal_class(folded: &str) -> KeyClass {
    let gap = match folded {
        "aws:principalorgid" | "aws:principalorgpaths" => Gap::PrincipalOrganization,
        "aws:userid" => Gap::UserId,
        "aws:sourcearn" | "aws:sourceaccount" => Gap::Source,
        "aws:sourceorgid" | "aws:sourceorgpaths" => Gap::SourceOrganization,
        "aws:tokenissuetime" => Gap::TokenIssueTime,
        "aws:sourceidentity" => Gap::SourceIdentity,
        "aws:federatedprovider" => Gap::FederatedProvider,
        "ec2:sourceinstancearn" => Gap::Ec2Instance,
        "ec2:roledelivery" => Gap::Ec2RoleDelivery,
        "aws:ec2instancesourcevpc" => Gap::Ec2Vpc,
        "aws:ec2instancesourceprivateipv4" => Gap::Ec2PrivateIp,
        "lambda:sourcefunctionarn" => Gap::LambdaFunction,
        "glue:roleassumedby" => Gap::GlueAssumedBy,
        "glue:credentialissuingservice" => Gap::GlueService,
        "ssm:sourceinstancearn" => Gap::SsmInstance,
        _ => match folded.strip_prefix("aws:principaltag/") {
            Some(_) => Gap::PrincipalTags,
            None if folded.starts_with("aws:") => return KeyClass::Known,
            None if is_session_claim(folded) => Gap::SessionClaims,
            None => return KeyClass::Claim,
        },
    };
    KeyClass::Derived(gap)
}

/// E-121: which keys of E-15 – E-17 hang on what nobody says of a principal and its session.
pub(super) fn of_principal(
    stated: &StatedPrincipal<'_>,
    kind: PrincipalKind,
    is_temporary: bool,
    (is_outside, states_source): (bool, bool),
) -> GapSet {
    use PrincipalKind as Kind;
    let session = stated.session.as_ref();
    let lacks = |says: bool| !says;
    let has_tags = session.is_some_and(|session| session.tags.is_some());
    let takes_tags = is_roles_anywhere(stated)
        || matches!(kind, Kind::RoleSession | Kind::FederatedUser | Kind::FederatedRoot);
    let is_role = kind == Kind::RoleSession;
    let is_bare_user = kind == Kind::User && session.is_none();
    let mut open = GapSet::default();
    open.add_if(Gap::PrincipalTags, lacks(has_tags) && (takes_tags || is_outside));
    let lacks_source = kind == Kind::Service && lacks(states_source);
    open.add_if(Gap::Source, lacks_source);
    open.add_if(Gap::SourceOrganization, lacks_source);
    let is_dated = session.is_some_and(|session| session.issued_at.is_some());
    open.add_if(Gap::TokenIssueTime, is_bare_user || is_temporary && lacks(is_dated));
    let mfa = session.and_then(|session| session.mfa);
    let says_no_mfa = kind == Kind::User && mfa.is_none() && (is_bare_user || is_temporary);
    open.add_if(Gap::MfaPresent, says_no_mfa);
    let is_undated = kind == Kind::User && mfa.is_some_and(|mfa| mfa.present && mfa.at.is_none());
    open.add_if(Gap::MfaAge, says_no_mfa || is_undated);
    let says = |field: fn(&assize_model::Session<'_>) -> bool| session.is_some_and(field);
    open.add_if(Gap::SourceIdentity, is_role && !says(|s| s.source_identity.is_some()));
    open.add_if(Gap::FederatedProvider, is_role && !says(|s| s.federated_provider.is_some()));
    if is_role {
        of_delivery(&mut open, session.and_then(|session| session.delivery.as_ref()));
    }
    let lacks_claims = !says(|s| s.claims.is_some());
    open.add_if(Gap::SessionClaims, is_role && lacks_claims);
    open.add_if(Gap::Claims, kind == Kind::Federated && lacks_claims);
    open
}

/// The keys of how credentials reached a workload.
const OF_DELIVERY: [Gap; 8] = [
    Gap::Ec2Instance,
    Gap::Ec2RoleDelivery,
    Gap::Ec2Vpc,
    Gap::Ec2PrivateIp,
    Gap::LambdaFunction,
    Gap::GlueAssumedBy,
    Gap::GlueService,
    Gap::SsmInstance,
];

/// E-121: the keys of E-17 that the delivery of a role session tells. One kind says that there
/// are none of the others; what it does not state of its own stays open.
fn of_delivery(open: &mut GapSet, delivery: Option<&Delivery<'_>>) {
    let own: &[(Gap, bool)] = match delivery {
        None => return OF_DELIVERY.iter().for_each(|gap| open.add_if(*gap, true)),
        Some(Delivery::Ec2 { instance_arn, role_delivery, vpc, private_ip }) => &[
            (Gap::Ec2Instance, instance_arn.is_none()),
            (Gap::Ec2RoleDelivery, role_delivery.is_none()),
            (Gap::Ec2Vpc, vpc.is_none()),
            (Gap::Ec2PrivateIp, private_ip.is_none()),
        ],
        Some(Delivery::Lambda { function_arn }) => &[(Gap::LambdaFunction, function_arn.is_none())],
        Some(Delivery::Glue { role_assumed_by, credential_issuing_service }) => &[
            (Gap::GlueAssumedBy, role_assumed_by.is_none()),
            (Gap::GlueService, credential_issuing_service.is_none()),
        ],
        Some(Delivery::Ssm { instance_arn }) => &[(Gap::SsmInstance, instance_arn.is_none())],
        Some(_) => &[],
    };
    for (gap, is_open) in own {
        open.add_if(*gap, *is_open);
    }
}

/// What a request says of its way to AWS.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// Neither an address nor an endpoint is known.
    says_nothing: bool,
    through_endpoint: bool,
    /// The account of the endpoint is known.
    knows_account: bool,
    /// So is its organization.
    knows_organization: bool,
}

impl Way {
    fn of(environment: &Environment<'_>) -> Self {
        let has = |key| environment.get(key).is_some();
        let states_ip = environment.states_ip;
        Self {
            says_nothing: !states_ip && !has(OwnKey::VpcSourceIp) && !has(OwnKey::SourceVpce),
            through_endpoint: environment.through_endpoint(),
            knows_account: has(OwnKey::VpceAccount),
            knows_organization: environment.knows_organization,
        }
    }

    /// E-121: the keys of E-18. Without an address or an endpoint all are unknown, with an
    /// endpoint those that neither request nor record gives.
    fn gaps(self, kind: PrincipalKind) -> GapSet {
        let Self { says_nothing, through_endpoint, knows_account, knows_organization } = self;
        let of_endpoint = says_nothing || through_endpoint;
        let mut open = GapSet::default();
        for gap in
            [Gap::Endpoint, Gap::VpcSourceIp, Gap::SourceVpc, Gap::SourceVpcArn, Gap::VpceAccount]
        {
            open.add_if(gap, of_endpoint);
        }
        let leaves_organization = says_nothing || through_endpoint && !knows_organization;
        open.add_if(Gap::VpceOrganization, leaves_organization);
        open.add_if(Gap::VpceElsewhere, knows_account && !knows_organization);
        open.add_if(Gap::SourceIp, says_nothing && kind != PrincipalKind::Service);
        open
    }
}

/// Whether a key is derived from inputs that are not known; tags of the resource apart.
pub(super) fn is_open_to(open: GapSet, folded: &str) -> bool {
    match class(folded, &[]) {
        KeyClass::Derived(Gap::SessionClaims) => {
            open.has(Gap::SessionClaims) || open.has(Gap::Claims)
        }
        KeyClass::Derived(gap) => open.has(gap),
        KeyClass::Claim => open.has(Gap::Claims),
        KeyClass::Known | KeyClass::Free => false,
    }
}

/// What is asked of the gaps of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) principal: u32,
    pub(super) action: u32,
    pub(super) tags: u32,
    pub(super) knows_owner: bool,
    /// The position of the keys that follow from the owner and from the tags of the resource.
    pub(super) keys: u32,
    pub(super) knows_tags: bool,
    pub(super) known_holders: [Option<&'static str>; 2],
    /// MFA as `context` states it for a user without a session (E-23).
    pub(super) stated_mfa: Option<bool>,
}

impl Resolver<'_> {
    /// The gaps of a row, by position.
    ///
    /// # Errors
    /// When the lists contradict each other or what the request carries (E-122).
    pub(super) fn gap_of(
        &mut self,
        request: &Request<'_>,
        check: &CheckSpec<'_>,
        environment: &Environment<'_>,
        asked: Asked,
    ) -> Result<u32, RequestError> {
        let lists = self.lists_of(request, check)?;
        let mut open = Way::of(environment).gaps(self.principals[asked.principal as usize].kind);
        open.add_if(Gap::RequestTags, request.request_tags.is_none());
        open.add_if(Gap::CallChain, request.via.is_none());
        self.gap(open, lists, asked)
    }

    /// The gaps of a row of a plain request, which lists nothing and says nothing of tags and of
    /// services on the way; `states_ip` if it gives its address.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn plain_gap(&mut self, states_ip: bool, asked: Asked) -> Result<u32, RequestError> {
        let way = Way {
            says_nothing: !states_ip,
            through_endpoint: false,
            knows_account: false,
            knows_organization: false,
        };
        let mut open = way.gaps(self.principals[asked.principal as usize].kind);
        open.add_if(Gap::RequestTags, true);
        open.add_if(Gap::CallChain, true);
        self.gap(open, 0, asked)
    }

    /// The gaps of a row: `of_request` are those that hang on nothing but the request.
    fn gap(&mut self, of_request: GapSet, lists: u32, asked: Asked) -> Result<u32, RequestError> {
        let principal = &self.principals[asked.principal as usize];
        let mut open = principal.gaps;
        if let Some(present) = asked.stated_mfa {
            open.remove(Gap::MfaPresent);
            open.remove(Gap::MfaAge);
            open.add_if(Gap::MfaAge, present);
        }
        let mut open = open.and(of_request);
        open.add_if(Gap::Unstated, true);
        open.add_if(Gap::ResourceOwner, !asked.knows_owner);
        let is_elsewhere = is_of_elsewhere(self, asked.keys, "aws:resourceorgid");
        open.add_if(Gap::ResourceOrganization, !asked.knows_owner || is_elsewhere);
        open.add_if(Gap::ResourceTags, !asked.knows_tags);
        let by_catalog = self.engine.options.absent_by_catalog;
        let facts = &self.actions[asked.action as usize];
        let action = facts.id.filter(|_| by_catalog);
        let tagged_by = facts.id.filter(|_| !facts.request_tags.is_empty());
        let (tags, holders) = (asked.tags, asked.known_holders);
        let profile = Profile { open, tagged_by, tags, holders, lists, action };
        if let Some(index) = self.partial.profile_index.get(&profile) {
            return Ok(*index);
        }
        let gaps = self.gaps_of_profile(&profile);
        let index = super::next_index(self.partial.gaps.len(), "gaps")?;
        self.partial.gaps.push(gaps);
        self.partial.profiles.push(profile.clone());
        self.partial.profile_index.insert(profile, index);
        Ok(index)
    }

    /// Makes the gaps anew after the overlay has learned new keys.
    pub(super) fn refresh_gaps(&mut self) {
        let profiles = std::mem::take(&mut self.partial.profiles);
        self.partial.gaps = profiles.iter().map(|p| self.gaps_of_profile(p)).collect();
        self.partial.profiles = profiles;
        let mut single = KeySet::default();
        for (key, folded) in self.asked_keys() {
            let declared = self.engine.catalog.condition_key(folded);
            if declared.is_some_and(|declared| declared.shape() == Some(KeyShape::Single)) {
                single.insert(key);
            }
        }
        self.partial.single = single;
    }

    /// The keys that policies ask about.
    fn asked_keys(&self) -> impl Iterator<Item = (KeyId, &str)> {
        let shared = self.engine.tables.keys().map(|(key, folded, _)| (key, folded));
        let own = self.overlay.keys().map(|(key, folded, _)| (key, folded));
        shared.chain(own).filter(|(_, folded)| !folded.starts_with('\0'))
    }

    fn gaps_of_profile(&self, profile: &Profile) -> Gaps {
        let mut gaps = Gaps::default();
        for (key, folded) in self.asked_keys().filter(|(_, folded)| !is_never_carried(folded)) {
            if self.is_open(profile, folded) {
                gaps.absent.insert(key);
            }
            if let Some(says) = OrganizationKey::of(folded).filter(|_| profile.is_elsewhere(folded))
            {
                gaps.elsewhere.push((key, says));
            }
            if self.lists_at(profile).is_some_and(|lists| covers(&lists.unknown, folded)) {
                gaps.hidden.insert(key);
            }
        }
        gaps
    }

    fn lists_at(&self, profile: &Profile) -> Option<&Lists> {
        self.partial.lists.get((profile.lists as usize).checked_sub(1)?)
    }

    /// E-121, E-122: whether a key is unknown when nothing carries it.
    fn is_open(&self, profile: &Profile, folded: &str) -> bool {
        let said = self.lists_at(profile).and_then(|lists| lists.says_unknown(folded));
        if let Some(is_unknown) = said {
            return is_unknown;
        }
        match self.class(profile, folded) {
            KeyClass::Derived(Gap::SessionClaims) => {
                profile.open.has(Gap::SessionClaims) || profile.open.has(Gap::Claims)
            }
            KeyClass::Derived(gap) => profile.open.has(gap),
            KeyClass::Claim => profile.open.has(Gap::Claims),
            KeyClass::Known => false,
            KeyClass::Free => !self.is_unlisted(profile.action, folded),
        }
    }

    /// The class of a key of a row.
    fn class(&self, profile: &Profile, folded: &str) -> KeyClass {
        let catalog = &self.engine.catalog;
        let is_of_request = |action| match KeyRule::of(folded) {
            KeyRule::ServiceRequestTag(len) => catalog
                .request_tag_keys(action)
                .any(|stem| stem.eq_ignore_ascii_case(&folded[..len])),
            KeyRule::ServiceTagKeys => {
                catalog.request_tag_lists(action).any(|name| name.eq_ignore_ascii_case(folded))
            }
            _ => false,
        };
        if profile.tagged_by.is_some_and(is_of_request) {
            return KeyClass::Derived(Gap::RequestTags);
        }
        let is_held = |stem: &&str| {
            folded.get(..stem.len()).is_some_and(|head| head.eq_ignore_ascii_case(stem))
        };
        if profile.holders.iter().flatten().any(is_held) {
            return KeyClass::Known;
        }
        let tags = self.tag_profiles.get(profile.tags as usize).map_or(&[][..], |tags| tags);
        class(folded, tags)
    }

    /// E-122, `absentByCatalog`: a service key that the catalog lists neither for the action nor
    /// for its resource types.
    fn is_unlisted(&self, action: Option<ActionId>, folded: &str) -> bool {
        let Some(action) = action.filter(|_| !folded.starts_with("aws:")) else { return false };
        let catalog = &self.engine.catalog;
        let Some(declared) = catalog.condition_key(folded) else { return true };
        let is_same = |listed: ConditionKeyReference<'_>| listed.name() == declared.name();
        let of_types = |listed: assize_catalog::ActionResource<'_>| {
            listed.condition_keys().any(is_same)
                || listed.resource_type().condition_keys().any(is_same)
        };
        let lists = |action: ActionId| {
            let action = catalog.action_ref(action);
            action.condition_keys().any(is_same) || action.resource_types().any(of_types)
        };
        let mut of_call = OF_ROLE_CALLS.iter().filter_map(|name| catalog.action("sts", name));
        let is_listed =
            if of_call.clone().any(|id| id == action) { of_call.any(lists) } else { lists(action) };
        !declared.is_global() && !is_listed
    }

    /// Whether a key that no policy need ask about is unknown in a row; `value` is what the row
    /// has.
    pub(super) fn is_unknown(&self, gap: u32, folded: &str, is_present: bool) -> bool {
        let profile = self.partial.profiles.get(gap as usize);
        profile.filter(|_| !is_never_carried(folded)).is_some_and(|profile| {
            let lists = self.lists_at(profile);
            lists.is_some_and(|lists| covers(&lists.unknown, folded))
                || !is_present && self.is_open(profile, folded)
        })
    }

    /// Whether the inputs of a derived key of a row are not known (E-121).
    pub(super) fn is_underived(&self, gap: u32, folded: &str) -> bool {
        self.partial.profiles.get(gap as usize).is_some_and(|p| is_open_to(p.open, folded))
    }

    /// Whether a key of a row is under `unknown`, so that nothing sees its value.
    pub(crate) fn is_hidden(&self, row: usize, folded: &str) -> bool {
        let gap = self.partial.gap.get(row).copied().unwrap_or_default();
        let lists = self.partial.profiles.get(gap as usize).and_then(|p| self.lists_at(p));
        lists.is_some_and(|lists| covers(&lists.unknown, folded))
    }

    /// E-122: whether nothing but the catalog says that a key of a row is absent.
    pub(crate) fn is_left_to_catalog(&self, row: usize, folded: &str) -> bool {
        let gap = self.partial.gap.get(row).copied().unwrap_or_default();
        let Some(profile) = self.partial.profiles.get(gap as usize) else { return false };
        let said = self.lists_at(profile).and_then(|lists| lists.says_unknown(folded));
        let is_free = self.class(profile, folded) == KeyClass::Free;
        profile.action.is_some() && said.is_none() && is_free
    }

    /// E-129: a key as `dependsOn` spells it: as AWS does if it is one of AWS's own, else as
    /// given.
    pub(crate) fn spelled(&self, key: &ConditionKey) -> ConditionKey {
        let spelling = key.spelling();
        let declared = self.engine.catalog.condition_key(spelling);
        match declared.filter(ConditionKeyReference::is_global) {
            Some(declared) => {
                let stem = declared.stem();
                let rest = spelling.get(stem.len()..).unwrap_or_default();
                ConditionKey::new(&format!("{stem}{rest}"))
            }
            None => key.clone(),
        }
    }

    /// E-90, E-126: whether the session of a caller that assumes a role has a source identity
    /// that the call inherits: none if nobody knows.
    pub(super) fn inherits_source_identity(
        &self,
        request: &Request<'_>,
        context: &[(Cow<'_, str>, ContextInput<'_>)],
        has_identity: bool,
    ) -> Option<bool> {
        const KEY: &str = "aws:sourceidentity";
        if !self.is_partial {
            return Some(has_identity);
        }
        let given = |is_wanted: fn(&ContextInput<'_>) -> bool| {
            let of_check = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(KEY));
            let of_request = || request.context.iter().find(|(n, _)| n.eq_ignore_ascii_case(KEY));
            of_check.or_else(of_request).is_some_and(|(_, input)| is_wanted(input))
        };
        let lists = lists(request, context);
        match lists.says_unknown(KEY) {
            Some(true) => None,
            _ if has_identity || given(|input| !is_empty(input)) => Some(true),
            Some(false) => Some(false),
            None => None,
        }
    }

    /// The position of the lists of a request, from 1; 0 is none.
    fn lists_of(
        &mut self,
        request: &Request<'_>,
        check: &CheckSpec<'_>,
    ) -> Result<u32, RequestError> {
        let lists = lists(request, check.context);
        if lists == Lists::default() {
            return Ok(0);
        }
        if let Some(name) = lists.absent.iter().find(|name| covers(&lists.unknown, name)) {
            return Err(contradiction(name, "is under `unknown`, and known to be absent"));
        }
        if !lists.unknown.is_empty() {
            let carried = carried(request, check.context, &self.actions[check.action as usize]);
            if let Some(name) = carried.iter().find(|name| covers(&lists.unknown, name)) {
                let why = "is under `unknown`, but the request carries it";
                return Err(contradiction(name, why));
            }
        }
        if let Some(index) = self.partial.list_index.get(&lists) {
            return Ok(*index);
        }
        self.partial.lists.push(lists.clone());
        let index = super::next_index(self.partial.lists.len(), "lists")?;
        self.partial.list_index.insert(lists, index);
        Ok(index)
    }
}

fn contradiction(key: &str, why: &str) -> RequestError {
    let message = format!("context key `{key}` {why}");
    RequestError::new(RequestErrorKind::ContextConflict, message).at("/unknown")
}

pub(super) fn is_empty(input: &ContextInput<'_>) -> bool {
    matches!(input, ContextInput::List(items) if items.is_empty())
}

/// The lists that a request gives, with the keys it carries as empty arrays.
pub(super) fn lists(request: &Request<'_>, context: &[(Cow<'_, str>, ContextInput<'_>)]) -> Lists {
    let fold = |names: &[Cow<'_, str>]| -> Vec<Box<str>> {
        names.iter().map(|name| fold_key(name).into()).collect()
    };
    let mut absent = fold(&request.absent);
    let given = context.iter().chain(&request.context);
    let empty = given.filter(|(_, input)| is_empty(input));
    absent.extend(empty.map(|(name, _)| Box::from(fold_key(name))));
    Lists { absent, complete: fold(&request.complete), unknown: fold(&request.unknown) }
}

/// The folded names of the keys that a request carries, in `context` or in fields of their own.
fn carried(
    request: &Request<'_>,
    context: &[(Cow<'_, str>, ContextInput<'_>)],
    action: &ResolvedAction,
) -> Vec<Box<str>> {
    let of_check = context.iter();
    let is_replaced = |name: &str| context.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let shared = request.context.iter().filter(|(name, _)| !is_replaced(name));
    let given = of_check.chain(shared).filter(|(_, input)| !is_empty(input));
    let mut names: Vec<Box<str>> = given.map(|(name, _)| fold_key(name).into()).collect();
    if let Some(network) = &request.network {
        let fields = [
            (OwnKey::SourceIp, network.source_ip.is_some()),
            (OwnKey::VpcSourceIp, network.vpc_source_ip.is_some()),
            (OwnKey::SourceVpce, network.vpce.is_some()),
            (OwnKey::SourceVpc, network.vpc.is_some()),
            (OwnKey::VpceAccount, network.vpce_account.is_some()),
            (OwnKey::SecureTransport, network.secure_transport.is_some()),
            (OwnKey::UserAgent, network.user_agent.is_some()),
            (OwnKey::Referer, network.referer.is_some()),
        ];
        let stated = fields.iter().filter(|(_, is_stated)| *is_stated);
        names.extend(stated.map(|(key, _)| Box::from(fold_key(key.name()))));
    }
    if request.region.is_some() {
        names.push(fold_key(OwnKey::RequestedRegion.name()).into());
    }
    if request.time.is_some() {
        names.extend([OwnKey::CurrentTime, OwnKey::EpochTime].map(|k| fold_key(k.name()).into()));
    }
    if let Some(tags) = &request.request_tags {
        names.push(fold_key(OwnKey::TagKeys.name()).into());
        names.extend(action.tag_lists.iter().map(|name| Box::from(fold_key(name))));
        for stem in
            std::iter::once("aws:RequestTag/").chain(action.request_tags.iter().map(|s| &**s))
        {
            names.extend(tags.iter().map(|(tag, _)| fold_key(&format!("{stem}{tag}")).into()));
        }
    }
    names.retain(|name| !is_never_carried(name));
    names
}
