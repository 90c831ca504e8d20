//! From a resource text to its owner, its policies and its keys: E-6 – E-8, E-20, E-80 – E-87.

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use assize_catalog::ResourceTypeId;
use assize_compiler::{KeyId, SetRef, ValueId};
use assize_model::{
    AccountId, ArnParts, ConditionKey, ContextValue, PolicyId, PrincipalKind, Request,
    RequestError, RequestErrorKind, ResourceData, fold_key,
};
use assize_store::{Parent, Resource, Tag, parent};
use hashbrown::Equivalent;
use memchr::memchr;
use smallvec::SmallVec;

use super::action::{ActionRule, ResolvedAction};
use super::check::{AccessPointArn, CheckSpec};
use super::derive::owned_tag;
use super::gaps::Gap;
use super::policies::DocumentHandle;
use super::principal::ResolvedPrincipal;
use super::{Resolver, public, said};
use crate::sets::LayerSets;

/// A resource of the batch: what hangs on it alone.
///
/// Nearly every row has a resource of its own, and nearly none has anything attached: so what is
/// rare stands apart, and a common resource takes one allocation.
#[derive(Debug)]
pub(crate) struct ResolvedResource {
    pub(crate) text: Box<str>,
    /// Bytes of the partition, which stands behind `arn:`.
    partition_len: u32,
    pub(crate) owner: Owner,
    pub(crate) shape: Shape,
    pub(crate) managed_by_aws: bool,
    /// Block public access keeps outsiders off (E-86).
    pub(crate) blocks_public: bool,
    attached: Option<Box<Attached>>,
    /// The lists of keys of this resource, by what else they depend on.
    entries: SmallVec<[(EntryKey, u32); 1]>,
}

/// What is attached to a resource.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    /// `objectOwner`, when the resource is an object (E-84).
    object_owner: Option<AccountId>,
    /// Who owns the bucket behind an access point (E-86).
    pub(super) bucket_owner: Option<AccountId>,
    /// Resource-based policies of the resource or its parent (E-33).
    pub(crate) policies: Option<SetRef>,
    pub(crate) documents: Vec<DocumentHandle>,
    /// The trust policy of a role (E-88).
    pub(crate) trust: Option<SetRef>,
    pub(crate) trust_documents: Vec<DocumentHandle>,
    pub(crate) grants: Option<SetRef>,
    pub(crate) grant_documents: Vec<DocumentHandle>,
    pub(crate) tags: Option<Vec<Tag>>,
    /// The tags of what holds the resource, behind the beginning of the keys that carry them.
    holders: Vec<(&'static str, Vec<Tag>)>,
    /// Documents that option `skipInvalidPolicies` dropped (E-112).
    pub(crate) skipped: Vec<Box<str>>,
    pub(crate) trust_skipped: Vec<Box<str>>,
}

/// Nothing attached.
static NOTHING: Attached = Attached {
    object_owner: None,
    bucket_owner: None,
    policies: None,
    documents: Vec::new(),
    trust: None,
    trust_documents: Vec::new(),
    grants: None,
    grant_documents: Vec::new(),
    tags: None,
    holders: Vec::new(),
    skipped: Vec::new(),
    trust_skipped: Vec::new(),
};

/// E-3: a resource is `*` or an ARN.
pub(super) fn parse_arn(text: &str) -> Result<ArnParts<'_>, RequestError> {
    ArnParts::parse(text).map_err(|error| {
        RequestError::new(RequestErrorKind::InvalidResource, error.to_string()).at("/resource")
    })
}

impl Attached {
    fn is_empty(&self) -> bool {
        self.object_owner.is_none()
            && self.policies.is_none()
            && self.documents.is_empty()
            && self.trust.is_none()
            && self.trust_documents.is_empty()
            && self.grants.is_none()
            && self.grant_documents.is_empty()
            && self.tags.is_none()
            && self.holders.is_empty()
            && self.skipped.is_empty()
            && self.trust_skipped.is_empty()
    }
}

impl ResolvedResource {
    /// What is attached to it.
    pub(crate) fn attached(&self) -> &Attached {
        self.attached.as_deref().unwrap_or(&NOTHING)
    }

    /// Whether an action of this rule assumes it, see [`Shape::is_assumed_by`].
    pub(crate) fn is_assumed_by(&self, rule: ActionRule) -> bool {
        self.shape.is_assumed_by(rule)
    }

