//! The requests of a test: one, or the cells of a matrix (F-45).

use assize_model::RequestError;

use super::Reader;
use super::case::REQUEST_FIELDS;
use super::expect::Expectation;
use super::field::Fields;
use crate::file::File;
use crate::json::{Node, Object, Value, shorten};
use crate::{ErrorKind, RequestRecord};

/// One request of a test and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which cell of the matrix; nothing when the test is a single request.
    pub coordinates: Coordinates,
    /// The request as JSON.
    pub request: Box<str>,
    /// What is expected.
    pub expect: Expectation,
}

/// What tells a cell from the others of its matrix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coordinates {
    /// The principal, when several are listed.
    pub principal: Option<Box<str>>,
    /// The action, when several are listed.
    pub action: Option<Box<str>>,
    /// The resource, when the list multiplies.
    pub resource: Option<Box<str>>,
}

impl Coordinates {
    /// The coordinates that there are.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        [&self.principal, &self.action, &self.resource].into_iter().filter_map(Option::as_deref)
    }
}

impl Cell {
    /// The request.
    ///
    /// # Errors
    /// Why it is malformed, which only a test that expects an error may be.
    pub fn record(&self) -> Result<RequestRecord<'_>, RequestError> {
        RequestRecord::parse(&self.request)
    }
}

/// One axis of a matrix: the values and whether they were listed to multiply.
struct Axis<'n> {
    values: Vec<Option<&'n Node<'n>>>,
    multiplies: bool,
}

impl<'n> Axis<'n> {
    fn one(value: Option<&'n Node<'n>>) -> Self {
        Self { values: vec![value], multiplies: false }
    }

    fn all(values: &'n [Node<'n>]) -> Self {
        Self { values: values.iter().map(Some).collect(), multiplies: true }
    }
}

/// The axes of a test.
struct Axes<'n> {
    principals: Axis<'n>,
    actions: Axis<'n>,
    resources: Axis<'n>,
}

/// One combination of the values of the axes.
#[derive(Clone, Copy)]
struct Point<'n> {
    principal: Option<&'n Node<'n>>,
    action: Option<&'n Node<'n>>,
    resource: Option<&'n Node<'n>>,
}

/// The cells of a test, in the order principals, actions, resources.
pub(super) fn cells(
    reader: &mut Reader<'_>,
    file: &File,
    node: &Node<'_>,
    fields: &Fields<'_>,
) -> Vec<Cell> {
    let Some(expect) = fields.get("expect") else {
        return reader.missing(file, node, "expect").unwrap_or_default();
    };
    let expectations = reader.expectations(file, expect);
    let Some(axes) = reader.axes(file, node, fields) else { return Vec::new() };
    let mut cells = Vec::new();
    for principal in &axes.principals.values {
        for action in &axes.actions.values {
            for resource in &axes.resources.values {
                let point = Point { principal: *principal, action: *action, resource: *resource };
                cells.extend(reader.cell(file, node, &axes, point, &expectations));
            }
        }
    }
    cells
}

