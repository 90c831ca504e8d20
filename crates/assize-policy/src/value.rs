//! The typed values of conditions: numbers, dates, booleans, bytes, addresses, and text without
//! regard to case (L-614 – L-619).
//!
//! Policy values and request values are read by the same functions, so that the two sides of a
//! test cannot disagree about what a text means; only addresses have one for each side.

mod date;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::date::{DateForm, DateReading, MAX_EPOCH_SECONDS, parse_date, read_date};
use crate::ir::{Decimal, IpBlock};

/// The longest text that is read as a number, in characters (L-615).
pub const MAX_DECIMAL_CHARS: usize = 64;

/// The most digits the exponent of a number may have (L-615).
const MAX_EXPONENT_DIGITS: usize = 3;

/// Reads a number exactly (L-615): `[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?`, at most
/// [`MAX_DECIMAL_CHARS`] characters.
///
/// ```
/// use assize_policy::value::parse_decimal;
///
/// assert_eq!(parse_decimal("10"), parse_decimal("10.0"));
/// assert!(parse_decimal("1e3") > parse_decimal("999.999"));
/// assert_eq!(parse_decimal(".5"), None);
/// ```
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    Some(InPlace::read(text)?.into_decimal())
}

/// Whether a text is a number and some of the others stands in an order to it (L-615). Does not
/// allocate.
///
/// ```
/// use assize_policy::value::{compares_with_any, parse_decimal};
///
/// let others = [parse_decimal("10").unwrap()];
/// assert!(compares_with_any("1e1", &others, |order| order.is_eq()));
/// assert!(compares_with_any("-11", &others, |order| order.is_lt()));
/// assert!(!compares_with_any("ten", &others, |_| true));
/// ```
pub fn compares_with_any(text: &str, others: &[Decimal], holds: impl Fn(Ordering) -> bool) -> bool {
    let number = InPlace::read(text);
    let order = |other| Some(number.as_ref()?.view().cmp(&DecimalView::of(other)));
    others.iter().any(|other| order(other).is_some_and(&holds))
}

/// A number as it is read: a [`Decimal`] that needs no allocation.
struct InPlace {
    negative: bool,
    digits: [u8; MAX_DECIMAL_CHARS],
    n_digits: usize,
    exponent: i32,
}

impl InPlace {
    fn read(text: &str) -> Option<Self> {
        // The grammar is ASCII, so a text with more bytes has more characters or is no number.
        if text.len() > MAX_DECIMAL_CHARS {
            return None;
        }
        let (negative, rest) = split_sign(text);
        let (mantissa, power) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        is_digits(whole).then(|| Self::normal(negative, whole, fraction, power))
    }

    /// The normal form of ±WHOLE.FRACTION × 10^power: no zeros at either end, the point before
    /// the first digit.
    fn normal(negative: bool, whole: &str, fraction: &str, power: i32) -> Self {
        let mut number =
            Self { negative, digits: [0; MAX_DECIMAL_CHARS], n_digits: 0, exponent: 0 };
        let all = whole.bytes().chain(fraction.bytes());
        let mut significant = 0;
        for (place, digit) in number.digits.iter_mut().zip(all.skip_while(|&b| b == b'0')) {
            *place = digit;
            significant += 1;
        }
        let n_leading = whole.len() + fraction.len() - significant;
        while significant > 0 && number.digits[significant - 1] == b'0' {
            significant -= 1;
        }
        if significant == 0 {
            number.negative = false;
            return number;
        }
        number.n_digits = significant;
        // INVARIANT: both lengths are at most `MAX_DECIMAL_CHARS` and the power has three digits
        // (test `long_numbers_are_unparsable`).
        let length = |n: usize| i32::try_from(n).expect("a number has at most 64 digits");
        number.exponent = power + length(whole.len()) - length(n_leading);
        number
    }

    fn view(&self) -> DecimalView<'_> {
        let digits = &self.digits[..self.n_digits];
        DecimalView { negative: self.negative, digits, exponent: self.exponent }
    }

    fn into_decimal(self) -> Decimal {
        let digits = self.digits[..self.n_digits].iter().map(|&b| char::from(b));
        let digits = digits.collect::<String>().into();
        Decimal { negative: self.negative, digits, exponent: self.exponent }
    }
}

fn parse_exponent(text: &str) -> Option<i32> {
    let (negative, digits) = split_sign(text);
    if !is_digits(digits) || digits.len() > MAX_EXPONENT_DIGITS {
        return None;
    }
    let power: i32 = digits.parse().ok()?;
    Some(if negative { -power } else { power })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number whose digits stand elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
struct DecimalView<'a> {
    negative: bool,
    digits: &'a [u8],
    exponent: i32,
}

/// Numbers in the order of their exact values (L-615).
impl Ord for DecimalView<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (Ordering::Greater, Ordering::Greater) => self.cmp_magnitude(other),
            (Ordering::Less, Ordering::Less) => other.cmp_magnitude(self),
            (left, right) => left.cmp(&right),
        }
    }
}

