//! Statements of a row of which not every context key is known (E-124 – E-127).

use assize_automata::SetScratch;
use assize_model::{Effect, Strength};
use assize_policy::value::fold_unicode;

use super::{
    Applying, Atom, Body, Cursor, Evaluate, KeyId, OVERLAY_BIT, PrincipalTest, Program, Quantifier,
    ResourceTest, RowEvaluator, Rule, Target, Test, Texts, Undecided, ValueId, ValueView, applying,
    is_all_empty, members, program_of, static_test, take_unconditional,
};
use crate::partial::{Gaps, KeySet, OrganizationKey, Side};
use crate::program::template::{ArnTemplate, TemplatePiece, TextMode, TextTemplate};
use crate::truth::Truth;

/// Evaluates one row with every unknown falling to one side.
#[derive(Debug)]
pub(crate) struct SidedEvaluator<'a> {
    pub(crate) row: RowEvaluator<'a>,
    pub(crate) gaps: &'a Gaps,
    pub(crate) single: &'a KeySet,
    pub(crate) organizations: &'a [Box<str>],
    pub(crate) side: Side,
    /// Some statement that was looked at is U: the other side may come out differently.
    pub(crate) met_unknown: bool,
}

impl Evaluate for SidedEvaluator<'_> {
    fn scan(
        &mut self,
        rule: Rule,
        mut take: impl FnMut(Applying) -> bool,
    ) -> Result<bool, Undecided> {
        let side = self.side;
        let mut met_unknown = false;
        let go_on = self.each(rule, |applying, effect, truth| {
            // E-127: what is U applies if it allows and that is the best, or denies and that is
            // the worst.
            let falls = match (effect, side) {
                (Effect::Allow, Side::Best) | (Effect::Deny, Side::Worst) => true,
                (Effect::Allow, Side::Worst) | (Effect::Deny, Side::Best) => false,
            };
            met_unknown |= truth == Truth::Unknown;
            if truth == Truth::True || falls { take(applying) } else { true }
        });
        self.met_unknown |= met_unknown;
        Ok(go_on)
    }
}

impl<'a> SidedEvaluator<'a> {
    /// Hands the statements of a rule that are T or U to `take`, in order, until it says false.
    /// Gives false if it did.
    pub(crate) fn each(
        &mut self,
        rule: Rule,
        mut take: impl FnMut(Applying, Effect, Truth) -> bool,
    ) -> bool {
        let Some(program) = program_of(self.row.shared, self.row.overlay, rule) else {
            return true;
        };
        match rule.target() {
            Target::Unconditional(at) => {
                let effect = program.bodies[at as usize].effect;
                let mut take = |applying| take(applying, effect, Truth::True);
                take_unconditional(program, rule, at, &mut take)
            }
            Target::Body(at) => {
                let body = &program.bodies[at as usize];
                match self.applies(program, rule, body, false) {
                    Some((strength, truth)) => {
                        take(applying(rule, body, strength), body.effect, truth)
                    }
                    None => true,
                }
            }
            Target::Index(at) => self.each_of_index(program, rule, at, &mut take),
        }
    }

    fn each_of_index(
        &mut self,
        program: &'a Program,
        rule: Rule,
        index: u32,
        take: &mut impl FnMut(Applying, Effect, Truth) -> bool,
    ) -> bool {
        let index = self.row.search(program, rule, index);
        let mut cursor = Cursor::default();
        while let Some((at, resource_known)) = index.next(&self.row.buffers.matched, &mut cursor) {
            let body = &program.bodies[index.bodies[at as usize] as usize];
            if let Some((strength, truth)) = self.applies(program, rule, body, resource_known)
                && !take(applying(index.rule_of(rule, at), body, strength), body.effect, truth)
            {
                return false;
            }
        }
        true
    }

    /// E-126: a statement is the conjunction of its parts. None: F.
    fn applies(
        &mut self,
        program: &'a Program,
        rule: Rule,
        body: &Body,
        resource_known: bool,
    ) -> Option<(Strength, Truth)> {
        let strength = match body.principal {
            PrincipalTest::Everyone => Strength::Direct,
            PrincipalTest::Program(at) => {
                program.principals[at as usize].strength(self.row.principal)?
            }
            PrincipalTest::Nobody => return None,
        };
        let tag = if rule.is_of_overlay() { OVERLAY_BIT } else { 0 };
        let mut truth = Truth::True;
        for &atom in body.atoms.of(&program.atom_ids) {
            truth = truth.min(self.holds(&program.atoms[atom as usize], atom | tag));
            if truth == Truth::False {
                return None;
            }
        }
        if !resource_known {
            truth = truth.min(self.resource_part(program, body.resource));
        }
        (truth != Truth::False).then_some((strength, truth))
    }

