//! Answers about the software-defined network (`sdn/*.cfg`): the configured state, the applied one (`.running-config`),
//! and the difference.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fabrics;
use super::pending::{self, Objects};
use super::section::{self, Dialect};
use super::sheet::{Row, Sheet, rows, with};
use super::tree::{File, Tree, file};
use super::words::sorted;
use crate::ApiPath;
use crate::property::Properties;

/// Lists: the file, the word in paths, the key that names an object, and the dialect.
const LISTS: &[(&str, &str, &str, Dialect)] = &[
    (
        "sdn/zones.cfg",
        "zones",
        "zone",
        Dialect {
            types: "simple vlan qinq vxlan evpn faucet",
            bare: false,
            own: &[
                ("simple", "dhcp"),
                ("vlan", "bridge bridge-disable-mac-learning"),
                ("qinq", "bridge bridge-disable-mac-learning tag vlan-protocol"),
                ("vxlan", "fabric peers vxlan-port"),
                (
                    "evpn",
                    "advertise-subnets bridge-disable-mac-learning controller dhcp disable-arp-nd-suppression exitnodes \
                     exitnodes-local-routing exitnodes-primary fabric mac rt-import secondary-controllers vrf-vxlan vxlan-port",
                ),
                ("faucet", "controller dp-id"),
            ],
            keys: "advertise-subnets:b bridge bridge-disable-mac-learning:b controller dhcp disable-arp-nd-suppression:b \
                dns dnszone dp-id:i exitnodes exitnodes-local-routing:b exitnodes-primary fabric ipam mac mtu:i nodes peers \
                reversedns rt-import secondary-controllers tag:i vlan-protocol vrf-vxlan:i vxlan-port:i",
        },
    ),
    (
        "sdn/vnets.cfg",
        "vnets",
        "vnet",
        Dialect { types: "vnet", bare: false, own: &[], keys: "alias isolate-ports:b tag:i vlanaware:b zone" },
    ),
    (
        "sdn/subnets.cfg",
        "subnets",
        "subnet",
        Dialect {
            types: "subnet",
            bare: false,
            own: &[],
            keys: "dhcp-dns-server dhcp-range:l dnszoneprefix gateway snat:b vnet",
        },
    ),
    (
        "sdn/controllers.cfg",
        "controllers",
        "controller",
        Dialect {
            types: "evpn bgp isis faucet",
            bare: false,
            own: &[
                (
                    "evpn",
                    "asn bgp-mode ebgp ebgp-multihop fabric loopback nodes peer-group-name peers route-map-in route-map-out",
                ),
                (
                    "bgp",
                    "asn bgp-mode bgp-multipath-as-path-relax bgp-multipath-as-relax ebgp ebgp-multihop loopback node nodes \
                     peer-group-name peers route-map-in route-map-out",
                ),
                ("isis", "isis-domain isis-ifaces isis-net loopback node"),
            ],
            keys: "asn:i bgp-mode bgp-multipath-as-path-relax:b bgp-multipath-as-relax:b ebgp-multihop:i ebgp:b fabric isis-domain \
                isis-ifaces isis-net loopback node nodes peer-group-name peers route-map-in route-map-out",
        },
    ),
    (
        "sdn/dns.cfg",
        "dns",
        "dns",
        Dialect {
            types: "powerdns",
            bare: false,
            own: &[],
            keys: "fingerprint key reversemaskv6:i reversev6mask:i ttl:i url",
        },
    ),
    (
        "sdn/ipams.cfg",
        "ipams",
        "ipam",
        Dialect { types: "pve netbox phpipam", bare: false, own: IPAMS, keys: "fingerprint section:i token url" },
    ),
];

/// Keys of external address databases; Proxmox's own has none.
const IPAMS: &[(&str, &str)] = &[("netbox", "fingerprint token url"), ("phpipam", "fingerprint section token url")];

/// Virtual networks by name, and the applied ones.
pub(super) struct Networks {
    pub(super) configured: Vec<String>,
    pub(super) running: Vec<String>,
}

