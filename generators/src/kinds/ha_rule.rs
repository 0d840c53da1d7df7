//! HA rules as `proxmox_harule`.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of HA rules.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "ha_rule",
    file: "ha_rules.tf",
    word: "rule",
    data: false,
    namespace: Namespace::Own("ha_rule"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["rule"], "rule"),
        Row::text(&["type"], "type"),
        Row::custom(&["comment"], |draft| guard::passing(draft, "comment", "comment", bpg::comment, "J18")),
        Row::flag(&["disable"], "disable", false),
        Row::custom(&["resources"], resources),
        Row::custom(&["nodes"], |draft| {
            let nodes = draft.text("nodes").and_then(|text| guard::priorities(&text));
            draft.set_some("nodes", nodes);
        }),
        Row::flag(&["strict"], "strict", false),
        Row::text(&["affinity"], "affinity"),
        Row::volatile(&["digest", "errors", "order"]),
    ],
    role: Some(|_| Role::cluster("ha")),
};

fn words(object: &Object) -> Vec<String> {
    let text = object.text("resources").unwrap_or_default();
    let mut words: Vec<String> =
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let id = object.entry.identity.id();
    let (nodes, affinity) = (object.text("nodes"), object.text("affinity"));
    let known = match object.text("type").as_deref() {
        Some("node-affinity") => affinity.is_none() && nodes.and_then(|text| guard::priorities(&text)).is_some(),
        Some("resource-affinity") => {
            nodes.is_none()
                && object.text("strict").is_none_or(|strict| strict == "0")
                && matches!(affinity.as_deref(), Some("positive" | "negative"))
        }
        _ => false,
    };
    let resources = words(object);
    if !known || !bpg::ha_name(id) || resources.is_empty() || !resources.iter().all(|one| bpg::ha_resource(one)) {
        return Err(Obstacle::new("the provider refuses a rule of this form (provider rule J11)"));
    }
    Ok(Destination::Resource("proxmox_harule", id.to_owned()))
}

/// Writes the resources as references, so that they exist before the rule.
fn resources(draft: &mut Draft<'_>) {
    draft.take("resources");
    let resources = words(draft.object);
    let resources = resources.iter().map(|sid| guard::referred(draft, "ha-resource", sid, "resource_id"));
    let resources = Value::List(resources.collect());
    draft.set("resources", resources);
}
