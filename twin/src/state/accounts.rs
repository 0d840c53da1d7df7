//! The users, groups, roles and ACLs of a cluster, as `/etc/pve/user.cfg` holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Indexed, Unreadable, list};
use serde_json::{Map, Value};

use crate::call::Login;

/// Accounts of a cluster, with the roles that each has at ACL paths.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) users: BTreeMap<String, User>,
    /// The users of each group.
    pub(crate) groups: BTreeMap<String, BTreeSet<String>>,
    /// The privileges of each role.
    pub(crate) roles: BTreeMap<String, BTreeSet<String>>,
    /// The entries of each ACL path.
    acl: BTreeMap<String, Entries>,
}

/// A user.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) enabled: bool,
    /// Seconds since 1970; 0 for never.
    pub(crate) expires: i64,
    pub(crate) tokens: BTreeMap<String, Token>,
}

/// An API token.
#[derive(Debug)]
pub(crate) struct Token {
    /// True if it has only the rights that were given to the token itself.
    pub(crate) separated: bool,
    /// Seconds since 1970; 0 for never.
    pub(crate) expires: i64,
}

/// Roles, and whether each applies further down.
pub(crate) type RolesAtPath = BTreeMap<String, bool>;

/// Roles that one ACL path gives to tokens, users and groups.
#[derive(Debug, Default)]
struct Entries {
    tokens: BTreeMap<String, RolesAtPath>,
    users: BTreeMap<String, RolesAtPath>,
    groups: BTreeMap<String, RolesAtPath>,
}

/// The users with their tokens: from the list of users with everything, or put together from its parts.
pub(crate) fn users<A: Answers + ?Sized>(answers: &A) -> Result<Option<Arc<Indexed>>, Unreadable> {
    if let Some(users) = answers.indexed(&ApiPath::parse("access/users?full=1"), "userid")? {
        return Ok(Some(users));
    }
    let Some(users) = answers.indexed(&ApiPath::parse("access/users"), "userid")? else { return Ok(None) };
    let mut whole = Indexed::clone(&users);
    for (user, row) in &mut whole {
        let tokens = answers.get(&ApiPath::new(["access", "users", user, "token"]))?;
        if let Some(tokens) = tokens.as_ref().and_then(Answer::data) {
            Arc::make_mut(row).insert("tokens".to_owned(), tokens.clone());
        }
    }
    Ok(Some(Arc::new(whole)))
}

impl Accounts {
    /// Reads them from `access/users?full=1`, `groups`, `roles` and `acl`; `None` where one of these is missing.
    pub(crate) fn read<A: Answers + ?Sized>(answers: &A) -> Result<Option<Self>, Unreadable> {
        let list = |path: &ApiPath| answers.get(path).map(|answer| answer.filter(|answer| answer.data().is_some()));
        let (Some(users), Some(acl), Some(roles), Some(groups)) = (
            users(answers)?,
            list(&ApiPath::parse("access/acl"))?,
            list(&ApiPath::parse("access/roles"))?,
            list(&ApiPath::parse("access/groups"))?,
        ) else {
            return Ok(None);
        };
        let mut accounts = Self {
            users: users.iter().map(|(name, row)| (name.clone(), User::read(row))).collect(),
            groups: groups.list().filter_map(|row| Some((word(row, "groupid")?, words(row, "users")))).collect(),
            roles: roles.list().filter_map(|row| Some((word(row, "roleid")?, words(row, "privs")))).collect(),
            acl: BTreeMap::new(),
        };
        for entry in acl.list() {
            accounts.enter(entry);
        }
        Ok(Some(accounts))
    }

    fn enter(&mut self, entry: &Map<String, Value>) -> Option<()> {
        let (path, role, to) = (word(entry, "path")?, word(entry, "roleid")?, word(entry, "ugid")?);
        let entries = self.acl.entry(path).or_default();
        let to_whom = match word(entry, "type")?.as_str() {
            "token" => &mut entries.tokens,
            "user" => &mut entries.users,
            _ => &mut entries.groups,
        };
        to_whom.entry(to).or_default().insert(role, number(entry, "propagate") != Some(0));
        Some(())
    }

