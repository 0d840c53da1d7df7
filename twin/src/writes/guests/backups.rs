//! Backups of guests (`PVE::API2::VZDump`, `PVE::VZDump`).

use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::{ApiPath, Moment};
use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, GuestKind, resources, unlocked};
use super::keys::{is_on, word};
use super::retention;
use super::stored_configuration::StoredConfiguration;
use super::volumes::Storage;
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{TaskEnd, Transaction};

/// Size of an archive whose disks are all empty: its header, in bytes.
const HEADER: u64 = 12_288;
/// Beginning of the memories of the content of backups: `backup/local:backup/vzdump-qemu-100-….vma.zst`.
pub(super) const BACKUP: &str = "backup/";

/// `POST vzdump`: a task that backs up guests one after the other.
pub(super) fn back_up(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    verify(call)?;
    if call.text("dumpdir").is_some() {
        return Err(Refusal::beyond_the_twin("back up into a folder"));
    }
    let node = call.node();
    let (here, elsewhere) = chosen(transaction, call)?;
    if here.is_empty() && !call.flag("all") && call.text("exclude").is_none() {
        // Proxmox says no more where the guests run on other nodes.
        return Ok(TaskEnd::Ok.to_string().into());
    }
    let about = if here.len() == 1 { here[0].0.to_string() } else { String::new() };
    transaction.task_with_end(call, (&node, "vzdump", &about), |transaction, log| {
        let id = call.text("storage").unwrap_or_else(|| "local".to_owned());
        let storage = opened(transaction, &id, &node)?;
        log.push(format!("INFO: starting new backup job: {}", command(call)));
        if !elsewhere.is_empty() {
            let names: Vec<String> = elsewhere.iter().map(u64::to_string).collect();
            log.push(format!("INFO: skip external VMs: {}", names.join(", ")));
        }
        let mut failed = false;
        for (vmid, guest) in &here {
            failed |= !one(transaction, call, &storage, (*vmid, guest.as_ref()), log)?;
        }
        let how = if failed { "with errors" } else { "successfully" };
        log.push(format!("INFO: Backup job finished {how}"));
        Ok(if failed { TaskEnd::Failed("job errors".to_owned()) } else { TaskEnd::Ok })
    })
}

/// Refuses choices of guests that exclude each other (`verify_vzdump_parameters`).
fn verify(call: &Call) -> Result<(), Refusal> {
    let given = |name: &str| call.text(name).is_some_and(|value| value != "0");
    if call.text("stdout").is_some() {
        return Err(Refusal::parameter("stdout", "option is only allowed on the command line interface."));
    }
    for name in ["all", "exclude", "pool"] {
        if given(name) && given("vmid") {
            return Err(Refusal::parameter(name, "option conflicts with option 'vmid'"));
        }
    }
    if !["all", "exclude", "pool", "stop", "vmid"].iter().any(|name| given(name)) {
        return Err(Refusal::parameter("vmid", "property is missing"));
    }
    Ok(())
}

/// A guest to back up; `None` for one that is nowhere.
type Chosen = Vec<(u64, Option<Guest>)>;

/// The guests that a call chooses, by number: those of its node or of none, and those of other nodes.
fn chosen(transaction: &Transaction, call: &Call) -> Result<(Chosen, Vec<u64>), Refusal> {
    let node = call.node();
    let number = |vmid: &String| vmid.parse::<u64>().ok();
    let named: Vec<u64> = call.list("vmid").iter().filter_map(number).collect();
    let excluded: Vec<u64> = call.list("exclude").iter().filter_map(number).collect();
    let pool = call.text("pool");
    let (mut here, mut elsewhere): (Chosen, Vec<u64>) = (Vec::new(), Vec::new());
    let mut missing = named.clone();
    for row in transaction.rows(&resources())? {
        let Some(vmid) = word(&row, "vmid").as_ref().and_then(number) else { continue };
        let wanted = match &pool {
            Some(pool) => word(&row, "pool").as_ref() == Some(pool),
            None if named.is_empty() => !excluded.contains(&vmid),
            None => named.contains(&vmid),
        };
        missing.retain(|own| *own != vmid);
        if !wanted {
            continue;
        }
        let kind =
            if word(&row, "type").as_deref() == Some("lxc") { GuestKind::Container } else { GuestKind::VirtualMachine };
        match word(&row, "node") {
            Some(own) if own == node => here.push((vmid, Some(Guest { node: own, kind, vmid: vmid.to_string() }))),
            _ => elsewhere.push(vmid),
        }
    }
    here.extend(missing.into_iter().map(|vmid| (vmid, None)));
    here.sort_by_key(|(vmid, _)| *vmid);
    elsewhere.sort_unstable();
    Ok((here, elsewhere))
}

