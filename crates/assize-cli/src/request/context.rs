//! `-c KEY=VALUE`: a key that has a field of its own fills that field, so that it is no forged
//! key (C-27, E-23); any other key goes into the context.

use std::borrow::Cow;
use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use assize_formats::parse_time;
use assize_model::{
    ContextInput, ContextScalar, Delivery, EngineOptions, MfaState, Network, Principal,
    PrincipalForm, PrincipalKind, Request, ResourceData, Session, Source, StatedPrincipal,
    fold_key, is_claim, is_session_claim,
};
use assize_store::Tag;

use super::provider::is_claim_of;
use crate::args::ContextPair;

const PRINCIPAL_TAG: &str = "aws:principaltag/";
const REQUEST_TAG: &str = "aws:requesttag/";
const RESOURCE_TAG: &str = "aws:resourcetag/";

/// A key and all values that were given for it.
struct Given<'p> {
    key: &'p str,
    folded: Cow<'p, str>,
    values: Vec<&'p str>,
}

fn group(pairs: &[ContextPair]) -> Vec<Given<'_>> {
    let mut given: Vec<Given<'_>> = Vec::new();
    for pair in pairs {
        let folded = fold_key(&pair.key);
        match given.iter_mut().find(|known| known.folded == folded) {
            Some(known) => known.values.push(&pair.value),
            None => given.push(Given { key: &pair.key, folded, values: vec![&pair.value] }),
        }
    }
    given
}

impl Given<'_> {
    fn one(&self) -> Result<&str> {
        match *self.values {
            [value] => Ok(value),
            _ => bail!("`{}` has one value", self.key),
        }
    }

    fn text(&self) -> Result<Cow<'static, str>> {
        Ok(Cow::Owned(self.one()?.to_owned()))
    }

    /// The address of a caller, which is not a block of addresses (L-619).
    fn address(&self) -> Result<Cow<'static, str>> {
        let text = self.text()?;
        match text.parse::<IpAddr>() {
            Ok(_) => Ok(text),
            Err(_) => bail!("`{}={text}`: expected one IP address, such as 203.0.113.7", self.key),
        }
    }

    fn boolean(&self) -> Result<bool> {
        match self.one()? {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            other => bail!("`{}={other}`: expected true or false", self.key),
        }
    }

    fn time(&self) -> Result<i64> {
        let text = self.one()?;
        text.parse().ok().or_else(|| parse_time(text)).with_context(|| {
            format!(
                "`{}={text}`: expected RFC 3339 with an offset, such as 2024-05-01T12:00:00Z, or \
                 seconds since the epoch",
                self.key
            )
        })
    }

    fn input(&self) -> ContextInput<'static> {
        let scalar = |value: &&str| ContextScalar::String(Cow::Owned((*value).to_owned()));
        match &*self.values {
            [value] => ContextInput::Scalar(scalar(value)),
            values => ContextInput::List(values.iter().map(scalar).collect()),
        }
    }

    /// The tag key behind a prefix, as it was spelled.
    fn tag_key(&self, prefix: &str) -> Option<&str> {
        let key = self.folded.strip_prefix(prefix)?;
        (!key.is_empty()).then(|| &self.key[prefix.len()..])
    }
}

/// Whether a key is `aws:PrincipalTag/K`.
pub(crate) fn is_principal_tag(key: &str) -> bool {
    fold_key(key).starts_with(PRINCIPAL_TAG)
}

/// The tags of `-c aws:PrincipalTag/K=V`.
///
/// # Errors
/// A tag with several values.
pub(crate) fn principal_tags(pairs: &[ContextPair]) -> Result<Vec<Tag>> {
    let mut tags = Vec::new();
    for given in group(pairs) {
        if let Some(key) = given.tag_key(PRINCIPAL_TAG) {
            tags.push(Tag { key: key.into(), value: given.one()?.into() });
        }
    }
    Ok(tags)
}

/// What a key that is given says nothing of, in partial context (E-121). A field that holds all
/// tags or claims would say of the others that they are absent: such a key stands in the context.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeavesOpen {
    pub(super) other_keys: bool,
    /// Other tags of the resource.
    pub(super) other_tags: bool,
}

