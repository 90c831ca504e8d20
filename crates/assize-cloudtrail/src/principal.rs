//! Who made a call (F-53).

use std::borrow::Cow;

use assize_model::{AccountId, PrincipalForm, PrincipalKind, StatedPrincipal};

use crate::record::{Identity, Record};
use crate::session::{SessionFacts, session};
use crate::skip::{Note, SkipReason};

/// What is behind the unique ids and the names of a world.
pub trait Directory: Sync {
    /// The ARN of the user or role with a unique id, such as `AIDAEXAMPLE` or `AROAEXAMPLE`.
    fn entity_arn(&self, unique_id: &str) -> Option<&str>;

    /// The ARN, path included, of what an account has under a name (I-12). The kind is what the
    /// ARN begins its last part with: `user`, `group`, `role`, `instance-profile`.
    fn named_arn(&self, account: AccountId, kind: &str, name: &str) -> Option<&str>;

    /// The whole ARN of a secret, by all of it but the hyphen and the six characters behind its
    /// name.
    fn secret_arn(&self, start: &str) -> Option<&str>;
}

/// How many characters the ARN of a secret has behind its name, the hyphen among them.
pub(crate) const SECRET_SUFFIX: usize = "-??????".len();

/// Whether an ARN is that of the secret of a name, by all of it but its suffix.
pub fn is_secret_of(arn: &str, start: &str) -> bool {
    let suffix = arn.strip_prefix(start).unwrap_or_default();
    let is_random = |byte: u8| byte.is_ascii_alphanumeric();
    suffix.len() == SECRET_SUFFIX
        && suffix.strip_prefix('-').is_some_and(|s| s.bytes().all(is_random))
}

/// A [`Directory`] that knows nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDirectory;

impl Directory for NoDirectory {
    fn entity_arn(&self, _: &str) -> Option<&str> {
        None
    }

    fn named_arn(&self, _: AccountId, _: &str, _: &str) -> Option<&str> {
        None
    }

    fn secret_arn(&self, _: &str) -> Option<&str> {
        None
    }
}

/// The session name of a role credential without one.
const NO_SESSION_NAME: &str = "assize";

/// The principal of a record, and what was assumed about it.
pub(crate) fn principal<'a>(
    record: &Record<'a>,
    facts: Option<&'a SessionFacts>,
    directory: &'a dyn Directory,
    notes: &mut Vec<Note>,
) -> Result<StatedPrincipal<'a>, SkipReason> {
    let Some(identity) = &record.identity else { return Err(SkipReason::UnsupportedPrincipal) };
    let mut stated = match identity.kind.as_deref() {
        Some("Root") => root(identity)?,
        Some("IAMUser") => user(identity)?,
        Some("AssumedRole") => assumed_role(identity)?,
        Some("Role") => role(identity, notes)?,
        Some("FederatedUser") => federated_user(identity)?,
        Some("SAMLUser" | "WebIdentityUser") => federated(record, identity)?,
        Some("AWSService") => service(identity)?,
        Some("AWSAccount") => other_account(identity, directory)?,
        _ => return Err(SkipReason::UnsupportedPrincipal),
    };
    session(&mut stated, record, identity, facts, notes);
    Ok(stated)
}

fn root<'a>(identity: &Identity<'a>) -> Result<StatedPrincipal<'a>, SkipReason> {
    let assumed = identity.session.as_ref().is_some_and(|session| session.assumed_root);
    let kind = if assumed { PrincipalKind::AssumedRoot } else { PrincipalKind::Root };
    let account = identity.account.as_deref().and_then(|account| account.parse().ok());
    let account = account.ok_or(SkipReason::UnknownPrincipal)?;
    Ok(StatedPrincipal { account: Some(account), ..StatedPrincipal::new(kind) })
}

fn user<'a>(identity: &Identity<'a>) -> Result<StatedPrincipal<'a>, SkipReason> {
    let arn = match (&identity.arn, &identity.account, &identity.user_name) {
        (Some(arn), ..) => arn.clone(),
        (None, Some(account), Some(name)) => format!("arn:aws:iam::{account}:user/{name}").into(),
        _ => return Err(SkipReason::UnknownPrincipal),
    };
    if !matches!(PrincipalForm::parse(&arn), Ok(PrincipalForm::User { .. })) {
        return Err(SkipReason::UnknownPrincipal);
    }
    let unique_id = identity.principal_id.clone();
    Ok(StatedPrincipal { arn: Some(arn), unique_id, ..StatedPrincipal::new(PrincipalKind::User) })
}

fn assumed_role<'a>(identity: &Identity<'a>) -> Result<StatedPrincipal<'a>, SkipReason> {
    let arn = identity.arn.clone().ok_or(SkipReason::UnknownPrincipal)?;
    let Ok(form @ PrincipalForm::AssumedRole { .. }) = PrincipalForm::parse(&arn) else {
        return Err(SkipReason::UnknownPrincipal);
    };
    let session = identity.session.as_ref();
    // Only the issuer's ARN has the path of the role; that of another role is not heard.
    let role = session
        .and_then(|session| session.issuer_arn.clone())
        .filter(|role| PrincipalForm::parse(role).is_ok_and(|role| form.is_session_of(&role)));
    let unique_id = session.and_then(|session| session.issuer_id.clone());
    Ok(StatedPrincipal {
        role,
        unique_id,
        arn: Some(arn),
        ..StatedPrincipal::new(PrincipalKind::RoleSession)
    })
}

