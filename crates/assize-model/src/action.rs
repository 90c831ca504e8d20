//! Service prefixes and action names.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// Splits `service:Name` at its only colon, or `None` when the text is no action of a request
/// (E-3, F-10): service `[A-Za-z0-9-]+`, name `[A-Za-z0-9_-]+`.
pub fn split_action(text: &str) -> Option<(&str, &str)> {
    let (service, name) = text.split_once(':')?;
    (is_service_prefix(service) && is_action_name(name)).then_some((service, name))
}

fn is_service_prefix(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_action_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

macro_rules! folded_name {
    ($(#[$doc:meta])* $name:ident, $valid:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name in lower case.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                if $valid(text) {
                    Ok(Self(text.to_ascii_lowercase().into()))
                } else {
                    Err(Error::new(ErrorKind::Action, text))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

folded_name! {
    /// The service prefix of an action, such as `s3`; compared without regard to ASCII case
    /// (E-4) and so kept in lower case.
    ServicePrefix, is_service_prefix
}
folded_name! {
    /// The name of an action without its service, such as `getobject`; compared without regard
    /// to ASCII case (E-4) and so kept in lower case.
    ActionName, is_action_name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        assert_eq!(split_action(text), expected, "{text}");
    }

    #[test]
    fn an_action_is_a_service_and_a_name() {
        check("s3:GetObject", Some(("s3", "GetObject")));
        check("execute-api:Invoke", Some(("execute-api", "Invoke")));
        check("s3:*", None);
        check("s3:Get:Object", None);
        check(":GetObject", None);
        check("s3:", None);
        check("GetObject", None);
    }

    #[test]
    fn names_fold_case() {
        assert_eq!("S3".parse::<ServicePrefix>().unwrap().as_str(), "s3");
        assert_eq!("GetObject".parse::<ActionName>().unwrap(), "getobject".parse().unwrap());
    }
}
