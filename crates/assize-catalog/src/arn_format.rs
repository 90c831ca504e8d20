//! The ARN patterns of resource types.

use crate::Error;
use crate::tables::{Span, StrId, Strings};

/// A placeholder that stands for any text, in compiled segments. The strings of a catalog are
/// printable, so it cannot be a character of the pattern.
const ANY: u8 = 0x01;
/// A placeholder that stands for one or more characters other than `/`.
const NO_SLASH: u8 = 0x02;

/// The placeholder of bucket names, the only one that `/` ends (E-7).
const BUCKET_NAME: &str = "BucketName";

/// Number of segments of an ARN (L-801).
const N_SEGMENTS: usize = 6;

/// The text of an ARN cut at its first five colons (L-801).
#[derive(Debug)]
pub(crate) struct ArnSegments<'a>([&'a [u8]; N_SEGMENTS]);

impl<'a> ArnSegments<'a> {
    /// `None` when there are fewer than six segments.
    pub(crate) fn split(arn: &'a str) -> Option<Self> {
        let mut rest = arn.as_bytes();
        let mut segments = [&b""[..]; N_SEGMENTS];
        for segment in &mut segments[..N_SEGMENTS - 1] {
            let colon = rest.iter().position(|&b| b == b':')?;
            (*segment, rest) = (&rest[..colon], &rest[colon + 1..]);
        }
        segments[N_SEGMENTS - 1] = rest;
        Some(Self(segments))
    }
}

/// An ARN pattern, ready to match.
#[derive(Debug)]
pub(crate) struct FormatRow {
    pub(crate) text: StrId,
    /// Where the compiled segments lie in [`Formats::code`].
    segments: [Span; N_SEGMENTS],
    /// With how many bytes without placeholders the last segment begins.
    last_prefix: usize,
    literal_bytes: u32,
    placeholders: u32,
}

/// The ARN patterns of a catalog.
#[derive(Debug, Default)]
pub(crate) struct Formats {
    pub(crate) rows: Vec<FormatRow>,
    /// All patterns, placeholders replaced by [`ANY`] and [`NO_SLASH`].
    code: Vec<u8>,
}

impl Formats {
    /// Adds a pattern such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
    pub(crate) fn push(&mut self, text: &str, id: StrId) -> Result<(), Error> {
        let start = self.code.len();
        compile(text, &mut self.code)?;
        let code = &self.code[start..];
        let segments = locate_segments(code, start)?;
        let [.., last] = &segments;
        let last_prefix = self.code[last.range()].iter().take_while(|&&b| b >= b' ').count();
        let n_placeholders = code.iter().filter(|&&b| b < b' ').count();
        let row = FormatRow {
            text: id,
            segments,
            last_prefix,
            literal_bytes: position(code.len() - n_placeholders)?,
            placeholders: position(n_placeholders)?,
        };
        self.rows.push(row);
        Ok(())
    }

    /// Whether a text is of the form of the last segment of a pattern.
    pub(crate) fn fits_resource(&self, at: usize, resource: &str) -> bool {
        let FormatRow { segments: [.., last], last_prefix, .. } = &self.rows[at];
        let (prefix, pattern) = self.code[last.range()].split_at(*last_prefix);
        // Nearly all differ in the prefix, or are a name behind it.
        let rest = resource.as_bytes().strip_prefix(prefix);
        rest.is_some_and(|rest| match_segment(pattern, rest))
    }
}

/// Where the segments of a compiled pattern lie, which begins at `start`.
fn locate_segments(code: &[u8], start: usize) -> Result<[Span; N_SEGMENTS], Error> {
    let mut segments = [Span { start: 0, end: 0 }; N_SEGMENTS];
    let mut parts = code.splitn(N_SEGMENTS, |&b| b == b':');
    let mut at = start;
    for segment in &mut segments {
        let part = parts.next().ok_or(Error::damaged("an ARN format has too few segments"))?;
        if !names_end_at_slashes(part) {
            return Err(Error::damaged("a bucket name in an ARN format is not followed by `/`"));
        }
        *segment = Span { start: position(at)?, end: position(at + part.len())? };
        at += part.len() + 1;
    }
    Ok(segments)
}