fn role<'a>(
    identity: &Identity<'a>,
    notes: &mut Vec<Note>,
) -> Result<StatedPrincipal<'a>, SkipReason> {
    let arn = identity.arn.clone().ok_or(SkipReason::UnknownPrincipal)?;
    match PrincipalForm::parse(&arn) {
        Ok(PrincipalForm::AssumedRole { .. }) => assumed_role(identity),
        Ok(PrincipalForm::Role { .. }) => {
            notes.push(Note::NoSessionName);
            Ok(role_session(arn, Cow::Borrowed(NO_SESSION_NAME)))
        }
        _ => Err(SkipReason::UnknownPrincipal),
    }
}

fn role_session<'a>(role: Cow<'a, str>, name: Cow<'a, str>) -> StatedPrincipal<'a> {
    let session = assize_model::Session { name: Some(name), ..assize_model::Session::default() };
    StatedPrincipal {
        role: Some(role),
        session: Some(session),
        ..StatedPrincipal::new(PrincipalKind::RoleSession)
    }
}

fn federated_user<'a>(identity: &Identity<'a>) -> Result<StatedPrincipal<'a>, SkipReason> {
    let arn = identity.arn.as_deref().ok_or(SkipReason::UnknownPrincipal)?;
    let Ok(PrincipalForm::FederatedUser { partition, account, name }) = PrincipalForm::parse(arn)
    else {
        return Err(SkipReason::UnknownPrincipal);
    };
    let issuer = identity.session.as_ref().ok_or(SkipReason::UnknownPrincipal)?;
    let mut stated = if issuer.issuer_type.as_deref() == Some("Root") {
        let kind = PrincipalKind::FederatedRoot;
        StatedPrincipal { account: Some(account), ..StatedPrincipal::new(kind) }
    } else {
        let user = issuer.issuer_arn.clone().ok_or(SkipReason::UnknownPrincipal)?;
        let Ok(PrincipalForm::User { partition: of, account: by, .. }) =
            PrincipalForm::parse(&user)
        else {
            return Err(SkipReason::UnknownPrincipal);
        };
        if (of, by) != (partition, account) {
            return Err(SkipReason::UnknownPrincipal);
        }
        let kind = PrincipalKind::FederatedUser;
        StatedPrincipal { user: Some(user), ..StatedPrincipal::new(kind) }
    };
    let name = Cow::Owned(name.to_owned());
    stated.session =
        Some(assize_model::Session { name: Some(name), ..assize_model::Session::default() });
    Ok(stated)
}

/// The caller of `AssumeRoleWithSAML` or `AssumeRoleWithWebIdentity`. For SAML the record's
/// `identityProvider` is the name qualifier; the provider is the parameter `principalArn`.
fn federated<'a>(
    record: &Record<'a>,
    identity: &Identity<'a>,
) -> Result<StatedPrincipal<'a>, SkipReason> {
    let service = "sts";
    let parameters = crate::parameters::Parameters::read(record.request_parameters, service);
    let provider = parameters.text("principalArn").or_else(|| identity.identity_provider.clone());
    let provider = provider.ok_or(SkipReason::UnknownPrincipal)?;
    let claims = crate::session::claims(&provider, identity);
    let mut stated = StatedPrincipal::new(PrincipalKind::Federated);
    if !claims.is_empty() {
        let claims = Some(claims);
        stated.session = Some(assize_model::Session { claims, ..assize_model::Session::default() });
    }
    stated.provider = Some(provider);
    Ok(stated)
}

fn service<'a>(identity: &Identity<'a>) -> Result<StatedPrincipal<'a>, SkipReason> {
    let name = identity.invoked_by.clone().filter(|name| is_service(name));
    let name = name.ok_or(SkipReason::UnknownPrincipal)?;
    Ok(StatedPrincipal { service: Some(name), ..StatedPrincipal::new(PrincipalKind::Service) })
}

/// Whether a text is the name of a service, not `AWS Internal` or an address.
pub(crate) fn is_service(text: &str) -> bool {
    // Most texts that are asked about are user agents.
    (text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn"))
        && matches!(PrincipalForm::parse(text), Ok(PrincipalForm::Service(_)))
}

/// A caller of another account, which the copy of the record in the resource's account does not
/// name.
fn other_account<'a>(
    identity: &Identity<'a>,
    directory: &'a dyn Directory,
) -> Result<StatedPrincipal<'a>, SkipReason> {
    let is_anonymous = [&identity.account, &identity.principal_id]
        .into_iter()
        .any(|id| matches!(id.as_deref(), Some("anonymous" | "ANONYMOUS_PRINCIPAL")));
    if is_anonymous {
        return Ok(StatedPrincipal::new(PrincipalKind::Anonymous));
    }
    let id = identity.principal_id.as_deref().ok_or(SkipReason::UnknownPrincipal)?;
    let (unique_id, name) = match id.split_once(':') {
        Some((unique_id, name)) => (unique_id, Some(name)),
        None => (id, None),
    };
    let arn = directory.entity_arn(unique_id).ok_or(SkipReason::UnknownPrincipal)?;
    match (PrincipalForm::parse(arn), name) {
        (Ok(PrincipalForm::User { .. }), _) => Ok(StatedPrincipal {
            arn: Some(arn.into()),
            ..StatedPrincipal::new(PrincipalKind::User)
        }),
        (Ok(PrincipalForm::Role { .. }), Some(name)) => {
            Ok(role_session(arn.into(), Cow::Owned(name.to_owned())))
        }
        _ => Err(SkipReason::UnknownPrincipal),
    }
}
