//! S3 (E-83 – E-87).

use std::net::IpAddr;

use assize_model::{
    AccountId, ArnParts, ContextValue, Effect, PrincipalKind as Kind, PublicAccessBlock,
    ReasonCode, ResourceData, fold_key,
};
use assize_policy::ir::{
    Condition, ConditionOperator as Op, IpBlock, Operand, Piece, PrincipalElement,
    PrincipalPattern, SetQualifier, Statement,
};

use assize_store::{ResourceAttributes, StoreSnapshot};

use crate::applicable;
use crate::evaluate::check::{Check, Part};
use crate::evaluate::knowledge::State;
use crate::evaluate::{Case, Side, World, resource};

/// Whether an ARN is that of a bucket or an object: `arn:P:s3:::BUCKET[/KEY]` (E-84).
fn is_bucket_or_object(arn: &str) -> bool {
    ArnParts::split(arn).is_some_and(|parts| {
        parts.service == "s3" && parts.region.is_empty() && parts.account.is_empty()
    })
}

// ---- E-83 ----

/// The task policy for locked queues (E-83).
const QUEUE_TASK: &str = "arn:aws:iam::aws:policy/root-task/SQSUnlockQueuePolicy";

/// E-83: the root user of a bucket's account gets at the bucket policy whatever that denies; the
/// same for queue policies in the session made for it.
pub(crate) fn is_bucket_owner_root(case: &Case<'_>) -> bool {
    let (caller, check) = (case.caller, case.check);
    let own = caller.account.is_some() && caller.account == check.account;
    let bucket_policy = ["getbucketpolicy", "putbucketpolicy", "deletebucketpolicy"];
    let queue_policy = ["getqueueattributes", "setqueueattributes"];
    let unlocks_queue = caller.session.task_policy_arn.as_deref() == Some(QUEUE_TASK);
    // The policy of an access point is no bucket policy.
    let unlocks_bucket =
        check.action.is("s3", &bucket_policy) && is_bucket_or_object(&check.resource);
    own && match caller.kind {
        Kind::Root => unlocks_bucket,
        Kind::AssumedRoot => {
            unlocks_bucket || unlocks_queue && check.action.is("sqs", &queue_policy)
        }
        _ => false,
    }
}

// ---- E-85 ----

/// An access point and what is behind it.
struct AccessPoint<'a> {
    arn: String,
    account: &'a str,
    behind: Behind<'a>,
}

/// What of the bucket a request through an access point is about.
enum Behind<'a> {
    /// The bucket itself.
    Bucket,
    /// The object with this key.
    Object(&'a str),
    /// The ARN is of no known form.
    Unknown,
}

/// `arn:P:s3:REGION:ACCT:accesspoint/AP[/object/KEY]`; without a region that of a multi-region
/// access point. What only looks like one is an access point too: nobody knows what is behind it.
fn parse_access_point(arn: &str) -> Option<AccessPoint<'_>> {
    let parts = ArnParts::split(arn).filter(|p| p.service == "s3" && !is_bucket_or_object(arn))?;
    let rest = parts.resource.strip_prefix("accesspoint/")?;
    let (name, behind) = match rest.split_once('/') {
        Some((name, below)) => {
            (name, below.strip_prefix("object/").map_or(Behind::Unknown, Behind::Object))
        }
        None => (rest, Behind::Bucket),
    };
    let head = &arn[..arn.len() - rest.len()];
    Some(AccessPoint { arn: format!("{head}{name}"), account: parts.account, behind })
}

/// The ARN of the bucket behind an access point.
fn bucket_of(point: &AccessPoint<'_>, attributes: &ResourceAttributes) -> Option<String> {
    let bucket = attributes.bucket.as_deref()?;
    let partition = ArnParts::split(&point.arn)?.partition;
    let is_name = !bucket.starts_with("arn:");
    Some(if is_name { format!("arn:{partition}:s3:::{bucket}") } else { bucket.to_owned() })
}

/// The ARN of the object that the ARN of an object through an access point is another name of.
pub(crate) fn object_behind(snapshot: &StoreSnapshot, arn: &str) -> Option<String> {
    let point = parse_access_point(arn)?;
    let Behind::Object(key) = point.behind else { return None };
    let bucket = bucket_of(&point, &snapshot.resource(&point.arn)?.attributes)?;
    Some(format!("{bucket}/{key}"))
}

