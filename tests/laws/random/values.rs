//! Values of a guest's keys: all that Proxmox's schema allows, in every spelling that its parser accepts.

use proptest::prelude::*;
use proptest::sample::select;
use proxmox_mpc_model::kinds::natural;
use proxmox_mpc_model::schema::{Domain, Parameter, Release};

/// Owner of a value: the guest, the key, and the part of the key's value.
#[derive(Clone, Copy)]
pub(super) struct ValueOwner<'p> {
    pub(super) guest: u32,
    pub(super) key: &'p str,
    /// Empty where the value has no parts.
    pub(super) part: &'p str,
}

/// Spellings of switches (`PVE::JSONSchema::parse_boolean`), the usual ones more often.
const SWITCHES: [&str; 14] = ["1", "1", "1", "0", "0", "on", "yes", "true", "off", "no", "false", "On", "YES", "False"];

/// Values of keys and parts that are named by what they point to, or of which Proxmox's pattern says too little:
/// the name of the key or the part, a part with its key before it.
const KNOWN: &[(&str, &[&str])] = &[
    ("affinity", &["0", "0-1", "0,1"]),
    ("args", &["-cpu host,+kvm_pv_eoi", "-device foo"]),
    ("boot.legacy", &["cdn", "c"]),
    ("boot.order", &["scsi0", "net0", "scsi0;net0", "ide2;scsi0"]),
    ("bootdisk", &["scsi0", "virtio0", "ide0"]),
    ("bridge", &["vmbr0", "vmbr1"]),
    ("cicustom.*", &["local:snippets/user.yml"]),
    ("ciuser", &["ada", "root"]),
    ("cpu.cputype", &["host", "kvm64", "x86-64-v2-AES", "EPYC", "max", "qemu64"]),
    ("cpu.flags", &["+aes", "+aes;-pcid", "-spec-ctrl"]),
    ("cpu.phys-bits", &["host", "40"]),
    ("cpu.reported-model", &["kvm64", "qemu64"]),
    ("description", &["a note", "a note%0Aof two lines%0A", " spaces ", "50%25"]),
    ("device-id", &["0x1234", "1234"]),
    ("entrypoint", &["/sbin/init", "/usr/bin/app --flag"]),
    ("env", &["A=1", "A=1 2"]),
    ("features.mount", &["nfs", "nfs;cifs", "nfs; cifs"]),
    ("gid", &["0", "104"]),
    ("hookscript", &["local:snippets/hook.pl"]),
    ("hostname", &["ct", "ct.example.com"]),
    ("hostpci.host", &["01:00", "0000:01:00.0", "01:00.0;01:00.1"]),
    ("hostpci.mapping", &["gpu"]),
    ("hotplug", &["network,disk", "1", "0", "disk,network,usb", "cpu,memory"]),
    ("ivshmem.name", &["shared"]),
    ("mdev", &["nvidia-63"]),
    ("mountoptions", &["noatime", "discard;noatime", "nosuid;nodev"]),
    ("mp.mp", &["/data", "/srv/with blank", "/media"]),
    ("name", &["web", "web.example.com", "Web-1"]),
    ("nameserver", &["192.0.2.53", "192.0.2.53 192.0.2.54", "2001:db8::53"]),
    ("net.name", &["eth0", "eth1", "lan0"]),
    ("numa.cpus", &["0", "0-1", "0;1"]),
    ("numa.hostnodes", &["0", "0-1"]),
    ("parallel", &["/dev/parport0", "/dev/usb/lp0"]),
    ("path", &["/dev/net/tun", "/dev/dri/renderD128"]),
    ("product", &["disk", "QEMU HARDDISK"]),
    ("romfile", &["vbios.rom"]),
    ("searchdomain", &["example.com", "example.com example.org"]),
    ("serial", &["socket", "/dev/ttyS0"]),
    ("smbios1.uuid", &["7f3c1e02-96a5-4a51-9a2b-3f1f2d1f0f01"]),
    ("smbios1.*", &["QWNtZQ==", "QWNtZQ"]),
    ("sshkeys", &["ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f%20ada"]),
    ("startdate", &["now", "2024-01-01", "2024-01-01T12:00:00"]),
    ("startup", &["order=3", "3", "order=3,up=30", "up=30,down=60", "order=1,up=2,down=3", "3,up=5"]),
    ("sub-device-id", &["0x1234"]),
    ("sub-vendor-id", &["0x10de"]),
    ("tags", &["web", "web;prod", "b,a", "Web Prod"]),
    ("timezone", &["host", "Europe/Berlin"]),
    ("trunks", &["2", "2;3", "2;3;4"]),
    ("uid", &["0", "1000"]),
    ("usb.host", &["046d:c52b", "0x046d:0xc52b", "1-2", "spice", "SPICE"]),
    ("usb.mapping", &["stick"]),
    ("vendor", &["ACME"]),
    ("vendor-id", &["0x10de", "10de"]),
    ("virtiofs.dirid", &["share"]),
    ("vmgenid", &["7f3c1e02-96a5-4a51-9a2b-3f1f2d1f0f02"]),
    ("vmstatestorage", &["local-lvm"]),
    ("wwn", &["0x5000c50015ea71aa"]),
];

