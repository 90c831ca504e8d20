//! The context of one row: what the request gives, what its fields say, and what contradicts
//! what was derived (E-15 – E-25, L-606, L-609).

use std::borrow::Cow;

use assize_compiler::{KeyId, ValueId};
use assize_model::{
    ArnParts, ConditionKey, ContextInput, ContextValue, KeyShape, PrincipalKind, Request,
    RequestError, RequestErrorKind,
};

use super::Resolver;
use super::check::{Added, CheckSpec};
use super::environment::{Environment, OwnValue, conflict, scalar_text};
use super::key::{KeyRule, OwnKey};
use super::resource::is_tag_key;

/// What was read of a row's context before its resource's owner is known.
#[derive(Debug)]
pub(super) struct RowContext<'r> {
    pub(super) environment: Environment<'r>,
    /// Keys that go into columns as they are: key facts, value.
    given: Vec<(u32, GivenValue<'r>)>,
    /// Tags of the request (E-21): name and value.
    tags: Vec<(Cow<'r, str>, Cow<'r, str>)>,
    pub(super) mfa_present: bool,
    mfa: Option<bool>,
    mfa_age: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum GivenValue<'r> {
    Single(Cow<'r, str>),
    List(Vec<Cow<'r, str>>),
    Colliding,
}

impl GivenValue<'_> {
    fn is(&self, derived: &ContextValue) -> bool {
        match (self, derived) {
            (Self::Single(given), ContextValue::Single(derived)) => **given == **derived,
            (Self::List(given), ContextValue::List(derived)) => {
                given.len() == derived.len() && given.iter().zip(derived).all(|(g, d)| **g == **d)
            }
            _ => false,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Single(text) => text.to_string(),
            Self::List(items) => items.join(", "),
            Self::Colliding => "several entries".into(),
        }
    }
}

impl<'r> RowContext<'r> {
    /// Reads fields and context of a check.
    pub(super) fn read(
        resolver: &mut Resolver<'_>,
        request: &'r Request<'r>,
        check: &mut CheckSpec<'r>,
        principal: u32,
        resource: u32,
    ) -> Result<Self, RequestError> {
        let mut row = Self {
            environment: Environment::of_fields(request),
            given: Vec::with_capacity(request.context.len()),
            tags: Vec::new(),
            mfa_present: false,
            mfa: None,
            mfa_age: None,
        };
        for (key, value) in request.request_tags.iter().flatten() {
            row.tags.push((Cow::Borrowed(key.as_ref()), Cow::Borrowed(value.as_ref())));
        }
        resolver.stamp = resolver.stamp.wrapping_add(1);
        for (name, input) in check.context {
            row.entry(resolver, request, check, (principal, resource), name, input)?;
        }
        for (name, input) in &request.context {
            let overridden =
                check.context.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
            if !overridden {
                row.entry(resolver, request, check, (principal, resource), name, input)?;
            }
        }
        let kind = resolver.principals[principal as usize].kind;
        let now = resolver.engine.now();
        row.environment.complete(
            &resolver.engine.snapshot,
            now,
            kind == PrincipalKind::Service,
        );
        row.mfa(resolver, principal, check);
        Ok(row)
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
        let Some(value) = normalize(facts.shape, name, input)? else { return Ok(()) };
        let (rule, fold) = (facts.rule, facts.fold as usize);
        if resolver.seen[fold] == resolver.stamp {
            return self.collide(resolver, key);
        }
        resolver.seen[fold] = resolver.stamp;
        let may_override = resolver.engine.options.allow_context_override;
        match rule {
            KeyRule::Free => self.given.push((key, value)),
            KeyRule::Own(own) => {
                let value = match value {
                    GivenValue::Single(text) => OwnValue::Single(text),
                    GivenValue::List(items) => OwnValue::List(items),
                    GivenValue::Colliding => return Ok(()),
                };
                self.environment.give(own, value, may_override)?;
            }
            KeyRule::RequestTag => self.request_tag(request, name, value, may_override)?,
            KeyRule::Principal => {
                let derived = &resolver.principals[principal as usize].derived;
                let derived = derived.get(resolver.keys[key as usize].key.folded());
                if !derived.is_some_and(|derived| value.is(derived)) {
                    self.contradict(check, key, name, value, derived, may_override)?;
                }
            }
            KeyRule::Mfa => self.given.push((key, value)),
            KeyRule::ResourceOwner => self.given.push((key, value)),
            KeyRule::ResourceTag(prefix_len) => {
                let prefixes = resolver.tag_prefixes(check.action, resource);
                let stored = &resolver.resources[resource as usize].tags;
                if !is_tag_key(&prefixes, name, prefix_len) {
                    // Not a key that this action derives: the caller's to supply (E-24).
                    self.given.push((key, value));
                    return Ok(());
                }
                match stored {
                    None => self.given.push((key, value)),
                    Some(tags) => {
                        let tag = tags.iter().find(|tag| {
                            tag.key.eq_ignore_ascii_case(&name[prefix_len..])
                        });
                        let derived = tag.map(|tag| ContextValue::Single(tag.value.clone()));
                        if !derived.as_ref().is_some_and(|derived| value.is(derived)) {
                            self.contradict(check, key, name, value, derived.as_ref(), may_override)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A second entry that folds to the same name: the key is present and equal to nothing
    /// (L-606). Keys with a rule of their own were taken from the first entry and stay.
    fn collide(&mut self, resolver: &Resolver<'_>, key: u32) -> Result<(), RequestError> {
        let facts = &resolver.keys[key as usize];
        if !matches!(facts.rule, KeyRule::Free | KeyRule::ResourceTag(_)) {
            let name = facts.key.spelling();
            return Err(RequestError::new(
                RequestErrorKind::ContextConflict,
                format!("`{name}` is given twice in different spellings"),
            )
            .at("/context"));
        }
        let fold = facts.fold;
        for (given, value) in &mut self.given {
            if resolver.keys[*given as usize].fold == fold {
                *value = GivenValue::Colliding;
            }
        }
        Ok(())
    }

    /// E-23: a derived key with another value than the derived one.
    fn contradict(
        &mut self,
        check: &mut CheckSpec<'r>,
        key: u32,
        name: &str,
        value: GivenValue<'r>,
        derived: Option<&ContextValue>,
        may_override: bool,
    ) -> Result<(), RequestError> {
        if may_override {
            check.notes.overridden.push(name.into());
            self.given.push((key, value));
            return Ok(());
        }
        let derived = match derived {
            None => "that it is absent".to_owned(),
            Some(ContextValue::Single(text)) => format!("`{text}`"),
            Some(ContextValue::List(items)) => format!("`{}`", items.join(", ")),
            Some(ContextValue::Colliding) => "several values".to_owned(),
        };
        Err(conflict(name, &value.shown(), &derived))
    }

    /// E-21.
    fn request_tag(
        &mut self,
        request: &Request<'_>,
        name: &'r str,
        value: GivenValue<'r>,
        may_override: bool,
    ) -> Result<(), RequestError> {
        let key = &name["aws:RequestTag/".len()..];
        let GivenValue::Single(value) = value else { return Ok(()) };
        if request.request_tags.is_none() {
            self.tags.push((Cow::Borrowed(key), value));
            return Ok(());
        }
        let field = self.tags.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(key));
        match field {
            Some((_, own)) if *own == value => Ok(()),
            Some((_, own)) if may_override => {
                *own = value;
                Ok(())
            }
            Some((_, own)) => Err(conflict(name, &value, &format!("`{own}`"))),
            None if may_override => {
                self.tags.push((Cow::Borrowed(key), value));
                Ok(())
            }
            None => Err(conflict(name, &value, "that it is absent")),
        }
    }

    /// E-17: MFA depends on the credentials and, for a code that comes with AssumeRole, on the
    /// call.
    fn mfa(&mut self, resolver: &Resolver<'_>, principal: u32, check: &CheckSpec<'_>) {
        use super::action::ActionRule;
        let caller = &resolver.principals[principal as usize];
        let stated = caller.mfa.is_some_and(|mfa| mfa.present);
        match caller.kind {
            PrincipalKind::User | PrincipalKind::Root if caller.temporary => {
                self.mfa = Some(stated);
                if let (true, Some(at), Some(now)) =
                    (stated, caller.mfa.and_then(|mfa| mfa.at), self.environment.time)
                {
                    self.mfa_age = Some((now - at).max(0));
                }
            }
            PrincipalKind::User | PrincipalKind::Root => {
                let action = resolver.actions[check.action as usize].rule;
                if stated && action == ActionRule::AssumeRole {
                    self.mfa = Some(true);
                    self.mfa_age = Some(0);
                }
            }
            PrincipalKind::RoleSession
            | PrincipalKind::FederatedUser
            | PrincipalKind::FederatedRoot
            | PrincipalKind::AssumedRoot => self.mfa = Some(false),
            _ => {}
        }
        self.mfa_present = self.mfa == Some(true);
    }

    /// E-19: the region, once the resource is known.
    pub(super) fn region(
        &mut self,
        resolver: &Resolver<'_>,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) {
        if self.environment.get(OwnKey::RequestedRegion).is_some() {
            return;
        }
        let in_arn = check.resource.as_deref().and_then(ArnParts::split).map(|arn| arn.region);
        let region = in_arn.filter(|region| !region.is_empty()).map(str::to_owned).or_else(|| {
            let service = &resolver.actions[check.action as usize].service;
            let partition = &resolver.principal_entries[principal as usize].partition;
            let partition = if partition.is_empty() { "aws" } else { partition };
            let catalog = &resolver.engine.catalog;
            catalog.global_service_region(service, partition).map(str::to_owned)
        });
        match region {
            Some(region) => {
                let value = OwnValue::Single(region.into());
                let given = self.environment.give(OwnKey::RequestedRegion, value, true);
                debug_assert!(given.is_ok(), "an override does not conflict");
            }
            None => check.notes.region_unknown = true,
        }
    }

    /// Writes the row's columns, and checks what could not be checked before (E-17, E-20).
    pub(super) fn write(
        mut self,
        resolver: &mut Resolver<'_>,
        check: &mut CheckSpec<'r>,
        entry: u32,
        row: usize,
    ) -> Result<(), RequestError> {
        resolver.refresh_keys();
        let mut kept = Vec::new();
        let given = std::mem::take(&mut self.given);
        for (key, value) in given {
            self.write_given(resolver, check, entry, row, key, &value, &mut kept)?;
        }
        for own in OwnKey::ALL {
            if let Some(value) = self.environment.get(*own) {
                if let Some(column) = resolver.own_columns[*own as usize] {
                    let id = match value {
                        OwnValue::Single(text) => resolver.values.intern_single(text),
                        OwnValue::List(items) => intern_list(resolver, items),
                    };
                    resolver.rows.set(column, row, id);
                }
                if resolver.keeps_context {
                    let value = match value {
                        OwnValue::Single(text) => ContextValue::Single(text.as_ref().into()),
                        OwnValue::List(items) => list_value(items),
                    };
                    kept.push((ConditionKey::new(own.name()), value));
                }
            }
        }
        self.write_mfa(resolver, row, &mut kept);
        self.write_tags(resolver, row, &mut kept);
        self.write_added(resolver, check, row, &mut kept);
        if resolver.keeps_context {
            resolver.rows.contexts.push(kept);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `write`, split for its length")]
    fn write_given(
        &mut self,
        resolver: &mut Resolver<'_>,
        check: &mut CheckSpec<'r>,
        entry: u32,
        row: usize,
        key: u32,
        value: &GivenValue<'r>,
        kept: &mut Vec<(ConditionKey, ContextValue)>,
    ) -> Result<(), RequestError> {
        let facts = &resolver.keys[key as usize];
        let may_override = resolver.engine.options.allow_context_override;
        let name = facts.key.spelling().to_owned();
        match facts.rule {
            KeyRule::Mfa => {
                if !self.mfa_agrees(resolver, row, &name, value) {
                    let derived = self.mfa_shown(&name);
                    if !may_override {
                        return Err(conflict(&name, &value.shown(), &derived));
                    }
                    check.notes.overridden.push(name.as_str().into());
                } else if !self.takes_mfa(resolver, row) {
                    return Ok(());
                }
            }
            KeyRule::ResourceOwner => {
                let folded = facts.key.folded();
                let keys = &resolver.entry_keys[entry as usize];
                let derived = keys.iter().find(|(k, _)| k.folded() == folded).map(|(_, v)| v);
                if derived.is_some_and(|derived| value.is(derived)) {
                    return Ok(());
                }
                let derived = derived.cloned();
                if !may_override {
                    let derived = match derived {
                        Some(ContextValue::Single(text)) => format!("`{text}`"),
                        Some(_) => "another list".to_owned(),
                        None => "that it is absent".to_owned(),
                    };
                    return Err(conflict(&name, &value.shown(), &derived));
                }
                check.notes.overridden.push(name.as_str().into());
            }
            _ => {}
        }
        if let Some(column) = resolver.keys[key as usize].column {
            let id = match value {
                GivenValue::Single(text) => resolver.values.intern_single(text),
                GivenValue::List(items) => intern_list(resolver, items),
                GivenValue::Colliding => ValueId::COLLIDING,
            };
            resolver.rows.set(column, row, id);
        }
        if resolver.keeps_context {
            let value = match value {
                GivenValue::Single(text) => ContextValue::Single(text.as_ref().into()),
                GivenValue::List(items) => list_value(items),
                GivenValue::Colliding => ContextValue::Colliding,
            };
            kept.push((ConditionKey::new(&name), value));
        }
        Ok(())
    }

    /// Whether a user without a session states MFA by the key (E-23).
    fn takes_mfa(&self, resolver: &Resolver<'_>, row: usize) -> bool {
        let caller = &resolver.principals[resolver.rows.principal[row] as usize];
        caller.kind == PrincipalKind::User && !caller.has_session
    }

    fn mfa_agrees(
        &self,
        resolver: &Resolver<'_>,
        row: usize,
        name: &str,
        value: &GivenValue<'_>,
    ) -> bool {
        if self.takes_mfa(resolver, row) {
            return true;
        }
        let GivenValue::Single(text) = value else { return false };
        if name.eq_ignore_ascii_case("aws:MultiFactorAuthAge") {
            self.mfa_age.is_some_and(|age| *text == age.to_string())
        } else {
            self.mfa.is_some_and(|mfa| *text == mfa.to_string())
        }
    }

    fn mfa_shown(&self, name: &str) -> String {
        let derived = if name.eq_ignore_ascii_case("aws:MultiFactorAuthAge") {
            self.mfa_age.map(|age| age.to_string())
        } else {
            self.mfa.map(|mfa| mfa.to_string())
        };
        derived.map_or_else(|| "that it is absent".to_owned(), |value| format!("`{value}`"))
    }

    fn write_mfa(
        &self,
        resolver: &mut Resolver<'_>,
        row: usize,
        kept: &mut Vec<(ConditionKey, ContextValue)>,
    ) {
        let texts = [
            ("aws:MultiFactorAuthPresent", self.mfa.map(|mfa| mfa.to_string())),
            ("aws:MultiFactorAuthAge", self.mfa_age.map(|age| age.to_string())),
        ];
        for ((name, text), column) in texts.into_iter().zip(resolver.mfa_columns) {
            let Some(text) = text else { continue };
            write_single(resolver, column, row, name, &text, kept);
        }
    }

    fn write_tags(
        &self,
        resolver: &mut Resolver<'_>,
        row: usize,
        kept: &mut Vec<(ConditionKey, ContextValue)>,
    ) {
        for (at, (key, value)) in self.tags.iter().enumerate() {
            let name = format!("aws:RequestTag/{key}");
            let folded = name.to_ascii_lowercase();
            let column = resolver.key_column(&folded);
            let twin = self.tags[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(key));
            if twin {
                // Keys that fold to one name collide (L-606).
                if let Some(column) = column {
                    resolver.rows.set(column, row, ValueId::COLLIDING);
                }
                if let Some(kept) = kept.iter_mut().find(|(k, _)| k.folded() == folded) {
                    kept.1 = ContextValue::Colliding;
                }
                continue;
            }
            write_single(resolver, column, row, &name, value, kept);
        }
    }

    fn write_added(
        &self,
        resolver: &mut Resolver<'_>,
        check: &CheckSpec<'_>,
        row: usize,
        kept: &mut Vec<(ConditionKey, ContextValue)>,
    ) {
        for (name, value) in &check.added {
            let column = resolver.key_column(&name.to_ascii_lowercase());
            match value {
                Added::Single(text) => write_single(resolver, column, row, name, text, kept),
                Added::List(items) => {
                    if let Some(column) = column {
                        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
                        let id = resolver.values.intern_list(&items);
                        resolver.rows.set(column, row, id);
                    }
                    if resolver.keeps_context {
                        kept.push((ConditionKey::new(name), ContextValue::List(items.clone())));
                    }
                }
            }
        }
    }
}

fn write_single(
    resolver: &mut Resolver<'_>,
    column: Option<KeyId>,
    row: usize,
    name: &str,
    text: &str,
    kept: &mut Vec<(ConditionKey, ContextValue)>,
) {
    if let Some(column) = column {
        let id = resolver.values.intern_single(text);
        resolver.rows.set(column, row, id);
    }
    if resolver.keeps_context {
        kept.retain(|(key, _)| !key.folded().eq_ignore_ascii_case(name));
        kept.push((ConditionKey::new(name), ContextValue::Single(text.into())));
    }
}

fn intern_list(resolver: &mut Resolver<'_>, items: &[Cow<'_, str>]) -> ValueId {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    resolver.values.intern_list(&items)
}

fn list_value(items: &[Cow<'_, str>]) -> ContextValue {
    ContextValue::List(items.iter().map(|item| item.as_ref().into()).collect())
}

/// L-609: the value by the declared shape of the key; none for the empty list.
fn normalize<'r>(
    shape: Option<KeyShape>,
    name: &str,
    input: &'r ContextInput<'r>,
) -> Result<Option<GivenValue<'r>>, RequestError> {
    Ok(match (input, shape) {
        (ContextInput::Scalar(scalar), Some(KeyShape::Multivalued)) => {
            Some(GivenValue::List(vec![scalar_text(scalar)?]))
        }
        (ContextInput::Scalar(scalar), _) => Some(GivenValue::Single(scalar_text(scalar)?)),
        (ContextInput::List(items), _) if items.is_empty() => None,
        (ContextInput::List(items), Some(KeyShape::Single)) => match &items[..] {
            [one] => Some(GivenValue::Single(scalar_text(one)?)),
            _ => {
                return Err(RequestError::new(
                    RequestErrorKind::InvalidField,
                    format!("`{name}` holds one value, not {}", items.len()),
                )
                .at(format!("/context/{}", name.replace('~', "~0").replace('/', "~1"))));
            }
        },
        (ContextInput::List(items), _) => Some(GivenValue::List(
            items.iter().map(scalar_text).collect::<Result<_, _>>()?,
        )),
    })
}

