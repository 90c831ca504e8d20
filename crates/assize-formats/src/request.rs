//! Request records (F-10 – F-16): one line of a request stream, or one request of a file.

mod defaults;
pub(crate) mod field;
mod plain;
mod principal;
pub(crate) mod resource;

use std::borrow::Cow;
use std::fmt;

use assize_model::{Network, Principal, Request, RequestError, Source, Target};

pub use defaults::Defaults;
pub use plain::{PlainKey, PlainLine, PlainReader};

use crate::json::{Cursor, Kind, Object, Result, write_string};
use field::{
    account, context, identifier, keys, known_keys, prefixes, string, strings, tags, time, unknown,
};
use resource::{checks, resource_data, resources};

/// Longest line of a request stream, in bytes (F-6).
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Longest ARN of a resource, in bytes (F-6).
pub const MAX_RESOURCE_BYTES: usize = 64 << 10;
/// Most keys of a context (F-6).
pub const MAX_CONTEXT_KEYS: usize = 1_000;
/// Most values of one context key (F-6).
pub const MAX_CONTEXT_VALUES: usize = 1_000;
/// Most checks of a request (F-6).
pub const MAX_CHECKS: usize = 100;
/// Most managed session policies of a session (schema `request`).
pub const MAX_SESSION_POLICY_ARNS: usize = 10;

/// A request as a line or a file gives it: the request itself and what travels with it.
///
/// # Examples
/// ```
/// use assize_formats::RequestRecord;
///
/// let line = r#"{"id":7,"principal":"arn:aws:iam::111111111111:user/u",
///     "action":"s3:GetObject","resource":"arn:aws:s3:::b/k","x-trace":"a1"}"#;
/// let record = RequestRecord::parse(line)?;
/// assert_eq!(record.id.unwrap().to_string(), "7");
/// assert_eq!(record.extra[0].1, "\"a1\"");
/// # Ok::<(), assize_model::RequestError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestRecord<'a> {
    /// `id`, echoed with the decision; without one it is the number of the line (F-14).
    pub id: Option<RecordId<'a>>,
    /// The request.
    pub request: Request<'a>,
    /// `observed`: what really happened; never affects the decision (F-15).
    pub observed: Option<Observed<'a>>,
    /// Members beginning `x-`, name and JSON text, echoed with the decision (F-4).
    pub extra: Vec<(Cow<'a, str>, &'a str)>,
}

/// The `id` of a request: any string or whole number of the caller (F-14).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordId<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A whole number, as its text.
    Number(Cow<'a, str>),
}

impl RecordId<'_> {
    /// The id of a line without one: its number, from 1.
    pub fn line(number: u64) -> RecordId<'static> {
        RecordId::Number(Cow::Owned(number.to_string()))
    }

    /// The text: a string without its quotes, the digits of a number.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
        }
    }

    /// The same id, owned.
    pub fn into_owned(self) -> RecordId<'static> {
        match self {
            Self::Text(text) => RecordId::Text(Cow::Owned(text.into_owned())),
            Self::Number(text) => RecordId::Number(Cow::Owned(text.into_owned())),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_string(out, text),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
}

impl fmt::Display for RecordId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What really happened (F-15, F-35).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed<'a> {
    /// `decision`.
    pub decision: Option<ObservedDecision>,
    /// `layer`.
    pub layer: Option<Cow<'a, str>>,
    /// `errorCode`.
    pub error_code: Option<Cow<'a, str>>,
    /// `errorMessage`.
    pub error_message: Option<Cow<'a, str>>,
    /// `eventId`.
    pub event_id: Option<Cow<'a, str>>,
}

/// The observed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObservedDecision {
    /// It was allowed.
    Allowed,
    /// It was denied, and nobody says how.
    Denied,
    /// A statement denied it.
    ExplicitDeny,
    /// Nothing allowed it.
    ImplicitDeny,
    /// The log does not tell.
    Unknown,
}

impl ObservedDecision {
    /// All values, in the order of the schema.
    pub const ALL: [Self; 5] =
        [Self::Allowed, Self::Denied, Self::ExplicitDeny, Self::ImplicitDeny, Self::Unknown];

    /// The word of the wire format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::Denied => "Denied",
            Self::ExplicitDeny => "ExplicitDeny",
            Self::ImplicitDeny => "ImplicitDeny",
            Self::Unknown => "Unknown",
        }
    }

    /// The value of a word of the wire format.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == word)
    }
}

