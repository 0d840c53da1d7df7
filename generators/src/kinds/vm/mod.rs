//! Virtual machines as `proxmox_virtual_environment_vm`.

mod cpu;
mod devices;
pub(super) mod disks;
mod general;
mod initialization;
mod network;
#[cfg(test)]
mod tests;
mod volumes;

use super::Translation;
use crate::row::Row;

/// Translation of virtual machines and their templates.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "vm",
    file: "virtual_machines.tf",
    word: "vm",
    data: true,
    namespace: super::Namespace::Guests,
    destination: |object, _| super::guest::destination("proxmox_virtual_environment_vm", object),
    name: |entry| entry.name.clone(),
    rows: ROWS,
    role: Some(|_| super::guest::ROLE),
};

/// Every key of a virtual machine, in the order in which its block is written.
static ROWS: &[Row] = &[
    Row::custom(&[], general::location),
    Row::custom(&["name"], general::name),
    Row::custom(&["description"], super::guest::description),
    Row::custom(&["tags"], super::guest::tags),
    Row::custom(&[], general::pool),
    Row::always(&["onboot"], "on_boot"),
    Row::custom(&[], super::guest::started),
    Row::checked(&[], super::guest::pending),
    Row::flag(&["template"], "template", false),
    Row::flag(&["protection"], "protection", false),
    Row::custom(&["bios"], general::bios),
    Row::custom(&["machine"], general::machine),
    Row::custom(&["scsihw"], general::scsi_hardware),
    Row::custom(&["boot", "bootdisk"], general::boot),
    Row::flag(&["acpi"], "acpi", true),
    Row::flag(&["tablet"], "tablet_device", true),
    Row::custom(&["keyboard"], general::keyboard),
    Row::custom(&["hotplug"], general::hotplug),
    Row::custom(&["args"], general::arguments),
    Row::custom(&["hookscript"], super::guest::hook_script),
    Row::checked(&["startup"], super::guest::startup),
    Row::custom(&["ostype"], general::operating_system),
    Row::custom(&["cores", "sockets", "vcpus", "cpulimit", "cpuunits", "cpu", "arch", "numa", "affinity"], cpu::cpu),
    Row::checked(&["memory", "balloon", "ivshmem", "hugepages", "keephugepages"], cpu::memory),
    Row::checked(&["numa[n]"], cpu::numa),
    Row::checked(&["efidisk0"], volumes::efi_disk),
    Row::custom(&["tpmstate0"], volumes::tpm_state),
    Row::checked(&["ide[n]", "sata[n]", "scsi[n]", "virtio[n]"], disks::drives),
    Row::checked(
        &[
            "ciuser",
            "cipassword",
            "sshkeys",
            "nameserver",
            "searchdomain",
            "ipconfig[n]",
            "cicustom",
            "citype",
            "ciupgrade",
        ],
        initialization::initialization,
    ),
    Row::checked(&["net[n]"], network::network_devices),
    Row::custom(&["agent"], devices::agent),
    Row::custom(&["hostpci[n]"], devices::hostpci),
    Row::custom(&["usb[n]"], devices::usb),
    Row::checked(&["virtiofs[n]"], devices::virtiofs),
    Row::custom(&["serial[n]"], devices::serial),
    Row::custom(&["audio0"], devices::audio),
    Row::checked(&["vga"], devices::vga),
    Row::checked(&["rng0"], devices::rng),
    Row::checked(&["smbios1"], devices::smbios),
    Row::custom(&["watchdog"], devices::watchdog),
    Row::custom(&["amd-sev"], devices::amd_sev),
    Row::checked(&["migrate_downtime", "migrate_speed", "shares"], general::numbers),
    Row::volatile(&[
        "digest",
        "meta",
        "lock",
        "parent",
        "snapstate",
        "snaptime",
        "unused[n]",
        "vmgenid",
        "vmstate",
        "runningmachine",
        "runningcpu",
        "running-nets-host-mtu",
    ]),
    Row::not_expressible(&["cdrom"], "the old name of ide2, and Proxmox shows it as ide2"),
    Row::ansible(
        &[
            "allow-ksm",
            "autostart",
            "freeze",
            "intel-tdx",
            "kvm",
            "localtime",
            "parallel[n]",
            "reboot",
            "smp",
            "spice_enhancements",
            "startdate",
            "tdf",
            "vmstatestorage",
        ],
        "the provider has no attribute for it (provider rule K1)",
    ),
    Row::custom(&[], super::protected_blocks::row),
];
