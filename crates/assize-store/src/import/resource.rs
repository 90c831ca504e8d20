//! Resources and their policies, and VPC endpoints (I-47, F-43).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::{AccountId, ArnParts, PublicAccessBlock};

use crate::edit::check;
use crate::import::output::{self, Stated, Whose, account};
use crate::import::source::{Node, Place, Problem, Record};
use crate::import::{ImportFile, Log};
use crate::{
    DiagnosticCode, DiagnosticLevel, DocumentText, EndpointType, Grant, Resource,
    ResourceAttributes, StoreChange, Tag, VpcEndpoint,
};

const RECORD: &[&str] = &["arn", "account", "region", "tags", "policy", "attributes"];
const PUBLIC_ACCESS_BLOCK: &[&str] =
    &["blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets"];
const GRANT: &[&str] = &[
    "grantee",
    "retiringPrincipal",
    "operations",
    "encryptionContextEquals",
    "encryptionContextSubset",
];
const ENDPOINT: &[&str] = &[
    "VpcEndpointId",
    "VpcId",
    "OwnerId",
    "VpcEndpointType",
    "ServiceName",
    "PolicyDocument",
    "State",
    "RouteTableIds",
    "SubnetIds",
    "Groups",
    "IpAddressType",
    "DnsOptions",
    "PrivateDnsEnabled",
    "RequesterManaged",
    "NetworkInterfaceIds",
    "DnsEntries",
    "CreationTimestamp",
    "Tags",
];

/// The resources and endpoints of an import.
#[derive(Debug, Default)]
pub(super) struct Resources {
    by_arn: BTreeMap<Box<str>, Resource<DocumentText>>,
    endpoints: BTreeMap<Box<str>, VpcEndpoint<DocumentText>>,
    /// The `NextToken` of the last page of endpoints, by the owner of its first.
    pages: BTreeMap<Option<AccountId>, Option<Place>>,
}

impl Resources {
    /// The plain output of a service.
    pub(super) fn policy(
        &mut self,
        file: &ImportFile<'_>,
        page: &Node<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let record = page.record()?;
        log.count_unknown("page", &record, &output::known_members(&record));
        let given = Whose { arn: file.arn.map(str::to_owned), owner: file.account };
        for Stated { whose, policy } in output::policies(page, &given)? {
            let arn = whose.arn.ok_or_else(|| {
                page.problem(
                    "the output does not say whose policy it is: name the ARN of the resource \
                     where the file is imported",
                )
            })?;
            let policies = policy.map(|node| node.resource_document()).transpose()?;
            let resource = Resource {
                account: owner_of(page, &arn, whose.owner)?,
                arn: arn.into(),
                tags: None,
                policies: policies.into_iter().collect(),
                attributes: ResourceAttributes::default(),
            };
            self.put(page, resource)?;
        }
        Ok(())
    }

    /// A resource record (F-43).
    pub(super) fn record(
        &mut self,
        file: &ImportFile<'_>,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let record = node.record()?;
        refuse_unknown(node, &record, RECORD, log);
        let arn = record.text("arn")?;
        let owner = account(&record, "account")?.or(file.account);
        let policies = match record.get("policy") {
            Some(policies) if policies.is_array() => {
                policies.elements()?.iter().map(Node::document).collect::<Result<_, _>>()?
            }
            policy => policy.map(Node::document).transpose()?.into_iter().collect(),
        };
        let attributes = record.get("attributes").map(|node| attributes(node, log)).transpose()?;
        self.put(
            node,
            Resource {
                account: owner_of(node, &arn, owner)?,
                arn: arn.into(),
                tags: record.get("tags").map(tags).transpose()?,
                policies,
                attributes: attributes.unwrap_or_default(),
            },
        )
    }

