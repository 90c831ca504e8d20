//! The short way of plain requests.
//!
//! Most requests of a stream ask one known action of one known principal, on a resource of which
//! nobody knows more than its ARN, with single texts as context. Of such a request everything but
//! the context depends on little: the principal, the class of the action, the header of the ARN
//! and the kind of resource behind it. So the frame is found by these, and the rest is one pass
//! over the context.
//!
//! Whatever is out of the ordinary, and everything that is wrong, takes the long way, which says
//! the same of plain requests (test `the_short_way_is_the_long_way`).

mod frame;
mod target;

use std::borrow::Cow;

use assize_catalog::ResourceTypeId;
use assize_compiler::{KeyId, ValueId};
use assize_formats::{self as formats, PlainLine, PlainReader};
use assize_model::{
    ContextInput, ContextScalar, ContextValue, KeyShape, Principal, Request, Target as Asks,
};
use assize_policy::value::{parse_bool, parse_date};
use hashbrown::HashMap;
use smallvec::SmallVec;

use self::frame::{MAX_PLACES, PlainCaller, PlainFrame, PlainMfa};
use self::target::{Header, Pair, PlainAction, Target};
use super::context::stated_mfa;
use super::gaps::Asked;
use super::key::{KeyFacts, KeyRule, OwnKey};
use super::note::Notes;
use super::recent::RecentTexts;
use super::resource::{Owner, ResolvedResource, Shape};
use super::time::{is_iso8601, iso8601};
use super::{Resolver, Run};

/// What plain requests have in common, found once.
#[derive(Debug, Default)]
pub(super) struct PlainPaths {
    /// Positions of principals, actions and headers in their dictionaries.
    recent_principals: RecentTexts,
    recent_actions: RecentTexts,
    recent_headers: RecentTexts,
    /// What is asked of actions and principals of the resolver, by their positions there.
    actions: Vec<PlainAction>,
    callers: Vec<PlainCaller>,
    header_index: HashMap<Box<str>, u32>,
    headers: Vec<Header>,
    star_header: Option<u32>,
    partitions: HashMap<Box<str>, u32>,
    /// Partitions and owners of headers.
    owners: Vec<(Box<str>, Owner)>,
    owner_index: HashMap<(Box<str>, Owner), u32>,
    /// Positions in `pairs`, by action and header.
    pair_index: HashMap<(u32, u32), u32>,
    pairs: Vec<Pair>,
    targets: HashMap<Target, u32>,
    found: Vec<PlainFrame>,
    found_index: HashMap<PlainFrame, u32>,
    /// The places of frames of all callers.
    n_places: usize,
    /// The position in the dictionary of a resource of which nothing is known.
    bare: Option<u32>,
    /// `false` and `true` as values.
    truth: Option<[ValueId; 2]>,
    /// What follows from the forms of lines, as far as they came up.
    forms: Vec<Option<PlainForm>>,
    /// Keys of their own that a request which gives these still has, from the last request.
    own: OwnOfRest,
}

/// The keys of their own, of those that policies ask about, that follow from something else.
#[derive(Debug, Default)]
struct OwnOfRest {
    /// Bits of the keys that are given, once the rest is known.
    given: Option<u32>,
    /// What is said unless a request says otherwise.
    constants: SmallVec<[(KeyId, ValueId); 2]>,
    region: Option<KeyId>,
    /// The time as a date and as a number.
    time: Option<KeyId>,
    epoch: Option<KeyId>,
}

/// What follows from the keys of the context of a line.
#[derive(Debug, Default)]
struct PlainForm {
    /// Some key takes the long way, or several fold to one name (L-606).
    is_long: bool,
    /// Some key means more to an action that opens a session (E-90).
    is_of_session: bool,
    /// Bits of the keys of their own that are given.
    given: u32,
    /// The values that stand as they are: their positions among those of the line, and columns.
    puts: Vec<(usize, KeyId)>,
    /// The other values that are looked at, by the positions of their keys.
    looked_at: Vec<(usize, PlainKey)>,
    /// The folded names, for who asks which are given.
    folds: Vec<u32>,
}

/// What the short way asks of a key of `context`.
#[derive(Debug, Clone, Copy)]
struct PlainKey {
    /// The position in the resolver's keys.
    key: u32,
    /// That of its folded name.
    fold: u32,
    is_of_session: bool,
    plain: PlainUse,
}

impl PlainPaths {
    /// Forgets everything when it is too much: a stream may name any number of accounts (F-34).
    pub(super) fn begin(&mut self) {
        let n_paths = self.headers.len() + self.pairs.len() + self.targets.len() + self.found.len();
        if n_paths > MAX_PATHS || self.n_places > MAX_PLACES {
            *self = Self::default();
        }
    }

