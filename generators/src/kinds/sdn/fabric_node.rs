//! Nodes of fabrics as the provider's two resources, one for each protocol.

use std::net::IpAddr;

use proxmox_mpc_model::Object;
use serde_json::Value as Json;

use super::super::{Destination, Namespace, Translation};
use super::{legal_name, list, refer, role, text};
use crate::draft::{Draft, Obstacle};
use crate::row::Row;

/// Translation of the nodes of fabrics.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_fabric_node",
    file: "sdn_fabric_nodes.tf",
    word: "node",
    data: false,
    namespace: Namespace::Own("sdn_fabric_node"),
    destination: |object, _| destination(object),
    name: |entry| Some(entry.identity.id().replace('/', " ")),
    rows: &[
        Row::custom(&["fabric_id", "protocol"], |draft| {
            draft.take("protocol");
            refer(draft, "fabric_id", "fabric_id", "sdn-fabric");
        }),
        Row::custom(&["node_id"], |draft| text(draft, "node_id", "node_id")),
        Row::custom(&["ip"], |draft| text(draft, "ip", "ip")),
        Row::custom(&["ip6"], |draft| {
            if draft.object.text("protocol").as_deref() == Some("openfabric") {
                text(draft, "ip6", "ip6");
            } else {
                draft.not_in_provider(
                    "ip6",
                    "the provider has no attribute for it in fabrics of this protocol (provider rule D11)",
                );
            }
        }),
        Row::custom(&["interfaces"], interfaces),
        Row::ansible(
            &["allowed_ips", "endpoint", "peers", "public_key", "role"],
            "the provider has no attribute for it (provider rule D11)",
        ),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let (resource, addresses): (_, &[&str]) = match object.text("protocol").as_deref() {
        Some("openfabric") => ("proxmox_sdn_fabric_node_openfabric", &["ip", "ip6"]),
        Some("ospf") => ("proxmox_sdn_fabric_node_ospf", &["ip"]),
        _ => return Ok(Destination::Ansible("the provider does not know its protocol (provider rule D11)".into())),
    };
    legal_name(&object.text("fabric_id").unwrap_or_default())?;
    let addresses: Vec<String> = addresses.iter().filter_map(|key| object.text(key)).collect();
    if addresses.is_empty() || addresses.iter().any(|address| address.parse::<IpAddr>().is_err()) {
        return Err(Obstacle::new("the provider requires an address of the node (provider rule D11)"));
    }
    let interfaces = object.keys.get("interfaces");
    let readable = |one: &Json| one.as_str().is_some_and(|one| one.contains('='));
    if interfaces.is_some_and(|all| !all.as_array().is_some_and(|all| all.iter().all(readable))) {
        return Err(Obstacle::new("the provider cannot read its interfaces (provider rule D11)"));
    }
    Ok(Destination::Resource(resource, object.entry.identity.id().to_owned()))
}

/// Writes the names of the interfaces. The provider takes everything after `name=` for the name, and drops an interface that
/// begins with another option.
fn interfaces(draft: &mut Draft<'_>) {
    let all: Vec<&str> =
        draft.take("interfaces").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let mut names: Vec<&str> = all.iter().filter_map(|one| one.strip_prefix("name=")).collect();
    names.sort_unstable();
    names.dedup();
    if all.iter().any(|one| !one.starts_with("name=") || one.contains(',')) {
        draft.keep_in_ansible("interfaces", "the provider knows the names of interfaces only (provider rule D11)");
    }
    draft.set("interface_names", list(names));
}
