//! Each invariant with a change that keeps it and one that breaks it, and what commits share.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::{AccountId, ApplicablePolicies, PolicyId};

use crate::{
    Account, DocumentText, EndpointType, Entity, Error, ErrorKind, FULL_AWS_ACCESS_ID, Group,
    InlinePolicy, InstanceProfile, MAX_OU_DEPTH, ManagedPolicy, ManagedPolicySource, Organization,
    OrganizationNode, OrganizationPolicy, OrganizationalUnit, PolicyVersion,
    RCP_FULL_AWS_ACCESS_ID, Resource, ResourceAttributes, Role, StoreChange, StoreEditor,
    StoreSnapshot, Tag, User, VpcEndpoint, fold_name, unique_id,
};

const MANAGEMENT: &str = "100000000001";
const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

fn id(text: &str) -> AccountId {
    text.parse().expect("an account id")
}

fn inline(names: &[&str]) -> Vec<InlinePolicy<DocumentText>> {
    let policy = |name: &&str| InlinePolicy {
        name: (*name).into(),
        document: DocumentText::new(format!("{{\"Sid\":\"{name}\"}}")),
    };
    names.iter().map(policy).collect()
}

fn user(name: &str) -> User<DocumentText> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
    User {
        name: name.into(),
        path: "/".into(),
        unique_id: unique_id("AIDA", &arn),
        arn: arn.into(),
        created: None,
        inline: Vec::new(),
        attached: Vec::new(),
        groups: Vec::new(),
        boundary: None,
        tags: Vec::new(),
    }
}

fn group(name: &str) -> Group<DocumentText> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:group/{name}");
    Group {
        name: name.into(),
        path: "/".into(),
        unique_id: unique_id("AGPA", &arn),
        arn: arn.into(),
        created: None,
        inline: Vec::new(),
        attached: Vec::new(),
    }
}

fn role(name: &str) -> Role<DocumentText> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    Role {
        name: name.into(),
        path: "/".into(),
        unique_id: unique_id("AROA", &arn),
        arn: arn.into(),
        created: None,
        trust: Some(DocumentText::new("{}")),
        description: None,
        max_session_seconds: 3_600,
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
    }
}

fn policy(
    account: &str,
    name: &str,
    versions: &[&str],
    default: usize,
) -> ManagedPolicy<DocumentText> {
    let version = |id: &&str| PolicyVersion {
        id: (*id).into(),
        document: DocumentText::new(format!("{{\"Sid\":\"{id}\"}}")),
        created: None,
    };
    ManagedPolicy {
        arn: policy_arn(account, name),
        name: name.into(),
        path: "/".into(),
        unique_id: None,
        versions: versions.iter().map(version).collect(),
        default_version: default,
        created: None,
        description: None,
        tags: Vec::new(),
    }
}

fn policy_arn(account: &str, name: &str) -> Arc<str> {
    format!("arn:aws:iam::{account}:policy/{name}").into()
}

fn profile(name: &str, role: Option<&str>) -> InstanceProfile {
    let arn = format!("arn:aws:iam::{ACCOUNT}:instance-profile/{name}");
    InstanceProfile {
        name: name.into(),
        path: "/".into(),
        unique_id: unique_id("AIPA", &arn),
        arn: arn.into(),
        role: role.map(Into::into),
    }
}

fn resource(arn: &str, policies: &[&str]) -> Resource<DocumentText> {
    Resource {
        arn: arn.into(),
        account: id(ACCOUNT),
        tags: None,
        policies: policies.iter().map(|text| DocumentText::new(*text)).collect(),
        attributes: ResourceAttributes::default(),
    }
}

/// A root, one OU and two accounts below it; the management account is left out.
fn organization() -> Organization<DocumentText> {
    let node = |parent: Option<&str>, name: Option<&str>| OrganizationNode {
        parent: parent.map(Into::into),
        unit: name.map(|name| OrganizationalUnit { name: name.into() }),
        scps: vec![FULL_AWS_ACCESS_ID.into()],
        rcps: Vec::new(),
    };
    Organization {
        id: "o-exampleorg1".into(),
        management_account: id(MANAGEMENT),
        root_id: "r-exam".into(),
        scp_enabled: true,
        rcp_enabled: true,
        delegated_administrators: BTreeMap::new(),
        policies: BTreeMap::new(),
        nodes: BTreeMap::from([
            ("r-exam".into(), node(None, None)),
            ("ou-exam-prod0001".into(), node(Some("r-exam"), Some("prod"))),
            (ACCOUNT.into(), node(Some("ou-exam-prod0001"), None)),
            (OTHER.into(), node(Some("r-exam"), None)),
        ]),
    }
}

/// A store with one empty account.
fn editor() -> StoreEditor {
    let mut editor = StoreSnapshot::empty().edit();
    editor.apply(StoreChange::PutAccount(Box::new(Account::new(id(ACCOUNT))))).expect("an account");
    editor
}

