//! Many patterns against one text: which of them match.
//!
//! A few patterns are matched one after the other.
//! Otherwise literals are looked up in a hash table, and for every other pattern the set searches a *needle*: a part of one of its literals, as rare among the patterns as can be had.
//! One pass over the text finds all needles, looking at windows of it or, where needles are short or much alike, with an Aho-Corasick automaton; each pattern found, and each that has no needle, is verified by its own matcher.
//! A text with few needles is then decided in time that hardly depends on the number of patterns, and no text costs more than matching all of them.
//!
//! An automaton of whole patterns was rejected: with several stars a pattern its states multiply (30 such patterns took 123 MiB), whereas this one is linear in the patterns and shrinks to a budget by shortening needles.

mod automaton;
mod needle;
mod windows;

use std::hash::{Hash, Hasher};

use hashbrown::HashMap;

use self::{
    automaton::Automaton,
    needle::{Grams, Needle, Place},
    windows::Windows,
};
use crate::{
    budget::{Budget, BuildReport, Error, ErrorKind, Fallback},
    pattern::Pattern,
};

/// Sets of at most this many distinct patterns are matched one after the other, which is faster than any search.
const MAX_LINEAR_PATTERNS: usize = 8;
/// Lengths of needles, tried until the automaton fits the budget.
const NEEDLE_BYTES: [usize; 5] = [8, 6, 4, 3, 2];
/// Lengths of text that are told apart before a literal is looked up.
const N_LENGTHS: usize = 64;

/// Patterns, made ready to say which of them match a text.
///
/// A pattern is named by its index in the slice the set was built from.
///
/// # Examples
///
/// ```
/// use assize_automata::{Budget, Pattern, PatternSet, SetScratch};
///
/// let patterns = ["logs/*", "*/2024/*", "logs/2024/a"].map(Pattern::glob);
/// let set = PatternSet::new(&patterns, &Budget::default())?;
/// let mut scratch = SetScratch::default();
/// let mut ids = Vec::new();
/// set.matches(b"logs/2024/b", &mut scratch, &mut ids);
/// assert_eq!(ids, [0, 1]);
/// assert_eq!(set.first_match(b"x/2024/", &mut scratch), Some(1));
/// assert!(!set.is_match(b"2024", &mut scratch));
/// # Ok::<(), assize_automata::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PatternSet {
    strategy: Strategy,
    report: BuildReport,
}

#[derive(Debug, Clone)]
enum Strategy {
    Linear(Box<[(Pattern, Ids)]>),
    Indexed {
        /// The patterns that are compared as they stand.
        exact: Option<Box<Index>>,
        /// The patterns that are compared in lower case.
        folded: Option<Box<Index>>,
    },
}

/// The patterns that are the same one, ascending.
type Ids = Box<[u32]>;

/// Working memory of a search, which may be used with any set.
///
/// After a search of each set it is used with, searching allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct SetScratch {
    /// For each distinct pattern of an index, the search that last verified it.
    verified: Vec<u32>,
    search: u32,
    /// The text in lower case.
    folded: Vec<u8>,
}

impl PatternSet {
    /// Makes patterns ready to match.
    ///
    /// Time and memory are linear in the text of the patterns; the automaton keeps to the budget.
    ///
    /// # Errors
    ///
    /// Fails if there are more patterns, or more text in them, than the budget allows.
    pub fn new(patterns: &[Pattern], budget: &Budget) -> Result<Self, Error> {
        let limit = budget.max_patterns;
        if patterns.len() > limit || u32::try_from(patterns.len()).is_err() {
            return Err(Error::new(ErrorKind::TooManyPatterns { limit }));
        }
        let limit = budget.max_pattern_bytes;
        if patterns.iter().map(Pattern::n_bytes).sum::<usize>() > limit {
            return Err(Error::new(ErrorKind::TooManyPatternBytes { limit }));
        }
        let distinct = distinct(patterns);
        let mut report = BuildReport {
            n_patterns: patterns.len(),
            n_distinct: distinct.len(),
            content: distinct.iter().fold(0, |sum, (pattern, _)| digest(pattern).wrapping_add(sum)),
            ..BuildReport::default()
        };
        if distinct.len() <= MAX_LINEAR_PATTERNS {
            report.n_one_by_one = distinct.len();
            let owned = distinct.into_iter().map(|(pattern, ids)| (pattern.clone(), ids));
            return Ok(Self { strategy: Strategy::Linear(owned.collect()), report });
        }
        let (folded, exact): (Vec<_>, Vec<_>) =
            distinct.into_iter().partition(|(pattern, _)| pattern.is_ascii_case_insensitive());
        let mut index = |patterns: Vec<(&Pattern, Ids)>| {
            (!patterns.is_empty()).then(|| Box::new(Index::new(patterns, budget, &mut report)))
        };
        let strategy = Strategy::Indexed { exact: index(exact), folded: index(folded) };
        Ok(Self { strategy, report })
    }

