//! What was counted, as a checkpoint holds it.

use assize_cloudtrail::{Counts, Coverage, Note, SessionFacts, SkipReason};
use assize_formats::{DifferenceEffect, ObservedCounts};
use assize_model::{Decision, Effect, Layer, ReasonCode, SourceSpan, StatementRef, Strength};

use super::bytes::{Broken, Persist, Reader, persist_fields, persist_words, put_text};
use crate::answer::Sides;
use crate::assume::Assumption;
use crate::decide::Tally;
use crate::group::table::{Groups, Width};
use crate::group::{Group, GroupSide};
use crate::source::{LogProblem, Problems};
use crate::used::{Use, Uses};

persist_words! {
    Decision: Self::from_word,
    Layer: Self::from_word,
    ReasonCode: Self::from_word,
    Strength: Self::from_word,
    DifferenceEffect: |word| Self::ALL.into_iter().find(|effect| effect.as_str() == word),
    Assumption: |word| Self::ALL.into_iter().find(|assumption| assumption.as_str() == word),
}

impl Persist for Effect {
    fn put(&self, out: &mut Vec<u8>) {
        (*self == Self::Allow).put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        Ok(if bool::take(from)? { Self::Allow } else { Self::Deny })
    }
}

persist_fields!(SourceSpan { start, end, line, column, end_line, end_column });
persist_fields!(StatementRef { policy, statement, sid, effect, node, strength, source, span });
persist_fields!(GroupSide { decision, layer, reason, statement, depends_on });
persist_fields!(ObservedCounts { allowed, denied, unknown });
persist_fields!(Group {
    effect,
    principal,
    account,
    action,
    resource,
    count,
    first,
    last,
    before,
    after,
    observed,
    example,
});
persist_fields!(Counts { records, calls, with_action, take_resource, with_resource, requests });
persist_fields!(LogProblem { file, offset, message, is_final });
persist_fields!(Problems { kept, n_more });
persist_fields!(Use { account, observed, first, last });
persist_fields!(SessionFacts {
    policy,
    policy_arns,
    tags,
    transitive_tag_keys,
    inherited_tags,
    source_identity,
    expires_at,
    task_policy,
    chained,
    federated,
});
persist_fields!(Tally {
    groups,
    coverage,
    events,
    errors,
    error_codes,
    indeterminate,
    assumptions,
    unkept,
    agree,
    disagree,
    unknown,
    days,
    uses,
    untimed,
});

impl Persist for Coverage {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { total, by_source, skipped, notes } = self;
        total.put(out);
        by_source.put(out);
        for n in skipped.iter().chain(notes) {
            n.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let (total, by_source) = Persist::take(from)?;
        let mut skipped = [0; SkipReason::ALL.len()];
        let mut notes = [0; Note::ALL.len()];
        for n in skipped.iter_mut().chain(&mut notes) {
            *n = Persist::take(from)?;
        }
        Ok(Self { total, by_source, skipped, notes })
    }
}

impl Persist for Width {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u8).put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let number = u8::take(from)?;
        Self::WIDER.into_iter().find(|width| *width as u8 == number).ok_or(Broken)
    }
}

impl Persist for Groups {
    fn put(&self, out: &mut Vec<u8>) {
        self.widened.put(out);
        self.ungrouped.put(out);
        let groups = self.in_order();
        groups.len().put(out);
        for group in groups {
            group.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let mut groups = Self::default();
        groups.widened = Persist::take(from)?;
        groups.ungrouped = Persist::take(from)?;
        let mut sides = Sides::default();
        for group in Vec::<Group>::take(from)? {
            groups.add(group.with_shared_sides(&mut sides));
        }
        Ok(groups)
    }
}

impl Persist for Uses {
    fn put(&self, out: &mut Vec<u8>) {
        self.events.put(out);
        self.unlisted.put(out);
        self.data_events.put(out);
        let all = self.sorted();
        all.len().put(out);
        for (principal, action, one) in all {
            put_text(out, principal);
            put_text(out, action);
            one.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let mut uses = Self::default();
        uses.events = Persist::take(from)?;
        uses.unlisted = Persist::take(from)?;
        uses.data_events = Persist::take(from)?;
        for (principal, action, one) in Vec::<(Box<str>, Box<str>, Use)>::take(from)? {
            uses.add(&principal, &action, one);
        }
        Ok(uses)
    }
}
