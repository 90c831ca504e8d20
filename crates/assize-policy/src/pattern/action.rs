//! Action patterns (L-221 – L-223).

use crate::finding::{FindingCode, Problem, Reject, quoted};
use crate::ir::ActionPattern;
use crate::variable::find_variable;

/// Reads an entry of `Action` or `NotAction`.
///
/// What a policy type allows of it (L-211, L-212, L-214) is not looked at.
pub(crate) fn action(text: &str, problems: &mut Vec<Problem>) -> Option<ActionPattern> {
    if text == "*" {
        return Some(ActionPattern::Any);
    }
    let named = |vendor: &str, name: &str| {
        let (vendor, name) = (vendor.to_ascii_lowercase(), name.to_ascii_lowercase());
        Some(ActionPattern::Named { vendor: vendor.into(), name: name.into() })
    };
    // Nearly every action is plain, which two walks over it tell.
    if let Some((vendor, name)) = text.split_once(':')
        && !vendor.is_empty()
        && vendor.bytes().all(is_of_vendor)
        && !name.is_empty()
        && name.bytes().all(is_of_name)
    {
        return named(vendor, name);
    }
    match split(text) {
        Ok((vendor, name)) => {
            report_name(text, name, problems);
            named(vendor, name)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn is_of_vendor(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_of_name(byte: u8) -> bool {
    is_of_vendor(byte) || byte == b'*' || byte == b'?'
}

/// Splits `vendor:name` at its only colon (L-221).
fn split(text: &str) -> Result<(&str, &str), Problem> {
    let reject = |code, reason: &str| {
        let message = format!("action {} {reason}", quoted(text));
        Err(Problem::new(code, Reject::Always, message))
    };
    if let Some(range) = find_variable(text) {
        let message = format!("action {} holds a variable; actions have none", quoted(text));
        let code = FindingCode::VariableUnsupportedInElement;
        return Err(Problem::new(code, Reject::Always, message).at(range));
    }
    let Some((vendor, name)) = text.split_once(':') else {
        return reject(
            FindingCode::InvalidAction,
            "has no service prefix: expected `*` or `service:Name`",
        );
    };
    if vendor.contains(['*', '?']) {
        reject(
            FindingCode::InvalidServiceInAction,
            "has a wildcard in its service prefix; write `*` for every action",
        )
    } else if vendor.is_empty() {
        reject(FindingCode::InvalidAction, "has an empty service prefix")
    } else if name.contains(':') {
        reject(FindingCode::InvalidAction, "has more than one colon")
    } else if !vendor.bytes().all(is_of_vendor) {
        reject(
            FindingCode::InvalidAction,
            "has a character in its service prefix other than letters, digits and `-`",
        )
    } else {
        Ok((vendor, name))
    }
}

/// Reports a name that no action has (L-223). It loads, and matches as it is written.
fn report_name(text: &str, name: &str, problems: &mut Vec<Problem>) {
    let reason = if name.is_empty() {
        "has no name after the service prefix, so it matches no action"
    } else if name.contains(char::is_whitespace) {
        "has white space in its name, so it matches no action"
    } else if !name.bytes().all(is_of_name) {
        "has a character in its name that no action has"
    } else {
        return;
    };
    let message = format!("action {} {reason}", quoted(text));
    let range = text.len() - name.len()..text.len();
    problems.push(Problem::new(FindingCode::InvalidAction, Reject::Never, message).at(range));
}
