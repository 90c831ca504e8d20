//! Names of calls that say something else than the names of their actions (F-52, F-57).

use super::Entry;

/// A row of F-57: calls whose actions or resources the API map cannot say. State of November
/// 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// S3 calls that need the permission of another action.
    S3Of(&'static [&'static str]),
    /// S3 copies: the target is written, the source is read.
    S3Copy,
    /// Deletes many objects; `resources` names them.
    S3DeleteObjects,
    /// Is about an object or one version of it: the action for each.
    S3Versions(&'static [&'static str; 2]),
    /// Operations on objects of directory buckets: a session on the bucket authorizes them.
    S3Express,
    /// DynamoDB calls on several tables.
    DynamoDbTables,
    /// PartiQL statements: the verb says the action.
    PartiQl,
    /// API Gateway: the method says the action.
    ApiGateway(&'static str),
    /// What one key encrypted another encrypts: two actions, each on its key (E-82).
    KmsReEncrypt,
    /// What IAM has under a name gets another name or path: both are asked about.
    IamUpdate(&'static str),
    /// Tags of what EC2 has: ids say of which types it is.
    Ec2Tags,
    /// Policies of an organization are put on a node of it, or taken off.
    PolicyTarget,
    /// Models of Bedrock: an id or an ARN says which, and of what kind it is. The action of some is
    /// not named after them.
    BedrockModel(&'static [&'static str]),
    /// Sessions of root users of member accounts: a parameter says of which (E-94).
    AssumeRoot,
}

/// What calls of API Gateway begin with, and the method behind it.
const API_GATEWAY_VERBS: [(&str, &str); 15] = [
    ("Get", "apigateway:GET"),
    ("List", "apigateway:GET"),
    ("Export", "apigateway:GET"),
    ("Create", "apigateway:POST"),
    ("Import", "apigateway:POST"),
    ("Generate", "apigateway:POST"),
    ("TestInvoke", "apigateway:POST"),
    ("Put", "apigateway:PUT"),
    ("Reimport", "apigateway:PUT"),
    ("Tag", "apigateway:PUT"),
    ("Update", "apigateway:PATCH"),
    ("Delete", "apigateway:DELETE"),
    ("Flush", "apigateway:DELETE"),
    ("Reset", "apigateway:DELETE"),
    ("Untag", "apigateway:DELETE"),
];

