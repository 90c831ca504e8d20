//! Compiling again gives what compiling gives, whatever was edited before.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::random::{World, world};
use super::*;

/// Edits of one world.
const N_EDITS: usize = 24;

fn compile_again(
    before: &DecisionTables,
    input: &Input,
) -> (DecisionTables, Vec<PolicySetId>, CompileReport) {
    let library = input.library();
    let input = CompileInput { catalog: &catalog(), library: &library, sets: &input.sets };
    recompile(before, input).expect("within the limits")
}

/// The canonical dumps are equal; else the first lines that differ are shown.
fn assert_same(again: &DecisionTables, anew: &DecisionTables, step: usize) {
    let (again, anew) = (again.canonical_dump(), anew.canonical_dump());
    let difference = again.lines().zip(anew.lines()).find(|(a, b)| a != b);
    assert!(again == anew, "step {step}: {difference:#?}");
}

/// Changes one set as the store does: a document that changes gets another id, and what was there
/// may come back. Gives the position of the spec.
fn edit(input: &mut Input, world: &World, other: &World, step: usize) -> usize {
    let at = step * 5 % world.sets.len();
    let (plan, other) = (&world.sets[at], &other.sets[at]);
    let texts = if step.is_multiple_of(3) { &plan.documents } else { &other.documents };
    let Some((text, _)) = texts.get(step % texts.len().max(1)) else { return at };
    let policy = input.document(plan.policy_type, text);
    let documents = &mut input.sets[at].documents;
    match step % 4 {
        0 => documents.insert(0, SetDocument { policy, node: 0 }),
        1 if documents.len() > 1 => drop(documents.remove(0)),
        _ => match documents.last_mut() {
            Some(last) => last.policy = policy,
            None => documents.push(SetDocument { policy, node: 0 }),
        },
    }
    at
}

fn check(world: &World, others: &[World], options: &CompileOptions) -> usize {
    let mut input = world.input();
    let (mut before, _, _) = input.compile(options);
    let mut n_taken_over = 0;
    for step in 0..N_EDITS {
        let at = edit(&mut input, world, &others[step % others.len()], step);
        let (again, ids, report) = compile_again(&before, &input);
        let (anew, ids_anew, report_anew) = input.compile(options);
        assert_same(&again, &anew, step);
        assert_eq!(ids, ids_anew, "sets are numbered in the order of their specs");
        assert_eq!(report.n_distinct_sets, report_anew.n_distinct_sets);
        assert_eq!(report.n_statements, report_anew.n_statements);
        assert_eq!(report.fallbacks, report_anew.fallbacks);
        n_taken_over += report.n_distinct_sets - report.n_compiled_sets;
        let answers = [&again, &anew].map(|tables| {
            let sets: Vec<SetRef> = ids.iter().map(|&id| id.into()).collect();
            let mut overlay = Overlay::new();
            let batch = world.batch(tables, &mut overlay, &sets);
            batch.decide(tables, &overlay)
        });
        assert_eq!(answers[0], answers[1], "step {step}, set {at}");
        before = again;
    }
    n_taken_over
}

#[test]
fn compiling_again_gives_what_compiling_gives() {
    let mut runner = TestRunner::deterministic();
    let mut next = || world().new_tree(&mut runner).expect("a world").current();
    let mut n_taken_over = 0;
    for _ in 0..12 {
        let (first, others) = (next(), [next(), next()]);
        n_taken_over += check(&first, &others, &CompileOptions::default());
    }
    assert!(n_taken_over > 12 * N_EDITS * 5, "little was taken over: {n_taken_over}");
}

#[test]
fn with_passes_off_compiling_again_gives_what_compiling_gives() {
    let mut runner = TestRunner::deterministic();
    for options in super::cases::variants() {
        let mut next = || world().new_tree(&mut runner).expect("a world").current();
        check(&next(), &[next()], &options);
    }
}

/// One document changes: the sets that hold it are compiled, and no other.
#[test]
fn only_sets_that_hold_a_changed_document_are_compiled() {
    let allow = |n: usize| {
        let resource = format!("arn:aws:s3:::bucket{n}/*");
        policy(&[format!(r#""Effect":"Allow","Action":"s3:Get*","Resource":"{resource}""#)])
    };
    let mut input = Input::default();
    let documents: Vec<PolicyId> =
        (0..40).map(|n| input.document(PolicyType::ManagedIdentity, &allow(n))).collect();
    for pair in documents.windows(2) {
        let documents = pair.iter().map(|&policy| SetDocument { policy, node: 0 }).collect();
        input.sets.push(PolicySetSpec { documents, n_nodes: 1 });
    }
    let (before, _, report) = input.compile(&CompileOptions::default());
    assert_eq!(report.n_compiled_sets, 39);
    let (same, _, report) = compile_again(&before, &input);
    assert_eq!((report.n_compiled_sets, report.n_dead_documents), (0, 0));
    let changed = input.document(PolicyType::ManagedIdentity, &allow(99));
    for set in &mut input.sets {
        for document in set.documents.iter_mut().filter(|d| d.policy == documents[7]) {
            document.policy = changed;
        }
    }
    let (after, _, report) = compile_again(&same, &input);
    assert_eq!((report.n_compiled_sets, report.n_dead_documents), (2, 1));
    assert_same(&after, &input.compile(&CompileOptions::default()).0, 0);
    assert_ne!(after.canonical_dump(), before.canonical_dump());
}

/// Many values of a condition that differ in one byte are told apart.
#[test]
fn the_canonical_dump_tells_large_pattern_sets_apart() {
    let dump = |last: &str| {
        let values: Vec<String> = (0..40).map(|n| format!(r#""*-{n}/*""#)).collect();
        let statement = format!(
            r#""Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{{"StringLike":{{"k:s":[{},"{last}"]}}}}"#,
            values.join(",")
        );
        let mut input = Input::default();
        input.set(PolicyType::ManagedIdentity, 1, &[(policy(&[statement]), 0)]);
        input.compile(&CompileOptions::default()).0.canonical_dump()
    };
    assert_eq!(dump("*-a/*"), dump("*-a/*"));
    assert_ne!(dump("*-a/*"), dump("*-b/*"));
}

/// What edits leave behind does not grow without end.
#[test]
fn what_is_left_behind_is_swept_up() {
    let mut input = Input::default();
    let text = |n: usize| {
        policy(&[format!(r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b{n}""#)])
    };
    for n in 0..10 {
        input.set(PolicyType::ManagedIdentity, 1, &[(text(n), 0)]);
    }
    let (mut tables, _, _) = input.compile(&CompileOptions::default());
    let n_bytes = tables.n_bytes();
    for n in 0..200 {
        let changed = input.document(PolicyType::ManagedIdentity, &text(1_000 + n));
        input.sets[n % 10].documents[0].policy = changed;
        let (again, _, report) = compile_again(&tables, &input);
        assert!(report.n_dead_documents <= 11, "{report:?}");
        assert!(again.n_bytes() < 3 * n_bytes);
        tables = again;
    }
}
