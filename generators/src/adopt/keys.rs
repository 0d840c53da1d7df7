//! Keys of objects in people's code: which attributes of a block that somebody wrote say which object it is.

use std::collections::BTreeMap;

use proxmox_mpc_code::configuration::{ObjectKeys, WrittenId};

use super::identity::{self, ObjectKey, short};

/// Keys of objects of the provider's resources, from the id of an import, from a state, or from what is written in a block.
///
/// All three give the same key for the same object. The node is no part of a guest's key, because guests move.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProviderKeys;

impl ObjectKeys for ProviderKeys {
    fn of_import(&self, resource_type: &str, import_id: &str) -> String {
        if short(resource_type) == SUBNET {
            return format!("{SUBNET} {}", subnet_without_zone(import_id));
        }
        text(&identity::of_ours(resource_type, import_id))
    }

    fn of_state(&self, resource_type: &str, attributes: &BTreeMap<String, String>) -> Option<String> {
        let key = identity::of_attributes(resource_type, &|name| attributes.get(name).map(String::as_str))?;
        // A state has the whole id of a subnet, as its import has.
        if key.object_type == SUBNET { Some(self.of_import(resource_type, &key.id)) } else { Some(text(&key)) }
    }

    fn of_block(&self, resource_type: &str, attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId {
        let (short, block) = (short(resource_type), Block(attribute));
        let known = |key: String| match short {
            SUBNET => format!("{SUBNET} {key}"),
            _ => self.of_import(resource_type, &key),
        };
        match block.id(short) {
            WrittenId::Known(id) => WrittenId::Known(known(id)),
            other => other,
        }
    }
}

const SUBNET: &str = "sdn_subnet";

fn text(key: &ObjectKey) -> String {
    format!("{} {}", key.object_type, key.id)
}

/// The id of a subnet's import, `lan0/zone-10.20.0.0-24`, without the zone, which no block of a subnet names. The name of a
/// zone has no hyphen.
fn subnet_without_zone(import_id: &str) -> String {
    let parts = import_id.split_once('/').and_then(|(vnet, id)| Some((vnet, id.split_once('-')?.1)));
    parts.map_or_else(|| import_id.to_owned(), |(vnet, cidr)| format!("{vnet}/{cidr}"))
}

/// What is written in a block.
struct Block<'a>(&'a dyn Fn(&str) -> WrittenId);

