//! The canonical export of a snapshot and its digest (F-86), and what two snapshots differ in.

mod difference;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use assize_model::{PolicyId, PublicAccessBlock};
use sha2::{Digest, Sha256};

pub use difference::SnapshotDifference;

use crate::{
    Account, EndpointType, ExternalAccount, Grant, Group, InlinePolicy, InstanceProfile,
    ManagedPolicy, OidcProvider, Organization, OrganizationNode, OrganizationPolicy, Resource,
    ResourceAttributes, Role, SamlProvider, StoreSnapshot, Tag, User, VpcEndpoint,
};

impl StoreSnapshot {
    /// Writes everything the snapshot holds as one JSON value, the same bytes for the same facts
    /// (F-86): members sorted by code point, no white space, sets sorted, documents as their
    /// stored text. Snapshot number, ids of documents and origins are not part of it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn canonical_export(&self, mut out: impl Write) -> io::Result<()> {
        let out = &mut out;
        let accounts = self.accounts().map(|found| (found.id.as_str(), found.export(self)));
        let policies = self.aws_managed_policies().map(|found| (&*found.arn, found.export(self)));
        let endpoints = self.endpoints().map(|found| (&*found.id, found.export(self)));
        let organizations = self.organizations().map(|found| (&*found.id, found.export(self)));
        let resources = self.resources().map(|found| (&*found.arn, found.export(self)));
        out.write_all(b"{\"accounts\":")?;
        write_members(out, accounts)?;
        out.write_all(b",\"awsManagedPolicies\":")?;
        write_members(out, policies)?;
        out.write_all(b",\"endpoints\":")?;
        write_members(out, endpoints)?;
        out.write_all(b",\"organizations\":")?;
        write_members(out, organizations)?;
        out.write_all(b",\"resources\":")?;
        write_members(out, resources)?;
        out.write_all(b"}")
    }

    /// The digest of the canonical export, `sha256:` and 64 hexadecimal digits (F-86). It reads
    /// the whole snapshot, so ask once.
    ///
    /// ```
    /// let digest = assize_store::StoreSnapshot::empty().digest();
    /// assert!(digest.starts_with("sha256:") && digest.len() == 71);
    /// ```
    pub fn digest(&self) -> String {
        let mut hash = Hash(Sha256::new());
        // INVARIANT: hashing never fails, so neither does the export.
        self.canonical_export(&mut hash).expect("hashing does not fail");
        let mut digest = String::from("sha256:");
        for byte in hash.0.finalize() {
            let _ = write!(digest, "{byte:02x}");
        }
        digest
    }

    fn text(&self, id: PolicyId) -> Json {
        let text = self.document(id).and_then(|document| document.text.as_deref());
        text.map_or(Json::Absent, Json::text)
    }
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A JSON value on its way out.
#[derive(PartialEq)]
enum Json {
    /// A member of this value is left out.
    Absent,
    True,
    Number(u64),
    Text(Box<str>),
    List(Vec<Json>),
    /// Sorted by code point, which for UTF-8 is by byte.
    Object(BTreeMap<Box<str>, Json>),
}

impl Json {
    fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    fn optional(text: Option<&str>) -> Self {
        text.map_or(Self::Absent, Self::text)
    }

    fn flag(flag: bool) -> Self {
        if flag { Self::True } else { Self::Absent }
    }

    fn object<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let present = members.into_iter().filter(|(_, value)| !matches!(value, Self::Absent));
        Self::Object(present.map(|(name, value)| (name.into(), value)).collect())
    }

    /// A list whose order means nothing.
    fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_unstable();
        texts.dedup();
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            // Only members are left out, so this stands alone in a list of texts that is never.
            Self::Absent => out.write_all(b"null"),
            Self::True => out.write_all(b"true"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => write_text(out, text),
            Self::List(items) => {
                out.write_all(b"[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.write_all(b",")?;
                    }
                    item.write(out)?;
                }
                out.write_all(b"]")
            }
            Self::Object(members) => {
                out.write_all(b"{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    write_name(out, index, name)?;
                    value.write(out)?;
                }
                out.write_all(b"}")
            }
        }
    }
}

