//! What is known of the condition keys of a check (E-120 – E-123).

use assize_catalog::{Catalog, ConditionKeyReference};
use assize_model::{
    ActionId, ConditionKey, ContextEntry, ContextMode, ContextValue, KeyShape, Request,
    RequestContext, RequestError, RequestErrorKind, fold_key, is_never_carried,
};

use assize_policy::ir::ConditionOperator as Op;
use assize_store::StoreSnapshot;

use super::World;
use super::given::Given;
use crate::service_rules::sts;
use crate::wildcard::Symbol;

/// The state of a key (E-121).
#[derive(Debug, Clone, Copy)]
pub(crate) enum State<'k> {
    /// Carried or derived.
    Present(&'k ContextValue),
    /// Known not to be there.
    Absent,
    /// Partial context leaves open whether it is there, and with which value.
    Unknown,
}

/// The keys that a check's context holds, and what is known of all others.
#[derive(Debug)]
pub(crate) struct Knowledge<'a> {
    present: RequestContext,
    catalog: &'a Catalog,
    /// None in complete context, in which no key is unknown.
    gaps: Option<Gaps>,
}

impl<'a> Knowledge<'a> {
    pub(crate) fn new(catalog: &'a Catalog, present: RequestContext, gaps: Option<Gaps>) -> Self {
        Self { present, catalog, gaps }
    }

    /// The keys that are present.
    pub(crate) fn present(&self) -> &RequestContext {
        &self.present
    }

    /// The entry of a key that is present, by its folded name.
    pub(crate) fn get(&self, folded: &str) -> Option<&ContextEntry> {
        self.present.get(folded)
    }

    /// E-120, E-121: the state of a key, by its folded name.
    pub(crate) fn state(&self, folded: &str) -> State<'_> {
        match (self.present.get(folded), &self.gaps) {
            (Some(entry), _) => State::Present(&entry.value),
            (None, Some(gaps)) if gaps.is_unknown(folded, self.catalog) => State::Unknown,
            (None, _) => State::Absent,
        }
    }

    /// Whether a key is unknown.
    pub(crate) fn is_unknown(&self, folded: &str) -> bool {
        matches!(self.state(folded), State::Unknown)
    }

    /// E-123, E-124: whether a key is declared to hold one value.
    pub(crate) fn is_single(&self, key: &ConditionKey) -> bool {
        let declared = self.catalog.condition_key(key.spelling());
        declared.is_some_and(|declared| declared.shape() == Some(KeyShape::Single))
    }

    /// E-124: whether a value of a test can match only an organization that the account of the key
    /// is known not to be in.
    pub(crate) fn is_elsewhere(&self, key: &ConditionKey, op: Op, value: &[Symbol]) -> bool {
        let folds = matches!(op, Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase);
        let Some(gaps) = self.gaps.as_ref().filter(|_| !folds) else { return false };
        let literal = value.iter().map_while(|symbol| match symbol {
            Symbol::Char(character) => Some(*character),
            _ => None,
        });
        let literal: String = literal.collect();
        let is_whole = literal.chars().count() == value.len();
        let id = match literal.split_once('/') {
            Some((id, _)) if key.folded().ends_with("orgpaths") => id,
            None if is_whole && key.folded().ends_with("orgid") => &literal,
            _ => return false,
        };
        let is_left = gaps.elsewhere.iter().any(|name| name == key.folded());
        is_left && gaps.organizations.iter().any(|own| own == id)
    }

    /// E-121, E-122: what a test of a key rests on beside the request.
    pub(crate) fn assumption(&self, key: &ConditionKey) -> Option<&'static str> {
        let gaps = self.gaps.as_ref()?;
        if key.folded() == "aws:securetransport" && gaps.assumes_secure_transport {
            return Some("secure_transport");
        }
        let is_absent = matches!(self.state(key.folded()), State::Absent);
        (is_absent && gaps.is_left_to_catalog(key.folded())).then_some("catalogue_keys")
    }

    /// E-129: a key as `dependsOn` spells it: as section 7 of the language does, else as first
    /// seen.
    pub(crate) fn spelled(&self, key: &ConditionKey) -> ConditionKey {
        let declared = self.catalog.condition_key(key.spelling());
        let Some(declared) = declared.filter(ConditionKeyReference::is_global) else {
            return key.clone();
        };
        let stem = declared.stem();
        ConditionKey::new(&format!("{stem}{}", &key.spelling()[stem.len()..]))
    }
}

