//! Decisions, for a person.

use std::fmt::Write as _;

use assize_catalog::Catalog;
use assize_formats::{Provenance, did_you_mean, nearest};
use assize_model::{
    ArnParts, CheckDecision, Decision, EffectiveDecision, Layer, ReasonCode, StatementRef,
    split_action,
};
use assize_store::StoreSnapshot;

use crate::render::style::Style;
use crate::request::Asked;

/// Most decisive statements that are listed without asking for an explanation.
const MAX_STATEMENTS: usize = 8;

/// A decision with its reason, in a few lines, and the text of the statement that decides, if
/// there is room for it.
pub(crate) fn decision(
    asked: &Asked,
    found: &EffectiveDecision,
    excerpt: &str,
    hidden: &[&str],
    style: Style,
) -> String {
    let mut text = headline(asked, found, style);
    let statements = decisive_statements(found);
    let (statements, rest) = shown(&statements);
    // Only a trusted principal is allowed without a statement and a rule (F-48).
    let is_trusted = found.decisive.reason == ReasonCode::Allow && statements.is_empty();
    if is_trusted {
        text.push_str("  the principal's own side is trusted\n");
    } else if found.decision != Decision::Allowed || statements.is_empty() {
        let _ = writeln!(text, "  {}", reason(found));
    }
    for statement in statements {
        let _ = writeln!(text, "  by {}", statement_name(statement, style));
    }
    if rest > 0 {
        let _ = writeln!(text, "  and {rest} more");
    }
    text.push_str(excerpt);
    text.push_str(&would_allow(found, style));
    text.push_str(&missing_keys(found, style));
    text.push_str(&notes(asked, found, hidden, style));
    text
}

/// The statements that decide, those of the decisive layer first.
pub(crate) fn decisive_statements(found: &EffectiveDecision) -> Vec<&StatementRef> {
    let decisive = &found.decisive;
    let results = found.checks.get(decisive.check as usize).map_or(&[][..], |check| &check.layers);
    let of_layer = results.iter().find(|result| result.layer == decisive.layer);
    let mut statements: Vec<&StatementRef> = decisive.statements.iter().collect();
    statements.sort_by_key(|named| {
        !of_layer.is_some_and(|layer| layer.allows.contains(named) || layer.denies.contains(named))
    });
    statements
}

fn shown<'s, 'f>(statements: &'s [&'f StatementRef]) -> (&'s [&'f StatementRef], usize) {
    let n_shown = statements.len().min(MAX_STATEMENTS);
    (&statements[..n_shown], statements.len() - n_shown)
}

/// The answer, and the question it answers.
pub(crate) fn headline(asked: &Asked, found: &EffectiveDecision, style: Style) -> String {
    let check = found.checks.get(found.decisive.check as usize);
    let (action, resource) = check
        .map_or((asked.action.as_str(), asked.resource.as_deref().unwrap_or("*")), |check| {
            (&*check.action, &*check.resource)
        });
    let word = decision_word(found.decision, style);
    format!("{word}: {} {} {}\n", asked.principal, style.bold(action), resource)
}

/// The word of a decision in its color.
pub(crate) fn decision_word(decision: Decision, style: Style) -> String {
    match decision {
        Decision::Allowed => style.good(decision).to_string(),
        Decision::ExplicitDeny => style.bad(decision).to_string(),
        _ => style.doubtful(decision).to_string(),
    }
}

/// The kind of policies of a layer.
pub(crate) fn policies_of(layer: Layer) -> &'static str {
    match layer {
        Layer::ResourceControl => "resource control policy",
        Layer::ServiceControl => "service control policy",
        Layer::VpcEndpoint => "VPC endpoint policy",
        Layer::Resource => "resource-based policy",
        Layer::Identity => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
        Layer::Root => "root user",
        Layer::Service => "rule of the service",
        Layer::Builtin => "rule of IAM",
    }
}

/// The policy of a role that says who may assume it (E-106).
pub(crate) const TRUST_POLICY: &str = "role trust policy";

/// The kind of policies of a layer of a check: the one of the resource is the trust policy where a
/// role is assumed.
fn policies_of_check(layer: Layer, check: Option<&CheckDecision>) -> &'static str {
    let is_assumed = |check: &CheckDecision| {
        let arn = ArnParts::split(&check.resource);
        let is_role =
            arn.is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
        is_role && split_action(&check.action).is_some_and(|(service, _)| service == "sts")
    };
    match layer {
        Layer::Resource if check.is_some_and(is_assumed) => TRUST_POLICY,
        _ => policies_of(layer),
    }
}

