//! Users, their tokens, and permissions (`PVE::API2::{User,ACL}`).

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answers as _, ApiPath, list, names};
use serde_json::{Value, json};

use super::method::Write;
use crate::call::{Call, Refusal};
use crate::credentials::{PASSWORD, TOKEN};
use crate::state::{Row, Transaction};

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/access/users", run: create_user },
    Write { verb: Verb::Put, path: "/access/users/{userid}", run: update_user },
    Write { verb: Verb::Delete, path: "/access/users/{userid}", run: delete_user },
    Write { verb: Verb::Post, path: "/access/users/{userid}/token/{tokenid}", run: create_token },
    Write { verb: Verb::Put, path: "/access/users/{userid}/token/{tokenid}", run: update_token },
    Write { verb: Verb::Delete, path: "/access/users/{userid}/token/{tokenid}", run: delete_token },
    Write { verb: Verb::Put, path: "/access/acl", run: update_acl },
];

fn users() -> ApiPath {
    ApiPath::parse("access/users")
}

fn groups() -> ApiPath {
    ApiPath::parse("access/groups")
}

fn acl() -> ApiPath {
    ApiPath::parse("access/acl")
}

/// Path where a user is read; lists show a name beyond ASCII in another form than paths do.
fn place_of(user: &str) -> ApiPath {
    ApiPath::new(["access", "users", &names::in_paths(user)])
}

fn tokens_of(user: &str) -> ApiPath {
    ApiPath::new(["access", "users", &names::in_paths(user), "token"])
}

/// The user whom a call names, as lists show the name.
fn named(call: &Call) -> Result<String, Refusal> {
    Ok(names::as_listed(&call.required("userid")?))
}

fn is(row: &Row, key: &str, value: &str) -> bool {
    row.get(key).and_then(text).is_some_and(|own| own == value)
}

fn words(row: &Row, key: &str) -> Vec<String> {
    list::items(&row.get(key).and_then(text).unwrap_or_default()).map(str::to_owned).collect()
}

fn create_user(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    keep_tokens(transaction)?;
    let user = named(call)?;
    let mut rows = transaction.rows(&users())?;
    let Some((_, realm)) = user.rsplit_once('@').filter(|(name, realm)| !name.is_empty() && !realm.is_empty()) else {
        return Err(Refusal::failed(format!("value '{user}' does not look like a valid user name")));
    };
    if rows.iter().any(|row| is(row, "userid", &user)) {
        return Err(Refusal::failed(format!("create user failed: user '{user}' already exists")));
    }
    let mut row = call.given();
    row.insert("userid".to_owned(), user.as_str().into());
    row.entry("enable").or_insert(json!(1));
    row.entry("expire").or_insert(json!(0));
    let realms = transaction.rows(&ApiPath::parse("access/domains"))?;
    if let Some(kind) = realms.iter().find(|row| is(row, "realm", realm)).and_then(|row| row.get("type")) {
        row.insert("realm-type".to_owned(), kind.clone());
    }
    rows.push(kept(row));
    join(transaction, call, &user, "create user failed", false)?;
    transaction.set_rows(&tokens_of(&user), Vec::new());
    store_users(transaction, call, &user, rows);
    Ok(Value::Null)
}

/// Keys of a user that `user.cfg` keeps.
fn kept(mut row: Row) -> Row {
    row.retain(|key, value| !matches!(key.as_str(), "password" | "groups" | "append") && *value != "");
    // The address stands before them on the user's line, and is read as an empty one.
    if row.contains_key("comment") || row.contains_key("keys") {
        row.entry("email").or_insert_with(|| "".into());
    }
    row
}

/// Makes the user a member of the groups that a call names; unless it only adds, of no others.
fn join(transaction: &mut Transaction, call: &Call, user: &str, context: &str, add: bool) -> Result<(), Refusal> {
    let wanted = call.list("groups");
    let mut rows = transaction.rows(&groups())?;
    if let Some(unknown) = wanted.iter().find(|group| !rows.iter().any(|row| is(row, "groupid", group))) {
        return Err(Refusal::failed(format!("no such group '{unknown}'")).within(context));
    }
    for row in &mut rows {
        let mut members = words(row, "users");
        let named = wanted.iter().any(|group| is(row, "groupid", group));
        let member = members.iter().any(|member| member == user);
        if named && !member {
            members.push(user.to_owned());
        } else if !named && !add {
            members.retain(|member| member != user);
        }
        members.sort();
        row.insert("users".to_owned(), members.join(",").into());
    }
    transaction.hide_below(&groups());
    transaction.set_rows(&groups(), rows);
    Ok(())
}

