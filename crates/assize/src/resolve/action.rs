//! What is known of an action before any request names a resource: its place in the catalog and
//! the service rules that look at its name.

use assize_catalog::{AccessLevel, Catalog, WildcardForm};
use assize_compiler::ActionRef;
use assize_model::{ActionId, EngineOptions, RequestError, RequestErrorKind, split_action};

use super::target::BOUNDARY;
use super::{Resolver, next_index};

/// An action of the batch.
#[derive(Debug)]
pub(crate) struct ResolvedAction {
    /// In the catalog's spelling when it knows the action (E-4).
    pub(crate) text: Box<str>,
    /// Service prefix in lower case.
    pub(crate) service: Box<str>,
    /// Name in lower case.
    pub(crate) name: Box<str>,
    pub(crate) id: Option<ActionId>,
    pub(crate) column: ActionRef,
    /// The catalog gives it no resource types (E-6).
    pub(crate) wildcard_only: bool,
    pub(crate) rule: ActionRule,
    /// RCPs cover the service and this action (E-36).
    pub(crate) rcp_covered: bool,
    /// The service takes endpoint policies (E-98).
    pub(crate) endpoint_covered: bool,
    /// The account keys of the resource are absent (L-704).
    pub(crate) no_account_keys: bool,
    /// E-55: no resource-based policy allows it to other accounts.
    pub(crate) own_account_only: bool,
    /// E-55: no resource-based policy allows it to anyone.
    pub(crate) identity_only: bool,
    /// E-55: identity and resource must both allow it, within one account too.
    pub(crate) needs_both_sides: bool,
    /// The catalog says that it changes nothing.
    pub(crate) reads: bool,
    /// Its requests may be plain: no rule looks closer at them than at their frames.
    pub(crate) is_plain: bool,
    /// It takes no resource, and something else than `*` stands for that (E-6).
    pub(crate) takes_form: bool,
    /// It is asked about the boundary that its target has (E-97).
    pub(crate) asks_target_boundary: bool,
    /// What the names of keys that carry tags of its requests begin with, beside
    /// `aws:RequestTag/`, and the keys that list these tags, beside `aws:TagKeys` (E-21).
    pub(crate) request_tags: Box<[Box<str>]>,
    pub(crate) tag_lists: Box<[Box<str>]>,
    /// What it creates has the tags of the request (E-20).
    pub(crate) creates_with_tags: bool,
    /// The number of its class: actions of one class have the same frames for the same resources.
    pub(crate) class: u32,
}

/// The service rule an action falls under (evaluation, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ActionRule {
    /// None.
    Plain,
    /// E-70.
    GetCallerIdentity,
    /// E-71.
    GetSessionToken,
    /// E-71.
    GetFederationToken,
    /// E-88, E-90: `sts:AssumeRole`.
    AssumeRole,
    /// E-88, E-92: `sts:AssumeRoleWithSAML` and `sts:AssumeRoleWithWebIdentity`.
    AssumeRoleFederated,
    /// E-88: `sts:TagSession` and `sts:SetSourceIdentity`.
    SessionExtra,
    /// E-88: `sts:SetContext`.
    SetContext,
    /// E-94.
    AssumeRoot,
    /// Any other action of `sts`.
    OtherSts,
    /// E-96.
    PassRole,
    /// E-74: changes an AWS-managed policy.
    ChangesManagedPolicy,
    /// E-74: changes a service-linked role.
    ChangesServiceLinkedRole,
    /// E-7: on the credentials of a user, which the root user takes on its own.
    UserCredentials,
    /// Any other action of `iam`.
    OtherIam,
    /// E-82: `kms:CreateAlias`, `UpdateAlias`, `DeleteAlias`.
    KmsAlias,
    /// E-36, E-81.
    KmsRetireGrant,
    /// Any other action of `kms`.
    OtherKms,
    /// E-83: reads or changes a bucket policy.
    BucketPolicy,
    /// E-84: always decided with the bucket's account.
    PutObject,
    /// Any other action of `s3`.
    OtherS3,
    /// E-83 for the queue policy.
    QueueAttributes,
    /// E-99.
    Organizations(OrganizationCall),
    /// E-33: puts a policy of CodeArtifact in the place of one that is not asked about it.
    ReplacesPolicy,
    /// L-704: on a bus of another account the keys of that account are absent.
    PutEvents,
    /// E-33: on a search domain, not on its cluster, of which alone its policy is.
    SearchDomain,
}

