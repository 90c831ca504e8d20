//! Condition keys and the context of a request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The folded form of a condition-key name: ASCII lower case (L-605). Borrowed when the name is
/// in lower case already.
pub fn fold_key(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Whether a name has the form of a condition key: a prefix, a colon and the rest (L-605).
pub fn is_key_form(name: &str) -> bool {
    name.find(':').is_some_and(|at| at > 0)
}

/// Whether a key, by its folded name, takes the name of a tag, or of a member of the encryption
/// context, and has none (L-710).
pub fn lacks_tag_key(folded: &str) -> bool {
    if matches!(folded, "kms:encryptioncontext" | "kms:encryptioncontext:") {
        return true;
    }
    let Some((prefix, name)) = folded.split_once(':') else {
        return false;
    };
    match name.strip_suffix('/').unwrap_or(name) {
        "resourcetag" | "existingobjecttag" | "requestobjecttag" => true,
        "principaltag" | "requesttag" => prefix == "aws",
        _ => false,
    }
}

/// Whether no request carries a key, by its folded name, whatever its context says: a name that
/// is none (L-605), `aws:ARN` (L-707), or a tag key that names no tag (L-710).
pub fn is_never_carried(folded: &str) -> bool {
    folded == "aws:arn" || !is_key_form(folded) || lacks_tag_key(folded)
}

/// Whether a key, by its folded name, is a claim of an identity provider (E-17). These have a
/// host, or `saml`, before the first colon; no service prefix holds a dot.
pub fn is_claim(folded: &str) -> bool {
    folded.split_once(':').is_some_and(|(prefix, _)| prefix == "saml" || prefix.contains('.'))
}

/// Whether a key, by its folded name, is a claim that the session still has, and not the call
/// alone that made it (E-17).
pub fn is_session_claim(folded: &str) -> bool {
    is_claim(folded)
        && match folded.strip_prefix("saml:") {
            Some(name) => matches!(name, "namequalifier" | "sub" | "sub_type"),
            None => {
                [":aud", ":sub", ":amr"].iter().any(|ending| folded.ends_with(ending))
                    || matches!(folded, "www.amazon.com:user_id" | "graph.facebook.com:id")
            }
        }
}

/// The name of a condition key: compared folded (L-605), kept as it was spelled.
#[derive(Clone)]
pub struct ConditionKey {
    folded: Box<str>,
    spelling: Box<str>,
}

impl ConditionKey {
    /// A key by any spelling.
    pub fn new(spelling: &str) -> Self {
        Self { folded: fold_key(spelling).into(), spelling: spelling.into() }
    }

    /// The name in ASCII lower case; two keys are the same key when these are equal.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The name as it was written.
    pub fn spelling(&self) -> &str {
        &self.spelling
    }
}

impl PartialEq for ConditionKey {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for ConditionKey {}

impl PartialOrd for ConditionKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ConditionKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl std::hash::Hash for ConditionKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl fmt::Debug for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConditionKey({})", self.spelling)
    }
}

/// Whether a key holds one value or several (language, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyShape {
    /// S: one value.
    Single,
    /// M: a list of values.
    Multivalued,
    /// A list of values, of which one alone is tested as that value is: AWS documents it for the
    /// keys of EventBridge that events are matched by.
    OneOrMany,
}

/// The type of the values of a declared key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// Any text.
    String,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Numeric,
    /// A date and time.
    Date,
    /// An IP address.
    IpAddress,
    /// Base64 text.
    Binary,
}

/// One value of a context key as a request gives it (F-12).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContextScalar<'a> {
    /// A JSON string.
    String(Cow<'a, str>),
    /// A JSON number, as its text (F-2).
    Number(Cow<'a, str>),
    /// A JSON boolean.
    Bool(bool),
}

impl<'a> ContextScalar<'a> {
    /// The value as text (L-609): strings as they are, booleans `true` and `false`, numbers in
    /// plain decimal form without exponent and without superfluous zeros.
    ///
    /// `None` for a number whose plain form would be longer than [`MAX_NUMBER_CHARS`].
    pub fn to_text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) => Some(text.clone()),
            Self::Bool(true) => Some(Cow::Borrowed("true")),
            Self::Bool(false) => Some(Cow::Borrowed("false")),
            Self::Number(text) => plain_decimal(text).map(Cow::Owned),
        }
    }
}

/// Longest plain decimal form of a number in a context, in characters.
pub const MAX_NUMBER_CHARS: usize = 1_100;

