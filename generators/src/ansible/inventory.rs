//! Inventory of the guests: hosts with their variables and addresses, and groups by type, node, pool and tag.
//!
//! Hosts have the names of the guests (see `host_names`). Groups are `virtual_machines`, `containers`, `node_…`, `pool_…` and
//! `tag_…`; templates are only in `templates`. docs/ansible.md says how names are made legal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proxmox_mpc_model::guest::Guest;
use proxmox_mpc_model::{Cluster, Entry, Identity, Unreadable, VmId, address};
use serde_json::{Map, Value};

use super::host_names::{self, RESERVED};
use super::text::document;
use crate::addresses::natural;
use crate::hcl::invisible;
use crate::names::{self, NameRequest};
use crate::workspace::FileSet;
use crate::yaml::{self, Node};

/// Path of the inventory file, relative to the workspace.
pub(crate) const GUESTS: &str = "ansible/inventory/guests.yml";

/// The new inventory, and what remains of the previous one.
#[derive(Default)]
pub(crate) struct Inventory<'f> {
    /// Previous hosts that have not been added: name, and variables as text.
    before: BTreeMap<Identity, (String, &'f str)>,
    /// Previous names of groups, by title: `tag a-b`.
    groups_before: BTreeMap<String, &'f str>,
    hosts: BTreeMap<(u64, Identity), Host>,
    /// Groups and their numbers. Ten thousand guests share few groups.
    groups: BTreeMap<HostGroup, usize>,
}

/// A host: its existing or its requested name, its variables as text, and the numbers of its groups.
struct Host {
    existing_name: Option<String>,
    requested_name: Option<String>,
    text: Box<str>,
    groups: Box<[usize]>,
}

/// A group of hosts: one with a fixed name, or one for a node, a pool or a tag.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum HostGroup {
    Fixed(&'static str),
    /// Type (`node`, `pool`, `tag`) and name in Proxmox.
    Named(&'static str, String),
}

impl<'f> Inventory<'f> {
    /// An empty inventory. Hosts of the previous files can be kept.
    pub(crate) fn new(previous: &'f FileSet) -> Self {
        let Some(text) = previous.get(GUESTS) else { return Self::default() };
        Self { before: read_hosts(text), groups_before: read_groups(text), ..Self::default() }
    }

    /// Adds a guest. Without its configuration (`keys`) the previous host is kept, or else a host with what the list shows.
    pub(crate) fn add(
        &mut self,
        cluster: &Cluster<'_>,
        entry: &Entry,
        keys: Option<&Map<String, Value>>,
    ) -> Result<(), Unreadable> {
        if keys.is_none() && self.keep(&entry.identity) {
            return Ok(());
        }
        let Some(guest) = VmId::parse(entry.identity.id()).and_then(|vmid| cluster.guests.get(&vmid)) else {
            return Ok(());
        };
        let address = keys.map(|keys| address::of(cluster, guest, keys)).transpose()?.flatten();
        let mut variables = Vec::new();
        variables.extend(address.map(|address| ("ansible_host", Node::from(address.to_string()))));
        variables.extend(facts(guest));
        let existing_name = self.before.remove(&entry.identity).map(|(name, _)| name);
        self.insert(
            &entry.identity,
            existing_name,
            entry.name.clone(),
            &Node::from(variables).render_at(3),
            groups(guest),
        );
        Ok(())
    }

    /// Keeps the previous host of a guest byte for byte. Returns false if there is none.
    pub(crate) fn keep(&mut self, identity: &Identity) -> bool {
        let Some((name, text)) = self.before.remove(identity) else { return false };
        self.insert(identity, Some(name), None, text, kept_groups(text));
        true
    }

    fn insert(
        &mut self,
        identity: &Identity,
        existing_name: Option<String>,
        requested_name: Option<String>,
        text: &str,
        groups: Vec<HostGroup>,
    ) {
        let mut number = |group| {
            let next = self.groups.len();
            *self.groups.entry(group).or_insert(next)
        };
        let groups = groups.into_iter().map(&mut number).collect();
        self.hosts.insert(natural(identity), Host { existing_name, requested_name, text: text.into(), groups });
    }

    /// Previous guests whose identities have this prefix, and that have not been added.
    pub(crate) fn before(&self, prefix: &str) -> Vec<Identity> {
        self.before.keys().filter(|identity| identity.prefix() == prefix).cloned().collect()
    }

    /// True if there is no host.
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Text of the file.
    pub(crate) fn render(self, header: &str) -> String {
        let kept = kept_names(self.groups.keys(), &self.groups_before);
        let requests = self.hosts.iter().map(|((_, identity), host)| host_names::HostNameRequest {
            identity,
            given: host.existing_name.as_deref(),
            name: host.requested_name.as_deref(),
        });
        let host_names = host_names::assign(&requests.collect::<Vec<_>>(), kept.values().copied());
        let mut text = document(&[header], "all:\n  hosts:\n");
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.groups.len()];
        let mut hosts = Vec::with_capacity(self.hosts.len());
        let names = group_names(self.groups.keys(), host_names.iter().map(String::as_str), &kept);
        let mut groups: Vec<(String, Option<String>, usize)> =
            self.groups.iter().map(|(group, number)| (names[group].clone(), group.title(), *number)).collect();
        groups.sort();
        // Each host is dropped once it is written, so that memory does not grow with the text.
        for (host, name) in self.hosts.into_values().zip(host_names) {
            let name = yaml::word(&name);
            _ = writeln!(text, "    {name}:");
            text.push_str(&host.text);
            host.groups.iter().for_each(|group| members[*group].push(hosts.len()));
            hosts.push(name);
        }
        text.push_str("  children:\n");
        for (group, title, number) in groups {
            if let Some(title) = title.filter(|title| implied_title(&group) != *title) {
                _ = writeln!(text, "    # {title}");
            }
            members[number].sort_unstable_by_key(|host| &hosts[*host]);
            _ = writeln!(text, "    {group}:\n      hosts:");
            for host in &members[number] {
                _ = writeln!(text, "        {}:", hosts[*host]);
            }
        }
        text
    }
}

