//! Virtual machines and their templates (`qemu-server`), Proxmox's half.

use serde_json::Value;

use super::guest;
use super::key::{Form, Key};
use super::kind::Kind;
use super::source::Source;
use super::write::Writing;
use crate::drive::Drive;
use crate::guest::GuestType;
use crate::{ApiPath, Cluster, Unreadable, list};

/// A virtual machine or a template of one: `nodes/{node}/qemu/{vmid}/config`.
pub(super) static KIND: Kind = Kind {
    id: "vm",
    prefix: "qemu",
    title: "virtual machine",
    keys: KEYS,
    source: Source::Own { requests, list: |cluster| guest::list(cluster, GuestType::Qemu), read: guest::read },
    writing: Writing::Own(guest::write),
};

/// `qemu-server`'s configuration (`GET`'s answer and `PUT`'s parameters), and `snapstate`, which only a snapshot has.
/// Defaults are the schema's, with these readings: `cpuunits` is the one of cgroup v2, `cpu` is `cputype`'s default, a
/// missing `freeze` is off. Keys that Proxmox changes by itself are volatile
/// (docs/proxmox.md, "What Proxmox changes by itself").
const KEYS: &[Key] = &[
    Key::new("acpi", Form::Boolean).default("1"),
    Key::new("affinity", Form::Text),
    Key::new("agent", Form::Properties(Some("enabled"))).default("0"),
    Key::new("allow-ksm", Form::Boolean).default("1"),
    Key::new("amd-sev", Form::Properties(Some("type"))),
    Key::new("arch", Form::Text),
    Key::new("args", Form::Text),
    Key::new("audio0", Form::Properties(None)),
    Key::new("autostart", Form::Boolean).default("0"),
    Key::new("balloon", Form::Integer),
    Key::new("bios", Form::Text).default("seabios"),
    Key::new("boot", Form::Properties(Some("legacy"))),
    Key::new("bootdisk", Form::Text),
    Key::new("cdrom", Form::Properties(Some("file"))),
    Key::new("cicustom", Form::Properties(None)),
    Key::new("cipassword", Form::Text).secret(),
    Key::new("citype", Form::Text),
    Key::new("ciupgrade", Form::Boolean).default("1"),
    Key::new("ciuser", Form::Text),
    Key::new("cores", Form::Integer).default("1"),
    Key::new("cpu", Form::Properties(Some("cputype"))).default("kvm64"),
    Key::new("cpulimit", Form::Number).default("0"),
    Key::new("cpuunits", Form::Integer).default("100"),
    Key::new("description", Form::Text),
    Key::new("digest", Form::Text).volatile(),
    Key::new("efidisk0", Form::Properties(Some("file"))),
    Key::new("freeze", Form::Boolean).default("0"),
    Key::new("hookscript", Form::Text),
    Key::new("hostpci[n]", Form::Properties(Some("host"))),
    Key::new("hotplug", Form::Set(',')).default("network,disk,usb"),
    Key::new("hugepages", Form::Text),
    Key::new("ide[n]", Form::Properties(Some("file"))),
    Key::new("intel-tdx", Form::Properties(Some("type"))),
    Key::new("ipconfig[n]", Form::Properties(None)),
    Key::new("ivshmem", Form::Properties(None)),
    Key::new("keephugepages", Form::Boolean).default("0"),
    Key::new("keyboard", Form::Text),
    Key::new("kvm", Form::Boolean).default("1"),
    Key::new("localtime", Form::Boolean),
    Key::new("lock", Form::Text).volatile(),
    Key::new("machine", Form::Properties(Some("type"))),
    Key::new("memory", Form::Properties(Some("current"))).default("512"),
    Key::new("meta", Form::Properties(None)).volatile(),
    Key::new("migrate_downtime", Form::Number).default("0.1"),
    Key::new("migrate_speed", Form::Integer).default("0"),
    Key::new("name", Form::Text),
    Key::new("nameserver", Form::Text),
    Key::new("net[n]", Form::Properties(Some("model"))),
    Key::new("numa", Form::Boolean).default("0"),
    Key::new("numa[n]", Form::Properties(None)),
    Key::new("onboot", Form::Boolean).default("0"),
    Key::new("ostype", Form::Text).default("other"),
    Key::new("parallel[n]", Form::Text),
    Key::new("parent", Form::Text).volatile(),
    Key::new("protection", Form::Boolean).default("0"),
    Key::new("reboot", Form::Boolean).default("1"),
    Key::new("rng0", Form::Properties(Some("source"))),
    Key::new("running-nets-host-mtu", Form::Text).volatile(),
    Key::new("runningcpu", Form::Text).volatile(),
    Key::new("runningmachine", Form::Properties(Some("type"))).volatile(),
    Key::new("sata[n]", Form::Properties(Some("file"))),
    Key::new("scsi[n]", Form::Properties(Some("file"))),
    Key::new("scsihw", Form::Text).default("lsi"),
    Key::new("searchdomain", Form::Text),
    Key::new("serial[n]", Form::Text),
    Key::new("shares", Form::Integer).default("1000"),
    Key::new("smbios1", Form::Properties(None)),
    Key::new("smp", Form::Integer).default("1"),
    Key::new("snapstate", Form::Text).volatile(),
    Key::new("snaptime", Form::Integer).volatile(),
    Key::new("sockets", Form::Integer).default("1"),
    Key::new("spice_enhancements", Form::Properties(None)),
    Key::new("sshkeys", Form::Text),
    Key::new("startdate", Form::Text).default("now"),
    Key::new("startup", Form::Properties(Some("order"))),
    Key::new("tablet", Form::Boolean).default("1"),
    Key::new("tags", Form::Set(';')),
    Key::new("tdf", Form::Boolean).default("0"),
    Key::new("template", Form::Boolean).default("0"),
    Key::new("tpmstate0", Form::Properties(Some("file"))),
    Key::new("unused[n]", Form::Properties(Some("file"))).volatile(),
    Key::new("usb[n]", Form::Properties(Some("host"))),
    Key::new("vcpus", Form::Integer).default("0"),
    Key::new("vga", Form::Properties(Some("type"))).default("std"),
    Key::new("virtio[n]", Form::Properties(Some("file"))),
    Key::new("virtiofs[n]", Form::Properties(Some("dirid"))),
    Key::new("vmgenid", Form::Text).volatile(),
    Key::new("vmstate", Form::Text).volatile(),
    Key::new("vmstatestorage", Form::Text),
    Key::new("watchdog", Form::Properties(Some("model"))),
];

