//! Derived answers about features of a guest's volumes and the nodes that it can migrate to, from its configuration,
//! its storages and HA.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::configuration::{GuestConfigurations, drives, is_shared, storage, word};
use super::deriver::{Derivation, Deriver, Row};
use super::local_resources::{Devices, local_disks};
use crate::drive::Drive;
use crate::features::{self, Feature};
use crate::key_names::matches;
use crate::property::Properties;
use crate::{Answer, Answers, ApiPath, Unreadable, list};

/// `migrate`, `feature`, and the `interfaces` of a container.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    let ["nodes", node, kind @ ("qemu" | "lxc"), vmid, what] = segments else { return Ok(None) };
    let Some(guest) = GuestConfigurations::read(deriver, node, kind, vmid)? else { return Ok(None) };
    match (*what, query) {
        ("migrate", _) => preconditions(deriver, &guest).map(Some),
        ("feature", [(key, asked)]) if key == "feature" => feature(deriver, &guest, asked),
        ("interfaces", []) if guest.container => Ok(Some(Answer::ok(interfaces(&guest)))),
        _ => Ok(None),
    }
}

/// The output of `ip a` inside a container: its configured addresses; null while it does not run.
fn interfaces(guest: &GuestConfigurations<'_>) -> Value {
    if !guest.running {
        return Value::Null;
    }
    let networks = guest.keys.iter().filter(|(key, _)| matches("net[n]", key));
    let devices = networks.filter_map(|(_, value)| Some(interface(&Properties::parse(value.as_str()?))));
    let local = "127.0.0.1/8";
    let lo = described("lo", "00:00:00:00:00:00", [("inet", local), ("inet6", "::1/128")].into_iter());
    std::iter::once(lo).chain(devices).collect()
}

/// A network device of a container, with its configured addresses.
fn interface(network: &Properties) -> Value {
    let addresses = [("inet", "ip"), ("inet6", "ip6")].into_iter();
    let addresses = addresses.filter_map(|(family, key)| Some((family, network.get(key)?)));
    let addresses = addresses.filter(|(_, address)| address.contains('/'));
    let hardware = network.get("hwaddr").unwrap_or_default().to_lowercase();
    described(network.get("name").unwrap_or_default(), &hardware, addresses)
}

fn described<'a>(name: &str, hardware: &str, addresses: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut described = json!({ "name": name, "hwaddr": hardware, "hardware-address": hardware });
    let mut listed = Vec::new();
    for (family, whole) in addresses {
        let (address, prefix) = whole.split_once('/').unwrap_or((whole, ""));
        listed.push(json!({ "ip-address-type": family, "ip-address": address, "prefix": prefix }));
        described[family] = json!(whole);
    }
    described["ip-addresses"] = listed.into();
    described
}

/// The answer of `feature`: whether every volume supports it, and for a virtual machine the nodes that have all
/// volumes.
fn feature<A: Answers>(deriver: &Deriver<A>, guest: &GuestConfigurations<'_>, asked: &str) -> Derivation {
    let feature = match (asked, guest.container) {
        ("snapshot", _) => Feature::Snapshot,
        ("clone", true) => Feature::ContainerClone,
        ("clone", false) => Feature::Clone,
        ("copy", _) => Feature::Copy,
        _ => return Ok(None),
    };
    let mut can = true;
    for (_, value) in drives(&guest.keys, guest.container).filter(|(_, value)| !Drive::parse(value).is_cdrom()) {
        let volume = Drive::parse(value).stored().cloned();
        let storage = volume.as_ref().map(|volume| storage(deriver, volume)).transpose()?.flatten();
        can &= match (volume, storage) {
            (Some(volume), Some(storage)) => features::has(&word(&storage, "type"), feature, &volume),
            _ => false,
        };
    }
    let mut answer = json!({ "hasFeature": u8::from(can) });
    if !guest.container {
        answer["nodes"] = json!(shared_nodes(deriver, guest)?);
    }
    Ok(Some(Answer::ok(answer)))
}

fn nodes<A: Answers>(deriver: &Deriver<A>) -> Result<BTreeSet<String>, Unreadable> {
    let rows = deriver.rows(&ApiPath::parse("nodes"), "node")?;
    Ok(rows.iter().flat_map(|rows| rows.keys().cloned()).collect())
}

/// The nodes that have all volumes of a virtual machine (`shared_nodes` of `qemu-server`).
fn shared_nodes<A: Answers>(
    deriver: &Deriver<A>,
    guest: &GuestConfigurations<'_>,
) -> Result<BTreeSet<String>, Unreadable> {
    let mut nodes = nodes(deriver)?;
    for (_, value) in drives(&guest.keys, false) {
        let Some(volume) = Drive::parse(value).stored().cloned() else { continue };
        let Some(storage) = storage(deriver, &volume)? else { continue };
        let named = word(&storage, "nodes");
        if word(&storage, "disable") == "1" {
            nodes.clear();
        } else if !named.is_empty() {
            nodes.retain(|node| list::items(&named).any(|item| item == node));
        } else if !is_shared(&storage) {
            nodes.retain(|node| node == guest.node);
        }
    }
    Ok(nodes)
}

