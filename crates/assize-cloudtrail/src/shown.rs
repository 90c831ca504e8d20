//! What a log can show of the actions that people have (F-52, F-59).

use std::collections::{BTreeMap, BTreeSet};

use assize_catalog::{ApiMap, Catalog};
use assize_model::{ActionId, Id as _};

use crate::call::Call;

/// Which actions a log names, if they are used, and which are used unnamed beside others.
#[derive(Debug)]
pub struct ShownActions {
    /// By the position of an action.
    shown: Vec<bool>,
    beside: BTreeMap<ActionId, BTreeSet<ActionId>>,
}

impl ShownActions {
    /// What is known of every call of the API map: its main actions are shown, the others
    /// (`iam:PassRole` above all) are not (F-52 (3)).
    pub fn new(catalog: &Catalog, map: &ApiMap) -> Self {
        let mut shown = vec![false; catalog.n_actions()];
        let mut beside: BTreeMap<ActionId, BTreeSet<ActionId>> = BTreeMap::new();
        for service in map.services() {
            for operation in service.operations() {
                let call = Call::find(catalog, map, service.event_source(), operation.name());
                let main: Vec<ActionId> =
                    call.actions.iter().filter_map(|action| action.id).collect();
                let all = operation.actions().filter_map(|action| {
                    catalog.action_by_full_name(action.full_name()).filter(|id| !main.contains(id))
                });
                let others: BTreeSet<ActionId> = all.collect();
                for id in main {
                    if let Some(shown) = shown.get_mut(id.index()) {
                        *shown = true;
                    }
                    if !others.is_empty() {
                        beside.entry(id).or_default().extend(&others);
                    }
                }
            }
        }
        Self { shown, beside }
    }

    /// Whether the log of a call that uses the action names it.
    pub fn is_shown(&self, action: ActionId) -> bool {
        self.shown.get(action.index()).copied().unwrap_or_default()
    }

    /// The actions that a call of this one may use too, without their being named: those of the
    /// API map, and the dependent actions of the service authorization reference.
    pub fn beside(&self, catalog: &Catalog, action: ActionId) -> BTreeSet<ActionId> {
        let mut all = self.beside.get(&action).cloned().unwrap_or_default();
        let action = catalog.action_ref(action);
        all.extend(action.dependent_actions());
        all.extend(action.resource_types().flat_map(|resource| {
            let dependent: Vec<ActionId> = resource.dependent_actions().collect();
            dependent
        }));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-59: passing a role has no record of its own.
    #[test]
    fn passing_a_role_is_not_shown() -> Result<(), assize_catalog::Error> {
        let (catalog, map) = (Catalog::bundled()?, ApiMap::bundled()?);
        let shown = ShownActions::new(&catalog, &map);
        let is_shown =
            |name: &str| catalog.action_by_full_name(name).is_some_and(|id| shown.is_shown(id));
        assert!(!is_shown("iam:PassRole"));
        for name in ["s3:GetObject", "s3:GetObjectVersion", "ec2:RunInstances", "sts:AssumeRole"] {
            assert!(is_shown(name), "{name}");
        }
        let lambda = catalog.action_by_full_name("lambda:CreateFunction");
        let beside = lambda.map(|id| shown.beside(&catalog, id)).unwrap_or_default();
        let pass = catalog.action_by_full_name("iam:PassRole");
        assert!(pass.is_some_and(|id| beside.contains(&id)));
        Ok(())
    }
}
