//! Formats of the values of a virtual machine's keys: a line of another format is dropped (`qemu-server` of PVE 9.1).

use std::collections::BTreeSet;

use crate::{boolean, key_names, list};

/// Properties of every drive.
const DRIVE: &str = "file*! volume=file aio:native|threads|io_uring backup:b bps:i bps_max_length:i bps_rd:i \
    bps_rd_length=bps_rd_max_length bps_rd_max_length:i bps_wr:i bps_wr_length=bps_wr_max_length bps_wr_max_length:i \
    cache:none|writethrough|writeback|unsafe|directsync detect_zeroes:b discard:ignore|on \
    format:raw|qcow|qed|qcow2|vmdk|cloop import-from iops:i iops_max:i iops_max_length:i iops_rd:i \
    iops_rd_length=iops_rd_max_length iops_rd_max:i iops_rd_max_length:i iops_wr:i iops_wr_length=iops_wr_max_length \
    iops_wr_max:i iops_wr_max_length:i mbps:n mbps_max:n mbps_rd:n mbps_rd_max:n mbps_wr:n mbps_wr_max:n media:cdrom|disk \
    replicate:b rerror:ignore|report|stop serial shared:b size snapshot:b werror:enospc|ignore|report|stop";

/// Models of network cards; each may be a key that holds the MAC address.
const MODELS: &str = "e1000 e1000-82540em e1000-82544gc e1000-82545em e1000e i82551 i82557b i82559er ne2k_isa ne2k_pci pcnet \
    rtl8139 virtio vmxnet3";

/// Keys that hold property strings, each with its properties: `*` marks a property that may stand without its name, `!`
/// a required one, `:b` a switch, `:i` a number, `:n` a number with a fraction, `:a|b` one of these words, `=x` another
/// name of x.
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "agent",
        &["enabled*!:b freeze-fs:b freeze-fs-on-backup=freeze-fs guest-fsfreeze=freeze-fs fstrim_cloned_disks:b \
            type:virtio|isa"],
    ),
    ("amd-sev", &["type* no-debug:b no-key-sharing:b allow-smt:b kernel-hashes:b"]),
    ("audio0", &["device!:ich9-intel-hda|intel-hda|AC97 driver:spice|none"]),
    ("boot", &["legacy* order"]),
    ("cdrom", &[DRIVE, "model ssd:b wwn"]),
    ("cicustom", &["meta network user vendor"]),
    ("cpu", &["cputype* reported-model hidden:b hv-vendor-id flags guest-phys-bits:i phys-bits level:i"]),
    (
        "efidisk0",
        &["file*! volume=file efitype:2m|4m format:raw|qcow|qed|qcow2|vmdk|cloop import-from \
            ms-cert:2011|2023|2023w|2023k pre-enrolled-keys:b size"],
    ),
    (
        "hostpci[n]",
        &[
            "host* mapping rombar:b romfile pcie:b x-vga:b legacy-igd:b mdev vendor-id device-id sub-vendor-id sub-device-id \
            driver",
        ],
    ),
    ("ide[n]", &[DRIVE, "model ssd:b wwn"]),
    ("intel-tdx", &["type* attestation:b vsock-cid:i vsock-port:i"]),
    ("ipconfig[n]", &["ip gw ip6 gw6"]),
    ("ivshmem", &["name size!:i"]),
    ("machine", &["type* viommu:intel|virtio enable-s3:b enable-s4:b aw-bits:n"]),
    ("memory", &["current*!:i"]),
    ("net[n]", &["model*! macaddr bridge firewall:b link_down:b mtu:i queues:i rate:n tag:i trunks"]),
    ("numa[n]", &["cpus! hostnodes memory:n policy:preferred|bind|interleave"]),
    ("rng0", &["source*! max_bytes:i period:i"]),
    ("sata[n]", &[DRIVE, "ssd:b wwn"]),
    ("scsi[n]", &[DRIVE, "iothread:b product queues:i ro:b scsiblock:b ssd:b vendor wwn"]),
    ("smbios1", &["uuid version serial manufacturer product sku family base64:b"]),
    ("spice_enhancements", &["foldersharing:b videostreaming:off|all|filter"]),
    ("startup", &["order*:i up:i down:i"]),
    ("tpmstate0", &["file*! volume=file format:raw|qcow2|vmdk import-from size version:v1.2|v2.0"]),
    ("unused[n]", &["file*! volume=file"]),
    ("usb[n]", &["host* mapping usb3:b"]),
    (
        "vga",
        &["type*:cirrus|qxl|qxl2|qxl3|qxl4|none|serial0|serial1|serial2|serial3|std|virtio|virtio-gl|vmware memory:i \
            clipboard:vnc"],
    ),
    ("virtio[n]", &[DRIVE, "iothread:b ro:b"]),
    ("virtiofs[n]", &["dirid*! cache:auto|always|metadata|never direct-io:b expose-acl:b expose-xattr:b"]),
    ("watchdog", &["model*:i6300esb|ib700 action:reset|shutdown|poweroff|pause|debug|none"]),
];

