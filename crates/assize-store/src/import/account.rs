//! Account authorization details (I-41, I-42, I-44; section 5.1).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize_model::{AccountId, ArnParts, did_you_mean};

use crate::edit::{bundled_policy, check, unresolved};
use crate::import::quota;
use crate::import::source::{Node, Place, Problem, Record};
use crate::import::{ImportFile, ImportOptions, Log, shared};
use crate::{
    Account, DEFAULT_MAX_SESSION_SECONDS, DiagnosticCode, DiagnosticLevel, DocumentText, Group,
    InlinePolicy, InstanceProfile, ManagedPolicy, PolicyVersion, Role, StoreChange, Tag, User,
    fold_name, unique_id,
};

const PAGE: &[&str] = &[
    "UserDetailList",
    "GroupDetailList",
    "RoleDetailList",
    "Policies",
    "IsTruncated",
    "Marker",
    "NextToken",
    "ResponseMetadata",
];
const USER: &[&str] = &[
    "Path",
    "UserName",
    "UserId",
    "Arn",
    "CreateDate",
    "UserPolicyList",
    "GroupList",
    "AttachedManagedPolicies",
    "PermissionsBoundary",
    "Tags",
];
const GROUP: &[&str] = &[
    "Path",
    "GroupName",
    "GroupId",
    "Arn",
    "CreateDate",
    "GroupPolicyList",
    "AttachedManagedPolicies",
];
const ROLE: &[&str] = &[
    "Path",
    "RoleName",
    "RoleId",
    "Arn",
    "CreateDate",
    "Description",
    "MaxSessionDuration",
    "AssumeRolePolicyDocument",
    "InstanceProfileList",
    "RolePolicyList",
    "AttachedManagedPolicies",
    "PermissionsBoundary",
    "Tags",
    "RoleLastUsed",
];
const POLICY: &[&str] = &[
    "PolicyName",
    "PolicyId",
    "Arn",
    "Path",
    "DefaultVersionId",
    "AttachmentCount",
    "PermissionsBoundaryUsageCount",
    "IsAttachable",
    "Description",
    "CreateDate",
    "UpdateDate",
    "PolicyVersionList",
    "Tags",
];

const PROFILE: &[&str] =
    &["Path", "InstanceProfileName", "InstanceProfileId", "Arn", "CreateDate", "Roles", "Tags"];
const VERSION: &[&str] = &["Document", "VersionId", "IsDefaultVersion", "CreateDate"];

/// Everything that account files hold, account by account.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    drafts: BTreeMap<AccountId, Draft>,
    aws_managed: BTreeMap<Arc<str>, ManagedPolicy<DocumentText>>,
    /// Of users and roles; the ids of the rest are compared by nobody.
    unique_ids: BTreeSet<Box<str>>,
    /// Users wait for the groups of all pages.
    users: Vec<(AccountId, User<DocumentText>, Place)>,
    /// The accounts of each file.
    files: BTreeMap<Box<str>, (BTreeSet<AccountId>, Option<Place>)>,
}

/// An account on its way in.
#[derive(Debug)]
struct Draft {
    account: Account<DocumentText>,
    /// Where each managed policy is referenced first.
    references: BTreeMap<Arc<str>, Place>,
    /// What says on its last page that more follow.
    truncated: Option<Place>,
    /// Roles without `MaxSessionDuration`, and the first of them.
    n_without_duration: usize,
    without_duration: Option<Place>,
}

impl Draft {
    fn new(id: AccountId) -> Self {
        Self {
            account: Account::new(id),
            references: BTreeMap::new(),
            truncated: None,
            n_without_duration: 0,
            without_duration: None,
        }
    }
}

/// What every IAM object of the file has.
struct Common {
    /// None for an AWS-managed policy.
    account: Option<AccountId>,
    name: Box<str>,
    path: Box<str>,
    arn: Arc<str>,
    created: Option<Box<str>>,
}

