//! The organization of a made-up world: the given SCPs and RCPs on its root.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize_model::{AccountId, Effect, PolicyType};
use assize_policy::{LoadMode, LoadOptions, load};
use assize_store::{
    DocumentText, FULL_AWS_ACCESS_ID, Organization, OrganizationNode, OrganizationPolicy,
    RCP_FULL_AWS_ACCESS_ID,
};

use super::layers::{Document, Layers};

/// The id of the organization when `-c` does not say it.
const ORGANIZATION_ID: &str = "o-standin000";
const ROOT_ID: &str = "r-root";
/// The greatest account id. The greatest that is no member is the management account, which SCPs
/// and RCPs exempt (E-35, E-36).
const LAST_ACCOUNT: u64 = 999_999_999_999;

/// The organization above the accounts, when SCPs or RCPs are given or its id is said, and what was
/// assumed.
pub(super) fn of(
    layers: &Layers,
    members: &BTreeSet<AccountId>,
    said: Option<&str>,
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
    let mut nodes = BTreeMap::from([(ROOT_ID.into(), root)]);
    for account in members {
        let node = OrganizationNode {
            parent: Some(ROOT_ID.into()),
            unit: None,
            scps: vec![FULL_AWS_ACCESS_ID.into()],
            rcps: vec![RCP_FULL_AWS_ACCESS_ID.into()],
        };
        nodes.insert(account.as_str().into(), node);
    }
    let scps = policies(&layers.scp, false);
    let rcps = policies(&layers.rcp, true);
    let organization = Organization {
        id: said.unwrap_or(ORGANIZATION_ID).into(),
        management_account: management,
        root_id: ROOT_ID.into(),
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
