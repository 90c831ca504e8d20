//! `assize import`: make one world of what the account exports say (C-11).

mod manifest;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use assize_formats::{count, did_you_mean, nearest};
use assize_policy::json;
use assize_store::{ImportFile, ImportKind, StoreSnapshot, import};

use self::manifest::{Entry, Manifest};
use super::world_info;
use crate::args::{Global, ImportArgs};
use crate::files::{self, Found, STDIO};
use crate::output::Output;
use crate::output::file::write_whole;
use crate::render::BadInput;
use crate::status::Status;
use crate::world::{self, Export, Exports, Located, MANIFEST, Reader, Skipped};

/// Most files without an export that are named.
const MAX_NAMED: usize = 5;

/// Deepest nesting of a file that is read to say why it is no export.
const MAX_DEPTH: u8 = 64;

/// A file that was read for the import.
struct ReadFile {
    name: String,
    bytes: Vec<u8>,
    kind: ImportKind,
}

pub(super) fn run(args: &ImportArgs, global: &Global, output: &Output) -> Result<Status> {
    let (kind, paths) = kind_and_paths(&args.words)?;
    let world = args.output.as_path();
    if world.is_file() {
        bail!("`{}` is a file; a world is a folder", world.display());
    }
    let reader = Reader::new()?;
    let assumes = {
        let settings = Located::find(global)?.settings;
        world::assumes_full_access(&settings, global)?
    };
    let read = read_files(kind, &paths, output)?;
    let mut manifest = Manifest::read(&world.join(MANIFEST))?;
    let before = if manifest.is_empty() {
        StoreSnapshot::empty()
    } else {
        reader.world(world, assumes)?.snapshot
    };
    std::fs::create_dir_all(world).with_context(|| format!("cannot make `{}`", world.display()))?;
    let obsolete = add(&mut manifest, &read, args, world)?;
    write_whole(&world.join(MANIFEST), manifest.to_text().as_bytes())?;
    // Only when nothing names them any more.
    for file in obsolete {
        std::fs::remove_file(world.join(&file))
            .with_context(|| format!("cannot remove `{file}` of the world"))?;
    }
    let after = reader.world(world, assumes)?;
    let n_errors = world::report(&after.diagnostics, output);
    let mut text = world_info::text(&after.snapshot, &after.path, output.style());
    text.push_str(&world_info::difference(&before, &after.snapshot, output.style()));
    if !output.is_quiet() {
        output.write(&text)?;
    }
    if n_errors > 0 {
        let records = count(n_errors, "error");
        output.error(format_args!(
            "the world was made, but not of everything: {records}, each of which left something out"
        ));
        return Ok(Status::NoAnswer);
    }
    Ok(Status::Yes)
}

/// The first word is an import type, if it is none of a file.
fn kind_and_paths(words: &[String]) -> Result<(Option<ImportKind>, Vec<PathBuf>)> {
    let paths = |words: &[String]| words.iter().map(PathBuf::from).collect();
    let Some((first, rest)) = words.split_first() else { bail!("which files? name some") };
    match ImportKind::from_word(first) {
        Some(kind) if !Path::new(first).exists() => {
            if rest.is_empty() {
                bail!("which files of type `{first}`? name some");
            }
            Ok((Some(kind), paths(rest)))
        }
        _ => {
            if !Path::new(first).exists() && first != STDIO && !first.contains(['/', '*', '?', '.'])
            {
                let kinds = ImportKind::ALL.iter().map(|kind| kind.as_str());
                let hint = did_you_mean(nearest(first, kinds));
                bail!("`{first}` is neither a file nor an import type{hint}");
            }
            Ok((None, paths(words)))
        }
    }
}

fn read_files(
    kind: Option<ImportKind>,
    paths: &[PathBuf],
    output: &Output,
) -> Result<Vec<ReadFile>> {
    let Exports { files, skipped } = Exports::find(paths, kind)?;
    let mut read = Vec::new();
    for Export { found, bytes, kind } in files {
        match kind {
            Some(kind) => read.push(ReadFile { name: base_name(&found.path), bytes, kind }),
            None => return Err(unrecognized(&found, bytes)),
        }
    }
    report_skipped(&skipped, output);
    if read.is_empty() {
        bail!("there are no exports under the given paths");
    }
    Ok(read)
}

