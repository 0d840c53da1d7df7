//! Guests that are written to over HTTP: what Proxmox adds, keeps and refuses.

use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Value, json};

use crate::support::{Client, TOKEN, fixture, with_twin};
use crate::writes::with_recording;

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
fn a_virtual_machine_is_created_changed_and_destroyed() {
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

/// What is refused of a machine before anything is made, in Proxmox's words and order (recorded, or from its source).
#[test]
fn wrong_options_of_a_virtual_machine_are_refused() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, expected: &str| {
            let body = client.send(method, &format!("/api2/json/nodes/{path}"), &[TOKEN, FORM], form).answer().body;
            let said = match body["errors"].as_object().and_then(|errors| errors.iter().next()) {
                Some((name, why)) => format!("{name}: {}", why.as_str().unwrap()),
                None => body["message"].as_str().unwrap_or_default().to_owned(),
            };
            assert_eq!(said.trim_end(), expected, "{method} {path} {form}");
        };
        let disk = "storage: storage 'pbs-main' does not support vm images";
        for (form, expected) in [
            ("hookscript=local%3Asnippets%2Fhook.pl", "only root can set 'hookscript' config"),
            ("affinity=0-1", "only root can set 'affinity' config"),
            ("args=-snapshot", "only root can set 'args' config"),
            ("hostpci0=host%3D0000%3A01%3A00.0", "only root can set 'hostpci0' config for non-mapped devices"),
            ("hostpci0=mapping%3Dgpu%2Cromfile%3Dx.rom", "hostpci0: only root@pam can set 'romfile' option"),
            ("usb0=host%3D1234%3A5678", "only root can set 'usb0' config for real devices"),
            ("serial0=%2Fdev%2FttyS0", "only root can set 'serial0' config for real devices"),
            ("sshkeys=ssh-rsa%2520AAAA&args=x", "SSH public key validation error"),
            ("pool=none&args=x", "Permission check failed (pool 'none' does not exist)"),
            ("scsi0=pbs-main%3A1&args=x", disk),
            ("scsi0=none%3A1", "storage 'none' does not exist"),
            ("scsi0=local%3Aiso%2Fdebian.iso", "scsi0: explicit 'media=cdrom' is required for iso images"),
            ("scsi0=local%3Asnippets%2Fhook.pl", "scsi0: content type needs to be 'images' or 'iso'"),
        ] {
            check("POST", "pve1/qemu", &format!("vmid=130&{form}"), expected);
        }
        for (form, expected) in [
            ("skiplock=1", "skiplock: Only root may use this option."),
            ("delete=foo", "delete: unknown option 'foo'"),
            ("revert=foo", "revert: unknown option 'foo'"),
            ("delete=cores&revert=cores", "revert: you can't use '-delete cores' and -revert cores' at the same time"),
            ("delete=args", "only root can set 'args' config"),
            ("hookscript=local%3Asnippets%2Fnone.pl", "hookscript: script 'local:snippets/none.pl' does not exist"),
            ("hookscript=local%3Aiso%2Fx.iso", "hookscript: 'local:iso/x.iso' is not in the snippets directory"),
            ("scsi0=local-lvm%3Aabc", "unable to parse lvm volume name 'abc'"),
            ("balloon=4096&memory=1024", "balloon value too large (must be smaller than assigned memory)"),
            ("boot=order%3Dscsi9", "invalid bootorder: device 'scsi9' does not exist'"),
            ("serial0=%2Fdev%2FttyS0", "only root can modify 'serial0' config for real devices"),
        ] {
            check("PUT", "pve3/qemu/105/config", form, expected);
        }
        // Windows keeps the hardware of the day on which it was made.
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", "vmid=131&ostype=win11&machine=q35"), "OK");
        assert_eq!(read(&mut client, "nodes/pve1/qemu/131/config")["machine"], "pc-q35-10.1");
    });
}

