//! Guests that go to other nodes, are replicated there, and are managed by HA, on a clock of the test's own.

use std::sync::Arc;

use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, Answers, ApiPath};
use proxmox_mpc_twin::call::{Login, Request};
use proxmox_mpc_twin::writes::{come_due, perform};
use proxmox_mpc_twin::{Recording, State};
use serde_json::{Map, Value, json};

use crate::support::fixture;

/// A cluster with a clock.
struct Cluster {
    state: State,
    now: i64,
}

impl Cluster {
    fn new() -> Self {
        let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
        Self { state: State::new(recording), now: 1_800_000_000 }
    }

    fn send(&self, verb: Verb, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send_with(verb, path, parameters.iter().map(|(key, value)| (*key, json!(value))).collect())
    }

    fn send_with(&self, verb: Verb, path: &str, parameters: Vec<(&str, Value)>) -> Answer {
        let pairs = parameters.into_iter().map(|(key, value)| (key.to_owned(), value));
        let request = Request {
            verb,
            path: ApiPath::parse(path),
            parameters: pairs.collect::<Map<_, _>>(),
            uploaded: None,
            login: Login::parse("root@pam!iac"),
            now: self.now,
            duration: 0,
        };
        perform(&self.state, request)
    }

    /// How the task of a write ended, and what it says.
    fn task(&self, path: &str, parameters: &[(&str, &str)]) -> (Value, String) {
        self.task_with(path, parameters.iter().map(|(key, value)| (*key, json!(value))).collect())
    }

    fn task_with(&self, path: &str, parameters: Vec<(&str, Value)>) -> (Value, String) {
        let answer = self.send_with(Verb::Post, path, parameters);
        let upid = answer.data().and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {}", answer.body));
        let task = self.state.view().recall(&format!("task/{upid}")).unwrap();
        (task["exitstatus"].clone(), task["log"].to_string())
    }

    fn read(&self, path: &str) -> Value {
        let path = ApiPath::parse(path);
        let view = self.state.view();
        let answer = view.get(&path).unwrap().or_else(|| Deriver::new(view).derive(&path).unwrap());
        answer.and_then(|answer| answer.data().cloned()).unwrap_or_default()
    }

    /// Lets time pass.
    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        come_due(&self.state, self.now).unwrap();
    }

    /// Where a guest is, and whether it runs.
    fn resource(&self, id: &str) -> (String, String) {
        let rows = self.read("cluster/resources");
        let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap();
        (row["node"].as_str().unwrap().to_owned(), row["status"].as_str().unwrap().to_owned())
    }

    /// Makes a machine on pve1 with a disk.
    fn machine(&self, vmid: &str, disk: &str) {
        let parameters = [("vmid", vmid), ("scsi0", disk), ("net0", "virtio,bridge=vmbr0"), ("pool", "dev")];
        assert_eq!(self.task("nodes/pve1/qemu", &parameters).0, "OK");
    }

    fn container(&self, vmid: &str, root: &str) {
        let template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
        let parameters = [("vmid", vmid), ("ostemplate", template), ("rootfs", root)];
        assert_eq!(self.task("nodes/pve1/lxc", &parameters).0, "OK");
    }
}

#[test]
fn a_virtual_machine_migrates_with_everything_that_belongs_to_it() {
    let cluster = Cluster::new();
    cluster.machine("610", "local:1,format=qcow2");
    let rule = [("type", "in"), ("action", "ACCEPT"), ("comment", "x")];
    assert_eq!(cluster.send(Verb::Post, "nodes/pve1/qemu/610/firewall/rules", &rule).status, 200);
    assert_eq!(cluster.task("nodes/pve1/qemu/610/snapshot", &[("snapname", "s1")]).0, "OK");
    let (end, log) = cluster.task("nodes/pve1/qemu/610/migrate", &[("target", "pve2"), ("online", "1")]);
    assert_eq!(end, "OK", "{log}");
    assert!(log.contains("starting migration of VM 610 to node 'pve2'"), "{log}");
    assert!(log.contains("found local disk 'local:610/vm-610-disk-0.qcow2' (attached)"), "{log}");
    assert!(log.contains("migration finished successfully"), "{log}");
    assert_eq!(cluster.resource("qemu/610"), ("pve2".to_owned(), "stopped".to_owned()));
    let keys = cluster.read("nodes/pve2/qemu/610/config");
    assert_eq!(keys["scsi0"], "local:610/vm-610-disk-0.qcow2,size=1G");
    assert_eq!(cluster.read("nodes/pve2/qemu/610/snapshot/s1/config")["scsi0"], keys["scsi0"]);
    assert_eq!(cluster.read("nodes/pve2/qemu/610/firewall/rules")[0]["comment"], "x");
    let rows = cluster.read("cluster/resources");
    assert_eq!(rows.as_array().unwrap().iter().find(|row| row["id"] == "qemu/610").unwrap()["pool"], "dev");
    let gone = cluster.send(Verb::Put, "nodes/pve1/qemu/610/config", &[("cores", "2")]).reason;
    assert_eq!(gone, "Configuration file 'nodes/pve1/qemu-server/610.conf' does not exist");
    let holds =
        |node: &str| cluster.read(&format!("nodes/{node}/storage/local/content")).to_string().contains("vm-610");
    assert_eq!((holds("pve1"), holds("pve2")), (false, true));
}

