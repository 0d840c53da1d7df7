//! Reader of firewall rules: `IN SSH(ACCEPT) -source +dc/mgmt -log nolog # comment`.

use serde_json::{Map, Value, json};

use super::firewall_file::{Firewall, Level, address};
use super::sheet::Row;
use super::words::is_id;

/// Context of a rule.
#[derive(Clone, Copy)]
pub(super) struct RuleContext<'f> {
    /// The level of the rule.
    pub(super) level: Level,
    /// The names that the cluster defines, as far as its file is read.
    pub(super) cluster: &'f Firewall,
    /// The names that the guest or node defines; `None` in a security group and in the cluster's own file.
    pub(super) local: Option<&'f Firewall>,
}

/// Macros by their names (`PVE::Firewall`; `GET cluster/firewall/macros` of 9.1).
const MACROS: &str = "Amanda Auth BGP BitTorrent BitTorrent32 CVS Ceph Citrix DAAP DCC DHCPfwd DHCPv6 DNS Distcc FTP Finger \
    GNUnet GRE Git HKP HTTP HTTPS ICPV2 ICQ IMAP IMAPS IPIP IPsec IPsecah IPsecnat IRC Jetdirect L2TP LDAP LDAPS MDNS MSNP \
    MSSQL Mail Munin MySQL NNTP NNTPS NTP NeighborDiscovery OSPF OpenVPN PCA PMG POP3 POP3S PPtP Ping PostgreSQL Printer \
    RDP RIP RNDC Razor Rdate Rsync SANE SMB SMBswat SMTP SMTPS SNMP SPAMD SPICEproxy SSH SVN SixXS Squid Submission Syslog \
    TFTP Telnet Telnets Time Trcrt VNC VNCL Web Webcache Webmin Whois";

/// Protocols that have ports.
const WITH_PORTS: &str = "udp 17 udplite 136 tcp 6 dccp 33 sctp 132";

const ICMP: &str = "icmp icmpv6 ipv6-icmp 1 58";

const LOG_LEVELS: &str = "emerg alert crit err warning notice info debug nolog";

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

/// Reads a line, or returns the reason why it is not a rule (`PVE::Firewall::parse_fw_rule`).
pub(super) fn parse(line: &str, context: RuleContext<'_>) -> Result<Row, String> {
    let mut rule = Row::new();
    let mut set = |key: &str, value: Value| rule.insert(key.to_owned(), value);
    let mut rest = line;
    if let Some((before, comment)) = line.split_once('#') {
        set("comment", json!(comment.trim()));
        rest = before;
    }
    let enabled = !rest.starts_with('|');
    set("enable", json!(u8::from(enabled)));
    rest = rest.trim_start_matches('|');
    let (kind, action) = rest.split_once(char::is_whitespace).ok_or("it has no action")?;
    let action = action.trim_start();
    let (action, mut rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
    if kind.is_empty() || action.is_empty() {
        return Err("it has no action".to_owned());
    }
    let kind = kind.to_ascii_lowercase();
    let of_macro = action
        .split_once('(')
        .filter(|(name, rest)| !name.is_empty() && matches!(*rest, "ACCEPT)" | "DROP)" | "REJECT)") && kind != "group");
    match of_macro {
        Some((name, action)) => {
            set("macro", json!(name));
            set("action", json!(action.trim_end_matches(')')));
        }
        None => drop(set("action", json!(action))),
    }
    set("type", json!(kind));
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let (flag, after) = rest.split_once(' ').ok_or_else(|| format!("`{rest}` is not an option"))?;
        let value = after.split(char::is_whitespace).next().filter(|value| !value.is_empty());
        let key = option(flag).filter(|key| kind != "group" || *key == "iface");
        let (Some(key), Some(value)) = (key, value) else { return Err(format!("`{rest}` is not an option")) };
        if key == "log" && !is_one_of(LOG_LEVELS, value) {
            return Err(format!("`{value}` is not a log level"));
        }
        set(key, json!(value));
        rest = &after[value.len()..];
    }
    verify(rule, context)
}

/// The key of an option's flag.
fn option(flag: &str) -> Option<&'static str> {
    const KEYS: &[&str] = &["dport", "sport", "source", "dest", "log", "icmp-type", "proto"];
    match flag {
        "-i" => return Some("iface"),
        "-p" => return Some("proto"),
        _ => {}
    }
    let name = flag.strip_prefix("--").or_else(|| flag.strip_prefix('-'))?;
    KEYS.iter().find(|key| **key == name).copied()
}

/// Results of the checks of a rule.
#[derive(Default)]
struct Findings {
    errors: Map<String, Value>,
    version: Option<u8>,
}

