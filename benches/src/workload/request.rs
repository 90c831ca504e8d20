//! Requests of the workloads.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::world::{Entity, World};
use super::{ACCOUNT, OTHER_ACCOUNT};

pub(super) const TEAMS: [&str; 8] =
    ["payments", "search", "growth", "infra", "data", "ml", "web", "mobile"];
const ENVIRONMENTS: [&str; 3] = ["prod", "stage", "dev"];
const KINDS: [&str; 10] =
    ["api", "worker", "cron", "ingest", "export", "web", "jobs", "cache", "audit", "reports"];
const REGIONS: [&str; 11] = [
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-west-2",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-south-1",
];
const AGENTS: [&str; 3] = [
    "aws-cli/2.17.14 md/awscrt#0.20.11 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.9",
    "aws-sdk-java/2.26.20 Linux/6.1.0 OpenJDK_64-Bit_Server_VM/21.0.3+9-LTS Java/21.0.3",
    "Boto3/1.34.144 md/Botocore#1.34.144 ua/2.0 os/linux#6.1.92 lang/python#3.12.4 cfg/retry-mode",
];

/// A resource template and the actions on it; an action that stands twice is twice as usual.
type Templates = &'static [(&'static str, &'static [&'static str])];

/// The services of the traffic: name, weight, templates. `*` is no resource.
pub(super) const SERVICES: [(&str, f64, Templates); 27] = [
    (
        "s3",
        30.0,
        &[
            (
                "arn:aws:s3:::{bucket}/{key}",
                &[
                    "GetObject",
                    "GetObject",
                    "GetObject",
                    "PutObject",
                    "DeleteObject",
                    "GetObjectTagging",
                    "PutObjectAcl",
                    "GetObjectVersion",
                    "AbortMultipartUpload",
                ],
            ),
            (
                "arn:aws:s3:::{bucket}",
                &[
                    "ListBucket",
                    "ListBucket",
                    "GetBucketLocation",
                    "GetBucketPolicy",
                    "PutBucketPolicy",
                    "DeleteBucket",
                    "GetBucketVersioning",
                    "PutBucketTagging",
                ],
            ),
            ("*", &["ListAllMyBuckets"]),
        ],
    ),
    (
        "dynamodb",
        14.0,
        &[
            (
                "arn:aws:dynamodb:{region}:{acct}:table/{name}",
                &[
                    "GetItem",
                    "GetItem",
                    "Query",
                    "PutItem",
                    "UpdateItem",
                    "DeleteItem",
                    "BatchGetItem",
                    "DescribeTable",
                    "Scan",
                    "DeleteTable",
                ],
            ),
            ("*", &["ListTables"]),
        ],
    ),
    (
        "sqs",
        9.0,
        &[(
            "arn:aws:sqs:{region}:{acct}:{name}",
            &[
                "SendMessage",
                "ReceiveMessage",
                "DeleteMessage",
                "GetQueueAttributes",
                "GetQueueUrl",
                "PurgeQueue",
            ],
        )],
    ),
    (
        "sns",
        5.0,
        &[(
            "arn:aws:sns:{region}:{acct}:{name}",
            &["Publish", "Subscribe", "GetTopicAttributes", "DeleteTopic"],
        )],
    ),
    (
        "kms",
        9.0,
        &[
            (
                "arn:aws:kms:{region}:{acct}:key/{uuid}",
                &[
                    "Decrypt",
                    "Decrypt",
                    "GenerateDataKey",
                    "Encrypt",
                    "DescribeKey",
                    "ScheduleKeyDeletion",
                ],
            ),
            ("*", &["ListKeys"]),
        ],
    ),
    (
        "lambda",
        6.0,
        &[
            (
                "arn:aws:lambda:{region}:{acct}:function:{name}",
                &[
                    "InvokeFunction",
                    "InvokeFunction",
                    "GetFunction",
                    "UpdateFunctionCode",
                    "DeleteFunction",
                ],
            ),
            ("*", &["ListFunctions"]),
        ],
    ),
    (
        "logs",
        8.0,
        &[
            (
                "arn:aws:logs:{region}:{acct}:log-group:/aws/lambda/{name}",
                &["CreateLogGroup", "DescribeLogStreams", "FilterLogEvents", "PutRetentionPolicy"],
            ),
            (
                "arn:aws:logs:{region}:{acct}:log-group:/aws/lambda/{name}:log-stream:{hex32}",
                &["PutLogEvents", "PutLogEvents", "GetLogEvents"],
            ),
        ],
    ),
    (
        "ec2",
        10.0,
        &[
            (
                "arn:aws:ec2:{region}:{acct}:instance/i-{hex17}",
                &["StartInstances", "StopInstances", "TerminateInstances", "RebootInstances"],
            ),
            ("arn:aws:ec2:{region}:{acct}:volume/vol-{hex17}", &["AttachVolume", "DeleteVolume"]),
            (
                "*",
                &[
                    "DescribeInstances",
                    "DescribeInstances",
                    "DescribeVpcs",
                    "DescribeSubnets",
                    "DescribeSecurityGroups",
                    "DescribeImages",
                ],
            ),
        ],
    ),
    (
        "iam",
        5.0,
        &[
            (
                "arn:aws:iam::{acct}:role/{name}",
                &[
                    "PassRole",
                    "PassRole",
                    "GetRole",
                    "AttachRolePolicy",
                    "CreateRole",
                    "DeleteRole",
                    "ListRolePolicies",
                ],
            ),
            (
                "arn:aws:iam::{acct}:user/{user}",
                &["GetUser", "CreateAccessKey", "ListAccessKeys", "DeleteUser"],
            ),
            ("*", &["ListRoles", "ListUsers"]),
        ],
    ),
    (
        "sts",
        6.0,
        &[
            ("arn:aws:iam::{acct2}:role/{name}", &["AssumeRole", "AssumeRole", "TagSession"]),
            ("*", &["GetCallerIdentity"]),
        ],
    ),
    (
        "secretsmanager",
        5.0,
        &[
            (
                "arn:aws:secretsmanager:{region}:{acct}:secret:{name}-{hex6}",
                &["GetSecretValue", "DescribeSecret", "PutSecretValue"],
            ),
            ("*", &["ListSecrets"]),
        ],
    ),
    (
        "ssm",
        5.0,
        &[
            (
                "arn:aws:ssm:{region}:{acct}:parameter/{env}/{name}",
                &["GetParameter", "GetParameters", "PutParameter"],
            ),
            ("*", &["DescribeParameters"]),
        ],
    ),
    (
        "ecr",
        4.0,
        &[
            (
                "arn:aws:ecr:{region}:{acct}:repository/{name}",
                &["BatchGetImage", "GetDownloadUrlForLayer", "PutImage", "DescribeImages"],
            ),
            ("*", &["GetAuthorizationToken"]),
        ],
    ),
    (
        "ecs",
        3.0,
        &[
            (
                "arn:aws:ecs:{region}:{acct}:service/{env}/{name}",
                &["UpdateService", "DescribeServices"],
            ),
            ("arn:aws:ecs:{region}:{acct}:task-definition/{name}:{n}", &["RunTask"]),
            ("*", &["ListClusters"]),
        ],
    ),
    (
        "eks",
        2.0,
        &[
            (
                "arn:aws:eks:{region}:{acct}:cluster/{name}",
                &["DescribeCluster", "UpdateClusterConfig"],
            ),
            ("*", &["ListClusters"]),
        ],
    ),
    (
        "rds",
        3.0,
        &[(
            "arn:aws:rds:{region}:{acct}:db:{name}",
            &["StartDBInstance", "DeleteDBInstance", "DescribeDBInstances"],
        )],
    ),
    (
        "cloudwatch",
        4.0,
        &[
            (
                "arn:aws:cloudwatch:{region}:{acct}:alarm:{name}",
                &["PutMetricAlarm", "DeleteAlarms"],
            ),
            ("*", &["PutMetricData", "GetMetricData", "ListMetrics"]),
        ],
    ),
    (
        "events",
        2.0,
        &[
            ("arn:aws:events:{region}:{acct}:event-bus/{name}", &["PutEvents"]),
            ("arn:aws:events:{region}:{acct}:rule/{name}", &["PutRule", "PutTargets"]),
        ],
    ),
    (
        "states",
        2.0,
        &[(
            "arn:aws:states:{region}:{acct}:stateMachine:{name}",
            &["StartExecution", "DescribeStateMachine"],
        )],
    ),
    (
        "kinesis",
        2.0,
        &[(
            "arn:aws:kinesis:{region}:{acct}:stream/{name}",
            &["PutRecord", "PutRecords", "GetRecords", "DescribeStream"],
        )],
    ),
    (
        "athena",
        1.0,
        &[(
            "arn:aws:athena:{region}:{acct}:workgroup/{name}",
            &["StartQueryExecution", "GetQueryResults"],
        )],
    ),
    (
        "glue",
        2.0,
        &[
            ("arn:aws:glue:{region}:{acct}:table/{env}/{name}", &["GetTable", "GetPartitions"]),
            ("arn:aws:glue:{region}:{acct}:job/{name}", &["StartJobRun"]),
        ],
    ),
    (
        "cloudformation",
        2.0,
        &[(
            "arn:aws:cloudformation:{region}:{acct}:stack/{name}/{uuid}",
            &["DescribeStacks", "CreateStack", "DeleteStack"],
        )],
    ),
    (
        "cloudtrail",
        1.0,
        &[("arn:aws:cloudtrail:{region}:{acct}:trail/{name}", &["StopLogging", "GetTrailStatus"])],
    ),
    ("organizations", 1.0, &[("*", &["DescribeOrganization", "LeaveOrganization"])]),
    (
        "sagemaker",
        1.0,
        &[(
            "arn:aws:sagemaker:{region}:{acct}:endpoint/{name}",
            &["InvokeEndpoint", "DescribeEndpoint"],
        )],
    ),
    (
        "route53",
        1.0,
        &[(
            "arn:aws:route53:::hostedzone/{hex17}",
            &["ListResourceRecordSets", "ChangeResourceRecordSets"],
        )],
    ),
];