    /// A resource of which nobody knows more than its ARN.
    pub(super) fn bare(text: &str, partition: &str, owner: Owner, shape: Shape) -> Self {
        Self {
            text: text.into(),
            partition_len: u32::try_from(partition.len()).unwrap_or(u32::MAX),
            owner,
            shape,
            managed_by_aws: false,
            blocks_public: false,
            attached: None,
            entries: SmallVec::new(),
        }
    }

    /// The tags of what holds it, by the beginning of their keys; none if nobody knows them.
    pub(super) fn holder_tags(&self, prefix: &str) -> Option<&[Tag]> {
        let mut holders = self.attached().holders.iter();
        let found = holders.find(|(own, _)| own.eq_ignore_ascii_case(prefix))?;
        Some(&found.1)
    }

    /// The beginnings of the keys of tags of what holds it, as far as these are known.
    pub(super) fn known_holders(&self) -> [Option<&'static str>; 2] {
        [0, 1].map(|at| self.attached().holders.get(at).map(|(key, _)| *key))
    }

    /// Its partition; empty for `*`.
    pub(crate) fn partition(&self) -> &str {
        let start = "arn:".len();
        self.text.get(start..start + self.partition_len as usize).unwrap_or_default()
    }
}

/// Who owns a resource, as far as the resource tells (E-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// Known.
    Account(AccountId),
    /// The principal's account, by rule (E-8d).
    Principal,
    /// As [`Owner::Principal`] for the policies that apply; it is AWS's own (E-20).
    Aws,
    /// The principal's account, by assumption: the ARN has no account part (E-8d).
    Assumed,
    /// Nobody knows (E-8e).
    Unknown,
    /// Nobody: no account has an identity whose ARN names none (E-96).
    Nobody,
}

/// What service rules want to know of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    Other,
    Star,
    S3Object,
    S3Bucket,
    /// An access point, or an object through one (E-85).
    S3AccessPoint,
    KmsKey,
    KmsAlias,
    IamRole,
    /// `arn:P:iam::A:root`.
    IamRoot,
    /// `arn:P:iam::aws:policy/…`.
    AwsManagedPolicy,
}

impl Shape {
    /// Whether an action of this rule assumes the resource: a role, whose resource-based policy is
    /// then its trust policy (E-88). What is no role has none, whatever asks to assume it.
    fn is_assumed_by(self, rule: ActionRule) -> bool {
        rule.is_role_assuming() && self == Self::IamRole
    }

    pub(super) fn of(arn: Option<ArnParts<'_>>) -> Self {
        arn.map_or(Self::Star, |arn| Family::of(arn).shape(arn.resource))
    }
}

/// What the header of an ARN says of the shape of what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// A bucket or an object.
    S3,
    /// Another resource of S3.
    S3Elsewhere,
    Kms,
    /// Of AWS or not.
    Iam(bool),
    Other,
}

impl Family {
    pub(super) fn of(arn: ArnParts<'_>) -> Self {
        match arn.service {
            "s3" if arn.region.is_empty() && arn.account.is_empty() => Self::S3,
            "s3" => Self::S3Elsewhere,
            "kms" => Self::Kms,
            "iam" => Self::Iam(arn.account == "aws"),
            _ => Self::Other,
        }
    }

    /// The shape of the resource with this last segment.
    #[inline]
    pub(super) fn shape(self, resource: &str) -> Shape {
        match self {
            Self::S3 if memchr(b'/', resource.as_bytes()).is_some() => Shape::S3Object,
            Self::S3 => Shape::S3Bucket,
            Self::S3Elsewhere if resource.starts_with("accesspoint/") => Shape::S3AccessPoint,
            Self::Kms if resource.starts_with("key/") => Shape::KmsKey,
            Self::Kms if resource.starts_with("alias/") => Shape::KmsAlias,
            Self::Iam(_) if resource.starts_with("role/") => Shape::IamRole,
            Self::Iam(_) if resource == "root" => Shape::IamRoot,
            Self::Iam(true) if resource.starts_with("policy/") => Shape::AwsManagedPolicy,
            _ => Shape::Other,
        }
    }
}

/// What a resource is part of, and what that is part of, the nearest first.
pub(super) fn above(arn: &str) -> impl Iterator<Item = String> {
    let next = |arn: &str| parent(arn).map(|parent| parent.arn.into_owned());
    std::iter::successors(next(arn), move |arn| next(arn))
}

