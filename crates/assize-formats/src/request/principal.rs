//! The object form of a principal (F-11, F-16).

use std::borrow::Cow;

use assize_model::{Delivery, InlinePrincipal, MfaState, PrincipalKind, Session, StatedPrincipal};

use super::MAX_SESSION_POLICY_ARNS;
use super::field::{
    account, context, neither, policies, policy, string, strings, tags, time, unknown, word,
};
use crate::json::{Cursor, Kind, Result};

/// Which fields each kind takes is checked when the request is resolved.
pub(super) fn read<'a>(c: &mut Cursor<'a>) -> Result<StatedPrincipal<'a>> {
    const FIELDS: [&str; 11] = [
        "type",
        "arn",
        "role",
        "user",
        "account",
        "service",
        "serviceNames",
        "provider",
        "uniqueId",
        "session",
        "inline",
    ];
    let mut kind = None;
    let mut stated = StatedPrincipal::new(PrincipalKind::Anonymous);
    c.object(|c, key| {
        match &*key {
            "type" => kind = Some(principal_kind(c)?),
            "arn" => stated.arn = string(c)?,
            "role" => stated.role = string(c)?,
            "user" => stated.user = string(c)?,
            "account" => stated.account = Some(account(c)?),
            "service" => stated.service = string(c)?,
            "serviceNames" => stated.service_names = Some(strings(c)?),
            "provider" => stated.provider = string(c)?,
            "uniqueId" => stated.unique_id = string(c)?,
            "session" => stated.session = Some(session(c)?),
            "inline" => stated.inline = Some(inline(c)?),
            _ => return unknown(c, &key, &FIELDS),
        }
        Ok(())
    })?;
    stated.kind = kind.ok_or_else(|| c.invalid("`type` is missing"))?;
    Ok(stated)
}

fn principal_kind(c: &mut Cursor<'_>) -> Result<PrincipalKind> {
    let text = c.string()?;
    PrincipalKind::from_word(&text)
        .ok_or_else(|| word(c, &text, PrincipalKind::ALL.map(PrincipalKind::as_str)))
}

const SESSION_FIELDS: [&str; 17] = [
    "name",
    "policy",
    "policyArns",
    "tags",
    "transitiveTagKeys",
    "inheritedTags",
    "sourceIdentity",
    "issuedAt",
    "expiresAt",
    "mfa",
    "temporary",
    "console",
    "chained",
    "federatedProvider",
    "claims",
    "delivery",
    "taskPolicyArn",
];

fn session<'a>(c: &mut Cursor<'a>) -> Result<Session<'a>> {
    let mut session = Session::default();
    c.object(|c, key| {
        match &*key {
            "name" => session.name = string(c)?,
            "policy" => session.policy = Some(policy(c)?),
            "policyArns" => session.policy_arns = Some(policy_arns(c)?),
            "tags" => session.tags = Some(tags(c)?),
            "transitiveTagKeys" => session.transitive_tag_keys = Some(strings(c)?),
            "inheritedTags" => session.inherited_tags = Some(tags(c)?),
            "sourceIdentity" => session.source_identity = string(c)?,
            "issuedAt" => session.issued_at = Some(time(c)?),
            "expiresAt" => session.expires_at = Some(time(c)?),
            "mfa" => session.mfa = Some(mfa(c)?),
            "temporary" => session.temporary = Some(c.boolean()?),
            "console" => session.console = Some(c.boolean()?),
            "chained" => session.chained = Some(c.boolean()?),
            "federatedProvider" => session.federated_provider = string(c)?,
            "claims" => context(c, session.claims.insert(Vec::new()))?,
            "delivery" => session.delivery = Some(delivery(c)?),
            "taskPolicyArn" => session.task_policy_arn = string(c)?,
            _ => return unknown(c, &key, &SESSION_FIELDS),
        }
        Ok(())
    })?;
    Ok(session)
}

fn policy_arns<'a>(c: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>> {
    let arns = strings(c)?;
    if arns.len() > MAX_SESSION_POLICY_ARNS {
        let message = format!("a session takes at most {MAX_SESSION_POLICY_ARNS} managed policies");
        return Err(c.limit(message));
    }
    Ok(arns)
}

fn mfa(c: &mut Cursor<'_>) -> Result<MfaState> {
    match c.peek()? {
        Kind::Bool => Ok(MfaState { present: c.boolean()?, at: None }),
        Kind::Object => {
            let (mut present, mut at) = (None, None);
            c.object(|c, key| {
                match &*key {
                    "present" => present = Some(c.boolean()?),
                    "at" => at = Some(time(c)?),
                    _ => return unknown(c, &key, &["present", "at"]),
                }
                Ok(())
            })?;
            let present = present.ok_or_else(|| c.invalid("`present` is missing"))?;
            Ok(MfaState { present, at })
        }
        kind => Err(neither(c, "a boolean or an object with `present`", kind)),
    }
}

/// The fields of all kinds of delivery, which may come before the kind.
#[derive(Default)]
struct DeliveryParts<'a> {
    kind: Option<Cow<'a, str>>,
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> DeliveryParts<'a> {
    fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(at).1)
    }
}

/// F-11, `delivery`.
fn delivery<'a>(c: &mut Cursor<'a>) -> Result<Delivery<'a>> {
    let mut parts = DeliveryParts::default();
    c.object(|c, key| {
        match &*key {
            "kind" => parts.kind = string(c)?,
            _ if key.starts_with("x-") => c.skip()?,
            _ => parts.fields.push((key, c.string()?)),
        }
        Ok(())
    })?;
    let kind = parts.kind.take().ok_or_else(|| c.invalid("`kind` is missing"))?;
    let delivery = match &*kind {
        "ec2" => Delivery::Ec2 {
            instance_arn: parts.take("instanceArn"),
            role_delivery: parts.take("roleDelivery"),
            vpc: parts.take("vpc"),
            private_ip: parts.take("privateIp"),
        },
        "lambda" => Delivery::Lambda { function_arn: parts.take("functionArn") },
        "glue" => Delivery::Glue {
            role_assumed_by: parts.take("roleAssumedBy"),
            credential_issuing_service: parts.take("credentialIssuingService"),
        },
        "ssm" => Delivery::Ssm { instance_arn: parts.take("instanceArn") },
        _ => return Err(word(c, &kind, ["ec2", "lambda", "glue", "ssm"])),
    };
    match parts.fields.first() {
        Some((field, _)) => unknown(c, field, delivery_fields(&kind)).map(|()| delivery),
        None => Ok(delivery),
    }
}

fn delivery_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "ec2" => &["instanceArn", "roleDelivery", "vpc", "privateIp"],
        "lambda" => &["functionArn"],
        "glue" => &["roleAssumedBy", "credentialIssuingService"],
        _ => &["instanceArn"],
    }
}

fn inline<'a>(c: &mut Cursor<'a>) -> Result<InlinePrincipal<'a>> {
    let mut inline = InlinePrincipal::default();
    c.object(|c, key| {
        match &*key {
            "policies" => inline.policies = policies(c)?,
            "boundary" => inline.boundary = Some(policy(c)?),
            "tags" => inline.tags = tags(c)?,
            _ => return unknown(c, &key, &["policies", "boundary", "tags"]),
        }
        Ok(())
    })?;
    Ok(inline)
}
