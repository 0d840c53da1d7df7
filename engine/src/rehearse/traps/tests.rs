//! Tests of traps: each is found by its plan, its calls or its error, and explained in docs/rehearse.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Value, json};

use super::*;
use crate::operation::event::Severity;
use crate::toolchain::terraform::{self, AttributeDifference};

/// A planned resource: type, actions, before, after, and the attributes that force a replacement. Its address is `TYPE.x`.
type PlannedCase<'a> = (&'a str, &'a [&'a str], Value, Value, &'a [&'a str]);
/// A write: call, parameters, status and refusal.
type WriteCase<'a> = (&'a str, Value, u16, Option<&'a str>);

/// A rehearsal in short, and the expected traps.
#[derive(Default)]
struct Case<'a> {
    planned: &'a [PlannedCase<'a>],
    writes: &'a [WriteCase<'a>],
    /// An error, at the first address.
    error: Option<&'a str>,
    /// The guests whose agent is silent.
    silent: &'a [&'a str],
    /// An attribute that a second plan would change.
    again: Option<&'a str>,
    expected: &'a [&'a str],
}

impl Case<'_> {
    fn check(&self) {
        let changes: Vec<Value> = self
            .planned
            .iter()
            .map(|(resource, actions, before, after, replacing)| {
                let paths: Vec<[&str; 1]> = replacing.iter().map(|path| [*path]).collect();
                json!({"address": format!("{resource}.x"), "type": resource, "mode": "managed",
                   "change": {"actions": actions, "before": before, "after": after, "replace_paths": paths}})
            })
            .collect();
        let planned = terraform::planned(&json!({"resource_changes": changes}).to_string()).unwrap();
        let writes: Vec<LoggedWrite> = self
            .writes
            .iter()
            .map(|(call, parameters, status, refusal)| {
                let (verb, path) = call.split_once(' ').unwrap();
                LoggedWrite {
                    at: Duration::ZERO,
                    verb: Verb::parse(verb).unwrap(),
                    path: ApiPath::parse(path),
                    parameters: parameters.as_object().unwrap().clone(),
                    status: *status,
                    refusal: refusal.map(str::to_owned),
                    task: None,
                }
            })
            .collect();
        let address = planned.first().map(|planned| planned.address.clone());
        let error = self.error.map(|summary| Diagnostic {
            severity: Severity::Error,
            summary: summary.to_owned(),
            detail: String::new(),
            address: address.clone(),
        });
        let again = self.again.map(|path| Difference {
            address: address.clone().unwrap_or_default(),
            action: Action::Update,
            attributes: vec![AttributeDifference {
                path: path.to_owned(),
                before: json!(0),
                after: json!(1),
                replaces: false,
            }],
        });
        let guest = json!({"type": "qemu", "vmid": 100, "node": "n", "name": "web", "status": "running"});
        let answers = BTreeMap::from([
            (ApiPath::parse("cluster/resources"), Answer::ok(json!([guest]))),
            (ApiPath::parse("nodes"), Answer::ok(json!([{"node": "n", "status": "online"}]))),
            (ApiPath::parse("nodes/n/qemu/100/config"), Answer::ok(json!({"name": "web", "usb2": "mapping=key"}))),
        ]);
        let snapshot = Snapshot::read(&answers).unwrap();
        let traps = find(&Evidence {
            planned: &planned,
            writes: &writes,
            before: &snapshot,
            after: &snapshot,
            objects: &[],
            again: again.as_slice(),
            errors: error.as_slice(),
            addresses: &BTreeMap::new(),
            silent: &self.silent.iter().map(|vmid| Identity::new("qemu", vmid)).collect(),
        });
        let ids: Vec<&str> = traps.iter().map(|trap| &*trap.id).collect();
        assert_eq!(ids, self.expected, "{:?} {:?} {:?}", self.planned, self.writes, self.error);
    }
}

const UPDATE: &[&str] = &["update"];
const REPLACE: &[&str] = &["delete", "create"];
const DELETE: &[&str] = &["delete"];
const CREATE: &[&str] = &["create"];
const VM: &str = "proxmox_virtual_environment_vm";

