//! A request from end to end: who asks, what is checked, what the conditions see, and the answer.

pub(crate) mod check;
pub(crate) mod context;
pub(crate) mod given;
pub(crate) mod knowledge;
mod organization;
pub(crate) mod output;
pub(crate) mod principal;
pub(crate) mod resource;

use std::collections::BTreeSet;

use assize_catalog::Catalog;
use assize_model::{
    Authorizer, ContextMode, EffectiveDecision, EngineOptions, Request, RequestError,
    RequestErrorKind,
};
use assize_policy::PolicyLibrary;
use assize_store::StoreSnapshot;

pub(crate) use check::{Action, Check};
pub(crate) use knowledge::Knowledge;
pub(crate) use principal::Caller;

use crate::layer;

/// Everything a decision depends on beside the request (E-1, E-2).
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// Who is attached to what.
    pub snapshot: &'a StoreSnapshot,
    /// What the documents of the snapshot say.
    pub library: &'a PolicyLibrary,
    /// The service authorization reference.
    pub catalog: &'a Catalog,
    /// The options of evaluation.
    pub options: &'a EngineOptions,
    /// The clock, in seconds since the epoch: the time of requests when neither they nor the
    /// options state one (E-19).
    pub now: i64,
}

impl Authorizer for World<'_> {
    fn authorize(&self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError> {
        evaluate(self, request)
    }
}

/// Which way what is unknown falls (E-127).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Against the request.
    Worst,
    /// For the request.
    Best,
}

/// One check with everything that is known about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) check: &'a Check<'a>,
    pub(crate) known: &'a Knowledge<'a>,
    /// The bound that is evaluated; in complete context there is but one.
    pub(crate) side: Side,
}

impl Case<'_> {
    /// The same check for one of the bounds.
    pub(crate) fn on(&self, side: Side) -> Self {
        Self { side, ..*self }
    }
}

/// What is said beside the decision (E-100): `notes` and `assumptions`.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    pub(crate) notes: BTreeSet<String>,
    pub(crate) assumptions: BTreeSet<String>,
}

impl Remarks {
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.insert(text.into());
    }

    pub(crate) fn assume(&mut self, text: impl Into<String>) {
        self.assumptions.insert(text.into());
    }
}

/// Decides a request, in full (E-67).
///
/// # Errors
/// Why the request is malformed (E-3), or [`RequestErrorKind::ContextMode`] for keys that are
/// said to be unknown in complete context (E-122).
pub fn evaluate(
    world: &World<'_>,
    request: &Request<'_>,
) -> Result<EffectiveDecision, RequestError> {
    evaluate_in(world, request)
}

/// [`evaluate`] with one lifetime for everything borrowed.
fn evaluate_in<'a>(
    world: &'a World<'a>,
    request: &'a Request<'a>,
) -> Result<EffectiveDecision, RequestError> {
    context_mode(world, request)?;
    let mut remarks = Remarks::default();
    let caller = principal::resolve(world, &request.principal)?;
    if caller.is_outside() {
        remarks.note("outside_principal");
    }
    if caller.is_path_assumed {
        remarks.assume("role_path");
    }
    let checks = check::expand(world, &caller, request, &mut remarks)?;
    let (mut decisions, mut bounds) = (Vec::new(), Vec::new());
    let mut parties = Vec::new();
    for check in &checks {
        let caller = check.caller.as_ref().unwrap_or(&caller);
        let known = context::build(world, caller, check, request, &mut remarks)?;
        let case = Case { world, caller, check, known: &known, side: Side::Worst };
        let (decision, bound) = layer::authorize(&case, &mut remarks);
        decisions.push(decision);
        bounds.push(bound);
        parties.push(caller);
    }
    output::fold(world, decisions, &bounds, &parties, remarks)
}

/// E-120, E-122: in complete context no key is unknown.
fn context_mode(world: &World<'_>, request: &Request<'_>) -> Result<(), RequestError> {
    if world.options.context == ContextMode::Partial || request.unknown.is_empty() {
        return Ok(());
    }
    let message = "`unknown` needs partial context (option `context`)";
    Err(RequestError::new(RequestErrorKind::ContextMode, message))
}

#[cfg(test)]
mod tests;