/// Fills in everything that is given.
///
/// # Errors
/// A value that its field does not take.
pub(super) fn fill(
    request: &mut Request<'static>,
    pairs: &[ContextPair],
    options: &EngineOptions,
    leaves_open: LeavesOpen,
) -> Result<()> {
    let mut mfa_age = None;
    for given in group(pairs) {
        if &*given.folded == "aws:multifactorauthage" && takes_mfa(&request.principal) {
            mfa_age = Some(given);
            continue;
        }
        let filled = fill_environment(request, &given)?
            || fill_tags(request, &given, leaves_open)?
            || fill_session(request, &given, leaves_open)?;
        name_session(request, options);
        if !filled {
            request.context.push((Cow::Owned(given.key.to_owned()), given.input()));
        }
    }
    if let Some(Source { arn: None, .. }) = request.source
        && leaves_open.other_keys
    {
        request.unknown.push(Cow::Borrowed("aws:SourceArn"));
    }
    match mfa_age {
        Some(age) => fill_mfa_age(request, &age, options.time),
        None => Ok(()),
    }
}

/// Names the session of a role that became an object (E-10, option `defaultSessionName`).
fn name_session(request: &mut Request<'static>, options: &EngineOptions) {
    let Principal::Stated(stated) = &mut request.principal else { return };
    if stated.role.is_some() {
        let session = stated.session.get_or_insert_with(Session::default);
        session.name.get_or_insert_with(|| options.default_session_name.to_string().into());
    }
}

