//! One denial, explained.

use assize::Engine;
use assize_model::{
    Decision, EffectiveDecision, Network, Principal, Request, StatedPrincipal, Target,
};
use std::fmt::Write as _;

use super::bundled::WORLD;
use super::vary::Variation;
use crate::render::decision::decision;
use crate::render::explanation::decisive_conditions;
use crate::render::style::Style;
use crate::request::Asked;

/// How many variations are looked at for one that is worth explaining.
const N_CANDIDATES: u64 = 400;

/// The explanation, and the command that shows it in full.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) command: String,
}

/// Explains a denial: of the first variations the one with most to say.
pub(super) fn shown(engine: &Engine, bases: &[Request<'_>], seed: u64, style: Style) -> Shown {
    let candidates = (0..N_CANDIDATES).filter_map(|number| {
        let request = Variation::of(seed, number).request(bases);
        let explained = engine.explain_statements(&request).ok()?;
        let found = explained.decision;
        let conditions = decisive_conditions(&found, &explained.statements, style);
        let asked = asked(&request)?;
        let command = command(&asked, &request)?;
        let worth = worth(&found, &conditions);
        (worth > 0).then_some((worth, asked, found, conditions, command))
    });
    // Of equals the first, so that a seed always shows the same.
    let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((_, asked, found, conditions, command)) = best else {
        return Shown { text: String::new(), command: format!("world info {WORLD}") };
    };
    let mut text = String::from("\nOne of the denials:\n");
    text.push_str(&decision(&asked, &found, "", &["region_unknown"], style));
    for condition in conditions {
        let _ = writeln!(text, "    {condition}");
    }
    Shown { text, command }
}

/// How much a denial shows: a statement that denies, in a file, by few conditions that saw a
/// value.
fn worth(found: &EffectiveDecision, conditions: &[String]) -> usize {
    if found.decision != Decision::ExplicitDeny || found.checks.len() != 1 {
        return 0;
    }
    let has_place = found.decisive.statements.iter().any(|statement| statement.source.is_some());
    let is_short = (1..=3).contains(&conditions.len());
    let is_named = found.decisive.statements.iter().any(|statement| statement.sid.is_some());
    let has_values = !conditions.iter().any(|condition| condition.contains("absent"));
    1 + usize::from(has_place)
        + 4 * usize::from(is_short)
        + usize::from(is_named)
        + 2 * usize::from(has_values)
        + usize::from(found.missing_context_keys.is_empty())
}

fn asked(request: &Request<'_>) -> Option<Asked> {
    let principal = principal(&request.principal)?;
    let Target::Action { action, resource, .. } = &request.target else { return None };
    Some(Asked {
        principal,
        action: action.to_string(),
        resource: resource.as_ref().map(ToString::to_string),
        request: Request::default(),
    })
}

/// The principal as the command line names it; none when that cannot say all of it.
fn principal(principal: &Principal<'_>) -> Option<String> {
    match principal {
        Principal::Text(text) => Some(text.to_string()),
        Principal::Stated(stated) => {
            let StatedPrincipal { arn, role, session, inline: None, .. } = &**stated else {
                return None;
            };
            let has_policies = session.as_ref().is_some_and(|session| {
                session.policy.is_some() || session.policy_arns.is_some() || session.tags.is_some()
            });
            let named = arn.as_ref().or(role.as_ref()).map(ToString::to_string);
            named.filter(|_| !has_policies)
        }
    }
}

/// The command that asks the same; none when the command line cannot say all of it.
fn command(asked: &Asked, request: &Request<'_>) -> Option<String> {
    let plain = request.context.is_empty()
        && request.via.is_none()
        && request.resource_data.is_none()
        && request.request_tags.is_none();
    let mut text = format!("explain --world {WORLD} -p {} -a {}", asked.principal, asked.action);
    if let Some(resource) = &asked.resource {
        let _ = write!(text, " -r {}", quoted(resource));
    }
    let Network { source_ip, vpce: None, vpc: None, .. } =
        request.network.as_deref().cloned().unwrap_or_default()
    else {
        return None;
    };
    let region = request.region.as_ref().map(|region| ("aws:RequestedRegion", region));
    let address = source_ip.as_ref().map(|address| ("aws:SourceIp", address));
    for (key, value) in region.into_iter().chain(address) {
        let _ = write!(text, " -c {key}={value}");
    }
    plain.then_some(text)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b":/._-@+=".contains(&b));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
