//! From the name of a call to the actions it is authorized by (F-52, F-57).

mod name;

use std::borrow::Cow;

use assize_catalog::{
    ApiAction, ApiCondition, ApiMap, ApiOperation, ApiTest, Catalog, TemplateTarget,
};
use assize_model::ActionId;

use crate::context::ActionKeys;
use crate::form::Form;
use crate::parameters::Parameters;
use crate::template::Filler;

pub(crate) use name::{Rule, without_version};

/// What a kind of call needs, worked out once.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    /// The event source and the name of the call.
    pub(crate) source: Box<str>,
    pub(crate) name: Box<str>,
    /// The actions that the call is authorized by, those of equal name together.
    pub(crate) actions: Vec<CallAction<'c>>,
    /// The row of F-57 that the call stands in.
    pub(crate) rule: Option<Rule>,
    /// The call is in no map; its action is named after it.
    pub(crate) is_unknown: bool,
}

/// One action of a call.
#[derive(Debug)]
pub(crate) struct CallAction<'c> {
    /// Service and name.
    pub(crate) name: Cow<'c, str>,
    /// The action in the catalog, if it has it.
    pub(crate) id: Option<ActionId>,
    /// The keys that parameters fill.
    pub(crate) keys: ActionKeys<'c>,
    /// The ARN formats of its resource types that have variables of their own: others say nothing
    /// about a call.
    pub(crate) forms: Vec<ActionForm<'c>>,
    /// Each way in which the map says what the resource is called.
    pub(crate) entries: Vec<Entry<'c>>,
}

/// An ARN format of one of an action's resource types.
#[derive(Debug)]
pub(crate) struct ActionForm<'c> {
    pub(crate) form: Form<'c>,
    /// The resource type.
    pub(crate) kind: &'c str,
    /// Whether a call always is about a resource of the type.
    pub(crate) is_required: bool,
}

/// One entry of the map.
#[derive(Debug)]
pub(crate) struct Entry<'c> {
    pub(crate) condition: Option<ApiCondition<'c>>,
    pub(crate) variables: Vec<(&'c str, Filler<'c>)>,
    pub(crate) of_type: Vec<(&'c str, Filler<'c>)>,
    pub(crate) whole: Vec<Filler<'c>>,
    /// The forms of the action all whose variables it fills, and with which of `variables`, by
    /// position.
    pub(crate) fills: Vec<(usize, Vec<usize>)>,
}

/// Resources that each call of an action makes, although the reference lists their types as
/// optional: instances have volumes, but for those of an instance store (E-68).
const MADE_BY_CALLS: [(&str, &str); 1] = [("ec2:RunInstances", "volume")];

/// The action that no call is named after, but many need beside their own (E-96).
const PASS_ROLE: &str = "iam:PassRole";

impl<'c> Call<'c> {
    /// Looks a call up.
    pub(crate) fn find(catalog: &'c Catalog, map: &'c ApiMap, source: &str, name: &str) -> Self {
        let (actions, rule, is_unknown) = Self::needs(catalog, map, source, name);
        Self { source: source.into(), name: name.into(), actions, rule, is_unknown }
    }

    /// The actions of a call, its row of F-57, and whether it is in no map.
    fn needs(
        catalog: &'c Catalog,
        map: &'c ApiMap,
        source: &str,
        name: &str,
    ) -> (Vec<CallAction<'c>>, Option<Rule>, bool) {
        let service = source.split('.').next().unwrap_or_default();
        let bare = without_version(name);
        let rule = Rule::of(service, bare);
        if let Some(names) = rule.and_then(|rule| rule.actions(bare)) {
            let entries = || rule.map(Rule::entry).into_iter().collect();
            let actions =
                names.iter().map(|name| CallAction::new(catalog, Cow::Borrowed(name), entries()));
            return (actions.collect(), rule, false);
        }
        if let Some(operation) = operation(map, source, &[name, bare]) {
            let mut actions = main_actions(catalog, operation);
            if let (Some(Rule::ApiGateway(name)), true) = (rule, actions.is_empty()) {
                actions.push(CallAction::new(catalog, Cow::Borrowed(name), Vec::new()));
            }
            return (actions, rule, false);
        }
        let prefixes = map.services_of(source).flat_map(|service| service.iam_prefixes());
        let action = prefixes
            .flat_map(|prefix| [(prefix, name), (prefix, bare)])
            .chain([(service, name), (service, bare)])
            .find_map(|(prefix, name)| catalog.action(prefix, name));
        let (name, is_unknown) = match action {
            Some(id) => (catalog.action_ref(id).full_name(), false),
            None => (format!("{service}:{bare}"), true),
        };
        let action = CallAction::new(catalog, Cow::Owned(name), Vec::new());
        (vec![action], rule, is_unknown)
    }
}

/// The operation of the first of the names that a service of the event source has.
fn operation<'c>(map: &'c ApiMap, source: &str, names: &[&str]) -> Option<ApiOperation<'c>> {
    names
        .iter()
        .find_map(|name| map.services_of(source).find_map(|service| service.operation(name)))
}

