//! Realms: rules that the schema does not have (`PVE::API2::Domains`, `PVE::Auth::Plugin`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use serde_json::json;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::digest;

/// List of the realms.
const LIST: &str = "access/domains";

/// Built-in realms, with their comments until a client sets others.
const BUILT_IN: &[(&str, &str)] =
    &[("pam", "Linux PAM standard authentication"), ("pve", "Proxmox VE authentication server")];

/// Options that each type of realm needs.
const NEEDED: &[(&str, &[&str])] = &[
    ("ad", &["domain", "server1"]),
    ("ldap", &["base_dn", "server1", "user_attr"]),
    ("openid", &["client-id", "issuer-url"]),
];

/// Refuses a realm that lacks what its type needs, and another one of a built-in type.
pub(super) fn fit(_: &Transaction, call: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let context = if before.is_some() { "update auth server failed" } else { "add auth server failed" };
    let refused = |text: String| Err(Refusal::failed(text).within(context));
    let kind = row.get("type").and_then(text).unwrap_or_default();
    let is_built_in = BUILT_IN.iter().any(|(name, _)| *name == kind);
    let is_directory = matches!(kind.as_str(), "ad" | "ldap");
    if before.is_none() && is_built_in {
        return refused(format!("unable to create builtin type '{kind}'"));
    }
    if call.text("check-connection").is_some() && !is_directory {
        let types = "can only be set for realms of type 'ldap' or 'ad'";
        return refused(format!("'check-connection' parameter {types}"));
    }
    let needed = NEEDED.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    if before.is_none()
        && let Some(key) = needed.iter().find(|key| !row.contains_key(**key))
    {
        return refused(format!("missing value for required option '{key}'"));
    }
    if before.is_some() && call.text("username-claim").is_some() {
        return refused("can't change value of fixed parameter 'username-claim'".to_owned());
    }
    if call.flag("check-connection") {
        return Err(Refusal::beyond_the_twin("ask a directory whether it is there"));
    }
    if let Some(options) = row.get("sync-defaults-options").and_then(text).filter(|_| is_directory) {
        row.insert("sync-defaults-options".to_owned(), settled(&options).into());
    }
    Ok(())
}

/// Refuses a synchronisation job of a realm that is not a directory. A job is enabled unless it says otherwise, and has
/// not run yet.
pub(super) fn fit_job(transaction: &Transaction, _: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    row.insert("type".to_owned(), "realm-sync".into());
    row.entry("enabled").or_insert(1.into());
    row.entry("last-run").or_insert_with(Default::default);
    let name = row.get("realm").and_then(text).unwrap_or_default();
    let realms = transaction.rows(&ApiPath::parse(LIST))?;
    let realm = realms.iter().find(|realm| realm.get("realm").and_then(text).as_ref() == Some(&name));
    let kind = realm.and_then(|realm| realm.get("type")).and_then(text);
    match kind.as_deref() {
        _ if before.is_some() => Ok(()),
        None => Err(Refusal::nested("", "realm", &format!("No such realm '{name}'"))),
        Some("ad" | "ldap") => Ok(()),
        Some(_) => Err(Refusal::nested("", "realm", "Only LDAP/AD realms can be synced.")),
    }
}

/// The options of a synchronisation as Proxmox keeps them: sorted, with the words of today for those of old.
fn settled(options: &str) -> String {
    let properties = Properties::parse(options);
    let is_set = |key: &str| properties.get(key) == Some("1");
    let old = [("full", "entry;properties"), ("purge", "acl")].into_iter().filter(|(key, _)| is_set(key));
    let old: Vec<&str> = old.map(|(_, words)| words).collect();
    let mut pairs: Vec<String> = properties
        .iter()
        .filter_map(|(key, value)| Some((key?, value)))
        .filter(|(key, _)| !matches!(*key, "full" | "purge"))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if !old.is_empty() && properties.get("remove-vanished").is_none() {
        pairs.push(format!("remove-vanished={}", old.join(";")));
    }
    pairs.sort();
    pairs.join(",")
}

/// Keeps one realm as the default; lists leave out a `default` that is off and an empty comment.
pub(super) fn written(transaction: &mut Transaction, _: &Call, row: &Row) -> Result<(), Refusal> {
    let list = ApiPath::parse(LIST);
    let id = row.get("realm").and_then(text).unwrap_or_default();
    let is_usual = row.get("default").and_then(text).as_deref() == Some("1");
    let mut rows = transaction.rows(&list)?;
    for other in &mut rows {
        let name = other.get("realm").and_then(text).unwrap_or_default();
        if is_usual && name != id && other.remove("default").is_some() {
            let single = ApiPath::new(["access", "domains", &name]);
            let mut realm = transaction.object(&single)?;
            realm.remove("default");
            transaction.set(&single, realm);
        }
        other.retain(|key, value| match key.as_str() {
            "default" => text(value).as_deref() == Some("1"),
            "comment" => text(value).is_some_and(|comment| !comment.is_empty()),
            _ => true,
        });
    }
    transaction.set_rows(&list, rows);
    Ok(())
}

/// Puts back a built-in realm that was removed, as it is without configuration.
pub(super) fn removed(transaction: &mut Transaction, _: &Call, realm: &str) -> Result<(), Refusal> {
    let Some((_, comment)) = BUILT_IN.iter().find(|(name, _)| *name == realm) else { return Ok(()) };
    let list = ApiPath::parse(LIST);
    let mut rows = transaction.rows(&list)?;
    let row = json!({ "realm": realm, "type": realm, "comment": comment });
    rows.extend(row.as_object().cloned());
    let digest = digest::of(digest::DigestForm::Sha1, &rows);
    transaction.set_rows(&list, rows);
    let mut single = json!({ "type": realm, "comment": comment, "digest": digest });
    if realm == "pam" {
        single["plugin"] = json!("PVE::Auth::PAM");
    }
    transaction.set(&ApiPath::new(["access", "domains", realm]), single);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_synchronisation_are_sorted() {
        let check = |given: &str, expected: &str| assert_eq!(settled(given), expected, "{given}");
        check("scope=both,remove-vanished=acl;entry", "remove-vanished=acl;entry,scope=both");
        check("full=1,purge=1,scope=users", "remove-vanished=entry;properties;acl,scope=users");
        check("enable-new=0", "enable-new=0");
    }
}
