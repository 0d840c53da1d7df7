//! Changes of a container's configuration (`update_pct_config` of `pve-container`): each change waits, and comes into
//! force at once where the container is stopped or can be changed while it runs.

use std::collections::BTreeSet;

use proxmox_mpc_model::schema::Errors;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::{Value, json};

use super::mounts::{Mount, MountKind, is_mount};
use super::new_volume::allocate;
use super::rights_checks::ContainerChange;
use crate::call::{Call, PROTECTED, Refusal};
use crate::rights::ContainerRights;
use crate::rights::Rights;
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};
use crate::writes::guests::drives;
use crate::writes::guests::guest::{Guest, unlocked};
use crate::writes::guests::keys::{is_on, word};
use crate::writes::guests::network_devices;
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::Storage;
use crate::writes::guests::{replication, volumes};

/// Parameters that are no keys of the configuration.
const NOT_KEPT: [&str; 3] = ["delete", "digest", "revert"];
/// Keys that always come into force at once while a container runs.
const AT_ONCE: [&str; 9] =
    ["cores", "description", "hookscript", "hostname", "lock", "onboot", "protection", "startup", "tags"];
/// Keys that Proxmox sets and takes away in the control groups of a running container.
const LIMITS: [&str; 3] = ["cpulimit", "cpuunits", "swap"];

/// `PUT config`.
pub(super) fn change(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let mut given = call.given();
    given.retain(|key, _| !NOT_KEPT.contains(&key.as_str()));
    let (delete, revert) = (call.list("delete"), call.list("revert"));
    if given.is_empty() && delete.is_empty() && revert.is_empty() {
        return Err(Refusal::failed("no options specified"));
    }
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    same_version(call, "digest", &stored)?;
    let rights = Rights::of_call(transaction, call)?;
    let container = ContainerRights::new(rights.as_ref(), transaction, call, None);
    let permitted = ContainerChange::new(call, container, is_on(&stored.keys, "unprivileged"));
    permitted.takes(&delete, &stored.keys)?;
    permitted.takes(&revert, &stored.keys)?;
    known(call, &given, &delete, &revert)?;
    permitted.gives(&given, Some(&stored.keys))?;
    replicable(transaction, &guest, &given)?;
    for key in &revert {
        stored.pending.remove(key);
        stored.leaving.remove(key);
    }
    let changed = wait(transaction, &guest, &mut stored, given, &delete)?;
    apply(transaction, &guest, &mut stored, Some(&changed))?;
    stored.write(transaction, &guest)?;
    Ok(Value::Null)
}

/// Refuses a call whose client has read another version of the configuration (`assert_if_modified`).
pub(super) fn same_version(call: &Call, parameter: &str, stored: &StoredConfiguration) -> Result<(), Refusal> {
    let (given, own) = (call.text(parameter), stored.digest.as_ref().and_then(Value::as_str));
    match (given, own) {
        (Some(given), Some(own)) if !given.is_empty() && given != own => {
            Err(Refusal::failed("detected modified configuration - file changed by other user? Try again."))
        }
        _ => Ok(()),
    }
}

/// Refuses to revert or to delete a key that is not an option, or is set in the same call.
fn known(call: &Call, given: &Row, delete: &[String], revert: &[String]) -> Result<(), Refusal> {
    let is_option =
        |key: &str| !NOT_KEPT.contains(&key) && !call.captured.contains(&key) && call.method.parameter(key).is_some();
    for key in revert {
        if !is_option(key) {
            return Err(Refusal::parameter("revert", format!("unknown option '{key}'")));
        }
        if given.contains_key(key) {
            let why = format!("you can't use '-{key}' and '-revert {key}' at the same time");
            return Err(Refusal::parameter("revert", why));
        }
    }
    for key in delete {
        if !is_option(key) {
            return Err(Refusal::parameter("delete", format!("unknown option '{key}'")));
        }
        if given.contains_key(key) {
            let why = format!("you can't use '-{key}' and -delete {key}' at the same time");
            return Err(Refusal::parameter("delete", why));
        }
        if revert.contains(key) {
            let why = format!("you can't use '-delete {key}' and '-revert {key}' at the same time");
            return Err(Refusal::parameter("delete", why));
        }
    }
    Ok(())
}