    /// L-237, L-238, E-126.
    fn resource_part(&mut self, program: &'a Program, test: ResourceTest) -> Truth {
        let (list, negated) = match test {
            ResourceTest::Always => return Truth::True,
            ResourceTest::Never => return Truth::False,
            ResourceTest::Matches(list) => (list, false),
            ResourceTest::MatchesNot(list) => (list, true),
        };
        if self.row.resource.is_star() {
            return negated.into();
        }
        let list = &program.pattern_lists[list as usize];
        let text = self.row.resource.text();
        let mut patterns = list.patterns.of(&program.pattern_ids).iter();
        if patterns.any(|&at| program.patterns[at as usize].is_match(text.as_bytes())) {
            return (!negated).into();
        }
        let templates = list.templates.of(&program.template_ids).iter();
        let mut matched = Truth::False;
        for &at in templates {
            matched = matched.max(self.entry_matches(&program.templates[at as usize], text));
            if matched == Truth::True {
                break;
            }
        }
        matched.negated_if(negated)
    }

    /// E-125: an entry with unknown variables matches at most what its hull does.
    fn entry_matches(&mut self, template: &'a ArnTemplate, text: &str) -> Truth {
        let is_hull = template.segments.iter().any(|segment| self.has_unknown(segment));
        let mut buffers = std::mem::take(&mut self.row.buffers.templates);
        let row = &self.row;
        let expanded = if is_hull {
            let unknown = |key| self.is_unknown(key);
            template
                .expand_hull(&mut buffers.glob, unknown, |key, default| row.variable(key, default))
        } else {
            template.expand(&mut buffers.glob, |key, default| row.variable(key, default))
        };
        let matched = expanded && buffers.glob.is_match(text);
        self.row.buffers.templates = buffers;
        if matched && is_hull { Truth::Unknown } else { matched.into() }
    }

    /// E-121: whether a key is unknown in this row.
    #[inline]
    fn is_unknown(&self, key: u32) -> bool {
        let id = KeyId(key);
        self.gaps.hidden.contains(id)
            || self.gaps.absent.contains(id) && self.row.value(key).is_absent()
    }

    fn has_unknown(&self, pieces: &[TemplatePiece]) -> bool {
        pieces.iter().any(
            |piece| matches!(piece, TemplatePiece::Variable { key, .. } if self.is_unknown(*key)),
        )
    }

    /// L-611, L-612, E-124, E-125.
    fn holds(&mut self, atom: &'a Atom, tagged: u32) -> Truth {
        if self.is_unknown(atom.key) {
            return self.unknown_test(atom);
        }
        let has_hulls = texts_of(&atom.test)
            .is_some_and(|texts| texts.templates.iter().any(|t| self.has_unknown(&t.pieces)));
        if !has_hulls {
            return self.row.holds(atom, tagged).into();
        }
        let value = self.row.value(atom.key);
        if value.is_absent() || value == ValueId::COLLIDING {
            return self.row.holds(atom, tagged).into();
        }
        match atom.quantifier {
            Quantifier::One { negated, .. } => match self.row.columns.values.get(value) {
                ValueView::List(_) => Truth::False,
                _ => self.satisfies(&atom.test, value).negated_if(negated),
            },
            Quantifier::Null { present, .. } => present.into(),
            Quantifier::All { .. } if is_all_empty(self.row.columns.values, value) => Truth::True,
            Quantifier::Any { .. } if is_all_empty(self.row.columns.values, value) => Truth::False,
            Quantifier::All { negated } => {
                let members = members(self.row.columns.values, &value).to_vec();
                Truth::all(
                    members.iter().map(|m| self.satisfies(&atom.test, *m).negated_if(negated)),
                )
            }
            Quantifier::Any { negated } => {
                let members = members(self.row.columns.values, &value).to_vec();
                Truth::any(
                    members.iter().map(|m| self.satisfies(&atom.test, *m).negated_if(negated)),
                )
            }
        }
    }

    /// The table of E-124: a test whose key is unknown.
    fn unknown_test(&mut self, atom: &'a Atom) -> Truth {
        let (on_never, matters) = match atom.quantifier {
            Quantifier::One { negated: false, if_exists } => (Truth::False, !if_exists),
            Quantifier::One { negated: true, .. } => {
                (Truth::True, self.single.contains(KeyId(atom.key)))
            }
            Quantifier::All { negated } => (Truth::True, negated),
            Quantifier::Any { negated } => (Truth::False, !negated),
            Quantifier::Null { .. } => (Truth::Unknown, false),
        };
        if matters && self.never_matches(atom) { on_never } else { Truth::Unknown }
    }

