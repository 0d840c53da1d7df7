//! New containers from templates.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::mounts::{Mount, MountKind, is_mount};
use super::new_volume::allocate;
use super::rights_checks::ContainerChange;
use super::{configuration, template};
use crate::call::{Call, EXISTS, Refusal};
use crate::rights::ContainerRights;
use crate::rights::Rights;
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};
use crate::writes::guests::guest::{Guest, resources};
use crate::writes::guests::ha_requests;
use crate::writes::guests::keys::word;
use crate::writes::guests::new_guest;
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::Storage;
use crate::writes::guests::{power, restore, ssh_keys, startable, volumes};

/// Parameters that are no keys of the configuration. Keys and passwords go into the container, where no API shows them.
const NOT_KEPT: [&str; 13] = [
    "bwlimit",
    "force",
    "ha-managed",
    "ignore-unpack-errors",
    "ostemplate",
    "password",
    "pool",
    "restore",
    "ssh-public-keys",
    "start",
    "storage",
    "unique",
    "unprivileged",
];
/// Memory of a container that gives none, in MiB.
const DEFAULT_MEMORY: u64 = 512;
const DEFAULT_SWAP: u64 = 512;
/// The size of its root file system where no size is given, in GiB.
const DEFAULT_ROOT: u64 = 4;

/// `POST lxc`: a task that makes the volumes, unpacks the template and writes the configuration.
pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest { vmid: call.required("vmid")?, ..Guest::of(call) };
    if call.flag("restore") {
        let mut given = call.given();
        given.retain(|key, _| !NOT_KEPT.contains(&key.as_str()) && key != "vmid");
        return restore::restore(transaction, call, &guest, &call.required("ostemplate")?, given);
    }
    // The order of `create_vm` of `pve-container`: the rights to what the container is, the number, the keys, the pool, then
    // the options and the storages. A template that is missing is the task's matter: the storage is refused before it is
    // looked for (recorded: `ct_create_missing_vol`).
    let unprivileged = call.text("unprivileged").is_none_or(|value| value == "1");
    let rights = Rights::of_call(transaction, call)?;
    let container = ContainerRights::new(rights.as_ref(), transaction, call, call.text("pool"));
    if !unprivileged {
        container.privileged()?;
    }
    if call.flag("ha-managed") {
        container.managed()?;
    }
    unused(transaction, &guest.vmid)?;
    if let Some(keys) = call.text("ssh-public-keys") {
        ssh_keys::check_plain(&keys)?;
    }
    let pool = call.text("pool");
    if let Some(pool) = &pool
        && transaction.row(&ApiPath::parse("pools"), "poolid", pool)?.is_none()
    {
        let text = format!("Permission check failed (pool '{pool}' does not exist)");
        return Err(Refusal::Message { status: 403, text });
    }
    let wanted =
        WantedContainer::read(transaction, call, &guest, &ContainerChange::new(call, container, unprivileged))?;
    let node = guest.node.clone();
    transaction.task(call, &node, "vzcreate", &guest.vmid, |transaction, log| {
        let context = format!("unable to create CT {} -", guest.vmid);
        make(transaction, &guest, &wanted, log).map_err(|refusal| match refusal {
            Refusal::Message { status, text } => Refusal::Message { status, text: format!("{context} {text}") },
            other => other,
        })?;
        if let Some(pool) = &pool {
            new_guest::join(transaction, &guest, pool)?;
        }
        // A start that fails is no failure of the creation: it has its own task.
        if call.flag("start") && startable::check(transaction, &guest).is_ok() {
            power::run(transaction, &guest, true)?;
        }
        if call.flag("ha-managed") {
            log.push("Add as HA resource".to_owned());
            manage(transaction, &guest, call.flag("start"))?;
        }
        Ok(())
    })
}

/// Refuses a number that is taken (`check_vmid_unused`).
pub(super) fn unused(transaction: &Transaction, vmid: &str) -> Result<(), Refusal> {
    let taken = |kind: &str| transaction.row(&resources(), "id", &format!("{kind}/{vmid}"));
    let Some(row) = taken("qemu")?.or(taken("lxc")?) else { return Ok(()) };
    let kind = if word(&row, "type").as_deref() == Some("lxc") { "CT" } else { "VM" };
    let node = word(&row, "node").unwrap_or_default();
    Err(Refusal::failed(format!("{kind} {vmid} {EXISTS} on node '{node}'")))
}

/// Container that a call asks for, its mount points apart.
struct WantedContainer {
    template: VolumeId,
    keys: Row,
    mounts: Vec<(String, Mount)>,
    unprivileged: bool,
}

