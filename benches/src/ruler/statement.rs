//! Statements as the rulers keep them, and what one of them says of a request.

use assize_model::{Effect, PolicyType};
use assize_policy::ir::{
    ActionPattern, Condition, ConditionOperator, Operand, Piece, Policy, ResourceElement,
    ResourcePattern, SetQualifier,
};
use assize_policy::value::parse_ip_address;
use assize_policy::value::{eq_ignore_case, parse_bool, parse_date, parse_decimal};
use assize_policy::{LoadMode, LoadOptions, load};
use hashbrown::HashMap;

/// Stands for `*` in a compiled pattern: no byte of a text in UTF-8.
const STAR: u8 = 0xFF;
/// Stands for `?`.
const ONE: u8 = 0xFE;

/// The condition keys that policies ask about, by folded name; positions are slots.
#[derive(Debug, Default)]
pub struct Keys {
    slots: HashMap<Box<str>, u32>,
}

impl Keys {
    /// The slot of a key, if some policy asks about it.
    pub fn slot(&self, name: &str) -> Option<u32> {
        self.slots.get(name.to_ascii_lowercase().as_str()).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    fn add(&mut self, folded: &str) -> u32 {
        let next = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        *self.slots.entry(folded.into()).or_insert(next)
    }
}

/// The values that hang on a principal alone, by slot.
#[derive(Debug, Clone, Default)]
pub struct PrincipalValues(pub Vec<Option<String>>);

/// A request, already split into its fields.
#[derive(Debug, Clone)]
pub struct RulerRequest<'r> {
    /// The ARN of the user or role.
    pub principal: &'r str,
    /// `service:Name`, in any case.
    pub action: &'r str,
    /// An ARN, or `*`.
    pub resource: &'r str,
    /// The values of the keys that policies ask about, by slot.
    pub context: Vec<(u32, &'r str)>,
}

impl<'r> RulerRequest<'r> {
    /// The action in lower case.
    pub(super) fn lowered_action<'b>(&self, buffer: &'b mut [u8; 128]) -> &'b [u8] {
        let length = self.action.len().min(buffer.len());
        let lowered = &mut buffer[..length];
        lowered.copy_from_slice(&self.action.as_bytes()[..length]);
        lowered.make_ascii_lowercase();
        lowered
    }

    /// The segments of the resource.
    pub(super) fn segments(&self) -> [&'r str; 6] {
        let mut segments = [""; 6];
        for (segment, part) in segments.iter_mut().zip(self.resource.splitn(6, ':')) {
            *segment = part;
        }
        segments
    }
}

/// What a statement is asked about.
#[derive(Debug)]
pub(super) struct Asked<'r> {
    pub(super) context: &'r [(u32, &'r str)],
    pub(super) segments: [&'r str; 6],
    pub(super) principal: &'r PrincipalValues,
}

impl<'r> Asked<'r> {
    fn value(&self, slot: u32) -> Option<&'r str> {
        let own = self.context.iter().find(|(other, _)| *other == slot);
        match own {
            Some((_, value)) => Some(*value),
            None => self.principal.0.get(slot as usize)?.as_deref(),
        }
    }
}

/// A statement, compiled to bytes as far as it has no variables.
#[derive(Debug)]
pub(super) struct RulerStatement {
    pub(super) is_deny: bool,
    not_action: bool,
    actions: Vec<Box<[u8]>>,
    not_resource: bool,
    any_resource: bool,
    resources: Vec<[Text; 6]>,
    tests: Vec<Test>,
}

/// A pattern or a literal.
#[derive(Debug)]
enum Text {
    Bytes(Box<[u8]>),
    /// With variables: bytes, and the slot of the variable behind them.
    Template(Vec<(Box<[u8]>, Option<u32>)>),
}

/// A condition, parsed.
#[derive(Debug)]
struct Test {
    slot: u32,
    operator: ConditionOperator,
    qualifier: Option<SetQualifier>,
    if_exists: bool,
    texts: Vec<Text>,
    operand: Operand,
}

