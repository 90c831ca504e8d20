//! What may be done with a key of `context`: supplied freely, derived only, or a field's twin
//! (E-23, E-24).

use assize_catalog::Catalog;
use assize_compiler::KeyId;
use assize_model::{ConditionKey, KeyShape, Request, fold_key, is_claim, is_never_carried};

use super::plain::PlainUse;
use super::{Resolver, policies};

/// A key that some request has carried.
#[derive(Debug)]
pub(super) struct KeyFacts {
    pub(super) key: ConditionKey,
    /// Two spellings of one key share it.
    pub(super) fold: u32,
    pub(super) rule: KeyRule,
    pub(super) shape: Option<KeyShape>,
    /// The column, if some policy asks about the key.
    pub(super) column: Option<KeyId>,
    /// The key that stood behind it in the last request: requests repeat the order of their keys.
    pub(super) follower: u32,
    /// Whoever gives it to a call that assumes a role is checked for more (E-90).
    pub(super) is_of_session: bool,
    /// How it is taken on the short way.
    pub(super) plain: PlainUse,
}

/// How a key of `context` may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyRule {
    /// Freely (E-24).
    Free,
    /// Only as the principal and its session have it (E-15 – E-17).
    Principal,
    /// As [`KeyRule::Principal`]; a user without session may state it here (E-23).
    Mfa,
    /// Only as derived from the resource's owner (E-20).
    ResourceOwner,
    /// A tag of the resource, if nobody else has said its tags (E-23): the bytes of the prefix.
    ResourceTag(usize),
    /// As the field it belongs to, if that is given (E-18, E-19, E-21, E-22).
    Own(OwnKey),
    /// A tag of the request (E-21): as the field.
    RequestTag,
    /// The same under a name of a service, for the actions that know it: the bytes of the prefix.
    ServiceRequestTag(usize),
    /// The list of the tags of the request under a name of a service, for such actions.
    ServiceTagKeys,
    /// Not at all: no request carries it (L-605, L-707, L-710).
    Never,
}

macro_rules! own_keys {
    ($($name:ident = $key:literal,)+) => {
        /// The keys that have a field of their own (E-18, E-19, E-21, E-22).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub(super) enum OwnKey { $($name,)+ }

        impl OwnKey {
            /// All of them; positions are the values.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name as AWS spells it.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }
        }
    };
}

own_keys! {
    SourceIp = "aws:SourceIp",
    VpcSourceIp = "aws:VpcSourceIp",
    SourceVpce = "aws:SourceVpce",
    SourceVpc = "aws:SourceVpc",
    SourceVpcArn = "aws:SourceVpcArn",
    VpceAccount = "aws:VpceAccount",
    VpceOrgId = "aws:VpceOrgID",
    VpceOrgPaths = "aws:VpceOrgPaths",
    CurrentTime = "aws:CurrentTime",
    EpochTime = "aws:EpochTime",
    SecureTransport = "aws:SecureTransport",
    UserAgent = "aws:UserAgent",
    Referer = "aws:referer",
    RequestedRegion = "aws:RequestedRegion",
    TagKeys = "aws:TagKeys",
    ViaAwsService = "aws:ViaAWSService",
    CalledVia = "aws:CalledVia",
    CalledViaFirst = "aws:CalledViaFirst",
    CalledViaLast = "aws:CalledViaLast",
}

/// How many keys have a field of their own.
pub(super) const N_OWN_KEYS: usize = OwnKey::ALL.len();

/// Keys of E-15 – E-17 that have no prefix in common, folded and sorted.
const PRINCIPAL_KEYS: [&str; 26] = [
    "aws:assumedroot",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:federatedprovider",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltype",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:tokenissuetime",
    "aws:userid",
    "aws:username",
    "ec2:roledelivery",
    "ec2:sourceinstancearn",
    "glue:credentialissuingservice",
    "glue:roleassumedby",
    "lambda:sourcefunctionarn",
    "ssm:sourceinstancearn",
];

impl KeyRule {
    /// Whether a text that no policy asks about needs no look: it contradicts nothing and nothing
    /// follows from it.
    #[inline]
    pub(super) fn is_idle(self, request: &Request<'_>) -> bool {
        match self {
            Self::Free => true,
            Self::Own(OwnKey::UserAgent | OwnKey::Referer | OwnKey::SecureTransport) => {
                request.network.is_none()
            }
            _ => false,
        }
    }

