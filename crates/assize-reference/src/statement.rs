//! Whether a statement applies to a check (L-241), and how closely it names the principal (E-40).

use assize_model::{ConditionKey, Effect, PrincipalKind, RequestContext, Strength};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, Operand, Piece, PrincipalElement,
    PrincipalPattern, ResourceElement, ResourcePattern, Statement,
};

use crate::condition::{condition_part, variable};
use crate::evaluate::{Action, Caller, Case};
use crate::wildcard::{self, Reach, Symbol, literal, symbols};

/// A statement that applies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match {
    /// How closely a `Principal` element names the caller; none where there is no such element.
    pub(crate) strength: Option<Strength>,
}

/// The keys that statements asked for and the context lacks, in the order first seen (E-104).
#[derive(Debug, Default)]
pub(crate) struct MissingKeys(pub(crate) Vec<ConditionKey>);

impl MissingKeys {
    fn add(&mut self, key: &ConditionKey, context: &RequestContext) {
        if context.get(key.folded()).is_none() && !self.0.contains(key) {
            self.0.push(key.clone());
        }
    }

    /// The keys of the tests and of the variables in their values.
    fn add_conditions(&mut self, conditions: &[Condition], context: &RequestContext) {
        for condition in conditions {
            self.add(&condition.key, context);
            let Operand::Text(texts) = &condition.operand else { continue };
            for key in texts.iter().flatten().flat_map(|text| variable::absent_keys(text, context))
            {
                self.add(key, context);
            }
        }
    }

    /// The variables of resource entries that would match if their absent variables were `*`.
    fn add_resources(&mut self, element: &ResourceElement, resource: &str, ctx: &RequestContext) {
        let (ResourceElement::Resource(entries) | ResourceElement::NotResource(entries)) = element
        else {
            return;
        };
        for entry in entries {
            let ResourcePattern::Arn(pattern) = entry else { continue };
            let keys = || pattern.segments.iter().flat_map(|s| variable::absent_keys(s, ctx));
            if keys().next().is_some() && arn_matches(pattern, resource, ctx, Absent::Star) {
                keys().for_each(|key| self.add(key, ctx));
            }
        }
    }
}

/// L-241: a statement applies when its principal, action, resource and condition parts do.
pub(crate) fn applies(
    case: &Case<'_>,
    statement: &Statement,
    missing: &mut MissingKeys,
) -> Option<Match> {
    let found = principal_part(case, statement)?;
    if !action_part(&statement.action, &case.check.action) {
        return None;
    }
    let resource = &case.check.resource;
    missing.add_resources(&statement.resource, resource, &case.context);
    if !resource_part(&statement.resource, resource, &case.context) {
        return None;
    }
    missing.add_conditions(&statement.conditions, &case.context);
    condition_part(&statement.conditions, &case.context).holds().then_some(found)
}

// ---- Action ----

/// L-224.
fn action_part(element: &ActionElement, action: &Action) -> bool {
    element.patterns.iter().any(|pattern| action_matches(pattern, action)) != element.negated
}

/// L-222, L-223, L-225: vendors equal, names by glob; the catalog has no say.
fn action_matches(pattern: &ActionPattern, action: &Action) -> bool {
    match pattern {
        ActionPattern::Any => true,
        ActionPattern::Named { vendor, name } => {
            **vendor == *action.service && wildcard::matches(&symbols(name), &action.name)
        }
    }
}

// ---- Resource ----

/// L-237; L-205, L-206 where the element is not there.
fn resource_part(element: &ResourceElement, resource: &str, context: &RequestContext) -> bool {
    let matches = |entries: &[ResourcePattern]| {
        entries.iter().any(|entry| resource_matches(entry, resource, context))
    };
    match element {
        ResourceElement::Unspecified => true,
        ResourceElement::Resource(entries) => matches(entries),
        ResourceElement::NotResource(entries) => !matches(entries),
    }
}

