//! Requests from the patterns of a policy.

use assize_catalog::{ActionRange, ArnFormat};
use assize_model::PolicyType;
use serde_json::{Map, Value, json};

use super::instance::{arn, matching, near, value_of, variables};
use super::{RealPolicy, list};
use crate::corpus::catalog;
use crate::generate::Source;

/// Makes requests about one policy.
pub(super) struct Maker<'p> {
    policy: &'p RealPolicy,
    statements: Vec<&'p Value>,
    /// The keys of variables anywhere in the document.
    variables: Vec<String>,
    /// Resources that a resource-based policy is attached to.
    owned: Vec<String>,
}

/// The role that a trust policy is of.
const ROLE: &str = "arn:aws:iam::111111111111:role/R";
/// What a resource-based policy is attached to that names no resource.
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111111111111:q";
/// Resources that a resource-based policy is attached to, at most.
const MAX_OWNED: usize = 6;

impl<'p> Maker<'p> {
    pub(super) fn new(policy: &'p RealPolicy) -> Self {
        let statements = list(&policy.document["Statement"]);
        let text = policy.document.to_string();
        let variables = variables(&text).map(str::to_owned).collect();
        let mut source = Source::seeded(0);
        let mut owned: Vec<String> = Vec::new();
        for pattern in statements.iter().flat_map(|s| list(&s["Resource"])) {
            owned.extend(pattern.as_str().and_then(|pattern| arn(&mut source, pattern)));
        }
        // An object is its bucket's; a record is of a bucket.
        for arn in &mut owned {
            if arn.starts_with("arn:aws:s3:::") {
                let end = arn.find('/').unwrap_or(arn.len());
                arn.truncate(end);
            }
        }
        owned.push(QUEUE.to_owned());
        owned.retain(|arn| {
            let segments: Vec<&str> = arn.splitn(6, ':').collect();
            let [arn, partition, service, _, account, resource] = segments[..] else {
                return false;
            };
            let is_account = account.is_empty() || account == "111111111111";
            let is_arn = arn == "arn" && partition == "aws" && !service.is_empty();
            is_arn && is_account && !resource.is_empty()
        });
        owned.sort();
        owned.dedup();
        owned.truncate(MAX_OWNED);
        Self { policy, statements, variables, owned }
    }

    pub(super) fn owned(&self) -> &[String] {
        &self.owned
    }

    /// A request about one of the statements.
    pub(super) fn request(&self, source: &mut Source<'_>) -> Value {
        const NOTHING: &Value = &Value::Null;
        let statement = match self.statements.len() {
            0 => NOTHING,
            n => self.statements[source.below(n)],
        };
        let action = action(source, statement);
        let mut request = json!({"principal": self.principal(source, statement)});
        if let Some(resource) = self.resource(source, statement, &action) {
            request["resource"] = json!(resource);
        }
        request["action"] = json!(action);
        request["context"] = self.context(source, statement);
        if self.policy.policy_type == PolicyType::VpcEndpoint {
            request["network"] = json!({"vpce": "vpce-1"});
        }
        request
    }

    fn principal(&self, source: &mut Source<'_>, statement: &Value) -> Value {
        let user = json!("arn:aws:iam::111111111111:user/u");
        let bounded = json!("arn:aws:iam::111111111111:user/bounded");
        let mut session = json!({"type": "roleSession", "role": ROLE, "session": {"name": "s"}});
        match self.policy.policy_type {
            PolicyType::ManagedIdentity | PolicyType::InlineIdentity => match source.below(5) {
                0 => bounded,
                1 => {
                    session["session"]["policy"] = self.policy.document.clone();
                    session
                }
                _ => user,
            },
            PolicyType::ServiceControl => match source.below(3) {
                0 => session,
                1 => json!({"type": "root", "account": "111111111111"}),
                _ => user,
            },
            _ if source.percent(25) => source.pick(&[&user, &session, &json!("anonymous")]).clone(),
            _ => named(source, statement).unwrap_or(user),
        }
    }

    fn resource(&self, source: &mut Source<'_>, statement: &Value, action: &str) -> Option<String> {
        if self.policy.policy_type == PolicyType::RoleTrust {
            return Some(ROLE.to_owned());
        }
        let name = if statement.get("NotResource").is_some() { "NotResource" } else { "Resource" };
        let patterns = list(&statement[name]);
        let pattern = match patterns.len() {
            0 => "*",
            n => patterns[source.below(n)].as_str().unwrap_or("*"),
        };
        let own = |source: &mut Source<'_>| match self.policy.policy_type {
            PolicyType::ResourceBased => Some(self.owned[source.below(self.owned.len())].clone()),
            _ => of_catalog(source, action),
        };
        let arn = arn(source, pattern).or_else(|| own(source))?;
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let is_arn = parts.len() == 6
            && parts[0] == "arn"
            && [1, 2, 5].iter().all(|at| !parts[*at].is_empty());
        is_arn.then_some(arn)
    }

    /// The keys that the statement tests, with a value that it wants, another one, or none; and
    /// the variables of the document.
    fn context(&self, source: &mut Source<'_>, statement: &Value) -> Value {
        let mut context = Map::new();
        for key in &self.variables {
            if source.percent(90) {
                context.insert(key.clone(), json!(value_of(key)));
            }
        }
        let operators = statement["Condition"].as_object().into_iter().flatten();
        for (operator, keys) in operators {
            for (key, values) in keys.as_object().into_iter().flatten() {
                let is_set = operator.starts_with("For");
                if let Some(value) = tested(source, &list(values), is_set) {
                    context.retain(|known, _| !known.eq_ignore_ascii_case(key));
                    context.insert(key.clone(), value);
                }
            }
        }
        Value::Object(context)
    }
}

