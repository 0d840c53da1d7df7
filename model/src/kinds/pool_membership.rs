//! Who is in which pool, Proxmox's half: one object for each member.

use serde_json::{Map, Value};

use super::{Form, Key, Kind, Member, Reading, Source, Write, Writing};
use crate::object::text;
use crate::{Answer, ApiPath, Cluster, Entry, Identity, Listing, Object, Unread, Unreadable, VmId};

/// A guest or a storage in a pool, identified by pool and member: `membership/prod/qemu/100`,
/// `membership/dev/storage/tank`.
pub(super) static KIND: Kind = Kind {
    id: "pool_membership",
    prefix: "membership",
    title: "pool membership",
    keys: &[Key::new("member", Form::Text), Key::new("poolid", Form::Text), Key::new("type", Form::Text)],
    source: Source::Own {
        requests: |cluster| Ok(cluster.pools.keys().map(|pool| path(pool)).collect()),
        list,
        read: |_, entry| Ok(read(entry)),
    },
    writing: Writing::Own(write),
};

/// The one form of the request that answers for nested pools as well (docs/proxmox.md, "JSON types").
fn path(pool: &str) -> ApiPath {
    ApiPath::new(["pools"]).with_query("poolid", pool)
}

/// The pool takes the member, from another pool where it is in one.
fn write(cluster: &Cluster<'_>, object: &Object) -> Option<Write> {
    let (pool, value) = (object.text("poolid")?, object.text("member")?);
    let (key, parameter) = match object.text("type")?.as_str() {
        "storage" => ("storage", "storage"),
        _ => ("vmid", "vms"),
    };
    let mut always = vec![("poolid", pool.clone()), (parameter, value.clone())];
    if key == "vmid" && moves(cluster) {
        always.push(("allow-move", "1".to_owned()));
    }
    Some(Write {
        read: Some(path(&pool)),
        member: Some(Member { list: "members", key, value }),
        always: always.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        ..Write::at(ApiPath::new(["pools"]))
    })
}

/// Whether a pool of this release takes a guest from another (`allow-move`, since 8.1).
fn moves(cluster: &Cluster<'_>) -> bool {
    let mut numbers = cluster.version.iter().flat_map(|version| version.split('.')).map_while(|part| part.parse().ok());
    let release: (u32, u32) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    release >= (8, 1)
}

/// A pool's members: type (`qemu`, `lxc`, `storage`), id and name of each.
fn members(answer: &Answer) -> Vec<(String, String, Option<String>)> {
    let pools = answer.list().filter_map(|pool| pool.get("members")?.as_array());
    let mut members: Vec<_> = pools.flatten().filter_map(Value::as_object).filter_map(member).collect();
    members.sort();
    // A storage is listed once for each node.
    members.dedup();
    members
}

fn member(row: &Map<String, Value>) -> Option<(String, String, Option<String>)> {
    let member_type = row.get("type").and_then(text)?;
    let id = row.get(if member_type == "storage" { "storage" } else { "vmid" }).and_then(text)?;
    Some((member_type, id, row.get("name").and_then(text)))
}

fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let mut listing = Listing::default();
    for pool in cluster.pools.keys() {
        let answer = cluster.get(&path(pool))?;
        let Some(answer) = answer.filter(|answer| answer.data().is_some()) else {
            listing.incomplete = Some(format!("the members of pool {pool} were not read"));
            continue;
        };
        for (member_type, id, name) in members(&answer) {
            listing.entries.push(Entry {
                identity: Identity::new("membership", format_args!("{pool}/{member_type}/{id}")),
                node: VmId::parse(&id).and_then(|vmid| Some(cluster.guests.get(&vmid)?.node.clone())),
                name: Some(name.unwrap_or_else(|| id.clone())),
                pool: Some(pool.clone()),
                tags: Vec::new(),
            });
        }
    }
    let permissions = &cluster.permissions;
    let complete = permissions.allow_all("/pool", "Pool.Audit")
        && permissions.allow_all("/vms", "VM.Audit")
        && permissions.allow_all("/storage", "Datastore.Audit");
    if !complete {
        listing.incomplete.get_or_insert(
            "members are hidden from a login without Pool.Audit, VM.Audit and Datastore.Audit".to_owned(),
        );
    }
    Ok(listing)
}

/// The keys are made here, since Proxmox has no object of this kind: `poolid`, `type` (`qemu`, `lxc`, `storage`) and
/// `member` (the VMID or the storage).
fn read(entry: &Entry) -> Reading {
    let parts = entry.identity.id().rsplitn(3, '/').collect::<Vec<_>>();
    let [member, member_type, pool] = parts[..] else {
        return Err(Unread { identity: entry.identity.clone(), reason: "it does not name a member".to_owned() });
    };
    let keys = [("poolid", pool), ("type", member_type), ("member", member)];
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    Ok(Object { entry: entry.clone(), keys })
}