/// The fields `absent`, `complete` and `unknown` of a request, and the empty arrays of its
/// context (E-122, L-609); names folded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    absent: Vec<String>,
    complete: Vec<String>,
    unknown: Vec<String>,
}

/// Whether a list of names and of prefixes ending in `:` or `/` holds a key.
fn covers(list: &[String], folded: &str) -> bool {
    list.iter().any(|own| {
        let is_prefix = own.ends_with([':', '/']) && own.len() < folded.len();
        own == "*" || own == folded || is_prefix && folded.starts_with(own.as_str())
    })
}

impl Lists {
    pub(crate) fn new(request: &Request<'_>, given: &Given) -> Self {
        let fold = |names: &[std::borrow::Cow<'_, str>]| -> Vec<String> {
            names.iter().map(|name| fold_key(name).into_owned()).collect()
        };
        let empty = given.empty.iter().map(|key| key.folded().into());
        let absent = fold(&request.absent).into_iter().chain(empty).collect();
        Self { absent, complete: fold(&request.complete), unknown: fold(&request.unknown) }
    }

    /// Whether a key that is neither carried nor derived is said to be unknown or absent.
    /// `unknown` is stronger than `complete`.
    pub(crate) fn says(&self, folded: &str) -> Option<State<'static>> {
        if covers(&self.unknown, folded) {
            Some(State::Unknown)
        } else if covers(&self.absent, folded) || covers(&self.complete, folded) {
            Some(State::Absent)
        } else {
            None
        }
    }

    /// Whether a key is under `unknown`.
    pub(crate) fn has_unknown(&self, folded: &str) -> bool {
        covers(&self.unknown, folded)
    }

    /// E-122: the lists do not contradict each other.
    fn agree(&self) -> Result<(), RequestError> {
        match self.absent.iter().find(|name| covers(&self.unknown, name)) {
            Some(name) => Err(conflict(name, "is under `unknown`, and known to be absent")),
            None => Ok(()),
        }
    }
}

/// E-23, E-122.
pub(crate) fn conflict(key: &str, why: &str) -> RequestError {
    let message = format!("context key `{key}` {why}");
    RequestError::new(RequestErrorKind::ContextConflict, message)
}

/// Which claims of an identity provider are unknown (E-121).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claims {
    /// None.
    Known,
    /// Those that outlive the call (E-17).
    OfSession,
    /// All.
    All,
}

/// What partial context leaves open (E-121).
#[derive(Debug)]
pub(crate) struct Gaps {
    lists: Lists,
    /// Names and prefixes of derived keys whose inputs are not known, folded.
    underived: Vec<String>,
    /// What keys that carry a tag of the resource begin with.
    tag_stems: Vec<String>,
    /// Keys of tags that rules derive for this check: names, or prefixes ending in `/`, folded.
    derived: Vec<String>,
    /// Whether nobody says the tags of the resource.
    are_tags_unknown: bool,
    /// Keys of organizations that are none of the snapshot's, folded.
    elsewhere: Vec<String>,
    /// The organizations of the snapshot.
    organizations: Vec<String>,
    claims: Claims,
    assumes_secure_transport: bool,
    /// Option `absentByCatalog`: the action, if it is on and the catalog knows the action.
    listed_for: Option<ActionId>,
}

impl Gaps {
    /// The gaps of a check before anything is derived. None in complete context.
    pub(crate) fn new(
        world: &World<'_>,
        request: &Request<'_>,
        given: &Given,
        action: Option<ActionId>,
    ) -> Result<Option<Self>, RequestError> {
        if world.options.context == ContextMode::Complete {
            return Ok(None);
        }
        let lists = Lists::new(request, given);
        lists.agree()?;
        let stated = request.network.as_deref().and_then(|network| network.secure_transport);
        let carried = given.get("aws:SecureTransport");
        Ok(Some(Self {
            lists,
            underived: Vec::new(),
            tag_stems: Vec::new(),
            derived: Vec::new(),
            are_tags_unknown: false,
            elsewhere: Vec::new(),
            organizations: Vec::new(),
            claims: Claims::Known,
            assumes_secure_transport: stated.is_none() && carried.is_none(),
            listed_for: action.filter(|_| world.options.absent_by_catalog),
        }))
    }

