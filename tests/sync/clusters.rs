//! Sync of clusters that change: new, renamed and gone guests, into code as it was generated and into code that people reshaped.

use std::fs;

use proxmox_mpc_model::{ApiPath, Identity};
use serde_json::json;

use super::{CONFIG, GENERATED, Lab, MACHINES, cluster, with_memory};
use crate::support::clusters::{Memory, data, without};

/// The cluster with another name for the guest 100.
pub(crate) fn renamed(mut cluster: Memory, name: &str) -> Memory {
    data(&mut cluster, CONFIG)["name"] = json!(name);
    for list in ["cluster/resources", "nodes/pve/qemu"] {
        for row in data(&mut cluster, list).as_array_mut().unwrap() {
            if row.get("vmid") == Some(&json!(100)) {
                row["name"] = json!(name);
            }
        }
    }
    cluster
}

/// The cluster with another comment for the pool `homelab`.
pub(crate) fn with_comment(mut cluster: Memory, comment: &str) -> Memory {
    for (path, answer) in &mut cluster {
        let rows = answer.body.get_mut("data").and_then(|data| data.as_array_mut());
        if path.as_str().starts_with("pools") {
            for row in rows.into_iter().flatten().filter(|row| row["poolid"] == "homelab") {
                row["comment"] = json!(comment);
            }
        }
    }
    assert!(cluster.contains_key(&ApiPath::parse("pools")));
    cluster
}

/// Changes every file of Terraform code in the workspace, and commits.
pub(crate) fn reshaped(lab: &Lab, message: &str, change: impl Fn(&str, String) -> String) {
    for file in fs::read_dir(lab.workspace().join("terraform")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = change(&name, fs::read_to_string(&path).unwrap());
            fs::write(path, text).unwrap();
        }
    }
    lab.commit(message);
}

const POOLS: &str = "\
# Pools are a map here.
locals {
  pools = {
    homelab = \"Always on\" # the first
    media   = \"Jellyfin & NAS\"
  }
}

resource \"proxmox_virtual_environment_pool\" \"all\" {
  for_each = local.pools
  pool_id  = each.key
  comment  = each.value
}
";

/// Puts both pools into a `for_each`, as a person would: with the imports and references that follow.
pub(crate) fn into_for_each(lab: &Lab) {
    reshaped(lab, "pools are a map", |name, text| {
        let text = if name == "pools.tf" { POOLS.to_owned() } else { text };
        ["homelab", "media"].iter().fold(text, |text, pool| {
            let (before, after) = (format!("_pool.{pool}"), format!("_pool.all[\"{pool}\"]"));
            text.replace(&format!("{before}\n"), &format!("{after}\n"))
                .replace(&format!("{before}."), &format!("{after}."))
        })
    });
}

const MODULE: &str = "\
terraform {
  required_providers {
    proxmox = {
      source = \"bpg/proxmox\"
    }
  }
}

variable \"comment\" {
  type = string
}

resource \"proxmox_virtual_environment_pool\" \"homelab\" {
  pool_id = \"homelab\"
  comment = var.comment
}

output \"id\" {
  value = proxmox_virtual_environment_pool.homelab.pool_id
}
";

/// Puts the pool `homelab` into a module.
pub(crate) fn into_module(lab: &Lab) {
    let folder = lab.workspace().join("terraform/pools");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("main.tf"), MODULE).unwrap();
    reshaped(lab, "the pool is a module", |name, text| {
        let block = "resource \"proxmox_virtual_environment_pool\" \"homelab\" {\n  pool_id = \"homelab\"\n";
        let text = match name {
            "pools.tf" => text.replace(block, "module \"homelab\" {\n  source  = \"./pools\"\n"),
            _ => text,
        };
        let pool = "proxmox_virtual_environment_pool.homelab";
        let text = text.replace(&format!("to = {pool}\n"), &format!("to = module.homelab.{pool}\n"));
        [".id", ".pool_id"]
            .iter()
            .fold(text, |text, end| text.replace(&format!("= {pool}{end}\n"), "= module.homelab.id\n"))
    });
}

