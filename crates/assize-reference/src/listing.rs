//! The documents that a request's layers consult, for those who decide it otherwise.

use assize_model::{Layer, Request, RequestError};

use crate::applicable::{self, Document, EndpointLayer, Node};
use crate::evaluate::{Case, Remarks, Side, World, check, context, principal};

/// A document that a layer consults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDocument {
    /// The layer.
    pub layer: Layer,
    /// The node of the path that an SCP or RCP is attached to.
    pub node: Option<Box<str>>,
    /// Its name in statement references (E-101).
    pub reference: Box<str>,
    /// Its text; none for a reference that nothing resolves.
    pub text: Option<Box<str>>,
}

/// One check of a request and the documents that it is decided by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCheck {
    /// The principal as messages print it: its ARN, or the name of a service or provider.
    pub principal: Box<str>,
    /// The action, in the catalog's spelling when it is known (E-4).
    pub action: Box<str>,
    /// The resource, as evaluated (E-6).
    pub resource: Box<str>,
    /// The layers that apply although they may have no document: a set without documents allows
    /// nothing, but for the endpoint's.
    pub layers: Vec<Layer>,
    /// The documents, layer by layer in the order of E-50.
    pub documents: Vec<ListedDocument>,
}

/// What each check of a request is decided by (section 2), beside the rules of services.
///
/// # Errors
/// Why the request is malformed (E-3).
pub fn documents(
    world: &World<'_>,
    request: &Request<'_>,
) -> Result<Vec<ListedCheck>, RequestError> {
    listed_in(world, request)
}

/// [`documents`] with one lifetime for everything borrowed.
fn listed_in<'a>(
    world: &'a World<'a>,
    request: &'a Request<'a>,
) -> Result<Vec<ListedCheck>, RequestError> {
    let mut remarks = Remarks::default();
    let caller = principal::resolve(world, &request.principal)?;
    let mut listed_checks = Vec::new();
    for check in &check::expand(world, &caller, request, &mut remarks)? {
        let caller = check.caller.as_ref().unwrap_or(&caller);
        let known = context::build(world, caller, check, request, &mut remarks)?;
        listed_checks.push(listed(&Case {
            world,
            caller,
            check,
            known: &known,
            side: Side::Worst,
        }));
    }
    Ok(listed_checks)
}

fn listed(case: &Case<'_>) -> ListedCheck {
    let mut check = ListedCheck {
        principal: case.caller.name.as_str().into(),
        action: case.check.action.text.as_str().into(),
        resource: case.check.resource.as_str().into(),
        layers: Vec::new(),
        documents: Vec::new(),
    };
    add_path(case, &mut check, Layer::ResourceControl, applicable::rcp(case));
    add_path(case, &mut check, Layer::ServiceControl, applicable::scp(case));
    let endpoint = match applicable::endpoint(case) {
        EndpointLayer::NotApplicable => None,
        EndpointLayer::Open => Some(Vec::new()),
        EndpointLayer::Policy(document) => Some(vec![document]),
    };
    for (layer, documents) in [
        (Layer::VpcEndpoint, endpoint),
        (Layer::Resource, applicable::resource_based(case)),
        (Layer::Identity, applicable::identity(case)),
        (Layer::Boundary, applicable::boundary(case)),
        (Layer::Session, applicable::session(case)),
    ] {
        let Some(documents) = documents else { continue };
        check.layers.push(layer);
        for document in &documents {
            check.documents.push(listed_document(case, layer, None, document));
        }
    }
    check
}

fn add_path(case: &Case<'_>, check: &mut ListedCheck, layer: Layer, path: Option<Vec<Node<'_>>>) {
    let Some(path) = path else { return };
    check.layers.push(layer);
    for node in &path {
        for document in &node.documents {
            check.documents.push(listed_document(case, layer, Some(node.id), document));
        }
    }
}

fn listed_document(
    case: &Case<'_>,
    layer: Layer,
    node: Option<&str>,
    document: &Document<'_>,
) -> ListedDocument {
    let held = document.id.and_then(|id| case.world.snapshot.document(id));
    let text = held.and_then(|held| held.text.as_deref()).or(document.text.as_deref());
    ListedDocument {
        layer,
        node: node.map(Into::into),
        reference: document.reference.as_str().into(),
        text: text.map(Into::into),
    }
}
