//! Whether the policy of a bucket or an access point is public (E-87): a property of the document,
//! not of any request.

use std::net::IpAddr;

use assize_model::{ArnParts, Effect};
use assize_policy::ir::{
    Condition, ConditionOperator, IpBlock, Operand, Piece, Policy, PrincipalElement,
    PrincipalPattern, SetQualifier, Statement,
};

/// Keys that fix who asks when their value is fixed; folded and sorted. Those of
/// [`ACCOUNT_ARN_KEYS`] must fix the account of an ARN.
const FIXING_KEYS: [&str; 16] = [
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "s3:dataaccesspointaccount",
    ACCESS_POINT_KEY,
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Keys whose ARN must name its account.
const ACCOUNT_ARN_KEYS: [&str; 2] = ["aws:principalarn", "aws:sourcearn"];

/// Keys of organization paths, which may end in a wildcard behind a full path.
const PATH_KEYS: [&str; 2] = ["aws:principalorgpaths", "aws:sourceorgpaths"];

/// The widest block of addresses that is not public: IPv4.
const MAX_IPV4_BLOCK: u8 = 8;
/// The widest block of addresses that is not public: IPv6.
const MAX_IPV6_BLOCK: u8 = 32;

/// The prefix of the private range of IPv6.
const UNIQUE_LOCAL_BITS: u8 = 7;

/// The key that fixes nothing in the policy of an access point itself.
const ACCESS_POINT_KEY: &str = "s3:dataaccesspointarn";

/// Whether some Allow statement is for everyone and no condition fixes who asks.
pub(super) fn is_public(policy: &Policy, of_point: bool) -> bool {
    let fixes = |condition: &Condition| {
        fixes_caller(condition) && !(of_point && condition.key.folded() == ACCESS_POINT_KEY)
    };
    policy.statements.iter().any(|statement| {
        statement.effect == Effect::Allow
            && names_everyone(statement)
            && !statement.conditions.iter().any(fixes)
    })
}

/// Whether an Allow is for everyone; AWS counts those to identity providers too, which let nobody
/// in here.
fn names_everyone(statement: &Statement) -> bool {
    let is_open = |entry| matches!(entry, &PrincipalPattern::Everyone | &PrincipalPattern::Nobody);
    match &statement.principal {
        PrincipalElement::NotPrincipal(_) => true,
        PrincipalElement::Principal(entries) => entries.iter().any(is_open),
        PrincipalElement::Unspecified => false,
    }
}

fn fixes_caller(condition: &Condition) -> bool {
    // `ForAllValues` is satisfied by a key that is not there.
    let may_be_absent =
        condition.if_exists || condition.qualifier == Some(SetQualifier::ForAllValues);
    if may_be_absent || condition.operator.is_negated() {
        return false;
    }
    let key = condition.key.folded();
    match &condition.operand {
        Operand::Ip(blocks) => {
            key == "aws:sourceip" && !blocks.is_empty() && blocks.iter().flatten().all(is_narrow)
        }
        Operand::Text(values) => {
            let is_text = !matches!(condition.operator, ConditionOperator::Null);
            is_text
                && !values.is_empty()
                && values.iter().flatten().all(|pieces| fixes_value(key, pieces))
        }
        _ => false,
    }
}

fn fixes_value(key: &str, pieces: &[Piece]) -> bool {
    let literal = !pieces.iter().any(|piece| !matches!(piece, Piece::Literal(_)));
    if ACCOUNT_ARN_KEYS.contains(&key) {
        return (literal || ends_in_star(pieces)) && fixes_account(pieces);
    }
    if FIXING_KEYS.binary_search(&key).is_err() || names_anonymous(key, pieces) {
        return false;
    }
    literal
        || (PATH_KEYS.contains(&key) && ends_in_star(pieces) && is_full_path(pieces))
        || (key == ACCESS_POINT_KEY && ends_in_star(pieces) && arn(pieces).is_some())
}

/// Whether a value is what callers without credentials have (E-15): no account, and no id.
fn names_anonymous(key: &str, pieces: &[Piece]) -> bool {
    matches!(key, "aws:principalaccount" | "aws:userid")
        && matches!(pieces, [Piece::Literal(text)] if text.eq_ignore_ascii_case("anonymous"))
}

/// Literal text and one star at the end.
fn ends_in_star(pieces: &[Piece]) -> bool {
    matches!(pieces, [Piece::Literal(_), Piece::Star])
}

/// The ARN into whose resource part the text up to the star reaches.
fn arn(pieces: &[Piece]) -> Option<ArnParts<'_>> {
    let Some(Piece::Literal(text)) = pieces.first() else { return None };
    ArnParts::split(text)
}

fn fixes_account(pieces: &[Piece]) -> bool {
    arn(pieces).is_some_and(|arn| arn.account_id().is_some())
}

/// `o-…/r-…/ou-…/` before the star.
fn is_full_path(pieces: &[Piece]) -> bool {
    let Some(Piece::Literal(text)) = pieces.first() else { return false };
    let Some((organization, nodes)) = text.split_once('/') else { return false };
    let Some(nodes) = nodes.strip_suffix('/') else { return false };
    let is_organization = organization.starts_with("o-");
    is_organization && nodes.starts_with("r-") && nodes.split('/').all(|node| !node.is_empty())
}

fn is_narrow(block: &IpBlock) -> bool {
    match block.address {
        // No private range of IPv4 is wider.
        IpAddr::V4(_) => block.prefix_len >= MAX_IPV4_BLOCK,
        IpAddr::V6(address) => {
            let is_private = address.is_unique_local() && block.prefix_len >= UNIQUE_LOCAL_BITS;
            block.prefix_len >= MAX_IPV6_BLOCK || is_private
        }
    }
}