/// One request of a workload.
#[derive(Debug, Clone)]
pub struct WorkloadRequest {
    /// Position of the entity in the world.
    pub entity: usize,
    /// The ARN of the user or role.
    pub principal: String,
    /// `service:Name`.
    pub action: String,
    /// An ARN or `*`.
    pub resource: String,
    /// Context keys and their single values.
    pub context: Vec<(&'static str, String)>,
}

impl WorkloadRequest {
    /// The request as a line of a request stream, without the line end.
    pub fn to_json(&self) -> String {
        let context: Vec<String> =
            self.context.iter().map(|(key, value)| format!(r#""{key}":"{value}""#)).collect();
        format!(
            r#"{{"principal":"{}","action":"{}","resource":"{}","context":{{{}}}}}"#,
            self.principal,
            self.action,
            self.resource,
            context.join(","),
        )
    }
}

/// How a workload draws its requests.
#[derive(Debug, Clone)]
pub struct WorkloadStream {
    seed: u64,
    kind: StreamKind,
}

#[derive(Debug, Clone)]
enum StreamKind {
    /// Weights of the principals, and the services that the policies of each name; of none when
    /// only the traffic as a whole counts.
    Weighted(Vec<f64>, Vec<BTreeSet<String>>),
    /// Patterns that resources are made from.
    Lake(Vec<String>),
    /// These, again and again.
    Repeated(Vec<WorkloadRequest>),
}

impl WorkloadStream {
    pub(super) fn weighted(seed: u64, weights: Vec<f64>, own: Vec<BTreeSet<String>>) -> Self {
        Self { seed, kind: StreamKind::Weighted(weights, own) }
    }

    pub(super) fn lake(seed: u64, patterns: Vec<String>) -> Self {
        Self { seed, kind: StreamKind::Lake(patterns) }
    }

    pub(super) fn repeated(requests: Vec<WorkloadRequest>) -> Self {
        Self { seed: 0, kind: StreamKind::Repeated(requests) }
    }

    pub(super) fn iter<'a>(
        &'a self,
        world: &'a World,
    ) -> Box<dyn Iterator<Item = WorkloadRequest> + Send + 'a> {
        let rng = Rng::with_seed(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut generator = Generator::new(rng);
        match &self.kind {
            StreamKind::Weighted(weights, own) => {
                let sums: Vec<f64> = weights
                    .iter()
                    .scan(0.0, |sum, weight| {
                        *sum += weight;
                        Some(*sum)
                    })
                    .collect();
                let own: Vec<_> = own.iter().map(|names| generator.choices_of(names)).collect();
                Box::new(std::iter::repeat_with(move || {
                    generator.account_request(world, &sums, &own)
                }))
            }
            StreamKind::Repeated(requests) => Box::new(requests.iter().cycle().cloned()),
            StreamKind::Lake(patterns) => {
                Box::new(std::iter::repeat_with(move || generator.lake_request(world, patterns)))
            }
        }
    }
}

/// Draws requests.
#[derive(Debug)]
pub(super) struct Generator {
    rng: Rng,
    names: Vec<String>,
    buckets: Vec<String>,
    /// Object keys repeat in real traffic: half are drawn from this pool.
    keys: Vec<String>,
    /// Sums of weights, and what they choose.
    choices: Vec<(f64, Choice)>,
}

/// Service, template of the resource, action.
type Choice = (&'static str, &'static str, &'static str);

impl Generator {
    fn new(mut rng: Rng) -> Self {
        let names = TEAMS
            .iter()
            .flat_map(|team| KINDS.iter().map(move |kind| (team, kind)))
            .flat_map(|(t, k)| ENVIRONMENTS.iter().map(move |e| format!("{t}-{k}-{e}")))
            .collect();
        let buckets = TEAMS
            .iter()
            .flat_map(|t| ENVIRONMENTS.iter().map(move |e| (t, e)))
            .flat_map(|(t, e)| {
                ["data", "logs", "assets", "backup"].iter().map(move |s| format!("{t}-{e}-{s}"))
            })
            .collect();
        let keys = (0..4_000).map(|_| object_key(&mut rng)).collect();
        let mut choices = Vec::new();
        let mut sum = 0.0;
        for (service, weight, templates) in SERVICES {
            let n_actions: usize = templates.iter().map(|(_, actions)| actions.len()).sum();
            for (template, actions) in templates {
                for action in *actions {
                    #[expect(clippy::cast_precision_loss, reason = "a handful of actions")]
                    let share = weight / n_actions as f64;
                    sum += share;
                    choices.push((sum, (service, *template, *action)));
                }
            }
        }
        Self { rng, names, buckets, keys, choices }
    }

    fn choose(&mut self) -> Choice {
        let total = self.choices.last().map_or(0.0, |c| c.0);
        let at = self.rng.f64() * total;
        let index = self.choices.partition_point(|c| c.0 <= at).min(self.choices.len() - 1);
        self.choices[index].1
    }

    /// The choices that are about some services.
    fn choices_of(&self, services: &BTreeSet<String>) -> Vec<Choice> {
        let choices = self.choices.iter().map(|(_, choice)| *choice);
        choices.filter(|choice| services.contains(choice.0)).collect()
    }

    fn account_request(
        &mut self,
        world: &World,
        sums: &[f64],
        own: &[Vec<Choice>],
    ) -> WorkloadRequest {
        let at = self.rng.f64() * sums.last().copied().unwrap_or_default();
        let index = sums.partition_point(|sum| *sum <= at).min(sums.len() - 1);
        let entity = &world.entities[index];
        let (service, template, action) = match own.get(index) {
            Some(own) if !own.is_empty() && self.rng.bool() => own[self.rng.usize(..own.len())],
            _ => self.choose(),
        };
        let region = REGIONS[self.rng.usize(..REGIONS.len())];
        let resource = self.fill(template, region, &entity.account);
        let context = self.context(entity, service, action, &resource, region);
        WorkloadRequest {
            entity: index,
            principal: entity.arn(),
            action: format!("{service}:{action}"),
            resource,
            context,
        }
    }

    fn hex(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b"0123456789abcdef"[self.rng.usize(..16)])).collect()
    }

