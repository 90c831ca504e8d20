//! Session policies (C-27): they belong to the session that a request is made in, so the requests
//! are given them.

use anyhow::{Result, anyhow, bail};
use assize_model::{Principal, PrincipalForm, PrincipalKind, Session, StatedPrincipal};
use serde_json::{Value, json};

use super::Named;
use super::layers::Document;

/// The name of a session that is made for a session policy.
const SESSION_NAME: &str = "assize";
/// What is assumed of a user, who has session policies only in a federated session.
const FEDERATED: &str = "session policies apply to a session: a user is taken to be in one of \
                         GetFederationToken";

/// The session policies that are given. Several documents can only be managed policies, so all of
/// them are made to be.
#[derive(Debug, Clone)]
pub(crate) struct SessionPolicies {
    documents: Vec<Document>,
}

impl SessionPolicies {
    /// None when there are no documents.
    pub(super) fn new(documents: &[Document]) -> Option<Self> {
        (!documents.is_empty()).then(|| Self { documents: documents.to_vec() })
    }

    fn arns(&self, named: &Named) -> Vec<String> {
        let (partition, account) = (named.partition(), named.account());
        self.documents.iter().map(|document| document.managed_arn(partition, account)).collect()
    }

    /// Gives them to a principal; what had to be assumed for it, if anything.
    ///
    /// # Errors
    /// A principal of a kind that has no session policies.
    pub(super) fn put_into(&self, principal: &mut Principal<'_>) -> Result<Option<&'static str>> {
        let mut assumption = None;
        let mut stated = match std::mem::take(principal) {
            Principal::Stated(stated) => stated,
            Principal::Text(text) => {
                let session = session_of(&text).ok_or_else(|| {
                    anyhow!(
                        "`{text}` has no session policies: give a role, a role session or a user"
                    )
                })?;
                if session.kind == PrincipalKind::FederatedUser {
                    assumption = Some(FEDERATED);
                }
                Box::new(session)
            }
        };
        let Some(named) = Named::of_stated(&stated) else {
            bail!("a session policy needs the session of an account");
        };
        let arns = self.arns(&named).into_iter().map(Into::into);
        let session = stated.session.get_or_insert_with(Session::default);
        session.policy_arns.get_or_insert_with(Vec::new).extend(arns);
        *principal = Principal::Stated(stated);
        Ok(assumption)
    }

    /// The principal of a request line with the session policies; none for one of a kind that has
    /// none, which stays as it is.
    pub(crate) fn rewrite(&self, principal: &Value) -> Option<Value> {
        let mut object = match principal {
            Value::String(text) => session_json(text)?,
            object => object.clone(),
        };
        let named = ["role", "user", "arn"]
            .iter()
            .find_map(|field| Named::of_text(object.get(field)?.as_str()?))
            .or_else(|| Some(Named::Account(object.get("account")?.as_str()?.parse().ok()?)))?;
        let session = object.as_object_mut()?.entry("session").or_insert_with(|| json!({}));
        let arns = session.as_object_mut()?.entry("policyArns").or_insert_with(|| json!([]));
        arns.as_array_mut()?.extend(self.arns(&named).into_iter().map(Value::from));
        Some(object)
    }
}

/// The session that a principal given as text is in.
fn session_of(text: &str) -> Option<StatedPrincipal<'static>> {
    let named = || Some(Session { name: Some(SESSION_NAME.into()), ..Session::default() });
    let arn = || Some(text.to_owned().into());
    let of = StatedPrincipal::new;
    Some(match PrincipalForm::parse(text).ok()? {
        PrincipalForm::User { .. } => {
            StatedPrincipal { user: arn(), session: named(), ..of(PrincipalKind::FederatedUser) }
        }
        PrincipalForm::Role { .. } => {
            StatedPrincipal { role: arn(), session: named(), ..of(PrincipalKind::RoleSession) }
        }
        PrincipalForm::AssumedRole { .. } => {
            StatedPrincipal { arn: arn(), ..of(PrincipalKind::RoleSession) }
        }
        PrincipalForm::Root { account, .. } => StatedPrincipal {
            account: Some(account),
            session: named(),
            ..of(PrincipalKind::FederatedRoot)
        },
        _ => return None,
    })
}

/// The same as JSON.
fn session_json(text: &str) -> Option<Value> {
    let session = session_of(text)?;
    let mut object = json!({"type": session.kind.as_str()});
    let fields = [("arn", session.arn), ("role", session.role), ("user", session.user)];
    for (name, value) in fields {
        if let Some(value) = value {
            object[name] = value.into_owned().into();
        }
    }
    if let Some(account) = session.account {
        object["account"] = account.as_str().into();
    }
    if let Some(name) = session.session.and_then(|session| session.name) {
        object["session"] = json!({"name": name});
    }
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways give the same session.
    #[test]
    fn lines_and_requests_are_given_the_same() {
        let policies = SessionPolicies { documents: vec![Document::named("p")] };
        for text in [
            "arn:aws:iam::111111111111:user/u",
            "arn:aws-cn:iam::111111111111:role/a/R",
            "arn:aws:sts::111111111111:assumed-role/R/s",
            "arn:aws:iam::111111111111:root",
        ] {
            let mut principal = Principal::Text(text.into());
            policies.put_into(&mut principal).unwrap();
            let json = policies.rewrite(&text.into()).unwrap();
            let line = format!(r#"{{"principal":{json},"action":"s3:ListAllMyBuckets"}}"#);
            let record = assize_formats::RequestRecord::parse(&line).unwrap();
            assert_eq!(record.request.principal, principal, "{text}");
        }
        assert!(policies.rewrite(&"anonymous".into()).is_none());
    }
}
