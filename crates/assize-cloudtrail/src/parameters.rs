//! The parameters of a call, as the log spells them (F-56).
//!
//! The API map names parameters as the API has them; logs differ in case, and the query protocols
//! of older services turn lists into `…Set` objects with `items`, or wrap the whole in an object
//! named after the operation. What differs beyond that stands in a table.

use std::borrow::Cow;

use assize_formats::json::{Member, Node, Value};
use memchr::{memchr, memchr2_iter};
use smallvec::SmallVec;

/// What a log writes in place of a secret.
const HIDDEN: [&str; 3] =
    ["HIDDEN_DUE_TO_SECURITY_REASONS", "<sensitiveDataRemoved>", "***OMITTED***"];

/// What CloudTrail writes in place of parameters that are too large, beside `omitted`.
const OMISSION: [&str; 3] = ["omitted", "reason", "originalSize"];

/// Endings of the members that wrap all parameters of a call or some of them.
const WRAPPERS: [&str; 4] = ["Request", "Req", "Input", "Msg"];

/// A parameter that a log spells otherwise than the API: path of the API, path in the log.
type Alias = (&'static str, &'static str);

/// Such parameters by service of the event source. State of November 2026.
fn aliases(service: &str) -> &'static [Alias] {
    match service {
        "s3" => &[("Bucket", "bucketName")],
        "ec2" => &[
            ("BlockDeviceMappings[].Ebs.SnapshotId", "blockDeviceMapping.ebs.snapshotId"),
            ("GroupIds[]", "securityGroupIdSet.groupId"),
            ("Groups[]", "groupSet.groupId"),
            ("ImageId", "instancesSet.imageId"),
            ("KeyName", "instancesSet.keyName"),
            ("NetworkInterfaces[].Groups[]", "networkInterfaceSet.groupSet.groupId"),
            ("NetworkInterfaces[].NetworkInterfaceId", "networkInterfaceSet.networkInterfaceId"),
            ("Resources[]", "resourcesSet.resourceId"),
            ("SecurityGroupIds[]", "groupSet.groupId"),
            ("SubnetId", "networkInterfaceSet.subnetId"),
        ],
        "ecs" => &[
            ("ClusterName", "cluster"),
            ("ContainerInstanceId", "containerInstance"),
            ("ContainerInstanceId", "containerInstances"),
            ("ServiceName", "service"),
            ("ServiceName", "services"),
            ("TaskId", "task"),
            ("TaskId", "tasks"),
        ],
        "sts" => &[("FederatedUserName", "name")],
        _ => &[],
    }
}

/// Texts, of which there is one most often.
pub(crate) type Texts<'a> = SmallVec<[Cow<'a, str>; 1]>;

/// `requestParameters` of a record.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'a> {
    root: Option<Node<'a>>,
    /// Positions of the members of the root that wrap parameters.
    wrapped: Vec<usize>,
    aliases: &'static [Alias],
}

