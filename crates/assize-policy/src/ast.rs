//! The syntax tree of a policy document: faithful to the text, for messages and for printing.
//!
//! Every JSON text has a tree, whatever it says: members that AWS does not define, repeated
//! members and values of the wrong type are kept where they stand. Strings are borrowed from the
//! text unless they hold escapes. What a document means is the matter of [`crate::ir`].

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{Member, Value};
pub use crate::span::Span;

/// A string of a document, unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    /// The string.
    pub value: Cow<'a, str>,
    /// Its bytes, quotes included.
    pub span: Span,
}

impl Text<'_> {
    /// Where a part of the unescaped string stands: all of the string when it holds escapes, as
    /// the bytes of the text are others then.
    pub fn part(&self, range: Range<usize>) -> Span {
        let Self { value: Cow::Borrowed(text), span } = self else { return self.span };
        let at = |position: usize| u32::try_from(position.min(text.len())).unwrap_or(u32::MAX);
        let start = span.start.saturating_add(1);
        Span::new(start.saturating_add(at(range.start)), start.saturating_add(at(range.end)))
    }
}

/// A value of the JSON type its element takes (L-112), or as it stands when it is of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape<'a, T> {
    /// The type that the element takes.
    Expected(T),
    /// Any other.
    Other(Value<'a>),
}

impl<T> Shape<'_, T> {
    /// The value, when it is of the type its element takes.
    pub fn expected(&self) -> Option<&T> {
        match self {
            Self::Expected(value) => Some(value),
            Self::Other(_) => None,
        }
    }
}

/// A single value or an array: the same thing in every respect (L-111), told apart for printing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List<'a, T> {
    /// A value without brackets.
    Single(T),
    /// An array.
    Array {
        /// Its bytes, brackets included.
        span: Span,
        /// Its members.
        items: Vec<Shape<'a, T>>,
    },
}

impl<T> List<'_, T> {
    /// The members of the expected type, each with its position in the array if it is in one.
    pub fn iter(&self) -> impl Iterator<Item = (Option<usize>, &T)> {
        let (single, items) = match self {
            Self::Single(value) => (Some(value), &[][..]),
            Self::Array { items, .. } => (None, &items[..]),
        };
        let items = items.iter().enumerate();
        let items = items.filter_map(|(index, item)| Some((Some(index), item.expected()?)));
        single.map(|value| (None, value)).into_iter().chain(items)
    }

    /// The number of members, those of another type included.
    pub fn len(&self) -> usize {
        match self {
            Self::Single(_) => 1,
            Self::Array { items, .. } => items.len(),
        }
    }

    /// Whether it is an array without members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument<'a> {
    /// Its bytes.
    pub span: Span,
    /// Its elements in the order of the text; another JSON value is no policy (L-105).
    pub elements: Shape<'a, Vec<DocumentElement<'a>>>,
}

/// A member of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentElement<'a> {
    /// `Version`.
    Version(Element<'a, Text<'a>>),
    /// `Id`.
    Id(Element<'a, Text<'a>>),
    /// `Statement`.
    Statement(Element<'a, List<'a, Statement<'a>>>),
    /// A member of another name.
    Unknown(Member<'a>),
}

/// The value of an element whose name the variant around it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a, T> {
    /// The bytes of the name, quotes included.
    pub name_span: Span,
    /// The bytes of the value.
    pub span: Span,
    /// The value.
    pub value: Shape<'a, T>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its bytes, braces included.
    pub span: Span,
    /// Its elements in the order of the text.
    pub elements: Vec<StatementElement<'a>>,
}

/// A member of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementElement<'a> {
    /// `Sid`.
    Sid(Element<'a, Text<'a>>),
    /// `Effect`.
    Effect(Element<'a, Text<'a>>),
    /// `Principal` or `NotPrincipal`.
    Principal(PrincipalElement<'a>),
    /// `Action` or `NotAction`.
    Action(ActionElement<'a>),
    /// `Resource` or `NotResource`.
    Resource(ResourceElement<'a>),
    /// `Condition`.
    Condition(Element<'a, ConditionBlock<'a>>),
    /// A member of another name.
    Unknown(Member<'a>),
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalElement<'a> {
    /// `NotPrincipal`.
    pub negated: bool,
    /// Its value.
    pub element: Element<'a, PrincipalValue<'a>>,
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionElement<'a> {
    /// `NotAction`.
    pub negated: bool,
    /// Its value.
    pub element: Element<'a, List<'a, Text<'a>>>,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceElement<'a> {
    /// `NotResource`.
    pub negated: bool,
    /// Its value.
    pub element: Element<'a, List<'a, Text<'a>>>,
}

/// Whom a principal element names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalValue<'a> {
    /// A string: `"*"`, or a mistake (L-302).
    Text(Text<'a>),
    /// A principal map.
    Map(Vec<PrincipalEntry<'a>>),
}

/// A member of a principal map: `AWS`, `Service`, `Federated`, `CanonicalUser`, or a name that
/// AWS does not define (L-108).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalEntry<'a> {
    /// The key.
    pub key: Text<'a>,
    /// The bytes of the values.
    pub span: Span,
    /// The values.
    pub values: Shape<'a, List<'a, Text<'a>>>,
}

/// The value of `Condition`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionBlock<'a> {
    /// Its operators in the order of the text.
    pub operators: Vec<OperatorEntry<'a>>,
}

/// An operator of a condition block and the keys it tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorEntry<'a> {
    /// The operator as it is spelled.
    pub operator: Text<'a>,
    /// The bytes of the keys and values.
    pub span: Span,
    /// The keys.
    pub keys: Shape<'a, Vec<KeyEntry<'a>>>,
}

/// A condition key and the values it is tested against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry<'a> {
    /// The key as it is spelled.
    pub key: Text<'a>,
    /// The bytes of the values.
    pub span: Span,
    /// The values.
    pub values: Shape<'a, List<'a, ConditionValue<'a>>>,
}

/// A value of a condition. Operators see the text alone (L-113).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionValue<'a> {
    /// The JSON type it is written in.
    pub kind: ConditionValueKind,
    /// The string; `true` or `false`; or the number as written.
    pub text: Text<'a>,
}

/// The JSON types that a condition value can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionValueKind {
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}
