//! Resources, checks and what the caller says of them.

use std::borrow::Cow;

use assize_model::{Check, KmsGrant, PublicAccessBlock, ResourceData, ResourceInput, Tags};

use super::MAX_CHECKS;
use super::field::{
    account, context, neither, non_empty, policies, policy, resource_text, string, strings, tags,
    unknown,
};
use crate::json::{Cursor, Kind, Result};

/// `resources`.
pub(super) fn resources<'a>(c: &mut Cursor<'a>) -> Result<Vec<ResourceInput<'a>>> {
    let mut inputs = Vec::new();
    c.array(|c| {
        if inputs.len() == MAX_CHECKS {
            return Err(c.limit(format!("a request has more than {MAX_CHECKS} resources")));
        }
        inputs.push(match c.peek()? {
            Kind::String => ResourceInput { arn: resource_text(c)?, ..Default::default() },
            Kind::Object => resource(c)?,
            kind => return Err(neither(c, "an ARN or an object with `arn`", kind)),
        });
        Ok(())
    })?;
    non_empty(c, inputs)
}

fn resource<'a>(c: &mut Cursor<'a>) -> Result<ResourceInput<'a>> {
    let mut arn = None;
    let mut input = ResourceInput::default();
    c.object(|c, key| {
        match &*key {
            "arn" => arn = Some(resource_text(c)?),
            "data" => input.data = Some(Box::new(resource_data(c)?)),
            "context" => context(c, &mut input.context)?,
            _ => return unknown(c, &key, &["arn", "data", "context"]),
        }
        Ok(())
    })?;
    input.arn = arn.ok_or_else(|| c.invalid("`arn` is missing"))?;
    Ok(input)
}

/// `checks`.
pub(super) fn checks<'a>(c: &mut Cursor<'a>) -> Result<Vec<Check<'a>>> {
    let mut checks = Vec::new();
    c.array(|c| {
        if checks.len() == MAX_CHECKS {
            return Err(c.limit(format!("a request has more than {MAX_CHECKS} checks")));
        }
        checks.push(check(c)?);
        Ok(())
    })?;
    non_empty(c, checks)
}

fn check<'a>(c: &mut Cursor<'a>) -> Result<Check<'a>> {
    let mut action = None;
    let mut check = Check::default();
    c.object(|c, key| {
        match &*key {
            "action" => action = string(c)?,
            "resource" => check.resource = Some(resource_text(c)?),
            "data" => check.data = Some(Box::new(resource_data(c)?)),
            "context" => context(c, &mut check.context)?,
            _ => return unknown(c, &key, &["action", "resource", "data", "context"]),
        }
        Ok(())
    })?;
    check.action = action.ok_or_else(|| c.invalid("`action` is missing"))?;
    Ok(check)
}

/// `resourceData`, and `data` of one resource.
pub(super) fn resource_data<'a>(c: &mut Cursor<'a>) -> Result<ResourceData<'a>> {
    const FIELDS: [&str; 7] = [
        "account",
        "objectOwner",
        "tags",
        "policy",
        "managedByAws",
        "kmsGrants",
        "publicAccessBlock",
    ];
    let mut data = ResourceData::default();
    c.object(|c, key| {
        match &*key {
            "account" => data.account = Some(account(c)?),
            "objectOwner" => data.object_owner = Some(account(c)?),
            "tags" => data.tags = Some(tags(c)?),
            "policy" => {
                data.policy = Some(match c.peek()? {
                    Kind::Array => policies(c)?,
                    _ => vec![policy(c)?],
                });
            }
            "managedByAws" => data.managed_by_aws = Some(c.boolean()?),
            "kmsGrants" => data.kms_grants = Some(kms_grants(c)?),
            "publicAccessBlock" => data.public_access_block = Some(public_access_block(c)?),
            _ => return unknown(c, &key, &FIELDS),
        }
        Ok(())
    })?;
    Ok(data)
}

/// Grants on a key (E-81), as the format or as the output of `kms list-grants` spells them.
pub(crate) fn kms_grants<'a>(c: &mut Cursor<'a>) -> Result<Vec<KmsGrant<'a>>> {
    let mut grants = Vec::new();
    c.array(|c| {
        grants.push(kms_grant(c)?);
        Ok(())
    })?;
    Ok(grants)
}

fn kms_grant<'a>(c: &mut Cursor<'a>) -> Result<KmsGrant<'a>> {
    const FIELDS: [&str; 5] = [
        "grantee",
        "retiringPrincipal",
        "operations",
        "encryptionContextEquals",
        "encryptionContextSubset",
    ];
    let mut grantee: Option<Cow<'a, str>> = None;
    let mut grant = KmsGrant::default();
    c.object(|c, key| {
        match &*key {
            "grantee" | "GranteePrincipal" => grantee = string(c)?,
            "retiringPrincipal" | "RetiringPrincipal" => grant.retiring_principal = string(c)?,
            "operations" | "Operations" => grant.operations = strings(c)?,
            "encryptionContextEquals" => grant.encryption_context_equals = Some(tags(c)?),
            "encryptionContextSubset" => grant.encryption_context_subset = Some(tags(c)?),
            "Constraints" => {
                let (equals, subset) = constraints(c)?;
                grant.encryption_context_equals = equals;
                grant.encryption_context_subset = subset;
            }
            "KeyId" | "GrantId" | "Name" | "CreationDate" | "IssuingAccount" => c.skip()?,
            _ => return unknown(c, &key, &FIELDS),
        }
        Ok(())
    })?;
    grant.grantee = grantee.ok_or_else(|| c.invalid("`grantee` is missing"))?;
    Ok(grant)
}

type Constraints<'a> = (Option<Tags<'a>>, Option<Tags<'a>>);

fn constraints<'a>(c: &mut Cursor<'a>) -> Result<Constraints<'a>> {
    const FIELDS: [&str; 2] = ["EncryptionContextEquals", "EncryptionContextSubset"];
    let (mut equals, mut subset) = (None, None);
    c.object(|c, key| {
        match &*key {
            "EncryptionContextEquals" => equals = Some(tags(c)?),
            "EncryptionContextSubset" => subset = Some(tags(c)?),
            _ => return unknown(c, &key, &FIELDS),
        }
        Ok(())
    })?;
    Ok((equals, subset))
}

/// Block-public-access settings (E-86), as the format or as the outputs of S3 spell them.
pub(crate) fn public_access_block(c: &mut Cursor<'_>) -> Result<PublicAccessBlock> {
    const FIELDS: [&str; 4] =
        ["blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets"];
    let mut block = PublicAccessBlock::default();
    c.object(|c, key| {
        match &*key {
            "blockPublicAcls" | "BlockPublicAcls" => block.block_public_acls = c.boolean()?,
            "ignorePublicAcls" | "IgnorePublicAcls" => block.ignore_public_acls = c.boolean()?,
            "blockPublicPolicy" | "BlockPublicPolicy" => block.block_public_policy = c.boolean()?,
            "restrictPublicBuckets" | "RestrictPublicBuckets" => {
                block.restrict_public_buckets = c.boolean()?;
            }
            _ => return unknown(c, &key, &FIELDS),
        }
        Ok(())
    })?;
    Ok(block)
}
