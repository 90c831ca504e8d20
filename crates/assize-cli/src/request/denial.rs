//! What AWS says when it denies (E-106), read back: who asked for what, and which policy was to
//! blame.

use anyhow::{Result, bail};
use assize_model::{Decision, EffectiveDecision, Layer};

use crate::args::RequestArgs;
use crate::render::decision::policies_of;
use crate::render::style::Style;

/// A message of AWS, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    principal: String,
    action: String,
    resource: Option<String>,
    reason: Option<Reason>,
}

/// What a message says of the reason. AWS names one type of policy, even if several deny (E-107).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reason {
    decision: Decision,
    layer: Layer,
}

/// What stands before the parts of a message.
const USER: &str = "User: ";
const ACTION: &str = " is not authorized to perform: ";
const RESOURCE: &str = " on resource: ";
const EXPLICIT: &str = " with an explicit deny";
const IMPLICIT: &str = " because no ";

/// How messages call the types of policies.
const KINDS: [(&str, Layer); 8] = [
    ("identity-based policy", Layer::Identity),
    ("resource-based policy", Layer::Resource),
    ("role trust policy", Layer::Resource),
    ("permissions boundary", Layer::Boundary),
    ("session policy", Layer::Session),
    ("service control policy", Layer::ServiceControl),
    ("resource control policy", Layer::ResourceControl),
    ("VPC endpoint policy", Layer::VpcEndpoint),
];

impl Denial {
    /// Reads a message, with whatever a tool printed around it.
    ///
    /// # Errors
    /// A text that is no such message.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((before, rest)) = text.split_once(ACTION) else {
            if text.contains("ncoded authorization failure message") {
                bail!(
                    "this message is encoded: decode it with `aws sts decode-authorization-message` \
                     and give principal, action and resource by -p, -a and -r"
                );
            }
            bail!(
                "expected a message of AWS such as `User: ARN is not authorized to perform: \
                 ACTION on resource: ARN`"
            );
        };
        let principal = before.rsplit_once(USER).map_or(before, |(_, principal)| principal);
        let at = [EXPLICIT, IMPLICIT].iter().filter_map(|lead| rest.find(lead)).min();
        let (asked, reason) = rest.split_at(at.unwrap_or(rest.len()));
        let (action, resource) = match asked.split_once(RESOURCE) {
            Some((action, resource)) => (action, Some(unquoted(resource).to_owned())),
            None => (asked, None),
        };
        let kind = KINDS.iter().find(|(kind, _)| reason.contains(kind)).map(|(_, layer)| *layer);
        let decision = if reason.starts_with(EXPLICIT) {
            Decision::ExplicitDeny
        } else {
            Decision::ImplicitDeny
        };
        Ok(Self {
            principal: principal.trim().to_owned(),
            action: unquoted(action).to_owned(),
            resource,
            reason: kind.map(|layer| Reason { decision, layer }),
        })
    }

    /// Fills what the command line does not say.
    pub(crate) fn fill(&self, args: &mut RequestArgs) {
        if args.principal.is_empty() {
            args.principal.push(self.principal.clone());
        }
        if args.action.is_empty() {
            args.action.push(self.action.clone());
        }
        if args.resource.is_empty() {
            args.resource.extend(self.resource.clone());
        }
    }

    /// Whether AWS decided as this world does.
    pub(crate) fn compared(&self, found: &EffectiveDecision, style: Style) -> String {
        let lead = style.note("AWS said:");
        let Some(Reason { decision, layer }) = self.reason else {
            let agrees = !found.decision.is_allowed();
            return format!("{lead} denied, without a reason; {}\n", verdict(agrees));
        };
        let kind = policies_of(layer);
        let said = match decision {
            Decision::ExplicitDeny => format!("denied explicitly by a {kind}"),
            _ => format!("not allowed by any {kind}"),
        };
        let agrees = found.decision == decision && found.decisive.layer == layer;
        format!("{lead} {said}; {}\n", verdict(agrees))
    }
}

fn verdict(agrees: bool) -> &'static str {
    if agrees {
        "this world decides the same"
    } else {
        "this world decides otherwise: it lacks a policy, a key of the context or a later change"
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'', '`']).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, parts: (&str, &str, Option<&str>), reason: Option<(Decision, Layer)>) {
        let denial = Denial::parse(text).unwrap();
        let found = (&*denial.principal, &*denial.action, denial.resource.as_deref());
        assert_eq!(found, parts, "{text}");
        assert_eq!(denial.reason.map(|r| (r.decision, r.layer)), reason, "{text}");
    }

    /// E-106, E-107.
    #[test]
    fn messages_of_aws_are_read() {
        const ANA: &str = "arn:aws:iam::111122223333:user/ana";
        check(
            "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject \
             on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the \
             s3:GetObject action",
            (ANA, "s3:GetObject", Some("arn:aws:s3:::b/k")),
            Some((Decision::ImplicitDeny, Layer::Identity)),
        );
        check(
            "An error occurred (AccessDenied) when calling the CreateUser operation: User: \
             arn:aws:iam::111122223333:user/ana is not authorized to perform: iam:CreateUser on \
             resource: arn:aws:iam::111122223333:user/x with an explicit deny in a service \
             control policy: arn:aws:organizations::111122223333:policy/o-1/scp/p-1",
            (ANA, "iam:CreateUser", Some("arn:aws:iam::111122223333:user/x")),
            Some((Decision::ExplicitDeny, Layer::ServiceControl)),
        );
        check(
            "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: ec2:RunInstances",
            (ANA, "ec2:RunInstances", None),
            None,
        );
        check(
            "User: arn:aws:sts::111122223333:assumed-role/R/s is not authorized to perform:\n  \
             sts:AssumeRole on resource: arn:aws:iam::111122223333:role/Q because no role trust \
             policy allows the sts:AssumeRole action",
            (
                "arn:aws:sts::111122223333:assumed-role/R/s",
                "sts:AssumeRole",
                Some("arn:aws:iam::111122223333:role/Q"),
            ),
            Some((Decision::ImplicitDeny, Layer::Resource)),
        );
        assert!(Denial::parse("Access Denied").is_err());
        let encoded = "You are not authorized. Encoded authorization failure message: AbC";
        assert!(Denial::parse(encoded).unwrap_err().to_string().contains("decode"));
    }
}
