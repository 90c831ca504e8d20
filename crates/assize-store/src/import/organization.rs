//! Organizations: the outputs of its list and describe commands, put together (I-45, I-46).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize_model::{AccountId, ArnParts};

use crate::builtin::{FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS_ID, builtin_organization_policy};
use crate::edit::{tree, unresolved};
use crate::import::source::{Node, Place, Problem, Record};
use crate::import::{ImportFile, ImportKind, ImportOptions, Log, quota, shared};
use crate::{
    Diagnostic, DiagnosticCode, DiagnosticLevel, DocumentText, Organization, OrganizationNode,
    OrganizationPolicy, OrganizationalUnit, StoreChange,
};

/// Members that any of the outputs may have beside its list.
const PAGE: &[&str] = &["NextToken", "ResponseMetadata"];

/// What the files of one organization say.
#[derive(Debug, Default)]
pub(super) struct Draft {
    id: Option<Box<str>>,
    management_account: Option<AccountId>,
    consolidated_billing: bool,
    root_id: Option<Box<str>>,
    enabled: BTreeSet<Type>,
    units: BTreeMap<Box<str>, Box<str>>,
    accounts: BTreeSet<AccountId>,
    parents: BTreeMap<Box<str>, Box<str>>,
    policies: BTreeMap<Box<str>, PolicyDraft>,
    /// Policies whose list of targets is there.
    listed_policies: BTreeSet<Box<str>>,
    /// Nodes whose list of policies of a type is there.
    listed_nodes: BTreeSet<(Box<str>, Type)>,
    attached: BTreeSet<(Box<str>, Box<str>)>,
    delegated: BTreeMap<Box<str>, Vec<AccountId>>,
    /// The first place anything was said, for what concerns the whole.
    place: Option<Place>,
}

/// The types of organization policy that take part in decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Type {
    ServiceControl,
    ResourceControl,
}

impl Type {
    /// None for the types that decide nothing, such as tag policies.
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "SERVICE_CONTROL_POLICY" => Some(Self::ServiceControl),
            "RESOURCE_CONTROL_POLICY" => Some(Self::ResourceControl),
            _ => None,
        }
    }

    /// The id of the policy of AWS that allows everything, which every organization has.
    fn full_access(self) -> &'static str {
        match self {
            Self::ServiceControl => FULL_AWS_ACCESS_ID,
            Self::ResourceControl => RCP_FULL_AWS_ACCESS_ID,
        }
    }
}

#[derive(Debug, Default)]
struct PolicyDraft {
    name: Box<str>,
    arn: Option<Arc<str>>,
    /// None when no file says.
    policy_type: Option<Type>,
    /// Of a type that decides nothing.
    ignored: bool,
    aws_managed: bool,
    document: Option<DocumentText>,
}

impl Draft {
    /// One output of a command.
    pub(super) fn page(
        &mut self,
        kind: ImportKind,
        file: &ImportFile<'_>,
        page: &Node<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let record = page.record()?;
        self.place.get_or_insert_with(|| page.place());
        match kind {
            ImportKind::Organization => self.organization(&record, log),
            ImportKind::Roots => self.each(&record, "Roots", &[], log, Self::root),
            ImportKind::OrganizationalUnits => {
                let parent = wrapped(&record, "ParentId", file.parent_id)?;
                self.each(&record, "OrganizationalUnits", &["ParentId"], log, |draft, node, log| {
                    draft.unit(&parent, node, log)
                })
            }
            ImportKind::AccountsForParent => {
                let parent = wrapped(&record, "ParentId", file.parent_id)?;
                self.each(&record, "Accounts", &["ParentId"], log, |draft, node, log| {
                    draft.account(&parent, node, log)
                })
            }
            ImportKind::Parents => {
                let child = wrapped(&record, "ChildId", file.child_id)?;
                self.each(&record, "Parents", &["ChildId"], log, |draft, node, _| {
                    let parent = node.record()?.text("Id")?;
                    draft.parents.insert(child.as_str().into(), parent.into());
                    Ok(())
                })
            }
            ImportKind::Policies => self.each(&record, "Policies", &[], log, |draft, node, log| {
                draft.summary(&node.record()?, log).map(|_| ())
            }),
            ImportKind::Policy => self.policy(&record, log),
            ImportKind::Targets => self.targets(&record, file, log),
            ImportKind::PoliciesForTarget => self.policies_for_target(&record, file, log),
            ImportKind::DelegatedAdministrators => self.each(
                &record,
                "DelegatedAdministrators",
                &["ServicePrincipal"],
                log,
                |draft, node, _| draft.delegated_administrator(&record, node),
            ),
            _ => Err(page.problem(format_args!("a file of kind `{}` is not read", kind.as_str()))),
        }
    }

