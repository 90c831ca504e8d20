//! One statement against one row, read from the IR.

use assize_automata::{Class, Pattern, PatternBuilder};
use assize_catalog::Catalog;
use assize_model::{ActionId, ConditionKey, Effect, PolicyType, Strength};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, ConditionOperator, Operand, Piece,
    PolicyVariable, PrincipalElement, ResourceElement, ResourcePattern, SetQualifier, Statement,
};
use assize_policy::value::{
    eq_ignore_case, fold_unicode, parse_binary, parse_bool, parse_date, parse_decimal,
    parse_ip_address,
};

use crate::columns::{
    ActionRef, KeyId, KeyScope, PrincipalEntry, RequestColumns, ResourceEntry, ValueView,
};
use crate::overlay::Overlay;
use crate::partial::{Gaps, KeySet, PartialColumns, Side};
use crate::program::PrincipalProgram;
use crate::tables::DecisionTables;
use crate::truth::Truth;

/// One row, with what it points to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'a> {
    pub(super) tables: &'a DecisionTables,
    pub(super) catalog: &'a Catalog,
    pub(crate) overlay: Option<&'a Overlay>,
    pub(super) columns: &'a RequestColumns<'a>,
    pub(super) row: usize,
    pub(super) action: ActionRef,
    pub(super) principal: &'a PrincipalEntry,
    pub(super) resource: ResourceEntry<'a>,
    /// What the row leaves unknown, and the keys that are declared to hold one value; none in
    /// complete context.
    pub(super) gaps: Option<(&'a Gaps, &'a KeySet, &'a [Box<str>])>,
    /// The side that is traced.
    pub(super) side: Side,
}

/// The state of a key (E-121).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State<'a> {
    Known(ValueView<'a>),
    Unknown,
}

/// What became of a principal part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrincipalPart {
    False,
    /// There is no principal to name, or it is not named by strength.
    True,
    Named(Strength),
}

/// How a variable whose key is absent is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// By L-508.
    Resolved,
    /// As a wide `*`: the hull of E-125.
    Star,
}

/// The resource segment of an ARN pattern.
pub(super) const RESOURCE_SEGMENT: usize = 4;

impl<'a> Check<'a> {
    /// The same row with what it leaves unknown.
    pub(crate) fn with_gaps(self, partial: &PartialColumns<'a>) -> Option<Self> {
        let gaps = (partial.gaps_of(self.row)?, partial.single, partial.organizations);
        Some(Self { gaps: Some(gaps), ..self })
    }

    fn key_id(&self, key: &ConditionKey) -> Option<KeyId> {
        match self.overlay {
            Some(overlay) => overlay.key(self.tables, key.folded()),
            None => self.tables.key(key.folded()),
        }
    }

