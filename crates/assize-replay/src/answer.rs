//! What is decided of events that are alike, and where answers are kept.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, PoisonError, RwLock};

use assize::{Decider, Outcome};
use assize_formats::{Agreement, Compared, DifferenceEffect, ObservedDecision, agreement};
use assize_model::{AccountId, Decision, Request, Target};
use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;

use crate::assume::{Assumption, Caller};
use crate::group::{GroupSide, effect};

/// Parts that answers are kept in, each behind a lock of its own.
const N_PARTS: usize = 32;
/// Most answers that are kept in one part, and most bytes of their keys; then it starts over.
const MAX_ANSWERS: usize = (1 << 17) / N_PARTS;
const MAX_KEY_BYTES: usize = (32 << 20) / N_PARTS;

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
    pub(crate) before: Arc<GroupSide>,
    pub(crate) after: Option<Arc<GroupSide>>,
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
        before: Arc<GroupSide>,
        after: Option<Arc<GroupSide>>,
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
        sides.into_iter().flatten().any(|side| side.is_of_resource())
    }
}

/// Most sides that are remembered; then it starts over.
const MAX_SIDES: usize = 1 << 14;

/// Sides that were met: worlds decide in few ways, and of each many answers and groups hold one.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    known: HashTable<(u64, Arc<GroupSide>)>,
    hasher: DefaultHashBuilder,
}

impl Sides {
    /// The same side, of which there is one in memory.
    pub(crate) fn shared(&mut self, side: GroupSide) -> Arc<GroupSide> {
        let mut hasher = self.hasher.build_hasher();
        side.hash_into(&mut hasher);
        let hash = hasher.finish();
        let is_it = |(known, other): &(u64, Arc<GroupSide>)| *known == hash && **other == side;
        if let Some((_, known)) = self.known.find(hash, is_it) {
            return Arc::clone(known);
        }
        if self.known.len() >= MAX_SIDES {
            self.known.clear();
        }
        let side = Arc::new(side);
        self.known.insert_unique(hash, (hash, Arc::clone(&side)), |(hash, _)| *hash);
        side
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

/// Answers by the keys of what they answer, for all threads.
#[derive(Debug, Default)]
pub(crate) struct SharedAnswers {
    parts: [RwLock<Answers>; N_PARTS],
    hasher: DefaultHashBuilder,
}

/// The answers of one part.
#[derive(Debug, Default)]
struct Answers {
    kept: Vec<Answer>,
    keys: HashTable<(u64, Box<[u8]>, usize)>,
    n_key_bytes: usize,
}

impl SharedAnswers {
    /// What `take` makes of the answer for a key; none if there is no answer.
    pub(crate) fn with<T>(&self, key: &[u8], take: impl FnOnce(&Answer) -> T) -> Option<T> {
        let hash = self.hasher.hash_one(key);
        let part = self.part(hash).read().unwrap_or_else(PoisonError::into_inner);
        let (.., at) = part.keys.find(hash, |(_, known, _)| **known == *key)?;
        part.kept.get(*at).map(take)
    }

    /// Keeps an answer under a key. Of two threads that find the same answer, either may keep it.
    pub(crate) fn keep(&self, key: &[u8], answer: Answer) {
        let hash = self.hasher.hash_one(key);
        let mut part = self.part(hash).write().unwrap_or_else(PoisonError::into_inner);
        if part.kept.len() >= MAX_ANSWERS || part.n_key_bytes + key.len() > MAX_KEY_BYTES {
            *part = Answers::default();
        }
        let at = part.kept.len();
        part.kept.push(answer);
        part.n_key_bytes += key.len();
        part.keys.insert_unique(hash, (hash, key.into(), at), |(hash, ..)| *hash);
    }

    /// Forgets all answers, on all cores.
    pub(crate) fn dismiss(self) {
        self.parts.into_par_iter().for_each(drop);
    }

    fn part(&self, hash: u64) -> &RwLock<Answers> {
        // Tables look at the first and the last bits of a hash.
        &self.parts[(hash >> 32) as usize % N_PARTS]
    }
}
