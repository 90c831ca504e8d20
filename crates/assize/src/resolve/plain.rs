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

use std::borrow::Cow;

use assize_catalog::{HeaderFits, ResourceTypeId};
use assize_compiler::{EndpointLayer, KeyId, ValueId};
use assize_formats::{self as formats, PlainLine, PlainReader};
use assize_model::{
    AccountId, ActionId, ArnParts, ContextInput, ContextScalar, ContextValue, KeyShape, Principal,
    PrincipalKind, Request, Target,
};
use assize_policy::value::{parse_bool, parse_date};
use assize_store::parent;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::action::ActionRule;
use super::context::{MfaOfCheck, stated_mfa};
use super::frame::Parties;
use super::gaps::Asked;
use super::key::{KeyFacts, KeyRule, OwnKey};
use super::note::Notes;
use super::recent::RecentTexts;
use super::resource::{Owner, ResolvedResource, Shape, above, owner};
use super::time::{is_iso8601, iso8601};
use super::{Resolver, Run};
use crate::batch::ResourceKind;

/// What plain requests have in common, found once.
#[derive(Debug, Default)]
pub(super) struct PlainPaths {
    /// Positions of principals, actions and headers in their dictionaries.
    recent_principals: RecentTexts,
    recent_actions: RecentTexts,
    recent_headers: RecentTexts,
    header_index: HashMap<Box<str>, u32>,
    headers: Vec<Header>,
    /// Partitions and owners; positions are classes.
    owners: Vec<(Box<str>, Owner)>,
    owner_index: HashMap<(Box<str>, Owner), u32>,
    /// Positions in `found`: four bytes, since what a batch looks up should stay in the cache.
    frames: HashMap<u64, u32>,
    found: Vec<PlainFrame>,
    found_index: HashMap<PlainFrame, u32>,
    /// Which resource types there are: positions in `fits`, by action and header.
    fit_index: HashMap<(u32, u32), u32>,
    fits: Vec<HeaderFits>,
    /// The header of the last resource of each action, with its resource types: most resources of
    /// an action begin alike.
    last_headers: Vec<Option<KnownHeader>>,
    /// The regions of global services, by action and partition.
    global_regions: HashMap<(u32, Box<str>), Option<ValueId>>,
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
    rest: Vec<(OwnKey, KeyId)>,
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
        let n_paths =
            self.headers.len() + self.frames.len() + self.fits.len() + self.global_regions.len();
        if n_paths > MAX_PATHS {
            *self = Self::default();
        }
    }

    /// Forgets what follows from forms: they are numbered anew, or the policies ask for other keys.
    pub(super) fn forget_forms(&mut self) {
        self.forms.clear();
        self.own.given = None;
    }
}

/// A header with the resource types that an action has there: positions in `headers` and `fits`.
#[derive(Debug, Clone, Copy)]
struct KnownHeader {
    header: u32,
    fits: u32,
}

/// The first five segments of an ARN.
#[derive(Debug)]
struct Header {
    /// All of it, the last colon included.
    text: Box<str>,
    /// Their texts; all are empty for `*`, which belongs to the principal.
    partition: Box<str>,
    service: Box<str>,
    region_text: Box<str>,
    account: Box<str>,
    /// The region, when it is not empty.
    region: Option<ValueId>,
    /// The position in `owners`.
    owner: u32,
    /// The snapshot has records of resources whose ARNs begin so.
    has_records: bool,
}

impl Header {
    /// The ARN with a last segment.
    fn arn<'a>(&'a self, resource: &'a str) -> ArnParts<'a> {
        let Self { partition, service, region_text: region, account, .. } = self;
        ArnParts { partition, service, region, account, resource }
    }
}

/// What follows from everything but the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PlainFrame {
    frame: u32,
    /// The keys that hang on the resource's owner.
    keys: u32,
    account: Option<AccountId>,
    /// The resource is assumed to be the caller's (E-8, E-9), and whether nobody declared it.
    assumed: bool,
    is_undeclared: bool,
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
#[derive(Clone, Copy)]
struct PlainCheck<'r> {
    principal: u32,
    action: u32,
    resource: &'r str,
    header: u32,
    shape: Shape,
    fit: Option<ResourceTypeId>,
    /// Tags and a source identity mean more than keys: it opens a session, so that they would be
    /// checks of their own (E-90), or tags have other names too (E-20, E-21).
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

