//! Reader of the file: its stanzas, then the keys that follow from names and from other interfaces.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::interface::{Hardware, Interface, Interfaces, is_number, is_set, numbered, word};

/// Words of the file that have another name in the API.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("ovs_mtu", "mtu"),
    ("bond-slaves", "slaves"),
    ("bond_slaves", "slaves"),
    ("bond-xmit-hash-policy", "bond_xmit_hash_policy"),
    ("bond-mode", "bond_mode"),
    ("bond-miimon", "bond_miimon"),
    ("bridge-vlan-aware", "bridge_vlan_aware"),
    ("bridge-fd", "bridge_fd"),
    ("bridge-stp", "bridge_stp"),
    ("bridge-ports", "bridge_ports"),
    ("bridge-vids", "bridge_vids"),
];

/// Options that become keys as they are. Any other, but for the special ones, stays a line of `options`.
const PLAIN: &[&str] = &[
    "mtu",
    "ovs_type",
    "ovs_options",
    "ovs_bridge",
    "ovs_bonds",
    "ovs_ports",
    "bridge_fd",
    "bridge_vids",
    "bridge-access",
    "bridge-learning",
    "bridge-arp-nd-suppress",
    "bridge-unicast-flood",
    "bridge-multicast-flood",
    "bridge-disable-mac-learning",
    "bond_miimon",
    "bond_xmit_hash_policy",
    "bond-primary",
    "link-type",
    "uplink-id",
    "vlan-protocol",
    "vlan-raw-device",
    "vlan-id",
    "vxlan-id",
    "vxlan-svcnodeip",
    "vxlan-physdev",
    "vxlan-local-tunnelip",
];

/// Names of bond modes by their number.
const BOND_MODES: &[&str] =
    &["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];

/// Reads a file: one stanza after the other, each up to the first line that is not an option of it.
pub(super) fn read(text: &str, hardware: &Hardware) -> Interfaces {
    let mut file = Interfaces::default();
    let mut stanza: Option<(String, Option<&str>)> = None;
    let mut place = 2;
    for line in text.lines().map(str::trim_end) {
        if let Some((name, suffix)) = &stanza
            && let Some(interface) = file.interfaces.get_mut(name)
            && take(interface, *suffix, line)
        {
            continue;
        }
        stanza = None;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["auto" | "allow-auto" | "allow-ovs" | "allow-hotplug", ref names @ ..] => {
                for name in names {
                    file.interfaces.entry((*name).to_owned()).or_default().insert("autostart".to_owned(), json!(1));
                }
            }
            ["iface", name, "inet", method] => stanza = Some(begin(&mut file, name, Some(("", method)), &mut place)),
            ["iface", name, "inet6", method] => stanza = Some(begin(&mut file, name, Some(("6", method)), &mut place)),
            ["iface", name] => stanza = Some(begin(&mut file, name, None, &mut place)),
            _ => {
                file.lines.push((place, line.to_owned()));
                place += 1;
            }
        }
    }
    for card in &hardware.cards {
        file.interfaces.entry(card.clone()).or_default().insert("exists".to_owned(), json!(1));
    }
    for name in file.interfaces.keys().cloned().collect::<Vec<_>>() {
        settle(&mut file, &name, hardware);
    }
    file
}

/// The head of a stanza: `family` is the suffix of its keys and the method, where it has a family.
fn begin<'f>(
    file: &mut Interfaces,
    name: &str,
    family: Option<(&'f str, &str)>,
    place: &mut i64,
) -> (String, Option<&'f str>) {
    let interface = file.interfaces.entry(name.to_owned()).or_default();
    if !interface.contains_key("priority") {
        interface.insert("priority".to_owned(), json!(*place));
        *place += 1;
    }
    push(interface, "families", family.map_or(Value::Null, |(suffix, _)| format!("inet{suffix}").into()));
    if let Some((suffix, method)) = family {
        interface.insert(format!("method{suffix}"), method.into());
    }
    (name.to_owned(), family.map(|(suffix, _)| suffix))
}

