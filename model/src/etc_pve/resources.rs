//! Answers about the resources of the cluster, as far as configuration has them: nodes that are online, guests that are
//! stopped, storages of unknown size.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::guest_answers::ConfiguredGuest;
use super::sheet::{Row, Sheet, row, rows, with};
use super::user::{Pool, Users};
use crate::drive::Drive;
use crate::guest::GuestType;
use crate::kinds::without_file_names;
use crate::property::Properties;
use crate::{ApiPath, list, processors};

/// Parts of the cluster that the lists are made of.
pub(super) struct ClusterParts<'p> {
    pub(super) nodes: &'p [String],
    pub(super) guests: &'p [ConfiguredGuest],
    pub(super) storages: &'p [Row],
    pub(super) users: &'p Users,
    /// The requested state of resources under high availability: `vm:100`.
    pub(super) managed: &'p BTreeMap<String, String>,
}

/// Answers `nodes`, `cluster/resources`, `pools` and the lists of storages and images.
pub(super) fn answer(parts: &ClusterParts<'_>, sheet: &mut Sheet) {
    let node = |node: &String| {
        row([
            ("id", json!(format!("node/{node}"))),
            ("node", json!(node)),
            ("type", json!("node")),
            ("status", json!("online")),
            ("level", json!("")),
        ])
    };
    let nodes: Vec<Row> = parts.nodes.iter().map(node).collect();
    sheet.put("nodes", rows(nodes.clone()));
    let guests: Vec<Row> = parts.guests.iter().map(|guest| parts.guest(guest)).collect();
    let stored =
        |node: &String| parts.on(node).filter(|keys| is_enabled(keys)).map(|keys| resource(keys, node)).collect();
    let storages: Vec<Row> = parts.nodes.iter().flat_map(|node| -> Vec<Row> { stored(node) }).collect();
    let pool =
        |name: &String| row([("id", json!(format!("/pool/{name}"))), ("pool", json!(name)), ("type", json!("pool"))]);
    let pools = parts.users.pools.keys().map(pool);
    sheet.put("cluster/resources", rows(pools.chain(guests.iter().cloned()).chain(nodes).chain(storages).collect()));
    let images = images(parts.guests);
    for node in parts.nodes {
        let listed = parts.on(node).map(|keys| {
            let enabled = u8::from(is_enabled(keys));
            let mut entry = row([("enabled", json!(enabled)), ("active", json!(enabled))]);
            for key in ["storage", "type", "content"] {
                entry.extend(keys.get(key).map(|value| (key.to_owned(), value.clone())));
            }
            for key in ["avail", "total", "used"] {
                entry.insert(key.to_owned(), json!(0));
            }
            with(entry, "shared", keys.get("shared").cloned().unwrap_or(json!(0)))
        });
        sheet.put_at(ApiPath::new(["nodes", node, "storage"]), rows(listed.collect()));
        for keys in parts.on(node).filter(|keys| is_enabled(keys)) {
            let storage = word(keys, "storage");
            let path = ApiPath::new(["nodes", node, "storage", storage, "content"]);
            let volumes = seen(&images, node, keys);
            // A storage without files has only volumes of guests; for others the configuration does not name all
            // volumes.
            if without_file_names(word(keys, "type")) {
                sheet.put_at(path, rows(volumes));
                continue;
            }
            for content in ["images", "rootdir"] {
                let held = volumes.iter().filter(|volume| word(volume, "content") == content).cloned();
                sheet.put_at(path.clone().with_query("content", content), rows(held.collect()));
            }
        }
    }
    let mut listed = Vec::new();
    for (name, pool) in &parts.users.pools {
        let mut keys = row([("poolid", json!(name))]);
        keys.extend(pool.comment.iter().map(|comment| ("comment".to_owned(), json!(comment))));
        let members = with(keys.clone(), "members", rows(parts.members(pool, &guests)));
        sheet.put_at(ApiPath::new(["pools"]).with_query("poolid", name), json!([members]));
        listed.push(keys);
    }
    sheet.put("pools", rows(listed));
    next_id(parts, sheet);
}