    /// How many patterns the set was built from.
    pub fn len(&self) -> usize {
        self.report.n_patterns
    }

    /// Whether the set has no patterns.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the patterns are held.
    pub fn report(&self) -> &BuildReport {
        &self.report
    }

    /// Fills `out` with the patterns that match the whole text, ascending.
    ///
    /// The text is UTF-8; for other bytes the answer is unspecified.
    pub fn matches(&self, text: &[u8], scratch: &mut SetScratch, out: &mut Vec<u32>) {
        out.clear();
        self.search(text, scratch, &mut All(out));
        if !out.is_sorted() {
            out.sort_unstable();
        }
    }

    /// The first of the patterns that match the whole text.
    pub fn first_match(&self, text: &[u8], scratch: &mut SetScratch) -> Option<u32> {
        let mut first = First(None);
        self.search(text, scratch, &mut first);
        first.0
    }

    /// Whether any pattern matches the whole text.
    pub fn is_match(&self, text: &[u8], scratch: &mut SetScratch) -> bool {
        let mut any = AnyMatch(false);
        self.search(text, scratch, &mut any);
        any.0
    }

    fn search(&self, text: &[u8], scratch: &mut SetScratch, sink: &mut impl Sink) {
        match &self.strategy {
            Strategy::Linear(patterns) => {
                for (pattern, ids) in patterns {
                    if sink.wants(ids) && pattern.is_match(text) && !sink.take(ids) {
                        return;
                    }
                }
            }
            Strategy::Indexed { exact, folded } => {
                if let Some(index) = exact
                    && !index.search(text, scratch, sink)
                {
                    return;
                }
                if let Some(index) = folded {
                    let mut lower = std::mem::take(&mut scratch.folded);
                    lower.clear();
                    lower.extend_from_slice(text);
                    lower.make_ascii_lowercase();
                    index.search(&lower, scratch, sink);
                    scratch.folded = lower;
                }
            }
        }
    }
}

/// Groups equal patterns, in the order in which they first come: a table is only asked, never walked.
fn distinct(patterns: &[Pattern]) -> Vec<(&Pattern, Ids)> {
    let mut groups: Vec<(&Pattern, Vec<u32>)> = Vec::with_capacity(patterns.len());
    let mut known = HashMap::with_capacity(patterns.len());
    for (pattern, id) in patterns.iter().zip(0..) {
        let at = *known.entry(pattern).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, ids)) => ids.push(id),
            None => groups.push((pattern, vec![id])),
        }
    }
    groups.into_iter().map(|(pattern, ids)| (pattern, ids.into_boxed_slice())).collect()
}

/// A number that is the same for equal patterns, in every process.
fn digest(pattern: &Pattern) -> u64 {
    let mut digest = Fnv(FNV_OFFSET);
    pattern.hash(&mut digest);
    digest.finish()
}

/// The hash FNV-1a of 64 bits.
struct Fnv(u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    }
}

/// What a search is for.
trait Sink {
    /// Whether it matters that these patterns match.
    fn wants(&self, ids: &[u32]) -> bool;
    /// Takes patterns that match; false ends the search.
    fn take(&mut self, ids: &[u32]) -> bool;
}

struct All<'a>(&'a mut Vec<u32>);

impl Sink for All<'_> {
    fn wants(&self, _ids: &[u32]) -> bool {
        true
    }

    fn take(&mut self, ids: &[u32]) -> bool {
        self.0.extend_from_slice(ids);
        true
    }
}

struct First(Option<u32>);

impl Sink for First {
    fn wants(&self, ids: &[u32]) -> bool {
        self.0.is_none_or(|first| ids[0] < first)
    }