impl WantedContainer {
    /// Reads the wanted container, and does the checks that Proxmox does before its task begins.
    fn read(
        transaction: &Transaction,
        call: &Call,
        guest: &Guest,
        permitted: &ContainerChange<'_>,
    ) -> Result<Self, Refusal> {
        let mut keys = call.given();
        keys.retain(|key, _| !NOT_KEPT.contains(&key.as_str()) && key != "vmid" && !key.starts_with("unused"));
        permitted.gives(&keys, None)?;
        let template = template_volume(&call.required("ostemplate")?)?;
        let storage = call.text("storage").unwrap_or_else(|| "local".to_owned());
        let names: Vec<String> = keys.keys().filter(|key| is_mount(key)).cloned().collect();
        let mut mounts = Vec::new();
        for key in names {
            let value = keys.remove(&key).and_then(|value| proxmox_mpc_model::object::text(&value)).unwrap_or_default();
            let is_size = !value.is_empty() && value.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
            let value = if is_size { format!("{storage}:{value}") } else { value };
            mounts.push((key, Mount::parse(&value)));
        }
        // `foreach_volume` begins with the root file system.
        mounts.sort_by_key(|(key, _)| (key != "rootfs", key.clone()));
        if mounts.first().is_some_and(|(key, _)| key != "rootfs") {
            return Err(Refusal::failed("mount points configured, but 'rootfs' not set - aborting"));
        }
        for (_, mount) in mounts.iter().filter(|(_, mount)| mount.kind() == MountKind::Volume) {
            let Some((storage, _)) = mount.volume.split_once(':') else {
                return Err(Refusal::failed(format!("unable to parse volume ID '{}'", mount.volume)));
            };
            usable(transaction, storage, &guest.node)?;
        }
        if mounts.is_empty() {
            usable(transaction, &storage, &guest.node)?;
            mounts.push(("rootfs".to_owned(), Mount::parse(&format!("{storage}:{DEFAULT_ROOT}"))));
        }
        Ok(Self { template, keys, mounts, unprivileged: permitted.unprivileged })
    }
}

/// The template that is named; a path of the node is for root alone.
fn template_volume(named: &str) -> Result<VolumeId, Refusal> {
    let Some(volume) = VolumeId::parse(named) else {
        return Err(Refusal::failed("Only root can pass arbitrary filesystem paths."));
    };
    if volume.name().starts_with("vztmpl/") {
        return Ok(volume);
    }
    Err(Refusal::failed(format!("unable to use volume {volume} - content type needs to be 'vztmpl'")))
}

/// Refuses a storage that does not exist, or is not for containers.
fn usable(transaction: &Transaction, storage: &str, node: &str) -> Result<(), Refusal> {
    if Storage::enabled(transaction, storage, node)?.holds("rootdir") {
        return Ok(());
    }
    Err(Refusal::parameter("storage", format!("storage '{storage}' does not support container directories")))
}

/// Makes the volumes, unpacks the template and writes the configuration.
fn make(
    transaction: &mut Transaction,
    guest: &Guest,
    wanted: &WantedContainer,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let mut stored = StoredConfiguration::default();
    for (key, value) in wanted.keys.clone() {
        let value = configuration::kept(transaction, &key, value)?;
        stored.keys.insert(key, value);
    }
    if wanted.unprivileged {
        stored.keys.insert("unprivileged".to_owned(), json!(1));
    }
    for (key, mount) in &wanted.mounts {
        let mut mount = mount.clone();
        if let Some((storage, bytes)) = mount.wish() {
            mount.volume = allocate(transaction, guest, (&storage, bytes), log)?;
            mount.resize(bytes);
        }
        stored.keys.insert(key.clone(), json!(mount.text(key)));
    }
    unpack(transaction, guest, &wanted.template, log)?;
    let keys = &mut stored.keys;
    if !keys.contains_key("arch") {
        let arch = template::architecture(wanted.template.name());
        log.push(format!("Detected container architecture: {arch}"));
        keys.insert("arch".to_owned(), json!(arch));
    }
    // Proxmox goes by what it finds in the template, and says `unmanaged` where it knows nothing of it.
    let found = template::distribution(wanted.template.name());
    if word(keys, "ostype").as_deref() != Some("unmanaged")
        && let Some(found) = found
    {
        if let Some(ostype) = word(keys, "ostype").filter(|ostype| ostype != found) {
            log.push(format!("got unexpected ostype ({found} != {ostype})"));
        }
        keys.insert("ostype".to_owned(), json!(found));
    }
    let name = json!(format!("CT{}", guest.vmid));
    let defaults = [
        ("ostype", json!("unmanaged")),
        ("hostname", name),
        ("memory", json!(DEFAULT_MEMORY)),
        ("swap", json!(DEFAULT_SWAP)),
    ];
    for (key, value) in defaults {
        keys.entry(key).or_insert(value);
    }
    stored.write(transaction, guest)?;
    new_guest::open(transaction, guest)?;
    Ok(())
}

/// Unpacks a template, which must exist.
fn unpack(transaction: &Transaction, guest: &Guest, template: &VolumeId, log: &mut TaskLog) -> Result<(), Refusal> {
    let storage = Storage::enabled(transaction, template.storage(), &guest.node)?;
    if volumes::row(transaction, &guest.node, template)?.is_none() {
        let missing = format!("volume '{template}' does not exist");
        log.push(missing.clone());
        return Err(Refusal::failed(missing));
    }
    let file = template.name().rsplit('/').next().unwrap_or_default();
    log.push(format!("extracting archive '{}/template/cache/{file}'", storage.folder()));
    Ok(())
}

/// Makes a container a resource of HA.
fn manage(transaction: &mut Transaction, guest: &Guest, starts: bool) -> Result<(), Refusal> {
    let list = ApiPath::parse("cluster/ha/resources");
    let mut rows = transaction.rows(&list)?;
    let sid = guest.service();
    if !rows.iter().any(|row| word(row, "sid").as_ref() == Some(&sid)) {
        let state = if starts { "started" } else { "stopped" };
        let row = json!({ "sid": sid, "type": guest.kind.service(), "state": state });
        rows.extend(row.as_object().cloned());
        transaction.set_rows(&list, rows);
        ha_requests::wake(transaction, &sid);
    }
    Ok(())
}
