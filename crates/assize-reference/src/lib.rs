#![doc = include_str!("../README.md")]

mod applicable;
mod condition;
mod evaluate;
mod layer;
mod service_rules;
mod statement;
mod wildcard;

pub use evaluate::{World, evaluate};
