//! Workloads and rulers for the benchmarks of Assize.

pub mod measure;
pub mod replaying;
pub mod ruler;
pub mod setup;
pub mod trail;
pub mod workload;
