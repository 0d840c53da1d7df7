//! SDN zones as the provider's five resources, by their type.

use proxmox_mpc_model::Object;

use self::ValueForm::{Bridge, Controller, Flag, Number, Text, Words};
use super::super::{Destination, Namespace, Translation, references};
use super::{legal_name, list, not_removed, numbers, refer, required, role, text, words};
use crate::draft::{Draft, Obstacle};
use crate::row::Row;

/// Translation of SDN zones.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_zone",
    file: "sdn_zones.tf",
    word: "zone",
    data: false,
    namespace: Namespace::Own("sdn_zone"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["zone", "type"], |draft| {
            draft.take("type");
            text(draft, "zone", "id");
        }),
        Row::custom(TYPE_KEYS, keys_of_type),
        Row::custom(&["nodes"], |draft| set(draft, "nodes", "nodes", Words)),
        Row::custom(&["mtu"], |draft| set(draft, "mtu", "mtu", Number)),
        Row::custom(&["ipam"], |draft| text(draft, "ipam", "ipam")),
        Row::custom(&["dns"], |draft| text(draft, "dns", "dns")),
        Row::custom(&["dnszone"], |draft| text(draft, "dnszone", "dns_zone")),
        Row::custom(&["reversedns"], |draft| text(draft, "reversedns", "reverse_dns")),
        Row::volatile(&["digest", "pending", "state"]),
        Row::ansible(
            &["bridge-disable-mac-learning", "dp-id", "fabric", "mac", "secondary-controllers", "vxlan-port"],
            "the provider has no attribute for it (provider rule D13)",
        ),
    ],
    role: Some(role),
};

/// Keys that only some types of zones have.
const TYPE_KEYS: &[&str] = &[
    "advertise-subnets",
    "bridge",
    "controller",
    "dhcp",
    "disable-arp-nd-suppression",
    "exitnodes",
    "exitnodes-local-routing",
    "exitnodes-primary",
    "peers",
    "rt-import",
    "tag",
    "vlan-protocol",
    "vrf-vxlan",
];

/// A type of zone that the provider has a resource for.
struct ZoneType {
    name: &'static str,
    resource: &'static str,
    /// Keys that its resource requires.
    required: &'static [&'static str],
    /// Keys of the type: Proxmox's key, the attribute, the form of the value.
    keys: &'static [(&'static str, &'static str, ValueForm)],
}

#[derive(Clone, Copy)]
enum ValueForm {
    Text,
    Number,
    Flag,
    Words,
    Controller,
    Bridge,
}

static TYPES: &[ZoneType] = &[
    ZoneType { name: "simple", resource: "proxmox_sdn_zone_simple", required: &[], keys: &[("dhcp", "dhcp", Text)] },
    ZoneType {
        name: "vlan",
        resource: "proxmox_sdn_zone_vlan",
        required: &["bridge"],
        keys: &[("bridge", "bridge", Bridge)],
    },
    ZoneType {
        name: "qinq",
        resource: "proxmox_sdn_zone_qinq",
        required: &["bridge", "tag"],
        keys: &[
            ("bridge", "bridge", Bridge),
            ("tag", "service_vlan", Number),
            ("vlan-protocol", "service_vlan_protocol", Text),
        ],
    },
    ZoneType {
        name: "vxlan",
        resource: "proxmox_sdn_zone_vxlan",
        required: &["peers"],
        keys: &[("peers", "peers", Words)],
    },
    ZoneType {
        name: "evpn",
        resource: "proxmox_sdn_zone_evpn",
        required: &["controller", "vrf-vxlan"],
        keys: &[
            ("controller", "controller", Controller),
            ("vrf-vxlan", "vrf_vxlan", Number),
            ("advertise-subnets", "advertise_subnets", Flag),
            ("disable-arp-nd-suppression", "disable_arp_nd_suppression", Flag),
            ("exitnodes", "exit_nodes", Words),
            ("exitnodes-local-routing", "exit_nodes_local_routing", Flag),
            ("exitnodes-primary", "primary_exit_node", Text),
            ("rt-import", "rt_import", Text),
        ],
    },
];

/// Switches of EVPN zones with a default, which shows a difference to an unset key.
const SWITCHES: [&str; 3] = ["advertise-subnets", "disable-arp-nd-suppression", "exitnodes-local-routing"];

/// Keys whose pending removal the provider understands. For other keys it takes the word `deleted` for the value, or fails.
const REMOVABLE: [&str; 9] =
    ["dns", "dnszone", "ipam", "reversedns", "nodes", "peers", "exitnodes", "exitnodes-primary", "rt-import"];

fn of_type(object: &Object) -> Option<&'static ZoneType> {
    let name = object.text("type")?;
    TYPES.iter().find(|one| one.name == name)
}

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    not_removed(object)?;
    let Some(zone) = of_type(object) else {
        return Ok(Destination::Ansible(
            "the provider has no resource for zones of this type (provider rule D13)".into(),
        ));
    };
    let id = object.entry.identity.id();
    legal_name(id)?;
    numbers(object, &["mtu", "tag", "vrf-vxlan"])?;
    required(object, zone.required)?;
    pending(object, zone)?;
    values(object, zone)?;
    Ok(Destination::Resource(zone.resource, id.to_owned()))
}

