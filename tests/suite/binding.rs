//! Policies that are written, not imported: the users and roles they name are bound.

use assize::formats::RequestRecord;
use assize_model::{AccountId, Decision};
use assize_store::{
    DocumentText, Resource, ResourceAttributes, StoreChange, StoreSnapshot, User, unique_id,
};
use assize_tests::answer::{Answer, Oracle, engine};
use assize_tests::generate::World;
use serde_json::{Value, json};

const ANA: &str = "arn:aws:iam::111111111111:user/ana";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/R/s";

/// An account with a user and a role, and an external one.
fn world() -> StoreSnapshot {
    let scenario = json!({"assize": 1, "accounts": {
        "111111111111": {"users": {"ana": {}}, "roles": {"R": {"path": "/team/"}}},
        "222222222222": {"external": "trustIdentity"},
    }});
    World { scenario }.read().expect("a world").snapshot
}

fn account() -> AccountId {
    "111111111111".parse().expect("an account")
}

fn policy(name: &str, entries: &Value, action: &str) -> String {
    let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    if action.starts_with("sts:") {
        statement.as_object_mut().expect("an object").remove("Resource");
    }
    if name == "NotPrincipal" {
        statement["Effect"] = json!("Deny");
    }
    statement[name] = json!({"AWS": entries});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn bucket(text: &str) -> StoreChange {
    StoreChange::PutResource(Resource {
        arn: "arn:aws:s3:::b".into(),
        account: account(),
        tags: None,
        policies: vec![DocumentText::new(text)],
        attributes: ResourceAttributes::default(),
    })
}

/// The store after a change, which is written.
fn after(snapshot: &StoreSnapshot, change: StoreChange) -> StoreSnapshot {
    let change = assize::bind(snapshot, change, &[]).expect("a policy that may be written");
    let mut editor = snapshot.edit();
    editor.apply(change).expect("a change");
    editor.commit().0
}

/// The store where a user was deleted and made again, under a name.
fn made_again(snapshot: &StoreSnapshot, name: &str) -> StoreSnapshot {
    let old = snapshot.user_by_arn(ANA).expect("the user");
    let user = User {
        name: name.into(),
        path: "/".into(),
        arn: format!("arn:aws:iam::111111111111:user/{name}").into(),
        unique_id: unique_id("AIDA", "another"),
        created: None,
        groups: Vec::new(),
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Vec::new(),
    };
    let mut editor = snapshot.edit();
    let removed = StoreChange::RemoveUser(account(), old.name.clone());
    editor.apply(removed).expect("the user is taken away");
    editor.apply(StoreChange::PutUser(account(), user)).expect("the user is made again");
    editor.commit().0
}

/// What both say of a request of a principal, and that they agree.
fn decides(snapshot: &StoreSnapshot, principal: &str, action: &str, resource: &str) -> Decision {
    let line = json!({"principal": principal, "action": action, "resource": resource}).to_string();
    let request = RequestRecord::parse(&line).expect("a request").request;
    let options = assize_model::EngineOptions::default();
    let expected = Answer::of_decision(&Oracle::new(snapshot, &options).evaluate(&request));
    let found = Answer::of_outcome(&engine(snapshot, &options).decide(&request));
    assert_eq!(found, expected, "{line}");
    found.decision().expect("a decision")
}

/// The codes and paths of what is wrong with a change.
fn refusal(change: StoreChange) -> Vec<(String, String)> {
    let findings = assize::bind(&world(), change, &[]).expect_err("the change is refused");
    findings.iter().map(|f| (f.code.to_string(), f.path.to_string())).collect()
}

/// L-321, L-322, E-47: a bucket policy that was written means the user, not the name.
#[test]
fn a_written_resource_policy_dies_with_whom_it_names() {
    let text = policy("Principal", &json!(ANA), "s3:GetObject");
    let snapshot = after(&world(), bucket(&text));
    let allowed =
        |snapshot: &StoreSnapshot| decides(snapshot, ANA, "s3:GetObject", "arn:aws:s3:::b/k");
    assert_eq!(allowed(&snapshot), Decision::Allowed);
    assert_eq!(allowed(&made_again(&snapshot, "ana")), Decision::ImplicitDeny);
    // What is imported goes by the name (L-325).
    let mut editor = world().edit();
    editor.apply(bucket(&text)).expect("a change");
    assert_eq!(allowed(&made_again(&editor.commit().0, "ana")), Decision::Allowed);
}

/// L-321, I-35: trust policies are bound always.
#[test]
fn a_written_trust_policy_dies_with_whom_it_names() {
    let snapshot = world();
    let put = |text: &str| {
        let mut account = snapshot.account_with_texts(account()).expect("the account");
        let (_, role) = account.roles.pop_first().expect("the role");
        let mut role = std::sync::Arc::unwrap_or_clone(role);
        role.trust = Some(DocumentText::new(text));
        StoreChange::PutRole(account.id, role)
    };
    let written = after(&snapshot, put(&policy("Principal", &json!([ANA]), "sts:AssumeRole")));
    let role = "arn:aws:iam::111111111111:role/team/R";
    assert_eq!(decides(&written, ANA, "sts:AssumeRole", role), Decision::Allowed);
    let again = made_again(&written, "ana");
    assert_eq!(decides(&again, ANA, "sts:AssumeRole", role), Decision::ImplicitDeny);
    let nobody = json!(["arn:aws:iam::111111111111:user/eve"]);
    assert_eq!(
        refusal(put(&policy("Principal", &nobody, "sts:AssumeRole"))),
        [("X_INVALID_PRINCIPAL".to_owned(), "$.Statement[0].Principal.AWS[0]".to_owned())]
    );
}

/// L-321: who does not exist is refused; the path and the partition are a part of who it is.
#[test]
fn nobody_is_bound_to_whom_there_is_not() {
    for nobody in [
        "arn:aws:iam::111111111111:user/eve",
        "arn:aws:iam::111111111111:role/R",
        "arn:aws:iam::111111111111:user/team/ana",
        "arn:aws-cn:iam::111111111111:user/ana",
    ] {
        for name in ["Principal", "NotPrincipal"] {
            let found = refusal(bucket(&policy(name, &json!(nobody), "s3:GetObject")));
            let path = format!("$.Statement[0].{name}.AWS");
            assert!(found.contains(&("X_INVALID_PRINCIPAL".to_owned(), path)), "{found:?}");
        }
    }
    // What an author may not write is refused for that.
    let found = refusal(bucket(&policy("Principal", &json!("ana"), "s3:GetObject")));
    assert_eq!(found[0].0, "INVALID_PRINCIPAL_FORMAT");
}

/// L-323, L-325, L-326: what is not bound stays as it was written.
#[test]
fn other_entries_stay_text() {
    let entries = json!([
        SESSION,
        "111111111111",
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::222222222222:user/bob",
        "arn:aws:iam::333333333333:role/S",
        "*",
    ]);
    let mut text: Value =
        serde_json::from_str(&policy("Principal", &entries, "s3:GetObject")).expect("JSON");
    text["Statement"][0]["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": ANA}});
    let change = bucket(&text.to_string());
    assert_eq!(assize::bind(&world(), change.clone(), &[]), Ok(change));
    // The service may be left out.
    let change = bucket(&policy("Principal", &json!(ANA), "s3:GetObject"));
    assert_eq!(assize::bind(&world(), change.clone(), &["s3"]), Ok(change.clone()));
    assert_ne!(assize::bind(&world(), change.clone(), &["sqs"]), Ok(change));
}

