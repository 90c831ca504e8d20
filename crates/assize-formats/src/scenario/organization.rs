//! The organization of a scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::AccountId;
use assize_store::{
    DocumentText, FULL_AWS_ACCESS_ID, Organization, OrganizationNode, OrganizationPolicy,
    OrganizationalUnit, RCP_FULL_AWS_ACCESS_ID, StoreChange, builtin_organization_policy,
};

use super::Reader;
use super::field::Fields;
use super::policy::ref_name;
use crate::ErrorKind;
use crate::file::File;
use crate::json::{Node, shorten};

const ORGANIZATION_FIELDS: [&str; 5] =
    ["id", "managementAccount", "policyTypes", "delegatedAdministrators", "root"];
const NODE_FIELDS: [&str; 6] = ["id", "name", "scps", "rcps", "accounts", "ous"];

/// The two kinds of organization policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scp,
    Rcp,
}

impl Kind {
    fn field(self) -> &'static str {
        match self {
            Self::Scp => "scps",
            Self::Rcp => "rcps",
        }
    }

    /// The id and the name of the policy that AWS provides.
    fn builtin(self) -> (&'static str, &'static str) {
        match self {
            Self::Scp => (FULL_AWS_ACCESS_ID, "FullAWSAccess"),
            Self::Rcp => (RCP_FULL_AWS_ACCESS_ID, "RCPFullAWSAccess"),
        }
    }
}

/// The tree so far.
struct Tree {
    policies: BTreeMap<Box<str>, Arc<OrganizationPolicy<DocumentText>>>,
    nodes: BTreeMap<Box<str>, OrganizationNode>,
    lists_scps: bool,
    lists_rcps: bool,
}

