#![doc = include_str!("../README.md")]

mod account;
mod action;
mod applicable;
mod arn;
mod context;
mod decision;
mod error;
mod id;
mod options;
mod principal;
mod request;
mod text;

pub use account::{AccountId, OrgPath, Partition};
pub use action::{ActionName, ServicePrefix, split_action};
pub use applicable::{ApplicablePolicies, AppliedPolicy, PolicyType};
pub use arn::{Arn, ArnParts};
pub use context::{
    ConditionKey, ContextEntry, ContextInput, ContextScalar, ContextValue, KeyShape, KeyType,
    MAX_NUMBER_CHARS, RequestContext, fold_key, is_claim, is_key_form, is_never_carried,
    is_session_claim, lacks_tag_key,
};
pub use decision::{
    AllowedBy, Bound, Bounds, CheckDecision, Decision, Decisive, Effect, EffectiveDecision, Grant,
    Layer, LayerResult, NodeVerdict, ReasonCode, SourceSpan, StatementRef, Strength, Verdict,
};
pub use error::{Error, ErrorKind, MAX_QUOTED_CHARS};
pub use id::{ActionId, Id, IndexVec, PolicyId, PrincipalId, ServiceId, StatementId};
pub use options::{ContextMode, EngineOptions, UnknownResourceAccount};
pub use principal::{
    Delivery, InlinePrincipal, MfaState, Principal, PrincipalForm, PrincipalKind, Session,
    StatedPrincipal,
};
pub use request::{
    Authorizer, Check, KmsGrant, Network, PolicyText, PublicAccessBlock, Request, RequestError,
    RequestErrorKind, ResourceData, ResourceInput, Source, Tags, Target,
};
pub use text::{SharedText, did_you_mean};
