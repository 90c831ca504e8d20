//! `--change` (F-70, C-28).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use assize_catalog::Catalog;
use assize_formats::ChangeSet;
use assize_policy::ir::{ActionPattern, Policy};
use assize_policy::{Severity, load};
use assize_store::DocumentText;

use crate::files;
use crate::output::Output;
use crate::render::source::{Excerpt, span_in_file};
use crate::render::{BadInput, finding};
use crate::world::{DirectoryFiles, Reader};

/// Most findings of one code that are shown without `-v`.
const MAX_OF_CODE: usize = 5;

/// Reads a change: a file of changes, or `KIND:TARGET=FILE`.
pub(super) fn read(words: &str, reader: &Reader) -> Result<ChangeSet> {
    if let Some((change, path)) = short(words) {
        let path = Path::new(path);
        let bytes = files::read(path)?;
        let name = files::display_name(path);
        return Ok(ChangeSet::short(change, &name, bytes).map_err(BadInput::from)?);
    }
    let path = Path::new(words);
    let bytes = files::read(path)?;
    let name = files::display_name(path);
    let root = path.parent().unwrap_or(Path::new(""));
    let mut files = DirectoryFiles::new(root, &name, path);
    Ok(ChangeSet::read(&name, bytes, &mut files, reader.managed()).map_err(BadInput::from)?)
}

/// Says what is doubtful about the policies of changes, as `assize check` does. Suggestions wait
/// for `-v`: nobody asked.
pub(super) fn warn(changes: &[ChangeSet], catalog: &Catalog, output: &Output) {
    let mut seen = BTreeSet::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unknown: BTreeSet<(String, String)> = BTreeSet::new();
    for (document, options) in changes.iter().flat_map(ChangeSet::documents) {
        // What resource control policies cover is data (L-213).
        let options = options.with_rcp_services(catalog.rcp_services());
        let (file, text) = file_of(document);
        let loaded = load(&document.text, &options);
        unknown.extend(
            unknown_actions(loaded.policy.as_ref(), catalog).map(|name| (file.clone(), name)),
        );
        for found in loaded.findings {
            let span = match &document.origin {
                Some(origin) => span_in_file(found.span, origin),
                None => found.span,
            };
            // Several changes may refer to one document.
            let is_new = seen.insert((file.clone(), span, found.code.as_str()));
            let is_asked = found.severity != Severity::Suggestion || output.is_verbose();
            if !is_new || !is_asked {
                continue;
            }
            let n_of_code = counts.entry(found.code.as_str()).or_default();
            *n_of_code += 1;
            if !output.is_quiet() && (*n_of_code <= MAX_OF_CODE || output.is_verbose()) {
                let excerpt = Excerpt::new(&file, &text, span);
                output.say(&finding::finding(&found, None, &excerpt, output.error_style()));
            }
        }
    }
    for (code, n) in counts.into_iter().filter(|(_, n)| *n > MAX_OF_CODE && !output.is_verbose()) {
        output.note(format_args!("{} more of {code}; -v shows them", n - MAX_OF_CODE));
    }
    warn_of_actions(&unknown, catalog, output);
}

/// Says which actions that changes name are none: whoever mistypes one would read that nothing
/// breaks. A service may be younger than the catalog, so it is no mistake yet (L-225).
fn warn_of_actions(unknown: &BTreeSet<(String, String)>, catalog: &Catalog, output: &Output) {
    let n_shown = if output.is_verbose() { unknown.len() } else { MAX_OF_CODE };
    for (file, name) in unknown.iter().take(n_shown) {
        let date = catalog.date();
        output.warn(format_args!("`{file}`: `{name}` matches no action known on {date}"));
    }
    if unknown.len() > n_shown {
        let n_more = unknown.len() - n_shown;
        output.note(format_args!("{n_more} more that match no action; -v shows them"));
    }
}

/// The actions of a policy that the catalog lacks.
fn unknown_actions(policy: Option<&Policy>, catalog: &Catalog) -> impl Iterator<Item = String> {
    let statements = policy.into_iter().flat_map(|policy| &policy.statements);
    let patterns = statements.flat_map(|statement| &statement.action.patterns);
    patterns.filter_map(|pattern| match pattern {
        ActionPattern::Named { vendor, name } if catalog.expand(vendor, name).is_empty() => {
            Some(format!("{vendor}:{name}"))
        }
        _ => None,
    })
}

/// The name and the text of the file that a document stands in, which was read a moment ago.
fn file_of(document: &DocumentText) -> (String, String) {
    let name = document.origin.as_ref().map_or_else(String::new, |origin| origin.file.to_string());
    let text = files::read_text(Path::new(&name)).unwrap_or_else(|_| document.text.to_string());
    (name, text)
}

/// The two sides of a short change. The name of a file may hold `=` too, so the words before it
/// must begin as a change does.
fn short(words: &str) -> Option<(&str, &str)> {
    let (change, path) = words.rsplit_once('=')?;
    let kind = change.split(':').next().unwrap_or(change);
    let is_word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_word && !Path::new(words).exists()).then_some((change, path))
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_changes_are_told_from_files() {
        assert_eq!(short("scp=deny.json"), Some(("scp", "deny.json")));
        let arn = "resource:arn:aws:s3:::b=p.json";
        assert_eq!(short(arn), Some(("resource:arn:aws:s3:::b", "p.json")));
        assert_eq!(short("changes.yaml"), None);
        assert_eq!(short("Jahr=2024/changes.yaml"), None);
    }
}
