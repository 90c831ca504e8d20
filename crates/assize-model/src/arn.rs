//! Amazon Resource Names.

use std::fmt;
use std::str::FromStr;

use crate::{AccountId, Error, ErrorKind};

/// The six segments of an ARN, borrowed (L-801). The last keeps its colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArnParts<'a> {
    /// The partition, such as `aws`.
    pub partition: &'a str,
    /// The service prefix, such as `s3`.
    pub service: &'a str,
    /// The region, often empty.
    pub region: &'a str,
    /// The account segment: twelve digits, empty, or a word such as `aws`.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> ArnParts<'a> {
    /// Splits a text at its first five colons, or `None` when it is not `arn:` and five more
    /// segments. Empty segments are kept; see [`ArnParts::parse`] for the check.
    pub fn split(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?;
        let [partition, service, region, account] = colons(rest.as_bytes())?;
        Some(Self {
            partition: &rest[..partition],
            service: &rest[partition + 1..service],
            region: &rest[service + 1..region],
            account: &rest[region + 1..account],
            resource: &rest[account + 1..],
        })
    }

    /// The first five segments with their colons, and the last: what [`ArnParts::split`] splits,
    /// not taken further apart.
    pub fn split_header(text: &'a str) -> Option<(&'a str, &'a str)> {
        let rest = text.strip_prefix("arn:")?;
        let [.., account] = colons(rest.as_bytes())?;
        text.split_at_checked(text.len() - rest.len() + account + 1)
    }

    /// The segments of the ARN of a request: partition, service and resource are not empty
    /// (L-801).
    ///
    /// # Errors
    /// [`ErrorKind::Arn`].
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        Self::split(text)
            .filter(|p| !p.partition.is_empty() && !p.service.is_empty() && !p.resource.is_empty())
            .ok_or_else(|| Error::new(ErrorKind::Arn, text))
    }

    /// The account, when the segment holds twelve digits.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account.parse().ok()
    }
}

/// Where the first four colons stand. Eight bytes at a time: this runs for every request.
fn colons(text: &[u8]) -> Option<[usize; 4]> {
    let mut colons = [0; 4];
    let mut places = colons.iter_mut();
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut place = places.next()?;
    for (word, start) in words.iter().chain([&last]).zip((0..).step_by(8)) {
        let mut bits = colon_bits(u64::from_le_bytes(*word));
        while bits != 0 {
            *place = start + bits.trailing_zeros() as usize / 8;
            match places.next() {
                Some(next) => place = next,
                None => return Some(colons),
            }
            bits &= bits - 1;
        }
    }
    None
}

/// The highest bit of each byte that is a colon.
fn colon_bits(word: u64) -> u64 {
    const LOW_BITS: u64 = u64::from_ne_bytes([0x7f; 8]);
    let zero_at_colons = word ^ u64::from_ne_bytes([b':'; 8]);
    !(((zero_at_colons & LOW_BITS) + LOW_BITS) | zero_at_colons | LOW_BITS)
}

/// The ARN of one resource or principal. Its text is literal: wildcards and `${…}` in it have
/// no meaning (L-003).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn(Box<str>);

impl Arn {
    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The six segments.
    pub fn parts(&self) -> ArnParts<'_> {
        // INVARIANT: an `Arn` is made by `FromStr` alone, which has split the same text
        // (test `an_arn_round_trips`).
        ArnParts::split(&self.0).expect("the text was split when the ARN was made")
    }
}

impl FromStr for Arn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        ArnParts::parse(text)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arn({})", self.0)
    }
}

impl AsRef<str> for Arn {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, valid: bool) {
        assert_eq!(text.parse::<Arn>().is_ok(), valid, "{text}");
    }

    #[test]
    fn an_arn_round_trips() {
        let text = "arn:aws:s3:::b/a:b:c";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        assert_eq!(arn.parts().resource, "b/a:b:c");
        assert_eq!(arn.parts().account, "");
    }

    #[test]
    fn an_arn_is_split_at_its_first_colons_wherever_they_are() {
        for n in 0..20 {
            for header in ["p:s:r:a", ":::", "a:b::", "a:bb:cc:é"] {
                let header = header.replacen(':', &format!("{}:", "x".repeat(n)), 3);
                let text = format!("arn:{header}:{}", ":r".repeat(n % 3));
                let mut segments = text.splitn(6, ':').skip(1);
                let parts = ArnParts::split(&text).unwrap();
                let found = [parts.partition, parts.service, parts.region, parts.account];
                assert_eq!(found.map(Some), [0; 4].map(|_| segments.next()), "{text}");
                assert_eq!(Some(parts.resource), segments.next(), "{text}");
                let head = format!("arn:{header}:");
                assert_eq!(ArnParts::split_header(&text), Some((&*head, parts.resource)));
                assert!(ArnParts::split(&format!("arn:{header}")).is_none());
            }
        }
    }

    #[test]
    fn an_arn_needs_partition_service_and_resource() {
        check("arn:aws:s3:::b", true);
        check("arn:aws:s3:::", false);
        check("arn::s3:::b", false);
        check("arn:aws::::b", false);
        check("arn:aws:s3::b", false);
        check("*", false);
        check("ARN:aws:s3:::b", false);
    }
}