/// Names the files of directories that are not taken.
fn report_skipped(skipped: &[Skipped], output: &Output) {
    for Skipped { name, why } in skipped {
        if let Some(warning) = why.warning() {
            output.warn(format_args!("`{name}` {warning}"));
        }
    }
    let others = skipped.iter().filter(|skipped| skipped.why.warning().is_none());
    let names: Vec<&str> = others.map(|skipped| skipped.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let named = names[..names.len().min(MAX_NAMED)].join("`, `");
    let more = match names.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let n_files = count(names.len(), "file");
    output.note(format_args!("{n_files} passed over that are no export: `{named}`{more}"));
}

/// Why a file is no export: it is not JSON, or JSON of something else.
fn unrecognized(found: &Found, bytes: Vec<u8>) -> anyhow::Error {
    let text = match files::text(&found.path, bytes) {
        Ok(text) => text,
        Err(error) => return error.into(),
    };
    if let Err(errors) = json::parse(&text, MAX_DEPTH)
        && let Some(first) = errors.first()
    {
        return BadInput::at(&found.name(), &text, first.span, &*first.message).into();
    }
    let kinds: Vec<&str> = ImportKind::ALL.iter().map(|kind| kind.as_str()).collect();
    anyhow::anyhow!(
        "nothing in `{}` tells what it is: expected the output of an AWS CLI command such as \
         `aws iam get-account-authorization-details`, or its type in front, one of {}",
        found.name(),
        kinds.join(", ")
    )
}

fn base_name(path: &Path) -> String {
    if path == Path::new(STDIO) {
        return "stdin.json".to_owned();
    }
    path.file_name()
        .map_or_else(|| "export.json".into(), |name| name.to_string_lossy().into_owned())
}

/// Copies the files into the world and names them in the manifest. Gives the files of the world
/// that they take the place of (I-48).
fn add(
    manifest: &mut Manifest,
    read: &[ReadFile],
    args: &ImportArgs,
    world: &Path,
) -> Result<Vec<String>> {
    let entries: Vec<Entry> =
        read.iter().map(|file| Entry::new(file.kind, subjects(file, args), args)).collect();
    let obsolete: Vec<String> = manifest.remove_replaced(&entries);
    for (file, mut entry) in read.iter().zip(entries) {
        let name = free_name(&file.name, manifest, &obsolete, world);
        write_whole(&world.join(&name), &file.bytes)?;
        entry.set_file(name);
        manifest.push(entry);
    }
    Ok(obsolete)
}

/// A name that no file of the world has.
fn free_name(name: &str, manifest: &Manifest, obsolete: &[String], world: &Path) -> String {
    let (stem, extension) = name.split_once('.').unwrap_or((name, "json"));
    let is_taken = |name: &str| {
        name == MANIFEST
            || manifest.has_file(name)
            || obsolete.iter().any(|file| file == name)
            || world.join(name).exists()
    };
    let mut candidate = format!("{stem}.{extension}");
    let mut n = 1;
    while is_taken(&candidate) {
        n += 1;
        candidate = format!("{stem}-{n}.{extension}");
    }
    candidate
}

/// What a file is about: the accounts, resources and endpoints it brings, or the argument of the
/// command that printed it. A later file about the same takes its place.
fn subjects(file: &ReadFile, args: &ImportArgs) -> BTreeSet<String> {
    use assize_store::StoreChange as Change;
    let input = ImportFile {
        name: &file.name,
        bytes: &file.bytes,
        kind: Some(file.kind),
        account: args.account,
        arn: args.arn.as_deref(),
        parent_id: args.parent_id.as_deref(),
        child_id: args.child_id.as_deref(),
        policy_id: args.policy_id.as_deref(),
        target_id: args.target_id.as_deref(),
    };
    let mut subjects = BTreeSet::new();
    match file.kind {
        ImportKind::AccountAuthorizationDetails
        | ImportKind::ResourcePolicy
        | ImportKind::VpcEndpoints
        | ImportKind::ResourcesNdjson => {
            for change in import(&[input], &assize_store::ImportOptions::default()).changes {
                subjects.extend(match change {
                    Change::PutAccount(account) => Some(account.id.to_string()),
                    Change::PutResource(resource) => Some(resource.arn.to_string()),
                    Change::PutEndpoint(endpoint) => Some(endpoint.id.to_string()),
                    _ => None,
                });
            }
            // What could not be read is about it as well.
            if file.kind == ImportKind::ResourcePolicy && subjects.is_empty() {
                subjects.extend(args.arn.clone());
            }
        }
        _ => subjects.extend(organization_subjects(file, args)),
    }
    subjects
}

/// The node or policy that a part of an organization is about.
fn organization_subjects(file: &ReadFile, args: &ImportArgs) -> Vec<String> {
    let given = [&args.parent_id, &args.child_id, &args.policy_id, &args.target_id];
    if let Some(given) = given.into_iter().flatten().next() {
        return vec![given.clone()];
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(&file.bytes) else {
        return Vec::new();
    };
    let pages = match &value {
        serde_json::Value::Array(pages) => pages.iter().collect(),
        page => vec![page],
    };
    let names = ["/ParentId", "/ChildId", "/PolicyId", "/TargetId", "/Policy/PolicySummary/Id"];
    let found = pages.iter().flat_map(|page| names.iter().filter_map(|name| page.pointer(name)));
    found.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}
