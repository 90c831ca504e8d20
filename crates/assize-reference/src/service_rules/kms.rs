//! KMS (E-80 – E-82, E-36, E-74).

use assize_model::{
    ArnParts, ConditionKey, ContextValue, Effect, KmsGrant, PrincipalForm, ReasonCode, StatementRef,
};
use assize_policy::ir::PrincipalPattern;
use assize_store::StoreSnapshot;

use crate::condition::Truth;
use crate::evaluate::Case;
use crate::evaluate::check::{Action, Check};
use crate::evaluate::knowledge::State;
use crate::statement::{self, Match};

/// E-82: the call that is two actions.
pub(crate) const RE_ENCRYPT: &str = "kms:ReEncrypt";
/// E-82: the actions of [`RE_ENCRYPT`], on the source and the destination key.
pub(crate) const RE_ENCRYPT_PARTS: [&str; 2] = ["kms:ReEncryptFrom", "kms:ReEncryptTo"];

/// E-82: the actions on aliases.
const ALIAS_ACTIONS: [&str; 3] = ["createalias", "deletealias", "updatealias"];

fn has_resource(arn: &str, prefix: &str) -> bool {
    ArnParts::split(arn)
        .is_some_and(|parts| parts.service == "kms" && parts.resource.starts_with(prefix))
}

/// Whether an ARN is that of a key.
pub(crate) fn is_key(arn: &str) -> bool {
    has_resource(arn, "key/")
}

/// Whether an ARN is that of an alias.
pub(crate) fn is_alias(arn: &str) -> bool {
    has_resource(arn, "alias/")
}

/// Whether an action is CreateAlias, UpdateAlias or DeleteAlias.
pub(crate) fn is_alias_action(action: &Action) -> bool {
    action.is("kms", &ALIAS_ACTIONS)
}

/// E-80: a KMS action on a key.
pub(crate) fn is_gated(check: &Check<'_>) -> bool {
    check.action.service == "kms" && is_key(&check.resource)
}

/// E-36: an AWS-managed key.
pub(crate) fn is_managed_by_aws(case: &Case<'_>) -> bool {
    let check = case.check;
    let recorded = || {
        let record = case.world.snapshot.resource(&check.resource);
        record.is_some_and(|record| record.attributes.managed_by_aws)
    };
    is_key(&check.resource) && check.data.managed_by_aws.unwrap_or_else(recorded)
}

/// E-74: aliases that AWS owns.
pub(super) fn unmodifiable(case: &Case<'_>) -> Option<ReasonCode> {
    let refused =
        is_alias_action(&case.check.action) && has_resource(&case.check.resource, "alias/aws/");
    refused.then_some(ReasonCode::Unmodifiable)
}

/// E-82: the key that an alias stands for.
pub(crate) fn key_of_alias<'a>(snapshot: &'a StoreSnapshot, alias: &str) -> Option<&'a str> {
    let parts = ArnParts::split(alias).filter(|parts| parts.service == "kms")?;
    let record = snapshot.resources().find(|record| {
        let same_place = ArnParts::split(&record.arn).is_some_and(|key| {
            (key.partition, key.service, key.region, key.account)
                == (parts.partition, parts.service, parts.region, parts.account)
        });
        same_place && record.attributes.aliases.iter().any(|own| **own == *parts.resource)
    });
    record.map(|record| &*record.arn)
}

/// E-82: a key named by an alias is checked by its ARN; the alias and all aliases of the key are
/// in the context.
pub(crate) fn resolve_alias(snapshot: &StoreSnapshot, check: &mut Check<'_>) {
    if check.action.service != "kms" || is_alias_action(&check.action) {
        return;
    }
    if is_alias(&check.resource) {
        let Some(key) = key_of_alias(snapshot, &check.resource) else { return };
        let alias = ArnParts::split(&check.resource).map_or("", |parts| parts.resource);
        check.service_keys.push(("kms:RequestAlias", ContextValue::Single(alias.into())));
        check.resource = key.into();
    }
    let aliases = snapshot.resource(&check.resource).map(|record| &record.attributes.aliases);
    if let Some(aliases) = aliases.filter(|aliases| is_gated(check) && !aliases.is_empty()) {
        check.service_keys.push(("kms:ResourceAliases", ContextValue::List(aliases.clone())));
    }
}

