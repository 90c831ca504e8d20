//! Whether a statement applies to a check (L-241), and how closely it names the principal (E-40).

use assize_model::{ConditionKey, Effect, PrincipalKind, Strength};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, Operand, Piece, PrincipalElement,
    PrincipalPattern, ResourceElement, ResourcePattern, Statement,
};

use crate::condition::variable::Resolved;
use crate::condition::{Truth, condition_part, unknown_keys, variable};
use crate::evaluate::knowledge::{Knowledge, State};
use crate::evaluate::{Action, Caller, Case};
use crate::wildcard::{self, Reach, Symbol, literal, symbols};

/// A statement that applies, or may (E-126).
#[derive(Debug, Clone)]
pub(crate) struct Match {
    /// How closely a `Principal` element names the caller; none where there is no such element.
    pub(crate) strength: Option<Strength>,
    /// The unknown keys of a statement that is U (E-129), as spelled; none of one that is T.
    pub(crate) open: Option<Vec<ConditionKey>>,
}

/// What statements asked for: keys that the context lacks, in the order first seen (E-104), and
/// what tests rest on.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) missing: Vec<ConditionKey>,
    pub(crate) assumptions: Vec<&'static str>,
}

impl Asked {
    fn add(&mut self, key: &ConditionKey, known: &Knowledge<'_>) {
        let is_absent = matches!(known.state(key.folded()), State::Absent);
        if is_absent && !self.missing.contains(key) {
            self.missing.push(key.clone());
        }
        self.assumptions.extend(known.assumption(key));
    }

    /// The keys of the tests and of the variables in their values.
    fn add_conditions(&mut self, conditions: &[Condition], known: &Knowledge<'_>) {
        for condition in conditions {
            self.add(&condition.key, known);
            let Operand::Text(texts) = &condition.operand else { continue };
            for key in texts.iter().flatten().flat_map(|text| variable::keys(text)) {
                self.add(key, known);
            }
        }
    }

    /// The variables of resource entries that would match if their absent variables were `*`.
    fn add_resources(&mut self, element: &ResourceElement, resource: &str, known: &Knowledge<'_>) {
        let (ResourceElement::Resource(entries) | ResourceElement::NotResource(entries)) = element
        else {
            return;
        };
        for entry in entries {
            let ResourcePattern::Arn(pattern) = entry else { continue };
            let keys = || pattern.segments.iter().flat_map(|s| variable::absent_keys(s, known));
            let matches = || arn_matches(pattern, resource, known, Absent::Star) != Truth::False;
            if keys().next().is_some() && matches() {
                keys().for_each(|key| self.add(key, known));
            }
        }
    }
}

/// L-241, E-126: a statement applies when its principal, action, resource and condition parts do.
pub(crate) fn applies(case: &Case<'_>, statement: &Statement, asked: &mut Asked) -> Option<Match> {
    let found = principal_part(case, statement)?;
    if !action_part(&statement.action, &case.check.action) {
        return None;
    }
    let (resource, known) = (&case.check.resource, &case.known);
    asked.add_resources(&statement.resource, resource, known);
    let resource_part = resource_part(&statement.resource, resource, known);
    if resource_part == Truth::False {
        return None;
    }
    asked.add_conditions(&statement.conditions, known);
    match Truth::all([resource_part, condition_part(&statement.conditions, known)]) {
        Truth::False => None,
        Truth::True => Some(found),
        Truth::Unknown => Some(Match { open: Some(open_keys(case, statement)), ..found }),
    }
}

