//! Difference streams (F-75 – F-77): how a log would have been decided before and after.

use std::collections::BTreeMap;

use assize_model::{AccountId, Decision, Layer, ReasonCode, StatementRef};

use crate::decision::write_statement;
use crate::json::{Object, write_list, write_string, write_strings};
use crate::time::format_time;
use crate::{FORMAT_VERSION, ObservedDecision, Provenance};

/// What a group of events shows (F-74, F-77), in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceEffect {
    /// It was allowed and would be denied.
    NewlyDenied,
    /// It was denied and would be allowed.
    NewlyAllowed,
    /// It was allowed and might be denied.
    MayBeDenied,
    /// It was denied and might be allowed.
    MayBeAllowed,
    /// It depended and would be denied.
    DeniedForCertain,
    /// It depended and would be allowed.
    AllowedForCertain,
    /// It depends on something else.
    MayDiffer,
    /// It is denied for another reason.
    OtherReason,
    /// Nothing changes.
    Same,
    /// The log says otherwise (F-77).
    Disagrees,
}

impl DifferenceEffect {
    /// All effects, in order.
    pub const ALL: [Self; 10] = [
        Self::NewlyDenied,
        Self::NewlyAllowed,
        Self::MayBeDenied,
        Self::MayBeAllowed,
        Self::DeniedForCertain,
        Self::AllowedForCertain,
        Self::MayDiffer,
        Self::OtherReason,
        Self::Same,
        Self::Disagrees,
    ];

    /// The word of the wire format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewlyDenied => "newly_denied",
            Self::NewlyAllowed => "newly_allowed",
            Self::MayBeDenied => "may_be_denied",
            Self::MayBeAllowed => "may_be_allowed",
            Self::DeniedForCertain => "denied_for_certain",
            Self::AllowedForCertain => "allowed_for_certain",
            Self::MayDiffer => "may_differ",
            Self::OtherReason => "other_reason",
            Self::Same => "same",
            Self::Disagrees => "disagrees",
        }
    }

    /// Whether groups of the effect are printed only when all are asked for (F-74).
    pub fn is_unchanged(self) -> bool {
        matches!(self, Self::OtherReason | Self::Same)
    }
}

/// One group of events that were decided the same way (F-74).
#[derive(Debug, Clone)]
pub struct DifferenceRecord<'d> {
    /// What the group shows.
    pub effect: DifferenceEffect,
    /// The entity's ARN, a service's name, `anonymous`.
    pub principal: &'d str,
    /// The principal's account.
    pub account: Option<AccountId>,
    /// The action of the decisive check.
    pub action: &'d str,
    /// Its resource.
    pub resource: &'d str,
    /// How many events.
    pub count: u64,
    /// The time of the first, in seconds since the epoch; none where no event has one.
    pub first: Option<i64>,
    /// The time of the last.
    pub last: Option<i64>,
    /// The decision before.
    pub before: Side<'d>,
    /// The decision after; none without changes.
    pub after: Option<Side<'d>>,
    /// What the log says happened.
    pub observed: ObservedCounts,
    /// The id of the first event.
    pub example: Option<&'d str>,
}

/// One of the two decisions of a group.
#[derive(Debug, Clone, Copy)]
pub struct Side<'d> {
    /// The decision.
    pub decision: Decision,
    /// The decisive layer.
    pub layer: Layer,
    /// The reason.
    pub reason: ReasonCode,
    /// The first decisive statement.
    pub statement: Option<&'d StatementRef>,
    /// The unknown keys it hangs on.
    pub depends_on: &'d [Box<str>],
}

/// How many events of a group were observed how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObservedCounts {
    /// Allowed.
    pub allowed: u64,
    /// Denied, in whichever way.
    pub denied: u64,
    /// The log does not tell.
    pub unknown: u64,
}

impl ObservedCounts {
    /// Counts one event.
    pub fn count(&mut self, observed: ObservedDecision) {
        match observed {
            ObservedDecision::Allowed => self.allowed += 1,
            ObservedDecision::Denied
            | ObservedDecision::ExplicitDeny
            | ObservedDecision::ImplicitDeny => self.denied += 1,
            ObservedDecision::Unknown => self.unknown += 1,
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        self.allowed += other.allowed;
        self.denied += other.denied;
        self.unknown += other.unknown;
    }
}

/// Groups and events of one effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EffectCounts {
    /// How many groups.
    pub groups: u64,
    /// How many events.
    pub events: u64,
}