/// Refuses new volumes that cannot be replicated to a container that is replicated.
fn replicable(transaction: &Transaction, guest: &Guest, given: &Row) -> Result<(), Refusal> {
    if !replication::is_replicated(transaction, &guest.vmid)? {
        return Ok(());
    }
    for (_, value) in given.iter().filter(|(key, _)| is_mount(key)) {
        let mount = Mount::parse(value.as_str().unwrap_or_default());
        if mount.option("replicate") == Some("0") {
            continue;
        }
        let storage = mount.volume.split_once(':').filter(|_| mount.kind() == MountKind::Volume);
        let row = match storage {
            Some((storage, _)) => transaction.row(&ApiPath::parse("storage"), "storage", storage)?,
            None => None,
        };
        if !row.is_some_and(|row| word(&row, "type").as_deref() == Some("zfspool") || is_on(&row, "shared")) {
            return Err(Refusal::failed("cannot add non-replicatable volume to a replicated VM"));
        }
    }
    Ok(())
}

/// Notes the changes as pending, and returns their keys.
fn wait(
    transaction: &Transaction,
    guest: &Guest,
    stored: &mut StoredConfiguration,
    given: Row,
    delete: &[String],
) -> Result<BTreeSet<String>, Refusal> {
    let mut changed = BTreeSet::new();
    let protected = is_on(&stored.keys, "protection");
    for key in delete {
        if !stored.keys.contains_key(key) && !stored.pending.contains_key(key) {
            continue;
        }
        changed.insert(key.clone());
        match key.as_str() {
            "memory" | "ostype" | "rootfs" => {
                return Err(Refusal::failed(format!("unable to delete required option '{key}'")));
            }
            "unprivileged" => return Err(Refusal::failed("unable to delete read-only option: 'unprivileged'")),
            _ if protected && drives::is_disk(key) => {
                let why = format!("can't remove {} drive '{key}' - {PROTECTED} enabled", guest.title());
                return Err(Refusal::failed(why));
            }
            _ => {}
        }
        stored.pending.remove(key);
        if stored.keys.contains_key(key) {
            stored.leaving.insert(key.clone(), false);
        }
    }
    for (key, value) in given {
        if key == "unprivileged" {
            return Err(Refusal::failed("unable to modify read-only option: 'unprivileged'"));
        }
        if is_mount(&key) {
            mountable(transaction, guest, (&key, value.as_str().unwrap_or_default()), protected)?;
        }
        let value = kept(transaction, &key, value)?;
        stored.leaving.remove(&key);
        if stored.keys.get(&key) == Some(&value) {
            stored.pending.remove(&key);
        } else {
            stored.pending.insert(key.clone(), value);
        }
        changed.insert(key);
    }
    Ok(changed)
}

/// Refuses a mount point of a protected container, and one on a storage that is not for containers.
fn mountable(
    transaction: &Transaction,
    guest: &Guest,
    (key, value): (&str, &str),
    protected: bool,
) -> Result<(), Refusal> {
    if protected {
        let why = format!("can't update {} drive '{key}' - {PROTECTED} enabled", guest.title());
        return Err(Refusal::failed(why));
    }
    let mount = Mount::parse(value);
    if mount.kind() != MountKind::Volume {
        return Ok(());
    }
    let Some((storage, _)) = mount.volume.split_once(':') else {
        return Err(Refusal::failed(format!("unable to parse volume ID '{}'", mount.volume)));
    };
    if Storage::named(transaction, storage)?.holds("rootdir") {
        return Ok(());
    }
    Err(Refusal::failed(format!("storage '{storage}' does not allow content type 'rootdir' (Container)")))
}

