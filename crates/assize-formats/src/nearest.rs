//! The right word for a wrong one.

pub use assize_model::did_you_mean;

/// How many edits a word may be away from the right one: one in three characters.
const CHARS_PER_EDIT: usize = 3;
/// Longest word that is compared, in bytes: the cost is quadratic.
const MAX_WORD_BYTES: usize = 64;

/// The candidate nearest to a word by edit distance (case apart, which costs nothing), when one
/// is near enough to be what was meant. Of equally near ones the first.
///
/// # Examples
/// ```
/// let fields = ["principal", "action", "resource"];
/// assert_eq!(assize_formats::nearest("princpal", fields), Some("principal"));
/// assert_eq!(assize_formats::nearest("Action", fields), Some("action"));
/// assert_eq!(assize_formats::nearest("zebra", fields), None);
/// ```
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > MAX_WORD_BYTES {
        return None;
    }
    let allowed = word.chars().count().div_ceil(CHARS_PER_EDIT);
    let distances = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let (edits, candidate) = distances.min_by_key(|(edits, _)| *edits)?;
    (edits <= allowed).then_some(candidate)
}

/// The edit distance (insert, delete, replace), ASCII case ignored.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (left, right, expected) in
            [("", "abc", 3), ("abc", "abc", 0), ("ABC", "abc", 0), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn nothing_is_near_to_nothing() {
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest(&"x".repeat(100), ["x"]), None);
    }
}
