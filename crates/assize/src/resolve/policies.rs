//! Policies that come with a request: session policies, inline principals, resource policies in
//! resource data, KMS grants. They form sets of their own in the overlay, above the shared
//! tables.

use std::sync::Arc;

use assize_compiler::{DocumentRef, DocumentSource, IdentityLayer, SessionLayer, SetRef};
use assize_model::{
    AccountId, ArnParts, ConditionKey, Effect, InlinePrincipal, KmsGrant, PolicyId, PolicyText,
    PolicyType, PrincipalForm, PrincipalKind, RequestError, RequestErrorKind, ResourceData,
    StatedPrincipal,
};
use assize_policy::ir::{
    ActionElement, ActionPattern, Condition, ConditionOperator, Operand, Piece, Policy,
    PrincipalElement, PrincipalPattern, ResourceElement, ResourcePattern, SetQualifier, Statement,
};
use assize_policy::value::parse_decimal;
use assize_policy::{LoadMode, LoadOptions, load};
use assize_store::{ManagedPolicySource, Resource};
use hashbrown::HashMap;

use super::Resolver;
use super::principal::{ResolvedPrincipal, Who};
use super::resource::Attached;
use crate::batch::NamedStatement;

/// One document of a layer, in the order of the layer's set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentHandle {
    /// A document of the snapshot, and the position of its node in a path.
    Stored {
        /// The document.
        policy: PolicyId,
        /// The node.
        node: u16,
    },
    /// A document that came with a request.
    Given(u32),
}

/// A document that came with a request.
#[derive(Debug)]
pub(crate) struct GivenDocument {
    /// Its reference by E-101.
    pub(crate) reference: Box<str>,
    /// A grant has no statement index (E-101).
    pub(crate) is_grant: bool,
    policy: Given,
}

/// Where the policy of a document is.
#[derive(Debug)]
enum Given {
    /// In the library: a managed policy passed to a session.
    Stored(PolicyId),
    /// With the request; none if it does not load.
    Own(Option<Arc<Policy>>),
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(super) fn over_limit(error: assize_compiler::Error) -> RequestError {
    RequestError::new(RequestErrorKind::Limit, error.to_string())
}

/// The documents that came with requests, each distinct text lowered once.
#[derive(Debug, Default)]
pub(super) struct GivenPolicies {
    documents: Vec<GivenDocument>,
    loaded: HashMap<(Box<str>, LoadKey), Loaded>,
    sets: HashMap<Vec<(Box<str>, Member)>, GivenSet>,
    /// Documents of the snapshot that no set of the tables holds.
    stored: HashMap<PolicyId, DocumentRef>,
    /// References of documents that option `skipInvalidPolicies` dropped from a set that is being
    /// made; whoever makes it takes them.
    pub(super) skipped: Vec<Box<str>>,
}

/// A set, and its documents in order.
type GivenSet = (SetRef, Vec<DocumentHandle>);

/// A member of a set, its reference and, if it came with the request, its policy.
type NamedMember = (Box<str>, Member, Option<Arc<Policy>>);

/// What a text was loaded as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LoadKey {
    policy_type: PolicyType,
    /// The service and the ARN of the resource that the document stands by.
    resource: Option<(Box<str>, Option<Box<str>>)>,
}

#[derive(Debug, Clone)]
struct Loaded {
    policy: Option<Arc<Policy>>,
    document: DocumentRef,
}

/// A member of a set that is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Member {
    Stored(PolicyId),
    Given(DocumentRef),
}

impl GivenPolicies {
    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    pub(super) fn document(&self, index: u32) -> Option<&GivenDocument> {
        self.documents.get(index as usize)
    }
}

