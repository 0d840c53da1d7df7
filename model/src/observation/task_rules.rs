//! Table of the tasks that change objects: type of the task, kind of the object, and what of it the task changes.

use super::attributes::is_drive;
use super::{Event, ObjectChange, Task};
use crate::kinds::{self, Location};

/// A row: tasks that may change objects.
struct Rule {
    /// The types of the tasks.
    tasks: &'static [&'static str],
    /// The prefixes of the objects.
    prefixes: &'static [&'static str],
    /// The effect on the object.
    effect: Effect,
    /// The relation of the task's subject to the object.
    subject: Subject,
}

/// Effect of a task on an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It is made.
    Made,
    /// It is removed.
    Removed,
    /// It goes to another node.
    Moved,
    /// The size of a drive grows.
    Grown,
    /// A drive goes to another storage.
    DriveMoved,
    /// It becomes a template.
    Template,
    /// Its requested state is set.
    State,
    /// Any of its settings.
    Settings,
}

/// Relation of a task's subject to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// It is the id of the object: `101` of `qemu/101`, `vm:101` of an HA resource, `tank` of `zfs/pve1/tank`.
    Object,
    /// It is the guest that the object belongs to.
    Guest,
    /// It is another object: a clone's source. Nothing ties the task to this object but its time.
    Other,
    /// The task was of the node that the object is on.
    Node,
}

const VM: &[&str] = &["qemu"];
const CONTAINER: &[&str] = &["lxc"];
const GUESTS: &[&str] = &["qemu", "lxc"];
const SNAPSHOT: &[&str] = &["snapshot"];
const VOLUME: &[&str] = &["volume"];
const SDN: &[&str] = &["sdn-zone", "sdn-vnet", "sdn-subnet", "sdn-controller", "sdn-fabric", "sdn-fabric-node"];
const HA: &[&str] = &["ha-resource"];

const fn rule(
    tasks: &'static [&'static str],
    prefixes: &'static [&'static str],
    effect: Effect,
    subject: Subject,
) -> Rule {
    Rule { tasks, prefixes, effect, subject }
}

/// Every rule. The types are those of `PVE::API2`'s workers; which writes start one is in the recordings of real
/// clusters: a `POST` of a virtual machine's configuration does (`qmconfig`), a `PUT`, also of a container, does not.
const RULES: &[Rule] = &[
    rule(&["qmcreate", "qmrestore"], VM, Effect::Made, Subject::Object),
    rule(&["vzcreate", "vzrestore"], CONTAINER, Effect::Made, Subject::Object),
    rule(&["qmclone"], VM, Effect::Made, Subject::Other),
    rule(&["vzclone"], CONTAINER, Effect::Made, Subject::Other),
    rule(&["qmdestroy"], VM, Effect::Removed, Subject::Object),
    rule(&["vzdestroy"], CONTAINER, Effect::Removed, Subject::Object),
    rule(&["qmigrate"], VM, Effect::Moved, Subject::Object),
    rule(&["vzmigrate"], CONTAINER, Effect::Moved, Subject::Object),
    rule(&["hamigrate"], GUESTS, Effect::Moved, Subject::Object),
    rule(&["resize"], GUESTS, Effect::Grown, Subject::Object),
    rule(&["qmmove"], VM, Effect::DriveMoved, Subject::Object),
    rule(&["move_volume"], CONTAINER, Effect::DriveMoved, Subject::Object),
    rule(&["qmtemplate"], VM, Effect::Template, Subject::Object),
    rule(&["vztemplate"], CONTAINER, Effect::Template, Subject::Object),
    rule(&["qmconfig", "qmrestore", "qmrollback"], VM, Effect::Settings, Subject::Object),
    rule(&["vzrestore", "vzrollback"], CONTAINER, Effect::Settings, Subject::Object),
    rule(&["qmsnapshot", "vzsnapshot"], SNAPSHOT, Effect::Made, Subject::Guest),
    rule(&["qmdelsnapshot", "vzdelsnapshot", "qmdestroy", "vzdestroy"], SNAPSHOT, Effect::Removed, Subject::Guest),
    rule(&["download", "imgcopy"], VOLUME, Effect::Made, Subject::Object),
    rule(&["download", "imgcopy", "vzdump"], VOLUME, Effect::Made, Subject::Node),
    rule(&["imgdel"], VOLUME, Effect::Removed, Subject::Node),
    rule(&["hastart", "hastop", "hashutdown"], HA, Effect::State, Subject::Object),
    rule(&["srvreload"], &["network"], Effect::Settings, Subject::Node),
    rule(&["reloadnetworkall"], SDN, Effect::Settings, Subject::Other),
    rule(&["zfscreate"], &["zfs"], Effect::Made, Subject::Object),
    rule(&["zfsremove"], &["zfs"], Effect::Removed, Subject::Object),
    rule(&["lvmcreate"], &["volume-group"], Effect::Made, Subject::Object),
    rule(&["lvmremove"], &["volume-group"], Effect::Removed, Subject::Object),
    rule(&["lvmthincreate"], &["thin-pool"], Effect::Made, Subject::Object),
    rule(&["lvmthinremove"], &["thin-pool"], Effect::Removed, Subject::Object),
    rule(&["dircreate"], &["mounted-directory"], Effect::Made, Subject::Object),
    rule(&["dirremove"], &["mounted-directory"], Effect::Removed, Subject::Object),
    rule(&["cephcreatepool"], &["ceph-pool"], Effect::Made, Subject::Object),
    rule(&["cephsetpool"], &["ceph-pool"], Effect::Settings, Subject::Object),
    rule(&["cephdestroypool"], &["ceph-pool"], Effect::Removed, Subject::Object),
    rule(&["acmeregister"], &["acme-account"], Effect::Made, Subject::Object),
    rule(&["acmeupdate", "acmerefresh"], &["acme-account"], Effect::Settings, Subject::Object),
    rule(&["acmedeactivate"], &["acme-account"], Effect::Removed, Subject::Object),
    rule(&["auth-realm-sync"], &["user", "group"], Effect::Made, Subject::Other),
    rule(&["auth-realm-sync"], &["user", "group"], Effect::Removed, Subject::Other),
];

