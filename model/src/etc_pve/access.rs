//! Answers about users, groups, roles, permissions and realms.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::permissions;
use super::roles::SPECIAL;
use super::section::{self, Dialect};
use super::sheet::{Row, Sheet, row, rows, with};
use super::tree::{File, Tree, file};
use super::user::{Subject, Token, User, Users};
use super::words::decoded;
use crate::property::Properties;
use crate::{ApiPath, names};

/// Dialect of `domains.cfg`.
const REALMS: Dialect = Dialect {
    types: "pam pve ldap ad openid",
    bare: false,
    own: &[("ldap", DIRECTORY), ("ad", DIRECTORY), ("ad", "domain"), ("openid", OPENID)],
    keys: "acr-values audiences autocreate:b base_dn bind_dn capath case-sensitive:b cert certkey check-connection:b client-id \
        client-key comment default:b domain filter group_classes group_dn group_filter group_name_attr \
        groups-autocreate:b groups-claim groups-overwrite:b issuer-url mode password port:i prompt query-userinfo:b \
        scopes secure:b server1 server2 sslversion sync-defaults-options sync_attributes tfa user_attr user_classes \
        username-claim verify:b",
};

/// Keys of directories.
const DIRECTORY: &str = "base_dn bind_dn capath case-sensitive cert certkey check-connection filter group_classes group_dn \
    group_filter group_name_attr mode password port secure server1 server2 sslversion sync-defaults-options \
    sync_attributes user_attr user_classes verify";

/// Keys of identity providers (`openid`).
const OPENID: &str = "acr-values audiences autocreate client-id client-key groups-autocreate groups-claim \
    groups-overwrite issuer-url prompt query-userinfo scopes username-claim";

/// Answers everything below `access`.
pub(super) fn answer(tree: &Tree, users: &Users, sheet: &mut Sheet) {
    for (path, key, names) in INDEXES {
        let index: Vec<Row> = names.split(' ').map(|name| row([(*key, json!(name))])).collect();
        sheet.put(path, rows(index));
    }
    realms(file(tree, "domains.cfg"), sheet);
    people(users, sheet);
    roles(users, sheet);
    let groups = users.groups.iter().map(|(name, group)| {
        let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
        commented(row([("groupid", json!(name)), ("users", json!(members.join(",")))]), group.comment.as_ref())
    });
    sheet.put("access/groups", rows(groups.collect()));
    sheet.put("access/acl", rows(acl(users)));
    sheet.put("access/tfa", json!([]));
    permissions::answer(users, sheet);
}

/// Indexes of the API: path, key and values.
const INDEXES: &[(&str, &str, &str)] = &[
    ("access", "subdir", "users groups roles acl domains openid tfa ticket password"),
    ("access/openid", "subdir", "auth-url login"),
];

fn commented(row: Row, comment: Option<&String>) -> Row {
    match comment {
        Some(comment) => with(row, "comment", json!(comment)),
        None => row,
    }
}

/// Answers the realms; two of them always exist (`PVE::Auth::Plugin::parse_config`).
fn realms(file: &File, sheet: &mut Sheet) {
    let mut realms: BTreeMap<String, Row> = BTreeMap::new();
    let mut has_default = false;
    for section in section::parse("domains.cfg", &file.text, REALMS, sheet) {
        let mut keys = with(section.keys, "type", section.kind);
        if keys.get("default") == Some(&json!(1)) && std::mem::replace(&mut has_default, true) {
            keys.remove("default");
        }
        if let Some(comment) = keys.get_mut("comment") {
            *comment = json!(decoded_again(comment));
        }
        if let Some(options) = keys.get_mut("sync-defaults-options") {
            *options = json!(sync_options(options.as_str().unwrap_or_default()));
        }
        realms.insert(section.id, keys);
    }
    for (realm, comment) in [("pve", "Proxmox VE authentication server"), ("pam", "Linux PAM standard authentication")]
    {
        let keys = realms.entry(realm.to_owned()).or_default();
        keys.insert("type".to_owned(), json!(realm));
        keys.entry("comment").or_insert_with(|| json!(comment));
        if realm == "pam" {
            keys.insert("plugin".to_owned(), json!("PVE::Auth::PAM"));
        }
    }
    let mut list = Vec::new();
    for (realm, keys) in realms {
        let mut entry = row([("realm", json!(realm))]);
        let shown =
            |key: &str, value: &Value| matches!(key, "type" | "comment") || key == "default" && *value == json!(1);
        entry.extend(keys.iter().filter(|(key, value)| shown(key, value)).map(own));
        if let Some(kind) = keys.get("tfa").and_then(Value::as_str).and_then(second_factor) {
            entry.insert("tfa".to_owned(), json!(kind));
        }
        list.push(entry);
        sheet.put_at(ApiPath::new(["access", "domains", &realm]), with(keys, "digest", file.sha1.clone()));
    }
    sheet.put("access/domains", rows(list));
}

