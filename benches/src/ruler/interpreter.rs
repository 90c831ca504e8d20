//! Ruler A: a plain linear interpreter.

use assize_model::PolicyType;
use hashbrown::HashMap;

use super::statement::{Asked, Keys, PrincipalValues, RulerRequest, RulerStatement, read};
use super::{Answer, Layers};
use crate::workload::{PolicyDocument, World};

/// What organizations attach everywhere.
const FULL_ACCESS: &str = assize_catalog::managed::FULL_AWS_ACCESS.document;

/// For each layer, each policy, each statement in order; a deny ends it.
#[derive(Debug, Default)]
pub struct RulerA {
    keys: Keys,
    policies: Vec<Vec<RulerStatement>>,
    principals: Vec<(Layers, PrincipalValues)>,
    /// Positions in `principals`.
    by_arn: HashMap<Box<str>, u32>,
}

impl RulerA {
    /// Loads the policies of a world.
    pub fn load(world: &World) -> Self {
        let mut ruler = Self::default();
        let mut loaded = HashMap::new();
        let full = PolicyDocument::unnamed(FULL_ACCESS);
        let scps: Vec<&PolicyDocument> = match &world.scps[..] {
            [] => Vec::new(),
            scps => std::iter::once(&full).chain(scps).collect(),
        };
        for entity in &world.entities {
            let mut add = |documents: &mut dyn Iterator<Item = &PolicyDocument>, policy_type| {
                let of = |document: &PolicyDocument| {
                    let at = u32::try_from(ruler.policies.len()).unwrap_or(u32::MAX);
                    let key = (document.document.clone(), policy_type);
                    *loaded.entry(key).or_insert_with(|| {
                        let statements = read(&document.document, policy_type, &mut ruler.keys);
                        ruler.policies.push(statements);
                        at
                    })
                };
                documents.map(of).collect::<Vec<u32>>()
            };
            let layers = Layers([
                Some(add(&mut entity.identity.iter(), PolicyType::ManagedIdentity)),
                entity.boundary.as_ref().map(|boundary| {
                    add(&mut std::iter::once(boundary), PolicyType::PermissionsBoundary)
                }),
                (!scps.is_empty())
                    .then(|| add(&mut scps.iter().copied(), PolicyType::ServiceControl)),
            ]);
            let at = u32::try_from(ruler.principals.len()).unwrap_or(u32::MAX);
            ruler.by_arn.insert(entity.arn().into(), at);
            ruler.principals.push((layers, PrincipalValues::default()));
        }
        ruler.constants(world);
        ruler
    }

    /// The keys that hang on the principal alone.
    fn constants(&mut self, world: &World) {
        for (entity, (_, values)) in world.entities.iter().zip(&mut self.principals) {
            values.0 = vec![None; self.keys.len()];
            for (name, value) in entity.derived_keys(world.in_organization) {
                if let Some(slot) = self.keys.slot(&name) {
                    values.0[slot as usize] = Some(value);
                }
            }
        }
    }

    /// The keys that some policy asks about.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn n_principals(&self) -> usize {
        self.principals.len()
    }

    /// The position of the principal of a request, and what its statements are asked about.
    pub(super) fn asked<'r>(&'r self, request: &'r RulerRequest<'_>) -> Option<(u32, Asked<'r>)> {
        let at = *self.by_arn.get(request.principal)?;
        let principal = &self.principals[at as usize].1;
        Some((at, Asked { context: &request.context, segments: request.segments(), principal }))
    }

    /// The statements of each layer of a principal; none where the layer is not applicable.
    pub(super) fn layers(&self, principal: u32) -> [Option<Vec<(u32, u32)>>; 3] {
        self.principals[principal as usize].0.0.clone().map(|policies| {
            let of = |policy: u32| {
                let statements = 0_u32..;
                let zipped = statements.zip(&self.policies[policy as usize]);
                zipped.map(move |(statement, _)| (policy, statement))
            };
            Some(policies?.into_iter().flat_map(of).collect())
        })
    }

    pub(super) fn statement(&self, (policy, statement): (u32, u32)) -> &RulerStatement {
        &self.policies[policy as usize][statement as usize]
    }

    /// Decides a request.
    pub fn decide(&self, request: &RulerRequest<'_>) -> Answer {
        let Some((principal, asked)) = self.asked(request) else { return Answer::NotAllowed };
        let mut buffer = [0; 128];
        let action = request.lowered_action(&mut buffer);
        let mut all_allow = true;
        for policies in self.principals[principal as usize].0.0.iter().flatten() {
            let mut allows = false;
            for &policy in policies {
                for statement in &self.policies[policy as usize] {
                    // A second Allow of a layer changes nothing.
                    if (allows && !statement.is_deny)
                        || !statement.has_action(action)
                        || !statement.applies(&asked)
                    {
                        continue;
                    }
                    if statement.is_deny {
                        return Answer::Denied;
                    }
                    allows = true;
                }
            }
            all_allow &= allows;
        }
        if all_allow { Answer::Allowed } else { Answer::NotAllowed }
    }
}
