//! `cargo xtask catalog`: the data files of `assize-catalog` from their sources.

mod api_map;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use assize_catalog::managed::{self, SourcePolicy};
use assize_catalog::snapshot::{
    self, CatalogSource, SourceAction, SourceActionResource, SourceKey, SourceResourceType,
    SourceService,
};
use assize_catalog::{AccessLevel, ApiMap, Catalog, ManagedPolicies};
use assize_model::{KeyShape, KeyType};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

const DATA: &str = "crates/assize-catalog/data";

/// Most differences that are printed one by one.
const MAX_PRINTED: usize = 40;
/// Bytes before the compressed body of a data file.
const HEADER_BYTES: usize = 16;

/// The arguments of the task.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a data file is not what its sources give
    #[arg(long)]
    check: bool,
}

/// Fails when a data file is not what its sources give.
pub(crate) fn check(root: &Path) -> Result<()> {
    run(root, &Args { check: true })
}

/// Builds the data files.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let data = root.join(DATA);
    let supplement: Supplement = read_json(&data.join("source/supplement.json"))?;
    let catalog = snapshot::write(&catalog_source(&data, &supplement)?)?;
    let policies =
        managed::write(&supplement.managed_policies_date, &read_policies(&data, &supplement)?)?;
    let file = data.join("catalog.bin");
    put(args, &file, &catalog, || print_catalog_difference(&file, &catalog))?;
    let file = data.join("managed-policies.bin");
    put(args, &file, &policies, || print_policy_difference(&file, &policies))?;
    let map = assize_catalog::api_map::write(&api_map::source(&data, &supplement.api_map)?)?;
    let file = data.join("api-map.bin");
    put(args, &file, &map, || print_map_difference(&file, &map))
}

/// Writes a data file, or checks that it need not be written. What is compressed is compared
/// uncompressed, so that another version of the compressor makes no difference.
fn put(
    args: &Args,
    file: &Path,
    bytes: &[u8],
    print_difference: impl Fn() -> Result<()>,
) -> Result<()> {
    let name = file.file_name().unwrap_or_default().display();
    if fs::read(file).is_ok_and(|old| content(&old).is_some_and(|old| Some(old) == content(bytes)))
    {
        println!("{name} is current ({} bytes)", bytes.len());
        return Ok(());
    }
    print_difference()?;
    if args.check {
        bail!("{name} is not what its sources give; run `cargo xtask catalog`");
    }
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote {name} ({} bytes)", bytes.len());
    Ok(())
}

/// The header of a data file and its body.
fn content(file: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let (header, stream) = file.split_at_checked(HEADER_BYTES)?;
    let mut body = Vec::new();
    flate2::read::ZlibDecoder::new(stream).read_to_end(&mut body).ok()?;
    Some((header, body))
}

