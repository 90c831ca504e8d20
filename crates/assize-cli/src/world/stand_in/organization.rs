//! The organization of a made-up world: the given SCPs and RCPs on its root.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, bail};
use assize_model::{AccountId, Effect, PolicyType};
use assize_policy::{LoadMode, LoadOptions, load};
use assize_store::{
    DocumentText, FULL_AWS_ACCESS_ID, Organization, OrganizationNode, OrganizationPolicy,
    OrganizationalUnit, RCP_FULL_AWS_ACCESS_ID,
};

use super::layers::{Document, Layers};
use crate::args::ContextPair;

/// The id of the organization when `-c` does not say it.
const ORGANIZATION_ID: &str = "o-standin000";
const ROOT_ID: &str = "r-root";
/// The greatest account id. The greatest that is no member is the management account, which SCPs
/// and RCPs exempt (E-35, E-36).
const LAST_ACCOUNT: u64 = 999_999_999_999;

/// What `-c` says of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    id: String,
    /// The root, and the units from it down to the accounts.
    path: Option<(String, Vec<String>)>,
}

impl Said {
    /// `aws:PrincipalOrgID` and `aws:PrincipalOrgPaths`, else those of the resource.
    ///
    /// # Errors
    /// A path that is none, or that is of another organization than the id.
    pub(super) fn of(pairs: &[ContextPair]) -> Result<Option<Self>> {
        let value = |names: [&str; 2]| {
            let is = |name: &&str| pairs.iter().find(|pair| pair.key.eq_ignore_ascii_case(name));
            names.iter().find_map(is).map(|pair| pair.value.as_str())
        };
        let id = value(["aws:PrincipalOrgID", "aws:ResourceOrgID"]);
        let Some(text) = value(["aws:PrincipalOrgPaths", "aws:ResourceOrgPaths"]) else {
            return Ok(id.map(|id| Self { id: id.to_owned(), path: None }));
        };
        let parts: Vec<&str> = text.strip_suffix('/').unwrap_or_default().split('/').collect();
        let [organization, root, units @ ..] = &parts[..] else { bail!(no_path(text)) };
        if parts.iter().any(|part| part.is_empty() || part.contains(['*', '?'])) {
            bail!(no_path(text));
        }
        if id.is_some_and(|id| id != *organization) {
            bail!(
                "`{text}` is a path of another organization than the one of the id that is given"
            );
        }
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        Ok(Some(Self { id: (*organization).to_owned(), path: Some(((*root).to_owned(), units)) }))
    }
}

fn no_path(text: &str) -> String {
    format!(
        "`{text}`: expected the path of an account, such as o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"
    )
}

/// The organization above the accounts, when SCPs or RCPs are given or its id is said, and what was
/// assumed.
pub(super) fn of(
    layers: &Layers,
    members: &BTreeSet<AccountId>,
    said: Option<&Said>,
) -> Option<(Organization<DocumentText>, Option<&'static str>)> {
    if layers.scp.is_empty() && layers.rcp.is_empty() && said.is_none() {
        return None;
    }
    let management = (0..=LAST_ACCOUNT)
        .rev()
        .filter_map(|id| format!("{id:012}").parse::<AccountId>().ok())
        .find(|id| !members.contains(id))?;
    let mut scps = ids(&layers.scp);
    let only_denies = !layers.scp.is_empty() && layers.scp.iter().all(only_denies);
    if layers.scp.is_empty() || only_denies {
        scps.push(FULL_AWS_ACCESS_ID.into());
    }
    let mut rcps = ids(&layers.rcp);
    rcps.push(RCP_FULL_AWS_ACCESS_ID.into());
    let root = OrganizationNode { parent: None, unit: None, scps, rcps };
    let (root_id, units) = match said.and_then(|said| said.path.as_ref()) {
        Some((root_id, units)) => (root_id.as_str(), &units[..]),
        None => (ROOT_ID, &[][..]),
    };
    let mut nodes = BTreeMap::from([(root_id.into(), root)]);
    let below = |parent: &str, unit: Option<&str>| OrganizationNode {
        parent: Some(parent.into()),
        unit: unit.map(|name| OrganizationalUnit { name: name.into() }),
        scps: vec![FULL_AWS_ACCESS_ID.into()],
        rcps: vec![RCP_FULL_AWS_ACCESS_ID.into()],
    };
    let mut parent = root_id;
    for unit in units {
        nodes.insert(unit.as_str().into(), below(parent, Some(unit)));
        parent = unit;
    }
    for account in members {
        nodes.insert(account.as_str().into(), below(parent, None));
    }
    let scps = policies(&layers.scp, false);
    let rcps = policies(&layers.rcp, true);
    let organization = Organization {
        id: said.map_or(ORGANIZATION_ID, |said| &said.id).into(),
        management_account: management,
        root_id: root_id.into(),
        scp_enabled: !layers.scp.is_empty(),
        rcp_enabled: !layers.rcp.is_empty(),
        delegated_administrators: BTreeMap::new(),
        policies: scps.chain(rcps).collect(),
        nodes,
    };
    let assumption =
        only_denies.then_some("the SCPs only deny, so FullAWSAccess is taken to stand beside them");
    Some((organization, assumption))
}

fn ids(documents: &[Document]) -> Vec<Box<str>> {
    documents.iter().map(id).collect()
}

/// SCPs and RCPs share one name space, and so do the names of the documents.
fn id(document: &Document) -> Box<str> {
    format!("p-{}", document.name).into()
}

type Entry = (Box<str>, Arc<OrganizationPolicy<DocumentText>>);

fn policies(documents: &[Document], resource_control: bool) -> impl Iterator<Item = Entry> {
    documents.iter().map(move |document| {
        let id = id(document);
        let policy = OrganizationPolicy {
            id: id.clone(),
            name: document.name.as_str().into(),
            arn: None,
            resource_control,
            aws_managed: false,
            document: document.text(),
        };
        (id, Arc::new(policy))
    })
}

/// Whether no statement of a document allows anything: such an SCP is meant to stand beside
/// `FullAWSAccess`, and alone it would deny everything (E-35).
fn only_denies(document: &Document) -> bool {
    let options = LoadOptions::new(PolicyType::ServiceControl, LoadMode::Import);
    load(&document.text().text, &options).policy.is_some_and(|policy| {
        policy.statements.iter().all(|statement| statement.effect == Effect::Deny)
    })
}
