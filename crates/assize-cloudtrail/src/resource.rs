//! What a call was about (F-56).

use std::borrow::Cow;

use assize_catalog::Catalog;
use assize_formats::json::Node;
use assize_model::{AccountId, ActionId, ArnParts};
use smallvec::SmallVec;

use crate::call::{ActionForm, Call, CallAction, Entry, Rule};
use crate::form::Form;
use crate::parameters::{Parameters, member, scalar};
use crate::place::{is_account, is_alias, nested_catalog, stated_owner};
use crate::principal::{Directory, is_secret_of};
use crate::record::Record;
use crate::skip::Note;
use crate::tagged::OfId;
use crate::template::{Piece, Pieces, Values};

/// A resource of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) arn: Cow<'a, str>,
    /// The owner, where the log names one and the ARN does not.
    pub(crate) account: Option<AccountId>,
}

/// An ARN put together from parameters.
#[derive(Debug, PartialEq, Eq)]
struct Built {
    arn: String,
    /// Whether a call always is about a resource of its type.
    is_required: bool,
}

/// Calls to IAM that make what they name, and what that is.
const MAKERS: [(&str, &str); 4] = [
    ("CreateGroup", "group"),
    ("CreateInstanceProfile", "instance-profile"),
    ("CreateRole", "role"),
    ("CreateUser", "user"),
];

/// What is in data catalogs of Glue, as its ARNs call it.
const IN_CATALOGS: [&str; 4] = ["database", "table", "tableVersion", "userDefinedFunction"];

/// What resources are looked for with.
pub(crate) struct Search<'s, 'a> {
    pub(crate) catalog: &'s Catalog,
    pub(crate) call: &'s Call<'s>,
    pub(crate) record: &'s Record<'a>,
    pub(crate) parameters: &'s Parameters<'a>,
    pub(crate) directory: &'a dyn Directory,
}