/// F-52 (3): the action named like the operation, else all but `iam:PassRole`.
fn main_actions<'c>(catalog: &'c Catalog, operation: ApiOperation<'c>) -> Vec<CallAction<'c>> {
    let named_like = |action: &ApiAction<'_>| {
        action.full_name().split(':').nth(1).is_some_and(|name| name == operation.name())
    };
    let any_named = operation.actions().any(|action| named_like(&action));
    let mut actions: Vec<CallAction<'c>> = Vec::new();
    for action in operation.actions() {
        let is_main = if any_named { named_like(&action) } else { action.full_name() != PASS_ROLE };
        if !is_main {
            continue;
        }
        let known = actions.iter_mut().find(|known| known.name == action.full_name());
        if let Some(known) = known {
            known.add(Entry::new(action));
        } else {
            let name = Cow::Borrowed(action.full_name());
            actions.push(CallAction::new(catalog, name, vec![Entry::new(action)]));
        }
    }
    actions
}

impl<'c> CallAction<'c> {
    fn new(catalog: &'c Catalog, name: Cow<'c, str>, entries: Vec<Entry<'c>>) -> Self {
        let id = catalog.action_by_full_name(&name);
        let keys = id.map(|id| ActionKeys::of(catalog, id)).unwrap_or_default();
        let forms = id.map(|id| forms(catalog, id)).unwrap_or_default();
        let mut action = Self { name, id, keys, forms, entries: Vec::new() };
        for entry in entries {
            action.add(entry);
        }
        action
    }

    /// Adds a way in which the map says what the resource is called.
    fn add(&mut self, mut entry: Entry<'c>) {
        entry.fills = fills(&self.forms, &entry.variables);
        self.entries.push(entry);
    }

    /// Whether the parameters are such that the call needs the action.
    pub(crate) fn applies(&self, parameters: &Parameters<'_>) -> bool {
        self.entries.is_empty() || self.entries.iter().any(|entry| entry.applies(parameters))
    }
}

/// The forms of an action.
fn forms(catalog: &Catalog, id: ActionId) -> Vec<ActionForm<'_>> {
    let mut forms = Vec::new();
    let name = catalog.action_ref(id).full_name();
    for listed in catalog.action_ref(id).resource_types() {
        let found = listed.resource_type();
        let is_required = listed.is_required() || MADE_BY_CALLS.contains(&(&*name, found.name()));
        for format in found.formats() {
            let form = Form::new(format.text());
            if !form.variables.is_empty() {
                forms.push(ActionForm { form, kind: found.name(), is_required });
            }
        }
    }
    forms
}

/// The forms that some variables fill, by position, and with which of them.
fn fills(forms: &[ActionForm<'_>], variables: &[(&str, Filler<'_>)]) -> Vec<(usize, Vec<usize>)> {
    let find = |name: &&str| variables.iter().position(|(own, _)| own.eq_ignore_ascii_case(name));
    let all = forms.iter().map(|form| form.form.variables.iter().map(find).collect());
    all.enumerate().filter_map(|(at, found): (_, Option<_>)| Some((at, found?))).collect()
}

impl<'c> Entry<'c> {
    /// An entry that gives variables of ARN formats.
    fn of_variables(variables: &[(&'c str, &'c str)]) -> Self {
        let variables = variables.iter().map(|(name, text)| (*name, Filler::new(text)));
        Self {
            condition: None,
            variables: variables.collect(),
            of_type: Vec::new(),
            whole: Vec::new(),
            fills: Vec::new(),
        }
    }

    fn new(action: ApiAction<'c>) -> Self {
        let mut entry = Self {
            condition: action.condition(),
            variables: Vec::new(),
            of_type: Vec::new(),
            whole: Vec::new(),
            fills: Vec::new(),
        };
        for template in action.templates() {
            let filler = Filler::new(template.text);
            match template.target {
                TemplateTarget::Variable(name) => entry.variables.push((name, filler)),
                TemplateTarget::ResourceType(name) => entry.of_type.push((name, filler)),
                TemplateTarget::WholeArn => entry.whole.push(filler),
            }
        }
        entry
    }

    /// Whether it gives whole ARNs that no parameter changes, and nothing else.
    pub(crate) fn is_constant(&self) -> bool {
        let has_names = !self.variables.is_empty() || !self.of_type.is_empty();
        self.condition.is_none() && !has_names && self.whole.iter().all(Filler::is_constant)
    }

    /// Whether it says what whole ARNs are.
    pub(crate) fn has_whole(&self) -> bool {
        !self.whole.is_empty()
    }

    pub(crate) fn applies(&self, parameters: &Parameters<'_>) -> bool {
        self.condition.is_none_or(|condition| holds(condition, parameters))
    }
}

fn holds(condition: ApiCondition<'_>, parameters: &Parameters<'_>) -> bool {
    let path = condition.parameter();
    let contains = || {
        let operand = condition.operand().to_ascii_uppercase();
        let mut values = parameters.values(path).into_iter();
        values.any(|value| value.to_ascii_uppercase().contains(&operand))
    };
    let own = match condition.test() {
        ApiTest::Exists => parameters.exists(path),
        ApiTest::NotExists => !parameters.exists(path),
        ApiTest::NotEquals => !parameters.values(path).iter().any(|v| v == condition.operand()),
        ApiTest::Contains => contains(),
        ApiTest::NotContains => !contains(),
    };
    own && condition.also().is_none_or(|also| holds(also, parameters))
}
