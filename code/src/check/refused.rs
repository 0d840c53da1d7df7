//! Refused values: values that Proxmox's own schema of its API does not take.

use proxmox_mpc_model::schema::{self, Verb};
use serde_json::{Map, Value};

use super::code::Code;
use super::finding::Draft;
use super::recorded::Recorded;
use super::rule::{Rule, Severity};
use crate::configuration::{Node, Path};

pub(super) static VALUE: Rule = Rule {
    code: "PVE401",
    name: "refused-value",
    severity: Severity::Error,
    summary: "Proxmox refuses the value: a name, an id, an address or a number in a form that it does not take.",
    case: "resource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n  name      = \"web_01\"\n}\n",
    why: "The provider checks few values itself. `terraform plan` is content, and the apply ends in the middle with `Parameter \
          verification failed`. The rule asks Proxmox's own description of its API (of Proxmox VE 9.2).",
    remedy: "Correct the value as the message says: names of guests are DNS names, VMIDs begin at 100, addresses have a prefix \
             length (`192.0.2.10/24`).",
};

/// A value, and the parameter of the API that it becomes.
#[derive(Clone, Copy)]
struct Sent {
    kind: &'static str,
    names: &'static [&'static str],
    method: &'static [&'static str],
    parameter: &'static str,
    /// The parameter with `{}` for the value.
    form: &'static str,
    /// Values that the provider sends in another way.
    except: &'static [&'static str],
}

/// Releases have other privileges: they are compared only where the release is known.
const PRIVILEGES: &[&str] = &["privileges"];

const VM: &[&str] = &["nodes", "n", "qemu"];
const CONTAINER: &[&str] = &["nodes", "n", "lxc"];

const fn sent(
    kind: &'static str,
    names: &'static [&'static str],
    method: &'static [&'static str],
    parameter: &'static str,
    form: &'static str,
) -> Sent {
    Sent { kind, names, method, parameter, form, except: &[] }
}

const fn without(sent: Sent, except: &'static [&'static str]) -> Sent {
    Sent { except, ..sent }
}

/// The values that are compared. A `*` at the end of a type stands for any rest.
static SENT: &[Sent] = &[
    sent("vm", &["name"], VM, "name", "{}"),
    sent("vm", &["vm_id"], VM, "vmid", "{}"),
    sent("vm", &["bios"], VM, "bios", "{}"),
    sent("vm", &["scsi_hardware"], VM, "scsihw", "{}"),
    sent("vm", &["keyboard_layout"], VM, "keyboard", "{}"),
    sent("vm", &["operating_system", "type"], VM, "ostype", "{}"),
    sent("vm", &["cpu", "cores"], VM, "cores", "{}"),
    sent("vm", &["cpu", "sockets"], VM, "sockets", "{}"),
    sent("vm", &["memory", "dedicated"], VM, "memory", "{}"),
    sent("vm", &["tags"], VM, "tags", "{}"),
    sent("vm", &["network_device", "model"], VM, "net0", "{},bridge=vmbr0"),
    sent("vm", &["network_device", "mac_address"], VM, "net0", "virtio={},bridge=vmbr0"),
    without(sent("vm", &["network_device", "vlan_id"], VM, "net0", "virtio,tag={}"), &["0"]),
    without(sent("vm", &["network_device", "mtu"], VM, "net0", "virtio,mtu={}"), &["0"]),
    sent("vm", &["disk", "cache"], VM, "scsi0", "local:1,cache={}"),
    sent("vm", &["disk", "aio"], VM, "scsi0", "local:1,aio={}"),
    sent("vm", &["initialization", "ip_config", "ipv4", "address"], VM, "ipconfig0", "ip={}"),
    sent("vm", &["initialization", "ip_config", "ipv4", "gateway"], VM, "ipconfig0", "ip=192.0.2.2/24,gw={}"),
    sent("vm", &["initialization", "ip_config", "ipv6", "address"], VM, "ipconfig0", "ip6={}"),
    sent("vm", &["initialization", "ip_config", "ipv6", "gateway"], VM, "ipconfig0", "ip6=2001:db8::2/64,gw6={}"),
    sent("vm", &["initialization", "dns", "servers"], VM, "nameserver", "{}"),
    sent("container", &["vm_id"], CONTAINER, "vmid", "{}"),
    sent("container", &["tags"], CONTAINER, "tags", "{}"),
    sent("container", &["cpu", "cores"], CONTAINER, "cores", "{}"),
    sent("container", &["memory", "dedicated"], CONTAINER, "memory", "{}"),
    sent("container", &["operating_system", "type"], CONTAINER, "ostype", "{}"),
    sent("container", &["initialization", "hostname"], CONTAINER, "hostname", "{}"),
    sent("container", &["initialization", "ip_config", "ipv4", "address"], CONTAINER, "net0", "name=eth0,ip={}"),
    sent("container", &["initialization", "ip_config", "ipv4", "gateway"], CONTAINER, "net0", "name=eth0,gw={}"),
    sent("container", &["initialization", "ip_config", "ipv6", "address"], CONTAINER, "net0", "name=eth0,ip6={}"),
    sent("container", &["initialization", "dns", "servers"], CONTAINER, "nameserver", "{}"),
    sent("container", &["network_interface", "mac_address"], CONTAINER, "net0", "name=eth0,hwaddr={}"),
    without(sent("container", &["network_interface", "vlan_id"], CONTAINER, "net0", "name=eth0,tag={}"), &["0"]),
    sent("pool", &["pool_id"], &["pools"], "poolid", "{}"),
    sent("user", &["user_id"], &["access", "users"], "userid", "{}"),
    sent("group", &["group_id"], &["access", "groups"], "groupid", "{}"),
    sent("role", &["role_id"], &["access", "roles"], "roleid", "{}"),
    sent("role", PRIVILEGES, &["access", "roles"], "privs", "{}"),
    sent("user_token", &["token_name"], &["access", "users", "u", "token", "t"], "tokenid", "{}"),
    sent("storage_*", &["id"], &["storage"], "storage", "{}"),
    sent("sdn_zone_*", &["id"], &["cluster", "sdn", "zones"], "zone", "{}"),
    sent("sdn_vnet", &["id"], &["cluster", "sdn", "vnets"], "vnet", "{}"),
    sent("hardware_mapping_pci", &["name"], &["cluster", "mapping", "pci"], "id", "{}"),
    sent("hardware_mapping_usb", &["name"], &["cluster", "mapping", "usb"], "id", "{}"),
    sent("haresource", &["resource_id"], &["cluster", "ha", "resources"], "sid", "{}"),
    sent("backup_job", &["schedule"], &["cluster", "backup"], "schedule", "{}"),
];

