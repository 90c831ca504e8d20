//! The commands of the README do what it shows.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of the console blocks, each with the lines shown below it.
fn shown(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut in_console = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), line.strip_prefix("$ assize ")) {
            (Some(language), _) => in_console = language == "console",
            (None, Some(command)) if in_console => commands.push((command.into(), Vec::new())),
            (None, None) if in_console => {
                if let Some((_, lines)) = commands.last_mut() {
                    lines.push(line.into());
                }
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn the_readme_shows_what_is_printed() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("the README is there");
    let commands = shown(&text);
    assert!(!commands.is_empty(), "the README shows a command");
    for (command, lines) in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_assize"))
            .args(command.split_whitespace())
            .current_dir(root())
            .env("NO_COLOR", "1")
            .output()
            .expect("the binary runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let printed: Vec<&str> = printed.lines().collect();
        for line in lines {
            assert!(
                printed.contains(&&*line),
                "`{command}` does not print `{line}` but {printed:#?}"
            );
        }
    }
}
