//! Condition keys that the parameters of a call fill (F-60).

use std::borrow::Cow;

use assize_catalog::Catalog;
use assize_formats::json::{Node, Value};
use assize_model::{ActionId, ContextInput, ContextScalar, Request, Tags};

use crate::parameters::{Parameters, is_empty, is_hidden, scalar};
use crate::record::Record;

/// Parameters and the keys they fill: service of the event source, beginning of the names of the
/// operations, parameter, key. State of November 2026.
const ROWS: [(&str, &str, &str, &str); 16] = [
    ("sts", "Assume", "externalId", "sts:ExternalId"),
    ("sts", "Assume", "roleSessionName", "sts:RoleSessionName"),
    ("sts", "Assume", "sourceIdentity", "sts:SourceIdentity"),
    ("sts", "Assume", "transitiveTagKeys", "sts:TransitiveTagKeys"),
    ("sts", "AssumeRoot", "taskPolicyArn", "sts:TaskPolicyArn"),
    ("iam", "Attach", "policyArn", "iam:PolicyARN"),
    ("iam", "Detach", "policyArn", "iam:PolicyARN"),
    // Elsewhere the key is the boundary that the target has, which no record shows (E-97).
    ("iam", "CreateRole", "permissionsBoundary", "iam:PermissionsBoundary"),
    ("iam", "CreateUser", "permissionsBoundary", "iam:PermissionsBoundary"),
    ("iam", "PutRolePermissionsBoundary", "permissionsBoundary", "iam:PermissionsBoundary"),
    ("iam", "PutUserPermissionsBoundary", "permissionsBoundary", "iam:PermissionsBoundary"),
    ("iam", "", "aWSServiceName", "iam:AWSServiceName"),
    ("s3", "", "prefix", "s3:prefix"),
    ("s3", "", "delimiter", "s3:delimiter"),
    ("s3", "", "max-keys", "s3:max-keys"),
    ("s3", "", "versionId", "s3:VersionId"),
];

/// What the keys of S3 begin with that carry a header of the call.
const S3_HEADERS: &str = "s3:x-amz-";

/// A header that every call has and no record shows.
const UNLOGGED_HEADER: &str = "s3:x-amz-content-sha256";

/// Calls of KMS whose encryption context is no parameter of that name: a grant holds later calls
/// to one, a re-encryption has two.
const OTHER_ENCRYPTION_CONTEXTS: [&str; 2] = ["CreateGrant", "ReEncrypt"];

/// Parameters that carry tags.
const TAG_PARAMETERS: [&str; 5] =
    ["tags", "tagSet", "tagSpecificationSet", "tagList", "principalTags"];

/// Services whose records show the tags of every call that takes some: without a tag parameter
/// none were sent.
const LOGS_ALL_TAGS: [&str; 3] = ["sts", "iam", "ec2"];

/// The keys of an action that parameters fill, looked up once.
#[derive(Debug, Default)]
pub(crate) struct ActionKeys<'c> {
    /// Which of [`ROWS`] the catalog lists for the action, a bit for each.
    rows: u32,
    /// Keys of S3 that carry a header of the call.
    headers: Vec<&'c str>,
    takes_tags: bool,
}

impl<'c> ActionKeys<'c> {
    /// The keys of an action of the catalog.
    pub(crate) fn of(catalog: &'c Catalog, action: ActionId) -> Self {
        let action = catalog.action_ref(action);
        let of_types = action.resource_types().flat_map(|listed| listed.condition_keys());
        let mut keys = Self::default();
        for key in action.condition_keys().chain(of_types) {
            let name = key.name();
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            for (at, row) in ROWS.iter().enumerate().filter(|(_, row)| is(row.3)) {
                debug_assert!(at < 32, "{} has a bit", row.3);
                keys.rows |= 1 << at;
            }
            if name.starts_with(S3_HEADERS)
                && name != UNLOGGED_HEADER
                && !keys.headers.contains(&name)
            {
                keys.headers.push(name);
            }
            keys.takes_tags |= is("aws:TagKeys") || is("aws:RequestTag/${TagKey}");
        }
        keys
    }
}

/// Puts into a request what the parameters say beside the resource.
pub(crate) fn context<'a, 'c: 'a>(
    request: &mut Request<'a>,
    record: &Record<'a>,
    parameters: &Parameters<'a>,
    actions: &[&ActionKeys<'c>],
) {
    let source = record.event_source.as_deref().unwrap_or_default();
    let service = source.split('.').next().unwrap_or_default();
    let name = record.event_name.as_deref().unwrap_or_default();
    let mut keys = Keys { request, actions };
    for (at, (_, operation, parameter, key)) in
        ROWS.iter().enumerate().filter(|(_, row)| row.0 == service)
    {
        if name.starts_with(operation) && keys.have_row(at) {
            keys.put(Cow::Borrowed(key), parameters, parameter);
        }
    }
    match service {
        "s3" => keys.headers(parameters),
        "kms" => keys.kms(record, parameters),
        _ => {}
    }
    keys.tags(service, parameters);
    if let Some(user) = record.identity.as_ref().and_then(|i| i.on_behalf_of.clone()) {
        keys.carry("identitystore:UserId".into(), text(user));
    }
}