/// The plain decimal form of a JSON number.
fn plain_decimal(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The value is `digits` with the decimal point after `point` of them.
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    if digits.iter().all(|d| *d == b'0') {
        return Some("0".into());
    }
    let limit = i64::try_from(MAX_NUMBER_CHARS).ok()?;
    if point.abs() > limit || text.len() > MAX_NUMBER_CHARS {
        return None;
    }
    let digit = |at: i64| {
        usize::try_from(at).ok().and_then(|at| digits.get(at)).map_or('0', |d| char::from(*d))
    };
    let whole: String = (0..point.max(0)).map(digit).collect();
    let last = i64::try_from(digits.len()).ok()?;
    let fraction: String = (point.min(0)..last).filter(|at| *at >= point).map(digit).collect();
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let mut plain = String::new();
    if negative {
        plain.push('-');
    }
    plain.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(fraction);
    }
    Some(plain)
}

/// The value of a context key as a request gives it: a scalar or a list of scalars (F-12).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContextInput<'a> {
    /// One value.
    Scalar(ContextScalar<'a>),
    /// A list; the empty list makes the key absent (L-609).
    List(Vec<ContextScalar<'a>>),
}

/// The value of a key in the normalized context (L-609).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// One value.
    Single(Box<str>),
    /// One or more values.
    List(Vec<Box<str>>),
    /// Several entries fold to this name: present, but equal to nothing (L-606).
    Colliding,
}

/// One key of the normalized context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextEntry {
    /// The key, as first spelled.
    pub key: ConditionKey,
    /// Its value.
    pub value: ContextValue,
}

/// The normalized context of one check: everything conditions and variables can see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    entries: BTreeMap<Box<str>, ContextEntry>,
}

impl RequestContext {
    /// The entry of a key, by its folded name.
    pub fn get(&self, folded: &str) -> Option<&ContextEntry> {
        self.entries.get(folded)
    }

    /// Sets a key, replacing what it held.
    pub fn set(&mut self, key: ConditionKey, value: ContextValue) {
        self.entries.insert(key.folded().into(), ContextEntry { key, value });
    }

    /// Takes a key out.
    pub fn remove(&mut self, folded: &str) -> Option<ContextEntry> {
        self.entries.remove(folded)
    }

    /// The entries in order of their folded names.
    pub fn iter(&self) -> impl Iterator<Item = &ContextEntry> {
        self.entries.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, expected: &str) {
        let scalar = ContextScalar::Number(number.into());
        assert_eq!(scalar.to_text().as_deref(), Some(expected), "{number}");
    }

    /// L-609.
    #[test]
    fn numbers_become_plain_decimals() {
        check("1e3", "1000");
        check("1.0", "1");
        check("-0.50", "-0.5");
        check("0.0", "0");
        check("-0", "0");
        check("12.5e-1", "1.25");
        check("5e-3", "0.005");
        check("1.25e1", "12.5");
        check("100", "100");
        check("0e999999999999", "0");
    }

    #[test]
    fn a_number_beyond_the_limit_has_no_plain_form() {
        assert_eq!(ContextScalar::Number("1e99999".into()).to_text(), None);
        assert_eq!(ContextScalar::Number("1e999999999999999999999".into()).to_text(), None);
    }

    /// E-17.
    #[test]
    fn of_a_providers_claims_a_few_outlive_the_call() {
        for kept in [
            "saml:namequalifier",
            "saml:sub",
            "saml:sub_type",
            "accounts.google.com:aud",
            "oidc.eks.eu-west-1.amazonaws.com/id/abc:sub",
            "cognito-identity.amazonaws.com:amr",
        ] {
            assert!(is_claim(kept) && is_session_claim(kept), "{kept}");
        }
        for lost in ["saml:aud", "saml:cn", "accounts.google.com:oaud", "accounts.google.com:email"]
        {
            assert!(is_claim(lost) && !is_session_claim(lost), "{lost}");
        }
        for other in ["aws:sub", "sts:externalid", "sub", "x:host.example:sub"] {
            assert!(!is_claim(other) && !is_session_claim(other), "{other}");
        }
    }

    #[test]
    fn keys_compare_without_case() {
        assert_eq!(ConditionKey::new("AWS:sourceip"), ConditionKey::new("aws:SourceIp"));
        assert_eq!(ConditionKey::new("aws:SourceIp").to_string(), "aws:SourceIp");
    }
}
