//! Benchmark workloads of the Assize workspace.