/// The key of the source identity that a call sets for a session.
const SOURCE_IDENTITY: &str = "sts:SourceIdentity";
/// The keys of the tags that a call passes.
const TAG_KEYS: [&str; 2] = ["aws:TagKeys", "aws:RequestTag/"];

/// What a call that makes a session may pass and its record does not show is unknown by name, for
/// further checks of the call hang on it (E-90).
pub(crate) fn unknown_of_new_session(request: &mut Request<'_>, record: &Record<'_>) {
    let name = record.event_name.as_deref().unwrap_or_default();
    let makes_session = name.starts_with("Assume") || name == "GetFederationToken";
    if record.event_source.as_deref() != Some("sts.amazonaws.com") || !makes_session {
        return;
    }
    if request.request_tags.is_none() {
        request.unknown.extend(TAG_KEYS.map(Cow::Borrowed));
    }
    let is_carried = request.context.iter().any(|(key, _)| key == SOURCE_IDENTITY);
    let is_absent = request.absent.iter().any(|key| key == SOURCE_IDENTITY);
    if name.starts_with("Assume") && !is_carried && !is_absent {
        request.unknown.push(Cow::Borrowed(SOURCE_IDENTITY));
    }
}

struct Keys<'k, 'a, 'c> {
    request: &'k mut Request<'a>,
    actions: &'k [&'k ActionKeys<'c>],
}

impl<'a, 'c: 'a> Keys<'_, 'a, 'c> {
    /// Whether the catalog lists the key of a row for an action of the call.
    fn have_row(&self, at: usize) -> bool {
        self.actions.iter().any(|action| action.rows >> at & 1 == 1)
    }

    fn carry(&mut self, key: Cow<'a, str>, value: ContextInput<'a>) {
        self.request.context.push((key, value));
    }

    /// A key and the parameter that fills it. Parameters that were given without it say that the
    /// key is absent; one that the log hides says nothing.
    fn put(&mut self, key: Cow<'a, str>, parameters: &Parameters<'a>, parameter: &str) {
        let given = parameters.member(parameter);
        match given.and_then(input) {
            Some(value) => self.carry(key, value),
            None if given.is_some_and(is_hidden) => {}
            None if parameters.is_given() => self.request.absent.push(key),
            None => {}
        }
    }

    /// The headers of a call to S3 that are condition keys.
    fn headers(&mut self, parameters: &Parameters<'a>) {
        let mut names: Vec<&'c str> = Vec::new();
        for action in self.actions {
            for name in &action.headers {
                if !names.contains(name) {
                    names.push(name);
                }
            }
        }
        for name in names {
            self.put(Cow::Borrowed(name), parameters, name.trim_start_matches("s3:"));
        }
    }

    /// The encryption context. What is not in one that the log shows in full is not there.
    fn encryption_context(&mut self, parameters: &Parameters<'a>) {
        let Some(given) = parameters.member("encryptionContext") else {
            if parameters.is_given() {
                self.request.absent.push("kms:EncryptionContextKeys".into());
                self.request.complete.push("kms:EncryptionContext:".into());
            }
            return;
        };
        let Some(pairs) = given.as_object() else { return };
        let mut names = Vec::new();
        let mut shows_all = true;
        for member in pairs {
            names.push(ContextScalar::String(member.key.clone()));
            match scalar(&member.value) {
                Some(value) => {
                    let key = format!("kms:EncryptionContext:{}", member.key);
                    self.carry(Cow::Owned(key), text(value));
                }
                None => shows_all = false,
            }
        }
        self.carry("kms:EncryptionContextKeys".into(), ContextInput::List(names));
        if shows_all {
            self.request.complete.push("kms:EncryptionContext:".into());
        }
    }

    fn kms(&mut self, record: &Record<'a>, parameters: &Parameters<'a>) {
        let name = record.event_name.as_deref().unwrap_or_default();
        if !OTHER_ENCRYPTION_CONTEXTS.contains(&name) {
            self.encryption_context(parameters);
        }
        let Some(identity) = &record.identity else { return };
        let service = identity.invoked_by.as_deref().filter(|s| crate::principal::is_service(s));
        match (service.and_then(|name| name.split('.').next()), record.region.as_deref()) {
            (Some(service), Some(region)) => {
                let via = format!("{service}.{region}.amazonaws.com");
                self.carry("kms:ViaService".into(), text(Cow::Owned(via)));
            }
            _ if identity.invoked_by.is_none() => {
                self.request.absent.push("kms:ViaService".into());
            }
            _ => {}
        }
        if let Some(account) = &identity.account {
            self.carry("kms:CallerAccount".into(), text(account.clone()));
        }
    }

