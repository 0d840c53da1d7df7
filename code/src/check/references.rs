//! References: ids of nodes, storages, bridges and the like that neither the code nor the last recording has.

use std::collections::BTreeSet;

use super::code::{Code, Resource};
use super::finding::Draft;
use super::objects::{ObjectKind, Objects};
use super::recorded::Recorded;
use super::rule::{Rule, Severity};
use crate::configuration::Path;

/// Text that is true of all these rules.
macro_rules! reference {
    ($code:literal, $name:literal, $summary:literal, $case:literal, $why:literal) => {
        Rule {
            code: $code,
            name: $name,
            severity: Severity::Error,
            summary: $summary,
            case: $case,
            why: $why,
            remedy: "Correct the name, or add the resource that makes the object. If somebody has made it in the cluster since, \
                     `proxmox-mpc sync` or `proxmox-mpc import` records it. Without a recording the rule finds nothing.",
        }
    };
}

pub(super) static NODE: Rule = reference!(
    "PVE201",
    "unknown-node",
    "The cluster has no such node.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve9\"\n}\n",
    "The provider sends the request to a node that does not exist: the apply ends with `hostname lookup 'pve9' failed`, after \
     other changes are done."
);

pub(super) static STORAGE: Rule = reference!(
    "PVE202",
    "unknown-storage",
    "Neither the code nor the cluster has this storage, or its node does not.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  disk {\n    interface    = \"scsi0\"\n    \
     datastore_id = \"local-zfs\"\n  }\n}\n",
    "Proxmox refuses the disk (`storage 'local-zfs' does not exist`). The provider's default, `local-lvm`, is not there on a node \
     that was installed with ZFS."
);

pub(super) static BRIDGE: Rule = reference!(
    "PVE203",
    "unknown-bridge",
    "Neither the code nor the node has this bridge or VNet.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  network_device {\n    bridge = \"vmbr9\"\n  \
     }\n}\n",
    "Proxmox takes the configuration and refuses to start the guest: `bridge 'vmbr9' does not exist`."
);

pub(super) static POOL: Rule = reference!(
    "PVE204",
    "unknown-pool",
    "Neither the code nor the cluster has this pool.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n  pool_id   = \"nowhere\"\n}\n",
    "Proxmox refuses the guest: `pool 'nowhere' does not exist`."
);

pub(super) static VOLUME: Rule = reference!(
    "PVE205",
    "unknown-volume",
    "The storage has no such ISO image, template, disk image or snippet, and no resource puts it there.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  cdrom {\n    file_id = \
     \"local:iso/nowhere.iso\"\n  }\n}\n",
    "Proxmox takes an ISO image that is not there, and refuses to start the guest; a template or a disk image that is not there \
     ends the apply."
);

pub(super) static MAPPING: Rule = reference!(
    "PVE206",
    "unknown-mapping",
    "Neither the code nor the cluster has this PCI or USB mapping.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  hostpci {\n    device  = \"hostpci0\"\n    \
     mapping = \"gpu9\"\n  }\n}\n",
    "Proxmox refuses to start the guest: `PCI device mapping not found for 'gpu9'`."
);

pub(super) static PERMISSION: Rule = reference!(
    "PVE207",
    "unknown-identity",
    "Neither the code nor the cluster has this user, group, API token or role.",
    "resource \"proxmox_virtual_environment_acl\" \"ops\" {\n  path    = \"/\"\n  role_id = \"PVEAdmins\"\n  user_id = \
     \"root@pam\"\n}\n",
    "Proxmox refuses the permission: `role 'PVEAdmins' does not exist`."
);

pub(super) static TEMPLATE: Rule = reference!(
    "PVE208",
    "unknown-guest",
    "Neither the code nor the cluster has a guest with this VMID.",
    "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  clone {\n    vm_id = 9999\n  }\n}\n",
    "A clone of a template that is not there ends the apply: `Configuration file 'nodes/pve/qemu-server/9999.conf' does not \
     exist`. What belongs to a guest that does not exist (firewall, HA, pool) is refused, too."
);

