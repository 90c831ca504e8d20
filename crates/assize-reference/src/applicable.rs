//! Which documents stand in which layer (evaluation, section 2), read from the facts of the
//! snapshot.

use std::borrow::Cow;

use assize_catalog::ManagedPolicies;
use assize_model::{
    AccountId, InlinePrincipal, PolicyId, PolicyText, PolicyType, PrincipalKind as Kind,
};
use assize_policy::ir::Policy;
use assize_policy::{LoadMode, LoadOptions, load};
use assize_store::{Account, InlinePolicy, Organization, OrganizationNode, StoreSnapshot};

use crate::evaluate::check::Part;
use crate::evaluate::principal::{Standing, is_service_linked_role};
use crate::evaluate::{Case, World, resource};
use crate::service_rules::{kms, organizations, sts};

/// A document of a layer.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// Its name in statement references (E-101).
    pub(crate) reference: String,
    /// What it says; none for poison (E-112).
    pub(crate) policy: Option<Cow<'a, Policy>>,
    /// The document in the snapshot, unless it came with the request.
    pub(crate) id: Option<PolicyId>,
    /// The text of one that came with the request.
    pub(crate) text: Option<Box<str>>,
}

/// The documents of one node of a path (E-35).
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) id: &'a str,
    pub(crate) documents: Vec<Document<'a>>,
}

impl<'a> Document<'a> {
    /// A document of the snapshot, under a prefixed reference.
    fn held(world: &'a World<'a>, prefix: &str, id: PolicyId) -> Self {
        let reference = world.snapshot.document(id).map_or("", |document| &document.reference);
        let policy = world.library.get(id).and_then(|entry| entry.policy.as_ref());
        Self {
            reference: format!("{prefix}{reference}"),
            policy: policy.map(Cow::Borrowed),
            id: Some(id),
            text: None,
        }
    }

    /// A document that comes with the request.
    fn stated(reference: String, text: &PolicyText<'_>, options: &LoadOptions) -> Self {
        let policy = load(&text.0, options).policy;
        let text = Some(text.0.as_ref().into());
        Self { reference, policy: policy.map(Cow::Owned), id: None, text }
    }

    /// A reference that nothing resolves (I-44).
    fn unresolved(reference: String) -> Self {
        Self { reference, policy: None, id: None, text: None }
    }

    /// A managed policy by its ARN, in its default version (I-18): of the snapshot, else, for one
    /// that only a session names, of the library of AWS-managed policies (I-44).
    fn managed(world: &'a World<'a>, prefix: &str, arn: &str) -> Self {
        if let Some(id) = world.snapshot.managed_document(arn) {
            return Self::held(world, prefix, id);
        }
        let reference = format!("{prefix}{arn}");
        let bundled = ManagedPolicies::bundled().ok();
        match bundled.as_ref().and_then(|policies| policies.by_arn(arn)) {
            Some(policy) => {
                let options = LoadOptions::new(PolicyType::ManagedIdentity, LoadMode::Import);
                Self::stated(reference, &PolicyText(policy.document().into()), &options)
            }
            None => Self::unresolved(reference),
        }
    }
}

/// Prefix of boundaries in statement references (E-101).
const BOUNDARY: &str = "boundary:";
/// Prefix of session policies in statement references (E-101).
const SESSION: &str = "session:";

// ---- Identity, boundary, session ----

/// E-33, layer identity: none for the kinds that have no identity policies.
pub(crate) fn identity<'a>(case: &Case<'a>) -> Option<Vec<Document<'a>>> {
    let (world, caller) = (case.world, case.caller);
    if !matches!(caller.kind, Kind::User | Kind::RoleSession | Kind::FederatedUser) {
        return None;
    }
    if let Some(inline) = caller.inline {
        return Some(inline_identity(inline));
    }
    let mut documents = Vec::new();
    if let Some(role) = caller.role {
        documents.extend(own_and_attached(world, &role.inline, &role.attached));
    }
    if let Some(user) = caller.user {
        documents.extend(own_and_attached(world, &user.inline, &user.attached));
        let account = caller.account.and_then(|id| world.snapshot.account(id));
        for group in user.groups.iter().filter_map(|name| account?.groups.get(name)) {
            documents.extend(own_and_attached(world, &group.inline, &group.attached));
        }
    }
    documents.sort_by(|a, b| a.reference.cmp(&b.reference));
    documents.dedup_by(|a, b| a.reference == b.reference && a.id == b.id);
    Some(documents)
}

/// F-16: policies given on the spot.
fn inline_identity<'a>(inline: &InlinePrincipal<'_>) -> Vec<Document<'a>> {
    let options = LoadOptions::new(PolicyType::InlineIdentity, LoadMode::Import);
    let numbered = inline.policies.iter().enumerate();
    numbered
        .map(|(n, text)| Document::stated(format!("inline:given/{n}"), text, &options))
        .collect()
}

