//! The bodies of the fuzz targets: each takes any bytes and panics when something does not hold.
//! A target is one call; the suite calls them over all seeds on stable.

use std::sync::LazyLock;

use assize::Engine;
use assize::formats::RequestRecord;
use assize_automata::{Budget, Class, Pattern, PatternSet, SetScratch};
use assize_catalog::ApiMap;
use assize_cloudtrail::{
    Converter, Export, LogReader, NoDirectory, Recognized, SessionBook, Surroundings,
};
use assize_model::{AccountId, ContextMode, EngineOptions, PolicyType, Request};
use assize_policy::{LoadMode, LoadOptions, Style, load, parse, print};
use assize_store::{ImportFile, ImportOptions, StoreSnapshot, import};

use crate::answer::{Answer, Oracle, engine};
use crate::corpus::{catalog, read_scenario};
use crate::differential::compare;
use crate::generate::{self, Source};

/// The layouts of printing.
const STYLES: [Style; 3] = [Style::TwoSpaces, Style::FourSpaces, Style::Minified];

/// Parsing ends, and findings point into the text, in order.
///
/// # Panics
/// When they do not.
pub fn parse_policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parse = parse(text);
    assert!(parse.document.is_some() || !parse.findings.is_empty(), "refused without a word");
    for pair in parse.findings.windows(2) {
        assert!(pair[0].span.start <= pair[1].span.start, "findings are in order");
    }
    for finding in &parse.findings {
        let (start, end) = (finding.span.start as usize, finding.span.end as usize);
        assert!(text.get(start..end).is_some(), "`{}` points into the text", finding.code);
    }
}

/// Printing keeps what a document says.
///
/// # Panics
/// When it does not.
pub fn print_roundtrip(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(what) = print_keeps(text) {
        panic!("{what}");
    }
}

/// Loading ends for every type and mode; what an author may write can be imported; spans fit the
/// statements; and a finding of both modes is one.
///
/// # Panics
/// When it does not.
pub fn lower_policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for policy_type in PolicyType::ALL {
        let author = load(text, &LoadOptions::new(policy_type, LoadMode::Author));
        let import = load(text, &LoadOptions::new(policy_type, LoadMode::Import));
        for loaded in [&author, &import] {
            assert_eq!(loaded.policy.is_none(), loaded.findings.iter().any(|f| f.rejects));
            if let Some(policy) = &loaded.policy {
                assert_eq!(policy.statements.len(), loaded.statement_spans.len());
            }
        }
        if author.policy.is_some() {
            assert_eq!(author.policy, import.policy, "the mode changes no meaning");
        }
    }
}

/// The tables agree with the reference on the world that the bytes spell out.
///
/// # Panics
/// When they do not, with the scenario that shows it.
pub fn decide_differential(bytes: &[u8]) {
    // Making a world costs far more than a request to it.
    let (first, rest) = bytes.split_at(bytes.len().min(MAX_REQUEST_BYTES));
    let mut source = Source::bytes(first);
    let mut requests = vec![generate::request(&mut source)];
    while !source.has_ended() {
        requests.push(generate::request(&mut source));
    }
    let world = generate::world(&mut Source::bytes(rest));
    if let Err(difference) = compare(&world, &requests) {
        panic!(
            "the tables say {:?}, the reference {:?}, here:\n{}",
            difference.found, difference.expected, difference.scenario
        );
    }
}

/// How many bytes of [`decide_differential`] are requests; the others are the world.
const MAX_REQUEST_BYTES: usize = 512;

/// An importer ends, refuses no change of its own, and the snapshot decides.
///
/// # Panics
/// When it does not.
pub fn import_account(bytes: &[u8]) {
    let file = ImportFile {
        name: "fuzz.json",
        bytes,
        account: "111122223333".parse::<AccountId>().ok(),
        ..ImportFile::default()
    };
    let found = import(&[file], &ImportOptions::default());
    let mut editor = StoreSnapshot::empty().edit();
    for change in found.changes {
        editor.apply(change).expect("an empty store takes what an import found");
    }
    let (snapshot, _) = editor.commit();
    let engine = engine(&snapshot, &EngineOptions::default());
    assert_eq!(engine.snapshot().accounts().count(), snapshot.accounts().count());
}

