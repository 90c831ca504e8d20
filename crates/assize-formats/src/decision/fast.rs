//! Fast records and the compact form (E-103, F-32), written from plain parts: a batch has no
//! tree of its decisions.

use assize_model::{
    AllowedBy, Bounds, Decision, Effect, EffectiveDecision, Layer, ReasonCode, StatementRef,
};

use super::{Envelope, Reasons, write_uncertainty};
use crate::RecordId;
use crate::json::Object;

/// The fast part of a decision (E-103).
#[derive(Debug, Clone, Copy)]
pub struct DecisionLine<'d> {
    /// The decision.
    pub decision: Decision,
    /// The decisive check, from 0.
    pub check: u32,
    /// The decisive layer.
    pub layer: Layer,
    /// The reason.
    pub reason: ReasonCode,
    /// Whose policies allow, when allowed (F-21).
    pub allowed_by: Option<AllowedBy>,
    /// The first decisive statement of the decisive layer; none for an implicit deny.
    pub statement: Option<FastStatement<'d>>,
    /// Both bounds, when they differ.
    pub bounds: Option<Bounds>,
    /// The unknown keys the decision hangs on (E-129).
    pub depends_on: &'d [Box<str>],
}

/// One statement as fast records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FastStatement<'d> {
    /// The policy, by the forms of E-101.
    pub policy: &'d str,
    /// Its position; none for a document that does not load and for a KMS grant.
    pub index: Option<u32>,
    /// Its `Sid`.
    pub sid: Option<&'d str>,
    /// Its effect.
    pub effect: Option<Effect>,
    /// The node of an SCP or RCP.
    pub node: Option<&'d str>,
}

impl<'d> From<&'d StatementRef> for FastStatement<'d> {
    fn from(statement: &'d StatementRef) -> Self {
        Self {
            policy: &statement.policy,
            index: statement.statement,
            sid: statement.sid.as_deref(),
            effect: statement.effect,
            node: statement.node.as_deref(),
        }
    }
}

impl<'d> DecisionLine<'d> {
    /// The fast part of a full decision: of the statements the first that matched in the decisive
    /// layer of the decisive check (E-103).
    pub fn of(decision: &'d EffectiveDecision) -> Self {
        let Reasons { check, layer, reason, allowed_by } = Reasons::of(decision);
        let effect = match decision.decision {
            Decision::Allowed => Some(Effect::Allow),
            Decision::ExplicitDeny => Some(Effect::Deny),
            Decision::ImplicitDeny | Decision::Indeterminate => None,
        };
        let results = decision.checks.get(check as usize).map_or(&[][..], |check| &check.layers);
        let result = results.iter().find(|result| result.layer == layer);
        let first = match effect {
            Some(Effect::Allow) => result.and_then(|result| result.allows.first()),
            Some(Effect::Deny) => result.and_then(|result| result.denies.first()),
            None => decision.decisive.statements.first(),
        };
        Self {
            decision: decision.decision,
            check,
            layer,
            reason,
            allowed_by,
            statement: first.map(FastStatement::from),
            bounds: decision.bounds,
            depends_on: &decision.depends_on,
        }
    }
}

/// Writes a fast record (E-103), without a line end.
pub fn write_fast(out: &mut Vec<u8>, envelope: &Envelope<'_>, line: &DecisionLine<'_>) {
    write_fast_head(out, envelope.id);
    write_fast_tail(out, envelope, line);
}

/// The beginning of a fast record: its id.
pub fn write_fast_head(out: &mut Vec<u8>, id: &RecordId<'_>) {
    out.extend_from_slice(b"{\"id\":");
    id.write(out);
}

/// The rest of a fast record, behind [`write_fast_head`].
pub fn write_fast_tail(out: &mut Vec<u8>, envelope: &Envelope<'_>, line: &DecisionLine<'_>) {
    let mut object = Object::go_on(out);
    object.word("decision", line.decision.as_str());
    let mut decisive = Object::open(object.key("decisive"));
    decisive.number("check", u64::from(line.check));
    decisive.word("layer", line.layer.as_str());
    decisive.word("reason", line.reason.as_str());
    if let Some(allowed_by) = line.allowed_by {
        decisive.word("allowedBy", allowed_by.as_str());
    }
    if let Some(statement) = &line.statement {
        let out = decisive.key("statements");
        out.push(b'[');
        write_statement(out, statement);
        out.push(b']');
    }
    decisive.close();
    write_uncertainty(&mut object, line.bounds, line.depends_on);
    envelope.write_tail(&mut object);
    object.close();
}

fn write_statement(out: &mut Vec<u8>, statement: &FastStatement<'_>) {
    let mut object = Object::open(out);
    object.string("policyId", statement.policy);
    if let Some(index) = statement.index {
        object.number("statement", u64::from(index));
    }
    object.string_if("sid", statement.sid);
    if let Some(effect) = statement.effect {
        object.word("effect", effect_word(effect));
    }
    object.string_if("node", statement.node);
    object.close();
}

pub(super) fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    }
}

/// Writes a decision in the compact form with its line end (F-32):
/// `ID<TAB>CODE<TAB>LAYER<TAB>POLICYID#STATEMENT`, the last field empty when no statement
/// decides; for an indeterminate decision it holds the keys it depends on.
pub fn write_compact(out: &mut Vec<u8>, id: &RecordId<'_>, line: &DecisionLine<'_>) {
    write_compact_head(out, id);
    write_compact_tail(out, line);
}

/// The beginning of a decision in the compact form: its id.
pub fn write_compact_head(out: &mut Vec<u8>, id: &RecordId<'_>) {
    match id {
        RecordId::Text(text) => write_escaped(out, text),
        RecordId::Number(digits) => out.extend_from_slice(digits.as_bytes()),
    }
}

/// The rest of a decision in the compact form, behind [`write_compact_head`].
pub fn write_compact_tail(out: &mut Vec<u8>, line: &DecisionLine<'_>) {
    out.extend_from_slice(match line.decision {
        Decision::Allowed => b"\tA\t",
        Decision::ExplicitDeny => b"\tD\t",
        Decision::ImplicitDeny => b"\tI\t",
        Decision::Indeterminate => b"\t?\t",
    });
    out.extend_from_slice(line.layer.as_str().as_bytes());
    out.push(b'\t');
    if line.decision == Decision::Indeterminate {
        for (index, key) in line.depends_on.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_escaped(out, key);
        }
    } else if let Some(statement) = &line.statement {
        write_escaped(out, statement.policy);
        if let Some(index) = statement.index {
            out.push(b'#');
            out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
        }
    }
    out.push(b'\n');
}

/// Writes an error in the compact form with its line end: the layer is empty, the fourth field is
/// the code of the error (F-32).
pub fn write_compact_error(out: &mut Vec<u8>, id: &RecordId<'_>, code: &str) {
    write_escaped(out, id.as_str());
    out.extend_from_slice(b"\tE\t\t");
    out.extend_from_slice(code.as_bytes());
    out.push(b'\n');
}

/// A field of the compact form: tabs, line ends and backslashes are escaped.
fn write_escaped(out: &mut Vec<u8>, text: &str) {
    // Nearly no text has such a character, and that is seen without a branch for each byte.
    let is_special = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'\\');
    if text.bytes().fold(0, |found, byte| found | is_special(byte)) == 0 {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\\' => b"\\\\",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        out.extend_from_slice(escape);
        plain = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
}
