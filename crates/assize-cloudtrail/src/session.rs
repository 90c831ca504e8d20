//! The session behind a call, and how it was made (F-54).

mod facts;

use std::borrow::Cow;
use std::collections::VecDeque;

use assize_formats::json::Node;
use assize_formats::parse_time;
use assize_model::{
    ContextInput, ContextScalar, Delivery, MfaState, PolicyText, PrincipalKind, Request, Session,
    StatedPrincipal, Tags, fold_key, is_claim, is_session_claim,
};
use hashbrown::HashMap;

use crate::record::{Identity, InScopeOf, Record, SessionContext};
use crate::skip::Note;

/// Most sessions that are remembered; the oldest are forgotten first.
pub const MAX_SESSIONS: usize = 1 << 18;
/// Most bytes of what is known of remembered sessions.
pub const MAX_SESSION_BYTES: usize = 64 << 20;

/// How sessions were made, by the access key they were given: what the records of `AssumeRole`
/// and its kin say.
#[derive(Debug, Default)]
pub struct SessionBook {
    sessions: HashMap<Box<str>, SessionFacts>,
    order: VecDeque<Box<str>>,
    n_bytes: usize,
}

/// What the record of the call that made a session says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFacts {
    /// The session policy.
    pub policy: Option<Box<str>>,
    /// The managed session policies.
    pub policy_arns: Vec<Box<str>>,
    /// The tags of the session.
    pub tags: Vec<(Box<str>, Box<str>)>,
    /// Which of them go on with a chain of roles.
    pub transitive_tag_keys: Vec<Box<str>>,
    /// The tags that came with the chain.
    pub inherited_tags: Vec<(Box<str>, Box<str>)>,
    /// The source identity.
    pub source_identity: Option<Box<str>>,
    /// When the session ends, in seconds since the epoch.
    pub expires_at: Option<i64>,
    /// The task policy of a privileged root session.
    pub task_policy: Option<Box<str>>,
    /// The caller was a role session itself.
    pub chained: bool,
    /// The session comes from an identity provider.
    pub federated: bool,
}

/// Of a session of which nothing is said.
static NO_FACTS: SessionFacts = SessionFacts {
    policy: None,
    policy_arns: Vec::new(),
    tags: Vec::new(),
    transitive_tag_keys: Vec::new(),
    inherited_tags: Vec::new(),
    source_identity: None,
    expires_at: None,
    task_policy: None,
    chained: false,
    federated: false,
};

impl SessionBook {
    /// What the record of a call that made a session tells, with the key of the session.
    pub fn facts(record: &Record<'_>) -> Option<(Box<str>, SessionFacts)> {
        let name = record.event_name.as_deref()?;
        let makes_sessions =
            name.starts_with("AssumeRole") || name == "AssumeRoot" || name == "GetFederationToken";
        if record.event_source.as_deref() != Some("sts.amazonaws.com") || !makes_sessions {
            return None;
        }
        let response = Node::parse(record.response_elements?).ok()?;
        let credentials = response.get("credentials")?;
        let key = credentials.get("accessKeyId")?.as_str()?;
        // A session of which not everything is known is one of which nothing is.
        let mut facts = facts::read(record.request_parameters?)?;
        facts.expires_at = credentials.get("expiration").and_then(Node::as_str).and_then(moment);
        let caller = record.identity.as_ref().and_then(|identity| identity.kind.as_deref());
        facts.chained = caller == Some("AssumedRole");
        facts.federated = matches!(name, "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity");
        Some((key.into(), facts))
    }

    /// Remembers a session.
    pub fn insert(&mut self, key: Box<str>, facts: SessionFacts) {
        self.n_bytes += facts.n_bytes();
        match self.sessions.insert(key.clone(), facts) {
            Some(before) => self.n_bytes -= before.n_bytes(),
            None => self.order.push_back(key),
        }
        while self.order.len() > MAX_SESSIONS || self.n_bytes > MAX_SESSION_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            let facts = self.sessions.remove(&oldest).unwrap_or_default();
            self.n_bytes -= facts.n_bytes();
        }
    }

    /// All sessions, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &SessionFacts)> {
        // Every key of the order is in the table.
        self.order.iter().map(|key| (&**key, self.sessions.get(key).unwrap_or(&NO_FACTS)))
    }

    /// How the session of an access key was made.
    pub fn get(&self, key: &str) -> Option<&SessionFacts> {
        self.sessions.get(key)
    }
}

