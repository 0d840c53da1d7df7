//! Planned resources with their values before and after, from `terraform show -json` of the plan file.

use serde_json::Value;

use crate::toolchain::terraform::differences::{action, path};
use crate::toolchain::terraform::{Action, shown};

/// A resource of a plan. Its values may be secret, so that it is never printed.
#[derive(Clone)]
pub struct PlannedResource {
    /// The Terraform address.
    pub address: String,
    /// The resource type: `proxmox_virtual_environment_vm`.
    pub resource: String,
    /// The provider: `registry.terraform.io/bpg/proxmox`.
    pub provider: String,
    /// The planned action; `None` if there is nothing to do.
    pub action: Option<Action>,
    /// The id that it is imported by, if it is.
    pub importing: Option<String>,
    /// The attributes in the cluster and the state; null if it would be created.
    pub before: Value,
    /// The attributes in the code; null if it would be destroyed.
    pub after: Value,
    /// The paths of attributes that force a replacement.
    pub replacing: Vec<String>,
}

/// Reads the output of `show -json`: every managed resource of the plan, sorted by address.
pub fn planned(json: &str) -> Result<Vec<PlannedResource>, serde_json::Error> {
    Ok(shown::managed(json)?.into_iter().map(PlannedResource::from).collect())
}

impl PlannedResource {
    /// The value of an attribute before, or after if it has none before: `vm_id`.
    pub fn attribute(&self, name: &str) -> &Value {
        let [before, after] = [&self.before, &self.after].map(|side| side.get(name).unwrap_or(&Value::Null));
        if before.is_null() { after } else { before }
    }

    /// Reports whether an object is created, also in place of an old one.
    pub fn creates(&self) -> bool {
        matches!(self.action, Some(Action::Create | Action::Replace))
    }

    /// Reports whether an object is destroyed, also for a new one.
    pub fn destroys(&self) -> bool {
        matches!(self.action, Some(Action::Destroy | Action::Replace))
    }
}

impl From<shown::PlanResource> for PlannedResource {
    fn from(shown: shown::PlanResource) -> Self {
        let change = shown.change;
        Self {
            address: shown.address,
            resource: shown.kind,
            provider: shown.provider_name,
            action: action(&change.actions),
            importing: change.importing.map(|importing| importing.id),
            before: change.before,
            after: change.after,
            replacing: change.replace_paths.iter().map(|steps| path(steps)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn planned_resources_are_read_with_their_values() {
        let shown = json!({"resource_changes": [
            {"address": "t.b", "type": "t", "mode": "managed", "provider_name": "p", "change": {
                "actions": ["delete", "create"], "before": {"vm_id": 100}, "after": {"vm_id": 101},
                "replace_paths": [["vm_id"]]}},
            {"address": "t.a", "type": "t", "mode": "managed", "provider_name": "p", "change": {
                "actions": ["no-op"], "before": {"vm_id": 1}, "after": {"vm_id": 1}, "importing": {"id": "n/1"}}},
            {"address": "data.t.c", "type": "t", "mode": "data", "change": {"actions": ["read"]}},
        ]});
        let planned = planned(&shown.to_string()).unwrap();
        let [same, replaced] = &planned[..] else { panic!("{} objects", planned.len()) };
        assert_eq!((same.action, same.importing.as_deref()), (None, Some("n/1")));
        assert_eq!((replaced.action, &replaced.replacing[..]), (Some(Action::Replace), &["vm_id".to_owned()][..]));
        assert!(replaced.creates() && replaced.destroys() && !same.creates());
        assert_eq!(replaced.attribute("vm_id"), 100);
    }
}
