//! Known causes of differences and errors: tables with one row for each that was seen with the real provider 0.111.1.
//!
//! A row about an attribute holds for code as an import writes it: changes of the code are explained first.
//!
//! Each row is followed by its rule in docs/provider.md. Check the rows with each new version of the provider; for a new
//! cause, add a row.

/// Row: the cause of a difference of an attribute, or of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KnownCause {
    /// The attribute, without indexes; empty for an error or a whole object.
    pub(super) attribute: &'static str,
    /// The reason, as a sentence.
    pub(super) why: &'static str,
    /// The remedy, as a sentence.
    pub(super) what_to_do: &'static str,
}

const fn row(attribute: &'static str, why: &'static str, what_to_do: &'static str) -> KnownCause {
    KnownCause { attribute, why, what_to_do }
}

pub(super) const IMPORT_AGAIN: &str = "Import again, so that the code matches the cluster.";

pub(super) const GOES_ALONG: &str = "Nothing: this disappears with the other difference.";

pub(super) const VM: &[KnownCause] = &[
    row(
        "scsi_hardware",
        "The guest has no `scsihw`, and the provider assumes virtio-scsi-pci.",
        "Run `qm set ID --scsihw lsi` on the node, which is what Proxmox assumes, and import again; or ignore the attribute.",
    ), // T3
    row(
        "operating_system",
        "The guest has no `ostype`, and the provider assumes `other`.",
        "Add `operating_system` to `ignore_changes`.",
    ), // T27
    row(
        "machine",
        "The provider's check refuses this machine type, so that it cannot be written.",
        "Leave `machine` out and add it to `ignore_changes`.",
    ), // T30
    row("numa", "A NUMA node has no policy, and the provider assumes `preferred`.", "Add `numa` to `ignore_changes`."), // T33
    row(
        "node_name",
        "The guest is on another node than the code says: it was migrated, or the HA manager moved it.",
        "Import again; for a guest that moves by itself, add `node_name` to `ignore_changes`. Do not apply: it would be replaced.",
    ), // T44, T45
    row(
        "network_device",
        "The numbers of the guest's network devices do not start at 0 or have a gap, or a MAC address differs in upper and lower case.",
        "Leave `network_device` out and ignore it with `ipv4_addresses`, `ipv6_addresses` and `network_interface_names`.",
    ), // T7, T8
    row(
        "ipv4_addresses",
        "Another attribute changes, after which the provider wants to read the addresses again.",
        GOES_ALONG,
    ), // T7, T20
    row(
        "ipv6_addresses",
        "Another attribute changes, after which the provider wants to read the addresses again.",
        GOES_ALONG,
    ),
    row(
        "network_interface_names",
        "Another attribute changes, after which the provider wants to read the names again.",
        GOES_ALONG,
    ),
    row(
        "serial_device",
        "The numbers of the guest's serial ports do not start at 0, or have a gap.",
        "Add `serial_device` to `ignore_changes`.",
    ), // T19
    row(
        "audio_device",
        "The audio device has no driver, or one that the provider does not know.",
        "Add `audio_device` to `ignore_changes`.",
    ), // T28
    row(
        "description",
        "The notes begin or end with spaces, or have Windows line ends, which the provider removes.",
        "Add `description` to `ignore_changes`, or trim the notes in Proxmox.",
    ), // T12
    row("started", "The code says whether the guest runs, and the guest was started or stopped since.", IMPORT_AGAIN), // T20
    row(
        "disk",
        "The provider compares disks in the order of the code, with their sizes.",
        "Import again. Do not apply: a change of one disk rewrites every drive of the guest.",
    ), // T14, T43
    row("cdrom", "A CD drive other than the provider's own needs a block of its own.", IMPORT_AGAIN), // T6
    row(
        "cpu",
        "The CPU differs, or its type is one that the provider does not know.",
        "Import again; a type that the provider refuses goes into `ignore_changes` as `cpu[0].type`.",
    ), // T4, T31
    row(
        "memory",
        "The guest has no `memory`, or less than the provider allows to write.",
        "Leave `memory` out and add it to `ignore_changes`.",
    ), // T26
    row("efi_disk", "The guest has an EFI disk, which is always in the state.", IMPORT_AGAIN),        // T21
    row(
        "tpm_state",
        "The version of the TPM is not written as the provider reads it.",
        "Import again. Do not apply: the TPM would be replaced, and with it its keys.",
    ), // T10, T11
    row("hostpci", "A passed-through device differs, `rombar` among its attributes.", IMPORT_AGAIN),  // T34
    row(
        "amd_sev",
        "Memory encryption cannot be changed in place.",
        "Import again. Do not apply: the guest would be replaced.",
    ), // T38
    row("pool_id", "The guest is in another pool than the code says.", IMPORT_AGAIN),                 // T40
    row("tags", "The tags differ, or are separated by something else than semicolons.", IMPORT_AGAIN), // T25
    row(
        "clone",
        "The provider never reads back what a guest was cloned from.",
        "Leave `clone` out. Do not apply: the guest would be replaced.",
    ), // T40
    row("timeout_", "The provider's time limits come from the code alone.", "Leave them at their defaults."), // T39
];

