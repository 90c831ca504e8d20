//! From the name of a call to the actions it is authorized by (F-52, F-57).

mod name;

use std::borrow::Cow;

use assize_catalog::{
    ApiAction, ApiCondition, ApiMap, ApiOperation, ApiTest, Catalog, TemplateTarget,
};
use assize_model::ActionId;

use crate::context::ActionKeys;
use crate::parameters::Parameters;
use crate::template::Filler;

pub(crate) use name::{Rule, without_version};

/// What a kind of call needs, worked out once.
#[derive(Debug)]
pub(crate) struct Call<'c> {
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
    /// Each way in which the map says what the resource is called.
    pub(crate) entries: Vec<Entry<'c>>,
}

/// One entry of the map.
#[derive(Debug)]
pub(crate) struct Entry<'c> {
    pub(crate) condition: Option<ApiCondition<'c>>,
    pub(crate) variables: Vec<(&'c str, Filler<'c>)>,
    pub(crate) of_type: Vec<(&'c str, Filler<'c>)>,
    pub(crate) whole: Vec<Filler<'c>>,
}

/// Stands for every variable of an ARN format.
pub(crate) const ANY_VARIABLE: &str = "";

/// The action that no call is named after, but many need beside their own (E-96).
const PASS_ROLE: &str = "iam:PassRole";

impl<'c> Call<'c> {
    /// Looks a call up.
    pub(crate) fn find(catalog: &'c Catalog, map: &'c ApiMap, source: &str, name: &str) -> Self {
        let service = source.split('.').next().unwrap_or_default();
        let bare = without_version(name);
        let rule = Rule::of(service, bare);
        if let Some(names) = rule.and_then(|rule| rule.actions(bare)) {
            let entries = || rule.map(Rule::entry).into_iter().collect();
            let actions =
                names.iter().map(|name| CallAction::new(catalog, Cow::Borrowed(name), entries()));
            return Self { actions: actions.collect(), rule, is_unknown: false };
        }
        if let Some(operation) = operation(map, source, &[name, bare]) {
            let mut actions = main_actions(catalog, operation);
            if let (Some(Rule::ApiGateway(name)), true) = (rule, actions.is_empty()) {
                actions.push(CallAction::new(catalog, Cow::Borrowed(name), Vec::new()));
            }
            return Self { actions, rule, is_unknown: false };
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
        Self { actions: vec![action], rule, is_unknown }
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
            known.entries.push(Entry::new(action));
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
        Self { name, id, keys, entries }
    }

    /// Whether the parameters are such that the call needs the action.
    pub(crate) fn applies(&self, parameters: &Parameters<'_>) -> bool {
        self.entries.is_empty() || self.entries.iter().any(|entry| entry.applies(parameters))
    }
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
        }
    }

    /// An entry that gives one name to whatever variable is asked for.
    pub(crate) fn of_name(name: &'c str) -> Self {
        Self {
            condition: None,
            variables: vec![(ANY_VARIABLE, Filler::of_text(name))],
            of_type: Vec::new(),
            whole: Vec::new(),
        }
    }

    fn new(action: ApiAction<'c>) -> Self {
        let mut entry = Self {
            condition: action.condition(),
            variables: Vec::new(),
            of_type: Vec::new(),
            whole: Vec::new(),
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
