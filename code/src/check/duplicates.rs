//! Duplicates: what may exist once in a cluster and is in the code twice.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::code::{Code, Resource};
use super::finding::{Draft, Spot};
use super::objects::{self, ObjectKind};
use super::recorded::Recorded;
use super::rule::{Rule, Severity};
use crate::configuration::{Fields, FilePlace, Node, Path, Step};

pub(super) static VMID: Rule = Rule {
    code: "PVE101",
    name: "duplicate-vmid",
    severity: Severity::Error,
    summary: "Two guests have one VMID.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n  vm_id     = 110\n}\n\nresource \
           \"proxmox_virtual_environment_container\" \"dns\" {\n  node_name = \"pve\"\n  vm_id     = 110\n}\n",
    why: "A VMID is a guest's identity in the whole cluster, virtual machines and containers together. Proxmox refuses the second \
          guest (`CT 110 already exists`), but only while `terraform apply` runs, when other changes are done already.",
    remedy: "Give one of them another VMID, or leave `vm_id` out and let the provider take the next free one.",
};

pub(super) static MAC: Rule = Rule {
    code: "PVE102",
    name: "duplicate-mac",
    severity: Severity::Error,
    summary: "Two network devices have one MAC address.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  network_device {\n    mac_address = \
           \"BC:24:11:00:00:01\"\n  }\n\n  network_device {\n    mac_address = \"bc:24:11:00:00:01\"\n  }\n}\n",
    why: "Proxmox takes it without a word. In one network the bridge then sends frames to one of the two by turns, and DHCP gives \
          both the same lease: connections break in a way that is hard to find.",
    remedy: "Leave `mac_address` out in one of them: Proxmox makes one up and keeps it.",
};

pub(super) static IP: Rule = Rule {
    code: "PVE103",
    name: "duplicate-ip",
    severity: Severity::Error,
    summary: "Two guests have one static IP address in the same network.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  network_device {\n    bridge = \
           \"vmbr0\"\n  }\n\n  initialization {\n    ip_config {\n      ipv4 {\n        address = \"192.0.2.10/24\"\n      }\n    \
           }\n  }\n}\n\nresource \"proxmox_virtual_environment_vm\" \"db\" {\n  node_name = \"pve\"\n\n  network_device {\n    \
           bridge = \"vmbr0\"\n  }\n\n  initialization {\n    ip_config {\n      ipv4 {\n        address = \"192.0.2.10/24\"\n     \
           }\n    }\n  }\n}\n",
    why: "Proxmox writes the address into cloud-init or the container and does not compare. Both guests answer, and clients reach \
          the one that was quicker. Guests on other bridges or VLANs are not compared.",
    remedy: "Give one of them another address.",
};

pub(super) static ADDRESS: Rule = Rule {
    code: "PVE104",
    name: "duplicate-address",
    severity: Severity::Error,
    summary: "A resource, variable, local, output or module is declared twice.",
    case: "resource \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \"lab\"\n}\n\nresource \
           \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \"test\"\n}\n",
    why: "Terraform refuses the module: an address is one declaration. It happens when two branches add the same guest.",
    remedy: "Rename one of them, or remove it. A file whose name ends in `_override.tf` may repeat a declaration.",
};

pub(super) static IMPORT: Rule = Rule {
    code: "PVE105",
    name: "duplicate-import",
    severity: Severity::Error,
    summary: "Two `import` blocks have one object, or one address.",
    case: "import {\n  to = proxmox_virtual_environment_pool.lab\n  id = \"lab\"\n}\n\nimport {\n  to = \
           proxmox_virtual_environment_pool.test\n  id = \"lab\"\n}\n\nresource \"proxmox_virtual_environment_pool\" \"lab\" {\n  \
           pool_id = \"lab\"\n}\n\nresource \"proxmox_virtual_environment_pool\" \"test\" {\n  pool_id = \"test\"\n}\n",
    why: "One object under two addresses is changed by both, and destroying one destroys it for the other.",
    remedy: "Keep the block of the resource that describes the object.",
};

pub(super) static OBJECT: Rule = Rule {
    code: "PVE106",
    name: "duplicate-object",
    severity: Severity::Error,
    summary: "Two resources make one object: the same pool, user, storage, bridge and so on.",
    case: "resource \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \"lab\"\n}\n\nresource \
           \"proxmox_virtual_environment_pool\" \"test\" {\n  pool_id = \"lab\"\n}\n",
    why: "Proxmox refuses to make an object that is there, and where it does not, each plan undoes what the other resource wrote.",
    remedy: "Keep one of the two resources, and refer to it.",
};

/// A value of a resource, with its place.
struct Use<'c, 'r, 'f> {
    resource: &'r Resource<'c, 'f>,
    spot: Spot,
}

