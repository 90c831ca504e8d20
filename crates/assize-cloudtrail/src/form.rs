//! ARN formats of the catalog, ready to be filled in (F-56).

use smallvec::SmallVec;

use crate::place::is_alias;
use crate::template::{Piece, Pieces, Values};

/// Most resources that the parameters of a call give for one ARN format.
const MAX_RESOURCES: usize = 1_000;
/// How many colons stand before the account that an ARN says is the owner.
const ACCOUNT_COLONS: usize = 4;
/// What the names of documents of Systems Manager begin with that AWS keeps for its own, whatever
/// the case. State of November 2026.
const AWS_DOCUMENTS: [&str; 3] = ["amazon", "amzn", "aws"];
/// Bytes that hold most ARNs.
const MANY_BYTES: usize = 96;

/// An ARN format, taken apart.
#[derive(Debug)]
pub(crate) struct Form<'c> {
    /// Its variables beside partition, region and account.
    pub(crate) variables: Vec<&'c str>,
    service: &'c str,
    /// Each slot to be filled, and the text before it.
    slots: Vec<(&'c str, Slot)>,
    /// The text behind the last slot.
    tail: &'c str,
}

/// What a part of a format is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Partition,
    Region,
    Account,
    /// The next of its own variables.
    Own,
}

impl<'c> Form<'c> {
    /// The form of a format such as `arn:${Partition}:s3:::${BucketName}`.
    pub(crate) fn new(format: &'c str) -> Self {
        let (mut variables, mut slots) = (Vec::new(), Vec::new());
        let (mut tail, mut n_colons) = (format, 0);
        while let Some((before, name, after)) = next_variable(tail) {
            // Behind the fifth colon an account is what the ARN is about.
            n_colons += before.matches(':').count();
            let slot = match name {
                "Partition" => Slot::Partition,
                "Region" => Slot::Region,
                "Account" => Slot::Account,
                "AccountId" if n_colons == ACCOUNT_COLONS => Slot::Account,
                _ => Slot::Own,
            };
            if slot == Slot::Own {
                variables.push(name);
            }
            slots.push((before, slot));
            tail = after;
        }
        let service = format.split(':').nth(2).unwrap_or_default();
        Self { variables, service, slots, tail }
    }

    /// The ARNs of the format: one for each combination of the texts of its variables.
    pub(crate) fn fill(&self, own: &[Pieces<'_>], values: &Values<'_, '_>) -> Vec<String> {
        if own.len() != self.variables.len() {
            return Vec::new();
        }
        let n_all = own.iter().map(SmallVec::len).fold(1, usize::saturating_mul);
        let all = (0..n_all.min(MAX_RESOURCES)).map(|at| combination(own, at));
        all.filter_map(|pieces| self.arn(&pieces, values)).collect()
    }

    /// The ARN of a format with one variable of its own, by its text.
    pub(crate) fn fill_one(&self, piece: &Piece<'_>, values: &Values<'_, '_>) -> Option<String> {
        self.arn(&[piece], values)
    }

    /// The ARN by a text for each variable. Where one was taken from a parameter that says in
    /// which account and region the resource is, these are not those of the call. None, when the
    /// texts are of no one resource of the format.
    fn arn(&self, own: &[&Piece<'_>], values: &Values<'_, '_>) -> Option<String> {
        let mut places = own.iter().filter_map(|piece| piece.place(self.service));
        let place = places.next().unwrap_or_default();
        if places.any(|other| other != place) {
            return None;
        }
        let mut parameters = own.iter().filter_map(|piece| piece.parameter.as_deref());
        let whole = parameters.find(|parameter| parameter.starts_with("arn:"));
        let mut values: Values<'_, '_> = values.at(place);
        if own.iter().zip(&self.variables).any(|(piece, name)| self.is_of_aws(name, &piece.text)) {
            values.account = "";
        }
        let mut own = own.iter().enumerate();
        let mut arn = String::with_capacity(MANY_BYTES);
        for (before, slot) in &self.slots {
            arn.push_str(before);
            arn.push_str(match slot {
                Slot::Partition => values.partition,
                Slot::Region => values.region,
                Slot::Account => values.account,
                Slot::Own => {
                    let (at, piece) = own.next()?;
                    // What a template leaves open an ARN that the call gives may hold.
                    let held = whole.filter(|_| piece.is_open()).and_then(|a| self.part_of(at, a));
                    held.map_or_else(|| self.meant(at, before, piece), Some)?
                }
            });
        }
        arn.push_str(self.tail);
        Some(arn)
    }

    /// Whether a document of Systems Manager is one of AWS, whose ARN names no account. Nobody else
    /// can give one a name that begins so.
    fn is_of_aws(&self, variable: &str, name: &str) -> bool {
        let name = name.rsplit("document/").next().unwrap_or_default().as_bytes();
        let begins = |own: &&str| {
            name.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own.as_bytes()))
        };
        self.service == "ssm" && variable == "DocumentName" && AWS_DOCUMENTS.iter().any(begins)
    }

    /// The text of the variable at a position, by what the call gives for it and the text before
    /// it.
    fn meant<'t>(&self, at: usize, before: &str, piece: &'t Piece<'_>) -> Option<&'t str> {
        let name = self.variables.get(at)?;
        let mut text = &*piece.text;
        if text.starts_with("arn:") && !name.ends_with("Arn") {
            text = self.part_of(at, text)?;
        }
        if is_alias(piece.parameter.as_deref().unwrap_or_default(), self.service) {
            // A key of that alias is not known.
            let alias = text.strip_prefix("alias/").unwrap_or(text);
            return before.ends_with("alias/").then_some(alias);
        }
        let is_bare = name.ends_with("WithoutLeadingSlash");
        Some(if is_bare { text.trim_start_matches('/') } else { text })
    }