/// Events by effect, under a key.
pub type EventsByEffect = BTreeMap<Box<str>, BTreeMap<DifferenceEffect, u64>>;

/// The closing line of a difference stream (F-76).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DifferenceSummary {
    /// Events that were decided.
    pub events: u64,
    /// Records that gave no request, by reason, in the order of the reasons.
    pub skipped: Vec<(&'static str, u64)>,
    /// Events that one of the worlds cannot decide.
    pub error: u64,
    /// Groups and events by effect.
    pub effects: BTreeMap<DifferenceEffect, EffectCounts>,
    /// What was taken as the log shows it (C-29), and what the requests rest on beside their
    /// records (F-53 – F-56), with the number of events.
    pub assumptions: BTreeMap<&'static str, u64>,
    /// By the principal's account.
    pub by_account: EventsByEffect,
    /// By principal.
    pub by_principal: EventsByEffect,
    /// By action.
    pub by_action: EventsByEffect,
    /// The run was ended before the log was.
    pub interrupted: bool,
}

impl DifferenceSummary {
    /// Counts the events of a group.
    pub fn count(&mut self, record: &DifferenceRecord<'_>) {
        let effect = record.effect;
        let counts = self.effects.entry(effect).or_default();
        counts.groups += 1;
        counts.events += record.count;
        if effect.is_unchanged() {
            return;
        }
        let account = record.account.map_or_else(|| "-".to_owned(), |id| id.to_string());
        for (by, key) in [
            (&mut self.by_account, account.as_str()),
            (&mut self.by_principal, record.principal),
            (&mut self.by_action, record.action),
        ] {
            *by.entry(key.into()).or_default().entry(effect).or_default() += record.count;
        }
    }

    /// Writes the line, with its end.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut line = Object::open(out);
        let mut summary = Object::open(line.key("summary"));
        summary.number("events", self.events);
        let mut skipped = Object::open(summary.key("skipped"));
        self.skipped.iter().for_each(|(reason, n)| skipped.number(reason, *n));
        skipped.close();
        if self.error > 0 {
            summary.number("error", self.error);
        }
        let mut effects = Object::open(summary.key("effects"));
        for (effect, counts) in &self.effects {
            let mut object = Object::open(effects.key(effect.as_str()));
            object.number("groups", counts.groups);
            object.number("events", counts.events);
            object.close();
        }
        effects.close();
        if !self.assumptions.is_empty() {
            let mut assumptions = Object::open(summary.key("assumptions"));
            self.assumptions.iter().for_each(|(name, n)| assumptions.number(name, *n));
            assumptions.close();
        }
        write_by(&mut summary, "byAccount", &self.by_account);
        write_by(&mut summary, "byPrincipal", &self.by_principal);
        write_by(&mut summary, "byAction", &self.by_action);
        if self.interrupted {
            summary.boolean("interrupted", true);
        }
        summary.close();
        line.close();
        out.push(b'\n');
    }
}

fn write_by(summary: &mut Object<'_>, name: &str, by: &EventsByEffect) {
    let mut object = Object::open(summary.key(name));
    for (key, effects) in by {
        let mut inner = Object::open(object.key(key));
        for (effect, n) in effects {
            inner.number(effect.as_str(), *n);
        }
        inner.close();
    }
    object.close();
}

/// Writes the header line of a difference stream, with its end (F-75).
pub fn write_difference_header(out: &mut Vec<u8>, changes: &[&str], provenance: &Provenance) {
    let mut object = Object::open(out);
    object.number("assize", u64::from(FORMAT_VERSION));
    object.word("stream", "differences");
    write_strings(object.key("changes"), changes);
    provenance.write(object.key("provenance"));
    object.close();
    out.push(b'\n');
}

/// Writes a difference record, with its line end (F-75).
pub fn write_difference(out: &mut Vec<u8>, record: &DifferenceRecord<'_>) {
    let mut object = Object::open(out);
    object.word("effect", record.effect.as_str());
    object.string("principal", record.principal);
    match record.account {
        Some(account) => object.string("account", account.as_str()),
        None => object.raw("account", "null"),
    }
    object.string("action", record.action);
    object.string("resource", record.resource);
    object.number("count", record.count);
    object.string_if("first", record.first.map(format_time).as_deref());
    object.string_if("last", record.last.map(format_time).as_deref());
    write_side(object.key("before"), &record.before);
    if let Some(after) = &record.after {
        write_side(object.key("after"), after);
    }
    write_observed(object.key("observed"), record.observed);
    object.string_if("example", record.example);
    object.close();
    out.push(b'\n');
}

