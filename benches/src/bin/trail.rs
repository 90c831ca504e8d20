//! Writes a synthetic trail: `trail FOLDER N_RECORDS`.

#![expect(clippy::print_stdout, reason = "what was written is the result")]

use std::error::Error;
use std::path::Path;

use assize_benches::trail::{Trail, TrailShape};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(n_records)) = (args.next(), args.next()) else {
        return Err("usage: trail FOLDER N_RECORDS".into());
    };
    let written = Trail::new(TrailShape::of(n_records.parse()?))?.write(Path::new(&folder))?;
    println!(
        "{} records in {} files: {} bytes of text, {} on disk",
        written.n_records,
        written.files.len(),
        written.n_text_bytes,
        written.n_bytes,
    );
    Ok(())
}