    /// What an ARN that a call gives for the variable at a position has in its place.
    fn part_of<'t>(&self, at: usize, arn: &'t str) -> Option<&'t str> {
        let (mut rest, mut left) = (arn, at);
        for (nth, (before, slot)) in self.slots.iter().enumerate() {
            rest = rest.strip_prefix(before)?;
            let next = self.slots.get(nth + 1).map_or(self.tail, |(before, _)| before);
            if *slot != Slot::Own {
                rest = rest.get(rest.find(':')?..)?;
            } else if left > 0 {
                left -= 1;
                rest = rest.get(rest.find(next).filter(|_| !next.is_empty())?..)?;
            } else if let Some(separator) = next.chars().next() {
                let text = rest.split(next).next()?;
                return (!text.contains(separator)).then_some(text);
            } else {
                return Some(rest);
            }
        }
        None
    }
}

/// The combination of a number, of those in which the last variable changes first.
fn combination<'p, 'v>(own: &'p [Pieces<'v>], mut at: usize) -> SmallVec<[&'p Piece<'v>; 2]> {
    let pieces = own.iter().rev().filter_map(|pieces| {
        let n_pieces = pieces.len().max(1);
        let piece = pieces.get(at % n_pieces);
        at /= n_pieces;
        piece
    });
    let mut pieces: SmallVec<[_; 2]> = pieces.collect();
    pieces.reverse();
    pieces
}

/// The text before the next variable of a format, its name, and the text behind it.
fn next_variable(format: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = format.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

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
        let own: Vec<Pieces<'_>> = own
            .iter()
            .map(|texts| texts.iter().map(|text| Piece::whole(Cow::Borrowed(*text))).collect())
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
        check(
            "arn:${Partition}:organizations::${Account}:account/o-${OrganizationId}/${AccountId}",
            &[&["*"], &["222222222222"]],
            &["arn:aws:organizations::111111111111:account/o-*/222222222222"],
        );
    }

    #[test]
    fn documents_of_aws_are_in_no_account() {
        let document = "arn:${Partition}:ssm:${Region}:${Account}:document/${DocumentName}";
        let catalog = assize_catalog::Catalog::bundled().unwrap();
        let command = catalog.action("ssm", "SendCommand").unwrap();
        for name in ["AWS-RunShellScript", "AWSEC2-RunSysprep", "AmazonCloudWatch-ManageAgent"] {
            let arn = format!("arn:aws:ssm:eu-west-1::document/{name}");
            assert!(catalog.fits(command, &arn).is_some(), "{arn}");
            check(document, &[&[name]], &[&arn]);
            check(document, &[&[&arn]], &[&arn]);
        }
        for name in ["Own", "MyAWS-Script", "SSM-SessionManagerRunShell", "aw"] {
            let arn = format!("arn:aws:ssm:eu-west-1:111111111111:document/{name}");
            check(document, &[&[name]], &[&arn]);
        }
        let shared = "arn:aws:ssm:eu-west-1:222222222222:document/Own";
        check(document, &[&[shared]], &[shared]);
        let parameter = "arn:${Partition}:ssm:${Region}:${Account}:parameter/${Name}";
        check(parameter, &[&["aws"]], &["arn:aws:ssm:eu-west-1:111111111111:parameter/aws"]);
    }

    /// F-56: an ARN in place of a name says where the resource is.
    #[test]
    fn arns_stand_for_names() {
        let table = "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}";
        let given = "arn:aws-cn:dynamodb:cn-north-1:222222222222:table/t";
        check(table, &[&[given]], &[given]);
        check(table, &[&["t", given]], &["arn:aws:dynamodb:eu-west-1:111111111111:table/t", given]);
        let index = format!("{table}/index/${{IndexName}}");
        check(&index, &[&[given], &["i"]], &[&format!("{given}/index/i")]);
        let whole = format!("{given}/index/i");
        check(&index, &[&[&whole], &[&whole]], &[&whole]);
        check(&index, &[&["t"], &[&whole]], &[&whole]);
        check(&index, &[&["arn:aws:dynamodb:eu-west-1:222222222222:table/t"], &[&whole]], &[]);
        check(&index, &[&[&format!("{given}/stream/s")], &["i"]], &[]);
        check(table, &[&["arn:aws:dynamodb:eu-west-1:222222222222:backup/t"]], &[]);
        check(table, &[&["arn:aws:s3:::t"]], &[]);
        let key = "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}";
        check(key, &[&["alias/a"]], &[]);
        check(key, &[&["arn:aws:kms:eu-west-1:111111111111:alias/a"]], &[]);
        let alias = "arn:${Partition}:kms:${Region}:${Account}:alias/${Alias}";
        let given = "arn:aws:kms:eu-west-1:222222222222:alias/a/b";
        check(
            alias,
            &[&["alias/a/b", given]],
            &["arn:aws:kms:eu-west-1:111111111111:alias/a/b", given],
        );
        let certificate =
            "arn:${Partition}:mediaconvert:${Region}:${Account}:certificates/${CertificateArn}";
        let given = "arn:aws:acm:us-east-1:222222222222:certificate/c";
        let built = format!("arn:aws:mediaconvert:eu-west-1:111111111111:certificates/{given}");
        check(certificate, &[&[given]], &[&built]);
    }
}
