//! Reader of users, groups, roles, permissions, tokens and pools (`user.cfg`): lines of fields between colons.

use std::collections::{BTreeMap, BTreeSet};

use super::roles::{self, SPECIAL, is_privilege};
use super::sheet::Sheet;
use super::words::{bytes, decoded, is_digits, lines};
use crate::list::items;

/// Contents of the file.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// True if the roles and privileges are those of a release before 9.
    pub(super) before_nine: bool,
    pub(super) people: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
    /// The privileges of each role, built-in ones included.
    pub(super) roles: BTreeMap<String, BTreeSet<String>>,
    /// Roles by path and subject; true where they propagate.
    pub(super) acl: BTreeMap<(String, Subject), BTreeMap<String, bool>>,
    pub(super) pools: BTreeMap<String, Pool>,
}

/// Subject of a role: a user, a group or a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    User(String),
    Group(String),
    /// A token with its user: `root@pam!iac`.
    Token(String),
}

/// A user. Absent texts are absent in the answers, too.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) enable: bool,
    /// The expiry; `None` for a user without a line.
    pub(super) expire: Option<u64>,
    pub(super) texts: BTreeMap<&'static str, String>,
    pub(super) tokens: BTreeMap<String, Token>,
}

/// A token of a user.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) expire: u64,
    pub(super) separate: bool,
    pub(super) comment: Option<String>,
}

/// A group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) comment: Option<String>,
    pub(super) members: BTreeSet<String>,
}

/// A pool.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) comment: Option<String>,
    pub(super) guests: BTreeSet<u32>,
    pub(super) storages: BTreeSet<String>,
}

/// Reads the file (`PVE::AccessControl::parse_user_config`); unknown lines are left out.
pub(super) fn parse(text: &str, sheet: &mut Sheet) -> Users {
    let mut users = Users { before_nine: sheet.before_nine, ..Users::default() };
    users.force_defaults();
    for (number, line) in lines(text).filter(|(_, line)| !line.trim().is_empty()) {
        // Empty fields at the end do not count.
        let line = line.trim().trim_end_matches(':');
        let fields: Vec<&str> = line.split(':').map(str::trim).collect();
        let [kind, fields @ ..] = &fields[..] else { continue };
        let read = match *kind {
            "user" => users.user(fields),
            "group" => users.group(fields),
            "role" => users.role(fields),
            "acl" => users.acl(fields),
            "pool" => users.pool(fields),
            "token" => users.token(fields),
            _ => Err("ignored, since it begins with an unknown word".to_owned()),
        };
        if let Err(why) = read {
            sheet.warn("user.cfg", number, why);
        }
    }
    users.force_defaults();
    users
}

type Read = Result<(), String>;

fn field<'f>(fields: &[&'f str], index: usize) -> &'f str {
    fields.get(index).copied().unwrap_or_default()
}

/// Reports whether the field is true for Perl.
fn counts(field: &str) -> bool {
    !matches!(field, "" | "0")
}

fn comment(field: &str) -> Option<String> {
    counts(field).then(|| decoded(field))
}

fn expiry(field: &str) -> Result<u64, String> {
    if !counts(field) {
        return Ok(0);
    }
    let number = if is_digits(field) { field.parse().ok() } else { None };
    number.ok_or_else(|| format!("`{field}` is not a time"))
}

impl Users {
    fn force_defaults(&mut self) {
        for (role, _) in SPECIAL {
            let privileges = roles::privileges(role, self.before_nine).map(str::to_owned);
            self.roles.insert((*role).to_owned(), privileges.collect());
        }
        self.people.entry("root@pam".to_owned()).or_insert_with(|| User { enable: true, ..User::default() });
    }

