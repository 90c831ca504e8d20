//! Seeds for the fuzz bodies: the corpus, the fixtures, and small changes of them.

use std::path::Path;

use serde_json::Value;

use crate::corpus::{corpus, files, package_folder};
use crate::fixtures::{bytes, records, text};

/// What a fuzz target starts from: what its kind of input looks like, and what is kept.
///
/// # Panics
/// When there is no such target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "parse_policy" | "print_roundtrip" | "lower_policy" => policies(),
        "decide_differential" => choices(),
        "import_account" => {
            vec![bytes("account-authorization-details/aws-cli-example.json.gz")]
        }
        "read_cloudtrail" => logs(),
        "read_requests" => requests(),
        "read_scenarios" => scenarios(),
        "wildcard_set" => globs(),
        _ => panic!("there is no target `{target}`"),
    };
    seeds.extend(kept(target));
    seeds
}

/// Choices of the generator, without rhyme or reason.
fn choices() -> Vec<Vec<u8>> {
    let mut rng = fastrand::Rng::with_seed(2);
    [0, 1, 64, 512, 4096].map(|n_bytes| (0..n_bytes).map(|_| rng.u8(..)).collect()).to_vec()
}

/// A text, then patterns, a line each.
fn globs() -> Vec<Vec<u8>> {
    let texts = ["arn:aws:s3:::b/a/k", "aaaaaaaaab", "", "::", "s3:GetObject", "kü中:"];
    let globs = "*\narn:aws:s3:::b/*\n:arn:*:s3:*:*:b/*/k\n*a*b\n?\n:*\na*a*a*a*b\n*:GetObject\n";
    texts.map(|text| format!("{text}\n{globs}").into_bytes()).to_vec()
}

/// The texts of policies: those of the corpus and of all fixtures.
fn policies() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for scenario in corpus() {
        let stored = scenario.snapshot.documents();
        seeds.extend(stored.filter_map(|(_, d)| Some(d.text.as_ref()?.as_bytes().to_vec())));
        seeds.extend(scenario.documents.iter().map(|d| d.document.text.as_bytes().to_vec()));
    }
    let odd = records("odd-policies.ndjson.gz");
    seeds.extend(odd.iter().map(|record| text(record, "text").as_bytes().to_vec()));
    for name in ["policies.ndjson.gz", "privesc-policies.ndjson.gz"] {
        let of_document = |record: &Value| record["document"].to_string().into_bytes();
        seeds.extend(records(name).iter().map(of_document));
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

/// Request lines: those of the corpus.
fn requests() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for scenario in corpus() {
        let cells = scenario.tests.iter().flat_map(|test| &test.cells);
        seeds.extend(cells.map(|cell| cell.request.as_bytes().to_vec()));
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

/// Logs: some real events each, and the records of the corpus.
fn logs() -> Vec<Vec<u8>> {
    let events = records("cloudtrail-events.ndjson.gz");
    let some: Vec<&Value> = events.iter().step_by(40).map(|line| &line["event"]).collect();
    let mut seeds: Vec<Vec<u8>> = some
        .chunks(3)
        .map(|records| serde_json::json!({"Records": records}).to_string().into_bytes())
        .collect();
    let path = package_folder().join("corpus/cloudtrail-records.json");
    let cases = std::fs::read(path).expect("the corpus can be read");
    let cases: Vec<Value> = serde_json::from_slice(&cases).expect("the corpus is JSON");
    let stated = cases.iter().filter_map(|case| case.get("record").or(case.get("call")));
    seeds.extend(stated.map(|record| record.to_string().into_bytes()));
    seeds.extend(exports(&some));
    seeds
}

/// Some events as the exports hold them (F-50).
fn exports(events: &[&Value]) -> [Vec<u8>; 3] {
    let texts: Vec<String> = events.iter().take(3).map(ToString::to_string).collect();
    let looked_up = texts.iter().map(|text| serde_json::json!({"CloudTrailEvent": text}));
    let looked_up = serde_json::json!({"Events": looked_up.collect::<Vec<_>>(), "NextToken": null});
    let rows = texts.iter().map(|text| format!("\"{}\"\n", text.replace('"', "\"\"")));
    let members = concat!(
        "eventsource,eventname,eventtype,eventcategory,eventtime,eventid,sharedeventid,errorcode,",
        "vpcendpointid,useridentity,requestparameters,resources\n",
        "s3.amazonaws.com,GetObject,AwsApiCall,Data,2024-05-01 12:00:00.000,e,,,,",
        "\"{type=Root, accountid=111111111111, sessioncontext=null}\",",
        "\"{bucketName=b, key=k}\",\"[{arn=arn:aws:s3:::b/k, accountid=null}]\"\n",
    );
    let whole = format!("eventJson\n{}", rows.collect::<String>());
    [looked_up.to_string().into_bytes(), whole.into_bytes(), members.into()]
}

/// Scenario files: those of the corpus.
fn scenarios() -> Vec<Vec<u8>> {
    files().iter().map(|path| std::fs::read(path).expect("a corpus file can be read")).collect()
}

/// The seeds kept in the folder of a fuzz target: inputs that once failed, and some to start
/// from.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = package_folder().parent().map(|root| root.join("fuzz/seeds").join(target));
    let Some(entries) = folder.as_deref().map(Path::read_dir).and_then(Result::ok) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a seed can be read")).collect()
}

/// A seed with a few small changes: bytes replaced, taken away, repeated, the end cut off.
pub fn change(seed: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    const BYTES: &[u8] = b"{}[]\",:\\*?$/0a\x00\xff ";
    let mut bytes = seed.to_vec();
    for _ in 0..rng.usize(1..=3) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.usize(..bytes.len());
        let end = (at + rng.usize(1..=8)).min(bytes.len());
        match rng.usize(..5) {
            0 => bytes.truncate(at),
            1 => {
                bytes.drain(at..end);
            }
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => bytes.insert(at, BYTES[rng.usize(..BYTES.len())]),
            _ => bytes[at] = BYTES[rng.usize(..BYTES.len())],
        }
    }
    bytes
}
