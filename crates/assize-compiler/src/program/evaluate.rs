//! Whether the statements of a cell apply to one row.

pub(crate) mod three_valued;

use assize_automata::SetScratch;
use assize_model::Strength;
use assize_policy::value::{
    compares_with_any, eq_ignore_case, parse_bool, parse_date, parse_ip_address,
};

use super::condition::{Atom, Quantifier, Test, Texts};
use super::memo::Memo;
use super::pattern_index::{Cursor, PatternIndex};
use super::template::TemplateBuffers;
use super::{Body, PrincipalTest, Program, ResourceTest, Rule, Target};
use crate::columns::{
    KeyId, KeyScope, OVERLAY_BIT, PrincipalEntry, RequestColumns, ResourceEntry, SameTexts,
    ValueId, ValueView, Values,
};

/// Working memory of evaluation. Cleared, never shrunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffers {
    pub(crate) memo: Memo,
    pub(crate) same_texts: SameTexts,
    templates: TemplateBuffers,
    pub(crate) set: SetScratch,
    /// The patterns that the last search found.
    matched: Vec<u32>,
}

/// A statement that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Applying {
    pub(crate) document: u16,
    pub(crate) statement: u16,
    pub(crate) strength: Strength,
}

/// What can be said of statements without knowing a row: those that hold always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Undecided;

/// Says which statements apply.
pub(crate) trait Evaluate {
    /// Hands the statements of a rule that apply to `take`, in order, until it says false.
    /// Gives false if it did.
    ///
    /// # Errors
    /// [`Undecided`] when that depends on the row and no row is known.
    fn scan(&mut self, rule: Rule, take: impl FnMut(Applying) -> bool) -> Result<bool, Undecided>;
}

/// Evaluates what holds for every row of a group.
#[derive(Debug)]
pub(crate) struct GroupEvaluator<'a> {
    pub(crate) shared: &'a Program,
    pub(crate) overlay: Option<&'a Program>,
}

impl Evaluate for GroupEvaluator<'_> {
    fn scan(
        &mut self,
        rule: Rule,
        mut take: impl FnMut(Applying) -> bool,
    ) -> Result<bool, Undecided> {
        let Target::Unconditional(body) = rule.target() else { return Err(Undecided) };
        let program = program_of(self.shared, self.overlay, rule);
        Ok(program.is_none_or(|program| take_unconditional(program, rule, body, &mut take)))
    }
}

/// Evaluates for one row.
#[derive(Debug)]
pub(crate) struct RowEvaluator<'a> {
    pub(crate) shared: &'a Program,
    pub(crate) overlay: Option<&'a Program>,
    pub(crate) columns: &'a RequestColumns<'a>,
    pub(crate) row: usize,
    pub(crate) principal: &'a PrincipalEntry,
    pub(crate) resource: ResourceEntry<'a>,
    /// Of which search the buffers have the patterns that match this row.
    pub(crate) searched: Option<u32>,
    pub(crate) buffers: &'a mut Buffers,
}

impl Evaluate for RowEvaluator<'_> {
    #[inline]
    fn scan(
        &mut self,
        rule: Rule,
        mut take: impl FnMut(Applying) -> bool,
    ) -> Result<bool, Undecided> {
        let Some(program) = program_of(self.shared, self.overlay, rule) else { return Ok(true) };
        Ok(match rule.target() {
            Target::Unconditional(body) => take_unconditional(program, rule, body, &mut take),
            Target::Body(body) => {
                let body = &program.bodies[body as usize];
                match self.applies(program, rule, body, false) {
                    Some(strength) => take(applying(rule, body, strength)),
                    None => true,
                }
            }
            Target::Index(index) => self.scan_index(program, rule, index, &mut take),
        })
    }
}

fn program_of<'a>(
    shared: &'a Program,
    overlay: Option<&'a Program>,
    rule: Rule,
) -> Option<&'a Program> {
    if rule.is_of_overlay() { overlay } else { Some(shared) }
}

fn take_unconditional(
    program: &Program,
    rule: Rule,
    body: u32,
    take: &mut impl FnMut(Applying) -> bool,
) -> bool {
    take(applying(rule, &program.bodies[body as usize], Strength::Direct))
}

fn applying(rule: Rule, body: &Body, strength: Strength) -> Applying {
    Applying { document: rule.document, statement: body.statement, strength }
}

