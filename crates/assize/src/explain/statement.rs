//! Why each statement applies or does not (C-2).

use assize_compiler::{StatementDetail, StatementPlace};
use assize_model::{
    ConditionKey, EffectiveDecision, Layer, PolicyId, Request, RequestError, RequestErrorKind,
    StatementRef,
};

use super::shown;
use crate::batch::{Decider, document, located_statement};
use crate::engine::Inner;
use crate::resolve::{DocumentKey, Resolver};

/// A decision, and every statement that was looked at on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The decision.
    pub decision: EffectiveDecision,
    /// The statements of each check, layer by layer in the order of E-50, in each in the order of
    /// E-102.
    pub statements: Vec<Vec<StatementExplanation>>,
}

/// One statement, and why it applies to a check or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementExplanation {
    /// The layer it stands in.
    pub layer: Layer,
    /// Its names, and where it stands.
    pub statement: StatementRef,
    /// Its document, if the snapshot holds it; none for one that came with the request.
    pub document: Option<PolicyId>,
    /// Whether it applies and plays a part.
    pub applies: bool,
    /// E-83, E-84: it plays no part in this check, whatever it says.
    pub ignored: bool,
    /// In partial context, the unknown keys it hangs on (E-129): whether it applies is then a
    /// matter of the bound that the check shows.
    pub unknown_keys: Vec<ConditionKey>,
    /// Part by part: what it wants, and what the request has.
    pub detail: StatementDetail,
}

/// Decides a request and explains every statement.
///
/// # Errors
/// Why the request is malformed (E-3).
pub(crate) fn explain_statements(
    engine: &Inner,
    request: &Request<'_>,
) -> Result<Explanation, RequestError> {
    let mut decider = Decider::new(engine);
    decider.resolver.keeps_context = true;
    decider.resolver.begin();
    let run = decider.resolver.push(request)?;
    decider.resolver.decide();
    let decision = decider.explain_run(run)?;
    let statements = run.range().map(|row| statements(&decider.resolver, row));
    Ok(Explanation { decision, statements: statements.collect::<Result<_, _>>()? })
}

fn statements(
    resolver: &Resolver<'_>,
    row: usize,
) -> Result<Vec<StatementExplanation>, RequestError> {
    let mut statements = Vec::new();
    for layer in shown(resolver, row)?.layers {
        for traced in &layer.statements {
            let place = traced.place;
            let handle = document(resolver, row, layer.layer, place);
            let document = match handle.map(|handle| resolver.document_key(handle)) {
                Some(DocumentKey::Stored(id)) => Some(id),
                Some(DocumentKey::Given(_)) | None => None,
            };
            statements.push(StatementExplanation {
                layer: layer.layer,
                statement: located_statement(resolver, row, layer.layer, place),
                document,
                applies: traced.applies(),
                ignored: traced.ignored,
                unknown_keys: traced.open_keys.clone().unwrap_or_default(),
                detail: detail(resolver, row, layer.layer, place)?,
            });
        }
    }
    Ok(statements)
}

/// A statement at a place of a layer, part by part.
pub(super) fn detail(
    resolver: &Resolver<'_>,
    row: usize,
    layer: Layer,
    place: StatementPlace,
) -> Result<StatementDetail, RequestError> {
    let place = (layer, place);
    let detail = if resolver.is_partial {
        resolver.with_partial_columns(|engine, overlay, partial| {
            let (tables, catalog) = (&engine.tables, &engine.catalog);
            tables.statement_detail_partial(catalog, Some(overlay), partial, row, place)
        })
    } else {
        resolver.with_columns(|engine, overlay, columns| {
            let (tables, catalog) = (&engine.tables, &engine.catalog);
            tables.statement_detail(catalog, Some(overlay), columns, row, place)
        })
    };
    detail.ok_or_else(|| {
        RequestError::new(RequestErrorKind::Internal, "the statement could not be traced")
    })
}
