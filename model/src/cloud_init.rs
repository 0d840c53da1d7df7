//! Files on the cloud-init drive of a virtual machine (`PVE::QemuServer::Cloudinit`).

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::mac::Mac;
use crate::machine;
use crate::object::text;
use crate::property::Properties;

/// Cloud-init options that the list of pending changes shows.
pub const OPTIONS: [&str; 8] =
    ["cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "nameserver", "searchdomain", "sshkeys"];

/// Layout of a cloud-init drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `nocloud`, of Linux.
    NoCloud,
    /// `configdrive2`, of Windows.
    ConfigDrive,
}

impl Layout {
    /// The layout that the configuration names, or the one that its operating system reads.
    pub fn of(configuration: &Map<String, Value>) -> Self {
        let word = |key: &str| configuration.get(key).and_then(text);
        match word("citype").as_deref() {
            Some("nocloud") => Self::NoCloud,
            Some(_) => Self::ConfigDrive,
            None if machine::is_windows(&word("ostype").unwrap_or_default()) => Self::ConfigDrive,
            None => Self::NoCloud,
        }
    }
}

/// The values that the files are made from; the name servers are those of the node (`nodes/{node}/dns`).
#[derive(Clone, Copy, Debug)]
pub struct CloudInit<'m> {
    /// The VMID.
    pub vmid: &'m str,
    /// The configuration in force.
    pub configuration: &'m Map<String, Value>,
    /// `search`, `dns1`, `dns2`, `dns3` of the node.
    pub resolver: &'m Map<String, Value>,
}

