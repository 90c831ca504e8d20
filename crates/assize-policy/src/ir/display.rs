//! Parts of statements as a person writes them, for explanations. A pattern reads as it was
//! lowered: actions in lower case, short ARNs padded (L-235).

use std::fmt::{self, Display, Formatter, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{
    ActionPattern, ArnPattern, Condition, Decimal, IpBlock, Operand, Piece, PolicyVariable,
    PrincipalPattern, ResourcePattern, SetQualifier,
};

/// Characters that are written as variables when they are meant as text (L-505).
const ESCAPED: [char; 3] = ['*', '?', '$'];
/// Most zeros that are written out before or behind the digits of a number.
const MAX_ZEROS: i32 = 20;

impl Display for PolicyVariable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}", self.key.spelling())?;
        if let Some(default) = &self.default {
            write!(f, ", '{default}'")?;
        }
        f.write_char('}')
    }
}

impl Display for Piece {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => text.chars().try_for_each(|c| match c {
                c if ESCAPED.contains(&c) => write!(f, "${{{c}}}"),
                c => f.write_char(c),
            }),
            Self::Star => f.write_char('*'),
            Self::One => f.write_char('?'),
            Self::Variable(variable) => variable.fmt(f),
        }
    }
}

impl Display for ArnPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("arn")?;
        self.segments.iter().try_for_each(|segment| {
            f.write_char(':')?;
            segment.iter().try_for_each(|piece| piece.fmt(f))
        })
    }
}

impl Display for ResourcePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_char('*'),
            Self::Nothing(text, _) => f.write_str(text),
            Self::Arn(pattern) => pattern.fmt(f),
        }
    }
}

impl Display for ActionPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_char('*'),
            Self::Named { vendor, name } => write!(f, "{vendor}:{name}"),
        }
    }
}

impl Display for PrincipalPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_char('*'),
            Self::Account { partition, account } | Self::AccountRoot { partition, account } => {
                match partition {
                    None => account.fmt(f),
                    Some(partition) => write!(f, "arn:{partition}:iam::{account}:root"),
                }
            }
            Self::User(text)
            | Self::Role(text)
            | Self::RoleSession(text)
            | Self::FederatedUser(text)
            | Self::UniqueId(text)
            | Self::Oai(text)
            | Self::Service(text)
            | Self::Provider(text)
            | Self::CanonicalUser(text) => f.write_str(text),
            Self::Nobody => f.write_str("an entry that matches nobody"),
        }
    }
}

impl Condition {
    /// The operator with its prefix and suffix: `ForAnyValue:StringLikeIfExists`.
    pub fn operator_name(&self) -> String {
        let prefix = match self.qualifier {
            None => "",
            Some(SetQualifier::ForAllValues) => "ForAllValues:",
            Some(SetQualifier::ForAnyValue) => "ForAnyValue:",
        };
        let suffix = if self.if_exists { "IfExists" } else { "" };
        format!("{prefix}{}{suffix}", self.operator.as_str())
    }
}

impl Condition {
    /// The text of each value, as it is written where it cannot be read.
    pub fn value_texts(&self) -> Vec<String> {
        let mut unread = self.unread.iter();
        let written = |text: Option<String>| match text {
            Some(text) => text,
            None => unread.next().map(ToString::to_string).unwrap_or_default(),
        };
        self.operand.texts().into_iter().map(written).collect()
    }
}

impl Operand {
    /// Whether each value can be read.
    pub fn are_readable(&self) -> Vec<bool> {
        fn all<T>(values: &[Option<T>]) -> Vec<bool> {
            values.iter().map(Option::is_some).collect()
        }
        match self {
            Self::Text(values) => all(values),
            Self::Number(values) => all(values),
            Self::Date(values) => all(values),
            Self::Bool(values) => all(values),
            Self::Binary(values) => all(values),
            Self::Ip(values) => all(values),
        }
    }

    /// The text of each value; none for one that cannot be read (L-622).
    fn texts(&self) -> Vec<Option<String>> {
        fn all<T>(values: &[Option<T>], text: impl Fn(&T) -> String) -> Vec<Option<String>> {
            values.iter().map(|value| value.as_ref().map(&text)).collect()
        }
        match self {
            Self::Text(values) => {
                all(values, |pieces| pieces.iter().map(ToString::to_string).collect())
            }
            Self::Number(values) => all(values, ToString::to_string),
            Self::Date(values) => all(values, |seconds| date(*seconds)),
            Self::Bool(values) => all(values, ToString::to_string),
            Self::Binary(values) => all(values, |bytes| STANDARD.encode(bytes)),
            Self::Ip(values) => all(values, ToString::to_string),
        }
    }
}

