//! Who asks: kinds of principal and their shorthand (E-10 – E-14, E-26, F-16).

use assize_catalog::managed::ROOT_TASK_POLICY_ARNS;
use assize_model::{
    AccountId, ArnParts, InlinePrincipal, PolicyId, Principal, PrincipalForm, PrincipalKind,
    RequestError, RequestErrorKind, Session, StatedPrincipal,
};
use assize_store::{ExternalAccount, Role, User};

use super::World;
use super::given::normalize_claims;

/// Where the caller's own side comes from (E-26, F-48).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// From the snapshot, or from the request itself (`inline`).
    Held,
    /// An outside principal without policies.
    Outside,
    /// An outside principal whose own side allows everything.
    Trusted,
}

/// The principal of a request, resolved against a snapshot (E 1.1).
#[derive(Debug, Clone)]
pub(crate) struct Caller<'a> {
    pub(crate) kind: PrincipalKind,
    /// The request principal as messages print it: its ARN, or the name of a service or provider.
    pub(crate) name: String,
    /// The request principal, where it is an ARN.
    pub(crate) arn: Option<String>,
    pub(crate) partition: Option<String>,
    pub(crate) account: Option<AccountId>,
    /// The ARN of the user or role behind the principal.
    pub(crate) entity_arn: Option<String>,
    /// Whether nobody says the path of that role, which is taken to have none (E-11).
    pub(crate) is_path_assumed: bool,
    /// The unique id of that user or role.
    pub(crate) unique_id: Option<String>,
    pub(crate) user: Option<&'a User<PolicyId>>,
    pub(crate) role: Option<&'a Role<PolicyId>>,
    /// The canonical id of the account, or of the origin access identity.
    pub(crate) canonical_id: Option<String>,
    pub(crate) standing: Standing,
    /// The name of a role session or federated session.
    pub(crate) session_name: String,
    pub(crate) session: Session<'a>,
    /// Whether the request says anything of a session (E-23).
    pub(crate) states_session: bool,
    pub(crate) inline: Option<&'a InlinePrincipal<'a>>,
    /// The names of a calling service; empty for every other kind.
    pub(crate) service_names: Vec<String>,
    /// The provider of a federated caller; none for every other kind.
    pub(crate) provider: Option<String>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(kind: PrincipalKind, name: &str) -> Self {
        Self {
            kind,
            name: name.into(),
            arn: None,
            partition: None,
            account: None,
            entity_arn: None,
            is_path_assumed: false,
            unique_id: None,
            user: None,
            role: None,
            canonical_id: None,
            standing: Standing::Held,
            session_name: String::new(),
            session: Session::default(),
            states_session: false,
            inline: None,
            service_names: Vec::new(),
            provider: None,
        }
    }

    /// A principal with an account, and its standing there.
    fn of_account(
        world: &'a World<'a>,
        kind: PrincipalKind,
        arn: &str,
        partition: &str,
        account: AccountId,
    ) -> Self {
        let held = world.snapshot.account(account);
        let standing = match held.map(|held| held.external) {
            Some(None) => Standing::Held,
            Some(Some(ExternalAccount::TrustIdentity)) => Standing::Trusted,
            Some(Some(ExternalAccount::None)) | None => Standing::Outside,
        };
        Self {
            arn: Some(arn.into()),
            partition: Some(partition.into()),
            account: Some(account),
            canonical_id: held.and_then(|held| held.canonical_id.as_deref()).map(Into::into),
            standing,
            ..Self::new(kind, arn)
        }
    }

    /// E-26.
    pub(crate) fn is_outside(&self) -> bool {
        self.standing != Standing::Held
    }

    /// E-43: whether the entity has a permissions boundary.
    pub(crate) fn has_boundary(&self) -> bool {
        if let Some(inline) = self.inline {
            return inline.boundary.is_some();
        }
        let of_user = self.user.and_then(|user| user.boundary.as_ref());
        let of_role = self.role.and_then(|role| role.boundary.as_ref());
        of_user.or(of_role).is_some()
    }

    /// E-13: a session of a service-linked role.
    pub(crate) fn is_service_linked(&self) -> bool {
        self.kind == PrincipalKind::RoleSession
            && self.entity_arn.as_deref().is_some_and(is_service_linked_role)
    }

    /// F-16: whether the credentials of a user or root are temporary.
    pub(crate) fn is_temporary(&self) -> bool {
        let session = &self.session;
        let is_dated = session.issued_at.or(session.expires_at).is_some();
        let implied = session.console == Some(true) || session.mfa.is_some() || is_dated;
        match self.kind {
            PrincipalKind::User | PrincipalKind::Root => session.temporary.unwrap_or(implied),
            // Whoever else has an account has a session of it.
            _ => self.account.is_some(),
        }
    }
}