/// The storage that the backups go to.
fn opened(transaction: &Transaction, id: &str, node: &str) -> Result<Storage, Refusal> {
    let row = transaction.row(&ApiPath::parse("storage"), "storage", id)?;
    let holds = row.as_ref().is_some_and(|row| word(row, "content").is_some_and(|all| all.contains("backup")));
    let unfit = format!(
        "could not get storage information for '{id}': can't use storage '{id}' for backups - wrong content type"
    );
    match Storage::enabled(transaction, id, node) {
        Ok(storage) if holds => Ok(storage),
        Ok(_) => Err(Refusal::failed(unfit)),
        Err(refusal) => {
            let unopened = refusal.within(&format!("could not activate storage '{id}'"));
            let unfit = match row {
                None => format!("could not get storage information for '{id}': storage '{id}' does not exist"),
                Some(_) if holds => return Err(unopened),
                Some(_) => unfit,
            };
            Err(Refusal::failed(format!("{}\n{unfit}", unopened.text())))
        }
    }
}

/// The job as a command line, its options in order of their names.
fn command(call: &Call) -> String {
    let mut words = vec!["vzdump".to_owned()];
    words.extend(call.list("vmid"));
    for (name, value) in call.given() {
        if matches!(name.as_str(), "vmid" | "job-id" | "stdout") || value == "" {
            continue;
        }
        let value = call.text(&name).unwrap_or_default();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.,/=:@+%".contains(letter);
        let quoted = if value.chars().all(plain) { value } else { format!("'{}'", value.replace('\'', "'\\''")) };
        words.push(format!("--{name} {quoted}"));
    }
    words.push(format!("--node {}", call.node()));
    words.join(" ")
}

/// Backs up one guest, and returns whether that succeeded.
fn one(
    transaction: &mut Transaction,
    call: &Call,
    storage: &Storage,
    (vmid, guest): (u64, Option<&Guest>),
    log: &mut TaskLog,
) -> Result<bool, Refusal> {
    let now = Moment::at(transaction.now().unsigned_abs()).spaced();
    let outcome = transaction.attempt(|transaction| match guest {
        None => Err(Refusal::failed(format!("unable to find VM '{vmid}'"))),
        Some(guest) => archive(transaction, call, storage, guest, log),
    });
    match outcome {
        Ok(()) => {
            log.push(format!("INFO: Finished Backup of VM {vmid} (00:00:00)"));
            log.push(format!("INFO: Backup finished at {now}"));
            Ok(true)
        }
        Err(Refusal::Unreadable(error)) => Err(error.into()),
        Err(refusal) => {
            log.push(format!("ERROR: Backup of VM {vmid} failed - {}", refusal.text()));
            log.push(format!("INFO: Failed at {now}"));
            Ok(false)
        }
    }
}