/// E-81: the grants on the key that fit the check, or may, as references with strength.
pub(crate) fn matching_grants(case: &Case<'_>) -> Vec<(StatementRef, Match)> {
    let check = case.check;
    if !is_gated(check) {
        return Vec::new();
    }
    let recorded = case.world.snapshot.resource(&check.resource);
    let recorded = recorded.map(|record| &*record.attributes.kms_grants).unwrap_or_default();
    let grants: &[KmsGrant<'_>] = check.data.kms_grants.as_deref().unwrap_or(recorded);
    let numbered = grants.iter().enumerate();
    let fitting = numbered.filter_map(|(n, grant)| {
        let matched = grant_match(case, grant)?;
        let reference = StatementRef {
            policy: format!("grant:{}#{n}", check.resource).into(),
            effect: Some(Effect::Allow),
            strength: matched.strength,
            ..StatementRef::default()
        };
        Some((reference, matched))
    });
    fitting.collect()
}

/// E-81: at which strength a grant allows the check.
fn grant_match(case: &Case<'_>, grant: &KmsGrant<'_>) -> Option<Match> {
    let name = &case.check.action.name;
    let names = |text: &str| {
        principal_pattern(text).and_then(|pattern| statement::strength(case.caller, &pattern))
    };
    let listed = grant.operations.iter().any(|operation| operation.eq_ignore_ascii_case(name));
    let grantee = || names(&grant.grantee).filter(|_| listed);
    if name == "retiregrant" {
        let retiring = grant.retiring_principal.as_deref().and_then(names);
        let strength = retiring.max(grantee())?;
        return Some(Match { strength: Some(strength), open: None });
    }
    let strength = Some(grantee()?);
    if name == "describekey" {
        // A constraint applies to operations that take an encryption context.
        return Some(Match { strength, open: None });
    }
    match fits_encryption_context(case, grant) {
        (Truth::False, _) => None,
        (Truth::True, _) => Some(Match { strength, open: None }),
        (Truth::Unknown, keys) => Some(Match { strength, open: Some(keys) }),
    }
}

/// The principal a grant names, as an entry of a policy would.
fn principal_pattern(text: &str) -> Option<PrincipalPattern> {
    Some(match PrincipalForm::parse(text).ok()? {
        PrincipalForm::User { .. } => PrincipalPattern::User(text.into()),
        PrincipalForm::Role { .. } => PrincipalPattern::Role(text.into()),
        PrincipalForm::AssumedRole { .. } => PrincipalPattern::RoleSession(text.into()),
        PrincipalForm::FederatedUser { .. } => PrincipalPattern::FederatedUser(text.into()),
        PrincipalForm::Root { partition, account } => {
            PrincipalPattern::Account { partition: Some(partition.into()), account }
        }
        PrincipalForm::Service(name) => PrincipalPattern::Service(name.into()),
        _ => return None,
    })
}

/// What keys of the encryption context begin with.
const ENCRYPTION_CONTEXT_STEM: &str = "kms:EncryptionContext:";
/// [`ENCRYPTION_CONTEXT_STEM`], folded.
const ENCRYPTION_CONTEXT: &str = "kms:encryptioncontext:";

/// The names of all pairs of the encryption context.
const ENCRYPTION_CONTEXT_KEYS: &str = "kms:EncryptionContextKeys";

/// E-81, E-126: the constraint of a grant on the encryption context: a positive test a pair, and
/// one of the names of all pairs where there may be no others; and the unknown keys among them.
fn fits_encryption_context(case: &Case<'_>, grant: &KmsGrant<'_>) -> (Truth, Vec<ConditionKey>) {
    let present = case.known.present().iter();
    let n_given = present.filter(|own| own.key.folded().starts_with(ENCRYPTION_CONTEXT)).count();
    let (mut truths, mut unknown) = (Vec::new(), Vec::new());
    if let Some(tags) = &grant.encryption_context_equals {
        truths.push(Truth::from(n_given <= tags.len()));
        // The request may name more keys than it shows the values of.
        let is_listed = |name: &str| tags.iter().any(|(own, _)| *own == *name);
        truths.push(match case.known.state("kms:encryptioncontextkeys") {
            State::Present(ContextValue::List(names)) => {
                names.iter().all(|name| is_listed(name)).into()
            }
            State::Present(ContextValue::Single(name)) => is_listed(name).into(),
            State::Present(ContextValue::Colliding) => Truth::False,
            State::Absent => Truth::True,
            State::Unknown => {
                unknown.push(ConditionKey::new(ENCRYPTION_CONTEXT_KEYS));
                Truth::Unknown
            }
        });
    }
    let constraints = [&grant.encryption_context_equals, &grant.encryption_context_subset];
    for (key, value) in constraints.into_iter().flatten().flatten() {
        let key = ConditionKey::new(&format!("{ENCRYPTION_CONTEXT_STEM}{key}"));
        truths.push(match case.known.state(key.folded()) {
            State::Present(ContextValue::Single(own)) => Truth::from(**own == **value),
            State::Present(_) | State::Absent => Truth::False,
            State::Unknown => {
                unknown.push(key);
                Truth::Unknown
            }
        });
    }
    (Truth::all(truths), unknown)
}
