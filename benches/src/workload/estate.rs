//! Large organizations, put into the store account by account.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize::BundledPolicies;
use assize::store::{
    Account, DEFAULT_MAX_SESSION_SECONDS, DocumentText, FULL_AWS_ACCESS_ID, Group, InlinePolicy,
    ManagedPolicy, Organization, OrganizationNode, OrganizationPolicy, PolicyVersion, Role,
    StoreChange, StoreSnapshot, Tag, User, unique_id,
};
use assize_model::AccountId;
use fastrand::Rng;

use super::policies::{BOUNDARIES, SCPS};
use super::{COMMON, ManagedSource, ORGANIZATION, SEED, TEAMS};

/// Customer-managed policies of an account, each of which names the account.
const N_OWN_POLICIES: usize = 10;
/// What roles and users of an account are for; those of one kind have the same attachments.
const N_KINDS: usize = 30;
/// Of so many roles and users one has an inline policy that nobody else has.
const INLINE_STEP: usize = 20;
/// Of so many principals one is a user; the others are roles.
const USER_STEP: usize = 5;
const MANAGEMENT_ACCOUNT: &str = "999999999999";

/// An organization of many accounts.
///
/// Each account has ten policies of its own, four boundaries, thirty kinds of principals with two
/// to seven attachments, half of them AWS-managed; one principal in twenty has an inline policy of
/// its own. Roles trust a service or the account. Two SCPs stand at the root.
#[derive(Debug, Clone, Copy)]
pub struct Estate {
    /// Accounts, the management account apart.
    pub n_accounts: usize,
    /// Users and roles of each account.
    pub n_principals: usize,
}

impl Estate {
    /// Puts the organization into a store, in one edit.
    ///
    /// # Errors
    /// When the store refuses a change.
    pub fn build(self, managed: &ManagedSource) -> Result<StoreSnapshot, assize::store::Error> {
        let mut rng = Rng::with_seed(SEED + 3);
        let mut editor = StoreSnapshot::empty().edit();
        let accounts: Vec<AccountId> = (0..self.n_accounts).map(account_id).collect();
        for &account in &accounts {
            let facts = self.account(account, managed, &mut rng);
            editor.apply(StoreChange::PutAccount(Box::new(facts)))?;
        }
        editor.apply(StoreChange::PutOrganization(organization(&accounts)))?;
        if let Ok(bundled) = BundledPolicies::new() {
            editor.resolve_managed(&bundled);
        }
        Ok(editor.commit().0)
    }

    fn account(
        self,
        id: AccountId,
        managed: &ManagedSource,
        rng: &mut Rng,
    ) -> Account<DocumentText> {
        let mut account = Account::new(id);
        let mut own = own_policies(id);
        for (name, document) in BOUNDARIES {
            own.push(policy(id, name, document));
        }
        let kinds: Vec<Kind> = (0..N_KINDS).map(|_| Kind::draw(managed, &own, rng)).collect();
        account.policies =
            own.into_iter().map(|own| (own.name.to_ascii_lowercase().into(), own)).collect();
        for at in 0..self.n_principals {
            let kind = &kinds[rng.usize(..kinds.len())];
            if at.is_multiple_of(USER_STEP) {
                let user = user(id, at, kind, rng);
                account.users.insert(user.name.clone(), Arc::new(user));
            } else {
                let role = role(id, at, kind, rng);
                account.roles.insert(role.name.clone(), Arc::new(role));
            }
        }
        let team = group(id, &kinds[0]);
        account.groups.insert(team.name.clone(), Arc::new(team));
        account
    }
}

/// What principals of one purpose have.
struct Kind {
    attached: Vec<Arc<str>>,
    boundary: Option<Arc<str>>,
    tags: Vec<Tag>,
}

impl Kind {
    fn draw(
        managed: &ManagedSource,
        own: &[Arc<ManagedPolicy<DocumentText>>],
        rng: &mut Rng,
    ) -> Self {
        let mut attached: Vec<Arc<str>> = Vec::new();
        for _ in 0..rng.usize(1..=4) {
            let named = managed.policy(COMMON[rng.usize(..COMMON.len())]);
            attached.extend(named.and_then(|policy| policy.arn.as_deref()).map(Arc::from));
        }
        for _ in 0..rng.usize(1..=3) {
            attached.push(Arc::clone(&own[rng.usize(..N_OWN_POLICIES)].arn));
        }
        attached.sort_unstable();
        attached.dedup();
        let boundary = &own[N_OWN_POLICIES + rng.usize(..BOUNDARIES.len())].arn;
        let boundary = (rng.u8(..) < 80).then(|| Arc::clone(boundary));
        let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
        let team = TEAMS[rng.usize(..TEAMS.len())];
        Self { attached, boundary, tags: vec![tag("env", "prod"), tag("team", team)] }
    }
}

fn account_id(at: usize) -> AccountId {
    format!("{:012}", 200_000_000_000 + at).parse().expect("twelve digits")
}