/// F-49: whether nobody stated the unique id of an entity of the snapshot.
fn is_made_up(caller: &Caller<'_>, unique_id: &str) -> bool {
    let prefix = if caller.role.is_some() { "AROA" } else { "AIDA" };
    let arn = caller.entity_arn.as_deref().unwrap_or_default();
    *assize_store::unique_id(prefix, arn) == *unique_id
}

/// E-13: whether an ARN is that of a service-linked role.
pub(crate) fn is_service_linked_role(arn: &str) -> bool {
    ArnParts::split(arn).is_some_and(|parts| {
        parts.service == "iam" && parts.resource.starts_with("role/aws-service-role/")
    })
}

fn invalid(message: impl Into<Box<str>>) -> RequestError {
    RequestError::new(RequestErrorKind::InvalidPrincipal, message).at("/principal")
}

/// The principal of a request.
pub(crate) fn resolve<'a>(
    world: &'a World<'a>,
    principal: &'a Principal<'a>,
) -> Result<Caller<'a>, RequestError> {
    match principal {
        Principal::Text(text) => from_text(world, text),
        Principal::Stated(stated) => from_object(world, stated),
    }
}

/// E-10: shorthand.
fn from_text<'a>(world: &'a World<'a>, text: &str) -> Result<Caller<'a>, RequestError> {
    match form_of(text)? {
        PrincipalForm::User { .. } => user(world, text, None),
        PrincipalForm::Role { .. } => {
            role_session(world, text, &world.options.default_session_name, None)
        }
        PrincipalForm::AssumedRole { .. } => assumed_role(world, text, None, None),
        PrincipalForm::FederatedUser { partition, account, name } => {
            let caller =
                Caller::of_account(world, PrincipalKind::FederatedUser, text, partition, account);
            if !caller.is_outside() {
                return Err(invalid(format!(
                    "`{text}` does not say which user it was issued to: state an object of type \
                     `federatedUser` with `user` and `session.name`"
                )));
            }
            Ok(Caller { session_name: name.into(), ..caller })
        }
        PrincipalForm::Root { partition, account } => {
            Ok(Caller::of_account(world, PrincipalKind::Root, text, partition, account))
        }
        PrincipalForm::Service(name) => Ok(service(name)),
        PrincipalForm::Oai(arn) => Ok(oai(arn)),
        PrincipalForm::Anonymous => Ok(Caller::new(PrincipalKind::Anonymous, "anonymous")),
        _ => Err(invalid(format!("`{text}` is not a known form of principal"))),
    }
}

fn form_of(text: &str) -> Result<PrincipalForm<'_>, RequestError> {
    PrincipalForm::parse(text).map_err(|error| invalid(error.to_string()))
}

