//! The one integration suite of the workspace.

mod binding;
mod checkpoint;
mod cloudtrail;
mod corpus;
mod dependent_actions;
mod differential;
mod evidence;
mod explanations;
mod exports;
mod fuzz;
mod hostile;
mod imports;
mod laws;
mod limits;
mod messages;
mod neutral;
mod output;
mod partial;
mod real;
mod recompile;
mod replay;
mod rows;
mod sameness;
mod several_resources;
mod short_way;
mod usage;
