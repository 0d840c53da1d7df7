//! Changes of a guest's configuration: those that come into force at once, and those that wait.

use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, GuestKind, unlocked};
use super::keys::{is_numbered, is_on, word};
use super::network_devices;
use super::stored_configuration::{StoredConfiguration, same_version};
use super::{checks, cloud_init, disks, hotplug, implied_changes};
use crate::call::{Call, PROTECTED, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

/// Parameters that are no keys of the configuration.
const NOT_KEPT: [&str; 8] =
    ["background_delay", "delete", "digest", "force", "import-working-storage", "revert", "skiplock", "vmid"];

/// `PUT config`.
pub(super) fn change(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, stored) = checked(transaction, call)?;
    if guest.kind == GuestKind::VirtualMachine {
        if let Err(stopped) = checks::in_turn(transaction, call, &stored)? {
            return Err(keep(transaction, call, &guest, stored, *stopped)?);
        }
        transaction.note(call, &guest.node, &log_text(call));
    }
    apply(transaction, call, &guest, stored, &mut TaskLog::new())?;
    Ok(Value::Null)
}

/// Keeps the keys that Proxmox may have written before it refused one of several: they wait for the next start. Returns
/// the refusal, which is answered although these changes count.
fn keep(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    mut stored: StoredConfiguration,
    stopped: checks::PartialRefusal,
) -> Result<Refusal, Refusal> {
    let checks::PartialRefusal { refusal, taken, given } = stopped;
    let before = (stored.pending.clone(), stored.leaving.clone());
    for key in call.list("revert") {
        stored.pending.remove(&key);
        stored.leaving.remove(&key);
    }
    for key in taken {
        stored.pending.remove(&key);
        if stored.keys.contains_key(&key) {
            stored.leaving.insert(key, call.flag("force"));
        }
    }
    for (key, value) in given {
        let own = word(&stored.after_start(), &key);
        let made = transaction
            .attempt(|transaction| kept_over(transaction, guest, (&key, value), own.as_deref(), &mut TaskLog::new()));
        let Ok(value) = made else { continue };
        stored.leaving.remove(&key);
        if stored.keys.get(&key) != Some(&value) {
            stored.pending.insert(key, value);
        }
    }
    if before == (stored.pending.clone(), stored.leaving.clone()) {
        return Ok(refusal);
    }
    stored.write(transaction, guest)?;
    Ok(Refusal::InPart(Box::new(refusal)))
}

/// Text of the cluster's log about a change: `update VM 100: -cores 2 -delete scsi1`.
fn log_text(call: &Call) -> String {
    const UNTOLD: [&str; 5] = ["background_delay", "digest", "import-working-storage", "node", "vmid"];
    let mut words = vec![format!("update VM {}:", call.text("vmid").unwrap_or_default())];
    for key in call.parameters.keys().filter(|key| !UNTOLD.contains(&key.as_str())) {
        // Disks that are unlinked are deleted keys.
        let name = if key == "idlist" { "delete" } else { key };
        let value = if key == "cipassword" { "<hidden>".to_owned() } else { call.text(key).unwrap_or_default() };
        words.push(format!("-{name} {value}"));
    }
    words.join(" ")
}

/// `PUT unlink`: takes disks off; keys that do not exist are skipped.
pub(super) fn unlink(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    let running = guest.is_running(transaction)?;
    transaction.note(call, &guest.node, &log_text(call));
    for key in call.list("idlist") {
        remove(transaction, &guest, &mut stored, (&key, call.flag("force")), running)?;
    }
    stored.write(transaction, &guest)?;
    Ok(Value::Null)
}

/// `POST config`: the same in a task.
pub(super) fn change_in_a_task(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, stored) = checked(transaction, call)?;
    if guest.kind == GuestKind::VirtualMachine
        && let Err(stopped) = checks::in_turn(transaction, call, &stored)?
    {
        return Err(stopped.refusal);
    }
    let node = guest.node.clone();
    transaction.task(call, &node, "qmconfig", &guest.vmid, |transaction, log| {
        transaction.note(call, &guest.node, &log_text(call));
        log.push(log_text(call));
        apply(transaction, call, &guest, stored, log)
    })
}

