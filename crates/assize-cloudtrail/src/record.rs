//! The members of a CloudTrail record that a request is made of.

use std::borrow::Cow;

use assize_formats::json::{Cursor, Kind, Result};

/// Text borrowed from a record where it has no escapes. Empty strings count as absent (F-50).
pub type Text<'a> = Option<Cow<'a, str>>;

/// The member that an export puts into records whose parameters could be read otherwise. No record
/// of AWS has it.
pub(crate) const UNQUOTED_PARAMETERS: &str = "assize:unquotedParameters";

/// One record. Members of another type than expected count as absent; members that no rule names
/// are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// `eventType`.
    pub event_type: Text<'a>,
    /// `eventCategory`.
    pub event_category: Text<'a>,
    /// `managementEvent`.
    pub is_management: Option<bool>,
    /// `eventSource`, such as `s3.amazonaws.com`.
    pub event_source: Text<'a>,
    /// `eventName`.
    pub event_name: Text<'a>,
    /// `eventTime`; in records that a log shipper rewrote, `@timestamp`.
    pub event_time: Text<'a>,
    /// `eventID`.
    pub event_id: Text<'a>,
    /// `sharedEventID`.
    pub shared_event_id: Text<'a>,
    /// `awsRegion`.
    pub region: Text<'a>,
    /// `sourceIPAddress`.
    pub source_ip: Text<'a>,
    /// `userAgent`.
    pub user_agent: Text<'a>,
    /// `errorCode`.
    pub error_code: Text<'a>,
    /// `errorMessage`.
    pub error_message: Text<'a>,
    /// `recipientAccountId`.
    pub recipient_account: Text<'a>,
    /// `vpcEndpointId`.
    pub vpc_endpoint: Text<'a>,
    /// `vpcEndpointAccountId`.
    pub vpc_endpoint_account: Text<'a>,
    /// `sessionCredentialFromConsole`.
    pub from_console: bool,
    /// The JSON text of `requestParameters`, unless null.
    pub request_parameters: Option<&'a str>,
    /// `requestParameters` come from an export that writes them without quotes, and could be read
    /// otherwise.
    pub has_unquoted_parameters: bool,
    /// The JSON text of `responseElements`, unless null.
    pub response_elements: Option<&'a str>,
    /// `resources`.
    pub resources: Vec<RecordResource<'a>>,
    /// `userIdentity`, unless it is empty.
    pub identity: Option<Identity<'a>>,
}

/// One of `resources`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordResource<'a> {
    /// `ARN`.
    pub arn: Text<'a>,
    /// `accountId`: the owner.
    pub account: Text<'a>,
}

/// `userIdentity`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `type`.
    pub kind: Text<'a>,
    /// `principalId`.
    pub principal_id: Text<'a>,
    /// `arn`.
    pub arn: Text<'a>,
    /// `accountId`.
    pub account: Text<'a>,
    /// `accessKeyId`.
    pub access_key: Text<'a>,
    /// `userName`.
    pub user_name: Text<'a>,
    /// `invokedBy`.
    pub invoked_by: Text<'a>,
    /// `identityProvider`.
    pub identity_provider: Text<'a>,
    /// `sessionContext`.
    pub session: Option<SessionContext<'a>>,
    /// `onBehalfOf.userId`.
    pub on_behalf_of: Text<'a>,
    /// `inScopeOf`.
    pub scope: Option<InScopeOf<'a>>,
}

/// `sessionContext`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionContext<'a> {
    /// `sessionIssuer.type`.
    pub issuer_type: Text<'a>,
    /// `sessionIssuer.arn`.
    pub issuer_arn: Text<'a>,
    /// `sessionIssuer.principalId`.
    pub issuer_id: Text<'a>,
    /// `webIdFederationData.federatedProvider`.
    pub federated_provider: Text<'a>,
    /// `webIdFederationData.attributes`.
    pub federation_attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `attributes.creationDate`.
    pub creation_date: Text<'a>,
    /// `attributes.mfaAuthenticated`.
    pub mfa: Option<bool>,
    /// `sourceIdentity`.
    pub source_identity: Text<'a>,
    /// `ec2RoleDelivery`.
    pub ec2_role_delivery: Text<'a>,
    /// `assumedRoot`.
    pub assumed_root: bool,
}

