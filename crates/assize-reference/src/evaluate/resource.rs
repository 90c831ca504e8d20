//! The resource of a check: its text (E-6), its records and its owner (E-8, E-9).

use std::borrow::Cow;

use assize_model::{
    AccountId, ActionId, ArnParts, PolicyId, RequestError, RequestErrorKind, UnknownResourceAccount,
};
use assize_store::{Resource, StoreSnapshot, Tag};

use super::check::{Check, Part};
use super::{Caller, Remarks, World};
use crate::service_rules::s3;

/// E-6: the resource text of an action that takes no resource: the catalog's wildcard form. A
/// longer text is kept where the form is an ARN and the text continues it (a path prefix).
pub(crate) fn wildcard_form<'a>(
    world: &World<'a>,
    caller: &Caller<'_>,
    action: ActionId,
    given: Option<&str>,
    remarks: &mut Remarks,
) -> Cow<'a, str> {
    let partition = caller.partition.as_deref().unwrap_or("aws");
    let account = caller.account.map(|account| account.to_string()).unwrap_or_default();
    let form = world.catalog.wildcard_form(action).render(partition, &account);
    match given {
        Some(text) if text.starts_with(&*form) && *form != *"*" => Cow::Owned(text.into()),
        Some(text) if text != "*" => {
            remarks.note("resource_ignored");
            form
        }
        _ => form,
    }
}

/// E-3, L-801: a resource is `*` or an ARN.
pub(crate) fn check_text(text: &str) -> Result<(), RequestError> {
    if text == "*" {
        return Ok(());
    }
    let invalid = |error: assize_model::Error| {
        RequestError::new(RequestErrorKind::InvalidResource, error.to_string())
    };
    ArnParts::parse(text).map(|_| ()).map_err(invalid)
}

/// E-8b: the ARN of the resource that a resource is part of.
fn parent(arn: &str) -> Option<String> {
    let parts = ArnParts::split(arn)?;
    let is_child = |prefix: &str, separators: &[&str]| {
        let rest = parts.resource.strip_prefix(prefix)?;
        let (name, below) = match rest.find(&separators[0][..1]) {
            Some(at) => rest.split_at(at),
            None => return None,
        };
        separators.iter().any(|s| below.starts_with(s)).then(|| prefix.len() + name.len())
    };
    let head = &arn[..arn.len() - parts.resource.len()];
    let segments: Vec<&str> = parts.resource.split('/').collect();
    let n_bytes = match parts.service {
        "s3" if parts.account.is_empty() => is_child("", &["/"]),
        "s3" => is_child("accesspoint/", &["/object/"]),
        "logs" => is_child("log-group:", &[":"]),
        "lambda" => is_child("function:", &[":"]),
        "dynamodb" => is_child("table/", &["/index/", "/stream/"]),
        // The policy of an organization is that of everything in it (E-99).
        "organizations" => {
            return match *segments {
                ["organization", ..] => None,
                [_, id, ..] if id.starts_with("o-") => Some(format!("{head}organization/{id}")),
                _ => None,
            };
        }
        // Below, the policy is that of the whole, by the guide of each service.
        "es" => is_child("domain/", &["/"]),
        "execute-api" => is_child("", &["/"]),
        "mediastore" => is_child("container/", &["/"]),
        "vpc-lattice" => is_child("service/", &["/"]),
        "s3tables" | "s3vectors" => is_child("bucket/", &["/"]),
        "s3-outposts" if segments.first() == Some(&"outpost") => parts.resource.find("/object/"),
        service => {
            let above = match (service, &*segments) {
                ("codeartifact", ["package", domain, repository, ..]) => {
                    format!("repository/{domain}/{repository}")
                }
                ("codeartifact", ["repository", domain, _] | ["package-group", domain, _, ..]) => {
                    format!("domain/{domain}")
                }
                ("kafka", ["topic" | "group" | "transactional-id", cluster, id, ..]) => {
                    format!("cluster/{cluster}/{id}")
                }
                ("events", ["rule", _]) => "event-bus/default".into(),
                ("events", ["rule", bus @ .., _]) => format!("event-bus/{}", bus.join("/")),
                ("glue", [kind, _, ..]) if IN_GLUE_CATALOG.contains(kind) => "catalog".into(),
                ("schemas", ["schema", registry, _, ..]) => format!("registry/{registry}"),
                _ => return None,
            };
            return Some(format!("{head}{above}"));
        }
    }?;
    Some(arn[..head.len() + n_bytes].into())
}

