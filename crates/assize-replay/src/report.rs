//! What a replay came to.

use std::collections::BTreeMap;
use std::io::{self, Write};

use assize_cloudtrail::{Coverage, Note, SkipReason};
use assize_formats::{
    DifferenceEffect, DifferenceSummary, EffectCounts, Provenance, count, grouped,
    write_difference, write_difference_header,
};

use crate::assume::Assumption;
use crate::decide::Tally;
use crate::group::Group;
use crate::source::{LogProblem, Problems};
use crate::used::Usage;
use crate::world::{MAX_ASSUMED_ACCOUNTS, TOO_MANY_ACCOUNTS, Worlds};

/// How much of a stream is written at once, in bytes.
pub(crate) const PIECE_BYTES: usize = 64 << 10;

/// What a replay came to: totals, and the groups of events that differ.
#[derive(Debug, Clone)]
pub struct Report {
    /// The names of the changes.
    pub changes: Vec<String>,
    /// What the answers rest on.
    pub provenance: Provenance,
    /// The groups, in the order of F-75.
    pub groups: Vec<Group>,
    /// What was counted.
    pub totals: Totals,
    /// How much of the log became requests.
    pub coverage: Coverage,
    /// Files, or parts of files, that could not be read.
    pub problems: Vec<LogProblem>,
    /// How many more there are: of many only the first are kept.
    pub more_problems: u64,
    /// What AWS would not let be done (L-1001), what was not decided, and what the log leaves in
    /// doubt.
    pub warnings: Vec<String>,
    /// Events by day since the epoch and effect; those without a time, or of another century, are
    /// in none.
    pub days: BTreeMap<i64, BTreeMap<DifferenceEffect, u64>>,
    /// The run was ended before the log was.
    pub is_interrupted: bool,
    /// What was granted and what was used, if that was asked for.
    pub usage: Option<Usage>,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events that became requests.
    pub events: u64,
    /// Events that one of the worlds cannot decide.
    pub errors: u64,
    /// These by code.
    pub error_codes: BTreeMap<Box<str>, u64>,
    /// Events whose answer depends on missing context before any change.
    pub indeterminate: u64,
    /// Events that rest on an assumption (C-29).
    pub assumptions: BTreeMap<Assumption, u64>,
    /// Groups and events by effect.
    pub effects: BTreeMap<DifferenceEffect, EffectCounts>,
    /// Events that the world before decides as the log says.
    pub agree: u64,
    /// Events that it decides otherwise.
    pub disagree: u64,
    /// Events of which the log or the world does not tell.
    pub unknown: u64,
}

impl Report {
    pub(crate) fn new(
        worlds: &Worlds,
        changes: Vec<String>,
        tally: Tally,
        problems: Problems,
        is_interrupted: bool,
    ) -> Self {
        let mut provenance = worlds.before.provenance();
        provenance.after = worlds.after.as_ref().map(|after| after.provenance().snapshot);
        let left_out = tally.groups.left_out();
        let ungrouped = tally.groups.ungrouped.clone();
        let groups = tally.groups.into_sorted();
        let mut effects: BTreeMap<DifferenceEffect, EffectCounts> = BTreeMap::new();
        for group in &groups {
            let counts = effects.entry(group.effect).or_default();
            counts.groups += 1;
            counts.events += group.count;
        }
        for (effect, n) in tally.unkept.into_iter().chain(ungrouped) {
            effects.entry(effect).or_default().events += n;
        }
        let mut report = Self {
            changes,
            provenance,
            groups,
            totals: Totals {
                events: tally.events,
                errors: tally.errors,
                error_codes: tally.error_codes,
                indeterminate: tally.indeterminate,
                assumptions: tally.assumptions,
                effects,
                agree: tally.agree,
                disagree: tally.disagree,
                unknown: tally.unknown,
            },
            coverage: tally.coverage,
            problems: problems.kept,
            more_problems: problems.n_more,
            warnings: worlds.warnings.clone(),
            days: tally.days,
            is_interrupted,
            usage: None,
        };
        report.warnings.extend(left_out);
        report.warnings.extend(report.totals.error_codes.contains_key(TOO_MANY_ACCOUNTS).then(
            || {
                let most = grouped(MAX_ASSUMED_ACCOUNTS as u64);
                format!(
                    "the log names more than {most} accounts that the world lacks; events of the \
                 others are not decided"
                )
            },
        ));
        report.warnings.extend((tally.untimed > 0).then(|| {
            let records = count(tally.untimed, "record");
            format!("{records} without a time that can be read: no span of time holds them")
        }));
        report.warnings.extend(report.doubts());
        report
    }