pub(super) fn find(code: &Code<'_, '_>, recorded: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    vmids(code, recorded, drafts);
    macs(code, drafts);
    ips(code, recorded, drafts);
    declarations(code, drafts);
    imports(code, drafts);
    same_objects(code, drafts);
}

fn vmids(code: &Code<'_, '_>, recorded: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    let mut uses: BTreeMap<(&str, String), Use<'_, '_, '_>> = BTreeMap::new();
    for resource in &code.resources {
        let Some(attribute) = resource.vmid_attribute() else { continue };
        let Some(node) = resource.fields.get(attribute) else { continue };
        let Some(vmid) = node.text() else { continue };
        let spot = code.origin(resource, &Path::of(attribute), node);
        if let Some(draft) = other_type(resource, &vmid, recorded, &spot) {
            drafts.push(draft);
        }
        if let Some(first) = uses.get(&(resource.provider.as_str(), vmid.clone())) {
            let message = format!("VMID {vmid} is taken: `{}` has it", first.resource.address);
            let draft = Draft::new(&VMID, spot, message).at(&resource.address);
            drafts.push(draft.related(first.spot.clone(), format!("`{}` has it", first.resource.address)));
        } else {
            uses.insert((&resource.provider, vmid), Use { resource, spot });
        }
    }
}

/// A virtual machine with the VMID of a container of the cluster, or the other way round.
fn other_type(resource: &Resource<'_, '_>, vmid: &str, recorded: Option<&Recorded>, spot: &Spot) -> Option<Draft> {
    let guest = recorded?.guests.as_ref()?.get(vmid)?;
    if guest.is_container == (resource.kind == "container") {
        return None;
    }
    let (kind, name) = (if guest.is_container { "container" } else { "virtual machine" }, &guest.name);
    let message = format!("VMID {vmid} is taken: the cluster has the {kind} `{name}` with it");
    Some(Draft::new(&VMID, spot.clone(), message).at(&resource.address))
}

/// The blocks of network devices of a guest: their name, and each of them.
fn devices<'r, 'f>(resource: &'r Resource<'_, 'f>) -> (&'static str, Vec<&'r Fields<'f>>) {
    let name = match resource.kind {
        "vm" => "network_device",
        "container" => "network_interface",
        _ => return ("", Vec::new()),
    };
    (name, resource.fields.blocks(name))
}

fn macs(code: &Code<'_, '_>, drafts: &mut Vec<Draft>) {
    let mut uses: BTreeMap<(&str, String), Use<'_, '_, '_>> = BTreeMap::new();
    for resource in &code.resources {
        let (block, devices) = devices(resource);
        for (index, device) in devices.into_iter().enumerate() {
            let Some(node) = device.get("mac_address") else { continue };
            let Some(mac) = node.text().filter(|mac| !mac.is_empty()) else { continue };
            let mac = mac.to_ascii_uppercase().replace('-', ":");
            let path = Path::of(block).with(Step::Index(index)).join("mac_address");
            let spot = code.origin(resource, &path, node);
            if let Some(first) = uses.get(&(resource.provider.as_str(), mac.clone())) {
                let message = format!("MAC address {mac} is taken: `{}` has it", first.resource.address);
                let draft = Draft::new(&MAC, spot, message).at(&resource.address);
                drafts.push(draft.related(first.spot.clone(), format!("`{}` has it", first.resource.address)));
            } else {
                uses.insert((&resource.provider, mac), Use { resource, spot });
            }
        }
    }
}

/// A static address with the network that it is in, as far as that is known.
struct Address<'c, 'r, 'f> {
    ip: IpAddr,
    bridge: Option<String>,
    vlan: Option<String>,
    node: Option<String>,
    of: Use<'c, 'r, 'f>,
}

impl Address<'_, '_, '_> {
    /// Reports whether two addresses are in the same network, as far as is known.
    fn is_beside(&self, other: &Self) -> bool {
        let differs = |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
        // A bridge of the same name on another node need not lead to the same network.
        self.of.resource.provider == other.of.resource.provider
            && !differs(&self.bridge, &other.bridge)
            && !differs(&self.vlan, &other.vlan)
            && !differs(&self.node, &other.node)
    }
}