/// Keeps the tokens of every user where only the list with everything tells them: it is stale once a user is written.
fn keep_tokens(transaction: &mut Transaction) -> Result<(), Refusal> {
    let full = users().with_query("full", "1");
    let Some(all) = transaction.indexed(&full, "userid")? else { return Ok(()) };
    for (user, row) in all.iter() {
        let path = tokens_of(user);
        if transaction.get(&path)?.is_none() {
            transaction
                .set(&path, row.get("tokens").filter(|tokens| tokens.is_array()).cloned().unwrap_or_else(|| json!([])));
        }
    }
    Ok(())
}

/// Writes the list of users and forgets the recorded answer about one of them, whose tokens stay.
fn store_users(transaction: &mut Transaction, call: &Call, user: &str, rows: Vec<Row>) {
    if let Some(password) = call.text("password") {
        transaction.remember(&format!("{PASSWORD}{user}"), password);
    }
    transaction.hide(&place_of(user));
    transaction.set_rows(&users(), rows);
}

fn update_user(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    keep_tokens(transaction)?;
    let user = named(call)?;
    let mut rows = transaction.rows(&users())?;
    let Some(row) = rows.iter_mut().find(|row| is(row, "userid", &user)) else {
        return Err(Refusal::failed(format!("update user failed: user '{user}' does not exist")));
    };
    row.extend(call.given());
    *row = kept(std::mem::take(row));
    let tokens = transaction.rows(&tokens_of(&user))?;
    if call.parameters.contains_key("groups") {
        join(transaction, call, &user, "update user failed", call.flag("append"))?;
    }
    transaction.set_rows(&tokens_of(&user), tokens);
    store_users(transaction, call, &user, rows);
    Ok(Value::Null)
}

/// Removes a group: its rights, and its members (`delete_group_acl`).
pub(super) fn without_group(transaction: &mut Transaction, group: &str) -> Result<(), Refusal> {
    let mut entries = transaction.rows(&acl())?;
    entries.retain(|row| !(is(row, "type", "group") && is(row, "ugid", group)));
    transaction.set_rows(&acl(), entries);
    for row in transaction.rows(&users())? {
        let user = row.get("userid").and_then(text).unwrap_or_default();
        let tokens = transaction.rows(&tokens_of(&user))?;
        store_tokens(transaction, &user, tokens)?;
    }
    Ok(())
}

/// Removes the rights of a role that is gone (`PVE::AccessControl::parse_user_config`).
pub(super) fn without_role(transaction: &mut Transaction, role: &str) -> Result<(), Refusal> {
    let mut entries = transaction.rows(&acl())?;
    entries.retain(|row| !is(row, "roleid", role));
    transaction.set_rows(&acl(), entries);
    Ok(())
}

/// `DELETE` of a user, who leaves groups, ACLs and tokens with it.
fn delete_user(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    keep_tokens(transaction)?;
    let user = named(call)?;
    let mut rows = transaction.rows(&users())?;
    let before = rows.len();
    rows.retain(|row| !is(row, "userid", &user));
    if rows.len() == before {
        return Err(Refusal::failed(format!("no such user ('{user}')")));
    }
    let mut entries = transaction.rows(&acl())?;
    let token = format!("{user}!");
    entries.retain(|row| {
        let own = row.get("ugid").and_then(text).unwrap_or_default();
        own != user && !own.starts_with(&token)
    });
    transaction.set_rows(&acl(), entries);
    let mut all = transaction.rows(&groups())?;
    for row in &mut all {
        let members: Vec<String> = words(row, "users").into_iter().filter(|member| *member != user).collect();
        row.insert("users".to_owned(), members.join(",").into());
    }
    transaction.hide_below(&groups());
    transaction.set_rows(&groups(), all);
    for (key, _) in transaction.memories(&format!("{TOKEN}{token}")) {
        transaction.forget(&key);
    }
    transaction.forget(&format!("{PASSWORD}{user}"));
    transaction.hide_below(&place_of(&user));
    transaction.set_rows(&users(), rows);
    Ok(Value::Null)
}