impl HostGroup {
    /// Title of a group for a node, a pool or a tag: `tag a-b`.
    fn title(&self) -> Option<String> {
        match self {
            Self::Fixed(_) => None,
            // A comment is one line.
            Self::Named(kind, name) => Some(format!("{kind} {}", name.replace(invisible, "\u{fffd}"))),
        }
    }
}

/// Title that the name of a group implies: `tag prod` of `tag_prod`.
fn implied_title(name: &str) -> String {
    name.replacen('_', " ", 1)
}

/// Variables of a host: what Proxmox knows about the guest.
fn facts(guest: &Guest) -> Vec<(&'static str, Node)> {
    let mut facts = Vec::new();
    facts.extend(guest.name.as_deref().map(|name| ("proxmox_name", name.into())));
    facts.push(("proxmox_node", guest.node.as_str().into()));
    facts.extend(guest.pool.as_deref().map(|pool| ("proxmox_pool", pool.into())));
    facts.push(("proxmox_tags", Node::List(tags(guest).into_iter().map(Node::from).collect())));
    if guest.template {
        facts.push(("proxmox_template", true.into()));
    }
    facts.push(("proxmox_type", guest.guest_type.word().into()));
    facts.push(("proxmox_vmid", Node::Number(guest.vmid.to_string())));
    facts
}

/// Tags, sorted: their order has no meaning.
fn tags(guest: &Guest) -> BTreeSet<&str> {
    guest.tags.iter().map(String::as_str).collect()
}

fn groups(guest: &Guest) -> Vec<HostGroup> {
    let tags = tags(guest).into_iter().map(str::to_owned).collect();
    groups_for(guest.template, guest.guest_type.word(), Some(guest.node.clone()), guest.pool.clone(), tags)
}

/// Groups for a guest with these properties. A template is only in `templates`.
fn groups_for(
    template: bool,
    guest_type: &str,
    node: Option<String>,
    pool: Option<String>,
    tags: Vec<String>,
) -> Vec<HostGroup> {
    if template {
        return vec![HostGroup::Fixed("templates")];
    }
    let mut groups = vec![HostGroup::Fixed(if guest_type == "lxc" { "containers" } else { "virtual_machines" })];
    groups.extend(node.map(|node| HostGroup::Named("node", node)));
    groups.extend(pool.map(|pool| HostGroup::Named("pool", pool)));
    groups.extend(tags.into_iter().map(|tag| HostGroup::Named("tag", tag)));
    groups
}

