//! Storages: rules that the schema does not have (`PVE::API2::Storage::Config`, `PVE::Storage`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::storage_types::{Contact, Type};
use proxmox_mpc_model::{ApiPath, list};
use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::pools;

/// Keys of a storage that a node and the cluster measure.
const MEASURED: [&str; 4] = ["avail", "total", "used", "used_fraction"];
/// Options of the place of a storage: two storages that share them lie in the same place.
const PLACES: [&str; 6] = ["datastore", "pool", "portal", "server", "thinpool", "vgname"];

fn word(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

/// Checks the options of a storage against its type, sorts its lists, and replaces a secret with what shows of it.
pub(super) fn settle(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let kind = word(row, "type");
    let kind = Type::named(&kind).ok_or_else(|| Refusal::beyond_the_twin(&format!("a storage of type '{kind}'")))?;
    let update = |refusal: Refusal| if before.is_some() { refusal.within("update storage failed") } else { refusal };
    checked(call, row, kind, before).map_err(update)?;
    if before.is_none() {
        let id = word(row, "storage");
        row.entry("content").or_insert_with(|| kind.content.into());
        if matches!(kind.name, "nfs" | "cifs" | "cephfs") {
            row.entry("path").or_insert_with(|| format!("/mnt/pve/{id}").into());
        }
    }
    if kind.shared {
        row.insert("shared".to_owned(), 1.into());
    }
    for key in ["content", "nodes"] {
        if row.contains_key(key) {
            let words: BTreeSet<String> = list::items(&word(row, key)).map(str::to_owned).collect();
            row.insert(key.to_owned(), words.into_iter().collect::<Vec<_>>().join(",").into());
        }
    }
    row.retain(|key, value| !(key == "nodes" && value == ""));
    if kind.contact == Contact::Datastores {
        let answered = key_of_backups(transaction, call, row)?;
        row.insert("config".to_owned(), answered.into());
    }
    Ok(())
}

/// Checks that the options that a call gives are those of the type (`PVE::SectionConfig::check_config`).
fn checked(call: &Call, row: &mut Row, kind: &Type, before: Option<&Row>) -> Result<(), Refusal> {
    for key in call.given().keys().filter(|key| !matches!(key.as_str(), "delete" | "digest")) {
        if before.is_some() && kind.fixed.contains(&key.as_str()) {
            return Err(Refusal::failed(format!("can't change value of fixed parameter '{key}'")));
        }
        if !kind.takes(key) {
            return Err(Refusal::failed(format!("unexpected property '{key}'")));
        }
    }
    for key in call.list("delete") {
        let refused = |why: &str| Err(Refusal::failed(format!("{why} '{key}'")));
        if !kind.takes(&key) {
            return refused("no such option");
        }
        if kind.required.contains(&key.as_str()) {
            return refused("unable to delete required option");
        }
        if kind.fixed.contains(&key.as_str()) {
            return refused("unable to delete fixed option");
        }
    }
    let missing = kind.required.iter().find(|key| !row.contains_key(**key));
    if let Some(missing) = missing {
        return Err(Refusal::failed(format!("missing value for required option '{missing}'")));
    }
    contents(row, kind)
}

/// Keeps the content types that the type of storage can hold; Proxmox leaves the rest out without a message.
fn contents(row: &mut Row, kind: &Type) -> Result<(), Refusal> {
    if !row.contains_key("content") {
        return Ok(());
    }
    let given = word(row, "content");
    let kept: Vec<&str> = list::items(&given).filter(|word| kind.contents.contains(word)).collect();
    if kept.contains(&"none") && kept.len() > 1 {
        return Err(Refusal::failed("unable to combine 'none' with other content types"));
    }
    if kept.is_empty() && !kind.contents.contains(&"none") {
        return Err(Refusal::failed("storage does not support content type 'none'"));
    }
    let kept = kept.join(",");
    row.insert("content".to_owned(), kept.into());
    Ok(())
}

/// The key with which a backup server's client encrypts: a storage shows its fingerprint, and the answer to the call
/// that sets it the key itself.
fn key_of_backups(transaction: &Transaction, call: &Call, row: &mut Row) -> Result<Map<String, Value>, Refusal> {
    let mut answered = Map::new();
    if let Some(given) = call.text("encryption-key") {
        let key = if given == "autogen" { made_up_key(transaction) } else { given };
        let parsed = serde_json::from_str(&key).ok().filter(|parsed: &Value| parsed.get("data").is_some());
        let Some(parsed) = parsed else {
            return Err(Refusal::failed("Value does not seems like a valid, JSON formatted encryption key!")
                .within("create storage failed"));
        };
        row.insert("encryption-key".to_owned(), parsed.get("fingerprint").cloned().unwrap_or_else(|| json!("1")));
        answered.insert("encryption-key".to_owned(), key.into());
    }
    if call.text("master-pubkey").is_some() {
        if !row.contains_key("encryption-key") {
            let why = "'master-pubkey' can only be used together with 'encryption-key'";
            return Err(Refusal::failed(why).within("create storage failed"));
        }
        row.insert("master-pubkey".to_owned(), "1".into());
    }
    Ok(answered)
}

/// A new key in the form of `proxmox-backup-client`'s.
fn made_up_key(transaction: &Transaction) -> String {
    let digits = transaction.made_up_digits(32);
    let pairs: Vec<&str> = (0..32).map(|at| &digits[2 * at..2 * at + 2]).collect();
    let data = STANDARD.encode(transaction.made_up_digits(16));
    let now = transaction.now();
    json!({ "kdf": null, "created": now, "modified": now, "data": data, "fingerprint": pairs.join(":") }).to_string()
}

/// Activates a new storage that is enabled on this node; others are not tried.
pub(super) fn fit(transaction: &Transaction, _: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let nodes = word(row, "nodes");
    let elsewhere =
        !nodes.is_empty() && !list::items(&nodes).any(|node| transaction.local_node().is_ok_and(|own| own == node));
    if before.is_some() || word(row, "disable") == "1" || elsewhere {
        return Ok(());
    }
    let (id, kind) = (word(row, "storage"), word(row, "type"));
    let failed = |why: String| Err(Refusal::failed(why).within("create storage failed"));
    match Type::named(&kind).map_or(Contact::Local, |kind| kind.contact) {
        Contact::Answers(key) if !answers(transaction, key, &word(row, key))? => {
            failed(format!("storage '{id}' is not online"))
        }
        Contact::Datastores if !answers(transaction, "server", &word(row, "server"))? => {
            let server = word(row, "server");
            let port = row.get("port").and_then(text).unwrap_or_else(|| "8007".to_owned());
            let named = server.parse::<IpAddr>().is_err();
            let why = if named { "Name or service not known" } else { "Connection refused" };
            failed(format!("{id}: error fetching datastores - 500 Can't connect to {server}:{port} ({why})"))
        }
        _ => Ok(()),
    }
}

/// Reports whether a server is there. The twin has no network: it believes that those are there which storages of the
/// cluster use, and no others.
fn answers(transaction: &Transaction, key: &str, server: &str) -> Result<bool, Refusal> {
    let storages = transaction.rows(&ApiPath::parse("storage"))?;
    Ok(storages.iter().any(|storage| word(storage, "disable") != "1" && word(storage, key) == server))
}

/// Makes the answer to a creation or a change: the only answer with the key of a backup server's storage.
pub(super) fn answer(row: &mut Row) -> Value {
    let mut answer = json!({ "storage": row.get("storage"), "type": row.get("type") });
    if let Some(config) = row.remove("config") {
        answer["config"] = config;
    }
    answer
}

/// Lists a storage on the nodes and in the cluster as it is configured now, with its measured values, or those of one
/// that lies in the same place.
pub(super) fn written(transaction: &mut Transaction, _: &Call, row: &Row) -> Result<(), Refusal> {
    let id = word(row, "storage");
    let nodes = word(row, "nodes");
    for node in nodes_of(transaction)? {
        let list = ApiPath::new(["nodes", &node, "storage"]);
        let enabled = word(row, "disable") != "1" && (nodes.is_empty() || list::items(&nodes).any(|own| own == node));
        let measured = if enabled { measured(transaction, &list, row)? } else { None };
        let mut listed = json!({
            "storage": id, "type": row.get("type"), "content": row.get("content"), "shared": u8::from(word(row, "shared") == "1"),
            "enabled": u8::from(enabled), "active": u8::from(measured.is_some()), "total": 0, "used": 0, "avail": 0,
        });
        for (key, value) in measured.iter().flatten().filter(|(key, _)| MEASURED.contains(&key.as_str())) {
            listed[key] = value.clone();
        }
        if transaction.row(&list, "storage", &id)?.is_none() {
            transaction.set(&ApiPath::new(["nodes", &node, "storage", &id, "content"]), json!([]));
        }
        transaction.hide(&ApiPath::new(["nodes", &node, "storage", &id, "status"]));
        let resource = format!("storage/{node}/{id}");
        if enabled {
            let row = as_resource(&resource, &node, &listed);
            transaction.put_row(&ApiPath::parse("cluster/resources"), "id", row)?;
        } else {
            transaction.remove_row(&ApiPath::parse("cluster/resources"), "id", &resource)?;
        }
        transaction.put_row(&list, "storage", listed.as_object().cloned().unwrap_or_default())?;
    }
    Ok(())
}

fn nodes_of(transaction: &Transaction) -> Result<Vec<String>, Refusal> {
    let nodes = transaction.rows(&ApiPath::parse("nodes"))?;
    Ok(nodes.iter().map(|node| word(node, "node")).collect())
}

/// Measured values of this storage on a node, or of one in the same place; `None` where it is not reached.
fn measured(transaction: &Transaction, list: &ApiPath, row: &Row) -> Result<Option<Row>, Refusal> {
    let active = |row: &Row| word(row, "active") == "1";
    if let Some(own) = transaction.row(list, "storage", &word(row, "storage"))?.filter(active) {
        return Ok(Some(own));
    }
    for other in transaction.rows(&ApiPath::parse("storage"))? {
        let same = word(&other, "type") == word(row, "type")
            && PLACES.iter().all(|place| word(&other, place) == word(row, place));
        if same && let Some(listed) = transaction.row(list, "storage", &word(&other, "storage"))?.filter(active) {
            return Ok(Some(listed));
        }
    }
    Ok(None)
}

/// A storage of a node as the cluster's resources list it (`PVE::API2Tools::extract_storage_stats`).
fn as_resource(id: &str, node: &str, listed: &Value) -> Row {
    let mut row = json!({
        "id": id, "node": node, "type": "storage", "storage": listed["storage"], "plugintype": listed["type"],
        "content": listed["content"], "shared": listed["shared"], "status": "unknown",
    });
    if listed["active"] == 1 {
        row["status"] = "available".into();
        row["maxdisk"] = listed["total"].clone();
        row["disk"] = listed["used"].clone();
    }
    row.as_object().cloned().unwrap_or_default()
}

/// Refuses to remove a storage that another lies on.
pub(super) fn part(transaction: &Transaction, _: &Call, row: &Row) -> Result<(), Refusal> {
    let base = format!("{}:", word(row, "storage"));
    let storages = transaction.rows(&ApiPath::parse("storage"))?;
    if storages.iter().any(|other| word(other, "base").starts_with(&base)) {
        let why = "can't remove storage - storage is used as base of another storage";
        return Err(Refusal::failed(why).within("delete storage failed"));
    }
    Ok(())
}

/// Takes a removed storage out of lists, pools and ACLs (`remove_storage_access`).
pub(super) fn removed(transaction: &mut Transaction, _: &Call, id: &str) -> Result<(), Refusal> {
    for node in nodes_of(transaction)? {
        let list = ApiPath::new(["nodes", &node, "storage"]);
        transaction.hide_below(&ApiPath::new(["nodes", &node, "storage", id]));
        transaction.remove_row(&list, "storage", id)?;
        transaction.remove_row(&ApiPath::parse("cluster/resources"), "id", &format!("storage/{node}/{id}"))?;
    }
    pools::leave(transaction, id)?;
    let acl = ApiPath::parse("access/acl");
    let mut entries = transaction.rows(&acl)?;
    let before = entries.len();
    entries.retain(|entry| word(entry, "path") != format!("/storage/{id}"));
    if entries.len() != before {
        transaction.set_rows(&acl, entries);
    }
    Ok(())
}