/// Checks the value of a virtual machine's key.
///
/// # Errors
///
/// The reason why it is refused.
pub(super) fn check(key: &str, value: &str) -> Result<(), String> {
    if let Some((pattern, words)) = PROPERTIES.iter().find(|(pattern, _)| key_names::matches(pattern, key)) {
        let models = if *pattern == "net[n]" { MODELS } else { "" };
        return properties(value, words, models);
    }
    let fits = match key {
        "bootdisk" => ["ide", "sata", "scsi", "virtio"].iter().any(|bus| key_names::index(bus, value).is_some()),
        "hotplug" => {
            let feature = |word: &str| matches!(word, "network" | "disk" | "cpu" | "memory" | "usb" | "cloudinit");
            matches!(value, "0" | "1") || list::items(value).all(feature)
        }
        "sshkeys" => value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-%_.!~*'()".contains(&byte)),
        "tags" => list::items(value).all(is_tag),
        _ => true,
    };
    if fits { Ok(()) } else { Err("its form is wrong".to_owned()) }
}

fn is_tag(tag: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+.".contains(&byte);
    tag.bytes().all(inner) && tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
}

/// Property: its name, its form, whether it may stand without its name, whether it is required.
struct Property<'p> {
    name: &'p str,
    form: &'p str,
    bare: bool,
    needed: bool,
}

fn property(word: &str) -> Property<'_> {
    let (name, form) = word.split_once(':').unwrap_or((word, ""));
    let stem = name.trim_end_matches(['*', '!']);
    Property { name: stem, form, bare: name[stem.len()..].contains('*'), needed: name.ends_with('!') }
}

/// Checks a property string (`PVE::JSONSchema::parse_property_string`).
fn properties(value: &str, words: &[&str], models: &str) -> Result<(), String> {
    let words = || words.iter().flat_map(|words| words.split_ascii_whitespace());
    let find = |name: &str| words().filter(|word| !word.contains('=')).map(property).find(|known| known.name == name);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for part in value.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => (key, value),
            Some(_) => return Err(format!("`{part}` lacks a key or a value")),
            None => (words().map(property).find(|known| known.bare).ok_or("it has a value without key")?.name, part),
        };
        let other = words().find_map(|word| word.split_once('=').filter(|(name, _)| *name == key));
        let is_model = models.split_ascii_whitespace().any(|model| model == key);
        let name = if is_model { "macaddr" } else { other.map_or(key, |(_, name)| name) };
        let known = find(name).ok_or_else(|| format!("there is no `{key}` in it"))?;
        if !fits(known.form, value) {
            return Err(format!("its `{key}` is wrong"));
        }
        if !seen.insert(known.name) || (is_model && !seen.insert("model")) {
            return Err(format!("it has `{key}` twice"));
        }
    }
    // A value of blanks counts as missing.
    let lacks = words().map(property).find(|known| known.needed && !seen.contains(known.name));
    lacks.map_or(Ok(()), |known| Err(format!("it lacks `{}`", known.name)))
}

fn fits(form: &str, value: &str) -> bool {
    match form {
        "" => true,
        "b" => boolean::parse(value).is_some(),
        "i" => value.parse::<i64>().is_ok(),
        "n" => value.parse::<f64>().is_ok(),
        words => words.split('|').any(|word| word == value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let right = [
            ("agent", "1"),
            ("agent", "enabled=1,guest-fsfreeze=0"),
            ("boot", " "),
            ("boot", "order=scsi0;net0"),
            ("boot", "cdn"),
            ("cpu", "cputype=host,flags=+aes;-pcid"),
            ("efidisk0", "local:100/vm-100-disk-0.qcow2,size=528K"),
            ("hostpci0", "0000:03:00.0,rombar=0"),
            ("memory", "current=16384"),
            ("net0", "virtio=BC:24:11:00:01:00,bridge=vmbr0,trunks=10;20"),
            ("net1", "model=e1000,macaddr=BC:24:11:00:01:00"),
            ("net2", "virtio"),
            ("scsi0", "volume=local:x,iothread=on"),
            ("startup", "3"),
            ("hotplug", "1"),
            ("tags", "a;B_c"),
            ("tags", " "),
            ("bootdisk", "sata0"),
            ("name", "anything"),
        ];
        for (key, value) in right {
            assert_eq!(check(key, value), Ok(()), "{key}: {value}");
        }
        let wrong = [
            ("agent", "type=virtio"),
            ("agent", "1,1"),
            ("agent", "enabled=maybe"),
            ("net0", "bridge=vmbr0"),
            ("net0", "virtio=BC:24:11:00:01:00,colour=red"),
            ("net0", "virtio=a,e1000=b"),
            ("net0", "virtio=,bridge=vmbr0"),
            ("numa0", "memory=1024"),
            ("ivshmem", "size=big"),
            ("memory", "lots"),
            ("scsi0", "size=4G"),
            ("scsi0", "a:b,cache=fast"),
            ("scsi0", "a:b,volume=a:c"),
            ("ipconfig0", "dhcp"),
            ("vga", "matrox"),
            ("hotplug", "disk,fan"),
            ("tags", "ä"),
            ("bootdisk", "floppy0"),
            ("sshkeys", "ssh-rsa AAAA"),
        ];
        for (key, value) in wrong {
            assert!(check(key, value).is_err(), "{key}: {value}");
        }
    }
}
