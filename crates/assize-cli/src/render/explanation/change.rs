//! Changes that flip an answer, as a person would ask for them.

use std::fmt::Write as _;

use assize::{Change, Edit};
use assize_model::{Decision, Layer};

use crate::render::decision::{TRUST_POLICY, a_policy_of, statement_name};
use crate::render::style::Style;

/// What would flip the answer, the smallest first.
pub(super) fn changes(decision: Decision, changes: &[Change], style: Style) -> String {
    let is_open = |change: &Change| change.decision == Decision::Indeterminate;
    let wanted = match decision.is_allowed() {
        true if changes.iter().any(is_open) => "no longer allow",
        true => "deny",
        false => "allow",
    };
    if changes.is_empty() {
        return format!("No small change of policies or request would {wanted} it.\n");
    }
    let mut text = format!("What would {wanted} it, proven by deciding again:\n");
    for (at, change) in changes.iter().enumerate() {
        for (nth, edit) in change.edits.iter().enumerate() {
            let lead = match (nth, changes.len()) {
                (0, 1) => "  ".to_owned(),
                (0, _) => format!("  {}. ", at + 1),
                (_, 1) => "  and ".to_owned(),
                (_, _) => "     and ".to_owned(),
            };
            let _ = writeln!(text, "{lead}{}", edit_text(edit, style));
        }
    }
    text
}

fn edit_text(edit: &Edit, style: Style) -> String {
    match edit {
        Edit::RemoveStatement { statement } => {
            format!("remove {}", statement_name(statement, style))
        }
        Edit::DetachPolicy { policy, .. } => format!("detach {}", style.name(policy)),
        Edit::AddAction { statement, action } => {
            format!("add the action `{action}` to {}", statement_name(statement, style))
        }
        Edit::AddResource { statement, resource } => {
            format!("add the resource `{resource}` to {}", statement_name(statement, style))
        }
        Edit::AddPrincipal { statement, principal } => {
            format!("name the principal `{principal}` in {}", statement_name(statement, style))
        }
        Edit::AddStatement { layer, policy, node, principal, action, resource } => {
            let mut text = format!("allow `{action}`");
            if let Some(resource) = resource {
                let _ = write!(text, " on `{resource}`");
            }
            if let Some(principal) = principal {
                let _ = write!(text, " to `{principal}`");
            }
            match policy {
                Some(policy) => {
                    let _ = write!(text, " in {}", style.name(policy));
                }
                // A trust policy alone has no resource.
                None if *layer == Layer::Resource && resource.is_none() => {
                    let _ = write!(text, " in the {TRUST_POLICY}");
                }
                None => {
                    let _ = write!(text, " in {}", a_policy_of(*layer));
                }
            }
            if let Some(node) = node {
                let _ = write!(text, " of {node}");
            }
            text
        }
        Edit::GiveKey { key, value } => {
            format!("send the request with {} `{value}`", style.name(key))
        }
        Edit::OmitKey { key } => format!("send the request without {}", style.name(key)),
        Edit::TagPrincipal { tag, value: Some(value) } => {
            format!("tag the principal with {} `{value}`", style.name(tag))
        }
        Edit::TagPrincipal { tag, value: None } => {
            format!("take the tag {} from the principal", style.name(tag))
        }
        Edit::TagResource { resource, tag, value: Some(value) } => {
            format!("tag `{resource}` with {} `{value}`", style.name(tag))
        }
        Edit::TagResource { resource, tag, value: None } => {
            format!("take the tag {} from `{resource}`", style.name(tag))
        }
        Edit::StateOwner { resource, account } => {
            format!("say that `{resource}` belongs to account {account}")
        }
        _ => format!("{edit:?}"),
    }
}
