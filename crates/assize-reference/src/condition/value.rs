//! Typed readings of request values (L-615 – L-619). An unreadable text is `None`.

use std::cmp::Ordering;
use std::net::IpAddr;

use assize_policy::ir::{Decimal, IpBlock};

/// L-615: longest number, in characters.
const MAX_NUMBER_CHARS: usize = 64;

/// A decimal number: ±0.DIGITS × 10^exponent, without superfluous zeros; zero has no digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Number {
    negative: bool,
    digits: String,
    exponent: i32,
}

/// L-615: a number.
pub(crate) fn parse_number(text: &str) -> Option<Number> {
    if text.len() > MAX_NUMBER_CHARS {
        return None;
    }
    let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, parse_power(power)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (mantissa, ""),
    };
    if !is_digits(whole) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return Some(Number { negative: false, digits: String::new(), exponent: 0 });
    }
    let n_leading = i32::try_from(all.len() - significant.len()).ok()?;
    let exponent = i32::try_from(whole.len()).ok()? + power - n_leading;
    Some(Number { negative, digits: significant.trim_end_matches('0').into(), exponent })
}

fn parse_power(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (if text.starts_with('-') { -1 } else { 1 }, rest),
        None => (1, text),
    };
    let size = digits.len();
    let power: i32 = (is_digits(digits) && size <= 3).then(|| digits.parse().ok()).flatten()?;
    Some(sign * power)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// L-615: how a request value compares to a policy value, exactly.
pub(crate) fn compare_numbers(value: &Number, operand: &Decimal) -> Ordering {
    let operand = Number {
        negative: operand.negative,
        digits: operand.digits.to_string(),
        exponent: operand.exponent,
    };
    let sign = |number: &Number| match (number.digits.is_empty(), number.negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let magnitude = || {
        // Digits begin with no zero, so the exponent decides before they do.
        let by_exponent = value.exponent.cmp(&operand.exponent);
        by_exponent.then_with(|| value.digits.cmp(&operand.digits))
    };
    match sign(value).cmp(&sign(&operand)) {
        Ordering::Equal if sign(value) == 0 => Ordering::Equal,
        Ordering::Equal if value.negative => magnitude().reverse(),
        Ordering::Equal => magnitude(),
        different => different,
    }
}

/// L-616: the last second of the year 9999; epoch seconds beyond it, either way, are unreadable.
const MAX_EPOCH_SECONDS: i64 = 253_402_300_799;

const SECONDS_PER_DAY: i64 = 86_400;

/// L-616: an instant, in seconds since the epoch.
pub(crate) fn parse_instant(text: &str) -> Option<i64> {
    if is_digits(text.strip_prefix('-').unwrap_or(text)) {
        let seconds: i64 = text.parse().ok()?;
        return (-MAX_EPOCH_SECONDS..=MAX_EPOCH_SECONDS).contains(&seconds).then_some(seconds);
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let year = digits_of(fields.next()?, 4)?;
    let month = digits_of(fields.next()?, 2)?;
    let day = fields.next().map(|day| digits_of(day, 2));
    let day = match (day, time) {
        (None, None) => 1,
        (None, Some(_)) => return None,
        (Some(day), _) => day?,
    };
    if fields.next().is_some() || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let seconds = time.map_or(Some(0), parse_time)?;
    Some(days_from_civil(year, month, day) * SECONDS_PER_DAY + seconds)
}

/// The seconds of `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f`, with `Z`, `±hh:mm` or nothing behind.
fn parse_time(text: &str) -> Option<i64> {
    let (clock, offset) = if let Some(clock) = text.strip_suffix('Z') {
        (clock, 0)
    } else if let Some(at) = text.find(['+', '-']) {
        let (hours, minutes) = text[at + 1..].split_once(':')?;
        let offset = clock_field(hours, 23)? * 3_600 + clock_field(minutes, 59)? * 60;
        (&text[..at], if text[at..].starts_with('-') { -offset } else { offset })
    } else {
        (text, 0)
    };
    let mut fields = clock.split(':');
    let hours = clock_field(fields.next()?, 23)?;
    let minutes = clock_field(fields.next()?, 59)?;
    let seconds = match fields.next() {
        Some(field) => parse_seconds(field)?,
        None => 0,
    };
    fields.next().is_none().then_some(hours * 3_600 + minutes * 60 + seconds - offset)
}

/// Seconds with an optional fraction, which is cut.
fn parse_seconds(text: &str) -> Option<i64> {
    match text.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) && fraction.len() <= 9 => {
            clock_field(whole, 59)
        }
        Some(_) => None,
        None => clock_field(text, 59),
    }
}

fn clock_field(text: &str, max: i64) -> Option<i64> {
    digits_of(text, 2).filter(|value| *value <= max)
}