#[test]
fn a_running_virtual_machine_migrates_with_its_disk() {
    let cluster = Cluster::new();
    cluster.machine("610", "local-lvm:1");
    assert_eq!(cluster.task("nodes/pve1/qemu/610/status/start", &[]).0, "OK");
    let parameters = [("target", "pve2"), ("online", "1"), ("targetstorage", "local"), ("with-local-disks", "1")];
    assert_eq!(cluster.task("nodes/pve1/qemu/610/migrate", &parameters).0, "OK");
    assert_eq!(cluster.resource("qemu/610"), ("pve2".to_owned(), "running".to_owned()));
    assert_eq!(cluster.read("nodes/pve2/qemu/610/config")["scsi0"], "local:610/vm-610-disk-0.raw,size=1G");
}

#[test]
fn guests_that_cannot_migrate_are_refused() {
    let cluster = Cluster::new();
    cluster.machine("610", "tank:1");
    cluster.machine("611", "local-lvm:1");
    assert_eq!(cluster.task("nodes/pve1/qemu/611/status/start", &[]).0, "OK");
    let refused = |path: &str, parameters: &[(&str, &str)], expected: &str| {
        let answer = cluster.send(Verb::Post, path, parameters);
        assert!(answer.body.to_string().contains(expected), "{path} {parameters:?}: {}", answer.body);
    };
    refused("nodes/pve1/qemu/610/migrate", &[("target", "pve1")], "target is local node.");
    refused("nodes/pve1/qemu/610/migrate", &[("target", "nope")], "no such cluster node 'nope'");
    refused("nodes/pve1/qemu/610/migrate", &[("target", "pve2"), ("force", "1")], "Only root may use this option.");
    let away = "storage 'tank' is not available on node 'pve3'";
    refused("nodes/pve1/qemu/610/migrate", &[("target", "pve3")], away);
    refused("nodes/pve1/qemu/611/migrate", &[("target", "pve2")], "can't migrate running VM without --online");
    refused("nodes/pve3/qemu/104/migrate", &[("target", "pve1")], "VM is locked (backup)");
    refused("nodes/pve1/lxc/999/migrate", &[("target", "pve2")], "lxc/999.conf' does not exist");
    let aborted = |path: &str, parameters: &[(&str, &str)], expected: &str| {
        let (end, log) = cluster.task(path, parameters);
        assert_eq!(end, "migration aborted", "{log}");
        assert!(log.contains(expected), "{path}: {log}");
    };
    let attached = "can't live migrate attached local disks without with-local-disks option";
    aborted("nodes/pve1/qemu/611/migrate", &[("target", "pve2"), ("online", "1")], attached);
    aborted("nodes/pve2/qemu/103/migrate", &[("target", "pve1")], "as it's a clone of 'base-9000-disk-0.qcow2'");
    let devices = "can't migrate VM which uses local devices: ";
    aborted("nodes/pve2/qemu/102/migrate", &[("target", "pve1")], devices);
    let streams = "cannot migrate from storage type 'zfspool' to 'lvmthin'";
    aborted("nodes/pve1/qemu/610/migrate", &[("target", "pve3"), ("targetstorage", "local-lvm")], streams);
    assert_eq!(cluster.resource("qemu/611"), ("pve1".to_owned(), "running".to_owned()));
}

