//! The readers and writers against the schemas, by a validator of the keywords they use.

use super::*;
use crate::json::{Node, Value, read};

/// Everything in which a value is against a schema.
struct Validator<'s> {
    root: &'s Node<'s>,
    errors: Vec<String>,
}

impl<'s> Validator<'s> {
    fn holds(&self, schema: &'s Node<'s>, value: &Node<'_>) -> bool {
        let mut inner = Validator { root: self.root, errors: Vec::new() };
        inner.check(schema, value, "");
        inner.errors.is_empty()
    }

    fn check(&mut self, schema: &'s Node<'s>, value: &Node<'_>, at: &str) {
        if schema.value == Value::Bool(false) {
            self.errors.push(format!("{at}: not allowed"));
        }
        for keyword in schema.as_object().unwrap_or_default() {
            let ok = self.keyword(schema, &keyword.key, &keyword.value, value, at);
            if !ok {
                self.errors.push(format!("{at}: {} {}", keyword.key, keyword.value.to_json()));
            }
        }
    }

    fn keyword(
        &mut self,
        schema: &'s Node<'s>,
        keyword: &str,
        rule: &'s Node<'s>,
        value: &Node<'_>,
        at: &str,
    ) -> bool {
        let items = value.as_array().unwrap_or_default();
        let rules = rule.as_array().unwrap_or_default();
        match keyword {
            "$ref" => {
                let path = rule.as_str().unwrap().strip_prefix("#/").unwrap();
                self.check(self.root.descend(path.split('/')), value, at);
                true
            }
            "type" => match rule.as_str() {
                Some(name) => is_type(value, name),
                None => rules.iter().any(|name| is_type(value, name.as_str().unwrap())),
            },
            "required" => {
                value.as_object().is_none()
                    || rules.iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "enum" => rules.iter().any(|one| one.value == value.value),
            "const" => rule.value == value.value,
            "oneOf" => rules.iter().filter(|one| self.holds(one, value)).count() == 1,
            "minItems" => value.as_array().is_none() || items.len() >= number(rule),
            "maxItems" => items.len() <= number(rule),
            "minimum" => value
                .as_number()
                .is_none_or(|n| n.parse::<i64>().unwrap() >= number(rule).cast_signed() as i64),
            "items" => {
                for (index, item) in items.iter().enumerate() {
                    self.check(rule, item, &format!("{at}/{index}"));
                }
                true
            }
            "properties" => {
                for member in value.as_object().unwrap_or_default() {
                    if let Some(rule) = rule.get(&member.key) {
                        self.check(rule, &member.value, &format!("{at}/{}", member.key));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties");
                for member in value.as_object().unwrap_or_default() {
                    let named = known.is_some_and(|known| known.get(&member.key).is_some());
                    let echoed =
                        schema.get("patternProperties").is_some() && member.key.starts_with("x-");
                    if !named && !echoed {
                        self.check(rule, &member.value, &format!("{at}/{}", member.key));
                    }
                }
                true
            }
            "allOf" => {
                let indeterminate =
                    value.get("decision").and_then(Node::as_str) == Some("Indeterminate");
                !indeterminate
                    || (value.get("bounds").is_some() && value.get("dependsOn").is_some())
            }
            // Patterns are checked by the readers' own tests; the others say nothing of values.
            "pattern" | "patternProperties" | "propertyNames" | "uniqueItems" | "$schema"
            | "$id" | "title" | "description" | "$defs" => true,
            other => panic!("the keyword `{other}`"),
        }
    }
}

fn number(node: &Node<'_>) -> usize {
    node.as_number().unwrap().parse().unwrap()
}

fn is_type(value: &Node<'_>, name: &str) -> bool {
    match &value.value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(text) => {
            name == "number" || name == "integer" && !text.contains(['.', 'e', 'E'])
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

/// What a JSON text violates of a schema.
pub(crate) fn violations(schema: &str, text: &str) -> Vec<String> {
    let (schema, value) = (read(schema).unwrap(), read(text).unwrap());
    let mut validator = Validator { root: &schema, errors: Vec::new() };
    validator.check(&schema, &value, "");
    validator.errors
}

#[test]
fn the_request_reader_and_the_schema_know_the_same_fields() {
    for (text, valid) in [
        (r#"{"principal":"p","action":"s3:a","x-a":1}"#, true),
        (r#"{"principal":{"type":"oai","arn":"a"},"checks":[{"action":"s3:a"}]}"#, true),
        (r#"{"principal":"p"}"#, false),
        (r#"{"action":"s3:a"}"#, false),
        (r#"{"principal":"p","action":"s3:a","checks":[{"action":"s3:a"}]}"#, false),
        (r#"{"principal":"p","action":"s3:a","resource":5}"#, false),
        (r#"{"principal":"p","action":"s3:a","resources":[]}"#, false),
        (r#"{"principal":"p","action":"s3:a","context":{"a:b":null}}"#, false),
        (r#"{"principal":"p","action":"s3:a","context":{"a:b":[1,"x",true]}}"#, true),
        (r#"{"principal":"p","action":"s3:a","region":5}"#, false),
        (r#"{"principal":"p","action":"s3:a","network":{"ip":"1"}}"#, false),
        (r#"{"principal":{"type":"users"},"action":"s3:a"}"#, false),
        (r#"{"principal":"p","action":"s3:a","observed":{"decision":"allowed"}}"#, false),
        (r#"{"principal":"p","action":"s3:a","id":1.5}"#, false),
    ] {
        assert_eq!(violations(REQUEST_SCHEMA, text).is_empty(), valid, "{text}");
        assert_eq!(crate::RequestRecord::parse(text).is_ok(), valid, "{text}");
    }
    let schema = read(REQUEST_SCHEMA).unwrap();
    let fields: Vec<&str> =
        schema.get("properties").unwrap().as_object().unwrap().iter().map(|m| &*m.key).collect();
    assert_eq!(fields, crate::request::REQUEST_FIELDS);
}

#[test]
fn the_examples_are_valid_scenarios() {
    for text in [
        include_str!("../scenario/tests/bucket.assize.yaml"),
        include_str!("../scenario/tests/organization.assize.yaml"),
        include_str!("../scenario/tests/partial.assize.yaml"),
    ] {
        let file = crate::file::File::new("s.yaml".into(), text.into()).unwrap();
        let json = file.tree().unwrap().to_json();
        assert_eq!(violations(SCENARIO_SCHEMA, &json), [""; 0]);
        let wrong = json.replacen("\"tests\"", "\"test\"", 1);
        assert_eq!(violations(SCENARIO_SCHEMA, &wrong).len(), 1);
    }
}
