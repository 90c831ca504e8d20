//! The one integration suite of the workspace.

mod corpus;
mod differential;
