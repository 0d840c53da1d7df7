//! Ids in blocks that people wrote: the attributes that say which object a block is, for each type of resource of bpg's provider.

use std::collections::BTreeMap;

use proxmox_mpc_code::configuration::{ObjectKeys, WrittenId};

use super::identity::{self, ObjectKey};

/// The keys by which objects are recognised in people's code, in states and in `import` blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectIds;

impl ObjectKeys for ObjectIds {
    fn of_import(&self, resource_type: &str, import_id: &str) -> String {
        text(&identity::of_ours(resource_type, import_id))
    }

    fn of_state(&self, resource_type: &str, attributes: &BTreeMap<String, String>) -> Option<String> {
        let attribute = |name: &str| attributes.get(name).map(String::as_str);
        identity::of_attributes(resource_type, &attribute).map(|key| text(&key))
    }

    fn of_block(&self, resource_type: &str, attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
        let object_type = identity::object_type_of(resource_type);
        let id = match object_type {
            "firewall_rules" | "firewall_options" | "firewall_ipset" | "firewall_alias" => firewall(attribute),
            "acl" => acl(attribute),
            "pool_membership" => pool_membership(attribute),
            "sdn_subnet" => subnet(attribute),
            "cluster_firewall" | "cluster_options" => WrittenId::Known(String::new()),
            // An account without a name is the default one.
            "acme_account" => match attribute("name") {
                WrittenId::Absent => WrittenId::Known("default".to_owned()),
                name => name,
            },
            // The id of a file is made of attributes that each have several forms.
            "file" => WrittenId::Absent,
            _ => {
                let row = WRITTEN.iter().find(|(name, ..)| *name == object_type);
                let (_, names, separator) = row.unwrap_or(&("", &["id"], ""));
                joined(names.iter().map(|name| attribute(name)), separator)
            }
        };
        match id {
            WrittenId::Known(id) => WrittenId::Known(text(&ObjectKey { object_type: object_type.to_owned(), id })),
            other => other,
        }
    }
}

/// Attributes that make an id, joined by a separator, by the type of the object. Types that are not here have the attribute
/// `id`.
static WRITTEN: &[(&str, &[&str], &str)] = &[
    ("acme_certificate", &["node_name"], ""),
    ("acme_dns_plugin", &["plugin"], ""),
    ("apt_repository", &["node", "file_path", "index"], ","),
    ("apt_standard_repository", &["node", "handle"], ","),
    ("cluster_firewall_security_group", &["name"], ""),
    ("container", &["vm_id"], ""),
    ("dns", &["node_name"], ""),
    ("group", &["group_id"], ""),
    ("hagroup", &["group"], ""),
    ("hardware_mapping_dir", &["name"], ""),
    ("hardware_mapping_pci", &["name"], ""),
    ("hardware_mapping_usb", &["name"], ""),
    ("haresource", &["resource_id"], ""),
    ("harule", &["rule"], ""),
    ("hosts", &["node_name"], ""),
    ("metrics_server", &["name"], ""),
    ("network_linux_bond", &["node_name", "name"], ":"),
    ("network_linux_bridge", &["node_name", "name"], ":"),
    ("network_linux_vlan", &["node_name", "name"], ":"),
    ("node_config", &["node_name"], ""),
    ("node_disk_zfs", &["node_name", "name"], "/"),
    ("node_firewall", &["node_name"], ""),
    ("pool", &["pool_id"], ""),
    ("realm_ldap", &["realm"], ""),
    ("realm_openid", &["realm"], ""),
    ("role", &["role_id"], ""),
    ("time", &["node_name"], ""),
    ("user", &["user_id"], ""),
    ("user_token", &["user_id", "token_name"], "!"),
    ("vm", &["vm_id"], ""),
];

fn text(key: &ObjectKey) -> String {
    format!("{}/{}", key.object_type, key.id)
}

/// Joins parts. One that is not known makes the whole unknown, one that is not written makes it absent.
fn joined(parts: impl Iterator<Item = WrittenId>, separator: &str) -> WrittenId {
    let mut known = Vec::new();
    let mut missing = WrittenId::Known(String::new());
    for part in parts {
        match part {
            WrittenId::Known(part) if !part.is_empty() => known.push(part),
            WrittenId::Unknown => return WrittenId::Unknown,
            WrittenId::Known(_) | WrittenId::Absent => missing = WrittenId::Absent,
        }
    }
    if missing == WrittenId::Absent { missing } else { WrittenId::Known(known.join(separator)) }
}

/// The first attribute that is written, with its position.
fn first(names: &[&str], attribute: &dyn Fn(&str) -> WrittenId) -> (usize, WrittenId) {
    let mut ids = names.iter().map(|name| attribute(name)).enumerate();
    ids.find(|(_, id)| *id != WrittenId::Absent).unwrap_or((0, WrittenId::Absent))
}