/// Beside the configurations: the state of the storages on each node that has virtual machines, and the volumes on
/// storages where these have no file name. Terraform's provider asks for the format of such a volume, and cannot
/// import a guest where that question fails (docs/provider.md, T18).
fn requests(cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
    let mut wanted = guest::requests(cluster, GuestType::Qemu)?;
    let mut nodes: Vec<&str> = guest::of_type(cluster, GuestType::Qemu).map(|guest| guest.node.as_str()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    for node in nodes.into_iter().filter(|node| cluster.nodes.get(*node) != Some(&false)) {
        wanted.push(ApiPath::new(["nodes", node, "storage"]));
        let Some(storages) = cluster.node_storages(node)? else { continue };
        let firmware = firmware(cluster, node)?;
        let firmware: Vec<&str> = firmware.iter().map(String::as_str).collect();
        for (storage, row) in storages.iter() {
            let word = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            let images = list::items(word("content")).any(|content| content == "images");
            let active = row.get("active").and_then(Value::as_u64) == Some(1);
            if images && active && (without_file_names(word("type")) || firmware.contains(&storage.as_str())) {
                wanted.push(ApiPath::new(["nodes", node, "storage", storage, "content"]));
            }
        }
    }
    Ok(wanted)
}

/// The storages with EFI disks of a node's virtual machines: for these the provider asks for the format whatever their
/// names are.
fn firmware(cluster: &Cluster<'_>, node: &str) -> Result<Vec<String>, Unreadable> {
    let mut storages = Vec::new();
    for guest in guest::of_type(cluster, GuestType::Qemu).filter(|guest| guest.node == node) {
        let answer = cluster.get(&guest::path(guest, "config"))?;
        let disk = answer.as_ref().and_then(|answer| Some(Drive::parse(answer.data()?.get("efidisk0")?.as_str()?)));
        storages.extend(disk.as_ref().and_then(Drive::stored).map(|volume| volume.storage().to_owned()));
    }
    Ok(storages)
}

/// Reports whether the volumes of this storage type are block devices, whose names do not include their format.
pub fn without_file_names(storage_type: &str) -> bool {
    matches!(storage_type, "lvm" | "lvmthin" | "zfspool" | "zfs" | "rbd" | "iscsi" | "iscsidirect")
}
