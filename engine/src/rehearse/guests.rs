//! Events of guests: starts, stops, migrations, clones and destroys, in the order of the calls, and how long each running
//! guest was down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_twin::server::LoggedWrite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toolchain::terraform::PlannedResource;

/// Event of a guest as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuestEvent {
    /// The time of the call, in seconds since the first write.
    pub at: f64,
    /// The guest: `qemu/100`.
    pub identity: Identity,
    /// The name of the guest.
    pub name: Option<String>,
    /// The action.
    pub what: GuestAction,
    /// The node that the guest migrates to, or the guest that it is cloned from.
    pub other: Option<String>,
    /// The reason why the action would fail, in Proxmox's words.
    pub failure: Option<String>,
    /// The time that a running guest was down until this event, in seconds on the twin.
    pub down: Option<f64>,
}

/// Action on a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuestAction {
    /// It would be created.
    Create,
    /// It would be created as a clone of another guest.
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
    /// It would be suspended.
    Suspend,
    /// It would be resumed.
    Resume,
    /// It would be moved to another node.
    Migrate,
    /// It would be rolled back to a snapshot.
    Rollback,
    /// It would become a template.
    Template,
    /// It would be destroyed.
    Destroy,
}

impl GuestAction {
    /// The action in words, for a sentence about the guest.
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
            Self::Rollback => "rolled back to a snapshot",
            Self::Template => "converted to a template",
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

/// Reads a call on a guest as a whole: the guest, the action, and its other node or guest. `None` for other calls.
pub(super) fn event(write: &LoggedWrite) -> Option<(Identity, GuestAction, Option<String>)> {
    let segments = write.path.segments();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["nodes", _, kind @ ("qemu" | "lxc"), rest @ ..] = &words[..] else { return None };
    let parameter = |name: &str| write.parameters.get(name).and_then(text);
    let this = |vmid: &str, what| Some((Identity::new(kind, vmid), what, None));
    match (write.verb, rest) {
        (Verb::Post, []) => {
            let vmid = parameter("vmid")?;
            Some((Identity::new(kind, vmid), GuestAction::Create, None))
        }
        (Verb::Post, [vmid, "clone"]) => {
            Some((Identity::new(kind, parameter("newid")?), GuestAction::Clone, Some(format!("{kind}/{vmid}"))))
        }
        (Verb::Post, [vmid, "migrate"]) => Some((Identity::new(kind, vmid), GuestAction::Migrate, parameter("target"))),
        (Verb::Post, [vmid, "template"]) => this(vmid, GuestAction::Template),
        (Verb::Post, [vmid, "snapshot", _, "rollback"]) => this(vmid, GuestAction::Rollback),
        (Verb::Delete, [vmid]) => this(vmid, GuestAction::Destroy),
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

/// The guest of a planned resource, from its type and its VMID.
pub(super) fn planned(planned: &PlannedResource) -> Option<Identity> {
    let prefix = if planned.resource.ends_with("_container") { "lxc" } else { "qemu" };
    let number = ["vm_id", "id"].into_iter().map(|name| planned.attribute(name)).find(|value| !value.is_null())?;
    let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
    Some(Identity::new(prefix, number))
}

fn power(word: &str) -> Option<GuestAction> {
    Some(match word {
        "start" => GuestAction::Start,
        "stop" => GuestAction::Stop,
        "shutdown" => GuestAction::Shutdown,
        "reboot" => GuestAction::Reboot,
        "reset" => GuestAction::Reset,
        "suspend" => GuestAction::Suspend,
        "resume" => GuestAction::Resume,
        _ => return None,
    })
}

/// The events of guests, in order. `running` are those that run before; `name` returns a guest's name.
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
        // The name in the call comes first: another guest may have the VMID that the new one asks for.
        let new_name = ["name", "hostname"].iter().find_map(|key| write.parameters.get(*key).and_then(text));
        let new_name = new_name.filter(|_| matches!(what, GuestAction::Create | GuestAction::Clone));
        let name = new_name.or_else(|| name(&identity));
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

/// Rounds a duration to a tenth of a second.
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
        let rows: Vec<_> =
            events.iter().map(|event| (event.at, event.identity.as_str(), event.what, event.down)).collect();
        assert_eq!(
            rows,
            [
                (0.0, "qemu/1", GuestAction::Stop, None),
                (1.0, "qemu/2", GuestAction::Start, None),
                (1.5, "qemu/1", GuestAction::Start, Some(1.5)),
                (2.0, "qemu/3", GuestAction::Clone, None),
                (3.0, "lxc/4", GuestAction::Destroy, None),
            ]
        );
        assert_eq!(events[3].failure.as_deref(), Some("no space"));
        assert_eq!(events[3].other.as_deref(), Some("qemu/9"));
    }
}
