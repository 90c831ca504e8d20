//! What `cargo xtask fuzz` runs first: writes the seeds of targets into the folders from which
//! `cargo fuzz` starts.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::path::Path;
use std::process::ExitCode;

use assize_tests::seeds;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(folder) = words.next() else {
        println!("usage: seeds FOLDER TARGET...");
        return ExitCode::from(2);
    };
    for target in words {
        let folder = Path::new(&folder).join(&target);
        let seeds = seeds::of(&target);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        for (at, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at}")), seed).expect("it can be written");
        }
        println!("fuzz: {target}: {} seeds", seeds.len());
    }
    ExitCode::SUCCESS
}