    /// Several files may speak of one resource: its policies add up, tags and attributes come
    /// from whoever has them.
    fn put(&mut self, node: &Node<'_>, resource: Resource<DocumentText>) -> Result<(), Problem> {
        check::resource(&resource).map_err(|error| node.problem(error))?;
        let Some(known) = self.by_arn.get_mut(&resource.arn) else {
            self.by_arn.insert(resource.arn.clone(), resource);
            return Ok(());
        };
        if known.account != resource.account {
            return Err(node.problem(format_args!(
                "`{}` belongs to account {} by another file",
                known.arn, known.account
            )));
        }
        let is_new = known.attributes == ResourceAttributes::default();
        let none = resource.attributes == ResourceAttributes::default();
        let same_tags = match (&known.tags, &resource.tags) {
            (Some(known), Some(tags)) => {
                known.len() == tags.len() && tags.iter().all(|tag| known.contains(tag))
            }
            _ => true,
        };
        let same_attributes = is_new || none || known.attributes == resource.attributes;
        known.policies.extend(resource.policies);
        known.tags = known.tags.take().or(resource.tags);
        if is_new {
            known.attributes = resource.attributes;
        }
        if same_tags && same_attributes {
            return Ok(());
        }
        let message =
            format_args!("another file states other tags or attributes of `{}`", known.arn);
        Err(node.problem_of(DiagnosticCode::ConflictingRecords, message))
    }

    /// `ec2 describe-vpc-endpoints`.
    pub(super) fn endpoints(&mut self, page: &Node<'_>, log: &mut Log) -> Result<(), Problem> {
        let record = page.record()?;
        log.count_unknown("page", &record, &["VpcEndpoints", "NextToken", "ResponseMetadata"]);
        let mut owner = None;
        for node in record.list("VpcEndpoints")? {
            let result = endpoint(&node, log);
            let Some(endpoint) = log.take(result) else { continue };
            owner.get_or_insert(endpoint.account);
            let result = self.put_endpoint(&node, endpoint);
            log.take(result);
        }
        self.pages.insert(owner.flatten(), record.get("NextToken").map(Node::place));
        Ok(())
    }

    fn put_endpoint(
        &mut self,
        node: &Node<'_>,
        endpoint: VpcEndpoint<DocumentText>,
    ) -> Result<(), Problem> {
        let text = |endpoint: &VpcEndpoint<DocumentText>| {
            endpoint.policy.as_ref().map(|policy| Arc::clone(&policy.text))
        };
        match self.endpoints.get(&endpoint.id) {
            Some(known) if text(known) != text(&endpoint) => Err(node.problem_of(
                DiagnosticCode::ConflictingRecords,
                format_args!("`{}` has another policy by another file", known.id),
            )),
            _ => {
                self.endpoints.insert(endpoint.id.clone(), endpoint);
                Ok(())
            }
        }
    }

    /// The changes, by ARN and id.
    pub(super) fn finish(self, log: &mut Log) -> impl Iterator<Item = StoreChange> {
        for place in self.pages.values().flatten() {
            log.push_truncated(place);
        }
        let resources = self.by_arn.into_values().map(StoreChange::PutResource);
        resources.chain(self.endpoints.into_values().map(StoreChange::PutEndpoint))
    }
}

/// The owner as stated, else by the ARN (E-8).
fn owner_of(node: &Node<'_>, arn: &str, stated: Option<AccountId>) -> Result<AccountId, Problem> {
    let by_arn = || ArnParts::split(arn).and_then(|parts| parts.account_id());
    stated.or_else(by_arn).ok_or_else(|| {
        node.problem(format_args!(
            "nothing says whose `{arn}` is: name the account beside it or where the file is \
             imported"
        ))
    })
}

/// Tags as an object, or as AWS lists them.
fn tags(node: &Node<'_>) -> Result<Vec<Tag>, Problem> {
    if node.is_array() {
        let tag = |node: &Node<'_>| {
            let record = node.record()?;
            Ok(Tag { key: record.text("Key")?.into(), value: record.text("Value")?.into() })
        };
        return node.elements()?.iter().map(tag).collect();
    }
    let record = node.record()?;
    let tag =
        |(key, node): (&str, &Node<'_>)| Ok(Tag { key: key.into(), value: node.string()?.into() });
    record.members().map(tag).collect()
}

/// F-4: resource records are ours, so that a member which nobody knows is a mistake. A `policy`
/// under another name would be lost.
fn refuse_unknown(node: &Node<'_>, record: &Record<'_>, known: &[&str], log: &mut Log) {
    for name in record.unknown(known).filter(|name| !name.starts_with("x-")) {
        let known = known.join("`, `");
        let message = format!("unknown member `{name}`; there are `{known}`");
        log.push(&node.place(), DiagnosticLevel::Error, DiagnosticCode::InvalidRecord, message);
    }
}