#[test]
fn a_container_migrates_stopped() {
    let cluster = Cluster::new();
    cluster.container("620", "local-lvm:1");
    assert_eq!(cluster.task("nodes/pve1/lxc/620/status/start", &[]).0, "OK");
    let path = "nodes/pve1/lxc/620/migrate";
    let refused = cluster.send(Verb::Post, path, &[("target", "pve2")]).reason;
    assert_eq!(refused, "can't migrate running container without --online or --restart");
    let (end, log) = cluster.task(path, &[("target", "pve2"), ("online", "1")]);
    assert_eq!(end, "migration aborted");
    assert!(log.contains("lxc live migration is currently not implemented"), "{log}");
    let (end, log) = cluster.task(path, &[("target", "pve2"), ("restart", "1")]);
    assert_eq!(end, "OK", "{log}");
    assert!(log.contains("volume 'local-lvm:vm-620-disk-0' is 'local-lvm:vm-620-disk-0' on the target"), "{log}");
    assert_eq!(cluster.resource("lxc/620"), ("pve2".to_owned(), "running".to_owned()));
    let running = cluster.send(Verb::Delete, "nodes/pve2/lxc/620", &[]).reason;
    assert_eq!(running, "unable to destroy CT 620 - container is running");
}

#[test]
fn a_replication_job_sends_its_guest_and_is_removed() {
    let mut cluster = Cluster::new();
    cluster.container("620", "tank:1");
    cluster.container("621", "local-lvm:1");
    let create = |id: &str, target: &str, expected: &str| {
        let answer =
            cluster.send(Verb::Post, "cluster/replication", &[("id", id), ("type", "local"), ("target", target)]);
        assert!(answer.reason.contains(expected), "{id} {target}: {}", answer.reason);
    };
    create("999-0", "pve2", "Guest '999' does not exist.");
    create("620-0", "nope", "Target 'nope' does not exist.");
    create("620-0", "pve1", "Source and target must not be identical");
    create("105-0", "pve1", "No replicatable volumes found");
    create("621-0", "pve2", "missing replicate feature on volume 'local-lvm:vm-621-disk-0'");
    create("620-0", "pve2", "OK");
    create("620-0", "pve3", "replication job '620-0' already exists");
    create("620-1", "pve2", "replication job for guest '620' to target 'local/pve2' already exists");
    let update = cluster.send(Verb::Put, "cluster/replication/620-0", &[("rate", "5"), ("delete", "comment")]);
    assert_eq!(update.status, 200);
    let job = cluster.read("cluster/replication/620-0");
    assert_eq!((&job["rate"], &job["source"], &job["jobnum"]), (&json!(5), &json!("pve1"), &json!(0)));
    assert!(job["digest"].is_string(), "{job}");
    assert_eq!(cluster.send(Verb::Put, "cluster/replication/1000-0", &[]).reason, "no such job '1000-0'");
    cluster.send(Verb::Post, "nodes/pve1/replication/620-0/schedule_now", &[]);
    cluster.wait(60);
    let status = cluster.read("nodes/pve1/replication");
    let row = status.as_array().unwrap().iter().find(|row| row["id"] == "620-0").unwrap();
    assert_eq!((&row["last_sync"], &row["vmtype"]), (&json!(cluster.now), &json!("lxc")));
    assert!(cluster.read("nodes/pve2/storage/tank/content").to_string().contains("subvol-620-disk-0"));
    assert_eq!(cluster.task("nodes/pve1/lxc/620/migrate", &[("target", "pve2")]).0, "OK");
    let job = cluster.read("cluster/replication/620-0");
    assert_eq!((&job["source"], &job["target"]), (&json!("pve2"), &json!("pve1")));
    let replicated = cluster.send(Verb::Delete, "nodes/pve2/lxc/620", &[]).reason;
    assert_eq!(replicated, "There is a replication job '620-0' for guest '620' - Please remove that first.");
    assert_eq!(cluster.send(Verb::Delete, "cluster/replication/620-0", &[]).status, 200);
    assert_eq!(cluster.read("cluster/replication/620-0")["remove_job"], "full");
    cluster.wait(60);
    assert!(!cluster.read("cluster/replication").to_string().contains("620-0"));
    assert!(!cluster.read("nodes/pve1/storage/tank/content").to_string().contains("subvol-620"));
}

