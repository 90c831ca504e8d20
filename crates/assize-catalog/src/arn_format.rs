//! The ARN patterns of resource types.

use crate::Error;
use crate::tables::StrId;

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
        let mut parts = arn.splitn(N_SEGMENTS, ':');
        let mut segments = [&b""[..]; N_SEGMENTS];
        for segment in &mut segments {
            *segment = parts.next()?.as_bytes();
        }
        Some(Self(segments))
    }
}

/// An ARN pattern, ready to match.
#[derive(Debug)]
pub(crate) struct FormatRow {
    pub(crate) text: StrId,
    /// The six segments, placeholders replaced by [`ANY`] and [`NO_SLASH`].
    segments: [Box<[u8]>; N_SEGMENTS],
    literal_bytes: u32,
    placeholders: u32,
}

impl FormatRow {
    /// Reads a pattern such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
    pub(crate) fn parse(text: &str, id: StrId) -> Result<Self, Error> {
        let code = compile(text)?;
        let mut segments: [Box<[u8]>; N_SEGMENTS] = Default::default();
        let mut parts = code.splitn(N_SEGMENTS, |&b| b == b':');
        for segment in &mut segments {
            let part = parts.next().ok_or(Error::damaged("an ARN format has too few segments"))?;
            if !names_end_at_slashes(part) {
                return Err(Error::damaged(
                    "a bucket name in an ARN format is not followed by `/`",
                ));
            }
            *segment = part.into();
        }
        let n_placeholders = code.iter().filter(|&&b| b < b' ').count();
        let too_long = |_| Error::damaged("an ARN format is too long");
        Ok(Self {
            text: id,
            segments,
            literal_bytes: u32::try_from(code.len() - n_placeholders).map_err(too_long)?,
            placeholders: u32::try_from(n_placeholders).map_err(too_long)?,
        })
    }
}

/// The pattern with each placeholder as one byte. A `*` in a pattern of the reference, and a name
/// in braces without `$`, are placeholders like any other.
fn compile(text: &str) -> Result<Vec<u8>, Error> {
    let mut code = Vec::with_capacity(text.len());
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
    Ok(code)
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
}

impl<'a> ArnFormat<'a> {
    pub(crate) fn new(text: &'a str, row: &'a FormatRow) -> Self {
        Self { text, row }
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
        let rank = |format: &Self| (format.row.literal_bytes, u32::MAX - format.row.placeholders);
        rank(self) > rank(other)
    }

    pub(crate) fn fits(&self, arn: &ArnSegments<'_>) -> bool {
        self.row.segments.iter().zip(arn.0).all(|(pattern, text)| match_segment(pattern, text))
    }
}

/// Matches one segment. When [`ANY`] is met again, the first meeting need not be revisited: what
/// it took less, the second can take more. [`NO_SLASH`] never needs it, because `/` or the end
/// follows it.
fn match_segment(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(&ANY), _) => {
                retry = Some((p + 1, t));
                p += 1;
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
        let row = FormatRow::parse(pattern, StrId(0)).unwrap();
        let format = ArnFormat::new(pattern, &row);
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
            assert!(FormatRow::parse(text, StrId(0)).is_err(), "{text}");
        }
    }
}