fn digits_of(text: &str, size: usize) -> Option<i64> {
    (text.len() == size && is_digits(text)).then(|| text.parse().ok()).flatten()
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar. Years are counted from
/// March, so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// L-609: an instant as text, `YYYY-MM-DDThh:mm:ssZ`.
pub(crate) fn format_instant(seconds: i64) -> String {
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let time = seconds.rem_euclid(SECONDS_PER_DAY);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// L-617: a boolean.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// L-618: bytes in standard base64, padded and canonical.
pub(crate) fn parse_binary(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let body = text.trim_end_matches('=');
    let n_padding = text.len() - body.len();
    if n_padding > 2 {
        return None;
    }
    let mut decoded = Vec::new();
    let (mut bits, mut n_bits) = (0u32, 0u32);
    for byte in body.bytes() {
        bits = (bits << 6 | base64_digit(byte)?) & 0xFFF;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            decoded.push(u8::try_from(bits >> n_bits & 0xFF).ok()?);
        }
    }
    // Canonical: no more padding than the bytes need, and the left-over bits are zero.
    let canonical = n_bits < 6 && bits & ((1 << n_bits) - 1) == 0;
    canonical.then_some(decoded)
}

fn base64_digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

/// An IP address; an IPv4-mapped IPv6 address is the IPv4 one (L-619).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// An IPv4 address.
    V4(u32),
    /// An IPv6 address.
    V6(u128),
}

/// L-619: a bare address.
pub(crate) fn parse_address(text: &str) -> Option<Address> {
    if let Some(v4) = parse_v4(text) {
        return Some(Address::V4(v4));
    }
    let v6 = parse_v6(text)?;
    let is_mapped = v6 >> 32 == 0xFFFF;
    match u32::try_from(v6 & 0xFFFF_FFFF) {
        Ok(v4) if is_mapped => Some(Address::V4(v4)),
        _ => Some(Address::V6(v6)),
    }
}

fn parse_v4(text: &str) -> Option<u32> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() != 4 {
        return None;
    }
    let mut address = 0;
    for part in parts {
        let plain = is_digits(part) && part.len() <= 3 && (part == "0" || !part.starts_with('0'));
        let octet: u8 = plain.then(|| part.parse().ok()).flatten()?;
        address = address << 8 | u32::from(octet);
    }
    Some(address)
}

/// The number of 16-bit groups of an IPv6 address.
const N_GROUPS: usize = 8;

fn parse_v6(text: &str) -> Option<u128> {
    let groups = match text.split_once("::") {
        Some((head, tail)) => {
            let (head, tail) = (parse_groups(head, false)?, parse_groups(tail, true)?);
            let n_zeros = N_GROUPS.checked_sub(head.len() + tail.len()).filter(|n| *n > 0)?;
            [head, vec![0; n_zeros], tail].concat()
        }
        None => parse_groups(text, true)?,
    };
    let address = groups.iter().fold(0, |address, group| address << 16 | u128::from(*group));
    (groups.len() == N_GROUPS).then_some(address)
}

/// Groups of hexadecimal digits; the last of the whole address may be an IPv4 address, which is
/// two.
fn parse_groups(text: &str, ends_address: bool) -> Option<Vec<u16>> {
    let mut groups = Vec::new();
    if text.is_empty() {
        return Some(groups);
    }
    let parts: Vec<&str> = text.split(':').collect();
    for (at, part) in parts.iter().enumerate() {
        match parse_v4(part) {
            Some(v4) if ends_address && at + 1 == parts.len() => {
                groups.push(u16::try_from(v4 >> 16).ok()?);
                groups.push(u16::try_from(v4 & 0xFFFF).ok()?);
            }
            _ => groups.push(parse_group(part)?),
        }
    }
    Some(groups)
}

fn parse_group(text: &str) -> Option<u16> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let sized = (1..=4).contains(&text.len());
    (is_hex && sized).then(|| u16::from_str_radix(text, 16).ok()).flatten()
}

