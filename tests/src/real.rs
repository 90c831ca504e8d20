//! Policies of AWS and of others, each in a world where it says who may do what, and requests made
//! from its own patterns.

mod instance;
mod request;

use assize_catalog::ManagedPolicies;
use assize_model::PolicyType;
use assize_policy::{LoadMode, LoadOptions, Loaded, load};
use serde_json::{Value, json};

use crate::differential::{Difference, Tally, compare};
use crate::fixtures::{records, text};
use crate::generate::{Source, World};

/// A policy that someone wrote.
#[derive(Debug, Clone)]
pub struct RealPolicy {
    /// What tells it from the others.
    pub name: String,
    /// What it was written as.
    pub policy_type: PolicyType,
    /// The document.
    pub document: Value,
}

/// The policies of the library of AWS-managed ones and of all fixtures whose documents are JSON.
///
/// # Panics
/// When a fixture is not there.
pub fn policies() -> Vec<RealPolicy> {
    let managed = ManagedPolicies::bundled().expect("the bundled policies load");
    let managed = managed.iter().map(|policy| RealPolicy {
        name: policy.name().to_owned(),
        policy_type: PolicyType::ManagedIdentity,
        document: serde_json::from_str(policy.document()).expect("a managed policy is JSON"),
    });
    let mut policies: Vec<RealPolicy> = managed.collect();
    for file in ["policies", "privesc-policies"] {
        let records = records(&format!("{file}.ndjson.gz"));
        policies.extend(records.iter().map(|record| RealPolicy {
            name: format!("{file} {}", text(record, "id")),
            policy_type: type_of(text(record, "kind")),
            document: match record["placeholders"].as_bool() {
                Some(true) => filled(&record["document"], ""),
                _ => record["document"].clone(),
            },
        }));
    }
    policies.extend(records("odd-policies.ndjson.gz").iter().filter_map(odd));
    policies
}

/// A document with something in place of the expressions of a template, which are `${…}` without
/// a colon: an ARN where the whole of an ARN is meant, a name elsewhere.
fn filled(value: &Value, member: &str) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), filled(value, name))).collect()
        }
        Value::Array(items) => items.iter().map(|item| filled(item, member)).collect(),
        Value::String(text) => {
            let mut text = text.clone();
            while let Some((start, len)) = expression(&text) {
                let value = match member {
                    "AWS" if start == 0 => "111111111111",
                    "Resource" if start == 0 => "arn:aws:s3:::thing",
                    "AWS" => "222222222222",
                    _ => "thing",
                };
                text.replace_range(start..start + len, value);
            }
            json!(text)
        }
        other => other.clone(),
    }
}

/// Where the first expression of a template is, and how long.
fn expression(text: &str) -> Option<(usize, usize)> {
    let starts = text.match_indices("${").map(|(at, _)| at);
    let spans = starts.filter_map(|at| Some((at, text[at..].find('}')? + 1)));
    spans.into_iter().find(|(at, len)| !text[*at..at + len].contains(':'))
}

/// What a kind of the fixtures is.
fn type_of(kind: &str) -> PolicyType {
    match kind {
        "scp" => PolicyType::ServiceControl,
        "rcp" => PolicyType::ResourceControl,
        "resource" => PolicyType::ResourceBased,
        "trust" => PolicyType::RoleTrust,
        "endpoint" => PolicyType::VpcEndpoint,
        _ => PolicyType::InlineIdentity,
    }
}

/// An odd policy, if it is JSON: of a resource where it names a principal.
fn odd(record: &Value) -> Option<RealPolicy> {
    let document: Value = serde_json::from_str(text(record, "text")).ok()?;
    let statements = list(&document["Statement"]);
    let names_someone =
        |s: &&Value| s.get("Principal").is_some() || s.get("NotPrincipal").is_some();
    let is_of_resource = statements.iter().any(names_someone);
    let policy_type =
        if is_of_resource { PolicyType::ResourceBased } else { PolicyType::InlineIdentity };
    Some(RealPolicy { name: format!("odd {}", text(record, "id")), policy_type, document })
}

/// A value or the items of a list of values.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

impl RealPolicy {
    /// Loads it, as stored or as written by an author.
    pub fn load(&self, mode: LoadMode) -> Loaded {
        let options = LoadOptions::new(self.policy_type, mode);
        load(&self.document.to_string(), &options)
    }

    /// Decides requests made from its patterns by the reference and by the tables.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, n_requests: usize) -> Result<Tally, Box<Difference>> {
        let mut source = Source::seeded(n_requests as u64);
        let maker = request::Maker::new(self);
        let requests: Vec<Value> = (0..n_requests).map(|_| maker.request(&mut source)).collect();
        compare(&self.world(&maker), &requests)
    }

    /// The world in which the policy stands where one of its type stands.
    fn world(&self, maker: &request::Maker<'_>) -> World {
        let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
            "Resource": "*"}]});
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}]});
        let mut scenario = json!({
            "assize": 1,
            // Patterns are about keys that AWS sets as well.
            "options": {"time": "2024-05-01T12:00:00Z", "allowContextOverride": true,
                "unknownResourceAccount": "principal", "checkResourceTypes": false},
            "accounts": {"111111111111": {
                "users": {"u": {"attached": [all]}, "none": {}},
                "roles": {"R": {"attached": [all], "trust": trust}},
            }},
        });
        let account = &mut scenario["accounts"]["111111111111"];
        let document = &self.document;
        match self.policy_type {
            PolicyType::ServiceControl => {
                scenario["organization"] = organization("scps", json!(["FullAWSAccess", document]));
            }
            PolicyType::ResourceControl => {
                scenario["organization"] = organization("rcps", json!([document]));
            }
            PolicyType::RoleTrust => account["roles"]["R"]["trust"] = document.clone(),
            PolicyType::ResourceBased => {
                let records = maker
                    .owned()
                    .iter()
                    .map(|arn| json!({"arn": arn, "account": "111111111111", "policy": document}));
                scenario["resources"] = records.collect();
            }
            PolicyType::VpcEndpoint => {
                scenario["endpoints"] = json!({"vpce-1": {"account": "111111111111",
                    "vpc": "vpc-1", "type": "Interface", "policy": document}});
            }
            _ => {
                account["users"]["u"]["attached"] = json!([document]);
                account["users"]["bounded"] = json!({"attached": [all], "boundary": document});
            }
        }
        World { scenario }
    }
}

/// An organization whose one OU has policies.
fn organization(kind: &str, policies: Value) -> Value {
    let mut unit = json!({"id": "ou-1aaa-aaaaaaa1", "accounts": ["111111111111"]});
    unit[kind] = policies;
    json!({"id": "o-w1aaaaaaaa", "managementAccount": "100000000001",
        "policyTypes": ["SCP", "RCP"],
        "root": {"id": "r-1aaa", "accounts": ["100000000001"], "ous": [unit]}})
}
