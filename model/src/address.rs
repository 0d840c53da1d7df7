//! Addresses of guests, from the configuration, the guest itself or the SDN's leases, in this order.
//!
//! An address that is valid only inside the guest (loopback, link-local, the bridge of its own containers) does not
//! count.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::guest::{Guest, GuestType};
use crate::key_names::index;
use crate::mac::Mac;
use crate::object::text;
use crate::property::Properties;
use crate::rows::RowId;
use crate::{Answer, ApiPath, Cluster, Unreadable};

/// The network cards of a guest by their index: the text of `net[n]`.
type Cards = BTreeMap<u32, String>;

/// The address of a guest with this configuration, or `None` where none is known:
///
/// 1. the static address of cloud-init (`ipconfig[n]`), for a card that is there, or of a container's card (`net[n]`);
/// 2. the address that the guest agent, or the container, reports of a card of its configuration;
/// 3. the lease that Proxmox's IPAM has for a card of its configuration.
///
/// IPv4 comes before IPv6, then the card with the smaller number. A template has no address.
pub fn of(cluster: &Cluster<'_>, guest: &Guest, keys: &Map<String, Value>) -> Result<Option<IpAddr>, Unreadable> {
    if guest.template {
        return Ok(None);
    }
    let cards = cards(keys);
    if let Some(address) = configured(guest.guest_type, keys, &cards) {
        return Ok(Some(address));
    }
    let reported = cluster.get(&question(guest))?.and_then(|answer| reported(guest.guest_type, &answer, &cards));
    if reported.is_some() { Ok(reported) } else { leased(cluster, guest, &cards) }
}

/// The request that asks a running guest with this configuration for its addresses; `None` where the configuration has
/// one, or where no agent would answer.
pub fn asked(guest: &Guest, keys: &Map<String, Value>) -> Option<ApiPath> {
    let answers = match guest.guest_type {
        GuestType::Lxc => true,
        GuestType::Qemu => {
            let agent = keys.get("agent").and_then(text).unwrap_or_default();
            Properties::parse(&agent).get_or_bare("enabled") == Some("1")
        }
    };
    let wanted = guest.running && !guest.template && answers;
    (wanted && configured(guest.guest_type, keys, &cards(keys)).is_none()).then(|| question(guest))
}

/// The request for the addresses that Proxmox's own IPAM has given away.
pub fn leases() -> ApiPath {
    ApiPath::new(["cluster", "sdn", "ipams", "pve", "status"])
}

fn question(guest: &Guest) -> ApiPath {
    let vmid = guest.vmid.to_string();
    let place = ["nodes", &guest.node, guest.guest_type.word(), &vmid];
    let what: &[&str] = match guest.guest_type {
        GuestType::Qemu => &["agent", "network-get-interfaces"],
        GuestType::Lxc => &["interfaces"],
    };
    ApiPath::new(place.iter().chain(what))
}

fn cards(keys: &Map<String, Value>) -> Cards {
    keys.iter().filter_map(|(key, value)| Some((index("net", key)?, text(value)?))).collect()
}

/// The static address that the configuration gives to a card.
fn configured(guest_type: GuestType, keys: &Map<String, Value>, cards: &Cards) -> Option<IpAddr> {
    let texts = cards.iter().filter_map(|(index, card)| match guest_type {
        GuestType::Lxc => Some(card.clone()),
        GuestType::Qemu => keys.get(&format!("ipconfig{index}")).and_then(text),
    });
    let addresses = texts.flat_map(|text| {
        let properties = Properties::parse(&text);
        ["ip", "ip6"].map(|family| properties.get(family).and_then(parse))
    });
    best(addresses.flatten())
}

/// The best address that the guest reports of the cards that Proxmox gave it. Its own bridges and tunnels have other
/// MAC addresses.
fn reported(guest_type: GuestType, answer: &Answer, cards: &Cards) -> Option<IpAddr> {
    let interfaces = match guest_type {
        GuestType::Lxc => answer.data()?,
        GuestType::Qemu => answer.data()?.get("result")?,
    };
    let mut addresses: Vec<(u32, IpAddr)> = Vec::new();
    for interface in interfaces.as_array()? {
        let mac = ["hardware-address", "hwaddr"].into_iter().find_map(|key| interface.get(key)?.as_str());
        let Some((card, _)) = mac.and_then(|mac| cards.iter().find(|(_, card)| has_mac(card, mac))) else { continue };
        let listed = interface.get("ip-addresses").and_then(Value::as_array).into_iter().flatten();
        let listed = listed.filter_map(|address| address.get("ip-address")?.as_str());
        // Containers of older versions have these two only.
        let alone = ["inet", "inet6"].into_iter().filter_map(|key| interface.get(key)?.as_str());
        addresses.extend(listed.chain(alone).filter_map(parse).map(|address| (*card, address)));
    }
    addresses.sort_by_key(|(card, _)| *card);
    best(addresses.into_iter().map(|(_, address)| address))
}

