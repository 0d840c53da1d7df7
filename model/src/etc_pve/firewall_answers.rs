//! Answers about the firewall, at each location that has one.

use serde_json::{Value, json};

use super::firewall;
use super::firewall_file::{Firewall, Level};
use super::guest_answers::ConfiguredGuest;
use super::sheet::{Row, Sheet, row, rows, with};
use super::tree::{Tree, file};
use crate::ApiPath;
use crate::guest::GuestType;

/// Refusal for a virtual network that is not applied (docs/proxmox.md, "Files").
const NO_NETWORK: &str = "invalid vnet specified at /usr/share/perl5/PVE/API2/Firewall/Helpers.pm line 54.";

/// Virtual networks: the configured ones, the running ones, and the sets of addresses that running ones have.
pub(super) struct FirewallNetworks<'n> {
    pub(super) configured: Vec<String>,
    pub(super) running: &'n [String],
}

/// Answers everything below a `firewall`.
pub(super) fn answer(
    tree: &Tree,
    nodes: &[String],
    guests: &[ConfiguredGuest],
    networks: &FirewallNetworks<'_>,
    sheet: &mut Sheet,
) {
    let sets = networks.running.iter().flat_map(|network| network_sets(network).map(|(name, _)| name));
    let given = Firewall { network_sets: sets.collect(), ..Firewall::default() };
    let name = "firewall/cluster.fw";
    let source = file(tree, name);
    let cluster = firewall::parse(name, &source.text, Level::Cluster, Some(&given), sheet);
    let shared = references(&cluster, "dc", networks);
    let location = FirewallLocation { prefix: &["cluster", "firewall"], level: Level::Cluster, digest: &source.sha1 };
    location.answer(&cluster, &shared, sheet);
    location.groups(&cluster, sheet);
    for node in nodes {
        let name = format!("nodes/{node}/host.fw");
        let source = file(tree, &name);
        let host = firewall::parse(&name, &source.text, Level::Host, Some(&cluster), sheet);
        let location =
            FirewallLocation { prefix: &["nodes", node, "firewall"], level: Level::Host, digest: &source.sha1 };
        location.answer(&host, &[], sheet);
    }
    for guest in guests {
        let name = format!("firewall/{}.fw", guest.vmid);
        let level = if guest.kind == GuestType::Qemu { Level::Machine } else { Level::Container };
        let source = file(tree, &name);
        let firewall = firewall::parse(&name, &source.text, level, Some(&cluster), sheet);
        let mut all = shared.clone();
        all.extend(references(&firewall, "guest", &FirewallNetworks { configured: Vec::new(), running: &[] }));
        let (word, vmid) = (guest.kind.word(), guest.vmid.to_string());
        let prefix = &["nodes", &guest.node, word, &vmid, "firewall"];
        FirewallLocation { prefix, level, digest: &source.sha1 }.answer(&firewall, &all, sheet);
        sheet.settle();
    }
    for network in &networks.configured {
        let name = format!("sdn/firewall/{network}.fw");
        let source = file(tree, &name);
        let prefix = &["cluster", "sdn", "vnets", network, "firewall"];
        if !networks.running.contains(network) {
            for what in ["options", "rules"] {
                sheet.refuse(ApiPath::new(prefix.iter().copied().chain([what])), NO_NETWORK);
            }
            continue;
        }
        let firewall = firewall::parse(&name, &source.text, Level::Network, Some(&cluster), sheet);
        FirewallLocation { prefix, level: Level::Network, digest: &source.sha1 }.answer(&firewall, &[], sheet);
    }
}

/// The sets of addresses that a virtual network has, and their comments.
fn network_sets(network: &str) -> impl Iterator<Item = (String, String)> {
    let all = format!("All subnets of VNet {network}");
    [
        (format!("{network}-all"), all.clone()),
        (format!("{network}-gateway"), format!("All gateways of VNet {network}")),
        (format!("{network}-no-gateway"), format!("{all}, excluding gateways")),
        (format!("{network}-dhcp"), format!("DHCP ranges of VNet {network}")),
    ]
    .into_iter()
}

