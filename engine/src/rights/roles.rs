//! Roles that a login needs, and the commands that create them: to import, and to plan against the cluster.
//!
//! Each set was tried with the real provider against twins that enforce permissions. docs/permissions.md explains them.

use std::collections::BTreeSet;

use super::READER;

/// The privileges that a plan needs besides [`READER`], since the provider reads these objects one by one: storages, volumes
/// whose name does not show their format, API tokens, zones and controllers of the SDN (docs/provider.md, R3 and D15); from
/// Proxmox VE 9.2 on, containers with environment variables.
pub const PLANNER: [&str; 5] =
    ["Datastore.Allocate", "SDN.Allocate", "User.Modify", "VM.Config.Disk", "VM.Config.Options"];

/// The commands that create a role, a user and a token that can read everything and change nothing, for root on a node.
/// They are the same on PVE 8 and 9. The last one prints the token's secret, once.
pub fn reader() -> Vec<String> {
    vec![
        format!("pveum role add ProxmoxMpcReader --privs \"{}\"", READER.join(" ")),
        "pveum user add proxmox-mpc@pve".to_owned(),
        "pveum acl modify / --users proxmox-mpc@pve --roles ProxmoxMpcReader".to_owned(),
        // With privilege separation the token would see nothing without permissions of its own.
        "pveum user token add proxmox-mpc@pve import --privsep 0".to_owned(),
    ]
}

/// The commands that give a login (`user@realm`, or with `!token`) these privileges in addition to those that it has.
///
/// They are granted on `/`: on a deeper path they would replace the inherited ones.
pub fn grant(login: &str, privileges: &BTreeSet<String>) -> Vec<String> {
    let user = login.split('!').next().unwrap_or(login);
    let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
    vec![
        format!("pveum role add ProxmoxMpcPlanner --privs \"{}\"", privileges.join(" ")),
        format!("pveum acl modify / --users {user} --roles ProxmoxMpcPlanner"),
    ]
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::permissions::Permissions;
    use proxmox_mpc_model::{Answers as _, ApiPath, Cluster};
    use proxmox_mpc_twin::recording::Recording;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::rights::refusals;

    fn fixture(name: &str) -> Recording {
        Recording::open(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
    }

    /// A planner is refused nothing, and each of its privileges is needed somewhere.
    #[test]
    fn a_plan_takes_what_the_role_has_and_nothing_else() {
        let mut needed = BTreeSet::new();
        for name in ["pve-9.1.tar.zst", "homelab.tar.zst", "pve-9.2.tar.zst"] {
            let recording = fixture(name);
            let mut cluster = Cluster::read(&recording).unwrap();
            let mut refused = |privileges: &[&str]| {
                let granted: Map<String, Value> =
                    privileges.iter().map(|name| ((*name).to_owned(), 1.into())).collect();
                cluster.permissions = Permissions::read(Some(&json!({ "/": granted })));
                refusals(&cluster).unwrap().into_iter().map(|refusal| refusal.privilege).collect::<BTreeSet<_>>()
            };
            needed.extend(refused(&READER));
            assert_eq!(refused(&[&READER[..], &PLANNER].concat()), BTreeSet::new(), "{name}");
        }
        assert_eq!(needed.into_iter().collect::<Vec<_>>(), PLANNER);
    }

    #[test]
    fn every_privilege_exists() {
        let roles = fixture("homelab.tar.zst").get(&ApiPath::parse("access/roles")).unwrap().unwrap();
        let all = roles.list().find(|role| role["roleid"] == "Administrator").unwrap();
        let known: Vec<&str> = all["privs"].as_str().unwrap().split(',').collect();
        for privilege in READER.iter().chain(&PLANNER) {
            assert!(known.contains(privilege), "{privilege}");
        }
    }

    #[test]
    fn a_grant_is_two_lines() {
        let privileges = ["Datastore.Allocate", "VM.Config.Disk"].map(str::to_owned).into();
        assert_eq!(
            grant("alice@pve!ci", &privileges),
            [
                "pveum role add ProxmoxMpcPlanner --privs \"Datastore.Allocate VM.Config.Disk\"",
                "pveum acl modify / --users alice@pve --roles ProxmoxMpcPlanner",
            ]
        );
    }
}
