//! Action, resource and principal patterns.