impl<'a> Parameters<'a> {
    /// Reads the parameters of a call to a service, such as `s3`.
    pub(crate) fn read(json: Option<&'a str>, service: &str) -> Self {
        let root = json.and_then(given);
        let members = root.as_ref().and_then(Node::as_object).unwrap_or_default();
        let wraps = |member: &Member<'_>| {
            WRAPPERS.iter().any(|ending| member.key.ends_with(ending))
                && member.value.as_object().is_some()
        };
        let wrapped = members.iter().enumerate().filter(|(_, member)| wraps(member));
        let wrapped = wrapped.map(|(at, _)| at).collect();
        Self { root, wrapped, aliases: aliases(service) }
    }

    /// Whether the record says what was sent (F-60).
    pub(crate) fn is_given(&self) -> bool {
        self.root.is_some()
    }

    /// The member of a name, without regard to case.
    pub(crate) fn member(&self, name: &str) -> Option<&Node<'a>> {
        self.scopes().find_map(|scope| member(scope, name))
    }

    /// The text of the member of a name.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.member(name).and_then(scalar)
    }

    /// The values at a path of the API map, such as `Delete.Objects[].Key`.
    pub(crate) fn values(&self, path: &str) -> Texts<'a> {
        let mut values = self.values_at(path);
        if values.is_empty() {
            let aliases = self.aliases.iter().filter(|(own, _)| own.eq_ignore_ascii_case(path));
            let mut logged = aliases.map(|(_, logged)| self.values_at(logged));
            values.extend(logged.find(|values| !values.is_empty()).unwrap_or_default());
        }
        values
    }

    /// The texts of all parameters that hold one.
    pub(crate) fn all_texts(&self) -> Vec<Cow<'a, str>> {
        let members = self.scopes().flat_map(|scope| scope.as_object().unwrap_or_default());
        members.filter_map(|member| scalar(&member.value)).collect()
    }

    /// Whether anything stands at a path.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.scopes().any(|scope| {
            let mut found = Vec::new();
            walk(scope, path, &mut found);
            !found.is_empty()
        })
    }

    fn values_at(&self, path: &str) -> Texts<'a> {
        let is_name = !path.contains(['.', '[']);
        for scope in self.scopes() {
            let mut values = Texts::new();
            if is_name {
                if let Some(value) = member(scope, path) {
                    scalars(value, &mut values);
                }
                if !values.is_empty() {
                    return values;
                }
                continue;
            }
            let mut found = Vec::new();
            walk(scope, path, &mut found);
            for node in found {
                scalars(node, &mut values);
            }
            if !values.is_empty() {
                return values;
            }
        }
        Texts::new()
    }

    /// The objects whose members are parameters: the whole, then what is wrapped in it.
    fn scopes(&self) -> impl Iterator<Item = &Node<'a>> {
        let members = self.root.as_ref().and_then(Node::as_object).unwrap_or_default();
        let wrapped = self.wrapped.iter().filter_map(|at| members.get(*at));
        self.root.iter().chain(wrapped.map(|member| &member.value))
    }
}

/// Whether a JSON text may have a member of a name somewhere, told without reading it.
pub(crate) fn may_have_member(json: &str, name: &str) -> bool {
    let (json, name) = (json.as_bytes(), name.as_bytes());
    let Some(first) = name.first() else { return true };
    let mut starts = memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), json);
    let is_name = |at: usize| {
        json.get(at..at + name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name))
    };
    // A name may be written with escapes.
    starts.any(is_name) || memchr(b'\\', json).is_some()
}

/// The parameters of a record, unless they were too large for it: then nothing is known of them.
pub(crate) fn given(json: &str) -> Option<Node<'_>> {
    let node = Node::parse(json).ok()?;
    let is_omission = |members: &[Member<'_>]| {
        members.iter().all(|member| OMISSION.contains(&&*member.key))
            && node.get("omitted").is_some_and(|omitted| omitted.value == Value::Bool(true))
    };
    (!node.as_object().is_some_and(is_omission)).then_some(node)
}

pub(crate) fn member<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    let mut members = node.as_object()?.iter();
    members.find(|member| member.key.eq_ignore_ascii_case(name)).map(|member| &member.value)
}

/// The nodes at a path below a node.
fn walk<'n, 'a>(node: &'n Node<'a>, path: &str, found: &mut Vec<&'n Node<'a>>) {
    let (segment, rest) = match path.split_once('.') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    };
    let (name, is_list) = match segment.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (segment, false),
    };
    let mut next = Vec::new();
    match member(node, name) {
        Some(value) => elements(value, is_list || rest.is_some(), &mut next),
        None if is_list => set_elements(node, name, &mut next),
        None => {}
    }
    match rest {
        None => found.append(&mut next),
        Some(rest) => next.into_iter().for_each(|node| walk(node, rest, found)),
    }
}

/// The elements of a list in any of the forms of the logs; another value is its only element.
fn elements<'n, 'a>(value: &'n Node<'a>, is_list: bool, found: &mut Vec<&'n Node<'a>>) {
    let items = |name| member(value, name).and_then(Node::as_array);
    match value.as_array() {
        Some(items) => found.extend(items),
        None if !is_list => found.push(value),
        None => match items("items").or_else(|| items("item")) {
            Some(items) => found.extend(items),
            // An empty object is an empty list.
            None if value.as_object().is_some_and(<[_]>::is_empty) => {}
            None => found.push(value),
        },
    }
}