fn own_and_attached<'a>(
    world: &'a World<'a>,
    inline: &[InlinePolicy<PolicyId>],
    attached: &[std::sync::Arc<str>],
) -> Vec<Document<'a>> {
    let inline = inline.iter().map(|policy| Document::held(world, "", policy.document));
    let attached = attached.iter().map(|arn| Document::managed(world, "", arn));
    inline.chain(attached).collect()
}

/// E-33, layer boundary.
pub(crate) fn boundary<'a>(case: &Case<'a>) -> Option<Vec<Document<'a>>> {
    let caller = case.caller;
    if let Some(inline) = caller.inline {
        let text = inline.boundary.as_ref()?;
        let options = LoadOptions::new(PolicyType::PermissionsBoundary, LoadMode::Import);
        return Some(vec![Document::stated(format!("{BOUNDARY}given"), text, &options)]);
    }
    let of_user = caller.user.and_then(|user| user.boundary.as_deref());
    let of_role = caller.role.and_then(|role| role.boundary.as_deref());
    Some(vec![Document::managed(case.world, BOUNDARY, of_user.or(of_role)?)])
}

/// E-38: session policies; an empty set allows nothing. None: the layer is not applicable.
pub(crate) fn session<'a>(case: &Case<'a>) -> Option<Vec<Document<'a>>> {
    let (world, caller) = (case.world, case.caller);
    let session = &caller.session;
    let mut documents = Vec::new();
    if let Some(text) = &session.policy {
        let options = LoadOptions::new(PolicyType::Session, LoadMode::Import);
        documents.push(Document::stated(format!("{SESSION}inline"), text, &options));
    }
    let arns = session.policy_arns.iter().flatten().chain(&session.task_policy_arn);
    documents.extend(arns.map(|arn| {
        // of the caller's account or of AWS.
        let owner = assize_model::ArnParts::split(arn).and_then(|parts| parts.account_id());
        match owner {
            Some(owner) if caller.account != Some(owner) => {
                Document::unresolved(format!("{SESSION}{arn}"))
            }
            _ => Document::managed(world, SESSION, arn),
        }
    }));
    match caller.kind {
        // F-48.
        _ if caller.standing == Standing::Trusted => None,
        Kind::RoleSession if documents.is_empty() => None,
        Kind::RoleSession | Kind::FederatedUser | Kind::FederatedRoot | Kind::AssumedRoot => {
            Some(documents)
        }
        _ => None,
    }
}

// ---- Organizations ----

/// The organization of an account and the ids of the nodes from the root down to the account.
pub(crate) fn path(
    snapshot: &StoreSnapshot,
    account: AccountId,
) -> Option<(&Organization<PolicyId>, Vec<&str>)> {
    let organization = snapshot.organization_of(account)?;
    let mut nodes = Vec::new();
    let mut next = organization.nodes.get_key_value(account.as_str());
    while let Some((id, node)) = next {
        nodes.push(&**id);
        // The tree has no cycles (I-17); a path can hold no more nodes than there are.
        let parent = node.parent.as_deref().filter(|_| nodes.len() <= organization.nodes.len());
        next = parent.and_then(|parent| organization.nodes.get_key_value(parent));
    }
    nodes.reverse();
    Some((organization, nodes))
}

/// The documents on each node of an account's path.
fn on_path<'a>(
    world: &'a World<'a>,
    account: AccountId,
    prefix: &str,
    attached: fn(&OrganizationNode) -> &[Box<str>],
) -> Option<Vec<Node<'a>>> {
    let (organization, path) = path(world.snapshot, account)?;
    let node = |id: &'a str| {
        let ids = organization.nodes.get(id).map_or(&[][..], attached);
        let documents = ids.iter().map(|id| match organization.policies.get(id) {
            Some(policy) => Document::held(world, "", policy.document),
            None => Document::unresolved(format!("{prefix}{id}")),
        });
        Node { id, documents: documents.collect() }
    };
    Some(path.into_iter().map(node).collect())
}

/// E-31, E-35.
pub(crate) fn scp<'a>(case: &Case<'a>) -> Option<Vec<Node<'a>>> {
    let account = case.caller.account?;
    let organization = case.world.snapshot.organization_of(account)?;
    let exempt = !organization.scp_enabled
        || organization.management_account == account
        || case.caller.is_service_linked();
    if exempt { None } else { on_path(case.world, account, "scp:", |node| &node.scps) }
}

/// E-30, E-36, E-93.
pub(crate) fn rcp<'a>(case: &Case<'a>) -> Option<Vec<Node<'a>>> {
    let (world, check) = (case.world, case.check);
    let account = check.account?;
    let organization = world.snapshot.organization_of(account)?;
    let service = &check.action.service;
    let covered = match &world.options.rcp_services {
        Some(services) => services.iter().any(|own| own.eq_ignore_ascii_case(service)),
        None => world.catalog.supports_rcp(service),
    };
    let service_assumes_its_role = case.caller.kind == Kind::Service
        && sts::assumes_role(check)
        && is_service_linked_role(&check.resource);
    let exempt = !organization.rcp_enabled
        || organization.management_account == account
        || case.caller.is_service_linked()
        || service_assumes_its_role
        || kms::is_managed_by_aws(case)
        || check.action.is("kms", &["retiregrant"]);
    if exempt || !covered { None } else { on_path(world, account, "rcp:", |node| &node.rcps) }
}

