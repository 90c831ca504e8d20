//! One call of `assize_tests::fuzz::read_cloudtrail`, which the suite runs over the seeds on stable.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assize_tests::fuzz::read_cloudtrail(bytes));