/// E-85: the two sub-checks of a request through an access point: the access point, and what is
/// behind it.
pub(crate) fn access_point<'a>(
    world: &World<'_>,
    check: &Check<'a>,
) -> Option<(Check<'a>, Check<'a>)> {
    let point = parse_access_point(&check.resource)?;
    let action = world.catalog.action_ref(check.action.id?);
    let is_about_data = action.service().prefix() == "s3"
        && action.resource_types().any(|t| matches!(t.resource_type().name(), "bucket" | "object"));
    if !is_about_data {
        return None;
    }
    let record = world.snapshot.resource(&point.arn);
    let attributes = record.map(|record| &record.attributes);
    let is_vpc = attributes.is_some_and(|attributes| attributes.network_origin_vpc.is_some());
    let single = |text: &str| ContextValue::Single(text.into());
    let keys = [
        ("s3:DataAccessPointArn", single(&point.arn)),
        ("s3:DataAccessPointAccount", single(point.account)),
        ("s3:AccessPointNetworkOrigin", single(if is_vpc { "VPC" } else { "Internet" })),
    ];
    let bucket = attributes.and_then(|attributes| bucket_of(&point, attributes));
    let is_recorded = |bucket: &str| world.snapshot.resource(bucket).is_some();
    let known =
        bucket.as_deref().is_some_and(is_recorded) && !matches!(point.behind, Behind::Unknown);
    let behind = match (&bucket, point.behind) {
        (Some(bucket), Behind::Object(key)) => format!("{bucket}/{key}"),
        (Some(bucket), Behind::Bucket) => bucket.clone(),
        (None, _) | (_, Behind::Unknown) => check.resource.clone(),
    };
    let service_keys = [check.service_keys.clone(), keys.to_vec()].concat();
    let data = &check.data;
    let first = Check {
        data: ResourceData { object_owner: None, ..data.clone() },
        service_keys: service_keys.clone(),
        part: Part::AccessPoint,
        ..check.clone()
    };
    let second = Check {
        resource: behind,
        data: ResourceData { account: None, policy: None, ..data.clone() },
        service_keys,
        part: if known { Part::Bucket } else { Part::UnknownBucket },
        ..check.clone()
    };
    Some((first, second))
}

/// The key that E-85 looks at.
pub(super) const SOURCE_VPC: &str = "aws:SourceVpc";

/// E-85: an access point of network origin VPC takes requests from its VPC only.
pub(super) fn network_origin(case: &Case<'_>) -> Option<ReasonCode> {
    if case.check.part != Part::AccessPoint {
        return None;
    }
    let point = parse_access_point(&case.check.resource)?;
    let record = case.world.snapshot.resource(&point.arn)?;
    let vpc = record.attributes.network_origin_vpc.as_ref()?;
    let admitted = match (case.known.state(&fold_key(SOURCE_VPC)), vpc) {
        // E-126: a refusal that looks at an unknown key.
        (State::Unknown, _) => case.side == Side::Best,
        (State::Present(ContextValue::Single(source)), Some(vpc)) => source == vpc,
        (State::Present(_), Some(_)) | (State::Absent, _) => false,
        // The record does not say which VPC: the request must come from some.
        (State::Present(_), None) => true,
    };
    (!admitted).then_some(ReasonCode::NetworkOrigin)
}

// ---- E-86, E-87 ----

/// What block public access protects (E-86).
struct Protected {
    /// Those whose accounts are let in, and whose settings count.
    owners: Vec<AccountId>,
    /// The settings of the resource itself.
    settings: Vec<PublicAccessBlock>,
    is_point: bool,
}

/// E-86: block public access.
pub(super) fn block_public_access(case: &Case<'_>) -> Option<ReasonCode> {
    let (caller, check) = (case.caller, case.check);
    if check.action.service != "s3" || caller.kind == Kind::Service {
        return None;
    }
    let protected = protected(case)?;
    let snapshot = case.world.snapshot;
    let accounts = protected.owners.iter().filter_map(|owner| snapshot.account(*owner));
    let mut settings =
        accounts.map(|account| account.public_access_block).chain(protected.settings);
    let is_owner = caller.account.is_some_and(|account| protected.owners.contains(&account));
    if is_owner || !settings.any(|settings| settings.restrict_public_buckets) {
        return None;
    }
    let documents = applicable::resource_based(case).unwrap_or_default();
    let policies = documents.iter().filter_map(|document| document.policy.as_ref());
    let mut statements = policies.flat_map(|policy| &policy.statements);
    let is_public = statements.any(|statement| is_public(statement, protected.is_point));
    is_public.then_some(ReasonCode::BlockPublicAccess)
}

