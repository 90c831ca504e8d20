//! ARN formats of the catalog, ready to be filled in (F-56).

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::parameters::Texts;
use crate::template::Values;

/// Most resources that the parameters of a call give for one ARN format.
const MAX_RESOURCES: usize = 1_000;
/// Bytes that hold most ARNs.
const MANY_BYTES: usize = 96;

/// An ARN format, taken apart.
#[derive(Debug)]
pub(crate) struct Form<'c> {
    /// Its variables beside partition, region and account.
    pub(crate) variables: Vec<&'c str>,
    /// Each place to be filled, and the text before it.
    places: Vec<(&'c str, Place)>,
    /// The text behind the last place.
    tail: &'c str,
}

/// What is put into a place of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Partition,
    Region,
    Account,
    /// The next of its own variables.
    Own,
}

impl<'c> Form<'c> {
    /// The form of a format such as `arn:${Partition}:s3:::${BucketName}`.
    pub(crate) fn new(format: &'c str) -> Self {
        let (mut variables, mut places) = (Vec::new(), Vec::new());
        let mut tail = format;
        while let Some((before, name, after)) = next_variable(tail) {
            let place = match name {
                "Partition" => Place::Partition,
                "Region" => Place::Region,
                "Account" | "AccountId" => Place::Account,
                _ => Place::Own,
            };
            if place == Place::Own {
                variables.push(name);
            }
            places.push((before, place));
            tail = after;
        }
        Self { variables, places, tail }
    }

    /// The ARNs of the format: one for each combination of the texts of its variables.
    pub(crate) fn fill(&self, own: &[Texts<'_>], values: &Values<'_, '_>) -> Vec<String> {
        if own.len() != self.variables.len() || own.iter().any(SmallVec::is_empty) {
            return Vec::new();
        }
        let mut own = self.variables.iter().zip(own);
        let mut arns = vec![String::with_capacity(MANY_BYTES)];
        for (before, place) in &self.places {
            match place {
                Place::Partition => append(&mut arns, before, values.partition),
                Place::Region => append(&mut arns, before, values.region),
                Place::Account => append(&mut arns, before, values.account),
                Place::Own => {
                    let Some((name, texts)) = own.next() else { continue };
                    if let [text] = &texts[..] {
                        append(&mut arns, before, meant(name, text));
                        continue;
                    }
                    let longer = arns.iter().flat_map(|arn| {
                        texts.iter().map(move |text| format!("{arn}{before}{}", meant(name, text)))
                    });
                    arns = longer.take(MAX_RESOURCES).collect();
                }
            }
        }
        append(&mut arns, self.tail, "");
        arns
    }

    /// The ARNs of a format with one variable of its own, by its text.
    pub(crate) fn fill_one(&self, text: &str, values: &Values<'_, '_>) -> Vec<String> {
        self.fill(&[Texts::from_iter([Cow::Borrowed(text)])], values)
    }
}

/// The text of a variable, whose name may say that it lacks something.
fn meant<'t>(name: &str, text: &'t str) -> &'t str {
    if name.ends_with("WithoutLeadingSlash") { text.trim_start_matches('/') } else { text }
}

fn append(arns: &mut [String], before: &str, text: &str) {
    for arn in arns {
        arn.push_str(before);
        arn.push_str(text);
    }
}

/// The text before the next variable of a format, its name, and the text behind it.
fn next_variable(format: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = format.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn check(format: &str, own: &[&[&str]], expected: &[&str]) {
        let parameters = Parameters::default();
        let values = Values {
            parameters: &parameters,
            partition: "aws",
            region: "eu-west-1",
            account: "111111111111",
        };
        let own: Vec<Texts<'_>> = own
            .iter()
            .map(|texts| texts.iter().map(|text| Cow::Borrowed(*text)).collect())
            .collect();
        assert_eq!(Form::new(format).fill(&own, &values), expected, "{format}");
    }

    #[test]
    fn formats_are_filled() {
        let bucket = "arn:${Partition}:s3:::${BucketName}";
        check(bucket, &[&["b"]], &["arn:aws:s3:::b"]);
        check(bucket, &[&["b", "c"]], &["arn:aws:s3:::b", "arn:aws:s3:::c"]);
        check(bucket, &[&[]], &[]);
        check(bucket, &[], &[]);
        let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
        check(object, &[&["b"], &["k", "l"]], &["arn:aws:s3:::b/k", "arn:aws:s3:::b/l"]);
        check(
            "arn:${Partition}:ssm:${Region}:${Account}:parameter/${NameWithoutLeadingSlash}!",
            &[&["/a/b"]],
            &["arn:aws:ssm:eu-west-1:111111111111:parameter/a/b!"],
        );
        check("arn:${Partition}:iam::${AccountId}:root", &[], &["arn:aws:iam::111111111111:root"]);
    }
}
