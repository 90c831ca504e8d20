//! The resources of a request, from what the record says.

use assize_catalog::Catalog;
use assize_model::ActionId;
use serde_json::Value;

use super::event::Event;
use super::mapping;

/// Most resources taken of one record.
const MAX_RESOURCES: usize = 10;

/// Parameters that name a resource: service, parameter, and the ARN with `R`, `A` and `{}` for
/// region, account and value. A value that is an ARN stands for itself.
const PARAMETERS: [(&str, &str, &str); 61] = [
    ("ec2", "instanceId", "arn:aws:ec2:R:A:instance/{}"),
    ("ec2", "routeTableId", "arn:aws:ec2:R:A:route-table/{}"),
    ("ec2", "subnetId", "arn:aws:ec2:R:A:subnet/{}"),
    ("ec2", "vpcId", "arn:aws:ec2:R:A:vpc/{}"),
    ("ec2", "volumeId", "arn:aws:ec2:R:A:volume/{}"),
    ("ec2", "snapshotId", "arn:aws:ec2:R::snapshot/{}"),
    ("ec2", "imageId", "arn:aws:ec2:R::image/{}"),
    ("ec2", "groupId", "arn:aws:ec2:R:A:security-group/{}"),
    ("ec2", "internetGatewayId", "arn:aws:ec2:R:A:internet-gateway/{}"),
    ("ec2", "natGatewayId", "arn:aws:ec2:R:A:natgateway/{}"),
    ("ec2", "NatGatewayId", "arn:aws:ec2:R:A:natgateway/{}"),
    ("ec2", "networkInterfaceId", "arn:aws:ec2:R:A:network-interface/{}"),
    ("ec2", "allocationId", "arn:aws:ec2:R:A:elastic-ip/{}"),
    ("ec2", "keyName", "arn:aws:ec2:R:A:key-pair/{}"),
    ("ec2", "FlowLogId", "arn:aws:ec2:R:A:vpc-flow-log/{}"),
    ("ec2", "TransitGatewayAttachmentId", "arn:aws:ec2:R:A:transit-gateway-attachment/{}"),
    ("ssm", "resourceId", "arn:aws:ssm:R:A:parameter{/}"),
    ("ssm", "name", "arn:aws:ssm:R:A:parameter{/}"),
    ("ssm", "names", "arn:aws:ssm:R:A:parameter{/}"),
    ("ssm", "documentName", "arn:aws:ssm:R::document/{}"),
    ("ssm", "instanceIds", "arn:aws:ec2:R:A:instance/{}"),
    ("ssm", "instanceId", "arn:aws:ec2:R:A:instance/{}"),
    ("ssm", "target", "arn:aws:ec2:R:A:instance/{}"),
    ("ssm", "sessionId", "arn:aws:ssm:R:A:session/{}"),
    ("secretsmanager", "secretId", "arn:aws:secretsmanager:R:A:secret:{}"),
    ("secretsmanager", "name", "arn:aws:secretsmanager:R:A:secret:{}"),
    ("iam", "userName", "arn:aws:iam::A:user/{}"),
    ("iam", "roleName", "arn:aws:iam::A:role/{}"),
    ("iam", "groupName", "arn:aws:iam::A:group/{}"),
    ("iam", "instanceProfileName", "arn:aws:iam::A:instance-profile/{}"),
    ("iam", "policyArn", "{}"),
    ("iam", "policyName", "arn:aws:iam::A:policy/{}"),
    ("sts", "roleArn", "{}"),
    ("sts", "name", "arn:aws:sts::A:federated-user/{}"),
    ("s3", "bucketName", "arn:aws:s3:::{}"),
    ("lambda", "functionName", "arn:aws:lambda:R:A:function:{}"),
    ("rds", "dBInstanceIdentifier", "arn:aws:rds:R:A:db:{}"),
    ("rds", "dBSnapshotIdentifier", "arn:aws:rds:R:A:snapshot:{}"),
    ("rds", "dBSubnetGroupName", "arn:aws:rds:R:A:subgrp:{}"),
    ("rds", "dBClusterIdentifier", "arn:aws:rds:R:A:cluster:{}"),
    ("rds", "resourceName", "{}"),
    ("cloudtrail", "name", "arn:aws:cloudtrail:R:A:trail/{}"),
    ("cloudtrail", "trailName", "arn:aws:cloudtrail:R:A:trail/{}"),
    ("cloudtrail", "resourceIdList", "{}"),
    ("logs", "logGroupName", "arn:aws:logs:R:A:log-group:{}"),
    ("bedrock", "modelId", "arn:aws:bedrock:R::foundation-model/{}"),
    ("guardduty", "detectorId", "arn:aws:guardduty:R:A:detector/{}"),
    ("rolesanywhere", "profileId", "arn:aws:rolesanywhere:R:A:profile/{}"),
    ("rolesanywhere", "trustAnchorId", "arn:aws:rolesanywhere:R:A:trust-anchor/{}"),
    ("glue", "resourceArn", "{}"),
    ("cloudhsm", "clusterId", "arn:aws:cloudhsm:R:A:cluster/{}"),
    (
        "elasticloadbalancing",
        "loadBalancerName",
        "arn:aws:elasticloadbalancing:R:A:loadbalancer/{}",
    ),
    ("appmesh", "meshName", "arn:aws:appmesh:R:A:mesh/{}"),
    ("apigateway", "restApiId", "arn:aws:apigateway:R::/restapis/{}/stages"),
    ("cloudfront", "id", "arn:aws:cloudfront::A:distribution/{}"),
    ("cloudfront", "resource", "{}"),
    ("kms", "keyId", "{}"),
    ("monitoring", "alarmName", "arn:aws:cloudwatch:R:A:alarm:{}"),
    ("dynamodb", "tableName", "arn:aws:dynamodb:R:A:table/{}"),
    ("sns", "topicArn", "{}"),
    ("sqs", "queueName", "arn:aws:sqs:R:A:{}"),
];