/// Reports whether a task may stand behind a change; `Some(true)` where it was made for it, and explains all of it.
pub(super) fn explains(change: &ObjectChange, task: &Task) -> Option<bool> {
    let prefix = change.identity.prefix();
    let rules = RULES.iter().filter(|rule| rule.tasks.contains(&&*task.task_type) && rule.prefixes.contains(&prefix));
    let matches = rules.filter(|rule| relates(rule.subject, change, task));
    matches
        .filter_map(|rule| has_effect(rule.effect, change).map(|all| all && is_exact(rule)))
        .reduce(|one, other| one || other)
}

/// Reports whether the task speaks of this very object, and does one thing only.
fn is_exact(rule: &Rule) -> bool {
    rule.subject == Subject::Object && rule.effect != Effect::Settings
}

fn relates(subject: Subject, change: &ObjectChange, task: &Task) -> bool {
    let identity = &change.identity;
    let at = kinds::of(identity).and_then(|kind| kind.at(identity));
    match subject {
        Subject::Object => {
            let id = identity.id();
            let last = id.rsplit(['/', ':']).next().unwrap_or(id);
            !task.subject.is_empty() && (id == task.subject || last == task.subject)
        }
        Subject::Guest => {
            matches!(at, Some(at) if matches!(&at.location, Location::Guest(_, vmid) if vmid.to_string() == task.subject))
        }
        Subject::Other => true,
        Subject::Node => change.node.as_ref().is_none_or(|node| *node == task.node),
    }
}

/// Reports whether the change shows the effect; `Some(true)` where it shows nothing else.
fn has_effect(effect: Effect, change: &ObjectChange) -> Option<bool> {
    let settings = &change.attributes;
    let keeps_place = change.renamed.is_none() && change.moved.is_none();
    let some = |is: &dyn Fn(&super::AttributeChange) -> bool| {
        let matching = settings.iter().filter(|setting| is(setting)).count();
        (matching > 0).then_some(keeps_place && matching == settings.len())
    };
    match effect {
        Effect::Made => (change.event == Event::New).then_some(true),
        Effect::Removed => (change.event == Event::Gone).then_some(true),
        Effect::Moved => {
            change.moved.as_ref()?;
            Some(settings.is_empty() && change.renamed.is_none())
        }
        Effect::Grown => some(&|setting| setting.property.as_deref() == Some("size")),
        Effect::DriveMoved => some(&|setting| is_drive(&setting.key)),
        Effect::Template => some(&|setting| setting.key == "template" || is_drive(&setting.key))
            .filter(|_| settings.iter().any(|setting| setting.key == "template")),
        Effect::State => some(&|setting| setting.key == "state"),
        Effect::Settings => (change.event == Event::Changed).then_some(true),
    }
}
