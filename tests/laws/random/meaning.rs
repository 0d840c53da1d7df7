//! Meaning of a value to Proxmox: its parts, switches and numbers in one spelling, without defaults.

use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::natural;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::{Domain, Parameter, Release, Verb};
use proxmox_mpc_model::size::Bytes;
use proxmox_mpc_model::{boolean, list, object};

use super::guests::Sort;

/// Defaults that the schema does not name (`qemu-server`, `pve-container`), by part; with the key if several keys have
/// a part of this name.
const DEFAULTS: &[(&str, &str)] = &[
    ("aio", "io_uring"),
    ("amd-sev.allow-smt", "1"),
    ("backup", "1"),
    ("cpu.cputype", "kvm64"),
    ("dev.mode", "0660"),
    ("detect_zeroes", "1"),
    ("discard", "ignore"),
    ("ide.cache", "none"),
    // The disks of a container are saved only where they say so, but for the first.
    ("mp.backup", "0"),
    ("net.type", "veth"),
    ("rng.max_bytes", "1024"),
    ("rng.period", "1000"),
    ("rombar", "1"),
    ("sata.cache", "none"),
    ("scsi.cache", "none"),
    ("vga.memory", "16"),
    ("virtio.cache", "none"),
    ("watchdog.model", "i6300esb"),
];

/// Parts that Proxmox measures, or that the name and the storage of the volume determine.
const MEASURED: &[&str] = &["efidisk.size", "tpmstate.size", "format"];

/// `net.firewall` of `net0` and `firewall`; the key without its number where there is no part.
pub(super) fn full_name(key: &str, part: &str) -> String {
    let stem = natural(key).0;
    if part.is_empty() { stem.to_owned() } else { format!("{stem}.{part}") }
}

/// Reports whether a value is the default.
pub(super) fn is_default(key: &str, part: &str, value: &str, parameter: &Parameter) -> bool {
    let full_name = full_name(key, part);
    let is_it = |known: &str| known == full_name || known == part;
    if MEASURED.iter().any(|known| is_it(known)) {
        return true;
    }
    // The row with the key stands behind the one without.
    let granted = DEFAULTS.iter().rev().find(|(known, _)| is_it(known)).map(|(_, value)| (*value).to_owned());
    let default = granted.or_else(|| parameter.default.as_ref().and_then(object::text));
    match Release::NEWEST.schema().domain(parameter) {
        Domain::Boolean => {
            let default = default.as_deref().and_then(boolean::parse).unwrap_or(false);
            boolean::parse(value) == Some(default)
        }
        Domain::Integer(..) | Domain::Number(..) => {
            let number = |text: &str| text.parse::<f64>().ok();
            number(value) == default.as_deref().and_then(number) || number(value) == Some(0.0)
        }
        _ => default.as_deref() == Some(value),
    }
}

/// Meaning of the value of a guest's key, by part; the whole value has an empty name.
pub(super) fn meaning(sort: Sort, key: &str, value: &str) -> BTreeMap<String, String> {
    let found = Release::NEWEST.schema().find(Verb::Post, &["nodes", "pve", sort.word()]).expect("guests can be made");
    let Some(parameter) = Release::NEWEST.schema().parameter(found.method, key) else {
        return [(String::new(), value.to_owned())].into();
    };
    let mut parts = BTreeMap::new();
    let mut add = |name: &str, value: &str, parameter: &Parameter| {
        if !is_default(key, name, value, parameter) {
            parts.insert(name.to_owned(), in_one_spelling(value, parameter));
        }
    };
    let Domain::Properties(keys) = Release::NEWEST.schema().domain(parameter) else {
        add("", value, parameter);
        return parts;
    };
    let bare = keys.iter().find(|(_, known)| known.stands_alone()).map(|(name, _)| *name);
    for (name, value) in Properties::parse(value).iter() {
        let name = name.or(bare).unwrap_or_default();
        let known = keys.get(name);
        if let Some(model) = known.and_then(|known| known.key_alias()) {
            add(model, name, keys[model]);
        }
        let name = known.and_then(|known| known.alias()).unwrap_or(name);
        // What the schema does not know counts as it stands.
        add(name, value, keys.get(name).unwrap_or(&parameter));
    }
    parts
}

fn in_one_spelling(value: &str, parameter: &Parameter) -> String {
    let domain = Release::NEWEST.schema().domain(parameter);
    match (&domain, boolean::parse(value), value.parse::<f64>()) {
        (Domain::Boolean, Some(truth), _) => u8::from(truth).to_string(),
        (Domain::Integer(..) | Domain::Number(..), _, Ok(number)) => number.to_string(),
        // A line end behind the notes is no part of them.
        (Domain::Text, ..) => value.trim_end_matches('\n').to_owned(),
        (Domain::Format("pve-startup-order"), ..) => {
            // A number alone is the order.
            let named = |part: &str| if part.contains('=') { part.to_owned() } else { format!("order={part}") };
            let mut parts: Vec<String> = value.split(',').map(named).collect();
            parts.sort();
            parts.join(",")
        }
        (Domain::Format("pve-hotplug-features" | "pve-tag-list"), ..) => {
            let mut words: Vec<String> = list::items(value).map(str::to_lowercase).collect();
            words.sort();
            words.join(";")
        }
        (Domain::Format("mac-addr"), ..) => value.to_uppercase(),
        (Domain::Format("disk-size"), ..) => {
            Bytes::parse(value).map_or_else(|| value.to_owned(), |size| size.count().to_string())
        }
        _ => value.to_owned(),
    }
}
