//! The guest agent of a virtual machine: whether it can be asked, and its answers for an installed guest that does
//! nothing.
//!
//! The twin's virtual machines run nothing. Their answers agree with their configurations: names, processors, cards and
//! addresses.

use std::net::Ipv6Addr;

use serde_json::{Map, Value, json};

use crate::machine;
use crate::object::text;
use crate::property::Properties;
use crate::size::Bytes;
use crate::{boolean, drive::Drive};

/// The version of the agent (Debian 12's).
const VERSION: &str = "7.2.0";
/// Commands that are answered, as the agent names them.
const COMMANDS: [&str; 13] = [
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-status",
    "guest-fsfreeze-thaw",
    "guest-fstrim",
    "guest-get-fsinfo",
    "guest-get-host-name",
    "guest-get-memory-block-info",
    "guest-get-osinfo",
    "guest-get-timezone",
    "guest-get-users",
    "guest-get-vcpus",
    "guest-info",
    "guest-network-get-interfaces",
];

/// The refusal of a request to the agent of a virtual machine; `None` where it can be asked (`assert_agent_available`
/// of `qemu-server`).
pub fn unavailable(vmid: &str, configuration: &Map<String, Value>, running: bool) -> Option<String> {
    let Some(agent) = configuration.get("agent").and_then(text) else {
        return Some("No QEMU guest agent configured".to_owned());
    };
    if !running {
        return Some(format!("VM {vmid} is not running"));
    }
    // The agent listens on a device, which the configuration has to have.
    let enabled = Properties::parse(&agent).get_or_bare("enabled").and_then(boolean::parse) == Some(true);
    (!enabled).then(|| "QEMU guest agent is not running".to_owned())
}

/// The answer of the agent to a command that only reads (`get-osinfo`); `None` for other commands.
pub fn answer(command: &str, vmid: &str, configuration: &Map<String, Value>) -> Option<Value> {
    let word = |key: &str| configuration.get(key).and_then(text);
    let windows = machine::is_windows(&word("ostype").unwrap_or_default());
    Some(match command {
        "get-host-name" => json!({ "host-name": word("name").unwrap_or_else(|| format!("VM{vmid}")) }),
        "get-osinfo" if windows => json!({
            "id": "mswindows", "name": "Microsoft Windows", "pretty-name": "Windows 11 Pro", "version": "Microsoft Windows 11",
            "version-id": "11", "variant": "client", "variant-id": "client", "machine": "x86_64",
            "kernel-release": "26100", "kernel-version": "10.0",
        }),
        "get-osinfo" => json!({
            "id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 12 (bookworm)",
            "version": "12 (bookworm)", "version-id": "12", "machine": "x86_64", "kernel-release": "6.1.0-28-amd64",
            "kernel-version": "#1 SMP",
        }),
        "get-timezone" => json!({ "zone": "UTC", "offset": 0 }),
        "get-users" => json!([]),
        "get-memory-block-info" => json!({ "size": 128 << 20 }),
        "get-vcpus" => processors(configuration),
        "get-fsinfo" => file_systems(configuration, windows),
        "info" => {
            let command = |name: &&str| json!({ "name": name, "enabled": true, "success-response": true });
            json!({ "version": VERSION, "supported_commands": COMMANDS.iter().map(command).collect::<Vec<_>>() })
        }
        "network-get-interfaces" => interfaces(vmid, configuration, windows),
        _ => return None,
    })
}

fn processors(configuration: &Map<String, Value>) -> Value {
    let number = |key: &str| configuration.get(key).and_then(text).and_then(|text| text.parse::<u64>().ok());
    let all = number("vcpus").unwrap_or_else(|| number("sockets").unwrap_or(1) * number("cores").unwrap_or(1));
    // The first processor cannot be taken offline.
    (0..all).map(|index| json!({ "logical-id": index, "online": true, "can-offline": index > 0 })).collect()
}

/// One file system on the first disk, a tenth of it used.
fn file_systems(configuration: &Map<String, Value>, windows: bool) -> Value {
    let disk = |bus: &str| {
        let drive = Drive::parse(&configuration.get(&format!("{bus}0")).and_then(text)?);
        drive.size().as_ref().filter(|_| !drive.is_cdrom()).map(Bytes::count)
    };
    let Some(size) = ["scsi", "virtio", "sata", "ide"].into_iter().find_map(disk) else { return json!([]) };
    let (name, place, kind) = if windows { ("C", "C:\\", "NTFS") } else { ("sda1", "/", "ext4") };
    json!([{
        "name": name, "mountpoint": place, "type": kind, "total-bytes": size, "used-bytes": size / 10, "disk": [],
    }])
}