/// Writes what a log says happened, without what never did.
pub(crate) fn write_observed(out: &mut Vec<u8>, observed: ObservedCounts) {
    let mut object = Object::open(out);
    let ObservedCounts { allowed, denied, unknown } = observed;
    for (name, n) in [("Allowed", allowed), ("Denied", denied), ("Unknown", unknown)] {
        if n > 0 {
            object.number(name, n);
        }
    }
    object.close();
}

fn write_side(out: &mut Vec<u8>, side: &Side<'_>) {
    let mut object = Object::open(out);
    object.word("decision", side.decision.as_str());
    object.word("layer", side.layer.as_str());
    object.word("reason", side.reason.as_str());
    if let Some(statement) = side.statement {
        write_statement(object.key("statement"), statement);
    }
    if !side.depends_on.is_empty() {
        let keys = side.depends_on.iter();
        write_list(object.key("dependsOn"), keys, |out, key| write_string(out, key));
    }
    object.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::violations;

    /// F-75: the example of the specification, by its schema.
    #[test]
    fn a_record_is_as_the_schema_says() {
        let statement = StatementRef {
            policy: "inline:user/ana/office".into(),
            statement: Some(0),
            sid: Some("Office".into()),
            effect: Some(assize_model::Effect::Allow),
            ..StatementRef::default()
        };
        let before = Side {
            decision: Decision::Allowed,
            layer: Layer::Identity,
            reason: ReasonCode::Allow,
            statement: Some(&statement),
            depends_on: &[],
        };
        let after = Side {
            decision: Decision::ImplicitDeny,
            layer: Layer::Identity,
            reason: ReasonCode::NoAllow,
            statement: None,
            depends_on: &[],
        };
        let record = DifferenceRecord {
            effect: DifferenceEffect::NewlyDenied,
            principal: "arn:aws:iam::111111111111:user/ana",
            account: "111111111111".parse().ok(),
            action: "s3:GetObject",
            resource: "arn:aws:s3:::reports/k",
            count: 12,
            first: Some(1_714_564_800),
            last: Some(1_714_724_100),
            before,
            after: Some(after),
            observed: ObservedCounts { allowed: 12, ..ObservedCounts::default() },
            example: Some("450230d4-b39e-4a18-a6a0-d07a6e2105cb"),
        };
        let mut out = Vec::new();
        write_difference(&mut out, &record);
        let line = String::from_utf8(out).unwrap();
        assert_eq!(
            line.trim_end(),
            r#"{"effect":"newly_denied","principal":"arn:aws:iam::111111111111:user/ana","account":"111111111111","action":"s3:GetObject","resource":"arn:aws:s3:::reports/k","count":12,"first":"2024-05-01T12:00:00Z","last":"2024-05-03T08:15:00Z","before":{"decision":"Allowed","layer":"identity","reason":"allow","statement":{"policyId":"inline:user/ana/office","statement":0,"sid":"Office","effect":"Allow"}},"after":{"decision":"ImplicitDeny","layer":"identity","reason":"no_allow"},"observed":{"Allowed":12},"example":"450230d4-b39e-4a18-a6a0-d07a6e2105cb"}"#
        );
        assert_eq!(violations(crate::DIFFERENCE_SCHEMA, line.trim_end()), [""; 0]);
        let mut summary = DifferenceSummary {
            events: 40,
            skipped: vec![("not_an_authorization", 3)],
            ..DifferenceSummary::default()
        };
        summary.count(&record);
        let mut out = Vec::new();
        summary.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap().trim_end(),
            r#"{"summary":{"events":40,"skipped":{"not_an_authorization":3},"effects":{"newly_denied":{"groups":1,"events":12}},"byAccount":{"111111111111":{"newly_denied":12}},"byPrincipal":{"arn:aws:iam::111111111111:user/ana":{"newly_denied":12}},"byAction":{"s3:GetObject":{"newly_denied":12}}}}"#
        );
    }
}
