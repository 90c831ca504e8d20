//! The context as a request gives it, normalized once (L-609).

use assize_catalog::Catalog;
use assize_model::{
    ConditionKey, ContextEntry, ContextInput, ContextScalar, ContextValue, KeyShape, RequestError,
    RequestErrorKind, is_never_carried,
};

use super::knowledge::is_claim;

/// The entries that a request gives for one check, each key once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// The entries not yet taken.
    pub(crate) entries: Vec<ContextEntry>,
    /// The keys of all entries.
    pub(crate) carried: Vec<ConditionKey>,
    /// Keys carried as an empty array: known to be absent (L-609, E-121).
    pub(crate) empty: Vec<ConditionKey>,
    /// The names of tags as keys spell them, behind what the keys begin with; those equal but for
    /// case too.
    pub(crate) tag_names: Vec<(String, String)>,
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
        let mut entries = normalize_all(catalog, own, CONTEXT)?;
        for entry in normalize_all(catalog, shared, CONTEXT)? {
            let replaced = own.iter().any(|(name, _)| ConditionKey::new(name) == entry.key);
            if !replaced {
                entries.push(entry);
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let is_replaced =
            |name: &str| own.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let shared_names = shared.iter().filter(|(name, _)| !is_replaced(name));
        let tag_names = own.iter().chain(shared_names).filter_map(|(name, input)| {
            let (stem, tag) = name.split_once('/')?;
            let is_tag = !tag.is_empty() && !is_empty(input);
            is_tag.then(|| (format!("{stem}/"), tag.to_owned()))
        });
        let tag_names = tag_names.collect();
        let carried: Vec<ConditionKey> = entries.iter().map(|entry| entry.key.clone()).collect();
        let lists = own.iter().chain(shared).filter(|(_, input)| is_empty(input));
        let empty = lists.map(|(name, _)| ConditionKey::new(name));
        let empty = empty.filter(|key| !carried.contains(key)).collect();
        Ok(Self { entries, carried, empty, tag_names })
    }

    /// Adds what is known of a key that the request does not give.
    pub(crate) fn complete(&mut self, name: &str, value: Option<&str>) {
        let key = ConditionKey::new(name);
        match value.map(|text| ContextValue::Single(text.into())) {
            _ if self.carried.contains(&key) || self.empty.contains(&key) => {}
            Some(value) => self.entries.push(ContextEntry { key, value }),
            None => self.empty.push(key),
        }
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

/// The field of a request that holds its context.
const CONTEXT: &str = "/context";

/// The field of a principal that holds the claims of its identity provider.
const CLAIMS: &str = "/principal/session/claims";

/// E-17, E-23: the claims of an identity provider, in the shapes of their keys as all of the
/// context. A claim under another name than a provider's would be a forged key.
pub(crate) fn normalize_claims(
    catalog: &Catalog,
    claims: &Inputs<'_>,
) -> Result<Vec<ContextEntry>, RequestError> {
    match claims.iter().find(|(name, _)| !is_claim(ConditionKey::new(name).folded())) {
        Some((name, _)) => {
            Err(bad_value(name, "is no claim: it does not name an identity provider", CLAIMS))
        }
        None => normalize_all(catalog, claims, CLAIMS),
    }
}

/// L-609, L-606: the entries of one map; keys equal but for case are one colliding key, and an
/// empty list is no entry. A key that no request carries is not there, whatever the map says
/// (L-605, L-707, L-710).
fn normalize_all(
    catalog: &Catalog,
    inputs: &Inputs<'_>,
    field: &str,
) -> Result<Vec<ContextEntry>, RequestError> {
    let mut entries: Vec<ContextEntry> = Vec::new();
    for (name, input) in inputs {
        let key = ConditionKey::new(name);
        if is_never_carried(key.folded()) {
            continue;
        }
        let Some(value) = normalize(catalog, name, input, field)? else { continue };
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
    field: &str,
) -> Result<Option<ContextValue>, RequestError> {
    let text = |scalar: &ContextScalar<'_>| {
        let text = scalar.to_text().map(|text| Box::from(&*text));
        text.ok_or_else(|| bad_value(name, "holds a number of too many digits", field))
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
            _ => return Err(bad_value(name, "holds one value, not several", field)),
        },
        (ContextInput::List(scalars), Some(KeyShape::OneOrMany)) if scalars.len() == 1 => {
            Some(ContextValue::Single(text(&scalars[0])?))
        }
        (ContextInput::List(scalars), _) => {
            Some(ContextValue::List(scalars.iter().map(text).collect::<Result<_, _>>()?))
        }
    })
}

fn bad_value(name: &str, what: &str, field: &str) -> RequestError {
    let pointer = format!("{field}/{}", name.replace('~', "~0").replace('/', "~1"));
    RequestError::new(RequestErrorKind::InvalidField, format!("context key `{name}` {what}"))
        .at(pointer)
}
