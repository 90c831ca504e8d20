//! What `simulate` and `explain` have in common: the question, its world, and its answers.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};
use assize::{Engine, StatementExplanation};
use assize_model::{Decision, EffectiveDecision, RequestError, RequestErrorKind};
use assize_store::StoreSnapshot;

use crate::args::{Expected, Global, PolicyArgs, RequestArgs};
use crate::output::Output;
use crate::render::decision;
use crate::render::style::Style;
use crate::request::{self, Asked};
use crate::status::Status;
use crate::world::{self, DEFAULT_PRINCIPAL, Located, Reader, StandIn, UndeclaredOwner};

/// Requests and the engine that answers them.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) engine: Engine,
    asked: Vec<Asked>,
    /// What was assumed to make the world.
    assumptions: Vec<String>,
    /// Whether the world was made up of policies.
    is_made_up: bool,
    /// Whether the world could be read as a whole.
    world: Status,
}

/// Most types of resources that a warning names.
const MAX_TYPES: usize = 5;

/// Notes that say nothing new to a person: where a statement asks for the region, it is among the
/// missing keys.
const HIDDEN_NOTES: [&str; 2] = ["region_unknown", WITHOUT_RESOURCE];
/// In a made-up world the trusted principal is an outside one, which the assumption tells.
const HIDDEN_NOTES_MADE_UP: [&str; 3] = ["region_unknown", "outside_principal", WITHOUT_RESOURCE];
/// The note of a record whose action takes a resource and was asked without one; a person is warned
/// once for all answers.
const WITHOUT_RESOURCE: &str = "asked_without_resource";

/// A request with its answer.
#[derive(Debug)]
pub(crate) struct Answered<'q> {
    pub(crate) asked: &'q Asked,
    pub(crate) result: Result<EffectiveDecision, RequestError>,
    /// Of each check every statement, and why it applies or does not.
    pub(crate) statements: Vec<Vec<StatementExplanation>>,
}

impl<'q> Answered<'q> {
    fn new(engine: &Engine, asked: &'q Asked) -> Self {
        match engine.explain_statements(&asked.request) {
            Ok(mut found) => {
                if lacks_resource(engine, asked) {
                    found.decision.notes.push(WITHOUT_RESOURCE.into());
                    found.decision.notes.sort_unstable();
                }
                Self { asked, result: Ok(found.decision), statements: found.statements }
            }
            Err(error) => Self { asked, result: Err(error), statements: Vec::new() },
        }
    }
}

impl Question {
    /// Reads the world, or makes one of the policies, and the requests.
    pub(super) fn new(
        args: &RequestArgs,
        policies: &PolicyArgs,
        global: &Global,
        output: &Output,
    ) -> Result<Self> {
        let reader = Reader::new()?;
        let question = if policies.is_empty() {
            Self::in_world(args, global, output, &reader)?
        } else {
            Self::among_policies(args, policies, global, &reader)?
        };
        question.warn_of_missing_resources(args, output);
        Ok(question)
    }

    /// Says of actions on resources that none was named: statements about ARNs, denials among them,
    /// do not match `*`.
    fn warn_of_missing_resources(&self, args: &RequestArgs, output: &Output) {
        let catalog = self.engine.catalog();
        if !args.resource.is_empty() {
            return;
        }
        for action in &args.action {
            let Some(id) = catalog.action_by_full_name(action) else { continue };
            let action = catalog.action_ref(id);
            let mut types: Vec<_> = action.resource_types().collect();
            types.sort_by_key(|listed| !listed.is_required());
            let names: Vec<&str> =
                types.iter().map(|listed| listed.resource_type().name()).collect();
            if names.is_empty() {
                continue;
            }
            let named = names[..names.len().min(MAX_TYPES)].join("`, `");
            let more = match names.len().saturating_sub(MAX_TYPES) {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            output.warn(format_args!(
                "`{}` is about resources of type `{named}`{more}; without -r it is decided on `*`, \
                 which statements about ARNs do not match",
                action.full_name()
            ));
        }
    }

    fn in_world(
        args: &RequestArgs,
        global: &Global,
        output: &Output,
        reader: &Reader,
    ) -> Result<Self> {
        let located = Located::find(global)?;
        let Some(path) = &located.path else { return Err(no_world()) };
        if args.principal.is_empty() {
            bail!("who asks? give the principal with -p");
        }
        let assumes = world::assumes_full_access(&located.settings, global)?;
        let read = reader.world(path, assumes)?;
        let world = world::summarize(&read, output);
        let options = world::engine_options(
            Some(&read),
            &located.settings,
            global,
            UndeclaredOwner::Principal,
        )?;
        let asked = request::product(args, "", &options, &read.snapshot)?;
        let engine = Engine::new(read.snapshot, options)?;
        Ok(Self { engine, asked, assumptions: Vec::new(), is_made_up: false, world })
    }

    fn among_policies(
        args: &RequestArgs,
        policies: &PolicyArgs,
        global: &Global,
        reader: &Reader,
    ) -> Result<Self> {
        refuse_world(global)?;
        let settings = world::Settings::find()?;
        let options = world::engine_options(None, &settings, global, UndeclaredOwner::Principal)?;
        let nothing = StoreSnapshot::empty();
        let mut asked = request::product(args, DEFAULT_PRINCIPAL, &options, &nothing)?;
        let mut stand_in = StandIn::read(policies, reader)?;
        stand_in.set_principal_tags(&mut asked, &args.context)?;
        stand_in.set_organization(&args.context)?;
        for asked in &mut asked {
            stand_in.note(&asked.request)?;
            stand_in.adapt(&mut asked.request)?;
        }
        let built = stand_in.build(reader, options.skip_invalid_policies)?;
        let engine = Engine::new(built.snapshot, options)?;
        let world = Status::Yes;
        Ok(Self { engine, asked, assumptions: built.assumptions, is_made_up: true, world })
    }

    /// Answers every request.
    pub(super) fn answer(&self) -> Vec<Answered<'_>> {
        self.asked.iter().map(|asked| Answered::new(&self.engine, asked)).collect()
    }