impl<'a> Observed<'a> {
    fn read(c: &mut Cursor<'a>) -> Result<Self> {
        const FIELDS: [&str; 5] = ["decision", "layer", "errorCode", "errorMessage", "eventId"];
        let mut observed = Self::default();
        c.object(|c, key| {
            match &*key {
                "decision" => {
                    let word = c.string()?;
                    observed.decision =
                        Some(ObservedDecision::from_word(&word).ok_or_else(|| {
                            field::word(
                                c,
                                &word,
                                ObservedDecision::ALL.map(ObservedDecision::as_str),
                            )
                        })?);
                }
                "layer" => observed.layer = string(c)?,
                "errorCode" => observed.error_code = string(c)?,
                "errorMessage" => observed.error_message = string(c)?,
                "eventId" => observed.event_id = string(c)?,
                _ => return unknown(c, &key, &FIELDS),
            }
            Ok(())
        })?;
        Ok(observed)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.string_if("decision", self.decision.map(ObservedDecision::as_str));
        object.string_if("layer", self.layer.as_deref());
        object.string_if("errorCode", self.error_code.as_deref());
        object.string_if("errorMessage", self.error_message.as_deref());
        object.string_if("eventId", self.event_id.as_deref());
        object.close();
    }
}

/// The members of a request record (schema `request`), in its order.
pub(crate) const REQUEST_FIELDS: [&str; 18] = [
    "id",
    "principal",
    "action",
    "resource",
    "resources",
    "checks",
    "resourceData",
    "requestTags",
    "context",
    "absent",
    "complete",
    "unknown",
    "network",
    "via",
    "region",
    "time",
    "source",
    "observed",
];

/// What a line says it asks for, before it is known whether that fits together.
#[derive(Default)]
struct TargetParts<'a> {
    action: Option<Cow<'a, str>>,
    resource: Option<Cow<'a, str>>,
    resources: Vec<assize_model::ResourceInput<'a>>,
    checks: Vec<assize_model::Check<'a>>,
}

impl<'a> TargetParts<'a> {
    /// F-10: either `action` with at most one of `resource` and `resources`, or `checks`.
    fn join(self, c: &Cursor<'_>) -> Result<Target<'a>> {
        let Self { action, resource, resources, checks } = self;
        match action {
            Some(_) if !checks.is_empty() => {
                Err(c.invalid("`action` and `checks` are both given; a request has one of them"))
            }
            Some(_) if resource.is_some() && !resources.is_empty() => Err(
                c.invalid("`resource` and `resources` are both given; a request has one of them")
            ),
            Some(action) => Ok(Target::Action { action, resource, resources }),
            None if checks.is_empty() => {
                Err(c.invalid("neither `action` nor `checks` is given; a request has one of them"))
            }
            None if resource.is_some() || !resources.is_empty() => {
                Err(c.invalid("with `checks` each check names its own `resource`"))
            }
            None => Ok(Target::Checks(checks)),
        }
    }
}

impl<'a> RequestRecord<'a> {
    /// Reads one record from its JSON text.
    ///
    /// # Errors
    /// Why the line is malformed: `json_syntax`, `invalid_field`, `unknown_field` or `limit`.
    /// Whether it can be decided is found when it meets a snapshot.
    pub fn parse(line: &'a str) -> std::result::Result<Self, RequestError> {
        let mut record = Self::default();
        record.parse_into(line)?;
        Ok(record)
    }

    /// Reads one record from the bytes of a line.
    ///
    /// # Errors
    /// As [`RequestRecord::parse`], and `json_syntax` when the bytes are not UTF-8 (F-1).
    pub fn parse_bytes(line: &'a [u8]) -> std::result::Result<Self, RequestError> {
        Self::parse(text_of_line(line)?)
    }

    /// Reads one record into this value, whose memory is used again.
    ///
    /// # Errors
    /// As [`RequestRecord::parse`]; the value then holds a part of the line at most.
    pub fn parse_into(&mut self, line: &'a str) -> std::result::Result<(), RequestError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(line_too_long());
        }
        self.read(&mut Cursor::new(line)).map_err(|fault| fault.into_request_error(line))
    }

    /// Forgets everything but the memory of the long lists.
    fn clear(&mut self) {
        let Self { id, request, observed, extra } = self;
        *id = None;
        *observed = None;
        extra.clear();
        request.target = Target::default();
        request.resource_data = None;
        request.request_tags = None;
        request.context.clear();
        request.absent.clear();
        request.complete.clear();
        request.unknown.clear();
        request.via = None;
        request.region = None;
        request.time = None;
        request.source = None;
    }