/// A running machine tells what QEMU tells of it.
#[test]
fn a_running_virtual_machine_is_suspended_and_reset() {
    with_cluster(|mut client| {
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", "vmid=130&memory=1024&machine=q35"), "OK");
        assert_eq!(read(&mut client, "nodes/pve1/qemu/130/status/current")["running-machine"], Value::Null);
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu/130/status/start", ""), "OK");
        let status = read(&mut client, "nodes/pve1/qemu/130/status/current");
        assert_eq!((&status["running-machine"], &status["running-qemu"]), (&json!("pc-q35-10.1"), &json!("10.1.2")));
        assert_eq!(status["ballooninfo"]["actual"], 1 << 30);
        assert_eq!(status["qmpstatus"], "running");
    });
}

/// The agent of a machine answers once there is one and the machine runs; what nobody can know, the twin says it does not.
#[test]
fn an_agent_is_asked() {
    with_cluster(|mut client| {
        let guest = "nodes/pve1/qemu/130";
        let form = "vmid=130&name=asked&net0=virtio%3DBC%3A24%3A11%3A00%3A00%3A01%2Cbridge%3Dvmbr0";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", &format!("{form}&ipconfig0=ip%3D10.0.0.7%2F24")), "OK");
        let ping = |client: &mut Client| send(client, "POST", &format!("{guest}/agent/ping"), "").1;
        assert_eq!(ping(&mut client), "No QEMU guest agent configured\n");
        send(&mut client, "PUT", &format!("{guest}/config"), "agent=enabled%3D1");
        assert_eq!(ping(&mut client), "VM 130 is not running\n");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/start"), ""), "OK");
        assert_eq!(send(&mut client, "POST", &format!("{guest}/agent/ping"), "").0, json!({"result": {}}));
        assert_eq!(
            read(&mut client, &format!("{guest}/agent/get-host-name")),
            json!({"result": {"host-name": "asked"}})
        );
        let interfaces = read(&mut client, &format!("{guest}/agent/network-get-interfaces"));
        assert_eq!(interfaces["result"][1]["ip-addresses"][0]["ip-address"], "10.0.0.7");
        let exec = send(&mut client, "POST", &format!("{guest}/agent/exec"), "command=ls").1;
        assert!(exec.as_str().unwrap().starts_with("the twin cannot do this"), "{exec}");
        send(&mut client, "POST", &format!("{guest}/agent/shutdown"), "");
        assert_eq!(read(&mut client, &format!("{guest}/status/current"))["status"], "stopped");
    });
}

/// What is inside of a machine that ran when it was recorded, only the recording knows, until it is started here.
#[test]
fn an_agent_that_was_recorded_says_what_was_recorded() {
    with_recording("homelab", |mut client| {
        let asked =
            |client: &mut Client, what: &str| client.get(&format!("/api2/json/nodes/pve/qemu/110/agent/{what}")).status;
        assert_eq!((asked(&mut client, "network-get-interfaces"), asked(&mut client, "get-host-name")), (200, 501));
        assert_eq!(end(&mut client, "POST", "nodes/pve/qemu/110/status/stop", ""), "OK");
        assert_eq!(end(&mut client, "POST", "nodes/pve/qemu/110/status/start", ""), "OK");
        assert_eq!((asked(&mut client, "network-get-interfaces"), asked(&mut client, "get-host-name")), (200, 200));
    });
}

/// What of a change comes into force while a machine runs is what can be plugged; the rest waits, and can be taken back.
#[test]
fn a_running_virtual_machine_takes_hotplug_changes() {
    with_cluster(|mut client| {
        let (guest, config) = ("nodes/pve1/qemu/130", "nodes/pve1/qemu/130/config");
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", "vmid=130&cores=1&hotplug=disk"), "OK");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/start"), ""), "OK");
        send(&mut client, "PUT", config, "cores=2&scsi1=local%3A1&sata0=local%3A1&net0=virtio&ciuser=x&name=y");
        let pending = read(&mut client, &format!("{guest}/pending"));
        let waits = pending.as_array().unwrap().iter().filter(|item| !item["pending"].is_null());
        let keys: Vec<&str> = waits.map(|item| item["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["cores", "net0", "sata0"]);
        send(&mut client, "PUT", config, "revert=cores,net0");
        let keys = read(&mut client, config);
        assert_eq!((&keys["cores"], &keys["net0"], &keys["name"]), (&json!(1), &Value::Null, &json!("y")));
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/suspend"), ""), "OK");
        let status = |client: &mut Client| read(client, &format!("{guest}/status/current"))["qmpstatus"].clone();
        assert_eq!(status(&mut client), "paused");
        let refused = send(&mut client, "POST", &format!("{guest}/status/shutdown"), "").1;
        assert_eq!(refused, "VM is paused - cannot shutdown\n");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/resume"), ""), "OK");
        assert_eq!(status(&mut client), "running");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/reset"), ""), "OK");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/stop"), ""), "OK");
        assert_eq!(send(&mut client, "POST", &format!("{guest}/status/reset"), "").1, "VM 130 not running\n");
    });
}