    fn state(&self, key: &ConditionKey) -> State<'a> {
        let value = self.value(key);
        let unknown = self.gaps.zip(self.key_id(key)).is_some_and(|((gaps, ..), id)| {
            gaps.hidden.contains(id) || gaps.absent.contains(id) && value == ValueView::Absent
        });
        if unknown { State::Unknown } else { State::Known(value) }
    }

    pub(super) fn is_unknown(&self, key: &ConditionKey) -> bool {
        self.state(key) == State::Unknown
    }

    pub(super) fn value(&self, key: &ConditionKey) -> ValueView<'a> {
        let folded = key.folded();
        let Some(known) = self.key_id(key) else { return ValueView::Absent };
        let scope = KeyScope::of(folded);
        let (principal, resource) = (self.principal, self.resource);
        self.columns.values.get(self.columns.value(self.row, known, scope, principal, resource))
    }

    /// The principal part.
    pub(super) fn principal_part(
        &self,
        statement: &Statement,
        policy_type: PolicyType,
    ) -> PrincipalPart {
        let effect = statement.effect;
        let (negated, entries) = match &statement.principal {
            PrincipalElement::Unspecified => return PrincipalPart::True,
            PrincipalElement::Principal(entries) => (false, entries),
            PrincipalElement::NotPrincipal(entries) => (true, entries),
        };
        if policy_type == PolicyType::ResourceControl {
            return PrincipalPart::Named(Strength::Direct);
        }
        let program = PrincipalProgram { effect, negated, entries: entries.as_slice().into() };
        match program.strength(self.principal) {
            None => PrincipalPart::False,
            // E-42: strength plays no part in such a Deny.
            Some(_) if negated && effect == Effect::Deny => PrincipalPart::True,
            Some(strength) => PrincipalPart::Named(strength),
        }
    }

    /// L-224. An action that is neither in the catalog nor in the overlay is not there: nothing
    /// is about it.
    pub(super) fn action_part(&self, element: &ActionElement) -> bool {
        let Some((service, name)) = self.action_words() else { return false };
        let matched = element.patterns.iter().any(|pattern| match pattern {
            ActionPattern::Any => true,
            ActionPattern::Named { vendor, name: pattern } => {
                **vendor == *service && Pattern::glob(pattern).is_match(name.as_bytes())
            }
        });
        matched != element.negated
    }

    /// Service prefix and name of the action, in lower case.
    fn action_words(&self) -> Option<(String, &'a str)> {
        if self.action.overlay_index().is_some() {
            let action = self.overlay?.action(self.action)?;
            return Some((action.service.to_string(), &action.name));
        }
        let known = self.tables.known_action(self.action).and_then(ActionId::new)?;
        let reference = self.catalog.action_ref(known);
        let service = reference.service().prefix().to_ascii_lowercase();
        Some((service, self.catalog.lower_name(known)))
    }

    /// L-237, E-126.
    pub(super) fn resource_part(&self, element: &ResourceElement) -> Truth {
        let matches = |entries: &[ResourcePattern]| {
            Truth::any(entries.iter().map(|entry| self.entry_matches(entry)))
        };
        match element {
            ResourceElement::Unspecified => Truth::True,
            ResourceElement::Resource(entries) => matches(entries),
            ResourceElement::NotResource(entries) => matches(entries).not(),
        }
    }

    /// L-238.
    pub(super) fn entry_matches(&self, entry: &ResourcePattern) -> Truth {
        match entry {
            ResourcePattern::Any => Truth::True,
            ResourcePattern::Nothing(..) => Truth::False,
            ResourcePattern::Arn(_) if self.resource.is_star() => Truth::False,
            ResourcePattern::Arn(pattern) => self.arn_matches(pattern, Absent::Resolved),
        }
    }

    /// E-125: an entry with unknown variables matches at most what its hull does.
    fn arn_matches(&self, pattern: &ArnPattern, absent: Absent) -> Truth {
        let is_hull = pattern.segments.iter().any(|pieces| self.has_unknown(pieces));
        let matched = self
            .arn_pattern(pattern, absent)
            .is_some_and(|pattern| pattern.is_match(self.resource.text().as_bytes()));
        if matched && is_hull { Truth::Unknown } else { matched.into() }
    }

    fn has_unknown(&self, pieces: &[Piece]) -> bool {
        self.unknown_variables(pieces).next().is_some()
    }

    fn unknown_variables<'p>(&self, pieces: &'p [Piece]) -> impl Iterator<Item = &'p ConditionKey> {
        variables(pieces).filter(|key| self.is_unknown(key))
    }

    /// E-129: the unknown keys of the resource entries and tests of a statement that are U.
    pub(crate) fn open_keys(&self, statement: &Statement) -> Vec<ConditionKey> {
        let mut keys = Vec::new();
        if let ResourceElement::Resource(entries) | ResourceElement::NotResource(entries) =
            &statement.resource
        {
            for entry in entries {
                let ResourcePattern::Arn(pattern) = entry else { continue };
                if self.entry_matches(entry) == Truth::Unknown {
                    let segments = pattern.segments.iter();
                    keys.extend(segments.flat_map(|pieces| self.unknown_variables(pieces)));
                }
            }
        }
        for condition in &statement.conditions {
            if self.test(condition) == Truth::Unknown {
                self.open_keys_of_test(condition, &mut keys);
            }
        }
        keys.into_iter().cloned().collect()
    }

    /// The key of a test that is U, and the variables of the values that are.
    fn open_keys_of_test<'c>(&self, condition: &'c Condition, keys: &mut Vec<&'c ConditionKey>) {
        let members = match self.state(&condition.key) {
            State::Unknown => {
                keys.push(&condition.key);
                None
            }
            State::Known(value) => Some(self.members(value)),
        };
        let Operand::Text(texts) = &condition.operand else { return };
        for pieces in texts.iter().flatten() {
            let is_open = match &members {
                None => !self.never_matches(condition, pieces),
                Some(members) => members.iter().any(|member| {
                    self.text_matches(condition.operator, pieces, member) == Truth::Unknown
                }),
            };
            if is_open {
                keys.extend(self.unknown_variables(pieces));
            }
        }
    }

    /// The keys of tests and of the variables in their values.
    pub(super) fn asked_keys(conditions: &[Condition]) -> Vec<ConditionKey> {
        let mut asked = Vec::new();
        for condition in conditions {
            add(&mut asked, &condition.key);
            let Operand::Text(texts) = &condition.operand else { continue };
            for key in texts.iter().flatten().flat_map(|pieces| variables(pieces)) {
                add(&mut asked, key);
            }
        }
        asked
    }

    /// L-411, L-509, L-510.
    fn arn_pattern(&self, pattern: &ArnPattern, absent: Absent) -> Option<Pattern> {
        let mut whole = Pattern::builder();
        whole.literal("arn");
        for (at, segment) in pattern.segments.iter().enumerate() {
            whole.literal(":");
            let in_header = at < RESOURCE_SEGMENT;
            let mut pieces = Vec::new();
            for piece in segment {
                let substituted = match piece {
                    Piece::Variable(variable)
                        if absent == Absent::Star && self.is_absent(&variable.key) =>
                    {
                        pieces.push(Substituted::Star { wide: true });
                        continue;
                    }
                    Piece::Variable(variable) if self.is_unknown(&variable.key) => {
                        pieces.push(Substituted::Star { wide: true });
                        continue;
                    }
                    Piece::Variable(variable) => self.resolve(variable)?,
                    Piece::Literal(text) => text,
                    Piece::Star => {
                        pieces.push(Substituted::Star { wide: !in_header });
                        continue;
                    }
                    Piece::One => {
                        pieces.push(Substituted::One { wide: !in_header });
                        continue;
                    }
                };
                if in_header && matches!(piece, Piece::Variable(_)) && substituted.contains(':') {
                    return None;
                }
                if !substituted.is_empty() {
                    pieces.push(Substituted::Text(substituted));
                }
            }
            if let Some(Substituted::Star { wide }) = pieces.last_mut() {
                *wide = true;
            }
            for piece in pieces {
                piece.add_to(&mut whole);
            }
        }
        whole.build().ok()
    }

    fn is_absent(&self, key: &ConditionKey) -> bool {
        self.state(key) == State::Known(ValueView::Absent)
    }

    /// L-508.
    pub(super) fn resolve<'v>(&self, variable: &'v PolicyVariable) -> Option<&'v str>
    where
        'a: 'v,
    {
        match self.value(&variable.key) {
            ValueView::Absent | ValueView::Single("") => variable.default.as_deref(),
            ValueView::Single(text) => Some(text),
            ValueView::List(_) | ValueView::Colliding => None,
        }
    }

    /// E-104: the variables of entries whose hull matches.
    pub(super) fn missing_in_resources(
        &self,
        element: &ResourceElement,
        missing: &mut Vec<ConditionKey>,
    ) {
        let (ResourceElement::Resource(entries) | ResourceElement::NotResource(entries)) = element
        else {
            return;
        };
        for entry in entries {
            let ResourcePattern::Arn(pattern) = entry else { continue };
            let absent = pattern.segments.iter().flat_map(|pieces| self.absent_variables(pieces));
            let absent: Vec<&ConditionKey> = absent.collect();
            if !absent.is_empty() && self.arn_matches(pattern, Absent::Star) != Truth::False {
                for key in absent {
                    add(missing, key);
                }
            }
        }
    }

    /// E-104: the keys of tests, and the variables of their values.
    pub(super) fn missing_in_conditions(
        &self,
        conditions: &[Condition],
        missing: &mut Vec<ConditionKey>,
    ) {
        for condition in conditions {
            if self.is_absent(&condition.key) {
                add(missing, &condition.key);
            }
            let Operand::Text(texts) = &condition.operand else { continue };
            for key in texts.iter().flatten().flat_map(|pieces| self.absent_variables(pieces)) {
                add(missing, key);
            }
        }
    }

    fn absent_variables<'p>(&self, pieces: &'p [Piece]) -> impl Iterator<Item = &'p ConditionKey> {
        variables(pieces).filter(|key| self.is_absent(key))
    }

    /// The members of a value; none of an absent one and where several collide.
    fn members(&self, value: ValueView<'a>) -> Vec<&'a str> {
        match value {
            ValueView::Absent | ValueView::Colliding => Vec::new(),
            ValueView::Single(text) => vec![text],
            ValueView::List(members) => {
                members.iter().filter_map(|member| self.columns.values.text(*member)).collect()
            }
        }
    }

    /// L-611, L-612.
    pub(super) fn test(&self, condition: &Condition) -> Truth {
        let negated = condition.operator.is_negated();
        let state = self.state(&condition.key);
        if condition.operator == ConditionOperator::Null {
            return match condition.qualifier {
                Some(SetQualifier::ForAllValues) => Truth::True,
                Some(SetQualifier::ForAnyValue) => Truth::False,
                None => null_test(condition, state),
            };
        }
        let State::Known(value) = state else { return self.unknown_test(condition) };
        if value == ValueView::Colliding {
            return negated.into();
        }
        let members = self.members(value);
        let holds = |member: &&str| self.satisfies(condition, member).negated_if(negated);
        let is_void = members.iter().all(|member| member.is_empty());
        match (condition.qualifier, value) {
            (Some(SetQualifier::ForAllValues), _) if is_void => Truth::True,
            (Some(SetQualifier::ForAllValues), _) => Truth::all(members.iter().map(holds)),
            (Some(SetQualifier::ForAnyValue), _) if is_void => Truth::False,
            (Some(SetQualifier::ForAnyValue), _) => Truth::any(members.iter().map(holds)),
            (None, ValueView::Absent) => (negated || condition.if_exists).into(),
            (None, ValueView::Single(text)) => holds(&text),
            (None, _) => Truth::False,
        }
    }

    /// The table of E-124.
    fn unknown_test(&self, condition: &Condition) -> Truth {
        let is_single = || {
            let id = self.key_id(&condition.key);
            self.gaps.zip(id).is_some_and(|((_, single, _), id)| single.contains(id))
        };
        let never = self.values_never_match(condition);
        match (condition.qualifier, condition.operator.is_negated()) {
            _ if !never => Truth::Unknown,
            (None, false) if !condition.if_exists => Truth::False,
            (None, true) if is_single() => Truth::True,
            (Some(SetQualifier::ForAllValues), true) => Truth::True,
            (Some(SetQualifier::ForAnyValue), false) => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// never(W) of E-124.
    fn values_never_match(&self, condition: &Condition) -> bool {
        match &condition.operand {
            Operand::Text(texts) => {
                texts.iter().flatten().all(|pieces| self.never_matches(condition, pieces))
            }
            Operand::Number(values) => values.iter().all(Option::is_none),
            Operand::Date(values) => values.iter().all(Option::is_none),
            Operand::Bool(values) => values.iter().all(Option::is_none),
            Operand::Binary(values) => values.iter().all(Option::is_none),
            Operand::Ip(values) => values.iter().all(Option::is_none),
        }
    }

    /// Whether a value is unresolved by what is known, too short to be an ARN (L-620), or of an
    /// organization that the one of the key is not.
    fn never_matches(&self, condition: &Condition, pieces: &[Piece]) -> bool {
        let op = condition.operator;
        let mut n_colons = 0;
        for piece in pieces {
            match self.substituted(piece) {
                Some(Substituted::Text(text)) => n_colons += text.matches(':').count(),
                Some(_) => {}
                None => return true,
            }
        }
        is_arn_operator(op) && !self.has_unknown(pieces) && n_colons < 5
            || self.is_elsewhere(condition, pieces)
    }

    /// Whether a value can match only an organization that the one of the key is known not to be.
    fn is_elsewhere(&self, condition: &Condition, pieces: &[Piece]) -> bool {
        use ConditionOperator as Op;
        let folds = matches!(
            condition.operator,
            Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase
        );
        let key = self.key_id(&condition.key).filter(|_| !folds);
        let Some(((gaps, _, organizations), key)) = self.gaps.zip(key) else { return false };
        let Some(of) = gaps.elsewhere(key) else { return false };
        let texts = pieces.iter().map_while(|piece| match self.substituted(piece) {
            Some(Substituted::Text(text)) => Some(text),
            _ => None,
        });
        let texts: Vec<&str> = texts.collect();
        let whole = texts.len() == pieces.len();
        of.is_of(organizations, &texts.concat(), whole)
    }

    /// m(v) of section 6.2.
    fn satisfies(&self, condition: &Condition, v: &str) -> Truth {
        let op = condition.operator;
        let satisfied = match &condition.operand {
            Operand::Text(values) => {
                let values = values.iter().flatten();
                return Truth::any(values.map(|pieces| self.text_matches(op, pieces, v)));
            }
            Operand::Number(values) => parse_decimal(v)
                .is_some_and(|v| values.iter().flatten().any(|w| compares(op, v.cmp(w)))),
            Operand::Date(values) => parse_date(v)
                .is_some_and(|v| values.iter().flatten().any(|w| compares(op, v.cmp(w)))),
            Operand::Bool(values) => parse_bool(v).is_some_and(|v| values.contains(&Some(v))),
            Operand::Binary(values) => parse_binary(v).is_some_and(|v| values.contains(&Some(v))),
            Operand::Ip(values) => parse_ip_address(v)
                .is_some_and(|v| values.iter().flatten().any(|block| block.contains(v))),
        };
        satisfied.into()
    }

    /// Whether one value of a String or Arn operator matches; with unknown variables it may, if
    /// its hull does (E-125).
    fn text_matches(&self, op: ConditionOperator, pieces: &[Piece], v: &str) -> Truth {
        use ConditionOperator as Op;
        let is_hull = self.has_unknown(pieces);
        let matched = match op {
            Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase if is_hull => {
                self.folded_value_matches(pieces, v)
            }
            Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase => {
                self.plain_text(pieces).is_some_and(|w| eq_ignore_case(v, &w))
            }
            _ if is_arn_operator(op) && !is_hull => self.arn_value_matches(pieces, v),
            _ => self.glob_value_matches(pieces, v),
        };
        if matched && is_hull { Truth::Unknown } else { matched.into() }
    }

    fn folded_value_matches(&self, pieces: &[Piece], v: &str) -> bool {
        let mut pattern = Pattern::builder();
        for piece in pieces {
            match self.substituted(piece) {
                Some(Substituted::Text(text)) => {
                    pattern.literal(&fold_unicode(text));
                }
                Some(piece) => piece.add_to(&mut pattern),
                None => return false,
            }
        }
        let v = fold_unicode(v);
        pattern.build().is_ok_and(|pattern| pattern.is_match(v.as_bytes()))
    }

    fn plain_text(&self, pieces: &[Piece]) -> Option<String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Variable(variable) => text.push_str(self.resolve(variable)?),
                Piece::Star | Piece::One => return None,
            }
        }
        Some(text)
    }

    fn glob_value_matches(&self, pieces: &[Piece], v: &str) -> bool {
        let mut pattern = Pattern::builder();
        for piece in pieces {
            match self.substituted(piece) {
                Some(piece) => piece.add_to(&mut pattern),
                None => return false,
            }
        }
        pattern.build().is_ok_and(|pattern| pattern.is_match(v.as_bytes()))
    }

    /// L-620, segment by segment.
    fn arn_value_matches(&self, pieces: &[Piece], v: &str) -> bool {
        let mut segments: Vec<PatternBuilder> = Vec::new();
        let mut segment = Pattern::builder();
        for piece in pieces {
            let Some(piece) = self.substituted(piece) else { return false };
            let Substituted::Text(mut text) = piece else {
                piece.add_to(&mut segment);
                continue;
            };
            while let Some((head, tail)) = text.split_once(':').filter(|_| segments.len() < 5) {
                segment.literal(head);
                segments.push(std::mem::take(&mut segment));
                text = tail;
            }
            segment.literal(text);
        }
        segments.push(segment);
        let parts: Vec<&str> = v.splitn(6, ':').collect();
        segments.len() == 6
            && parts.len() == 6
            && segments.iter().zip(parts).all(|(segment, part)| {
                segment.build().is_ok_and(|segment| segment.is_match(part.as_bytes()))
            })
    }

    /// A piece of a condition value, with its variable replaced.
    fn substituted<'p>(&self, piece: &'p Piece) -> Option<Substituted<'p>>
    where
        'a: 'p,
    {
        Some(match piece {
            Piece::Literal(text) => Substituted::Text(text),
            Piece::Star => Substituted::Star { wide: true },
            Piece::One => Substituted::One { wide: true },
            Piece::Variable(variable) if self.is_unknown(&variable.key) => {
                Substituted::Star { wide: true }
            }
            Piece::Variable(variable) => Substituted::Text(self.resolve(variable)?),
        })
    }
}

