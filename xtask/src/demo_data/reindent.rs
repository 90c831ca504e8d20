//! White space of JSON texts: all of it gone, or the usual two spaces a level.
//!
//! The texts are policies and exports of others; whatever is not white space stays as they wrote
//! it, the order of keys and the escapes of strings included.

/// The text without white space between its tokens.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for token in Tokens(json) {
        out.push_str(token);
    }
    out
}

/// The text with one member or item a line.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut tokens = Tokens(json).peekable();
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => {
                out.push_str(token);
                if tokens.peek().is_some_and(|next| matches!(*next, "}" | "]")) {
                    out.push_str(tokens.next().unwrap_or_default());
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            "}" | "]" => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push_str(token);
            }
            "," => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// The tokens of a JSON text that is known to be valid.
struct Tokens<'t>(&'t str);

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        self.0 = self.0.trim_ascii_start();
        let first = *self.0.as_bytes().first()?;
        let length = match first {
            b'"' => string_length(self.0),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => {
                let ends = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}' | ':');
                self.0.find(ends).unwrap_or(self.0.len())
            }
        };
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(token)
    }
}

/// The length of the string literal that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (i, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{compact, pretty};

    #[test]
    fn only_white_space_changes() {
        let text = r#" { "b" : [ 1 , -2.50e3, "a \" , b" ],"a":{ } , "n":null} "#;
        assert_eq!(compact(text), r#"{"b":[1,-2.50e3,"a \" , b"],"a":{},"n":null}"#);
        let lines = "{\n  \"b\": [\n    1,\n    -2.50e3,\n    \"a \\\" , b\"\n  ],\n  \"a\": {},\n  \"n\": null\n}";
        assert_eq!(pretty(text), lines);
        assert_eq!(compact(lines), compact(text));
    }
}
