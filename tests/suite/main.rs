//! The one integration suite of the workspace.

mod corpus;
mod differential;
mod fuzz;
mod imports;
mod laws;
mod limits;
mod sameness;
