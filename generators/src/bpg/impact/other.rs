//! Everything that is no guest: what is replaced, and what else it touches.

use super::Effect::{Error, Live, Replace, Start, Stop};
use super::Evidence::Source;
use super::{Row, When};

/// A row for a replacement.
const fn replaced(paths: &'static [&'static str], note: &'static str) -> Row {
    Row { paths, when: When::Always, effect: Replace, note, evidence: Source }
}

/// A row for what is in force at once.
const fn live(paths: &'static [&'static str], note: &'static str) -> Row {
    Row { paths, when: When::Always, effect: Live, note, evidence: Source }
}

/// Note on storages: their data stay.
const STORAGE: &str = "the definition is removed and made again: its data stay, and guests lose it meanwhile";

/// Note on interfaces.
const RELOAD: &str = "the whole network of the node is reloaded, with all changes that wait there";

/// The rows of a type of resources.
pub(super) fn rows(resource_type: &str) -> &'static [Row] {
    TABLE.iter().find(|(types, _)| types.contains(&resource_type)).map_or(&[], |(_, rows)| rows)
}

/// Resources by type.
const TABLE: &[(&[&str], &[Row])] = &[
    (
        &["proxmox_storage_cifs"],
        &[
            replaced(
                &[
                    "id",
                    "server",
                    "username",
                    "password",
                    "share",
                    "domain",
                    "subdirectory",
                    "snapshot_as_volume_chain",
                ],
                STORAGE,
            ),
            live(&["*"], ""),
        ],
    ),
    (
        &["proxmox_storage_nfs"],
        &[
            replaced(&["id", "server", "export", "preallocation", "snapshot_as_volume_chain"], STORAGE),
            live(&["*"], ""),
        ],
    ),
    (
        &["proxmox_storage_pbs"],
        &[
            replaced(
                &[
                    "id",
                    "server",
                    "datastore",
                    "username",
                    "password",
                    "namespace",
                    "encryption_key",
                    "generate_encryption_key",
                ],
                STORAGE,
            ),
            live(&["*"], ""),
        ],
    ),
    (&["proxmox_storage_directory"], &[replaced(&["id", "path"], STORAGE), live(&["*"], "")]),
    (&["proxmox_storage_lvm"], &[replaced(&["id", "volume_group"], STORAGE), live(&["*"], "")]),
    (&["proxmox_storage_lvmthin"], &[replaced(&["id", "volume_group", "thin_pool"], STORAGE), live(&["*"], "")]),
    (&["proxmox_storage_zfspool"], &[replaced(&["id", "zfs_pool"], STORAGE), live(&["*"], "")]),
    (&["proxmox_sdn_subnet"], &[replaced(&["*"], "guests of the network lose what the subnet gives them meanwhile")]),
    (
        &["proxmox_network_linux_bridge", "proxmox_network_linux_bond", "proxmox_network_linux_vlan"],
        &[replaced(&["name"], RELOAD), live(&["*"], RELOAD)],
    ),
    (
        &["proxmox_virtual_environment_firewall_ipset"],
        &[replaced(&["cidr.*"], "the set protects nothing meanwhile"), live(&["*"], "")],
    ),
    (&["proxmox_virtual_environment_firewall_rules"], &[live(&["*"], "the rules are written again, one by one")]),
    (&["proxmox_acl", "proxmox_virtual_environment_acl"], &[replaced(&["*"], "the rights are gone for a moment")]),
    (&["proxmox_pool_membership"], &[replaced(&["*"], "")]),
    (
        &["proxmox_user_token", "proxmox_virtual_environment_user_token"],
        &[replaced(&["token_name", "user_id"], "the token gets a new secret"), live(&["*"], "")],
    ),
    (&["proxmox_virtual_environment_pool"], &[replaced(&["pool_id"], ""), live(&["*"], "")]),
    (&["proxmox_virtual_environment_user"], &[replaced(&["user_id"], ""), live(&["*"], "")]),
    (&["proxmox_virtual_environment_group"], &[replaced(&["group_id"], ""), live(&["*"], "")]),
    (&["proxmox_virtual_environment_role"], &[replaced(&["role_id"], ""), live(&["*"], "")]),
    (
        &[
            "proxmox_sdn_zone_evpn",
            "proxmox_sdn_zone_qinq",
            "proxmox_sdn_zone_simple",
            "proxmox_sdn_zone_vlan",
            "proxmox_sdn_zone_vxlan",
            "proxmox_sdn_vnet",
            "proxmox_sdn_controller_bgp",
            "proxmox_sdn_controller_evpn",
            "proxmox_sdn_controller_isis",
            "proxmox_sdn_fabric_openfabric",
            "proxmox_sdn_fabric_ospf",
            "proxmox_backup_job",
        ],
        &[replaced(&["id"], ""), live(&["*"], "")],
    ),
    (&["proxmox_replication"], &[replaced(&["id", "target", "type"], "the copy is made anew"), live(&["*"], "")]),
    (&["proxmox_metrics_server"], &[replaced(&["name", "type"], ""), live(&["*"], "")]),
    (&["proxmox_realm_ldap", "proxmox_realm_sync"], &[replaced(&["realm"], ""), live(&["*"], "")]),
    (&["proxmox_realm_openid"], &[replaced(&["realm", "username_claim"], ""), live(&["*"], "")]),
    (
        &["proxmox_haresource"],
        &[
            Row { paths: &["resource_id"], when: When::Always, effect: Error, note: "", evidence: Source },
            Row { paths: &["state"], when: When::Becomes("stopped"), effect: Stop, note: HA, evidence: Source },
            Row { paths: &["state"], when: When::Becomes("started"), effect: Start, note: HA, evidence: Source },
            live(&["*"], ""),
        ],
    ),
    (&["proxmox_harule"], &[replaced(&["rule", "type"], ""), live(&["*"], "")]),
    (
        &[
            "proxmox_node_firewall",
            "proxmox_acme_certificate",
            "proxmox_node_config",
            "proxmox_virtual_environment_dns",
            "proxmox_virtual_environment_certificate",
        ],
        &[replaced(&["node_name"], ""), live(&["*"], "")],
    ),
    (&["proxmox_acme_account"], &[replaced(&["eab_kid", "eab_hmac_key"], ""), live(&["*"], "")]),
    (
        &["proxmox_sdn_fabric_node_openfabric", "proxmox_sdn_fabric_node_ospf"],
        &[replaced(&["node_id", "fabric_id"], ""), live(&["*"], "")],
    ),
    (
        &["proxmox_node_disk_zfs"],
        &[
            replaced(
                &["node_name", "name", "devices", "raidlevel", "ashift", "compression", "draid_config", "add_storage"],
                "its data are lost",
            ),
            live(&["*"], ""),
        ],
    ),
    (&["proxmox_apt_repository"], &[replaced(&["file_path", "index", "node"], ""), live(&["*"], "")]),
    (&["proxmox_apt_standard_repository"], &[replaced(&["handle", "node"], ""), live(&["*"], "")]),
    (
        &["proxmox_virtual_environment_file"],
        &[replaced(&["*"], "a guest whose code names its id follows, and may be replaced as well")],
    ),
    (
        &["proxmox_virtual_environment_download_file", "proxmox_virtual_environment_oci_image"],
        &[
            replaced(
                &[
                    "url",
                    "reference",
                    "file_name",
                    "datastore_id",
                    "node_name",
                    "content_type",
                    "checksum",
                    "checksum_algorithm",
                    "decompression_algorithm",
                ],
                "it is downloaded again; a guest whose disk names its id follows",
            ),
            live(&["*"], ""),
        ],
    ),
];

/// Note on high availability.
const HA: &str = "the HA manager does it";