impl Resolver<'_> {
    /// The policy of a document that came with a request, when it loads.
    pub(crate) fn given_policy(&self, index: u32) -> Option<&Policy> {
        match &self.given.document(index)?.policy {
            Given::Own(policy) => policy.as_deref(),
            Given::Stored(id) => self.engine.library.get(*id)?.policy.as_ref(),
        }
    }

    /// The document of the snapshot that a request named.
    pub(super) fn given_id(&self, index: u32) -> Option<PolicyId> {
        match self.given.document(index)?.policy {
            Given::Stored(id) => Some(id),
            Given::Own(_) => None,
        }
    }

    fn load_given(
        &mut self,
        text: &str,
        policy_type: PolicyType,
        resource: Option<(&str, &str)>,
    ) -> Result<Loaded, RequestError> {
        // What a document says hangs on the ARN of APIs alone (L-231).
        let resource = resource.map(|(service, arn)| {
            let api = (service == "execute-api").then(|| arn.into());
            (service.into(), api)
        });
        let key = LoadKey { policy_type, resource };
        if let Some(loaded) = self.given.loaded.get(&(Box::from(text), key.clone())) {
            return Ok(loaded.clone());
        }
        let mut options = LoadOptions::new(policy_type, LoadMode::Import);
        if let Some((service, api)) = &key.resource {
            options = options.with_service(service);
            options = api.iter().fold(options, |options, arn| options.with_resource(arn));
        }
        let policy = load(text, &options).policy.map(Arc::new);
        let source = policy.clone().map_or(DocumentSource::Poison, DocumentSource::Policy);
        let document = self.overlay_document(source)?;
        let loaded = Loaded { policy, document };
        self.given.loaded.insert((text.into(), key), loaded.clone());
        Ok(loaded)
    }

    pub(super) fn overlay_document(
        &mut self,
        source: DocumentSource,
    ) -> Result<DocumentRef, RequestError> {
        let engine = self.engine;
        self.overlay.add_policy(&engine.tables, &engine.catalog, source).map_err(over_limit)
    }

    /// A document of the snapshot: of the tables when a set of theirs holds it.
    fn stored_document(&mut self, policy: PolicyId) -> Result<DocumentRef, RequestError> {
        let engine = self.engine;
        if let Some(document) = engine.tables.document(policy) {
            return Ok(document);
        }
        if let Some(document) = self.given.stored.get(&policy) {
            return Ok(*document);
        }
        let source = match engine.library.get(policy) {
            Some(entry) => DocumentSource::Entry(Arc::clone(entry)),
            None => DocumentSource::Poison,
        };
        let document = self.overlay_document(source)?;
        self.given.stored.insert(policy, document);
        Ok(document)
    }

    /// A set of documents in the order of their references (E-102), and their handles.
    fn make_set(
        &mut self,
        mut members: Vec<NamedMember>,
        is_grant: bool,
    ) -> Result<GivenSet, RequestError> {
        if self.engine.options.skip_invalid_policies {
            let skipped = &mut self.given.skipped;
            members.retain(|(reference, member, policy)| {
                let loads = match member {
                    Member::Stored(id) => !self.engine.is_poison(*id),
                    Member::Given(_) => policy.is_some(),
                };
                if !loads {
                    skipped.push(reference.clone());
                }
                loads
            });
        }
        members.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let key: Vec<(Box<str>, Member)> =
            members.iter().map(|(reference, member, _)| (reference.clone(), *member)).collect();
        if let Some((set, documents)) = self.given.sets.get(&key) {
            return Ok((*set, documents.clone()));
        }
        let mut of_set = Vec::with_capacity(members.len());
        for (_, member, _) in &members {
            of_set.push(match member {
                Member::Stored(policy) => self.stored_document(*policy)?,
                Member::Given(document) => *document,
            });
        }
        let set = self.overlay.add_set(&self.engine.tables, &of_set).map_err(over_limit)?;
        let mut documents = Vec::with_capacity(members.len());
        for (reference, member, policy) in members {
            let policy = match member {
                Member::Stored(id) => Given::Stored(id),
                Member::Given(_) => Given::Own(policy),
            };
            // INVARIANT: fewer than `MAX_GIVEN_DOCUMENTS` and those of one chunk.
            let index = u32::try_from(self.given.documents.len()).unwrap_or(u32::MAX);
            self.given.documents.push(GivenDocument { reference, is_grant, policy });
            documents.push(DocumentHandle::Given(index));
        }
        self.given.sets.insert(key, (set, documents.clone()));
        Ok((set, documents))
    }

    /// `inline`: identity policies and boundary given on the spot (F-16).
    pub(super) fn inline_layers(
        &mut self,
        inline: &InlinePrincipal<'_>,
        resolved: &mut ResolvedPrincipal,
    ) -> Result<(), RequestError> {
        let mut members = Vec::new();
        for (number, text) in inline.policies.iter().enumerate() {
            let loaded = self.load_given(&text.0, PolicyType::InlineIdentity, None)?;
            let reference = format!("inline:given/{number}").into();
            members.push((reference, Member::Given(loaded.document), loaded.policy));
        }
        let (set, documents) = self.make_set(members, false)?;
        resolved.identity = IdentityLayer::Set(set);
        resolved.identity_documents = documents;
        resolved.has_boundary = inline.boundary.is_some();
        if let Some(text) = &inline.boundary {
            let loaded = self.load_given(&text.0, PolicyType::PermissionsBoundary, None)?;
            let member = ("boundary:given".into(), Member::Given(loaded.document), loaded.policy);
            let (set, documents) = self.make_set(vec![member], false)?;
            // A boundary that is skipped is none (E-112).
            resolved.boundary = (!documents.is_empty()).then_some(set);
            resolved.boundary_documents = documents;
        }
        Ok(())
    }

    /// E-38: inline and managed session policies form one set.
    pub(super) fn session_layer(
        &mut self,
        stated: &StatedPrincipal<'_>,
        who: &Who<'_>,
        resolved: &mut ResolvedPrincipal,
    ) -> Result<(), RequestError> {
        let session = stated.session.as_ref();
        let mut members = Vec::new();
        if let Some(text) = session.and_then(|s| s.policy.as_ref()) {
            let loaded = self.load_given(&text.0, PolicyType::Session, None)?;
            members.push(("session:inline".into(), Member::Given(loaded.document), loaded.policy));
        }
        let arns = session.and_then(|s| s.policy_arns.as_deref()).unwrap_or_default();
        let task = session.and_then(|s| s.task_policy_arn.as_ref());
        for arn in arns.iter().chain(task) {
            members.push(self.managed_member(arn, who.account)?);
        }
        let passed = !members.is_empty();
        resolved.session = match who.kind {
            PrincipalKind::RoleSession if !passed => SessionLayer::NotApplicable,
            PrincipalKind::FederatedUser
            | PrincipalKind::FederatedRoot
            | PrincipalKind::AssumedRoot
                if !passed =>
            {
                SessionLayer::Empty
            }
            PrincipalKind::RoleSession
            | PrincipalKind::FederatedUser
            | PrincipalKind::FederatedRoot
            | PrincipalKind::AssumedRoot => {
                let (set, documents) = self.make_set(members, false)?;
                resolved.session_documents = documents;
                if who.kind == PrincipalKind::AssumedRoot {
                    SessionLayer::Task(set)
                } else {
                    SessionLayer::Set(set)
                }
            }
            _ => SessionLayer::NotApplicable,
        };
        Ok(())
    }

    /// A managed session policy: of the caller's account in the snapshot, else of the AWS-managed
    /// ones there or bundled, else poison (A-51, E-112, I-44).
    fn managed_member(
        &mut self,
        arn: &str,
        account: Option<AccountId>,
    ) -> Result<NamedMember, RequestError> {
        let reference = format!("session:{arn}").into();
        let owner = ArnParts::split(arn).and_then(|parts| parts.account_id());
        let is_own = owner.is_none_or(|owner| account == Some(owner));
        let held = self.engine.snapshot.managed_document(arn).filter(|_| is_own);
        let loads = |id: &PolicyId| {
            self.engine.snapshot.document(*id).is_some_and(|document| document.text.is_some())
        };
        if let Some(id) = held.filter(loads) {
            return Ok((reference, Member::Stored(id), None));
        }
        let text = self.engine.managed.document(arn).map(|(text, _)| text);
        // The empty text is no JSON, hence poison.
        let text = text.as_deref().unwrap_or_default();
        let loaded = self.load_given(text, PolicyType::ManagedIdentity, None)?;
        Ok((reference, Member::Given(loaded.document), loaded.policy))
    }

    /// `resourceData.policy`.
    pub(super) fn given_resource_policies(
        &mut self,
        texts: &[PolicyText<'_>],
        arn: &str,
        service: &str,
        as_trust: bool,
    ) -> Result<GivenSet, RequestError> {
        let mut members = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let loaded = if as_trust {
                self.load_given(&text.0, PolicyType::RoleTrust, None)?
            } else {
                self.load_given(&text.0, PolicyType::ResourceBased, Some((service, arn)))?
            };
            let reference = format!("resource:{arn}#{number}").into();
            members.push((reference, Member::Given(loaded.document), loaded.policy));
        }
        self.make_set(members, false)
    }

    /// E-81: each grant as an Allow statement.
    pub(super) fn resource_grants(
        &mut self,
        arn: &str,
        data: &ResourceData<'_>,
        record: Option<&Resource<PolicyId>>,
        attached: &mut Attached,
    ) -> Result<(), RequestError> {
        let stored = record.map(|r| &r.attributes.kms_grants[..]).unwrap_or_default();
        let policies: Vec<Policy> = match &data.kms_grants {
            Some(grants) => grants.iter().map(grant_policy).collect(),
            None => stored.iter().map(grant_policy).collect(),
        };
        if policies.is_empty() {
            return Ok(());
        }
        let mut members = Vec::new();
        for (number, policy) in policies.into_iter().enumerate() {
            let policy = Arc::new(policy);
            let document = self.overlay_document(DocumentSource::Policy(Arc::clone(&policy)))?;
            let policy = Some(policy);
            let reference = format!("grant:{arn}#{number}").into();
            members.push((reference, Member::Given(document), policy));
        }
        let (set, documents) = self.make_set(members, true)?;
        attached.grants = Some(set);
        attached.grant_documents = documents;
        Ok(())
    }

    /// The reference of a document, and what else names one of its statements (E-101).
    pub(crate) fn named<'r>(
        &'r self,
        handle: DocumentHandle,
        statement: Option<u16>,
        prefix: &'static str,
        nodes: &'r [Box<str>],
    ) -> NamedStatement<'r> {
        match handle {
            DocumentHandle::Stored { policy, node } => {
                let node = nodes.get(usize::from(node)).map(AsRef::as_ref);
                self.engine.stored_statement(policy, statement, prefix, node)
            }
            DocumentHandle::Given(index) => {
                let Some(given) = self.given.document(index) else {
                    return NamedStatement::default();
                };
                let facts = self
                    .given_policy(index)
                    .zip(statement)
                    .and_then(|(policy, at)| policy.statements.get(usize::from(at)));
                NamedStatement {
                    reference: &given.reference,
                    statement: statement.filter(|_| !given.is_grant).map(u32::from),
                    sid: facts.and_then(|s| s.sid.as_deref()),
                    effect: facts.map(|s| s.effect),
                    ..NamedStatement::default()
                }
            }
        }
    }
}