/// Checks before anything is changed.
fn checked(transaction: &Transaction, call: &Call) -> Result<(Guest, StoredConfiguration), Refusal> {
    let guest = Guest::of(call);
    if guest.kind == GuestKind::VirtualMachine {
        let stored = checks::change(transaction, call, &guest)?;
        return Ok((guest, stored));
    }
    let given = kept_parameters(call);
    if given.is_empty() && call.list("delete").is_empty() && call.list("revert").is_empty() {
        return Err(Refusal::failed("no options specified"));
    }
    for key in call.list("delete") {
        if given.contains_key(&key) {
            let why = format!("you can't use '-{key}' and -delete {key}' at the same time");
            return Err(Refusal::parameter("delete", why));
        }
    }
    bind_mounts(call, &guest, &given)?;
    disks::check(transaction, &guest, &given)?;
    let stored = StoredConfiguration::read(transaction, &guest)?;
    same_version(call, &stored)?;
    if !call.flag("skiplock") {
        unlocked(&guest, &stored.keys)?;
    }
    Ok((guest, stored))
}

/// Refuses bind mounts to logins other than root.
fn bind_mounts(call: &Call, guest: &Guest, given: &Row) -> Result<(), Refusal> {
    let is_bind = |(key, value): (&String, &Value)| {
        key.starts_with("mp") && drives::is_disk(key) && value.as_str().is_some_and(|text| text.starts_with('/'))
    };
    if guest.kind == GuestKind::VirtualMachine || call.login.is_root() || !given.iter().any(is_bind) {
        return Ok(());
    }
    let text = "Permission check failed (mount point type bind is only allowed for root@pam)".to_owned();
    Err(Refusal::Message { status: 403, text })
}

fn kept_parameters(call: &Call) -> Row {
    let mut given = call.given();
    given.retain(|key, _| !NOT_KEPT.contains(&key.as_str()));
    checks::named_cdrom(&mut given);
    given
}

fn apply(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    mut stored: StoredConfiguration,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let given = kept_parameters(call);
    let mut all =
        if guest.kind == GuestKind::VirtualMachine { implied_changes::of(call, &given, &stored) } else { Row::new() };
    all.extend(given);
    let running = guest.is_running(transaction)?;
    for key in call.list("revert") {
        stored.pending.remove(&key);
        stored.leaving.remove(&key);
    }
    for key in call.list("delete") {
        remove(transaction, guest, &mut stored, (&key, call.flag("force")), running)?;
    }
    for (key, value) in all {
        if key == "cipassword" && guest.kind == GuestKind::VirtualMachine {
            let password = value.as_str().unwrap_or_default();
            cloud_init::set_password(transaction, guest, &stored.after_start(), password);
        }
        let own = word(&stored.after_start(), &key);
        let value = kept_over(transaction, guest, (&key, value), own.as_deref(), log)?;
        put(transaction, guest, &mut stored, (&key, value), running)?;
    }
    stored.write(transaction, guest)
}

/// Takes a key away, or notes that it goes with the next start.
fn remove(
    transaction: &mut Transaction,
    guest: &Guest,
    stored: &mut StoredConfiguration,
    (key, forced): (&str, bool),
    running: bool,
) -> Result<(), Refusal> {
    stored.pending.remove(key);
    let waits = guest.kind == GuestKind::VirtualMachine && !hotplug::takes(&stored.keys, key);
    if guest.kind == GuestKind::VirtualMachine && drives::is_disk(key) && is_on(&stored.keys, "protection") {
        let Some(value) = word(&stored.keys, key) else { return Ok(()) };
        let what = if key.starts_with("unused") { format!("unused disk '{value}'") } else { format!("drive '{key}'") };
        return Err(Refusal::failed(format!("can't remove {what} - {PROTECTED} enabled")));
    }
    if key == "cipassword" {
        cloud_init::forget(transaction, guest);
    }
    if key == "protection" || !is_on(&stored.keys, "protection") || !drives::is_disk(key) {
        if running && waits && stored.keys.contains_key(key) {
            stored.leaving.insert(key.to_owned(), forced);
            return Ok(());
        }
        if running {
            cloud_init::changed(transaction, guest, &stored.keys, key, None);
        }
        if drives::is_disk(key) {
            return disks::detach(transaction, guest, &mut stored.keys, (key, forced));
        }
        stored.keys.remove(key);
        return Ok(());
    }
    let title = guest.title();
    Err(Refusal::failed(format!("can't remove unused disk/drive '{key}' of {title} - {PROTECTED} enabled")))
}

