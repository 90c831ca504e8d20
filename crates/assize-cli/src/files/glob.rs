//! Patterns of paths, for shells that do not expand them and for patterns in quotes.

use std::io;
use std::path::{Component, Path, PathBuf};

/// The part of a pattern that stands for any number of directories.
const ANY_DEPTH: &str = "**";
/// Deepest directory that `**` goes into.
const MAX_DEPTH: usize = 64;

/// Whether a path has a wildcard.
pub(super) fn is_glob(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// The existing paths that match a pattern, in byte order: `*` stands for any characters of one
/// name, `?` for one, `**` for any number of directories. Names that begin with a dot are found
/// only when the pattern has the dot.
pub(super) fn expand(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let components: Vec<Component<'_>> = pattern.components().collect();
    let mut found = Vec::new();
    descend(PathBuf::new(), &components, 0, &mut found)?;
    found.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    found.dedup();
    Ok(found)
}

fn descend(
    base: PathBuf,
    rest: &[Component<'_>],
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let Some((first, behind)) = rest.split_first() else {
        found.push(base);
        return Ok(());
    };
    let Component::Normal(name) = first else {
        return descend(base.join(first), behind, depth, found);
    };
    let Some(pattern) = name.to_str().filter(|name| name.contains(['*', '?'])) else {
        let next = base.join(name);
        return if next.exists() { descend(next, behind, depth, found) } else { Ok(()) };
    };
    if pattern == ANY_DEPTH {
        descend(base.clone(), behind, depth, found)?;
        if depth >= MAX_DEPTH {
            return Ok(());
        }
    }
    let directory = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(text) = name.to_str() else { continue };
        if text.starts_with('.') && !pattern.starts_with('.') {
            continue;
        }
        let next = base.join(&name);
        if pattern == ANY_DEPTH {
            if next.is_dir() {
                descend(next, rest, depth + 1, found)?;
            }
        } else if matches(pattern, text) && (behind.is_empty() || next.is_dir()) {
            descend(next, behind, depth, found)?;
        }
    }
    Ok(())
}

/// Whether a name matches a pattern, by going back to the last `*` only.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_patterns() {
        for (pattern, name, expected) in [
            ("*.json", "a.json", true),
            ("*.json", "a.yaml", false),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xaxbx", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_find_files_in_byte_order() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = expand(&root.join("src/**/gl?b.rs")).unwrap();
        assert_eq!(found, [root.join("src/files/glob.rs")]);
        let found = expand(&root.join("src/f*.rs")).unwrap();
        assert_eq!(found, [root.join("src/files.rs")]);
        assert!(expand(&root.join("nowhere/*.rs")).unwrap().is_empty());
    }
}
