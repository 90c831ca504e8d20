//! Actions: look-up, expansion of patterns, and what the reference says of each.

use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

use assize_model::{ActionId, Id, ServiceId};

use crate::tables::{ActionResourceRow, ActionRow, Span};
use crate::{
    Catalog, ConditionKeyReference, ResourceType, ResourceTypeId, ServiceReference, index,
};

/// How AWS classifies what an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AccessLevel {
    /// Lists resources.
    List,
    /// Reads contents of resources.
    Read,
    /// Creates, changes or deletes resources.
    Write,
    /// Changes tags only.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl AccessLevel {
    /// Every level.
    pub const ALL: [Self; 5] =
        [Self::List, Self::Read, Self::Write, Self::Tagging, Self::PermissionsManagement];

    /// The level as AWS writes it, such as `Permissions management`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Tagging => "Tagging",
            Self::PermissionsManagement => "Permissions management",
        }
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A run of action ids, in order.
///
/// Ids are numbered by lower-case service prefix and then by lower-case name, in byte order, so
/// that `service:*` and `service:Prefix*` are each one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRange {
    start: u32,
    end: u32,
}

impl ActionRange {
    pub(crate) fn new(span: Span) -> Self {
        Self { start: span.start, end: span.end }
    }

    /// Whether an action is in the run.
    pub fn contains(&self, action: ActionId) -> bool {
        (self.start..self.end).contains(&action.get())
    }

    /// The positions of the ids.
    pub fn positions(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Iterator for ActionRange {
    type Item = ActionId;

    fn next(&mut self) -> Option<ActionId> {
        if self.start >= self.end {
            return None;
        }
        let id = ActionId::new(self.start);
        self.start += 1;
        id
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.end.saturating_sub(self.start) as usize;
        (n, Some(n))
    }
}

impl ExactSizeIterator for ActionRange {}
impl FusedIterator for ActionRange {}

/// What stands as resource text for an action that takes no resource (E-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WildcardForm<'a> {
    /// The single character `*`.
    Star,
    /// An ARN in which `${Partition}` and `${Account}` are to be filled in, such as
    /// `arn:${Partition}:iam::${Account}:user/`.
    Template(&'a str),
}

impl<'a> WildcardForm<'a> {
    /// The resource text for a principal of this partition and account.
    ///
    /// A path prefix in the call (`iam:ListUsers` with one) is for the caller to append.
    pub fn render(self, partition: &str, account: &str) -> Cow<'a, str> {
        match self {
            Self::Star => Cow::Borrowed("*"),
            Self::Template(text) => {
                Cow::Owned(text.replace("${Partition}", partition).replace("${Account}", account))
            }
        }
    }
}

/// One action of the reference.
#[derive(Debug, Clone, Copy)]
pub struct ActionReference<'a> {
    catalog: &'a Catalog,
    id: ActionId,
}

/// One resource type that an action can be about.
#[derive(Debug, Clone, Copy)]
pub struct ActionResource<'a> {
    catalog: &'a Catalog,
    row: &'a ActionResourceRow,
}

impl Catalog {
    /// How many actions there are; their ids are `0..n_actions()`.
    pub fn n_actions(&self) -> usize {
        self.tables.actions.len()
    }

