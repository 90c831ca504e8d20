//! `cargo xtask demo-data`: the generated files of `examples/` from their sources.
//!
//! The world of the examples is written by hand (`examples/world.assize.yaml`); its real parts are
//! taken by this task from files of public sources: the account export, the policies, and the
//! requests, which are CloudTrail records with principals, accounts and roles replaced by the
//! fixed tables of [`mapping`]. This is no converter of CloudTrail records: it knows the records
//! of its one source.

mod context;
mod decide;
mod event;
mod mapping;
mod policies;
mod principal;
mod reindent;
mod request;
mod resources;
mod source;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a file is not what its sources give
    #[arg(long)]
    check: bool,
    /// Decide the requests and print how the answers are distributed
    #[arg(long)]
    decide: bool,
}

/// Fails when a generated file is not what its sources give.
pub(crate) fn check(root: &Path) -> Result<()> {
    run(root, &Args { check: true, decide: false })
}

/// Builds the files.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let library = policies::read(root)?;
    let mut files = vec![
        ("world/accounts.json".to_owned(), source::account_export(root)?),
        ("world/policies.assize.json".to_owned(), policies::scenario(&library)?),
    ];
    for (name, text) in policies::single_files(&library)? {
        files.push((format!("policies/{name}.json"), text));
    }
    let examples = root.join("examples");
    for (name, text) in &files {
        put(args, &examples.join(name), text.as_bytes(), false)?;
    }
    let requests = request::stream(root, &library)?;
    put(args, &examples.join("requests.ndjson.gz"), requests.as_bytes(), true)?;
    put(args, &examples.join("cloudtrail/events.json.gz"), source::log(root)?.as_bytes(), true)?;
    if args.decide {
        decide::report(root)?;
    }
    Ok(())
}

/// Writes a file, or checks that it need not be written. What is compressed is compared
/// uncompressed, so that another version of the compressor makes no difference.
fn put(args: &Args, file: &Path, content: &[u8], gzip: bool) -> Result<()> {
    let name = file.file_name().unwrap_or_default().display();
    let old =
        if gzip { source::gunzip(file).ok().map(String::into_bytes) } else { fs::read(file).ok() };
    if old.as_deref() == Some(content) {
        println!("{name} is current ({} bytes)", content.len());
        return Ok(());
    }
    if args.check {
        bail!("{name} is not what its sources give; run `cargo xtask demo-data`");
    }
    let bytes = if gzip { compress(content)? } else { content.to_vec() };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote {name} ({} bytes)", bytes.len());
    Ok(())
}

/// A gzip file without name and time, so that equal content gives equal bytes.
fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(content)?;
    Ok(writer.finish()?)
}