/// The manager acts some seconds after it was told, and not on what was recorded.
#[test]
fn a_managed_guest_follows_its_requested_state() {
    let mut cluster = Cluster::new();
    cluster.machine("610", "local-lvm:1");
    cluster.send(Verb::Post, "cluster/ha/resources", &[("sid", "vm:610"), ("state", "started")]);
    let seen = |cluster: &Cluster| cluster.read("nodes/pve1/qemu/610/status/current")["ha"].clone();
    assert_eq!(seen(&cluster), json!({"managed": 1, "state": null}), "the manager has not looked at it yet");
    cluster.wait(1);
    assert_eq!(cluster.resource("qemu/610").1, "stopped");
    cluster.wait(10);
    assert_eq!(cluster.resource("qemu/610").1, "running");
    assert_eq!(seen(&cluster)["state"], "started");
    assert_eq!(cluster.task("nodes/pve1/qemu/610/migrate", &[("target", "pve2"), ("online", "1")]).0, "OK");
    cluster.wait(10);
    assert_eq!(cluster.resource("qemu/610"), ("pve2".to_owned(), "running".to_owned()));
    let answer = cluster.send(Verb::Post, "cluster/ha/resources/vm:610/relocate", &[("node", "pve1")]);
    assert_eq!(answer.data(), Some(&json!({ "sid": "vm:610", "requested-node": "pve1" })));
    cluster.wait(10);
    assert_eq!(cluster.resource("qemu/610"), ("pve1".to_owned(), "running".to_owned()));
    cluster.send(Verb::Put, "cluster/ha/resources/vm:610", &[("state", "stopped")]);
    cluster.wait(10);
    assert_eq!(cluster.resource("qemu/610").1, "stopped");
    assert_eq!(cluster.resource("qemu/100").1, "stopped");
    let unmanaged = cluster.send(Verb::Post, "cluster/ha/resources/vm:105/migrate", &[("node", "pve1")]);
    assert_eq!(unmanaged.reason, "resource 'vm:105' is not HA managed");
}

/// Many guests at once: each has its own task, and one that fails or is passed over is told of.
#[test]
fn bulk_actions_start_stop_and_migrate_all_guests_of_a_node() {
    let cluster = Cluster::new();
    cluster.machine("610", "local-lvm:1");
    cluster.container("620", "local-lvm:1");
    cluster.send(Verb::Put, "nodes/pve1/qemu/610/config", &[("onboot", "1")]);
    let (end, log) = cluster.task("nodes/pve1/startall", &[("vms", "610,620")]);
    assert_eq!(end, "OK");
    assert!(log.contains("Starting VM 610") && !log.contains("CT 620"), "{log}");
    assert_eq!(cluster.resource("qemu/610").1, "running");
    let both = Value::from(vec!["610", "620"]);
    let bulk = |what: &str, more: &[(&str, &str)]| {
        let mut parameters: Vec<(&str, Value)> = vec![("vms", both.clone())];
        parameters.extend(more.iter().map(|(key, value)| (*key, json!(value))));
        cluster.task_with(&format!("cluster/bulk-action/guest/{what}"), parameters)
    };
    let (end, log) = bulk("start", &[]);
    assert_eq!(end, "OK", "{log}");
    assert!(log.contains("Skipping VM 610, already running.") && log.contains("Starting CT 620"), "{log}");
    let parameters = [("target", "pve2"), ("vms", "610,620"), ("max-workers", "2")];
    let (end, log) = cluster.task("nodes/pve1/migrateall", &parameters);
    assert_eq!(end, "OK", "{log}");
    assert!(log.contains("Has local disks: local-lvm:vm-610-disk-0"), "{log}");
    assert_eq!((cluster.resource("qemu/610").0, cluster.resource("lxc/620").0), ("pve1".to_owned(), "pve2".to_owned()));
    let (end, log) = bulk("migrate", &[("target", "pve2"), ("online", "1"), ("with-local-disks", "1")]);
    assert_eq!(end, "OK", "{log}");
    assert!(log.contains("CT 620 already on pve2, skipping."), "{log}");
    assert_eq!(cluster.resource("qemu/610"), ("pve2".to_owned(), "running".to_owned()));
    let (end, log) = bulk("shutdown", &[]);
    assert_eq!(end, "OK", "{log}");
    assert!(log.contains("Shutting down VM 610 (Timeout = 180 seconds)"), "{log}");
    assert_eq!(
        (cluster.resource("qemu/610").1, cluster.resource("lxc/620").1),
        ("stopped".to_owned(), "stopped".to_owned())
    );
}