    fn take(&mut self, ids: &[u32]) -> bool {
        self.0 = Some(self.0.map_or(ids[0], |first| first.min(ids[0])));
        true
    }
}

struct AnyMatch(bool);

impl Sink for AnyMatch {
    fn wants(&self, _ids: &[u32]) -> bool {
        true
    }

    fn take(&mut self, _ids: &[u32]) -> bool {
        self.0 = true;
        false
    }
}

/// Distinct patterns under one rule of comparing letters.
#[derive(Debug, Clone)]
struct Index {
    /// The patterns without wildcards.
    literals: HashMap<Box<[u8]>, Ids>,
    /// Which lengths the literals have; the last bit is for all lengths from there on.
    lengths: u64,
    /// What all other patterns begin with; a text that does not is done.
    prefix: Box<[u8]>,
    /// The other patterns.
    patterns: Box<[(Pattern, Ids)]>,
    /// Those that are verified for every text.
    unsought: Box<[u32]>,
    sought: Option<Sought>,
}

/// The patterns that are sought by their needles.
#[derive(Debug, Clone)]
struct Sought {
    finder: Finder,
    /// Where the candidates of each needle begin.
    starts: Box<[u32]>,
    candidates: Box<[Candidate]>,
}

/// What finds the places of all needles.
#[derive(Debug, Clone)]
enum Finder {
    Windows(Windows),
    Automaton(Automaton),
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    pattern: u32,
    place: Place,
}

impl Index {
    fn new(patterns: Vec<(&Pattern, Ids)>, budget: &Budget, report: &mut BuildReport) -> Self {
        let mut literals = HashMap::new();
        let mut lengths = 0;
        let mut others = Vec::new();
        for (pattern, ids) in patterns {
            match pattern.as_literal() {
                Some(text) => {
                    lengths |= length_bit(text.len());
                    literals.insert(text.as_bytes().into(), ids);
                }
                None => others.push((pattern, ids)),
            }
        }
        let sources: Vec<&Pattern> = others.iter().map(|&(pattern, _)| pattern).collect();
        let prefix = common_prefix(&sources);
        let mut part = BuildReport { n_literals: literals.len(), ..BuildReport::default() };
        let (sought, unsought) = seek(&sources, prefix.len(), budget, &mut part);
        report.absorb(part);
        let patterns = others.into_iter().map(|(pattern, ids)| (pattern.clone(), ids)).collect();
        Self { literals, lengths, prefix: prefix.into(), patterns, unsought, sought }
    }

    /// Whether to go on after it.
    fn search(&self, text: &[u8], scratch: &mut SetScratch, sink: &mut impl Sink) -> bool {
        if self.lengths & length_bit(text.len()) != 0
            && let Some(ids) = self.literals.get(text)
            && !sink.take(ids)
        {
            return false;
        }
        if self.patterns.is_empty() || !text.starts_with(&self.prefix) {
            return true;
        }
        for &pattern in &self.unsought {
            if !self.verify(pattern, text, sink) {
                return false;
            }
        }
        let Some(sought) = &self.sought else { return true };
        scratch.begin(self.patterns.len());
        let skipped = self.prefix.len();
        let found = |needle: u32, end: usize| {
            sought.candidates(needle).iter().all(|candidate| {
                !candidate.place.is_at(skipped + end, text.len())
                    || !scratch.is_new(candidate.pattern)
                    || self.verify(candidate.pattern, text, sink)
            })
        };
        match &sought.finder {
            Finder::Windows(windows) => windows.scan(&text[skipped..], found),
            Finder::Automaton(automaton) => automaton.scan(&text[skipped..], found),
        }
    }

    #[inline]
    fn verify(&self, pattern: u32, text: &[u8], sink: &mut impl Sink) -> bool {
        let (pattern, ids) = &self.patterns[pattern as usize];
        !sink.wants(ids) || !pattern.matcher().is_match::<false>(text) || sink.take(ids)
    }
}

impl Finder {
    fn n_states(&self) -> usize {
        match self {
            Self::Windows(_) => 0,
            Self::Automaton(automaton) => automaton.n_states(),
        }
    }

    fn n_bytes(&self) -> usize {
        match self {
            Self::Windows(windows) => windows.n_bytes(),
            Self::Automaton(automaton) => automaton.n_bytes(),
        }
    }
}

