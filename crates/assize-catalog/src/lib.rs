#![doc = include_str!("../README.md")]

mod action;
mod arn_format;
mod catalog;
mod condition_key;
mod error;
mod index;
mod resource_type;
mod service;
mod tables;

pub mod api_map;
pub mod managed;
pub mod snapshot;

pub use action::{AccessLevel, ActionRange, ActionReference, ActionResource, WildcardForm};
pub use api_map::{
    ApiAction, ApiCondition, ApiMap, ApiOperation, ApiService, ApiTest, ResourceTemplate,
    TemplateTarget,
};
pub use arn_format::ArnFormat;
pub use catalog::Catalog;
pub use condition_key::ConditionKeyReference;
pub use error::{Error, ErrorKind};
pub use managed::{ManagedPolicies, ManagedPolicy};
pub use resource_type::{HeaderFits, ResourceType, ResourceTypeId};
pub use service::ServiceReference;
