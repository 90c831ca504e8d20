//! Condition keys, global and of services.

use assize_model::{KeyShape, KeyType};

use crate::Catalog;
use crate::tables::{KeyRow, ListId};

/// A declared condition key, or a pattern of them such as `aws:ResourceTag/${TagKey}`.
#[derive(Debug, Clone, Copy)]
pub struct ConditionKeyReference<'a> {
    catalog: &'a Catalog,
    at: u32,
}

impl Catalog {
    /// The declaration of a condition key (L-709), without regard to ASCII case (L-605). `None`:
    /// the key is not declared, and keeps the shape that a request gives it (L-609).
    ///
    /// A key that carries a tag or another name after its prefix, such as
    /// `aws:RequestTag/Project`, finds the pattern it is of; the bare prefix finds nothing (L-710).
    /// A name that fits several patterns finds the longest.
    pub fn condition_key(&self, name: &str) -> Option<ConditionKeyReference<'_>> {
        let exact = self.index.key(&self.tables, name, false);
        let at = exact.or_else(|| self.key_pattern(name))?;
        Some(self.key(at))
    }

    /// All declared keys and patterns of keys, in byte order of their lower-case names.
    pub fn condition_keys(&self) -> impl ExactSizeIterator<Item = ConditionKeyReference<'_>> {
        // Reading has checked that the number of rows is a `u32`.
        let last = u32::try_from(self.tables.keys.len()).unwrap_or(u32::MAX);
        (0..last).map(|at| self.key(at))
    }

    fn key_pattern(&self, name: &str) -> Option<u32> {
        let separators = name.bytes().enumerate().filter(|(_, b)| matches!(b, b'/' | b':'));
        let heads = separators.map(|(at, _)| at + 1).filter(|&end| end < name.len());
        let by_head = heads.filter_map(|end| self.index.key(&self.tables, &name[..end], true));
        let inner = self.index.inner_patterns(&self.tables, name);
        let inner = inner.filter(|&at| self.key(at).matches_around(name));
        by_head.chain(inner).max_by_key(|&at| self.key(at).literal_bytes())
    }

    pub(crate) fn key(&self, at: u32) -> ConditionKeyReference<'_> {
        ConditionKeyReference { catalog: self, at }
    }

    pub(crate) fn keys(
        &self,
        list: ListId,
    ) -> impl ExactSizeIterator<Item = ConditionKeyReference<'_>> {
        self.tables.key_lists.get(list).iter().map(|&at| self.key(at))
    }
}

impl<'a> ConditionKeyReference<'a> {
    fn row(&self) -> &'a KeyRow {
        &self.catalog.tables.keys[self.at as usize]
    }

    /// The name as AWS spells it, with the placeholder if it is a pattern.
    pub fn name(&self) -> &'a str {
        self.catalog.tables.strings.get(self.row().name)
    }

    /// The type of the values.
    pub fn key_type(&self) -> KeyType {
        self.row().key_type
    }

    /// Whether the key holds one value or several. `None` where it depends on the issuer of the
    /// token (`aud` of web identities): the key keeps the shape that a request gives it.
    pub fn shape(&self) -> Option<KeyShape> {
        self.row().shape
    }

    /// Whether AWS sets the key for requests to every service, rather than to its own only.
    pub fn is_global(&self) -> bool {
        self.row().global
    }

    /// Whether it is a pattern: a name follows the prefix, or stands within the key.
    pub fn is_pattern(&self) -> bool {
        self.row().pattern.is_some()
    }

    /// The text before the placeholder of a pattern, such as `aws:ResourceTag/`; the whole name
    /// of any other key.
    pub fn stem(&self) -> &'a str {
        let name = self.name();
        self.row().pattern.map_or(name, |(head, _)| &name[..head as usize])
    }

    /// Whether the key carries a tag of the request: `aws:RequestTag/` or a service's own form.
    pub fn is_request_tag(&self) -> bool {
        let kind = self.stem().split_once(':').map_or("", |(_, kind)| kind);
        self.is_pattern() && matches!(kind, "RequestTag/" | "req-tag/" | "RequestObjectTag/")
    }

    fn tail(&self) -> &'a str {
        let name = self.name();
        self.row().pattern.map_or("", |(_, tail)| &name[name.len() - tail as usize..])
    }

    fn literal_bytes(&self) -> usize {
        self.stem().len() + self.tail().len()
    }

    /// Whether a name begins and ends as the pattern does, with something between.
    fn matches_around(&self, name: &str) -> bool {
        let (name, head, tail) = (name.as_bytes(), self.stem().as_bytes(), self.tail().as_bytes());
        name.len() > head.len() + tail.len()
            && name[..head.len()].eq_ignore_ascii_case(head)
            && name[name.len() - tail.len()..].eq_ignore_ascii_case(tail)
    }
}