/// A machine's cloud-init is told what the configuration says once its drive is written anew; a running one not before.
#[test]
fn cloud_init_data_follows_the_configuration() {
    with_cluster(|mut client| {
        let (guest, config) = ("nodes/pve1/qemu/130", "nodes/pve1/qemu/130/config");
        let form = "vmid=130&name=told&ide2=local%3Acloudinit&ciuser=u&cipassword=secret&boot=order%3Dide2";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", form), "OK");
        let user = |client: &mut Client| read(client, &format!("{guest}/cloudinit/dump?type=user"));
        let text = user(&mut client).as_str().unwrap().to_owned();
        assert!(text.contains("hostname: told\n") && text.contains("\nuser: u\npassword: $5$"), "{text}");
        let pending = |client: &mut Client| {
            let items = read(client, &format!("{guest}/cloudinit"));
            let mut items: Vec<Value> = items
                .as_array()
                .unwrap()
                .iter()
                .filter(|item| item.get("value").is_none() || item.get("pending").is_some())
                .cloned()
                .collect();
            items.sort_by_key(Value::to_string);
            items
        };
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/start"), ""), "OK");
        send(&mut client, "PUT", config, "ciuser=v&nameserver=10.0.0.1&delete=cipassword");
        let waiting = [
            json!({"delete": 1, "key": "cipassword"}),
            json!({"key": "ciuser", "pending": "v", "value": "u"}),
            json!({"key": "nameserver", "pending": "10.0.0.1"}),
        ];
        assert_eq!(pending(&mut client), waiting);
        assert!(user(&mut client).as_str().unwrap().contains("\nuser: v\nchpasswd:"));
        let upid = send(&mut client, "POST", config, "cipassword=secret&delete=nameserver").0;
        let log = read(&mut client, &format!("nodes/pve1/tasks/{}/log", upid.as_str().unwrap()));
        assert_eq!(log[0]["t"], "update VM 130: -cipassword <hidden> -delete nameserver");
        send(&mut client, "PUT", &format!("{guest}/cloudinit"), "");
        assert_eq!(pending(&mut client), Vec::<Value>::new());
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/stop"), ""), "OK");
        // The boot order follows the drives.
        send(&mut client, "PUT", config, "delete=ide2&ide0=none%2Cmedia%3Dcdrom");
        assert_eq!(read(&mut client, config)["boot"], "order=ide0");
    });
}

