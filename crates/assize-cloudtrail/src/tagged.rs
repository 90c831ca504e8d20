//! What the ids of EC2 say: the type of the resource (F-56).

/// The beginnings of ids, less the hyphen, and the resource types of the reference. State of
/// November 2026.
const KINDS: [(&str, &str); 53] = [
    ("acl", "network-acl"),
    ("ami", "image"),
    ("cagw", "carrier-gateway"),
    ("cgw", "customer-gateway"),
    ("coip-pool", "coip-pool"),
    ("cr", "capacity-reservation"),
    ("crf", "capacity-reservation-fleet"),
    ("cvpn-endpoint", "client-vpn-endpoint"),
    ("dopt", "dhcp-options"),
    ("eice", "instance-connect-endpoint"),
    ("eigw", "egress-only-internet-gateway"),
    ("eipalloc", "elastic-ip"),
    ("eni", "network-interface"),
    ("fl", "vpc-flow-log"),
    ("h", "dedicated-host"),
    ("i", "instance"),
    ("iew", "instance-event-window"),
    ("igw", "internet-gateway"),
    ("ipam", "ipam"),
    ("ipam-pool", "ipam-pool"),
    ("ipam-scope", "ipam-scope"),
    ("lgw", "local-gateway"),
    ("lgw-rtb", "local-gateway-route-table"),
    ("lt", "launch-template"),
    ("nat", "natgateway"),
    ("nip", "network-insights-path"),
    ("pcx", "vpc-peering-connection"),
    ("pl", "prefix-list"),
    ("replacevol", "replace-root-volume-task"),
    ("rtb", "route-table"),
    ("sg", "security-group"),
    ("sgr", "security-group-rule"),
    ("sir", "spot-instances-request"),
    ("snap", "snapshot"),
    ("subnet", "subnet"),
    ("tgw", "transit-gateway"),
    ("tgw-attach", "transit-gateway-attachment"),
    ("tgw-connect-peer", "transit-gateway-connect-peer"),
    ("tgw-mcast-domain", "transit-gateway-multicast-domain"),
    ("tgw-rtb", "transit-gateway-route-table"),
    ("tmf", "traffic-mirror-filter"),
    ("tms", "traffic-mirror-session"),
    ("tmt", "traffic-mirror-target"),
    ("vae", "verified-access-endpoint"),
    ("vagr", "verified-access-group"),
    ("vai", "verified-access-instance"),
    ("vatp", "verified-access-trust-provider"),
    ("vgw", "vpn-gateway"),
    ("vol", "volume"),
    ("vpc", "vpc"),
    ("vpce", "vpc-endpoint"),
    ("vpce-svc", "vpc-endpoint-service"),
    ("vpn", "vpn-connection"),
];

/// Those behind which the hyphens of a UUID follow.
const KINDS_OF_UUIDS: [(&str, &str); 2] = [("fleet", "fleet"), ("sfr", "spot-fleet-request")];

/// Those of what has its name in its ARN, not its id.
const NAMED_KINDS: [(&str, &str); 2] = [("key", "key-pair"), ("pg", "placement-group")];

/// What an id of EC2 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfId {
    /// The resource type.
    pub(crate) kind: &'static str,
    /// The ARN has the name of the resource, which the id does not tell.
    pub(crate) has_name: bool,
}

impl OfId {
    /// What an id says, if its beginning is known.
    pub(crate) fn read(id: &str) -> Option<Self> {
        let (beginning, number) = id.rsplit_once('-')?;
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let find = |kinds: &[(&str, &'static str)], beginning: &str| {
            kinds.iter().find(|(known, _)| *known == beginning).map(|(_, kind)| *kind)
        };
        if is_number(number) {
            if let Some(kind) = find(&KINDS, beginning) {
                return Some(Self { kind, has_name: false });
            }
            if let Some(kind) = find(&NAMED_KINDS, beginning) {
                return Some(Self { kind, has_name: true });
            }
        }
        let (beginning, uuid) = id.split_once('-')?;
        let kind = find(&KINDS_OF_UUIDS, beginning).filter(|_| uuid.split('-').all(is_number))?;
        Some(Self { kind, has_name: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-56.
    #[test]
    fn ids_begin_with_their_types() {
        for (id, kind) in [
            ("i-0123456789abcdef0", Some("instance")),
            ("vpce-svc-0123456789abcdef0", Some("vpc-endpoint-service")),
            ("vpce-0123456789abcdef0", Some("vpc-endpoint")),
            ("sfr-73fbd2ce-aa30-494c-8788-1cee4EXAMPLE", Some("spot-fleet-request")),
            ("fleet-12a34b55-67cd-8ef9-ba9b-9208dEXAMPLE", Some("fleet")),
            ("fleet-12a34b55-", None),
            ("crf-abcdef01234567890", Some("capacity-reservation-fleet")),
            ("key-0123456789abcdef0", Some("key-pair")),
            ("pg-0123456789abcdef0", Some("placement-group")),
            ("new-0123456789abcdef0", None),
            ("i-", None),
            ("i", None),
        ] {
            let found = OfId::read(id);
            assert_eq!(found.map(|of| of.kind), kind, "{id}");
            let is_of_name = id.starts_with("key-") || id.starts_with("pg-");
            assert!(found.is_none_or(|of| of.has_name == is_of_name), "{id}");
        }
    }

    /// Every type is one that the calls on tags can be about.
    #[test]
    fn types_are_those_of_the_reference() {
        let catalog = assize_catalog::Catalog::bundled().unwrap();
        for name in ["CreateTags", "DeleteTags"] {
            let id = catalog.action("ec2", name).unwrap();
            for (_, kind) in KINDS.into_iter().chain(KINDS_OF_UUIDS).chain(NAMED_KINDS) {
                let mut types = catalog.action_ref(id).resource_types();
                assert!(types.any(|listed| listed.resource_type().name() == kind), "{kind}");
            }
        }
    }
}
