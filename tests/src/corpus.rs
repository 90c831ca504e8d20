//! The corpus: scenario files, a file per topic.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use assize::BundledPolicies;
use assize::formats::{NoFiles, ReadOptions, Scenario};
use assize_catalog::{Catalog, ManagedPolicies};

/// The catalog that comes with the library.
pub fn catalog() -> &'static Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::bundled().expect("the bundled catalog loads"))
}

/// The AWS-managed policies that come with the library.
pub fn managed_policies() -> &'static BundledPolicies {
    static POLICIES: OnceLock<BundledPolicies> = OnceLock::new();
    POLICIES.get_or_init(|| {
        let policies = ManagedPolicies::bundled().expect("the bundled policies load");
        BundledPolicies::from_policies(policies)
    })
}

/// The folder of this package.
pub fn package_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The scenario files of the corpus, in byte order of their names.
pub fn files() -> Vec<PathBuf> {
    let folder = package_folder().join("corpus");
    let entries = std::fs::read_dir(&folder).expect("the corpus is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".assize.yaml"));
    files.sort();
    files
}

/// Why a scenario cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError(String);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

/// Reads a scenario that names no other files.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn read_scenario(name: &str, text: &[u8]) -> Result<Scenario, ReadError> {
    let options = ReadOptions {
        files: &mut NoFiles,
        managed_policies: managed_policies(),
        takes_several_resources: &takes_several_resources,
    };
    Scenario::read(name, text.to_vec(), options).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        ReadError(lines.join("\n"))
    })
}

/// Whether one request of an action can be about several resources (E-68): of re-encrypting, a
/// source key and a destination key (E-82).
fn takes_several_resources(action: &str) -> bool {
    let takes_several_types = |id| {
        let types = catalog().action_ref(id).resource_types();
        types.len() > 1 && types.filter(assize_catalog::ActionResource::is_required).count() > 0
    };
    action.eq_ignore_ascii_case("kms:ReEncrypt")
        || catalog().action_by_full_name(action).is_some_and(takes_several_types)
}

/// Reads the whole corpus.
///
/// # Panics
/// When a file of it cannot be read, with everything that is wrong.
pub fn corpus() -> Vec<Scenario> {
    let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
    for path in files() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let text = std::fs::read(&path).expect("a corpus file can be read");
        match read_scenario(&name.unwrap_or_default(), &text) {
            Ok(scenario) => scenarios.push(scenario),
            Err(found) => errors.push(found.to_string()),
        }
    }
    assert!(errors.is_empty(), "the corpus cannot be read:\n{}", errors.join("\n"));
    scenarios
}
