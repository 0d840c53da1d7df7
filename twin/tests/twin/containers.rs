//! Containers that are written to over HTTP: what Proxmox makes of a template, keeps, copies and refuses.

use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Value, json};

use crate::support::{Client, fixture, with_twin};
use crate::tasks::{end, log, read, send};

fn with_cluster(test: impl FnOnce(Client) + Send) {
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
    with_twin(recording, options, |_, client| test(client));
}

const TEMPLATE: &str = "ostemplate=local%3Avztmpl%2Fdebian-12-standard_12.7-1_amd64.tar.zst";

/// Makes container 310 with a root file system on `local-lvm`.
fn make(client: &mut Client, more: &str) {
    let form = format!("vmid=310&{TEMPLATE}&rootfs=local-lvm%3A1&{more}");
    assert_eq!(end(client, "POST", "nodes/pve1/lxc", &form), "OK");
}

#[test]
fn a_container_is_created_from_a_template() {
    with_cluster(|mut client| {
        let form = format!(
            "vmid=310&{TEMPLATE}&rootfs=volume%3Dlocal-lvm%3A1&mp0=tank%3A2%2Cmp%3D%2Fdata%2Cbackup%3D1&features=nesting%3D1\
             &net0=bridge%3Dvmbr0%2Cname%3Deth0%2Cip%3Ddhcp&pool=dev&password=geheim12&description=one&cpulimit=0.5"
        );
        let said = log(&mut client, "POST", "nodes/pve1/lxc", &form);
        assert_eq!(said[0], "  Logical volume \"vm-310-disk-0\" created.");
        assert_eq!(said[1], "Creating filesystem with 262144 4k blocks and 65536 inodes");
        assert_eq!(said.last().unwrap(), "TASK OK");
        let keys = read(&mut client, "nodes/pve1/lxc/310/config");
        let check = |key: &str, expected: Value| assert_eq!(keys[key], expected, "{key}");
        check("rootfs", json!("local-lvm:vm-310-disk-0,size=1G"));
        check("mp0", json!("tank:subvol-310-disk-0,mp=/data,backup=1,size=2G"));
        check("unprivileged", json!(1));
        check("ostype", json!("debian"));
        check("arch", json!("amd64"));
        check("hostname", json!("CT310"));
        check("memory", json!(512));
        check("swap", json!(512));
        check("cpulimit", json!("0.5"));
        check("description", json!("one\n"));
        check("password", Value::Null);
        let network = keys["net0"].as_str().unwrap();
        assert!(network.starts_with("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:"), "{network}");
        assert!(network.ends_with(",ip=dhcp,type=veth"), "{network}");
        let pool = read(&mut client, "pools/dev").to_string();
        assert!(pool.contains("lxc/310"), "{pool}");
        assert_eq!(end(&mut client, "DELETE", "nodes/pve1/lxc/310", ""), "OK");
        let content = read(&mut client, "nodes/pve1/storage/tank/content").to_string();
        assert!(!content.contains("310"), "{content}");
    });
}

#[test]
fn impossible_containers_are_refused_in_proxmoxs_words() {
    with_cluster(|mut client| {
        let mut check = |form: &str, expected: &str| {
            let (_, told) = send(&mut client, "POST", "nodes/pve1/lxc", form);
            assert!(told.to_string().contains(expected), "{form}: {told}");
        };
        let made = |rest: &str| format!("vmid=310&{TEMPLATE}&rootfs=local-lvm%3A1&{rest}");
        check(&made("vmid=100"), "vmid");
        check(&format!("vmid=200&{TEMPLATE}"), "CT 200 already exists on node 'pve1'");
        check(&format!("vmid=100&{TEMPLATE}"), "VM 100 already exists on node 'pve1'");
        check(&made("pool=nope"), "Permission check failed (pool 'nope' does not exist)");
        check(&made("ssh-public-keys=nonsense"), "SSH public key validation error");
        let features = "Permission check failed (changing feature flags (except nesting) is only allowed for root@pam)";
        check(&made("features=nesting%3D1%2Ckeyctl%3D1"), features);
        let privileged = "changing feature flags for privileged container is only allowed for root@pam";
        check(&made("unprivileged=0&features=nesting%3D1"), privileged);
        check(&made("dev0=%2Fdev%2Fkvm"), "configuring device passthrough is only allowed for root@pam");
        check(&made("hookscript=local%3Asnippets%2Fx.pl"), "changing the hookscript is only allowed for root@pam");
        check(&made("mp0=%2Fsrv%2Cmp%3D%2Fsrv"), "mount point type bind is only allowed for root@pam");
        let unset = format!("vmid=310&{TEMPLATE}&mp0=local-lvm%3A1%2Cmp%3D%2Fx");
        check(&unset, "mount points configured, but 'rootfs' not set - aborting");
        check("vmid=310&ostemplate=local%3Aiso%2Fx.iso", "content type needs to be 'vztmpl'");
        check(&format!("vmid=310&{TEMPLATE}&rootfs=ceph-vm%3A1"), "storage 'ceph-vm' is disabled");
        check(&made("restore=1"), "the twin cannot do this: restore a backup");
        let missing = "vmid=310&ostemplate=local%3Avztmpl%2Fnone.tar.zst&rootfs=local-lvm%3A1";
        let lost = "unable to create CT 310 - volume 'local:vztmpl/none.tar.zst' does not exist";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/lxc", missing), lost);
        assert_eq!(end(&mut client, "POST", "nodes/pve1/lxc", &made("")), "OK");
    });
}