fn push(interface: &mut Interface, key: &str, value: Value) {
    if let Value::Array(items) = interface.entry(key).or_insert_with(|| json!([])) {
        items.push(value);
    }
}

/// Reads a line of a stanza. Reports whether it is one.
fn take(interface: &mut Interface, suffix: Option<&str>, line: &str) -> bool {
    let line = line.trim_start();
    let family = suffix.unwrap_or_default();
    if let Some(comment) = line.strip_prefix('#') {
        let key = format!("comments{family}");
        let comments = format!("{}{comment}\n", word(interface, &key));
        interface.insert(key, comments.into());
        return true;
    }
    let Some((option, value)) = line.split_once(char::is_whitespace) else { return false };
    if matches!(option, "iface" | "mapping" | "auto" | "source" | "source-directory") || option.starts_with("allow-") {
        return false;
    }
    let value = value.trim();
    let option = OTHER_WORDS.iter().find(|(other, _)| *other == option).map_or(option, |(_, word)| word);
    match option {
        "address" | "netmask" | "broadcast" | "gateway" => {
            let guessed = if suffix.is_none() && option != "netmask" && value.contains(':') { "6" } else { family };
            interface.insert(format!("{option}{guessed}"), value.into());
        }
        "slaves" | "bridge_ports" => take_ports(interface, option, value),
        "bridge_stp" => {
            let on = matches!(value.to_ascii_lowercase().as_str(), "on" | "yes");
            interface.insert(option.to_owned(), if on { "on" } else { "off" }.into());
        }
        "bridge_vlan_aware" => {
            interface.insert(option.to_owned(), json!(1));
        }
        "bond_mode" => {
            let named = value.parse().ok().and_then(|number: usize| BOND_MODES.get(number));
            interface.insert(option.to_owned(), (*named.unwrap_or(&value)).into());
        }
        "vxlan-remoteip" => push(interface, option, value.into()),
        _ if PLAIN.contains(&option) => {
            interface.insert(option.to_owned(), value.into());
        }
        _ => push(interface, &format!("options{family}"), line.into()),
    }
    true
}

/// Reads ports, a sorted set; `none` stands for no port.
fn take_ports(interface: &mut Interface, key: &str, value: &str) {
    let mut ports: Vec<&str> = value.split_whitespace().filter(|port| *port != "none").collect();
    ports.sort_unstable();
    ports.dedup();
    let before = word(interface, key);
    let ports = [before.as_str(), &ports.join(" ")].join(" ");
    interface.insert(key.to_owned(), ports.trim().into());
}

/// Adds the keys of an interface that follow from its name, its options and the others.
fn settle(file: &mut Interfaces, name: &str, hardware: &Hardware) {
    let Some(mut interface) = file.interfaces.remove(name) else { return };
    if hardware.up.contains(name) {
        interface.insert("active".to_owned(), json!(1));
    }
    if name == "lo" {
        for (key, value) in [("method", json!("loopback")), ("autostart", json!(1)), ("priority", json!(1))] {
            interface.entry(key).or_insert(value);
        }
    }
    let kind = kind(name, &mut interface, hardware);
    interface.insert("type".to_owned(), kind.clone().into());
    let parent = match (kind.as_str(), numbered(name, ':')) {
        ("alias", Some((parent, _))) => Some(parent.to_owned()),
        ("vlan", _) => Some(word(&interface, "vlan-raw-device")),
        _ => None,
    };
    if let Some(parent) = parent {
        let parent = file.interfaces.get(&parent);
        let exists = parent.map_or(json!(0), |parent| parent.get("exists").cloned().unwrap_or_default());
        interface.insert("exists".to_owned(), exists);
    }
    for family in ["", "6"] {
        settle_address(&mut interface, family);
        interface.entry(format!("method{family}")).or_insert("manual".into());
    }
    if let Some(more) = interface.remove("comments6") {
        let comments = format!("{}{}", word(&interface, "comments"), more.as_str().unwrap_or_default());
        interface.insert("comments".to_owned(), comments.into());
    }
    interface.entry("families").or_insert_with(|| json!(["inet"]));
    file.interfaces.insert(name.to_owned(), interface);
}

