//! The members of a CloudTrail record that the requests are made of.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A line of the source: a record and where it was found.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) event: Event,
}

/// A record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(rename = "eventID")]
    pub(super) id: String,
    /// The service, as `ec2.amazonaws.com`.
    #[serde(rename = "eventSource")]
    source: String,
    /// The operation, at times with a version behind it.
    #[serde(rename = "eventName")]
    pub(super) name: String,
    #[serde(rename = "eventTime")]
    time: Option<String>,
    #[serde(rename = "@timestamp")]
    timestamp: Option<String>,
    pub(super) aws_region: String,
    #[serde(rename = "sourceIPAddress")]
    pub(super) source_ip_address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) error_code: Option<String>,
    pub(super) error_message: Option<String>,
    #[serde(default)]
    pub(super) request_parameters: Value,
    #[serde(default)]
    pub(super) resources: Option<Vec<Resource>>,
    pub(super) recipient_account_id: Option<String>,
    pub(super) vpc_endpoint_id: Option<String>,
    pub(super) session_credential_from_console: Option<String>,
    #[serde(default)]
    pub(super) tls_details: Tls,
    #[serde(default)]
    pub(super) user_identity: Identity,
}

/// A resource that the record names.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    #[serde(rename = "ARN")]
    pub(super) arn: Option<String>,
}

/// `tlsDetails`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tls {
    pub(super) tls_version: Option<String>,
}

/// `userIdentity`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) arn: Option<String>,
    pub(super) access_key_id: Option<String>,
    pub(super) invoked_by: Option<String>,
    pub(super) session_context: Option<SessionContext>,
}

/// `sessionContext`.
#[derive(Debug, Deserialize)]
pub(super) struct SessionContext {
    pub(super) attributes: Option<BTreeMap<String, String>>,
}

impl Event {
    /// The service prefix that the source names: `ec2` of `ec2.amazonaws.com`.
    pub(super) fn service(&self) -> &str {
        self.source.split('.').next().unwrap_or_default()
    }

    /// When it happened.
    pub(super) fn time(&self) -> Option<&str> {
        self.time.as_deref().or(self.timestamp.as_deref())
    }

    /// An attribute of the session.
    pub(super) fn session_attribute(&self, name: &str) -> Option<&str> {
        let attributes = self.user_identity.session_context.as_ref()?.attributes.as_ref()?;
        attributes.get(name).map(String::as_str)
    }

    /// The service that made the call for the principal.
    pub(super) fn via(&self) -> Option<&str> {
        let address = self.source_ip_address.as_deref();
        let named = self.user_identity.invoked_by.as_deref().or(address);
        named.filter(|name| name.ends_with(".amazonaws.com"))
    }
}
