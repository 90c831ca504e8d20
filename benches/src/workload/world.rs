//! The world of a workload, as a scenario file.

use std::fmt::Write as _;

use super::{ACCOUNT, ORGANIZATION};

/// A policy document with a name.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    /// The name.
    pub name: String,
    /// The ARN, when AWS owns it.
    pub arn: Option<String>,
    /// The text.
    pub document: String,
}

impl PolicyDocument {
    pub(super) fn aws_managed(name: &str, arn: &str, document: &str) -> Self {
        Self { name: name.into(), arn: Some(arn.into()), document: document.into() }
    }

    pub(super) fn customer(name: &str, document: &str) -> Self {
        Self { name: name.into(), arn: None, document: document.into() }
    }

    pub(crate) fn unnamed(document: &str) -> Self {
        Self::customer("", document)
    }
}

/// A user or role of the world.
#[derive(Debug, Clone)]
pub struct Entity {
    /// Whether it is a user; else a role.
    pub is_user: bool,
    /// Its account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Its identity policies.
    pub identity: Vec<PolicyDocument>,
    /// Its permissions boundary.
    pub boundary: Option<PolicyDocument>,
}

impl Entity {
    pub(super) fn user(
        name: &str,
        tags: &[(&str, &str)],
        identity: Vec<PolicyDocument>,
        boundary: Option<PolicyDocument>,
    ) -> Self {
        let tags = tags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Self { is_user: true, account: ACCOUNT.into(), name: name.into(), tags, identity, boundary }
    }

    pub(super) fn role(
        name: &str,
        tags: &[(&str, &str)],
        identity: Vec<PolicyDocument>,
        boundary: Option<PolicyDocument>,
    ) -> Self {
        Self { is_user: false, ..Self::user(name, tags, identity, boundary) }
    }

    /// The ARN.
    pub fn arn(&self) -> String {
        let kind = if self.is_user { "user" } else { "role" };
        format!("arn:aws:iam::{}:{kind}/{}", self.account, self.name)
    }
}

impl Entity {
    /// The context keys that follow from who asks (E-15), for evaluators that derive none.
    pub fn derived_keys(&self, in_organization: bool) -> Vec<(String, String)> {
        let kind = if self.is_user { "User" } else { "AssumedRole" };
        let mut keys = vec![
            ("aws:PrincipalArn".to_owned(), self.arn()),
            ("aws:PrincipalAccount".to_owned(), self.account.clone()),
            ("aws:PrincipalType".to_owned(), kind.to_owned()),
            ("aws:PrincipalIsAWSService".to_owned(), "false".to_owned()),
        ];
        if self.is_user {
            keys.push(("aws:username".to_owned(), self.name.clone()));
        } else {
            keys.push(("aws:MultiFactorAuthPresent".to_owned(), "false".to_owned()));
        }
        if in_organization {
            keys.push(("aws:PrincipalOrgID".to_owned(), ORGANIZATION.to_owned()));
            let path = format!("{ORGANIZATION}/r-root/");
            keys.push(("aws:PrincipalOrgPaths".to_owned(), path));
        }
        let tags = self.tags.iter();
        keys.extend(tags.map(|(key, value)| (format!("aws:PrincipalTag/{key}"), value.clone())));
        keys
    }
}

/// Who exists and what is attached to whom.
#[derive(Debug, Clone)]
pub struct World {
    /// Users and roles.
    pub entities: Vec<Entity>,
    /// Service control policies at the root, beside `FullAWSAccess`; empty without organization.
    pub scps: Vec<PolicyDocument>,
    pub(crate) in_organization: bool,
}

impl World {
    pub(super) fn new(in_organization: bool) -> Self {
        Self { entities: Vec::new(), scps: Vec::new(), in_organization }
    }

    pub(super) fn add(&mut self, entity: Entity) {
        self.entities.push(entity);
    }

    /// Deals the entities out to `n_accounts` accounts.
    pub(super) fn spread(&mut self, n_accounts: usize) {
        for (index, entity) in self.entities.iter_mut().enumerate() {
            if index % n_accounts != 0 {
                entity.account = format!("{:012}", 200_000_000_000_usize + index % n_accounts);
            }
        }
    }

    fn accounts(&self) -> Vec<&str> {
        let mut accounts: Vec<&str> = self.entities.iter().map(|e| e.account.as_str()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    /// The world as the JSON text of a scenario file.
    pub fn to_scenario(&self) -> String {
        let mut text =
            String::from(r#"{"assize":1,"options":{"unknownResourceAccount":"principal"}"#);
        if self.in_organization {
            self.write_organization(&mut text);
        }
        text.push_str(r#","accounts":{"#);
        for (index, account) in self.accounts().into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(text, r#"{comma}"{account}":{{"#).expect("writing to a string does not fail");
            self.write_account(&mut text, account);
            text.push('}');
        }
        text.push_str("}}");
        text
    }

    fn write_organization(&self, text: &mut String) {
        let scps: Vec<&str> = self.scps.iter().map(|p| p.document.as_str()).collect();
        let accounts: Vec<String> =
            self.accounts().iter().map(|account| format!(r#""{account}""#)).collect();
        write!(
            text,
            r#","organization":{{"id":"{ORGANIZATION}","managementAccount":"999999999999","policyTypes":["SCP"],"root":{{"id":"r-root","scps":["FullAWSAccess",{}],"accounts":["999999999999",{}]}}}}"#,
            scps.join(","),
            accounts.join(","),
        )
        .expect("writing to a string does not fail");
    }

    fn write_account(&self, text: &mut String, account: &str) {
        let mine = || self.entities.iter().filter(|e| e.account == account);
        let mut policies: Vec<&PolicyDocument> = mine()
            .flat_map(|e| e.identity.iter().chain(&e.boundary))
            .filter(|p| p.arn.is_none())
            .collect();
        policies.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        policies.dedup_by(|a, b| a.name == b.name);
        let documents: Vec<String> =
            policies.iter().map(|p| format!(r#""{}":{}"#, p.name, p.document)).collect();
        let of_kind = |is_user: bool| -> Vec<String> {
            mine().filter(|e| e.is_user == is_user).map(entity_member).collect()
        };
        write!(
            text,
            r#""policies":{{{}}},"users":{{{}}},"roles":{{{}}}"#,
            documents.join(","),
            of_kind(true).join(","),
            of_kind(false).join(","),
        )
        .expect("writing to a string does not fail");
    }
}

/// One member of `users` or `roles`.
fn entity_member(entity: &Entity) -> String {
    let arn_of = |policy: &PolicyDocument| {
        let arn = policy.arn.clone();
        arn.unwrap_or_else(|| format!("arn:aws:iam::{}:policy/{}", entity.account, policy.name))
    };
    let tags: Vec<String> = entity.tags.iter().map(|(k, v)| format!(r#""{k}":"{v}""#)).collect();
    let attached: Vec<String> =
        entity.identity.iter().map(|p| format!(r#""{}""#, arn_of(p))).collect();
    let boundary = entity
        .boundary
        .as_ref()
        .map(|p| format!(r#","boundary":"{}""#, arn_of(p)))
        .unwrap_or_default();
    format!(
        r#""{}":{{"tags":{{{}}},"attached":[{}]{boundary}}}"#,
        entity.name,
        tags.join(","),
        attached.join(","),
    )
}
