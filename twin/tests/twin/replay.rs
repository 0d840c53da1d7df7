//! Recorded answers are served as they are, and what is taken out of a recording is derived as Proxmox had it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};
use proxmox_mpc_twin::server::{Counts, Options};
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Map, Value, json};

use crate::support::{fixture, with_twin};

/// A recording without the answers that a test hides.
struct Without {
    recording: Recording,
    hidden: fn(&[&str], &str) -> bool,
}

impl Without {
    fn hides(&self, path: &ApiPath) -> bool {
        let segments = path.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let query = path.as_str().split_once('?').map_or("", |(_, query)| query);
        (self.hidden)(&segments, query)
    }
}

impl Answers for Without {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        if self.hides(path) { Ok(None) } else { self.recording.get(path) }
    }
}

/// Values that are measured: they differ from one moment to the next, and a list may be older than what was asked
/// singly.
const MEASURED: &[&str] = &[
    "uptime",
    "cpu",
    "mem",
    "memhost",
    "freemem",
    "disk",
    "netin",
    "netout",
    "diskread",
    "diskwrite",
    "pid",
    "used",
    "avail",
    "total",
    "used_fraction",
    "ctime",
    "next-run",
    "pressurecpusome",
    "pressurecpufull",
    "pressureiosome",
    "pressureiofull",
    "pressurememorysome",
    "pressurememoryfull",
];

/// Comma lists whose order Proxmox changes from call to call (docs/proxmox.md, "JSON types").
const SETS: &[&str] = &["content", "nodes"];

