//! The named workloads: seeded, and made from the AWS-managed policies of the catalog.
//!
//! | name | shape |
//! |---|---|
//! | [`principal`] (W1) | one role: ReadOnlyAccess, AmazonS3FullAccess, a custom policy with tag, address and MFA conditions |
//! | [`account`] (W2) | one account: 200 principals of 5–10 managed policies, a boundary, three SCPs |
//! | [`wildcards`] (W3) | one role with one policy of 500 statements on wildcard S3 objects |
//! | [`organization`] | 100 accounts, 10,000 principals |
//! | [`Estate`] | any number of accounts and principals, put into the store by edits |
//! | [`Hostile`] | policies and requests made to blow up |
//!
//! Context keys that Assize derives by itself are left to it; requests carry what a caller
//! carries, eleven keys in W1 and W2.

mod estate;
mod hostile;
mod policies;
mod request;
mod world;

pub use estate::Estate;
pub use hostile::Hostile;
pub use policies::session_policy;
pub use request::{WorkloadRequest, WorkloadStream};
pub use world::{Entity, PolicyDocument, World};

use assize_catalog::ManagedPolicies;
use fastrand::Rng;

use policies::{BOUNDARIES, SCPS, custom, is_near, services_of};
use request::{Generator, TEAMS};

/// The account of W1 – W3.
pub const ACCOUNT: &str = "111122223333";
/// Another account, outside the world.
pub const OTHER_ACCOUNT: &str = "444455556666";
/// The organization of the worlds that have SCPs.
pub const ORGANIZATION: &str = "o-a1b2c3d4e5";
/// Seed of the workloads whose figures are recorded.
pub const SEED: u64 = 7;

/// Managed policies that W2 gives often.
const COMMON: [&str; 17] = [
    "ReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "PowerUserAccess",
    "ViewOnlyAccess",
    "SecurityAudit",
    "AmazonDynamoDBFullAccess",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonSQSFullAccess",
    "CloudWatchLogsFullAccess",
    "AmazonSSMManagedInstanceCore",
    "AWSLambda_FullAccess",
    "AmazonEC2ContainerRegistryReadOnly",
    "SecretsManagerReadWrite",
    "IAMReadOnlyAccess",
    "AmazonRDSFullAccess",
];

/// The AWS-managed policies that workloads draw from.
#[derive(Debug, Clone)]
pub struct ManagedSource {
    policies: Vec<PolicyDocument>,
}

impl ManagedSource {
    /// Policies in the order given, which should be that of their names. Those whose ARN is not
    /// known cannot be attached, and who may do everything would leave nothing to decide.
    pub fn new(policies: &ManagedPolicies) -> Self {
        let policies = policies.iter().filter(|policy| policy.name() != "AdministratorAccess");
        let known = policies.filter_map(|policy| {
            Some(PolicyDocument::aws_managed(policy.name(), policy.arn()?, policy.document()))
        });
        Self { policies: known.collect() }
    }

    fn policy(&self, name: &str) -> Option<&PolicyDocument> {
        self.policies.iter().find(|policy| policy.name == name)
    }
}

/// A world and a stream of requests to it.
#[derive(Debug)]
pub struct Workload {
    /// The name under which results are recorded.
    pub name: &'static str,
    /// Who exists and what is attached.
    pub world: World,
    stream: WorkloadStream,
}

impl Workload {
    /// The first requests of the workload; the same ones every time.
    pub fn requests(&self) -> impl Iterator<Item = WorkloadRequest> + Send + '_ {
        self.stream.iter(&self.world)
    }
}

/// W1: one principal.
pub fn principal(managed: &ManagedSource) -> Workload {
    let mut world = World::new(false);
    let identity = ["ReadOnlyAccess", "AmazonS3FullAccess"]
        .iter()
        .filter_map(|name| managed.policy(name).cloned())
        .chain([PolicyDocument::customer("Custom", &custom())])
        .collect();
    world.add(Entity::role(
        "payments-app",
        &[("team", "payments"), ("env", "prod")],
        identity,
        None,
    ));
    Workload {
        name: "principal",
        world,
        stream: WorkloadStream::weighted(SEED, vec![1.0], Vec::new()),
    }
}

/// W2: one account with 200 principals.
pub fn account(managed: &ManagedSource) -> Workload {
    account_of(managed, "account", 200)
}

/// 10,000 principals in 100 accounts, otherwise as W2.
pub fn organization(managed: &ManagedSource) -> Workload {
    let mut workload = account_of(managed, "organization", 10_000);
    workload.world.spread(100);
    workload
}