/// The user, the name of the token, and the user's tokens.
fn token(transaction: &Transaction, call: &Call) -> Result<(String, String, Vec<Row>), Refusal> {
    let (user, name) = (named(call)?, call.required("tokenid")?);
    if !transaction.rows(&users())?.iter().any(|row| is(row, "userid", &user)) {
        return Err(Refusal::Message { status: 403, text: "Permission check failed".to_owned() });
    }
    let tokens = transaction.rows(&tokens_of(&user))?;
    Ok((user, name, tokens))
}

/// Writes a user's tokens; what was recorded of the user has them too.
fn store_tokens(transaction: &mut Transaction, user: &str, tokens: Vec<Row>) -> Result<(), Refusal> {
    keep_tokens(transaction)?;
    let rows = transaction.rows(&users())?;
    transaction.hide_below(&place_of(user));
    transaction.set_rows(&tokens_of(user), tokens);
    // The full list has the tokens as well.
    transaction.set_rows(&users(), rows);
    Ok(())
}

fn create_token(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (user, name, mut tokens) = token(transaction, call)?;
    if tokens.iter().any(|token| is(token, "tokenid", &name)) {
        return Err(Refusal::parameter("tokenid", "Token already exists."));
    }
    let mut row = call.given();
    row.insert("tokenid".to_owned(), name.as_str().into());
    row.entry("privsep").or_insert(json!(1));
    row.entry("expire").or_insert(json!(0));
    tokens.push(row);
    store_tokens(transaction, &user, tokens)?;
    // What was sent comes back as text, what was not as a number.
    let mut info = Row::new();
    for key in call.given().keys() {
        info.insert(key.clone(), call.text(key).into());
    }
    info.entry("privsep").or_insert(json!(1));
    let full = format!("{user}!{name}");
    let value = transaction.made_up_uuid();
    transaction.remember(&format!("{TOKEN}{full}"), value.as_str());
    Ok(json!({ "full-tokenid": full, "info": info, "value": value }))
}

fn no_such_token(user: &str, name: &str) -> Refusal {
    Refusal::failed(format!("no such token '{name}' for user '{user}'"))
}

fn update_token(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (user, name, mut tokens) = token(transaction, call)?;
    let row = tokens.iter_mut().find(|token| is(token, "tokenid", &name));
    let row = row.ok_or_else(|| no_such_token(&user, &name))?;
    let mut given = call.given();
    given.retain(|key, _| matches!(key.as_str(), "comment" | "expire" | "privsep"));
    row.extend(given);
    for key in call.list("delete") {
        if key != "comment" {
            return Err(Refusal::parameter("delete", format!("unknown option '{key}'")));
        }
        row.remove(&key);
    }
    row.retain(|_, value| *value != "");
    let mut answer = row.clone();
    answer.remove("tokenid");
    for (key, value) in &mut answer {
        if call.parameters.contains_key(key) {
            *value = call.text(key).into();
        }
    }
    store_tokens(transaction, &user, tokens)?;
    Ok(answer.into())
}

fn delete_token(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (user, name, mut tokens) = token(transaction, call)?;
    let before = tokens.len();
    tokens.retain(|token| !is(token, "tokenid", &name));
    if tokens.len() == before {
        return Err(no_such_token(&user, &name));
    }
    store_tokens(transaction, &user, tokens)?;
    let full = format!("{user}!{name}");
    transaction.forget(&format!("{TOKEN}{full}"));
    let mut entries = transaction.rows(&acl())?;
    entries.retain(|row| !is(row, "ugid", &full));
    transaction.set_rows(&acl(), entries);
    Ok(Value::Null)
}

