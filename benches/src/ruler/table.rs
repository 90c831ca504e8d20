//! Ruler B: ruler A, and a table by principal and action.

use hashbrown::HashMap;

use super::statement::RulerRequest;
use super::{Answer, N_LAYERS, RulerA};

/// For each principal and action of the workload six short lists: denies and allows of each
/// layer. An unconditional allow on `*` replaces its list.
#[derive(Debug)]
pub struct RulerB<'a> {
    base: &'a RulerA,
    /// The cells of each action, in lower case, by principal.
    actions: HashMap<Box<[u8]>, Vec<Cell>>,
}

/// What is left of the policies for one principal and action.
#[derive(Debug, Default)]
struct Cell([LayerCell; N_LAYERS]);

#[derive(Debug, Default)]
struct LayerCell {
    denies: Vec<(u32, u32)>,
    allows: Allows,
}

#[derive(Debug, Default)]
enum Allows {
    /// The layer is not applicable, or has an unconditional allow.
    #[default]
    Always,
    Some(Vec<(u32, u32)>),
}

impl<'a> RulerB<'a> {
    /// Works out the cells of all principals and the actions of a workload.
    pub fn load<'w>(base: &'a RulerA, actions: impl IntoIterator<Item = &'w str>) -> Self {
        let n_principals = u32::try_from(base.n_principals()).unwrap_or(u32::MAX);
        let layers: Vec<_> = (0..n_principals).map(|principal| base.layers(principal)).collect();
        let mut table = HashMap::new();
        for action in actions {
            let action: Box<[u8]> = action.to_ascii_lowercase().into_bytes().into();
            table.entry(action).or_insert_with_key(|action| {
                layers.iter().map(|layers| cell(base, layers, action)).collect()
            });
        }
        Self { base, actions: table }
    }

    /// Decides a request.
    pub fn decide(&self, request: &RulerRequest<'_>) -> Answer {
        let mut buffer = [0; 128];
        let cells = self.actions.get(request.lowered_action(&mut buffer));
        let (Some(cells), Some((principal, asked))) = (cells, self.base.asked(request)) else {
            return self.base.decide(request);
        };
        let cell = &cells[principal as usize];
        let any =
            |list: &[(u32, u32)]| list.iter().any(|&at| self.base.statement(at).applies(&asked));
        if cell.0.iter().any(|layer| any(&layer.denies)) {
            return Answer::Denied;
        }
        let allows = |layer: &LayerCell| match &layer.allows {
            Allows::Always => true,
            Allows::Some(list) => any(list),
        };
        if cell.0.iter().all(allows) { Answer::Allowed } else { Answer::NotAllowed }
    }
}

fn cell(base: &RulerA, layers: &[Option<Vec<(u32, u32)>>; N_LAYERS], action: &[u8]) -> Cell {
    let mut cell = Cell::default();
    for (out, layer) in cell.0.iter_mut().zip(layers) {
        let Some(layer) = layer else { continue };
        let about = |&&at: &&(u32, u32)| base.statement(at).has_action(action);
        let (denies, allows): (Vec<_>, Vec<_>) =
            layer.iter().filter(about).partition(|&&at| base.statement(at).is_deny);
        out.denies = denies;
        if !allows.iter().any(|&at| base.statement(at).is_unconditional()) {
            out.allows = Allows::Some(allows);
        }
    }
    cell
}