/// The answer of `migrate`: the nodes that a guest may migrate to, and what goes along or prevents it
/// (`migrate_vm_precondition`).
fn preconditions<A: Answers>(deriver: &Deriver<A>, guest: &GuestConfigurations<'_>) -> Result<Answer, Unreadable> {
    let kind = if guest.container { "CT" } else { "VM" };
    if let Some(lock) = guest.lock() {
        return Ok(Answer::refusal(500, &format!("{kind} is locked ({lock})")));
    }
    let mut answer = Row::from_iter([("running".to_owned(), json!(u8::from(guest.running)))]);
    let affinity = Affinity::read(deriver, guest)?;
    if let Some(together) = &affinity.together {
        answer.insert("dependent-ha-resources".to_owned(), json!(together));
    }
    let devices = Devices::read(deriver, guest)?;
    let (mut allowed, mut barred) = (Vec::new(), Map::new());
    for node in nodes(deriver)?.into_iter().filter(|node| node != guest.node) {
        let mut why = Map::new();
        if !guest.container {
            let lacking = unavailable(deriver, guest, &node)?;
            why.extend((!lacking.is_empty()).then(|| ("unavailable_storages".to_owned(), json!(lacking))));
            let missing = devices.missing(&node);
            why.extend((!missing.is_empty()).then(|| ("unavailable-resources".to_owned(), json!(missing))));
        }
        let blocking = affinity.blocking(&node);
        why.extend((!blocking.is_empty()).then(|| ("blocking-ha-resources".to_owned(), json!(blocking))));
        if why.is_empty() {
            allowed.push(node.clone());
        }
        // The answer of a virtual machine names every other node here, also those without any obstacle.
        if !guest.container || !why.is_empty() {
            barred.insert(node, why.into());
        }
    }
    let dash = if guest.container { "-" } else { "_" };
    answer.insert(format!("allowed{dash}nodes"), json!(allowed));
    answer.insert(format!("not{dash}allowed{dash}nodes"), barred.into());
    if !guest.container {
        answer.insert("local_disks".to_owned(), local_disks(deriver, guest)?.into());
        answer.insert("local_resources".to_owned(), json!(devices.local));
        answer.insert("mapped-resources".to_owned(), devices.mapped.keys().cloned().collect());
        let info = devices.mapped.iter().map(|(key, (_, name, _))| (key.clone(), json!({ "name": name })));
        answer.insert("mapped-resource-info".to_owned(), Value::Object(info.collect()));
        answer.insert("has-dbus-vmstate".to_owned(), json!(1));
    }
    Ok(Answer::ok(answer.into()))
}

/// The storages of a virtual machine that a node does not have (`check_local_storage_availability`).
fn unavailable<A: Answers>(
    deriver: &Deriver<A>,
    guest: &GuestConfigurations<'_>,
    node: &str,
) -> Result<BTreeSet<String>, Unreadable> {
    let mut lacking = BTreeSet::new();
    for (_, value) in drives(&guest.keys, false) {
        let Some(volume) = Drive::parse(value).stored().cloned() else { continue };
        let Some(storage) = storage(deriver, &volume)? else { continue };
        let named = word(&storage, "nodes");
        let elsewhere = !named.is_empty() && !list::items(&named).any(|item| item == node);
        if word(&storage, "disable") == "1" || elsewhere {
            lacking.insert(volume.storage().to_owned());
        }
    }
    Ok(lacking)
}

/// HA resources that a guest is kept together with, and apart from.
struct Affinity {
    /// The ids of those that are kept together; `None` where HA does not manage the guest.
    together: Option<BTreeSet<String>>,
    /// The ids of those that are kept apart, and their nodes.
    apart: Vec<(String, String)>,
}

impl Affinity {
    fn read<A: Answers>(deriver: &Deriver<A>, guest: &GuestConfigurations<'_>) -> Result<Self, Unreadable> {
        let sid = format!("{}:{}", if guest.container { "ct" } else { "vm" }, guest.vmid);
        let managed = |sid: &str| -> Result<bool, Unreadable> {
            let row = deriver.row(&ApiPath::parse("cluster/ha/resources"), "sid", sid)?;
            Ok(row.is_some_and(|row| word(&row, "state") != "ignored"))
        };
        let mut affinity = Self { together: None, apart: Vec::new() };
        if !managed(&sid)? {
            return Ok(affinity);
        }
        let mut together = BTreeSet::new();
        let rules = deriver.rows(&ApiPath::parse("cluster/ha/rules"), "rule")?;
        for rule in rules.iter().flat_map(|rules| rules.values()) {
            let resources = word(rule, "resources");
            if word(rule, "disable") == "1" || !list::items(&resources).any(|item| item == sid) {
                continue;
            }
            for other in list::items(&resources).filter(|other| *other != sid) {
                if !managed(other)? {
                    continue;
                }
                let vmid = other.split_once(':').map_or(other, |(_, vmid)| vmid);
                let row = deriver.row(&ApiPath::parse("cluster/resources"), "vmid", vmid)?;
                match word(rule, "affinity").as_str() {
                    "positive" => drop(together.insert(other.to_owned())),
                    "negative" => affinity.apart.extend(row.map(|row| (other.to_owned(), word(&row, "node")))),
                    _ => {}
                }
            }
        }
        affinity.together = Some(together);
        Ok(affinity)
    }

    fn blocking(&self, node: &str) -> Vec<Value> {
        let blocking = self.apart.iter().filter(|(_, other)| other == node);
        blocking.map(|(sid, _)| json!({ "sid": sid, "cause": "resource-affinity" })).collect()
    }
}
