//! Options of the cluster and of a node: one answer each (`PVE::API2::{Cluster,NodeConfig,Nodes}`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::collections::same_digest;
use super::{Call, Refusal, Write, digest};
use crate::state::{Row, Transaction};

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Put, path: "/nodes/{node}/config", run: set_node },
    Write { verb: Verb::Post, path: "/nodes/{node}/hosts", run: set_hosts },
];

/// The numbers of a node's options read back as text.
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
    let digest = digest::of(digest::Form::Sha1, [&options]);
    options.insert("digest".to_owned(), digest.into());
    transaction.set(path, options);
}
