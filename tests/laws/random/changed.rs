//! One edit of the code changes one setting of the cluster, or more if that is foretold: with the real provider, on a
//! twin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hcl_edit::expr::Expression;
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Attribute, Block, Body};
use hcl_edit::{Decorate as _, Ident};
use proxmox_mpc_engine::rehearse::{ChangeKind, Rehearsal};
use proxmox_mpc_engine::toolchain::terraform::Tool;
use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_judges::tools::Missing;
use proxmox_mpc_model::Identity;
use proxmox_mpc_model::kinds::natural;

use super::guests::{Guest, Sort, smallest};
use super::meaning::{full_name, meaning};
use super::proved::{answers, guests, recorded};
use super::samples;
use crate::support::clusters::generated;
use crate::support::tools::{or_skip, rehearsal, terraform};
use crate::support::workspaces::{imported, job};

/// A change of one attribute, in the words of the provider and in those of Proxmox.
struct Edit {
    sort: Sort,
    /// The nested block, the first of its name; empty for the resource itself.
    block: &'static str,
    attribute: &'static str,
    value: &'static str,
    /// The keys that hold it, without numbers.
    keys: &'static [&'static str],
    part: &'static str,
}

const DRIVES: &[&str] = &["ide", "sata", "scsi", "virtio"];

/// Edits of each sort of values: texts, numbers, members of lists, parts of values.
const EDITS: &[Edit] = &[
    edit(Sort::Qemu, ("", "description", "\"changed\""), &["description"], ""),
    edit(Sort::Qemu, ("network_device", "vlan_id", "42"), &["net"], "tag"),
    edit(Sort::Qemu, ("memory", "dedicated", "3072"), &["memory"], "current"),
    edit(Sort::Qemu, ("cpu", "cores", "5"), &["cores"], ""),
    edit(Sort::Qemu, ("disk", "backup", "false"), DRIVES, "backup"),
    edit(Sort::Qemu, ("disk", "iothread", "true"), DRIVES, "iothread"),
    edit(Sort::Qemu, ("usb", "usb3", "true"), &["usb"], "usb3"),
    edit(Sort::Qemu, ("hostpci", "rombar", "false"), &["hostpci"], "rombar"),
    edit(Sort::Qemu, ("virtiofs", "cache", "\"always\""), &["virtiofs"], "cache"),
    edit(Sort::Qemu, ("startup", "order", "7"), &["startup"], ""),
    edit(Sort::Qemu, ("vga", "memory", "64"), &["vga"], "memory"),
    edit(Sort::Qemu, ("agent", "type", "\"isa\""), &["agent"], "type"),
    edit(Sort::Qemu, ("", "on_boot", "false"), &["onboot"], ""),
    edit(Sort::Lxc, ("", "description", "\"changed\""), &["description"], ""),
    edit(Sort::Lxc, ("network_interface", "vlan_id", "42"), &["net"], "tag"),
    edit(Sort::Lxc, ("cpu", "cores", "5"), &["cores"], ""),
    edit(Sort::Lxc, ("memory", "dedicated", "768"), &["memory"], ""),
    edit(Sort::Lxc, ("mount_point", "backup", "true"), &["mp"], "backup"),
    edit(Sort::Lxc, ("device_passthrough", "mode", "\"0600\""), &["dev"], "mode"),
    edit(Sort::Lxc, ("features", "nesting", "true"), &["features"], "nesting"),
    edit(Sort::Lxc, ("startup", "order", "7"), &["startup"], ""),
    edit(Sort::Lxc, ("console", "tty_count", "4"), &["tty"], ""),
    edit(Sort::Lxc, ("", "protection", "true"), &["protection"], ""),
];

const fn edit(
    sort: Sort,
    (block, attribute, value): (&'static str, &'static str, &'static str),
    keys: &'static [&'static str],
    part: &'static str,
) -> Edit {
    Edit { sort, block, attribute, value, keys, part }
}

impl Edit {
    /// Makes the change; `false` where there is no such block, or where it says so already.
    fn make(&self, resource: &mut Body) -> bool {
        if self.block.is_empty() {
            return set(resource, self.attribute, self.value);
        }
        let Some(block) = resource.get_blocks_mut(self.block).next() else { return false };
        set(&mut block.body, self.attribute, self.value)
    }

    fn name(&self) -> String {
        if self.block.is_empty() { self.attribute.to_owned() } else { format!("{}.{}", self.block, self.attribute) }
    }

    /// Reports whether the edit is about this part of this key.
    fn means(&self, key: &str, part: &str) -> bool {
        self.keys.contains(&natural(key).0) && self.part == part
    }
}

/// Sets an attribute, in a line of its own where it is new.
fn set(body: &mut Body, name: &str, value: &str) -> bool {
    let value: Expression = value.parse().expect("a value of this table");
    if let Some(mut attribute) = body.get_attribute_mut(name) {
        if attribute.value.to_string().trim() == value.to_string() {
            return false;
        }
        *attribute.value_mut() = value;
        return true;
    }
    let mut attribute = Attribute::new(Ident::new(name), value);
    attribute.decor_mut().set_prefix("  ");
    body.set_prefer_oneline(false);
    body.push(attribute);
    true
}

/// Edit of each guest.
type Edits = BTreeMap<Identity, &'static Edit>;

/// Changes one thing in the code of each guest: of those that fit, another one for each.
fn change(text: &str, addresses: &BTreeMap<String, (Identity, Sort, usize)>, edits: &mut Edits) -> String {
    let mut body = parse_body(text).unwrap();
    let blocks = body.get_blocks_mut("resource");
    for block in blocks {
        let Some((identity, sort, number)) = addresses.get(&address(block)) else { continue };
        let fitting: Vec<&'static Edit> =
            EDITS.iter().filter(|edit| edit.sort == *sort && edit.make(&mut block.body.clone())).collect();
        if let Some(chosen) = fitting.get(number % fitting.len().max(1)) {
            chosen.make(&mut block.body);
            edits.insert(identity.clone(), chosen);
        }
    }
    body.to_string()
}

