//! The facts a map is built from, as plain lists.

use super::ApiTest;

/// Everything that [`super::write()`] makes a data file of. The order of services and operations
/// does not matter; that of the actions of an operation is kept.
#[derive(Debug, Clone, Default)]
pub struct ApiMapSource {
    /// The date of the data, `YYYY-MM-DD`.
    pub date: String,
    /// Names and versions of the sources.
    pub origin: String,
    /// The services.
    pub services: Vec<SourceApiService>,
}

/// One service.
#[derive(Debug, Clone, Default)]
pub struct SourceApiService {
    /// The name in the SDKs.
    pub name: String,
    /// What CloudTrail calls it.
    pub event_source: String,
    /// The prefixes of its actions.
    pub iam_prefixes: Vec<String>,
    /// Its operations.
    pub operations: Vec<SourceOperation>,
}

/// One operation.
#[derive(Debug, Clone, Default)]
pub struct SourceOperation {
    /// The name.
    pub name: String,
    /// The actions it needs.
    pub actions: Vec<SourceApiAction>,
}

/// One action of an operation.
#[derive(Debug, Clone, Default)]
pub struct SourceApiAction {
    /// Service and name.
    pub name: String,
    /// When it is needed.
    pub condition: Option<SourceCondition>,
    /// What its resource is called.
    pub templates: Vec<SourceTemplate>,
}

/// A condition on a parameter.
#[derive(Debug, Clone)]
pub struct SourceCondition {
    /// The path of the parameter.
    pub parameter: String,
    /// How its values are compared.
    pub test: ApiTest,
    /// What they are compared with.
    pub operand: String,
    /// What must hold as well.
    pub also: Option<Box<SourceCondition>>,
}

/// What part of a resource is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceTemplate {
    /// A variable of the ARN formats, and its template.
    Variable(String, String),
    /// A resource type, and the template of its whole ARN.
    ResourceType(String, String),
    /// The template of a whole ARN.
    WholeArn(String),
}