/// Loads a document.
pub(super) fn read(
    document: &str,
    policy_type: PolicyType,
    keys: &mut Keys,
) -> Vec<RulerStatement> {
    let loaded = load(document, &LoadOptions::new(policy_type, LoadMode::Import));
    let policy = loaded.policy.unwrap_or(Policy { policy_type, statements: Vec::new() });
    policy.statements.into_iter().map(|statement| RulerStatement::new(statement, keys)).collect()
}

impl RulerStatement {
    fn new(statement: assize_policy::ir::Statement, keys: &mut Keys) -> Self {
        let (not_resource, entries) = match statement.resource {
            ResourceElement::NotResource(entries) => (true, entries),
            ResourceElement::Resource(entries) => (false, entries),
            ResourceElement::Unspecified => (false, vec![ResourcePattern::Any]),
        };
        let resources = entries.iter().filter_map(|entry| match entry {
            ResourcePattern::Arn(arn) => Some(arn),
            _ => None,
        });
        Self {
            is_deny: statement.effect == Effect::Deny,
            not_action: statement.action.negated,
            actions: statement.action.patterns.iter().map(action_bytes).collect(),
            not_resource,
            any_resource: entries.contains(&ResourcePattern::Any),
            resources: resources
                .map(|arn| {
                    let mut segments = arn.segments.iter();
                    let mut next = || Text::new(segments.next().map_or(&[], |s| s), keys);
                    [Text::Bytes((*b"arn").into()), next(), next(), next(), next(), next()]
                })
                .collect(),
            tests: statement.conditions.into_iter().map(|c| Test::new(c, keys)).collect(),
        }
    }

    /// Whether the statement is about an action, in lower case.
    pub(super) fn has_action(&self, action: &[u8]) -> bool {
        self.actions.iter().any(|pattern| glob(pattern, action)) != self.not_action
    }

    /// Whether it applies to everything it is about.
    pub(super) fn is_unconditional(&self) -> bool {
        self.any_resource && !self.not_resource && self.tests.is_empty()
    }

    /// Whether it applies to a request whose action it is about.
    pub(super) fn applies(&self, asked: &Asked<'_>) -> bool {
        self.has_resource(asked) && self.tests.iter().all(|test| test.holds(asked))
    }

    fn has_resource(&self, asked: &Asked<'_>) -> bool {
        let found = self.any_resource
            || self.resources.iter().any(|pattern| {
                pattern
                    .iter()
                    .zip(asked.segments)
                    .all(|(text, segment)| text.matches(segment, asked))
            });
        found != self.not_resource
    }
}

fn action_bytes(pattern: &ActionPattern) -> Box<[u8]> {
    let text = match pattern {
        ActionPattern::Any => "*".to_owned(),
        ActionPattern::Named { vendor, name } => format!("{vendor}:{name}"),
    };
    let wild = |b| match b {
        b'*' => STAR,
        b'?' => ONE,
        b => b,
    };
    text.bytes().map(wild).collect()
}

impl Text {
    fn new(pieces: &[Piece], keys: &mut Keys) -> Self {
        let mut parts = Vec::new();
        let mut bytes = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => bytes.extend_from_slice(text.as_bytes()),
                Piece::Star => bytes.push(STAR),
                Piece::One => bytes.push(ONE),
                Piece::Variable(variable) => {
                    let slot = keys.add(variable.key.folded());
                    parts.push((std::mem::take(&mut bytes).into(), Some(slot)));
                }
            }
        }
        if parts.is_empty() {
            return Self::Bytes(bytes.into());
        }
        parts.push((bytes.into(), None));
        Self::Template(parts)
    }

    fn matches(&self, text: &str, asked: &Asked<'_>) -> bool {
        match self {
            Self::Bytes(pattern) => glob(pattern, text.as_bytes()),
            Self::Template(parts) => {
                substituted(parts, asked).is_some_and(|pattern| glob(&pattern, text.as_bytes()))
            }
        }
    }
}