fn write_name(out: &mut impl Write, index: usize, name: &str) -> io::Result<()> {
    if index > 0 {
        out.write_all(b",")?;
    }
    write_text(out, name)?;
    out.write_all(b":")
}

/// An object whose members come sorted, one at a time.
fn write_members<'a>(
    out: &mut impl Write,
    members: impl Iterator<Item = (&'a str, Json)>,
) -> io::Result<()> {
    out.write_all(b"{")?;
    for (index, (name, value)) in members.enumerate() {
        write_name(out, index, name)?;
        value.write(out)?;
    }
    out.write_all(b"}")
}

/// A string with the escapes JSON demands and no others.
fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, from) = rest.split_at(at);
        out.write_all(plain.as_bytes())?;
        let mut chars = from.chars();
        match chars.next() {
            Some(c @ ('"' | '\\')) => write!(out, "\\{c}")?,
            Some(c) => write!(out, "\\u{:04x}", u32::from(c))?,
            None => {}
        }
        rest = chars.as_str();
    }
    out.write_all(rest.as_bytes())?;
    out.write_all(b"\"")
}

/// A fact that the canonical export shows.
trait Export {
    fn export(&self, snapshot: &StoreSnapshot) -> Json;
}

fn export_map<'a, T: Export + 'a>(
    snapshot: &StoreSnapshot,
    facts: impl IntoIterator<Item = (&'a str, &'a T)>,
) -> Json {
    Json::object(facts.into_iter().map(|(name, fact)| (name, fact.export(snapshot))))
}

fn named<T>(all: &BTreeMap<Box<str>, std::sync::Arc<T>>) -> impl Iterator<Item = (&str, &T)> {
    all.iter().map(|(name, fact)| (&**name, &**fact))
}

fn inline(snapshot: &StoreSnapshot, policies: &[InlinePolicy<PolicyId>]) -> Json {
    Json::object(policies.iter().map(|policy| (&*policy.name, snapshot.text(policy.document))))
}

fn tags(tags: &[Tag]) -> Json {
    Json::object(tags.iter().map(|tag| (&*tag.key, Json::text(&tag.value))))
}

fn arns(arns: &[std::sync::Arc<str>]) -> Json {
    Json::set(arns.iter().map(|arn| &**arn))
}

impl Export for Account<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        let external = match self.external {
            None => Json::Absent,
            Some(ExternalAccount::None) => Json::text("none"),
            Some(ExternalAccount::TrustIdentity) => Json::text("trustIdentity"),
        };
        Json::object([
            ("name", Json::optional(self.name.as_deref())),
            ("alias", Json::optional(self.alias.as_deref())),
            ("canonicalId", Json::optional(self.canonical_id.as_deref())),
            ("external", external),
            ("users", export_map(snapshot, named(&self.users))),
            ("groups", export_map(snapshot, named(&self.groups))),
            ("roles", export_map(snapshot, named(&self.roles))),
            ("policies", export_map(snapshot, named(&self.policies))),
            ("instanceProfiles", export_map(snapshot, named(&self.instance_profiles))),
            ("samlProviders", export_map(snapshot, named(&self.saml_providers))),
            ("oidcProviders", export_map(snapshot, named(&self.oidc_providers))),
            ("publicAccessBlock", public_access_block(self.public_access_block)),
        ])
    }
}

impl Export for User<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        Json::object([
            ("name", Json::text(&self.name)),
            ("path", Json::text(&self.path)),
            ("arn", Json::text(&self.arn)),
            ("uniqueId", Json::text(&self.unique_id)),
            ("created", Json::optional(self.created.as_deref())),
            ("inline", inline(snapshot, &self.inline)),
            ("attached", arns(&self.attached)),
            ("groups", Json::set(self.groups.iter().map(|group| &**group))),
            ("boundary", Json::optional(self.boundary.as_deref())),
            ("tags", tags(&self.tags)),
        ])
    }
}

impl Export for Group<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        Json::object([
            ("name", Json::text(&self.name)),
            ("path", Json::text(&self.path)),
            ("arn", Json::text(&self.arn)),
            ("uniqueId", Json::text(&self.unique_id)),
            ("created", Json::optional(self.created.as_deref())),
            ("inline", inline(snapshot, &self.inline)),
            ("attached", arns(&self.attached)),
        ])
    }
}

