//! Digests of a recording's answers by topic: what Terraform's provider asks of one guest, of all storages, of all pools.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};
use proxmox_mpc_twin::Recording;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::workspace::hexadecimal;

/// Digests of a recording's answers, by topic: `guest/101`, `storage`, `nodes/network`.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerDigests(BTreeMap<String, String>);

/// Topics that a resource type reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topics {
    /// These only.
    Of(BTreeSet<String>),
    /// All: nothing is known of the type.
    All,
}

/// Keys of lists that Proxmox measures, and that no resource has as configuration.
const MEASURED: [&str; 23] = [
    "avail",
    "balloon_used",
    "cpu",
    "disk",
    "diskread",
    "diskwrite",
    "level",
    "mem",
    "memhost",
    "netin",
    "netout",
    "pid",
    "pressurecpufull",
    "pressurecpusome",
    "pressureiofull",
    "pressureiosome",
    "pressurememoryfull",
    "pressurememorysome",
    "statistics",
    "swap",
    "uptime",
    "used",
    "used_fraction",
];

/// The topic of statuses of lists whose rows belong to guests: a list that is refused changes what the twin derives.
const LISTS: &str = "lists";

impl AnswerDigests {
    /// Reads all answers of a recording.
    pub(super) fn read(answers: &dyn Answers, paths: impl Iterator<Item = ApiPath>) -> Result<Self, Unreadable> {
        let mut reader = Reader::default();
        for path in paths {
            if let Some(answer) = answers.text(&path)? {
                reader.add(&path, answer)?;
            }
        }
        Ok(reader.finish())
    }

    /// The digest of these topics. A topic without answers has a digest too: an answer that appears is a change.
    pub(super) fn of(&self, topics: &Topics) -> String {
        let mut hasher = Sha256::new();
        let mut add = |topic: &str, digest: &str| {
            for part in [topic, "\0", digest, "\n"] {
                hasher.update(part);
            }
        };
        match topics {
            Topics::All => self.0.iter().for_each(|(topic, digest)| add(topic, digest)),
            Topics::Of(topics) => {
                for topic in topics {
                    add(topic, self.0.get(topic).map_or("none", String::as_str));
                }
            }
        }
        hexadecimal(&hasher.finalize())
    }
}

#[derive(Default)]
struct Reader {
    topics: BTreeMap<String, Sha256>,
    /// Configurations of guests, by topic.
    configurations: Vec<(String, String)>,
    /// Rows of the content of storages, by volume.
    volumes: BTreeMap<String, String>,
}

impl Reader {
    fn add(&mut self, path: &ApiPath, answer: AnswerText) -> Result<(), Unreadable> {
        let segments = path.segments();
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        let topic = topic(&words);
        let form = match words[..] {
            ["cluster", "resources"] | ["nodes", _, "qemu" | "lxc"] | ["pools", ..] => Form::Guests,
            ["nodes", _, "storage", _, "content"] => Form::Volumes,
            ["nodes"] | ["nodes", _, "storage" | "status"] | ["cluster", "status"] => Form::Measured,
            ["nodes", _, "qemu" | "lxc", _, "agent", ..] | ["nodes", _, "qemu" | "lxc", _, "status", "current"] => {
                Form::Measured
            }
            _ => Form::Plain,
        };
        if form == Form::Plain {
            self.note(&topic, path, &[&answer.status.to_string(), &answer.reason, &answer.body]);
            if let ["nodes", _, "qemu" | "lxc", _, "config"] = words[..] {
                self.configurations.push((topic, answer.body));
            }
            return Ok(());
        }
        let failed = |error: serde_json::Error| Unreadable { path: path.clone(), why: error.to_string() };
        let Answer { mut body, reason, status } = answer.parsed().map_err(failed)?;
        strip(&mut body);
        match form {
            Form::Guests => self.guests(path, &mut body),
            Form::Volumes => self.volumes(path, &mut body),
            Form::Measured | Form::Plain => {}
        }
        if form != Form::Measured {
            self.note(LISTS, path, &[&status.to_string()]);
        }
        self.note(&topic, path, &[&status.to_string(), &reason, &body.to_string()]);
        Ok(())
    }