    /// The token of a login, where there is one.
    pub(crate) fn token(&self, login: &Login) -> Option<&Token> {
        self.users.get(&login.user)?.tokens.get(login.token.as_ref()?)
    }

    /// Every path that has an entry, and every path above one, as `iterate_acl_tree` visits them.
    pub(crate) fn paths(&self) -> BTreeSet<&str> {
        let above = |path: &'_ str| path.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
        let all = self.acl.keys().flat_map(|path| {
            above(path).into_iter().map(|at| if at == 0 { "/" } else { &path[..at] }).chain([path.as_str()])
        });
        all.collect()
    }

    /// The roles of a user, or of a token with its own rights, at a path (`PVE::AccessControl::roles`). Roles that are
    /// given further down replace those from above, and `NoAccess` stands alone.
    pub(crate) fn roles_at(&self, holder: &str, path: &str) -> RolesAtPath {
        let mut roles = RolesAtPath::new();
        for (at, last) in steps(path) {
            let Some(entries) = self.acl.get(at) else { continue };
            let given = |granted: &RolesAtPath| -> Option<RolesAtPath> {
                let given: RolesAtPath = granted
                    .iter()
                    .filter(|(_, propagates)| last || **propagates)
                    .map(|(role, propagates)| (role.clone(), *propagates))
                    .collect();
                (!given.is_empty()).then_some(given)
            };
            let own = entries.tokens.get(holder).and_then(given).or_else(|| entries.users.get(holder).and_then(given));
            let from_groups = || {
                let member = |group: &str| self.groups.get(group).is_some_and(|members| members.contains(holder));
                let groups = entries.groups.iter().filter(|(group, _)| member(group));
                let given: RolesAtPath = groups.filter_map(|(_, granted)| given(granted)).flatten().collect();
                (!given.is_empty()).then_some(given)
            };
            if let Some(given) = own.or_else(from_groups) {
                roles = given;
            }
        }
        if let Some(propagates) = roles.get("NoAccess") {
            return RolesAtPath::from([("NoAccess".to_owned(), *propagates)]);
        }
        roles
    }
}

impl User {
    pub(crate) fn read(row: &Map<String, Value>) -> Self {
        let tokens = row.get("tokens").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        let token = |token: &Map<String, Value>| {
            let separated = number(token, "privsep") != Some(0);
            Some((word(token, "tokenid")?, Token { separated, expires: number(token, "expire").unwrap_or(0) }))
        };
        Self {
            enabled: number(row, "enable") != Some(0),
            expires: number(row, "expire").unwrap_or(0),
            tokens: tokens.filter_map(token).collect(),
        }
    }
}

/// Every ACL path from `/` down to this one, and whether it is this one.
fn steps(path: &str) -> impl Iterator<Item = (&str, bool)> {
    let below = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]).chain([path]);
    let root = (path != "/").then_some(("/", false));
    root.into_iter().chain(below.map(move |at| (at, at == path)))
}

fn word(row: &Map<String, Value>, key: &str) -> Option<String> {
    row.get(key).and_then(text)
}

fn number(row: &Map<String, Value>, key: &str) -> Option<i64> {
    word(row, key)?.parse().ok()
}

fn words(row: &Map<String, Value>, key: &str) -> BTreeSet<String> {
    list::items(&word(row, key).unwrap_or_default()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_walked_from_the_root() {
        let check = |path: &str, expected: &[&str]| {
            assert_eq!(steps(path).map(|(at, _)| at).collect::<Vec<_>>(), expected, "{path}");
            assert_eq!(steps(path).filter(|(_, last)| *last).count(), 1, "{path}");
        };
        check("/", &["/"]);
        check("/vms", &["/", "/vms"]);
        check("/sdn/zones/z1", &["/", "/sdn", "/sdn/zones", "/sdn/zones/z1"]);
    }
}
