//! What is not there is refused in Proxmox's words where the recording proves it, and in the twin's own words where
//! it does not: never an empty success.

use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};
use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::json;

use crate::support::{fixture, with_twin};

fn options(cluster: &str) -> Options {
    let credentials = Credentials::read(&fixture(&format!("{cluster}.credentials.json"))).unwrap();
    Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) }
}

fn open(recording: &str) -> Recording {
    Recording::open(&fixture(&format!("{recording}.tar.zst"))).unwrap()
}

/// Recorded on the cluster of `pve-9.1` with root's token (`errors/`).
#[test]
fn missing_objects_are_refused_as_by_the_cluster() {
    with_twin(Arc::new(open("pve-9.1")), options("pve-9.1"), |_, mut client| {
        let mut check = |path: &str, status: u16, reason: &str| {
            let answer = client.get(&format!("/api2/json/{path}")).answer();
            assert_eq!((answer.status, answer.reason.as_str()), (status, reason), "{path}");
            let end = if status == 501 { "" } else { "\n" };
            assert_eq!(answer.body["message"], json!(format!("{reason}{end}")), "{path}");
            assert_eq!(answer.body["data"], json!(null), "{path}");
        };
        let no_machine = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
        check("nodes/pve1/qemu/999/config", 500, no_machine);
        check("nodes/pve1/qemu/999/snapshot", 500, no_machine);
        check("nodes/pve1/qemu/999/status/current", 500, no_machine);
        check("nodes/pve1/lxc/999/config", 500, "Configuration file 'nodes/pve1/lxc/999.conf' does not exist");
        check("nodes/pve1/lxc/100/config", 500, "Configuration file 'nodes/pve1/lxc/100.conf' does not exist");
        check("nodes/pve1/qemu/200/config", 500, "Configuration file 'nodes/pve1/qemu-server/200.conf' does not exist");
        check("nodes/pve1/qemu/102/config", 500, "Configuration file 'nodes/pve1/qemu-server/102.conf' does not exist");
        let lookup = "hostname lookup 'nope' failed - failed to get address info for: nope: Name or service not known";
        check("nodes/nope/qemu", 500, lookup);
        check("nodes/pve1/storage/nope/content", 500, "storage 'nope' does not exist");
        check("storage/nope", 500, "storage 'nope' does not exist");
        check("pools?poolid=nope", 500, "pool 'nope' does not exist");
        check("access/users/nope@pve", 500, "no such user ('nope@pve')");
        check("access/users/root@pam/token/nope", 500, "no such token 'nope' for user 'root@pam'");
        check("access/groups/nope", 500, "group 'nope' does not exist");
        check("access/roles/nope", 500, "role 'nope' does not exist");
        check("cluster/firewall/rules/99", 500, "no rule at position 99");
        check("cluster/ha/rules/nope", 500, "no such ha rule 'nope'");
        check("cluster/mapping/pci/nope", 500, "mapping 'nope' not found");
        check("cluster/replication/999-0", 500, "no such replication job '999-0'");
        for list in ["zones", "controllers", "dns", "ipams"] {
            check(&format!("cluster/sdn/{list}/nope"), 500, "sdn 'nope' does not exist");
        }
        check("cluster/sdn/vnets/nope", 500, "sdn vnet 'nope' does not exist");
        check("cluster/sdn/fabrics/fabric/nope", 500, "fabric 'nope' does not exist in configuration");
        check("cluster/acme/plugins/nope", 500, "ACME plugin 'nope' not defined");
        check("nope", 501, "Method 'GET /nope' not implemented");
        check("pools/prod%2Fweb", 501, "Method 'GET /pools/prod/web' not implemented");
        // In the schema, but nobody asked for it.
        let unknown = "the twin's recording has no answer to 'GET /nodes/pve1/journal'";
        check("nodes/pve1/journal", 501, unknown);
    });
}

/// Recorded there as well.
#[test]
fn wrong_parameters_are_named() {
    with_twin(Arc::new(open("pve-9.1")), options("pve-9.1"), |_, mut client| {
        let mut check = |path: &str, parameter: &str, why: &str| {
            let answer = client.get(&format!("/api2/json/{path}")).answer();
            assert_eq!((answer.status, answer.reason.as_str()), (400, "Parameter verification failed."), "{path}");
            assert_eq!(answer.body["errors"], json!({ parameter: why }), "{path}");
        };
        check("cluster/backup/nope", "id", "No such job 'nope'");
        check("cluster/jobs/realm-sync/nope", "id", "No such job 'nope'");
        check("cluster/firewall/aliases/nope", "name", "no such alias");
        check("nodes/pve1/qemu/100/firewall/aliases/nope", "name", "no such alias");
        check("cluster/firewall/ipset/mgmt/192.0.2.9", "cidr", "no such IP/Network");
        check("nodes/pve3/qemu/105/config?current=on", "current", "type check ('boolean') failed - got 'on'");
        check("nodes/pve1/qemu/abc/config", "vmid", "type check ('integer') failed - got 'abc'");
        check("nodes/pve1/qemu/99/config", "vmid", "invalid format - value does not look like a valid VM ID\n");
        let words = "value 'foo' does not have a value in the enumeration 'vm, storage, node, sdn'";
        check("cluster/resources?type=foo", "type", words);
        let unknown = "property is not defined in schema and the schema does not allow additional properties";
        check("nodes/pve3/qemu/105/config?foo=1", "foo", unknown);
    });
}

