//! Rules beside the code that they find something in, and code in which they find nothing.

mod cases;
mod modules;

use std::collections::BTreeMap;

use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Value, json};

use super::{CheckInput, CheckOptions, Checked, Recorded, check};

/// Files from one text: each begins with a line `=== path`. A text without one is a file.
fn files(text: &str) -> BTreeMap<String, String> {
    if !text.starts_with("=== ") {
        return [("main.tf".to_owned(), text.to_owned())].into();
    }
    let parts = text.split("=== ").skip(1).filter_map(|part| part.split_once('\n'));
    parts.map(|(path, content)| (path.trim().to_owned(), content.to_owned())).collect()
}

/// A cluster of two nodes.
fn cluster() -> Recorded {
    let mut answers: BTreeMap<ApiPath, Answer> = BTreeMap::new();
    let mut add = |path: &str, data: Value| {
        answers.insert(ApiPath::parse(path), Answer::ok(data));
    };
    let privileges =
        ["Sys.Audit", "Datastore.Audit", "VM.Audit", "Pool.Audit", "Mapping.Audit", "SDN.Audit"].map(|name| (name, 1));
    add("version", json!({"version": "9.1.4"}));
    add("access/permissions", json!({"/": BTreeMap::from(privileges)}));
    add(
        "nodes",
        json!([{"node": "pve", "maxcpu": 8, "maxmem": 33_000_000_000_u64}, {"node": "pve2", "maxcpu": 4, "maxmem": 8_000_000_000_u64}]),
    );
    add(
        "cluster/resources",
        json!([
            {"type": "qemu", "vmid": 9000, "name": "debian-12", "node": "pve", "template": 1},
            {"type": "lxc", "vmid": 200, "name": "dns", "node": "pve"},
            {"type": "storage", "storage": "local-lvm", "node": "pve", "maxdisk": 500_000_000_000_u64},
        ]),
    );
    add(
        "storage",
        json!([
            {"storage": "local", "content": "iso,vztmpl,snippets,import"},
            {"storage": "local-lvm", "content": "images,rootdir"},
            {"storage": "fast", "content": "images,rootdir", "nodes": "pve2"},
        ]),
    );
    add("pools", json!([{"poolid": "prod"}]));
    for kind in ["pci", "usb", "dir"] {
        add(&format!("cluster/mapping/{kind}"), json!([{"id": "gpu"}]));
    }
    add("access/groups", json!([{"groupid": "ops"}]));
    add("access/roles", json!([{"roleid": "PVEAdmin"}, {"roleid": "PVEAuditor"}]));
    add("access/users?full=1", json!([{"userid": "root@pam"}, {"userid": "ops@pve", "tokens": [{"tokenid": "ci"}]}]));
    add("cluster/sdn/vnets", json!([{"vnet": "lab"}]));
    add("cluster/sdn/zones?pending=1", json!([{"zone": "simple"}]));
    for node in ["pve", "pve2"] {
        add(
            &format!("nodes/{node}/network"),
            json!([{"iface": "vmbr0", "type": "bridge", "address": "10.0.0.2"}, {"iface": "eno1", "type": "eth"}]),
        );
        add(&format!("nodes/{node}/storage/local/content"), json!([{"volid": "local:iso/debian-12.iso"}]));
    }
    Recorded::read(&answers).unwrap()
}

fn checked(text: &str, recorded: Option<&Recorded>) -> Checked {
    let files = files(text);
    let options = CheckOptions { today: Some("2026-12-01".to_owned()), ..CheckOptions::default() };
    let root = if files.keys().any(|file| file.starts_with("terraform/")) { "terraform" } else { "" };
    check(CheckInput { files: &files, root, generated: &[], provider: None, recorded, options: &options })
}

/// The findings, a line each: `main.tf:3:15 PVE101 message`.
fn lines(checked: &Checked) -> Vec<String> {
    let line = |finding: &super::Finding| {
        let place = &finding.place;
        format!("{}:{}:{} {} {}", place.file, place.line, place.column, finding.rule, finding.message)
    };
    checked.findings.iter().map(line).collect()
}