impl Block<'_> {
    /// The id that an import of the block's object takes, up to what a key leaves out. By the type without its prefixes.
    fn id(&self, short: &str) -> WrittenId {
        match short {
            "vm" | "cloned_vm" | "container" => self.joined(&["vm_id"], ""),
            "pool" => self.joined(&["pool_id"], ""),
            "group" => self.joined(&["group_id"], ""),
            "role" => self.joined(&["role_id"], ""),
            "user" => self.joined(&["user_id"], ""),
            "user_token" => self.joined(&["user_id", "token_name"], "!"),
            "acl" => self.acl(),
            "pool_membership" => self.membership(),
            "haresource" => self.joined(&["resource_id"], ""),
            "harule" => self.joined(&["rule"], ""),
            "hagroup" => self.joined(&["group"], ""),
            "acme_dns_plugin" => self.joined(&["plugin"], ""),
            "apt_repository" => self.joined(&["node", "file_path", "index"], ","),
            "apt_standard_repository" => self.joined(&["node", "handle"], ","),
            "acme_certificate" | "dns" | "hosts" | "node_config" | "node_firewall" | "time" => {
                self.joined(&["node_name"], "")
            }
            "acme_account" | "cluster_firewall_security_group" | "metrics_server" => self.joined(&["name"], ""),
            "cluster_firewall" | "cluster_options" => WrittenId::Known(String::new()),
            "firewall_alias" | "firewall_ipset" => self.with_name(self.firewall()),
            "firewall_options" | "firewall_rules" => self.firewall(),
            SUBNET => match self.joined(&["vnet", "cidr"], "\n") {
                WrittenId::Known(both) => {
                    let (vnet, cidr) = both.split_once('\n').unwrap_or((&both, ""));
                    WrittenId::Known(format!("{vnet}/{}", cidr.replace('/', "-")))
                }
                other => other,
            },
            // Its import takes an id that no attribute has.
            "file" => WrittenId::Absent,
            _ if short.starts_with("network_linux_") => self.joined(&["node_name", "name"], ":"),
            _ if short.starts_with("hardware_mapping_") => self.joined(&["name"], ""),
            _ if short.starts_with("realm_") => self.joined(&["realm"], ""),
            _ => self.joined(&["id"], ""),
        }
    }

    /// These attributes, joined. Absent if one of them is, unknown if one of them cannot be evaluated.
    fn joined(&self, names: &[&str], separator: &str) -> WrittenId {
        let (mut texts, mut is_unknown) = (Vec::new(), false);
        for name in names {
            match self.0(name) {
                WrittenId::Known(text) => texts.push(text),
                WrittenId::Unknown => is_unknown = true,
                WrittenId::Absent => return WrittenId::Absent,
            }
        }
        if is_unknown { WrittenId::Unknown } else { WrittenId::Known(texts.join(separator)) }
    }

    /// The first of these attributes that is written.
    fn first(&self, names: &[&str]) -> WrittenId {
        names.iter().map(|name| self.0(name)).find(|id| *id != WrittenId::Absent).unwrap_or(WrittenId::Absent)
    }

    /// `/pool/prod?alice@pve?PVEVMUser`: path, who, role.
    fn acl(&self) -> WrittenId {
        let parts = [self.0("path"), self.first(&["user_id", "group_id", "token_id"]), self.0("role_id")];
        all(parts, |parts| parts.join("?"))
    }

    /// `prod/vm/101` or `prod/storage/nas`.
    fn membership(&self) -> WrittenId {
        match self.joined(&["pool_id", "vm_id"], "/vm/") {
            WrittenId::Absent => self.joined(&["pool_id", "storage_id"], "/storage/"),
            guest => guest,
        }
    }

    /// The owner of a firewall: a guest, a node, or the cluster.
    fn firewall(&self) -> WrittenId {
        let guest = |name: &str, word: &str| match self.0(name) {
            WrittenId::Known(vmid) if vmid != "0" => WrittenId::Known(format!("{word}/-/{vmid}")),
            WrittenId::Known(_) => WrittenId::Absent,
            other => other,
        };
        let node = || match self.0("node_name") {
            WrittenId::Known(node) => WrittenId::Known(format!("node/{node}")),
            WrittenId::Absent => WrittenId::Known("cluster".to_owned()),
            WrittenId::Unknown => WrittenId::Unknown,
        };
        match (guest("vm_id", "vm"), guest("container_id", "container")) {
            (WrittenId::Absent, WrittenId::Absent) => node(),
            (WrittenId::Absent, guest) | (guest, _) => guest,
        }
    }

    fn with_name(&self, owner: WrittenId) -> WrittenId {
        all([owner, self.0("name")], |parts| parts.join("/"))
    }
}