/// A value as it is written down.
pub(super) fn kept(transaction: &Transaction, key: &str, value: Value) -> Result<Value, Refusal> {
    if key == "cpulimit" {
        // A number with a fraction stays text.
        return Ok(proxmox_mpc_model::object::text(&value).map_or(value, Value::from));
    }
    let Some(text) = value.as_str() else { return Ok(value) };
    Ok(match key {
        "nameserver" | "searchdomain" if !text.is_empty() => {
            json!(list::items(text).collect::<Vec<_>>().join(" "))
        }
        "description" => json!(format!("{}\n", text.trim_end_matches('\n'))),
        "tags" => json!(tags(transaction, text)?),
        _ if text.is_empty() => json!(" "),
        _ if is_network(key) => json!(interface(transaction, text)?),
        _ => value,
    })
}

/// Tags as they are kept: each once, sorted and in small letters unless the datacenter says otherwise
/// (`get_unique_tags` of `pve-guest-common`).
fn tags(transaction: &Transaction, text: &str) -> Result<String, Refusal> {
    let options = transaction.object(&ApiPath::parse("cluster/options"))?;
    let style = options.get("tag-style").and_then(Value::as_object).cloned().unwrap_or_default();
    let case_sensitive = is_on(&style, "case-sensitive");
    let folded = |tag: &str| if case_sensitive { tag.to_owned() } else { tag.to_lowercase() };
    let mut tags: Vec<String> = list::items(text).map(folded).collect();
    if word(&style, "ordering").as_deref() != Some("config") {
        tags.sort();
    }
    let mut seen = BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    Ok(if tags.is_empty() { " ".to_owned() } else { tags.join(";") })
}

fn is_network(key: &str) -> bool {
    key.strip_prefix("net").is_some_and(|rest| rest.parse::<u8>().is_ok())
}

/// A network device as it is kept: its name first, with an address, which Proxmox makes up whenever none is given, and
/// a type.
pub(super) fn interface(transaction: &Transaction, text: &str) -> Result<String, Refusal> {
    let mut rest = drives::options(text);
    let name = rest.iter().position(|(key, _)| key == "name").map(|at| rest.remove(at).1).unwrap_or_default();
    if !rest.iter().any(|(key, _)| key == "hwaddr") {
        rest.push(("hwaddr".to_owned(), network_devices::mac(transaction)?));
    }
    rest.retain(|(key, _)| key != "type");
    rest.push(("type".to_owned(), "veth".to_owned()));
    Ok(drives::drive_text(&format!("name={name}"), &rest))
}

/// Brings pending changes into force, as at the start of a container.
pub(in super::super) fn settle(
    transaction: &mut Transaction,
    guest: &Guest,
    stored: &mut StoredConfiguration,
) -> Result<(), Refusal> {
    let waiting: BTreeSet<String> = stored.pending.keys().chain(stored.leaving.keys()).cloned().collect();
    put_in_force(transaction, guest, stored, &waiting)
}

/// Brings pending changes into force, without those that a running container has to be started again for; `only` these
/// keys.
fn apply(
    transaction: &mut Transaction,
    guest: &Guest,
    stored: &mut StoredConfiguration,
    only: Option<&BTreeSet<String>>,
) -> Result<(), Refusal> {
    let running = guest.is_running(transaction)?;
    let waiting = stored.pending.keys().chain(stored.leaving.keys());
    let waiting = waiting.filter(|key| only.is_none_or(|only| only.contains(*key)));
    let ready = waiting.filter(|key| !running || is_hot(stored, key)).cloned().collect();
    put_in_force(transaction, guest, stored, &ready)
}

/// Reports whether a change of a key is made while the container runs.
fn is_hot(stored: &StoredConfiguration, key: &str) -> bool {
    if AT_ONCE.contains(&key) || LIMITS.contains(&key) || is_network(key) {
        return true;
    }
    if stored.leaving.contains_key(key) {
        return key.starts_with("unused");
    }
    // Mount points and devices are added, not changed.
    let added = is_mount(key) && key != "rootfs" || key.starts_with("dev");
    key == "memory" || added && !stored.keys.contains_key(key)
}