    /// Whether a value that nothing else speaks of is taken as it is.
    pub(super) fn is_unchecked(self) -> bool {
        matches!(
            self,
            Self::Free
                | Self::ResourceTag(_)
                | Self::Principal
                | Self::ServiceRequestTag(_)
                | Self::ServiceTagKeys
        )
    }

    /// The rule of a key by its folded name.
    pub(super) fn of(folded: &str) -> Self {
        if is_never_carried(folded) {
            return Self::Never;
        }
        if let Some(own) = OwnKey::ALL.iter().find(|own| own.name().eq_ignore_ascii_case(folded)) {
            return Self::Own(*own);
        }
        if folded == "aws:multifactorauthpresent" || folded == "aws:multifactorauthage" {
            return Self::Mfa;
        }
        if is_claim(folded)
            || folded.starts_with("aws:principaltag/")
            || PRINCIPAL_KEYS.binary_search(&folded).is_ok()
        {
            return Self::Principal;
        }
        if matches!(folded, "aws:resourceaccount" | "aws:resourceorgid" | "aws:resourceorgpaths") {
            return Self::ResourceOwner;
        }
        if folded.starts_with("aws:requesttag/") {
            return Self::RequestTag;
        }
        if folded.ends_with(":requestobjecttagkeys") {
            return Self::ServiceTagKeys;
        }
        if let Some(len) = request_tag_prefix(folded) {
            return Self::ServiceRequestTag(len);
        }
        match resource_tag_prefix(folded) {
            Some(len) => Self::ResourceTag(len),
            None => Self::Free,
        }
    }
}

/// The length of the prefix of a key that may carry a tag of the request (E-21).
fn request_tag_prefix(folded: &str) -> Option<usize> {
    let (head, tag) = folded.split_once('/')?;
    let (_, name) = head.split_once(':')?;
    let carries = matches!(name, "requesttag" | "req-tag" | "requestobjecttag");
    (carries && !tag.is_empty()).then_some(head.len() + 1)
}

/// The length of the prefix of a key that may carry a tag of the resource (L-710).
fn resource_tag_prefix(folded: &str) -> Option<usize> {
    // `rds:db-tag/` and its like are tags of the resource where the catalog says so.
    let (head, _) = folded.split_once('/')?;
    let (_, name) = head.split_once(':')?;
    let carries = name.ends_with("tag");
    let len = head.len() + 1;
    (carries && folded.len() > len).then_some(len)
}

impl KeyFacts {
    pub(super) fn new(
        catalog: &Catalog,
        spelling: &str,
        fold: u32,
        (column, asks_tag_keys): (Option<KeyId>, bool),
    ) -> Self {
        let key = ConditionKey::new(spelling);
        let rule = KeyRule::of(key.folded());
        let shape = Self::declared_shape(catalog, spelling);
        let folded = key.folded();
        let is_of_session =
            rule == KeyRule::RequestTag || matches!(folded, "aws:tagkeys" | "sts:sourceidentity");
        let plain = PlainUse::Long;
        let mut facts =
            Self { key, fold, rule, shape, column: None, follower: 0, is_of_session, plain };
        facts.set_column(column, asks_tag_keys);
        facts
    }

    /// The shape of a key, if it is declared.
    pub(super) fn declared_shape(catalog: &Catalog, spelling: &str) -> Option<KeyShape> {
        catalog.condition_key(spelling).and_then(|declared| declared.shape())
    }

    /// The column is found, or found anew; `asks_tag_keys` if some policy asks about
    /// `aws:TagKeys`, which follows from the tags of the request (E-21).
    pub(super) fn set_column(&mut self, column: Option<KeyId>, asks_tag_keys: bool) {
        self.column = column;
        self.plain = match self.rule {
            KeyRule::RequestTag if asks_tag_keys => PlainUse::Long,
            _ => PlainUse::of(self),
        };
    }
}

