//! Where the outputs of the AWS CLI hold the policies of resources (I-47).
//!
//! Every service prints its own shape. A shape that nobody knows is an error and never a resource
//! without a policy: what was lost may have denied (C-11).

use assize_model::AccountId;

use crate::import::source::{Node, Problem, Record};

/// Deepest object in which a policy is sought, from the page.
const MAX_DEPTH: usize = 4;

/// Members whose value is a policy, or an object around one.
const POLICY: &[&str] = &[
    "Policy",
    "policy",
    "ResourcePolicy",
    "resourcePolicy",
    // CloudTrail evaluates it together with the other one.
    "DelegatedAdminResourcePolicy",
    "policyText",
    "policyDocument",
    "PolicyDocument",
    "PolicyInJson",
    "AccessPolicies",
    "FirewallRuleGroupPolicy",
    "ResolverRulePolicy",
    "ResolverQueryLogConfigPolicy",
    "configuredAudienceModelPolicy",
    "Attributes",
    "DomainStatus",
    "DomainConfig",
];
/// The same within a member that is named for the policy: of `codeartifact`, `organizations`,
/// `opensearch describe-domain-config` and `s3control get-multi-region-access-point-policy`, whose
/// proposed policy is not in effect yet.
const INNER: &[&str] = &["document", "Content", "Options", "Established"];
/// Members whose value is a list of policies or of records with one, or an object of policies by
/// their names.
const LISTS: &[&str] = &[
    "resourcePolicies",
    "ResourcePolicies",
    "Policies",
    "policies",
    "GetResourcePoliciesResponseList",
    "DomainStatusList",
    "ProjectPolicies",
];
/// Members that say whose the policy is.
const ARNS: &[&str] = &[
    "ARN",
    "Arn",
    "arn",
    "QueueArn",
    "TopicArn",
    "ResourceArn",
    "resourceArn",
    "BackupVaultArn",
    "SinkArn",
    "ContactArn",
    "EndpointArn",
    "LineageGroupArn",
    "ProjectArn",
    "investigationGroupArn",
    "configuredAudienceModelArn",
];
/// Other members that are no loss.
const OTHERS: &[&str] = &[
    "PolicyName",
    "PolicyHash",
    "CreateTime",
    "UpdateTime",
    "RevisionId",
    "revisionId",
    "Name",
    "FileSystemId",
    "BackupVaultName",
    "repositoryName",
    "registryId",
    "NextToken",
    "nextToken",
    "ResponseMetadata",
];
/// What `events describe-event-bus` prints of a bus without a policy.
const EVENT_BUS: &[&str] = &[
    "Name",
    "Arn",
    "Description",
    "KmsKeyIdentifier",
    "DeadLetterConfig",
    "LogConfig",
    "CreationTime",
    "LastModifiedTime",
    "ResponseMetadata",
];
/// What `apigateway get-rest-api` prints of an API without a policy.
const REST_API: &[&str] = &[
    "id",
    "name",
    "description",
    "createdDate",
    "version",
    "warnings",
    "binaryMediaTypes",
    "minimumCompressionSize",
    "apiKeySource",
    "endpointConfiguration",
    "tags",
    "disableExecuteApiEndpoint",
    "rootResourceId",
    "securityPolicy",
    "endpointAccessMode",
    "apiStatus",
    "apiStatusMessage",
    "ResponseMetadata",
];
/// What `secretsmanager get-resource-policy` prints of a secret without a policy.
const SECRET: &[&str] = &["ARN", "Name", "ResponseMetadata"];

/// Whose a policy is, as far as an output says.
#[derive(Debug, Clone, Default)]
pub(super) struct Whose {
    pub(super) arn: Option<String>,
    pub(super) owner: Option<AccountId>,
}

impl Whose {
    /// With what a record says where those around it are silent.
    fn within(&self, record: &Record<'_>) -> Result<Self, Problem> {
        let mut own = Self::default();
        for name in ARNS {
            own.arn = own.arn.or(record.text_if(name)?);
        }
        if let Some(summary) = record.get("ResourcePolicySummary") {
            own.arn = own.arn.or(summary.record()?.text_if("Arn")?);
        }
        for name in ["Owner", "registryId"] {
            own.owner = own.owner.or(account(record, name)?);
        }
        Ok(Self { arn: self.arn.clone().or(own.arn), owner: self.owner.or(own.owner) })
    }

    /// With what is said around an element of a list, where the element is silent.
    fn or(self, outer: &Self) -> Self {
        Self { arn: self.arn.or_else(|| outer.arn.clone()), owner: self.owner.or(outer.owner) }
    }
}