impl SessionFacts {
    /// How much memory they take, more or less.
    fn n_bytes(&self) -> usize {
        let Self { policy, policy_arns, tags, transitive_tag_keys, inherited_tags, .. } = self;
        let text = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
        let texts =
            |all: &[Box<str>]| all.iter().map(|text| text.len() + size_of::<Box<str>>()).sum();
        let pairs = |all: &[(Box<str>, Box<str>)]| {
            let of = |(key, value): &(Box<str>, Box<str>)| key.len() + value.len();
            all.iter().map(|pair| of(pair) + size_of_val(pair)).sum()
        };
        let lists: [usize; 4] =
            [texts(policy_arns), texts(transitive_tag_keys), pairs(tags), pairs(inherited_tags)];
        let single = text(policy) + text(&self.source_identity) + text(&self.task_policy);
        size_of::<Self>() + single + lists.iter().sum::<usize>()
    }
}

/// The months as CloudTrail abbreviates them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A time as CloudTrail writes it: RFC 3339, or `Jul 10, 2023, 12:44:12 PM` in UTC.
fn moment(text: &str) -> Option<i64> {
    if let Some(time) = parse_time(text) {
        return Some(time);
    }
    let mut words = text.split([' ', ',', '\u{202f}']).filter(|word| !word.is_empty());
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (day, year) = (words.next()?.parse::<u8>().ok()?, words.next()?.parse::<u16>().ok()?);
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let hour = hour % 12 + if words.next()? == "PM" { 12 } else { 0 };
    parse_time(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// Puts into a principal what the record, and the record that made the session, say of it.
pub(crate) fn session<'a>(
    stated: &mut StatedPrincipal<'a>,
    record: &Record<'a>,
    identity: &Identity<'a>,
    facts: Option<&'a SessionFacts>,
    notes: &mut Vec<Note>,
) {
    use PrincipalKind as K;
    let kind = stated.kind;
    if matches!(kind, K::Service | K::Federated | K::Oai | K::Anonymous) {
        return;
    }
    let context = identity.session.as_ref();
    let mut session = stated.session.take().unwrap_or_default();
    let created = context.and_then(|context| context.creation_date.as_deref());
    let issued_at = created.and_then(parse_time);
    let has_temporary_key = identity.access_key.as_deref().is_some_and(|k| k.starts_with("ASIA"));
    let is_temporary = has_temporary_key || context.is_some();
    match kind {
        K::User | K::Root => {
            session.temporary = Some(is_temporary);
            session.issued_at = issued_at.filter(|_| is_temporary);
        }
        _ => session.issued_at = issued_at,
    }
    if kind == K::User && is_temporary {
        session.mfa = context.and_then(|c| c.mfa).map(|present| MfaState { present, at: None });
    }
    if record.from_console
        && matches!(kind, K::User | K::Root | K::FederatedUser | K::FederatedRoot)
    {
        session.console = Some(true);
    }
    if kind == K::RoleSession {
        of_role(&mut session, context, identity.scope.as_ref());
    }
    if matches!(kind, K::RoleSession | K::FederatedUser | K::FederatedRoot | K::AssumedRoot) {
        match facts {
            Some(facts) => sealed(&mut session, kind, facts),
            None => notes.push(Note::SessionUnknown),
        }
    }
    stated.session = Some(session);
}

fn of_role<'a>(
    session: &mut Session<'a>,
    context: Option<&SessionContext<'a>>,
    scope: Option<&InScopeOf<'a>>,
) {
    if let Some(context) = context {
        session.source_identity.clone_from(&context.source_identity);
        session.federated_provider.clone_from(&context.federated_provider);
        if !context.federation_attributes.is_empty() {
            let attributes = context.federation_attributes.iter().cloned();
            let claims = attributes.filter(|(name, _)| is_claim(&fold_key(name)));
            session.claims = Some(claims.map(|(name, value)| (name, text_input(value))).collect());
        }
    }
    let role_delivery = context.and_then(|context| context.ec2_role_delivery.clone());
    let issued_to = scope.and_then(|scope| scope.issued_to.clone());
    let issuer_type = scope.and_then(|scope| scope.issuer_type.as_deref()).unwrap_or_default();
    session.delivery = match issuer_type {
        "AWS::Lambda::Function" => Some(Delivery::Lambda { function_arn: issued_to }),
        "AWS::SSM::ManagedInstance" => Some(Delivery::Ssm { instance_arn: issued_to }),
        _ if role_delivery.is_some() || issuer_type == "AWS::EC2::Instance" => {
            let instance_arn = issued_to.filter(|_| issuer_type == "AWS::EC2::Instance");
            Some(Delivery::Ec2 { instance_arn, role_delivery, vpc: None, private_ip: None })
        }
        _ => None,
    };
}

