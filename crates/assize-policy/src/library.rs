//! Loaded documents by their id: where the store, which knows whose they are, and the language,
//! which knows what they say, meet.

use std::collections::HashMap;
use std::sync::Arc;

use assize_model::{Id, PolicyId};

use crate::{Finding, FindingCode, LoadOptions, Span, ir, load};

/// A document as it was loaded, with what messages and explanations need beside its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryEntry {
    /// Its text; `None` for a reference that could not be resolved.
    pub text: Option<Arc<str>>,
    /// How it was loaded; `None` for a reference that could not be resolved.
    pub options: Option<LoadOptions>,
    /// What it says; `None` is poison, which can never help to allow (L-005, E-112).
    pub policy: Option<ir::Policy>,
    /// Everything that can be said about it, in the order of L-902.
    pub findings: Vec<Finding>,
    /// Where its statements stand in the text, in the order of the policy's.
    pub statement_spans: Vec<Span>,
}

impl LibraryEntry {
    /// Whether the document could not be loaded or found (E-112).
    pub fn is_poison(&self) -> bool {
        self.policy.is_none()
    }

    fn load(text: &Arc<str>, options: &LoadOptions) -> Self {
        let loaded = load(text, options);
        let mut findings = loaded.findings;
        let is_marked =
            findings.iter().any(|f| f.code == FindingCode::XInvalidPolicy && &*f.path == "$");
        if loaded.policy.is_none() && !is_marked {
            findings
                .insert(0, poison("the document does not load; what it is attached to is denied"));
        }
        Self {
            text: Some(Arc::clone(text)),
            options: Some(options.clone()),
            policy: loaded.policy,
            findings,
            statement_spans: loaded.statement_spans,
        }
    }

    fn missing() -> Self {
        Self {
            text: None,
            options: None,
            policy: None,
            findings: vec![poison(
                "the policy is not in the data; what it is attached to is denied",
            )],
            statement_spans: Vec::new(),
        }
    }
}

fn poison(message: &str) -> Finding {
    let code = FindingCode::XInvalidPolicy;
    Finding {
        code,
        severity: code.severity(),
        path: "$".into(),
        span: Span::default(),
        message: message.into(),
        rejects: true,
    }
}

/// The loaded documents of a snapshot. Cloning shares them.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use assize_model::{PolicyId, PolicyType};
/// use assize_policy::{LibraryBuilder, LoadMode, LoadOptions};
///
/// let id = PolicyId::new(0).ok_or("an id")?;
/// let options = LoadOptions::new(PolicyType::InlineIdentity, LoadMode::Import);
/// let mut builder = LibraryBuilder::new();
/// builder.insert(id, &Arc::from("not json"), &options);
/// let library = builder.build();
/// assert!(library.get(id).is_some_and(|entry| entry.is_poison()));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyLibrary {
    entries: Vec<Option<Arc<LibraryEntry>>>,
}

impl PolicyLibrary {
    /// The document of an id, if it was put in.
    pub fn get(&self, id: PolicyId) -> Option<&Arc<LibraryEntry>> {
        self.entries.get(id.index())?.as_ref()
    }

    /// The documents in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (PolicyId, &Arc<LibraryEntry>)> {
        let entries = self.entries.iter().enumerate();
        entries.filter_map(|(index, entry)| Some((PolicyId::from_index(index), entry.as_ref()?)))
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Puts together a [`PolicyLibrary`]. A text that comes again with the same options is loaded
/// once and shared.
#[derive(Debug, Clone, Default)]
pub struct LibraryBuilder {
    library: PolicyLibrary,
    loaded: HashMap<(Arc<str>, LoadOptions), Arc<LibraryEntry>>,
}

impl LibraryBuilder {
    /// A builder of an empty library.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that goes on from a library, sharing its documents.
    pub fn from_library(library: &PolicyLibrary) -> Self {
        let entries = library.entries.iter().flatten();
        let loaded = entries.filter_map(|entry| {
            let key = (Arc::clone(entry.text.as_ref()?), entry.options.clone()?);
            Some((key, Arc::clone(entry)))
        });
        Self { loaded: loaded.collect(), library: library.clone() }
    }

