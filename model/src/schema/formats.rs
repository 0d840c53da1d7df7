//! Formats that the schema names, with Proxmox's complaints (`pve-common`, `pve-access-control`, `qemu-server`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::pattern;
use crate::firewall;

mod calendar;

/// Result of a check; the complaint about a value of another format ends with a line break.
type Verdict = Result<(), String>;

/// Checks a value. A format that is not known here accepts everything: a value that Proxmox would accept must not be
/// refused.
pub(super) fn check(name: &str, text: &str) -> Verdict {
    if let Some(item) = name.strip_suffix("-alist") {
        return text.split('\0').filter(|part| !part.is_empty()).try_for_each(|part| check(item, part));
    }
    if let Some(item) = name.strip_suffix("-list") {
        let separator = |character: char| matches!(character, ',' | ';' | '\0') || character.is_whitespace();
        return text.split(separator).filter(|part| !part.is_empty()).try_for_each(|part| check(item, part));
    }
    if let Some(item) = name.strip_suffix("-opt") {
        return if text.is_empty() { Ok(()) } else { check(item, text) };
    }
    if name == "pve-storage-id" && text.chars().count() < 2 {
        return Err(format!("storage ID '{text}' cannot be shorter than 2 characters\n"));
    }
    if let Some(verdict) = by_pattern(name, text) {
        return verdict;
    }
    if let Some(verdict) = network(name, text).or_else(|| of_firewall(name, text)) {
        return verdict;
    }
    match name {
        "email-or-username" => {
            // The part of an address before its `@` alone: `root` (`pve_verify_email_or_username`).
            let fits = check("email", text).is_ok() || check("email", &format!("{text}@x")).is_ok();
            require(fits, "value does not look like a valid email address or user name")
        }
        "pve-poolid" => pool(text),
        "pve-volume-id-or-qm-path" if matches!(text, "none" | "cdrom") || text.starts_with('/') => Ok(()),
        "pve-volume-id-or-absolute-path" if text.starts_with('/') => Ok(()),
        "pve-volume-id-or-qm-path" | "pve-volume-id-or-absolute-path" => check("pve-volume-id", text),
        "pve-hotplug-features" => hotplug(text),
        "pve-calendar-event" => calendar::check(text),
        "pve-vlan-id-or-range" => vlans(text),
        "storage-pair" => pair(text, "pve-storage-id"),
        "bridge-pair" => pair(text, "pve-bridge-id"),
        "pve-dir-override" => directory(text),
        "pve-storage-server" => {
            require(check("address", text).is_ok(), "value does not look like a valid server name or IP address")
        }
        "lxc-ip-with-ll-iface" => with_interface(text),
        "pve-cpuset" => processors(text),
        "pve-lxc-mp-string" => {
            let climbs = text.starts_with("../") || pattern::matches(".*/\\.\\.?(?:/.*)?", text);
            require(!climbs, &format!("{text} contains illegal character sequences"))
        }
        "pve-lxc-dev-string" => {
            let fits = text.starts_with("/dev/") && !pattern::matches(".*/\\.\\.?(?:/.*)?", text);
            require(fits, &format!("{text} is not a valid device path"))
        }
        "pve-priv" => require(PRIVILEGES.contains(&text), &format!("invalid privilege '{text}'")),
        _ => Ok(()),
    }
}