/// Reading request lines ends; what can be read is decided alike by both, and never allowed in an
/// empty world unless everyone may.
///
/// # Panics
/// When it is not.
pub fn read_requests(bytes: &[u8]) {
    let nobody = Nobody::get();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(text) = std::str::from_utf8(line) else { continue };
        let Ok(record) = RequestRecord::parse(text) else { continue };
        nobody.check(&record.request);
    }
}

/// A world without anybody, as both know it: what it costs to make is paid once.
struct Nobody {
    oracle: Oracle<'static>,
    engine: Engine,
}

impl Nobody {
    fn get() -> &'static Self {
        static SNAPSHOT: LazyLock<StoreSnapshot> = LazyLock::new(StoreSnapshot::empty);
        static OPTIONS: LazyLock<EngineOptions> =
            LazyLock::new(|| EngineOptions { time: Some(0), ..EngineOptions::default() });
        static NOBODY: LazyLock<Nobody> = LazyLock::new(|| Nobody {
            oracle: Oracle::new(&SNAPSHOT, &OPTIONS),
            engine: engine(&SNAPSHOT, &OPTIONS),
        });
        &NOBODY
    }

    /// Both answer alike.
    fn check(&self, request: &Request<'_>) {
        let expected = Answer::of_decision(&self.oracle.evaluate(request));
        let found = Answer::of_outcome(&self.engine.decide(request));
        assert_eq!(found, expected, "{request:?}");
    }
}

/// Reading a log ends and does not depend on the parts it comes in; what becomes of its records is
/// decided alike by both.
///
/// # Panics
/// When it is not.
pub fn read_cloudtrail(bytes: &[u8]) {
    if let Some((text, faults)) = exported(bytes, bytes.len().max(1)) {
        if !faults {
            assert_eq!(exported(bytes, 64), Some((text.clone(), false)), "the parts matter");
        }
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        LogReader::default().read(&text, true, &mut records, &mut faults);
        assert_eq!(faults, [], "what an export gives can be read");
    }
    let (whole, faults) = log_names(bytes, bytes.len().max(1));
    // Behind a fault, what can be read again depends on what is at hand.
    if !faults {
        assert_eq!(log_names(bytes, 64), (whole, false), "the parts of a log matter");
    }
    let map = ApiMap::bundled().expect("the bundled map loads");
    let (mut records, mut faults) = (Vec::new(), Vec::new());
    LogReader::default().read(bytes, true, &mut records, &mut faults);
    let sessions = SessionBook::default();
    let surroundings = Surroundings { sessions: &sessions, directory: &NoDirectory };
    let mut partial = Converter::new(catalog(), &map, ContextMode::Partial);
    let mut complete = Converter::new(catalog(), &map, ContextMode::Complete);
    for record in &records {
        let skipped = partial.convert(record, surroundings).err();
        let converted = complete.convert(record, surroundings);
        assert_eq!(skipped, converted.as_ref().err().copied(), "the mode skips nothing");
        let Ok(converted) = converted else { continue };
        Nobody::get().check(&converted.record.request);
    }
}

/// The records of an export that comes in parts of a size, and whether there were faults; none
/// for another log.
fn exported(bytes: &[u8], size: usize) -> Option<(Vec<u8>, bool)> {
    let (mut text, mut any_fault) = (Vec::new(), false);
    let (mut start, mut end, mut export) = (0, 0, None);
    loop {
        end = (end + size).min(bytes.len());
        let is_last = end == bytes.len();
        if export.is_none() {
            match Export::recognize(&bytes[start..end], is_last) {
                Recognized::Export(found, n) => {
                    export = Some(found);
                    start += n;
                }
                Recognized::Records => return None,
                Recognized::More => assert!(!is_last, "the last part says what it is"),
            }
        }
        if let Some(export) = &mut export {
            let mut faults = Vec::new();
            start += export.read(&bytes[start..end], is_last, &mut text, &mut faults);
            any_fault |= !faults.is_empty();
        }
        if is_last {
            return Some((text, any_fault));
        }
    }
}

