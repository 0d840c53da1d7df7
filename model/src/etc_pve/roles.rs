//! Built-in roles of Proxmox VE 9, and all privileges.

/// Built-in roles with their privileges (`PVE::AccessControl`, as `GET access/roles` of 9.1 lists them).
pub(super) static SPECIAL: &[(&str, &str)] = &[
    (
        "Administrator",
        "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit Group.Allocate \
         Mapping.Audit Mapping.Modify Mapping.Use Permissions.Modify Pool.Allocate Pool.Audit Realm.Allocate \
         Realm.AllocateUser SDN.Allocate SDN.Audit SDN.Use Sys.AccessNetwork Sys.Audit Sys.Console \
         Sys.Incoming Sys.Modify Sys.PowerMgmt Sys.Syslog User.Modify VM.Allocate VM.Audit VM.Backup VM.Clone \
         VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory \
         VM.Config.Network VM.Config.Options VM.Console VM.GuestAgent.Audit VM.GuestAgent.FileRead \
         VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite VM.GuestAgent.Unrestricted VM.Migrate \
         VM.PowerMgmt VM.Replicate VM.Snapshot VM.Snapshot.Rollback",
    ),
    ("NoAccess", ""),
    (
        "PVEAdmin",
        "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit Group.Allocate \
         Mapping.Audit Mapping.Use Pool.Allocate Pool.Audit Realm.AllocateUser SDN.Allocate SDN.Audit SDN.Use \
         Sys.Audit Sys.Console Sys.Syslog User.Modify VM.Allocate VM.Audit VM.Backup VM.Clone VM.Config.CDROM \
         VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network \
         VM.Config.Options VM.Console VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt \
         VM.GuestAgent.FileWrite VM.GuestAgent.Unrestricted VM.Migrate VM.PowerMgmt VM.Replicate VM.Snapshot \
         VM.Snapshot.Rollback",
    ),
    ("PVEAuditor", "Datastore.Audit Mapping.Audit Pool.Audit SDN.Audit Sys.Audit VM.Audit VM.GuestAgent.Audit"),
    ("PVEDatastoreAdmin", "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit"),
    ("PVEDatastoreUser", "Datastore.AllocateSpace Datastore.Audit"),
    ("PVEMappingAdmin", "Mapping.Audit Mapping.Modify Mapping.Use"),
    ("PVEMappingUser", "Mapping.Audit Mapping.Use"),
    ("PVEPoolAdmin", "Pool.Allocate Pool.Audit"),
    ("PVEPoolUser", "Pool.Audit"),
    ("PVESDNAdmin", "SDN.Allocate SDN.Audit SDN.Use"),
    ("PVESDNUser", "SDN.Audit SDN.Use"),
    ("PVESysAdmin", "Sys.Audit Sys.Console Sys.Syslog"),
    ("PVETemplateUser", "VM.Audit VM.Clone"),
    ("PVEUserAdmin", "Group.Allocate Realm.AllocateUser User.Modify"),
    (
        "PVEVMAdmin",
        "VM.Allocate VM.Audit VM.Backup VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit \
         VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.Console \
         VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite \
         VM.GuestAgent.Unrestricted VM.Migrate VM.PowerMgmt VM.Replicate VM.Snapshot VM.Snapshot.Rollback",
    ),
    (
        "PVEVMUser",
        "VM.Audit VM.Backup VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.GuestAgent.Audit \
         VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite VM.PowerMgmt",
    ),
];

/// Privilege of releases before 9 to talk to QEMU and the guest agent, later `VM.GuestAgent.*`.
const MONITOR: &str = "VM.Monitor";

/// The privileges of a built-in role. Before 9, administrators of virtual machines had `VM.Monitor`, and no role had
/// `VM.GuestAgent.*` or `VM.Replicate`.
pub(super) fn privileges(role: &str, before_nine: bool) -> impl Iterator<Item = &'static str> {
    let listed = SPECIAL.iter().find(|(special, _)| *special == role).map_or("", |(_, privileges)| *privileges);
    let is_new = |name: &str| name.starts_with("VM.GuestAgent.") || name == "VM.Replicate";
    let monitors = before_nine && listed.contains("VM.Replicate");
    let kept = listed.split_ascii_whitespace().filter(move |name| !(before_nine && is_new(name)));
    kept.chain(monitors.then_some(MONITOR))
}

/// Reports whether there is such a privilege: an administrator has each of them.
pub(super) fn is_privilege(name: &str, before_nine: bool) -> bool {
    all(before_nine).any(|known| known == name)
}

/// Every privilege.
pub(super) fn all(before_nine: bool) -> impl Iterator<Item = &'static str> {
    privileges("Administrator", before_nine)
}

#[cfg(test)]
mod tests {
    use super::{is_privilege, privileges};

    #[test]
    fn a_release_has_its_own_privileges() {
        let check = |name: &str, before: bool, now: bool| {
            assert_eq!((is_privilege(name, true), is_privilege(name, false)), (before, now), "{name}");
        };
        check("VM.Monitor", true, false);
        check("VM.GuestAgent.Audit", false, true);
        check("VM.Audit", true, true);
        check("VM.Fly", false, false);
        assert_eq!(privileges("PVEVMAdmin", true).filter(|name| *name == "VM.Monitor").count(), 1);
        assert_eq!(privileges("PVEVMUser", true).filter(|name| *name == "VM.Monitor").count(), 0);
        assert_eq!(
            privileges("PVEAuditor", true).collect::<Vec<_>>().join(" "),
            "Datastore.Audit Mapping.Audit Pool.Audit SDN.Audit Sys.Audit VM.Audit"
        );
    }
}
