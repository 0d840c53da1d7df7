//! Accounts at a certificate authority (`priv/acme/`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// An ACME account. Everybody sees its name; its single answer is for root alone, not even for root's tokens.
pub(super) static KIND: Kind = Kind {
    id: "acme_account",
    prefix: "acme-account",
    title: "ACME account",
    keys: &[
        // The answer of the authority, without the addresses.
        Key::new("account", Form::Structure).volatile(),
        Key::new("contact", Form::Text),
        Key::new("directory", Form::Text),
        // Needed once, when the account is created, and not stored.
        Key::new("eab-hmac-key", Form::Text).secret(),
        Key::new("eab-kid", Form::Text).secret(),
        Key::new("location", Form::Text).volatile(),
        Key::new("name", Form::Text).fixed(),
        Key::new("tos", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("acme/account", Shape::Each(RowId::Key("name"))).adjust(flatten)),
    writing: Writing::No,
};

/// Moves the addresses out of the authority's answer: `mailto:ops@example.org` becomes `contact`, joined by commas as a
/// creation takes them.
fn flatten(keys: &mut Map<String, Value>) -> bool {
    let Some(account) = keys.get_mut("account").and_then(Value::as_object_mut) else { return true };
    if let Some(Value::Array(contacts)) = account.remove("contact") {
        let addresses = contacts.iter().filter_map(Value::as_str);
        let addresses: Vec<&str> =
            addresses.map(|address| address.strip_prefix("mailto:").unwrap_or(address)).collect();
        keys.insert("contact".to_owned(), addresses.join(",").into());
    }
    true
}