    /// Reads every element of a list; a bad one is left out.
    fn each<'a>(
        &mut self,
        record: &Record<'a>,
        list: &str,
        wrapper: &[&str],
        log: &mut Log,
        mut read: impl FnMut(&mut Self, &Node<'a>, &mut Log) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let known: Vec<&str> = PAGE.iter().chain(wrapper).copied().chain([list]).collect();
        log.count_unknown("page", record, &known);
        for node in record.list(list)? {
            let result = read(self, &node, log);
            log.take(result);
        }
        Ok(())
    }

    fn organization(&mut self, record: &Record<'_>, log: &mut Log) -> Result<(), Problem> {
        const KNOWN: &[&str] = &[
            "Id",
            "Arn",
            "FeatureSet",
            "MasterAccountArn",
            "MasterAccountId",
            "MasterAccountEmail",
            "AvailablePolicyTypes",
        ];
        let node = record.get("Organization").ok_or_else(|| record.missing("Organization"))?;
        let organization = node.record()?;
        log.count_unknown("Organization", &organization, KNOWN);
        let id = organization.text("Id")?;
        self.learn(node, &id)?;
        let management = organization.text("MasterAccountId")?;
        self.management_account = Some(management.parse().map_err(|error| node.problem(error))?);
        // Without all features policies do not act (I-2).
        self.consolidated_billing =
            organization.text_if("FeatureSet")?.is_some_and(|set| set == "CONSOLIDATED_BILLING");
        Ok(())
    }

    /// An import makes one organization.
    fn learn(&mut self, node: &Node<'_>, id: &str) -> Result<(), Problem> {
        match &self.id {
            Some(known) if **known != *id => Err(node.problem(format_args!(
                "`{id}` is another organization than `{known}`: import one at a time"
            ))),
            _ => {
                self.id = Some(id.into());
                Ok(())
            }
        }
    }

    /// The ARN of a root, OU or account holds organization and management account.
    fn learn_from_arn(&mut self, node: &Node<'_>, arn: Option<String>) -> Result<(), Problem> {
        let Some(arn) = arn else { return Ok(()) };
        let parts = ArnParts::split(&arn).filter(|parts| parts.service == "organizations");
        let Some(parts) = parts else {
            return Err(node.problem(format_args!("`{arn}` is no ARN of AWS Organizations")));
        };
        let id = parts.resource.split('/').nth(1).filter(|id| id.starts_with("o-"));
        if let (Some(account), Some(id)) = (parts.account_id(), id) {
            self.learn(node, id)?;
            self.management_account.get_or_insert(account);
        }
        Ok(())
    }

    fn root(&mut self, node: &Node<'_>, log: &mut Log) -> Result<(), Problem> {
        let root = node.record()?;
        log.count_unknown("Roots", &root, &["Id", "Arn", "Name", "PolicyTypes"]);
        let id: Box<str> = root.text("Id")?.into();
        if self.root_id.as_ref().is_some_and(|known| *known != id) {
            return Err(node.problem("an organization has one root"));
        }
        self.learn_from_arn(node, root.text_if("Arn")?)?;
        self.root_id = Some(id);
        for policy_type in root.list("PolicyTypes")? {
            let policy_type = policy_type.record()?;
            if policy_type.text("Status")? == "ENABLED" {
                self.enabled.extend(Type::from_word(&policy_type.text("Type")?));
            }
        }
        Ok(())
    }

    fn unit(&mut self, parent: &str, node: &Node<'_>, log: &mut Log) -> Result<(), Problem> {
        let unit = node.record()?;
        log.count_unknown("OrganizationalUnits", &unit, &["Id", "Arn", "Name", "Path"]);
        let id: Box<str> = unit.text("Id")?.into();
        let name = unit.text("Name")?;
        self.learn_from_arn(node, unit.text_if("Arn")?)?;
        self.units.insert(id.clone(), name.into());
        self.parents.insert(id, parent.into());
        Ok(())
    }