impl<'a> Search<'_, 'a> {
    /// The resources of one action of the call, by the first way that gives any. None are given
    /// too when the action takes none; [`Search::takes_resource`] tells.
    pub(crate) fn resources(
        &self,
        action: &CallAction<'_>,
        notes: &mut Vec<Note>,
    ) -> Vec<Found<'a>> {
        let Some(id) = action.id else { return self.of_unknown_action() };
        if !self.takes_resource(action) {
            // No ARN fits it.
            return self.listed_path(id).into_iter().collect();
        }
        let is_source = self.call.rule == Some(Rule::S3Copy) && &*action.name != "s3:PutObject";
        let mut found = if is_source { self.copy_source() } else { self.listed(id) };
        match self.call.rule {
            Some(Rule::S3Copy) if !is_source => self.keep_target(&mut found),
            Some(Rule::KmsReEncrypt) => self.keep_key(&mut found, &action.name),
            _ => {}
        }
        self.add_index(id, &mut found);
        if found.is_empty() {
            found = match self.call.rule {
                Some(Rule::S3DeleteObjects) => found,
                _ if is_source => found,
                Some(Rule::AssumeRoot) => self.target_root().into_iter().collect(),
                Some(Rule::IamUpdate(kind)) => self.updated(kind, notes),
                Some(Rule::Ec2Tags) => self.tagged(id, action, notes),
                Some(Rule::BedrockModel(_)) => self.model(id, notes).into_iter().collect(),
                _ => self.built(id, action, notes),
            };
        }
        if found.is_empty() && !self.parameters.is_given() {
            found.extend(self.named_by_message(id));
            if !found.is_empty() {
                notes.push(Note::ResourceFromMessage);
            }
        }
        if &*action.name == "lambda:InvokeFunction" {
            self.qualify(&mut found);
        }
        if self.call.rule == Some(Rule::PolicyTarget) && !found.is_empty() {
            found.extend(self.policy_target());
        }
        found
    }

    /// Whether an action is about resources at all.
    pub(crate) fn takes_resource(&self, action: &CallAction<'_>) -> bool {
        action.id.is_some_and(|id| !self.catalog.action_ref(id).is_wildcard_only())
    }

    /// E-6: what a listing of a path of IAM is about.
    fn listed_path(&self, id: ActionId) -> Option<Found<'a>> {
        let prefix = self.parameters.text("pathPrefix")?;
        let path = prefix.strip_prefix('/').filter(|path| !path.is_empty())?;
        let caller = self.record.identity.as_ref().and_then(|identity| identity.account.as_deref());
        let form = self.catalog.wildcard_form(id).render(self.partition(), caller?);
        let arn = form.ends_with('/').then(|| format!("{form}{path}"))?;
        Some(Found { arn: Cow::Owned(arn), account: None })
    }

    /// F-56 (a): the ARNs that the record lists and that fit the action.
    fn listed(&self, id: ActionId) -> Vec<Found<'a>> {
        let listed = self.record.resources.iter().filter_map(|resource| resource.arn.as_ref());
        let fitting = listed.filter(|arn| self.catalog.fits(id, arn).is_some());
        let mut found: Vec<Found<'a>> = Vec::new();
        for arn in fitting {
            if found.iter().all(|known| known.arn != *arn) {
                found.push(Found { arn: arn.clone(), account: self.owner(arn) });
            }
        }
        found
    }

    /// The resources of an action that the catalog lacks: whatever the record lists.
    fn of_unknown_action(&self) -> Vec<Found<'a>> {
        let listed = self.record.resources.iter().filter_map(|resource| resource.arn.as_ref());
        listed.map(|arn| Found { arn: arn.clone(), account: self.owner(arn) }).take(1).collect()
    }

    /// The owner that the record names for a resource whose ARN names none: of the entry itself,
    /// or of the bucket that the object is in.
    fn owner(&self, arn: &str) -> Option<AccountId> {
        if ArnParts::split(arn).is_none_or(|parts| parts.account_id().is_some()) {
            return None;
        }
        let mut entries = self.record.resources.iter();
        entries.find_map(|entry| {
            let rest = arn.strip_prefix(entry.arn.as_deref()?)?;
            let is_parent = rest.is_empty() || rest.starts_with('/');
            entry.account.as_deref().filter(|_| is_parent)?.parse().ok()
        })
    }

    /// F-56 (b): ARNs built from the parameters by the templates of the map.
    fn built(
        &self,
        id: ActionId,
        action: &CallAction<'_>,
        notes: &mut Vec<Note>,
    ) -> Vec<Found<'a>> {
        let stated = stated_owner(self.record, self.parameters);
        let named = stated.as_ref().map(AccountId::as_str);
        let account = named.or(self.account()).unwrap_or_default();
        let values = self.values(account);
        let mut built = Vec::new();
        let is_given = self.parameters.is_given();
        // What no parameter can change is known without them.
        if is_given || action.entries.iter().all(Entry::is_constant) {
            for entry in action.entries.iter().filter(|entry| entry.applies(self.parameters)) {
                self.fill_entry((id, action), entry, &values, &mut built);
            }
        }
        if is_given && built.is_empty() {
            self.named_by_parameters((id, action), &values, &mut built);
        }
        if built.is_empty() {
            built.extend(self.caller_itself(id));
        }
        self.keep_meant(&mut built);
        if !built.is_empty() {
            self.add_catalog(id, &values, &mut built);
        }
        let names_account = |arn: &str| !account.is_empty() && arn.contains(account);
        if stated.is_none() && built.iter().any(|built| names_account(&built.arn)) {
            notes.push(Note::ResourceAccount);
        }
        let found = built.into_iter().map(|built| {
            let account = self.owner(&built.arn);
            let held = self.with_path(&built.arn).map(Cow::Borrowed);
            let whole = held.or_else(|| self.whole_secret(&built.arn));
            Found { arn: whole.unwrap_or(Cow::Owned(built.arn)), account }
        });
        found.collect()
    }

    /// The ARN of what a call to IAM names without its path: names are unique in an account
    /// (I-12), and what the world holds under this one is what AWS decides about. What a call
    /// makes is where the call says, and an ARN that the call gives is whole.
    fn with_path(&self, arn: &str) -> Option<&'a str> {
        if self.record.event_source.as_deref() != Some("iam.amazonaws.com") {
            return None;
        }
        let parts = ArnParts::split(arn)?;
        let (kind, name) = parts.resource.split_once('/')?;
        let is_made = MAKERS.contains(&(&*self.call.name, kind));
        if is_made || name.contains('/') || self.parameters.all_texts().iter().any(|t| t == arn) {
            return None;
        }
        let held = self.directory.named_arn(parts.account_id()?, kind, name)?;
        let is_there = ArnParts::split(held).is_some_and(|of| of.partition == parts.partition);
        is_there.then_some(held)
    }

    /// The ARN of a secret that a call gives the name of, which lacks the characters that AWS put
    /// behind it: that of the world or of the answer, else with a `?` for each of them.
    fn whole_secret(&self, arn: &str) -> Option<Cow<'a, str>> {
        let is_named = self.record.event_source.as_deref() == Some("secretsmanager.amazonaws.com")
            && self.parameters.text("secretId").is_some_and(|id| !id.starts_with("arn:"));
        if !is_named {
            return None;
        }
        let answered = || {
            let answer = Node::parse(self.record.response_elements?).ok()?;
            scalar(member(&answer, "arn")?).filter(|whole| is_secret_of(whole, arn))
        };
        let held = self.directory.secret_arn(arn).map(Cow::Borrowed).or_else(answered);
        Some(held.unwrap_or_else(|| Cow::Owned(format!("{arn}-??????"))))
    }

    /// What ARNs are filled from, beside the account.
    fn values<'v>(&'v self, account: &'v str) -> Values<'v, 'a> {
        let region = self.record.region.as_deref().unwrap_or_default();
        Values { parameters: self.parameters, partition: self.partition(), region, account }
    }

    /// Calls to Glue about what is in a data catalog are about the catalog too, which has no name.
    /// What is in a catalog inside of it has the name of that in its ARN, and so has that catalog.
    fn add_catalog(&self, id: ActionId, values: &Values<'_, '_>, built: &mut Vec<Built>) {
        if self.record.event_source.as_deref() != Some("glue.amazonaws.com") {
            return;
        }
        let stated = self.parameters.text("catalogId");
        let nested = stated.as_deref().and_then(nested_catalog);
        if let Some(catalog) = nested {
            for Built { arn, .. } in &mut *built {
                put_in_catalog(arn, catalog);
            }
        }
        for listed in self.catalog.action_ref(id).resource_types() {
            let kind = listed.resource_type();
            let name = nested.filter(|_| kind.name() == "catalog");
            if name.is_none() && !listed.is_required() {
                continue;
            }
            let own: SmallVec<[Pieces<'_>; 1]> =
                name.into_iter().map(|name| Pieces::from_iter([Piece::fixed(name)])).collect();
            for arn in kind.formats().flat_map(|f| Form::new(f.text()).fill(&own, values)) {
                if built.iter().all(|known| known.arn != arn) {
                    built.push(Built { arn, is_required: true });
                }
            }
        }
    }

    /// Of the ARNs that were built, those that the call is about. A template may give `*` for
    /// what the call could have named: that counts for the types that every such call is about,
    /// and for others only when there is nothing else. Where one parameter gives the names of
    /// several types, another one says which.
    fn keep_meant(&self, built: &mut Vec<Built>) {
        let is_open = |built: &Built| !built.is_required && built.arn.contains('*');
        if !built.iter().all(is_open) {
            built.retain(|built| !is_open(built));
        }
        if built.len() < 2 {
            return;
        }
        built.retain(|built| !is_other_machine(&built.arn));
        let Some(stated) = self.parameters.text("resourceType") else { return };
        let is_stated = |built: &Built| {
            let resource = ArnParts::split(&built.arn).map(|parts| parts.resource);
            let kind = resource.and_then(|resource| resource.split(['/', ':']).next());
            let letters = |text: &str| text.replace('-', "").to_ascii_lowercase();
            kind.is_some_and(|kind| letters(kind) == letters(&stated))
        };
        if built.iter().any(is_stated) {
            built.retain(is_stated);
        }
    }

    /// The ARNs of an action of which the map has no templates: formats whose variables have the
    /// names of parameters, parameters that are such ARNs, and formats without variables.
    fn named_by_parameters(
        &self,
        (id, action): (ActionId, &CallAction<'_>),
        values: &Values<'_, '_>,
        built: &mut Vec<Built>,
    ) {
        for form in &action.forms {
            let pieces = |name: &&str| self.named(name, form.form.variables.len() > 1);
            let own: SmallVec<[Pieces<'_>; 2]> = form.form.variables.iter().map(pieces).collect();
            form.push(&own, values, built);
        }
        // Calls of API Gateway have few actions, which list the resources of all of them.
        let is_gateway = matches!(self.call.rule, Some(Rule::ApiGateway(_)));
        if is_gateway && (built.len() > 1 || action.entries.iter().any(Entry::has_whole)) {
            built.clear();
        }
        if built.is_empty() {
            let arns = self.parameters.all_texts().into_iter();
            let fitting = arns.filter(|arn| self.catalog.fits(id, arn).is_some());
            built.extend(fitting.map(|arn| Built { arn: arn.into_owned(), is_required: true }));
        }
        if built.is_empty() && !is_gateway {
            // Where a call is always about one of several types, it is not known which.
            let types = || self.catalog.action_ref(id).resource_types();
            let n_required = types().filter(assize_catalog::ActionResource::is_required).count();
            for listed in types().filter(|listed| listed.is_required() == (n_required == 1)) {
                if n_required > 1 {
                    break;
                }
                for format in listed.resource_type().formats() {
                    let form = Form::new(format.text());
                    if !form.variables.is_empty() {
                        continue;
                    }
                    let arns = form.fill(&[], values).into_iter();
                    built.extend(arns.map(|arn| Built { arn, is_required: true }));
                }
            }
        }
    }

    /// What the call gives for a variable of an ARN format. What ECS has is in a cluster, which is
    /// the one called `default` when none is given.
    fn named(&self, variable: &str, is_part: bool) -> Pieces<'a> {
        let values = self.parameters.values(variable).into_iter();
        let mut pieces: Pieces<'a> = values.map(Piece::whole).collect();
        let is_ecs = self.record.event_source.as_deref() == Some("ecs.amazonaws.com");
        if !is_ecs || variable != "ClusterName" {
            return pieces;
        }
        for Piece { text, .. } in &mut pieces {
            *text = Cow::Owned(text.rsplit('/').next().unwrap_or_default().to_owned());
        }
        if pieces.is_empty() && is_part {
            // An ARN of something else says in which cluster that is.
            let is_said = self.parameters.all_texts().iter().any(|text| text.starts_with("arn:"));
            pieces.push(Piece::fixed(if is_said { "*" } else { "default" }));
        }
        pieces
    }

    /// Calls to IAM about a user that name none are about the caller.
    fn caller_itself(&self, id: ActionId) -> Option<Built> {
        let identity = self.record.identity.as_ref()?;
        let is_iam = self.record.event_source.as_deref() == Some("iam.amazonaws.com");
        let is_user = identity.kind.as_deref() == Some("IAMUser");
        if !is_iam || !is_user || self.parameters.text("userName").is_some() {
            return None;
        }
        let arn = identity.arn.as_deref().filter(|arn| self.catalog.fits(id, arn).is_some())?;
        Some(Built { arn: arn.to_owned(), is_required: true })
    }

    fn fill_entry(
        &self,
        (id, action): (ActionId, &CallAction<'_>),
        entry: &Entry<'_>,
        values: &Values<'_, '_>,
        built: &mut Vec<Built>,
    ) {
        // The map knows resources that the reference lacks: as no type fits them, nobody could be
        // allowed anything on them (E-7).
        let mut push = |arn: String| {
            let is_arn = ArnParts::split(&arn).is_some() && self.catalog.fits(id, &arn).is_some();
            if is_arn && built.iter().all(|known| known.arn != arn) {
                built.push(Built { arn, is_required: true });
            }
        };
        for filler in &entry.whole {
            filler.arns(values).into_iter().for_each(&mut push);
        }
        for (name, filler) in &entry.of_type {
            let fits = |arn: &str| self.fits_type(id, name, arn);
            for piece in filler.pieces(values, &fits) {
                if fits(&piece.text) {
                    push(piece.text.into_owned());
                } else {
                    arns_of_name(action, name, &piece, values).into_iter().for_each(&mut push);
                }
            }
        }
        for (form, fillers) in &entry.fills {
            let (Some(form), fillers) = (action.forms.get(*form), fillers.iter()) else { continue };
            let pieces = |at: &usize| match entry.variables.get(*at) {
                Some((_, filler)) => filler.pieces(values, &|_| true),
                None => Pieces::new(),
            };
            let own: SmallVec<[Pieces<'_>; 2]> = fillers.map(pieces).collect();
            form.push(&own, values, built);
        }
    }

    fn fits_type(&self, id: ActionId, name: &str, arn: &str) -> bool {
        let mut types = self.catalog.action_ref(id).resource_types();
        types.any(|listed| {
            let found = listed.resource_type();
            found.name().eq_ignore_ascii_case(name)
                && found.formats().any(|format| format.matches(arn))
        })
    }

    /// Of the objects that a copy lists, the one that was written.
    fn keep_target(&self, found: &mut Vec<Found<'a>>) {
        let (bucket, key) = (self.parameters.text("bucketName"), self.parameters.text("key"));
        if let (Some(bucket), Some(key)) = (bucket, key) {
            let target = format!(":s3:::{bucket}/{key}");
            found.retain(|found| found.arn.ends_with(&target));
        }
    }

    /// E-82: of the keys that a re-encryption lists, the one that an action of it is about: that
    /// of its own parameter, else the one that the other parameter does not name.
    fn keep_key(&self, found: &mut Vec<Found<'a>>, action: &str) {
        let (source, destination) = ("sourceKeyId", "destinationKeyId");
        let is_source = action == "kms:ReEncryptFrom";
        let (own, other) = if is_source { (source, destination) } else { (destination, source) };
        let key = |name| self.parameters.text(name).filter(|key| !is_alias(key, "kms"));
        let is = |found: &Found<'_>, key: &str| {
            found.arn == key || found.arn.rsplit('/').next() == Some(key)
        };
        if let Some(own) = key(own) {
            // A key of another account may be missing: the parameter names it.
            return found.retain(|found| is(found, &own));
        }
        if found.len() < 2 {
            return;
        }
        match key(other) {
            Some(other) if found.len() == 2 && found.iter().any(|key| is(key, &other)) => {
                found.retain(|found| !is(found, &other));
            }
            _ => found.clear(),
        }
    }

    /// F-57: what a copy reads: `/bucket/key?versionId=…` of `x-amz-copy-source`.
    fn copy_source(&self) -> Vec<Found<'a>> {
        let source = self.parameters.text("x-amz-copy-source");
        let Some(source) = source else { return Vec::new() };
        let path = source.split("?versionId=").next().unwrap_or_default();
        let Some(path) = percent_decode(path) else { return Vec::new() };
        let path = path.strip_prefix('/').unwrap_or(&path);
        let arn = if path.starts_with("arn:") {
            path.to_owned()
        } else {
            format!("arn:{}:s3:::{path}", self.partition())
        };
        let account = self.owner(&arn);
        vec![Found { arn: Cow::Owned(arn), account }]
    }

    /// F-57: the root user that a session is asked for, named by its account or its ARN.
    fn target_root(&self) -> Option<Found<'a>> {
        let account = stated_owner(self.record, self.parameters)?;
        let arn = format!("arn:{}:iam::{account}:root", self.partition());
        Some(Found { arn: Cow::Owned(arn), account: None })
    }

    /// F-57: the account, unit or root that a policy of an organization is put on or taken off,
    /// beside the policy itself. No parameter says of which organization it is.
    fn policy_target(&self) -> Option<Found<'a>> {
        let target = self.parameters.text("targetId")?;
        let kind = match &*target {
            id if is_account(id) => "account",
            id if id.starts_with("ou-") => "ou",
            id if id.starts_with("r-") => "root",
            _ => return None,
        };
        let (partition, account) = (self.partition(), self.account()?);
        let arn = format!("arn:{partition}:organizations::{account}:{kind}/o-*/{target}");
        Some(Found { arn: Cow::Owned(arn), account: None })
    }

    /// F-57: what a call to Bedrock runs: by its ARN, or by the id of a model of AWS or of a profile
    /// that chooses the region.
    fn model(&self, id: ActionId, notes: &mut Vec<Note>) -> Option<Found<'a>> {
        let model = self.parameters.text("modelId")?;
        let arn = if model.starts_with("arn:") {
            model
        } else {
            let (partition, region) = (self.partition(), self.record.region.as_deref()?);
            Cow::Owned(if is_inference_profile(&model) {
                notes.push(Note::ResourceAccount);
                let account = self.account()?;
                format!("arn:{partition}:bedrock:{region}:{account}:inference-profile/{model}")
            } else {
                format!("arn:{partition}:bedrock:{region}::foundation-model/{model}")
            })
        };
        self.catalog.fits(id, &arn)?;
        let account = self.owner(&arn);
        Some(Found { arn, account })
    }

    /// F-57: what a call to IAM renames or moves, and what it is to be called. For both the caller
    /// needs the action.
    fn updated(&self, kind: &str, notes: &mut Vec<Note>) -> Vec<Found<'a>> {
        let text = |name: &str| self.parameters.text(name);
        let (own, new) = match kind {
            "user" => ("userName", "newUserName"),
            _ => ("groupName", "newGroupName"),
        };
        let (Some(name), Some(account)) = (text(own), self.account()) else { return Vec::new() };
        let start = format!("arn:{}:iam::{account}:{kind}", self.partition());
        let named = format!("{start}/{name}");
        let arn = self.with_path(&named).map_or(Cow::Owned(named), Cow::Borrowed);
        notes.push(Note::ResourceAccount);
        let (new_name, new_path) = (text(new), text("newPath"));
        let is_renamed = new_name.is_some() || new_path.is_some();
        let renamed = is_renamed.then(|| {
            let path = match new_path {
                Some(path) => format!("{start}{}", path.trim_end_matches('/')),
                None => arn.rsplit_once('/').map_or(start, |(path, _)| path.to_owned()),
            };
            Cow::Owned(format!("{path}/{}", new_name.unwrap_or(name)))
        });
        let arns = std::iter::once(arn.clone()).chain(renamed);
        arns.map(|arn| Found { arn, account: None }).collect()
    }

    /// F-57: what a call to EC2 gives tags or takes them from. None, when the type of one of them
    /// cannot be told.
    fn tagged(
        &self,
        id: ActionId,
        action: &CallAction<'_>,
        notes: &mut Vec<Note>,
    ) -> Vec<Found<'a>> {
        let values = self.values(self.account().unwrap_or_default());
        let arn = |tagged: Cow<'a, str>| {
            if self.catalog.fits(id, &tagged).is_some() {
                return Some(tagged);
            }
            let OfId { kind, has_name } = OfId::read(&tagged)?;
            let piece = if has_name { Piece::fixed("*") } else { Piece::whole(tagged) };
            arns_of_name(action, kind, &piece, &values).into_iter().next().map(Cow::Owned)
        };
        let arns: Option<Vec<_>> =
            self.parameters.values("Resources[]").into_iter().map(arn).collect();
        let found = arns.into_iter().flatten().map(|arn| Found { arn, account: None });
        let found: Vec<_> = found.collect();
        if !found.is_empty() {
            notes.push(Note::ResourceAccount);
        }
        found
    }

    /// An invocation of a version or an alias is about that, whatever lists the function: a
    /// parameter says which, or it stands behind the name.
    fn qualify(&self, found: &mut [Found<'a>]) {
        let name = self.parameters.text("functionName").unwrap_or_default();
        let bare = name.rsplit_once("function:").map_or(&*name, |(_, bare)| bare);
        let behind = bare.split_once(':').filter(|(name, _)| !is_account(name));
        let behind = behind.map(|(_, qualifier)| qualifier.to_owned());
        let stated = self.parameters.text("qualifier").map(Cow::into_owned);
        let Some(qualifier) = stated.or(behind) else { return };
        for Found { arn, .. } in found {
            let function = ArnParts::split(arn).and_then(|a| a.resource.strip_prefix("function:"));
            if function.is_some_and(|name| !name.contains(':')) {
                *arn = Cow::Owned(format!("{arn}:{qualifier}"));
            }
        }
    }

    /// The index that a call to DynamoDB reads, beside the table that the record lists.
    fn add_index(&self, id: ActionId, found: &mut Vec<Found<'a>>) {
        let is_dynamo = self.record.event_source.as_deref() == Some("dynamodb.amazonaws.com");
        let Some(index) = self.parameters.text("indexName").filter(|_| is_dynamo) else { return };
        let arns = found.iter().map(|table| format!("{}/index/{index}", table.arn));
        let fitting = arns.filter(|arn| self.catalog.fits(id, arn).is_some());
        let is_new = |arn: &String| found.iter().all(|known| known.arn != *arn);
        let indexes: Vec<_> = fitting.filter(is_new).collect();
        let indexes = indexes.into_iter().map(|arn| Found { arn: arn.into(), account: None });
        found.extend(indexes);
    }

    /// The account whose log it is; else that of the caller.
    fn account(&self) -> Option<&str> {
        let caller = self.record.identity.as_ref().and_then(|identity| identity.account.as_deref());
        self.record.recipient_account.as_deref().or(caller)
    }

    /// F-56 (c): what the error message names.
    fn named_by_message(&self, id: ActionId) -> Option<Found<'a>> {
        let message = self.record.error_message.as_deref()?;
        let (_, rest) = message.split_once("on resource: ")?;
        let arn = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
        let is_one = !arn.contains('*') && self.catalog.fits(id, arn).is_some();
        is_one.then(|| Found { arn: Cow::Owned(arn.to_owned()), account: self.owner(arn) })
    }

    /// The partition of the call: that of its caller, else by its region.
    fn partition(&self) -> &'static str {
        let arn = self.record.identity.as_ref().and_then(|identity| identity.arn.as_deref());
        let caller = arn.and_then(|arn| arn.split(':').nth(1));
        let region = self.record.region.as_deref().unwrap_or_default();
        match caller {
            Some("aws-cn") => "aws-cn",
            Some("aws-us-gov") => "aws-us-gov",
            None if region.starts_with("cn-") => "aws-cn",
            None if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

/// The ARN of a resource type whose format has one variable of its own, of which the call gives
/// the name alone.
fn arns_of_name(
    action: &CallAction<'_>,
    kind: &str,
    name: &Piece<'_>,
    values: &Values<'_, '_>,
) -> Vec<String> {
    let is_meant = |form: &&ActionForm<'_>| {
        form.kind.eq_ignore_ascii_case(kind) && form.form.variables.len() == 1
    };
    let forms = action.forms.iter().filter(|_| !name.text.contains(':')).filter(is_meant);
    forms.filter_map(|form| form.form.fill_one(name, values)).collect()
}

