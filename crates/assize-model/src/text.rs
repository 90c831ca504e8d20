//! Texts that several places refer to, and those that several crates end messages with.

use std::fmt::Display;
use std::ops::Deref;
use std::sync::Arc;

/// A text that is held in several places at once and copied in none: borrowed from whoever owns
/// it, or owned by all who hold it.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use assize_model::SharedText;
///
/// let borrowed = SharedText::Borrowed("a");
/// let kept = SharedText::Kept(Arc::new("a".to_owned()));
/// assert_eq!(*borrowed, *kept.clone());
/// ```
#[derive(Debug, Clone)]
pub enum SharedText<'t> {
    /// Somebody else's, who outlives all that hold it.
    Borrowed(&'t str),
    /// There as long as somebody holds it.
    Kept(Arc<String>),
}

impl Deref for SharedText<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Kept(text) => text,
        }
    }
}

/// The end of a message about a wrong word: the one that was probably meant, if any was.
///
/// # Examples
/// ```
/// use assize_model::did_you_mean;
/// assert_eq!(did_you_mean(Some("principal")), "; did you mean `principal`?");
/// assert_eq!(did_you_mean(None::<&str>), "");
/// ```
#[must_use]
pub fn did_you_mean(near: Option<impl Display>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
