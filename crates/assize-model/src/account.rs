//! Accounts, partitions and places in an organization.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// An AWS account id: twelve ASCII digits, leading zeros significant (L-309).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        // INVARIANT: only ASCII digits are stored (test `an_account_id_is_twelve_digits`).
        std::str::from_utf8(&self.0).expect("an account id holds ASCII digits")
    }
}

impl FromStr for AccountId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        <[u8; 12]>::try_from(text.as_bytes())
            .ok()
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .map(Self)
            .ok_or_else(|| Error::new(ErrorKind::AccountId, text))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({})", self.as_str())
    }
}

/// The partitions known by name (L-802).
const KNOWN_PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// A partition of AWS, such as `aws` or `aws-cn` (L-802).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Box<str>);

impl Partition {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether AWS has named this partition.
    pub fn is_known(&self) -> bool {
        KNOWN_PARTITIONS.contains(&&*self.0)
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self("aws".into())
    }
}

impl FromStr for Partition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let valid = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if valid { Ok(Self(text.into())) } else { Err(Error::new(ErrorKind::Partition, text)) }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of an account through its organization, as the keys `aws:PrincipalOrgPaths` and
/// `aws:ResourceOrgPaths` hold it: `o-…/r-…/ou-…/…/` with a closing slash (E-15).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgPath(Box<str>);

impl OrgPath {
    /// The path of ids from the organization to the parent of the account.
    pub fn new<'a>(organization: &str, nodes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = format!("{organization}/");
        for node in nodes {
            text.push_str(node);
            text.push('/');
        }
        Self(text.into())
    }

    /// The text with its closing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrgPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_twelve_digits() {
        assert_eq!("000011112222".parse::<AccountId>().unwrap().as_str(), "000011112222");
        for text in ["", "00001111222", "0000111122223", "0000-1111-22", "00001111222x", "٠٠٠٠"]
        {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_organization_path_ends_in_a_slash() {
        assert_eq!(OrgPath::new("o-1", ["r-1", "ou-2"]).as_str(), "o-1/r-1/ou-2/");
    }
}