fn kind(result: Result<(), Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[track_caller]
fn check(change: StoreChange, expected: Option<ErrorKind>) {
    assert_eq!(kind(editor().apply(change)), expected);
}

#[track_caller]
fn check_user(change: impl FnOnce(&mut User<DocumentText>), expected: Option<ErrorKind>) {
    let mut user = user("ana");
    change(&mut user);
    check(StoreChange::PutUser(id(ACCOUNT), user), expected);
}

#[track_caller]
fn check_organization(
    change: impl FnOnce(&mut Organization<DocumentText>),
    expected: Option<ErrorKind>,
) {
    let mut organization = organization();
    change(&mut organization);
    check(StoreChange::PutOrganization(organization), expected);
}

fn put_user(editor: &mut StoreEditor, user: User<DocumentText>) {
    editor.apply(StoreChange::PutUser(id(ACCOUNT), user)).expect("the user is well-formed");
}

fn commit(editor: StoreEditor) -> StoreSnapshot {
    editor.commit().0
}

/// The references of the identity policies and the boundary of a user.
fn policies_of(snapshot: &StoreSnapshot, name: &str) -> (Vec<String>, Option<String>) {
    let user = snapshot.user(id(ACCOUNT), name).expect("the user is there");
    let found = snapshot.entity_policies(id(ACCOUNT), Entity::User(id(ACCOUNT), user));
    let found = found.expect("a user has policies");
    let reference =
        |id: PolicyId| snapshot.document(id).expect("applied documents live").reference.to_string();
    let identity = found.identity.policies.iter().map(|applied| reference(applied.policy));
    (identity.collect(), found.boundary.map(reference))
}

fn references(snapshot: &StoreSnapshot, applied: &ApplicablePolicies) -> Vec<(String, u16)> {
    let reference =
        |id| snapshot.document(id).expect("applied documents live").reference.to_string();
    applied.policies.iter().map(|one| (reference(one.policy), one.node)).collect()
}

// ---- Names, paths, ids ----

#[test]
fn names_paths_and_arns_agree() {
    check_user(|_| {}, None);
    check_user(|user| user.name = "a b".into(), Some(ErrorKind::Name));
    check_user(|user| user.path = "team".into(), Some(ErrorKind::Path));
    check_user(|user| user.path = "/team/".into(), Some(ErrorKind::Arn));
    check_user(
        |user| {
            user.path = "/team/".into();
            user.arn = format!("arn:aws-cn:iam::{ACCOUNT}:user/team/ana").into();
        },
        None,
    );
    check_user(|user| user.arn = "arn:aws:iam::444455556666:user/ana".into(), Some(ErrorKind::Arn));
    check_user(|user| user.unique_id = "ana".into(), Some(ErrorKind::UniqueId));
    check(StoreChange::PutUser(id(OTHER), user("ana")), Some(ErrorKind::NoSuchAccount));
}

#[test]
fn names_differ_by_more_than_case() {
    let mut editor = editor();
    put_user(&mut editor, user("ana"));
    let taken = editor.apply(StoreChange::PutUser(id(ACCOUNT), user("Ana")));
    assert_eq!(kind(taken), Some(ErrorKind::NameTaken));
    // A role is another kind, and the same spelling replaces.
    assert!(editor.apply(StoreChange::PutRole(id(ACCOUNT), role("Ana"))).is_ok());
    put_user(&mut editor, user("ana"));
    let snapshot = commit(editor);
    assert_eq!(snapshot.user(id(ACCOUNT), "ANA").map(|user| &*user.name), Some("ana"));
    assert_eq!(snapshot.role(id(ACCOUNT), "ana").map(|role| &*role.name), Some("Ana"));
}

#[test]
fn inline_policies_have_names_of_their_own() {
    check_user(|user| user.inline = inline(&["a", "A"]), None);
    check_user(|user| user.inline = inline(&["a", "a"]), Some(ErrorKind::PolicyNameTaken));
    check_user(|user| user.inline = inline(&["a/b"]), Some(ErrorKind::PolicyName));
}

#[test]
fn unique_ids_belong_to_one_entity() {
    let mut editor = editor();
    put_user(&mut editor, user("ana"));
    let stolen = User { unique_id: user("ana").unique_id, ..user("bob") };
    let result = editor.apply(StoreChange::PutUser(id(ACCOUNT), stolen.clone()));
    assert_eq!(kind(result), Some(ErrorKind::UniqueIdTaken));
    editor.apply(StoreChange::RemoveUser(id(ACCOUNT), "ANA".into())).expect("ana is there");
    put_user(&mut editor, stolen);
    let snapshot = commit(editor);
    let found = snapshot.by_unique_id(&user("ana").unique_id).map(Entity::arn);
    assert_eq!(found, Some("arn:aws:iam::111122223333:user/bob"));

    let mut account = Account::new(id(ACCOUNT));
    for name in ["ana", "bob"] {
        let unique_id = user("ana").unique_id;
        account.users.insert(name.into(), Arc::new(User { unique_id, ..user(name) }));
    }
    check(StoreChange::PutAccount(Box::new(account)), Some(ErrorKind::UniqueIdTaken));
}

#[test]
fn tags_are_unique_without_regard_to_case() {
    let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
    check_user(|user| user.tags = vec![tag("Ünit é", "a+b"), tag("b", "")], None);
    check_user(|user| user.tags = vec![tag("Team", "a"), tag("team", "b")], Some(ErrorKind::Tag));
    check_user(|user| user.tags = vec![tag("a;b", "")], Some(ErrorKind::Tag));
    check_user(|user| user.tags = vec![tag("", "")], Some(ErrorKind::Tag));
    check_user(|user| user.tags = vec![tag("a", &"x".repeat(257))], Some(ErrorKind::Tag));
}

#[test]
fn accounts_have_aliases_of_their_own() {
    let account = |number: &str, alias: &str| {
        let alias = Some(alias.into());
        StoreChange::PutAccount(Box::new(Account { alias, ..Account::new(id(number)) }))
    };
    let mut editor = editor();
    assert!(editor.apply(account(ACCOUNT, "prod")).is_ok());
    assert!(editor.apply(account(ACCOUNT, "prod")).is_ok());
    assert_eq!(kind(editor.apply(account(OTHER, "prod"))), Some(ErrorKind::AliasTaken));
    assert_eq!(kind(editor.apply(account(OTHER, "Prod"))), Some(ErrorKind::Alias));

    let canonical = |text: String| {
        let canonical_id = Some(text.into());
        StoreChange::PutAccount(Box::new(Account { canonical_id, ..Account::new(id(OTHER)) }))
    };
    assert!(editor.apply(canonical("0a".repeat(32))).is_ok());
    assert_eq!(kind(editor.apply(canonical("0a".into()))), Some(ErrorKind::CanonicalId));
}

#[test]
fn maps_of_an_account_are_keyed_by_the_folded_name() {
    let mut account = Account::new(id(ACCOUNT));
    account.users.insert("Ana".into(), Arc::new(user("Ana")));
    check(StoreChange::PutAccount(Box::new(account.clone())), Some(ErrorKind::NameTaken));
    account.users.clear();
    account.users.insert(fold_name("Ana").into(), Arc::new(user("Ana")));
    check(StoreChange::PutAccount(Box::new(account)), None);
}

// ---- References ----

#[test]
fn attachments_and_boundaries_are_policies_of_the_account_or_of_aws() {
    check_user(|user| user.attached = vec![policy_arn(ACCOUNT, "p")], None);
    check_user(|user| user.boundary = Some(policy_arn("aws", "job-function/p")), None);
    let foreign = Some(ErrorKind::ForeignPolicy);
    check_user(|user| user.attached = vec![policy_arn(OTHER, "p")], foreign);
    check_user(|user| user.boundary = Some(policy_arn(OTHER, "p")), foreign);
    check_user(|user| user.attached = vec!["arn:aws:s3:::b".into()], Some(ErrorKind::Arn));
    let group = Group { attached: vec![policy_arn(OTHER, "p")], ..group("g") };
    check(StoreChange::PutGroup(id(ACCOUNT), group), foreign);
    let role = Role { boundary: Some(policy_arn(OTHER, "p")), ..role("r") };
    check(StoreChange::PutRole(id(ACCOUNT), role), foreign);
}

#[test]
fn groups_of_users_and_roles_of_profiles_exist() {
    check_user(|user| user.groups = vec!["dev".into()], Some(ErrorKind::NoSuchGroup));
    let put_profile = |role| StoreChange::PutInstanceProfile(id(ACCOUNT), profile("p", role));
    check(put_profile(Some("r")), Some(ErrorKind::NoSuchRole));
    check(put_profile(None), None);

    let mut editor = editor();
    editor.apply(StoreChange::PutGroup(id(ACCOUNT), group("Dev"))).expect("a group");
    editor.apply(StoreChange::PutRole(id(ACCOUNT), role("R"))).expect("a role");
    put_user(&mut editor, User { groups: vec!["dev".into()], ..user("ana") });
    editor.apply(put_profile(Some("r"))).expect("the role is there");
    let remove_group = || StoreChange::RemoveGroup(id(ACCOUNT), "DEV".into());
    let remove_role = || StoreChange::RemoveRole(id(ACCOUNT), "r".into());
    assert_eq!(kind(editor.apply(remove_group())), Some(ErrorKind::InUse));
    assert_eq!(kind(editor.apply(remove_role())), Some(ErrorKind::InUse));
    put_user(&mut editor, user("ana"));
    editor.apply(StoreChange::RemoveInstanceProfile(id(ACCOUNT), "P".into())).expect("removed");
    assert!(editor.apply(remove_group()).is_ok());
    assert!(editor.apply(remove_role()).is_ok());
    assert_eq!(kind(editor.apply(remove_role())), Some(ErrorKind::NoSuchEntity));
}

#[test]
fn a_managed_policy_has_rising_versions_and_one_default() {
    let put = |versions: &[&str], default| {
        StoreChange::PutPolicy(id(ACCOUNT), policy(ACCOUNT, "p", versions, default))
    };
    check(put(&["v1", "v3"], 0), None);
    let wrong = Some(ErrorKind::PolicyVersion);
    check(put(&[], 0), wrong);
    check(put(&["v1"], 1), wrong);
    check(put(&["v2", "v1"], 0), wrong);
    check(put(&["v1", "v1"], 0), wrong);
    check(put(&["v01"], 0), wrong);
    check(put(&["1"], 0), wrong);
    let aws = policy("aws", "p", &["v1"], 0);
    check(StoreChange::PutAwsManagedPolicy(aws), None);
    let not_aws = policy(ACCOUNT, "p", &["v1"], 0);
    check(StoreChange::PutAwsManagedPolicy(not_aws), Some(ErrorKind::Arn));
}

#[test]
fn policies_that_are_said_of_nothing_are_told_about() {
    const VAULT: &str = "arn:aws:backup:eu-west-1:111122223333:backup-vault:v";
    const POINT: &str = "arn:aws:backup:eu-west-1:111122223333:recovery-point:p";
    let told = |records: &[(&str, &[&str], Option<&str>)]| -> Vec<(String, Option<String>)> {
        let mut editor = editor();
        for &(arn, policies, vault) in records {
            let mut record = resource(arn, policies);
            record.attributes.backup_vault = vault.map(Into::into);
            editor.apply(StoreChange::PutResource(record)).expect("a resource");
        }
        let (snapshot, diagnostics) = editor.commit();
        let governed = records.len() == 2 && diagnostics.is_empty();
        assert_eq!(snapshot.resource_policies(POINT).is_some(), governed, "{records:?}");
        let subject = |found: crate::Diagnostic| found.subject.map(|subject| subject.to_string());
        diagnostics.into_iter().map(|d| (d.code.as_str().to_owned(), subject(d))).collect()
    };
    let lonely = |arn: &str| vec![("unheard_policy".to_owned(), Some(arn.to_owned()))];
    let policy: &[&str] = &["{}"];
    let network = "arn:aws:vpc-lattice:eu-west-1:111122223333:servicenetwork/sn-1";
    assert_eq!(told(&[(network, policy, None)]), lonely(network));
    assert_eq!(told(&[(network, &[], None)]), []);
    assert_eq!(told(&[(VAULT, policy, None), (POINT, &[], Some(VAULT))]), []);
    assert_eq!(told(&[(VAULT, policy, None)]), lonely(VAULT));
    assert_eq!(told(&[(VAULT, &[], None)]), []);
    assert_eq!(told(&[(POINT, &[], Some(VAULT))]), lonely(POINT));
    assert_eq!(told(&[(VAULT, policy, None), (POINT, &[], None)]), lonely(VAULT));
}

#[test]
fn resources_that_are_patterns_are_told_about() {
    let check = |arn: &str, expected: Option<&str>| {
        let mut editor = editor();
        editor.apply(StoreChange::PutResource(resource(arn, &[]))).expect("a resource");
        let (_, diagnostics) = editor.commit();
        let [found] = &*diagnostics else {
            assert_eq!((diagnostics.len(), expected), (0, None), "{arn}");
            return;
        };
        assert_eq!(
            (found.code.as_str(), found.subject.as_deref()),
            ("wildcard_resource", Some(arn))
        );
        let hint = expected.map(|own| format!("did you mean `{own}`?"));
        assert!(hint.is_some_and(|hint| found.message.ends_with(&hint)), "{}", found.message);
    };
    check("arn:aws:s3:::b/*", Some("arn:aws:s3:::b"));
    check(
        "arn:aws:execute-api:eu-west-1:111122223333:a1/*",
        Some("arn:aws:execute-api:eu-west-1:111122223333:a1"),
    );
    check(
        "arn:aws:execute-api:eu-west-1:111122223333:a1/*/GET/*",
        Some("arn:aws:execute-api:eu-west-1:111122223333:a1"),
    );
    check(
        "arn:aws:lambda:eu-west-1:111122223333:function:f:*",
        Some("arn:aws:lambda:eu-west-1:111122223333:function:f"),
    );
    check(
        "arn:aws:logs:eu-west-1:111122223333:log-group:*",
        Some("arn:aws:logs:eu-west-1:111122223333:log-group"),
    );
    // So `DescribeLogGroups` prints it.
    check("arn:aws:logs:eu-west-1:111122223333:log-group:/app:*", None);
    check("arn:aws:s3:::b", None);
    // A key may end in a star that stands for itself.
    check("arn:aws:s3:::b/k*", None);
}

#[test]
fn a_pattern_that_is_taken_back_is_not_told_about() {
    let mut editor = editor();
    let change = StoreChange::PutResource(resource("arn:aws:s3:::b/*", &[]));
    editor.apply(change).expect("a resource");
    editor.apply(StoreChange::RemoveResource("arn:aws:s3:::b/*".into())).expect("it is there");
    let (_, diagnostics) = editor.commit();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
}

#[test]
fn log_groups_are_known_without_the_wildcard_that_aws_prints() {
    let mut editor = editor();
    let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/app";
    let change = StoreChange::PutResource(resource(&format!("{arn}:*"), &[]));
    editor.apply(change).expect("a log group");
    editor.apply(StoreChange::RemoveResource(format!("{arn}:*").into())).expect("it is there");
    editor.apply(StoreChange::PutResource(resource(&format!("{arn}:*"), &[]))).expect("again");
    let snapshot = commit(editor);
    assert!(snapshot.resource(arn).is_some());
}

#[test]
fn resources_belong_to_the_account_of_their_arn() {
    let put = |arn| StoreChange::PutResource(resource(arn, &[]));
    check(put("arn:aws:s3:::b"), None);
    check(put("arn:aws:sqs:eu-west-1:111122223333:q"), None);
    check(put("arn:aws:sqs:eu-west-1:444455556666:q"), Some(ErrorKind::ResourceAccount));
    check(put("b"), Some(ErrorKind::Arn));
}

// ---- Organizations ----

#[test]
fn an_organization_is_a_tree() {
    check_organization(|_| {}, None);
    check_organization(|o| o.id = "o-1".into(), Some(ErrorKind::OrganizationId));
    check_organization(|o| o.root_id = "r-other".into(), Some(ErrorKind::Tree));
    let set_parent = |o: &mut Organization<DocumentText>, id: &str, parent: Option<&str>| {
        o.nodes.get_mut(id).expect("a node").parent = parent.map(Into::into);
    };
    check_organization(|o| set_parent(o, OTHER, None), Some(ErrorKind::Tree));
    check_organization(|o| set_parent(o, OTHER, Some("ou-exam-nowhere1")), Some(ErrorKind::Tree));
    check_organization(|o| set_parent(o, OTHER, Some(ACCOUNT)), Some(ErrorKind::Tree));
    let cycle = Some("ou-exam-prod0001");
    check_organization(|o| set_parent(o, "ou-exam-prod0001", cycle), Some(ErrorKind::Tree));
    check_organization(|o| set_parent(o, "r-exam", cycle), Some(ErrorKind::Tree));
    check_organization(
        |o| {
            let node = o.nodes["ou-exam-prod0001"].clone();
            o.nodes.insert("prod".into(), node);
        },
        Some(ErrorKind::OrganizationId),
    );
    check_organization(
        |o| {
            let node = o.nodes["ou-exam-prod0001"].clone();
            o.nodes.insert("ou-exam-prod0002".into(), node);
        },
        Some(ErrorKind::NameTaken),
    );
}

#[test]
fn units_nest_so_deep_and_no_deeper() {
    let nest = |o: &mut Organization<DocumentText>, depth: usize| {
        let mut parent: Box<str> = "r-exam".into();
        for level in 0..depth {
            let mut node = o.nodes["ou-exam-prod0001"].clone();
            node.parent = Some(parent);
            node.unit = Some(OrganizationalUnit { name: format!("level {level}").into() });
            parent = format!("ou-exam-0000000{level}").into();
            o.nodes.insert(parent.clone(), node);
        }
        o.nodes.get_mut(OTHER).expect("a node").parent = Some(parent);
    };
    check_organization(|o| nest(o, MAX_OU_DEPTH), None);
    check_organization(|o| nest(o, MAX_OU_DEPTH + 1), Some(ErrorKind::TreeDepth));
}

#[test]
fn attached_organization_policies_exist_and_are_of_their_type() {
    let scp = |o: &mut Organization<DocumentText>| {
        let policy = OrganizationPolicy {
            id: "p-deny".into(),
            name: "deny".into(),
            arn: None,
            resource_control: false,
            aws_managed: false,
            document: DocumentText::new("{}"),
        };
        o.policies.insert("p-deny".into(), Arc::new(policy));
    };
    let root =
        |o: &mut Organization<DocumentText>| o.nodes.get_mut("r-exam").map(|n| n.scps.clear());
    check_organization(
        |o| {
            scp(o);
            root(o);
        },
        None,
    );
    check_organization(
        |o| o.nodes.get_mut("r-exam").expect("a root").scps.push("p-none".into()),
        Some(ErrorKind::NoSuchPolicy),
    );
    check_organization(
        |o| {
            scp(o);
            o.nodes.get_mut("r-exam").expect("a root").rcps.push("p-deny".into());
        },
        Some(ErrorKind::PolicyType),
    );
}

#[test]
fn an_account_is_in_one_organization() {
    let mut editor = editor();
    editor.apply(StoreChange::PutOrganization(organization())).expect("a tree");
    let other = Organization { id: "o-exampleorg2".into(), ..organization() };
    let result = editor.apply(StoreChange::PutOrganization(other));
    assert_eq!(kind(result), Some(ErrorKind::AccountTaken));
    editor.apply(StoreChange::PutOrganization(organization())).expect("replaces itself");
}

#[test]
fn rcp_full_aws_access_is_on_every_node() {
    let mut editor = editor();
    editor.apply(StoreChange::PutOrganization(organization())).expect("a tree");
    let snapshot = commit(editor);
    let organization = snapshot.organization_of(id(OTHER)).expect("a member");
    assert_eq!(organization.nodes.len(), 5);
    for node in organization.nodes.values() {
        assert_eq!(node.rcps.iter().filter(|id| ***id == *RCP_FULL_AWS_ACCESS_ID).count(), 1);
    }
    let rcp = snapshot.rcp(id(ACCOUNT)).expect("a member account");
    let full = format!("rcp:{RCP_FULL_AWS_ACCESS_ID}");
    let expected: Vec<_> = (0..3).map(|node| (full.clone(), node)).collect();
    assert_eq!(references(&snapshot, rcp), expected);
    assert_eq!(rcp.n_nodes, 3);
}

#[test]
fn the_management_account_is_exempt() {
    let mut editor = editor();
    editor.apply(StoreChange::PutOrganization(organization())).expect("a tree");
    let snapshot = commit(editor);
    let path = snapshot.path(id(MANAGEMENT)).expect("a member");
    assert!(path.is_management);
    assert_eq!(path.org_path.as_str(), "o-exampleorg1/r-exam/");
    assert!(snapshot.scp(id(MANAGEMENT)).is_none() && snapshot.rcp(id(MANAGEMENT)).is_none());
    let path = snapshot.path(id(ACCOUNT)).expect("a member");
    assert_eq!(path.org_path.as_str(), "o-exampleorg1/r-exam/ou-exam-prod0001/");
    assert_eq!(path.nodes, ["r-exam".into(), "ou-exam-prod0001".into(), Box::from(ACCOUNT)]);
    assert!(snapshot.path(id("999999999999")).is_none());

    let mut editor = snapshot.edit();
    let without = Organization { scp_enabled: false, ..organization() };
    editor.apply(StoreChange::PutOrganization(without)).expect("a tree");
    let snapshot = commit(editor);
    assert!(snapshot.scp(id(ACCOUNT)).is_none() && snapshot.rcp(id(ACCOUNT)).is_some());
}

// ---- Commit ----

#[test]
fn groups_and_default_versions_are_resolved() {
    let mut editor = editor();
    let dev =
        Group { inline: inline(&["g"]), attached: vec![policy_arn(ACCOUNT, "p")], ..group("Dev") };
    editor.apply(StoreChange::PutGroup(id(ACCOUNT), dev)).expect("a group");
    let put =
        |default| StoreChange::PutPolicy(id(ACCOUNT), policy(ACCOUNT, "p", &["v1", "v2"], default));
    editor.apply(put(0)).expect("a policy");
    put_user(
        &mut editor,
        User {
            inline: inline(&["u"]),
            groups: vec!["dev".into()],
            attached: vec![policy_arn(ACCOUNT, "p"), policy_arn("aws", "Gone")],
            boundary: Some(policy_arn(ACCOUNT, "p")),
            ..user("ana")
        },
    );
    let (first, diagnostics) = editor.commit();
    let gone = policy_arn("aws", "Gone");
    let p = policy_arn(ACCOUNT, "p").to_string();
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].subject.as_deref(), Some(&*gone));
    let (identity, boundary) = policies_of(&first, "ana");
    let expected = [p.as_str(), &gone, "inline:group/Dev/g", "inline:user/ana/u"];
    assert_eq!(identity, expected);
    assert_eq!(boundary, Some(p.clone()));
    let placeholder = first.managed_document(&gone).expect("a placeholder");
    assert_eq!(first.document(placeholder).expect("it lives").text, None);
    assert_eq!(first.managed_document(&policy_arn("aws", "Other")), None);

    // A new default version reaches the user; the documents themselves stay.
    let mut editor = first.edit();
    editor.apply(put(1)).expect("a policy");
    let (second, diagnostics) = editor.commit();
    assert!(diagnostics.is_empty());
    let document = |snapshot: &StoreSnapshot| {
        let id = snapshot.managed_document(&p).expect("a policy");
        (id, snapshot.document(id).and_then(|found| found.text.clone()).expect("a text"))
    };
    assert_eq!(&*document(&first).1, r#"{"Sid":"v1"}"#);
    assert_eq!(&*document(&second).1, r#"{"Sid":"v2"}"#);
    let ana = second.user(id(ACCOUNT), "ana").expect("ana");
    let policies = second.entity_policies(id(ACCOUNT), Entity::User(id(ACCOUNT), ana));
    assert_eq!(policies.expect("policies").boundary, Some(document(&second).0));
    assert_eq!(first.documents().count(), second.documents().count());
    assert_eq!((first.number(), second.number()), (1, 2));

    // The reference is resolved, and unresolved again.
    let mut editor = second.edit();
    editor.apply(StoreChange::PutAwsManagedPolicy(policy("aws", "Gone", &["v1"], 0))).expect("put");
    editor.apply(StoreChange::RemovePolicy(id(ACCOUNT), "P".into())).expect("removed");
    let (third, diagnostics) = editor.commit();
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(third.document(placeholder), None);
    let text_of = |arn: &str| {
        let id = third.managed_document(arn).expect("referenced");
        third.document(id).expect("it lives").text.clone()
    };
    assert_eq!(text_of(&gone).as_deref(), Some(r#"{"Sid":"v1"}"#));
    assert_eq!(text_of(&p), None);
    assert_eq!(policies_of(&third, "ana").0, expected);
}

#[test]
fn a_membership_is_resolved_when_either_side_changes() {
    let mut editor = editor();
    editor.apply(StoreChange::PutGroup(id(ACCOUNT), group("g"))).expect("a group");
    put_user(&mut editor, User { groups: vec!["g".into()], ..user("ana") });
    put_user(&mut editor, user("bob"));
    let first = commit(editor);
    let mut editor = first.edit();
    let with = Group { inline: inline(&["x"]), ..group("g") };
    editor.apply(StoreChange::PutGroup(id(ACCOUNT), with)).expect("a group");
    let second = commit(editor);
    assert!(policies_of(&first, "ana").0.is_empty());
    assert_eq!(policies_of(&second, "ana").0, ["inline:group/g/x"]);
    assert!(policies_of(&second, "bob").0.is_empty());
    let mut editor = second.edit();
    put_user(&mut editor, user("ana"));
    let third = commit(editor);
    assert!(policies_of(&third, "ana").0.is_empty());
}

#[test]
fn a_refused_change_changes_nothing() {
    let mut editor = editor();
    put_user(&mut editor, User { inline: inline(&["a"]), ..user("ana") });
    let before = commit(editor);
    let mut editor = before.edit();
    let bad = User { groups: vec!["none".into()], inline: inline(&["b"]), ..user("ana") };
    assert!(editor.apply(StoreChange::PutUser(id(ACCOUNT), bad)).is_err());
    let mut account = Account::new(id(ACCOUNT));
    account.alias = Some("-".into());
    assert!(editor.apply(StoreChange::PutAccount(Box::new(account))).is_err());
    let after = commit(editor);
    assert_eq!(before.digest(), after.digest());
    assert_eq!(
        before.documents().map(|(id, _)| id).collect::<Vec<_>>(),
        after.documents().map(|(id, _)| id).collect::<Vec<_>>()
    );
}

#[test]
fn what_did_not_change_is_shared() {
    let mut editor = editor();
    editor.apply(StoreChange::PutAccount(Box::new(Account::new(id(OTHER))))).expect("an account");
    for name in ["ana", "bob"] {
        put_user(&mut editor, User { inline: inline(&["same"]), ..user(name) });
    }
    editor.apply(StoreChange::PutResource(resource("arn:aws:s3:::b", &["{}"]))).expect("put");
    let before = commit(editor);
    let mut editor = before.edit();
    put_user(&mut editor, User { inline: inline(&["same", "more"]), ..user("ana") });
    let after = commit(editor);

    assert!(std::ptr::eq(
        before.account(id(OTHER)).expect("held"),
        after.account(id(OTHER)).expect("held")
    ));
    let user_of = |snapshot: &StoreSnapshot, name: &str| {
        Arc::clone(&snapshot.account(id(ACCOUNT)).expect("held").users[name])
    };
    assert!(Arc::ptr_eq(&user_of(&before, "bob"), &user_of(&after, "bob")));
    assert!(!Arc::ptr_eq(&user_of(&before, "ana"), &user_of(&after, "ana")));
    assert!(std::ptr::eq(
        before.resource("arn:aws:s3:::b").expect("held"),
        after.resource("arn:aws:s3:::b").expect("held")
    ));
    // Equal texts are one, and a document that stays keeps its id.
    let (ana, bob) = (user_of(&after, "ana"), user_of(&after, "bob"));
    let text = |id| after.document(id).and_then(|found| found.text.clone()).expect("a text");
    assert!(Arc::ptr_eq(&text(ana.inline[0].document), &text(bob.inline[0].document)));
    assert_ne!(ana.inline[0].document, bob.inline[0].document);
    assert_eq!(ana.inline[0].document, user_of(&before, "ana").inline[0].document);
}

#[test]
fn the_digest_depends_on_the_facts_alone() {
    let build = |names: &[&str]| {
        let mut editor = editor();
        for name in names {
            put_user(&mut editor, User { inline: inline(&["x"]), ..user(name) });
        }
        commit(editor)
    };
    let forth = build(&["ana", "bob"]);
    let back = build(&["bob", "ana", "carl"]);
    let mut editor = back.edit();
    editor.apply(StoreChange::RemoveUser(id(ACCOUNT), "carl".into())).expect("carl is there");
    let back_again = commit(editor);
    assert_eq!(forth.digest(), back_again.digest());
    assert_ne!(forth.digest(), back.digest());
    assert_eq!(back_again.account_with_texts(id(ACCOUNT)), forth.account_with_texts(id(ACCOUNT)));
}

#[test]
fn an_account_is_replaced_and_removed_as_a_whole() {
    let mut editor = editor();
    put_user(&mut editor, User { inline: inline(&["x"]), ..user("ana") });
    editor.apply(StoreChange::PutRole(id(ACCOUNT), role("r"))).expect("a role");
    let first = commit(editor);
    let mut editor = first.edit();
    let again = editor.account_with_texts(id(ACCOUNT)).expect("held");
    editor.apply(StoreChange::PutAccount(Box::new(again))).expect("as it was");
    let second = commit(editor);
    assert_eq!(first.digest(), second.digest());
    assert_eq!(
        first.documents().map(|(id, _)| id).collect::<Vec<_>>(),
        second.documents().map(|(id, _)| id).collect::<Vec<_>>()
    );
    assert_eq!(policies_of(&second, "ana").0, ["inline:user/ana/x"]);
    let mut editor = second.edit();
    editor.apply(StoreChange::RemoveAccount(id(ACCOUNT))).expect("held");
    let third = commit(editor);
    assert_eq!(third.documents().count(), 0);
    assert!(third.by_unique_id(&user("ana").unique_id).is_none());
    assert!(third.role_by_arn("arn:aws:iam::111122223333:role/r").is_none());
}

#[test]
fn policies_of_a_resource_are_in_order_of_their_references() {
    let texts: Vec<String> = (0..11).map(|n| format!("[{n}]")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut editor = editor();
    editor.apply(StoreChange::PutResource(resource("arn:aws:s3:::b", &texts))).expect("put");
    editor.apply(StoreChange::PutResource(resource("arn:aws:s3:::none", &[]))).expect("put");
    let snapshot = commit(editor);
    let policies = snapshot.resource_policies("arn:aws:s3:::b").expect("there are policies");
    let names: Vec<String> =
        references(&snapshot, policies).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names[..3],
        ["resource:arn:aws:s3:::b#0", "resource:arn:aws:s3:::b#1", "resource:arn:aws:s3:::b#10"]
    );
    assert_eq!(names.len(), 11);
    assert!(snapshot.resource_policies("arn:aws:s3:::none").is_none());
}

#[test]
fn endpoints_have_ids_and_kinds() {
    let endpoint = |id: &str| VpcEndpoint {
        id: id.into(),
        account: None,
        vpc: Some("vpc-1".into()),
        vpc_arn: None,
        endpoint_type: EndpointType::Gateway,
        service: None,
        policy: Some(DocumentText::new("{}")),
    };
    check(StoreChange::PutEndpoint(endpoint("1")), Some(ErrorKind::Name));
    let mut editor = editor();
    editor.apply(StoreChange::PutEndpoint(endpoint("vpce-1"))).expect("put");
    let snapshot = commit(editor);
    let policy = snapshot.endpoint("vpce-1").and_then(|found| found.policy).expect("a policy");
    let document = snapshot.document(policy).expect("it lives");
    assert!(document.gateway);
    assert_eq!(&*document.reference, "vpce:vpce-1");
    let keys = crate::context::endpoint_keys(&snapshot, "vpce-1");
    assert_eq!((keys.vpc, keys.account), (Some("vpc-1"), None));
    let mut editor = snapshot.edit();
    editor.apply(StoreChange::RemoveEndpoint("vpce-1".into())).expect("removed");
    assert_eq!(commit(editor).documents().count(), 0);
}

#[test]
fn referenced_aws_policies_are_taken_from_a_library() {
    struct Library;
    impl ManagedPolicySource for Library {
        fn document(&self, arn: &str) -> Option<(Arc<str>, Box<str>)> {
            arn.ends_with("/Known").then(|| ("{}".into(), "v7".into()))
        }
    }
    let mut editor = editor();
    let attached = ["job-function/Known", "Unknown"].map(|name| policy_arn("aws", name));
    put_user(&mut editor, User { attached: attached.to_vec(), ..user("ana") });
    assert_eq!(editor.resolve_managed(&Library), [Arc::clone(&attached[0])]);
    let (snapshot, diagnostics) = editor.commit();
    assert_eq!(diagnostics.len(), 1);
    let policy = snapshot.aws_managed_policy(&attached[0]).expect("taken");
    assert_eq!((&*policy.path, &*policy.name), ("/job-function/", "Known"));
}

#[test]
fn snapshots_go_anywhere() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<StoreSnapshot>();
    check::<StoreEditor>();
    check::<Error>();
}
