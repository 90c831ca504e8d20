//! What the packages need that are published: what a registry asks for, and every file they build
//! from.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Complaints, packages, rust_files, text};

/// What a registry shows of a package.
const FIELDS: [&str; 7] =
    ["description", "license", "repository", "homepage", "readme", "rust_version", "edition"];
/// Most keywords and categories that crates.io takes.
const MAX_WORDS: usize = 5;
/// The categories of crates.io that are used; it refuses what it does not know.
const CATEGORIES: [&str; 8] = [
    "algorithms",
    "authentication",
    "command-line-utilities",
    "data-structures",
    "development-tools",
    "encoding",
    "parser-implementations",
    "text-processing",
];

/// Checks every package of the workspace that is published.
pub(super) fn check(root: &Path, metadata: &Value, files: &[PathBuf]) -> Result<Complaints> {
    let mut complaints = Vec::new();
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    for package in packages(metadata)? {
        let manifest = Path::new(text(package, "manifest_path"));
        let Some(folder) = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok())
        else {
            continue;
        };
        // `publish = false` is an empty list of registries.
        if package["publish"].as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        complaints.extend(fields(package));
        complaints.extend(versions(package));
        complaints.extend(reasons(package, &architecture));
        complaints.extend(included(root, folder, text(package, "name"), files)?);
    }
    Ok(complaints)
}

fn fields(package: &Value) -> Complaints {
    let name = text(package, "name");
    let empty = FIELDS.iter().filter(|field| text(package, field).is_empty());
    let mut complaints: Complaints =
        empty.map(|field| format!("`{name}` has no `{field}` in its manifest")).collect();
    for list in ["keywords", "categories"] {
        let n_words = package[list].as_array().map_or(0, Vec::len);
        if n_words == 0 || n_words > MAX_WORDS {
            complaints.push(format!("`{name}` has {n_words} {list}, not 1 to {MAX_WORDS}"));
        }
    }
    for category in package["categories"].as_array().into_iter().flatten() {
        if !category.as_str().is_some_and(|category| CATEGORIES.contains(&category)) {
            complaints.push(format!("`{name}` has category {category}, which is not in the list"));
        }
    }
    complaints
}

/// Whoever reads ARCHITECTURE.md learns why each dependency is there.
fn reasons(package: &Value, architecture: &str) -> Complaints {
    let section = architecture.split("\n## Dependencies").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|other| !other["path"].is_string())
        .map(|other| text(other, "name"))
        .filter(|other| !section.contains(&format!("`{other}`")))
        .map(|other| {
            let name = text(package, "name");
            format!("`{name}` uses `{other}`, for which ARCHITECTURE.md gives no reason")
        })
        .collect()
}

/// A path is not published: a dependency within the workspace says its version too.
fn versions(package: &Value) -> Complaints {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|other| other["path"].is_string() && other["kind"].is_null())
        .filter(|other| text(other, "req") == "*")
        .map(|other| {
            let (name, other) = (text(package, "name"), text(other, "name"));
            format!("`{name}` uses `{other}` without a version")
        })
        .collect()
}

/// What the sources of a package include is among the files that are published with it.
fn included(root: &Path, folder: &Path, name: &str, files: &[PathBuf]) -> Result<Complaints> {
    let published = published(root, name)?;
    let mut complaints = Vec::new();
    for path in rust_files(files).filter(|path| path.starts_with(folder)) {
        let source = std::fs::read_to_string(root.join(path))?;
        for named in includes(&source) {
            let target = resolve(path.parent().unwrap_or(folder), named);
            let inside = target.strip_prefix(folder).is_ok_and(|path| published.contains(path));
            if !inside {
                complaints
                    .push(format!("{}: `{named}` is not published with `{name}`", path.display()));
            }
        }
    }
    Ok(complaints)
}

/// The files of a package as cargo packs them.
fn published(root: &Path, name: &str) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("cargo")
        .args(["package", "--list", "--allow-dirty", "--offline", "-p", name])
        .current_dir(root)
        .output()
        .context("cargo package does not run")?;
    if !output.status.success() {
        bail!("cargo package --list -p {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.lines().map(PathBuf::from).collect())
}

/// The files that a source includes, as it names them.
fn includes(source: &str) -> impl Iterator<Item = &str> {
    source.split("include_").skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix("str!(").or_else(|| rest.strip_prefix("bytes!("))?;
        rest.trim_start().strip_prefix('"')?.split('"').next()
    })
}

/// A path from a folder, without `..` where that can be told from the text.
fn resolve(folder: &Path, named: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    for component in Path::new(named).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            component => path.push(component),
        }
    }
    path
}