#[test]
fn a_plan_shows_traps() {
    let check =
        |resource: &str, actions: &[&str], before: Value, after: Value, replacing: &[&str], expected: &[&str]| {
            Case { planned: &[(resource, actions, before, after, replacing)], expected, ..Case::default() }.check();
        };
    let none = || Value::Null;
    let disks = |sizes: &[u8]| json!({"disk": sizes.iter().map(|size| json!({"size": size})).collect::<Vec<_>>()});
    let addresses = |count: usize| json!({"initialization": [{"ip_config": vec![json!({}); count]}]});
    check(VM, UPDATE, json!({"name": "a"}), json!({"name": "b"}), &[], &[]);
    check(VM, REPLACE, json!({"vm_id": 1}), json!({"vm_id": 2}), &["vm_id"], &["guest-replaced"]);
    check(
        VM,
        REPLACE,
        json!({"node_name": "a"}),
        json!({"node_name": "b"}),
        &["node_name"],
        &["guest-replaced", "guest-elsewhere"],
    );
    check(VM, UPDATE, disks(&[1, 2]), disks(&[1, 3]), &[], &["every-disk-rewritten"]);
    check(VM, UPDATE, disks(&[1]), disks(&[2]), &[], &[]);
    check(VM, UPDATE, addresses(2), addresses(1), &[], &["ip-config-stays"]);
    check(VM, UPDATE, addresses(1), addresses(2), &[], &[]);
    check(VM, DELETE, json!({"vm_id": 100, "stop_on_destroy": true}), none(), &[], &["power-cut-on-destroy"]);
    check(VM, DELETE, json!({"vm_id": 101, "stop_on_destroy": true}), none(), &[], &[]);
    check(
        "proxmox_virtual_environment_firewall_rules",
        UPDATE,
        json!({}),
        json!({}),
        &[],
        &["firewall-rules-rewritten"],
    );
    check("proxmox_virtual_environment_firewall_ipset", REPLACE, json!({}), json!({}), &[], &["ip-set-made-again"]);
    check("proxmox_sdn_subnet", REPLACE, json!({}), json!({}), &["gateway"], &["subnet-replaced"]);
    check("proxmox_storage_pbs", REPLACE, json!({}), json!({}), &["namespace"], &["storage-replaced"]);
    check("proxmox_acl", REPLACE, json!({}), json!({}), &["propagate"], &["acl-replaced"]);
    check("proxmox_pool_membership", REPLACE, json!({}), json!({}), &["storage_id"], &["pool-member-replaced"]);
    let thin = |on: bool| json!({"thin_provision": on});
    check("proxmox_storage_zfspool", UPDATE, thin(true), thin(false), &[], &["thin-provision-stays"]);
    check("proxmox_virtual_environment_hosts", UPDATE, json!({}), json!({}), &[], &["hosts-rewritten"]);
    check("proxmox_cluster_options", CREATE, none(), json!({}), &[], &["options-taken-over"]);
    check("proxmox_sdn_applier", DELETE, json!({}), none(), &[], &["applier-before-deletes"]);
    let inline = ("proxmox_virtual_environment_group", UPDATE, json!({}), json!({"acl": [{}]}), &[] as &[&str]);
    let separate = ("proxmox_acl", CREATE, Value::Null, json!({}), &[] as &[&str]);
    Case { planned: &[inline, separate], expected: &["inline-acl-takes-all"], ..Case::default() }.check();
}

