//! Keys of the organizations of accounts that are in none of the snapshot's (E-15): the request may
//! give them, as long as it names another organization.

use std::borrow::Cow;

use assize_compiler::OrganizationKey;
use assize_model::{ContextValue, RequestError, RequestErrorKind};
use assize_store::StoreSnapshot;

use super::Resolver;
use super::check::CheckSpec;
use super::context::GivenValue;
use super::environment::pointer_to;

/// Whether a text names an organization of the snapshot, by its id or a path.
pub(super) fn is_own(snapshot: &StoreSnapshot, texts: &[Cow<'_, str>]) -> bool {
    texts.iter().any(|text| {
        let id = text.split_once('/').map_or(&**text, |(id, _)| id);
        snapshot.organizations().any(|organization| *organization.id == *id)
    })
}

/// A key that gives an organization of the snapshot to an account that is not in it.
pub(super) fn own_organization(key: &str, given: &str) -> RequestError {
    let message = format!("`{key}` is `{given}` in the context, but its account is not in there");
    RequestError::new(RequestErrorKind::ContextConflict, message).at(pointer_to(key))
}

/// E-23: what is given of an organization elsewhere, and of any other key that nobody derives, may
/// not be one of the snapshot's; unless an option lets it, which is noted.
pub(super) fn note_elsewhere(
    resolver: &Resolver<'_>,
    check: &mut CheckSpec<'_>,
    key: u32,
    value: &GivenValue<'_>,
) -> Result<(), RequestError> {
    let key = &resolver.keys[key as usize].key;
    let engine = resolver.engine;
    if OrganizationKey::of(key.folded()).is_none() || !is_own(&engine.snapshot, value.texts()) {
        return Ok(());
    }
    if !engine.options.allow_context_override {
        return Err(own_organization(key.spelling(), &value.shown()));
    }
    check.notes.overridden.push(key.spelling().into());
    Ok(())
}

/// E-20: whether a key says of the organization of a resource, whose account is in none of the
/// snapshot's; `keys` is the position of what is derived.
pub(super) fn is_of_elsewhere(resolver: &Resolver<'_>, keys: u32, folded: &str) -> bool {
    let mut derived = resolver.key_lists[keys as usize].iter();
    let owner = derived.find(|(key, _)| key.folded() == "aws:resourceaccount");
    let Some((_, ContextValue::Single(owner))) = owner else { return false };
    let knows = |id| resolver.engine.snapshot.knows_organization_of(id);
    OrganizationKey::of(folded).is_some() && !owner.parse().is_ok_and(knows)
}