/// E-129: the keys of the resource entries and tests that are U.
fn open_keys(case: &Case<'_>, statement: &Statement) -> Vec<ConditionKey> {
    let (resource, known) = (&case.check.resource, &case.known);
    let mut keys = Vec::new();
    if let ResourceElement::Resource(entries) | ResourceElement::NotResource(entries) =
        &statement.resource
    {
        for entry in entries {
            let is_open = resource_matches(entry, resource, known) == Truth::Unknown;
            let ResourcePattern::Arn(pattern) = entry else { continue };
            if is_open {
                let segments = pattern.segments.iter();
                keys.extend(segments.flat_map(|s| variable::unknown_keys(s, known)));
            }
        }
    }
    let of_tests = statement.conditions.iter().flat_map(|test| unknown_keys(test, known));
    keys.into_iter().chain(of_tests).cloned().collect()
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
fn resource_part(element: &ResourceElement, resource: &str, known: &Knowledge<'_>) -> Truth {
    let matches = |entries: &[ResourcePattern]| {
        Truth::any(entries.iter().map(|entry| resource_matches(entry, resource, known)))
    };
    match element {
        ResourceElement::Unspecified => Truth::True,
        ResourceElement::Resource(entries) => matches(entries),
        ResourceElement::NotResource(entries) => matches(entries).not(),
    }
}

/// L-238: the resource `*` is matched by the pattern `*` alone. L-235 has padded short patterns.
fn resource_matches(entry: &ResourcePattern, resource: &str, known: &Knowledge<'_>) -> Truth {
    match entry {
        ResourcePattern::Any => Truth::True,
        ResourcePattern::Nothing(..) => Truth::False,
        ResourcePattern::Arn(_) if resource == "*" => Truth::False,
        ResourcePattern::Arn(pattern) => arn_matches(pattern, resource, known, Absent::Resolved),
    }
}

/// E-125: a hull that matches says that the entry may.
fn arn_matches(pattern: &ArnPattern, text: &str, known: &Knowledge<'_>, absent: Absent) -> Truth {
    match arn_symbols(pattern, known, absent) {
        Some(hull) if wildcard::matches(&hull.symbols, text) => {
            if hull.is_hull {
                Truth::Unknown
            } else {
                Truth::True
            }
        }
        _ => Truth::False,
    }
}

/// The position of the resource segment in [`ArnPattern::segments`]; those before it are the
/// header.
const RESOURCE_SEGMENT: usize = 4;

/// How a variable whose key is absent is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// By L-508.
    Resolved,
    /// As a wide `*`, whatever its default, as in the hull of E-125.
    Star,
}

/// L-411, L-414: the pattern as one glob over the whole text of an ARN; none when a variable
/// keeps it from matching anything (L-509, L-510).
fn arn_symbols(
    pattern: &ArnPattern,
    known: &Knowledge<'_>,
    absent: Absent,
) -> Option<variable::Substituted> {
    let mut joined: Vec<Symbol> = literal("arn").collect();
    let mut is_hull = false;
    for (at, pieces) in pattern.segments.iter().enumerate() {
        joined.push(Symbol::Char(':'));
        let reach = if at < RESOURCE_SEGMENT { Reach::NoColon } else { Reach::Anything };
        let segment = segment(pieces, known, reach, absent)?;
        joined.extend(segment.symbols);
        is_hull |= segment.is_hull;
    }
    Some(variable::Substituted { symbols: joined, is_hull })
}

/// One segment after substitution. In the header a star that is the last character of its segment
/// is wide, every other wildcard stops at colons. An unknown variable is wide (E-125).
fn segment(
    pieces: &[Piece],
    known: &Knowledge<'_>,
    reach: Reach,
    absent: Absent,
) -> Option<variable::Substituted> {
    let mut symbols = Vec::new();
    let mut is_hull = false;
    for piece in pieces {
        let variable = match piece {
            Piece::Literal(text) => {
                symbols.extend(literal(text));
                continue;
            }
            Piece::Star => {
                symbols.push(Symbol::Star(reach));
                continue;
            }
            Piece::One => {
                symbols.push(Symbol::One(reach));
                continue;
            }
            Piece::Variable(variable) => variable,
        };
        let state = known.state(variable.key.folded());
        if absent == Absent::Star && matches!(state, State::Absent) {
            symbols.push(Symbol::Star(Reach::Anything));
            continue;
        }
        match variable::resolve(variable, known) {
            Resolved::Text(text) if reach == Reach::NoColon && text.contains(':') => return None,
            Resolved::Text(text) => symbols.extend(literal(text)),
            Resolved::Nothing => return None,
            Resolved::Unknown => {
                symbols.push(Symbol::Star(Reach::Anything));
                is_hull = true;
            }
        }
    }
    if let Some(last @ Symbol::Star(_)) = symbols.last_mut() {
        *last = Symbol::Star(Reach::Anything);
    }
    Some(variable::Substituted { symbols, is_hull })
}