/// Answers the smallest VMID that no guest has.
fn next_id(parts: &ClusterParts<'_>, sheet: &mut Sheet) {
    let taken: BTreeSet<u32> = parts.guests.iter().map(|guest| guest.vmid).collect();
    let options = sheet.answers.get(&ApiPath::parse("cluster/options"));
    let lower = options.and_then(|answer| answer.data()?.get("next-id")?.get("lower")?.as_str()?.parse().ok());
    let lower: u32 = lower.unwrap_or(100);
    // One of so many numbers is free.
    let numbers = (lower..=u32::MAX).take(taken.len() + 1);
    if let Some(free) = numbers.into_iter().find(|number| !taken.contains(number)) {
        sheet.put("cluster/nextid", json!(free.to_string()));
    }
}

fn word<'k>(keys: &'k Row, key: &str) -> &'k str {
    keys.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_enabled(keys: &Row) -> bool {
    keys.get("disable").is_none_or(|disable| *disable == json!(0))
}

fn resource(keys: &Row, node: &str) -> Row {
    let storage = word(keys, "storage");
    row([
        ("id", json!(format!("storage/{node}/{storage}"))),
        ("type", json!("storage")),
        ("storage", json!(storage)),
        ("node", json!(node)),
        ("status", json!("available")),
        ("plugintype", json!(word(keys, "type"))),
        ("content", json!(word(keys, "content"))),
        ("shared", keys.get("shared").cloned().unwrap_or(json!(0))),
        ("disk", json!(0)),
        ("maxdisk", json!(0)),
    ])
}

impl<'p> ClusterParts<'p> {
    /// The storages of a node.
    fn on<'n>(&self, node: &'n str) -> impl Iterator<Item = &'p Row> + use<'p, 'n> {
        let allowed = move |keys: &&Row| {
            let nodes = word(keys, "nodes");
            nodes.is_empty() || list::items(nodes).any(|allowed| allowed == node)
        };
        self.storages.iter().filter(allowed)
    }

    fn guest(&self, guest: &ConfiguredGuest) -> Row {
        let configuration = &guest.configuration.current;
        let text = |key: &str| configuration.get(key).and_then(crate::object::text);
        let number = |key: &str| text(key).and_then(|text| text.parse::<u64>().ok());
        let (is_vm, vmid) = (guest.kind == GuestType::Qemu, guest.vmid);
        let name = if is_vm { text("name") } else { text("hostname") };
        let invented = if is_vm { format!("VM {vmid}") } else { format!("CT{vmid}") };
        let memory = text("memory").and_then(|memory| Properties::parse(&memory).get_or_bare("current")?.parse().ok());
        let processors = if is_vm {
            Some(json!(number("vcpus").unwrap_or(number("sockets").unwrap_or(1) * number("cores").unwrap_or(1))))
        } else {
            processors::of_container(configuration, None).map(|cpus| processors::as_number(&cpus))
        };
        let disk = boot_drive(guest).and_then(|drive| drive.size()).map_or(0, |size| size.count());
        let mut entry = row([
            ("id", json!(format!("{}/{vmid}", guest.kind.word()))),
            ("type", json!(guest.kind.word())),
            ("vmid", json!(vmid)),
            ("node", json!(guest.node)),
            ("name", json!(name.unwrap_or(invented))),
            ("status", json!("stopped")),
            ("template", json!(number("template").unwrap_or(0))),
            ("maxcpu", processors.unwrap_or(json!(1))),
            ("maxmem", json!(memory.unwrap_or(512_u64) << 20)),
            ("maxdisk", json!(disk)),
        ]);
        for key in ["cpu", "mem", "memhost", "disk", "diskread", "diskwrite", "netin", "netout", "uptime"] {
            entry.insert(key.to_owned(), json!(0));
        }
        let tags = guest.configuration.tags.as_deref().map(str::trim).filter(|tags| !tags.is_empty());
        entry.extend(tags.map(|tags| ("tags".to_owned(), json!(tags))));
        let pool = self.users.pools.iter().find(|(_, pool)| pool.guests.contains(&vmid));
        entry.extend(pool.map(|(pool, _)| ("pool".to_owned(), json!(pool))));
        let sid = format!("{}:{vmid}", if is_vm { "vm" } else { "ct" });
        entry.extend(self.managed.get(&sid).map(|state| ("hastate".to_owned(), json!(state))));
        entry
    }

    /// The members of a pool: its guests, and each storage once, on the first node that has it.
    fn members(&self, pool: &Pool, guests: &[Row]) -> Vec<Row> {
        let is_member = |row: &&Row| {
            let vmid = row.get("vmid").and_then(Value::as_u64).and_then(|vmid| u32::try_from(vmid).ok());
            vmid.is_some_and(|vmid| pool.guests.contains(&vmid))
        };
        let inside = |row: &Row| -> Row {
            let shown = row.iter().filter(|(key, _)| !matches!(key.as_str(), "pool" | "tags" | "hastate"));
            shown.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let mut members: Vec<Row> = guests.iter().filter(is_member).map(inside).collect();
        for storage in &pool.storages {
            let of_node = |node: &String| {
                let keys = self.on(node).find(|keys| word(keys, "storage") == storage)?;
                Some(resource(keys, node))
            };
            members.extend(self.nodes.iter().find_map(of_node));
        }
        members
    }
}

