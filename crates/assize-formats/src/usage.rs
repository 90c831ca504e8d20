//! Usage streams: which granted actions a log shows in use, and which it does not (F-59).

use assize_model::AccountId;

use crate::difference::{ObservedCounts, write_observed};
use crate::json::{Object, write_list, write_strings};
use crate::time::format_time;
use crate::{FORMAT_VERSION, Provenance};

/// What one principal did with what it was granted.
#[derive(Debug, Clone, Copy)]
pub struct UsageRecord<'u> {
    /// The entity's ARN, a service's name, `anonymous`.
    pub principal: &'u str,
    /// Its account.
    pub account: Option<AccountId>,
    /// How many actions its policies grant; none where the world does not hold it.
    pub granted: Option<u64>,
    /// The actions that the log shows.
    pub used: &'u [ActionUse],
    /// Granted actions that the log would show, and does not; `service:*` for all of a service.
    pub never: &'u [String],
    /// Granted actions whose use no log shows.
    pub not_shown: &'u [String],
}

/// How an action was used by a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionUse {
    /// The action.
    pub action: Box<str>,
    /// Whether the principal's own policies grant it; none where the world does not hold them, and
    /// where neither the catalog nor a policy knows an action of that name.
    pub is_granted: Option<bool>,
    /// The calls, by what AWS answered.
    pub observed: ObservedCounts,
    /// The time of the first call, in seconds since the epoch; none where no call has one.
    pub first: Option<i64>,
    /// The time of the last.
    pub last: Option<i64>,
}

impl ActionUse {
    /// How many calls there were.
    pub fn count(&self) -> u64 {
        self.observed.allowed + self.observed.denied + self.observed.unknown
    }
}

/// The closing line of a usage stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageSummary {
    /// Calls that were counted.
    pub events: u64,
    /// Principals of the stream.
    pub principals: u64,
    /// Of these, principals that the log does not show.
    pub idle: u64,
    /// Records that gave no request, by reason.
    pub skipped: Vec<(&'static str, u64)>,
    /// The run was ended before the log was.
    pub interrupted: bool,
}

/// Writes the header line of a usage stream, with its end: the window that the log covers, and
/// what a log does not show.
pub fn write_usage_header(
    out: &mut Vec<u8>,
    window: Option<(i64, i64)>,
    limits: &[String],
    provenance: &Provenance,
) {
    let mut object = Object::open(out);
    object.number("assize", u64::from(FORMAT_VERSION));
    object.word("stream", "usage");
    if let Some((first, last)) = window {
        object.string("first", &format_time(first));
        object.string("last", &format_time(last));
    }
    write_strings(object.key("limits"), limits);
    provenance.write(object.key("provenance"));
    object.close();
    out.push(b'\n');
}

/// Writes the record of a principal, with its line end.
pub fn write_usage(out: &mut Vec<u8>, record: &UsageRecord<'_>) {
    let mut object = Object::open(out);
    object.string("principal", record.principal);
    match record.account {
        Some(account) => object.string("account", account.as_str()),
        None => object.raw("account", "null"),
    }
    if let Some(granted) = record.granted {
        object.number("granted", granted);
    }
    write_list(object.key("used"), record.used, write_use);
    if record.granted.is_some() {
        write_strings(object.key("never"), record.never);
        write_strings(object.key("notShown"), record.not_shown);
    }
    object.close();
    out.push(b'\n');
}

fn write_use(out: &mut Vec<u8>, used: &ActionUse) {
    let mut object = Object::open(out);
    object.string("action", &used.action);
    if let Some(is_granted) = used.is_granted {
        object.boolean("granted", is_granted);
    }
    object.number("count", used.count());
    object.string_if("first", used.first.map(format_time).as_deref());
    object.string_if("last", used.last.map(format_time).as_deref());
    write_observed(object.key("observed"), used.observed);
    object.close();
}

impl UsageSummary {
    /// Writes the line, with its end.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut line = Object::open(out);
        let mut summary = Object::open(line.key("summary"));
        summary.number("events", self.events);
        summary.number("principals", self.principals);
        summary.number("idle", self.idle);
        let mut skipped = Object::open(summary.key("skipped"));
        self.skipped.iter().for_each(|(reason, n)| skipped.number(reason, *n));
        skipped.close();
        if self.interrupted {
            summary.boolean("interrupted", true);
        }
        summary.close();
        line.close();
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_say_what_was_used() {
        let used = ActionUse {
            action: "s3:GetObject".into(),
            is_granted: Some(true),
            observed: ObservedCounts { allowed: 2, denied: 1, unknown: 0 },
            first: Some(0),
            last: Some(60),
        };
        let mut out = Vec::new();
        write_usage(
            &mut out,
            &UsageRecord {
                principal: "arn:aws:iam::111111111111:user/ana",
                account: "111111111111".parse().ok(),
                granted: Some(3),
                used: &[used],
                never: &["s3:PutObject".to_owned()],
                not_shown: &["iam:PassRole".to_owned()],
            },
        );
        let expected = concat!(
            r#"{"principal":"arn:aws:iam::111111111111:user/ana","account":"111111111111","#,
            r#""granted":3,"used":[{"action":"s3:GetObject","granted":true,"count":3,"#,
            r#""first":"1970-01-01T00:00:00Z","last":"1970-01-01T00:01:00Z","#,
            r#""observed":{"Allowed":2,"Denied":1}}],"#,
            r#""never":["s3:PutObject"],"notShown":["iam:PassRole"]}"#,
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
