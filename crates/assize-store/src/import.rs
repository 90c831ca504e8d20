//! Readers of AWS CLI output.
