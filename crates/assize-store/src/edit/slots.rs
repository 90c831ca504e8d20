//! Facts with their documents exchanged, each document with the place it is held at.
//!
//! One walk serves numbering (text to id), export (id to text) and collecting ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::{IdentityKind, Slot};
use crate::{
    Account, Group, InlinePolicy, ManagedPolicy, Organization, OrganizationPolicy, PolicyVersion,
    Resource, Role, User, VpcEndpoint,
};

/// Facts that hold documents.
pub(crate) trait Documents<P> {
    /// The same facts over another kind of document.
    type Mapped<Q>;

    /// Exchanges every document.
    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> Self::Mapped<Q>;
}

fn map_inline<P, Q>(
    kind: IdentityKind,
    name: &str,
    inline: Vec<InlinePolicy<P>>,
    f: &mut impl FnMut(Slot<'_>, P) -> Q,
) -> Vec<InlinePolicy<Q>> {
    let map = |policy: InlinePolicy<P>| {
        let slot = Slot::Inline { kind, name, policy: &policy.name };
        let document = f(slot, policy.document);
        InlinePolicy { name: policy.name, document }
    };
    inline.into_iter().map(map).collect()
}

impl<P> Documents<P> for User<P> {
    type Mapped<Q> = User<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> User<Q> {
        User {
            inline: map_inline(IdentityKind::User, &self.name, self.inline, f),
            name: self.name,
            path: self.path,
            arn: self.arn,
            unique_id: self.unique_id,
            created: self.created,
            attached: self.attached,
            groups: self.groups,
            boundary: self.boundary,
            tags: self.tags,
        }
    }
}

impl<P> Documents<P> for Group<P> {
    type Mapped<Q> = Group<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> Group<Q> {
        Group {
            inline: map_inline(IdentityKind::Group, &self.name, self.inline, f),
            name: self.name,
            path: self.path,
            arn: self.arn,
            unique_id: self.unique_id,
            created: self.created,
            attached: self.attached,
        }
    }
}

impl<P> Documents<P> for Role<P> {
    type Mapped<Q> = Role<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> Role<Q> {
        Role {
            trust: self.trust.map(|trust| f(Slot::Trust { role_arn: &self.arn }, trust)),
            inline: map_inline(IdentityKind::Role, &self.name, self.inline, f),
            name: self.name,
            path: self.path,
            arn: self.arn,
            unique_id: self.unique_id,
            created: self.created,
            description: self.description,
            max_session_seconds: self.max_session_seconds,
            attached: self.attached,
            boundary: self.boundary,
            tags: self.tags,
        }
    }
}

impl<P> Documents<P> for ManagedPolicy<P> {
    type Mapped<Q> = ManagedPolicy<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> ManagedPolicy<Q> {
        let map = |version: PolicyVersion<P>| PolicyVersion {
            document: f(Slot::Managed { arn: &self.arn }, version.document),
            id: version.id,
            created: version.created,
        };
        ManagedPolicy {
            versions: self.versions.into_iter().map(map).collect(),
            arn: self.arn,
            name: self.name,
            path: self.path,
            unique_id: self.unique_id,
            default_version: self.default_version,
            created: self.created,
            description: self.description,
            tags: self.tags,
        }
    }
}

fn map_all<P, T: Documents<P> + Clone, Q>(
    all: BTreeMap<Box<str>, Arc<T>>,
    f: &mut impl FnMut(Slot<'_>, P) -> Q,
) -> BTreeMap<Box<str>, Arc<T::Mapped<Q>>> {
    all.into_iter()
        .map(|(key, fact)| (key, Arc::new(Arc::unwrap_or_clone(fact).map_documents(f))))
        .collect()
}

impl<P: Clone> Documents<P> for Account<P> {
    type Mapped<Q> = Account<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> Account<Q> {
        Account {
            id: self.id,
            name: self.name,
            alias: self.alias,
            canonical_id: self.canonical_id,
            external: self.external,
            users: map_all(self.users, f),
            groups: map_all(self.groups, f),
            roles: map_all(self.roles, f),
            policies: map_all(self.policies, f),
            instance_profiles: self.instance_profiles,
            saml_providers: self.saml_providers,
            oidc_providers: self.oidc_providers,
            public_access_block: self.public_access_block,
        }
    }
}

impl<P: Clone> Documents<P> for Organization<P> {
    type Mapped<Q> = Organization<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> Organization<Q> {
        Organization {
            id: self.id,
            management_account: self.management_account,
            root_id: self.root_id,
            scp_enabled: self.scp_enabled,
            rcp_enabled: self.rcp_enabled,
            delegated_administrators: self.delegated_administrators,
            policies: map_all(self.policies, f),
            nodes: self.nodes,
        }
    }
}

impl<P> Documents<P> for OrganizationPolicy<P> {
    type Mapped<Q> = OrganizationPolicy<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> OrganizationPolicy<Q> {
        let slot = Slot::Organization { id: &self.id, resource_control: self.resource_control };
        OrganizationPolicy {
            document: f(slot, self.document),
            id: self.id,
            name: self.name,
            arn: self.arn,
            resource_control: self.resource_control,
            aws_managed: self.aws_managed,
        }
    }
}

impl<P> Documents<P> for Resource<P> {
    type Mapped<Q> = Resource<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> Resource<Q> {
        let map = |(position, policy)| f(Slot::Resource { arn: &self.arn, position }, policy);
        Resource {
            policies: self.policies.into_iter().enumerate().map(map).collect(),
            arn: self.arn,
            account: self.account,
            tags: self.tags,
            attributes: self.attributes,
        }
    }
}

impl<P> Documents<P> for VpcEndpoint<P> {
    type Mapped<Q> = VpcEndpoint<Q>;

    fn map_documents<Q>(self, f: &mut impl FnMut(Slot<'_>, P) -> Q) -> VpcEndpoint<Q> {
        let gateway = self.endpoint_type == crate::EndpointType::Gateway;
        VpcEndpoint {
            policy: self.policy.map(|policy| f(Slot::Endpoint { id: &self.id, gateway }, policy)),
            id: self.id,
            account: self.account,
            vpc: self.vpc,
            vpc_arn: self.vpc_arn,
            endpoint_type: self.endpoint_type,
            service: self.service,
        }
    }
}
