//! One statement against one row, read from the IR.

use assize_automata::{Class, Pattern, PatternBuilder};
use assize_catalog::Catalog;
use assize_model::{ActionId, ConditionKey, Effect, PolicyType, Strength};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, ConditionOperator, Operand, Piece,
    PolicyVariable, PrincipalElement, ResourceElement, ResourcePattern, SetQualifier, Statement,
};
use assize_policy::value::{
    eq_ignore_case, parse_binary, parse_bool, parse_date, parse_decimal, parse_ip_address,
};

use crate::columns::{
    ActionRef, KeyScope, PrincipalEntry, RequestColumns, ResourceEntry, ValueView,
};
use crate::overlay::Overlay;
use crate::program::PrincipalProgram;
use crate::tables::DecisionTables;

/// One row, with what it points to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check<'a> {
    pub(super) tables: &'a DecisionTables,
    pub(super) catalog: &'a Catalog,
    pub(super) overlay: Option<&'a Overlay>,
    pub(super) columns: &'a RequestColumns<'a>,
    pub(super) row: usize,
    pub(super) action: ActionRef,
    pub(super) principal: &'a PrincipalEntry,
    pub(super) resource: &'a ResourceEntry<'a>,
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
    pub(super) fn value(&self, key: &ConditionKey) -> ValueView<'a> {
        let folded = key.folded();
        let known = match self.overlay {
            Some(overlay) => overlay.key(self.tables, folded),
            None => self.tables.key(folded),
        };
        let Some(known) = known else { return ValueView::Absent };
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

    /// L-237.
    pub(super) fn resource_part(&self, element: &ResourceElement) -> bool {
        let matches =
            |entries: &[ResourcePattern]| entries.iter().any(|entry| self.entry_matches(entry));
        match element {
            ResourceElement::Unspecified => true,
            ResourceElement::Resource(entries) => matches(entries),
            ResourceElement::NotResource(entries) => !matches(entries),
        }
    }

    /// L-238.
    pub(super) fn entry_matches(&self, entry: &ResourcePattern) -> bool {
        match entry {
            ResourcePattern::Any => true,
            ResourcePattern::Nothing => false,
            ResourcePattern::Arn(_) if self.resource.is_star() => false,
            ResourcePattern::Arn(pattern) => self.arn_matches(pattern, Absent::Resolved),
        }
    }

    fn arn_matches(&self, pattern: &ArnPattern, absent: Absent) -> bool {
        let Some(pattern) = self.arn_pattern(pattern, absent) else { return false };
        pattern.is_match(self.resource.text.as_bytes())
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
        self.value(key) == ValueView::Absent
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
            if !absent.is_empty() && self.arn_matches(pattern, Absent::Star) {
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
        pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) if self.is_absent(&variable.key) => Some(&variable.key),
            _ => None,
        })
    }

    /// L-611, L-612.
    pub(super) fn test(&self, condition: &Condition) -> bool {
        let negated = condition.operator.is_negated();
        let value = self.value(&condition.key);
        if condition.operator == ConditionOperator::Null {
            return match condition.qualifier {
                Some(SetQualifier::ForAllValues) => true,
                Some(SetQualifier::ForAnyValue) => false,
                None => {
                    let Operand::Bool(values) = &condition.operand else { return false };
                    values.contains(&Some(value == ValueView::Absent))
                }
            };
        }
        let members: Vec<&str> = match value {
            ValueView::Absent => Vec::new(),
            ValueView::Single(text) => vec![text],
            ValueView::List(members) => {
                members.iter().filter_map(|member| self.columns.values.text(*member)).collect()
            }
            ValueView::Colliding => return negated,
        };
        let holds = |member: &&str| self.satisfies(condition, member) != negated;
        let is_void = members.iter().all(|member| member.is_empty());
        match (condition.qualifier, value) {
            (Some(SetQualifier::ForAllValues), _) => is_void || members.iter().all(holds),
            (Some(SetQualifier::ForAnyValue), _) => !is_void && members.iter().any(holds),
            (None, ValueView::Absent) => negated || condition.if_exists,
            (None, ValueView::Single(text)) => holds(&text),
            (None, _) => false,
        }
    }

    /// m(v) of section 6.2.
    fn satisfies(&self, condition: &Condition, v: &str) -> bool {
        use ConditionOperator as Op;
        let op = condition.operator;
        match &condition.operand {
            Operand::Text(values) => values.iter().flatten().any(|pieces| match op {
                Op::StringEqualsIgnoreCase | Op::StringNotEqualsIgnoreCase => {
                    self.plain_text(pieces).is_some_and(|w| eq_ignore_case(v, &w))
                }
                Op::ArnEquals | Op::ArnNotEquals | Op::ArnLike | Op::ArnNotLike => {
                    self.arn_value_matches(pieces, v)
                }
                _ => self.glob_value_matches(pieces, v),
            }),
            Operand::Number(values) => {
                let Some(v) = parse_decimal(v) else { return false };
                values.iter().flatten().any(|w| compares(op, v.cmp(w)))
            }
            Operand::Date(values) => {
                let Some(v) = parse_date(v) else { return false };
                values.iter().flatten().any(|w| compares(op, v.cmp(w)))
            }
            Operand::Bool(values) => parse_bool(v).is_some_and(|v| values.contains(&Some(v))),
            Operand::Binary(values) => parse_binary(v).is_some_and(|v| values.contains(&Some(v))),
            Operand::Ip(values) => {
                let Some(v) = parse_ip_address(v) else { return false };
                values.iter().flatten().any(|block| block.contains(v))
            }
        }
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
