//! The formats that the schema names, with Proxmox's complaints (`pve-common`, `pve-access-control`, `qemu-server`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::pattern;

mod calendar;

/// What is said of a value that is not of its format; it ends its line.
type Verdict = Result<(), String>;

/// Checks a value. A format that nobody wrote down here takes everything: what Proxmox would take must not be refused.
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
    if let Some(verdict) = by_pattern(name, text) {
        return verdict;
    }
    if let Some(verdict) = network(name, text) {
        return verdict;
    }
    match name {
        "email-or-username" => {
            let fits = check("email", text).is_ok() || check("pve-userid", text).is_ok();
            says(fits, "value does not look like a valid email address or user name")
        }
        "pve-poolid" => pool(text),
        "pve-volume-id-or-qm-path" if matches!(text, "none" | "cdrom") || text.starts_with('/') => Ok(()),
        "pve-volume-id-or-absolute-path" if text.starts_with('/') => Ok(()),
        "pve-volume-id-or-qm-path" | "pve-volume-id-or-absolute-path" => check("pve-volume-id", text),
        "pve-hotplug-features" => hotplug(text),
        "pve-calendar-event" => calendar::check(text),
        "pve-fw-addr-spec" => addresses(text),
        "pve-priv" => says(PRIVILEGES.contains(&text), &format!("invalid privilege '{text}'")),
        _ => Ok(()),
    }
}

/// Addresses and networks.
fn network(name: &str, text: &str) -> Option<Verdict> {
    Some(match name {
        "ipv4" => says(text.parse::<Ipv4Addr>().is_ok(), "value does not look like a valid IPv4 address"),
        "ipv6" => says(text.parse::<Ipv6Addr>().is_ok(), "value does not look like a valid IPv6 address"),
        "ip" => says(text.parse::<IpAddr>().is_ok(), "value does not look like a valid IP address"),
        "CIDRv4" => says(is_cidr(text, Some(false)), "value does not look like a valid IPv4 network"),
        "CIDRv6" => says(is_cidr(text, Some(true)), "value does not look like a valid IPv6 network"),
        "CIDR" => says(is_cidr(text, None), "value does not look like a valid CIDR network"),
        "IPorCIDR" => says(
            text.parse::<IpAddr>().is_ok() || is_cidr(text, None),
            "value does not look like a valid IP address or CIDR network",
        ),
        "ipv4mask" => says(is_mask(text), "value does not look like a valid IP netmask"),
        "pve-ipv4-config" if matches!(text, "dhcp" | "manual") => Ok(()),
        "pve-ipv4-config" => check("CIDRv4", text),
        "pve-ipv6-config" if matches!(text, "auto" | "dhcp" | "manual") => Ok(()),
        "pve-ipv6-config" => check("CIDRv6", text),
        "pve-sdn-subnet-id" => says(is_subnet(text), "value does not look like a valid CIDR network"),
        "address" => {
            let fits = text.parse::<IpAddr>().is_ok() || check("dns-name", text).is_ok();
            says(fits, &format!("value does not look like a valid address: {text}"))
        }
        _ => return None,
    })
}

/// What the formats are that one pattern tells; `{}` in a complaint is the value.
const PATTERNS: &[(&str, &str, &str)] = &[
    ("pve-configid", "(?i:[a-z][a-z0-9_-]+)", "invalid configuration ID '{}'"),
    ("pve-storage-id", "(?i:[a-z][a-z0-9\\-_.]*[a-z0-9])", "storage ID '{}' contains illegal characters"),
    ("pve-vmid", "[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    ("pve-node", "[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?", "value does not look like a valid node name"),
    ("pve-iface", "(?i:[a-z][a-z0-9_]{1,20}(?:[:.]\\d+)?)", "invalid network interface name '{}'"),
    ("pve-bridge-id", "[-_.\\w\\d]+", "invalid bridge: {}"),
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
    ("storage-pair", "[A-Za-z0-9\\-_.]+(?::[A-Za-z0-9\\-_.]+)?", "unable to parse storage pair"),
    ("ldap-simple-attr", "[a-zA-Z0-9]+", "value '{}' does not look like a simple ldap attribute name"),
];

fn by_pattern(name: &str, text: &str) -> Option<Verdict> {
    let (_, form, complaint) = PATTERNS.iter().find(|(format, ..)| *format == name)?;
    let trailing_line_end = text.ends_with('\n');
    Some(says(!trailing_line_end && pattern::matches(form, text), &complaint.replace("{}", text)))
}

fn says(fits: bool, complaint: &str) -> Verdict {
    if fits { Ok(()) } else { Err(format!("{complaint}\n")) }
}

/// An address with a prefix length of 8 and more; of IPv6 where `six` says so.
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

/// `zone-10.20.0.0-24`, or the network itself where one is created.
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
    says(fits, &format!("pool name '{text}' contains invalid characters"))
}

fn hotplug(text: &str) -> Verdict {
    if matches!(text, "0" | "1") {
        return Ok(());
    }
    let known = ["network", "disk", "cpu", "memory", "usb", "cloudinit"];
    let strange = text.split(',').map(str::trim).find(|feature| !known.contains(feature));
    strange.map_or(Ok(()), |feature| Err(format!("invalid hotplug feature '{feature}'\n")))
}

/// Addresses, networks, ranges, aliases and sets of a firewall rule (`pve_verify_fw_addr_spec`).
fn addresses(text: &str) -> Verdict {
    for part in text.split(',') {
        let numeric = part.starts_with(|first: char| first.is_ascii_digit()) || part.contains("::");
        let Some((address, length)) = part.split_once('/').filter(|(address, _)| numeric && !address.contains('-'))
        else {
            continue;
        };
        let width = if address.contains(':') { 128 } else { 32 };
        if length.parse::<u32>().is_ok_and(|length| length > width) {
            return Err(format!("invalid IP address: Prefix length {length} is longer than IP address ({width})\n"));
        }
    }
    Ok(())
}

/// The privileges of Proxmox VE 9 (`PVE::AccessControl`).
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