/// The object form, kind by kind (F-16).
fn from_object<'a>(
    world: &'a World<'a>,
    stated: &'a StatedPrincipal<'a>,
) -> Result<Caller<'a>, RequestError> {
    check_fields(stated)?;
    let session_name = stated.session.as_ref().and_then(|session| session.name.as_deref());
    let inline = stated.inline.as_ref();
    let need = |field: Option<&'a str>, name: &str| {
        field
            .ok_or_else(|| invalid(format!("a principal of type `{}` needs `{name}`", stated.kind)))
    };
    let mut caller = match stated.kind {
        PrincipalKind::User => user(world, need(stated.arn.as_deref(), "arn")?, inline)?,
        PrincipalKind::RoleSession => match (stated.arn.as_deref(), stated.role.as_deref()) {
            (Some(arn), role) => assumed_role(world, arn, role, inline)?,
            (None, role) => {
                let role = need(role, "role")?;
                role_session(world, role, need(session_name, "session.name")?, inline)?
            }
        },
        PrincipalKind::FederatedUser => {
            let issuer = need(stated.user.as_deref(), "user")?;
            federated_user(world, issuer, need(session_name, "session.name")?, inline)?
        }
        PrincipalKind::FederatedRoot => {
            let name = need(session_name, "session.name")?;
            let account = account_of(stated)?;
            let arn = format!("arn:aws:sts::{account}:federated-user/{name}");
            Caller::of_account(world, stated.kind, &arn, "aws", account)
        }
        PrincipalKind::Root | PrincipalKind::AssumedRoot => {
            let account = account_of(stated)?;
            let arn = format!("arn:aws:iam::{account}:root");
            Caller::of_account(world, stated.kind, &arn, "aws", account)
        }
        PrincipalKind::Service => {
            stated_service(stated, need(stated.service.as_deref(), "service")?)?
        }
        PrincipalKind::Federated => federated(need(stated.provider.as_deref(), "provider")?)?,
        PrincipalKind::Oai => {
            let arn = need(stated.arn.as_deref(), "arn")?;
            match form_of(arn)? {
                PrincipalForm::Oai(arn) => oai(arn),
                _ => return Err(invalid(format!("`{arn}` is not an origin access identity"))),
            }
        }
        PrincipalKind::Anonymous => Caller::new(stated.kind, "anonymous"),
    };
    let stated_id = stated.unique_id.as_deref().map(String::from);
    if stated.kind == PrincipalKind::Oai {
        caller.canonical_id = stated_id;
    } else {
        let own = caller.unique_id.take();
        if let (Some(own), Some(stated)) = (&own, &stated_id)
            && own != stated
            && !is_made_up(&caller, own)
        {
            return Err(invalid(format!(
                "`uniqueId` `{stated}` is not that of the world, `{own}`"
            )));
        }
        caller.unique_id = own.or(stated_id);
    }
    let contradicts =
        |name: &&str| !caller.session_name.is_empty() && caller.session_name != **name;
    if let Some(name) = session_name.filter(contradicts) {
        return Err(invalid(format!("`session.name` `{name}` contradicts `arn`")));
    }
    if let Some(session) = &stated.session {
        // What a principal says wrongly is its own mistake, whatever it asks for.
        normalize_claims(world.catalog, session.claims.as_deref().unwrap_or_default())?;
        caller.session = session.clone();
        caller.states_session = true;
        if caller.session_name.is_empty() {
            caller.session_name = session_name.unwrap_or_default().into();
        }
    }
    Ok(caller)
}

fn account_of(stated: &StatedPrincipal<'_>) -> Result<AccountId, RequestError> {
    let missing = || invalid(format!("a principal of type `{}` needs `account`", stated.kind));
    stated.account.ok_or_else(missing)
}

/// F-16, E-12, E-17, E-38: the fields that a kind takes, and those of its `session`.
fn taken_fields(kind: PrincipalKind) -> (&'static str, &'static str) {
    use PrincipalKind as Kind;
    match kind {
        Kind::User => ("arn uniqueId session inline", "issuedAt expiresAt mfa temporary console"),
        Kind::RoleSession => (
            "arn role uniqueId session inline",
            "name policy policyArns tags transitiveTagKeys inheritedTags sourceIdentity issuedAt \
             expiresAt mfa chained federatedProvider claims delivery",
        ),
        Kind::FederatedUser => (
            "user uniqueId session inline",
            "name policy policyArns tags issuedAt expiresAt mfa console",
        ),
        Kind::FederatedRoot => {
            ("account session", "name policy policyArns tags issuedAt expiresAt mfa console")
        }
        Kind::Root => ("account session", "issuedAt expiresAt mfa temporary console"),
        Kind::AssumedRoot => ("account session", "issuedAt expiresAt mfa taskPolicyArn"),
        Kind::Service => ("service serviceNames", ""),
        Kind::Federated => ("provider session", "claims"),
        Kind::Oai => ("arn uniqueId", ""),
        Kind::Anonymous => ("", ""),
    }
}

/// The service that assumes roles for those who show it a certificate.
pub(crate) const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