/// `inScopeOf`: on whose behalf a service calls, or where a role was delivered to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InScopeOf<'a> {
    /// `sourceArn`.
    pub source_arn: Text<'a>,
    /// `sourceAccount`.
    pub source_account: Text<'a>,
    /// `issuerType`.
    pub issuer_type: Text<'a>,
    /// `credentialsIssuedTo`.
    pub issued_to: Text<'a>,
}

impl<'a> Record<'a> {
    /// Reads the record that stands at a place of a text. An event of EventBridge is read as the
    /// record in its `detail`.
    ///
    /// # Errors
    /// When the text there is no JSON object, or breaks off.
    pub fn read(c: &mut Cursor<'a>) -> Result<Self> {
        let mut record = Self::default();
        record.fill(c)?;
        Ok(record)
    }

    /// Reads a record into one that says nothing yet, for records are large.
    pub(crate) fn fill(&mut self, c: &mut Cursor<'a>) -> Result<()> {
        let mut detail = None;
        c.object(|c, key| {
            if &*key == "detail" && c.peek()? == Kind::Object {
                return Self::read(c).map(|inner| detail = Some(Box::new(inner)));
            }
            self.member(c, &key)
        })?;
        if let Some(detail) = detail.filter(|_| self.event_name.is_none()) {
            *self = *detail;
        }
        Ok(())
    }

    /// Whether it says that it is a data event. Records older than `eventCategory` have
    /// `managementEvent` alone.
    pub fn is_data_event(&self) -> bool {
        match self.event_category.as_deref() {
            Some(category) => category == "Data",
            None => self.is_management == Some(false),
        }
    }

    fn member(&mut self, c: &mut Cursor<'a>, key: &str) -> Result<()> {
        let text_member = match key {
            "eventType" => &mut self.event_type,
            "eventCategory" => &mut self.event_category,
            "eventSource" => &mut self.event_source,
            "eventName" => &mut self.event_name,
            "eventTime" => &mut self.event_time,
            "eventID" => &mut self.event_id,
            "sharedEventID" => &mut self.shared_event_id,
            "awsRegion" => &mut self.region,
            "sourceIPAddress" => &mut self.source_ip,
            "userAgent" => &mut self.user_agent,
            "errorCode" => &mut self.error_code,
            "errorMessage" => &mut self.error_message,
            "recipientAccountId" => &mut self.recipient_account,
            "vpcEndpointId" => &mut self.vpc_endpoint,
            "vpcEndpointAccountId" => &mut self.vpc_endpoint_account,
            _ => return self.other_member(c, key),
        };
        *text_member = text(c)?;
        Ok(())
    }

    fn other_member(&mut self, c: &mut Cursor<'a>, key: &str) -> Result<()> {
        match key {
            "@timestamp" if self.event_time.is_none() => self.event_time = text(c)?,
            "managementEvent" => self.is_management = flag(c)?,
            "sessionCredentialFromConsole" => self.from_console = flag(c)? == Some(true),
            UNQUOTED_PARAMETERS => {
                self.has_unquoted_parameters = flag(c)? == Some(true);
            }
            "requestParameters" => self.request_parameters = object_text(c)?,
            "responseElements" => self.response_elements = object_text(c)?,
            "resources" => self.resources = resources(c)?,
            "userIdentity" => {
                if !self.identity.insert(Identity::default()).fill(c)? {
                    self.identity = None;
                }
            }
            _ => c.skip()?,
        }
        Ok(())
    }
}

/// A string; null, empty strings and values of other types count as absent.
fn text<'a>(c: &mut Cursor<'a>) -> Result<Text<'a>> {
    if c.peek()? == Kind::String {
        return Ok(Some(c.string()?).filter(|text| !text.is_empty()));
    }
    c.skip()?;
    Ok(None)
}

/// A boolean, or the text of one.
fn flag(c: &mut Cursor<'_>) -> Result<Option<bool>> {
    match c.peek()? {
        Kind::Bool => c.boolean().map(Some),
        Kind::String => Ok(match &*c.string()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }),
        _ => c.skip().map(|()| None),
    }
}

/// The text of an object that is not empty.
fn object_text<'a>(c: &mut Cursor<'a>) -> Result<Option<&'a str>> {
    let kind = c.peek()?;
    let raw = c.raw()?;
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    Ok((kind == Kind::Object && !inner.trim_ascii().is_empty()).then_some(raw))
}