/// Assigns a legal name to each group, different from all other groups and hosts: `tag_a_b`. Of two names that would be equal,
/// the group with exactly that name keeps it, and others get the codes of the illegal characters as a suffix: `tag_a_b_2d` of
/// `a-b`, `tag_a_b_2e` of `a.b`.
///
/// Names in `kept` stay.
fn group_names<'h>(
    groups: impl Iterator<Item = &'h HostGroup>,
    hosts: impl Iterator<Item = &'h str>,
    kept: &BTreeMap<&'h HostGroup, &str>,
) -> BTreeMap<&'h HostGroup, String> {
    let taken: BTreeSet<&str> = hosts.chain(RESERVED).collect();
    let given: BTreeSet<&str> = kept.values().copied().collect();
    let (mut names, mut exact) = (BTreeMap::new(), BTreeMap::new());
    let (mut requests, mut identities) = (Vec::new(), Vec::new());
    for group in groups {
        match group {
            HostGroup::Fixed(name) => drop(names.insert(group, (*name).to_owned())),
            HostGroup::Named(kind, name) => {
                let codes = name.chars().filter(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
                let mut id = String::new();
                codes.for_each(|c| _ = write!(id, "{:x}", u32::from(c)));
                let identity = Identity::new(kind, name);
                let plain = format!("{kind}_{name}");
                let free = !taken.contains(plain.as_str()) && !given.contains(plain.as_str());
                if let Some(name) = kept.get(group).filter(|name| !taken.contains(**name)) {
                    exact.insert(identity.clone(), (*name).to_owned());
                } else if names::slug(&plain) == plain && free {
                    exact.insert(identity.clone(), plain);
                }
                identities.push((group, identity.clone()));
                requests.push(NameRequest { identity, name: Some(format!("{kind} {name}")), word: "group", id });
            }
        }
    }
    let mut assigned = names::assign(&requests, &exact, &taken);
    names.extend(identities.into_iter().filter_map(|(group, identity)| Some((group, assigned.remove(&identity)?))));
    names
}

/// Reads the hosts of a generated inventory, each with its variables as text. Hosts are at the second level, variables at the
/// third, and continuation lines below that.
fn read_hosts(text: &str) -> BTreeMap<Identity, (String, &str)> {
    let mut found = BTreeMap::new();
    let (mut at, mut open): (usize, Option<(&str, usize)>) = (0, None);
    let mut close = |open: &mut Option<(&str, usize)>, end: usize| {
        let Some((name, start)) = open.take() else { return };
        let text = &text[start..end];
        // The variables identify the guest.
        if let (Some(guest_type), Some(vmid)) = (value(text, "proxmox_type"), value(text, "proxmox_vmid")) {
            found.insert(Identity::new(&guest_type, vmid), (yaml::read_word(name), text));
        }
    };
    for line in text.split_inclusive('\n') {
        let depth = line.len() - line.trim_start_matches(' ').len();
        if depth <= 4 {
            close(&mut open, at);
        }
        if line == "  children:\n" {
            break;
        }
        at += line.len();
        if let Some(name) = line.trim_end().strip_suffix(':').filter(|_| depth == 4) {
            open = Some((name.trim_start(), at));
        }
    }
    close(&mut open, at);
    found
}

/// Reads the names of groups in a generated inventory, by title: the comment above the name, or the title that the name implies.
fn read_groups(text: &str) -> BTreeMap<String, &str> {
    let mut found = BTreeMap::new();
    let mut title = None;
    let Some((_, groups)) = text.split_once("\n  children:\n") else { return found };
    for line in groups.lines() {
        let Some(line) = line.strip_prefix("    ").filter(|line| !line.starts_with(' ')) else { continue };
        if let Some(comment) = line.strip_prefix("# ") {
            title = Some(comment.to_owned());
        } else if let Some(name) = line.strip_suffix(':') {
            found.insert(title.take().unwrap_or_else(|| implied_title(name)), name);
        }
    }
    found
}

/// Existing names of groups, as far as they are legal.
fn kept_names<'g, 'f>(
    groups: impl Iterator<Item = &'g HostGroup>,
    before: &BTreeMap<String, &'f str>,
) -> BTreeMap<&'g HostGroup, &'f str> {
    let mut taken: BTreeSet<&str> = RESERVED.into_iter().collect();
    let known = groups.filter_map(|group| Some((group, *before.get(&group.title()?)?)));
    known.filter(|(_, name)| names::slug(name) == **name && taken.insert(name)).collect()
}

/// Reads a variable of a generated host.
fn value(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("      ")?.strip_prefix(key)?.strip_prefix(": "));
    line.map(yaml::read_word)
}

/// Groups of a kept host, from its variables.
fn kept_groups(text: &str) -> Vec<HostGroup> {
    let listed = text.lines().skip_while(|line| *line != "      proxmox_tags:").skip(1);
    let tags = listed.map_while(|line| line.strip_prefix("        - ")).map(yaml::read_word).collect();
    let guest_type = value(text, "proxmox_type").unwrap_or_default();
    let template = value(text, "proxmox_template").is_some();
    groups_for(template, &guest_type, value(text, "proxmox_node"), value(text, "proxmox_pool"), tags)
}