/// A value as it is compared: without what is measured, lists and comma lists sorted.
fn normal(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(keys) => {
            let is_measured = |key: &str, value: &Value| {
                let number = value.as_str().map_or(value.is_number(), |text| text.parse::<f64>().is_ok());
                number && MEASURED.contains(&key)
            };
            let kept = keys.iter().filter(|(key, value)| !is_measured(key, value));
            Value::Object(kept.map(|(key, value)| (key.clone(), normal(key, value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| normal("", item)).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::String(text) if SETS.contains(&key) => {
            text.split(',').map(str::trim).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",").into()
        }
        other => other.clone(),
    }
}

/// Whether two answers are the same but for what is measured.
pub(crate) fn equal(recorded: &Answer, served: &Answer) -> bool {
    (recorded.status, &recorded.reason) == (served.status, &served.reason)
        && normal("", &recorded.body) == normal("", &served.body)
}

/// Asks a twin that lacks the hidden answers for everything that was recorded. Returns the requests whose answers
/// differ, how many there were, and where the answers came from.
fn replay(
    cluster: &str,
    hidden: fn(&[&str], &str) -> bool,
    equal: fn(&Answer, &Answer) -> bool,
) -> (Vec<String>, usize, Counts) {
    let open = || Recording::open(&fixture(&format!("{cluster}.tar.zst"))).unwrap();
    let credentials =
        Credentials::read(&fixture(&format!("{}.credentials.json", cluster.trim_end_matches("-auditor")))).unwrap();
    let (recording, paths) = (open(), open().paths().unwrap().collect::<Vec<_>>());
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    let mut differing = Vec::new();
    let mut counts = Counts::default();
    with_twin(Arc::new(Without { recording: open(), hidden }), options, |twin, mut client| {
        for path in &paths {
            let recorded = recording.get(path).unwrap().unwrap();
            let served = client.get(&path.target()).answer();
            if !equal(&recorded, &served) {
                differing.push(path.to_string());
            }
        }
        counts = twin.counts();
    });
    (differing, paths.len(), counts)
}

#[test]
fn recorded_answers_are_served_unchanged() {
    for cluster in ["pve-9.1", "pve-9.2", "homelab", "homelab-auditor"] {
        let (mut differing, asked, counts) = replay(cluster, |_, _| false, Answer::eq);
        let before = differing.len();
        differing.retain(|path| path != USER);
        assert_eq!(differing, Vec::<String>::new());
        let served = (asked + differing.len() - before) as u64;
        assert_eq!((counts.recorded + counts.derived, counts.unknown), (served, 0));
        assert!(counts.derived <= u64::from(cluster == "pve-9.2"), "{counts:?}");
    }
}

/// What cloud-init is told follows from a machine's configuration, but for the hash of a password.
#[test]
fn the_data_of_cloud_init_is_derived() {
    fn told(segments: &[&str], query: &str) -> bool {
        matches!(segments, [.., "cloudinit"]) || matches!(segments, [.., "dump"]) && query != "type=user"
    }
    fn user(segments: &[&str], query: &str) -> bool {
        matches!(segments, [.., "dump"]) && query == "type=user"
    }
    for (cluster, with_password) in [
        ("pve-9.1", "nodes/pve1/qemu/101/cloudinit/dump?type=user"),
        ("homelab", "nodes/pve/qemu/110/cloudinit/dump?type=user"),
    ] {
        assert_eq!(replay(cluster, told, equal).0, Vec::<String>::new());
        assert_eq!(replay(cluster, user, equal).0, [with_password]);
    }
}

/// Indexes are the same for every guest.
#[test]
fn paths_below_a_guest_are_known() {
    fn indexes(segments: &[&str], _query: &str) -> bool {
        let ["nodes", _, "qemu" | "lxc", _, rest @ ..] = segments else { return false };
        matches!(
            rest,
            [] | ["status" | "agent" | "firewall"]
                | ["firewall", "log"]
                | ["snapshot", _]
                | ["snapshot", "current", "config"]
        )
    }
    for cluster in ["pve-9.1", "pve-9.2", "homelab"] {
        let mut differing = replay(cluster, indexes, equal).0;
        differing.retain(|path| path != USER);
        assert_eq!(differing, Vec::<String>::new());
    }
}

/// Single firewall rules, volumes, tokens and pools: what an importer would have to ask one by one.
fn singles(segments: &[&str], query: &str) -> bool {
    match segments {
        ["pools"] => query.starts_with("poolid="),
        [.., "firewall", "rules", _]
        | ["cluster", "firewall", "groups", _, _]
        | ["nodes", _, "storage", _, "content", _]
        | ["access", "users", _, "token", _] => true,
        _ => false,
    }
}

/// The name of a user with `?` in it cannot be told from a query in a recording's path.
const USER: &str = "access/users/q?z@pve";
/// The virtual size of an image, whose list has the size of the file.
const IMAGE: &str = "nodes/pve01/storage/local/content/local%3Aimport%2F";

/// 97 of 100 answers equal is the least that is promised. What is left: the size of a backup on a PBS, which the
/// recorded cluster made up, the virtual size of an image whose list has the size of the file, and a pool of which
/// nothing else is on record.
#[test]
fn singles_are_derived() {
    let check = |cluster: &str, left: &[&str]| {
        let (differing, asked, counts) = replay(cluster, singles, equal);
        let unexplained = |path: &&String| !left.iter().any(|left| path.starts_with(left));
        assert_eq!(differing.iter().filter(unexplained).collect::<Vec<_>>(), Vec::<&String>::new(), "{cluster}");
        assert!((asked - differing.len()) * 100 >= asked * 97, "{cluster}: {} of {asked} differ", differing.len());
        let asked = asked as u64 - u64::from(left.contains(&USER));
        assert_eq!((counts.recorded + counts.derived, counts.unknown), (asked, 0), "{cluster}");
        assert!(counts.derived >= 18, "{counts:?}");
    };
    check("pve-9.1", &[]);
    check("pve-9.2", &[USER, IMAGE]);
    check(
        "homelab",
        &["nodes/pve/storage/pbs/content/pbs%3Abackup%2F", "nodes/pve/storage/local/content/local%3Aimport%2F"],
    );
}

/// Everything that a rule of the twin can make.
fn derivable(segments: &[&str], query: &str) -> bool {
    if singles(segments, query) {
        return true;
    }
    match segments {
        ["cluster", "resources"] | ["storage"] | ["nodes", _, "storage", _, "content"] | ["nodes", _, "network"] => {
            !query.is_empty()
        }
        ["access", "permissions"] => query.starts_with("path="),
        ["nodes", _, "qemu" | "lxc", _, "config"] => query == "current=1",
        ["cluster", "sdn", "zones" | "vnets" | "controllers"] => query == "running=1",
        // What runs of one follows from the list of what runs, which is hidden as well.
        ["cluster", "sdn", "zones" | "vnets" | "controllers" | "dns" | "ipams", _] => query != "running=1",
        ["nodes", _, "qemu" | "lxc", _, "feature"] => true,
        ["cluster", "qemu", "custom-cpu-models", _]
        | ["nodes", _, "qemu" | "lxc"]
        | ["nodes", _, "network", _]
        | ["nodes", _, "qemu" | "lxc", _, "status", "current"]
        | ["nodes", _, "qemu" | "lxc", _, "migrate"]
        | ["nodes", _, "storage", _, "status"]
        | ["storage", _]
        | ["access", "groups" | "roles" | "users", _]
        | ["access", "users", _, "token"]
        | [.., "firewall", "aliases", _]
        | [.., "firewall", "ipset", _, _]
        | ["cluster", "ha", "resources" | "rules", _]
        | ["cluster", "backup", _]
        | ["cluster", "mapping" | "jobs", _, _]
        | ["cluster", "acme", "plugins", _]
        | ["cluster", "sdn", "vnets", _, "subnets", _] => query.is_empty(),
        _ => false,
    }
}

/// The recorded containers run without processes: they show the addresses of their node.
const RUNNING: &[&str] = &["nodes/pve01/lxc/200/interfaces", "nodes/pve01/lxc/201/interfaces"];

/// Where a guest may go and what its volumes can do follow from its configuration, its storages and HA; the addresses of
/// a container from its configuration too, but for those that DHCP and other daemons give it.
#[test]
fn features_of_a_guest_are_derived() {
    fn hidden(segments: &[&str], _: &str) -> bool {
        matches!(segments, ["nodes", _, "qemu" | "lxc", _, "migrate" | "feature" | "interfaces"])
    }
    for (cluster, left) in
        [("pve-9.1", &[][..]), ("pve-9.2", RUNNING), ("homelab", &["nodes/pve/lxc/202/interfaces"][..])]
    {
        let (mut differing, ..) = replay(cluster, hidden, equal);
        differing.retain(|path| path != USER);
        assert_eq!(differing, left, "{cluster}");
    }
}

/// An import asks for the list with everything; others may have recorded the plain one, with the groups.
#[test]
fn users_are_derived_from_either_list() {
    fn single(segments: &[&str]) -> bool {
        matches!(segments, ["access", "users", _] | ["access", "users", _, "token", ..])
    }
    let check = |cluster: &str, hidden: fn(&[&str], &str) -> bool, left: usize| {
        let (differing, ..) = replay(cluster, hidden, equal);
        assert_eq!(differing.len(), left, "{cluster}: {differing:?}");
    };
    for cluster in ["pve-9.1", "homelab"] {
        // The filtered form cannot be made where the plain list is not on record.
        check(cluster, |segments, query| single(segments) || (segments == ["access", "users"] && query != "full=1"), 1);
        check(
            cluster,
            |segments, query| {
                matches!(segments, ["access", "users", _]) || (segments == ["access", "users"] && query == "full=1")
            },
            0,
        );
    }
}

#[test]
fn answers_that_follow_from_lists_are_derived() {
    let check = |cluster: &str, left: &[&str]| {
        let (differing, ..) = replay(cluster, derivable, equal);
        let explains = |left: &str, path: &str| path == left || left.ends_with("%2F") && path.starts_with(left);
        let unexplained = |path: &&String| !left.iter().any(|left| explains(left, path));
        assert_eq!(differing.iter().filter(unexplained).collect::<Vec<_>>(), Vec::<&String>::new(), "{cluster}");
    };
    check("pve-9.1", &[]);
    check(
        "pve-9.2",
        &[
            USER,
            IMAGE,
            // What QEMU says of a running machine, and the kernel of a running container.
            "nodes/pve01/lxc",
            "nodes/pve01/lxc/200/status/current",
            "nodes/pve01/lxc/201/status/current",
            "nodes/pve01/qemu/100/status/current",
            "nodes/pve01/qemu/102/status/current",
            "nodes/pve01/qemu/103/status/current",
            "nodes/pve01/qemu/105/status/current",
            "nodes/pve01/qemu/106/status/current",
            "nodes/pve01/qemu/122/status/current",
        ],
    );
    check(
        "homelab",
        &[
            "nodes/pve/storage/pbs/content/pbs%3Abackup%2F",
            "nodes/pve/storage/local/content/local%3Aimport%2F",
            // What QEMU says of a running machine is nowhere else.
            "nodes/pve/qemu/100/status/current",
            "nodes/pve/qemu/101/status/current",
            "nodes/pve/qemu/103/status/current",
            "nodes/pve/qemu/110/status/current",
            "nodes/pve/qemu/111/status/current",
        ],
    );
}

/// Recorded before Proxmox VE 9 had made rules of its groups; the order of the nodes is another in each answer.
#[test]
fn a_group_of_the_ha_manager_is_derived() {
    let group =
        |nodes: &str| json!({"group": "only23", "digest": "5474", "type": "group", "restricted": 1, "nodes": nodes});
    let answers = BTreeMap::from([
        (ApiPath::parse("cluster/ha/groups"), Answer::ok(json!([group("pve2,pve3")]))),
        (ApiPath::parse("access/permissions"), Answer::ok(json!({"/": {"Sys.Audit": 1}}))),
    ]);
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    with_twin(Arc::new(answers), options, |_, mut client| {
        let served = client.get("/api2/json/cluster/ha/groups/only23").answer();
        assert!(equal(&Answer::ok(group("pve3,pve2")), &served), "{served:?}");
    });
}
