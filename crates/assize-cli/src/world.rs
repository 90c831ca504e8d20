//! The world a command answers in (C-20): a scenario file, a directory of exports, an imported
//! world, or policies alone (C-27).

mod exports;
mod files;
mod settings;
mod stand_in;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use assize::BundledPolicies;
use assize_catalog::Catalog;
use assize_formats::{ReadOptions, Scenario, StatedOptions, count, invalid_policies};
use assize_model::{EngineOptions, UnknownResourceAccount};
use assize_store::{
    Diagnostic, DiagnosticCode, DiagnosticLevel, ImportFile, ImportOptions, StoreSnapshot, import,
};

pub(crate) use self::exports::{Export, Exports, Skipped};
pub(crate) use self::files::DirectoryFiles;
pub(crate) use self::settings::Settings;
pub(crate) use self::stand_in::{DEFAULT_PRINCIPAL, SessionPolicies, StandIn};
use crate::args::Global;
use crate::files::{self as input, STDIO};
use crate::output::Output;
use crate::render::BadInput;
use crate::status::Status;

/// The file of an imported world that names its parts (C-11).
pub(crate) const MANIFEST: &str = "world.assize.yaml";

/// A world that was read.
#[derive(Debug)]
pub(crate) struct World {
    /// Its path, as the command line or the settings give it.
    pub(crate) path: PathBuf,
    pub(crate) snapshot: StoreSnapshot,
    /// The options that the scenario file states.
    pub(crate) options: StatedOptions,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Who owns a resource that nobody declared, when neither file nor flag says (C-30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UndeclaredOwner {
    /// The principal's account, which is said with the answer.
    Principal,
    /// Nobody.
    Nobody,
}

/// What worlds are read with.
#[derive(Debug)]
pub(crate) struct Reader {
    catalog: Arc<Catalog>,
    managed: BundledPolicies,
}

impl Reader {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { catalog: Catalog::bundled()?, managed: BundledPolicies::new()? })
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn managed(&self) -> &BundledPolicies {
        &self.managed
    }

    /// Reads a world.
    pub(crate) fn world(&self, path: &Path, assume_full_access: bool) -> Result<World> {
        if path.is_dir() {
            let manifest = path.join(MANIFEST);
            if manifest.is_file() {
                return self.scenario_world(path, &manifest, assume_full_access);
            }
            return self.exports(path, assume_full_access);
        }
        self.scenario_world(path, path, assume_full_access)
    }

    fn scenario_world(&self, path: &Path, file: &Path, assume_full_access: bool) -> Result<World> {
        let root = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let defaults = EngineOptions { assume_full_access, ..EngineOptions::default() };
        let scenario = self.scenario_over(defaults, file, &root)?;
        Ok(World {
            path: path.to_path_buf(),
            snapshot: scenario.snapshot,
            options: scenario.stated_options,
            diagnostics: scenario.diagnostics,
        })
    }

    /// Reads a scenario; the files it names must stay under `root` (F-41).
    pub(crate) fn scenario(&self, file: &Path, root: &Path) -> Result<Scenario> {
        self.scenario_over(EngineOptions::default(), file, root)
    }

    /// The same over other options than those of the specification.
    fn scenario_over(&self, defaults: EngineOptions, file: &Path, root: &Path) -> Result<Scenario> {
        let bytes = input::read(file)?;
        let mut name = input::display_name(file);
        if file == Path::new(STDIO) {
            // The ending tells JSON from YAML, and every JSON text begins with a brace.
            let is_json = bytes.trim_ascii_start().starts_with(b"{");
            name.push_str(if is_json { ".json" } else { ".yaml" });
        }
        let mut files = DirectoryFiles::new(root, &name, file);
        let options = ReadOptions {
            files: &mut files,
            managed_policies: &self.managed,
            takes_several_resources: &|action| self.takes_several_resources(action),
        };
        let mut scenario =
            Scenario::read_over(defaults, &name, bytes, options).map_err(BadInput::from)?;
        said_once(&mut scenario.diagnostics);
        Ok(scenario)
    }

    /// Whether one request of an action can be about several resources (E-68): of re-encrypting, a
    /// source key and a destination key (E-82).
    pub(crate) fn takes_several_resources(&self, action: &str) -> bool {
        const RE_ENCRYPT: &str = "kms:ReEncrypt";
        action.eq_ignore_ascii_case(RE_ENCRYPT) || self.takes_several_types(action)
    }

    fn takes_several_types(&self, action: &str) -> bool {
        self.catalog.action_by_full_name(action).is_some_and(|id| {
            let types = self.catalog.action_ref(id).resource_types();
            types.len() > 1 && types.filter(assize_catalog::ActionResource::is_required).count() > 0
        })
    }

    /// Everything in a directory that is an export.
    fn exports(&self, path: &Path, assume_full_access: bool) -> Result<World> {
        let Exports { files: read, skipped } = Exports::find(&[path.to_path_buf()], None)?;
        if read.is_empty() {
            bail!(
                "`{}` holds no export: expected the output of AWS CLI commands such as `aws iam \
                 get-account-authorization-details`, or `{MANIFEST}`",
                path.display()
            );
        }
        let names: Vec<String> = read.iter().map(|export| export.found.name()).collect();
        let files: Vec<ImportFile<'_>> = std::iter::zip(&read, &names)
            .map(|(Export { bytes, kind, .. }, name)| ImportFile {
                name,
                bytes,
                kind: *kind,
                ..ImportFile::default()
            })
            .collect();
        let imported = import(
            &files,
            &ImportOptions { assume_full_access, managed_policies: Some(&self.managed) },
        );
        let mut diagnostics: Vec<Diagnostic> = skipped.iter().map(passed_over).collect();
        diagnostics.extend(imported.diagnostics);
        let mut editor = StoreSnapshot::empty().edit();
        for change in imported.changes {
            editor.apply(change).with_context(|| format!("in `{}`", path.display()))?;
        }
        editor.resolve_managed(&self.managed);
        let (snapshot, committed) = editor.commit();
        diagnostics.extend(committed);
        diagnostics.extend(invalid_policies(&snapshot));
        said_once(&mut diagnostics);
        Ok(World {
            path: path.to_path_buf(),
            snapshot,
            options: StatedOptions::default(),
            diagnostics,
        })
    }
}

/// What there is to say of a file of a directory that is not read.
fn passed_over(skipped: &Skipped) -> Diagnostic {
    let warning = skipped.why.warning();
    let level = warning.map_or(DiagnosticLevel::Note, |_| DiagnosticLevel::Warning);
    Diagnostic {
        level,
        code: DiagnosticCode::UnknownKind,
        message: format!("it {}", warning.unwrap_or("is no export and was passed over")).into(),
        subject: None,
        file: Some(skipped.name.as_str().into()),
        pointer: None,
        span: None,
    }
}

/// The world that flags, environment or settings name, and the settings.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) path: Option<PathBuf>,
    pub(crate) settings: Settings,
}

