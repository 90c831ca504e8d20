//! What the snapshot says of the organizations of accounts (E-15).

use assize_model::{AccountId, ContextValue, OrgPath};
use assize_store::StoreSnapshot;

use crate::applicable;

/// The organization keys of an account: id and path (E-15).
pub(crate) fn keys(snapshot: &StoreSnapshot, account: AccountId) -> Option<[ContextValue; 2]> {
    let (organization, path) = applicable::path(snapshot, account)?;
    let above = path.iter().take(path.len().saturating_sub(1)).copied();
    let path = OrgPath::new(&organization.id, above);
    let paths = ContextValue::List(vec![path.as_str().into()]);
    Some([ContextValue::Single(organization.id.clone()), paths])
}

/// E-15: whether the snapshot says which organization an account is in, or that it is in none. Of
/// an account that it does not hold, all it says is that it is in none of its own.
pub(crate) fn is_known(snapshot: &StoreSnapshot, account: AccountId) -> bool {
    let is_held = snapshot.account(account).is_some_and(|account| account.external.is_none());
    is_held || applicable::path(snapshot, account).is_some()
}

/// E-15, E-23: whether a value of an organization key names an organization of the snapshot.
pub(crate) fn is_own(snapshot: &StoreSnapshot, value: &ContextValue) -> bool {
    let is_own = |text: &str| {
        let id = text.split_once('/').map_or(text, |(id, _)| id);
        snapshot.organizations().any(|organization| *organization.id == *id)
    };
    match value {
        ContextValue::Single(text) => is_own(text),
        ContextValue::List(texts) => texts.iter().any(|text| is_own(text)),
        ContextValue::Colliding => false,
    }
}