/// Checks formats of addresses and networks.
fn network(name: &str, text: &str) -> Option<Verdict> {
    Some(match name {
        "ipv4" => require(text.parse::<Ipv4Addr>().is_ok(), "value does not look like a valid IPv4 address"),
        "ipv6" => require(text.parse::<Ipv6Addr>().is_ok(), "value does not look like a valid IPv6 address"),
        "ip" => require(text.parse::<IpAddr>().is_ok(), "value does not look like a valid IP address"),
        "CIDRv4" => require(is_cidr(text, Some(false)), "value does not look like a valid IPv4 network"),
        "CIDRv6" => require(is_cidr(text, Some(true)), "value does not look like a valid IPv6 network"),
        "CIDR" => require(is_cidr(text, None), "value does not look like a valid CIDR network"),
        "ipv4mask" => require(is_mask(text), "value does not look like a valid IP netmask"),
        "pve-ipv4-config" if matches!(text, "dhcp" | "manual") => Ok(()),
        "pve-ipv4-config" => check("CIDRv4", text),
        "pve-ipv6-config" if matches!(text, "auto" | "dhcp" | "manual") => Ok(()),
        "pve-ipv6-config" => check("CIDRv6", text),
        "pve-sdn-subnet-id" => require(is_subnet(text), "value does not look like a valid CIDR network"),
        "address" => {
            let fits = text.parse::<IpAddr>().is_ok() || check("dns-name", text).is_ok();
            require(fits, &format!("value does not look like a valid address: {text}"))
        }
        _ => return None,
    })
}

