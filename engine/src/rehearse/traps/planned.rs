//! Traps that the plan shows.

use serde_json::Value;

use super::{GUESTS, TrapRule, blocks};
use crate::rehearse::guests;
use crate::toolchain::terraform::{Action, PlannedResource};

pub(super) static RULES: &[TrapRule] = &[
    TrapRule {
        id: "guest-replaced",
        what: "The guest is destroyed with all its disks, and a new, empty one is created in its place.",
        instead: "Undo the change of the attribute that forces the replacement, or back the guest up and restore its data afterwards.",
        source: "provider rules T38 to T45, C4, C6",
        find: |evidence| evidence.replaced(&GUESTS),
    },
    TrapRule {
        id: "power-cut-on-destroy",
        what: "`stop_on_destroy` cuts the power of the guest before it is destroyed.",
        instead: "Leave `stop_on_destroy` out, and shut the guest down first.",
        source: "step 05-vm-started",
        find: |evidence| {
            let on = |planned: &PlannedResource| {
                planned.destroys() && planned.before.get("stop_on_destroy") == Some(&Value::Bool(true))
            };
            let running = |planned: &&PlannedResource| {
                guests::planned(planned).is_some_and(|guest| evidence.before.running.contains(&guest))
            };
            let all = evidence.planned.iter().filter(|planned| on(planned)).filter(running);
            all.map(|planned| planned.address.clone()).collect()
        },
    },
    TrapRule {
        id: "silent-agent",
        what: "The guest's agent is enabled, but did not answer when the cluster was recorded: every plan and every apply that reads the guest waits for it, 15 minutes unless `agent.timeout` is set. The rehearsal does not wait.",
        instead: "Start the agent inside the guest, or plan with a token without VM.GuestAgent.Audit (VM.Monitor before Proxmox VE 9), which does not wait.",
        source: "seen with the provider against a real cluster; its code waits for an address",
        find: |evidence| {
            evidence.in_plan(&["vm"], |planned| {
                !planned.creates() && guests::planned(planned).is_some_and(|guest| evidence.silent.contains(&guest))
            })
        },
    },
    TrapRule {
        id: "ip-config-stays",
        what: "A removed `ip_config` is never deleted: it stays in the guest's configuration, and every plan shows the change again.",
        instead: "Delete it by hand afterwards: `qm set ID --delete ipconfigN`.",
        source: "step 04-vm-cloudinit-b",
        find: |evidence| {
            let count = |side: &Value| {
                let block = side.get("initialization").and_then(|list| list.get(0));
                block.map_or(0, |block| blocks(block, "ip_config"))
            };
            evidence.updated(&["vm"], |planned| count(&planned.after) < count(&planned.before))
        },
    },
    TrapRule {
        id: "every-disk-rewritten",
        what: "A change of one disk sends every disk of the guest again, without the options that the provider does not know (`wwn`, …).",
        instead: "Compare the drives above with their options before; set missing ones again with `qm set`.",
        source: "provider rule T43",
        find: |evidence| {
            evidence.updated(&["vm"], |planned| {
                blocks(&planned.before, "disk") > 1 && planned.before.get("disk") != planned.after.get("disk")
            })
        },
    },
    TrapRule {
        id: "firewall-rules-rewritten",
        what: "A change of one rule moves and writes every rule again: in between the rules are in another order. `icmp-type`, which the provider does not know, is not sent: Proxmox keeps it at its position, even if another rule is written there.",
        instead: "Change rules when traffic may be interrupted, and check those with `icmp-type` afterwards.",
        source: "steps 38-firewall-rules-node, 39-firewall-rules-vm; a change on a real cluster of Proxmox VE 9.2 kept it",
        find: |evidence| evidence.updated(&["firewall_rules", "cluster_firewall_security_group"], |_| true),
    },
    TrapRule {
        id: "ip-set-made-again",
        what: "A change of an IP set deletes it, entry by entry, and creates it again: in between the rules that name it match nothing, and protect nothing.",
        instead: "Change the entries in the web interface first, so that the plan has nothing to do, or apply when traffic may be interrupted.",
        source: "step 16-firewall-vm",
        find: |evidence| {
            let again = |planned: &PlannedResource| matches!(planned.action, Some(Action::Update | Action::Replace));
            evidence.in_plan(&["firewall_ipset"], again)
        },
    },
    TrapRule {
        id: "subnet-replaced",
        what: "A new gateway deletes the subnet and creates it again; if the SDN is applied in between, its DHCP and SNAT are missing for that time.",
        instead: "Apply it when the network may be interrupted.",
        source: "step 17-sdn",
        find: |evidence| evidence.replaced(&["sdn_subnet"]),
    },
    TrapRule {
        id: "storage-replaced",
        what: "The storage is deleted from the cluster's configuration and created again: backups and guests that use it fail in between, and its password must be in the code. Its contents stay.",
        instead: "Change it with `pvesm set` where Proxmox allows that, and import again.",
        source: "step 11-storage-cifs-pbs",
        find: |evidence| {
            let is_storage = |planned: &&PlannedResource| {
                super::short(&planned.resource).starts_with("storage_") && planned.action == Some(Action::Replace)
            };
            evidence.planned.iter().filter(is_storage).map(|planned| planned.address.clone()).collect()
        },
    },
    TrapRule {
        id: "acl-replaced",
        what: "A change of an ACL removes the permission and grants it again, even for `propagate` alone: in between the login has none, and if it is the one that runs the apply, it locks itself out.",
        instead: "Add the new ACL first, apply, then remove the old one.",
        source: "step 02-access-b",
        find: |evidence| evidence.replaced(&["acl"]),
    },
    TrapRule {
        id: "pool-member-replaced",
        what: "The membership is deleted and created again: permissions that are granted on the pool are missing in between.",
        instead: "Nothing, if no permissions are granted on the pool.",
        source: "step 01-pool",
        find: |evidence| evidence.replaced(&["pool_membership"]),
    },
    TrapRule {
        id: "thin-provision-stays",
        what: "`thin_provision = false` is not sent: Proxmox keeps `sparse`, and Terraform stops with \"inconsistent result\".",
        instead: "Run `pvesm set STORAGE --sparse 0`, then apply.",
        source: "step 10-storage",
        find: |evidence| {
            evidence.updated(&["storage_zfspool"], |planned| {
                let is = |side: &Value, truth: bool| side.get("thin_provision") == Some(&Value::Bool(truth));
                is(&planned.before, true) && !is(&planned.after, true)
            })
        },
    },
    TrapRule {
        id: "hosts-rewritten",
        what: "The whole hosts file is written from the code: its comments and its order are lost.",
        instead: "Keep comments in the code.",
        source: "facts of the first later change, recorded",
        find: |evidence| evidence.updated(&["hosts"], |_| true),
    },
    TrapRule {
        id: "options-taken-over",
        what: "The cluster has options already, and the code creates the resource instead of importing it: Terraform stops with \"inconsistent result\", and the next apply deletes every option that the provider knows, even those that are not in the code.",
        instead: "Import it: `import { to = … id = \"cluster\" }`.",
        source: "step 24-cluster-options",
        find: |evidence| evidence.in_plan(&["cluster_options"], PlannedResource::creates),
    },
    TrapRule {
        id: "applier-before-deletes",
        what: "The applier runs before the SDN objects are deleted: the deletions stay pending, and the nodes keep the old networks.",
        instead: "Apply the SDN by hand afterwards (Datacenter, SDN, Apply).",
        source: "step 17-sdn",
        find: |evidence| evidence.in_plan(&["sdn_applier"], PlannedResource::destroys),
    },
    TrapRule {
        id: "inline-acl-takes-all",
        what: "An `acl` block in a user or group takes over every ACL of that user or group: permissions that `proxmox_acl` creates for it are removed again.",
        instead: "Use `proxmox_acl` alone.",
        source: "step 02-access",
        find: |evidence| {
            let separate = evidence.planned.iter().any(|planned| super::short(&planned.resource) == "acl");
            let inline = |planned: &PlannedResource| planned.action.is_some() && blocks(&planned.after, "acl") > 0;
            if separate { evidence.in_plan(&["user", "group"], inline) } else { Vec::new() }
        },
    },
    TrapRule {
        id: "guest-elsewhere",
        what: "The code names another node than the one where the guest is. Without `migrate = true` it is replaced; for a container, a second one with its VMID would be created, which Proxmox refuses.",
        instead: "Import again, so that the code names the node of the guest; `migrate = true` moves a virtual machine.",
        source: "provider rules T44, T45, C21",
        find: |evidence| {
            evidence.in_plan(&GUESTS, |planned| {
                planned.action == Some(Action::Replace) && planned.replacing.iter().any(|path| path == "node_name")
            })
        },
    },
];
