//! From a record to a request, or to the reason why there is none.

use std::borrow::Cow;
use std::sync::Arc;

use assize_catalog::{ApiMap, Catalog};
use assize_formats::{RecordId, RequestRecord};
use assize_model::{
    AccountId, Check, ContextMode, Principal, PrincipalKind, Request, ResourceData, ResourceInput,
    StatedPrincipal, Target,
};
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::call::{Call, CallAction, Rule};
use crate::context::{context, unknown_of_new_session};
use crate::coverage::{Counts, Coverage};
use crate::environment::environment;
use crate::observed::observed;
use crate::parameters::Parameters;
use crate::principal::{Directory, principal};
use crate::record::Record;
use crate::resource::{Found, Search, requested_tables};
use crate::session::{SessionBook, absent_keys, carry_claims};
use crate::skip::{Note, SkipReason};

/// Most kinds of call whose actions are kept worked out.
const MAX_CALLS: usize = 1 << 14;

/// Makes requests of records. For one thread; what was worked out for a call is kept.
#[derive(Debug)]
pub struct Converter<'c> {
    catalog: &'c Catalog,
    map: &'c ApiMap,
    mode: ContextMode,
    calls: HashTable<(u64, Arc<Call<'c>>)>,
    coverage: Coverage,
}

/// What is known beside the record itself.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// How sessions were made.
    pub sessions: &'s SessionBook,
    /// What is behind unique ids and names.
    pub directory: &'s dyn Directory,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("sessions", self.sessions).finish_non_exhaustive()
    }
}

/// A request made of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted<'a> {
    /// The request, with the event's id and what was observed.
    pub record: RequestRecord<'a>,
    /// The account whose log the record is from.
    pub recipient: Option<AccountId>,
    /// What the request rests on.
    pub notes: Vec<Note>,
}

impl<'c> Converter<'c> {
    /// A converter over a catalog and the API map. In complete mode what a log leaves out counts
    /// as absent, and nothing is called unknown (F-55).
    pub fn new(catalog: &'c Catalog, map: &'c ApiMap, mode: ContextMode) -> Self {
        Self { catalog, map, mode, calls: HashTable::new(), coverage: Coverage::default() }
    }

    /// What became of the records so far.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What became of the records since this was asked for last.
    pub fn take_coverage(&mut self) -> Coverage {
        std::mem::take(&mut self.coverage)
    }

    /// Counts a record that [`crate::SeenEvents`] has seen before.
    pub fn count_duplicate(&mut self, record: &Record<'_>) {
        let counts = Counts { records: 1, ..Counts::default() };
        self.coverage.count(record.event_source.as_deref(), &counts);
        self.coverage.count_skip(SkipReason::Duplicate);
    }