impl Resolver<'_> {
    /// The position of a resource in the dictionary, resolving it when it is new.
    pub(super) fn resource(
        &mut self,
        text: &str,
        data: Option<&ResourceData<'_>>,
        action: u32,
    ) -> Result<u32, RequestError> {
        match data {
            Some(data) => self.resource_within(text, None, data, action),
            None => self.plain_resource(text, action),
        }
    }

    /// The same of which the request says more, or which stands in a whole that its text does not
    /// name.
    fn resource_within(
        &mut self,
        text: &str,
        whole: Option<&str>,
        data: &ResourceData<'_>,
        action: u32,
    ) -> Result<u32, RequestError> {
        // A policy that comes with the request is read as what the action makes of it.
        let as_trust = self.actions[action as usize].rule.is_role_assuming();
        let mut key = std::mem::take(&mut self.key_buffer);
        said::write((text, whole, as_trust, data), &mut key);
        let index = match self.resource_index.get(key.as_slice()) {
            Some(index) => Ok(*index),
            None => match self.new_resource((text, whole), data, action) {
                Ok(resolved) => self.add_resource(resolved).inspect(|index| {
                    self.resource_index.insert(key.as_slice().into(), *index);
                }),
                Err(error) => Err(error),
            },
        };
        self.key_buffer = key;
        index
    }

    /// The resource of a check. What a call makes with the tags of the request has these tags,
    /// unless more is known of it (E-20).
    pub(super) fn resource_of_check(
        &mut self,
        request: &Request<'_>,
        (principal, check): (u32, &CheckSpec<'_>),
        text: &str,
    ) -> Result<u32, RequestError> {
        if let Some(organization) = self.organization_asked(principal, check.action, text) {
            let none = ResourceData::default();
            let data = check.data.as_deref().unwrap_or(&none);
            return self.resource_within(text, Some(&organization), data, check.action);
        }
        let resource = self.resource(text, check.data.as_deref(), check.action)?;
        let creates = self.actions[check.action as usize].creates_with_tags;
        let knows_tags = self.resources[resource as usize].attached().tags.is_some();
        match &request.request_tags {
            Some(tags) if creates && !knows_tags => {
                let mut data = check.data.as_deref().cloned().unwrap_or_default();
                data.tags = Some(tags.clone());
                self.resource(text, Some(&data), check.action)
            }
            _ => Ok(resource),
        }
    }

    /// A resource of which the request says no more than its text.
    fn plain_resource(&mut self, text: &str, action: u32) -> Result<u32, RequestError> {
        let hash = self.text_hasher.hash_one(text);
        let resources = &self.resources;
        let is_same = |&at: &u32| *resources[at as usize].text == *text;
        if let Some(index) = self.plain_resources.find(hash, is_same) {
            return Ok(*index);
        }
        let resolved = self.new_resource((text, None), &ResourceData::default(), action)?;
        let index = self.add_resource(resolved)?;
        let (resources, hasher) = (&self.resources, &self.text_hasher);
        let rehash = |&at: &u32| hasher.hash_one(&*resources[at as usize].text);
        self.plain_resources.insert_unique(hash, index, rehash);
        Ok(index)
    }

    fn new_resource(
        &mut self,
        (text, whole): (&str, Option<&str>),
        data: &ResourceData<'_>,
        action: u32,
    ) -> Result<ResolvedResource, RequestError> {
        let arn = match text {
            "*" => None,
            _ => Some(parse_arn(text)?),
        };
        let engine = self.engine;
        let snapshot = &engine.snapshot;
        let record = snapshot.resource(text);
        let parent = parent(text);
        let above = above(text).find_map(|arn| snapshot.resource(&arn));
        let shape = Shape::of(arn);
        let mut owner = owner(text, arn, data, record.or(above).map(|r| r.account))?;
        let mut object_owner = data.object_owner.filter(|_| shape == Shape::S3Object);
        if let (Shape::S3Object, Some(record), Some(bucket)) = (shape, record, above) {
            // What an object has on record is its own owner, not that of the bucket.
            object_owner = object_owner.or(Some(record.account));
            owner = Owner::Account(bucket.account);
        }
        let object = self.object_behind(text);
        let lends_tags = parent.as_ref().is_some_and(|parent| parent.lends_tags);
        let mut attached = Attached {
            object_owner,
            tags: match &data.tags {
                Some(tags) => Some(tags.iter().map(owned_tag).collect()),
                None => record
                    .and_then(|r| r.tags.clone())
                    .or_else(|| self.entity_tags(text, arn))
                    // An object that is reached through an access point is still that object.
                    .or_else(|| snapshot.resource(object.as_deref()?)?.tags.clone())
                    // Those of what it is part of, where it cannot be tagged itself (E-20).
                    .or_else(|| above.filter(|_| lends_tags)?.tags.clone()),
            },
            holders: self.holders(parent.as_ref(), object.as_deref(), shape),
            ..Attached::default()
        };
        if arn.is_some_and(|arn| arn.service == "iam")
            && let Some(sets) = engine.sets.entity(text)
        {
            attached.trust = sets.trust;
            attached.trust_documents = sets.trust_document.into_iter().collect();
            attached.trust_skipped = engine.references(&sets.trust_skipped);
        }
        let parents = (whole, parent.as_ref());
        self.resource_policies((text, parents), data, (action, shape), &mut attached)?;
        if shape == Shape::KmsKey {
            self.resource_grants(text, data, record, &mut attached)?;
        }
        let partition = arn.map_or(0, |arn| arn.partition.len());
        let blocks_public =
            self.blocks_public(text, [record, above], data, (owner, shape), &mut attached);
        Ok(ResolvedResource {
            text: text.into(),
            partition_len: u32::try_from(partition).unwrap_or(u32::MAX),
            owner,
            shape,
            managed_by_aws: data
                .managed_by_aws
                .unwrap_or_else(|| record.is_some_and(|r| r.attributes.managed_by_aws)),
            blocks_public,
            attached: (!attached.is_empty()).then(|| Box::new(attached)),
            entries: SmallVec::new(),
        })
    }

    /// E-20: the tags of what holds a resource, as far as the snapshot has them.
    fn holders(
        &self,
        holder: Option<&Parent<'_>>,
        object: Option<&str>,
        shape: Shape,
    ) -> Vec<(&'static str, Vec<Tag>)> {
        let holder = holder.filter(|_| shape != Shape::S3AccessPoint || object.is_some());
        let behind = object.and_then(parent);
        let tags_of = |holder: &Parent<'_>| {
            Some((holder.tag_key?, self.engine.snapshot.resource(&holder.arn)?.tags.clone()?))
        };
        holder.into_iter().chain(&behind).filter_map(tags_of).collect()
    }

    /// The object that an ARN through an access point is another name of (E-85).
    fn object_behind(&self, text: &str) -> Option<String> {
        let point = AccessPointArn::parse(text)?;
        point.object(&self.engine.snapshot.resource(&point.arn)?.attributes)
    }

    /// Users, roles and managed policies are resources too (E-91).
    fn entity_tags(&self, text: &str, arn: Option<ArnParts<'_>>) -> Option<Vec<Tag>> {
        let snapshot = &self.engine.snapshot;
        let arn = arn.filter(|arn| arn.service == "iam")?;
        let of_entity = snapshot
            .user_by_arn(text)
            .map(|user| &user.tags)
            .or_else(|| snapshot.role_by_arn(text).map(|role| &role.tags));
        let of_policy = || {
            let account = snapshot.account(arn.account_id()?)?;
            account.policies.values().find(|policy| *policy.arn == *text).map(|policy| &policy.tags)
        };
        let of_policy = || if arn.resource.starts_with("policy/") { of_policy() } else { None };
        of_entity.or_else(of_policy).cloned()
    }

    /// E-33: the policies in the request's resource data, else those of the resource (an object's
    /// beside those of its bucket), else those of its parent.
    fn resource_policies(
        &mut self,
        (text, (whole, parent)): (&str, (Option<&str>, Option<&Parent<'_>>)),
        data: &ResourceData<'_>,
        (action, shape): (u32, Shape),
        attached: &mut Attached,
    ) -> Result<(), RequestError> {
        if let Some(texts) = &data.policy {
            let action = &self.actions[action as usize];
            // Only a role has a trust policy (E-88).
            let as_trust = shape.is_assumed_by(action.rule);
            let service = text.split(':').nth(2).unwrap_or_default();
            let (set, documents) = self.given_resource_policies(texts, text, service, as_trust)?;
            // Without documents, dropped or stated so, there is no policy (E-112).
            let set = (!documents.is_empty()).then_some(set);
            let skipped = std::mem::take(&mut self.given.skipped);
            if as_trust {
                attached.trust = set;
                attached.trust_documents = documents;
                attached.trust_skipped = skipped;
            } else {
                attached.policies = set;
                attached.documents = documents;
                attached.skipped = skipped;
            }
            return Ok(());
        }
        let engine = self.engine;
        let is_governed = parent.is_some_and(|parent| parent.governs);
        let of_whole = || match whole {
            Some(whole) => engine.sets.resource(whole),
            None if is_governed => above(text).find_map(|arn| engine.sets.resource(&arn)),
            None => None,
        };
        if let Some(sets) = engine.sets.resource(text).or_else(of_whole) {
            // All of them dropped: there is no policy (E-112).
            attached.policies = (!sets.documents.is_empty()).then_some(sets.set);
            attached.documents.clone_from(&sets.documents);
            attached.skipped = engine.references(&sets.skipped);
        }
        Ok(())
    }

    /// E-33: the policies of what a resource stands in, for whoever replaces its own.
    pub(crate) fn policies_above(&self, resource: &ResolvedResource) -> Option<&LayerSets> {
        let mut above = above(&resource.text);
        let found = above.find_map(|arn| self.engine.sets.resource(&arn));
        // All of them dropped: there is no policy (E-112).
        found.filter(|sets| !sets.documents.is_empty())
    }

    /// E-86: whether block public access keeps everyone off but the owner's account and services.
    fn blocks_public(
        &self,
        text: &str,
        records: [Option<&Resource<PolicyId>>; 2],
        data: &ResourceData<'_>,
        (owner, shape): (Owner, Shape),
        attached: &mut Attached,
    ) -> bool {
        let snapshot = &self.engine.snapshot;
        let of = |record: &Resource<PolicyId>| record.attributes.public_access_block;
        let (recorded, behind) = match shape {
            Shape::S3Object | Shape::S3Bucket => (records.map(|record| of(record?)), None),
            Shape::S3AccessPoint => {
                let Some(point) = AccessPointArn::parse(text) else { return false };
                let attributes = snapshot.resource(&point.arn).map(|record| &record.attributes);
                // A point inside a VPC is never public.
                if attributes.is_some_and(|a| a.network_origin_vpc.is_some()) {
                    return false;
                }
                let bucket = attributes.and_then(|attributes| point.bucket(attributes));
                let behind = bucket.and_then(|arn| snapshot.resource(&arn));
                ([attributes.and_then(|a| a.public_access_block), behind.and_then(of)], behind)
            }
            _ => return false,
        };
        attached.bucket_owner = behind.map(|bucket| bucket.account);
        let settings = match data.public_access_block {
            None => recorded,
            stated => [stated, None],
        };
        let owner = if let Owner::Account(account) = owner { Some(account) } else { None };
        let of_account = |id: Option<AccountId>| Some(snapshot.account(id?)?.public_access_block);
        let of_accounts = [owner, attached.bucket_owner].map(of_account);
        let is_point = shape == Shape::S3AccessPoint;
        let mut policies = attached.documents.iter().filter_map(|at| self.policy_of(*at));
        settings.into_iter().chain(of_accounts).flatten().any(|s| s.restrict_public_buckets)
            && policies.any(|policy| public::is_public(policy, is_point))
    }

    /// The owner for this principal and action (E-8d, E-9), and whether it was assumed. For an
    /// object this is the owner of the bucket.
    pub(super) fn resource_account(
        &self,
        resource: &ResolvedResource,
        principal: &ResolvedPrincipal,
        action: &ResolvedAction,
    ) -> (Option<AccountId>, bool) {
        use assize_model::UnknownResourceAccount as Unknown;
        match resource.owner {
            Owner::Account(account) => (Some(account), false),
            _ if action.wildcard_only => (principal.account, false),
            Owner::Principal | Owner::Aws => (principal.account, false),
            Owner::Assumed => (principal.account, principal.account.is_some()),
            Owner::Nobody => (None, false),
            Owner::Unknown => match self.engine.options.unknown_resource_account {
                Unknown::Principal => (principal.account, principal.account.is_some()),
                Unknown::Deny => (None, false),
            },
        }
    }

    /// Whether nothing tells who owns a resource (E-8e).
    pub(super) fn is_undeclared(&self, resource: u32) -> bool {
        self.resources[resource as usize].owner == Owner::Unknown
    }

    /// The owner of an object that is not the bucket's (E-84); `s3:PutObject` is always decided
    /// with the bucket's account.
    pub(super) fn foreign_owner(
        &self,
        resource: u32,
        action: u32,
        bucket: Option<AccountId>,
    ) -> Option<AccountId> {
        let resource = &self.resources[resource as usize];
        let action = &self.actions[action as usize];
        let owner = resource.attached().object_owner.filter(|owner| Some(*owner) != bucket);
        owner.filter(|_| action.rule != ActionRule::PutObject)
    }

    /// The list of the keys of E-20, for this owner and action.
    pub(super) fn resource_key_list(
        &mut self,
        resource: u32,
        account: Option<AccountId>,
        action: u32,
        (principal, fit): (u32, Option<ResourceTypeId>),
    ) -> u32 {
        let hides_tags = self.replaces_unknown_tags(principal, action, resource);
        let profile = match &self.resources[resource as usize].attached().tags {
            Some(_) if !hides_tags => {
                let is_role = self.resources[resource as usize].shape == Shape::IamRole;
                self.tag_profile(action, is_role, fit)
            }
            _ => NO_TAGS,
        };
        let action_facts = &self.actions[action as usize];
        // A transitive tag of the caller replaces the role's tag of the same key (E-91).
        let caller = &self.principals[principal as usize];
        let assumes = self.resources[resource as usize].is_assumed_by(action_facts.rule)
            && !caller.transitive_tags.is_empty()
            && !hides_tags;
        let is_of_aws = self.resources[resource as usize].owner == Owner::Aws;
        // L-704: of `events:PutEvents` only on the buses of others.
        let is_at_home = action_facts.rule == ActionRule::PutEvents
            && account.is_some()
            && account == caller.account;
        let lacks_keys = action_facts.no_account_keys && !is_at_home;
        let key = EntryKey {
            account: account.filter(|_| !lacks_keys && !is_of_aws),
            profile,
            caller: assumes.then_some(principal),
        };
        let entries = &self.resources[resource as usize].entries;
        if let Some((_, index)) = entries.iter().find(|(other, _)| *other == key) {
            return *index;
        }
        let keys = self.entry_keys(resource, &key);
        self.resources[resource as usize].entries.push((key, keys));
        keys
    }

    /// E-91, E-121: whether a session whose tags are unknown assumes a role, so that a transitive
    /// one of them may replace any tag of the role.
    pub(super) fn replaces_unknown_tags(&self, principal: u32, action: u32, resource: u32) -> bool {
        let caller = &self.principals[principal as usize];
        self.is_partial
            && caller.kind == PrincipalKind::RoleSession
            && caller.gaps.has(Gap::PrincipalTags)
            && self.actions[action as usize].rule.is_role_assuming()
            && self.resources[resource as usize].shape == Shape::IamRole
    }

    /// The keys of an entry. Resources without tags share those of their owner.
    fn entry_keys(&mut self, resource: u32, key: &EntryKey) -> u32 {
        let attached = self.resources[resource as usize].attached();
        let has_tags = attached.tags.is_some() || !attached.holders.is_empty();
        if let Some(list) = self.owner_keys.get(&key.account).filter(|_| !has_tags) {
            return *list;
        }
        let keys = self.resource_keys(resource, key);
        let constants = self.constants(&keys);
        // INVARIANT: there are at most as many lists as entries.
        let index = u32::try_from(self.key_lists.len()).unwrap_or(u32::MAX);
        self.key_lists.push(keys);
        self.key_constants.push(constants);
        if !has_tags {
            self.owner_keys.insert(key.account, index);
        }
        index
    }

    fn resource_keys(&self, resource: u32, key: &EntryKey) -> Vec<(ConditionKey, ContextValue)> {
        let snapshot = &self.engine.snapshot;
        let resolved = &self.resources[resource as usize];
        let mut keys = Vec::new();
        if let Some(account) = key.account {
            let single = |name: &str, value: &str| {
                (ConditionKey::new(name), ContextValue::Single(value.into()))
            };
            keys.push(single("aws:ResourceAccount", account.as_str()));
            if let Some(path) = snapshot.path(account) {
                keys.push(single("aws:ResourceOrgID", &path.organization));
                let paths = ContextValue::List(vec![path.org_path.as_str().into()]);
                keys.push((ConditionKey::new("aws:ResourceOrgPaths"), paths));
            }
        }
        let mut tags = Cow::Borrowed(resolved.attached().tags.as_deref().unwrap_or_default());
        if let Some(caller) = key.caller {
            for tag in &self.principals[caller as usize].transitive_tags {
                for own in tags.to_mut() {
                    if own.key.eq_ignore_ascii_case(&tag.key) {
                        own.value.clone_from(&tag.value);
                    }
                }
            }
        }
        for prefix in &self.tag_profiles[key.profile as usize] {
            // No key stands for a tag without a name (L-710).
            for tag in tags.iter().filter(|tag| !tag.key.is_empty()) {
                let name = format!("{prefix}{}", tag.key);
                keys.push((ConditionKey::new(&name), ContextValue::Single(tag.value.clone())));
            }
        }
        for (stem, tags) in &resolved.attached().holders {
            for tag in tags.iter().filter(|tag| !tag.key.is_empty()) {
                let name = format!("{stem}{}", tag.key);
                keys.push((ConditionKey::new(&name), ContextValue::Single(tag.value.clone())));
            }
        }
        collide(keys)
    }

    /// Which of the action's resource types a resource is (E-7); none when nobody can say.
    pub(super) fn fit(&self, action: u32, resource: u32) -> Option<ResourceTypeId> {
        let action = self.actions[action as usize].id?;
        self.engine.catalog.fits(action, &self.resources[resource as usize].text)
    }

    /// Which prefixes carry the tags of this resource for this action (E-20).
    pub(super) fn tag_profile(
        &mut self,
        action: u32,
        is_role: bool,
        fit: Option<ResourceTypeId>,
    ) -> u32 {
        if let Some(profile) = self.profile_index.get(&(action, fit, is_role)) {
            return *profile;
        }
        let prefixes = self.tag_prefixes(action, fit, is_role);
        let found = self.tag_profiles.iter().position(|known| *known == prefixes);
        let index = found.unwrap_or_else(|| {
            self.tag_profiles.push(prefixes);
            self.tag_profiles.len() - 1
        });
        // INVARIANT: profiles are lists of prefixes of the catalog, a few hundred at most.
        let index = u32::try_from(index).unwrap_or_default();
        self.profile_index.insert((action, fit, is_role), index);
        index
    }

    /// The beginnings of the tag keys, in byte order.
    fn tag_prefixes(
        &self,
        action: u32,
        fit: Option<ResourceTypeId>,
        is_role: bool,
    ) -> Vec<Box<str>> {
        let facts = &self.actions[action as usize];
        let mut prefixes: Vec<Box<str>> = match facts.id {
            Some(id) => self.engine.catalog.resource_tag_keys(id, fit).map(Into::into).collect(),
            None => vec!["aws:ResourceTag/".into()],
        };
        if facts.rule.is_role_assuming() && is_role {
            prefixes.extend(["aws:ResourceTag/".into(), "iam:ResourceTag/".into()]);
        }
        prefixes.sort_unstable_by_key(|prefix| prefix.to_ascii_lowercase());
        prefixes.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        prefixes
    }

    /// The columns of a tag under all of its names that some policy asks about: the position of
    /// their list.
    pub(super) fn tag_columns(&mut self, profile: u32, tag: &str) -> usize {
        if let Some(columns) = self.tag_index.get(&TagName { profile, tag }) {
            return *columns;
        }
        let names = self.tag_profiles[profile as usize].iter();
        let names = names.map(|prefix| fold_key(&format!("{prefix}{tag}")).into_owned());
        let columns = names.filter_map(|name| self.key_column(&name)).collect();
        self.tag_columns.push(columns);
        let at = self.tag_columns.len() - 1;
        self.tag_index.insert((profile, tag.into()), at);
        at
    }

    /// Whether keys that begin so carry the tags of this resource for this action (E-20).
    pub(super) fn carries_tags(
        &self,
        action: u32,
        (is_role, fit): (bool, Option<ResourceTypeId>),
        prefix: &str,
    ) -> bool {
        let facts = &self.actions[action as usize];
        let of_role = facts.rule.is_role_assuming() && is_role;
        let is = |known: &str| known.eq_ignore_ascii_case(prefix);
        if (facts.id.is_none() && is("aws:ResourceTag/"))
            || (of_role && (is("aws:ResourceTag/") || is("iam:ResourceTag/")))
        {
            return true;
        }
        let catalog = &self.engine.catalog;
        facts.id.is_some_and(|id| catalog.resource_tag_keys(id, fit).any(is))
    }

    /// The values of keys that policies ask about, in order of the keys.
    pub(super) fn constants(
        &mut self,
        keys: &[(ConditionKey, ContextValue)],
    ) -> Vec<(KeyId, ValueId)> {
        let mut constants: Vec<(KeyId, ValueId)> = Vec::new();
        for (key, value) in keys {
            if let Some(column) = self.key_column(key.folded()) {
                constants.push((column, self.intern(value)));
            }
        }
        constants.sort_unstable_by_key(|(key, _)| *key);
        constants
    }

    /// The id of a value.
    pub(super) fn intern(&mut self, value: &ContextValue) -> ValueId {
        match value {
            ContextValue::Single(text) => self.values.intern_single(text),
            ContextValue::List(items) => {
                let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
                self.values.intern_list(&items)
            }
            ContextValue::Colliding => self.values.colliding(),
        }
    }
}

/// The profile of resources without known tags.
const NO_TAGS: u32 = 0;

/// A tag under a profile, as a key of a dictionary that owns its keys.
#[derive(Debug, Hash)]
struct TagName<'t> {
    profile: u32,
    tag: &'t str,
}

