//! What happens to guests on the way: starts, stops, migrations, clones and ends, in the order in which the calls came
//! in, and how long each guest that ran was down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_twin::server::LoggedWrite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toolchain::terraform::Planned;

/// One thing that would be done with a guest as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuestEvent {
    /// When the call came in, in seconds from the first write on.
    pub at: f64,
    /// The guest.
    pub identity: Identity,
    /// The name that people gave it.
    pub name: Option<String>,
    /// What would be done.
    pub what: What,
    /// The node that it goes to, or the guest that it is a clone of.
    pub other: Option<String>,
    /// Why nothing would come of it, in Proxmox's words.
    pub failure: Option<String>,
    /// Where this ends a time during which a guest that ran was down: its length in seconds, on the twin.
    pub down: Option<f64>,
}

/// What would be done with a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It would be made.
    Create,
    /// It would be made as a copy of another one.
    Clone,
    /// It would be started.
    Start,
    /// Its power would be cut.
    Stop,
    /// It would be asked to shut down.
    Shutdown,
    /// It would be asked to reboot.
    Reboot,
    /// It would be reset.
    Reset,
    /// It would be put to sleep.
    Suspend,
    /// It would be woken up.
    Resume,
    /// It would be moved to another node.
    Migrate,
    /// It would be set back to a snapshot.
    Rollback,
    /// It would become a template.
    Template,
    /// It would be destroyed.
    Destroy,
}

impl What {
    /// In words, as something that is done to a guest.
    pub fn words(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Clone => "cloned",
            Self::Start => "started",
            Self::Stop => "stopped (power off)",
            Self::Shutdown => "shut down",
            Self::Reboot => "rebooted",
            Self::Reset => "reset (power)",
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Migrate => "migrated",
            Self::Rollback => "set back to a snapshot",
            Self::Template => "made a template",
            Self::Destroy => "destroyed",
        }
    }

    fn ends_running(self) -> bool {
        matches!(self, Self::Stop | Self::Shutdown | Self::Suspend | Self::Destroy | Self::Rollback)
    }

    fn begins_running(self) -> bool {
        matches!(self, Self::Start | Self::Resume)
    }
}

/// What a call does with a guest as a whole: which one, what, and with which other thing. `None` for other calls.
pub(super) fn event(write: &LoggedWrite) -> Option<(Identity, What, Option<String>)> {
    let segments = write.path.segments();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["nodes", _, kind @ ("qemu" | "lxc"), rest @ ..] = &words[..] else { return None };
    let parameter = |name: &str| write.parameters.get(name).and_then(text);
    let this = |vmid: &str, what| Some((Identity::new(kind, vmid), what, None));
    match (write.verb, rest) {
        (Verb::Post, []) => {
            let vmid = parameter("vmid")?;
            Some((Identity::new(kind, vmid), What::Create, None))
        }
        (Verb::Post, [vmid, "clone"]) => {
            Some((Identity::new(kind, parameter("newid")?), What::Clone, Some(format!("{kind}/{vmid}"))))
        }
        (Verb::Post, [vmid, "migrate"]) => Some((Identity::new(kind, vmid), What::Migrate, parameter("target"))),
        (Verb::Post, [vmid, "template"]) => this(vmid, What::Template),
        (Verb::Post, [vmid, "snapshot", _, "rollback"]) => this(vmid, What::Rollback),
        (Verb::Delete, [vmid]) => this(vmid, What::Destroy),
        (Verb::Post, [vmid, "status", what]) => this(vmid, power(what)?),
        _ => None,
    }
}

/// The guest, pool or storage that a call is about.
pub(super) fn subject(write: &LoggedWrite) -> Option<Identity> {
    if let Some((identity, ..)) = event(write) {
        return Some(identity);
    }
    let segments = write.path.segments();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    match &words[..] {
        ["nodes", _, kind @ ("qemu" | "lxc"), vmid, ..] => Some(Identity::new(kind, vmid)),
        ["pools"] => Some(Identity::new("pool", write.parameters.get("poolid").and_then(text)?)),
        ["storage", storage] => Some(Identity::new("storage", storage)),
        _ => None,
    }
}

/// The guest that the plan means: by its type and its number.
pub(super) fn planned(planned: &Planned) -> Option<Identity> {
    let prefix = if planned.resource.ends_with("_container") { "lxc" } else { "qemu" };
    let number = ["vm_id", "id"].into_iter().map(|name| planned.attribute(name)).find(|value| !value.is_null())?;
    let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
    Some(Identity::new(prefix, number))
}

