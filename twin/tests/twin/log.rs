//! The log of writes: what came in, without secrets, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::json;

use crate::support::{TOKEN, fixture, with_twin};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const CANARY: &str = "CANARY-of-a-secret";

#[test]
fn writes_are_logged_with_their_ends_and_without_their_secrets() {
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, log: true, ..Options::new(credentials) };
    let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
    with_twin(recording, options, |twin, mut client| {
        let mut send = |method: &str, path: &str, form: &str| {
            client.send(method, &format!("/api2/json/{path}"), &[TOKEN, FORM], form);
        };
        send("GET", "nodes/pve1/qemu", "");
        send("PUT", "nodes/pve1/qemu/100/config", &format!("cipassword={CANARY}&description=x"));
        send("POST", "access/users", &format!("userid=new@pve&password={CANARY}"));
        send("POST", "pools", "poolid=prod");
        send("POST", "nodes/pve1/qemu/9000/status/start", "");
        send("PUT", "storage/local", "nonsense=1");
        let writes = twin.writes();
        assert!(!format!("{writes:?}").contains(CANARY), "{writes:?}");
        let told: Vec<_> = writes.iter().map(|write| (write.verb, write.path.as_str(), write.status)).collect();
        assert_eq!(
            told,
            [
                (Verb::Put, "nodes/pve1/qemu/100/config", 200),
                (Verb::Post, "access/users", 200),
                (Verb::Post, "pools", 500),
                (Verb::Post, "nodes/pve1/qemu/9000/status/start", 200),
                (Verb::Put, "storage/local", 400),
            ]
        );
        assert_eq!(json!(writes[0].parameters), json!({"cipassword": "redacted-cipassword", "description": "x"}));
        assert!(writes[0].succeeded() && writes[0].failure().is_none());
        assert_eq!(writes[2].failure(), Some("create pool failed: pool 'prod' already exists"));
        let task = writes[3].task.as_ref().unwrap();
        assert_eq!(
            (task.kind.as_str(), task.end.to_string().as_str()),
            ("qmstart", "you can't start a vm if it's a template")
        );
        assert!(!writes[3].succeeded() && writes[3].failure() == Some("you can't start a vm if it's a template"));
        assert!(writes[4].failure().unwrap().starts_with("Parameter verification failed."), "{:?}", writes[4]);
        assert!(writes.is_sorted_by_key(|write| write.at));
    });
}

/// A twin that serves for days keeps nothing of them.
#[test]
fn nothing_is_logged_unless_it_is_asked_for() {
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
    with_twin(recording, Options::new(credentials), |twin, mut client| {
        client.send("POST", "/api2/json/pools", &[TOKEN, FORM], "poolid=new");
        assert_eq!(twin.writes(), []);
    });
}