    /// Loads a document and puts it in under an id, in place of what was there.
    pub fn insert(
        &mut self,
        id: PolicyId,
        text: &Arc<str>,
        options: &LoadOptions,
    ) -> &Arc<LibraryEntry> {
        let entry = self
            .loaded
            .entry((Arc::clone(text), options.clone()))
            .or_insert_with(|| Arc::new(LibraryEntry::load(text, options)));
        let entry = Arc::clone(entry);
        self.put(id, entry)
    }

    /// Puts in a document as another library has loaded it.
    pub fn share(&mut self, id: PolicyId, entry: &Arc<LibraryEntry>) {
        self.put(id, Arc::clone(entry));
    }

    /// Puts in a reference that could not be resolved: poison (E-112).
    pub fn insert_missing(&mut self, id: PolicyId) -> &Arc<LibraryEntry> {
        self.put(id, Arc::new(LibraryEntry::missing()))
    }

    fn put(&mut self, id: PolicyId, entry: Arc<LibraryEntry>) -> &Arc<LibraryEntry> {
        let entries = &mut self.library.entries;
        if entries.len() <= id.index() {
            entries.resize(id.index() + 1, None);
        }
        entries[id.index()].insert(entry)
    }

    /// The library.
    pub fn build(&self) -> PolicyLibrary {
        self.library.clone()
    }
}

#[cfg(test)]
mod tests {
    use assize_model::PolicyType;

    use super::*;
    use crate::LoadMode;

    fn options(policy_type: PolicyType) -> LoadOptions {
        LoadOptions::new(policy_type, LoadMode::Import)
    }

    #[test]
    fn equal_documents_are_loaded_once() {
        let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let text: Arc<str> = text.into();
        let ids: Vec<_> = (0..4).filter_map(PolicyId::new).collect();
        let mut builder = LibraryBuilder::new();
        builder.insert(ids[0], &text, &options(PolicyType::ManagedIdentity));
        builder.insert(ids[2], &Arc::from(&*text), &options(PolicyType::ManagedIdentity));
        let first = builder.build();
        let mut builder = LibraryBuilder::from_library(&first);
        builder.insert(ids[1], &text, &options(PolicyType::ServiceControl));
        builder.insert(ids[3], &text, &options(PolicyType::ManagedIdentity));
        builder.share(ids[0], first.get(ids[2]).unwrap());
        let library = builder.build();
        let entry = |id: PolicyId| library.get(id).unwrap();
        assert!(Arc::ptr_eq(entry(ids[0]), entry(ids[2])));
        assert!(Arc::ptr_eq(entry(ids[0]), entry(ids[3])));
        assert_ne!(entry(ids[0]), entry(ids[1]));
        assert_eq!((first.len(), library.len()), (2, 4));
        assert_eq!(library.iter().map(|(id, _)| id).collect::<Vec<_>>(), ids);
    }

    #[test]
    fn libraries_go_between_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<PolicyLibrary>();
        check::<LibraryBuilder>();
        check::<ir::Policy>();
    }

    /// L-005, E-112.
    #[test]
    fn what_does_not_load_is_poison() {
        let id = PolicyId::new(0).unwrap();
        let mut builder = LibraryBuilder::new();
        for mode in [LoadMode::Author, LoadMode::Import] {
            let options = LoadOptions::new(PolicyType::ManagedIdentity, mode);
            let entry = builder.insert(id, &Arc::from("{"), &options);
            assert!(entry.is_poison());
            let marks = entry.findings.iter().filter(|f| f.code == FindingCode::XInvalidPolicy);
            assert_eq!(marks.count(), 1);
        }
        assert!(builder.insert_missing(id).is_poison());
        assert!(builder.build().get(id).unwrap().text.is_none());
    }
}
