//! Roles that a login needs, and the commands that create them: to import, and to plan against the cluster.
//!
//! Each set was tried with the real provider against twins that enforce permissions. docs/permissions.md explains them.

use std::collections::BTreeSet;

use proxmox_mpc_model::permissions::Permissions;

use super::READER;

/// The privileges that a plan needs besides [`READER`], since the provider reads these objects one by one: storages, volumes
/// whose name does not show their format, API tokens, zones and controllers of the SDN (docs/provider.md, R3 and D15); from
/// Proxmox VE 9.2 on, containers with environment variables.
pub const PLANNER: [&str; 5] =
    ["Datastore.Allocate", "SDN.Allocate", "User.Modify", "VM.Config.Disk", "VM.Config.Options"];

/// The privileges that changes of guests, storages and pools take besides [`READER`] and [`PLANNER`].
pub const WRITER: [&str; 12] = [
    "VM.Allocate",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.PowerMgmt",
    "Datastore.AllocateSpace",
    "Pool.Allocate",
    "SDN.Use",
];

/// A role that we print the commands for.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// Its name: `ProxmoxMpcReader`.
    pub name: &'static str,
    /// Its privileges.
    pub privileges: &'static [&'static str],
}

/// The role that reads everything and changes nothing.
pub const READING: Role = Role { name: "ProxmoxMpcReader", privileges: &READER };
/// The role that a plan needs besides.
pub const PLANNING: Role = Role { name: "ProxmoxMpcPlanner", privileges: &PLANNER };
/// The role that changes of guests, storages and pools take besides.
pub const WRITING: Role = Role { name: "ProxmoxMpcWriter", privileges: &WRITER };

impl Role {
    /// The privileges of the role that a login lacks, each on the path where Proxmox checks it or on a part below it.
    pub fn missing(&self, permissions: &Permissions) -> Vec<&'static str> {
        let has = |privilege: &str| match privilege.split('.').next().unwrap_or_default() {
            "VM" => permissions.allow_all("/vms", privilege),
            "Datastore" => permissions.allow_all("/storage", privilege),
            "Pool" => permissions.allow_all("/pool", privilege),
            "SDN" => permissions.allow_all("/sdn", privilege),
            "Mapping" => permissions.allow_all("/mapping", privilege),
            "User" => permissions.allow_all("/access/groups", privilege),
            // `Sys.Audit` is checked for the cluster on `/` alone, for users and permissions below `/access`.
            _ => permissions.allow("/", privilege) && permissions.allow_all("/access", privilege),
        };
        self.privileges.iter().copied().filter(|privilege| !has(privilege)).collect()
    }

    /// The commands that create the role and give it to a login (`user@realm`, or with `!token`), for root on a node.
    pub fn grant(&self, login: &str) -> [String; 2] {
        let user = login.split('!').next().unwrap_or(login);
        [
            format!("pveum role add {} --privs \"{}\"", self.name, self.privileges.join(" ")),
            format!("pveum acl modify / --users {user} --roles {}", self.name),
        ]
    }
}

/// The command that gives a token the rights of its user, if the login is one (`user@realm!token`).
pub fn unseparate(login: &str) -> Option<String> {
    let (user, token) = login.split_once('!')?;
    Some(format!("pveum user token modify {user} {token} --privsep 0"))
}

/// The commands that create a role, a user and a token that can read everything and change nothing, for root on a node.
/// They are the same on PVE 8 and 9. The last one prints the token's secret, once.
pub fn reader() -> Vec<String> {
    vec![
        format!("pveum role add {} --privs \"{}\"", READING.name, READER.join(" ")),
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
        Recording::open(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)).unwrap()
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
        for privilege in READER.iter().chain(&PLANNER).chain(&WRITER) {
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
