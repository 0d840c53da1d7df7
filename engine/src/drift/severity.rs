//! Severity of drift: what a change of a setting may cost, by the kind of its object and its key in Proxmox.

use proxmox_mpc_generators::selection::glob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Drift, DriftKind};

/// Severity of drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It says something of the object, and nothing else.
    Low,
    /// It changes how something runs.
    Medium,
    /// It may cost data, availability or an unlocked door.
    High,
    /// It opens or loses what the cluster was trusted with.
    Critical,
}

/// Row: patterns of the identity and of the key, the severity, and the reason for it. The first that matches counts.
type Row = (&'static str, &'static str, Severity, &'static str);

/// The rows.
const ROWS: &[Row] = &[
    ("*", "description", Severity::Low, "words for people"),
    ("*", "comment*", Severity::Low, "words for people"),
    ("*", "notes-template", Severity::Low, "words for people"),
    ("*", "tags", Severity::Low, "words for people"),
    ("*-firewall/*", "enable", Severity::Critical, "the firewall as a whole is switched"),
    ("*-firewall/*", "policy_in", Severity::Critical, "what no rule names is let in, or not"),
    ("*firewall*", "*", Severity::High, "who may reach what"),
    ("*", "firewall", Severity::High, "the firewall of an interface is switched"),
    ("acl*", "*", Severity::Critical, "who may do what"),
    ("role*", "*", Severity::Critical, "what all its holders may do"),
    ("realm*", "*", Severity::Critical, "who may log in"),
    ("user*", "enable", Severity::High, "who may log in"),
    ("token*", "privsep", Severity::Critical, "a token has all rights of its user"),
    ("user*", "*", Severity::Medium, "an account"),
    ("group*", "*", Severity::High, "who is in it has its rights"),
    ("backup*", "*", Severity::High, "what is backed up, and when"),
    ("replication*", "*", Severity::High, "what is copied, and when"),
    ("ha-*", "*", Severity::High, "what is started again elsewhere"),
    ("storage/*", "*", Severity::High, "where data are, and how long backups are kept"),
    ("*", "protection", Severity::High, "whether a guest can be removed"),
    ("*", "unprivileged", Severity::Critical, "how far a container is from its node"),
    ("*", "features", Severity::High, "how far a container is from its node"),
    ("*", "scsi*", Severity::High, "a disk"),
    ("*", "virtio*", Severity::High, "a disk"),
    ("*", "sata*", Severity::High, "a disk"),
    ("*", "ide*", Severity::High, "a disk"),
    ("*", "rootfs", Severity::High, "a disk"),
    ("*", "mp*", Severity::High, "a disk"),
    ("*", "efidisk*", Severity::High, "a disk"),
    ("*", "tpmstate*", Severity::High, "the keys in it"),
    ("network*", "*", Severity::High, "the network of a node"),
    ("sdn*", "*", Severity::High, "the network of guests"),
];

/// The severity of a setting.
pub(super) fn of_setting(identity: &str, key: &str) -> Severity {
    let row = ROWS.iter().find(|(object, name, ..)| glob(object, identity) && glob(name, key));
    row.map_or(Severity::Medium, |(_, _, severity, _)| *severity)
}

/// The severity of an object's drift: that of its worst change.
pub(super) fn of_drift(drift: &Drift) -> Severity {
    let identity = drift.identity.as_str();
    let settings = drift.settings.iter().map(|setting| of_setting(identity, &setting.key)).max();
    match drift.kind {
        DriftKind::Gone | DriftKind::New if matches!(drift.identity.prefix(), "qemu" | "lxc") => Severity::High,
        DriftKind::Gone | DriftKind::New => of_setting(identity, ""),
        DriftKind::Moved => Severity::Low,
        DriftKind::Changed => settings.unwrap_or(Severity::Medium),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewall_is_more_than_a_description() {
        let check = |identity: &str, key: &str, expected: Severity| assert_eq!(of_setting(identity, key), expected);
        check("qemu/101", "description", Severity::Low);
        check("qemu/101", "memory", Severity::Medium);
        check("qemu/101", "scsi0", Severity::High);
        check("lxc/201", "unprivileged", Severity::Critical);
        check("acl/vms", "roles", Severity::Critical);
        check("backup-job/daily", "enabled", Severity::High);
        check("cluster-firewall/cluster", "enable", Severity::Critical);
        check("firewall-rules/qemu/101", "rules", Severity::High);
        check("hardware-mapping-pci/gpu", "map", Severity::Medium);
    }
}
