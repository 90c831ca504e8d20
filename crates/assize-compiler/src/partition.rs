//! Pass: action patterns to runs of actions, and runs to cells.
//!
//! A statement's patterns become runs of catalog positions. Within a document the ends of the
//! runs part the actions into stretches over which the same statements stand; a set joins the
//! stretches of its documents. Each distinct stretch is one cell, and pages of the action table
//! that look alike are one page, so that what a policy does not mention costs nothing.

use assize_catalog::Catalog;
use assize_model::Effect;
use assize_policy::ir::{ActionElement, ActionPattern};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use crate::budget::CompileOptions;
use crate::intern::{Document, position};
use crate::program::{Part, PatternIndex, PrincipalTest, Program, ResourceTest, Rule};
use crate::report::Fallback;
use crate::resources::{self, MAX_PATTERNS_ONE_BY_ONE};
use crate::simplify::{self, AllowState};
use crate::tables::{Cell, CellPlaces, DecisionTables, N_PAGE_ACTIONS, SetMember};

/// From so many documents with many patterns on, those of a cell are searched together.
const MIN_JOINED_DOCUMENTS: usize = 2;
/// So many patterns are searched together too, however few each document has.
const MAX_PATTERNS_APART: usize = 64;

/// The actions of a statement: runs of catalog positions, ascending, not touching (L-222,
/// L-224).
pub(crate) fn action_ranges(element: &ActionElement, catalog: &Catalog) -> Vec<(u32, u32)> {
    let n_actions = position(catalog.n_actions());
    let mut runs = Vec::new();
    for pattern in &element.patterns {
        match pattern {
            ActionPattern::Any => runs.push((0, n_actions)),
            ActionPattern::Named { vendor, name } => {
                let expanded = catalog.expand(vendor, name).into_iter().map(|run| run.positions());
                runs.extend(expanded.map(|run| (position(run.start), position(run.end))));
            }
        }
    }
    let runs = joined(runs);
    if element.negated { complement(&runs, n_actions) } else { runs }
}