/// L-321, L-322, L-324: a stored policy is shown by the names of today, and by the raw id of who
/// is gone.
#[test]
fn a_stored_policy_is_shown_by_the_names_of_today() {
    let role = "arn:aws:iam::111111111111:role/team/R";
    let written = policy("Principal", &json!([ANA, role]), "s3:GetObject");
    let snapshot = after(&world(), bucket(&written));
    let stored = |snapshot: &StoreSnapshot| {
        let policies = &snapshot.resource("arn:aws:s3:::b").expect("the bucket").policies;
        let document = snapshot.document(policies[0]).expect("the policy");
        document.text.as_deref().expect("its text").to_owned()
    };
    let text = stored(&snapshot);
    let id = snapshot.user_by_arn(ANA).expect("the user").unique_id.to_string();
    assert!(text.contains(&id) && !text.contains(ANA) && !text.contains(role), "{text}");
    assert_eq!(assize::show(&snapshot, &text), written);
    // Renamed, the user is who it was.
    let mut editor = snapshot.edit();
    let renamed = User {
        name: "anna".into(),
        arn: "arn:aws:iam::111111111111:user/anna".into(),
        ..texts_of(&snapshot)
    };
    editor.apply(StoreChange::RemoveUser(account(), "ana".into())).expect("the old name");
    editor.apply(StoreChange::PutUser(account(), renamed)).expect("the new name");
    let (moved, _) = editor.commit();
    let anna = "arn:aws:iam::111111111111:user/anna";
    assert_eq!(assize::show(&moved, &stored(&moved)), written.replace(ANA, anna));
    let allowed = |who| decides(&moved, who, "s3:GetObject", "arn:aws:s3:::b/k");
    assert_eq!(allowed(anna), Decision::Allowed);
    // Made again, it is somebody else.
    let again = made_again(&snapshot, "ana");
    assert_eq!(assize::show(&again, &stored(&again)), written.replace(ANA, &id));
}

/// The user with the texts of its policies, of which it has none.
fn texts_of(snapshot: &StoreSnapshot) -> User<DocumentText> {
    let account = snapshot.account_with_texts(account()).expect("the account");
    let (_, user) = account.users.into_iter().next().expect("the user");
    std::sync::Arc::unwrap_or_clone(user)
}
