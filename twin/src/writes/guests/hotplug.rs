//! Hotplug: which part of a change comes into force while a virtual machine runs, and which waits for its next start
//! (`vmconfig_hotplug_pending` of `qemu-server`).

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::machine;
use proxmox_mpc_model::property::Properties;

use super::drives;
use super::keys::{is_numbered, word};
use crate::call::Refusal;
use crate::state::Row;

/// Keys that the running virtual machine does not know of.
const BESIDE_IT: [&str; 14] = [
    "description",
    "hookscript",
    "lock",
    "migrate_downtime",
    "migrate_speed",
    "name",
    "onboot",
    "protection",
    "shares",
    "startup",
    "tags",
    "vmstatestorage",
    "cpuunits",
    "cpulimit",
];
/// Keys of cloud-init: a running guest reads them at its next start.
const CLOUD_INIT: [&str; 8] =
    ["cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "nameserver", "searchdomain", "sshkeys"];
/// Options of a disk that cannot change while it is in use.
const FIXED: [&str; 9] = ["aio", "discard", "iothread", "queues", "product", "cache", "ssd", "vendor", "ro"];
/// Value of `hotplug` where it is not set, or is `1`.
const DEFAULT: &str = "network,disk,usb";

/// Reports whether a key is one of cloud-init's.
pub(super) fn is_cloud_init(key: &str) -> bool {
    CLOUD_INIT.contains(&key) || is_numbered(key, "ipconfig")
}

/// Reports whether a feature can be plugged into a running virtual machine with these keys: `network`, `disk`, `cpu`,
/// `memory`, `usb`, `cloudinit`.
pub(super) fn is_on(keys: &Row, feature: &str) -> bool {
    let features = word(keys, "hotplug").filter(|features| features != "1").unwrap_or_else(|| DEFAULT.to_owned());
    proxmox_mpc_model::list::items(&features).any(|own| own == feature)
}

/// Reports whether a new value of a running virtual machine comes into force at once.
pub(super) fn sets(keys: &Row, key: &str, value: &str) -> Result<bool, Refusal> {
    let held = word(keys, key);
    if BESIDE_IT.contains(&key) || is_cloud_init(key) {
        return Ok(true);
    }
    if is_numbered(key, "net") {
        return Ok(is_on(keys, "network") || held.is_some_and(|held| same_card(&held, value)));
    }
    if drives::is_disk(key) {
        return disk(keys, key, (held.as_deref(), value));
    }
    let enabled = |value: Option<&str>| value.is_none_or(|value| value != "0");
    Ok(match key {
        "hotplug" => ![Some(value), held.as_deref()].into_iter().flatten().any(needs_start),
        "tablet" => is_on(keys, "usb"),
        "vcpus" => is_on(keys, "cpu"),
        "memory" => is_on(keys, "memory"),
        // The device that takes memory back is there or not from the start.
        "balloon" => enabled(held.as_deref()) == enabled(Some(value)),
        "agent" => {
            let part = |text: &str, key: &str| Properties::parse(text).get_or_bare(key).map(str::to_owned);
            let held = held.unwrap_or_default();
            let kind = |text: &str| Properties::parse(text).get("type").unwrap_or("virtio").to_owned();
            part(&held, "enabled") == part(value, "enabled") && kind(&held) == kind(value)
        }
        _ => is_numbered(key, "usb") && takes_usb(keys),
    })
}

/// Reports whether a key of a running virtual machine is taken away at once.
pub(super) fn takes(keys: &Row, key: &str) -> bool {
    if BESIDE_IT.contains(&key) || is_cloud_init(key) || key.starts_with("unused") {
        return true;
    }
    if is_numbered(key, "net") {
        return is_on(keys, "network");
    }
    if drives::is_disk(key) {
        return is_on(keys, "disk") && !is_built_in(key);
    }
    match key {
        "hotplug" => !word(keys, key).is_some_and(|features| needs_start(&features)),
        "tablet" => is_on(keys, "usb"),
        "vcpus" => is_on(keys, "cpu"),
        "memory" => is_on(keys, "memory"),
        "balloon" => word(keys, key).is_none_or(|balloon| balloon != "0"),
        _ => is_numbered(key, "usb") && takes_usb(keys),
    }
}

/// Reports whether plugging processors or memory is among these features, for which a virtual machine has to be started
/// anew.
fn needs_start(features: &str) -> bool {
    features.contains("cpu") || features.contains("memory")
}

/// Reports whether a disk hangs on a bus that nothing can be plugged into.
fn is_built_in(key: &str) -> bool {
    ["efidisk", "ide", "sata", "tpmstate"].iter().any(|bus| is_numbered(key, bus))
}

/// Reports whether USB devices can be plugged: Linux, and Windows from 8 on.
fn takes_usb(keys: &Row) -> bool {
    let ostype = word(keys, "ostype").unwrap_or_default();
    is_on(keys, "usb")
        && (ostype == "l26" || machine::is_windows(&ostype) && matches!(&ostype[..], "win8" | "win10" | "win11"))
}

/// Reports whether a network card stays the same for the guest: only what is behind it changes.
fn same_card(held: &str, value: &str) -> bool {
    let (held, value) = (Properties::parse(held), Properties::parse(value));
    let card = |device: &Properties| {
        device.iter().next().map(|(model, address)| (model.map(str::to_owned), address.to_owned()))
    };
    let number = |device: &Properties, key: &str| device.number::<u64>(key).unwrap_or_default();
    card(&held) == card(&value)
        && ["queues", "mtu"].iter().all(|key| number(&held, key) == number(&value, key))
        && held.get("bridge").is_some()
        && value.get("bridge").is_some()
}

/// Reports whether a disk comes into force at once (`vmconfig_update_disk`).
fn disk(keys: &Row, key: &str, (held, value): (Option<&str>, &str)) -> Result<bool, Refusal> {
    if ["efidisk", "tpmstate"].iter().any(|bus| is_numbered(key, bus)) {
        return Ok(false);
    }
    let Some(held) = held.map(Drive::parse) else { return Ok(is_on(keys, "disk") && !is_built_in(key)) };
    let drive = Drive::parse(value);
    let media = |drive: &Drive| drive.properties.get("media").unwrap_or("disk").to_owned();
    if media(&held) != media(&drive) {
        return Err(Refusal::parameter(key, "hotplug problem - unable to change media type\n"));
    }
    if held.is_cdrom() {
        return Ok(true);
    }
    if held.volume != drive.volume {
        return Ok(is_on(keys, "disk") && !is_built_in(key));
    }
    Ok(FIXED.iter().all(|option| held.properties.get(option) == drive.properties.get(option)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_waits_is_what_cannot_be_plugged() {
        let check = |keys: Value, key: &str, value: &str, expected: bool| {
            let keys = keys.as_object().cloned().unwrap_or_default();
            assert_eq!(sets(&keys, key, value).unwrap(), expected, "{keys:?} {key}={value}");
        };
        let net = json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"});
        check(json!({}), "name", "x", true);
        check(json!({}), "cores", "2", false);
        check(json!({}), "ipconfig0", "ip=dhcp", true);
        check(json!({}), "memory", "2048", false);
        check(json!({"hotplug": "memory"}), "memory", "2048", true);
        check(json!({"hotplug": "cpu"}), "vcpus", "2", true);
        check(json!({}), "net1", "virtio=BC:24:11:00:00:02,bridge=vmbr0", true);
        check(json!({"hotplug": "0"}), "net1", "virtio=BC:24:11:00:00:02,bridge=vmbr0", false);
        let mut fixed = net.clone();
        fixed["hotplug"] = json!("0");
        check(fixed.clone(), "net0", "virtio=BC:24:11:00:00:01,bridge=vmbr1,tag=5", true);
        check(fixed, "net0", "e1000=BC:24:11:00:00:01,bridge=vmbr0", false);
        check(json!({}), "scsi1", "local:100/vm-100-disk-1.qcow2", true);
        check(json!({}), "sata1", "local:100/vm-100-disk-1.qcow2", false);
        check(json!({"scsi0": "a:vm-1-disk-0,size=1G"}), "scsi0", "a:vm-1-disk-0,mbps_rd=5,size=1G", true);
        check(json!({"scsi0": "a:vm-1-disk-0,size=1G"}), "scsi0", "a:vm-1-disk-0,size=1G,ssd=1", false);
        check(json!({"ide2": "none,media=cdrom"}), "ide2", "local:iso/x.iso,media=cdrom", true);
        check(json!({"balloon": 0}), "balloon", "512", false);
        check(json!({"balloon": 512}), "balloon", "1024", true);
        check(json!({"ostype": "l26"}), "usb0", "spice", true);
        check(json!({"ostype": "win7"}), "usb0", "spice", false);
        check(json!({"agent": "1"}), "agent", "1,fstrim_cloned_disks=1", true);
        check(json!({}), "agent", "1", false);
    }
}
