//! The corpus of the workspace, as files, through the binary.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Cells and document cases that the corpus has at least.
const FEWEST: u64 = 1_000;

#[test]
fn the_binary_decides_the_corpus() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_assize"))
        .current_dir(repository)
        .args(["test", "tests/corpus", "--ci", "--format", "json"])
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let summary = &report["summary"];
    assert_eq!(summary["failed"].as_u64(), Some(0), "{summary}\n{errors}");
    assert!(summary["passed"].as_u64().is_some_and(|passed| passed >= FEWEST), "{summary}");
}
