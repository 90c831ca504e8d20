//! `assize.toml` (C-20): the world and the options of a project.

use std::path::{Path, PathBuf};

use anyhow::Result;
use assize_formats::{StatedOptions, did_you_mean, nearest};
use assize_model::RequestError;
use assize_policy::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::files;
use crate::render::BadInput;

/// The name of the file, sought upwards from the current directory.
const FILE: &str = "assize.toml";
/// Its keys.
const KEYS: [&str; 2] = ["world", "options"];

/// What `assize.toml` says; nothing when there is none.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// The world, by a path from the current directory.
    pub(crate) world: Option<PathBuf>,
    pub(crate) options: StatedOptions,
}

impl Settings {
    /// The settings of the nearest `assize.toml` upwards.
    pub(crate) fn find() -> Result<Self> {
        let Ok(current) = std::env::current_dir() else { return Ok(Self::default()) };
        let found = current.ancestors().map(|above| above.join(FILE)).find(|file| file.is_file());
        let Some(file) = found else { return Ok(Self::default()) };
        let text = files::read_text(&file)?;
        let shown = file.strip_prefix(&current).unwrap_or(&file);
        let mut settings = Self::parse(&shown.display().to_string(), &text)?;
        if let Some(world) = &mut settings.world {
            *world = shown.parent().unwrap_or(Path::new("")).join(&*world);
        }
        Ok(settings)
    }

    fn parse(file: &str, text: &str) -> Result<Self, BadInput> {
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().map_or(Span::default(), to_span);
            BadInput::at(file, text, span, error.message())
        })?;
        let mut settings = Self::default();
        for (key, value) in table.get_ref() {
            match &**key.get_ref() {
                "world" => match value.get_ref().as_str() {
                    Some(path) => settings.world = Some(path.into()),
                    None => {
                        return Err(expected(file, text, value, "the path of a world, a string"));
                    }
                },
                "options" => match value.get_ref().as_table() {
                    Some(options) => settings.options = read_options(file, text, options)?,
                    None => return Err(expected(file, text, value, "a table of options")),
                },
                unknown => {
                    let hint = did_you_mean(nearest(unknown, KEYS));
                    let message =
                        format!("unknown key `{unknown}`: expected `world` or `[options]`{hint}");
                    return Err(BadInput::at(file, text, to_span(key.span()), message));
                }
            }
        }
        Ok(settings)
    }
}

fn to_span(range: std::ops::Range<usize>) -> Span {
    let saturate = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(saturate(range.start), saturate(range.end))
}

fn expected(file: &str, text: &str, value: &Spanned<DeValue<'_>>, what: &str) -> BadInput {
    let message = format!("{} where {what} is expected", value.get_ref().type_str());
    BadInput::at(file, text, to_span(value.span()), message)
}

fn read_options(file: &str, text: &str, table: &DeTable<'_>) -> Result<StatedOptions, BadInput> {
    let mut members = serde_json::Map::new();
    for (key, value) in table {
        let Some(json) = to_json(value.get_ref()) else {
            return Err(expected(file, text, value, "a string, number, boolean or list"));
        };
        let one = serde_json::Map::from_iter([(key.get_ref().to_string(), json.clone())]);
        if let Err(error) = parse_options(&one) {
            let at = if error.message().starts_with("unknown") { key.span() } else { value.span() };
            return Err(BadInput::at(file, text, to_span(at), error.message()));
        }
        members.insert(key.get_ref().to_string(), json);
    }
    parse_options(&members)
        .map_err(|error| BadInput::at(file, text, Span::default(), error.message()))
}

fn parse_options(
    members: &serde_json::Map<String, serde_json::Value>,
) -> Result<StatedOptions, RequestError> {
    StatedOptions::parse(&serde_json::Value::Object(members.clone()).to_string())
}

fn to_json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok()?.into()
        }
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(items) => {
            items.iter().map(|item| to_json(item.get_ref())).collect::<Option<Vec<_>>>()?.into()
        }
        DeValue::Float(_) | DeValue::Table(_) => return None,
    })
}

/// One option as `--option NAME=VALUE` states it: the value is JSON if it reads as JSON, else a
/// text; a list may be written with commas.
pub(super) fn stated_option(name: &str, value: &str) -> Result<StatedOptions, RequestError> {
    let plain = || serde_json::Value::from(value);
    let json = serde_json::from_str(value).unwrap_or_else(|_| plain());
    let listed = || value.split(',').map(serde_json::Value::from).collect::<Vec<_>>().into();
    let parse = |json: serde_json::Value| {
        parse_options(&serde_json::Map::from_iter([(name.to_owned(), json)]))
    };
    // `rcpServices=s3,sqs` is a list, `defaultSessionName=7` a text, whatever JSON makes of them.
    parse(json).or_else(|first| parse(listed()).or_else(|_| parse(plain())).map_err(|_| first))
}

#[cfg(test)]
mod tests {
    use assize_model::EngineOptions;

    use super::*;

    fn options(stated: &StatedOptions) -> EngineOptions {
        let mut options = EngineOptions::default();
        stated.apply(&mut options);
        options
    }

    #[test]
    fn settings_name_a_world_and_options() {
        let text = "world = \"w\"\n[options]\nstrictActions = true\ntime = 2024-05-01T12:00:00Z\n";
        let settings = Settings::parse("assize.toml", text).unwrap();
        assert_eq!(settings.world.as_deref(), Some(Path::new("w")));
        let options = options(&settings.options);
        assert!(options.strict_actions);
        assert_eq!(options.time, Some(1_714_564_800));
    }

    #[test]
    fn other_keys_are_errors_with_their_place() {
        let check = |text: &str, expected: &str| {
            let error = Settings::parse("assize.toml", text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "wrld = 1\n",
            "unknown key `wrld`: expected `world` or `[options]`; did you mean `world`?",
        );
        check("\nworld = 1\n", " --> assize.toml:2:9");
        check("[options]\nstrictAction = true\n", "did you mean `strictActions`?");
        check("[options]\nstrictActions = 1.5\n", "float where");
        check("world = \n", "assize.toml:1:");
    }

    #[test]
    fn options_of_the_command_line_are_json_or_text() {
        let read = |name, value| options(&stated_option(name, value).unwrap());
        assert!(read("strictActions", "true").strict_actions);
        assert_eq!(&*read("defaultSessionName", "7").default_session_name, "7");
        assert_eq!(read("time", "9").time, Some(9));
        assert_eq!(
            read("rcpServices", "s3,sqs").rcp_services,
            Some(vec!["s3".into(), "sqs".into()])
        );
        assert!(!read("quotas", "off").quotas);
        assert!(stated_option("strictActions", "maybe").is_err());
        assert!(stated_option("nothing", "1").is_err());
    }
}