    fn account(&mut self, parent: &str, node: &Node<'_>, log: &mut Log) -> Result<(), Problem> {
        const KNOWN: &[&str] = &[
            "Id",
            "Arn",
            "Email",
            "Name",
            "Status",
            "State",
            "Paths",
            "JoinedMethod",
            "JoinedTimestamp",
        ];
        let account = node.record()?;
        log.count_unknown("Accounts", &account, KNOWN);
        let id: AccountId = account.text("Id")?.parse().map_err(|error| node.problem(error))?;
        self.learn_from_arn(node, account.text_if("Arn")?)?;
        self.accounts.insert(id);
        self.parents.insert(id.as_str().into(), parent.into());
        Ok(())
    }

    /// A policy's summary; gives its id.
    fn summary(&mut self, summary: &Record<'_>, log: &mut Log) -> Result<Box<str>, Problem> {
        const KNOWN: &[&str] = &["Id", "Arn", "Name", "Description", "Type", "AwsManaged"];
        log.count_unknown("Policies", summary, KNOWN);
        let id: Box<str> = summary.text("Id")?.into();
        let name = summary.text_if("Name")?;
        let arn = summary.text_if("Arn")?;
        let word = summary.text_if("Type")?;
        let aws_managed = summary.get("AwsManaged").map(Node::boolean).transpose()?;
        let draft = self.policies.entry(id.clone()).or_default();
        if let Some(name) = name {
            draft.name = name.into();
        }
        if let Some(word) = word {
            draft.policy_type = Type::from_word(&word);
            draft.ignored = draft.policy_type.is_none();
        }
        draft.arn = arn.map(shared).or(draft.arn.take());
        draft.aws_managed |= aws_managed.unwrap_or_default();
        Ok(id)
    }

    fn policy(&mut self, record: &Record<'_>, log: &mut Log) -> Result<(), Problem> {
        let node = record.get("Policy").ok_or_else(|| record.missing("Policy"))?;
        let policy = node.record()?;
        log.count_unknown("Policy", &policy, &["PolicySummary", "Content"]);
        let summary = policy.get("PolicySummary").ok_or_else(|| policy.missing("PolicySummary"))?;
        let content = policy.get("Content").ok_or_else(|| policy.missing("Content"))?;
        let document = content.document()?;
        let id = self.summary(&summary.record()?, log)?;
        self.policies.entry(id).or_default().document = Some(document);
        Ok(())
    }

    fn targets(
        &mut self,
        record: &Record<'_>,
        file: &ImportFile<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let policy: Box<str> = wrapped(record, "PolicyId", file.policy_id)?.into();
        self.listed_policies.insert(policy.clone());
        self.each(record, "Targets", &["PolicyId"], log, |draft, node, log| {
            let target = node.record()?;
            log.count_unknown("Targets", &target, &["TargetId", "Arn", "Name", "Type"]);
            let id = target.text("TargetId")?;
            draft.attached.insert((id.into(), policy.clone()));
            Ok(())
        })
    }

    fn policies_for_target(
        &mut self,
        record: &Record<'_>,
        file: &ImportFile<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let target: Box<str> = wrapped(record, "TargetId", file.target_id)?.into();
        let before = self.attached.len();
        self.each(record, "Policies", &["TargetId"], log, |draft, node, log| {
            let summary = node.record()?;
            let id = draft.summary(&summary, log)?;
            let policy_type = draft.policies.get(&id).and_then(|policy| policy.policy_type);
            draft.listed_nodes.extend(policy_type.map(|found| (target.clone(), found)));
            draft.attached.insert((target.clone(), id));
            Ok(())
        })?;
        // An empty list does not say of which type; a node cannot be without RCPs (E-36).
        if before == self.attached.len() && record.list("Policies")?.is_empty() {
            self.listed_nodes.insert((target, Type::ServiceControl));
        }
        Ok(())
    }