    fn user(&mut self, fields: &[&str]) -> Read {
        let name = field(fields, 0);
        if !is_user(name) {
            return Err(format!("`{name}` is not a user"));
        }
        let expire = expiry(field(fields, 2))?;
        let mut texts = BTreeMap::new();
        for (key, index) in [("firstname", 3), ("lastname", 4), ("comment", 6)] {
            texts.extend(comment(field(fields, index)).map(|text| (key, text)));
        }
        texts.extend(fields.get(5).map(|email| ("email", (*email).to_owned())));
        texts.extend(fields.get(7).filter(|keys| counts(keys)).map(|keys| ("keys", (*keys).to_owned())));
        let user = User { enable: counts(field(fields, 1)), expire: Some(expire), texts, tokens: BTreeMap::new() };
        self.people.insert(bytes(name), user);
        Ok(())
    }

    fn group(&mut self, fields: &[&str]) -> Read {
        let name = field(fields, 0);
        if !is_name(name) {
            return Err(format!("`{name}` is not a group"));
        }
        let group = self.groups.entry(name.to_owned()).or_default();
        if let Some(comment) = comment(field(fields, 2)) {
            group.comment = Some(comment);
        }
        group.members.extend(items(field(fields, 1)).filter(|member| is_user(member)).map(bytes));
        Ok(())
    }

    fn role(&mut self, fields: &[&str]) -> Read {
        let name = field(fields, 0);
        if !is_name(name) {
            return Err(format!("`{name}` is not a role"));
        }
        let role = self.roles.entry(name.to_owned()).or_default();
        let (known, unknown): (Vec<&str>, Vec<&str>) =
            items(field(fields, 1)).partition(|name| is_privilege(name, self.before_nine));
        role.extend(known.into_iter().map(str::to_owned));
        if unknown.is_empty() { Ok(()) } else { Err(format!("no such privileges: {}", unknown.join(", "))) }
    }

