//! CPU models of one's own, which can be written from Proxmox VE 9.2 on.

use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Value, json};

use crate::support::{TOKEN, fixture, with_twin};

const MODELS: &str = "/api2/json/cluster/qemu/custom-cpu-models";

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn custom_cpu_models_are_created_changed_and_removed_from_9_2_on() {
    let serve = |cluster: &str, requests: &[(&str, &str, &str, u16)], left: &[&str]| {
        let recording = Arc::new(Recording::open(&fixture(&format!("{cluster}.tar.zst"))).unwrap());
        let credentials = Credentials::read(&fixture(&format!("{cluster}.credentials.json"))).unwrap();
        let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
        with_twin(recording, options, |_, mut client| {
            for (verb, path, body, status) in requests {
                let served = client.send(verb, &format!("{MODELS}{path}"), &[TOKEN, FORM], body).answer();
                assert_eq!(served.status, *status, "{verb} {path} {body}: {}", served.body);
            }
            let listed = client.get(MODELS).answer();
            let rows = listed.body["data"].as_array().cloned().unwrap_or_default();
            let mut names: Vec<&str> = rows.iter().filter_map(|row| row["cputype"].as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, left);
            if left.contains(&"custom-fast") {
                let fast = client.get(&format!("{MODELS}/custom-fast")).answer();
                let mut fast: Value = fast.body["data"].clone();
                assert!(fast["digest"].take().is_string());
                assert_eq!(
                    fast,
                    json!({"cputype": "custom-fast", "digest": null, "level": 30, "reported-model": "EPYC"})
                );
            }
        });
    };
    serve(
        "pve-9.2",
        &[
            ("POST", "", "cputype=fast&reported-model=EPYC&level=20", 200),
            ("POST", "", "cputype=custom-fast&reported-model=EPYC", 500),
            ("POST", "", "cputype=slow&reported-model=none", 400),
            ("PUT", "/fast", "level=30", 200),
            ("PUT", "/nobody", "level=30", 500),
            ("DELETE", "/custom-build", "", 200),
        ],
        &["custom-fast", "custom-homelab"],
    );
    serve("pve-9.1", &[("POST", "", "cputype=fast&reported-model=EPYC", 501)], &[]);
}