/// Writes the archive of a guest and prunes older ones.
fn archive(
    transaction: &mut Transaction,
    call: &Call,
    storage: &Storage,
    guest: &Guest,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let (vmid, mode) = (&guest.vmid, call.text("mode").unwrap_or_else(|| "snapshot".to_owned()));
    let started =
        transaction.row(&ApiPath::parse("cluster/ha/resources"), "sid", &format!("{}:{vmid}", guest.kind.service()))?;
    let started = started.is_some_and(|row| word(&row, "state").is_none_or(|state| state == "started"));
    if mode == "stop" && started {
        let why = "Cannot execute a backup with stop mode on a HA managed and enabled Service. Use snapshot mode or disable \
                   the Service.";
        return Err(Refusal::failed(why));
    }
    let rules = call.text("prune-backups").or_else(|| storage.option("prune-backups"));
    let rules = Properties::parse(&rules.unwrap_or_else(|| "keep-all=1".to_owned()));
    has_room(transaction, call, storage, guest, &rules)?;
    let stored = StoredConfiguration::read(transaction, guest)?;
    let now = transaction.now().unsigned_abs();
    log.push(format!("INFO: Starting Backup of VM {vmid} ({})", guest.kind.word()));
    log.push(format!("INFO: Backup started at {}", Moment::at(now).spaced()));
    let running = guest.is_running(transaction)?;
    log.push(format!("INFO: status = {}", if running { "running" } else { "stopped" }));
    unlocked(guest, &stored.keys)?;
    let target = BackupTarget::of(call, storage, guest, now);
    tell(log, &stored, guest, if running { &mode } else { "stop" }, &target);
    let mut row = json!({
        "volid": target.volume, "content": "backup", "format": target.format, "size": HEADER, "ctime": now,
        "vmid": vmid.parse::<u64>().unwrap_or_default(), "subtype": guest.kind.word(),
    });
    if let Some(template) = call.text("notes-template").filter(|template| !template.is_empty()) {
        log.push("INFO: adding notes to backup".to_owned());
        row["notes"] = notes(transaction, guest, &stored, &template)?.into();
    }
    if call.flag("protected") {
        log.push("INFO: marking backup as protected".to_owned());
        row["protected"] = json!(1);
    }
    transaction.put_row(&storage.content(&guest.node), "volid", row.as_object().cloned().unwrap_or_default())?;
    let content = json!({ "type": guest.kind.word(), "keys": stored.keys });
    transaction.remember(&format!("{BACKUP}{}", target.volume), content);
    if call.text("remove").as_deref() != Some("0") && retention::limit(&rules) > 0 {
        let kept: Vec<String> = rules.iter().filter_map(|(key, value)| Some(format!("{}={value}", key?))).collect();
        log.push(format!("INFO: prune older backups with retention: {}", kept.join(", ")));
        let mut removed = TaskLog::new();
        let of = (Some(vmid.as_str()), Some(guest.kind.word()));
        let pruned = retention::prune(transaction, (storage, &guest.node), of, &rules, &mut removed)?;
        log.extend(removed.into_iter().map(|line| format!("INFO: {line}")));
        let why = if pruned > 0 { " not covered by keep-retention policy" } else { "" };
        log.push(format!("INFO: pruned {pruned} backup(s){why}"));
    }
    Ok(())
}

/// Refuses a backup beyond the number that the storage keeps.
fn has_room(
    transaction: &Transaction,
    call: &Call,
    storage: &Storage,
    guest: &Guest,
    rules: &Properties,
) -> Result<(), Refusal> {
    let own = retention::backups(transaction, storage, &guest.node, Some(&guest.vmid), Some(guest.kind.word()))?;
    let protected = own.iter().filter(|row| is_on(row, "protected")).count();
    if call.flag("protected") {
        let most = storage.option("max-protected-backups").and_then(|most| most.parse::<i64>().ok()).unwrap_or(-1);
        return match usize::try_from(most) {
            Ok(most) if protected >= most => Err(Refusal::failed(format!(
                "The number of protected backups per guest is limited to {most} on storage '{}'",
                storage.name()
            ))),
            _ => Ok(()),
        };
    }
    let limit = retention::limit(rules);
    let full = (own.len() - protected) as u64 >= limit;
    if limit > 0 && call.text("remove").as_deref() == Some("0") && full {
        return Err(Refusal::failed(format!(
            "There is a max backup limit of {limit} enforced by the target storage or the vzdump parameters. Either increase \
             the limit or delete old backups."
        )));
    }
    Ok(())
}