/// The address that the IPAM has given to a card. Proxmox takes a lease back when the card leaves the network.
fn leased(cluster: &Cluster<'_>, guest: &Guest, cards: &Cards) -> Result<Option<IpAddr>, Unreadable> {
    let Some(rows) = cluster.rows(&leases(), RowId::Made(lease))? else { return Ok(None) };
    let word = |row: &Map<String, Value>, key: &str| row.get(key).and_then(text).unwrap_or_default();
    let first = format!("{}/", guest.vmid);
    let mut addresses: Vec<(u32, IpAddr)> = Vec::new();
    for (_, row) in rows.range(first.clone()..).take_while(|(id, _)| id.starts_with(&first)) {
        let mac = word(row, "mac");
        let card = cards.iter().find(|(_, card)| has_mac(card, &mac)).map(|(card, _)| *card);
        addresses.extend(card.zip(parse(&word(row, "ip"))));
    }
    addresses.sort_unstable();
    Ok(best(addresses.into_iter().map(|(_, address)| address)))
}

/// The id of a lease, by which those of one guest are neighbours: `100/10.20.0.100`.
fn lease(row: &Map<String, Value>) -> Option<String> {
    Some(format!("{}/{}", row.get("vmid").and_then(text)?, row.get("ip").and_then(text)?))
}

/// Reports whether the card has this MAC address: `virtio=BC:24:11:2B:4C:01` of a virtual machine, `hwaddr=…` of a
/// container.
fn has_mac(card: &str, mac: &str) -> bool {
    let card = Properties::parse(card);
    card.iter().any(|(_, value)| Mac::parse(value).is_some() && value.eq_ignore_ascii_case(mac))
}

/// An address, with or without the length of its network, at which others reach the guest.
fn parse(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.split_once('/').map_or(text, |(address, _)| address).trim().parse().ok()?;
    let outward = match address {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_broadcast(),
        IpAddr::V6(address) => !address.is_unicast_link_local() && address.to_ipv4_mapped().is_none(),
    };
    (outward && !address.is_loopback() && !address.is_unspecified() && !address.is_multicast()).then_some(address)
}