fn interfaces(vmid: &str, configuration: &Map<String, Value>, windows: bool) -> Value {
    let loopback = if windows { "Loopback Pseudo-Interface 1" } else { "lo" };
    let mut all = vec![interface(loopback, "00:00:00:00:00:00", [address("127.0.0.1/8"), address("::1/128")])];
    for number in 0..32 {
        let Some(device) = configuration.get(&format!("net{number}")).and_then(text) else { continue };
        let device = Properties::parse(&device);
        let mac = device.iter().find_map(|(_, value)| crate::mac::Mac::parse(value)).map(|mac| mac.to_string());
        let Some(mac) = mac.filter(|_| device.flag("link_down") != Some(true)) else { continue };
        let planned = configuration.get(&format!("ipconfig{number}")).and_then(text).unwrap_or_default();
        let planned = Properties::parse(&planned);
        let fixed = |key: &str| planned.get(key).filter(|address| address.contains('/')).map(str::to_owned);
        let first = fixed("ip").or_else(|| fixed("ip6").is_none().then(|| leased(vmid, number)));
        let addresses = [first, fixed("ip6"), local(&mac)].map(|given| given.as_deref().and_then(address));
        let name = if windows { format!("Ethernet {number}") } else { format!("eth{number}") };
        all.push(interface(&name, &mac.to_lowercase(), addresses));
    }
    all.into()
}

fn interface(name: &str, mac: &str, addresses: impl IntoIterator<Item = Option<Value>>) -> Value {
    let addresses: Vec<Value> = addresses.into_iter().flatten().collect();
    let counters =
        ["rx-bytes", "rx-packets", "rx-errs", "rx-dropped", "tx-bytes", "tx-packets", "tx-errs", "tx-dropped"];
    let statistics: Map<String, Value> = counters.map(|counter| (counter.to_owned(), json!(0))).into_iter().collect();
    json!({ "name": name, "hardware-address": mac, "ip-addresses": addresses, "statistics": statistics })
}

/// An address such as `192.168.1.40/24`, as the agent writes it.
fn address(text: &str) -> Option<Value> {
    let (address, prefix) = text.split_once('/')?;
    let kind = if address.contains(':') { "ipv6" } else { "ipv4" };
    Some(json!({ "ip-address": address, "ip-address-type": kind, "prefix": prefix.parse::<u8>().ok()? }))
}

/// The address that an invented DHCP server of the network gives: another one for each virtual machine and card.
fn leased(vmid: &str, card: u32) -> String {
    let vmid = vmid.parse::<u32>().unwrap_or_default();
    format!("10.{}.{}.{}/8", vmid / 256 % 256, vmid % 256, card + 10)
}

/// The link-local address of a card (RFC 4291, appendix A).
fn local(mac: &str) -> Option<String> {
    let bytes: Vec<u16> = mac.split(':').filter_map(|pair| u16::from_str_radix(pair, 16).ok()).collect();
    let [ref maker @ .., x, y, z] = bytes[..] else { return None };
    let [first, second, third] = maker[..] else { return None };
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, (first ^ 2) << 8 | second, third << 8 | 0xff, 0xfe00 | x, y << 8 | z);
    Some(format!("{address}/64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(keys: &Value) -> Map<String, Value> {
        keys.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_agent_that_cannot_be_asked_is_refused_with_the_reason() {
        let check = |keys: Value, running: bool, expected: Option<&str>| {
            assert_eq!(unavailable("100", &configuration(&keys), running).as_deref(), expected, "{keys}");
        };
        check(json!({}), true, Some("No QEMU guest agent configured"));
        check(json!({"agent": "1"}), false, Some("VM 100 is not running"));
        check(json!({"agent": "enabled=0,type=virtio"}), true, Some("QEMU guest agent is not running"));
        check(json!({"agent": "enabled=1"}), true, None);
        check(json!({"agent": "1,fstrim_cloned_disks=1"}), true, None);
    }

    #[test]
    fn addresses_agree_with_the_configuration() {
        let keys = json!({
            "net0": "virtio=BC:24:11:40:00:01,bridge=vmbr0", "ipconfig0": "ip=192.168.1.40/24,gw=192.168.1.1",
            "net1": "virtio=BC:24:11:40:00:02,bridge=vmbr0", "ipconfig1": "ip=dhcp",
            "net2": "virtio=BC:24:11:40:00:03,bridge=vmbr0,link_down=1",
        });
        let interfaces = answer("network-get-interfaces", "110", &configuration(&keys)).unwrap();
        let addresses: Vec<Vec<&str>> = interfaces
            .as_array()
            .unwrap()
            .iter()
            .map(|interface| {
                let all = interface["ip-addresses"].as_array().unwrap();
                all.iter().map(|address| address["ip-address"].as_str().unwrap()).collect()
            })
            .collect();
        // The second line was recorded.
        assert_eq!(
            addresses,
            [
                vec!["127.0.0.1", "::1"],
                vec!["192.168.1.40", "fe80::be24:11ff:fe40:1"],
                vec!["10.0.110.11", "fe80::be24:11ff:fe40:2"],
            ]
        );
    }
}