impl Findings {
    /// Adds an error; the first error of a key counts.
    fn error(&mut self, key: &str, why: impl Into<String>) {
        let why = why.into();
        self.errors.entry(key).or_insert_with(|| json!(why));
    }

    fn version(&mut self, version: Option<u8>) -> Result<(), String> {
        let Some(version) = version else { return Ok(()) };
        if self.version.is_some_and(|known| known != version) {
            return Err("detected mixed ipv4/ipv6 addresses in rule".to_owned());
        }
        self.version = Some(version);
        Ok(())
    }
}

/// Adds the IP version of a rule's addresses, and its errors (`PVE::Firewall::verify_rule`).
fn verify(mut rule: Row, context: RuleContext<'_>) -> Result<Row, String> {
    let mut findings = Findings::default();
    let text = |rule: &Row, key: &str| rule.get(key).and_then(Value::as_str).map(str::to_owned);
    check_type(&rule, context, &mut findings);
    if let Some(name) = text(&rule, "macro") {
        match MACROS.split_ascii_whitespace().find(|known| known.eq_ignore_ascii_case(&name)) {
            Some(known) => drop(rule.insert("macro".to_owned(), json!(known))),
            None => findings.error("macro", format!("unknown macro '{name}'")),
        }
    }
    let protocol = text(&rule, "proto");
    match protocol.as_deref() {
        Some("icmp") => findings.version(Some(4))?,
        Some("icmpv6" | "ipv6-icmp") => findings.version(Some(6))?,
        _ => {}
    }
    check_ports(&rule, protocol.as_deref(), &mut findings);
    for key in ["source", "dest"] {
        if let Some(value) = text(&rule, key) {
            check_addresses(key, &value, context, &mut findings)?;
        }
    }
    rule.extend(findings.version.map(|version| ("ipversion".to_owned(), json!(version))));
    if !findings.errors.is_empty() {
        rule.insert("errors".to_owned(), findings.errors.into());
    }
    Ok(rule)
}

fn check_type(rule: &Row, context: RuleContext<'_>, findings: &mut Findings) {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, action, level) = (text("type"), text("action"), context.level);
    if !is_one_of(level.directions(), kind) {
        let word = level.word();
        findings.error("type", format!("invalid rule type '{kind}' for rule_env '{word}'"));
    }
    match kind {
        "in" | "out" | "forward" => {
            if kind == "forward" && action == "REJECT" {
                findings.error("action", "cannot define REJECT rules on forward chain");
            }
            if !matches!(action, "ACCEPT" | "DROP" | "REJECT") {
                findings.error("action", format!("unknown action '{action}'"));
            }
        }
        "group" => {
            if level == Level::Group {
                findings.error("type", "security groups not allowed");
            }
            if !is_id(action) {
                findings.error("action", "invalid characters in security group name");
            }
        }
        _ => findings.error("type", format!("unknown rule type '{kind}'")),
    }
    if let Some(interface) = rule.get("iface").and_then(Value::as_str) {
        if matches!(level, Level::Group | Level::Network) {
            findings.error("type", "parameter -i not allowed for this rule type");
        }
        let number = interface.strip_prefix("net");
        let is_net = number.is_some_and(super::words::is_digits);
        if matches!(level, Level::Machine | Level::Container) && !is_net {
            findings.error("iface", r"value does not match the regex pattern 'net\d+'");
        }
    }
}

fn check_ports(rule: &Row, protocol: Option<&str>, findings: &mut Findings) {
    let is_icmp = protocol.is_some_and(|protocol| is_one_of(ICMP, protocol));
    for key in ["dport", "sport"] {
        if !rule.contains_key(key) {
            continue;
        }
        let Some(protocol) = protocol else {
            findings.error("proto", format!("missing property - '{key}' requires this property"));
            findings.error(key, "protocol '' does not support ports");
            continue;
        };
        // The type of an ICMP message may take the place of a port.
        let has_ports = is_one_of(WITH_PORTS, protocol) || (is_icmp && key == "dport");
        if !has_ports {
            findings.error(key, format!("protocol '{protocol}' does not support ports"));
        }
    }
    if rule.contains_key("icmp-type") && !is_icmp {
        findings.error("proto", "missing property - 'icmp-type' requires this property");
    }
}