/// Formats that are one pattern; `{}` in a complaint is the value.
const PATTERNS: &[(&str, &str, &str)] = &[
    ("pve-configid", "(?i:[a-z][a-z0-9_-]+)", "invalid configuration ID '{}'"),
    ("pve-storage-id", "(?i:[a-z][a-z0-9\\-_.]*[a-z0-9])", "storage ID '{}' contains illegal characters"),
    ("pve-vmid", "[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    ("pve-node", "[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?", "value does not look like a valid node name"),
    ("pve-iface", "(?i:[a-z][a-z0-9_]{1,20}(?:[:.]\\d+)?)", "invalid network interface name '{}'"),
    ("pve-bridge-id", "[-_.\\w\\d]+", "invalid bridge ID '{}'"),
    ("pve-realm", "[A-Za-z][A-Za-z0-9.\\-_]+", "value does not look like a valid realm"),
    ("pve-groupid", "[A-Za-z0-9.\\-_]+", "group name '{}' contains invalid characters"),
    ("pve-roleid", "[A-Za-z0-9.\\-_]+", "role name '{}' contains invalid characters"),
    ("pve-userid", "[^\\s:/]+@[A-Za-z][A-Za-z0-9.\\-_]+", "value '{}' does not look like a valid user name"),
    (
        "pve-tokenid",
        "[^\\s:/]+@[A-Za-z][A-Za-z0-9.\\-_]+![A-Za-z][A-Za-z0-9.\\-_]+",
        "value '{}' does not look like a valid token ID",
    ),
    ("pve-volume-id", "(?i:[a-z][a-z0-9\\-_.]*[a-z0-9]:.+)", "unable to parse volume ID '{}'"),
    ("pve-replication-job-id", "[1-9][0-9]{2,8}-\\d{1,9}", "invalid replication job id '{}'"),
    ("pve-tag", "(?i:[a-z0-9_][a-z0-9_\\-+.]*)", "invalid characters in tag"),
    ("mac-addr", "(?i:[a-f0-9][02468ace](?::[a-f0-9]{2}){5})", "value does not look like a valid unicast MAC address"),
    ("mac-prefix", "(?i:[a-f0-9][02468ace](?::[a-f0-9]{2}){0,2}:?)", "value is not a valid unicast MAC address prefix"),
    (
        "email",
        "(?:[\\w+\\-~]+(?:\\.[\\w+\\-~]+)*)@[a-zA-Z0-9\\-]+(?:\\.[a-zA-Z0-9\\-]+)*",
        "value does not look like a valid email address",
    ),
    (
        "dns-name",
        "(?:[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?\\.)*[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?",
        "value does not look like a valid DNS name",
    ),
    ("disk-size", "\\d+(?:\\.\\d+)?[KMGT]?", "value does not look like a valid disk size"),
    ("urlencoded", "[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: {}"),
    (
        "pve-startup-order",
        "(?:\\d+|order=\\d+|up=\\d+|down=\\d+)(?:,(?:\\d+|order=\\d+|up=\\d+|down=\\d+))*,?",
        "unable to parse startup options",
    ),
    ("pve-qm-bootdev", "(?:ide|sata|scsi|virtio|efidisk|hostpci|usb|net|tpmstate)\\d+", "invalid boot device '{}'"),
    ("pve-qm-bootdisk", "(?:ide|sata|scsi|virtio|efidisk|tpmstate)\\d+", "invalid boot disk '{}'"),
    ("pve-storage-path", "/[^;()].*", "value does not look like a valid absolute path"),
    (
        "pve-storage-vgname",
        "[a-zA-Z0-9.+_][a-zA-Z0-9.+_\\-]+",
        "lvm volume group name '{}' contains illegal characters",
    ),
    ("pve-storage-content", "images|rootdir|vztmpl|iso|backup|snippets|none|import", "invalid content type '{}'"),
    ("pve-storage-options", "\\S+", "invalid options '{}'"),
    (
        "pve-storage-portal-dns",
        "[A-Za-z0-9\\-.]+(?::\\d+)?|\\[[A-Za-z0-9\\-.:]+\\](?::\\d+)?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*",
        "value does not look like a valid portal address",
    ),
    (
        "pve-storage-path-in-property-string",
        "/[^;,=()]+.*",
        "Value does not look like a valid absolute path. These symbols are currently not allowed in path: ;,=()",
    ),
    (
        "pve-sdn-isis-net",
        "[a-fA-F0-9]{2}(?:\\.[a-fA-F0-9]{4}){3,9}\\.[a-fA-F0-9]{2}",
        "value does not look like a valid isis net",
    ),
    ("pve-sdn-bgp-rt", "\\d{1,10}:\\d{1,10}", "value does not look like a valid bgp route-target"),
    ("pve-ha-resource-id", "[a-z]+:\\S+", "value does not look like a valid ha resource id"),
    ("pve-ha-resource-or-vm-id", "(?:[a-z]+:\\S+|\\d+)", "value does not look like a valid ha resource id"),
    ("pve-ha-node", "[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?(?::\\d+)?", "value does not look like a valid ha node"),
    ("pve-day-of-week", "mon|tue|wed|thu|fri|sat|sun", "invalid day '{}'"),
    ("pve-task-status-type", "(?i:ok|error|warning|unknown)", "invalid status '{}'"),
    (
        "graphite-path",
        "(?:[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?\\.)*[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?",
        "value does not look like a valid graphite path",
    ),
    ("ldap-simple-attr", "[a-zA-Z0-9]+", "value '{}' does not look like a simple ldap attribute name"),
];

fn by_pattern(name: &str, text: &str) -> Option<Verdict> {
    let (_, form, complaint) = PATTERNS.iter().find(|(format, ..)| *format == name)?;
    let trailing_line_end = text.ends_with('\n');
    Some(require(!trailing_line_end && pattern::matches(form, text), &complaint.replace("{}", text)))
}

fn require(fits: bool, complaint: &str) -> Verdict {
    if fits { Ok(()) } else { Err(format!("{complaint}\n")) }
}

/// Reports whether a text is an address with a prefix length of 8 and more; of IPv6 where `six` says so.
fn is_cidr(text: &str, six: Option<bool>) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    match address.parse() {
        Ok(IpAddr::V4(_)) => six != Some(true) && (8..=32).contains(&length),
        Ok(IpAddr::V6(_)) => six != Some(false) && (8..=128).contains(&length),
        Err(_) => false,
    }
}

fn is_mask(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok_and(|mask| {
        let bits = u32::from(mask);
        bits != 0 && bits.leading_ones() + bits.trailing_zeros() == 32
    })
}

/// Reports whether a text is the id of a subnet, `zone-10.20.0.0-24`, or the network itself, which a creation takes.
fn is_subnet(text: &str) -> bool {
    if text.contains('/') {
        return is_cidr(text, None);
    }
    let mut parts = text.rsplitn(3, '-');
    let (length, address) = (parts.next(), parts.next());
    matches!((address, length), (Some(address), Some(length)) if is_cidr(&format!("{address}/{length}"), None))
}

fn pool(text: &str) -> Verdict {
    if text.split('/').count() > 3 {
        return Err(format!("pool name '{text}' nested too deeply (max levels = 3)"));
    }
    let fits = text.split('/').all(|part| pattern::matches("[A-Za-z0-9.\\-_]+", part));
    require(fits, &format!("pool name '{text}' contains invalid characters"))
}

fn hotplug(text: &str) -> Verdict {
    if matches!(text, "0" | "1") {
        return Ok(());
    }
    let known = ["network", "disk", "cpu", "memory", "usb", "cloudinit"];
    let strange = text.split(',').map(str::trim).find(|feature| !known.contains(feature));
    strange.map_or(Ok(()), |feature| Err(format!("invalid hotplug feature '{feature}'\n")))
}

/// Checks formats of firewall rules.
fn of_firewall(name: &str, text: &str) -> Option<Verdict> {
    let verdict = match name {
        "pve-fw-addr-spec" => firewall::addresses(text).map(drop),
        "pve-fw-dport-spec" => firewall::ports(text, true),
        "pve-fw-sport-spec" => firewall::ports(text, false),
        "pve-fw-protocol-spec" => firewall::protocol(text),
        "pve-fw-icmp-type-spec" => firewall::icmp_type(text),
        "pve-fw-conntrack-helper" => firewall::helpers(text),
        "IPorCIDRorAlias" if firewall::is_name(firewall::unscoped(text)) => Ok(()),
        "IPorCIDR" | "IPorCIDRorAlias" => firewall::cidr(text),
        _ => return None,
    };
    Some(verdict.map_err(|complaint| format!("{complaint}\n")))
}

/// Checks a VLAN, `100`, or a range of them from the lower to the higher, `100-200`.
fn vlans(text: &str) -> Verdict {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let ends = match text.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)).map(|(first, last)| (first, Some(last))),
        None => number(text).map(|only| (only, None)),
    };
    let Some((first, last)) = ends else { return Err(format!("invalid VLAN configuration '{text}'\n")) };
    if let Some(tag) = [Some(first), last].into_iter().flatten().find(|tag| !(2..=4094).contains(tag)) {
        return Err(format!("invalid VLAN tag '{tag}'\n"));
    }
    let falls = last.is_some_and(|last| first >= last);
    require(!falls, &format!("VLAN range must go from lower to higher tag '{text}'"))
}

