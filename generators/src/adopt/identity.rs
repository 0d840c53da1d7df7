//! Keys that identify the object behind a resource of a state: one table for the resources of Telmate's and bpg's providers.
//!
//! Both sides get a key of the same form: a resource of a state from its attributes, a generated block from the id of its
//! `import` block. The node is no part of a guest's key, because guests move. Types that are not in the table go by their `id`,
//! which for most resources is the import id.

use super::state::Instance;

/// Key that identifies an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectKey {
    /// Type of the object: `vm`, `storage_nfs`.
    pub(super) object_type: String,
    /// Id among the objects of the type.
    pub(super) id: String,
}

/// Source of the id in a resource of a state.
#[derive(Clone, Copy)]
enum IdSource {
    /// The VMID: the first of these attributes, or the last part of `id` (`pve1/qemu/101`).
    Guest(&'static [&'static str]),
    /// The attribute `id` without this prefix.
    Behind(&'static str),
    /// These attributes, joined by a separator.
    Joined(&'static [&'static str], &'static str),
    /// The scope of a firewall (`vm/100`, `node/pve1`, `cluster`), with the attribute `name` if there is one.
    Firewall,
    /// The virtual network and the subnet. The zone in the subnet's id (`lan-10.20.0.0-24`) is that of the network.
    Subnet,
    /// Nothing: there is one object in a cluster.
    Only,
}

/// A type of object: the types of resources for it, without `proxmox_` and `virtual_environment_`, and the source of their id.
struct ObjectType {
    name: &'static str,
    types: &'static [&'static str],
    by: IdSource,
}