    fn tags(&mut self, service: &str, parameters: &Parameters<'a>) {
        let given = || TAG_PARAMETERS.iter().find_map(|name| parameters.member(name));
        if let Some(given) = self.takes_tags().then(given).flatten() {
            self.request.request_tags = tags(given);
        } else if LOGS_ALL_TAGS.contains(&service) && parameters.is_given() {
            self.request.request_tags = Some(Vec::new());
        }
    }

    /// Whether an action of the call knows tags of the request.
    fn takes_tags(&self) -> bool {
        self.actions.iter().any(|action| action.takes_tags)
    }
}

fn text(text: Cow<'_, str>) -> ContextInput<'_> {
    ContextInput::Scalar(ContextScalar::String(text))
}

/// The value of a parameter as the value of a key. A policy may be an object that holds its ARN.
fn input<'a>(node: &Node<'a>) -> Option<ContextInput<'a>> {
    match &node.value {
        Value::Array(items) => {
            let values = items.iter().filter_map(scalar).map(ContextScalar::String);
            Some(ContextInput::List(values.collect()))
        }
        Value::Object(_) => node.get("arn").and_then(scalar).map(text),
        _ => scalar(node).map(text),
    }
}

/// Tags in the forms that logs write them: a list of pairs, an object, the sets of EC2. None where
/// some of them cannot be read: which there are is not known then.
pub(crate) fn tags<'a>(node: &Node<'a>) -> Option<Tags<'a>> {
    let mut tags = Tags::new();
    collect_tags(node, &mut tags)?;
    Some(tags)
}

fn collect_tags<'a>(node: &Node<'a>, tags: &mut Tags<'a>) -> Option<()> {
    match &node.value {
        Value::Array(items) => items.iter().try_for_each(|item| collect_tags(item, tags)),
        Value::Object(members) => {
            let field = |names: [&str; 4]| names.iter().find_map(|name| node.get(name));
            if let Some(inner) = field(["items", "item", "tags", "tag"])
                .filter(|node| matches!(node.value, Value::Array(_)))
            {
                return collect_tags(inner, tags);
            }
            let key = field(["key", "Key", "tagKey", "TagKey"]).and_then(scalar);
            let value = field(["value", "Value", "tagValue", "TagValue"]);
            match (key, value) {
                (Some(key), None) => tags.push((key, Cow::Borrowed(""))),
                (Some(key), Some(value)) => tags.push((key, tag_value(value)?)),
                // An object whose members are the tags.
                (None, None) => {
                    for member in members {
                        tags.push((member.key.clone(), tag_value(&member.value)?));
                    }
                }
                (None, Some(_)) => return None,
            }
            Some(())
        }
        _ => is_empty(node).then_some(()),
    }
}

/// The value of a tag, which may be empty.
fn tag_value<'a>(node: &Node<'a>) -> Option<Cow<'a, str>> {
    scalar(node).or_else(|| is_empty(node).then(Cow::default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[(&str, &str)]) {
        let node = Node::parse(json).unwrap();
        let found = tags(&node).unwrap();
        let found: Vec<_> = found.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(found, expected, "{json}");
    }

    /// F-60.
    #[test]
    fn tags_are_read_in_every_form() {
        let pair = &[("a", "1")][..];
        check(r#"[{"key":"a","value":"1"}]"#, pair);
        check(r#"[{"Key":"a","Value":"1"}]"#, pair);
        check(r#"[{"tagKey":"a","tagValue":"1"}]"#, pair);
        check(r#"{"a":"1"}"#, pair);
        check(r#"{"items":[{"key":"a","value":"1"}]}"#, pair);
        let set = r#"{"items":[{"resourceType":"vpc","tags":[{"key":"a","value":"1"}]}]}"#;
        check(set, pair);
        check(r#"[{"key":"a","value":""}]"#, &[("a", "")]);
        check("{}", &[]);
        check(r#"{"items":[]}"#, &[]);
        check(r#"{"a":""}"#, &[("a", "")]);
        check("null", &[]);
        for unread in [
            r#""HIDDEN_DUE_TO_SECURITY_REASONS""#,
            r#"[{"key":"a","value":"1"},"b"]"#,
            r#"[{"key":"a","value":["1"]}]"#,
            r#"[{"key":"a","value":"***OMITTED***"}]"#,
            r#"[{"value":"1"}]"#,
        ] {
            assert_eq!(tags(&Node::parse(unread).unwrap()), None, "{unread}");
        }
    }
}