    /// Leaves derived keys unknown: names, or prefixes ending in `/`.
    pub(crate) fn leave(&mut self, names: &[&str]) {
        self.underived.extend(names.iter().map(|name| name.to_ascii_lowercase()));
    }

    /// Leaves a key unknown but for what the snapshot says: it is of none of its organizations.
    pub(crate) fn leave_elsewhere(&mut self, name: &str, snapshot: &StoreSnapshot) {
        self.leave(&[name]);
        self.elsewhere.push(name.to_ascii_lowercase());
        let ids = snapshot.organizations().map(|organization| organization.id.to_string());
        self.organizations = ids.collect();
    }

    pub(crate) fn leave_claims(&mut self, claims: Claims) {
        self.claims = claims;
    }

    /// What keys that carry tags of the resource begin with, and whether the tags are unknown.
    pub(crate) fn set_tags(&mut self, stems: &[String], are_unknown: bool) {
        self.tag_stems = stems.to_vec();
        self.are_tags_unknown = are_unknown;
    }

    /// Keys that rules derive for this check: names, or prefixes ending in `/`.
    pub(crate) fn derive(&mut self, names: &[&str]) {
        self.derived.extend(names.iter().map(|name| name.to_ascii_lowercase()));
    }

    /// The table of E-121: whether the inputs of a derived key are not known.
    pub(crate) fn is_underived(&self, folded: &str) -> bool {
        let of_claims = is_claim(folded)
            && match self.claims {
                Claims::Known => false,
                Claims::OfSession => outlives_the_call(folded),
                Claims::All => true,
            };
        let of_tags = self.are_tags_unknown && is_resource_tag(folded, &self.tag_stems);
        of_claims || of_tags || covers(&self.underived, folded)
    }

    /// E-122: whether the request has said all there is to say of a key, and nothing of it alone.
    pub(crate) fn tells(&self, folded: &str) -> bool {
        covers(&self.lists.complete, folded) && !covers(&self.lists.absent, folded)
    }

    /// E-122: whether the request says that a key is unknown, or all there is to say of it.
    pub(crate) fn says(&self, folded: &str) -> Option<State<'static>> {
        self.lists.says(folded)
    }

    /// E-121, E-122: whether a key that is not present is unknown. One that no request carries is
    /// known to be absent (L-605, L-707, L-710).
    fn is_unknown(&self, folded: &str, catalog: &Catalog) -> bool {
        if is_never_carried(folded) {
            return false;
        }
        match self.lists.says(folded) {
            Some(state) => matches!(state, State::Unknown),
            None if self.is_underived(folded) => true,
            None => !self.is_derived(folded) && !self.is_unlisted(folded, catalog),
        }
    }

    /// Whether rules derive a key: those of E-15 – E-22.
    fn is_derived(&self, folded: &str) -> bool {
        is_derived(folded)
            || is_resource_tag(folded, &self.tag_stems)
            || covers(&self.derived, folded)
            || ENVIRONMENT_KEYS.contains(&format!(" {folded} "))
    }

    /// E-122, `absentByCatalog`: a service key that the catalog lists neither for the action nor
    /// for its resource types.
    fn is_unlisted(&self, folded: &str, catalog: &Catalog) -> bool {
        let Some(action) = self.listed_for.filter(|_| !folded.starts_with("aws:")) else {
            return false;
        };
        let mut listed = sts::of_one_call(catalog, action).into_iter().flat_map(|action| {
            let of_types = action.resource_types().flat_map(|listed| {
                listed.condition_keys().chain(listed.resource_type().condition_keys())
            });
            action.condition_keys().chain(of_types)
        });
        let declared = catalog.condition_key(folded);
        declared
            .is_none_or(|key| !key.is_global() && !listed.any(|listed| listed.name() == key.name()))
    }

    /// Whether nothing but the catalog could say that a key is absent.
    fn is_left_to_catalog(&self, folded: &str) -> bool {
        let is_ruled =
            is_never_carried(folded) || self.is_underived(folded) || self.is_derived(folded);
        self.listed_for.is_some() && self.lists.says(folded).is_none() && !is_ruled
    }

    /// E-122: takes the derived keys under `unknown` out; carried ones contradict it.
    pub(crate) fn forget(
        &self,
        context: &mut RequestContext,
        carried: &[String],
    ) -> Result<(), RequestError> {
        let is_listed = |name: &&String| self.lists.has_unknown(name);
        if let Some(name) = carried.iter().find(is_listed) {
            return Err(conflict(name, "is under `unknown`, but the request carries it"));
        }
        let names: Vec<String> = context.iter().map(|entry| entry.key.folded().into()).collect();
        for name in names.iter().filter(is_listed) {
            context.remove(name);
        }
        Ok(())
    }
}