pub(super) const CONTAINER: &[KnownCause] = &[
    row(
        "timeout_",
        "An import leaves the provider's time limits empty, and its defaults are not.",
        "Add the five of them to `ignore_changes`.",
    ), // C1
    row("vm_id", "An import leaves `vm_id` empty.", "Add `vm_id` to `ignore_changes`."), // C2
    row("console", "Without a `console` key in Proxmox the state has an empty block.", "Write `console {}`."), // C3
    row(
        "operating_system",
        "The provider never reads back which template a container was made from, or `ostype` is absent.",
        "Add `operating_system[0].template_file_id` to `ignore_changes`. Do not apply: the container would be replaced.",
    ), // C4, C5
    row("memory", "The container has no `memory` key.", "Leave `memory` out and add it to `ignore_changes`."), // C7
    row("disk", "The root disk's size is not written as the provider reads it.", IMPORT_AGAIN), // C9
    row(
        "mount_point",
        "A mount point differs, or its size is in another unit.",
        "Import again. Do not apply: the container would be replaced.",
    ), // C6
    row("initialization", "A container always has this block in its state.", IMPORT_AGAIN), // C15, C17
    row(
        "description",
        "The notes do not end with exactly one line end, or begin with spaces.",
        "Add `description` to `ignore_changes`.",
    ), // C16
    row(
        "unprivileged",
        "This cannot be changed in place.",
        "Import again. Do not apply: the container would be replaced.",
    ), // C6
    row(
        "pool_id",
        "A container's pool cannot be changed in place.",
        "Use a pool membership. Do not apply: the container would be replaced.",
    ), // C6
    row(
        "node_name",
        "The container is on another node than the code says.",
        "Import again. Do not apply: a second one would be created.",
    ), // C21
];

pub(super) const STORAGE: &[KnownCause] = &[
    row(
        "password",
        "Proxmox never shows a password, so that the state has none.",
        "Add `password` to `ignore_changes`. Do not apply: the storage would be replaced.",
    ),
    row("encryption_key", "Proxmox never shows a key.", "Leave `encryption_key` out."),
    row(
        "backups",
        "The provider does not read the retention back.",
        "Leave `backups` out, or add it to `ignore_changes`.",
    ),
    row("shared", "Proxmox does not show `shared` if it is off.", "Write `shared` in either case."),
];

/// The general cause, for every resource.
pub(super) const ANY: &[KnownCause] = &[row(
    "",
    "The cluster and the code differ.",
    "Import again if the cluster is right. If the code is right, this is the change that `terraform apply` would make.",
)];

/// The causes for a whole object that would be created or destroyed.
pub(super) const CREATED: KnownCause = row(
    "",
    "The code has an object that nothing imports and that is not in the state.",
    "If you mean it, `proxmox-mpc rehearse` shows what applying it would do; if the object exists already, add an `import` \
     block for it.",
);
pub(super) const DESTROYED: KnownCause =
    row("", "The state has an object that is not in the code.", "Import again. Do not apply: it would be destroyed.");