impl Equivalent<(u32, Box<str>)> for TagName<'_> {
    fn equivalent(&self, key: &(u32, Box<str>)) -> bool {
        self.profile == key.0 && *self.tag == *key.1
    }
}

/// What an entry depends on beside its resource.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EntryKey {
    account: Option<AccountId>,
    profile: u32,
    caller: Option<u32>,
}

/// Keys that fold to one name collide (L-606).
fn collide(mut keys: Vec<(ConditionKey, ContextValue)>) -> Vec<(ConditionKey, ContextValue)> {
    keys.sort_by(|(a, _), (b, _)| a.cmp(b));
    keys.dedup_by(|(later, _), (earlier, value)| {
        let same = later == earlier;
        if same {
            *value = ContextValue::Colliding;
        }
        same
    });
    keys
}

/// Whether an ARN is that of a user, role, group or root user.
fn is_identity(arn: ArnParts<'_>) -> bool {
    let kinds = ["user/", "role/", "group/", "root"];
    arn.service == "iam" && kinds.iter().any(|kind| arn.resource.starts_with(kind))
}

/// E-8 as far as the resource itself tells.
pub(super) fn owner(
    text: &str,
    arn: Option<ArnParts<'_>>,
    data: &ResourceData<'_>,
    declared: Option<AccountId>,
) -> Result<Owner, RequestError> {
    let in_arn = arn.and_then(|arn| arn.account_id());
    if let Some(stated) = data.account {
        let known = declared.or(in_arn);
        let contradicts = known.is_some_and(|known| known != stated);
        let shared = data.object_owner.is_some() && Shape::of(arn) == Shape::S3Object;
        if contradicts && !shared {
            let known = known.map(|k| k.to_string()).unwrap_or_default();
            return Err(RequestError::new(
                RequestErrorKind::ResourceAccountConflict,
                format!("`{text}` belongs to account `{known}`, not to `{stated}`"),
            )
            .at("/resourceData/account"));
        }
        return Ok(Owner::Account(known.filter(|_| shared).unwrap_or(stated)));
    }
    if let Some(account) = declared.or(in_arn) {
        return Ok(Owner::Account(account));
    }
    Ok(match arn {
        None => Owner::Principal,
        Some(arn) if is_identity(arn) => Owner::Nobody,
        // No account that a policy could name has what is AWS's own, as documents and parameters
        // of Systems Manager without an account are (E-20).
        Some(ArnParts { account: "aws", .. } | ArnParts { account: "", service: "ssm", .. }) => {
            Owner::Aws
        }
        Some(arn) if arn.account.is_empty() && arn.service != "s3" => Owner::Assumed,
        Some(_) => Owner::Unknown,
    })
}