impl Accounts {
    /// One page of the output.
    pub(super) fn page(
        &mut self,
        file: &ImportFile<'_>,
        page: &Node<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let record = page.record()?;
        log.count_unknown("page", &record, PAGE);
        let mut seen: BTreeSet<AccountId> = file.account.into_iter().collect();
        for &id in &seen {
            self.drafts.entry(id).or_insert_with(|| Draft::new(id));
        }
        for list in ["Policies", "GroupDetailList", "RoleDetailList", "UserDetailList"] {
            for node in log.take(record.list(list)).unwrap_or_default() {
                let result = match list {
                    "Policies" => self.policy(file, &node, log),
                    "GroupDetailList" => self.group(file, &node, log),
                    "RoleDetailList" => self.role(file, &node, log),
                    _ => self.user(file, &node, log),
                };
                seen.extend(log.take(result).flatten());
            }
        }
        let entry = self.files.entry(file.name.into()).or_default();
        entry.1.get_or_insert_with(|| page.place());
        entry.0.extend(&seen);
        let truncated = record.get("IsTruncated").map(|node| (node.boolean(), node.place()));
        let truncated = truncated.and_then(|(is, place)| is.unwrap_or_default().then_some(place));
        // The AWS CLI, which joins pages, says it so where it was told to stop.
        let truncated = truncated.or_else(|| record.get("NextToken").map(Node::place));
        if let (true, Some(place)) = (seen.is_empty(), &truncated) {
            let message = "the page says that more follow and holds nothing itself";
            log.push(place, DiagnosticLevel::Warning, DiagnosticCode::TruncatedExport, message);
        }
        for id in &seen {
            if let Some(draft) = self.drafts.get_mut(id) {
                draft.truncated.clone_from(&truncated);
            }
        }
        Ok(())
    }

    fn draft(&mut self, id: AccountId) -> &mut Draft {
        self.drafts.entry(id).or_insert_with(|| Draft::new(id))
    }

    fn user(
        &mut self,
        file: &ImportFile<'_>,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Result<Option<AccountId>, Problem> {
        let record = node.record()?;
        log.count_unknown("UserDetailList", &record, USER);
        let Common { account, name, path, arn, created } = common(file, &record, "UserName")?;
        let account = account.ok_or_else(|| node.problem("AWS has no users"))?;
        let groups = record.list("GroupList")?;
        let groups = groups.iter().map(|group| Ok(fold_name(&group.string()?).into()));
        let (attached, boundary) = (attached(&record)?, boundary(&record)?);
        let user = User {
            unique_id: self.unique_id("AIDA", &arn, record.text_if("UserId")?, node, log),
            inline: inline(&record, "UserPolicyList")?,
            attached: attached.iter().map(|(arn, _)| Arc::clone(arn)).collect(),
            groups: groups.collect::<Result<_, Problem>>()?,
            boundary: boundary.as_ref().map(|(arn, _)| Arc::clone(arn)),
            tags: tags(&record)?,
            name,
            path,
            arn,
            created,
        };
        check::user(account, &user).map_err(|error| node.problem(error))?;
        warn_quota(node, &quota::user(&user), log);
        self.refer(account, attached.into_iter().chain(boundary));
        self.users.push((account, user, node.place()));
        Ok(Some(account))
    }

    fn group(
        &mut self,
        file: &ImportFile<'_>,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Result<Option<AccountId>, Problem> {
        let record = node.record()?;
        log.count_unknown("GroupDetailList", &record, GROUP);
        let Common { account, name, path, arn, created } = common(file, &record, "GroupName")?;
        let account = account.ok_or_else(|| node.problem("AWS has no groups"))?;
        let attached = attached(&record)?;
        let group = Group {
            unique_id: made_if_bad("AGPA", &arn, record.text_if("GroupId")?, node, log),
            inline: inline(&record, "GroupPolicyList")?,
            attached: attached.iter().map(|(arn, _)| Arc::clone(arn)).collect(),
            name,
            path,
            arn,
            created,
        };
        check::group(account, &group).map_err(|error| node.problem(error))?;
        warn_quota(node, &quota::group(&group), log);
        let groups = &mut self.draft(account).account.groups;
        put_new(groups, "group", &group.name.clone(), group, node)?;
        self.refer(account, attached);
        Ok(Some(account))
    }

