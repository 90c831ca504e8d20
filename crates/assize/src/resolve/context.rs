//! The context of one row: what the request gives, what its fields say, and what contradicts
//! what was derived (E-15 – E-25, L-606, L-609).

use std::borrow::Cow;

use assize_catalog::ResourceTypeId;
use assize_compiler::{KeyId, ValueId};
use assize_model::{
    ArnParts, ConditionKey, ContextInput, ContextScalar, ContextValue, KeyShape, MfaState,
    PrincipalKind, Request, RequestError, RequestErrorKind, Target, fold_key,
};
use assize_policy::value::parse_bool;
use assize_store::Tag;
use smallvec::SmallVec;

use super::Resolver;
use super::action::ActionRule;
use super::check::{Added, CheckSpec};
use super::elsewhere::{is_of_elsewhere, note_elsewhere};
use super::environment::{Environment, OwnValue, conflict, pointer_to, scalar_text};
use super::gaps::{self, Gap};
use super::key::{KeyRule, OwnKey};
use super::principal::ResolvedPrincipal;
use super::resource::Shape;
use super::time::iso8601;

/// What was read of a row's context before its resource's owner is known.
#[derive(Debug)]
pub(super) struct RowContext<'r> {
    pub(super) environment: Environment<'r>,
    /// Keys that go into columns as they are: position of the key's facts, value.
    given: SmallVec<[(u32, GivenValue<'r>); 4]>,
    /// Tags of the request (E-21): name and value.
    tags: Vec<(Cow<'r, str>, GivenValue<'r>)>,
    /// The names of the tags that `context` gives, each as it is spelled there.
    tag_names: Vec<Cow<'r, str>>,
    /// These tags with the keys that give them: the key, its name behind the prefix.
    given_tags: Vec<(u32, &'r str, GivenValue<'r>)>,
    /// Lists of the tags of the request under names of a service.
    tag_lists: Vec<(u32, GivenValue<'r>)>,
    /// Keys of the tags of the request that an option lets stand over its field (E-23).
    overriding: Vec<(u32, GivenValue<'r>)>,
    /// Tags of a resource of which nobody else says the tags (E-23): the key, its name behind the
    /// prefix.
    resource_tags: Vec<(u32, &'r str, GivenValue<'r>)>,
    mfa: Option<bool>,
    mfa_age: Option<i64>,
    /// The credentials are temporary and carry MFA (E-72).
    pub(super) temporary: bool,
    pub(super) mfa_present: bool,
    /// MFA as `context` states it for a user without a session (E-23).
    pub(super) stated_mfa: Option<bool>,
    /// Keys that no policy asks about are kept too.
    keeps_all: bool,
    /// Which of the action's resource types the resource is (E-7).
    fit: Option<ResourceTypeId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GivenValue<'r> {
    Single(Cow<'r, str>),
    List(Vec<Cow<'r, str>>),
    Colliding,
}

impl<'r> GivenValue<'r> {
    /// The members; none of several entries.
    pub(super) fn texts(&self) -> &[Cow<'r, str>] {
        match self {
            Self::Single(text) => std::slice::from_ref(text),
            Self::List(items) => items,
            Self::Colliding => &[],
        }
    }

    pub(super) fn is(&self, derived: &ContextValue) -> bool {
        match (self, derived) {
            (Self::Single(given), ContextValue::Single(derived)) => **given == **derived,
            (Self::List(given), ContextValue::List(derived)) => {
                given.len() == derived.len() && given.iter().zip(derived).all(|(g, d)| **g == **d)
            }
            // Also two that collide: they equal nothing (L-606).
            _ => false,
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Single(text) => text.to_string(),
            Self::List(items) => items.join(", "),
            Self::Colliding => "several entries".into(),
        }
    }

    pub(super) fn to_value(&self) -> ContextValue {
        match self {
            Self::Single(text) => ContextValue::Single(text.as_ref().into()),
            Self::List(items) => list_value(items),
            Self::Colliding => ContextValue::Colliding,
        }
    }

    fn into_own(self) -> OwnValue<'r> {
        match self {
            Self::Single(text) => OwnValue::Single(text),
            Self::List(items) => OwnValue::List(items),
            Self::Colliding => OwnValue::Colliding,
        }
    }

    fn pass(&self, resolver: &mut Resolver<'_>) -> ValueId {
        match self {
            Self::Single(text) => resolver.values.pass_single(text),
            Self::List(items) => resolver.values.pass_list(items.iter().map(AsRef::as_ref)),
            Self::Colliding => ValueId::COLLIDING,
        }
    }
}

/// Where the row's values go: its number, and a copy for explanations.
struct Sink {
    row: usize,
    kept: Option<Vec<(ConditionKey, ContextValue)>>,
}

impl Sink {
    fn put(
        &mut self,
        resolver: &mut Resolver<'_>,
        column: Option<KeyId>,
        name: &str,
        value: &GivenValue<'_>,
    ) {
        if let Some(column) = column {
            let id = value.pass(resolver);
            resolver.rows.keys.set(column, self.row, id);
        }
        if let Some(kept) = &mut self.kept {
            let key = ConditionKey::new(name);
            kept.retain(|(other, _)| *other != key);
            kept.push((key, value.to_value()));
        }
    }

    fn put_text(
        &mut self,
        resolver: &mut Resolver<'_>,
        column: Option<KeyId>,
        name: &str,
        text: &str,
    ) {
        self.put(resolver, column, name, &GivenValue::Single(Cow::Borrowed(text)));
    }
}

impl<'r> RowContext<'r> {
    /// The fields of a request.
    pub(super) fn new(
        resolver: &Resolver<'_>,
        request: &'r Request<'r>,
        principal: u32,
        fit: Option<ResourceTypeId>,
    ) -> Self {
        let may_override = resolver.engine.options.allow_context_override;
        let mut row = Self {
            environment: Environment::of_fields(request, may_override),
            given: SmallVec::new(),
            tags: Vec::new(),
            tag_names: Vec::new(),
            given_tags: Vec::new(),
            tag_lists: Vec::new(),
            overriding: Vec::new(),
            resource_tags: Vec::new(),
            mfa: None,
            mfa_age: None,
            temporary: resolver.principals[principal as usize].temporary,
            mfa_present: false,
            stated_mfa: None,
            keeps_all: resolver.keeps_context || !request.absent.is_empty(),
            fit,
        };
        // No key stands for a tag without a name (L-710).
        let tags = request.request_tags.iter().flatten().filter(|(key, _)| !key.is_empty());
        for (key, value) in tags {
            let value = GivenValue::Single(Cow::Borrowed(value.as_ref()));
            row.tags.push((Cow::Borrowed(key.as_ref()), value));
        }
        row
    }

    /// Reads the context of a check.
    pub(super) fn read(
        &mut self,
        resolver: &mut Resolver<'_>,
        request: &'r Request<'r>,
        check: &mut CheckSpec<'r>,
        (principal, resource): (u32, u32),
    ) -> Result<(), RequestError> {
        let parties = (principal, resource);
        resolver.next_stamp();
        for (name, input) in check.context {
            self.entry(resolver, request, check, parties, name, input)?;
        }
        for (name, input) in &request.context {
            let overridden = check.context.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
            if !overridden {
                self.entry(resolver, request, check, parties, name, input)?;
            }
        }
        let kind = resolver.principals[principal as usize].kind;
        let (snapshot, now) = (&resolver.engine.snapshot, (resolver.now, resolver.is_partial));
        self.environment.complete(request, snapshot, now, kind)?;
        self.settle_tag_lists(resolver, request, check)?;
        self.tags_of_creation(resolver, request, check, resource);
        one_value_a_tag(resolver, &self.resource_tags)?;
        one_value_a_tag(resolver, &self.given_tags)?;
        if request.request_tags.is_none() {
            self.environment.lists_keys_of(&self.tag_names)?;
        }
        if request.request_tags.is_none() && !resolver.is_partial {
            self.environment.tag_keys_of(std::mem::take(&mut self.tag_names));
        }
        check.notes.overridden.append(&mut self.environment.overridden);
        self.mfa(resolver, principal, check)
    }

    /// One entry of `context`.
    fn entry(
        &mut self,
        resolver: &mut Resolver<'_>,
        request: &'r Request<'r>,
        check: &mut CheckSpec<'r>,
        (principal, resource): (u32, u32),
        name: &'r str,
        input: &'r ContextInput<'r>,
    ) -> Result<(), RequestError> {
        let key = resolver.key(name);
        let facts = &resolver.keys[key as usize];
        let (rule, fold) = (facts.rule, facts.fold as usize);
        if rule == KeyRule::Never {
            return Ok(());
        }
        let text_alone = matches!(input, ContextInput::Scalar(ContextScalar::String(_)));
        if text_alone && facts.column.is_none() && !self.keeps_all && rule.is_idle(request) {
            resolver.seen[fold] = resolver.stamp;
            return Ok(());
        }
        let Some(value) = normalize(facts.shape, name, input)? else { return Ok(()) };
        // Several entries that fold to one name are one entry that equals nothing (L-606).
        let repeated = resolver.seen[fold] == resolver.stamp;
        resolver.seen[fold] = resolver.stamp;
        let value = if repeated { GivenValue::Colliding } else { value };
        match rule {
            KeyRule::Own(own) => {
                self.environment.give(own, value.into_own());
                Ok(())
            }
            KeyRule::RequestTag => {
                let key = (key, name, "aws:RequestTag/".len());
                self.request_tag(resolver, request, check, key, value)
            }
            KeyRule::ServiceRequestTag(len)
                if resolver.actions[check.action as usize].names_request_tags(&name[..len]) =>
            {
                self.request_tag(resolver, request, check, (key, name, len), value)
            }
            KeyRule::ServiceTagKeys
                if resolver.actions[check.action as usize]
                    .tag_lists
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(name)) =>
            {
                let fold = resolver.keys[key as usize].fold;
                self.tag_lists.retain(|(other, _)| resolver.keys[*other as usize].fold != fold);
                self.tag_lists.push((key, value));
                Ok(())
            }
            KeyRule::Principal => {
                let derived = &resolver.principals[principal as usize].derived;
                let folded = resolver.keys[key as usize].key.folded();
                let derived = derived.get(folded).cloned();
                let gaps = resolver.principals[principal as usize].gaps;
                if derived.is_none() && gaps::is_open_to(gaps, folded) {
                    // What nobody derives, the request may carry (E-121).
                    if !gaps.has(Gap::Source) {
                        note_elsewhere(resolver, check, key, &value)?;
                    }
                    self.put_given(resolver, key, value);
                    return Ok(());
                }
                self.agree(resolver, check, key, value, derived.as_ref())
            }
            KeyRule::ResourceTag(prefix_len) => {
                let parties = (principal, resource);
                self.resource_tag(resolver, check, parties, key, (name, prefix_len), value)
            }
            KeyRule::Free
            | KeyRule::Mfa
            | KeyRule::ResourceOwner
            | KeyRule::ServiceRequestTag(_)
            | KeyRule::ServiceTagKeys => {
                self.put_given(resolver, key, value);
                Ok(())
            }
            KeyRule::Never => Ok(()),
        }
    }

    fn put_given(&mut self, resolver: &Resolver<'_>, key: u32, value: GivenValue<'r>) {
        let facts = &resolver.keys[key as usize];
        if facts.column.is_none() && facts.rule.is_unchecked() && !self.keeps_all {
            return;
        }
        if value == GivenValue::Colliding {
            let fold = resolver.keys[key as usize].fold;
            let first = self
                .given
                .iter_mut()
                .find(|(other, _)| resolver.keys[*other as usize].fold == fold);
            // The key keeps its first spelling.
            if let Some((_, first)) = first {
                *first = value;
                return;
            }
        }
        self.given.push((key, value));
    }

    /// E-23: a derived key must be given as derived, or not at all.
    fn agree(
        &mut self,
        resolver: &Resolver<'_>,
        check: &mut CheckSpec<'r>,
        key: u32,
        value: GivenValue<'r>,
        derived: Option<&ContextValue>,
    ) -> Result<(), RequestError> {
        if derived.is_some_and(|derived| value.is(derived)) {
            return Ok(());
        }
        let name = resolver.keys[key as usize].key.spelling();
        if resolver.engine.options.allow_context_override {
            check.notes.overridden.push(name.into());
            self.put_given(resolver, key, value);
            return Ok(());
        }
        Err(conflict(name, &value.shown(), &derived_shown(derived)))
    }

    /// E-20, E-23: a tag of the resource.
    fn resource_tag(
        &mut self,
        resolver: &mut Resolver<'_>,
        check: &mut CheckSpec<'r>,
        (principal, resource): (u32, u32),
        key: u32,
        (name, prefix_len): (&'r str, usize),
        value: GivenValue<'r>,
    ) -> Result<(), RequestError> {
        let is_role = resolver.resources[resource as usize].shape == Shape::IamRole;
        let carries = resolver.carries_tags(check.action, (is_role, self.fit), &name[..prefix_len]);
        if let Some(tags) = resolver.resources[resource as usize].holder_tags(&name[..prefix_len]) {
            let is_own = |tag: &&Tag| tag.key.eq_ignore_ascii_case(&name[prefix_len..]);
            let mut own = tags.iter().filter(is_own);
            let derived = match (own.next(), own.next()) {
                (Some(tag), None) => Some(ContextValue::Single(tag.value.clone())),
                (Some(_), Some(_)) => Some(ContextValue::Colliding),
                (None, _) => None,
            };
            return self.agree(resolver, check, key, value, derived.as_ref());
        }
        if !carries && !is_plain_tag_key(name) {
            self.put_given(resolver, key, value);
            return Ok(());
        }
        let is_open = resolver.replaces_unknown_tags(principal, check.action, resource);
        let tags = resolver.resources[resource as usize].attached().tags.as_ref();
        let Some(tags) = tags.filter(|_| !is_open) else {
            self.put_given(resolver, key, value.clone());
            let fold = resolver.keys[key as usize].fold;
            let is_same = |other: &u32| resolver.keys[*other as usize].fold == fold;
            match self.resource_tags.iter_mut().find(|(other, ..)| is_same(other)) {
                // Several entries of one key equal nothing (L-606).
                Some((.., first)) => *first = value,
                None => self.resource_tags.push((key, &name[prefix_len..], value)),
            }
            return Ok(());
        };
        let is_own = |tag: &&Tag| tag.key.eq_ignore_ascii_case(&name[prefix_len..]);
        let mut own = tags.iter().filter(is_own);
        // A transitive tag of the caller replaces the role's tag of the same key (E-91).
        let rule = resolver.actions[check.action as usize].rule;
        let assumes = resolver.resources[resource as usize].is_assumed_by(rule);
        let passed = resolver.principals[principal as usize].transitive_tags.iter().rev();
        let passed = passed.filter(|_| assumes).find(is_own);
        let derived = match (carries, own.next(), own.next()) {
            (true, Some(tag), None) => {
                Some(ContextValue::Single(passed.unwrap_or(tag).value.clone()))
            }
            (true, Some(_), Some(_)) => Some(ContextValue::Colliding),
            _ => None,
        };
        self.agree(resolver, check, key, value, derived.as_ref())
    }

    /// E-20: what the context gives as tags of the request are those of the resource that the call
    /// makes, unless more is known of it.
    fn tags_of_creation(
        &mut self,
        resolver: &Resolver<'_>,
        request: &Request<'_>,
        check: &CheckSpec<'_>,
        resource: u32,
    ) {
        let creates = resolver.actions[check.action as usize].creates_with_tags;
        let knows_tags = resolver.resources[resource as usize].attached().tags.is_some();
        if creates && !knows_tags && request.request_tags.is_none() {
            self.resource_tags.extend(self.given_tags.iter().cloned());
        }
    }

    /// E-21, E-23: a list of the tags of the request is one list under all of its names.
    fn settle_tag_lists(
        &mut self,
        resolver: &Resolver<'_>,
        request: &Request<'_>,
        check: &mut CheckSpec<'r>,
    ) -> Result<(), RequestError> {
        for (key, value) in std::mem::take(&mut self.tag_lists) {
            let name = resolver.keys[key as usize].key.spelling();
            let own = value.clone().into_own();
            let settled = self.environment.get(OwnKey::TagKeys);
            if settled == Some(&own) {
                continue;
            }
            if request.request_tags.is_none() && settled.is_none() {
                self.environment.set_tag_keys(own);
                continue;
            }
            if request.request_tags.is_none() || !resolver.engine.options.allow_context_override {
                let other = "another list of the tags";
                return Err(conflict(name, &value.shown(), other));
            }
            check.notes.overridden.push(name.into());
            self.overriding.push((key, value));
        }
        Ok(())
    }

    /// E-21.
    fn request_tag(
        &mut self,
        resolver: &Resolver<'_>,
        request: &Request<'_>,
        check: &mut CheckSpec<'r>,
        (id, name, prefix_len): (u32, &'r str, usize),
        value: GivenValue<'r>,
    ) -> Result<(), RequestError> {
        let key = &name[prefix_len..];
        if !self.tag_names.iter().any(|own| own == key) {
            self.tag_names.push(Cow::Borrowed(key));
        }
        let mut own = self.tags.iter().filter(|(own, _)| own.eq_ignore_ascii_case(key));
        let (first, second) = (own.next(), own.next());
        let derived = match (first, second) {
            (Some(_), Some(_)) => Some(GivenValue::Colliding),
            (Some((_, value)), None) => Some(value.clone()),
            (None, _) => None,
        };
        if request.request_tags.is_some() {
            if derived.as_ref() == Some(&value) {
                return Ok(());
            }
            if !resolver.engine.options.allow_context_override {
                let derived = derived.map(|derived| derived.to_value());
                return Err(conflict(name, &value.shown(), &derived_shown(derived.as_ref())));
            }
            check.notes.overridden.push(name.into());
            self.overriding.push((id, value));
            return Ok(());
        }
        let fold = resolver.keys[id as usize].fold;
        let is_same = |other: &u32| resolver.keys[*other as usize].fold == fold;
        match self.given_tags.iter_mut().find(|(other, ..)| is_same(other)) {
            // Several entries of one key equal nothing (L-606).
            Some((.., first)) => *first = value.clone(),
            None => self.given_tags.push((id, key, value.clone())),
        }
        match self.tags.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(key)) {
            Some((_, own)) => *own = value,
            None => self.tags.push((Cow::Borrowed(key), value)),
        }
        Ok(())
    }

    /// E-17, E-23: MFA hangs on the credentials and, for a code that comes with AssumeRole, on
    /// the call. A user of whose session nothing is said may state it in `context`.
    fn mfa(
        &mut self,
        resolver: &Resolver<'_>,
        principal: u32,
        check: &CheckSpec<'_>,
    ) -> Result<(), RequestError> {
        let caller = &resolver.principals[principal as usize];
        let mut stated = None;
        if stated_mfa(caller) {
            let mut given = self.given.iter();
            if let Some(at) = given.position(|(key, _)| is_mfa_present(resolver, *key)) {
                let (key, value) = self.given.remove(at);
                stated = match &value {
                    GivenValue::Single(text) => parse_bool(text),
                    _ => None,
                };
                if stated.is_none() {
                    let name = resolver.keys[key as usize].key.spelling();
                    return Err(RequestError::new(
                        RequestErrorKind::InvalidField,
                        format!("`{name}` is `{}`, neither `true` nor `false`", value.shown()),
                    )
                    .at(pointer_to(name)));
                }
            }
        }
        let rule = resolver.actions[check.action as usize].rule;
        let of_check = MfaOfCheck::new(caller, stated, rule, self.environment.time);
        self.stated_mfa = stated;
        self.temporary = of_check.temporary;
        // What nobody derives of a session, the request may carry (E-121).
        let mut given = self.given.iter();
        let carried = given.find(|(key, _)| is_mfa_present(resolver, *key));
        self.mfa_present = match carried {
            Some((_, GivenValue::Single(text))) => parse_bool(text) == Some(true),
            Some(_) => false,
            None => of_check.present,
        };
        // E-121: what nobody says of the session's MFA, and its age when nobody says the time.
        if caller.gaps.has(Gap::MfaPresent) && stated.is_none() {
            return Ok(());
        }
        self.mfa = of_check.state;
        let is_undated = stated.is_some() || caller.mfa.is_some_and(|mfa| mfa.at.is_none());
        if resolver.is_partial && caller.kind == PrincipalKind::User && is_undated {
            return Ok(());
        }
        self.mfa_age = of_check.age;
        Ok(())
    }

    /// Whether the row has the key of MFA.
    pub(super) fn has_mfa(&self, resolver: &Resolver<'_>) -> bool {
        let mut given = self.given.iter();
        self.mfa.is_some() || given.any(|(key, _)| is_mfa_present(resolver, *key))
    }

    /// E-19: the region, once the resource is known. A resource without one was reached where the
    /// others of the call are (E-25).
    pub(super) fn region(
        &mut self,
        resolver: &Resolver<'_>,
        request: &Request<'_>,
        (principal, resource): (u32, u32),
        check: &mut CheckSpec<'r>,
    ) {
        if self.environment.get(OwnKey::RequestedRegion).is_some() {
            return;
        }
        let arn = ArnParts::split(&resolver.resources[resource as usize].text);
        // A bucket behind an access point is reached where the access point is (E-85).
        let point = check.added.iter().find_map(|(name, value)| match value {
            Added::Single(arn) if *name == "s3:DataAccessPointArn" => ArnParts::split(arn),
            _ => None,
        });
        let mut regions = [arn, point].into_iter().flatten().map(|arn| arn.region);
        if let Some(region) = regions.find(|region| !region.is_empty()) {
            self.environment.set_region(region);
            return;
        }
        let own = resolver.principals[principal as usize].partition.as_deref();
        let partition = arn.map(|arn| arn.partition).or(own).unwrap_or("aws");
        let action = &resolver.actions[check.action as usize];
        let of_service = resolver.engine.catalog.global_service_region(&action.service, partition);
        let names_one = check.resource.is_some() && !action.wildcard_only;
        match of_service.or_else(|| region_of_call(request).filter(|_| names_one)) {
            Some(region) => self.environment.set_region(region),
            None => check.notes.region_unknown = true,
        }
    }

    /// Writes the row's columns, and checks what could not be checked before (E-17, E-20).
    pub(super) fn write(
        &mut self,
        resolver: &mut Resolver<'_>,
        request: &Request<'_>,
        check: &mut CheckSpec<'r>,
        keys: u32,
        row: usize,
    ) -> Result<(), RequestError> {
        let mut sink = Sink { row, kept: self.keeps_all.then(Vec::new) };
        // What is given comes later: an option lets it stand over what is derived (E-23).
        self.write_mfa(resolver, &mut sink);
        self.write_given(resolver, check, keys, &mut sink)?;
        self.write_own(resolver, &mut sink);
        self.write_request_tags(resolver, check, &mut sink);
        self.write_resource_tags(resolver, check, &mut sink);
        write_added(resolver, check, &mut sink);
        if !request.absent.is_empty() {
            check_absent(resolver, request, row, &sink)?;
        }
        if resolver.keeps_context {
            resolver.rows.contexts.push(sink.kept.unwrap_or_default());
        }
        Ok(())
    }

    fn write_given(
        &mut self,
        resolver: &mut Resolver<'_>,
        check: &mut CheckSpec<'r>,
        keys: u32,
        sink: &mut Sink,
    ) -> Result<(), RequestError> {
        let gap = resolver.partial.gap.get(sink.row).copied();
        for (key, value) in std::mem::take(&mut self.given) {
            let facts = &resolver.keys[key as usize];
            let derived = match facts.rule {
                KeyRule::Mfa => Some(self.derived_mfa(facts.key.folded())),
                KeyRule::ResourceOwner => {
                    let keys = &resolver.key_lists[keys as usize];
                    let own = keys.iter().find(|(k, _)| *k == facts.key);
                    Some(own.map(|(_, value)| value.clone()))
                }
                _ => None,
            };
            let name = facts.key.spelling();
            let is_open = |derived: &Option<ContextValue>| {
                let is_unknown = |gap| resolver.is_underived(gap, facts.key.folded());
                derived.is_none() && gap.is_some_and(is_unknown)
            };
            let derived = match derived {
                Some(None) if is_of_elsewhere(resolver, keys, facts.key.folded()) => {
                    note_elsewhere(resolver, check, key, &value)?;
                    None
                }
                derived => derived,
            };
            if let Some(derived) = derived.filter(|derived| !is_open(derived)) {
                if derived.as_ref().is_some_and(|derived| value.is(derived)) {
                    continue;
                }
                if !resolver.engine.options.allow_context_override {
                    let derived = derived_shown(derived.as_ref());
                    return Err(conflict(name, &value.shown(), &derived));
                }
                check.notes.overridden.push(name.into());
            }
            let column = facts.column;
            let name = if sink.kept.is_some() { name.to_owned() } else { String::new() };
            sink.put(resolver, column, &name, &value);
        }
        Ok(())
    }

    /// E-21: the tags of the request, and their list, under all of their names.
    fn write_request_tags(
        &self,
        resolver: &mut Resolver<'_>,
        check: &CheckSpec<'_>,
        sink: &mut Sink,
    ) {
        let n_stems = resolver.actions[check.action as usize].request_tags.len();
        for (at, (key, value)) in self.tags.iter().enumerate() {
            // Those that differ in case are one key, in its first spelling (L-606).
            if self.tags[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
                continue;
            }
            let twins = self.tags.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key));
            let value = if twins.count() > 1 { &GivenValue::Colliding } else { value };
            for at in 0..=n_stems {
                let stems = &resolver.actions[check.action as usize].request_tags;
                let stem = stems.get(at).map_or("aws:RequestTag/", |stem| stem);
                let name = format!("{stem}{key}");
                let column = resolver.key_column(&fold_key(&name));
                sink.put(resolver, column, &name, value);
            }
        }
        let n_lists = resolver.actions[check.action as usize].tag_lists.len();
        for at in 0..n_lists {
            let name = resolver.actions[check.action as usize].tag_lists[at].clone();
            let list = match self.environment.get(OwnKey::TagKeys) {
                Some(OwnValue::Single(text)) => GivenValue::Single(text.clone()),
                Some(OwnValue::List(items)) => GivenValue::List(items.clone()),
                Some(OwnValue::Colliding) => GivenValue::Colliding,
                None => continue,
            };
            let column = resolver.key_column(&fold_key(&name));
            sink.put(resolver, column, &name, &list);
        }
        for (key, value) in &self.overriding {
            let facts = &resolver.keys[*key as usize];
            let (column, name) = (facts.column, facts.key.spelling().to_owned());
            sink.put(resolver, column, &name, value);
        }
    }

    fn derived_mfa(&self, folded: &str) -> Option<ContextValue> {
        let text = if folded == "aws:multifactorauthage" {
            self.mfa_age.map(|age| age.to_string())
        } else {
            self.mfa.map(|mfa| mfa.to_string())
        };
        text.map(|text| ContextValue::Single(text.into()))
    }

    fn write_own(&self, resolver: &mut Resolver<'_>, sink: &mut Sink) {
        if sink.kept.is_some() {
            for own in OwnKey::ALL {
                self.write_own_key(resolver, (*own, resolver.own_columns[*own as usize]), sink);
            }
            return;
        }
        for at in 0..resolver.asked_own.len() {
            let (own, column) = resolver.asked_own[at];
            self.write_own_key(resolver, (own, Some(column)), sink);
        }
    }

    fn write_own_key(
        &self,
        resolver: &mut Resolver<'_>,
        (own, column): (OwnKey, Option<KeyId>),
        sink: &mut Sink,
    ) {
        let time = self.environment.time;
        match (own, self.environment.get(own)) {
            (OwnKey::CurrentTime, _) => {
                sink.put_text(resolver, column, own.name(), &iso8601(time));
            }
            (OwnKey::EpochTime, _) => {
                sink.put_text(resolver, column, own.name(), &time.to_string());
            }
            (_, Some(OwnValue::Single(text))) => {
                sink.put_text(resolver, column, own.name(), text);
            }
            (_, Some(OwnValue::List(items))) => {
                sink.put(resolver, column, own.name(), &GivenValue::List(items.clone()));
            }
            (_, Some(OwnValue::Colliding)) => {
                sink.put(resolver, column, own.name(), &GivenValue::Colliding);
            }
            (_, None) => {}
        }
    }

    fn write_mfa(&self, resolver: &mut Resolver<'_>, sink: &mut Sink) {
        let [present, age] = resolver.mfa_columns;
        if let Some(mfa) = self.mfa {
            let text = if mfa { "true" } else { "false" };
            sink.put_text(resolver, present, "aws:MultiFactorAuthPresent", text);
        }
        if let Some(seconds) = self.mfa_age {
            sink.put_text(resolver, age, "aws:MultiFactorAuthAge", &seconds.to_string());
        }
    }

    /// E-23: a tag that `context` gives under one name is a tag under all of its names.
    fn write_resource_tags(
        &self,
        resolver: &mut Resolver<'_>,
        check: &CheckSpec<'_>,
        sink: &mut Sink,
    ) {
        for (_, tag, value) in &self.resource_tags {
            let resource = resolver.rows.resolved_resource[sink.row];
            let is_role = resolver.resources[resource as usize].shape == Shape::IamRole;
            let profile = resolver.tag_profile(check.action, is_role, self.fit);
            if sink.kept.is_some() {
                write_kept_tag(resolver, profile, (tag, value), sink);
                continue;
            }
            let columns = resolver.tag_columns(profile, tag);
            let n_columns = resolver.tag_columns[columns].len();
            for at in 0..n_columns {
                let column = resolver.tag_columns[columns][at];
                if resolver.rows.keys.get(column, sink.row).is_absent() {
                    sink.put(resolver, Some(column), "", value);
                }
            }
        }
    }
}

/// E-23: what `context` gives under several names of one tag is one value.
fn one_value_a_tag(
    resolver: &Resolver<'_>,
    tags: &[(u32, &str, GivenValue<'_>)],
) -> Result<(), RequestError> {
    for (at, (key, tag, value)) in tags.iter().enumerate() {
        let other = tags[..at].iter().find(|(_, other, _)| other.eq_ignore_ascii_case(tag));
        if let Some((other, _, first)) = other.filter(|(.., first)| first != value) {
            let name = |key: u32| resolver.keys[key as usize].key.spelling();
            let first = format!("`{}`, as `{}`", first.shown(), name(*other));
            return Err(conflict(name(*key), &value.shown(), &first));
        }
    }
    Ok(())
}

fn is_mfa_present(resolver: &Resolver<'_>, key: u32) -> bool {
    resolver.keys[key as usize].key.folded() == "aws:multifactorauthpresent"
}

/// The region of the first resource of a call that has one.
fn region_of_call<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let Target::Action { resource, resources, .. } = &request.target else { return None };
    let arns = resource.iter().chain(resources.iter().map(|input| &input.arn));
    let mut regions = arns.filter_map(|arn| Some(ArnParts::split(arn)?.region));
    regions.find(|region| !region.is_empty())
}

/// A tag of the resource under all of its names, those included that no policy asks about.
fn write_kept_tag(
    resolver: &mut Resolver<'_>,
    profile: u32,
    (tag, value): (&str, &GivenValue<'_>),
    sink: &mut Sink,
) {
    for prefix in resolver.tag_profiles[profile as usize].clone() {
        let name = format!("{prefix}{tag}");
        let Some(column) = resolver.key_column(&fold_key(&name)) else {
            if let Some(kept) = &mut sink.kept {
                let key = ConditionKey::new(&name);
                if kept.iter().all(|(other, _)| *other != key) {
                    kept.push((key, value.to_value()));
                }
            }
            continue;
        };
        if resolver.rows.keys.get(column, sink.row).is_absent() {
            sink.put(resolver, Some(column), &name, value);
        }
    }
}

/// Whether `context` may state the MFA of a caller: a user of whose session nothing is said
/// (E-23).
pub(super) fn stated_mfa(caller: &ResolvedPrincipal) -> bool {
    caller.kind == PrincipalKind::User && !caller.has_session
}

/// What is to be known of MFA for one check (E-17, A-47).
#[derive(Debug, Clone, Copy)]
pub(super) struct MfaOfCheck {
    /// `aws:MultiFactorAuthPresent`, when the request has it.
    pub(super) state: Option<bool>,
    /// `aws:MultiFactorAuthAge`, when the request has it.
    pub(super) age: Option<i64>,
    /// The credentials are temporary and carry MFA (E-72).
    pub(super) temporary: bool,
    pub(super) present: bool,
}

impl MfaOfCheck {
    /// From the caller, what `context` states of it, the action and the time of the request.
    pub(super) fn new(
        caller: &ResolvedPrincipal,
        stated: Option<bool>,
        rule: ActionRule,
        time: i64,
    ) -> Self {
        let mfa = stated.map(|present| MfaState { present, at: None }).or(caller.mfa);
        let temporary = caller.temporary || stated.is_some();
        let present = mfa.is_some_and(|mfa| mfa.present);
        let at = mfa.and_then(|mfa| mfa.at);
        let (state, at) = match caller.kind {
            PrincipalKind::User | PrincipalKind::Root if temporary => (Some(present), at),
            PrincipalKind::User
                if present
                    && rule.is_role_assuming()
                    && rule != ActionRule::AssumeRoleFederated =>
            {
                (Some(true), Some(at.unwrap_or(time)))
            }
            PrincipalKind::RoleSession
            | PrincipalKind::FederatedUser
            | PrincipalKind::FederatedRoot
            | PrincipalKind::AssumedRoot => (Some(false), None),
            _ => (None, None),
        };
        let age = at.filter(|_| state == Some(true)).map(|at| time.saturating_sub(at).max(0));
        Self { state, age, temporary, present }
    }
}

/// A derived key that the request gives otherwise (E-23).
pub(super) fn derived_conflict(
    name: &str,
    given: &GivenValue<'_>,
    derived: &ContextValue,
) -> RequestError {
    conflict(name, &given.shown(), &derived_shown(Some(derived)))
}

fn derived_shown(derived: Option<&ContextValue>) -> String {
    match derived {
        None => "that it is absent".to_owned(),
        Some(ContextValue::Single(text)) => format!("`{text}`"),
        Some(ContextValue::List(items)) => format!("`{}`", items.join(", ")),
        Some(ContextValue::Colliding) => "several values".to_owned(),
    }
}

/// Whether a key has the shape that carries tags of the resource in every service (L-710).
pub(super) fn is_plain_tag_key(name: &str) -> bool {
    let Some((service, rest)) = name.split_once(':') else { return false };
    !service.contains('/')
        && ["resourcetag/", "existingobjecttag/"].iter().any(|stem| {
            rest.get(..stem.len()).is_some_and(|head| head.eq_ignore_ascii_case(stem))
                && rest.len() > stem.len()
        })
}

/// What rules of services add (E-82, E-85) stands over what the request gives.
fn write_added(resolver: &mut Resolver<'_>, check: &CheckSpec<'_>, sink: &mut Sink) {
    for (name, value) in &check.added {
        let column = resolver.key_column(&fold_key(name));
        let value = match value {
            Added::Single(text) => GivenValue::Single(Cow::Borrowed(text.as_ref())),
            Added::List(items) => {
                GivenValue::List(items.iter().map(|item| Cow::Borrowed(item.as_ref())).collect())
            }
        };
        sink.put(resolver, column, name, &value);
    }
    if let Some(column) = resolver.encryption_column {
        let prefix = "kms:encryptioncontext:";
        let n_keys = resolver.seen_keys().filter(|folded| folded.starts_with(prefix)).count();
        let id = resolver.values.pass_single(&n_keys.to_string());
        resolver.rows.keys.set(column, sink.row, id);
    }
}

/// E-122: a key under `absent` is neither carried nor derived.
fn check_absent(
    resolver: &Resolver<'_>,
    request: &Request<'_>,
    row: usize,
    sink: &Sink,
) -> Result<(), RequestError> {
    let principal = &resolver.principals[resolver.rows.principal[row] as usize];
    for name in &request.absent {
        let key = ConditionKey::new(name);
        let present = principal.derived.get(key.folded()).is_some()
            || resolver.resource_keys_of(row).iter().any(|(own, _)| *own == key)
            || sink.kept.iter().flatten().any(|(own, _)| *own == key);
        if present {
            return Err(RequestError::new(
                RequestErrorKind::ContextConflict,
                format!("`{name}` is under `absent`, but the request has it"),
            )
            .at("/absent"));
        }
    }
    Ok(())
}

fn list_value(items: &[Cow<'_, str>]) -> ContextValue {
    ContextValue::List(items.iter().map(|item| item.as_ref().into()).collect())
}

/// L-609: the value by the declared shape of the key; none for the empty list.
pub(super) fn normalize<'r>(
    shape: Option<KeyShape>,
    name: &str,
    input: &'r ContextInput<'r>,
) -> Result<Option<GivenValue<'r>>, RequestError> {
    Ok(match (input, shape) {
        (ContextInput::Scalar(scalar), Some(KeyShape::Multivalued)) => {
            Some(GivenValue::List(vec![scalar_text(name, scalar)?]))
        }
        (ContextInput::Scalar(scalar), _) => Some(GivenValue::Single(scalar_text(name, scalar)?)),
        (ContextInput::List(items), _) if items.is_empty() => None,
        (ContextInput::List(items), Some(KeyShape::Single | KeyShape::OneOrMany))
            if items.len() == 1 =>
        {
            Some(GivenValue::Single(scalar_text(name, &items[0])?))
        }
        (ContextInput::List(items), Some(KeyShape::Single)) => {
            return Err(RequestError::new(
                RequestErrorKind::InvalidField,
                format!("`{name}` holds one value, not {}", items.len()),
            )
            .at(pointer_to(name)));
        }
        (ContextInput::List(items), _) => Some(GivenValue::List(
            items.iter().map(|item| scalar_text(name, item)).collect::<Result<_, _>>()?,
        )),
    })
}