/// What an action of AWS Organizations asks for (E-99).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OrganizationCall {
    /// Any account may call it, naming nothing.
    OfAny,
    /// The account that received a handshake may call it.
    OfInvited,
    /// `organizations:DescribeEffectivePolicy`, of the caller's account or another.
    EffectivePolicy,
    /// Of those who manage the organization.
    OfManagement,
    /// Of AWS Account Management, about an account of the organization.
    OfAccount,
}

impl OrganizationCall {
    /// What an action asks for, by its name in lower case.
    fn of(name: &str) -> Self {
        match name {
            "createorganization"
            | "describeorganization"
            | "leaveorganization"
            | "listhandshakesforaccount" => Self::OfAny,
            "accepthandshake" | "declinehandshake" | "describehandshake" => Self::OfInvited,
            "describeeffectivepolicy" => Self::EffectivePolicy,
            _ => Self::OfManagement,
        }
    }
}

impl ActionRule {
    /// The rule of an action, by its names in lower case.
    fn of(service: &str, name: &str) -> Self {
        match service {
            "sts" => Self::of_sts(name),
            "iam" => Self::of_iam(name),
            "kms" => match name {
                "createalias" | "updatealias" | "deletealias" => Self::KmsAlias,
                "retiregrant" => Self::KmsRetireGrant,
                _ => Self::OtherKms,
            },
            "s3" => match name {
                "getbucketpolicy" | "putbucketpolicy" | "deletebucketpolicy" => Self::BucketPolicy,
                "putobject" => Self::PutObject,
                _ => Self::OtherS3,
            },
            "organizations" => Self::Organizations(OrganizationCall::of(name)),
            "account" => Self::Organizations(OrganizationCall::OfAccount),
            "es" if !name.starts_with("es") => Self::SearchDomain,
            "codeartifact"
                if matches!(
                    name,
                    "putdomainpermissionspolicy" | "putrepositorypermissionspolicy"
                ) =>
            {
                Self::ReplacesPolicy
            }
            "events" if name == "putevents" => Self::PutEvents,
            "sqs" if matches!(name, "getqueueattributes" | "setqueueattributes") => {
                Self::QueueAttributes
            }
            _ => Self::Plain,
        }
    }

    fn of_sts(name: &str) -> Self {
        match name {
            "getcalleridentity" => Self::GetCallerIdentity,
            "getsessiontoken" => Self::GetSessionToken,
            "getfederationtoken" => Self::GetFederationToken,
            "assumerole" => Self::AssumeRole,
            "assumerolewithsaml" | "assumerolewithwebidentity" => Self::AssumeRoleFederated,
            "tagsession" | "setsourceidentity" => Self::SessionExtra,
            "setcontext" => Self::SetContext,
            "assumeroot" => Self::AssumeRoot,
            _ => Self::OtherSts,
        }
    }

    fn of_iam(name: &str) -> Self {
        match name {
            "passrole" => Self::PassRole,
            "createpolicy"
            | "createpolicyversion"
            | "deletepolicy"
            | "deletepolicyversion"
            | "setdefaultpolicyversion"
            | "tagpolicy"
            | "untagpolicy" => Self::ChangesManagedPolicy,
            "attachrolepolicy"
            | "detachrolepolicy"
            | "putrolepolicy"
            | "deleterolepolicy"
            | "putrolepermissionsboundary"
            | "deleterolepermissionsboundary"
            | "updateassumerolepolicy"
            | "deleterole" => Self::ChangesServiceLinkedRole,
            "createaccesskey"
            | "createloginprofile"
            | "deactivatemfadevice"
            | "deleteaccesskey"
            | "deleteloginprofile"
            | "deletesigningcertificate"
            | "deletevirtualmfadevice"
            | "enablemfadevice"
            | "getaccesskeylastused"
            | "getloginprofile"
            | "getuser"
            | "listaccesskeys"
            | "listmfadevices"
            | "listsigningcertificates"
            | "resyncmfadevice"
            | "updateaccesskey"
            | "updatesigningcertificate"
            | "uploadsigningcertificate" => Self::UserCredentials,
            _ => Self::OtherIam,
        }
    }

