//! A twin of a copied `/etc/pve` answers as the cluster did whose files they are.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::{Answer, Answers, ApiPath};
use proxmox_mpc_twin::etc_pve::{self, EtcPveError};
use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Map, Value, json};

use crate::support::{Client, fixture, with_twin};
use crate::tasks::{end, read, send};

/// What configuration tells.
fn is_configuration(segments: &[&str]) -> bool {
    match segments {
        ["nodes", _, "qemu" | "lxc", _, "firewall", what, ..] => *what != "log",
        ["access" | "pools" | "storage", ..]
        | ["cluster", "options" | "backup" | "replication" | "mapping" | "sdn" | "firewall" | "notifications", ..]
        | ["cluster", "ha", "resources" | "rules", ..]
        | ["cluster", "jobs", "realm-sync", ..]
        | ["nodes", _, "config"]
        | ["nodes", _, "firewall", "options" | "rules", ..]
        | ["nodes", _, "qemu" | "lxc", _, "config" | "pending" | "firewall"]
        | ["nodes", _, "qemu" | "lxc", _, "snapshot", _, ..] => true,
        _ => false,
    }
}

/// Values that are measured, or moments.
const MEASURED: &[&str] = &[
    "uptime",
    "cpu",
    "mem",
    "memhost",
    "disk",
    "netin",
    "netout",
    "diskread",
    "diskwrite",
    "snaptime",
    "next-run",
    "order",
];

/// Lists in a text, in any order.
const SETS: &[&str] = &["content", "nodes", "groups", "privs", "storage", "vmid", "members", "exit-nodes"];