/// A policy of a layer, with its article.
pub(crate) fn a_policy_of(layer: Layer) -> String {
    with_article(policies_of(layer))
}

fn with_article(kind: &str) -> String {
    if kind == TRUST_POLICY {
        return format!("the {kind}");
    }
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}

/// Why, in a sentence.
pub(crate) fn reason(found: &EffectiveDecision) -> String {
    let check = found.checks.get(found.decisive.check as usize);
    let kind = policies_of_check(found.decisive.layer, check);
    let policy = with_article(kind);
    match found.decisive.reason {
        ReasonCode::ExplicitDeny => format!("{policy} denies it"),
        ReasonCode::NoAllow => format!("no {kind} allows it"),
        ReasonCode::Allow => format!("{policy} allows it"),
        ReasonCode::InvalidPolicy => {
            format!("{policy} does not load, so everything is denied")
        }
        ReasonCode::Root => "a root user may do this".into(),
        ReasonCode::BuiltinAllow => "everyone may do this".into(),
        ReasonCode::MissingContext => {
            format!("it depends on {}", found.depends_on.join(", "))
        }
        ReasonCode::PrincipalRemoved => "the principal is no longer there".into(),
        ReasonCode::TemporaryCredentials => "not with temporary credentials".into(),
        ReasonCode::SessionKind => "not in a session of this kind".into(),
        ReasonCode::PrincipalKind => "not by a principal of this kind".into(),
        ReasonCode::Unmodifiable => "nobody may change this".into(),
        ReasonCode::PartitionMismatch => {
            "principal and resource are in different partitions".into()
        }
        ReasonCode::UnknownResourceAccount => "nobody knows which account owns the resource".into(),
        ReasonCode::ResourceTypeMismatch => {
            "the action does not take a resource of this type".into()
        }
        ReasonCode::NetworkOrigin => "the access point is for one VPC only".into(),
        ReasonCode::BlockPublicAccess => "block public access keeps outsiders away".into(),
        ReasonCode::CrossAccountPassRole => "a role of another account cannot be passed".into(),
        ReasonCode::AssumeRoot => "only administrators of the organization assume the root of a \
                                   member account, with a root task policy as `sts:TaskPolicyArn`"
            .into(),
    }
}

/// A statement by the name of its policy, with its place.
pub(crate) fn statement_name(statement: &StatementRef, style: Style) -> String {
    let mut text = style.name(&statement.policy).to_string();
    if let Some(index) = statement.statement {
        let _ = write!(text, " statement {index}");
    }
    if let Some(sid) = &statement.sid {
        let _ = write!(text, " `{sid}`");
    }
    if let Some(node) = &statement.node {
        let _ = write!(text, " on {node}");
    }
    if let Some(place) = place(statement) {
        let _ = write!(text, " {}", style.dim(format_args!("({place})")));
    }
    text
}

/// `file:line:column` of a statement, if its policy came from a file.
pub(crate) fn place(statement: &StatementRef) -> Option<String> {
    let file = statement.source.as_ref()?;
    Some(match &statement.span {
        Some(span) => format!("{file}:{}:{}", span.line, span.column),
        None => file.to_string(),
    })
}

fn would_allow(found: &EffectiveDecision, _style: Style) -> String {
    if found.decision == Decision::Allowed {
        return String::new();
    }
    let Some(check) = found.checks.get(found.decisive.check as usize) else {
        return String::new();
    };
    // A single layer is the decisive one, which the reason names.
    if check.would_allow.len() < 2 {
        return String::new();
    }
    let layers: Vec<&str> = check.would_allow.iter().map(|layer| layer.as_str()).collect();
    format!("  it would be allowed if all of these changed: {}\n", layers.join(", "))
}

fn missing_keys(found: &EffectiveDecision, style: Style) -> String {
    if found.missing_context_keys.is_empty() {
        return String::new();
    }
    let keys: Vec<String> =
        found.missing_context_keys.iter().map(|key| style.name(key).to_string()).collect();
    format!("  asked for and not given: {}\n", keys.join(", "))
}

/// The notes but those that are expected here. An unknown region is no news: where a statement
/// asks for it, the key is among the missing ones.
fn notes(asked: &Asked, found: &EffectiveDecision, hidden: &[&str], style: Style) -> String {
    let mut text = String::new();
    for note in found.notes.iter().filter(|note| !hidden.contains(&&***note)) {
        let near = match &**note {
            "unknown_action" => bundled_action(&asked.action),
            _ => None,
        };
        let (sentence, hint) = (note_sentence(note), did_you_mean(near));
        let _ = writeln!(text, "  {} {sentence}{hint}", style.note("note:"));
    }
    text
}