    fn read(&mut self, c: &mut Cursor<'a>) -> Result<()> {
        self.clear();
        let mut parts = TargetParts::default();
        let mut has_principal = false;
        let mut spare_network = self.request.network.take();
        c.object(|c, key| {
            let request = &mut self.request;
            match &*key {
                "id" => self.id = Some(identifier(c)?),
                "principal" => {
                    has_principal = true;
                    read_principal(c, &mut request.principal)?;
                }
                "action" => parts.action = string(c)?,
                "resource" => parts.resource = Some(field::resource_text(c)?),
                "resources" => parts.resources = resources(c)?,
                "checks" => parts.checks = checks(c)?,
                "resourceData" => request.resource_data = Some(Box::new(resource_data(c)?)),
                "requestTags" => request.request_tags = Some(tags(c)?),
                "context" => context(c, &mut request.context)?,
                "absent" => request.absent = keys(c)?,
                "complete" => request.complete = prefixes(c)?,
                "unknown" => request.unknown = known_keys(c)?,
                "network" => request.network = Some(read_network(c, spare_network.take())?),
                "via" => request.via = Some(strings(c)?),
                "region" => request.region = string(c)?,
                "time" => request.time = Some(time(c)?),
                "source" => request.source = Some(read_source(c)?),
                "observed" => self.observed = Some(Observed::read(c)?),
                _ if key.starts_with("x-") => {
                    let json = c.raw()?;
                    self.extra.push((key, json));
                }
                _ => return unknown(c, &key, &REQUEST_FIELDS),
            }
            Ok(())
        })?;
        c.end()?;
        if !has_principal {
            return Err(c.invalid("`principal` is missing"));
        }
        self.request.target = parts.join(c)?;
        Ok(())
    }
}

/// The text of a line: UTF-8, not longer than [`MAX_LINE_BYTES`].
///
/// # Errors
/// `limit` or `json_syntax`.
pub fn text_of_line(line: &[u8]) -> std::result::Result<&str, RequestError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(line_too_long());
    }
    if let Ok(text) = simdutf8::basic::from_utf8(line) {
        return Ok(text);
    }
    std::str::from_utf8(line).map_err(|error| {
        let column = error.valid_up_to() + 1;
        let message = format!("the line is not UTF-8: a wrong byte at position {column}");
        RequestError::new(assize_model::RequestErrorKind::JsonSyntax, message)
    })
}

fn line_too_long() -> RequestError {
    let message = format!("a request line is longer than {MAX_LINE_BYTES} bytes");
    RequestError::new(assize_model::RequestErrorKind::Limit, message)
}

/// The `id` of a line that is malformed otherwise, as far as the line can be read (F-33).
pub fn id_of_line(line: &[u8]) -> Option<RecordId<'_>> {
    let mut c = Cursor::new(std::str::from_utf8(line).ok()?);
    let mut id = None;
    // The line may break behind the id; what was found before counts all the same.
    let _ = c.object(|c, key| {
        if key == "id" && id.is_none() {
            id = Some(identifier(c)?);
            return Ok(());
        }
        c.skip()
    });
    id
}

fn read_principal<'a>(c: &mut Cursor<'a>, principal: &mut Principal<'a>) -> Result<()> {
    match c.peek()? {
        Kind::String => *principal = Principal::Text(c.string()?),
        Kind::Object => {
            let stated = principal::read(c)?;
            match principal {
                Principal::Stated(spare) => **spare = stated,
                Principal::Text(_) => *principal = Principal::Stated(Box::new(stated)),
            }
        }
        kind => return Err(field::neither(c, "a string or an object", kind)),
    }
    Ok(())
}

fn read_network<'a>(
    c: &mut Cursor<'a>,
    spare: Option<Box<Network<'a>>>,
) -> Result<Box<Network<'a>>> {
    const FIELDS: [&str; 8] = [
        "sourceIp",
        "vpcSourceIp",
        "vpce",
        "vpc",
        "vpceAccount",
        "secureTransport",
        "userAgent",
        "referer",
    ];
    let mut network = spare.unwrap_or_default();
    *network = Network::default();
    c.object(|c, key| {
        match &*key {
            "sourceIp" => network.source_ip = string(c)?,
            "vpcSourceIp" => network.vpc_source_ip = string(c)?,
            "vpce" => network.vpce = string(c)?,
            "vpc" => network.vpc = string(c)?,
            "vpceAccount" => network.vpce_account = Some(account(c)?),
            "secureTransport" => network.secure_transport = Some(c.boolean()?),
            "userAgent" => network.user_agent = string(c)?,
            "referer" => network.referer = string(c)?,
            _ => return unknown(c, &key, &FIELDS),
        }
        Ok(())
    })?;
    Ok(network)
}

fn read_source<'a>(c: &mut Cursor<'a>) -> Result<Source<'a>> {
    let mut source = Source::default();
    c.object(|c, key| {
        match &*key {
            "arn" => source.arn = string(c)?,
            "account" => source.account = Some(account(c)?),
            _ => return unknown(c, &key, &["arn", "account"]),
        }
        Ok(())
    })?;
    Ok(source)
}

#[cfg(test)]
mod tests;
