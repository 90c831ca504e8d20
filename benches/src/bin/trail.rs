//! Writes a synthetic trail: `trail FOLDER N_RECORDS`, and `new` for one in which no caller and no
//! resource comes again.

#![expect(clippy::print_stdout, reason = "what was written is the result")]

use std::error::Error;
use std::path::Path;

use assize_benches::trail::{Trail, TrailShape};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(n_records)) = (args.next(), args.next()) else {
        return Err("usage: trail FOLDER N_RECORDS [new]".into());
    };
    let shape = match args.next().as_deref() {
        None => TrailShape::of(n_records.parse()?),
        Some("new") => TrailShape::ever_new(n_records.parse()?),
        Some(word) => return Err(format!("`{word}` is no kind of trail").into()),
    };
    let written = Trail::new(shape)?.write(Path::new(&folder))?;
    println!(
        "{} records in {} files: {} bytes of text, {} on disk",
        written.n_records,
        written.files.len(),
        written.n_text_bytes,
        written.n_bytes,
    );
    Ok(())
}