/// Destination of a backup.
struct BackupTarget {
    volume: String,
    /// The file, or the snapshot of a backup server.
    place: String,
    format: String,
}

impl BackupTarget {
    fn of(call: &Call, storage: &Storage, guest: &Guest, now: u64) -> Self {
        let moment = Moment::at(now);
        let machine = guest.kind == GuestKind::VirtualMachine;
        if storage.kind() == "pbs" {
            let group = if machine { "vm" } else { "ct" };
            let place = format!("{group}/{}/{}", guest.vmid, moment.rfc3339().unwrap_or_default());
            let volume = format!("{}:backup/{place}", storage.name());
            return Self { volume, place, format: format!("pbs-{group}") };
        }
        let ending = match call.text("compress").as_deref() {
            Some("gzip") => ".gz",
            Some("lzo" | "1") => ".lzo",
            Some("zstd") => ".zst",
            _ => "",
        };
        let format = format!("{}{ending}", if machine { "vma" } else { "tar" });
        let Moment { year, month, day, hour, minute, second } = moment;
        let date = format!("{year:04}_{month:02}_{day:02}-{hour:02}_{minute:02}_{second:02}");
        let file = format!("vzdump-{}-{}-{date}.{format}", guest.kind.word(), guest.vmid);
        let folder = storage.option("path").unwrap_or_default();
        Self { volume: format!("{}:backup/{file}", storage.name()), place: format!("{folder}/dump/{file}"), format }
    }
}

/// Lines of the log while the archive is made.
fn tell(log: &mut TaskLog, stored: &StoredConfiguration, guest: &Guest, mode: &str, target: &BackupTarget) {
    let name = if guest.kind == GuestKind::VirtualMachine { ("VM", "name") } else { ("CT", "hostname") };
    let mut lines = vec![format!("backup mode: {mode}"), "ionice priority: 7".to_owned()];
    lines.extend(word(&stored.keys, name.1).map(|own| format!("{} Name: {own}", name.0)));
    for (key, value) in stored.keys.iter().filter(|(key, _)| drives::is_disk(key) && !key.starts_with("unused")) {
        let value = value.as_str().unwrap_or_default();
        let drive = proxmox_mpc_model::drive::Drive::parse(value);
        let (Some(volume), false) = (drive.stored(), drive.is_cdrom()) else { continue };
        let options = Properties::parse(value);
        if options.flag("backup") == Some(false) {
            lines.push(format!("exclude disk '{key}' '{volume}' (backup=no)"));
            continue;
        }
        let size = options.get("size").map(|size| format!(" {size}")).unwrap_or_default();
        lines.push(format!("include disk '{key}' '{volume}'{size}"));
    }
    let what = if target.format.starts_with("pbs") { "Proxmox Backup Server" } else { "vzdump" };
    lines.push(format!("creating {what} archive '{}'", target.place));
    if what == "vzdump" {
        lines.push(format!("archive file size: {}KB", HEADER / 1024));
    }
    log.extend(lines.into_iter().map(|line| format!("INFO: {line}")));
}

/// The notes of a backup from their template.
fn notes(
    transaction: &Transaction,
    guest: &Guest,
    stored: &StoredConfiguration,
    template: &str,
) -> Result<String, Refusal> {
    let name = if guest.kind == GuestKind::VirtualMachine { "name" } else { "hostname" };
    let cluster = transaction.rows(&ApiPath::parse("cluster/status"))?;
    let cluster = cluster.iter().find(|row| word(row, "type").as_deref() == Some("cluster"));
    let cluster = cluster.and_then(|row| word(row, "name")).unwrap_or_else(|| "standalone node".to_owned());
    let values = [
        ("{{cluster}}", cluster),
        ("{{guestname}}", word(&stored.keys, name).unwrap_or_else(|| guest.title())),
        ("{{node}}", guest.node.clone()),
        ("{{vmid}}", guest.vmid.clone()),
    ];
    let text = template.replace("\\n", "\n").replace("\\\\", "\\");
    Ok(values.iter().fold(text, |text, (name, value)| text.replace(name, value)))
}