    fn role(
        &mut self,
        file: &ImportFile<'_>,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Result<Option<AccountId>, Problem> {
        let record = node.record()?;
        log.count_unknown("RoleDetailList", &record, ROLE);
        let Common { account, name, path, arn, created } = common(file, &record, "RoleName")?;
        let account = account.ok_or_else(|| node.problem("AWS has no roles"))?;
        let (attached, boundary) = (attached(&record)?, boundary(&record)?);
        let seconds = record.get("MaxSessionDuration").map(Node::number).transpose()?;
        let role = Role {
            unique_id: self.unique_id("AROA", &arn, record.text_if("RoleId")?, node, log),
            trust: record.get("AssumeRolePolicyDocument").map(Node::document).transpose()?,
            description: record.text_if("Description")?.map(Into::into),
            max_session_seconds: seconds.unwrap_or(DEFAULT_MAX_SESSION_SECONDS),
            inline: inline(&record, "RolePolicyList")?,
            attached: attached.iter().map(|(arn, _)| Arc::clone(arn)).collect(),
            boundary: boundary.as_ref().map(|(arn, _)| Arc::clone(arn)),
            tags: tags(&record)?,
            name,
            path,
            arn,
            created,
        };
        check::role(account, &role).map_err(|error| node.problem(error))?;
        warn_quota(node, &quota::role(&role), log);
        let name = role.name.clone();
        let draft = self.draft(account);
        put_new(&mut draft.account.roles, "role", &name, role, node)?;
        if seconds.is_none() {
            draft.n_without_duration += 1;
            draft.without_duration.get_or_insert_with(|| node.place());
        }
        self.refer(account, attached.into_iter().chain(boundary));
        for profile in record.list("InstanceProfileList")? {
            let result = self.instance_profile(account, &name, &profile, log);
            log.take(result);
        }
        Ok(Some(account))
    }

