//! Resource patterns (L-231 – L-236).

use std::ops::Range;

use assize_model::PolicyType;

use crate::finding::{FindingCode, Problem, Reject, quoted};
use crate::ir::{ArnPattern, MatchesNothing, Piece, ResourcePattern};
use crate::variable::{Variables, Wildcards, read_part, report_version, variable_len};

/// The names of the segments after `arn`.
const SEGMENT_NAMES: [&str; N_SEGMENTS] = ["partition", "service", "region", "account", "resource"];

/// How many segments an ARN has after `arn`.
const N_SEGMENTS: usize = 5;

const PARTITION: usize = 0;
const SERVICE: usize = 1;
const REGION: usize = 2;
const RESOURCE: usize = 4;

/// What the resource of an IAM ARN may begin with (L-236).
const IAM_RESOURCE_PREFIXES: [&str; 14] = [
    "user/",
    "role/",
    "group/",
    "policy/",
    "instance-profile/",
    "mfa/",
    "u2f/",
    "sms-mfa/",
    "server-certificate/",
    "saml-provider/",
    "oidc-provider/",
    "federated-user/",
    "access-report/",
    "report/",
];

/// What Amazon API Gateway lets the policy of an API say in place of an ARN (L-231).
const SHORT_FORM: &str = "execute-api:/";

/// What the auth policy of VPC Lattice may say in place of the ARN of a service (L-231).
const ANY_SERVICE: &str = "*/";

/// L-231: the long form of an entry of the policy of an API, if it is a short one.
pub(crate) fn resource_of_api(text: &str, api: &str) -> Option<String> {
    text.strip_prefix(SHORT_FORM).map(|below| format!("{api}/{below}"))
}

/// L-231: the long form of an entry of an auth policy of VPC Lattice, if it is a short one.
pub(crate) fn resource_of_lattice(text: &str) -> Option<String> {
    text.strip_prefix(ANY_SERVICE).map(|path| format!("arn:*:vpc-lattice:*:*:*/{path}"))
}

/// Reads an entry of `Resource` or `NotResource`.
///
/// The restrictions of legacy SCPs (L-211) are not looked at.
pub(crate) fn resource(
    text: &str,
    policy_type: PolicyType,
    variables: Variables,
    problems: &mut Vec<Problem>,
) -> Option<ResourcePattern> {
    if text == "*" {
        return Some(ResourcePattern::Any);
    }
    if !text.starts_with("arn:") {
        let hint = if text.starts_with(SHORT_FORM) {
            "; only the policy of an API, by whose ARN it stands, can be so short"
        } else if text.starts_with(ANY_SERVICE) {
            "; only an auth policy of VPC Lattice can be so short"
        } else {
            ""
        };
        let message = format!("resource {} is neither `*` nor an ARN{hint}", quoted(text));
        problems.push(Problem::new(FindingCode::InvalidArnPrefix, Reject::Always, message));
        return None;
    }
    report_version(text, variables, problems);
    let entry = Entry { text, policy_type, variables, segments: split(text, variables) };
    entry.check_header(problems)?;
    let mut segments = entry.read_segments(problems);
    let padding = entry.pad(&segments, problems)?;
    entry.check_resource(problems);
    entry.check_iam(problems);
    if padding == Padding::Nothing {
        return Some(ResourcePattern::Nothing(text.into(), MatchesNothing::TooShort));
    }
    if entry.segment(RESOURCE).is_empty() {
        return Some(ResourcePattern::Nothing(text.into(), MatchesNothing::NoResource));
    }
    segments.resize(N_SEGMENTS, Some(vec![Piece::Star]));
    // A segment that cannot be read leaves the entry without a match (L-504, L-509).
    let segments: Option<Vec<_>> = segments.into_iter().collect();
    let segments = segments.and_then(|segments| segments.try_into().ok());
    Some(match segments {
        Some(segments) => ResourcePattern::Arn(ArnPattern { segments }),
        None => ResourcePattern::Nothing(text.into(), MatchesNothing::Unreadable),
    })
}

/// The segments of an ARN pattern after `arn`, at most five: the last takes all further colons.
/// A colon inside `${…}` does not split where that is a variable (L-231).
fn split(text: &str, variables: Variables) -> Vec<Range<usize>> {
    let mut segments = Vec::with_capacity(N_SEGMENTS);
    let mut start = "arn:".len();
    let mut at = start;
    while segments.len() + 1 < N_SEGMENTS
        && let Some(next) = text[at..].find([':', '$'])
    {
        at += next;
        match variable_len(&text[at..]) {
            Some(length) if variables == Variables::Replaced => at += length,
            _ => {
                if text[at..].starts_with(':') {
                    segments.push(start..at);
                    start = at + 1;
                }
                at += 1;
            }
        }
    }
    segments.push(start..text.len());
    segments
}

/// What a pattern with too few segments means (L-235).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// The missing segments are `*`; none may be missing.
    Stars,
    /// The pattern matches nothing.
    Nothing,
}

/// An ARN pattern that is being read.
struct Entry<'a> {
    text: &'a str,
    policy_type: PolicyType,
    variables: Variables,
    segments: Vec<Range<usize>>,
}

