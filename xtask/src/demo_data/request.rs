//! From a record to a line of the request stream.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use assize_catalog::Catalog;
use assize_model::ActionId;
use serde::Serialize;
use serde_json::{Value, json};

use super::event::{Event, Line};
use super::policies::Library;
use super::{context, principal, resources, source};

/// Fewest requests that the stream must have.
const MIN_REQUESTS: usize = 2_000;

/// Error codes that say that the call was not authorized.
const DENIED: [&str; 3] = ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation"];

/// The first line of the stream.
const HEADER: &str = r#"{"assize":1,"stream":"requests"}"#;

/// Events whose action has another name: service, event, action.
const RENAMED: [(&str, &str, &str); 7] = [
    ("s3", "ListBuckets", "ListAllMyBuckets"),
    ("s3", "ListObjects", "ListBucket"),
    ("s3", "GetBucketEncryption", "GetEncryptionConfiguration"),
    ("s3", "GetBucketLifecycle", "GetLifecycleConfiguration"),
    ("s3", "DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("s3", "GetBucketReplication", "GetReplicationConfiguration"),
    ("s3", "GetBucketCors", "GetBucketCORS"),
];

/// The whole stream.
pub(super) fn stream(root: &Path, library: &Library) -> Result<String> {
    let text = source::read(root, "cloudtrail-events.ndjson.gz")?;
    let catalog = catalog(root)?;
    let mut stream = format!("{HEADER}\n");
    let mut n_requests = 0;
    for (i, line) in text.lines().enumerate() {
        let at = || format!("record {}", i + 1);
        let line: Line = serde_json::from_str(line).with_context(at)?;
        if let Some(request) = request(&catalog, library, &line.event).with_context(at)? {
            stream += &serde_json::to_string(&request)?;
            stream.push('\n');
            n_requests += 1;
        }
    }
    ensure!(n_requests >= MIN_REQUESTS, "only {n_requests} requests");
    Ok(stream)
}

/// The catalog as `cargo xtask catalog` left it.
fn catalog(root: &Path) -> Result<Catalog> {
    let file = root.join("crates/assize-catalog/data/catalog.bin");
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Catalog::from_bytes(&bytes)?)
}

/// A line of the stream, members in the order of the schema.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    id: &'r str,
    principal: Value,
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[serde(rename = "requestTags")]
    tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<String, Value>,
    network: Network<'r>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<&'r str>,
    region: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Value>,
    observed: Observed<'r>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Network<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_source_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpce: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'r str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Observed<'r> {
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'r str>,
}

/// The request of a record, or none when no principal called or nobody knows the action.
fn request<'r>(
    catalog: &Catalog,
    library: &Library,
    event: &'r Event,
) -> Result<Option<Request<'r>>> {
    let Some(action) = action(catalog, event) else { return Ok(None) };
    let name = catalog.action_ref(action).full_name();
    let Some(caller) = principal::caller(library, event, &name)? else { return Ok(None) };
    let mut arns = resources::resources(catalog, action, event);
    if arns.is_empty() {
        arns.extend(own_user(catalog, action, &caller.principal));
    }
    if name == "ec2:RunInstances" {
        resources::complete_run_instances(event, caller.account, &mut arns);
    }
    let resource = if arns.len() == 1 { arns.pop() } else { None };
    let via = event.via().filter(|_| !caller.is_service);
    Ok(Some(Request {
        id: &event.id,
        principal: caller.principal,
        action: name,
        resource,
        resources: arns,
        tags: context::tags(&event.request_parameters),
        context: context::context(event, via),
        network: network(event, caller.is_service || via.is_some()),
        via: via.into_iter().collect(),
        region: &event.aws_region,
        time: event.time(),
        source: caller.is_service.then(|| json!({"account": caller.account})),
        observed: observed(event),
    }))
}

/// The action: the name of the event, without its version, under the service of its source.
fn action(catalog: &Catalog, event: &Event) -> Option<ActionId> {
    let service = match event.service() {
        "monitoring" => "cloudwatch",
        other => other,
    };
    let name = event.name.as_str();
    let undated = name.find("20").map_or(name, |at| &name[..at]);
    let renamed = RENAMED.iter().find(|row| row.0 == service && row.1 == undated);
    catalog.action(service, renamed.map_or(undated, |row| row.2))
}

/// An IAM call without a user name is about the caller.
fn own_user(catalog: &Catalog, action: ActionId, principal: &Value) -> Option<String> {
    let arn = principal.as_str().or_else(|| principal["arn"].as_str())?;
    catalog.fits(action, arn).map(|_| arn.to_owned())
}

/// Where the call came from; a service's own call has no address.
fn network(event: &Event, by_service: bool) -> Network<'_> {
    let user_agent = event.user_agent.as_deref();
    if by_service {
        return Network { user_agent, ..Network::default() };
    }
    let address = event.source_ip_address.as_deref().and_then(address);
    let vpce = event.vpc_endpoint_id.as_deref();
    let (source_ip, vpc_source_ip) = if vpce.is_some() { (None, address) } else { (address, None) };
    Network { source_ip, vpc_source_ip, vpce, user_agent }
}

/// An address; the pseudonymous ones of the source have zeros in front of some numbers.
fn address(text: &str) -> Option<String> {
    let numbers: Option<Vec<u8>> = text.split('.').map(|part| part.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 4)?;
    Some(numbers.iter().map(u8::to_string).collect::<Vec<_>>().join("."))
}

/// What the record says happened. Other errors come from behind the authorization.
fn observed(event: &Event) -> Observed<'_> {
    let error_code = event.error_code.as_deref();
    let decision = match error_code {
        Some(code) if DENIED.contains(&code) => "Denied",
        Some("ThrottlingException") => "Unknown",
        _ => "Allowed",
    };
    Observed { decision, error_code }
}