impl<'a> RowEvaluator<'a> {
    fn scan_index(
        &mut self,
        program: &'a Program,
        rule: Rule,
        index: u32,
        take: &mut impl FnMut(Applying) -> bool,
    ) -> bool {
        let index = self.search(program, rule, index);
        let mut cursor = Cursor::default();
        while let Some((at, resource_known)) = index.next(&self.buffers.matched, &mut cursor) {
            let body = &program.bodies[index.bodies[at as usize] as usize];
            if let Some(strength) = self.applies(program, rule, body, resource_known)
                && !take(applying(index.rule_of(rule, at), body, strength))
            {
                return false;
            }
        }
        true
    }

    /// An index, when the patterns of its set that match the resource are found.
    #[inline]
    fn search(&mut self, program: &'a Program, rule: Rule, at: u32) -> &'a PatternIndex {
        let index = &program.indexes[at as usize];
        let tag = if rule.is_of_overlay() { OVERLAY_BIT } else { 0 };
        let search = Some(index.search(at) | tag);
        if self.searched != search {
            self.searched = search;
            let Buffers { set, matched, .. } = &mut *self.buffers;
            if self.resource.is_star() {
                matched.clear();
            } else {
                index.set.matches(self.resource.text().as_bytes(), set, matched);
            }
        }
        index
    }

    /// Whether a statement applies, its action part being true (L-241), and how closely it
    /// names the principal.
    #[inline]
    fn applies(
        &mut self,
        program: &'a Program,
        rule: Rule,
        body: &Body,
        resource_known: bool,
    ) -> Option<Strength> {
        let strength = match body.principal {
            PrincipalTest::Everyone => Strength::Direct,
            PrincipalTest::Program(at) => {
                program.principals[at as usize].strength(self.principal)?
            }
            PrincipalTest::Nobody => return None,
        };
        let tag = if rule.is_of_overlay() { OVERLAY_BIT } else { 0 };
        for &atom in body.atoms.of(&program.atom_ids) {
            if !self.holds(&program.atoms[atom as usize], atom | tag) {
                return None;
            }
        }
        (resource_known || self.resource_matches(program, body.resource)).then_some(strength)
    }

    /// L-237, L-238.
    pub(crate) fn resource_matches(&mut self, program: &'a Program, test: ResourceTest) -> bool {
        let (list, negated) = match test {
            ResourceTest::Always => return true,
            ResourceTest::Never => return false,
            ResourceTest::Matches(list) => (list, false),
            ResourceTest::MatchesNot(list) => (list, true),
        };
        if self.resource.is_star() {
            return negated;
        }
        let list = &program.pattern_lists[list as usize];
        let text = self.resource.text();
        let mut patterns = list.patterns.of(&program.pattern_ids).iter();
        if patterns.any(|&at| program.patterns[at as usize].is_match(text.as_bytes())) {
            return !negated;
        }
        if list.templates.len() == 0 {
            return negated;
        }
        let mut buffers = std::mem::take(&mut self.buffers.templates);
        let matched = list.templates.of(&program.template_ids).iter().any(|&at| {
            let template = &program.templates[at as usize];
            template.expand(&mut buffers.glob, |key, default| self.variable(key, default))
                && buffers.glob.is_match(text)
        });
        self.buffers.templates = buffers;
        matched != negated
    }

    /// The value of a key in this row.
    #[inline]
    fn value(&self, key: u32) -> ValueId {
        self.columns.value(self.row, KeyId(key), self.scope(key), self.principal, self.resource)
    }

    #[inline]
    fn scope(&self, key: u32) -> KeyScope {
        let shared = &self.shared.scopes;
        let at = key as usize;
        let scope = shared.get(at).or_else(|| self.overlay?.scopes.get(at - shared.len()));
        scope.copied().unwrap_or(KeyScope::Request)
    }

    /// The text of a variable, if it is resolved (L-508).
    fn variable<'b>(&self, key: u32, default: Option<&'b str>) -> Option<&'b str>
    where
        'a: 'b,
    {
        match self.columns.values.get(self.value(key)) {
            ValueView::Absent | ValueView::Single("") => default,
            ValueView::Single(text) => Some(text),
            ValueView::List(_) | ValueView::Colliding => None,
        }
    }

    /// Whether a test is true (L-611, L-612).
    #[inline]
    fn holds(&mut self, atom: &'a Atom, tagged: u32) -> bool {
        let value = self.value(atom.key);
        if value.is_absent() {
            return atom.quantifier.of_absence();
        }
        let values = self.columns.values;
        holds_of(atom.quantifier, values, value, |member| self.satisfies(atom, tagged, member))
    }

