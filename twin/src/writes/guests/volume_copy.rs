//! Copies of single volumes (`PVE::API2::Storage::Content`, which calls this experimental).

use proxmox_mpc_model::volume::VolumeId;
use serde_json::Value;

use super::keys::word;
use super::volumes::{NewVolume, Storage};
use super::{relocate, volumes};
use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// `POST content/{volume}`: a task that makes a volume of this name and size on a node.
pub(super) fn copy(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, storage, named) = (call.node(), call.required("storage")?, call.required("volume")?);
    let named = if named.contains(':') { named } else { format!("{storage}:{named}") };
    let unread = |named: &str| Refusal::failed(format!("unable to parse volume ID '{named}'"));
    let source = VolumeId::parse(&named).ok_or_else(|| unread(&named))?;
    let wanted = call.required("target")?;
    let target = VolumeId::parse(&wanted).ok_or_else(|| unread(&wanted))?;
    let to = call.text("target_node").unwrap_or_else(|| node.clone());
    relocate::known_node(transaction, &to)?;
    transaction.task(call, &node, "imgcopy", "", |transaction, log| {
        let own = volumes::row(transaction, &node, &source)?;
        let own = own.ok_or_else(|| Refusal::failed(format!("volume '{source}' does not exist")))?;
        let bytes = own.get("size").and_then(Value::as_u64).unwrap_or_default();
        let Some(owner) = target.owner() else {
            return Err(Refusal::beyond_the_twin("copy what is no guest's disk"));
        };
        let storage = Storage::enabled(transaction, target.storage(), &to)?;
        let content = word(&own, "content").unwrap_or_else(|| "images".to_owned());
        let format = target.format().or(source.format()).unwrap_or("raw");
        let name = target.name().rsplit('/').next().unwrap_or_default();
        let new = NewVolume { node: &to, vmid: &owner.to_string(), name: Some(name), format, content: &content, bytes };
        storage.allocate(transaction, &new, log).map(drop)
    })
}
