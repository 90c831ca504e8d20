//! The parameters of the call that made a session, as far as STS seals them in it.

use assize_formats::json::{Node, Value};

use super::SessionFacts;
use crate::context::tags;
use crate::parameters::{given, is_empty, is_hidden, member, scalar};

/// What the parameters seal in the session. None, when something of it is there and cannot be
/// read: taken for nothing, it would be a policy or a tag less.
pub(super) fn read(json: &str) -> Option<SessionFacts> {
    let node = given(json)?;
    Sealed { json, node: &node }.facts().ok()
}

/// Something is there that cannot be read.
struct Unread;

type Read<T> = Result<T, Unread>;

struct Sealed<'n, 't> {
    json: &'t str,
    node: &'n Node<'t>,
}

impl<'n, 't> Sealed<'n, 't> {
    fn facts(&self) -> Read<SessionFacts> {
        let mut all_tags = self.tags("tags")?;
        all_tags.extend(self.tags("principalTags")?);
        Ok(SessionFacts {
            policy: self.policy()?,
            policy_arns: self.list("policyArns")?,
            tags: all_tags,
            transitive_tag_keys: self.list("transitiveTagKeys")?,
            inherited_tags: self.tags("incomingTransitiveTags")?,
            source_identity: self.one("sourceIdentity")?,
            task_policy: self.one("taskPolicyArn")?,
            ..SessionFacts::default()
        })
    }

    /// A parameter, unless it is empty.
    fn get(&self, name: &str) -> Option<&'n Node<'t>> {
        member(self.node, name).filter(|node| !is_empty(node))
    }

    /// The session policy: a text, or the object that a log shipper made of it.
    fn policy(&self) -> Read<Option<Box<str>>> {
        let Some(node) = self.get("policy") else { return Ok(None) };
        let policy = match &node.value {
            Value::Object(_) => node.span.of(self.json),
            _ => node.as_str().filter(|_| !is_hidden(node)),
        };
        policy.map(|policy| Some(policy.into())).ok_or(Unread)
    }

    /// A parameter of one text.
    fn one(&self, name: &str) -> Read<Option<Box<str>>> {
        self.get(name).map(text).transpose()
    }

    /// A parameter of several texts.
    fn list(&self, name: &str) -> Read<Vec<Box<str>>> {
        let Some(node) = self.get(name) else { return Ok(Vec::new()) };
        let inner = ["items", "item", "member"].into_iter().find_map(|name| member(node, name));
        match &inner.unwrap_or(node).value {
            Value::Array(items) => items.iter().map(text).collect(),
            _ => Ok(vec![text(inner.unwrap_or(node))?]),
        }
    }

    fn tags(&self, name: &str) -> Read<Vec<(Box<str>, Box<str>)>> {
        let Some(node) = self.get(name) else { return Ok(Vec::new()) };
        let tags = tags(node).ok_or(Unread)?;
        Ok(tags.iter().map(|(key, value)| (Box::from(&**key), Box::from(&**value))).collect())
    }
}

/// A text, or the ARN that an object holds.
fn text(node: &Node<'_>) -> Read<Box<str>> {
    let text = scalar(member(node, "arn").unwrap_or(node)).ok_or(Unread)?;
    Ok(Box::from(&*text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-54: in whatever form a log has them, session policies and tags are read.
    #[test]
    fn what_seals_a_session_is_read_in_every_form() {
        for policy in [r#""{\"a\":1}""#, r#"{"a":1}"#] {
            let facts = read(&format!(r#"{{"policy":{policy}}}"#)).unwrap();
            assert_eq!(facts.policy.as_deref(), Some(r#"{"a":1}"#), "{policy}");
        }
        for arns in [
            r#"["arn:p"]"#,
            r#""arn:p""#,
            r#"[{"arn":"arn:p"}]"#,
            r#"[{"Arn":"arn:p"}]"#,
            r#"{"arn":"arn:p"}"#,
            r#"{"items":[{"arn":"arn:p"}]}"#,
            r#"{"member":{"Arn":"arn:p"}}"#,
        ] {
            let facts = read(&format!(r#"{{"policyArns":{arns}}}"#)).unwrap();
            assert_eq!(facts.policy_arns, ["arn:p".into()], "{arns}");
        }
        let facts =
            read(r#"{"tags":{"items":[{"key":"a","value":"1"}]},"taskPolicyArn":{"arn":"arn:t"}}"#);
        let facts = facts.unwrap();
        assert_eq!(facts.tags, [("a".into(), "1".into())]);
        assert_eq!(facts.task_policy.as_deref(), Some("arn:t"));
        for empty in ["null", "\"\"", "[]", "{}"] {
            let json = format!(r#"{{"policy":{empty},"policyArns":{empty},"tags":{empty}}}"#);
            assert_eq!(read(&json), Some(SessionFacts::default()), "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let hidden = r#""HIDDEN_DUE_TO_SECURITY_REASONS""#;
        for (name, value) in [
            ("policy", hidden),
            ("policy", r#"[{"a":1}]"#),
            ("policyArns", hidden),
            ("policyArns", r#"["arn:p",{"x":1}]"#),
            ("tags", hidden),
            ("principalTags", r#"[{"value":"1"}]"#),
            ("transitiveTagKeys", r#"[["a"]]"#),
            ("incomingTransitiveTags", hidden),
            ("sourceIdentity", hidden),
        ] {
            assert_eq!(read(&format!(r#"{{"roleArn":"r","{name}":{value}}}"#)), None, "{name}");
        }
        assert_eq!(read(r#"{"omitted":true,"reason":"requestParameters too large"}"#), None);
        assert!(read(r#"{"omitted":true,"roleArn":"r"}"#).is_some());
    }
}
