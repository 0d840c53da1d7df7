//! Derived answers about pools, in either form of their paths, and their members (`PVE::API2::Pool`).

use serde_json::{Value, json};

use super::deriver::{Derivation, Deriver, Row};
use crate::object::text;
use crate::refusals::not_implemented;
use crate::{Answer, Answers, ApiPath, Unreadable, list};

/// Keys of a guest that the cluster's resources have, and the members of a pool do not.
const NOT_TOLD: [&str; 4] = ["hastate", "lock", "pool", "tags"];

/// Answers about pools, with all members or those of one type.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (segments, asked("poolid"), asked("type")) {
        (["pools"], Some(pool), None) => {
            let single = match deriver.data(&ApiPath::new(["pools", pool]))? {
                Some(single) => Some(single),
                None => listed_pool(deriver, pool)?,
            };
            match single {
                Some(single) => Ok(Some(Answer::ok(json!([single])))),
                None => missing_pool(deriver, pool),
            }
        }
        (["pools"], Some(pool), Some(kind)) => {
            let whole = ApiPath::new(["pools"]).with_query("poolid", pool);
            let answer = match deriver.answers.get(&whole)? {
                Some(answer) => Some(answer),
                None => derive(deriver, segments, &whole.query())?,
            };
            Ok(answer.map(|mut answer| {
                if let Some(Value::Array(members)) = answer.body.pointer_mut("/data/0/members") {
                    members.retain(|member| member["type"] == kind);
                }
                answer
            }))
        }
        (["pools", parts @ ..], None, None) if !parts.is_empty() => single_pool(deriver, &parts.join("/")),
        _ => Ok(None),
    }
}

/// Reports whether the answer to a path is one pool with its members.
pub(super) fn is_pool(path: &ApiPath) -> bool {
    let base = path.as_str().split('?').next().unwrap_or_default();
    base.starts_with("pools/") || base == "pools" && path.query().iter().any(|(key, _)| key == "poolid")
}

impl<A: Answers> Deriver<A> {
    /// The answer about a pool with the members that it has now: its guests are those of the cluster's resources, its
    /// storages those of the answer, each on the node that was asked or on the first that has it.
    pub fn with_members(&self, path: &ApiPath, mut answer: Answer) -> Result<Answer, Unreadable> {
        let kind = path.query().into_iter().find(|(key, _)| key == "type").map(|(_, value)| value);
        let pool = match answer.body.get_mut("data") {
            Some(Value::Array(pools)) => pools.first_mut(),
            Some(pool) => Some(pool),
            None => None,
        };
        let Some(pool) = pool.filter(|pool| pool.get("poolid").is_some() || pool.get("members").is_some()) else {
            return Ok(answer);
        };
        let name = pool.get("poolid").and_then(text).unwrap_or_else(|| path.segments()[1..].join("/"));
        let mut members = self.guests_of(&name)?;
        let storages = pool.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut storages: Vec<String> = storages.iter().filter_map(|member| text(member.get("storage")?)).collect();
        storages.sort();
        storages.dedup();
        for storage in storages {
            members.extend(self.storage_of_pool(&storage)?);
        }
        members.retain(|member| kind.as_ref().is_none_or(|kind| member["type"] == kind.as_str()));
        pool["members"] = members.into();
        Ok(answer)
    }

    /// The guests of a pool, sorted as text.
    fn guests_of(&self, pool: &str) -> Result<Vec<Value>, Unreadable> {
        let guests = self.rows(&ApiPath::parse("cluster/resources"), "vmid")?.unwrap_or_default();
        let members = guests.values().filter(|guest| guest.get("pool").and_then(Value::as_str) == Some(pool));
        let member = |guest: &Row| {
            let mut member = guest.clone();
            member.retain(|key, _| !NOT_TOLD.contains(&key.as_str()));
            Value::Object(member)
        };
        Ok(members.map(|guest| member(guest)).collect())
    }

    /// A storage as a pool shows it; `None` for one that is not configured any more.
    fn storage_of_pool(&self, storage: &str) -> Result<Option<Value>, Unreadable> {
        let Some(row) = self.row(&ApiPath::parse("storage"), "storage", storage)? else { return Ok(None) };
        let word = |key: &str| row.get(key).and_then(text).unwrap_or_default();
        let nodes = word("nodes");
        let mut nodes: Vec<&str> = list::items(&nodes).collect();
        nodes.sort_unstable();
        let local = self.local_node()?.unwrap_or_default();
        let node = if nodes.is_empty() || nodes.contains(&local.as_str()) { &local } else { nodes[0] };
        let id = format!("storage/{node}/{storage}");
        if let Some(resource) = self.row(&ApiPath::parse("cluster/resources"), "id", &id)? {
            return Ok(Some(resource.into()));
        }
        let shared = u8::from(word("shared") == "1");
        Ok(Some(json!({
            "id": id, "node": node, "storage": storage, "type": "storage", "plugintype": word("type"),
            "content": word("content"), "shared": shared, "status": "unknown",
        })))
    }
}

/// A nested pool has no single answer (docs/proxmox.md, "JSON types").
fn single_pool<A: Answers>(deriver: &Deriver<A>, pool: &str) -> Derivation {
    if pool.contains('/') {
        return Ok(Some(not_implemented(&["pools", pool])));
    }
    let list = ApiPath::new(["pools"]).with_query("poolid", pool);
    let single = match deriver.data(&list)?.as_ref().and_then(|list| list.get(0)) {
        Some(single) => Some(single.clone()),
        None => listed_pool(deriver, pool)?,
    };
    match single {
        Some(single) => Ok(Some(Answer::ok(single))),
        None => missing_pool(deriver, pool),
    }
}

/// A pool with the guests that the cluster's resources name. They name no storages: the storages of a pool are known
/// only where the pool itself was recorded.
fn listed_pool<A: Answers>(deriver: &Deriver<A>, pool: &str) -> Result<Option<Value>, Unreadable> {
    let Some(mut single) = deriver.row(&ApiPath::parse("pools"), "poolid", pool)? else { return Ok(None) };
    if deriver.rows(&ApiPath::parse("cluster/resources"), "vmid")?.is_none() {
        return Ok(None);
    }
    single.insert("members".to_owned(), deriver.guests_of(pool)?.into());
    Ok(Some(single.into()))
}

fn missing_pool<A: Answers>(deriver: &Deriver<A>, pool: &str) -> Derivation {
    let Some(pools) = deriver.rows(&ApiPath::parse("pools"), "poolid")? else { return Ok(None) };
    let gone = !pools.contains_key(pool) && deriver.permissions()?.allow_all("/pool", "Pool.Audit");
    Ok(gone.then(|| Answer::refusal(500, &format!("pool '{pool}' does not exist"))))
}
