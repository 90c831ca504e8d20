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
    let of_parent = || snapshot.resource(&parent(arn)?.arn);
    snapshot.resource(arn).or_else(of_parent).map(|resource| resource.account)
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

/// What a resource is part of or stands in, and what of it is said of the resource too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent<'a> {
    /// The ARN, whose record speaks for a resource that has none of its own (E-8 b).
    pub arn: Cow<'a, str>,
    /// Its policies are those of a resource that has none of its own (E-33): not of the stream of a
    /// table and of a version or alias of a function, whose policies are their own, nor of an
    /// execution of a state machine, which has only its tags.
    pub governs: bool,
    /// Its policies stand beside those of the resource, not only in their place: those of what is
    /// in a bucket do (E-48), and those of a repository beside those of its domain.
    pub is_beside: bool,
    /// Its tags are those of the resource, which cannot be tagged itself (E-20).
    pub lends_tags: bool,
    /// What the names of keys begin with that carry its tags in requests about the resource (E-20).
    pub tag_key: Option<&'static str>,
}

/// The parent of a resource (E-8 b, E-33): object to bucket, access-point object to access point,
/// log stream to log group, function version or alias to function, table index or stream to table,
/// path of a domain or an API to the domain or API, what stands in a catalog, registry, container or
/// event bus to that, topic to cluster, repository to domain, execution to state machine, whatever is
/// in an organization to the organization (E-99).
///
/// ```
/// let parent = assize_store::parent("arn:aws:s3:::reports/2024/01.csv");
/// assert_eq!(parent.unwrap().arn, "arn:aws:s3:::reports");
/// ```
pub fn parent(arn: &str) -> Option<Parent<'_>> {
    let parts = ArnParts::split(arn)?;
    let parent = parent_arn(arn, parts)?;
    let is_stream = parts.service == "dynamodb" && parts.resource.contains("/stream/");
    Some(Parent {
        arn: parent,
        governs: !matches!(parts.service, "lambda" | "states") && !is_stream,
        is_beside: matches!(parts.service, "s3" | "s3tables" | "codeartifact"),
        lends_tags: match parts.service {
            "dynamodb" => !is_stream,
            "es" | "lambda" | "logs" | "states" | "vpc-lattice" => true,
            _ => false,
        },
        tag_key: match parts.service {
            "s3" if !parts.account.is_empty() => Some("s3:AccessPointTag/"),
            "s3" if parts.region.is_empty() => Some("s3:BucketTag/"),
            "s3tables" => Some("s3tables:TableBucketTag/"),
            "s3vectors" => Some("s3vectors:VectorBucketTag/"),
            _ => None,
        },
    })
}

fn parent_arn<'a>(arn: &'a str, parts: ArnParts<'a>) -> Option<Cow<'a, str>> {
    let resource = parts.resource;
    let renamed = |parent: String| {
        arn.strip_suffix(resource).map(|head| Cow::Owned(format!("{head}{parent}")))
    };
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
        "s3-outposts" => resource.find("/object/").filter(|_| resource.starts_with("outpost/")),
        "s3tables" | "s3vectors" => below(resource, "bucket/", '/'),
        "es" => below(resource, "domain/", '/'),
        "execute-api" => resource.find('/'),
        "mediastore" => below(resource, "container/", '/'),
        "vpc-lattice" => below(resource, "service/", '/'),
        "codeartifact" => {
            let (kind, names) = resource.split_once('/')?;
            let (domain, rest) = names.split_once('/')?;
            return match (kind, rest.split_once('/')) {
                ("package", Some((repository, _))) => {
                    renamed(format!("repository/{domain}/{repository}"))
                }
                ("repository", None) | ("package-group", _) => renamed(format!("domain/{domain}")),
                _ => None,
            };
        }
        "events" => {
            let names = resource.strip_prefix("rule/")?;
            let bus = names.rsplit_once('/').map_or("default", |(bus, _)| bus);
            return renamed(format!("event-bus/{bus}"));
        }
        "glue" => {
            let (kind, _) = resource.split_once('/')?;
            return GLUE_CATALOG.contains(&kind).then(|| renamed("catalog".to_owned()))?;
        }
        "kafka" => {
            let (kind, names) = resource.split_once('/')?;
            let (cluster, rest) = names.split_once('/')?;
            let (id, _) = rest.split_once('/')?;
            let is_inside = matches!(kind, "topic" | "group" | "transactional-id");
            return is_inside.then(|| renamed(format!("cluster/{cluster}/{id}")))?;
        }
        "organizations" => {
            let organization = organization_of(resource)?;
            return renamed(format!("organization/{organization}"));
        }
        "states" => {
            let (machine, execution) = resource.strip_prefix("execution:")?.split_once(':')?;
            let is_whole = !machine.contains('/') && !execution.contains(':');
            return is_whole.then(|| renamed(format!("stateMachine:{machine}")))?;
        }
        "schemas" => {
            let (registry, _) = resource.strip_prefix("schema/")?.split_once('/')?;
            return renamed(format!("registry/{registry}"));
        }
        _ => None,
    }?;
    arn.get(..arn.len() - resource.len() + parent_len).map(Cow::Borrowed)
}

