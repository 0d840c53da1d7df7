//! Derived answers about users, their groups and tokens, and permissions.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::deriver::{Derivation, Deriver, Row, with_queries};
use super::rules::words;
use crate::object::text;
use crate::{Answer, Answers, ApiPath, Indexed, Unreadable, names};

/// Answers about users, tokens and permissions.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    match (segments, query) {
        (["access", "users"], []) => plain_users(deriver),
        (["access", "users"], [(key, value)]) if key == "full" && value == "1" => users_with_everything(deriver),
        (["access", "users", user], []) => single_user(deriver, &names::as_listed(user)),
        (["access", "users", user, "token"], []) => {
            let user = names::as_listed(user);
            match tokens(deriver, &user)? {
                Some(tokens) => Ok(Some(Answer::ok(tokens.into()))),
                None => no_user(deriver, &user, 403, "Permission check failed"),
            }
        }
        (["access", "users", user, "token", name], []) => single_token(deriver, &names::as_listed(user), name),
        (["access", "permissions"], pairs) => permissions_at(deriver, pairs),
        _ => Ok(None),
    }
}

/// The permissions at one path, from those at every path that has some of its own.
fn permissions_at<A: Answers>(deriver: &Deriver<A>, query: &[(String, String)]) -> Derivation {
    let Some((_, path)) = query.iter().find(|(key, _)| key == "path") else { return Ok(None) };
    let rest = query.iter().filter(|(key, _)| key != "path").cloned().collect::<Vec<_>>();
    let all = with_queries(ApiPath::parse("access/permissions"), &rest);
    let Some(Value::Object(all)) = deriver.data(&all)? else { return Ok(None) };
    let mut above = path.rmatch_indices('/').map(|(at, _)| if at == 0 { "/" } else { &path[..at] });
    let privileges = if let Some(privileges) = all.get(path) {
        privileges.clone()
    } else {
        // The privileges that the nearest path above passes on.
        let nearest = above.find_map(|above| all.get(above)?.as_object()).cloned().unwrap_or_default();
        nearest.into_iter().filter(|(_, down)| *down == json!(1)).collect()
    };
    Ok(Some(Answer::ok(json!({ path: privileges }))))
}

/// Proxmox's refusal for a user whom a complete list lacks; `None` where the list is not complete.
fn no_user<A: Answers>(deriver: &Deriver<A>, user: &str, status: u16, message: &str) -> Derivation {
    let missing = listed_users(deriver)?.is_some_and(|users| !users.contains_key(user));
    let complete = deriver.permissions()?.allow_all("/access/groups", "Sys.Audit");
    Ok((missing && complete).then(|| Answer::refusal(status, message)))
}

/// The single answer of a user has the groups as a list, the tokens as an object or null, and no user id. `user` is the
/// name as lists show it.
fn single_user<A: Answers>(deriver: &Deriver<A>, user: &str) -> Derivation {
    let Some(users) = listed_users(deriver)? else { return Ok(None) };
    let Some(row) = users.get(user) else {
        return no_user(deriver, user, 500, &format!("no such user ('{user}')"));
    };
    let groups: Vec<String> = match row.get("groups") {
        Some(groups) => words(Some(groups)).collect(),
        None => match groups_of(deriver, user)? {
            Some(groups) => groups,
            None => return Ok(None),
        },
    };
    let Some(tokens) = tokens(deriver, user)? else { return Ok(None) };
    let tokens: Map<String, Value> = tokens.into_iter().filter_map(|token| named_token(&token)).collect();
    let mut single = Row::clone(row);
    single.retain(|key, _| !matches!(key.as_str(), "userid" | "realm-type" | "tfa-locked-until" | "totp-locked"));
    single.insert("groups".to_owned(), json!(groups));
    single.insert("tokens".to_owned(), if tokens.is_empty() { Value::Null } else { tokens.into() });
    Ok(Some(Answer::ok(single.into())))
}