/// Causes of errors, by a part of their text. The first row that matches counts.
pub(super) const ERRORS: &[(&str, KnownCause)] = &[
    (
        proxmox_mpc_model::answer::NO_ANSWER,
        row(
            "",
            "The last import could not read this object (its node was down, or the login lacked a privilege), so that its code cannot be proved.",
            "Import again when the object can be read; until then its code stays as it is.",
        ),
    ),
    (
        "Cannot import non-existent remote object",
        row(
            "",
            "There is no object with this id: it was deleted, it moved to another node, or the login cannot see it.",
            "Import again, with a login that can see it.",
        ),
    ), // T46, C20
    (
        "migrate_downtime",
        row(
            "",
            "The provider cannot read the key `migrate_downtime`, which Proxmox sends as text.",
            "Run `qm set ID --delete migrate_downtime` on the node, and import again.",
        ),
    ), // T1
    (
        "current=",
        row(
            "",
            "The provider cannot read the newer form of `memory`.",
            "Run `qm set ID --memory MIB` on the node, and import again.",
        ),
    ), // T2
    (
        "failed to parse trunk",
        row(
            "",
            "The provider cannot read ranges in `trunks`.",
            "List the VLANs one by one in Proxmox, and import again.",
        ),
    ), // T9
    (
        "'trunks'",
        row(
            "",
            "The provider cannot read ranges in `trunks`.",
            "List the VLANs one by one in Proxmox, and import again.",
        ),
    ), // C14
    ("mbps_", row("", "The provider cannot read a limit with a fraction.", "Round it in Proxmox, and import again.")), // T15
    (
        "illegal base64 data",
        row(
            "",
            "The provider cannot read the texts of `smbios1` unless they are base64.",
            "Set them again in Proxmox's web interface, which encodes them, and import again.",
        ),
    ), // T22
    (
        "volume_size_info",
        row(
            "",
            "A volume of the guest cannot be read: its file is missing, or its storage is disabled.",
            "Enable the storage or detach the disk, and import again.",
        ),
    ), // T18
    ("is disabled", row("", "A storage that the guest uses is disabled.", "Enable the storage, and import again.")), // T18
    (
        "Permission check failed",
        row(
            "",
            "The login lacks the privilege in the parentheses.",
            "Grant it with the commands at the end of this report. Or prove without `--live`, which sends no request to the cluster.",
        ),
    ),
    ("received an HTTP 401", row("", "The token is wrong or has expired.", "Check PROXMOX_VE_API_TOKEN.")),
    ("Missing Proxmox VE API Endpoint", row("", "The provider has no endpoint.", "Set PROXMOX_VE_ENDPOINT.")),
    ("must provide either username and password", row("", "The provider has no login.", "Set PROXMOX_VE_API_TOKEN.")),
    (
        "certificate signed by unknown authority",
        row(
            "",
            "This machine does not trust the cluster's certificate, and the provider cannot pin one.",
            "Copy `/etc/pve/pve-root-ca.pem` from a node and set SSL_CERT_FILE to the copy; or set PROXMOX_VE_INSECURE=true, \
             which disables the check.",
        ),
    ),
    ("protocol version not supported", row("", "The server speaks TLS 1.2 only.", "Set PROXMOX_VE_MIN_TLS=1.2.")),
    (
        "connection refused",
        row("", "No server listens at this address.", "Check PROXMOX_VE_ENDPOINT; Proxmox's port is 8006."),
    ),
    ("no such host", row("", "The name cannot be resolved.", "Check PROXMOX_VE_ENDPOINT.")),
    (
        "No value for required variable",
        row("", "A variable has no value.", "Give it one: `TF_VAR_name`, or a `.tfvars` file."),
    ),
    (
        "Inconsistent dependency lock file",
        row(
            "",
            "The code requires other providers than those that are installed.",
            "Run `terraform init` in the folder of the code.",
        ),
    ),
    (
        "Required plugins are not installed",
        row("", "The providers are not installed.", "Run `terraform init` in the folder of the code."),
    ),
    (
        "Backend initialization required",
        row("", "The state's backend has changed.", "Run `terraform init` in the folder of the code."),
    ),
];