/// A value for a key that is compared with some values; none in one of five cases.
fn tested(source: &mut Source<'_>, values: &[&Value], is_set: bool) -> Option<Value> {
    if values.is_empty() || source.percent(20) {
        return None;
    }
    let text = match values[source.below(values.len())] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // The block of an address test is no address; its first one is.
    let text = match text.split_once('/') {
        Some((address, bits)) if bits.parse::<u8>().is_ok() => address.to_owned(),
        _ => text,
    };
    let value = if source.percent(75) { matching(source, &text) } else { near(source, &text) };
    Some(match source.below(3) {
        0 if is_set => json!([value, "another"]),
        _ if is_set => json!([value]),
        _ => json!(value),
    })
}

/// One of the principals that a statement names, or one near it.
fn named(source: &mut Source<'_>, statement: &Value) -> Option<Value> {
    let element = statement.get("Principal").or_else(|| statement.get("NotPrincipal"))?;
    let Some(map) = element.as_object() else { return Some(json!("anonymous")) };
    let entries: Vec<(&str, &str)> = map
        .iter()
        .flat_map(|(kind, values)| list(values).into_iter().map(move |v| (kind, v)))
        .filter_map(|(kind, value)| Some((kind.as_str(), value.as_str()?)))
        .collect();
    if entries.is_empty() {
        return None;
    }
    let (kind, value) = entries[source.below(entries.len())];
    match kind {
        "Service" => Some(json!({"type": "service", "service": value})),
        "Federated" => Some(json!({"type": "federated", "provider": value})),
        _ => aws(source, value),
    }
}

/// A user or session of another account that an entry under `AWS` names.
fn aws(source: &mut Source<'_>, value: &str) -> Option<Value> {
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    let account = if parts.len() == 6 { parts[4] } else { value };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if !is_account || account == "111111111111" {
        return None;
    }
    let rest = parts.get(5).copied().unwrap_or_default();
    Some(match rest.split_once('/') {
        Some(("user" | "role", _)) if source.percent(70) => json!(value),
        _ => match source.below(3) {
            0 => json!({"type": "root", "account": account}),
            1 => json!(format!("arn:aws:sts::{account}:assumed-role/other/s")),
            _ => json!(format!("arn:aws:iam::{account}:user/other")),
        },
    })
}

/// An action that a statement's patterns match, or one near it.
fn action(source: &mut Source<'_>, statement: &Value) -> String {
    const USUAL: &str = "s3:GetObject";
    let name = if statement.get("NotAction").is_some() { "NotAction" } else { "Action" };
    let patterns = list(&statement[name]);
    if patterns.is_empty() || source.percent(10) {
        return USUAL.to_owned();
    }
    let pattern = patterns[source.below(patterns.len())].as_str().unwrap_or_default();
    let Some((vendor, name)) = pattern.split_once(':') else { return USUAL.to_owned() };
    let known: Vec<usize> = match source.below(4) {
        // Another action of the service.
        0 => catalog()
            .service_id(vendor)
            .map_or_else(Vec::new, |service| catalog().actions_of(service).positions().collect()),
        _ => catalog().expand(vendor, name).iter().flat_map(ActionRange::positions).collect(),
    };
    let found = (!known.is_empty()).then(|| known[source.below(known.len())]);
    if let Some(action) = found.and_then(|at| catalog().actions().nth(at)) {
        return action.full_name();
    }
    let made = matching(source, name);
    let made: String = made.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{vendor}:{}", if made.is_empty() { "X" } else { &made })
}

/// An ARN of a type that an action takes.
fn of_catalog(source: &mut Source<'_>, action: &str) -> Option<String> {
    let action = catalog().action_ref(catalog().action_by_full_name(action)?);
    let formats: Vec<ArnFormat<'_>> =
        action.resource_types().flat_map(|r| r.resource_type().formats()).collect();
    if formats.is_empty() {
        return None;
    }
    let mut arn = String::new();
    let mut rest = formats[source.below(formats.len())].text();
    while let Some((before, after)) = rest.split_once("${") {
        arn.push_str(before);
        let (name, after) = after.split_once('}')?;
        arn.push_str(match name {
            "Partition" => "aws",
            "Region" => "eu-west-1",
            "Account" => "111111111111",
            _ => "thing",
        });
        rest = after;
    }
    arn.push_str(rest);
    Some(arn)
}