fn policy(account: AccountId, name: &str, text: &str) -> Arc<ManagedPolicy<DocumentText>> {
    let version =
        PolicyVersion { id: "v1".into(), document: DocumentText::new(text), created: None };
    Arc::new(ManagedPolicy {
        arn: format!("arn:aws:iam::{account}:policy/{name}").into(),
        name: name.into(),
        path: "/".into(),
        unique_id: None,
        versions: vec![version],
        default_version: 0,
        created: None,
        description: None,
        tags: Vec::new(),
    })
}

fn own_policies(account: AccountId) -> Vec<Arc<ManagedPolicy<DocumentText>>> {
    let services = ["s3", "dynamodb", "sqs", "sns", "lambda", "kms", "logs", "ssm", "ecs", "ec2"];
    let own = services.iter().cycle().take(N_OWN_POLICIES).enumerate().map(|(at, service)| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{service}:Get*","{service}:List*","{service}:Describe*"],"Resource":"arn:aws:{service}:*:{account}:app-{at}-*"}},{{"Effect":"Allow","Action":"{service}:*","Resource":"arn:aws:{service}:*:{account}:app-{at}-${{aws:PrincipalTag/team}}-*","Condition":{{"StringEquals":{{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}}}}},{{"Effect":"Deny","Action":"{service}:Delete*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"{account}"}}}}}}]}}"#
        );
        policy(account, &format!("app-{at}"), &text)
    });
    own.collect()
}

/// An inline policy that nobody else has, for some.
fn inline(account: AccountId, at: usize) -> Vec<InlinePolicy<DocumentText>> {
    if !at.is_multiple_of(INLINE_STEP) {
        return Vec::new();
    }
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::data-{account}-{at}/*"}}]}}"#
    );
    vec![InlinePolicy { name: "own".into(), document: DocumentText::new(text) }]
}

fn user(account: AccountId, at: usize, kind: &Kind, rng: &mut Rng) -> User<DocumentText> {
    let name = format!("user-{at}");
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    User {
        name: name.into(),
        path: "/".into(),
        unique_id: unique_id("AIDA", &arn),
        arn: arn.into(),
        created: None,
        inline: inline(account, at),
        attached: kind.attached.clone(),
        groups: if rng.bool() { vec!["team".into()] } else { Vec::new() },
        boundary: kind.boundary.clone(),
        tags: kind.tags.clone(),
    }
}

fn role(account: AccountId, at: usize, kind: &Kind, rng: &mut Rng) -> Role<DocumentText> {
    let name = format!("role-{at}");
    let arn = format!("arn:aws:iam::{account}:role/{name}");
    let trusted = match rng.usize(..4) {
        0 => format!(r#"{{"AWS":"{account}"}}"#),
        1 => r#"{"Service":"ec2.amazonaws.com"}"#.to_owned(),
        _ => r#"{"Service":"lambda.amazonaws.com"}"#.to_owned(),
    };
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{trusted},"Action":"sts:AssumeRole"}}]}}"#
    );
    Role {
        name: name.into(),
        path: "/".into(),
        unique_id: unique_id("AROA", &arn),
        arn: arn.into(),
        created: None,
        trust: Some(DocumentText::new(trust)),
        description: None,
        max_session_seconds: DEFAULT_MAX_SESSION_SECONDS,
        inline: inline(account, at),
        attached: kind.attached.clone(),
        boundary: kind.boundary.clone(),
        tags: kind.tags.clone(),
    }
}

fn group(account: AccountId, kind: &Kind) -> Group<DocumentText> {
    let arn = format!("arn:aws:iam::{account}:group/team");
    Group {
        name: "team".into(),
        path: "/".into(),
        unique_id: unique_id("AGPA", &arn),
        arn: arn.into(),
        created: None,
        inline: Vec::new(),
        attached: kind.attached.clone(),
    }
}

fn organization(accounts: &[AccountId]) -> Organization<DocumentText> {
    let node = |parent: Option<&str>, scps: Vec<Box<str>>| OrganizationNode {
        parent: parent.map(Into::into),
        unit: None,
        scps,
        rcps: Vec::new(),
    };
    let full = || vec![FULL_AWS_ACCESS_ID.into()];
    let mut policies = BTreeMap::new();
    let mut at_root = full();
    for (name, document) in SCPS {
        let id: Box<str> = format!("p-{}", name.to_ascii_lowercase()).into();
        at_root.push(id.clone());
        let policy = OrganizationPolicy {
            id: id.clone(),
            name: name.into(),
            arn: None,
            resource_control: false,
            aws_managed: false,
            document: DocumentText::new(document),
        };
        policies.insert(id, Arc::new(policy));
    }
    let mut nodes: BTreeMap<Box<str>, OrganizationNode> =
        [("r-root".into(), node(None, at_root))].into();
    let management: AccountId = MANAGEMENT_ACCOUNT.parse().expect("twelve digits");
    for account in accounts.iter().chain([&management]) {
        nodes.insert(account.as_str().into(), node(Some("r-root"), full()));
    }
    Organization {
        id: ORGANIZATION.into(),
        management_account: management,
        root_id: "r-root".into(),
        scp_enabled: true,
        rcp_enabled: false,
        delegated_administrators: BTreeMap::new(),
        policies,
        nodes,
    }
}
