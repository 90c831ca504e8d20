//! Statements of joints, and what is left to ask of a row whose facts are known.

use assize_model::{Layer, Strength};

use super::facts::{Asked, Facts};
use super::{first, place_of};
use crate::columns::StatementPlace;
use crate::program::evaluate::{Applying, RowEvaluator};
use crate::program::{PrincipalTest, Program, ResourceTest, Rule, Target};

/// A statement, or several behind one index, in a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step {
    /// Facts that must hold.
    needs: u64,
    rule: Rule,
    rest: Rest,
    pub(super) layer: Layer,
    in_grants: bool,
}

/// What is left to ask when the facts hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rest {
    /// Nothing; the statement applies.
    Applies { statement: u16 },
    /// The resource part.
    Resource { statement: u16, test: ResourceTest },
    /// All of it.
    Rule,
}

impl Step {
    /// The step of a rule of the tables, and what it asks of rows.
    pub(super) fn new(
        program: &Program,
        facts: &mut Facts,
        rule: Rule,
        (layer, in_grants): (Layer, bool),
    ) -> (Self, Asked) {
        let whole = Self { needs: 0, rule, rest: Rest::Rule, layer, in_grants };
        let (Target::Body(at) | Target::Unconditional(at)) = rule.target() else {
            return (whole, Asked::default());
        };
        let Some(body) = program.bodies.get(at as usize) else { return (whole, Asked::default()) };
        let mut asked = Asked::default();
        let mut is_whole = body.principal != PrincipalTest::Everyone;
        for &atom in body.atoms.of(&program.atom_ids) {
            match facts.number(program, atom) {
                Some(fact) => asked = asked.and(fact),
                None => is_whole = true,
            }
        }
        let statement = body.statement;
        let rest = match body.resource {
            _ if is_whole => Rest::Rule,
            ResourceTest::Always => Rest::Applies { statement },
            test => Rest::Resource { statement, test },
        };
        (Self { needs: asked.facts, rest, ..whole }, asked)
    }

    /// The place of the statement that applies to a row of these facts, if one does.
    #[inline]
    pub(super) fn place(
        &self,
        facts: Option<u64>,
        evaluator: &mut RowEvaluator<'_>,
    ) -> Option<StatementPlace> {
        let Some(facts) = facts else { return self.place_of_rule(evaluator) };
        if facts & self.needs != self.needs {
            return None;
        }
        let statement = match self.rest {
            Rest::Applies { statement } => statement,
            Rest::Resource { statement, test } => {
                if !evaluator.resource_matches(evaluator.shared, test) {
                    return None;
                }
                statement
            }
            Rest::Rule => return self.place_of_rule(evaluator),
        };
        let (document, strength) = (self.rule.document, Strength::Direct);
        Some(place_of(Applying { document, statement, strength }, self.in_grants))
    }

    fn place_of_rule(&self, evaluator: &mut RowEvaluator<'_>) -> Option<StatementPlace> {
        first(&[self.rule], self.in_grants, evaluator).ok().flatten()
    }
}