/// The list of users without groups and tokens, from the one with them.
fn plain_users<A: Answers>(deriver: &Deriver<A>) -> Derivation {
    let Some(users) = deriver.rows(&full_users(), "userid")? else { return Ok(None) };
    let plain = users.values().map(|row| {
        let mut row = Row::clone(row);
        row.retain(|key, _| !matches!(key.as_str(), "groups" | "tokens"));
        Value::Object(row)
    });
    Ok(Some(Answer::ok(plain.collect::<Vec<_>>().into())))
}

/// The list of users with groups and tokens, made from the lists of users, groups and each user's tokens.
fn users_with_everything<A: Answers>(deriver: &Deriver<A>) -> Derivation {
    let Some(users) = deriver.rows(&ApiPath::parse("access/users"), "userid")? else { return Ok(None) };
    let mut whole: Vec<Value> = Vec::new();
    for (user, row) in users.iter() {
        let (Some(groups), Some(tokens)) = (groups_of(deriver, user)?, tokens(deriver, user)?) else { return Ok(None) };
        let mut row = Row::clone(row);
        row.insert("groups".to_owned(), groups.join(",").into());
        row.insert("tokens".to_owned(), if tokens.is_empty() { Value::Null } else { tokens.into() });
        whole.push(row.into());
    }
    Ok(Some(Answer::ok(whole.into())))
}

/// The groups that a user is a member of, from the list of groups.
fn groups_of<A: Answers>(deriver: &Deriver<A>, user: &str) -> Result<Option<Vec<String>>, Unreadable> {
    let Some(groups) = deriver.rows(&ApiPath::parse("access/groups"), "groupid")? else { return Ok(None) };
    let member = |group: &Row| words(group.get("users")).any(|member| member == user);
    Ok(Some(groups.iter().filter(|(_, group)| member(group)).map(|(name, _)| name.clone()).collect()))
}

/// The users by name, from the list with everything or from the plain one, which lacks groups and tokens.
fn listed_users<A: Answers>(deriver: &Deriver<A>) -> Result<Option<Arc<Indexed>>, Unreadable> {
    match deriver.rows(&full_users(), "userid")? {
        Some(users) => Ok(Some(users)),
        None => deriver.rows(&ApiPath::parse("access/users"), "userid"),
    }
}

fn full_users() -> ApiPath {
    ApiPath::new(["access", "users"]).with_query("full", "1")
}

fn single_token<A: Answers>(deriver: &Deriver<A>, user: &str, name: &str) -> Derivation {
    let Some(tokens) = tokens(deriver, user)? else { return Ok(None) };
    let mut named = tokens.iter().filter_map(named_token);
    Ok(Some(match named.find(|(token, _)| token == name) {
        Some((_, token)) => Answer::ok(token),
        None => Answer::refusal(500, &format!("no such token '{name}' for user '{user}'")),
    }))
}

/// The name of a token, and its other keys.
fn named_token(token: &Value) -> Option<(String, Value)> {
    let mut token = token.as_object()?.clone();
    let name = token.remove("tokenid").as_ref().and_then(text)?;
    Some((name, token.into()))
}

/// The tokens of a user, from the user's list of them, the user, or the list of users with everything.
fn tokens<A: Answers>(deriver: &Deriver<A>, user: &str) -> Result<Option<Vec<Value>>, Unreadable> {
    let name = names::in_paths(user);
    if let Some(Value::Array(tokens)) = deriver.data(&ApiPath::new(["access", "users", &name, "token"]))? {
        return Ok(Some(tokens));
    }
    if let Some(single) = deriver.data(&ApiPath::new(["access", "users", &name]))? {
        let tokens = single.get("tokens").and_then(Value::as_object);
        let listed = |(name, token): (&String, &Value)| {
            let mut token = token.as_object().cloned().unwrap_or_default();
            token.insert("tokenid".to_owned(), json!(name));
            Value::Object(token)
        };
        return Ok(Some(tokens.into_iter().flatten().map(listed).collect()));
    }
    let Some(row) = deriver.row(&full_users(), "userid", user)? else { return Ok(None) };
    Ok(Some(row.get("tokens").and_then(Value::as_array).cloned().unwrap_or_default()))
}