    /// All actions in order of their ids.
    pub fn actions(&self) -> impl ExactSizeIterator<Item = ActionReference<'_>> {
        let last = self.tables.actions.len();
        (0..last).map(|at| ActionReference { catalog: self, id: ActionId::from_index(at) })
    }

    /// The actions of a service.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn actions_of(&self, service: ServiceId) -> ActionRange {
        self.service_ref(service).actions()
    }

    /// The action of a service prefix and a name, without regard to ASCII case (E-4). Does not
    /// allocate: one hash of both words and one comparison.
    pub fn action(&self, service_prefix: &str, name: &str) -> Option<ActionId> {
        self.index.action(&self.tables, service_prefix, name).and_then(ActionId::new)
    }

    /// The action written `service:Name`, without regard to ASCII case (E-4).
    pub fn action_by_full_name(&self, full_name: &str) -> Option<ActionId> {
        let (service, name) = full_name.split_once(':')?;
        self.action(service, name)
    }

    /// The action of an id.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn action_ref(&self, id: ActionId) -> ActionReference<'_> {
        assert!(id.index() < self.tables.actions.len(), "action id of another catalog");
        ActionReference { catalog: self, id }
    }

    /// The name of an action in lower case, without its service, for other matchers.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn lower_name(&self, id: ActionId) -> &str {
        self.tables.strings.lower(self.tables.actions[id.index()].name)
    }

    /// The actions that an action pattern matches (L-222): `vendor` equal to the service prefix
    /// and the name matching `name_pattern` (`*` any text, `?` one character), both without
    /// regard to ASCII case. The runs ascend and do not touch.
    ///
    /// The bare pattern `*` is not of this form: it matches every action. A literal costs one
    /// look-up, a pattern whose only wildcards end it two binary searches; any other is matched
    /// against the names that begin as it does.
    pub fn expand(&self, vendor: &str, name_pattern: &str) -> Vec<ActionRange> {
        let Some(wildcard) = name_pattern.find(['*', '?']) else {
            let found = self.index.action(&self.tables, vendor, name_pattern);
            return found.map(|start| ActionRange { start, end: start + 1 }).into_iter().collect();
        };
        let Some(service) = self.service(vendor) else { return Vec::new() };
        let pattern = name_pattern.to_ascii_lowercase();
        let head = &pattern[..wildcard];
        let tail = &pattern.as_bytes()[head.len()..];
        let all = service.actions();
        let span = index::prefix_span(Span { start: all.start, end: all.end }, head, |at| {
            self.tables.strings.lower(self.tables.actions[at as usize].name)
        });
        if tail.iter().all(|&b| b == b'*') {
            return if span.start < span.end { vec![ActionRange::new(span)] } else { Vec::new() };
        }
        self.filter_actions(span, head.len(), tail)
    }

    /// The actions of `span` whose lower-case names match `tail` after `skip` bytes.
    fn filter_actions(&self, span: Span, skip: usize, tail: &[u8]) -> Vec<ActionRange> {
        let mut runs: Vec<ActionRange> = Vec::new();
        for at in span.start..span.end {
            let name = self.tables.strings.lower(self.tables.actions[at as usize].name);
            if index::glob(tail, &name.as_bytes()[skip..]) {
                match runs.last_mut() {
                    Some(run) if run.end == at => run.end = at + 1,
                    _ => runs.push(ActionRange { start: at, end: at + 1 }),
                }
            }
        }
        runs
    }

    /// What stands as resource text for an action that takes no resource (E-6): `*` unless the
    /// reference knows another form.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn wildcard_form(&self, id: ActionId) -> WildcardForm<'_> {
        match self.tables.actions[id.index()].form {
            None => WildcardForm::Star,
            Some(text) => WildcardForm::Template(self.tables.strings.get(text)),
        }
    }

    /// Whether `aws:ResourceAccount`, `aws:ResourceOrgID` and `aws:ResourceOrgPaths` are absent
    /// from requests for this action, although there is a resource account (L-704).
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn resource_account_keys_absent(&self, id: ActionId) -> bool {
        self.tables.actions[id.index()].flags & ActionRow::RESOURCE_ACCOUNT_ABSENT != 0
    }

    /// Whether what a resource-based policy allows of this action to identities of other accounts
    /// has no effect (E-55).
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn is_own_account_only(&self, id: ActionId) -> bool {
        self.tables.actions[id.index()].flags & ActionRow::OWN_ACCOUNT_ONLY != 0
    }

    /// Whether what a resource-based policy allows of this action has no effect for anyone, since
    /// the service asks identity policies alone (E-55).
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn is_identity_only(&self, id: ActionId) -> bool {
        self.tables.actions[id.index()].flags & ActionRow::IDENTITY_ONLY != 0
    }

    /// The beginnings of the condition keys that carry the tags of the resource, for an action on
    /// a resource of a type (E-20): `aws:ResourceTag/` and the service's own forms, such as
    /// `ec2:ResourceTag/` or `s3:ExistingObjectTag/`, in byte order. None of them means that the
    /// service does not authorize by tags there.
    ///
    /// A type that the action does not list counts with the keys of action and type together;
    /// without a type the action's own keys count.
    ///
    /// Keys that carry the tags of *another* resource, such as `s3:BucketTag/` in a request for
    /// an object, are not among them: their values come from the request.
    ///
    /// # Panics
    /// When an id is of another catalog and out of the range of this one.
    pub fn resource_tag_keys(
        &self,
        action: ActionId,
        resource_type: Option<ResourceTypeId>,
    ) -> impl Iterator<Item = &str> {
        let row = &self.tables.actions[action.index()];
        let listed = resource_type.and_then(|wanted| {
            let mut rows = self.tables.action_resources[row.resources.range()].iter();
            rows.find(|listed| listed.resource_type as usize == wanted.index())
        });
        let (first, second) = match (listed, resource_type) {
            (Some(listed), _) => (listed.tag_keys, None),
            (None, Some(wanted)) => {
                (row.tag_keys, Some(self.tables.types[wanted.index()].tag_keys))
            }
            (None, None) => (row.tag_keys, None),
        };
        let first = self.tables.key_lists.get(first);
        let second = second.map_or(&[][..], |list| self.tables.key_lists.get(list));
        let more = second.iter().filter(|key| !first.contains(key));
        first.iter().chain(more).map(|&key| self.key(key).stem())
    }

    /// The beginnings of the condition keys, beside `aws:RequestTag/`, that carry the tags of the
    /// request for an action (E-21), such as `rds:req-tag/`.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn request_tag_keys(&self, action: ActionId) -> impl Iterator<Item = &str> {
        let keys = self.action_ref(action).condition_keys();
        keys.filter(|key| !key.is_global() && key.is_request_tag()).map(|key| key.stem())
    }

    /// The condition keys, beside `aws:TagKeys`, that list the tags of the request for an action
    /// (E-21): `s3:RequestObjectTagKeys` and its like.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn request_tag_lists(&self, action: ActionId) -> impl Iterator<Item = &str> {
        let keys = self.action_ref(action).condition_keys().map(|key| key.name());
        keys.filter(|name| name.ends_with(":RequestObjectTagKeys"))
    }

    /// Whether the resource types of an action are alternatives: a call is about those resources
    /// that it names, and about no more (E-68).
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn types_are_alternatives(&self, id: ActionId) -> bool {
        self.tables.actions[id.index()].flags & ActionRow::ALTERNATIVES != 0
    }

    /// Whether the resource that an action creates has the tags of the request as its own already
    /// when the request is decided (E-20).
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn creates_with_tags(&self, id: ActionId) -> bool {
        self.tables.actions[id.index()].flags & ActionRow::CREATES_WITH_TAGS != 0
    }

    /// The action of a service whose name is nearest to a misspelled one, for messages.
    pub fn nearest_action(&self, service_prefix: &str, name: &str) -> Option<ActionId> {
        let all = self.service(service_prefix)?.actions();
        let name_of = |at: u32| self.tables.strings.lower(self.tables.actions[at as usize].name);
        index::nearest(all.start..all.end, name, name_of).and_then(ActionId::new)
    }
}

