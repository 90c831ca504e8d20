//! Options of evaluation as files and headers give them (schema `scenario`, `options`).

use std::borrow::Cow;

use assize_model::{ContextMode, EngineOptions, RequestError, UnknownResourceAccount};

use crate::json::{Cursor, Result};
use crate::request::field;

/// The options that a file, a test or a stream header states; the others stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatedOptions {
    context: Option<ContextMode>,
    absent_by_catalog: Option<bool>,
    unknown_resource_account: Option<UnknownResourceAccount>,
    strict_actions: Option<bool>,
    check_resource_types: Option<bool>,
    require_all_resources: Option<bool>,
    include_dependent: Option<bool>,
    include_trust: Option<bool>,
    allow_context_override: Option<bool>,
    skip_invalid_policies: Option<bool>,
    assume_full_access: Option<bool>,
    quotas: Option<bool>,
    default_session_name: Option<Box<str>>,
    time: Option<i64>,
    echo_context: Option<bool>,
    message_policy_arn: Option<bool>,
    rcp_services: Option<Vec<Box<str>>>,
}

/// The members of `options`, in the order of the schema.
const FIELDS: [&str; 17] = [
    "context",
    "absentByCatalog",
    "unknownResourceAccount",
    "strictActions",
    "checkResourceTypes",
    "requireAllResources",
    "includeDependent",
    "includeTrust",
    "allowContextOverride",
    "skipInvalidPolicies",
    "assumeFullAccess",
    "quotas",
    "defaultSessionName",
    "time",
    "echoContext",
    "messagePolicyArn",
    "rcpServices",
];

impl StatedOptions {
    /// Reads options from their JSON text.
    ///
    /// # Errors
    /// `json_syntax`, `unknown_field` or `invalid_field`, with the pointer of the option.
    pub fn parse(text: &str) -> std::result::Result<Self, RequestError> {
        let mut c = Cursor::new(text);
        let read = Self::read(&mut c).and_then(|options| c.end().map(|()| options));
        read.map_err(|fault| fault.into_request_error(text))
    }

    pub(crate) fn read(c: &mut Cursor<'_>) -> Result<Self> {
        let mut stated = Self::default();
        c.object(|c, key| {
            match &*key {
                "context" => {
                    let modes = [ContextMode::Complete, ContextMode::Partial];
                    stated.context = Some(choice(c, ["complete", "partial"], modes)?);
                }
                "unknownResourceAccount" => {
                    let owners = [UnknownResourceAccount::Deny, UnknownResourceAccount::Principal];
                    let owner = choice(c, ["deny", "principal"], owners)?;
                    stated.unknown_resource_account = Some(owner);
                }
                "quotas" => stated.quotas = Some(choice(c, ["on", "off"], [true, false])?),
                "defaultSessionName" => stated.default_session_name = Some(c.string()?.into()),
                "time" => stated.time = Some(field::time(c)?),
                "rcpServices" => stated.rcp_services = Some(services(c)?),
                _ => match stated.switch(&key) {
                    Some(switch) => *switch = Some(c.boolean()?),
                    None => return field::unknown(c, &key, &FIELDS),
                },
            }
            Ok(())
        })?;
        Ok(stated)
    }

    /// The options that are on or off.
    fn switch(&mut self, name: &str) -> Option<&mut Option<bool>> {
        Some(match name {
            "absentByCatalog" => &mut self.absent_by_catalog,
            "strictActions" => &mut self.strict_actions,
            "checkResourceTypes" => &mut self.check_resource_types,
            "requireAllResources" => &mut self.require_all_resources,
            "includeDependent" => &mut self.include_dependent,
            "includeTrust" => &mut self.include_trust,
            "allowContextOverride" => &mut self.allow_context_override,
            "skipInvalidPolicies" => &mut self.skip_invalid_policies,
            "assumeFullAccess" => &mut self.assume_full_access,
            "echoContext" => &mut self.echo_context,
            "messagePolicyArn" => &mut self.message_policy_arn,
            _ => return None,
        })
    }

    /// Sets what is stated.
    pub fn apply(&self, options: &mut EngineOptions) {
        fn set<T: Clone>(option: &mut T, stated: Option<&T>) {
            if let Some(stated) = stated {
                option.clone_from(stated);
            }
        }
        set(&mut options.context, self.context.as_ref());
        set(&mut options.absent_by_catalog, self.absent_by_catalog.as_ref());
        set(&mut options.unknown_resource_account, self.unknown_resource_account.as_ref());
        set(&mut options.strict_actions, self.strict_actions.as_ref());
        set(&mut options.check_resource_types, self.check_resource_types.as_ref());
        set(&mut options.require_all_resources, self.require_all_resources.as_ref());
        set(&mut options.include_dependent, self.include_dependent.as_ref());
        set(&mut options.include_trust, self.include_trust.as_ref());
        set(&mut options.allow_context_override, self.allow_context_override.as_ref());
        set(&mut options.skip_invalid_policies, self.skip_invalid_policies.as_ref());
        set(&mut options.assume_full_access, self.assume_full_access.as_ref());
        set(&mut options.quotas, self.quotas.as_ref());
        set(&mut options.default_session_name, self.default_session_name.as_ref());
        set(&mut options.echo_context, self.echo_context.as_ref());
        set(&mut options.message_policy_arn, self.message_policy_arn.as_ref());
        options.time = self.time.or(options.time);
        options.rcp_services = self.rcp_services.clone().or(options.rcp_services.take());
    }
}

fn choice<T: Copy>(c: &mut Cursor<'_>, words: [&'static str; 2], values: [T; 2]) -> Result<T> {
    let text = c.string()?;
    let at = words.iter().position(|word| *word == text);
    at.and_then(|at| values.get(at)).copied().ok_or_else(|| field::word(c, &text, words))
}

fn services(c: &mut Cursor<'_>) -> Result<Vec<Box<str>>> {
    Ok(field::strings(c)?.into_iter().map(Cow::into_owned).map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_wins_and_the_rest_stays() {
        let text = r#"{"context":"partial","time":"1970-01-01T00:00:01Z","quotas":"off",
            "checkResourceTypes":false,"rcpServices":["s3"],"defaultSessionName":"s"}"#;
        let mut options = EngineOptions { include_trust: true, ..EngineOptions::default() };
        StatedOptions::parse(text).unwrap().apply(&mut options);
        let expected = EngineOptions {
            context: ContextMode::Partial,
            time: Some(1),
            quotas: false,
            check_resource_types: false,
            rcp_services: Some(vec!["s3".into()]),
            default_session_name: "s".into(),
            include_trust: true,
            ..EngineOptions::default()
        };
        assert_eq!(options, expected);
        StatedOptions::default().apply(&mut options);
        assert_eq!(options, expected);
    }

    #[test]
    fn every_option_of_the_schema_is_read() {
        for field in FIELDS {
            let known = ["true", "\"partial\"", "\"deny\"", "\"on\"", "1", "[\"s3\"]"];
            let read = |value| StatedOptions::parse(&format!("{{\"{field}\":{value}}}"));
            assert!(known.into_iter().any(|value| read(value).is_ok()), "{field}");
        }
        let error = StatedOptions::parse(r#"{"strictAction":true}"#).unwrap_err();
        assert_eq!(error.message(), "unknown field `strictAction`; did you mean `strictActions`?");
    }
}