/// The way back to a snapshot: disks have the size of then, and those that came later stay as unused ones.
#[test]
fn a_virtual_machine_is_rolled_back_to_a_snapshot() {
    with_cluster(|mut client| {
        let (guest, config) = ("nodes/pve1/qemu/130", "nodes/pve1/qemu/130/config");
        let form = "vmid=130&scsi0=local%3A1%2Cformat%3Dqcow2";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", form), "OK");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/snapshot"), "snapname=one"), "OK");
        assert_eq!(end(&mut client, "PUT", &format!("{guest}/resize"), "disk=scsi0&size=%2B1G"), "OK");
        send(&mut client, "PUT", config, "scsi1=local%3A1%2Cformat%3Dqcow2");
        let refused =
            send(&mut client, "POST", &format!("{guest}/move_disk"), "disk=scsi0&storage=local-lvm&delete=1").1;
        assert_eq!(refused, "you can't move a disk with snapshots and delete the source\n");
        send(&mut client, "PUT", config, "delete=scsi0");
        let refused = send(&mut client, "PUT", config, "delete=unused0").1;
        let volume = "local:130/vm-130-disk-0.qcow2";
        assert_eq!(refused, format!("unable to delete '{volume}' - volume is still in use (snapshot?)\n"));
        assert_eq!(end(&mut client, "POST", &format!("{guest}/snapshot/one/rollback"), "start=1"), "OK");
        let keys = read(&mut client, config);
        assert_eq!(keys["scsi0"], format!("{volume},size=1G"));
        assert_eq!((&keys["scsi1"], &keys["unused1"]), (&Value::Null, &json!("local:130/vm-130-disk-1.qcow2")));
        assert_eq!(read(&mut client, &format!("nodes/pve1/storage/local/content/{volume}"))["size"], 1 << 30);
        assert_eq!(read(&mut client, &format!("{guest}/status/current"))["status"], "running");
    });
}

/// A linked clone names its base where the storage does; the base of one stays.
#[test]
fn a_linked_clone_keeps_its_base() {
    with_cluster(|mut client| {
        let guest = "nodes/pve1/qemu/130";
        for (storage, clone, gone) in [
            (
                "tank",
                "tank:base-130-disk-0/vm-131-disk-0,size=1G",
                "base volume 'tank:base-130-disk-0' is still in use by linked cloned",
            ),
            ("local-lvm", "local-lvm:vm-131-disk-0,size=1G", "OK"),
        ] {
            assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", &format!("vmid=130&scsi0={storage}%3A1")), "OK");
            assert_eq!(end(&mut client, "POST", &format!("{guest}/template"), ""), "OK");
            assert_eq!(end(&mut client, "POST", &format!("{guest}/clone"), "newid=131"), "OK");
            assert_eq!(read(&mut client, "nodes/pve1/qemu/131/config")["scsi0"], clone);
            assert_eq!(end(&mut client, "DELETE", guest, ""), gone);
            assert_eq!(end(&mut client, "DELETE", "nodes/pve1/qemu/131", ""), "OK");
            send(&mut client, "DELETE", guest, "");
        }
    });
}

/// What is refused of a clone, and what one has of its origin: all but its snapshots and its addresses.
#[test]
fn a_clone_is_refused_or_has_the_keys_of_its_origin() {
    with_cluster(|mut client| {
        let (guest, clone) = ("nodes/pve1/qemu/130", "nodes/pve1/qemu/130/clone");
        let form = "vmid=130&name=origin&protection=1&scsi0=local%3A1%2Cformat%3Dqcow2&tpmstate0=local%3A1&net0=virtio";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", form), "OK");
        assert_eq!(end(&mut client, "PUT", &format!("{guest}/resize"), "disk=scsi0&size=2G"), "OK");
        send(&mut client, "POST", &format!("{guest}/firewall/rules"), "type=in&action=ACCEPT");
        for (form, expected) in [
            ("pool=none", "Permission check failed (pool 'none' does not exist)\n"),
            ("storage=none", "storage 'none' does not exist\n"),
            ("storage=san", "storage 'san' is disabled\n"),
            ("snapname=none", "snapshot 'none' does not exist\n"),
            ("full=0&storage=local", "parameter 'storage' not allowed for linked clones\n"),
            ("full=0", "Linked clone feature is not supported for 'local:130/vm-130-disk-0.qcow2' (scsi0)\n"),
            ("target=pve2", "can't clone VM to node 'pve2' (VM uses local storage)\n"),
        ] {
            assert_eq!(send(&mut client, "POST", clone, &format!("newid=131&{form}")).1, expected, "{form}");
        }
        assert_eq!(end(&mut client, "POST", clone, "newid=131"), "OK");
        let (origin, made) =
            (read(&mut client, &format!("{guest}/config")), read(&mut client, "nodes/pve1/qemu/131/config"));
        assert_eq!((&made["name"], &made["protection"]), (&json!("Copy-of-VM-origin"), &json!(1)));
        assert_eq!((&made["scsi0"], &made["meta"]), (&json!("local:131/vm-131-disk-0.qcow2,size=2G"), &origin["meta"]));
        assert_ne!(made["net0"], origin["net0"]);
        assert_eq!(read(&mut client, "nodes/pve1/qemu/131/firewall/rules")[0]["action"], "ACCEPT");
    });
}

