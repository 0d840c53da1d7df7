//! Retention: the backups that a storage keeps (`PVE::Storage::prune_mark_backup_group`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Moment;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::Value;

use super::keys::{is_on, word};
use super::volumes;
use super::volumes::Storage;
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

const DAY: u64 = 86_400;

/// Maps the moment of a backup to the period that it stands for.
type Period = fn(u64) -> u64;

/// The rules in the order in which they are applied. Weeks begin on Mondays; 1970 began on a Thursday.
const PERIODS: [(&str, Period); 6] = [
    ("keep-last", |time| time),
    ("keep-hourly", |time| time / 3600),
    ("keep-daily", |time| time / DAY),
    ("keep-weekly", |time| (time / DAY + 3) / 7),
    ("keep-monthly", |time| Moment::at(time).year * 12 + Moment::at(time).month),
    ("keep-yearly", |time| Moment::at(time).year),
];

/// Largest number of backups that these rules keep; 0 where they keep all.
pub(super) fn limit(rules: &Properties) -> u64 {
    if keeps_all(rules) { 0 } else { PERIODS.iter().filter_map(|(name, _)| rules.number::<u64>(name)).sum() }
}

fn keeps_all(rules: &Properties) -> bool {
    let counts = PERIODS.iter().filter_map(|(name, _)| rules.number::<u64>(name));
    rules.flag("keep-all") == Some(true) || counts.sum::<u64>() == 0
}

/// Backups of one guest that are pruned, by their moments.
fn leaving(rules: &Properties, moments: &[u64]) -> Vec<bool> {
    if keeps_all(rules) {
        return vec![false; moments.len()];
    }
    let mut latest: Vec<usize> = (0..moments.len()).collect();
    latest.sort_by_key(|at| Reverse(moments[*at]));
    // What was decided of each: whether it stays.
    let mut stays: Vec<Option<bool>> = vec![None; moments.len()];
    for (name, period) in PERIODS {
        let count = rules.number::<usize>(name).unwrap_or(0);
        let kept = moments.iter().zip(&stays).filter(|(_, stays)| **stays == Some(true));
        let before: BTreeSet<u64> = kept.map(|(time, _)| period(*time)).collect();
        let mut now = BTreeSet::new();
        for at in latest.iter().copied().filter(|_| count > 0) {
            let id = period(moments[at]);
            if stays[at].is_some() || before.contains(&id) {
                continue;
            }
            if !now.contains(&id) && now.len() >= count {
                break;
            }
            stays[at] = Some(now.insert(id));
        }
    }
    stays.into_iter().map(|stays| stays != Some(true)).collect()
}

/// The backups on a storage of a node, of one guest or of all, and of one type of guest or of both.
pub(super) fn backups(
    transaction: &Transaction,
    storage: &Storage,
    node: &str,
    vmid: Option<&str>,
    kind: Option<&str>,
) -> Result<Vec<Row>, Refusal> {
    let mut rows = transaction.rows(&storage.content(node))?;
    rows.retain(|row| {
        word(row, "content").as_deref() == Some("backup")
            && vmid.is_none_or(|vmid| word(row, "vmid").as_deref() == Some(vmid))
            && kind.is_none_or(|kind| word(row, "subtype").as_deref() == Some(kind))
    });
    Ok(rows)
}

/// Removes the backups that the rules do not keep; returns their number.
pub(super) fn prune(
    transaction: &mut Transaction,
    (storage, node): (&Storage, &str),
    (vmid, kind): (Option<&str>, Option<&str>),
    rules: &Properties,
    log: &mut TaskLog,
) -> Result<usize, Refusal> {
    let mut groups: BTreeMap<String, Vec<(u64, VolumeId)>> = BTreeMap::new();
    for row in backups(transaction, storage, node, vmid, kind)?.iter().filter(|row| !is_on(row, "protected")) {
        let (Some(time), Some(volume)) = (row.get("ctime").and_then(Value::as_u64), word(row, "volid")) else {
            continue;
        };
        let group = ["subtype", "vmid"].map(|key| word(row, key).unwrap_or_default()).join("/");
        groups.entry(group).or_default().extend(VolumeId::parse(&volume).map(|volume| (time, volume)));
    }
    let mut pruned = 0;
    for backups in groups.into_values() {
        let moments: Vec<u64> = backups.iter().map(|(time, _)| *time).collect();
        let leaving = leaving(rules, &moments);
        for ((_, volume), _) in backups.iter().zip(leaving).filter(|(_, leaves)| *leaves) {
            log.push(format!("removing backup '{volume}'"));
            volumes::free(transaction, node, volume)?;
            pruned += 1;
        }
    }
    Ok(pruned)
}

/// `DELETE prunebackups`: a task.
pub(super) fn prune_storage(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, id) = (call.node(), call.required("storage")?);
    let vmid = call.text("vmid");
    let about = vmid.as_ref().map_or_else(|| id.clone(), |vmid| format!("{vmid}@{id}"));
    transaction.task(call, &node, "prunebackups", &about, |transaction, log| {
        let storage = Storage::enabled(transaction, &id, &node)?;
        let rules = call.text("prune-backups").or_else(|| storage.option("prune-backups")).unwrap_or_default();
        let rules = Properties::parse(&rules);
        prune(transaction, (&storage, &node), (vmid.as_deref(), call.text("type").as_deref()), &rules, log)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each rule keeps the latest backup of so many periods, and counts none that a rule before it has kept already.
    #[test]
    fn the_latest_of_each_period_stays() {
        let check = |rules: &str, expected: &str| {
            let moments = [10 * DAY, 10 * DAY + 60, 11 * DAY, 12 * DAY, 12 * DAY + 60, 12 * DAY + 60];
            let leaving = leaving(&Properties::parse(rules), &moments);
            let shown: String = leaving.into_iter().map(|leaves| if leaves { '-' } else { '+' }).collect();
            assert_eq!(shown, expected, "{rules}");
        };
        check("keep-all=1,keep-last=1", "++++++");
        check("", "++++++");
        check("keep-last=2", "---++-");
        check("keep-daily=2", "--+-+-");
        check("keep-last=1,keep-daily=1", "--+-+-");
        check("keep-hourly=2", "--+-+-");
        // Monday January 12th 1970 begins a week; the moments are those of January 11th to 13th.
        check("keep-weekly=2", "-+--+-");
        check("keep-monthly=1", "----+-");
    }
}
