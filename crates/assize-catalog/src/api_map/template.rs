//! Templates: how a text is put together from the parameters of an API call.
//!
//! | form | gives |
//! |---|---|
//! | text | itself |
//! | `${A.B[].C}` | the values at that path of the parameters; `[]` is every element of a list |
//! | `%%many%A%B%%` | the values of all of its templates |
//! | `%%iftruthy%A%B%C%%` | those of B if A gives a value, else those of C |
//! | `%%iftemplatematch%A%%` | those of A that are ARNs of the resource type |
//! | `%%regex%A%/re/g%%` | what the first group of the expression finds in the values of A |
//! | `%%urlencode%A%%` | the values of A, percent-encoded |

use crate::Error;

/// Deepest nesting of forms in a template.
pub const MAX_TEMPLATE_DEPTH: usize = 4;

/// A template, taken apart: the texts of its parts one after the other. Where a part gives several
/// texts, so does the template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template<'a> {
    /// The parts.
    pub parts: Vec<TemplatePart<'a>>,
}

/// One part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart<'a> {
    /// A text as it stands.
    Text(&'a str),
    /// The values of a parameter, by its path.
    Parameter(&'a str),
    /// The values of several templates.
    Many(Vec<Template<'a>>),
    /// One template or another.
    IfTruthy {
        /// What must give a value.
        condition: Template<'a>,
        /// Taken if it does.
        then: Template<'a>,
        /// Taken if not.
        otherwise: Template<'a>,
    },
    /// Only values that are ARNs of the resource type in question.
    IfArnFits(Template<'a>),
    /// What the first group of a regular expression finds in the values, or the whole match where
    /// the expression has no group.
    Capture {
        /// The template of the values.
        input: Template<'a>,
        /// The expression.
        expression: &'a str,
    },
    /// The values, percent-encoded.
    UrlEncode(Template<'a>),
}

impl<'a> Template<'a> {
    /// Takes a template apart.
    ///
    /// # Errors
    /// When the text is no template.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        parse(text, 0)
    }
}

fn broken(text: &str) -> Error {
    Error::source(format!("`{text}` is no template"))
}

fn parse(text: &str, depth: usize) -> Result<Template<'_>, Error> {
    if depth > MAX_TEMPLATE_DEPTH {
        return Err(broken(text));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = if let Some(inner) = rest.strip_prefix("${") {
            let (path, after) = inner.split_once('}').ok_or_else(|| broken(text))?;
            (TemplatePart::Parameter(path), after)
        } else if let Some(inner) = rest.strip_prefix("%%") {
            let end = end_of_form(inner).ok_or_else(|| broken(text))?;
            (form(&inner[..end], depth).ok_or_else(|| broken(text))??, &inner[end + 2..])
        } else {
            let end = [rest.find("${"), rest.find("%%")].into_iter().flatten().min();
            let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
            (TemplatePart::Text(text), after)
        };
        parts.push(part);
        rest = after;
    }
    Ok(Template { parts })
}

/// Where the two signs stand that end a form. Three in a row end an empty last argument.
fn end_of_form(inner: &str) -> Option<usize> {
    let mut end = inner.find("%%")?;
    while inner.as_bytes().get(end + 2) == Some(&b'%') {
        end += 1;
    }
    Some(end)
}

fn form(inner: &str, depth: usize) -> Option<Result<TemplatePart<'_>, Error>> {
    let (name, arguments) = inner.split_once('%')?;
    let inside = |text| parse(text, depth + 1);
    Some(match name {
        "many" => {
            let all: Result<Vec<_>, _> = arguments.split('%').map(inside).collect();
            all.map(TemplatePart::Many)
        }
        "iftruthy" => {
            let mut three = arguments.splitn(3, '%');
            let condition = three.next()?;
            // With the condition alone its own values are meant.
            let then = three.next().unwrap_or(condition);
            let otherwise = three.next().unwrap_or_default();
            if_truthy(inside(condition), inside(then), inside(otherwise))
        }
        "iftemplatematch" => inside(arguments).map(TemplatePart::IfArnFits),
        "urlencode" => inside(arguments).map(TemplatePart::UrlEncode),
        "regex" => {
            let (input, expression) = arguments.split_once('%')?;
            let expression = expression.strip_prefix('/').unwrap_or(expression);
            let expression = expression.strip_suffix("/g").unwrap_or(expression);
            inside(input).map(|input| TemplatePart::Capture { input, expression })
        }
        _ => return None,
    })
}

fn if_truthy<'a>(
    condition: Result<Template<'a>, Error>,
    then: Result<Template<'a>, Error>,
    otherwise: Result<Template<'a>, Error>,
) -> Result<TemplatePart<'a>, Error> {
    Ok(TemplatePart::IfTruthy { condition: condition?, then: then?, otherwise: otherwise? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = Template::parse(text).ok().map(|template| format!("{:?}", template.parts));
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn templates_are_taken_apart() {
        check("a", Some(r#"[Text("a")]"#));
        check(
            "arn:${P}:x/${A.B[]}*",
            Some(r#"[Text("arn:"), Parameter("P"), Text(":x/"), Parameter("A.B[]"), Text("*")]"#),
        );
        check(
            "%%many%${A}%x${B}%%",
            Some(
                r#"[Many([Template { parts: [Parameter("A")] }, Template { parts: [Text("x"), Parameter("B")] }])]"#,
            ),
        );
        check(
            "%%iftemplatematch%${A}%%",
            Some(r#"[IfArnFits(Template { parts: [Parameter("A")] })]"#),
        );
        check(
            r"%%regex%${A}%/^\/(.+)$/g%%${B}",
            Some(
                r#"[Capture { input: Template { parts: [Parameter("A")] }, expression: "^\\/(.+)$" }, Parameter("B")]"#,
            ),
        );
    }

    #[test]
    fn an_empty_last_argument_ends_in_three_signs() {
        check(
            "%%iftruthy%${A}%*%%%",
            Some(
                r#"[IfTruthy { condition: Template { parts: [Parameter("A")] }, then: Template { parts: [Text("*")] }, otherwise: Template { parts: [] } }]"#,
            ),
        );
        check(
            "%%iftruthy%${A}%%",
            Some(
                r#"[IfTruthy { condition: Template { parts: [Parameter("A")] }, then: Template { parts: [Parameter("A")] }, otherwise: Template { parts: [] } }]"#,
            ),
        );
    }

    #[test]
    fn what_is_no_template_is_an_error() {
        for text in ["${A", "%%many%${A}", "%%what%${A}%%", "%%regex%${A}%%"] {
            check(text, None);
        }
    }
}
