use super::*;

/// Reads any value and writes it again, with the texts of scalars.
fn echo(cursor: &mut Cursor<'_>) -> Result<String> {
    Ok(match cursor.peek()? {
        Kind::String => format!("{:?}", cursor.string()?),
        Kind::Number => cursor.number()?.to_owned(),
        Kind::Bool => cursor.boolean()?.to_string(),
        Kind::Null => {
            cursor.null()?;
            "null".to_owned()
        }
        Kind::Array => {
            let mut items = Vec::new();
            cursor.array(|c| echo(c).map(|item| items.push(item)))?;
            format!("[{}]", items.join(","))
        }
        Kind::Object => {
            let mut items = Vec::new();
            cursor.object(|c, key| echo(c).map(|item| items.push(format!("{key:?}:{item}"))))?;
            format!("{{{}}}", items.join(","))
        }
    })
}

fn check(text: &str, expected: &str) {
    let mut cursor = Cursor::new(text);
    let found = echo(&mut cursor).and_then(|found| cursor.end().map(|()| found));
    let found = found.unwrap_or_else(|f| format!("{} {}{}", f.offset(), f.message(), f.pointer()));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn values_are_read_as_they_stand() {
    check(
        r#" {"a" : [ 1, -0.5e+3 ,true,null] , "b":{}} "#,
        r#"{"a":[1,-0.5e+3,true,null],"b":{}}"#,
    );
    check(
        r#"["",[],"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","long enough to scan"]"#,
        "[\"\",[],\"a\\\"\\\\/\\u{8}\\u{c}\\n\\r\\té😀\",\"long enough to scan\"]",
    );
}

#[test]
fn broken_texts_are_faults_with_a_place() {
    check("", "0 expected a value, found the end");
    check("[1,]", "3 expected a value, found `]`/1");
    check("[1 2]", "3 expected `,` or `]`, found `2`");
    check(r#"{"a":1,}"#, "7 expected a member name in quotes, found `}`");
    check(r#"{"a" 1}"#, "5 expected `:`, found `1`");
    check("01", "1 expected the end, found `1`");
    check("1.", "2 expected a digit, found the end");
    check("tru", "0 expected a value, found `t`");
    check("\"a", "0 a string without its closing quote");
    check("\"a\nb\"", "2 a control character in a string");
    check(r#""\x""#, "1 an escape that JSON does not know");
    check(r#""\ud800""#, "1 half of a surrogate pair");
    check(r#""\udc00""#, "1 half of a surrogate pair");
    check(r#""\u12""#, "1 `\\u` without four hexadecimal digits");
    check(
        "\u{feff}{}",
        "0 expected a value, found a byte-order mark; the text is UTF-8 without one",
    );
}

/// F-1.
#[test]
fn a_name_given_twice_is_a_fault() {
    check(r#"{"a":1,"b":2,"a":3}"#, "13 `a` is given twice/a");
    check(r#"{"o":{"\u0061":1,"a":3}}"#, "17 `a` is given twice/o/a");
    let members: Vec<String> = (0..200).map(|n| format!("\"k{n}\":{n}")).collect();
    check(&format!("{{{}}}", members.join(",")), &format!("{{{}}}", members.join(",")));
    let twice = format!("{{{},\"k0\":[{{\"x\":1}}]}}", members.join(","));
    let mut cursor = Cursor::new(&twice);
    let fault = echo(&mut cursor).unwrap_err();
    assert_eq!((fault.message(), &*fault.pointer()), ("`k0` is given twice", "/k0"));
}

#[test]
fn nesting_is_limited() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    for n in [64, 65] {
        let text = deep(n);
        assert_eq!(echo(&mut Cursor::new(&text)).is_ok(), n == 64);
        assert_eq!(Cursor::new(&text).raw().is_ok(), n == 64);
    }
    let open = "[".repeat(1 << 20);
    assert_eq!(Cursor::new(&open).raw().unwrap_err().kind(), RequestErrorKind::Limit);
}

#[test]
fn values_are_sliced_exactly() {
    let text = " {\"ä\": [ {\"a\\n\":\"é\"}, {} , [] ] } ";
    let mut cursor = Cursor::new(text);
    assert_eq!(cursor.raw().unwrap(), text.trim());
    cursor.end().unwrap();
    assert!(Cursor::new("[1,{\"a\":}]").raw().is_err());
}