    /// The role-assuming actions, whose resource-based policy is the trust policy (E-88).
    pub(crate) fn is_role_assuming(self) -> bool {
        matches!(
            self,
            Self::AssumeRole | Self::AssumeRoleFederated | Self::SessionExtra | Self::SetContext
        )
    }

    /// Whether the action belongs to `iam`.
    pub(crate) fn is_iam(self) -> bool {
        matches!(
            self,
            Self::PassRole
                | Self::ChangesManagedPolicy
                | Self::ChangesServiceLinkedRole
                | Self::UserCredentials
                | Self::OtherIam
        )
    }

    /// Whether no resource-based policy is asked about the action (E-33, E-94, E-95).
    pub(crate) fn takes_no_policy(self) -> bool {
        self.is_iam() || matches!(self, Self::AssumeRoot | Self::SearchDomain)
    }

    /// Whether the action belongs to `sts`.
    pub(crate) fn is_sts(self) -> bool {
        self.is_role_assuming()
            || matches!(
                self,
                Self::GetCallerIdentity
                    | Self::GetSessionToken
                    | Self::GetFederationToken
                    | Self::AssumeRoot
                    | Self::OtherSts
            )
    }

    /// Whether the action belongs to `kms`.
    pub(crate) fn is_kms(self) -> bool {
        matches!(self, Self::KmsAlias | Self::KmsRetireGrant | Self::OtherKms)
    }

    /// Whether the action belongs to `s3`.
    pub(crate) fn is_s3(self) -> bool {
        matches!(self, Self::BucketPolicy | Self::PutObject | Self::OtherS3)
    }
}

/// What of an action a frame depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionClass {
    rule: ActionRule,
    is_known: bool,
    wildcard_only: bool,
    rcp_covered: bool,
    endpoint_covered: bool,
    no_account_keys: bool,
    own_account_only: bool,
    identity_only: bool,
    needs_both_sides: bool,
    /// It reads or lists: E-74 asks of actions of `iam`.
    reads: bool,
}

/// The service whose resource-based policies allow nothing alone (E-55): VPC Lattice.
const BOTH_SIDES: &str = "vpc-lattice-svcs";

/// E-97: whether an action is asked about the boundary that its target has: a write of IAM that
/// names none itself.
fn asks_target_boundary(catalog: &Catalog, id: Option<ActionId>, name: &str) -> bool {
    let names_one = matches!(
        name,
        "createrole" | "createuser" | "putrolepermissionsboundary" | "putuserpermissionsboundary"
    );
    let mut keys = id.into_iter().flat_map(|id| catalog.action_ref(id).condition_keys());
    !names_one && keys.any(|key| key.name() == BOUNDARY)
}

fn owned<'c>(names: impl Iterator<Item = &'c str>) -> Box<[Box<str>]> {
    names.map(Into::into).collect()
}

impl ResolvedAction {
    /// Whether keys that begin so carry tags of its requests (E-21).
    pub(crate) fn names_request_tags(&self, prefix: &str) -> bool {
        self.request_tags.iter().any(|own| own.eq_ignore_ascii_case(prefix))
    }

    /// Whether a tag of the request has other names than `aws:RequestTag/` (E-20, E-21).
    pub(crate) fn renames_tags(&self) -> bool {
        self.creates_with_tags || !self.request_tags.is_empty()
    }

    /// What of it a frame depends on.
    pub(crate) fn class_facts(&self) -> ActionClass {
        ActionClass {
            rule: self.rule,
            is_known: self.id.is_some(),
            wildcard_only: self.wildcard_only,
            rcp_covered: self.rcp_covered,
            endpoint_covered: self.endpoint_covered,
            no_account_keys: self.no_account_keys,
            own_account_only: self.own_account_only,
            identity_only: self.identity_only,
            needs_both_sides: self.needs_both_sides,
            reads: self.reads,
        }
    }