fn put_in_force(
    transaction: &mut Transaction,
    guest: &Guest,
    stored: &mut StoredConfiguration,
    ready: &BTreeSet<String>,
) -> Result<(), Refusal> {
    for key in ready.iter().filter(|key| stored.leaving.contains_key(*key)).cloned().collect::<Vec<_>>() {
        stored.leaving.remove(&key);
        let Some(value) = stored.keys.remove(&key) else { continue };
        let text = value.as_str().unwrap_or_default();
        if let Some(volume) = Mount::parse(text).stored().filter(|_| drives::is_disk(&key)) {
            let_go(transaction, guest, &mut stored.keys, &key, &volume)?;
        }
    }
    for key in ready {
        let Some(value) = stored.pending.remove(key) else { continue };
        let value = match value.as_str().filter(|_| is_mount(key) && key != "rootfs") {
            Some(text) => json!(mounted(transaction, guest, key, text)?),
            None => value,
        };
        let before = stored.keys.insert(key.clone(), value);
        let old = before.and_then(|text| Mount::parse(text.as_str()?).stored()).filter(|_| is_mount(key));
        if let Some(old) = old.filter(|_| key != "rootfs") {
            let_go(transaction, guest, &mut stored.keys, key, &old)?;
        }
    }
    Ok(())
}

/// The value of a mount point whose volume is made, or looked up.
fn mounted(transaction: &mut Transaction, guest: &Guest, key: &str, text: &str) -> Result<String, Refusal> {
    let mut mount = Mount::parse(text);
    let failed = |why: String| {
        Refusal::Parameters(Errors::from([(key.to_owned(), format!("unable to apply pending change {key} : {why}\n"))]))
    };
    if let Some((storage, bytes)) = mount.wish() {
        let made = allocate(transaction, guest, (&storage, bytes), &mut TaskLog::new());
        mount.volume = made.map_err(|refusal| failed(refusal.text()))?;
        mount.resize(bytes);
    } else if let Some(volume) = mount.stored() {
        let Some(row) = volumes::row(transaction, &guest.node, &volume)? else {
            return Err(failed(format!("volume '{volume}' does not exist")));
        };
        if let Some(bytes) = row.get("size").and_then(Value::as_u64) {
            mount.resize(bytes);
        }
    }
    Ok(mount.text(key))
}

/// Detaches a volume: one that was unused is freed, one that was mounted stays as unused.
fn let_go(
    transaction: &mut Transaction,
    guest: &Guest,
    keys: &mut Row,
    key: &str,
    volume: &VolumeId,
) -> Result<(), Refusal> {
    let stands_on = |text: &str| Mount::parse(text).stored().as_ref() == Some(volume);
    let is_named = keys.iter().any(|(key, value)| drives::is_disk(key) && value.as_str().is_some_and(stands_on));
    if is_named {
        return Ok(());
    }
    if !key.starts_with("unused") {
        keep_unused(keys, volume);
    } else if drives::is_own(guest, volume) && !in_snapshot(transaction, guest, volume)? {
        volumes::free(transaction, &guest.node, volume)?;
    }
    Ok(())
}

/// Keeps a volume under the first `unusedN` that is free.
pub(super) fn keep_unused(keys: &mut Row, volume: &VolumeId) {
    let held = keys.iter().any(|(key, value)| key.starts_with("unused") && value.as_str() == Some(volume.as_str()));
    let free = (0..256).map(|number| format!("unused{number}")).find(|key| !keys.contains_key(key));
    if let Some(free) = free.filter(|_| !held) {
        keys.insert(free, json!(volume.as_str()));
    }
}

/// Reports whether a snapshot of the container stands on a volume.
pub(super) fn in_snapshot(transaction: &Transaction, guest: &Guest, volume: &VolumeId) -> Result<bool, Refusal> {
    for row in transaction.rows(&guest.path(&["snapshot"]))? {
        let Some(name) = word(&row, "name").filter(|name| name != "current") else { continue };
        let keys = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        let stands_on =
            |value: &Value| value.as_str().is_some_and(|text| Mount::parse(text).stored().as_ref() == Some(volume));
        if keys.iter().any(|(key, value)| is_mount(key) && stands_on(value)) {
            return Ok(true);
        }
    }
    Ok(false)
}