/// Answers `cluster/sdn`.
pub(super) fn answer(tree: &Tree, sheet: &mut Sheet) -> Networks {
    let index = ["vnets", "zones", "controllers", "ipams", "dns", "fabrics"].map(|name| json!({ "id": name }));
    sheet.put("cluster/sdn", index.to_vec());
    let running: Value = parsed(tree, "sdn/.running-config", sheet);
    let mut configured: BTreeMap<&str, Objects> = BTreeMap::new();
    for (name, word, key, dialect) in LISTS {
        let File { text, sha1: digest, .. } = file(tree, name);
        let mut objects = Objects::new();
        for section in section::parse(name, text, *dialect, sheet) {
            if section.keys.get("alias").is_some_and(|alias| !is_alias(alias)) {
                sheet
                    .warnings
                    .push(format!("{name}: the alias of `{}` is left out, since Proxmox reads ASCII only", section.id));
            }
            objects.insert(section.id, with(checked(section.keys), "type", section.kind));
        }
        if *word == "ipams" {
            objects.entry("pve".to_owned()).or_default().insert("type".to_owned(), json!("pve"));
        }
        if *word != "subnets" {
            list(word, key, digest, &objects, sheet);
        }
        configured.insert(*word, objects);
    }
    let of = |word: &str| configured.get(word).cloned().unwrap_or_default();
    let applied = |word: &str| pending::applied(&running, word);
    for (word, key) in [("zones", "zone"), ("vnets", "vnet"), ("controllers", "controller")] {
        let difference = pending::difference(&applied(word), &of(word));
        for (id, keys) in &difference {
            let single = ApiPath::new(["cluster", "sdn", word, id]).with_query("pending", "1");
            sheet.put_at(single, named(keys, key, id));
        }
        let listed = difference.iter().map(|(id, keys)| named(keys, key, id));
        sheet.put_at(ApiPath::new(["cluster", "sdn", word]).with_query("pending", "1"), rows(listed.collect()));
        let running = applied(word).into_iter().map(|(id, keys)| named(&shown(keys), key, &id));
        sheet.put_at(ApiPath::new(["cluster", "sdn", word]).with_query("running", "1"), rows(running.collect()));
    }
    let digest = file(tree, "sdn/subnets.cfg").sha1.as_str();
    let (vnets, subnets) = (of("vnets"), of("subnets"));
    let waiting = pending::difference(&applied("subnets"), &subnets);
    for vnet in vnets.keys() {
        let of_vnet = |keys: &Row| keys.get("vnet").and_then(Value::as_str) == Some(vnet);
        let path = ApiPath::new(["cluster", "sdn", "vnets", vnet, "subnets"]);
        let of_this = subnets.iter().filter(|(_, keys)| of_vnet(keys));
        let of_this = of_this.map(|(id, keys)| with(subnet(id, keys, &vnets), "digest", digest));
        sheet.put_at(path.clone(), rows(of_this.collect()));
        let of_this = waiting.iter().filter(|(_, keys)| of_vnet(keys));
        let of_this = of_this.map(|(id, keys)| with(subnet(id, keys, &vnets), "digest", Value::Null));
        sheet.put_at(path.with_query("pending", "1"), rows(of_this.collect()));
    }
    addresses(tree, &of("zones"), &applied("subnets"), sheet);
    fabrics::answer(tree, sheet);
    Networks { configured: vnets.into_keys().collect(), running: applied("vnets").into_keys().collect() }
}

/// The value of a JSON file; a damaged one counts as empty.
fn parsed(tree: &Tree, name: &str, sheet: &mut Sheet) -> Value {
    let Some(file) = tree.get(name).filter(|file| !file.text.trim().is_empty()) else { return Value::Null };
    serde_json::from_str(&file.text).unwrap_or_else(|error| {
        sheet.warnings.push(format!("{name}: {error}"));
        Value::Null
    })
}

/// The keys without those that their patterns refuse, lists of nodes sorted.
fn checked(mut keys: Row) -> Row {
    keys.retain(|key, value| key != "alias" || is_alias(value));
    for key in ["nodes", "exitnodes"] {
        if let Some(value) = keys.get_mut(key) {
            *value = json!(sorted(value.as_str().unwrap_or_default()));
        }
    }
    keys
}

/// Reports whether Proxmox accepts the alias of a network.
fn is_alias(alias: &Value) -> bool {
    let fits =
        |byte: u8| (b')'..=b'_').contains(&byte) || byte.is_ascii_lowercase() || matches!(byte, b'(' | b' ' | b'\t');
    alias.as_str().is_some_and(|text| text.len() <= 256 && text.bytes().all(fits))
}

fn list(word: &str, key: &str, digest: &str, objects: &Objects, sheet: &mut Sheet) {
    let listed = objects.iter().map(|(id, keys)| with(with(keys.clone(), key, id.clone()), "digest", digest));
    sheet.put_at(ApiPath::new(["cluster", "sdn", word]), rows(listed.collect()));
}

fn named(keys: &Row, key: &str, id: &str) -> Row {
    with(with(keys.clone(), key, id), "digest", Value::Null)
}

/// An applied object as it is shown.
fn shown(keys: Row) -> Row {
    keys.into_iter().map(|(key, value)| (key, pending::encoded(&value))).collect()
}

/// A subnet with the keys that follow from its id: `lan-10.20.0.0-24`.
fn subnet(id: &str, keys: &Row, vnets: &Objects) -> Row {
    let vnet = keys.get("vnet").and_then(Value::as_str).and_then(|vnet| vnets.get(vnet));
    let zone = vnet.and_then(|vnet| vnet.get("zone")).and_then(Value::as_str);
    let zone = zone.or_else(|| id.split('-').next()).unwrap_or_default();
    let network = id.strip_prefix(zone).map_or(id, |rest| rest.trim_start_matches('-'));
    let (network, mask) = network.rsplit_once('-').unwrap_or((network, ""));
    let mut shown = keys.clone();
    let ranges = keys.get("dhcp-range").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let ranges: Vec<Value> = ranges.map(range).collect();
    for (key, value) in [
        ("id", json!(id)),
        ("subnet", json!(id)),
        ("zone", json!(zone)),
        ("network", json!(network)),
        ("mask", json!(mask)),
        ("cidr", json!(format!("{network}/{mask}"))),
        ("dhcp-range", json!(ranges)),
    ] {
        shown.insert(key.to_owned(), value);
    }
    shown
}

