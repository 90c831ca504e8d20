//! Fragments that are merged under every line of a stream (F-30).

use assize_model::RequestError;

use super::REQUEST_FIELDS;
use super::unknown;
use crate::json::{Cursor, Kind, Result, write_string};

/// A request fragment that is merged under every line of a stream: objects by key, everything
/// else replaced by what the line says (F-30).
///
/// The merge works on the text, before the line is read: a member that the line lacks is put in
/// front, and only objects that both have are taken apart. So the fragment needs no second set
/// of rules for each field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    members: Vec<(Box<str>, Box<str>)>,
}

impl Defaults {
    /// Reads the fragment from its JSON text.
    ///
    /// # Errors
    /// `json_syntax`, and `unknown_field` when it names what a request does not have. Its values
    /// are checked with the lines they end in.
    pub fn parse(text: &str) -> std::result::Result<Self, RequestError> {
        let mut c = Cursor::new(text);
        let read = Self::read(&mut c).and_then(|defaults| c.end().map(|()| defaults));
        read.map_err(|fault| fault.into_request_error(text))
    }

    pub(crate) fn read(c: &mut Cursor<'_>) -> Result<Self> {
        let mut members: Vec<(Box<str>, Box<str>)> = Vec::new();
        c.object(|c, key| {
            if !REQUEST_FIELDS.contains(&&*key) {
                return unknown(c, &key, &REQUEST_FIELDS);
            }
            members.push((key.into(), c.raw()?.into()));
            Ok(())
        })?;
        Ok(Self { members })
    }

    /// Whether there is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Appends the line with the fragment under it to `out`. A line that is not a JSON object is
    /// appended as it is, for the reader to refuse.
    pub fn merge(&self, line: &str, out: &mut String) {
        let before = out.len();
        if self.is_empty() || self.try_merge(line, out).is_err() {
            out.truncate(before);
            out.push_str(line);
        }
    }

    fn try_merge(&self, line: &str, out: &mut String) -> Result<()> {
        let mut c = Cursor::new(line);
        let given = members(&mut c)?;
        c.end()?;
        let defaults = self.members.iter().map(|(name, value)| (&**name, &**value));
        merge_members(defaults, &given, out)
    }
}

/// Name and JSON text of the members of an object.
fn members<'a>(c: &mut Cursor<'a>) -> Result<Vec<(std::borrow::Cow<'a, str>, &'a str)>> {
    let mut members = Vec::new();
    c.object(|c, key| {
        members.push((key, c.raw()?));
        Ok(())
    })?;
    Ok(members)
}

fn merge_members<'d>(
    defaults: impl Iterator<Item = (&'d str, &'d str)>,
    given: &[(std::borrow::Cow<'_, str>, &str)],
    out: &mut String,
) -> Result<()> {
    out.push('{');
    let mut rest: Vec<&(std::borrow::Cow<'_, str>, &str)> = given.iter().collect();
    for (name, default) in defaults {
        let at = rest.iter().position(|(key, _)| key == name);
        let value = at.map(|at| rest.remove(at).1);
        push_name(name, out);
        match value {
            Some(value) => merge_value(default, value, out)?,
            None => out.push_str(default),
        }
    }
    for (key, value) in rest {
        push_name(key, out);
        out.push_str(value);
    }
    out.push('}');
    Ok(())
}

/// Both texts are JSON, which bounds the recursion by the nesting limit.
fn merge_value(default: &str, value: &str, out: &mut String) -> Result<()> {
    let (mut under, mut over) = (Cursor::new(default), Cursor::new(value));
    if under.peek()? != Kind::Object || over.peek()? != Kind::Object {
        out.push_str(value);
        return Ok(());
    }
    let (under, over) = (members(&mut under)?, members(&mut over)?);
    merge_members(under.iter().map(|(name, value)| (&**name, *value)), &over, out)
}

fn push_name(name: &str, out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
    let mut quoted = Vec::with_capacity(name.len() + 2);
    write_string(&mut quoted, name);
    // Quoting a text gives a text.
    out.push_str(&String::from_utf8_lossy(&quoted));
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(defaults: &str, line: &str, expected: &str) {
        let mut merged = String::new();
        Defaults::parse(defaults).unwrap().merge(line, &mut merged);
        assert_eq!(merged, expected, "{line}");
    }

    /// F-30.
    #[test]
    fn objects_merge_by_key_and_other_values_are_replaced() {
        let defaults = r#"{"region":"r","context":{"a:b":1,"c:d":[2]},"via":["x"]}"#;
        check(
            defaults,
            r#"{"action":"s3:Get","context":{"c:d":3,"e:f":4},"via":[]}"#,
            r#"{"region":"r","context":{"a:b":1,"c:d":3,"e:f":4},"via":[],"action":"s3:Get"}"#,
        );
        check(
            r#"{"principal":{"type":"user","session":{"name":"n"}}}"#,
            r#"{"principal":{"session":{"policy":{}}}}"#,
            r#"{"principal":{"type":"user","session":{"name":"n","policy":{}}}}"#,
        );
        check(r#"{"principal":{"type":"user"}}"#, r#"{"principal":"p"}"#, r#"{"principal":"p"}"#);
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        for line in ["", "[1]", "{\"a\":", "{\"a\":1,\"a\":2}"] {
            check(r#"{"region":"r"}"#, line, line);
        }
        check("{}", "{ }", "{ }");
    }

    #[test]
    fn a_fragment_names_fields_of_requests() {
        let error = Defaults::parse(r#"{"regoin":"r"}"#).unwrap_err();
        assert_eq!(error.message(), "unknown field `regoin`; did you mean `region`?");
    }
}