impl Export for Role<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        Json::object([
            ("name", Json::text(&self.name)),
            ("path", Json::text(&self.path)),
            ("arn", Json::text(&self.arn)),
            ("uniqueId", Json::text(&self.unique_id)),
            ("created", Json::optional(self.created.as_deref())),
            ("trust", self.trust.map_or(Json::Absent, |trust| snapshot.text(trust))),
            ("description", Json::optional(self.description.as_deref())),
            ("maxSessionDuration", Json::Number(self.max_session_seconds.into())),
            ("inline", inline(snapshot, &self.inline)),
            ("attached", arns(&self.attached)),
            ("boundary", Json::optional(self.boundary.as_deref())),
            ("tags", tags(&self.tags)),
        ])
    }
}

impl Export for ManagedPolicy<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        let version = |version: &crate::PolicyVersion<PolicyId>| {
            Json::object([
                ("id", Json::text(&version.id)),
                ("document", snapshot.text(version.document)),
                ("created", Json::optional(version.created.as_deref())),
            ])
        };
        let default = self.versions.get(self.default_version).map(|version| &*version.id);
        Json::object([
            ("arn", Json::text(&self.arn)),
            ("name", Json::text(&self.name)),
            ("path", Json::text(&self.path)),
            ("uniqueId", Json::optional(self.unique_id.as_deref())),
            ("versions", Json::List(self.versions.iter().map(version).collect())),
            ("defaultVersion", Json::optional(default)),
            ("created", Json::optional(self.created.as_deref())),
            ("description", Json::optional(self.description.as_deref())),
            ("tags", tags(&self.tags)),
        ])
    }
}

impl Export for InstanceProfile {
    fn export(&self, _: &StoreSnapshot) -> Json {
        Json::object([
            ("name", Json::text(&self.name)),
            ("path", Json::text(&self.path)),
            ("arn", Json::text(&self.arn)),
            ("uniqueId", Json::text(&self.unique_id)),
            ("role", Json::optional(self.role.as_deref())),
        ])
    }
}

impl Export for SamlProvider {
    fn export(&self, _: &StoreSnapshot) -> Json {
        Json::object([
            ("arn", Json::text(&self.arn)),
            ("metadata", Json::optional(self.metadata.as_deref())),
        ])
    }
}

impl Export for OidcProvider {
    fn export(&self, _: &StoreSnapshot) -> Json {
        Json::object([
            ("arn", Json::text(&self.arn)),
            ("clientIds", Json::set(self.client_ids.iter().map(|id| &**id))),
            ("thumbprints", Json::set(self.thumbprints.iter().map(|print| &**print))),
        ])
    }
}

impl Export for Organization<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        let types = [("SCP", self.scp_enabled), ("RCP", self.rcp_enabled)];
        let types = types.into_iter().filter(|(_, enabled)| *enabled).map(|(name, _)| name);
        let delegated = self.delegated_administrators.iter().map(|(service, accounts)| {
            (&**service, Json::set(accounts.iter().map(assize_model::AccountId::as_str)))
        });
        let nodes = self.nodes.iter().map(|(id, node)| (&**id, node));
        Json::object([
            ("id", Json::text(&self.id)),
            ("managementAccount", Json::text(self.management_account.as_str())),
            ("root", Json::text(&self.root_id)),
            ("policyTypes", Json::set(types)),
            ("delegatedAdministrators", Json::object(delegated)),
            ("policies", export_map(snapshot, named(&self.policies))),
            ("nodes", export_map(snapshot, nodes)),
        ])
    }
}

impl Export for OrganizationNode {
    fn export(&self, _: &StoreSnapshot) -> Json {
        Json::object([
            ("parent", Json::optional(self.parent.as_deref())),
            ("name", Json::optional(self.unit.as_ref().map(|unit| &*unit.name))),
            ("scps", Json::set(self.scps.iter().map(|id| &**id))),
            ("rcps", Json::set(self.rcps.iter().map(|id| &**id))),
        ])
    }
}