/// The paths that rights are given on (`PVE::AccessControl::check_path`): how many names may follow these words.
const PLACES: &[(&[&str], std::ops::RangeInclusive<usize>)] = &[
    (&["access", "groups"], 0..=1),
    (&["access", "realm"], 0..=1),
    (&["access"], 0..=0),
    (&["mapping"], 0..=2),
    (&["nodes"], 0..=1),
    (&["pool"], 0..=3),
    (&["sdn", "controllers"], 0..=1),
    (&["sdn", "dns"], 0..=1),
    (&["sdn", "fabrics"], 0..=1),
    (&["sdn", "ipams"], 0..=1),
    (&["sdn", "zones"], 0..=3),
    (&["sdn"], 0..=0),
    (&["storage"], 0..=1),
    (&["vms"], 0..=1),
];

/// Reports whether rights can be given on the path of these parts.
fn is_place(parts: &[&str]) -> bool {
    let found = PLACES.iter().find(|(words, _)| parts.starts_with(words));
    let Some((words, names)) = found else { return parts.is_empty() };
    let rest = &parts[words.len()..];
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    names.contains(&rest.len())
        && match (*words, rest) {
            (["vms"], [vmid]) => number(vmid, 3..=usize::MAX),
            (["sdn", "zones"], [_, _, tag]) => number(tag, 1..=4),
            _ => true,
        }
}

fn update_acl(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    if !["users", "groups", "tokens"].iter().any(|name| call.text(name).is_some()) {
        let why = "either 'users', 'groups' or 'tokens' is required.";
        let errors = ["groups", "tokens", "users"].map(|name| (name.to_owned(), why.to_owned()));
        return Err(Refusal::Parameters(errors.into()));
    }
    let given = call.required("path")?;
    let parts: Vec<&str> = given.split('/').filter(|part| !part.is_empty()).collect();
    let fits = |part: &&str| part.chars().all(|sign| sign.is_alphanumeric() || matches!(sign, '.' | '-' | '_'));
    if !parts.iter().all(fits) || !(call.flag("delete") || is_place(&parts)) {
        return Err(Refusal::parameter("path", format!("invalid ACL path '{given}'")));
    }
    let path = format!("/{}", parts.join("/"));
    let mut entries = transaction.rows(&acl())?;
    let roles = transaction.rows(&ApiPath::parse("access/roles"))?;
    let failed = |what: String| Refusal::failed(what).within("ACL update failed");
    for role in call.list("roles") {
        if !roles.iter().any(|row| is(row, "roleid", &role)) {
            return Err(failed(format!("role '{role}' does not exist")));
        }
        for (kind, name) in targets(transaction, call)? {
            entries.retain(|row| {
                !(is(row, "path", &path) && is(row, "roleid", &role) && is(row, "type", kind) && is(row, "ugid", &name))
            });
            if !call.flag("delete") {
                let propagate = u8::from(call.text("propagate").as_deref() != Some("0"));
                let entry = json!({ "path": path, "roleid": role, "type": kind, "ugid": name, "propagate": propagate });
                entries.extend(entry.as_object().cloned());
            }
        }
    }
    // Proxmox walks its tree of paths in order, and at each the users, groups and tokens.
    let order = |row: &Row| ["path", "type", "ugid", "roleid"].map(|key| row.get(key).and_then(text));
    entries.sort_by_key(order);
    transaction.set_rows(&acl(), entries);
    Ok(Value::Null)
}

/// The holders that a call names. Each of them has to exist, also where rights are taken away.
fn targets(transaction: &Transaction, call: &Call) -> Result<Vec<(&'static str, String)>, Refusal> {
    let mut targets = Vec::new();
    let missing = |what: &str, name: &str| {
        Err(Refusal::failed(format!("{what} '{name}' does not exist")).within("ACL update failed"))
    };
    for group in call.list("groups") {
        if !transaction.rows(&groups())?.iter().any(|row| is(row, "groupid", &group)) {
            return missing("group", &group);
        }
        targets.push(("group", group));
    }
    for user in call.list("users") {
        if !transaction.rows(&users())?.iter().any(|row| is(row, "userid", &user)) {
            return missing("user", &user);
        }
        targets.push(("user", user));
    }
    for full in call.list("tokens") {
        let (user, name) = full.split_once('!').unwrap_or((&full, ""));
        let tokens = transaction.rows(&tokens_of(user))?;
        if !tokens.iter().any(|row| is(row, "tokenid", name)) {
            return Err(no_such_token(user, name).within("ACL update failed"));
        }
        targets.push(("token", full));
    }
    Ok(targets)
}