/// Checks an entry of a map from ids to ids: `source:target`, one id for all others, or `1` for each to itself.
fn pair(text: &str, format: &str) -> Verdict {
    let strange = |why: String| format!("entry '{text}' contains invalid ID - {why}\n\n");
    match text.split_once(':') {
        _ if text == "1" => Ok(()),
        Some((source, target)) => check(format, source).and_then(|()| check(format, target)).map_err(strange),
        None => check(format, text).map_err(strange),
    }
}

/// Checks a folder for one kind of content of a directory storage, relative to its path: `backup=dump`.
fn directory(text: &str) -> Verdict {
    let fits = text.split_once('=').is_some_and(|(content, path)| {
        let parts = path.len() < 1023 && path.split('/').all(|part| part.len() < 255);
        check("pve-storage-content", content).is_ok() && parts && pattern::matches("[^.]*(?:\\.?[^.]+)+", path)
    });
    require(fits, &format!("invalid override '{text}'"))
}

/// Checks an address; a link-local one may name its interface.
fn with_interface(text: &str) -> Verdict {
    let local = text.split_once('%').filter(|(address, _)| address.starts_with("fe80:"));
    let fits =
        local.is_some_and(|(address, interface)| check("ip", address).is_ok() && check("pve-iface", interface).is_ok());
    if fits { Ok(()) } else { check("ip", text) }
}

/// Checks numbers and ranges of processors: `0,2-5`.
fn processors(text: &str) -> Verdict {
    let number = |text: &str| text.parse::<u32>().ok();
    let fits = text.split(',').all(|part| match part.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first <= last),
        None => number(part).is_some(),
    });
    require(fits, "unable to parse cpuset option")
}

/// Privileges of Proxmox VE 9 (`PVE::AccessControl`).
pub(super) const PRIVILEGES: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Group.Allocate",
    "Mapping.Audit",
    "Mapping.Modify",
    "Mapping.Use",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Replicate",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];
