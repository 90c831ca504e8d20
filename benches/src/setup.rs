//! Workloads made ready: engines, requests in memory, and answers checked against the reference.

use std::borrow::Cow;
use std::error::Error;

use assize::formats::{NoFiles, ReadOptions, Scenario};
use assize::{BundledPolicies, Engine, Outcome};
use assize_catalog::ManagedPolicies;
use assize_model::{
    ArnParts, ContextInput, ContextMode, ContextScalar, Decision, EffectiveDecision, EngineOptions,
    Layer, Principal, Request, Target, Verdict, split_action,
};
use assize_policy::PolicyLibrary;

use crate::ruler::{Answer, Keys, RulerA, RulerB, RulerRequest};
use crate::workload::{self, ManagedSource, Workload, WorkloadRequest};

/// What goes wrong while a benchmark is made ready.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The clock of checks: no workload leaves the time to it.
const NOW: i64 = 1_714_564_800;

/// A workload with its engine and what checking its answers needs.
#[derive(Debug)]
pub struct Ready {
    /// `W1`, `W2`, `W3`.
    pub label: &'static str,
    /// The workload.
    pub workload: Workload,
    /// The engine over its world.
    pub engine: Engine,
    library: PolicyLibrary,
}

/// The AWS-managed policies that workloads draw from.
///
/// # Errors
/// When the bundled data is damaged.
pub fn managed_source() -> Result<ManagedSource> {
    Ok(ManagedSource::new(&*ManagedPolicies::bundled()?))
}

/// W1, W2 and W3.
///
/// # Errors
/// When a world does not load.
pub fn workloads() -> Result<Vec<(&'static str, Workload)>> {
    let managed = managed_source()?;
    Ok(vec![
        ("W1", workload::principal(&managed)),
        ("W2", workload::account(&managed)),
        ("W3", workload::wildcards()),
    ])
}

/// The scenario of a world.
///
/// # Errors
/// When it does not read.
pub fn scenario(name: &str, text: String) -> Result<Scenario> {
    let managed = BundledPolicies::new()?;
    let options = ReadOptions {
        files: &mut NoFiles,
        managed_policies: &managed,
        takes_several_resources: &|_| false,
    };
    Scenario::read(name, text.into_bytes(), options).map_err(|errors| {
        let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
        messages.join("\n").into()
    })
}

impl Ready {
    /// Loads and compiles the world of a workload.
    ///
    /// # Errors
    /// When it does not load.
    pub fn new(label: &'static str, workload: Workload) -> Result<Self> {
        let file = format!("{}.assize.json", workload.name);
        let scenario = scenario(&file, workload.world.to_scenario())?;
        let library = assize::library(&scenario.snapshot);
        let engine = Engine::new(scenario.snapshot, scenario.options)?;
        Ok(Self { label, workload, engine, library })
    }

    /// W1, W2 and W3, ready.
    ///
    /// # Errors
    /// When one does not load.
    pub fn all() -> Result<Vec<Self>> {
        workloads()?.into_iter().map(|(label, workload)| Self::new(label, workload)).collect()
    }

    /// The same, deciding in partial context.
    ///
    /// # Errors
    /// When the engine is not made.
    pub fn partial(self) -> Result<Self> {
        let options =
            EngineOptions { context: ContextMode::Partial, ..self.engine.options().clone() };
        Ok(Self { engine: self.engine.with_options(options)?, ..self })
    }

    /// What the reference interpreter answers.
    ///
    /// # Errors
    /// When the request is malformed.
    pub fn reference(&self, request: &WorkloadRequest) -> Result<EffectiveDecision> {
        self.reference_of(&request_of(request))
    }

    fn reference_of(&self, request: &Request<'_>) -> Result<EffectiveDecision> {
        let world = assize_reference::World {
            snapshot: self.engine.snapshot(),
            library: &self.library,
            catalog: self.engine.catalog(),
            options: self.engine.options(),
            now: NOW,
        };
        Ok(assize_reference::evaluate(&world, request)?)
    }

    /// Checks every `step`-th answer of the engine against the reference: decision, check, layer,
    /// reason, whose policies allow, and the first statement. Gives the number of checked
    /// answers.
    ///
    /// # Errors
    /// The first answer that differs.
    pub fn check(
        &self,
        requests: &[WorkloadRequest],
        outcomes: &[Outcome],
        step: usize,
    ) -> Result<usize> {
        let wanted = |request: &WorkloadRequest| self.reference(request);
        self.check_each(requests, outcomes, step, wanted, WorkloadRequest::to_json)
    }