#[test]
fn the_history_of_the_cluster_is_in_the_log() {
    let lab = Lab::synced();
    let machines = lab.text(MACHINES);
    let without_proxy = without(&with_memory(6144), &Identity::new("lxc", "201"));
    let clusters = [with_memory(6144), without_proxy, renamed(cluster(), "home")];
    for cluster in &clusters {
        let ran = lab.sync(cluster, &[]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
        lab.check_clean();
    }
    let subjects = lab.git(&["log", "--format=%s", GENERATED]);
    let expected = [
        "lxc/201 nginx-proxy gone; membership/homelab/lxc/201 gone",
        "qemu/100 haos-16.2: memory 4096 → 6144",
        "first sync of pve: 14 guests, 109 other objects",
    ];
    let subjects: Vec<&str> = subjects.lines().collect();
    assert_eq!(subjects[1..], expected);
    let body = lab.git(&["log", "--max-count=1", "--format=%b", GENERATED]);
    for line in [
        "lxc/201 nginx-proxy new on pve",
        "membership/homelab/lxc/201 new",
        "qemu/100 home: renamed from haos-16.2",
        "qemu/100 home: memory 6144 → 4096",
    ] {
        assert!(body.lines().any(|other| other == line), "{line}: {body}");
    }
    // The address stays, whatever the guest is called.
    assert_eq!(lab.text(MACHINES), machines.replace("name          = \"haos-16.2\"", "name          = \"home\""));
    assert!(lab.text("terraform/containers.tf").contains("\"nginx_proxy\""));
}

#[test]
fn a_change_goes_into_a_for_each_and_into_a_module() {
    let check = |reshape: fn(&Lab), before: &str, after: &str| {
        let lab = Lab::synced();
        reshape(&lab);
        let (pools, head) = (lab.text("terraform/pools.tf"), lab.id("HEAD"));
        assert!(pools.contains(before), "{pools}");
        let ran = lab.sync(&with_comment(cluster(), "Never off"), &[]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
        lab.check_clean();
        assert_eq!(lab.text("terraform/pools.tf"), pools.replace(before, after));
        let changed = lab.git(&["diff", "--name-only", &head, "HEAD"]);
        assert_eq!(changed, "manifest.json\nterraform/pools.tf");
    };
    check(into_for_each, "homelab = \"Always on\" # the first", "homelab = \"Never off\" # the first");
    check(into_module, "comment = \"Always on\"", "comment = \"Never off\"");
}

#[test]
fn a_guest_with_another_name_is_renamed_on_demand() {
    let lab = Lab::synced();
    super::move_out(&lab);
    let ran = lab.sync(&renamed(cluster(), "home"), &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    let (code, imports) = (lab.text("terraform/home.tf"), lab.text("terraform/imports.tf"));
    let before = "proxmox_virtual_environment_vm.haos_16_2";
    assert!(code.contains("\"haos_16_2\"") && imports.contains(&format!("to = {before}\n")), "{code}");
    // The name changed before: it is the present one that counts.
    let ran = lab.sync(&renamed(cluster(), "home"), &["--rename"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    lab.check_clean();
    let after = "proxmox_virtual_environment_vm.home";
    assert_eq!(lab.text("terraform/home.tf"), code.replace("\"haos_16_2\"", "\"home\""));
    assert_eq!(lab.text("terraform/imports.tf"), imports.replace(before, after));
    assert!(lab.text("terraform/moved.tf").contains(&format!("  from = {before}\n  to   = {after}\n")));
    assert_eq!(lab.tried_git(&["grep", "--quiet", before, "--", "terraform", ":!terraform/moved.tf"]).code, Some(1));
    let head = lab.id("HEAD");
    assert_eq!(lab.sync(&renamed(cluster(), "home"), &["--rename"]).code, Some(0));
    assert_eq!(lab.id("HEAD"), head);
}
