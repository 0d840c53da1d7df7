//! Drift between the code of a workspace and a cluster, and the ways out of it, in real repositories.

use std::collections::BTreeSet;
use std::fs;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_model::Identity;
use serde_json::{Value, json};

use crate::support::clusters::{Memory, data, fixture, without};
use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::workspaces::edit;
use crate::sync::clusters::{into_for_each, into_module, renamed, with_comment};
use crate::sync::{CONFIG, Lab, MACHINES, cluster, move_out, with_memory};
/// Runs `drift` with these words on a cluster.
fn ran(lab: &Lab, cluster: &Memory, words: &[&str]) -> Ran {
    let (workspace, recording) = (lab.workspace(), lab.recorded(cluster));
    let program = Invocation::new(PROGRAM).folder(workspace).arg("--output").arg("json").arg("drift");
    let words: Vec<&str> = words.iter().copied().chain(["--from"]).collect();
    let ran = ran_in(program, &[&words[..], &[recording.to_str().unwrap()]].concat());
    assert!([Some(0), Some(3)].contains(&ran.code), "{words:?}: {}", ran.errors);
    ran
}

fn report(lab: &Lab, cluster: &Memory) -> Value {
    let ran = ran(lab, cluster, &[]);
    let report: Value = serde_json::from_str(&ran.output).unwrap();
    let has_drift = !report["drift"].as_array().unwrap().is_empty();
    assert_eq!(ran.code, Some(if has_drift { 3 } else { 0 }));
    report
}

