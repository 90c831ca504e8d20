//! Organizations: the outputs of their list and describe commands (I-45, I-46).

mod assemble;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use assize_model::{AccountId, ArnParts};

use crate::builtin::{FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS_ID};
use crate::identifier::is_id;
use crate::import::source::{Node, Place, Problem, Record};
use crate::import::{ImportFile, ImportKind, Log, shared};
use crate::{DiagnosticCode, DocumentText};

/// Members that any of the outputs may have beside its list.
const PAGE: &[&str] = &["NextToken", "ResponseMetadata"];

/// What the files of one organization say.
#[derive(Debug, Default)]
pub(super) struct Draft {
    id: Option<Box<str>>,
    management_account: Option<AccountId>,
    consolidated_billing: Option<bool>,
    root_id: Option<Box<str>>,
    enabled: BTreeSet<Type>,
    units: BTreeMap<Box<str>, Box<str>>,
    accounts: BTreeSet<AccountId>,
    parents: BTreeMap<Box<str>, Stated<Box<str>>>,
    policies: BTreeMap<Box<str>, PolicyDraft>,
    /// Policies whose list of targets is there.
    listed_policies: BTreeSet<Box<str>>,
    /// Nodes whose list of policies of a type is there.
    listed_nodes: BTreeSet<(Box<str>, Type)>,
    /// What is attached, by node and policy, and who says so.
    attached: BTreeMap<(Box<str>, Box<str>), Attached>,
    /// Nodes that the tree must hold, and where each is named first.
    named: BTreeMap<Box<str>, Place>,
    delegated: BTreeMap<Box<str>, Vec<AccountId>>,
    /// Every list, by the command and what it was asked for, and the `NextToken` of its last page.
    lists: BTreeMap<(ImportKind, String), Option<Place>>,
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
    /// As AWS calls it; none when no file says.
    type_word: Option<Stated<Box<str>>>,
    aws_managed: bool,
    document: Option<Stated<DocumentText>>,
}

impl PolicyDraft {
    fn policy_type(&self) -> Option<Type> {
        Type::from_word(&self.type_word.as_ref()?.value)
    }

    /// Whether it is of a type that decides nothing.
    fn is_ignored(&self) -> bool {
        self.type_word.is_some() && self.policy_type().is_none()
    }
}

/// Where an attachment is listed first: among the targets of its policy, among the policies of its
/// target.
#[derive(Debug, Default)]
struct Attached {
    by_policy: Option<Place>,
    by_target: Option<Place>,
}

/// What a file says, and where.
#[derive(Debug)]
struct Stated<T> {
    value: T,
    place: Place,
}

impl<T> Stated<T> {
    fn at(node: &Node<'_>, value: T) -> Self {
        Self { value, place: node.place() }
    }

    /// Of two files that say different things neither is known to be right: the first is taken,
    /// and the second is an error.
    fn agree(
        &self,
        node: &Node<'_>,
        is_same: bool,
        what: impl fmt::Display,
    ) -> Result<(), Problem> {
        if is_same {
            return Ok(());
        }
        let message = format_args!("{what} by {}", self.place);
        Err(node.problem_of(DiagnosticCode::ConflictingRecords, message))
    }
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
        let list = (kind, asked_for(kind, &record, file)?);
        self.lists.insert(list, record.get("NextToken").map(Node::place));
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
                    draft.parent(&child, node)
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
        self.learn_management(node, management.parse().map_err(|error| node.problem(error))?)?;
        // Without all features policies do not act (I-2).
        let set = organization.text_if("FeatureSet")?;
        let billing = set.is_some_and(|set| set == "CONSOLIDATED_BILLING");
        if *self.consolidated_billing.get_or_insert(billing) != billing {
            let message = "another file states another `FeatureSet`";
            return Err(node.problem_of(DiagnosticCode::ConflictingRecords, message));
        }
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

    /// The management account is exempt from what is attached (I-17), so there is no choosing.
    fn learn_management(&mut self, node: &Node<'_>, account: AccountId) -> Result<(), Problem> {
        let known = *self.management_account.get_or_insert(account);
        if known == account {
            return Ok(());
        }
        Err(node.problem_of(
            DiagnosticCode::ConflictingRecords,
            format_args!("the management account is {account} here and {known} before"),
        ))
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
            self.learn_management(node, account)?;
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
        self.put_under(parent, &id, node)
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
        self.put_under(parent, id.as_str(), node)
    }