/// What the token of the session seals. What the call that made it does not name is known to be
/// none.
fn sealed<'a>(session: &mut Session<'a>, kind: PrincipalKind, facts: &'a SessionFacts) {
    session.expires_at = facts.expires_at;
    if kind == PrincipalKind::AssumedRoot {
        session.task_policy_arn = facts.task_policy.as_deref().map(Cow::Borrowed);
        return;
    }
    session.policy = facts.policy.as_deref().map(|text| PolicyText(Cow::Borrowed(text)));
    session.policy_arns = Some(facts.policy_arns.iter().map(|arn| (&**arn).into()).collect());
    session.tags = Some(borrowed(&facts.tags));
    if kind == PrincipalKind::RoleSession {
        let keys = facts.transitive_tag_keys.iter().map(|key| (&**key).into());
        session.transitive_tag_keys = Some(keys.collect());
        session.inherited_tags = Some(borrowed(&facts.inherited_tags));
        if session.source_identity.is_none() {
            session.source_identity = facts.source_identity.as_deref().map(Cow::Borrowed);
        }
        session.chained = Some(facts.chained);
        if !facts.federated && session.claims.is_none() {
            session.claims = Some(Vec::new());
        }
    }
}

/// Keys of the session that are known to be absent because of how it was made.
pub(crate) fn absent_keys(
    principal: &StatedPrincipal<'_>,
    facts: Option<&SessionFacts>,
) -> [Option<&'static str>; 2] {
    let session = principal.session.as_ref();
    let facts = facts.filter(|_| principal.kind == PrincipalKind::RoleSession);
    let no_identity =
        facts.is_some() && session.is_some_and(|session| session.source_identity.is_none());
    let no_provider = facts.is_some_and(|facts| !facts.federated)
        && session.is_some_and(|session| session.federated_provider.is_none());
    [no_identity.then_some("aws:SourceIdentity"), no_provider.then_some("aws:FederatedProvider")]
}

fn borrowed(tags: &[(Box<str>, Box<str>)]) -> Tags<'_> {
    tags.iter().map(|(key, value)| ((&**key).into(), (&**value).into())).collect()
}

fn text_input(text: Cow<'_, str>) -> ContextInput<'_> {
    ContextInput::Scalar(ContextScalar::String(text))
}

/// The claims that the log shows, as keys of the request: it never shows all, so that those it
/// lacks stay unknown (F-59). Of a session only those count that outlive the federation call
/// (E-17). A session that no provider vouched for has none, for certain.
pub(crate) fn carry_claims<'a>(request: &mut Request<'a>, principal: &mut StatedPrincipal<'a>) {
    let is_call = principal.kind == PrincipalKind::Federated;
    let Some(session) = &mut principal.session else { return };
    let Some(claims) = session.claims.take_if(|claims| !claims.is_empty()) else { return };
    let is_kept = |name: &str| is_call || is_session_claim(&fold_key(name));
    request.context.extend(claims.into_iter().filter(|(name, _)| is_kept(name)));
    if is_call {
        principal.session = None;
    }
}

/// The claim keys of a federated caller, from the id that CloudTrail gives it: name qualifier and
/// subject for SAML, provider, audience and subject for web identities (F-53). The provider is
/// its ARN or its name, a host.
pub(crate) fn claims<'a>(
    provider: &str,
    identity: &Identity<'a>,
) -> Vec<(Cow<'a, str>, ContextInput<'a>)> {
    let user = identity.user_name.clone();
    let id = identity.principal_id.as_deref().unwrap_or_default();
    let mut claims = Vec::new();
    let mut claim = |key: String, value: Option<Cow<'a, str>>| {
        claims.extend(value.map(|value| (Cow::Owned(key), text_input(value))));
    };
    if provider.contains(":saml-provider/") {
        let qualifier = id.split_once(':').map(|(qualifier, _)| Cow::Owned(qualifier.to_owned()));
        claim("saml:namequalifier".to_owned(), qualifier);
        claim("saml:sub".to_owned(), user);
        return claims;
    }
    let name = provider.split_once(":oidc-provider/").map_or(provider, |(_, name)| name);
    if !name.contains('.') {
        return claims;
    }
    let rest = id.strip_prefix(provider).or_else(|| id.strip_prefix(name));
    // An audience may be a URL: only a known subject tells where it ends.
    let audience = rest
        .and_then(|rest| rest.strip_prefix(':')?.strip_suffix(user.as_deref()?)?.strip_suffix(':'));
    claim(format!("{name}:aud"), audience.map(|audience| Cow::Owned(audience.to_owned())));
    claim(format!("{name}:sub"), user);
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_sessions_are_forgotten_when_they_take_too_much() {
        let mut book = SessionBook::default();
        let large = || SessionFacts {
            policy: Some(" ".repeat(MAX_SESSION_BYTES / 4).into()),
            policy_arns: vec!["arn".into()],
            tags: vec![("key".into(), "value".into())],
            ..SessionFacts::default()
        };
        for key in ["a", "b", "c", "b", "d"] {
            book.insert(key.into(), large());
        }
        let kept: Vec<&str> = book.iter().map(|(key, _)| key).collect();
        assert_eq!(kept, ["b", "c", "d"]);
        assert_eq!(book.n_bytes, 3 * large().n_bytes());
        book.insert("e".into(), SessionFacts::default());
        assert!(book.get("b").is_some() && book.get("e").is_some());
    }
}