    /// Forgets what follows from forms: they are numbered anew, or the policies ask for other keys.
    pub(super) fn forget_forms(&mut self) {
        self.forms.clear();
        self.own.given = None;
    }
}

/// How a key of `context` is taken on the short way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainUse {
    /// Nobody asks for it and nothing contradicts it.
    Skip,
    /// It stands as it is.
    Put(KeyId),
    /// As [`PlainUse::Put`]; it has a default when it is not given.
    Own(OwnKey, Option<KeyId>),
    /// It says the time.
    Time,
    /// It says whether there was MFA.
    Mfa,
    /// It must be what is known of the principal.
    Principal,
    /// It is a tag of the resource: bytes of the prefix, and whether every service reads it so.
    ResourceTag(usize, bool),
    /// It takes the long way.
    Long,
}

impl PlainUse {
    pub(super) fn of(facts: &KeyFacts) -> Self {
        let is_list = matches!(facts.shape, Some(KeyShape::Multivalued | KeyShape::OneOrMany));
        let put = facts.column.map_or(Self::Skip, Self::Put);
        match facts.rule {
            KeyRule::Never => Self::Skip,
            _ if is_list && facts.column.is_some() => Self::Long,
            KeyRule::Free | KeyRule::RequestTag => put,
            KeyRule::Principal => Self::Principal,
            KeyRule::Mfa if facts.key.folded() == "aws:multifactorauthpresent" => Self::Mfa,
            KeyRule::ResourceTag(len) => {
                Self::ResourceTag(len, super::context::is_plain_tag_key(facts.key.spelling()))
            }
            KeyRule::Own(own) => match own {
                OwnKey::SourceIp
                | OwnKey::UserAgent
                | OwnKey::Referer
                | OwnKey::SecureTransport
                | OwnKey::RequestedRegion
                | OwnKey::ViaAwsService => Self::Own(own, facts.column),
                OwnKey::CurrentTime | OwnKey::EpochTime => Self::Time,
                _ => Self::Long,
            },
            KeyRule::Mfa
            | KeyRule::ResourceOwner
            | KeyRule::ServiceRequestTag(_)
            | KeyRule::ServiceTagKeys => Self::Long,
        }
    }
}

/// What a plain request says besides its context.
#[derive(Clone, Copy)]
struct Parts<'r> {
    principal: &'r str,
    action: &'r str,
    resource: Option<&'r str>,
}

/// What the parts of a plain request stand for.
struct PlainCheck<'r> {
    principal: u32,
    action: u32,
    resource: Cow<'r, str>,
    header: u32,
    shape: Shape,
    fit: Option<ResourceTypeId>,
    /// The number of what the frame hangs on besides the caller.
    target: u32,
    looks_at_tags: bool,
}

/// What the context of a plain request says.
#[derive(Default)]
struct PlainContext<'r> {
    /// Tags of the resource: the key, the position of their columns, and the value.
    tags: SmallVec<[(&'r str, usize, ValueId); 2]>,
    /// Bits of the keys of their own that are given.
    given: u32,
    time: Option<i64>,
    /// The time as `aws:CurrentTime` shows it, when the context gives it so.
    time_text: Option<&'r str>,
    /// The text of `aws:MultiFactorAuthPresent`, read.
    mfa: Option<StatedMfa>,
}

impl PlainContext<'_> {
    fn gives(&self, own: OwnKey) -> bool {
        self.given & 1 << own as u32 != 0
    }
}

#[derive(Clone, Copy)]
struct StatedMfa {
    present: Option<bool>,
    /// The text is as we write it.
    is_canonical: bool,
}

/// The resource of actions that take none.
const BARE: &str = "*";

/// What a resolver keeps of headers and frames before it starts over.
const MAX_PATHS: usize = 1 << 18;

