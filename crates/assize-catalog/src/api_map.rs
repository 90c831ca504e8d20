//! Which actions an API call needs, and on which resources: the API-to-action map (F-52, F-57).
//!
//! # Layout
//! The body of its data file ([`crate::snapshot`] describes the frame; magic `ASZAPIMP`) holds, in
//! this order, each table after the number of its rows:
//!
//! | table | row |
//! |---|---|
//! | strings | all lengths, then all texts: printable ASCII, ascending |
//! | date, origin | one string each |
//! | conditions | parameter path, test, operand, what must hold too (a later row) + 1 |
//! | templates | kind of target, name of the target, template |
//! | services | name, event source, number of prefixes, prefixes, number of operations; ascending by name |
//! | operations | name, number of actions; by service, ascending by name |
//! | actions | full name, condition + 1, number of templates, templates |
//!
//! A string is its position in the table of strings, a template its position in the table of
//! templates, where each stands once.

mod read;
mod source;
mod template;
mod write;

use std::ops::Range;
#[cfg(feature = "bundled")]
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::tables::{StrId, Strings};

pub use source::{
    ApiMapSource, SourceApiAction, SourceApiService, SourceCondition, SourceOperation,
    SourceTemplate,
};
pub use template::{MAX_TEMPLATE_DEPTH, Template, TemplatePart};
pub use write::write;

/// The format version of the data file.
pub const API_MAP_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"ASZAPIMP";

/// The API calls of AWS by event source and operation, each with the actions it is authorized by
/// and templates for the ARNs of their resources.
///
/// Names of operations are compared as they are written: CloudTrail logs them as the API has them.
#[derive(Debug)]
pub struct ApiMap {
    strings: Strings,
    date: StrId,
    origin: StrId,
    conditions: Vec<ConditionRow>,
    templates: Vec<TemplateRow>,
    services: Vec<ServiceRow>,
    operations: Vec<OperationRow>,
    actions: Vec<ActionRow>,
    /// Positions in `actions`' lists of templates.
    template_lists: Vec<u32>,
    prefixes: Vec<StrId>,
    /// Services by (event source, name), both in byte order.
    by_source: Vec<u32>,
}

#[derive(Debug)]
struct ConditionRow {
    parameter: StrId,
    test: ApiTest,
    operand: StrId,
    also: Option<u32>,
}

#[derive(Debug)]
struct TemplateRow {
    kind: u8,
    name: StrId,
    text: StrId,
}

#[derive(Debug)]
struct ServiceRow {
    name: StrId,
    event_source: StrId,
    prefixes: Range<u32>,
    operations: Range<u32>,
}

#[derive(Debug)]
struct OperationRow {
    name: StrId,
    actions: Range<u32>,
}

#[derive(Debug)]
struct ActionRow {
    name: StrId,
    condition: Option<u32>,
    templates: Range<u32>,
}

/// How a condition compares the values of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiTest {
    /// The parameter is there.
    Exists,
    /// The parameter is not there.
    NotExists,
    /// No value is the operand.
    NotEquals,
    /// Some value holds the operand, whatever its case.
    Contains,
    /// No value holds the operand, whatever its case.
    NotContains,
}

impl ApiTest {
    const ALL: [Self; 5] =
        [Self::Exists, Self::NotExists, Self::NotEquals, Self::Contains, Self::NotContains];

    /// The test of a word of the source: `Exists`, `NotExists`, `NotEquals`, `IContains`,
    /// `INotContains`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "Exists" => Some(Self::Exists),
            "NotExists" => Some(Self::NotExists),
            "NotEquals" => Some(Self::NotEquals),
            "IContains" => Some(Self::Contains),
            "INotContains" => Some(Self::NotContains),
            _ => None,
        }
    }
}

/// One service of the map, as its API is named.
#[derive(Debug, Clone, Copy)]
pub struct ApiService<'a> {
    map: &'a ApiMap,
    row: &'a ServiceRow,
}

/// One API call of a service.
#[derive(Debug, Clone, Copy)]
pub struct ApiOperation<'a> {
    map: &'a ApiMap,
    row: &'a OperationRow,
}

/// One action that a call needs.
#[derive(Debug, Clone, Copy)]
pub struct ApiAction<'a> {
    map: &'a ApiMap,
    row: &'a ActionRow,
}

/// When a call needs an action: a condition on a parameter of the call.
#[derive(Debug, Clone, Copy)]
pub struct ApiCondition<'a> {
    map: &'a ApiMap,
    row: &'a ConditionRow,
}

/// Where the text of a [`ResourceTemplate`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateTarget<'a> {
    /// A variable of the ARN formats of the action's resource types.
    Variable(&'a str),
    /// A whole ARN of a resource type.
    ResourceType(&'a str),
    /// A whole ARN, or `*`.
    WholeArn,
}

/// What the resource of an action is called, from the parameters of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceTemplate<'a> {
    /// What the template gives.
    pub target: TemplateTarget<'a>,
    /// The template, for [`Template::parse`].
    pub text: &'a str,
}

#[cfg(feature = "bundled")]
static BUNDLED_DATA: &[u8] = include_bytes!("../data/api-map.bin");

