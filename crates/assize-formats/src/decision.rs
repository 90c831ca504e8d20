//! Decision records (F-20, F-21): what is said about one request, in the order of the schema
//! (F-7).

mod explain;
mod fast;

use std::borrow::Cow;

use assize_model::{
    AllowedBy, Bound, Bounds, Decision, EffectiveDecision, Layer, ReasonCode, RequestError,
};

pub use explain::write_explanation;
pub(crate) use explain::write_statement;
pub use fast::{
    DecisionLine, FastStatement, write_compact, write_compact_error, write_compact_head,
    write_compact_tail, write_fast, write_fast_head, write_fast_tail,
};

use crate::json::{Object, write_strings};
use crate::{Observed, ObservedDecision, Provenance, RecordId};

/// What a decision record says beside the decision: what came with the request, and where the
/// decision came from.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'r> {
    /// `id`.
    pub id: &'r RecordId<'r>,
    /// Members beginning `x-`, echoed (F-4).
    pub extra: &'r [(Cow<'r, str>, &'r str)],
    /// `observed`, echoed.
    pub observed: Option<&'r Observed<'r>>,
    /// `agrees` (F-35): none when nothing was observed.
    pub agreement: Option<Agreement>,
    /// `provenance`, in single records; in a stream the header has it (F-85).
    pub provenance: Option<&'r Provenance>,
}

impl<'r> Envelope<'r> {
    /// A record with an id and nothing else.
    pub fn new(id: &'r RecordId<'r>) -> Self {
        Self { id, extra: &[], observed: None, agreement: None, provenance: None }
    }

    /// The members behind those of the decision.
    fn write_tail(&self, object: &mut Object<'_>) {
        if let Some(provenance) = self.provenance {
            provenance.write(object.key("provenance"));
        }
        if let Some(observed) = self.observed {
            observed.write(object.key("observed"));
        }
        if let Some(agreement) = self.agreement {
            object.raw("agrees", agreement.as_json());
        }
        for (name, json) in self.extra {
            object.raw(name, json);
        }
    }
}

/// Whether a decision agrees with what was observed (F-35).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Agreement {
    /// It does.
    Agrees,
    /// It does not.
    Disagrees,
    /// The log or the decision leaves it open.
    Unknown,
}

impl Agreement {
    /// The value of `agrees`: `true`, `false` or `null`.
    pub fn as_json(self) -> &'static str {
        match self {
            Self::Agrees => "true",
            Self::Disagrees => "false",
            Self::Unknown => "null",
        }
    }
}

/// What of a decision agreement depends on (F-35).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// The decision; none for an error.
    pub decision: Option<Decision>,
    /// Whether its kind is uncertain (E-132): an implicit deny with bounds.
    pub kind_is_uncertain: bool,
    /// Whether a disagreement may be due to context that the log left out: context keys are
    /// missing, in complete mode, and the log does not declare its context complete (E-122).
    pub context_may_be_incomplete: bool,
}

/// Agreement of a decision with what was observed (F-35); with `strict` an observed deny must be
/// of the same kind.
pub fn agreement(observed: ObservedDecision, compared: Compared, strict: bool) -> Agreement {
    use ObservedDecision as Seen;
    let Compared { decision, kind_is_uncertain, context_may_be_incomplete } = compared;
    let denied = match decision {
        None | Some(Decision::Indeterminate) => return Agreement::Unknown,
        Some(Decision::Allowed) => false,
        Some(Decision::ExplicitDeny | Decision::ImplicitDeny) => true,
    };
    let same_kind = match observed {
        Seen::ExplicitDeny => decision == Some(Decision::ExplicitDeny),
        Seen::ImplicitDeny => decision == Some(Decision::ImplicitDeny),
        _ => true,
    };
    let agrees = match observed {
        Seen::Unknown => return Agreement::Unknown,
        Seen::Allowed => !denied,
        Seen::Denied | Seen::ExplicitDeny | Seen::ImplicitDeny => denied,
    };
    match (agrees, strict && denied) {
        (true, true) if kind_is_uncertain && observed != Seen::Denied => Agreement::Unknown,
        (true, true) if !same_kind && context_may_be_incomplete => Agreement::Unknown,
        (true, true) if !same_kind => Agreement::Disagrees,
        (true, _) => Agreement::Agrees,
        (false, _) if context_may_be_incomplete => Agreement::Unknown,
        (false, _) => Agreement::Disagrees,
    }
}

/// Writes the record of a request that has no decision (F-33), without a line end.
pub fn write_error(out: &mut Vec<u8>, envelope: &Envelope<'_>, error: &RequestError) {
    let mut object = Object::open(out);
    envelope.id.write(object.key("id"));
    let mut detail = Object::open(object.key("error"));
    detail.string("code", error.kind().as_str());
    detail.string("message", error.message());
    detail.string_if("pointer", error.pointer());
    detail.close();
    envelope.write_tail(&mut object);
    object.close();
}

/// What decided, without statements (F-20 `decisive`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reasons {
    check: u32,
    layer: Layer,
    reason: ReasonCode,
    allowed_by: Option<AllowedBy>,
}

impl Reasons {
    fn of(decision: &EffectiveDecision) -> Self {
        let decisive = &decision.decisive;
        Self {
            check: decisive.check,
            layer: decisive.layer,
            reason: decisive.reason,
            allowed_by: decisive.allowed_by,
        }
    }
}

fn write_bounds(out: &mut Vec<u8>, bounds: Bounds) {
    fn bound(out: &mut Vec<u8>, bound: Bound) {
        let mut object = Object::open(out);
        object.string("decision", bound.decision.as_str());
        object.string("layer", bound.layer.as_str());
        object.string("reason", bound.reason.as_str());
        object.close();
    }
    let mut object = Object::open(out);
    bound(object.key("worst"), bounds.worst);
    bound(object.key("best"), bounds.best);
    object.close();
}

/// `bounds` and `dependsOn`, which are there when the bounds differ (E-128).
fn write_uncertainty(object: &mut Object<'_>, bounds: Option<Bounds>, depends_on: &[Box<str>]) {
    if let Some(bounds) = bounds {
        write_bounds(object.key("bounds"), bounds);
        write_strings(object.key("dependsOn"), depends_on);
    }
}

#[cfg(test)]
mod tests;