impl Reader<'_> {
    fn axes<'n>(
        &mut self,
        file: &File,
        node: &'n Node<'n>,
        fields: &Fields<'n>,
    ) -> Option<Axes<'n>> {
        let principals = self.axis(file, node, fields, "principal", "principals")?;
        let actions = self.axis(file, node, fields, "action", "actions")?;
        let listed = fields.get("resources").filter(|node| node.as_array().is_some());
        let multiplies = |items: &[Node<'_>]| {
            let strings = items.len() > 1 && items.iter().all(|item| item.as_str().is_some());
            let action = fields.get("action").and_then(Node::as_str);
            let takes_one =
                action.is_none_or(|action| !(self.options.takes_several_resources)(action));
            principals.multiplies || actions.multiplies || strings && takes_one
        };
        let resources = match listed.and_then(Node::as_array) {
            Some(items) if !items.is_empty() && multiplies(items) => Axis::all(items),
            _ => Axis::one(None),
        };
        if resources.multiplies && fields.get("resource").is_some() {
            let message = "`resource` and `resources` are both given";
            self.error(file, ErrorKind::InvalidField, node, message);
            return None;
        }
        Some(Axes { principals, actions, resources })
    }

    /// The values of a field that may be given once or as a list under another name.
    fn axis<'n>(
        &mut self,
        file: &File,
        node: &'n Node<'n>,
        fields: &Fields<'n>,
        single: &str,
        several: &str,
    ) -> Option<Axis<'n>> {
        let Some(list) = fields.get(several) else { return Some(Axis::one(fields.get(single))) };
        if fields.get(single).is_some() {
            let message = format!("`{single}` and `{several}` are both given");
            self.error(file, ErrorKind::InvalidField, node, message);
            return None;
        }
        let items = self.items(file, list);
        if items.is_empty() {
            self.error(file, ErrorKind::InvalidField, list, "the list is empty");
            return None;
        }
        Some(Axis::all(items))
    }

    fn cell(
        &mut self,
        file: &File,
        node: &Node<'_>,
        axes: &Axes<'_>,
        point: Point<'_>,
        expectations: &[(When, Expectation)],
    ) -> Option<Cell> {
        let coordinate = |axis: &Axis<'_>, value: Option<&Node<'_>>| {
            value.filter(|_| axis.multiplies).map(|node| label(node).into())
        };
        let coordinates = Coordinates {
            principal: coordinate(&axes.principals, point.principal),
            action: coordinate(&axes.actions, point.action),
            resource: coordinate(&axes.resources, point.resource),
        };
        let request = request_text(node, axes, point);
        let resource = point.resource.or(node.get("resource"));
        let matched = expectations.iter().find(|(when, _)| {
            is_labeled(point.principal, when.principal.as_deref())
                && is_labeled(point.action, when.action.as_deref())
                && is_labeled(resource, when.resource.as_deref())
        });
        let Some((_, expect)) = matched else {
            // Without any expectation an error was reported already.
            if !expectations.is_empty() {
                let cell = coordinates.iter().collect::<Vec<_>>().join(", ");
                let message = format!("no `when` of `expect` fits the cell `{}`", shorten(&cell));
                self.error(file, ErrorKind::InvalidField, node, message);
            }
            return None;
        };
        let cell = Cell { coordinates, request: request.into(), expect: expect.clone() };
        if let (Err(error), false) = (cell.record(), cell.expect.is_error()) {
            self.request_error(file, node, axes, point, &error);
        }
        Some(cell)
    }

    /// Reports a malformed request at the field of the test that is at fault.
    fn request_error(
        &mut self,
        file: &File,
        node: &Node<'_>,
        axes: &Axes<'_>,
        point: Point<'_>,
        error: &RequestError,
    ) {
        // RFC 6901.
        let pointer = error.pointer().unwrap_or_default().split('/').skip(1);
        let path: Vec<String> =
            pointer.map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (start, rest) = match path.as_slice() {
            ["principal", rest @ ..] if axes.principals.multiplies => (point.principal, rest),
            ["action", rest @ ..] if axes.actions.multiplies => (point.action, rest),
            ["resource", rest @ ..] | ["checks", "0", rest @ ..] if axes.resources.multiplies => {
                (point.resource, rest)
            }
            path => (None, path),
        };
        let at = start.unwrap_or(node).descend(rest.iter().copied());
        let kind = crate::file::error_kind(error.kind());
        self.error(file, kind, at, error.message());
    }

    /// `expect`: a word, an object, or a list of objects with `when`, the first of which that
    /// fits counts.
    fn expectations(&mut self, file: &File, node: &Node<'_>) -> Vec<(When, Expectation)> {
        let Some(items) = node.as_array() else {
            let one = self.expectation(file, node);
            return one.map(|expectation| (When::default(), expectation)).into_iter().collect();
        };
        if items.is_empty() {
            self.error(file, ErrorKind::InvalidField, node, "the list is empty");
        }
        let mut expectations = Vec::new();
        for item in items {
            let when = item.get("when").map(|node| self.when(file, node)).unwrap_or_default();
            if let Some(expectation) = self.expectation(file, item) {
                expectations.push((when, expectation));
            }
        }
        expectations
    }

    fn when(&mut self, file: &File, node: &Node<'_>) -> When {
        let Some(fields) = self.fields(file, node, &["principal", "action", "resource"]) else {
            return When::default();
        };
        When {
            principal: self.text_of(file, &fields, "principal"),
            action: self.text_of(file, &fields, "action"),
            resource: self.text_of(file, &fields, "resource"),
        }
    }
}

/// Which cells an expectation is for.
#[derive(Default)]
struct When {
    principal: Option<Box<str>>,
    action: Option<Box<str>>,
    resource: Option<Box<str>>,
}

/// Whether a value has the name that is wanted, if one is.
fn is_labeled(value: Option<&Node<'_>>, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value.is_some_and(|node| label(node) == wanted))
}

/// The text that names a principal, an action or a resource: the string itself, or the member of
/// the object that tells it from others.
fn label(node: &Node<'_>) -> String {
    const NAMES: [&str; 7] = ["arn", "role", "user", "service", "provider", "account", "type"];
    let text =
        node.as_str().or_else(|| NAMES.into_iter().find_map(|name| node.get(name)?.as_str()));
    text.map_or_else(|| node.to_json(), ToOwned::to_owned)
}

/// The request of a cell as JSON text, so that it is read exactly as a request line is.
fn request_text(node: &Node<'_>, axes: &Axes<'_>, point: Point<'_>) -> String {
    let mut text = Vec::new();
    let mut object = Object::open(&mut text);
    let mut write = |name: &str, node: &Node<'_>| node.write(object.key(name), &mut |_, _| ());
    if let Some(principal) = point.principal {
        write("principal", principal);
    }
    let spelled_out = point.resource.filter(|node| node.as_object().is_some());
    if let (Some(action), None) = (point.action, spelled_out) {
        write("action", action);
    }
    if let (Some(resource), None) = (point.resource, spelled_out) {
        write("resource", resource);
    }
    let multiplied = |name: &str| match name {
        "principal" | "action" => true,
        "resource" | "resources" => axes.resources.multiplies,
        _ => false,
    };
    for member in node.as_object().unwrap_or_default() {
        let is_note = member.key == "source" && matches!(member.value.value, Value::String(_));
        let is_field = REQUEST_FIELDS.contains(&&*member.key) && !multiplied(&member.key);
        if is_field && !is_note && member.value.value != Value::Null {
            write(&member.key, &member.value);
        }
    }
    if let (Some(resource), Some(action)) = (spelled_out, point.action) {
        write_check(object.key("checks"), resource, action);
    }
    object.close();
    // Only whole texts are written.
    String::from_utf8_lossy(&text).into_owned()
}

/// A resource with data or context of its own in a matrix is one check.
fn write_check(out: &mut Vec<u8>, resource: &Node<'_>, action: &Node<'_>) {
    out.push(b'[');
    let mut check = Object::open(out);
    action.write(check.key("action"), &mut |_, _| ());
    for member in resource.as_object().unwrap_or_default() {
        let name = if member.key == "arn" { "resource" } else { &*member.key };
        member.value.write(check.key(name), &mut |_, _| ());
    }
    check.close();
    out.push(b']');
}