fn range(text: &str) -> Value {
    let pairs = Properties::parse(text);
    Value::Object(pairs.iter().filter_map(|(key, value)| Some((key?.to_owned(), json!(value)))).collect())
}

/// Answers the addresses that Proxmox itself assigns, in zones where it does.
fn addresses(tree: &Tree, zones: &Objects, subnets: &Objects, sheet: &mut Sheet) {
    let state = parsed(tree, "sdn/pve-ipam-state.json", sheet);
    let mut listed = Vec::new();
    let empty = Map::new();
    let object = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&empty).clone();
    for (zone, in_zone) in object(state.get("zones")) {
        let hands_out = zones
            .get(&zone)
            .is_some_and(|keys| keys.get("ipam").is_none_or(|ipam| *ipam == json!("pve")) && keys.contains_key("dhcp"));
        if !hands_out {
            continue;
        }
        for (cidr, in_subnet) in object(in_zone.get("subnets")) {
            let id = format!("{zone}-{}", cidr.replace('/', "-"));
            let Some(vnet) = subnets.get(&id).and_then(|keys| keys.get("vnet")) else { continue };
            for (address, keys) in object(in_subnet.get("ips")) {
                let keys = with(object(Some(&keys)), "ip", address);
                listed.push(with(with(with(keys, "subnet", cidr.clone()), "vnet", vnet.clone()), "zone", zone.clone()));
            }
        }
    }
    sheet.put("cluster/sdn/ipams/pve/status", rows(listed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_shown_with_their_applied_state() {
        let files = [
            (
                "sdn/zones.cfg",
                "simple: z\n\tbridge vmbr0\n\tnodes b,a\n\tipam pve\n\tdhcp dnsmasq\n\nnew: x\n\tmtu 1\n",
            ),
            ("sdn/vnets.cfg", "vnet: v\n\tzone z\n\ttag 5\n\talias \u{fc}\n\nvnet: w\n\tzone z\n\talias A b\n"),
            (
                "sdn/subnets.cfg",
                "subnet: z-10.0.0.0-8\n\tvnet v\n\tdhcp-range start-address=10.0.0.1,end-address=10.0.0.9\n",
            ),
            (
                "sdn/.running-config",
                r#"{"zones":{"ids":{"z":{"type":"simple","nodes":{"a":1,"b":1}}}},
                "vnets":{"ids":{"v":{"type":"vnet","zone":"z"}}},"subnets":{"ids":{"z-10.0.0.0-8":{"vnet":"v"}}}}"#,
            ),
            (
                "sdn/pve-ipam-state.json",
                r#"{"zones":{"z":{"subnets":{"10.0.0.0/8":{"ips":{"10.0.0.1":{"gateway":1}}}}}}}"#,
            ),
        ];
        let tree: Tree = files.into_iter().map(|(name, text)| (name.to_owned(), File::of(text))).collect();
        let mut sheet = Sheet::default();
        let networks = answer(&tree, &mut sheet);
        assert_eq!(
            (networks.configured, networks.running),
            (vec!["v".to_owned(), "w".to_owned()], vec!["v".to_owned()])
        );
        let data = |path: &str| {
            sheet.answers[&ApiPath::parse(&format!("cluster/sdn/{path}"))].data().cloned().unwrap_or_default()
        };
        assert_eq!(data("zones")[0]["nodes"], json!("a,b"));
        assert_eq!(data("zones/z?pending=1")["pending"], json!({"ipam": "pve", "dhcp": "dnsmasq"}));
        assert_eq!(data("vnets")[0].get("alias"), None);
        assert_eq!(data("vnets")[1]["alias"], json!("A b"));
        assert_eq!(data("vnets/w?pending=1")["state"], json!("new"));
        let subnet = &data("vnets/v/subnets")[0];
        assert_eq!((&subnet["cidr"], &subnet["zone"]), (&json!("10.0.0.0/8"), &json!("z")));
        assert_eq!(subnet["dhcp-range"], json!([{"start-address": "10.0.0.1", "end-address": "10.0.0.9"}]));
        let address = json!([{"ip": "10.0.0.1", "gateway": 1, "subnet": "10.0.0.0/8", "vnet": "v", "zone": "z"}]);
        assert_eq!(data("ipams/pve/status"), address);
        // The bridge of a simple zone, the zone of an unknown type, and the alias.
        assert_eq!(sheet.warnings.len(), 3, "{:?}", sheet.warnings);
    }
}