/// Puts ids together that are all known.
fn all<const N: usize>(parts: [WrittenId; N], join: impl Fn(&[String]) -> String) -> WrittenId {
    let mut texts = Vec::new();
    for part in parts {
        match part {
            WrittenId::Known(text) => texts.push(text),
            other => return other,
        }
    }
    WrittenId::Known(join(&texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Import ids and attributes as the provider takes them (docs/provider.md, and the imports of recorded clusters).
    #[test]
    fn a_block_has_the_key_of_its_import() {
        let check = |resource: &str, attributes: &[(&str, &str)], import_id: &str| {
            let attribute = |name: &str| {
                let written = attributes.iter().find(|(known, _)| *known == name);
                written.map_or(WrittenId::Absent, |(_, value)| WrittenId::Known((*value).to_owned()))
            };
            let expected = WrittenId::Known(ProviderKeys.of_import(resource, import_id));
            assert_eq!(ProviderKeys.of_block(resource, &attribute), expected, "{resource}");
        };
        let virtual_environment = |name: &str| format!("proxmox_virtual_environment_{name}");
        check(&virtual_environment("vm"), &[("node_name", "pve2"), ("vm_id", "101")], "pve1/101");
        check(&virtual_environment("container"), &[("vm_id", "201")], "pve/201");
        check(&virtual_environment("pool"), &[("pool_id", "prod/web")], "prod/web");
        check(&virtual_environment("user"), &[("user_id", "a@pve")], "a@pve");
        check("proxmox_user_token", &[("user_id", "root@pam"), ("token_name", "iac")], "root@pam!iac");
        let acl = [("path", "/"), ("token_id", "m@pve!audit"), ("role_id", "PVEAuditor")];
        check("proxmox_acl", &acl, "/?m@pve!audit?PVEAuditor");
        check("proxmox_pool_membership", &[("pool_id", "homelab"), ("vm_id", "201")], "homelab/vm/201");
        check("proxmox_pool_membership", &[("pool_id", "p"), ("storage_id", "nas")], "p/storage/nas");
        check("proxmox_haresource", &[("resource_id", "vm:102")], "vm:102");
        check("proxmox_network_linux_bridge", &[("node_name", "pve"), ("name", "vmbr1")], "pve:vmbr1");
        check("proxmox_sdn_subnet", &[("vnet", "iot"), ("cidr", "10.77.0.0/24")], "iot/homenet-10.77.0.0-24");
        check("proxmox_sdn_subnet", &[("vnet", "v6"), ("cidr", "fd00::/64")], "v6/z-fd00::-64");
        let repository = [("node", "pve"), ("file_path", "/etc/apt/a.sources"), ("index", "1")];
        check("proxmox_apt_repository", &repository, "pve,/etc/apt/a.sources,1");
        check(&virtual_environment("dns"), &[("node_name", "pve01")], "pve01");
        check("proxmox_storage_nfs", &[("id", "nas")], "nas");
        check("proxmox_cluster_options", &[], "cluster");
        check(&virtual_environment("firewall_rules"), &[], "cluster");
        check(&virtual_environment("firewall_rules"), &[("node_name", "pve1")], "node/pve1");
        let container = [("node_name", "pve"), ("container_id", "200"), ("name", "clients")];
        check(&virtual_environment("firewall_ipset"), &container, "container/pve/200/clients");
        check(&virtual_environment("firewall_options"), &[("node_name", "b"), ("vm_id", "110")], "vm/a/110");
        check("proxmox_realm_ldap", &[("realm", "corp")], "corp");
        check("proxmox_replication", &[("id", "200-0")], "200-0");
    }

    #[test]
    fn an_id_that_is_not_known_is_no_id() {
        let check = |resource: &str, attributes: &[(&str, WrittenId)], expected: &WrittenId| {
            let attribute = |name: &str| {
                let written = attributes.iter().find(|(known, _)| *known == name);
                written.map_or(WrittenId::Absent, |(_, id)| id.clone())
            };
            assert_eq!(&ProviderKeys.of_block(resource, &attribute), expected, "{resource} {attributes:?}");
        };
        let vm = "proxmox_virtual_environment_vm";
        check(vm, &[("vm_id", WrittenId::Unknown)], &WrittenId::Unknown);
        check(vm, &[("name", WrittenId::Known("web".to_owned()))], &WrittenId::Absent);
        let known = |text: &str| WrittenId::Known(text.to_owned());
        check("proxmox_user_token", &[("user_id", WrittenId::Unknown), ("token_name", known("a"))], &WrittenId::Unknown);
        check("proxmox_user_token", &[("user_id", known("a"))], &WrittenId::Absent);
    }

    #[test]
    fn a_state_has_the_key_of_its_import() {
        let check = |resource: &str, attributes: &[(&str, &str)], import_id: &str| {
            let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let expected = Some(ProviderKeys.of_import(resource, import_id));
            assert_eq!(ProviderKeys.of_state(resource, &attributes), expected, "{resource}");
        };
        check("proxmox_virtual_environment_vm", &[("id", "100"), ("vm_id", "100")], "pve1/100");
        check("proxmox_sdn_subnet", &[("id", "lan-10.20.0.0-24"), ("vnet", "lan0")], "lan0/lan-10.20.0.0-24");
    }
}