fn ips(code: &Code<'_, '_>, recorded: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    let mut addresses: BTreeMap<IpAddr, Vec<Address<'_, '_, '_>>> = BTreeMap::new();
    for resource in &code.resources {
        let (_, devices) = devices(resource);
        let settings = resource.fields.blocks("initialization");
        let configs = settings.iter().flat_map(|settings| settings.blocks("ip_config"));
        for (index, config) in configs.enumerate() {
            for family in ["ipv4", "ipv6"] {
                for node in config.all(&[family, "address"]) {
                    let Some(address) = node.text().and_then(|text| text.split('/').next()?.parse().ok()) else {
                        continue;
                    };
                    let device = devices.get(index).copied();
                    let path = Path::of("initialization").join("ip_config").with(Step::Index(index));
                    let spot = code.origin(resource, &path.join(family).join("address"), node);
                    let own = Address {
                        ip: address,
                        bridge: device.and_then(|device| device.get("bridge")?.text()),
                        vlan: device.and_then(vlan),
                        node: resource.text("node_name"),
                        of: Use { resource, spot },
                    };
                    drafts.extend(recorded.and_then(|recorded| of_node(&own, recorded)));
                    add_address(addresses.entry(address).or_default(), own, drafts);
                }
            }
        }
    }
}

/// An address that a node has on the very bridge of the guest.
fn of_node(own: &Address<'_, '_, '_>, recorded: &Recorded) -> Option<Draft> {
    let is_same = |(_, interface, address): &&(String, String, IpAddr)| {
        *address == own.ip && own.bridge.as_ref() == Some(interface) && own.vlan.as_deref() == Some("0")
    };
    let (node, interface, _) = recorded.addresses.iter().find(is_same)?;
    let message = format!("IP address {} is taken: node `{node}` has it on `{interface}`", own.ip);
    Some(Draft::new(&IP, own.of.spot.clone(), message).at(&own.of.resource.address))
}

/// The VLAN of a device; `0` for none.
fn vlan(device: &Fields<'_>) -> Option<String> {
    device.get("vlan_id").map_or_else(|| Some("0".to_owned()), Node::text)
}

fn add_address<'c, 'r, 'f>(known: &mut Vec<Address<'c, 'r, 'f>>, own: Address<'c, 'r, 'f>, drafts: &mut Vec<Draft>) {
    if let Some(first) = known.iter().find(|other| other.is_beside(&own)) {
        let message = format!("IP address {} is taken: `{}` has it", own.ip, first.of.resource.address);
        let draft = Draft::new(&IP, own.of.spot.clone(), message).at(&own.of.resource.address);
        drafts.push(draft.related(first.of.spot.clone(), format!("`{}` has it", first.of.resource.address)));
    }
    known.push(own);
}

fn declarations(code: &Code<'_, '_>, drafts: &mut Vec<Draft>) {
    for (name, first, second) in code.configuration.repeated_declarations() {
        let draft = Draft::new(&ADDRESS, &second, format!("`{name}` is declared twice"));
        drafts.push(draft.related(&first, "first declared here"));
    }
}

fn imports(code: &Code<'_, '_>, drafts: &mut Vec<Draft>) {
    let (mut targets, mut ids) = (BTreeMap::new(), BTreeMap::new());
    for import in code.configuration.imports() {
        let spot = Spot { file: import.file.clone(), start: import.range.start, end: import.range.end };
        let mut add = |first: &Spot, message: String| {
            drafts.push(Draft::new(&IMPORT, spot.clone(), message).related(first.clone(), "first imported here"));
        };
        if !import.to.is_known() {
            continue;
        }
        if let Some(first) = targets.insert(import.to.clone(), spot.clone()) {
            add(&first, format!("`{}` is imported twice", import.to));
        } else if let Some(id) = &import.id
            && let Some((to, first)) =
                ids.insert((import.to.resource_type.clone(), id.clone()), (import.to.clone(), spot.clone()))
        {
            add(&first, format!("`{id}` is imported twice: to `{to}` and to `{}`", import.to));
        }
    }
}

fn same_objects(code: &Code<'_, '_>, drafts: &mut Vec<Draft>) {
    let mut uses: BTreeMap<(&str, ObjectKind, String, Option<String>), &Resource<'_, '_>> = BTreeMap::new();
    for resource in &code.resources {
        let Some((kind, attribute)) = ObjectKind::of(resource).filter(|(kind, _)| *kind != ObjectKind::Guest) else {
            continue;
        };
        let Some(id) = objects::id(resource, kind, attribute) else { continue };
        // Each node has bridges of its own.
        let node = (kind == ObjectKind::Bridge).then(|| resource.text("node_name").unwrap_or_default());
        if let Some(first) = uses.insert((&resource.provider, kind, id.clone(), node), resource) {
            let message = format!("{} `{id}` is made twice: `{}` makes it, too", kind.word(), first.address);
            let place: &FilePlace<'_> = resource.place(attribute);
            let draft = Draft::new(&OBJECT, place, message).at(&resource.address);
            drafts.push(draft.related(first.place(attribute), format!("`{}` makes it", first.address)));
        }
    }
}
