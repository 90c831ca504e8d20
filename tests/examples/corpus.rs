//! What `cargo xtask corpus` runs: checks the rules and their evidence, or writes the corpus for
//! other engines.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::process::ExitCode;

use assize_tests::evidence::{Evidence, semantics_file};
use assize_tests::neutral;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => check(),
        ["--bless"] => bless(),
        ["export"] => {
            print!("{}", neutral::export());
            ExitCode::SUCCESS
        }
        ["export", "--out", file] => {
            std::fs::write(file, neutral::export()).expect("the file can be written");
            println!("corpus: written to {file}");
            ExitCode::SUCCESS
        }
        _ => {
            println!("usage: corpus [--bless | export [--out FILE]]");
            ExitCode::from(2)
        }
    }
}

fn check() -> ExitCode {
    let evidence = Evidence::read();
    let complaints = evidence.complaints();
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!("corpus: {}", evidence.statistics());
    if complaints.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("corpus: {} complaints", complaints.len());
    ExitCode::FAILURE
}

fn bless() -> ExitCode {
    let evidence = Evidence::read();
    std::fs::write(semantics_file(), evidence.blessed()).expect("the table can be written");
    check()
}
