//! An engine made from the one before an edit answers as one that is made from nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize::Engine;
use assize::formats::RequestRecord;
use assize_model::{PolicyId, Request};
use assize_store::{
    DocumentText, Organization, OrganizationPolicy, Resource, StoreChange, StoreSnapshot,
};
use assize_tests::answer::{Answer, engine};
use assize_tests::generate::{self, Source};

/// Edits of one world.
const N_EDITS: usize = 12;

fn pick<T>(items: BTreeMap<Box<str>, Arc<T>>, source: &mut Source<'_>) -> Option<Arc<T>> {
    let at = source.below(items.len().max(1));
    items.into_values().nth(at)
}

/// A part of a generated world, as a change of another one: the worlds have the same names.
fn change(from: &StoreSnapshot, source: &mut Source<'_>) -> Option<StoreChange> {
    let accounts: Vec<_> = from.accounts().map(|account| account.id).collect();
    let account = *accounts.get(source.below(accounts.len()))?;
    let mut facts = from.account_with_texts(account)?;
    let users = std::mem::take(&mut facts.users);
    let roles = std::mem::take(&mut facts.roles);
    let policies = std::mem::take(&mut facts.policies);
    Some(match source.below(8) {
        0 => StoreChange::RemoveAccount(account),
        1 => StoreChange::PutAccount(Box::new(from.account_with_texts(account)?)),
        2 => StoreChange::PutUser(account, Arc::unwrap_or_clone(pick(users, source)?)),
        3 => StoreChange::PutRole(account, Arc::unwrap_or_clone(pick(roles, source)?)),
        4 => StoreChange::PutPolicy(account, Arc::unwrap_or_clone(pick(policies, source)?)),
        5 => StoreChange::RemovePolicy(account, pick(policies, source)?.name.clone()),
        6 => StoreChange::PutOrganization(organization(from)?),
        _ => StoreChange::PutResource(resource(from, source)?),
    })
}

fn text(from: &StoreSnapshot, document: PolicyId) -> DocumentText {
    let text = from.document(document).and_then(|document| document.text.clone());
    DocumentText { text: text.unwrap_or_default(), origin: None }
}

fn organization(from: &StoreSnapshot) -> Option<Organization<DocumentText>> {
    let facts = from.organizations().next()?.clone();
    let policy = |policy: &OrganizationPolicy<PolicyId>| OrganizationPolicy {
        id: policy.id.clone(),
        name: policy.name.clone(),
        arn: policy.arn.clone(),
        resource_control: policy.resource_control,
        aws_managed: policy.aws_managed,
        document: text(from, policy.document),
    };
    let policies = facts.policies.iter();
    Some(Organization {
        policies: policies.map(|(id, facts)| (id.clone(), Arc::new(policy(facts)))).collect(),
        id: facts.id,
        management_account: facts.management_account,
        root_id: facts.root_id,
        scp_enabled: facts.scp_enabled,
        rcp_enabled: facts.rcp_enabled,
        delegated_administrators: facts.delegated_administrators,
        nodes: facts.nodes,
    })
}

fn resource(from: &StoreSnapshot, source: &mut Source<'_>) -> Option<Resource<DocumentText>> {
    let n_resources = from.resources().count();
    let facts = from.resources().nth(source.below(n_resources.max(1)))?;
    Some(Resource {
        arn: facts.arn.clone(),
        account: facts.account,
        tags: facts.tags.clone(),
        policies: facts.policies.iter().map(|&document| text(from, document)).collect(),
        attributes: facts.attributes.clone(),
    })
}

fn answers(engine: &Engine, requests: &[Request<'_>]) -> Vec<[Answer; 2]> {
    let decided = engine.decide_batch(requests);
    let both = decided.iter().zip(requests).map(|(outcome, request)| {
        [Answer::of_outcome(outcome), Answer::of_decision(&engine.explain(request))]
    });
    both.collect()
}

/// Applies generated changes one after the other and compares after each; gives how many were
/// applied and how many sets were taken over.
fn edit_and_compare(seed: u64) -> (usize, usize) {
    let mut source = Source::seeded(seed);
    let scenario = generate::world(&mut source).read().expect("a world");
    let mut engine_now = engine(&scenario.snapshot, &scenario.options);
    let lines: Vec<String> = (0..40).map(|_| generate::request(&mut source).to_string()).collect();
    let records = lines.iter().filter_map(|line| RequestRecord::parse(line).ok());
    let records: Vec<_> = records.collect();
    let requests: Vec<Request<'_>> = records.iter().map(|r| r.request.clone()).collect();
    let other = generate::world(&mut source).read().expect("a world").snapshot;
    let (mut n_applied, mut n_taken_over) = (0, 0);
    for step in 0..N_EDITS {
        // What one edit takes from the other world, a later one may bring back.
        let from = if step % 3 == 2 { &scenario.snapshot } else { &other };
        let mut editor = engine_now.snapshot().edit();
        let Some(change) = change(from, &mut source) else { continue };
        if editor.apply(change).is_err() {
            continue;
        }
        n_applied += 1;
        let (snapshot, _) = editor.commit();
        let again = engine_now.with_snapshot(snapshot.clone()).expect("a small world");
        let anew = engine(&snapshot, &scenario.options);
        let dumps = [&again, &anew].map(|engine| engine.tables().canonical_dump());
        assert!(dumps[0] == dumps[1], "seed {seed}, step {step}: the tables differ");
        assert_eq!(answers(&again, &requests), answers(&anew, &requests), "seed {seed}, {step}");
        assert_eq!(again.provenance().snapshot, anew.provenance().snapshot);
        let report = again.compile_report();
        n_taken_over += report.n_distinct_sets - report.n_compiled_sets;
        engine_now = again;
    }
    (n_applied, n_taken_over)
}

#[test]
fn an_engine_after_an_edit_is_one_made_anew() {
    let (mut n_applied, mut n_taken_over) = (0, 0);
    for seed in 0..8 {
        let counts = edit_and_compare(seed);
        n_applied += counts.0;
        n_taken_over += counts.1;
    }
    assert!(n_applied > 30, "{n_applied} edits");
    assert!(n_taken_over > 5 * n_applied, "{n_taken_over} sets in {n_applied} edits");
}