fn attributes(node: &Node<'_>, log: &mut Log) -> Result<ResourceAttributes, Problem> {
    let record = node.record()?;
    refuse_unknown(node, &record, &ResourceAttributes::NAMES, log);
    let grants = record.list("kmsGrants")?;
    let aliases = record.list("aliases")?;
    Ok(ResourceAttributes {
        public_access_block: record
            .get("publicAccessBlock")
            .map(|node| public_access_block(node, log))
            .transpose()?,
        kms_grants: grants.iter().map(|node| grant(node, log)).collect::<Result<_, _>>()?,
        managed_by_aws: flag(&record, "managedByAws")?,
        bucket: record.text_if("bucket")?.map(Into::into),
        network_origin_vpc: network_origin(&record)?,
        aliases: aliases
            .iter()
            .map(|alias| alias.string().map(Into::into))
            .collect::<Result<_, _>>()?,
        backup_vault: record.text_if("backupVault")?.map(Into::into),
    })
}

fn flag(record: &Record<'_>, name: &str) -> Result<bool, Problem> {
    Ok(record.get(name).map(Node::boolean).transpose()?.unwrap_or_default())
}

fn public_access_block(node: &Node<'_>, log: &mut Log) -> Result<PublicAccessBlock, Problem> {
    let record = node.record()?;
    refuse_unknown(node, &record, PUBLIC_ACCESS_BLOCK, log);
    Ok(PublicAccessBlock {
        block_public_acls: flag(&record, "blockPublicAcls")?,
        ignore_public_acls: flag(&record, "ignorePublicAcls")?,
        block_public_policy: flag(&record, "blockPublicPolicy")?,
        restrict_public_buckets: flag(&record, "restrictPublicBuckets")?,
    })
}

/// A stored grant (E-81).
fn grant(node: &Node<'_>, log: &mut Log) -> Result<Grant, Problem> {
    let record = node.record()?;
    refuse_unknown(node, &record, GRANT, log);
    let pairs = |name: &str| -> Result<_, Problem> {
        let Some(node) = record.get(name) else { return Ok(None) };
        let pair = |tag: Tag| (Cow::Owned(tag.key.into()), Cow::Owned(tag.value.into()));
        Ok(Some(tags(node)?.into_iter().map(pair).collect()))
    };
    let operations = record.list("operations")?;
    let operation = |node: &Node<'_>| node.string().map(Cow::Owned);
    Ok(Grant {
        grantee: Cow::Owned(record.text("grantee")?),
        retiring_principal: record.text_if("retiringPrincipal")?.map(Cow::Owned),
        operations: operations.iter().map(operation).collect::<Result<_, _>>()?,
        encryption_context_equals: pairs("encryptionContextEquals")?,
        encryption_context_subset: pairs("encryptionContextSubset")?,
    })
}

/// `Internet`, `VPC` (with the id as `vpc`), the id of a VPC, or `{"vpc": ID}` (E-85).
#[expect(clippy::option_option, reason = "the outer is whether it is a VPC, the inner which one")]
fn network_origin(attributes: &Record<'_>) -> Result<Option<Option<Box<str>>>, Problem> {
    let Some(node) = attributes.get("networkOrigin") else { return Ok(None) };
    if node.is_object() {
        return Ok(Some(node.record()?.text_if("vpc")?.map(Into::into)));
    }
    let text = node.string()?;
    if text.eq_ignore_ascii_case("internet") {
        return Ok(None);
    }
    if text.eq_ignore_ascii_case("vpc") {
        return Ok(Some(attributes.text_if("vpc")?.map(Into::into)));
    }
    Ok(Some(Some(text.into())))
}

fn endpoint(node: &Node<'_>, log: &mut Log) -> Result<VpcEndpoint<DocumentText>, Problem> {
    let record = node.record()?;
    log.count_unknown("VpcEndpoints", &record, ENDPOINT);
    let endpoint_type = match record.text_if("VpcEndpointType")?.as_deref() {
        Some("Gateway") => EndpointType::Gateway,
        _ => EndpointType::Interface,
    };
    let endpoint = VpcEndpoint {
        id: record.text("VpcEndpointId")?.into(),
        account: account(&record, "OwnerId")?,
        vpc: record.text_if("VpcId")?.map(Into::into),
        vpc_arn: None,
        endpoint_type,
        service: record.text_if("ServiceName")?.map(Into::into),
        policy: record.get("PolicyDocument").map(Node::document).transpose()?,
    };
    check::endpoint(&endpoint).map_err(|error| node.problem(error))?;
    Ok(endpoint)
}