/// With a guest go its volumes, those of its snapshots and those that nothing names, its rights, and what names it.
#[test]
fn a_destroyed_guest_leaves_nothing_behind() {
    with_cluster(|mut client| {
        let guest = "nodes/pve1/qemu/130";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", "vmid=130&scsi0=local%3A1%2Cformat%3Dqcow2"), "OK");
        send(&mut client, "POST", "nodes/pve1/storage/local-lvm/content", "vmid=130&filename=vm-130-disk-7&size=1G");
        send(&mut client, "PUT", "access/acl", "path=/vms/130&roles=PVEVMUser&users=root@pam");
        send(&mut client, "POST", "cluster/backup", "id=only&schedule=daily&storage=local&vmid=130");
        send(&mut client, "POST", "cluster/ha/resources", "sid=vm%3A130&state=stopped");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/snapshot"), "snapname=one"), "OK");
        let refused = send(&mut client, "DELETE", guest, "").1;
        assert_eq!(refused, "unable to remove VM 130 - used in HA resources and purge parameter not set.\n");
        assert_eq!(end(&mut client, "DELETE", &format!("{guest}?purge=1&destroy-unreferenced-disks=1"), ""), "OK");
        for path in ["nodes/pve1/storage/local/content", "nodes/pve1/storage/local-lvm/content", "access/acl"] {
            let left = read(&mut client, path).to_string();
            assert!(!left.contains("vm-130") && !left.contains("/vms/130"), "{path}: {left}");
        }
        assert!(!read(&mut client, "cluster/backup").to_string().contains("\"only\""));
        assert_eq!(read(&mut client, "cluster/ha/resources/vm:130"), Value::Null);
    });
}

/// The cluster's list says of each guest what HA shall do with it.
#[test]
fn a_managed_guest_shows_its_state_of_ha() {
    with_cluster(|mut client| {
        let shown = |client: &mut Client| {
            let rows = read(client, "cluster/resources?type=vm");
            rows.as_array().unwrap().iter().find(|row| row["vmid"] == 101).unwrap()["hastate"].clone()
        };
        assert_eq!(shown(&mut client), Value::Null);
        send(&mut client, "POST", "cluster/ha/resources", "sid=vm%3A101&state=stopped");
        assert_eq!(shown(&mut client), "stopped");
        send(&mut client, "DELETE", "cluster/ha/resources/vm:101", "");
        assert_eq!(shown(&mut client), Value::Null);
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", "vmid=130&ha-managed=1"), "OK");
        assert_eq!(read(&mut client, "cluster/ha/resources/vm:130")["state"], "stopped");
    });
}

