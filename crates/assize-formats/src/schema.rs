//! JSON Schemas (draft 2020-12) of the formats, for editors and other programs.

/// The schema of a request (F-10).
pub const REQUEST_SCHEMA: &str = include_str!("../schemas/request.json");
/// The schema of a decision record (F-20).
pub const DECISION_SCHEMA: &str = include_str!("../schemas/decision.json");
/// The schema of a scenario (F-40).
pub const SCENARIO_SCHEMA: &str = include_str!("../schemas/scenario.json");

/// The schema of a change set (F-70).
pub const CHANGES_SCHEMA: &str = include_str!("../schemas/changes.json");
/// The schema of a difference record (F-75).
pub const DIFFERENCE_SCHEMA: &str = include_str!("../schemas/difference.json");

#[cfg(test)]
pub(crate) mod tests;