// ---- Principal ----

/// The principal part. None: it is false. E-37: in RCPs and endpoint policies any strength counts;
/// the caller of this function decides what strength means.
fn principal_part(case: &Case<'_>, statement: &Statement) -> Option<Match> {
    let matched = |strength| Match { strength, open: None };
    match &statement.principal {
        PrincipalElement::Unspecified => Some(matched(None)),
        PrincipalElement::Principal(entries) => {
            let strength = entries.iter().filter_map(|entry| strength(case.caller, entry)).max();
            strength.map(|strength| matched(Some(strength)))
        }
        PrincipalElement::NotPrincipal(entries) => match statement.effect {
            // E-42, E-43: two-valued, and a boundary takes the exemption away.
            Effect::Deny => {
                let denies = case.caller.has_boundary() || !is_exempt(case.caller, entries);
                denies.then_some(matched(None))
            }
            // E-42.
            Effect::Allow => {
                (!is_excluded(case.caller, entries)).then_some(matched(Some(Strength::Direct)))
            }
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
        // L-312.
        PrincipalPattern::Account { partition, account } => {
            (in_account(caller, partition.as_deref(), account), Level::Account)
        }
        // L-216.
        PrincipalPattern::AccountRoot { partition, account } => {
            let root = matches!(caller.kind, Kind::Root | Kind::AssumedRoot);
            (root && in_account(caller, partition.as_deref(), account), Level::Account)
        }
        // L-314.
        PrincipalPattern::User(arn) => (user && is(&caller.entity_arn, arn), Level::User),
        // L-315: every session of the role.
        PrincipalPattern::Role(arn) => {
            (role && (is(&caller.entity_arn, arn) || is_role_of_name(caller, arn)), Level::Role)
        }
        // L-315: that session.
        PrincipalPattern::RoleSession(arn) => (role && is(&caller.arn, arn), Level::Session),
        PrincipalPattern::FederatedUser(arn) => {
            let federated = matches!(caller.kind, Kind::FederatedUser | Kind::FederatedRoot);
            (federated && is(&caller.arn, arn), Level::Session)
        }
        // L-322, L-325.
        PrincipalPattern::UniqueId(id) => {
            let level = if user { Level::User } else { Level::Role };
            ((user || role) && is(&caller.unique_id, id), level)
        }
        PrincipalPattern::Oai(arn) => {
            (caller.kind == Kind::Oai && is(&caller.arn, arn), Level::Oai)
        }
        // L-316.
        PrincipalPattern::Service(name) => {
            (caller.service_names.iter().any(|own| **own == **name), Level::Service)
        }
        // L-317.
        PrincipalPattern::Provider(name) => (is(&caller.provider, name), Level::Provider),
        // L-318.
        PrincipalPattern::CanonicalUser(id) => {
            let level = if caller.kind == Kind::Oai { Level::Oai } else { Level::Account };
            (is(&caller.canonical_id, id), level)
        }
        _ => (false, Level::Any),
    };
    matched.then_some(level)
}

/// E-11: names of roles are unique in an account, whatever their paths, so that an ARN with a path
/// names the role of a caller whose path nobody says.
fn is_role_of_name(caller: &Caller<'_>, arn: &str) -> bool {
    let split = |arn: &str| {
        let (account, rest) = arn.split_once(":role/")?;
        Some((account.to_owned(), rest.rsplit('/').next()?.to_owned()))
    };
    let own = caller.entity_arn.as_deref().filter(|_| caller.is_path_assumed);
    own.is_some_and(|own| split(own).is_some() && split(own) == split(arn))
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
