//! The alphabets: names, ARNs, keys and values that meet often.

use super::Source;

/// The management account.
pub(super) const MANAGEMENT: &str = "100000000001";
/// Accounts of the organization.
pub(super) const INSIDE: [&str; 2] = ["111111111111", "222222222222"];
/// An account of the world in no organization.
pub(super) const APART: &str = "333333333333";
/// An account that the world does not hold.
pub(super) const OUTSIDE: &str = "444444444444";

/// The accounts that have users, roles and resources.
pub(super) const ACCOUNTS: [&str; 4] = [MANAGEMENT, INSIDE[0], INSIDE[1], APART];
/// Accounts to name.
pub(super) const NAMED: [&str; 5] = [INSIDE[0], INSIDE[0], INSIDE[1], APART, OUTSIDE];

/// Users of every account.
pub(super) const USERS: [&str; 3] = ["ana", "bob", "eve"];
/// Roles of every account, with their paths.
pub(super) const ROLES: [(&str, &str); 4] = [
    ("R", "/"),
    ("Q", "/team/"),
    ("AWSServiceRoleForX", "/aws-service-role/x.amazonaws.com/"),
    ("AWSReservedSSO_A", "/aws-reserved/sso.amazonaws.com/"),
];
/// Names of sessions.
pub(super) const SESSIONS: [&str; 2] = ["s", "t"];
/// Services that call.
pub(super) const SERVICES: [&str; 4] =
    ["lambda.amazonaws.com", "s3.amazonaws.com", "logs.us-east-1.amazonaws.com", "x.amazonaws.com"];
