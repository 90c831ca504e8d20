//! The context as a request gives it, normalized once (L-609).

use assize_catalog::Catalog;
use assize_model::{
    ConditionKey, ContextEntry, ContextInput, ContextScalar, ContextValue, KeyShape, RequestError,
    RequestErrorKind,
};

/// The entries that a request gives for one check, each key once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// The entries not yet taken.
    pub(crate) entries: Vec<ContextEntry>,
    /// The keys of all entries.
    pub(crate) carried: Vec<ConditionKey>,
    /// Keys carried as an empty array: known to be absent (L-609, E-121).
    pub(crate) empty: Vec<ConditionKey>,
}

/// A map of context values as a request holds it.
pub(crate) type Inputs<'a> = [(std::borrow::Cow<'a, str>, ContextInput<'a>)];

impl Given {
    /// E-25: the shared entries, replaced key by key by those of the check.
    pub(crate) fn merge(
        catalog: &Catalog,
        shared: &Inputs<'_>,
        own: &Inputs<'_>,
    ) -> Result<Self, RequestError> {
        let mut entries = normalize_all(catalog, own)?;
        for entry in normalize_all(catalog, shared)? {
            let replaced = own.iter().any(|(name, _)| ConditionKey::new(name) == entry.key);
            if !replaced {
                entries.push(entry);
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let carried: Vec<ConditionKey> = entries.iter().map(|entry| entry.key.clone()).collect();
        let lists = own.iter().chain(shared).filter(|(_, input)| is_empty(input));
        let empty = lists.map(|(name, _)| ConditionKey::new(name));
        let empty = empty.filter(|key| !carried.contains(key)).collect();
        Ok(Self { entries, carried, empty })
    }

    /// The value of a key.
    pub(crate) fn get(&self, name: &str) -> Option<&ContextValue> {
        let key = ConditionKey::new(name);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Takes a key out.
    pub(crate) fn take(&mut self, name: &str) -> Option<ContextValue> {
        let key = ConditionKey::new(name);
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at).value)
    }

    /// Whether some key begins so, without regard to case.
    pub(crate) fn has_prefix(&self, prefix: &str) -> bool {
        let folded = prefix.to_ascii_lowercase();
        self.entries.iter().any(|entry| entry.key.folded().starts_with(&folded))
    }
}

fn is_empty(input: &ContextInput<'_>) -> bool {
    matches!(input, ContextInput::List(scalars) if scalars.is_empty())
}

/// L-609, L-606: the entries of one map; keys equal but for case are one colliding key, and an
/// empty list is no entry.
pub(crate) fn normalize_all(
    catalog: &Catalog,
    inputs: &Inputs<'_>,
) -> Result<Vec<ContextEntry>, RequestError> {
    let mut entries: Vec<ContextEntry> = Vec::new();
    for (name, input) in inputs {
        let key = ConditionKey::new(name);
        let Some(value) = normalize(catalog, name, input)? else { continue };
        match entries.iter_mut().find(|entry| entry.key == key) {
            // L-606.
            Some(entry) => entry.value = ContextValue::Colliding,
            None => entries.push(ContextEntry { key, value }),
        }
    }
    Ok(entries)
}

/// L-609: texts, and the declared shape of the key.
fn normalize(
    catalog: &Catalog,
    name: &str,
    input: &ContextInput<'_>,
) -> Result<Option<ContextValue>, RequestError> {
    let text = |scalar: &ContextScalar<'_>| {
        let text = scalar.to_text().map(|text| Box::from(&*text));
        text.ok_or_else(|| bad_value(name, "holds a number of too many digits"))
    };
    let shape = catalog.condition_key(name).and_then(|key| key.shape());
    Ok(match (input, shape) {
        (ContextInput::Scalar(scalar), Some(KeyShape::Multivalued)) => {
            Some(ContextValue::List(vec![text(scalar)?]))
        }
        (ContextInput::Scalar(scalar), _) => Some(ContextValue::Single(text(scalar)?)),
        // L-609: an empty list is no key.
        (ContextInput::List(scalars), _) if scalars.is_empty() => None,
        (ContextInput::List(scalars), Some(KeyShape::Single)) => match scalars.as_slice() {
            [scalar] => Some(ContextValue::Single(text(scalar)?)),
            _ => return Err(bad_value(name, "holds one value, not several")),
        },
        (ContextInput::List(scalars), _) => {
            Some(ContextValue::List(scalars.iter().map(text).collect::<Result<_, _>>()?))
        }
    })
}

fn bad_value(name: &str, what: &str) -> RequestError {
    let pointer = format!("/context/{}", name.replace('~', "~0").replace('/', "~1"));
    RequestError::new(RequestErrorKind::InvalidField, format!("context key `{name}` {what}"))
        .at(pointer)
}