fn check_addresses(key: &str, value: &str, context: RuleContext<'_>, findings: &mut Findings) -> Result<(), String> {
    if let Some(set) = value.strip_prefix('+') {
        let name = ["guest/", "dc/", "sdn/"].iter().find_map(|scope| set.strip_prefix(scope)).unwrap_or(set);
        let known = |firewall: &Firewall| firewall.sets.contains_key(name) || firewall.network_sets.contains(name);
        if !is_id(name) {
            findings.error(key, format!("invalid ipset name '{value}'"));
        } else if !known(context.cluster) && !context.local.is_some_and(known) {
            findings.error(key, format!("no such ipset '{name}'"));
        }
        return Ok(());
    }
    let (scope, name) = scoped(value);
    if is_id(name) {
        let alias = name.to_ascii_lowercase();
        let local = context.local.and_then(|local| local.aliases.get(&alias));
        let shared = context.cluster.aliases.get(&alias);
        if local.is_none() && shared.is_none() {
            findings.error(key, format!("no such alias '{value}'"));
        }
        let local = local.filter(|_| scope != "dc/");
        let alias = local.or(shared.filter(|_| scope != "guest/"));
        return findings.version(alias.map(|alias| alias.version));
    }
    let version = if value.contains(':') { 6 } else { 4 };
    if let Some(wrong) = value.split([',', '-']).find(|part| address(part).is_none()) {
        findings.error(key, format!("invalid IP address: {wrong}"));
    } else if let Err(why) = findings.version(Some(version)) {
        findings.error(key, why);
    }
    Ok(())
}

/// The scope and the name: `dc/` and `lan` of `dc/lan`.
pub(super) fn scoped(text: &str) -> (&str, &str) {
    ["dc/", "guest/"].iter().find_map(|scope| Some((*scope, text.strip_prefix(scope)?))).unwrap_or(("", text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etc_pve::firewall_file::Alias;

    #[test]
    fn rules_are_read_as_proxmox_does() {
        let mut cluster = Firewall::default();
        let alias = |version| Alias { name: String::new(), cidr: String::new(), version, comment: None };
        cluster.aliases.insert("lan".to_owned(), alias(4));
        cluster.aliases.insert("six".to_owned(), alias(6));
        cluster.sets.insert("mgmt".to_owned(), Vec::new());
        let check = |level: Level, line: &str, expected: Option<Value>| {
            let rule = parse(line, RuleContext { level, cluster: &cluster, local: None });
            assert_eq!(rule.map(Value::Object).ok(), expected, "{line}");
        };
        let host = Level::Host;
        let rule = |more: Value| {
            let mut rule = json!({"type": "in", "action": "ACCEPT", "enable": 1});
            for (key, value) in more.as_object().into_iter().flatten() {
                rule[key] = value.clone();
            }
            Some(rule)
        };
        check(host, "IN ACCEPT", rule(json!({})));
        check(host, "|in\tACCEPT # bé ", rule(json!({"enable": 0, "comment": "bé"})));
        check(host, "IN ssh(ACCEPT) -source +dc/mgmt", rule(json!({"macro": "SSH", "source": "+dc/mgmt"})));
        check(
            host,
            "IN ACCEPT -source dc/LAN -p tcp -dport 22",
            rule(json!({"source": "dc/LAN", "proto": "tcp", "dport": "22", "ipversion": 4})),
        );
        check(
            host,
            "IN ACCEPT --proto icmpv6 --icmp-type any",
            rule(json!({"proto": "icmpv6", "icmp-type": "any", "ipversion": 6})),
        );
        check(host, "IN ACCEPT -dest 10.0.0.1-10.0.0.9", rule(json!({"dest": "10.0.0.1-10.0.0.9", "ipversion": 4})));
        check(
            Level::Machine,
            "GROUP web -i net0",
            Some(json!({"type": "group", "action": "web", "enable": 1, "iface": "net0"})),
        );
        // Errors are shown with the rule.
        let wrong = |more: Value, key: &str, why: &str| {
            let mut rule = rule(more)?;
            rule["errors"] = json!({ key: why });
            Some(rule)
        };
        check(host, "IN ACCEPT -source +none", wrong(json!({"source": "+none"}), "source", "no such ipset 'none'"));
        check(host, "IN ACCEPT -source none", wrong(json!({"source": "none"}), "source", "no such alias 'none'"));
        check(host, "IN Fly(ACCEPT)", wrong(json!({"macro": "Fly"}), "macro", "unknown macro 'Fly'"));
        check(host, "IN LOG", wrong(json!({"action": "LOG"}), "action", "unknown action 'LOG'"));
        check(
            Level::Machine,
            "IN ACCEPT -i eth0",
            wrong(json!({"iface": "eth0"}), "iface", r"value does not match the regex pattern 'net\d+'"),
        );
        // Lines that cannot be read are not rules.
        for line in [
            "IN",
            "",
            "# x",
            "IN ACCEPT -x 1",
            "IN ACCEPT -log loud",
            "GROUP web -p tcp",
            "IN ACCEPT -p",
            "IN ACCEPT -source lan -dest six",
        ] {
            check(host, line, None);
        }
    }
}
