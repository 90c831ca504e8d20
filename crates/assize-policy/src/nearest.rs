//! The word someone meant.

/// The farthest a word can be from the one that was meant, in single-letter edits.
const MAX_EDITS: usize = 3;

/// The longest word that is compared, in bytes: no word of the language is longer.
const MAX_WORD_BYTES: usize = 64;

/// The end of a message: ``, did you mean `Action`?`` when one of the known words is near, and
/// nothing otherwise. Case is no distance.
pub(crate) fn did_you_mean(word: &str, known: impl IntoIterator<Item = &'static str>) -> String {
    match nearest(word, known) {
        Some(meant) => format!(", did you mean `{meant}`?"),
        None => String::new(),
    }
}

/// The first of the known words with the fewest edits, if they are few for its length.
fn nearest(word: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    if word.is_empty() || word.len() > MAX_WORD_BYTES {
        return None;
    }
    let near = known.into_iter().filter_map(|candidate| {
        let edits = edit_distance(word.as_bytes(), candidate.as_bytes());
        (edits <= MAX_EDITS.min(candidate.len() / 3)).then_some((edits, candidate))
    });
    near.min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate)
}

/// The number of bytes to insert, delete or replace to make one word of the other.
fn edit_distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: &str) {
        let known = ["Action", "NotAction", "Effect", "Sid", "StringEquals", "StringNotEquals"];
        assert_eq!(did_you_mean(word, known), expected, "{word}");
    }

    #[test]
    fn near_words_are_suggested() {
        check("action", ", did you mean `Action`?");
        check("Actions", ", did you mean `Action`?");
        check("StringEqual", ", did you mean `StringEquals`?");
        check("sid", ", did you mean `Sid`?");
        check("SD", ", did you mean `Sid`?");
        check("Principle", "");
        check("", "");
        check(&"x".repeat(100), "");
    }
}
