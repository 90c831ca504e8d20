//! Rows of CloudTrail Lake: the whole record in the column `eventJson`, or its members in columns
//! of their own, structures and maps written `{name=value, name=value}`.

use std::borrow::Cow;
use std::fmt::Write as _;

use assize_formats::json::{Cursor, Kind};

use super::{Piece, csv, put_record};
use crate::record::UNQUOTED_PARAMETERS;

/// What a member of a record holds.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    /// A time, which Lake writes without `T` and `Z`.
    Time,
    /// Named members.
    Struct(&'static [Field]),
    /// Any names.
    Map,
    /// A list of structures.
    List(&'static [Field]),
}

/// The name of a member in a record, and what it holds. Lake writes names in lower case.
type Field = (&'static str, Shape);

use Shape::{List, Map, Struct, Text, Time};

/// The columns of the schema that a request is made of. State of November 2026.
const FIELDS: [Field; 20] = [
    ("eventType", Text),
    ("eventCategory", Text),
    ("eventSource", Text),
    ("eventName", Text),
    ("eventTime", Time),
    ("eventID", Text),
    ("sharedEventID", Text),
    ("awsRegion", Text),
    ("sourceIPAddress", Text),
    ("userAgent", Text),
    ("errorCode", Text),
    ("errorMessage", Text),
    ("recipientAccountId", Text),
    ("vpcEndpointId", Text),
    ("vpcEndpointAccountId", Text),
    ("sessionCredentialFromConsole", Text),
    ("requestParameters", Map),
    ("responseElements", Map),
    ("resources", List(RESOURCE)),
    ("userIdentity", Struct(IDENTITY)),
];

/// Members whose absence from a record says something: that the call was allowed and no copy, that
/// it came through no endpoint, that it was no call at all. A column that is not there must not say
/// it.
const TELLING: [&str; 8] = [
    "eventType",
    "eventCategory",
    "eventTime",
    "eventID",
    "sharedEventID",
    "errorCode",
    "vpcEndpointId",
    "userIdentity",
];

/// Columns that Lake spells otherwise than the record.
const ALIASES: [(&str, &str); 2] =
    [("vpcendpointid", "vpcEndpointId"), ("vpcendpointaccountid", "vpcEndpointAccountId")];

const RESOURCE: &[Field] =
    &[("accountId", Text), ("type", Text), ("ARN", Text), ("ARNPrefix", Text)];

const IDENTITY: &[Field] = &[
    ("type", Text),
    ("principalId", Text),
    ("arn", Text),
    ("accountId", Text),
    ("accessKeyId", Text),
    ("userName", Text),
    ("sessionContext", Struct(SESSION)),
    ("onBehalfOf", Struct(&[("userId", Text), ("identityStoreArn", Text)])),
    ("inScopeOf", Struct(SCOPE)),
    ("invokedBy", Text),
    ("identityProvider", Text),
    ("credentialId", Text),
];

const SESSION: &[Field] = &[
    ("attributes", Struct(&[("creationDate", Time), ("mfaAuthenticated", Text)])),
    ("sessionIssuer", Struct(ISSUER)),
    ("webIdFederationData", Struct(&[("federatedProvider", Text), ("attributes", Map)])),
    ("sourceIdentity", Text),
    ("ec2RoleDelivery", Text),
    ("ec2IssuedInVpc", Text),
    ("assumedRoot", Text),
];

const ISSUER: &[Field] = &[
    ("type", Text),
    ("principalId", Text),
    ("arn", Text),
    ("accountId", Text),
    ("userName", Text),
];

const SCOPE: &[Field] = &[
    ("sourceArn", Text),
    ("sourceAccount", Text),
    ("issuerType", Text),
    ("credentialsIssuedTo", Text),
];

/// The columns of an export.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// What each column holds; none for those that no rule names.
    fields: Vec<Option<Field>>,
    /// The column with the whole record.
    whole: Option<usize>,
    /// The columns of [`TELLING`] that are not there.
    missing: Vec<&'static str>,
}

impl Columns {
    /// The columns of these names, if they are of records.
    pub(super) fn of(names: &[Cow<'_, str>]) -> Option<Self> {
        let fields: Vec<Option<Field>> = names.iter().map(|name| field(name.trim())).collect();
        let whole = names.iter().position(|name| name.trim().eq_ignore_ascii_case("eventJson"));
        let has = |wanted: &str| fields.iter().flatten().any(|(name, _)| *name == wanted);
        let is_record = whole.is_some() || (has("eventSource") && has("eventName"));
        let missing = TELLING.into_iter().filter(|name| !has(name)).collect();
        is_record.then_some(Self { fields, whole, missing })
    }

    /// The next row of a CSV file.
    pub(super) fn next(&self, text: &[u8], is_last: bool, records: &mut Vec<u8>) -> Piece {
        if text.is_empty() {
            return Piece::More;
        }
        if self.whole.is_none()
            && let Err(message) = self.check()
        {
            return Piece::Broken(0, message);
        }
        match csv::row(text, is_last) {
            csv::Next::More => Piece::More,
            csv::Next::Faulty(message, end) => Piece::Faulty(0, end, message),
            csv::Next::Row(cells, end) if cells.len() == 1 && cells[0].trim().is_empty() => {
                Piece::Passed(end)
            }
            csv::Next::Row(cells, end) => {
                let cells: Vec<&str> = cells.iter().map(|cell| &**cell).collect();
                match self.put(&cells, records) {
                    Ok(()) => Piece::Record(end),
                    Err(message) => Piece::Faulty(0, end, message),
                }
            }
        }
    }

    /// Whether the members of a record can be told from the columns.
    fn check(&self) -> Result<(), String> {
        let names: Vec<String> = self.missing.iter().map(|name| format!("`{name}`")).collect();
        match names.as_slice() {
            [] => Ok(()),
            [name] => Err(format!(
                "an export without the column {name}: what it leaves out cannot be told from \
                 what a record does not hold; select it, or `eventJson`"
            )),
            names => Err(format!(
                "an export without the columns {}: what they leave out cannot be told from what \
                 a record does not hold; select them, or `eventJson`",
                names.join(", ")
            )),
        }
    }

    /// Writes the record of a row.
    pub(super) fn put(&self, cells: &[&str], records: &mut Vec<u8>) -> Result<(), String> {
        if cells.len() != self.fields.len() {
            let (n, wanted) = (cells.len(), self.fields.len());
            return Err(format!("a row of {n} cells where the head has {wanted}"));
        }
        let whole = self.whole.and_then(|at| cells.get(at)).filter(|cell| !is_null(cell));
        if let Some(text) = whole {
            return put_record(text, records)
                .map_err(|why| format!("`eventJson` is no record: {why}"));
        }
        self.check()?;
        let mut json = String::from("{");
        let mut is_unquoted = false;
        for (field, cell) in self.fields.iter().zip(cells) {
            let Some((name, shape)) = field else { continue };
            if is_null(cell) {
                continue;
            }
            push_name(&mut json, name);
            let could_differ = push_cell(&mut json, cell.trim(), *shape)
                .map_err(|why| format!("`{name}`: {why}"))?;
            is_unquoted |= *name == "requestParameters" && could_differ;
        }
        if is_unquoted {
            push_name(&mut json, UNQUOTED_PARAMETERS);
            json.push_str("true");
        }
        json.push('}');
        put_record(&json, records)
    }
}

fn field(name: &str) -> Option<Field> {
    let lower = name.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
    let name = alias.map_or(lower.as_str(), |(_, name)| name);
    FIELDS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn is_null(cell: &str) -> bool {
    matches!(cell.trim(), "" | "null" | "NULL")
}

fn push_name(json: &mut String, name: &str) {
    if !json.ends_with(['{', '[']) {
        json.push(',');
    }
    push_text(json, name);
    json.push(':');
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

/// Writes the value of a cell, all of it. Gives whether it could be read otherwise.
fn push_cell(json: &mut String, cell: &str, shape: Shape) -> Result<bool, String> {
    match shape {
        Text | Time => push_scalar(json, cell, shape),
        // Some exports hold JSON here.
        Struct(_) | Map | List(_) if container(cell) == Some(cell.len()) => json.push_str(cell),
        Map => return push_map(json, cell, true).map(|(_, could_differ)| could_differ),
        Struct(_) | List(_) => {
            let rest = push_container(json, cell, shape)?;
            if !rest.is_empty() {
                return Err(format!("expected the end, found `{}`", head(rest)));
            }
        }
    }
    Ok(false)
}

fn push_scalar(json: &mut String, text: &str, shape: Shape) {
    match shape {
        Time if text.len() >= 19 && text.as_bytes()[10] == b' ' => {
            push_text(json, &format!("{}T{}Z", &text[..10], text[11..].trim_end_matches('Z')));
        }
        _ => push_text(json, text),
    }
}

/// Where the JSON object or list ends that a text begins with, if it does.
fn container(text: &str) -> Option<usize> {
    let mut cursor = Cursor::new(text);
    let is_container = matches!(cursor.peek(), Ok(Kind::Object | Kind::Array));
    (is_container && cursor.skip().is_ok()).then(|| cursor.offset())
}

/// Writes what stands between the braces or brackets that a text begins with; gives what is
/// behind them.
fn push_container<'t>(json: &mut String, text: &'t str, shape: Shape) -> Result<&'t str, String> {
    match shape {
        List(fields) => push_list(json, text, fields),
        Struct(fields) => push_struct(json, text, fields),
        Map => push_map(json, text, false).map(|(rest, _)| rest),
        Text | Time => Err("expected a text".to_owned()),
    }
}

fn expected(sign: char, text: &str) -> String {
    format!("expected `{sign}`, found `{}`", head(text))
}

/// The beginning of a text, for messages.
fn head(text: &str) -> String {
    text.chars().take(20).collect()
}

fn push_list<'t>(
    json: &mut String,
    text: &'t str,
    fields: &'static [Field],
) -> Result<&'t str, String> {
    let mut rest = text.strip_prefix('[').ok_or_else(|| expected('[', text))?;
    json.push('[');
    loop {
        if let Some(behind) = rest.strip_prefix(']') {
            json.push(']');
            return Ok(behind);
        }
        if !json.ends_with('[') {
            rest = rest.strip_prefix(", ").ok_or_else(|| expected(',', rest))?;
            json.push(',');
        }
        rest = push_struct(json, rest, fields)?;
    }
}