    /// The same of requests that are typed already.
    ///
    /// # Errors
    /// The first answer that differs.
    pub fn check_typed(
        &self,
        requests: &[Request<'_>],
        outcomes: &[Outcome],
        step: usize,
    ) -> Result<usize> {
        let wanted = |request: &Request<'_>| self.reference_of(request);
        self.check_each(requests, outcomes, step, wanted, |request| format!("{request:?}"))
    }

    fn check_each<T>(
        &self,
        requests: &[T],
        outcomes: &[Outcome],
        step: usize,
        wanted: impl Fn(&T) -> Result<EffectiveDecision>,
        shown: impl Fn(&T) -> String,
    ) -> Result<usize> {
        let sample = requests.iter().zip(outcomes).step_by(step.max(1));
        let n_checked = sample.len();
        for (request, outcome) in sample {
            let wanted = wanted(request)?;
            if !agrees(outcome, &wanted) {
                return Err(format!(
                    "{}: {} is {outcome:?}, the reference says {:?}",
                    self.label,
                    shown(request),
                    wanted.decisive,
                )
                .into());
            }
        }
        Ok(n_checked)
    }

    /// Makes both rulers ready for requests, which are split for them.
    pub fn with_rulers<R>(
        &self,
        requests: &[WorkloadRequest],
        ask: impl FnOnce(&RulerA, &RulerB, &[RulerRequest<'_>]) -> R,
    ) -> R {
        let ruler_a = RulerA::load(&self.workload.world);
        let lowered: Vec<_> = requests.iter().map(|request| self.lower(request)).collect();
        let split = requests.iter().zip(&lowered);
        let split = split.map(|(request, lowered)| self.split(request, lowered, ruler_a.keys()));
        let split: Vec<_> = split.collect();
        let ruler_b = RulerB::load(&ruler_a, split.iter().map(|request| request.action));
        ask(&ruler_a, &ruler_b, &split)
    }

    /// Checks every `step`-th answer of a ruler against the verdicts of its layers. Gives the
    /// number of checked answers.
    ///
    /// # Errors
    /// The first answer that differs.
    pub fn check_ruler(
        &self,
        requests: &[WorkloadRequest],
        step: usize,
        ask: impl Fn(&WorkloadRequest) -> Answer,
    ) -> Result<usize> {
        let mut n_checked = 0;
        for request in requests.iter().step_by(step.max(1)) {
            let Some(wanted) = self.of_three_layers(request)? else { continue };
            let got = ask(request);
            n_checked += 1;
            if wanted != got {
                let text = request.to_json();
                return Err(format!("{}: {text} is {got}, not {wanted}", self.label).into());
            }
        }
        Ok(n_checked)
    }

    /// What the reference says of identity, boundary and service control policies together; none
    /// when AWS allows the request without asking them (E-70).
    ///
    /// # Errors
    /// When the request is malformed.
    pub fn of_three_layers(&self, request: &WorkloadRequest) -> Result<Option<Answer>> {
        Ok(of_three_layers(&self.reference(request)?))
    }

    /// A request for evaluators that derive nothing: the resource and every key, spelled out.
    pub fn spelled_out(&self, request: &WorkloadRequest) -> (String, Vec<(String, String)>) {
        let Lowered { resource, derived } = self.lower(request);
        let world = &self.workload.world;
        let own = request.context.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let of_principal = world.entities[request.entity].derived_keys(world.in_organization);
        (resource, own.chain(derived).chain(of_principal).collect())
    }

    /// A ruler's request: split, with the keys that the engine would derive.
    pub fn split<'r>(
        &self,
        request: &'r WorkloadRequest,
        lowered: &'r Lowered,
        keys: &Keys,
    ) -> RulerRequest<'r> {
        let mut split = RulerRequest {
            principal: &request.principal,
            action: &request.action,
            resource: &lowered.resource,
            context: Vec::new(),
        };
        let own = request.context.iter().map(|(key, value)| (*key, value.as_str()));
        let derived = lowered.derived.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in own.chain(derived) {
            if let Some(slot) = keys.slot(key) {
                split.context.push((slot, value));
            }
        }
        split
    }

    /// What splitting a request makes anew.
    pub fn lower(&self, request: &WorkloadRequest) -> Lowered {
        let entity = &self.workload.world.entities[request.entity];
        let catalog = self.engine.catalog();
        let id = split_action(&request.action).and_then(|(s, n)| catalog.action(s, n));
        // E-6: an action without resource types has a form of its own.
        let resource = match id.filter(|id| catalog.action_ref(*id).is_wildcard_only()) {
            Some(id) => catalog.wildcard_form(id).render("aws", &entity.account).into_owned(),
            None => request.resource.clone(),
        };
        let owner = ArnParts::split(&resource).and_then(|arn| arn.account_id());
        let owner = owner.map_or_else(|| entity.account.clone(), |owner| owner.to_string());
        let mut derived = Vec::new();
        if !id.is_some_and(|id| catalog.resource_account_keys_absent(id)) {
            derived.push(("aws:ResourceAccount".to_owned(), owner));
        }
        let tags = request.context.iter().filter(|(key, _)| key.starts_with("aws:ResourceTag/"));
        let service = request.action.split(':').next().unwrap_or_default();
        derived.extend(tags.map(|(key, value)| (key.replacen("aws", service, 1), value.clone())));
        Lowered { resource, derived }
    }
}

/// The parts of a ruler's request that do not stand in the workload's.
#[derive(Debug)]
pub struct Lowered {
    resource: String,
    derived: Vec<(String, String)>,
}

/// A request as the library takes it.
pub fn request_of(request: &WorkloadRequest) -> Request<'_> {
    let text = |text| ContextInput::Scalar(ContextScalar::String(Cow::Borrowed(text)));
    let context = request.context.iter();
    Request {
        principal: Principal::Text(Cow::Borrowed(&request.principal)),
        target: Target::Action {
            action: Cow::Borrowed(&request.action),
            resource: Some(Cow::Borrowed(&request.resource)),
            resources: Vec::new(),
        },
        context: context.map(|(key, value)| (Cow::Borrowed(*key), text(value.as_str()))).collect(),
        ..Request::default()
    }
}