// The source files.

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reference {
    schema: u32,
    source: ReferenceSource,
    global_condition_keys: BTreeMap<String, GlobalKey>,
    #[serde(rename = "conditionKeyPrefixes")]
    _condition_key_prefixes: serde::de::IgnoredAny,
    rcp_supported_services: BTreeSet<String>,
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct ReferenceSource {
    package: String,
    version: String,
}

#[derive(Deserialize)]
struct GlobalKey {
    #[serde(rename = "type")]
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Service {
    name: String,
    actions: BTreeMap<String, Action>,
    #[serde(default)]
    resources: BTreeMap<String, ResourceType>,
    #[serde(default)]
    condition_keys: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Action {
    level: String,
    #[serde(default)]
    resources: Vec<ActionResource>,
    #[serde(default)]
    condition_keys: Vec<String>,
    #[serde(default)]
    dependent_actions: Vec<String>,
    /// Combinations of resource types that occur together: not part of the catalog.
    #[serde(default, rename = "scenarios")]
    _scenarios: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActionResource {
    #[serde(rename = "type")]
    resource_type: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    condition_keys: Vec<String>,
    #[serde(default)]
    dependent_actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResourceType {
    arn: String,
    #[serde(default)]
    condition_keys: Vec<String>,
}

/// What AWS documents outside of the service authorization reference.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Supplement {
    /// When the supplement was last compared with AWS's pages.
    #[serde(rename = "date")]
    _date: String,
    managed_policies_date: String,
    /// AWS-managed policies that everyone uses and the source lacks.
    managed_policies: Vec<Policy>,
    /// E-19: by partition and region.
    global_services: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// E-6.
    wildcard_forms: BTreeMap<String, String>,
    /// E-7: resource types, none of them required, that the reference does not list for an action.
    optional_resource_types: BTreeMap<String, Vec<String>>,
    /// E-7: ARN formats that the reference does not list, by the full names of their resource
    /// types, which may be new.
    more_arn_formats: BTreeMap<String, Vec<String>>,
    /// E-20: condition keys that the reference declares and lists for no resource type, by the
    /// full names of those they go with.
    more_condition_keys: BTreeMap<String, Vec<String>>,
    /// E-20: actions that create a resource which has the tags of the request as its own already.
    creates_with_tags: BTreeSet<String>,
    /// L-704.
    resource_account_absent: ResourceAccountAbsent,
    /// E-68.
    alternatives: Alternatives,
    /// E-55.
    own_account_only: ActionList,
    /// E-55.
    identity_only: ActionList,
    /// E-98.
    no_endpoint_policy_services: BTreeSet<String>,
    /// Language, section 7, where the reference lacks a key or says otherwise.
    global_condition_keys: BTreeMap<String, String>,
    condition_key_shapes: KeyShapes,
    /// F-52.
    api_map: api_map::MapSupplement,
}

impl Supplement {
    /// The services that have one region in some partition, with partition and region.
    fn in_one_region(&self) -> impl Iterator<Item = (&String, &String, &String)> {
        let regions = self.global_services.iter().flat_map(|(partition, regions)| {
            regions.iter().map(move |(region, services)| (partition, region, services))
        });
        regions.flat_map(|(partition, region, services)| {
            services.iter().map(move |service| (partition, region, service))
        })
    }

    fn is_global(&self, prefix: &str) -> bool {
        self.in_one_region().any(|(.., service)| service == prefix)
    }

    /// Regions by partition and service, `aws/iam`.
    fn global_regions(&self) -> Vec<(String, String)> {
        let named = |(partition, region, service): (&String, &String, &String)| {
            (format!("{partition}/{service}"), region.clone())
        };
        self.in_one_region().map(named).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceAccountAbsent {
    services: BTreeSet<String>,
    actions: BTreeSet<String>,
}

/// The actions whose resource types are alternatives, although the reference marks several of them
/// as required.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alternatives {
    levels: BTreeSet<String>,
    /// Beginnings of the names of actions of any service.
    beginnings: Vec<String>,
    /// All actions of these services.
    services: BTreeSet<String>,
    actions: BTreeSet<String>,
}

impl Alternatives {
    fn holds(&self, (prefix, name): (&str, &str), full_name: &str, action: &Action) -> bool {
        let is_named = self.services.contains(prefix)
            || self.actions.contains(full_name)
            || self.levels.contains(&action.level)
            || self.beginnings.iter().any(|begin| name.starts_with(begin));
        is_named && action.resources.iter().filter(|resource| resource.required).count() > 1
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActionList {
    actions: BTreeSet<String>,
    /// Of these services all actions on resources but those listed.
    all_but: BTreeMap<String, BTreeSet<String>>,
}

impl ActionList {
    fn names(&self) -> impl Iterator<Item = String> {
        let excepted = self
            .all_but
            .iter()
            .flat_map(|(service, names)| names.iter().map(move |name| format!("{service}:{name}")));
        self.actions.iter().cloned().chain(excepted)
    }

    fn holds(&self, (prefix, name): (&str, &str), full_name: &str, has_resource: bool) -> bool {
        let is_among = |names: &BTreeSet<String>, wanted: &str| {
            names.iter().any(|name| name.eq_ignore_ascii_case(wanted))
        };
        is_among(&self.actions, full_name)
            || has_resource && self.all_but.get(prefix).is_some_and(|but| !is_among(but, name))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyShapes {
    single: BTreeSet<String>,
    /// Prefixes of keys that are multivalued unless they stand in `single`.
    multivalued_prefixes: Vec<String>,
    multivalued: BTreeSet<String>,
    /// Keys whose shape depends on the issuer of the token.
    as_given: BTreeSet<String>,
    /// Keys that AWS documents policies for which test one value as it is and no list.
    one_or_many: BTreeSet<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    name: String,
    arn: Option<String>,
    version: String,
    created: Option<String>,
    updated: Option<String>,
    deprecated: bool,
    document: Box<RawValue>,
}

fn read_json<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("cannot read {}", file.display()))
}

fn read_gzip(file: &Path) -> Result<String> {
    let packed = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut text = String::new();
    let read = GzDecoder::new(&packed[..]).read_to_string(&mut text);
    read.with_context(|| format!("cannot unpack {}", file.display()))?;
    Ok(text)
}

// From the source files to the facts of the catalog.

fn catalog_source(data: &Path, supplement: &Supplement) -> Result<CatalogSource> {
    let text = read_gzip(&data.join("source/service-authorization.json.gz"))?;
    // Two services write the placeholder without its dollar: `secretsmanager:ResourceTag/tag-key`,
    // others leave it out: `glacier:ResourceTag/`.
    let text = text.replace("Tag/tag-key\"", "Tag/${TagKey}\"");
    let text = text.replace("ResourceTag/\"", "ResourceTag/${TagKey}\"");
    let reference: Reference = serde_json::from_str(&text)?;
    ensure!(reference.schema == 1, "the source has schema {}", reference.schema);
    let mut global_types: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, key) in &reference.global_condition_keys {
        global_types.insert(name, &key.key_type);
    }
    global_types.extend(supplement.global_condition_keys.iter().map(|(k, v)| (&k[..], &v[..])));
    let global_keys = global_types.iter().map(|(name, ty)| source_key(name, ty, supplement));
    let services = reference.services.iter().map(|(prefix, service)| {
        source_service(prefix, service, &reference.rcp_supported_services, supplement)
            .with_context(|| format!("service `{prefix}`"))
    });
    let source = CatalogSource {
        date: date_of(&reference.source.version)?,
        origin: format!("{} {}", reference.source.package, reference.source.version),
        global_regions: supplement.global_regions(),
        global_keys: global_keys.collect::<Result<_>>()?,
        services: services.collect::<Result<_>>()?,
    };
    check_names(&reference, supplement)?;
    Ok(source)
}

/// Every service and action that a list names must be there.
fn check_names(reference: &Reference, supplement: &Supplement) -> Result<()> {
    let absent = &supplement.resource_account_absent;
    let services = [
        &reference.rcp_supported_services,
        &supplement.no_endpoint_policy_services,
        &absent.services,
        &supplement.alternatives.services,
    ];
    let in_one_region = supplement.in_one_region().map(|(.., service)| service);
    for service in services.into_iter().flatten().chain(in_one_region) {
        ensure!(reference.services.contains_key(service), "there is no service `{service}`");
    }
    let (own, identity) = (&supplement.own_account_only, &supplement.identity_only);
    let listed: Vec<String> = own.names().chain(identity.names()).collect();
    let named = absent.actions.iter().chain(supplement.wildcard_forms.keys());
    let named = named.chain(supplement.optional_resource_types.keys());
    let named = named.chain(&supplement.creates_with_tags).chain(&supplement.alternatives.actions);
    for full_name in named.chain(&listed) {
        let (service, name) = full_name.split_once(':').context("an action has a service")?;
        let known = reference.services.get(service).is_some_and(|service| {
            service.actions.keys().any(|other| other.eq_ignore_ascii_case(name))
        });
        ensure!(known, "there is no action `{full_name}`");
    }
    for full_name in supplement.more_condition_keys.keys() {
        let (service, name) = full_name.split_once(':').context("a type has a service")?;
        let service = reference.services.get(service);
        let known = service.is_some_and(|service| service.resources.contains_key(name));
        ensure!(known, "there is no resource type `{full_name}`");
    }
    for full_name in supplement.more_arn_formats.keys() {
        let (service, _) = full_name.split_once(':').context("a resource type has a service")?;
        let known = reference.services.contains_key(service);
        ensure!(known, "there is no service of a resource type `{full_name}`");
    }
    Ok(())
}

/// The date in a version such as `0.21.202609261`: year, month, day and a running number.
fn date_of(version: &str) -> Result<String> {
    let last = version.rsplit('.').next().unwrap_or_default();
    ensure!(last.len() >= 8 && last.bytes().all(|b| b.is_ascii_digit()), "`{version}` has no date");
    Ok(format!("{}-{}-{}", &last[..4], &last[4..6], &last[6..8]))
}

fn source_service(
    prefix: &str,
    service: &Service,
    rcp_services: &BTreeSet<String>,
    supplement: &Supplement,
) -> Result<SourceService> {
    let keys = service.condition_keys.iter();
    let actions = service.actions.iter();
    let mut formats: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, resource) in &service.resources {
        formats.insert(name, resource.arn.split(", ").map(str::to_owned).collect());
    }
    for (full_name, more) in &supplement.more_arn_formats {
        if let Some((_, name)) = full_name.split_once(':').filter(|(of, _)| *of == prefix) {
            let known = formats.entry(name).or_default();
            let twice = more.iter().find(|format| known.contains(format));
            ensure!(
                twice.is_none(),
                "`{full_name}` is listed with `{}` already",
                more.join("`, `")
            );
            known.extend(more.iter().cloned());
        }
    }
    let resource_types = formats.into_iter().map(|(name, formats)| SourceResourceType {
        name: name.to_owned(),
        formats,
        keys: {
            let listed = service.resources.get(name).map(|r| &r.condition_keys[..]);
            let more = supplement.more_condition_keys.get(&format!("{prefix}:{name}"));
            listed.into_iter().flatten().chain(more.into_iter().flatten()).cloned().collect()
        },
    });
    Ok(SourceService {
        prefix: prefix.to_owned(),
        name: service.name.clone(),
        rcp: rcp_services.contains(prefix),
        endpoint_policy: !supplement.no_endpoint_policy_services.contains(prefix),
        global: supplement.is_global(prefix),
        keys: keys.map(|(name, ty)| source_key(name, ty, supplement)).collect::<Result<_>>()?,
        resource_types: resource_types.collect(),
        actions: actions
            .map(|(name, action)| source_action(prefix, name, action, supplement))
            .collect::<Result<_>>()?,
    })
}

fn source_action(
    prefix: &str,
    name: &str,
    action: &Action,
    supplement: &Supplement,
) -> Result<SourceAction> {
    let full_name = format!("{prefix}:{name}");
    let absent = &supplement.resource_account_absent;
    let mut absent_actions = absent.actions.iter();
    let resources = action.resources.iter().map(|resource| SourceActionResource {
        resource_type: resource.resource_type.clone(),
        required: resource.required,
        keys: resource.condition_keys.clone(),
        dependents: resource.dependent_actions.clone(),
    });
    let supplied = supplement.optional_resource_types.get(&full_name).into_iter().flatten();
    let supplied = supplied.map(|resource_type| SourceActionResource {
        resource_type: resource_type.clone(),
        required: false,
        keys: Vec::new(),
        dependents: Vec::new(),
    });
    let wildcard_form = supplement.wildcard_forms.get(&full_name).cloned();
    ensure!(
        wildcard_form.is_none() || action.resources.is_empty(),
        "`{full_name}` has a wildcard form and resource types"
    );
    Ok(SourceAction {
        name: name.to_owned(),
        level: access_level(&action.level)?,
        resource_account_absent: absent.services.contains(prefix)
            || absent_actions.any(|other| other.eq_ignore_ascii_case(&full_name)),
        own_account_only: supplement.own_account_only.holds(
            (prefix, name),
            &full_name,
            !action.resources.is_empty(),
        ),
        identity_only: supplement.identity_only.holds(
            (prefix, name),
            &full_name,
            !action.resources.is_empty(),
        ),
        creates_with_tags: supplement.creates_with_tags.contains(&full_name),
        types_are_alternatives: supplement.alternatives.holds((prefix, name), &full_name, action),
        wildcard_form,
        resources: resources.chain(supplied).collect(),
        keys: action.condition_keys.clone(),
        dependents: action.dependent_actions.clone(),
    })
}

fn access_level(text: &str) -> Result<AccessLevel> {
    let found = AccessLevel::ALL.into_iter().find(|level| level.as_str() == text);
    found.with_context(|| format!("`{text}` is no access level"))
}

fn source_key(name: &str, type_text: &str, supplement: &Supplement) -> Result<SourceKey> {
    let (is_array, value_type) = match type_text.strip_prefix("ArrayOf") {
        Some(value_type) => (true, value_type),
        None => (false, type_text),
    };
    let key_type = match value_type {
        "String" => KeyType::String,
        "ARN" => KeyType::Arn,
        "Bool" => KeyType::Bool,
        "Numeric" => KeyType::Numeric,
        "Date" => KeyType::Date,
        "IPAddress" => KeyType::IpAddress,
        _ => bail!("condition key `{name}` has unknown type `{type_text}`"),
    };
    let shapes = &supplement.condition_key_shapes;
    let by_prefix = shapes.multivalued_prefixes.iter().any(|prefix| name.starts_with(prefix));
    let multivalued = is_array
        || shapes.multivalued.contains(name)
        || (by_prefix && !shapes.single.contains(name));
    let shape = match multivalued {
        true if shapes.one_or_many.contains(name) => KeyShape::OneOrMany,
        true => KeyShape::Multivalued,
        false => KeyShape::Single,
    };
    let shape = Some(shape).filter(|_| !shapes.as_given.contains(name));
    let tags_of = TAGS_OF.iter().find(|(key, _)| *key == name).map(|(_, of)| *of);
    let resource_tag = is_resource_tag(name) || tags_of.is_some();
    Ok(SourceKey { name: name.to_owned(), key_type, shape, resource_tag, tags_of })
}

/// Whether a key carries a tag of the resource the request is about (E-20): `…:ResourceTag/K`,
/// `…:ExistingObjectTag/K` and the forms by kind of resource of RDS and DMS, such as
/// `rds:db-tag/K`, and `datapipeline:Tag/K`. `req-tag` is a tag of the request.
fn is_resource_tag(name: &str) -> bool {
    let Some((service, rest)) = name.split_once(':') else { return false };
    let Some((kind, "${TagKey}" | "<key>")) = rest.split_once('/') else { return false };
    let of_kind = matches!(service, "rds" | "dms") && kind.ends_with("-tag") && kind != "req-tag";
    let is_pipeline = service == "datapipeline" && kind == "Tag";
    let is_object = kind == "ExistingObjectTag";
    of_kind || is_pipeline || is_object || kind.eq_ignore_ascii_case("ResourceTag")
}

/// Keys that carry the tags of one resource type, in requests about it and about what it holds
/// (E-20).
const TAGS_OF: [(&str, &str); 6] = [
    ("s3:AccessPointTag/${TagKey}", "accesspoint"),
    ("s3:BucketTag/${TagKey}", "bucket"),
    ("s3express:AccessPointTag/${TagKey}", "accesspoint"),
    ("s3express:BucketTag/${TagKey}", "bucket"),
    ("s3tables:TableBucketTag/${TagKey}", "TableBucket"),
    ("s3vectors:VectorBucketTag/${TagKey}", "VectorBucket"),
];

fn read_policies(data: &Path, supplement: &Supplement) -> Result<Vec<SourcePolicy>> {
    let text = read_gzip(&data.join("source/managed-policies.ndjson.gz"))?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let listed = lines.map(|line| Ok(serde_json::from_str(line)?));
    let supplied = supplement.managed_policies.iter().cloned().map(Ok);
    listed
        .chain(supplied)
        .map(|policy: Result<Policy>| {
            let policy = policy?;
            let version = policy.version.strip_prefix('v').context("a version begins with `v`")?;
            Ok(SourcePolicy {
                version: version.parse()?,
                name: policy.name,
                arn: policy.arn,
                created: policy.created.unwrap_or_default(),
                updated: policy.updated.unwrap_or_default(),
                deprecated: policy.deprecated,
                document: policy.document.get().to_owned(),
            })
        })
        .collect()
}

// What changes.

fn print_catalog_difference(file: &Path, new: &[u8]) -> Result<()> {
    let new = Catalog::from_bytes(new)?;
    let Some(old) = fs::read(file).ok().and_then(|bytes| Catalog::from_bytes(&bytes).ok()) else {
        println!("new catalog of {}: {}", new.date(), counts(&new));
        return Ok(());
    };
    println!("catalog of {}: {}", old.date(), counts(&old));
    println!("catalog of {}: {}", new.date(), counts(&new));
    let services = |catalog: &Catalog| names(catalog.services().map(|s| s.prefix().to_owned()));
    print_difference("service", &services(&old), &services(&new));
    let actions = |catalog: &Catalog| names(catalog.actions().map(|a| a.full_name()));
    print_difference("action", &actions(&old), &actions(&new));
    let keys = |catalog: &Catalog| names(catalog.condition_keys().map(|k| k.name().to_owned()));
    print_difference("condition key", &keys(&old), &keys(&new));
    Ok(())
}

fn counts(catalog: &Catalog) -> String {
    format!(
        "{} services, {} actions, {} resource types, {} condition keys",
        catalog.n_services(),
        catalog.n_actions(),
        catalog.n_resource_types(),
        catalog.condition_keys().len()
    )
}

fn print_policy_difference(file: &Path, new: &[u8]) -> Result<()> {
    let new = ManagedPolicies::from_bytes(new)?;
    let versions = |policies: &ManagedPolicies| {
        names(policies.iter().map(|p| format!("{} v{}", p.name(), p.version())))
    };
    let old = fs::read(file).ok().and_then(|bytes| ManagedPolicies::from_bytes(&bytes).ok());
    let old = old.as_ref().map(versions).unwrap_or_default();
    println!("managed policies of {}: {}", new.date(), new.len());
    print_difference("policy", &old, &versions(&new));
    Ok(())
}

fn print_map_difference(file: &Path, new: &[u8]) -> Result<()> {
    let new = ApiMap::from_bytes(new)?;
    let calls = |map: &ApiMap| {
        names(map.services().flat_map(|service| {
            service.operations().flat_map(move |operation| {
                operation.actions().map(move |action| {
                    format!("{}.{} {}", service.name(), operation.name(), action.full_name())
                })
            })
        }))
    };
    let old = fs::read(file).ok().and_then(|bytes| ApiMap::from_bytes(&bytes).ok());
    let old = old.as_ref().map(calls).unwrap_or_default();
    println!("API map of {}: {} operations", new.date(), new.n_operations());
    print_difference("call", &old, &calls(&new));
    Ok(())
}

fn names(names: impl Iterator<Item = String>) -> BTreeSet<String> {
    names.collect()
}

fn print_difference(what: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
    for (sign, one, other) in [('-', old, new), ('+', new, old)] {
        let changed: Vec<&String> = one.difference(other).collect();
        for name in changed.iter().take(MAX_PRINTED) {
            println!("{sign} {what} {name}");
        }
        if let Some(rest) = changed.len().checked_sub(MAX_PRINTED).filter(|&rest| rest > 0) {
            println!("{sign} {rest} more of kind {what}");
        }
    }
}
