//! Loading of a copy of `/etc/pve`: the answers to every request that it can answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::guest_answers::ConfiguredGuest;
use super::sheet::Sheet;
use super::tree::{Tree, file};
use super::{
    access, backup, corosync, cpu_models, firewall_answers, guest, ha, jobs, mapping, notifications, options,
    resources, sdn, storage, user,
};
use crate::guest::GuestType;
use crate::schema::Release;
use crate::{AnswerText, ApiPath, VmId};

/// Answers that follow from a tree.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The answers to the requests that configuration can answer.
    pub answers: BTreeMap<ApiPath, AnswerText>,
    /// The nodes; the first one is taken for the one that answers.
    pub nodes: Vec<String>,
    /// The number of guests.
    pub guests: usize,
    /// The parts that were left out, and the reasons: `storage.cfg line 4: …`.
    pub warnings: Vec<String>,
}

/// Reads a tree; the version of Proxmox VE (`9.1.9`) is given, since none of its files has it.
pub fn load(tree: &Tree, version: &str) -> Loaded {
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(u32::MAX);
    let mut sheet = Sheet::of_release(major < 9);
    let corosync = corosync::read(tree, &mut sheet);
    let nodes = nodes(tree, corosync.as_ref(), &mut sheet);
    let guests = guests(tree, &mut sheet);
    for guest in &guests {
        guest.answer(&mut sheet);
        sheet.settle();
    }
    version_answers(version, &nodes, &mut sheet);
    corosync::answer(corosync.as_ref(), &nodes, &mut sheet);
    let tags: BTreeSet<String> = guests
        .iter()
        .filter_map(|guest| guest.configuration.tags.as_deref())
        .flat_map(options::tags_of_guest)
        .collect();
    options::datacenter(tree, tags, &mut sheet);
    for node in &nodes {
        options::node(tree, node, &mut sheet);
    }
    let users = user::parse(&file(tree, "user.cfg").text, &mut sheet);
    access::answer(tree, &users, &mut sheet);
    let storages = storage::read(tree, &mut sheet);
    storage::answer(&storages, &mut sheet);
    let managed = ha::answer(tree, &mut sheet);
    mapping::answer(tree, &mut sheet);
    mapping::servers(tree, &mut sheet);
    if Release::of(version) >= Release::NineTwo {
        cpu_models::answer(tree, &mut sheet);
    }
    let backups = jobs::answer(tree, &mut sheet);
    backup::answer(&backups, &guests, &users, &mut sheet);
    let mut jobs: Vec<(String, Value)> = backups.iter().map(jobs::named).collect();
    jobs.extend(jobs::replications(tree, &mut sheet));
    notifications::answer(tree, &nodes, &jobs, &mut sheet);
    let networks = sdn::answer(tree, &mut sheet);
    let networks = firewall_answers::FirewallNetworks { configured: networks.configured, running: &networks.running };
    firewall_answers::answer(tree, &nodes, &guests, &networks, &mut sheet);
    let parts = resources::ClusterParts {
        nodes: &nodes,
        guests: &guests,
        storages: &storages,
        users: &users,
        managed: &managed,
    };
    resources::answer(&parts, &mut sheet);
    let (answers, warnings) = sheet.finish();
    Loaded { answers, nodes, guests: guests.len(), warnings }
}

/// The answer of the API to the lines of a `datacenter.cfg`, without the tags that are allowed.
pub fn datacenter_options(text: &str) -> Map<String, Value> {
    options::datacenter_options(text, &mut Sheet::default())
}

/// The nodes that the cluster's file or a folder names, sorted but for the one that was asked, which comes first.
fn nodes(tree: &Tree, corosync: Option<&corosync::Corosync>, sheet: &mut Sheet) -> Vec<String> {
    let folders = tree.keys().filter_map(|path| path.strip_prefix("nodes/")?.split_once('/').map(|(node, _)| node));
    let members = corosync.into_iter().flat_map(corosync::Corosync::names);
    let nodes: BTreeSet<&str> = folders.chain(members).collect();
    // A node that left the cluster leaves its folder behind: it counts while it has guests.
    let is_member = |node: &str| corosync.is_none_or(|corosync| corosync.names().any(|name| name == node));
    let has_guests = |node: &str| {
        let folder = format!("nodes/{node}/");
        let inside = |path: &String| path.strip_prefix(&folder).is_some_and(|rest| rest.contains('/'));
        tree.keys().any(inside)
    };
    let (nodes, left): (BTreeSet<&str>, BTreeSet<&str>) =
        nodes.into_iter().partition(|node| is_member(node) || has_guests(node));
    for node in left {
        sheet
            .warnings
            .push(format!("nodes/{node}: left out, since corosync.conf does not name it and it has no guests"));
    }
    if nodes.is_empty() {
        sheet.warnings.push("nodes: there is none, so one is invented".to_owned());
        return vec!["pve".to_owned()];
    }
    let mut nodes: Vec<String> = nodes.into_iter().map(str::to_owned).collect();
    if let Some(at) = tree.get("local").and_then(|local| nodes.iter().position(|node| *node == local.text)) {
        nodes[..=at].rotate_right(1);
    }
    nodes
}

/// The guests in the order of their numbers. Of files with one number the first one counts.
fn guests(tree: &Tree, sheet: &mut Sheet) -> Vec<ConfiguredGuest> {
    let mut guests: BTreeMap<VmId, ConfiguredGuest> = BTreeMap::new();
    for (path, file) in tree {
        let parts: Vec<&str> = path.split('/').collect();
        let ["nodes", node, folder, name] = parts[..] else { continue };
        let kind = match folder {
            "qemu-server" => GuestType::Qemu,
            "lxc" => GuestType::Lxc,
            _ => continue,
        };
        let Some(vmid) = name.strip_suffix(".conf").and_then(VmId::parse) else { continue };
        if guests.contains_key(&vmid) {
            sheet.warnings.push(format!("{path}: left out, since another file has this VMID"));
            continue;
        }
        let configuration = guest::parse(path, &file.text, kind, sheet);
        let (node, digest) = (node.to_owned(), file.sha1.clone());
        guests.insert(vmid, ConfiguredGuest { kind, vmid: vmid.number(), node, digest, configuration });
    }
    guests.into_values().collect()
}

fn version_answers(version: &str, nodes: &[String], sheet: &mut Sheet) {
    let release =
        version.rsplit_once('.').filter(|(release, _)| release.contains('.')).map_or(version, |(release, _)| release);
    let data: Value = json!({ "version": version, "release": release, "repoid": "" });
    for node in nodes {
        sheet.put_at(ApiPath::new(["nodes", node, "version"]), data.clone());
    }
    sheet.put("version", data);
}