/// The volumes of guests that configurations name, in force, pending or in snapshots, by storage: each with the node of
/// the guest that names it. A volume of a container is a `rootdir`.
fn images(guests: &[ConfiguredGuest]) -> BTreeMap<String, Vec<(&str, Row)>> {
    let mut images: BTreeMap<String, Vec<(&str, Row)>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let containers: BTreeSet<u32> =
        guests.iter().filter(|guest| guest.kind == GuestType::Lxc).map(|guest| guest.vmid).collect();
    for guest in guests {
        let configuration = &guest.configuration;
        let waiting = configuration.current.values().chain(configuration.pending.values());
        let everywhere = waiting.chain(configuration.snapshots.values().flat_map(Row::values));
        for drive in everywhere.filter_map(|value| Some(Drive::parse(value.as_str()?))) {
            let Some(volume) = drive.stored() else { continue };
            let Some(owner) = volume.owner() else { continue };
            if !seen.insert((guest.node.as_str(), volume.clone())) {
                continue;
            }
            let mut image = row([
                ("volid", json!(volume.as_str())),
                ("vmid", json!(owner.number())),
                ("content", json!(if containers.contains(&owner.number()) { "rootdir" } else { "images" })),
                ("format", json!(format(&drive, volume.name()))),
            ]);
            image.extend(drive.size().map(|size| ("size".to_owned(), json!(size.count()))));
            images.entry(volume.storage().to_owned()).or_default().push((&guest.node, image));
        }
    }
    images
}

/// The format of a volume: `subvol` for a container's on a file system of its own, `raw` where none is named.
fn format<'d>(drive: &'d Drive, name: &str) -> &'d str {
    let last = name.rsplit('/').next().unwrap_or(name);
    let is_folder = last.starts_with("subvol-") || last.starts_with("basevol-");
    if is_folder { "subvol" } else { drive.format().unwrap_or("raw") }
}

/// The images on a storage that a node sees: those of its own guests, or of all guests where the storage is shared.
fn seen<'i>(images: &'i BTreeMap<String, Vec<(&str, Row)>>, node: &str, keys: &Row) -> Vec<Row> {
    let is_shared = keys.get("shared") == Some(&json!(1));
    let here = images.get(word(keys, "storage")).into_iter().flatten();
    let mut volumes: BTreeMap<&'i str, &'i Row> = BTreeMap::new();
    for (_, image) in here.filter(|(of, _)| is_shared || *of == node) {
        volumes.entry(word(image, "volid")).or_insert(image);
    }
    let block = without_file_names(word(keys, "type"));
    let is_folder = |image: &Row| word(image, "format") == "subvol";
    let shown =
        |image: &Row| if block && !is_folder(image) { with(image.clone(), "format", "raw") } else { image.clone() };
    volumes.into_values().map(shown).collect()
}

/// The drive that a guest starts from.
fn boot_drive(guest: &ConfiguredGuest) -> Option<Drive> {
    let configuration = &guest.configuration.current;
    let drive = |key: &str| Some(Drive::parse(configuration.get(key)?.as_str()?)).filter(|drive| !drive.is_cdrom());
    if guest.kind == GuestType::Lxc {
        return drive("rootfs");
    }
    let order = configuration.get("boot").and_then(Value::as_str).map(Properties::parse);
    let order = order.as_ref().and_then(|boot| boot.get("order")).unwrap_or_default();
    let is_disk =
        |key: &&str| ["scsi", "virtio", "sata", "ide"].iter().any(|bus| crate::key_names::index(bus, key).is_some());
    let bootdisk = configuration.get("bootdisk").and_then(Value::as_str);
    list::items(order).chain(bootdisk).filter(is_disk).find_map(drive)
}
