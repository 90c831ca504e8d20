//! The policies of the workloads that are not AWS-managed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fastrand::Rng;

use super::ACCOUNT;
use super::request::SERVICES;

/// The service control policies of W2.
pub(super) const SCPS: [(&str, &str); 2] = [
    (
        "Regions",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Regions","Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*","s3:ListAllMyBuckets","s3:GetBucket*","kms:*","route53:*","cloudfront:*","support:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","us-west-2","eu-west-1","eu-central-1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/break-glass-*"}}}]}"#,
    ),
    (
        "Guardrails",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Trail","Effect":"Deny","Action":["cloudtrail:StopLogging","cloudtrail:DeleteTrail","organizations:LeaveOrganization","kms:ScheduleKeyDeletion"],"Resource":"*"},{"Sid":"Tls","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},{"Sid":"Audit","Effect":"Deny","Action":["s3:Put*","s3:Delete*"],"Resource":["arn:aws:s3:::*-backup","arn:aws:s3:::*-backup/*"],"Condition":{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/infra-*"]}}},{"Sid":"OrgOnly","Effect":"Deny","Action":"sts:AssumeRole","NotResource":"arn:aws:iam::111122223333:role/*"}]}"#,
    ),
];

/// The boundaries of W2.
pub(super) const BOUNDARIES: [(&str, &str); 4] = [
    (
        "pb-Developer",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:PassRole"],"Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:aws:secretsmanager:*:*:secret:infra-*"}]}"#,
    ),
    (
        "pb-Data",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","dynamodb:*","athena:*","glue:*","kms:*","logs:*","cloudwatch:*","sqs:*","sns:*","kinesis:*","states:*","sts:*","sagemaker:*"],"Resource":"*"},{"Effect":"Deny","Action":["s3:*"],"NotResource":["arn:aws:s3:::data-*","arn:aws:s3:::ml-*","arn:aws:s3:::payments-*","arn:aws:s3:::search-*"]}]}"#,
    ),
    (
        "pb-ReadMostly",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","logs:*","sqs:*","dynamodb:Query","dynamodb:Scan","ec2:Get*","ec2:List*","ec2:Describe*","kms:Get*","kms:List*","kms:Describe*","lambda:Get*","lambda:List*","iam:Get*","iam:List*","sns:Get*","sns:List*","ssm:Get*","ssm:List*","ssm:Describe*","ecr:Get*","ecr:List*","ecr:Describe*","ecr:BatchGet*","ecs:List*","ecs:Describe*","eks:List*","eks:Describe*","rds:Describe*","secretsmanager:Get*","secretsmanager:List*","secretsmanager:Describe*","cloudwatch:Get*","cloudwatch:List*","kinesis:Get*","kinesis:Describe*","athena:Get*","glue:Get*","cloudformation:Describe*","sagemaker:Describe*","dynamodb:BatchGet*","dynamodb:Get*","dynamodb:List*","dynamodb:Describe*"],"Resource":"*","Condition":{"Bool":{"aws:ViaAWSService":"false"}}}]}"#,
    ),
    (
        "pb-Wide",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":["iam:*AccessKey*","iam:Delete*"],"Resource":"*","Condition":{"StringNotLike":{"aws:PrincipalTag/team":["infra"]}}}]}"#,
    ),
];

/// The custom policy of W1: tags, addresses, MFA, regions, foreign accounts.
pub(super) fn custom() -> String {
    let template = r#"{"Version":"2012-10-17","Statement":[{"Sid":"TeamTable","Effect":"Allow","Action":["dynamodb:*Item","dynamodb:Query"],"Resource":"arn:aws:dynamodb:*:ACCT:table/${aws:PrincipalTag/team}-*"},{"Sid":"TeamTagged","Effect":"Allow","Action":["ec2:StartInstances","ec2:StopInstances","ec2:RebootInstances","rds:StartDBInstance"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}},{"Sid":"Office","Effect":"Allow","Action":["secretsmanager:GetSecretValue","kms:Decrypt","ssm:GetParameter*"],"Resource":["arn:aws:secretsmanager:*:ACCT:secret:payments-*","arn:aws:kms:*:ACCT:key/*","arn:aws:ssm:*:ACCT:parameter/prod/payments-*"],"Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]},"Bool":{"aws:SecureTransport":"true"}}},{"Sid":"Region","Effect":"Allow","Action":["sqs:*","sns:Publish","lambda:InvokeFunction"],"Resource":"*","Condition":{"StringLike":{"aws:RequestedRegion":["us-*","eu-*"],"aws:PrincipalTag/team":"pay*"}}},{"Sid":"DenyNoMfa","Effect":"Deny","Action":["s3:Delete*","s3:PutBucketPolicy","iam:*","kms:ScheduleKeyDeletion"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},{"Sid":"DenyForeign","Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceAccount":"ACCT"},"Null":{"aws:ResourceAccount":"false"}}},{"Sid":"DenyProdLogs","Effect":"Deny","NotAction":["s3:Get*","s3:List*"],"Resource":["arn:aws:s3:::*-prod-logs","arn:aws:s3:::*-prod-logs/*"]}]}"#;
    template.replace("ACCT", ACCOUNT)
}

/// One of the session policies of a batch: what a broker gives a job for one tenant, each with its
/// own bucket, table and tag.
pub fn session_policy(tenant: usize) -> String {
    let template = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:Get*","s3:List*","dynamodb:*Item","dynamodb:Query","sqs:*","kms:Decrypt"],"Resource":"*"},{"Sid":"Own","Effect":"Allow","Action":["s3:PutObject","s3:DeleteObject"],"Resource":["arn:aws:s3:::tenant-N/*","arn:aws:s3:::*/tenant-N/*"]},{"Sid":"Table","Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:ACCT:table/tenant-N-*"},{"Sid":"Region","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{"StringNotLike":{"aws:RequestedRegion":["us-*","eu-*"]},"StringNotEqualsIfExists":{"aws:ResourceTag/tenant":"N"}}}]}"#;
    template.replace("ACCT", ACCOUNT).replace("tenant-N", &format!("tenant-{tenant}")).replace(
        r#""aws:ResourceTag/tenant":"N""#,
        &format!(r#""aws:ResourceTag/tenant":"{tenant}""#),
    )
}

/// The policy of W3: a statement a pattern.
pub(super) fn lake(rng: &mut Rng, patterns: &[String]) -> String {
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for (index, pattern) in patterns.iter().enumerate() {
        let x = rng.f64();
        let action = if x < 0.5 {
            r#""s3:GetObject""#
        } else if x < 0.8 {
            r#"["s3:GetObject","s3:PutObject"]"#
        } else if x < 0.9 {
            r#""s3:*Object""#
        } else {
            r#""s3:Get*""#
        };
        let effect = if rng.f64() < 0.1 { "Deny" } else { "Allow" };
        let comma = if index == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"Sid":"S{index}","Effect":"{effect}","Action":{action},"Resource":"{pattern}"}}"#
        )
        .expect("writing to a string does not fail");
    }
    text.push_str("]}");
    text
}

/// Whether at least half of the services a policy names are services of the traffic.
pub(super) fn is_near(document: &str) -> bool {
    let services = services_of(document);
    let used = services.iter().filter(|s| SERVICES.iter().any(|(name, _, _)| name == s)).count();
    used * 2 >= services.len()
}

/// The services that a policy names, in lower case.
pub(super) fn services_of(document: &str) -> BTreeSet<String> {
    let mut services = BTreeSet::new();
    for text in document.split('"') {
        if let Some((service, name)) = text.split_once(':')
            && !service.is_empty()
            && !name.is_empty()
            && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !matches!(service, "arn" | "aws")
        {
            services.insert(service.to_ascii_lowercase());
        }
    }
    services
}
