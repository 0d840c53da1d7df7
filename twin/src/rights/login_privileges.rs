//! Privileges of one login at ACL paths, with pools and privilege separation.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answers, ApiPath, Indexed, Unreadable};
use serde_json::{Map, Value};

use crate::call::Login;
use crate::state::accounts::Accounts;

/// Privileges, and whether each reaches further down.
pub(super) type Privileges = BTreeMap<String, bool>;

/// Privileges by holder and ACL path.
type PrivilegesByHolder = BTreeMap<(String, String), Rc<Privileges>>;

/// Login with its privileges, for as long as one request takes.
pub(super) struct Bearer<'a, A> {
    pub(super) accounts: &'a Accounts,
    pub(super) answers: &'a A,
    pub(super) login: &'a Login,
    found: RefCell<PrivilegesByHolder>,
    resources: OnceCell<Option<Arc<Indexed>>>,
    pools: OnceCell<BTreeMap<String, Vec<String>>>,
}

/// Holder of privileges: a user, or a token.
enum Holder<'l> {
    Root,
    User(&'l str),
    Token { full: String, user: &'l str },
}

impl<'a, A: Answers> Bearer<'a, A> {
    pub(super) fn new(accounts: &'a Accounts, answers: &'a A, login: &'a Login) -> Self {
        let (found, resources, pools) = (RefCell::default(), OnceCell::new(), OnceCell::new());
        Self { accounts, answers, login, found, resources, pools }
    }

    /// The privileges of this login at a path.
    pub(super) fn privileges(&self, path: &str) -> Result<Rc<Privileges>, Unreadable> {
        self.privileges_of(self.login, path)
    }

    /// The privileges of any login at a path (`PVE::RPCEnvironment::permissions`).
    pub(super) fn privileges_of(&self, login: &Login, path: &str) -> Result<Rc<Privileges>, Unreadable> {
        let full = login.full();
        let at = (full.clone(), path.to_owned());
        if let Some(found) = self.found.borrow().get(&at) {
            return Ok(Rc::clone(found));
        }
        let holder = match self.accounts.token(login).is_some_and(|token| token.separated) {
            true => Holder::Token { full, user: &login.user },
            false if login.user == "root@pam" => Holder::Root,
            false => Holder::User(&login.user),
        };
        let privileges = match holder {
            Holder::Root => self.administrator(),
            Holder::User(user) => self.granted(user, path)?,
            Holder::Token { full, user } => {
                let mut own = self.granted(&full, path)?;
                if user != "root@pam" {
                    let user = Login { user: user.to_owned(), token: None };
                    let limit = self.privileges_of(&user, path)?;
                    own.retain(|privilege, _| limit.contains_key(privilege));
                    for (privilege, propagates) in &mut own {
                        *propagates = *propagates && limit.get(privilege) == Some(&true);
                    }
                }
                own
            }
        };
        let privileges = Rc::new(privileges);
        self.found.borrow_mut().insert(at, Rc::clone(&privileges));
        Ok(privileges)
    }

    /// Privileges that `root@pam` has everywhere.
    fn administrator(&self) -> Privileges {
        let all = self.accounts.roles.get("Administrator").into_iter().flatten();
        all.map(|privilege| (privilege.clone(), true)).collect()
    }

    /// Privileges that ACLs and pools give to a user, or to a token with its own rights.
    fn granted(&self, holder: &str, path: &str) -> Result<Privileges, Unreadable> {
        let mut roles = self.accounts.roles_at(holder, path);
        if !roles.contains_key("NoAccess") {
            for pool in self.pools_of(path)? {
                let given = self.accounts.roles_at(holder, &format!("/pool/{pool}"));
                if given.contains_key("NoAccess") {
                    return Ok(Privileges::new());
                }
                for role in given.into_keys() {
                    roles.entry(role).or_insert(false);
                }
            }
        }
        let mut privileges = Privileges::new();
        for (role, propagates) in &roles {
            for privilege in self.accounts.roles.get(role).into_iter().flatten() {
                *privileges.entry(privilege.clone()).or_default() |= *propagates;
            }
        }
        Ok(privileges)
    }

    /// The pools that a guest or a storage belongs to.
    fn pools_of(&self, path: &str) -> Result<Vec<String>, Unreadable> {
        if let Some(vmid) = path.strip_prefix("/vms/") {
            let pool = |kind: &str| Ok::<_, Unreadable>(self.resource(&format!("{kind}/{vmid}"))?.and_then(pool_of));
            return Ok(pool("qemu")?.or(pool("lxc")?).into_iter().collect());
        }
        let Some(storage) = path.strip_prefix("/storage/") else { return Ok(Vec::new()) };
        if self.pools.get().is_none() {
            // Set by nobody else: a bearer is one thread's.
            drop(self.pools.set(self.storages_of_pools()?));
        }
        Ok(self.pools.get().and_then(|pools| pools.get(storage)).cloned().unwrap_or_default())
    }

    /// A row of the cluster's resources.
    fn resource(&self, id: &str) -> Result<Option<&Map<String, Value>>, Unreadable> {
        if self.resources.get().is_none() {
            drop(self.resources.set(self.answers.indexed(&ApiPath::parse("cluster/resources"), "id")?));
        }
        Ok(self.resources.get().and_then(Option::as_ref).and_then(|rows| rows.get(id)).map(Arc::as_ref))
    }

    /// The pools of each storage.
    fn storages_of_pools(&self) -> Result<BTreeMap<String, Vec<String>>, Unreadable> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pool in self.names("pools", "poolid")? {
            for member in self.pool_members(&pool)? {
                if let Some(storage) = member.get("storage").and_then(text) {
                    found.entry(storage).or_default().push(pool.clone());
                }
            }
        }
        Ok(found)
    }

    /// The members of a pool as they were recorded or written: its storages, and guests that may have gone since.
    fn pool_members(&self, pool: &str) -> Result<Vec<Value>, Unreadable> {
        let list = ApiPath::new(["pools"]).with_query("poolid", pool);
        let answer = match self.answers.get(&list)? {
            Some(answer) => Some(answer),
            None => Deriver::new(self.answers).derive(&list)?,
        };
        let pool =
            answer.as_ref().and_then(|answer| answer.list().next().and_then(|pool| pool.get("members")?.as_array()));
        Ok(pool.cloned().unwrap_or_default())
    }

    /// The values of one key of a list.
    fn names(&self, list: &str, key: &str) -> Result<Vec<String>, Unreadable> {
        let answer = self.answers.get(&ApiPath::parse(list))?;
        let rows = answer.iter().flat_map(proxmox_mpc_model::Answer::list);
        Ok(rows.filter_map(|row| row.get(key).and_then(text)).collect())
    }

    /// Privileges of a login at every path that has an ACL or belongs to a pool (`get_effective_permissions`). Paths
    /// without any are left out.
    pub(super) fn effective(&self, login: &Login) -> Result<BTreeMap<String, Rc<Privileges>>, Unreadable> {
        const TOP: [&str; 8] = ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"];
        let mut paths: BTreeSet<String> = TOP.iter().map(|path| (*path).to_owned()).collect();
        paths.extend(self.accounts.paths().into_iter().map(str::to_owned));
        paths.extend(self.storages_of_pools()?.into_keys().map(|storage| format!("/storage/{storage}")));
        let resources = self.answers.indexed(&ApiPath::parse("cluster/resources"), "vmid")?.unwrap_or_default();
        let pooled = resources.iter().filter(|(_, guest)| pool_of(guest).is_some());
        paths.extend(pooled.map(|(vmid, _)| format!("/vms/{vmid}")));
        let mut effective = BTreeMap::new();
        for path in paths {
            let privileges = self.privileges_of(login, &path)?;
            if !privileges.is_empty() {
                effective.insert(path, privileges);
            }
        }
        Ok(effective)
    }

    /// Reports whether the login has one of these privileges at a path.
    pub(super) fn any(&self, path: &str, privileges: &[&str]) -> Result<bool, Unreadable> {
        let held = self.privileges(path)?;
        Ok(privileges.iter().any(|privilege| held.contains_key(*privilege)))
    }
}

fn pool_of(row: &Map<String, Value>) -> Option<String> {
    row.get("pool").and_then(text).filter(|pool| !pool.is_empty())
}