    fn instance_profile(
        &mut self,
        account: AccountId,
        role: &str,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Result<(), Problem> {
        let record = node.record()?;
        log.count_unknown("InstanceProfileList", &record, PROFILE);
        let arn = record.text("Arn")?;
        let id = record.text_if("InstanceProfileId")?;
        let profile = InstanceProfile {
            name: record.text("InstanceProfileName")?.into(),
            path: record.text_if("Path")?.map_or_else(|| "/".into(), Into::into),
            unique_id: made_if_bad("AIPA", &arn, id, node, log),
            arn: shared(arn),
            role: Some(fold_name(role).into()),
        };
        check::instance_profile(account, &profile).map_err(|error| node.problem(error))?;
        let profiles = &mut self.draft(account).account.instance_profiles;
        put_new(profiles, "instance profile", &profile.name.clone(), profile, node)
    }

    fn policy(
        &mut self,
        file: &ImportFile<'_>,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Result<Option<AccountId>, Problem> {
        let record = node.record()?;
        log.count_unknown("Policies", &record, POLICY);
        let Common { account, name, path, arn, created } = common(file, &record, "PolicyName")?;
        let (versions, default_version) = versions(&record, log)?;
        let policy = ManagedPolicy {
            unique_id: Some(made_if_bad("ANPA", &arn, record.text_if("PolicyId")?, node, log)),
            versions,
            default_version,
            description: record.text_if("Description")?.map(Into::into),
            tags: tags(&record)?,
            name,
            path,
            arn,
            created,
        };
        let owner = account.as_ref().map_or(check::AWS, AccountId::as_str);
        check::policy(owner, &policy).map_err(|error| node.problem(error))?;
        match account {
            Some(account) => {
                warn_quota(node, &quota::policy(&policy), log);
                let policies = &mut self.draft(account).account.policies;
                put_new(policies, "policy", &policy.name.clone(), policy, node)?;
            }
            None => self.aws_policy(policy, node)?,
        }
        Ok(account)
    }

    /// Several accounts show one policy of AWS, each as it was on the day of its export: the newest
    /// default version is the one that they all have today.
    fn aws_policy(
        &mut self,
        policy: ManagedPolicy<DocumentText>,
        node: &Node<'_>,
    ) -> Result<(), Problem> {
        let default = |policy: &ManagedPolicy<DocumentText>| {
            let version = policy.versions.get(policy.default_version)?;
            Some((check::version_number(&version.id), Arc::clone(&version.document.text)))
        };
        let new = default(&policy);
        match self.aws_managed.entry(Arc::clone(&policy.arn)) {
            Entry::Vacant(entry) => {
                entry.insert(policy);
            }
            Entry::Occupied(mut entry) => {
                let known = default(entry.get());
                let number = |of: &Option<(_, _)>| of.as_ref().map(|(number, _)| *number);
                if number(&new) > number(&known) {
                    entry.insert(policy);
                } else if number(&new) == number(&known) && new != known {
                    return Err(node.problem_of(
                        DiagnosticCode::ConflictingRecords,
                        format_args!("`{}` has another document by another file", policy.arn),
                    ));
                }
            }
        }
        Ok(())
    }

    fn refer(
        &mut self,
        account: AccountId,
        references: impl IntoIterator<Item = (Arc<str>, Place)>,
    ) {
        let draft = self.draft(account);
        for (arn, place) in references {
            draft.references.entry(arn).or_insert(place);
        }
    }

    /// The unique id of a user or role: compared whole (I-16), so no two may have it.
    fn unique_id(
        &mut self,
        prefix: &str,
        arn: &str,
        id: Option<String>,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Box<str> {
        let taken = id.as_deref().is_some_and(|id| self.unique_ids.contains(id));
        if taken {
            let message = format!("the unique id of `{arn}` belongs to another entity too");
            return self.made_id(prefix, arn, &message, node, log);
        }
        let id = made_if_bad(prefix, arn, id, node, log);
        self.unique_ids.insert(id.clone());
        id
    }

    fn made_id(
        &mut self,
        prefix: &str,
        arn: &str,
        message: &str,
        node: &Node<'_>,
        log: &mut Log,
    ) -> Box<str> {
        let made = unique_id(prefix, arn);
        warn_unique_id(node, message, &made, log);
        self.unique_ids.insert(made.clone());
        made
    }

    /// The changes, AWS-managed policies first.
    pub(super) fn finish(mut self, options: &ImportOptions<'_>, log: &mut Log) -> Vec<StoreChange> {
        self.warn_mixed(log);
        self.put_users(log);
        for draft in self.drafts.values() {
            draft.report(log);
        }
        self.resolve_references(options, log);
        let aws_managed = self.aws_managed.into_values().map(StoreChange::PutAwsManagedPolicy);
        let accounts = self.drafts.into_values().map(|draft| draft.account);
        aws_managed
            .chain(accounts.map(|account| StoreChange::PutAccount(Box::new(account))))
            .collect()
    }

    fn warn_mixed(&self, log: &mut Log) {
        for (accounts, place) in self.files.values() {
            let (Some(place), 2..) = (place, accounts.len()) else { continue };
            let names: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
            let message = format_args!(
                "the file holds entities of {} accounts ({}): each is taken into its own",
                names.len(),
                names.join(", ")
            );
            log.push(place, DiagnosticLevel::Warning, DiagnosticCode::MixedAccounts, message);
        }
    }

    fn put_users(&mut self, log: &mut Log) {
        for (account, user, place) in std::mem::take(&mut self.users) {
            let facts = &mut self.draft(account).account;
            let result = match check::membership(&user, facts) {
                Err(error) => Err((DiagnosticCode::UnknownGroup, error.to_string())),
                Ok(()) => match facts.users.entry(fold_name(&user.name).into()) {
                    Entry::Occupied(_) => {
                        Err((DiagnosticCode::DuplicateName, duplicate("user", &user.name)))
                    }
                    Entry::Vacant(entry) => {
                        entry.insert(Arc::new(user));
                        Ok(())
                    }
                },
            };
            if let Err((code, message)) = result {
                log.push(&place, DiagnosticLevel::Error, code, message);
            }
        }
    }

    /// Looks for what is referenced, first in the files, then in the library (I-44).
    fn resolve_references(&mut self, options: &ImportOptions<'_>, log: &mut Log) {
        let drafts = std::mem::take(&mut self.drafts);
        for (arn, place) in drafts.values().flat_map(Draft::missing) {
            if self.aws_managed.contains_key(arn) {
                continue;
            }
            let bundled = options.managed_policies.and_then(|source| bundled_policy(source, arn));
            let diagnostic = if let Some(policy) = bundled {
                self.aws_managed.insert(Arc::clone(arn), policy);
                crate::Diagnostic::new(
                    DiagnosticLevel::Note,
                    DiagnosticCode::BundledPolicy,
                    format_args!("`{arn}` was taken from the library of AWS-managed policies"),
                )
                .about(arn)
            } else {
                let near = options.managed_policies.and_then(|source| source.nearest(arn));
                let mut found = unresolved(arn);
                found.message = format!("{}{}", found.message, did_you_mean(near)).into();
                found
            };
            log.diagnostics.push(place.clone().put(diagnostic));
        }
        self.drafts = drafts;
    }
}

impl Draft {
    /// The references that no policy of the account itself resolves.
    fn missing(&self) -> impl Iterator<Item = (&Arc<str>, &Place)> {
        let held: BTreeSet<&str> =
            self.account.policies.values().map(|policy| &*policy.arn).collect();
        self.references.iter().filter(move |(arn, _)| !held.contains(&***arn))
    }

    fn report(&self, log: &mut Log) {
        let id = self.account.id;
        if let Some(place) = &self.truncated {
            log.push(
                place,
                DiagnosticLevel::Warning,
                DiagnosticCode::TruncatedExport,
                format_args!(
                    "the last page of account {id} says that more follow: what they hold is \
                     missing"
                ),
            );
        }
        if let Some(place) = &self.without_duration {
            log.push(
                place,
                DiagnosticLevel::Note,
                DiagnosticCode::DefaultSessionDuration,
                format_args!(
                    "{} roles of account {id} have no `MaxSessionDuration`: \
                     {DEFAULT_MAX_SESSION_SECONDS} seconds were taken",
                    self.n_without_duration
                ),
            );
        }
        for message in quota::account(&self.account) {
            let warning = crate::Diagnostic::new(
                DiagnosticLevel::Warning,
                DiagnosticCode::QuotaExceeded,
                message,
            );
            log.diagnostics.push(warning);
        }
    }
}

/// Name, path, ARN and owner of a record.
fn common(file: &ImportFile<'_>, record: &Record<'_>, name: &str) -> Result<Common, Problem> {
    let arn = record.text("Arn")?;
    let parts = ArnParts::split(&arn)
        .ok_or_else(|| record.node.problem(format_args!("`{arn}` is not an ARN")))?;
    let account = match parts.account_id() {
        Some(account) => Some(account),
        None if parts.account == check::AWS => None,
        None => {
            return Err(record.node.problem(format_args!("`{arn}` names no account")));
        }
    };
    if let (Some(wanted), Some(found)) = (file.account, account)
        && wanted != found
    {
        return Err(record.node.problem_of(
            DiagnosticCode::OtherAccount,
            format_args!("`{arn}` belongs to account {found}, not to {wanted}"),
        ));
    }
    Ok(Common {
        account,
        name: record.text(name)?.into(),
        path: record.text_if("Path")?.map_or_else(|| "/".into(), Into::into),
        created: record.text_if("CreateDate")?.map(Into::into),
        arn: shared(arn),
    })
}

fn inline(record: &Record<'_>, list: &str) -> Result<Vec<InlinePolicy<DocumentText>>, Problem> {
    let policy = |node: Node<'_>| {
        let record = node.record()?;
        let document =
            record.get("PolicyDocument").ok_or_else(|| record.missing("PolicyDocument"))?;
        Ok(InlinePolicy { name: record.text("PolicyName")?.into(), document: document.document()? })
    };
    record.list(list)?.into_iter().map(policy).collect()
}

fn attached(record: &Record<'_>) -> Result<Vec<(Arc<str>, Place)>, Problem> {
    let arn = |node: Node<'_>| Ok((shared(node.record()?.text("PolicyArn")?), node.place()));
    record.list("AttachedManagedPolicies")?.into_iter().map(arn).collect()
}

fn boundary(record: &Record<'_>) -> Result<Option<(Arc<str>, Place)>, Problem> {
    let Some(node) = record.get("PermissionsBoundary") else { return Ok(None) };
    Ok(Some((shared(node.record()?.text("PermissionsBoundaryArn")?), node.place())))
}

fn tags(record: &Record<'_>) -> Result<Vec<Tag>, Problem> {
    let tag = |node: Node<'_>| {
        let record = node.record()?;
        Ok(Tag { key: record.text("Key")?.into(), value: record.text("Value")?.into() })
    };
    record.list("Tags")?.into_iter().map(tag).collect()
}