/// Values by format.
const FORMATS: &[(&str, &[&str])] = &[
    ("CIDR", &["192.0.2.0/24"]),
    ("address-list", &["192.0.2.53", "192.0.2.53 192.0.2.54"]),
    ("disk-size", &["8G", "512M", "1T", "1024G", "4194304K", "8.5G"]),
    ("ipv4", &["192.0.2.1"]),
    ("ipv6", &["2001:db8::1"]),
    ("mac-addr", &["BC:24:11:00:00:01", "bc:24:11:00:00:02"]),
    ("pve-configid", &["share"]),
    ("pve-ipv4-config", &["dhcp", "192.0.2.10/24", "manual"]),
    ("pve-ipv6-config", &["auto", "dhcp", "2001:db8::10/64", "manual"]),
    ("urlencoded", &["disk1", "a%20b"]),
];

/// Strategy for a value; `None` if nothing says what the value could be.
pub(super) fn value(place: ValueOwner<'_>, parameter: &'static Parameter) -> Option<BoxedStrategy<String>> {
    if let Some(volume) = volume(place) {
        return Some(volume);
    }
    let (stem, _) = natural(place.key);
    let within = format!("{stem}.{}", place.part);
    let any_of_key = format!("{stem}.*");
    let names = if place.part.is_empty() { vec![place.key, stem] } else { vec![&within, &any_of_key, place.part] };
    let known = names.iter().find_map(|name| KNOWN.iter().find(|(known, _)| known == name));
    if let Some((_, values)) = known {
        return Some(one_of(values));
    }
    Some(match Release::NEWEST.schema().domain(parameter) {
        Domain::Boolean => one_of(&SWITCHES),
        Domain::Integer(least, most) => numbers(parameter, least.unwrap_or(0.0), most.unwrap_or(4096.0)),
        Domain::Number(least, most) => {
            let whole = numbers(parameter, least.unwrap_or(0.0), most.unwrap_or(64.0));
            if least.is_some_and(|least| least > 0.0) {
                return Some(whole);
            }
            prop_oneof![3 => whole, 1 => one_of(&["0.5", "1.5", "1.0", "2"])].boxed()
        }
        Domain::Words(words) => select(words.to_vec()).boxed(),
        Domain::Format(format) => one_of(FORMATS.iter().find(|(known, _)| *known == format)?.1),
        Domain::Pattern(_) | Domain::Text | Domain::Properties(_) => return None,
    })
}

fn one_of(values: &'static [&'static str]) -> BoxedStrategy<String> {
    select(values).prop_map(str::to_owned).boxed()
}

/// The default written out, the limits, and what lies between them.
#[expect(clippy::cast_possible_truncation, reason = "limits of the schema are whole and small")]
fn numbers(parameter: &Parameter, least: f64, most: f64) -> BoxedStrategy<String> {
    let (least, most) = (least as i64, most as i64);
    let default = parameter.default.as_ref().and_then(serde_json::Value::as_i64).unwrap_or(least);
    let some = |number: i64| number.clamp(least, most);
    select(vec![default, least, some(1), some(2), some(3), some(100), some(512), most])
        .prop_map(|number| number.to_string())
        .boxed()
}

/// Source of a drive or a mount point: a volume of the guest with a name of its own, a medium, or a path.
fn volume(place: ValueOwner<'_>) -> Option<BoxedStrategy<String>> {
    let (stem, index) = (natural(place.key).0, place.key.trim_start_matches(|first: char| !first.is_ascii_digit()));
    let guest = place.guest;
    let block = format!("local-lvm:vm-{guest}-disk-{stem}{index}");
    let file = |ending: &str| format!("local:{guest}/vm-{guest}-disk-{stem}{index}.{ending}");
    let plain = |values: Vec<String>| Some(select(values).boxed());
    match (stem, place.part) {
        ("rootfs", "volume") | ("tpmstate", "file") => plain(vec![block, file("raw")]),
        ("mp", "volume") => plain(vec![block, file("raw"), "/srv/shared".to_owned()]),
        ("ide" | "sata" | "scsi", "file") => plain(vec![
            block.clone(),
            block,
            file("qcow2"),
            file("raw"),
            "none".to_owned(),
            "local:iso/x.iso".to_owned(),
        ]),
        ("virtio", "file") => plain(vec![block, file("qcow2")]),
        ("efidisk", "file") => plain(vec![block, file("raw"), file("qcow2")]),
        _ => None,
    }
}
