//! Texts that several places refer to.

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
