//! The keys that say how, when and from where a request came (E-18, E-19, E-21, E-22).

use std::borrow::Cow;

use assize_model::{
    AccountId, ContextScalar, PrincipalKind, Request, RequestError, RequestErrorKind,
};
use assize_policy::value::parse_date;
use assize_store::StoreSnapshot;
use smallvec::SmallVec;

use super::elsewhere;
use super::key::{N_OWN_KEYS, OwnKey};
use super::time::iso8601;

/// A value of one of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OwnValue<'r> {
    Single(Cow<'r, str>),
    List(Vec<Cow<'r, str>>),
    /// Several entries fold to the key (L-606).
    Colliding,
}

impl<'r> OwnValue<'r> {
    /// The members; none of several entries.
    fn texts(&self) -> &[Cow<'r, str>] {
        match self {
            Self::Single(text) => std::slice::from_ref(text),
            Self::List(items) => items,
            Self::Colliding => &[],
        }
    }
}

/// The keys with a field of their own, from the fields and from `context`.
///
/// A request has few of them, and one of these is made for each row: so the values stand in a
/// short list, and the keys point into it.
#[derive(Debug)]
pub(super) struct Environment<'r> {
    held: SmallVec<[OwnValue<'r>; 8]>,
    /// Positions in `held`, from 1; 0 is none.
    values: [u8; N_OWN_KEYS],
    given: [u8; N_OWN_KEYS],
    /// The instant of the request (L-706).
    pub(super) time: i64,
    may_override: bool,
    /// Keys of `context` that won over a field (E-23).
    pub(super) overridden: Vec<Box<str>>,
    /// The caller's address is stated, whether or not it counts (E-18).
    pub(super) states_ip: bool,
    /// Whether the snapshot says which organization the account of the endpoint is in, or that it
    /// is in none.
    pub(super) knows_organization: bool,
}

pub(super) fn pointer_to(key: &str) -> String {
    format!("/context/{}", key.replace('~', "~0").replace('/', "~1"))
}

pub(super) fn conflict(key: &str, given: &str, derived: &str) -> RequestError {
    RequestError::new(
        RequestErrorKind::ContextConflict,
        format!("`{key}` is `{given}` in the context, but the request says {derived}"),
    )
    .at(pointer_to(key))
}

fn shown(value: &OwnValue<'_>) -> String {
    match value {
        OwnValue::Single(text) => text.to_string(),
        OwnValue::List(items) => items.join(", "),
        OwnValue::Colliding => "several entries".into(),
    }
}

/// Keys of requests that came through a VPC endpoint (E-18).
const THROUGH_ENDPOINT: [OwnKey; 7] = [
    OwnKey::VpcSourceIp,
    OwnKey::SourceVpce,
    OwnKey::SourceVpc,
    OwnKey::SourceVpcArn,
    OwnKey::VpceAccount,
    OwnKey::VpceOrgId,
    OwnKey::VpceOrgPaths,
];

/// Keys of requests that services pass on (E-22).
const CALL_CHAIN: [OwnKey; 3] = [OwnKey::CalledVia, OwnKey::CalledViaFirst, OwnKey::CalledViaLast];

impl<'r> Environment<'r> {
    /// What the fields say.
    pub(super) fn of_fields(request: &'r Request<'r>, may_override: bool) -> Self {
        let mut environment = Self {
            held: SmallVec::new(),
            values: [0; N_OWN_KEYS],
            given: [0; N_OWN_KEYS],
            time: 0,
            may_override,
            overridden: Vec::new(),
            states_ip: false,
            knows_organization: false,
        };
        if let Some(network) = &request.network {
            let texts = [
                (OwnKey::SourceIp, &network.source_ip),
                (OwnKey::VpcSourceIp, &network.vpc_source_ip),
                (OwnKey::SourceVpce, &network.vpce),
                (OwnKey::SourceVpc, &network.vpc),
                (OwnKey::UserAgent, &network.user_agent),
                (OwnKey::Referer, &network.referer),
            ];
            for (key, text) in texts {
                if let Some(text) = text {
                    environment.set_text(key, text);
                }
            }
            if let Some(account) = &network.vpce_account {
                environment.set_text(OwnKey::VpceAccount, account.as_str());
            }
            if let Some(secure) = network.secure_transport {
                environment.set_text(OwnKey::SecureTransport, flag(secure));
            }
        }
        if let Some(region) = &request.region {
            environment.set_text(OwnKey::RequestedRegion, region);
        }
        if let Some(tags) = &request.request_tags
            && !tags.is_empty()
        {
            let keys = tags.iter().map(|(key, _)| Cow::Borrowed(key.as_ref())).collect();
            environment.set(OwnKey::TagKeys, OwnValue::List(keys));
        }
        environment
    }

    pub(super) fn get(&self, key: OwnKey) -> Option<&OwnValue<'r>> {
        self.at(self.values[key as usize])
    }

    /// Whether fields or `context` state any of some keys.
    fn states_any(&self, keys: &[OwnKey]) -> bool {
        keys.iter().any(|key| self.values[*key as usize] != 0 || self.given[*key as usize] != 0)
    }

    fn at(&self, place: u8) -> Option<&OwnValue<'r>> {
        self.held.get(usize::from(place).checked_sub(1)?)
    }

    /// Puts a value in its place, or in a new one.
    fn hold(&mut self, place: u8, value: OwnValue<'r>) -> u8 {
        let held = usize::from(place).checked_sub(1).and_then(|at| self.held.get_mut(at));
        if let Some(held) = held {
            *held = value;
            return place;
        }
        self.held.push(value);
        // INVARIANT: each key takes three places at most: field, context, derived.
        u8::try_from(self.held.len()).unwrap_or(u8::MAX)
    }

    /// A single value.
    pub(super) fn text(&self, key: OwnKey) -> Option<&str> {
        match self.get(key) {
            Some(OwnValue::Single(text)) => Some(text),
            _ => None,
        }
    }

    fn set(&mut self, key: OwnKey, value: OwnValue<'r>) {
        self.values[key as usize] = self.hold(self.values[key as usize], value);
    }

    fn set_text(&mut self, key: OwnKey, text: &'r str) {
        self.set(key, OwnValue::Single(Cow::Borrowed(text)));
    }

    /// A value of `context`.
    pub(super) fn give(&mut self, key: OwnKey, value: OwnValue<'r>) {
        self.given[key as usize] = self.hold(self.given[key as usize], value);
    }

    /// A key may be given in its field or in `context`, not differently in both (E-23).
    #[inline]
    fn settle(&mut self, key: OwnKey) -> Result<(), RequestError> {
        if self.given[key as usize] == 0 { Ok(()) } else { self.settle_given(key) }
    }

    fn settle_given(&mut self, key: OwnKey) -> Result<(), RequestError> {
        let place = std::mem::take(&mut self.given[key as usize]);
        let Some(given) = self.at(place) else { return Ok(()) };
        if let Some(field) = self.get(key)
            && field != given
        {
            if !self.may_override {
                return Err(conflict(key.name(), &shown(given), &format!("`{}`", shown(field))));
            }
            self.overridden.push(key.name().into());
        }
        self.values[key as usize] = place;
        Ok(())
    }

    /// Whether the request came through a VPC endpoint (E-18).
    pub(super) fn through_endpoint(&self) -> bool {
        THROUGH_ENDPOINT.iter().any(|key| self.get(*key).is_some())
    }

    /// What follows once everything given is known. In partial context a call chain of which
    /// nothing is said is unknown (E-121).
    pub(super) fn complete(
        &mut self,
        request: &Request<'_>,
        snapshot: &StoreSnapshot,
        (now, is_partial): (i64, bool),
        kind: PrincipalKind,
    ) -> Result<(), RequestError> {
        self.states_ip = self.states_any(&[OwnKey::SourceIp]);
        self.network(snapshot, kind)?;
        self.clock(request, now)?;
        for key in
            [OwnKey::SecureTransport, OwnKey::UserAgent, OwnKey::Referer, OwnKey::RequestedRegion]
        {
            self.settle(key)?;
        }
        if self.get(OwnKey::SecureTransport).is_none() {
            self.set_text(OwnKey::SecureTransport, "true");
        }
        self.tag_keys(request)?;
        self.call_chain(request, is_partial)
    }

    /// E-18: a request that states any key of a VPC endpoint came through one.
    fn network(
        &mut self,
        snapshot: &StoreSnapshot,
        kind: PrincipalKind,
    ) -> Result<(), RequestError> {
        if !self.states_any(&THROUGH_ENDPOINT) {
            self.settle(OwnKey::SourceIp)?;
            if kind == PrincipalKind::Service {
                self.values[OwnKey::SourceIp as usize] = 0;
            }
            return Ok(());
        }
        for key in [OwnKey::SourceIp, OwnKey::VpcSourceIp, OwnKey::SourceVpce, OwnKey::VpceAccount]
        {
            self.settle(key)?;
        }
        let id = self.text(OwnKey::SourceVpce).map(str::to_owned);
        let record = id.as_deref().and_then(|id| snapshot.endpoint(id));
        if let (Some(id), None, Some(account)) = (&id, record, self.text(OwnKey::VpceAccount)) {
            let held = account.parse().ok().and_then(|account| snapshot.account(account));
            if held.is_some() {
                return Err(RequestError::new(
                    RequestErrorKind::UnknownEntity,
                    format!("there is no VPC endpoint `{id}` in account `{account}`"),
                )
                .at("/network/vpce"));
            }
        }
        let owner = record.and_then(|r| r.account).map(|account| account.to_string());
        let of_record = [
            (OwnKey::SourceVpc, record.and_then(|r| r.vpc.as_deref())),
            (OwnKey::SourceVpcArn, record.and_then(|r| r.vpc_arn.as_deref())),
            (OwnKey::VpceAccount, owner.as_deref()),
        ];
        for (key, recorded) in of_record {
            self.settle(key)?;
            self.recorded(key, recorded)?;
        }
        self.endpoint_organization(snapshot)?;
        self.values[OwnKey::SourceIp as usize] = 0;
        Ok(())
    }

    /// What the endpoint's record says; the request may only repeat it.
    fn recorded(&mut self, key: OwnKey, recorded: Option<&str>) -> Result<(), RequestError> {
        let Some(recorded) = recorded else { return Ok(()) };
        match self.get(key) {
            None => self.set(key, OwnValue::Single(recorded.to_owned().into())),
            Some(OwnValue::Single(stated)) if **stated == *recorded => {}
            Some(stated) if !self.may_override => {
                return Err(conflict(key.name(), &shown(stated), &format!("`{recorded}`")));
            }
            Some(_) => self.overridden.push(key.name().into()),
        }
        Ok(())
    }

    fn endpoint_organization(&mut self, snapshot: &StoreSnapshot) -> Result<(), RequestError> {
        let account =
            self.text(OwnKey::VpceAccount).and_then(|text| text.parse::<AccountId>().ok());
        if let Some(path) = account.and_then(|account| snapshot.path(account)) {
            let id = path.organization.to_string();
            self.set(OwnKey::VpceOrgId, OwnValue::Single(id.into()));
            let paths = vec![path.org_path.as_str().to_owned().into()];
            self.set(OwnKey::VpceOrgPaths, OwnValue::List(paths));
        }
        self.knows_organization = account.is_some_and(|id| snapshot.knows_organization_of(id));
        for key in [OwnKey::VpceOrgId, OwnKey::VpceOrgPaths] {
            self.settle(key)?;
            let is_elsewhere = account.is_some() && !self.knows_organization;
            let given = self.get(key).filter(|_| is_elsewhere);
            if given.is_some_and(|value| elsewhere::is_own(snapshot, value.texts())) {
                self.elsewhere(key)?;
            }
        }
        Ok(())
    }

    /// E-15, E-23: the account of the endpoint is in no organization of the snapshot.
    fn elsewhere(&mut self, key: OwnKey) -> Result<(), RequestError> {
        if self.may_override {
            self.overridden.push(key.name().into());
            return Ok(());
        }
        let given = self.get(key).map(shown).unwrap_or_default();
        Err(elsewhere::own_organization(key.name(), &given))
    }

    /// E-19, L-706: all instants of one request are one.
    fn clock(&mut self, request: &Request<'_>, now: i64) -> Result<(), RequestError> {
        let mut time = request.time;
        for key in [OwnKey::CurrentTime, OwnKey::EpochTime] {
            let place = std::mem::take(&mut self.given[key as usize]);
            let Some(given) = self.at(place) else { continue };
            let instant = match given {
                OwnValue::Single(text) => parse_date(text),
                _ => None,
            };
            let Some(instant) = instant else {
                return Err(RequestError::new(
                    RequestErrorKind::InvalidField,
                    format!("`{}` is `{}`, which is no time", key.name(), shown(given)),
                )
                .at(pointer_to(key.name())));
            };
            if let Some(stated) = time
                && stated != instant
            {
                if !self.may_override {
                    let stated = format!("`{}`", iso8601(stated));
                    return Err(conflict(key.name(), &shown(given), &stated));
                }
                self.overridden.push(key.name().into());
            }
            time = Some(instant);
        }
        self.time = time.unwrap_or(now);
        Ok(())
    }

    /// E-21: with `requestTags` the keys follow from it.
    fn tag_keys(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        let key = OwnKey::TagKeys;
        if request.request_tags.is_some()
            && self.get(key).is_none()
            && let Some(given) = self.at(self.given[key as usize])
        {
            if !self.may_override {
                return Err(conflict(key.name(), &shown(given), "that it is absent"));
            }
            self.overridden.push(key.name().into());
        }
        self.settle(key)
    }

    /// E-21, E-23: a list of keys that `context` gives has those of all tags that it gives one by
    /// one.
    pub(super) fn lists_keys_of(&self, names: &[Cow<'_, str>]) -> Result<(), RequestError> {
        let Some(OwnValue::List(keys)) = self.get(OwnKey::TagKeys) else { return Ok(()) };
        let is_listed = |name: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
        match names.iter().find(|name| !is_listed(name)) {
            Some(name) => {
                let tag = format!("that there is `aws:RequestTag/{name}`");
                Err(conflict(OwnKey::TagKeys.name(), &keys.join(", "), &tag))
            }
            None => Ok(()),
        }
    }

    /// E-21: the list of the tags as `context` gives it under a name of a service.
    pub(super) fn set_tag_keys(&mut self, list: OwnValue<'r>) {
        self.set(OwnKey::TagKeys, list);
    }

    /// E-21, E-23: the keys of tags that `context` gives one by one, unless it gives this list too.
    pub(super) fn tag_keys_of(&mut self, names: Vec<Cow<'r, str>>) {
        if !names.is_empty() && self.get(OwnKey::TagKeys).is_none() {
            self.set(OwnKey::TagKeys, OwnValue::List(names));
        }
    }

    /// E-22.
    fn call_chain(&mut self, request: &Request<'_>, is_partial: bool) -> Result<(), RequestError> {
        if request.via.is_some() || self.states_any(&CALL_CHAIN) {
            self.called_via(request)?;
        }
        self.settle(OwnKey::ViaAwsService)?;
        let is_open = is_partial && request.via.is_none();
        if self.get(OwnKey::ViaAwsService).is_none() && !is_open {
            self.set_text(OwnKey::ViaAwsService, "false");
        }
        Ok(())
    }

    fn called_via(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        if let Some(via) = request.via.as_ref().filter(|via| !via.is_empty()) {
            let services = via.iter().map(|service| Cow::Owned(service.to_string())).collect();
            self.set(OwnKey::CalledVia, OwnValue::List(services));
        }
        // A field that says that there was no service contradicts every other chain (E-23).
        let denies = request.via.as_ref().is_some_and(Vec::is_empty);
        for key in CALL_CHAIN.into_iter().filter(|_| denies) {
            if let Some(given) = self.at(self.given[key as usize]) {
                if !self.may_override {
                    return Err(conflict(key.name(), &shown(given), "that it is absent"));
                }
                self.overridden.push(key.name().into());
            }
        }
        self.settle(OwnKey::CalledVia)?;
        let (first, last) = match self.get(OwnKey::CalledVia) {
            Some(OwnValue::List(services)) => (services.first().cloned(), services.last().cloned()),
            _ => (None, None),
        };
        for (key, service) in [(OwnKey::CalledViaFirst, first), (OwnKey::CalledViaLast, last)] {
            if let Some(service) = service {
                self.set(key, OwnValue::Single(service));
            }
            self.settle(key)?;
        }
        let is_via = CALL_CHAIN.iter().any(|key| self.get(*key).is_some());
        if request.via.is_some() || is_via {
            self.set_text(OwnKey::ViaAwsService, flag(is_via));
        }
        Ok(())
    }

    /// The region that follows from the resource or the service (E-19).
    pub(super) fn set_region(&mut self, region: &str) {
        self.set(OwnKey::RequestedRegion, OwnValue::Single(region.to_owned().into()));
    }
}

fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// The text of a scalar (L-609).
pub(super) fn scalar_text<'r>(
    name: &str,
    scalar: &'r ContextScalar<'r>,
) -> Result<Cow<'r, str>, RequestError> {
    match scalar {
        ContextScalar::String(text) => Ok(Cow::Borrowed(text)),
        ContextScalar::Bool(value) => Ok(Cow::Borrowed(flag(*value))),
        ContextScalar::Number(text) => scalar.to_text().ok_or_else(|| {
            RequestError::new(
                RequestErrorKind::InvalidField,
                format!("the number `{text}` of `{name}` has too many digits"),
            )
            .at(pointer_to(name))
        }),
    }
}