/// The resources that fit the action: those the record lists, else those its parameters name,
/// else the one of the error message. Empty: the action is asked about `*`.
pub(super) fn resources(catalog: &Catalog, action: ActionId, event: &Event) -> Vec<String> {
    let account = mapping::account(event.recipient_account_id.as_deref().unwrap_or_default());
    let mut found = Found { catalog, action, region: &event.aws_region, account, arns: Vec::new() };
    for resource in event.resources.iter().flatten() {
        if let Some(arn) = &resource.arn {
            found.push(mapped(arn));
        }
    }
    if found.arns.is_empty() {
        found.parameters(event.service(), &event.request_parameters);
    }
    if found.arns.is_empty()
        && let Some(arn) = event.error_message.as_deref().and_then(arn_of_message)
    {
        found.push(mapped(arn));
    }
    found.arns
}

/// What an instance is started with, whether the record names it or not.
pub(super) fn complete_run_instances(event: &Event, account: &str, arns: &mut Vec<String>) {
    for resource_type in ["instance", "volume", "network-interface"] {
        let prefix = format!("arn:aws:ec2:{}:{account}:{resource_type}/", event.aws_region);
        if !arns.iter().any(|arn| arn.starts_with(&prefix)) {
            arns.push(prefix + "*");
        }
    }
}

struct Found<'f> {
    catalog: &'f Catalog,
    action: ActionId,
    region: &'f str,
    account: &'f str,
    arns: Vec<String>,
}

impl Found<'_> {
    fn push(&mut self, arn: String) {
        let fits = self.catalog.fits(self.action, &arn).is_some();
        if fits && self.arns.len() < MAX_RESOURCES && !self.arns.contains(&arn) {
            self.arns.push(arn);
        }
    }

    /// Takes the named parameters wherever they stand in the tree.
    fn parameters(&mut self, service: &str, tree: &Value) {
        match tree {
            Value::Object(members) => {
                for (name, value) in members {
                    self.parameter(service, name, value);
                    self.parameters(service, value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.parameters(service, item)),
            _ => {}
        }
    }

    fn parameter(&mut self, service: &str, name: &str, value: &Value) {
        let row = PARAMETERS.iter().find(|row| row.0 == service && row.1 == name);
        let Some((_, _, template)) = row else { return };
        match value {
            Value::String(value) if !value.is_empty() => self.push(self.fill(template, value)),
            Value::Array(items) => {
                for item in items.iter().filter_map(Value::as_str) {
                    self.push(self.fill(template, item));
                }
            }
            _ => {}
        }
    }

    fn fill(&self, template: &str, value: &str) -> String {
        if value.starts_with("arn:") {
            return mapped(value);
        }
        let slash = if value.starts_with('/') { "" } else { "/" };
        let value = bucket(value);
        let arn = template.replace("{/}", &format!("{slash}{value}")).replace("{}", &value);
        let arn = arn.replacen(":R:", &format!(":{}:", self.region), 1);
        mapped(&arn.replacen(":A:", &format!(":{}:", self.account), 1))
    }
}

/// An ARN of a record in the world of the examples: partition, account and role by the tables. A
/// text that is no ARN stays.
pub(super) fn mapped(text: &str) -> String {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else {
        return text.to_owned();
    };
    let partition = if partition.is_empty() { "aws" } else { partition };
    let role = resource.strip_prefix("role/").filter(|_| service == "iam").and_then(mapping::role);
    if let Some((account, role)) = role {
        return format!("arn:{partition}:iam::{account}:role/{role}");
    }
    let resource = bucket(resource);
    let account = match account {
        mapping::SANDBOX | mapping::BANK => account,
        _ if is_account(account) => mapping::account(account),
        _ => account,
    };
    format!("arn:{partition}:{service}:{region}:{account}:{resource}")
}

/// Replaces the recorded account where the name of a bucket carries it.
fn bucket(resource: &str) -> String {
    resource.replace("123837392027", mapping::SANDBOX)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The ARN after `on resource: `.
fn arn_of_message(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" on resource: ")?;
    rest.split_whitespace().next().filter(|word| word.starts_with("arn:"))
}