/// L-238: the resource `*` is matched by the pattern `*` alone. L-235 has padded short patterns.
fn resource_matches(entry: &ResourcePattern, resource: &str, context: &RequestContext) -> bool {
    match entry {
        ResourcePattern::Any => true,
        ResourcePattern::Nothing => false,
        ResourcePattern::Arn(_) if resource == "*" => false,
        ResourcePattern::Arn(pattern) => arn_matches(pattern, resource, context, Absent::Resolved),
    }
}

fn arn_matches(pattern: &ArnPattern, text: &str, context: &RequestContext, absent: Absent) -> bool {
    arn_symbols(pattern, context, absent).is_some_and(|symbols| wildcard::matches(&symbols, text))
}

/// The position of the resource segment in [`ArnPattern::segments`]; those before it are the
/// header.
const RESOURCE_SEGMENT: usize = 4;

/// How a variable whose key is absent is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// By L-508.
    Resolved,
    /// As a wide `*`, whatever its default: the hull of E-125.
    Star,
}

/// L-411, L-414: the pattern as one glob over the whole text of an ARN; none when a variable
/// keeps it from matching anything (L-509, L-510).
fn arn_symbols(
    pattern: &ArnPattern,
    context: &RequestContext,
    absent: Absent,
) -> Option<Vec<Symbol>> {
    let mut joined: Vec<Symbol> = literal("arn").collect();
    for (at, pieces) in pattern.segments.iter().enumerate() {
        joined.push(Symbol::Char(':'));
        let reach = if at < RESOURCE_SEGMENT { Reach::NoColon } else { Reach::Anything };
        joined.extend(segment(pieces, context, reach, absent)?);
    }
    Some(joined)
}

/// One segment after substitution. In the header a star that is the last character of its segment
/// is wide, every other wildcard stops at colons.
fn segment(
    pieces: &[Piece],
    context: &RequestContext,
    reach: Reach,
    absent: Absent,
) -> Option<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => symbols.extend(literal(text)),
            Piece::Star => symbols.push(Symbol::Star(reach)),
            Piece::One => symbols.push(Symbol::One(reach)),
            Piece::Variable(variable)
                if absent == Absent::Star && context.get(variable.key.folded()).is_none() =>
            {
                symbols.push(Symbol::Star(Reach::Anything));
            }
            Piece::Variable(variable) => {
                let text = variable::resolve(variable, context)?;
                if reach == Reach::NoColon && text.contains(':') {
                    return None;
                }
                symbols.extend(literal(text));
            }
        }
    }
    if let Some(last @ Symbol::Star(_)) = symbols.last_mut() {
        *last = Symbol::Star(Reach::Anything);
    }
    Some(symbols)
}

// ---- Principal ----

/// The principal part. None: it is false. E-37: in RCPs and endpoint policies any strength counts;
/// the caller of this function decides what strength means.
fn principal_part(case: &Case<'_>, statement: &Statement) -> Option<Match> {
    match &statement.principal {
        PrincipalElement::Unspecified => Some(Match { strength: None }),
        PrincipalElement::Principal(entries) => {
            let strength = entries.iter().filter_map(|entry| strength(case.caller, entry)).max();
            strength.map(|strength| Match { strength: Some(strength) })
        }
        PrincipalElement::NotPrincipal(entries) => match statement.effect {
            Effect::Deny => {
                let denies = case.caller.has_boundary() || !is_exempt(case.caller, entries);
                denies.then_some(Match { strength: None })
            }
            Effect::Allow => (!is_excluded(case.caller, entries))
                .then_some(Match { strength: Some(Strength::Direct) }),
        },
    }
}

/// The levels of L-311.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Any,
    Account,
    User,
    Role,
    Session,
    Service,
    Provider,
    Oai,
}

