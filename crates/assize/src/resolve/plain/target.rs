//! What plain requests ask about: actions, headers of ARNs, and the kind of resource behind them.

use std::borrow::Cow;

use assize_catalog::{HeaderFits, ResourceTypeId};
use assize_compiler::{ActionRef, ValueId};
use assize_model::{ArnParts, ResourceData};
use assize_store::parent;

use super::super::action::{ActionRule, ResolvedAction};
use super::super::resource::{Family, Owner, Shape, above, owner};
use super::super::{NUMBERED, Resolver};
use super::{PlainCheck, PlainPaths};
use crate::batch::ResourceKind;

/// What the short way asks of an action: few bytes, since it is asked of every row.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainAction {
    pub(super) column: ActionRef,
    /// Its requests are one check each.
    is_plain: bool,
    /// Tags and a source identity mean more than keys: it opens a session, so that they would be
    /// checks of their own (E-90), or tags have other names too (E-20, E-21).
    pub(super) looks_at_tags: bool,
    /// It takes no resource, and perhaps something else than `*` stands for that (E-6).
    wildcard_only: bool,
    takes_form: bool,
    /// Positions in `pairs` of the headers that its resources had lately, in no order: most
    /// resources of an action begin in few ways.
    pairs: [u32; N_RECENT_PAIRS],
    /// Which of them gives way to the next.
    next: u8,
    /// What it asks about when that is `*`.
    star: Option<u32>,
    /// The region of its service, if that is a global one, in the partition asked about last.
    region: Option<(u32, Option<ValueId>)>,
}

/// An action and a header.
#[derive(Debug)]
pub(super) struct Pair {
    /// The position in `headers`.
    header: u32,
    /// Which of the action's resource types there are.
    fits: HeaderFits,
    /// What the last resource was, and the target that it made.
    last: Option<(Shape, bool, u32)>,
}

/// How many headers of an action are tried before the header of a resource is looked for.
const N_RECENT_PAIRS: usize = 4;
const NO_PAIR: u32 = u32::MAX;

/// What a frame hangs on besides the caller: the class of the action, the owner of the resource by
/// its position in `owners`, its shape, and whether it is of a type of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Target {
    class: u32,
    owner: u32,
    shape: Shape,
    fits: bool,
}

/// The first five segments of an ARN.
#[derive(Debug)]
pub(super) struct Header {
    /// All of it, the last colon included. Nothing for `*`, which belongs to the principal.
    text: Box<str>,
    partition: Box<str>,
    names_account: bool,
    family: Family,
    /// The number of the partition, unless that is the principal's.
    partition_number: Option<u32>,
    /// The region, when it is not empty.
    region: Option<ValueId>,
    /// The position in `owners`.
    pub(super) owner: u32,
    /// The snapshot has records of resources whose ARNs begin so.
    has_records: bool,
}

/// The resource of a plain request.
struct PlainResource {
    header: u32,
    shape: Shape,
    fit: Option<ResourceTypeId>,
}

/// The partition of principals without an ARN.
const DEFAULT_PARTITION: &str = "aws";

impl PlainPaths {
    pub(super) fn partition_number(&mut self, partition: Option<&str>) -> u32 {
        let partition = partition.unwrap_or(DEFAULT_PARTITION);
        let next = u32::try_from(self.partitions.len()).expect(NUMBERED);
        *self.partitions.entry(partition.into()).or_insert(next)
    }

    fn target(&mut self, target: Target) -> Option<u32> {
        let next = u32::try_from(self.targets.len()).ok()?;
        Some(*self.targets.entry(target).or_insert(next))
    }
}