/// The versions in rising order and the position of the default one. `DefaultVersionId` and
/// `IsDefaultVersion` must agree where both are there.
fn versions(
    record: &Record<'_>,
    log: &mut Log,
) -> Result<(Vec<PolicyVersion<DocumentText>>, usize), Problem> {
    let stated = record.text_if("DefaultVersionId")?;
    let mut versions = Vec::new();
    for node in record.list("PolicyVersionList")? {
        let version = node.record()?;
        log.count_unknown("PolicyVersionList", &version, VERSION);
        let id = version.text("VersionId")?;
        let is_default = version.get("IsDefaultVersion").map(Node::boolean).transpose()?;
        let is_stated = stated.as_ref().map(|stated| *stated == id);
        if let (Some(is_default), Some(is_stated)) = (is_default, is_stated)
            && is_default != is_stated
        {
            return Err(node.problem_of(
                DiagnosticCode::DefaultVersionConflict,
                format_args!(
                    "`DefaultVersionId` and the `IsDefaultVersion` of version `{id}` disagree"
                ),
            ));
        }
        let document = version.get("Document").ok_or_else(|| version.missing("Document"))?;
        let version = PolicyVersion {
            document: document.document()?,
            created: version.text_if("CreateDate")?.map(Into::into),
            id: id.into(),
        };
        versions.push((version, is_stated.or(is_default).unwrap_or_default()));
    }
    versions.sort_by_key(|(version, _)| check::version_number(&version.id));
    let mut defaults = versions.iter().enumerate().filter(|(_, (_, is_default))| *is_default);
    match (defaults.next(), defaults.next()) {
        (Some((default, _)), None) => {
            Ok((versions.into_iter().map(|(version, _)| version).collect(), default))
        }
        (None, _) => Err(record.node.problem_of(
            DiagnosticCode::DefaultVersionConflict,
            "no version of the list is the default version",
        )),
        (Some(_), Some(_)) => Err(record.node.problem_of(
            DiagnosticCode::DefaultVersionConflict,
            "several versions are the default version",
        )),
    }
}