/// A template with its values; none when one is absent.
fn substituted(parts: &[(Box<[u8]>, Option<u32>)], asked: &Asked<'_>) -> Option<Vec<u8>> {
    let mut pattern = Vec::new();
    for (bytes, slot) in parts {
        pattern.extend_from_slice(bytes);
        if let Some(slot) = slot {
            pattern.extend_from_slice(asked.value(*slot)?.as_bytes());
        }
    }
    Some(pattern)
}

/// Whether a pattern matches the whole of a text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back = None;
    loop {
        match pattern.get(p) {
            Some(&STAR) if p + 1 == pattern.len() => return true,
            Some(&STAR) => {
                p += 1;
                back = Some((p, t));
                continue;
            }
            Some(&byte) if t < text.len() && (byte == ONE || byte == text[t]) => {
                p += 1;
                t += 1;
                continue;
            }
            None if t == text.len() => return true,
            _ => {}
        }
        let Some((star, from)) = back.filter(|(_, from)| *from < text.len()) else { return false };
        back = Some((star, from + 1));
        (p, t) = (star, from + 1);
    }
}

impl Test {
    fn new(condition: Condition, keys: &mut Keys) -> Self {
        let texts = match &condition.operand {
            Operand::Text(texts) => {
                texts.iter().flatten().map(|pieces| Text::new(pieces, keys)).collect()
            }
            _ => Vec::new(),
        };
        Self {
            slot: keys.add(condition.key.folded()),
            operator: condition.operator,
            qualifier: condition.qualifier,
            if_exists: condition.if_exists,
            texts,
            operand: condition.operand,
        }
    }

    fn holds(&self, asked: &Asked<'_>) -> bool {
        let value = asked.value(self.slot);
        if let (ConditionOperator::Null, Operand::Bool(wanted)) = (self.operator, &self.operand) {
            return wanted.iter().any(|wanted| *wanted == Some(value.is_none()));
        }
        let Some(value) = value else {
            return match self.qualifier {
                Some(SetQualifier::ForAllValues) => true,
                Some(SetQualifier::ForAnyValue) => self.if_exists,
                None => self.if_exists || self.operator.is_negated(),
            };
        };
        self.is_among(value, asked) != self.operator.is_negated()
    }

    fn is_among(&self, value: &str, asked: &Asked<'_>) -> bool {
        use ConditionOperator as O;
        match &self.operand {
            Operand::Text(_)
                if matches!(
                    self.operator,
                    O::StringEqualsIgnoreCase | O::StringNotEqualsIgnoreCase
                ) =>
            {
                self.texts.iter().any(|text| match text {
                    Text::Bytes(bytes) => {
                        std::str::from_utf8(bytes).is_ok_and(|text| eq_ignore_case(text, value))
                    }
                    Text::Template(_) => false,
                })
            }
            Operand::Text(_) => self.texts.iter().any(|text| text.matches(value, asked)),
            Operand::Bool(wanted) => {
                parse_bool(value).is_some_and(|value| wanted.contains(&Some(value)))
            }
            Operand::Ip(blocks) => parse_ip_address(value)
                .is_some_and(|value| blocks.iter().flatten().any(|block| block.contains(value))),
            Operand::Number(wanted) => {
                let value = parse_decimal(value);
                wanted.iter().flatten().any(|wanted| {
                    value.as_ref().is_some_and(|value| self.compares(value.cmp(wanted)))
                })
            }
            Operand::Date(wanted) => {
                let value = parse_date(value);
                wanted
                    .iter()
                    .flatten()
                    .any(|wanted| value.is_some_and(|value| self.compares(value.cmp(wanted))))
            }
            Operand::Binary(_) => false,
        }
    }

    fn compares(&self, order: std::cmp::Ordering) -> bool {
        use ConditionOperator as O;
        match self.operator {
            O::NumericLessThan | O::DateLessThan => order.is_lt(),
            O::NumericLessThanEquals | O::DateLessThanEquals => order.is_le(),
            O::NumericGreaterThan | O::DateGreaterThan => order.is_gt(),
            O::NumericGreaterThanEquals | O::DateGreaterThanEquals => order.is_ge(),
            _ => order.is_eq(),
        }
    }
}
