//! What the ids of EC2 say: the type of the resource (F-56).

/// The beginnings of ids, less the hyphen, and the resource types of the reference. State of
/// November 2026. Key pairs and placement groups are missing: their ARNs have names, not ids.
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

/// The resource type of what an id of EC2 names.
pub(crate) fn kind_of_id(id: &str) -> Option<&'static str> {
    let (beginning, number) = id.rsplit_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut kinds = KINDS.iter().filter(|_| is_number);
    kinds.find(|(known, _)| *known == beginning).map(|(_, kind)| *kind)
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
            ("sfr-73fbd2ce-aa30-494c-8788-1cee4EXAMPLE", None),
            ("key-0123456789abcdef0", None),
            ("i-", None),
            ("i", None),
        ] {
            assert_eq!(kind_of_id(id), kind, "{id}");
        }
    }

    /// Every type is one that the calls on tags can be about.
    #[test]
    fn types_are_those_of_the_reference() {
        let catalog = assize_catalog::Catalog::bundled().unwrap();
        for name in ["CreateTags", "DeleteTags"] {
            let id = catalog.action("ec2", name).unwrap();
            for (_, kind) in KINDS {
                let mut types = catalog.action_ref(id).resource_types();
                assert!(types.any(|listed| listed.resource_type().name() == kind), "{kind}");
            }
        }
    }
}
