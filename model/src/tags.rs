//! Tags of guests that a cluster registers or lets its users set.

use serde_json::{Map, Value};

use crate::object::text;

/// The tags that options name: those of the administrators, and those that users may set.
pub(crate) fn of_options(options: &Map<String, Value>) -> impl Iterator<Item = String> {
    let registered = options.get("registered-tags");
    let listed = options.get("user-tag-access").and_then(|access| access.get("user-allow-list"));
    [registered, listed].into_iter().flatten().filter_map(Value::as_array).flatten().filter_map(text)
}