/// The first IPv4 address, or the first of any kind.
fn best(addresses: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    let addresses: Vec<IpAddr> = addresses.collect();
    addresses.iter().find(|address| address.is_ipv4()).or(addresses.first()).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answer::Answers;

    /// Answers of a cluster of one guest, and more answers.
    fn answers(guest_type: &str, more: &[(&str, Value)]) -> BTreeMap<ApiPath, Answer> {
        let guest = json!({"type": guest_type, "vmid": 100, "node": "n", "name": "web", "status": "running"});
        let mut answers = BTreeMap::from([(ApiPath::parse("cluster/resources"), Answer::ok(json!([guest])))]);
        answers.extend(more.iter().map(|(path, data)| (ApiPath::parse(path), Answer::ok(data.clone()))));
        answers
    }

    fn check(guest_type: &str, keys: Value, more: &[(&str, Value)], expected: &str) {
        let answers = answers(guest_type, more);
        let cluster = Cluster::read(&answers as &dyn Answers).expect("answers in memory can be read");
        let guest = cluster.guests.values().next().expect("the list has a guest");
        let Value::Object(keys) = keys else { panic!("{keys} are no keys") };
        let address = of(&cluster, guest, &keys).expect("answers in memory can be read");
        assert_eq!(address.map_or_else(|| "none".to_owned(), |address| address.to_string()), expected, "{keys:?}");
    }

    const CARD: &str = "virtio=BC:24:11:00:01:00,bridge=lan0";

    #[test]
    fn a_static_address_is_taken() {
        let qemu = |ipconfig: &str, expected: &str| {
            check("qemu", json!({"net0": CARD, "ipconfig0": ipconfig}), &[], expected);
        };
        qemu("ip=10.0.0.11/24,gw=10.0.0.1,ip6=auto", "10.0.0.11");
        qemu("ip6=2001:db8::11/64,ip=10.0.0.11/24", "10.0.0.11");
        qemu("ip=dhcp,ip6=2001:db8::11/64", "2001:db8::11");
        qemu("ip=dhcp,ip6=dhcp", "none");
        qemu("ip=127.0.0.1/8", "none");
        qemu("ip=169.254.7.7/16", "none");
        qemu("ip=0.0.0.0/0", "none");
        qemu("ip6=fe80::1/64", "none");
        qemu("gw=10.0.0.1", "none");
        // IPv4 of the second card comes before IPv6 of the first, and a card that is not there has no address.
        let cards = |first: &str, second: &str| json!({"net0": CARD, "net1": CARD, "ipconfig0": first, "ipconfig1": second, "ipconfig2": "ip=10.0.0.3/24"});
        check("qemu", cards("ip6=2001:db8::1/64", "ip=10.0.0.2/24"), &[], "10.0.0.2");
        check("qemu", cards("ip=dhcp", "ip=dhcp"), &[], "none");
        let lxc = |card: &str, expected: &str| check("lxc", json!({"net0": card}), &[], expected);
        lxc(
            "name=eth0,bridge=vmbr0,gw=192.168.1.1,hwaddr=BC:24:11:54:32:01,ip=192.168.1.54/24,type=veth",
            "192.168.1.54",
        );
        lxc("name=eth0,bridge=vmbr0,ip=manual,ip6=auto", "none");
        check("lxc", json!({"net0": "name=eth0", "ipconfig0": "ip=10.0.0.1/24"}), &[], "none");
    }

    #[test]
    fn a_guest_is_asked_about_its_own_cards() {
        let interface = |mac: &str, addresses: &[&str]| {
            let addresses: Vec<Value> = addresses.iter().map(|address| json!({"ip-address": address})).collect();
            json!({"name": "x", "hardware-address": mac, "ip-addresses": addresses})
        };
        let agent = |interfaces: &[Value], expected: &str| {
            let more = [("nodes/n/qemu/100/agent/network-get-interfaces", json!({"result": interfaces}))];
            check("qemu", json!({"net0": CARD, "agent": "1"}), &more, expected);
        };
        let lo = interface("00:00:00:00:00:00", &["127.0.0.1", "::1"]);
        let docker = interface("02:42:7a:00:11:22", &["172.17.0.1"]);
        let answered = |addresses: &[&str]| interface("bc:24:11:00:01:00", addresses);
        agent(&[lo.clone(), docker.clone(), answered(&["fe80::1", "2001:db8::5", "10.0.0.5"])], "10.0.0.5");
        agent(&[answered(&["fe80::1", "2001:db8::5"])], "2001:db8::5");
        agent(&[lo, docker, answered(&["fe80::1"])], "none");
        agent(&[json!({"name": "eth0"})], "none");
        // Windows with an old agent, or a command that is switched off.
        let error = json!({"result": {"error": {"class": "CommandDisabled"}}});
        check("qemu", json!({"net0": CARD}), &[("nodes/n/qemu/100/agent/network-get-interfaces", error)], "none");
        let card = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:54:32:01,ip=dhcp";
        let old = json!([{"name": "eth0", "hwaddr": "bc:24:11:54:32:01", "inet": "10.0.0.9/24"}]);
        check("lxc", json!({"net0": card}), &[("nodes/n/lxc/100/interfaces", old)], "10.0.0.9");
        check("lxc", json!({"net0": card}), &[("nodes/n/lxc/100/interfaces", Value::Null)], "none");
    }

    #[test]
    fn a_lease_counts_for_its_own_card() {
        let lease = |more: Value, expected: &str| {
            let mut row = json!({"vmid": 100, "vnet": "lan0", "mac": "BC:24:11:00:01:00", "ip": "10.20.0.100"});
            row.as_object_mut().expect("a row").extend(more.as_object().expect("keys").clone());
            let gateway = json!({"gateway": 1, "ip": "10.20.0.1", "vnet": "lan0"});
            let more = [("cluster/sdn/ipams/pve/status", json!([gateway, row]))];
            check("qemu", json!({"net0": CARD}), &more, expected);
        };
        lease(json!({}), "10.20.0.100");
        lease(json!({"vmid": "100"}), "10.20.0.100");
        lease(json!({"vmid": 101}), "none");
        lease(json!({"mac": "BC:24:11:00:01:01"}), "none");
    }

    #[test]
    fn only_guests_that_can_answer_are_asked() {
        let check = |guest_type: &str, keys: Value, expected: bool| {
            let answers = answers(guest_type, &[]);
            let cluster = Cluster::read(&answers as &dyn Answers).expect("answers in memory can be read");
            let guest = cluster.guests.values().next().expect("the list has a guest");
            assert_eq!(asked(guest, keys.as_object().expect("keys")).is_some(), expected, "{keys}");
            let stopped = Guest { running: false, ..guest.clone() };
            assert_eq!(asked(&stopped, keys.as_object().expect("keys")), None);
        };
        check("qemu", json!({"agent": "1", "net0": CARD}), true);
        check("qemu", json!({"agent": 1}), true);
        check("qemu", json!({"agent": "enabled=1,fstrim_cloned_disks=1"}), true);
        check("qemu", json!({"agent": "0"}), false);
        check("qemu", json!({}), false);
        check("qemu", json!({"agent": "1", "net0": CARD, "ipconfig0": "ip=10.0.0.1/24"}), false);
        check("lxc", json!({"net0": "name=eth0,ip=dhcp"}), true);
        check("lxc", json!({"net0": "name=eth0,ip=10.0.0.1/24"}), false);
    }
}