/// The default options of a sync, sorted; options of releases before 7.2 in the present words.
fn sync_options(text: &str) -> String {
    let properties = Properties::parse(text);
    let mut options: BTreeMap<&str, &str> = properties.iter().filter_map(|(key, value)| Some((key?, value))).collect();
    let vanished = match (properties.flag("full") == Some(true), properties.flag("purge") == Some(true)) {
        (true, true) => "entry;properties;acl",
        (true, false) => "entry;properties",
        (false, true) => "acl",
        (false, false) => "",
    };
    if !vanished.is_empty() {
        options.entry("remove-vanished").or_insert(vanished);
    }
    options.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

fn own((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn second_factor(text: &str) -> Option<String> {
    Properties::parse(text).get_or_bare("type").map(str::to_owned)
}

/// The text of a comment that was read as bytes.
pub(super) fn decoded_again(comment: &Value) -> String {
    let bytes: Option<Vec<u8>> = comment.as_str().unwrap_or_default().chars().map(|c| u8::try_from(c).ok()).collect();
    decoded(&String::from_utf8_lossy(&bytes.unwrap_or_default()))
}

fn people(users: &Users, sheet: &mut Sheet) {
    let mut lists: [Vec<Row>; 3] = Default::default();
    for (name, user) in &users.people {
        let realm = name.rsplit_once('@').map_or("", |(_, realm)| realm);
        let keys = with(keys(user), "userid", json!(name));
        let keys = with(keys, "realm-type", json!(users_realm(realm, sheet)));
        let member = users.groups.iter().filter(|(_, group)| group.members.contains(name));
        let groups: Vec<&str> = member.map(|(group, _)| group.as_str()).collect();
        let tokens: Vec<Row> =
            user.tokens.iter().map(|(token, keys)| with(token_keys(keys), "tokenid", json!(token))).collect();
        let full = with(keys.clone(), "groups", json!(groups.join(",")));
        let full = with(full, "tokens", if tokens.is_empty() { Value::Null } else { rows(tokens.clone()) });
        if user.enable {
            lists[1].push(keys.clone());
        }
        lists[0].push(keys);
        lists[2].push(full);
        let path = |below| ApiPath::new(["access", "users", &names::in_paths(name), below]);
        sheet.put_at(path("tfa"), json!({}));
        sheet.put_at(path("token"), rows(tokens));
    }
    let [all, enabled, full] = lists;
    sheet.put("access/users", rows(all));
    sheet.put("access/users?enabled=1", rows(enabled));
    sheet.put("access/users?full=1", rows(full));
}

/// The type of a realm, by the list of realms.
fn users_realm(realm: &str, sheet: &Sheet) -> Value {
    let single = sheet.answers.get(&ApiPath::new(["access", "domains", realm]));
    single.and_then(|answer| answer.data()?.get("type").cloned()).unwrap_or_default()
}

fn keys(user: &User) -> Row {
    let mut keys = row([("enable", json!(u8::from(user.enable)))]);
    keys.extend(user.expire.map(|expire| ("expire".to_owned(), json!(expire))));
    keys.extend(user.texts.iter().map(|(key, text)| ((*key).to_owned(), json!(text))));
    keys
}

fn token_keys(token: &Token) -> Row {
    let keys = row([("expire", json!(token.expire)), ("privsep", json!(u8::from(token.separate)))]);
    commented(keys, token.comment.as_ref())
}

fn roles(users: &Users, sheet: &mut Sheet) {
    let is_special = |role: &str| SPECIAL.iter().any(|(special, _)| *special == role);
    let list = users.roles.iter().map(|(role, privileges)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        let special = u8::from(is_special(role));
        row([("roleid", json!(role)), ("privs", json!(privileges.join(","))), ("special", json!(special))])
    });
    sheet.put("access/roles", rows(list.collect()));
}

fn acl(users: &Users) -> Vec<Row> {
    let entries = users.acl.iter().flat_map(|((path, subject), roles)| {
        let (kind, name) = match subject {
            Subject::User(name) => ("user", name),
            Subject::Group(name) => ("group", name),
            Subject::Token(name) => ("token", name),
        };
        roles.iter().map(move |(role, propagate)| {
            row([
                ("path", json!(path)),
                ("type", json!(kind)),
                ("ugid", json!(name)),
                ("roleid", json!(role)),
                ("propagate", json!(u8::from(*propagate))),
            ])
        })
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etc_pve::user;

    fn answers(files: &[(&str, &str)]) -> Sheet {
        let mut sheet = Sheet::default();
        let tree: Tree = files.iter().map(|(name, text)| ((*name).to_owned(), File::of(text))).collect();
        let users = user::parse(tree.get("user.cfg").map_or("", |file| &file.text), &mut sheet);
        answer(&tree, &users, &mut sheet);
        sheet
    }

    #[test]
    fn two_realms_and_a_user_are_always_there() {
        let sheet = answers(&[]);
        let data = |path: &str| sheet.answers[&ApiPath::parse(path)].data().cloned().unwrap_or_default();
        assert_eq!(data("access/users"), json!([{"userid": "root@pam", "enable": 1, "realm-type": "pam"}]));
        assert_eq!(data("access/domains/pam")["comment"], json!("Linux PAM standard authentication"));
        assert_eq!(data("access/domains").as_array().map(Vec::len), Some(2));
        assert_eq!(data("access/roles").as_array().map(Vec::len), Some(SPECIAL.len()));
        assert_eq!(data("access/permissions")["/vms"]["VM.Audit"], json!(1));
    }

    #[test]
    fn one_realm_is_the_default() {
        let text = "pve: pve\n\tdefault\n\tcomment %C3%BC ü\n\nldap: x\n\tdefault 1\n\tport 636\n\ttfa type=oath,step=30\n\
            \tsync-defaults-options scope=users,full=1\n";
        let sheet = answers(&[("domains.cfg", text)]);
        let data = |path: &str| sheet.answers[&ApiPath::parse(path)].data().cloned().unwrap_or_default();
        let pve = json!({"type": "pve", "default": 1, "comment": "ü ü", "digest": ""});
        assert_eq!(data("access/domains/pve"), pve);
        assert_eq!(data("access/domains/x")["default"], Value::Null);
        let options = "full=1,remove-vanished=entry;properties,scope=users";
        assert_eq!(data("access/domains/x")["sync-defaults-options"], json!(options));
        let listed = json!({"realm": "x", "type": "ldap", "tfa": "oath"});
        assert!(data("access/domains").as_array().is_some_and(|list| list.contains(&listed)));
    }
}