    fn fill(&mut self, template: &str, region: &str, account: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((head, tail)) = rest.split_once('{') {
            text.push_str(head);
            let (name, tail) = tail.split_once('}').unwrap_or((tail, ""));
            let value = match name {
                "bucket" => self.buckets[self.rng.usize(..self.buckets.len())].clone(),
                "key" if self.rng.bool() => self.keys[self.rng.usize(..self.keys.len())].clone(),
                "key" => object_key(&mut self.rng),
                "region" => region.into(),
                "acct" => account.into(),
                "acct2" if self.rng.f64() < 0.6 => account.into(),
                "acct2" => OTHER_ACCOUNT.into(),
                "name" => self.names[self.rng.usize(..self.names.len())].clone(),
                "uuid" => {
                    let parts = [8, 4, 3, 3, 12].map(|n_digits| self.hex(n_digits));
                    let [time_low, time_mid, time_high, sequence, node] = parts;
                    format!("{time_low}-{time_mid}-4{time_high}-a{sequence}-{node}")
                }
                "hex32" => self.hex(32),
                "hex17" => self.hex(17),
                "hex6" => self.hex(6),
                "env" => ENVIRONMENTS[self.rng.usize(..3)].into(),
                "n" => self.rng.u32(1..=90).to_string(),
                _ => format!("{}-{}", TEAMS[self.rng.usize(..8)], self.rng.u32(1..=40)),
            };
            text.push_str(&value);
            rest = tail;
        }
        text.push_str(rest);
        text
    }