// ---- VPC endpoint ----

/// What stands in the layer vpce.
#[derive(Debug)]
pub(crate) enum EndpointLayer<'a> {
    /// The request came through no endpoint, or to a service that ignores endpoint policies.
    NotApplicable,
    /// An endpoint without a policy allows everything.
    Open,
    /// An endpoint policy.
    Policy(Document<'a>),
}

/// E-32, E-98.
pub(crate) fn endpoint<'a>(case: &Case<'a>) -> EndpointLayer<'a> {
    let Some(entry) = case.known.get("aws:sourcevpce") else {
        return EndpointLayer::NotApplicable;
    };
    if !case.world.catalog.supports_endpoint_policy(&case.check.action.service) {
        return EndpointLayer::NotApplicable;
    }
    let record = match &entry.value {
        assize_model::ContextValue::Single(id) => case.world.snapshot.endpoint(id),
        _ => None,
    };
    match record.and_then(|record| record.policy) {
        Some(id) => EndpointLayer::Policy(Document::held(case.world, "", id)),
        None => EndpointLayer::Open,
    }
}

// ---- Resource ----

/// E-33, E-48: the resource-based policies of the check's resource. None: it has none, and the
/// layer is not applicable.
pub(crate) fn resource_based<'a>(case: &Case<'a>) -> Option<Vec<Document<'a>>> {
    let check = case.check;
    if check.action.service == "iam" || sts::is_assume_root(check) {
        // E-94, E-95: the trust policy plays no part, and there is no other.
        return None;
    }
    if check.action.service == "es" && !check.action.name.starts_with("es") {
        // The policy of a search domain is about what is asked of its cluster, not of the domain.
        return None;
    }
    let replaces = check
        .action
        .is("codeartifact", &["putdomainpermissionspolicy", "putrepositorypermissionspolicy"]);
    if let Some(texts) = check.data.policy.as_ref().filter(|_| !replaces) {
        return (!texts.is_empty()).then(|| stated_policies(case, texts));
    }
    if sts::assumes_role(check) {
        return trust_policy(case);
    }
    if check.part == Part::UnknownBucket {
        return None;
    }
    let snapshot = case.world.snapshot;
    let mut records = resource::records(snapshot, &check.resource);
    records.extend(organizations::asked(case).and_then(|arn| snapshot.resource(&arn)));
    // The vault of a recovery point, whose ARN does not tell it.
    let vault = records.first().and_then(|record| record.attributes.backup_vault.as_deref());
    records.extend(vault.and_then(|vault| snapshot.resource(vault)));
    let parts = assize_model::ArnParts::split(&check.resource);
    let is_of = |service: &str| parts.is_some_and(|parts| parts.service == service);
    let is_stream = is_of("dynamodb") && check.resource.contains("/stream/");
    if is_stream || is_of("lambda") {
        // The policies of streams, and of versions and aliases of functions, are their own.
        records.retain(|record| *record.arn == *check.resource);
    }
    if replaces {
        // Whoever puts a policy is not asked about the one that it replaces.
        records.retain(|record| *record.arn != *check.resource);
    }
    records.retain(|record| !record.policies.is_empty());
    // What is in a bucket has policies beside that of its bucket or access point, never in its
    // place (E-84, E-85), and a repository beside that of its domain.
    if !["s3", "s3tables", "codeartifact"].into_iter().any(is_of) {
        records.truncate(1);
    }
    let policies = records.into_iter().flat_map(|record| &record.policies);
    let held: Vec<_> = policies.map(|id| Document::held(case.world, "", *id)).collect();
    (!held.is_empty()).then_some(held)
}

/// Policies that the request states in place of the snapshot's.
fn stated_policies<'a>(case: &Case<'a>, texts: &[PolicyText<'_>]) -> Vec<Document<'a>> {
    let arn = &case.check.resource;
    let options = if sts::assumes_role(case.check) {
        LoadOptions::new(PolicyType::RoleTrust, LoadMode::Import)
    } else {
        let options = LoadOptions::new(PolicyType::ResourceBased, LoadMode::Import);
        options.with_service(&case.check.action.service).with_resource(arn)
    };
    let numbered = texts.iter().enumerate();
    numbered
        .map(|(n, text)| Document::stated(format!("resource:{arn}#{n}"), text, &options))
        .collect()
}

/// E-88: the trust policy of the role.
fn trust_policy<'a>(case: &Case<'a>) -> Option<Vec<Document<'a>>> {
    let arn = &*case.check.resource;
    let account = assize_model::ArnParts::split(arn)?.account_id()?;
    let account: &Account<PolicyId> = case.world.snapshot.account(account)?;
    let role = account.roles.values().find(|role| *role.arn == *arn)?;
    Some(vec![Document::held(case.world, "", role.trust?)])
}