fn joined(mut runs: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    runs.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::with_capacity(runs.len());
    for (start, end) in runs.into_iter().filter(|(start, end)| start < end) {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn complement(runs: &[(u32, u32)], n_actions: u32) -> Vec<(u32, u32)> {
    let starts = std::iter::once(0).chain(runs.iter().map(|run| run.1));
    let ends = runs.iter().map(|run| run.0).chain(std::iter::once(n_actions));
    starts.zip(ends).filter(|(start, end)| start < end).collect()
}

/// The rule of a statement, unless it can never apply.
pub(crate) fn rule(program: &Program, body: u32) -> Option<(Effect, Rule)> {
    let part = program.bodies.get(body as usize)?;
    let never = part.resource == ResourceTest::Never || part.principal == PrincipalTest::Nobody;
    (!never).then(|| (part.effect, Rule::body(body, part)))
}

/// The cells of one document.
#[derive(Debug, Default)]
struct DocumentCells {
    /// Where each stretch begins, and its cell; the first begins at 0.
    stretches: Vec<(u32, u32)>,
    cells: Vec<DocumentCell>,
}

impl DocumentCells {
    /// The cell of a stretch.
    fn cell(&self, at: usize) -> u32 {
        self.stretches.get(at).map_or(0, |stretch| stretch.1)
    }

    /// Where a stretch begins; behind all actions if there is none.
    fn start(&self, at: usize) -> u32 {
        self.stretches.get(at).map_or(u32::MAX, |stretch| stretch.0)
    }
}

/// What became of the cells of a document.
#[derive(Debug)]
enum Prepared {
    /// No set has asked for them.
    NotYet,
    Made(DocumentCells),
    /// They exceed the limit of a set.
    TooMany,
}

/// The statements of one document that stand over a stretch of actions.
#[derive(Debug, Default)]
struct DocumentCell {
    denies: Vec<Rule>,
    allows: Vec<Rule>,
    /// Whether either has enough patterns to be searched.
    has_many_patterns: bool,
}

/// Makes the cells of every set that has none. Gives how many sets that were, and where a budget
/// was hit.
pub(crate) fn fill(tables: &mut DecisionTables) -> (usize, Vec<Fallback>) {
    if !tables.options.action_partition {
        return (0, Vec::new());
    }
    let mut sets = std::mem::take(&mut tables.sets);
    let members = std::mem::take(&mut tables.members);
    let mut builder = CellBuilder::new(tables);
    let mut n_made = 0;
    for (set, at) in sets.iter_mut().zip(0..).filter(|(set, _)| set.places.is_none()) {
        n_made += 1;
        set.places = builder.set(set.members.of(&members), set.n_nodes);
        if set.places.is_none() {
            builder.fallbacks.push(Fallback::StatementByStatement { set: at });
        }
    }
    let fallbacks = builder.fallbacks;
    (tables.sets, tables.members) = (sets, members);
    (n_made, fallbacks)
}

/// The cells of all sets, while they are made.
#[derive(Debug)]
struct CellBuilder<'a> {
    program: &'a mut Program,
    documents: &'a [Document],
    options: &'a CompileOptions,
    n_actions: u32,
    document_cells: Vec<Prepared>,
    /// The first of indexes that share a set, by what each is made of.
    indexes: HashMap<Vec<Indexed>, Option<u32>>,
    n_indexed: usize,
    cells: &'a mut Vec<Cell>,
    rules: &'a mut Vec<Rule>,
    known_cells: HashTable<u32>,
    pages: &'a mut Vec<u16>,
    known_pages: HashTable<u32>,
    page_tables: &'a mut Vec<u32>,
    hasher: DefaultHashBuilder,
    row: Vec<u16>,
    fallbacks: Vec<Fallback>,
}

impl<'a> CellBuilder<'a> {
    /// Goes on where the tables end: their indexes and pages are found again.
    fn new(tables: &'a mut DecisionTables) -> Self {
        let DecisionTables {
            program, documents, options, cells, rules, pages, page_tables, ..
        } = tables;
        let of = |index: &Arc<PatternIndex>| (index.bodies.to_vec(), index.documents.to_vec());
        let mut indexes = HashMap::new();
        let mut at = 0;
        for shared in program.indexes.chunk_by(|_, next| next.first != 0) {
            indexes.insert(shared.iter().map(of).collect(), Some(at));
            at += position(shared.len());
        }
        let mut builder = Self {
            n_indexed: program.indexes.iter().map(|index| index.owners.len()).sum(),
            program,
            documents,
            options,
            n_actions: position(tables.n_actions),
            document_cells: documents.iter().map(|_| Prepared::NotYet).collect(),
            indexes,
            cells,
            rules,
            known_cells: HashTable::new(),
            pages,
            known_pages: HashTable::new(),
            page_tables,
            hasher: DefaultHashBuilder::default(),
            row: Vec::new(),
            fallbacks: Vec::new(),
        };
        for at in 0..builder.pages.len() / N_PAGE_ACTIONS {
            builder.know_page(position(at));
        }
        builder
    }

    /// Makes the cells of a set, or `None` if they would exceed a limit: the set is then matched
    /// statement by statement.
    fn set(&mut self, members: &[SetMember], n_nodes: u16) -> Option<CellPlaces> {
        for member in members {
            self.prepare(member.document as usize)?;
        }
        self.known_cells.clear();
        let (first_cell, n_rules) = (self.cells.len(), self.rules.len());
        if self.fill_row(members, n_nodes, first_cell).is_none() {
            self.cells.truncate(first_cell);
            self.rules.truncate(n_rules);
            return None;
        }
        let page_table = position(self.page_tables.len());
        let row = std::mem::take(&mut self.row);
        for page in row.chunks(N_PAGE_ACTIONS) {
            let page = self.page(page);
            self.page_tables.push(page);
        }
        self.row = row;
        Some(CellPlaces { page_table, first_cell: position(first_cell) })
    }

    /// Fills `row` with the cell of each action, counted from the first of the set.
    fn fill_row(&mut self, members: &[SetMember], n_nodes: u16, first_cell: usize) -> Option<()> {
        let first_rule = self.rules.len();
        self.row.clear();
        let mut local: HashMap<Vec<u32>, u16> = HashMap::new();
        // For each member: which of its stretches this is, its cell, and where the next begins.
        let mut at = vec![0_usize; members.len()];
        let mut stretch: Vec<u32> = members.iter().map(|&m| self.prepared(m).cell(0)).collect();
        let mut next: Vec<u32> = members.iter().map(|&m| self.prepared(m).start(1)).collect();
        let mut start = 0;
        while start < self.n_actions {
            let end = next.iter().fold(self.n_actions, |end, &next| end.min(next));
            let cell = if let Some(&cell) = local.get(&stretch) {
                cell
            } else {
                let cell = self.cell(members, &stretch, n_nodes)? as usize - first_cell;
                let cell = u16::try_from(cell).ok()?;
                if self.rules.len() - first_rule > self.options.max_rules_per_set {
                    return None;
                }
                local.insert(stretch.clone(), cell);
                cell
            };
            self.row.resize(end as usize, cell);
            start = end;
            for (n, &member) in members.iter().enumerate() {
                if next[n] == end {
                    at[n] += 1;
                    let cells = self.prepared(member);
                    (stretch[n], next[n]) = (cells.cell(at[n]), cells.start(at[n] + 1));
                }
            }
        }
        let full_pages = self.row.len().next_multiple_of(N_PAGE_ACTIONS);
        let last = self.row.last().copied().unwrap_or(0);
        self.row.resize(full_pages, last);
        Some(())
    }

    fn prepared(&self, member: SetMember) -> &DocumentCells {
        const NONE: &DocumentCells = &DocumentCells { stretches: Vec::new(), cells: Vec::new() };
        match &self.document_cells[member.document as usize] {
            Prepared::Made(cells) => cells,
            Prepared::NotYet | Prepared::TooMany => NONE,
        }
    }

    /// Joins the stretches of the members into a cell, one for each distinct content.
    fn cell(&mut self, members: &[SetMember], stretch: &[u32], n_nodes: u16) -> Option<u32> {
        let (mut denies, mut allows) = (Vec::new(), Vec::new());
        let mut has_many_patterns = false;
        for ((member, &stretch), at) in members.iter().zip(stretch).zip(0..) {
            let Some(cell) = self.prepared(*member).cells.get(stretch as usize) else { continue };
            denies.extend(cell.denies.iter().map(|rule| rule.at(at, member.node)));
            allows.extend(cell.allows.iter().map(|rule| rule.at(at, member.node)));
            has_many_patterns |= cell.has_many_patterns;
        }
        let allow = finish(&mut denies, &mut allows, n_nodes, self.options);
        let n_rules = denies.len().max(allows.len());
        if self.options.pattern_sets
            && (has_many_patterns || n_rules > MAX_PATTERNS_APART)
            && self.pair_patterns(&mut denies, &mut allows, n_nodes).is_none()
        {
            self.gather_patterns(&mut denies, n_nodes);
            self.gather_patterns(&mut allows, n_nodes);
        }
        self.intern_cell(&denies, &allows, allow)
    }

    fn intern_cell(&mut self, denies: &[Rule], allows: &[Rule], allow: AllowState) -> Option<u32> {
        let hash = self.hasher.hash_one((denies, allows, allow));
        let (cells, rules) = (&self.cells, &self.rules);
        let same = |&at: &u32| {
            let cell: &Cell = &cells[at as usize];
            cell.allow == allow
                && cell.denies.of(rules) == denies
                && cell.allows.of(rules) == allows
        };
        if self.options.interning
            && let Some(&cell) = self.known_cells.find(hash, same)
        {
            return Some(cell);
        }
        if self.rules.len() + denies.len() + allows.len() > self.options.max_rules {
            return None;
        }
        let mut push = |part: &[Rule]| {
            let start = position(self.rules.len());
            self.rules.extend_from_slice(part);
            Part { start, end: position(self.rules.len()) }
        };
        let cell = Cell { denies: push(denies), allows: push(allows), allow };
        let at = position(self.cells.len());
        self.cells.push(cell);
        let (cells, rules, hasher) = (&self.cells, &self.rules, &self.hasher);
        self.known_cells.insert_unique(hash, at, |&at| {
            let cell = &cells[at as usize];
            hasher.hash_one((cell.denies.of(rules), cell.allows.of(rules), cell.allow))
        });
        Some(at)
    }

    fn page(&mut self, page: &[u16]) -> u32 {
        let hash = self.hasher.hash_one(page);
        let pages = &self.pages;
        let of = |at: u32| &pages[at as usize * N_PAGE_ACTIONS..][..N_PAGE_ACTIONS];
        if self.options.shared_pages
            && let Some(&at) = self.known_pages.find(hash, |&at| of(at) == page)
        {
            return at;
        }
        let at = position(self.pages.len() / N_PAGE_ACTIONS);
        self.pages.extend_from_slice(page);
        self.know_page(at);
        at
    }

    fn know_page(&mut self, at: u32) {
        let (pages, hasher) = (&*self.pages, &self.hasher);
        let hash =
            |at: &u32| hasher.hash_one(&pages[*at as usize * N_PAGE_ACTIONS..][..N_PAGE_ACTIONS]);
        self.known_pages.insert_unique(hash(&at), at, hash);
    }

    /// Makes the cells of a document on first use; `None` if they exceed the limit of a set.
    fn prepare(&mut self, document: usize) -> Option<()> {
        if matches!(self.document_cells[document], Prepared::NotYet) {
            self.document_cells[document] =
                self.document(document).map_or(Prepared::TooMany, Prepared::Made);
        }
        matches!(self.document_cells[document], Prepared::Made(_)).then_some(())
    }

    fn document(&mut self, document: usize) -> Option<DocumentCells> {
        let events = self.events(self.documents[document].bodies);
        let mut made = DocumentCells::default();
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut standing: Vec<u32> = Vec::new();
        let mut work = 0;
        let mut next = 0;
        let mut start = 0;
        while start < self.n_actions {
            while let Some(&(at, body, begins)) = events.get(next).filter(|event| event.0 <= start)
            {
                debug_assert_eq!(at, start, "events come in order");
                match (standing.binary_search(&body), begins) {
                    (Err(place), true) => standing.insert(place, body),
                    (Ok(place), false) => drop(standing.remove(place)),
                    _ => {}
                }
                next += 1;
            }
            work += standing.len();
            if work > self.options.max_rules_per_set {
                return None;
            }
            let cell = if let Some(&cell) = known.get(&standing) {
                cell
            } else {
                let cell = self.document_cell(&standing);
                made.cells.push(cell);
                let at = position(made.cells.len() - 1);
                known.insert(standing.clone(), at);
                at
            };
            if made.stretches.last().is_none_or(|last| last.1 != cell) {
                made.stretches.push((start, cell));
            }
            start = events.get(next).map_or(self.n_actions, |event| event.0);
        }
        Some(made)
    }

    /// Where the runs of statements begin and end, in order.
    fn events(&self, bodies: Part) -> Vec<(u32, u32, bool)> {
        let mut events = Vec::new();
        for body in bodies.start..bodies.end {
            if rule(self.program, body).is_none() {
                continue;
            }
            for &(start, end) in self.program.action_ranges(body as usize) {
                events.push((start, body, true));
                events.push((end, body, false));
            }
        }
        events.sort_unstable();
        events
    }

    fn document_cell(&mut self, bodies: &[u32]) -> DocumentCell {
        let mut cell = DocumentCell::default();
        for &body in bodies {
            match rule(self.program, body) {
                Some((Effect::Deny, rule)) => cell.denies.push(rule),
                Some((Effect::Allow, rule)) => cell.allows.push(rule),
                None => {}
            }
        }
        if self.options.static_verdicts {
            simplify::cut_denies(&mut cell.denies);
            simplify::cut_allows(&mut cell.allows, 1);
        }
        cell.has_many_patterns =
            [&cell.denies, &cell.allows].iter().any(|rules| self.has_many_patterns(rules));
        cell
    }

    fn has_many_patterns(&self, rules: &[Rule]) -> bool {
        resources::n_patterns(self.program, rules) > MAX_PATTERNS_ONE_BY_ONE
    }

    /// Puts rules with many patterns behind indexes. A rule that always applies stays apart: it
    /// makes the verdict of the cell.
    fn gather_patterns(&mut self, rules: &mut Vec<Rule>, n_nodes: u16) {
        if let Some(n_joined) = self.n_joined(rules, n_nodes) {
            let of = indexed(&rules[..n_joined], true);
            if let Some(index) = self.index(vec![of]) {
                rules.splice(..n_joined, [Rule::index(index, &rules[..n_joined])]);
                return;
            }
        }
        let mut gathered = Vec::with_capacity(rules.len());
        for run in runs(rules) {
            let index = self
                .has_many_patterns(run)
                .then(|| self.index(vec![indexed(run, false)]))
                .flatten();
            match index {
                Some(index) => gathered.push(of_run(index, run)),
                None => gathered.extend_from_slice(run),
            }
        }
        *rules = gathered;
    }

    /// Puts the rules that deny and those that allow behind two indexes over one set, if one index
    /// would do for each: a resource is then searched once.
    fn pair_patterns(
        &mut self,
        denies: &mut Vec<Rule>,
        allows: &mut Vec<Rule>,
        n_nodes: u16,
    ) -> Option<()> {
        let of_denies = self.only_run(denies, n_nodes)?;
        let of_allows = self.only_run(allows, n_nodes)?;
        let of = [(&*denies, &of_denies), (&*allows, &of_allows)];
        let of = of.map(|(rules, (run, joined))| indexed(&rules[run.clone()], *joined));
        let first = self.index(of.to_vec())?;
        let pair = [(denies, of_denies, first), (allows, of_allows, first + 1)];
        for (rules, (run, joined), index) in pair {
            let of_run = &rules[run.clone()];
            let rule =
                if joined { Rule::index(index, of_run) } else { self::of_run(index, of_run) };
            rules.splice(run, [rule]);
        }
        Some(())
    }

    /// The only rules with many patterns, and whether they are of several documents.
    fn only_run(&self, rules: &[Rule], n_nodes: u16) -> Option<(Range<usize>, bool)> {
        if let Some(n_joined) = self.n_joined(rules, n_nodes) {
            return Some((0..n_joined, true));
        }
        let mut start = 0;
        let mut only = None;
        for run in runs(rules) {
            if self.has_many_patterns(run) && only.replace(start..start + run.len()).is_some() {
                return None;
            }
            start += run.len();
        }
        only.map(|run| (run, false))
    }

    /// How many rules of all documents are put behind one index, if several have many patterns or
    /// all together very many: a resource is then searched once. No document has an index of its
    /// own then; making both took twice the time and memory.
    fn n_joined(&self, rules: &[Rule], n_nodes: u16) -> Option<usize> {
        let n_conditional = rules.iter().take_while(|rule| !rule.is_unconditional()).count();
        let conditional = &rules[..n_conditional];
        let mut documents = conditional.chunk_by(|a, b| a.document == b.document);
        let n_documents = documents.clone().filter(|rules| self.has_many_patterns(rules)).count();
        let is_joined = n_nodes == 1
            && (n_documents >= MIN_JOINED_DOCUMENTS
                || documents.nth(1).is_some()
                    && resources::n_patterns(self.program, conditional) > MAX_PATTERNS_APART);
        is_joined.then_some(n_conditional)
    }

    /// The first of indexes over one set.
    fn index(&mut self, of: Vec<Indexed>) -> Option<u32> {
        if let Some(&index) = self.indexes.get(&of) {
            return index;
        }
        let made = resources::indexes(self.program, &of).and_then(|indexes| {
            let n_own: usize = indexes.iter().map(|index| index.owners.len()).sum();
            let n_patterns = self.n_indexed + n_own;
            // What is joined may not take the room of what it is joined from.
            let limit = self.options.max_indexed_patterns;
            let (limit, fallback) = if matches!(&*of, [(_, documents)] if documents.is_empty()) {
                (limit, Fallback::PatternsOneByOne { limit })
            } else {
                (limit / 2, Fallback::IndexesApart { limit: limit / 2 })
            };
            if n_patterns > limit {
                if !self.fallbacks.contains(&fallback) {
                    self.fallbacks.push(fallback);
                }
                return None;
            }
            self.n_indexed = n_patterns;
            let at = position(self.program.indexes.len());
            self.program.indexes.extend(indexes.into_iter().map(Arc::new));
            Some(at)
        });
        self.indexes.insert(of, made);
        made
    }
}

/// What an index is made of: bodies and, if they are of several documents, the document of each.
type Indexed = (Vec<u32>, Vec<u16>);

fn indexed(rules: &[Rule], joined: bool) -> Indexed {
    let documents = if joined { rules } else { &[] };
    let bodies = rules.iter().map(|rule| rule.number()).collect();
    (bodies, documents.iter().map(|rule| rule.document).collect())
}

/// Rules that follow each other, are of one document and look at the row.
fn runs(rules: &[Rule]) -> impl Iterator<Item = &[Rule]> {
    rules
        .chunk_by(|a, b| a.document == b.document && !a.is_unconditional() && !b.is_unconditional())
}

/// The index of a document's rules, in their place.
fn of_run(index: u32, run: &[Rule]) -> Rule {
    Rule::index(index, run).at(run[0].document, run[0].node)
}

/// Brings the rules of a cell into their final order and says what it allows.
pub(crate) fn finish(
    denies: &mut Vec<Rule>,
    allows: &mut Vec<Rule>,
    n_nodes: u16,
    options: &CompileOptions,
) -> AllowState {
    if n_nodes > 1 {
        allows.sort_by_key(|rule| rule.node);
    }
    if !options.static_verdicts {
        return AllowState::Depends;
    }
    simplify::cut_denies(denies);
    simplify::cut_allows(allows, n_nodes);
    simplify::allow_state(allows, n_nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_joined_and_turned_around() {
        assert_eq!(joined(vec![(5, 7), (0, 2), (2, 3), (6, 6), (6, 9)]), [(0, 3), (5, 9)]);
        assert_eq!(complement(&[(0, 3), (5, 9)], 10), [(3, 5), (9, 10)]);
        assert_eq!(complement(&[], 10), [(0, 10)]);
        assert_eq!(complement(&[(0, 10)], 10), []);
    }
}
