use assize_model::EngineOptions;

use super::*;
use crate::args::RequestArgs;
use crate::request::product;

/// The world of some documents and one request, described.
fn build(policies: &PolicyArgs, principal: Option<&str>, resource: Option<&str>) -> Result<Built> {
    build_with(policies, principal, resource, &[])
}

/// The same with `-c`.
fn build_with(
    policies: &PolicyArgs,
    principal: Option<&str>,
    resource: Option<&str>,
    context: &[(&str, &str)],
) -> Result<Built> {
    let pairs: Vec<ContextPair> = context
        .iter()
        .map(|(key, value)| ContextPair { key: (*key).into(), value: (*value).into() })
        .collect();
    let args = RequestArgs {
        principal: principal.map(str::to_owned).into_iter().collect(),
        action: vec!["s3:GetObject".to_owned()],
        resource: resource.map(str::to_owned).into_iter().collect(),
        context: Vec::new(),
    };
    let reader = Reader::new()?;
    let asked =
        product(&args, DEFAULT_PRINCIPAL, &EngineOptions::default(), &StoreSnapshot::empty())?;
    let mut stand_in = StandIn::read(policies, &reader)?;
    stand_in.set_organization(&pairs)?;
    for mut asked in asked {
        stand_in.note(&asked.request)?;
        stand_in.adapt(&mut asked.request)?;
    }
    stand_in.build(&reader, false)
}

fn arn(name: &str) -> Vec<String> {
    vec![format!("arn:aws:iam::aws:policy/{name}")]
}

#[test]
fn without_a_policy_the_principals_own_side_is_trusted() {
    let policies = PolicyArgs { scp: arn("ReadOnlyAccess"), ..PolicyArgs::default() };
    let built = build(&policies, None, Some("arn:aws:s3:::b/k")).unwrap();
    let account = built.snapshot.accounts().next().unwrap();
    assert_eq!(account.id.as_str(), DEFAULT_ACCOUNT);
    assert_eq!(account.external, Some(assize_store::ExternalAccount::TrustIdentity));
    assert!(built.snapshot.scp(account.id).is_some());
    assert!(built.snapshot.rcp(account.id).is_none());
    assert_eq!(built.snapshot.resource("arn:aws:s3:::b").unwrap().account, account.id);
    assert_eq!(built.assumptions.len(), 1);
}

/// C-27: a condition on the organization can be met.
#[test]
fn the_context_names_the_organization() {
    let of = |policies: &PolicyArgs, context: &[(&str, &str)]| {
        let built = build_with(policies, None, None, context).unwrap();
        built.snapshot.organizations().next().map(|organization| organization.id.to_string())
    };
    let rcp = PolicyArgs { rcp: arn("ReadOnlyAccess"), ..PolicyArgs::default() };
    let said = [("aws:principalorgid", "o-exampleorg1")];
    assert_eq!(of(&rcp, &[]).as_deref(), Some("o-standin000"));
    assert_eq!(of(&rcp, &said).as_deref(), Some("o-exampleorg1"));
    assert_eq!(of(&PolicyArgs::default(), &said).as_deref(), Some("o-exampleorg1"));
    assert_eq!(of(&PolicyArgs::default(), &[("aws:SourceIp", "203.0.113.7")]), None);
    let owner = [("aws:ResourceOrgID", "o-exampleorg2")];
    assert_eq!(of(&PolicyArgs::default(), &owner).as_deref(), Some("o-exampleorg2"));
    let path =
        [("aws:PrincipalOrgPaths", "o-exampleorg1/r-ab12/ou-ab12-11111111/ou-ab12-22222222/")];
    assert_eq!(of(&PolicyArgs::default(), &path).as_deref(), Some("o-exampleorg1"));
    let built = build_with(&rcp, None, None, &[path[0], said[0]]).unwrap();
    let found = built.snapshot.path(DEFAULT_ACCOUNT.parse().unwrap()).unwrap();
    assert_eq!(found.org_path.as_str(), path[0].1);
    for wrong in ["o-exampleorg1", "o-exampleorg1/", "o-exampleorg1/r-ab12", "o-other00000/r-ab12/"]
    {
        let context = [("aws:PrincipalOrgPaths", wrong), said[0]];
        assert!(build_with(&rcp, None, None, &context).is_err(), "{wrong}");
    }
}

#[test]
fn a_user_has_the_identity_policies_and_the_boundary() {
    let policies = PolicyArgs {
        identity: arn("ReadOnlyAccess"),
        boundary: arn("AmazonSQSFullAccess"),
        ..PolicyArgs::default()
    };
    let user = "arn:aws:iam::222222222222:user/team/ana";
    let built = build(&policies, Some(user), None).unwrap();
    let found = built.snapshot.user_by_arn(user).unwrap();
    assert_eq!(found.attached.len(), 1);
    assert_eq!(found.boundary.as_deref(), Some("arn:aws:iam::aws:policy/AmazonSQSFullAccess"));
    assert!(built.assumptions.is_empty());
}

#[test]
fn what_makes_no_world_is_refused() {
    let twice = [arn("ReadOnlyAccess"), arn("AmazonSQSFullAccess")].concat();
    let boundary = PolicyArgs { boundary: twice, ..PolicyArgs::default() };
    assert!(build(&boundary, None, None).unwrap_err().to_string().contains("boundary"));
    let trust = PolicyArgs { trust: arn("ReadOnlyAccess"), ..PolicyArgs::default() };
    assert!(build(&trust, None, None).unwrap_err().to_string().contains("role"));
    let unknown = PolicyArgs { identity: arn("ReadOnlyAcces"), ..PolicyArgs::default() };
    let error = build(&unknown, None, None).unwrap_err().to_string();
    assert!(error.contains("did you mean `arn:aws:iam::aws:policy/ReadOnlyAccess`?"), "{error}");
    let session = PolicyArgs { session_policy: arn("ReadOnlyAccess"), ..PolicyArgs::default() };
    assert!(build(&session, Some("anonymous"), None).is_err());
    assert!(build(&session, None, None).is_ok());
}