/// A grant as a policy: its grantee may do its operations, under its constraint if they take an
/// encryption context; the retiring principal and the grantee may retire it when the grant lists
/// `RetireGrant`. Operations are names, in which no character is a wildcard.
fn grant_policy(grant: &KmsGrant<'_>) -> Policy {
    let (free, constrained): (Vec<&str>, Vec<&str>) = grant
        .operations
        .iter()
        .map(AsRef::as_ref)
        .filter(|operation: &&str| !operation.contains(['*', '?']))
        .partition(|operation| UNCONSTRAINED.iter().any(|own| operation.eq_ignore_ascii_case(own)));
    let mut statements = vec![grant_statement(&grant.grantee, &constrained, constraint(grant))];
    if !free.is_empty() {
        statements.push(grant_statement(&grant.grantee, &free, Vec::new()));
    }
    if let Some(retiring) = &grant.retiring_principal {
        statements.push(grant_statement(retiring, &[RETIRE_GRANT], Vec::new()));
    }
    Policy { policy_type: PolicyType::ResourceBased, statements }
}

const RETIRE_GRANT: &str = "RetireGrant";
/// The operations of a grant that its constraint does not apply to.
const UNCONSTRAINED: [&str; 2] = [RETIRE_GRANT, "DescribeKey"];