/// The scope of a firewall, and the name of the set or the alias in it.
fn firewall(attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
    let place = match first(&["vm_id", "container_id", "node_name"], attribute) {
        (_, WrittenId::Absent) => WrittenId::Known("cluster".to_owned()),
        (position, id) => {
            let word = ["vm", "container", "node"][position];
            joined([WrittenId::Known(word.to_owned()), id].into_iter(), "/")
        }
    };
    match attribute("name") {
        WrittenId::Absent => place,
        name => joined([place, name].into_iter(), "/"),
    }
}

/// `/vms?ops?PVEAdmin`: the path, the group, user or token, and the role.
fn acl(attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
    let (_, holder) = first(&["group_id", "user_id", "token_id"], attribute);
    joined([attribute("path"), holder, attribute("role_id")].into_iter(), "?")
}

/// `prod/vm/101` or `prod/storage/nas`.
fn pool_membership(attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
    let (position, member) = first(&["vm_id", "storage_id"], attribute);
    let word = WrittenId::Known(["vm", "storage"][position].to_owned());
    joined([attribute("pool_id"), word, member].into_iter(), "/")
}

/// The virtual network and the subnet, with a hyphen for its slash as Proxmox writes it.
fn subnet(attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
    match joined([attribute("vnet"), attribute("cidr")].into_iter(), " ") {
        WrittenId::Known(both) => {
            let (vnet, network) = both.split_once(' ').unwrap_or((&both, ""));
            WrittenId::Known(format!("{vnet}/{}", network.replace('/', "-")))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_somebody_wrote_has_the_key_of_its_import() {
        let check = |resource: &str, attributes: &[(&str, &str)], import_id: &str| {
            let attribute = |name: &str| {
                let value = attributes.iter().find(|(own, _)| *own == name);
                value.map_or(WrittenId::Absent, |(_, value)| WrittenId::Known((*value).to_owned()))
            };
            let expected = WrittenId::Known(ObjectIds.of_import(resource, import_id));
            assert_eq!(ObjectIds.of_block(resource, &attribute), expected, "{resource}");
        };
        let long = |name: &str| format!("proxmox_virtual_environment_{name}");
        check(&long("vm"), &[("vm_id", "100"), ("node_name", "pve1")], "pve1/100");
        check(&long("container"), &[("vm_id", "200"), ("node_name", "pve1")], "pve2/200");
        check(&long("pool"), &[("pool_id", "prod/web")], "prod/web");
        check(&long("user"), &[("user_id", "ada@pve")], "ada@pve");
        check(&long("group"), &[("group_id", "ops")], "ops");
        check(&long("role"), &[("role_id", "Ops")], "Ops");
        check(&long("firewall_rules"), &[("node_name", "pve1"), ("vm_id", "100")], "vm/pve1/100");
        check(&long("firewall_rules"), &[], "cluster");
        check(&long("firewall_options"), &[("node_name", "pve1"), ("container_id", "200")], "container/pve1/200");
        check(&long("firewall_rules"), &[("node_name", "pve1")], "node/pve1");
        check(&long("firewall_ipset"), &[("name", "mgmt")], "cluster/mgmt");
        check(&long("cluster_firewall_security_group"), &[("name", "web")], "web");
        check(&long("dns"), &[("node_name", "pve1"), ("domain", "x")], "pve1");
        check("proxmox_storage_nfs", &[("id", "nas"), ("server", "s")], "nas");
        check(&long("storage_nfs"), &[("id", "nas")], "nas");
        check("proxmox_acl", &[("path", "/"), ("group_id", "ops"), ("role_id", "Admin")], "/?ops?Admin");
        check("proxmox_pool_membership", &[("pool_id", "prod"), ("vm_id", "101")], "prod/vm/101");
        check("proxmox_pool_membership", &[("pool_id", "prod"), ("storage_id", "nas")], "prod/storage/nas");
        check("proxmox_user_token", &[("user_id", "a@pve"), ("token_name", "t")], "a@pve!t");
        check("proxmox_network_linux_bridge", &[("node_name", "pve1"), ("name", "vmbr0")], "pve1:vmbr0");
        check("proxmox_sdn_subnet", &[("vnet", "lan0"), ("cidr", "10.20.0.0/24")], "lan0/lan-10.20.0.0-24");
        check("proxmox_sdn_subnet", &[("vnet", "lan0"), ("cidr", "fd00::/64")], "lan0/lan-fd00::-64");
        check("proxmox_haresource", &[("resource_id", "vm:100")], "vm:100");
        check("proxmox_replication", &[("id", "100-0")], "100-0");
        check("proxmox_cluster_options", &[], "cluster");
        check("proxmox_acme_account", &[("contact", "x")], "default");
        check(
            "proxmox_apt_repository",
            &[("node", "pve1"), ("file_path", "/etc/apt/sources.list"), ("index", "0")],
            "pve1,/etc/apt/sources.list,0",
        );
    }

    #[test]
    fn ids_that_are_not_there_are_no_key() {
        let check = |id: WrittenId, expected: WrittenId| {
            assert_eq!(ObjectIds.of_block("proxmox_virtual_environment_vm", &|_| id.clone()), expected);
        };
        check(WrittenId::Absent, WrittenId::Absent);
        check(WrittenId::Unknown, WrittenId::Unknown);
        check(WrittenId::Known(String::new()), WrittenId::Absent);
    }
}
