//! One real event with holes where calls of its kind differ.

use std::collections::BTreeMap;
use std::net::IpAddr;

use assize_formats::format_time;
use fastrand::Rng;
use serde_json::Value;

/// The members of a record in the order of CloudTrail; others follow.
const ORDER: [&str; 14] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "requestID",
    "eventID",
];

/// Parameters whose value is the name of what the call is about.
const NAMES: [&str; 12] = [
    "bucketName",
    "key",
    "secretId",
    "name",
    "functionName",
    "tableName",
    "roleName",
    "groupName",
    "keyId",
    "logGroupName",
    "resourceId",
    "policyName",
];

/// Shortest text that is replaced wherever it stands.
const MIN_NEEDLE: usize = 5;

/// What stands in a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    /// Letters and digits drawn anew for each record, hyphens kept.
    Fresh,
    Time,
    SessionTime,
    Account,
    Region,
    Address,
    AccessKey,
    /// The number of the caller behind its name.
    Caller,
    /// The number of the session behind its name.
    Session,
    /// The text of what the call is about with so many of its characters kept, the rest drawn for
    /// the call; the same text wherever it stands.
    Subject {
        kept: usize,
        number: u32,
    },
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    /// What stands before the hole.
    text: String,
    /// What the real event has in the hole.
    original: String,
    hole: Option<Hole>,
}

/// A real event with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    segments: Vec<Segment>,
    name: u64,
}

/// What is put into the holes of one record.
#[derive(Debug)]
pub(super) struct Fill<'f> {
    pub(super) account: String,
    pub(super) region: &'f str,
    pub(super) time: i64,
    pub(super) caller: u64,
    pub(super) session: u64,
    pub(super) session_start: i64,
    pub(super) address: u64,
}

/// Texts to replace, and by what.
#[derive(Default)]
struct Needles(BTreeMap<String, Hole>);

impl Needles {
    fn add(&mut self, text: Option<&str>, hole: Hole) {
        let text = text.filter(|text| text.len() >= MIN_NEEDLE);
        if let Some(text) = text {
            self.0.entry(text.to_owned()).or_insert(hole);
        }
    }

    /// The needle that begins first in a text, the longest of them.
    fn next_in(&self, text: &str) -> Option<(usize, &str, Hole)> {
        let found =
            self.0.iter().filter_map(|(needle, hole)| Some((text.find(needle)?, needle, *hole)));
        let first = found.min_by_key(|(at, needle, _)| (*at, usize::MAX - needle.len()));
        first.map(|(at, needle, hole)| (at, needle.as_str(), hole))
    }
}

impl Template {
    /// The template of an event.
    pub(super) fn new(event: &Value) -> Option<Self> {
        let members = event.as_object()?;
        let identity = &event["userIdentity"];
        let mut needles = Needles::default();
        for id in ["eventID", "sharedEventID", "requestID"] {
            needles.add(event[id].as_str(), Hole::Fresh);
        }
        needles.add(event["eventTime"].as_str(), Hole::Time);
        let session = &identity["sessionContext"];
        needles.add(session["attributes"]["creationDate"].as_str(), Hole::SessionTime);
        let is_account = |id: &&str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
        for id in [&event["recipientAccountId"], &identity["accountId"]] {
            needles.add(id.as_str().filter(is_account), Hole::Account);
        }
        needles.add(event["awsRegion"].as_str(), Hole::Region);
        let address = event["sourceIPAddress"].as_str();
        needles.add(address.filter(|text| text.parse::<IpAddr>().is_ok()), Hole::Address);
        needles.add(identity["accessKeyId"].as_str(), Hole::AccessKey);
        let caller = caller(identity, &mut needles);
        let mut number = 0;
        for part in ["requestParameters", "responseElements", "resources"] {
            subjects("", &event[part], &mut number, &mut needles);
        }

        let ordered = ORDER.iter().filter_map(|name| Some((*name, members.get(*name)?)));
        let rest = members.iter().map(|(name, value)| (name.as_str(), value));
        let rest = rest.filter(|(name, _)| !ORDER.contains(name));
        let members = ordered.chain(rest).map(|(name, value)| format!("\"{name}\":{value}"));
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        let name = caller.bytes().fold(7, |all: u64, b| all.wrapping_mul(31) + u64::from(b));
        Some(Self { segments: segments(&text, &needles), name })
    }

