//! Who answers requests, and what two answers must have in common.

use std::fmt;

use assize::{Engine, Outcome};
use assize_compiler::CompileOptions;
use assize_model::{
    AllowedBy, Bounds, Decision, EffectiveDecision, EngineOptions, Layer, ReasonCode, Request,
    RequestError, StatementRef,
};
use assize_policy::PolicyLibrary;
use assize_reference::{ListedCheck, World, documents, evaluate};
use assize_store::StoreSnapshot;

use crate::corpus::{catalog, managed_policies};

/// The reference interpreter over one snapshot.
#[derive(Debug)]
pub struct Oracle<'a> {
    snapshot: &'a StoreSnapshot,
    library: PolicyLibrary,
    options: &'a EngineOptions,
}

impl<'a> Oracle<'a> {
    /// The oracle over a snapshot.
    pub fn new(snapshot: &'a StoreSnapshot, options: &'a EngineOptions) -> Self {
        Self { snapshot, library: assize::library(snapshot), options }
    }

    /// The oracle over the snapshot of an engine, without loading its documents again.
    pub fn of_engine(engine: &'a Engine) -> Self {
        let library = engine.library().clone();
        Self { snapshot: engine.snapshot(), library, options: engine.options() }
    }

    /// Decides a request, in full.
    ///
    /// # Errors
    /// Why the request is malformed.
    pub fn evaluate(&self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError> {
        evaluate(&self.world(), request)
    }

    /// The documents that decide a request.
    ///
    /// # Errors
    /// Why the request is malformed.
    pub fn documents(&self, request: &Request<'_>) -> Result<Vec<ListedCheck>, RequestError> {
        documents(&self.world(), request)
    }

    fn world(&self) -> World<'_> {
        World {
            snapshot: self.snapshot,
            library: &self.library,
            catalog: catalog(),
            options: self.options,
            now: self.options.time.unwrap_or_default(),
        }
    }
}

/// An engine with the passes of the compiler that are asked for.
///
/// # Panics
/// When the world cannot be compiled.
pub fn engine_with(
    snapshot: &StoreSnapshot,
    options: &EngineOptions,
    passes: &CompileOptions,
) -> Engine {
    let (catalog, managed) = (catalog().clone(), managed_policies().clone());
    Engine::build(snapshot.clone(), options.clone(), catalog, managed, passes)
        .unwrap_or_else(|error| panic!("the world does not compile: {error}"))
}

/// An engine.
///
/// # Panics
/// When the world cannot be compiled.
pub fn engine(snapshot: &StoreSnapshot, options: &EngineOptions) -> Engine {
    engine_with(snapshot, options, &CompileOptions::default())
}

/// What every answer to a request must agree on: decision, decisive check, layer, reason, whose
/// policies allow, the first statement, bounds and what they hang on; or the kind of error.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    decided: Result<Decided, &'static str>,
}

#[derive(Clone, PartialEq, Eq)]
struct Decided {
    decision: Decision,
    check: u32,
    layer: Layer,
    reason: ReasonCode,
    allowed_by: Option<AllowedBy>,
    statement: Option<String>,
    bounds: Option<Bounds>,
    depends_on: Vec<Box<str>>,
}

impl Answer {
    /// What the reference or an explanation says.
    pub fn of_decision(found: &Result<EffectiveDecision, RequestError>) -> Self {
        let decided = found.as_ref().map_err(|error| error.kind().as_str()).map(|found| {
            let decisive = &found.decisive;
            Decided {
                decision: found.decision,
                check: decisive.check,
                layer: decisive.layer,
                reason: decisive.reason,
                allowed_by: decisive.allowed_by,
                statement: first_statement(found).map(text_of),
                bounds: found.bounds,
                depends_on: found.depends_on.clone(),
            }
        });
        Self { decided }
    }

    /// What the tables say.
    pub fn of_outcome(found: &Result<Outcome, RequestError>) -> Self {
        let decided = found.as_ref().map_err(|error| error.kind().as_str()).map(|found| Decided {
            decision: found.decision,
            check: found.check,
            layer: found.layer,
            reason: found.reason,
            allowed_by: found.allowed_by,
            statement: found.statement.as_ref().map(text_of),
            bounds: found.bounds,
            depends_on: found.depends_on.clone(),
        });
        Self { decided }
    }

    /// The decision; none for a malformed request.
    pub fn decision(&self) -> Option<Decision> {
        self.decided.as_ref().ok().map(|decided| decided.decision)
    }

    /// The decisive layer; none for a malformed request.
    pub fn layer(&self) -> Option<Layer> {
        self.decided.as_ref().ok().map(|decided| decided.layer)
    }

    /// The reason; none for a malformed request.
    pub fn reason(&self) -> Option<ReasonCode> {
        self.decided.as_ref().ok().map(|decided| decided.reason)
    }
}

/// The one statement of fast output (E-103): the first decisive one of the decisive layer.
fn first_statement(found: &EffectiveDecision) -> Option<&StatementRef> {
    let check = found.checks.get(found.decisive.check as usize)?;
    let layer = check.layers.iter().find(|layer| layer.layer == check.layer)?;
    let of_layer = match check.decision {
        Decision::Allowed => &layer.allows,
        Decision::ExplicitDeny => &layer.denies,
        Decision::Indeterminate => return found.decisive.statements.first(),
        Decision::ImplicitDeny => return None,
    };
    found.decisive.statements.iter().find(|statement| of_layer.contains(statement))
}

fn text_of(statement: &StatementRef) -> String {
    let index = statement.statement.map_or_else(String::new, |at| format!("#{at}"));
    let node = statement.node.as_deref().unwrap_or_default();
    format!("{}{index}@{node}", statement.policy)
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.decided {
            Err(kind) => write!(f, "error {kind}"),
            Ok(d) => {
                write!(f, "{} by {} ({}) in check {}", d.decision, d.layer, d.reason, d.check)?;
                if let Some(by) = d.allowed_by {
                    write!(f, ", allowed by {by}")?;
                }
                if let Some(statement) = &d.statement {
                    write!(f, ", {statement}")?;
                }
                if let Some(Bounds { worst, best }) = d.bounds {
                    write!(f, ", from {worst:?} to {best:?}, depends on {:?}", d.depends_on)?;
                }
                Ok(())
            }
        }
    }
}
