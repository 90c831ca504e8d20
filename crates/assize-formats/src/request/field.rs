//! Readers of the kinds of field that requests are made of.

use std::borrow::Cow;

use assize_model::{AccountId, ContextInput, ContextScalar, PolicyText, RequestErrorKind, Tags};
use assize_store::tree_text;

use super::{MAX_CONTEXT_KEYS, MAX_CONTEXT_VALUES, MAX_RESOURCE_BYTES, RecordId};
use crate::json::{Cursor, Fault, Kind, Result, shorten};
use crate::nearest::{did_you_mean, nearest};
use crate::time::parse_time;

/// A string that is there.
#[inline]
pub(super) fn string<'a>(c: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>> {
    c.string().map(Some)
}

/// A value of a kind that the field does not take.
#[cold]
pub(crate) fn neither(c: &Cursor<'_>, expected: &str, found: Kind) -> Fault {
    c.invalid(format!("expected {expected}, found {}", found.phrase()))
}

/// A word that is none of those a field takes.
#[cold]
pub(crate) fn word<const N: usize>(c: &Cursor<'_>, found: &str, words: [&str; N]) -> Fault {
    let list = words.map(|word| format!("`{word}`")).join(", ");
    let hint = did_you_mean(nearest(found, words));
    c.invalid(format!("`{}` is none of {list}{hint}", shorten(found)))
}

/// A member that the format does not know: passed over when it begins with `x-`, else an error
/// (F-4).
#[cold]
pub(crate) fn unknown(c: &mut Cursor<'_>, key: &str, fields: &[&str]) -> Result<()> {
    if key.starts_with("x-") {
        return c.skip();
    }
    let hint = did_you_mean(nearest(key, fields.iter().copied()));
    let message = format!("unknown field `{}`{hint}", shorten(key));
    Err(Fault::new(RequestErrorKind::UnknownField, c.key().0, message))
}

/// An id: a string or a whole number (F-14).
pub(super) fn identifier<'a>(c: &mut Cursor<'a>) -> Result<RecordId<'a>> {
    match c.peek()? {
        Kind::String => c.string().map(RecordId::Text),
        Kind::Number => {
            let number = c.number()?;
            if number.contains(['.', 'e', 'E']) {
                return Err(c.invalid(format!("`{}` is not a whole number", shorten(number))));
            }
            Ok(RecordId::Number(Cow::Borrowed(number)))
        }
        kind => Err(neither(c, "a string or a whole number", kind)),
    }
}

/// An account id.
pub(crate) fn account(c: &mut Cursor<'_>) -> Result<AccountId> {
    if c.peek()? == Kind::Number {
        return Err(c.invalid("an account id is a string of 12 digits: put it in quotes"));
    }
    let text = c.string()?;
    text.parse().map_err(|error: assize_model::Error| c.invalid(error.to_string()))
}

/// A time (F-3).
pub(crate) fn time(c: &mut Cursor<'_>) -> Result<i64> {
    match c.peek()? {
        Kind::String => {
            let text = c.string()?;
            parse_time(&text).ok_or_else(|| {
                c.invalid(format!(
                    "`{}` is not a time: expected RFC 3339 with an offset, for example \
                     `2024-05-01T12:00:00Z`, or whole seconds since 1970",
                    shorten(&text)
                ))
            })
        }
        Kind::Number => {
            let number = c.number()?;
            number.parse().map_err(|_| {
                c.invalid(format!("`{}` is not whole seconds since 1970", shorten(number)))
            })
        }
        kind => Err(neither(c, "a time as a string or whole seconds", kind)),
    }
}

/// The text of a resource: its length is limited (F-6), its form is checked when it is resolved.
pub(super) fn resource_text<'a>(c: &mut Cursor<'a>) -> Result<Cow<'a, str>> {
    let text = c.string()?;
    if text.len() > MAX_RESOURCE_BYTES {
        return Err(c.limit(format!("a resource ARN is longer than {MAX_RESOURCE_BYTES} bytes")));
    }
    Ok(text)
}

/// A list of strings.
pub(crate) fn strings<'a>(c: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>> {
    let mut texts = Vec::new();
    c.array(|c| {
        texts.push(c.string()?);
        Ok(())
    })?;
    Ok(texts)
}

