//! Checks of a rule that the schema does not have (`PVE::Firewall::verify_rule`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::firewall::{self, Version};
use proxmox_mpc_model::object::text;

use super::lists::{has, is_alias};
use crate::call::Refusal;
use crate::state::{Row, Transaction};

/// List that a rule belongs to (`rule_env`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleScope {
    Cluster,
    Group,
    Host,
    Vm,
    Container,
    Vnet,
}

impl RuleScope {
    /// The place that a list of rules belongs to.
    fn of(list: &ApiPath) -> Self {
        let segments = list.segments();
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        match words[..] {
            ["cluster", "firewall", "groups", ..] => Self::Group,
            ["cluster", "sdn", ..] => Self::Vnet,
            ["nodes", _, "qemu", ..] => Self::Vm,
            ["nodes", _, "lxc", ..] => Self::Container,
            ["nodes", ..] => Self::Host,
            _ => Self::Cluster,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Group => "group",
            Self::Host => "host",
            Self::Vm => "vm",
            Self::Container => "ct",
            Self::Vnet => "vnet",
        }
    }

    /// The types that a rule may have there.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Vm | Self::Container => &["in", "out", "group"],
            Self::Group => &["in", "out", "forward"],
            Self::Cluster | Self::Host => &["in", "out", "forward", "group"],
            Self::Vnet => &["forward", "group"],
        }
    }
}

/// A key of a rule with its complaint.
type Complaint = (&'static str, String);

/// Refuses what Proxmox refuses of a rule of this list, in its order, and adds the version of its addresses.
pub(super) fn verify(transaction: &Transaction, list: &ApiPath, row: &mut Row) -> Result<(), Refusal> {
    let place = RuleScope::of(list);
    let complain = |(key, why): Complaint| Refusal::parameter(key, why);
    kind(place, row).and_then(|()| interface(place, row)).map_err(complain)?;
    preferred_macro(transaction, row)?;
    let mut versions = Versions::default();
    protocol(row, &mut versions)?;
    ports(row).map_err(complain)?;
    for key in ["source", "dest"] {
        addresses(transaction, list, key, row, &mut versions)?;
    }
    row.remove("ipversion");
    row.extend(versions.0.map(|version| ("ipversion".to_owned(), version.number().into())));
    Ok(())
}

fn value(row: &Row, key: &str) -> Option<String> {
    row.get(key).and_then(text).filter(|text| !text.is_empty())
}

/// The version of all the addresses in a rule.
#[derive(Default)]
struct Versions(Option<Version>);

impl Versions {
    fn add(&mut self, version: Option<Version>) -> Result<(), String> {
        let Some(version) = version else { return Ok(()) };
        if self.0.is_some_and(|own| own != version) {
            return Err("detected mixed ipv4/ipv6 addresses in rule".to_owned());
        }
        self.0 = Some(version);
        Ok(())
    }
}

fn kind(place: RuleScope, row: &Row) -> Result<(), Complaint> {
    let missing = |key| (key, "missing property".to_owned());
    let kind = value(row, "type").ok_or_else(|| missing("type"))?;
    let action = value(row, "action").ok_or_else(|| missing("action"))?;
    if !place.types().contains(&kind.as_str()) {
        return Err(("type", format!("invalid rule type '{kind}' for rule_env '{}'", place.word())));
    }
    if kind == "group" {
        let fits = firewall::is_name(&action);
        return if fits { Ok(()) } else { Err(("action", "invalid characters in security group name".to_owned())) };
    }
    if kind == "forward" && action == "REJECT" {
        return Err(("action", "cannot define REJECT rules on forward chain".to_owned()));
    }
    if matches!(action.as_str(), "ACCEPT" | "DROP" | "REJECT") {
        Ok(())
    } else {
        Err(("action", format!("unknown action '{action}'")))
    }
}

fn interface(place: RuleScope, row: &Row) -> Result<(), Complaint> {
    let Some(name) = value(row, "iface") else { return Ok(()) };
    if matches!(place, RuleScope::Group | RuleScope::Vnet) {
        return Err(("type", "parameter -i not allowed for this rule type".to_owned()));
    }
    let card =
        || name.strip_prefix("net").is_some_and(|at| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit()));
    if matches!(place, RuleScope::Vm | RuleScope::Container) && !card() {
        return Err(("iface", "value does not match the regex pattern 'net\\d+'".to_owned()));
    }
    Ok(())
}

/// Spells a macro as Proxmox does.
fn preferred_macro(transaction: &Transaction, row: &mut Row) -> Result<(), Refusal> {
    let Some(name) = value(row, "macro") else { return Ok(()) };
    let macros = transaction.rows(&ApiPath::parse("cluster/firewall/macros"))?;
    let mut names = macros.iter().filter_map(|row| value(row, "macro"));
    let Some(preferred) = names.find(|own| own.eq_ignore_ascii_case(&name)) else {
        // Which macros there are is on record, or not known.
        if macros.is_empty() {
            return Ok(());
        }
        return Err(Refusal::parameter("macro", format!("unknown macro '{name}'")));
    };
    row.insert("macro".to_owned(), preferred.into());
    Ok(())
}

