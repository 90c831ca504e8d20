//! The two organization policies that AWS itself provides.

use std::sync::Arc;

use crate::{DocumentText, OrganizationPolicy};

/// The id of the SCP that allows everything.
pub const FULL_AWS_ACCESS_ID: &str = "p-FullAWSAccess";

/// The id of the RCP that allows everything. It is attached to every node and cannot be taken
/// away (E-36).
pub const RCP_FULL_AWS_ACCESS_ID: &str = "p-RCPFullAWSAccess";

/// The document of `FullAWSAccess`.
pub const FULL_AWS_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The document of `RCPFullAWSAccess`.
pub const RCP_FULL_AWS_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// The built-in organization policy of an id.
pub fn builtin_organization_policy(id: &str) -> Option<OrganizationPolicy<DocumentText>> {
    let (name, kind, text) = match id {
        FULL_AWS_ACCESS_ID => ("FullAWSAccess", "service_control_policy", FULL_AWS_ACCESS),
        RCP_FULL_AWS_ACCESS_ID => {
            ("RCPFullAWSAccess", "resource_control_policy", RCP_FULL_AWS_ACCESS)
        }
        _ => return None,
    };
    Some(OrganizationPolicy {
        id: id.into(),
        name: name.into(),
        arn: Some(Arc::from(format!("arn:aws:organizations::aws:policy/{kind}/{id}"))),
        resource_control: id == RCP_FULL_AWS_ACCESS_ID,
        aws_managed: true,
        document: DocumentText::new(text),
    })
}