/// Puts a value in force, or notes that it comes with the next start.
fn put(
    transaction: &mut Transaction,
    guest: &Guest,
    stored: &mut StoredConfiguration,
    (key, value): (&str, Value),
    running: bool,
) -> Result<(), Refusal> {
    stored.leaving.remove(key);
    stored.pending.remove(key);
    if stored.keys.get(key) == Some(&value) {
        return Ok(());
    }
    let text = proxmox_mpc_model::object::text(&value).unwrap_or_default();
    if running && guest.kind == GuestKind::VirtualMachine && !hotplug::sets(&stored.keys, key, &text)? {
        stored.pending.insert(key.to_owned(), value);
        return Ok(());
    }
    if running {
        cloud_init::changed(transaction, guest, &stored.keys, key, Some(&value));
    } else if drives::is_disk(key) && proxmox_mpc_model::drive::Drive::parse(&text).is_cloudinit() {
        cloud_init::written(transaction, guest);
    }
    let volume = |value: &Value| value.as_str().map(|text| proxmox_mpc_model::drive::Drive::parse(text).volume);
    let replaced = stored.keys.get(key).is_some_and(|own| volume(own) != volume(&value));
    if drives::is_disk(key) && replaced {
        disks::detach(transaction, guest, &mut stored.keys, (key, false))?;
    }
    stored.keys.insert(key.to_owned(), value.clone());
    if drives::is_disk(key) && !key.starts_with("unused") {
        let own = volume(&value);
        stored.keys.retain(|other, held| !other.starts_with("unused") || volume(held) != own);
    }
    Ok(())
}

/// A value as Proxmox keeps it in a new guest.
pub(super) fn kept(
    transaction: &mut Transaction,
    guest: &Guest,
    keyed: (&str, Value),
    log: &mut TaskLog,
) -> Result<Value, Refusal> {
    kept_over(transaction, guest, keyed, None, log)
}

/// A value as Proxmox keeps it over the one that was there.
fn kept_over(
    transaction: &mut Transaction,
    guest: &Guest,
    (key, value): (&str, Value),
    own: Option<&str>,
    log: &mut TaskLog,
) -> Result<Value, Refusal> {
    // Numbers with a fraction stay text.
    if matches!(key, "cpulimit" | "migrate_downtime") {
        return Ok(proxmox_mpc_model::object::text(&value).map_or(value, Value::from));
    }
    let Some(text) = value.as_str() else { return Ok(value) };
    Ok(match key {
        "cipassword" => json!("**********"),
        "description" if guest.kind == GuestKind::Container => json!(format!("{}\n", text.trim_end_matches('\n'))),
        "description" => json!(text.trim_end()),
        _ if text.is_empty() => json!(" "),
        _ if drives::is_disk(key) => json!(disks::make(transaction, guest, (key, text), log)?),
        _ if is_numbered(key, "net") && guest.kind == GuestKind::VirtualMachine => {
            json!(network_devices::network(transaction, text, own.unwrap_or_default())?)
        }
        _ if is_numbered(key, "net") => json!(interface(transaction, text)?),
        _ => value,
    })
}

/// A container's network device as it is kept: its name first, with an address and a type.
fn interface(transaction: &Transaction, text: &str) -> Result<String, Refusal> {
    let mut rest = drives::options(text);
    let name = rest.iter().position(|(key, _)| key == "name").map(|at| rest.remove(at).1).unwrap_or_default();
    if !rest.iter().any(|(key, _)| key == "hwaddr") {
        rest.push(("hwaddr".to_owned(), network_devices::mac(transaction)?));
    }
    if !rest.iter().any(|(key, _)| key == "type") {
        rest.push(("type".to_owned(), "veth".to_owned()));
    }
    Ok(drives::drive_text(&format!("name={name}"), &rest))
}