/// Requests as lines of a stream.
pub fn ndjson(requests: &[WorkloadRequest]) -> Vec<u8> {
    let mut text = Vec::new();
    for request in requests {
        text.extend_from_slice(request.to_json().as_bytes());
        text.push(b'\n');
    }
    text
}

fn agrees(outcome: &Outcome, wanted: &EffectiveDecision) -> bool {
    let decisive = &wanted.decisive;
    // The fast answer names the first statement of the decisive layer (E-103).
    let layers = wanted.checks.get(decisive.check as usize).map_or(&[][..], |c| &c.layers[..]);
    let result = layers.iter().find(|result| result.layer == decisive.layer);
    let first = match wanted.decision {
        Decision::Allowed => result.and_then(|result| result.allows.first()),
        Decision::ExplicitDeny => result.and_then(|result| result.denies.first()),
        Decision::ImplicitDeny => None,
        Decision::Indeterminate => decisive.statements.first(),
    };
    let same_statement = match (&outcome.statement, first) {
        (Some(got), Some(wanted)) => {
            got.policy == wanted.policy && got.statement == wanted.statement
        }
        (got, wanted) => got.is_none() && wanted.is_none(),
    };
    outcome.decision == wanted.decision
        && outcome.check == decisive.check
        && outcome.layer == decisive.layer
        && outcome.reason == decisive.reason
        && outcome.allowed_by == decisive.allowed_by
        && outcome.bounds == wanted.bounds
        && outcome.depends_on == wanted.depends_on
        && same_statement
}

/// What identity, boundary and service control policies together say of the first check; none
/// when AWS allows it without asking them (E-70).
fn of_three_layers(decision: &EffectiveDecision) -> Option<Answer> {
    let check = decision.checks.first()?;
    let known = [Layer::Identity, Layer::Boundary, Layer::ServiceControl];
    let verdicts: Vec<Verdict> = check
        .layers
        .iter()
        .filter(|result| known.contains(&result.layer))
        .map(|result| result.verdict)
        .collect();
    if verdicts.iter().all(|verdict| *verdict == Verdict::NotApplicable) {
        return None;
    }
    Some(if verdicts.contains(&Verdict::ExplicitDeny) {
        Answer::Denied
    } else if verdicts.contains(&Verdict::ImplicitDeny) {
        Answer::NotAllowed
    } else {
        Answer::Allowed
    })
}