fn protocol(row: &Row, versions: &mut Versions) -> Result<(), Refusal> {
    let Some(protocol) = value(row, "proto") else { return Ok(()) };
    let version = match protocol.as_str() {
        "icmp" => Some(Version::Four),
        protocol => firewall::is_icmpv6(protocol).then_some(Version::Six),
    };
    versions.add(version).map_err(Refusal::failed)
}

fn ports(row: &Row) -> Result<(), Complaint> {
    let protocol = value(row, "proto");
    let of = |test: fn(&str) -> bool| protocol.as_deref().is_some_and(test);
    let icmp = of(firewall::is_icmp);
    let needs = |key: &'static str| ("proto", format!("missing property - '{key}' requires this property"));
    let no_ports = |key: &'static str, protocol: &str| (key, format!("protocol '{protocol}' does not support ports"));
    if value(row, "dport").is_some() {
        let protocol = protocol.as_deref().ok_or_else(|| needs("dport"))?;
        if !firewall::has_ports(protocol) && !icmp {
            return Err(no_ports("dport", protocol));
        }
    }
    if let Some(kind) = value(row, "icmp-type") {
        let protocol = protocol.as_deref().filter(|_| icmp).ok_or_else(|| needs("icmp-type"))?;
        if value(row, "dport").is_some() {
            return Err(("icmp-type", "'icmp-type' cannot be specified together with 'dport'".to_owned()));
        }
        if !firewall::is_icmp_type(&kind, firewall::is_icmpv6(protocol)) {
            return Err(("icmp-type", format!("invalid icmp-type '{kind}' for proto '{protocol}'")));
        }
    }
    if let Some(ports) = value(row, "sport") {
        firewall::ports(&ports, false).map_err(|why| ("sport", why))?;
        let protocol = protocol.as_deref().ok_or_else(|| needs("sport"))?;
        if !firewall::has_ports(protocol) {
            return Err(no_ports("sport", protocol));
        }
    }
    Ok(())
}

fn addresses(
    transaction: &Transaction,
    list: &ApiPath,
    key: &'static str,
    row: &Row,
    versions: &mut Versions,
) -> Result<(), Refusal> {
    let Some(given) = value(row, key) else { return Ok(()) };
    let complain = |why: String| Refusal::parameter(key, why);
    let version = firewall::addresses(&given).map_err(complain)?;
    versions.add(version).map_err(complain)?;
    if let Some(reference) = given.strip_prefix('+') {
        let name = firewall::unscoped(reference);
        let name = name.strip_prefix("sdn/").unwrap_or(name);
        if !firewall::is_name(name) {
            return Err(complain(format!("invalid ipset name '{given}'")));
        }
        if !is_set(transaction, list, name)? {
            return Err(complain(format!("no such ipset '{name}'")));
        }
    } else if firewall::is_name(firewall::unscoped(&given)) {
        let alias = alias(transaction, list, &given)?.ok_or_else(|| complain(format!("no such alias '{given}'")))?;
        let version = match alias.get("ipversion").and_then(serde_json::Value::as_i64) {
            Some(6) => Some(Version::Six),
            version => version.map(|_| Version::Four),
        };
        versions.add(version).map_err(Refusal::failed)?;
    }
    Ok(())
}

/// The firewall that a list of rules, aliases or sets is in, and that of the cluster.
fn firewalls(list: &ApiPath) -> [ApiPath; 2] {
    let segments = list.segments();
    let at = segments.iter().position(|segment| segment == "firewall").map_or(segments.len(), |at| at + 1);
    [ApiPath::new(&segments[..at]), ApiPath::parse("cluster/firewall")]
}

fn below(firewall: &ApiPath, word: &str) -> ApiPath {
    ApiPath::new(firewall.segments().iter().map(String::as_str).chain([word]))
}

/// Reports whether there is a set of addresses, here, of the cluster, or made by the SDN for its networks and guests.
fn is_set(transaction: &Transaction, list: &ApiPath, name: &str) -> Result<bool, Refusal> {
    for firewall in firewalls(list) {
        if transaction.rows(&below(&firewall, "ipset"))?.iter().any(|row| has(row, "name", name)) {
            return Ok(true);
        }
    }
    if name.strip_prefix("guest-ipam-").is_some_and(|guest| guest.parse::<u32>().is_ok()) {
        return Ok(true);
    }
    let networks = transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))?;
    let ends = ["-all", "-gateway", "-no-gateway", "-dhcp"];
    Ok(ends
        .iter()
        .filter_map(|end| name.strip_suffix(end))
        .any(|vnet| networks.iter().any(|row| has(row, "vnet", vnet))))
}

/// The alias that a name means in this firewall: its own before the cluster's, unless the name says which
/// (`resolve_alias`).
pub(super) fn alias(transaction: &Transaction, list: &ApiPath, name: &str) -> Result<Option<Row>, Refusal> {
    let own = firewall::unscoped(name);
    let [here, cluster] = firewalls(list);
    let places = match name {
        _ if name.starts_with("dc/") => vec![cluster],
        _ if name.starts_with("guest/") => vec![here],
        _ => vec![here, cluster],
    };
    for firewall in places {
        let aliases = transaction.rows(&below(&firewall, "aliases"))?;
        if let Some(row) = aliases.into_iter().find(|row| is_alias(row, own)) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
