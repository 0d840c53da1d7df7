//! A cluster before anybody has set up anything in it: what is left of a recorded one, and that things can be made there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::kinds::{Class, KINDS};
use proxmox_mpc_model::{Answers, ApiPath, Cluster};
use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Empty, Recording};
use serde_json::{Value, json};

use crate::support::{TOKEN, fixture, with_twin};

fn recorded(cluster: &str) -> Recording {
    Recording::open(&fixture(&format!("{cluster}.tar.zst"))).unwrap()
}

/// The identities of the objects of each kind that has any.
fn objects(answers: &dyn Answers) -> BTreeMap<&'static str, BTreeSet<String>> {
    let cluster = Cluster::read(answers).unwrap();
    let listed = KINDS.iter().map(|kind| {
        let entries = kind.list(&cluster).unwrap().entries.into_iter();
        (kind.id, entries.map(|entry| entry.identity.to_string()).collect::<BTreeSet<_>>())
    });
    listed.filter(|(_, objects)| !objects.is_empty()).collect()
}

/// Of kinds that code makes, only what Proxmox brings along is there; what the nodes bring along is all there.
#[test]
fn objects_that_code_creates_are_gone() {
    const BUILT_IN: &[(&str, &[&str])] = &[
        ("user", &["user/root@pam"]),
        ("realm", &["realm/pam", "realm/pve"]),
        ("cluster_options", &["cluster-options/cluster"]),
        ("acme_plugin", &["acme-plugin/standalone"]),
        ("notification_sendmail", &["notification-sendmail/mail-to-root"]),
        ("notification_matcher", &["notification-matcher/default-matcher"]),
        ("sdn_ipam", &["sdn-ipam/pve"]),
    ];
    // These are there as before; a processor model is shown by the nodes, and no API makes it.
    const FOUND: &[&str] = &[
        "storage",
        "cpu_model",
        "network",
        "network_changes",
        "node_dns",
        "node_hosts",
        "node_time",
        "apt_repository",
        "apt_standard_repository",
        "certificate",
        "zfs_pool",
        "volume_group",
        "thin_pool",
        "mounted_directory",
        "ceph_pool",
    ];
    for cluster in ["pve-9.1", "homelab"] {
        let before = objects(&recorded(cluster));
        let after = objects(&Empty::of(recorded(cluster)).unwrap());
        for (kind, objects) in &after {
            match BUILT_IN.iter().find(|(built_in, _)| built_in == kind) {
                Some((_, expected)) => assert!(objects.iter().eq(*expected), "{cluster}: {objects:?}"),
                None if FOUND.contains(kind) => assert_eq!(Some(objects), before.get(kind), "{cluster}: {kind}"),
                None if *kind == "role" => assert!(objects.iter().all(|role| before[kind].contains(role))),
                None => {
                    assert_eq!(*kind, "volume", "{cluster}: {objects:?}");
                    assert!(objects.iter().all(|volume| !volume.contains("-disk-")), "{cluster}: {objects:?}");
                }
            }
        }
        for kind in FOUND.iter().filter(|kind| before.contains_key(**kind)) {
            assert!(after.contains_key(kind), "{cluster}: {kind}");
        }
    }
}

/// What somebody changed of it is as it came: the options of the cluster, a matcher, root's address.
#[test]
fn built_in_objects_are_as_installed() {
    let empty = Empty::of(recorded("homelab")).unwrap();
    let cluster = Cluster::read(&empty).unwrap();
    for (kind, id) in
        [("cluster_options", "cluster"), ("notification_matcher", "default-matcher"), ("user", "root@pam")]
    {
        let kind = KINDS.iter().find(|known| known.id == kind).unwrap();
        let entries = kind.list(&cluster).unwrap().entries;
        let entry = entries.iter().find(|entry| entry.identity.id() == id).unwrap();
        let object = kind.read(&cluster, entry).unwrap().unwrap();
        let set = object.keys.iter().filter(|(name, value)| {
            let key = kind.key(name).unwrap();
            key.class == Class::Config && !value.as_str().is_some_and(str::is_empty)
        });
        let set: BTreeMap<&String, &Value> = set.collect();
        let expected = match id {
            "cluster" => json!({"mac_prefix": "BC:24:11"}),
            "root@pam" => json!({"enable": 1}),
            _ => json!({
                "comment": "Route all notifications to mail-to-root", "mode": "all", "target": ["mail-to-root"],
            }),
        };
        let set: Value = serde_json::to_value(set).unwrap();
        let differing = expected.as_object().unwrap().iter().filter(|(key, value)| set[key.as_str()] != **value);
        assert_eq!(differing.count(), 0, "{id}: {set}");
        assert!(set.get("email").is_none() && set.get("keyboard").is_none(), "{id}: {set}");
    }
}

#[test]
fn the_first_guest_is_created() {
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    with_twin(Arc::new(Empty::of(recorded("pve-9.1")).unwrap()), options, |_, mut client| {
        let check = |client: &mut crate::support::Client, path: &str, expected: Value| {
            assert_eq!(client.get(&format!("/api2/json/{path}")).answer().body["data"], expected, "{path}");
        };
        check(&mut client, "cluster/nextid", json!("100"));
        check(&mut client, "nodes/pve1/qemu", json!([]));
        let gone = client.get("/api2/json/nodes/pve1/qemu/100/config").answer();
        assert_eq!(gone.reason, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist");
        let volume = |name: &str| format!("/api2/json/nodes/pve1/storage/local/content/local:{name}");
        assert_eq!(client.get(&volume("iso/debian-12.iso")).status, 200);
        assert_eq!(client.get(&volume("100/vm-100-disk-1.qcow2")).status, 500);
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        // The firewall of a guest is a file of its own, and may be there before it.
        let alias = "/api2/json/nodes/pve1/qemu/100/firewall/aliases";
        assert_eq!(client.send("POST", alias, &[TOKEN, form], "name=gateway&cidr=192.0.2.1").status, 200);
        let made = client.send("POST", "/api2/json/nodes/pve1/qemu", &[TOKEN, form], "vmid=100&name=first");
        assert_eq!(made.status, 200, "{made:?}");
        check(&mut client, "cluster/nextid", json!("101"));
        let aliases = client.get(alias).answer().body["data"].take();
        assert_eq!(aliases[0]["name"], "gateway", "{aliases}");
        let snapshots = client.get("/api2/json/nodes/pve1/qemu/100/snapshot").answer().body["data"].take();
        assert_eq!((snapshots[0]["name"].as_str(), snapshots[1].is_null()), (Some("current"), true), "{snapshots}");
    });
}

/// A list that was recorded with a filter loses the same rows.
#[test]
fn filtered_lists_are_emptied_as_well() {
    let empty = Empty::of(recorded("pve-9.1")).unwrap();
    let rows = |path: &str| empty.get(&ApiPath::parse(path)).unwrap().map(|answer| answer.list().count());
    for (path, expected) in [
        ("cluster/resources?type=vm", Some(0)),
        ("cluster/resources?type=node", Some(3)),
        ("nodes/pve1/storage/local/content?content=images", Some(0)),
        ("access/users?full=1", Some(1)),
        ("pools?poolid=prod", None),
        ("nodes/pve1/qemu/100/config", None),
    ] {
        assert_eq!(rows(path), expected, "{path}");
    }
}
