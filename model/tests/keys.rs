//! The tables of keys against what Proxmox declares (`fixtures/schema/pve-9.1.json`, made from its API schema: type,
//! default, legal words and default key of each) and against what it sent (`recorded.json`: samples of each key).

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::boolean;
use proxmox_mpc_model::kinds::{Class, Form, KINDS, Key};
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use serde::Deserialize;
use serde_json::Value;

const SCHEMA: &str = include_str!("../../fixtures/schema/pve-9.1.json");
const RECORDED: &str = include_str!("../../fixtures/schema/recorded.json");

/// Defaults of the schema that are prose, or that only a creation writes.
const NOT_DEFAULTS: &[(&str, &str)] = &[
    ("vm", "cpuunits"),
    ("vm", "vmgenid"),
    ("container", "cpuunits"),
    ("storage", "max-protected-backups"),
    ("acme_account", "directory"),
    ("acme_account", "name"),
    ("user_token", "expire"),
];

/// Keys whose form is not that of their schema: a set with a pattern and no format, lists of interfaces whose order
/// counts.
const READINGS: [(&str, &str, Form); 5] = [
    ("cluster_options", "registered-tags", Form::Set(';')),
    ("network", "bridge_ports", Form::Text),
    ("network", "ovs_bonds", Form::Text),
    ("network", "ovs_ports", Form::Text),
    ("network", "slaves", Form::Text),
];

/// Property strings whose schema names a registered format instead of spelling it out, with its default key.
const FORMATS: &[(&str, Form)] = &[
    ("backup-fleecing", Form::Properties(Some("enabled"))),
    ("backup-performance", Form::Properties(None)),
    ("email-or-username-list", Form::Set(',')),
    ("ip-list", Form::Set(',')),
    ("prune-backups", Form::Properties(None)),
    ("pve-day-of-week-list", Form::Set(',')),
    ("pve-dir-override-list", Form::Properties(None)),
    ("pve-fw-conntrack-helper", Form::Set(',')),
    ("pve-groupid-list", Form::Set(',')),
    ("pve-ha-node-list", Form::Set(',')),
    ("pve-ha-resource-id-list", Form::Set(',')),
    ("pve-hotplug-features", Form::Set(',')),
    ("pve-iface-list", Form::Set(',')),
    ("pve-node-list", Form::Set(',')),
    ("pve-priv-list", Form::Set(',')),
    ("pve-qemu-sev-fmt", Form::Properties(Some("type"))),
    ("pve-qemu-tdx-fmt", Form::Properties(Some("type"))),
    ("pve-qm-boot", Form::Properties(Some("legacy"))),
    ("pve-qm-cicustom", Form::Properties(None)),
    ("pve-qm-hostpci", Form::Properties(Some("host"))),
    ("pve-qm-ide", Form::Properties(Some("file"))),
    ("pve-qm-ipconfig", Form::Properties(None)),
    ("pve-qm-rng", Form::Properties(Some("source"))),
    ("pve-qm-smbios1", Form::Properties(None)),
    ("pve-qm-watchdog", Form::Properties(Some("model"))),
    ("pve-sdn-bgp-rt-list", Form::Set(',')),
    ("pve-startup-order", Form::Properties(Some("order"))),
    ("pve-storage-content-list", Form::Set(',')),
    ("pve-tag-list", Form::Set(';')),
    ("pve-vm-cpu-conf", Form::Properties(Some("cputype"))),
    ("pve-vmid-list", Form::Set(',')),
    ("realm-sync-options", Form::Properties(None)),
];

/// Key as the schema declares it.
#[derive(Deserialize)]
struct Declared {
    #[serde(rename = "type")]
    json_type: &'static str,
    default: Option<Value>,
    #[serde(rename = "enum", default)]
    words: Vec<Value>,
    format: Option<&'static str>,
    /// The default key of a property string that is spelled out, empty where it has none.
    properties: Option<&'static str>,
}

impl Declared {
    fn form(&self) -> Form {
        match (self.json_type, self.properties, self.format) {
            ("boolean", ..) => Form::Boolean,
            ("integer", ..) => Form::Integer,
            ("number", ..) => Form::Number,
            ("array", ..) => Form::Structure,
            (_, Some(default_key), _) => Form::Properties(Some(default_key).filter(|key| !key.is_empty())),
            (_, None, format) => {
                FORMATS.iter().find(|(name, _)| Some(*name) == format).map_or(Form::Text, |(_, form)| *form)
            }
        }
    }
}