impl PartialOrd for DecimalView<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> DecimalView<'a> {
    fn of(number: &'a Decimal) -> Self {
        let Decimal { negative, digits, exponent } = number;
        Self { negative: *negative, digits: digits.as_bytes(), exponent: *exponent }
    }

    /// How the number compares with zero.
    fn sign(&self) -> Ordering {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    /// Compares two numbers other than zero without their signs. The first digit is not 0, so the
    /// exponent decides first; digits after a common point compare as text.
    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(other.digits))
    }
}

/// Numbers in the order of their exact values (L-615).
impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        DecimalView::of(self).cmp(&DecimalView::of(other))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads a boolean (L-617): `true` or `false`, in any ASCII case.
pub fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Reads bytes (L-618): base64 in the standard alphabet, padded, without white space and with
/// the unused bits zero.
pub fn parse_binary(text: &str) -> Option<Box<[u8]>> {
    STANDARD.decode(text).ok().map(Vec::into_boxed_slice)
}

/// A block of addresses and what can be said about its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpBlockReading {
    /// The block, host bits cleared.
    pub block: IpBlock,
    /// The text has bits set beyond the prefix (`IMPROVE_IP_RANGE`).
    pub has_host_bits: bool,
}

/// Reads the address block of a policy (L-619): an address with or without `/n`.
pub fn parse_ip_block(text: &str) -> Option<IpBlock> {
    read_ip_block(text).map(|reading| reading.block)
}

/// Reads the address block of a policy and tells whether it has host bits (L-619).
pub fn read_ip_block(text: &str) -> Option<IpBlockReading> {
    let (address, prefix_text) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = address_bits(address);
    let prefix_len = match prefix_text {
        Some(prefix) => parse_prefix_len(prefix).filter(|n| *n <= width)?,
        None => width,
    };
    let (address, prefix_len) = unmap_block(address, prefix_len);
    let network = clear_host_bits(address, prefix_len);
    Some(IpBlockReading {
        block: IpBlock { address: network, prefix_len },
        has_host_bits: network != address,
    })
}

/// Reads the address of a request (L-619): bare, an IPv4-mapped one as the IPv4 address it holds.
pub fn parse_ip_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// A prefix length in plain decimal, without sign and leading zeros.
fn parse_prefix_len(text: &str) -> Option<u8> {
    let plain = is_digits(text) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// How many bits the addresses of a family have.
fn address_bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The bits of an IPv4-mapped address before the IPv4 address it holds.
const MAPPED_BITS: u8 = 96;

/// An IPv4-mapped block as the IPv4 block it is, when the prefix covers the whole mapping.
fn unmap_block(address: IpAddr, prefix_len: u8) -> (IpAddr, u8) {
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
        && prefix_len >= MAPPED_BITS
    {
        (v4.into(), prefix_len - MAPPED_BITS)
    } else {
        (address, prefix_len)
    }
}

fn clear_host_bits(address: IpAddr, prefix_len: u8) -> IpAddr {
    let n_host = u32::from(address_bits(address).saturating_sub(prefix_len));
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(n_host).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(n_host).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

impl IpBlock {
    /// Whether an address lies inside the block (L-619). Different families never match; take
    /// the address from [`parse_ip_address`], so that IPv4-mapped ones have become IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && clear_host_bits(address, self.prefix_len) == self.address
    }
}

/// The form in which `StringEqualsIgnoreCase` compares texts (L-614): each character in upper and
/// then lower case, where these are one character. Borrowed when nothing changes.
///
/// ```
/// use assize_policy::value::fold_unicode;
///
/// assert_eq!(fold_unicode("ÉCOLE"), "école");
/// assert_eq!(fold_unicode("straße"), "straße");
/// ```
pub fn fold_unicode(text: &str) -> Cow<'_, str> {
    match text.char_indices().find(|(_, c)| fold_char(*c) != *c) {
        Some((at, _)) => {
            let mut folded = String::with_capacity(text.len());
            folded.push_str(&text[..at]);
            folded.extend(text[at..].chars().map(fold_char));
            Cow::Owned(folded)
        }
        None => Cow::Borrowed(text),
    }
}

/// Whether two texts are equal without regard to case (L-614).
pub fn eq_ignore_case(left: &str, right: &str) -> bool {
    left.chars().map(fold_char).eq(right.chars().map(fold_char))
}

/// lower(upper(c)) where both are one character, else c (L-614).
fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    only(c.to_uppercase()).and_then(|upper| only(upper.to_lowercase())).unwrap_or(c)
}

/// The only item of an iterator of exactly one.
fn only(mut mapping: impl Iterator<Item = char>) -> Option<char> {
    let first = mapping.next()?;
    mapping.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests;
