#![doc = include_str!("../README.md")]

mod columns;

pub use columns::{
    ActionRef, DecisionRow, EndpointLayer, Frame, IdentityLayer, KeyId, KeyScope, PolicySetId,
    PrincipalEntry, RequestColumns, ResourceEntry, SessionLayer, SetRef, StatementPlace, ValueId,
    ValueView, Values,
};
