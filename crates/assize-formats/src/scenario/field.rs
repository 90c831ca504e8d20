//! Readers of the fields that scenarios are made of. Each collects what is wrong and goes on.

use assize_model::{AccountId, Tags};
use assize_store::Tag;

use super::Reader;
use crate::file::{File, error_kind};
use crate::json::{self, Cursor, Member, Node, Value, shorten};
use crate::nearest::{did_you_mean, nearest};
use crate::{Error, ErrorKind};

/// The members of an object whose names are all known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    members: &'n [Member<'n>],
}

impl<'n> Fields<'n> {
    /// The value of a member; `null` is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node<'n>> {
        let member = self.members.iter().find(|member| member.key == name)?;
        Some(&member.value).filter(|node| node.value != Value::Null)
    }
}

impl Reader<'_> {
    /// The members of an object; unknown ones are reported with the nearest right word (F-4).
    pub(crate) fn fields<'n>(
        &mut self,
        file: &File,
        node: &'n Node<'n>,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let members = self.members(file, node)?;
        for member in members {
            if known.contains(&&*member.key) || member.key.starts_with("x-") {
                continue;
            }
            let hint = did_you_mean(nearest(&member.key, known.iter().copied()));
            let message = format!("unknown field `{}`{hint}", shorten(&member.key));
            self.errors.push(file.error(ErrorKind::UnknownField, member.key_span, message));
        }
        Some(Fields { members })
    }

    /// The members of an object of any names. Nothing at all, as in `users:` of YAML, is an empty
    /// object.
    pub(crate) fn members<'n>(
        &mut self,
        file: &File,
        node: &'n Node<'n>,
    ) -> Option<&'n [Member<'n>]> {
        match &node.value {
            Value::Object(members) => Some(members),
            Value::Null => Some(&[]),
            _ => self.expected(file, node, "an object"),
        }
    }

    /// The values of a list.
    pub(crate) fn items<'n>(&mut self, file: &File, node: &'n Node<'n>) -> &'n [Node<'n>] {
        match &node.value {
            Value::Array(items) => items,
            Value::Null => &[],
            _ => self.expected(file, node, "a list").unwrap_or_default(),
        }
    }

    /// Reports a value of the wrong kind.
    pub(crate) fn expected<T>(&mut self, file: &File, node: &Node<'_>, what: &str) -> Option<T> {
        let hint = match node.value {
            Value::Number(_) | Value::Bool(_) if what.contains("string") => "; put it in quotes",
            _ => "",
        };
        let message = format!("expected {what}, found {}{hint}", node.phrase());
        self.error(file, ErrorKind::InvalidField, node, message);
        None
    }

    /// Reports a member that must be there.
    pub(crate) fn missing<T>(&mut self, file: &File, node: &Node<'_>, name: &str) -> Option<T> {
        self.error(file, ErrorKind::MissingField, node, format!("`{name}` is missing"));
        None
    }

    pub(crate) fn string<'n>(&mut self, file: &File, node: &'n Node<'n>) -> Option<&'n str> {
        match node.as_str() {
            Some(text) => Some(text),
            None => self.expected(file, node, "a string"),
        }
    }

    pub(crate) fn text(&mut self, file: &File, node: &Node<'_>) -> Option<Box<str>> {
        self.string(file, node).map(Into::into)
    }

    pub(crate) fn boolean(&mut self, file: &File, node: &Node<'_>) -> Option<bool> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => self.expected(file, node, "a boolean"),
        }
    }

    pub(crate) fn strings(&mut self, file: &File, node: &Node<'_>) -> Vec<Box<str>> {
        let items = self.items(file, node);
        items.iter().filter_map(|item| self.text(file, item)).collect()
    }

    /// A string, when the field is there.
    pub(crate) fn text_of(
        &mut self,
        file: &File,
        fields: &Fields<'_>,
        name: &str,
    ) -> Option<Box<str>> {
        fields.get(name).and_then(|node| self.text(file, node))
    }

    /// A list of strings, empty when the field is not there.
    pub(crate) fn strings_of(
        &mut self,
        file: &File,
        fields: &Fields<'_>,
        name: &str,
    ) -> Vec<Box<str>> {
        fields.get(name).map(|node| self.strings(file, node)).unwrap_or_default()
    }

    pub(crate) fn account_id(&mut self, file: &File, node: &Node<'_>) -> Option<AccountId> {
        let text = self.string(file, node)?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                self.error(file, ErrorKind::InvalidField, node, error.to_string());
                None
            }
        }
    }

    /// One of a set of words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        file: &File,
        node: &Node<'_>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.string(file, node)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let list: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let hint = did_you_mean(nearest(text, words.iter().map(|(word, _)| *word)));
        let message = format!("`{}` is none of {}{hint}", shorten(text), list.join(", "));
        self.error(file, ErrorKind::InvalidField, node, message);
        None
    }

    pub(crate) fn tags(&mut self, file: &File, node: &Node<'_>) -> Vec<Tag> {
        let owned = |tags: Tags<'_>| {
            tags.into_iter()
                .map(|(key, value)| Tag { key: key.into(), value: value.into() })
                .collect()
        };
        self.through_text(file, node, |c| crate::request::field::tags(c).map(owned))
            .unwrap_or_default()
    }

    /// Reads a value with a reader of JSON text, as request lines are read. What is wrong is
    /// reported where the value stands.
    pub(crate) fn through_text<T>(
        &mut self,
        file: &File,
        node: &Node<'_>,
        read: impl FnOnce(&mut Cursor<'_>) -> json::Result<T>,
    ) -> Option<T> {
        let text = node.to_json();
        match read(&mut Cursor::new(&text)) {
            Ok(value) => Some(value),
            Err(fault) => {
                let kind = error_kind(fault.kind());
                let key = node.key_span(fault.path()).filter(|_| kind == ErrorKind::UnknownField);
                let span = key.unwrap_or_else(|| node.descend(fault.path()).span);
                self.errors.push(file.error(kind, span, fault.message()));
                None
            }
        }
    }

    /// Applies a change to the world; what the store refuses is reported at the value.
    pub(crate) fn apply(
        &mut self,
        file: &File,
        node: &Node<'_>,
        change: assize_store::StoreChange,
    ) {
        if let Err(error) = self.editor.apply(change) {
            let error = Error::new(ErrorKind::Store, error.to_string()).at(file.place(node.span));
            self.errors.push(error);
        }
    }
}
