//! Derived status of guests, from the cluster's resources and their configurations.

use serde_json::{Value, json};

use super::deriver::{Derivation, Deriver, Row};
use super::running_vm;
use crate::object::text;
use crate::property::Properties;
use crate::schema::Release;
use crate::{Answer, Answers, ApiPath, Unreadable, agent, boolean, processors};

const MEBIBYTE: u64 = 1 << 20;

/// Swap of a container whose configuration has none, in MiB (`pve-container`).
const DEFAULT_SWAP: u64 = 512;

/// `status/current`, `config?current=1` and the lists of a node's guests.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    match (segments, query) {
        (["nodes", node, guest_type @ ("qemu" | "lxc"), vmid, "status", "current"], []) => {
            let Some(guest) = deriver.row(&ApiPath::parse("cluster/resources"), "vmid", vmid)? else { return Ok(None) };
            let Some(mut status) = status(deriver, node, guest_type, &guest)? else { return Ok(None) };
            complete(deriver, guest_type, &guest, &mut status)?;
            Ok(Some(Answer::ok(status.status.into())))
        }
        (["nodes", node, guest_type @ ("qemu" | "lxc"), vmid, "config"], [(key, value)])
            if key == "current" && value == "1" =>
        {
            current(deriver, &["nodes", node, guest_type, vmid])
        }
        (["nodes", node, guest_type @ ("qemu" | "lxc")], []) => list(deriver, node, guest_type),
        (["nodes", node, "qemu", vmid, "agent", command], []) => agent(deriver, node, vmid, command),
        _ => Ok(None),
    }
}

/// The answer of the guest agent, or Proxmox's refusal where it cannot be asked.
fn agent<A: Answers>(deriver: &Deriver<A>, node: &str, vmid: &str, command: &str) -> Derivation {
    let Some(guest) = deriver.row(&ApiPath::parse("cluster/resources"), "vmid", vmid)? else { return Ok(None) };
    let configuration =
        deriver.data(&ApiPath::new(["nodes", node, "qemu", vmid, "config"]).with_query("current", "1"))?;
    let configuration = match configuration {
        Some(configuration) => Some(configuration),
        None => current(deriver, &["nodes", node, "qemu", vmid])?.and_then(|answer| answer.data().cloned()),
    };
    let Some(Value::Object(configuration)) = configuration else { return Ok(None) };
    let running = guest.get("status").is_some_and(|status| status == "running");
    if let Some(why) = agent::unavailable(vmid, &configuration, running) {
        return Ok(Some(Answer::refusal(500, &why)));
    }
    // A virtual machine that already ran when it was recorded has its own contents, which only its recorded answers
    // show.
    if guest.get("uptime").and_then(Value::as_u64).is_some_and(|uptime| uptime > 0) {
        return Ok(None);
    }
    Ok(agent::answer(command, vmid, &configuration).map(|result| Answer::ok(json!({ "result": result }))))
}

/// The swap of a container whose configuration has none, in MiB: the schema's default, and none from 9.2 on.
fn default_swap(release: Release) -> u64 {
    if release >= Release::NineTwo { 0 } else { DEFAULT_SWAP }
}

/// A guest's row in its node's list, and the configuration that it was made from.
struct Status {
    status: Row,
    configuration: Row,
}

fn status<A: Answers>(
    deriver: &Deriver<A>,
    node: &str,
    guest_type: &str,
    guest: &Row,
) -> Result<Option<Status>, Unreadable> {
    let vmid = guest.get("vmid").and_then(text).unwrap_or_default();
    let Some(Value::Object(configuration)) =
        deriver.data(&ApiPath::new(["nodes", node, guest_type, &vmid, "config"]))?
    else {
        return Ok(None);
    };
    let machine = guest_type == "qemu";
    let mut status = guest.clone();
    status.retain(|key, value| match key.as_str() {
        "id" | "node" | "pool" | "hastate" => false,
        "type" | "diskread" | "diskwrite" => !machine,
        "memhost" => machine,
        "template" => *value == json!(1),
        _ => true,
    });
    let known = status.remove("maxcpu");
    let processors = if machine { None } else { container_processors(deriver, node, &vmid, &configuration)? };
    if let Some(cpus) = processors.or(known) {
        status.insert("cpus".to_owned(), cpus);
    }
    let number = |key: &str| configuration.get(key).and_then(text).and_then(|text| text.parse::<u64>().ok());
    let mut set = |key: &str, value: Value| drop(status.insert(key.to_owned(), value));
    if !machine {
        set("maxswap", json!(number("swap").unwrap_or(default_swap(deriver.release()?)) * MEBIBYTE));
        set("swap", json!(0));
    } else if let Some(balloon) = number("balloon").filter(|balloon| *balloon > 0) {
        set("balloon_min", json!(balloon * MEBIBYTE));
        set("shares", json!(number("shares").unwrap_or(1000)));
    }
    if machine && configuration.keys().any(|key| crate::key_names::matches("serial[n]", key)) {
        set("serial", json!(1));
    }
    if machine && status.get("status").is_some_and(|status| status == "running") {
        running_vm::listed(&mut status);
    }
    Ok(Some(Status { status, configuration }))
}

