//! Answers about the guests in backup jobs, and the volumes of each guest (`PVE::API2::Backup`, `included_volumes`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::guest_answers::ConfiguredGuest;
use super::sheet::{Row, Sheet, row, rows};
use super::user::Users;
use crate::drive::Drive;
use crate::guest::GuestType;
use crate::object::text;
use crate::volume::Volume;
use crate::{ApiPath, key_names, list};

/// Answers the volumes of each job, and the guests that are in no job.
pub(super) fn answer(jobs: &[Row], guests: &[ConfiguredGuest], users: &Users, sheet: &mut Sheet) {
    let mut safe = BTreeSet::new();
    for job in jobs {
        let taken: Vec<&ConfiguredGuest> = guests.iter().filter(|guest| takes(job, guest, users)).collect();
        safe.extend(taken.iter().map(|guest| guest.vmid));
        let Some(id) = job.get("id").and_then(text) else { continue };
        let children: Vec<Row> = taken.into_iter().map(branch).collect();
        sheet.put_at(
            ApiPath::new(["cluster", "backup", &id, "included_volumes"]),
            json!({ "children": rows(children) }),
        );
    }
    let forgotten = guests.iter().filter(|guest| !safe.contains(&guest.vmid)).map(|guest| {
        let mut keys = row([("vmid", json!(guest.vmid)), ("type", json!(guest.kind.word()))]);
        keys.extend(name(guest).map(|name| ("name".to_owned(), name)));
        keys
    });
    sheet.put("cluster/backup-info/not-backed-up", rows(forgotten.collect()));
}

/// Reports whether a job includes a guest: by its pool, by its number, or because it includes all guests.
fn takes(job: &Row, guest: &ConfiguredGuest, users: &Users) -> bool {
    let word = |key: &str| job.get(key).and_then(text).unwrap_or_default();
    let names = |key: &str| list::items(&word(key)).any(|vmid| vmid.parse() == Ok(guest.vmid));
    let node = word("node");
    if !node.is_empty() && node != guest.node {
        return false;
    }
    let pool = word("pool");
    if !pool.is_empty() {
        return users.pools.get(&pool).is_some_and(|pool| pool.guests.contains(&guest.vmid));
    }
    if job.contains_key("vmid") {
        return names("vmid");
    }
    (word("all") == "1" || job.contains_key("exclude")) && !names("exclude")
}

fn name(guest: &ConfiguredGuest) -> Option<Value> {
    let key = if guest.kind == GuestType::Qemu { "name" } else { "hostname" };
    guest.configuration.current.get(key).cloned()
}

/// A guest and its volumes.
fn branch(guest: &ConfiguredGuest) -> Row {
    let drives = guest.configuration.current.iter().filter_map(|(key, value)| volume(guest, key, value.as_str()?));
    let leaves: Vec<Row> = drives.collect();
    row([
        ("id", json!(guest.vmid)),
        ("name", name(guest).unwrap_or_default()),
        ("type", json!(guest.kind.word())),
        ("leaf", json!(u8::from(leaves.is_empty()))),
        ("children", rows(leaves)),
    ])
}

fn volume(guest: &ConfiguredGuest, key: &str, value: &str) -> Option<Row> {
    let is_of = |stems: &[&str]| stems.iter().any(|stem| key_names::index(stem, key).is_some());
    let drive = Drive::parse(value);
    let wanted = drive.properties.flag("backup");
    let (included, reason) = match guest.kind {
        GuestType::Qemu => {
            if !is_of(&["ide", "sata", "scsi", "virtio", "efidisk", "tpmstate"]) || drive.is_cdrom() {
                return None;
            }
            let ovmf = guest.configuration.current.get("bios") == Some(&json!("ovmf"));
            match wanted.unwrap_or(true) {
                _ if key.starts_with("efidisk") && !ovmf => (false, "efidisk but no OMVF BIOS"),
                true => (true, "backup=yes"),
                false => (false, "backup=no"),
            }
        }
        GuestType::Lxc if key == "rootfs" => (true, "rootfs"),
        GuestType::Lxc if !is_of(&["mp"]) => return None,
        GuestType::Lxc => match (&drive.volume, wanted) {
            (Volume::Stored(_), Some(true)) => (true, "enabled"),
            (Volume::Stored(_), _) => (false, "disabled"),
            _ => (false, "not a volume"),
        },
    };
    Some(row([
        ("id", json!(format!("{}:{key}", guest.vmid))),
        ("name", json!(drive.volume.to_string())),
        ("leaf", json!(1)),
        ("included", json!(u8::from(included))),
        ("reason", json!(reason)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etc_pve::{guest, user};

    #[test]
    fn jobs_take_guests_by_pool_number_or_all() {
        let users = user::parse("pool:p::100:\n", &mut Sheet::default());
        let guest = |vmid: u32, kind: GuestType, text: &str| {
            let configuration = guest::parse("x", text, kind, &mut Sheet::default());
            ConfiguredGuest { kind, vmid, node: "a".to_owned(), digest: String::new(), configuration }
        };
        let vm =
            guest(100, GuestType::Qemu, "scsi0: st:vm-100-disk-0,backup=no\nide2: none,media=cdrom\nefidisk0: st:x\n");
        let ct = guest(
            200,
            GuestType::Lxc,
            "rootfs: st:x\nmp0: st:y,mp=/y,backup=1\nmp1: /z,mp=/z,backup=1\nmp2: st:z,mp=/q\n",
        );
        let guests = [vm, ct];
        let check = |job: Value, expected: &[&str]| {
            let job = job.as_object().cloned().unwrap_or_default();
            let taken = guests.iter().filter(|guest| takes(&job, guest, &users)).map(branch);
            let leaves = taken.flat_map(|branch| branch["children"].as_array().cloned().unwrap_or_default());
            let volumes: Vec<String> =
                leaves.map(|leaf| format!("{} {}", leaf["id"], leaf["reason"]).replace('"', "")).collect();
            assert_eq!(volumes, expected, "{job:?}");
        };
        let of_vm = ["100:efidisk0 efidisk but no OMVF BIOS", "100:scsi0 backup=no"];
        let of_ct = ["200:mp0 enabled", "200:mp1 not a volume", "200:mp2 disabled", "200:rootfs rootfs"];
        check(json!({"pool": "p"}), &of_vm);
        check(json!({"vmid": "200;300"}), &of_ct);
        check(json!({"all": 1, "exclude": "200"}), &of_vm);
        check(json!({"all": 1}), &[of_vm.as_slice(), &of_ct].concat());
        check(json!({"all": 1, "node": "b"}), &[]);
        check(json!({"all": 0}), &[]);
    }
}