/// A structure whose names are known. The value of a text ends where a name that was not there
/// yet follows, or the structure ends.
fn push_struct<'t>(
    json: &mut String,
    text: &'t str,
    fields: &'static [Field],
) -> Result<&'t str, String> {
    let mut rest = text.strip_prefix('{').ok_or_else(|| expected('{', text))?;
    let mut left: Vec<Field> = fields.to_vec();
    json.push('{');
    while !rest.starts_with('}') {
        let (name, value) = rest.split_once('=').ok_or_else(|| expected('=', rest))?;
        let at = left.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
        let at = at.ok_or_else(|| format!("the member `{}` is not known here", head(name)))?;
        let (name, shape) = left.swap_remove(at);
        let behind = match shape {
            Struct(_) | Map if value.starts_with('{') => {
                push_name(json, name);
                push_container(json, value, shape)?
            }
            _ => {
                let is_left =
                    |name: &str| left.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
                let end = value_end(value, is_left, false);
                let end = end.ok_or_else(|| format!("`{name}` has no end"))?;
                if !is_null(&value[..end]) {
                    push_name(json, name);
                    push_scalar(json, &value[..end], shape);
                }
                &value[end..]
            }
        };
        rest = behind.strip_prefix(", ").unwrap_or(behind);
    }
    json.push('}');
    Ok(&rest[1..])
}