/// What stands in the Data Catalog of AWS Glue.
const IN_GLUE_CATALOG: [&str; 6] =
    ["catalog", "connection", "database", "table", "tableVersion", "userDefinedFunction"];

/// The records of a resource and of what it is part of, the nearest first.
pub(crate) fn records<'a>(snapshot: &'a StoreSnapshot, arn: &str) -> Vec<&'a Resource<PolicyId>> {
    let arns = std::iter::successors(Some(arn.to_owned()), |arn| parent(arn));
    arns.filter_map(|arn| snapshot.resource(&arn)).collect()
}

/// The tags that the snapshot has of this very resource; none when nobody said. Users, roles and
/// managed policies of accounts are resources too (E-91).
pub(crate) fn recorded_tags<'a>(snapshot: &'a StoreSnapshot, arn: &str) -> Option<&'a [Tag]> {
    let recorded = snapshot.resource(arn).and_then(|record| record.tags.as_deref());
    recorded.or_else(|| {
        let account = snapshot.account(ArnParts::split(arn)?.account_id()?)?;
        let users = account.users.values().map(|user| (&user.arn, &user.tags));
        let roles = account.roles.values().map(|role| (&role.arn, &role.tags));
        let policies = account.policies.values().map(|policy| (&policy.arn, &policy.tags));
        let mut entities = users.chain(roles).chain(policies);
        entities.find(|(own, _)| ***own == *arn).map(|(_, tags)| &**tags)
    })
}

/// E-20: what carries the tags of a resource that cannot be tagged itself: the domain or service of a
/// path, the table of an index, the function of a version, the group of a stream of logs, the state
/// machine of an execution.
pub(crate) fn tagged_whole(arn: &str) -> Option<String> {
    let ArnParts { service, resource, .. } = ArnParts::split(arn)?;
    if let ("states", ["execution", machine, _]) =
        (service, &*resource.split(':').collect::<Vec<_>>())
        && !machine.contains('/')
    {
        return Some(format!("{}stateMachine:{machine}", &arn[..arn.len() - resource.len()]));
    }
    let is_index = service == "dynamodb" && arn.contains("/index/");
    (is_index || matches!(service, "es" | "lambda" | "logs" | "vpc-lattice"))
        .then(|| parent(arn))?
}

/// E-20: whether a resource is AWS's own, of an account that no policy could name, as far as
/// nobody says otherwise.
pub(crate) fn is_of_aws(snapshot: &StoreSnapshot, check: &Check<'_>) -> bool {
    let is_said = check.data.account.is_some() || !records(snapshot, &check.resource).is_empty();
    let parts = ArnParts::split(&check.resource).filter(|_| !is_said && !check.is_wildcard_form);
    parts.is_some_and(|parts| matches!((parts.account, parts.service), ("aws", _) | ("", "ssm")))
}

/// E-20: what holds a resource, after the beginning of the keys that carry its tags in requests
/// about what it holds.
pub(crate) fn holders(snapshot: &StoreSnapshot, arn: &str) -> Vec<(&'static str, String)> {
    let service = ArnParts::split(arn).map_or("", |parts| parts.service);
    let found = match service {
        "s3" if is_object(arn) => vec![("s3:BucketTag/", parent(arn))],
        "s3" => {
            let object = s3::object_behind(snapshot, arn);
            let point = object.as_ref().and(parent(arn));
            let behind = object.and_then(|object| parent(&object));
            vec![("s3:AccessPointTag/", point), ("s3:BucketTag/", behind)]
        }
        "s3tables" => vec![("s3tables:TableBucketTag/", parent(arn))],
        "s3vectors" => vec![("s3vectors:VectorBucketTag/", parent(arn))],
        _ => Vec::new(),
    };
    found.into_iter().filter_map(|(stem, holder)| Some((stem, holder?))).collect()
}

