//! What is decided of events that are alike, and where answers are kept.

use std::hash::BuildHasher as _;

use assize::{Decider, Outcome};
use assize_formats::{Agreement, Compared, DifferenceEffect, ObservedDecision, agreement};
use assize_model::{AccountId, Decision, Request, Target};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::assume::{Assumption, Caller};
use crate::group::{GroupSide, effect};

/// Most answers that one thread keeps, and most bytes of their keys; then it starts over.
const MAX_ANSWERS: usize = 1 << 17;
const MAX_KEY_BYTES: usize = 32 << 20;

/// What is decided of an event, and of all that are alike.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What it rests on.
    pub(crate) assumptions: Vec<Assumption>,
    /// Decided, or the code of what is wrong with the request.
    pub(crate) decided: Result<Decided, &'static str>,
}

/// Both decisions.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The entity's ARN, a service's name, `anonymous`; none where callers are alike.
    pub(crate) principal: Option<Box<str>>,
    pub(crate) account: Option<AccountId>,
    pub(crate) before: GroupSide,
    pub(crate) after: Option<GroupSide>,
    pub(crate) subject: Subject,
    /// Complete context lacks keys that are asked about (F-35).
    pub(crate) lacks_context: bool,
}

/// What the decisive check is about.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A check of the request, by its position.
    Check(usize),
    /// A check that the service adds (E-68, E-90): action and resource.
    Added(Box<str>, Box<str>),
}

impl Subject {
    /// The action and the resource.
    pub(crate) fn of<'s>(&'s self, request: &'s Request<'_>) -> (&'s str, &'s str) {
        match self {
            Self::Check(at) => stated_subject(request, *at).unwrap_or_default(),
            Self::Added(action, resource) => (action, resource),
        }
    }
}

/// The action and the resource of a check of a request.
pub(crate) fn stated_subject<'r>(
    request: &'r Request<'_>,
    at: usize,
) -> Option<(&'r str, &'r str)> {
    match &request.target {
        Target::Action { action, resources, .. } if resources.is_empty() && at == 0 => {
            Some((action, "*"))
        }
        Target::Action { action, resources, .. } => Some((action, &resources.get(at)?.arn)),
        Target::Checks(checks) => {
            let check = checks.get(at)?;
            Some((&check.action, check.resource.as_deref().unwrap_or("*")))
        }
    }
}

impl Decided {
    pub(crate) fn new(
        caller: &Caller<'_>,
        before: GroupSide,
        after: Option<GroupSide>,
        subject: Subject,
    ) -> Self {
        let (principal, account) = (Some(caller.entity.as_ref().into()), caller.account);
        Self { principal, account, before, after, subject, lacks_context: false }
    }

    /// What becomes of events, of which the log says whether they agree.
    pub(crate) fn effect(&self, agreement: Option<Agreement>) -> DifferenceEffect {
        match &self.after {
            Some(after) => effect(&self.before, after),
            None if agreement == Some(Agreement::Disagrees) => DifferenceEffect::Disagrees,
            None => DifferenceEffect::Same,
        }
    }

    /// F-35.
    pub(crate) fn agreement(&self, seen: ObservedDecision) -> Agreement {
        let compared = Compared {
            decision: Some(self.before.decision),
            kind_is_uncertain: false,
            context_may_be_incomplete: self.lacks_context,
        };
        agreement(seen, compared, false)
    }

    pub(crate) fn is_indeterminate(&self) -> bool {
        self.before.decision == Decision::Indeterminate
    }

    /// Whether a decisive statement is one of the policies that were assumed of the resource, so
    /// that its name tells which resource.
    pub(crate) fn names_resource(&self) -> bool {
        let sides = [Some(&self.before), self.after.as_ref()];
        sides.into_iter().flatten().any(GroupSide::is_of_resource)
    }
}

/// A side with its statement in the file it stands in.
pub(crate) fn located(decider: &Decider<'_>, outcome: Outcome) -> GroupSide {
    let mut side = GroupSide::of(outcome);
    if side.statement.is_some() {
        side.statement = decider.located_statement().or(side.statement);
    }
    side
}

/// Answers by the keys of what they answer.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    kept: Vec<Answer>,
    keys: HashTable<(Box<[u8]>, usize)>,
    n_key_bytes: usize,
    hasher: DefaultHashBuilder,
}

impl Answers {
    /// The answer for a key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Answer> {
        let hash = self.hasher.hash_one(key);
        let (_, at) = self.keys.find(hash, |(known, _)| **known == *key)?;
        self.kept.get(*at)
    }

    /// Keeps an answer under a key.
    pub(crate) fn keep(&mut self, key: &[u8], answer: Answer) {
        if self.kept.len() >= MAX_ANSWERS || self.n_key_bytes + key.len() > MAX_KEY_BYTES {
            *self = Self::default();
        }
        let at = self.kept.len();
        self.kept.push(answer);
        self.n_key_bytes += key.len();
        let hasher = &self.hasher;
        let hash = hasher.hash_one(key);
        self.keys.insert_unique(hash, (key.into(), at), |(key, _)| hasher.hash_one(&**key));
    }
}
