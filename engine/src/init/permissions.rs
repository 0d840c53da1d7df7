//! Permissions: what a login lacks for an import, for a plan and for an apply, with the lines that grant it.

use proxmox_mpc_model::permissions::Permissions;

use super::request::{Purpose, PurposeReport};
use crate::rights::roles::{PLANNING, READING, Role, WRITING, unseparate};

/// The purposes, each with what all roles up to its own need.
pub(super) fn purposes(permissions: &Permissions, login: &str) -> Vec<PurposeReport> {
    let purposes: [(Purpose, &[Role]); 3] = [
        (Purpose::Import, &[READING]),
        (Purpose::Plan, &[READING, PLANNING]),
        (Purpose::Apply, &[READING, PLANNING, WRITING]),
    ];
    purposes.map(|(purpose, roles)| report(purpose, roles, permissions, login)).into()
}

fn report(purpose: Purpose, roles: &[Role], permissions: &Permissions, login: &str) -> PurposeReport {
    let mut report = PurposeReport { purpose, missing: Vec::new(), grant: Vec::new() };
    for role in roles {
        let missing = role.missing(permissions);
        if missing.is_empty() {
            continue;
        }
        report.grant.extend(role.grant(login));
        report.missing.extend(
            missing.into_iter().map(str::to_owned).filter(|name| !report.missing.contains(name)).collect::<Vec<_>>(),
        );
    }
    // A token of its own rights has none at the beginning, whatever its user may do.
    if permissions.is_empty() {
        report.grant.extend(unseparate(login));
    }
    report
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::rights::READER;
    use crate::rights::roles::{PLANNER, WRITER};

    fn holding(path: &str, privileges: &[&str]) -> Permissions {
        let granted: Map<String, Value> = privileges.iter().map(|name| ((*name).to_owned(), 1.into())).collect();
        Permissions::read(Some(&json!({ path: granted })))
    }

    #[test]
    fn a_login_lacks_what_the_roles_have_and_it_does_not() {
        let check = |permissions: &Permissions, expected: [usize; 3]| {
            let reports = purposes(permissions, "a@pve!b");
            assert_eq!(reports.iter().map(|report| report.missing.len()).collect::<Vec<_>>(), expected);
            for report in reports {
                assert_eq!(report.missing.is_empty(), report.grant.is_empty(), "{report:?}");
            }
        };
        let all = [&READER[..], &PLANNER, &WRITER].concat();
        // `VM.Config.Options` is in two of the roles.
        check(&holding("/", &[]), [6, 11, 22]);
        check(&holding("/", &READER), [0, 5, 16]);
        check(&holding("/", &[&READER[..], &PLANNER].concat()), [0, 0, 11]);
        check(&holding("/", &all), [0, 0, 0]);
        check(&holding("/vms", &READER), [5, 10, 21]);
    }

    #[test]
    fn the_lines_are_of_the_login() {
        let reports = purposes(&holding("/", &["VM.Audit"]), "a@pve!b");
        assert_eq!(
            reports[0].grant,
            [
                "pveum role add ProxmoxMpcReader --privs \"VM.Audit Datastore.Audit Sys.Audit Pool.Audit SDN.Audit Mapping.Audit\"",
                "pveum acl modify / --users a@pve --roles ProxmoxMpcReader",
            ]
        );
        let nothing = purposes(&Permissions::read(Some(&json!({}))), "a@pve!b");
        assert_eq!(nothing[0].grant[2], "pveum user token modify a@pve b --privsep 0");
    }
}