/// F-16: fields that the kind does not take.
fn check_fields(stated: &StatedPrincipal<'_>) -> Result<(), RequestError> {
    let none = Session::default();
    let session = stated.session.as_ref().unwrap_or(&none);
    let fields = [
        ("arn", stated.arn.is_some()),
        ("role", stated.role.is_some()),
        ("user", stated.user.is_some()),
        ("account", stated.account.is_some()),
        ("service", stated.service.is_some()),
        ("serviceNames", stated.service_names.is_some()),
        ("provider", stated.provider.is_some()),
        ("uniqueId", stated.unique_id.is_some()),
        ("session", stated.session.is_some()),
        ("inline", stated.inline.is_some()),
    ];
    let session_fields = [
        ("name", session.name.is_some()),
        ("policy", session.policy.is_some()),
        ("policyArns", session.policy_arns.is_some()),
        ("tags", session.tags.is_some()),
        ("transitiveTagKeys", session.transitive_tag_keys.is_some()),
        ("inheritedTags", session.inherited_tags.is_some()),
        ("sourceIdentity", session.source_identity.is_some()),
        ("issuedAt", session.issued_at.is_some()),
        ("expiresAt", session.expires_at.is_some()),
        ("mfa", session.mfa.is_some()),
        ("temporary", session.temporary.is_some()),
        ("console", session.console.is_some()),
        ("chained", session.chained.is_some()),
        ("federatedProvider", session.federated_provider.is_some()),
        ("claims", session.claims.is_some()),
        ("delivery", session.delivery.is_some()),
        ("taskPolicyArn", session.task_policy_arn.is_some()),
    ];
    let (taken, taken_of_session) = match stated.service.as_deref() {
        // E-15: what a certificate says comes with the call.
        Some(ROLES_ANYWHERE) if stated.kind == PrincipalKind::Service => {
            ("service serviceNames session", "tags")
        }
        _ => taken_fields(stated.kind),
    };
    let untaken = |fields: &[(&str, bool)], taken: &str| {
        let extra =
            fields.iter().find(|(name, given)| *given && !taken.split(' ').any(|t| t == *name));
        extra.map(|(name, _)| (*name).to_owned())
    };
    let of_session = || untaken(&session_fields, taken_of_session).map(|f| format!("session.{f}"));
    match untaken(&fields, taken).or_else(of_session) {
        Some(name) => {
            Err(invalid(format!("a principal of type `{}` takes no `{name}`", stated.kind)))
        }
        None => check_task(session),
    }
}

/// E-38: a session of AssumeRoot is made with one of the root-task policies of AWS. These only
/// deny, and what they do not deny is allowed: nothing else may stand in their place.
fn check_task(session: &Session<'_>) -> Result<(), RequestError> {
    let Some(arn) = &session.task_policy_arn else { return Ok(()) };
    if ROOT_TASK_POLICY_ARNS.contains(&&**arn) {
        return Ok(());
    }
    let tasks = ROOT_TASK_POLICY_ARNS.join("`, `");
    let message = format!("`{arn}` is none of the root-task policies: `{tasks}`");
    let error = RequestError::new(RequestErrorKind::InvalidField, message);
    Err(error.at("/principal/session/taskPolicyArn"))
}

/// Kind user.
fn user<'a>(
    world: &'a World<'a>,
    arn: &str,
    inline: Option<&'a InlinePrincipal<'a>>,
) -> Result<Caller<'a>, RequestError> {
    let PrincipalForm::User { partition, account, .. } = form_of(arn)? else {
        return Err(invalid(format!("`{arn}` is not the ARN of a user")));
    };
    let caller = Caller::of_account(world, PrincipalKind::User, arn, partition, account);
    with_entity(world, caller, arn, inline)
}

/// Kind roleSession, by the ARN of the role.
fn role_session<'a>(
    world: &'a World<'a>,
    role_arn: &str,
    session_name: &str,
    inline: Option<&'a InlinePrincipal<'a>>,
) -> Result<Caller<'a>, RequestError> {
    let PrincipalForm::Role { partition, account, path_and_name } = form_of(role_arn)? else {
        return Err(invalid(format!("`{role_arn}` is not the ARN of a role")));
    };
    let name = path_and_name.rsplit('/').next().unwrap_or(path_and_name);
    let arn = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}");
    let caller = Caller::of_account(world, PrincipalKind::RoleSession, &arn, partition, account);
    with_entity(world, Caller { session_name: session_name.into(), ..caller }, role_arn, inline)
}

/// The user or role behind a principal. E-3: in an account which the snapshot holds it must exist,
/// unless its policies are given on the spot (F-16).
fn with_entity<'a>(
    world: &'a World<'a>,
    mut caller: Caller<'a>,
    arn: &str,
    inline: Option<&'a InlinePrincipal<'a>>,
) -> Result<Caller<'a>, RequestError> {
    if let Some(account) = caller.account.filter(|_| caller.standing == Standing::Held) {
        let held = world.snapshot.account(account);
        let users = held.into_iter().flat_map(|held| held.users.values());
        let roles = held.into_iter().flat_map(|held| held.roles.values());
        caller.user = users.map(|user| &**user).find(|user| *user.arn == *arn);
        caller.role = roles.map(|role| &**role).find(|role| *role.arn == *arn);
        let of_user = caller.user.map(|user| &user.unique_id);
        caller.unique_id =
            of_user.or(caller.role.map(|role| &role.unique_id)).map(ToString::to_string);
        if caller.unique_id.is_none() && inline.is_none() {
            let message = format!("there is no `{arn}` in the account, which the snapshot holds");
            let error = RequestError::new(RequestErrorKind::UnknownPrincipal, message);
            return Err(error.at("/principal"));
        }
    }
    if inline.is_some() {
        caller.standing = Standing::Held;
    }
    Ok(Caller { entity_arn: Some(arn.into()), inline, ..caller })
}