/// Calls to S3 about an object or a version of it, and the actions that they need then.
static S3_VERSIONS: [(&str, [&str; 2]); 8] = [
    ("DeleteObject", ["s3:DeleteObject", "s3:DeleteObjectVersion"]),
    ("DeleteObjectTagging", ["s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"]),
    ("GetObject", ["s3:GetObject", "s3:GetObjectVersion"]),
    ("GetObjectAcl", ["s3:GetObjectAcl", "s3:GetObjectVersionAcl"]),
    ("GetObjectTagging", ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"]),
    ("HeadObject", ["s3:GetObject", "s3:GetObjectVersion"]),
    ("PutObjectAcl", ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"]),
    ("PutObjectTagging", ["s3:PutObjectTagging", "s3:PutObjectVersionTagging"]),
];

/// Operations of directory buckets that `s3express:CreateSession` authorizes.
const S3_EXPRESS_OBJECT_CALLS: [&str; 16] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "CreateSession",
    "DeleteObject",
    "DeleteObjects",
    "GetObject",
    "GetObjectAttributes",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "UploadPart",
];

impl Rule {
    /// The row of a call, by the first label of its event source and its name.
    pub(crate) fn of(service: &str, name: &str) -> Option<Self> {
        match (service, name) {
            ("s3", "PostObject") => Some(Self::S3Of(&["s3:PutObject"])),
            ("s3", "DeleteAccountPublicAccessBlock") => {
                Some(Self::S3Of(&["s3:PutAccountPublicAccessBlock"]))
            }
            ("s3", "DeleteBucketIntelligentTieringConfiguration") => {
                Some(Self::S3Of(&["s3:PutIntelligentTieringConfiguration"]))
            }
            ("s3", "DeleteBucketOwnershipControls") => {
                Some(Self::S3Of(&["s3:PutBucketOwnershipControls"]))
            }
            ("s3", "DeleteBucketPublicAccessBlock") => {
                Some(Self::S3Of(&["s3:PutBucketPublicAccessBlock"]))
            }
            ("s3", "CopyObject" | "UploadPartCopy") => Some(Self::S3Copy),
            ("s3", "DeleteObjects") => Some(Self::S3DeleteObjects),
            ("s3", _) => {
                let mut rows = S3_VERSIONS.iter();
                rows.find(|(call, _)| *call == name).map(|(_, actions)| Self::S3Versions(actions))
            }
            ("s3express", _) if S3_EXPRESS_OBJECT_CALLS.contains(&name) => Some(Self::S3Express),
            (
                "dynamodb",
                "BatchGetItem" | "BatchWriteItem" | "TransactGetItems" | "TransactWriteItems",
            ) => Some(Self::DynamoDbTables),
            ("dynamodb", "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction") => {
                Some(Self::PartiQl)
            }
            ("kms", "ReEncrypt") => Some(Self::KmsReEncrypt),
            ("iam", "UpdateGroup") => Some(Self::IamUpdate("group")),
            ("iam", "UpdateUser") => Some(Self::IamUpdate("user")),
            ("ec2", "CreateTags" | "DeleteTags") => Some(Self::Ec2Tags),
            ("organizations", "AttachPolicy" | "DetachPolicy") => Some(Self::PolicyTarget),
            ("bedrock" | "bedrock-runtime", "InvokeModel" | "Converse") => {
                Some(Self::BedrockModel(&["bedrock:InvokeModel"]))
            }
            ("bedrock" | "bedrock-runtime", "InvokeModelWithResponseStream" | "ConverseStream") => {
                Some(Self::BedrockModel(&["bedrock:InvokeModelWithResponseStream"]))
            }
            ("sts", "AssumeRoot") => Some(Self::AssumeRoot),
            ("apigateway", _) => {
                let mut verbs = API_GATEWAY_VERBS.iter();
                verbs.find(|(verb, _)| name.starts_with(verb)).map(|(_, a)| Self::ApiGateway(a))
            }
            _ => None,
        }
    }

    /// The actions that the row gives in place of those of the map, if it does.
    pub(crate) fn actions(self, name: &str) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::S3Of(actions) | Self::BedrockModel(actions) => actions,
            Self::S3Copy => &["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"],
            Self::S3DeleteObjects => &["s3:DeleteObject", "s3:DeleteObjectVersion"],
            Self::S3Versions(actions) => actions,
            Self::S3Express => &["s3express:CreateSession"],
            Self::DynamoDbTables => match name {
                "BatchGetItem" => &["dynamodb:BatchGetItem"],
                "BatchWriteItem" => &["dynamodb:BatchWriteItem"],
                "TransactGetItems" => &["dynamodb:GetItem"],
                _ => return None,
            },
            Self::PartiQl
            | Self::ApiGateway(_)
            | Self::KmsReEncrypt
            | Self::IamUpdate(_)
            | Self::Ec2Tags
            | Self::PolicyTarget
            | Self::AssumeRoot => return None,
        })
    }

    /// What the resources of these actions are called.
    pub(super) fn entry(self) -> Entry<'static> {
        match self {
            Self::DynamoDbTables => {
                Entry::of_variables(&[("TableName", "${TransactItems[].Get.TableName}")])
            }
            Self::S3Express => Entry::of_variables(&[("BucketName", "${Bucket}")]),
            Self::BedrockModel(_) => Entry::of_variables(&[]),
            _ => Entry::of_variables(&[("BucketName", "${Bucket}"), ("ObjectName", "${Key}")]),
        }
    }
}

/// The name of an operation less the version that some services put behind it: eight digits or
/// `YYYY_MM_DD`, each with `v` and a number behind it or not (F-52).
pub(crate) fn without_version(name: &str) -> &str {
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let revised = &name[..name.len() - digits(name)];
    let dated = match revised.strip_suffix('v') {
        Some(dated) if revised.len() < name.len() => dated,
        _ => name,
    };
    let n_digits = digits(dated);
    if n_digits == 8 {
        return &dated[..dated.len() - 8];
    }
    let start = dated.len().saturating_sub("YYYY_MM_DD".len());
    match dated.as_bytes().get(start..) {
        Some(&[y1, y2, y3, y4, b'_', m1, m2, b'_', d1, d2])
            if [y1, y2, y3, y4, m1, m2, d1, d2].iter().all(u8::is_ascii_digit) =>
        {
            &dated[..start]
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-52.
    #[test]
    fn version_suffixes_are_cut_off() {
        for (name, bare) in [
            ("CreateFunction20150331", "CreateFunction"),
            ("AddPermission20150331v2", "AddPermission"),
            ("UpdateDistribution2020_05_31", "UpdateDistribution"),
            ("CreateThing2020_05_31v12", "CreateThing"),
            ("GetObject", "GetObject"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("Invoke2015", "Invoke2015"),
            ("Move123456789", "Move123456789"),
            ("", ""),
        ] {
            assert_eq!(without_version(name), bare, "{name}");
        }
    }
}