/// L-310, L-312 – L-319: at which level an entry matches the caller.
fn level(caller: &Caller<'_>, entry: &PrincipalPattern) -> Option<Level> {
    use PrincipalKind as Kind;
    let is = |text: &Option<String>, pattern: &str| text.as_deref() == Some(pattern);
    let user = matches!(caller.kind, Kind::User | Kind::FederatedUser);
    let role = caller.kind == Kind::RoleSession;
    let (matched, level) = match entry {
        PrincipalPattern::Everyone => (true, Level::Any),
        PrincipalPattern::Account { partition, account } => {
            (in_account(caller, partition.as_deref(), account), Level::Account)
        }
        PrincipalPattern::AccountRoot { partition, account } => {
            let root = matches!(caller.kind, Kind::Root | Kind::AssumedRoot);
            (root && in_account(caller, partition.as_deref(), account), Level::Account)
        }
        PrincipalPattern::User(arn) => (user && is(&caller.entity_arn, arn), Level::User),
        PrincipalPattern::Role(arn) => (role && is(&caller.entity_arn, arn), Level::Role),
        PrincipalPattern::RoleSession(arn) => (role && is(&caller.arn, arn), Level::Session),
        PrincipalPattern::FederatedUser(arn) => {
            let federated = matches!(caller.kind, Kind::FederatedUser | Kind::FederatedRoot);
            (federated && is(&caller.arn, arn), Level::Session)
        }
        PrincipalPattern::UniqueId(id) => {
            let level = if user { Level::User } else { Level::Role };
            ((user || role) && is(&caller.unique_id, id), level)
        }
        PrincipalPattern::Oai(arn) => {
            (caller.kind == Kind::Oai && is(&caller.arn, arn), Level::Oai)
        }
        PrincipalPattern::Service(name) => {
            (caller.service_names.iter().any(|own| **own == **name), Level::Service)
        }
        PrincipalPattern::Provider(name) => (is(&caller.provider, name), Level::Provider),
        PrincipalPattern::CanonicalUser(id) => {
            let level = if caller.kind == Kind::Oai { Level::Oai } else { Level::Account };
            (is(&caller.canonical_id, id), level)
        }
        _ => (false, Level::Any),
    };
    matched.then_some(level)
}

/// L-312, L-313.
fn in_account(
    caller: &Caller<'_>,
    partition: Option<&str>,
    account: &assize_model::AccountId,
) -> bool {
    caller.account == Some(*account)
        && partition.is_none_or(|partition| caller.partition.as_deref() == Some(partition))
}

/// E-40, E-45: the strength of an entry.
pub(crate) fn strength(caller: &Caller<'_>, entry: &PrincipalPattern) -> Option<Strength> {
    use PrincipalKind as Kind;
    Some(match (level(caller, entry)?, caller.kind) {
        (Level::User, Kind::FederatedUser)
        | (Level::Role, _)
        | (Level::Account, Kind::FederatedRoot) => Strength::Entity,
        (Level::Account, Kind::User | Kind::RoleSession | Kind::FederatedUser) => Strength::Account,
        _ => Strength::Direct,
    })
}

/// The levels at which the links of the caller's chain are listed (L-310).
fn chain(kind: PrincipalKind) -> &'static [Level] {
    use PrincipalKind as Kind;
    match kind {
        Kind::Anonymous | Kind::Oai => &[],
        Kind::Root | Kind::AssumedRoot => &[Level::Account],
        Kind::User => &[Level::Account, Level::User],
        Kind::RoleSession => &[Level::Account, Level::Role, Level::Session],
        Kind::FederatedUser => &[Level::Account, Level::User, Level::Session],
        Kind::FederatedRoot => &[Level::Account, Level::Session],
        Kind::Service => &[Level::Service],
        Kind::Federated => &[Level::Provider],
    }
}

fn is_listed(caller: &Caller<'_>, entries: &[PrincipalPattern], link: Level) -> bool {
    entries.iter().any(|entry| level(caller, entry) == Some(link))
}

/// L-332, L-334: a Deny spares a caller only if every link of its chain is listed.
fn is_exempt(caller: &Caller<'_>, entries: &[PrincipalPattern]) -> bool {
    let links = chain(caller.kind);
    !links.is_empty() && links.iter().all(|link| is_listed(caller, entries, *link))
}

/// L-333, L-334: an Allow leaves a caller out if any link of its chain is listed.
fn is_excluded(caller: &Caller<'_>, entries: &[PrincipalPattern]) -> bool {
    chain(caller.kind).iter().any(|link| is_listed(caller, entries, *link))
}