/// Kind roleSession, by the ARN of the session. E-11: the role is found by its name; an outside
/// role whose ARN is not stated is taken to have no path.
fn assumed_role<'a>(
    world: &'a World<'a>,
    arn: &str,
    stated_role: Option<&str>,
    inline: Option<&'a InlinePrincipal<'a>>,
) -> Result<Caller<'a>, RequestError> {
    let PrincipalForm::AssumedRole { partition, account, role_name, session_name } = form_of(arn)?
    else {
        return Err(invalid(format!("`{arn}` is not the ARN of a role session")));
    };
    let folded = role_name.to_ascii_lowercase();
    let held = world.snapshot.account(account).filter(|held| held.external.is_none());
    let known = held.and_then(|held| held.roles.get(&*folded)).map(|role| role.arn.to_string());
    let plain = format!("arn:{partition}:iam::{account}:role/{role_name}");
    let told = stated_role.map(String::from).or(known);
    let is_path_assumed = told.is_none();
    let caller = role_session(world, &told.unwrap_or(plain), session_name, inline)?;
    let caller = Caller { is_path_assumed, ..caller };
    let same = caller.arn.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(arn));
    if same { Ok(caller) } else { Err(invalid("`role` contradicts `arn`")) }
}

/// Kind federatedUser: entity and policies are those of the user who issued the session.
fn federated_user<'a>(
    world: &'a World<'a>,
    issuer: &str,
    session_name: &str,
    inline: Option<&'a InlinePrincipal<'a>>,
) -> Result<Caller<'a>, RequestError> {
    let issuer = user(world, issuer, inline)?;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let account = issuer.account.map(|account| account.to_string()).unwrap_or_default();
    let partition = part(&issuer.partition);
    let arn = format!("arn:{partition}:sts::{account}:federated-user/{session_name}");
    Ok(Caller {
        kind: PrincipalKind::FederatedUser,
        name: arn.clone(),
        arn: Some(arn),
        session_name: session_name.into(),
        ..issuer
    })
}

/// Kind service.
pub(crate) fn service<'a>(name: &str) -> Caller<'a> {
    Caller { service_names: vec![name.into()], ..Caller::new(PrincipalKind::Service, name) }
}

/// E-16: a calling service with all its names; the default is the one name.
fn stated_service<'a>(
    stated: &StatedPrincipal<'_>,
    name: &str,
) -> Result<Caller<'a>, RequestError> {
    let PrincipalForm::Service(name) = form_of(name)? else {
        return Err(invalid(format!("`{name}` is not the name of a service")));
    };
    let mut caller = service(name);
    if let Some(names) = &stated.service_names {
        caller.service_names = names.iter().map(ToString::to_string).collect();
        if !caller.service_names.iter().any(|own| own == name) {
            caller.service_names.insert(0, name.into());
        }
    }
    Ok(caller)
}

/// The identity providers that AWS knows without an ARN (P12).
const BUILT_IN_PROVIDERS: [&str; 4] = [
    "accounts.google.com",
    "www.amazon.com",
    "graph.facebook.com",
    "cognito-identity.amazonaws.com",
];

/// Kind federated: the caller inside AssumeRoleWithSAML or AssumeRoleWithWebIdentity.
fn federated<'a>(provider: &str) -> Result<Caller<'a>, RequestError> {
    let arn = ArnParts::split(provider).filter(|parts| {
        let names = ["saml-provider/", "oidc-provider/"];
        parts.service == "iam"
            && parts.account_id().is_some()
            && names.iter().any(|name| parts.resource.starts_with(name))
    });
    if arn.is_none() && !BUILT_IN_PROVIDERS.contains(&provider) {
        return Err(invalid(format!("`{provider}` is not an identity provider")));
    }
    Ok(Caller {
        arn: arn.map(|_| provider.into()),
        partition: arn.map(|parts| parts.partition.into()),
        provider: Some(provider.into()),
        ..Caller::new(PrincipalKind::Federated, provider)
    })
}

/// Kind oai.
fn oai<'a>(arn: &str) -> Caller<'a> {
    Caller {
        arn: Some(arn.into()),
        partition: ArnParts::split(arn).map(|parts| parts.partition.into()),
        ..Caller::new(PrincipalKind::Oai, arn)
    }
}
