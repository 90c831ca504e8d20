//! The global condition keys (language, section 7), to report names AWS does not define.

use assize_model::fold_key;

use super::Lowering;
use crate::ast::Text;
use crate::finding::{Problem, quoted};
use crate::ir::Piece;
use crate::path::Path;
use crate::{FindingCode, LoadMode, Reject};

/// The names after `aws:`, folded, in byte order.
const GLOBAL_KEYS: [&str; 50] = [
    "assumedroot",
    "calledvia",
    "calledviaawsmcp",
    "calledviafirst",
    "calledvialast",
    "chatbotsourcearn",
    "currenttime",
    "ec2instancesourceprivateipv4",
    "ec2instancesourcevpc",
    "epochtime",
    "federatedprovider",
    "ismcpserviceaction",
    "multifactorauthage",
    "multifactorauthpresent",
    "principalaccount",
    "principalarn",
    "principalisawsservice",
    "principalorgid",
    "principalorgpaths",
    "principalservicename",
    "principalservicenameslist",
    "principaltype",
    "referer",
    "requestedregion",
    "resourceaccount",
    "resourceorgid",
    "resourceorgpaths",
    "securetransport",
    "signinsessionarn",
    "sourceaccount",
    "sourcearn",
    "sourceidentity",
    "sourceip",
    "sourceorgid",
    "sourceorgpaths",
    "sourceowner",
    "sourcevpc",
    "sourcevpcarn",
    "sourcevpce",
    "tagkeys",
    "tokenissuetime",
    "useragent",
    "userid",
    "username",
    "viaawsmcpservice",
    "viaawsservice",
    "vpceaccount",
    "vpceorgid",
    "vpceorgpaths",
    "vpcsourceip",
];

/// What the names of tags follow (L-710), after `aws:`, folded.
const TAG_KEYS: [&str; 3] = ["principaltag", "requesttag", "resourcetag"];

/// What is wrong with an `aws:` key: it is not defined (L-608), or never present (L-707).
pub(super) fn global_key(name: &str, mode: LoadMode) -> Option<Problem> {
    let folded = fold_key(name);
    let key = folded.strip_prefix("aws:")?;
    if key == "arn" {
        let code = match mode {
            LoadMode::Author => FindingCode::UnsupportedGlobalConditionKey,
            LoadMode::Import => FindingCode::DeprecatedGlobalConditionKey,
        };
        let message = "`aws:ARN` is never present, use `aws:PrincipalArn`";
        return Some(Problem::new(code, Reject::Never, message));
    }
    let is_tag = TAG_KEYS.contains(&key.split_once('/').map_or(key, |(prefix, _)| prefix));
    if is_tag || GLOBAL_KEYS.binary_search(&key).is_ok() {
        return None;
    }
    let message = format!("AWS defines no condition key {}", quoted(name));
    Some(Problem::new(FindingCode::InvalidGlobalConditionKey, Reject::Never, message))
}

impl Lowering<'_> {
    /// Reports variables that are no known key (L-512).
    pub(super) fn variable_keys<'p>(
        &mut self,
        pieces: impl IntoIterator<Item = &'p Piece>,
        text: &Text<'_>,
        path: &Path<'_>,
    ) {
        for piece in pieces {
            let Piece::Variable(variable) = piece else { continue };
            let problem = global_key(variable.key.spelling(), self.options.mode);
            if let Some(problem) = problem {
                self.findings.problem(problem, text, path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<FindingCode>) {
        let problem = global_key(name, LoadMode::Author);
        assert_eq!(problem.map(|problem| problem.code), expected, "{name}");
    }

    #[test]
    fn global_keys_are_known_in_any_case() {
        assert!(GLOBAL_KEYS.is_sorted());
        check("aws:SourceIp", None);
        check("AWS:sourceip", None);
        check("aws:PrincipalTag/a:b/c", None);
        check("aws:PrincipalTag", None);
        check("s3:nonsense", None);
        check("aws:SourceIps", Some(FindingCode::InvalidGlobalConditionKey));
        check("aws:SourceIp/x", Some(FindingCode::InvalidGlobalConditionKey));
        check("aws:ARN", Some(FindingCode::UnsupportedGlobalConditionKey));
    }
}