impl Reader<'_> {
    pub(super) fn organization(&mut self, file: &File, node: &Node<'_>) {
        let Some(fields) = self.fields(file, node, &ORGANIZATION_FIELDS) else { return };
        let id = self.required_text(file, node, &fields, "id");
        let management = match fields.get("managementAccount") {
            Some(node) => self.account_id(file, node),
            None => self.missing(file, node, "managementAccount"),
        };
        let mut tree = Tree {
            policies: BTreeMap::new(),
            nodes: BTreeMap::new(),
            lists_scps: false,
            lists_rcps: false,
        };
        let root = match fields.get("root") {
            Some(node) => self.organization_node(file, node, None, &mut tree, true),
            None => self.missing(file, node, "root"),
        };
        let enabled = fields.get("policyTypes").map(|node| self.policy_types(file, node));
        let (scp_enabled, rcp_enabled) = enabled.unwrap_or((tree.lists_scps, tree.lists_rcps));
        let administrators = fields.get("delegatedAdministrators");
        let delegated_administrators =
            administrators.map(|node| self.administrators(file, node)).unwrap_or_default();
        let (Some(id), Some(management_account), Some(root_id)) = (id, management, root) else {
            return;
        };
        let organization = Organization {
            id,
            management_account,
            root_id,
            scp_enabled,
            rcp_enabled,
            delegated_administrators,
            policies: tree.policies,
            nodes: tree.nodes,
        };
        self.apply(file, node, StoreChange::PutOrganization(organization));
    }

    fn required_text(
        &mut self,
        file: &File,
        node: &Node<'_>,
        fields: &Fields<'_>,
        name: &str,
    ) -> Option<Box<str>> {
        match fields.get(name) {
            Some(node) => self.text(file, node),
            None => self.missing(file, node, name),
        }
    }

    /// Whether SCPs and RCPs are enabled.
    fn policy_types(&mut self, file: &File, node: &Node<'_>) -> (bool, bool) {
        let mut enabled = (false, false);
        for item in self.items(file, node) {
            match self.word(file, item, &[("SCP", Kind::Scp), ("RCP", Kind::Rcp)]) {
                Some(Kind::Scp) => enabled.0 = true,
                Some(Kind::Rcp) => enabled.1 = true,
                None => {}
            }
        }
        enabled
    }

    fn administrators(
        &mut self,
        file: &File,
        node: &Node<'_>,
    ) -> BTreeMap<Box<str>, Vec<AccountId>> {
        let mut administrators = BTreeMap::new();
        for member in self.members(file, node).unwrap_or_default() {
            let items = self.items(file, &member.value);
            let ids = items.iter().filter_map(|item| self.account_id(file, item)).collect();
            administrators.insert((&*member.key).into(), ids);
        }
        administrators
    }

    /// A node with everything below it; gives its id. The nesting limit of files bounds the
    /// recursion.
    fn organization_node(
        &mut self,
        file: &File,
        node: &Node<'_>,
        parent: Option<&str>,
        tree: &mut Tree,
        is_unit: bool,
    ) -> Option<Box<str>> {
        let known = if is_unit { &NODE_FIELDS[..] } else { &NODE_FIELDS[..4] };
        let fields = self.fields(file, node, known)?;
        let id = self.required_text(file, node, &fields, "id")?;
        let name = self.text_of(file, &fields, "name");
        let scps = self.node_policies(file, &fields, &id, Kind::Scp, tree);
        let rcps = self.node_policies(file, &fields, &id, Kind::Rcp, tree);
        let unit = (is_unit && parent.is_some())
            .then(|| OrganizationalUnit { name: name.unwrap_or_else(|| id.clone()) });
        let record = OrganizationNode { parent: parent.map(Into::into), unit, scps, rcps };
        self.put_node(file, node, &id, record, tree);
        for item in fields.get("ous").map(|node| self.items(file, node)).unwrap_or_default() {
            self.organization_node(file, item, Some(&id), tree, true);
        }
        for item in fields.get("accounts").map(|node| self.items(file, node)).unwrap_or_default() {
            if item.as_object().is_some() {
                self.organization_node(file, item, Some(&id), tree, false);
            } else if let Some(account) = self.account_id(file, item) {
                let scps = vec![full_access(Kind::Scp, tree)];
                let rcps = vec![full_access(Kind::Rcp, tree)];
                let parent = Some(id.clone());
                let record = OrganizationNode { parent, unit: None, scps, rcps };
                self.put_node(file, item, account.as_str(), record, tree);
            }
        }
        Some(id)
    }

    fn put_node(
        &mut self,
        file: &File,
        node: &Node<'_>,
        id: &str,
        record: OrganizationNode,
        tree: &mut Tree,
    ) {
        if tree.nodes.insert(id.into(), record).is_some() {
            let message = format!("`{}` is in the tree twice", shorten(id));
            self.error(file, ErrorKind::Repeated, node, message);
        }
    }

    /// The ids of the policies of one kind on a node: the list if there is one, else full access;
    /// `RCPFullAWSAccess` always (formats, section 6.1; E-36).
    fn node_policies(
        &mut self,
        file: &File,
        fields: &Fields<'_>,
        node_id: &str,
        kind: Kind,
        tree: &mut Tree,
    ) -> Vec<Box<str>> {
        let Some(list) = fields.get(kind.field()) else { return vec![full_access(kind, tree)] };
        let mut ids = Vec::new();
        if kind == Kind::Rcp {
            tree.lists_rcps = true;
            ids.push(full_access(kind, tree));
        } else {
            tree.lists_scps = true;
        }
        for (place, item) in self.items(file, list).iter().enumerate() {
            let Some(id) = self.node_policy(file, item, node_id, place, kind, tree) else {
                continue;
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn node_policy(
        &mut self,
        file: &File,
        item: &Node<'_>,
        node_id: &str,
        place: usize,
        kind: Kind,
        tree: &mut Tree,
    ) -> Option<Box<str>> {
        let Some(text) = item.as_str() else {
            let document = self.document(file, item)?;
            let name = match ref_name(item) {
                Some(name) => name.to_owned(),
                None => format!("{node_id}-{place}"),
            };
            return Some(put_policy(&name, document, kind, tree));
        };
        let (id, name) = kind.builtin();
        if text == name || text.rsplit('/').next() == Some(id) {
            return Some(full_access(kind, tree));
        }
        let message = format!(
            "`{}` is no policy of this file: expected `{name}`, a policy document or \
             `{{ref: NAME}}`",
            shorten(text)
        );
        self.error(file, ErrorKind::Reference, item, message);
        None
    }
}

/// The policy that AWS provides, put among the organization's.
fn full_access(kind: Kind, tree: &mut Tree) -> Box<str> {
    let (id, _) = kind.builtin();
    if let Some(policy) = builtin_organization_policy(id) {
        tree.policies.entry(id.into()).or_insert_with(|| Arc::new(policy));
    }
    id.into()
}

/// Puts a document among the organization's policies as `p-NAME`. One document may be both an SCP
/// and an RCP; ids are shared by both kinds, so the second is `p-NAME-scp` or `p-NAME-rcp`.
fn put_policy(name: &str, document: DocumentText, kind: Kind, tree: &mut Tree) -> Box<str> {
    let resource_control = kind == Kind::Rcp;
    let plain: Box<str> = format!("p-{name}").into();
    let taken = tree.policies.get(&plain).is_some_and(|p| p.resource_control != resource_control);
    let id = if taken {
        format!("p-{name}-{}", kind.field().trim_end_matches('s')).into()
    } else {
        plain
    };
    tree.policies.entry(id.clone()).or_insert_with(|| {
        Arc::new(OrganizationPolicy {
            id: id.clone(),
            name: name.into(),
            arn: None,
            resource_control,
            aws_managed: false,
            document,
        })
    });
    id
}
