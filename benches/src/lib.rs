//! Workloads and rulers for the benchmarks of Assize.

pub mod workload;