pub(super) fn find(code: &Code<'_, '_>, recorded: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    let version = recorded.and_then(|recorded| recorded.version.as_deref());
    let is_described = version.is_some_and(|version| version.starts_with("9."));
    for resource in &code.resources {
        let rows = SENT.iter().filter(|row| row.is_of(resource.kind) && (is_described || row.names != PRIVILEGES));
        let rows: Vec<&Sent> = rows.collect();
        if rows.is_empty() {
            continue;
        }
        resource.fields.visit(&mut Vec::new(), &Path::default(), &mut |names, path, node| {
            let Some(row) = rows.iter().find(|row| row.names == names) else { return };
            let Some((value, complaint)) = row.complaint(node) else { return };
            let message = format!("Proxmox refuses `{value}` as {}: {complaint}", row.names.join("."));
            drafts.push(Draft::new(&VALUE, code.origin(resource, path, node), message).at(&resource.address));
        });
    }
}

impl Sent {
    fn is_of(&self, kind: &str) -> bool {
        self.kind.strip_suffix('*').map_or(self.kind == kind, |prefix| kind.starts_with(prefix))
    }

    /// The value and Proxmox's complaint about it.
    fn complaint(&self, node: &Node<'_>) -> Option<(String, String)> {
        let value = node.text().filter(|value| !value.is_empty() && !self.except.contains(&value.as_str()))?;
        let method = schema::schema().find(Verb::Post, self.method)?;
        let text = self.form.replace("{}", &value);
        let mut parameters: Map<String, Value> = [(self.parameter.to_owned(), Value::from(text))].into_iter().collect();
        let errors = schema::check(&method, &mut parameters).err()?;
        let complaint = errors.get(self.parameter)?;
        // Values of the wrong type are for the provider's schema.
        if complaint.starts_with("type check") {
            return None;
        }
        // Of a property string, the last line names the property and what is wrong with it.
        let last = complaint.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        let last = last.strip_prefix("invalid format - ").unwrap_or(last);
        let words =
            last.split_once(": ").filter(|_| complaint.contains("format error")).map_or(last, |(_, words)| words);
        let words = words.strip_prefix("invalid format - ").unwrap_or(words);
        let listed = words.split_once("in the enumeration '").map(|(_, list)| list.trim_end_matches('\''));
        Some((value, listed.map_or_else(|| words.to_owned(), |list| format!("it has to be one of {list}"))))
    }
}