/// A stopped container takes everything at once; one that runs waits with what it has to be started again for.
#[test]
fn a_change_of_a_container_is_applied_at_once_or_pending() {
    with_cluster(|mut client| {
        make(&mut client, "net0=name%3Deth0%2Cbridge%3Dvmbr0");
        let config = "nodes/pve1/lxc/310/config";
        send(&mut client, "PUT", config, "mp0=local-lvm%3A1%2Cmp%3D%2Fdata&tags=b%3Ba%3Bb");
        assert_eq!(read(&mut client, config)["mp0"], "local-lvm:vm-310-disk-1,mp=/data,size=1G");
        assert_eq!(end(&mut client, "POST", "nodes/pve1/lxc/310/status/start", ""), "OK");
        send(&mut client, "PUT", config, "memory=1024&cores=2&nameserver=10.0.0.1&console=0&delete=mp0");
        let now = read(&mut client, &format!("{config}?current=1"));
        assert_eq!((&now["memory"], &now["cores"], &now["nameserver"]), (&json!(1024), &json!(2), &Value::Null));
        assert!(now["mp0"].is_string());
        assert_eq!(end(&mut client, "POST", "nodes/pve1/lxc/310/status/reboot", ""), "OK");
        let now = read(&mut client, &format!("{config}?current=1"));
        assert_eq!((&now["nameserver"], &now["mp0"]), (&json!("10.0.0.1"), &Value::Null));
        assert_eq!(now["unused0"], "local-lvm:vm-310-disk-1");
        send(&mut client, "PUT", config, "delete=unused0");
        let content = read(&mut client, "nodes/pve1/storage/local-lvm/content").to_string();
        assert!(!content.contains("vm-310-disk-1"), "{content}");
        let mut check = |form: &str, expected: &str| {
            let (_, told) = send(&mut client, "PUT", config, form);
            assert!(told.to_string().contains(expected), "{form}: {told}");
        };
        check("delete=rootfs", "unable to delete required option 'rootfs'");
        check("unprivileged=0", "unable to modify read-only option: 'unprivileged'");
        check("", "no options specified");
        check("mp1=local%3A1%2Cmp%3D%2Fx", "storage 'local' does not allow content type 'rootdir' (Container)");
        check(&format!("memory=600&digest={}", "0".repeat(40)), "detected modified configuration");
        check("protection=1", "null");
        check("mp1=local-lvm%3A1%2Cmp%3D%2Fx", "can't update CT 310 drive 'mp1' - protection mode enabled");
    });
}

#[test]
fn volumes_are_resized_and_moved() {
    with_cluster(|mut client| {
        make(&mut client, "mp0=local-lvm%3A1%2Cmp%3D%2Fdata");
        let guest = "nodes/pve1/lxc/310";
        assert_eq!(end(&mut client, "PUT", &format!("{guest}/resize"), "disk=rootfs&size=%2B1G"), "OK");
        assert_eq!(
            end(&mut client, "POST", &format!("{guest}/move_volume"), "volume=rootfs&storage=tank&delete=1"),
            "OK"
        );
        let keys = read(&mut client, &format!("{guest}/config"));
        assert_eq!((&keys["rootfs"], &keys["unused0"]), (&json!("tank:subvol-310-disk-0,size=2G"), &Value::Null));
        let mut check = |path: &str, form: &str, expected: &str| {
            let method = if path == "resize" { "PUT" } else { "POST" };
            let (_, told) = send(&mut client, method, &format!("{guest}/{path}"), form);
            assert!(told.to_string().contains(expected), "{path} {form}: {told}");
        };
        check("resize", "disk=rootfs&size=1G", "unable to shrink disk size");
        check("resize", "disk=rootfs&size=2G", "disk is already at specified size");
        check("move_volume", "volume=rootfs", "both 'storage' and 'target-vmid' missing");
        check("move_volume", "volume=rootfs&target-vmid=202", "Cannot move to/from 'rootfs'");
        check("move_volume", "volume=mp0&target-vmid=202", "Can't move volumes from or to template CT");
        make_another(&mut client);
        assert_eq!(end(&mut client, "POST", &format!("{guest}/move_volume"), "volume=mp0&target-vmid=311"), "OK");
        assert_eq!(read(&mut client, &format!("{guest}/config"))["mp0"], Value::Null);
        assert_eq!(read(&mut client, "nodes/pve1/lxc/311/config")["mp0"], "local-lvm:vm-311-disk-1,mp=/data,size=1G");
    });
}

