//! The form of a plan in `terraform show -json`, as far as we read it.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    resource_changes: Vec<Resource>,
}

/// What is to be done to one object.
#[derive(Deserialize)]
pub(super) struct Resource {
    pub(super) address: String,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) provider_name: String,
    pub(super) change: Change,
}

#[derive(Deserialize)]
pub(super) struct Change {
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
    pub(super) importing: Option<Import>,
    #[serde(default)]
    pub(super) replace_paths: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
pub(super) struct Import {
    #[serde(default)]
    pub(super) id: String,
}

/// Reads the one line of `show -json`: every managed object, in the order of their addresses. Data sources are read during
/// the plan, or later: neither changes the cluster.
pub(super) fn managed(json: &str) -> Result<Vec<Resource>, serde_json::Error> {
    let mut shown: Shown = serde_json::from_str(json)?;
    shown.resource_changes.retain(|resource| resource.mode != "data");
    shown.resource_changes.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(shown.resource_changes)
}