/// Bits of the parts of a key of `frames`.
const PRINCIPAL_BITS: u32 = 24;
const ACTION_BITS: u32 = 12;
const OWNER_BITS: u32 = 16;

impl Resolver<'_> {
    /// Adds the row of a plain request. Gives none, and has added nothing, when it is not one.
    #[inline]
    pub(super) fn push_plain(&mut self, request: &Request<'_>) -> Option<Run> {
        let Principal::Text(principal) = &request.principal else { return None };
        let Target::Action { action, resource, resources } = &request.target else { return None };
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
        let resource = self.plain_resource_text(principal, action, parts.resource)?;
        let check = self.plain_check(principal, action, &resource)?;
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
        let found = self.plain_frame(check, &mfa)?;
        if self.is_partial {
            self.plain_gaps(check, context, &found)?;
        }
        let text = if check.shape == Shape::Star { BARE } else { check.resource };
        let place = self.rows.place(text, found.keys)?;
        let bare = self.bare()?;
        self.rows.principal.push(check.principal);
        self.rows.action.push(self.actions[check.action as usize].column);
        self.rows.resource.push(place);
        self.rows.frame.push(found.frame);
        self.rows.resolved_action.push(check.action);
        self.rows.resolved_resource.push(bare);
        self.rows.account.push(found.account);
        let knows_region = self.plain_own_keys(check, context, row);
        self.plain_mfa_keys(&mfa, row);
        for &(_, columns, value) in &context.tags {
            for at in 0..self.tag_columns[columns].len() {
                let column = self.tag_columns[columns][at];
                if self.rows.keys.get(column, row).is_absent() {
                    self.rows.keys.set(column, row, value);
                }
            }
        }
        let caller = &self.principals[check.principal as usize];
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

    /// E-6: the text that stands for the resource. An ARN where none is taken is replaced, on the
    /// long way.
    fn plain_resource_text<'r>(
        &self,
        principal: u32,
        action: u32,
        given: Option<&'r str>,
    ) -> Option<Cow<'r, str>> {
        let facts = &self.actions[action as usize];
        let given = given.unwrap_or("*");
        if !facts.wildcard_only || (given == "*" && !facts.takes_form) {
            return Some(given.into());
        }
        let form = self.wildcard_form(principal, facts.id?);
        let is_form = given == "*" || (*form != *"*" && given.starts_with(&*form));
        is_form.then(|| if given == "*" { form.into_owned().into() } else { given.into() })
    }

    /// Principal, action and resource, when they are plain.
    fn plain_check<'r>(
        &mut self,
        principal: u32,
        action: u32,
        text: &'r str,
    ) -> Option<PlainCheck<'r>> {
        let facts = &self.actions[action as usize];
        let id = facts.id?;
        let caller = &self.principals[principal as usize];
        let opens_session = matches!(
            facts.rule,
            ActionRule::AssumeRole
                | ActionRule::AssumeRoleFederated
                | ActionRule::GetFederationToken
        );
        // A session that hands on its source identity checks more (E-90).
        // In partial context nobody knows whether it does (E-126).
        let hands_on_nothing = caller.source_identity.is_none() && !self.is_partial;
        let entails_nothing = self.entails_nothing(action)
            || (opens_session && !self.entails_more() && hands_on_nothing);
        if !facts.is_plain || !entails_nothing || caller.kind == PrincipalKind::Service {
            return None;
        }
        let (header, shape) = (0, Shape::Star);
        let mut check = PlainCheck {
            principal,
            action,
            resource: text,
            header,
            shape,
            fit: None,
            looks_at_tags: opens_session || facts.renames_tags(),
        };
        if text == "*" {
            check.header = self.star_header()?;
            return Some(check);
        }
        let (header, shape, fit) = self.plain_kind((action, id), text)?;
        Some(PlainCheck { header, shape, fit, ..check })
    }

    /// The header of a resource of which no more is known, its shape, and which resource type of
    /// the action it is.
    fn plain_kind(
        &mut self,
        (action, id): (u32, ActionId),
        text: &str,
    ) -> Option<(u32, Shape, Option<ResourceTypeId>)> {
        let known = self.last_header(action, text);
        let known = known.or_else(|| self.plain_header((action, id), text));
        let (KnownHeader { header, fits }, resource) = known?;
        let known = self.plain.headers.get(header as usize)?;
        let arn = known.arn(resource);
        let shape = Shape::of(Some(arn));
        if resource.is_empty() || self.is_known(text, arn, shape, known.has_records) {
            return None;
        }
        let fits = self.plain.fits.get(fits as usize)?;
        Some((header, shape, fits.of(&self.engine.catalog, resource)))
    }

    /// The header of the last resource of an action and what stands behind it, if this resource
    /// has the same: what begins with five segments has no others.
    #[inline]
    fn last_header<'t>(&self, action: u32, text: &'t str) -> Option<(KnownHeader, &'t str)> {
        let known = (*self.plain.last_headers.get(action as usize)?)?;
        let header = self.plain.headers.get(known.header as usize)?;
        Some((known, text.strip_prefix(&*header.text)?))
    }

    fn plain_header<'t>(
        &mut self,
        (action, id): (u32, ActionId),
        text: &'t str,
    ) -> Option<(KnownHeader, &'t str)> {
        let (head, resource) = ArnParts::split_header(text)?;
        let header = match self.plain.recent_headers.get(head) {
            Some(header) => header,
            None => self.header(text, head)?,
        };
        let plain = &mut self.plain;
        let next = u32::try_from(plain.fits.len()).ok()?;
        let fits = *plain.fit_index.entry((action, header)).or_insert(next);
        if fits == next {
            plain.fits.push(self.engine.catalog.header_fits(id, text));
        }
        let known = KnownHeader { header, fits };
        let at = action as usize;
        plain.last_headers.resize(plain.last_headers.len().max(at + 1), None);
        plain.last_headers[at] = Some(known);
        Some((known, resource))
    }

    /// What the short way knows of a resource: all that is decided of it beside what policies say
    /// of its text. None where the long way asks for more.
    pub(crate) fn resource_kind<'t>(
        &mut self,
        action: &str,
        text: &'t str,
    ) -> Option<ResourceKind<'t>> {
        let action = self.action(action).ok()?;
        let facts = &self.actions[action as usize];
        let id = facts.id?;
        if !facts.is_plain || facts.wildcard_only || !self.entails_nothing(action) {
            return None;
        }
        let (header, _) = ArnParts::split_header(text)?;
        let (_, shape, resource_type) = self.plain_kind((action, id), text)?;
        Some(ResourceKind { header, shape, resource_type })
    }

    /// Whether snapshot or rules know more of a resource than its header says.
    fn is_known(&self, text: &str, arn: ArnParts<'_>, shape: Shape, has_records: bool) -> bool {
        let sets = &self.engine.sets;
        let by_rule = match arn.service {
            // Access points.
            "s3" => !matches!(shape, Shape::S3Object | Shape::S3Bucket),
            "kms" => shape == Shape::KmsAlias,
            "iam" => {
                arn.account_id().is_none()
                    || arn.resource.starts_with("policy/")
                    || arn.resource.starts_with("role/aws-")
                    || sets.entity(text).is_some()
            }
            _ => false,
        };
        let is_recorded = |arn: &str| sets.is_recorded(arn);
        by_rule
            || has_records
                && (is_recorded(text)
                    || parent(text).is_some_and(|parent| {
                        is_recorded(&parent.arn) || above(&parent.arn).any(|arn| is_recorded(&arn))
                    }))
    }

    /// The header of `*`, which belongs to the principal.
    fn star_header(&mut self) -> Option<u32> {
        self.known_header("", |resolver| {
            let owner = resolver.owner_class("", Owner::Principal)?;
            Some(Header {
                text: "".into(),
                partition: "".into(),
                service: "".into(),
                region_text: "".into(),
                account: "".into(),
                region: None,
                owner,
                has_records: false,
            })
        })
    }

    fn header(&mut self, text: &str, head: &str) -> Option<u32> {
        let header = self.known_header(head, |resolver| {
            let arn = ArnParts::parse(text).ok()?;
            let owner =
                owner(text, Some(arn), &assize_model::ResourceData::default(), None).ok()?;
            let owner = resolver.owner_class(arn.partition, owner)?;
            let region =
                (!arn.region.is_empty()).then(|| resolver.values.intern_single(arn.region));
            let has_records = resolver.engine.sets.has_records(head);
            Some(Header {
                text: head.into(),
                partition: arn.partition.into(),
                service: arn.service.into(),
                region_text: arn.region.into(),
                account: arn.account.into(),
                region,
                owner,
                has_records,
            })
        })?;
        self.plain.recent_headers.put(head, header);
        Some(header)
    }

    fn known_header(
        &mut self,
        head: &str,
        make: impl FnOnce(&mut Self) -> Option<Header>,
    ) -> Option<u32> {
        if let Some(at) = self.plain.header_index.get(head) {
            return Some(*at);
        }
        let header = make(self)?;
        let at = u32::try_from(self.plain.headers.len()).ok()?;
        self.plain.headers.push(header);
        self.plain.header_index.insert(head.into(), at);
        Some(at)
    }

    fn owner_class(&mut self, partition: &str, owner: Owner) -> Option<u32> {
        let plain = &mut self.plain;
        let next = u32::try_from(plain.owners.len()).ok().filter(|at| at >> OWNER_BITS == 0);
        let key = (Box::from(partition), owner);
        if let Some(known) = plain.owner_index.get(&key) {
            return Some(*known);
        }
        let next = next?;
        plain.owners.push(key.clone());
        plain.owner_index.insert(key, next);
        Some(next)
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

    /// E-17, E-23: what is known and said of MFA.
    fn plain_mfa(&self, check: &PlainCheck<'_>, context: &PlainContext<'_>) -> Option<MfaOfCheck> {
        let caller = &self.principals[check.principal as usize];
        let rule = self.actions[check.action as usize].rule;
        let time = context.time.unwrap_or(self.now);
        let may_state = stated_mfa(caller);
        let stated = match context.mfa {
            Some(stated) if may_state => Some(stated.present?),
            _ => None,
        };
        let mfa = MfaOfCheck::new(caller, stated, rule, time);
        if let Some(given) = context.mfa
            && !may_state
            && !(given.is_canonical && given.present == mfa.state)
        {
            return None;
        }
        Some(mfa)
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

    fn plain_frame(&mut self, check: &PlainCheck<'_>, mfa: &MfaOfCheck) -> Option<PlainFrame> {
        let class = self.actions[check.action as usize].class;
        let owner = self.plain.headers[check.header as usize].owner;
        if check.principal >> PRINCIPAL_BITS != 0 || class >> ACTION_BITS != 0 {
            return None;
        }
        let mut key = u64::from(check.principal);
        key = key << ACTION_BITS | u64::from(class);
        key = key << OWNER_BITS | u64::from(owner);
        key = key << 4 | check.shape as u64;
        let flags = [check.fit.is_some(), mfa.temporary, mfa.present];
        key = flags.into_iter().fold(key, |key, flag| key << 1 | u64::from(flag));
        if let Some(at) = self.plain.frames.get(&key) {
            return self.plain.found.get(*at as usize).copied();
        }
        let found = self.new_plain_frame(check, mfa)?;
        let plain = &mut self.plain;
        let next = u32::try_from(plain.found.len()).ok()?;
        let at = *plain.found_index.entry(found).or_insert(next);
        if at == next {
            plain.found.push(found);
        }
        plain.frames.insert(key, at);
        Some(found)
    }

    fn new_plain_frame(&mut self, check: &PlainCheck<'_>, mfa: &MfaOfCheck) -> Option<PlainFrame> {
        let (partition, owner) =
            &self.plain.owners[self.plain.headers[check.header as usize].owner as usize];
        let resource = ResolvedResource::bare(check.resource, partition, *owner, check.shape);
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

    /// Keys of their own that a request need not give. Says whether the region is known (E-19).
    fn plain_own_keys(
        &mut self,
        check: &PlainCheck<'_>,
        context: &PlainContext<'_>,
        row: usize,
    ) -> bool {
        let gives_region = context.gives(OwnKey::RequestedRegion);
        let region = if gives_region { None } else { self.plain_region(check) };
        if self.plain.own.given != Some(context.given) {
            self.find_own_of_rest(context);
        }
        for at in 0..self.plain.own.rest.len() {
            let (own, column) = self.plain.own.rest[at];
            let value = match own {
                OwnKey::RequestedRegion => region,
                OwnKey::SecureTransport => Some(self.truth()[1]),
                OwnKey::ViaAwsService => Some(self.truth()[0]),
                OwnKey::CurrentTime | OwnKey::EpochTime => {
                    let time = context.time.unwrap_or(self.now);
                    Some(match (own, context.time_text) {
                        (OwnKey::CurrentTime, Some(text)) => self.values.pass_single(text),
                        (OwnKey::CurrentTime, None) => self.values.pass_single(&iso8601(time)),
                        _ => self.values.pass_single(itoa::Buffer::new().format(time)),
                    })
                }
                _ => None,
            };
            if let Some(value) = value {
                self.rows.keys.set(column, row, value);
            }
        }
        gives_region || region.is_some()
    }

    fn find_own_of_rest(&mut self, context: &PlainContext<'_>) {
        let follows = |own: OwnKey| match own {
            OwnKey::RequestedRegion | OwnKey::SecureTransport => !context.gives(own),
            // In partial context nobody says that it is not (E-121).
            OwnKey::ViaAwsService => !context.gives(own) && !self.is_partial,
            OwnKey::CurrentTime | OwnKey::EpochTime => true,
            _ => false,
        };
        let rest = self.asked_own.iter().copied().filter(|(own, _)| follows(*own)).collect();
        self.plain.own = OwnOfRest { given: Some(context.given), rest };
    }

    /// E-19: the region that follows from the resource or the service.
    fn plain_region(&mut self, check: &PlainCheck<'_>) -> Option<ValueId> {
        let header = &self.plain.headers[check.header as usize];
        if header.region.is_some() {
            return header.region;
        }
        let own = self.principals[check.principal as usize].partition.as_deref();
        let of_resource = Some(&*header.partition).filter(|partition| !partition.is_empty());
        let partition = of_resource.or(own).unwrap_or("aws");
        let known = &self.plain.global_regions;
        if let Some(region) = known.get(&GlobalRegion { action: check.action, partition }) {
            return *region;
        }
        let partition: Box<str> = partition.into();
        let service = &self.actions[check.action as usize].service;
        let region = self.engine.catalog.global_service_region(service, &partition);
        let region = region.map(|region| self.values.intern_single(region));
        self.plain.global_regions.insert((check.action, partition), region);
        region
    }

    fn plain_mfa_keys(&mut self, mfa: &MfaOfCheck, row: usize) {
        let [present, age] = self.mfa_columns;
        if let (Some(column), Some(state)) = (present, mfa.state) {
            let value = self.truth()[usize::from(state)];
            self.rows.keys.set(column, row, value);
        }
        if let (Some(column), Some(seconds)) = (age, mfa.age) {
            let value = self.values.pass_single(&seconds.to_string());
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

/// A key of `global_regions`, borrowed.
#[derive(Hash)]
struct GlobalRegion<'a> {
    action: u32,
    partition: &'a str,
}

impl hashbrown::Equivalent<(u32, Box<str>)> for GlobalRegion<'_> {
    fn equivalent(&self, key: &(u32, Box<str>)) -> bool {
        self.action == key.0 && *self.partition == *key.1
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
