//! `assize replay --checkpoint`: a run that is killed goes on where it was.

#![cfg(unix)]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Files of the log: more than are read at once.
const N_FILES: usize = 100;
/// The file that the run waits for, in the second round.
const AWAITED: usize = 90;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("assize-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("logs")).expect("a folder can be made");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn log(&self, at: usize) -> PathBuf {
        self.path(&format!("logs/{at:03}.json"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn record(at: usize) -> String {
    format!(
        r#"{{"eventType":"AwsApiCall","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","eventTime":"2024-05-01T12:00:00Z","awsRegion":"eu-west-1","recipientAccountId":"111111111111","eventID":"e{at}","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/u{at}","accountId":"111111111111"}}}}"#
    )
}

fn replay(folder: &Folder) -> Command {
    replay_keeping(folder, "checkpoint")
}

/// A run whose checkpoint is in a file of the folder.
fn replay_keeping(folder: &Folder, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    let scp = folder.path("scp.json");
    command
        .env_clear()
        .args(["replay", "--format", "ndjson"])
        .arg(folder.path("logs"))
        .arg("--checkpoint")
        .arg(folder.path(name))
        .arg("--change")
        .arg(format!("scp={}", scp.display()));
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(folder: &Folder) -> Output {
    replay(folder).output().expect("the command starts")
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < PATIENCE, "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A log of many files.
fn folder(name: &str) -> Folder {
    folder_of(name, N_FILES)
}

fn folder_of(name: &str, n_files: usize) -> Folder {
    let folder = Folder::new(name);
    let scp = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ec2:*","Resource":"*"}]}"#;
    std::fs::write(folder.path("scp.json"), scp).expect("a file can be written");
    for at in 0..n_files {
        std::fs::write(folder.log(at), record(at)).expect("a file can be written");
    }
    folder
}

/// Puts something in the place of a file that whoever opens it waits for.
fn make_awaited(folder: &Folder) {
    std::fs::remove_file(folder.log(AWAITED)).expect("a file can be removed");
    let made = Command::new("mkfifo").arg(folder.log(AWAITED)).status();
    assert!(made.expect("mkfifo starts").success());
}

/// A run that was stopped at the awaited file goes on with the file itself, and says what a run
/// says that was never stopped.
fn check_resumed(folder: &Folder, whole: &Output) {
    std::fs::remove_file(folder.log(AWAITED)).expect("a file can be removed");
    std::fs::write(folder.log(AWAITED), record(AWAITED)).expect("a file can be written");
    let resumed = run(folder);
    assert_eq!(resumed.status.code(), Some(1), "{}", text(&resumed.stderr));
    assert_eq!(text(&resumed.stdout), text(&whole.stdout));
    assert!(!folder.path("checkpoint").exists(), "a run that ends needs no checkpoint");
}

/// C-24: Ctrl-C gives the report so far, and the next run goes on behind it.
#[test]
fn an_interrupted_run_reports_and_goes_on() {
    let folder = folder_of("interrupted", 40 * N_FILES);
    let whole = run(&folder);
    assert_eq!(whole.status.code(), Some(1), "{}", text(&whole.stderr));
    assert!(text(&whole.stdout).contains(r#""summary":{"events":4000,"#));

    make_awaited(&folder);
    let child = replay(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let kept = folder.path("checkpoint");
    wait_for(&kept);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill starts").success());
    // The file comes; many rounds follow, at the end of one of which the run ends.
    std::fs::write(folder.log(AWAITED), record(AWAITED)).expect("the file is waited for");
    let stopped = child.wait_with_output().expect("a process ends");
    let why = text(&stopped.stderr);
    assert_eq!(stopped.status.code(), Some(2), "{why}");
    assert!(why.contains("run it again with the same `--checkpoint` to go on"), "{why}");
    let so_far = text(&stopped.stdout);
    let summary = so_far.lines().last().unwrap_or_default();
    assert!(summary.contains(r#""interrupted":true"#), "{summary}");
    assert!(!summary.contains(r#"{"events":4000,"#), "{summary}");
    assert!(so_far.lines().count() > N_FILES / 2, "{so_far}");
    assert!(kept.exists());

    check_resumed(&folder, &whole);
}

#[test]
fn a_killed_run_goes_on_and_counts_no_record_twice() {
    let folder = folder("killed");
    let whole = run(&folder);
    assert_eq!(whole.status.code(), Some(1), "{}", text(&whole.stderr));
    assert!(text(&whole.stdout).contains(r#""summary":{"events":100,"#));
    let kept = folder.path("checkpoint");
    assert!(!kept.exists(), "a run that ends needs no checkpoint");

    make_awaited(&folder);
    let mut child = replay(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    wait_for(&kept);
    child.kill().expect("a process can be killed");
    let mut out = String::new();
    let stdout = child.stdout.as_mut().expect("the output is piped");
    stdout.read_to_string(&mut out).expect("the output is text");
    assert_eq!(out, "", "the run was killed before its end");
    assert_eq!(child.wait().expect("a process ends").code(), None);

    check_resumed(&folder, &whole);
}

#[test]
fn a_checkpoint_that_does_not_fit_is_no_answer() {
    let folder = folder("unfit");
    let kept = folder.path("checkpoint");
    std::fs::write(&kept, "{}").expect("a file can be written");
    let refused = run(&folder);
    assert_eq!(refused.status.code(), Some(2));
    let why = text(&refused.stderr);
    assert!(why.contains("checkpoint`: the checkpoint does not fit: it is no checkpoint"), "{why}");
    assert!(why.contains("without the file the run begins anew"), "{why}");
    assert!(kept.exists() && refused.stdout.is_empty());

    let stdin = replay(&folder).arg("-").stdin(Stdio::null()).output();
    let stdin = stdin.expect("the command starts");
    assert_eq!(stdin.status.code(), Some(2));
    assert!(text(&stdin.stderr).contains("standard input cannot be read twice"));
}

#[test]
fn a_checkpoint_that_cannot_be_written_hides_nothing_else() {
    let folder = folder("unwritable");
    std::fs::write(folder.log(0), "nonsense").expect("a file can be written");
    let failed = replay_keeping(&folder, "missing/checkpoint").output();
    let failed = failed.expect("the command starts");
    assert_eq!(failed.status.code(), Some(2));
    let why = text(&failed.stderr);
    assert!(why.contains("000.json`, byte 0: expected a record"), "{why}");
    assert!(why.contains("cannot write `") && why.contains("missing/checkpoint`"), "{why}");
    assert!(!why.contains("run it again"), "{why}");
}