fn grant_statement(grantee: &str, operations: &[&str], conditions: Vec<Condition>) -> Statement {
    let pattern = |operation: &&str| ActionPattern::Named {
        vendor: "kms".into(),
        name: operation.to_ascii_lowercase().into(),
    };
    Statement {
        sid: None,
        effect: Effect::Allow,
        principal: PrincipalElement::Principal(vec![grantee_pattern(grantee)]),
        action: ActionElement {
            negated: false,
            patterns: operations.iter().map(pattern).collect(),
        },
        resource: ResourceElement::Resource(vec![ResourcePattern::Any]),
        conditions,
    }
}

/// The grantee at the strength its ARN has by E-40.
fn grantee_pattern(grantee: &str) -> PrincipalPattern {
    match PrincipalForm::parse(grantee) {
        Ok(PrincipalForm::User { .. }) => PrincipalPattern::User(grantee.into()),
        Ok(PrincipalForm::Role { .. }) => PrincipalPattern::Role(grantee.into()),
        Ok(PrincipalForm::AssumedRole { .. }) => PrincipalPattern::RoleSession(grantee.into()),
        Ok(PrincipalForm::FederatedUser { .. }) => PrincipalPattern::FederatedUser(grantee.into()),
        Ok(PrincipalForm::Root { partition, account }) => {
            PrincipalPattern::Account { partition: Some(partition.into()), account }
        }
        Ok(PrincipalForm::Service(name)) => PrincipalPattern::Service(name.into()),
        _ => PrincipalPattern::Nobody,
    }
}