/// Tags: an object of strings.
pub(crate) fn tags<'a>(c: &mut Cursor<'a>) -> Result<Tags<'a>> {
    let mut tags = Vec::new();
    c.object(|c, key| {
        if matches!(c.peek()?, Kind::Number | Kind::Bool) {
            return Err(c.invalid("the value of a tag is a string: put it in quotes"));
        }
        tags.push((key, c.string()?));
        Ok(())
    })?;
    Ok(tags)
}

/// The JSON text of a policy document.
pub(super) fn policy<'a>(c: &mut Cursor<'a>) -> Result<PolicyText<'a>> {
    match c.peek()? {
        Kind::Object => c.raw().map(|text| PolicyText(tree_text(text).0)),
        kind => Err(neither(c, "a policy document", kind)),
    }
}

/// A list of policy documents.
pub(super) fn policies<'a>(c: &mut Cursor<'a>) -> Result<Vec<PolicyText<'a>>> {
    let mut texts = Vec::new();
    c.array(|c| {
        texts.push(policy(c)?);
        Ok(())
    })?;
    Ok(texts)
}

/// Context keys with their values, appended to `entries` (F-12).
#[inline]
pub(super) fn context<'a>(
    c: &mut Cursor<'a>,
    entries: &mut Vec<(Cow<'a, str>, ContextInput<'a>)>,
) -> Result<()> {
    c.object(|c, key| {
        if entries.len() == MAX_CONTEXT_KEYS {
            return Err(c.limit(format!("a context has more than {MAX_CONTEXT_KEYS} keys")));
        }
        let value = match c.peek()? {
            Kind::Array => ContextInput::List(scalars(c)?),
            kind => ContextInput::Scalar(scalar(c, kind)?),
        };
        entries.push((key, value));
        Ok(())
    })
}

fn scalars<'a>(c: &mut Cursor<'a>) -> Result<Vec<ContextScalar<'a>>> {
    let mut values = Vec::new();
    c.array(|c| {
        if values.len() == MAX_CONTEXT_VALUES {
            return Err(c.limit(format!("a key has more than {MAX_CONTEXT_VALUES} values")));
        }
        let kind = c.peek()?;
        values.push(scalar(c, kind)?);
        Ok(())
    })?;
    Ok(values)
}

#[inline]
fn scalar<'a>(c: &mut Cursor<'a>, kind: Kind) -> Result<ContextScalar<'a>> {
    match kind {
        Kind::String => c.string().map(ContextScalar::String),
        Kind::Number => c.number().map(|text| ContextScalar::Number(Cow::Borrowed(text))),
        Kind::Bool => c.boolean().map(ContextScalar::Bool),
        kind => Err(neither(c, "a string, number, boolean or a list of these", kind)),
    }
}

/// Names of context keys, each once: `absent`.
pub(super) fn keys<'a>(c: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>> {
    distinct(c, |name| name.find(':').is_some_and(|at| at > 0), "the name of a context key")
}

/// Names of context keys, or prefixes of names, each once: `unknown`.
pub(super) fn known_keys<'a>(c: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>> {
    let is_name = |name: &str| name.find(':').is_some_and(|at| at > 0);
    distinct(c, is_name, "the name of a context key or a prefix ending in `:` or `/`")
}

/// Prefixes of names of context keys, each once: `complete`.
pub(super) fn prefixes<'a>(c: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>> {
    let is_prefix = |text: &str| text == "*" || text.ends_with([':', '/']);
    distinct(c, is_prefix, "`*` or a prefix ending in `:` or `/`")
}

fn distinct<'a>(
    c: &mut Cursor<'a>,
    fits: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<Vec<Cow<'a, str>>> {
    let texts = strings(c)?;
    if let Some(text) = texts.iter().find(|text| !fits(text)) {
        return Err(c.invalid(format!("`{}` is not {expected}", shorten(text))));
    }
    let mut sorted: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(c.invalid(format!("`{}` is listed twice", shorten(pair[0])))),
        None => Ok(texts),
    }
}

/// Refuses an empty list where the schema wants one entry at least.
pub(super) fn non_empty<T>(c: &Cursor<'_>, items: Vec<T>) -> Result<Vec<T>> {
    if items.is_empty() { Err(c.invalid("the list is empty")) } else { Ok(items) }
}
