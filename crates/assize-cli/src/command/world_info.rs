//! `assize world info`: what a world holds (C-11).

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use assize_formats::count;
use assize_model::PolicyId;
use assize_store::{Organization, StoreSnapshot};
use serde::Serialize;

use super::answer::no_world;
use crate::args::{Global, TextOrJson, WorldArgs, WorldCommand, WorldInfoArgs};
use crate::output::Output;
use crate::render::style::Style;
use crate::render::table::columns;
use crate::status::Status;
use crate::world::{self, Located, Reader};

/// Most changes of one kind that are named.
const MAX_NAMED: usize = 10;

pub(super) fn run(args: &WorldArgs, global: &Global, output: &Output) -> Result<Status> {
    let WorldCommand::Info(args) = &args.command;
    info(args, global, output)
}

fn info(args: &WorldInfoArgs, global: &Global, output: &Output) -> Result<Status> {
    let located = Located::find(global)?;
    let Some(path) = args.world.as_ref().or(located.path.as_ref()) else { return Err(no_world()) };
    let assumes = world::assumes_full_access(&located.settings, global)?;
    let read = Reader::new()?.world(path, assumes)?;
    let n_errors = world::report(&read.diagnostics, output);
    let text = match args.format {
        TextOrJson::Human => {
            let mut text = text(&read.snapshot, path, output.style());
            if output.is_verbose() {
                let _ = writeln!(text, "{}", output.style().dim(read.snapshot.digest()));
            }
            text
        }
        TextOrJson::Json => json(&read.snapshot)?,
    };
    output.write(&text)?;
    Ok(if n_errors > 0 { Status::NoAnswer } else { Status::Yes })
}

/// What a world holds, in a few lines.
pub(super) fn text(snapshot: &StoreSnapshot, path: &Path, style: Style) -> String {
    let mut text = format!("{}\n", style.bold(path.display()));
    for organization in snapshot.organizations() {
        text.push_str(&organization_text(organization, style));
    }
    let rows: Vec<_> = snapshot
        .accounts()
        .map(|account| {
            let name = account.name.as_deref().or(account.alias.as_deref()).unwrap_or("");
            [
                format!("account {}", account.id),
                name.to_owned(),
                count(account.users.len(), "user"),
                count(account.groups.len(), "group"),
                count(account.roles.len(), "role"),
                counted(account.policies.len(), "policy", "policies"),
                account.external.map_or_else(String::new, |_| "external".to_owned()),
            ]
        })
        .collect();
    text.push_str(&columns(&rows, 2));
    let with_policy = snapshot.resources().filter(|resource| !resource.policies.is_empty()).count();
    let n_resources = snapshot.resources().count();
    if n_resources > 0 {
        let _ = writeln!(text, "  {}, {with_policy} with a policy", count(n_resources, "resource"));
    }
    let n_endpoints = snapshot.endpoints().count();
    if n_endpoints > 0 {
        let _ = writeln!(text, "  {}", count(n_endpoints, "VPC endpoint"));
    }
    let n_documents = snapshot.documents().count();
    let n_missing = snapshot.documents().filter(|(_, document)| document.text.is_none()).count();
    let missing =
        if n_missing > 0 { format!(", {n_missing} of them missing") } else { String::new() };
    let _ = writeln!(
        text,
        "  {}{missing}",
        counted(n_documents, "policy document", "policy documents")
    );
    text
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn organization_text(organization: &Organization<PolicyId>, style: Style) -> String {
    let kinds = [(organization.scp_enabled, "SCPs"), (organization.rcp_enabled, "RCPs")];
    let enabled: Vec<&str> = kinds.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    let enabled = if enabled.is_empty() { "no policy type".into() } else { enabled.join(" and ") };
    let mut text = format!(
        "  organization {}, managed by {}, {enabled} enabled, {}\n",
        organization.id,
        organization.management_account,
        counted(organization.policies.len(), "policy", "policies")
    );
    node_text(organization, &organization.root_id, 2, style, &mut text);
    text
}

/// A node of the tree and what is below it. The store allows no cycles and few levels (I-17).
fn node_text(
    organization: &Organization<PolicyId>,
    id: &str,
    depth: usize,
    style: Style,
    text: &mut String,
) {
    let Some(node) = organization.nodes.get(id) else { return };
    let name = node.unit.as_ref().map_or_else(String::new, |unit| format!(" {}", unit.name));
    let attached = format!("{}, {}", count(node.scps.len(), "SCP"), count(node.rcps.len(), "RCP"));
    let indent = "  ".repeat(depth);
    let _ = writeln!(text, "{indent}{id}{name} {}", style.dim(format_args!("({attached})")));
    for (below, node) in &organization.nodes {
        if node.parent.as_deref() == Some(id) {
            node_text(organization, below, depth + 1, style, text);
        }
    }
}

#[derive(Serialize)]
struct Report<'s> {
    snapshot: String,
    organizations: Vec<OrganizationReport<'s>>,
    accounts: Vec<AccountReport<'s>>,
    resources: usize,
    endpoints: usize,
    documents: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationReport<'s> {
    id: &'s str,
    management_account: &'s str,
    policy_types: Vec<&'static str>,
    nodes: usize,
    policies: usize,
}

#[derive(Serialize)]
struct AccountReport<'s> {
    id: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    users: usize,
    groups: usize,
    roles: usize,
    policies: usize,
}

fn json(snapshot: &StoreSnapshot) -> Result<String> {
    let organizations = snapshot.organizations().map(|organization| {
        let kinds = [(organization.scp_enabled, "SCP"), (organization.rcp_enabled, "RCP")];
        OrganizationReport {
            id: &organization.id,
            management_account: organization.management_account.as_str(),
            policy_types: kinds.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect(),
            nodes: organization.nodes.len(),
            policies: organization.policies.len(),
        }
    });
    let accounts = snapshot.accounts().map(|account| AccountReport {
        id: account.id.as_str(),
        name: account.name.as_deref(),
        users: account.users.len(),
        groups: account.groups.len(),
        roles: account.roles.len(),
        policies: account.policies.len(),
    });
    let report = Report {
        snapshot: snapshot.digest(),
        organizations: organizations.collect(),
        accounts: accounts.collect(),
        resources: snapshot.resources().count(),
        endpoints: snapshot.endpoints().count(),
        documents: snapshot.documents().count(),
    };
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    Ok(text)
}

/// What an import changed in a world that was there (I-48): added, removed and changed objects.
pub(super) fn difference(before: &StoreSnapshot, after: &StoreSnapshot, style: Style) -> String {
    if before.accounts().next().is_none() && before.resources().next().is_none() {
        return String::new();
    }
    let found = before.difference(after);
    if found.is_empty() {
        return "nothing has changed\n".to_owned();
    }
    let mut text = String::new();
    for (word, names) in [
        (style.good("added").to_string(), found.added),
        (style.bad("removed").to_string(), found.removed),
        (style.doubtful("changed").to_string(), found.changed),
    ] {
        if names.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{word} {}", names.len());
        for name in names.iter().take(MAX_NAMED) {
            let _ = writeln!(text, "  {name}");
        }
        if names.len() > MAX_NAMED {
            let _ = writeln!(text, "  and {} more", names.len() - MAX_NAMED);
        }
    }
    text
}
