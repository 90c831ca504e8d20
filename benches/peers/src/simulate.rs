//! `@cloud-copilot/iam-simulate`: called by node.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use assize_benches::setup::Ready;
use assize_benches::workload::WorkloadRequest;
use assize_model::Decision;
use serde_json::{Map, Value, from_str, json};

use crate::{FULL_ACCESS, Measured, Result, layers};

/// Requests that it is asked: writing more of them to a file takes longer than asking.
const N_REQUESTS: usize = 3_000;

/// Measures its unchecked and its checked entry; none if it is not installed.
pub(crate) fn run(
    ready: &Ready,
    requests: &[WorkloadRequest],
    limit: Duration,
) -> Result<Option<[Measured; 2]>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !folder.join("node_modules").is_dir() {
        return Ok(None);
    }
    let world = &ready.workload.world;
    let parsed = |texts: &[&str]| {
        texts.iter().map(|text| from_str(text)).collect::<std::result::Result<Vec<Value>, _>>()
    };
    let mut entities = Vec::new();
    for at in 0..world.entities.len() {
        let [identity, boundary, _] = layers(world, at);
        let boundary = parsed(&boundary.unwrap_or_default())?.pop();
        entities.push(json!({
            "identity": parsed(&identity.unwrap_or_default())?,
            "boundary": boundary,
        }));
    }
    let scps: Vec<&str> = world.scps.iter().map(|scp| scp.document.as_str()).collect();
    let mut asked = Vec::new();
    for request in requests.iter().take(N_REQUESTS) {
        asked.push(spelled(ready, request)?);
    }
    let text = json!({
        "fullAccess": from_str::<Value>(FULL_ACCESS)?,
        "scps": parsed(&scps)?,
        "entities": entities,
        "requests": asked,
    });
    let file = std::env::temp_dir().join(format!("assize-peers-{}.json", ready.label));
    std::fs::write(&file, text.to_string())?;
    let run = Command::new("node")
        .arg(folder.join("simulate.mjs"))
        .arg(&file)
        .arg(limit.as_secs().max(1).to_string())
        .output();
    std::fs::remove_file(&file)?;
    let run = run?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    let found: Value = from_str(&String::from_utf8(run.stdout)?)?;
    let measured = |entry: &str| -> Option<Measured> {
        let entry = found.get(entry)?;
        let count = |name: &str| usize::try_from(entry[name].as_u64()?).ok();
        Some(Measured {
            n: count("n")?,
            n_wrong: count("wrong")?,
            n_errors: count("errors")?,
            duration: Duration::from_secs_f64(entry["seconds"].as_f64()?),
        })
    };
    let both = measured("unchecked").zip(measured("checked"));
    let (unchecked, checked) = both.ok_or("iam-simulate printed something else")?;
    Ok(Some([unchecked, checked]))
}

fn spelled(ready: &Ready, request: &WorkloadRequest) -> Result<Value> {
    let (resource, keys) = ready.spelled_out(request);
    let owner = keys.iter().find(|(key, _)| key == "aws:ResourceAccount");
    let account = match owner {
        Some((_, account)) => account.clone(),
        None => ready.workload.world.entities[request.entity].account.clone(),
    };
    let context: Map<String, Value> =
        keys.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    let wanted = match ready.reference(request)?.decision {
        Decision::Allowed => "Allowed",
        Decision::ExplicitDeny => "ExplicitlyDenied",
        _ => "ImplicitlyDenied",
    };
    Ok(json!({
        "entity": request.entity,
        "principal": request.principal,
        "action": request.action,
        "resource": resource,
        "account": account,
        "context": context,
        "wanted": wanted,
    }))
}
