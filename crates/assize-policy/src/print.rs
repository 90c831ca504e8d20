//! Documents as JSON text.

use std::fmt::Write;

use crate::ast::{
    ConditionBlock, ConditionValue, ConditionValueKind, DocumentElement, Element, KeyEntry, List,
    OperatorEntry, PolicyDocument, PrincipalElement, PrincipalEntry, PrincipalValue, Shape,
    Statement, StatementElement, Text,
};
use crate::json::{Member, Quoted, Value, ValueKind};

/// How a document is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// One value a line, each level indented by two spaces.
    TwoSpaces,
    /// One value a line, each level indented by four spaces, as AWS shows policies.
    #[default]
    FourSpaces,
    /// No white space outside strings.
    Minified,
}

impl Style {
    fn indent(self) -> Option<usize> {
        match self {
            Self::TwoSpaces => Some(2),
            Self::FourSpaces => Some(4),
            Self::Minified => None,
        }
    }
}

/// The text of a document. Parsing it gives the same tree, spans aside; order, repeated members
/// and the choice between a value and a one-member array stay as they were.
///
/// # Examples
/// ```
/// use assize_policy::{Style, parse, print};
///
/// let document = parse(r#"{ "Id" : "\u0041" }"#).document.ok_or("not JSON")?;
/// assert_eq!(print(&document, Style::Minified), r#"{"Id":"A"}"#);
/// # Ok::<(), &str>(())
/// ```
pub fn print(document: &PolicyDocument<'_>, style: Style) -> String {
    let mut printer = Printer { text: String::new(), indent: style.indent(), level: 0 };
    printer.document(document);
    printer.text
}

/// The text so far and how it is laid out. Writing to a `String` cannot fail, so the results of
/// `write!` are dropped.
struct Printer {
    text: String,
    indent: Option<usize>,
    level: usize,
}

impl Printer {
    fn document(&mut self, document: &PolicyDocument<'_>) {
        self.shape(&document.elements, |printer, elements| {
            printer.braces(elements, Self::document_element);
        });
    }

    fn document_element(&mut self, element: &DocumentElement<'_>) {
        match element {
            DocumentElement::Version(version) => self.element("Version", version, Self::string),
            DocumentElement::Id(id) => self.element("Id", id, Self::string),
            DocumentElement::Statement(statements) => {
                self.element("Statement", statements, |printer, list| {
                    printer.list(list, Self::statement);
                });
            }
            DocumentElement::Unknown(member) => self.member(member),
        }
    }

    fn statement(&mut self, statement: &Statement<'_>) {
        self.braces(&statement.elements, Self::statement_element);
    }

    fn statement_element(&mut self, element: &StatementElement<'_>) {
        match element {
            StatementElement::Sid(sid) => self.element("Sid", sid, Self::string),
            StatementElement::Effect(effect) => self.element("Effect", effect, Self::string),
            StatementElement::Principal(principal) => self.principal(principal),
            StatementElement::Action(action) => {
                let name = if action.negated { "NotAction" } else { "Action" };
                self.element(name, &action.element, Self::strings);
            }
            StatementElement::Resource(resource) => {
                let name = if resource.negated { "NotResource" } else { "Resource" };
                self.element(name, &resource.element, Self::strings);
            }
            StatementElement::Condition(block) => self.element("Condition", block, Self::block),
            StatementElement::Unknown(member) => self.member(member),
        }
    }

    fn principal(&mut self, principal: &PrincipalElement<'_>) {
        let name = if principal.negated { "NotPrincipal" } else { "Principal" };
        self.element(name, &principal.element, |printer, value| match value {
            PrincipalValue::Text(text) => printer.string(text),
            PrincipalValue::Map(entries) => printer.braces(entries, Self::principal_entry),
        });
    }

    fn principal_entry(&mut self, entry: &PrincipalEntry<'_>) {
        self.name(&entry.key.value);
        self.shape(&entry.values, Self::strings);
    }

    fn block(&mut self, block: &ConditionBlock<'_>) {
        self.braces(&block.operators, |printer, entry: &OperatorEntry<'_>| {
            printer.name(&entry.operator.value);
            printer.shape(&entry.keys, |printer, keys| printer.braces(keys, Self::key));
        });
    }

    fn key(&mut self, entry: &KeyEntry<'_>) {
        self.name(&entry.key.value);
        self.shape(&entry.values, |printer, list| printer.list(list, Self::condition_value));
    }

    fn condition_value(&mut self, value: &ConditionValue<'_>) {
        match value.kind {
            ConditionValueKind::String => self.string(&value.text),
            ConditionValueKind::Number | ConditionValueKind::Boolean => {
                self.text.push_str(&value.text.value);
            }
        }
    }

    fn element<T>(&mut self, name: &str, element: &Element<'_, T>, write: fn(&mut Self, &T)) {
        self.name(name);
        self.shape(&element.value, write);
    }

    fn shape<T>(&mut self, shape: &Shape<'_, T>, write: impl FnOnce(&mut Self, &T)) {
        match shape {
            Shape::Expected(value) => write(self, value),
            Shape::Other(value) => self.value(value),
        }
    }

    fn list<T>(&mut self, list: &List<'_, T>, write: fn(&mut Self, &T)) {
        match list {
            List::Single(value) => write(self, value),
            List::Array { items, .. } => {
                self.brackets(items, |printer, item| printer.shape(item, write));
            }
        }
    }

    fn strings(&mut self, list: &List<'_, Text<'_>>) {
        self.list(list, Self::string);
    }

    fn string(&mut self, text: &Text<'_>) {
        self.quoted(&text.value);
    }

    fn value(&mut self, value: &Value<'_>) {
        match &value.kind {
            ValueKind::Null => self.text.push_str("null"),
            ValueKind::Bool(true) => self.text.push_str("true"),
            ValueKind::Bool(false) => self.text.push_str("false"),
            ValueKind::Number(number) => self.text.push_str(number),
            ValueKind::String(string) => self.quoted(string),
            ValueKind::Array(items) => self.brackets(items, Self::value),
            ValueKind::Object(members) => self.braces(members, Self::member),
        }
    }

    fn member(&mut self, member: &Member<'_>) {
        self.name(&member.name);
        self.value(&member.value);
    }

    fn name(&mut self, name: &str) {
        self.quoted(name);
        self.text.push(':');
        if self.indent.is_some() {
            self.text.push(' ');
        }
    }

    fn quoted(&mut self, text: &str) {
        let _ = write!(self.text, "{}", Quoted(text));
    }

    fn brackets<T>(&mut self, items: &[T], write: impl FnMut(&mut Self, &T)) {
        self.container('[', ']', items, write);
    }

    fn braces<T>(&mut self, items: &[T], write: impl FnMut(&mut Self, &T)) {
        self.container('{', '}', items, write);
    }

    fn container<T>(
        &mut self,
        open: char,
        close: char,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T),
    ) {
        self.text.push(open);
        self.level += 1;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.line();
            write(self, item);
        }
        self.level -= 1;
        if !items.is_empty() {
            self.line();
        }
        self.text.push(close);
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            let _ = write!(self.text, "\n{:width$}", "", width = indent * self.level);
        }
    }
}

#[cfg(test)]
mod tests;
