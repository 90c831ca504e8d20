//! Templates of the API map, ready to be filled in (F-56).

mod expression;

use std::borrow::Cow;

use assize_catalog::api_map::{Template, TemplatePart};
use assize_model::ArnParts;
use smallvec::{SmallVec, smallvec};

use crate::parameters::Parameters;
use crate::place::Place;

use self::expression::Expression;

/// Most texts that one template gives. A request has at most 100 checks (F-6).
const MAX_TEXTS: usize = 1_000;

/// A text that a template gives.
#[derive(Debug, Clone)]
pub(crate) struct Piece<'v> {
    pub(crate) text: Cow<'v, str>,
    /// The parameter it was taken from; the first, if there are several.
    pub(crate) parameter: Option<Cow<'v, str>>,
}

/// Such texts, of which there is one most often.
pub(crate) type Pieces<'v> = SmallVec<[Piece<'v>; 1]>;

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
    Capture(Filler<'c>, Expression),
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

    /// Whether no parameter changes what it gives.
    pub(crate) fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| {
            matches!(part, Part::Text(_) | Part::Partition | Part::Region | Part::Account)
        })
    }

    /// What the template gives. Nothing, when a parameter it needs is not there.
    pub(crate) fn pieces<'v>(
        &'v self,
        values: &Values<'v, 'v>,
        fits: &dyn Fn(&str) -> bool,
    ) -> Pieces<'v> {
        if let [whole] = &self.parts[..] {
            let mut pieces = whole.pieces(values, fits);
            pieces.truncate(MAX_TEXTS);
            return pieces;
        }
        if self.parts.is_empty() {
            return Pieces::new();
        }
        let mut all: SmallVec<[Piece<'v>; 1]> = smallvec![Piece::of(Cow::Borrowed(""))];
        for part in &self.parts {
            let mut pieces = part.pieces(values, fits);
            // A part of something cut out of a parameter, such as the path before a name, may be
            // empty.
            if pieces.is_empty() && matches!(part, Part::Capture(..)) {
                pieces.push(Piece::of(Cow::Borrowed("")));
            }
            if let [piece] = &pieces[..] {
                all.iter_mut().for_each(|text| text.append(piece));
                continue;
            }
            let longer = all.iter().flat_map(|text| {
                pieces.iter().map(move |piece| {
                    let mut text = text.clone();
                    text.append(piece);
                    text
                })
            });
            all = longer.take(MAX_TEXTS).collect();
        }
        all
    }

    /// The ARNs that the template gives. Where a parameter says in which account and region the
    /// resource is, these are not those of the call.
    pub(crate) fn arns(&self, values: &Values<'_, '_>) -> Vec<String> {
        let pieces = self.pieces(values, &|_| true);
        let arn = |(at, piece): (usize, &Piece<'_>)| {
            let service = ArnParts::split(&piece.text).map(|parts| parts.service);
            let place = service.and_then(|service| piece.place(service));
            let moved = place.and_then(|place| {
                let pieces = self.pieces(&values.at(place), &|_| true);
                pieces.into_iter().nth(at).map(|piece| piece.text.into_owned())
            });
            moved.unwrap_or_else(|| piece.text.clone().into_owned())
        };
        pieces.iter().enumerate().map(arn).collect()
    }
}

impl<'v> Piece<'v> {
    fn of(text: Cow<'v, str>) -> Self {
        Self { text, parameter: None }
    }

    /// A text that no parameter gives.
    pub(crate) fn fixed(text: &'v str) -> Self {
        Self::of(Cow::Borrowed(text))
    }

    /// The whole of a parameter.
    pub(crate) fn whole(parameter: Cow<'v, str>) -> Self {
        Self { text: parameter.clone(), parameter: Some(parameter) }
    }

    /// Whether it stands for whatever there is, without any parameter.
    pub(crate) fn is_open(&self) -> bool {
        self.parameter.is_none() && self.text == "*"
    }

    /// Where the parameter says that a resource of a service is.
    pub(crate) fn place(&self, service: &str) -> Option<Place<'_>> {
        Place::of(self.parameter.as_deref()?, service)
    }

    fn append(&mut self, next: &Self) {
        self.text.to_mut().push_str(&next.text);
        if self.parameter.is_none() {
            self.parameter.clone_from(&next.parameter);
        }
    }
}

impl<'v, 'a> Values<'v, 'a> {
    /// The same values for a resource of another place.
    pub(crate) fn at<'s>(&self, place: Place<'s>) -> Values<'s, 's>
    where
        'v: 's,
        'a: 's,
    {
        Values {
            parameters: self.parameters,
            partition: place.partition.unwrap_or(self.partition),
            region: place.region.unwrap_or(self.region),
            account: place.account.unwrap_or(self.account),
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
                Self::Capture(inner(input), Expression::new(expression))
            }
            TemplatePart::UrlEncode(template) => Self::UrlEncode(inner(template)),
        }
    }

    fn pieces<'v>(&'v self, values: &Values<'v, 'v>, fits: &dyn Fn(&str) -> bool) -> Pieces<'v> {
        let text = |text: &'v str| smallvec![Piece::of(Cow::Borrowed(text))];
        match self {
            Self::Text(own) => text(own),
            Self::Partition => text(values.partition),
            Self::Region => text(values.region),
            Self::Account => text(values.account),
            Self::Parameter(path) => {
                values.parameters.values(path).into_iter().map(Piece::whole).collect()
            }
            Self::Many(all) => all.iter().flat_map(|filler| filler.pieces(values, fits)).collect(),
            Self::IfTruthy(three) => {
                let [condition, then, otherwise] = &**three;
                let holds = !condition.pieces(values, fits).is_empty();
                (if holds { then } else { otherwise }).pieces(values, fits)
            }
            Self::IfArnFits(filler) => {
                let mut pieces = filler.pieces(values, fits);
                pieces.retain(|piece| fits(&piece.text));
                pieces
            }
            Self::Capture(filler, expression) => {
                let pieces = filler.pieces(values, fits).into_iter();
                let cut = |piece: Piece<'v>| {
                    let text = expression.cut_out(&piece.text)?;
                    Some(Piece { text, ..piece })
                };
                pieces.filter_map(cut).collect()
            }
            Self::UrlEncode(filler) => {
                let pieces = filler.pieces(values, fits).into_iter();
                let encode =
                    |piece: Piece<'v>| Piece { text: Cow::Owned(url_encode(&piece.text)), ..piece };
                pieces.map(encode).collect()
            }
        }
    }
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
        let filler = Filler::new(template);
        let pieces = filler.pieces(&values, &fits);
        let texts: Vec<_> = pieces.iter().map(|piece| &*piece.text).collect();
        assert_eq!(texts, expected, "{template} of {json}");
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
                Part::Capture(filler, expression) => expression.compiles() && all_compile(filler),
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