const fn object_type(name: &'static str, types: &'static [&'static str], by: IdSource) -> ObjectType {
    ObjectType { name, types, by }
}

/// All types. The ids are those that the providers put into states: Telmate 2.9 and 3.0, bpg 0.111.1.
static OBJECT_TYPES: &[ObjectType] = &[
    object_type("vm", &["vm", "vm2", "cloned_vm", "vm_qemu"], IdSource::Guest(&["vm_id", "vmid"])),
    object_type("container", &["container", "lxc", "lxc_guest"], IdSource::Guest(&["vm_id", "vmid", "guest_id"])),
    object_type("pool", &["pool"], IdSource::Behind("pools/")),
    object_type("firewall_rules", &["firewall_rules"], IdSource::Firewall),
    object_type("firewall_options", &["firewall_options"], IdSource::Firewall),
    object_type("firewall_ipset", &["firewall_ipset"], IdSource::Firewall),
    object_type("firewall_alias", &["firewall_alias"], IdSource::Firewall),
    object_type("cluster_firewall", &["cluster_firewall"], IdSource::Only),
    object_type("cluster_options", &["cluster_options"], IdSource::Only),
    object_type("dns", &["dns"], IdSource::Joined(&["node_name"], "")),
    object_type("hosts", &["hosts"], IdSource::Joined(&["node_name"], "")),
    object_type("time", &["time"], IdSource::Joined(&["node_name"], "")),
    object_type("acme_account", &["acme_account"], IdSource::Joined(&["name"], "")),
    object_type("acme_dns_plugin", &["acme_dns_plugin"], IdSource::Joined(&["plugin"], "")),
    object_type("acme_certificate", &["acme_certificate"], IdSource::Joined(&["node_name"], "")),
    object_type("apt_repository", &["apt_repository"], IdSource::Joined(&["node", "file_path", "index"], ",")),
    object_type("apt_standard_repository", &["apt_standard_repository"], IdSource::Joined(&["node", "handle"], ",")),
    object_type("sdn_subnet", &["sdn_subnet"], IdSource::Subnet),
    object_type("file", &["file"], IdSource::Joined(&["node_name", "id"], "/")),
];

/// Type of a resource without the prefix of its provider: `vm` of `proxmox_virtual_environment_vm`.
pub(super) fn short(resource: &str) -> &str {
    let rest = resource.strip_prefix("proxmox_").unwrap_or(resource);
    rest.strip_prefix("virtual_environment_").unwrap_or(rest)
}

/// True if Terraform can move the state from one address to the other: both are of bpg's provider, and of the same type or of its
/// long and short name, between which the provider moves states itself.
pub(super) fn movable(from: &str, to: &str) -> bool {
    let typed = |address: &str| {
        let mut parts = address.split('.').peekable();
        while parts.next_if_eq(&"module").is_some() {
            parts.next();
        }
        parts.next().unwrap_or_default().to_owned()
    };
    let (from, to) = (typed(from), typed(to));
    from == to || (short(&from) == short(&to) && !TELMATE.contains(&from.as_str()))
}

/// Types that only Telmate's provider has.
const TELMATE: &[&str] = &["proxmox_vm_qemu", "proxmox_lxc", "proxmox_lxc_guest", "proxmox_pool"];

/// Id of a subnet: `lan0/10.20.0.0-24`. The names of zones have no hyphen.
pub(super) fn subnet(vnet: &str, id: &str) -> String {
    let network = id.split_once('-').map_or(id, |(_, network)| network);
    format!("{vnet}/{network}")
}

/// Name of the type of object that a resource is for.
pub(super) fn object_type_of(resource: &str) -> &str {
    of(resource).0
}

fn of(resource: &str) -> (&str, IdSource) {
    let short = short(resource);
    let known = OBJECT_TYPES.iter().find(|one| one.types.contains(&short));
    known.map_or((short, IdSource::Behind("")), |one| (one.name, one.by))
}

/// Key of the object behind a resource of a state; `None` if the state does not identify it.
pub(super) fn in_state(instance: &Instance) -> Option<ObjectKey> {
    of_attributes(&instance.resource, &|name| instance.attributes.get(name).map(String::as_str))
}

/// Key of the object from the attributes that a state has of it.
pub(super) fn of_attributes<'a>(resource: &str, attribute: &dyn Fn(&str) -> Option<&'a str>) -> Option<ObjectKey> {
    let (object_type, by) = of(resource);
    let attribute = |name: &str| attribute(name).filter(|text| !text.is_empty());
    let id = match by {
        IdSource::Guest(names) => {
            let number = |text: &&str| text.parse::<u32>().is_ok_and(|number| number > 0);
            let of_id = || attribute("id").map(|id| id.rsplit('/').next().unwrap_or(id));
            names.iter().find_map(|name| attribute(name).filter(number)).or_else(of_id).filter(number)?.to_owned()
        }
        IdSource::Behind(prefix) => attribute("id").map(|id| id.strip_prefix(prefix).unwrap_or(id))?.to_owned(),
        IdSource::Joined(names, between) => {
            names.iter().map(|name| attribute(name)).collect::<Option<Vec<_>>>()?.join(between)
        }
        IdSource::Firewall => {
            let guest = |name: &str| attribute(name).filter(|number| *number != "0");
            let place = match (guest("vm_id"), guest("container_id"), attribute("node_name")) {
                (Some(vmid), ..) => format!("vm/{vmid}"),
                (None, Some(vmid), _) => format!("container/{vmid}"),
                (None, None, Some(node)) => format!("node/{node}"),
                (None, None, None) => "cluster".to_owned(),
            };
            attribute("name").map_or(place.clone(), |name| format!("{place}/{name}"))
        }
        IdSource::Subnet => subnet(attribute("vnet")?, attribute("id")?),
        IdSource::Only => String::new(),
    };
    Some(ObjectKey { object_type: object_type.to_owned(), id })
}

