//! `iam-rs`: one evaluator for each layer.

use std::time::Duration;

use assize_benches::ruler::Answer;
use assize_benches::setup::Ready;
use assize_benches::workload::WorkloadRequest;
use iam_rs::{
    Arn, Context, ContextValue, Decision, EvaluationOptions, IAMPolicy, IAMRequest,
    PolicyEvaluator, Principal, PrincipalId,
};

use crate::{Measured, Verdict, layers, measure, together};

/// Measures it; also gives the number of policies that it does not load.
pub(crate) fn run(
    ready: &Ready,
    requests: &[WorkloadRequest],
    wanted: &[Option<Answer>],
    limit: Duration,
) -> (Measured, usize) {
    let world = &ready.workload.world;
    let mut n_refused = 0;
    let mut evaluator = |texts: Vec<&str>| {
        let policies = texts.into_iter().filter_map(|text| {
            let policy = IAMPolicy::from_json(text).ok();
            n_refused += usize::from(policy.is_none());
            policy
        });
        let options =
            EvaluationOptions { max_statements: usize::MAX, ..EvaluationOptions::default() };
        PolicyEvaluator::with_policies(policies.collect()).with_options(options)
    };
    let entities: Vec<Vec<PolicyEvaluator>> = (0..world.entities.len())
        .map(|at| layers(world, at).into_iter().flatten().map(&mut evaluator).collect())
        .collect();
    let typed: Vec<Option<IAMRequest>> =
        requests.iter().map(|request| typed(ready, request)).collect();
    let measured = measure(wanted, limit, |at| {
        let request = typed[at].as_ref()?;
        together(entities[requests[at].entity].iter().map(|layer| {
            Some(match layer.evaluate(request).ok()?.decision {
                Decision::Allow => Verdict::Allow,
                Decision::Deny => Verdict::Deny,
                Decision::NotApplicable => Verdict::Neither,
            })
        }))
    });
    (measured, n_refused)
}

fn typed(ready: &Ready, request: &WorkloadRequest) -> Option<IAMRequest> {
    let (resource, keys) = ready.spelled_out(request);
    let service = request.action.split(':').next().unwrap_or_default();
    // It has no resource `*`.
    let resource = if resource == "*" { format!("arn:aws:{service}:::*") } else { resource };
    let mut context = Context::new();
    for (key, value) in keys {
        context.insert(key, ContextValue::String(value));
    }
    let principal = Principal::Aws(PrincipalId::String(request.principal.clone()));
    let resource = Arn::parse(&resource).ok()?;
    Some(IAMRequest::new_with_context(principal, request.action.clone(), resource, context))
}
