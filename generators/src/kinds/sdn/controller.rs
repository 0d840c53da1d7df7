//! SDN controllers: EVPN controllers as `proxmox_sdn_controller_evpn`; Ansible keeps the others.

use super::super::{Destination, Namespace, Translation};
use super::{legal_name, list, not_removed, numbers, refer, required, role, text, words};
use crate::draft::Obstacle;
use crate::row::Row;

/// Translation of SDN controllers.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_controller",
    file: "sdn_controllers.tf",
    word: "controller",
    data: false,
    namespace: Namespace::Own("sdn_controller"),
    destination: |object, _| {
        not_removed(object)?;
        if object.text("type").as_deref() != Some("evpn") {
            return Ok(Destination::Ansible(
                "the provider has a resource for EVPN controllers only (provider rule D13)".into(),
            ));
        }
        let id = object.entry.identity.id();
        legal_name(id)?;
        numbers(object, &["asn", "ebgp-multihop"])?;
        required(object, &["asn"])?;
        if ["fabric", "peers"].iter().all(|key| object.text(key).is_none_or(|text| text.is_empty())) {
            return Err(Obstacle::new(
                "the provider requires `peers` or `fabric`, and neither is set (provider rule D12)",
            ));
        }
        let pending = object.keys.get("pending").and_then(|pending| pending.get("asn"));
        if pending.is_some_and(|asn| !asn.is_i64()) {
            let reason = "changes of it wait to be applied, and the provider misreads them (provider rule D2)";
            return Err(Obstacle::new(reason).remedy("apply the SDN, then import again"));
        }
        Ok(Destination::Resource("proxmox_sdn_controller_evpn", id.to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["controller", "type"], |draft| {
            draft.take("type");
            text(draft, "controller", "id");
        }),
        Row::custom(&["asn"], |draft| {
            let asn = draft.integer("asn");
            draft.set_some("asn", asn);
        }),
        Row::custom(&["fabric"], |draft| refer(draft, "fabric", "fabric", "sdn-fabric")),
        Row::custom(&["peers"], |draft| {
            if let Some(peers) = draft.text("peers") {
                draft.set("peers", list(words(&peers)));
            }
        }),
        Row::volatile(&["digest", "pending", "state"]),
        Row::ansible(
            &[
                "bgp-mode",
                "bgp-multipath-as-path-relax",
                "ebgp",
                "ebgp-multihop",
                "isis-domain",
                "isis-ifaces",
                "isis-net",
                "loopback",
                "node",
                "nodes",
                "peer-group-name",
                "route-map-in",
                "route-map-out",
            ],
            "the provider has no attribute for it (provider rule D13)",
        ),
    ],
    role: Some(role),
};
