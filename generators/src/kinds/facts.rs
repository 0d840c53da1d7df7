//! Facts, which are no configuration: snapshots of guests, and volumes on storages.

use super::{Destination, Namespace, Translation};
use crate::draft::Remark;

/// Translation of snapshots.
pub(super) static SNAPSHOT: Translation = Translation {
    kind: "snapshot",
    file: "",
    word: "snapshot",
    data: false,
    namespace: Namespace::Own("snapshot"),
    destination: |_, _| Ok(Destination::Fact),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};

/// Translation of volumes. The provider can import an image, a template or a snippet. Neither it nor the API
/// shows the content, so the code could not create the volume again (docs/provider.md, H13).
pub(super) static VOLUME: Translation = Translation {
    kind: "volume",
    file: "",
    word: "volume",
    data: false,
    namespace: Namespace::Own("volume"),
    destination: |object, _| {
        if object.text("content").as_deref() != Some("images") {
            return Ok(Destination::Fact);
        }
        let volid = object.text("volid").unwrap_or_default();
        Ok(Destination::FactWithRemark(Remark {
            text: "a disk of a guest that is not in the cluster, and that no guest names".to_owned(),
            remedy: Some(format!(
                "see whether anything names it, which should find nothing: grep -rF '{}' /etc/pve/nodes; see what it is: pvesm path \
                 {volid}; only then: pvesm free {volid}",
                volid.rsplit(['/', ':']).next().unwrap_or_default()
            )),
        }))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proxmox_mpc_model::{Answer, ApiPath};
    use serde_json::{Value, json};

    use crate::{Options, Previous, generate};

    /// Disks that are reported as orphaned, for a guest with this configuration and additional answers.
    fn orphans(config: Value, more: &[(&str, Value)]) -> Vec<String> {
        let everything =
            json!({"/": {"VM.Audit": 1, "VM.Config.Disk": 1, "Datastore.AllocateSpace": 1, "Sys.Audit": 1}});
        let images = |name: &str| json!({"volid": format!("tank:{name}"), "vmid": 200, "content": "images"});
        let answers = [
            ("access/permissions", everything),
            ("nodes", json!([{"node": "pve", "status": "online"}])),
            (
                "cluster/resources",
                json!([{"type": "qemu", "vmid": 100, "node": "pve", "name": "web", "status": "stopped"}]),
            ),
            ("nodes/pve/qemu", json!([{"vmid": 100}])),
            ("nodes/pve/lxc", json!([])),
            ("storage", json!([{"storage": "tank", "type": "zfspool"}])),
            ("pools", json!([])),
            ("nodes/pve/storage/tank/content", json!([images("vm-200-disk-0"), images("base-200-disk-1")])),
            ("nodes/pve/qemu/100/config", config),
        ];
        let answers: BTreeMap<ApiPath, Answer> = answers
            .into_iter()
            .chain(more.iter().map(|(path, data)| (*path, data.clone())))
            .map(|(path, data)| (ApiPath::parse(path), Answer::ok(data)))
            .collect();
        let generated = generate(&answers, &Options::default(), &Previous::default()).expect("answers are readable");
        let notices = generated.notices.iter().filter(|notice| notice.identity.prefix() == "volume");
        notices.map(|notice| notice.name.clone().unwrap_or_default()).collect()
    }

    #[test]
    fn a_disk_is_nobodys_where_nothing_names_it() {
        let (disk, base) = ("vm-200-disk-0, guest 200", "base-200-disk-1, guest 200");
        let check = |config: Value, more: &[(&str, Value)], expected: &[&str]| {
            assert_eq!(orphans(config.clone(), more), expected, "{config} {more:?}");
        };
        check(json!({"name": "web"}), &[], &[base, disk]);
        check(json!({"scsi0": "tank:vm-200-disk-0,size=4G"}), &[], &[base]);
        check(json!({"unused0": "tank:vm-200-disk-0"}), &[], &[base]);
        check(json!({"scsi0": "tank:base-200-disk-1/vm-100-disk-0"}), &[], &[disk]);
        let none = json!({"name": "web"});
        let waits = json!([{"key": "scsi0", "pending": "tank:vm-200-disk-0"}]);
        check(none.clone(), &[("nodes/pve/qemu/100/pending", waits)], &[base]);
        let snapshots = [
            ("nodes/pve/qemu/100/snapshot", json!([{"name": "before"}, {"name": "current"}])),
            ("nodes/pve/qemu/100/snapshot/before/config", json!({"scsi0": "tank:vm-200-disk-0"})),
        ];
        check(none.clone(), &snapshots, &[base]);
        let child = json!({"volid": "tank:vm-100-disk-0", "vmid": 100, "content": "images", "parent": "base-200-disk-1@__base__"});
        let base_only = json!({"volid": "tank:base-200-disk-1", "vmid": 200, "content": "images"});
        check(none, &[("nodes/pve/storage/tank/content", json!([child, base_only]))], &[]);
    }
}