/// What stands in the Data Catalog of AWS Glue, which has one policy for all of it.
const GLUE_CATALOG: [&str; 6] =
    ["catalog", "connection", "database", "table", "tableVersion", "userDefinedFunction"];

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

    fn check(arn: &str, expected: Option<&str>) {
        assert_eq!(parent(arn).map(|parent| parent.arn).as_deref(), expected, "{arn}");
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
        for (service, child, parent) in [
            ("es", "domain/d/_search", Some("domain/d")),
            ("es", "domain/d", None),
            ("execute-api", "abc123/prod/GET/pets", Some("abc123")),
            ("mediastore", "container/c/a/b", Some("container/c")),
            ("vpc-lattice", "service/svc-1/pets", Some("service/svc-1")),
            ("vpc-lattice", "servicenetwork/sn-1", None),
            ("codeartifact", "package/d/r/npm//left-pad", Some("repository/d/r")),
            ("codeartifact", "repository/d/r", Some("domain/d")),
            ("codeartifact", "domain/d", None),
            ("codeartifact", "package-group/d/npm/*", Some("domain/d")),
            ("kafka", "topic/c/u-1/t", Some("cluster/c/u-1")),
            ("kafka", "group/c/u-1/a/b", Some("cluster/c/u-1")),
            ("kafka", "transactional-id/c/u-1/i", Some("cluster/c/u-1")),
            ("kafka", "cluster/c/u-1", None),
            ("kafka", "topic/c/u-1", None),
            ("events", "rule/nightly", Some("event-bus/default")),
            ("events", "rule/bus/nightly", Some("event-bus/bus")),
            (
                "events",
                "rule/aws.partner/example.com/1/nightly",
                Some("event-bus/aws.partner/example.com/1"),
            ),
            ("events", "event-bus/default", None),
            ("glue", "table/db/t", Some("catalog")),
            ("glue", "catalog/sub", Some("catalog")),
            ("glue", "catalog", None),
            ("glue", "job/j", None),
            ("schemas", "schema/r/s", Some("registry/r")),
            ("states", "execution:m:run", Some("stateMachine:m")),
            ("states", "execution:m/map:run", None),
            ("states", "execution:m:run:x", None),
            ("states", "stateMachine:m", None),
            ("s3tables", "bucket/b/table/1", Some("bucket/b")),
            ("s3vectors", "bucket/b/index/i", Some("bucket/b")),
            ("s3-outposts", "outpost/op-1/bucket/b/object/k/l", Some("outpost/op-1/bucket/b")),
            ("s3-outposts", "outpost/op-1/bucket/b", None),
        ] {
            let arn = |resource| format!("arn:aws:{service}:eu-west-1:111122223333:{resource}");
            check(&arn(child), parent.map(arn).as_deref());
        }
        check("*", None);
    }

    #[test]
    fn what_is_said_of_a_parent_is_said_of_its_children() {
        let table = "arn:aws:dynamodb:eu-west-1:111122223333:table/t";
        let alias = "arn:aws:lambda:eu-west-1:111122223333:function:f:PROD";
        let bucket = "111122223333:bucket/b";
        // Whether it governs, stands beside, lends its tags; and the key of its tags.
        for (arn, governs, is_beside, lends_tags, tag_key) in [
            (&*format!("{table}/stream/2024"), false, false, false, None),
            (&*format!("{table}/index/i"), true, false, true, None),
            (alias, false, false, true, None),
            ("arn:aws:es:eu-west-1:111122223333:domain/d/_search", true, false, true, None),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:g:*", true, false, true, None),
            ("arn:aws:events:eu-west-1:111122223333:rule/r", true, false, false, None),
            ("arn:aws:s3:::b/k", true, true, false, Some("s3:BucketTag/")),
            ("arn:aws:s3:eu-west-1::b/k", true, true, false, None),
            (
                "arn:aws:s3:eu-west-1:111122223333:accesspoint/p/object/k",
                true,
                true,
                false,
                Some("s3:AccessPointTag/"),
            ),
            (
                &*format!("arn:aws:s3tables:eu-west-1:{bucket}/table/t"),
                true,
                true,
                false,
                Some("s3tables:TableBucketTag/"),
            ),
            (
                &*format!("arn:aws:s3vectors:eu-west-1:{bucket}/index/i"),
                true,
                false,
                false,
                Some("s3vectors:VectorBucketTag/"),
            ),
        ] {
            let found = parent(arn).unwrap();
            let said = (found.governs, found.is_beside, found.lends_tags, found.tag_key);
            assert_eq!(said, (governs, is_beside, lends_tags, tag_key), "{arn}");
        }
    }
}