    /// Gives each row of a guest to the guest. Of a pool, the members stay with the pool as well.
    fn guests(&mut self, path: &ApiPath, body: &mut Value) {
        let is_pool = path.as_str().starts_with("pools");
        let Some(data) = body.get_mut("data") else { return };
        let mut rows: Vec<&Value> = data.as_array().into_iter().flatten().collect();
        if is_pool {
            let pools: Vec<&Value> = if data.is_array() { rows } else { vec![data] };
            rows = pools.into_iter().filter_map(|pool| pool.get("members")?.as_array()).flatten().collect();
        }
        let owned: Vec<(String, String)> =
            rows.into_iter().filter_map(|row| Some((guest_of(row)?, row.to_string()))).collect();
        for (guest, row) in owned {
            self.note(&guest, path, &[&row]);
        }
        if !is_pool && let Some(rows) = data.as_array_mut() {
            rows.retain(|row| guest_of(row).is_none());
        }
    }

    fn volumes(&mut self, path: &ApiPath, body: &mut Value) {
        for row in body.get("data").and_then(Value::as_array).into_iter().flatten() {
            if let Some(volume) = row.get("volid").and_then(Value::as_str) {
                let rows = self.volumes.entry(volume.to_owned()).or_default();
                rows.push_str(path.as_str());
                rows.push_str(&row.to_string());
            }
        }
    }

    fn note(&mut self, topic: &str, path: &ApiPath, parts: &[&str]) {
        let hasher = self.topics.entry(topic.to_owned()).or_default();
        hasher.update(path.as_str());
        for part in parts {
            hasher.update(b"\0");
            hasher.update(part);
        }
        hasher.update(b"\n");
    }

    /// Adds to each guest the volumes that its configuration names, whoever owns them.
    fn finish(mut self) -> AnswerDigests {
        for (topic, configuration) in std::mem::take(&mut self.configurations) {
            let mut named: BTreeSet<&str> = BTreeSet::new();
            for word in configuration.split(['"', ',', '=']) {
                named.extend(self.volumes.get_key_value(word).map(|(volume, _)| volume.as_str()));
            }
            let Some(hasher) = self.topics.get_mut(&topic) else { continue };
            for volume in named {
                hasher.update(&self.volumes[volume]);
                hasher.update(b"\n");
            }
        }
        let digests = self.topics.into_iter().map(|(topic, hasher)| (topic, hexadecimal(&hasher.finalize())));
        AnswerDigests(digests.collect())
    }
}

/// Form of an answer, as far as digests depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Every byte counts.
    Plain,
    /// Measurements are left out.
    Measured,
    /// Measurements are left out, and rows belong to guests.
    Guests,
    /// Measurements are left out, and rows belong to the guests that name them.
    Volumes,
}

/// The topic of a path.
fn topic(words: &[&str]) -> String {
    match words {
        ["nodes", _, "qemu" | "lxc", id, ..] => format!("guest/{id}"),
        ["nodes", _, "storage", _, "content", ..] => "nodes/content".to_owned(),
        ["nodes", _, what, ..] => format!("nodes/{what}"),
        ["nodes", _] | ["nodes"] => "nodes".to_owned(),
        ["pools" | "storage" | "version", ..] => words[0].to_owned(),
        [first, second, ..] => format!("{first}/{second}"),
        [first] => (*first).to_owned(),
        [] => String::new(),
    }
}

/// The topic of the guest that a row is about.
fn guest_of(row: &Value) -> Option<String> {
    let id = row.get("vmid")?;
    Some(format!("guest/{}", id.as_u64().map(|id| id.to_string()).or_else(|| id.as_str().map(str::to_owned))?))
}

