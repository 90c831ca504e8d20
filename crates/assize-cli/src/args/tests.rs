use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::from_words(std::iter::once("assize").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_world_on_the_command_line_is_told_from_one_of_the_environment() {
    let stated = |line| parse(line).unwrap().global.world_is_stated;
    assert!(stated("--world w catalog"));
    assert!(stated("catalog --world w"));
    assert!(!stated("catalog"));
}

#[test]
fn values_are_checked_when_they_are_read() {
    for line in [
        "catalog --jobs 0",
        "catalog --time yesterday",
        "catalog --option strictActions",
        "check --type XX p.json",
        "check",
        "",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    assert_eq!(parse("catalog --time 1970-01-01T00:00:09Z").unwrap().global.time, Some(9));
    assert_eq!(parse("catalog --time -9").unwrap().global.time, Some(-9));
}

/// C-26.
#[test]
fn help_of_every_command_opens_with_an_example() {
    fn walk(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        let help = command.render_long_help().to_string();
        assert!(help.starts_with("Example:\n  assize "), "{name}: {help}");
        for below in command.get_subcommands_mut() {
            walk(below);
        }
    }
    walk(&mut Cli::command());
}
