//! Inventories under the real Ansible: the generated one, and the one that asks the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_generators::{Options, Previous, generate};
use proxmox_mpc_model::{Answer, ApiPath, Cluster};
use serde_json::{Value, json};

use super::{Ansible, Served, Workspace};
use crate::support::clusters::{FIXTURES, Memory, data, fixture, generated};
use crate::support::program::ran_in;
use crate::support::tools::or_skip;

/// Output of `ansible-inventory --list`.
struct Listed(Value);

impl Listed {
    fn read(program: Invocation, arguments: &[&str]) -> Self {
        let ran = ran_in(program, &[&["--list"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        assert!(!ran.errors.contains("WARNING"), "{}", ran.errors);
        Self(serde_json::from_str(&ran.output).unwrap())
    }

    fn ours(ansible: &Ansible, folder: &Path) -> Self {
        Self::read(ansible.program("ansible-inventory", folder), &[])
    }

    /// The guests by VMID: the name of the host and its variables.
    fn guests(&self) -> BTreeMap<u64, (&str, &Value)> {
        let hosts = self.0["_meta"]["hostvars"].as_object().unwrap();
        hosts.iter().filter_map(|(name, is)| Some((is["proxmox_vmid"].as_u64()?, (name.as_str(), is)))).collect()
    }

    fn members(&self, group: &str) -> BTreeSet<&str> {
        self.0[group]["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn groups(&self) -> BTreeSet<&str> {
        let groups = self.0.as_object().unwrap().keys().map(String::as_str);
        groups.filter(|group| !["_meta", "all", "ungrouped"].contains(group)).collect()
    }
}

/// Every guest is a host with its own name, in the groups of its properties.
#[test]
fn every_guest_is_a_host() {
    let ansible = or_skip!(Ansible::find());
    for (name, _) in FIXTURES {
        let answers = fixture(name);
        let workspace = Workspace::new(&answers);
        let listed = Listed::ours(&ansible, &workspace.ansible());
        let cluster = Cluster::read(&answers).unwrap();
        let guests = listed.guests();
        assert_eq!(guests.len(), cluster.guests.len(), "{name}");
        for guest in cluster.guests.values() {
            let (host, is) = guests[&u64::from(guest.vmid.number())];
            let alone = cluster.guests.values().filter(|other| other.name == guest.name).count() == 1;
            let legal =
                |name: &&String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
            match guest.name.as_ref().filter(legal) {
                Some(own) if alone => assert_eq!(host, own, "{name}"),
                Some(own) => assert_eq!(host, format!("{own}-{}", guest.vmid), "{name}"),
                None => assert!(legal(&&host.to_owned()), "{name}: {host}"),
            }
            assert_eq!(is["proxmox_name"].as_str(), guest.name.as_deref());
            assert_eq!(is["proxmox_node"].as_str(), Some(guest.node.as_str()));
            assert_eq!(is["proxmox_type"].as_str(), Some(guest.guest_type.word()));
            assert_eq!(is["proxmox_tags"].as_array().unwrap().len(), guest.tags.iter().collect::<BTreeSet<_>>().len());
            assert_eq!(listed.members("templates").contains(host), guest.template, "{name} {host}");
            let kind = if guest.guest_type.word() == "lxc" { "containers" } else { "virtual_machines" };
            assert_eq!(listed.members(kind).contains(host), !guest.template, "{name} {host}");
        }
        for group in listed.groups() {
            assert!(!guests.values().any(|(host, _)| *host == group), "{name}: {group} is a host as well");
        }
    }
}

/// Both inventories have the same guests if Proxmox lets the plugin tell them apart; only the generated one has
/// templates.
#[test]
fn the_cluster_says_the_same() {
    let ansible = or_skip!(Ansible::find());
    for name in ["pve-9.1", "homelab"] {
        let mut answers = fixture(name);
        // The plugin (community.proxmox 1.4.0) asks for `pools/prod/web`, which Proxmox does not have.
        data(&mut answers, "pools").as_array_mut().unwrap().retain(|pool| !pool["poolid"].to_string().contains('/'));
        let workspace = Workspace::new(&answers);
        let folder = workspace.ansible();
        let served = Served::whole(answers.clone());
        let ours = Listed::ours(&ansible, &folder);
        let theirs = served.reached(ansible.program("ansible-inventory", &folder));
        let theirs = Listed::read(theirs, &["--inventory", "dynamic/guests.proxmox.yml"]);
        let mut expected = ours.guests();
        expected.retain(|_, (host, _)| !ours.members("templates").contains(host));
        let found = theirs.guests();
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{name}");
        for (vmid, (host, is)) in found {
            let (_, ours) = expected[&vmid];
            // Proxmox shows a name of its own for who has none.
            let named =
                if ours["proxmox_name"].is_null() { format!("VM {vmid}") } else { expected[&vmid].0.to_owned() };
            assert_eq!(host, named, "{name}");
            let address = is["ansible_host"]["__ansible_unsafe"].as_str().or(is["ansible_host"].as_str());
            assert!(address.is_none() || address == ours["ansible_host"].as_str(), "{name} {host}: {address:?}");
        }
        for group in ours.groups().difference(&BTreeSet::from(["templates", "pool_prod_web", "tag_media_4d"])) {
            assert!(theirs.groups().contains(group), "{name}: {group}");
        }
    }
}

/// Names and texts that have a meaning in Ansible.
#[test]
fn odd_names_are_harmless() {
    let ansible = or_skip!(Ansible::find());
    let row = |vmid: u32, name: &str, tags: &str, pool: &str| json!({"type": "lxc", "vmid": vmid, "name": name, "node": "n", "status": "stopped", "tags": tags, "pool": pool});
    let rows = json!([
        row(100, "localhost", "a-b;a.b;a_b", "x/y"),
        row(101, "all", "yes;12;no", "x_y"),
        row(102, "templates", "x{{lookup('id')}}", ""),
        row(103, "tag-yes", "Yes", ""),
        row(104, "same", "", ""),
        row(105, "same", "", ""),
        row(106, "{{ lookup('pipe','id') }}", "", ""),
        row(107, "no", "", ""),
        row(108, "db[1:3],!web:22&x*", "", ""),
        row(109, "fw.home.arpa", "", ""),
    ]);
    let mut answers = Memory::from([(ApiPath::parse("cluster/resources"), Answer::ok(rows))]);
    let nodes = json!([{"node": "n", "status": "online"}]);
    answers.insert(ApiPath::parse("nodes"), Answer::ok(nodes));
    let made = generated(&answers);
    let workspace = Workspace::of(&made.files);
    let listed = Listed::ours(&ansible, &workspace.ansible());
    let hosts: Vec<&str> = listed.guests().into_values().map(|(host, _)| host).collect();
    let expected = [
        "localhost-100",
        "all-101",
        "templates-102",
        "tag-yes",
        "same-104",
        "same-105",
        "lookup-pipe-id",
        "no",
        "db-1-3-web-22-x",
        "fw.home.arpa",
    ];
    assert_eq!(hosts, expected);
    // Each is a pattern that means this host and no other.
    for host in expected {
        let program = ansible.program("ansible-inventory", &workspace.ansible());
        let limited = Listed::read(program, &["--limit", host]);
        assert_eq!(limited.members("containers"), BTreeSet::from([host]), "{host}");
    }
    assert_eq!(listed.guests()[&106].1["proxmox_name"], json!({"__ansible_unsafe": "{{ lookup('pipe','id') }}"}));
    assert!(!listed.0.to_string().contains("uid="));
    let mut named: Vec<(&str, Vec<&str>)> =
        listed.groups().into_iter().map(|group| (group, listed.members(group).into_iter().collect())).collect();
    named.retain(|(group, _)| !["containers", "node_n"].contains(group));
    let expected = [
        ("pool_x_y", vec!["all-101"]),
        ("pool_x_y_2f", vec!["localhost-100"]),
        ("tag_12", vec!["all-101"]),
        ("tag_a_b", vec!["localhost-100"]),
        ("tag_a_b_2d", vec!["localhost-100"]),
        ("tag_a_b_2e", vec!["localhost-100"]),
        ("tag_x_lookup_id", vec!["templates-102"]),
        ("tag_no", vec!["all-101"]),
        ("tag_yes", vec!["all-101"]),
        ("tag_yes_59", vec!["tag-yes"]),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(named, expected);
}

/// Guests that could not be read or were excluded stay in the inventory byte for byte; deleted guests leave it.
#[test]
fn hosts_stay_and_go_like_code() {
    let file = "ansible/inventory/guests.yml";
    let before = generated(&fixture("homelab"));
    let again = |change: &dyn Fn(&mut Memory), options: &Options| {
        let mut answers = fixture("homelab");
        change(&mut answers);
        let previous =
            Previous { manifest: before.manifest.clone(), files: before.files.clone(), ..Previous::default() };
        generate(&answers, options, &previous).unwrap().files.remove(file).unwrap()
    };
    let text = &before.files[file];
    let refuse = |answers: &mut Memory| {
        let path = ApiPath::parse("nodes/pve/lxc/200/config");
        drop(answers.insert(path, Answer::refusal(403, "Permission check failed (/vms/200, VM.Audit)")));
    };
    assert_eq!(&again(&|_| {}, &Options::default()), text);
    assert_eq!(&again(&refuse, &Options::default()), text);
    let only = Options {
        selection: proxmox_mpc_generators::Selection { only: vec!["id=100".parse().unwrap()], exclude: Vec::new() },
        ..Options::default()
    };
    assert_eq!(&again(&refuse, &only), text);
    let hide = |answers: &mut Memory| {
        for list in ["cluster/resources", "nodes/pve/lxc"] {
            data(answers, list).as_array_mut().unwrap().retain(|row| row["vmid"] != 200 && row["vmid"] != "200");
        }
        let members = data(answers, "pools?poolid=homelab")[0]["members"].as_array_mut().unwrap();
        members.retain(|row| row["vmid"] != 200);
    };
    let gone = again(&hide, &Options::default());
    assert!(text.contains("pihole:") && !gone.contains("pihole"), "{gone}");
    let blind = |answers: &mut Memory| {
        hide(answers);
        *data(answers, "access/permissions") = json!({"/": {"Sys.Audit": 1}});
    };
    assert_eq!(&again(&blind, &Options::default()), text);
}
