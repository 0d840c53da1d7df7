//! Options of the cluster and of a node: one answer each (`PVE::API2::{Cluster,NodeConfig,Nodes}`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::etc_pve::datacenter_options;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::digest;
use super::method::Write;
use super::versions::same_digest;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Put, path: "/cluster/options", run: set_cluster },
    Write { verb: Verb::Put, path: "/nodes/{node}/config", run: set_node },
    Write { verb: Verb::Post, path: "/nodes/{node}/hosts", run: set_hosts },
];

/// `PUT` of the cluster's options: sets keys, then deletes keys. Options read back as their file has them.
fn set_cluster(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut options = transaction.object(&call.path)?;
    for key in call.given().keys().filter(|key| *key != "delete") {
        let value = call.text(key).unwrap_or_default();
        let lines: Vec<String> = match key.as_str() {
            "description" => {
                value.lines().map(|line| format!("#{}", percent_encoding::utf8_percent_encode(line, PERCENT))).collect()
            }
            _ => vec![format!("{key}: {value}")],
        };
        for (read, value) in datacenter_options(&lines.join("\n")) {
            if read == *key {
                options.insert(read, value);
            } else {
                options.entry(read).or_insert(value);
            }
        }
    }
    for key in call.list("delete") {
        options.remove(&key);
    }
    // What a file without any line says.
    for (key, value) in datacenter_options("") {
        options.entry(key).or_insert(value);
    }
    check_next_id(&options)?;
    transaction.set(&call.path, options);
    Ok(Value::Null)
}

/// Characters that a comment encodes: the percent sign.
const PERCENT: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%');

/// Refuses a range of new VMIDs that is empty; a missing end has Proxmox's limit.
fn check_next_id(options: &Row) -> Result<(), Refusal> {
    let Some(range) = options.get("next-id") else { return Ok(()) };
    let limit =
        |key: &str, usual: i64| range.get(key).and_then(text).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (lower, upper) = (limit("lower", 100), limit("upper", 1_000_000));
    if lower > upper {
        return Err(Refusal::failed(format!("lower ({lower}) <= upper ({upper}) boundary rule broken")));
    }
    Ok(())
}

/// `PUT` of a node's options, whose numbers read back as text.
fn set_node(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut options = transaction.object(&call.path)?;
    same_digest(call, &options, "")?;
    for key in call.list("delete") {
        options.remove(&key);
    }
    for key in call.given().keys().filter(|key| !matches!(key.as_str(), "delete" | "digest")) {
        options.insert(key.clone(), call.text(key).into());
    }
    // The description is kept as comment lines, each of which ends.
    if let Some(description) = options.get("description").and_then(text)
        && !description.is_empty()
        && !description.ends_with('\n')
    {
        options.insert("description".to_owned(), format!("{description}\n").into());
    }
    store(transaction, &call.path, options);
    Ok(Value::Null)
}

fn set_hosts(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    same_digest(call, &transaction.object(&call.path)?, "")?;
    let data = call.required("data")?;
    store(transaction, &call.path, Row::from_iter([("data".to_owned(), json!(data))]));
    Ok(Value::Null)
}

fn store(transaction: &mut Transaction, path: &ApiPath, mut options: Row) {
    options.retain(|_, value| text(value).is_none_or(|text| !text.is_empty()));
    let digest = digest::of(digest::DigestForm::Sha1, [&options]);
    options.insert("digest".to_owned(), digest.into());
    transaction.set(path, options);
}