/// The members of an object; of another value, none.
fn members<'a>(
    c: &mut Cursor<'a>,
    mut member: impl FnMut(&mut Cursor<'a>, &str) -> Result<()>,
) -> Result<bool> {
    if c.peek()? != Kind::Object {
        return c.skip().map(|()| false);
    }
    let mut any = false;
    c.object(|c, key| {
        any = true;
        member(c, &key)
    })?;
    Ok(any)
}

fn resources<'a>(c: &mut Cursor<'a>) -> Result<Vec<RecordResource<'a>>> {
    let mut resources = Vec::new();
    if c.peek()? != Kind::Array {
        return c.skip().map(|()| resources);
    }
    c.array(|c| {
        let mut resource = RecordResource::default();
        members(c, |c, key| {
            match key {
                // EventBridge spells some members in lower case.
                "ARN" | "arn" => resource.arn = text(c)?,
                "accountId" => resource.account = text(c)?,
                _ => c.skip()?,
            }
            Ok(())
        })?;
        resources.extend(Some(resource).filter(|resource| resource.arn.is_some()));
        Ok(())
    })?;
    Ok(resources)
}

impl<'a> Identity<'a> {
    /// Reads it in place, for it is large; gives whether it has any member.
    fn fill(&mut self, c: &mut Cursor<'a>) -> Result<bool> {
        members(c, |c, key| {
            match key {
                "type" => self.kind = text(c)?,
                "principalId" => self.principal_id = text(c)?,
                "arn" => self.arn = text(c)?,
                "accountId" => self.account = text(c)?,
                "accessKeyId" => self.access_key = text(c)?,
                "userName" => self.user_name = text(c)?,
                "invokedBy" => self.invoked_by = text(c)?,
                "identityProvider" => self.identity_provider = text(c)?,
                "sessionContext" => {
                    if !self.session.insert(SessionContext::default()).fill(c)? {
                        self.session = None;
                    }
                }
                "onBehalfOf" => {
                    members(c, |c, key| {
                        if key == "userId" {
                            self.on_behalf_of = text(c)?;
                            return Ok(());
                        }
                        c.skip()
                    })?;
                }
                "inScopeOf" => self.scope = in_scope_of(c)?,
                _ => c.skip()?,
            }
            Ok(())
        })
    }
}

impl<'a> SessionContext<'a> {
    /// Reads it in place; gives whether it has any member.
    fn fill(&mut self, c: &mut Cursor<'a>) -> Result<bool> {
        members(c, |c, key| {
            match key {
                "sessionIssuer" => {
                    members(c, |c, key| {
                        match key {
                            "type" => self.issuer_type = text(c)?,
                            "arn" => self.issuer_arn = text(c)?,
                            "principalId" => self.issuer_id = text(c)?,
                            _ => c.skip()?,
                        }
                        Ok(())
                    })?;
                }
                "webIdFederationData" => federation(c, self)?,
                "attributes" => {
                    members(c, |c, key| {
                        match key {
                            "creationDate" => self.creation_date = text(c)?,
                            "mfaAuthenticated" => self.mfa = flag(c)?,
                            _ => c.skip()?,
                        }
                        Ok(())
                    })?;
                }
                "sourceIdentity" => self.source_identity = text(c)?,
                "ec2RoleDelivery" => self.ec2_role_delivery = text(c)?,
                "assumedRoot" => self.assumed_root = flag(c)? == Some(true),
                _ => c.skip()?,
            }
            Ok(())
        })
    }
}

fn federation<'a>(c: &mut Cursor<'a>, session: &mut SessionContext<'a>) -> Result<()> {
    members(c, |c, key| match key {
        "federatedProvider" => text(c).map(|provider| session.federated_provider = provider),
        "attributes" if c.peek()? == Kind::Object => c.object(|c, name| {
            let value = text(c)?;
            session.federation_attributes.extend(value.map(|value| (name, value)));
            Ok(())
        }),
        _ => c.skip(),
    })
    .map(drop)
}

fn in_scope_of<'a>(c: &mut Cursor<'a>) -> Result<Option<InScopeOf<'a>>> {
    let mut scope = InScopeOf::default();
    let any = members(c, |c, key| {
        match key {
            "sourceArn" => scope.source_arn = text(c)?,
            "sourceAccount" => scope.source_account = text(c)?,
            "issuerType" => scope.issuer_type = text(c)?,
            "credentialsIssuedTo" => scope.issued_to = text(c)?,
            _ => c.skip()?,
        }
        Ok(())
    })?;
    Ok(any.then_some(scope))
}
