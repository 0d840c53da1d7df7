//! Replication jobs: guests whose volumes are sent to another node again and again (`PVE::API2::ReplicationConfig`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::features::{self, Feature};
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, GuestKind, resources};
use super::keys::{is_on, word};
use super::stored_configuration::StoredConfiguration;
use super::volumes::Storage;
use super::{relocate, volumes};
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::digest;
use crate::writes::method::Write;
use crate::writes::schedule::{self, Work};
use crate::writes::versions::{remove_keys, same_digest};

/// The methods of replication.
pub(in super::super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/cluster/replication", run: create },
    Write { verb: Verb::Put, path: "/cluster/replication/{id}", run: change },
    Write { verb: Verb::Delete, path: "/cluster/replication/{id}", run: remove },
    Write { verb: Verb::Post, path: "/nodes/{node}/replication/{id}/schedule_now", run: schedule_now },
];
/// Time until the twin's scheduler acts, in seconds; Proxmox's runs once a minute.
const SOON: i64 = 2;
/// The calendar of a job that gives none.
const DEFAULT_SCHEDULE: &str = "*/15";

fn list() -> ApiPath {
    ApiPath::parse("cluster/replication")
}

fn jobs(transaction: &Transaction) -> Result<Vec<Row>, Refusal> {
    transaction.rows(&list())
}

/// Reports whether there is a job for a guest (`check_for_existing_jobs`).
pub(super) fn is_replicated(transaction: &Transaction, vmid: &str) -> Result<bool, Refusal> {
    Ok(jobs(transaction)?.iter().any(|job| word(job, "guest").as_deref() == Some(vmid)))
}

/// Refuses a guest that is replicated.
pub(super) fn none(transaction: &Transaction, vmid: &str) -> Result<(), Refusal> {
    let jobs = jobs(transaction)?;
    let Some(job) = jobs.iter().find(|job| word(job, "guest").as_deref() == Some(vmid)) else { return Ok(()) };
    let id = word(job, "id").unwrap_or_default();
    let why = format!("There is a replication job '{id}' for guest '{vmid}' - Please remove that first.");
    Err(Refusal::failed(why))
}

/// Sends the volumes of a guest that migrates to a node that it is replicated to; returns those that need no copy any
/// more.
pub(super) fn sync(
    transaction: &mut Transaction,
    guest: &Guest,
    there: &Guest,
    log: &mut Vec<String>,
) -> Result<Vec<VolumeId>, Refusal> {
    let Some(job) = job_to(transaction, &guest.vmid, &there.node)? else { return Ok(Vec::new()) };
    log.extend(send(transaction, &word(&job, "id").unwrap_or_default(), guest, there)?);
    replicated_volumes(transaction, guest)
}

/// The job that sends a guest to a node (`find_local_replication_job`).
pub(super) fn job_to(transaction: &Transaction, vmid: &str, node: &str) -> Result<Option<Row>, Refusal> {
    let is = |job: &Row, key: &str, value: &str| word(job, key).as_deref() == Some(value);
    Ok(jobs(transaction)?.into_iter().find(|job| is(job, "guest", vmid) && is(job, "target", node)))
}

/// Turns the jobs of a guest that has migrated: their source is the new node, and the job to that node now goes back.
pub(super) fn turn_round(transaction: &mut Transaction, vmid: &str, from: &str, to: &str) -> Result<(), Refusal> {
    let mut rows = jobs(transaction)?;
    for job in rows.iter_mut().filter(|job| word(job, "guest").as_deref() == Some(vmid)) {
        if word(job, "target").as_deref() == Some(to) {
            job.insert("target".to_owned(), json!(from));
        }
        job.insert("source".to_owned(), json!(to));
    }
    write(transaction, rows)
}

/// Removes the jobs of a guest that is removed.
pub(super) fn forget(transaction: &mut Transaction, vmid: &str) -> Result<(), Refusal> {
    let mut rows = jobs(transaction)?;
    let before = rows.len();
    rows.retain(|job| word(job, "guest").as_deref() != Some(vmid));
    if rows.len() == before { Ok(()) } else { write(transaction, rows) }
}