/// The value as two answers are compared: checksums of what Proxmox computes in its own way are made up, lists have no
/// order.
fn normal(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(keys) => {
            let number =
                |value: &Value| value.is_number() || value.as_str().is_some_and(|text| text.parse::<f64>().is_ok());
            let kept = keys.iter().filter(|(key, value)| !(MEASURED.contains(&key.as_str()) && number(value)));
            Value::Object(kept.map(|(key, value)| (key.clone(), normal(key, value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| normal("", item)).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::String(text) if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            json!("made up")
        }
        Value::String(text) if SETS.contains(&key) => {
            let mut words: Vec<&str> = text.split([',', ';', ' ']).collect();
            words.sort_unstable();
            json!(words)
        }
        other => other.clone(),
    }
}

fn equal(recorded: &Answer, served: &Answer) -> bool {
    (recorded.status, &recorded.reason) == (served.status, &served.reason)
        && normal("", &recorded.body) == normal("", &served.body)
}

/// What 9.2 has and 9.1 has not.
#[test]
fn answers_that_are_new_in_9_2_equal_the_recorded_ones() {
    let loaded = etc_pve::load(&fixture("pve-9.2.etc-pve.tar.zst"), "9.2.11").unwrap();
    let recording = Recording::open(&fixture("pve-9.2.tar.zst")).unwrap();
    for path in
        ["cluster/qemu", "cluster/qemu/custom-cpu-models", "cluster/options", "nodes/pve01/config", "access/domains"]
    {
        let path = ApiPath::parse(path);
        let recorded = recording.get(&path).unwrap().unwrap();
        let served = Answers::get(&loaded.answers, &path).unwrap().unwrap();
        assert!(equal(&recorded, &served), "{path}: {} {}", recorded.body, served.body);
    }
}

/// What is left is runtime (the sizes of storages and the processors of nodes, which members of pools show), what
/// hardware there is, and the descriptions of macros.
#[test]
fn answers_about_configuration_equal_the_recorded_ones() {
    let check = |cluster: &str, left: &[&str], least: usize| {
        let loaded = etc_pve::load(&fixture(&format!("{cluster}.etc-pve.tar.zst")), "9.1.9").unwrap();
        let recording = Recording::open(&fixture(&format!("{cluster}.tar.zst"))).unwrap();
        let credentials = Credentials::read(&fixture(&format!("{cluster}.credentials.json"))).unwrap();
        let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
        with_twin(Arc::new(loaded.answers), options, |_, mut client| {
            let (mut asked, mut differing) = (0, Vec::new());
            for path in recording.paths().unwrap() {
                let segments = path.segments();
                if !is_configuration(&segments.iter().map(String::as_str).collect::<Vec<_>>()) {
                    continue;
                }
                asked += 1;
                let recorded = recording.get(&path).unwrap().unwrap();
                if !equal(&recorded, &client.get(&path.target()).answer()) {
                    differing.push(path.to_string());
                }
            }
            let unexplained: Vec<&String> =
                differing.iter().filter(|path| !left.iter().any(|left| path.starts_with(left))).collect();
            assert_eq!(unexplained, Vec::<&String>::new(), "{cluster}");
            let share = (asked - differing.len()) * 1000 / asked;
            assert!(asked > 250 && share >= least, "{cluster}: {} of {asked} differ", differing.len());
        });
    };
    let members = "pools/";
    let listed = "pools?poolid=";
    let (hardware, macros) = ("cluster/mapping/pci?check-node=", "cluster/firewall/macros");
    check("pve-9.1", &[members, listed, hardware, macros], 977);
    check("homelab", &[members, listed, hardware, macros, "cluster/mapping/usb?check-node="], 973);
}

/// A cluster of one node and one guest.
fn small(folder: &Path) {
    fs::create_dir_all(folder.join("nodes/a/qemu-server")).unwrap();
    fs::create_dir_all(folder.join("nodes/b")).unwrap();
    fs::create_dir_all(folder.join("priv")).unwrap();
    fs::write(folder.join("storage.cfg"), "dir: local\n\tpath /var/lib/vz\n").unwrap();
    fs::write(folder.join("nodes/a/qemu-server/100.conf"), "memory: 512\nname: caf\u{e9}\n").unwrap();
    fs::write(folder.join("nodes/a/qemu-server/100.conf.bak"), "memory: 1\n").unwrap();
    fs::write(folder.join("nodes/a/qemu-server/notes"), "x").unwrap();
}

#[test]
fn a_folder_is_read_also_where_files_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    let loaded = etc_pve::load(folder.path(), "8.4.1").unwrap();
    assert_eq!((loaded.nodes, loaded.guests), (vec!["a".to_owned(), "b".to_owned()], 1));
    let get = |path: &str| {
        Answers::get(&loaded.answers, &ApiPath::parse(path)).unwrap().and_then(|answer| answer.data().cloned())
    };
    assert_eq!(get("version").unwrap()["release"], json!("8.4"));
    let config = get("nodes/a/qemu/100/config").unwrap();
    assert_eq!((&config["memory"], config.get("name")), (&json!("512"), None));
    assert_eq!(config["digest"].as_str().map(str::len), Some(40));
    assert!(get("cluster/resources").unwrap().as_array().unwrap().iter().any(|row| row["status"] == json!("stopped")));
    assert_eq!(get("nodes/b/config"), Some(json!({})));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
}
#[test]
fn links_are_followed_inside_and_tolerated_elsewhere() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    symlink("nodes/b", folder.path().join("local")).unwrap();
    symlink("nodes/b/qemu-server", folder.path().join("qemu-server")).unwrap();
    symlink("nowhere", folder.path().join("user.cfg")).unwrap();
    fs::write(folder.path().join("nodes/b/config"), b"#\xff\n").unwrap();
    let loaded = etc_pve::load(folder.path(), "9.1.9").unwrap();
    assert_eq!(loaded.nodes, ["b", "a"]);
    assert_eq!(loaded.warnings[0], "nodes/b/config: not all of it is UTF-8");
}

#[test]
fn folders_that_are_not_copies_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| etc_pve::load(path, "9.1.9").unwrap_err();
    assert!(matches!(error(&folder.path().join("none")), EtcPveError::Missing { .. }));
    assert!(matches!(error(folder.path()), EtcPveError::NoTree { .. }));
    fs::write(folder.path().join("user.cfg"), vec![b'x'; (1 << 20) + 1]).unwrap();
    assert!(matches!(error(folder.path()), EtcPveError::TooLarge { limit: 1_048_576, .. }));
    assert!(matches!(error(&folder.path().join("user.cfg")), EtcPveError::Packed(_)));
}

