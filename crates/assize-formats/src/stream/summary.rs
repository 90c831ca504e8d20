//! The closing line of a decision stream (F-31).

use std::collections::BTreeMap;

use assize_model::{Decision, ReasonCode};

use crate::Agreement;
use crate::json::Object;

/// The counters of a run (F-31). Those of parts of a run can be added up in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// `Allowed`.
    pub allowed: u64,
    /// `ExplicitDeny`.
    pub explicit_deny: u64,
    /// `ImplicitDeny`.
    pub implicit_deny: u64,
    /// `Indeterminate`.
    pub indeterminate: u64,
    /// `error`.
    pub error: u64,
    /// `kindUncertain`: implicit denies with bounds (E-132).
    pub kind_uncertain: u64,
    /// `invalidPolicy`: decisions with that reason (E-112).
    pub invalid_policy: u64,
    /// `agree`.
    pub agree: u64,
    /// `disagree`.
    pub disagree: u64,
    /// `unknown`.
    pub unknown: u64,
    /// `notes`: each with the number of records that have it.
    pub notes: BTreeMap<Box<str>, u64>,
    /// `records` of a log.
    pub records: u64,
    /// `skipped` records of a log, by reason.
    pub skipped: BTreeMap<Box<str>, u64>,
}

impl Summary {
    /// `requests`: what was decided and what was malformed.
    pub fn requests(&self) -> u64 {
        self.allowed + self.explicit_deny + self.implicit_deny + self.indeterminate + self.error
    }

    /// Counts a decision; `has_bounds` tells an implicit deny of uncertain kind.
    pub fn count(&mut self, decision: Decision, reason: ReasonCode, has_bounds: bool) {
        match decision {
            Decision::Allowed => self.allowed += 1,
            Decision::ExplicitDeny => self.explicit_deny += 1,
            Decision::ImplicitDeny => self.implicit_deny += 1,
            Decision::Indeterminate => self.indeterminate += 1,
        }
        self.kind_uncertain += u64::from(decision == Decision::ImplicitDeny && has_bounds);
        self.invalid_policy += u64::from(reason == ReasonCode::InvalidPolicy);
    }

    /// Counts a malformed line (F-33).
    pub fn count_error(&mut self) {
        self.error += 1;
    }

    /// Counts an agreement (F-35).
    pub fn count_agreement(&mut self, agreement: Agreement) {
        match agreement {
            Agreement::Agrees => self.agree += 1,
            Agreement::Disagrees => self.disagree += 1,
            Agreement::Unknown => self.unknown += 1,
        }
    }

    /// Counts a note that stands in so many records.
    pub fn count_note(&mut self, note: &str, n: u64) {
        count(&mut self.notes, note, n);
    }

    /// Counts a skipped record of a log.
    pub fn count_skipped(&mut self, reason: &str) {
        count(&mut self.skipped, reason, 1);
    }

    /// Adds the counters of another part of the run.
    pub fn add(&mut self, other: &Self) {
        self.allowed += other.allowed;
        self.explicit_deny += other.explicit_deny;
        self.implicit_deny += other.implicit_deny;
        self.indeterminate += other.indeterminate;
        self.error += other.error;
        self.kind_uncertain += other.kind_uncertain;
        self.invalid_policy += other.invalid_policy;
        self.agree += other.agree;
        self.disagree += other.disagree;
        self.unknown += other.unknown;
        self.records += other.records;
        for (note, n) in &other.notes {
            count(&mut self.notes, note, *n);
        }
        for (reason, n) in &other.skipped {
            count(&mut self.skipped, reason, *n);
        }
    }

    /// Writes the closing line with its line end. Counters that are 0 are left out, but for
    /// `requests`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut line = Object::open(out);
        let mut object = Object::open(line.key("summary"));
        object.number("requests", self.requests());
        for (name, value) in [
            ("Allowed", self.allowed),
            ("ExplicitDeny", self.explicit_deny),
            ("ImplicitDeny", self.implicit_deny),
            ("Indeterminate", self.indeterminate),
            ("error", self.error),
            ("kindUncertain", self.kind_uncertain),
            ("invalidPolicy", self.invalid_policy),
            ("agree", self.agree),
            ("disagree", self.disagree),
            ("unknown", self.unknown),
        ] {
            if value > 0 {
                object.number(name, value);
            }
        }
        write_counts(&mut object, "notes", &self.notes);
        if self.records > 0 {
            object.number("records", self.records);
        }
        write_counts(&mut object, "skipped", &self.skipped);
        object.close();
        line.close();
        out.push(b'\n');
    }
}

fn count(counts: &mut BTreeMap<Box<str>, u64>, name: &str, n: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += n,
        None => {
            counts.insert(name.into(), n);
        }
    }
}

fn write_counts(object: &mut Object<'_>, name: &str, counts: &BTreeMap<Box<str>, u64>) {
    if counts.is_empty() {
        return;
    }
    let mut by_name = Object::open(object.key(name));
    for (name, n) in counts {
        by_name.number(name, *n);
    }
    by_name.close();
}
