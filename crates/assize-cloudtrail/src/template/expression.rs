//! Expressions that cut a part out of a parameter.

use std::borrow::Cow;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;

/// An expression of the map.
#[derive(Debug)]
pub(super) struct Expression {
    /// None when it does not compile: then it finds nothing.
    regex: Option<Box<Regex>>,
    cut: Option<Cut>,
}

/// What an expression cuts out, where that can be said in fewer steps than a search takes. The
/// dots of these expressions are no line feeds, so texts that hold one are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// What is behind the last slash that has something on both sides; else all.
    BehindSlashOrAll,
    /// The same, but nothing where there is no such slash.
    BehindSlash,
    /// What is behind the last slash, if it is an id.
    IdBehindSlash,
    /// All, if it has no colon.
    AllWithoutColon,
    /// What is behind the last colon of an ARN that has something behind it; else all.
    BehindColonOfArn,
}

/// The expressions that most templates of the map have.
const CUTS: [(&str, Cut); 5] = [
    (r"^(?:.+\/)?(.+)$", Cut::BehindSlashOrAll),
    (r"^.+\/(.+?)$", Cut::BehindSlash),
    (r"^(?:.*\/)?([0-9a-f-]+)$", Cut::IdBehindSlash),
    (
        r"^(?:^arn\:aws\:.+function\:|^[0-9]{12}\:function\:)?([^:]+?)(?:\:[^:]+)?$",
        Cut::AllWithoutColon,
    ),
    (r"(?:arn.*:)?(.+)", Cut::BehindColonOfArn),
];

/// What a quick look tells of a text.
enum Quick<'t> {
    Found(&'t str),
    Nothing,
    /// It is to be searched.
    Unknown,
}

impl Cut {
    fn of(self, text: &str) -> Quick<'_> {
        if text.is_empty() || memchr::memchr(b'\n', text.as_bytes()).is_some() {
            return Quick::Unknown;
        }
        // The last one that has something behind it, from a place on.
        let behind = |sign: char, from: usize| {
            let head = text.get(..text.len() - text.chars().next_back().map_or(0, char::len_utf8));
            let at = head?.rfind(sign).filter(|at| *at >= from)?;
            text.get(at + 1..)
        };
        match self {
            Self::BehindSlashOrAll => Quick::Found(behind('/', 1).unwrap_or(text)),
            Self::BehindSlash => behind('/', 1).map_or(Quick::Nothing, Quick::Found),
            Self::IdBehindSlash => {
                let id = text.rsplit('/').next().unwrap_or_default();
                let is_id = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
                let fits = !id.is_empty() && id.bytes().all(is_id);
                if fits { Quick::Found(id) } else { Quick::Nothing }
            }
            Self::AllWithoutColon if text.contains(':') => Quick::Unknown,
            Self::BehindColonOfArn if text.starts_with("arn") => {
                Quick::Found(behind(':', "arn".len()).unwrap_or(text))
            }
            Self::AllWithoutColon | Self::BehindColonOfArn => Quick::Found(text),
        }
    }
}

impl Expression {
    pub(super) fn new(text: &str) -> Self {
        let known = CUTS.iter().find(|(known, _)| *known == text);
        Self { regex: Regex::new(text).ok().map(Box::new), cut: known.map(|(_, cut)| *cut) }
    }

    #[cfg(test)]
    pub(super) fn compiles(&self) -> bool {
        self.regex.is_some()
    }

    /// What the first group finds in a text, or the whole expression if it has none.
    pub(super) fn cut_out<'t>(&self, text: &Cow<'t, str>) -> Option<Cow<'t, str>> {
        let found = match self.cut.map_or(Quick::Unknown, |cut| cut.of(text)) {
            Quick::Found(found) => found,
            Quick::Nothing => return None,
            Quick::Unknown => capture(self.regex.as_deref()?, text)?,
        };
        if found.len() == text.len() {
            return Some(text.clone());
        }
        Some(Cow::Owned(found.to_owned()))
    }
}

fn capture<'t>(regex: &Regex, text: &'t str) -> Option<&'t str> {
    let mut captures: Captures = regex.create_captures();
    regex.captures(text, &mut captures);
    let group = usize::from(captures.group_len() > 1);
    text.get(captures.get_group(group)?.range())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of some pieces up to a length.
    fn texts(pieces: &[&str], n: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..n {
            let end = all.len();
            for at in from..end {
                all.extend(
                    pieces.iter().map(|piece| format!("{}{piece}", all[at])).collect::<Vec<_>>(),
                );
            }
            from = end;
        }
        all
    }

    #[test]
    fn what_is_cut_out_quickly_is_what_a_search_finds() {
        let texts = texts(&["/", ":", "arn", "a", "g", "\n", "é", "-"], 5);
        for (text, cut) in CUTS {
            let regex = Regex::new(text).unwrap();
            let mut n_quick = 0;
            for text in &texts {
                let quick = match cut.of(text) {
                    Quick::Found(found) => Some(found),
                    Quick::Nothing => None,
                    Quick::Unknown => continue,
                };
                n_quick += 1;
                assert_eq!(quick, capture(&regex, text), "{cut:?} of {text:?}");
            }
            assert!(n_quick > texts.len() / 8, "{cut:?}: {n_quick}");
        }
    }

    /// The quick ways are of expressions that the map has.
    #[test]
    fn quick_ways_are_of_the_map() {
        let map = assize_catalog::ApiMap::bundled().unwrap();
        let operations =
            map.services().flat_map(|service| service.operations().collect::<Vec<_>>());
        let actions = operations.flat_map(|operation| operation.actions().collect::<Vec<_>>());
        let templates: Vec<&str> = actions
            .flat_map(|action| action.templates().map(|template| template.text).collect::<Vec<_>>())
            .collect();
        for (text, cut) in CUTS {
            let expression = format!("/{text}/g%%");
            assert!(templates.iter().any(|template| template.contains(&expression)), "{cut:?}");
        }
    }
}
