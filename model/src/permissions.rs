//! Permissions of a login, from `access/permissions`: paths, privileges, and whether they propagate.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::not_read::MissingPrivilege;

/// Privileges of the login that read the cluster, by ACL path.
///
/// Proxmox answers with every path that has an entry of its own and with the privileges in force there; a path that is
/// not listed has the privileges that its nearest listed parent passes on (`pveum`: "propagate").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(Option<BTreeMap<String, BTreeMap<String, bool>>>);

impl Permissions {
    /// Reads the `data` of `access/permissions`; `None` (not recorded) grants nothing.
    pub fn read(data: Option<&Value>) -> Self {
        let Some(paths) = data.and_then(Value::as_object) else { return Self(None) };
        let privileges = |value: &Value| {
            let map = value.as_object().into_iter().flatten();
            map.map(|(name, propagate)| (name.clone(), propagate.as_u64() == Some(1))).collect()
        };
        Self(Some(paths.iter().map(|(path, value)| (path.clone(), privileges(value))).collect()))
    }

    /// Reports whether the permissions are on record.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Reports whether this login has no privilege anywhere.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(|paths| paths.values().all(BTreeMap::is_empty))
    }

    /// Reports whether the login has the privilege (`VM.Audit`) at this ACL path (`/vms/100`).
    pub fn allow(&self, path: &str, privilege: &str) -> bool {
        let Some(paths) = &self.0 else { return false };
        if let Some(privileges) = paths.get(path) {
            return privileges.contains_key(privilege);
        }
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('/') {
            parent = if above.is_empty() { "/" } else { above };
            if let Some(privileges) = paths.get(parent) {
                return privileges.get(privilege) == Some(&true);
            }
            if parent == "/" {
                break;
            }
        }
        false
    }

    /// The privileges, each with its ACL path, that the login lacks at the path or below it.
    pub fn missing(&self, needed: &[(&str, &str)]) -> Vec<MissingPrivilege> {
        let lacking = needed.iter().filter(|(path, privilege)| !self.allow_all(path, privilege));
        lacking.map(|(path, privilege)| MissingPrivilege::new(privilege, path)).collect()
    }

    /// Reports whether the login has the privilege at this path and at everything below it, so that a list filtered by
    /// it is complete.
    pub fn allow_all(&self, path: &str, privilege: &str) -> bool {
        let Some(paths) = &self.0 else { return false };
        let below = format!("{}/", path.trim_end_matches('/'));
        let propagates = paths.get(path).map_or_else(
            || self.allow(&format!("{below}x"), privilege),
            |privileges| privileges.get(privilege) == Some(&true),
        );
        propagates
            && paths
                .iter()
                .filter(|(listed, _)| listed.starts_with(&below))
                .all(|(_, privileges)| privileges.contains_key(privilege))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn privileges_reach_down_where_they_propagate() {
        let permissions = Permissions::read(Some(&json!({
            "/": {"VM.Audit": 1, "Sys.Audit": 0},
            "/vms": {"VM.Audit": 1},
            "/vms/101": {},
            "/storage": {"Datastore.Audit": 1},
        })));
        let check = |path: &str, privilege: &str, expected: bool| {
            assert_eq!(permissions.allow(path, privilege), expected, "{privilege} on {path}");
        };
        check("/vms/100", "VM.Audit", true);
        check("/vms/101", "VM.Audit", false);
        check("/", "Sys.Audit", true);
        check("/nodes/pve1", "Sys.Audit", false);
        check("/pool/prod/web", "VM.Audit", true);
        check("/storage/local", "Datastore.Audit", true);
        assert!(permissions.allow_all("/storage", "Datastore.Audit"));
        assert!(!permissions.allow_all("/vms", "VM.Audit"));
        assert!(!Permissions::read(None).allow("/", "VM.Audit"));
    }
}
