//! What `cargo xtask ci --full` runs: all real policies, with more requests than the suite makes.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::process::ExitCode;

use assize_tests::differential::Tally;
use assize_tests::real::policies;

/// Requests to each policy.
const N_REQUESTS: usize = 60;

fn main() -> ExitCode {
    let (policies, mut tally, mut n_different) = (policies(), Tally::default(), 0);
    for policy in &policies {
        match policy.compare(N_REQUESTS) {
            Ok(found) => tally.add(&found),
            Err(difference) => {
                n_different += 1;
                let (found, expected) = (&difference.found, &difference.expected);
                println!("{}: the tables say {found:?}, the reference {expected:?}", policy.name);
                println!("{}", difference.scenario);
            }
        }
    }
    println!("{tally}");
    println!("real: {} policies, {n_different} differ", policies.len());
    if n_different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
