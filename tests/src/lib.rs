//! Test harness of the Assize workspace.