/// Whether an ARN is that of an S3 object: `arn:P:s3:::BUCKET/KEY` (E-84).
pub(crate) fn is_object(arn: &str) -> bool {
    ArnParts::split(arn).is_some_and(|parts| {
        parts.service == "s3"
            && parts.region.is_empty()
            && parts.account.is_empty()
            && parts.resource.contains('/')
    })
}

/// Sets the owner of the check's resource, and of its bucket (E-8, E-9, E-84).
pub(crate) fn set_owner(
    world: &World<'_>,
    caller: &Caller<'_>,
    check: &mut Check<'_>,
    remarks: &mut Remarks,
) -> Result<(), RequestError> {
    let owner = owner(world, caller, check, remarks)?;
    check.bucket_account = owner;
    check.account = owner;
    // Nobody decides about what is behind an unknown bucket, whoever owns it (E-85).
    if !is_object(&check.resource) || check.part == Part::UnknownBucket {
        return Ok(());
    }
    let mut object_owner = check.data.object_owner;
    let bucket = parent(&check.resource).and_then(|bucket| world.snapshot.resource(&bucket));
    if let Some(bucket) = bucket {
        // The object may have a record of its own, which tells its owner.
        object_owner = object_owner.or(owner);
        check.bucket_account = Some(bucket.account);
    }
    // E-84: `s3:PutObject` is always decided with the bucket's account.
    let foreign = object_owner.filter(|object| Some(*object) != check.bucket_account);
    let foreign = foreign.filter(|_| !check.action.is("s3", &["putobject"]));
    check.is_foreign_object = foreign.is_some();
    check.account = foreign.or(check.bucket_account);
    Ok(())
}

/// E-8, E-9.
fn owner(
    world: &World<'_>,
    caller: &Caller<'_>,
    check: &Check<'_>,
    remarks: &mut Remarks,
) -> Result<Option<AccountId>, RequestError> {
    if check.part == Part::UnknownBucket {
        return Ok(None);
    }
    let recorded = records(world.snapshot, &check.resource).first().map(|record| record.account);
    let parts = ArnParts::split(&check.resource);
    let in_arn = parts.and_then(|parts| parts.account_id());
    let known = recorded.or(in_arn);
    let is_shared = check.data.object_owner.is_some() && is_object(&check.resource);
    if let Some(stated) = check.data.account {
        let contradicted = [recorded, in_arn].into_iter().flatten().find(|known| *known != stated);
        return match contradicted {
            Some(_) if is_shared => Ok(known),
            Some(known) => Err(RequestError::new(
                RequestErrorKind::ResourceAccountConflict,
                format!("`{}` belongs to account {known}, not {stated}", check.resource),
            )),
            None => Ok(Some(stated)),
        };
    }
    if known.is_some() {
        return Ok(known);
    }
    // Identities are always those of an account, which their ARNs name (E-96).
    let kinds = ["user/", "role/", "group/", "root"];
    let is_identity = |parts: ArnParts<'_>| {
        parts.service == "iam" && kinds.iter().any(|kind| parts.resource.starts_with(kind))
    };
    if parts.is_some_and(is_identity) && !check.is_wildcard_form {
        return Ok(None);
    }
    if check.is_wildcard_form || check.resource == "*" || is_of_aws(world.snapshot, check) {
        return Ok(caller.account);
    }
    let without_account =
        parts.is_some_and(|parts| parts.account.is_empty() && parts.service != "s3");
    let assumed = world.options.unknown_resource_account == UnknownResourceAccount::Principal;
    if (without_account || assumed) && caller.account.is_some() {
        remarks.assume("resource_account");
        return Ok(caller.account);
    }
    Ok(None)
}