#[test]
fn other_spellings_mean_the_same() {
    with_twin(Arc::new(open("pve-9.1")), options("pve-9.1"), |_, mut client| {
        let mut check = |path: &str, same: &str| {
            let answers = [path, same].map(|path| client.get(&format!("/api2/json/{path}")).answer());
            assert_eq!((answers[0].status, &answers[0]), (200, &answers[1]), "{path}");
        };
        check("nodes/localhost/status", "nodes/pve1/status");
        check("/version", "version");
        check("nodes/pve1/qemu/%31%30%31/status/current", "nodes/pve1/qemu/101/status/current");
        check(
            "nodes/pve1/storage/local/content/local:iso/debian-12.iso",
            "nodes/pve1/storage/local/content/local%3Aiso%2Fdebian-12.iso",
        );
        check("pools/?poolid=prod/web", "pools?poolid=prod%2Fweb");
    });
}

/// What the importer of this project asks for, and nothing else.
struct Imported(Recording);

impl Answers for Imported {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        let segments = path.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let query = path.as_str().split_once('?').map_or("", |(_, query)| query);
        let plain = matches!(
            segments[..],
            ["version" | "nodes" | "storage" | "pools"]
                | ["access", "permissions"]
                | ["cluster", "status" | "resources"]
                | ["cluster", "ha", "resources"]
                | ["nodes", _, "storage"]
                | ["nodes", _, "qemu" | "lxc", _, "config" | "pending"]
        );
        let asked = (plain && query.is_empty()) || query.starts_with("poolid=");
        if asked {
            return self.0.get(path);
        }
        let volumes = matches!(segments[..], ["nodes", _, "storage", "local-lvm", "content"]) && query.is_empty();
        if volumes { self.0.get(path) } else { Ok(None) }
    }
}

/// Everything that Terraform's provider asks in a plan of the five kinds (docs/provider.md, R2).
#[test]
fn a_plan_needs_no_more_than_an_import() {
    let check = |recording: &str, cluster: &str, node: &str, volumes: &[(&str, &str)]| {
        let whole = open(recording);
        with_twin(Arc::new(Imported(open(recording))), options(cluster), |twin, mut client| {
            let mut get = |path: &str| client.get(&format!("/api2/json/{path}")).answer();
            let guests = get("cluster/resources?type=vm");
            assert_eq!(
                guests.list().count(),
                whole.get(&ApiPath::parse("cluster/resources?type=vm")).unwrap().unwrap().list().count()
            );
            for guest in guests.list() {
                let [node, id] = ["node", "id"].map(|key| guest[key].as_str().unwrap());
                for (what, key) in [("config", "digest"), ("status/current", "status")] {
                    let answer = get(&format!("nodes/{node}/{id}/{what}"));
                    let name = if what == "config" && guest["vmid"] == 105 { "memory" } else { key };
                    assert!(answer.data().is_some_and(|data| data.get(name).is_some()), "{id} {what}: {answer:?}");
                }
            }
            for storage in get("storage").list() {
                let id = storage["storage"].as_str().unwrap();
                assert_eq!(get(&format!("storage/{id}")).data(), Some(&json!(storage)));
            }
            for pool in get("pools").list() {
                let id = pool["poolid"].as_str().unwrap();
                assert_eq!(get(&format!("pools?poolid={id}")).body["data"][0]["poolid"], json!(id));
            }
            for (volume, expected) in volumes {
                let answer = get(&format!("nodes/{node}/storage/local-lvm/content/local-lvm:{volume}"));
                let seen =
                    answer.data().map_or(answer.reason.clone(), |data| format!("{} {}", data["format"], data["size"]));
                assert_eq!(seen, *expected, "{volume}");
            }
            assert_eq!(twin.counts().unknown, 0);
        });
    };
    let gone = "can't get size of '/dev/pve/vm-102-disk-9': Failed to find logical volume \"pve/vm-102-disk-9\"";
    let listed = ("vm-102-disk-1", "\"raw\" 128849018880");
    check("pve-9.1", "pve-9.1", "pve2", &[listed, ("vm-201-disk-0", "\"raw\" 2147483648"), ("vm-102-disk-9", gone)]);
    check("homelab", "homelab", "pve", &[("vm-102-disk-1", "\"raw\" 103079215104")]);
    // An auditor's list of volumes is empty; the configuration tells.
    check("homelab-auditor", "homelab", "pve", &[("vm-102-disk-1", "\"raw\" 103079215104")]);
}
