//! Values that the provider's validators accept, attribute by attribute (`validators.go` of each of its resources).

use std::sync::LazyLock;

use regex_lite::Regex;

/// CPU models (`cpu.type`); `custom-…` is accepted as well.
const CPU_TYPES: &[&str] = &[
    "486",
    "Broadwell",
    "Broadwell-IBRS",
    "Broadwell-noTSX",
    "Broadwell-noTSX-IBRS",
    "Cascadelake-Server",
    "Cascadelake-Server-noTSX",
    "Cascadelake-Server-v2",
    "Cascadelake-Server-v4",
    "Cascadelake-Server-v5",
    "Conroe",
    "Cooperlake",
    "Cooperlake-v2",
    "EPYC",
    "EPYC-Genoa",
    "EPYC-IBPB",
    "EPYC-Milan",
    "EPYC-Rome",
    "EPYC-Rome-v2",
    "EPYC-Rome-v3",
    "EPYC-Rome-v4",
    "EPYC-v3",
    "EPYC-v4",
    "Haswell",
    "Haswell-IBRS",
    "Haswell-noTSX",
    "Haswell-noTSX-IBRS",
    "Icelake-Client",
    "Icelake-Client-noTSX",
    "Icelake-Server",
    "Icelake-Server-noTSX",
    "Icelake-Server-v3",
    "Icelake-Server-v4",
    "Icelake-Server-v5",
    "Icelake-Server-v6",
    "IvyBridge",
    "IvyBridge-IBRS",
    "KnightsMill",
    "Nehalem",
    "Nehalem-IBRS",
    "Opteron_G1",
    "Opteron_G2",
    "Opteron_G3",
    "Opteron_G4",
    "Opteron_G5",
    "Penryn",
    "SandyBridge",
    "SandyBridge-IBRS",
    "SapphireRapids",
    "Skylake-Client",
    "Skylake-Client-IBRS",
    "Skylake-Client-noTSX-IBRS",
    "Skylake-Client-v4",
    "Skylake-Server",
    "Skylake-Server-IBRS",
    "Skylake-Server-noTSX-IBRS",
    "Skylake-Server-v4",
    "Skylake-Server-v5",
    "Westmere",
    "Westmere-IBRS",
    "athlon",
    "core2duo",
    "coreduo",
    "host",
    "kvm32",
    "kvm64",
    "max",
    "pentium",
    "pentium2",
    "pentium3",
    "phenom",
    "qemu32",
    "qemu64",
    "x86-64-v2",
    "x86-64-v2-AES",
    "x86-64-v3",
    "x86-64-v4",
];

/// Keyboard layouts (`keyboard_layout`).
pub const KEYBOARDS: &[&str] = &[
    "da", "de", "de-ch", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja", "lt",
    "mk", "nl", "no", "pl", "pt", "pt-br", "sl", "sv", "tr",
];

/// Operating systems of virtual machines.
pub const VM_SYSTEMS: &[&str] =
    &["l24", "l26", "other", "solaris", "w2k", "w2k3", "w2k8", "win7", "win8", "win10", "win11", "wvista", "wxp"];

/// Operating systems of containers.
pub const CONTAINER_SYSTEMS: &[&str] = &[
    "alpine",
    "archlinux",
    "centos",
    "debian",
    "devuan",
    "fedora",
    "gentoo",
    "nixos",
    "opensuse",
    "ubuntu",
    "unmanaged",
];

/// Architectures of containers.
pub const CONTAINER_ARCHITECTURES: &[&str] = &["amd64", "arm64", "armhf", "i386"];

/// SCSI controllers (`scsi_hardware`).
pub const SCSI_HARDWARE: &[&str] = &["lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"];

/// Displays (`vga.type`).
pub const DISPLAYS: &[&str] = &[
    "cirrus",
    "none",
    "qxl",
    "qxl2",
    "qxl3",
    "qxl4",
    "serial0",
    "serial1",
    "serial2",
    "serial3",
    "std",
    "virtio",
    "virtio-gl",
    "vmware",
];

/// Network card models of virtual machines.
pub const NETWORK_MODELS: &[&str] = &["e1000", "e1000e", "rtl8139", "virtio", "vmxnet3"];

