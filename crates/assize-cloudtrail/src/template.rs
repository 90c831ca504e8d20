//! Templates of the API map, ready to be filled in (F-56).

use std::borrow::Cow;

use assize_catalog::api_map::{Template, TemplatePart};
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use smallvec::{SmallVec, smallvec};

use crate::parameters::{Parameters, Texts};

/// Most texts that one template gives. A request has at most 100 checks (F-6).
const MAX_TEXTS: usize = 1_000;

/// A template whose expressions are compiled.
#[derive(Debug, Default)]
pub(crate) struct Filler<'c> {
    parts: Vec<Part<'c>>,
}

#[derive(Debug)]
enum Part<'c> {
    Text(&'c str),
    Partition,
    Region,
    Account,
    Parameter(&'c str),
    Many(Vec<Filler<'c>>),
    IfTruthy(Box<[Filler<'c>; 3]>),
    IfArnFits(Filler<'c>),
    Capture(Filler<'c>, Option<Box<Regex>>),
    UrlEncode(Filler<'c>),
}

/// What templates are filled from.
#[derive(Debug)]
pub(crate) struct Values<'v, 'a> {
    pub(crate) parameters: &'v Parameters<'a>,
    pub(crate) partition: &'v str,
    pub(crate) region: &'v str,
    pub(crate) account: &'v str,
}

impl<'c> Filler<'c> {
    /// The template of a text of the map, which holds only texts that are templates.
    pub(crate) fn new(text: &'c str) -> Self {
        Template::parse(text).map(Self::from_template).unwrap_or_default()
    }

    fn from_template(template: Template<'c>) -> Self {
        Self { parts: template.parts.into_iter().map(Part::new).collect() }
    }

    /// The texts that the template gives. None, when a parameter it needs is not there.
    pub(crate) fn texts<'v>(
        &'v self,
        values: &Values<'v, 'v>,
        fits: &dyn Fn(&str) -> bool,
    ) -> Texts<'v> {
        if let [whole] = &self.parts[..] {
            let mut texts = whole.texts(values, fits);
            texts.truncate(MAX_TEXTS);
            return texts;
        }
        let mut texts: SmallVec<[String; 1]> = smallvec![String::new()];
        for part in &self.parts {
            let mut pieces = part.texts(values, fits);
            // A part of something cut out of a parameter, such as the path before a name, may be
            // empty.
            if pieces.is_empty() && matches!(part, Part::Capture(..)) {
                pieces.push(Cow::Borrowed(""));
            }
            if let [piece] = &pieces[..] {
                for text in &mut texts {
                    text.push_str(piece);
                }
                continue;
            }
            texts = texts
                .iter()
                .flat_map(|text| pieces.iter().map(move |piece| format!("{text}{piece}")))
                .take(MAX_TEXTS)
                .collect();
        }
        if self.parts.is_empty() {
            Texts::new()
        } else {
            texts.into_iter().map(Cow::Owned).collect()
        }
    }
}

impl<'c> Part<'c> {
    fn new(part: TemplatePart<'c>) -> Self {
        let inner = Filler::from_template;
        match part {
            TemplatePart::Text(text) => Self::Text(text),
            TemplatePart::Parameter("Partition") => Self::Partition,
            TemplatePart::Parameter("Region") => Self::Region,
            TemplatePart::Parameter("Account") => Self::Account,
            TemplatePart::Parameter(path) => Self::Parameter(path),
            TemplatePart::Many(all) => Self::Many(all.into_iter().map(inner).collect()),
            TemplatePart::IfTruthy { condition, then, otherwise } => {
                Self::IfTruthy(Box::new([inner(condition), inner(then), inner(otherwise)]))
            }
            TemplatePart::IfArnFits(template) => Self::IfArnFits(inner(template)),
            TemplatePart::Capture { input, expression } => {
                Self::Capture(inner(input), Regex::new(expression).ok().map(Box::new))
            }
            TemplatePart::UrlEncode(template) => Self::UrlEncode(inner(template)),
        }
    }

    fn texts<'v>(&'v self, values: &Values<'v, 'v>, fits: &dyn Fn(&str) -> bool) -> Texts<'v> {
        match self {
            Self::Text(text) => smallvec![Cow::Borrowed(*text)],
            Self::Partition => smallvec![Cow::Borrowed(values.partition)],
            Self::Region => smallvec![Cow::Borrowed(values.region)],
            Self::Account => smallvec![Cow::Borrowed(values.account)],
            Self::Parameter(path) => values.parameters.values(path),
            Self::Many(all) => all.iter().flat_map(|filler| filler.texts(values, fits)).collect(),
            Self::IfTruthy(three) => {
                let [condition, then, otherwise] = &**three;
                let holds = !condition.texts(values, fits).is_empty();
                (if holds { then } else { otherwise }).texts(values, fits)
            }
            Self::IfArnFits(filler) => {
                let mut texts = filler.texts(values, fits);
                texts.retain(|text| fits(text));
                texts
            }
            Self::Capture(filler, regex) => {
                let texts = filler.texts(values, fits);
                let found = texts.iter().filter_map(|text| capture(regex.as_deref()?, text));
                found.map(Cow::Owned).collect()
            }
            Self::UrlEncode(filler) => {
                let texts = filler.texts(values, fits);
                texts.iter().map(|text| Cow::Owned(url_encode(text))).collect()
            }
        }
    }
}

/// What the first group finds, or the whole expression if it has none.
fn capture(regex: &Regex, text: &str) -> Option<String> {
    let mut captures: Captures = regex.create_captures();
    regex.captures(text, &mut captures);
    let group = usize::from(captures.group_len() > 1);
    Some(text.get(captures.get_group(group)?.range())?.to_owned())
}

fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, json: &str, expected: &[&str]) {
        let parameters = Parameters::read(Some(json), "x");
        let values = Values {
            parameters: &parameters,
            partition: "aws",
            region: "eu-west-1",
            account: "111111111111",
        };
        let fits = |text: &str| text.starts_with("arn:");
        assert_eq!(
            Filler::new(template).texts(&values, &fits).to_vec(),
            expected,
            "{template} of {json}"
        );
    }

    #[test]
    fn templates_are_filled() {
        let json = r#"{"a":"1","b":["x","y"],"arn":"arn:z","path":"/team/"}"#;
        check("*", json, &["*"]);
        check("${A}/${B[]}", json, &["1/x", "1/y"]);
        check(
            "arn:${Partition}:s:${Region}:${Account}:t",
            json,
            &["arn:aws:s:eu-west-1:111111111111:t"],
        );
        check("${A}${Missing}", json, &[]);
        check("%%many%${A}%${B[]}%%", json, &["1", "x", "y"]);
        check("%%iftruthy%${A}%*%%%", json, &["*"]);
        check("%%iftruthy%${Missing}%*%%%", json, &[]);
        check("%%iftemplatematch%${Arn}%%", json, &["arn:z"]);
        check("%%iftemplatematch%${A}%%", json, &[]);
        check(r"%%regex%${Path}%/^\/(.+)$/g%%n", json, &["team/n"]);
        check(r"%%regex%${Missing}%/^\/(.+)$/g%%n", json, &["n"]);
        check(r"%%regex%${Missing}%/^\/(.+)$/g%%", json, &[]);
        check("%%urlencode%${Path}%%", json, &["%2Fteam%2F"]);
    }

    /// Every expression of the bundled map compiles.
    #[test]
    fn expressions_of_the_map_compile() {
        fn all_compile(filler: &Filler<'_>) -> bool {
            filler.parts.iter().all(|part| match part {
                Part::Capture(filler, regex) => regex.is_some() && all_compile(filler),
                Part::Many(all) => all.iter().all(all_compile),
                Part::IfTruthy(three) => three.iter().all(all_compile),
                Part::IfArnFits(filler) | Part::UrlEncode(filler) => all_compile(filler),
                _ => true,
            })
        }
        let map = assize_catalog::ApiMap::bundled().unwrap();
        for service in map.services() {
            for action in service.operations().flat_map(|operation| operation.actions()) {
                for template in action.templates() {
                    assert!(all_compile(&Filler::new(template.text)), "{}", template.text);
                }
            }
        }
    }
}
