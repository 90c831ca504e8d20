//! Pass: resource elements to tests, and the indexes of cells with many patterns (language,
//! sections 2.4 and 4.2).

use std::sync::Arc;

use assize_automata::{Budget, Class, Pattern, PatternSet};
use assize_policy::ir::{ArnPattern, Piece, ResourceElement, ResourcePattern};

use crate::intern::{Interner, position};
use crate::program::{ArnTemplate, PatternIndex, PatternList, Program, ResourceTest, Rule};

/// Cells in which more patterns than this stand search them together.
pub(crate) const MAX_PATTERNS_ONE_BY_ONE: usize = 8;

/// What a wildcard takes: everything, or all but colons.
pub(crate) fn class(wide: bool) -> Class {
    if wide { Class::Any } else { Class::Except(b':') }
}

/// Lowers a resource element.
pub(crate) fn lower(element: &ResourceElement, interner: &mut Interner<'_>) -> ResourceTest {
    let (entries, negated) = match element {
        ResourceElement::Unspecified => return ResourceTest::Always,
        ResourceElement::Resource(entries) => (entries, false),
        ResourceElement::NotResource(entries) => (entries, true),
    };
    let constant = |matches: bool| {
        if matches == negated { ResourceTest::Never } else { ResourceTest::Always }
    };
    if entries.contains(&ResourcePattern::Any) {
        return constant(true);
    }
    let (mut patterns, mut templates) = (Vec::new(), Vec::new());
    for entry in entries {
        let ResourcePattern::Arn(arn) = entry else { continue };
        if let Some(pattern) = interner.pattern(arn) {
            patterns.push(pattern);
        } else {
            let segments = std::array::from_fn(|n| interner.template(&arn.segments[n]));
            templates.push(interner.arn_template(ArnTemplate { segments }));
        }
    }
    if patterns.is_empty() && templates.is_empty() {
        return constant(false);
    }
    let list = interner.pattern_list(patterns, templates);
    if negated { ResourceTest::MatchesNot(list) } else { ResourceTest::Matches(list) }
}

/// The pattern of an entry without variables. A star that ends a header segment crosses colons,
/// any other there does not (L-411).
pub(crate) fn static_pattern(arn: &ArnPattern) -> Option<Pattern> {
    let mut builder = Pattern::builder();
    builder.literal("arn");
    let last_segment = arn.segments.len() - 1;
    for (n, segment) in arn.segments.iter().enumerate() {
        builder.literal(":");
        for (at, piece) in segment.iter().enumerate() {
            let wide = n == last_segment;
            match piece {
                Piece::Literal(text) => builder.literal(text),
                Piece::Star => builder.star(class(wide || at + 1 == segment.len())),
                Piece::One => builder.one(class(wide)),
                Piece::Variable(_) => return None,
            };
        }
    }
    builder.build().ok()
}

/// How many patterns of statements can be searched.
pub(crate) fn n_patterns(program: &Program, rules: &[Rule]) -> usize {
    let lists = rules.iter().filter_map(|rule| searchable(program, rule.number()));
    lists.map(|list| list.patterns.len()).sum()
}

/// The indexes of statements over one set, if each holds enough patterns to be searched together.
/// Bodies stand in the order of their document; of several, `documents` names that of each.
pub(crate) fn indexes(program: &Program, of: &[(Vec<u32>, Vec<u16>)]) -> Option<Vec<PatternIndex>> {
    let mut patterns = Vec::new();
    let empty = Arc::new(PatternSet::new(&[], &Budget::default()).ok()?);
    let mut indexes = Vec::with_capacity(of.len());
    for (bodies, documents) in of {
        let first = patterns.len();
        let (mut owners, mut others) = (Vec::new(), Vec::new());
        for (&body, at) in bodies.iter().zip(0..) {
            match searchable(program, body) {
                Some(list) => {
                    let ids = list.patterns.of(&program.pattern_ids);
                    patterns.extend(ids.iter().map(|&id| program.patterns[id as usize].clone()));
                    owners.resize(patterns.len() - first, at);
                }
                None => others.push(at),
            }
        }
        if owners.len() <= MAX_PATTERNS_ONE_BY_ONE {
            return None;
        }
        indexes.push(PatternIndex {
            bodies: bodies.as_slice().into(),
            set: Arc::clone(&empty),
            first: position(first),
            owners: owners.into(),
            others: others.into(),
            documents: documents.as_slice().into(),
        });
    }
    let set = Arc::new(PatternSet::new(&patterns, &Budget::default()).ok()?);
    for index in &mut indexes {
        index.set = Arc::clone(&set);
    }
    Some(indexes)
}

/// The entries of a statement, if it applies only to resources that one of its patterns matches.
pub(crate) fn searchable(program: &Program, body: u32) -> Option<&PatternList> {
    let ResourceTest::Matches(list) = program.bodies[body as usize].resource else { return None };
    let list = &program.pattern_lists[list as usize];
    (list.templates.len() == 0).then_some(list)
}
