//! Loading: parse and lower in one (L, section 0).

use std::sync::Arc;

use assize_model::{ArnParts, PolicyType};

use crate::finding::Findings;
use crate::path::Path;
use crate::{Finding, FindingCode, Reject, Span, ir, limit, lower, parse};

/// What becomes of rules that only a write enforces (L-004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadMode {
    /// A write: everything the language calls rejected is.
    Author,
    /// A policy that AWS already stores: author-only rules become findings.
    Import,
}

/// The two kinds of VPC endpoint; they read account principals differently (L-216).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointKind {
    /// An interface endpoint: principals match as in any resource-based policy.
    #[default]
    Interface,
    /// A gateway endpoint (S3, DynamoDB): an account stands for its root user alone.
    Gateway,
}

/// Which language service control policies are written in (L-211).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScpLanguage {
    /// The language of identity policies, as since September 2025.
    #[default]
    Full,
    /// The restricted language of before.
    Legacy,
}

/// What loading depends on beside the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LoadOptions {
    /// The type of the policy.
    pub policy_type: PolicyType,
    /// The prefix of the service that owns the resource of a resource-based policy, such as
    /// `s3`. Without it the rules that differ by service are not applied.
    pub service: Option<Box<str>>,
    /// The ARN of the API that owns a resource-based policy, for which `execute-api:` is short in
    /// its resources (L-231).
    pub api: Option<Box<str>>,
    /// The kind of the endpoint of an endpoint policy.
    pub endpoint: EndpointKind,
    /// Whether this is a write.
    pub mode: LoadMode,
    /// The language of service control policies.
    pub scp_language: ScpLanguage,
    /// The prefixes of the services that resource control policies cover (L-213). Without them
    /// nothing is said of actions of other services.
    pub rcp_services: Option<Arc<[Box<str>]>>,
}

impl LoadOptions {
    /// The options of a policy type and a mode, everything else by default.
    pub fn new(policy_type: PolicyType, mode: LoadMode) -> Self {
        Self {
            policy_type,
            service: None,
            api: None,
            endpoint: EndpointKind::default(),
            mode,
            scp_language: ScpLanguage::default(),
            rcp_services: None,
        }
    }

    /// The same options with the services that resource control policies cover, which the catalog
    /// knows (L-213).
    #[must_use]
    pub fn with_rcp_services<'s>(mut self, services: impl IntoIterator<Item = &'s str>) -> Self {
        let folded = services.into_iter().map(|service| service.to_ascii_lowercase().into());
        self.rcp_services = Some(folded.collect());
        self
    }

    /// The same options for a resource-based policy of a service.
    #[must_use]
    pub fn with_service(mut self, service: &str) -> Self {
        self.service = Some(service.to_ascii_lowercase().into());
        self
    }

    /// The same options for a resource-based policy of a resource, by its ARN.
    #[must_use]
    pub fn with_resource(mut self, arn: &str) -> Self {
        self.api = api_of(arn).map(Into::into);
        match ArnParts::split(arn) {
            Some(parts) => self.with_service(parts.service),
            None => self,
        }
    }
}

/// The ARN of the API that a resource of `execute-api` is or is in.
fn api_of(arn: &str) -> Option<&str> {
    let parts = ArnParts::split(arn).filter(|parts| parts.service == "execute-api")?;
    let n_below = parts.resource.find('/').map_or(0, |at| parts.resource.len() - at);
    Some(&arn[..arn.len() - n_below])
}

/// What loading a document gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What the document says; `None` when it is rejected.
    pub policy: Option<ir::Policy>,
    /// Everything that can be said about it, in the order of L-902.
    pub findings: Vec<Finding>,
    /// Where its statements stand, in the order of the policy's; also of a rejected document, as
    /// far as it could be read.
    pub statement_spans: Vec<Span>,
}

/// Loads a document as a policy of a type: parses it, lowers it, and collects what can be said
/// about it without a catalog.
///
/// # Examples
/// ```
/// use assize_model::PolicyType;
/// use assize_policy::{LoadMode, LoadOptions, load};
///
/// let text = r#"{"Version": "2012-10-17", "Statement": {
///     "Effect": "Allow", "Action": "s3:GetObject", "Resource": "my-bucket/*"}}"#;
/// let options = LoadOptions::new(PolicyType::InlineIdentity, LoadMode::Author);
/// let loaded = load(text, &options);
/// assert!(loaded.policy.is_none());
/// assert_eq!(loaded.findings[0].code.as_str(), "INVALID_ARN_PREFIX");
/// assert_eq!(&*loaded.findings[0].path, "$.Statement.Resource");
/// ```
pub fn load(text: &str, options: &LoadOptions) -> Loaded {
    let mut findings = Findings::new(options.mode);
    let mut statement_spans = Vec::new();
    let mut policy = None;
    if let Some(document) = parse::policy_text(text, &mut findings) {
        charset(text, options, &mut findings);
        statement_spans = lower::statement_spans(&document);
        policy = Some(lower::policy(&document, options, &mut findings));
        limit::document(text, &document, options, &mut findings);
    }
    if findings.reject() {
        policy = None;
        if options.mode == LoadMode::Import {
            poison(text, &mut findings);
        }
    }
    Loaded { policy, findings: findings.finish(), statement_spans }
}

/// The IAM family takes no raw character beyond U+00FF (L-102). Raw control characters are
/// syntax errors already (L-103).
fn charset(text: &str, options: &LoadOptions, findings: &mut Findings) {
    if !options.policy_type.is_iam_family() || text.is_ascii() {
        return;
    }
    let Some((at, found)) = text.char_indices().find(|(_, c)| *c > '\u{ff}') else { return };
    let start = u32::try_from(at).unwrap_or(u32::MAX);
    let width = u32::try_from(found.len_utf8()).unwrap_or(1);
    let span = Span::new(start, start.saturating_add(width));
    let escape = crate::json::Quoted(found.encode_utf8(&mut [0; 4])).to_string();
    let message = format!(
        "character `{found}` beyond U+00FF in an IAM policy, write `{}`",
        escape.trim_matches('"')
    );
    findings.add(FindingCode::JsonSyntaxError, Reject::Always, span, &Path::ROOT, message);
}

/// A stored document that does not load is poison (L-005).
fn poison(text: &str, findings: &mut Findings) {
    let message = "the document does not load; what it is attached to is denied";
    let span = Span::new(0, u32::try_from(text.len()).unwrap_or(u32::MAX).min(1));
    findings.add(FindingCode::XInvalidPolicy, Reject::Always, span, &Path::ROOT, message);
}
