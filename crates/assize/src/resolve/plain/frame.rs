//! The frames of plain requests: by caller and target.

use assize_compiler::EndpointLayer;
use assize_model::{AccountId, PrincipalKind};

use super::super::Resolver;
use super::super::action::ActionRule;
use super::super::context::{MfaOfCheck, stated_mfa};
use super::super::frame::Parties;
use super::super::resource::{Owner, ResolvedResource};
use super::{PlainCheck, PlainContext};

/// What the short way asks of a principal: few bytes, since it is asked of every row. It is named by
/// a text, which says nothing of its session's MFA or source identity.
#[derive(Debug)]
pub(super) struct PlainCaller {
    /// Services ask on the long way.
    is_plain: bool,
    may_state_mfa: bool,
    /// Its account is not in the snapshot (E-26).
    pub(super) outside: bool,
    /// Nobody says the path of its role (E-11).
    pub(super) is_path_assumed: bool,
    pub(super) partition_number: u32,
    /// What is known of MFA when the context says nothing, that there was none, or that there was.
    mfa: [PlainMfa; 3],
    /// Positions in `found` plus one, by [`frame_place`]: four bytes, since what a batch looks up
    /// should stay in the cache.
    frames: Vec<u32>,
}

/// [`MfaOfCheck`] without an age, which only sessions state.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainMfa {
    pub(super) state: Option<bool>,
    temporary: bool,
    present: bool,
}

/// What follows from everything but the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PlainFrame {
    pub(super) frame: u32,
    /// The keys that hang on the resource's owner.
    pub(super) keys: u32,
    pub(super) account: Option<AccountId>,
    /// The resource is assumed to be the caller's (E-8, E-9), and whether nobody declared it.
    pub(super) assumed: bool,
    pub(super) is_undeclared: bool,
}

/// Most places of frames, of all callers: 32 MiB. What comes behind is found anew each time, until
/// the next chunk, which begins without any.
pub(super) const MAX_PLACES: usize = 1 << 23;

/// Where the frame of a target stands, which hangs on what is known of MFA too.
fn frame_place(target: u32, mfa: PlainMfa) -> usize {
    (target as usize) << 2 | usize::from(mfa.temporary) << 1 | usize::from(mfa.present)
}

impl Resolver<'_> {
    /// What the short way asks of a principal, if that takes it.
    #[inline]
    pub(super) fn plain_caller(&mut self, principal: u32) -> Option<&PlainCaller> {
        if self.plain.callers.len() < self.principals.len() {
            self.add_plain_callers();
        }
        self.plain.callers.get(principal as usize).filter(|caller| caller.is_plain)
    }

    #[inline(never)]
    fn add_plain_callers(&mut self) {
        for caller in self.principals.get(self.plain.callers.len()..).unwrap_or_default() {
            let of = |stated| {
                // Neither rule nor time matter unless the session has MFA.
                let mfa = MfaOfCheck::new(caller, stated, ActionRule::Plain, self.now);
                PlainMfa { state: mfa.state, temporary: mfa.temporary, present: mfa.present }
            };
            let known = PlainCaller {
                is_plain: caller.kind != PrincipalKind::Service,
                may_state_mfa: stated_mfa(caller),
                outside: caller.outside,
                is_path_assumed: caller.is_path_assumed,
                partition_number: self.plain.partition_number(caller.partition.as_deref()),
                mfa: [None, Some(false), Some(true)].map(of),
                frames: Vec::new(),
            };
            self.plain.callers.push(known);
        }
    }

    /// E-17, E-23: what is known and said of MFA.
    #[inline]
    pub(super) fn plain_mfa(
        &self,
        check: &PlainCheck<'_>,
        context: &PlainContext<'_>,
    ) -> Option<PlainMfa> {
        let caller = self.plain.callers.get(check.principal as usize)?;
        let stated = match context.mfa {
            Some(stated) if caller.may_state_mfa => Some(stated.present?),
            _ => None,
        };
        let mfa = caller.mfa[stated.map_or(0, |present| 1 + usize::from(present))];
        if let Some(given) = context.mfa
            && !caller.may_state_mfa
            && !(given.is_canonical && given.present == mfa.state)
        {
            return None;
        }
        Some(mfa)
    }

    #[inline]
    pub(super) fn plain_frame(
        &mut self,
        check: &PlainCheck<'_>,
        mfa: PlainMfa,
    ) -> Option<PlainFrame> {
        let caller = self.plain.callers.get(check.principal as usize)?;
        let place = frame_place(check.target, mfa);
        let known = caller.frames.get(place).and_then(|&found| found.checked_sub(1));
        match known {
            Some(found) => self.plain.found.get(found as usize).copied(),
            None => self.add_plain_frame(check, mfa, place),
        }
    }

    #[inline(never)]
    fn add_plain_frame(
        &mut self,
        check: &PlainCheck<'_>,
        mfa: PlainMfa,
        place: usize,
    ) -> Option<PlainFrame> {
        let found = self.new_plain_frame(check, mfa)?;
        let plain = &mut self.plain;
        let frames = &mut plain.callers.get_mut(check.principal as usize)?.frames;
        let n_more = (place + 1).saturating_sub(frames.len());
        plain.n_places += n_more;
        if plain.n_places > MAX_PLACES {
            return Some(found);
        }
        frames.resize(frames.len() + n_more, 0);
        let next = u32::try_from(plain.found.len()).ok()?;
        let at = *plain.found_index.entry(found).or_insert(next);
        if at == next {
            plain.found.push(found);
        }
        frames[place] = at.checked_add(1)?;
        Some(found)
    }

    fn new_plain_frame(&mut self, check: &PlainCheck<'_>, mfa: PlainMfa) -> Option<PlainFrame> {
        let header = self.plain.headers.get(check.header as usize)?;
        let (partition, owner) = self.plain.owners.get(header.owner as usize)?;
        let resource = ResolvedResource::bare(&check.resource, partition, *owner, check.shape);
        let principal = &self.principals[check.principal as usize];
        let action = &self.actions[check.action as usize];
        let (account, assumed) = self.resource_account(&resource, principal, action);
        let is_undeclared = assumed && *owner == Owner::Unknown;
        let parties = Parties {
            principal: check.principal,
            action: check.action,
            fit: check.fit,
            account,
            bucket_account: account,
            endpoint: EndpointLayer::NotApplicable,
            is_foreign_object: false,
            is_unknown_bucket: false,
            is_wrong_network: false,
            names_task_policy: false,
            temporary: mfa.temporary,
            mfa_present: mfa.present,
        };
        let frame = self.frame(&parties, &resource);
        let frame = self.intern_frame(frame).ok()?;
        let bare = self.bare()?;
        let of_keys = account.filter(|_| resource.owner != Owner::Aws);
        let keys = self.resource_key_list(bare, of_keys, check.action, (check.principal, None));
        Some(PlainFrame { frame, keys, account, assumed, is_undeclared })
    }
}