/// Recorded on 9.2: `cpus` is a text where only the limit is set, and a name beyond ASCII is listed in another form than it
/// is found by.
#[test]
fn values_that_trouble_the_provider_are_answered_as_by_proxmox() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    fs::create_dir_all(folder.path().join("nodes/a/lxc")).unwrap();
    let container = "arch: amd64\ncpulimit: 1\nhostname: limited\nmemory: 512\n\n[pve:pending]\ncores: 4\n";
    fs::write(folder.path().join("nodes/a/lxc/200.conf"), container).unwrap();
    let users = "user:j\u{f6}rg@pve:1:0::::::\ntoken:j\u{f6}rg@pve!t:0:1::\ngroup:g:j\u{f6}rg@pve::\n\
                 acl:1:/:j\u{f6}rg@pve:PVEAuditor:\n";
    fs::write(folder.path().join("user.cfg"), users).unwrap();
    let loaded = etc_pve::load(folder.path(), "9.2.11").unwrap();
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    with_twin(Arc::new(loaded.answers), options, |_, mut client| {
        let mut get = |path: &str| client.get(&format!("/api2/json/{path}")).answer();
        assert_eq!(get("nodes/a/lxc/200/status/current").data().unwrap()["cpus"], json!("1"));
        assert_eq!(get("nodes/a/lxc").data().unwrap()[0]["cpus"], json!("1"));
        let resources = get("cluster/resources").data().unwrap().to_string();
        assert!(resources.contains(r#""maxcpu":1"#), "{resources}");
        let listed = "j\u{c3}\u{b6}rg@pve";
        let users = get("access/users?full=1").data().unwrap().clone();
        assert!(users.as_array().unwrap().iter().any(|user| user["userid"] == listed && user["groups"] == "g"));
        assert_eq!(get("access/groups").data().unwrap()[0]["users"], listed);
        assert_eq!(get("access/acl").data().unwrap()[0]["ugid"], listed);
        let missing = get("access/users/j%C3%83%C2%B6rg%40pve");
        let message = "no such user ('j\u{c3}\u{83}\u{c2}\u{b6}rg@pve')\n";
        assert_eq!((missing.status, missing.body["message"].as_str()), (500, Some(message)));
        assert_eq!(get("access/users/j%C3%83%C2%B6rg%40pve/token").status, 403);
        let single = get("access/users/j%C3%B6rg%40pve");
        assert_eq!(single.body["data"]["groups"], json!(["g"]), "{single:?}");
        assert_eq!(get("access/users/j%C3%B6rg%40pve/token").data().unwrap()[0]["tokenid"], "t");
    });
}

/// Volumes of machines and containers, of snapshots, of what is pending, and of templates.
#[test]
fn every_volume_that_a_configuration_names_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "storage.cfg",
        "dir: local\n\tpath /var/lib/vz\n\nlvmthin: thin\n\tvgname v\n\tthinpool t\n\nzfspool: tank\n\tpool t\n\n\
         nfs: nas\n\tserver s\n\texport /x\n\tpath /mnt/pve/nas\n\tcontent images,rootdir\n",
    );
    write("nodes/b/config", "");
    write(
        "nodes/a/qemu-server/100.conf",
        "scsi0: thin:base-9000-disk-0/vm-100-disk-0,size=8G\n\n[PENDING]\nscsi1: nas:100/vm-100-disk-1.qcow2,size=1G\n\n\
         [s1]\nscsi2: thin:vm-100-disk-2,size=2G\nvmstate: thin:vm-100-state-s1\n",
    );
    write("nodes/a/qemu-server/9000.conf", "template: 1\nscsi0: thin:base-9000-disk-0,size=8G\n");
    write(
        "nodes/a/lxc/200.conf",
        "rootfs: thin:vm-200-disk-0,size=8G\nmp0: tank:subvol-200-disk-0,mp=/a,size=4G\nmp1: /mnt/x,mp=/x\n\
         mp2: local:200/vm-200-disk-0.raw,mp=/b,size=1G\nunused0: thin:vm-200-disk-9\n",
    );
    let loaded = etc_pve::load(folder.path(), "9.1.9").unwrap();
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    with_twin(Arc::new(loaded.answers), options, |_, mut client| {
        let mut check = |path: &str, expected: &str| {
            let answer = client.get(&format!("/api2/json/nodes/{path}")).answer();
            let mut told: Vec<String> = answer
                .list()
                .map(|row| {
                    let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                    format!("{} {} {}", word("volid"), word("content"), word("format"))
                })
                .collect();
            told.sort();
            assert_eq!(told.join("\n"), expected, "{path}");
        };
        check(
            "a/storage/thin/content",
            "thin:base-9000-disk-0 images raw\nthin:base-9000-disk-0/vm-100-disk-0 images raw\nthin:vm-100-disk-2 images raw\n\
             thin:vm-100-state-s1 images raw\nthin:vm-200-disk-0 rootdir raw\nthin:vm-200-disk-9 rootdir raw",
        );
        check("a/storage/tank/content", "tank:subvol-200-disk-0 rootdir subvol");
        check("a/storage/local/content?content=rootdir", "local:200/vm-200-disk-0.raw rootdir raw");
        check("a/storage/local/content?content=images", "");
        check("b/storage/nas/content?content=images", "nas:100/vm-100-disk-1.qcow2 images qcow2");
        check("b/storage/thin/content", "");
        let single = client.get("/api2/json/nodes/a/storage/thin/content/thin:vm-200-disk-0").answer();
        assert_eq!(single.data().unwrap()["size"], json!(8_u64 << 30));
    });
}