/// Keys of E-16, E-18, E-19 and E-22.
fn fill_environment(request: &mut Request<'static>, given: &Given<'_>) -> Result<bool> {
    let network = |request: &mut Request<'static>, set: &dyn Fn(&mut Network<'static>)| {
        set(request.network.get_or_insert_with(Box::default));
    };
    match &*given.folded {
        "aws:sourceip" => {
            let ip = given.address()?;
            network(request, &|network| network.source_ip = Some(ip.clone()));
        }
        "aws:vpcsourceip" => {
            let ip = given.address()?;
            network(request, &|network| network.vpc_source_ip = Some(ip.clone()));
        }
        "aws:sourcevpce" => {
            let id = given.text()?;
            network(request, &|network| network.vpce = Some(id.clone()));
        }
        "aws:sourcevpc" => {
            let id = given.text()?;
            network(request, &|network| network.vpc = Some(id.clone()));
        }
        "aws:vpceaccount" => {
            let account = given.one()?.parse()?;
            network(request, &|network| network.vpce_account = Some(account));
        }
        "aws:securetransport" => {
            let secure = given.boolean()?;
            network(request, &|network| network.secure_transport = Some(secure));
        }
        "aws:useragent" => {
            let agent = given.text()?;
            network(request, &|network| network.user_agent = Some(agent.clone()));
        }
        "aws:referer" => {
            let referer = given.text()?;
            network(request, &|network| network.referer = Some(referer.clone()));
        }
        "aws:requestedregion" => request.region = Some(given.text()?),
        "aws:currenttime" | "aws:epochtime" => request.time = Some(given.time()?),
        "aws:calledvia" => {
            let services = given.values.iter().map(|value| Cow::Owned((*value).to_owned()));
            request.via = Some(services.collect());
        }
        // E-16: who is no service has no source; the engine says so of the key.
        "aws:sourcearn" | "aws:sourceaccount" if !is_service(&request.principal) => {
            return Ok(false);
        }
        "aws:sourcearn" => {
            request.source.get_or_insert_with(Source::default).arn = Some(given.text()?);
        }
        "aws:sourceaccount" => {
            let account = given.one()?.parse()?;
            request.source.get_or_insert_with(Source::default).account = Some(account);
        }
        "aws:resourceaccount" => {
            let account = given.one()?.parse()?;
            resource_data(request).account = Some(account);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn is_service(principal: &Principal<'_>) -> bool {
    match principal {
        Principal::Text(text) => {
            matches!(PrincipalForm::parse(text), Ok(PrincipalForm::Service { .. }))
        }
        Principal::Stated(stated) => stated.kind == PrincipalKind::Service,
    }
}

fn resource_data<'r>(request: &'r mut Request<'static>) -> &'r mut ResourceData<'static> {
    request.resource_data.get_or_insert_with(Box::default)
}

/// Tags of the request, the resource and the session (E-15, E-20, E-21). The tags of a user are
/// facts of the world, which only a made-up world takes from here.
fn fill_tags(
    request: &mut Request<'static>,
    given: &Given<'_>,
    leaves_open: LeavesOpen,
) -> Result<bool> {
    let tag = |key: &str| -> Result<(Cow<'static, str>, Cow<'static, str>)> {
        Ok((Cow::Owned(key.to_owned()), given.text()?))
    };
    let LeavesOpen { other_keys, other_tags } = leaves_open;
    if let Some(key) = given.tag_key(REQUEST_TAG).filter(|_| !other_keys) {
        request.request_tags.get_or_insert_with(Vec::new).push(tag(key)?);
    } else if let Some(key) = given.tag_key(RESOURCE_TAG).filter(|_| !other_tags) {
        resource_data(request).tags.get_or_insert_with(Vec::new).push(tag(key)?);
    } else if let Some(key) = given.tag_key(PRINCIPAL_TAG) {
        let session = session(request, has_session_tags).filter(|_| !other_keys);
        let Some(session) = session else { return Ok(false) };
        session.tags.get_or_insert_with(Vec::new).push(tag(key)?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Keys of E-17.
fn fill_session(
    request: &mut Request<'static>,
    given: &Given<'_>,
    leaves_open: LeavesOpen,
) -> Result<bool> {
    let any = |_: PrincipalKind| true;
    let is_role = |kind: PrincipalKind| kind == PrincipalKind::RoleSession;
    match &*given.folded {
        "aws:multifactorauthpresent" => {
            let Some(session) = session(request, is_user_like) else { return Ok(false) };
            session.mfa = Some(MfaState { present: given.boolean()?, at: None });
        }
        "aws:tokenissuetime" => {
            let Some(session) = session(request, any) else { return Ok(false) };
            session.issued_at = Some(given.time()?);
        }
        "aws:sourceidentity" => {
            let Some(session) = session(request, is_role) else { return Ok(false) };
            session.source_identity = Some(given.text()?);
        }
        "aws:federatedprovider" => {
            let Some(session) = session(request, is_role) else { return Ok(false) };
            session.federated_provider = Some(given.text()?);
        }
        key if is_claim(key) && leaves_open.other_keys => return Ok(false),
        key if is_claim_of_caller(request, key) => {
            let is_federated = |kind: PrincipalKind| kind == PrincipalKind::Federated;
            let Some(session) = session(request, is_federated) else { return Ok(false) };
            let claim = (Cow::Owned(given.key.to_owned()), given.input());
            session.claims.get_or_insert_with(Vec::new).push(claim);
        }
        key if is_session_claim(key) => {
            let Some(session) = session(request, is_role) else { return Ok(false) };
            let claim = (Cow::Owned(given.key.to_owned()), given.input());
            session.claims.get_or_insert_with(Vec::new).push(claim);
        }
        _ => return fill_delivery(request, given),
    }
    Ok(true)
}

/// Whether a key is a claim of the token or assertion that a caller brings (E-17).
fn is_claim_of_caller(request: &Request<'_>, folded: &str) -> bool {
    let Principal::Stated(stated) = &request.principal else { return false };
    stated.kind == PrincipalKind::Federated
        && stated.provider.as_deref().is_some_and(|provider| is_claim_of(provider, folded))
}

/// The keys of an EC2 instance's credentials.
const EC2: [&str; 4] = [
    "ec2:sourceinstancearn",
    "ec2:roledelivery",
    "aws:ec2instancesourcevpc",
    "aws:ec2instancesourceprivateipv4",
];
/// The keys of a Glue job's credentials.
const GLUE: [&str; 2] = ["glue:roleassumedby", "glue:credentialissuingservice"];

/// The keys that say how credentials reached a workload (F-11).
fn fill_delivery(request: &mut Request<'static>, given: &Given<'_>) -> Result<bool> {
    let is_role = |kind: PrincipalKind| kind == PrincipalKind::RoleSession;
    let folded = &*given.folded;
    let is_known = EC2.contains(&folded)
        || GLUE.contains(&folded)
        || matches!(folded, "lambda:sourcefunctionarn" | "ssm:sourceinstancearn");
    if !is_known {
        return Ok(false);
    }
    let is_address = folded == "aws:ec2instancesourceprivateipv4";
    let value = Some(if is_address { given.address()? } else { given.text()? });
    let Some(session) = session(request, is_role) else { return Ok(false) };
    let empty = || match folded {
        "lambda:sourcefunctionarn" => Delivery::Lambda { function_arn: None },
        "ssm:sourceinstancearn" => Delivery::Ssm { instance_arn: None },
        key if GLUE.contains(&key) => {
            Delivery::Glue { role_assumed_by: None, credential_issuing_service: None }
        }
        _ => Delivery::Ec2 { instance_arn: None, role_delivery: None, vpc: None, private_ip: None },
    };
    match (session.delivery.get_or_insert_with(empty), folded) {
        (Delivery::Ec2 { instance_arn, .. }, "ec2:sourceinstancearn")
        | (Delivery::Ssm { instance_arn }, "ssm:sourceinstancearn") => *instance_arn = value,
        (Delivery::Ec2 { role_delivery, .. }, "ec2:roledelivery") => *role_delivery = value,
        (Delivery::Ec2 { vpc, .. }, "aws:ec2instancesourcevpc") => *vpc = value,
        (Delivery::Ec2 { private_ip, .. }, "aws:ec2instancesourceprivateipv4") => {
            *private_ip = value;
        }
        (Delivery::Lambda { function_arn }, "lambda:sourcefunctionarn") => *function_arn = value,
        (Delivery::Glue { role_assumed_by, .. }, "glue:roleassumedby") => *role_assumed_by = value,
        (Delivery::Glue { credential_issuing_service, .. }, "glue:credentialissuingservice") => {
            *credential_issuing_service = value;
        }
        _ => bail!("`{}` belongs to another kind of workload than the keys before it", given.key),
    }
    Ok(true)
}

fn is_user_like(kind: PrincipalKind) -> bool {
    matches!(kind, PrincipalKind::User | PrincipalKind::Root)
}

/// Whether `-c aws:PrincipalTag/K=V` is about the session of a principal.
pub(crate) fn brings_tags(principal: &Principal<'_>) -> bool {
    matches!(principal, Principal::Stated(stated) if has_session_tags(stated.kind))
}

fn has_session_tags(kind: PrincipalKind) -> bool {
    matches!(
        kind,
        PrincipalKind::RoleSession | PrincipalKind::FederatedUser | PrincipalKind::FederatedRoot
    )
}

fn takes_mfa(principal: &Principal<'_>) -> bool {
    match principal {
        Principal::Stated(stated) => is_user_like(stated.kind),
        Principal::Text(text) => matches!(
            PrincipalForm::parse(text),
            Ok(PrincipalForm::User { .. } | PrincipalForm::Root { .. })
        ),
    }
}

/// E-17: the age is the time of the request less that of the code.
fn fill_mfa_age(
    request: &mut Request<'static>,
    given: &Given<'_>,
    frozen: Option<i64>,
) -> Result<()> {
    let age: i64 =
        given.one()?.parse().with_context(|| format!("`{}`: expected whole seconds", given.key))?;
    let now = *request.time.get_or_insert_with(|| frozen.unwrap_or_else(now));
    if let Some(session) = session(request, is_user_like) {
        session.mfa = Some(MfaState { present: true, at: Some(now.saturating_sub(age)) });
    }
    Ok(())
}

/// Seconds since the epoch.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

/// The session of a request's principal, which becomes an object for it (F-11); none when it is
/// of another kind than asked for.
fn session<'r>(
    request: &'r mut Request<'static>,
    fits: impl Fn(PrincipalKind) -> bool,
) -> Option<&'r mut Session<'static>> {
    if let Principal::Text(text) = &request.principal {
        let stated = stated(text).filter(|stated| fits(stated.kind))?;
        request.principal = Principal::Stated(Box::new(stated));
    }
    match &mut request.principal {
        Principal::Stated(stated) if fits(stated.kind) => {
            Some(stated.session.get_or_insert_with(Session::default))
        }
        _ => None,
    }
}

/// The object form of a principal's text (E-10, F-16).
fn stated(text: &str) -> Option<StatedPrincipal<'static>> {
    let arn = || Some(Cow::Owned(text.to_owned()));
    let of = StatedPrincipal::new;
    Some(match PrincipalForm::parse(text).ok()? {
        PrincipalForm::User { .. } => StatedPrincipal { arn: arn(), ..of(PrincipalKind::User) },
        PrincipalForm::AssumedRole { .. } => {
            StatedPrincipal { arn: arn(), ..of(PrincipalKind::RoleSession) }
        }
        PrincipalForm::Role { .. } => {
            StatedPrincipal { role: arn(), ..of(PrincipalKind::RoleSession) }
        }
        PrincipalForm::Root { partition: "aws", account } => {
            StatedPrincipal { account: Some(account), ..of(PrincipalKind::Root) }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(principal: &'static str, pairs: &[(&str, &str)]) -> Request<'static> {
        filled_leaving(LeavesOpen::default(), principal, pairs)
    }

    fn filled_leaving(
        leaves_open: LeavesOpen,
        principal: &'static str,
        pairs: &[(&str, &str)],
    ) -> Request<'static> {
        let pairs: Vec<ContextPair> = pairs
            .iter()
            .map(|(key, value)| ContextPair { key: (*key).into(), value: (*value).into() })
            .collect();
        let mut request =
            Request { principal: Principal::Text(principal.into()), ..Request::default() };
        fill(&mut request, &pairs, &EngineOptions::default(), leaves_open).unwrap();
        request
    }

    const USER: &str = "arn:aws:iam::111111111111:user/u";
    const ROLE: &str = "arn:aws:iam::111111111111:role/R";

    fn session(request: &Request<'static>) -> Session<'static> {
        match &request.principal {
            Principal::Stated(stated) => stated.session.clone().unwrap(),
            Principal::Text(text) => panic!("`{text}` has no session"),
        }
    }

    /// C-27.
    #[test]
    fn keys_with_a_field_fill_it() {
        let request = filled(
            USER,
            &[
                ("AWS:sourceip", "203.0.113.7"),
                ("aws:SecureTransport", "false"),
                ("aws:RequestTag/Team", "a"),
                ("aws:ResourceTag/env", "b"),
                ("aws:RequestedRegion", "eu-west-1"),
                ("aws:CurrentTime", "1970-01-01T00:01:00Z"),
                ("aws:MultiFactorAuthAge", "20"),
                ("s3:prefix", "x"),
                ("aws:TagKeys", "p"),
                ("aws:TagKeys", "q"),
            ],
        );
        let network = request.network.as_ref().unwrap();
        assert_eq!(network.source_ip.as_deref(), Some("203.0.113.7"));
        assert_eq!(network.secure_transport, Some(false));
        assert_eq!(request.request_tags, Some(vec![("Team".into(), "a".into())]));
        let data = request.resource_data.as_ref().unwrap();
        assert_eq!(data.tags, Some(vec![("env".into(), "b".into())]));
        assert_eq!(request.region.as_deref(), Some("eu-west-1"));
        assert_eq!(request.time, Some(60));
        assert_eq!(session(&request).mfa, Some(MfaState { present: true, at: Some(40) }));
        let keys: Vec<&str> = request.context.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["s3:prefix", "aws:TagKeys"]);
    }

    #[test]
    fn a_role_becomes_a_session_that_takes_them() {
        let request = filled(
            ROLE,
            &[
                ("aws:PrincipalTag/team", "red"),
                ("aws:SourceIdentity", "ana"),
                ("lambda:SourceFunctionArn", "arn:aws:lambda:eu-west-1:111111111111:function:f"),
                ("aws:MultiFactorAuthPresent", "true"),
            ],
        );
        let session = session(&request);
        assert_eq!(session.tags, Some(vec![("team".into(), "red".into())]));
        assert_eq!(session.source_identity.as_deref(), Some("ana"));
        assert!(matches!(session.delivery, Some(Delivery::Lambda { .. })));
        assert_eq!(session.name.as_deref(), Some("assize"));
        // A role session never has MFA (E-17): the engine says so.
        assert_eq!(request.context.len(), 1);
    }

    #[test]
    fn a_session_takes_what_it_has_of_claims() {
        let pairs = [("accounts.google.com:sub", "1"), ("accounts.google.com:email", "a@b.c")];
        let request = filled(ROLE, &pairs);
        let claims = session(&request).claims.unwrap();
        assert_eq!(claims.iter().map(|(key, _)| &**key).collect::<Vec<_>>(), [pairs[0].0]);
        assert_eq!(request.context.iter().map(|(key, _)| &**key).collect::<Vec<_>>(), [pairs[1].0]);
        assert_eq!(filled(USER, &pairs).context.len(), 2);
    }

    /// E-121.
    #[test]
    fn in_partial_context_one_of_many_says_nothing_of_the_others() {
        let open = LeavesOpen { other_keys: true, other_tags: true };
        let pairs = [
            ("aws:RequestTag/a", "1"),
            ("aws:ResourceTag/a", "1"),
            ("aws:PrincipalTag/a", "1"),
            ("accounts.google.com:sub", "1"),
            ("aws:SourceIdentity", "ana"),
        ];
        let request = filled_leaving(open, ROLE, &pairs);
        let keys: Vec<&str> = request.context.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, pairs[..4].iter().map(|(key, _)| *key).collect::<Vec<_>>());
        assert!(request.request_tags.is_none() && request.resource_data.is_none());
        let session = session(&request);
        assert_eq!((session.tags, session.claims), (None, None));
        assert_eq!(session.source_identity.as_deref(), Some("ana"));
        // What the world knows of a resource is all there is.
        let known = LeavesOpen { other_tags: false, ..open };
        let tags = filled_leaving(known, ROLE, &pairs).resource_data.unwrap().tags;
        assert_eq!(tags, Some(vec![("a".into(), "1".into())]));
        let account = [("aws:SourceAccount", "222222222222")];
        let request = filled_leaving(open, "sns.amazonaws.com", &account);
        assert_eq!(request.unknown, ["aws:SourceArn"]);
        let both = [account[0], ("aws:SourceArn", "arn:aws:s3:::b")];
        assert!(filled_leaving(open, "sns.amazonaws.com", &both).unknown.is_empty());
        assert!(filled("sns.amazonaws.com", &account).unknown.is_empty());
    }

    #[test]
    fn a_service_alone_has_a_source() {
        let pairs = [("aws:SourceAccount", "222222222222"), ("aws:SourceArn", "arn:aws:s3:::b")];
        let request = filled("sns.amazonaws.com", &pairs);
        assert_eq!(request.source.unwrap().arn.as_deref(), Some("arn:aws:s3:::b"));
        let request = filled(USER, &pairs);
        assert!(request.source.is_none());
        assert_eq!(request.context.len(), 2);
    }

    #[test]
    fn values_that_no_field_takes_are_refused() {
        for (key, value) in [
            ("aws:SourceIp", "999.1.1.1"),
            ("aws:SourceIp", "203.0.113.0/24"),
            ("aws:VpcSourceIp", "10.0.0"),
            ("aws:SecureTransport", "maybe"),
            ("aws:CurrentTime", "noon"),
            ("aws:VpceAccount", "1"),
            ("aws:MultiFactorAuthAge", "old"),
        ] {
            let pair = ContextPair { key: key.into(), value: value.into() };
            let mut request =
                Request { principal: Principal::Text(USER.into()), ..Request::default() };
            let filled =
                fill(&mut request, &[pair], &EngineOptions::default(), LeavesOpen::default());
            assert!(filled.is_err(), "{key}");
        }
    }
}