    /// An action by the two halves of its text.
    pub(crate) fn new(
        catalog: &Catalog,
        options: &EngineOptions,
        (service, name): (&str, &str),
        column: ActionRef,
        id: Option<ActionId>,
    ) -> Self {
        let (service_folded, name_folded) =
            (service.to_ascii_lowercase(), name.to_ascii_lowercase());
        let rule = ActionRule::of(&service_folded, &name_folded);
        let listed = match &options.rcp_services {
            Some(services) => services.iter().any(|s| s.eq_ignore_ascii_case(&service_folded)),
            None => catalog.supports_rcp(&service_folded),
        };
        let wildcard_only = id.is_some_and(|id| catalog.action_ref(id).is_wildcard_only());
        let is_split = service_folded == "kms" && name_folded == "reencrypt";
        let takes_form =
            wildcard_only && id.is_some_and(|id| catalog.wildcard_form(id) != WildcardForm::Star);
        Self {
            request_tags: id.map_or_else(Box::default, |id| owned(catalog.request_tag_keys(id))),
            tag_lists: id.map_or_else(Box::default, |id| owned(catalog.request_tag_lists(id))),
            creates_with_tags: id.is_some_and(|id| catalog.creates_with_tags(id)),
            is_plain: !is_split
                && !matches!(rule, ActionRule::AssumeRoot | ActionRule::Organizations(_)),
            reads: id.is_some_and(|id| {
                let level = catalog.action_ref(id).access_level();
                matches!(level, AccessLevel::Read | AccessLevel::List)
            }),
            takes_form,
            asks_target_boundary: asks_target_boundary(catalog, id, &name_folded),
            class: 0,
            text: id
                .map_or_else(
                    || format!("{service}:{name}"),
                    |id| catalog.action_ref(id).full_name(),
                )
                .into(),
            id,
            column,
            wildcard_only,
            rule,
            rcp_covered: listed && rule != ActionRule::KmsRetireGrant,
            endpoint_covered: catalog.supports_endpoint_policy(&service_folded),
            no_account_keys: id.is_some_and(|id| catalog.resource_account_keys_absent(id)),
            own_account_only: id.is_some_and(|id| catalog.is_own_account_only(id)),
            identity_only: id.is_some_and(|id| catalog.is_identity_only(id)),
            needs_both_sides: service_folded == BOTH_SIDES,
            service: service_folded.into(),
            name: name_folded.into(),
        }
    }
}

impl Resolver<'_> {
    /// The position of an action in the dictionary.
    pub(super) fn action(&mut self, text: &str) -> Result<u32, RequestError> {
        if let Some(index) = self.action_index.get(text) {
            return Ok(*index);
        }
        let engine = self.engine;
        let halves = split_action(text).ok_or_else(|| {
            RequestError::new(
                RequestErrorKind::InvalidAction,
                format!("`{text}` is not an action: expected `service:Name`"),
            )
            .at("/action")
        })?;
        let id = engine.catalog.action(halves.0, halves.1);
        if id.is_none() && engine.options.strict_actions {
            return Err(self.unknown_action(text, halves));
        }
        let column = match id {
            Some(id) => ActionRef::from(id),
            None => self.unknown_column(text, halves)?,
        };
        let mut resolved =
            ResolvedAction::new(&engine.catalog, &engine.options, halves, column, id);
        let class = resolved.class_facts();
        let known = self.action_classes.iter().position(|known| *known == class);
        resolved.class = next_index(known.unwrap_or(self.action_classes.len()), "actions")?;
        if known.is_none() {
            self.action_classes.push(class);
        }
        let index = next_index(self.actions.len(), "actions")?;
        self.actions.push(resolved);
        self.action_index.insert(text.into(), index);
        Ok(index)
    }

    /// An action that the catalog lacks is decided from its text (E-5).
    pub(super) fn unknown_column(
        &mut self,
        text: &str,
        (service, name): (&str, &str),
    ) -> Result<ActionRef, RequestError> {
        let invalid = |error: assize_model::Error| {
            RequestError::new(RequestErrorKind::InvalidAction, error.to_string()).at("/action")
        };
        let service = service.parse().map_err(invalid)?;
        let name = name.parse().map_err(invalid)?;
        self.overlay.add_action(&service, &name).map_err(|error| {
            RequestError::new(RequestErrorKind::Limit, format!("{error}: `{text}`"))
        })
    }

    pub(super) fn unknown_action(&self, text: &str, (service, name): (&str, &str)) -> RequestError {
        let catalog = &self.engine.catalog;
        let nearest = catalog.nearest_action(service, name);
        let hint = nearest.map(|id| catalog.action_ref(id).full_name());
        let hint = hint.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
        RequestError::new(
            RequestErrorKind::UnknownAction,
            format!("the catalog has no action `{text}`{hint}"),
        )
        .at("/action")
    }
}