impl CloudInit<'_> {
    fn word(&self, key: &str) -> Option<String> {
        self.configuration.get(key).and_then(text)
    }

    /// The user data: the users that may log in. `password` is the hash of the password, where there is one.
    pub fn user(&self, password: Option<&str>) -> String {
        let name = self.word("name").unwrap_or_else(|| format!("VM{}", self.vmid));
        let (host, full) = match (name.split_once('.'), self.word("searchdomain")) {
            (Some((host, _)), _) => (host.to_owned(), name.clone()),
            (None, Some(domain)) => (name.clone(), format!("{name}.{domain}")),
            (None, None) => (name.clone(), name.clone()),
        };
        let mut lines = vec![
            "#cloud-config".to_owned(),
            format!("hostname: {host}"),
            "manage_etc_hosts: true".to_owned(),
            format!("fqdn: {full}"),
        ];
        let user = self.word("ciuser");
        let is_root = user.as_deref() == Some("root");
        lines.extend(user.map(|user| format!("user: {user}")));
        lines.extend(is_root.then(|| "disable_root: False".to_owned()));
        lines.extend(password.map(|password| format!("password: {password}")));
        if let Some(keys) = self.word("sshkeys") {
            let keys = percent_decode_str(&keys).decode_utf8_lossy().into_owned();
            lines.push("ssh_authorized_keys:".to_owned());
            lines.extend(keys.lines().filter(|key| !key.trim().is_empty()).map(|key| format!("  - {key}")));
        }
        lines.extend(["chpasswd:".to_owned(), "  expire: False".to_owned()]);
        if !is_root {
            lines.extend(["users:".to_owned(), "  - default".to_owned()]);
        }
        if self.word("ciupgrade").is_none_or(|upgrade| upgrade != "0") {
            lines.push("package_upgrade: true".to_owned());
        }
        joined(&lines)
    }

    /// The network configuration.
    pub fn network(&self) -> String {
        match Layout::of(self.configuration) {
            Layout::NoCloud => self.network_of_linux(),
            Layout::ConfigDrive => self.network_of_windows(),
        }
    }

    /// The metadata. `identity` is the checksum of the other two files.
    pub fn meta(&self, identity: &str) -> String {
        match Layout::of(self.configuration) {
            Layout::NoCloud => format!("instance-id: {identity}\n"),
            Layout::ConfigDrive => format!(
                "{{\n     \"uuid\": \"{identity}\",\n     \"network_config\": {{ \"content_path\": \"/content/0000\" }}\n}}\n"
            ),
        }
    }

    /// The network cards with a plan: index, MAC address and plan, by name.
    fn cards(&self) -> Vec<(u32, String, Properties)> {
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        names.extend((0..32).map(|number| (format!("net{number}"), number)));
        let card = |(name, number): (String, u32)| {
            let device = Properties::parse(&self.word(&name)?);
            let address = device.iter().find_map(|(_, value)| Mac::parse(value))?;
            let plan = Properties::parse(&self.word(&format!("ipconfig{number}"))?);
            Some((number, address.to_string(), plan))
        };
        names.into_iter().filter_map(card).collect()
    }

    /// Name servers and search domains of the virtual machine, or else of its node.
    fn names(&self) -> (Vec<String>, Vec<String>) {
        let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let host = |key: &str| self.resolver.get(key).and_then(text).unwrap_or_default();
        let servers = match self.word("nameserver") {
            Some(own) => words(own),
            None => ["dns1", "dns2", "dns3"].map(host).into_iter().filter(|server| !server.is_empty()).collect(),
        };
        (servers, words(self.word("searchdomain").unwrap_or_else(|| host("search"))))
    }

    fn network_of_linux(&self) -> String {
        let mut lines = vec!["version: 1".to_owned(), "config:".to_owned()];
        for (number, address, plan) in self.cards() {
            lines.extend([
                "    - type: physical".to_owned(),
                format!("      name: eth{number}"),
                format!("      mac_address: '{}'", address.to_lowercase()),
                "      subnets:".to_owned(),
            ]);
            let gateway = |key: &str| plan.get(key).map(|gateway| format!("        gateway: '{gateway}'"));
            match plan.get("ip") {
                None => {}
                Some("dhcp") => lines.push("      - type: dhcp4".to_owned()),
                Some(planned) => {
                    let (address, mask) = with_mask(planned);
                    lines.extend([
                        "      - type: static".to_owned(),
                        format!("        address: '{address}'"),
                        format!("        netmask: '{mask}'"),
                    ]);
                    lines.extend(gateway("gw"));
                }
            }
            match plan.get("ip6") {
                None => {}
                Some("dhcp") => lines.push("      - type: dhcp6".to_owned()),
                Some("auto") => lines.push("      - type: ipv6_slaac".to_owned()),
                Some(own) => {
                    lines.extend(["      - type: static6".to_owned(), format!("        address: '{own}'")]);
                    lines.extend(gateway("gw6"));
                }
            }
        }
        let (servers, domains) = self.names();
        lines.push("    - type: nameserver".to_owned());
        for (what, values) in [("address", servers), ("search", domains)] {
            if !values.is_empty() {
                lines.push(format!("      {what}:"));
                lines.extend(values.iter().map(|value| format!("      - '{value}'")));
            }
        }
        joined(&lines)
    }

    fn network_of_windows(&self) -> String {
        let mut lines = vec!["auto lo".to_owned(), "iface lo inet loopback".to_owned(), String::new()];
        let (servers, domains) = self.names();
        for (what, values) in [("dns_nameservers", servers), ("dns_search", domains)] {
            if !values.is_empty() {
                lines.push(format!("        {what} {}", values.join(" ")));
            }
        }
        for (number, _, plan) in self.cards() {
            let name = format!("eth{number}");
            lines.push(format!("auto {name}"));
            for (family, key, gateway) in [("inet", "ip", "gw"), ("inet6", "ip6", "gw6")] {
                let Some(planned) = plan.get(key) else { continue };
                if matches!(planned, "dhcp" | "auto") {
                    lines.push(format!("iface {name} {family} {planned}"));
                    continue;
                }
                let (address, mask) = match family {
                    "inet" => with_mask(planned),
                    _ => planned.split_once('/').map_or((planned.to_owned(), String::new()), |(address, mask)| {
                        (address.to_owned(), mask.to_owned())
                    }),
                };
                lines.extend([
                    format!("iface {name} {family} static"),
                    format!("        address {address}"),
                    format!("        netmask {mask}"),
                ]);
                lines.extend(plan.get(gateway).map(|gateway| format!("        gateway {gateway}")));
            }
        }
        joined(&lines)
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Address and netmask of an address such as `10.0.0.11/24`: `10.0.0.11` and `255.255.255.0`.
fn with_mask(address: &str) -> (String, String) {
    let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
    let bits = prefix.parse::<u32>().unwrap_or(32).min(32);
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
    (address.to_owned(), std::net::Ipv4Addr::from(mask).to_string())
}