    /// The notes that a person is not told.
    pub(super) fn hidden_notes(&self) -> &'static [&'static str] {
        if self.is_made_up { &HIDDEN_NOTES_MADE_UP } else { &HIDDEN_NOTES }
    }

    /// Names the nearest right word for a request that is malformed (C-25).
    pub(super) fn hint(&self, asked: &Asked, error: &RequestError, output: &Output) {
        let near = match error.kind() {
            RequestErrorKind::UnknownPrincipal => {
                decision::nearest_principal(self.engine.snapshot(), &asked.principal)
            }
            RequestErrorKind::UnknownAction => {
                decision::nearest_action(self.engine.catalog(), &asked.action)
            }
            _ => None,
        };
        if let Some(near) = near {
            output.note(format_args!("did you mean `{near}`?"));
        }
    }

    /// The exit status of the answers (F-80 – F-83).
    pub(super) fn status(&self, answers: &[Answered<'_>], expected: Option<Expected>) -> Status {
        let statuses = answers.iter().map(|answer| {
            let decision = answer.result.as_ref().ok().map(|found| found.decision);
            status_of(decision, expected)
        });
        statuses.fold(self.world, Status::and)
    }

    /// What was assumed for the world and for the answers, each once.
    pub(super) fn assumed(&self, answers: &[Answered<'_>], style: Style) -> String {
        let of_answers: BTreeSet<&str> = answers
            .iter()
            .filter_map(|answer| answer.result.as_ref().ok())
            .flat_map(decision::assumptions)
            .collect();
        let mut text = String::new();
        for assumption in self.assumptions.iter().map(String::as_str).chain(of_answers) {
            let _ = writeln!(text, "{} {assumption}", style.note("assumed:"));
        }
        text
    }
}

/// Whether an action takes a resource and was asked without one.
fn lacks_resource(engine: &Engine, asked: &Asked) -> bool {
    let catalog = engine.catalog();
    let action = catalog.action_by_full_name(&asked.action).map(|id| catalog.action_ref(id));
    asked.resource.is_none() && action.is_some_and(|action| action.resource_types().len() > 0)
}

/// `--policy` and the like are a world of their own (C-27).
pub(super) fn refuse_world(global: &Global) -> Result<()> {
    if global.world_is_stated {
        bail!(
            "`--world` and policies without a world (`--policy`, `--scp`, …) exclude each other: \
             put the policies into the world, or leave the world out"
        );
    }
    Ok(())
}

pub(super) fn no_world() -> anyhow::Error {
    anyhow::anyhow!(
        "which world? give `--world PATH` (a scenario, a directory of exports or an imported \
         world), `world` in assize.toml, or policies with `--policy FILE`"
    )
}

fn status_of(decision: Option<Decision>, expected: Option<Expected>) -> Status {
    let is_met = expected.map(|expected| expected.is_met_by(decision));
    match (is_met, decision) {
        (Some(true), _) | (None, Some(Decision::Allowed)) => Status::Yes,
        (_, None) => Status::NoAnswer,
        (_, Some(Decision::Indeterminate)) => Status::Depends,
        (_, Some(_)) => Status::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-82, F-83.
    #[test]
    fn the_status_is_the_answer_or_whether_it_is_the_expected_one() {
        use Decision::{Allowed, ExplicitDeny, ImplicitDeny, Indeterminate};
        let check = |expected: Option<Expected>, statuses: [u8; 5]| {
            let decisions =
                [Some(Allowed), Some(ExplicitDeny), Some(ImplicitDeny), Some(Indeterminate), None];
            let found = decisions.map(|decision| status_of(decision, expected).code());
            assert_eq!(found, statuses, "{expected:?}");
        };
        check(None, [0, 1, 1, 3, 2]);
        check(Some(Expected::Allowed), [0, 1, 1, 3, 2]);
        check(Some(Expected::Denied), [1, 0, 0, 3, 2]);
        check(Some(Expected::ExplicitDeny), [1, 0, 1, 3, 2]);
        check(Some(Expected::Indeterminate), [1, 1, 1, 0, 2]);
        check(Some(Expected::Error), [1, 1, 1, 3, 0]);
    }
}