impl Located {
    /// Finds it (C-20).
    pub(crate) fn find(global: &Global) -> Result<Self> {
        let settings = Settings::find()?;
        let path = global.world.clone().or_else(|| settings.world.clone());
        Ok(Self { path, settings })
    }
}

/// The options of an answer: those of the world, over them those of `assize.toml`, over them the
/// flags.
pub(crate) fn engine_options(
    world: Option<&World>,
    settings: &Settings,
    global: &Global,
    undeclared: UndeclaredOwner,
) -> Result<EngineOptions> {
    let mut options = EngineOptions {
        unknown_resource_account: match undeclared {
            UndeclaredOwner::Principal => UnknownResourceAccount::Principal,
            UndeclaredOwner::Nobody => UnknownResourceAccount::Deny,
        },
        ..EngineOptions::default()
    };
    if let Some(world) = world {
        world.options.apply(&mut options);
    }
    settings.options.apply(&mut options);
    apply_flags(&mut options, global)?;
    Ok(options)
}

/// Whether a missing list of SCP attachments means `FullAWSAccess`, as the settings or the flags
/// say: a directory of exports is read with it (I-46).
pub(crate) fn assumes_full_access(settings: &Settings, global: &Global) -> Result<bool> {
    let mut options = EngineOptions::default();
    settings.options.apply(&mut options);
    apply_flags(&mut options, global)?;
    Ok(options.assume_full_access)
}

