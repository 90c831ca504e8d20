//! Names, paths and ids: their grammar, and the ids this crate makes (I-12 – I-16, F-49).

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// Longest name of a user or role (I-12).
pub const MAX_USER_NAME: usize = 64;
/// Longest name of a group, managed policy or instance profile (I-12).
pub const MAX_NAME: usize = 128;
/// Longest path (I-13).
pub const MAX_PATH: usize = 512;
/// Longest name of an inline policy (I-14).
pub const MAX_POLICY_NAME: usize = 128;
/// Shortest and longest account alias (I-15).
pub const ALIAS_LENGTH: std::ops::RangeInclusive<usize> = 3..=63;
/// Shortest and longest unique id (I-16).
pub const UNIQUE_ID_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
/// Characters of a unique id made here behind its prefix (I-16).
pub const UNIQUE_ID_CHARS: usize = 17;
/// Longest tag key (I-23).
pub const MAX_TAG_KEY: usize = 128;
/// Longest tag value (I-23).
pub const MAX_TAG_VALUE: usize = 256;

/// The prefixes of unique ids (I-16).
pub const UNIQUE_ID_PREFIXES: [&str; 12] = [
    "AIDA", "AGPA", "AROA", "ANPA", "ANVA", "AIPA", "AKIA", "ASIA", "ASCA", "APKA", "ACCA", "ABIA",
];

/// The name that names of one kind are compared by: ASCII lower case (I-12).
pub fn fold_name(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// A unique id made from an ARN: the prefix and the first [`UNIQUE_ID_CHARS`] characters of the
/// base32 form of the ARN's SHA-256, so that runs are repeatable (F-49).
///
/// ```
/// let id = assize_store::unique_id("AIDA", "arn:aws:iam::111122223333:user/ana");
/// assert_eq!(id.len(), 21);
/// assert_eq!(id, assize_store::unique_id("AIDA", "arn:aws:iam::111122223333:user/ana"));
/// ```
pub fn unique_id(prefix: &str, arn: &str) -> Box<str> {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R',
        'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let digest = Sha256::digest(arn.as_bytes());
    let mut id = String::from(prefix);
    let (mut bits, mut n_bits) = (0u32, 0u32);
    for &byte in &digest {
        bits = bits << 8 | u32::from(byte);
        n_bits += 8;
        while n_bits >= 5 {
            n_bits -= 5;
            id.push(ALPHABET[(bits >> n_bits & 31) as usize]);
        }
        bits &= (1 << n_bits) - 1;
    }
    id.truncate(prefix.len() + UNIQUE_ID_CHARS);
    id.into()
}

/// Whether this is a name of a user, group, role, managed policy or instance profile (I-12).
pub(crate) fn is_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b))
}

/// Whether this is a path (I-13).
pub(crate) fn is_path(text: &str) -> bool {
    text.len() <= MAX_PATH
        && text.starts_with('/')
        && text.ends_with('/')
        && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
}

/// Whether this is the name of an inline policy (I-14).
pub(crate) fn is_policy_name(text: &str) -> bool {
    (1..=MAX_POLICY_NAME).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"\\/*?".contains(&b))
}

/// Whether this is an account alias (I-15).
pub(crate) fn is_alias(text: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_account_id = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    ALIAS_LENGTH.contains(&text.len()) && text.split('-').all(is_word) && !is_account_id
}

/// Whether this is a unique id, ours or AWS's (I-16).
pub(crate) fn is_unique_id(text: &str) -> bool {
    UNIQUE_ID_LENGTH.contains(&text.len())
        && UNIQUE_ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether a text is a prefix and that many characters of ASCII lower case and digits, in
/// segments of the given lengths joined by `-` (I-2, I-3).
pub(crate) fn is_id(
    text: &str,
    prefix: &str,
    segments: &[std::ops::RangeInclusive<usize>],
) -> bool {
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    let mut parts = rest.split('-');
    let all = segments.iter().all(|length| {
        parts.next().is_some_and(|part| {
            length.contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
    });
    all && parts.next().is_none()
}

/// Whether these are characters of a tag (I-23).
pub(crate) fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_from_the_arn_alone() {
        // The first 85 bits of SHA-256 of the empty text, in base32.
        assert_eq!(&*unique_id("AROA", ""), "AROA4OYMIQUY7QOBJGX36");
        assert!(is_unique_id(&unique_id("AIDA", "arn:aws:iam::111122223333:user/ana")));
    }

    #[test]
    fn names_have_a_grammar() {
        for name in ["a", "A+=,.@_-9", &"x".repeat(64)] {
            assert!(is_name(name, MAX_USER_NAME), "{name}");
        }
        for name in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(!is_name(name, MAX_USER_NAME), "{name}");
        }
    }

    #[test]
    fn paths_begin_and_end_with_a_slash() {
        assert!(["/", "/a/", "/a/b~!/", "//"].into_iter().all(is_path));
        assert!(!["", "a", "/a", "a/", "/a b/", "/ä/"].into_iter().any(is_path));
        assert!(!is_path(&format!("/{}/", "x".repeat(MAX_PATH))));
    }

    #[test]
    fn inline_policy_names_have_no_wildcards_and_blanks() {
        assert!(["a", "a.b", "{x}", "a|b"].into_iter().all(is_policy_name));
        assert!(!["", "a b", "a/b", "a*", "a?", "a\\b", "ä"].into_iter().any(is_policy_name));
    }

    #[test]
    fn aliases_are_no_account_ids() {
        assert!(["abc", "a-b-c", "12345678901", "1234567890123"].into_iter().all(is_alias));
        assert!(!["ab", "-ab", "ab-", "a--b", "Abc", "123456789012"].into_iter().any(is_alias));
    }

    #[test]
    fn unique_ids_have_a_known_prefix() {
        assert!(is_unique_id("AIDA1234567890EXAMPLE"));
        assert!(!is_unique_id("XIDA1234567890EXAMPLE"));
        assert!(!is_unique_id("AIDA"));
        assert!(!is_unique_id("AIDA1234567890example"));
    }

    #[test]
    fn organization_ids_have_segments() {
        assert!(is_id("ou-ab12-0123456789", "ou-", &[4..=32, 8..=32]));
        assert!(!is_id("ou-ab12", "ou-", &[4..=32, 8..=32]));
        assert!(!is_id("ou-ab12-0123456789-x", "ou-", &[4..=32, 8..=32]));
        assert!(!is_id("r-AB12", "r-", &[4..=32]));
    }
}