    /// Writes a record. `call` draws what makes it another call, `rng` what every record has of
    /// its own.
    pub(super) fn write(&self, fill: &Fill<'_>, call: &mut Rng, rng: &mut Rng, out: &mut Vec<u8>) {
        let subjects = call.u64(..);
        let who = self.name ^ fill.caller << 8;
        let session = who ^ fill.session << 24 ^ fill.session_start.unsigned_abs() << 16;
        for Segment { text, original, hole } in &self.segments {
            out.extend_from_slice(text.as_bytes());
            let filled = match hole {
                None => String::new(),
                Some(Hole::Fresh) => redrawn(original, 0, rng),
                Some(Hole::Time) => format_time(fill.time),
                Some(Hole::SessionTime) => format_time(fill.session_start),
                Some(Hole::Account) => fill.account.clone(),
                Some(Hole::Region) => fill.region.to_owned(),
                Some(Hole::Address) => {
                    let mut own = Rng::with_seed(who ^ fill.address << 40);
                    let mut byte = || own.u8(1..255);
                    format!("198.{}.{}.{}", byte() % 4 + 16, byte(), byte())
                }
                Some(Hole::AccessKey) => redrawn(original, 4, &mut Rng::with_seed(session)),
                Some(Hole::Caller) => format!("{original}-{}", fill.caller),
                Some(Hole::Session) => format!("{original}-{}", fill.session),
                Some(Hole::Subject { kept, number }) => {
                    let own = &mut Rng::with_seed(subjects ^ u64::from(*number));
                    redrawn(original, *kept, own)
                }
            };
            out.extend_from_slice(filled.as_bytes());
        }
    }
}

/// The needles of the caller's names; gives the first of them.
fn caller<'v>(identity: &'v Value, needles: &mut Needles) -> &'v str {
    let arn = identity["arn"].as_str().unwrap_or_default();
    if let Some((_, names)) = arn.split_once(":assumed-role/")
        && let Some((role, session)) = names.split_once('/')
    {
        needles.add(Some(&format!(":assumed-role/{role}")), Hole::Caller);
        needles.add(Some(&format!(":role/{role}")), Hole::Caller);
        needles.add(Some(&format!("\"userName\":\"{role}")), Hole::Caller);
        needles.add(Some(&format!("/{session}")), Hole::Session);
        needles.add(Some(&format!(":{session}")), Hole::Session);
        return role;
    }
    let Some((_, name)) = arn.split_once(":user/") else { return arn };
    needles.add(Some(&format!(":user/{name}")), Hole::Caller);
    needles.add(Some(&format!("\"userName\":\"{name}")), Hole::Caller);
    name
}

/// The needles of what a call is about: ids such as `i-0123456789abcdef0`, and names.
fn subjects(key: &str, value: &Value, number: &mut u32, needles: &mut Needles) {
    match value {
        Value::Array(items) => {
            for item in items {
                subjects(key, item, number, needles);
            }
        }
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| !key.starts_with("tag"));
            members.for_each(|(key, value)| subjects(key, value, number, needles));
        }
        Value::String(text) => {
            let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
            let id = text.rsplit_once('-').filter(|(_, id)| {
                id.len() >= 8 && is_plain(id) && id.bytes().any(|b| b.is_ascii_digit())
            });
            let is_name = NAMES.contains(&key) && text.len() >= 8 && !text.starts_with("arn:");
            let kept = match id {
                Some((kind, _)) => kind.len() + 1,
                None if is_name => text.len() - 4,
                None => return,
            };
            if text.is_char_boundary(kept) && text.is_ascii() {
                *number += 1;
                needles.add(Some(text), Hole::Subject { kept, number: *number });
            }
        }
        _ => {}
    }
}

/// Cuts a text at its holes.
fn segments(text: &str, needles: &Needles) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some((at, needle, hole)) = needles.next_in(rest) {
        let (before, after) = (&rest[..at], &rest[at + needle.len()..]);
        let segment =
            Segment { text: before.to_owned(), original: needle.to_owned(), hole: Some(hole) };
        segments.push(segment);
        rest = after;
    }
    segments.push(Segment { text: rest.to_owned(), original: String::new(), hole: None });
    segments
}

/// A text with its letters and digits drawn anew behind those that are kept: digits as
/// hexadecimal digits, capitals as capitals.
fn redrawn(text: &str, kept: usize, rng: &mut Rng) -> String {
    let base = if text.bytes().any(|b| b.is_ascii_lowercase()) { 16 } else { 10 };
    let drawn = text.char_indices().map(|(at, letter)| match letter {
        letter if at < kept => letter,
        'a'..='f' | '0'..='9' => rng.digit(base),
        'g'..='z' => rng.lowercase(),
        'A'..='Z' => rng.uppercase(),
        other => other,
    });
    drawn.collect()
}
