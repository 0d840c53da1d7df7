//! Capabilities: what the web interface is told at login that a user may do.

use std::collections::BTreeMap;

use proxmox_mpc_model::{Answers, Unreadable};
use serde_json::{Map, Value, json};

use super::login_privileges::Bearer;

/// Privileges that the web interface is told at login, by subject (`compute_api_permission`).
pub(super) fn of<A: Answers>(bearer: &Bearer<'_, A>) -> Result<Value, Unreadable> {
    let mut capabilities: BTreeMap<&str, Map<String, Value>> =
        SUBJECTS.iter().map(|(subject, _)| (*subject, Map::new())).collect();
    let mut paths = bearer.accounts.paths();
    paths.extend(["/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping"]);
    for path in paths {
        for privilege in bearer.privileges(path)?.keys() {
            if let Some(subject) = subject(path, privilege).and_then(|subject| capabilities.get_mut(subject)) {
                subject.insert(privilege.clone(), json!(1));
            }
        }
    }
    Ok(json!(capabilities))
}

/// The subject that a privilege at a path belongs to.
fn subject<'s>(path: &'s str, privilege: &str) -> Option<&'s str> {
    let subject = match path.split('/').nth(1).filter(|top| !top.is_empty()) {
        Some("pool") if privilege.starts_with("VM.") => "vms",
        Some("pool") => "storage",
        Some(top) => top,
        None => "dc",
    };
    let (_, begins) = SUBJECTS.iter().find(|(name, _)| *name == subject)?;
    begins.iter().any(|begin| privilege.starts_with(begin)).then_some(subject)
}

/// The subjects of the web interface, and how the privileges that matter to each begin.
static SUBJECTS: [(&str, &[&str]); 7] = [
    ("vms", &["VM.", "Permissions.Modify"]),
    ("access", &["User.", "Group.", "Permissions.Modify"]),
    ("storage", &["Datastore.", "Permissions.Modify"]),
    ("nodes", &["Sys.", "Permissions.Modify"]),
    ("sdn", &["SDN.", "Permissions.Modify"]),
    ("dc", &["Sys.Audit", "Sys.Modify", "SDN."]),
    ("mapping", &["Mapping.", "Permissions.Modify"]),
];