/// A key of our own: how many keys of the encryption context the request has. No request can name
/// it, for it begins with a character that [`Resolver`] gives no column.
pub(super) const N_ENCRYPTION_CONTEXT_KEYS: &str = "\0assize:encryptioncontextkeys";

/// The encryption-context constraint of a grant as condition tests.
fn constraint(grant: &KmsGrant<'_>) -> Vec<Condition> {
    let equals = grant.encryption_context_equals.as_deref();
    let subset = grant.encryption_context_subset.as_deref();
    let mut conditions = Vec::new();
    for (key, value) in equals.into_iter().chain(subset).flatten() {
        conditions.push(Condition {
            qualifier: None,
            operator: ConditionOperator::StringEquals,
            if_exists: false,
            key: ConditionKey::new(&format!("kms:EncryptionContext:{key}")),
            operand: Operand::Text(vec![Some(literal(value))]),
            unread: Box::default(),
        });
    }
    if let Some(pairs) = equals {
        // No other pair than these. The request may name more of them than it shows the values
        // of, and in partial context nobody knows of others unless it names them all.
        let names = pairs.iter().map(|(key, _)| Some(literal(key)));
        conditions.push(Condition {
            qualifier: Some(SetQualifier::ForAllValues),
            operator: ConditionOperator::StringEquals,
            if_exists: false,
            key: ConditionKey::new("kms:EncryptionContextKeys"),
            operand: Operand::Text(names.collect()),
            unread: Box::default(),
        });
        conditions.push(Condition {
            qualifier: None,
            operator: ConditionOperator::NumericLessThanEquals,
            if_exists: false,
            key: ConditionKey::new(N_ENCRYPTION_CONTEXT_KEYS),
            operand: Operand::Number(vec![parse_decimal(&pairs.len().to_string())]),
            unread: Box::default(),
        });
    }
    conditions
}

fn literal(text: &str) -> Vec<Piece> {
    if text.is_empty() { Vec::new() } else { vec![Piece::Literal(text.into())] }
}
