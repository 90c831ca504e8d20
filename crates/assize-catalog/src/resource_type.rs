//! Resource types, and which one an ARN is.

use std::num::NonZeroU32;

use assize_model::{ActionId, Id, ServiceId};

use crate::arn_format::ArnSegments;
use crate::tables::TypeRow;
use crate::{ArnFormat, Catalog, ConditionKeyReference, ServiceReference};

/// One resource type of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceTypeId(NonZeroU32);

impl Id for ResourceTypeId {
    fn try_from_index(index: usize) -> Option<Self> {
        u32::try_from(index).ok()?.checked_add(1).and_then(NonZeroU32::new).map(Self)
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One resource type of a service, such as `bucket` of S3.
#[derive(Debug, Clone, Copy)]
pub struct ResourceType<'a> {
    catalog: &'a Catalog,
    at: usize,
}

impl Catalog {
    /// How many resource types there are; their ids are `0..n_resource_types()`.
    pub fn n_resource_types(&self) -> usize {
        self.tables.types.len()
    }

    /// The resource type of an id.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn resource_type_ref(&self, id: ResourceTypeId) -> ResourceType<'_> {
        assert!(id.index() < self.tables.types.len(), "resource type id of another catalog");
        ResourceType { catalog: self, at: id.index() }
    }

    /// The resource type of a service by its name, such as `s3` and `bucket`.
    pub fn resource_type(&self, service_prefix: &str, name: &str) -> Option<ResourceTypeId> {
        let types = self.service(service_prefix)?;
        types.resource_types().find(|found| found.name() == name).map(|found| found.id())
    }

    /// Which of a service's resource types an ARN is (E-7): the one whose format fits; of several,
    /// the one with the longest format ([`ArnFormat::literal_bytes`]).
    ///
    /// The service is the one of the *action*: some services act on resources whose ARNs carry
    /// another service.
    pub fn resource_type_of(&self, service_prefix: &str, arn: &str) -> Option<ResourceTypeId> {
        let arn = ArnSegments::split(arn)?;
        best_fit(self.service(service_prefix)?.resource_types(), &arn)
    }

    /// Which of the action's resource types an ARN fits (E-7), chosen as
    /// [`Catalog::resource_type_of`] chooses. `None` for an action that lists resource types is
    /// `resource_type_mismatch`; `*` is no ARN and fits none.
    ///
    /// Does not allocate.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn fits(&self, action: ActionId, arn: &str) -> Option<ResourceTypeId> {
        let arn = ArnSegments::split(arn)?;
        let types = self.action_ref(action).resource_types();
        best_fit(types.map(|listed| listed.resource_type()), &arn)
    }

    /// What [`Catalog::fits`] says of all ARNs that begin like one, for callers who ask for many
    /// of them. Text that is no ARN fits nothing.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn header_fits(&self, action: ActionId, arn: &str) -> HeaderFits {
        let mut found: Vec<(ArnFormat<'_>, u32, ResourceTypeId)> = Vec::new();
        if let Some(arn) = ArnSegments::split(arn) {
            for listed in self.action_ref(action).resource_types() {
                let listed = listed.resource_type();
                let formats = listed.row().formats.range().zip(listed.formats());
                for (at, format) in formats.filter(|(_, format)| format.fits_header(&arn)) {
                    // INVARIANT: positions of formats are stored in four bytes.
                    found.push((format, u32::try_from(at).unwrap_or(u32::MAX), listed.id()));
                }
            }
        }
        // Stable: of equal formats the first counts, as in `best_fit`.
        found.sort_by_key(|(format, ..)| std::cmp::Reverse(format.rank()));
        HeaderFits { formats: found.into_iter().map(|(_, at, id)| (at, id)).collect() }
    }
}

/// The formats of an action's resource types that ARNs with the same first five segments can
/// have, the longest first.
///
/// ```
/// let catalog = assize_catalog::Catalog::bundled()?;
/// let action = catalog.action("s3", "GetObject").unwrap();
/// let fits = catalog.header_fits(action, "arn:aws:s3:::");
/// assert_eq!(fits.of(&catalog, "b/k"), catalog.fits(action, "arn:aws:s3:::b/k"));
/// # Ok::<(), assize_catalog::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct HeaderFits {
    formats: Box<[(u32, ResourceTypeId)]>,
}

impl HeaderFits {
    /// Which resource type the ARN with this last segment is. Does not allocate.
    ///
    /// # Panics
    /// When the catalog is another one.
    pub fn of(&self, catalog: &Catalog, resource: &str) -> Option<ResourceTypeId> {
        let tables = &catalog.tables;
        let fits = |&(at, id): &(u32, ResourceTypeId)| {
            tables.formats.fits_resource(at as usize, resource).then_some(id)
        };
        self.formats.iter().find_map(fits)
    }
}

/// The type whose format is the longest that fits.
fn best_fit<'a>(
    types: impl Iterator<Item = ResourceType<'a>>,
    arn: &ArnSegments<'_>,
) -> Option<ResourceTypeId> {
    let mut best: Option<(ArnFormat<'a>, ResourceTypeId)> = None;
    for found in types {
        for format in found.formats() {
            let longer = best.is_none_or(|(longest, _)| format.is_longer_than(&longest));
            if longer && format.fits(arn) {
                best = Some((format, found.id()));
            }
        }
    }
    best.map(|(_, id)| id)
}

impl<'a> ResourceType<'a> {
    pub(crate) fn new(catalog: &'a Catalog, at: usize) -> Self {
        Self { catalog, at }
    }

    fn row(&self) -> &'a TypeRow {
        &self.catalog.tables.types[self.at]
    }

    /// The id of the resource type.
    pub fn id(&self) -> ResourceTypeId {
        ResourceTypeId::from_index(self.at)
    }

    /// The name, such as `bucket`.
    pub fn name(&self) -> &'a str {
        self.catalog.tables.strings.get(self.row().name)
    }

    /// The service on whose page of the reference the type stands.
    pub fn service(&self) -> ServiceReference<'a> {
        self.catalog.service_ref(ServiceId::from_index(self.row().service as usize))
    }

    /// The forms that ARNs of this type have: one, rarely two.
    pub fn formats(&self) -> impl ExactSizeIterator<Item = ArnFormat<'a>> + use<'a> {
        let tables = &self.catalog.tables;
        let rows = self.row().formats.range();
        rows.map(move |at| ArnFormat::new(&tables.formats, &tables.strings, at))
    }

    /// The condition keys that go with resources of this type.
    pub fn condition_keys(
        &self,
    ) -> impl ExactSizeIterator<Item = ConditionKeyReference<'a>> + use<'a> {
        self.catalog.keys(self.row().keys)
    }

    /// The beginnings of the condition keys that carry tags of resources of this type (E-20), in
    /// byte order; [`Catalog::resource_tag_keys`] also knows those of an action.
    pub fn resource_tag_keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.catalog.keys(self.row().tag_keys).map(|key| key.stem())
    }
}
