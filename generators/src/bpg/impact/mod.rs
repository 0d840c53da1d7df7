//! Impact table: what a change of an attribute does to a running guest, with the evidence for each row.
//!
//! Facts are of provider bpg/proxmox 0.111.1 and the Proxmox VE 9.2 that it was held against. Replacement is Terraform's to say
//! where there is a plan; the table says it where there is none.

mod container;
mod other;
mod virtual_machine;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Effect of a change on a guest, from harmless to harmful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing is sent to Proxmox.
    Nothing,
    /// It is in force at once, and the guest goes on.
    Live,
    /// It is written, and in force when somebody restarts the guest.
    Pending,
    /// The guest is started.
    Start,
    /// The guest is restarted from within: Proxmox reboots it.
    Reboot,
    /// The guest is taken down and started again.
    Cycle,
    /// The guest is taken down first, and stays down while the work is done.
    OffFirst,
    /// The guest is stopped, and stays so.
    Stop,
    /// The apply fails, perhaps after a part of it.
    Error,
    /// The object is destroyed and created anew.
    Replace,
}

/// Evidence of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The real provider planned it so.
    Planned,
    /// The real provider did it, on a twin.
    Rehearsed,
    /// The source of the provider or of Proxmox says so.
    Source,
}

/// Condition of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// The value is added or removed.
    AddedOrRemoved,
    /// The value is there before and after.
    Kept,
    /// The number becomes smaller.
    Shrinks,
    /// It becomes this text.
    Becomes(&'static str),
    /// One of these words is in the value before or after.
    Mentions(&'static [&'static str]),
    /// The attribute of this name beside it is `true` in the code.
    With(&'static str),
    /// The option `hotplug` of the guest has this word, before and after.
    Hotplug(&'static str),
    /// The number becomes larger, and `hotplug` has this word.
    GrowsWithHotplug(&'static str),
    /// A disk of the guest has no `aio=` in Proxmox, as most that were not made by the provider.
    WithoutAio,
}

/// Row of the table. Of all rows that match, the first counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Attributes: `memory.dedicated`; `cpu.*` stands for all below.
    pub(crate) paths: &'static [&'static str],
    /// The condition.
    pub(crate) when: When,
    /// The effect.
    pub(crate) effect: Effect,
    /// What else a person should know; empty where there is nothing.
    pub(crate) note: &'static str,
    /// The evidence.
    pub(crate) evidence: Evidence,
}

/// A row, for the tables of guests.
const fn row(
    paths: &'static [&'static str],
    when: When,
    effect: Effect,
    note: &'static str,
    evidence: Evidence,
) -> Row {
    Row { paths, when, effect, note, evidence }
}

/// A change of one attribute, as the code writes it.
#[derive(Clone, Copy, Debug)]
pub struct Change<'c> {
    /// The type of the resource: `proxmox_virtual_environment_vm`.
    pub resource_type: &'c str,
    /// The path, with or without positions: `memory[0].dedicated`, `memory.dedicated`.
    pub path: &'c str,
    /// The value that the cluster has, without quotes; `None` where there is none.
    pub before: Option<&'c str>,
    /// The value that an apply writes; `None` where it removes it.
    pub after: Option<&'c str>,
}

/// A guest at the moment of an apply.
pub trait Guest {
    /// Reports whether it runs.
    fn runs(&self) -> bool;

    /// A key of its configuration in Proxmox: `hotplug`, `agent`, `scsi0`.
    fn key(&self, name: &str) -> Option<String>;

    /// The names of the keys of its configuration.
    fn keys(&self) -> Vec<String>;

    /// Reports whether an attribute of its code is `true`: `migrate`, `reboot_after_update`. `None` where the code says nothing.
    fn written(&self, attribute: &str) -> Option<bool>;
}

/// Impact of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// The effect.
    pub effect: Effect,
    /// How a guest is taken down, where it is: `true` for a clean shutdown, `false` for a power cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_clean: Option<bool>,
    /// What else a person should know; empty where there is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The attribute that causes it.
    pub attribute: String,
    /// The evidence; `None` where the table has no row, and it is taken to be in force at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Type of virtual machines.
pub const VIRTUAL_MACHINE: &str = "proxmox_virtual_environment_vm";

/// Type of containers.
pub const CONTAINER: &str = "proxmox_virtual_environment_container";

/// The impact of a change. `guest` is the guest, for resources that are one.
pub fn of_change(change: &Change<'_>, guest: Option<&dyn Guest>) -> Impact {
    let path = without_positions(change.path);
    let rows = match change.resource_type {
        VIRTUAL_MACHINE => virtual_machine::ROWS,
        CONTAINER => container::ROWS,
        other => other::rows(other),
    };
    let row = rows.iter().find(|row| row.matches(&path, change, guest));
    let (mut effect, mut note) = row.map_or((Effect::Live, ""), |row| (row.effect, row.note));
    let takes_down = matches!(effect, Effect::Cycle | Effect::OffFirst | Effect::Reboot);
    if let Some(guest) = guest.filter(|_| takes_down) {
        let may_restart = guest.written("reboot_after_update") != Some(false);
        if !guest.runs() && guest.written("started") == Some(true) {
            (effect, note) = (Effect::Start, "the guest is stopped, and its code says that it runs");
        } else if !guest.runs() {
            (effect, note) = (Effect::Live, "the guest is stopped: it has the value at its next start");
        } else if !may_restart && effect == Effect::Cycle && path != "disk.size" {
            (effect, note) = (Effect::Pending, "`reboot_after_update` is off");
        } else if !may_restart && effect != Effect::Reboot {
            (effect, note) = (Effect::Error, "`reboot_after_update` is off, and this needs the guest to be down");
        }
    }
    let is_down =
        matches!(effect, Effect::Cycle | Effect::OffFirst | Effect::Stop) && change.resource_type == VIRTUAL_MACHINE;
    Impact {
        effect,
        is_clean: guest.filter(|_| is_down).map(has_agent),
        note: note.to_owned(),
        attribute: path,
        evidence: row.map(|row| row.evidence),
    }
}

