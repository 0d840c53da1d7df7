//! Realms as `proxmox_realm_ldap` and `proxmox_realm_openid`; Ansible keeps those of other types.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle, Variable, VariableDefault};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of realms.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "realm",
    file: "realms.tf",
    word: "realm",
    data: false,
    namespace: Namespace::Own("realm"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["realm", "type"], |draft| {
            draft.take("type");
            let realm = draft.text("realm").unwrap_or_default();
            draft.set("realm", realm);
        }),
        Row::custom(TEXTS, texts),
        Row::custom(&["mode", "port", "secure", "sslversion"], connection),
        Row::custom(&["cert", "certkey"], certificate),
        Row::custom(FLAGS, flags),
        Row::custom(&["password"], password),
        Row::custom(&["client-key"], client_key),
        Row::volatile(&["digest", "plugin"]),
        Row::ansible(&["domain", "tfa"], FOREIGN),
    ],
    role: Some(|_| Role::cluster("realms")),
};

const FOREIGN: &str = "the provider has no attribute for it on realms of this type (provider rule U9)";

/// Keys whose values are texts; each type of realm has some of them.
const TEXTS: &[&str] = &[
    "acr-values",
    "audiences",
    "base_dn",
    "bind_dn",
    "capath",
    "client-id",
    "comment",
    "filter",
    "group_classes",
    "group_dn",
    "group_filter",
    "group_name_attr",
    "groups-claim",
    "issuer-url",
    "prompt",
    "scopes",
    "server1",
    "server2",
    "sync-defaults-options",
    "sync_attributes",
    "user_attr",
    "user_classes",
    "username-claim",
];

/// Keys whose values are switches.
const FLAGS: &[&str] =
    &["autocreate", "case-sensitive", "default", "groups-autocreate", "groups-overwrite", "query-userinfo", "verify"];

/// A type of realm with a resource of the provider's. Its keys are pairs of Proxmox's key and the attribute.
struct RealmType {
    name: &'static str,
    resource: &'static str,
    /// Keys without which the provider cannot read the realm.
    required: [&'static str; 2],
    texts: &'static [(&'static str, &'static str)],
    /// Switches with the schema's default, which the provider reads for an absent key as well; `None` if it reads null.
    flags: &'static [(&'static str, &'static str, Option<bool>)],
}

static TYPES: &[RealmType] = &[
    RealmType {
        name: "ldap",
        resource: "proxmox_realm_ldap",
        required: ["base_dn", "server1"],
        texts: &[
            ("server1", "server1"),
            ("server2", "server2"),
            ("base_dn", "base_dn"),
            ("bind_dn", "bind_dn"),
            ("user_attr", "user_attr"),
            ("filter", "filter"),
            ("user_classes", "user_classes"),
            ("group_dn", "group_dn"),
            ("group_filter", "group_filter"),
            ("group_classes", "group_classes"),
            ("group_name_attr", "group_name_attr"),
            ("sync_attributes", "sync_attributes"),
            ("sync-defaults-options", "sync_defaults_options"),
            ("capath", "ca_path"),
            ("comment", "comment"),
        ],
        flags: &[
            ("verify", "verify", Some(false)),
            ("case-sensitive", "case_sensitive", Some(true)),
            ("default", "default", Some(false)),
        ],
    },
    RealmType {
        name: "openid",
        resource: "proxmox_realm_openid",
        required: ["client-id", "issuer-url"],
        texts: &[
            ("issuer-url", "issuer_url"),
            ("client-id", "client_id"),
            ("username-claim", "username_claim"),
            ("scopes", "scopes"),
            ("prompt", "prompt"),
            ("acr-values", "acr_values"),
            ("audiences", "audiences"),
            ("groups-claim", "groups_claim"),
            ("comment", "comment"),
        ],
        flags: &[
            ("autocreate", "autocreate", None),
            ("groups-autocreate", "groups_autocreate", None),
            ("groups-overwrite", "groups_overwrite", None),
            ("query-userinfo", "query_userinfo", None),
            ("default", "default", None),
        ],
    },
];

fn type_of(object: &Object) -> Option<&'static RealmType> {
    let name = object.text("type")?;
    TYPES.iter().find(|one| one.name == name)
}

fn is_ldap(draft: &Draft<'_>) -> bool {
    type_of(draft.object).is_some_and(|known| known.name == "ldap")
}

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let id = object.entry.identity.id();
    let Some(known) = type_of(object) else {
        if is_unchanged(object) {
            return Ok(Destination::BuiltIn);
        }
        let name = object.text("type").unwrap_or_default();
        let reason = format!("the provider has no resource for realms of type `{name}` (provider rule K5)");
        return Ok(Destination::Ansible(reason.into()));
    };
    if let Some(key) = known.required.iter().find(|key| object.text(key).is_none()) {
        return Err(Obstacle::new(format!("the provider cannot read a realm without `{key}` (provider rule U9)")));
    }
    if object.keys.get("port").is_some_and(serde_json::Value::is_string) {
        return Err(Obstacle::new("the provider cannot read a port that is text (provider rule U9)"));
    }
    Ok(Destination::Resource(known.resource, id.to_owned()))
}