fn account_of(managed: &ManagedSource, name: &'static str, n_principals: usize) -> Workload {
    let mut rng = Rng::with_seed(SEED + 1);
    let (near, rest): (Vec<_>, Vec<_>) =
        managed.policies.iter().partition(|policy| is_near(&policy.document));
    let common: Vec<_> = COMMON.iter().filter_map(|name| managed.policy(name)).collect();
    let mut world = World::new(true);
    world.scps = SCPS.iter().map(|(n, d)| PolicyDocument::customer(n, d)).collect();
    for index in 0..n_principals {
        let team = TEAMS[rng.usize(..TEAMS.len())];
        let environment = ["prod", "stage", "dev"][rng.usize(..3)];
        let n_policies = rng.usize(5..=10);
        let mut identity: Vec<PolicyDocument> = Vec::new();
        while identity.len() < n_policies {
            let x = rng.f64();
            let pool = if x < 0.3 {
                &common
            } else if x < 0.8 {
                &near
            } else {
                &rest
            };
            let Some(&policy) = pool.get(rng.usize(..pool.len().max(1))) else { break };
            if identity.iter().all(|own| own.name != policy.name) {
                identity.push(policy.clone());
            }
        }
        let (boundary_name, boundary) = BOUNDARIES[rng.usize(..BOUNDARIES.len())];
        let boundary = Some(PolicyDocument::customer(boundary_name, boundary));
        let tags = [("team", team), ("env", environment)];
        let entity_name = format!("{team}-{index}");
        world.add(if rng.f64() < 0.25 {
            Entity::user(&entity_name, &tags, identity, boundary)
        } else {
            Entity::role(&entity_name, &tags, identity, boundary)
        });
    }
    // A few principals make most of the traffic.
    #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
    let weights = (0..n_principals).map(|rank| (1.0 + rank as f64).powf(-0.7)).collect();
    // Half of what a principal does is about services that its own policies name.
    let services = |policy: &PolicyDocument| services_of(&policy.document);
    let own = world.entities.iter().map(|e| e.identity.iter().flat_map(services).collect());
    let stream = WorkloadStream::weighted(SEED + 1, weights, own.collect());
    Workload { name, world, stream }
}

/// W3: one policy of 500 statements with wildcard S3 object resources.
pub fn wildcards() -> Workload {
    wildcards_of(500)
}

/// The shape of W3 with another number of statements, in documents of at most 500.
pub fn wildcards_of(n_statements: usize) -> Workload {
    /// A document has at most 1,000 statements.
    const N_DOCUMENT: usize = 500;
    let mut rng = Rng::with_seed(SEED + 2);
    let patterns: Vec<String> =
        (0..n_statements).map(|index| Generator::lake_pattern(&mut rng, index)).collect();
    let documents = patterns.chunks(N_DOCUMENT).enumerate().map(|(at, patterns)| {
        let name = if at == 0 { "Lake".to_owned() } else { format!("Lake{at}") };
        PolicyDocument::customer(&name, &policies::lake(&mut rng, patterns))
    });
    let identity = documents.collect();
    let mut world = World::new(false);
    world.add(Entity::role("lake", &[], identity, None));
    Workload { name: "wildcards", world, stream: WorkloadStream::lake(SEED + 2, patterns) }
}

/// One principal with AWS-managed policies of about so many statements together, and the
/// requests of W1. All of them together have less than 10,000 statements; what is missing are
/// their statements once more, in policies of the customer's.
pub fn statements_of(managed: &ManagedSource, n_statements: usize) -> Workload {
    let mut rng = Rng::with_seed(SEED + 4);
    let mut pool: Vec<PolicyDocument> = managed.policies.clone();
    rng.shuffle(&mut pool);
    let again = pool.iter().enumerate().map(|(at, policy)| PolicyDocument {
        name: format!("again-{at}"),
        arn: None,
        document: policy.document.clone(),
    });
    let again: Vec<PolicyDocument> = again.collect();
    let mut n_left = n_statements;
    let identity = pool.into_iter().chain(again).take_while(|policy| {
        let n_own = policy.document.matches(r#""Effect""#).count();
        let fits = n_left > 0;
        n_left = n_left.saturating_sub(n_own);
        fits
    });
    let mut world = World::new(false);
    let tags = [("team", "payments"), ("env", "prod")];
    world.add(Entity::role("payments-app", &tags, identity.collect(), None));
    let stream = WorkloadStream::weighted(SEED, vec![1.0], Vec::new());
    Workload { name: "statements", world, stream }
}
