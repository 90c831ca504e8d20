//! Where a resource is that a parameter names by more than its name (F-56).
//!
//! Most services take an ARN in place of a name, of another account's resource too: the account
//! and the region are then those of the ARN, not those of the call. A queue is named by its URL,
//! a function by the part of its ARN that begins with the account. Calls on a registry, a data
//! catalog or the URL of a queue have a parameter for its account.

use assize_model::{AccountId, ArnParts};

use crate::parameters::{Parameters, may_have_member};
use crate::record::Record;

/// What a parameter says of where a resource is, beside its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place<'t> {
    pub(crate) partition: Option<&'t str>,
    pub(crate) region: Option<&'t str>,
    pub(crate) account: Option<&'t str>,
}

impl<'t> Place<'t> {
    /// The place that a parameter gives for a resource of a service, if it gives one.
    pub(crate) fn of(parameter: &'t str, service: &str) -> Option<Self> {
        let some = |text: &'t str| Some(text).filter(|text| !text.is_empty());
        let of_account = |account: &'t str| {
            is_account(account).then_some(Self { account: Some(account), ..Self::default() })
        };
        if let Some(rest) = parameter.strip_prefix("arn:") {
            let mut parts = rest.splitn(5, ':');
            let mut next = || parts.next();
            let (partition, own, region, account) = (next()?, next()?, next()?, next()?);
            let place =
                Self { partition: some(partition), region: some(region), account: some(account) };
            return (own == service).then_some(place);
        }
        match service {
            "sqs" => {
                let (_, rest) = parameter.split_once("://")?;
                of_account(rest.split('/').nth(1)?)
            }
            "lambda" => {
                let (account, rest) = parameter.split_once(':')?;
                of_account(account).filter(|_| rest.starts_with("function:"))
            }
            _ => None,
        }
    }
}

/// The parameter that says in which account the resources of a call are, where a service has one.
fn owner_parameter(source: &str, name: &str) -> Option<&'static str> {
    match (source, name) {
        ("ecr.amazonaws.com", _) => Some("registryId"),
        ("glue.amazonaws.com", _) => Some("catalogId"),
        ("sqs.amazonaws.com", _) => Some("queueOwnerAWSAccountId"),
        // The account whose root user a session is asked for, or that root user.
        ("sts.amazonaws.com", "AssumeRoot") => Some("targetPrincipal"),
        _ => None,
    }
}

/// The account that a record names by a parameter alone as the owner of what the call is about.
/// Most calls name none: their parameters are not read for it.
pub fn named_owner(record: &Record<'_>) -> Option<AccountId> {
    let parameter = owner_parameter(record.event_source.as_deref()?, record.event_name.as_deref()?);
    let json = record.request_parameters?;
    if !may_have_member(json, parameter?) {
        return None;
    }
    stated_owner(record, &Parameters::read(Some(json), ""))
}

/// The same by the parameters, once they are read.
pub(crate) fn stated_owner(record: &Record<'_>, parameters: &Parameters<'_>) -> Option<AccountId> {
    let source = record.event_source.as_deref()?;
    let stated = parameters.text(owner_parameter(source, record.event_name.as_deref()?)?)?;
    match ArnParts::split(&stated) {
        Some(arn) => arn.account_id(),
        None => stated.split(':').next()?.parse().ok(),
    }
}

/// The name of a catalog inside of an account's own, by its id: `222222222222:name`.
pub(crate) fn nested_catalog(id: &str) -> Option<&str> {
    let (account, name) = id.split_once(':')?;
    Some(name).filter(|name| is_account(account) && !name.is_empty())
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a parameter names a KMS key by an alias, which says nothing of the key (E-82).
pub(crate) fn is_alias(parameter: &str, service: &str) -> bool {
    service == "kms" && (parameter.starts_with("alias/") || parameter.contains(":alias/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parameter: &str, service: &str, expected: Option<[Option<&str>; 3]>) {
        let found = Place::of(parameter, service);
        let found = found.map(|place| [place.partition, place.region, place.account]);
        assert_eq!(found, expected, "{parameter} of {service}");
    }

    /// F-56: by a few bytes of the record, as by its parameters.
    #[test]
    fn some_parameters_name_the_owner() {
        let owner = "222222222222".parse().ok();
        for (source, name, json, expected) in [
            ("ecr.amazonaws.com", "BatchGetImage", r#"{"registryId":"222222222222"}"#, owner),
            ("ecr.amazonaws.com", "BatchGetImage", r#"{"repositoryName":"222222222222"}"#, None),
            ("glue.amazonaws.com", "GetTable", r#"{"catalogId":"222222222222"}"#, owner),
            ("glue.amazonaws.com", "GetTable", r#"{"catalogId":"222222222222:a/b"}"#, owner),
            ("glue.amazonaws.com", "GetTable", r#"{"catalogId":"a:222222222222"}"#, None),
            ("glue.amazonaws.com", "GetTable", r#"{"filter":"catalogId"}"#, None),
            ("kms.amazonaws.com", "Decrypt", r#"{"catalogId":"222222222222"}"#, None),
            ("sts.amazonaws.com", "AssumeRoot", r#"{"targetPrincipal":"222222222222"}"#, owner),
            ("sts.amazonaws.com", "AssumeRole", r#"{"targetPrincipal":"222222222222"}"#, None),
        ] {
            let record = Record {
                event_source: Some(source.into()),
                event_name: Some(name.into()),
                request_parameters: Some(json),
                ..Record::default()
            };
            assert_eq!(named_owner(&record), expected, "{source} {json}");
            let parameters = Parameters::read(Some(json), "");
            assert_eq!(stated_owner(&record, &parameters), expected, "{source} {json}");
        }
        assert_eq!(nested_catalog("222222222222:a/b"), Some("a/b"));
        assert_eq!(nested_catalog("222222222222"), None);
        assert_eq!(nested_catalog("222222222222:"), None);
        assert_eq!(nested_catalog("a:222222222222"), None);
    }

    /// F-56.
    #[test]
    fn parameters_say_where_resources_are() {
        let account = Some("222222222222");
        let key = "arn:aws-cn:kms:cn-north-1:222222222222:key/k";
        check(key, "kms", Some([Some("aws-cn"), Some("cn-north-1"), account]));
        check("arn:aws:iam::222222222222:role/r", "iam", Some([Some("aws"), None, account]));
        check("arn:aws:iam::222222222222:role/r", "kms", None);
        check("arn:aws:kms", "kms", None);
        check("k", "kms", None);
        let url = "https://sqs.eu-west-1.amazonaws.com/222222222222/q";
        check(url, "sqs", Some([None, None, account]));
        check(url, "lambda", None);
        check("https://example.com/q", "sqs", None);
        check("222222222222:function:f", "lambda", Some([None, None, account]));
        check("22222222222x:function:f", "lambda", None);
        check("f:1", "lambda", None);
    }
}