#[test]
fn a_copy_of_the_network_alone_is_served_as_each_type_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("sdn")).unwrap();
    fs::write(folder.path().join("sdn/zones.cfg"), "simple: prod\n    bridge vmbr0\n    ipam pve\n").unwrap();
    let loaded = etc_pve::load(folder.path(), "9.1.9").unwrap();
    let zones = Answers::get(&loaded.answers, &ApiPath::parse("cluster/sdn/zones")).unwrap().unwrap();
    assert_eq!(zones.data().unwrap()[0]["ipam"], "pve");
    assert_eq!(zones.data().unwrap()[0]["bridge"], Value::Null);
    let told = loaded.warnings.join("\n");
    assert!(told.contains("sdn/zones.cfg line 2: sections of type `simple` have no key `bridge`"), "{told}");
}

#[test]
fn a_copy_of_version_8_keeps_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let storages = "dir: d\n\tpath /d\n\tmaxfiles 3\n\nglusterfs: g\n\tserver s\n\tvolume v\n";
    fs::write(folder.path().join("storage.cfg"), storages).unwrap();
    fs::write(folder.path().join("user.cfg"), "role:R:VM.Audit,VM.Monitor:\n").unwrap();
    let check = |version: &str, role: &str, kept: bool, warnings: usize| {
        let loaded = etc_pve::load(folder.path(), version).unwrap();
        let text = |path: &str| Answers::get(&loaded.answers, &ApiPath::parse(path)).unwrap().unwrap().body.to_string();
        assert!(text("access/roles").contains(role), "{version}: {}", text("access/roles"));
        assert_eq!(text("storage").contains("maxfiles") && text("storage").contains("glusterfs"), kept, "{version}");
        // One is about the node, which is made up.
        assert_eq!(loaded.warnings.len(), warnings + 1, "{version}: {:?}", loaded.warnings);
    };
    check("8.4.1", "VM.Audit,VM.Monitor", true, 0);
    check("9.1.9", r#""privs":"VM.Audit""#, false, 3);
}

/// On storages that the nodes share, each of them lists every volume, and a clone may go to another node.
#[test]
fn new_volumes_of_a_shared_storage_are_listed_on_every_node() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("nodes/a/qemu-server")).unwrap();
    fs::create_dir_all(folder.path().join("nodes/b")).unwrap();
    fs::create_dir_all(folder.path().join("nodes/c")).unwrap();
    let storages = "lvm: san\n\tvgname v\n\tshared 1\n\tnodes a,b\n\nlvmthin: thin\n\tvgname v\n\tthinpool t\n";
    fs::write(folder.path().join("storage.cfg"), storages).unwrap();
    fs::write(folder.path().join("nodes/a/qemu-server/100.conf"), "scsi0: san:vm-100-disk-0,size=1G\n").unwrap();
    fs::write(folder.path().join("nodes/a/qemu-server/101.conf"), "scsi0: thin:vm-101-disk-0,size=1G\n").unwrap();
    let loaded = etc_pve::load(folder.path(), "9.1.9").unwrap();
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    with_twin(Arc::new(loaded.answers), options, |_, mut client| {
        let listed = |client: &mut Client, node: &str| {
            let rows = read(client, &format!("nodes/{node}/storage/san/content"));
            let mut volumes: Vec<String> =
                rows.as_array().unwrap().iter().map(|row| row["volid"].as_str().unwrap().to_owned()).collect();
            volumes.sort();
            volumes.join(" ")
        };
        assert_eq!(end(&mut client, "POST", "nodes/a/qemu", "vmid=102&scsi0=san%3A1"), "OK");
        assert_eq!(listed(&mut client, "b"), "san:vm-100-disk-0 san:vm-102-disk-0");
        let cloned = "newid=103&target=b&full=1";
        assert_eq!(end(&mut client, "POST", "nodes/a/qemu/100/clone", cloned), "OK");
        assert_eq!(read(&mut client, "nodes/b/qemu/103/config")["scsi0"], "san:vm-103-disk-0,size=1G");
        assert_eq!(listed(&mut client, "a"), listed(&mut client, "b"));
        assert_eq!(end(&mut client, "DELETE", "nodes/b/qemu/103", ""), "OK");
        assert_eq!(listed(&mut client, "a"), "san:vm-100-disk-0 san:vm-102-disk-0");
        let local = send(&mut client, "POST", "nodes/a/qemu/101/clone", "newid=104&target=b").1;
        assert_eq!(local, "can't clone VM to node 'b' (VM uses local storage)\n");
    });
}
