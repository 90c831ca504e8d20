use super::*;

/// Compact form of a value with its bytes, to compare.
fn show(value: &Value<'_>) -> String {
    match &value.kind {
        ValueKind::Null => "null".into(),
        ValueKind::Bool(b) => b.to_string(),
        ValueKind::Number(n) => (*n).to_string(),
        ValueKind::String(s) => Quoted(s).to_string(),
        ValueKind::Array(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(","))
        }
        ValueKind::Object(members) => {
            let members = members.iter().map(|m| format!("{}:{}", Quoted(&m.name), show(&m.value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(parse(text, 16).map(|v| show(&v)).as_deref(), Ok(expected), "{text}");
}

fn check_errors(text: &str, expected: &[&str]) {
    let errors = parse(text, 16).expect_err(text);
    let shown = errors.iter().map(|e| format!("{} {}: {}", e.span.start, e.path, e.message));
    assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn json_is_read_as_written() {
    check(" null ", "null");
    check("true", "true");
    check("[1,-0, 1.50 ,1e3,-2.5E-7]", "[1,-0,1.50,1e3,-2.5E-7]");
    check("{}", "{}");
    check("[ ]", "[]");
    check(r#"{"a":{"b":[]},"a":1}"#, r#"{"a":{"b":[]},"a":1}"#);
    check("\"\u{fc}\"", "\"\u{fc}\"");
    check("\t\r\n[\n]", "[]");
}

/// L-104.
#[test]
fn escapes_are_decoded() {
    check(r#""\"\\\/\b\f\n\r\t\u0041\u00e9""#, "\"\\\"\\\\/\\b\\f\\n\\r\\tA\u{e9}\"");
    check(r#""\ud83d\ude00""#, r#""\ud83d\ude00""#);
    let value = parse(r#""\ud83d\ude00""#, 1).unwrap();
    assert_eq!(value.kind, ValueKind::String("😀".into()));
    check_errors(r#""a\ud83dx""#, &["2 $: surrogate without its pair"]);
    check_errors(r#""\ude00""#, &["1 $: surrogate without its pair"]);
    check_errors(r#""\ud83d\u0041""#, &["1 $: surrogate without its pair"]);
    check_errors(r#""\u0000""#, &["1 $: `\\u0000` is not accepted"]);
    check_errors(
        r#""\u12g4\x""#,
        &["1 $: `\\u` without four hexadecimal digits", "7 $: escape that JSON does not have"],
    );
    check_errors(r#""\u+123""#, &["1 $: `\\u` without four hexadecimal digits"]);
    check_errors("\"\\ü\"", &["1 $: escape that JSON does not have"]);
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let value = parse(r#"["plain","\u0041"]"#, 2).unwrap();
    let ValueKind::Array(items) = value.kind else { panic!("an array") };
    assert!(matches!(&items[0].kind, ValueKind::String(Cow::Borrowed("plain"))));
    assert!(matches!(&items[1].kind, ValueKind::String(Cow::Owned(_))));
}

#[test]
fn every_value_and_name_has_its_bytes() {
    let text = r#" {"ü": [ true, "x" ]}"#;
    let value = parse(text, 16).unwrap();
    assert_eq!(value.span.of(text), Some(r#"{"ü": [ true, "x" ]}"#));
    let ValueKind::Object(members) = value.kind else { panic!("an object") };
    assert_eq!(members[0].name_span.of(text), Some("\"ü\""));
    assert_eq!(members[0].value.span.of(text), Some(r#"[ true, "x" ]"#));
    let ValueKind::Array(items) = &members[0].value.kind else { panic!("an array") };
    assert_eq!(items[1].span.of(text), Some("\"x\""));
}

/// L-101, L-103.
#[test]
fn what_is_not_json_is_named_and_read_over() {
    check_errors("", &["0 $: unexpected end of text, expected a JSON value"]);
    check_errors("\u{feff}{}", &["0 $: byte-order mark before the JSON text"]);
    check_errors("{} x", &["3 $: unexpected `x`, expected nothing after the JSON text"]);
    check_errors("[1,]", &["3 $: trailing comma before `]`"]);
    check_errors(r#"{"a":1,}"#, &["7 $: trailing comma before `}`"]);
    check_errors("[1 2]", &["3 $: missing `,` between values"]);
    check_errors("[,1,,2]", &["1 $: nothing before `,`", "4 $: nothing before `,`"]);
    check_errors(
        "[01, +1, .5, 1., 1e, - ]",
        &[
            "1 $[0]: `01` is not a JSON number",
            "5 $[1]: `+1` is not a JSON number",
            "9 $[2]: `.5` is not a JSON number",
            "13 $[3]: `1.` is not a JSON number",
            "17 $[4]: `1e` is not a JSON number",
            "21 $[5]: `-` is not a JSON number",
        ],
    );
    check_errors(
        "[True, NaN]",
        &[
            "1 $[0]: `True` is not a JSON value; a string stands in double quotes",
            "7 $[1]: `NaN` is not a JSON value; a string stands in double quotes",
        ],
    );
    check_errors(
        "{a: 'b'}",
        &[
            "1 $: `a` is not in double quotes",
            "4 $.a: string in single quotes, expected double quotes",
        ],
    );
    check_errors(
        r#"{"a" 1, "b":}"#,
        &["5 $.a: missing `:` after the name of a member", "12 $.b: missing value of a member"],
    );
    check_errors(
        "[1 // one\n, /* two */ 2]",
        &["3 $: comment, which JSON does not have", "12 $: comment, which JSON does not have"],
    );
    check_errors("\"a\tb\"", &["2 $: U+0009 in a string, write it as an escape"]);
    check_errors("\"a\nb\"", &["0 $: string without a closing quote on its line"]);
    check_errors(r#"{"a":[1}"#, &["7 $.a: missing `]`"]);
    check_errors("[", &["1 $[0]: unexpected end of text, expected a JSON value"]);
    check_errors("[1", &["2 $: unexpected end of text, expected `,` or `]`"]);
    check_errors("{\"a\": \u{a0}1}", &["6 $.a: unexpected `\u{a0}`, expected a JSON value"]);
}

#[test]
fn an_error_says_where_it_is() {
    let errors = parse("{\n  \"é\": tru\n}", 16).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "`tru` is not a JSON value; a string stands in double quotes at line 2, column 8 (byte 10)"
    );
}

/// L-105.
#[test]
fn nesting_is_limited() {
    let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(parse(&nested(16), 16).is_ok());
    let errors = parse(&nested(17), 16).unwrap_err();
    assert_eq!(&*errors[0].message, "arrays and objects nested deeper than 16");
    assert_eq!(errors[0].span.start, 16);
    assert_eq!(parse(&"[".repeat(10_000_000), 255).unwrap_err().len(), 1);
    assert!(parse(&nested(255), 255).is_ok());
}

#[test]
fn the_number_of_errors_is_limited() {
    assert_eq!(parse(&"[,".repeat(10), 16).unwrap_err().len(), 11);
    assert_eq!(parse(&format!("[{}]", ",".repeat(1000)), 16).unwrap_err().len(), 100);
}

/// L-101.
#[test]
fn bytes_must_be_utf_8() {
    assert!(parse_bytes(b"{}", 16).is_ok());
    let errors = parse_bytes(b"{\n \xff}", 16).unwrap_err();
    assert_eq!((errors[0].span.start, errors[0].line, errors[0].column), (3, 2, 2));
}
