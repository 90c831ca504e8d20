//! From the identity of a record to the principal of a request.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::event::Event;
use super::mapping::{self, SessionPolicy};
use super::policies::Library;

/// The one session that trust policies of the export name, for the sessions of administrators.
const ADMINISTRATOR_SESSION: &str = "elad@codsec.io";

/// Who calls here.
pub(super) struct Caller {
    /// The member `principal` of the request.
    pub(super) principal: Value,
    /// The caller's account; of a service, the account it works for.
    pub(super) account: &'static str,
    /// Whether a service calls as itself.
    pub(super) is_service: bool,
}

/// The caller of a record; none when it is no call of a principal.
pub(super) fn caller(library: &Library, event: &Event, call: &str) -> Result<Option<Caller>> {
    let identity = &event.user_identity;
    let Some(kind) = identity.kind.as_deref() else { return Ok(None) };
    if kind == "AWSService" {
        return service(event).map(Some);
    }
    let named = identity.arn.as_deref().and_then(account_and_name);
    let Some((recorded_account, name)) = named else { return Ok(None) };
    let (name, session) = match name.strip_prefix("assumed-role/") {
        Some(rest) => {
            let (role, session) = rest.split_once('/').context("a session has a name")?;
            (format!("role/{role}"), Some(session))
        }
        None => (name.to_owned(), None),
    };
    let Some(mapped) = mapping::caller(recorded_account, &name, call) else { return Ok(None) };
    let arn = format!("arn:aws:iam::{}:{}", mapped.account, mapped.name);
    let principal = match session {
        Some(session) => role_session(library, event, mapped, &name, session)?,
        None if mapped.name == "root" => json!({"type": "root", "account": mapped.account}),
        None => match name.strip_prefix("federated-user/") {
            Some(name) => json!({"type": "federatedUser", "user": arn, "session": {"name": name}}),
            None => user(event, &arn),
        },
    };
    Ok(Some(Caller { principal, account: mapped.account, is_service: false }))
}

fn service(event: &Event) -> Result<Caller> {
    let service = event.user_identity.invoked_by.as_deref().context("a service has a name")?;
    let recorded = event.recipient_account_id.as_deref().unwrap_or_default();
    Ok(Caller {
        principal: json!({"type": "service", "service": service}),
        account: mapping::account(recorded),
        is_service: true,
    })
}

/// The account of an ARN and what follows it.
fn account_and_name(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(4);
    Some((parts.next()?, parts.next()?))
}

/// A session of a role, with the session policy that the table has for it.
fn role_session(
    library: &Library,
    event: &Event,
    mapped: mapping::Caller,
    recorded_role: &str,
    session_name: &str,
) -> Result<Value> {
    let role = mapped.name.strip_prefix("role/").context("a role stands for a role")?;
    let is_administrator = role.contains("_AdministratorAccess_");
    let session_name = if is_administrator { ADMINISTRATOR_SESSION } else { session_name };
    let mut session = json!({});
    match mapping::session_policy(recorded_role) {
        Some(SessionPolicy::Inline(name)) => {
            session["policy"] = serde_json::from_str(library.get(name)?)?;
        }
        Some(SessionPolicy::Managed(arn)) => session["policyArns"] = json!([arn]),
        None => {}
    }
    if let Some(time) = event.session_attribute("creationDate") {
        session["issuedAt"] = time.into();
    }
    let arn = format!("arn:aws:sts::{}:assumed-role/{role}/{session_name}", mapped.account);
    Ok(json!({"type": "roleSession", "arn": arn, "session": session}))
}

/// A user, with what the record says about temporary credentials of their own.
fn user(event: &Event, arn: &str) -> Value {
    let key = event.user_identity.access_key_id.as_deref().unwrap_or_default();
    let issued = event.session_attribute("creationDate");
    let (true, None, Some(issued)) = (key.starts_with("ASIA"), event.via(), issued) else {
        return arn.into();
    };
    let mut session = json!({"temporary": true, "issuedAt": issued});
    if event.session_credential_from_console.as_deref() == Some("true") {
        session["console"] = true.into();
    }
    session["mfa"] = match event.session_attribute("mfaAuthenticated") {
        Some("true") => json!({"present": true, "at": issued}),
        _ => false.into(),
    };
    json!({"type": "user", "arn": arn, "session": session})
}