    /// Makes a request of a record.
    ///
    /// # Errors
    /// Why there is none.
    pub fn convert<'a>(
        &mut self,
        record: &Record<'a>,
        surroundings: Surroundings<'a>,
    ) -> Result<Converted<'a>, SkipReason>
    where
        'c: 'a,
    {
        let mut counts = Counts { records: 1, ..Counts::default() };
        let converted = self.convert_counted(record, surroundings, &mut counts);
        counts.requests = u64::from(converted.is_ok());
        self.coverage.count(record.event_source.as_deref(), &counts);
        match &converted {
            Ok(converted) => self.coverage.count_notes(&converted.notes),
            Err(reason) => self.coverage.count_skip(*reason),
        }
        converted
    }

    fn convert_counted<'a>(
        &mut self,
        record: &Record<'a>,
        surroundings: Surroundings<'a>,
        counts: &mut Counts,
    ) -> Result<Converted<'a>, SkipReason>
    where
        'c: 'a,
    {
        let (source, name) = authorized_call(record)?;
        counts.calls = 1;
        let call = self.call(source, name);
        let service = source.split('.').next().unwrap_or_default();
        let parameters = Parameters::read(record.request_parameters, service);
        let actions: SmallVec<[&CallAction<'c>; 2]> =
            call.actions.iter().filter(|action| applies(&call, action, &parameters)).collect();
        if actions.is_empty() {
            return Err(SkipReason::NoAction);
        }
        counts.with_action = u64::from(!call.is_unknown);
        let mut notes = Vec::new();
        if call.is_unknown {
            notes.push(Note::UnknownOperation);
        }
        if record.has_unquoted_parameters {
            notes.push(Note::ParametersUnquoted);
        }
        let search = Search {
            catalog: self.catalog,
            call: &call,
            record,
            parameters: &parameters,
            directory: surroundings.directory,
        };
        let checks = checks(&search, &actions, &mut notes);
        let takes_resource = actions.iter().any(|action| search.takes_resource(action));
        counts.take_resource = u64::from(takes_resource);
        counts.with_resource = u64::from(takes_resource && checks.is_some());
        let access_key = record.identity.as_ref().and_then(|i| i.access_key.as_deref());
        let facts = access_key.and_then(|key| surroundings.sessions.get(key));
        let mut principal = principal(record, facts, surroundings.directory, &mut notes)?;
        let checks = checks.ok_or(SkipReason::ResourceUnknown)?;
        let mut request = Request { target: target(checks), ..Request::default() };
        environment(&mut request, record, principal.kind, self.mode);
        let keys: SmallVec<[_; 2]> = actions.iter().map(|action| &action.keys).collect();
        context(&mut request, record, &parameters, &keys);
        let absent = absent_keys(&principal, facts).into_iter().flatten();
        request.absent.extend(absent.map(Cow::Borrowed));
        if self.mode == ContextMode::Partial {
            unknown_of_new_session(&mut request, record);
            carry_claims(&mut request, &mut principal);
        }
        request.principal = stated(principal);
        Ok(converted(record, request, notes))
    }

    /// Who called what, and what AWS answered, of a record whose resource cannot be told
    /// ([`SkipReason::ResourceUnknown`]). It counts the use of an action and is not to be decided:
    /// its checks lack what they are about.
    pub fn without_resources<'a>(
        &mut self,
        record: &Record<'a>,
        surroundings: Surroundings<'a>,
    ) -> Option<Converted<'a>>
    where
        'c: 'a,
    {
        let (source, name) = authorized_call(record).ok()?;
        let call = self.call(source, name);
        let service = source.split('.').next().unwrap_or_default();
        let parameters = Parameters::read(record.request_parameters, service);
        let actions = call.actions.iter().filter(|action| applies(&call, action, &parameters));
        let checks = actions.map(|a| Check { action: a.name.clone(), ..Check::default() });
        let mut request =
            Request { target: Target::Checks(checks.collect()), ..Request::default() };
        let access_key = record.identity.as_ref().and_then(|i| i.access_key.as_deref());
        let facts = access_key.and_then(|key| surroundings.sessions.get(key));
        let mut notes = Vec::new();
        let principal = principal(record, facts, surroundings.directory, &mut notes).ok()?;
        environment(&mut request, record, principal.kind, self.mode);
        request.principal = stated(principal);
        Some(converted(record, request, notes))
    }

    /// What a call needs, looked up once.
    fn call(&mut self, source: &str, name: &str) -> Arc<Call<'c>> {
        let hash = hash(source, name);
        let is_it =
            |(_, call): &(u64, Arc<Call<'c>>)| *call.name == *name && *call.source == *source;
        if let Some((_, call)) = self.calls.find(hash, is_it) {
            return Arc::clone(call);
        }
        let call = Arc::new(Call::find(self.catalog, self.map, source, name));
        if self.calls.len() < MAX_CALLS {
            self.calls.insert_unique(hash, (hash, Arc::clone(&call)), |(hash, _)| *hash);
        }
        call
    }
}

/// A cheap hash of a call: kinds of call are few, and their names differ at their ends.
fn hash(source: &str, name: &str) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let ends = |text: &str| {
        let text = text.as_bytes();
        match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23)
            }
            _ => text.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        }
    };
    let lengths = (source.len() << 16 | name.len()) as u64;
    let mixed = ends(source).wrapping_mul(MULTIPLIER) ^ ends(name).wrapping_add(lengths);
    let product = (mixed ^ mixed >> 32).wrapping_mul(MULTIPLIER);
    product ^ product >> 29
}