fn make_another(client: &mut Client) {
    let form = format!("vmid=311&{TEMPLATE}&rootfs=local-lvm%3A1");
    assert_eq!(end(client, "POST", "nodes/pve1/lxc", &form), "OK");
}

#[test]
fn a_container_is_cloned_and_turned_into_a_template() {
    with_cluster(|mut client| {
        make(&mut client, "net0=name%3Deth0%2Cbridge%3Dvmbr0&tags=x");
        let guest = "nodes/pve1/lxc/310";
        let before = read(&mut client, &format!("{guest}/config"));
        assert_eq!(end(&mut client, "POST", &format!("{guest}/clone"), "newid=311&hostname=copy&storage=tank"), "OK");
        let keys = read(&mut client, "nodes/pve1/lxc/311/config");
        assert_eq!((&keys["hostname"], &keys["tags"]), (&json!("copy"), &json!("x")));
        assert_eq!(keys["rootfs"], "tank:subvol-311-disk-0,size=1G");
        assert_ne!(keys["net0"], before["net0"]);
        let mut check = |path: &str, form: &str, expected: &str| {
            let (_, told) = send(&mut client, "POST", path, form);
            assert!(told.to_string().contains(expected), "{path} {form}: {told}");
        };
        check("nodes/pve1/lxc/310/clone", "newid=311", "CT 311 already exists on node 'pve1'");
        check("nodes/pve1/lxc/310/clone", "newid=312&full=0", "Linked clone feature for 'local-lvm:vm-310-disk-0'");
        check(
            "nodes/pve1/lxc/310/clone",
            "newid=312&target=pve2",
            "can't clone CT to node 'pve2' (CT uses local storage)",
        );
        check("nodes/pve1/lxc/310/clone", "newid=312&snapname=no", "snapshot 'no' does not exist");
        check("nodes/pve1/lxc/200/clone", "newid=312", "unable to clone mountpoint 'mp1' (type bind)");
        let failed = "clone failed: content type 'rootdir' is not available or configured on storage 'local'";
        assert_eq!(end(&mut client, "POST", "nodes/pve1/lxc/202/clone", "newid=312&full=1"), failed);
        assert_eq!(send(&mut client, "POST", &format!("{guest}/template"), "").1, Value::Null);
        let keys = read(&mut client, &format!("{guest}/config"));
        assert_eq!((&keys["template"], &keys["rootfs"]), (&json!(1), &json!("local-lvm:base-310-disk-0,size=1G")));
        assert_eq!(end(&mut client, "POST", &format!("{guest}/clone"), "newid=312"), "OK");
        assert_eq!(read(&mut client, "nodes/pve1/lxc/312/config")["rootfs"], "local-lvm:vm-312-disk-0,size=1G");
        let template = "you can't start a CT if it's a template";
        assert_eq!(end(&mut client, "POST", &format!("{guest}/status/start"), ""), template);
    });
}

#[test]
fn a_container_is_rolled_back_to_a_snapshot() {
    with_cluster(|mut client| {
        make(&mut client, "cores=1");
        let guest = "nodes/pve1/lxc/310";
        assert_eq!(end(&mut client, "POST", &format!("{guest}/snapshot"), "snapname=s1&description=first"), "OK");
        send(&mut client, "PUT", &format!("{guest}/config"), "cores=4");
        let taken = "you can't move a volume with snapshots and delete the source";
        let form = "volume=rootfs&storage=tank&delete=1";
        assert!(send(&mut client, "POST", &format!("{guest}/move_volume"), form).1.to_string().contains(taken));
        assert_eq!(end(&mut client, "POST", &format!("{guest}/snapshot/s1/rollback"), ""), "OK");
        assert_eq!(read(&mut client, &format!("{guest}/config"))["cores"], 1);
        assert_eq!(end(&mut client, "POST", &format!("{guest}/clone"), "newid=312&snapname=s1"), "OK");
        assert_eq!(end(&mut client, "DELETE", &format!("{guest}/snapshot/s1"), ""), "OK");
        assert_eq!(
            end(&mut client, "POST", "nodes/pve1/lxc/202/snapshot", "snapname=s1"),
            "you can't take a snapshot if it's a template"
        );
    });
}
