//! The tables of a loaded catalog.
//!
//! Every string stands once in one buffer, beside a copy of that buffer in lower case at the same
//! offsets; everything else is rows of small integers in arrays. The rows are checked when they
//! are read ([`crate::snapshot`]), so look-ups index without asking again.

/// A string of the string table, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StrId(pub(crate) u32);

/// All strings of a catalog: printable ASCII, each once.
#[derive(Debug)]
pub(crate) struct Strings {
    text: Box<str>,
    lower: Box<str>,
    /// Where each string begins, and where the last one ends.
    starts: Vec<u32>,
}

impl Strings {
    /// The caller has checked that `text` is ASCII and that `starts` ascends from 0 to its
    /// length.
    pub(crate) fn new(text: String, starts: Vec<u32>) -> Self {
        let lower = text.to_ascii_lowercase().into();
        Self { text: text.into(), lower, starts }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn range(&self, id: StrId) -> std::ops::Range<usize> {
        let at = id.0 as usize;
        self.starts[at] as usize..self.starts[at + 1] as usize
    }

    /// The string as the catalog spells it.
    pub(crate) fn get(&self, id: StrId) -> &str {
        &self.text[self.range(id)]
    }

    /// The string in lower case.
    pub(crate) fn lower(&self, id: StrId) -> &str {
        &self.lower[self.range(id)]
    }
}

/// A list of a [`Lists`] pool. List 0 is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListId(pub(crate) u32);

/// Lists of small numbers, each different list once.
#[derive(Debug)]
pub(crate) struct Lists {
    /// Where each list begins, and where the last one ends.
    pub(crate) starts: Vec<u32>,
    pub(crate) items: Vec<u32>,
}

impl Lists {
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn get(&self, id: ListId) -> &[u32] {
        let at = id.0 as usize;
        &self.items[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Positions `start..end` of another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One service. Rows are sorted by prefix.
#[derive(Debug)]
pub(crate) struct ServiceRow {
    pub(crate) prefix: StrId,
    pub(crate) name: StrId,
    pub(crate) flags: u8,
    pub(crate) keys: ListId,
    pub(crate) actions: Span,
    pub(crate) types: Span,
}

impl ServiceRow {
    /// RCPs apply to the service (E-36).
    pub(crate) const RCP: u8 = 1;
    /// The service honors VPC endpoint policies (E-98).
    pub(crate) const ENDPOINT_POLICY: u8 = 2;
    /// One fixed region serves the whole partition (E-19).
    pub(crate) const GLOBAL: u8 = 4;
    pub(crate) const ALL_FLAGS: u8 = Self::RCP | Self::ENDPOINT_POLICY | Self::GLOBAL;
}

/// One action. Rows are sorted by service and, within it, by lower-case name.
#[derive(Debug)]
pub(crate) struct ActionRow {
    pub(crate) name: StrId,
    pub(crate) service: u32,
    pub(crate) resources: Span,
    pub(crate) keys: ListId,
    pub(crate) dependents: ListId,
    pub(crate) tag_keys: ListId,
    /// The wildcard form, if it is not `*`.
    pub(crate) form: Option<StrId>,
    pub(crate) level: crate::AccessLevel,
    pub(crate) flags: u8,
}

impl ActionRow {
    /// `aws:ResourceAccount` and its kin are absent (L-704).
    pub(crate) const RESOURCE_ACCOUNT_ABSENT: u8 = 1;
    /// No resource-based policy allows it to other accounts (E-55).
    pub(crate) const OWN_ACCOUNT_ONLY: u8 = 2;
    /// What the action creates has the tags of the request (E-20).
    pub(crate) const CREATES_WITH_TAGS: u8 = 4;
    /// A call is about the resources that it names, and about no more (E-68).
    pub(crate) const ALTERNATIVES: u8 = 8;
    /// No resource-based policy allows it to anyone (E-55).
    pub(crate) const IDENTITY_ONLY: u8 = 16;
    pub(crate) const ALL_FLAGS: u8 = Self::RESOURCE_ACCOUNT_ABSENT
        | Self::OWN_ACCOUNT_ONLY
        | Self::CREATES_WITH_TAGS
        | Self::ALTERNATIVES
        | Self::IDENTITY_ONLY;
}

/// One resource type of one action.
#[derive(Debug)]
pub(crate) struct ActionResourceRow {
    pub(crate) resource_type: u32,
    pub(crate) required: bool,
    pub(crate) keys: ListId,
    pub(crate) dependents: ListId,
    /// Keys that carry tags of the resource, of action, row and type together.
    pub(crate) tag_keys: ListId,
}

/// One resource type. Rows are sorted by service and name.
#[derive(Debug)]
pub(crate) struct TypeRow {
    pub(crate) name: StrId,
    pub(crate) service: u32,
    pub(crate) formats: Span,
    pub(crate) keys: ListId,
    pub(crate) tag_keys: ListId,
}

/// One condition key, or one pattern of keys. Rows are sorted by lower-case name.
#[derive(Debug)]
pub(crate) struct KeyRow {
    pub(crate) name: StrId,
    pub(crate) key_type: assize_model::KeyType,
    pub(crate) shape: Option<assize_model::KeyShape>,
    pub(crate) global: bool,
    /// Bytes before and after the placeholder of a pattern.
    pub(crate) pattern: Option<(u32, u32)>,
}

/// Everything a catalog says.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) strings: Strings,
    pub(crate) date: StrId,
    pub(crate) origin: StrId,
    pub(crate) regions: Vec<(StrId, StrId)>,
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) actions: Vec<ActionRow>,
    pub(crate) action_resources: Vec<ActionResourceRow>,
    pub(crate) types: Vec<TypeRow>,
    pub(crate) formats: crate::arn_format::Formats,
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) key_lists: Lists,
    pub(crate) action_lists: Lists,
}