fn stated(principal: StatedPrincipal<'_>) -> Principal<'_> {
    match principal.kind {
        PrincipalKind::Anonymous => Principal::Text(Cow::Borrowed("anonymous")),
        _ => Principal::Stated(Box::new(principal)),
    }
}

fn converted<'a>(record: &Record<'a>, request: Request<'a>, notes: Vec<Note>) -> Converted<'a> {
    Converted {
        record: RequestRecord {
            id: record.event_id.clone().map(RecordId::Text),
            request,
            observed: Some(observed(record)),
            extra: Vec::new(),
        },
        recipient: record.recipient_account.as_deref().and_then(|id| id.parse().ok()),
        notes,
    }
}

/// F-51: the event source and the name of a call, unless the record is of something else.
fn authorized_call<'r>(record: &'r Record<'_>) -> Result<(&'r str, &'r str), SkipReason> {
    let kind = record.event_type.as_deref();
    let category = record.event_category.as_deref();
    if category == Some("NetworkActivity") || kind == Some("AwsVpceEvent") {
        if record.error_code.as_deref() != Some("VpceAccessDenied") {
            return Err(SkipReason::NetworkActivity);
        }
    } else if matches!(
        kind,
        Some("AwsConsoleSignIn" | "AwsServiceEvent" | "AwsConsoleAction" | "AwsCloudTrailInsight")
    ) || category == Some("Insight")
    {
        return Err(SkipReason::NotAnAuthorization);
    }
    match (record.event_source.as_deref(), record.event_name.as_deref(), &record.identity) {
        (Some(source), Some(name), Some(_)) if source != "signin.amazonaws.com" => {
            Ok((source, name))
        }
        _ => Err(SkipReason::NotAnAuthorization),
    }
}

/// Whether a call with these parameters needs an action: the conditions of the map, and those of
/// F-57 on versions.
fn applies(call: &Call<'_>, action: &CallAction<'_>, parameters: &Parameters<'_>) -> bool {
    let has_version = match call.rule {
        Some(Rule::S3Versions(_)) => parameters.text("versionId").is_some(),
        Some(Rule::S3DeleteObjects) => parameters.exists("Delete.Objects[].VersionId"),
        Some(Rule::S3Copy) => parameters
            .text("x-amz-copy-source")
            .is_some_and(|source| source.contains("?versionId=")),
        _ => return action.applies(parameters),
    };
    match &*action.name {
        "s3:PutObject" => true,
        name => name.contains("ObjectVersion") == has_version,
    }
}

/// Actions with their resources; most calls have one.
type Checks<'a> = SmallVec<[(Cow<'a, str>, Vec<Found<'a>>); 1]>;

/// The checks of a call: each action with each of its resources. None, when the resource of one
/// cannot be told (F-56 (e)).
fn checks<'a, 'c: 'a>(
    search: &Search<'_, 'a>,
    actions: &[&CallAction<'c>],
    notes: &mut Vec<Note>,
) -> Option<Checks<'a>> {
    let mut checks = Checks::new();
    for action in actions {
        let mut found = search.resources(action, notes);
        if found.is_empty() && search.call.rule == Some(Rule::DynamoDbTables) {
            found = tables(search);
        }
        if found.is_empty() && search.takes_resource(action) {
            return None;
        }
        checks.push((action.name.clone(), found));
    }
    notes.sort_unstable();
    notes.dedup();
    Some(checks)
}

/// The tables that a DynamoDB call names as members of `requestItems` (F-57).
fn tables<'a>(search: &Search<'_, 'a>) -> Vec<Found<'a>> {
    let region = search.record.region.as_deref().unwrap_or_default();
    let account = search.record.recipient_account.as_deref().unwrap_or_default();
    let names = requested_tables(search.parameters).into_iter();
    names
        .map(|name| {
            let arn = if name.starts_with("arn:") {
                name
            } else {
                format!("arn:aws:dynamodb:{region}:{account}:table/{name}")
            };
            Found { arn: Cow::Owned(arn), account: None }
        })
        .collect()
}

fn data<'a>(account: Option<AccountId>) -> Option<Box<ResourceData<'a>>> {
    account
        .map(|account| Box::new(ResourceData { account: Some(account), ..ResourceData::default() }))
}

/// One action with several resources is expanded by E-68; several actions are checks.
fn target(mut checks: Checks<'_>) -> Target<'_> {
    if checks.len() == 1
        && let Some((action, found)) = checks.pop()
    {
        let resources = found.into_iter().map(|found| ResourceInput {
            arn: found.arn,
            data: data(found.account),
            context: Vec::new(),
        });
        return Target::Action { action, resource: None, resources: resources.collect() };
    }
    let each = checks.into_iter().flat_map(|(action, found)| {
        let without =
            found.is_empty().then(|| Check { action: action.clone(), ..Check::default() });
        let with = found.into_iter().map(move |found| Check {
            action: action.clone(),
            resource: Some(found.arn),
            data: data(found.account),
            context: Vec::new(),
        });
        without.into_iter().chain(with)
    });
    Target::Checks(each.collect())
}