    fn context(
        &mut self,
        entity: &Entity,
        service: &str,
        action: &str,
        resource: &str,
        region: &str,
    ) -> Vec<(&'static str, String)> {
        let rng = &mut self.rng;
        let network = ["10.0", "10.1", "192.168", "203.0"][rng.usize(..4)];
        let mut context = vec![
            ("aws:SourceIp", format!("{network}.{}.{}", rng.u8(..), rng.u8(1..=254))),
            ("aws:SecureTransport", if rng.f64() < 0.02 { "false" } else { "true" }.into()),
            ("aws:RequestedRegion", region.into()),
            (
                "aws:CurrentTime",
                format!(
                    "2026-05-{:02}T{:02}:{:02}:00Z",
                    rng.u8(1..=28),
                    rng.u8(..24),
                    rng.u8(..60)
                ),
            ),
            ("aws:ViaAWSService", "false".into()),
            ("aws:UserAgent", AGENTS[rng.usize(..AGENTS.len())].into()),
        ];
        if entity.is_user && rng.bool() {
            context.push(("aws:MultiFactorAuthPresent", rng.bool().to_string()));
        }
        // The tags of users are known: a request may not state others.
        let tags_are_known = resource == "*" || resource.contains(":user/");
        if !tags_are_known && service != "sts" && service != "route53" && rng.bool() {
            context.push(("aws:ResourceTag/team", TEAMS[rng.usize(..8)].into()));
        }
        match (service, action) {
            ("iam", "PassRole") => {
                let to = ["ec2", "lambda", "ecs-tasks", "glue"][rng.usize(..4)];
                context.push(("iam:PassedToService", format!("{to}.amazonaws.com")));
            }
            ("s3", "ListBucket") => {
                let prefix = ["logs/", "raw/2024/", "users/", ""][rng.usize(..4)];
                context.push(("s3:prefix", prefix.into()));
            }
            ("kms", _) if rng.bool() => {
                let via = ["s3", "sqs", "secretsmanager"][rng.usize(..3)];
                context.push(("kms:ViaService", format!("{via}.{region}.amazonaws.com")));
            }
            _ => {}
        }
        if service == "s3" {
            context.push(("s3:authType", "REST-HEADER".into()));
            context.push(("s3:signatureversion", "AWS4-HMAC-SHA256".into()));
            context.push(("s3:TlsVersion", "1.3".into()));
            context.push(("s3:ResourceAccount", ACCOUNT.into()));
        }
        context
    }

