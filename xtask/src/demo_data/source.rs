//! The source files: where they lie in the repository and how they are read.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reindent;

/// Folders of the repository that hold source files, in the order they are searched.
const FOLDERS: [&str; 2] = ["tests/fixtures", "tests/fixtures/account-authorization-details"];

/// The text of a compressed source file.
pub(super) fn read(root: &Path, name: &str) -> Result<String> {
    gunzip(&find(root, name)?)
}

/// The text of a gzip file.
pub(super) fn gunzip(file: &Path) -> Result<String> {
    let packed = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut text = String::new();
    let read = GzDecoder::new(&packed[..]).read_to_string(&mut text);
    read.with_context(|| format!("cannot unpack {}", file.display()))?;
    Ok(text)
}

/// The account export without its white space.
pub(super) fn account_export(root: &Path) -> Result<String> {
    let text = read(root, "cloudsplaining-example.json.gz")?;
    let tree: Box<RawValue> = serde_json::from_str(&text)?;
    Ok(reindent::compact(tree.get()) + "\n")
}

/// The CloudTrail records as one file of CloudTrail, in the order of their times.
pub(super) fn log(root: &Path) -> Result<String> {
    let text = read(root, "cloudtrail-events.ndjson.gz")?;
    let mut records = Vec::new();
    for line in text.lines() {
        let Line { event } = serde_json::from_str(line)?;
        let Times { time, timestamp, id } = serde_json::from_str(event.get())?;
        records.push((time.or(timestamp).unwrap_or_default(), id, event));
    }
    records.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let texts: Vec<String> =
        records.iter().map(|(_, _, event)| reindent::compact(event.get())).collect();
    Ok(format!("{{\"Records\":[{}]}}\n", texts.join(",")))
}

/// A line of the records' file.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    event: &'l RawValue,
}

/// What records are put in order by.
#[derive(Deserialize)]
struct Times {
    #[serde(rename = "eventTime")]
    time: Option<String>,
    #[serde(rename = "@timestamp")]
    timestamp: Option<String>,
    #[serde(rename = "eventID")]
    id: String,
}

fn find(root: &Path, name: &str) -> Result<PathBuf> {
    for folder in FOLDERS {
        let file = root.join(folder).join(name);
        if file.exists() {
            return Ok(file);
        }
    }
    bail!("there is no {name} in {}", FOLDERS.join(", "))
}