impl Display for Decimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_char('0');
        }
        if self.negative {
            f.write_char('-')?;
        }
        // ±0.DIGITS × 10^exponent: so many digits stand before the point.
        let n_digits = i32::try_from(self.digits.len()).unwrap_or(i32::MAX);
        let behind = self.exponent.saturating_sub(n_digits);
        if behind > MAX_ZEROS || self.exponent < -MAX_ZEROS {
            return write!(f, "0.{}e{}", self.digits, self.exponent);
        }
        let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
        match usize::try_from(self.exponent) {
            Ok(whole) if whole >= self.digits.len() => {
                write!(f, "{}{}", self.digits, zeros(behind))
            }
            Ok(whole) if whole > 0 => {
                write!(f, "{}.{}", &self.digits[..whole], &self.digits[whole..])
            }
            _ => write!(f, "0.{}{}", zeros(-self.exponent), self.digits),
        }
    }
}

impl Display for IpBlock {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        self.address.fmt(f)?;
        if self.prefix_len == whole { Ok(()) } else { write!(f, "/{}", self.prefix_len) }
    }
}

const DAY: i64 = 86_400;

/// Seconds since the epoch as a date of the Gregorian calendar, in UTC.
fn date(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Days since 1 March of year 0, in eras of 400 years of 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use assize_model::PolicyType;

    use super::*;
    use crate::ir::{MatchesNothing, PrincipalElement, ResourceElement, Statement};
    use crate::value::{parse_date, parse_decimal, parse_ip_block};
    use crate::{LoadMode, LoadOptions, load};

    #[test]
    fn values_read_back() {
        for text in ["0", "1", "-1", "0.5", "-12.25", "1200", "0.001", "100000000000000000000"] {
            let value = parse_decimal(text).unwrap();
            assert_eq!(value.to_string(), text);
        }
        let huge = parse_decimal("1e90").unwrap();
        assert_eq!(parse_decimal(&huge.to_string()), Some(huge));
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59Z",
            "1969-12-31T23:59:59Z",
            "2000-03-01T00:00:00Z",
            "1900-02-28T12:00:00Z",
            "9999-12-31T00:00:01Z",
        ] {
            assert_eq!(date(parse_date(text).unwrap()), text);
        }
        for text in ["10.0.0.0/8", "203.0.113.9", "2001:db8::/32", "::1"] {
            assert_eq!(parse_ip_block(text).unwrap().to_string(), text);
        }
    }

    fn statement(json: &str) -> Statement {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{json}]}}"#);
        let options = LoadOptions::new(PolicyType::ResourceBased, LoadMode::Import);
        load(&text, &options).policy.unwrap().statements.remove(0)
    }

    #[test]
    fn parts_read_as_they_are_written() {
        let found = statement(
            r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/a"},
                "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/${aws:username}/${*}?*",
                "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys":
                    ["${aws:PrincipalTag/team, 'none'}-*"]}}}"#,
        );
        let (ResourceElement::Resource(resources), PrincipalElement::Principal(principals)) =
            (&found.resource, &found.principal)
        else {
            panic!("a principal and a resource");
        };
        assert_eq!(resources[0].to_string(), "arn:aws:s3:::b/${aws:username}/${*}?*");
        assert_eq!(principals[0].to_string(), "arn:aws:iam::111122223333:user/a");
        assert_eq!(found.action.patterns[0].to_string(), "s3:get*");
        let condition = &found.conditions[0];
        assert_eq!(condition.operator_name(), "ForAnyValue:StringLikeIfExists");
        let values = condition.value_texts();
        assert_eq!(values, ["${aws:PrincipalTag/team, 'none'}-*"]);
    }

    #[test]
    fn what_cannot_be_read_is_shown_as_it_is_written() {
        let found = statement(
            r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": ["arn:aws:s3:::", "arn:aws:s3:::b/${a"],
                "Condition": {"DateLessThan": {"aws:CurrentTime": ["soon", "2024-01-01", "1 May"]},
                    "NumericEquals": {"s3:max-keys": "ten"}, "StringLike": {"s3:prefix": "${a"}}}"#,
        );
        let ResourceElement::Resource(resources) = &found.resource else { panic!("resources") };
        let shown: Vec<String> = resources.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["arn:aws:s3:::", "arn:aws:s3:::b/${a"]);
        let nothing = |at: usize| match &resources[at] {
            ResourcePattern::Nothing(_, why) => Some(*why),
            _ => None,
        };
        assert_eq!(nothing(0), Some(MatchesNothing::NoResource));
        assert_eq!(nothing(1), Some(MatchesNothing::Unreadable));
        let texts: Vec<_> = found.conditions.iter().map(Condition::value_texts).collect();
        assert_eq!(
            texts,
            [vec!["soon", "2024-01-01T00:00:00Z", "1 May"], vec!["ten"], vec!["${a"]]
        );
    }
}