impl Sought {
    #[inline]
    fn candidates(&self, needle: u32) -> &[Candidate] {
        let at = needle as usize;
        &self.candidates[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

impl SetScratch {
    /// Begins a search among so many patterns, none of which is verified.
    fn begin(&mut self, n_patterns: usize) {
        if self.verified.len() < n_patterns {
            self.verified.resize(n_patterns, 0);
        }
        if self.search == u32::MAX {
            self.verified.fill(0);
            self.search = 0;
        }
        self.search += 1;
    }

    /// Whether the pattern comes up for the first time in this search.
    #[inline]
    fn is_new(&mut self, pattern: u32) -> bool {
        std::mem::replace(&mut self.verified[pattern as usize], self.search) != self.search
    }
}

fn length_bit(n_bytes: usize) -> u64 {
    1 << n_bytes.min(N_LENGTHS - 1)
}

/// The longest text that all patterns begin with.
fn common_prefix<'a>(patterns: &[&'a Pattern]) -> &'a [u8] {
    let mut prefixes = patterns.iter().map(|pattern| pattern.literal_prefix().as_bytes());
    let first = prefixes.next().unwrap_or_default();
    prefixes.fold(first, |common, prefix| {
        let n_bytes = common.iter().zip(prefix).take_while(|(a, b)| a == b).count();
        &common[..n_bytes]
    })
}

/// Chooses needles and builds their automaton, with shorter ones until it fits; also gives the patterns that are left over.
fn seek(
    patterns: &[&Pattern],
    skip: usize,
    budget: &Budget,
    report: &mut BuildReport,
) -> (Option<Sought>, Box<[u32]>) {
    let grams = Grams::count(patterns.iter().copied(), skip);
    let mut n_sought = 0;
    for needle_bytes in NEEDLE_BYTES {
        let needles = patterns.iter().map(|pattern| grams.choose(pattern, skip, needle_bytes));
        let (sought, unsought) = sort_needles(needles);
        n_sought = sought.len();
        if n_sought == 0 {
            break;
        }
        let Some(built) = Sought::build(&sought, budget) else { continue };
        if needle_bytes != NEEDLE_BYTES[0] {
            report.fallbacks.push(Fallback::ShorterNeedles { needle_bytes });
        }
        report.add_unsought(unsought.len());
        report.n_by_needle = n_sought;
        report.n_states = built.finder.n_states();
        report.automaton_bytes = built.finder.n_bytes();
        return (Some(built), unsought.into_boxed_slice());
    }
    report.add_unsought(patterns.len() - n_sought);
    if n_sought > 0 {
        report.n_one_by_one += n_sought;
        report.fallbacks.push(Fallback::NoAutomaton { n_patterns: n_sought });
    }
    (None, (0..).zip(patterns).map(|(idx, _)| idx).collect())
}

/// The needles with their patterns, sorted, and the patterns that have none.
fn sort_needles(needles: impl Iterator<Item = Option<Needle>>) -> (Vec<(Needle, u32)>, Vec<u32>) {
    let mut sought = Vec::new();
    let mut unsought = Vec::new();
    for (needle, idx) in needles.zip(0_u32..) {
        match needle {
            Some(needle) => sought.push((needle, idx)),
            None => unsought.push(idx),
        }
    }
    sought.sort_unstable_by(|a, b| a.0.bytes.cmp(&b.0.bytes).then(a.1.cmp(&b.1)));
    (sought, unsought)
}

impl Sought {
    fn build(needles: &[(Needle, u32)], budget: &Budget) -> Option<Self> {
        let mut starts = vec![0];
        let mut distinct = Vec::new();
        for group in needles.chunk_by(|a, b| a.0.bytes == b.0.bytes) {
            distinct.push(&*group[0].0.bytes);
            let start = starts.last().copied().unwrap_or(0);
            starts.push(start + u32::try_from(group.len()).ok()?);
        }
        let finder = match Windows::build(&distinct, budget) {
            Some(windows) => Finder::Windows(windows),
            None => Finder::Automaton(Automaton::build(&distinct, budget)?),
        };
        let candidate = |(needle, pattern): &(Needle, u32)| Candidate {
            pattern: *pattern,
            place: needle.place,
        };
        let candidates = needles.iter().map(candidate).collect();
        Some(Self { finder, starts: starts.into_boxed_slice(), candidates })
    }
}

#[cfg(test)]
mod tests;
