//! Condition: one test for each operator and key (language, section 6.1).

use std::collections::HashMap;

use assize_model::{ConditionKey, Effect, fold_key};

use super::Lowering;
use super::element::Elements;
use super::statement::Place;
use crate::ast::{ConditionValue, KeyEntry, List, OperatorEntry};
use crate::condition::{self, Operator, ValueProblem};
use crate::finding::quoted;
use crate::ir::{self, ConditionOperator, Operand};
use crate::path::Path;
use crate::{FindingCode, Reject, Span};

impl Lowering<'_> {
    /// Condition (L-601, L-602; L-211).
    pub(super) fn condition(
        &mut self,
        elements: &Elements<'_, '_>,
        place: Place<'_>,
    ) -> Vec<ir::Condition> {
        let Some(element) = elements.condition else { return Vec::new() };
        let path = place.path.member("Condition");
        if self.is_legacy_scp() && place.effect == Some(Effect::Allow) {
            let message = "`Condition` with `Allow` in a service control policy";
            let code = FindingCode::ScpSyntaxErrorAllowCondition;
            self.add(code, Reject::Always, element.name_span, &path, message);
        }
        let Some(block) = element.value.expected() else { return Vec::new() };
        if block.operators.is_empty() {
            self.empty_object(element.span, &path);
        }
        let mut conditions = Vec::new();
        for entry in &block.operators {
            self.operator(entry, &path.member(&entry.operator.value), &mut conditions);
        }
        conditions
    }

    /// `{}` is true (L-601).
    fn empty_object(&mut self, span: Span, path: &Path<'_>) {
        let message = "nothing is tested, so the condition is true";
        self.add(FindingCode::EmptyObjectCondition, Reject::Never, span, path, message);
    }

    /// One operator and its keys (L-603, L-604).
    fn operator(
        &mut self,
        entry: &OperatorEntry<'_>,
        path: &Path<'_>,
        conditions: &mut Vec<ir::Condition>,
    ) {
        let mut problems = Vec::new();
        let operator = condition::operator(&entry.operator.value, &mut problems);
        self.problems(&mut problems, &entry.operator, path);
        let Some(keys) = entry.keys.expected() else { return };
        if keys.is_empty() {
            self.empty_object(entry.span, path);
        }
        self.keys_differ_by_more_than_case(keys, path);
        for entry in keys {
            let path = path.member(&entry.key.value);
            self.condition_key(entry, &path);
            if let (Some(operator), Some(list)) = (operator, entry.values.expected())
                && let Some(operand) = self.operand(operator, list, entry.span, &path)
            {
                let readable = operand.are_readable();
                let texts = list.iter().map(|(_, value)| &*value.text.value);
                let unread = texts.zip(readable).filter(|(_, is_readable)| !is_readable);
                let unread = unread.map(|(text, _)| text.into()).collect();
                conditions.push(ir::Condition {
                    qualifier: operator.qualifier,
                    operator: operator.base,
                    if_exists: operator.if_exists,
                    key: ConditionKey::new(&entry.key.value),
                    operand,
                    unread,
                });
            }
        }
    }

    /// Reports keys of one operator that are one key in different case (L-107).
    fn keys_differ_by_more_than_case(&mut self, keys: &[KeyEntry<'_>], path: &Path<'_>) {
        let mut spellings: HashMap<Box<str>, &str> = HashMap::with_capacity(keys.len());
        for entry in keys {
            let spelling = &*entry.key.value;
            let first = *spellings.entry(fold_key(spelling).into()).or_insert(spelling);
            if first != spelling {
                let message = format!("{} and {} are one key", quoted(first), quoted(spelling));
                let path = path.member(spelling);
                let code = FindingCode::DuplicateKeysWithDifferentCase;
                self.add(code, Reject::Author, entry.key.span, &path, message);
            }
        }
    }

    /// The name of a key (L-605, L-608).
    fn condition_key(&mut self, entry: &KeyEntry<'_>, path: &Path<'_>) {
        let mut problems = Vec::new();
        condition::check_key(&entry.key.value, &mut problems);
        problems.extend(super::key::global_key(&entry.key.value, self.options.mode));
        self.problems(&mut problems, &entry.key, path);
    }

    /// The values of one test (L-113, L-114, L-607, section 6.3).
    fn operand(
        &mut self,
        operator: Operator,
        list: &List<'_, ConditionValue<'_>>,
        span: Span,
        path: &Path<'_>,
    ) -> Option<Operand> {
        if !self.is_within_limit(list.len(), span, path) {
            return None;
        }
        self.one_json_type(list, span, path);
        let values: Vec<Placed<'_, '_>> = list.iter().collect();
        if values.len() < list.len() {
            // Values of another type reject (L-112); without them the list would look shorter.
            return None;
        }
        if takes_patterns(operator.base) && !self.are_short(&values, path) {
            return None;
        }
        let texts: Vec<&str> = values.iter().map(|(_, value)| &*value.text.value).collect();
        let mut problems = Vec::new();
        let operand = condition::operand(operator, &texts, self.variables, &mut problems);
        self.value_problems(problems, &values, span, path);
        if let Operand::Text(read) = &operand {
            for (value, pieces) in values.iter().zip(read) {
                let pieces = pieces.iter().flatten();
                self.variable_keys(pieces, &value.1.text, &value_path(path, value.0));
            }
        }
        Some(operand)
    }

    /// Whether all values are within the limit of patterns (L-1002).
    fn are_short(&mut self, values: &[Placed<'_, '_>], path: &Path<'_>) -> bool {
        let long = |(index, value): &&Placed<'_, '_>| {
            !self.is_short(&value.text, &value_path(path, *index))
        };
        values.iter().filter(long).count() == 0
    }

    /// Reports what is wrong with the values, each at its place, and with the list.
    fn value_problems(
        &mut self,
        problems: Vec<ValueProblem>,
        values: &[Placed<'_, '_>],
        span: Span,
        path: &Path<'_>,
    ) {
        for ValueProblem { index, problem } in problems {
            if let Some((index, value)) = index.and_then(|index| values.get(index)) {
                self.findings.problem(problem, &value.text, &value_path(path, *index));
            } else {
                self.add(problem.code, problem.rejects, span, path, problem.message);
            }
        }
    }

    /// Reports values of one key in different JSON types (L-114).
    fn one_json_type(&mut self, list: &List<'_, ConditionValue<'_>>, span: Span, path: &Path<'_>) {
        let mut kinds = list.iter().map(|(_, value)| value.kind);
        let first = kinds.next();
        if kinds.any(|kind| Some(kind) != first) {
            let message = "the values of one key are of different JSON types";
            self.add(FindingCode::InvalidConditionDataType, Reject::Never, span, path, message);
        }
    }
}

/// A value of a test and its position, if it stands in an array.
type Placed<'t, 'a> = (Option<usize>, &'t ConditionValue<'a>);

fn value_path<'p>(path: &'p Path<'p>, index: Option<usize>) -> Path<'p> {
    index.map_or(*path, |index| path.index(index))
}

/// Whether the values of an operator are patterns, whose length is limited (L-1002).
fn takes_patterns(operator: ConditionOperator) -> bool {
    use ConditionOperator as Operator;
    matches!(
        operator,
        Operator::StringLike
            | Operator::StringNotLike
            | Operator::ArnEquals
            | Operator::ArnNotEquals
            | Operator::ArnLike
            | Operator::ArnNotLike
    )
}
