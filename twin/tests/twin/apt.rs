//! The package repositories of a node.

use serde_json::{Value, json};

use crate::writes::{refusal, send, with_recording};

const PATH: &str = "nodes/pve/apt/repositories";

/// The recorded node has one of the standard repositories, and another that is off.
#[test]
fn repositories_are_added_and_switched() {
    with_recording("homelab", |mut client| {
        let mut check = |method: &str, form: &str, path: &str, expected: Value| {
            let response = send(&mut client, method, PATH, form);
            assert_eq!((response.status, &response.answer().body), (200, &json!({"data": null})), "{method} {form}");
            let answer = client.get(&format!("/api2/json/{PATH}")).answer().body["data"].take();
            let files = answer["files"].as_array().cloned().unwrap_or_default();
            let file = files.iter().find(|file| file["path"] == path).cloned().unwrap_or_default();
            let shown: Vec<Value> = file["repositories"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|repository| json!([repository["Components"][0], repository["Enabled"]]))
                .collect();
            let status = |handle: &str| {
                let rows = answer["standard-repos"].as_array().into_iter().flatten();
                rows.into_iter().find(|row| row["handle"] == handle).map_or(Value::Null, |row| row["status"].clone())
            };
            assert_eq!(json!([shown, status("enterprise"), status("test")]), expected, "{method} {form}");
        };
        let (proxmox, enterprise) =
            ("/etc/apt/sources.list.d/proxmox.sources", "/etc/apt/sources.list.d/pve-enterprise.sources");
        let both = json!([[["pve-no-subscription", 1], ["pve-test", 1]], 0, 1]);
        check("PUT", "handle=test", proxmox, both.clone());
        check("PUT", "handle=test", proxmox, both);
        let on = json!([[["pve-enterprise", 1]], 1, 1]);
        check("POST", &format!("path={enterprise}&index=0&enabled=1"), enterprise, on);
        let off = json!([[["pve-no-subscription", 1], ["pve-test", 0]], 1, 0]);
        check("POST", &format!("path={proxmox}&index=1&enabled=0"), proxmox, off);
        let mut refused = |form: &str, expected: &str| {
            let response = send(&mut client, "POST", PATH, form);
            assert_eq!(refusal(&response), (500, json!(expected)), "{form}");
        };
        refused("path=%2Fetc%2Fnope&index=0", "invalid path - /etc/nope\n");
        refused(&format!("path={enterprise}&index=7"), "invalid index - 7\n");
    });
}