#[test]
fn calls_and_errors_show_traps() {
    let call = |call: &str, parameters: Value, status: u16, refusal: Option<&str>, expected: &[&str]| {
        Case { writes: &[(call, parameters, status, refusal)], expected, ..Case::default() }.check();
    };
    call("POST nodes/n/qemu/100/status/stop", json!({}), 200, None, &["power-cut"]);
    call("POST nodes/n/qemu/101/status/stop", json!({}), 200, None, &[]);
    call("DELETE nodes/n/qemu/100", json!({"purge": "1"}), 200, None, &["purged"]);
    call(
        "DELETE nodes/n/qemu/100",
        json!({}),
        500,
        Some("can't remove VM 100 - protection mode enabled"),
        &["protection-mode"],
    );
    call("PUT nodes/n/qemu/100/config", json!({"usb0": "mapping=key"}), 200, None, &["numbered-anew"]);
    call("PUT nodes/n/qemu/100/config", json!({"usb2": "mapping=other"}), 200, None, &[]);
    call("PUT nodes/n/qemu/100/config", json!({"usb3": "mapping=other"}), 200, None, &[]);
    call(
        "PUT access/password",
        json!({"userid": "a@pve"}),
        403,
        Some("Permission check failed"),
        &["password-by-token"],
    );
    call("POST nodes/n/qemu", json!({"vmid": "7"}), 500, Some("only root can set 'args' config"), &["root-only"]);
    call("DELETE pools", json!({"poolid": "p"}), 500, Some("pool 'p' is not empty"), &["pool-not-empty"]);
    call("POST cluster/sdn/zones", json!({}), 200, None, &["sdn-not-applied"]);
    call("PUT cluster/sdn", json!({}), 200, None, &[]);
    let new = (VM, CREATE, Value::Null, json!({"vm_id": 100}), &[] as &[&str]);
    let taken = "unable to create VM 100 - VM 100 already exists on node 'n'";
    let post = ("POST nodes/n/qemu", json!({"vmid": "100"}), 500, Some(taken));
    Case { planned: &[new], writes: &[post], expected: &["vmid-taken"], ..Case::default() }.check();
    let error = |resource: &str, actions: &[&str], text: &str, expected: &[&str]| {
        let planned = (resource, actions, json!({}), json!({}), &[] as &[&str]);
        Case { planned: &[planned], error: Some(text), expected, ..Case::default() }.check();
    };
    error("proxmox_x", UPDATE, "Provider produced inconsistent result after apply", &["inconsistent-result"]);
    error("proxmox_virtual_environment_firewall_rules", CREATE, "Existing rules detected. Aborting", &["rules-exist"]);
    error("proxmox_virtual_environment_container", DELETE, "Reason: context deadline exceeded", &["no-time-limit"]);
    error("proxmox_virtual_environment_file", CREATE, "via SOCKS5 proxy 127.0.0.1:9", &["over-ssh"]);
    error("proxmox_virtual_environment_vm", UPDATE, "SSH public key validation error", &[]);
    let guest = (VM, UPDATE, json!({"vm_id": 100}), json!({"vm_id": 100}), &[] as &[&str]);
    Case { planned: std::slice::from_ref(&guest), silent: &["100"], expected: &["silent-agent"], ..Case::default() }
        .check();
    Case { planned: &[guest], silent: &["101"], ..Case::default() }.check();
    let root = "only root can set 'usb0' config for real devices";
    let both = &["root-only", "refused-in-part"];
    call("PUT nodes/n/qemu/100/config", json!({"usb0": "host=1:2", "memory": "1"}), 500, Some(root), both);
    call("PUT nodes/n/qemu/100/config", json!({"usb0": "host=1:2"}), 500, Some(root), &["root-only"]);
    let args = Some("only root can set 'args' config");
    call("PUT nodes/n/qemu/100/config", json!({"args": "-x", "memory": "1"}), 500, args, &["root-only"]);
    let windows = (VM, UPDATE, json!({}), json!({}), &[] as &[&str]);
    Case { planned: &[windows], again: Some("machine"), expected: &["machine-pinned"], ..Case::default() }.check();
}

#[test]
fn each_trap_has_a_name_of_its_own_and_is_explained() {
    let page = include_str!("../../../../docs/rehearse.md");
    let rows: Vec<&TrapRule> = written::RULES.iter().chain(planned::RULES).collect();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
    assert_eq!(names.len(), rows.len());
    for row in rows {
        assert!(page.contains(&format!("`{}`", row.id)), "`{}` is not in docs/rehearse.md", row.id);
        assert!(row.what.ends_with('.') && row.instead.ends_with('.') && !row.source.is_empty(), "{}", row.id);
    }
}