    fn acl(&mut self, fields: &[&str]) -> Read {
        let propagate = counts(field(fields, 0));
        let path = normal_path(field(fields, 1)).ok_or_else(|| format!("`{}` is not a path", field(fields, 1)))?;
        let mut refused = Vec::new();
        for role in items(field(fields, 3)) {
            if !self.roles.contains_key(role) {
                refused.push(role);
                continue;
            }
            for whom in items(field(fields, 2)) {
                let Some(subject) = self.subject(whom) else {
                    refused.push(whom);
                    continue;
                };
                self.acl.entry((path.clone(), subject)).or_default().insert(role.to_owned(), propagate);
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(format!("not known: {}", refused.join(", "))) }
    }

    /// Groups and users need not exist, tokens must.
    fn subject(&self, whom: &str) -> Option<Subject> {
        if let Some(group) = whom.strip_prefix('@') {
            return is_name(group).then(|| Subject::Group(group.to_owned()));
        }
        if is_user(whom) {
            return Some(Subject::User(bytes(whom)));
        }
        let (user, token) = whom.rsplit_once('!')?;
        self.people.get(&bytes(user))?.tokens.get(token)?;
        Some(Subject::Token(bytes(whom)))
    }

    fn token(&mut self, fields: &[&str]) -> Read {
        let id = field(fields, 0);
        let (user, name) =
            id.rsplit_once('!').filter(|(_, name)| !name.is_empty()).ok_or_else(|| format!("`{id}` is not a token"))?;
        let expire = expiry(field(fields, 1))?;
        let user = self.people.get_mut(&bytes(user)).ok_or_else(|| format!("the user of `{id}` does not exist"))?;
        let token = Token { expire, separate: counts(field(fields, 2)), comment: comment(field(fields, 3)) };
        user.tokens.insert(name.to_owned(), token);
        Ok(())
    }

    fn pool(&mut self, fields: &[&str]) -> Read {
        let name = field(fields, 0);
        if name.is_empty() || !name.split('/').all(is_name) || name.split('/').count() > 3 {
            return Err(format!("`{name}` is not a pool"));
        }
        // A nested pool implies the outer ones.
        for (at, _) in name.match_indices('/') {
            self.pools.entry(name[..at].to_owned()).or_default();
        }
        let taken: BTreeSet<u32> = self.pools.values().flat_map(|pool| pool.guests.iter().copied()).collect();
        let pool = self.pools.entry(name.to_owned()).or_default();
        if let Some(comment) = comment(field(fields, 1)) {
            pool.comment = Some(comment);
        }
        let mut refused = Vec::new();
        for guest in items(field(fields, 2)) {
            match guest.parse() {
                Ok(vmid) if is_digits(guest) && !taken.contains(&vmid) => drop(pool.guests.insert(vmid)),
                _ => refused.push(guest),
            }
        }
        pool.storages.extend(items(field(fields, 3)).map(str::to_owned));
        if refused.is_empty() { Ok(()) } else { Err(format!("no guests, or in another pool: {}", refused.join(", "))) }
    }
}

/// Reports whether a text is `name@realm`; the name has no white space, colon or slash, the realm is an id.
fn is_user(text: &str) -> bool {
    let Some((name, realm)) = text.rsplit_once('@') else { return false };
    let fits = |character: char| !character.is_whitespace() && !matches!(character, ':' | '/');
    let realm_fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(fits)
        && realm.starts_with(|first: char| first.is_ascii_alphabetic())
        && realm.len() > 1
        && realm.bytes().all(realm_fits)
}

/// Reports whether a text is the name of a group, a role, or one part of a pool's name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn normal_path(text: &str) -> Option<String> {
    if !counts(text) {
        return None;
    }
    let path = format!("/{}", text.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    path.bytes().all(fits).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_proxmox_does() {
        let check = |text: &str, warnings: usize, test: &dyn Fn(&Users) -> bool| {
            let mut sheet = Sheet::default();
            let users = parse(text, &mut sheet);
            assert_eq!(sheet.warnings.len(), warnings, "{text:?}: {:?}", sheet.warnings);
            assert!(test(&users), "{text:?}: {users:?}");
        };
        check("", 0, &|users| users.people["root@pam"].enable && users.people["root@pam"].expire.is_none());
        check("user:a@pve:1:0:::\r\n", 0, &|users| users.people["a@pve"].texts.is_empty());
        check("user:a@pve:1:0::::c%3A%C3%BC:\n", 0, &|users| {
            users.people["a@pve"].texts == BTreeMap::from([("comment", "c:ü".to_owned()), ("email", String::new())])
        });
        check(" user : a@pve : 0 : 5 : Jörg : 0 :::x:\n", 0, &|users| {
            let user = &users.people["a@pve"];
            !user.enable && user.expire == Some(5) && user.texts["firstname"] == "Jörg" && user.texts.len() == 3
        });
        check("user:a:1:0\nuser:a@pve:1:never\nuser:@pve:1:0\nnonsense\n", 4, &|users| users.people.len() == 1);
        check("group:g:a@pve,b@pve:c:\ngroup:g:c@pve::\ngroup:ü::\n", 1, &|users| {
            users.groups["g"].members.len() == 3
        });
        check("role:R:VM.Audit,VM.Fly;Sys.Audit:\n", 1, &|users| users.roles["R"].len() == 2);
        check("role:PVEAuditor:VM.Allocate:\n", 0, &|users| !users.roles["PVEAuditor"].contains("VM.Allocate"));
        check("acl:1:vms//100/:a@pve,@g,a@pve!t:PVEAuditor,No:\nacl:1:/ä:a@pve:PVEAuditor\n", 2, &|users| {
            users.acl.len() == 2 && users.acl.keys().all(|(path, _)| path == "/vms/100")
        });
        check("token:a@pve!t:0:1:\nuser:a@pve:1:0\ntoken:a@pve!t:0:0:c:\ntoken:x\n", 2, &|users| {
            !users.people["a@pve"].tokens["t"].separate
        });
        check("pool:a/b::100,x,101:local,tank:\npool:c::101:\npool:x y::\n", 3, &|users| {
            users.pools["a/b"].guests.len() == 2 && users.pools["c"].guests.is_empty() && users.pools.contains_key("a")
        });
    }
}
