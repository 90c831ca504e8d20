//! The corpus for other engines: each request with the policies that decide it, layer by layer,
//! what its conditions see, and the answer.

use assize::formats::{Cell, Scenario, TestCase};
use assize_model::{
    CheckDecision, ContextValue, EffectiveDecision, EngineOptions, RequestContext, RequestError,
};
use assize_policy::LoadMode;
use assize_reference::{ListedCheck, ListedDocument};
use serde_json::{Map, Value, json};

use crate::answer::Oracle;
use crate::corpus::{catalog, corpus};

/// The version of the format. A change that a reader could trip over raises it.
const VERSION: u32 = 1;

/// All cases as one JSON document, the same bytes each time.
///
/// # Panics
/// When the corpus cannot be read.
pub fn export() -> String {
    let (mut cases, mut documents) = (Vec::new(), Vec::new());
    for scenario in corpus() {
        let topic = scenario.file.split('.').next().unwrap_or_default().to_owned();
        for test in &scenario.tests {
            for (at, cell) in test.cells.iter().enumerate() {
                cases.push(case(&scenario, &topic, test, (at, cell)));
            }
        }
        documents.extend(document_cases(&scenario, &topic));
    }
    let corpus = json!({
        "assizeCorpus": VERSION, "catalog": catalog().date(), "cases": cases,
        "documents": documents,
    });
    let mut text = serde_json::to_string_pretty(&corpus).unwrap_or_default();
    text.push('\n');
    text
}

fn case(scenario: &Scenario, topic: &str, test: &TestCase, (at, cell): (usize, &Cell)) -> Value {
    let oracle = Oracle::new(&scenario.snapshot, &test.options);
    let record = cell.record();
    let answer = record.as_ref().map_err(Clone::clone);
    let answer = answer.and_then(|record| oracle.evaluate(&record.request));
    let listed = match &record {
        Ok(record) => oracle.documents(&record.request).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    json!({
        "id": format!("{topic}/{}/{at}", test.name), "topic": topic, "name": test.name,
        "rules": test.rules, "source": test.source,
        "request": serde_json::from_str::<Value>(&cell.request).unwrap_or_default(),
        "options": options(&test.options),
        "checks": checks(&listed, &answer),
        "expected": expected(&answer),
    })
}

/// The options that are not as they are without being stated.
fn options(options: &EngineOptions) -> Value {
    let usual = EngineOptions::default();
    let mut stated = Map::new();
    let mut state = |name: &str, differs: bool, value: Value| {
        if differs {
            stated.insert(name.to_owned(), value);
        }
    };
    macro_rules! flags {
        ($($name:literal $field:ident),+ $(,)?) => {
            $(state($name, options.$field != usual.$field, json!(options.$field));)+
        };
    }
    flags!(
        "strictActions" strict_actions,
        "checkResourceTypes" check_resource_types,
        "requireAllResources" require_all_resources,
        "includeDependent" include_dependent,
        "includeTrust" include_trust,
        "allowContextOverride" allow_context_override,
        "skipInvalidPolicies" skip_invalid_policies,
        "messagePolicyArn" message_policy_arn,
        "echoContext" echo_context,
        "absentByCatalog" absent_by_catalog,
        "defaultSessionName" default_session_name,
        "time" time,
    );
    let account = format!("{:?}", options.unknown_resource_account).to_lowercase();
    let differs = options.unknown_resource_account != usual.unknown_resource_account;
    state("unknownResourceAccount", differs, json!(account));
    let differs = options.context != usual.context;
    state("context", differs, json!(format!("{:?}", options.context).to_lowercase()));
    if let Some(services) = &options.rcp_services {
        state("rcpServices", true, json!(services));
    }
    Value::Object(stated)
}

fn checks(listed: &[ListedCheck], answer: &Result<EffectiveDecision, RequestError>) -> Value {
    let Ok(answer) = answer else { return json!([]) };
    listed.iter().zip(&answer.checks).map(|(listed, check)| one_check(listed, check)).collect()
}

fn one_check(listed: &ListedCheck, check: &CheckDecision) -> Value {
    let mut policies = Map::new();
    for layer in &listed.layers {
        let of_layer = listed.documents.iter().filter(|document| document.layer == *layer);
        policies.insert(layer.as_str().to_owned(), of_layer.map(policy).collect());
    }
    let verdicts = check.layers.iter().map(|l| (l.layer.to_string(), json!(l.verdict.as_str())));
    json!({
        "principal": listed.principal,
        "principalAccount": check.principal_account.map(|id| id.to_string()),
        "action": listed.action,
        "resource": listed.resource,
        "resourceAccount": check.resource_account.map(|id| id.to_string()),
        "context": context(&check.context),
        "policies": policies,
        "expected": {
            "decision": check.decision.as_str(), "layer": check.layer.as_str(),
            "reason": check.reason.as_str(), "verdicts": verdicts.collect::<Map<_, _>>(),
        },
    })
}

/// A document: as JSON where it is JSON, else as the text it is.
fn policy(document: &ListedDocument) -> Value {
    let mut policy = json!({"id": document.reference});
    if let Some(node) = &document.node {
        policy["node"] = json!(node);
    }
    match document.text.as_deref().map(|text| (text, serde_json::from_str::<Value>(text))) {
        Some((_, Ok(document))) => policy["document"] = document,
        Some((text, Err(_))) => policy["text"] = json!(text),
        None => policy["missing"] = json!(true),
    }
    policy
}

/// Keys with one value, a list of them, or null where several entries are one key (L-606).
fn context(context: &RequestContext) -> Value {
    let entries = context.iter().map(|entry| {
        let value = match &entry.value {
            ContextValue::Single(text) => json!(text),
            ContextValue::List(texts) => json!(texts),
            ContextValue::Colliding => Value::Null,
        };
        (entry.key.spelling().to_owned(), value)
    });
    Value::Object(entries.collect())
}

fn expected(answer: &Result<EffectiveDecision, RequestError>) -> Value {
    match answer {
        Err(error) => json!({"error": error.kind().as_str()}),
        Ok(answer) => {
            let decisive = &answer.decisive;
            let statements = decisive.statements.iter().map(|statement| {
                json!({"policy": statement.policy, "statement": statement.statement,
                    "sid": statement.sid, "node": statement.node})
            });
            json!({
                "decision": answer.decision.as_str(), "check": decisive.check,
                "layer": decisive.layer.as_str(), "reason": decisive.reason.as_str(),
                "allowedBy": decisive.allowed_by.map(assize_model::AllowedBy::as_str),
                "statements": statements.collect::<Vec<_>>(),
                "missingContextKeys": answer.missing_context_keys,
            })
        }
    }
}

fn document_cases<'a>(scenario: &'a Scenario, topic: &'a str) -> impl Iterator<Item = Value> + 'a {
    scenario.documents.iter().map(move |case| {
        let code = |finding: &assize::formats::ExpectedFinding| json!(finding.code.as_str());
        json!({
            "id": format!("{topic}/{}", case.name), "topic": topic, "name": case.name,
            "rules": case.rules, "source": case.source,
            "type": case.policy_type.abbreviation(), "service": case.service,
            "mode": if case.mode == LoadMode::Author { "author" } else { "import" },
            "text": &*case.document.text,
            "expected": {
                "loads": case.expect.loads,
                "findings": case.expect.findings.as_ref().map(|f| f.iter().map(code).collect::<Vec<_>>()),
            },
        })
    })
}
