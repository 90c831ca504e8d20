//! What the store knows for the context of a request: plain functions over the facts
//! (evaluation, section 1.2).

use std::borrow::Cow;

use assize_model::{AccountId, ArnParts, OrgPath};

use crate::{Entity, StoreSnapshot, Tag};

/// The value of `aws:PrincipalOrgID`, `aws:ResourceOrgID`, `aws:SourceOrgID` or `aws:VpceOrgID`
/// for an account: absent when it is in no organization of the snapshot (E-15, E-20).
pub fn org_id(snapshot: &StoreSnapshot, account: AccountId) -> Option<&str> {
    snapshot.path(account).map(|path| &*path.organization)
}

/// The one value of `aws:PrincipalOrgPaths` and its kin for an account (E-15, E-20).
pub fn org_path(snapshot: &StoreSnapshot, account: AccountId) -> Option<&OrgPath> {
    snapshot.path(account).map(|path| &path.org_path)
}

/// The tags a user or role itself brings to `aws:PrincipalTag/K`; a session's tags go over them
/// (E-15, A-52).
pub fn principal_tags(entity: Entity<'_>) -> &[Tag] {
    entity.tags()
}

/// The value of `aws:userid` (E-15): a user's unique id; a role's with the session's name.
pub fn user_id(entity: Entity<'_>, session_name: &str) -> String {
    match entity {
        Entity::User(_, user) => user.unique_id.to_string(),
        Entity::Role(_, role) => format!("{}:{session_name}", role.unique_id),
    }
}

/// The tags of `aws:ResourceTag/K` for exactly this ARN; none when nobody said (E-20, E-23). A
/// user or role has the tags of its own record.
pub fn resource_tags<'a>(snapshot: &'a StoreSnapshot, arn: &str) -> Option<&'a [Tag]> {
    if let Some(resource) = snapshot.resource(arn) {
        return resource.tags.as_deref();
    }
    let user = || snapshot.user_by_arn(arn).map(|user| &*user.tags);
    snapshot.role_by_arn(arn).map(|role| &*role.tags).or_else(user)
}

/// The owner by the table of resources: the record of this ARN, else of its parent (E-8 b).
pub fn resource_owner(snapshot: &StoreSnapshot, arn: &str) -> Option<AccountId> {
    let mut arns = std::iter::once(Cow::Borrowed(arn)).chain(parent_arns(arn));
    arns.find_map(|arn| snapshot.resource(&arn)).map(|resource| resource.account)
}

/// What the record of a VPC endpoint says (E-18): VPC, its ARN, and the endpoint's account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointKeys<'a> {
    /// `aws:SourceVpc`.
    pub vpc: Option<&'a str>,
    /// `aws:SourceVpcArn`.
    pub vpc_arn: Option<&'a str>,
    /// `aws:VpceAccount`; `aws:VpceOrgID` and `aws:VpceOrgPaths` follow by [`org_id`] and
    /// [`org_path`].
    pub account: Option<AccountId>,
}

/// What the snapshot knows of a VPC endpoint for the context of requests through it (E-18).
pub fn endpoint_keys<'a>(snapshot: &'a StoreSnapshot, endpoint: &str) -> EndpointKeys<'a> {
    snapshot.endpoint(endpoint).map_or_else(EndpointKeys::default, |endpoint| EndpointKeys {
        vpc: endpoint.vpc.as_deref(),
        vpc_arn: endpoint.vpc_arn.as_deref(),
        account: endpoint.account,
    })
}

/// The ARNs whose records speak for a resource that has none of its own (E-8 b): object to
/// bucket, access-point object to access point, log stream to log group, function version or
/// alias to function, table index or stream to table, whatever is in an organization to the
/// organization (E-99).
///
/// ```
/// let mut parents = assize_store::parent_arns("arn:aws:s3:::reports/2024/01.csv");
/// assert_eq!(parents.next().as_deref(), Some("arn:aws:s3:::reports"));
/// ```
pub fn parent_arns(arn: &str) -> impl Iterator<Item = Cow<'_, str>> {
    parent_arn(arn).into_iter()
}

fn parent_arn(arn: &str) -> Option<Cow<'_, str>> {
    let parts = ArnParts::split(arn)?;
    let resource = parts.resource;
    let parent_len = match parts.service {
        "s3" if parts.account.is_empty() => resource.find('/'),
        "s3" => below(resource, "accesspoint/", '/')
            .filter(|&end| resource.get(end..).is_some_and(|rest| rest.starts_with("/object/"))),
        "logs" => below(resource, "log-group:", ':'),
        "lambda" => below(resource, "function:", ':'),
        "dynamodb" => below(resource, "table/", '/').filter(|&end| {
            let rest = resource.get(end..).unwrap_or_default();
            rest.starts_with("/index/") || rest.starts_with("/stream/")
        }),
        "organizations" => {
            let head = arn.strip_suffix(resource)?;
            let organization = organization_of(resource)?;
            return Some(format!("{head}organization/{organization}").into());
        }
        _ => None,
    }?;
    arn.get(..arn.len() - resource.len() + parent_len).map(Cow::Borrowed)
}

/// The id of the organization that something is in, such as `ou/o-…/ou-…`.
fn organization_of(resource: &str) -> Option<&str> {
    let (kind, rest) = resource.split_once('/')?;
    let id = rest.split('/').next().filter(|id| id.starts_with("o-"))?;
    (kind != "organization").then_some(id)
}

/// Where the name behind a prefix ends, when something is below it.
fn below(resource: &str, prefix: &str, separator: char) -> Option<usize> {
    let name = resource.strip_prefix(prefix)?;
    name.find(separator).map(|end| prefix.len() + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arn: &str, parent: Option<&str>) {
        assert_eq!(parent_arns(arn).next().as_deref(), parent, "{arn}");
    }

    #[test]
    fn resources_without_records_have_parents() {
        check("arn:aws:s3:::b/k/l", Some("arn:aws:s3:::b"));
        check("arn:aws:s3:::b", None);
        let point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/p";
        check(&format!("{point}/object/k/l"), Some(point));
        check(point, None);
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/g";
        check(&format!("{group}:log-stream:s"), Some(group));
        check(&format!("{group}:*"), Some(group));
        let organization = "arn:aws:organizations::111122223333:organization/o-exampleorgid";
        check(organization, None);
        for child in ["ou/o-exampleorgid/ou-ab12-prod0001", "root/o-exampleorgid/r-ab12"] {
            check(&format!("arn:aws:organizations::111122223333:{child}"), Some(organization));
        }
        check("arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", None);
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:f";
        check(&format!("{function}:PROD"), Some(function));
        check(function, None);
        let table = "arn:aws:dynamodb:eu-west-1:111122223333:table/t";
        check(&format!("{table}/index/i"), Some(table));
        check(&format!("{table}/stream/2024"), Some(table));
        check(&format!("{table}/backup/b"), None);
        check("arn:aws:iam::111122223333:role/a/b", None);
        check("*", None);
    }
}