/// Calls `check` for every key of a fixture with its kind, the entry in the table and the value in the fixture.
fn each<T: Deserialize<'static>>(fixture: &'static str, check: impl Fn(&str, &Key, &T)) {
    let fixture: BTreeMap<&str, BTreeMap<&str, T>> = serde_json::from_str(fixture).expect("the fixture is well formed");
    assert!(fixture.len() >= 4, "the fixture has become empty");
    for (kind, keys) in &fixture {
        let kind = KINDS.iter().find(|candidate| candidate.id == *kind).expect("the kind is in the table");
        for (name, said) in keys {
            let row = kind.keys.iter().find(|row| row.name == *name);
            check(kind.id, row.unwrap_or_else(|| panic!("{} has no key {name}", kind.id)), said);
        }
    }
}

#[test]
fn every_declared_key_has_its_form_and_default() {
    each(SCHEMA, |kind, row, declared: &Declared| {
        let name = (kind, row.name);
        let reading = READINGS.iter().find(|(of, key, _)| (*of, *key) == name).map(|(_, _, form)| *form);
        assert_eq!(row.form, reading.unwrap_or_else(|| declared.form()), "{name:?}");
        let default = declared.default.as_ref().and_then(text);
        let Some(default) = default.filter(|_| !NOT_DEFAULTS.contains(&name)) else { return };
        match row.form {
            Form::Boolean => assert_eq!(row.default.map(boolean::parse), Some(boolean::parse(&default)), "{name:?}"),
            _ => assert_eq!(row.default, Some(default.as_str()), "{name:?}"),
        }
    });
}

#[test]
fn every_default_is_a_legal_value() {
    each(SCHEMA, |kind, row, declared: &Declared| {
        let Some(default) = row.default else { return };
        let words: Vec<_> = declared.words.iter().filter_map(text).collect();
        assert!(is_written_as(row.form, &Value::from(default)), "{kind} {}", row.name);
        assert!(words.is_empty() || words.iter().any(|word| word == default), "{kind} {}", row.name);
    });
}

#[test]
fn every_recorded_key_is_known_and_has_its_form() {
    each(RECORDED, |kind, row, samples: &Vec<Value>| {
        assert!(!samples.is_empty(), "{kind} {}", row.name);
        for sample in samples {
            assert!(is_written_as(row.form, sample), "{kind} {}: {sample}", row.name);
        }
    });
}

#[test]
fn keys_are_sorted_and_unique() {
    for kind in KINDS {
        assert!(!kind.keys.is_empty(), "{}", kind.id);
        assert!(kind.keys.is_sorted_by(|one, next| one.name < next.name), "{}", kind.id);
    }
}

/// No secret may reach a file: Proxmox shows `cipassword` as stars, an encryption key by its fingerprint and the others not at
/// all, but an answer of another release could have any of them.
#[test]
fn secrets_are_marked() {
    let secrets = KINDS.iter().flat_map(|kind| kind.keys.iter().filter(|key| key.class == Class::Secret));
    let names: Vec<&str> = secrets.map(|key| key.name).collect();
    let names: BTreeSet<&str> = names.into_iter().collect();
    let known = [
        "cipassword",
        "client-key",
        "data",
        "eab-hmac-key",
        "eab-kid",
        "encryption-key",
        "http_proxy",
        "key",
        "keyring",
        "keys",
        "otel-headers",
        "password",
        "secret",
        "tfa",
        "token",
    ];
    assert_eq!(names, known.into());
}

/// Reports whether a value has this form. Some answers show property strings and sets as JSON's own forms.
fn is_written_as(form: Form, value: &Value) -> bool {
    let Some(text) = text(value) else {
        return match form {
            // Null stands for an absent value: a job that has not run yet.
            _ if value.is_null() => true,
            Form::Structure => true,
            Form::Properties(_) => value.is_object(),
            Form::Set(_) => value.is_array(),
            _ => false,
        };
    };
    match form {
        Form::Boolean => matches!(text.as_str(), "0" | "1"),
        Form::Integer => text.parse::<i64>().is_ok(),
        Form::Number => text.parse::<f64>().is_ok(),
        Form::Properties(default_key) => {
            Properties::parse(&text).iter().filter(|(key, _)| key.is_none()).count()
                <= usize::from(default_key.is_some())
        }
        Form::Text | Form::Set(_) => true,
        Form::Structure => false,
    }
}