    /// m(v) of section 6.2, for a single value.
    #[inline]
    fn satisfies(&mut self, atom: &'a Atom, tagged: u32, value: ValueId) -> bool {
        if atom.memoize {
            let Buffers { memo, set, same_texts, .. } = &mut *self.buffers;
            let values = self.columns.values;
            let value = same_texts.first(values, value);
            return memo.answer(tagged, value.0, || {
                values.text(value).is_some_and(|text| static_test(&atom.test, text, set))
            });
        }
        let Some(text) = self.columns.values.text(value) else { return false };
        static_test(&atom.test, text, &mut self.buffers.set)
            || match &atom.test {
                Test::Equal(texts) | Test::EqualIgnoringCase(texts) | Test::Like(texts) => {
                    self.templates_match(texts, text)
                }
                _ => false,
            }
    }

    fn templates_match(&mut self, texts: &'a Texts, text: &str) -> bool {
        if texts.templates.is_empty() {
            return false;
        }
        let mut buffers = std::mem::take(&mut self.buffers.templates);
        let matched = texts.templates.iter().any(|template| {
            template.is_match(text, &mut buffers, |key, default| self.variable(key, default))
        });
        self.buffers.templates = buffers;
        matched
    }
}

/// Whether a test is true of a value (L-611, L-612); `satisfies` is m(v) of section 6.2.
#[inline]
pub(crate) fn holds_of(
    quantifier: Quantifier,
    values: &Values<'_>,
    value: ValueId,
    mut satisfies: impl FnMut(ValueId) -> bool,
) -> bool {
    if value.is_absent() {
        return quantifier.of_absence();
    }
    if value == ValueId::COLLIDING {
        return match quantifier {
            Quantifier::One { negated, .. }
            | Quantifier::All { negated }
            | Quantifier::Any { negated } => negated,
            Quantifier::Null { present, .. } => present,
        };
    }
    match quantifier {
        Quantifier::One { negated, .. } => !value.is_list() && satisfies(value) != negated,
        Quantifier::Null { present, .. } => present,
        Quantifier::All { negated } => {
            is_all_empty(values, value)
                || members(values, &value).iter().all(|&member| satisfies(member) != negated)
        }
        Quantifier::Any { negated } => {
            !is_all_empty(values, value)
                && members(values, &value).iter().any(|&member| satisfies(member) != negated)
        }
    }
}

/// The members of a list; a single value is a list of one (L-612).
fn members<'v>(values: &'v Values<'_>, value: &'v ValueId) -> &'v [ValueId] {
    match values.get(*value) {
        ValueView::List(members) => members,
        _ => std::slice::from_ref(value),
    }
}

/// E of L-612, for a key that is present.
fn is_all_empty(values: &Values<'_>, value: ValueId) -> bool {
    members(values, &value).iter().all(|&member| values.text(member) == Some(""))
}

/// Whether a text satisfies one of the values without variables.
pub(crate) fn static_test(test: &Test, text: &str, scratch: &mut SetScratch) -> bool {
    match test {
        Test::Presence => false,
        Test::Bool { yes, no } => match parse_bool(text) {
            Some(true) => *yes,
            Some(false) => *no,
            None => false,
        },
        Test::Number(comparison, operands) => {
            compares_with_any(text, operands, |order| comparison.holds(order))
        }
        Test::Date(comparison, operands) => {
            parse_date(text).is_some_and(|v| operands.iter().any(|w| comparison.holds(v.cmp(w))))
        }
        Test::Ip(blocks) => {
            parse_ip_address(text).is_some_and(|v| blocks.iter().any(|block| block.contains(v)))
        }
        Test::Equal(texts) => has_literal(texts, text),
        Test::EqualIgnoringCase(texts) => {
            texts.literals.iter().any(|literal| eq_ignore_case(literal, text))
        }
        Test::Like(texts) => {
            has_literal(texts, text)
                || match &texts.set {
                    Some(set) => set.is_match(text.as_bytes(), scratch),
                    None => texts.patterns.iter().any(|pattern| pattern.is_match(text.as_bytes())),
                }
        }
    }
}

fn has_literal(texts: &Texts, text: &str) -> bool {
    match &*texts.literals {
        [] => false,
        [literal] => **literal == *text,
        literals => literals.binary_search_by(|literal| (**literal).cmp(text)).is_ok(),
    }
}
