//! Resources and VPC endpoints of a scenario (F-43).

use std::borrow::Cow;

use assize_model::{AccountId, ArnParts, KmsGrant, Tags};
use assize_store::{
    DocumentText, EndpointType, Grant, Resource, ResourceAttributes, StoreChange, VpcEndpoint,
};

use super::Reader;
use super::field::Fields;
use crate::file::File;
use crate::json::{Node, Value};

const RESOURCE_FIELDS: [&str; 5] = ["arn", "account", "tags", "policy", "attributes"];
const ENDPOINT_FIELDS: [&str; 6] = ["account", "vpc", "vpcArn", "type", "service", "policy"];

impl Reader<'_> {
    pub(super) fn resources(&mut self, file: &File, node: Option<&Node<'_>>) {
        for item in node.map(|node| self.items(file, node)).unwrap_or_default() {
            if let Some(resource) = self.resource(file, item) {
                self.apply(file, item, StoreChange::PutResource(resource));
            }
        }
    }

    fn resource(&mut self, file: &File, node: &Node<'_>) -> Option<Resource<DocumentText>> {
        let fields = self.fields(file, node, &RESOURCE_FIELDS)?;
        let arn = match fields.get("arn") {
            Some(node) => self.text(file, node)?,
            None => return self.missing(file, node, "arn"),
        };
        let account = self.owner(file, node, &fields, &arn);
        let tags = fields.get("tags").map(|node| self.tags(file, node));
        let policies = fields.get("policy").map(|node| self.resource_policies(file, node));
        let attributes = fields.get("attributes").map(|node| self.attributes(file, node));
        Some(Resource {
            arn,
            account: account?,
            tags,
            policies: policies.unwrap_or_default(),
            attributes: attributes.unwrap_or_default(),
        })
    }

    /// `account`, or the one in the ARN.
    fn owner(
        &mut self,
        file: &File,
        node: &Node<'_>,
        fields: &Fields<'_>,
        arn: &str,
    ) -> Option<AccountId> {
        if let Some(node) = fields.get("account") {
            return self.account_id(file, node);
        }
        let in_arn = ArnParts::split(arn).and_then(|parts| parts.account_id());
        match in_arn {
            Some(account) => Some(account),
            None => self.missing(file, node, "account"),
        }
    }

    fn resource_policies(&mut self, file: &File, node: &Node<'_>) -> Vec<DocumentText> {
        let items = match &node.value {
            Value::Array(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        items.iter().filter_map(|item| self.document(file, item)).collect()
    }

    fn attributes(&mut self, file: &File, node: &Node<'_>) -> ResourceAttributes {
        let mut attributes = ResourceAttributes::default();
        let Some(fields) = self.fields(file, node, &ResourceAttributes::NAMES) else {
            return attributes;
        };
        attributes.public_access_block =
            fields.get("publicAccessBlock").map(|node| self.public_access_block(file, node));
        attributes.kms_grants =
            fields.get("kmsGrants").map(|node| self.kms_grants(file, node)).unwrap_or_default();
        attributes.managed_by_aws = fields
            .get("managedByAws")
            .and_then(|node| self.boolean(file, node))
            .unwrap_or_default();
        attributes.bucket = self.text_of(file, &fields, "bucket");
        attributes.aliases = self.strings_of(file, &fields, "aliases");
        attributes.backup_vault = self.text_of(file, &fields, "backupVault");
        let vpc = self.text_of(file, &fields, "vpc");
        let origins = [("Internet", false), ("VPC", true)];
        let origin = fields.get("networkOrigin");
        let origin = origin.and_then(|node| self.word(file, node, &origins));
        attributes.network_origin_vpc = origin.unwrap_or(vpc.is_some()).then_some(vpc);
        attributes
    }

    fn kms_grants(&mut self, file: &File, node: &Node<'_>) -> Vec<Grant> {
        let owned = |grants: Vec<KmsGrant<'_>>| grants.into_iter().map(owned_grant).collect();
        self.through_text(file, node, |c| crate::request::resource::kms_grants(c).map(owned))
            .unwrap_or_default()
    }

    pub(super) fn endpoints(&mut self, file: &File, node: Option<&Node<'_>>) {
        let members = node.and_then(|node| self.members(file, node)).unwrap_or_default();
        for member in members {
            let Some(fields) = self.fields(file, &member.value, &ENDPOINT_FIELDS) else { continue };
            let types =
                [("Interface", EndpointType::Interface), ("Gateway", EndpointType::Gateway)];
            let endpoint_type = fields.get("type").and_then(|node| self.word(file, node, &types));
            let endpoint = VpcEndpoint {
                id: (&*member.key).into(),
                account: fields.get("account").and_then(|node| self.account_id(file, node)),
                vpc: self.text_of(file, &fields, "vpc"),
                vpc_arn: self.text_of(file, &fields, "vpcArn"),
                endpoint_type: endpoint_type.unwrap_or_default(),
                service: self.text_of(file, &fields, "service"),
                policy: fields.get("policy").and_then(|node| self.document(file, node)),
            };
            self.apply(file, &member.value, StoreChange::PutEndpoint(endpoint));
        }
    }
}

fn owned_grant(grant: KmsGrant<'_>) -> Grant {
    let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let owned_tags = |tags: Tags<'_>| {
        tags.into_iter().map(|(key, value)| (owned(key), owned(value))).collect::<Tags<'static>>()
    };
    KmsGrant {
        grantee: owned(grant.grantee),
        retiring_principal: grant.retiring_principal.map(owned),
        operations: grant.operations.into_iter().map(owned).collect(),
        encryption_context_equals: grant.encryption_context_equals.map(owned_tags),
        encryption_context_subset: grant.encryption_context_subset.map(owned_tags),
    }
}