/// The impact of all changes of one object in one apply: the worst.
pub fn of_object(changes: &[Change<'_>], guest: Option<&dyn Guest>) -> Option<Impact> {
    let impacts = changes.iter().map(|change| of_change(change, guest));
    impacts.max_by(|one, other| one.effect.cmp(&other.effect).then_with(|| other.attribute.cmp(&one.attribute)))
}

/// Reports whether a row of the table is for this attribute, and none of the default.
pub fn is_known(resource_type: &str, path: &str) -> bool {
    let path = without_positions(path);
    let rows = match resource_type {
        VIRTUAL_MACHINE => virtual_machine::ROWS,
        CONTAINER => container::ROWS,
        other => other::rows(other),
    };
    rows.iter().any(|row| row.paths.iter().any(|pattern| covers(pattern, &path)))
}

/// Reports whether the configuration says that a guest agent runs: the provider then asks for a clean shutdown.
fn has_agent(guest: &dyn Guest) -> bool {
    let agent = guest.key("agent").unwrap_or_default();
    let is_on = |word: &str| ["1", "on", "yes", "true"].contains(&word.strip_prefix("enabled=").unwrap_or(word));
    agent.split(',').any(is_on)
}

/// A path without positions: `disk[1].size` is `disk.size`.
fn without_positions(path: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}

/// Reports whether a pattern of the table is for a path.
fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(block) => path == block || path.strip_prefix(block).is_some_and(|rest| rest.starts_with('.')),
        None => pattern == path || pattern == "*",
    }
}

impl Row {
    fn matches(&self, path: &str, change: &Change<'_>, guest: Option<&dyn Guest>) -> bool {
        self.paths.iter().any(|pattern| covers(pattern, path)) && self.when.holds(change, guest)
    }
}

impl When {
    fn holds(self, change: &Change<'_>, guest: Option<&dyn Guest>) -> bool {
        let number = |value: Option<&str>| value.and_then(|value| value.parse::<f64>().ok());
        let (before, after) = (number(change.before), number(change.after));
        let grows = before.zip(after).is_some_and(|(before, after)| after > before);
        let has = |word: &str| {
            let hotplug = guest.and_then(|guest| guest.key("hotplug")).unwrap_or_else(|| HOTPLUG.to_owned());
            let all = hotplug == "1";
            all && HOTPLUG.split(',').any(|own| own == word) || hotplug.split([',', ';', ' ']).any(|own| own == word)
        };
        match self {
            Self::Always => true,
            Self::AddedOrRemoved => change.before.is_none() || change.after.is_none(),
            Self::Kept => change.before.is_some() && change.after.is_some(),
            Self::Shrinks => before.zip(after).is_some_and(|(before, after)| after < before),
            Self::Becomes(text) => change.after == Some(text),
            Self::Mentions(words) => {
                let mut values = [change.before, change.after].into_iter().flatten();
                values.any(|value| words.iter().any(|word| value.contains(word)))
            }
            Self::With(attribute) => guest.and_then(|guest| guest.written(attribute)) == Some(true),
            Self::Hotplug(word) => has(word),
            Self::GrowsWithHotplug(word) => grows && has(word),
            Self::WithoutAio => guest.is_none_or(|guest| {
                let is_disk = |name: &str| {
                    let number = ["scsi", "virtio", "sata", "ide"].iter().find_map(|bus| name.strip_prefix(bus));
                    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
                };
                let is_plain = |value: &str| !value.contains("media=cdrom") && !value.contains("cloudinit");
                guest
                    .keys()
                    .iter()
                    .filter(|name| is_disk(name))
                    .any(|name| guest.key(name).is_some_and(|value| is_plain(&value) && !value.contains(",aio=")))
            }),
        }
    }
}

/// What Proxmox hot-plugs where the option is absent, or `1`.
const HOTPLUG: &str = "network,disk,usb";

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "changes nothing in Proxmox",
            Self::Live => "in force at once",
            Self::Pending => "waits for a restart",
            Self::Start => "starts it",
            Self::Reboot => "reboots it",
            Self::Cycle => "takes it down and starts it again",
            Self::OffFirst => "takes it down for the time of the work",
            Self::Stop => "stops it",
            Self::Error => "fails",
            Self::Replace => "replaces it",
        })
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.effect)?;
        match self.is_clean {
            Some(true) => formatter.write_str(", with a clean shutdown")?,
            Some(false) => formatter.write_str(", with a power cut")?,
            None => {}
        }
        if !self.note.is_empty() {
            write!(formatter, "; {}", self.note)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
