//! Change sets (F-70 – F-73): what would be otherwise, laid over a snapshot.

mod apply;

use std::sync::Arc;

use assize_model::{AccountId, PolicyType};
use assize_policy::{LoadMode, LoadOptions, load};
use assize_store::{DocumentText, ManagedPolicySource, Origin};

pub use apply::Changed;

use crate::file::File;
use crate::json::{Node, shorten};
use crate::scenario::Reader;
use crate::scenario::field::Fields;
use crate::scenario::policy::{offset_in_file, ref_name};
use crate::{Error, ErrorKind, FileSource, Place, ReadOptions};

/// A change set: changes of a world, in order, each on the result of those before.
///
/// # Examples
/// ```
/// use assize_formats::{ChangeSet, NoFiles};
/// # struct NoPolicies;
/// # impl assize_store::ManagedPolicySource for NoPolicies {
/// #     fn document(&self, _: &str) -> Option<(std::sync::Arc<str>, Box<str>)> { None }
/// # }
///
/// let text = r#"
/// assize: 1
/// name: close the office
/// changes:
///   - {op: detach, kind: identity, target: "arn:aws:iam::111111111111:user/ana", name: office}
/// "#;
/// let changes = ChangeSet::read("c.yaml", text.into(), &mut NoFiles, &NoPolicies).unwrap();
/// assert_eq!((changes.name(), changes.len()), ("close the office", 1));
/// ```
#[derive(Debug, Clone)]
pub struct ChangeSet {
    name: Box<str>,
    changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone)]
struct Change {
    op: Op,
    kind: Kind,
    /// None: the root of the world's organization (C-28).
    target: Option<Box<str>>,
    name: Option<Box<str>>,
    policy: Option<NewPolicy>,
    account: Option<AccountId>,
    place: Place,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Attach,
    Detach,
    Replace,
    Remove,
}

/// What a change is about (F-71).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scp,
    Rcp,
    Identity,
    Managed,
    Boundary,
    Trust,
    Resource,
    Endpoint,
    Entity,
}

/// The policy of a change.
#[derive(Debug, Clone)]
enum NewPolicy {
    /// A document: the text, and the name it has in `policies`, if any.
    Document(DocumentText, Option<Box<str>>),
    /// The name, id or ARN of a policy that is there.
    Existing(Box<str>),
}

const OPS: [(&str, Op); 4] = [
    ("attach", Op::Attach),
    ("detach", Op::Detach),
    ("replace", Op::Replace),
    ("remove", Op::Remove),
];

const KINDS: [(&str, Kind); 9] = [
    ("scp", Kind::Scp),
    ("rcp", Kind::Rcp),
    ("identity", Kind::Identity),
    ("managed", Kind::Managed),
    ("boundary", Kind::Boundary),
    ("trust", Kind::Trust),
    ("resource", Kind::Resource),
    ("endpoint", Kind::Endpoint),
    ("entity", Kind::Entity),
];

const FIELDS: [&str; 4] = ["assize", "name", "policies", "changes"];
const CHANGE_FIELDS: [&str; 6] = ["op", "kind", "target", "name", "policy", "account"];

impl Kind {
    fn word(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// The ops of the table of F-71.
    fn ops(self) -> &'static [Op] {
        match self {
            Self::Scp | Self::Rcp | Self::Identity => &[Op::Attach, Op::Detach, Op::Replace],
            Self::Managed | Self::Trust => &[Op::Replace],
            Self::Boundary | Self::Resource | Self::Endpoint => &[Op::Replace, Op::Remove],
            Self::Entity => &[Op::Remove],
        }
    }

    /// Whether a change has `name`: it must, it may, or it must not.
    fn takes_name(self, op: Op) -> Need {
        match (self, op) {
            (Self::Scp | Self::Rcp | Self::Identity, Op::Detach | Op::Replace) => Need::Must,
            (Self::Identity, Op::Attach) => Need::May,
            _ => Need::MustNot,
        }
    }

    fn takes_policy(self, op: Op) -> Need {
        match op {
            Op::Attach | Op::Replace => Need::Must,
            Op::Detach | Op::Remove => Need::MustNot,
        }
        .unless(self == Self::Entity)
    }

