//! Changes of the settings of one object: by key, by property of a property string, by rule of a list of rules.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::values::line;
use super::{AttributeChange, ObjectState, names};
use crate::key_names::{index, matches, natural};
use crate::kinds::{self, Form, Parts};
use crate::mac::Mac;
use crate::property::Properties;

/// Key that holds the name of a guest, which is told as a rename.
const NAMES: [(&str, &str); 2] = [("qemu", "name"), ("lxc", "hostname")];

/// The settings that differ, in the order in which people count: `net2` before `net10`.
pub(super) fn changes(before: &ObjectState, after: &ObjectState) -> Vec<AttributeChange> {
    let identity = &after.identity;
    let parts = kinds::of(identity).and_then(names::parts);
    let renamed = before.name != after.name;
    let mut keys: Vec<&String> = before.keys.keys().chain(after.keys.keys()).collect();
    keys.sort_by_key(|key| natural(key));
    keys.dedup();
    let is_part = |key: &str| parts.is_some_and(|parts| index(parts.stem, key).is_some());
    let mut changes = Vec::new();
    for key in keys {
        let (was, is) = (before.keys.get(key), after.keys.get(key));
        if was == is || is_part(key) || (renamed && NAMES.contains(&(identity.prefix(), key))) {
            continue;
        }
        changes.extend(of_key(names::form(identity, key), key, was, is));
    }
    if let Some(parts) = parts {
        changes.extend(of_parts(parts, before, after));
    }
    changes
}

/// The changes of one key: by property where both values have properties, else as a whole.
fn of_key(form: Form, key: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<AttributeChange> {
    let properties = |value: Option<&Value>| match (value, form) {
        (Some(Value::String(text)), Form::Properties(default)) => Some(by_property(text, default)),
        (Some(Value::Object(keys)), _) => Some(keys.iter().map(|(key, value)| (key.clone(), line(value))).collect()),
        _ => None,
    };
    let change = |property: Option<&String>, before: Option<String>, after: Option<String>| AttributeChange {
        key: key.to_owned(),
        property: property.cloned(),
        before,
        after,
    };
    let (Some(was), Some(is)) = (properties(before), properties(after)) else {
        return vec![change(None, before.map(line), after.map(line))];
    };
    // `memory: 4096` is told without the name of its only property, `current`.
    let is_bare = |items: &BTreeMap<String, String>| matches!(form, Form::Properties(Some(default)) if items.len() == 1 && items.contains_key(default));
    if is_bare(&was) && is_bare(&is) {
        return if was == is {
            Vec::new()
        } else {
            vec![change(None, was.into_values().next(), is.into_values().next())]
        };
    }
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let differs = |name: &&String| was.get(*name) != is.get(*name);
    let names = names.into_iter().filter(differs);
    names.map(|name| change(Some(name), was.get(name).cloned(), is.get(name).cloned())).collect()
}

/// The items of a property string by their keys; the bare item stands under the format's default key. A network card
/// names its model and its address in one item, `virtio=BC:24:11:00:00:01`, which becomes two.
fn by_property(text: &str, default: Option<&str>) -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    for (name, value) in Properties::parse(text).iter() {
        match name {
            Some(model) if default == Some("model") && Mac::parse(value).is_some() && model != "macaddr" => {
                items.insert("model".to_owned(), model.to_owned());
                items.insert("macaddr".to_owned(), value.to_owned());
            }
            _ => {
                items.insert(name.or(default).unwrap_or_default().to_owned(), value.to_owned());
            }
        }
    }
    items
}

/// The changes of rules or addresses: what was put in, taken out, or changed in its place.
fn of_parts(parts: Parts, before: &ObjectState, after: &ObjectState) -> Vec<AttributeChange> {
    let rows = |state: &'_ ObjectState| -> Vec<Value> {
        let mut rows: Vec<_> =
            state.keys.iter().filter_map(|(key, value)| Some((index(parts.stem, key)?, value.clone()))).collect();
        rows.sort_by_key(|(position, _)| *position);
        rows.into_iter().map(|(_, value)| value).collect()
    };
    let (was, is) = (rows(before), rows(after));
    let start = was.iter().zip(&is).take_while(|(one, other)| one == other).count();
    let shorter = was.len().min(is.len()) - start;
    let end = was.iter().rev().zip(is.iter().rev()).take(shorter).take_while(|(one, other)| one == other).count();
    let (was_between, is_between) = (&was[start..was.len() - end], &is[start..is.len() - end]);
    let whole = |key: String, before: Option<&Value>, after: Option<&Value>| AttributeChange {
        key,
        property: None,
        before: before.map(line),
        after: after.map(line),
    };
    let key = |position: usize| format!("{}{position}", parts.stem);
    if was_between.len() == is_between.len() {
        let pairs = was_between.iter().zip(is_between).enumerate().filter(|(_, (one, other))| one != other);
        return pairs
            .flat_map(|(offset, (one, other))| of_key(Form::Structure, &key(start + offset), Some(one), Some(other)))
            .collect();
    }
    let kept = common(was_between, is_between);
    let removed = (0..was_between.len()).filter(|position| !kept.iter().any(|(one, _)| one == position));
    let added = (0..is_between.len()).filter(|position| !kept.iter().any(|(_, other)| other == position));
    let removed = removed.map(|position| whole(key(start + position), Some(&was_between[position]), None));
    let added = added.map(|position| whole(key(start + position), None, Some(&is_between[position])));
    removed.chain(added).collect()
}

/// The longest common subsequence of two lists of rules, as pairs of positions. Lists that are too long for it have none.
fn common(one: &[Value], other: &[Value]) -> Vec<(usize, usize)> {
    const LARGEST: usize = 1 << 20;
    if one.len().saturating_mul(other.len()) > LARGEST {
        return Vec::new();
    }
    let width = other.len() + 1;
    let mut lengths = vec![0_u32; (one.len() + 1) * width];
    for row in (0..one.len()).rev() {
        for column in (0..other.len()).rev() {
            lengths[row * width + column] = if one[row] == other[column] {
                lengths[(row + 1) * width + column + 1] + 1
            } else {
                lengths[(row + 1) * width + column].max(lengths[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    while row < one.len() && column < other.len() {
        if one[row] == other[column] {
            pairs.push((row, column));
            row += 1;
            column += 1;
        } else if lengths[(row + 1) * width + column] >= lengths[row * width + column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// Reports whether the key is a drive of a virtual machine or a volume of a container.
pub(super) fn is_drive(key: &str) -> bool {
    const DRIVES: [&str; 8] = ["efidisk0", "ide[n]", "mp[n]", "rootfs", "sata[n]", "scsi[n]", "tpmstate0", "virtio[n]"];
    DRIVES.iter().any(|pattern| matches(pattern, key))
}
