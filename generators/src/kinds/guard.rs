//! Values that the provider may refuse: what it takes becomes code, the rest is left out, ignored, and Ansible's.

use std::ops::RangeInclusive;

use proxmox_mpc_model::Identity;
use serde_json::Value as Json;

use crate::draft::{Draft, Obstacle, RowResult};
use crate::hcl::Value;

/// The provider refuses the value of a key, or reads another than there is: the attribute is left out, where it may be.
pub(super) fn refuse(draft: &mut Draft<'_>, key: &str, attribute: &str, rule: &str) {
    draft.ignore(&[attribute], format!("the provider refuses `{key}` as it is (provider rule {rule})"));
    draft.not_in_provider(key, format!("the provider refuses this value (provider rule {rule})"));
}

/// A text that has to pass a check; written wherever the key is there.
pub(super) fn passing(draft: &mut Draft<'_>, key: &str, attribute: &str, passes: impl Fn(&str) -> bool, rule: &str) {
    match draft.text(key) {
        Some(text) if passes(&text) => draft.set(attribute, text),
        Some(_) => refuse(draft, key, attribute, rule),
        None => {}
    }
}

/// One of some words.
pub(super) fn worded(draft: &mut Draft<'_>, key: &str, attribute: &str, words: &[&str], rule: &str) {
    passing(draft, key, attribute, |text| words.contains(&text), rule);
}

/// A whole number, which the provider reads where it is one in JSON too, and nothing else.
pub(super) fn whole(draft: &mut Draft<'_>, key: &str, attribute: &str, range: &RangeInclusive<i64>) -> RowResult {
    let Some(value) = draft.take(key) else { return Ok(()) };
    let Some(number) = value.as_i64() else {
        return Err(Obstacle::new(format!("the provider cannot read `{key}`: it is no whole number")).into());
    };
    if range.contains(&number) {
        draft.set(attribute, number);
    } else {
        refuse(draft, key, attribute, "J2");
    }
    Ok(())
}

/// A switch that is written wherever the key is there.
pub(super) fn switch(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    if draft.object.keys.contains_key(key) {
        let on = draft.flag(key);
        draft.set(attribute, on);
    }
}

/// A switch within an object: as `Draft::flag`, only JSON's own 1 is true.
pub(super) fn inner_switch(draft: &Draft<'_>, key: &str, option: &str) -> Option<bool> {
    let value = draft.object.keys.get(key)?.get(option)?;
    Some(value.as_u64() == Some(1) || value.as_bool() == Some(true))
}

/// A text that is written wherever the key is there, be it empty.
pub(super) fn verbatim(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    let text = draft.text(key);
    draft.set_some(attribute, text);
}

/// An attribute of the object of this id, or the id where that has no code.
pub(super) fn referred(draft: &Draft<'_>, prefix: &str, id: &str, attribute: &str) -> Value {
    draft.reference(&Identity::new(prefix, id), attribute).unwrap_or_else(|| id.into())
}

/// The guest of this number, where it has code. Containers do not know their number after an import (docs/provider.md, C2):
/// both are referred to by `id`.
pub(super) fn guest(draft: &Draft<'_>, vmid: &str) -> Option<Value> {
    ["qemu", "lxc"].into_iter().find_map(|prefix| draft.reference(&Identity::new(prefix, vmid), "id"))
}

/// The same within a text: `vm:100`.
pub(super) fn guest_within(draft: &Draft<'_>, before: &str, vmid: &str, after: &str) -> Value {
    match guest(draft, vmid) {
        Some(Value::Reference(reference)) => {
            Value::Template(vec![before.into(), Value::Reference(reference), after.into()])
        }
        _ => format!("{before}{vmid}{after}").into(),
    }
}

/// The provider reads these keys where they are objects, and fails where they are text.
pub(super) fn objects(draft: &Draft<'_>, keys: &[&str]) -> RowResult {
    each(draft, keys, Json::is_object, "no object")
}

/// The provider reads these keys where they are text, and fails where they are lists or objects.
pub(super) fn texts(draft: &Draft<'_>, keys: &[&str]) -> RowResult {
    each(draft, keys, Json::is_string, "no text")
}

fn each(draft: &Draft<'_>, keys: &[&str], fits: fn(&Json) -> bool, what: &str) -> RowResult {
    match keys.iter().find(|key| draft.object.keys.get(**key).is_some_and(|value| !fits(value))) {
        Some(key) => {
            Err(Obstacle::new(format!("the provider cannot read `{key}`: it is {what} (provider rule J3)")).into())
        }
        None => Ok(()),
    }
}

/// Node names with priorities (`pve1:2,pve2`), as the map that the provider makes of them; `None` where it would refuse
/// one.
pub(super) fn priorities(text: &str) -> Option<Value> {
    let mut nodes = Vec::new();
    for node in text.split(',') {
        let (name, priority) = node.split_once(':').map_or((node, None), |(name, priority)| (name, Some(priority)));
        let priority = match priority {
            None => Value::Reference("null".to_owned()),
            Some(priority) => Value::Integer(priority.parse().ok().filter(|number| (0..=1000).contains(number))?),
        };
        if !crate::bpg::node_name(name) {
            return None;
        }
        nodes.push((name.to_owned(), priority));
    }
    nodes.sort_by(|(one, _), (other, _)| one.cmp(other));
    nodes.dedup_by(|(one, _), (other, _)| one == other);
    Some(Value::Map(nodes))
}