    /// The type that documents of the change load as (F-72).
    fn policy_type(self) -> PolicyType {
        match self {
            Self::Scp => PolicyType::ServiceControl,
            Self::Rcp => PolicyType::ResourceControl,
            Self::Identity => PolicyType::InlineIdentity,
            Self::Managed => PolicyType::ManagedIdentity,
            Self::Boundary => PolicyType::PermissionsBoundary,
            Self::Trust => PolicyType::RoleTrust,
            Self::Resource | Self::Entity => PolicyType::ResourceBased,
            Self::Endpoint => PolicyType::VpcEndpoint,
        }
    }
}

/// Whether a field belongs to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Must,
    May,
    MustNot,
}

impl Need {
    fn unless(self, never: bool) -> Self {
        if never { Self::MustNot } else { self }
    }
}

impl ChangeSet {
    /// Reads a change set from the bytes of its file; the ending of the name tells JSON from YAML.
    ///
    /// # Errors
    /// Everything that is wrong with the file. A document that does not load is an error (F-72).
    pub fn read(
        name: &str,
        bytes: Vec<u8>,
        files: &mut dyn FileSource,
        managed_policies: &dyn ManagedPolicySource,
    ) -> Result<Self, Vec<Error>> {
        let file = File::new(name.into(), bytes).map_err(|error| vec![error])?;
        let options = ReadOptions { files, managed_policies, takes_several_resources: &|_| false };
        let mut reader = Reader::new(options);
        let changes = reader.change_set(&file);
        match changes {
            Some(changes) if reader.errors.is_empty() => Ok(changes),
            _ => Err(reader.errors),
        }
    }

    /// The one-line form (F-70, C-28): `KIND:TARGET` or `KIND`, and the file of the policy. A
    /// policy of `scp`, `rcp` and `identity` is attached, of the others put in place.
    ///
    /// # Errors
    /// When the words name no change, or the document does not load.
    pub fn short(words: &str, file: &str, bytes: Vec<u8>) -> Result<Self, Vec<Error>> {
        let file = File::new(file.into(), bytes).map_err(|error| vec![error])?;
        let (word, target) = match words.split_once(':') {
            Some((word, target)) => (word, Some(target)),
            None => (words, None),
        };
        let fault = |message: String| vec![Error::new(ErrorKind::InvalidField, message)];
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == word) else {
            let known: Vec<_> = KINDS.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("`{}` is none of {}", shorten(word), known.join(", "));
            return Err(fault(message));
        };
        if target.is_none() && !matches!(kind, Kind::Scp | Kind::Rcp) {
            return Err(fault(format!("a change of `{word}` names its target: `{word}:TARGET`")));
        }
        let attaches = kind.ops().contains(&Op::Attach);
        let op = if attaches { Op::Attach } else { Op::Replace };
        if !kind.ops().contains(&op) {
            return Err(fault(format!("a change of `{word}` needs a file of changes")));
        }
        let origin = Origin {
            file: Arc::clone(&file.name),
            anchors: [file.anchor(0, 0)].into(),
            verbatim: true,
        };
        let document =
            DocumentText { text: Arc::clone(&file.text), origin: Some(Arc::new(origin)) };
        let stem = stem(&file.name);
        let named = (*kind != Kind::Identity).then(|| stem.into());
        let change = Change {
            op,
            kind: *kind,
            target: target.map(Into::into),
            name: (*kind == Kind::Identity).then(|| stem.into()),
            policy: Some(NewPolicy::Document(document, named)),
            account: None,
            place: file.place(assize_policy::Span::new(0, 0)),
        };
        if let Some(error) = check_document(&file, &change) {
            return Err(vec![error]);
        }
        Ok(Self { name: format!("{words}={}", file.name).into(), changes: vec![change] })
    }

    /// `name`, or the name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The documents that the changes bring, in order, each with how it loads (F-72): for those
    /// who tell what is doubtful about them. None of them is rejected.
    pub fn documents(&self) -> impl Iterator<Item = (&DocumentText, LoadOptions)> {
        self.changes.iter().filter_map(Change::document)
    }
}

/// The name of a file without folders and endings.
fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let end = name.find('.').filter(|at| *at > 0).unwrap_or(name.len());
    &name[..end]
}