/// The names that rules may refer to.
fn references(firewall: &Firewall, scope: &str, networks: &FirewallNetworks<'_>) -> Vec<Row> {
    let reference = |kind: &str, name: &str, scope: &str, comment: Option<&String>| {
        let sign = if kind == "ipset" { "+" } else { "" };
        let reference = format!("{sign}{name}");
        let row =
            row([("type", json!(kind)), ("name", json!(name)), ("ref", json!(reference)), ("scope", json!(scope))]);
        commented(row, comment)
    };
    let networks = networks.running.iter().flat_map(|network| network_sets(network));
    let networks = networks.map(|(name, comment)| reference("ipset", &name, "sdn", Some(&comment)));
    let sets = firewall.sets.keys().map(|name| reference("ipset", name, scope, firewall.set_comments.get(name)));
    let aliases = firewall.aliases.values().map(|alias| reference("alias", &alias.name, scope, alias.comment.as_ref()));
    networks.chain(sets).chain(aliases).collect()
}

fn commented(row: Row, comment: Option<&String>) -> Row {
    match comment {
        Some(comment) => with(row, "comment", json!(comment)),
        None => row,
    }
}

/// Location with a firewall.
struct FirewallLocation<'p> {
    prefix: &'p [&'p str],
    level: Level,
    digest: &'p str,
}

impl FirewallLocation<'_> {
    fn put(&self, what: &[&str], data: impl Into<Value>, sheet: &mut Sheet) {
        sheet.put_at(ApiPath::new(self.prefix.iter().chain(what)), data);
    }

    fn answer(&self, firewall: &Firewall, references: &[Row], sheet: &mut Sheet) {
        let digested = |row: Row| with(row, "digest", json!(self.digest));
        self.put(&["options"], digested(firewall.options.clone()), sheet);
        self.put(&["rules"], self.rules(&firewall.rules), sheet);
        let index = match self.level {
            Level::Cluster => "rules aliases ipset refs options groups macros",
            Level::Machine | Level::Container => "rules aliases ipset refs options",
            Level::Host | Level::Group | Level::Network => return,
        };
        self.put(&[], rows(index.split(' ').map(|name| row([("name", json!(name))])).collect()), sheet);
        let aliases = firewall.aliases.values().map(|alias| {
            let keys = [("name", json!(alias.name)), ("cidr", json!(alias.cidr)), ("ipversion", json!(alias.version))];
            digested(commented(row(keys), alias.comment.as_ref()))
        });
        self.put(&["aliases"], rows(aliases.collect()), sheet);
        let sets = firewall.sets.keys();
        let sets = sets.map(|name| digested(commented(row([("name", json!(name))]), firewall.set_comments.get(name))));
        self.put(&["ipset"], rows(sets.collect()), sheet);
        for (name, entries) in &firewall.sets {
            self.put(&["ipset", name], rows(entries.iter().cloned().map(digested).collect()), sheet);
        }
        self.put(&["refs"], rows(references.to_vec()), sheet);
    }

    fn groups(&self, firewall: &Firewall, sheet: &mut Sheet) {
        let group = |name: &String| {
            let keys = row([("group", json!(name)), ("digest", json!(self.digest))]);
            commented(keys, firewall.group_comments.get(name))
        };
        self.put(&["groups"], rows(firewall.groups.keys().map(group).collect()), sheet);
        for (name, rules) in &firewall.groups {
            self.put(&["groups", name], self.rules(rules), sheet);
        }
    }

    fn rules(&self, rules: &[Row]) -> Value {
        let numbered = rules.iter().enumerate().map(|(position, rule)| {
            let rule = with(rule.clone(), "digest", json!(self.digest));
            with(rule, "pos", json!(position))
        });
        rows(numbered.collect())
    }
}