    /// never(W) of E-124.
    fn never_matches(&self, atom: &'a Atom) -> bool {
        let of = self.gaps.elsewhere(KeyId(atom.key));
        match &atom.test {
            Test::Presence => false,
            Test::Bool { yes, no } => !yes && !no,
            Test::Number(_, values) => values.is_empty(),
            Test::Date(_, values) => values.is_empty(),
            Test::Ip(values) => values.is_empty(),
            Test::Equal(texts) | Test::Like(texts) => self.texts_never_match(texts, of),
            Test::EqualIgnoringCase(texts) => self.texts_never_match(texts, None),
        }
    }

    fn texts_never_match(&self, texts: &'a Texts, of: Option<OrganizationKey>) -> bool {
        let is_elsewhere =
            |begin: &str, whole| of.is_some_and(|of| of.is_of(self.organizations, begin, whole));
        texts.literals.iter().all(|text| is_elsewhere(text, true))
            && texts.patterns.iter().all(|p| is_elsewhere(p.literal_prefix(), false))
            && texts.templates.iter().all(|template| {
                self.template_never_matches(template) || self.template_is_elsewhere(of, template)
            })
    }

    /// Whether a key says of an organization that it is another than all that this value names.
    fn template_is_elsewhere(
        &self,
        of: Option<OrganizationKey>,
        template: &'a TextTemplate,
    ) -> bool {
        let Some(of) = of.filter(|_| template.mode != TextMode::IgnoreCase) else { return false };
        let mut begin = String::new();
        let mut whole = true;
        for piece in &template.pieces {
            match piece {
                TemplatePiece::Literal(text) => begin.push_str(text),
                TemplatePiece::Variable { key, default } if !self.is_unknown(*key) => {
                    begin.push_str(self.row.variable(*key, default.as_deref()).unwrap_or_default());
                }
                TemplatePiece::Star | TemplatePiece::One | TemplatePiece::Variable { .. } => {
                    whole = false;
                    break;
                }
            }
        }
        of.is_of(self.organizations, &begin, whole)
    }

    /// Whether a value is unresolved by what is known, or too short to be an ARN (L-620).
    fn template_never_matches(&self, template: &'a TextTemplate) -> bool {
        let mut is_hull = false;
        let mut n_colons = 0;
        for piece in &template.pieces {
            let text = match piece {
                TemplatePiece::Star | TemplatePiece::One => continue,
                TemplatePiece::Literal(text) => text,
                TemplatePiece::Variable { key, .. } if self.is_unknown(*key) => {
                    is_hull = true;
                    continue;
                }
                TemplatePiece::Variable { key, default } => {
                    let Some(text) = self.row.variable(*key, default.as_deref()) else {
                        return true;
                    };
                    text
                }
            };
            n_colons += text.bytes().filter(|&b| b == b':').count();
        }
        let is_short = n_colons < crate::program::template::ARN_COLONS;
        template.mode == TextMode::Arn && !is_hull && is_short
    }

    /// m(v) where some values have unknown variables (E-125).
    fn satisfies(&mut self, test: &'a Test, value: ValueId) -> Truth {
        let Some(text) = self.row.columns.values.text(value) else { return Truth::False };
        let set: &mut SetScratch = &mut self.row.buffers.set;
        if static_test(test, text, set) {
            return Truth::True;
        }
        let Some(texts) = texts_of(test) else { return Truth::False };
        let mut buffers = std::mem::take(&mut self.row.buffers.templates);
        let row = &self.row;
        let satisfied = Truth::any(texts.templates.iter().map(|template| {
            if !self.has_unknown(&template.pieces) {
                let variable = |key, default| row.variable(key, default);
                return template.is_match(text, &mut buffers, variable).into();
            }
            let unknown = |key| self.is_unknown(key);
            let variable = |key, default| row.variable(key, default);
            let matched = if template.mode == TextMode::IgnoreCase {
                let text = fold_unicode(text);
                template.hull(&mut buffers.glob, unknown, variable) && buffers.glob.is_match(&text)
            } else {
                template.hull(&mut buffers.glob, unknown, variable) && buffers.glob.is_match(text)
            };
            if matched { Truth::Unknown } else { Truth::False }
        }));
        self.row.buffers.templates = buffers;
        satisfied
    }
}

/// The policy values of a test of text.
fn texts_of(test: &Test) -> Option<&Texts> {
    match test {
        Test::Equal(texts) | Test::EqualIgnoringCase(texts) | Test::Like(texts) => Some(texts),
        _ => None,
    }
}