pub(super) static NETWORK: Rule = reference!(
    "PVE209",
    "unknown-sdn",
    "Neither the code nor the cluster has this SDN zone or VNet.",
    "resource \"proxmox_virtual_environment_sdn_vnet\" \"lab\" {\n  id   = \"lab\"\n  zone = \"nowhere\"\n}\n",
    "Proxmox refuses the VNet: `zone nowhere does not exist`."
);

pub(super) static CONTENT: Rule = Rule {
    code: "PVE210",
    name: "storage-content",
    severity: Severity::Error,
    summary: "The storage does not take disks of this kind of guest.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  disk {\n    interface    = \
           \"scsi0\"\n    datastore_id = \"local\"\n  }\n}\n",
    why: "Proxmox refuses the disk: `storage 'local' does not support content-type 'images'`. Disks of virtual machines are \
          `images`, those of containers `rootdir`.",
    remedy: "Use another storage, or let this one take the content (Datacenter → Storage → Edit → Content).",
};

/// Object that a value refers to.
#[derive(Clone, Copy)]
enum Target {
    Node,
    Object(ObjectKind, &'static Rule),
    Volume,
}

pub(super) fn find(code: &Code<'_, '_>, recorded: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    // Code that nobody can read may make anything.
    let Some(recorded) = recorded.filter(|_| code.is_complete) else { return };
    let objects = Objects::read(code);
    let volumes = Volumes::of(code);
    for resource in &code.resources {
        resource.fields.visit(&mut Vec::new(), &Path::default(), &mut |names, path, node| {
            let Some(target) = target(resource.kind, names) else { return };
            let Some(id) = node.text().filter(|id| !id.is_empty()) else { return };
            if let (Target::Object(ObjectKind::Storage, _), [block, _]) = (target, names)
                && !objects.may_have(ObjectKind::Storage, &id)
                && let Some(message) = refused_content(resource.kind, block, recorded, &id)
            {
                let draft = Draft::new(&CONTENT, code.origin(resource, path, node), message).at(&resource.address);
                return drafts.push(draft);
            }
            let missing = match target {
                Target::Node => missing_node(recorded, &id),
                Target::Volume => missing_volume(recorded, &volumes, &id),
                Target::Object(kind, rule) => missing_object(resource, recorded, &objects, kind, rule, &id),
            };
            let Some(Missing { rule, message, known }) = missing else { return };
            let draft = Draft::new(rule, code.origin(resource, path, node), message).at(&resource.address);
            let help = nearest(&id, &known);
            drafts.push(help.into_iter().fold(draft, Draft::help));
        });
    }
}

/// The object that a value refers to, by the type of the resource and the names that lead to the value.
fn target(kind: &str, names: &[&str]) -> Option<Target> {
    use ObjectKind as Kind;
    let object = |kind, rule| Some(Target::Object(kind, rule));
    match (kind, names) {
        (_, [.., "node_name"]) | ("backup_job", ["node"]) => Some(Target::Node),
        (kind, ["nodes"]) if kind.starts_with("storage_") || kind.starts_with("sdn_zone_") => Some(Target::Node),
        (kind, ["map", "node"]) if kind.starts_with("hardware_mapping_") => Some(Target::Node),
        ("vm" | "container" | "cloned_vm" | "file" | "download_file" | "oci_image", [.., "datastore_id"])
        | ("pool_membership", ["storage_id"])
        | ("backup_job", ["storage"]) => object(Kind::Storage, &STORAGE),
        ("vm", ["network_device", "bridge"]) | ("container", ["network_interface", "bridge"]) => {
            object(Kind::Bridge, &BRIDGE)
        }
        ("vm" | "container" | "pool_membership", ["pool_id"]) | ("backup_job", ["pool"]) => object(Kind::Pool, &POOL),
        ("vm", ["cdrom", "file_id"] | ["disk", "file_id" | "import_from"])
        | ("container", ["operating_system", "template_file_id"])
        | ("vm" | "container", ["hook_script_file_id"]) => Some(Target::Volume),
        ("vm", ["initialization", name]) if name.ends_with("_data_file_id") => Some(Target::Volume),
        ("vm", ["hostpci", "mapping"]) => object(Kind::PciMapping, &MAPPING),
        ("vm", ["usb", "mapping"]) => object(Kind::UsbMapping, &MAPPING),
        ("acl" | "user_token", ["user_id"]) => object(Kind::User, &PERMISSION),
        ("acl", ["group_id"]) | ("user", ["groups"]) => object(Kind::Group, &PERMISSION),
        ("acl", ["token_id"]) => object(Kind::Token, &PERMISSION),
        ("acl", ["role_id"]) | ("user" | "group", ["acl", "role_id"]) => object(Kind::Role, &PERMISSION),
        ("vm" | "container", ["clone", "vm_id"])
        | ("cloned_vm", ["clone", "source_vm_id"])
        | ("pool_membership", ["vm_id"])
        | ("firewall_options" | "firewall_rules" | "firewall_ipset" | "firewall_alias", ["vm_id" | "container_id"]) => {
            object(Kind::Guest, &TEMPLATE)
        }
        ("sdn_vnet", ["zone"]) => object(Kind::Zone, &NETWORK),
        ("sdn_subnet", ["vnet"]) => object(Kind::Vnet, &NETWORK),
        _ => None,
    }
}

/// A reference that leads nowhere.
struct Missing {
    rule: &'static Rule,
    message: String,
    /// Ids that it might have meant.
    known: Vec<String>,
}

/// A message about a storage that does not take the disks of a block.
fn refused_content(kind: &str, block: &str, recorded: &Recorded, id: &str) -> Option<String> {
    let wanted = match (kind, block) {
        ("vm", "disk" | "efi_disk" | "tpm_state" | "initialization") => "images",
        ("container", "disk") => "rootdir",
        _ => return None,
    };
    let facts = recorded.storages.as_ref()?.get(id).filter(|facts| !facts.content.contains(wanted))?;
    let content: Vec<&str> = facts.content.iter().map(String::as_str).collect();
    Some(format!("storage `{id}` takes no `{wanted}`, only {}", content.join(", ")))
}

fn missing_node(recorded: &Recorded, id: &str) -> Option<Missing> {
    let nodes = recorded.nodes.as_ref().filter(|nodes| !nodes.contains_key(id))?;
    let message = format!("the cluster has no node `{id}`");
    Some(Missing { rule: &NODE, message, known: nodes.keys().cloned().collect() })
}

fn missing_object(
    resource: &Resource<'_, '_>,
    recorded: &Recorded,
    objects: &Objects,
    kind: ObjectKind,
    rule: &'static Rule,
    id: &str,
) -> Option<Missing> {
    if objects.may_have(kind, id) || (kind == ObjectKind::User && id == "root@pam") {
        return None;
    }
    let node = resource.text("node_name");
    let (known, there) = match kind {
        ObjectKind::Bridge => {
            let node = node?;
            let vnets = recorded.vnets.as_ref()?;
            let bridges = recorded.bridges.get(&node)?;
            (bridges.union(vnets).cloned().collect(), format!("node `{node}` has no"))
        }
        ObjectKind::Storage => {
            let storages = recorded.storages.as_ref()?;
            if let (Some(facts), Some(node)) = (storages.get(id), &node)
                && !facts.nodes.is_empty()
                && !facts.nodes.contains(node)
            {
                let message = format!("storage `{id}` is not on node `{node}`");
                let on = |(storage, facts): (&String, &super::recorded::StorageFacts)| {
                    (facts.nodes.is_empty() || facts.nodes.contains(node)).then(|| storage.clone())
                };
                return Some(Missing { rule, message, known: storages.iter().filter_map(on).collect() });
            }
            (storages.keys().cloned().collect(), "the cluster has no".to_owned())
        }
        ObjectKind::Guest => (recorded.guests.as_ref()?.keys().cloned().collect(), "the cluster has no".to_owned()),
        _ => (names(recorded, kind)?.clone(), "the cluster has no".to_owned()),
    };
    let known: BTreeSet<String> = known;
    if known.contains(id) {
        return None;
    }
    let message = format!("{there} {} `{id}`, and the code makes none", kind.word());
    let known = known.into_iter().chain(objects.ids(kind).iter().cloned()).collect();
    Some(Missing { rule, message, known })
}

/// The recorded names of a kind.
fn names(recorded: &Recorded, kind: ObjectKind) -> Option<&BTreeSet<String>> {
    match kind {
        ObjectKind::Pool => recorded.pools.as_ref(),
        ObjectKind::PciMapping => recorded.pci_mappings.as_ref(),
        ObjectKind::UsbMapping => recorded.usb_mappings.as_ref(),
        ObjectKind::DirectoryMapping => recorded.directory_mappings.as_ref(),
        ObjectKind::User => recorded.users.as_ref(),
        ObjectKind::Group => recorded.groups.as_ref(),
        ObjectKind::Role => recorded.roles.as_ref(),
        ObjectKind::Token => recorded.tokens.as_ref(),
        ObjectKind::Zone => recorded.zones.as_ref(),
        ObjectKind::Vnet => recorded.vnets.as_ref(),
        ObjectKind::Storage | ObjectKind::Bridge | ObjectKind::Guest | ObjectKind::HaGroup => None,
    }
}

/// Volumes that resources put on storages.
#[derive(Default)]
struct Volumes {
    /// Volume ids that are known.
    ids: BTreeSet<String>,
    /// Storages that get a volume whose id only Terraform knows. `None` is any storage.
    open: BTreeSet<Option<String>>,
}

impl Volumes {
    fn of(code: &Code<'_, '_>) -> Self {
        let mut volumes = Self::default();
        for resource in &code.resources {
            let file = match resource.kind {
                "download_file" => resource.text("file_name").or_else(|| {
                    let url = resource.text("url")?;
                    resource.fields.get("file_name").is_none().then(|| url.rsplit('/').next().map(str::to_owned))?
                }),
                "file" => resource.fields.all(&["source_raw", "file_name"]).first().and_then(|node| node.text()),
                "oci_image" => None,
                _ => continue,
            };
            let storage = resource.text("datastore_id");
            match (&storage, resource.text("content_type"), file) {
                (Some(storage), Some(content), Some(file)) => {
                    volumes.ids.insert(format!("{storage}:{content}/{file}"));
                }
                _ => _ = volumes.open.insert(storage),
            }
        }
        volumes
    }
}

fn missing_volume(recorded: &Recorded, made: &Volumes, id: &str) -> Option<Missing> {
    let (storage, path) = id.split_once(':')?;
    // A disk of a guest is named by Proxmox: only files have names that people write.
    let (content, _) = path.split_once('/')?;
    let is_open = made.open.contains(&None) || made.open.contains(&Some(storage.to_owned()));
    if is_open || made.ids.contains(id) {
        return None;
    }
    let volumes = recorded.volumes.get(storage).filter(|volumes| !volumes.contains(id))?;
    let beside = format!("{storage}:{content}/");
    let known = volumes.iter().chain(&made.ids).filter(|volume| volume.starts_with(&beside)).cloned().collect();
    Some(Missing { rule: &VOLUME, message: format!("storage `{storage}` has no volume `{id}`"), known })
}

/// Number of names that are listed where none is alike.
const LISTED: usize = 6;

/// A sentence with the name that is most like another, or with all names where these are few.
pub(super) fn nearest(id: &str, known: &[String]) -> Option<String> {
    let like = |name: &&String| strsim::jaro_winkler(id, name);
    let best = known.iter().max_by(|one, other| like(one).total_cmp(&like(other)))?;
    if like(&best) > 0.8 {
        return Some(format!("Did you mean `{best}`?"));
    }
    let known: BTreeSet<&String> = known.iter().collect();
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    (names.len() <= LISTED).then(|| format!("There is {}.", names.join(", ")))
}