impl Export for OrganizationPolicy<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        Json::object([
            ("name", Json::text(&self.name)),
            ("arn", Json::optional(self.arn.as_deref())),
            ("type", Json::text(if self.resource_control { "RCP" } else { "SCP" })),
            ("awsManaged", Json::flag(self.aws_managed)),
            ("document", snapshot.text(self.document)),
        ])
    }
}

impl Export for Resource<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        // In order: the place of a policy is part of its name (E-101).
        let policies = self.policies.iter().map(|&policy| snapshot.text(policy)).collect();
        Json::object([
            ("arn", Json::text(&self.arn)),
            ("account", Json::text(self.account.as_str())),
            ("tags", self.tags.as_deref().map_or(Json::Absent, tags)),
            ("policy", Json::List(policies)),
            ("attributes", self.attributes.export(snapshot)),
        ])
    }
}

impl Export for ResourceAttributes {
    fn export(&self, _: &StoreSnapshot) -> Json {
        let origin = match &self.network_origin_vpc {
            None => Json::Absent,
            Some(vpc) => Json::object([("vpc", Json::optional(vpc.as_deref()))]),
        };
        let block = self.public_access_block.map_or(Json::Absent, public_access_block);
        Json::object([
            ("publicAccessBlock", block),
            ("kmsGrants", Json::List(self.kms_grants.iter().map(grant).collect())),
            ("managedByAws", Json::flag(self.managed_by_aws)),
            ("bucket", Json::optional(self.bucket.as_deref())),
            ("networkOrigin", origin),
            ("aliases", Json::set(self.aliases.iter().map(|alias| &**alias))),
            ("backupVault", Json::optional(self.backup_vault.as_deref())),
        ])
    }
}

impl Export for VpcEndpoint<PolicyId> {
    fn export(&self, snapshot: &StoreSnapshot) -> Json {
        let endpoint_type = match self.endpoint_type {
            EndpointType::Interface => "Interface",
            EndpointType::Gateway => "Gateway",
        };
        Json::object([
            ("account", Json::optional(self.account.as_ref().map(assize_model::AccountId::as_str))),
            ("vpc", Json::optional(self.vpc.as_deref())),
            ("vpcArn", Json::optional(self.vpc_arn.as_deref())),
            ("type", Json::text(endpoint_type)),
            ("service", Json::optional(self.service.as_deref())),
            ("policy", self.policy.map_or(Json::Absent, |policy| snapshot.text(policy))),
        ])
    }
}

fn public_access_block(block: PublicAccessBlock) -> Json {
    Json::object([
        ("blockPublicAcls", Json::flag(block.block_public_acls)),
        ("ignorePublicAcls", Json::flag(block.ignore_public_acls)),
        ("blockPublicPolicy", Json::flag(block.block_public_policy)),
        ("restrictPublicBuckets", Json::flag(block.restrict_public_buckets)),
    ])
}

/// The order of grants counts: a grant is named by its place (E-101).
fn grant(grant: &Grant) -> Json {
    let pairs = |pairs: &Option<assize_model::Tags<'_>>| {
        pairs.as_ref().map_or(Json::Absent, |pairs| {
            Json::object(pairs.iter().map(|(key, value)| (&**key, Json::text(value))))
        })
    };
    Json::object([
        ("grantee", Json::text(&grant.grantee)),
        ("retiringPrincipal", Json::optional(grant.retiring_principal.as_deref())),
        ("operations", Json::set(grant.operations.iter().map(|operation| &**operation))),
        ("encryptionContextEquals", pairs(&grant.encryption_context_equals)),
        ("encryptionContextSubset", pairs(&grant.encryption_context_subset)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_store_has_its_five_members() {
        let mut out = Vec::new();
        StoreSnapshot::empty().canonical_export(&mut out).expect("a vector takes everything");
        let text = r#"{"accounts":{},"awsManagedPolicies":{},"endpoints":{},"organizations":{},"resources":{}}"#;
        assert_eq!(String::from_utf8(out).expect("UTF-8"), text);
    }

    #[test]
    fn texts_have_the_escapes_they_need() {
        let mut out = Vec::new();
        write_text(&mut out, "a\"b\\c\n\u{1}é").expect("a vector takes everything");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), "\"a\\\"b\\\\c\\u000a\\u0001é\"");
    }
}
