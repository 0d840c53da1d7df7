//! Members of pools, Proxmox's half: one object for each member.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Reading, Source};
use super::write::{Member, Write, Writing};
use crate::object::text;
use crate::{
    Answer, ApiPath, Cluster, Entry, Identity, Listing, MissingPrivilege, NotRead, Object, Reasons, Unreadable, VmId,
};

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

/// The form of the request that works for nested pools as well (docs/proxmox.md, "JSON types").
fn path(pool: &str) -> ApiPath {
    ApiPath::new(["pools"]).with_query("poolid", pool)
}

/// The way in which a member is added to the pool, which takes it from another pool where it is in one.
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

/// Reports whether a pool of this release takes a guest from another pool (`allow-move`, since 8.1).
fn moves(cluster: &Cluster<'_>) -> bool {
    let mut numbers = cluster.version.iter().flat_map(|version| version.split('.')).map_while(|part| part.parse().ok());
    let release: (u32, u32) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    release >= (8, 1)
}

/// The members of a pool: type (`qemu`, `lxc`, `storage`), id and name of each.
///
/// # Errors
///
/// The complaint about an answer that is not about that pool, or that does not say what a member is.
fn members(answer: &Answer, pool: &str) -> Result<Vec<(String, String, Option<String>)>, String> {
    let row = answer.list().find(|row| row.get("poolid").and_then(Value::as_str) == Some(pool));
    let members = row.ok_or("the answer does not have it")?.get("members").and_then(Value::as_array);
    let members = members.ok_or("the answer has no `members`")?.iter().map(|row| member(row.as_object()?));
    let mut members = members.collect::<Option<Vec<_>>>().ok_or("the answer has a member without its name")?;
    members.sort();
    // A storage is listed once for each node.
    members.dedup();
    Ok(members)
}

fn member(row: &Map<String, Value>) -> Option<(String, String, Option<String>)> {
    let member_type = row.get("type").and_then(text)?;
    let id = row.get(if member_type == "storage" { "storage" } else { "vmid" }).and_then(text)?;
    Some((member_type, id, row.get("name").and_then(text)))
}

fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let mut listing = Listing::default();
    let mut reasons: Vec<NotRead> = cluster.problem("pools").into_iter().cloned().collect();
    for pool in cluster.pools.keys() {
        let answer = cluster.get(&path(pool))?;
        let members = match answer {
            None => Err(NotRead::NotOnRecord { request: path(pool) }),
            Some(answer) if answer.data().is_none() => Err(answer.not_read(&path(pool))),
            Some(answer) => {
                members(&answer, pool).map_err(|complaint| NotRead::Unusable { request: path(pool), complaint })
            }
        };
        let members = match members {
            Ok(members) => members,
            Err(reason) => {
                reasons.push(reason);
                continue;
            }
        };
        for (member_type, id, name) in members {
            listing.entries.push(Entry {
                identity: Identity::new("membership", format_args!("{pool}/{member_type}/{id}")),
                node: VmId::parse(&id).and_then(|vmid| Some(cluster.guests.get(&vmid)?.node.clone())),
                name: Some(name.unwrap_or_else(|| id.clone())),
                pool: Some(pool.clone()),
                tags: Vec::new(),
            });
        }
    }
    let needed = [("/pool", "Pool.Audit"), ("/vms", "VM.Audit"), ("/storage", "Datastore.Audit")];
    let missing: Vec<MissingPrivilege> = cluster.permissions.missing(&needed);
    if !missing.is_empty() {
        reasons.push(NotRead::Hidden { objects: "pool members".into(), missing });
    }
    listing.incomplete = Reasons::of(reasons);
    Ok(listing)
}

/// The keys are made here, since Proxmox has no object of this kind: `poolid`, `type` (`qemu`, `lxc`, `storage`) and
/// `member` (the VMID or the storage).
fn read(entry: &Entry) -> Reading {
    let parts = entry.identity.id().rsplitn(3, '/').collect::<Vec<_>>();
    let [member, member_type, pool] = parts[..] else {
        return Err(NotRead::NoSuchPlace);
    };
    let keys = [("poolid", pool), ("type", member_type), ("member", member)];
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    Ok(Object { entry: entry.clone(), keys })
}
