//! Answers about files of `key: value` lines with a description in `#` lines: `datacenter.cfg` and the `config` of a
//! node.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::sheet::{Row, Sheet, with};
use super::tree::{Tree, file};
use super::words::{bytes, decoded, lines};
use crate::property::Properties;
use crate::{ApiPath, boolean, list, tags};

/// Keys of `datacenter.cfg`; `p` marks a key that is shown as an object.
const DATACENTER: &str = "bwlimit consent-text console crs:p description email_from fencing ha:p http_proxy keyboard \
    language location mac_prefix max_workers:i migration:p migration_unsecure:b next-id:p notify:p registered-tags \
    replication:p tag-style:p u2f:p user-tag-access:p webauthn:p";

/// Keys of a node's `config`. Numbers stay text (docs/proxmox.md, "JSON types").
const NODE: &str = "acme acmedomain0 acmedomain1 acmedomain2 acmedomain3 acmedomain4 acmedomain5 ballooning-target:i \
    description location startall-onboot-delay:i wakeonlan";

/// Switches inside the property strings of `datacenter.cfg`, which become numbers.
const SWITCHES: &[&str] = &["case-sensitive", "ha-rebalance-on-start", "ha-auto-rebalance", "allow-subdomains"];

/// Properties that may stand without their name in a property string.
const BARE: &[(&str, &str)] = &[("migration", "type"), ("replication", "type")];

/// Answers the options of the cluster, with the tags that they allow beside those of the guests.
pub(super) fn datacenter(tree: &Tree, tags: BTreeSet<String>, sheet: &mut Sheet) {
    let options = datacenter_options(&file(tree, "datacenter.cfg").text, sheet);
    let allowed: BTreeSet<String> = tags.into_iter().chain(tags::of_options(&options)).collect();
    sheet.put("cluster/options", with(options, "allowed-tags", json!(allowed)));
}

/// The answer of the API to a `datacenter.cfg`, without the tags that are allowed.
pub(super) fn datacenter_options(text: &str, sheet: &mut Sheet) -> Row {
    let mut options = read("datacenter.cfg", text, DATACENTER, sheet);
    // Only comments at the start of a line are notes.
    let comments = lines(text).filter_map(|(_, line)| line.strip_prefix('#'));
    let notes: String = comments.map(|comment| decoded(comment) + "\n").collect();
    options.insert("description".to_owned(), json!(notes));
    options.entry("mac_prefix").or_insert_with(|| json!("BC:24:11"));
    for (key, value) in &mut options {
        let Some(text) = value.as_str() else { continue };
        if DATACENTER.split_ascii_whitespace().any(|known| known.strip_suffix(":p") == Some(key)) {
            let bare = BARE.iter().find(|(name, _)| name == key).map(|(_, bare)| *bare);
            *value = object(text, bare);
        }
    }
    if options.get("console") == Some(&json!("applet")) {
        options.insert("console".to_owned(), json!("html5"));
    }
    if let Some(unsecure) = options.get("migration_unsecure").cloned() {
        let kind = if unsecure == json!(1) { "insecure" } else { "secure" };
        let migration = options.entry("migration").or_insert_with(|| json!({}));
        if migration.get("type").is_none() {
            migration["type"] = json!(kind);
        }
    }
    let split = |value: &mut Value| {
        let words: Vec<String> = value.as_str().unwrap_or_default().split(';').map(str::to_owned).collect();
        *value = json!(words);
    };
    options.get_mut("registered-tags").map(split);
    options.get_mut("user-tag-access").and_then(|access| access.get_mut("user-allow-list")).map(split);
    options
}

/// Answers the options of a node; a node without this file has no options and no digest.
pub(super) fn node(tree: &Tree, node: &str, sheet: &mut Sheet) {
    let name = format!("nodes/{node}/config");
    let mut options = Row::new();
    if let Some(file) = tree.get(&name) {
        options = read(&name, &file.text, NODE, sheet);
        let notes = lines(&file.text).filter_map(|(_, line)| {
            let line = line.trim();
            line.strip_prefix('#').or_else(|| line.strip_prefix("description:").map(str::trim_start))
        });
        let notes: String = notes.map(|note| decoded(note) + "\n").collect();
        options.insert("description".to_owned(), json!(notes));
        options.insert("digest".to_owned(), json!(file.sha1));
    }
    sheet.put_at(ApiPath::new(["nodes", node, "config"]), options);
}