/// The objects that have drifted, each with what happened to it.
fn drifted(report: &Value) -> Vec<String> {
    let objects = report["drift"].as_array().unwrap().iter();
    objects
        .map(|drift| format!("{} {}", drift["identity"].as_str().unwrap(), drift["kind"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_the_code_does_not_say_has_drifted() {
    let lab = Lab::synced();
    assert_eq!(drifted(&report(&lab, &cluster())), [""; 0]);
    let told = report(&lab, &with_memory(6144));
    assert_eq!(drifted(&told), ["qemu/100 changed"]);
    let drift = &told["drift"][0];
    assert_eq!(drift["address"], "proxmox_virtual_environment_vm.haos_16_2");
    assert_eq!(drift["settings"], json!([{"key": "memory", "before": "4096", "after": "6144"}]));
    assert_eq!(drift["severity"], "medium");
    let revert = json!({"effect": "cycle", "is_clean": true, "attribute": "memory.dedicated", "evidence": "rehearsed"});
    assert_eq!(drift["revert"], revert);
    let place = json!([{"attribute": "memory.dedicated", "file": MACHINES, "code": "4096", "cluster": "6144"}]);
    assert_eq!(drift["code"], place);
    // Code that says what the cluster says is right, whoever came first. Code that is ahead is not applied yet.
    edit(&lab.workspace(), MACHINES, &[("dedicated = 4096", "dedicated = 6144")]);
    assert_eq!(drifted(&report(&lab, &with_memory(6144))), [""; 0]);
    let ahead = report(&lab, &cluster());
    assert_eq!(drifted(&ahead), [""; 0]);
    assert_eq!(ahead["ahead"], json!(["qemu/100"]));
    // Both changed: the place is told with its line.
    let both = report(&lab, &with_memory(8192));
    let difference = &both["drift"][0]["code"][0];
    assert_eq!(difference["is_conflict"], true, "{both}");
    assert!(difference["code"].as_str().unwrap().contains("6144"), "{difference}");
}

#[test]
fn guests_come_and_go() {
    let guest = Identity::new("lxc", "201");
    let (all, fewer) = (cluster(), without(&cluster(), &guest));
    let check = |first: &Memory, then: &Memory, expected: &[&str], address: Option<&str>| {
        let lab = Lab::new("");
        assert_eq!(lab.sync(first, &[]).code, Some(0));
        let told = report(&lab, then);
        assert_eq!(drifted(&told), expected);
        assert_eq!(told["drift"][0]["address"].as_str(), address);
        let ran = ran(&lab, then, &["adopt", "--all"]);
        assert_eq!(ran.code, Some(0), "{}", ran.output);
        assert_eq!(drifted(&report(&lab, then)), [""; 0]);
    };
    let address = "proxmox_virtual_environment_container.nginx_proxy";
    check(&all, &fewer, &["lxc/201 gone", "membership/homelab/lxc/201 gone"], Some(address));
    check(&fewer, &all, &["lxc/201 new", "membership/homelab/lxc/201 new"], None);
}

/// A change to memory, comment and name is adopted where the values live, and the next look finds nothing.
#[test]
fn what_is_adopted_has_not_drifted() {
    let changed = renamed(with_comment(with_memory(6144), "Never off"), "home");
    for reshape in [into_for_each, into_module] {
        let lab = Lab::synced();
        reshape(&lab);
        move_out(&lab);
        assert_eq!(drifted(&report(&lab, &cluster())), [""; 0]);
        let told = report(&lab, &changed);
        assert_eq!(drifted(&told), ["qemu/100 changed", "pool/homelab changed"]);
        let memory = told["drift"][0]["code"].as_array().unwrap().iter().find(|place| place["code"] == "4096");
        assert_eq!(memory.unwrap()["file"], "terraform/home.tf");
        let dry = ran(&lab, &changed, &["adopt", "100", "--dry-run"]);
        let dry: Value = serde_json::from_str(&dry.output).unwrap();
        assert!(dry["patch"].as_str().unwrap().contains("+  memory = 6144\n"), "{dry}");
        assert_eq!(lab.git(&["status", "--porcelain"]), "");
        ran(&lab, &changed, &["adopt", "100"]);
        assert!(lab.text("terraform/home.tf").contains("memory = 6144"));
        assert_eq!(drifted(&report(&lab, &changed)), ["pool/homelab changed"]);
        ran(&lab, &changed, &["adopt", "--all"]);
        assert!(lab.text("terraform/pools.tf").contains("\"Never off\""));
        assert_eq!(drifted(&report(&lab, &changed)), [""; 0]);
        // A sync has nothing to add, and nothing to take back.
        lab.commit("adopted");
        assert_eq!(lab.sync(&changed, &[]).code, Some(0));
        assert!(lab.text("terraform/home.tf").contains("memory = 6144"));
        assert_eq!(drifted(&report(&lab, &changed)), [""; 0]);
    }
}

#[test]
fn a_rule_silences_drift_until_it_expires() {
    let lab = Lab::synced();
    let rule = |settings: &str, until: &str| {
        let text = format!(
            "[[drift.ignore]]\nobject = \"qemu/*\"\nsettings = [{settings}]\nreason = \"resized by hand\"\nowner = \"Ada\"\nuntil = \"{until}\"\n"
        );
        fs::write(lab.workspace().join("proxmox-mpc.toml"), text).unwrap();
        report(&lab, &with_memory(6144))
    };
    let silenced = rule("\"memory\"", "2999-12-31");
    assert_eq!(drifted(&silenced), [""; 0]);
    assert_eq!(silenced["silenced"], json!([{"identity": "qemu/100", "reason": "resized by hand"}]));
    assert_eq!(drifted(&rule("\"cores\"", "2999-12-31")), ["qemu/100 changed"]);
    let expired = rule("\"memory\"", "2020-12-31");
    assert_eq!(drifted(&expired), ["qemu/100 changed"]);
    assert_eq!(expired["expired"][0]["owner"], "Ada");
}

#[test]
fn accepted_drift_is_told_again_when_it_changes() {
    let lab = Lab::synced();
    ran(&lab, &with_memory(6144), &["accept", "--all"]);
    let silenced = report(&lab, &with_memory(6144));
    assert_eq!(drifted(&silenced), [""; 0]);
    assert_eq!(silenced["silenced"], json!([{"identity": "qemu/100", "reason": null}]));
    assert_eq!(drifted(&report(&lab, &with_memory(8192))), ["qemu/100 changed"]);
}

/// A setting that only Ansible keeps, or that no code can have, drifts as well.
#[test]
fn settings_outside_of_terraform_drift() {
    let lab = Lab::synced();
    let check = |key: &str, value: Value| {
        let mut changed = cluster();
        data(&mut changed, CONFIG)[key] = value;
        assert_eq!(drifted(&report(&lab, &changed)), ["qemu/100 changed"], "{key}");
    };
    check("description", json!("Another note"));
    check("onboot", json!(0));
    check("vmstatestorage", json!("local"));
    check("net0", json!("virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=0"));
}

#[test]
fn nobody_guesses() {
    let lab = Lab::synced();
    let run = |words: &[&str]| {
        let recording = lab.recorded(&with_memory(6144));
        let program = Invocation::new(PROGRAM).folder(lab.workspace()).arg("drift");
        ran_in(program, &[words, &["--from", recording.to_str().unwrap()]].concat())
    };
    let check = |words: &[&str], code: i32, message: &str| {
        let ran = run(words);
        assert_eq!(ran.code, Some(code), "{words:?}: {}", ran.errors);
        assert!(ran.errors.contains(message), "{words:?}: {}", ran.errors);
    };
    check(&["adopt"], 2, "--all");
    check(&["adopt", "qemu/101"], 1, "qemu/101 has not drifted");
    let new = Lab::new("");
    let recording = new.recorded(&cluster());
    let program = Invocation::new(PROGRAM).folder(new.workspace()).arg("drift").arg("--from").arg(recording);
    let ran = ran_in(program, &[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("proxmox-mpc sync"), "{}", ran.errors);
}

/// A key of a guest's configuration, and another value for the one that it has.
type Change = (&'static str, fn(&str) -> String);

/// A larger number. What is none stays.
fn more(value: &str, by: u32) -> String {
    value.parse::<u32>().map_or_else(|_| value.to_owned(), |number| (number + by).to_string())
}

/// Changes that Proxmox takes of every guest that has the key.
const CHANGES: [Change; 9] = [
    ("memory", |value| more(value, 1024)),
    ("cores", |value| more(value, 1)),
    ("swap", |value| more(value, 512)),
    ("onboot", |value| if value == "1" { "0" } else { "1" }.to_owned()),
    ("protection", |value| if value == "1" { "0" } else { "1" }.to_owned()),
    ("description", |value| format!("{value}\nmore")),
    ("tags", |value| format!("{value};zz-more")),
    ("startup", |_| "order=77".to_owned()),
    ("balloon", |_| "0".to_owned()),
];

/// A change of a key in every guest that has it: each guest drifts, nothing else does, and what is adopted has not drifted.
#[test]
fn every_change_of_a_guest_drifts_until_it_is_adopted() {
    for name in ["homelab", "pve-9.1"] {
        let mut cluster = fixture(name);
        let lab = Lab::new("");
        assert_eq!(lab.sync(&cluster, &[]).code, Some(0));
        let mut seen = 0;
        for (key, change) in CHANGES {
            let mut changed = BTreeSet::new();
            for (path, answer) in &mut cluster {
                let parts: Vec<&str> = path.as_str().split('/').collect();
                let ["nodes", _, prefix @ ("qemu" | "lxc"), id, "config"] = parts[..] else { continue };
                let identity = format!("{prefix}/{id}");
                let Some(value) = answer.body.get_mut("data").and_then(|data| data.get_mut(key)) else { continue };
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let other = change(&text);
                if other != text {
                    *value = if value.is_string() { json!(other) } else { json!(other.parse::<u32>().unwrap()) };
                    changed.insert(identity);
                }
            }
            let told = report(&lab, &cluster);
            let told: BTreeSet<String> = told["drift"]
                .as_array()
                .unwrap()
                .iter()
                .map(|drift| drift["identity"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(told, changed, "{name}: {key}");
            if changed.is_empty() {
                continue;
            }
            ran(&lab, &cluster, &["adopt", "--all"]);
            assert_eq!(drifted(&report(&lab, &cluster)), [""; 0], "{name}: {key} was adopted");
            lab.commit(key);
            seen += changed.len();
        }
        assert!(seen > 10, "{name}: {seen}");
    }
}