fn power(word: &str) -> Option<What> {
    Some(match word {
        "start" => What::Start,
        "stop" => What::Stop,
        "shutdown" => What::Shutdown,
        "reboot" => What::Reboot,
        "reset" => What::Reset,
        "suspend" => What::Suspend,
        "resume" => What::Resume,
        _ => return None,
    })
}

/// What happens to guests, in order. `running` are those that run before; `name` gives a guest's name.
pub(super) fn events(
    writes: &[LoggedWrite],
    running: &BTreeSet<Identity>,
    name: impl Fn(&Identity) -> Option<String>,
) -> Vec<GuestEvent> {
    let start = writes.first().map(|write| write.at).unwrap_or_default();
    let mut running = running.clone();
    let mut down: BTreeMap<Identity, Duration> = BTreeMap::new();
    let mut events: Vec<GuestEvent> = Vec::new();
    for write in writes {
        let Some((identity, what, other)) = event(write) else { continue };
        let failure = write.failure().map(str::to_owned);
        let mut length = None;
        if failure.is_none() && what.ends_running() && running.remove(&identity) {
            down.insert(identity.clone(), write.at);
        } else if failure.is_none() && what.begins_running() {
            length = down.remove(&identity).map(|since| seconds(write.at.saturating_sub(since)));
            running.insert(identity.clone());
        }
        let at = seconds(write.at.saturating_sub(start));
        // Another guest may have the number that a new one was to get.
        let given = ["name", "hostname"].iter().find_map(|key| write.parameters.get(*key).and_then(text));
        let given = given.filter(|_| matches!(what, What::Create | What::Clone));
        let name = given.or_else(|| name(&identity));
        let event = GuestEvent { at, name, identity, what, other, failure, down: length };
        // The provider sends a refused creation three times.
        let same = |last: &&GuestEvent| {
            (&last.identity, last.what, &last.failure) == (&event.identity, event.what, &event.failure)
        };
        if event.failure.is_none() || events.iter().rfind(same).is_none() {
            events.push(event);
        }
    }
    events
}

/// In seconds, to the tenth.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::ApiPath;
    use proxmox_mpc_twin::server::LoggedTask;
    use proxmox_mpc_twin::state::TaskEnd;
    use serde_json::json;

    use super::*;

    fn write(at: u64, verb: Verb, path: &str, parameters: &serde_json::Value, exit: Option<&str>) -> LoggedWrite {
        let task = exit.map(|exit| LoggedTask { upid: String::new(), kind: String::new(), end: TaskEnd::parse(exit) });
        LoggedWrite {
            at: Duration::from_millis(at),
            verb,
            path: ApiPath::parse(path),
            parameters: parameters.as_object().unwrap().clone(),
            status: 200,
            refusal: None,
            task,
        }
    }

    #[test]
    fn a_guest_is_down_from_its_stop_to_its_start() {
        let post = |at, path: &str| write(at, Verb::Post, path, &json!({}), Some("OK"));
        let writes = [
            write(1000, Verb::Put, "nodes/n/qemu/1/config", &json!({}), None),
            post(1000, "nodes/n/qemu/1/status/stop"),
            post(2000, "nodes/n/qemu/2/status/start"),
            post(2500, "nodes/n/qemu/1/status/start"),
            write(3000, Verb::Post, "nodes/n/qemu/9/clone", &json!({"newid": "3"}), Some("no space")),
            write(4000, Verb::Post, "nodes/n/qemu/9/clone", &json!({"newid": "3"}), Some("no space")),
            write(4000, Verb::Delete, "nodes/n/lxc/4", &json!({"purge": "1"}), Some("OK")),
        ];
        let running = BTreeSet::from([Identity::new("qemu", 1), Identity::new("lxc", 4)]);
        let events = events(&writes, &running, |_| None);
        let told: Vec<_> =
            events.iter().map(|event| (event.at, event.identity.as_str(), event.what, event.down)).collect();
        assert_eq!(
            told,
            [
                (0.0, "qemu/1", What::Stop, None),
                (1.0, "qemu/2", What::Start, None),
                (1.5, "qemu/1", What::Start, Some(1.5)),
                (2.0, "qemu/3", What::Clone, None),
                (3.0, "lxc/4", What::Destroy, None),
            ]
        );
        assert_eq!(events[3].failure.as_deref(), Some("no space"));
        assert_eq!(events[3].other.as_deref(), Some("qemu/9"));
    }
}