    /// What a node is under, by `list-parents`. That alone puts it into the tree: an account needs
    /// no more, and an OU without a name of its own goes by its id.
    fn parent(&mut self, child: &str, node: &Node<'_>) -> Result<(), Problem> {
        let parent = node.record()?.text("Id")?;
        if let Ok(account) = child.parse() {
            self.accounts.insert(account);
        } else if is_id(child, "ou-", &[4..=32, 8..=32]) {
            self.units.entry(child.into()).or_insert_with(|| child.into());
        } else {
            return Err(node.problem(format_args!(
                "`{child}`, which this is the parent of, is no id of an account or OU"
            )));
        }
        self.put_under(&parent, child, node)
    }

    /// A node has one parent (I-17): under another one it would be free of other denies.
    fn put_under(&mut self, parent: &str, child: &str, node: &Node<'_>) -> Result<(), Problem> {
        let stated = || Stated::at(node, parent.into());
        let known = self.parents.entry(child.into()).or_insert_with(stated);
        let message =
            format_args!("`{child}` is under `{parent}` here and under `{}`", known.value);
        known.agree(node, *known.value == *parent, message)
    }

    /// A policy's summary; gives its id.
    fn summary(&mut self, summary: &Record<'_>, log: &mut Log) -> Result<Box<str>, Problem> {
        const KNOWN: &[&str] = &["Id", "Arn", "Name", "Description", "Type", "AwsManaged"];
        log.count_unknown("Policies", summary, KNOWN);
        let id: Box<str> = summary.text("Id")?.into();
        let name = summary.text_if("Name")?;
        let arn = summary.text_if("Arn")?;
        let word: Option<Box<str>> = summary.text_if("Type")?.map(Into::into);
        let aws_managed = summary.get("AwsManaged").map(Node::boolean).transpose()?;
        let draft = self.policies.entry(id.clone()).or_default();
        if let Some(name) = name {
            draft.name = name.into();
        }
        if let Some(word) = word {
            let stated = || Stated::at(&summary.node, word.clone());
            let known = draft.type_word.get_or_insert_with(stated);
            let message = format_args!("`{id}` is of type `{word}` here and `{}`", known.value);
            log.take(known.agree(&summary.node, known.value == word, message));
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
        let message = format!("`{id}` has another document");
        let known = &mut self.policies.entry(id).or_default().document;
        let is_same = known.as_ref().is_none_or(|known| known.value.text == document.text);
        known.get_or_insert_with(|| Stated::at(content, document)).agree(content, is_same, message)
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
            let id: Box<str> = target.text("TargetId")?.into();
            draft.named.entry(id.clone()).or_insert_with(|| node.place());
            let attached = draft.attached.entry((id, policy.clone())).or_default();
            attached.by_policy.get_or_insert_with(|| node.place());
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
        let place = record.get("TargetId").unwrap_or(&record.node).place();
        self.named.entry(target.clone()).or_insert(place);
        self.each(record, "Policies", &["TargetId"], log, |draft, node, log| {
            let summary = node.record()?;
            let id = draft.summary(&summary, log)?;
            let policy_type = draft.policies.get(&id).and_then(PolicyDraft::policy_type);
            draft.listed_nodes.extend(policy_type.map(|found| (target.clone(), found)));
            let attached = draft.attached.entry((target.clone(), id)).or_default();
            attached.by_target.get_or_insert_with(|| node.place());
            Ok(())
        })?;
        // An empty list does not say of which type; a node cannot be without RCPs (E-36).
        if record.list("Policies")?.is_empty() {
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
        self.named.entry(account.as_str().into()).or_insert_with(|| node.place());
        // Without the service the list was asked for, nobody knows what it administers.
        if let Some(service) = record.text_if("ServicePrincipal")? {
            let accounts = self.delegated.entry(service.into()).or_default();
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Ok(())
    }
}

/// What tells one list from another of the same command: what it was called with. The lists of
/// policies are each of one type.
fn asked_for(
    kind: ImportKind,
    record: &Record<'_>,
    file: &ImportFile<'_>,
) -> Result<String, Problem> {
    let (name, given) = match kind {
        ImportKind::OrganizationalUnits | ImportKind::AccountsForParent => {
            ("ParentId", file.parent_id)
        }
        ImportKind::Parents => ("ChildId", file.child_id),
        ImportKind::Targets => ("PolicyId", file.policy_id),
        ImportKind::PoliciesForTarget => ("TargetId", file.target_id),
        _ => ("ServicePrincipal", None),
    };
    let stated = record.text_if(name)?.or_else(|| given.map(str::to_owned)).unwrap_or_default();
    let first =
        record.list("Policies")?.into_iter().next().map(|node| node.record()).transpose()?;
    let of_type = first.map(|policy| policy.text_if("Type")).transpose()?.flatten();
    Ok(format!("{stated} {}", of_type.unwrap_or_default()))
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
