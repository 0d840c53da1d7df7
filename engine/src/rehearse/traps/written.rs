//! Traps that show in what came in at the twin, in what became of the cluster, and in what went wrong.

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Identity, kinds};
use proxmox_mpc_twin::call::Cause;
use proxmox_mpc_twin::server::LoggedWrite;
use serde_json::Value;

use super::{Evidence, GUESTS, Row};
use crate::rehearse::guests::{self, What, event, subject};
use crate::rehearse::objects::Change;
use crate::toolchain::terraform::Action;
use crate::workbench::NO_SSH;

pub(super) static ROWS: &[Row] = &[
    Row {
        id: "vmid-taken",
        what: "The VMID is taken. The provider takes the refusal of its second try for the success of its first: the foreign guest is in the state now, nothing of the code was written to it, the next apply changes it, and a destroy DELETES it.",
        instead: "Choose a free `vm_id`, or import the guest. Take it out of the state if it happened already: `terraform state rm ADDRESS`.",
        source: "steps 90-refused, 91-vm-id-taken",
        find: |evidence| {
            let taken: BTreeSet<Identity> = refused(evidence, |write| write.verb == Verb::Post, Cause::Exists);
            let is_taken =
                |planned: &super::Planned| guests::planned(planned).is_some_and(|guest| taken.contains(&guest));
            evidence.meant(&GUESTS, |planned| planned.creates() && is_taken(planned))
        },
    },
    Row {
        id: "adopted",
        what: "Terraform says that it made this, and it was there before: the provider takes what exists for its own, and destroys it with the rest.",
        instead: "Import it, or give yours another name.",
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
    Row {
        id: "still-there",
        what: "Terraform says that it destroyed this, and it is as it was: the provider sends nothing for it.",
        instead: "Set it back by hand where it matters.",
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
    Row {
        id: "options-deleted",
        what: "Options of the datacenter are deleted that the code does not have: the provider deletes every one that it knows and that Proxmox shows.",
        instead: "Write every option into the code, or take the resource out of the state instead of destroying it.",
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
    Row {
        id: "inconsistent-result",
        what: "Terraform stops with \"inconsistent result\" and marks the resource as tainted: it was written, and the next apply destroys it first.",
        instead: "Write into the code what Proxmox shows (a description ends with a line end), or run `terraform untaint`.",
        source: "steps 10-storage, 24-cluster-options-b",
        find: |evidence| evidence.errors(&["inconsistent result"]),
    },
    Row {
        id: "rules-exist",
        what: "There are firewall rules already, and the provider makes none then: nothing was changed.",
        instead: "Import the rules.",
        source: "step 15-firewall-cluster",
        find: |evidence| evidence.errors(&["Existing rules detected"]),
    },
    Row {
        id: "power-cut",
        what: "The guest runs and its agent is off: the provider cuts its power (`status/stop`), it does not shut it down.",
        instead: "Enable the guest agent, or shut the guest down before the apply.",
        source: "steps 32-vm-shutdown, 37-vm-reboot",
        find: |evidence| {
            let stopped = evidence.writes.iter().filter(|write| write.succeeded()).filter_map(event);
            let stopped =
                stopped.filter(|(identity, what, _)| *what == What::Stop && evidence.before.running.contains(identity));
            stopped.map(|(identity, ..)| evidence.told(&identity)).collect()
        },
    },
    Row {
        id: "protection-mode",
        what: "The guest has `protection` set in Proxmox, which refuses to destroy it; if it ran, the provider has taken it down before, and it stays down.",
        instead: "Apply `protection = false` first, or leave the guest in the code.",
        source: "qemu-server and pve-container, and rehearsals with the provider",
        find: |evidence| {
            refused(evidence, |write| write.verb == Verb::Delete, Cause::Protected)
                .iter()
                .map(|guest| evidence.told(guest))
                .collect()
        },
    },
    Row {
        id: "purged",
        what: "The guest is purged: it leaves backup jobs, replication and HA as well, and volumes that only carry its number are deleted too.",
        instead: "Detach what is to be kept, and give it another number, before the apply.",
        source: "every destroy of a guest, recorded",
        find: |evidence| {
            let purges = |write: &LoggedWrite| {
                ["purge", "destroy-unreferenced-disks"]
                    .iter()
                    .any(|name| write.parameters.get(*name).and_then(text).as_deref() == Some("1"))
            };
            let destroyed = evidence.writes.iter().filter(|write| write.succeeded() && purges(write)).filter_map(event);
            let destroyed =
                destroyed.filter(|(identity, what, _)| *what == What::Destroy && evidence.before.has(identity));
            destroyed.map(|(identity, ..)| evidence.told(&identity)).collect()
        },
    },
    Row {
        id: "disk-unused",
        what: "A disk that is taken out of the code is detached and stays on its storage as `unusedN`, which Terraform never sees again.",
        instead: "Delete it by hand where its data is not needed: `qm disk unlink ID --idlist unusedN --force`.",
        source: "step 03-vm-lvm",
        find: |evidence| {
            let unused = |object: &&crate::rehearse::objects::ObjectChange| {
                object.change == Change::Changed
                    && object.keys.iter().any(|key| key.key.starts_with("unused") && key.before.is_none())
            };
            evidence.objects.iter().filter(unused).map(|object| evidence.told(&object.identity)).collect()
        },
    },
    Row {
        id: "numbered-anew",
        what: "Devices or mount points are written under other numbers than they have: the provider counts from 0, whatever number is missing before them. A container then has them twice, and those of a virtual machine move.",
        instead: "Rename the keys in the guest's file on its node first, while it is stopped, and import again; or leave `ignore_changes` as the import wrote it.",
        source: "provider rules T35, C22",
        find: |evidence| {
            let is_anew = |write: &&LoggedWrite| {
                let Some(guest) = subject(write).filter(|_| write.succeeded() && write.verb != Verb::Delete) else {
                    return false;
                };
                write.parameters.keys().any(|key| fills_gap(key, evidence.before.keys(&guest)))
            };
            evidence.writes.iter().filter(is_anew).filter_map(subject).map(|guest| evidence.told(&guest)).collect()
        },
    },
    Row {
        id: "left-behind",
        what: "A guest was made and the next step failed: it stays on the cluster and is not in the state, and the next apply is refused because its number is taken.",
        instead: "Mend the cause, then remove what was left behind, or import it.",
        source: "step 34-vm-clone-node",
        find: |evidence| {
            let failed = !evidence.errors.is_empty();
            let orphan = |object: &&crate::rehearse::objects::ObjectChange| {
                object.change == Change::Created
                    && matches!(&*object.kind, "vm" | "container")
                    && !evidence.addresses.contains_key(&object.identity)
            };
            let orphans = evidence.objects.iter().filter(orphan);
            if failed { orphans.map(|object| object.identity.to_string()).collect() } else { Vec::new() }
        },
    },
    Row {
        id: "password-by-token",
        what: "A password cannot be changed with an API token (403); what else changed of the user is written already.",
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
    Row {
        id: "root-only",
        what: "Only `root@pam` with a password may set this (`args`, `affinity`, `hookscript`, devices by address): a token never can.",
        instead: "Leave it out of the code and set it with `qm set`, use a resource mapping for devices, or log in with a password.",
        source: "steps 33-vm-devices, 35-vm-root-only",
        find: |evidence| {
            let refused = evidence.writes.iter().filter(|write| write.failed_for(Cause::RootOnly));
            refused
                .map(|write| subject(write).map_or_else(|| write.path.to_string(), |guest| evidence.told(&guest)))
                .collect()
        },
    },
    Row {
        id: "refused-in-part",
        what: "Proxmox writes the keys of a change one by one, in any order, and stops at the one that it refuses: what it had written before stays as pending, and comes into force with the guest's next start. The rehearsal shows the most that can stay.",
        instead: "After such a refusal look at what is pending (`qm pending ID`), and revert what is not wanted: `qm set ID --revert KEY`.",
        source: "a change with a token on a real cluster of Proxmox VE 9.2",
        find: |evidence| {
            // What Proxmox looks at while it writes; other refusals come before it has written anything.
            let while_writing =
                |write: &LoggedWrite| write.failed_for(Cause::RootOnlyDevice) || write.failed_for(Cause::BootOrder);
            let own = |key: &&String| !["delete", "digest", "node", "vmid"].contains(&key.as_str());
            let many = |write: &LoggedWrite| {
                let taken = write.parameters.get("delete").and_then(text).unwrap_or_default();
                let taken = proxmox_mpc_model::list::items(&taken).count();
                write.parameters.keys().filter(own).count() + taken > 1
            };
            let refused = evidence.writes.iter().filter(|write| {
                write.verb == Verb::Put
                    && write.path.as_str().ends_with("/config")
                    && while_writing(write)
                    && many(write)
            });
            let refused = refused.filter_map(subject).filter(|guest| guest.prefix() == "qemu");
            refused.map(|guest| evidence.told(&guest)).collect()
        },
    },
    Row {
        id: "pool-not-empty",
        what: "Proxmox destroys empty pools only, and the provider does not take members out that others put in.",
        instead: "Take the members out first.",
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
    Row {
        id: "sdn-not-applied",
        what: "The SDN was changed after it was applied for the last time: the changes wait and no node has them.",
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
    Row {
        id: "others-pending",
        what: "Changes of the SDN were waiting that are nobody's in this code: applying the SDN puts them into force as well.",
        instead: "Look at what is pending (Datacenter, SDN) before the apply, and apply or undo it by itself.",
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
    Row {
        id: "over-ssh",
        what: "The provider does this over SSH, to a node itself: a twin has no nodes, and a rehearsal leads SSH nowhere. What happens on the cluster is not known.",
        instead: "Use `import_from` and `proxmox_virtual_environment_download_file`, which need no SSH; else try it on something that may break.",
        source: "step 41-vm-import-disk",
        find: |evidence| evidence.errors(&[NO_SSH]),
    },
    Row {
        id: "no-time-limit",
        what: "An import does not read the time limits of a container, so that its state has none, and the provider gives its shutdown and its end no time at all: they fail at once.",
        instead: "Take the five `timeout_` names out of `ignore_changes` and apply that alone first; the state has the limits then.",
        source: "provider rule C1, and rehearsals with the provider",
        find: |evidence| {
            let ends = |planned: &super::Planned| {
                planned.destroys() && planned.before.get("timeout_delete").is_none_or(Value::is_null)
            };
            let said = evidence.errors(&["context deadline exceeded"]);
            if said.is_empty() { said } else { evidence.meant(&["container"], ends) }
        },
    },
    Row {
        id: "machine-pinned",
        what: "For Windows Proxmox pins `machine` to its current version. The provider wants to remove that, cannot, and shows the change for ever.",
        instead: "Write `machine` as Proxmox shows it, or add it to `ignore_changes`.",
        source: "step 33-vm-devices-b",
        find: |evidence| {
            let machine = |found: &&crate::toolchain::terraform::Difference| {
                found.attributes.iter().any(|attribute| attribute.path == "machine")
            };
            evidence.again.iter().filter(machine).map(|found| found.address.clone()).collect()
        },
    },
];

/// Whether the key is a new one before others of its family that the provider counts: `mp0` where there is `mp2`.
fn fills_gap<'k>(key: &str, mut known: impl Iterator<Item = &'k str>) -> bool {
    let numbered = |key: &str| {
        ["dev", "mp", "net", "usb", "virtiofs"].into_iter().find_map(|stem| Some((stem, kinds::index(stem, key)?)))
    };
    let Some((stem, number)) = numbered(key) else { return false };
    let mut later = false;
    let is_known = known.any(|one| {
        later |= kinds::index(stem, one).is_some_and(|other| other > number);
        one == key
    });
    later && !is_known
}

/// The guests that calls of this sort were refused for, for this cause.
fn refused(evidence: &Evidence<'_>, sort: impl Fn(&LoggedWrite) -> bool, cause: Cause) -> BTreeSet<Identity> {
    let said = |write: &&LoggedWrite| write.failed_for(cause) && sort(write);
    evidence.writes.iter().filter(said).filter_map(event).map(|(identity, ..)| identity).collect()
}
