//! What the texts of `Action`, `Resource` and `Principal` entries stand for.
//!
//! Each function takes one text and gives the entry of the IR and problems, which know the bytes
//! of the text they are about. The entry is the one an import uses: a text that only an author
//! may not write still has its meaning (L-004). `None` is a text without one, and then a problem
//! rejects in both modes.

mod action;
mod principal;
mod resource;

pub(crate) use self::action::action;
pub(crate) use self::principal::{
    AccountEntries, aws_principal, canonical_user, federated_principal, service_principal,
};
pub(crate) use self::resource::{resource, resource_of_api, resource_of_lattice};

#[cfg(test)]
mod tests;
