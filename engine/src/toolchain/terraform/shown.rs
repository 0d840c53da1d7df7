//! JSON of a plan, as `terraform show -json` prints it, as far as we read it.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct PlanJson {
    #[serde(default)]
    resource_changes: Vec<PlanResource>,
}

/// Planned resource.
#[derive(Deserialize)]
pub(super) struct PlanResource {
    pub(super) address: String,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) provider_name: String,
    pub(super) change: ResourceChange,
}

#[derive(Deserialize)]
pub(super) struct ResourceChange {
    pub(super) actions: Vec<String>,
    #[serde(default)]
    pub(super) before: Value,
    #[serde(default)]
    pub(super) after: Value,
    #[serde(default)]
    pub(super) after_unknown: Value,
    #[serde(default)]
    pub(super) before_sensitive: Value,
    #[serde(default)]
    pub(super) after_sensitive: Value,
    pub(super) importing: Option<ImportId>,
    #[serde(default)]
    pub(super) replace_paths: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
pub(super) struct ImportId {
    #[serde(default)]
    pub(super) id: String,
}

/// Reads the output of `show -json`: every managed resource, sorted by address. Data sources are left out: reading them does
/// not change the cluster.
pub(super) fn managed(json: &str) -> Result<Vec<PlanResource>, serde_json::Error> {
    let mut shown: PlanJson = serde_json::from_str(json)?;
    shown.resource_changes.retain(|resource| resource.mode != "data");
    shown.resource_changes.sort_by(|left, right| left.address.cmp(&right.address));
    Ok(shown.resource_changes)
}
