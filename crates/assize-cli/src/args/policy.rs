//! Policies without a world (C-27).

use clap::Args;

/// Documents that stand in for layers of policies.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policies without a world (files, or ARNs of AWS-managed policies)")]
pub(crate) struct PolicyArgs {
    /// An identity policy of the principal; without one its own side allows everything.
    #[arg(long = "policy", value_name = "FILE")]
    pub(crate) identity: Vec<String>,
    /// The permissions boundary of the principal.
    #[arg(long, value_name = "FILE")]
    pub(crate) boundary: Vec<String>,
    /// A service control policy above the principal's account.
    #[arg(long, value_name = "FILE")]
    pub(crate) scp: Vec<String>,
    /// A resource control policy above the account.
    #[arg(long, value_name = "FILE")]
    pub(crate) rcp: Vec<String>,
    /// A session policy of the principal's session.
    #[arg(long, value_name = "FILE")]
    pub(crate) session_policy: Vec<String>,
    /// A policy of the resource.
    #[arg(long, value_name = "FILE")]
    pub(crate) resource_policy: Vec<String>,
    /// The trust policy of the role that is the resource.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<String>,
}

impl PolicyArgs {
    /// Whether no layer is named.
    pub(crate) fn is_empty(&self) -> bool {
        [
            &self.identity,
            &self.boundary,
            &self.scp,
            &self.rcp,
            &self.session_policy,
            &self.resource_policy,
            &self.trust,
        ]
        .iter()
        .all(|layer| layer.is_empty())
    }
}
