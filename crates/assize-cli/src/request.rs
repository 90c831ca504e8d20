//! The requests that a command line asks about (C-1): the product of principals, actions and
//! resources, with the context filled in.

mod context;
mod denial;
mod provider;

use anyhow::Result;
use assize_model::{ContextMode, EngineOptions, Principal, Request, Target};
use assize_store::StoreSnapshot;
use assize_store::context::resource_tags;

use self::context::LeavesOpen;
pub(crate) use self::context::{brings_tags, is_principal_tag, principal_tags};
pub(crate) use self::denial::Denial;
use crate::args::RequestArgs;

/// One request, as it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) principal: String,
    pub(crate) action: String,
    pub(crate) resource: Option<String>,
    pub(crate) request: Request<'static>,
}

/// All requests, in the order principals, actions, resources. In partial context no more is known
/// than what is given, but for what the world `knows` of tags of resources.
///
/// # Errors
/// A value of the context that its field does not take.
pub(crate) fn product(
    args: &RequestArgs,
    default_principal: &str,
    options: &EngineOptions,
    knows: &StoreSnapshot,
) -> Result<Vec<Asked>> {
    let principals = if args.principal.is_empty() {
        vec![default_principal.to_owned()]
    } else {
        args.principal.clone()
    };
    let resources: Vec<Option<String>> = if args.resource.is_empty() {
        vec![None]
    } else {
        args.resource.iter().cloned().map(Some).collect()
    };
    let mut product = Vec::new();
    for principal in &principals {
        for action in &args.action {
            for resource in &resources {
                let target = Target::Action {
                    action: action.clone().into(),
                    resource: resource.clone().map(Into::into),
                    resources: Vec::new(),
                };
                let mut request = Request {
                    principal: provider::caller(principal, action)
                        .unwrap_or_else(|| Principal::Text(principal.clone().into())),
                    target,
                    ..Request::default()
                };
                let arn = resource.as_deref().unwrap_or("*");
                let leaves_open = LeavesOpen {
                    other_keys: options.context == ContextMode::Partial,
                    other_tags: options.context == ContextMode::Partial
                        && resource_tags(knows, arn).is_none(),
                };
                context::fill(&mut request, &args.context, options, leaves_open)?;
                product.push(Asked {
                    principal: principal.clone(),
                    action: action.clone(),
                    resource: resource.clone(),
                    request,
                });
            }
        }
    }
    Ok(product)
}