/// `POST cluster/replication`.
fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (id, target) = (call.required("id")?, call.required("target")?);
    let (vmid, number) = id.split_once('-').unwrap_or_default();
    let number = number.parse::<u64>().unwrap_or_default();
    let id = format!("{vmid}-{number}");
    let Some(guest) = located(transaction, vmid)? else {
        return Err(Refusal::failed(format!("Guest '{vmid}' does not exist.")));
    };
    if relocate::known_node(transaction, &target).is_err() {
        return Err(Refusal::failed(format!("Target '{target}' does not exist.")));
    }
    if let Some(source) = call.text("source").filter(|source| *source != guest.node) {
        let node = &guest.node;
        let why = format!("Source '{source}' does not match current node of guest '{vmid}' ({node})");
        return Err(Refusal::failed(why));
    }
    if target == guest.node {
        return Err(Refusal::failed("Source and target must not be identical"));
    }
    if replicated_volumes(transaction, &guest)?.is_empty() {
        return Err(Refusal::failed("No replicatable volumes found"));
    }
    let mut rows = jobs(transaction)?;
    if rows.iter().any(|job| word(job, "id").as_ref() == Some(&id)) {
        return Err(Refusal::failed(format!("replication job '{id}' already exists")));
    }
    let is = |job: &Row, key: &str, value: &str| word(job, key).as_deref() == Some(value);
    if rows.iter().any(|job| is(job, "guest", vmid) && is(job, "target", &target)) {
        let why = format!("replication job for guest '{vmid}' to target 'local/{target}' already exists");
        return Err(Refusal::failed(why));
    }
    let mut job = call.given();
    job.insert("id".to_owned(), json!(id));
    job.insert("guest".to_owned(), json!(vmid.parse::<u64>().unwrap_or_default()));
    job.insert("jobnum".to_owned(), json!(number));
    job.insert("source".to_owned(), json!(guest.node));
    rows.push(job);
    write(transaction, rows)?;
    Ok(Value::Null)
}

/// `PUT cluster/replication/{id}`.
fn change(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let id = call.required("id")?;
    let mut rows = jobs(transaction)?;
    let shown = transaction.object(&single(&id))?;
    same_digest(call, &shown, "")?;
    let Some(job) = rows.iter_mut().find(|job| word(job, "id").as_ref() == Some(&id)) else {
        return Err(Refusal::failed(format!("no such job '{id}'")));
    };
    let mut given = call.given();
    given.retain(|key, _| key != "delete" && key != "digest");
    job.extend(given);
    if call.list("delete").iter().any(|key| key == "target") {
        return Err(Refusal::failed("unable to delete required option 'target'"));
    }
    remove_keys(call, job)?;
    write(transaction, rows)?;
    Ok(Value::Null)
}

/// `DELETE cluster/replication/{id}`: marks the job, which the scheduler removes.
fn remove(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let id = call.required("id")?;
    let mut rows = jobs(transaction)?;
    if call.flag("force") {
        if call.flag("keep") {
            return Err(Refusal::parameter("keep", "conflicts with parameter 'force'"));
        }
        rows.retain(|job| word(job, "id").as_ref() != Some(&id));
        write(transaction, rows)?;
        return Ok(Value::Null);
    }
    let Some(job) = rows.iter_mut().find(|job| word(job, "id").as_ref() == Some(&id)) else {
        return Err(Refusal::failed(format!("no such job '{id}'")));
    };
    job.insert("remove_job".to_owned(), json!(if call.flag("keep") { "local" } else { "full" }));
    write(transaction, rows)?;
    schedule::later(transaction, SOON, &Work::Replicate { job: id });
    Ok(Value::Null)
}

/// `POST schedule_now`.
fn schedule_now(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let id = call.required("id")?;
    if !jobs(transaction)?.iter().any(|job| word(job, "id").as_ref() == Some(&id)) {
        return Err(Refusal::failed(format!("no such replication job '{id}'")));
    }
    schedule::later(transaction, SOON, &Work::Replicate { job: id });
    Ok(Value::Null)
}