/// A bucket, an object, or an access point that is not inside a VPC: such a point is never public.
fn protected(case: &Case<'_>) -> Option<Protected> {
    let (check, snapshot) = (case.check, case.world.snapshot);
    let stated = check.data.public_access_block;
    let owner = check.bucket_account;
    if is_bucket_or_object(&check.resource) {
        // Those of an object's own record stand beside its bucket's.
        let records = resource::records(snapshot, &check.resource);
        let recorded = records.into_iter().filter_map(|r| r.attributes.public_access_block);
        let settings = stated.map_or_else(|| recorded.collect(), |stated| vec![stated]);
        return Some(Protected { owners: Vec::from_iter(owner), settings, is_point: false });
    }
    let point = parse_access_point(&check.resource)?;
    let attributes = snapshot.resource(&point.arn).map(|record| &record.attributes);
    if attributes.is_some_and(|attributes| attributes.network_origin_vpc.is_some()) {
        return None;
    }
    let bucket = attributes.and_then(|attributes| bucket_of(&point, attributes));
    let bucket = bucket.and_then(|arn| snapshot.resource(&arn));
    let recorded = [attributes, bucket.map(|bucket| &bucket.attributes)].into_iter().flatten();
    let settings = match stated {
        Some(stated) => vec![stated],
        None => recorded.filter_map(|attributes| attributes.public_access_block).collect(),
    };
    let owners = owner.into_iter().chain(bucket.map(|bucket| bucket.account)).collect();
    Some(Protected { owners, settings, is_point: true })
}

/// E-87: an Allow to everyone that no condition narrows to fixed values. In the policy of an access
/// point, the point a request comes through says nothing.
fn is_public(statement: &Statement, of_point: bool) -> bool {
    // `Federated` lets nobody in (L-317), but is no fixed principal either.
    let to_everyone = match &statement.principal {
        PrincipalElement::Principal(entries) => {
            entries.contains(&PrincipalPattern::Everyone)
                || entries.contains(&PrincipalPattern::Nobody)
        }
        PrincipalElement::NotPrincipal(_) => true,
        PrincipalElement::Unspecified => false,
    };
    let narrows = |condition: &Condition| {
        fixes(condition) && !(of_point && condition.key.folded() == "s3:dataaccesspointarn")
    };
    statement.effect == Effect::Allow && to_everyone && !statement.conditions.iter().any(narrows)
}

/// Keys whose values E-87 takes as fixed when they hold no wildcard.
const FIXING_KEYS: [&str; 15] = [
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// E-87: whether a test fixes its key: a positive operator, values, every one of them fixed.
fn fixes(condition: &Condition) -> bool {
    let positive = matches!(
        condition.operator,
        Op::StringEquals
            | Op::StringEqualsIgnoreCase
            | Op::StringLike
            | Op::ArnEquals
            | Op::ArnLike
            | Op::IpAddress
    );
    if !positive || condition.if_exists || condition.qualifier == Some(SetQualifier::ForAllValues) {
        return false;
    }
    let key = condition.key.folded();
    match &condition.operand {
        Operand::Text(values) => {
            !values.is_empty() && values.iter().flatten().all(|value| is_fixed_text(key, value))
        }
        Operand::Ip(blocks) => {
            let are_narrow = blocks.iter().flatten().all(|block| is_narrow(*block));
            key == "aws:sourceip" && !blocks.is_empty() && are_narrow
        }
        _ => false,
    }
}

/// E-87: a value without wildcards and variables; one trailing `*` is allowed in the resource part
/// of an ARN and after a full organization path.
fn is_fixed_text(key: &str, pieces: &[Piece]) -> bool {
    let (text, has_star) = match pieces {
        [] => ("", false),
        [Piece::Literal(text)] => (&**text, false),
        [Piece::Literal(text), Piece::Star] => (&**text, true),
        _ => return false,
    };
    let arn = ArnParts::split(text);
    match key {
        // E-15: what callers without credentials have is no account and no id.
        "aws:principalaccount" | "aws:userid" if text.eq_ignore_ascii_case("anonymous") => false,
        "aws:principalarn" | "aws:sourcearn" => arn.is_some_and(|arn| arn.account_id().is_some()),
        "s3:dataaccesspointarn" => !has_star || arn.is_some(),
        "aws:principalorgpaths" | "aws:sourceorgpaths" if has_star => is_full_org_path(text),
        _ => !has_star && FIXING_KEYS.contains(&key),
    }
}

/// `o-…/r-…/…/` with a closing slash.
fn is_full_org_path(text: &str) -> bool {
    let nodes: Vec<&str> = text.split('/').collect();
    text.starts_with("o-")
        && text.ends_with('/')
        && nodes.len() > 2
        && nodes.get(1).is_some_and(|root| root.starts_with("r-"))
        && nodes[..nodes.len() - 1].iter().all(|node| !node.is_empty())
}

/// E-87: no wider than IPv4 /8 or IPv6 /32, private ranges apart. No private IPv4 range is wider
/// than /8.
fn is_narrow(block: IpBlock) -> bool {
    match block.address {
        IpAddr::V4(_) => block.prefix_len >= 8,
        IpAddr::V6(first) => {
            let is_private = block.prefix_len >= 7 && first.octets()[0] & 0xFE == 0xFC;
            block.prefix_len >= 32 || is_private
        }
    }
}