/// Key of the object behind a generated block, from the type of its resource and the id of its `import` block.
pub(super) fn of_ours(resource: &str, import_id: &str) -> ObjectKey {
    let (object_type, by) = of(resource);
    let id = match by {
        IdSource::Guest(_) => import_id.rsplit('/').next().unwrap_or(import_id).to_owned(),
        IdSource::Firewall => {
            let parts: Vec<&str> = import_id.split('/').collect();
            match parts.as_slice() {
                [word @ ("vm" | "container"), _, rest @ ..] => format!("{word}/{}", rest.join("/")),
                _ => import_id.to_owned(),
            }
        }
        IdSource::Only => String::new(),
        IdSource::Subnet => import_id.split_once('/').map_or(import_id.to_owned(), |(vnet, id)| subnet(vnet, id)),
        IdSource::Behind(_) | IdSource::Joined(..) => import_id.to_owned(),
    };
    ObjectKey { object_type: object_type.to_owned(), id }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids as they were read back from the states of real applies with bpg 0.111.1, and as Telmate's code sets them.
    #[test]
    fn a_state_and_an_import_block_have_the_same_key() {
        let check = |resource: &'static str, attributes: &[(&'static str, &str)], ours: &str, import_id: &str, same| {
            let instance = Instance {
                modules: Vec::new(),
                resource: resource.to_owned(),
                name: "x".to_owned(),
                key: None,
                attributes: attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            };
            let found = in_state(&instance) == Some(of_ours(ours, import_id));
            assert_eq!(found, same, "{resource} {attributes:?}: {:?}", in_state(&instance));
        };
        let (vm, container) = ("proxmox_virtual_environment_vm", "proxmox_virtual_environment_container");
        let rules = "proxmox_virtual_environment_firewall_rules";
        let ipset = "proxmox_virtual_environment_firewall_ipset";
        check(vm, &[("id", "100"), ("vm_id", "100"), ("node_name", "pve1")], vm, "pve1/100", true);
        check(vm, &[("id", "100"), ("vm_id", "100"), ("node_name", "pve2")], vm, "pve1/100", true);
        check(vm, &[("id", "100")], vm, "pve1/101", false);
        check(vm, &[("id", "100")], container, "pve1/100", false);
        check(container, &[("id", "200"), ("node_name", "pve1")], container, "pve1/200", true);
        check("proxmox_vm_qemu", &[("id", "pve1/qemu/100"), ("vmid", "100")], vm, "pve1/100", true);
        check("proxmox_vm_qemu", &[("id", "pve1/qemu/100"), ("vmid", "0")], vm, "pve1/100", true);
        check("proxmox_vm_qemu", &[("id", "")], vm, "pve1/100", false);
        check("proxmox_lxc", &[("id", "pve2/lxc/200"), ("vmid", "0")], container, "pve1/200", true);
        check("proxmox_lxc_guest", &[("id", "pve2/lxc/200"), ("guest_id", "200")], container, "pve1/200", true);
        check("proxmox_pool", &[("id", "pools/prod")], "proxmox_virtual_environment_pool", "prod", true);
        check("proxmox_pool", &[("id", "pools/prod/web")], "proxmox_virtual_environment_pool", "prod/web", true);
        check("proxmox_virtual_environment_storage_nfs", &[("id", "nas")], "proxmox_storage_nfs", "nas", true);
        check("proxmox_storage_nfs", &[("id", "nas")], "proxmox_storage_pbs", "nas", false);
        check(rules, &[("id", "rule-1")], rules, "cluster", true);
        check(rules, &[("id", "rule-1"), ("node_name", "pve1")], rules, "node/pve1", true);
        check(rules, &[("node_name", "pve2"), ("vm_id", "100")], rules, "vm/pve1/100", true);
        check(rules, &[("node_name", "pve1"), ("container_id", "200")], rules, "container/pve1/200", true);
        check(ipset, &[("node_name", "pve1"), ("vm_id", "100"), ("name", "a")], ipset, "vm/pve1/100/a", true);
        check(ipset, &[("id", "mgmt"), ("name", "mgmt")], ipset, "cluster/mgmt", true);
        let dns = "proxmox_virtual_environment_dns";
        check(dns, &[("id", "pve1_dns"), ("node_name", "pve1")], dns, "pve1", true);
        let subnet = ("proxmox_sdn_subnet", "lan0/lan-10.20.0.0-24");
        check(subnet.0, &[("id", "lan-10.20.0.0-24"), ("vnet", "lan0")], subnet.0, subnet.1, true);
        let repository = "proxmox_apt_repository";
        let file = "/etc/apt/sources.list";
        check(
            repository,
            &[("id", "apt_repository_pve1_x"), ("node", "pve1"), ("file_path", file), ("index", "0")],
            repository,
            "pve1,/etc/apt/sources.list,0",
            true,
        );
        check("proxmox_cluster_options", &[("id", "cluster")], "proxmox_cluster_options", "any", true);
        check("proxmox_acme_account", &[("name", "default")], "proxmox_acme_account", "default", true);
        check("proxmox_acl", &[("id", "/?ops?Admin")], "proxmox_acl", "/?ops?Admin", true);
    }
}
