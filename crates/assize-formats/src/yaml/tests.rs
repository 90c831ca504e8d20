use super::*;

fn file(text: &str) -> File {
    File::new("t.yaml".into(), text.into()).unwrap()
}

/// The tree as JSON, or the errors.
fn check(text: &str, expected: &str) {
    let file = file(text);
    let found = match read(&file) {
        Ok(node) => node.to_json(),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn block_and_flow_give_the_same_tree() {
    let expected = r#"{"a":[1,"two",{"b":null}],"c":true,"d":"x\ny\n"}"#;
    check("a: [1, two, {b: }]\nc: true\nd: \"x\\ny\\n\"\n", expected);
    check("a:\n- 1\n- two\n- b:\nc: true\nd: |\n  x\n  y\n", expected);
    check("# only\n---\n'a b': \"1\"\n...\n", r#"{"a b":"1"}"#);
}

#[test]
fn values_have_their_place() {
    let text = "ä: [x, 'ö', {k: \"v\"}]\nlist:\n  - one\n  - k: 2\n    l: drei\nend: 1\n";
    let file = file(text);
    let tree = read(&file).unwrap();
    let span = |path: &[&str]| tree.descend(path.iter().copied()).span.of(text).unwrap();
    assert_eq!(span(&["ä", "0"]), "x");
    assert_eq!(span(&["ä", "1"]), "'ö'");
    assert_eq!(span(&["ä", "2"]), "{k: \"v\"}");
    assert_eq!(span(&["list", "1", "l"]), "drei");
    assert_eq!(span(&["list", "1"]), "k: 2\n    l: drei");
    assert_eq!(tree.as_object().unwrap()[1].key_span.of(text), Some("list"));
    assert_eq!(file.line_column(tree.descend(["list", "1", "l"]).span.start), (5, 8));
}

/// F-1.
#[test]
fn numbers_and_dates_that_should_be_text_are_refused() {
    check(
        "a: 012345678901\nb: 2012-10-17\ntime: 2024-05-01T12:00:00Z\n",
        "t.yaml:1:4: `012345678901` would be read as a number without its leading zeros; put it \
         in quotes; t.yaml:2:4: `2012-10-17` would be read as a date or time; put it in quotes",
    );
    check(
        "111111111111: x\n",
        "t.yaml:1:1: `111111111111` is not a text to YAML; put the name in quotes",
    );
    check("- 'time'\n- \"2012-10-17\"\n", r#"["time","2012-10-17"]"#);
    check("time: 2024-05-01T12:00:00Z\n", r#"{"time":"2024-05-01T12:00:00Z"}"#);
}

/// F-1.
#[test]
fn broken_files_are_errors_with_a_place() {
    check("", "t.yaml:1:1: the file is empty");
    check("a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document; a file holds one");
    check("a: 1\na: 2\n", "t.yaml:2:1: `a` is given twice");
    check(
        "a: !!binary x\n",
        "t.yaml:1:4: the tag `tag:yaml.org,2002:!binary`; only those of the core schema are known",
    );
    check("a: !!str 5\n", r#"{"a":"5"}"#);
    check("a: !!int x\n", "t.yaml:1:4: `x` is not of the type of its tag");
    for text in ["a: [1, 2\n", "a: 'x\n", "a: *b\n", "[a: b]: c", "a: b: c"] {
        assert!(read(&file(text)).is_err(), "{text}");
    }
}

#[test]
fn aliases_are_expanded_within_limits() {
    check(
        "a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n",
        r#"{"a":{"k":[1]},"b":{"k":[1]},"c":[{"k":[1]},{"k":[1]}]}"#,
    );
    check("a: &x [*x]\n", "t.yaml:1:8: an alias inside the value it names");
    let limit = |text: &str| read(&file(text)).unwrap_err()[0].kind();
    let thousand = format!("a: &x 1\nb: [{}]\n", ["*x"; 1_000].join(","));
    assert!(read(&file(&thousand)).is_ok());
    let more = format!("a: &x 1\nb: [{}]\n", ["*x"; 1_001].join(","));
    assert_eq!(limit(&more), ErrorKind::Limit);
    let doubling = |n: usize| format!("a{n}: &a{n} [*a{0}, *a{0}]", n.saturating_sub(1));
    let lines: Vec<String> = (1..40).map(doubling).collect();
    let laughs = format!("a0: &a0 [x]\n{}\n", lines.join("\n"));
    assert_eq!(limit(&laughs), ErrorKind::Limit);
    let wide =
        format!("a: &x [{}]\nb: [{}]\n", vec!["1"; 2_000].join(","), vec!["*x"; 900].join(","));
    assert_eq!(limit(&wide), ErrorKind::Limit);
}

#[test]
fn nesting_is_limited() {
    for n in [64, 65] {
        let text = format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(read(&file(&text)).is_ok(), n == 64);
    }
    for open in ["[", "- ", "{a: "] {
        let errors = read(&file(&open.repeat(1 << 16))).unwrap_err();
        assert_eq!(errors[0].kind(), ErrorKind::Limit, "{open}");
    }
}