/// Keys of tags; two of them are one key.
pub(super) const TAG_KEYS: [&str; 3] = ["team", "Team", "env"];
/// Values of tags.
pub(super) const TAG_VALUES: [&str; 5] = ["a", "b", "ab", "", "ana"];
/// Resources, each with an action that takes it.
pub(super) const TARGETS: [(&str, &str); 96] = [
    ("s3:GetObject", "arn:aws:s3:::b1/k"),
    ("s3:GetObject", "arn:aws:s3:::b1/a/k"),
    ("s3:GetObject", "arn:aws:s3:::b1/ana/k"),
    ("s3:GetObject", "arn:aws:s3:::b2/a/k"),
    ("s3:GetObject", "arn:aws:s3:::b3/k"),
    ("s3:GetObject", "arn:aws:s3:::b0/k"),
    ("s3:GetObject", "arn:aws:s3:::nowhere/k"),
    ("s3:GetObject", "arn:aws-cn:s3:::b1/k"),
    ("s3:GetObject", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap/object/k"),
    ("s3:GetObject", "arn:aws:s3:eu-west-1:222222222222:accesspoint/private/object/a/k"),
    ("s3:ListBucket", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap/of/k"),
    ("s3:GetBucketPolicy", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap"),
    ("s3:DeleteBucketPolicy", "arn:aws:s3:eu-west-1:111111111111:accesspoint/ap"),
    ("s3:GetObject", "arn:aws:s3::111111111111:accesspoint/x.mrap/object/k"),
    ("s3:GetObject", "arn:aws:s3::222222222222:accesspoint/y.mrap/object/k"),
    ("s3:PutObject", "arn:aws:s3:::b1/k"),
    ("s3:PutObject", "arn:aws:s3:::b2/k"),
    ("s3:ListBucket", "arn:aws:s3:::b1"),
    ("s3:ListBucket", "arn:aws:s3:::b2"),
    ("s3:DeleteBucketPolicy", "arn:aws:s3:::b1"),
    ("s3:PutBucketPolicy", "arn:aws:s3:::b2"),
    ("s3:ListAllMyBuckets", "*"),
    ("s3:GetObject", "arn:aws:s3:::b1"),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001"),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000002"),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:alias/app"),
    ("kms:UpdateAlias", "arn:aws:kms:eu-west-1:111111111111:alias/app"),
    ("kms:DeleteAlias", "arn:aws:kms:eu-west-1:111111111111:alias/aws/s3"),
    (
        "kms:CreateAlias",
        "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001",
    ),
    (
        "kms:RetireGrant",
        "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001",
    ),
    ("sts:AssumeRole", "arn:aws:iam::111111111111:role/R"),
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/team/Q"),
    ("sts:AssumeRole", "arn:aws:iam::333333333333:role/R"),
    ("sts:TagSession", "arn:aws:iam::111111111111:role/R"),
    ("sts:AssumeRoot", "arn:aws:iam::222222222222:root"),
    ("sts:GetCallerIdentity", "*"),
    ("sts:GetSessionToken", "*"),
    ("sts:GetFederationToken", "arn:aws:sts::111111111111:federated-user/F"),
    ("iam:PassRole", "arn:aws:iam::111111111111:role/R"),
    ("iam:PassRole", "arn:aws:iam::222222222222:role/team/Q"),
    ("iam:GetUser", "arn:aws:iam::111111111111:user/ana"),
    ("iam:GetUser", "arn:aws:iam::111111111111:root"),
    ("iam:DeleteLoginProfile", "arn:aws:iam::222222222222:root"),
    (
        "iam:DeleteRole",
        "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    ),
    ("iam:ListUsers", "*"),
    ("iam:CreatePolicyVersion", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q"),
    ("sns:Publish", "arn:aws:sns:eu-west-1:222222222222:t"),
    ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111111111111:function:f:PROD"),
    ("logs:GetLogEvents", "arn:aws:logs:eu-west-1:111111111111:log-group:/app:log-stream:s"),
    ("ec2:DescribeInstances", "*"),
    ("ec2:DescribeInstances", "arn:aws:ec2:eu-west-1:111111111111:instance/i-1"),
    (
        "kms:ReEncrypt",
        "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001",
    ),
    ("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:key/mrk-0000000000000000000000000000000a"),
    ("sts:TagSession", "arn:aws:sqs:eu-west-1:111111111111:q"),
    ("nosuch:Do", "arn:aws:nosuch:eu-west-1:111111111111:thing/1"),
    // Of the organization, which its management account delegates (E-99).
    ("organizations:AttachPolicy", "arn:aws:organizations::100000000001:root/o-w1aaaaaaaa/r-1aaa"),
    (
        "organizations:AttachPolicy",
        "arn:aws:organizations::100000000001:ou/o-w1aaaaaaaa/ou-1aaa-aaaaaaa1",
    ),
    (
        "organizations:AttachPolicy",
        "arn:aws:organizations::100000000001:account/o-w1aaaaaaaa/222222222222",
    ),
    (
        "organizations:DescribePolicy",
        "arn:aws:organizations::100000000001:policy/o-w1aaaaaaaa/service_control_policy/p-1aaaaaaa",
    ),
    (
        "organizations:DescribePolicy",
        "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
    ),
    (
        "organizations:TagResource",
        "arn:aws:organizations::100000000001:account/o-w1aaaaaaaa/100000000001",
    ),
    (
        "organizations:PutResourcePolicy",
        "arn:aws:organizations::100000000001:resourcepolicy/o-w1aaaaaaaa/rp-1aaaaaaa",
    ),
    (
        "organizations:DescribePolicy",
        "arn:aws:organizations::100000000001:policy/o-another1aa/service_control_policy/p-1aaaaaaa",
    ),
    (
        "organizations:DescribeOrganization",
        "arn:aws:organizations::100000000001:organization/o-w1aaaaaaaa",
    ),
    ("organizations:ListAccounts", "*"),
    ("organizations:CreateAccount", "*"),
    ("organizations:LeaveOrganization", "*"),
    (
        "organizations:AcceptHandshake",
        "arn:aws:organizations::100000000001:handshake/o-w1aaaaaaaa/invite/h-1aaaaaaa",
    ),
    (
        "organizations:DescribeEffectivePolicy",
        "arn:aws:organizations::100000000001:account/o-w1aaaaaaaa/111111111111",
    ),
    ("iam:PassRole", "arn:aws:iam:::role/R"),
    ("sts:AssumeRoleWithWebIdentity", "arn:aws:iam::111111111111:role/R"),
    ("iam:AttachUserPolicy", "arn:aws:iam::111111111111:user/ana"),
    ("iam:DeleteRolePermissionsBoundary", "arn:aws:iam::222222222222:role/team/Q"),
    ("iam:PutRolePermissionsBoundary", "arn:aws:iam::111111111111:role/R"),
    // Parts of something that governs or tags them (E-20, E-33).
    ("es:ESHttpGet", "arn:aws:es:eu-west-1:111111111111:domain/d/_search"),
    ("es:DeleteDomain", "arn:aws:es:eu-west-1:111111111111:domain/d"),
    ("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:222222222222:table/t2/index/i"),
    ("dynamodb:UpdateTimeToLive", "arn:aws:dynamodb:eu-west-1:222222222222:table/t2"),
    ("dynamodb:GetRecords", "arn:aws:dynamodb:eu-west-1:222222222222:table/t2/stream/1"),
    ("s3tables:GetTable", "arn:aws:s3tables:eu-west-1:111111111111:bucket/b/table/1"),
    ("s3tables:GetTable", "arn:aws:s3tables:eu-west-1:111111111111:bucket/b/table/2"),
    ("glue:GetTable", "arn:aws:glue:eu-west-1:111111111111:table/db/t"),
    ("events:PutRule", "arn:aws:events:eu-west-1:111111111111:rule/r"),
    ("backup:DeleteRecoveryPoint", "arn:aws:backup:eu-west-1:111111111111:recovery-point:p"),
    ("backup:DeleteBackupVault", "arn:aws:backup:eu-west-1:111111111111:backup-vault:v"),
    // Not across accounts (E-55).
    ("sqs:DeleteQueue", "arn:aws:sqs:eu-west-1:111111111111:q"),
    (
        "kms:DisableKey",
        "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000002",
    ),
    // Of AWS (E-20).
    ("ssm:GetDocument", "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"),
    ("iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    // With tags under names of their services (E-20, E-21).
    ("rds:CreateDBInstance", "arn:aws:rds:eu-west-1:111111111111:db:d"),
    ("rds:DeleteDBInstance", "arn:aws:rds:eu-west-1:111111111111:db:d"),
    ("s3:PutObjectTagging", "arn:aws:s3:::b1/k"),
    ("datapipeline:CreatePipeline", "*"),
    ("secretsmanager:CreateSecret", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:new"),
    ("secretsmanager:PutSecretValue", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:new"),
];

/// The organization, as the resource that the delegation policy belongs to.
pub(super) const ORGANIZATION: &str =
    "arn:aws:organizations::100000000001:organization/o-w1aaaaaaaa";

/// A user's ARN.
pub(super) fn user_arn(source: &mut Source<'_>, account: &str) -> String {
    format!("arn:aws:iam::{account}:user/{}", source.pick(&USERS))
}

/// A role's ARN, path included.
pub(super) fn role_arn(source: &mut Source<'_>, account: &str) -> String {
    let (name, path) = source.pick(&ROLES[..]);
    format!("arn:aws:iam::{account}:role{path}{name}")
}

/// A session's ARN.
pub(super) fn session_arn(source: &mut Source<'_>, account: &str) -> String {
    let (name, _) = source.pick(&ROLES[..]);
    format!("arn:aws:sts::{account}:assumed-role/{name}/{}", source.pick(&SESSIONS))
}