fn bundled_action(text: &str) -> Option<String> {
    Catalog::bundled().ok().and_then(|catalog| nearest_action(&catalog, text))
}

/// What a note says.
pub(crate) fn note_sentence(note: &str) -> String {
    let (code, about) = note.split_once(':').unwrap_or((note, ""));
    match code {
        "unknown_action" => {
            "the catalog does not know the action; it was decided as written".into()
        }
        "resource_ignored" => "the action takes no resource; `*` was used instead".into(),
        "region_unknown" => "no region is given; aws:RequestedRegion is absent".into(),
        "passed_to_service_unknown" => {
            "iam:PassedToService is not given, so no service was asked about".into()
        }
        "outside_principal" => "the account of the principal is not in this world".into(),
        "invalid_policy" => format!("`{about}` does not load"),
        "skipped_invalid_policy" => format!("`{about}` does not load and was left out"),
        "missing_resource" => format!("the action also needs a resource of type `{about}`"),
        _ => note.to_owned(),
    }
}

/// What the assumptions of a decision say.
pub(crate) fn assumptions(found: &EffectiveDecision) -> impl Iterator<Item = &str> {
    found.assumptions.iter().flat_map(|code| match &**code {
        "resource_account" => {
            let arns = found.checks.iter().filter_map(|check| ArnParts::split(&check.resource));
            let mut without_account = arns.filter(|arn| arn.account.is_empty());
            let is_bucket = without_account.clone().any(|arn| arn.service == "s3");
            let is_other = without_account.any(|arn| arn.service != "s3");
            let sentences = [(is_bucket, UNDECLARED_BUCKET), (is_other, NO_ACCOUNT)];
            sentences
                .into_iter()
                .filter(|(made, _)| *made)
                .map(|(_, sentence)| sentence)
                .collect::<Vec<_>>()
        }
        "role_path" => vec![ROLE_PATH],
        "no_endpoint" => vec!["the request came through no VPC endpoint"],
        "secure_transport" => vec!["the request was encrypted on its way"],
        "catalogue_keys" => vec![LISTED_KEYS],
        other => vec![other],
    })
}

/// E-122: what is assumed of keys that the catalog does not list.
const LISTED_KEYS: &str = "the request has no keys of the service but those that the catalog lists \
                           for the action";
/// E-11: what is assumed of the caller's role.
const ROLE_PATH: &str = "the role of the caller has no path: the ARN of a session does not tell it \
                         (name the role by its own ARN)";

/// E-9: what is assumed of a bucket that nobody declared (C-30).
const UNDECLARED_BUCKET: &str = "the resource belongs to the account of the principal (option \
                                 unknownResourceAccount=deny refuses)";
/// E-8: what is assumed whatever the options say.
const NO_ACCOUNT: &str = "the ARN of the resource names no account: that of the principal is taken";

/// What an answer rests on (F-85).
pub(crate) fn provenance(provenance: &Provenance, style: Style) -> String {
    let text = format!(
        "assize {}, catalog {}, snapshot {}",
        provenance.engine, provenance.catalog, provenance.snapshot
    );
    format!("{}\n", style.dim(text))
}

/// The principal of a world whose ARN is nearest to a text.
pub(crate) fn nearest_principal(snapshot: &StoreSnapshot, text: &str) -> Option<String> {
    let users = snapshot.accounts().flat_map(|account| account.users.values().map(|u| &*u.arn));
    let roles = snapshot.accounts().flat_map(|account| account.roles.values().map(|r| &*r.arn));
    // Most of an ARN is the same everywhere, so only the names are compared.
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let candidates: Vec<(String, &str)> = users.chain(roles).map(|arn| (name(arn), arn)).collect();
    let wanted = match text.split_once(":assumed-role/") {
        Some((_, rest)) => rest.split('/').next().unwrap_or(rest).to_owned(),
        None => name(text),
    };
    let near = nearest(&wanted, candidates.iter().map(|(name, _)| name.as_str()))?;
    candidates.iter().find(|(name, _)| name == near).map(|(_, arn)| (*arn).to_owned())
}

/// The action of the catalog that is nearest to a text.
pub(crate) fn nearest_action(catalog: &Catalog, text: &str) -> Option<String> {
    let (service, name) = split_action(text)?;
    let service = catalog
        .service(service)
        .or_else(|| catalog.nearest_service(service))
        .map_or(service, |service| service.prefix());
    let id = catalog.action(service, name).or_else(|| catalog.nearest_action(service, name))?;
    Some(catalog.action_ref(id).full_name())
}
