//! Texts with policy variables (language, section 5).

use super::glob::Glob;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TemplatePiece {
    /// Text that matches itself.
    Literal(Box<str>),
    /// `*`.
    Star,
    /// `?`.
    One,
    /// `${key}`, `${key, 'default'}`.
    Variable {
        /// The key.
        key: u32,
        /// The text that stands in for an absent key or an empty value (L-508).
        default: Option<Box<str>>,
    },
}

/// An ARN pattern of a resource element that holds variables: its segments without `arn`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ArnTemplate {
    pub(crate) segments: [Box<[TemplatePiece]>; 5],
}

/// Region and account: a value with a colon makes the entry match nothing (L-510).
const NO_COLON_SEGMENTS: std::ops::RangeInclusive<usize> = 2..=3;
/// The last segment, in which every wildcard crosses colons.
const RESOURCE_SEGMENT: usize = 4;

impl ArnTemplate {
    /// Puts the pattern into `glob` with the variables replaced (L-411, L-507). False if a
    /// variable is unresolved: the entry matches nothing (L-509).
    #[inline]
    pub(crate) fn expand<'a>(
        &'a self,
        glob: &mut Glob,
        resolve: impl Fn(u32, Option<&'a str>) -> Option<&'a str>,
    ) -> bool {
        self.expand_hull(glob, |_| false, resolve)
    }

    /// [`ArnTemplate::expand`] with a wide `*` for each variable that is unknown (E-125).
    #[inline]
    pub(crate) fn expand_hull<'a>(
        &'a self,
        glob: &mut Glob,
        is_unknown: impl Fn(u32) -> bool,
        resolve: impl Fn(u32, Option<&'a str>) -> Option<&'a str>,
    ) -> bool {
        glob.clear();
        glob.literal("arn");
        for (n, segment) in self.segments.iter().enumerate() {
            glob.literal(":");
            let in_resource = n == RESOURCE_SEGMENT;
            let from = glob.n_tokens();
            let mut ends_in_star = false;
            for piece in segment {
                match piece {
                    TemplatePiece::Literal(text) => {
                        glob.literal(text);
                        ends_in_star = false;
                    }
                    TemplatePiece::Star => {
                        glob.star(in_resource);
                        ends_in_star = true;
                    }
                    TemplatePiece::One => {
                        glob.one(in_resource);
                        ends_in_star = false;
                    }
                    TemplatePiece::Variable { key, .. } if is_unknown(*key) => {
                        glob.star(true);
                        ends_in_star = true;
                    }
                    TemplatePiece::Variable { key, default } => {
                        let Some(text) = resolve(*key, default.as_deref()) else { return false };
                        if NO_COLON_SEGMENTS.contains(&n) && text.contains(':') {
                            return false;
                        }
                        glob.literal(text);
                        ends_in_star &= text.is_empty();
                    }
                }
            }
            if ends_in_star {
                glob.widen_last(from);
            }
        }
        true
    }
}

/// How a text template of a condition value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TextMode {
    /// Equality, or wildcards that cross everything.
    Plain,
    /// Equality without regard to case (L-614).
    IgnoreCase,
    /// Six segments, split after substitution (L-511, L-620).
    Arn,
}

/// A condition value that holds variables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TextTemplate {
    pub(crate) mode: TextMode,
    pub(crate) pieces: Box<[TemplatePiece]>,
}

/// How many colons part the segments of an ARN.
pub(crate) const ARN_COLONS: usize = 5;

impl TextTemplate {
    /// Whether the value matches `text`. Unresolved variables: no (L-509).
    pub(crate) fn is_match<'a>(
        &'a self,
        text: &str,
        buffers: &mut TemplateBuffers,
        resolve: impl Fn(u32, Option<&'a str>) -> Option<&'a str>,
    ) -> bool {
        if self.mode == TextMode::IgnoreCase {
            return self.equals_ignoring_case(text, &mut buffers.text, resolve);
        }
        let glob = &mut buffers.glob;
        glob.clear();
        let mut n_colons = 0;
        for piece in &self.pieces {
            let wide = self.mode == TextMode::Plain || n_colons >= ARN_COLONS;
            let literal = match piece {
                TemplatePiece::Star => {
                    glob.star(wide);
                    continue;
                }
                TemplatePiece::One => {
                    glob.one(wide);
                    continue;
                }
                TemplatePiece::Literal(text) => text,
                TemplatePiece::Variable { key, default } => {
                    let Some(text) = resolve(*key, default.as_deref()) else { return false };
                    text
                }
            };
            n_colons += literal.bytes().filter(|&b| b == b':').count();
            glob.literal(literal);
        }
        (self.mode == TextMode::Plain || n_colons >= ARN_COLONS) && glob.is_match(text)
    }

    /// Puts the hull into `glob`: a wide `*` for each variable that is unknown, every wildcard of
    /// the value wide, texts folded where case does not count (E-125). False if a known variable
    /// is unresolved.
    pub(crate) fn hull<'a>(
        &'a self,
        glob: &mut Glob,
        is_unknown: impl Fn(u32) -> bool,
        resolve: impl Fn(u32, Option<&'a str>) -> Option<&'a str>,
    ) -> bool {
        glob.clear();
        for piece in &self.pieces {
            let text = match piece {
                TemplatePiece::Star => {
                    glob.star(true);
                    continue;
                }
                TemplatePiece::One => {
                    glob.one(true);
                    continue;
                }
                TemplatePiece::Variable { key, .. } if is_unknown(*key) => {
                    glob.star(true);
                    continue;
                }
                TemplatePiece::Literal(text) => text,
                TemplatePiece::Variable { key, default } => {
                    let Some(text) = resolve(*key, default.as_deref()) else { return false };
                    text
                }
            };
            if self.mode == TextMode::IgnoreCase {
                glob.literal(&assize_policy::value::fold_unicode(text));
            } else {
                glob.literal(text);
            }
        }
        true
    }

    fn equals_ignoring_case<'a>(
        &'a self,
        text: &str,
        buffer: &mut String,
        resolve: impl Fn(u32, Option<&'a str>) -> Option<&'a str>,
    ) -> bool {
        buffer.clear();
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Literal(text) => buffer.push_str(text),
                TemplatePiece::Variable { key, default } => {
                    let Some(text) = resolve(*key, default.as_deref()) else { return false };
                    buffer.push_str(text);
                }
                // INVARIANT: lowering makes wildcards only for operators that have them.
                TemplatePiece::Star | TemplatePiece::One => return false,
            }
        }
        assize_policy::value::eq_ignore_case(buffer, text)
    }
}

/// Working memory for texts that are put together.
#[derive(Debug, Clone, Default)]
pub(crate) struct TemplateBuffers {
    pub(crate) glob: Glob,
    text: String,
}