impl Resolver<'_> {
    /// Adds the row of a plain request. Gives none, and has added nothing, when it is not one.
    #[inline]
    pub(super) fn push_plain(&mut self, request: &Request<'_>) -> Option<Run> {
        let Principal::Text(principal) = &request.principal else { return None };
        let Asks::Action { action, resource, resources } = &request.target else { return None };
        if !is_plain(request) || !resources.is_empty() {
            return None;
        }
        let parts = Parts { principal, action, resource: resource.as_deref() };
        self.push_parts(parts, |resolver, check| resolver.plain_context(request, check))
    }

    /// Adds the row of a line of the plain form, unless it is out of the ordinary otherwise. When
    /// its reader forgets forms, so must the resolver ([`Resolver::forget_forms`]).
    #[inline]
    pub(crate) fn push_plain_line<'r>(
        &mut self,
        reader: &'r PlainReader,
        line: &PlainLine<'r>,
    ) -> Option<Run> {
        let PlainLine { principal, action, resource, .. } = *line;
        let parts = Parts { principal, action, resource };
        self.push_parts(parts, |resolver, check| resolver.line_context(reader, line, check))
    }

    /// Forgets what follows from the forms of lines.
    pub(crate) fn forget_forms(&mut self) {
        self.plain.forget_forms();
    }

    fn push_parts<'r>(
        &mut self,
        parts: Parts<'r>,
        read: impl FnOnce(&mut Self, &PlainCheck<'_>) -> Option<PlainContext<'r>>,
    ) -> Option<Run> {
        if self.keeps_context || self.encryption_column.is_some() {
            return None;
        }
        self.refresh_keys();
        let principal = self.plain_principal(parts.principal)?;
        let action = self.plain_action(parts.action)?;
        let check = self.plain_check(principal, action, parts.resource)?;
        let row = self.rows.len();
        let context = read(self, &check);
        let run = context.and_then(|context| self.push_check(&context, &check));
        if run.is_none() {
            self.rows.truncate(row);
            self.partial.truncate(row);
        }
        run
    }

    #[inline]
    fn plain_principal(&mut self, text: &str) -> Option<u32> {
        self.plain.recent_principals.find(text, &self.principal_index)
    }

    #[inline]
    fn plain_action(&mut self, text: &str) -> Option<u32> {
        self.plain.recent_actions.find(text, &self.action_index)
    }

    /// Adds the row of a check. When it gives none, something may have been added.
    fn push_check(&mut self, context: &PlainContext<'_>, check: &PlainCheck<'_>) -> Option<Run> {
        let row = self.rows.len();
        let number = u32::try_from(row).ok()?;
        let mfa = self.plain_mfa(check, context)?;
        let found = self.plain_frame(check, mfa)?;
        if self.is_partial {
            self.plain_gaps(check, context, &found)?;
        }
        let place = self.rows.place(&check.resource, found.keys)?;
        let bare = self.bare()?;
        let column = self.plain.actions.get(check.action as usize)?.column;
        self.rows.principal.push(check.principal);
        self.rows.action.push(column);
        self.rows.resource.push(place);
        self.rows.frame.push(found.frame);
        self.rows.resolved_action.push(check.action);
        self.rows.resolved_resource.push(bare);
        self.rows.account.push(found.account);
        let knows_region = self.plain_own_keys(check, context, row);
        self.plain_mfa_keys(mfa, row);
        for &(_, columns, value) in &context.tags {
            for at in 0..self.tag_columns[columns].len() {
                let column = self.tag_columns[columns][at];
                if self.rows.keys.get(column, row).is_absent() {
                    self.rows.keys.set(column, row, value);
                }
            }
        }
        let caller = self.plain.callers.get(check.principal as usize)?;
        if caller.outside || !knows_region || found.assumed {
            let notes = Notes {
                outside_principal: caller.outside,
                role_path: caller.is_path_assumed,
                region_unknown: !knows_region,
                resource_account: found.assumed,
                is_undeclared: found.is_undeclared,
                ..Notes::default()
            };
            self.rows.notes.push((number, notes));
        }
        Some(Run { start: number, len: 1 })
    }

    fn bare(&mut self) -> Option<u32> {
        if self.plain.bare.is_none() {
            let resource = ResolvedResource::bare(BARE, "", Owner::Principal, Shape::Star);
            self.plain.bare = self.add_resource(resource).ok();
        }
        self.plain.bare
    }

    fn plain_context<'r>(
        &mut self,
        request: &'r Request<'_>,
        check: &PlainCheck<'_>,
    ) -> Option<PlainContext<'r>> {
        let mut context = PlainContext { time: request.time, ..PlainContext::default() };
        self.next_stamp();
        for (name, input) in &request.context {
            let ContextInput::Scalar(ContextScalar::String(text)) = input else { return None };
            let key = self.plain_key(name);
            let seen = &mut self.seen[key.fold as usize];
            // Several entries fold to one name (L-606).
            if std::mem::replace(seen, self.stamp) == self.stamp {
                return None;
            }
            if check.looks_at_tags && key.is_of_session {
                return None;
            }
            if let PlainUse::Own(own, _) = key.plain {
                context.given |= 1 << own as u32;
            }
            self.plain_value(&mut context, check, key, (name, text))?;
        }
        Some(context)
    }

    /// The same of a line, whose keys were looked at when its form came up.
    fn line_context<'r>(
        &mut self,
        reader: &'r PlainReader,
        line: &PlainLine<'r>,
        check: &PlainCheck<'_>,
    ) -> Option<PlainContext<'r>> {
        let keys = reader.keys(line.form);
        if !matches!(self.plain.forms.get(line.form), Some(Some(_))) {
            self.add_form(line.form, keys);
        }
        let forms = std::mem::take(&mut self.plain.forms);
        let form = forms.get(line.form).and_then(Option::as_ref);
        let context = form.and_then(|form| self.form_context(form, (keys, &line.values), check));
        self.plain.forms = forms;
        context
    }

    fn form_context<'r>(
        &mut self,
        form: &PlainForm,
        (keys, values): (&'r [formats::PlainKey], &[&'r str]),
        check: &PlainCheck<'_>,
    ) -> Option<PlainContext<'r>> {
        if form.is_long || (check.looks_at_tags && form.is_of_session) {
            return None;
        }
        if self.is_partial {
            self.next_stamp();
            for &fold in &form.folds {
                self.seen[fold as usize] = self.stamp;
            }
        }
        let mut context = PlainContext { given: form.given, ..PlainContext::default() };
        let row = self.rows.len();
        for &(at, column) in &form.puts {
            let value = self.values.pass_single(values.get(at)?);
            self.rows.keys.set(column, row, value);
        }
        for &(at, key) in &form.looked_at {
            let formats::PlainKey { at, name } = keys.get(at)?;
            self.plain_value(&mut context, check, key, (name, values.get(*at)?))?;
        }
        Some(context)
    }

    /// Notes what follows from the keys of a form.
    fn add_form(&mut self, number: usize, keys: &[formats::PlainKey]) {
        let mut form = PlainForm::default();
        self.next_stamp();
        for (at, given) in keys.iter().enumerate() {
            let key = self.plain_key(&given.name);
            let seen = &mut self.seen[key.fold as usize];
            let is_seen = std::mem::replace(seen, self.stamp) == self.stamp;
            form.is_long |= is_seen || key.plain == PlainUse::Long;
            form.is_of_session |= key.is_of_session;
            form.folds.push(key.fold);
            if let PlainUse::Own(own, _) = key.plain {
                form.given |= 1 << own as u32;
            }
            match key.plain {
                PlainUse::Skip | PlainUse::Own(_, None) => {}
                PlainUse::Put(column) | PlainUse::Own(_, Some(column)) => {
                    form.puts.push((given.at, column));
                }
                _ => form.looked_at.push((at, key)),
            }
        }
        if self.plain.forms.len() <= number {
            self.plain.forms.resize_with(number + 1, || None);
        }
        self.plain.forms[number] = Some(form);
    }

    /// Takes in what the context says of a key.
    #[inline]
    fn plain_value<'r>(
        &mut self,
        context: &mut PlainContext<'r>,
        check: &PlainCheck<'_>,
        key: PlainKey,
        (name, text): (&'r str, &'r str),
    ) -> Option<()> {
        let row = self.rows.len();
        match key.plain {
            PlainUse::Skip | PlainUse::Own(_, None) => {}
            PlainUse::Put(column) | PlainUse::Own(_, Some(column)) => {
                let value = self.values.pass_single(text);
                self.rows.keys.set(column, row, value);
            }
            PlainUse::Time => {
                let time = parse_date(text)?;
                if context.time.is_some_and(|other| other != time) {
                    return None;
                }
                context.time = Some(time);
                context.time_text = Some(text).filter(|text| is_iso8601(text));
            }
            PlainUse::Mfa => {
                let is_canonical = matches!(text, "true" | "false");
                context.mfa = Some(StatedMfa { present: parse_bool(text), is_canonical });
            }
            PlainUse::Principal => {
                let derived = &self.principals[check.principal as usize].derived;
                let derived = derived.get(self.keys[key.key as usize].key.folded())?;
                if !matches!(derived, ContextValue::Single(own) if **own == *text) {
                    return None;
                }
            }
            PlainUse::ResourceTag(prefix_len, always) => {
                let value = self.values.pass_single(text);
                if let Some(column) = self.keys[key.key as usize].column {
                    self.rows.keys.set(column, row, value);
                }
                let (prefix, tag) = name.split_at_checked(prefix_len)?;
                let is_role = check.shape == Shape::IamRole;
                if always || self.carries_tags(check.action, (is_role, check.fit), prefix) {
                    // Names of one tag that differ contradict each other (E-23).
                    let is_tag = |own: &str| own.eq_ignore_ascii_case(tag);
                    if context.tags.iter().any(|(own, _, v)| *v != value && is_tag(own)) {
                        return None;
                    }
                    let profile = self.tag_profile(check.action, is_role, check.fit);
                    context.tags.push((tag, self.tag_columns(profile, tag), value));
                }
            }
            PlainUse::Long => return None,
        }
        Some(())
    }

    fn plain_key(&mut self, name: &str) -> PlainKey {
        let key = self.key(name);
        let &KeyFacts { fold, is_of_session, plain, .. } = &self.keys[key as usize];
        PlainKey { key, fold, is_of_session, plain }
    }

    /// What the row leaves unknown in partial context. Its frame is that of both sides: a caller
    /// who is named by an ARN has no session, and whether there was MFA matters to sessions of
    /// users alone (E-72).
    fn plain_gaps(
        &mut self,
        check: &PlainCheck<'_>,
        context: &PlainContext<'_>,
        found: &PlainFrame,
    ) -> Option<()> {
        let caller = &self.principals[check.principal as usize];
        let asked = Asked {
            principal: check.principal,
            action: check.action,
            stated_mfa: context.mfa.filter(|_| stated_mfa(caller)).and_then(|mfa| mfa.present),
            tags: self.tag_profile(check.action, check.shape == Shape::IamRole, check.fit),
            knows_owner: found.account.is_some(),
            keys: found.keys,
            knows_tags: false,
            known_holders: [None; 2],
        };
        let gap = self.plain_gap(context.gives(OwnKey::SourceIp), asked).ok()?;
        self.partial.gap.push(gap);
        self.partial.best_frame.push(found.frame);
        self.partial.made_if.push(None);
        Some(())
    }

    /// Keys of their own that a request need not give. Says whether the region is known (E-19).
    fn plain_own_keys(
        &mut self,
        check: &PlainCheck<'_>,
        context: &PlainContext<'_>,
        row: usize,
    ) -> bool {
        if self.plain.own.given != Some(context.given) {
            self.find_own_of_rest(context);
        }
        let gives_region = context.gives(OwnKey::RequestedRegion);
        let region = if gives_region { None } else { self.plain_region(check) };
        let OwnOfRest { constants, region: column, time, epoch, .. } = &self.plain.own;
        for &(column, value) in constants {
            self.rows.keys.set(column, row, value);
        }
        if let (Some(column), Some(region)) = (*column, region) {
            self.rows.keys.set(column, row, region);
        }
        if let Some(column) = *time {
            let value = match context.time_text {
                Some(text) => self.values.pass_single(text),
                None => self.values.pass_single(&iso8601(context.time.unwrap_or(self.now))),
            };
            self.rows.keys.set(column, row, value);
        }
        if let Some(column) = *epoch {
            let time = context.time.unwrap_or(self.now);
            let value = self.values.pass_single(itoa::Buffer::new().format(time));
            self.rows.keys.set(column, row, value);
        }
        gives_region || region.is_some()
    }

    #[inline(never)]
    fn find_own_of_rest(&mut self, context: &PlainContext<'_>) {
        let [no, yes] = self.truth();
        let mut rest = OwnOfRest { given: Some(context.given), ..OwnOfRest::default() };
        for &(own, column) in &self.asked_own {
            match own {
                OwnKey::RequestedRegion => rest.region = Some(column),
                OwnKey::SecureTransport if !context.gives(own) => {
                    rest.constants.push((column, yes));
                }
                // In partial context nobody says that it is not (E-121).
                OwnKey::ViaAwsService if !context.gives(own) && !self.is_partial => {
                    rest.constants.push((column, no));
                }
                OwnKey::CurrentTime => rest.time = Some(column),
                OwnKey::EpochTime => rest.epoch = Some(column),
                _ => {}
            }
        }
        self.plain.own = rest;
    }

    fn plain_mfa_keys(&mut self, mfa: PlainMfa, row: usize) {
        if let ([Some(column), _], Some(state)) = (self.mfa_columns, mfa.state) {
            let value = self.truth()[usize::from(state)];
            self.rows.keys.set(column, row, value);
        }
    }

    fn truth(&mut self) -> [ValueId; 2] {
        let values = &mut self.values;
        *self
            .plain
            .truth
            .get_or_insert_with(|| ["false", "true"].map(|text| values.intern_single(text)))
    }
}

/// Whether a request says nothing in fields that are rare.
fn is_plain(request: &Request<'_>) -> bool {
    request.resource_data.is_none()
        && request.request_tags.is_none()
        && request.absent.is_empty()
        && request.unknown.is_empty()
        && request.network.is_none()
        && request.via.is_none()
        && request.region.is_none()
        && request.source.is_none()
        && request.complete.is_empty()
}
