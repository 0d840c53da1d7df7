//! What a plan means to do to each object, with the values on both sides, from `terraform show -json` of the plan file.

use serde_json::Value;

use crate::toolchain::terraform::differences::{action, path};
use crate::toolchain::terraform::{Action, shown};

/// What a plan means to do to one object. Its values may be secret: it is never printed.
#[derive(Clone)]
pub struct Planned {
    /// Its Terraform address.
    pub address: String,
    /// Its type: `proxmox_virtual_environment_vm`.
    pub resource: String,
    /// The provider that does it: `registry.terraform.io/bpg/proxmox`.
    pub provider: String,
    /// What is to be done; `None` for nothing.
    pub action: Option<Action>,
    /// The id that it is imported by, where it is.
    pub importing: Option<String>,
    /// Its attributes as the cluster and the state have them; null where it is new.
    pub before: Value,
    /// Its attributes as the code says; null where it goes.
    pub after: Value,
    /// The attributes that make it a replacement.
    pub replacing: Vec<String>,
}

/// Reads the one line of `show -json`: every managed object of the plan, in the order of their addresses.
pub fn planned(json: &str) -> Result<Vec<Planned>, serde_json::Error> {
    Ok(shown::managed(json)?.into_iter().map(Planned::from).collect())
}

impl Planned {
    /// An attribute as it is before, or as it will be where the object is new: `vm_id`.
    pub fn attribute(&self, name: &str) -> &Value {
        let [before, after] = [&self.before, &self.after].map(|side| side.get(name).unwrap_or(&Value::Null));
        if before.is_null() { after } else { before }
    }

    /// Whether the object is made anew, alone or in place of an old one.
    pub fn creates(&self) -> bool {
        matches!(self.action, Some(Action::Create | Action::Replace))
    }

    /// Whether an object goes, for good or for a new one.
    pub fn destroys(&self) -> bool {
        matches!(self.action, Some(Action::Destroy | Action::Replace))
    }
}

impl From<shown::Resource> for Planned {
    fn from(shown: shown::Resource) -> Self {
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
    fn what_is_meant_is_read_with_its_values() {
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
