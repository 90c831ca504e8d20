//! One request, or the product of several, on the command line (C-1).

use assize_model::Decision;
use clap::{Args, ValueEnum};

/// Who does what to which resource.
#[derive(Debug, Clone, Args)]
pub(crate) struct RequestArgs {
    /// The principal: the ARN of a user, role, role session or root user, a service name, the
    /// identity provider of a federated caller, whose claims -c gives, or `anonymous`; repeatable.
    #[arg(short, long, value_name = "PRINCIPAL")]
    pub(crate) principal: Vec<String>,
    /// The action, such as s3:GetObject; repeatable.
    #[arg(short, long, value_name = "ACTION", required = true)]
    pub(crate) action: Vec<String>,
    /// The ARN of the resource; without one, what the action takes in its place; repeatable.
    #[arg(short, long, value_name = "RESOURCE")]
    pub(crate) resource: Vec<String>,
    /// A key of the context and its value; a key given several times is a list.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = context_pair)]
    pub(crate) context: Vec<ContextPair>,
}

/// One `-c KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextPair {
    pub(crate) key: String,
    pub(crate) value: String,
}

fn context_pair(text: &str) -> Result<ContextPair, String> {
    match text.split_once('=') {
        Some((key, value)) if key.contains(':') => {
            Ok(ContextPair { key: key.to_owned(), value: value.to_owned() })
        }
        Some((key, _)) => Err(format!(
            "`{key}` is no context key: expected `service:key`, for example aws:SourceIp=203.0.113.7"
        )),
        None => Err("expected KEY=VALUE, for example aws:SourceIp=203.0.113.7".to_owned()),
    }
}

/// The answer that is wanted (F-83): a word of F-44.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum Expected {
    /// Every check is allowed.
    Allowed,
    /// Either kind of deny.
    Denied,
    /// A statement denies.
    ExplicitDeny,
    /// Nothing allows.
    ImplicitDeny,
    /// It depends on context that is not known.
    Indeterminate,
    /// The request is malformed.
    #[value(name = "error")]
    Error,
}

impl Expected {
    /// Whether a decision, or an error in its place, is the one that is wanted.
    pub(crate) fn is_met_by(self, decision: Option<Decision>) -> bool {
        match self {
            Self::Allowed => decision == Some(Decision::Allowed),
            Self::Denied => {
                matches!(decision, Some(Decision::ExplicitDeny | Decision::ImplicitDeny))
            }
            Self::ExplicitDeny => decision == Some(Decision::ExplicitDeny),
            Self::ImplicitDeny => decision == Some(Decision::ImplicitDeny),
            Self::Indeterminate => decision == Some(Decision::Indeterminate),
            Self::Error => decision.is_none(),
        }
    }
}

/// The two shapes of AWS's simulation results (E-109).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AwsShape {
    /// One result an action, with those of its resources inside.
    #[default]
    Present,
    /// One result for each action and resource.
    Legacy,
}
