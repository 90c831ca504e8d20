//! How a call came: address, endpoint, services in between (F-55).

use std::borrow::Cow;
use std::net::IpAddr;

use assize_formats::parse_time;
use assize_model::{ContextMode, Network, PrincipalKind, Request, Source};

use crate::principal::is_service;
use crate::record::{Identity, Record};

/// The keys that the time of a call fills.
const TIME_KEYS: [&str; 2] = ["aws:CurrentTime", "aws:EpochTime"];
/// What CloudTrail writes in place of a service that it does not name.
const INTERNAL: &str = "AWS Internal";

/// Puts into a request what the record says of its way.
pub(crate) fn environment<'a>(
    request: &mut Request<'a>,
    record: &Record<'a>,
    kind: PrincipalKind,
    mode: ContextMode,
) {
    request.region.clone_from(&record.region);
    request.time = record.event_time.as_deref().and_then(parse_time);
    if request.time.is_none() && mode == ContextMode::Partial {
        // Otherwise the time of the run would count (E-19).
        request.unknown.extend(TIME_KEYS.map(Cow::Borrowed));
    }
    request.network = network(record).map(Box::new);
    if let Some(identity) = &record.identity {
        if kind == PrincipalKind::Service {
            request.source = source(identity);
        } else {
            call_chain(request, identity, mode);
        }
    }
}

fn network<'a>(record: &Record<'a>) -> Option<Network<'a>> {
    let address = record.source_ip.clone().filter(|text| text.parse::<IpAddr>().is_ok());
    let through_endpoint = record.vpc_endpoint.is_some();
    let (source_ip, vpc_source_ip) =
        if through_endpoint { (None, address) } else { (address, None) };
    let account = record.vpc_endpoint_account.as_deref();
    let user_agent =
        record.user_agent.clone().filter(|agent| !is_service(agent) && agent != INTERNAL);
    let network = Network {
        source_ip,
        vpc_source_ip,
        vpce: record.vpc_endpoint.clone(),
        vpce_account: account.filter(|_| through_endpoint).and_then(|id| id.parse().ok()),
        user_agent,
        ..Network::default()
    };
    (network != Network::default()).then_some(network)
}

/// The services that passed the call on. Of several the log names the last.
fn call_chain<'a>(request: &mut Request<'a>, identity: &Identity<'a>, mode: ContextMode) {
    let unknown: &[&str] = match identity.invoked_by.as_deref() {
        Some(INTERNAL) => {
            &["aws:ViaAWSService", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"]
        }
        Some(service) if is_service(service) => {
            request.via = Some(identity.invoked_by.iter().cloned().collect());
            &["aws:CalledVia", "aws:CalledViaFirst"]
        }
        // Nobody; an address or a name of another kind is the caller itself.
        None | Some(_) => {
            request.via = Some(Vec::new());
            &[]
        }
    };
    if mode == ContextMode::Partial {
        request.unknown.extend(unknown.iter().map(|key| Cow::Borrowed(*key)));
    }
}

/// On whose behalf a service calls (F-54).
fn source<'a>(identity: &Identity<'a>) -> Option<Source<'a>> {
    let scope = identity.scope.as_ref()?;
    let account = scope.source_account.as_deref().and_then(|account| account.parse().ok());
    let source = Source { arn: scope.source_arn.clone(), account };
    (source != Source::default()).then_some(source)
}
