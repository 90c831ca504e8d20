//! Services.

use assize_model::{Id, ServiceId};

use crate::tables::ServiceRow;
use crate::{ActionRange, Catalog, ConditionKeyReference, ResourceType, index};

/// One service of the reference: everything that shares a service prefix.
#[derive(Debug, Clone, Copy)]
pub struct ServiceReference<'a> {
    catalog: &'a Catalog,
    id: ServiceId,
}

impl Catalog {
    /// All services in byte order of their prefixes.
    pub fn services(&self) -> impl ExactSizeIterator<Item = ServiceReference<'_>> {
        let last = self.tables.services.len();
        (0..last).map(|at| ServiceReference { catalog: self, id: ServiceId::from_index(at) })
    }

    /// How many services there are.
    pub fn n_services(&self) -> usize {
        self.tables.services.len()
    }

    /// The service of a prefix such as `s3`, without regard to ASCII case (E-4).
    pub fn service(&self, prefix: &str) -> Option<ServiceReference<'_>> {
        self.service_id(prefix).map(|id| ServiceReference { catalog: self, id })
    }

    /// The id of a service by its prefix, without regard to ASCII case (E-4).
    pub fn service_id(&self, prefix: &str) -> Option<ServiceId> {
        self.index.service(&self.tables, prefix).and_then(ServiceId::new)
    }

    /// The service of an id.
    ///
    /// # Panics
    /// When the id is of another catalog and out of the range of this one.
    pub fn service_ref(&self, id: ServiceId) -> ServiceReference<'_> {
        assert!(id.index() < self.tables.services.len(), "service id of another catalog");
        ServiceReference { catalog: self, id }
    }

    /// The prefixes of the services whose requests RCPs apply to (E-36), in byte order.
    pub fn rcp_services(&self) -> impl Iterator<Item = &str> {
        self.services().filter(ServiceReference::supports_rcp).map(|service| service.prefix())
    }

    /// Whether RCPs apply to requests to a service (E-36). An unknown service: no.
    pub fn supports_rcp(&self, prefix: &str) -> bool {
        self.service(prefix).is_some_and(|service| service.supports_rcp())
    }

    /// Whether VPC endpoint policies take part in decisions about a service (E-98).
    ///
    /// The flag is `true` for every service that is not known to ignore endpoint policies, and
    /// for unknown services: leaving out a layer that AWS evaluates could allow too much.
    pub fn supports_endpoint_policy(&self, prefix: &str) -> bool {
        self.service(prefix).is_none_or(|service| service.supports_endpoint_policy())
    }

    /// The region that serves a global service in a partition (E-19), or `None` for a regional
    /// or unknown service and for a partition whose region is not known.
    pub fn global_service_region(&self, prefix: &str, partition: &str) -> Option<&str> {
        let service = self.service(prefix)?;
        let is_global = service.has(ServiceRow::GLOBAL);
        is_global.then(|| self.global_region(partition, service.prefix())).flatten()
    }

    fn global_region(&self, partition: &str, prefix: &str) -> Option<&str> {
        let strings = &self.tables.strings;
        let mut regions = self.tables.regions.iter();
        regions
            .find(|(key, _)| strings.get(*key).split_once('/') == Some((partition, prefix)))
            .map(|(_, region)| strings.get(*region))
    }

    /// The service whose prefix is nearest to a misspelled one, for messages.
    pub fn nearest_service(&self, prefix: &str) -> Option<ServiceReference<'_>> {
        let rows = 0..u32::try_from(self.tables.services.len()).ok()?;
        let name_of = |at: u32| self.tables.strings.lower(self.tables.services[at as usize].prefix);
        let found = index::nearest(rows, prefix, name_of)?;
        ServiceId::new(found).map(|id| ServiceReference { catalog: self, id })
    }
}

impl<'a> ServiceReference<'a> {
    fn row(&self) -> &'a ServiceRow {
        &self.catalog.tables.services[self.id.index()]
    }

    fn has(&self, flag: u8) -> bool {
        self.row().flags & flag != 0
    }

    /// The id of the service.
    pub fn id(&self) -> ServiceId {
        self.id
    }

    /// The prefix, such as `s3`, in lower case.
    pub fn prefix(&self) -> &'a str {
        self.catalog.tables.strings.get(self.row().prefix)
    }

    /// What AWS calls the service, such as `Amazon S3`.
    pub fn name(&self) -> &'a str {
        self.catalog.tables.strings.get(self.row().name)
    }

    /// The actions of the service.
    pub fn actions(&self) -> ActionRange {
        ActionRange::new(self.row().actions)
    }

    /// The resource types of the service, in byte order of their names.
    pub fn resource_types(&self) -> impl ExactSizeIterator<Item = ResourceType<'a>> + use<'a> {
        let catalog = self.catalog;
        self.row().types.range().map(move |at| ResourceType::new(catalog, at))
    }

    /// The condition keys that the service's page of the reference lists.
    pub fn condition_keys(
        &self,
    ) -> impl ExactSizeIterator<Item = ConditionKeyReference<'a>> + use<'a> {
        self.catalog.keys(self.row().keys)
    }

    /// Whether RCPs apply to requests to the service (E-36).
    pub fn supports_rcp(&self) -> bool {
        self.has(ServiceRow::RCP)
    }

    /// Whether VPC endpoint policies take part in decisions about the service (E-98); see
    /// [`Catalog::supports_endpoint_policy`].
    pub fn supports_endpoint_policy(&self) -> bool {
        self.has(ServiceRow::ENDPOINT_POLICY)
    }

    /// Whether one region serves the whole partition (E-19).
    pub fn is_global(&self) -> bool {
        self.has(ServiceRow::GLOBAL)
    }
}
