//! How the answers over the request stream are distributed: a demonstration in which one kind of
//! answer drowns the others shows little.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Decisions that the answers must hold.
const DECISIONS: [&str; 3] = ["Allowed", "ExplicitDeny", "ImplicitDeny"];
/// Fewest decisive layers that the answers must hold.
const MIN_LAYERS: usize = 6;
/// Largest part of the answers, in percent, that may be of one decision or one layer.
const MAX_PERCENT: usize = 80;

/// What is read of a decision line.
#[derive(Deserialize)]
struct Answer {
    decision: String,
    decisive: Decisive,
}

#[derive(Deserialize)]
struct Decisive {
    layer: String,
    reason: String,
}

/// Decides the stream with the command line, prints how many answers there are of each kind, and
/// fails when they are not varied enough.
pub(super) fn report(root: &Path) -> Result<()> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "assize-cli", "--bin", "assize", "--"])
        .args(["batch", "--world", "examples/world.assize.yaml", "examples/requests.ndjson.gz"])
        .current_dir(root)
        .output()
        .context("`cargo` does not run")?;
    let messages = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`assize batch` failed: {messages}");
    let text = String::from_utf8(output.stdout)?;
    let mut kinds = BTreeMap::new();
    let lines = text.lines().filter(|line| line.starts_with(r#"{"id""#));
    for line in lines {
        let Answer { decision, decisive } =
            serde_json::from_str(line).with_context(|| format!("no decision: {line}"))?;
        *kinds.entry((decision, decisive.layer, decisive.reason)).or_insert(0) += 1;
    }
    print(&kinds);
    check(&kinds)
}

type Kinds = BTreeMap<(String, String, String), usize>;

#[expect(clippy::cast_precision_loss, reason = "a few thousand answers")]
fn print(kinds: &Kinds) {
    let total: usize = kinds.values().sum();
    for ((decision, layer, reason), n) in kinds {
        let percent = *n as f64 * 100.0 / total as f64;
        println!("{n:6} {percent:5.1} %  {decision:12} {layer:8} {reason}");
    }
}

fn check(kinds: &Kinds) -> Result<()> {
    let mut decisions: BTreeMap<&str, usize> = BTreeMap::new();
    let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
    for ((decision, layer, _), n) in kinds {
        *decisions.entry(decision).or_default() += n;
        *layers.entry(layer).or_default() += n;
    }
    for decision in DECISIONS {
        ensure!(decisions.contains_key(decision), "no answer is {decision}");
    }
    ensure!(layers.len() >= MIN_LAYERS, "only {} layers decide", layers.len());
    let total: usize = kinds.values().sum();
    for (kind, n) in decisions.iter().chain(&layers) {
        ensure!(n * 100 <= total * MAX_PERCENT, "more than {MAX_PERCENT} % are `{kind}`");
    }
    Ok(())
}
