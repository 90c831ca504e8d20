//! What `cargo xtask corpus` runs: checks the rules and their evidence, or writes
//! down where the evidence is.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::process::ExitCode;

use assize_tests::evidence::{Evidence, semantics_file};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => check(),
        ["--bless"] => bless(),
        _ => {
            println!("usage: corpus [--bless]");
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