/// E-17: claims that later requests of a session carry.
pub(crate) fn outlives_the_call(folded: &str) -> bool {
    match folded.rsplit_once(':') {
        Some(("saml", claim)) => matches!(claim, "namequalifier" | "sub" | "sub_type"),
        // Who the user is, by the names of these two providers.
        Some(("www.amazon.com", "user_id") | ("graph.facebook.com", "id")) => true,
        Some((_, claim)) => matches!(claim, "aud" | "sub" | "amr"),
        None => false,
    }
}

/// The keys of E-15, E-16, E-17 and E-20 that have a fixed name, folded, between spaces.
const DERIVED_KEYS: &str = " aws:assumedroot aws:ec2instancesourceprivateipv4 \
    aws:ec2instancesourcevpc aws:federatedprovider aws:multifactorauthage \
    aws:multifactorauthpresent aws:principalaccount aws:principalarn aws:principalisawsservice \
    aws:principalorgid aws:principalorgpaths aws:principalservicename \
    aws:principalservicenameslist aws:principaltype aws:resourceaccount aws:resourceorgid \
    aws:resourceorgpaths aws:sourceaccount aws:sourcearn aws:sourceidentity aws:sourceorgid \
    aws:sourceorgpaths aws:tokenissuetime aws:userid aws:username ec2:roledelivery \
    ec2:sourceinstancearn glue:credentialissuingservice glue:roleassumedby \
    lambda:sourcefunctionarn ssm:sourceinstancearn ";

/// The keys of E-18, E-19, E-21 and E-22 that have a fixed name, folded, between spaces.
const ENVIRONMENT_KEYS: &str = " aws:calledvia aws:calledviafirst aws:calledvialast \
    aws:currenttime aws:epochtime aws:referer aws:requestedregion aws:securetransport \
    aws:sourceip aws:sourcevpc aws:sourcevpcarn aws:sourcevpce aws:tagkeys aws:useragent \
    aws:viaawsservice aws:vpceaccount aws:vpceorgid aws:vpceorgpaths aws:vpcsourceip ";

/// Keys of identity providers have a host, or `saml`, before the first colon; no service prefix
/// holds a dot.
pub(crate) fn is_claim(folded: &str) -> bool {
    folded.split_once(':').is_some_and(|(prefix, _)| prefix == "saml" || prefix.contains('.'))
}

/// E-23: whether a key may only be derived.
pub(crate) fn is_derived(folded: &str) -> bool {
    is_claim(folded)
        || folded.starts_with("aws:principaltag/")
        || DERIVED_KEYS.contains(&format!(" {folded} "))
}

/// E-20, L-710: whether a key carries a tag of the resource.
pub(crate) fn is_resource_tag(folded: &str, stems: &[String]) -> bool {
    let (service, name) = folded.split_once(':').unwrap_or_default();
    let is_tag = ["resourcetag/", "existingobjecttag/"]
        .iter()
        .any(|stem| name.len() > stem.len() && name.starts_with(stem));
    let carries =
        |stem: &String| folded.len() > stem.len() && folded.starts_with(&stem.to_ascii_lowercase());
    let is_of_service = !service.contains('/') && !is_claim(folded);
    is_tag && is_of_service || stems.iter().any(carries)
}
