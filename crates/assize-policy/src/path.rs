//! JSON paths of places in a document, built only when one is printed.

use std::fmt;

/// A place in a JSON document: a chain of steps up to the document itself, each on the stack of
/// the function that walks it. Its `Display` form is the path of a finding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Root,
    Member(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The whole document.
    pub(crate) const ROOT: Self = Self { parent: None, step: Step::Root };

    /// The member of a name.
    pub(crate) fn member(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Member(name) }
    }

    /// The array member of a position.
    pub(crate) fn index(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => f.write_str("$"),
            Step::Member(name) if is_plain(name) => write!(f, ".{name}"),
            Step::Member(name) => write!(f, "[{}]", crate::json::Quoted(name)),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_follow_a_dot_and_others_stand_in_brackets() {
        let root = Path::ROOT;
        let statement = root.member("Statement");
        let first = statement.index(0);
        let condition = first.member("Condition");
        let operator = condition.member("ForAnyValue:StringLike");
        assert_eq!(
            operator.member("aws:\"x\"").index(2).to_string(),
            r#"$.Statement[0].Condition["ForAnyValue:StringLike"]["aws:\"x\""][2]"#
        );
        assert_eq!(root.member("").to_string(), r#"$[""]"#);
        assert_eq!(root.member("1a").to_string(), r#"$["1a"]"#);
    }
}