/// A piece after substitution; wide wildcards cross colons.
#[derive(Debug, Clone, Copy)]
enum Substituted<'a> {
    Text(&'a str),
    Star { wide: bool },
    One { wide: bool },
}

impl Substituted<'_> {
    fn add_to(self, pattern: &mut PatternBuilder) {
        let class = |wide| if wide { Class::Any } else { Class::Except(b':') };
        match self {
            Self::Text(text) => pattern.literal(text),
            Self::Star { wide } => pattern.star(class(wide)),
            Self::One { wide } => pattern.one(class(wide)),
        };
    }
}

fn variables(pieces: &[Piece]) -> impl Iterator<Item = &ConditionKey> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Variable(variable) => Some(&variable.key),
        Piece::Literal(_) | Piece::Star | Piece::One => None,
    })
}

/// L-611, L-621, E-124.
fn null_test(condition: &Condition, state: State<'_>) -> Truth {
    let Operand::Bool(values) = &condition.operand else { return Truth::False };
    let (absent, present) = (values.contains(&Some(true)), values.contains(&Some(false)));
    match state {
        State::Known(ValueView::Absent) => absent.into(),
        State::Known(_) => present.into(),
        State::Unknown if absent == present => absent.into(),
        State::Unknown => Truth::Unknown,
    }
}

fn is_arn_operator(operator: ConditionOperator) -> bool {
    use ConditionOperator as Op;
    matches!(operator, Op::ArnEquals | Op::ArnNotEquals | Op::ArnLike | Op::ArnNotLike)
}

fn add(keys: &mut Vec<ConditionKey>, key: &ConditionKey) {
    if !keys.contains(key) {
        keys.push(key.clone());
    }
}

/// L-615, L-616: the order of v against w that an operator, or its positive twin, asks for.
fn compares(operator: ConditionOperator, ordering: std::cmp::Ordering) -> bool {
    use ConditionOperator as Op;
    match operator {
        Op::NumericLessThan | Op::DateLessThan => ordering.is_lt(),
        Op::NumericLessThanEquals | Op::DateLessThanEquals => ordering.is_le(),
        Op::NumericGreaterThan | Op::DateGreaterThan => ordering.is_gt(),
        Op::NumericGreaterThanEquals | Op::DateGreaterThanEquals => ordering.is_ge(),
        _ => ordering.is_eq(),
    }
}