/// `cpus` of a container, by the configuration in force.
fn container_processors<A: Answers>(
    deriver: &Deriver<A>,
    node: &str,
    vmid: &str,
    configuration: &Row,
) -> Result<Option<Value>, Unreadable> {
    let host = deriver.row(&ApiPath::parse("cluster/resources"), "id", &format!("node/{node}"))?;
    let host = host.and_then(|row| row.get("maxcpu").and_then(Value::as_u64));
    let in_force = current(deriver, &["nodes", node, "lxc", vmid])?;
    let in_force = in_force.as_ref().and_then(|answer| answer.data()?.as_object());
    Ok(processors::of_container(in_force.unwrap_or(configuration), host))
}

/// The state that the HA manager reports of a service: none until it has looked at the service. Where the recording
/// lacks it, the cluster's list has it.
fn service_state<A: Answers>(
    deriver: &Deriver<A>,
    guest: &Row,
    sid: &str,
    wanted: String,
) -> Result<Value, Unreadable> {
    let manager = deriver.data(&ApiPath::parse("cluster/ha/status/manager_status"))?;
    Ok(match manager.as_ref().and_then(|manager| manager.get("manager_status")) {
        Some(manager) => manager["service_status"][sid]["state"].clone(),
        None => guest.get("hastate").and_then(text).unwrap_or(wanted).into(),
    })
}

/// Adds the keys that only the single answer has.
fn complete<A: Answers>(
    deriver: &Deriver<A>,
    guest_type: &str,
    guest: &Row,
    made: &mut Status,
) -> Result<(), Unreadable> {
    let word = |key: &str| guest.get(key).and_then(text).unwrap_or_default();
    let prefix = if guest_type == "qemu" { "vm" } else { "ct" };
    let sid = format!("{prefix}:{}", word("vmid"));
    let managed = deriver.row(&ApiPath::parse("cluster/ha/resources"), "sid", &sid)?;
    let ha = match managed.and_then(|row| row.get("state").and_then(text)).filter(|state| state != "ignored") {
        Some(state) => json!({ "managed": 1, "state": service_state(deriver, guest, &sid, state)? }),
        None => json!({ "managed": 0 }),
    };
    let status = &mut made.status;
    status.insert("ha".to_owned(), ha);
    if guest_type != "qemu" {
        return Ok(());
    }
    status.insert("qmpstatus".to_owned(), guest.get("status").cloned().unwrap_or_default());
    if word("status") == "running" {
        running_vm::asked(status, &made.configuration);
    }
    let configured = |key: &str| Some(Properties::parse(&made.configuration.get(key).and_then(text)?));
    if configured("agent").is_some_and(|agent| agent.get_or_bare("enabled").and_then(boolean::parse) == Some(true)) {
        status.insert("agent".to_owned(), json!(1));
    }
    if let Some(vga) = configured("vga") {
        status.insert("clipboard".to_owned(), json!(vga.get("clipboard")));
        if vga.get_or_bare("type").is_some_and(|kind| kind == "virtio" || kind.starts_with("qxl")) {
            status.insert("spice".to_owned(), json!(1));
        }
    }
    Ok(())
}

/// The configuration in force, without pending changes.
pub(super) fn current<A: Answers>(deriver: &Deriver<A>, guest: &[&str]) -> Derivation {
    let path = |what| ApiPath::new(guest.iter().copied().chain([what]));
    let Some(Value::Object(mut keys)) = deriver.data(&path("config"))? else { return Ok(None) };
    let Some(Value::Array(pending)) = deriver.data(&path("pending"))? else { return Ok(None) };
    for item in pending.iter().filter(|item| item.get("pending").is_some() || item.get("delete").is_some()) {
        let Some(key) = item.get("key").and_then(text) else { continue };
        match item.get("value") {
            Some(value) => drop(keys.insert(key, value.clone())),
            None => drop(keys.remove(&key)),
        }
    }
    Ok(Some(Answer::ok(keys.into())))
}

/// The guests of a node. `None` where the configuration of one is not on record.
fn list<A: Answers>(deriver: &Deriver<A>, node: &str, guest_type: &str) -> Derivation {
    let Some(guests) = deriver.rows(&ApiPath::parse("cluster/resources"), "vmid")? else { return Ok(None) };
    let mut rows = Vec::new();
    for guest in guests.values() {
        let is = |key: &str, value: &str| guest.get(key).and_then(Value::as_str) == Some(value);
        if !is("node", node) || !is("type", guest_type) {
            continue;
        }
        let Some(made) = status(deriver, node, guest_type, guest)? else { return Ok(None) };
        rows.push(Value::Object(made.status));
    }
    Ok(Some(Answer::ok(rows.into())))
}
