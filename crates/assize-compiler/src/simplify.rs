//! Pass: static verdicts. What always applies makes what stands behind it unreportable.

use crate::program::Rule;

/// Whether a cell allows, as far as that is known without a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum AllowState {
    /// Some node has no Allow for the actions of the cell.
    #[default]
    Never,
    /// It depends on the row.
    Depends,
    /// Every node has an Allow that always applies.
    Always,
}

/// Cuts the Deny statements behind the first that always applies: it, or one before it, is the
/// one to report.
pub(crate) fn cut_denies(rules: &mut Vec<Rule>) {
    if let Some(at) = rules.iter().position(|rule| rule.is_unconditional()) {
        rules.truncate(at + 1);
    }
}

/// Cuts the Allow statements behind the first that always applies, save those that name
/// principals: one for the account opens the gate of E-54 beside a Direct one. In a set of several
/// nodes, which is never reported, one statement that always applies stands for its whole node.
/// Rules of several nodes come in the order of their nodes.
pub(crate) fn cut_allows(rules: &mut Vec<Rule>, n_nodes: u16) {
    if n_nodes <= 1 {
        let mut settled = false;
        rules.retain(|rule| {
            let keep = !settled || rule.names_principals();
            settled |= rule.is_unconditional();
            keep
        });
        return;
    }
    rules.sort_by_key(|rule| (rule.node, !rule.is_unconditional()));
    let mut settled = None;
    rules.retain(|rule| {
        let keep = settled != Some(rule.node);
        if rule.is_unconditional() {
            settled = Some(rule.node);
        }
        keep
    });
}

/// The state of Allow rules in the order of their nodes (E-35: every node must allow).
pub(crate) fn allow_state(rules: &[Rule], n_nodes: u16) -> AllowState {
    let mut next = 0;
    let mut state = AllowState::Always;
    for node in rules.chunk_by(|a, b| a.node == b.node) {
        if node[0].node != next {
            break;
        }
        next += 1;
        if !node.iter().any(|rule| rule.is_unconditional()) {
            state = AllowState::Depends;
        }
    }
    if next < n_nodes.max(1) { AllowState::Never } else { state }
}
