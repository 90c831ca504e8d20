//! Immutable snapshots.