/// L-619: whether an address is inside a block. Different families never match.
pub(crate) fn is_inside(address: Address, block: IpBlock) -> bool {
    let n_bits = u32::from(block.prefix_len);
    match (address, block.address) {
        (Address::V4(address), IpAddr::V4(first)) => {
            let shift = 32u32.saturating_sub(n_bits);
            address.checked_shr(shift) == u32::from(first).checked_shr(shift)
        }
        (Address::V6(address), IpAddr::V6(first)) => {
            let shift = 128u32.saturating_sub(n_bits);
            address.checked_shr(shift) == u128::from(first).checked_shr(shift)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str, expected: Option<i64>) {
        assert_eq!(parse_instant(text), expected, "{text}");
    }

    /// L-616.
    #[test]
    fn instants_are_read() {
        instant("2024", Some(2_024));
        instant("-5", Some(-5));
        instant("253402300799", Some(253_402_300_799));
        instant("253402300800", None);
        instant("1.5", None);
        instant("1970-01", Some(0));
        instant("1970-01-02", Some(86_400));
        instant("2024-02-29T00:00:00Z", Some(1_709_164_800));
        instant("2023-02-29", None);
        instant("2024-06-30T12:00:00.9Z", Some(1_719_748_800));
        instant("2024-07-01T02:00:00+02:00", Some(1_719_792_000));
        instant("2024-06-30T23:00-01:00", Some(1_719_792_000));
        instant("2024-07-01T00:00", Some(1_719_792_000));
        instant("1969-12-31T23:59:59Z", Some(-1));
        for text in ["2024-07T00:00", "2024-07-01T24:00Z", "2024-07-01T00:00:60Z", "2024-7-01"] {
            instant(text, None);
        }
        for text in ["20240701T000000Z", "2024-07-01t00:00Z", "2024-07-01T00:00:00.Z", "", "-"] {
            instant(text, None);
        }
    }

    #[test]
    fn instants_are_written_as_they_are_read() {
        assert_eq!(format_instant(0), "1970-01-01T00:00:00Z");
        for seconds in (-62_135_596_800..253_402_300_799i64).step_by(86_399_999) {
            assert_eq!(parse_instant(&format_instant(seconds)), Some(seconds));
        }
    }

    /// L-615.
    #[test]
    fn numbers_compare_exactly() {
        let operand = |text: &str| {
            let number = parse_number(text).unwrap();
            let digits = number.digits.into();
            Decimal { negative: number.negative, digits, exponent: number.exponent }
        };
        let order = |value: &str, text: &str| {
            compare_numbers(&parse_number(value).unwrap(), &operand(text))
        };
        assert_eq!(order("10", "10.0"), Ordering::Equal);
        assert_eq!(order("1e1", "+10"), Ordering::Equal);
        assert_eq!(order("-0", "0.000"), Ordering::Equal);
        assert_eq!(order("9.99", "10"), Ordering::Less);
        assert_eq!(order("-9.99", "-10"), Ordering::Greater);
        assert_eq!(order("-1", "0"), Ordering::Less);
        assert_eq!(order("0.12", "0.123"), Ordering::Less);
        assert_eq!(order("0.30000000000000004", "0.3"), Ordering::Greater);
        for text in ["", "+", ".5", "5.", "1e", "1e1000", "1 ", "0x1", "1_000", "--1"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
        assert_eq!(parse_number(&"1".repeat(65)), None);
    }

    /// L-618.
    #[test]
    fn binary_is_canonical_base64() {
        assert_eq!(parse_binary("aGk="), Some(b"hi".to_vec()));
        assert_eq!(parse_binary("aGkh"), Some(b"hi!".to_vec()));
        assert_eq!(parse_binary(""), Some(Vec::new()));
        for text in ["aGl=", "aGk", "aG-=", "a===", "====", "aGk=aGk="] {
            assert_eq!(parse_binary(text), None, "{text}");
        }
    }

    /// L-619.
    #[test]
    fn addresses_are_read() {
        assert_eq!(parse_address("1.2.3.4"), Some(Address::V4(0x0102_0304)));
        assert_eq!(parse_address("::ffff:1.2.3.4"), Some(Address::V4(0x0102_0304)));
        assert_eq!(parse_address("::FFFF:102:304"), Some(Address::V4(0x0102_0304)));
        assert_eq!(parse_address("::"), Some(Address::V6(0)));
        assert_eq!(parse_address("1::"), Some(Address::V6(1 << 112)));
        assert_eq!(
            parse_address("1:2:3:4:5:6:7::"),
            Some(Address::V6(0x1_0002_0003_0004_0005_0006_0007_0000))
        );
        for text in ["1.2.3", "01.2.3.4", "1.2.3.256", "1::2::3", "1:2:3:4:5:6:7:8::", ":1", "1:"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
        for text in ["::12345", "fe80::1%eth0", "1.2.3.4/32", "1.2.3.4::", "", "g::"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }

    #[test]
    fn a_block_of_length_zero_holds_its_family() {
        let block = IpBlock { address: IpAddr::from([0, 0, 0, 0]), prefix_len: 0 };
        assert!(is_inside(Address::V4(u32::MAX), block));
        assert!(!is_inside(Address::V6(1), block));
        let block = IpBlock { address: IpAddr::from([10, 0, 0, 0]), prefix_len: 8 };
        assert!(is_inside(Address::V4(0x0AFF_FFFF), block));
        assert!(!is_inside(Address::V4(0x0B00_0000), block));
    }
}
