//! Answers about the permissions of each user, from roles, groups, pools and the access list (`PVE::RPCEnvironment`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::roles;
use super::sheet::Sheet;
use super::user::{Subject, Users};
use crate::ApiPath;

/// Roles or privileges; true where they propagate.
type Propagated = BTreeMap<String, bool>;

/// Paths that are always part of the answer.
const PATHS: &[&str] = &["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"];

/// Answers the permissions of root, who asks, and of every user.
pub(super) fn answer(users: &Users, sheet: &mut Sheet) {
    let paths = paths(users);
    for user in users.people.keys() {
        let pools = from_pools(users, user);
        let mut permissions = Map::new();
        for path in &paths {
            let privileges = privileges(users, &pools, user, path);
            if !privileges.is_empty() {
                let keys = privileges.into_iter().map(|(name, down)| (name, json!(u8::from(down))));
                permissions.insert(path.clone(), Value::Object(keys.collect()));
            }
        }
        if user == "root@pam" {
            sheet.put("access/permissions", permissions.clone());
        }
        sheet.put_at(ApiPath::parse("access/permissions").with_query("userid", user), permissions);
    }
}

fn paths(users: &Users) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
    for (path, _) in users.acl.keys() {
        paths.insert(path.clone());
        paths.extend(path.match_indices('/').skip(1).map(|(at, _)| path[..at].to_owned()));
    }
    for pool in users.pools.values() {
        paths.extend(pool.guests.iter().map(|vmid| format!("/vms/{vmid}")));
        paths.extend(pool.storages.iter().map(|storage| format!("/storage/{storage}")));
    }
    paths
}

fn privileges(users: &Users, pools: &BTreeMap<String, BTreeSet<String>>, user: &str, path: &str) -> Propagated {
    if user == "root@pam" {
        return roles::all(users.before_nine).map(|name| (name.to_owned(), true)).collect();
    }
    let mut granted = granted(users, user, path);
    if let Some(pool) = pools.get(path)
        && !granted.contains_key("NoAccess")
    {
        if pool.contains("NoAccess") {
            granted = Propagated::from([("NoAccess".to_owned(), false)]);
        } else {
            for role in pool {
                granted.entry(role.clone()).or_insert(false);
            }
        }
    }
    let mut privileges = Propagated::new();
    for (role, down) in granted {
        for privilege in users.roles.get(&role).into_iter().flatten() {
            *privileges.entry(privilege.clone()).or_default() |= down;
        }
    }
    privileges
}

/// The roles of a user at a path: its own entry, or those of the nearest entry above that propagate. An entry for the
/// user outweighs those for the user's groups.
fn granted(users: &Users, user: &str, path: &str) -> Propagated {
    let mut granted = Propagated::new();
    let above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
    let steps: BTreeSet<&str> = above.chain(["/", path]).collect();
    for step in steps {
        let here = |subject: Subject| -> Propagated {
            let roles = users.acl.get(&(step.to_owned(), subject));
            let reach = roles.into_iter().flatten().filter(|(_, down)| step == path || **down);
            reach.map(|(role, down)| (role.clone(), *down)).collect()
        };
        let of_user = here(Subject::User(user.to_owned()));
        let roles = if of_user.is_empty() {
            let groups = users.groups.iter().filter(|(_, group)| group.members.contains(user));
            groups.flat_map(|(name, _)| here(Subject::Group(name.clone()))).collect()
        } else {
            of_user
        };
        if !roles.is_empty() {
            granted = roles;
        }
    }
    match granted.get("NoAccess") {
        Some(down) => Propagated::from([("NoAccess".to_owned(), *down)]),
        None => granted,
    }
}

/// The roles that a user has on guests and storages because of their pools.
fn from_pools(users: &Users, user: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut roles_by_path: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, pool) in &users.pools {
        let roles = granted(users, user, &format!("/pool/{name}"));
        if roles.is_empty() {
            continue;
        }
        let guests = pool.guests.iter().map(|vmid| format!("/vms/{vmid}"));
        let storages = pool.storages.iter().map(|storage| format!("/storage/{storage}"));
        for path in guests.chain(storages) {
            roles_by_path.entry(path).or_default().extend(roles.keys().cloned());
        }
    }
    roles_by_path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etc_pve::user;

    const FILE: &str = "user:a@pve:1:0
user:b@pve:1:0
group:g:a@pve,b@pve:
role:R:VM.Audit,Sys.Audit:
pool:p::100,101:local:
acl:1:/:@g:PVEPoolUser:
acl:0:/pool/p:b@pve:R:
acl:1:/vms:a@pve:PVETemplateUser:
acl:1:/vms/101:a@pve:NoAccess:
";

    #[test]
    fn nearer_entries_count_and_pools_add_to_them() {
        let mut sheet = Sheet::default();
        answer(&user::parse(FILE, &mut sheet), &mut sheet);
        let check = |user: &str, path: &str, expected: Value| {
            let request = ApiPath::parse("access/permissions").with_query("userid", user);
            let data = sheet.answers[&request].data().cloned().unwrap_or_default();
            assert_eq!(data.get(path).cloned().unwrap_or_default(), expected, "{user} {path}");
        };
        check("a@pve", "/", json!({"Pool.Audit": 1}));
        // The members of the pool inherit what propagates to the pool, and pass nothing on.
        check("a@pve", "/vms/100", json!({"VM.Audit": 1, "VM.Clone": 1, "Pool.Audit": 0}));
        check("a@pve", "/vms/101", Value::Null);
        check("b@pve", "/pool/p", json!({"VM.Audit": 0, "Sys.Audit": 0}));
        check("b@pve", "/vms/100", json!({"Pool.Audit": 1, "VM.Audit": 0, "Sys.Audit": 0}));
        check("b@pve", "/storage/local", json!({"Pool.Audit": 1, "VM.Audit": 0, "Sys.Audit": 0}));
        assert_eq!(
            sheet.answers[&ApiPath::parse("access/permissions")].data().map(|data| data["/sdn"]["SDN.Use"] == json!(1)),
            Some(true)
        );
    }
}