/// Work of the scheduler for a job: it sends the volumes, or removes the job that is marked for removal.
pub(in crate::writes) fn run(transaction: &mut Transaction, id: &str) -> Result<(), Refusal> {
    let mut rows = jobs(transaction)?;
    let Some(job) = rows.iter().find(|job| word(job, "id").as_deref() == Some(id)).cloned() else { return Ok(()) };
    let vmid = word(&job, "guest").unwrap_or_default();
    let Some(guest) = located(transaction, &vmid)? else { return Ok(()) };
    let there = Guest { node: word(&job, "target").unwrap_or_default(), ..guest.clone() };
    if let Some(how) = word(&job, "remove_job") {
        for volume in replicated_volumes(transaction, &guest)?.iter().filter(|_| how == "full") {
            volumes::free(transaction, &there.node, volume)?;
        }
        rows.retain(|job| word(job, "id").as_deref() != Some(id));
        return write(transaction, rows);
    }
    if is_on(&job, "disable") {
        return Ok(());
    }
    let log = send(transaction, id, &guest, &there)?;
    let lines = log.iter().enumerate().map(|(index, text)| json!({ "n": index + 1, "t": text }));
    let lines: Vec<Value> = lines.collect();
    let shown = ApiPath::new(["nodes", &guest.node, "replication"]);
    let mut states = transaction.rows(&shown)?;
    let now = transaction.now();
    for row in states.iter_mut().filter(|row| word(row, "id").as_deref() == Some(id)) {
        row.insert("last_sync".to_owned(), json!(now));
        row.insert("last_try".to_owned(), json!(now));
        row.insert("duration".to_owned(), json!(1));
        row.extend(next(row, now).map(|next| ("next_sync".to_owned(), json!(next))));
    }
    transaction.set_rows(&shown, states);
    let path = ApiPath::new(["nodes", &guest.node, "replication", id, "log"]);
    let mut answer = proxmox_mpc_model::Answer::ok(lines.into());
    answer.body["total"] = json!(log.len());
    transaction.set_answer(&path, answer);
    Ok(())
}

/// Sends the volumes of a guest to another node; returns the log.
fn send(transaction: &mut Transaction, id: &str, guest: &Guest, there: &Guest) -> Result<Vec<String>, Refusal> {
    let now = transaction.now();
    let volumes = replicated_volumes(transaction, guest)?;
    let named: Vec<&str> = volumes.iter().map(VolumeId::as_str).collect();
    let running = u8::from(guest.is_running(transaction)?);
    let line = |text: String| relocate::line(now, &format!("{id}: {text}"));
    let mut log = vec![
        line("start replication job".to_owned()),
        line(format!("guest => {}, running => {running}", guest.title())),
        line(format!("volumes => {}", named.join(","))),
    ];
    for volume in &volumes {
        let snapshot = format!("__replicate_{id}_{now}__");
        log.push(line(format!("create snapshot '{snapshot}' on {volume}")));
        let list = ApiPath::new(["nodes", &there.node, "storage", volume.storage(), "content"]);
        let sent = transaction.row(&list, "volid", volume.as_str())?.is_some();
        log.push(line(format!("{} sync '{volume}'", if sent { "incremental" } else { "full" })));
        if let Some(row) = volumes::row(transaction, &guest.node, volume)? {
            transaction.put_row(&list, "volid", row)?;
        }
    }
    log.push(line("end replication job".to_owned()));
    Ok(log)
}

/// The guest with a number, where it is.
pub(super) fn located(transaction: &Transaction, vmid: &str) -> Result<Option<Guest>, Refusal> {
    for kind in [GuestKind::VirtualMachine, GuestKind::Container] {
        let row = transaction.row(&resources(), "id", &format!("{}/{vmid}", kind.word()))?;
        if let Some(node) = row.and_then(|row| word(&row, "node")) {
            return Ok(Some(Guest { node, kind, vmid: vmid.to_owned() }));
        }
    }
    Ok(None)
}