/// The type of an interface. Bridges get their defaults, VLANs and ports of Open vSwitch their keys.
fn kind(name: &str, interface: &mut Interface, hardware: &Hardware) -> String {
    let kind = plain_kind(name, interface, hardware.cards.contains(name) || is_card(name));
    match kind {
        "bridge" => {
            interface.entry("bridge_stp").or_insert("off".into());
            if word(interface, "bridge_stp") == "off" {
                interface.entry("bridge_fd").or_insert(0.into());
            }
        }
        "vlan" => {
            let by_dot = numbered(name, '.');
            if let Some((parent, _)) = by_dot {
                interface.entry("vlan-raw-device").or_insert(parent.into());
            }
            let number = by_dot.map(|(_, number)| number).or(name.strip_prefix("vlan")).filter(|id| is_number(id));
            interface.extend(number.map(|number| ("vlan-id".to_owned(), number.into())));
        }
        "OVSBond" | "OVSPort" | "OVSIntPort" => super::check::read_ovs_options(interface, kind),
        _ => {}
    }
    kind.to_owned()
}

fn plain_kind(name: &str, interface: &Interface, is_card: bool) -> &'static str {
    let ovs = word(interface, "ovs_type");
    let is_bond = name.strip_prefix("bond").is_some_and(is_number);
    match ovs.as_str() {
        _ if interface.contains_key("bridge_ports") => "bridge",
        "OVSBridge" => "OVSBridge",
        "" if is_bond => "bond",
        "OVSBond" if is_bond => "OVSBond",
        _ if is_bond => "unknown",
        _ if numbered(name, ':').is_some() => "alias",
        _ if numbered(name, '.').is_some() || is_set(interface, "vlan-raw-device") => "vlan",
        "" if is_card => "eth",
        "OVSPort" if is_card => "OVSPort",
        _ if is_card => "unknown",
        _ if name == "lo" => "loopback",
        _ if is_set(interface, "vxlan-id") => "vxlan",
        "OVSIntPort" => "OVSIntPort",
        "" if word(interface, "link-type") == "dummy" => "dummy",
        _ => "unknown",
    }
}

/// Reports whether this is a name that the system gives to network cards: `eth0`, `enp1s0`, `ib0`, `nic0`, `if0`.
fn is_card(name: &str) -> bool {
    let counted = ["eth", "nic", "if"].iter().any(|prefix| name.strip_prefix(prefix).is_some_and(is_number));
    let placed = ["en", "ib"].iter().any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
    counted || placed && !name.contains([':', '.'])
}

/// Adds an address and the size of its network, in all three forms.
fn settle_address(interface: &mut Interface, family: &str) {
    let [address, netmask, cidr] = ["address", "netmask", "cidr"].map(|key| format!("{key}{family}"));
    let given = word(interface, &address);
    if given.is_empty() {
        return;
    }
    if let Some((base, bits)) = given.rsplit_once('/').filter(|(_, bits)| is_number(bits)) {
        interface.insert(cidr, given.as_str().into());
        interface.insert(address, base.into());
        interface.insert(netmask, bits.into());
        return;
    }
    let size = bits(&word(interface, &netmask));
    let host = if family.is_empty() { "32" } else { "128" };
    interface.insert(cidr, format!("{given}/{}", size.as_deref().unwrap_or(host)).into());
    if let Some(size) = size.filter(|_| family.is_empty()) {
        interface.insert(netmask, size.into());
    }
}

/// The size of a network: `24` of `24` and of `255.255.255.0`.
pub(super) fn bits(mask: &str) -> Option<String> {
    if is_number(mask) {
        return Some(mask.to_owned());
    }
    let mask = mask.parse::<Ipv4Addr>().ok()?.to_bits();
    (mask.leading_ones() + mask.trailing_zeros() == 32).then(|| mask.leading_ones().to_string())
}
