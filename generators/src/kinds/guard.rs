//! Checks for values that the provider may refuse: an accepted value becomes code; any other is omitted, ignored by Terraform and
//! kept in Ansible.

use std::ops::RangeInclusive;

use proxmox_mpc_model::Identity;
use serde_json::Value as Json;

use crate::draft::{Draft, Obstacle, RowResult};
use crate::hcl::Value;

/// Handles a value that the provider refuses or misreads: the attribute is omitted and ignored, and the key goes to Ansible.
pub(super) fn refuse(draft: &mut Draft<'_>, key: &str, attribute: &str, rule: &str) {
    draft.ignore(&[attribute], format!("the provider refuses `{key}` as it is (provider rule {rule})"));
    draft.not_in_provider(key, format!("the provider refuses this value (provider rule {rule})"));
}

/// Writes a text if the key is present and the text passes a check.
pub(super) fn passing(draft: &mut Draft<'_>, key: &str, attribute: &str, passes: impl Fn(&str) -> bool, rule: &str) {
    match draft.text(key) {
        Some(text) if passes(&text) => draft.set(attribute, text),
        Some(_) => refuse(draft, key, attribute, rule),
        None => {}
    }
}

/// Writes a text if it is one of the given words.
pub(super) fn worded(draft: &mut Draft<'_>, key: &str, attribute: &str, words: &[&str], rule: &str) {
    passing(draft, key, attribute, |text| words.contains(&text), rule);
}

/// Writes a whole number in a range. The provider reads JSON numbers only, so anything else is an obstacle.
pub(super) fn whole(draft: &mut Draft<'_>, key: &str, attribute: &str, range: &RangeInclusive<i64>) -> RowResult {
    let Some(value) = draft.take(key) else { return Ok(()) };
    let Some(number) = value.as_i64() else {
        return Err(Obstacle::new(format!("the provider cannot read `{key}`: it is not a whole number")).into());
    };
    if range.contains(&number) {
        draft.set(attribute, number);
    } else {
        refuse(draft, key, attribute, "J2");
    }
    Ok(())
}

/// Writes a switch if the key is present.
pub(super) fn switch(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    if draft.object.keys.contains_key(key) {
        let on = draft.flag(key);
        draft.set(attribute, on);
    }
}

/// Reads a switch in an object. As in `Draft::flag`, only a JSON 1 is true.
pub(super) fn inner_switch(draft: &Draft<'_>, key: &str, option: &str) -> Option<bool> {
    let value = draft.object.keys.get(key)?.get(option)?;
    Some(value.as_u64() == Some(1) || value.as_bool() == Some(true))
}

/// Writes a text if the key is present, even if it is empty.
pub(super) fn verbatim(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    let text = draft.text(key);
    draft.set_some(attribute, text);
}

/// Reference to an attribute of the object with this id, or the id as a literal if the object has no code.
pub(super) fn referred(draft: &Draft<'_>, prefix: &str, id: &str, attribute: &str) -> Value {
    draft.reference(&Identity::new(prefix, id), attribute).unwrap_or_else(|| id.into())
}

/// Reference to a guest by its VMID, if it has code. It is to `id`, because an imported container has no `vm_id`
/// (docs/provider.md, C2).
pub(super) fn guest(draft: &Draft<'_>, vmid: &str) -> Option<Value> {
    ["qemu", "lxc"].into_iter().find_map(|prefix| draft.reference(&Identity::new(prefix, vmid), "id"))
}

/// Text with a reference to a guest in it: `vm:100`.
pub(super) fn guest_within(draft: &Draft<'_>, before: &str, vmid: &str, after: &str) -> Value {
    match guest(draft, vmid) {
        Some(Value::Reference(reference)) => {
            Value::Template(vec![before.into(), Value::Reference(reference), after.into()])
        }
        _ => format!("{before}{vmid}{after}").into(),
    }
}

/// Checks that the keys are objects: the provider fails on text.
pub(super) fn objects(draft: &Draft<'_>, keys: &[&str]) -> RowResult {
    each(draft, keys, Json::is_object, "not an object")
}

/// Checks that the keys are text: the provider fails on lists and objects.
pub(super) fn texts(draft: &Draft<'_>, keys: &[&str]) -> RowResult {
    each(draft, keys, Json::is_string, "not a text")
}

fn each(draft: &Draft<'_>, keys: &[&str], fits: fn(&Json) -> bool, what: &str) -> RowResult {
    match keys.iter().find(|key| draft.object.keys.get(**key).is_some_and(|value| !fits(value))) {
        Some(key) => {
            Err(Obstacle::new(format!("the provider cannot read `{key}`: it is {what} (provider rule J3)")).into())
        }
        None => Ok(()),
    }
}

/// Parses node names with priorities (`pve1:2,pve2`) into the provider's map; `None` if it would refuse one.
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
