//! The condition keys and tags that stand in the parameters of a call.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::Event;
use super::resources;

/// Parameters that services put in the context: service, parameter, key.
const KEYS: [(&str, &str, &str); 8] = [
    ("sts", "roleSessionName", "sts:RoleSessionName"),
    ("sts", "externalId", "sts:ExternalId"),
    ("iam", "policyArn", "iam:PolicyARN"),
    ("ec2", "instanceType", "ec2:InstanceType"),
    ("s3", "prefix", "s3:prefix"),
    ("s3", "delimiter", "s3:delimiter"),
    ("s3", "x-amz-acl", "s3:x-amz-acl"),
    ("secretsmanager", "name", "secretsmanager:Name"),
];

/// The member `context` of the request. `via` is the service that made the call for the caller.
pub(super) fn context(event: &Event, via: Option<&str>) -> BTreeMap<String, Value> {
    let mut context = BTreeMap::new();
    let parameters = &event.request_parameters;
    for (service, parameter, key) in KEYS {
        let value = parameters.get(parameter).and_then(Value::as_str);
        if let Some(value) = value.filter(|_| event.service() == service) {
            context.insert(key.to_owned(), resources::mapped(value).into());
        }
    }
    match event.service() {
        "kms" => key_management(event, via, &mut context),
        "s3" => {
            let version = event.tls_details.tls_version.as_deref();
            let number = version.and_then(|version| version.strip_prefix("TLSv"));
            context.extend(number.map(|number| ("s3:TlsVersion".to_owned(), number.into())));
        }
        _ => {}
    }
    context
}

fn key_management(event: &Event, via: Option<&str>, context: &mut BTreeMap<String, Value>) {
    if let Some(service) = via.and_then(|via| via.strip_suffix(".amazonaws.com")) {
        let value = format!("{service}.{}.amazonaws.com", event.aws_region);
        context.insert("kms:ViaService".to_owned(), value.into());
    }
    let pairs = event.request_parameters.get("encryptionContext").and_then(Value::as_object);
    for (name, value) in pairs.into_iter().flatten() {
        if let Some(value) = value.as_str() {
            context
                .insert(format!("kms:EncryptionContext:{name}"), resources::mapped(value).into());
        }
    }
}

/// Tags sent along, wherever they stand: objects of values, or lists of `key` and `value`.
pub(super) fn tags(parameters: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect_tags(parameters, &mut found);
    found
}

fn collect_tags(tree: &Value, found: &mut BTreeMap<String, String>) {
    match tree {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("tags", Value::Object(pairs)) => {
                        let pairs = pairs.iter().filter_map(|(k, v)| Some((k, v.as_str()?)));
                        found.extend(pairs.map(|(key, value)| (key.clone(), value.to_owned())));
                    }
                    ("tags" | "tagsList", Value::Array(items)) => {
                        let pair = |item: &Value| {
                            Some((item["key"].as_str()?.into(), item["value"].as_str()?.into()))
                        };
                        found.extend(items.iter().filter_map(pair));
                    }
                    _ => collect_tags(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_tags(item, found)),
        _ => {}
    }
}
