//! Accounts at a certificate authority, which nobody asks.

use std::sync::Arc;

use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, ApiPath};
use proxmox_mpc_twin::writes::{Login, Request, perform};
use proxmox_mpc_twin::{Recording, State};
use serde_json::{Value, json};

use crate::support::fixture;

#[test]
fn an_account_comes_changes_and_goes() {
    let state = State::new(Arc::new(Recording::open(&fixture("homelab.tar.zst")).unwrap()));
    let send = |login: &str, verb: Verb, path: &str, parameters: Value| -> Answer {
        let request = Request {
            verb,
            path: ApiPath::parse(path),
            parameters: parameters.as_object().unwrap().clone(),
            uploaded: None,
            login: Login::parse(login),
            now: 1_800_000_000,
            duration: 0,
        };
        perform(&state, request)
    };
    let data = |path: &str| {
        let view = state.view();
        let path = ApiPath::parse(path);
        let answer = proxmox_mpc_model::Answers::get(&*view, &path).unwrap();
        let answer = answer.or_else(|| Deriver::new(Arc::clone(&view)).derive(&path).unwrap());
        answer.and_then(|answer| answer.data().cloned()).unwrap_or_default()
    };
    let list = "cluster/acme/account";
    let terms = "https://authority.example/terms";
    let given = json!({"name": "home", "contact": "ops@home.example", "tos_url": terms});
    // It is root's own, and no token may.
    assert_eq!(send("root@pam!tf", Verb::Post, list, given.clone()).status, 403);
    assert!(send("root@pam", Verb::Post, list, given.clone()).data().unwrap().as_str().unwrap().contains("acmeregister"));
    assert!(data(list).to_string().contains("home"));
    let made = data("cluster/acme/account/home");
    assert_eq!(made["account"]["contact"], json!(["mailto:ops@home.example"]));
    assert_eq!((&made["tos"], &made["directory"]), (&json!(terms), &json!("https://acme-v02.api.letsencrypt.org/directory")));
    let again = send("root@pam", Verb::Post, list, given);
    assert_eq!(again.body["errors"]["name"], "ACME account config file 'home' already exists.");
    let path = "cluster/acme/account/home";
    assert_eq!(send("root@pam", Verb::Put, path, json!({"contact": "a@home.example,b@home.example"})).status, 200);
    assert_eq!(data(path)["account"]["contact"].as_array().map(Vec::len), Some(2));
    assert_eq!(send("root@pam", Verb::Delete, path, json!({})).status, 200);
    assert!(!data(list).to_string().contains("home"));
    let gone = send("root@pam", Verb::Delete, path, json!({}));
    assert_eq!(gone.body["errors"]["name"], "ACME account config file 'home' does not exist.");
}