/// The lines of a file by key; of a repeated key the last line counts (`PVE::JSONSchema::parse_config`).
fn read(name: &str, text: &str, known: &str, sheet: &mut Sheet) -> Row {
    let mut options = Row::new();
    for (number, line) in lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.contains(char::is_whitespace)) else {
            sheet.warn(name, number, "ignored, since it is not a `key: value` line");
            continue;
        };
        let form = known.split_ascii_whitespace().find_map(|known| {
            let (name, form) = known.split_once(':').unwrap_or((known, ""));
            (name == key).then_some(form)
        });
        let value = value.trim_start();
        match form {
            None => sheet.warn(name, number, format_args!("key `{key}` is not known here")),
            Some("i") if value.parse::<i64>().is_err() => {
                sheet.warn(name, number, format_args!("the value of `{key}` is not a number"));
            }
            Some("b") => match boolean::parse(value) {
                Some(flag) => drop(options.insert(key.to_owned(), json!(u8::from(flag)))),
                None => sheet.warn(name, number, format_args!("the value of `{key}` is not a switch")),
            },
            Some(_) => drop(options.insert(key.to_owned(), json!(bytes(value)))),
        }
    }
    options
}

/// A property string as an object: switches become numbers, the rest stays text.
fn object(text: &str, bare: Option<&str>) -> Value {
    let properties = Properties::parse(text);
    let pairs = properties.iter().filter_map(|(key, value)| {
        let key = key.or(bare)?;
        let flag = if SWITCHES.contains(&key) { boolean::parse(value) } else { None };
        Some((key.to_owned(), flag.map_or_else(|| json!(value), |flag| json!(u8::from(flag)))))
    });
    Value::Object(pairs.collect())
}

/// The tags that are written in a guest's configuration.
pub(super) fn tags_of_guest(text: &str) -> impl Iterator<Item = String> {
    list::items(text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etc_pve::tree::File;

    fn options(text: &str) -> (Value, usize) {
        let mut sheet = Sheet::default();
        datacenter(&Tree::from([("datacenter.cfg".to_owned(), File::of(text))]), BTreeSet::new(), &mut sheet);
        let mut data = sheet.answers[&ApiPath::parse("cluster/options")].data().cloned().unwrap_or_default();
        // The keys without any line.
        for (key, value) in [("allowed-tags", json!([])), ("description", json!("")), ("mac_prefix", json!("BC:24:11"))]
        {
            if let Some(keys) = data.as_object_mut().filter(|keys| keys[key] == value) {
                keys.remove(key);
            }
        }
        (data, sheet.warnings.len())
    }

    #[test]
    fn the_datacenter() {
        let check = |text: &str, expected: Value, warnings: usize| {
            assert_eq!(options(text), (expected, warnings), "{text:?}");
        };
        check("", json!({}), 0);
        check("# %C3%BC\r\n#b\r\nkeyboard:  de \r\n", json!({"description": " ü\nb\n", "keyboard": "de"}), 0);
        check("description: x\n #no\nmac_prefix: AA:BB:CC\n", json!({"mac_prefix": "AA:BB:CC"}), 0);
        check("keyboard: de\nkeyboard: fr\n", json!({"keyboard": "fr"}), 0);
        check("colour: red\nno colon\nmax_workers: many\n", json!({}), 3);
        check("max_workers: 4\n", json!({"max_workers": "4"}), 0);
        check(
            "migration: insecure,network=10.0.0.0/8",
            json!({"migration": {"type": "insecure", "network": "10.0.0.0/8"}}),
            0,
        );
        check("migration_unsecure: yes", json!({"migration_unsecure": 1, "migration": {"type": "insecure"}}), 0);
        check(
            "crs: ha=static,ha-rebalance-on-start=on",
            json!({"crs": {"ha": "static", "ha-rebalance-on-start": 1}}),
            0,
        );
        check("console: applet", json!({"console": "html5"}), 0);
        check(
            "registered-tags: b;a\nuser-tag-access: user-allow=list,user-allow-list=c",
            json!({
                "registered-tags": ["b", "a"],
                "user-tag-access": {"user-allow": "list", "user-allow-list": ["c"]},
                "allowed-tags": ["a", "b", "c"],
            }),
            0,
        );
    }

    #[test]
    fn a_node() {
        let mut sheet = Sheet::default();
        let text = "startall-onboot-delay: 20\nwakeonlan: 54:BF:64:00:10:0A\n#note \ndescription: more\n";
        let tree = Tree::from([("nodes/a/config".to_owned(), File::of(text))]);
        node(&tree, "a", &mut sheet);
        node(&tree, "b", &mut sheet);
        let data = |node: &str| sheet.answers[&ApiPath::new(["nodes", node, "config"])].data().cloned();
        let expected = json!({
            "startall-onboot-delay": "20", "wakeonlan": "54:BF:64:00:10:0A", "description": "note\nmore\n", "digest": "",
        });
        assert_eq!(data("a"), Some(expected));
        assert_eq!(data("b"), Some(json!({})));
    }
}
