//! Values with their places in a file: what JSON and YAML files are read to.

use std::borrow::Cow;

use assize_policy::Span;
use assize_store::tree_text;

use super::{Cursor, Kind, Result, write_string};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'t> {
    /// The bytes of the file.
    pub span: Span,
    /// The value.
    pub value: Value<'t>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'t> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, as its JSON text (F-2).
    Number(Cow<'t, str>),
    /// A string.
    String(Cow<'t, str>),
    /// A list.
    Array(Vec<Node<'t>>),
    /// An object; names are unique (F-1).
    Object(Vec<Member<'t>>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'t> {
    /// The name.
    pub key: Cow<'t, str>,
    /// Where the name stands.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// JSON: the text of a value is its bytes in the file.
    Json,
    /// YAML: the text of a value is written anew.
    Yaml,
}

impl<'t> Node<'t> {
    /// Reads one JSON text to a tree.
    ///
    /// # Errors
    /// What keeps the text from being one.
    pub fn parse(text: &'t str) -> Result<Self> {
        read(text)
    }

    /// The kind of the value, as a person calls it.
    pub fn phrase(&self) -> &'static str {
        match &self.value {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Bool,
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        }
        .phrase()
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a number.
    pub fn as_number(&self) -> Option<&str> {
        match &self.value {
            Value::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The values of a list.
    pub fn as_array(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&[Member<'t>]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The value at the end of a path of member names and positions, or the last one on the way
    /// that exists.
    pub fn descend<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> &Self {
        let mut node = self;
        for key in path {
            let next = match &node.value {
                Value::Array(items) => key.parse().ok().and_then(|at: usize| items.get(at)),
                _ => node.get(key),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// Where the name of the member at the end of a path stands.
    pub(crate) fn key_span<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> Option<Span> {
        let path: Vec<&str> = path.into_iter().collect();
        let (name, above) = path.split_last()?;
        let members = self.descend(above.iter().copied()).as_object()?;
        members.iter().find(|member| member.key == *name).map(|member| member.key_span)
    }

    /// Writes the value as JSON; `visit` is told each value and the offset at which it begins.
    pub(crate) fn write(&self, out: &mut Vec<u8>, visit: &mut impl FnMut(&Self, usize)) {
        visit(self, out.len());
        match &self.value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Number(text) => out.extend_from_slice(text.as_bytes()),
            Value::String(text) => write_text(out, text),
            Value::Array(items) => {
                super::write::write_list(out, items, |out, item| item.write(out, visit));
            }
            Value::Object(members) => {
                out.push(b'{');
                for (index, member) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(out, &member.key);
                    out.push(b':');
                    member.value.write(out, visit);
                }
                out.push(b'}');
            }
        }
    }

    /// The value as JSON text.
    pub(crate) fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out, &mut |_, _| ());
        // INVARIANT: only whole strings are written (test `a_tree_is_written_as_it_was_read`).
        String::from_utf8(out).unwrap_or_default()
    }
}

/// Writes a string so that every type of policy takes it.
fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        return write_string(out, text);
    }
    let mut quoted = Vec::new();
    write_string(&mut quoted, text);
    out.extend_from_slice(tree_text(&String::from_utf8_lossy(&quoted)).0.as_bytes());
}

/// Reads one JSON text to a tree. The nesting limit of the cursor bounds the recursion.
pub(crate) fn read(text: &str) -> Result<Node<'_>> {
    let mut cursor = Cursor::new(text);
    let node = value(&mut cursor)?;
    cursor.end()?;
    Ok(node)
}

fn value<'t>(cursor: &mut Cursor<'t>) -> Result<Node<'t>> {
    let kind = cursor.peek()?;
    let start = cursor.offset();
    let value = match kind {
        Kind::Null => cursor.null().map(|()| Value::Null)?,
        Kind::Bool => Value::Bool(cursor.boolean()?),
        Kind::Number => Value::Number(Cow::Borrowed(cursor.number()?)),
        Kind::String => Value::String(cursor.string()?),
        Kind::Array => {
            let mut items = Vec::new();
            cursor.array(|cursor| {
                items.push(value(cursor)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        Kind::Object => Value::Object(members(cursor)?),
    };
    Ok(Node { span: span(start, cursor.offset()), value })
}

fn members<'t>(cursor: &mut Cursor<'t>) -> Result<Vec<Member<'t>>> {
    let mut members = Vec::new();
    cursor.object(|cursor, key| {
        let (start, end) = cursor.key();
        members.push(Member { key, key_span: span(start, end), value: value(cursor)? });
        Ok(())
    })?;
    Ok(members)
}

/// A span of offsets that the document limit keeps in range.
pub(crate) fn span(start: usize, end: usize) -> Span {
    let saturate = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(saturate(start), saturate(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_written_as_it_was_read() {
        let text = r#"{"a":[1,2.50,{"b":null}],"c":"é\n\"","d":true,"e":{}}"#;
        let tree = read(text).unwrap();
        assert_eq!(tree.to_json(), text);
        let inner = tree.descend(["a", "2", "b", "nowhere"]);
        assert_eq!(inner.span.of(text), Some("null"));
        assert_eq!(tree.as_object().unwrap()[1].key_span.of(text), Some("\"c\""));
    }
}
