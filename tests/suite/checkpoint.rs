//! A run that was stopped and goes on is a run that was never stopped.

use std::io::{Cursor, Read, Write as _};

use assize_formats::ChangeSet;
use assize_model::EngineOptions;
use assize_replay::{Error, ErrorKind, LogSource, Replay, ReplayOptions, Report};
use assize_store::StoreSnapshot;
use assize_tests::fixtures;
use serde_json::{Value, json};

/// Files that are read at once: more make several rounds.
const N_FILES: usize = 150;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn source(name: String, bytes: Vec<u8>) -> LogSource {
    let n_bytes = Some(bytes.len() as u64);
    let open = move || Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>);
    LogSource { name, n_bytes, open: Box::new(open) }
}

/// All real events, in many files; every one of them twice, and a file that breaks off.
fn files() -> Vec<(String, Vec<u8>)> {
    let records: Vec<Value> = fixtures::records("cloudtrail-events.ndjson.gz")
        .into_iter()
        .map(|line| line["event"].clone())
        .collect();
    let twice: Vec<Value> = records.iter().chain(&records).cloned().collect();
    let pieces = twice.chunks(twice.len().div_ceil(N_FILES));
    let mut files: Vec<(String, Vec<u8>)> = pieces
        .enumerate()
        .map(|(at, piece)| {
            let log = json!({"Records": piece}).to_string();
            (format!("{at:03}.json.gz"), gzip(log.as_bytes()))
        })
        .collect();
    let cut = files[70].1.len() / 2;
    files[70].1.truncate(cut);
    files
}

fn sources(files: &[(String, Vec<u8>)]) -> Vec<LogSource> {
    files.iter().map(|(name, bytes)| source(name.clone(), bytes.clone())).collect()
}

fn change(regions: &str) -> ChangeSet {
    let statement = json!({"Sid": "Regions", "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": regions}}});
    let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    ChangeSet::short("scp", "regions.json", document.into_bytes()).expect("a change is read")
}

fn replay(change: ChangeSet, options: ReplayOptions) -> Replay {
    Replay::new(StoreSnapshot::empty(), vec![change], EngineOptions::default(), options)
        .expect("the world can be decided with")
}

fn usual() -> Replay {
    replay(
        change("us-east-1"),
        ReplayOptions { used: true, all: true, resumable: true, ..ReplayOptions::default() },
    )
}

/// Everything that a report says.
fn text(report: &Report) -> String {
    let mut out = Vec::new();
    report.write_stream(&mut out).expect("memory takes it");
    if let Some(usage) = &report.usage {
        usage.write_stream(report, &mut out).expect("memory takes it");
    }
    out.extend_from_slice(report.to_html().as_bytes());
    out.extend_from_slice(format!("{:?} {:?}", report.coverage, report.problems).as_bytes());
    String::from_utf8(out).expect("a report is text")
}

/// The checkpoint behind so many rounds.
fn stopped(n_rounds: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut n = 0;
    let report = usual().run(sources(&files()), &mut |at| {
        n += 1;
        kept = at.checkpoint().expect("the run is resumable");
        n < n_rounds
    });
    assert!(report.expect("the log is replayed").is_interrupted);
    kept
}

fn resumed(checkpoint: &[u8], files: &[(String, Vec<u8>)]) -> Result<Report, Error> {
    usual().resume(checkpoint, sources(files), &mut |_| true)
}

#[test]
fn no_record_counts_twice() {
    let mut kept = Vec::new();
    let whole = usual().run(sources(&files()), &mut |at| {
        if !at.is_at_end() {
            kept.extend(at.checkpoint());
        }
        true
    });
    let whole = whole.expect("the log is replayed");
    assert_eq!(whole.problems.len(), 1, "{:?}", whole.problems);
    assert!(kept.len() >= 2, "the log has several rounds");
    for checkpoint in &kept {
        let report = resumed(checkpoint, &files()).expect("the run goes on");
        assert!(text(&report) == text(&whole), "what goes on comes to something else");
    }
    // Equal runs write equal bytes.
    assert!(stopped(1) == kept[0] && stopped(2) == kept[1]);
}

