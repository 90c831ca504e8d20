use proptest::prelude::*;

use super::*;

fn check_decimal(text: &str, expected: Option<(bool, &str, i32)>) {
    let expected = expected.map(|(negative, digits, exponent)| Decimal {
        negative,
        digits: digits.into(),
        exponent,
    });
    assert_eq!(parse_decimal(text), expected, "{text}");
}

/// L-615.
#[test]
fn numbers_have_one_normal_form() {
    check_decimal("10", Some((false, "1", 2)));
    check_decimal("10.0", Some((false, "1", 2)));
    check_decimal("+1e1", Some((false, "1", 2)));
    check_decimal("0.05", Some((false, "5", -1)));
    check_decimal("-0.050", Some((true, "5", -1)));
    check_decimal("007", Some((false, "7", 1)));
    check_decimal("1E-3", Some((false, "1", -2)));
    check_decimal("1.25e+010", Some((false, "125", 11)));
    for zero in ["0", "-0", "+0.00", "0e999", "-000e-999"] {
        check_decimal(zero, Some((false, "", 0)));
    }
}

/// L-615.
#[test]
fn other_texts_are_no_numbers() {
    for text in [
        "", "+", "-", ".", ".5", "5.", "1e", "1e+", "1e1000", "1e0001", "1e1.0", "1.2.3", " 1",
        "1 ", "1,000", "0x10", "--1", "+-1", "١", "NaN", "Infinity", "1_000", "e5", "${aws:x}",
    ] {
        check_decimal(text, None);
    }
}

/// L-615.
#[test]
fn long_numbers_are_unparsable() {
    let longest = "9".repeat(MAX_DECIMAL_CHARS);
    check_decimal(&longest, Some((false, &longest, 64)));
    check_decimal(&format!("{longest}9"), None);
    check_decimal(&format!("0.{}1e-999", "0".repeat(56)), Some((false, "1", -1055)));
}

/// Worked examples 87 and 88.
#[test]
fn numbers_compare_by_value() {
    let number = |text| parse_decimal(text).unwrap();
    assert!(number("10") < number("20") && number("10") > number("5"));
    assert!(number("-10") < number("-5") && number("-5") < number("0"));
    assert!(number("0.1") < number("0.11") && number("-0.1") > number("-0.11"));
    assert!(number("9") < number("1e1") && number("0") < number("1e-999"));
    assert!(number("9007199254740993") > number("9007199254740992"));
}

/// A number as (whole digits, fraction digits), both padded to the same widths, the naive way.
fn padded(text: &str) -> (bool, String) {
    let negative = text.starts_with('-');
    let text = text.trim_start_matches(['+', '-']);
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let power: i32 = power.parse().unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shift = usize::try_from(power + 1100).unwrap() - fraction.len();
    let digits = format!("{whole}{fraction}{}", "0".repeat(shift));
    (negative, format!("{digits:0>2400}"))
}