/// Takes measurements out of an answer.
fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(keys) => {
            keys.retain(|key, _| MEASURED.binary_search(&key.as_str()).is_err());
            keys.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// The topics that the provider reads for a resource of this type and `import` id. A type without a row may read anything.
///
/// Source: the requests of provider 0.111.1 (docs/provider.md). `what_is_proved_is_what_all_proves` holds the table
/// against the real provider, and a proof watches the requests that no row covers.
pub(super) fn topics(resource: &str, id: Option<&str>) -> Topics {
    let Some(id) = id else { return Topics::All };
    let parts: Vec<&str> = id.split('/').collect();
    let names: &[&str] = match (resource, &parts[..]) {
        ("proxmox_virtual_environment_vm" | "proxmox_virtual_environment_container", [_, guest]) => {
            return of_guest(guest);
        }
        (
            "proxmox_virtual_environment_firewall_options"
            | "proxmox_virtual_environment_firewall_rules"
            | "proxmox_virtual_environment_firewall_ipset"
            | "proxmox_virtual_environment_firewall_alias",
            ["vm" | "container", _, guest, ..],
        )
        | ("proxmox_pool_membership", [_, "vm", guest]) => return of_guest(guest),
        ("proxmox_virtual_environment_pool" | "proxmox_pool_membership", _) => &["pools"],
        ("proxmox_acl", _) => &["access/acl"],
        ("proxmox_backup_job", _) => &["cluster/backup"],
        _ if resource.starts_with("proxmox_storage_") => &["storage"],
        _ if resource.starts_with("proxmox_network_linux_") => &["nodes/network"],
        _ if resource.starts_with("proxmox_hardware_mapping_") => &["cluster/mapping"],
        _ if resource.starts_with("proxmox_sdn_") => &["cluster/sdn"],
        _ => return Topics::All,
    };
    Topics::Of(names.iter().chain(&["version", LISTS]).map(|name| (*name).to_owned()).collect())
}

/// The topics of a guest: its own answers, its rows in lists, and what the twin derives its volumes from.
fn of_guest(guest: &str) -> Topics {
    let shared = ["storage", "version", "access/permissions", "cluster/ha", "nodes", LISTS].map(str::to_owned);
    Topics::Of(shared.into_iter().chain([format!("guest/{guest}")]).collect())
}

impl Topics {
    /// Adds other topics.
    pub(super) fn extend(&mut self, others: Self) {
        match (&mut *self, others) {
            (Self::Of(topics), Self::Of(others)) => topics.extend(others),
            _ => *self = Self::All,
        }
    }
}

/// Answers that remember which of them were asked for.
pub(super) struct Watched {
    recording: Arc<Recording>,
    asked: Mutex<BTreeSet<ApiPath>>,
}

impl Watched {
    pub(super) fn new(recording: Arc<Recording>) -> Arc<Self> {
        Arc::new(Self { recording, asked: Mutex::default() })
    }

    /// The topics that were asked for and that none of these cover. Rows of lists, and guests that the twin looks through
    /// for a volume, are their guests' part.
    pub(super) fn others(&self, covered: &Topics) -> BTreeSet<String> {
        let Topics::Of(covered) = covered else { return BTreeSet::new() };
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let rows_only = ["cluster/resources", "nodes/qemu", "nodes/lxc", "nodes/content", "pools"];
        let topics = asked.iter().map(|path| {
            let segments = path.segments();
            topic(&segments.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let other = |topic: &String| {
            !covered.contains(topic) && !rows_only.contains(&topic.as_str()) && !topic.starts_with("guest/")
        };
        topics.filter(other).collect()
    }
}

impl Answers for Watched {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        self.recording.get(path)
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        self.recording.text(path)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn digests(changes: &[(&str, Value)]) -> AnswerDigests {
        let mut answers = BTreeMap::from([
            (
                "cluster/resources",
                json!([{"id": "qemu/101", "vmid": 101, "cpu": 0.5, "status": "running"}, {"id": "node/pve"}]),
            ),
            ("nodes/pve/qemu/101/config", json!({"scsi0": "local:vm-101-disk-0,size=1G", "cores": 2})),
            ("nodes/pve/qemu/102/config", json!({"cores": 2})),
            (
                "nodes/pve/storage/local/content",
                json!([
                    {"volid": "local:vm-101-disk-0", "format": "raw", "used": 1, "vmid": 101},
                    {"volid": "local:backup/x.vma", "format": "vma", "vmid": 101},
                ]),
            ),
            ("pools?poolid=prod", json!([{"poolid": "prod", "members": [{"id": "qemu/101", "vmid": 101, "mem": 1}]}])),
            ("storage", json!([{"storage": "local", "type": "dir"}])),
        ]);
        answers.extend(changes.iter().cloned());
        let answers: BTreeMap<ApiPath, Answer> =
            answers.into_iter().map(|(path, data)| (ApiPath::parse(path), Answer::ok(data))).collect();
        AnswerDigests::read(&answers, answers.keys().cloned()).unwrap()
    }

    #[test]
    fn a_changed_answer_changes_those_who_read_it() {
        let before = digests(&[]);
        let check = |path: &'static str, data: Value, expected: &[&str]| {
            let after = digests(&[(path, data.clone())]);
            let read = [("101", of_guest("101")), ("102", of_guest("102")), ("all", Topics::All)];
            let changed = read.into_iter().filter(|(_, topics)| before.of(topics) != after.of(topics));
            assert_eq!(changed.map(|(name, _)| name).collect::<Vec<_>>(), expected, "{path}: {data}");
        };
        let row = |status: &str, cpu: f64| json!([{"id": "qemu/101", "vmid": 101, "cpu": cpu, "status": status}, {"id": "node/pve"}]);
        check("cluster/resources", row("running", 0.9), &[]);
        check("cluster/resources", row("stopped", 0.5), &["101", "all"]);
        check(
            "nodes/pve/qemu/101/config",
            json!({"scsi0": "local:vm-101-disk-0,size=1G", "cores": 3}),
            &["101", "all"],
        );
        check("nodes/pve/qemu/101/config", json!({"cpu": "host"}), &["101", "all"]);
        check("nodes/pve/qemu/102/firewall/options", json!({"enable": 1}), &["102", "all"]);
        check("pools?poolid=prod", json!([{"poolid": "prod", "members": []}]), &["101", "all"]);
        check("storage", json!([{"storage": "local", "type": "btrfs"}]), &["101", "102", "all"]);
        check("cluster/backup", json!([]), &["all"]);
        let volume = |format: &str, used: u32| {
            json!([
                {"volid": "local:vm-101-disk-0", "format": format, "used": used, "vmid": 101},
                {"volid": "local:backup/x.vma", "format": "vma", "vmid": 101},
            ])
        };
        check("nodes/pve/storage/local/content", volume("raw", 9), &[]);
        check("nodes/pve/storage/local/content", volume("qcow2", 1), &["101", "all"]);
        let more = json!([
            {"volid": "local:vm-101-disk-0", "format": "raw", "used": 1, "vmid": 101},
            {"volid": "local:backup/x.vma", "format": "vma", "vmid": 101},
            {"volid": "local:backup/y.vma", "format": "vma", "vmid": 101},
        ]);
        check("nodes/pve/storage/local/content", more, &["all"]);
        assert!(MEASURED.is_sorted());
    }

    #[test]
    fn a_type_without_a_row_reads_anything() {
        let check = |resource: &str, id: Option<&str>, topic: Option<&str>| match (topics(resource, id), topic) {
            (Topics::Of(topics), Some(topic)) => assert!(topics.contains(topic), "{resource}: {topics:?}"),
            (topics, topic) => assert_eq!((topics, topic), (Topics::All, None), "{resource}"),
        };
        check("proxmox_virtual_environment_vm", Some("pve/101"), Some("guest/101"));
        check("proxmox_virtual_environment_vm", None, None);
        check("proxmox_virtual_environment_firewall_ipset", Some("container/pve/200/clients"), Some("guest/200"));
        check("proxmox_virtual_environment_firewall_rules", Some("node/pve"), None);
        check("proxmox_pool_membership", Some("prod/storage/nas"), Some("pools"));
        check("proxmox_cloned_vm", Some("pve/101"), None);
    }
}