/// The volumes of a guest that are replicated (`get_replicatable_volumes`), or why one of them cannot be.
fn replicated_volumes(transaction: &Transaction, guest: &Guest) -> Result<Vec<VolumeId>, Refusal> {
    let stored = StoredConfiguration::read(transaction, guest)?;
    let mut volumes = Vec::new();
    for (_, value) in stored.keys.iter().filter(|(key, _)| drives::is_disk(key)) {
        let (text, properties) =
            (value.as_str().unwrap_or_default(), Properties::parse(value.as_str().unwrap_or_default()));
        let drive = Drive::parse(text);
        if drive.is_cdrom() || properties.get("replicate") == Some("0") {
            continue;
        }
        let named = properties.get("file").or_else(|| properties.get_or_bare("volume")).unwrap_or_default();
        if named.starts_with('/') {
            return Err(Refusal::failed(match guest.kind {
                GuestKind::VirtualMachine => format!("unable to replicate local file/device '{named}'"),
                GuestKind::Container if named.starts_with("/dev/") => {
                    "unable to replicate mountpoint type 'device'".to_owned()
                }
                GuestKind::Container => "unable to replicate mountpoint type 'bind'".to_owned(),
            }));
        }
        let Some(volume) = drive.stored() else { continue };
        let storage = Storage::of(transaction, volume)?;
        if storage.is_shared() || !drives::is_own(guest, volume) {
            continue;
        }
        if !features::has(&storage.kind(), Feature::Replicate, volume) {
            return Err(Refusal::failed(format!("missing replicate feature on volume '{volume}'")));
        }
        if !volumes.contains(volume) {
            volumes.push(volume.clone());
        }
    }
    Ok(volumes)
}

fn single(id: &str) -> ApiPath {
    ApiPath::new(["cluster", "replication", id])
}

/// Writes the jobs: their list, each of them, and what each node says of those of its guests.
fn write(transaction: &mut Transaction, mut rows: Vec<Row>) -> Result<(), Refusal> {
    for job in &mut rows {
        job.retain(|key, value| key != "digest" && !(key == "disable" && *value == json!(0)));
    }
    rows.sort_by_key(|job| word(job, "id"));
    let checksum = digest::of(digest::DigestForm::Sha1, &rows);
    for job in jobs(transaction)?.iter().filter_map(|job| word(job, "id")) {
        transaction.hide(&single(&job));
    }
    for job in &rows {
        let mut shown = job.clone();
        shown.insert("digest".to_owned(), json!(checksum));
        transaction.set(&single(&word(job, "id").unwrap_or_default()), shown);
    }
    transaction.set_rows(&list(), rows.clone());
    let nodes = transaction.rows(&ApiPath::parse("nodes"))?;
    nodes.iter().filter_map(|row| word(row, "node")).try_for_each(|node| publish(transaction, &node, &rows))
}

/// Writes a node's list of the jobs of its guests: their configuration, and the times of the last and the next run.
fn publish(transaction: &mut Transaction, node: &str, jobs: &[Row]) -> Result<(), Refusal> {
    let path = ApiPath::new(["nodes", node, "replication"]);
    let before = transaction.rows(&path)?;
    let mut rows = Vec::new();
    for job in jobs {
        let guest = located(transaction, &word(job, "guest").unwrap_or_default())?;
        let Some(guest) = guest.filter(|guest| guest.node == node) else { continue };
        let known = before.iter().find(|row| word(row, "id") == word(job, "id"));
        let mut row = job.clone();
        row.insert("vmtype".to_owned(), json!(guest.kind.word()));
        for key in ["last_sync", "last_try", "fail_count"] {
            row.insert(key.to_owned(), known.and_then(|known| known.get(key).cloned()).unwrap_or(json!(0)));
        }
        let last = row.get("last_try").and_then(Value::as_i64).unwrap_or_default();
        row.extend(next(job, last).map(|next| ("next_sync".to_owned(), json!(next))));
        rows.push(row);
    }
    transaction.set_rows(&path, rows);
    Ok(())
}

/// Time of the next run of a job; `None` for calendars that say more than a number of minutes.
fn next(job: &Row, last: i64) -> Option<i64> {
    if job.contains_key("remove_job") {
        return Some(1);
    }
    let schedule = word(job, "schedule").unwrap_or_else(|| DEFAULT_SCHEDULE.to_owned());
    let minutes: i64 = schedule.strip_prefix("*/")?.parse().ok().filter(|minutes| *minutes > 0)?;
    Some((last / 60 / minutes + 1) * minutes * 60)
}