fn compare_padded(left: &str, right: &str) -> Ordering {
    let ((left_negative, left), (right_negative, right)) = (padded(left), padded(right));
    let is_zero = |digits: &str| digits.bytes().all(|b| b == b'0');
    match (left_negative && !is_zero(&left), right_negative && !is_zero(&right)) {
        (false, false) => left.cmp(&right),
        (true, true) => right.cmp(&left),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

proptest! {
    /// L-615: a second, naive reading agrees on every pair.
    #[test]
    fn numbers_order_like_padded_digits(
        left in r"[+-]?[019]{1,4}(\.[019]{1,4})?([eE][+-]?[0-9]{1,2})?",
        right in r"[+-]?[019]{1,4}(\.[019]{1,4})?([eE][+-]?[0-9]{1,2})?",
    ) {
        let expected = compare_padded(&left, &right);
        let (left, right) = (parse_decimal(&left).unwrap(), parse_decimal(&right).unwrap());
        prop_assert_eq!(left.cmp(&right), expected);
        prop_assert_eq!(left == right, expected.is_eq());
    }

    #[test]
    fn numbers_of_the_whole_grammar_are_read(
        text in r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ) {
        let number = parse_decimal(&text).unwrap();
        prop_assert!(!number.digits.starts_with('0') && !number.digits.ends_with('0'));
        prop_assert_eq!(compare_padded(&text, "0"), super::DecimalView::of(&number).sign());
    }

    #[test]
    fn no_text_panics(text in r"\PC{0,40}|[0-9TZ:.+/eE-]{0,40}|[0-9a-fA-F:./]{0,50}") {
        let _ = parse_decimal(&text);
        let _ = read_date(&text);
        let _ = parse_bool(&text);
        let _ = parse_binary(&text);
        let _ = read_ip_block(&text);
        let _ = parse_ip_address(&text);
        let folded = fold_unicode(&text);
        prop_assert!(eq_ignore_case(&text, &folded));
        prop_assert_eq!(fold_unicode(&folded), folded.clone());
    }

    /// L-616: the usual form is read as the general reader reads it, and so is what is nearly it.
    #[test]
    fn usual_dates_are_read_as_all_dates(
        digits in prop::array::uniform14(0_u8..10),
        edit in prop::option::of((0_usize..20, prop::sample::select(b"0123456789TZ-:. +".to_vec()))),
    ) {
        let mut digits = digits.map(|digit| char::from(b'0' + digit)).into_iter();
        let text: String = "0000-00-00T00:00:00Z".chars().map(|c| match c {
            '0' => digits.next().unwrap(),
            sign => sign,
        }).collect();
        let plausible = format!("{}1{}0{}1{}", &text[..5], &text[6..8], &text[9..11], &text[12..]);
        for mut text in [text, plausible] {
            if let Some((at, with)) = edit {
                text.replace_range(at..=at, char::from(with).encode_utf8(&mut [0; 4]));
            }
            let expected = read_date(&text).map(|reading| reading.seconds);
            prop_assert_eq!(parse_date(&text), expected, "{}", text);
        }
    }

    /// L-616: every second of ten thousand years is the date it prints as.
    #[test]
    fn days_are_counted_one_by_one(year in 0_i64..=9999, month in 1_i64..=12) {
        let first = parse_date(&format!("{year:04}-{month:02}")).unwrap();
        let n_days = (28..=31).rev()
            .find(|day| parse_date(&format!("{year:04}-{month:02}-{day:02}")).is_some())
            .unwrap();
        let last = parse_date(&format!("{year:04}-{month:02}-{n_days:02}T23:59:59Z")).unwrap();
        prop_assert_eq!(last - first + 1, n_days * 86_400);
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        if year <= 9999 {
            prop_assert_eq!(parse_date(&format!("{year:04}-{month:02}")), Some(last + 1));
        }
    }
}

fn check_date(text: &str, expected: Option<(i64, DateForm)>) {
    let expected = expected.map(|(seconds, form)| DateReading { seconds, form });
    assert_eq!(read_date(text), expected, "{text}");
}

const ZONED: DateForm = DateForm::Time { has_zone: true };
const UNZONED: DateForm = DateForm::Time { has_zone: false };
const EPOCH: DateForm = DateForm::Epoch { is_year_like: false };

/// L-616, first form; worked examples 92 and 93.
#[test]
fn digits_are_epoch_seconds() {
    check_date("0", Some((0, EPOCH)));
    check_date("-1", Some((-1, EPOCH)));
    check_date("1719791999", Some((1_719_791_999, EPOCH)));
    check_date("2024", Some((2024, DateForm::Epoch { is_year_like: true })));
    check_date("-202", Some((-202, EPOCH)));
    check_date("253402300799", Some((MAX_EPOCH_SECONDS, EPOCH)));
    check_date("-253402300799", Some((-MAX_EPOCH_SECONDS, EPOCH)));
    for text in ["253402300800", "-253402300800", "99999999999999999999", "1.5", "+5", "--5", "-"] {
        check_date(text, None);
    }
}

/// L-616, second form.
#[test]
fn days_begin_at_midnight_utc() {
    check_date("1970-01-01", Some((0, DateForm::Day)));
    check_date("1970-01", Some((0, DateForm::Day)));
    check_date("2024-07", Some((1_719_792_000, DateForm::Day)));
    check_date("2024-07-01", Some((1_719_792_000, DateForm::Day)));
    check_date("2024-02-29", Some((1_709_164_800, DateForm::Day)));
    check_date("2000-03-01", Some((951_868_800, DateForm::Day)));
    check_date("1969-12-31", Some((-86_400, DateForm::Day)));
    check_date("0000-01-01", Some((-62_167_219_200, DateForm::Day)));
    check_date("9999-12-31", Some((253_402_214_400, DateForm::Day)));
}

/// L-616, third form; worked examples 90, 91 and 94.
#[test]
fn times_have_a_zone_or_are_utc() {
    check_date("2024-06-30T23:59:59Z", Some((1_719_791_999, ZONED)));
    check_date("2024-07-01T02:00:00+02:00", Some((1_719_792_000, ZONED)));
    check_date("2024-06-30T19:30-04:30", Some((1_719_792_000, ZONED)));
    check_date("2024-06-30T23:59:59", Some((1_719_791_999, UNZONED)));
    check_date("2024-07-01T00:00", Some((1_719_792_000, UNZONED)));
    check_date("2024-07-01T00:00Z", Some((1_719_792_000, ZONED)));
    check_date("2024-06-30T12:00:00.9Z", Some((1_719_748_800, ZONED)));
    check_date("1969-12-31T23:59:59.999999999", Some((-1, UNZONED)));
    check_date("1970-01-01T00:00:00.5+00:00", Some((0, ZONED)));
}

/// L-616.
#[test]
fn other_texts_are_no_dates() {
    for text in [
        "",
        " 2024-07-01",
        "2024-07-01 ",
        "2024-7-1",
        "2024-00",
        "2024-13",
        "2024-00-01",
        "2024-01-00",
        "2024-04-31",
        "2023-02-29",
        "1900-02-29",
        "2024-",
        "2024-07-",
        "-2024-07-01",
        "+2024-07-01",
        "12024-07-01",
        "20240701T000000Z",
        "2024-07-01Z",
        "2024-07Z",
        "2024-07-01T",
        "2024-07-01T00",
        "2024-07-01T00Z",
        "2024-07-01t00:00Z",
        "2024-07-01T00:00z",
        "2024-07-01 00:00:00Z",
        "2024-07-01T24:00:00Z",
        "2024-07-01T23:60:00Z",
        "2024-07-01T23:59:60Z",
        "2024-07-01T00:00:00.Z",
        "2024-07-01T00:00:00.1234567890Z",
        "2024-07-01T00:00.5Z",
        "2024-07-01T00:00:00,5Z",
        "2024-07-01T00:00:00+0200",
        "2024-07-01T00:00:00+02",
        "2024-07-01T00:00:00+24:00",
        "2024-07-01T00:00:00+02:60",
        "2024-07-01T00:00:00Z+02:00",
        "２０２４-07-01",
    ] {
        check_date(text, None);
    }
}

/// L-617; worked example 95.
#[test]
fn booleans_are_two_words() {
    assert_eq!(parse_bool("TRUE"), Some(true));
    assert_eq!(parse_bool("false"), Some(false));
    for text in ["", "1", "0", "yes", " true", "true ", "ｔrue"] {
        assert_eq!(parse_bool(text), None, "{text}");
    }
}

/// L-618.
#[test]
fn binary_is_canonical_base64() {
    assert_eq!(
        parse_binary("QmluYXJ5VmFsdWVJbkJhc2U2NA==").as_deref(),
        Some(&b"BinaryValueInBase64"[..])
    );
    assert_eq!(parse_binary("+/+/").as_deref(), Some(&[0xfb, 0xff, 0xbf][..]));
    assert_eq!(parse_binary("").as_deref(), Some(&[][..]));
    for text in ["Qg", "Qg=", "Qg===", "Qh==", "-_-_", "Q g=", "Qg==\n", "Qg==Qg==", "=", "Qmé="] {
        assert_eq!(parse_binary(text), None, "{text}");
    }
}

fn check_block(text: &str, expected: Option<(&str, u8, bool)>) {
    let expected = expected.map(|(address, prefix_len, has_host_bits)| IpBlockReading {
        block: IpBlock { address: address.parse().unwrap(), prefix_len },
        has_host_bits,
    });
    assert_eq!(read_ip_block(text), expected, "{text}");
}

/// L-619.
#[test]
fn blocks_are_addresses_with_a_prefix() {
    check_block("203.0.113.7", Some(("203.0.113.7", 32, false)));
    check_block("203.0.113.7/24", Some(("203.0.113.0", 24, true)));
    check_block("10.0.0.0/8", Some(("10.0.0.0", 8, false)));
    check_block("0.0.0.0/0", Some(("0.0.0.0", 0, false)));
    check_block("1.2.3.4/0", Some(("0.0.0.0", 0, true)));
    check_block("2001:DB8::/32", Some(("2001:db8::", 32, false)));
    check_block("2001:db8::1", Some(("2001:db8::1", 128, false)));
    check_block("2001:db8:0:0:0:0:0:1/64", Some(("2001:db8::", 64, true)));
    check_block("::/0", Some(("::", 0, false)));
    check_block("::", Some(("::", 128, false)));
    check_block("64:ff9b::1.2.3.4", Some(("64:ff9b::102:304", 128, false)));
}

/// L-619: on the side of the policy from /96 on.
#[test]
fn mapped_blocks_become_ipv4() {
    check_block("::ffff:203.0.113.0/120", Some(("203.0.113.0", 24, false)));
    check_block("::ffff:cb00:7109", Some(("203.0.113.9", 32, false)));
    check_block("::ffff:1.2.3.4/96", Some(("0.0.0.0", 0, true)));
    check_block("::ffff:0.0.0.0/96", Some(("0.0.0.0", 0, false)));
    check_block("::ffff:0.0.0.0/95", Some(("::fffe:0:0", 95, true)));
}

/// L-619.
#[test]
fn other_texts_are_no_blocks() {
    for text in [
        "",
        "203.0.113",
        "203.0.113.07",
        "203.0.113.256",
        "203.0.113.0/",
        "203.0.113.0/33",
        "203.0.113.0/-1",
        "203.0.113.0/+8",
        "203.0.113.0/08",
        "203.0.113.0/8/8",
        "203.0.113.0/255.255.255.0",
        "203.0.113.0-203.0.113.9",
        "203.0.113.*",
        " 203.0.113.0",
        "0x7f.0.0.1",
        "2001:db8::/129",
        "2001:db8::1::2",
        "2001:db8:::1",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7",
        "12345::",
        "fe80::1%eth0",
        "[::1]",
        "::1.2.3",
        "1.2.3.4::",
        "${aws:SourceIp}",
    ] {
        check_block(text, None);
    }
}

fn check_contains(block: &str, address: &str, expected: bool) {
    let block = parse_ip_block(block).unwrap();
    let inside = parse_ip_address(address).is_some_and(|address| block.contains(address));
    assert_eq!(inside, expected, "{address} in {block:?}");
}

/// Worked examples 83 – 85.
#[test]
fn blocks_contain_addresses_of_their_family() {
    check_contains("203.0.113.7/24", "203.0.113.200", true);
    check_contains("203.0.113.0/24", "203.0.114.1", false);
    check_contains("203.0.113.0/24", "::ffff:203.0.113.9", true);
    check_contains("::ffff:203.0.113.0/120", "203.0.113.9", true);
    check_contains("2001:db8::/32", "2001:db8::1", true);
    check_contains("10.0.0.0/8", "2001:db8::1", false);
    check_contains("0.0.0.0/0", "::1", false);
    check_contains("::/0", "1.2.3.4", false);
    check_contains("::/0", "::ffff:1.2.3.4", false);
    check_contains("203.0.113.7", "203.0.113.7", true);
    check_contains("203.0.113.7", "203.0.113.7/32", false);
    check_contains("0.0.0.0/0", "1.2.3.04", false);
}

fn check_fold(text: &str, expected: &str) {
    assert_eq!(fold_unicode(text), expected, "{text}");
}

/// L-614; worked example 96.
#[test]
fn case_folds_one_character_at_a_time() {
    check_fold("", "");
    check_fold("AbC-1", "abc-1");
    check_fold("ÅÉÑ", "åéñ");
    check_fold("Σσς", "σσσ");
    check_fold("ſK\u{212a}", "skk");
    check_fold("ı", "i");
    check_fold("ǅ", "ǆ");
    check_fold("straße", "straße");
    check_fold("ẞ", "ß");
    check_fold("ŉ", "ŉ");
    check_fold("İ", "İ");
    assert!(eq_ignore_case("ÉCOLE", "école"));
    assert!(!eq_ignore_case("straße", "STRASSE"));
    assert!(!eq_ignore_case("a", "ab"));
    assert!(matches!(fold_unicode("plain text"), Cow::Borrowed(_)));
}