fn position(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| Error::damaged("the ARN formats are too long"))
}

/// Appends the pattern with each placeholder as one byte. A `*` in a pattern of the reference,
/// and a name in braces without `$`, are placeholders like any other.
fn compile(text: &str, code: &mut Vec<u8>) -> Result<(), Error> {
    let mut rest = text;
    while let Some(at) = rest.find(['$', '{', '*']) {
        code.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('*') {
            code.push(ANY);
            rest = after;
            continue;
        }
        let open = rest.strip_prefix("${").or_else(|| rest.strip_prefix('{'));
        let (name, after) = open
            .and_then(|inner| inner.split_once('}'))
            .ok_or(Error::damaged("an ARN format has a broken placeholder"))?;
        code.push(if name == BUCKET_NAME { NO_SLASH } else { ANY });
        rest = after;
    }
    code.extend_from_slice(rest.as_bytes());
    Ok(())
}

/// Whether `/` or the end follows each [`NO_SLASH`]: matching takes all characters up to the next
/// `/` at once, which is exact only so.
fn names_end_at_slashes(segment: &[u8]) -> bool {
    segment.windows(2).all(|pair| pair[0] != NO_SLASH || pair[1] == b'/')
}

/// The form of the ARNs of a resource type, such as
/// `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
///
/// A placeholder stands for any text, also none, within its segment of the ARN; in the last
/// segment the text may hold colons. `${BucketName}` stands for one or more characters other than
/// `/` (E-7). Everything else is compared byte for byte.
#[derive(Debug, Clone, Copy)]
pub struct ArnFormat<'a> {
    text: &'a str,
    row: &'a FormatRow,
    code: &'a [u8],
}

impl<'a> ArnFormat<'a> {
    pub(crate) fn new(formats: &'a Formats, strings: &'a Strings, at: usize) -> Self {
        let row = &formats.rows[at];
        Self { text: strings.get(row.text), row, code: &formats.code }
    }

    /// The pattern as the reference writes it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether an ARN is of this form. Does not allocate.
    pub fn matches(&self, arn: &str) -> bool {
        ArnSegments::split(arn).is_some_and(|arn| self.fits(&arn))
    }

    /// How long the form is: the bytes of its text outside of placeholders. Of several formats
    /// that fit an ARN the longest counts (E-7).
    pub fn literal_bytes(&self) -> usize {
        self.row.literal_bytes as usize
    }

    /// How many placeholders the form has. Of formats of equal length the one with fewer
    /// placeholders counts, then the one whose resource type comes first.
    pub fn n_placeholders(&self) -> usize {
        self.row.placeholders as usize
    }

    pub(crate) fn is_longer_than(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }

    /// What orders formats: literal bytes, then few placeholders.
    pub(crate) fn rank(&self) -> (u32, u32) {
        (self.row.literal_bytes, u32::MAX - self.row.placeholders)
    }

    pub(crate) fn fits(&self, arn: &ArnSegments<'_>) -> bool {
        // The last segment differs most often, so it goes first.
        let segments = self.row.segments.iter().zip(arn.0).rev();
        segments.into_iter().all(|(span, text)| match_segment(&self.code[span.range()], text))
    }

    /// Whether the segments before the last are of this form.
    pub(crate) fn fits_header(&self, arn: &ArnSegments<'_>) -> bool {
        let segments = self.row.segments.iter().zip(arn.0).take(N_SEGMENTS - 1);
        segments.into_iter().all(|(span, text)| match_segment(&self.code[span.range()], text))
    }
}