impl Entry<'_> {
    /// The text of a segment; `*` for one that is missing (L-235).
    fn segment(&self, index: usize) -> &str {
        self.segments.get(index).map_or("*", |range| &self.text[range.clone()])
    }

    /// A problem of one segment, or of the whole text when the segment is missing.
    fn problem(&self, index: usize, code: FindingCode, rejects: Reject, reason: &str) -> Problem {
        let message = format!("the {} of {} {reason}", SEGMENT_NAMES[index], quoted(self.text));
        let problem = Problem::new(code, rejects, message);
        match self.segments.get(index) {
            Some(range) => problem.at(range.clone()),
            None => problem,
        }
    }

    /// How a rule that binds authors of the IAM family, and is advice elsewhere, rejects.
    fn rejects_in_iam_family(&self) -> Reject {
        if self.policy_type.is_iam_family() { Reject::Author } else { Reject::Never }
    }

    /// Partition and service: no variables (L-501), a service (L-232, L-233, L-412).
    fn check_header(&self, problems: &mut Vec<Problem>) -> Option<()> {
        for index in [PARTITION, SERVICE] {
            if self.variables == Variables::Replaced && self.segment(index).contains("${") {
                let code = FindingCode::VariableUnsupportedInElement;
                let reason = "cannot hold a variable; region, account and resource can";
                problems.push(self.problem(index, code, Reject::Always, reason));
                return None;
            }
        }
        let service = self.segment(SERVICE);
        if service.is_empty() {
            let reason = "is empty; name the service, such as `s3`";
            let code = FindingCode::InvalidArnPrefix;
            problems.push(self.problem(SERVICE, code, Reject::Always, reason));
            return None;
        }
        if service.contains(['*', '?']) {
            let code = FindingCode::WildcardInServiceName;
            let reason = "has a wildcard; name the service";
            problems.push(self.problem(SERVICE, code, self.rejects_in_iam_family(), reason));
        }
        if service.bytes().any(|b| b.is_ascii_uppercase()) {
            let code = FindingCode::InvalidArnServiceCase;
            let reason = "has upper-case letters, so it matches nothing";
            problems.push(self.problem(SERVICE, code, Reject::Never, reason));
        }
        Some(())
    }

    /// The pieces of the segments that are there; `None` for one with a malformed variable.
    fn read_segments(&self, problems: &mut Vec<Problem>) -> Vec<Option<Vec<Piece>>> {
        let mut read = |range: &Range<usize>| {
            read_part(self.text, range.clone(), self.variables, Wildcards::Active, problems)
        };
        self.segments.iter().map(&mut read).collect()
    }

    /// What becomes of missing segments (L-235); `None` when the document is rejected for them.
    fn pad(&self, pieces: &[Option<Vec<Piece>>], problems: &mut Vec<Problem>) -> Option<Padding> {
        if pieces.len() == N_SEGMENTS {
            return Some(Padding::Stars);
        }
        let ends_in_star = self.text.ends_with('*');
        let rejects = match self.policy_type {
            PolicyType::ResourceControl => Reject::Always,
            PolicyType::ServiceControl if !ends_in_star => Reject::Always,
            _ if ends_in_star => Reject::Never,
            _ => Reject::Author,
        };
        let message = format!(
            "{} has too few segments for an ARN: the {} is missing",
            quoted(self.text),
            SEGMENT_NAMES[pieces.len()]
        );
        problems.push(Problem::new(FindingCode::MissingArnField, rejects, message));
        let has_star = pieces.iter().flatten().flatten().any(|piece| *piece == Piece::Star);
        let needs_star =
            matches!(self.policy_type, PolicyType::ResourceBased | PolicyType::VpcEndpoint);
        match rejects {
            Reject::Always => None,
            _ if needs_star && !has_star => Some(Padding::Nothing),
            _ => Some(Padding::Stars),
        }
    }

    /// An empty resource matches nothing (L-232). IAM's own are the matter of L-236.
    fn check_resource(&self, problems: &mut Vec<Problem>) {
        if self.segment(RESOURCE).is_empty() && self.segment(SERVICE) != "iam" {
            let code = FindingCode::InvalidArnResource;
            let reason = "is empty, so it matches nothing";
            problems.push(self.problem(RESOURCE, code, Reject::Never, reason));
        }
    }

    /// Resources of IAM have no region and one of a few types (L-236).
    fn check_iam(&self, problems: &mut Vec<Problem>) {
        if self.segment(SERVICE) != "iam" {
            return;
        }
        if !self.segment(REGION).is_empty() {
            let code = FindingCode::ArnRegionNotAllowed;
            let reason = "must be empty: resources of IAM have none";
            problems.push(self.problem(REGION, code, self.rejects_in_iam_family(), reason));
        }
        let resource = self.segment(RESOURCE);
        let is_known = matches!(resource, "*" | "root")
            || IAM_RESOURCE_PREFIXES.iter().any(|prefix| resource.starts_with(prefix));
        if !is_known {
            let code = FindingCode::InvalidArnResource;
            let reason = "is no resource of IAM: expected `*`, or a type such as `role/`";
            problems.push(self.problem(RESOURCE, code, self.rejects_in_iam_family(), reason));
        }
    }
}