impl ActionForm<'_> {
    /// Adds the ARNs of the form that are not there yet.
    fn push(&self, own: &[Pieces<'_>], values: &Values<'_, '_>, built: &mut Vec<Built>) {
        for arn in self.form.fill(own, values) {
            if built.iter().all(|known| known.arn != arn) {
                built.push(Built { arn, is_required: self.is_required });
            }
        }
    }
}

/// Puts what an ARN names into a catalog inside of the account's own.
fn put_in_catalog(arn: &mut String, catalog: &str) {
    let kind = ArnParts::split(arn).and_then(|parts| parts.resource.split_once('/'));
    if let Some((_, name)) = kind.filter(|(kind, _)| IN_CATALOGS.contains(kind)) {
        let at = arn.len() - name.len();
        arn.insert_str(at, &format!("{catalog}/"));
    }
}

/// Whether an ARN gives a machine the type of the other kind: those that Systems Manager manages
/// outside of EC2 have ids that begin `mi-`.
fn is_other_machine(arn: &str) -> bool {
    arn.contains(":managed-instance/i-") || arn.contains(":instance/mi-")
}

/// What the ids of the inference profiles of AWS begin with, before the id of the model: where the
/// regions are among which they choose. State of November 2026.
const PROFILE_AREAS: [&str; 8] = ["apac", "au", "ca", "eu", "global", "jp", "us", "us-gov"];

fn is_inference_profile(model: &str) -> bool {
    model.split_once('.').is_some_and(|(area, _)| PROFILE_AREAS.contains(&area))
}

/// The names of the tables of a DynamoDB call on several of them (F-57).
pub(crate) fn requested_tables(parameters: &Parameters<'_>) -> Vec<String> {
    let items = parameters.member("requestItems").and_then(Node::as_object).unwrap_or_default();
    items.iter().map(|member| member.key.to_string()).collect()
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(percent_decode("a%2Fb%20c").as_deref(), Some("a/b c"));
        assert_eq!(percent_decode("a%2"), None);
        assert_eq!(percent_decode("%ff"), None);
    }
}
