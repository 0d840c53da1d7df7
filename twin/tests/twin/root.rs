//! What only `root@pam` itself may do: accounts at a certificate authority, which nobody asks, and copies of volumes.

use std::sync::Arc;

use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, Answers as _, ApiPath};
use proxmox_mpc_twin::call::{Login, Request};
use proxmox_mpc_twin::writes::perform;
use proxmox_mpc_twin::{Recording, State};
use serde_json::{Value, json};

use crate::support::fixture;

/// A cluster that is written to by whom a test says.
struct Cluster(State);

impl Cluster {
    fn new(name: &str) -> Self {
        Self(State::new(Arc::new(Recording::open(&fixture(&format!("{name}.tar.zst"))).unwrap())))
    }

    fn send(&self, login: &str, verb: Verb, path: &str, parameters: &Value) -> Answer {
        let request = Request {
            verb,
            path: ApiPath::parse(path),
            parameters: parameters.as_object().unwrap().clone(),
            uploaded: None,
            login: Login::parse(login),
            now: 1_800_000_000,
            duration: 0,
        };
        perform(&self.0, request)
    }

    fn data(&self, path: &str) -> Value {
        let (view, path) = (self.0.view(), ApiPath::parse(path));
        let answer = view.get(&path).unwrap().or_else(|| Deriver::new(Arc::clone(&view)).derive(&path).unwrap());
        answer.and_then(|answer| answer.data().cloned()).unwrap_or_default()
    }
}

#[test]
fn an_acme_account_is_created_changed_and_removed() {
    let cluster = Cluster::new("homelab");
    let send = |login: &str, verb: Verb, path: &str, parameters: &Value| cluster.send(login, verb, path, parameters);
    let data = |path: &str| cluster.data(path);
    let list = "cluster/acme/account";
    let terms = "https://authority.example/terms";
    let given = json!({"name": "home", "contact": "ops@home.example", "tos_url": terms});
    // It is root's own, and no token may.
    assert_eq!(send("root@pam!tf", Verb::Post, list, &given).status, 403);
    assert!(send("root@pam", Verb::Post, list, &given).data().unwrap().as_str().unwrap().contains("acmeregister"));
    assert!(data(list).to_string().contains("home"));
    let made = data("cluster/acme/account/home");
    assert_eq!(made["account"]["contact"], json!(["mailto:ops@home.example"]));
    assert_eq!(
        (&made["tos"], &made["directory"]),
        (&json!(terms), &json!("https://acme-v02.api.letsencrypt.org/directory"))
    );
    let again = send("root@pam", Verb::Post, list, &given);
    assert_eq!(again.body["errors"]["name"], "ACME account config file 'home' already exists.");
    let path = "cluster/acme/account/home";
    assert_eq!(send("root@pam", Verb::Put, path, &json!({"contact": "a@home.example,b@home.example"})).status, 200);
    assert_eq!(data(path)["account"]["contact"].as_array().map(Vec::len), Some(2));
    assert_eq!(send("root@pam", Verb::Delete, path, &json!({})).status, 200);
    assert!(!data(list).to_string().contains("home"));
    let gone = send("root@pam", Verb::Delete, path, &json!({}));
    assert_eq!(gone.body["errors"]["name"], "ACME account config file 'home' does not exist.");
}

#[test]
fn a_volume_is_copied() {
    let cluster = Cluster::new("pve-9.1");
    let volume = |name: &str| format!("nodes/pve2/storage/local-lvm/content/local-lvm%3A{name}");
    let copied = json!({"target": "local-lvm:vm-102-disk-7"});
    assert_eq!(cluster.send("root@pam!iac", Verb::Post, &volume("vm-102-disk-1"), &copied).status, 403);
    let task = |from: &str| {
        let upid = cluster.send("root@pam", Verb::Post, &volume(from), &copied).data().cloned().unwrap();
        let tasks = cluster.0.view().memories("task/");
        let own = tasks.into_iter().find(|(key, _)| key.ends_with(upid.as_str().unwrap()));
        own.map(|(_, task)| task.to_string()).unwrap_or_default()
    };
    assert!(task("vm-102-disk-1").contains("OK"));
    assert_eq!(cluster.data(&volume("vm-102-disk-7"))["size"], json!(128_849_018_880_u64));
    assert!(task("vm-102-disk-1").contains("disk image 'local-lvm:vm-102-disk-7' already exists"));
    assert!(task("vm-102-disk-99").contains("volume 'local-lvm:vm-102-disk-99' does not exist"));
}