#[test]
fn a_task_that_fails_ends_with_the_reason() {
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

/// Recorded on a real cluster with a token: Proxmox writes key by key and stops at the one that only root may set; what it had
/// written stays as pending and comes into force with the next start.
#[test]
fn keys_before_a_refused_key_stay_pending() {
    with_cluster(|mut client| {
        let guest = "nodes/pve1/qemu/110";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", "vmid=110&memory=512&onboot=1"), "OK");
        let before = read(&mut client, &format!("{guest}/config?current=1"));
        let form = "memory=1024&usb0=host%3D1234%3A5678&delete=onboot";
        let refused = send(&mut client, "PUT", &format!("{guest}/config"), form).1;
        assert_eq!(refused, "only root can set 'usb0' config for real devices\n");
        assert_eq!(read(&mut client, &format!("{guest}/config?current=1"))["memory"], before["memory"]);
        let pending = read(&mut client, &format!("{guest}/pending")).to_string();
        assert!(pending.contains(r#""pending":"1024""#) && pending.contains(r#""delete":1"#), "{pending}");
        assert!(!pending.contains("usb0"), "{pending}");
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/start"), ""), "OK");
        let keys = read(&mut client, &format!("{guest}/config?current=1"));
        assert_eq!((&keys["memory"], &keys["onboot"]), (&json!("1024"), &Value::Null));
        // What is looked at before anything is written leaves nothing.
        let refused = send(&mut client, "PUT", &format!("{guest}/config"), "memory=2048&args=-x").1;
        assert_eq!(refused, "only root can set 'args' config\n");
        assert_eq!(read(&mut client, &format!("{guest}/config"))["memory"], "1024");
    });
}

#[test]
fn a_start_fails_where_proxmox_lets_it_fail() {
    with_cluster(|mut client| {
        let mut check = |vmid: &str, form: &str, expected: &str| {
            let made = format!("vmid={vmid}&{form}");
            assert_eq!(end(&mut client, "POST", "nodes/pve1/qemu", &made), "OK", "{form}");
            let started = end(&mut client, "POST", &format!("nodes/pve1/qemu/{vmid}/status/start"), "");
            assert_eq!(started, expected, "{form}");
        };
        check("110", "cores=2", "OK");
        check("111", "cores=2&sockets=2", "MAX 2 vcpus allowed per VM on this node");
        let custom = "cicustom=user%3Dlocal%3Asnippets%2Fgone.yaml";
        check("112", custom, "OK");
        let gone = "can't open '/var/lib/vz/snippets/gone.yaml' - No such file or directory";
        check("113", &format!("{custom}&ide2=local%3Acloudinit"), gone);
        check("114", "hostpci0=mapping%3Dnic-sriov", "PCI device mapping not found for 'nic-sriov'");
        let gone = "USB Mapping invalid (hardware probably changed): usb device '0529:0001' not found";
        check("115", "usb0=mapping%3Ddongle", gone);
    });
}

#[test]
fn a_volume_of_no_size_is_refused_by_lvm() {
    with_cluster(|mut client| {
        let form = "vmid=110&filename=vm-110-disk-0&size=0";
        let refused = send(&mut client, "POST", "nodes/pve1/storage/local-lvm/content", form).1;
        let why = "error:   Unable to create new logical volume with no extents.\n";
        assert!(refused.as_str().unwrap().ends_with(why), "{refused}");
        let refused = end(&mut client, "POST", "nodes/pve1/qemu", "vmid=110&scsi0=local-lvm%3A0");
        assert!(refused.as_str().unwrap().contains("no extents"), "{refused}");
    });
}

/// A disk of a cloud image: as long as the image's disk, where that is on record.
#[test]
fn a_disk_is_imported_from_a_file() {
    with_recording("homelab", |mut client| {
        let image = "local%3Aimport%2Fdebian-13-genericcloud-amd64.qcow2";
        let single = read(&mut client, &format!("nodes/pve/storage/local/content/{image}"));
        let form = format!("vmid=150&scsi0=local-lvm%3A0%2Cimport-from%3D{image}%2Cdiscard%3Don");
        assert_eq!(end(&mut client, "POST", "nodes/pve/qemu", &form), "OK");
        let disk = read(&mut client, "nodes/pve/qemu/150/config")["scsi0"].as_str().unwrap().to_owned();
        assert!(disk.starts_with("local-lvm:vm-150-disk-0,discard=on,size="), "{disk}");
        assert_eq!(end(&mut client, "PUT", "nodes/pve/qemu/150/resize", "disk=scsi0&size=20G"), "OK");
        let disk = read(&mut client, "nodes/pve/qemu/150/config")["scsi0"].clone();
        assert_eq!(disk, "local-lvm:vm-150-disk-0,discard=on,size=20G", "{single}");
        let missing = "vmid=151&scsi0=local-lvm%3A0%2Cimport-from%3Dlocal%3Aimport%2Fgone.qcow2";
        let failed = end(&mut client, "POST", "nodes/pve/qemu", missing);
        let why = "unable to create VM 151 - failed to stat '/var/lib/vz/import/gone.qcow2'";
        assert_eq!(failed, why);
    });
}