/// The elements of a list that the log writes as a set: `InstanceIds[]` as
/// `instancesSet.items[].instanceId`, or under its singular name.
fn set_elements<'n, 'a>(node: &'n Node<'a>, name: &str, found: &mut Vec<&'n Node<'a>>) {
    let Some(singular) = name.strip_suffix('s') else { return };
    if let Some(value) = member(node, singular) {
        return elements(value, true, found);
    }
    for set in node.as_object().unwrap_or_default() {
        if set.key.ends_with("Set") {
            let mut items = Vec::new();
            elements(&set.value, true, &mut items);
            found.extend(items.into_iter().filter_map(|item| member(item, singular)));
        }
    }
}

/// The texts of a value: its own, those of its elements, or that of an element of XML, which the
/// log writes as an object with `content`.
fn scalars<'a>(node: &Node<'a>, values: &mut Texts<'a>) {
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| scalars(item, values)),
        Value::Object(_) => {
            values.extend(member(node, "content").and_then(scalar));
        }
        _ => values.extend(scalar(node)),
    }
}

/// The text of a string, a number or a boolean. Empty strings and hidden values count as absent.
pub(crate) fn scalar<'a>(node: &Node<'a>) -> Option<Cow<'a, str>> {
    match &node.value {
        Value::String(text) if text.is_empty() || HIDDEN.contains(&&**text) => None,
        Value::String(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        _ => None,
    }
}

/// Whether a value says nothing: it is null or empty.
pub(crate) fn is_empty(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether the log hides a value.
pub(crate) fn is_hidden(node: &Node<'_>) -> bool {
    matches!(&node.value, Value::String(text) if HIDDEN.contains(&&**text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(service: &'static str, json: &str, path: &str, expected: &[&str]) {
        let parameters = Parameters::read(Some(json), service);
        assert_eq!(parameters.values(path).to_vec(), expected, "{path} of {json}");
    }

    #[test]
    fn names_compare_without_case() {
        check("iam", r#"{"userName":"ana"}"#, "UserName", &["ana"]);
        check("s3", r#"{"bucketName":"b"}"#, "Bucket", &["b"]);
        check("iam", r#"{"userName":""}"#, "UserName", &[]);
        check("iam", r#"{"userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, "UserName", &[]);
        check("x", r#"{"n":7,"b":true}"#, "N", &["7"]);
    }

    #[test]
    fn what_names_no_member_has_none() {
        for (json, expected) in [
            (r#"{"registryId":"1"}"#, true),
            (r#"{"XRequest":{"RegistryID":"1"}}"#, true),
            (r#"{"\u0072egistryId":"1"}"#, true),
            (r#"{"repositoryName":"registry"}"#, false),
            (r#"{"registryI"#, false),
            ("", false),
        ] {
            assert_eq!(may_have_member(json, "registryId"), expected, "{json}");
        }
    }

    #[test]
    fn lists_are_found_in_every_form() {
        let path = "InstanceIds[]";
        check("ec2", r#"{"instanceIds":["i-1","i-2"]}"#, path, &["i-1", "i-2"]);
        check("ec2", r#"{"instancesSet":{"items":[{"instanceId":"i-1"}]}}"#, path, &["i-1"]);
        check("ec2", r#"{"instancesSet":{"item":[{"instanceId":"i-1"}]}}"#, path, &["i-1"]);
        check("ec2", r#"{"filterSet":{},"instancesSet":{}}"#, path, &[]);
        check("ec2", r#"{"XRequest":{"InstanceId":{"content":"i-1","tag":1}}}"#, path, &["i-1"]);
        check(
            "ec2",
            r#"{"XRequest":{"InstanceId":[{"content":"i-1"},{"content":"i-2"}]}}"#,
            path,
            &["i-1", "i-2"],
        );
        let groups = r#"{"groupSet":{"items":[{"groupId":"sg-1"}]}}"#;
        check("ec2", groups, "SecurityGroupIds[]", &["sg-1"]);
    }

    #[test]
    fn paths_lead_through_lists() {
        let json = r#"{"delete":{"objects":[{"key":"a"},{"key":"b"}]}}"#;
        check("s3", json, "Delete.Objects[].Key", &["a", "b"]);
        let parameters = Parameters::read(Some(json), "s3");
        assert!(parameters.exists("Delete.Objects[]"));
        assert!(!parameters.exists("Delete.Objects[].VersionId"));
    }
}