/// True for `pam` and `pve` with their original comments.
fn is_unchanged(object: &Object) -> bool {
    let comment = match (object.entry.identity.id(), object.text("type").as_deref()) {
        ("pam", Some("pam")) => "Linux PAM standard authentication",
        ("pve", Some("pve")) => "Proxmox VE authentication server",
        _ => return false,
    };
    object.keys.keys().all(|key| match key.as_str() {
        "realm" | "type" | "digest" | "plugin" => true,
        "comment" => object.text(key).as_deref() == Some(comment),
        "default" => object.text(key).as_deref() == Some("0"),
        _ => false,
    })
}

/// Writes the texts that are present. The provider reads null for an absent text, and an empty one for an empty one.
fn texts(draft: &mut Draft<'_>) {
    let Some(known) = type_of(draft.object) else { return };
    for (key, attribute) in known.texts {
        let text = draft.text(key).map(Value::Text);
        draft.set_some(attribute, text);
    }
    keep_foreign_keys(draft, TEXTS);
}

/// Gives keys without an attribute on this type of realm to Ansible.
fn keep_foreign_keys(draft: &mut Draft<'_>, keys: &[&str]) {
    for key in keys {
        if draft.object.keys.contains_key(*key) && !draft.fates.contains_key(*key) {
            if draft.is_default(key) {
                draft.set_default(key);
            } else {
                draft.not_in_provider(key, FOREIGN);
            }
        }
    }
}

fn flags(draft: &mut Draft<'_>) {
    let Some(known) = type_of(draft.object) else { return };
    for (key, attribute, default) in known.flags {
        if !draft.object.keys.contains_key(*key) {
            // The provider creates a realm with omitted switches off; Proxmox's default for this one is on.
            if *key == "query-userinfo" {
                draft.set(attribute, true);
                draft.ignore(
                    &[attribute],
                    "not set in Proxmox, which means on; it stands here for when the realm is made anew",
                );
            }
            continue;
        }
        let value = draft.flag(key);
        if *default == Some(value) {
            draft.set_default(key);
        } else {
            draft.set(attribute, value);
        }
    }
    keep_foreign_keys(draft, FLAGS);
}

/// Writes the connection. `mode` and the older `secure` exclude each other, and the provider accepts certain words only
/// (docs/provider.md, U9).
fn connection(draft: &mut Draft<'_>) {
    if !is_ldap(draft) {
        keep_foreign_keys(draft, &["mode", "port", "secure", "sslversion"]);
        return;
    }
    let port = draft.integer("port");
    draft.set_some("port", port);
    let word = |key: &str, known: &[&str]| draft.object.text(key).filter(|word| known.contains(&word.as_str()));
    let (mode, version) = (word("mode", bpg::LDAP_MODES), word("sslversion", bpg::LDAP_TLS_VERSIONS));
    let secure = draft.object.keys.contains_key("secure") && draft.flag("secure");
    for (key, attribute, value) in [("mode", "mode", &mode), ("sslversion", "ssl_version", &version)] {
        if let Some(value) = value {
            draft.take(key);
            draft.set(attribute, value.as_str());
        } else if draft.object.keys.contains_key(key) {
            draft.not_in_provider(key, "the provider refuses this word (provider rule U9)");
            draft.ignore(&[attribute], "the provider refuses this word");
        }
    }
    if !secure {
        draft.set_default("secure");
    } else if draft.object.keys.contains_key("mode") {
        draft.not_in_provider("secure", "the provider refuses it beside `mode` (provider rule U9)");
        draft.ignore(&["secure"], "it may not stand beside mode, which goes before it");
    } else {
        draft.set("secure", true);
    }
}

/// Writes the certificate and its key: the provider requires both or neither.
fn certificate(draft: &mut Draft<'_>) {
    if !is_ldap(draft) {
        keep_foreign_keys(draft, &["cert", "certkey"]);
        return;
    }
    let both = draft.object.keys.contains_key("cert") && draft.object.keys.contains_key("certkey");
    for (key, attribute) in [("cert", "cert_path"), ("certkey", "cert_key_path")] {
        if both {
            let path = draft.text(key);
            draft.set_some(attribute, path);
        } else if draft.object.keys.contains_key(key) {
            draft.not_in_provider(
                key,
                "the provider refuses a certificate without its key, and a key alone (provider rule U9)",
            );
            draft.ignore(&[attribute], "the provider refuses a certificate without its key, and a key alone");
        }
    }
}

/// Writes a variable for the bind password, which Proxmox never shows, if the realm has a bind DN.
fn password(draft: &mut Draft<'_>) {
    draft.take("password");
    if !is_ldap(draft) || !draft.object.keys.contains_key("bind_dn") {
        return;
    }
    secret(draft, "bind_password", "Password with which realm {} reads its directory");
}

/// Writes a variable for the client key. Proxmox shows it, but the provider does not read it.
fn client_key(draft: &mut Draft<'_>) {
    if draft.take("client-key").is_some() && !is_ldap(draft) {
        secret(draft, "client_key", "Client key of realm {} at its OpenID provider");
    }
}

/// Writes a variable for a secret that only a creation needs. The provider reads null, so the attribute is ignored
/// (docs/provider.md, U10).
fn secret(draft: &mut Draft<'_>, attribute: &str, what: &str) {
    let what = what.replace("{}", draft.object.entry.identity.id());
    let description = format!("{what}; used only when the realm is created anew");
    let name = format!("{}_realm_{attribute}", draft.label());
    let value = draft.variable(name, Variable { description, default: VariableDefault::Null, sensitive: true });
    draft.set(attribute, value);
    draft.ignore(&[attribute], "the provider does not read it: without this the plan always changes it");
}
