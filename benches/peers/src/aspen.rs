//! `scratchstack-aspen`: policy by policy, a Deny before an Allow.

use std::time::Duration;

use assize_benches::ruler::Answer;
use assize_benches::setup::Ready;
use assize_benches::workload::{Entity, WorkloadRequest};
use scratchstack_aspen::{Context, Decision, Policy};
use scratchstack_aws_principal::{
    AssumedRole, Principal, PrincipalIdentity, SessionData, SessionValue, User,
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
    let mut policies = |texts: Vec<&str>| -> Vec<Policy> {
        let policies = texts.into_iter().filter_map(|text| {
            let policy = text.parse().ok();
            n_refused += usize::from(policy.is_none());
            policy
        });
        policies.collect()
    };
    let entities: Vec<Vec<Vec<Policy>>> = (0..world.entities.len())
        .map(|at| layers(world, at).into_iter().flatten().map(&mut policies).collect())
        .collect();
    let typed: Vec<Option<Context>> =
        requests.iter().map(|request| typed(ready, request)).collect();
    let measured = measure(wanted, limit, |at| {
        let context = typed[at].as_ref()?;
        let layers = &entities[requests[at].entity];
        together(layers.iter().map(|policies| verdict(policies, context)))
    });
    (measured, n_refused)
}

fn verdict(policies: &[Policy], context: &Context) -> Option<Verdict> {
    let mut verdict = Verdict::Neither;
    for policy in policies {
        match policy.evaluate(context).ok()? {
            Decision::Deny => return Some(Verdict::Deny),
            Decision::Allow => verdict = Verdict::Allow,
            Decision::DefaultDeny => {}
        }
    }
    Some(verdict)
}

fn typed(ready: &Ready, request: &WorkloadRequest) -> Option<Context> {
    let (resource, keys) = ready.spelled_out(request);
    let mut session = SessionData::new();
    for (key, value) in keys {
        session.insert(&key, SessionValue::String(value));
    }
    let (service, api) = request.action.split_once(':')?;
    let actor = principal(&ready.workload.world.entities[request.entity])?;
    let mut context = Context::builder();
    context.service(service).api(api).actor(Principal::from(vec![actor])).session_data(session);
    if resource != "*" {
        context.resources(vec![resource.parse().ok()?]);
    }
    context.build().ok()
}

fn principal(entity: &Entity) -> Option<PrincipalIdentity> {
    Some(if entity.is_user {
        User::new("aws", &entity.account, "/", &entity.name).ok()?.into()
    } else {
        AssumedRole::new("aws", &entity.account, &entity.name, "session").ok()?.into()
    })
}