/// Applies `--option` and `--time`.
pub(crate) fn apply_flags(options: &mut EngineOptions, global: &Global) -> Result<()> {
    for stated in &global.options {
        // The flag names the place; the pointer of the option would name it once more.
        settings::stated_option(&stated.name, &stated.value)
            .map_err(|error| anyhow::anyhow!("{}", error.message()))
            .with_context(|| format!("--option {}={}", stated.name, stated.value))?
            .apply(options);
    }
    options.time = global.time.or(options.time);
    Ok(())
}

/// Reports what importers and commits had to say: warnings, errors, and notes with `-v`. Gives
/// the number of errors.
pub(crate) fn report(diagnostics: &[Diagnostic], output: &Output) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for diagnostic in diagnostics {
        let is_note = diagnostic.level == DiagnosticLevel::Note;
        let text = diagnostic.to_string();
        if is_note && !output.is_verbose() || !seen.insert(text) {
            continue;
        }
        let n_of_code = counts.entry(diagnostic.code.as_str()).or_insert(0);
        *n_of_code += 1;
        if *n_of_code <= MAX_OF_CODE || output.is_verbose() {
            output.diagnostic(diagnostic);
        }
    }
    for (code, n) in counts.iter().filter(|(_, n)| **n > MAX_OF_CODE && !output.is_verbose()) {
        output.note(format_args!("{} more of {code}; -v shows them", n - MAX_OF_CODE));
    }
    diagnostics.iter().filter(|d| d.level == DiagnosticLevel::Error).count()
}

/// Leaves out what a commit says once more, without a place, after an importer has said it.
fn said_once(diagnostics: &mut Vec<Diagnostic>) {
    let about = |found: &Diagnostic| Some((found.code, found.subject.clone()?));
    let placed = diagnostics.iter().filter(|found| found.file.is_some()).filter_map(about);
    let placed: BTreeSet<_> = placed.collect();
    diagnostics.retain(|found| {
        found.file.is_some() || about(found).is_none_or(|subject| !placed.contains(&subject))
    });
}

/// Reports the errors of a world, and that there are warnings: whoever asks a question does not
/// want to read them each time. `-v` and `assize world info` show all.
///
/// What an error left out may have been a deny, so answers in such a world are none (F-80).
pub(crate) fn summarize(world: &World, output: &Output) -> Status {
    let errors = world.diagnostics.iter().filter(|d| d.level == DiagnosticLevel::Error).count();
    if output.is_verbose() {
        report(&world.diagnostics, output);
    } else {
        say_briefly(world, output);
    }
    if errors == 0 {
        return Status::Yes;
    }
    output.error(format_args!(
        "not all of `{}` could be read: {}, each of which left something out",
        world.path.display(),
        count(errors, "error"),
    ));
    Status::NoAnswer
}

/// The errors in full, and how many warnings there are.
fn say_briefly(world: &World, output: &Output) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for diagnostic in &world.diagnostics {
        match diagnostic.level {
            DiagnosticLevel::Error => output.diagnostic(diagnostic),
            DiagnosticLevel::Warning => *counts.entry(diagnostic.code.as_str()).or_insert(0) += 1,
            DiagnosticLevel::Note => {}
        }
    }
    if counts.is_empty() {
        return;
    }
    let codes: Vec<String> = counts.iter().map(|(code, n)| format!("{code} {n}")).collect();
    let path = world.path.display();
    output.warn(format_args!(
        "{path} was read with warnings ({}); `assize world info {path}` shows them",
        codes.join(", ")
    ));
}

/// Most diagnostics of one code that are shown without `-v`.
const MAX_OF_CODE: usize = 5;
