use proptest::prelude::*;

use super::*;
use crate::parse;

fn check(text: &str, style: Style, expected: &str) {
    let document = parse(text).document.unwrap();
    assert_eq!(print(&document, style), expected, "{text}");
}

#[test]
fn documents_print_in_three_styles() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:b"],
        "Condition":{"Bool":{"k:v":[true,1.50,"x"]}}}, {}]}"#;
    check(
        text,
        Style::Minified,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"a:b\"],\
         \"Condition\":{\"Bool\":{\"k:v\":[true,1.50,\"x\"]}}},{}]}",
    );
    check(
        text,
        Style::TwoSpaces,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "a:b"
      ],
      "Condition": {
        "Bool": {
          "k:v": [
            true,
            1.50,
            "x"
          ]
        }
      }
    },
    {}
  ]
}"#,
    );
    check(
        r#"{"Id":[{"a":[]}]}"#,
        Style::FourSpaces,
        "{\n    \"Id\": [\n        {\n            \"a\": []\n        }\n    ]\n}",
    );
}

#[test]
fn what_is_no_policy_prints_as_it_stands() {
    check("[1, null]", Style::Minified, "[1,null]");
    for text in [
        r#"{"Principal":1,"Id":"","Id":"","Statement":[5]}"#,
        r#"{"Statement":{"Action":{},"Principal":["x"],"Condition":{"a":{"b":null}}}}"#,
    ] {
        check(text, Style::Minified, text);
    }
}

/// What is beyond U+00FF prints as an escape, so that a policy of the IAM family still loads
/// (L-102).
#[test]
fn characters_beyond_latin_1_print_as_escapes() {
    check(
        "{\"Id\":\"\u{ff}\u{100}😀\\u0001\"}",
        Style::Minified,
        "{\"Id\":\"\u{ff}\\u0100\\ud83d\\ude00\\u0001\"}",
    );
}

/// JSON texts with the words of the language in likely and unlikely places.
fn json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "Version",
        "Statement",
        "Sid",
        "Effect",
        "Allow",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Action",
        "NotAction",
        "Resource",
        "Condition",
        "StringEquals",
        "s3:prefix",
        "*",
        "é\\u4e2d\\n",
        "",
    ]);
    let string = word.prop_map(|word| format!("\"{word}\""));
    let leaf = prop_oneof![
        4 => string.clone(),
        1 => prop::sample::select(vec!["null", "true", "false", "-1.50e+3"])
            .prop_map(String::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let members = prop::collection::vec((string.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            members.prop_map(|members| {
                let members: Vec<_> =
                    members.into_iter().map(|(name, value)| format!("{name} : {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// The tree with all spans gone, by its debug form.
fn without_spans(document: &PolicyDocument<'_>) -> String {
    let debug = format!("{document:?}");
    let mut plain = String::new();
    let mut rest = debug.as_str();
    while let Some(at) = rest.find("Span {") {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once('}').map_or("", |(_, after)| after);
    }
    plain + rest
}

proptest! {
    #[test]
    fn parse_after_print_gives_the_same_tree(text in json()) {
        let document = parse(&text).document.unwrap();
        for style in [Style::TwoSpaces, Style::FourSpaces, Style::Minified] {
            let printed = print(&document, style);
            let again = parse(&printed).document.unwrap();
            prop_assert_eq!(without_spans(&again), without_spans(&document));
        }
    }

    #[test]
    fn any_text_parses_without_a_panic(text in "[\\[\\]{}:,\"'\\\\ a-z0-9\\.\\-\\+/é\n]{0,40}") {
        let parse = parse(&text);
        let is_broken =
            parse.findings.iter().any(|f| f.code == crate::FindingCode::JsonSyntaxError);
        prop_assert_eq!(parse.document.is_none(), is_broken);
    }
}