/// A policy, or that there is none, and whose it is.
#[derive(Debug)]
pub(super) struct Stated<'a> {
    pub(super) whose: Whose,
    pub(super) policy: Option<Node<'a>>,
}

pub(super) fn account(record: &Record<'_>, name: &str) -> Result<Option<AccountId>, Problem> {
    let Some(node) = record.get(name) else { return Ok(None) };
    node.string()?.parse().map(Some).map_err(|error| node.problem(error))
}

/// The members of a page that are neither a policy nor known to say nothing of one (I-40).
pub(super) fn known_members(record: &Record<'_>) -> Vec<&'static str> {
    if record.has("Statement") {
        return vec!["Version", "Id", "Statement"];
    }
    [POLICY, LISTS, ARNS, OTHERS, EVENT_BUS, REST_API].concat()
}

/// What a page says of the policies of resources.
///
/// # Errors
/// A page in which nothing is found, and which is not what AWS prints where there is no policy.
pub(super) fn policies<'a>(page: &Node<'a>, whose: &Whose) -> Result<Vec<Stated<'a>>, Problem> {
    let mut found = Vec::new();
    look_into(page, whose, &[], 0, &mut found)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let record = page.record()?;
    if is_without(&record) {
        return Ok(vec![Stated { whose: whose.within(&record)?, policy: None }]);
    }
    let names = [POLICY, LISTS].concat().join("`, `");
    Err(page.problem(format_args!(
        "there is no policy in this: expected a policy document, or an output of the AWS CLI that \
         holds one as `{names}`"
    )))
}

/// Finds the policies in an object that is around them, or is one.
fn look_into<'a>(
    node: &Node<'a>,
    whose: &Whose,
    more: &[&str],
    depth: usize,
    found: &mut Vec<Stated<'a>>,
) -> Result<(), Problem> {
    let record = node.record()?;
    if record.has("Statement") {
        found.push(Stated { whose: whose.clone(), policy: Some(node.clone()) });
        return Ok(());
    }
    let whose = whose.within(&record)?;
    for (name, value) in record.members() {
        if POLICY.contains(&name) || more.contains(&name) {
            member(value, &whose, depth, found)?;
        } else if LISTS.contains(&name) && depth == 0 {
            list(value, &whose, found)?;
        }
    }
    Ok(())
}

/// A member that is a policy, an object around one, or says that there is none.
fn member<'a>(
    value: &Node<'a>,
    whose: &Whose,
    depth: usize,
    found: &mut Vec<Stated<'a>>,
) -> Result<(), Problem> {
    if value.is_object() && depth < MAX_DEPTH {
        let n_found = found.len();
        look_into(value, whose, INNER, depth + 1, found)?;
        let record = value.record()?;
        // A queue without a policy has no such attribute.
        if found.len() == n_found && (record.has("QueueArn") || record.has("TopicArn")) {
            found.push(Stated { whose: whose.within(&record)?, policy: None });
        }
        return Ok(());
    }
    // A domain without a policy has an empty one.
    let is_none = value.is_null() || (value.is_string() && value.string()?.trim().is_empty());
    found.push(Stated { whose: whose.clone(), policy: (!is_none).then(|| value.clone()) });
    Ok(())
}

fn list<'a>(value: &Node<'a>, whose: &Whose, found: &mut Vec<Stated<'a>>) -> Result<(), Problem> {
    let elements = if value.is_object() {
        value.record()?.members().map(|(_, node)| node.clone()).collect()
    } else {
        value.elements()?
    };
    if elements.is_empty() {
        found.push(Stated { whose: whose.clone(), policy: None });
    }
    for element in elements {
        if !element.is_object() {
            member(&element, whose, MAX_DEPTH, found)?;
            continue;
        }
        let own = Whose::default().within(&element.record()?)?.or(whose);
        let n_found = found.len();
        look_into(&element, &own, &[], 1, found)?;
        if found.len() == n_found {
            let names = POLICY.join("`, `");
            return Err(element.problem(format_args!(
                "there is no policy in this record: expected it as `{names}`"
            )));
        }
    }
    Ok(())
}

/// Whether a page is what AWS prints of a resource that has no policy.
fn is_without(record: &Record<'_>) -> bool {
    let is = |has: [&str; 2], known: &[&str]| {
        has.iter().all(|name| record.has(name)) && record.unknown(known).next().is_none()
    };
    is(["ARN", "Name"], SECRET) || is(["Arn", "Name"], EVENT_BUS) || is(["id", "name"], REST_API)
}
