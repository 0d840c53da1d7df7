//! Fabrics of the SDN as the provider's two resources, one for each protocol.

use super::super::{Destination, Namespace, Translation};
use super::{legal_name, network, numbers, required, role, text};
use crate::draft::{Draft, Obstacle};
use crate::row::Row;

/// Translation of fabrics.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_fabric",
    file: "sdn_fabrics.tf",
    word: "fabric",
    data: false,
    namespace: Namespace::Own("sdn_fabric"),
    destination: |object, _| {
        let id = object.entry.identity.id();
        let resource = match object.text("protocol").as_deref() {
            Some("openfabric") => "proxmox_sdn_fabric_openfabric",
            Some("ospf") => {
                required(object, &["area", "ip_prefix"])?;
                "proxmox_sdn_fabric_ospf"
            }
            _ => return Ok(Destination::Ansible("the provider does not know its protocol (provider rule D11)".into())),
        };
        legal_name(id)?;
        numbers(object, &["csnp_interval", "hello_interval"])?;
        let prefixes: Vec<String> = ["ip_prefix", "ip6_prefix"].iter().filter_map(|key| object.text(key)).collect();
        if prefixes.is_empty() || prefixes.iter().any(|prefix| network(prefix).is_none()) {
            return Err(Obstacle::new("the provider requires a prefix, and takes networks only (provider rule D11)"));
        }
        Ok(Destination::Resource(resource, id.to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["id", "protocol"], |draft| {
            draft.take("protocol");
            text(draft, "id", "id");
        }),
        Row::custom(&["area"], |draft| of(draft, "ospf", "area")),
        Row::custom(&["ip_prefix"], |draft| text(draft, "ip_prefix", "ip_prefix")),
        Row::custom(&["ip6_prefix"], |draft| of(draft, "openfabric", "ip6_prefix")),
        Row::custom(&["csnp_interval"], |draft| of(draft, "openfabric", "csnp_interval")),
        Row::custom(&["hello_interval"], |draft| of(draft, "openfabric", "hello_interval")),
        Row::ansible(
            &["persistent_keepalive", "redistribute", "route_filter"],
            "the provider has no attribute for it (provider rule D11)",
        ),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};

/// Writes a key that only fabrics of one protocol have.
fn of(draft: &mut Draft<'_>, protocol: &str, key: &str) {
    if draft.object.text("protocol").as_deref() != Some(protocol) {
        draft.not_in_provider(
            key,
            "the provider has no attribute for it in fabrics of this protocol (provider rule D11)",
        );
    } else if key.ends_with("interval") {
        let interval = draft.integer(key);
        draft.set_some(key, interval);
    } else {
        text(draft, key, key);
    }
}