    fn delegated_administrator(
        &mut self,
        record: &Record<'_>,
        node: &Node<'_>,
    ) -> Result<(), Problem> {
        let administrator = node.record()?;
        let account: AccountId =
            administrator.text("Id")?.parse().map_err(|error| node.problem(error))?;
        // Without the service the list was asked for, nobody knows what it administers.
        if let Some(service) = record.text_if("ServicePrincipal")? {
            let accounts = self.delegated.entry(service.into()).or_default();
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Ok(())
    }

    /// The organization, when the files make one. It is one record: an account that was left out
    /// of the tree would be free of its SCPs.
    pub(super) fn finish(
        mut self,
        options: &ImportOptions<'_>,
        log: &mut Log,
    ) -> Option<StoreChange> {
        let place = self.place.take()?;
        let (Some(id), Some(management_account), Some(root_id)) =
            (self.id.clone(), self.management_account, self.root_id.clone())
        else {
            let message = "the files do not make an organization: the outputs of \
                           `describe-organization` and `list-roots` are needed";
            incomplete(&place, message, log);
            return None;
        };
        self.parents.entry(management_account.as_str().into()).or_insert_with(|| root_id.clone());
        self.accounts.insert(management_account);
        let is_enabled =
            |policy_type| !self.consolidated_billing && self.enabled.contains(&policy_type);
        let (scp_enabled, rcp_enabled) =
            (is_enabled(Type::ServiceControl), is_enabled(Type::ResourceControl));
        let nodes = self.nodes(&root_id, options, &place, log);
        let mut organization = Organization {
            id,
            management_account,
            root_id,
            scp_enabled,
            rcp_enabled,
            delegated_administrators: std::mem::take(&mut self.delegated),
            policies: self.documents(&place, log),
            nodes,
        };
        tree::complete(&mut organization);
        if let Err(error) = tree::check(&organization) {
            incomplete(&place, &error.to_string(), log);
            return None;
        }
        for message in quota::organization(&organization) {
            log.push(&place, DiagnosticLevel::Warning, DiagnosticCode::QuotaExceeded, message);
        }
        Some(StoreChange::PutOrganization(organization))
    }

    fn nodes(
        &self,
        root_id: &str,
        options: &ImportOptions<'_>,
        place: &Place,
        log: &mut Log,
    ) -> BTreeMap<Box<str>, OrganizationNode> {
        let accounts = self.accounts.iter().map(|account| Box::from(account.as_str()));
        let ids = std::iter::once(Box::from(root_id)).chain(self.units.keys().cloned());
        let mut nodes = BTreeMap::new();
        let mut n_without_rcp = 0_usize;
        for id in ids.chain(accounts) {
            let scps = self.scps(&id, options, place, log);
            let rcps = self.attached_to(&id, Type::ResourceControl);
            let is_listed = self.is_listed(&id, Type::ResourceControl);
            let is_missing = !rcps.iter().any(|rcp| **rcp == *RCP_FULL_AWS_ACCESS_ID);
            n_without_rcp += usize::from(is_listed && is_missing);
            let node = OrganizationNode {
                parent: self.parents.get(&id).cloned(),
                unit: self.units.get(&id).map(|name| OrganizationalUnit { name: name.clone() }),
                scps,
                rcps,
            };
            nodes.insert(id, node);
        }
        if n_without_rcp > 0 && self.enabled.contains(&Type::ResourceControl) {
            log.push(
                place,
                DiagnosticLevel::Note,
                DiagnosticCode::RcpFullAccessAdded,
                format_args!("`RCPFullAWSAccess` was attached to {n_without_rcp} nodes without it"),
            );
        }
        nodes
    }

    fn type_of(&self, policy: &str) -> Option<Type> {
        let stated = self.policies.get(policy).and_then(|policy| policy.policy_type);
        stated.or_else(|| {
            let builtin = builtin_organization_policy(policy)?;
            Some(if builtin.resource_control {
                Type::ResourceControl
            } else {
                Type::ServiceControl
            })
        })
    }

    fn attached_to(&self, node: &str, policy_type: Type) -> Vec<Box<str>> {
        self.attached
            .iter()
            .filter(|(target, policy)| **target == *node && self.belongs(policy, policy_type))
            .map(|(_, policy)| policy.clone())
            .collect()
    }

    /// A policy of unknown type counts as an SCP: it has no document and denies (E-112).
    fn belongs(&self, policy: &str, policy_type: Type) -> bool {
        if self.policies.get(policy).is_some_and(|policy| policy.ignored) {
            return false;
        }
        self.type_of(policy).unwrap_or(Type::ServiceControl) == policy_type
    }

    /// Whether the files give all policies of a type on a node: its own list, or the targets of
    /// every policy of the type. Every organization has the one of AWS that allows everything, so
    /// without its targets some are missing.
    fn is_listed(&self, node: &str, policy_type: Type) -> bool {
        let mut all = self.policies.keys().filter(|id| self.type_of(id) == Some(policy_type));
        self.listed_nodes.contains(&(node.into(), policy_type))
            || (self.listed_policies.contains(policy_type.full_access())
                && all.all(|id| self.listed_policies.contains(id)))
    }

    /// The SCPs on a node (I-46).
    fn scps(
        &self,
        id: &str,
        options: &ImportOptions<'_>,
        place: &Place,
        log: &mut Log,
    ) -> Vec<Box<str>> {
        let mut scps = self.attached_to(id, Type::ServiceControl);
        let is_listed = self.is_listed(id, Type::ServiceControl);
        if !self.enabled.contains(&Type::ServiceControl) || is_listed && !scps.is_empty() {
            return scps;
        }
        let has_full_access = scps.iter().any(|scp| **scp == *FULL_AWS_ACCESS_ID);
        let unlisted = |effect| format!("no file gives the list of SCPs on `{id}`: {effect}");
        let message = if is_listed {
            format!("the list of SCPs on `{id}` is empty, so everything below it is denied")
        } else if options.assume_full_access {
            if !has_full_access {
                scps.push(FULL_AWS_ACCESS_ID.into());
            }
            unlisted("`FullAWSAccess` is assumed")
        } else if scps.is_empty() {
            unlisted("it has none, so everything below it is denied")
        } else {
            unlisted("it has those that other files name")
        };
        let warning =
            Diagnostic::new(DiagnosticLevel::Warning, DiagnosticCode::MissingAttachments, message);
        log.diagnostics.push(place.clone().put(warning.about(id)));
        scps
    }

    /// The policies of the deciding types that are attached or described. One without a document
    /// is poison where it is attached.
    fn documents(
        &mut self,
        place: &Place,
        log: &mut Log,
    ) -> BTreeMap<Box<str>, Arc<OrganizationPolicy<DocumentText>>> {
        let attached: BTreeSet<Box<str>> =
            self.attached.iter().map(|(_, policy)| policy.clone()).collect();
        for id in &attached {
            self.policies.entry(id.clone()).or_default();
        }
        let mut policies = BTreeMap::new();
        for (id, draft) in std::mem::take(&mut self.policies) {
            if draft.ignored {
                continue;
            }
            let builtin = builtin_organization_policy(&id);
            let is_rcp = builtin.as_ref().is_some_and(|policy| policy.resource_control);
            let known = draft.document.or_else(|| builtin.map(|policy| policy.document));
            let document = known.unwrap_or_else(|| {
                if attached.contains(&id) {
                    log.diagnostics.push(place.clone().put(unresolved(&id)));
                }
                DocumentText::new("")
            });
            let policy = OrganizationPolicy {
                name: if draft.name.is_empty() { id.clone() } else { draft.name },
                arn: draft.arn,
                resource_control: draft
                    .policy_type
                    .map_or(is_rcp, |found| found == Type::ResourceControl),
                aws_managed: draft.aws_managed,
                document,
                id: id.clone(),
            };
            policies.insert(id, Arc::new(policy));
        }
        policies
    }
}

/// What a list command was called with: from the wrapper in the file, else from the caller.
fn wrapped(record: &Record<'_>, name: &str, given: Option<&str>) -> Result<String, Problem> {
    let stated = record.text_if(name)?;
    stated.or_else(|| given.map(str::to_owned)).ok_or_else(|| {
        record.node.problem(format_args!(
            "the output does not say what it was asked for: wrap it with `{name}` or name it where \
             the file is imported"
        ))
    })
}

fn incomplete(place: &Place, message: &str, log: &mut Log) {
    log.push(place, DiagnosticLevel::Error, DiagnosticCode::IncompleteOrganization, message);
}
