//! Columns of checks of which not every context key is known (evaluation, section 10).

use assize_model::Layer;

use crate::columns::{KeyId, RequestColumns, StatementPlace};

/// Which way what is unknown falls (E-127).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Against the request.
    Worst,
    /// For the request.
    Best,
}

/// A set of condition keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    words: Vec<u64>,
}

impl KeySet {
    /// Adds a key.
    pub fn insert(&mut self, key: KeyId) {
        let (word, bit) = (key.index() / 64, key.index() % 64);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << bit;
    }

    /// Whether it holds a key.
    #[inline]
    pub fn contains(&self, key: KeyId) -> bool {
        let word = self.words.get(key.index() / 64).copied().unwrap_or_default();
        word >> (key.index() % 64) & 1 != 0
    }
}

/// What a key says of the organization that an account is in (E-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationKey {
    /// Its id: `aws:PrincipalOrgID` and its like.
    Id,
    /// Paths, which begin with its id: `aws:PrincipalOrgPaths` and its like.
    Paths,
}

impl OrganizationKey {
    /// What a key says, by its folded name, if it is one of these.
    pub fn of(folded: &str) -> Option<Self> {
        let name = folded.strip_prefix("aws:")?;
        ["principal", "resource", "source", "vpce"].iter().find_map(|of| {
            match name.strip_prefix(of)? {
                "orgid" => Some(Self::Id),
                "orgpaths" => Some(Self::Paths),
                _ => None,
            }
        })
    }

    /// Whether all values that begin with a text, or are that text if it is `whole`, are of one of
    /// some organizations.
    pub(crate) fn is_of(self, organizations: &[Box<str>], begin: &str, whole: bool) -> bool {
        let id = match (self, begin.split_once('/')) {
            (Self::Id, None) if whole => begin,
            (Self::Paths, Some((id, _))) => id,
            _ => return false,
        };
        organizations.iter().any(|own| **own == *id)
    }
}

/// What a row leaves unknown (E-121, E-122).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Keys that are unknown if the row has no value for them.
    pub absent: KeySet,
    /// Keys that are unknown whatever the row has.
    pub hidden: KeySet,
    /// Keys of accounts that are in none of [`PartialColumns::organizations`]: of what is unknown of
    /// them, so much is known.
    pub elsewhere: Vec<(KeyId, OrganizationKey)>,
}

impl Gaps {
    /// Whether a key is one of an account that is in none of the organizations.
    pub(crate) fn elsewhere(&self, key: KeyId) -> Option<OrganizationKey> {
        self.elsewhere.iter().find(|(own, _)| *own == key).map(|(_, says)| *says)
    }
}

/// Checks in columns, and what is not known of them.
#[derive(Debug, Clone, Copy)]
pub struct PartialColumns<'a> {
    /// The checks. Their frames are those of the worst side.
    pub columns: &'a RequestColumns<'a>,
    /// The frame of each row on the best side, where refusals that look at an unknown key do not
    /// refuse (E-126).
    pub best_frame: &'a [u32],
    /// Positions in `gaps`, one a row.
    pub gap: &'a [u32],
    /// The distinct gaps.
    pub gaps: &'a [Gaps],
    /// The keys that are declared to hold one value (E-124).
    pub single: &'a KeySet,
    /// The organizations whose accounts are all known.
    pub organizations: &'a [Box<str>],
}

impl<'a> PartialColumns<'a> {
    /// What a row leaves unknown.
    pub(crate) fn gaps_of(&self, row: usize) -> Option<&'a Gaps> {
        self.gaps.get(*self.gap.get(row)? as usize)
    }

    /// The columns with the frames of a side.
    pub(crate) fn on(&self, side: Side) -> RequestColumns<'a> {
        match side {
            Side::Worst => *self.columns,
            Side::Best => RequestColumns { frame: self.best_frame, ..*self.columns },
        }
    }
}

/// A statement that can turn an open check (E-129).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelevantStatement {
    /// The layer it stands in.
    pub layer: Layer,
    /// Where it stands in the policy set of the layer.
    pub place: StatementPlace,
    /// Its unknown keys, in the order and spelling of its text.
    pub keys: Vec<assize_model::ConditionKey>,
}

/// What can turn an open check, refusals apart, in the order of E-129.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relevant {
    /// Deny statements.
    pub denies: Vec<RelevantStatement>,
    /// Allow statements.
    pub allows: Vec<RelevantStatement>,
}