    /// A pattern of W3.
    pub(super) fn lake_pattern(rng: &mut Rng, index: usize) -> String {
        let year = [2023, 2024, 2025][rng.usize(..3)];
        let environment = ENVIRONMENTS[rng.usize(..3)];
        let team = TEAMS[rng.usize(..8)];
        let mut word = |n: usize| word(rng, n);
        match index % 7 {
            0 => format!("arn:aws:s3:::team-*-{}/*/{year}/??", word(4)),
            1 => format!("arn:aws:s3:::team-{}-logs/*/2024/??", word(3)),
            2 => format!("arn:aws:s3:::{}-{environment}/{}/*", word(5), word(4)),
            3 => format!("arn:aws:s3:::{}-*/exports/{}/part-????.parquet", word(4), word(3)),
            4 => format!("arn:aws:s3:::*-{}/{}/*.json", word(6), word(3)),
            5 => format!("arn:aws:s3:::{team}-{}-?/home/{}/*", word(3), word(5)),
            _ => format!("arn:aws:s3:::{}-{}/{}", word(4), word(4), word(8)),
        }
    }

    fn lake_request(&mut self, world: &World, patterns: &[String]) -> WorkloadRequest {
        let rng = &mut self.rng;
        let resource = lake_resource(rng, patterns);
        let x = rng.f64();
        let action = if x < 0.7 {
            "s3:GetObject"
        } else if x < 0.9 {
            "s3:PutObject"
        } else if x < 0.95 {
            "s3:DeleteObject"
        } else {
            "s3:GetObjectTagging"
        };
        WorkloadRequest {
            entity: 0,
            principal: world.entities.first().map(Entity::arn).unwrap_or_default(),
            action: action.into(),
            resource,
            context: vec![
                ("aws:SourceIp", format!("10.0.{}.{}", rng.u8(..), rng.u8(1..=254))),
                ("aws:SecureTransport", "true".into()),
            ],
        }
    }
}

fn word(rng: &mut Rng, n: usize) -> String {
    (0..n).map(|_| rng.lowercase()).collect()
}

fn object_key(rng: &mut Rng) -> String {
    let folder = ["logs", "raw", "curated", "exports", "users", "tmp"][rng.usize(..6)];
    let year = [2023, 2024, 2025][rng.usize(..3)];
    let name: String = (0..12).map(|_| char::from(b"0123456789abcdef"[rng.usize(..16)])).collect();
    let ending = ["json", "parquet", "csv", "gz"][rng.usize(..4)];
    format!("{folder}/{year}/{:02}/{:02}/{name}.{ending}", rng.u8(1..=12), rng.u8(1..=28))
}

/// A resource that matches a pattern (60 %), just misses it (20 %), or is elsewhere (20 %).
fn lake_resource(rng: &mut Rng, patterns: &[String]) -> String {
    let pattern = &patterns[rng.usize(..patterns.len())];
    let mut text = String::new();
    for c in pattern.chars() {
        match c {
            '?' => text.push(rng.digit(10)),
            '*' if text.contains('/') => {
                let words: Vec<String> = (0..rng.usize(1..=3))
                    .map(|_| {
                        let n = rng.usize(2..=7);
                        word(rng, n)
                    })
                    .collect();
                text.push_str(&words.join("/"));
            }
            '*' => {
                let n = rng.usize(2..=8);
                text.push_str(&word(rng, n));
            }
            c => text.push(c),
        }
    }
    let x = rng.f64();
    if x < 0.6 {
        return text;
    }
    if x < 0.8 {
        let at = rng.usize(13..text.len());
        let letter = rng.lowercase().to_string();
        text.replace_range(at..=at, &letter);
        return text;
    }
    let year = [2023, 2024, 2025][rng.usize(..3)];
    let (a, b, c) = (word(rng, 4), word(rng, 4), word(rng, 6));
    format!("arn:aws:s3:::team-{a}-{b}/{c}/{year}/{:02}", rng.u8(1..=12))
}
