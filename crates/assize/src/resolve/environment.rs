//! The keys that say how, when and from where a request came (E-18, E-19, E-21, E-22).

use std::borrow::Cow;

use assize_model::{AccountId, ContextScalar, Request, RequestError, RequestErrorKind};
use assize_policy::value::parse_date;
use assize_store::{EndpointType, StoreSnapshot};

use super::key::{N_OWN_KEYS, OwnKey};
use super::time::iso8601;

/// A value of one of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OwnValue<'r> {
    Single(Cow<'r, str>),
    List(Vec<Cow<'r, str>>),
}

/// The keys with a field of their own, from the fields and from `context`.
#[derive(Debug)]
pub(super) struct Environment<'r> {
    values: [Option<OwnValue<'r>>; N_OWN_KEYS],
    /// The instant of the request; none if `context` has a time that is no date.
    pub(super) time: Option<i64>,
}

pub(super) fn conflict(key: &str, given: &str, derived: &str) -> RequestError {
    RequestError::new(
        RequestErrorKind::ContextConflict,
        format!("`{key}` is `{given}` in the context, but the request says {derived}"),
    )
    .at(format!("/context/{}", key.replace('~', "~0").replace('/', "~1")))
}

impl<'r> Environment<'r> {
    /// What the fields say.
    pub(super) fn of_fields(request: &'r Request<'r>) -> Self {
        let mut environment = Self { values: [const { None }; N_OWN_KEYS], time: request.time };
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
                    environment.set(key, OwnValue::Single(Cow::Borrowed(text)));
                }
            }
            if let Some(account) = &network.vpce_account {
                environment.set_text(OwnKey::VpceAccount, account.as_str());
            }
            if let Some(secure) = network.secure_transport {
                environment.set_text(OwnKey::SecureTransport, if secure { "true" } else { "false" });
            }
        }
        if let Some(region) = &request.region {
            environment.set_text(OwnKey::RequestedRegion, region);
        }
        if let Some(via) = &request.via {
            environment.set_via(via);
        }
        if let Some(tags) = &request.request_tags
            && !tags.is_empty()
        {
            let keys = tags.iter().map(|(key, _)| Cow::Borrowed(key.as_ref())).collect();
            environment.set(OwnKey::TagKeys, OwnValue::List(keys));
        }
        environment
    }

    fn set_via(&mut self, via: &'r [Cow<'r, str>]) {
        let flag = if via.is_empty() { "false" } else { "true" };
        self.set_text(OwnKey::ViaAwsService, flag);
        if let (Some(first), Some(last)) = (via.first(), via.last()) {
            let all = via.iter().map(|service| Cow::Borrowed(service.as_ref())).collect();
            self.set(OwnKey::CalledVia, OwnValue::List(all));
            self.set_text(OwnKey::CalledViaFirst, first);
            self.set_text(OwnKey::CalledViaLast, last);
        }
    }

    pub(super) fn get(&self, key: OwnKey) -> Option<&OwnValue<'r>> {
        self.values[key as usize].as_ref()
    }

    /// A single value.
    pub(super) fn text(&self, key: OwnKey) -> Option<&str> {
        match self.get(key) {
            Some(OwnValue::Single(text)) => Some(text),
            _ => None,
        }
    }

    fn set(&mut self, key: OwnKey, value: OwnValue<'r>) {
        self.values[key as usize] = Some(value);
    }

    fn set_text(&mut self, key: OwnKey, text: &'r str) {
        self.set(key, OwnValue::Single(Cow::Borrowed(text)));
    }

    fn remove(&mut self, key: OwnKey) {
        self.values[key as usize] = None;
    }

    /// Takes a value of `context`, which must not differ from the field's (E-23).
    pub(super) fn give(
        &mut self,
        key: OwnKey,
        value: OwnValue<'r>,
        may_override: bool,
    ) -> Result<(), RequestError> {
        if matches!(key, OwnKey::CurrentTime | OwnKey::EpochTime) {
            return self.give_time(key, value, may_override);
        }
        match self.get(key) {
            Some(field) if *field != value && !may_override => {
                Err(conflict(key.name(), &shown(&value), &format!("`{}`", shown(field))))
            }
            _ => {
                self.set(key, value);
                Ok(())
            }
        }
    }

    /// All instants of one request are one instant (L-706).
    fn give_time(
        &mut self,
        key: OwnKey,
        value: OwnValue<'r>,
        may_override: bool,
    ) -> Result<(), RequestError> {
        let instant = match &value {
            OwnValue::Single(text) => parse_date(text),
            OwnValue::List(_) => None,
        };
        match (self.time, instant) {
            (Some(field), Some(given)) if field != given && !may_override => {
                let field = format!("`{}`", iso8601(field));
                return Err(conflict(key.name(), &shown(&value), &field));
            }
            (_, Some(given)) => self.time = Some(given),
            (Some(field), None) if !may_override => {
                let field = format!("`{}`", iso8601(field));
                return Err(conflict(key.name(), &shown(&value), &field));
            }
            (_, None) => {}
        }
        self.set(key, value);
        Ok(())
    }

    /// What follows once everything given is known: the endpoint's keys, the time, the defaults.
    pub(super) fn complete(&mut self, snapshot: &StoreSnapshot, now: i64, is_service: bool) {
        match self.text(OwnKey::SourceVpce).map(str::to_owned) {
            Some(endpoint) => {
                // Never present with `aws:SourceVpce` (E-18).
                self.remove(OwnKey::SourceIp);
                self.endpoint(snapshot, &endpoint);
            }
            None => self.no_endpoint(is_service),
        }
        if self.get(OwnKey::SecureTransport).is_none() {
            self.set_text(OwnKey::SecureTransport, "true");
        }
        if self.get(OwnKey::ViaAwsService).is_none() {
            self.set_text(OwnKey::ViaAwsService, "false");
        }
        let has_time = self.get(OwnKey::CurrentTime).is_some() || self.get(OwnKey::EpochTime).is_some();
        if self.time.is_none() && !has_time {
            self.time = Some(now);
        }
        if let Some(time) = self.time {
            if self.get(OwnKey::CurrentTime).is_none() {
                self.set(OwnKey::CurrentTime, OwnValue::Single(iso8601(time).into()));
            }
            if self.get(OwnKey::EpochTime).is_none() {
                self.set(OwnKey::EpochTime, OwnValue::Single(time.to_string().into()));
            }
        }
    }

    fn no_endpoint(&mut self, is_service: bool) {
        for key in [
            OwnKey::VpcSourceIp,
            OwnKey::SourceVpc,
            OwnKey::SourceVpcArn,
            OwnKey::VpceAccount,
            OwnKey::VpceOrgId,
            OwnKey::VpceOrgPaths,
        ] {
            self.remove(key);
        }
        if is_service {
            self.remove(OwnKey::SourceIp);
        }
    }

    /// VPC, account and organization keys from the endpoint's record, where the request does not
    /// say them.
    fn endpoint(&mut self, snapshot: &StoreSnapshot, id: &str) {
        if let Some(record) = snapshot.endpoint(id) {
            for (key, value) in
                [(OwnKey::SourceVpc, &record.vpc), (OwnKey::SourceVpcArn, &record.vpc_arn)]
            {
                if let (None, Some(value)) = (self.get(key), value) {
                    self.set(key, OwnValue::Single(value.to_string().into()));
                }
            }
            if let (None, Some(account)) = (self.get(OwnKey::VpceAccount), record.account) {
                self.set(OwnKey::VpceAccount, OwnValue::Single(account.to_string().into()));
            }
        }
        let account = self.text(OwnKey::VpceAccount).and_then(|text| text.parse::<AccountId>().ok());
        let Some(path) = account.and_then(|account| snapshot.path(account)) else { return };
        if self.get(OwnKey::VpceOrgId).is_none() {
            let id = path.organization.to_string();
            self.set(OwnKey::VpceOrgId, OwnValue::Single(id.into()));
        }
        if self.get(OwnKey::VpceOrgPaths).is_none() {
            let paths = vec![path.org_path.as_str().to_owned().into()];
            self.set(OwnKey::VpceOrgPaths, OwnValue::List(paths));
        }
    }
}

/// Whether an endpoint is a gateway endpoint (L-216).
pub(super) fn is_gateway(endpoint_type: EndpointType) -> bool {
    endpoint_type == EndpointType::Gateway
}

fn shown(value: &OwnValue<'_>) -> String {
    match value {
        OwnValue::Single(text) => text.to_string(),
        OwnValue::List(items) => items.join(", "),
    }
}

/// The text of a scalar (L-609).
pub(super) fn scalar_text<'r>(scalar: &'r ContextScalar<'r>) -> Result<Cow<'r, str>, RequestError> {
    match scalar {
        ContextScalar::String(text) => Ok(Cow::Borrowed(text)),
        ContextScalar::Bool(true) => Ok(Cow::Borrowed("true")),
        ContextScalar::Bool(false) => Ok(Cow::Borrowed("false")),
        ContextScalar::Number(text) => scalar.to_text().ok_or_else(|| {
            RequestError::new(RequestErrorKind::Limit, format!("the number `{text}` is too long"))
        }),
    }
}