    /// Whether no event was decided: then the report says nothing of what would be otherwise.
    pub fn is_void(&self) -> bool {
        self.totals.events == self.totals.errors
    }

    /// What was not decided, and what the log leaves in doubt.
    fn doubts(&self) -> Vec<String> {
        let Totals { events, errors, error_codes, .. } = &self.totals;
        let mut warnings = Vec::new();
        if *errors > 0 {
            let codes: Vec<String> =
                error_codes.iter().map(|(code, n)| format!("{code}: {}", grouped(*n))).collect();
            let codes = codes.join(", ");
            warnings.push(format!(
                "{} of {} could not be decided, and are in no group: {codes}",
                grouped(*errors),
                count(*events, "event")
            ));
        }
        let n_unquoted = self.coverage.noted(Note::ParametersUnquoted);
        if n_unquoted > 0 {
            warnings.push(format!(
                "the parameters of {} come from columns without quotes, where \
                 part of a value may be read as another parameter: `SELECT eventJson` leaves no \
                 doubt",
                count(n_unquoted, "event")
            ));
        }
        if self.coverage.total.records == 0 {
            warnings.push("no record of the log is asked about: the report says nothing".into());
        } else if self.is_void() {
            warnings
                .push("no event was decided: the report does not say that nothing differs".into());
        }
        warnings
    }

    /// Whether it tells of the use of grants alone, not of what would be decided otherwise.
    pub fn is_about_use(&self) -> bool {
        self.usage.is_some() && self.changes.is_empty()
    }

    /// How many events have an effect.
    pub fn events_of(&self, effect: DifferenceEffect) -> u64 {
        self.totals.effects.get(&effect).map_or(0, |counts| counts.events)
    }

    /// Writes the difference stream (F-75), piece by piece.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_stream(&self, out: &mut impl Write) -> io::Result<()> {
        let changes: Vec<&str> = self.changes.iter().map(String::as_str).collect();
        let mut piece = Vec::new();
        write_difference_header(&mut piece, &changes, &self.provenance);
        for group in &self.groups {
            write_difference(&mut piece, &group.record());
            if piece.len() >= PIECE_BYTES {
                out.write_all(&piece)?;
                piece.clear();
            }
        }
        self.summary().write(&mut piece);
        out.write_all(&piece)
    }

    /// The closing line (F-76).
    pub fn summary(&self) -> DifferenceSummary {
        let mut summary = DifferenceSummary {
            events: self.totals.events,
            error: self.totals.errors,
            interrupted: self.is_interrupted,
            ..DifferenceSummary::default()
        };
        for reason in SkipReason::ALL {
            let n = self.coverage.skipped_for(reason);
            if n > 0 {
                summary.skipped.push((reason.as_str(), n));
            }
        }
        for group in &self.groups {
            summary.count(&group.record());
        }
        summary.effects.clone_from(&self.totals.effects);
        for (assumption, n) in &self.totals.assumptions {
            summary.assumptions.insert(assumption.as_str(), *n);
        }
        for note in Note::ALL {
            let n = self.coverage.noted(note);
            if n > 0 {
                summary.assumptions.insert(note.as_str(), n);
            }
        }
        summary
    }
}