impl<'a> ActionReference<'a> {
    fn row(&self) -> &'a ActionRow {
        &self.catalog.tables.actions[self.id.index()]
    }

    /// The id of the action.
    pub fn id(&self) -> ActionId {
        self.id
    }

    /// The name without the service, such as `GetObject`, as AWS spells it.
    pub fn name(&self) -> &'a str {
        self.catalog.tables.strings.get(self.row().name)
    }

    /// The service of the action.
    pub fn service(&self) -> ServiceReference<'a> {
        self.catalog.service_ref(ServiceId::from_index(self.row().service as usize))
    }

    /// Service and name, such as `s3:GetObject`, as AWS spells them: what a decision echoes (E-4).
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service().prefix(), self.name())
    }

    /// How AWS classifies what the action does.
    pub fn access_level(&self) -> AccessLevel {
        self.row().level
    }

    /// The resource types that the action can be about. None: the action takes only `*`.
    pub fn resource_types(&self) -> impl ExactSizeIterator<Item = ActionResource<'a>> + use<'a> {
        let catalog = self.catalog;
        let rows = catalog.tables.action_resources[self.row().resources.range()].iter();
        rows.map(move |row| ActionResource { catalog, row })
    }

    /// The condition keys of the action itself, beside those of its resource types and the global
    /// ones.
    pub fn condition_keys(
        &self,
    ) -> impl ExactSizeIterator<Item = ConditionKeyReference<'a>> + use<'a> {
        self.catalog.keys(self.row().keys)
    }

    /// Actions that a caller may need beside this one (E-69).
    pub fn dependent_actions(&self) -> impl ExactSizeIterator<Item = ActionId> + use<'a> {
        dependents(self.catalog.tables.action_lists.get(self.row().dependents))
    }

    /// Whether the action takes no resource: its resource text is its wildcard form (E-6).
    pub fn is_wildcard_only(&self) -> bool {
        self.row().resources.range().is_empty()
    }
}

impl<'a> ActionResource<'a> {
    /// The resource type.
    pub fn resource_type(&self) -> ResourceType<'a> {
        ResourceType::new(self.catalog, self.row.resource_type as usize)
    }

    /// Whether a call always is about a resource of this type.
    pub fn is_required(&self) -> bool {
        self.row.required
    }

    /// The condition keys that the action has for this resource type.
    pub fn condition_keys(
        &self,
    ) -> impl ExactSizeIterator<Item = ConditionKeyReference<'a>> + use<'a> {
        self.catalog.keys(self.row.keys)
    }

    /// Actions that a caller may need beside this one for a resource of this type (E-69).
    pub fn dependent_actions(&self) -> impl ExactSizeIterator<Item = ActionId> + use<'a> {
        dependents(self.catalog.tables.action_lists.get(self.row.dependents))
    }
}

fn dependents(list: &[u32]) -> impl ExactSizeIterator<Item = ActionId> + use<'_> {
    list.iter().map(|&at| ActionId::from_index(at as usize))
}