impl Resolver<'_> {
    /// The column of a key, if some policy asks about it.
    pub(super) fn key_column(&self, folded: &str) -> Option<KeyId> {
        self.overlay.key(&self.engine.tables, folded)
    }

    /// The facts of a key of `context`, by its spelling.
    pub(super) fn key(&mut self, spelling: &str) -> u32 {
        let guess = self.keys.get(self.last_key as usize).map_or(0, |last| last.follower);
        if self.keys.get(guess as usize).is_some_and(|facts| facts.key.spelling() == spelling) {
            self.last_key = guess;
            return guess;
        }
        let index = match self.key_index.get(spelling) {
            Some(index) => *index,
            None => self.new_key(spelling),
        };
        if let Some(last) = self.keys.get_mut(self.last_key as usize) {
            last.follower = index;
        }
        self.last_key = index;
        index
    }

    pub(super) fn new_key(&mut self, spelling: &str) -> u32 {
        let folded = fold_key(spelling);
        let next = u32::try_from(self.folds.len()).unwrap_or(u32::MAX);
        let fold = *self.fold_index.entry(folded.as_ref().into()).or_insert(next);
        if fold == next {
            self.folds.push(folded.as_ref().into());
        }
        // Keys of our own begin so, and no request may set them.
        let column = if folded.starts_with('\0') { None } else { self.key_column(&folded) };
        let columns = (column, self.asks(OwnKey::TagKeys));
        let facts = KeyFacts::new(&self.engine.catalog, spelling, fold, columns);
        let index = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(facts);
        self.key_index.insert(spelling.into(), index);
        self.seen.resize(self.folds.len(), 0);
        index
    }

    /// Whether some policy asks about a key.
    pub(super) fn asks(&self, key: OwnKey) -> bool {
        self.own_columns[key as usize].is_some()
    }

    /// A stamp that no key has yet.
    pub(super) fn next_stamp(&mut self) {
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.seen.fill(0);
            self.stamp = 1;
        }
    }

    /// The folded names of the keys that the context of the row at hand gives.
    pub(super) fn seen_keys(&self) -> impl Iterator<Item = &str> {
        let stamped = self.seen.iter().zip(&self.folds).filter(|(seen, _)| **seen == self.stamp);
        stamped.map(|(_, folded)| folded.as_ref())
    }

    /// Looks the columns of all keys up again after the overlay has learned new ones.
    pub(super) fn refresh_keys(&mut self) {
        let n_keys = self.overlay.keys().len();
        if n_keys == self.n_known_keys {
            return;
        }
        self.n_known_keys = n_keys;
        self.plain.forget_forms();
        for own in OwnKey::ALL {
            let folded = own.name().to_ascii_lowercase();
            self.own_columns[*own as usize] = self.key_column(&folded);
        }
        let asked = OwnKey::ALL.iter().zip(&self.own_columns);
        self.asked_own = asked.filter_map(|(own, column)| Some((*own, (*column)?))).collect();
        self.mfa_columns = [
            self.key_column("aws:multifactorauthpresent"),
            self.key_column("aws:multifactorauthage"),
        ];
        self.encryption_column = self.key_column(policies::N_ENCRYPTION_CONTEXT_KEYS);
        self.tag_index.clear();
        self.tag_columns.clear();
        for at in 0..self.keys.len() {
            let folded = self.keys[at].key.folded();
            let column = if folded.starts_with('\0') { None } else { self.key_column(folded) };
            let asks_tag_keys = self.asks(OwnKey::TagKeys);
            self.keys[at].set_column(column, asks_tag_keys);
        }
        for at in 0..self.principals.len() {
            let keys: Vec<_> = self.principals[at].derived.iter().cloned().collect();
            let constants = self.constants(&keys);
            self.principal_entries.set_constants(at, constants);
        }
        for at in 0..self.key_lists.len() {
            let keys = std::mem::take(&mut self.key_lists[at]);
            self.key_constants[at] = self.constants(&keys);
            self.key_lists[at] = keys;
        }
        if self.is_partial {
            self.refresh_gaps();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, expected: KeyRule) {
        assert_eq!(KeyRule::of(&key.to_ascii_lowercase()), expected, "{key}");
    }

    #[test]
    fn keys_fall_under_the_rule_that_derives_them() {
        assert!(PRINCIPAL_KEYS.is_sorted());
        check("aws:PrincipalTag/team", KeyRule::Principal);
        check("aws:SourceArn", KeyRule::Principal);
        check("aws:SourceIp", KeyRule::Own(OwnKey::SourceIp));
        check("aws:MultiFactorAuthPresent", KeyRule::Mfa);
        check("aws:ResourceAccount", KeyRule::ResourceOwner);
        check("ec2:ResourceTag/team", KeyRule::ResourceTag(16));
        check("s3:BucketTag/team", KeyRule::ResourceTag(13));
        check("aws:RequestTag/team", KeyRule::RequestTag);
        check("rds:req-tag/team", KeyRule::ServiceRequestTag(12));
        check("s3:RequestObjectTagKeys", KeyRule::ServiceTagKeys);
        check("s3:prefix", KeyRule::Free);
        for key in ["plain", ":plain", "aws:ARN", "aws:RequestTag/", "s3:RequestObjectTag"] {
            check(key, KeyRule::Never);
        }
    }
}