impl ApiMap {
    /// Reads a map from a data file.
    ///
    /// # Errors
    /// When the bytes are no such file, are of another version, damaged, or over a limit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        read::read(bytes)
    }

    /// The map inside this library, unpacked on first use and shared afterwards.
    ///
    /// # Errors
    /// Never in a library whose tests passed; the error is handed on all the same.
    #[cfg(feature = "bundled")]
    pub fn bundled() -> Result<Arc<Self>, Error> {
        static MAP: OnceLock<Result<Arc<ApiMap>, Error>> = OnceLock::new();
        MAP.get_or_init(|| Self::from_bytes(BUNDLED_DATA).map(Arc::new)).clone()
    }

    /// The date of the data, `YYYY-MM-DD`.
    pub fn date(&self) -> &str {
        self.strings.get(self.date)
    }

    /// What the data were taken from.
    pub fn origin(&self) -> &str {
        self.strings.get(self.origin)
    }

    /// All services, in byte order of their names.
    pub fn services(&self) -> impl ExactSizeIterator<Item = ApiService<'_>> {
        self.services.iter().map(|row| ApiService { map: self, row })
    }

    /// How many operations there are.
    pub fn n_operations(&self) -> usize {
        self.operations.len()
    }

    /// The services whose calls CloudTrail logs with an `eventSource` such as
    /// `rds.amazonaws.com`, in byte order of their names (F-52).
    pub fn services_of(&self, event_source: &str) -> impl Iterator<Item = ApiService<'_>> {
        let source_of = |at: u32| self.strings.get(self.services[at as usize].event_source);
        let start = self.by_source.partition_point(|&at| source_of(at) < event_source);
        let end = self.by_source.partition_point(|&at| source_of(at) <= event_source);
        let found = self.by_source[start..end].iter();
        found.map(|&at| ApiService { map: self, row: &self.services[at as usize] })
    }
}

fn rows<'t, T>(table: &'t [T], range: &Range<u32>) -> &'t [T] {
    &table[range.start as usize..range.end as usize]
}

impl<'a> ApiService<'a> {
    /// The name of the service in the SDKs, such as `elbv2`.
    pub fn name(&self) -> &'a str {
        self.map.strings.get(self.row.name)
    }

    /// What CloudTrail calls it, such as `elasticloadbalancing.amazonaws.com`.
    pub fn event_source(&self) -> &'a str {
        self.map.strings.get(self.row.event_source)
    }

    /// The prefixes of its actions, such as `elasticloadbalancing`.
    pub fn iam_prefixes(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let map = self.map;
        rows(&map.prefixes, &self.row.prefixes).iter().map(move |id| map.strings.get(*id))
    }

    /// Its operations, in byte order of their names.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = ApiOperation<'a>> + use<'a> {
        let map = self.map;
        rows(&map.operations, &self.row.operations).iter().map(move |row| ApiOperation { map, row })
    }

    /// The operation of a name.
    pub fn operation(&self, name: &str) -> Option<ApiOperation<'a>> {
        let map = self.map;
        let rows = rows(&map.operations, &self.row.operations);
        let found = rows.binary_search_by(|row| map.strings.get(row.name).cmp(name));
        found.ok().map(|at| ApiOperation { map, row: &rows[at] })
    }
}

impl<'a> ApiOperation<'a> {
    /// The name, such as `CreateFunction`.
    pub fn name(&self) -> &'a str {
        self.map.strings.get(self.row.name)
    }

    /// The actions it needs, in the order of the source. None: no action is known.
    pub fn actions(&self) -> impl ExactSizeIterator<Item = ApiAction<'a>> + use<'a> {
        let map = self.map;
        rows(&map.actions, &self.row.actions).iter().map(move |row| ApiAction { map, row })
    }
}

impl<'a> ApiAction<'a> {
    /// Service and name, such as `s3:GetObject`.
    pub fn full_name(&self) -> &'a str {
        self.map.strings.get(self.row.name)
    }

    /// When the call needs the action; none: always.
    pub fn condition(&self) -> Option<ApiCondition<'a>> {
        self.map.condition(self.row.condition)
    }

    /// What its resource is called.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = ResourceTemplate<'a>> + use<'a> {
        let map = self.map;
        rows(&map.template_lists, &self.row.templates).iter().map(move |&at| map.template(at))
    }
}

impl ApiMap {
    fn condition(&self, at: Option<u32>) -> Option<ApiCondition<'_>> {
        at.map(|at| ApiCondition { map: self, row: &self.conditions[at as usize] })
    }

    fn template(&self, at: u32) -> ResourceTemplate<'_> {
        let row = &self.templates[at as usize];
        let name = self.strings.get(row.name);
        let target = match row.kind {
            VARIABLE => TemplateTarget::Variable(name),
            RESOURCE_TYPE => TemplateTarget::ResourceType(name),
            _ => TemplateTarget::WholeArn,
        };
        ResourceTemplate { target, text: self.strings.get(row.text) }
    }
}

const VARIABLE: u8 = 0;
const RESOURCE_TYPE: u8 = 1;
const WHOLE_ARN: u8 = 2;

impl<'a> ApiCondition<'a> {
    /// The path of the parameter, such as `Delete.Objects[].VersionId`.
    pub fn parameter(&self) -> &'a str {
        self.map.strings.get(self.row.parameter)
    }

    /// How its values are compared.
    pub fn test(&self) -> ApiTest {
        self.row.test
    }

    /// What they are compared with.
    pub fn operand(&self) -> &'a str {
        self.map.strings.get(self.row.operand)
    }

    /// What must hold as well.
    pub fn also(&self) -> Option<ApiCondition<'a>> {
        self.map.condition(self.row.also)
    }
}

#[cfg(test)]
#[cfg(feature = "bundled")]
mod tests;
