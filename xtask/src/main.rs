//! `cargo xtask`: the tasks of the Assize workspace.

fn main() {}