/// A map of any names; `is_whole` if it is all of the text. The value of a text ends where
/// something like a name follows, or the map ends; a name that comes twice shows that one was
/// taken for a name that is none. Where there are two members, a value with both is another
/// reading, and the second of what it gives says so.
fn push_map<'t>(
    json: &mut String,
    text: &'t str,
    is_whole: bool,
) -> Result<(&'t str, bool), String> {
    let mut rest = text.strip_prefix('{').ok_or_else(|| expected('{', text))?;
    let mut names: Vec<&str> = Vec::new();
    json.push('{');
    while !(rest == "}" || rest.starts_with('}') && !is_whole) {
        let (name, value) = rest.split_once('=').ok_or_else(|| expected('=', rest))?;
        if names.contains(&name) {
            return Err(format!("the member `{}` comes twice", head(name)));
        }
        names.push(name);
        let nested = container(value).filter(|end| value[*end..].starts_with([',', '}']));
        let end = nested.or_else(|| value_end(value, is_name, is_whole));
        let end = end.ok_or_else(|| format!("`{name}` has no end"))?;
        if !is_null(&value[..end]) {
            push_name(json, name);
            match nested {
                Some(_) => json.push_str(&value[..end]),
                None => push_text(json, &value[..end]),
            }
        }
        rest = value[end..].strip_prefix(", ").unwrap_or(&value[end..]);
    }
    json.push('}');
    Ok((&rest[1..], names.len() > 1))
}

/// Where a text value ends: before a name that follows, or before the brace, which is the last of
/// the text if there is nothing behind the structure.
fn value_end(text: &str, is_next: impl Fn(&str) -> bool, is_whole: bool) -> Option<usize> {
    text.char_indices().find_map(|(at, c)| {
        let ends = match c {
            '}' => !is_whole || at + 1 == text.len(),
            ',' => {
                let next = text[at..].strip_prefix(", ").and_then(|rest| rest.split_once('='));
                next.is_some_and(|(name, _)| is_next(name))
            }
            _ => false,
        };
        ends.then_some(at)
    })
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}