/// Adds an object under its folded name (I-12).
fn put_new<T>(
    all: &mut BTreeMap<Box<str>, Arc<T>>,
    what: &str,
    name: &str,
    object: T,
    node: &Node<'_>,
) -> Result<(), Problem> {
    let folded: Box<str> = fold_name(name).into();
    if all.contains_key(&folded) {
        return Err(node.problem_of(DiagnosticCode::DuplicateName, duplicate(what, name)));
    }
    all.insert(folded, Arc::new(object));
    Ok(())
}

fn duplicate(what: &str, name: &str) -> String {
    format!("there is another {what} named `{name}`, compared without regard to case")
}

/// The id of a record, or one made from the ARN when it has none of a known form (F-49).
fn made_if_bad(
    prefix: &str,
    arn: &str,
    id: Option<String>,
    node: &Node<'_>,
    log: &mut Log,
) -> Box<str> {
    let message = match id {
        Some(id) if crate::identifier::is_unique_id(&id) => return id.into(),
        Some(id) => format!("`{id}` of `{arn}` is no unique id"),
        None => format!("`{arn}` has no unique id"),
    };
    let made = unique_id(prefix, arn);
    warn_unique_id(node, &message, &made, log);
    made
}

fn warn_unique_id(node: &Node<'_>, message: &str, made: &str, log: &mut Log) {
    log.push(
        &node.place(),
        DiagnosticLevel::Warning,
        DiagnosticCode::UniqueIdReplaced,
        format_args!("{message}: it was given `{made}`, made from the ARN"),
    );
}

fn warn_quota(node: &Node<'_>, messages: &[String], log: &mut Log) {
    for message in messages {
        log.push(&node.place(), DiagnosticLevel::Warning, DiagnosticCode::QuotaExceeded, message);
    }
}