fn address(block: &Block) -> String {
    let labels: Vec<&str> = block.labels.iter().map(hcl_edit::structure::BlockLabel::as_str).collect();
    labels.join(".")
}

/// Rehearses one edit in the code of each of these guests. The number of a guest chooses the edit.
fn rehearsed(tool: &Tool, guests: &[(usize, Guest)]) -> Result<(Generated, Edits, Rehearsal), Missing> {
    let all: Vec<Guest> = guests.iter().map(|(_, guest)| guest.clone()).collect();
    let made = generated(&answers(&all));
    let (_folder, recording) = recorded(&all);
    let workspace = imported(&recording);
    let mut addresses = BTreeMap::new();
    for (number, guest) in guests {
        let identity = Identity::new(guest.sort.word(), guest.id);
        if let Outcome::Terraform { address } = &made.coverage.objects[&identity].outcome {
            addresses.insert(address.clone(), (identity, guest.sort, *number));
        }
    }
    let mut edits = Edits::new();
    for file in ["virtual_machines.tf", "containers.tf"] {
        let path = workspace.path().join("terraform").join(file);
        if let Ok(text) = fs::read_to_string(&path) {
            fs::write(&path, change(&text, &addresses, &mut edits)).unwrap();
        }
    }
    let job = job(workspace.path(), recording, tool.clone());
    Ok((made, edits, rehearsal(&job)?.unwrap()))
}

/// Reports whether coverage says that no code keeps a part of a key, or a remark explains what a change does to it.
fn is_foretold(made: &Generated, identity: &Identity, key: &str, part: &str, after: Option<&String>) -> bool {
    let keys = &made.coverage.objects[identity].keys;
    let fate = keys.get(&format!("{key}.{part}")).or_else(|| keys.get(key));
    let names = |text: &str| text.contains(key) || after.is_some_and(|after| text.contains(after));
    let mut remarks = made.notices.iter().filter(|notice| notice.identity == *identity);
    matches!(fate, Some(Fate::Ansible(_) | Fate::NotExpressible(_))) || remarks.any(|remark| names(&remark.reason))
}

/// Changes that no edit asked for and no remark foretold: the edit and the part, and the object.
fn surprises(made: &Generated, edits: &Edits, rehearsal: &Rehearsal, guests: &[Guest]) -> BTreeMap<String, Identity> {
    let mut surprises = BTreeMap::new();
    for object in &rehearsal.objects {
        let Some(guest) = guests.iter().find(|guest| object.identity == Identity::new(guest.sort.word(), guest.id))
        else {
            surprises.insert(format!("{} is changed", object.identity), object.identity.clone());
            continue;
        };
        let Some(edit) = edits.get(&object.identity) else {
            surprises.insert("a guest whose code was not changed".to_owned(), object.identity.clone());
            continue;
        };
        let address = object.address.clone().unwrap_or_default();
        let traps = rehearsal.traps.iter().filter(|trap| trap.at.contains(&address));
        if traps.count() > 0 {
            continue;
        }
        if object.change != ChangeKind::Changed {
            surprises.insert(format!("{}: {:?}", edit.name(), object.change), object.identity.clone());
            continue;
        }
        let mut intended = false;
        for change in &object.keys {
            let side = |value: &Option<String>| meaning(guest.sort, &change.key, value.as_deref().unwrap_or_default());
            let (before, after) = (side(&change.before), side(&change.after));
            let parts: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for part in parts.into_iter().filter(|part| before.get(*part) != after.get(*part)) {
                if !intended && edit.means(&change.key, part) {
                    intended = true;
                } else if !is_foretold(made, &object.identity, &change.key, part, after.get(part)) {
                    let shown = |side: &BTreeMap<String, String>| {
                        side.get(part).cloned().unwrap_or_else(|| "nothing".to_owned())
                    };
                    let (part, from, to) = (full_name(&change.key, part), shown(&before), shown(&after));
                    let why = format!("{}: {part} changes as well, from {from} to {to}", edit.name());
                    surprises.insert(why, object.identity.clone());
                }
            }
        }
    }
    surprises
}

#[test]
fn one_change_changes_one_thing() {
    let tool = or_skip!(terraform());
    let mut found: BTreeMap<String, Guest> = BTreeMap::new();
    for all in samples(guests(16), 1) {
        let numbered: Vec<(usize, Guest)> = all.iter().cloned().enumerate().collect();
        let (made, edits, rehearsal) = or_skip!(rehearsed(&tool, &numbered));
        for (why, identity) in surprises(&made, &edits, &rehearsal, &all) {
            let Some((number, guest)) =
                numbered.iter().find(|(_, one)| Identity::new(one.sort.word(), one.id) == identity)
            else {
                panic!("{why}");
            };
            let still = |less: &Guest| {
                let (made, edits, rehearsal) = rehearsed(&tool, &[(*number, less.clone())]).unwrap();
                surprises(&made, &edits, &rehearsal, std::slice::from_ref(less)).contains_key(&why)
            };
            found.entry(why.clone()).or_insert_with(|| smallest(guest, still));
        }
    }
    let lines = found.iter().map(|(why, guest)| format!("{why}\n{guest:?}"));
    assert!(found.is_empty(), "{} surprises\n{}", found.len(), lines.collect::<Vec<_>>().join("\n"));
}