impl Resolver<'_> {
    /// What the short way asks of an action.
    #[inline]
    fn plain_action_facts(&mut self, action: u32) -> Option<&mut PlainAction> {
        if self.plain.actions.len() < self.actions.len() {
            self.add_plain_actions();
        }
        self.plain.actions.get_mut(action as usize)
    }

    #[inline(never)]
    fn add_plain_actions(&mut self) {
        for at in self.plain.actions.len()..self.actions.len() {
            let facts = &self.actions[at];
            let ResolvedAction { column, wildcard_only, takes_form, .. } = *facts;
            let opens_session = matches!(
                facts.rule,
                ActionRule::AssumeRole
                    | ActionRule::AssumeRoleFederated
                    | ActionRule::GetFederationToken
            );
            let entails_nothing = u32::try_from(at).is_ok_and(|at| self.entails_nothing(at));
            // What a session would hand on, only stated principals have; in partial context nobody
            // knows (E-126).
            let is_one_check =
                entails_nothing || (opens_session && !self.entails_more() && !self.is_partial);
            self.plain.actions.push(PlainAction {
                column,
                is_plain: facts.is_plain && facts.id.is_some() && is_one_check,
                looks_at_tags: opens_session || facts.renames_tags(),
                wildcard_only,
                takes_form,
                pairs: [NO_PAIR; N_RECENT_PAIRS],
                next: 0,
                star: None,
                region: None,
            });
        }
    }

    /// Principal, action and resource, when they are plain.
    pub(super) fn plain_check<'r>(
        &mut self,
        principal: u32,
        action: u32,
        given: Option<&'r str>,
    ) -> Option<PlainCheck<'r>> {
        self.plain_caller(principal)?;
        let facts = *self.plain_action_facts(action)?;
        if !facts.is_plain {
            return None;
        }
        let given = given.unwrap_or("*");
        let resource = if facts.wildcard_only && (given != "*" || facts.takes_form) {
            self.plain_form(principal, action, given)?
        } else {
            Cow::Borrowed(given)
        };
        let looks_at_tags = facts.looks_at_tags;
        let (found, target) = if &*resource == "*" {
            let header = self.star_header()?;
            let target = facts.star.or_else(|| self.star_target(action, header))?;
            (PlainResource { header, shape: Shape::Star, fit: None }, target)
        } else {
            self.plain_target(action, &facts.pairs, &resource)?
        };
        let PlainResource { header, shape, fit } = found;
        Some(PlainCheck { principal, action, resource, header, shape, fit, target, looks_at_tags })
    }

    /// E-6: the text that stands for the resource of an action that takes none. An ARN where none
    /// is taken is replaced, on the long way.
    fn plain_form<'r>(&self, principal: u32, action: u32, given: &'r str) -> Option<Cow<'r, str>> {
        let form = self.wildcard_form(principal, self.actions.get(action as usize)?.id?);
        match given {
            "*" => Some(form.into_owned().into()),
            given if *form != *"*" && given.starts_with(&*form) => Some(given.into()),
            _ => None,
        }
    }

    #[inline(never)]
    fn star_target(&mut self, action: u32, header: u32) -> Option<u32> {
        let target = self.new_target(action, header, (Shape::Star, false))?;
        self.plain_action_facts(action)?.star = Some(target);
        Some(target)
    }

    fn new_target(
        &mut self,
        action: u32,
        header: u32,
        (shape, fits): (Shape, bool),
    ) -> Option<u32> {
        let class = self.actions.get(action as usize)?.class;
        let owner = self.plain.headers.get(header as usize)?.owner;
        self.plain.target(Target { class, owner, shape, fits })
    }

    /// The resource behind a text of which no more is known, and the number of its target.
    #[inline]
    fn plain_target(
        &mut self,
        action: u32,
        recent: &[u32; N_RECENT_PAIRS],
        text: &str,
    ) -> Option<(PlainResource, u32)> {
        let plain = &self.plain;
        // What begins with five segments has no others.
        let rest = |&at: &u32| {
            let header = plain.headers.get(plain.pairs.get(at as usize)?.header as usize)?;
            Some((at, text.strip_prefix(&*header.text)?))
        };
        let found = recent.iter().find_map(rest);
        let (at, resource) = found.or_else(|| self.pair(action, text))?;
        let pair = self.plain.pairs.get(at as usize)?;
        let header = self.plain.headers.get(pair.header as usize)?;
        let shape = header.family.shape(resource);
        if resource.is_empty() || self.is_known(text, (header, resource), shape) {
            return None;
        }
        let fit = pair.fits.of(&self.engine.catalog, resource);
        let found = PlainResource { header: pair.header, shape, fit };
        let fits = fit.is_some();
        match pair.last {
            Some((last, of_type, target)) if (last, of_type) == (shape, fits) => {
                Some((found, target))
            }
            _ => {
                let target = self.new_target(action, found.header, (shape, fits))?;
                self.plain.pairs.get_mut(at as usize)?.last = Some((shape, fits, target));
                Some((found, target))
            }
        }
    }

    /// The position of an action with the header of a text, and what stands behind that.
    #[inline(never)]
    fn pair<'t>(&mut self, action: u32, text: &'t str) -> Option<(u32, &'t str)> {
        let (head, resource) = ArnParts::split_header(text)?;
        let header = match self.plain.recent_headers.get(head) {
            Some(header) => header,
            None => self.header(text, head)?,
        };
        let id = self.actions.get(action as usize)?.id?;
        let plain = &mut self.plain;
        let next = u32::try_from(plain.pairs.len()).ok()?;
        let at = *plain.pair_index.entry((action, header)).or_insert(next);
        if at == next {
            let fits = self.engine.catalog.header_fits(id, text);
            plain.pairs.push(Pair { header, fits, last: None });
        }
        let recent = plain.actions.get_mut(action as usize)?;
        let place = usize::from(recent.next) % N_RECENT_PAIRS;
        recent.pairs[place] = at;
        recent.next = recent.next.wrapping_add(1);
        Some((at, resource))
    }

    /// What the short way knows of a resource: all that is decided of it beside what policies say
    /// of its text. None where the long way asks for more.
    pub(crate) fn resource_kind<'t>(
        &mut self,
        action: &str,
        text: &'t str,
    ) -> Option<ResourceKind<'t>> {
        let action = self.action(action).ok()?;
        let facts = *self.plain_action_facts(action)?;
        // Others may be several checks, by whoever asks.
        if !facts.is_plain || !self.entails_nothing(action) || facts.wildcard_only {
            return None;
        }
        let (header, _) = ArnParts::split_header(text)?;
        let found = self.plain_target(action, &facts.pairs, text)?;
        let (PlainResource { shape, fit, .. }, _) = found;
        Some(ResourceKind { header, shape, resource_type: fit })
    }

    /// Whether snapshot or rules know more of a resource than its header says.
    fn is_known(&self, text: &str, (header, resource): (&Header, &str), shape: Shape) -> bool {
        let sets = &self.engine.sets;
        let by_rule = match header.family {
            // Access points.
            Family::S3 | Family::S3Elsewhere => !matches!(shape, Shape::S3Object | Shape::S3Bucket),
            Family::Kms => shape == Shape::KmsAlias,
            Family::Iam(_) => {
                !header.names_account
                    || resource.starts_with("policy/")
                    || resource.starts_with("role/aws-")
                    || sets.entity(text).is_some()
            }
            Family::Other => false,
        };
        let is_recorded = |arn: &str| sets.is_recorded(arn);
        by_rule
            || header.has_records
                && (is_recorded(text)
                    || parent(text).is_some_and(|parent| {
                        is_recorded(&parent.arn) || above(&parent.arn).any(|arn| is_recorded(&arn))
                    }))
    }

    /// The header of `*`, which belongs to the principal.
    #[inline]
    fn star_header(&mut self) -> Option<u32> {
        if self.plain.star_header.is_none() {
            self.plain.star_header = self.new_star_header();
        }
        self.plain.star_header
    }

    fn new_star_header(&mut self) -> Option<u32> {
        let owner = self.owner_class("", Owner::Principal)?;
        self.add_header(Header {
            text: "".into(),
            partition: "".into(),
            names_account: false,
            family: Family::Other,
            partition_number: None,
            region: None,
            owner,
            has_records: false,
        })
    }

    fn header(&mut self, text: &str, head: &str) -> Option<u32> {
        let known = self.plain.header_index.get(head).copied();
        let header = known.or_else(|| self.new_header(text, head))?;
        self.plain.recent_headers.put(head, header);
        Some(header)
    }

    fn new_header(&mut self, text: &str, head: &str) -> Option<u32> {
        let arn = ArnParts::parse(text).ok()?;
        let owner = owner(text, Some(arn), &ResourceData::default(), None).ok()?;
        let owner = self.owner_class(arn.partition, owner)?;
        let region = (!arn.region.is_empty()).then(|| self.values.intern_single(arn.region));
        let of_partition = Some(arn.partition).filter(|partition| !partition.is_empty());
        let partition_number =
            of_partition.map(|partition| self.plain.partition_number(Some(partition)));
        let header = self.add_header(Header {
            text: head.into(),
            partition: arn.partition.into(),
            names_account: arn.account_id().is_some(),
            family: Family::of(arn),
            partition_number,
            region,
            owner,
            has_records: self.engine.sets.has_records(head),
        })?;
        self.plain.header_index.insert(head.into(), header);
        Some(header)
    }

    fn add_header(&mut self, header: Header) -> Option<u32> {
        let at = u32::try_from(self.plain.headers.len()).ok()?;
        self.plain.headers.push(header);
        Some(at)
    }

    fn owner_class(&mut self, partition: &str, owner: Owner) -> Option<u32> {
        let plain = &mut self.plain;
        let next = u32::try_from(plain.owners.len()).ok()?;
        let key = (Box::from(partition), owner);
        if let Some(known) = plain.owner_index.get(&key) {
            return Some(*known);
        }
        plain.owners.push(key.clone());
        plain.owner_index.insert(key, next);
        Some(next)
    }

    /// E-19: the region that follows from the resource or the service.
    pub(super) fn plain_region(&mut self, check: &PlainCheck<'_>) -> Option<ValueId> {
        let header = self.plain.headers.get(check.header as usize)?;
        if header.region.is_some() {
            return header.region;
        }
        let own = self.plain.callers.get(check.principal as usize)?.partition_number;
        let partition = header.partition_number.unwrap_or(own);
        match self.plain.actions.get(check.action as usize)?.region {
            Some((known, region)) if known == partition => region,
            _ => self.new_region(check, partition),
        }
    }

    #[inline(never)]
    fn new_region(&mut self, check: &PlainCheck<'_>, number: u32) -> Option<ValueId> {
        let header = self.plain.headers.get(check.header as usize)?;
        let own = self.principals.get(check.principal as usize)?.partition.as_deref();
        let of_resource = Some(&*header.partition).filter(|partition| !partition.is_empty());
        let partition = of_resource.or(own).unwrap_or(DEFAULT_PARTITION);
        let service = &self.actions.get(check.action as usize)?.service;
        let region = self.engine.catalog.global_service_region(service, partition);
        let region = region.map(|region| self.values.intern_single(region));
        self.plain_action_facts(check.action)?.region = Some((number, region));
        region
    }
}