/// Asynchronous I/O of a drive.
pub const AIO: &[&str] = &["io_uring", "native", "threads"];

/// Cache modes of a drive.
pub const CACHES: &[&str] = &["none", "writethrough", "writeback", "unsafe", "directsync"];

/// Sound cards.
pub const AUDIO_DEVICES: &[&str] = &["AC97", "ich9-intel-hda", "intel-hda"];

/// Cache modes of a shared directory.
pub const VIRTIOFS_CACHES: &[&str] = &["auto", "always", "metadata", "never"];

/// Watchdogs.
pub const WATCHDOGS: &[&str] = &["i6300esb", "ib700"];

/// Actions of a watchdog.
pub const WATCHDOG_ACTIONS: &[&str] = &["debug", "none", "pause", "poweroff", "reset", "shutdown"];

/// Types of memory encryption.
pub const SEV_TYPES: &[&str] = &["std", "es", "snp"];

/// Connection modes of an LDAP realm (`mode`).
pub const LDAP_MODES: &[&str] = &["ldap", "ldaps", "ldap+starttls"];

/// TLS versions of an LDAP realm (`ssl_version`).
pub const LDAP_TLS_VERSIONS: &[&str] = &["tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"];

/// Content types of a storage. Proxmox's `none` is refused.
pub const CONTENTS: &[&str] = &["backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"];

macro_rules! pattern {
    ($name:ident, $pattern:literal, $what:literal) => {
        #[doc = $what]
        pub fn $name(text: &str) -> bool {
            static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a legal pattern"));
            PATTERN.is_match(text)
        }
    };
}

pattern!(
    hostname,
    r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$",
    "True for a legal name of a guest: a DNS name."
);
pattern!(
    machine,
    r"^(pc|pc(-i440fx)?-[0-9]+(\.[0-9]+)+(\+pve[0-9]+)?(\.pxe)?|q35(,viommu=(intel|virtio))?|pc-q35-[0-9]+(\.[0-9]+)+(\+pve[0-9]+)?(\.pxe)?|virt(-[0-9]+(\.[0-9]+)+)?(\+pve[0-9]+)?)$",
    "True for a machine type."
);
pattern!(affinity, r"^[0-9]+[0-9,-]*$", "True for a list of host processors.");
pattern!(ranges, r"^[0-9]+(-[0-9]+)?(;[0-9]+(-[0-9]+)?)*$", "True for numbers and ranges separated by `;`.");
pattern!(mac, r"^[A-Fa-f0-9]{2}(:[A-Fa-f0-9]{2}){5}$", "True for a MAC address.");
pattern!(file_id, r"^(?i)[a-z0-9_.-]+:([a-z0-9_-]+/)?.+$", "True for the id of a file on a storage.");
pattern!(
    cloud_init_interface,
    r"^(ide[0-3]|sata[0-5]|scsi([0-9]|[12][0-9]|30))$",
    "True for an interface that a cloud-init drive can be on; any other is left out."
);
pattern!(
    disk_size,
    r"^(?i)[0-9]+(\.[0-9]+)?(k|kb|kib|m|mb|mib|g|gb|gib|t|tb|tib)?$",
    "True for a size that the provider can read."
);

/// True for a CPU model that the provider knows.
pub fn cpu_type(text: &str) -> bool {
    CPU_TYPES.contains(&text) || text.strip_prefix("custom-").is_some_and(|rest| !rest.is_empty())
}

/// True for a list of hotplug features. Proxmox's `cloudinit` is refused.
pub fn hotplug(text: &str) -> bool {
    let parts: Vec<&str> = text.split(',').collect();
    let known = |part: &&str| ["cpu", "disk", "memory", "network", "usb"].contains(part);
    let distinct = parts.iter().collect::<std::collections::BTreeSet<_>>().len() == parts.len();
    text == "0" || text == "1" || (distinct && parts.iter().all(known))
}

/// True for a serial port.
pub fn serial_port(text: &str) -> bool {
    text == "socket" || text.starts_with("/dev/")
}

/// True for a text without characters that the provider refuses in an entry point or an environment variable.
pub fn plain_text(text: &str) -> bool {
    !text.chars().any(|c| matches!(c, '\0'..='\u{8}' | '\u{10}'..='\u{1f}' | '\u{7f}'))
}
