//! Guests that are written to over HTTP: what Proxmox adds, keeps and refuses.

use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Value, json};

use crate::support::{Client, TOKEN, fixture, with_twin};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn with_cluster(test: impl FnOnce(Client) + Send) {
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
    with_twin(recording, options, |_, client| test(client));
}

/// Sends a form; the data of the answer, and its message where it has one.
fn send(client: &mut Client, method: &str, path: &str, form: &str) -> (Value, Value) {
    let body = client.send(method, &format!("/api2/json/{path}"), &[TOKEN, FORM], form).answer().body;
    (body["data"].clone(), body["message"].clone())
}

/// How the task of a write ended.
fn end(client: &mut Client, method: &str, path: &str, form: &str) -> Value {
    let (upid, message) = send(client, method, path, form);
    let upid = upid.as_str().unwrap_or_else(|| panic!("{method} {path}: {message}")).to_owned();
    let node = upid.split(':').nth(1).unwrap();
    let status = client.get(&format!("/api2/json/nodes/{node}/tasks/{upid}/status")).answer();
    status.body["data"]["exitstatus"].clone()
}

fn read(client: &mut Client, path: &str) -> Value {
    client.get(&format!("/api2/json/{path}")).answer().body["data"].take()
}

#[test]
fn a_machine_comes_changes_and_goes() {
    with_cluster(|mut client| {
        let guest = "nodes/pve1/qemu/110";
        let form = "vmid=110&scsi0=local%3A1%2Cformat%3Dqcow2%2Cdiscard%3Don&net0=virtio%2Cbridge%3Dvmbr0";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", form), "OK");
        let keys = read(&mut client, &format!("{guest}/config"));
        assert_eq!(keys["scsi0"], "local:110/vm-110-disk-0.qcow2,discard=on,size=1G");
        assert_eq!(keys["boot"], "order=scsi0;net0");
        assert!(keys["net0"].as_str().unwrap().starts_with("virtio=BC:24:11:"), "{keys}");
        assert_eq!(end(&mut client, "PUT", &format!("{guest}/resize"), "disk=scsi0&size=%2B1G"), "OK");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/start"), ""), "OK");
        assert_eq!(send(&mut client, "PUT", &format!("{guest}/config"), "memory=1024").0, Value::Null);
        assert_eq!(read(&mut client, &format!("{guest}/config"))["memory"], "1024");
        assert_eq!(read(&mut client, &format!("{guest}/config?current=1"))["memory"], Value::Null);
        let refused = send(&mut client, "DELETE", guest, "").1;
        assert_eq!(refused, "VM 110 is running - destroy failed\n");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/stop"), ""), "OK");
        assert_eq!(read(&mut client, &format!("{guest}/config?current=1"))["memory"], "1024");
        send(&mut client, "PUT", &format!("{guest}/config"), "delete=scsi0");
        assert_eq!(read(&mut client, &format!("{guest}/config"))["unused0"], "local:110/vm-110-disk-0.qcow2");
        assert_eq!(end(&mut client, "DELETE", guest, ""), "OK");
        let content = read(&mut client, "nodes/pve1/storage/local/content");
        assert!(!content.to_string().contains("vm-110-disk-0"), "{content}");
    });
}

#[test]
fn what_a_task_cannot_do_is_its_end() {
    with_cluster(|mut client| {
        let check = |client: &mut Client, method: &str, path: &str, form: &str, expected: &str| {
            assert_eq!(end(client, method, path, form), json!(expected), "{method} {path}");
        };
        let start = "nodes/pve1/qemu/9000/status/start";
        check(&mut client, "POST", start, "", "you can't start a vm if it's a template");
        check(&mut client, "POST", "nodes/pve3/qemu/104/status/start", "", "VM is locked (backup)");
        let missing = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
        check(&mut client, "POST", "nodes/pve1/qemu/999/status/start", "", missing);
        let iso = "vmid=114&ide2=local%3Aiso%2Fnone.iso%2Cmedia%3Dcdrom";
        let lost = "unable to create VM 114 - volume 'local:iso/none.iso' does not exist";
        check(&mut client, "POST", "nodes/pve1/qemu", iso, lost);
        check(&mut client, "POST", "nodes/pve1/qemu/9000/clone", "newid=122", "OK");
        let used = "base volume 'local:9000/base-9000-disk-0.qcow2' is still in use by linked cloned";
        check(&mut client, "DELETE", "nodes/pve1/qemu/9000", "", used);
    });
}