impl Reader<'_> {
    fn change_set(&mut self, file: &File) -> Option<ChangeSet> {
        let tree = self.tree(file)?;
        let fields = self.top(file, &tree, &FIELDS)?;
        self.policies(file, fields.get("policies"));
        let name = fields.get("name").and_then(|node| self.text(file, node));
        let list = fields.get("changes").or_else(|| self.missing(file, &tree, "changes"))?;
        let items = self.items(file, list);
        if items.is_empty() {
            self.error(file, ErrorKind::InvalidField, list, "`changes` has no change");
        }
        let changes = items.iter().filter_map(|item| self.change(file, item)).collect();
        Some(ChangeSet { name: name.unwrap_or_else(|| (&*file.name).into()), changes })
    }

    fn change(&mut self, file: &File, node: &Node<'_>) -> Option<Change> {
        let fields = self.fields(file, node, &CHANGE_FIELDS)?;
        let kind = self.required(file, node, &fields, "kind")?;
        let kind = self.word(file, kind, &KINDS)?;
        let op_node = self.required(file, node, &fields, "op")?;
        let op = self.word(file, op_node, &OPS)?;
        if !kind.ops().contains(&op) {
            let word = op_node.as_str().unwrap_or_default();
            let message = format!("a change of kind `{}` has no op `{word}`", kind.word());
            self.error(file, ErrorKind::InvalidField, op_node, message);
            return None;
        }
        let target = self.required(file, node, &fields, "target")?;
        let target = self.text(file, target);
        self.check_need(file, node, &fields, "name", kind.takes_name(op));
        self.check_need(file, node, &fields, "policy", kind.takes_policy(op));
        let takes_account = kind == Kind::Resource && op == Op::Replace;
        let need = if takes_account { Need::May } else { Need::MustNot };
        self.check_need(file, node, &fields, "account", need);
        let change = Change {
            op,
            kind,
            target,
            name: self.text_of(file, &fields, "name"),
            policy: fields.get("policy").and_then(|node| self.new_policy(file, node)),
            account: fields.get("account").and_then(|node| self.account_id(file, node)),
            place: file.place(node.span),
        };
        change.target.as_ref()?;
        if let Some(error) = check_document(file, &change) {
            self.errors.push(error);
        }
        Some(change)
    }

    fn required<'n>(
        &mut self,
        file: &File,
        node: &Node<'_>,
        fields: &Fields<'n>,
        name: &str,
    ) -> Option<&'n Node<'n>> {
        fields.get(name).or_else(|| self.missing(file, node, name))
    }

    fn check_need(
        &mut self,
        file: &File,
        node: &Node<'_>,
        fields: &Fields<'_>,
        name: &str,
        need: Need,
    ) {
        match (need, fields.get(name)) {
            (Need::Must, None) => {
                self.missing::<()>(file, node, name);
            }
            (Need::MustNot, Some(given)) => {
                let message = format!("a change of this kind and op has no `{name}`");
                self.error(file, ErrorKind::InvalidField, given, message);
            }
            _ => {}
        }
    }

    fn new_policy(&mut self, file: &File, node: &Node<'_>) -> Option<NewPolicy> {
        if let Some(text) = node.as_str() {
            return Some(NewPolicy::Existing(text.into()));
        }
        let name = ref_name(node).map(Into::into);
        self.document(file, node).map(|document| NewPolicy::Document(document, name))
    }
}

impl Change {
    /// The document of the change. It loads as something that is written now (F-72).
    fn document(&self) -> Option<(&DocumentText, LoadOptions)> {
        let Some(NewPolicy::Document(document, _)) = &self.policy else { return None };
        let mut options = LoadOptions::new(self.kind.policy_type(), LoadMode::Author);
        if let (Kind::Resource, Some(arn)) = (self.kind, self.target.as_deref()) {
            options = options.with_resource(arn);
        }
        Some((document, options))
    }
}

/// What keeps the document of a change from loading.
fn check_document(file: &File, change: &Change) -> Option<Error> {
    let (document, options) = change.document()?;
    let loaded = load(&document.text, &options);
    let finding = loaded.findings.iter().find(|finding| finding.rejects)?;
    let message = format!("the policy does not load: {}", finding.message);
    let origin = document.origin.as_deref();
    if origin.is_some_and(|origin| *origin.file != *file.name) {
        let message = format!("`{}`: {message}", origin.map_or("", |origin| &origin.file));
        return Some(Error::new(ErrorKind::InvalidField, message).at(change.place.clone()));
    }
    let at = offset_in_file(origin, finding.span.start);
    let span = assize_policy::Span::new(at, at);
    Some(file.error(ErrorKind::InvalidField, span, message))
}

#[cfg(test)]
mod tests;