/// Matches one segment. When [`ANY`] is met again, the first meeting need not be revisited: what
/// it took less, the second can take more. [`NO_SLASH`] never needs it, because `/` or the end
/// follows it.
fn match_segment(pattern: &[u8], text: &[u8]) -> bool {
    // Most segments are a placeholder alone or no placeholder at all.
    if *pattern == [ANY] || *pattern == *text {
        return true;
    }
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(&ANY), _) => {
                p += 1;
                if p == pattern.len() {
                    return true;
                }
                retry = Some((p, t));
            }
            (Some(&NO_SLASH), Some(&b)) if b != b'/' => {
                let rest = &text[t..];
                p += 1;
                t += rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
            }
            (Some(a), Some(b)) if a == b => (p, t) = (p + 1, t + 1),
            (None, None) => return true,
            _ => match retry {
                Some((after, from)) if from < text.len() => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, arn: &str, expected: bool) {
        let strings = Strings::new(pattern.to_owned(), vec![0, position(pattern.len()).unwrap()]);
        let mut formats = Formats::default();
        formats.push("arn:a:b:c:d:e", StrId(0)).unwrap();
        formats.push(pattern, StrId(0)).unwrap();
        let format = ArnFormat::new(&formats, &strings, 1);
        assert_eq!(format.matches(arn), expected, "{pattern} on {arn}");
    }

    const BUCKET: &str = "arn:${Partition}:s3:::${BucketName}";
    const OBJECT: &str = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";

    #[test]
    fn a_bucket_name_holds_no_slash() {
        check(BUCKET, "arn:aws:s3:::b", true);
        check(BUCKET, "arn:aws:s3:::b/k", false);
        check(BUCKET, "arn:aws:s3:::", false);
        check(OBJECT, "arn:aws:s3:::b/k", true);
        check(OBJECT, "arn:aws:s3:::b/k/l:m", true);
        check(OBJECT, "arn:aws:s3:::b/", true);
        check(OBJECT, "arn:aws:s3:::/k", false);
        check(OBJECT, "arn:aws:s3:::b", false);
    }

    #[test]
    fn placeholders_stay_in_their_segments() {
        let job = "arn:${Partition}:s3:${Region}:${Account}:job/${JobId}";
        check(job, "arn:aws:s3:us-east-1:111122223333:job/1", true);
        check(job, "arn:aws:s3:::b/x:y:job/z", false);
        check(BUCKET, "arn:aws:s3:us-east-1:111122223333:accesspoint/a", false);
    }

    #[test]
    fn a_placeholder_stands_for_any_text() {
        let topic = "arn:${Partition}:sns:${Region}:${Account}:${TopicName}";
        check(topic, "arn:aws:sns:us-east-1:111122223333:t", true);
        check(topic, "arn:aws:sns:us-east-1:111122223333:t:subscription", true);
        check(topic, "arn:aws:sns:::", true);
        check(topic, "arn:aws:sqs:us-east-1:111122223333:t", false);
        check(topic, "arn:aws:sns:us-east-1:t", false);
        check(topic, "*", false);
        let stream = "arn:${P}:logs:${R}:${A}:log-group:${G}:log-stream:${S}";
        check(stream, "arn:aws:logs:r:a:log-group:g:log-stream:s", true);
        check(stream, "arn:aws:logs:r:a:log-group:g:*", false);
        check("arn:${P}:dms:${R}:${A}:cert:*", "arn:aws:dms:r:a:cert:X", true);
        check("arn:${P}:o::${A}:b/${N}-{Stamp}", "arn:aws:o::1:b/n-2020", true);
    }

    #[test]
    fn a_later_placeholder_can_take_what_an_earlier_one_did_not() {
        let object = "arn:${P}:s3-outposts:${R}:${A}:outpost/${O}/bucket/${BucketName}/object/${K}";
        check(object, "arn:aws:s3-outposts:r:a:outpost/o/bucket/x/bucket/y/object/z", true);
        check(object, "arn:aws:s3-outposts:r:a:outpost/o/bucket/x/y/object/z", false);
    }

    #[test]
    fn broken_formats_are_errors() {
        for text in ["arn:${P}:s3", "arn:${P:s3:::b", "arn:$x:s3:::b", "arn:a:s3:::${BucketName}x"]
        {
            assert!(Formats::default().push(text, StrId(0)).is_err(), "{text}");
        }
    }
}
