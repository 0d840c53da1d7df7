//! Traps that calls to the twin, changes of the twin, or errors show.

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Identity, kinds};
use proxmox_mpc_twin::call::Cause;
use proxmox_mpc_twin::server::LoggedWrite;
use serde_json::Value;

use super::{Evidence, GUESTS, TrapRule};
use crate::rehearse::guests::{self, GuestAction, event, subject};
use crate::rehearse::objects::ChangeKind;
use crate::toolchain::terraform::Action;
use crate::workbench::NO_SSH;

pub(super) static RULES: &[TrapRule] = &[
    TrapRule {
        id: "vmid-taken",
        what: "The VMID is taken. The provider mistakes the refusal of its second attempt for the success of its first: the existing guest is in the state now, nothing of the code was written to it, the next apply changes it, and a destroy DELETES it.",
        instead: "Choose a free `vm_id`, or import the guest. If it has happened already, remove the guest from the state: `terraform state rm ADDRESS`.",
        source: "steps 90-refused, 91-vm-id-taken",
        find: |evidence| {
            let taken: BTreeSet<Identity> = refused(evidence, |write| write.verb == Verb::Post, Cause::Exists);
            let is_taken =
                |planned: &super::PlannedResource| guests::planned(planned).is_some_and(|guest| taken.contains(&guest));
            evidence.in_plan(&GUESTS, |planned| planned.creates() && is_taken(planned))
        },
    },
    TrapRule {
        id: "adopted",
        what: "Terraform reports this as created, but it existed before: the provider takes it over, and a destroy deletes it with the rest.",
        instead: "Import it, or choose another name.",
        source: "step 90-refused",
        find: |evidence| {
            let created = |address: &String| {
                let planned = evidence.planned.iter().find(|planned| planned.address == *address);
                planned.is_some_and(|planned| planned.action == Some(Action::Create))
            };
            let guests = |identity: &Identity| matches!(identity.prefix(), "qemu" | "lxc");
            let all =
                evidence.addresses.iter().filter(|(identity, _)| evidence.before.has(identity) && !guests(identity));
            all.filter(|(_, address)| created(address)).map(|(_, address)| address.clone()).collect()
        },
    },
    TrapRule {
        id: "still-there",
        what: "Terraform reports this as destroyed, but it is unchanged: the provider sends nothing for it.",
        instead: "Reset it by hand if it matters.",
        source: "steps 16-firewall-vm, 20-node, 26-apt",
        find: |evidence| {
            let gone = evidence.planned.iter().filter(|planned| planned.action == Some(Action::Destroy));
            let gone: BTreeSet<&String> = gone.map(|planned| &planned.address).collect();
            let failed = |address: &String| {
                evidence.errors.iter().any(|error| error.address.as_ref().is_none_or(|failed| failed == address))
            };
            let there = evidence.addresses.iter().filter(|(identity, _)| evidence.after.has(identity));
            there
                .map(|(_, address)| address)
                .filter(|address| gone.contains(address) && !failed(address))
                .cloned()
                .collect()
        },
    },
    TrapRule {
        id: "options-deleted",
        what: "Options of the datacenter that are not in the code are deleted: the provider deletes every one that it knows and that Proxmox shows.",
        instead: "Write every option into the code, or remove the resource from the state instead of destroying it.",
        source: "step 24-cluster-options",
        find: |evidence| {
            let deleted = |write: &LoggedWrite| {
                write.path.as_str() == "cluster/options" && write.succeeded() && write.parameters.contains_key("delete")
            };
            if !evidence.writes.iter().any(deleted) {
                return Vec::new();
            }
            let options = evidence.objects.iter().filter(|object| object.kind == "cluster_options");
            options
                .flat_map(|object| &object.keys)
                .filter(|key| key.after.is_none())
                .map(|key| key.key.clone())
                .collect()
        },
    },
    TrapRule {
        id: "inconsistent-result",
        what: "Terraform stops with \"inconsistent result\" and marks the resource as tainted: it was written, and the next apply destroys it first.",
        instead: "Write into the code what Proxmox shows (a description ends with a line end), or run `terraform untaint`.",
        source: "steps 10-storage, 24-cluster-options-b",
        find: |evidence| evidence.errors(&["inconsistent result"]),
    },
    TrapRule {
        id: "rules-exist",
        what: "There are firewall rules already, so that the provider creates none: nothing was changed.",
        instead: "Import the rules.",
        source: "step 15-firewall-cluster",
        find: |evidence| evidence.errors(&["Existing rules detected"]),
    },
    TrapRule {
        id: "power-cut",
        what: "The guest is running and its agent is disabled: the provider cuts its power (`status/stop`) instead of shutting it down.",
        instead: "Enable the guest agent, or shut the guest down before the apply.",
        source: "steps 32-vm-shutdown, 37-vm-reboot",
        find: |evidence| {
            let stopped = evidence.writes.iter().filter(|write| write.succeeded()).filter_map(event);
            let stopped = stopped
                .filter(|(identity, what, _)| *what == GuestAction::Stop && evidence.before.running.contains(identity));
            stopped.map(|(identity, ..)| evidence.label(&identity)).collect()
        },
    },
    TrapRule {
        id: "protection-mode",
        what: "The guest has `protection` set in Proxmox, which refuses to destroy it. If it was running, the provider has stopped it before, and it stays down.",
        instead: "Apply `protection = false` first, or leave the guest in the code.",
        source: "qemu-server and pve-container, and rehearsals with the provider",
        find: |evidence| {
            refused(evidence, |write| write.verb == Verb::Delete, Cause::Protected)
                .iter()
                .map(|guest| evidence.label(guest))
                .collect()
        },
    },
    TrapRule {
        id: "purged",
        what: "The guest is purged: it is removed from backup jobs, replication and HA, and unreferenced volumes with its VMID are deleted too.",
        instead: "Before the apply, detach the volumes that you want to keep, and give them another VMID.",
        source: "every destroy of a guest, recorded",
        find: |evidence| {
            let purges = |write: &LoggedWrite| {
                ["purge", "destroy-unreferenced-disks"]
                    .iter()
                    .any(|name| write.parameters.get(*name).and_then(text).as_deref() == Some("1"))
            };
            let destroyed = evidence.writes.iter().filter(|write| write.succeeded() && purges(write)).filter_map(event);
            let destroyed =
                destroyed.filter(|(identity, what, _)| *what == GuestAction::Destroy && evidence.before.has(identity));
            destroyed.map(|(identity, ..)| evidence.label(&identity)).collect()
        },
    },
    TrapRule {
        id: "disk-unused",
        what: "A disk that is removed from the code is detached and stays on its storage as `unusedN`, which Terraform never sees again.",
        instead: "Delete it by hand if its data is not needed: `qm disk unlink ID --idlist unusedN --force`.",
        source: "step 03-vm-lvm",
        find: |evidence| {
            let unused = |object: &&crate::rehearse::objects::ObjectChange| {
                object.change == ChangeKind::Changed
                    && object.keys.iter().any(|key| key.key.starts_with("unused") && key.before.is_none())
            };
            evidence.objects.iter().filter(unused).map(|object| evidence.label(&object.identity)).collect()
        },
    },
    TrapRule {
        id: "numbered-anew",
        what: "Devices or mount points are written under other numbers than they have: the provider counts from 0, and ignores gaps in the numbers. A container then has them twice, and those of a virtual machine move.",
        instead: "Rename the keys in the guest's file on its node first, while it is stopped, and import again; or leave `ignore_changes` as the import wrote it.",
        source: "provider rules T35, C22",
        find: |evidence| {
            let is_anew = |write: &&LoggedWrite| {
                let Some(guest) = subject(write).filter(|_| write.succeeded() && write.verb != Verb::Delete) else {
                    return false;
                };
                write.parameters.keys().any(|key| fills_gap(key, evidence.before.keys(&guest)))
            };
            evidence.writes.iter().filter(is_anew).filter_map(subject).map(|guest| evidence.label(&guest)).collect()
        },
    },
    TrapRule {
        id: "left-behind",
        what: "A guest was created and the next step failed: it stays on the cluster but is not in the state, and the next apply is refused because its VMID is taken.",
        instead: "Fix the cause, then remove the guest that was left behind, or import it.",
        source: "step 34-vm-clone-node",
        find: |evidence| {
            let failed = !evidence.errors.is_empty();
            let orphan = |object: &&crate::rehearse::objects::ObjectChange| {
                object.change == ChangeKind::Created
                    && matches!(&*object.kind, "vm" | "container")
                    && !evidence.addresses.contains_key(&object.identity)
            };
            let orphans = evidence.objects.iter().filter(orphan);
            if failed { orphans.map(|object| object.identity.to_string()).collect() } else { Vec::new() }
        },
    },
    TrapRule {
        id: "password-by-token",
        what: "A password cannot be changed with an API token (403). Other changes of the user are written already.",
        instead: "Change it with a login (`PROXMOX_VE_USERNAME` and `PROXMOX_VE_PASSWORD`), or with `pveum passwd`.",
        source: "step 02-access",
        find: |evidence| {
            let is = |write: &&LoggedWrite| write.path.as_str() == "access/password" && write.status == 403;
            let refused = evidence.writes.iter().filter(is);
            refused
                .filter_map(|write| write.parameters.get("userid").and_then(text))
                .map(|user| format!("user/{user}"))
                .collect()
        },
    },
    TrapRule {
        id: "root-only",
        what: "Only `root@pam` with a password may set this (`args`, `affinity`, `hookscript`, devices by address): a token never can.",
        instead: "Leave it out of the code and set it with `qm set`, use a resource mapping for devices, or log in with a password.",
        source: "steps 33-vm-devices, 35-vm-root-only",
        find: |evidence| {
            let refused = evidence.writes.iter().filter(|write| write.failed_for(Cause::RootOnly));
            refused
                .map(|write| subject(write).map_or_else(|| write.path.to_string(), |guest| evidence.label(&guest)))
                .collect()
        },
    },
    TrapRule {
        id: "refused-in-part",
        what: "Proxmox writes the keys of a change one by one, in any order, and stops at the one that it refuses: keys that were written before stay pending, and apply with the guest's next start. The rehearsal shows the most that can stay.",
        instead: "After such a refusal, look at the pending changes (`qm pending ID`), and revert those that you do not want: `qm set ID --revert KEY`.",
        source: "a change with a token on a real cluster of Proxmox VE 9.2",
        find: |evidence| {
            // Proxmox checks these while it writes the keys; other refusals come before it has written anything.
            let while_writing =
                |write: &LoggedWrite| write.failed_for(Cause::RootOnlyDevice) || write.failed_for(Cause::BootOrder);
            let is_setting = |key: &&String| !["delete", "digest", "node", "vmid"].contains(&key.as_str());
            let has_several_keys = |write: &LoggedWrite| {
                let deleted = write.parameters.get("delete").and_then(text).unwrap_or_default();
                let deleted = proxmox_mpc_model::list::items(&deleted).count();
                write.parameters.keys().filter(is_setting).count() + deleted > 1
            };
            let refused = evidence.writes.iter().filter(|write| {
                write.verb == Verb::Put
                    && write.path.as_str().ends_with("/config")
                    && while_writing(write)
                    && has_several_keys(write)
            });
            let refused = refused.filter_map(subject).filter(|guest| guest.prefix() == "qemu");
            refused.map(|guest| evidence.label(&guest)).collect()
        },
    },
    TrapRule {
        id: "pool-not-empty",
        what: "Proxmox destroys only empty pools, and the provider does not remove members that it did not add.",
        instead: "Remove the members first.",
        source: "step 92-pool-not-empty",
        find: |evidence| {
            let refused = |write: &&LoggedWrite| {
                write.verb == Verb::Delete
                    && write.path.as_str().starts_with("pools")
                    && write.failed_for(Cause::NotEmpty)
            };
            let pools = evidence.writes.iter().filter(refused);
            pools
                .filter_map(|write| write.parameters.get("poolid").and_then(text))
                .map(|pool| format!("pool/{pool}"))
                .collect()
        },
    },
    TrapRule {
        id: "sdn-not-applied",
        what: "The SDN was changed after it was applied for the last time: the changes stay pending, and no node has them.",
        instead: "Let `proxmox_sdn_applier` depend on every SDN object, or apply the SDN by hand.",
        source: "steps 17-sdn, 31-sdn-fabric",
        find: |evidence| {
            let writes = evidence.writes.iter().filter(|write| write.succeeded());
            let sdn: Vec<&str> =
                writes.map(|write| write.path.as_str()).filter(|path| path.starts_with("cluster/sdn")).collect();
            let last = sdn.last().filter(|path| **path != "cluster/sdn");
            last.map(|path| (*path).to_owned()).into_iter().collect()
        },
    },
    TrapRule {
        id: "others-pending",
        what: "The SDN had pending changes that do not come from this code: applying the SDN applies them as well.",
        instead: "Before the apply, look at the pending changes (Datacenter, SDN), and apply or undo them.",
        source: "PUT cluster/sdn applies everything that is pending; seen in rehearsals",
        find: |evidence| {
            let applies = |write: &LoggedWrite| write.path.as_str() == "cluster/sdn" && write.succeeded();
            if !evidence.writes.iter().any(applies) {
                return Vec::new();
            }
            let foreign = evidence.objects.iter().filter(|object| {
                object.identity.prefix().starts_with("sdn-") && !evidence.addresses.contains_key(&object.identity)
            });
            foreign.map(|object| object.identity.to_string()).collect()
        },
    },
    TrapRule {
        id: "over-ssh",
        what: "The provider does this over SSH on a node. A twin has no nodes, and a rehearsal allows no SSH, so that it is unknown what happens on the cluster.",
        instead: "Use `import_from` and `proxmox_virtual_environment_download_file`, which need no SSH, or try it on a test cluster.",
        source: "step 41-vm-import-disk",
        find: |evidence| evidence.errors(&[NO_SSH]),
    },
    TrapRule {
        id: "no-time-limit",
        what: "An import does not read the time limits of a container, so that its state has none, and the provider gives its shutdown and its destroy no time at all: they fail at once.",
        instead: "Remove the five `timeout_` names from `ignore_changes` and apply that alone first; the state then has the limits.",
        source: "provider rule C1, and rehearsals with the provider",
        find: |evidence| {
            let ends = |planned: &super::PlannedResource| {
                planned.destroys() && planned.before.get("timeout_delete").is_none_or(Value::is_null)
            };
            let errors = evidence.errors(&["context deadline exceeded"]);
            if errors.is_empty() { errors } else { evidence.in_plan(&["container"], ends) }
        },
    },
    TrapRule {
        id: "machine-pinned",
        what: "For Windows, Proxmox pins `machine` to its current version. The provider tries to remove that and cannot, and shows the change in every plan.",
        instead: "Write `machine` as Proxmox shows it, or add it to `ignore_changes`.",
        source: "step 33-vm-devices-b",
        find: |evidence| {
            let machine = |difference: &&crate::toolchain::terraform::Difference| {
                difference.attributes.iter().any(|attribute| attribute.path == "machine")
            };
            evidence.again.iter().filter(machine).map(|difference| difference.address.clone()).collect()
        },
    },
];

/// Reports whether the key is new and has a lower number than an existing one of its family: `mp0` where there is `mp2`.
fn fills_gap<'k>(key: &str, mut known: impl Iterator<Item = &'k str>) -> bool {
    let numbered = |key: &str| {
        ["dev", "mp", "net", "usb", "virtiofs"].into_iter().find_map(|stem| Some((stem, kinds::index(stem, key)?)))
    };
    let Some((stem, number)) = numbered(key) else { return false };
    let mut later = false;
    let is_known = known.any(|existing| {
        later |= kinds::index(stem, existing).is_some_and(|other| other > number);
        existing == key
    });
    later && !is_known
}

/// The guests of calls that fit and were refused for this cause.
fn refused(evidence: &Evidence<'_>, fits: impl Fn(&LoggedWrite) -> bool, cause: Cause) -> BTreeSet<Identity> {
    let is_refused = |write: &&LoggedWrite| write.failed_for(cause) && fits(write);
    evidence.writes.iter().filter(is_refused).filter_map(event).map(|(identity, ..)| identity).collect()
}
