//! API tokens (`user.cfg`, `token.cfg`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Reading, Source};
use super::user;
use super::write::Writing;
use crate::rows::RowId;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Unreadable, shape};

/// A token of a user, read from the list of users: the single tokens need User.Modify. Its value is shown once, when it
/// is created.
pub(super) static KIND: Kind = Kind {
    id: "user_token",
    prefix: "token",
    title: "API token",
    keys: &[
        Key::new("comment", Form::Text),
        // Without it the token expires with its user.
        Key::new("expire", Form::Integer),
        Key::new("privsep", Form::Boolean).default("1"),
        Key::new("tokenid", Form::Text).fixed(),
        Key::new("userid", Form::Text).fixed(),
    ],
    source: Source::Own { requests: |cluster| user::KIND.requests(cluster), list, read },
    writing: Writing::No,
};

fn users() -> ApiPath {
    ApiPath::new(["access", "users"]).with_query("full", "1")
}

fn tokens(user: &Map<String, Value>) -> impl Iterator<Item = (String, &Map<String, Value>)> {
    let tokens = user.get("tokens").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    tokens.filter_map(|token| Some((shape::named(token, "tokenid").ok()?.to_owned(), token)))
}

/// The tokens of the users in the list of users.
fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let entry = |user: &str, token: &str| Entry {
        identity: Identity::new("token", format!("{user}!{token}")),
        name: Some(format!("{user}!{token}")),
        node: None,
        pool: None,
        tags: Vec::new(),
    };
    let rows = cluster.rows(&users(), RowId::Key("userid"))?;
    let mut incomplete = user::KIND.list(cluster)?.incomplete;
    let mut entries = Vec::new();
    for (user, keys) in rows.iter().flat_map(|rows| rows.iter()) {
        let all = keys.get("tokens").and_then(Value::as_array).map_or(0, Vec::len);
        let named: Vec<Entry> = tokens(keys).map(|(token, _)| entry(user, &token)).collect();
        if named.len() < all {
            let complaint = format!("a token of {user} has no `tokenid`");
            incomplete = Some(NotRead::Unusable { request: users(), complaint }.into());
        }
        entries.extend(named);
    }
    Ok(Listing { entries, incomplete })
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    let rows = cluster.rows(&users(), RowId::Key("userid"))?;
    // A user's name may hold a `!`, a token's may not.
    let keys = entry.identity.id().rsplit_once('!').and_then(|(user, token)| {
        let keys = rows.as_ref()?.get(user)?;
        let (_, token) = tokens(keys).find(|(name, _)| name == token)?;
        let mut keys = token.clone();
        keys.insert("userid".to_owned(), user.into());
        Some(keys)
    });
    Ok(match keys {
        Some(keys) => Ok(Object { entry: entry.clone(), keys }),
        None => Err(NotRead::NotListed { request: users() }),
    })
}