/// Checks that the provider can read pending changes (D2).
fn pending(object: &Object, zone: &ZoneType) -> Result<(), Obstacle> {
    let Some(pending) = object.keys.get("pending").and_then(|pending| pending.as_object()) else { return Ok(()) };
    let read_whole: &[&str] = match zone.name {
        // For these types the provider takes the pending keys for all keys.
        "qinq" => &["tag", "vlan-protocol"],
        "vxlan" => &["peers"],
        _ => &[],
    };
    let known = |key: &str| zone.keys.iter().any(|(own, ..)| *own == key) || key == "mtu" || REMOVABLE.contains(&key);
    let misread = pending.iter().any(|(key, value)| {
        value.as_str() == Some("")
            || (value.as_str() == Some("deleted") && known(key) && !REMOVABLE.contains(&key.as_str()))
    });
    if misread || read_whole.iter().any(|key| !pending.contains_key(*key)) {
        let reason = "changes of it wait to be applied, and the provider misreads them (provider rule D2)";
        return Err(Obstacle::new(reason).remedy("apply the SDN, then import again"));
    }
    Ok(())
}

/// Checks for values that the provider refuses, or for which it shows a change.
fn values(object: &Object, zone: &ZoneType) -> Result<(), Obstacle> {
    let id = object.entry.identity.id();
    if zone.name == "qinq" {
        match object.text("vlan-protocol").as_deref() {
            Some("802.1q" | "802.1ad") => {}
            Some(_) => return Err(refused("vlan-protocol")),
            None => {
                let reason = "the provider shows a change for a QinQ zone without `vlan-protocol` (provider rule D4)";
                return Err(
                    Obstacle::new(reason).remedy(format!("pvesh set /cluster/sdn/zones/{id} --vlan-protocol 802.1q"))
                );
            }
        }
        if !object.keys.get("tag").and_then(serde_json::Value::as_i64).is_some_and(|tag| (1..=4094).contains(&tag)) {
            return Err(refused("tag"));
        }
    }
    if zone.name == "simple" && object.text("dhcp").is_some_and(|dhcp| dhcp != "dnsmasq") {
        return Err(refused("dhcp"));
    }
    if zone.name == "evpn" {
        evpn(object)?;
    }
    let blank = |key: &&str| object.text(key).is_some_and(|text| text.split(',').any(|word| word.trim().is_empty()));
    match ["nodes", "peers", "exitnodes"].iter().find(|key| blank(key)) {
        Some(key) => Err(refused(key)),
        None => Ok(()),
    }
}

fn evpn(object: &Object) -> Result<(), Obstacle> {
    let missing: Vec<String> =
        SWITCHES.iter().filter(|key| !object.keys.contains_key(**key)).map(|key| format!("--{key} 0")).collect();
    if !missing.is_empty() {
        let reason =
            "the provider shows a change for an EVPN zone unless its three switches are set (provider rule D5)";
        let id = object.entry.identity.id();
        return Err(Obstacle::new(reason).remedy(format!("pvesh set /cluster/sdn/zones/{id} {}", missing.join(" "))));
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let target = |target: &str| target.split_once(':').is_some_and(|(one, other)| digits(one) && digits(other));
    if object.text("rt-import").is_some_and(|targets| !target(&targets)) {
        return Err(refused("rt-import"));
    }
    Ok(())
}

/// Writes a reference to the bridge of each node that has the zone: of the nodes in `nodes`, or of all.
fn bridge(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    let name = draft.text(key).unwrap_or_default();
    let named = draft.object.text("nodes").filter(|nodes| !nodes.is_empty());
    let nodes: Vec<String> = match &named {
        Some(nodes) => words(nodes).into_iter().map(str::to_owned).collect(),
        None => draft.cluster.nodes.keys().cloned().collect(),
    };
    let value = references::bridges(draft, &name, nodes.iter().map(String::as_str));
    draft.set(attribute, value);
}

fn refused(key: &str) -> Obstacle {
    Obstacle::new(format!("the provider refuses the value of `{key}` (provider rule D12)"))
}

/// Writes the keys of the zone's type. Other keys have no effect there, and Ansible keeps them.
fn keys_of_type(draft: &mut Draft<'_>) {
    let keys = of_type(draft.object).map_or(&[][..], |zone| zone.keys);
    for (key, attribute, form) in keys {
        set(draft, key, attribute, *form);
    }
    for key in TYPE_KEYS.iter().filter(|key| !keys.iter().any(|(own, ..)| own == *key)) {
        draft.not_in_provider(key, "the provider has no attribute for it in zones of this type (provider rule D13)");
    }
}

/// Writes an attribute if the key is present. The provider reads null otherwise; attributes with a default were checked before.
fn set(draft: &mut Draft<'_>, key: &str, attribute: &str, form: ValueForm) {
    if !draft.object.keys.contains_key(key) {
        return;
    }
    match form {
        Text => text(draft, key, attribute),
        Controller => refer(draft, key, attribute, "sdn-controller"),
        Bridge => bridge(draft, key, attribute),
        Number => {
            let number = draft.integer(key);
            draft.set_some(attribute, number);
        }
        Flag => {
            let flag = draft.flag(key);
            draft.set(attribute, flag);
        }
        Words => {
            let text = draft.text(key).unwrap_or_default();
            draft.set(attribute, list(words(&text)));
        }
    }
}