/// One large file, compressed or not.
fn large_file(compresses: bool) -> (String, Vec<u8>) {
    let records: Vec<Value> = (0..9_000)
        .map(|n| {
            json!({"eventType": "AwsApiCall", "eventSource": "ec2.amazonaws.com",
                "eventName": "DescribeInstances", "eventTime": "2024-05-01T12:00:00Z",
                "awsRegion": "eu-west-1", "recipientAccountId": "111111111111",
                "eventID": n.to_string(), "userAgent": "x".repeat(9_000),
                "userIdentity": {"type": "IAMUser", "accountId": "111111111111",
                    "arn": "arn:aws:iam::111111111111:user/ana"}})
        })
        .collect();
    let text = json!({"Records": records}).to_string().into_bytes();
    if compresses { ("big.json.gz".to_owned(), gzip(&text)) } else { ("big.json".to_owned(), text) }
}

/// Stopped in the middle of one large file, at a place that is not the end of a record.
#[test]
fn a_file_goes_on_in_its_middle() {
    let files = [large_file(true)];
    let mut kept = Vec::new();
    let report = usual().run(sources(&files), &mut |at| {
        kept = at.checkpoint().expect("the run is resumable");
        false
    });
    let n_first = report.expect("the log is replayed").totals.events;
    assert!(n_first > 1_000 && n_first < 9_000, "{n_first}");
    let report = resumed(&kept, &files).expect("the run goes on");
    assert_eq!((report.totals.events, report.problems.len()), (9_000, 0));
    assert_eq!(report.coverage.skipped.iter().sum::<u64>(), 0);
}

/// Edits that keep the length are told where the file was read already.
#[test]
fn a_file_that_was_edited_in_its_middle_is_refused() {
    let mut files = [large_file(false)];
    let mut kept = Vec::new();
    let report = usual().run(sources(&files), &mut |at| {
        kept = at.checkpoint().expect("the run is resumable");
        false
    });
    assert!(report.expect("the log is replayed").is_interrupted);
    let end = files[0].1.len();
    for (place, is_read) in [(end - 1_000, false), (1_000_000, true)] {
        let at = files[0].1[..place].iter().rposition(|byte| *byte == b'x').expect("padding");
        files[0].1[at] = b'y';
        let resumed = resumed(&kept, &files);
        if is_read {
            refused(resumed, "`big.json` has changed since");
        } else {
            assert_eq!(resumed.expect("the run goes on").totals.events, 9_000);
        }
    }
}

fn refused(result: Result<Report, Error>, why: &str) {
    let error = result.expect_err("the checkpoint does not fit");
    assert_eq!(error.kind(), ErrorKind::Checkpoint);
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn damaged_checkpoints_are_refused() {
    let (kept, files) = (stopped(1), files());
    for end in (0..kept.len()).step_by(997).chain([kept.len() - 1]) {
        let result = resumed(&kept[..end], &files);
        refused(result, if end < 18 { "it is no checkpoint" } else { "it is damaged or cut off" });
    }
    for at in (19..kept.len()).step_by(1_009) {
        let mut altered = kept.clone();
        altered[at] ^= 0x10;
        refused(resumed(&altered, &files), "it is damaged or cut off");
    }
    let mut newer = kept.clone();
    newer[18] += 1;
    refused(resumed(&newer, &files), "it is of version 5; this is 4");
    refused(resumed(b"{}", &files), "it is no checkpoint");
}

#[test]
fn checkpoints_of_other_runs_are_refused() {
    let (kept, all) = (stopped(1), files());
    let resume = |replay: Replay| replay.resume(&kept, sources(&all), &mut |_| true);
    let options =
        ReplayOptions { used: true, all: true, resumable: true, ..ReplayOptions::default() };
    refused(resume(replay(change("eu-west-1"), options.clone())), "the changes were others");
    let fewer = ReplayOptions { all: false, ..options };
    refused(resume(replay(change("us-east-1"), fewer)), "the options were others");

    refused(resumed(&kept, &all[..140]), "`140.json.gz` is not where it was");
    let mut more = files();
    more.push(("new.json".to_owned(), b"{}".to_vec()));
    refused(resumed(&kept, &more), "`new.json` is new");
    let mut changed = files();
    changed[3].1.push(0);
    refused(resumed(&kept, &changed), "`003.json.gz` has changed since");
    let mut edited = files();
    let last = edited[3].1.last_mut().expect("the file has bytes");
    *last ^= 1;
    refused(resumed(&kept, &edited), "`003.json.gz` has changed since");
    let mut later = files();
    later.last_mut().expect("there are files").1.push(b'\n');
    assert!(resumed(&kept, &later).is_ok(), "a file that was not read yet may grow");
}