/// The names of the records of a log that comes in parts of a size, and whether there were faults.
fn log_names(bytes: &[u8], size: usize) -> (Vec<Option<String>>, bool) {
    let mut reader = LogReader::default();
    let (mut names, mut any_fault) = (Vec::new(), false);
    let (mut start, mut end) = (0, 0);
    loop {
        end = (end + size).min(bytes.len());
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        let part = &bytes[start..end];
        start += reader.read(part, end == bytes.len(), &mut records, &mut faults);
        names.extend(records.iter().map(|r| r.event_name.as_deref().map(str::to_owned)));
        any_fault |= !faults.is_empty();
        if end == bytes.len() {
            return (names, any_fault);
        }
    }
}

/// A set of patterns finds what each pattern by itself matches, whatever its budget. The bytes are
/// lines: a text, then patterns; a pattern that begins with `:` has wildcards that stop at colons.
///
/// # Panics
/// When it does not.
pub fn wildcard_set(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let text = lines.next().unwrap_or_default();
    let globs: Vec<&str> = lines.take(MAX_GLOBS).collect();
    let patterns: Vec<Pattern> = globs.iter().map(|glob| pattern(glob)).collect();
    let expected: Vec<u32> = (0u32..)
        .zip(&globs)
        .filter(|(_, glob)| matches_plainly(glob, text))
        .map(|(at, _)| at)
        .collect();
    let small = Budget { max_states: 8, max_bytes: 256, ..Budget::default() };
    for budget in [Budget::default(), small] {
        let Ok(set) = PatternSet::new(&patterns, &budget) else { continue };
        let mut scratch = SetScratch::default();
        let mut found = Vec::new();
        for _ in 0..2 {
            set.matches(text.as_bytes(), &mut scratch, &mut found);
            found.sort_unstable();
            assert_eq!(found, expected, "{globs:?} in `{text}`");
            found.clear();
        }
    }
}

/// Most patterns that [`wildcard_set`] makes of its bytes.
const MAX_GLOBS: usize = 64;

fn pattern(glob: &str) -> Pattern {
    let Some(narrow) = glob.strip_prefix(':') else { return Pattern::glob(glob) };
    let mut builder = Pattern::builder();
    for c in narrow.chars() {
        match c {
            '*' => builder.star(Class::Except(b':')),
            '?' => builder.one(Class::Except(b':')),
            c => builder.literal(c.encode_utf8(&mut [0; 4])),
        };
    }
    builder.build().expect("a pattern of few pieces")
}

/// The glob of L-401, straight from its definition: the positions that can be reached.
fn matches_plainly(glob: &str, text: &str) -> bool {
    let (glob, narrow) = glob.strip_prefix(':').map_or((glob, false), |glob| (glob, true));
    let text: Vec<char> = text.chars().collect();
    let may = |c: char| !narrow || c != ':';
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for piece in glob.chars() {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            if piece == '*' {
                next[at] = reached[at] || at > 0 && next[at - 1] && may(text[at - 1]);
            } else if at > 0 && reached[at - 1] {
                let c = text[at - 1];
                next[at] = if piece == '?' { may(c) } else { piece == c };
            }
        }
        reached = next;
    }
    reached[text.len()]
}

/// Reading scenario files ends.
pub fn read_scenarios(bytes: &[u8]) {
    for name in ["fuzz.assize.yaml", "fuzz.assize.json"] {
        // Either a scenario or errors; both are fine.
        let _ = read_scenario(name, bytes);
    }
}

/// Whether a text is the same document after printing and parsing again. `serde_json` is the
/// judge of what a text says.
///
/// # Errors
/// What differs.
pub fn print_keeps(text: &str) -> Result<(), String> {
    let Some(document) = parse(text).document else { return Ok(()) };
    let means: Option<serde_json::Value> = serde_json::from_str(text).ok();
    for style in STYLES {
        let printed = print(&document, style);
        if serde_json::from_str(&printed).ok() != means {
            return Err(format!("printed in {style:?} it says something else: {printed}"));
        }
        let again = parse(&printed);
        let reprinted = again.document.as_ref().map(|document| print(document, style));
        if reprinted.as_deref() != Some(&*printed) {
            return Err(format!("printed in {style:?} twice it changes: {printed}"));
        }
        let codes = |parse: &assize_policy::Parse<'_>| {
            let mut codes: Vec<_> =
                parse.findings.iter().map(|f| (f.code, f.path.clone())).collect();
            codes.sort();
            codes
        };
        if codes(&again) != codes(&parse(text)) {
            return Err(format!("printed in {style:?} it has other findings: {printed}"));
        }
    }
    Ok(())
}
